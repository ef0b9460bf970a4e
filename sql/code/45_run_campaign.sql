-- Runs of campaigns: people who are due move into dialer_queues.
--
-- Due are, in this order: callbacks whose time has come, failed attempts whose wait is over and people who were put off, and
-- people not called yet (by priority, then in the order of the list). People who may not be called are dealt with on the
-- way, so that no run looks at them again: refused for a time, they are put off until it is over (next_attempt_at); refused
-- for good, they become do-not-call.

CREATE OR REPLACE FUNCTION switchboard._queue_limit(settings jsonb)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._small_int(settings -> 'queue_limit', 1, 100000, 1000) $$;
COMMENT ON FUNCTION switchboard._queue_limit(jsonb) IS
  'How many people of a campaign may wait in dialer_queues: settings.queue_limit, 1 to 100000, default 1000.';
REVOKE ALL ON FUNCTION switchboard._queue_limit(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._add_counts(one jsonb, other jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_object_agg(c.key, c.n), '{}')
  FROM (SELECT e.key, sum(e.value::bigint) AS n
        FROM (SELECT * FROM jsonb_each_text(coalesce(one, '{}')) UNION ALL SELECT * FROM jsonb_each_text(coalesce(other, '{}'))) e
        GROUP BY e.key) c
$$;
COMMENT ON FUNCTION switchboard._add_counts(jsonb, jsonb) IS 'Adds two objects of counts key by key.';
REVOKE ALL ON FUNCTION switchboard._add_counts(jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._queue_round(
  campaign switchboard.campaigns, wanted int, at timestamptz, OUT seen int, OUT queued int, OUT skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
-- Plans are made for the actual limit: a generic one expects a tenth of the list and would read all of it.
SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY DEFINER: dialer_queues is not the application's to write. Internal: whoever calls has checked and locked the campaign.
-- The sub-select on dialer_queues cannot be turned into a join: one probe of its index per candidate, whatever the estimates.
-- Cost: index scans that stop after "wanted" candidates, four probes a candidate for the decision; flat in the list's size.
BEGIN
  WITH callbacks AS MATERIALIZED (
    SELECT l.id, l.phone_number, l.priority + 100 AS priority, 1 AS class
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign.id AND l.status = 'callback' AND l.next_attempt_at <= at
      AND (SELECT q.id FROM switchboard.dialer_queues q
           WHERE q.tenant_id = l.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
    ORDER BY l.next_attempt_at
    LIMIT wanted FOR NO KEY UPDATE SKIP LOCKED
  ), again AS MATERIALIZED (
    SELECT l.id, l.phone_number, l.priority, 2 AS class
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign.id AND l.status = 'failed' AND l.next_attempt_at <= at
      AND (SELECT q.id FROM switchboard.dialer_queues q
           WHERE q.tenant_id = l.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
    ORDER BY l.next_attempt_at
    LIMIT wanted FOR NO KEY UPDATE SKIP LOCKED
  ), put_off AS MATERIALIZED (
    SELECT l.id, l.phone_number, l.priority, 2 AS class
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign.id AND l.status = 'pending' AND l.next_attempt_at <= at
      AND (SELECT q.id FROM switchboard.dialer_queues q
           WHERE q.tenant_id = l.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
    ORDER BY l.next_attempt_at
    LIMIT wanted FOR NO KEY UPDATE SKIP LOCKED
  ), fresh AS MATERIALIZED (
    SELECT l.id, l.phone_number, l.priority, 3 AS class
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign.id AND l.status = 'pending' AND l.next_attempt_at IS NULL
      AND (SELECT q.id FROM switchboard.dialer_queues q
           WHERE q.tenant_id = l.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
    ORDER BY l.priority DESC, l.id
    LIMIT wanted FOR NO KEY UPDATE SKIP LOCKED
  ), candidates AS MATERIALIZED (
    SELECT c.*, row_number() OVER () AS n
    FROM (SELECT * FROM callbacks UNION ALL SELECT * FROM again UNION ALL SELECT * FROM put_off UNION ALL SELECT * FROM fresh
          ORDER BY class, priority DESC LIMIT wanted) c
  ), judged AS MATERIALIZED (
    SELECT c.id, c.priority, d.allowed, d.reason, d.later
    FROM (SELECT array_agg(c.phone_number ORDER BY c.n) AS phones, array_agg(c.id ORDER BY c.n) AS ids FROM candidates c) a
    CROSS JOIN LATERAL switchboard._decide_contacts(campaign.tenant_id, campaign.id, a.phones, 'voice', at, 'queue', a.ids) d
    JOIN candidates c ON c.n = d.n
  ), entries AS (
    INSERT INTO switchboard.dialer_queues (tenant_id, campaign_id, contact_id, priority, scheduled_at)
    SELECT campaign.tenant_id, campaign.id, j.id, j.priority, at FROM judged j WHERE j.allowed
    ON CONFLICT (tenant_id, contact_id) WHERE status IN ('queued', 'calling') DO NOTHING
    RETURNING id
  ), refused AS (
    UPDATE switchboard.campaign_contacts l
    SET status = CASE WHEN j.later IS NULL THEN 'do-not-call' ELSE l.status END, next_attempt_at = j.later
    FROM judged j
    WHERE l.id = j.id AND NOT j.allowed
  )
  SELECT (SELECT count(*) FROM candidates), (SELECT count(*) FROM entries),
         (SELECT coalesce(jsonb_object_agg(r.reason, r.n), '{}')
          FROM (SELECT j.reason, count(*) AS n FROM judged j WHERE NOT j.allowed GROUP BY j.reason) r)
  INTO seen, queued, skipped;
END
$$;
COMMENT ON FUNCTION switchboard._queue_round(switchboard.campaigns, int, timestamptz) IS
  'Looks at up to so many due people of a campaign and queues those who may be called; how many were seen, queued, and skipped by
reason.';
REVOKE ALL ON FUNCTION switchboard._queue_round(switchboard.campaigns, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._queue_contacts(campaign switchboard.campaigns, run_source text, at timestamptz DEFAULT now())
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: campaign_runs is not the application's to write. Internal: whoever calls has checked and locked the campaign.
DECLARE
  room    int;
  round   record;
  queued  int := 0;
  skipped jsonb := '{}';
  run_id  uuid;
BEGIN
  SELECT switchboard._queue_limit(campaign.settings) - count(*) INTO room
  FROM switchboard.dialer_queues q
  WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued';
  -- Rounds, because those seen may all be refused. Bounded: what is left over is for the next run.
  FOR i IN 1 .. 20 LOOP
    EXIT WHEN room <= 0;
    round := switchboard._queue_round(campaign, room, at);
    EXIT WHEN round.seen = 0;
    queued := queued + round.queued;
    room := room - round.queued;
    skipped := switchboard._add_counts(skipped, round.skipped);
  END LOOP;
  IF queued > 0 OR skipped <> '{}' OR run_source <> 'dispatch' THEN
    INSERT INTO switchboard.campaign_runs (tenant_id, campaign_id, started_at, finished_at, queued, skipped, source)
    VALUES (campaign.tenant_id, campaign.id, at, clock_timestamp(), queued, skipped, run_source)
    RETURNING id INTO run_id;
  END IF;
  RETURN jsonb_build_object('run_id', run_id, 'queued', queued, 'skipped', skipped);
END
$$;
COMMENT ON FUNCTION switchboard._queue_contacts(switchboard.campaigns, text, timestamptz) IS
  'One run of a campaign that the caller has locked; returns {"run_id","queued","skipped"}. A run of dispatch that found nothing
is not recorded.';
REVOKE ALL ON FUNCTION switchboard._queue_contacts(switchboard.campaigns, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_may(tenant uuid, owner uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: asks about the session, not about the current role; the rule is that of the policies. A superuser who
  -- asserts no identity (a DBA, pg_cron) acts for every tenant.
  SELECT CASE WHEN switchboard.current_tenant_id() IS NULL THEN
                (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user)
              ELSE tenant = switchboard.current_tenant_id()
                AND (owner IS NULL OR owner = switchboard.current_user_id() OR switchboard.is_supervisor()) END
$$;
COMMENT ON FUNCTION switchboard._caller_may(uuid, uuid) IS
  'Whether the session may act on something of this tenant that belongs to this user (null: to nobody).';
REVOKE ALL ON FUNCTION switchboard._caller_may(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._run_campaign(campaign uuid, run_source text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: the queue is not the application's to write; the session is checked as row level security would.
-- Runs of one campaign take turns: only so is the queue's limit exact.
DECLARE
  found_campaign switchboard.campaigns := switchboard._campaign_for_update(campaign);
BEGIN
  IF NOT switchboard._caller_may(found_campaign.tenant_id, found_campaign.user_id) THEN
    RAISE EXCEPTION 'no such campaign: %', campaign USING ERRCODE = 'P0002';
  END IF;
  IF found_campaign.status <> 'active' THEN
    RAISE EXCEPTION 'cannot run campaign "%": it is %, not active', found_campaign.name, found_campaign.status
      USING ERRCODE = 'SB005', HINT = 'Start it with start_campaign(id), or resume_campaign(id) when it is paused.';
  END IF;
  RETURN switchboard._queue_contacts(found_campaign, run_source);
END
$$;
COMMENT ON FUNCTION switchboard._run_campaign(uuid, text) IS 'What run_campaign() does, as owner. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard._run_campaign(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.run_campaign(id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- SECURITY INVOKER up to here: a campaign that the caller cannot see does not exist.
  PERFORM FROM switchboard.campaigns c WHERE c.id = run_campaign.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(run_campaign.id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._run_campaign(run_campaign.id, 'manual');
END
$$;
COMMENT ON FUNCTION switchboard.run_campaign(uuid) IS
  'One run of an active campaign: moves people who are due into dialer_queues, up to settings.queue_limit waiting (default 1000), and
logs it in campaign_runs. Returns {"run_id", "queued", "skipped": {reason: n}}; people skipped because of the time of day are put
off until it is right, the others become do-not-call. Power and predictive campaigns run by themselves while workers are there;
manual and preview campaigns only queue. Errors: P0002 no such campaign, SB005 not active.';
REVOKE ALL ON FUNCTION switchboard.run_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.run_due_campaigns()
RETURNS TABLE (campaign_id uuid, run_id uuid, queued int, skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: runs the campaigns that the caller sees; for a DBA or pg_cron those of every tenant.
DECLARE
  due    uuid;
  answer jsonb;
BEGIN
  FOR due IN SELECT c.id FROM switchboard.campaigns c WHERE c.status = 'active' ORDER BY c.id LOOP
    BEGIN
      answer := switchboard._run_campaign(due, 'schedule');
    EXCEPTION WHEN SQLSTATE 'SB005' OR no_data_found THEN
      CONTINUE;   -- paused or deleted since the list was read
    END;
    run_due_campaigns.campaign_id := due;
    run_due_campaigns.run_id := (answer ->> 'run_id')::uuid;
    run_due_campaigns.queued := (answer ->> 'queued')::int;
    run_due_campaigns.skipped := answer -> 'skipped';
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard.run_due_campaigns() IS
  'Runs every active campaign that the caller sees, as run_campaign() does; one row per run. For pg_cron.';
REVOKE ALL ON FUNCTION switchboard.run_due_campaigns() FROM PUBLIC;
