-- The shop of trigger_run_test.py, and what must be true of it in the end.
CREATE SCHEMA run;
CREATE TABLE run.shop (tenant_id uuid, product_id uuid, started_at timestamptz);
CREATE TABLE run.buyers (id uuid, phone text, unwilling boolean, refunded boolean, n int);

-- Buyers of one product. Of fifty, one wants no calls and one gave it back; every tenth bought it twice. The first six hundred want no
-- calls either: whoever does the first part of a run calls nobody. Calling hours begin in three hours: jobs wait, and everybody's
-- time is known.
CREATE FUNCTION run.opens_at() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT date_trunc('hour', started_at) + interval '3 hours' FROM run.shop $$;

CREATE FUNCTION run.new_shop(buyers int, batch int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  shop uuid;
  product uuid;
BEGIN
  DELETE FROM switchboard.tenants;
  TRUNCATE run.shop, run.buyers;
  INSERT INTO switchboard.tenants (name, settings) VALUES ('shop', jsonb_build_object('trigger_batch', batch)) RETURNING id INTO shop;
  INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason) VALUES (shop, 'calling_window', '{"start":"00:00","end":"24:00"}', 'test');
  INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings) VALUES (shop, 'twilio', 'main', '{"account_sid": "AC1", "caller_id": "+12015550100"}');
  INSERT INTO switchboard.products (tenant_id, name, price) VALUES (shop, 'iPhone 15 Pro', 999.99) RETURNING id INTO product;
  INSERT INTO switchboard.campaigns (tenant_id, user_id, name, status, product_id, discount_percent, active_hours)
  VALUES (shop, NULL, 'price drop', 'active', product, 15,
          jsonb_build_object('start', to_char(now() + interval '3 hours', 'HH24:00'), 'end', to_char(now() + interval '6 hours', 'HH24:00')));
  INSERT INTO run.shop VALUES (shop, product, now());
  INSERT INTO run.buyers
  SELECT switchboard.uuid_v7(), '+1' || 2012000000 + n, n <= 600 OR n % 50 = 3, n % 50 = 7, n FROM generate_series(1, buyers) n;
  INSERT INTO switchboard.contacts (id, tenant_id, phone_number, name, timezone) SELECT id, shop, phone, 'Customer ' || n, 'UTC' FROM run.buyers;
  INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, refunded_at)
  SELECT shop, b.id, product, 999.99, CASE WHEN refunded THEN now() END FROM run.buyers b, generate_series(1, 1 + (b.n % 10 = 1)::int);
  INSERT INTO switchboard.do_not_call (tenant_id, phone_number, reason) SELECT shop, phone, 'asked' FROM run.buyers WHERE unwilling;
  ANALYZE switchboard.contacts, switchboard.purchases, switchboard.do_not_call, run.buyers;
END $$;

CREATE FUNCTION run.expected() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM run.buyers WHERE NOT unwilling AND NOT refunded $$;

CREATE FUNCTION run.price_drop() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.set_identity(tenant_id) FROM run.shop;
  RETURN (SELECT concat_ws(' ', r ->> 'triggered', r -> 'skipped') FROM run.shop, switchboard.trigger_price_drop(product_id, 999.99, 849.99) r);
END $$;

-- What is wrong after a run: each line is a fault and how often it was found.
CREATE FUNCTION run.faults() RETURNS TABLE (fault text, found bigint) LANGUAGE sql AS $$
  SELECT f.* FROM (VALUES
    ('missed', (SELECT count(*) FROM run.buyers b WHERE NOT b.unwilling AND NOT b.refunded AND NOT EXISTS (SELECT FROM switchboard.call_triggers t WHERE t.contact_id = b.id))),
    ('triggered twice', (SELECT count(*) FROM (SELECT t.contact_id FROM switchboard.call_triggers t GROUP BY 1 HAVING count(*) > 1) t)),
    ('triggered against the rules', (SELECT count(*) FROM switchboard.call_triggers t JOIN run.buyers b ON b.id = t.contact_id WHERE b.unwilling OR b.refunded)),
    ('without a coupon, call or job of its own', (SELECT count(*) FROM switchboard.call_triggers t
       LEFT JOIN switchboard.coupons c ON c.id = t.coupon_id AND c.contact_id = t.contact_id AND c.product_id = t.product_id AND c.code = t.package ->> 'coupon_code'
       LEFT JOIN switchboard.call_logs l ON l.id = t.call_log_id AND l.lead_id = t.contact_id AND l.status = 'initiated' AND l.to_number = t.package ->> 'phone_number'
                                            AND l.metadata ->> 'call_trigger_id' = t.id::text
       LEFT JOIN switchboard.jobs_open j ON j.subject_id = l.id AND j.kind = 'call' AND j.state = 'ready' AND j.run_at = t.scheduled_at
       WHERE c.id IS NULL OR l.id IS NULL OR j.id IS NULL)),
    ('at another time than the hours allow', (SELECT count(*) FROM switchboard.call_triggers t WHERE t.scheduled_at <> run.opens_at())),
    ('with another person''s package', (SELECT count(*) FROM switchboard.call_triggers t JOIN run.buyers b ON b.id = t.contact_id
       WHERE t.package ->> 'customer_name' <> 'Customer ' || b.n OR t.package ->> 'phone_number' <> b.phone OR t.package ->> 'call_trigger_id' <> t.id::text
          OR strpos(t.package ->> 'call_script', t.package ->> 'coupon_code') = 0 OR strpos(t.package ->> 'call_script', 'Customer ' || b.n) = 0)),
    ('coupons that nobody was given', (SELECT count(*) FROM switchboard.coupons c WHERE NOT EXISTS (SELECT FROM switchboard.call_triggers t WHERE t.coupon_id = c.id))),
    ('calls of nobody', (SELECT count(*) FROM switchboard.call_logs l WHERE NOT EXISTS (SELECT FROM switchboard.call_triggers t WHERE t.call_log_id = l.id))),
    ('jobs of no call', (SELECT count(*) FROM switchboard.jobs j WHERE NOT EXISTS (SELECT FROM switchboard.call_triggers t WHERE t.call_log_id = j.subject_id))),
    ('runs with people left', (SELECT count(*) FROM switchboard.trigger_runs r WHERE r.finished_at IS NULL)),
    ('triggered but not counted', (SELECT count(*) - coalesce((SELECT sum(r.triggered) FROM switchboard.trigger_runs r), 0) FROM switchboard.call_triggers))) AS f (fault, found)
  WHERE f.found <> 0
$$;
