-- Buyers, and the loop that trigger_price_drop() is compared with.
CREATE SCHEMA bench;

INSERT INTO switchboard.tenants (name, timezone) VALUES ('bench', 'America/New_York');
INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
SELECT id, 'calling_window', '{"start":"00:00","end":"24:00"}', 'the benchmark runs at any hour' FROM switchboard.tenants;
INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings)
SELECT id, 'twilio', 'main', '{"account_sid": "AC1", "caller_id": "+12015550100"}' FROM switchboard.tenants;
INSERT INTO switchboard.products (tenant_id, name, price) SELECT id, 'iPhone 15 Pro', 999.99 FROM switchboard.tenants;
INSERT INTO switchboard.products (tenant_id, name, price) SELECT id, 'Accessory ' || n, 10 + n FROM switchboard.tenants, generate_series(1, 20) n;
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, status, product_id, discount_percent, active_hours)
SELECT p.tenant_id, NULL, 'Price drop', 'active', p.id, 15, '{"start":"00:00","end":"24:00"}' FROM switchboard.products p WHERE p.name = 'iPhone 15 Pro';

-- Milliseconds of a statement.
CREATE FUNCTION bench.timed(statement text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  EXECUTE statement;
  RETURN extract(epoch FROM clock_timestamp() - started) * 1000;
END $$;

-- Buyers from all over the country: each bought the phone and up to three other things; of a hundred, two gave it back and two want no calls.
-- Half of them were called about something else two months ago: nobody's plans are made for empty tables.
CREATE FUNCTION bench.add_buyers(buyers int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  areas constant text[] := '{201,212,305,312,404,415,512,602,617,702,713,808,907,972}';
  phone switchboard.products;
BEGIN
  SELECT * INTO phone FROM switchboard.products WHERE name = 'iPhone 15 Pro';
  INSERT INTO switchboard.contacts (tenant_id, phone_number, name, first_name, email)
  SELECT phone.tenant_id, '+1' || areas[1 + n % 14] || 2000000 + n / 14, 'Customer ' || n, 'Customer', 'c' || n || '@example.com' FROM generate_series(1, buyers) n;
  INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, purchased_at, refunded_at)
  SELECT phone.tenant_id, k.id, phone.id, 999.99, now() - n * interval '1 minute', CASE WHEN n % 100 IN (7, 57) THEN now() END
  FROM (SELECT k.id, row_number() OVER (ORDER BY k.id) AS n FROM switchboard.contacts k) k;
  INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, purchased_at)
  SELECT phone.tenant_id, k.id, p.id, p.price, now() - n * interval '3 minutes' - interval '1 year'
  FROM (SELECT k.id, row_number() OVER (ORDER BY k.id) AS n FROM switchboard.contacts k) k, generate_series(1, 3) nth,
       LATERAL (SELECT p.id, p.price FROM switchboard.products p WHERE p.name = 'Accessory ' || 1 + (n * 7 + nth) % 20) p
  WHERE nth <= n % 4;
  INSERT INTO switchboard.do_not_call (tenant_id, phone_number, reason)
  SELECT k.tenant_id, k.phone_number, 'asked' FROM (SELECT k.*, row_number() OVER (ORDER BY k.id) AS n FROM switchboard.contacts k) k WHERE n % 100 IN (3, 53);
  CREATE TEMP TABLE past ON COMMIT DROP AS
  SELECT k.tenant_id, k.id AS contact_id, k.phone_number, p.id AS product_id, switchboard.uuid_v7() AS call_id, switchboard.uuid_v7() AS coupon_id,
         row_number() OVER (ORDER BY k.id) AS n, now() - interval '60 days' AS at
  FROM switchboard.contacts k, switchboard.products p WHERE p.name = 'Accessory 1';
  DELETE FROM past WHERE n % 2 = 0;
  INSERT INTO switchboard.coupons (id, tenant_id, code, discount_percent, contact_id, product_id, valid_until, created_at)
  SELECT coupon_id, tenant_id, 'OLD-' || n, 10, contact_id, product_id, at + interval '7 days', at FROM past;
  INSERT INTO switchboard.call_logs (id, tenant_id, direction, to_number, lead_id, status, started_at, dialed_at, ended_at)
  SELECT call_id, tenant_id, 'outbound', phone_number, contact_id, 'no-answer', at, at, at FROM past;
  INSERT INTO switchboard.call_triggers (tenant_id, contact_id, product_id, trigger_type, coupon_id, call_log_id, status, created_at)
  SELECT tenant_id, contact_id, product_id, 'price_drop', coupon_id, call_id, 'failed', at FROM past;
