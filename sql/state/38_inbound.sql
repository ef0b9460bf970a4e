-- What comes in: webhooks of providers and requests of customers.

CREATE TABLE switchboard.support_requests (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_email text,
    user_ref text,
    contact_id uuid,
    phone_number text,
    subject text NOT NULL,
    description text,
    priority switchboard.support_priority NOT NULL DEFAULT 'medium',
    status switchboard.support_status NOT NULL DEFAULT 'pending',
    assigned_to uuid,
    call_log_id uuid,
    resolution text,
    resolved_at timestamptz,
    source text NOT NULL DEFAULT 'application',
    callback_at timestamptz,
    -- Since when it waits: a request since it came, a callback since the time that it was asked for.
    due_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(callback_at, created_at)) STORED,
    address_hash bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (contact_id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (assigned_to),
    FOREIGN KEY (tenant_id, call_log_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_log_id),
    CHECK (phone_number ~ '^\+[1-9][0-9]{4,14}$'),
    CHECK (subject <> ''),
    CHECK (source <> ''),
    CHECK (callback_at IS NULL OR phone_number IS NOT NULL)
);
COMMENT ON TABLE switchboard.support_requests IS
'Requests for help, from forms, calls and messages.';
COMMENT ON COLUMN switchboard.support_requests.user_email IS 'E-mail address as given by the customer.';
COMMENT ON COLUMN switchboard.support_requests.user_ref IS 'The application''s own id of the customer.';
COMMENT ON COLUMN switchboard.support_requests.contact_id IS 'The contact, if known.';
COMMENT ON COLUMN switchboard.support_requests.phone_number IS 'Where to call back, E.164.';
COMMENT ON COLUMN switchboard.support_requests.subject IS 'Headline.';
COMMENT ON COLUMN switchboard.support_requests.description IS 'More about it.';
COMMENT ON COLUMN switchboard.support_requests.priority IS 'Urgency.';
COMMENT ON COLUMN switchboard.support_requests.status IS 'Progress.';
COMMENT ON COLUMN switchboard.support_requests.assigned_to IS 'The agent who looks after it.';
COMMENT ON COLUMN switchboard.support_requests.call_log_id IS 'The call it came from or led to.';
COMMENT ON COLUMN switchboard.support_requests.resolution IS 'How it was resolved.';
COMMENT ON COLUMN switchboard.support_requests.resolved_at IS 'When it was resolved.';
COMMENT ON COLUMN switchboard.support_requests.source IS 'Where it came from: staff, application and form (the public), callback, voicemail, ...';
COMMENT ON COLUMN switchboard.support_requests.callback_at IS 'When the customer wants to be called back, not before; null: it is no callback.';
COMMENT ON COLUMN switchboard.support_requests.due_at IS 'Since when it waits, or will: callback_at, else created_at.';
COMMENT ON COLUMN switchboard.support_requests.address_hash IS 'Hash of the network address it came from, with a key that is thrown away after a day; null: no public form.';
CREATE INDEX support_requests_queue_idx ON switchboard.support_requests (tenant_id, priority DESC, due_at, id) WHERE status = 'pending';
COMMENT ON INDEX switchboard.support_requests_queue_idx IS 'Waiting requests in the order in which they are served.';
CREATE INDEX support_requests_created_idx ON switchboard.support_requests (tenant_id, created_at DESC);
COMMENT ON INDEX switchboard.support_requests_created_idx IS 'A tenant''s requests, newest first; also how many came lately.';
CREATE INDEX support_requests_contact_idx ON switchboard.support_requests (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
COMMENT ON INDEX switchboard.support_requests_contact_idx IS 'A contact''s requests.';
CREATE INDEX support_requests_assigned_idx ON switchboard.support_requests (tenant_id, assigned_to) WHERE assigned_to IS NOT NULL;
COMMENT ON INDEX switchboard.support_requests_assigned_idx IS 'An agent''s requests.';
CREATE INDEX support_requests_call_idx ON switchboard.support_requests (tenant_id, call_log_id) WHERE call_log_id IS NOT NULL;
COMMENT ON INDEX switchboard.support_requests_call_idx IS 'The request of a call.';

-- Derived, never dumped. Its row is also the lock of what is counted per tenant and hour.
CREATE TABLE switchboard.address_keys (
    tenant_id uuid PRIMARY KEY,
    key bytea NOT NULL,
    made_at timestamptz NOT NULL,
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (length(key) = 32)
) WITH (fillfactor = 50);
COMMENT ON TABLE switchboard.address_keys IS
'Keys with which network addresses become hashes (support_requests.address_hash), so that they can be counted and not be read. Each is
made anew after a day; from then on nobody can find out by trying which address a hash was.';
COMMENT ON COLUMN switchboard.address_keys.key IS '32 random bytes.';
COMMENT ON COLUMN switchboard.address_keys.made_at IS 'When it was made.';

-- The body is kept as bytes: signatures are over the exact bytes, and what cannot be parsed is kept too.
CREATE TABLE switchboard.webhook_inbox (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    account_id uuid,
    provider text NOT NULL,
    event text NOT NULL,
    external_id text,
    dedupe_key text NOT NULL DEFAULT switchboard.uuid_v7()::text,
    url text,
    headers jsonb NOT NULL DEFAULT '{}',
    body bytea NOT NULL DEFAULT '',
    signature_ok boolean NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    repeats integer NOT NULL DEFAULT 0,
    processed_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, provider, dedupe_key),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.webhook_inbox IS
'Webhooks as they came. A repeat of the same event is one row.';
COMMENT ON COLUMN switchboard.webhook_inbox.account_id IS 'The provider account it is for; it may be gone.';
COMMENT ON COLUMN switchboard.webhook_inbox.provider IS 'Who sent it.';
COMMENT ON COLUMN switchboard.webhook_inbox.event IS 'What kind of event.';
COMMENT ON COLUMN switchboard.webhook_inbox.external_id IS 'The provider''s id of the call or message.';
COMMENT ON COLUMN switchboard.webhook_inbox.dedupe_key IS 'What makes the event the same event, made from what the provider sends; by default a row is an event of its own.';
COMMENT ON COLUMN switchboard.webhook_inbox.url IS 'Address it was sent to.';
COMMENT ON COLUMN switchboard.webhook_inbox.headers IS 'HTTP headers.';
COMMENT ON COLUMN switchboard.webhook_inbox.body IS 'The exact bytes.';
COMMENT ON COLUMN switchboard.webhook_inbox.signature_ok IS 'Whether the signature was right.';
COMMENT ON COLUMN switchboard.webhook_inbox.received_at IS 'When it first came.';
COMMENT ON COLUMN switchboard.webhook_inbox.repeats IS 'How often it came again.';
COMMENT ON COLUMN switchboard.webhook_inbox.processed_at IS 'When it was acted on; null: it was not.';
COMMENT ON COLUMN switchboard.webhook_inbox.attempts IS 'How often acting on it was tried.';
COMMENT ON COLUMN switchboard.webhook_inbox.error IS 'What went wrong when acting on it.';
CREATE INDEX webhook_inbox_external_idx ON switchboard.webhook_inbox (tenant_id, provider, external_id);
COMMENT ON INDEX switchboard.webhook_inbox_external_idx IS 'All webhooks about one call or message.';
CREATE INDEX webhook_inbox_open_idx ON switchboard.webhook_inbox (received_at) WHERE processed_at IS NULL;
COMMENT ON INDEX switchboard.webhook_inbox_open_idx IS 'What has not been acted on.';
CREATE INDEX webhook_inbox_received_idx ON switchboard.webhook_inbox (tenant_id, received_at DESC);
COMMENT ON INDEX switchboard.webhook_inbox_received_idx IS 'A tenant''s webhooks, newest first; also for dropping old ones.';
