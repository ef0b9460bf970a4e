-- Recording what became of claimed jobs.

-- The state a job goes to. One expression, so that it is inlined into the statements that use it.
CREATE OR REPLACE FUNCTION switchboard._job_verdict(
    state switchboard.job_state, kind text, outcome text, attempt int, max_attempts int, sending_at timestamptz)
RETURNS switchboard.job_state
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT (CASE
        WHEN outcome = 'ok' THEN 'done'
        WHEN outcome IN ('permanent', 'suppress') THEN 'dead'
        -- Asked and not there: a call is not dialed again by the job that may have dialed it.
        WHEN outcome = 'absent' THEN CASE WHEN kind = 'call' OR attempt >= max_attempts THEN 'dead' ELSE 'ready' END
        WHEN outcome = 'defer' THEN CASE state WHEN 'in_doubt' THEN 'in_doubt' ELSE 'ready' END
        -- Could not ask. Not for ever.
        WHEN state = 'in_doubt' THEN
            CASE WHEN sending_at < pg_catalog.now() - interval '1 day' THEN 'dead' ELSE 'in_doubt' END
        -- Only what does harm when repeated is noted before it is sent.
        WHEN outcome = 'unknown' AND (kind = 'call' OR sending_at IS NOT NULL) THEN 'in_doubt'
        WHEN attempt >= max_attempts THEN 'dead'
        ELSE 'ready' END)::switchboard.job_state
