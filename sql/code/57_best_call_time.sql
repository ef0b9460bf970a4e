-- When to call somebody: the hours that the contact prefers, else those that calls have shown to be best, else the tenant's usual
-- ones. docs/call-times.md has the formulae.

CREATE OR REPLACE FUNCTION switchboard._personal_rates(rates float8[], attempts bigint[]) RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_personal_rates';
COMMENT ON FUNCTION switchboard._personal_rates(float8[], bigint[]) IS
  'The rates of one person, from those of similar people by hour of the week, and the person''s own attempts, newest first: n for one in
hour n-1 of the week, -n when it reached nobody. A rate of 0, an hour that is not offered, stays 0. Errors: 22023, 22004.';
REVOKE ALL ON FUNCTION switchboard._personal_rates(float8[], bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._best_call_window(rates float8[], hour_now int) RETURNS int
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_best_call_window';
COMMENT ON FUNCTION switchboard._best_call_window(float8[], int) IS
  'The hour of the week in which the best two hours in a row begin, on the first day from hour_now on where they are not over; where the
next hour has the rate 0, it is one hour only. NULL when no hour of the week is offered. Errors: 22023, 22004.';
REVOKE ALL ON FUNCTION switchboard._best_call_window(float8[], int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._people_to_call(tenant uuid, contacts uuid[], at timestamptz)
RETURNS TABLE (contact_id uuid, opens time, closes time, zone text, hour_now int, segment text, place text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. A plan of its own each time: one contact is looked up, 100,000 are joined.
BEGIN
  RETURN QUERY
  SELECT k.id, p.opens, p.closes,
         z.zone, switchboard._hour_of_week(at, z.zone), switchboard._call_segment(w.place, k.company),
         coalesce(nullif(coalesce(nullif(w.place[2], ''), w.place[1]), ''), '*')
  FROM (SELECT DISTINCT u.id FROM unnest(contacts) AS u (id)) asked
  JOIN switchboard.contacts k ON k.tenant_id = tenant AND k.id = asked.id
  JOIN switchboard.tenants t ON t.id = tenant
  CROSS JOIN LATERAL (SELECT switchboard._phone_place(k.phone_number) AS place OFFSET 0) w
  CROSS JOIN LATERAL (SELECT switchboard._call_zone(k.timezone, w.place, t.timezone) AS zone) z
  LEFT JOIN LATERAL (
    SELECT make_time(m.opens / 60 % 24, m.opens % 60, 0) AS opens, make_time(m.closes / 60, m.closes % 60, 0) AS closes
    FROM (SELECT floor(extract(epoch FROM k.best_call_start) / 60)::int AS opens,
                 floor(extract(epoch FROM k.best_call_end) / 60)::int AS closes OFFSET 0) m
    WHERE m.opens <> m.closes AND m.opens % 1440 <> m.closes) p ON true;
END
$$;
COMMENT ON FUNCTION switchboard._people_to_call(uuid, uuid[], timestamptz) IS
  'What best hours depend on, one row a contact: the hours that the contact prefers (null: none; equal ones are none), the zone, what hour
of the week it is there, whom the contact is similar to, and the place whose law holds, as _policies() has it.';
REVOKE ALL ON FUNCTION switchboard._people_to_call(uuid, uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._own_attempts(tenant uuid, contacts uuid[], zones text[], at timestamptz)
RETURNS TABLE (contact_id uuid, attempts bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. Cost: the contacts' newest calls by call_logs_lead_idx, some 5 microseconds a contact.
BEGIN
  RETURN QUERY
  SELECT p.id, o.attempts
  FROM unnest(contacts, zones) AS p (id, zone)
  CROSS JOIN LATERAL (
    SELECT array_agg((switchboard._hour_of_week(n.tried_at, p.zone) + 1)::bigint * CASE WHEN n.is_reached THEN 1 ELSE -1 END
                     ORDER BY n.tried_at DESC, n.id DESC) AS attempts
    FROM (SELECT c.id, coalesce(c.dialed_at, c.started_at) AS tried_at,
                 switchboard._is_live(c.direction, c.answered_at, c.answered_by) AS is_reached
          FROM switchboard.call_logs c
          WHERE c.tenant_id = tenant AND c.lead_id = p.id AND c.started_at > at - interval '1 year'
            AND switchboard._is_attempt(c.direction, c.status, c.answered_at) AND isfinite(coalesce(c.dialed_at, c.started_at))
          ORDER BY c.started_at DESC LIMIT 100) n) o
  WHERE o.attempts IS NOT NULL;
END
$$;
COMMENT ON FUNCTION switchboard._own_attempts(uuid, uuid[], text[], timestamptz) IS
  'The newest 100 calls of the last year to each of these contacts (each with its zone) as _personal_rates() reads them; no row for one
without.';
REVOKE ALL ON FUNCTION switchboard._own_attempts(uuid, uuid[], text[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._offered_rates(tenant uuid, segments text[], places text[], at timestamptz)
RETURNS TABLE (segment text, place text, rates float8[], is_learned boolean, tried bigint, reached bigint,
               usual_opens time, usual_closes time, usual_days boolean[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. Cost: a millisecond, and a little for each distinct window and each pair.
BEGIN
  RETURN QUERY
  WITH own AS MATERIALIZED (
    SELECT coalesce(nullif(t.settings -> 'calling_hours', 'null'), '{"start":"00:00","end":"24:00"}') AS calling_hours, u.*
    FROM switchboard.tenants t CROSS JOIN LATERAL switchboard._usual_call_hours(t.settings) u WHERE t.id = tenant
  ), laws AS MATERIALIZED (
    SELECT y.place, y.windows || o.calling_hours AS windows
    FROM own o, switchboard._policies(tenant, 'voice', at, ARRAY(SELECT DISTINCT p.place FROM unnest(places) AS p (place))) y
  ), open AS MATERIALIZED (
    SELECT d.windows, (SELECT array_agg(h.is_open ORDER BY h.hour)
                       FROM (SELECT g.hour, min(g.is_open) AS is_open
                             FROM unnest(d.windows) AS w (hours),
                                  unnest(switchboard._open_hours(w.hours)) WITH ORDINALITY AS g (is_open, hour)
                             GROUP BY g.hour) h) AS hours
    FROM (SELECT DISTINCT l.windows FROM laws l) d
  ), learned AS MATERIALIZED (
    SELECT s.segment, coalesce(c.rates, e.rates, switchboard._call_time_rates('{}', '{}', o.hours)) AS rates,
           -- Fewer calls say hardly anything, see the simulation in docs/call-times.md.
           coalesce((SELECT sum(n) FROM unnest(e.tried) AS n) >= 30, false) AS is_learned,
           (SELECT sum(n) FROM unnest(c.tried) AS n)::bigint AS tried, (SELECT sum(n) FROM unnest(c.reached) AS n)::bigint AS reached
    FROM (SELECT DISTINCT s.segment FROM unnest(segments) AS s (segment)) s
    CROSS JOIN (SELECT o.hours FROM own o) o
    LEFT JOIN switchboard.call_time_cells c ON c.tenant_id = tenant AND c.segment = s.segment
    LEFT JOIN switchboard.call_time_cells e ON e.tenant_id = tenant AND e.segment = 'all'
  )
  SELECT s.segment, s.place,
         (SELECT array_agg(r.rate * r.is_open ORDER BY r.hour) FROM unnest(l.rates, h.hours) WITH ORDINALITY AS r (rate, is_open, hour)),
         l.is_learned, coalesce(l.tried, 0), coalesce(l.reached, 0), o.opens, o.closes,
         ARRAY(SELECT 1 = ALL (SELECT h.hours[24 * d + u.hour + 1] FROM unnest(o.hours) AS u (hour)) FROM generate_series(0, 6) d ORDER BY d)
  FROM (SELECT DISTINCT s.segment, s.place FROM unnest(segments, places) AS s (segment, place)) s
  CROSS JOIN own o
  JOIN laws y ON y.place = s.place
  JOIN open h ON h.windows = y.windows
  JOIN learned l ON l.segment = s.segment;
END
$$;
COMMENT ON FUNCTION switchboard._offered_rates(uuid, text[], text[], timestamptz) IS
  'For each pair of a segment and a place: the share of calls expected to be answered by hour of the week, 0 where the law of the place or
the tenant''s calling_hours leave no whole hour; whether the tenant has made calls enough to learn from; the segment''s calls; the tenant''s usual hours, and on
which days, from Monday, they are wholly open.';
REVOKE ALL ON FUNCTION switchboard._offered_rates(uuid, text[], text[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._best_call_hours(tenant uuid, contacts uuid[], at timestamptz)
RETURNS TABLE (contact_id uuid, opens time, closes time, zone text, source text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. Cost: some 20 microseconds a contact that was called three times, half of them for its calls; 2 ms for
-- one alone.
BEGIN
  RETURN QUERY
  WITH people AS MATERIALIZED (
    SELECT p.* FROM switchboard._people_to_call(tenant, contacts, at) p
  ), searching AS MATERIALIZED (
    SELECT array_agg(p.contact_id) AS contacts, array_agg(p.zone) AS zones FROM people p WHERE p.opens IS NULL
  ), own AS MATERIALIZED (
    SELECT o.contact_id, o.attempts FROM searching s, switchboard._own_attempts(tenant, s.contacts, s.zones, at) o
  ), offers AS MATERIALIZED (
    SELECT o.*
    FROM (SELECT array_agg(s.segment) AS segments, array_agg(s.place) AS places
          FROM (SELECT DISTINCT p.segment, p.place FROM people p WHERE p.opens IS NULL) s) s,
         switchboard._offered_rates(tenant, s.segments, s.places, at) o
  ), known AS MATERIALIZED (
    -- Before the rates join, which are long: joined the other way round they would be sorted, or spilled, once a person.
    SELECT p.*, o.attempts FROM people p LEFT JOIN own o ON o.contact_id = p.contact_id
  )
  SELECT p.contact_id,
         CASE WHEN p.opens IS NOT NULL THEN p.opens WHEN w.is_usual THEN f.usual_opens ELSE make_time(w.first % 24, 0, 0) END,
         CASE WHEN p.opens IS NOT NULL THEN p.closes WHEN w.is_usual THEN f.usual_closes
              ELSE make_time(w.first % 24 + CASE WHEN w.first % 24 < 23 AND f.rates[w.first + 2] > 0 THEN 2 ELSE 1 END, 0, 0) END,
         p.zone,
         CASE WHEN p.opens IS NOT NULL THEN 'preferred' WHEN p.attempts IS NOT NULL OR f.is_learned THEN 'learned' ELSE 'usual' END
  FROM known p
  LEFT JOIN offers f ON f.segment = p.segment AND f.place = p.place AND p.opens IS NULL
  CROSS JOIN LATERAL (
    SELECT v.first, v.first IS NULL OR p.attempts IS NULL AND NOT f.is_learned AND f.usual_days[v.first / 24 + 1] AS is_usual
    FROM (SELECT switchboard._best_call_window(CASE WHEN p.attempts IS NULL THEN f.rates
                                                    ELSE switchboard._personal_rates(f.rates, p.attempts) END, p.hour_now) AS first OFFSET 0) v
    OFFSET 0) w;
END
$$;
COMMENT ON FUNCTION switchboard._best_call_hours(uuid, uuid[], timestamptz) IS
  'The hours in which each of these contacts is best called, by the clock of zone, one row a contact, in no order. source: preferred (the
contact said so), learned (from answered calls) or usual (the tenant''s, while hardly anything is known). Learned ones are those of
today, or of the next day when they are over; closes may be 24:00.';
REVOKE ALL ON FUNCTION switchboard._best_call_hours(uuid, uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asked_contact(contact_id uuid, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a contact of another tenant is none, and the session is asked, not the current role.
DECLARE
  tenant uuid;
BEGIN
  IF isfinite(at) IS NOT TRUE THEN
    RAISE EXCEPTION 'at must be a time, not %', coalesce(at::text, 'null') USING ERRCODE = '22023';
  END IF;
  SELECT k.tenant_id INTO tenant FROM switchboard.contacts k WHERE k.id = contact_id;
  IF NOT FOUND OR NOT switchboard._caller_may(tenant, NULL) THEN
    RAISE EXCEPTION 'no such contact: %', coalesce(contact_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN tenant;
END
$$;
COMMENT ON FUNCTION switchboard._asked_contact(uuid, timestamptz) IS
  'The tenant of a contact that the session may see. Errors: P0002 no such contact, 22023 at null or infinite.';
REVOKE ALL ON FUNCTION switchboard._asked_contact(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.best_call_time(contact_id uuid, at timestamptz DEFAULT now())
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: an agent gets the same answer as the triggers, though he does not see his colleagues' calls.
DECLARE
  tenant constant uuid := switchboard._asked_contact(best_call_time.contact_id, best_call_time.at);
  person record;
  best   record;
  offer  record;
  own    bigint[];
  rates  float8[];
  today  int;
BEGIN
  SELECT p.* INTO person FROM switchboard._people_to_call(tenant, ARRAY[best_call_time.contact_id], best_call_time.at) p;
  SELECT b.* INTO best FROM switchboard._best_call_hours(tenant, ARRAY[best_call_time.contact_id], best_call_time.at) b;
  SELECT o.* INTO offer FROM switchboard._offered_rates(tenant, ARRAY[person.segment], ARRAY[person.place], best_call_time.at) o;
  own := coalesce((SELECT o.attempts FROM switchboard._own_attempts(tenant, ARRAY[best_call_time.contact_id], ARRAY[person.zone],
                                                                    best_call_time.at) o), '{}');
  rates := switchboard._personal_rates(offer.rates, own);
  today := coalesce(switchboard._best_call_window(rates, person.hour_now), person.hour_now) / 24;

  RETURN jsonb_build_object(
    'contactId', best_call_time.contact_id, 'opens', to_char(best.opens, 'HH24:MI'), 'closes', to_char(best.closes, 'HH24:MI'),
    'timezone', best.zone, 'source', best.source,
    'nextAt', switchboard.next_call_time(best_call_time.at, best.zone,
                jsonb_build_object('start', to_char(best.opens, 'HH24:MI'), 'end', to_char(best.closes, 'HH24:MI'))),
    'ownCalls', jsonb_build_object('tried', cardinality(own), 'reached', (SELECT count(*) FROM unnest(own) AS a WHERE a > 0)),
    'similarCalls', jsonb_build_object('segment', person.segment, 'tried', offer.tried, 'reached', offer.reached),
    'weekday', (ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[today + 1],
    'hours', (SELECT coalesce(jsonb_agg(jsonb_build_object('hour', h.hour, 'rate', round(rates[24 * today + h.hour + 1]::numeric, 4),
                                          'similarRate', round(offer.rates[24 * today + h.hour + 1]::numeric, 4)) ORDER BY h.hour), '[]')
              FROM generate_series(0, 23) AS h (hour) WHERE rates[24 * today + h.hour + 1] > 0));
END
$$;
COMMENT ON FUNCTION switchboard.best_call_time(uuid, timestamptz) IS
  'When to call a contact, and why: opens and closes ("HH24:MI" by the clock of timezone), source (preferred: the contact said so; learned
from answered calls; usual: the tenant''s settings.best_call_hours while hardly anything is known), nextAt, the first instant not before at within
these hours; ownCalls and similarCalls (segment) with how many were tried and reached a human; and for the weekday that was judged its hours
that law and calling_hours allow, with the rate of calls expected to be answered by the contact, and by similar contacts. Errors: P0002
no such contact, 22023 at null or infinite.';
REVOKE ALL ON FUNCTION switchboard.best_call_time(uuid, timestamptz) FROM PUBLIC;
