-- The example of the contract, key by key: Alice bought an iPhone 15 Pro for 999.99, now it costs 849.99. First by a call of our own,
-- then as an application does it that knows nothing but the contract.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

-- What every package has, and what its values are when they are known.
CREATE TEMP TABLE keys (key text, kind text);
INSERT INTO keys VALUES
  ('customer_name', 'string'), ('phone_number', 'string'), ('product_name', 'string'), ('product_id', 'string'), ('discount', 'string'),
  ('coupon_code', 'string'), ('reason', 'string'), ('campaign_name', 'string'), ('campaign_id', 'string'), ('original_price', 'number'),
  ('new_price', 'number'), ('savings_amount', 'number'), ('call_script', 'string'), ('priority', 'string'), ('best_call_time', 'string'),
  ('customer_timezone', 'string'), ('purchase_history', 'array'), ('call_trigger_id', 'string'), ('trigger_type', 'string'),
  ('customer_email', 'string');
GRANT SELECT ON keys TO PUBLIC;
CREATE FUNCTION pg_temp.types(package jsonb) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws(' ', e.key, jsonb_typeof(e.value)) FROM jsonb_each(package) e ORDER BY e.key
$$;
-- The zone's name as clocks show it at the hour of the call.
CREATE FUNCTION pg_temp.abbreviation(zone text, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('TimeZone'); result text;
BEGIN
  PERFORM set_config('TimeZone', zone, true);
  result := to_char(at, 'TZ');
  PERFORM set_config('TimeZone', before, true);
  RETURN result;
END $$;

SELECT test_dialer.new_tenant('Apple Corner', 'America/New_York') AS tenant \gset
INSERT INTO switchboard.contacts (phone_number, name, first_name, email, timezone, best_call_start, best_call_end)
VALUES ('+12125550142', 'Alice Johnson', 'Alice', 'alice@example.com', 'America/New_York', '14:00', '16:00') RETURNING id AS alice \gset
INSERT INTO switchboard.products (name, category, price, stock, currency) VALUES ('iPhone 15 Pro', 'phones', 999.99, 5, 'USD') RETURNING id AS phone \gset
INSERT INTO switchboard.products (name, price) VALUES ('AirPods', 249) RETURNING id AS pods \gset
-- The first was bought on the evening before in New York; the last one was given back.
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, quantity, purchased_at, refunded_at) VALUES
  (:'alice', :'phone', 999.99, 1, '2024-01-15 18:30+00', NULL), (:'alice', :'pods', 249, 1, '2023-11-20 03:00+00', NULL),
  (:'alice', :'pods', 249, 1, '2024-02-01 12:00+00', '2024-02-03 12:00+00');
INSERT INTO switchboard.campaigns (user_id, name, status, product_id, discount_percent, active_hours)
VALUES (NULL, 'Spring offers', 'active', :'phone', 15, '{"start": "00:00", "end": "24:00"}') RETURNING id AS campaign \gset

SELECT switchboard.trigger_call(:'campaign', :'alice', :'phone', 'price_drop', 15, 849.99, 999.99) AS package \gset
SELECT results_eq($$SELECT concat_ws(' ', key, kind) FROM keys ORDER BY key$$, format('SELECT * FROM pg_temp.types(%L)', :'package'),
                  'every key of the contract with its type, and no other');
SELECT t.id AS trigger, t.scheduled_at AS at, t.coupon_id AS coupon, t.call_log_id AS call FROM switchboard.call_triggers t WHERE t.contact_id = :'alice' \gset
SELECT is(:'package'::jsonb ->> w.key, w.wanted, w.key) FROM (VALUES
  ('customer_name', 'Alice Johnson'), ('phone_number', '+12125550142'), ('product_name', 'iPhone 15 Pro'), ('product_id', :'phone'),
  ('discount', '15%'), ('campaign_name', 'Spring offers'), ('campaign_id', :'campaign'), ('original_price', '999.99'), ('new_price', '849.99'),
  ('savings_amount', '150.00'), ('priority', 'high'), ('best_call_time', '2:00 PM - 4:00 PM ' || pg_temp.abbreviation('America/New_York', :'at')),
  ('customer_timezone', 'America/New_York'), ('call_trigger_id', :'trigger'), ('trigger_type', 'price_drop'), ('customer_email', 'alice@example.com'),
  ('coupon_code', (SELECT c.code FROM switchboard.coupons c WHERE c.id = :'coupon'))) AS w (key, wanted);
