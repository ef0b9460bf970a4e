-- wallboard(): everything a screen on the wall of a call centre shows, in one answer. Each part is one statement; rates are reckoned by
-- what the reports reckon them with, and are percentages here.

CREATE OR REPLACE FUNCTION switchboard._percent(part numeric, whole numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT round(100.0 * part / nullif(whole, 0), 1) $$;
COMMENT ON FUNCTION switchboard._percent(numeric, numeric) IS 'A share in percent, one decimal; NULL of nothing.';
REVOKE ALL ON FUNCTION switchboard._percent(numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_calls(tenant uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. Cost: the calls that go on, by their index, and three probes for each that is shown.
BEGIN
  RETURN (
    WITH live AS MATERIALIZED (
      SELECT c.* FROM switchboard.call_logs c
      WHERE c.tenant_id = tenant AND c.status IN ('initiated', 'ringing', 'answered') AND NOT c.waits
    ), shown AS (
      SELECT l.*, switchboard._person_name(k.name, k.first_name, k.last_name) AS name, u.name AS agent, m.name AS campaign,
             CASE l.direction WHEN 'inbound' THEN l.from_number ELSE l.to_number END AS number
      FROM (SELECT * FROM live ORDER BY started_at, id LIMIT 50) l
      LEFT JOIN switchboard.contacts k ON k.tenant_id = l.tenant_id AND k.id = l.lead_id
      LEFT JOIN switchboard.users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
      LEFT JOIN switchboard.campaigns m ON m.id = l.campaign_id
    )
    SELECT jsonb_build_object('live', count(*), 'inbound', count(*) FILTER (WHERE l.direction = 'inbound'),
      'outbound', count(*) FILTER (WHERE l.direction = 'outbound'), 'ringing', count(*) FILTER (WHERE l.status = 'ringing'),
      'list', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'id', s.id, 'direction', s.direction, 'status', s.status, 'name', s.name, 'number', s.number, 'agent', s.agent,
                 'campaign', s.campaign, 'startedAt', s.started_at,
                 'seconds', greatest(0, round(extract(epoch FROM now() - s.started_at)))) ORDER BY s.started_at, s.id), '[]') FROM shown s))
    FROM live l);
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_calls(uuid) IS 'The part "calls" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_calls(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_queue(tenant uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. Cost: that of call_queue, once.
BEGIN
  RETURN (
    WITH waiting AS MATERIALIZED (
      SELECT q.* FROM switchboard.call_queue q WHERE q.tenant_id = tenant
    ), shown AS (
      SELECT w.*, row_number() OVER (ORDER BY w.priority DESC, w.waiting_since, w.id) AS place
      FROM waiting w ORDER BY w.priority DESC, w.waiting_since, w.id LIMIT 50
    )
    SELECT jsonb_build_object(
      'waiting', count(*),
      'longestWaitS', coalesce(round(extract(epoch FROM max(w.age) FILTER (WHERE w.kind = 'call'))), 0),
      'byKind', jsonb_build_object('call', count(*) FILTER (WHERE w.kind = 'call'),
                                   'support_request', count(*) FILTER (WHERE w.kind = 'support_request'),
                                   'callback', count(*) FILTER (WHERE w.kind = 'callback')),
      'items', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                  'kind', s.kind, 'id', s.id, 'contactId', s.contact_id, 'name', s.name, 'phoneNumber', s.phone_number, 'subject', s.subject,
                  'priority', s.priority, 'skills', s.skills, 'waitingSince', s.waiting_since, 'ageS', round(extract(epoch FROM s.age)),
                  'position', s.position, 'campaignId', s.campaign_id, 'callId', s.call_log_id, 'userId', s.user_id) ORDER BY s.place), '[]')
                FROM shown s))
    FROM waiting w);
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_queue(uuid) IS 'The part "queue" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_queue(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_agents(tenant uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER: agents see themselves. Cost: the tenant's users and their open states.
BEGIN
  RETURN (
    WITH staff AS MATERIALIZED (
      SELECT a.* FROM switchboard.agents a WHERE a.tenant_id = tenant
    )
    SELECT jsonb_build_object(
      'byState', (SELECT jsonb_object_agg(s.state, (SELECT count(*) FROM staff a WHERE a.state = s.state))
                  FROM unnest(enum_range(NULL::switchboard.agent_state)) AS s (state)),
      'list', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'id', a.user_id, 'name', a.name, 'state', a.state, 'since', a.since,
                 'seconds', greatest(0, round(extract(epoch FROM now() - a.since))), 'callId', a.call_log_id, 'reason', a.reason)
                 ORDER BY a.name, a.user_id), '[]')
               FROM (SELECT * FROM staff ORDER BY name, user_id LIMIT 200) a)));
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_agents(uuid) IS 'The part "agents" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_agents(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_campaigns(tenant uuid, audiences uuid[], zone text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. The abandon rate is that of abandon_rate(): 30 days, today included. Cost for each campaign: its kept counts, and for
-- those that dial by themselves the cells of 30 days.
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'id', c.id, 'name', c.name, 'type', c.type, 'status', c.status, 'total', c.stats -> 'total', 'completed', c.stats -> 'completed',
             'pending', c.stats -> 'pending', 'failed', c.stats -> 'failed', 'calling', c.stats -> 'calling',
             'penetration', switchboard._percent((p.list ->> 'tried')::numeric, (p.list ->> 'listed')::numeric),
             'abandonRate', switchboard._percent(f.abandoned, f.live), 'abandonTarget', round(100 * c.max_abandon_rate, 1))
             ORDER BY c.status, c.name, c.id), '[]')
    FROM (SELECT k.* FROM switchboard.dialer_campaigns k
          WHERE k.tenant_id = tenant AND k.status IN ('active', 'paused') ORDER BY k.status, k.name, k.id LIMIT 50) c
    CROSS JOIN LATERAL (SELECT switchboard._list_penetration(c.id) AS list) p
    LEFT JOIN LATERAL (
      SELECT sum(g.n_live) AS live, sum(g.n_abandoned) AS abandoned
      FROM unnest(audiences) AS a (id),
           LATERAL (SELECT (now() AT TIME ZONE coalesce(c.timezone, zone))::date AS today, coalesce(c.timezone, zone) AS zone) d,
           switchboard._call_figures(tenant, c.id, a.id, (d.today - 29)::timestamp AT TIME ZONE d.zone,
             (d.today + 1)::timestamp AT TIME ZONE d.zone - interval '1 microsecond', d.zone) g
    ) f ON c.type IN ('power', 'predictive'));
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_campaigns(uuid, uuid[], text) IS 'The part "campaigns" of wallboard(): those that are active or paused.';
REVOKE ALL ON FUNCTION switchboard._wallboard_campaigns(uuid, uuid[], text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_today(tenant uuid, audiences uuid[], zone text, midnight timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. Cost: the cells of today, and today's inbound calls for agents by their index.
DECLARE
  waits jsonb := switchboard.service_level(midnight);
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'calls', sum(f.n_calls), 'answered', sum(f.n_answered), 'answerRate', switchboard._percent(sum(f.n_answered), sum(f.n_calls)),
      'abandoned', sum(f.n_abandoned), 'abandonRate', switchboard._percent(sum(f.n_abandoned), sum(f.n_live)),
      'offered', waits -> 'offered', 'inboundAbandoned', waits -> 'abandoned',
      'inboundAbandonRate', round(100 * (waits #>> '{abandonRate,rate}')::numeric, 1),
      'serviceLevel', round(100 * (waits #>> '{serviceLevel,rate}')::numeric, 1), 'averageWaitS', waits -> 'averageSpeedOfAnswer')
    FROM unnest(audiences) AS a (id), switchboard._call_figures(tenant, NULL, a.id, midnight, 'infinity', zone) f);
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_today(uuid, uuid[], text, timestamptz) IS 'The part "today" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_today(uuid, uuid[], text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_hours(tenant uuid, audiences uuid[], zone text, midnight timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. The quarters of today, which hold the answered calls too; days of single users have no quarters, there it is their
-- calls. Cost: up to 100 cells and the deltas of the day, or the user's calls of the day.
BEGIN
  RETURN (
    WITH parts AS (
      SELECT r.starts_at AS at, r.n_calls, r.n_answered
      FROM switchboard.call_rollups r
      WHERE r.tenant_id = tenant AND r.campaign_id = '00000000-0000-0000-0000-000000000000' AND r.audience = ANY (audiences)
        AND r.minutes = 15 AND r.starts_at >= midnight
        AND r.audience IN ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      UNION ALL
      SELECT d.quarter, d.n_calls, d.n_answered
      FROM switchboard.call_rollup_deltas d
      WHERE d.tenant_id = tenant AND d.quarter >= midnight
        AND ('00000000-0000-0000-0000-000000000000' = ANY (audiences) OR d.user_id IS NULL)
      UNION ALL
      SELECT c.started_at, 1, (c.answered_at IS NOT NULL)::int
      FROM unnest(audiences) AS a (id), switchboard._calls_of(tenant, NULL, a.id, midnight, 'infinity') c
      WHERE a.id NOT IN ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ), hours AS (
      SELECT date_part('hour', p.at AT TIME ZONE zone)::int AS hour, sum(p.n_calls) AS calls, sum(p.n_answered) AS answered
      FROM parts p WHERE p.at < midnight + interval '25 hours' GROUP BY 1
    )
    SELECT jsonb_agg(switchboard._percent(h.answered, h.calls) ORDER BY n.hour)
    FROM generate_series(0, 23) AS n (hour) LEFT JOIN hours h ON h.hour = n.hour);
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_hours(uuid, uuid[], text, timestamptz) IS 'The part "answerRateByHour" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_hours(uuid, uuid[], text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_deliveries(tenant uuid, midnight timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. Cost: today's deliveries by their index.
BEGIN
  RETURN (
    WITH counted AS (
      SELECT d.channel, d.status, count(*) AS n
      FROM switchboard.message_delivery_log d WHERE d.tenant_id = tenant AND d.created_at >= midnight GROUP BY 1, 2
    )
    SELECT jsonb_object_agg(c.channel, (
             SELECT jsonb_object_agg(s.status, coalesce((SELECT n.n FROM counted n WHERE n.channel = c.channel AND n.status = s.status), 0))
             FROM unnest(enum_range(NULL::switchboard.delivery_status)) AS s (status)))
    FROM (VALUES ('sms'::switchboard.channel), ('whatsapp')) AS c (channel));
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_deliveries(uuid, timestamptz) IS 'The part "deliveries" of wallboard().';
REVOKE ALL ON FUNCTION switchboard._wallboard_deliveries(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wallboard_workers()
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off
AS $$
-- SECURITY DEFINER: workers and jobs are not the application's to read; of jobs it tells those of the session's tenant.
-- Cost: index ranges of at most 10,000 jobs each, a probe of the locks for each worker.
DECLARE
  tenant  uuid := switchboard._caller_tenant();
  lanes   uuid[] := ARRAY(SELECT a.id FROM switchboard.provider_accounts a WHERE a.tenant_id = tenant) || tenant;
  alive   bigint := (SELECT count(*) FROM switchboard.worker_status w WHERE w.alive);
  ready   record;
  oldest  numeric;
BEGIN
  SELECT count(*) AS jobs, min(j.run_at) FILTER (WHERE j.run_at <= now()) AS due INTO ready
  FROM (SELECT j.run_at FROM switchboard.jobs_open j WHERE j.lane = ANY (lanes) AND j.locked_by IS NULL AND j.state = 'ready' LIMIT 10000) j;
  oldest := greatest(0, round(extract(epoch FROM now() - ready.due), 1));
  RETURN jsonb_build_object(
    'status', CASE WHEN alive = 0 THEN 'failing' WHEN oldest > 300 THEN 'degraded' ELSE 'ok' END, 'running', alive, 'jobsReady', ready.jobs,
    'jobsRunning', (SELECT count(*) FROM switchboard.jobs_open j WHERE j.locked_by IS NOT NULL AND j.locked_until > '-infinity' AND j.tenant_id = tenant),
    'jobsDead', (SELECT count(*) FROM (SELECT FROM switchboard.jobs_finished j WHERE j.tenant_id = tenant AND j.state = 'dead' LIMIT 10000) j),
    'oldestReadyS', coalesce(oldest, 0));
END
$$;
COMMENT ON FUNCTION switchboard._wallboard_workers() IS
  'The part "workers" of wallboard(): the workers of the installation, the jobs of the tenant. status: failing when no worker runs, degraded
when a job has been due for more than 300 s, else ok.';
REVOKE ALL ON FUNCTION switchboard._wallboard_workers() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.wallboard()
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER: agents see their own work and nobody's, supervisors all. Cost: that of the parts; it does not grow with what is over.
DECLARE
  tenant   uuid := switchboard._caller_tenant();
  scope    record := switchboard._figures_scope(NULL);
  midnight timestamptz := date_trunc('day', now(), scope.zone);
BEGIN
  RETURN jsonb_build_object(
    'at', now(), 'timezone', scope.zone,
    'calls', switchboard._wallboard_calls(tenant),
    'queue', switchboard._wallboard_queue(tenant),
    'agents', switchboard._wallboard_agents(tenant),
    'campaigns', switchboard._wallboard_campaigns(tenant, scope.audiences, scope.zone),
    'today', switchboard._wallboard_today(tenant, scope.audiences, scope.zone, midnight),
    'answerRateByHour', switchboard._wallboard_hours(tenant, scope.audiences, scope.zone, midnight),
    'deliveries', switchboard._wallboard_deliveries(tenant, midnight),
    'workers', switchboard._wallboard_workers());
END
$$;
COMMENT ON FUNCTION switchboard.wallboard() IS
  'What goes on now, for a screen: {"at", "timezone", "calls": {live, inbound, outbound, ringing, list}, "queue": {waiting, longestWaitS (of
calls), byKind, items}, "agents": {byState, list}, "campaigns", "today", "answerRateByHour", "deliveries": {sms, whatsapp}, "workers"}. Up to
50 calls, oldest first, 50 items of call_queue, 200 agents by name and 50 campaigns that are active or paused. Rates are percentages, null
where there was nothing; today begins at midnight in the tenant''s zone: calls, answered, answerRate, abandoned and abandonRate (of live
outbound calls), and of inbound calls for agents offered, inboundAbandoned, inboundAbandonRate, serviceLevel (within 20 s) and averageWaitS as in
service_level(). abandonRate of a campaign: 30 days, beside abandonTarget. Errors: 42501 the session acts for no tenant.';
REVOKE ALL ON FUNCTION switchboard.wallboard() FROM PUBLIC;
