-- Who is called because of a price, a stock or a promotion, why not the others, and what may be asked for.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('shop') AS tenant \gset
INSERT INTO switchboard.products (name, price, stock) VALUES ('Phone', 999.99, 5) RETURNING id AS product \gset
INSERT INTO switchboard.products (name, price, stock) VALUES ('Lamp', 10, 5) RETURNING id AS lamp \gset
SELECT test_dialer.new_campaign(:'tenant', '{}', type => 'manual') AS campaign \gset
UPDATE switchboard.campaigns SET product_id = :'product', script = NULL, name = 'Sale' WHERE id = :'campaign';
INSERT INTO switchboard.contacts (phone_number, name)
SELECT '+1212555' || 1000 + n, name FROM unnest('{Alice,Bob,Carl,Dora,Eve,Finn,Gus,Hal}'::text[]) WITH ORDINALITY AS u (name, n);
CREATE FUNCTION pg_temp.id(name text) RETURNS uuid LANGUAGE sql AS $$ SELECT k.id FROM switchboard.contacts k WHERE k.name = $1 $$;
CREATE FUNCTION pg_temp.buys(name text, product uuid, refunded boolean DEFAULT false, at timestamptz DEFAULT now() - interval '30 days') RETURNS void
LANGUAGE sql AS $$
  INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at, refunded_at)
  VALUES (pg_temp.id(name), product, 999.99, at, CASE WHEN refunded THEN now() END)
$$;
-- Alice and Gus bought, Bob got his money back, Carl has bought a lamp, Dora wants no calls, Eve took her consent back, Finn bought
-- twice and gave one back; Hal is on the list alone.
SELECT pg_temp.buys(n, :'product') FROM unnest('{Alice,Dora,Eve,Finn,Gus}'::text[]) n;
SELECT pg_temp.buys('Bob', :'product', true), pg_temp.buys('Finn', :'product', true), pg_temp.buys('Carl', :'lamp');
INSERT INTO switchboard.do_not_call (phone_number) SELECT phone_number FROM switchboard.contacts WHERE name = 'Dora';
INSERT INTO switchboard.consents (contact_id, channel, basis, granted_at, revoked_at)
VALUES (pg_temp.id('Eve'), 'voice', 'express', now() - interval '9 days', now() - interval '1 day');
SELECT switchboard.add_campaign_contacts(:'campaign', (SELECT jsonb_build_array(jsonb_build_object('phone_number', phone_number))
                                                      FROM switchboard.contacts WHERE name = 'Hal'));
CREATE FUNCTION pg_temp.reasons(campaign uuid, type text DEFAULT 'price_drop') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(e.name, coalesce(e.reason, 'yes')) FROM switchboard.eligible_contacts(campaign, type) e
$$;
CREATE FUNCTION pg_temp.call(campaign uuid, name text, product uuid, type text DEFAULT 'price_drop', discount numeric DEFAULT NULL,
  price numeric DEFAULT 849.99, before numeric DEFAULT 999.99) RETURNS jsonb LANGUAGE sql AS $$
  SELECT switchboard.trigger_call(campaign, pg_temp.id(name), product, type, discount, price, before)
