-- Reports: campaigns, agents, waiting callers, abandoned calls. docs/reports.md defines every figure.

CREATE OR REPLACE FUNCTION switchboard._rate(part numeric, whole numeric)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Wilson's score interval for 95 %: right for few cases too, where part/whole alone says little.
  SELECT jsonb_build_object('numerator', part, 'denominator', whole, 'rate', round(part / nullif(whole, 0), 4),
    'low', CASE WHEN whole > 0 THEN round(greatest(0, (r.middle - r.spread) / r.scale), 4) END,
    'high', CASE WHEN whole > 0 THEN round(least(1, (r.middle + r.spread) / r.scale), 4) END)
  FROM (SELECT part / nullif(whole, 0) + 3.8416 / (2 * nullif(whole, 0)) AS middle, 1 + 3.8416 / nullif(whole, 0) AS scale,
               1.96 * sqrt(greatest(0, part / nullif(whole, 0) * (1 - part / nullif(whole, 0)) / nullif(whole, 0)
                                       + 3.8416 / (4 * nullif(whole, 0) ^ 2))) AS spread) r
$$;
COMMENT ON FUNCTION switchboard._rate(numeric, numeric) IS
  'A rate with what it was made of: {"numerator", "denominator", "rate", "low", "high"}, low and high being the 95 % Wilson interval;
