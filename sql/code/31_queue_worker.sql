-- The worker protocol, version 1: what switchboard-worker calls, through the background worker (SPI) or over libpq. Every
-- function is one short transaction; none waits for the network. Requests and replies are JSON objects.
--
-- What runs with every turn is PL/pgSQL with generic plans: planned once a session. Planning anew, as functions in SQL and custom
-- plans do, took longer than all the work of a turn with one job.
--
-- What a worker must know:
-- * Jobs are fenced by (id, token). A result, note, renewal or release with a stale token changes nothing and is reported.
-- * "lanes" of a reply is the memory of the claim. Echo the whole list, unread, in "lanes" of the next claim; it replaces the
--   list before. Start with an empty one.
-- * claim.discover = true looks for lanes that are not in the list: at start, when woken, when next_due_ms is over, and every
--   few seconds while busy. Otherwise only lanes of the list that had work left are looked at.
-- * claim.since (optional timestamptz, from a wake frame): jobs as old as this may have been committed just now.
-- * next_due_ms: call again with discover = true after so long; null: nothing is waiting, sleep until woken. Without a claim in the
--   request it is about the jobs of the results only, those that are to be tried again.
-- * Error P0002 "unknown worker": say hello again (others took it for dead) and repeat the request.
-- * A job whose "note" is true must pass _worker_note_sending before its first byte leaves.

CREATE OR REPLACE FUNCTION switchboard.protocol_version() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 1 $$;
REVOKE ALL ON FUNCTION switchboard.protocol_version() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.protocol_version() IS 'Version of the worker protocol; a worker that does not know it refuses to run.';

-- The value of one of our settings in its base unit (milliseconds for times), or the fallback while the module is not loaded.
CREATE OR REPLACE FUNCTION switchboard._setting(name text, fallback text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT CASE s.unit WHEN 'ms' THEN s.setting WHEN 's' THEN (s.setting::bigint * 1000)::text
                            WHEN 'min' THEN (s.setting::bigint * 60000)::text ELSE s.setting END
           FROM pg_settings s WHERE s.name = 'switchboard.' || _setting.name), fallback)
$$;
REVOKE ALL ON FUNCTION switchboard._setting(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._setting(text, text) IS
'A setting of the module, times in milliseconds; the fallback while the module is not loaded.';

CREATE OR REPLACE FUNCTION switchboard._lease() RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(current_setting('switchboard.lease_seconds', true), ''), '60')::interval $$;
REVOKE ALL ON FUNCTION switchboard._lease() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._lease() IS 'How long a claim lasts unless it is renewed (switchboard.lease_seconds).';

-- Claims and notes must survive a crash even where the database has synchronous_commit off: a claim that was forgotten would
-- give its token to somebody else, a forgotten note would dial twice.
CREATE OR REPLACE FUNCTION switchboard._commit_durably() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._commit_durably() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._commit_durably() IS 'Makes the current transaction wait for its commit record to reach the disk.';

