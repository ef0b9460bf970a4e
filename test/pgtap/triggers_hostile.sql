-- Triggers with what breaks naive ones: prices that are none, names that are templates, JSON or another script, settings that are
-- nonsense, and things that vanish while a run goes on.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('shop') AS tenant \gset
-- A product with buyers; the campaign of it, when one is wanted.
CREATE FUNCTION pg_temp.product(price numeric, buyers int, name text DEFAULT 'Lamp') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  product uuid;
BEGIN
  INSERT INTO switchboard.products (name, price, stock) VALUES (name, price, 1) RETURNING id INTO product;
  INSERT INTO switchboard.contacts (phone_number, name)
  SELECT '+1212555' || lpad(n::text, 4, '0'), 'Buyer ' || n FROM generate_series(1, buyers) n ON CONFLICT DO NOTHING;
  INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid)
  SELECT k.id, product, price FROM switchboard.contacts k WHERE k.name LIKE 'Buyer %' AND substr(k.name, 7)::int <= buyers;
  RETURN product;
END $$;
CREATE FUNCTION pg_temp.campaign(product uuid, settings jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.campaigns (user_id, name, status, product_id, discount_percent, active_hours, settings)
  VALUES (NULL, 'offer', 'active', product, 10, '{"start": "00:00", "end": "24:00"}', settings) RETURNING id
$$;
-- Everything that a trigger writes.
CREATE FUNCTION pg_temp.written() RETURNS text LANGUAGE sql AS $$
  SELECT format('%s triggers, %s coupons, %s calls, %s jobs, %s runs', (SELECT count(*) FROM switchboard.call_triggers),
    (SELECT count(*) FROM switchboard.coupons), (SELECT count(*) FROM switchboard.call_logs), (SELECT count(*) FROM switchboard.jobs),
    (SELECT count(*) FROM switchboard.trigger_runs))
$$;
CREATE FUNCTION pg_temp.forget() RETURNS void LANGUAGE sql AS $$
  DELETE FROM switchboard.call_triggers;
  DELETE FROM switchboard.trigger_runs;
  DELETE FROM switchboard.coupons;
  DELETE FROM switchboard.jobs;
  DELETE FROM switchboard.call_logs
$$;

-- Prices.
SELECT pg_temp.product(100, 2) AS lamp \gset
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, %s, %s)', :'lamp', w.old, w.new), '22023', NULL, format('from %s to %s', w.old, w.new))
FROM (VALUES ('100', '100'), ('100', '120'), ('0', '0'), ('NULL', '80'), ('100', 'NULL'), ('NULL', 'NULL'), ('100', '-1'), ('-1', '-2'), ('-1', '0'),
  ('''NaN''', '80'), ('100', '''NaN'''), ('''NaN''', '''NaN'''), ('''Infinity''', '80'), ('100', '''-Infinity'''), ('''Infinity''', '''-Infinity'''),
  ('1e10', '80'), ('1e300', '1e299'), ('100.001', '100.0009'), ('100.004', '99.996')) AS w (old, new);
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, 100, 80, %s)', :'lamp', d), '22023', NULL, 'a discount of ' || d)
FROM unnest(ARRAY['-1', '100.5', '1000', '''NaN''', '''Infinity''', '''-Infinity''']) d;
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%s, 100, 80)', p), 'P0002', NULL, 'product ' || p) FROM unnest(ARRAY['NULL', 'switchboard.uuid_v7()']) p;
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, 100, 80, 10, switchboard.uuid_v7())', :'lamp'), 'P0002', NULL, 'an unknown campaign');
SELECT is(pg_temp.written(), '0 triggers, 0 coupons, 0 calls, 0 jobs, 0 runs', 'what is refused leaves nothing');

