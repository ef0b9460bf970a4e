-- Coupons: made with codes of their own, redeemed once, in time, by the right person of the right tenant.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE ROLE sb_coupon_till LOGIN IN ROLE switchboard_app;
INSERT INTO switchboard.tenants (name, currency) VALUES ('acme', 'USD') RETURNING id AS tenant \gset
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
INSERT INTO switchboard.users (tenant_id, name, login_role) VALUES (:'tenant', 'till', 'sb_coupon_till') RETURNING id AS till \gset
INSERT INTO switchboard.users (tenant_id, name) VALUES (:'tenant', 'colleague') RETURNING id AS colleague \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (:'tenant', '+12025550101') RETURNING id AS alice \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (:'tenant', '+12025550102') RETURNING id AS bob \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (:'other', '+12025550101') RETURNING id AS stranger \gset
INSERT INTO switchboard.products (tenant_id, name, price, currency) VALUES (:'tenant', 'Phone', 849.99, 'EUR') RETURNING id AS phone \gset
INSERT INTO switchboard.products (tenant_id, name, price) VALUES (:'tenant', 'Case', 9.99) RETURNING id AS case \gset
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, settings) VALUES (:'tenant', NULL, 'spring', '{"coupon_days": 30}') RETURNING id AS campaign \gset
INSERT INTO switchboard.campaigns (tenant_id, user_id, name) VALUES (:'tenant', :'colleague', 'not ours') RETURNING id AS not_ours \gset

-- Making.
SET SESSION AUTHORIZATION sb_coupon_till;
SELECT * FROM switchboard.create_coupon(15, :'alice', :'phone', :'campaign', reason => 'price drop') \gset made_
SELECT matches(:'made_code'::text, '^PRICEDROP-15-[2-9A-Z]{6}$', 'a code that says what it is');
SELECT is(jsonb_build_array(:'made_discount_percent'::numeric, :'made_contact_id', :'made_product_id', :'made_campaign_id', :'made_tenant_id'),
          jsonb_build_array(15.00, :'alice', :'phone', :'campaign', :'tenant'), 'everything given is there');
SELECT is(:'made_valid_until'::timestamptz, now() + interval '30 days', 'valid as long as the campaign says');
SELECT is((switchboard.create_coupon(12.5)).valid_until, now() + interval '7 days', 'else a week');
SELECT matches((switchboard.create_coupon(12.5, reason => NULL)).code, '^OFFER-13-', 'without a reason');
SELECT is((switchboard.create_coupon(0, valid_until => 'infinity')).valid_until::text, 'infinity', 'for ever');
RESET SESSION AUTHORIZATION;
UPDATE switchboard.tenants SET settings = '{"coupon_days": 2}' WHERE id = :'tenant';
SELECT is(switchboard._setting_days('coupon_days', c, '{"coupon_days": 2}'), wanted, 'coupon_days of the campaign: ' || c::text)
FROM (VALUES ('{}'::jsonb, 2), ('{"coupon_days": "5"}', 5), ('{"coupon_days": 0}', 1), ('{"coupon_days": 1e9}', 3650), ('{"coupon_days": []}', 2)) v (c, wanted);
SET SESSION AUTHORIZATION sb_coupon_till;
SELECT is((switchboard.create_coupon(5)).valid_until, now() + interval '2 days', 'as long as the tenant says');

SELECT throws_ok(format('SELECT switchboard.create_coupon(%s)', call), code, NULL, 'create_coupon(' || call || ')')
FROM (VALUES ('NULL', '22023'), ('-1', '22023'), ('100.01', '22023'), ('1e9', '22023'), ('''NaN''', '22023'), ('''-Infinity''', '22023'),
             ('10, valid_until => now() - interval ''1 s''', '22023'), ('10, valid_until => ''-infinity''', '22023'),
             (format('10, %L', :'stranger'), 'P0002'), ('10, NULL, switchboard.uuid_v7()', 'P0002'),
             ('10, NULL, NULL, switchboard.uuid_v7()', 'P0002'), (format('10, NULL, NULL, %L', :'not_ours'), 'P0002')) v (call, code);