$$;
-- A call as text, for throws_ok.
CREATE FUNCTION pg_temp.calls(campaign uuid, name text, product uuid, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT pg_temp.call(%L, %L, %L%s)', campaign, name, product, more)
$$;

SELECT is(pg_temp.reasons(:'campaign'), '{"Alice": "yes", "Bob": "refunded", "Dora": "do-not-call", "Eve": "consent-revoked", "Finn": "yes",
  "Gus": "yes", "Hal": "no-purchase"}', 'buyers, and people on the list, each with a reason');
SELECT is((SELECT array_agg(e.eligible) FROM switchboard.eligible_contacts(:'campaign') e), '{t,t,t,f,f,f,f}', 'eligible ones first');
SELECT is(e.call_at, now(), 'who may be called now') FROM switchboard.eligible_contacts(:'campaign') e WHERE e.name = 'Alice';
UPDATE switchboard.campaigns SET product_id = NULL WHERE id = :'campaign';
SELECT is(pg_temp.reasons(:'campaign', 'promotion') ->> 'Carl', 'yes', 'without product whoever bought anything');
UPDATE switchboard.campaigns SET product_id = :'product' WHERE id = :'campaign';

-- Refusals, one by one.
SELECT throws_ok(pg_temp.calls(:'campaign', 'Bob', :'product'), 'SB006', format('contact %s has given Phone back', pg_temp.id('Bob')), 'refunded');
SELECT throws_ok(pg_temp.calls(:'campaign', 'Carl', :'product'), 'SB006', format('contact %s has not bought Phone', pg_temp.id('Carl')), 'never bought');
SELECT throws_ok(pg_temp.calls(:'campaign', 'Dora', :'product'), 'SB003', 'number +12125551004 may not be called: do-not-call', 'do not call');
SELECT throws_ok(pg_temp.calls(:'campaign', 'Eve', :'product'), 'SB003', NULL, 'consent revoked');
SELECT is(count(*), 0::bigint, 'nothing is left of them') FROM switchboard.call_triggers;
SELECT is(count(*), 0::bigint, 'not even evidence') FROM switchboard.dispatch_decisions;
SELECT throws_ok(pg_temp.calls(:'campaign', 'Alice', :'product', more), '22023', NULL, label)
FROM (VALUES (', ''gift''', 'an unknown type'), (', NULL', 'no type'), (', ''price_drop'', 101', 'more than everything off'),
             (', ''price_drop'', -1', 'a negative discount'), (', ''price_drop'', ''NaN''', 'no discount'),
             (', ''price_drop'', NULL, 1000, 999.99', 'a rise'), (', ''price_drop'', NULL, 999.994, 999.99', 'to the cent the same'),
             (', ''price_drop'', NULL, -1', 'a negative price'), (', ''price_drop'', NULL, ''NaN''', 'no price'),
             (', ''price_drop'', NULL, ''Infinity'', NULL', 'an endless price'), (', ''price_drop'', NULL, 5, 10000000000', 'a price beyond bounds'),
             (', ''price_drop'', NULL, NULL, 100', 'the product''s price is higher than what it was before')) AS bad (more, label);
SELECT throws_ok(format('SELECT switchboard.trigger_call(%L, %L, %L, ''promotion'')', a, b, c), 'P0002', NULL, label)
FROM (VALUES (NULL, pg_temp.id('Alice'), :'product'::uuid, 'no campaign'), (:'campaign', NULL, :'product', 'no contact'),
             (:'campaign', pg_temp.id('Alice'), NULL, 'no product'), (:'product', pg_temp.id('Alice'), :'product', 'a campaign that is a product'),
             (:'campaign', :'product', :'product', 'a contact that is a product')) AS bad (a, b, c, label);

-- What was triggered, and once only.
SELECT pg_temp.call(:'campaign', 'Alice', :'product') AS package \gset
SELECT is(t.status || ' ' || t.priority || ' ' || t.discount_percent || ' ' || t.listed_price || ' ' || t.listed_stock, 'scheduled high 15.00 999.99 5', 'stored')
FROM switchboard.call_triggers t WHERE t.package = :'package';
SELECT is(j.payload ->> 'to' || ' ' || j.priority || ' ' || (j.run_at = now()), '+12125551001 3 true', 'queued')
FROM switchboard.call_triggers t JOIN switchboard.jobs_open j ON j.subject_id = t.call_log_id;
SELECT is(c.code, :'package'::jsonb ->> 'coupon_code', 'with its coupon') FROM switchboard.coupons c JOIN switchboard.call_triggers t ON t.coupon_id = c.id
WHERE c.contact_id = t.contact_id AND c.product_id = t.product_id AND c.campaign_id = t.campaign_id AND c.valid_until = now() + interval '7 days';
SELECT is(d.stage || ' ' || d.allowed, 'queue true', 'and evidence') FROM switchboard.call_triggers t JOIN switchboard.dispatch_decisions d ON d.subject_id = t.call_log_id;
SELECT is(a.action || ' ' || (a.subject = 'call_trigger:' || t.id), 'trigger-call true', 'on record')
FROM switchboard.audit_log a, switchboard.call_triggers t WHERE a.tenant_id = :'tenant' AND a.action LIKE 'trigger%';
SELECT throws_ok(pg_temp.calls(:'campaign', 'Alice', :'product'), 'SB007', NULL, 'not twice');
SELECT is((SELECT e.reasons FROM switchboard.eligible_contacts(:'campaign', 'price_drop') e WHERE e.name = 'Alice'), '{already-triggered,coupon-open}', 'for two reasons');
SELECT lives_ok(pg_temp.calls(:'campaign', 'Alice', :'product', ', ''stock_alert'', 10, NULL, NULL'), 'another type is another matter');
UPDATE switchboard.call_triggers SET created_at = created_at - interval '2 days';
SELECT is(pg_temp.reasons(:'campaign') ->> 'Alice', 'coupon-open', 'after the window as long as the coupon is open');
UPDATE switchboard.coupons SET valid_until = now() - interval '1 second';
SELECT is(pg_temp.reasons(:'campaign') ->> 'Alice', 'yes', 'then again');
UPDATE switchboard.campaigns SET settings = '{"trigger_window": 259200}' WHERE id = :'campaign';
SELECT is(pg_temp.reasons(:'campaign') ->> 'Alice', 'already-triggered', 'a longer window');
UPDATE switchboard.call_triggers SET status = 'canceled';
SELECT is(pg_temp.reasons(:'campaign') ->> 'Alice', 'yes', 'what was canceled does not count');
UPDATE switchboard.campaigns SET settings = '{}' WHERE id = :'campaign';
DELETE FROM switchboard.call_triggers;

-- Discounts.
CREATE FUNCTION pg_temp.discount_of(package jsonb) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', package ->> 'discount', package ->> 'coupon_code' IS NOT NULL) $$;
SELECT is(pg_temp.discount_of(pg_temp.call(:'campaign', 'Alice', :'product', 'price_drop', 12.5)), '12.5% t', 'the one asked for');
SELECT is(pg_temp.discount_of(pg_temp.call(:'campaign', 'Gus', :'product', 'price_drop', 0)), 'f', '0: none, and no coupon');
SELECT is(pg_temp.discount_of(pg_temp.call(:'campaign', 'Gus', :'product', 'promotion', NULL, NULL, NULL)), 'f', 'of a promotion none');
UPDATE switchboard.campaigns SET discount_percent = 20 WHERE id = :'campaign';
SELECT is(pg_temp.discount_of(pg_temp.call(:'campaign', 'Finn', :'product')), '20% t', 'the campaign''s');
SELECT is(pg_temp.call(:'campaign', 'Finn', :'product', 'stock_alert', NULL, NULL, NULL) ->> 'new_price', NULL, 'no price unless it is known');
UPDATE switchboard.campaigns SET discount_percent = NULL WHERE id = :'campaign';

-- Campaigns that do not call; scripts that cannot be said; accounts that cannot dial.
DELETE FROM switchboard.call_triggers;
DELETE FROM switchboard.call_logs;
UPDATE switchboard.coupons SET valid_until = now() - interval '1 second';
UPDATE switchboard.campaigns SET status = 'paused' WHERE id = :'campaign';
SELECT throws_ok(pg_temp.calls(:'campaign', 'Alice', :'product'), 'SB005', 'campaign "Sale" triggers no calls: it is paused', 'paused');
SELECT is(pg_temp.reasons(:'campaign') ->> 'Alice', 'campaign-not-active', 'says so of everybody');
SELECT throws_ok(format('SELECT switchboard.trigger_promotion(%L)', :'campaign'), 'SB005', NULL, 'nor promotions');
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, 10, 5, NULL, %L)', :'product', :'campaign'), 'SB005', NULL, 'nor price drops');
UPDATE switchboard.campaigns SET status = 'active', script = 'Dear {{nickname}}' WHERE id = :'campaign';
SELECT throws_ok(pg_temp.calls(:'campaign', 'Alice', :'product'), 'SB012', 'template variable "nickname" is missing', 'a variable that is not known');
UPDATE switchboard.contacts SET metadata = '{"nickname": "Al"}' WHERE name = 'Alice';
SELECT is(switchboard.trigger_price_drop(:'product', 999.99, 849.99) - 'run_ids',
  '{"triggered": 1, "skipped": {"refunded": 1, "do-not-call": 1, "consent-revoked": 1, "script-variable-missing": 2}}', 'of many, those are skipped');
