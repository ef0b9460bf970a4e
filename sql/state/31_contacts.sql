-- The contact book and what is known about the people in it.

CREATE TABLE switchboard.contacts (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    phone_number text NOT NULL,
    name text,
    first_name text,
    last_name text,
    email text,
    company text,
    position text,
    lead_status switchboard.lead_status NOT NULL DEFAULT 'new',
    lead_score integer NOT NULL DEFAULT 0,
    source text,
    notes text,
    timezone text,
    locale text,
    has_whatsapp boolean NOT NULL DEFAULT false,
    allows_sms boolean NOT NULL DEFAULT true,
    whatsapp_jid text,
    last_active_channel switchboard.channel,
    best_call_start time,
    best_call_end time,
    last_contact_at timestamptz,
    next_follow_up_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, phone_number),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (phone_number ~ '^\+[1-9][0-9]{4,14}$'),
    CHECK (lead_score BETWEEN 0 AND 100),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.contacts IS
'The contact book, shared by all channels: one row per phone number of a tenant.';
COMMENT ON COLUMN switchboard.contacts.phone_number IS 'E.164, as normalize_phone() gives it.';
COMMENT ON COLUMN switchboard.contacts.name IS 'Full name as shown.';
COMMENT ON COLUMN switchboard.contacts.first_name IS 'Given name.';
COMMENT ON COLUMN switchboard.contacts.last_name IS 'Family name.';
COMMENT ON COLUMN switchboard.contacts.email IS 'E-mail address.';
COMMENT ON COLUMN switchboard.contacts.company IS 'Employer.';
COMMENT ON COLUMN switchboard.contacts.position IS 'Job title.';
COMMENT ON COLUMN switchboard.contacts.lead_status IS 'How far the contact has come.';
COMMENT ON COLUMN switchboard.contacts.lead_score IS 'Worth of the lead, 0 to 100.';
COMMENT ON COLUMN switchboard.contacts.source IS 'Where the contact came from.';
COMMENT ON COLUMN switchboard.contacts.notes IS 'Free text of agents.';
COMMENT ON COLUMN switchboard.contacts.timezone IS 'IANA zone if known; else it is derived from the number.';
COMMENT ON COLUMN switchboard.contacts.locale IS 'BCP 47 language tag for texts and voices.';
COMMENT ON COLUMN switchboard.contacts.has_whatsapp IS 'Whether WhatsApp reaches the number.';
COMMENT ON COLUMN switchboard.contacts.allows_sms IS 'False: no SMS is sent.';
COMMENT ON COLUMN switchboard.contacts.whatsapp_jid IS 'WhatsApp address when it differs from the number.';
COMMENT ON COLUMN switchboard.contacts.last_active_channel IS 'Channel of the contact''s last sign of life.';
COMMENT ON COLUMN switchboard.contacts.best_call_start IS 'Start of the hours the contact prefers, in their zone.';
COMMENT ON COLUMN switchboard.contacts.best_call_end IS 'End of the hours the contact prefers, in their zone.';
COMMENT ON COLUMN switchboard.contacts.last_contact_at IS 'When we last spoke or wrote to each other.';
COMMENT ON COLUMN switchboard.contacts.next_follow_up_at IS 'When somebody should get in touch again.';
COMMENT ON COLUMN switchboard.contacts.metadata IS 'The application''s own fields.';
CREATE INDEX contacts_email_idx ON switchboard.contacts (tenant_id, lower(email)) WHERE email IS NOT NULL;
COMMENT ON INDEX switchboard.contacts_email_idx IS 'Finds customers by e-mail address.';
CREATE INDEX contacts_follow_up_idx ON switchboard.contacts (tenant_id, next_follow_up_at) WHERE next_follow_up_at IS NOT NULL;
COMMENT ON INDEX switchboard.contacts_follow_up_idx IS 'Who is due for a follow-up.';

