-- What happened: for screens (events) and for the record (audit_log).

-- Numbers of events. They are drawn by a trigger, which holds the feed first (40_feed.sql), and not by a default. Every number is
-- fetched when it is used: one kept by a session for later would be passed over by readers.
CREATE SEQUENCE switchboard.events_seq AS bigint CACHE 1;
COMMENT ON SEQUENCE switchboard.events_seq IS 'The number of the last event of any tenant.';

CREATE TABLE switchboard.events (
    seq bigint PRIMARY KEY,
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    event text NOT NULL,
    subject_id uuid,
    user_id uuid,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (event <> '')
);
COMMENT ON TABLE switchboard.events IS
'The durable feed that screens follow, in order of seq: see events_since().';
COMMENT ON COLUMN switchboard.events.seq IS 'Place in the feed, given by trigger. Numbers of all tenants come from one sequence: they have holes.';
COMMENT ON COLUMN switchboard.events.tenant_id IS 'The tenant that the row belongs to.';
COMMENT ON COLUMN switchboard.events.event IS 'What happened: new-call (somebody calls), call-status-updated, call-assigned, call-disposition, call-update-failed,
agent-state-changed, campaign-updated, message-received, message-status-updated, ...';
COMMENT ON COLUMN switchboard.events.subject_id IS 'The call, message, campaign or request.';
COMMENT ON COLUMN switchboard.events.user_id IS 'The one agent whom it concerns; null: everybody of the tenant.';
COMMENT ON COLUMN switchboard.events.data IS 'What a screen needs to show it.';
COMMENT ON COLUMN switchboard.events.created_at IS 'When it happened.';
CREATE INDEX events_tenant_idx ON switchboard.events (tenant_id, seq);
COMMENT ON INDEX switchboard.events_tenant_idx IS 'A tenant''s feed in order.';
CREATE INDEX events_created_idx ON switchboard.events USING brin (created_at);
COMMENT ON INDEX switchboard.events_created_idx IS 'For dropping old events.';
CREATE INDEX tenants_feed_idx ON switchboard.tenants (uuid_hash(id));
COMMENT ON INDEX switchboard.tenants_feed_idx IS 'The tenants of a lock that holds a feed.';

CREATE TABLE switchboard.feed_floors (
    tenant_id uuid PRIMARY KEY DEFAULT switchboard.current_tenant_id(),
    seq bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.feed_floors IS
'Up to where the feed of a tenant has been removed: whoever has read less far has missed something.';
COMMENT ON COLUMN switchboard.feed_floors.seq IS 'The highest number that was removed, by retention as a rule.';

CREATE TABLE switchboard.audit_log (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (actor <> ''),
    CHECK (action <> '')
);
COMMENT ON TABLE switchboard.audit_log IS
'Who did what to what. Append only for everyone but the owner.';
COMMENT ON COLUMN switchboard.audit_log.actor IS 'Who: the user''s id, else the login role.';
COMMENT ON COLUMN switchboard.audit_log.action IS 'What was done.';
COMMENT ON COLUMN switchboard.audit_log.subject IS 'To what.';
COMMENT ON COLUMN switchboard.audit_log.detail IS 'More about it; never a secret.';
COMMENT ON COLUMN switchboard.audit_log.at IS 'When.';
CREATE INDEX audit_log_at_idx ON switchboard.audit_log (tenant_id, at DESC);
COMMENT ON INDEX switchboard.audit_log_at_idx IS 'A tenant''s record, newest first.';
CREATE INDEX audit_log_subject_idx ON switchboard.audit_log (tenant_id, subject, at DESC);
COMMENT ON INDEX switchboard.audit_log_subject_idx IS 'All that was done to one thing.';
