-- Routes of triggered calls and customers: what they answer, and to what they say no.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
SELECT test_dialer.new_tenant('other') AS other \gset
INSERT INTO switchboard.contacts (phone_number) VALUES ('+12025550101') RETURNING id AS theirs \gset
SELECT test_dialer.new_tenant('acme') AS tenant \gset
UPDATE switchboard.tenants SET currency = 'USD' WHERE id = :'tenant';
INSERT INTO switchboard.contacts (phone_number, name, email) VALUES ('+12025550101', 'Alice', 'alice@example.test') RETURNING id AS alice \gset
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550102', 'Bob') RETURNING id AS bob \gset
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550103', 'Carol') RETURNING id AS carol \gset
INSERT INTO switchboard.products (name, price, stock) VALUES ('iPhone 15 Pro', 849.99, 5) RETURNING id AS phone \gset
SELECT test_dialer.new_campaign(:'tenant', type => 'manual') AS campaign \gset
UPDATE switchboard.campaigns SET product_id = :'phone', script = NULL WHERE id = :'campaign';
INSERT INTO switchboard.campaigns (name) VALUES ('draft') RETURNING id AS draft \gset
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at) SELECT unnest(ARRAY[:'alice', :'bob']::uuid[]), :'phone', 999.99, '2026-01-15 12:00+00';