CREATE TABLE switchboard.deals (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid NOT NULL,
    user_id uuid DEFAULT switchboard.current_user_id(),
    title text NOT NULL,
    value numeric(12,2) NOT NULL DEFAULT 0,
    currency text,
    stage text NOT NULL DEFAULT 'prospecting',
    probability integer,
    expected_close_date date,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    CHECK (value >= 0),
    CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK (probability BETWEEN 0 AND 100),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.deals IS
'Business that may come of a contact.';
COMMENT ON COLUMN switchboard.deals.contact_id IS 'Whom the deal is with.';
COMMENT ON COLUMN switchboard.deals.user_id IS 'Whose deal it is; null: anybody''s.';
COMMENT ON COLUMN switchboard.deals.title IS 'What is to be sold.';
COMMENT ON COLUMN switchboard.deals.value IS 'Worth in currency.';
COMMENT ON COLUMN switchboard.deals.currency IS 'ISO 4217; null: the tenant''s.';
COMMENT ON COLUMN switchboard.deals.stage IS 'Step of the tenant''s sales process; closed_won and closed_lost are over.';
COMMENT ON COLUMN switchboard.deals.probability IS 'Chance of winning in percent.';
COMMENT ON COLUMN switchboard.deals.expected_close_date IS 'When it should be decided.';
COMMENT ON COLUMN switchboard.deals.metadata IS 'The application''s own fields.';
CREATE INDEX deals_contact_idx ON switchboard.deals (tenant_id, contact_id, created_at DESC);
COMMENT ON INDEX switchboard.deals_contact_idx IS 'A contact''s deals, newest first.';
CREATE INDEX deals_user_idx ON switchboard.deals (tenant_id, user_id);
COMMENT ON INDEX switchboard.deals_user_idx IS 'An agent''s deals.';

CREATE TABLE switchboard.tasks (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid,
    user_id uuid DEFAULT switchboard.current_user_id(),
    title text NOT NULL,
    description text,
    due_date date,
    priority switchboard.task_priority NOT NULL DEFAULT 'medium',
    status switchboard.task_status NOT NULL DEFAULT 'pending',
    completed_at timestamptz,
    call_log_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id)
);
COMMENT ON TABLE switchboard.tasks IS
'Things to do, mostly for a contact.';
COMMENT ON COLUMN switchboard.tasks.contact_id IS 'Whom the task is about.';
COMMENT ON COLUMN switchboard.tasks.user_id IS 'Who is to do it; null: anybody.';
COMMENT ON COLUMN switchboard.tasks.title IS 'What is to be done.';
COMMENT ON COLUMN switchboard.tasks.description IS 'More about it.';
COMMENT ON COLUMN switchboard.tasks.due_date IS 'Last day for it.';
COMMENT ON COLUMN switchboard.tasks.priority IS 'Urgency.';
COMMENT ON COLUMN switchboard.tasks.status IS 'Progress.';
COMMENT ON COLUMN switchboard.tasks.completed_at IS 'When it was done.';
COMMENT ON COLUMN switchboard.tasks.call_log_id IS 'The call it came from.';
CREATE INDEX tasks_contact_idx ON switchboard.tasks (tenant_id, contact_id, due_date);
COMMENT ON INDEX switchboard.tasks_contact_idx IS 'A contact''s tasks by day.';
CREATE INDEX tasks_user_idx ON switchboard.tasks (tenant_id, user_id, due_date) WHERE status IN ('pending', 'in_progress');
COMMENT ON INDEX switchboard.tasks_user_idx IS 'An agent''s open tasks by day.';

CREATE TABLE switchboard.activities (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid NOT NULL,
    user_id uuid DEFAULT switchboard.current_user_id(),
    kind text NOT NULL,
    subject text,
    detail text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.activities IS
'What happened with a contact, as the CRM shows it.';
COMMENT ON COLUMN switchboard.activities.contact_id IS 'Whom it happened with.';
COMMENT ON COLUMN switchboard.activities.user_id IS 'Who did it.';
COMMENT ON COLUMN switchboard.activities.kind IS 'call, message, note, purchase, ...';
COMMENT ON COLUMN switchboard.activities.subject IS 'Headline.';
COMMENT ON COLUMN switchboard.activities.detail IS 'More about it.';
COMMENT ON COLUMN switchboard.activities.occurred_at IS 'When it happened.';
COMMENT ON COLUMN switchboard.activities.metadata IS 'The application''s own fields.';
CREATE INDEX activities_contact_idx ON switchboard.activities (tenant_id, contact_id, occurred_at DESC);
COMMENT ON INDEX switchboard.activities_contact_idx IS 'A contact''s history, newest first.';
CREATE INDEX activities_user_idx ON switchboard.activities (tenant_id, user_id);
COMMENT ON INDEX switchboard.activities_user_idx IS 'Keeps deleting a user cheap.';
