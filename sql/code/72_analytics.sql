-- Figures about calls.

CREATE OR REPLACE FUNCTION switchboard.get_analytics(
  start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL, campaign_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: agents get figures of their own calls, supervisors of their tenant's.
-- Cost: one pass over the calls that started in the range.
DECLARE
  zone   text;
  answer jsonb;
BEGIN
  IF get_analytics.start_date > get_analytics.end_date THEN
    RAISE EXCEPTION 'start_date % is after end_date %', get_analytics.start_date, get_analytics.end_date
      USING ERRCODE = '22023';
  END IF;
  IF get_analytics.campaign_id IS NOT NULL THEN
    SELECT coalesce(c.timezone, t.timezone) INTO zone
    FROM switchboard.campaigns c JOIN switchboard.tenants t ON t.id = c.tenant_id
    WHERE c.id = get_analytics.campaign_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', get_analytics.campaign_id USING ERRCODE = 'P0002';
    END IF;
  ELSE
    SELECT t.timezone INTO zone FROM switchboard.tenants t WHERE t.id = switchboard.current_tenant_id();
  END IF;
  zone := coalesce(zone, 'UTC');

  WITH calls AS MATERIALIZED (
    SELECT c.status, c.started_at, c.answered_at, c.duration
    FROM switchboard.call_logs c
    WHERE (get_analytics.campaign_id IS NULL OR c.campaign_id = get_analytics.campaign_id)
      AND (get_analytics.start_date IS NULL OR c.started_at >= get_analytics.start_date)
      AND (get_analytics.end_date IS NULL OR c.started_at <= get_analytics.end_date)
  ), cells AS MATERIALIZED (
    SELECT c.status, extract(hour FROM c.started_at AT TIME ZONE zone)::int AS hour, count(*) AS n,
           count(c.answered_at) AS answered, coalesce(sum(c.duration), 0) AS seconds,
           coalesce(sum(c.duration) FILTER (WHERE c.answered_at IS NOT NULL), 0) AS answered_seconds
    FROM calls c GROUP BY 1, 2
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
    'recentCalls', coalesce((
      SELECT jsonb_agg(to_jsonb(r) ORDER BY r.started_at DESC, r.id DESC)
      FROM (SELECT c.* FROM switchboard.call_logs c
            WHERE (get_analytics.campaign_id IS NULL OR c.campaign_id = get_analytics.campaign_id)
              AND (get_analytics.start_date IS NULL OR c.started_at >= get_analytics.start_date)
              AND (get_analytics.end_date IS NULL OR c.started_at <= get_analytics.end_date)
            ORDER BY c.started_at DESC, c.id DESC LIMIT 10) r), '[]')))
  INTO answer
  FROM totals t;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.get_analytics(timestamptz, timestamptz, uuid) IS
  'Figures of the calls that started from start_date to end_date (both inclusive, NULL: no bound), of one campaign or all:
{"analytics": {"overview", "distribution": {"byHour", "byStatus"}, "recentCalls"}}. Answered are calls with answered_at; rates are
percentages of all calls; avgDuration is seconds over answered calls; byHour is in the campaign''s zone, else the tenant''s; the up
to ten newest calls. Errors: P0002 no such campaign, 22023 start after end.';
REVOKE ALL ON FUNCTION switchboard.get_analytics(timestamptz, timestamptz, uuid) FROM PUBLIC;
