-- Runs of campaigns: people who are due move into dialer_queues, up to settings.queue_limit waiting there; whom a run takes and in
-- which order is in 45_hopper.sql. Callbacks that are due go above that limit, and whom an agent has put off does not count for it.

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

CREATE OR REPLACE FUNCTION switchboard._due_callbacks(campaign switchboard.campaigns, at timestamptz, agent uuid DEFAULT NULL)
RETURNS int
LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
  -- SECURITY DEFINER: dialer_queues is not the application's to read past its policies. Internal. Cost: as _pick_contacts().
  SELECT count(*)::int
  FROM (SELECT FROM switchboard.campaign_contacts l
        WHERE l.campaign_id = campaign.id AND l.status = 'callback' AND l.next_attempt_at <= at AND (agent IS NULL OR l.assigned_to = agent)
          AND (SELECT q.id FROM switchboard.dialer_queues q
               WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
        ORDER BY l.next_attempt_at LIMIT 100) c
$$;
COMMENT ON FUNCTION switchboard._due_callbacks(switchboard.campaigns, timestamptz, uuid) IS
  'How many callbacks of a campaign (of an agent) are due and not in the queue; 100 at most.';
REVOKE ALL ON FUNCTION switchboard._due_callbacks(switchboard.campaigns, timestamptz, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._queue_contacts(campaign switchboard.campaigns, run_source text, at timestamptz DEFAULT now())
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: campaign_runs is not the application's to write. Internal: whoever calls has checked and locked the campaign.
DECLARE
  room     int;
  promised boolean := false;
  round    record;
  queued   int := 0;
  skipped  jsonb := '{}';
  run_id   uuid;
BEGIN
  SELECT switchboard._queue_limit(campaign.settings) - count(*) INTO room
  FROM switchboard.dialer_queues q
  WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued'
    AND q.scheduled_at <= greatest(at, clock_timestamp());
  -- What was promised is not kept waiting by a full queue: callbacks come first in a round.
  IF room <= 0 THEN
    room := switchboard._due_callbacks(campaign, at);
    promised := room > 0;
  END IF;
  -- Rounds, because those seen may all be refused. Bounded: what is left over is for the next run.
  FOR i IN 1 .. 20 LOOP
    EXIT WHEN room <= 0;
    round := switchboard._queue_round(campaign, room, at);
    EXIT WHEN round.seen = 0;
    queued := queued + round.queued;
    room := room - round.queued;
    skipped := switchboard._add_counts(skipped, round.skipped);
    EXIT WHEN promised;
  END LOOP;
  IF queued > 0 OR skipped <> '{}' OR run_source <> 'dispatch' THEN
    INSERT INTO switchboard.campaign_runs (tenant_id, campaign_id, started_at, finished_at, queued, skipped, source)
    VALUES (campaign.tenant_id, campaign.id, at, clock_timestamp(), queued, skipped, run_source)
    RETURNING id INTO run_id;
  END IF;
  IF queued = 0 THEN
    PERFORM switchboard._complete_if_done(campaign);
  END IF;
  RETURN jsonb_build_object('run_id', run_id, 'queued', queued, 'skipped', skipped);
END
$$;
COMMENT ON FUNCTION switchboard._queue_contacts(switchboard.campaigns, text, timestamptz) IS
  'One run of a campaign that the caller has locked; returns {"run_id","queued","skipped"}. A run that finds nobody left completes the
campaign. A run of dispatch that found nothing is not recorded.';
REVOKE ALL ON FUNCTION switchboard._queue_contacts(switchboard.campaigns, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_may(tenant uuid, owner uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: asks about the session, not about the current role; the rule is that of the policies. A superuser who
-- asserts no identity (a DBA, pg_cron) acts for every tenant. PL/pgSQL, which keeps its plan.
DECLARE
  caller record := switchboard._identity();
BEGIN
  IF caller.tenant_id IS NULL THEN
    RETURN (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user);
  END IF;
  RETURN tenant = caller.tenant_id
     AND (owner IS NULL OR coalesce(owner = caller.user_id, false) OR coalesce(caller.role IN ('supervisor', 'admin'), false));
END
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
off until it is right, the others become do-not-call. A run that finds nobody left to call completes the campaign. Power and predictive
campaigns run by themselves while workers are there: then the workers may have queued, and even called, everybody who is due, and
"queued" is 0. Manual and preview campaigns only queue. Errors: P0002 no such campaign, SB005 not active.';
REVOKE ALL ON FUNCTION switchboard.run_campaign(uuid) FROM PUBLIC;