-- A code that is taken is made anew.
RESET SESSION AUTHORIZATION;
SAVEPOINT few_codes;
CREATE TEMP SEQUENCE draw;
CREATE OR REPLACE FUNCTION switchboard.generate_coupon_code(reason text, discount_percent numeric) RETURNS text LANGUAGE sql VOLATILE
AS $$ SELECT 'ONE-OF-' || (nextval('pg_temp.draw') + 1) / 2 $$;
SELECT switchboard.set_identity(:'tenant');
SELECT is(array_agg((switchboard.create_coupon(5)).code), '{ONE-OF-1,ONE-OF-2,ONE-OF-3}', 'no code twice') FROM generate_series(1, 3);
CREATE OR REPLACE FUNCTION switchboard.generate_coupon_code(reason text, discount_percent numeric) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'ONE-OF-1' $$;
SELECT throws_ok('SELECT switchboard.create_coupon(5)', 'SB007', 'no coupon code is left for reason "OFFER" and 5 percent', 'and when there is none left');
ROLLBACK TO few_codes;

-- Redeeming.
SET SESSION AUTHORIZATION sb_coupon_till;
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L, 1, %L)', :'made_code', :'bob'), 'SB011',
  format('coupon "%s" cannot be redeemed: it was made for somebody else', :'made_code'), 'not by somebody else');
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L, 1, NULL, %L)', :'made_code', :'case'), 'SB011',
  format('coupon "%s" cannot be redeemed: it is for another product', :'made_code'), 'nor for something else');
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L, %s)', :'made_code', amount), '22023', NULL, 'nor for ' || amount)
FROM unnest('{-0.01,''NaN'',1e10,''Infinity''}'::text[]) amount;
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%s)', code), '22023', NULL, 'nor without a code: ' || code) FROM unnest('{"NULL",'''','' '',"E''\\n''"}'::text[]) code;
SELECT * FROM switchboard.redeem_coupon(E' \t' || lower(:'made_code') || E' \r\n', 849.99, :'alice', :'phone') \gset done_
SELECT is(jsonb_build_array(:'done_id', :'done_redeemed_amount'::numeric, :'done_currency', :'done_redeemed_at'::timestamptz >= now()),
          jsonb_build_array(:'made_id', 849.99, 'EUR', true), 'in any letters, with blanks around');
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L)', :'made_code'), 'SB011',
  format('coupon "%s" cannot be redeemed: it has been redeemed', :'made_code'), 'once');
SELECT throws_ok($$SELECT switchboard.redeem_coupon('NO-SUCH-CODE')$$, 'SB011', 'coupon "NO-SUCH-CODE" cannot be redeemed: there is no such code', 'no such code');
SELECT is((switchboard.redeem_coupon((switchboard.create_coupon(5)).code, 0)).redeemed_amount, 0.00, 'for nothing');
SELECT is(redeemed_amount::text, NULL, 'for nobody knows what') FROM switchboard.redeem_coupon((switchboard.create_coupon(5)).code);

-- Only redeem_coupon() redeems.
SELECT throws_ok(statement, '42501', NULL, statement) FROM unnest(ARRAY[
  'UPDATE switchboard.coupons SET redeemed_at = NULL', 'UPDATE switchboard.coupons SET redeemed_amount = 1', 'UPDATE switchboard.coupons SET code = ''X''',
  'UPDATE switchboard.coupons SET discount_percent = 99', 'DELETE FROM switchboard.coupons', 'TRUNCATE switchboard.coupons',
  'INSERT INTO switchboard.coupons (code, discount_percent, redeemed_at) VALUES (''X'', 1, now())']) statement;
SELECT lives_ok($$INSERT INTO switchboard.coupons (code, discount_percent) VALUES ('Welcome10', 10), ('welcome10', 10)$$, 'codes of the shop''s own');
SELECT throws_ok($$INSERT INTO switchboard.coupons (code, discount_percent) VALUES ('Welcome10', 10)$$, '23505', NULL, 'each once');
SELECT is((switchboard.redeem_coupon('welcome10')).code, 'welcome10', 'as typed, if there is one like that');
SELECT is((switchboard.redeem_coupon('Welcome10')).code, 'Welcome10', 'and the other one');
SELECT lives_ok(format('UPDATE switchboard.coupons SET valid_until = now() WHERE code = %L', (switchboard.create_coupon(5, reason => 'ended')).code), 'coupons are ended early');
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L)', c.code), 'SB011', format('coupon "%s" cannot be redeemed: it is no longer valid', c.code), 'and are over then')
FROM switchboard.coupons c WHERE c.code LIKE 'ENDED%';