SELECT matches(:'package'::jsonb ->> 'coupon_code', '^[A-Z]+(_[A-Z]+)*-15-[A-Z0-9]{6}$', 'the code names reason and discount');
SELECT isnt(:'package'::jsonb ->> 'reason', '', 'the reason says something');
SELECT is(:'package'::jsonb -> 'purchase_history',
  '[{"product_name": "iPhone 15 Pro", "purchase_date": "2024-01-15", "amount_paid": 999.99}, {"product_name": "AirPods", "purchase_date": "2023-11-19", "amount_paid": 249.00}]',
  'bought, newest first, on the customer''s day, and not what was given back');
SELECT matches((:'package')::text, '"amount_paid": 249\.00', 'money to the cent');
SELECT ok(strpos(:'package'::jsonb ->> 'call_script', said) > 0, 'the script says ' || said)
FROM unnest(ARRAY['Alice', 'iPhone 15 Pro', 'January 15, 2024', '$999.99', '$849.99', '$150.00', '15%', 'Apple Corner',
                  (SELECT c.code FROM switchboard.coupons c WHERE c.id = :'coupon')]) AS said;
SELECT doesnt_match(:'package'::jsonb ->> 'call_script', '\{\{|\}\}|\[Agent Name\]|\[Company Name\]|undefined|null', 'and nothing that is unfilled');

-- What is stored is what was returned; coupon, call and job belong to it.
SELECT is(t.package, :'package', 'the package is kept') FROM switchboard.call_triggers t WHERE t.id = :'trigger';
SELECT is(concat_ws(' ', t.status, t.priority, t.original_price, t.new_price, t.discount_percent), 'scheduled high 999.99 849.99 15.00', 'and what it says of it')
FROM switchboard.call_triggers t WHERE t.id = :'trigger';
SELECT ok(to_jsonb(c) @> jsonb_build_object('tenant_id', :'tenant', 'discount_percent', 15.00, 'contact_id', :'alice', 'product_id', :'phone', 'campaign_id', :'campaign',
                             'redeemed_at', NULL, 'redeemed_amount', NULL),
          'the coupon is hers, for this product')
FROM switchboard.coupons c WHERE c.id = :'coupon';
SELECT ok(c.valid_until > :'at'::timestamptz, 'and outlives the call') FROM switchboard.coupons c WHERE c.id = :'coupon';
SELECT is(concat_ws(' ', l.direction, l.status, l.to_number, l.from_number, l.lead_id, l.campaign_id),
          concat_ws(' ', 'outbound initiated +12125550142 +12015550100', :'alice', :'campaign'), 'a call waits')
FROM switchboard.call_logs l WHERE l.id = :'call';
SELECT results_eq(format($$SELECT kind, state::text, run_at FROM switchboard.jobs WHERE subject_id = %L$$, :'call'),
                  format($$VALUES ('call', 'ready', %L::timestamptz)$$, :'at'), 'and one job for it, at its time');
SELECT is(:'at'::timestamptz, CASE WHEN (now() AT TIME ZONE 'America/New_York')::time BETWEEN '14:00' AND '15:59:59' THEN now()
            ELSE switchboard.next_call_time(now(), 'America/New_York', '{"start": "14:00", "end": "16:00"}') END, 'at her hours');

-- Once is enough.
SELECT throws_ok(format('SELECT switchboard.trigger_call(%L, %L, %L, ''price_drop'', 15, 849.99, 999.99)', :'campaign', :'alice', :'phone'), 'SB007', NULL,
                 'not twice for one drop');
SELECT is(switchboard.trigger_price_drop(:'phone', 999.99, 849.99) - 'run_ids', '{"triggered": 0, "skipped": {"already-triggered": 1}}', 'nor by the mass trigger');