$$;
REVOKE ALL ON FUNCTION switchboard._job_verdict(switchboard.job_state, text, text, int, int, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._job_verdict(switchboard.job_state, text, text, int, int, timestamptz) IS
'The state a job goes to when an attempt, or a look-up of one in doubt, ended with this outcome.';

CREATE OR REPLACE FUNCTION switchboard._finished_slot(at timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT ((pg_catalog.floor(EXTRACT(epoch FROM at) / (3 * 86400)))::bigint % 8)::smallint $$;
REVOKE ALL ON FUNCTION switchboard._finished_slot(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._finished_slot(timestamptz) IS
'Leaf of jobs_finished for jobs that finish at that instant: three days each, a ring of eight.';

-- Moves jobs to where their outcome sends them; a result whose token is stale, or that comes twice, moves nothing.
-- Finished jobs leave the hot table in the statement that finishes them.
-- Statistics taken while the queue was empty make the planner believe that it always is, and then the whole primary key looks
-- cheaper than a hundred descents. So the ids come as an array, which is an index condition of whatever scan remains, and a hash
-- join to a hundred results is all that is left of the rest. No column of a partial index is named: its dead entries would be
-- walked. Rows are locked in order of id. Cost: one index descent a job.
CREATE OR REPLACE FUNCTION switchboard._move_results(finished json) RETURNS switchboard.job_result[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
DECLARE
    at timestamptz := clock_timestamp();
    slot_now smallint := switchboard._finished_slot(at);
    ids uuid[] := ARRAY(SELECT (e.value ->> 'id')::uuid FROM json_array_elements(finished) e);
    over switchboard.job_result[];
    again switchboard.job_result[];
BEGIN
    WITH gone AS (
        DELETE FROM switchboard.jobs_open j
         USING json_to_recordset(finished) AS r(
               id uuid, token bigint, outcome text, provider_id text, code text, error text, response jsonb)
         WHERE j.id = ANY (ids) AND j.id = r.id AND j.token = r.token
           AND switchboard._job_verdict(j.state, j.kind, r.outcome, j.attempt, j.max_attempts, j.sending_at)
               IN ('done', 'dead')
        RETURNING j.*, r.outcome, r.response, r.provider_id,
            CASE WHEN r.outcome = 'absent' AND j.kind = 'call' THEN 'not_placed'
                 WHEN j.state = 'in_doubt' AND r.outcome NOT IN ('ok', 'permanent', 'suppress', 'absent') THEN 'in_doubt'
                 ELSE r.code END AS code,
            CASE WHEN r.outcome = 'absent' AND j.kind = 'call' THEN 'not placed: the provider has no such call'
                 ELSE r.error END AS error
    ), kept AS (
        INSERT INTO switchboard.jobs_finished
               (id, tenant_id, kind, account_id, subject_id, payload, priority, run_at, state, attempt, max_attempts, token,
                sending_at, last_error, last_code, provider_ref, idempotency_key, slot, created_at, finished_at)
        SELECT g.id, g.tenant_id, g.kind, g.account_id, g.subject_id, CASE WHEN g.outcome <> 'ok' THEN g.payload END,
               g.priority, g.run_at,
               CASE g.outcome WHEN 'ok' THEN 'done' ELSE 'dead' END::switchboard.job_state,
               g.attempt, g.max_attempts, g.token, g.sending_at, g.error, g.code,
               coalesce(g.provider_id, g.provider_ref), g.idempotency_key, slot_now, g.created_at, at
          FROM gone g
    )
    SELECT array_agg(ROW(g.id, g.tenant_id, g.kind, g.account_id, g.subject_id, g.payload, g.attempt, g.outcome, true,
                         coalesce(g.provider_id, g.provider_ref), g.code, g.error, g.response)::switchboard.job_result)
      INTO over FROM gone g;

    IF coalesce(cardinality(over), 0) = cardinality(ids) THEN
        RETURN over;
    END IF;

    WITH back AS (
        UPDATE switchboard.jobs_open j
           SET state = switchboard._job_verdict(j.state, j.kind, r.outcome, j.attempt, j.max_attempts, j.sending_at),
               run_at = at + least(greatest(coalesce(r.retry_in_ms, CASE r.outcome WHEN 'unknown' THEN 5000 ELSE 1000 END), 0),
                                   2592000000) * interval '1 ms',
               attempt = j.attempt - CASE WHEN r.outcome = 'defer' AND j.state = 'running' THEN 1 ELSE 0 END,
               -- A new token: the same result sent twice, because its first reply was lost, must not count twice.
               token = j.token + 1,
               locked_by = NULL, locked_until = NULL,
               sending_at = CASE WHEN switchboard._job_verdict(j.state, j.kind, r.outcome, j.attempt, j.max_attempts,
                                                               j.sending_at) = 'in_doubt'
                                 THEN coalesce(j.sending_at, at) END,
               last_error = r.error, last_code = r.code, provider_ref = coalesce(r.provider_id, j.provider_ref)
          FROM json_to_recordset(finished) AS r(
               id uuid, token bigint, outcome text, provider_id text, code text, error text, retry_in_ms bigint,
               response jsonb)
         WHERE j.id = ANY (ids) AND j.id = r.id AND j.token = r.token
        RETURNING j.*, r.outcome, r.response
    )
    SELECT array_agg(ROW(b.id, b.tenant_id, b.kind, b.account_id, b.subject_id, b.payload, b.attempt, b.outcome, false,
                         b.provider_ref, b.last_code, b.last_error, b.response)::switchboard.job_result)
      INTO again FROM back b;
    IF again IS NOT NULL THEN
        -- They fall due some day, and whoever hands them in may be about to stop.
        PERFORM switchboard._wake();
    END IF;
    RETURN over || again;
END
$$;
REVOKE ALL ON FUNCTION switchboard._move_results(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._move_results(json) IS
'Moves jobs to done, dead, in_doubt or back to ready by the outcomes in a JSON array, and returns what became of each. Results
with a stale token are left out.';

-- Moves jobs and lets the dialer act on it. One poisonous result, for which the effects raise, must not hold up the others or
-- repeat for ever: the batch is then recorded job by job, and the culprit without its effects but with the reason. Errors that
-- are nobody's fault (deadlock, lock timeout, out of space, shutdown) end the turn instead: the worker sends it again.
CREATE OR REPLACE FUNCTION switchboard._record_results(finished json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    results switchboard.job_result[];
    recorded uuid[] := '{}';
    one json;
    reason text;
BEGIN
    BEGIN
        results := switchboard._move_results(finished);
        IF results IS NOT NULL THEN
            PERFORM switchboard._apply_job_results(results);
        END IF;
        RETURN ARRAY(SELECT r.job_id FROM unnest(results) r);
    EXCEPTION WHEN OTHERS THEN
        IF left(SQLSTATE, 2) IN ('40', '53', '55', '57', '58') THEN
            RAISE;
        END IF;
        reason := SQLERRM;
    END;

    IF json_array_length(finished) > 1 THEN
        FOR one IN SELECT e.value FROM json_array_elements(finished) e LOOP
            recorded := recorded || switchboard._record_results(json_build_array(one));
        END LOOP;
        RETURN recorded;
    END IF;

    one := finished -> 0;
    -- The reason may quote a customer's data: it goes to the job, not to the log.
    RAISE WARNING 'effects of job % failed', one ->> 'id';
    BEGIN
        results := switchboard._move_results(json_build_array(json_build_object(
            'id', one ->> 'id', 'token', one -> 'token', 'outcome', one ->> 'outcome', 'provider_id', one ->> 'provider_id',
            'code', one ->> 'code', 'retry_in_ms', one -> 'retry_in_ms', 'error', 'effects failed: ' || reason)));
        RETURN ARRAY(SELECT r.job_id FROM unnest(results) r);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
        -- Not even a result. The job stays claimed until its lease ends and is tried again, a bounded number of times.
        RAISE WARNING 'result of job % cannot be recorded: SQLSTATE %', one ->> 'id', SQLSTATE;
        RETURN '{}';
    END;
END
$$;
REVOKE ALL ON FUNCTION switchboard._record_results(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._record_results(json) IS
'Records results and applies their effects; returns the ids of the jobs recorded. Those whose effects raise are recorded alone,
without effects, with the reason in last_error.';