CREATE OR REPLACE FUNCTION switchboard._worker_hello(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me text := request ->> 'worker';
    spoken int := (request ->> 'protocol')::int;
BEGIN
    IF coalesce(me, '') = '' OR length(me) > 200 THEN
        RAISE EXCEPTION 'bad worker key: "%"', left(me, 200) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF spoken IS DISTINCT FROM switchboard.protocol_version() THEN
        RAISE EXCEPTION 'unknown worker protocol: %', spoken USING ERRCODE = 'feature_not_supported',
            HINT = 'Upgrade switchboard-worker, or the extension by ALTER EXTENSION pg_switchboard UPDATE.';
    END IF;
    INSERT INTO switchboard.worker_registry AS w (worker, kind, pid, host, version, backend_pid)
    VALUES (me, coalesce(request ->> 'kind', 'standalone'), (request ->> 'pid')::int, request ->> 'host',
            request ->> 'version', pg_backend_pid())
    ON CONFLICT (worker) DO UPDATE
       SET kind = excluded.kind, pid = excluded.pid, host = excluded.host, version = excluded.version,
           backend_pid = excluded.backend_pid, started_at = excluded.started_at, seen_at = excluded.seen_at;
    PERFORM switchboard._take_worker_lock('alive', me);
    -- After a lost connection: claims whose reply was lost with it are given back, the others stay the worker's.
    IF request -> 'jobs' IS NOT NULL THEN
        PERFORM switchboard._free(switchboard._claims_of(ARRAY[me], ARRAY(
            SELECT (e.value ->> 'id')::uuid FROM json_array_elements(request -> 'jobs') e)));
    END IF;
    IF switchboard._has_claims(me) THEN
        PERFORM switchboard._note_holding(me);
    END IF;
    PERFORM switchboard._free(switchboard._expired_claims('-infinity'));
    RETURN json_build_object(
        'protocol', switchboard.protocol_version(), 'database', current_database(),
        'settings', switchboard._worker_settings());
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_hello(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_hello(json) IS
'Registers a worker and takes the session lock that proves it alive. Request: worker, protocol, kind (child, standalone), pid,
host, version, jobs (optional, after a reconnect: [{id}] it still works on; its other claims are freed). Reply: protocol,
database, settings. Errors: 22023 bad worker key, 0A000 unknown protocol.';

CREATE OR REPLACE FUNCTION switchboard._worker_settings() RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT json_build_object(
        'max_in_flight', switchboard._setting('max_in_flight', '1000')::int,
        'batch_size', switchboard._setting('batch_size', '100')::int,
        'poll_interval_ms', switchboard._setting('poll_interval', '60000')::int,
        'lease_ms', (EXTRACT(epoch FROM switchboard._lease()) * 1000)::int,
        'egress_allow', to_json(string_to_array(
            regexp_replace(btrim(switchboard._setting('egress_allow', ''), ', '), '[,\s]+', ',', 'g'), ',')),
        'allow_http', switchboard._setting('allow_http', 'off')::boolean,
        'log_payloads', switchboard._setting('log_payloads', 'off')::boolean)
$$;
REVOKE ALL ON FUNCTION switchboard._worker_settings() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_settings() IS 'The settings a worker needs, as a JSON object.';

-- Cost of a turn that finishes and claims 100 jobs: some 3 ms, one commit.
CREATE OR REPLACE FUNCTION switchboard._worker_turn(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    clean json := switchboard._without_nul(request);
    me text := clean ->> 'worker';
    finished json := CASE json_typeof(clean -> 'finished') WHEN 'array' THEN clean -> 'finished' ELSE '[]' END;
    finished_count int := json_array_length(finished);
    claim json := clean -> 'claim';
    recorded uuid[] := '{}';
    claimed record;
    dialer_due timestamptz;
    due timestamptz;
BEGIN
    PERFORM switchboard._commit_durably();
    IF finished_count > 0 THEN
        recorded := switchboard._record_results(finished);
    END IF;
    PERFORM switchboard._note_seen(me, clean -> 'stats');
    IF (claim ->> 'limit')::int > 0 THEN
        dialer_due := switchboard._feed_queue((claim ->> 'limit')::int);
    END IF;
    SELECT * INTO claimed FROM switchboard._claim_jobs(me, claim);
    IF claimed.count > 0 THEN
        PERFORM switchboard._note_holding(me);
    ELSIF finished_count > 0 THEN
        PERFORM switchboard._note_no_longer_holding(me);
    END IF;
    due := least(claimed.due, dialer_due);
    IF json_typeof(claim) IS DISTINCT FROM 'object'
       AND EXISTS (SELECT FROM json_array_elements(finished) e WHERE e.value ->> 'outcome' <> 'ok') THEN
        due := switchboard._earliest_due(recorded);
    END IF;
    RETURN json_build_object(
        'jobs', claimed.jobs, 'accounts', claimed.accounts, 'lanes', claimed.lanes,
        'next_due_ms', CASE WHEN due IS NOT NULL
                            THEN greatest(0, ceil(EXTRACT(epoch FROM due - clock_timestamp()) * 1000))::bigint END,
        'foreign_claims', switchboard._foreign_claims(me),
        'stale', (SELECT coalesce(json_agg(e.value -> 'id'), '[]') FROM json_array_elements(finished) e
                   WHERE cardinality(recorded) < finished_count
                     AND NOT (e.value ->> 'id') = ANY (recorded::text[])));
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_turn(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_turn(json) IS
'Records what was answered and claims what is next, in one transaction. Request: worker, finished [{id, token, outcome,
provider_id, code, error, retry_in_ms, ms, response}], claim {limit, discover, lanes, caps, default_cap, since} or null, stats
{in_flight, done, failed, p50_ms, p99_ms, last_error}. Reply: jobs, accounts, lanes (echo them), next_due_ms, foreign_claims,
stale.';

CREATE OR REPLACE FUNCTION switchboard._earliest_due(ids uuid[]) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (SELECT min(j.run_at) FROM switchboard.jobs_open j WHERE j.id = ANY (ids));
END
$$;
REVOKE ALL ON FUNCTION switchboard._earliest_due(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._earliest_due(uuid[]) IS 'When the first of these jobs falls due; NULL when all of them are finished.';

-- A NUL escape is legal JSON and no legal text: answers of foreign servers carry it, and it must not poison a batch.
CREATE OR REPLACE FUNCTION switchboard._without_nul(value json) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$
    SELECT CASE WHEN pg_catalog.strpos(value::text, '\u0000') = 0 THEN value
                ELSE pg_catalog.regexp_replace(value::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json END
$$;
REVOKE ALL ON FUNCTION switchboard._without_nul(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._without_nul(json) IS 'The JSON with every NUL escape in it replaced by U+FFFD.';

-- The dialer turns what is due into jobs. Whatever goes wrong there must not stop the queue.
CREATE OR REPLACE FUNCTION switchboard._feed_queue(max_jobs int) RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN switchboard._before_claim(max_jobs);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'dialing what is due failed: SQLSTATE %', SQLSTATE;
    RETURN clock_timestamp() + interval '1 s';
END
$$;
REVOKE ALL ON FUNCTION switchboard._feed_queue(int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._feed_queue(int) IS
'Lets the dialer enqueue what is due; returns when more falls due. Its errors are logged, and it is tried again a second later.';

CREATE OR REPLACE FUNCTION switchboard._worker_note_sending(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    go uuid[];
    refused json;
BEGIN
    PERFORM switchboard._commit_durably();
    SELECT array_agg(a.job_id) FILTER (WHERE a.allowed),
           json_agg(json_build_object(
               'id', r.id, 'token', r.token, 'outcome', CASE WHEN a.retry_at IS NULL THEN 'suppress' ELSE 'defer' END,
               'code', a.reason, 'error', 'not sent: ' || a.reason,
               'retry_in_ms', ceil(EXTRACT(epoch FROM a.retry_at - clock_timestamp()) * 1000)::bigint))
               FILTER (WHERE NOT a.allowed)
      INTO go, refused
      FROM switchboard._allow_sending(switchboard._lock_claims(request)) a
      JOIN json_to_recordset(request -> 'jobs') AS r(id uuid, token bigint) ON r.id = a.job_id;

    IF refused IS NOT NULL THEN
        PERFORM switchboard._record_results(refused);
    END IF;
    PERFORM switchboard._mark_sending(go);
    RETURN json_build_object(
        'go', array_to_json(coalesce(go, '{}')),
        'stop', (SELECT coalesce(json_agg(r.id), '[]') FROM json_to_recordset(request -> 'jobs') AS r(id uuid)
                  WHERE r.id <> ALL (coalesce(go, '{}'))));
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_note_sending(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_note_sending(json) IS
'Notes durably that jobs are about to be sent, and checks once more that they may be. Request: worker, jobs [{id, token}]. Reply:
go, stop: ids; a job to stop is no longer the worker''s, because another holds it or because sending it was refused.';

-- The next two are functions of their own for the sake of their settings, which must not reach the dialer's statements.
CREATE OR REPLACE FUNCTION switchboard._lock_claims(request json) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
DECLARE
    asked uuid[] := ARRAY(SELECT (e.value ->> 'id')::uuid FROM json_array_elements(request -> 'jobs') e);
BEGIN
    RETURN ARRAY(
        SELECT j.id
          FROM json_to_recordset(request -> 'jobs') AS r(id uuid, token bigint)
          JOIN switchboard.jobs_open j ON j.id = r.id AND j.token = r.token
         WHERE j.id = ANY (asked) AND j.locked_by = request ->> 'worker' AND j.state = 'running'
         ORDER BY j.id
           FOR UPDATE OF j);
END
$$;
REVOKE ALL ON FUNCTION switchboard._lock_claims(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._lock_claims(json) IS
'Locks the jobs of a request, {worker, jobs [{id, token}]}, that the worker still holds, and returns their ids.';

CREATE OR REPLACE FUNCTION switchboard._mark_sending(ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    lease interval := switchboard._lease();
BEGIN
    -- A lease that would end while the request is under way is renewed on the occasion.
    UPDATE switchboard.jobs_open j
       SET sending_at = clock_timestamp(),
           locked_until = CASE WHEN j.locked_until < clock_timestamp() + lease / 2 THEN clock_timestamp() + lease
                               ELSE j.locked_until END
     WHERE j.id = ANY (ids);
END
$$;
REVOKE ALL ON FUNCTION switchboard._mark_sending(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._mark_sending(uuid[]) IS 'Notes that jobs, which the caller has locked, are about to be sent.';

CREATE OR REPLACE FUNCTION switchboard._worker_renew(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
DECLARE
    lease interval := coalesce((request ->> 'lease_ms')::bigint * interval '1 ms', switchboard._lease());
    asked uuid[] := ARRAY(SELECT (e.value ->> 'id')::uuid FROM json_array_elements(request -> 'jobs') e);
    kept uuid[];
BEGIN
    WITH renewed AS (
        UPDATE switchboard.jobs_open j SET locked_until = clock_timestamp() + lease
          FROM json_to_recordset(request -> 'jobs') AS r(id uuid, token bigint)
         WHERE j.id = ANY (asked) AND j.id = r.id AND j.token = r.token AND j.locked_by = request ->> 'worker'
        RETURNING j.id
    )
    SELECT coalesce(array_agg(r.id), '{}') INTO kept FROM renewed r;
    RETURN json_build_object('lost', array_to_json(ARRAY(SELECT a FROM unnest(asked) a WHERE a <> ALL (kept))));
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_renew(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_renew(json) IS
'Extends the lease of claims. Request: worker, lease_ms (default switchboard.lease_seconds), jobs [{id, token}]. Reply: lost:
ids that are no longer the worker''s.';

CREATE OR REPLACE FUNCTION switchboard._worker_release(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off
AS $$
DECLARE
    asked uuid[] := ARRAY(SELECT (e.value ->> 'id')::uuid FROM json_array_elements(request -> 'jobs') e);
    released int;
BEGIN
    -- What was noted as being sent is not given back: its lease ends in a doubt.
    UPDATE switchboard.jobs_open j
       SET state = CASE j.state WHEN 'in_doubt' THEN j.state ELSE 'ready' END,
           attempt = j.attempt - CASE j.state WHEN 'in_doubt' THEN 0 ELSE 1 END,
           run_at = clock_timestamp(), locked_by = NULL, locked_until = NULL
      FROM json_to_recordset(request -> 'jobs') AS r(id uuid, token bigint)
     WHERE j.id = ANY (asked) AND j.id = r.id AND j.token = r.token AND j.locked_by = request ->> 'worker'
       AND (j.state = 'in_doubt' OR j.sending_at IS NULL);
    GET DIAGNOSTICS released = ROW_COUNT;
    PERFORM switchboard._note_no_longer_holding(request ->> 'worker');
    PERFORM switchboard._wake();
    RETURN json_build_object('released', released);
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_release(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_release(json) IS
'Gives unsent jobs back; the attempt is not counted. Request: worker, jobs [{id, token}]. Reply: released, how many.';

CREATE OR REPLACE FUNCTION switchboard._worker_free(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dead text[];
    freed record;
BEGIN
    IF request ->> 'worker' IS NOT NULL THEN
        dead := ARRAY[request ->> 'worker'];
        PERFORM switchboard._drop_worker_locks(request ->> 'worker');
    ELSE
        dead := switchboard._dead_workers();
    END IF;
    SELECT * INTO freed FROM switchboard._free(
        switchboard._claims_of(dead) || switchboard._expired_claims(clock_timestamp() - interval '2 min'));
    DELETE FROM switchboard.worker_registry w WHERE w.worker = ANY (dead);
    IF freed.count > 0 THEN
        PERFORM switchboard._wake();
    END IF;
    RETURN json_build_object('freed', freed.count, 'in_doubt', freed.in_doubt,
                             'foreign_claims', switchboard._foreign_claims(NULL));
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_free(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_free(json) IS
'Frees the claims of a dead worker. Request: worker, known to be dead; or {}: every worker whose session is gone. Either way
also claims whose lease has run out. What was noted as being sent becomes in_doubt, the rest ready. Reply: freed, in_doubt: how
many; foreign_claims: whether other workers still hold claims.';

CREATE OR REPLACE FUNCTION switchboard._worker_goodbye(request json) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM switchboard._free(switchboard._claims_of(ARRAY[request ->> 'worker']));
    DELETE FROM switchboard.worker_registry w WHERE w.worker = request ->> 'worker';
    PERFORM switchboard._drop_worker_locks(request ->> 'worker');
    RETURN '{}';
END
$$;
REVOKE ALL ON FUNCTION switchboard._worker_goodbye(json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_goodbye(json) IS
'A worker leaves: whatever it still holds is freed. Request: worker. Reply: {}.';