SELECT is(t.package ->> 'call_script', 'Dear Al', 'known ones are filled in') FROM switchboard.call_triggers t;
SELECT is((SELECT count(*) FROM switchboard.coupons WHERE valid_until > now()), 1::bigint, 'who is skipped gets no coupon');
UPDATE switchboard.campaigns SET script = NULL WHERE id = :'campaign';
UPDATE switchboard.provider_accounts SET settings = settings - 'caller_id';
SELECT throws_ok(pg_temp.calls(:'campaign', 'Gus', :'product'), 'SB002', 'no number to call from with account "main"', 'no number to call from');
SELECT throws_ok(format('SELECT switchboard.trigger_stock_alert(%L)', :'product'), 'SB002', NULL, 'nor many');
UPDATE switchboard.provider_accounts SET enabled = false;
SET LOCAL client_min_messages = error;
SELECT lives_ok(pg_temp.calls(:'campaign', 'Gus', :'product'), 'without account the call is kept');
RESET client_min_messages;
SELECT is(c.account_id, NULL, 'to wait for one') FROM switchboard.call_triggers t JOIN switchboard.call_logs c ON c.id = t.call_log_id WHERE t.contact_id = pg_temp.id('Gus');

-- Who may.
SELECT test_dialer.new_tenant('other') AS other \gset
SELECT throws_ok(format('SELECT switchboard.eligible_contacts(%L)', :'campaign'), 'P0002', NULL, 'another tenant''s campaign is none')
FROM (SELECT set_config('role', 'switchboard_gateway', true)) r;
SELECT throws_ok(format('SELECT switchboard.trigger_price_drop(%L, 10, 5)', :'product'), 'P0002', NULL, 'nor its product');
SELECT throws_ok(format('SELECT switchboard._trigger_many(%L, ''{NULL}'', %L, ''price_drop'', NULL, 10, 5, now())', :'tenant', :'product'), 'P0002', NULL,
                 'not through the back door');
SELECT throws_ok('SELECT switchboard.continue_trigger_runs()', '42501', NULL, 'runs of everybody are not anybody''s');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
