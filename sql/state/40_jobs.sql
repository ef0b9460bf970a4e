-- The job queue. Two homes, one table: what is still to be done lies in jobs_open, which stays small and hot; what is over
-- lies in jobs_finished, moved there by the statement that finishes it. The queue functions work on jobs_open itself, so
-- that their plans never depend on pruning.
--
-- No foreign keys: every insert would lock the row of its tenant and of its account, and a thousand sessions that enqueue for
-- one tenant would queue up behind the shared row lock. Jobs come from functions that check; a claim hands out an account
-- only when it belongs to the tenant of the job; and triggers on tenants and provider_accounts take jobs away.
CREATE TABLE switchboard.jobs (
    id uuid NOT NULL DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    kind text NOT NULL,
    account_id uuid,
    subject_id uuid,
    lane uuid GENERATED ALWAYS AS (coalesce(account_id, tenant_id)) STORED,
    payload jsonb,
    priority int NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state switchboard.job_state NOT NULL DEFAULT 'ready',
    attempt int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 8,
    token bigint NOT NULL DEFAULT 0,
    locked_until timestamptz,
    locked_by text,
    sending_at timestamptz,
    last_error text,
    last_code text,
    provider_ref text,
    idempotency_key text,
    slot smallint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT jobs_priority_is_small CHECK (priority BETWEEN -10 AND 10),
    CONSTRAINT jobs_attempts_are_sane CHECK (attempt >= 0 AND max_attempts >= 1),
    CONSTRAINT jobs_lock_is_whole CHECK ((locked_by IS NULL) = (locked_until IS NULL))
) PARTITION BY LIST (state);
COMMENT ON TABLE switchboard.jobs IS
'Everything a worker has to do or has done: calls to place, messages and webhooks to send. Open jobs lie in jobs_open,
finished ones in jobs_finished. A plain INSERT enqueues a job; it is sent after commit, never before.';
COMMENT ON COLUMN switchboard.jobs.kind IS 'What to do: call, call.update, message, webhook.';
COMMENT ON COLUMN switchboard.jobs.account_id IS 'The provider account that does it.';
COMMENT ON COLUMN switchboard.jobs.subject_id IS 'What it is about: the call, the message.';
COMMENT ON COLUMN switchboard.jobs.lane IS 'Jobs of one lane share the limits of one account; jobs without account those of their tenant.';
COMMENT ON COLUMN switchboard.jobs.payload IS 'What the provider client needs. NULL once done; dead jobs keep it, so that they can be replayed.';
COMMENT ON COLUMN switchboard.jobs.priority IS 'Higher first within a lane. Few distinct values: each one is a queue of its own.';
COMMENT ON COLUMN switchboard.jobs.run_at IS 'Not before this instant.';
COMMENT ON COLUMN switchboard.jobs.state IS 'Where it stands.';
COMMENT ON COLUMN switchboard.jobs.attempt IS 'How many times it was claimed to be done; look-ups of a job in doubt do not count.';
COMMENT ON COLUMN switchboard.jobs.max_attempts IS 'After so many attempts it is dead.';
COMMENT ON COLUMN switchboard.jobs.token IS 'Fencing token, one more with every claim: a worker whose token is stale cannot change the job.';
COMMENT ON COLUMN switchboard.jobs.locked_until IS 'When the claim runs out unless it is renewed.';
COMMENT ON COLUMN switchboard.jobs.locked_by IS 'The worker that holds the claim.';
COMMENT ON COLUMN switchboard.jobs.sending_at IS 'Noted durably before the first byte leaves, for jobs whose repetition would do harm.';
COMMENT ON COLUMN switchboard.jobs.last_error IS 'What went wrong last.';
COMMENT ON COLUMN switchboard.jobs.last_code IS 'The provider''s or our code for what went wrong last.';
COMMENT ON COLUMN switchboard.jobs.provider_ref IS 'The provider''s name for what was done.';
COMMENT ON COLUMN switchboard.jobs.idempotency_key IS 'A repeat within the tenant names the same job, while it is open or remembered.';
COMMENT ON COLUMN switchboard.jobs.finished_at IS 'When it was done or given up.';
COMMENT ON COLUMN switchboard.jobs.slot IS 'Which leaf of jobs_finished holds it, see _finished_slot().';

