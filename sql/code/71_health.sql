-- What a DBA or a monitoring system asks. No customer data: figures, names of workers, settings.

CREATE OR REPLACE VIEW switchboard.worker_status AS
    SELECT w.worker, w.kind, switchboard._worker_locked('alive', w.worker) AS alive, w.host, w.pid, w.version, w.started_at,
           w.seen_at, w.in_flight, w.done, w.failed, w.p50_ms, w.p99_ms, w.last_error
      FROM switchboard.worker_registry w;
COMMENT ON VIEW switchboard.worker_status IS
'Workers that have said hello and not goodbye. done and failed count since the worker''s start, latencies are milliseconds of its
last requests; figures are brought up to date every two seconds at most.';
COMMENT ON COLUMN switchboard.worker_status.alive IS 'Whether a session holds its advisory lock.';

-- Counting stops at 100,000: a monitoring system that asks every few seconds must not read a backlog of millions.
CREATE OR REPLACE FUNCTION switchboard._queue_figures(
    OUT ready bigint, OUT running bigint, OUT in_doubt bigint, OUT dead bigint, OUT oldest_ready_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    at timestamptz := clock_timestamp();
BEGIN
    SELECT count(*) INTO ready
      FROM (SELECT FROM switchboard.jobs_open j WHERE j.state = 'ready' AND j.locked_by IS NULL LIMIT 100000) j;
    IF ready = 100000 THEN
        SELECT greatest(100000, c.reltuples) INTO ready FROM pg_class c WHERE c.oid = 'switchboard.jobs_open'::regclass;
    END IF;
    SELECT count(*) INTO running FROM switchboard.jobs_open j WHERE j.locked_by IS NOT NULL AND j.locked_until > '-infinity';
    SELECT count(*) INTO in_doubt FROM switchboard.jobs_open j WHERE j.state = 'in_doubt';
    SELECT count(*) INTO dead FROM switchboard.jobs_finished j WHERE j.state = 'dead';
    SELECT min(f.run_at) INTO oldest_ready_at
      FROM switchboard._queues('{"discover": true, "limit": 1}', at) q,
           LATERAL (SELECT j.run_at FROM switchboard.jobs_open j
                     WHERE j.lane = q.lane AND j.priority = q.priority AND j.locked_by IS NULL AND j.run_at <= at
                     ORDER BY j.run_at LIMIT 1) f;
END
$$;
REVOKE ALL ON FUNCTION switchboard._queue_figures() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._queue_figures() IS
'Jobs by state, and the due time of the one that has waited longest. ready is an estimate from 100,000 on.';

-- Whoever holds the oldest snapshot keeps vacuum from removing what died since: the usual reason for a queue that slows down.
CREATE OR REPLACE FUNCTION switchboard._xmin_holder(OUT age int, OUT holder jsonb)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.age, h.holder FROM (
        SELECT age(coalesce(a.backend_xmin, a.backend_xid)), jsonb_build_object('kind', 'session', 'pid', a.pid,
                   'application_name', a.application_name, 'role', a.usename, 'state', a.state,
                   'seconds', floor(EXTRACT(epoch FROM clock_timestamp() - a.xact_start)))
          FROM pg_stat_activity a
         WHERE a.pid <> pg_backend_pid() AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
           AND (a.datname = current_database() OR a.backend_type = 'walsender')
        UNION ALL
        SELECT age(p.transaction), jsonb_build_object('kind', 'prepared transaction', 'gid', p.gid,
                   'seconds', floor(EXTRACT(epoch FROM clock_timestamp() - p.prepared)))
          FROM pg_prepared_xacts p WHERE p.database = current_database()
        UNION ALL
        SELECT age(s.xmin), jsonb_build_object('kind', 'replication slot', 'slot', s.slot_name, 'active', s.active)
          FROM pg_replication_slots s WHERE s.xmin IS NOT NULL
    ) h (age, holder)
    ORDER BY h.age DESC LIMIT 1
$$;
REVOKE ALL ON FUNCTION switchboard._xmin_holder() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._xmin_holder() IS
'How many transactions old the oldest snapshot that holds vacuum back is, and who holds it; NULLs when nobody does.';

CREATE OR REPLACE FUNCTION switchboard._preloaded() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT current_setting('shared_preload_libraries') ~ '(^|[,/\s"])pg_switchboard($|[,.\s"])' $$;
REVOKE ALL ON FUNCTION switchboard._preloaded() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._preloaded() IS 'Whether the server has preloaded the module, so that it runs workers itself.';

CREATE OR REPLACE FUNCTION switchboard.health() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queue record;
    vacuum_held record;
    alive int;
    silent int;
    oldest_s numeric;
    problems text[] := '{}';
    failing boolean := false;
BEGIN
    SELECT * INTO queue FROM switchboard._queue_figures();
    SELECT * INTO vacuum_held FROM switchboard._xmin_holder();
    SELECT count(*) FILTER (WHERE w.alive), count(*) FILTER (WHERE NOT w.alive) INTO alive, silent
      FROM switchboard.worker_status w;
    oldest_s := round(EXTRACT(epoch FROM clock_timestamp() - queue.oldest_ready_at), 1);

    IF NOT switchboard._preloaded() THEN
        problems := problems || 'pg_switchboard is not in shared_preload_libraries: only stand-alone workers take jobs'::text;
    END IF;
    IF alive = 0 AND NOT pg_is_in_recovery() THEN
        problems := problems || 'no worker is running: jobs wait'::text;
        failing := coalesce(oldest_s > 60, false);
    ELSIF oldest_s > 300 THEN
        problems := problems || format('a job has been due for %s s: a limit, an open circuit or too few workers', floor(oldest_s));
    END IF;
    IF silent > 0 THEN
        problems := problems || format('%s workers have died or lost their connection', silent);
    END IF;
    IF queue.in_doubt > 0 AND alive = 0 THEN
        problems := problems || format('%s jobs are in doubt and nobody asks the provider', queue.in_doubt);
    END IF;
    IF (vacuum_held.holder ->> 'seconds')::numeric > 600 THEN
        problems := problems || format('vacuum is held back by a %s', vacuum_held.holder ->> 'kind');
    END IF;
    RETURN jsonb_build_object(
        'status', CASE WHEN failing THEN 'failing' WHEN problems <> '{}' THEN 'degraded' ELSE 'ok' END,
        'problems', to_jsonb(problems),
        'preloaded', switchboard._preloaded(),
        'standby', pg_is_in_recovery(),
        'protocol', switchboard.protocol_version(),
        'workers', jsonb_build_object('alive', alive, 'silent', silent),
        'queue', jsonb_build_object('ready', queue.ready, 'running', queue.running, 'in_doubt', queue.in_doubt,
                                    'dead', queue.dead, 'oldest_ready_s', coalesce(oldest_s, 0)),
        'xmin', jsonb_build_object('age', coalesce(vacuum_held.age, 0), 'holder', vacuum_held.holder));
END
$$;
REVOKE ALL ON FUNCTION switchboard.health() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.health() IS
'State of the queue and its workers: status (ok, degraded, failing), problems in words, preloaded, standby, workers {alive, silent},
queue {ready, running, in_doubt, dead, oldest_ready_s}, xmin {age in transactions, holder}.';

CREATE OR REPLACE FUNCTION switchboard._metric(name text, type text, help text, samples text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(E'# HELP %s %s\n# TYPE %s %s\n%s', name, help, name, type,
                  (SELECT coalesce(string_agg(name || s || E'\n', '' ORDER BY n), '') FROM unnest(samples) WITH ORDINALITY t(s, n)))
$$;
REVOKE ALL ON FUNCTION switchboard._metric(text, text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._metric(text, text, text, text[]) IS
'One metric in the Prometheus text format; samples are "{labels} value".';

CREATE OR REPLACE FUNCTION switchboard._label(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '"' || replace(replace(replace(value, '\', '\\'), '"', '\"'), E'\n', '\n') || '"' $$;
REVOKE ALL ON FUNCTION switchboard._label(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._label(text) IS 'A quoted label value of the Prometheus text format.';

CREATE OR REPLACE FUNCTION switchboard.metrics() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queue record;
    vacuum_held record;
BEGIN
    SELECT * INTO queue FROM switchboard._queue_figures();
    SELECT * INTO vacuum_held FROM switchboard._xmin_holder();
    RETURN switchboard._metric('switchboard_jobs', 'gauge', 'Jobs by state; ready is an estimate from 100000 on.', ARRAY[
               '{state="ready"} ' || queue.ready, '{state="running"} ' || queue.running,
               '{state="in_doubt"} ' || queue.in_doubt, '{state="dead"} ' || queue.dead])
        || switchboard._metric('switchboard_oldest_ready_seconds', 'gauge', 'How long the oldest due job has waited.', ARRAY[
               ' ' || greatest(0, coalesce(EXTRACT(epoch FROM clock_timestamp() - queue.oldest_ready_at), 0))])
        || switchboard._metric('switchboard_preloaded', 'gauge', 'Whether the server runs workers itself.', ARRAY[
               ' ' || switchboard._preloaded()::int])
        || switchboard._metric('switchboard_xmin_age_transactions', 'gauge', 'Age of the oldest snapshot that holds vacuum back.', ARRAY[
               ' ' || coalesce(vacuum_held.age, 0)])
        || (SELECT switchboard._metric('switchboard_worker_up', 'gauge', 'Whether the worker''s session is there.',
                       array_agg(w.label || '} ' || w.alive::int ORDER BY w.label))
                || switchboard._metric('switchboard_worker_in_flight', 'gauge', 'Requests under way.',
                       array_agg(w.label || '} ' || w.in_flight ORDER BY w.label))
                || switchboard._metric('switchboard_worker_done_total', 'counter', 'Jobs done since the worker''s start.',
                       array_agg(w.label || '} ' || w.done ORDER BY w.label))
                || switchboard._metric('switchboard_worker_failed_total', 'counter', 'Attempts failed since the worker''s start.',
                       array_agg(w.label || '} ' || w.failed ORDER BY w.label))
                || switchboard._metric('switchboard_worker_latency_seconds', 'gauge', 'Time from request to answer.',
                       array_agg(w.label || ',quantile="0.5"} ' || w.p50_ms / 1000 ORDER BY w.label)
                           FILTER (WHERE w.p50_ms IS NOT NULL)
                       || array_agg(w.label || ',quantile="0.99"} ' || w.p99_ms / 1000 ORDER BY w.label)
                           FILTER (WHERE w.p99_ms IS NOT NULL))
              FROM (SELECT '{worker=' || switchboard._label(s.worker) AS label, s.* FROM switchboard.worker_status s) w);
END
$$;
REVOKE ALL ON FUNCTION switchboard.metrics() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.metrics() IS
'The figures of health() and worker_status in the Prometheus text format.';