-- Who has nothing: no name, no address, no zone, no price, no discount. The keys are there.
INSERT INTO switchboard.contacts (phone_number) VALUES ('+15551234567') RETURNING id AS nobody \gset
INSERT INTO switchboard.products (name) VALUES ('Mystery box') RETURNING id AS box \gset
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) VALUES (:'nobody', :'box', 0);
INSERT INTO switchboard.campaigns (user_id, name, status) VALUES (NULL, 'Bare', 'active') RETURNING id AS bare \gset
SELECT switchboard.trigger_call(:'bare', :'nobody', :'box', 'stock_alert') AS package \gset
SELECT results_eq('SELECT key FROM keys ORDER BY key', format('SELECT e.key FROM jsonb_each(%L) e ORDER BY e.key', :'package'), 'no key is missing');
SELECT is(:'package'::jsonb -> w.key, 'null', w.key || ' is null')
FROM (VALUES ('customer_name'), ('discount'), ('coupon_code'), ('original_price'), ('savings_amount'), ('customer_email')) AS w (key);
SELECT is(:'package'::jsonb ->> 'customer_timezone', 'America/New_York', 'the zone is the tenant''s');
SELECT matches(:'package'::jsonb ->> 'best_call_time', '^2:00 PM - 4:00 PM E[SD]T$', 'so is the best time');
SELECT is(:'package'::jsonb -> 'purchase_history', jsonb_build_array(jsonb_build_object('product_name', 'Mystery box', 'purchase_date',
  to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-DD'), 'amount_paid', 0.00)), 'one free purchase');
SELECT is(count(*), 0::bigint, 'no coupon without a discount') FROM switchboard.coupons WHERE contact_id = :'nobody';

-- A zone without summer time: always EST.
INSERT INTO switchboard.contacts (phone_number, name, timezone, best_call_start, best_call_end)
VALUES ('+12125550143', 'Bob', 'America/Panama', '14:00', '16:00') RETURNING id AS bob \gset
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) VALUES (:'bob', :'phone', 999.99);
SELECT is(switchboard.trigger_call(:'campaign', :'bob', :'phone', 'price_drop', 12.5, 849.99, 999.99) - ARRAY['call_script', 'coupon_code'] @> '{"discount": "12.5%",
  "best_call_time": "2:00 PM - 4:00 PM EST", "customer_timezone": "America/Panama"}', true, 'discounts with a fraction, and EST');
-- An offer below the shop's price: that is what it cost before.
UPDATE switchboard.products SET price = 999.99 WHERE id = :'phone';
SELECT is(jsonb_build_array(p -> 'original_price', p -> 'new_price', p -> 'savings_amount', p -> 'discount'), '[999.99, 899.99, 100.00, "15%"]',
          'original_price is by default the price of the product')
FROM switchboard.trigger_call(:'campaign', :'bob', :'phone', 'promotion', new_price => 899.99) p;
-- Whoever bought nothing, or gave it back, is not called.
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12125550144', 'Carol') RETURNING id AS carol \gset
SELECT throws_ok(format('SELECT switchboard.trigger_call(%L, %L, %L, ''price_drop'', 15, 849.99, 999.99)', :'campaign', :'carol', :'phone'), 'SB006', NULL,
                 'no verified purchase');
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, refunded_at) VALUES (:'carol', :'phone', 999.99, now());
SELECT throws_ok(format('SELECT switchboard.trigger_call(%L, %L, %L, ''price_drop'', 15, 849.99, 999.99)', :'campaign', :'carol', :'phone'), 'SB006', NULL,
                 'a refunded one is none');
SELECT is(count(*), 0::bigint, 'and nothing is left behind') FROM switchboard.call_triggers WHERE contact_id = :'carol';

-- The same by an application: an ordinary login that carries a tenant, plain INSERTs and an UPDATE of the price.
INSERT INTO switchboard.tenants (name, timezone) VALUES ('Corner shop', 'America/New_York') RETURNING id AS shop \gset
CREATE ROLE tap_shop LOGIN IN ROLE switchboard_gateway;
SET SESSION AUTHORIZATION tap_shop;
SELECT switchboard.set_identity(:'shop');
INSERT INTO switchboard.contacts (phone_number, name, email, timezone) VALUES ('+15551234567', 'Alice Johnson', 'alice@example.com', 'America/New_York')
RETURNING id AS alice \gset
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+15551234568', 'Dave') RETURNING id AS dave \gset
INSERT INTO switchboard.products (name, price, stock) VALUES ('iPhone 15 Pro', 999.99, 10) RETURNING id AS phone \gset
INSERT INTO switchboard.purchases (contact_id, product_id, quantity, amount_paid, purchased_at) VALUES (:'alice', :'phone', 1, 999.99, '2024-01-15 12:00-05');
INSERT INTO switchboard.dialer_campaigns (name, type, status, product_id, discount_percent)
VALUES ('iPhone price drop', 'power', 'active', :'phone', 15) RETURNING id AS campaign \gset
UPDATE switchboard.products SET price = 849.99 WHERE id = :'phone';
SELECT is(array_agg(contact_id), ARRAY[:'alice'::uuid], 'a fall of the price triggers who bought it') FROM switchboard.call_triggers;
SELECT t.package AS package, t.id AS trigger FROM switchboard.call_triggers t \gset
SELECT results_eq($$SELECT concat_ws(' ', key, kind) FROM keys ORDER BY key$$, format('SELECT * FROM pg_temp.types(%L)', :'package'), 'the package has every key');
SELECT is(:'package'::jsonb - ARRAY['coupon_code', 'call_script', 'reason', 'best_call_time', 'customer_timezone'], jsonb_build_object(
  'customer_name', 'Alice Johnson', 'phone_number', '+15551234567', 'product_name', 'iPhone 15 Pro', 'product_id', :'phone', 'discount', '15%',
  'campaign_name', 'iPhone price drop', 'campaign_id', :'campaign', 'original_price', 999.99, 'new_price', 849.99, 'savings_amount', 150.00, 'priority', 'high',
  'purchase_history', jsonb_build_array(jsonb_build_object('product_name', 'iPhone 15 Pro', 'purchase_date', '2024-01-15', 'amount_paid', 999.99)),
  'call_trigger_id', :'trigger', 'trigger_type', 'price_drop', 'customer_email', 'alice@example.com'), 'with the values of the example');
SELECT ok(strpos(:'package'::jsonb ->> 'call_script', said) > 0, 'the script says ' || said)
FROM unnest(ARRAY['Alice', 'iPhone 15 Pro', 'January 15, 2024', '$999.99', '$849.99', '$150.00']) AS said;
SELECT is(count(*), 1::bigint, 'a call waits for the account to come') FROM switchboard.call_logs WHERE lead_id = :'alice' AND status = 'initiated';
SELECT throws_ok(format('SELECT switchboard.trigger_call(%L, %L, %L, ''price_drop'')', :'campaign', :'dave', :'phone'), 'SB006', NULL, 'who bought nothing is not called');

-- Back in stock, and a promotion; nobody is called twice about a price that flaps.
UPDATE switchboard.products SET price = 999.99 WHERE id = :'phone';
UPDATE switchboard.products SET price = 849.99 WHERE id = :'phone';
SELECT is(count(*), 1::bigint, 'a price that flaps calls nobody twice') FROM switchboard.call_triggers;
UPDATE switchboard.products SET stock = 0 WHERE id = :'phone';
UPDATE switchboard.products SET stock = 3 WHERE id = :'phone';
SELECT bag_eq('SELECT trigger_type::text FROM switchboard.call_triggers', $$VALUES ('price_drop'), ('stock_alert')$$, 'a stock that is filled again triggers');
SELECT is(switchboard.trigger_promotion(:'campaign') -> 'triggered', '1', 'and so does a promotion');
SELECT is(switchboard.trigger_stock_alert(:'phone') - 'run_ids', '{"triggered": 0, "skipped": {"already-triggered": 1}}', 'skips are counted by reason');
SELECT results_eq(format('SELECT contact_id, eligible FROM switchboard.eligible_contacts(%L)', :'campaign'), format('VALUES (%L::uuid, false)', :'alice'),
                  'eligible_contacts knows who was called about it');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
