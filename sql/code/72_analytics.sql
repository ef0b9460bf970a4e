-- get_analytics(): the figures a manager looks at first.

CREATE OR REPLACE FUNCTION switchboard._figures_scope(
  campaign uuid, OUT tenants uuid[], OUT audiences uuid[], OUT zone text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: a campaign that the caller does not see is none.
DECLARE
  mine uuid := switchboard.current_tenant_id();
BEGIN
  IF campaign IS NOT NULL THEN
    SELECT coalesce(c.timezone, t.timezone), ARRAY[c.tenant_id] INTO zone, tenants
    FROM switchboard.campaigns c JOIN switchboard.tenants t ON t.id = c.tenant_id
    WHERE c.id = campaign AND (mine IS NULL OR c.tenant_id = mine);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', campaign USING ERRCODE = 'P0002';
    END IF;
  ELSIF mine IS NOT NULL THEN
    SELECT t.timezone, ARRAY[t.id] INTO zone, tenants FROM switchboard.tenants t WHERE t.id = mine;
  ELSE
    -- Nobody sees no tenant, the owner of the extension all.
    tenants := ARRAY(SELECT t.id FROM switchboard.tenants t);
  END IF;
  zone := coalesce(zone, 'UTC');
  audiences := CASE WHEN mine IS NULL OR switchboard.is_supervisor() THEN ARRAY['00000000-0000-0000-0000-000000000000'::uuid]
                    ELSE array_remove(ARRAY['ffffffff-ffff-ffff-ffff-ffffffffffff', switchboard.current_user_id()], NULL) END;
END
$$;
COMMENT ON FUNCTION switchboard._figures_scope(uuid) IS
  'Of which calls the caller gets figures: tenants, audiences (everybody, or nobody and the caller), and the zone of the campaign, else
of the tenant, else UTC. Errors: P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard._figures_scope(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_date_range(start_date timestamptz, end_date timestamptz)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF start_date > end_date THEN
    RAISE EXCEPTION 'start_date % is after end_date %', start_date, end_date USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_date_range(timestamptz, timestamptz) IS 'Error: 22023 the range ends before it starts.';
REVOKE ALL ON FUNCTION switchboard._check_date_range(timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.get_analytics(
  start_date timestamptz DEFAULT NULL, end_date timestamptz DEFAULT NULL, campaign_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER: agents get figures of their own and of unassigned calls, supervisors of their tenant's.
-- Cost: see _call_figures(); it does not grow with the number of calls.
DECLARE
  since   constant timestamptz := coalesce(get_analytics.start_date, '-infinity');
  until   constant timestamptz := coalesce(get_analytics.end_date, 'infinity');
  scope   record;
  figures record;
  recent  jsonb;
BEGIN
  PERFORM switchboard._check_date_range(since, until);
  scope := switchboard._figures_scope(get_analytics.campaign_id);

  SELECT coalesce(sum(f.n_calls), 0) AS total, coalesce(sum(f.n_answered), 0) AS answered, coalesce(sum(f.seconds), 0) AS seconds,
         coalesce(sum(f.answered_seconds), 0) AS answered_seconds,
         coalesce(switchboard._sum_arrays(f.by_hour), array_fill(0, ARRAY[24])) AS by_hour,
         (SELECT jsonb_object_agg(s.status, coalesce((switchboard._sum_arrays(f.by_status))[s.place], 0))
          FROM unnest(enum_range(NULL::switchboard.call_status)) WITH ORDINALITY AS s (status, place)) AS by_status
  INTO figures
  FROM unnest(scope.tenants) AS t (id), unnest(scope.audiences) AS a (id),
       switchboard._call_figures(t.id, get_analytics.campaign_id, a.id, since, until, scope.zone) f;

  SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.started_at DESC, r.id DESC), '[]') INTO recent
  FROM (SELECT c.* FROM unnest(scope.tenants) AS t (id), unnest(scope.audiences) AS a (id),
               switchboard._recent_calls_of(t.id, get_analytics.campaign_id, a.id, since, until, 10) c
        ORDER BY c.started_at DESC, c.id DESC LIMIT 10) r;

  RETURN jsonb_build_object('analytics', jsonb_build_object(
    'overview', jsonb_build_object(
      'totalCalls', figures.total, 'answeredCalls', figures.answered,
      'completedCalls', figures.by_status -> 'completed', 'failedCalls', figures.by_status -> 'failed',
      'busyCalls', figures.by_status -> 'busy', 'noAnswerCalls', figures.by_status -> 'no-answer',
      'totalDuration', figures.seconds,
      'avgDuration', coalesce(round(figures.answered_seconds / nullif(figures.answered, 0)), 0),
      'answerRate', coalesce(round(100.0 * figures.answered / nullif(figures.total, 0), 1), 0.0),
      'completionRate', coalesce(round(100.0 * (figures.by_status ->> 'completed')::numeric / nullif(figures.total, 0), 1), 0.0)),
    'distribution', jsonb_build_object('byHour', figures.by_hour, 'byStatus', figures.by_status),
    'recentCalls', recent));
END
$$;
COMMENT ON FUNCTION switchboard.get_analytics(timestamptz, timestamptz, uuid) IS
  'Figures of the calls that started from start_date to end_date (both inclusive, NULL: no bound), of one campaign or all:
{"analytics": {"overview", "distribution": {"byHour", "byStatus"}, "recentCalls"}}. Answered are calls with answered_at; rates are
percentages of all calls; avgDuration is seconds over answered calls; byHour is in the campaign''s zone, else the tenant''s; the up
to ten newest calls. Errors: P0002 no such campaign, 22023 start after end.';
REVOKE ALL ON FUNCTION switchboard.get_analytics(timestamptz, timestamptz, uuid) FROM PUBLIC;
