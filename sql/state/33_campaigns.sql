-- Campaigns, the people on their lists, and the queue that the dialer works off.

CREATE TABLE switchboard.campaigns (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid DEFAULT switchboard.current_user_id(),
    name text NOT NULL,
    description text,
    type switchboard.campaign_type NOT NULL DEFAULT 'manual',
    status switchboard.campaign_status NOT NULL DEFAULT 'draft',
    caller_id text,
    script text,
    max_attempts integer NOT NULL DEFAULT 3,
    retry_interval integer NOT NULL DEFAULT 3600,
    active_hours jsonb NOT NULL DEFAULT '{"start":"09:00","end":"17:00"}',
    timezone text,
    product_id uuid,
    discount_percent numeric(5,2),
    max_abandon_rate numeric(5,4) NOT NULL DEFAULT 0.03,
    dial_level numeric(6,2) NOT NULL DEFAULT 1,
    cron_schedule text,
    next_run_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    ran_out boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES switchboard.products (tenant_id, id) ON DELETE SET NULL (product_id),
    CHECK (name <> ''),
    CHECK (max_attempts >= 1),
    CHECK (retry_interval >= 0),
    CHECK (jsonb_typeof(active_hours) = 'object'),
    CHECK (timezone <> ''),
    CHECK (discount_percent BETWEEN 0 AND 100),
    CHECK (max_abandon_rate BETWEEN 0 AND 1),
    CHECK (dial_level >= 0 AND dial_level <> 'NaN'),
    CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE switchboard.campaigns IS
'Dialing campaigns. Read and written through the view dialer_campaigns, which adds stats.';
COMMENT ON COLUMN switchboard.campaigns.user_id IS 'Whose campaign it is; null: anybody''s.';
COMMENT ON COLUMN switchboard.campaigns.name IS 'Name as shown.';
COMMENT ON COLUMN switchboard.campaigns.description IS 'What it is for.';
COMMENT ON COLUMN switchboard.campaigns.type IS 'How it dials.';
COMMENT ON COLUMN switchboard.campaigns.status IS 'Where it stands; only active campaigns dial.';
COMMENT ON COLUMN switchboard.campaigns.caller_id IS 'Number shown to the called, E.164; null: the provider account''s.';
COMMENT ON COLUMN switchboard.campaigns.script IS 'Mustache template of what is said; null: the built-in one.';
COMMENT ON COLUMN switchboard.campaigns.max_attempts IS 'How often a person is tried in all; settings.retry_rules can say otherwise per outcome.';
COMMENT ON COLUMN switchboard.campaigns.retry_interval IS 'Seconds to the next try, 30 days at most; settings.retry_rules can say otherwise per outcome.';
COMMENT ON COLUMN switchboard.campaigns.active_hours IS 'When people may be called, in their own zone; see next_call_time().';
COMMENT ON COLUMN switchboard.campaigns.timezone IS 'IANA zone for people whose own is not known, and of reports; null: the tenant''s.';
COMMENT ON COLUMN switchboard.campaigns.product_id IS 'The product that the campaign is about.';
COMMENT ON COLUMN switchboard.campaigns.discount_percent IS 'Discount of its coupons in percent.';
COMMENT ON COLUMN switchboard.campaigns.max_abandon_rate IS 'Highest share of answered calls that may find no agent.';
COMMENT ON COLUMN switchboard.campaigns.dial_level IS 'Lines dialed per free agent in power mode.';
COMMENT ON COLUMN switchboard.campaigns.cron_schedule IS 'When pg_cron runs it; null: not scheduled.';
COMMENT ON COLUMN switchboard.campaigns.next_run_at IS 'When the next scheduled run is due.';
COMMENT ON COLUMN switchboard.campaigns.started_at IS 'When it first became active.';
COMMENT ON COLUMN switchboard.campaigns.completed_at IS 'When it was completed.';
COMMENT ON COLUMN switchboard.campaigns.ran_out IS 'Completed because nobody was left to call; new contacts make it active again.';
COMMENT ON COLUMN switchboard.campaigns.settings IS 'Everything else: retry_rules, caps, max_lines, ring_timeout, ring_expiry, talk_expiry, skills, script variables, ...';
CREATE INDEX campaigns_status_idx ON switchboard.campaigns (tenant_id, status);
COMMENT ON INDEX switchboard.campaigns_status_idx IS 'A tenant''s campaigns by status.';
CREATE INDEX campaigns_dialing_idx ON switchboard.campaigns (id) WHERE status = 'active' AND type IN ('power', 'predictive');
COMMENT ON INDEX switchboard.campaigns_dialing_idx IS 'Campaigns that dial by themselves, looked at ahead of every claim.';
CREATE INDEX campaigns_user_idx ON switchboard.campaigns (tenant_id, user_id);
COMMENT ON INDEX switchboard.campaigns_user_idx IS 'An agent''s campaigns.';
CREATE INDEX campaigns_product_idx ON switchboard.campaigns (tenant_id, product_id) WHERE product_id IS NOT NULL;
COMMENT ON INDEX switchboard.campaigns_product_idx IS 'Campaigns about a product, for price and stock triggers.';
CREATE INDEX campaigns_due_idx ON switchboard.campaigns (next_run_at) WHERE status = 'active' AND next_run_at IS NOT NULL;
COMMENT ON INDEX switchboard.campaigns_due_idx IS 'Which scheduled runs are due.';

-- No reference for last_call_id: it would make the references circular, and calls may be deleted before the list is.
-- fillfactor leaves room for the several updates that each row gets.
CREATE TABLE switchboard.campaign_contacts (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid NOT NULL,
    contact_id uuid,
    phone_number text NOT NULL,
    first_name text,
    last_name text,
    email text,
    company text,
    status switchboard.campaign_contact_status NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_outcome text,
    next_attempt_at timestamptz,
    last_call_id uuid,
    priority integer NOT NULL DEFAULT 0,
    assigned_to uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    tries jsonb NOT NULL DEFAULT '{}',
    recycled_attempts integer NOT NULL DEFAULT 0,
    lead_score integer NOT NULL DEFAULT 0,
    best_hours text,
    UNIQUE (tenant_id, id),
    UNIQUE (campaign_id, phone_number),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (contact_id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (assigned_to),
    CHECK (phone_number ~ '^\+[1-9][0-9]{4,14}$'),
    CHECK (attempts >= 0),
    CHECK (recycled_attempts >= 0),
    CHECK (jsonb_typeof(metadata) = 'object'),
    CHECK (jsonb_typeof(tries) = 'object')
) WITH (fillfactor = 85);
COMMENT ON TABLE switchboard.campaign_contacts IS
'The people on a campaign''s list: one row per number and campaign.';
COMMENT ON COLUMN switchboard.campaign_contacts.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.campaign_contacts.contact_id IS 'The same person in the contact book.';
COMMENT ON COLUMN switchboard.campaign_contacts.phone_number IS 'Number to call, E.164.';
COMMENT ON COLUMN switchboard.campaign_contacts.first_name IS 'Given name.';
COMMENT ON COLUMN switchboard.campaign_contacts.last_name IS 'Family name.';
COMMENT ON COLUMN switchboard.campaign_contacts.email IS 'E-mail address.';
COMMENT ON COLUMN switchboard.campaign_contacts.company IS 'Employer.';
COMMENT ON COLUMN switchboard.campaign_contacts.status IS 'Where the person stands.';
COMMENT ON COLUMN switchboard.campaign_contacts.attempts IS 'How often they were called.';
COMMENT ON COLUMN switchboard.campaign_contacts.last_attempt_at IS 'When they were last called.';
COMMENT ON COLUMN switchboard.campaign_contacts.last_outcome IS 'How the last attempt ended (busy, no-answer, ...); settings.retry_rules of the campaign go by it.';
COMMENT ON COLUMN switchboard.campaign_contacts.next_attempt_at IS 'When they may be called next; null while failed: attempts are used up.';
COMMENT ON COLUMN switchboard.campaign_contacts.last_call_id IS 'The last call (call_logs.id); the call itself may be gone.';
COMMENT ON COLUMN switchboard.campaign_contacts.priority IS 'Higher is called first.';
COMMENT ON COLUMN switchboard.campaign_contacts.assigned_to IS 'The agent who promised to call back.';
COMMENT ON COLUMN switchboard.campaign_contacts.metadata IS 'The application''s own fields, available to scripts.';
COMMENT ON COLUMN switchboard.campaign_contacts.tries IS 'How the tries ended since the list was last recycled: {"busy": 2, ...}; settings.retry_rules count by it.';
COMMENT ON COLUMN switchboard.campaign_contacts.recycled_attempts IS 'The attempts made before the list was last recycled: no limit counts them.';
COMMENT ON COLUMN switchboard.campaign_contacts.lead_score IS 'That of the contact, kept here for the order of calling.';
COMMENT ON COLUMN switchboard.campaign_contacts.best_hours IS 'When the contact likes to be called, kept here for the order of calling: minutes of the day and zone; null: not known.';
CREATE INDEX campaign_contacts_fresh_idx ON switchboard.campaign_contacts (campaign_id, priority DESC, lead_score DESC, id)
    INCLUDE (best_hours) WHERE status = 'pending' AND next_attempt_at IS NULL;
COMMENT ON INDEX switchboard.campaign_contacts_fresh_idx IS 'Who has not been called yet, in the order of calling.';
CREATE INDEX campaign_contacts_best_idx ON switchboard.campaign_contacts (campaign_id, priority, lead_score, best_hours, id)
    WHERE status = 'pending' AND next_attempt_at IS NULL AND best_hours IS NOT NULL;
COMMENT ON INDEX switchboard.campaign_contacts_best_idx IS 'Of those, among equals, whose best hours are known.';
CREATE INDEX campaign_contacts_due_idx ON switchboard.campaign_contacts (campaign_id, status, next_attempt_at)
    WHERE status IN ('pending', 'failed', 'callback') AND next_attempt_at IS NOT NULL;
COMMENT ON INDEX switchboard.campaign_contacts_due_idx IS 'Who is to be tried again, or was put off, and when.';
CREATE INDEX campaign_contacts_calling_idx ON switchboard.campaign_contacts (campaign_id) WHERE status = 'calling';
COMMENT ON INDEX switchboard.campaign_contacts_calling_idx IS 'Who is being called: lines in use, and whether a campaign is over.';
CREATE INDEX campaign_contacts_contact_idx ON switchboard.campaign_contacts (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
COMMENT ON INDEX switchboard.campaign_contacts_contact_idx IS 'The lists that a contact is on.';
CREATE INDEX campaign_contacts_assigned_idx ON switchboard.campaign_contacts (tenant_id, assigned_to) WHERE assigned_to IS NOT NULL;
COMMENT ON INDEX switchboard.campaign_contacts_assigned_idx IS 'The callbacks that an agent promised.';

-- Derived, therefore not dumped: the triggers of campaign_contacts make it anew on restore. Without a reference to the
-- campaign, whose KEY SHARE lock would make concurrent writers of one campaign touch the same row.
CREATE TABLE switchboard.campaign_stat_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    n_total bigint NOT NULL DEFAULT 0,
    n_pending bigint NOT NULL DEFAULT 0,
    n_calling bigint NOT NULL DEFAULT 0,
    n_completed bigint NOT NULL DEFAULT 0,
    n_failed bigint NOT NULL DEFAULT 0,
    n_do_not_call bigint NOT NULL DEFAULT 0,
    n_callback bigint NOT NULL DEFAULT 0,
    n_exhausted bigint NOT NULL DEFAULT 0,
    n_tried bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE switchboard.campaign_stat_deltas IS
'Changes to the statistics of campaigns, one row per campaign and statement; summed by readers, folded now and then.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.id IS 'Order of appending.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.tenant_id IS 'The tenant that the row belongs to.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_total IS 'People on the list.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_pending IS 'Of these, pending.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_calling IS 'Of these, being called.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_completed IS 'Of these, completed.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_failed IS 'Of these, failed.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_do_not_call IS 'Of these, do-not-call.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_callback IS 'Of these, waiting for a callback.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_exhausted IS 'Of the failed ones, those with no attempt left.';
COMMENT ON COLUMN switchboard.campaign_stat_deltas.n_tried IS 'People who were called at least once.';

CREATE TABLE switchboard.campaign_runs (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    queued integer NOT NULL DEFAULT 0,
    skipped jsonb NOT NULL DEFAULT '{}',
    source text NOT NULL DEFAULT 'manual',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE CASCADE,
    CHECK (queued >= 0),
    CHECK (jsonb_typeof(skipped) = 'object')
);
COMMENT ON TABLE switchboard.campaign_runs IS
'What each run of a campaign moved into the queue and what it passed over.';
COMMENT ON COLUMN switchboard.campaign_runs.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.campaign_runs.started_at IS 'When the run began.';
COMMENT ON COLUMN switchboard.campaign_runs.finished_at IS 'When it ended; null: it did not.';
COMMENT ON COLUMN switchboard.campaign_runs.queued IS 'How many people it moved into the queue.';
COMMENT ON COLUMN switchboard.campaign_runs.skipped IS 'How many it passed over, by reason.';
COMMENT ON COLUMN switchboard.campaign_runs.source IS 'Who asked for it: manual, schedule, worker.';
CREATE INDEX campaign_runs_campaign_idx ON switchboard.campaign_runs (tenant_id, campaign_id, started_at DESC);
COMMENT ON INDEX switchboard.campaign_runs_campaign_idx IS 'A campaign''s runs, newest first.';

-- No row for a campaign: every agent with the skills it wants may serve it.
CREATE TABLE switchboard.campaign_agents (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, campaign_id, user_id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.campaign_agents IS
'The agents of a campaign; one without rows is served by every agent who has the skills in its settings.';
COMMENT ON COLUMN switchboard.campaign_agents.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.campaign_agents.user_id IS 'The agent.';
CREATE INDEX campaign_agents_user_idx ON switchboard.campaign_agents (tenant_id, user_id);
COMMENT ON INDEX switchboard.campaign_agents_user_idx IS 'The campaigns of an agent.';