END $$;

-- What a shop would write without the extension's triggers: the same questions and the same rows, one person after the other. It is
-- spared what it has no formula for: learned best times, zones' abbreviations, templates. With `asked_before`, whether people may
-- be called is asked once about all of them.
CREATE FUNCTION bench.row_by_row(wanted_product uuid, old_price numeric, price numeric, discount numeric, wanted_campaign uuid, asked_before boolean DEFAULT false)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  campaign switchboard.campaigns;
  product switchboard.products;
  account switchboard.provider_accounts;
  company text;
  buyer record;
  verdict record;
  worth record;
  history jsonb;
  new_code text;
  script text;
  priority switchboard.task_priority;
  package jsonb;
  coupon uuid;
  trigger uuid;
  call uuid;
  triggered int := 0;
BEGIN
  SELECT * INTO campaign FROM switchboard.campaigns WHERE id = wanted_campaign;
  SELECT * INTO product FROM switchboard.products WHERE id = wanted_product;
  SELECT * INTO account FROM switchboard.provider_accounts WHERE tenant_id = product.tenant_id;
  SELECT name INTO company FROM switchboard.tenants WHERE id = product.tenant_id;
  IF asked_before THEN
    CREATE TEMP TABLE verdicts ON COMMIT DROP AS
    SELECT d.phone, d.allowed, d.reason, d.retry_at FROM switchboard._contact_decisions(product.tenant_id, campaign.id,
      ARRAY(SELECT DISTINCT k.phone_number FROM switchboard.purchases b JOIN switchboard.contacts k ON k.id = b.contact_id WHERE b.product_id = product.id), 'voice', now()) d;
    CREATE INDEX ON verdicts (phone);
    ANALYZE verdicts;
  END IF;
  FOR buyer IN
    SELECT DISTINCT k.* FROM switchboard.purchases b JOIN switchboard.contacts k ON k.id = b.contact_id
    WHERE b.tenant_id = product.tenant_id AND b.product_id = product.id ORDER BY k.id
  LOOP
    IF NOT EXISTS (SELECT FROM switchboard.purchases b WHERE b.tenant_id = buyer.tenant_id AND b.contact_id = buyer.id AND b.product_id = product.id AND b.refunded_at IS NULL) THEN
      CONTINUE;
    END IF;
    IF EXISTS (SELECT FROM switchboard.call_triggers t WHERE t.tenant_id = buyer.tenant_id AND t.contact_id = buyer.id AND t.product_id = product.id
               AND t.trigger_type = 'price_drop' AND t.status <> 'canceled' AND t.created_at > now() - interval '1 day')
       OR EXISTS (SELECT FROM switchboard.coupons c WHERE c.tenant_id = buyer.tenant_id AND c.contact_id = buyer.id AND c.product_id = product.id
                  AND c.campaign_id = campaign.id AND c.redeemed_at IS NULL AND c.valid_until > now()) THEN
      CONTINUE;
    END IF;
    IF asked_before THEN
      SELECT v.allowed, v.reason, v.retry_at INTO verdict FROM verdicts v WHERE v.phone = buyer.phone_number;
    ELSE
      SELECT v.allowed, v.reason, v.retry_at INTO verdict FROM switchboard.can_contact(buyer.phone_number, 'voice', now(), campaign.id) v;
    END IF;
    IF NOT verdict.allowed AND verdict.retry_at IS NULL THEN
      CONTINUE;
    END IF;
    SELECT coalesce(sum(b.amount_paid), 0) AS spent, count(*) AS purchases, max(b.purchased_at) AS last, max(b.purchased_at) FILTER (WHERE b.product_id = product.id) AS bought
    INTO worth FROM switchboard.purchases b WHERE b.tenant_id = buyer.tenant_id AND b.contact_id = buyer.id AND b.refunded_at IS NULL;
    SELECT coalesce(jsonb_agg(jsonb_build_object('product_name', h.product_name, 'purchase_date', to_char(h.purchased_at, 'YYYY-MM-DD'), 'amount_paid', h.amount_paid)), '[]')
    INTO history
    FROM (SELECT coalesce(b.product_name, p.name) AS product_name, b.purchased_at, b.amount_paid FROM switchboard.purchases b
          LEFT JOIN switchboard.products p ON p.id = b.product_id
          WHERE b.tenant_id = buyer.tenant_id AND b.contact_id = buyer.id AND b.refunded_at IS NULL ORDER BY b.purchased_at DESC LIMIT 10) h;
    priority := CASE WHEN worth.spent >= 500 OR old_price - price >= 100 THEN 'high' WHEN worth.spent >= 100 THEN 'medium' ELSE 'low' END;
    coupon := NULL;
    LOOP
      new_code := switchboard.generate_coupon_code('PRICE_DROP', discount);
      INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, product_id, campaign_id, valid_until)
      VALUES (buyer.tenant_id, new_code, discount, buyer.id, product.id, campaign.id, now() + interval '7 days') ON CONFLICT (tenant_id, code) DO NOTHING RETURNING id INTO coupon;
      EXIT WHEN coupon IS NOT NULL;
    END LOOP;
    trigger := switchboard.uuid_v7();
    call := switchboard.uuid_v7();
    script := format('Hello %s, this is your assistant from %s. You bought %s on %s. Its price has fallen from $%s to $%s: you save $%s. With the code %s you get another %s%% off, until %s.',
                     buyer.name, company, product.name, to_char(worth.bought, 'FMMonth FMDD, YYYY'), old_price, price, old_price - price, new_code, discount,
                     to_char(now() + interval '7 days', 'FMMonth FMDD, YYYY'));
    package := jsonb_build_object('customer_name', buyer.name, 'phone_number', buyer.phone_number, 'product_name', product.name, 'product_id', product.id,
      'discount', discount || '%', 'coupon_code', new_code, 'reason', format('Price drop on %s: now $%s instead of $%s', product.name, price, old_price),
      'campaign_name', campaign.name, 'campaign_id', campaign.id, 'original_price', old_price, 'new_price', price, 'savings_amount', old_price - price,
      'call_script', script, 'priority', priority, 'best_call_time', format('%s - %s', coalesce(to_char(buyer.best_call_start, 'FMHH12:MI AM'), '2:00 PM'),
      coalesce(to_char(buyer.best_call_end, 'FMHH12:MI AM'), '4:00 PM')), 'customer_timezone', coalesce(buyer.timezone, 'America/New_York'), 'purchase_history', history,
      'call_trigger_id', trigger, 'trigger_type', 'price_drop', 'customer_email', buyer.email);
    INSERT INTO switchboard.call_logs (id, tenant_id, user_id, direction, from_number, to_number, lead_id, campaign_id, provider, account_id, metadata)
    VALUES (call, buyer.tenant_id, NULL, 'outbound', account.settings ->> 'caller_id', buyer.phone_number, buyer.id, campaign.id, account.provider, account.id,
            jsonb_build_object('call_trigger_id', trigger));
    INSERT INTO switchboard.call_triggers (id, tenant_id, campaign_id, contact_id, product_id, trigger_type, priority, discount_percent, original_price, new_price, coupon_id, package,
                                           call_log_id, scheduled_at, listed_price)
    VALUES (trigger, buyer.tenant_id, campaign.id, buyer.id, product.id, 'price_drop', priority, discount, old_price, price, coupon, package, call,
            coalesce(verdict.retry_at, now()), product.price);
    INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority, run_at)
    VALUES (buyer.tenant_id, 'call', account.id, call, jsonb_build_object('to', buyer.phone_number, 'from', account.settings ->> 'caller_id', 'say', script),
            CASE priority WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END, coalesce(verdict.retry_at, now()));
    triggered := triggered + 1;
  END LOOP;
  RETURN triggered;
END $$;

-- Rows written, to see that both wrote the same.
CREATE FUNCTION bench.written() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws('/', (SELECT count(*) FROM switchboard.call_triggers WHERE status = 'scheduled'), (SELECT count(*) FROM switchboard.coupons WHERE valid_until > now()),
                   (SELECT count(*) FROM switchboard.call_logs WHERE status = 'initiated'), (SELECT count(*) FROM switchboard.jobs))
$$;