-- Room on every page for the next version of a row, and vacuum that comes early and does not dawdle: a claim is an update.
CREATE TABLE switchboard.jobs_open PARTITION OF switchboard.jobs (
    CONSTRAINT jobs_open_pkey PRIMARY KEY (id)
) FOR VALUES IN ('ready', 'running', 'in_doubt')
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
      autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0,
      autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 10000);
COMMENT ON TABLE switchboard.jobs_open IS 'Jobs that are ready, running or in doubt.';

-- The claim reads it in order from a low-water mark; nothing else matches its predicate.
CREATE INDEX jobs_open_claim ON switchboard.jobs_open (lane, priority, run_at) WHERE locked_by IS NULL;
COMMENT ON INDEX switchboard.jobs_open_claim IS 'Jobs that can be claimed, in the order of claiming within lane and priority.';
CREATE INDEX jobs_open_lease ON switchboard.jobs_open (locked_until) WHERE locked_by IS NOT NULL;
COMMENT ON INDEX switchboard.jobs_open_lease IS 'Claims by the end of their lease.';
CREATE UNIQUE INDEX jobs_open_idempotency ON switchboard.jobs_open (tenant_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
COMMENT ON INDEX switchboard.jobs_open_idempotency IS 'One open job per tenant and idempotency key.';
CREATE INDEX jobs_open_in_doubt ON switchboard.jobs_open (sending_at) WHERE state = 'in_doubt';
COMMENT ON INDEX switchboard.jobs_open_in_doubt IS 'Jobs that may or may not have happened, for health().';

CREATE TABLE switchboard.jobs_finished PARTITION OF switchboard.jobs
    FOR VALUES IN ('done', 'dead') PARTITION BY LIST (slot);
COMMENT ON TABLE switchboard.jobs_finished IS
'Jobs that are done or dead, in a ring of leaves by day of finishing; _drop_old_jobs() empties whole leaves.';

-- A fixed ring instead of one partition a day: emptying a leaf needs no DDL, so nothing has to be created at midnight and a
-- dump holds the same tables every day.
DO $leaves$
DECLARE
    leaf text;
BEGIN
    FOR i IN 0 .. 7 LOOP
        leaf := 'jobs_finished_' || i;
        EXECUTE pg_catalog.format(
            'CREATE TABLE switchboard.%I PARTITION OF switchboard.jobs_finished (CONSTRAINT %I PRIMARY KEY (id))
             FOR VALUES IN (%s)', leaf, leaf || '_pkey', i);
        EXECUTE pg_catalog.format('COMMENT ON TABLE switchboard.%I IS %L', leaf,
            'Jobs that finished in days of slot ' || i || ' of the ring, see _finished_slot().');
        EXECUTE pg_catalog.format(
            'CREATE INDEX %I ON switchboard.%I (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL',
            leaf || '_idempotency', leaf);
        EXECUTE pg_catalog.format('COMMENT ON INDEX switchboard.%I IS %L', leaf || '_idempotency',
            'Finds the job that an idempotency key has already named.');
        EXECUTE pg_catalog.format(
            'CREATE INDEX %I ON switchboard.%I (tenant_id, finished_at) WHERE state = ''dead''', leaf || '_dead', leaf);
        EXECUTE pg_catalog.format('COMMENT ON INDEX switchboard.%I IS %L', leaf || '_dead', 'Dead jobs by tenant and time.');
    END LOOP;
END
$leaves$;

-- What became of a job, as handed to _apply_job_results(). An internal row: no table stores it.
CREATE TYPE switchboard.job_result AS (
    job_id uuid,
    tenant_id uuid,
    kind text,
    account_id uuid,
    subject_id uuid,
    payload jsonb,
    attempt int,
    outcome text,
    final boolean,
    provider_id text,
    code text,
    error text,
    response jsonb
);
COMMENT ON TYPE switchboard.job_result IS
'What became of one attempt of a job. outcome: ok, retry, permanent, suppress, unknown, absent, defer; final: no further attempt.';
