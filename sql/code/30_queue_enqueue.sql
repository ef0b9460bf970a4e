-- Putting jobs into the queue, and a tenant's say over its own jobs.

CREATE OR REPLACE TRIGGER wake AFTER INSERT ON switchboard.jobs
    FOR EACH STATEMENT EXECUTE FUNCTION switchboard._wake_trigger();
COMMENT ON TRIGGER wake ON switchboard.jobs IS 'Wakes the workers of this database at commit.';
CREATE OR REPLACE TRIGGER wake AFTER INSERT ON switchboard.jobs_open
    FOR EACH STATEMENT EXECUTE FUNCTION switchboard._wake_trigger();
COMMENT ON TRIGGER wake ON switchboard.jobs_open IS 'Wakes the workers of this database at commit.';

-- SECURITY DEFINER protects: the application may read jobs but not write them, so that nothing is sent but through functions
-- that check. This one checks that the jobs and their accounts belong to whoever is asking; worker and gateway sessions that
-- carry no identity (dispatch, webhooks) act for any tenant.
-- A repeated idempotency key is found in two places. The insert waits for whoever holds the key in jobs_open; a job that
-- finished in the meantime is then visible in the history, so looking there afterwards leaves no gap.
CREATE OR REPLACE FUNCTION switchboard._enqueue_jobs(jobs json)
RETURNS TABLE (ordinal int, job_id uuid, created boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    caller uuid := switchboard.current_tenant_id();
    new_ids uuid[];
    keys text[];
    bad record;
BEGIN
    IF json_typeof(jobs) <> 'array' THEN
        RAISE EXCEPTION 'jobs must be a JSON array, not %', json_typeof(jobs) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF caller IS NULL AND NOT pg_has_role(session_user, 'switchboard_worker', 'MEMBER')
       AND NOT pg_has_role(session_user, 'switchboard_gateway', 'MEMBER') THEN
        RAISE EXCEPTION 'role "%" may not enqueue jobs', session_user USING ERRCODE = 'insufficient_privilege';
    END IF;

    SELECT j.tenant_id, j.account_id, a.id AS account_found INTO bad
      FROM json_to_recordset(jobs) AS j(tenant_id uuid, account_id uuid)
      LEFT JOIN switchboard.provider_accounts a
        ON a.id = j.account_id AND a.tenant_id = coalesce(j.tenant_id, caller)
     WHERE j.tenant_id <> caller OR coalesce(j.tenant_id, caller) IS NULL
        OR (j.account_id IS NOT NULL AND a.id IS NULL)
     LIMIT 1;
    IF FOUND AND (bad.tenant_id <> caller OR coalesce(bad.tenant_id, caller) IS NULL) THEN
        RAISE EXCEPTION 'job of another tenant: %', bad.tenant_id USING ERRCODE = 'insufficient_privilege';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'no such provider account: %', bad.account_id USING ERRCODE = 'no_data_found';
    END IF;

    new_ids := ARRAY(SELECT coalesce((e.value ->> 'id')::uuid, switchboard.uuid_v7())
                       FROM json_array_elements(jobs) WITH ORDINALITY e(value, n) ORDER BY e.n);
    -- In the order of the keys, so that two callers with the same keys wait for each other instead of deadlocking.
    INSERT INTO switchboard.jobs_open
           (id, tenant_id, kind, account_id, subject_id, payload, priority, run_at, max_attempts, idempotency_key)
    SELECT new_ids[j.n], coalesce(j.tenant_id, caller), j.kind, j.account_id, j.subject_id, j.payload,
           greatest(-10, least(10, coalesce(j.priority, 0))), greatest(j.run_at, clock_timestamp()),
           coalesce(j.max_attempts, 8), j.idempotency_key
      FROM ROWS FROM (json_to_recordset(jobs) AS (
               tenant_id uuid, kind text, account_id uuid, subject_id uuid, payload jsonb, priority int,
               run_at timestamptz, max_attempts int, idempotency_key text)) WITH ORDINALITY
           AS j(tenant_id, kind, account_id, subject_id, payload, priority, run_at, max_attempts, idempotency_key, n)
     ORDER BY j.idempotency_key, j.n
    ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;

    keys := ARRAY(SELECT e.value ->> 'idempotency_key' FROM json_array_elements(jobs) WITH ORDINALITY e(value, n) ORDER BY e.n);
    IF array_remove(keys, NULL) = '{}' THEN
        RETURN QUERY SELECT i.n::int, i.id, true FROM unnest(new_ids) WITH ORDINALITY i(id, n);
        RETURN;
    END IF;

    DELETE FROM switchboard.jobs_open o
     USING switchboard.jobs_finished f
     WHERE o.id = ANY (new_ids) AND o.idempotency_key IS NOT NULL
       AND f.tenant_id = o.tenant_id AND f.idempotency_key = o.idempotency_key;

    RETURN QUERY
    SELECT k.n::int, coalesce(CASE WHEN k.key IS NULL THEN new_ids[k.n] ELSE o.id END, f.id),
           k.key IS NULL OR coalesce(o.id = new_ids[k.n], false)
      FROM (SELECT e.n, coalesce((e.value ->> 'tenant_id')::uuid, caller) AS tenant, e.value ->> 'idempotency_key' AS key
              FROM json_array_elements(jobs) WITH ORDINALITY e(value, n)) k
      LEFT JOIN switchboard.jobs_open o ON o.tenant_id = k.tenant AND o.idempotency_key = k.key
      LEFT JOIN LATERAL (SELECT h.id FROM switchboard.jobs_finished h
                          WHERE o.id IS NULL AND h.tenant_id = k.tenant AND h.idempotency_key = k.key
                          LIMIT 1) f ON true
     ORDER BY k.n;
END
$$;
REVOKE ALL ON FUNCTION switchboard._enqueue_jobs(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._enqueue_jobs(json) IS
'Enqueues jobs given as a JSON array of {kind, tenant_id (default: the caller''s), account_id, subject_id, payload, priority
-10..10, run_at, max_attempts (8), idempotency_key, id}. One row for each, in order: its place, the id of the job, and whether
it is new; an idempotency key that is already open or remembered gives the job it named before.
Errors: 22023 when it is not an array, 42501 for another tenant''s job, P0002 for an unknown provider account.';

-- SECURITY DEFINER protects: moving a row between the leaves of jobs; only the caller''s own tenant''s jobs are looked at.
CREATE OR REPLACE FUNCTION switchboard.retry_job(id uuid) RETURNS switchboard.jobs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller uuid := switchboard._caller_tenant();
    job switchboard.jobs;
BEGIN
    -- A job that only waits for its next attempt is tried now.
    UPDATE switchboard.jobs_open o SET run_at = clock_timestamp()
     WHERE o.id = retry_job.id AND o.tenant_id = caller AND o.state = 'ready'
    RETURNING o.* INTO job;
    IF FOUND THEN
        PERFORM switchboard._wake();
        RETURN job;
    END IF;

    -- A doubt that could not be settled stays one: trying again might do it twice.
    DELETE FROM switchboard.jobs_finished f
     WHERE f.id = retry_job.id AND f.tenant_id = caller AND f.state = 'dead' AND f.last_code IS DISTINCT FROM 'in_doubt'
    RETURNING f.* INTO job;
    IF NOT FOUND THEN
        PERFORM switchboard._refuse_job_step(retry_job.id, caller, 'retried');
    END IF;
    INSERT INTO switchboard.jobs_open
           (id, tenant_id, kind, account_id, subject_id, payload, priority, max_attempts, token, last_error, last_code,
            provider_ref, idempotency_key, created_at)
    VALUES (job.id, job.tenant_id, job.kind, job.account_id, job.subject_id, job.payload, job.priority, job.max_attempts,
            job.token + 1, job.last_error, job.last_code, job.provider_ref, job.idempotency_key, job.created_at);
    SELECT j.* INTO job FROM switchboard.jobs j WHERE j.id = retry_job.id AND j.state = 'ready';
    RETURN job;
END
$$;
REVOKE ALL ON FUNCTION switchboard.retry_job(uuid) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.retry_job(uuid) IS
'Puts a dead job of the caller''s tenant back into the queue with all its attempts, or lets one that waits for its next attempt
run now. Returns the job. Errors: P0002 unknown job; SB005 when it is running, in doubt, done, or dead because a doubt could not
be settled; 23505 when its idempotency key names another open job.';

-- SECURITY DEFINER protects: as retry_job().
CREATE OR REPLACE FUNCTION switchboard.cancel_job(id uuid) RETURNS switchboard.jobs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller uuid := switchboard._caller_tenant();
    job switchboard.jobs;
BEGIN
    -- The lock makes a claim that is under way decide first.
    SELECT o.* INTO job FROM switchboard.jobs_open o
     WHERE o.id = cancel_job.id AND o.tenant_id = caller AND o.state = 'ready'
       FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM switchboard._refuse_job_step(cancel_job.id, caller, 'canceled');
    END IF;
    PERFORM switchboard._record_results(json_build_array(json_build_object(
        'id', job.id, 'token', job.token, 'outcome', 'suppress', 'code', 'canceled', 'error', 'canceled')));
    SELECT j.* INTO job FROM switchboard.jobs j WHERE j.id = cancel_job.id AND j.state = 'dead';
    RETURN job;
END
$$;
REVOKE ALL ON FUNCTION switchboard.cancel_job(uuid) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.cancel_job(uuid) IS
'Takes a job of the caller''s tenant that has not been claimed out of the queue; it becomes dead with code canceled. Returns the
job. Errors: P0002 unknown job; SB005 when it is running, in doubt, done or dead.';

CREATE OR REPLACE FUNCTION switchboard._refuse_job_step(job_id uuid, tenant uuid, step text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    state switchboard.job_state;
BEGIN
    SELECT j.state INTO state FROM switchboard.jobs j WHERE j.id = job_id AND j.tenant_id = tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such job: %', job_id USING ERRCODE = 'no_data_found';
    END IF;
    RAISE EXCEPTION 'job % cannot be %: it is %', job_id, step, replace(state::text, '_', ' ')
        USING ERRCODE = 'SB005';
END
$$;
REVOKE ALL ON FUNCTION switchboard._refuse_job_step(uuid, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._refuse_job_step(uuid, uuid, text) IS
'Raises P0002 when the tenant has no such job, SB005 naming its state otherwise.';

-- What foreign keys would do, without their price at every insert (see the table). Bounded by what the tenant had open.
CREATE OR REPLACE FUNCTION switchboard._delete_jobs_of_tenants() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM switchboard.jobs j USING gone WHERE j.tenant_id = gone.id;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION switchboard._delete_jobs_of_tenants() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._delete_jobs_of_tenants() IS 'Trigger: the jobs of deleted tenants go with them.';
CREATE OR REPLACE TRIGGER delete_jobs AFTER DELETE ON switchboard.tenants
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION switchboard._delete_jobs_of_tenants();
COMMENT ON TRIGGER delete_jobs ON switchboard.tenants IS 'The jobs of deleted tenants go with them.';