CREATE FUNCTION test_dialer.http(method text, path text, body text DEFAULT '', query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('status', r.status, 'type', r.headers ->> 'content-type', 'challenge', r.headers ->> 'www-authenticate')
         || coalesce(nullif(convert_from(r.body, 'UTF8'), '')::jsonb, '{}')
  FROM switchboard.handle_http(method, path, query, '{"content-type": "application/json"}', convert_to(body, 'UTF8')) r $$;
CREATE FUNCTION test_dialer.says(answer jsonb) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', answer ->> 'status', answer ->> 'detail') $$;
CREATE FUNCTION test_dialer.status_as(claims text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', claims, true);
  RETURN test_dialer.http('GET', '/api/customers/phone') ->> 'status';
END $$;
CREATE TEMP TABLE routes AS SELECT r.method, replace(r.path, '{id}', :'phone') AS path FROM switchboard._http_routes() r WHERE r.access = 'tenant';
GRANT SELECT ON routes TO PUBLIC;
SET LOCAL ROLE switchboard_gateway;

-- Who asks.
SAVEPOINT nobody;
SET LOCAL switchboard.tenant_id = '';
SELECT is(test_dialer.http(method, path, '{}') - 'detail',
  '{"status": 401, "type": "application/problem+json", "challenge": "Bearer", "title": "Unauthorized", "code": "28000"}'::jsonb || '{"type": "about:blank"}', '401: ' || path)
FROM routes;
SELECT is(test_dialer.status_as(claims), '401', 'claims: ' || claims) FROM unnest(ARRAY['{', '[]', '{"tenant_id": "x"}', jsonb_build_object('tenant_id', :'phone')::text]) claims;
SELECT is(test_dialer.status_as(jsonb_build_object('tenant_id', :'tenant')::text), '200', 'claims of PostgREST are an identity');
ROLLBACK TO nobody;
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/campaigns/price-drop')), '405 GET is not possible here', 'another method');

SELECT is((switchboard._http_error(code, 'x')).status, status, 'SQLSTATE ' || code || ' is ' || status)
FROM (VALUES ('22032', 400), ('28000', 401), ('42501', 403), ('P0002', 404), ('SB005', 409), ('SB011', 422), ('SB007', 409), ('54001', 422), ('0A000', 422), ('25006', 503), ('SB002', 503), ('XX000', 500)) e (code, status);

-- Bodies.
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/campaigns/trigger-call', body)), wanted, 'body: ' || left(body, 40))
FROM (VALUES
  ('', '400 the body is not JSON in UTF-8'), ('{', '400 the body is not JSON in UTF-8'), ('campaignId=1', '400 the body is not JSON in UTF-8'),
  (repeat('[', 100000), '400 the body is not JSON in UTF-8'), ('[]', '422 the body must be a JSON object, not array'), ('"x"', '422 the body must be a JSON object, not string'),
  ('null', '422 the body must be a JSON object, not null'), 
  ('{}', '422 field "campaignId" is missing'), ('{"campaignId": null}', '422 field "campaignId" is missing'), ('{"campaignId": 5}', '422 field "campaignId" must be a uuid, not 5'),
  ('{"campaign_id": "x"}', '422 field "campaignId" must be a uuid, not x'), ('{"campaignId": "a", "campaign_id": "b"}', '422 "campaignId" is given twice'),
  (jsonb_build_object('campaignId', :'campaign')::text, '422 field "customerId" is missing'),
  (jsonb_build_object('campaignId', :'campaign', 'customerId', :'alice')::text, '422 field "productId" is missing'),
  (jsonb_build_object('campaignId', :'campaign', 'customerId', :'alice', 'productId', :'phone')::text, '422 field "triggerType" is missing'),
  (jsonb_build_object('campaignId', :'campaign', 'customerId', :'alice', 'productId', :'phone', 'triggerType', 'sale')::text, '422 field "triggerType" must be one of price_drop, stock_alert, promotion, not sale'),
  (jsonb_build_object('campaignId', :'campaign', 'customerId', :'alice', 'productId', :'phone', 'triggerType', 'promotion', 'discountPercent', '15%')::text, '422 field "discountPercent" must be a number, not "15%"')
) v (body, wanted);
SELECT is(test_dialer.http('POST', '/api/campaigns/trigger-call', body) ->> 'status', '422', body) FROM (VALUES ('{"a": 1e999999999}'), ('{"a": "\u0000"}')) v (body);
SELECT is((switchboard.handle_http('POST', '/api/campaigns/promotion', '{}', '{}', '\xff')).status, 400, 'not UTF-8');
SELECT is((switchboard.handle_http('POST', '/api/campaigns/promotion', '{}', '{}', NULL)).status, 400, 'no body at all');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/campaigns/' || route, body::text)), wanted, route || ': ' || body::text)
FROM (VALUES
  ('price-drop', '{"oldPrice": 2, "newPrice": 1}'::jsonb, '422 field "productId" is missing'),
  ('price-drop', jsonb_build_object('productId', :'phone', 'newPrice', 1), '422 field "oldPrice" is missing'),
  ('price-drop', jsonb_build_object('product_id', :'phone', 'old_price', 2), '422 field "newPrice" is missing'),
  ('price-drop', jsonb_build_object('productId', :'phone', 'oldPrice', '2', 'newPrice', 1), '422 field "oldPrice" must be a number, not "2"'),
  ('price-drop', jsonb_build_object('productId', :'phone', 'originalPrice', 2, 'newPrice', 1, 'campaignId', 1), '422 field "campaignId" must be a uuid, not 1'),
  ('stock-alert', '{}', '422 field "productId" is missing'), ('stock-alert', '{"productId": true}', '422 field "productId" must be a uuid, not true'),
  ('promotion', '{}', '422 field "campaignId" is missing')) v (route, body, wanted);

-- Triggering.
CREATE TEMP TABLE answer (body jsonb);
GRANT ALL ON answer TO PUBLIC;
INSERT INTO answer SELECT test_dialer.http('POST', '/api/campaigns/trigger-call', jsonb_build_object('campaignId', :'campaign', 'customerId', :'alice', 'productId', :'phone',
  'triggerType', 'price_drop', 'discountPercent', 15, 'newPrice', 849.99, 'originalPrice', 999.99, 'callSettings', '{"priority": "high"}'::jsonb)::text);
SELECT is(body - '{callId,callTriggerId,scheduledAt,callData,challenge}'::text[], '{"status": 200, "type": "application/json", "success": true}', 'a call is triggered') FROM answer;
SELECT is(body -> 'callData' ->> key, wanted, 'callData: ' || key)
FROM answer, (VALUES ('customer_name', 'Alice'), ('discount', '15%'), ('savings_amount', '150.00'), ('trigger_type', 'price_drop')) w (key, wanted);
SELECT is(jsonb_build_array(g.call_log_id, g.id, g.scheduled_at, g.package), jsonb_build_array(a.body -> 'callId', a.body -> 'callTriggerId', a.body -> 'scheduledAt', a.body -> 'callData'),
  'the answer is what was stored') FROM answer a JOIN switchboard.call_triggers g ON g.id = (a.body ->> 'callTriggerId')::uuid;
SELECT is((SELECT count(*) FROM switchboard.jobs j JOIN answer a ON j.subject_id = (a.body ->> 'callId')::uuid AND j.kind = 'call'), 1::bigint, 'and is to be called');
SELECT is(test_dialer.http('GET', '/api/campaigns/triggers/' || (body ->> 'callTriggerId') || '/package') - '{status,type,challenge}'::text[], body -> 'callData', 'the package is read back') FROM answer;
SELECT is(test_dialer.http('POST', '/api/campaigns/trigger-call', given::text) - '{detail,title,type,challenge}'::text[], wanted::jsonb, 'trigger-call: ' || why)
FROM (VALUES
  ('twice', jsonb_build_object('campaign_id', :'campaign', 'customer_id', :'alice', 'product_id', :'phone', 'trigger_type', 'price_drop'), '{"status": 409, "code": "SB007"}'),
  ('not bought', jsonb_build_object('campaign_id', :'campaign', 'customer_id', :'carol', 'product_id', :'phone', 'trigger_type', 'price_drop'), '{"status": 422, "code": "SB006"}'),
  ('no such customer', jsonb_build_object('campaign_id', :'campaign', 'customer_id', :'theirs', 'product_id', :'phone', 'trigger_type', 'price_drop'), '{"status": 404, "code": "P0002"}'),
  ('not active', jsonb_build_object('campaign_id', :'draft', 'customer_id', :'alice', 'product_id', :'phone', 'trigger_type', 'promotion'), '{"status": 409, "code": "SB005"}'),
  ('a negative price', jsonb_build_object('campaign_id', :'campaign', 'customer_id', :'bob', 'product_id', :'phone', 'trigger_type', 'price_drop', 'new_price', -1), '{"status": 422, "code": "22023"}'),
  ('a huge discount', jsonb_build_object('campaign_id', :'campaign', 'customer_id', :'bob', 'product_id', :'phone', 'trigger_type', 'price_drop', 'discount_percent', 1e300), '{"status": 422, "code": "22023"}')) v (why, given, wanted);
SELECT is(test_dialer.http('POST', '/api/campaigns/price-drop', jsonb_build_object('product_id', :'phone', 'old_price', 999.99, 'new_price', 849.99, 'discount_percent', 15)::text)
  - '{type,challenge,run_ids}'::text[], '{"status": 200, "success": true, "triggered": 1, "skipped": {"already-triggered": 1}, "message": "1 will be called, 1 will not"}', 'a price drop');
SELECT is(test_dialer.http('POST', '/api/campaigns/stock-alert', jsonb_build_object('productId', :'phone', 'campaignId', :'campaign')::text) -> 'triggered', '2', 'a stock alert');
SELECT is(test_dialer.http('POST', '/api/campaigns/promotion', jsonb_build_object('campaignId', :'campaign')::text) -> 'triggered', '2', 'a promotion');
SELECT is(test_dialer.http('POST', '/api/campaigns/promotion', jsonb_build_object('campaignId', :'draft')::text) -> 'status', '409', 'not of a draft');
SELECT is(test_dialer.http('POST', '/api/campaigns/price-drop', jsonb_build_object('productId', :'phone', 'oldPrice', 10, 'newPrice', 10)::text) ->> 'detail',
  'new price 10.00 is not below the original price 10.00', 'a price that does not fall');

SELECT is((switchboard.redeem_coupon(lower(body #>> '{callData,coupon_code}'), contact_id => :'alice', product_id => :'phone')).redeemed_amount, 849.99, 'the coupon of the call is redeemed at the price offered') FROM answer;
SELECT is(jsonb_build_array(r -> 'converted', r -> 'revenue', r -> 'couponValue', r -> 'couponsGiven', r -> 'eligible', r -> 'triggers'), '[1, 849.99, 150.00, 2, 2, 6]', 'and counts for the campaign')
FROM switchboard.campaign_report(:'campaign') r;

-- Customers.
SELECT is(test_dialer.http('GET', '/api/customers/phone', query => '{"email": "ALICE"}') - 'challenge', jsonb_build_object('status', 200, 'type', 'application/json', 'customers',
  jsonb_build_array(jsonb_build_object('id', :'alice', 'name', 'Alice', 'email', 'alice@example.test', 'phone', '+12025550101', 'hasPurchased', true,
                                       'lastPurchaseDate', '2026-01-15 12:00+00'::timestamptz))), 'customers');
SELECT is(test_dialer.http('GET', '/api/customers/phone', query => '{"phone": " 12025550102"}') #>> '{customers,0,name}', 'Bob', 'a plus that was not encoded');
SELECT is(jsonb_array_length(test_dialer.http('GET', '/api/customers/phone', query => jsonb_build_object('product_id', :'phone', 'limit', '1')) -> 'customers'), 1, 'parameters are texts');
SELECT is(test_dialer.http('GET', '/api/customers/phone', query => jsonb_build_object('customerId', :'theirs')) -> 'customers', '[]', 'not those of another tenant');
SELECT is(test_dialer.http('GET', '/api/customers/purchase-history', query => jsonb_build_object('customerId', :'bob')) -> 'total', '1', 'purchases');
SELECT is(test_dialer.says(test_dialer.http('GET', path, query => query)), wanted, path || ' ' || query::text)
FROM (VALUES ('/api/customers/phone', '{"productId": "x"}'::jsonb, '422 parameter "productId" must be a uuid, not x'), ('/api/customers/phone', '{"nonsense": "x"}', '422 unknown parameter: "nonsense"'),
             ('/api/customers/phone', '{"email": ["a", "b"]}', '422 parameter "email" must be a text, not ["a", "b"]'),
             ('/api/customers/purchase-history', '{"limit": "0"}', '422 parameter "limit" must be a whole number from 1 to 500, not 0')) v (path, query, wanted);
SELECT is(test_dialer.http('GET', '/api/customers/phone', query => '{"phone": "x"}') ->> 'status', '422', 'a bad number');

-- Packages.
RESET ROLE;
INSERT INTO switchboard.call_triggers (contact_id, trigger_type, package) VALUES (:'carol', 'promotion', '{"customer_name": "Carol", "new_price": 849.90}') RETURNING id AS trigger \gset
SET LOCAL ROLE switchboard_gateway;
SELECT is(convert_from((switchboard.handle_http('GET', '/api/campaigns/triggers/' || :'trigger' || '/package', NULL, NULL, NULL)).body, 'UTF8'),
  switchboard.get_call_package(:'trigger')::text, 'a package, as it is');
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/campaigns/triggers/' || id || '/package')), '404 no such triggered call: ' || id, 'no such triggered call')
FROM unnest(ARRAY['x', :'phone']) id;

SELECT * FROM finish();
ROLLBACK;
