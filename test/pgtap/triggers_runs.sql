-- Many calls because of one event: who is called by which campaign, batches and what interrupts them, and products that change.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('shop') AS tenant \gset
INSERT INTO switchboard.products (name, price, stock) VALUES ('Phone', 1000, 0) RETURNING id AS product \gset
SELECT test_dialer.new_campaign(:'tenant', type => 'manual') AS campaign \gset
UPDATE switchboard.campaigns SET product_id = :'product', script = NULL WHERE id = :'campaign';
INSERT INTO switchboard.contacts (phone_number, name) SELECT '+1212555' || 1000 + n, 'C' || n FROM generate_series(1, 20) n;
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at)
SELECT k.id, :'product', 1000, now() - interval '30 days' FROM switchboard.contacts k, generate_series(1, 2);
CREATE FUNCTION pg_temp.people(campaign uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT count(*) || '/' || count(DISTINCT t.contact_id) FROM switchboard.call_triggers t WHERE campaign IS NULL OR t.campaign_id = campaign
$$;
CREATE FUNCTION pg_temp.run(n int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.trigger_type, r.source, r.triggered, r.skipped, CASE WHEN r.finished_at IS NULL THEN 'open' END, r.reason)
  FROM switchboard.trigger_runs r ORDER BY r.id DESC OFFSET n - 1 LIMIT 1
$$;
-- As before: nothing triggered, the old price.
CREATE FUNCTION pg_temp.reset(product uuid) RETURNS void LANGUAGE sql AS $$
  DELETE FROM switchboard.call_triggers; DELETE FROM switchboard.trigger_runs; DELETE FROM switchboard.call_logs; DELETE FROM switchboard.jobs_open;
  UPDATE switchboard.coupons SET valid_until = now() - interval '1 second';
  UPDATE switchboard.products SET price = 1000, stock = 0 WHERE id = product;
$$;
CREATE FUNCTION pg_temp.batches(size int) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.tenants SET settings = settings || jsonb_build_object('trigger_batch', size)
$$;

-- In batches of any size everybody once, though they bought twice; one statement more finds nobody.
SELECT is(switchboard._trigger_many(:'tenant', ARRAY[:'campaign']::uuid[], :'product', 'price_drop', NULL, 1000, 900, clock_timestamp(), size) -> 'triggered',
          '20', 'everybody in batches of ' || size)
FROM unnest('{1,7,20,21}'::int[]) AS s (size), LATERAL (SELECT pg_temp.reset(:'product') OFFSET s.size * 0) r;
SELECT is(pg_temp.people(), '20/20', 'nobody twice');
SELECT is(count(*) || ' ' || count(DISTINCT j.subject_id) || ' ' || count(u.id), '20 20 20', 'each with a call, a job and a coupon')
FROM switchboard.call_triggers t JOIN switchboard.jobs_open j ON j.subject_id = t.call_log_id JOIN switchboard.coupons u ON u.id = t.coupon_id;
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) - 'run_ids', '{"triggered": 0, "skipped": {"already-triggered": 20}}', 'nobody again');
SELECT is(a.detail -> 'triggered', '20', 'runs are on record') FROM switchboard.audit_log a JOIN switchboard.call_triggers t ON a.subject = 'trigger_run:' || t.run_id
WHERE a.action = 'trigger-run' LIMIT 1;
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, %s, %s)', :'product', a, b), '22023', NULL, label)
FROM (VALUES ('NULL', '5', 'no old price'), ('5', 'NULL', 'no new price'), ('5', '5', 'no fall'), ('5', '6', 'a rise'), ('5', '-1', 'negative'),
             ('''NaN''', '5', 'no number'), ('10000000000', '5', 'beyond bounds')) AS bad (a, b, label);
SELECT pg_temp.reset(:'product');
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 0) -> 'triggered', '20', 'for nothing is fine');
SELECT is(t.package ->> 'discount' || ' ' || (t.package ->> 'savings_amount'), '100% 1000.00', 'everything off') FROM switchboard.call_triggers t LIMIT 1;

SELECT throws_ok(format('UPDATE switchboard.campaigns SET settings = %L', settings), '22023', NULL, 'settings that say nothing: ' || settings)
FROM unnest('{"{\"price_drop_threshold\": \"a lot\"}","{\"price_drop_threshold\": 101}","{\"triggers\": \"price_drop\"}","{\"triggers\": [\"gift\"]}",
  "{\"triggers\": [null]}","{\"trigger_window\": -1}","{\"trigger_window\": \"1 day\"}","{\"call_time\": \"later\"}"}'::text[]) AS s (settings);
SELECT lives_ok($$ UPDATE switchboard.campaigns SET settings = '{"triggers": null, "price_drop_threshold": null, "trigger_window": 0, "call_time": "best"}' $$, 'none, or sound ones');
UPDATE switchboard.campaigns SET settings = '{}';

