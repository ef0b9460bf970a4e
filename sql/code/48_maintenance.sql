-- What has to be done now and then, as jobs for pg_cron or any other clock. Each is one idempotent function call, takes an
-- advisory lock instead of waiting for its twin, and does a bounded amount of work.
--
-- Workers do the work of "liveness" by themselves; the job is for databases whose workers are away for a while, so that claims
-- are freed, calls settled and wrap-ups ended all the same.

CREATE OR REPLACE FUNCTION switchboard._maintenance_jobs()
RETURNS TABLE (job text, schedule text, command text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('run-due-campaigns', '* * * * *',    'SELECT * FROM switchboard.run_due_campaigns()'),
         ('liveness',          '* * * * *',    'SELECT switchboard.run_maintenance(''liveness'')'),
         ('statistics',        '*/5 * * * *',  'SELECT switchboard.run_maintenance(''statistics'')'),
         ('sessions',          '*/5 * * * *',  'SELECT switchboard.run_maintenance(''sessions'')'),
         ('retention',         '17 * * * *',   'SELECT switchboard.run_maintenance(''retention'')'),
         ('call-times',        '37 * * * *',   'SELECT switchboard.run_maintenance(''call-times'')')
$$;
COMMENT ON FUNCTION switchboard._maintenance_jobs() IS
  'The jobs of install_maintenance_jobs(): name, when (cron, in the server''s cron.timezone or GMT) and what.';
REVOKE ALL ON FUNCTION switchboard._maintenance_jobs() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.install_maintenance_jobs()
RETURNS TABLE (job text, jobid bigint, schedule text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT m.job, switchboard._schedule_job(m.job), m.schedule FROM switchboard._maintenance_jobs() m $$;
COMMENT ON FUNCTION switchboard.install_maintenance_jobs() IS
  'Has pg_cron do what has to be done now and then: due runs of campaigns, what workers do while there are none (leases, calls without
news, wrap-ups, webhooks to be tried again, runs of triggered calls), folding of statistics, the end of sessions, retention, the best times to call. Returns the jobs; one that is there already
is left alone. They are called switchboard:DATABASE:JOB, belong to the owner of the extension and run as that role, which must be able
to log in. pg_cron may be in another database (cron.database_name). Only for the owner of the extension and superusers. Errors: SB010
pg_cron is not there, 42501.';
REVOKE ALL ON FUNCTION switchboard.install_maintenance_jobs() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.uninstall_maintenance_jobs()
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT count(*) FILTER (WHERE switchboard._unschedule_job(m.job))::int FROM switchboard._maintenance_jobs() m $$;
COMMENT ON FUNCTION switchboard.uninstall_maintenance_jobs() IS
  'Takes the jobs of install_maintenance_jobs() and schedule_campaign() from pg_cron; returns how many there were. To be called before
the extension or the database is dropped or renamed. Only for the owner of the extension and superusers. Errors: SB010, 42501.';
REVOKE ALL ON FUNCTION switchboard.uninstall_maintenance_jobs() FROM PUBLIC;

-- Sessions.

CREATE OR REPLACE FUNCTION switchboard.expire_sessions(at timestamptz DEFAULT now(), max_sessions int DEFAULT 10000)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension calls it.
-- SKIP LOCKED: whoever has locked a session is moving its end on.
DECLARE
  closed int;
BEGIN
  WITH over AS (
    SELECT s.id FROM switchboard.omnichannel_sessions s
    WHERE s.status IN ('active', 'follow_up') AND s.expires_at <= at
    ORDER BY s.expires_at LIMIT max_sessions FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE switchboard.omnichannel_sessions s SET status = 'closed', closed_at = s.expires_at FROM over WHERE s.id = over.id;
  GET DIAGNOSTICS closed = ROW_COUNT;
  RETURN closed;
END
$$;
COMMENT ON FUNCTION switchboard.expire_sessions(timestamptz, int) IS
  'Closes open sessions whose time is over, at most so many; returns how many. Only for the owner of the extension.';
REVOKE ALL ON FUNCTION switchboard.expire_sessions(timestamptz, int) FROM PUBLIC;

-- Retention.

CREATE OR REPLACE FUNCTION switchboard._retention_rules()
RETURNS TABLE (what text, days int, least_days int, table_name text, key text, made_at text, condition text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Records of telemarketing are to be kept for five years (16 CFR 310.5): what proves how people were called may not go earlier,
  -- and calls and the audit log go only where a tenant has said so.
  VALUES ('events',        30,   1,    'events',               'seq', 'created_at',  'true'),
         ('idempotency',   1,    1,    'http_idempotency',     'id',  'created_at',  'true'),
         ('webhooks',      90,   7,    'webhook_inbox',        'id',  'received_at', 'true'),
         ('queue',         90,   1,    'dialer_queues',        'id',  'updated_at',  'r.status NOT IN (''queued'', ''calling'')'),
         ('runs',          730,  1,    'campaign_runs',        'id',  'started_at',  'true'),
         ('agent_states',  1827, 30,   'agent_states',         'id',  'ended_at',    'true'),
         ('sessions',      1827, 1,    'omnichannel_sessions', 'id',  'closed_at',   'r.status = ''closed'''),
         ('call_events',   1827, 1827, 'call_events',          'id',  'received_at', 'true'),
         ('decisions',     1827, 1827, 'dispatch_decisions',   'id',  'decided_at',  'true'),
         ('calls',         NULL, 1827, 'call_logs',            'id',  'ended_at',    'true'),
         ('audit',         NULL, 1827, 'audit_log',            'id',  'at',          'true')
$$;
COMMENT ON FUNCTION switchboard._retention_rules() IS
  'What retention removes: name in tenants.settings.retention, days kept by default (null: for ever) and at least, table, key in order of
time, column that says how old a row is, and which rows.';
REVOKE ALL ON FUNCTION switchboard._retention_rules() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_retention()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SECURITY DEFINER
AS $$
-- SECURITY DEFINER: the table of rules is internal.
DECLARE
  wrong record;
BEGIN
  IF jsonb_typeof(new.settings -> 'retention') NOT IN ('object', 'null') THEN
    RAISE EXCEPTION 'retention must be an object of days, not %', new.settings -> 'retention' USING ERRCODE = '22023';
  END IF;
  SELECT g.key, g.value, r.what, r.least_days INTO wrong
  FROM jsonb_each(nullif(new.settings -> 'retention', 'null')) g
  LEFT JOIN switchboard._retention_rules() r ON r.what = g.key
  WHERE r.what IS NULL
     OR CASE jsonb_typeof(g.value) WHEN 'null' THEN false
             WHEN 'number' THEN g.value::numeric NOT BETWEEN r.least_days AND 36500 OR g.value::numeric <> trunc(g.value::numeric)
             ELSE true END
  ORDER BY g.key LIMIT 1;
  IF wrong.key IS NULL THEN
    RETURN new;
  ELSIF wrong.what IS NULL THEN
    RAISE EXCEPTION 'unknown retention "%"', wrong.key USING ERRCODE = '22023',
      HINT = format('There are %s.', (SELECT string_agg(r.what, ', ') FROM switchboard._retention_rules() r));
  END IF;
  RAISE EXCEPTION 'retention of % must be % to 36500 days, or null for ever, not %', wrong.what, wrong.least_days, wrong.value
    USING ERRCODE = '22023';
END
$$;
COMMENT ON FUNCTION switchboard._check_retention() IS
  'Trigger on tenants: refuses settings.retention that is unknown or shorter than the law wants (22023).';
REVOKE ALL ON FUNCTION switchboard._check_retention() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_retention BEFORE INSERT OR UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings ? 'retention') EXECUTE FUNCTION switchboard._check_retention();
COMMENT ON TRIGGER tenants_retention ON switchboard.tenants IS 'Refuses retention that makes no sense or is unlawful.';

CREATE OR REPLACE FUNCTION switchboard._keep_days(settings jsonb, rule_name text)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN settings #> ARRAY['retention', rule_name] = 'null' THEN NULL
              ELSE switchboard._small_int(settings #> ARRAY['retention', rule_name], r.least_days, 36500, r.days) END
  FROM switchboard._retention_rules() r WHERE r.what = rule_name
$$;
COMMENT ON FUNCTION switchboard._keep_days(jsonb, text) IS 'How many days a tenant keeps something; NULL: for ever.';
REVOKE ALL ON FUNCTION switchboard._keep_days(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._first_id_at(at timestamptz)
RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT rpad(lpad(to_hex(greatest(floor(extract(epoch FROM at) * 1000), 0)::bigint), 12, '0'), 32, '0')::uuid $$;
COMMENT ON FUNCTION switchboard._first_id_at(timestamptz) IS 'An id not after any that uuid_v7() makes from that time on.';
REVOKE ALL ON FUNCTION switchboard._first_id_at(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._remove_old_rows(what text, at timestamptz, max_rows int)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant. Internal.
-- Keys are in order of time, so the rows that are old for somebody come first in the primary key, and no other index is needed.
-- Cost: those rows, of which only the ones that some tenant keeps longer than others are read in vain. A row is made before the
-- time that its age counts from, hence the limit on its key.
DECLARE
  rule    record;
  removed int;
BEGIN
  SELECT r.* INTO STRICT rule FROM switchboard._retention_rules() r WHERE r.what = _remove_old_rows.what;
  EXECUTE format($sql$
    WITH kept AS MATERIALIZED (
      SELECT t.id AS tenant_id, $1 - make_interval(days => switchboard._keep_days(t.settings, %1$L)) AS since
      FROM switchboard.tenants t
    ), old AS (
      SELECT r.%3$I AS key FROM switchboard.%2$I r JOIN kept k ON k.tenant_id = r.tenant_id AND r.%4$I < k.since
      WHERE %5$s AND %6$s
      ORDER BY r.%3$I LIMIT $2 FOR UPDATE OF r SKIP LOCKED
    )
    DELETE FROM switchboard.%2$I r USING old WHERE r.%3$I = old.key$sql$,
    rule.what, rule.table_name, rule.key, rule.made_at, rule.condition,
    CASE rule.key WHEN 'id' THEN 'r.id < switchboard._first_id_at((SELECT max(k.since) FROM kept k))'
                  ELSE 'r.created_at < (SELECT max(k.since) FROM kept k)' END)
  USING at, max_rows;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END
$$;
COMMENT ON FUNCTION switchboard._remove_old_rows(text, timestamptz, int) IS
  'Removes up to so many rows that one rule of retention lets go; returns how many.';
REVOKE ALL ON FUNCTION switchboard._remove_old_rows(text, timestamptz, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.apply_retention(
  at timestamptz DEFAULT now(), max_rows int DEFAULT 10000, max_time interval DEFAULT interval '30 seconds')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension calls it.
DECLARE
  give_up_at constant timestamptz := clock_timestamp() + max_time;
  rule       text;
  removed    int;
  total      bigint;
  answer     jsonb := '{}';
BEGIN
  FOR rule IN SELECT r.what FROM switchboard._retention_rules() r LOOP
    total := 0;
    LOOP
      removed := switchboard._remove_old_rows(rule, at, max_rows);
      total := total + removed;
      EXIT WHEN removed < max_rows OR clock_timestamp() >= give_up_at;
    END LOOP;
    IF total > 0 THEN
      answer := answer || jsonb_build_object(rule, total);
    END IF;
  END LOOP;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.apply_retention(timestamptz, int, interval) IS
  'Removes what tenants no longer keep, in batches, until nothing is left or the time is over; returns how many rows of what. Days are
set per tenant in settings.retention, null means for ever: events (30), idempotency
(answers to HTTP requests with an Idempotency-Key, 1), webhooks (90), queue (worked-off entries of dialer_queues, 90),
runs (730), agent_states, sessions (closed ones), call_events and decisions (1827, which is five years; the last two cannot be kept for
less), calls with all that belongs to them and audit (for ever, or at least 1827). Contacts, consents, do-not-call, dispositions and
recordings of calls that are kept are never touched. Only for the owner of the extension.';
REVOKE ALL ON FUNCTION switchboard.apply_retention(timestamptz, int, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._do_maintenance(job text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant. Internal: the caller holds the lock of the job.
BEGIN
  CASE job
    WHEN 'liveness' THEN
      PERFORM switchboard._end_wrap_ups(clock_timestamp());
      PERFORM switchboard._before_claim_queue(clock_timestamp());
      RETURN jsonb_build_object('freed', switchboard._worker_free('{}') -> 'freed',
                                'silent_calls', switchboard.expire_silent_calls(),
                                'trigger_runs', switchboard.continue_trigger_runs(),
                                'webhooks', switchboard._retry_webhooks(1000));
    WHEN 'statistics' THEN
      RETURN jsonb_build_object('campaigns', switchboard._fold_all_campaign_stats(), 'calls', switchboard._fold_call_rollups());
    WHEN 'sessions' THEN
      RETURN jsonb_build_object('closed', switchboard.expire_sessions());
    WHEN 'retention' THEN
      RETURN switchboard.apply_retention() || jsonb_build_object('job_leaves', switchboard._drop_old_jobs());
    WHEN 'call-times' THEN
      RETURN jsonb_build_object('tenants', switchboard.refresh_call_times());
    ELSE
      RAISE EXCEPTION 'no such maintenance: %', coalesce(job, 'null') USING ERRCODE = '22023',
        HINT = 'There are liveness, statistics, sessions, retention and call-times.';
  END CASE;
END
$$;
COMMENT ON FUNCTION switchboard._do_maintenance(text) IS 'What run_maintenance() does once it holds the lock.';
REVOKE ALL ON FUNCTION switchboard._do_maintenance(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.run_maintenance(job text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension calls it.
-- The first key is that of workers' locks, one on.
BEGIN
  IF NOT pg_try_advisory_xact_lock(1398166115, hashtext(job)) THEN
    RETURN '{"skipped": "running already"}';
  END IF;
  RETURN switchboard._do_maintenance(job);
END
$$;
COMMENT ON FUNCTION switchboard.run_maintenance(text) IS
  'Does one of the jobs of install_maintenance_jobs(), for those who have another clock than pg_cron: liveness (free the claims of dead
workers, settle calls without news, end wrap-ups, try webhooks again, go on with runs of triggered calls; every minute), statistics (fold what was counted; every five minutes), sessions
(close those whose time is over; every five minutes), retention (see apply_retention(); every hour), call-times (see
refresh_call_times(); every hour). Returns figures; {"skipped"} when
the same is going on in another session. Only for the owner of the extension. Error: 22023 no such job.';
REVOKE ALL ON FUNCTION switchboard.run_maintenance(text) FROM PUBLIC;