CREATE FUNCTION pg_temp.prices(product uuid, old numeric, new numeric, discount numeric DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.forget();
  PERFORM switchboard.trigger_price_drop(product, old, new, discount);
  RETURN (SELECT string_agg(concat_ws(' ', package ->> 'original_price', package ->> 'new_price', package ->> 'savings_amount', coalesce(package ->> 'discount', '-')), ', ')
          FROM switchboard.call_triggers);
END $$;
SELECT is(pg_temp.prices(:'lamp', 100, 0), '100.00 0.00 100.00 100%, 100.00 0.00 100.00 100%', 'free is a price');
SELECT is(pg_temp.prices(:'lamp', 9999999999.99, 9999999999.98, 0), '9999999999.99 9999999999.98 0.01 -, 9999999999.99 9999999999.98 0.01 -', 'a cent of ten billion, and no discount');
SELECT is(pg_temp.prices(:'lamp', 0.03, 0.01, 33.33), '0.03 0.01 0.02 33.33%, 0.03 0.01 0.02 33.33%', 'two cents of three');
SELECT is(pg_temp.prices(:'lamp', 0.30, 0.10, 100), '0.30 0.10 0.20 100%, 0.30 0.10 0.20 100%', 'what binary fractions get wrong');
SELECT is(pg_temp.prices(:'lamp', 1e2, 1.5e1, 5.50), '100.00 15.00 85.00 5.5%, 100.00 15.00 85.00 5.5%', 'written otherwise');

-- Prices of the shop's own table: nothing of ours makes its UPDATE fail.
SELECT pg_temp.forget(), pg_temp.campaign(:'lamp') AS offer \gset
CREATE FUNCTION pg_temp.change(product uuid, change text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.forget();
  EXECUTE format('UPDATE switchboard.products SET %s WHERE id = %L', change, product);
  RETURN (SELECT count(*) || coalesce(' ' || nullif(min(concat_ws(' ', package ->> 'original_price', package ->> 'new_price', package ->> 'savings_amount')), ''), '')
          FROM switchboard.call_triggers);
EXCEPTION WHEN others THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is(pg_temp.change(:'lamp', w.change), w.wanted, w.change)
FROM (VALUES (1, 'price = price', '0'), (2, 'price = 120', '0'), (3, 'price = 119.99', '2 120.00 119.99 0.01'), (4, 'price = 0', '2 119.99 0.00 119.99'),
  (5, 'price = 0', '0'), (6, 'price = 9999999999.99', '0'), (7, 'price = 1', '2 9999999999.99 1.00 9999999998.99'), (8, 'price = 50', '0'),
  (9, 'price = ''Infinity''', '22003 numeric field overflow'), (10, 'price = 50, name = ''New lamp''', '0'), (11, 'price = 49, stock = 0', '2 50.00 49.00 1.00'), (12, 'stock = 2', '2'),
  (13, 'stock = 2147483647', '0'), (14, 'price = 49.999', '0'), (15, 'currency = ''JPY'', price = 40', '0'),
  (16, 'currency = NULL', '0')) AS w (n, change, wanted);
SELECT throws_ok(format('UPDATE switchboard.products SET price = ''NaN'' WHERE id = %L', :'lamp'), '23514', NULL, 'what is no number is no price');
-- Several products at once, and a key that changes.
SELECT pg_temp.product(70, 1) AS second \gset
SELECT pg_temp.campaign(:'second') AS other_offer \gset
SELECT pg_temp.forget();
UPDATE switchboard.products SET price = price / 2;
SELECT is(count(*), 3::bigint, 'prices of several products in one statement') FROM switchboard.call_triggers;
SELECT pg_temp.forget();
UPDATE switchboard.products SET price = price / 2, sku = id::text WHERE false;
SELECT is(pg_temp.written(), '0 triggers, 0 coupons, 0 calls, 0 jobs, 0 runs', 'no product, no run');

-- Settings that are nonsense: refused, or read as none. The shop may change its prices all the same.
CREATE FUNCTION pg_temp.with_settings(product uuid, settings jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.change(product, 'price = 1000');
  UPDATE switchboard.campaigns c SET settings = with_settings.settings WHERE c.product_id = product;
  RETURN pg_temp.change(product, 'price = 900');
EXCEPTION WHEN others THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT matches(pg_temp.with_settings(:'lamp', s::jsonb), '^(0$|2 |22023 )', 'settings ' || s) FROM unnest(ARRAY[
  '{"trigger_window": "soon"}', '{"trigger_window": -5}', '{"trigger_window": 1e300}', '{"trigger_window": null}', '{"trigger_window": {}}',
  '{"price_drop_threshold": "x"}', '{"price_drop_threshold": -3}', '{"price_drop_threshold": 1e300}', '{"price_drop_threshold": [5]}',
  '{"triggers": "price_drop"}', '{"triggers": {}}', '{"triggers": [1, null]}', '{"coupon_days": 1e9}', '{"coupon_days": -1}', '{"coupon_days": "x"}',
  '{"offer_days": 1e9}', '{"offer_days": -1}', '{"offer_days": []}', '{"call_time": "never"}', '{"call_time": 7}', '{"voice_account": 7}',
  '{"voice_account": "nowhere"}', '{"templates": "x"}', '{"templates": {"price_drop": 5}}', '{"templates": {"birthday": "x"}}', '{"templates": {"price_drop": "nowhere"}}', '{"max_lines": "x"}',
  '{"agent_name": {}}', '{"agent_id": "x"}', '{"cost_per_minute": "x"}']) s;
SELECT is(pg_temp.with_settings(:'lamp', s::jsonb), '22023 templates cannot be ' || (s::jsonb ->> 'templates'), 'refused: ' || s)
FROM unnest(ARRAY['{"templates": {"price_drop": 5}}', '{"templates": {"birthday": "x"}}', '{"templates": ["x"]}']) s;
SELECT is(pg_temp.with_settings(:'lamp', '{"price_drop_threshold": 10}'), '2 1000.00 900.00 100.00', 'a fall of just the threshold');
SELECT is(pg_temp.with_settings(:'lamp', '{"price_drop_threshold": 10.01}'), '0', 'of less');
SELECT is(pg_temp.with_settings(:'lamp', '{"triggers": ["stock_alert"]}'), '0', 'of no interest');
UPDATE switchboard.campaigns SET settings = '{}';
-- A script that cannot be filled in, or is none, costs the people, not the shop.
CREATE FUNCTION pg_temp.with_script(product uuid, script text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.change(product, 'price = 1000');
  UPDATE switchboard.campaigns c SET script = with_script.script WHERE c.product_id = product;
  PERFORM pg_temp.change(product, 'price = 900');
  RETURN (SELECT coalesce(string_agg(DISTINCT package ->> 'call_script', ' / '), 'nobody') FROM switchboard.call_triggers);
EXCEPTION WHEN others THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is(pg_temp.with_script(:'lamp', '{{nobody_knows}}'), 'nobody', 'a variable that is missing');
SELECT is(pg_temp.with_script(:'lamp', '{{#open}} {{/other}}'), 'nobody', 'a template that is none');
SELECT is(pg_temp.with_script(:'lamp', '{{=<% %>=}}<% savings_amount %> {{x}}'), '$100.00 {{x}}', 'other delimiters');
SELECT is(pg_temp.with_script(:'lamp', '{{#nobody_knows}}x{{/nobody_knows}}{{new_price}} [Company Name]'), '$900.00 shop', 'asking for one is no error');
UPDATE switchboard.campaigns SET script = NULL;

-- Names. Each is a buyer and a product; all of them at once, and each must come out as it went in.
SELECT pg_temp.forget();
CREATE TEMP TABLE names (n serial, name text);
INSERT INTO names (name) VALUES
  ('O''Hara'), ('"; DROP TABLE switchboard.contacts; --'), ('\'), ('C:\new\table'), (E'tab\there\nand\r\nlines'), (E'\x01\x1f\x7f'), ('","coupon_code":"FREE","x":"'),
  ('{{coupon_code}}'), ('{{{new_price}}}'), ('{{#customer_name}}x{{/customer_name}}'), ('{{/x}}'), ('{{'), ('}}'), ('{{=<% %>=}}'), ('{{! gone }}'), ('{{> partial}}'),
  ('[Agent Name]'), ('[Company Name]'), ('$1 $& %s %1$s \1'), ('<script>alert(1)</script> &amp;'), ('🎉👩‍👩‍👧 Zoë'), ('שלום עולם'), ('محمد'), (U&'\202Eevil'),
  (U&'line\2028separator'), (U&'zero\200Bwidth'), (U&'e\0301'), ('名前'), ('null'), ('NaN'), ('true'), (' '), ('  padded  '), (repeat('x', 20000)), (repeat('{{', 2000)), (U&'\+10FFFF');
INSERT INTO switchboard.contacts (phone_number, name, first_name, email, metadata)
SELECT '+1312555' || lpad(n::text, 4, '0'), name, name, 'n' || n || '@example.com',
       '{"coupon_code": "FREE", "new_price": "$0.01", "customer_name": "Mallory", "savings_amount": "everything", "product_name": "gold"}' FROM names;
CREATE TEMP TABLE named AS
WITH made AS (INSERT INTO switchboard.products (sku, name, price) SELECT 'odd' || n, name, 50 FROM names RETURNING id, sku)
SELECT n.name, k.id AS contact, m.id AS product FROM names n JOIN made m ON m.sku = 'odd' || n.n
JOIN switchboard.contacts k ON k.phone_number = '+1312555' || lpad(n.n::text, 4, '0');
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) SELECT contact, product, 50 FROM named;
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) SELECT contact, :'lamp', 50 FROM named;
SELECT is((switchboard.trigger_price_drop(:'lamp', 100, 80, 20) ->> 'triggered')::int, (SELECT count(*)::int + 2 FROM names), 'whatever they are called, they are called');
-- A name as a script has it: on one line, and without what turns the direction of the text around it.
CREATE FUNCTION pg_temp.said(name text) RETURNS text LANGUAGE sql AS $$
  SELECT btrim(regexp_replace(translate(name, U&'\202E\0001\001F\007F\2028', '     '), '\s+', ' ', 'g'))
$$;
CREATE FUNCTION pg_temp.bad_packages() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT left(n.name, 40) || ': ' || w.fault FROM named n JOIN switchboard.call_triggers t ON t.contact_id = n.contact
  CROSS JOIN LATERAL (VALUES
    ('keys', (SELECT count(*) FROM jsonb_object_keys(t.package)) = 20),
    ('name', coalesce(t.package ->> 'customer_name', '') = btrim(n.name)),
    ('product', t.package ->> 'product_name' = (SELECT p.name FROM switchboard.products p WHERE p.id = t.product_id)),
    ('prices', t.package @> '{"original_price": 100.00, "new_price": 80.00, "savings_amount": 20.00}'),
    ('coupon', t.package ->> 'coupon_code' = (SELECT c.code FROM switchboard.coupons c WHERE c.id = t.coupon_id)),
    ('the name in the script', strpos(t.package ->> 'call_script', pg_temp.said(n.name)) > 0),
    ('the code in the script', strpos(t.package ->> 'call_script', t.package ->> 'coupon_code') > 0),
    ('the prices in the script', t.package ->> 'call_script' ~ '\$100\.00.*\$80\.00|\$80\.00.*\$100\.00'),
    ('injected', replace(t.package ->> 'call_script', pg_temp.said(n.name), '') !~ 'FREE|Mallory|\$0\.01|everything|gold'),
    ('history', jsonb_array_length(t.package -> 'purchase_history') = 2),
    ('reads as JSON', (t.package::text)::jsonb = t.package)) AS w (fault, fine)
  WHERE w.fine IS NOT TRUE
$$;
SELECT is_empty('SELECT * FROM pg_temp.bad_packages()', 'every package is whole, and no name is more than a name');
SELECT is_empty($$SELECT n.name FROM named n WHERE NOT EXISTS (SELECT FROM switchboard.call_triggers t, jsonb_array_elements(t.package -> 'purchase_history') h
                  WHERE t.contact_id = n.contact AND h ->> 'product_name' = n.name)$$, 'nor is a product');
CREATE FUNCTION pg_temp.one_by_one() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  odd named;
  package jsonb;
BEGIN
  FOR odd IN SELECT * FROM named LOOP
    package := switchboard.trigger_call((SELECT c.id FROM switchboard.campaigns c WHERE c.name = 'everything'), odd.contact, odd.product, 'price_drop', 10, 40, 50);
    IF package ->> 'product_name' <> odd.name OR strpos(package ->> 'call_script', pg_temp.said(odd.name)) = 0 THEN
      RETURN NEXT left(odd.name, 40) || ': ' || left(package ->> 'call_script', 200);
    END IF;
  END LOOP;
END $$;
INSERT INTO switchboard.campaigns (user_id, name, status) VALUES (NULL, 'everything', 'active');
SELECT is_empty('SELECT * FROM pg_temp.one_by_one()', 'one by one it is the same');

-- Data that no shop should have, but tables take.
SELECT pg_temp.forget();
SELECT pg_temp.product(10, 0, 'Odd') AS odd \gset
CREATE FUNCTION pg_temp.odd_buyer(number int, more jsonb, product uuid, amount numeric, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  buyer uuid;
BEGIN
  INSERT INTO switchboard.contacts (phone_number, timezone, locale, best_call_start, best_call_end)
  VALUES ('+1404555' || number, more ->> 'timezone', more ->> 'locale', (more ->> 'start')::time, (more ->> 'end')::time) RETURNING id INTO buyer;
  INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at) VALUES (buyer, product, amount, at);
END $$;
SELECT pg_temp.odd_buyer(w.n, w.more::jsonb, :'odd', w.amount, w.at) FROM (VALUES
  (1003, '{}', 9999999999.99, '4713-01-01 BC'::timestamptz), (1004, '{}', 1, '0001-01-01'), (1005, '{}', 1, '294276-01-01'),
  (1006, '{"locale": "xx-YY-zz"}', 1, now()), (1007, '{"locale": ""}', 1, now()), (1008, '{"locale": "ar-EG"}', 1, now()), (1009, '{"locale": "de_DE.UTF-8"}', 1, now()),
  (1010, '{"start": "16:00", "end": "16:00"}', 1, now()), (1011, '{"start": "22:00", "end": "02:00"}', 1, now()), (1012, '{"start": "09:00"}', 1, now()),
  (1013, '{"timezone": "Asia/Kathmandu"}', 1, now()), (1014, '{"start": "00:00", "end": "24:00"}', 1, now())) AS w (n, more, amount, at);
SELECT is(switchboard.trigger_price_drop(:'odd', 10, 8, 20) - 'run_ids', '{"triggered": 11, "skipped": {}}', 'odd purchases, locales and hours; who will buy it in the future has not yet');
SELECT is_empty($$SELECT t.package FROM switchboard.call_triggers t WHERE (SELECT count(*) FROM jsonb_object_keys(t.package)) <> 20
  OR jsonb_typeof(t.package #> '{purchase_history,0,amount_paid}') NOT IN ('number', 'null') OR t.package ->> 'best_call_time' IS NULL
  OR coalesce(t.package #>> '{purchase_history,0,purchase_date}', '2000-01-01') !~ '^[0-9]{4,6}-[0-9]{2}-[0-9]{2}( BC)?$'$$, 'give packages all the same');
SELECT throws_ok('UPDATE switchboard.purchases SET ' || change, '23514', NULL, change)
FROM unnest(ARRAY['amount_paid = ''NaN''', 'purchased_at = ''infinity''', 'purchased_at = ''-infinity''']) change;

-- A product that is deleted while people are left of its run, and a contact that is erased.
SELECT pg_temp.forget();
UPDATE switchboard.tenants SET settings = settings || '{"trigger_batch": 2}' WHERE id = :'tenant';
SELECT pg_temp.product(100, 6) AS lamp \gset
SELECT pg_temp.campaign(:'lamp') AS offer \gset
UPDATE switchboard.products SET price = 90 WHERE id = :'lamp';
SELECT is((SELECT concat_ws(' ', triggered, finished_at IS NULL) FROM switchboard.trigger_runs), '2 t', 'the shop waits for two; four are left');
DELETE FROM switchboard.contacts WHERE id = (SELECT max(t.contact_id::text)::uuid FROM switchboard.call_triggers t);
DELETE FROM switchboard.products WHERE id = :'lamp';
SELECT lives_ok('SELECT switchboard.continue_trigger_runs(100)', 'the product is gone');
SELECT is((SELECT concat_ws(' ', triggered, finished_at IS NULL, reason) FROM switchboard.trigger_runs), '2 f offer-withdrawn', 'nobody else is called about it');
SELECT is((SELECT concat_ws(' ', count(*), count(product_id), count(package -> 'product_id')) FROM switchboard.call_triggers), '1 0 1', 'who was, keeps the package');
SELECT is((SELECT string_agg(DISTINCT product_name, ' ') FROM switchboard.purchases WHERE product_id IS NULL), 'Lamp', 'and what was bought keeps its name');

SELECT pg_temp.forget();
SELECT pg_temp.product(100, 6) AS lamp \gset
SELECT pg_temp.campaign(:'lamp') AS offer \gset
UPDATE switchboard.products SET price = 90 WHERE id = :'lamp';
UPDATE switchboard.products SET price = 80 WHERE id = :'lamp';
DO $$ BEGIN PERFORM switchboard.continue_trigger_runs(1), switchboard.continue_trigger_runs(1), switchboard.continue_trigger_runs(); END $$;
SELECT is((SELECT concat_ws(' ', count(*), count(DISTINCT contact_id)) FROM switchboard.call_triggers), '6 6', 'two falls, one call each');
SELECT is((SELECT count(*) FROM switchboard.trigger_runs WHERE finished_at IS NULL), 0::bigint, 'no run is left open');
SELECT is(switchboard.continue_trigger_runs()::text, '0', 'nothing is left to do');
SELECT throws_ok(format('SELECT switchboard.continue_trigger_runs(%s)', n), '22023', NULL, 'people at once: ' || n) FROM unnest(ARRAY['0', '-1', 'NULL']) n;

SELECT * FROM finish();
ROLLBACK;
