-- Reading the figures of calls: whole cells of call_rollups, the deltas that are not in them yet, and at the edges of the range the
-- calls themselves. All in one snapshot, so that the sum is that of a recount.
--
-- A reader asks for one tenant, one campaign or all, and one audience: everybody (all zeros), nobody (all f), or a user. The finest
-- cells are quarters of an hour; of single users days.

-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._seconds_ahead(zone text, at timestamptz) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.date_part('epoch', pg_catalog.timezone(zone, at) OPERATOR(pg_catalog.-) pg_catalog.timezone('UTC', at))::int
$$;
REVOKE ALL ON FUNCTION switchboard._seconds_ahead(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._seconds_ahead(text, timestamptz) IS 'How far clocks of a zone are ahead of UTC.';

CREATE OR REPLACE FUNCTION switchboard._quarters_ahead(zone text, since timestamptz, length interval) RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN switchboard._seconds_ahead(zone, since) OPERATOR(pg_catalog.%) 900 OPERATOR(pg_catalog.=) 0
               AND switchboard._seconds_ahead(zone, since) OPERATOR(pg_catalog.=)
                   switchboard._seconds_ahead(zone, since OPERATOR(pg_catalog.+) length OPERATOR(pg_catalog.-) interval '1 microsecond')
              THEN switchboard._seconds_ahead(zone, since) OPERATOR(pg_catalog./) 900 END
$$;
REVOKE ALL ON FUNCTION switchboard._quarters_ahead(text, timestamptz, interval) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._quarters_ahead(text, timestamptz, interval) IS
  'How many quarters of an hour the clocks of a zone are ahead of UTC throughout a cell; NULL when they are changed in it, or are not
ahead by whole quarters.';

CREATE OR REPLACE FUNCTION switchboard._calls_of(
  tenant uuid, campaign uuid, audience uuid, since timestamptz, until timestamptz, most int DEFAULT NULL)
RETURNS SETOF switchboard.call_logs
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. A query for each index: by time, by campaign and time, by user and time.
BEGIN
  IF since > until THEN
    RETURN;
  ELSIF audience NOT IN ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff') THEN
    RETURN QUERY
      SELECT c.* FROM switchboard.call_logs c
      WHERE c.tenant_id = tenant AND c.user_id = audience AND c.started_at >= since AND c.started_at <= until
        AND (campaign IS NULL OR c.campaign_id = campaign)
      ORDER BY c.started_at DESC, c.id DESC LIMIT most;
  ELSIF campaign IS NULL THEN
    RETURN QUERY
      SELECT c.* FROM switchboard.call_logs c
      WHERE c.tenant_id = tenant AND c.started_at >= since AND c.started_at <= until
        AND (c.user_id IS NULL OR audience = '00000000-0000-0000-0000-000000000000')
      ORDER BY c.started_at DESC, c.id DESC LIMIT most;
  ELSE
    RETURN QUERY
      SELECT c.* FROM switchboard.call_logs c
      WHERE c.tenant_id = tenant AND c.campaign_id = campaign AND c.started_at >= since AND c.started_at <= until
        AND (c.user_id IS NULL OR audience = '00000000-0000-0000-0000-000000000000')
      ORDER BY c.started_at DESC, c.id DESC LIMIT most;
  END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._calls_of(uuid, uuid, uuid, timestamptz, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._calls_of(uuid, uuid, uuid, timestamptz, timestamptz, int) IS
  'The calls of an audience that started in a range, both ends included, newest first.';

CREATE OR REPLACE FUNCTION switchboard._cell_range(
  audience uuid, INOUT since timestamptz, INOUT until timestamptz, OUT step interval)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- until is the last instant asked for; what is returned ends before the new until.
  SELECT r.lower_bound, greatest(r.lower_bound, r.upper_bound), r.step
  FROM (SELECT date_bin(s.step, greatest(since, s.origin) + s.step - interval '1 microsecond', s.origin) AS lower_bound,
               date_bin(s.step, least(until, s.ending) + interval '1 microsecond', s.origin) AS upper_bound, s.step
        FROM (SELECT CASE WHEN audience IN ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                          THEN interval '15 minutes' ELSE interval '24 hours' END AS step,
                     '2000-01-01 00:00+00'::timestamptz AS origin, '2099-12-31 23:59:59.999999+00'::timestamptz AS ending) s) r
$$;
REVOKE ALL ON FUNCTION switchboard._cell_range(uuid, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._cell_range(uuid, timestamptz, timestamptz) IS
  'The whole cells of the finest kind within a range: from since, to before until. Empty when there are none.';

CREATE OR REPLACE FUNCTION switchboard._call_figures(
  tenant uuid, campaign uuid, audience uuid, since timestamptz, until timestamptz, zone text,
  OUT n_calls bigint, OUT n_answered bigint, OUT n_live bigint, OUT n_abandoned bigint, OUT seconds bigint,
  OUT answered_seconds bigint, OUT by_status bigint[], OUT by_hour bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER. Cost: one cell a day, up to 190 quarters, the deltas, and the calls of up to two quarters (of two days for a
-- single user); where clocks were changed the quarters of that day (the user's calls).
DECLARE
  labels     constant switchboard.call_status[] := enum_range(NULL::switchboard.call_status);
  scope      constant uuid := coalesce(campaign, '00000000-0000-0000-0000-000000000000');
  single     boolean;
  cells_from timestamptz;
  cells_to   timestamptz;
  step       interval;
  days_from  timestamptz;
  days_to    timestamptz;
BEGIN
  SELECT r.since, r.until, r.step INTO cells_from, cells_to, step FROM switchboard._cell_range(audience, since, until) r;
  single := step > interval '15 minutes';
  days_from := date_bin('24 hours', cells_from + interval '24 hours' - interval '1 microsecond', '2000-01-01 00:00+00');
  days_to := date_bin('24 hours', cells_to, '2000-01-01 00:00+00');
  IF days_from >= days_to THEN
    days_from := cells_from;
    days_to := cells_from;
  END IF;

  WITH days AS MATERIALIZED (
    SELECT r.*, switchboard._quarters_ahead(zone, r.starts_at, '24 hours') AS ahead
    FROM switchboard.call_rollups r
    WHERE r.tenant_id = tenant AND r.campaign_id = scope AND r.audience = _call_figures.audience AND r.minutes = 1440
      AND r.starts_at >= days_from AND r.starts_at < days_to
  ), quarters AS MATERIALIZED (
    SELECT r.*, switchboard._quarters_ahead(zone, r.starts_at, '15 minutes') AS ahead
    FROM (VALUES (cells_from, days_from), (days_to, cells_to)) AS rim (since, until)
    JOIN switchboard.call_rollups r ON r.starts_at >= rim.since AND r.starts_at < rim.until
    WHERE r.tenant_id = tenant AND r.campaign_id = scope AND r.audience = _call_figures.audience AND r.minutes = 15
  ), changing_quarters AS MATERIALIZED (
    -- Of days in which clocks were changed: for the hours only.
    SELECT r.starts_at, r.n_calls, switchboard._quarters_ahead(zone, r.starts_at, '15 minutes') AS ahead
    FROM days d
    JOIN switchboard.call_rollups r ON r.starts_at >= d.starts_at AND r.starts_at < d.starts_at + interval '24 hours'
    WHERE d.ahead IS NULL AND NOT single
      AND r.tenant_id = tenant AND r.campaign_id = scope AND r.audience = _call_figures.audience AND r.minutes = 15
  ), changes AS MATERIALIZED (
    SELECT d.quarter, d.status, date_bin(step, d.quarter, '2000-01-01 00:00+00') AS cell, sum(d.n_calls) AS n_calls,
           sum(d.n_answered) AS n_answered, sum(d.n_live) AS n_live, sum(d.n_abandoned) AS n_abandoned, sum(d.seconds) AS seconds,
           sum(d.answered_seconds) AS answered_seconds
    FROM switchboard.call_rollup_deltas d
    WHERE d.tenant_id = tenant AND (campaign IS NULL OR d.campaign_id = campaign)
      AND d.quarter >= cells_from AND d.quarter < cells_to
      AND CASE _call_figures.audience WHEN '00000000-0000-0000-0000-000000000000' THEN true
          WHEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' THEN d.user_id IS NULL ELSE d.user_id = _call_figures.audience END
    GROUP BY d.quarter, d.status
  ), edges AS MATERIALIZED (
    SELECT c.started_at, c.status, c.duration, c.answered_at IS NOT NULL AS answered, c.abandoned,
           switchboard._is_live(c.direction, c.answered_at, c.answered_by) AS live
    FROM (VALUES (true, since, CASE WHEN cells_from < cells_to THEN cells_from - interval '1 microsecond' ELSE until END),
                 (false, cells_to, until)) AS rim (first, since, until),
         switchboard._calls_of(tenant, campaign, _call_figures.audience, rim.since, rim.until) c
    WHERE cells_from < cells_to OR rim.first
  ), broken AS (
    -- Cells whose hours only the calls themselves tell.
    SELECT q.starts_at AS cell FROM (SELECT starts_at, ahead FROM quarters UNION ALL SELECT starts_at, ahead FROM changing_quarters) q
    WHERE q.ahead IS NULL
    UNION SELECT d.starts_at FROM days d WHERE d.ahead IS NULL AND single
    UNION SELECT c.cell FROM changes c WHERE switchboard._quarters_ahead(zone, c.cell, step) IS NULL
  ), hours AS (
    SELECT (p.place - 1 + s.ahead + 96) % 96 / 4 AS hour, p.n
    FROM (SELECT d.ahead, switchboard._sum_arrays(d.by_quarter) AS counts FROM days d WHERE d.ahead IS NOT NULL GROUP BY d.ahead) s,
         unnest(s.counts) WITH ORDINALITY AS p (n, place)
    UNION ALL
    SELECT (date_part('epoch', q.starts_at)::bigint / 900 + q.ahead) % 96 / 4, q.n_calls
    FROM (SELECT starts_at, ahead, n_calls FROM quarters UNION ALL SELECT starts_at, ahead, n_calls FROM changing_quarters
          UNION ALL SELECT quarter, switchboard._quarters_ahead(zone, cell, step), n_calls FROM changes) q
    WHERE q.ahead IS NOT NULL
    UNION ALL
    SELECT date_part('hour', c.started_at AT TIME ZONE zone)::int, 1
    FROM (SELECT e.started_at FROM edges e
          UNION ALL
          SELECT c.started_at FROM broken b,
                 switchboard._calls_of(tenant, campaign, _call_figures.audience, b.cell, b.cell + step - interval '1 microsecond') c) c
    WHERE isfinite(c.started_at)
  ), parts AS (
    SELECT d.n_calls, d.n_answered, d.n_live, d.n_abandoned, d.seconds, d.answered_seconds, d.by_status FROM days d
    UNION ALL
    SELECT q.n_calls, q.n_answered, q.n_live, q.n_abandoned, q.seconds, q.answered_seconds, q.by_status FROM quarters q
    UNION ALL
    SELECT sum(c.n_calls), sum(c.n_answered), sum(c.n_live), sum(c.n_abandoned), sum(c.seconds), sum(c.answered_seconds),
           switchboard._counts(array_position(labels, c.status), c.n_calls::bigint) FROM changes c
    UNION ALL
    SELECT count(*), count(*) FILTER (WHERE e.answered), count(*) FILTER (WHERE e.live), count(*) FILTER (WHERE e.live AND e.abandoned),
           coalesce(sum(e.duration), 0), coalesce(sum(e.duration) FILTER (WHERE e.answered), 0),
           switchboard._counts(array_position(labels, e.status), 1) FROM edges e
  )
  SELECT coalesce(sum(p.n_calls), 0), coalesce(sum(p.n_answered), 0), coalesce(sum(p.n_live), 0), coalesce(sum(p.n_abandoned), 0),
         coalesce(sum(p.seconds), 0), coalesce(sum(p.answered_seconds), 0),
         switchboard._add_arrays(array_fill(0::bigint, ARRAY[cardinality(labels)]), switchboard._sum_arrays(p.by_status)),
         (SELECT switchboard._add_arrays(array_fill(0::bigint, ARRAY[24]), switchboard._counts((h.hour + 1)::int, h.n::bigint)) FROM hours h)
  INTO n_calls, n_answered, n_live, n_abandoned, seconds, answered_seconds, by_status, by_hour
  FROM parts p;
END
$$;
REVOKE ALL ON FUNCTION switchboard._call_figures(uuid, uuid, uuid, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._call_figures(uuid, uuid, uuid, timestamptz, timestamptz, text) IS
  'Figures of the calls of an audience that started in a range, both ends included: calls, answered (answered_at set), live (outbound
and not answered by a machine or fax), abandoned of these, seconds of all and of the answered, calls by status in the order of the
labels, and by the hours of the day in a zone.';

CREATE OR REPLACE FUNCTION switchboard._recent_calls_of(
  tenant uuid, campaign uuid, audience uuid, since timestamptz, until timestamptz, most int)
RETURNS SETOF switchboard.call_logs
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. Everybody's newest calls are the first of an index. Those of one user, or of nobody, within a campaign may be few
-- among many: the cells tell the days that have any, and only these are looked at. Cost: the calls of as many days as it takes.
DECLARE
  day   timestamptz;
  found_now int;
  missing int := most;
BEGIN
  IF audience = '00000000-0000-0000-0000-000000000000' THEN
    RETURN QUERY SELECT * FROM switchboard._calls_of(tenant, campaign, audience, since, until, most);
    RETURN;
  END IF;
  FOR day IN
    SELECT '2100-01-01 00:00+00'::timestamptz
    UNION
    SELECT r.starts_at FROM switchboard.call_rollups r
    WHERE r.tenant_id = tenant AND r.campaign_id = coalesce(campaign, '00000000-0000-0000-0000-000000000000')
      AND r.audience = _recent_calls_of.audience AND r.minutes = 1440
      AND r.starts_at > since - interval '24 hours' AND r.starts_at <= until
    UNION
    SELECT date_bin('24 hours', d.quarter, '2000-01-01 00:00+00') FROM switchboard.call_rollup_deltas d
    WHERE d.tenant_id = tenant AND (campaign IS NULL OR d.campaign_id = campaign) AND d.n_calls > 0
      AND coalesce(d.user_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff') = _recent_calls_of.audience
    UNION
    SELECT '-infinity'
    ORDER BY 1 DESC
  LOOP
    RETURN QUERY SELECT * FROM switchboard._calls_of(tenant, campaign, audience,
      greatest(since, day),
      least(until, CASE day WHEN '2100-01-01 00:00+00' THEN 'infinity' WHEN '-infinity' THEN '1999-12-31 23:59:59.999999+00'::timestamptz
                   ELSE day + interval '24 hours' - interval '1 microsecond' END), missing);
    GET DIAGNOSTICS found_now = ROW_COUNT;
    missing := missing - found_now;
    EXIT WHEN missing <= 0;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION switchboard._recent_calls_of(uuid, uuid, uuid, timestamptz, timestamptz, int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._recent_calls_of(uuid, uuid, uuid, timestamptz, timestamptz, int) IS
  'The newest calls of an audience that started in a range, both ends included.';
