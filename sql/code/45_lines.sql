-- How many calls a campaign may start now.
--
-- Campaigns with agents dial so many lines per free agent (power: dial_level; predictive: what _pace_campaign() says). Agents
-- who serve several campaigns are shared: a line under way takes its part of an agent, wherever it was dialed, and what is left
-- goes to those who have somebody to call. Agentless campaigns, whose calls are text or audio, dial as many lines as they may.
-- Above that lie the limits of the campaign, the tenant and the account, shared in the same way.
-- All of it holds only while no two sessions count for one tenant at once: see _serve_campaign().

CREATE OR REPLACE FUNCTION switchboard._is_agentless(campaign switchboard.campaigns)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: looks for agents past row level security. Internal. Cost: two index probes.
BEGIN
  IF campaign.settings ->> 'agentless' IN ('true', 'false') THEN
    RETURN campaign.settings ->> 'agentless' = 'true';
  END IF;
  RETURN NOT EXISTS (SELECT FROM switchboard.users u WHERE u.tenant_id = campaign.tenant_id AND u.active AND u.endpoint <> '')
     AND NOT EXISTS (SELECT FROM switchboard.agent_states s WHERE s.tenant_id = campaign.tenant_id);
END
$$;
COMMENT ON FUNCTION switchboard._is_agentless(switchboard.campaigns) IS
  'Whether a campaign''s calls are not for agents: settings.agentless, else true as long as the tenant has no agents (no active user
