-- Analytics the straightforward way, and random calls and questions to compare the other way with.
CREATE SCHEMA test_analytics;
GRANT USAGE ON SCHEMA test_analytics TO PUBLIC;

-- What get_analytics() must say: one pass over the calls that the caller may see.
CREATE FUNCTION test_analytics.recount(start_date timestamptz, end_date timestamptz, campaign uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  WITH place AS (
    SELECT coalesce((SELECT coalesce(c.timezone, t.timezone) FROM switchboard.campaigns c JOIN switchboard.tenants t ON t.id = c.tenant_id
                     WHERE c.id = campaign),
                    (SELECT t.timezone FROM switchboard.tenants t WHERE t.id = switchboard.current_tenant_id()), 'UTC') AS zone
  ), visible AS NOT MATERIALIZED (
    SELECT c.* FROM switchboard.call_logs c
    WHERE (campaign IS NULL OR c.campaign_id = campaign)
      AND (start_date IS NULL OR c.started_at >= start_date) AND (end_date IS NULL OR c.started_at <= end_date)
      AND ((SELECT switchboard.current_tenant_id()) IS NULL OR c.tenant_id = (SELECT switchboard.current_tenant_id()))
      AND ((SELECT switchboard.current_tenant_id()) IS NULL OR (SELECT switchboard.is_supervisor()) OR c.user_id IS NULL
           OR c.user_id = (SELECT switchboard.current_user_id()))
  ), calls AS MATERIALIZED (
    SELECT v.status, v.started_at, v.answered_at, v.duration FROM visible v
  ), cells AS MATERIALIZED (
    SELECT c.status, extract(hour FROM c.started_at AT TIME ZONE p.zone)::int AS hour, count(*) AS n,
           count(c.answered_at) AS answered, coalesce(sum(c.duration), 0) AS seconds,
           coalesce(sum(c.duration) FILTER (WHERE c.answered_at IS NOT NULL), 0) AS answered_seconds
    FROM calls c, place p GROUP BY 1, 2
  ), totals AS (
    SELECT coalesce(sum(n), 0) AS total, coalesce(sum(answered), 0) AS answered, coalesce(sum(seconds), 0) AS seconds,
           coalesce(sum(answered_seconds), 0) AS answered_seconds,
           coalesce(sum(n) FILTER (WHERE status = 'completed'), 0) AS completed,
           coalesce(sum(n) FILTER (WHERE status = 'failed'), 0) AS failed,
           coalesce(sum(n) FILTER (WHERE status = 'busy'), 0) AS busy,
           coalesce(sum(n) FILTER (WHERE status = 'no-answer'), 0) AS no_answer
    FROM cells
  )
  SELECT jsonb_build_object('analytics', jsonb_build_object(
    'overview', jsonb_build_object(
      'totalCalls', t.total, 'answeredCalls', t.answered, 'completedCalls', t.completed, 'failedCalls', t.failed,
      'busyCalls', t.busy, 'noAnswerCalls', t.no_answer, 'totalDuration', t.seconds,
      'avgDuration', coalesce(round(t.answered_seconds / nullif(t.answered, 0)), 0),
      'answerRate', coalesce(round(100.0 * t.answered / nullif(t.total, 0), 1), 0.0),
      'completionRate', coalesce(round(100.0 * t.completed / nullif(t.total, 0), 1), 0.0)),
    'distribution', jsonb_build_object(
      'byHour', (SELECT jsonb_agg(coalesce((SELECT sum(x.n) FROM cells x WHERE x.hour = h.hour), 0) ORDER BY h.hour)
                 FROM generate_series(0, 23) AS h (hour)),
      'byStatus', (SELECT jsonb_object_agg(s.status, coalesce((SELECT sum(x.n) FROM cells x WHERE x.status = s.status), 0))
                   FROM unnest(enum_range(NULL::switchboard.call_status)) AS s (status))),
    'recentCalls', coalesce((SELECT jsonb_agg(to_jsonb(r) ORDER BY r.started_at DESC, r.id DESC)
                             FROM (SELECT v.* FROM visible v ORDER BY v.started_at DESC, v.id DESC LIMIT 10) r), '[]')))
  FROM totals t
$$;

-- Zones with offsets of half and quarter hours, changes at odd minutes, two changes within Ramadan, and none.
CREATE FUNCTION test_analytics.zones() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Chatham',
               'America/St_Johns', 'Africa/Casablanca', 'Pacific/Apia', 'Asia/Tehran', 'Pacific/Kiritimati', 'Pacific/Marquesas']
$$;

-- A time near which something happens: now, changes of clocks, midnights, borders of quarters, and times no call should have.
CREATE FUNCTION test_analytics.moment() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN random() < 0.01 THEN (ARRAY['-infinity', 'infinity', '1999-12-31 23:59:59.999999+00', '2100-01-01 00:00+00',
                                               '1969-07-20 20:17+00', '2099-12-31 23:59:59.999999+00']::timestamptz[])[1 + floor(random() * 6)::int]
         ELSE m.at + CASE floor(random() * 3)::int
           WHEN 0 THEN interval '0' WHEN 1 THEN random() * interval '40 minutes' - interval '20 minutes'
           ELSE random() * interval '60 hours' - interval '30 hours' END END
  FROM (SELECT (ARRAY['2026-03-08 07:00+00', '2026-03-29 01:00+00', '2026-11-01 06:00+00', '2006-10-29 02:31+00', '2026-04-04 15:00+00',
                      '2026-02-15 02:00+00', '2011-12-30 10:00+00', '2026-06-01 00:00+00', '2026-06-01 04:00+00', '2026-06-30 18:15+00',
                      '2010-04-04 03:31+00']::timestamptz[])[1 + floor(random() * 11)::int] AS at) m
$$;
