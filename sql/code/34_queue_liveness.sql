-- Who is alive, and whose claims are not.
-- A worker holds a session advisory lock for as long as its session lives: the server itself drops it when the process or the
-- connection dies, so a dead worker is known at once instead of after a lease. A second lock says "I hold claims". Both are
-- shared locks: a new session of the same worker does not wait for an old one that the server has not yet missed. Locks, not
-- columns: they cost no WAL and leave no dead rows behind, though they change with every burst of work.

-- Two workers whose keys hash alike would hide each other's death until the lease ends: one pair in four billion.
CREATE OR REPLACE FUNCTION switchboard._worker_lock_class(purpose text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE purpose WHEN 'alive' THEN 1398166113 WHEN 'holding' THEN 1398166114 END $$;
REVOKE ALL ON FUNCTION switchboard._worker_lock_class(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_lock_class(text) IS 'First key of the advisory locks of workers; the second is the hash of the worker key.';

CREATE OR REPLACE FUNCTION switchboard._worker_locked(purpose text, worker text, pid int DEFAULT NULL) RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND l.classid::bigint = switchboard._worker_lock_class(purpose)
           AND l.objid::bigint = hashtext(worker)::bigint & 4294967295
           AND (_worker_locked.pid IS NULL OR l.pid = _worker_locked.pid))
$$;
REVOKE ALL ON FUNCTION switchboard._worker_locked(text, text, int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._worker_locked(text, text, int) IS
'Whether some session (or the one of that process) holds the lock of a worker; purpose: alive, holding.';

CREATE OR REPLACE FUNCTION switchboard._take_worker_lock(purpose text, worker text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT switchboard._worker_locked(purpose, worker, pg_backend_pid()) THEN
        PERFORM pg_advisory_lock_shared(switchboard._worker_lock_class(purpose), hashtext(worker));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._take_worker_lock(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._take_worker_lock(text, text) IS 'Takes the lock of a worker for this session, once.';

CREATE OR REPLACE FUNCTION switchboard._drop_worker_lock(purpose text, worker text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF switchboard._worker_locked(purpose, worker, pg_backend_pid()) THEN
        PERFORM pg_advisory_unlock_shared(switchboard._worker_lock_class(purpose), hashtext(worker));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._drop_worker_lock(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._drop_worker_lock(text, text) IS 'Drops the lock of a worker if this session holds it.';

CREATE OR REPLACE FUNCTION switchboard._drop_worker_locks(worker text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT switchboard._drop_worker_lock('alive', worker), switchboard._drop_worker_lock('holding', worker),
           set_config('switchboard_session.holding', '', false);
    SELECT NULL::void
$$;
REVOKE ALL ON FUNCTION switchboard._drop_worker_locks(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._drop_worker_locks(text) IS 'Drops whatever locks of a worker this session holds.';

-- A session setting remembers that the lock is held, so that a busy turn does not read the lock table.
CREATE OR REPLACE FUNCTION switchboard._note_holding(worker text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('switchboard_session.holding', true) IS DISTINCT FROM worker THEN
        PERFORM switchboard._take_worker_lock('holding', worker), set_config('switchboard_session.holding', worker, false);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._note_holding(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._note_holding(text) IS 'Shows other workers that this one holds claims.';

CREATE OR REPLACE FUNCTION switchboard._note_no_longer_holding(worker text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- While nobody is there to see it the sign may stay, and no index is searched.
    IF EXISTS (SELECT FROM switchboard.worker_registry w WHERE w.worker <> _note_no_longer_holding.worker)
       AND NOT switchboard._has_claims(worker) THEN
        PERFORM switchboard._drop_worker_lock('holding', worker), set_config('switchboard_session.holding', '', false);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._note_no_longer_holding(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._note_no_longer_holding(text) IS 'Takes that sign away when the worker holds no claims.';

CREATE OR REPLACE FUNCTION switchboard._has_claims(worker text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM switchboard.jobs_open j
                    WHERE j.locked_by IS NOT NULL AND j.locked_by = worker
                      AND j.locked_until > clock_timestamp() - interval '2 min');
END
$$;
REVOKE ALL ON FUNCTION switchboard._has_claims(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._has_claims(text) IS 'Whether a worker holds claims whose lease is not long over.';

-- Cost: nothing while this is the only worker; one look at the lock table otherwise. The sign of an idle worker may be a stale one,
-- left from when it was alone: _worker_free(), which is called again and again while there are foreign claims, looks closer.
CREATE OR REPLACE FUNCTION switchboard._foreign_claims(me text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM switchboard.worker_registry w
         WHERE w.worker IS DISTINCT FROM me AND (me IS NOT NULL OR w.backend_pid <> pg_backend_pid())
           AND (NOT switchboard._worker_locked('alive', w.worker)
                OR (switchboard._worker_locked('holding', w.worker)
                    AND (me IS NOT NULL OR switchboard._has_claims(w.worker)))));
END
$$;
REVOKE ALL ON FUNCTION switchboard._foreign_claims(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._foreign_claims(text) IS
'Whether workers other than this one hold claims, or have died and may have left some. NULL: than this session''s, exactly.';

-- A crash of the server ends every session, though the children live on and come back with the same key: those that were
-- there before it get half a minute, unless somebody who knows better names them. The checkpointer is started anew by a crash.
CREATE OR REPLACE FUNCTION switchboard._dead_workers() RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(w.worker), '{}')
      FROM switchboard.worker_registry w,
           (SELECT coalesce(max(a.backend_start), '-infinity') AS up_since
              FROM pg_stat_activity a WHERE a.backend_type = 'checkpointer') s
     WHERE NOT switchboard._worker_locked('alive', w.worker)
       AND (w.started_at > s.up_since OR s.up_since < clock_timestamp() - interval '30 s')
$$;
REVOKE ALL ON FUNCTION switchboard._dead_workers() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._dead_workers() IS 'Workers whose session is gone for good.';

-- What was noted as being sent is in doubt, unless its receiver knows a repeat by its id (webhooks), so that it is sent again. What would have been noted and was not has not been sent, so the attempt does not
-- count. Anything else may have been sent and is sent again; a job that kills its workers ends when its attempts are used up.
CREATE OR REPLACE FUNCTION switchboard._lost(claims uuid[], OUT results json, OUT count int, OUT in_doubt int)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    SELECT json_agg(json_build_object(
               'id', j.id, 'token', j.token, 'code', 'worker_lost', 'error', 'the worker was lost',
               'outcome', CASE WHEN j.state = 'in_doubt' OR d.recognized THEN 'retry'
                               WHEN j.sending_at IS NOT NULL THEN 'unknown'
                               WHEN switchboard._repeat_is_harmful(j.kind, a.settings) THEN 'defer'
                               ELSE 'retry' END,
               'provider_id', CASE WHEN d.recognized THEN j.id END,   -- perhaps taken
               'retry_in_ms', CASE WHEN d.doubtful THEN 5000 ELSE 0 END)),
           count(*), count(*) FILTER (WHERE d.doubtful)
      INTO results, count, in_doubt
      FROM switchboard.jobs_open j
      LEFT JOIN switchboard.provider_accounts a ON a.id = j.account_id
      CROSS JOIN LATERAL (SELECT j.state = 'running' AND j.sending_at IS NOT NULL AS sent) s
      CROSS JOIN LATERAL (SELECT s.sent AND a.provider IS NOT DISTINCT FROM 'webhook' AS recognized,
                                 s.sent AND a.provider IS DISTINCT FROM 'webhook' AS doubtful) d
     WHERE j.id = ANY (claims);
END
$$;
REVOKE ALL ON FUNCTION switchboard._lost(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._lost(uuid[]) IS
'The results to record for claims whose worker was lost, how many they are, and of how many it is not known whether they were sent.';

CREATE OR REPLACE FUNCTION switchboard._free(claims uuid[], OUT count int, OUT in_doubt int)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lost record;
BEGIN
    SELECT * INTO lost FROM switchboard._lost(claims);
    count := lost.count;
    in_doubt := lost.in_doubt;
    IF count > 0 THEN
        PERFORM switchboard._record_results(lost.results);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._free(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._free(uuid[]) IS 'Frees claims, which the caller has locked: to in_doubt or ready, or dead when attempts are used up.';

-- Both walk the lease index, which holds running jobs only; SKIP LOCKED: a result that is being recorded wins.
CREATE OR REPLACE FUNCTION switchboard._claims_of(workers text[], but uuid[] DEFAULT '{}') RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    IF workers = '{}' THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT j.id FROM switchboard.jobs_open j
         WHERE j.locked_by IS NOT NULL AND j.locked_until > '-infinity' AND j.locked_by = ANY (workers) AND j.id <> ALL (but)
           FOR UPDATE SKIP LOCKED);
END
$$;
REVOKE ALL ON FUNCTION switchboard._claims_of(text[], uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._claims_of(text[], uuid[]) IS 'Locks all claims of workers but those named, and returns the ids.';

CREATE OR REPLACE FUNCTION switchboard._expired_claims(since timestamptz) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT j.id FROM switchboard.jobs_open j
         WHERE j.locked_by IS NOT NULL AND j.locked_until >= since AND j.locked_until < clock_timestamp()
           FOR UPDATE SKIP LOCKED);
END
$$;
REVOKE ALL ON FUNCTION switchboard._expired_claims(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._expired_claims(timestamptz) IS
'Locks the claims whose lease ended between that instant and now, and returns the ids.';

-- The registry row and the search for expired leases: every two seconds at most, see worker_registry.
CREATE OR REPLACE FUNCTION switchboard._note_seen(me text, stats json) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before timestamptz;
BEGIN
    SELECT w.seen_at INTO before FROM switchboard.worker_registry w WHERE w.worker = me;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown worker: %', me USING ERRCODE = 'no_data_found', HINT = 'Say hello first.';
    END IF;
    IF before > clock_timestamp() - interval '2 s' THEN
        RETURN;
    END IF;
    UPDATE switchboard.worker_registry w
       SET seen_at = clock_timestamp(),
           in_flight = coalesce((stats ->> 'in_flight')::int, w.in_flight),
           done = coalesce((stats ->> 'done')::bigint, w.done),
           failed = coalesce((stats ->> 'failed')::bigint, w.failed),
           p50_ms = coalesce((stats ->> 'p50_ms')::numeric, w.p50_ms),
           p99_ms = coalesce((stats ->> 'p99_ms')::numeric, w.p99_ms),
           last_error = coalesce(stats ->> 'last_error', w.last_error)
     WHERE w.worker = me;
    PERFORM switchboard._free(switchboard._expired_claims(before - interval '30 s'));
    IF before::date <> current_date THEN
        PERFORM switchboard._drop_old_jobs();
    END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._note_seen(text, json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._note_seen(text, json) IS
'Notes that a worker is there and what it reports, and frees expired leases, every two seconds at most; drops old jobs when the
date has changed. Error: P0002 when it has not said hello.';

CREATE OR REPLACE FUNCTION switchboard._repeat_is_harmful(kind text, settings jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT kind OPERATOR(pg_catalog.=) 'call'
        OR (kind OPERATOR(pg_catalog.=) 'message'
            AND coalesce(settings OPERATOR(pg_catalog.->>) 'in_doubt' OPERATOR(pg_catalog.=) 'lookup', false))
$$;
REVOKE ALL ON FUNCTION switchboard._repeat_is_harmful(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._repeat_is_harmful(text, jsonb) IS
'Whether a job must be noted before it is sent, because doing it twice does harm: calls, and messages of accounts whose provider
is asked about doubts.';
