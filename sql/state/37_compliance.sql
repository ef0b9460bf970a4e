-- Who must not be contacted, who agreed to be, by which rules, and the evidence of having kept them.

CREATE TABLE switchboard.do_not_call (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    phone_number text NOT NULL,
    channel switchboard.channel,
    reason text,
    source text,
    expires_at timestamptz,
    added_by uuid DEFAULT switchboard.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, phone_number, channel),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, added_by) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (added_by),
    CHECK (phone_number ~ '^\+[1-9][0-9]{4,14}$')
);
COMMENT ON TABLE switchboard.do_not_call IS
'Numbers that must not be contacted.';
COMMENT ON COLUMN switchboard.do_not_call.phone_number IS 'E.164.';
COMMENT ON COLUMN switchboard.do_not_call.channel IS 'Channel it holds for; null: all.';
COMMENT ON COLUMN switchboard.do_not_call.reason IS 'Why.';
COMMENT ON COLUMN switchboard.do_not_call.source IS 'Where it came from: disposition, stop-keyword, import, manual, ...';
COMMENT ON COLUMN switchboard.do_not_call.expires_at IS 'When it ends; null: never.';
COMMENT ON COLUMN switchboard.do_not_call.added_by IS 'Who added it.';
CREATE INDEX do_not_call_added_by_idx ON switchboard.do_not_call (tenant_id, added_by) WHERE added_by IS NOT NULL;
COMMENT ON INDEX switchboard.do_not_call_added_by_idx IS 'Keeps deleting a user cheap.';