-- Codes that are taken: those people are taken again, nobody is lost.
SELECT pg_temp.reset(:'product');
CREATE SEQUENCE pg_temp.codes;
SELECT pg_get_functiondef('switchboard.generate_coupon_code'::regproc) AS generator \gset
CREATE OR REPLACE FUNCTION switchboard.generate_coupon_code(reason text, discount_percent numeric) RETURNS text LANGUAGE sql
AS $$ SELECT 'CODE-' || nextval('pg_temp.codes') / 3 $$;
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) -> 'triggered', '20', 'everybody though codes repeat');
SELECT is(count(DISTINCT t.coupon_id), 20::bigint, 'each with a coupon of their own') FROM switchboard.call_triggers t;
SELECT is(count(*), 0::bigint, 'which the package names') FROM switchboard.call_triggers t JOIN switchboard.coupons u ON u.id = t.coupon_id
WHERE u.code <> t.package ->> 'coupon_code' OR t.package ->> 'call_script' NOT LIKE '%' || u.code || '%';
SELECT is((SELECT count(*) FROM switchboard.coupons WHERE code LIKE 'CODE-%'), 20::bigint, 'none is left over');
SELECT :'generator' \gexec

-- Several campaigns: the oldest first, nobody twice; none: without.
SELECT pg_temp.reset(:'product');
SELECT test_dialer.new_campaign(:'tenant', '{"triggers": ["price_drop"]}', type => 'manual') AS second \gset
UPDATE switchboard.campaigns SET product_id = :'product', script = NULL WHERE id = :'second';
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) - 'run_ids', '{"triggered": 20, "skipped": {}}', 'two campaigns: everybody counts once');
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) - 'run_ids', '{"triggered": 0, "skipped": {"already-triggered": 20}}', 'and all of them when it is repeated');
SELECT is(pg_temp.people(:'campaign') || ' ' || pg_temp.people(:'second'), '20/20 0/0', 'the older one calls');
UPDATE switchboard.products SET price = 1 WHERE id = :'product';
SELECT is(pg_temp.people(:'second'), '0/0', 'the younger one does not take its turn when the price falls again');
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900, NULL, :'second') -> 'triggered', '20', 'each campaign may be told to');
SELECT is(switchboard.trigger_stock_alert(:'product') -> 'run_ids' -> 1, NULL, 'a campaign says what it takes part in');
SELECT pg_temp.reset(:'product');
UPDATE switchboard.campaigns SET status = 'paused' WHERE tenant_id = :'tenant';
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) -> 'triggered', '20', 'without any active campaign');
SELECT is(count(*) FILTER (WHERE t.campaign_id IS NULL AND t.package -> 'campaign_id' = 'null'), 20::bigint, 'calls without campaign') FROM switchboard.call_triggers t;
UPDATE switchboard.campaigns SET status = 'active' WHERE id = :'campaign';
DELETE FROM switchboard.campaigns WHERE id = :'second';
SELECT is(switchboard.trigger_promotion(:'campaign') -> 'triggered', '20', 'a promotion goes to the buyers of its product');

-- Products that change.
SELECT pg_temp.reset(:'product');
UPDATE switchboard.products SET price = 900 WHERE id = :'product';
SELECT is(pg_temp.run(), 'price_drop product 20 {}', 'a lower price calls everybody');
SELECT is(t.original_price || ' ' || t.new_price || ' ' || (t.package ->> 'discount'), '1000.00 900.00 10%', 'with both prices') FROM switchboard.call_triggers t LIMIT 1;
UPDATE switchboard.products SET price = 1000 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 1::bigint, 'a higher one nobody');
UPDATE switchboard.products SET price = 950 WHERE id = :'product';
SELECT is(pg_temp.run(), 'price_drop product 0 {"already-triggered": 20}', 'a price that flaps nobody twice');
UPDATE switchboard.products SET name = 'Phone 2', price = 950 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 2::bigint, 'the same price is no fall');
UPDATE switchboard.products SET stock = 5 WHERE id = :'product';
SELECT is(pg_temp.run(), 'stock_alert product 20 {}', 'a refilled stock');
UPDATE switchboard.products SET stock = 9 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 3::bigint, 'more of it is no news');
SELECT pg_temp.reset(:'product');
UPDATE switchboard.products SET price = 900, stock = 5 WHERE id = :'product';
SELECT is((SELECT string_agg(trigger_type || ' ' || triggered, ', ') FROM switchboard.trigger_runs), 'price_drop 20', 'cheaper and in stock again is one call');
SELECT pg_temp.reset(:'product');
UPDATE switchboard.campaigns SET settings = '{"price_drop_threshold": 10.5}' WHERE id = :'campaign';
UPDATE switchboard.products SET price = 895.01 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 0::bigint, 'below the threshold nobody');
SELECT pg_temp.reset(:'product');
UPDATE switchboard.products SET price = 895 WHERE id = :'product';
SELECT is(pg_temp.run(), 'price_drop product 20 {}', 'from it on everybody');
SELECT pg_temp.reset(:'product');
UPDATE switchboard.campaigns SET settings = '{"triggers": ["stock_alert"]}' WHERE id = :'campaign';
UPDATE switchboard.products SET price = 500 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 0::bigint, 'a campaign that leaves prices out');
UPDATE switchboard.campaigns SET settings = '{}', status = 'paused' WHERE id = :'campaign';
UPDATE switchboard.products SET price = 400 WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 0::bigint, 'a paused one');
UPDATE switchboard.campaigns SET status = 'active' WHERE id = :'campaign';
SELECT pg_temp.reset(:'product');
UPDATE switchboard.products SET price = 400, currency = 'EUR' WHERE id = :'product';
SELECT is((SELECT count(*) FROM switchboard.trigger_runs), 0::bigint, 'another currency is no fall');
UPDATE switchboard.products SET currency = NULL WHERE id = :'product';

