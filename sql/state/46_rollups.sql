-- Figures of calls, kept incrementally (72_call_rollups.sql). Derived, therefore not dumped: the triggers of call_logs make them
-- anew on restore. Without references, whose locks would make writers wait; a cell that holds nothing is removed.

-- What statements changed, in the order of appending. No row is shared between writers.
CREATE TABLE switchboard.call_rollup_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    campaign_id uuid,
    user_id uuid,
    quarter timestamptz NOT NULL,
    status switchboard.call_status NOT NULL,
    n_calls integer NOT NULL,
    n_answered integer NOT NULL,
    n_live integer NOT NULL,
    n_abandoned integer NOT NULL,
    seconds bigint NOT NULL,
    answered_seconds bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE switchboard.call_rollup_deltas IS
'Changes to the figures of calls that are not yet in call_rollups; readers add them, maintenance folds them.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.id IS 'Order of appending.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.campaign_id IS 'The campaign of the calls; null: none.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.user_id IS 'Whose calls; null: nobody''s yet.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.quarter IS 'The quarter of an hour (UTC) in which the calls started.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.status IS 'Their status.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.n_calls IS 'How many calls more, or fewer.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.n_answered IS 'Of these answered: answered_at is set.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.n_live IS 'Of these outbound and not answered by a machine or fax.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.n_abandoned IS 'Of these abandoned.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.seconds IS 'Sum of duration.';
COMMENT ON COLUMN switchboard.call_rollup_deltas.answered_seconds IS 'Sum of duration of the answered.';

-- A call counts in up to eight cells: of all calls and of its campaign, of everybody and of its user, by the day and by the quarter
-- of an hour; there are no quarters for single users, of whom a day has few calls. Quarters, because some zones are 30 or 45
-- minutes off the hour; days remember their quarters, so that the hours of any zone follow from them.
CREATE TABLE switchboard.call_rollups (
    tenant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    audience uuid NOT NULL,
    minutes smallint NOT NULL,
    starts_at timestamptz NOT NULL,
    n_calls bigint NOT NULL,
    n_answered bigint NOT NULL,
    n_live bigint NOT NULL,
    n_abandoned bigint NOT NULL,
    seconds bigint NOT NULL,
    answered_seconds bigint NOT NULL,
    by_status bigint[] NOT NULL,
    by_quarter bigint[],
    PRIMARY KEY (tenant_id, campaign_id, audience, minutes, starts_at),
    CHECK (minutes IN (15, 1440))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE switchboard.call_rollups IS
'Figures of the calls that started in a quarter of an hour or in a day (UTC); call_rollup_deltas holds what is newer.';
COMMENT ON COLUMN switchboard.call_rollups.campaign_id IS 'The campaign; all zeros: all calls.';
COMMENT ON COLUMN switchboard.call_rollups.audience IS 'Calls of this user; all zeros: of everybody, all f: of nobody yet.';
COMMENT ON COLUMN switchboard.call_rollups.minutes IS 'Length of the cell: 15 or 1440.';
COMMENT ON COLUMN switchboard.call_rollups.starts_at IS 'Its first instant.';
COMMENT ON COLUMN switchboard.call_rollups.n_calls IS 'Calls that started in it.';
COMMENT ON COLUMN switchboard.call_rollups.n_answered IS 'Of these answered: answered_at is set.';
COMMENT ON COLUMN switchboard.call_rollups.n_live IS 'Of these outbound and not answered by a machine or fax.';
COMMENT ON COLUMN switchboard.call_rollups.n_abandoned IS 'Of these abandoned.';
COMMENT ON COLUMN switchboard.call_rollups.seconds IS 'Sum of duration.';
COMMENT ON COLUMN switchboard.call_rollups.answered_seconds IS 'Sum of duration of the answered.';
COMMENT ON COLUMN switchboard.call_rollups.by_status IS 'Calls by status, in the order of the labels.';
COMMENT ON COLUMN switchboard.call_rollups.by_quarter IS 'Of a day: calls by its quarters of an hour, from 00:00 UTC.';
CREATE INDEX call_rollups_empty_idx ON switchboard.call_rollups (tenant_id) WHERE n_calls = 0;
COMMENT ON INDEX switchboard.call_rollups_empty_idx IS 'Cells that may hold nothing any more.';

CREATE INDEX call_logs_waited_idx ON switchboard.call_logs (tenant_id, started_at) WHERE direction = 'inbound' AND queued_at IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_waited_idx IS 'Inbound calls that waited for an agent: service level.';
