-- Schedules of campaigns. A campaign with a cron_schedule runs when its time has come (next_run_at), one without runs with
-- every tick. The tick is a job of pg_cron that calls run_due_campaigns() every minute; pg_cron knows no time zones and
-- forgets the ticks it missed, so when a campaign is due is worked out here. Any other scheduler may call it as well.
--
-- next_run_at moves on in the transaction of the run, under the lock of the campaign: however many tick at once, no run
-- happens twice.

CREATE OR REPLACE FUNCTION switchboard.next_schedule_time(cron text, timezone text, after timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_next_schedule_time';
COMMENT ON FUNCTION switchboard.next_schedule_time(text, text, timestamptz) IS
  'When a cron expression comes next, later than "after", by the wall clock of the time zone. Five fields (minute, hour, day of
month, month, day of week) of values, ranges, steps and lists, with names (jan, mon) and 7 for Sunday; of two given days one is
enough; or @hourly, @daily, @weekly, @monthly, @yearly. A time that a clock change skips counts as the first instant after it, one
that comes twice counts once, unless the hour begins with *. Errors: 22023 naming the bad part, or an unknown time zone.';
REVOKE ALL ON FUNCTION switchboard.next_schedule_time(text, text, timestamptz) FROM PUBLIC;

-- pg_cron.

CREATE OR REPLACE FUNCTION switchboard._cron_database()
RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  name text;
  found_database oid;
BEGIN
  -- Not current_setting(): where pg_cron is not loaded anybody can SET something of that name.
  SELECT s.setting INTO name FROM pg_settings s WHERE s.name = 'cron.database_name' AND s.context = 'postmaster';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pg_cron is not loaded' USING ERRCODE = 'SB010',
      HINT = format('Install it (Debian: postgresql-%s-cron), add pg_cron to shared_preload_libraries, restart the server and run '
                    'CREATE EXTENSION pg_cron. Any other scheduler may call switchboard.run_due_campaigns() every minute instead.',
                    current_setting('server_version_num')::int / 10000);
  END IF;
  SELECT d.oid INTO found_database FROM pg_database d WHERE d.datname = name AND d.datallowconn;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'pg_cron is to work in database "%", which does not exist or takes no connections', name USING ERRCODE = 'SB010',
      HINT = 'Set cron.database_name and restart the server.';
  END IF;
  RETURN found_database;
