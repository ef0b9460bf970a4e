-- What a customer is worth to the tenant, and how urgent that makes a triggered call. docs/call-times.md has the formulae.

CREATE OR REPLACE FUNCTION switchboard._value_limit(settings jsonb, measure text, rank int)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce((settings #>> ARRAY['customer_value', measure, (rank - 1)::text])::numeric, d.limits[rank])
  FROM (VALUES ('monetary', '{100, 500}'::numeric[]), ('frequency', '{2, 5}'), ('recency', '{90, 365}')) AS d (measure, limits)
  WHERE d.measure = _value_limit.measure
$$;
COMMENT ON FUNCTION switchboard._value_limit(jsonb, text, int) IS
  'The first or second limit of a measure of customer value (monetary, frequency, recency), as the tenant''s settings have it, else the
default.';
REVOKE ALL ON FUNCTION switchboard._value_limit(jsonb, text, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_customer_value()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given constant jsonb := new.settings -> 'customer_value';
  wrong record;
BEGIN
  IF jsonb_typeof(given) NOT IN ('object', 'null') THEN
    RAISE EXCEPTION 'customer_value must be an object of limits, not %', given USING ERRCODE = '22023';
  END IF;
  SELECT g.key, g.value INTO wrong
  FROM jsonb_each(nullif(given, 'null')) g
  WHERE g.key NOT IN ('monetary', 'frequency', 'recency')
     OR g.value <> 'null'
        AND NOT jsonb_path_exists(g.value, 'strict $ ? (@.type() == "array" && @.size() == 2 && @[0] > 0 && @[1] > @[0] && @[1] <= $most)',
                                  jsonb_build_object('most', CASE g.key WHEN 'recency' THEN 36500 ELSE 1e12 END), true)
  ORDER BY g.key LIMIT 1;
  IF wrong.key IS NOT NULL THEN
    RAISE EXCEPTION 'customer_value of % must be two rising limits, not %', wrong.key, wrong.value
      USING ERRCODE = '22023', HINT = 'There are monetary, [100, 500]; frequency, [2, 5]; and recency in days, [90, 365].';
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_customer_value() IS
  'Trigger on tenants: refuses settings.customer_value that cannot be reckoned with (22023).';
REVOKE ALL ON FUNCTION switchboard._check_customer_value() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_customer_value BEFORE INSERT OR UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings ? 'customer_value') EXECUTE FUNCTION switchboard._check_customer_value();
COMMENT ON TRIGGER tenants_customer_value ON switchboard.tenants IS 'Refuses limits of customer value that make no sense.';

CREATE OR REPLACE FUNCTION switchboard._customer_values(tenant uuid, contacts uuid[], at timestamptz)
RETURNS TABLE (contact_id uuid, points int, spent numeric, purchases int, last_purchase_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal. Lateral, so that purchases are found by index whatever the planner believes of a fresh table; a plan of its
-- own each time, for the same reason.
BEGIN
  RETURN QUERY
  WITH limits AS MATERIALIZED (
    SELECT t.currency, switchboard._value_limit(t.settings, 'monetary', 1) AS some_money,
           switchboard._value_limit(t.settings, 'monetary', 2) AS much_money,
           switchboard._value_limit(t.settings, 'frequency', 1) AS some_times,
           switchboard._value_limit(t.settings, 'frequency', 2) AS many_times,
           at - make_interval(secs => 86400 * switchboard._value_limit(t.settings, 'recency', 1)::float8) AS lately,
           at - make_interval(secs => 86400 * switchboard._value_limit(t.settings, 'recency', 2)::float8) AS this_year
    FROM switchboard.tenants t WHERE t.id = tenant
  )
  SELECT asked.id,
         CASE WHEN b.spent >= l.much_money THEN 3 WHEN b.spent >= l.some_money THEN 2 WHEN b.paid > 0 THEN 1 ELSE 0 END
         + CASE WHEN b.times >= l.many_times THEN 2 WHEN b.times >= l.some_times THEN 1 ELSE 0 END
         + CASE WHEN b.last_at >= l.lately THEN 2 WHEN b.last_at >= l.this_year THEN 1 ELSE 0 END,
         coalesce(b.spent, 0), b.times::int, b.last_at
  FROM limits l
  CROSS JOIN (SELECT DISTINCT u.id FROM unnest(contacts) AS u (id) WHERE u.id IS NOT NULL) asked
  CROSS JOIN LATERAL (
    SELECT count(*) AS times, max(p.purchased_at) AS last_at, sum(p.amount_paid) AS paid,
           sum(p.amount_paid) FILTER (WHERE l.currency = coalesce(
             p.currency, (SELECT g.currency FROM switchboard.products g WHERE g.tenant_id = tenant AND g.id = p.product_id), l.currency)) AS spent
    FROM switchboard.purchases p
    WHERE p.tenant_id = tenant AND p.contact_id = asked.id AND p.refunded_at IS NULL) b;
END
$$;
COMMENT ON FUNCTION switchboard._customer_values(uuid, uuid[], timestamptz) IS
  'What each of these contacts is worth, one row a contact, in no order: points, 0 to 7, for money spent, number and age of purchases;
what was spent in the tenant''s currency; how many purchases, and when the last one. Refunded purchases do not count.';
REVOKE ALL ON FUNCTION switchboard._customer_values(uuid, uuid[], timestamptz) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._trigger_priority(points int, trigger_type switchboard.trigger_type, savings numeric)
RETURNS switchboard.task_priority
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT (ARRAY['low', 'low', 'low', 'medium', 'medium', 'high'])[1 OPERATOR(pg_catalog.+) least(5,
           coalesce(points, 0) OPERATOR(pg_catalog.+) CASE trigger_type WHEN 'price_drop' THEN 2 WHEN 'stock_alert' THEN 1 ELSE 0 END
           OPERATOR(pg_catalog.+) CASE WHEN savings OPERATOR(pg_catalog.>=) 100 THEN 1 ELSE 0 END)]::switchboard.task_priority
$$;
COMMENT ON FUNCTION switchboard._trigger_priority(int, switchboard.trigger_type, numeric) IS
  'Urgency of a triggered call: points of the customer''s value, and 2 for a price drop, 1 for a stock alert, and 1 when at least 100 are
saved; high from 5, medium from 3, else low.';
REVOKE ALL ON FUNCTION switchboard._trigger_priority(int, switchboard.trigger_type, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.customer_value(contact_id uuid, at timestamptz DEFAULT now())
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: the parts are internal; _asked_contact() checks the session.
DECLARE
  tenant constant uuid := switchboard._asked_contact(customer_value.contact_id, customer_value.at);
BEGIN
  RETURN (SELECT jsonb_build_object('contactId', v.contact_id, 'points', v.points, 'spent', v.spent, 'currency', t.currency,
                   'purchases', v.purchases, 'lastPurchaseAt', v.last_purchase_at,
                   'priorities', (SELECT jsonb_object_agg(g.trigger_type, switchboard._trigger_priority(v.points, g.trigger_type, 0))
                                  FROM unnest(enum_range(NULL::switchboard.trigger_type)) AS g (trigger_type)))
          FROM switchboard._customer_values(tenant, ARRAY[customer_value.contact_id], customer_value.at) v,
               switchboard.tenants t WHERE t.id = tenant);
END
$$;
COMMENT ON FUNCTION switchboard.customer_value(uuid, timestamptz) IS
  'What a contact is worth: points (0 to 7), spent in the tenant''s currency, purchases that were not refunded, lastPurchaseAt; and
priorities, how urgent a call would be by trigger type, before what the contact would save is considered. Errors: P0002 no such contact,
22023 at null or infinite.';
REVOKE ALL ON FUNCTION switchboard.customer_value(uuid, timestamptz) FROM PUBLIC;
