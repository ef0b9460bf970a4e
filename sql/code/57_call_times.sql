-- When people answer the phone: the counts that best_call_time() learns from. docs/call-times.md has the formulae.
--
-- Counting anew is what keeps it right: calls are deleted, change their outcome late, contacts move. It is bounded by the newest
-- calls of half a year, which is plenty for 168 hours and recent enough to follow habits.

-- The next ones are inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._is_attempt(
  direction switchboard.direction, status switchboard.call_status, answered_at timestamptz)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT direction OPERATOR(pg_catalog.=) 'outbound'::switchboard.direction
     AND (answered_at IS NOT NULL OR status OPERATOR(pg_catalog.=) ANY ('{completed,busy,no-answer}'::switchboard.call_status[]))
$$;
COMMENT ON FUNCTION switchboard._is_attempt(switchboard.direction, switchboard.call_status, timestamptz) IS
  'Whether a call tells something about the hour: it rang at somebody''s, and was answered or was not. A failed or canceled one does not.';
REVOKE ALL ON FUNCTION switchboard._is_attempt(switchboard.direction, switchboard.call_status, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_zone(timezone text, place text[], fallback text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT coalesce(timezone, CASE WHEN pg_catalog.cardinality(place) OPERATOR(pg_catalog.=) 3 THEN place[3] END, fallback)
$$;
COMMENT ON FUNCTION switchboard._call_zone(text, text[], text) IS
  'The clock of somebody: of the contact''s zone, else of the number''s (as _phone_place() has it) if there is only one, else the fallback.';
REVOKE ALL ON FUNCTION switchboard._call_zone(text, text[], text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_segment(place text[], company text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN place[1] OPERATOR(pg_catalog.<>) '' THEN place[1] OPERATOR(pg_catalog.||) ' ' ELSE '' END OPERATOR(pg_catalog.||)
         CASE WHEN pg_catalog.btrim(company) OPERATOR(pg_catalog.<>) '' THEN 'company' ELSE 'private' END
$$;
COMMENT ON FUNCTION switchboard._call_segment(text[], text) IS
  'Whom a contact is similar to: people of the same country, with or without a company.';
REVOKE ALL ON FUNCTION switchboard._call_segment(text[], text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._hour_of_week(at timestamptz, zone text)
RETURNS int
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  -- Since a Monday long ago, that no time of a call may be before; 1970 began on a Thursday.
  SELECT pg_catalog.mod(pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.timezone(zone, at)) OPERATOR(pg_catalog./) 3600)::bigint
                        OPERATOR(pg_catalog.+) 168000072, 168::bigint)::int
$$;
COMMENT ON FUNCTION switchboard._hour_of_week(timestamptz, text) IS 'The hour of the week on the clock of a zone; 0 is Monday, 00:00 to 01:00.';
REVOKE ALL ON FUNCTION switchboard._hour_of_week(timestamptz, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._open_hours(hours jsonb) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_open_hours';
COMMENT ON FUNCTION switchboard._open_hours(jsonb) IS
  'For each hour of the week, from Monday 00:00, 1 when it is wholly inside these calling hours, else 0; holidays apart. Errors: 22023 malformed hours.';
REVOKE ALL ON FUNCTION switchboard._open_hours(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_time_rates(tried bigint[], reached bigint[], usual_hours bigint[]) RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_call_time_rates';
COMMENT ON FUNCTION switchboard._call_time_rates(bigint[], bigint[], bigint[]) IS
  'Share of calls expected to be answered, 168 hours of the week for each segment of tried and reached, and for everybody at the end. The
usual hours of the day are held to be a little better until calls say otherwise. Errors: 22023 counts that do not fit, 22004.';
REVOKE ALL ON FUNCTION switchboard._call_time_rates(bigint[], bigint[], bigint[]) FROM PUBLIC;

-- The tenant's usual hours.

CREATE OR REPLACE FUNCTION switchboard._usual_call_hours(settings jsonb, OUT opens time, OUT closes time, OUT hours bigint[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT u.opens, u.closes, ARRAY(SELECT h FROM generate_series(0, 23) h
                                  WHERE make_time(h, 0, 0) < u.closes AND make_time(h + 1, 0, 0) > u.opens)
  FROM (SELECT coalesce(settings #>> '{best_call_hours,start}', '14:00')::time AS opens,
               coalesce(settings #>> '{best_call_hours,end}', '16:00')::time AS closes) u
$$;
COMMENT ON FUNCTION switchboard._usual_call_hours(jsonb) IS
  'When a tenant calls whom it knows nothing about: settings.best_call_hours, else 14:00 to 16:00; and the hours of the day that these touch.';
REVOKE ALL ON FUNCTION switchboard._usual_call_hours(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_best_call_hours()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given constant jsonb := new.settings -> 'best_call_hours';
  clock constant text := '^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$';
BEGIN
  IF given <> 'null' AND (jsonb_typeof(given) <> 'object' OR given - '{start,end}'::text[] <> '{}'
                          OR (given ->> 'start' ~ clock AND given ->> 'end' ~ clock AND given ->> 'start' < given ->> 'end') IS NOT TRUE) THEN
    RAISE EXCEPTION 'best_call_hours must be a start and a later end of the same day, not %', given
      USING ERRCODE = '22023', HINT = 'Write {"start":"14:00","end":"16:00"}.';
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_best_call_hours() IS 'Trigger on tenants: refuses settings.best_call_hours that are no hours (22023).';
REVOKE ALL ON FUNCTION switchboard._check_best_call_hours() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_best_call_hours BEFORE INSERT OR UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings ? 'best_call_hours') EXECUTE FUNCTION switchboard._check_best_call_hours();
COMMENT ON TRIGGER tenants_best_call_hours ON switchboard.tenants IS 'Refuses usual hours that make no sense.';

-- Counting.

CREATE OR REPLACE FUNCTION switchboard._call_times_lock(tenant uuid)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended('switchboard.call_time_cells ' || tenant, 0) $$;
COMMENT ON FUNCTION switchboard._call_times_lock(uuid) IS
  'Key of the advisory lock of whoever changes a tenant''s call_time_cells; taken after a lock on the tenant.';
REVOKE ALL ON FUNCTION switchboard._call_times_lock(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._counted_call_times(tenant uuid, at timestamptz, max_calls int DEFAULT 200000)
RETURNS TABLE (segment text, tried bigint[], reached bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. Cost: the tenant's newest calls by call_logs_started_idx, some 5 microseconds each.
BEGIN
  RETURN QUERY
  WITH attempts AS (
    SELECT c.lead_id, c.to_number, coalesce(c.dialed_at, c.started_at) AS tried_at,
           switchboard._is_live(c.direction, c.answered_at, c.answered_by) AS is_reached
    FROM (SELECT c.lead_id, c.to_number, c.direction, c.status, c.started_at, c.dialed_at, c.answered_at, c.answered_by
          FROM switchboard.call_logs c
          WHERE c.tenant_id = tenant AND c.started_at > at - interval '180 days' AND c.started_at <= at
          ORDER BY c.started_at DESC, c.id DESC
          LIMIT max_calls) c
    WHERE switchboard._is_attempt(c.direction, c.status, c.answered_at) AND isfinite(coalesce(c.dialed_at, c.started_at))
  ), parties AS (
    SELECT a.lead_id, a.to_number, array_agg(a.tried_at) AS times, array_agg(a.is_reached) AS answers
    FROM attempts a GROUP BY a.lead_id, a.to_number
  ), placed AS (
    SELECT p.times, p.answers, switchboard._call_segment(w.place, k.company) AS segment,
           switchboard._call_zone(k.timezone, w.place, t.timezone) AS zone
    FROM parties p
    JOIN switchboard.tenants t ON t.id = tenant
    LEFT JOIN switchboard.contacts k ON k.tenant_id = tenant AND k.id = p.lead_id
    CROSS JOIN LATERAL (SELECT switchboard._phone_place(coalesce(k.phone_number, p.to_number)) AS place OFFSET 0) w
  ), counted AS MATERIALIZED (
    SELECT CASE grouping(h.segment) WHEN 1 THEN 'all' ELSE h.segment END AS segment, h.hour, count(*) AS tried,
           count(*) FILTER (WHERE h.is_reached) AS reached
    FROM (SELECT p.segment, switchboard._hour_of_week(a.tried_at, p.zone) AS hour, a.is_reached
          FROM placed p CROSS JOIN LATERAL unnest(p.times, p.answers) AS a (tried_at, is_reached)) h
    GROUP BY GROUPING SETS ((h.segment, h.hour), (h.hour))
  )
  SELECT s.segment, array_agg(coalesce(c.tried, 0) ORDER BY g.hour), array_agg(coalesce(c.reached, 0) ORDER BY g.hour)
  FROM (SELECT DISTINCT c.segment FROM counted c) s
  CROSS JOIN generate_series(0, 167) AS g (hour)
  LEFT JOIN counted c ON c.segment = s.segment AND c.hour = g.hour
  GROUP BY s.segment;
END
$$;
COMMENT ON FUNCTION switchboard._counted_call_times(uuid, timestamptz, int) IS
  'The counts of call_time_cells, from the tenant''s newest calls of the last 180 days, at most so many.';
REVOKE ALL ON FUNCTION switchboard._counted_call_times(uuid, timestamptz, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fit_call_times(tenant uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: internal. For whoever holds _call_times_lock(). Everybody comes last, as _call_time_rates() has it.
  WITH weeks AS MATERIALIZED (
    SELECT c.segment, c.tried, c.reached, row_number() OVER (ORDER BY c.segment = 'all', c.segment)::int AS n
    FROM switchboard.call_time_cells c WHERE c.tenant_id = tenant
  ), fitted AS MATERIALIZED (
    SELECT switchboard._call_time_rates(coalesce(array_agg(h.tried ORDER BY w.n, h.hour), '{}'),
             coalesce(array_agg(h.reached ORDER BY w.n, h.hour), '{}'),
             (SELECT u.hours FROM switchboard.tenants t, switchboard._usual_call_hours(t.settings) u WHERE t.id = tenant)) AS rates
    FROM weeks w CROSS JOIN LATERAL unnest(w.tried, w.reached) WITH ORDINALITY AS h (tried, reached, hour)
    WHERE w.segment <> 'all'
  )
  UPDATE switchboard.call_time_cells c SET rates = f.rates[168 * w.n - 167 : 168 * w.n]
  FROM weeks w, fitted f WHERE c.tenant_id = tenant AND c.segment = w.segment
$$;
COMMENT ON FUNCTION switchboard._fit_call_times(uuid) IS 'Concludes from a tenant''s counts: sets call_time_cells.rates.';
REVOKE ALL ON FUNCTION switchboard._fit_call_times(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._refresh_call_times(tenant uuid, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. The tenant is locked against deletion before the cells that go with it are; one that is being
-- deleted is left out. Nothing is waited for, hence no deadlock, whatever else the transaction has refreshed.
BEGIN
  PERFORM FROM switchboard.tenants t WHERE t.id = tenant FOR KEY SHARE SKIP LOCKED;
  IF NOT FOUND OR NOT pg_try_advisory_xact_lock(switchboard._call_times_lock(tenant)) THEN
    RETURN false;
  END IF;
  WITH counted AS MATERIALIZED (
    SELECT c.segment, c.tried, c.reached FROM switchboard._counted_call_times(tenant, at) c
  ), gone AS (
    DELETE FROM switchboard.call_time_cells c
    WHERE c.tenant_id = tenant AND c.segment NOT IN (SELECT n.segment FROM counted n)
  )
  INSERT INTO switchboard.call_time_cells (tenant_id, segment, tried, reached, rates, refreshed_at)
  SELECT tenant, n.segment, n.tried, n.reached, array_fill(0, '{168}'), at FROM counted n
  ON CONFLICT (tenant_id, segment) DO UPDATE
  SET tried = excluded.tried, reached = excluded.reached, refreshed_at = excluded.refreshed_at;
  PERFORM switchboard._fit_call_times(tenant);
  RETURN true;
END
$$;
COMMENT ON FUNCTION switchboard._refresh_call_times(uuid, timestamptz) IS
  'Makes a tenant''s call_time_cells those of its calls; false when another session does, or deletes the tenant.';
REVOKE ALL ON FUNCTION switchboard._refresh_call_times(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.refresh_call_times(
  at timestamptz DEFAULT now(), max_time interval DEFAULT interval '30 seconds')
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension calls it.
DECLARE
  give_up_at constant timestamptz := clock_timestamp() + max_time;
  tenant     uuid;
  refreshed  int := 0;
BEGIN
  FOR tenant IN
    SELECT t.id FROM switchboard.tenants t
    LEFT JOIN switchboard.call_time_cells c ON c.tenant_id = t.id AND c.segment = 'all'
    ORDER BY c.refreshed_at NULLS FIRST, t.id
  LOOP
    IF switchboard._refresh_call_times(tenant, at) THEN
      refreshed := refreshed + 1;
    END IF;
    EXIT WHEN clock_timestamp() >= give_up_at;
  END LOOP;
  RETURN refreshed;
END
$$;
COMMENT ON FUNCTION switchboard.refresh_call_times(timestamptz, interval) IS
  'Learns from the calls of the last 180 days (the newest 200,000 of a tenant) when people answer, tenant by tenant, whose turn is
longest ago first, until the time is over; returns how many tenants. What was learned is in call_time_cells; a tenant that another
session is at is left out. Only for the owner of the extension.';
REVOKE ALL ON FUNCTION switchboard.refresh_call_times(timestamptz, interval) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._refit_call_times()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: cells are written by functions only; what is written follows from the counts and the settings.
BEGIN
  PERFORM pg_advisory_xact_lock(switchboard._call_times_lock(new.id));
  PERFORM switchboard._fit_call_times(new.id);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._refit_call_times() IS 'Trigger on tenants: other usual hours, other conclusions from the same calls.';
REVOKE ALL ON FUNCTION switchboard._refit_call_times() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_refit_call_times AFTER UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings -> 'best_call_hours' IS DISTINCT FROM old.settings -> 'best_call_hours')
  EXECUTE FUNCTION switchboard._refit_call_times();
COMMENT ON TRIGGER tenants_refit_call_times ON switchboard.tenants IS 'Keeps call_time_cells.rates.';