with an endpoint, and nobody who ever said what they do).';
REVOKE ALL ON FUNCTION switchboard._is_agentless(switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._text_list(value jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(array_agg(t.item), '{}')
  FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE '[]' END) AS t (item)
$$;
COMMENT ON FUNCTION switchboard._text_list(jsonb) IS 'The items of a JSON array as texts; none for anything else.';
REVOKE ALL ON FUNCTION switchboard._text_list(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._staff(campaigns uuid[])
RETURNS TABLE (campaign_id uuid, user_id uuid)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: dispatch acts for every tenant. Internal. Cost: one read of the tenant's users per campaign.
BEGIN
  RETURN QUERY
  WITH wanted AS MATERIALIZED (
    SELECT k.id, k.tenant_id, switchboard._text_list(k.settings -> 'skills') AS skills,
           EXISTS (SELECT FROM switchboard.campaign_agents m WHERE m.tenant_id = k.tenant_id AND m.campaign_id = k.id) AS chosen
    FROM switchboard.campaigns k WHERE k.id = ANY (campaigns)
  )
  SELECT c.id, u.id
  FROM wanted c
  JOIN switchboard.users u ON u.tenant_id = c.tenant_id AND u.active
  WHERE CASE WHEN c.chosen THEN EXISTS (SELECT FROM switchboard.campaign_agents m
                                        WHERE m.tenant_id = c.tenant_id AND m.campaign_id = c.id AND m.user_id = u.id)
             ELSE u.skills @> c.skills END;
END
$$;
COMMENT ON FUNCTION switchboard._staff(uuid[]) IS
  'Who may serve each of the campaigns: the users named in campaign_agents, else everybody who has the skills of settings.skills.';
REVOKE ALL ON FUNCTION switchboard._staff(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._pace_campaign(campaign switchboard.campaigns, at timestamptz)
RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE campaign.type WHEN 'predictive' THEN 1 ELSE campaign.dial_level END $$;
COMMENT ON FUNCTION switchboard._pace_campaign(switchboard.campaigns, timestamptz) IS
  'Lines per free agent: dial_level of power campaigns; predictive ones dial one line until they are paced.';
REVOKE ALL ON FUNCTION switchboard._pace_campaign(switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._has_something_due(tenant uuid, campaign uuid, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal. Cost: a few index probes.
BEGIN
  RETURN EXISTS (SELECT FROM switchboard.dialer_queues q
                 WHERE q.tenant_id = tenant AND q.campaign_id = campaign AND q.status = 'queued' AND q.scheduled_at <= at)
      OR switchboard._has_due_contacts(campaign, at);
END
$$;
COMMENT ON FUNCTION switchboard._has_something_due(uuid, uuid, timestamptz) IS
  'Whether a campaign has somebody to call now, in the queue or on the list.';
REVOKE ALL ON FUNCTION switchboard._has_something_due(uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._calls_for_agents(tenant uuid)
RETURNS TABLE (campaign_id uuid, calls bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: dispatch acts for every tenant. Internal. Cost: one index range of the tenant's live calls.
BEGIN
  RETURN QUERY
  SELECT c.campaign_id, count(*)
  FROM switchboard.call_logs c
  WHERE c.tenant_id = tenant AND c.status IN ('initiated', 'ringing', 'answered') AND NOT c.waits AND c.campaign_id IS NOT NULL
    AND (c.campaign_contact_id IS NOT NULL OR NOT c.metadata ? 'call_trigger_id')
    AND c.direction = 'outbound' AND c.assigned_at IS NULL AND NOT c.abandoned
    AND coalesce(c.answered_by NOT IN ('machine', 'fax'), true)
  GROUP BY c.campaign_id;
END
$$;
COMMENT ON FUNCTION switchboard._calls_for_agents(uuid) IS
  'How many calls of each campaign are under way that may yet need an agent: dialed and not yet answered, or answered and waiting. Triggered
calls that no list leads to need none.';
REVOKE ALL ON FUNCTION switchboard._calls_for_agents(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._rival_campaigns(campaign switchboard.campaigns, at timestamptz)
RETURNS TABLE (campaign_id uuid, level numeric, calls bigint, agents int[], share numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: dispatch acts for every tenant. Internal.
BEGIN
  RETURN QUERY
  WITH rivals AS MATERIALIZED (
    SELECT c.id, switchboard._pace_campaign(c, at) AS level, coalesce(p.calls, 0) AS calls,
           c.id = campaign.id OR c.status = 'active' AND switchboard._has_something_due(c.tenant_id, c.id, at) AS hungry
    FROM switchboard.campaigns c
    LEFT JOIN switchboard._calls_for_agents(campaign.tenant_id) p ON p.campaign_id = c.id
    WHERE c.tenant_id = campaign.tenant_id AND c.type IN ('power', 'predictive')
      AND (c.status = 'active' OR p.calls IS NOT NULL) AND NOT switchboard._is_agentless(c)
  ), free AS MATERIALIZED (
    SELECT f.campaign_id, f.user_id, r.hungry
    FROM switchboard._staff(ARRAY(SELECT r.id FROM rivals r)) f
    JOIN rivals r ON r.id = f.campaign_id
    JOIN switchboard.agent_states s ON s.tenant_id = campaign.tenant_id AND s.user_id = f.user_id AND s.ended_at IS NULL AND s.state = 'available'
  ), agents AS MATERIALIZED (
    SELECT f.campaign_id, count(*) OVER one AS campaigns, count(*) FILTER (WHERE f.hungry) OVER one AS sharers,
           (dense_rank() OVER (ORDER BY f.user_id))::int AS n
    FROM free f WINDOW one AS (PARTITION BY f.user_id)
  )
  SELECT r.id, r.level, r.calls, array_agg(a.n ORDER BY a.campaigns, a.n) FILTER (WHERE a.n IS NOT NULL),
         coalesce(sum(1.0 / greatest(a.sharers, 1)), 0)
  FROM rivals r
  LEFT JOIN agents a ON a.campaign_id = r.id
  GROUP BY r.id, r.level, r.calls
  ORDER BY count(a.n), r.id;
END
$$;
COMMENT ON FUNCTION switchboard._rival_campaigns(switchboard.campaigns, timestamptz) IS
  'The campaigns that want the agents of a tenant, those with the least choice first: lines per agent, calls under way, the free agents
who serve it by number (those who serve fewest first), and its fair part of them.';
REVOKE ALL ON FUNCTION switchboard._rival_campaigns(switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lines_wanted(campaign switchboard.campaigns, at timestamptz, generous boolean DEFAULT false)
RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal.
-- Calls under way are laid on the agents they may need, of whom each carries "level" calls; what is left of the agents is free.
-- Rounded before floor() and ceil(): three thirds of an agent are one agent.
-- Cost: one query, and a step per campaign and free agent.
DECLARE
  rival  record;
  level  numeric;
  share  numeric;
  calls  bigint;
  agents int[];
  agent  int;
  room   numeric[] := '{}';   -- of each agent; absent: all of them
  load   numeric;
  part   numeric;
  free   numeric;
BEGIN
  FOR rival IN SELECT * FROM switchboard._rival_campaigns(campaign, at) LOOP
    IF rival.campaign_id = campaign.id THEN
      level := rival.level;
      share := rival.share;
      calls := rival.calls;
      agents := rival.agents;
    END IF;
    load := rival.calls / greatest(rival.level, 0.01);
    FOREACH agent IN ARRAY coalesce(rival.agents, '{}') LOOP
      EXIT WHEN load <= 0;
      part := least(load, coalesce(room[agent], 1));
      room[agent] := coalesce(room[agent], 1) - part;
      load := load - part;
    END LOOP;
  END LOOP;
  SELECT sum(coalesce(room[a.n], 1)) INTO free FROM unnest(agents) AS a (n);
  RETURN greatest(0, least(floor(round(level * coalesce(free, 0), 6)),
                           CASE WHEN NOT generous THEN ceil(round(level * share, 6)) - calls END));
END
$$;
COMMENT ON FUNCTION switchboard._lines_wanted(switchboard.campaigns, timestamptz, boolean) IS
  'How many calls an active campaign with agents may start now: its lines per free agent less what is under way, its own and that of
campaigns with the same agents. generous: also what is the fair part of others.';
REVOKE ALL ON FUNCTION switchboard._lines_wanted(switchboard.campaigns, timestamptz, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fair_part(line_limit int, used bigint, used_here bigint, sharers bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN line_limit IS NOT NULL
              THEN least(line_limit - used, ceil(line_limit::numeric / greatest(sharers, 1))::bigint - used_here) END
$$;
COMMENT ON FUNCTION switchboard._fair_part(int, bigint, bigint, bigint) IS
  'What one of so many sharers may still take of a limit, all together and for its part; NULL: there is no limit.';
REVOKE ALL ON FUNCTION switchboard._fair_part(int, bigint, bigint, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._calls_being_sent(account uuid, most int, at timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal. Triggered calls may wait by the hundred thousand for their time: of those due, so
-- many are counted at most, by priority, for which the index of claims has the order.
BEGIN
  RETURN (SELECT count(*)
          FROM (SELECT FROM switchboard.jobs_open j
                WHERE j.lane = account AND j.priority = ANY ('{-10,-9,-8,-7,-6,-5,-4,-3,-2,-1,0,1,2,3,4,5,6,7,8,9,10}'::int[])
                  AND j.run_at <= at AND j.locked_by IS NULL AND j.kind = 'call' AND j.state = 'ready' LIMIT most) w)
       + (SELECT count(*) FROM switchboard.jobs_open j
          WHERE j.locked_by IS NOT NULL AND j.locked_until > '-infinity' AND j.lane = account AND j.kind = 'call' AND j.state = 'running');
END
$$;
COMMENT ON FUNCTION switchboard._calls_being_sent(uuid, int, timestamptz) IS
  'How many calls of an account are being sent or could be at once, those that could counted up to a limit.';
REVOKE ALL ON FUNCTION switchboard._calls_being_sent(uuid, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lines_left(
  campaign switchboard.campaigns, account switchboard.provider_accounts, at timestamptz, generous boolean DEFAULT false)
RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal. Without limits of tenant or account nothing is counted but the
-- people being called.
DECLARE
  tenant_limit  int := (SELECT switchboard._small_int(t.settings -> 'max_lines', 0, 100000, NULL)
                        FROM switchboard.tenants t WHERE t.id = campaign.tenant_id);
  account_limit int := switchboard._small_int(account.settings -> 'max_lines', 0, 100000, NULL);
  own_limit     int := switchboard._small_int(campaign.settings -> 'max_lines', 0, 100000,
                         CASE WHEN switchboard._is_agentless(campaign) THEN 50 ELSE 100000 END);
  room    bigint;
  sharers bigint;
  used    record;
BEGIN
  room := own_limit
          - (SELECT count(*) FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign.id AND l.status = 'calling')
          - (SELECT count(*) FROM switchboard.call_triggers t
             WHERE t.tenant_id = campaign.tenant_id AND t.campaign_id = campaign.id AND t.status = 'calling' AND t.campaign_contact_id IS NULL);
  IF account.max_in_flight IS NOT NULL THEN
    room := least(room, account.max_in_flight - switchboard._calls_being_sent(account.id, account.max_in_flight, at));
  END IF;
  IF room <= 0 OR tenant_limit IS NULL AND account_limit IS NULL THEN
    RETURN greatest(room, 0);
  END IF;
  SELECT count(*) AS by_tenant, count(*) FILTER (WHERE c.campaign_id = campaign.id) AS here,
         count(*) FILTER (WHERE c.account_id = account.id) AS by_account,
         count(*) FILTER (WHERE c.account_id = account.id AND c.campaign_id = campaign.id) AS here_by_account
  INTO used
  FROM switchboard.call_logs c
  WHERE c.tenant_id = campaign.tenant_id AND c.status IN ('initiated', 'ringing', 'answered') AND NOT c.waits
    AND c.direction = 'outbound';
  SELECT CASE WHEN generous THEN 1 ELSE count(*) END INTO sharers
  FROM switchboard.campaigns c
  WHERE c.tenant_id = campaign.tenant_id AND c.status = 'active' AND c.type IN ('power', 'predictive')
    AND (c.id = campaign.id OR switchboard._has_something_due(c.tenant_id, c.id, at));
  RETURN greatest(0, least(room, switchboard._fair_part(tenant_limit, used.by_tenant, used.here, sharers),
                           switchboard._fair_part(account_limit, used.by_account, used.here_by_account, sharers)));
END
$$;
COMMENT ON FUNCTION switchboard._lines_left(switchboard.campaigns, switchboard.provider_accounts, timestamptz, boolean) IS
  'How many more calls a campaign may have under way: within its own settings.max_lines (default 50 when it is agentless), and its fair
part of settings.max_lines of the tenant and of the account; and no more calls waiting to be sent than the account sends at once
(max_in_flight). generous: also what is the fair part of other campaigns.';
REVOKE ALL ON FUNCTION switchboard._lines_left(switchboard.campaigns, switchboard.provider_accounts, timestamptz, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._try_dial_lock(tenant uuid)
RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_try_advisory_xact_lock(hashtextextended('switchboard dials for ' || tenant, 0)) $$;
COMMENT ON FUNCTION switchboard._try_dial_lock(uuid) IS
  'Makes this transaction the only one that starts calls for the campaigns of a tenant; false: another one is at it.';
REVOKE ALL ON FUNCTION switchboard._try_dial_lock(uuid) FROM PUBLIC;