-- Of another tenant, and of nobody.
RESET SESSION AUTHORIZATION;
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent) VALUES (:'other', 'THEIRS', 10);
SELECT switchboard.set_identity(:'tenant');
SELECT throws_ok($$SELECT switchboard.redeem_coupon('THEIRS')$$, 'SB011', 'coupon "THEIRS" cannot be redeemed: there is no such code', 'a code of another tenant is none');
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent) VALUES (:'tenant', 'THEIRS', 20);
SELECT is((switchboard.redeem_coupon('THEIRS')).tenant_id, :'tenant'::uuid, 'the same code of our own is ours');
SELECT is(redeemed_at::text, NULL, 'and theirs is untouched') FROM switchboard.coupons WHERE tenant_id = :'other';
SELECT set_config('switchboard.tenant_id', '', true);
SELECT throws_ok($$SELECT switchboard.redeem_coupon('THEIRS')$$, '42501', NULL, 'nobody redeems nothing');
SELECT throws_ok($$SELECT switchboard.create_coupon(5)$$, '42501', NULL, 'nor makes any');

-- The price that was offered, and the record.
SELECT switchboard.set_identity(:'tenant');
SELECT id AS offered, code AS offered_code FROM switchboard.create_coupon(15, :'alice', :'phone', :'campaign') \gset
INSERT INTO switchboard.call_triggers (tenant_id, contact_id, product_id, campaign_id, trigger_type, coupon_id, original_price, new_price)
VALUES (:'tenant', :'alice', :'phone', :'campaign', 'price_drop', :'offered', 999.99, 849.99);
SELECT is((switchboard.redeem_coupon(:'offered_code')).redeemed_amount, 849.99, 'the price that was offered');
SELECT is((switchboard.redeem_coupon(c.code)).redeemed_amount, 679.99, 'else the price of the product less the discount') FROM switchboard.create_coupon(20, NULL, :'phone') c;
SELECT id AS promoted, code AS promoted_code FROM switchboard.create_coupon(20, :'alice', :'phone') \gset
INSERT INTO switchboard.call_triggers (tenant_id, contact_id, product_id, trigger_type, coupon_id, listed_price) VALUES (:'tenant', :'alice', :'phone', 'promotion', :'promoted', 500);
SELECT is((switchboard.redeem_coupon(:'promoted_code')).redeemed_amount, 400.00, 'the price when it was called about');
SELECT is(detail, jsonb_build_object('code', :'offered_code', 'amount', 849.99), 'who redeemed what is on record')
FROM switchboard.audit_log WHERE action = 'redeem-coupon' AND subject = 'coupon:' || :'offered' AND actor = session_user;
SELECT is(actor, :'till', 'by user') FROM switchboard.audit_log WHERE action = 'redeem-coupon' AND subject = 'coupon:' || :'made_id';

-- What was made for one person or product is not for all once they are gone.
SELECT code AS open_code FROM switchboard.create_coupon(50, :'bob', valid_until => 'infinity') \gset
SELECT code AS case_code FROM switchboard.create_coupon(50, product_id => :'case') \gset
DELETE FROM switchboard.contacts WHERE id = :'bob';
DELETE FROM switchboard.products WHERE id = :'case';
SELECT throws_ok(format('SELECT switchboard.redeem_coupon(%L)', code), 'SB011', format('coupon "%s" cannot be redeemed: it is no longer valid', code), 'it ends with them')
FROM unnest(ARRAY[:'open_code', :'case_code']) code;

-- A buyer who is erased, a product that is gone: the coupon and what it brought stay.
DELETE FROM switchboard.contacts WHERE id = :'alice';
DELETE FROM switchboard.products WHERE id = :'phone';
SELECT is(jsonb_build_array(contact_id, product_id, redeemed_amount, currency), '[null, null, 849.99, "EUR"]', 'what was redeemed stays')
FROM switchboard.coupons WHERE id = :'made_id';

SELECT * FROM finish();
ROLLBACK;
