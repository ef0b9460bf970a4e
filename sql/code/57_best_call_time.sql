-- When to call somebody. docs/call-times.md has the formulae.

CREATE OR REPLACE FUNCTION switchboard._best_call_hours(tenant uuid, contacts uuid[], at timestamptz)
RETURNS TABLE (contact_id uuid, opens time, closes time, zone text, source text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. A plan of its own each time: one contact is looked up, 100,000 are joined.
BEGIN
  RETURN QUERY
  SELECT k.id, coalesce(p.opens, '14:00'), coalesce(p.closes, '16:00'),
         coalesce(k.timezone, CASE WHEN cardinality(w.place) = 3 THEN w.place[3] END, t.timezone),
         CASE WHEN p.opens IS NULL THEN 'usual' ELSE 'preferred' END
  FROM (SELECT DISTINCT u.id FROM unnest(contacts) AS u (id)) asked
  JOIN switchboard.contacts k ON k.tenant_id = tenant AND k.id = asked.id
  JOIN switchboard.tenants t ON t.id = tenant
  CROSS JOIN LATERAL (SELECT switchboard._phone_place(k.phone_number) AS place OFFSET 0) w
  LEFT JOIN LATERAL (SELECT k.best_call_start AS opens, k.best_call_end AS closes
                     WHERE k.best_call_start <> k.best_call_end) p ON true;
END
$$;
COMMENT ON FUNCTION switchboard._best_call_hours(uuid, uuid[], timestamptz) IS
  'The hours in which each of these contacts is best called, by the clock of zone, one row a contact, in no order. source: preferred (the
contact said so), learned (from answered calls) or usual (the tenant''s, while nothing is known).';
REVOKE ALL ON FUNCTION switchboard._best_call_hours(uuid, uuid[], timestamptz) FROM PUBLIC;