CREATE TABLE switchboard.consents (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid,
    phone_number text,
    channel switchboard.channel NOT NULL,
    purpose text NOT NULL DEFAULT 'marketing',
    basis text NOT NULL,
    source text,
    scope text,
    evidence jsonb NOT NULL DEFAULT '{}',
    document_sha256 text,
    granted_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    revoke_source text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (contact_id),
    CHECK (phone_number ~ '^\+[1-9][0-9]{4,14}$'),
    CHECK (jsonb_typeof(evidence) = 'object'),
    CHECK (document_sha256 ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE switchboard.consents IS
'What contacts agreed to and took back, with evidence. Outlives the contact.';
COMMENT ON COLUMN switchboard.consents.contact_id IS 'Who agreed; emptied when the contact is erased.';
COMMENT ON COLUMN switchboard.consents.phone_number IS 'The number agreed to, E.164.';
COMMENT ON COLUMN switchboard.consents.channel IS 'Channel agreed to.';
COMMENT ON COLUMN switchboard.consents.purpose IS 'What for: marketing, service, ai_voice, recording, ...';
COMMENT ON COLUMN switchboard.consents.basis IS 'Legal basis: express, express_written, contract, legitimate_interest, ...';
COMMENT ON COLUMN switchboard.consents.source IS 'How it was given: web form, call, message, import, ...';
COMMENT ON COLUMN switchboard.consents.scope IS 'Which seller or brand it covers; null: the tenant.';
COMMENT ON COLUMN switchboard.consents.evidence IS 'Wording shown, address and browser it came from.';
COMMENT ON COLUMN switchboard.consents.document_sha256 IS 'Hash of the request as shown, lower-case hex.';
COMMENT ON COLUMN switchboard.consents.granted_at IS 'When it was given.';
COMMENT ON COLUMN switchboard.consents.expires_at IS 'When it ends by itself.';
COMMENT ON COLUMN switchboard.consents.revoked_at IS 'When it was taken back.';
COMMENT ON COLUMN switchboard.consents.revoke_source IS 'How it was taken back.';
CREATE INDEX consents_contact_idx ON switchboard.consents (tenant_id, contact_id, channel);
COMMENT ON INDEX switchboard.consents_contact_idx IS 'What a contact agreed to.';
CREATE INDEX consents_phone_idx ON switchboard.consents (tenant_id, phone_number, channel) WHERE phone_number IS NOT NULL;
COMMENT ON INDEX switchboard.consents_phone_idx IS 'What was agreed to for a number.';

CREATE TABLE switchboard.compliance_rules (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    region text NOT NULL,
    channel switchboard.channel,
    rule text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    parameters jsonb NOT NULL DEFAULT '{}',
    source text NOT NULL,
    source_date date,
    effective_from timestamptz NOT NULL DEFAULT '-infinity',
    effective_to timestamptz NOT NULL DEFAULT 'infinity',
    builtin boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (region, channel, rule, version, builtin),
    CHECK (region = '*' OR region ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    CHECK (jsonb_typeof(parameters) = 'object'),
    CHECK (effective_from < effective_to)
);
COMMENT ON TABLE switchboard.compliance_rules IS
'Rules of the law per region, as data. Shipped rows are replaced by updates; the installation''s own stand in for the shipped ones of
the same region, channel and rule.';
COMMENT ON COLUMN switchboard.compliance_rules.id IS 'Key, time ordered.';
COMMENT ON COLUMN switchboard.compliance_rules.region IS 'ISO 3166 country or subdivision (US, US-FL); * for everywhere.';
COMMENT ON COLUMN switchboard.compliance_rules.channel IS 'Channel it holds for; null: all.';
COMMENT ON COLUMN switchboard.compliance_rules.rule IS 'What is ruled: calling_window, holidays, frequency_cap, abandon_lockout, artificial_voice_consent.';
COMMENT ON COLUMN switchboard.compliance_rules.version IS 'Counts up with every change of the rule.';
COMMENT ON COLUMN switchboard.compliance_rules.parameters IS 'The rule''s figures.';
COMMENT ON COLUMN switchboard.compliance_rules.source IS 'Law or other source.';
COMMENT ON COLUMN switchboard.compliance_rules.source_date IS 'State of the source.';
COMMENT ON COLUMN switchboard.compliance_rules.effective_from IS 'Holds from.';
COMMENT ON COLUMN switchboard.compliance_rules.effective_to IS 'Holds until.';
COMMENT ON COLUMN switchboard.compliance_rules.builtin IS 'Shipped with the extension, therefore not dumped.';
COMMENT ON COLUMN switchboard.compliance_rules.created_at IS 'When the row was made.';
COMMENT ON COLUMN switchboard.compliance_rules.updated_at IS 'When the row was last changed, kept by trigger.';

CREATE TABLE switchboard.compliance_overrides (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    region text NOT NULL DEFAULT '*',
    channel switchboard.channel,
    rule text NOT NULL,
    parameters jsonb NOT NULL DEFAULT '{}',
    reason text NOT NULL,
    relaxes boolean NOT NULL,
    set_by uuid DEFAULT switchboard.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, region, channel, rule),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, set_by) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (set_by),
    CHECK (region = '*' OR region ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    CHECK (btrim(reason) <> ''),
    CHECK (jsonb_typeof(parameters) = 'object')
);
COMMENT ON TABLE switchboard.compliance_overrides IS
'Where a tenant departs from the rules: stricter, or laxer on an admin''s word.';
COMMENT ON COLUMN switchboard.compliance_overrides.region IS 'As in compliance_rules.';
COMMENT ON COLUMN switchboard.compliance_overrides.channel IS 'As in compliance_rules.';
COMMENT ON COLUMN switchboard.compliance_overrides.rule IS 'As in compliance_rules.';
COMMENT ON COLUMN switchboard.compliance_overrides.parameters IS 'The tenant''s figures.';
COMMENT ON COLUMN switchboard.compliance_overrides.reason IS 'Why.';
COMMENT ON COLUMN switchboard.compliance_overrides.relaxes IS 'Whether it is laxer than the rule when it was set, and so stands in its place; else it holds on top. Kept by trigger.';
COMMENT ON COLUMN switchboard.compliance_overrides.set_by IS 'On whose word.';
CREATE INDEX compliance_overrides_set_by_idx ON switchboard.compliance_overrides (tenant_id, set_by) WHERE set_by IS NOT NULL;
COMMENT ON INDEX switchboard.compliance_overrides_set_by_idx IS 'Keeps deleting a user cheap.';

-- Evidence: written once, refers to nothing that may be deleted.
CREATE TABLE switchboard.dispatch_decisions (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    subject_id uuid,
    campaign_id uuid,
    phone_number text,
    channel switchboard.channel NOT NULL,
    stage switchboard.decision_stage NOT NULL,
    allowed boolean NOT NULL,
    codes text[] NOT NULL DEFAULT '{}',
    rule_versions jsonb NOT NULL DEFAULT '{}',
    zones text[] NOT NULL DEFAULT '{}',
    retry_at timestamptz,
    decided_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.dispatch_decisions IS
'Why somebody was or was not contacted: one row per decision, with all that was considered. Append only.';
COMMENT ON COLUMN switchboard.dispatch_decisions.subject_id IS 'What it was about: call_logs, dialer_queues, campaign_contacts or messages row.';
COMMENT ON COLUMN switchboard.dispatch_decisions.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.dispatch_decisions.phone_number IS 'The number, E.164.';
COMMENT ON COLUMN switchboard.dispatch_decisions.channel IS 'The channel.';
COMMENT ON COLUMN switchboard.dispatch_decisions.stage IS 'On queueing or before sending.';
COMMENT ON COLUMN switchboard.dispatch_decisions.allowed IS 'Whether it may be sent.';
COMMENT ON COLUMN switchboard.dispatch_decisions.codes IS 'Every reason against it.';
COMMENT ON COLUMN switchboard.dispatch_decisions.rule_versions IS 'The rules applied, with their versions.';
COMMENT ON COLUMN switchboard.dispatch_decisions.zones IS 'The time zones considered.';
COMMENT ON COLUMN switchboard.dispatch_decisions.retry_at IS 'When it may be tried again; null: never.';
COMMENT ON COLUMN switchboard.dispatch_decisions.decided_at IS 'When it was decided.';
CREATE INDEX dispatch_decisions_subject_idx ON switchboard.dispatch_decisions (tenant_id, subject_id);
COMMENT ON INDEX switchboard.dispatch_decisions_subject_idx IS 'The decisions about one call or message.';
CREATE INDEX dispatch_decisions_campaign_idx ON switchboard.dispatch_decisions (tenant_id, campaign_id, decided_at DESC);
COMMENT ON INDEX switchboard.dispatch_decisions_campaign_idx IS 'A campaign''s decisions, newest first.';
CREATE INDEX dispatch_decisions_refused_idx ON switchboard.dispatch_decisions (tenant_id, decided_at) WHERE NOT allowed;
COMMENT ON INDEX switchboard.dispatch_decisions_refused_idx IS 'Who was refused when: refusals().';