-- What is left for the workers.
SELECT pg_temp.reset(:'product'), pg_temp.batches(8);
UPDATE switchboard.products SET price = 900 WHERE id = :'product';
SELECT is(pg_temp.run(), 'price_drop product 8 {} open', 'the first people in the statement itself');
SELECT is(switchboard.continue_trigger_runs(5), 5::bigint, 'then as many as wanted');
SELECT is(pg_temp.run(), 'price_drop product 13 {} open', 'in their order');
WITH late AS (INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12125559999', 'late') RETURNING id)
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at) SELECT id, :'product', 900, clock_timestamp() FROM late;
SELECT is(switchboard.run_maintenance('liveness') -> 'trigger_runs', '7', 'maintenance does the rest');
SELECT is(pg_temp.run() || ' ' || pg_temp.people(), 'price_drop product 20 {} 20/20', 'everybody once, but who bought at the new price');
SELECT is(switchboard.continue_trigger_runs(), 0::bigint, 'nothing is left');
SELECT throws_ok('SELECT switchboard.continue_trigger_runs(0)', '22023', NULL, 'nobody is too few');
DELETE FROM switchboard.purchases WHERE purchased_at > now();
SELECT pg_temp.reset(:'product'), pg_temp.batches(0);
UPDATE switchboard.products SET price = 900 WHERE id = :'product';
SELECT test_dialer.hello();
SELECT isnt((SELECT count(*) FROM test_dialer.turn()), 0::bigint, 'workers go on with it ahead of a claim');
SELECT is(pg_temp.run(), 'price_drop product 20 {}', 'to its end');

SELECT pg_temp.reset(:'product'), pg_temp.batches(100);
SET LOCAL statement_timeout = '10s';
UPDATE switchboard.products SET price = 900 WHERE id = :'product';
RESET statement_timeout;
SELECT is(pg_temp.run(), 'price_drop product 0 {} open', 'a statement that is to be short stays so');
SELECT pg_temp.batches(0);