all three NULL when the denominator is 0.';
REVOKE ALL ON FUNCTION switchboard._rate(numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.abandon_rate(
  campaign_id uuid, days int DEFAULT 30, at timestamptz DEFAULT now())
RETURNS TABLE (day date, live bigint, abandoned bigint, rate numeric, low numeric, high numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: agents get the rates of their own and of unassigned calls. Cost: see _call_figures(), once a day of the range.
DECLARE
  scope record := switchboard._figures_scope(abandon_rate.campaign_id);
  today date := (abandon_rate.at AT TIME ZONE scope.zone)::date;
BEGIN
  IF abandon_rate.campaign_id IS NULL THEN
    RAISE EXCEPTION 'no such campaign: null' USING ERRCODE = 'P0002';
  ELSIF abandon_rate.days IS NULL OR abandon_rate.days NOT BETWEEN 1 AND 366 THEN
    RAISE EXCEPTION 'days must be from 1 to 366, not %', coalesce(abandon_rate.days::text, 'null') USING ERRCODE = '22023';
  ELSIF isfinite(abandon_rate.at) IS NOT TRUE THEN
    RAISE EXCEPTION 'at must be a time, not %', coalesce(abandon_rate.at::text, 'null') USING ERRCODE = '22023';
  END IF;
  RETURN QUERY
    WITH by_day AS (
      SELECT d.day, sum(f.n_live)::bigint AS live, sum(f.n_abandoned)::bigint AS abandoned
      FROM (SELECT today - n AS day FROM generate_series(0, abandon_rate.days - 1) n) d, unnest(scope.audiences) AS a (id),
           switchboard._call_figures(scope.tenants[1], abandon_rate.campaign_id, a.id, d.day::timestamp AT TIME ZONE scope.zone,
             (d.day + 1)::timestamp AT TIME ZONE scope.zone - interval '1 microsecond', scope.zone) f
      GROUP BY d.day
    ), lines AS (
      SELECT b.day, b.live, b.abandoned FROM by_day b
      UNION ALL
      SELECT NULL, sum(b.live)::bigint, sum(b.abandoned)::bigint FROM by_day b
    )
    SELECT l.day, l.live, l.abandoned, (r.r ->> 'rate')::numeric, (r.r ->> 'low')::numeric, (r.r ->> 'high')::numeric
    FROM lines l, LATERAL (SELECT switchboard._rate(l.abandoned, l.live) AS r) r
    ORDER BY l.day DESC NULLS FIRST;
END
$$;
COMMENT ON FUNCTION switchboard.abandon_rate(uuid, int, timestamptz) IS
  'How many of a campaign''s answered calls found no agent in time: first a row without a day for all the days together, then one row
a day, newest first. Numerator: abandoned calls (call_logs.abandoned). Denominator: live answers, that is outbound calls with
answered_at that no machine or fax answered. Clock: the day on which the call started, in the campaign''s zone, else the tenant''s;
today included. low and high: 95 % Wilson interval. Errors: P0002 no such campaign, 22023 days not from 1 to 366,
or at null or infinite.';
REVOKE ALL ON FUNCTION switchboard.abandon_rate(uuid, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._best_hours(campaign uuid, zone text, since timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Ranked by the lower end of the interval, so that one lucky call does not make an hour the best.
  SELECT coalesce(jsonb_agg(jsonb_build_object('hour', b.hour) || b.rate ORDER BY (b.rate ->> 'low')::numeric DESC, b.hour), '[]')
  FROM (SELECT h.hour, switchboard._rate(h.live, h.dialed) AS rate
        FROM (SELECT date_part('hour', c.started_at AT TIME ZONE zone)::int AS hour, count(*) AS dialed,
                     count(*) FILTER (WHERE switchboard._is_live(c.direction, c.answered_at, c.answered_by)) AS live
              FROM switchboard.call_logs c
              WHERE c.tenant_id = (SELECT k.tenant_id FROM switchboard.campaigns k WHERE k.id = campaign) AND c.campaign_id = campaign
                AND c.started_at >= since AND isfinite(c.started_at) AND c.direction = 'outbound' AND c.status <> 'canceled'
              GROUP BY 1) h
        ORDER BY (switchboard._rate(h.live, h.dialed) ->> 'low')::numeric DESC, h.hour LIMIT 5) b
$$;
COMMENT ON FUNCTION switchboard._best_hours(uuid, text, timestamptz) IS
  'The up to five hours of the day (zone) with the surest share of live answers among outbound calls that were not canceled.';
REVOKE ALL ON FUNCTION switchboard._best_hours(uuid, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cost_per_minute(campaign_settings jsonb, tenant_settings jsonb)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT s.rate::numeric
  FROM (VALUES (1, campaign_settings ->> 'cost_per_minute'), (2, tenant_settings ->> 'cost_per_minute')) s (place, rate)
  WHERE s.rate ~ '^[0-9]{1,6}([.][0-9]{1,6})?$'
  ORDER BY s.place LIMIT 1
$$;
COMMENT ON FUNCTION switchboard._cost_per_minute(jsonb, jsonb) IS
  'settings.cost_per_minute of the campaign, else of the tenant, in its currency; NULL when neither is a number.';
REVOKE ALL ON FUNCTION switchboard._cost_per_minute(jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaign_costs(campaign uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Cost: one pass over the campaign's calls.
  SELECT jsonb_build_object(
    'cost', coalesce(sum(b.charged) FILTER (WHERE b.currency = b.home), 0) + coalesce(sum(b.reckoned), 0),
    'reckonedCost', coalesce(sum(b.reckoned), 0),
    'otherCosts', coalesce(jsonb_object_agg(b.currency, b.charged) FILTER (WHERE b.currency <> b.home AND b.charged IS NOT NULL), '{}'))
  FROM (SELECT coalesce(l.cost_currency, t.currency) AS currency, t.currency AS home, sum(l.cost) AS charged,
               round(sum(ceil(l.duration / 60.0) * r.per_minute) FILTER (WHERE l.cost IS NULL), 4) AS reckoned
        FROM switchboard.campaigns k
        JOIN switchboard.tenants t ON t.id = k.tenant_id
        CROSS JOIN LATERAL (SELECT switchboard._cost_per_minute(k.settings, t.settings) AS per_minute) r
        JOIN switchboard.call_logs l ON l.tenant_id = k.tenant_id AND l.campaign_id = k.id
        WHERE k.id = campaign
        GROUP BY 1, 2) b
$$;
COMMENT ON FUNCTION switchboard._campaign_costs(uuid) IS
  'What a campaign''s calls cost: cost, in the tenant''s currency: charged by providers, and where they charged nothing known
reckonedCost, every begun minute at settings.cost_per_minute; otherCosts: charged in other currencies.';
REVOKE ALL ON FUNCTION switchboard._campaign_costs(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaign_revenue(campaign uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Cost: one pass over the campaign's coupons, a probe for each that was redeemed.
  -- The discount is the price before less what was paid; where that price is not known, what the percentage makes of it.
  SELECT jsonb_build_object(
    'couponsGiven', coalesce(sum(b.given), 0), 'converted', coalesce(sum(b.redeemed), 0),
    'revenue', coalesce(sum(b.paid) FILTER (WHERE b.currency = b.home), 0),
    'otherRevenue', coalesce(jsonb_object_agg(b.currency, b.paid) FILTER (WHERE b.currency <> b.home AND b.paid IS NOT NULL), '{}'),
    'couponValue', coalesce(round(sum(b.saved) FILTER (WHERE b.currency = b.home), 2), 0))
  FROM (SELECT coalesce(p.currency, t.currency) AS currency, t.currency AS home, count(*) AS given, count(p.redeemed_at) AS redeemed,
               sum(p.redeemed_amount) AS paid,
               sum(greatest(0, coalesce(g.original_price - p.redeemed_amount,
                     p.redeemed_amount * p.discount_percent / nullif(100 - p.discount_percent, 0)))) AS saved
        FROM switchboard.campaigns k
        JOIN switchboard.tenants t ON t.id = k.tenant_id
        JOIN switchboard.coupons p ON p.tenant_id = k.tenant_id AND p.campaign_id = k.id
        LEFT JOIN LATERAL (
          SELECT g.original_price FROM switchboard.call_triggers g
          WHERE p.redeemed_at IS NOT NULL AND g.tenant_id = p.tenant_id AND g.coupon_id = p.id
          ORDER BY g.created_at DESC, g.id DESC LIMIT 1) g ON true
        WHERE k.id = campaign
        GROUP BY 1, 2) b
$$;
COMMENT ON FUNCTION switchboard._campaign_revenue(uuid) IS
  'What a campaign''s coupons brought: couponsGiven, converted (redeemed), revenue (paid with them, in the tenant''s currency; otherRevenue
by currency), couponValue (by how much that was less than without them).';
REVOKE ALL ON FUNCTION switchboard._campaign_revenue(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaign_money(campaign uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Revenue is what was paid, the discount is taken off it already: it is no cost once more.
  WITH m AS MATERIALIZED (
    SELECT t.currency, switchboard._campaign_costs(k.id) || switchboard._campaign_revenue(k.id) AS money
    FROM switchboard.campaigns k JOIN switchboard.tenants t ON t.id = k.tenant_id
    WHERE k.id = campaign
  )
  SELECT m.money || jsonb_build_object(
    'currency', m.currency,
    'redemptionRate', switchboard._rate((m.money ->> 'converted')::bigint, (m.money ->> 'couponsGiven')::bigint),
    'roi', round(((m.money ->> 'revenue')::numeric - (m.money ->> 'cost')::numeric) / nullif((m.money ->> 'cost')::numeric, 0), 4))
  FROM m
$$;
COMMENT ON FUNCTION switchboard._campaign_money(uuid) IS
  'What a campaign brought and cost: _campaign_revenue() and _campaign_costs(); redemptionRate = converted/couponsGiven; roi = (revenue -
cost)/cost, NULL without cost.';
REVOKE ALL ON FUNCTION switchboard._campaign_money(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaign_triggers(campaign uuid, list jsonb, list_eligible bigint)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. list, list_eligible: how many are listed and tried, and may be called, by the counts that are kept.
  -- Somebody is on the list when the number is. Cost: one pass over the campaign's triggers, a probe of the list for each.
  WITH campaign AS MATERIALIZED (
    SELECT c.id, c.tenant_id FROM switchboard.campaigns c WHERE c.id = _campaign_triggers.campaign
  ), triggers AS MATERIALIZED (
    SELECT g.contact_id, g.status, g.attempts > 0 AS called
    FROM switchboard.call_triggers g
    WHERE g.tenant_id = (SELECT c.tenant_id FROM campaign c) AND g.campaign_id = (SELECT c.id FROM campaign c)
  ), people AS (
    SELECT t.called, l.id IS NOT NULL AS listed, coalesce(l.attempts > 0, false) AS tried
    FROM (SELECT t.contact_id, bool_or(t.called) AS called FROM triggers t GROUP BY 1) t
    JOIN switchboard.contacts k ON k.tenant_id = (SELECT c.tenant_id FROM campaign c) AND k.id = t.contact_id
    LEFT JOIN switchboard.campaign_contacts l ON l.campaign_id = (SELECT c.id FROM campaign c) AND l.phone_number = k.phone_number
  ), sums AS (
    SELECT list_eligible + count(*) FILTER (WHERE NOT p.listed) AS eligible,
           (list ->> 'tried')::bigint + count(*) FILTER (WHERE p.called AND NOT p.tried) AS contacted
    FROM people p
  ), buyers AS (
    SELECT count(DISTINCT u.contact_id) AS n
    FROM campaign c
    JOIN switchboard.coupons u ON u.tenant_id = c.tenant_id AND u.campaign_id = c.id AND u.redeemed_at IS NOT NULL
    JOIN switchboard.contacts k ON k.tenant_id = u.tenant_id AND k.id = u.contact_id
    WHERE u.contact_id IN (SELECT t.contact_id FROM triggers t WHERE t.called)
       OR EXISTS (SELECT FROM switchboard.campaign_contacts l
                  WHERE l.campaign_id = c.id AND l.phone_number = k.phone_number AND l.attempts > 0)
  ), by_status AS (
    SELECT t.status, count(*) AS n FROM triggers t GROUP BY 1
  )
  SELECT jsonb_build_object(
    'triggers', (SELECT coalesce(sum(b.n), 0) FROM by_status b),
    'triggerStatus', (SELECT jsonb_object_agg(s.status, coalesce(b.n, 0))
                      FROM unnest(enum_range(NULL::switchboard.call_trigger_status)) s (status) LEFT JOIN by_status b USING (status)),
    'triggerSkips', (SELECT coalesce(jsonb_object_agg(r.reason, r.n), '{}')
                     FROM (SELECT e.key AS reason, sum(e.value::bigint) AS n
                           FROM campaign c
                           JOIN switchboard.trigger_runs r ON r.tenant_id = c.tenant_id AND r.campaign_id = c.id,
                           jsonb_each_text(r.skipped) e GROUP BY 1) r),
    'eligible', s.eligible, 'contacted', s.contacted, 'conversionRate', switchboard._rate(b.n, s.contacted))
  FROM sums s, buyers b
$$;
COMMENT ON FUNCTION switchboard._campaign_triggers(uuid, jsonb, bigint) IS
  'A campaign''s triggered calls by status, why others were not triggered, and the people of list and triggers together: eligible,
contacted, conversionRate = those of them with a redeemed coupon / contacted.';
REVOKE ALL ON FUNCTION switchboard._campaign_triggers(uuid, jsonb, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.campaign_report(campaign_id uuid, at timestamptz DEFAULT now())
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: an agent gets the figures of the calls that the agent sees.
-- Cost: one pass each over the campaign's calls, triggers and coupons; the list is counted already.
DECLARE
  scope    record := switchboard._figures_scope(campaign_report.campaign_id);
  campaign switchboard.dialer_campaigns;
  list     jsonb;
  people   jsonb;
  hours    jsonb;
  money    jsonb;
  figures  record;
  month    record;
BEGIN
  -- What reads tables is called in statements: an expression keeps the plan of whoever ran it first in a transaction.
  SELECT k.* INTO campaign FROM switchboard.dialer_campaigns k WHERE k.id = campaign_report.campaign_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(campaign_report.campaign_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  SELECT switchboard._list_penetration(campaign.id) INTO list;
  SELECT switchboard._campaign_triggers(campaign.id, list, (list ->> 'listed')::bigint - (campaign.stats ->> 'do_not_call')::bigint) INTO people;
  SELECT switchboard._campaign_money(campaign.id) INTO money;
  SELECT switchboard._best_hours(campaign.id, scope.zone, campaign_report.at - interval '30 days') INTO hours;
  SELECT coalesce(sum(f.n_calls), 0) AS calls, coalesce(sum(f.n_answered), 0) AS answered, coalesce(sum(f.n_live), 0) AS live,
         coalesce(sum(f.answered_seconds), 0) AS talk
  INTO figures
  FROM unnest(scope.audiences) AS a (id),
       switchboard._call_figures(campaign.tenant_id, campaign.id, a.id, '-infinity', 'infinity', scope.zone) f;
  SELECT r.* INTO month FROM switchboard.abandon_rate(campaign.id, 30, campaign_report.at) r WHERE r.day IS NULL;

  RETURN jsonb_build_object(
    'campaignId', campaign.id, 'name', campaign.name, 'status', campaign.status, 'timezone', scope.zone, 'at', campaign_report.at,
    'listed', list -> 'listed',
    'calls', figures.calls, 'answered', figures.answered, 'live', figures.live, 'talkSeconds', figures.talk,
    'answerRate', switchboard._rate(figures.answered, figures.calls),
    'liveRate', switchboard._rate(figures.live, figures.calls),
    'abandonRate', switchboard._rate(month.abandoned, month.live),
    'penetration', switchboard._rate((list ->> 'tried')::bigint, (list ->> 'listed')::bigint),
    'bestHours', hours) || people || money;
END
$$;
COMMENT ON FUNCTION switchboard.campaign_report(uuid, timestamptz) IS
  'A campaign in figures, over its whole life unless said otherwise. triggers: calls triggered by prices, stock or promotions, by status
in triggerStatus; triggerSkips: by reason, who was not called by runs of triggers. listed: people on the list; eligible: of these not
do-not-call, and people of triggers who are not on it; contacted: of all these called at least once (a refused call is taken back).
calls, answered (answered_at set), live (outbound, not answered by a machine or fax), talkSeconds (duration of the answered).
answerRate = answered/calls, liveRate = live/calls, abandonRate = abandoned/live of the last 30 days up to at, penetration = people on
the list called/listed, conversionRate = contacted people with a redeemed coupon/contacted, redemptionRate = converted/couponsGiven,
each {"numerator", "denominator", "rate", "low", "high"} with the 95 % Wilson interval. bestHours: up to five hours of the day by the
lower end of live/dialed of the last 30 days. couponsGiven; converted: of these redeemed; revenue: paid with them, couponValue: by how
much that was less than without them; cost: charged by providers for calls, of calls without a charge reckonedCost, every begun minute
at settings.cost_per_minute of the campaign, else of the tenant; all in the currency of the tenant, otherRevenue and otherCosts by
currency; roi = (revenue - cost)/cost, null without cost. Clock: start of the call, zone of the campaign, else of the tenant. Errors:
P0002 no such campaign, 22023 at is null or infinite.';
REVOKE ALL ON FUNCTION switchboard.campaign_report(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_times(tenant uuid, agent uuid, since timestamptz, until timestamptz)
RETURNS TABLE (state switchboard.agent_state, reason text, times bigint, seconds numeric)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. A state lasts until it is ended, or until the time it was set to end at, and then the next one follows.
  SELECT p.state, p.reason, count(*), sum(extract(epoch FROM least(p.ended_at, until) - greatest(p.started_at, since)))
  FROM (SELECT s.state, s.reason, s.started_at, coalesce(s.ended_at, least(s.ends_at, until), until) AS ended_at
        FROM switchboard.agent_states s
        WHERE s.tenant_id = tenant AND s.user_id = agent AND s.started_at < until AND coalesce(s.ended_at, until) > since
        UNION ALL
        SELECT s.next_state, s.next_reason, s.ends_at, until FROM switchboard.agent_states s
        WHERE s.tenant_id = tenant AND s.user_id = agent AND s.ended_at IS NULL AND s.ends_at < until AND s.next_state IS NOT NULL) p
  WHERE least(p.ended_at, until) > greatest(p.started_at, since)
  GROUP BY p.state, p.reason
$$;
COMMENT ON FUNCTION switchboard._agent_times(uuid, uuid, timestamptz, timestamptz) IS
  'How long an agent was in each state, by reason, within a range.';
REVOKE ALL ON FUNCTION switchboard._agent_times(uuid, uuid, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_line(agent switchboard.users, since timestamptz, until timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER.
  WITH times AS MATERIALIZED (
    SELECT t.* FROM switchboard._agent_times(agent.tenant_id, agent.id, since, until) t
  ), spent AS (
    SELECT coalesce(sum(t.seconds) FILTER (WHERE t.state <> 'offline'), 0) AS logged_in,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'available'), 0) AS available,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'busy'), 0) AS busy,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'wrap_up'), 0) AS wrap_up,
           coalesce(sum(t.times) FILTER (WHERE t.state = 'wrap_up'), 0) AS wrap_ups,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'paused'), 0) AS paused
    FROM times t
  )
  SELECT jsonb_build_object('userId', agent.id, 'name', agent.name,
    'loggedInSeconds', round(s.logged_in), 'availableSeconds', round(s.available), 'busySeconds', round(s.busy),
    'wrapUpSeconds', round(s.wrap_up), 'averageWrapUpSeconds', round(s.wrap_up / nullif(s.wrap_ups, 0)),
    'pausedSeconds', round(s.paused),
    'pauses', (SELECT coalesce(jsonb_object_agg(p.reason, p.seconds), '{}')
               FROM (SELECT coalesce(t.reason, '') AS reason, round(sum(t.seconds)) AS seconds FROM times t
                     WHERE t.state = 'paused' GROUP BY 1) p),
    'occupancy', round((s.busy + s.wrap_up) / nullif(s.busy + s.wrap_up + s.available, 0), 4),
    'calls', f.n_calls, 'answeredCalls', f.n_answered, 'talkSeconds', f.answered_seconds,
    'averageTalkSeconds', round(f.answered_seconds::numeric / nullif(f.n_answered, 0)),
    'callsPerHour', round(f.n_answered * 3600 / nullif(s.logged_in, 0), 2),
    'dispositions', (SELECT coalesce(jsonb_object_agg(d.disposition, d.n), '{}')
                     FROM (SELECT q.disposition, count(*) AS n FROM switchboard.call_dispositions q
                           WHERE q.tenant_id = agent.tenant_id AND q.user_id = agent.id AND q.created_at >= since AND q.created_at <= until
                           GROUP BY 1) d))
  FROM spent s, switchboard._call_figures(agent.tenant_id, NULL, agent.id, since, until, 'UTC') f
$$;
COMMENT ON FUNCTION switchboard._agent_line(switchboard.users, timestamptz, timestamptz) IS 'One agent of agent_report().';
REVOKE ALL ON FUNCTION switchboard._agent_line(switchboard.users, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.agent_report(
  start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL, user_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: agents get themselves, supervisors everybody of the tenant. Cost: the states of the range, and see _call_figures().
DECLARE
  mine   constant uuid := switchboard.current_tenant_id();
  until  constant timestamptz := least(coalesce(agent_report.end_date, now()), now());
  since  timestamptz := agent_report.start_date;
  wanted uuid := agent_report.user_id;
BEGIN
  PERFORM switchboard._check_date_range(agent_report.start_date, agent_report.end_date);
  IF since IS NULL THEN
    SELECT date_trunc('day', until, t.timezone) INTO since FROM switchboard.tenants t WHERE t.id = mine;
    since := coalesce(since, date_trunc('day', until, 'UTC'));
  END IF;
  IF mine IS NOT NULL AND NOT switchboard.is_supervisor() THEN
    IF wanted <> switchboard.current_user_id() THEN
      RAISE EXCEPTION 'report of user % is for supervisors', wanted USING ERRCODE = '42501';
    END IF;
    wanted := coalesce(switchboard.current_user_id(), '00000000-0000-0000-0000-000000000000');
  ELSIF wanted IS NOT NULL AND NOT EXISTS (
      SELECT FROM switchboard.users u WHERE u.id = wanted AND (mine IS NULL OR u.tenant_id = mine)) THEN
    RAISE EXCEPTION 'no such user: %', wanted USING ERRCODE = 'P0002';
  END IF;
  RETURN jsonb_build_object('from', since, 'to', until, 'agents', (
    SELECT coalesce(jsonb_agg(l.line ORDER BY l.name, l.id), '[]')
    FROM (SELECT u.name, u.id, switchboard._agent_line(u, since, until) AS line FROM switchboard.users u
          WHERE (wanted IS NULL OR u.id = wanted) AND (mine IS NULL OR u.tenant_id = mine)) l
    WHERE wanted IS NOT NULL OR (l.line ->> 'loggedInSeconds')::numeric > 0 OR (l.line ->> 'calls')::bigint > 0));
END
$$;
COMMENT ON FUNCTION switchboard.agent_report(timestamptz, timestamptz, uuid) IS
  'What agents did from start_date (default: midnight of today, zone of the tenant) to end_date (default, and at most: now):
{"from", "to", "agents": [...]}; one agent, or all who were logged in or had calls. From agent_states, cut at the ends of the range:
loggedInSeconds (every state but offline), availableSeconds, busySeconds (with calls), wrapUpSeconds, averageWrapUpSeconds (a wrap-up),
pausedSeconds and pauses by reason; occupancy = (busy + wrap-up)/(busy + wrap-up + available). From call_logs, by start of the call:
calls, answeredCalls (answered_at set), talkSeconds (their duration), averageTalkSeconds (an answered call), callsPerHour = answered
calls an hour logged in. dispositions: given in the range. Hold is not told by providers and counts as talk. Errors: 42501 an agent asks
for somebody else, P0002 no such user, 22023 start after end.';
REVOKE ALL ON FUNCTION switchboard.agent_report(timestamptz, timestamptz, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.service_level(
  start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL, threshold_seconds int DEFAULT 20, campaign_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER. Cost: the inbound calls of the range that were for agents, by their index.
DECLARE
  mine constant uuid := switchboard.current_tenant_id();
  w       record;
  settled bigint;   -- those whose wait is over, without short ones
BEGIN
  PERFORM switchboard._check_date_range(service_level.start_date, service_level.end_date);
  IF service_level.threshold_seconds IS NULL OR service_level.threshold_seconds < 0 THEN
    RAISE EXCEPTION 'threshold_seconds must be 0 or more, not %', coalesce(service_level.threshold_seconds::text, 'null')
      USING ERRCODE = '22023';
  END IF;
  PERFORM switchboard._figures_scope(service_level.campaign_id);
  SELECT count(*) AS offered, count(*) FILTER (WHERE q.served) AS answered, count(*) FILTER (WHERE q.lost) AS abandoned,
         count(*) FILTER (WHERE q.elsewhere) AS overflowed,
         count(*) FILTER (WHERE q.served AND q.wait <= service_level.threshold_seconds) AS answered_in_time,
         count(*) FILTER (WHERE q.lost AND q.wait <= service_level.threshold_seconds) AS abandoned_in_time,
         count(*) FILTER (WHERE q.lost AND q.wait < 5) AS short,
         round(avg(q.wait) FILTER (WHERE q.served), 1) AS mean_wait, round(max(q.wait), 1) AS longest_wait
  INTO w
  FROM (SELECT c.connected_at IS NOT NULL AS served, c.connected_at IS NULL AND c.left_queue_at IS NOT NULL AS elsewhere,
               c.connected_at IS NULL AND c.left_queue_at IS NULL AND c.ended_at IS NOT NULL AS lost,
               greatest(0, extract(epoch FROM coalesce(c.connected_at, c.left_queue_at, c.ended_at, now()) - c.queued_at)) AS wait
        FROM switchboard.call_logs c
        WHERE c.direction = 'inbound' AND c.queued_at IS NOT NULL AND (mine IS NULL OR c.tenant_id = mine)
          AND (service_level.campaign_id IS NULL OR c.campaign_id = service_level.campaign_id)
          AND (service_level.start_date IS NULL OR c.started_at >= service_level.start_date)
          AND (service_level.end_date IS NULL OR c.started_at <= service_level.end_date)) q;
  settled := w.answered + w.abandoned + w.overflowed - w.short;
  RETURN jsonb_build_object('thresholdSeconds', service_level.threshold_seconds, 'offered', w.offered, 'answered', w.answered,
    'abandoned', w.abandoned, 'overflowed', w.overflowed, 'waiting', w.offered - w.answered - w.abandoned - w.overflowed,
    'answeredInTime', w.answered_in_time,
    'serviceLevel', switchboard._rate(w.answered_in_time, settled),
    'ofAnswered', switchboard._rate(w.answered_in_time, w.answered),
    'ofAnsweredAndAbandoned', switchboard._rate(w.answered_in_time + w.abandoned_in_time, w.answered + w.abandoned),
    'ofOffered', switchboard._rate(w.answered_in_time, w.offered),
    'abandonRate', switchboard._rate(w.abandoned - w.short, settled),
    'shortAbandons', w.short, 'averageSpeedOfAnswer', w.mean_wait, 'longestWait', w.longest_wait);
END
$$;
COMMENT ON FUNCTION switchboard.service_level(timestamptz, timestamptz, int, uuid) IS
  'How fast inbound calls for agents (queued_at set) that started from start_date to end_date were served. Wait: from queued_at to
connected_at (answered), else to left_queue_at (overflowed: to the voicemail, a callback, another number), else to ended_at (abandoned), else to
now (waiting). serviceLevel = answered within the threshold / (answered + abandoned + overflowed, without those who gave up within 5 s); the
other usual definitions beside it: ofAnswered = answered in time / answered; ofAnsweredAndAbandoned = (answered in time + abandoned in
time) / (answered + abandoned); ofOffered = answered in time / offered. abandonRate = abandoned after 5 s or more / (answered + overflowed +
these). Each {"numerator", "denominator", "rate", "low", "high"} with the 95 % Wilson interval. averageSpeedOfAnswer: mean wait of the
answered; longestWait: of all. Errors: 22023 threshold negative or start after end, P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard.service_level(timestamptz, timestamptz, int, uuid) FROM PUBLIC;