END
$$;
COMMENT ON FUNCTION switchboard._cron_database() IS 'The database that pg_cron works in. Error: SB010 when there is none.';
REVOKE ALL ON FUNCTION switchboard._cron_database() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cron_errand(cron_database oid, operation text, name text, schedule text, command text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_cron_errand';
COMMENT ON FUNCTION switchboard._cron_errand(oid, text, text, text, text) IS
  'Has pg_cron schedule a job for this database under a name and the current role (operation schedule: returns its number), or remove
it (unschedule: true, or false when there was none). When pg_cron is in another database a background worker goes there, and what it
has done stays done if this transaction rolls back. Errors: SB010 no extension pg_cron there, or one older than 1.4; 53400 no
background worker to be had, 57014 no answer in 15 s, 58000 no answer at all; those of pg_cron.';
REVOKE ALL ON FUNCTION switchboard._cron_errand(oid, text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cron_job_name(job text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- pg_cron keeps 63 bytes of a name.
  SELECT 'switchboard:' || CASE WHEN octet_length(d.datname::text) <= 32 THEN d.datname::text ELSE 'database ' || d.oid END || ':' || job
  FROM pg_database d WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION switchboard._cron_job_name(text) IS
  'What a job of this database is called in pg_cron: switchboard:DATABASE:JOB, or the number of a database with a long name.';
REVOKE ALL ON FUNCTION switchboard._cron_job_name(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._schedule_job(job text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the job belongs to the owner of the extension and runs as that role, whoever asked. What it does is fixed.
BEGIN
  RETURN switchboard._cron_errand(switchboard._cron_database(), 'schedule', switchboard._cron_job_name(m.job), m.schedule, m.command)::bigint
  FROM switchboard._maintenance_jobs() m WHERE m.job = _schedule_job.job;
END
$$;
COMMENT ON FUNCTION switchboard._schedule_job(text) IS
  'Makes sure that pg_cron has a job of _maintenance_jobs(), and returns its number; one that is there as it should be is left alone,
even if it was made inactive. Errors: as _cron_errand().';
REVOKE ALL ON FUNCTION switchboard._schedule_job(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._unschedule_job(job text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _schedule_job().
BEGIN
  RETURN switchboard._cron_errand(switchboard._cron_database(), 'unschedule', switchboard._cron_job_name(job), '', '')::boolean;
END
$$;
COMMENT ON FUNCTION switchboard._unschedule_job(text) IS 'Takes a job from pg_cron; false when it was not there. Errors: as _cron_errand().';
REVOKE ALL ON FUNCTION switchboard._unschedule_job(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ensure_tick()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _schedule_job(). Harmless whoever calls it.
BEGIN
  RETURN switchboard._schedule_job('run-due-campaigns');
END
$$;
COMMENT ON FUNCTION switchboard._ensure_tick() IS 'Makes sure that run_due_campaigns() is called every minute; returns the number of the job.';
REVOKE ALL ON FUNCTION switchboard._ensure_tick() FROM PUBLIC;

-- When campaigns are due.

CREATE OR REPLACE FUNCTION switchboard._next_run_at(campaign switchboard.campaigns, after timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the zone of the campaign's tenant. Internal.
BEGIN
  RETURN switchboard.next_schedule_time(campaign.cron_schedule, coalesce(campaign.timezone, t.timezone), after)
  FROM switchboard.tenants t WHERE t.id = campaign.tenant_id;
END
$$;
COMMENT ON FUNCTION switchboard._next_run_at(switchboard.campaigns, timestamptz) IS
  'When a campaign is due next, in its own zone, else the tenant''s; NULL: it has no schedule. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._next_run_at(switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._keep_campaign_schedule()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _next_run_at(). A pause is no outage: what would have been due meanwhile is not made up for.
DECLARE
  next_run timestamptz := switchboard._next_run_at(new, now());
BEGIN
  IF new.settings -> 'catch_up' NOT IN ('"once"', '"all"', '"none"') THEN
    RAISE EXCEPTION 'catch_up must be "once", "all" or "none", not %', new.settings -> 'catch_up' USING ERRCODE = '22023';
  END IF;
  IF TG_OP = 'INSERT' THEN
    new.next_run_at := CASE WHEN new.cron_schedule IS NOT NULL THEN coalesce(new.next_run_at, next_run) END;   -- kept by a restore
    RETURN new;
  END IF;
  IF new.cron_schedule IS DISTINCT FROM old.cron_schedule AND new.cron_schedule IS NOT NULL
     AND (old.status = 'archived' OR old.status = 'completed' AND NOT old.ran_out) THEN
    RAISE EXCEPTION 'cannot schedule campaign "%": it is %', new.name, old.status USING ERRCODE = 'SB005';
  END IF;
  IF (new.cron_schedule, new.timezone) IS DISTINCT FROM (old.cron_schedule, old.timezone)
     OR new.status = 'active' AND old.status <> 'active' THEN
    new.next_run_at := next_run;
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._keep_campaign_schedule() IS
  'Trigger on campaigns: sets next_run_at when the schedule, the zone or the activity of a campaign begins or changes. Errors: 22023 bad
schedule or settings.catch_up, SB005 a campaign that is over is scheduled.';
REVOKE ALL ON FUNCTION switchboard._keep_campaign_schedule() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_schedule
  BEFORE INSERT OR UPDATE OF cron_schedule, timezone, status, settings ON switchboard.campaigns
  FOR EACH ROW EXECUTE FUNCTION switchboard._keep_campaign_schedule();
COMMENT ON TRIGGER campaigns_schedule ON switchboard.campaigns IS 'Keeps next_run_at.';

CREATE OR REPLACE FUNCTION switchboard._note_campaign_schedule()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the application may not write the audit log.
BEGIN
  PERFORM switchboard._audit(new.tenant_id, 'campaign-schedule', 'campaign:' || new.id,
    jsonb_build_object('from', old.cron_schedule, 'to', new.cron_schedule));
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._note_campaign_schedule() IS 'Trigger on campaigns: a change of schedule goes to the audit log.';
REVOKE ALL ON FUNCTION switchboard._note_campaign_schedule() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_schedule_noted AFTER UPDATE OF cron_schedule ON switchboard.campaigns
  FOR EACH ROW WHEN (old.cron_schedule IS DISTINCT FROM new.cron_schedule)
  EXECUTE FUNCTION switchboard._note_campaign_schedule();
COMMENT ON TRIGGER campaigns_schedule_noted ON switchboard.campaigns IS 'Tells the audit log of changes of schedule.';

CREATE OR REPLACE FUNCTION switchboard._move_schedules()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: campaigns of every user of the tenant. Locked in order of id, as everywhere.
BEGIN
  PERFORM FROM switchboard.campaigns c
  WHERE c.tenant_id = new.id AND c.timezone IS NULL AND c.cron_schedule IS NOT NULL ORDER BY c.id FOR NO KEY UPDATE;
  UPDATE switchboard.campaigns c SET next_run_at = switchboard._next_run_at(c, now())
  WHERE c.tenant_id = new.id AND c.timezone IS NULL AND c.cron_schedule IS NOT NULL;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._move_schedules() IS
  'Trigger on tenants: schedules that go by the tenant''s zone follow when it changes.';
REVOKE ALL ON FUNCTION switchboard._move_schedules() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_move_schedules AFTER UPDATE OF timezone ON switchboard.tenants
  FOR EACH ROW WHEN (old.timezone IS DISTINCT FROM new.timezone) EXECUTE FUNCTION switchboard._move_schedules();
COMMENT ON TRIGGER tenants_move_schedules ON switchboard.tenants IS 'Schedules follow the tenant''s zone.';

CREATE OR REPLACE FUNCTION switchboard._due_runs(
  campaign switchboard.campaigns, at timestamptz, OUT runs int, OUT next_run_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A tick that comes within two minutes has missed nothing.
DECLARE
  catch_up constant text := coalesce(campaign.settings ->> 'catch_up', 'once');
BEGIN
  runs := 0;
  next_run_at := campaign.next_run_at;
  IF catch_up = 'all' THEN
    -- Bounded: what is left over is for the next tick.
    WHILE next_run_at <= at AND runs < 60 LOOP
      runs := runs + 1;
      next_run_at := switchboard._next_run_at(campaign, next_run_at);
    END LOOP;
  ELSIF next_run_at <= at THEN
    runs := CASE WHEN catch_up = 'once' OR switchboard._next_run_at(campaign, at - interval '2 minutes') <= at THEN 1 ELSE 0 END;
    next_run_at := switchboard._next_run_at(campaign, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._due_runs(switchboard.campaigns, timestamptz) IS
  'How many runs of a scheduled campaign are to be made now, and when it is due next. Missed times are made up for as settings.catch_up
says: once (default) by one run, all by one run each, none not at all.';
REVOKE ALL ON FUNCTION switchboard._due_runs(switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._make_due_runs(campaign switchboard.campaigns, at timestamptz)
RETURNS TABLE (run_id uuid, queued int, skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _run_campaign(). Internal: the caller has checked and locked the campaign.
DECLARE
  runs     int := 1;   -- without a schedule every tick is a run
  next_run timestamptz;
  answer   jsonb;
BEGIN
  IF campaign.cron_schedule IS NOT NULL THEN
    SELECT d.runs, d.next_run_at INTO runs, next_run FROM switchboard._due_runs(campaign, at) d;
    UPDATE switchboard.campaigns c SET next_run_at = next_run
    WHERE c.id = campaign.id AND c.next_run_at IS DISTINCT FROM next_run;
  END IF;
  FOR i IN 1 .. runs LOOP
    -- A run that finds nobody left completes the campaign.
    EXIT WHEN NOT EXISTS (SELECT FROM switchboard.campaigns c WHERE c.id = campaign.id AND c.status = 'active');
    answer := switchboard._run_campaign(campaign.id, 'schedule');
    RETURN QUERY SELECT (answer ->> 'run_id')::uuid, (answer ->> 'queued')::int, answer -> 'skipped';
  END LOOP;
  IF runs > 0 THEN
    PERFORM switchboard._wake();   -- workers do not look for people of scheduled campaigns by themselves
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._make_due_runs(switchboard.campaigns, timestamptz) IS
  'Makes the runs of a campaign that are due, and moves next_run_at on; one row per run. Errors: as run_campaign().';
REVOKE ALL ON FUNCTION switchboard._make_due_runs(switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._run_due_campaign(campaign uuid, at timestamptz)
RETURNS TABLE (run_id uuid, queued int, skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _run_campaign(); the session is checked as row level security would.
-- Locked first and asked afterwards: of two ticks the second sees the time that the first has moved on.
DECLARE
  found_campaign switchboard.campaigns;
BEGIN
  SELECT c.* INTO found_campaign FROM switchboard.campaigns c WHERE c.id = campaign FOR NO KEY UPDATE;
  IF NOT FOUND OR found_campaign.status <> 'active'   -- deleted, paused or completed since the list was read
     OR NOT switchboard._caller_may(found_campaign.tenant_id, found_campaign.user_id) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT r.* FROM switchboard._make_due_runs(found_campaign, at) r;
EXCEPTION
  WHEN data_exception OR integrity_constraint_violation OR raise_exception OR SQLSTATE 'SB012' THEN
    -- One campaign that cannot be run must not hold up the others, minute after minute.
    PERFORM switchboard._stop_broken_campaign(campaign, SQLERRM);
END
$$;
COMMENT ON FUNCTION switchboard._run_due_campaign(uuid, timestamptz) IS
  'Makes the runs of a campaign that are due, if it is active and the caller''s; pauses one that cannot be run.';
REVOKE ALL ON FUNCTION switchboard._run_due_campaign(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._run_due_campaigns(at timestamptz)
RETURNS TABLE (campaign_id uuid, run_id uuid, queued int, skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: runs the campaigns that the caller sees; for a DBA or pg_cron those of every tenant.
DECLARE
  due uuid;
BEGIN
  FOR due IN
    SELECT c.id FROM switchboard.campaigns c
    WHERE c.status = 'active' AND (c.cron_schedule IS NULL OR c.next_run_at <= at) ORDER BY c.id
  LOOP
    RETURN QUERY SELECT due, r.* FROM switchboard._run_due_campaign(due, at) r;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._run_due_campaigns(timestamptz) IS 'What run_due_campaigns() does at an instant.';
REVOKE ALL ON FUNCTION switchboard._run_due_campaigns(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.run_due_campaigns()
RETURNS TABLE (campaign_id uuid, run_id uuid, queued int, skipped jsonb)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM switchboard._run_due_campaigns(now()) $$;
COMMENT ON FUNCTION switchboard.run_due_campaigns() IS
  'Runs the active campaigns that the caller sees and that are due, as run_campaign() does; one row per run. Due are those whose
schedule (schedule_campaign) has come, and with every call those without a schedule. Times missed since the last call are made up for
by settings.catch_up of the campaign: once (default) by one run, all by one run each (60 per call), none not at all; what was missed
by less than two minutes is not missed. However many sessions call it at once, no run is made twice. A campaign that cannot be run
because of its own settings is paused, and the audit log says why. For pg_cron, or any other clock, every minute.';
REVOKE ALL ON FUNCTION switchboard.run_due_campaigns() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.schedule_campaign(id uuid, cron_schedule text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: row level security decides who may see and change the campaign. pg_cron, which may take a while to answer,
-- is asked before the campaign is locked.
DECLARE
  tick bigint;
BEGIN
  IF schedule_campaign.cron_schedule IS NULL THEN
    RAISE EXCEPTION 'cron_schedule must not be null' USING ERRCODE = '22023',
      HINT = 'To end a schedule call unschedule_campaign(id).';
  END IF;
  PERFORM switchboard.next_schedule_time(schedule_campaign.cron_schedule, 'UTC');
  PERFORM FROM switchboard.campaigns c WHERE c.id = schedule_campaign.id;
  IF FOUND THEN
    tick := switchboard._ensure_tick();
    UPDATE switchboard.campaigns c SET cron_schedule = schedule_campaign.cron_schedule WHERE c.id = schedule_campaign.id;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(schedule_campaign.id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN tick;
END
$$;
COMMENT ON FUNCTION switchboard.schedule_campaign(uuid, text) IS
  'Has a campaign run by a cron expression (see next_schedule_time), in the campaign''s zone, else the tenant''s, while it is active;
returns the number of the job of pg_cron that looks every minute which campaigns are due, and makes that job if need be. Until then,
and for campaigns without a schedule, every tick is a run. A scheduled power or predictive campaign dials what its runs have queued,
and queues nothing between them. What would have been due while it was paused is not made up for; for missed ticks see
run_due_campaigns(). Errors: 22023 bad expression, P0002 no such campaign, SB005 it is over, SB010 pg_cron is not there.';
REVOKE ALL ON FUNCTION switchboard.schedule_campaign(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.unschedule_campaign(id uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: as schedule_campaign(). The tick stays: others need it.
BEGIN
  UPDATE switchboard.campaigns c SET cron_schedule = NULL
  WHERE c.id = unschedule_campaign.id AND c.cron_schedule IS NOT NULL;
  IF FOUND THEN
    RETURN true;
  END IF;
  PERFORM FROM switchboard.campaigns c WHERE c.id = unschedule_campaign.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(unschedule_campaign.id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN false;
END
$$;
COMMENT ON FUNCTION switchboard.unschedule_campaign(uuid) IS
  'Ends the schedule of a campaign; false when it had none. Needs no pg_cron. Error: P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard.unschedule_campaign(uuid) FROM PUBLIC;