-- What ends a run, and what does not.
CREATE FUNCTION pg_temp.ends(change text, product uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  PERFORM pg_temp.reset(product);
  UPDATE switchboard.products SET price = 900 WHERE id = product;
  UPDATE switchboard.products SET stock = 5 WHERE id = product;
  EXECUTE change;
  PERFORM switchboard.continue_trigger_runs();
  SELECT string_agg(concat_ws(' ', r.trigger_type, r.triggered, r.reason, CASE WHEN r.finished_at IS NULL THEN 'open' END), ', ' ORDER BY r.id) INTO answer
  FROM switchboard.trigger_runs r;
  RAISE EXCEPTION USING MESSAGE = answer, ERRCODE = 'UW001';   -- takes the change back
EXCEPTION WHEN SQLSTATE 'UW001' THEN
  RETURN SQLERRM;
END $$;
SELECT is(pg_temp.ends('SELECT', :'product'), 'price_drop 20, stock_alert 20', 'undisturbed');
SELECT is(pg_temp.ends('UPDATE switchboard.products SET price = 950', :'product'), 'price_drop 0 offer-withdrawn, stock_alert 20', 'dearer again');
SELECT is(pg_temp.ends('UPDATE switchboard.products SET stock = 0', :'product'), 'price_drop 20, stock_alert 0 offer-withdrawn', 'sold out');
SELECT is(pg_temp.ends('UPDATE switchboard.products SET price = 800', :'product'), 'price_drop 0 offer-replaced, stock_alert 20, price_drop 20', 'cheaper still: the newer run calls');
SELECT is(pg_temp.ends('DELETE FROM switchboard.products', :'product'), 'price_drop 0 offer-withdrawn, stock_alert 0 offer-withdrawn', 'product deleted');
SELECT is(pg_temp.ends('DELETE FROM switchboard.campaigns', :'product'), 'price_drop 0 campaign-not-active, stock_alert 0 campaign-not-active', 'campaign deleted');
SELECT is(pg_temp.ends('UPDATE switchboard.campaigns SET status = ''completed''', :'product'), 'price_drop 0 campaign-not-active, stock_alert 0 campaign-not-active', 'campaign completed');
SELECT is(pg_temp.ends('UPDATE switchboard.campaigns SET status = ''paused''', :'product'), 'price_drop 0 open, stock_alert 0 open', 'a paused campaign is waited for');
SELECT is(pg_temp.ends('UPDATE switchboard.trigger_runs SET started_at = now() - interval ''8 days'' WHERE trigger_type = ''price_drop''', :'product'),
          'price_drop 0 offer-expired, stock_alert 20', 'but not for ever');
SELECT is(pg_temp.ends('DELETE FROM switchboard.contacts WHERE name <> ''C20''', :'product'), 'price_drop 1, stock_alert 1', 'people erased meanwhile');
SELECT is(pg_temp.ends('ALTER TABLE switchboard.coupons ADD CHECK (valid_until < created_at) NOT VALID', :'product'),
          'price_drop 0 error 23514, stock_alert 20', 'an error ends a run, not the others');
-- The shop's own statement never fails because of us.
SAVEPOINT broken;
SELECT pg_temp.reset(:'product'), pg_temp.batches(100);
ALTER TABLE switchboard.trigger_runs ADD CHECK (triggered < 0) NOT VALID;
SET LOCAL client_min_messages = error;
SELECT lives_ok($$ UPDATE switchboard.products SET price = 900 $$, 'whatever goes wrong');
SELECT is((SELECT price FROM switchboard.products WHERE id = :'product'), 900.00, 'the price has changed');
ROLLBACK TO broken;

-- Campaigns with agents: people go on the list.
SELECT pg_temp.reset(:'product'), pg_temp.batches(5000);
INSERT INTO switchboard.users (name, endpoint) VALUES ('Ann', '+12125557777');
UPDATE switchboard.campaigns SET type = 'preview' WHERE id = :'campaign';
SELECT switchboard.add_campaign_contacts(:'campaign', '[{"phone_number": "+12125551001"}, {"phone_number": "+12125551002"}, {"phone_number": "+12125551003"},
  {"phone_number": "+12125551004"}]');
UPDATE switchboard.campaign_contacts SET status = 'do-not-call' WHERE phone_number = '+12125551001';
UPDATE switchboard.campaign_contacts SET status = 'calling' WHERE phone_number = '+12125551002';
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() + interval '1 day' WHERE phone_number = '+12125551003';
UPDATE switchboard.campaign_contacts SET status = 'completed', attempts = 2 WHERE phone_number = '+12125551004';
SELECT is(switchboard.trigger_price_drop(:'product', 1000, 900) - 'run_ids', '{"triggered": 19, "skipped": {"do-not-call": 1}}', 'by agents');
SELECT is(count(*) FILTER (WHERE t.call_log_id IS NULL AND l.contact_id = t.contact_id AND l.priority = 30) || ' ' || (SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call'),
          '19 0', 'nothing is dialed but by the dialer')
FROM switchboard.call_triggers t JOIN switchboard.campaign_contacts l ON l.id = t.campaign_contact_id;
SELECT is((SELECT string_agg(l.status::text || coalesce(' ' || l.recycled_attempts, ''), ', ' ORDER BY l.phone_number) FROM switchboard.campaign_contacts l WHERE l.phone_number < '+12125551006'),
          'do-not-call 0, calling 0, callback 0, pending 2, pending 0', 'who is on the list already');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'the statistics know');
-- A list that ran out is no end.
UPDATE switchboard.campaign_contacts SET status = 'completed' WHERE campaign_id = :'campaign';
SELECT switchboard._complete_idle_campaigns();
SELECT is((SELECT status || ' ' || ran_out FROM switchboard.campaigns WHERE id = :'campaign'), 'completed true', 'everybody was called');
DELETE FROM switchboard.call_triggers;
UPDATE switchboard.coupons SET valid_until = now() - interval '1 second';
SELECT is(switchboard.trigger_stock_alert(:'product') -> 'triggered', '20', 'somebody is to be called again');
SELECT is((SELECT status FROM switchboard.campaigns WHERE id = :'campaign'), 'active', 'so it goes on');
SELECT * FROM finish();
ROLLBACK;
