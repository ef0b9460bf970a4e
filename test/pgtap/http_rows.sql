-- Routes of tables that a client keeps: contacts, products, purchases, numbers not to be called, recorded messages; and of coupons.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
\ir support/http.sql
SELECT test_dialer.new_tenant('other') AS other \gset
INSERT INTO switchboard.contacts (phone_number) VALUES ('+12025550101') RETURNING id AS theirs \gset
INSERT INTO switchboard.products (name) VALUES ('theirs') RETURNING id AS theirproduct \gset
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (name) VALUES ('Ann') RETURNING id AS ann \gset
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor') RETURNING id AS sue \gset
INSERT INTO switchboard.users (name) VALUES ('Ben') RETURNING id AS ben \gset
SELECT test_dialer.new_campaign(:'tenant', type => 'manual') AS campaign \gset
SET LOCAL ROLE switchboard_gateway;

SELECT test_dialer.http('POST', '/api/contacts', '{"phone_number": "(202) 555-0101", "name": "Alice", "metadata": {"a": {"b": null}}, "source": null}') AS made \gset
SELECT :'made'::jsonb ->> 'id' AS alice \gset
SELECT is(:'made'::jsonb @> jsonb_build_object('status', 201, 'location', '/api/contacts/' || :'alice', 'phone_number', '+12025550101', 'lead_status', 'new', 'metadata', '{"a": {"b": null}}'::jsonb) AND NOT :'made'::jsonb ? 'tenant_id', true, 'a contact');
SELECT is(test_dialer.http('POST', '/api/contacts', '{"phoneNumber": "+12025550101"}') ->> 'code', '23505', 'one per number');
SELECT is(test_dialer.status('POST', '/api/contacts', '{"phoneNumber": "+12025550101"}'), 409, 'a second is a conflict');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/contacts', '{"phone_number": "+1 202 555 0101", "name": "Bob"}')),
  '409 there is already one with phoneNumber +1 202 555 0101', 'which names what there is, and no index');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/products', '{"name": "Case", "currency": "usd"}')),
  '422 field "currency" cannot be "usd"', 'what a check refuses is named by its field');
SELECT is(test_dialer.body('PATCH', '/api/contacts/' || :'alice', '{"leadStatus": "hot", "name": null, "phoneNumber": "202-555-0102", "allowsSms": false, "metadata": {}}') @>
  '{"lead_status": "hot", "name": null, "phone_number": "+12025550102", "allows_sms": false, "metadata": {}}', true, 'a change');
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/contacts/' || :'alice', '{"timezone": "Mars/X"}')), '422 unknown time zone: Mars/X', 'a zone that is none');
SELECT is(test_dialer.body('PATCH', '/api/contacts/' || :'alice', '{"leadScore": 5.0, "timezone": "Europe/Berlin"}') -> 'lead_score', '5', 'a whole number, however written');
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/contacts/' || :'alice', '{"allowsSms": null}')), '422 field "allowsSms" must not be null', 'what cannot be empty');
SELECT is(test_dialer.body('GET', '/api/contacts', query => query) -> 'total', wanted::jsonb, 'contacts that fit ' || query)
FROM (VALUES ('{}', '1'), ('{"phoneNumber": " 12025550102"}', '1'), ('{"phoneNumber": "202-555-0101"}', '0'), ('{"leadStatus": "hot", "company": "x"}', '0')) v (query, wanted);
SELECT is(test_dialer.status('GET', '/api/contacts', query => query), 422, 'no list: ' || query) FROM (VALUES ('{"phoneNumber": "x"}'), ('{"name": "x"}'), ('{"tenantId": "x"}'), ('{"leadStatus": "cold"}')) v (query);
SELECT count(test_dialer.status('POST', '/api/contacts', jsonb_build_object('phoneNumber', '+1202555020' || i)::text)) AS more FROM generate_series(0, 6) i \gset
SELECT is((SELECT count(DISTINCT c ->> 'id') FROM test_dialer.follow('/api/contacts', 'contacts', query) c), wanted, 'page by page ' || query) FROM (VALUES ('{"limit": "3"}', 8::bigint), ('{"limit": "3", "offset": "1"}', 7), ('{"limit": "8"}', 8)) v (query, wanted);

SELECT test_dialer.body('POST', '/api/products', '{"name": "Case", "price": 29.99, "stock": 0}') ->> 'id' AS product \gset
SELECT is(test_dialer.status('POST', '/api/purchases', jsonb_build_object('contactId', :'alice', 'productId', :'product', 'amountPaid', 29.99)::text), 201, 'a purchase');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/purchases', body::text)), wanted, 'no purchase: ' || body::text)
FROM (VALUES (jsonb_build_object('contactId', :'theirs', 'productId', :'product', 'amountPaid', 1), '404 no such contact: ' || :'theirs'), (jsonb_build_object('contactId', :'alice', 'productId', :'theirproduct', 'amountPaid', 1), '404 no such product: ' || :'theirproduct'),
  (jsonb_build_object('contactId', :'alice', 'productId', :'product', 'amountPaid', -1), '422 field "amountPaid" must be a number from 0 to 9999999999.99, not -1'), (jsonb_build_object('contactId', :'alice', 'productId', :'product', 'amountPaid', 'NaN'), '422 field "amountPaid" must be a number from 0 to 9999999999.99, not "NaN"')) v (body, wanted);
SELECT is(test_dialer.body('GET', '/api/purchases', query => '{"contactId": "' || :'alice' || '", "productId": "' || :'product' || '"}') #>> '{purchases,0,product_name}', 'Case', 'what was bought');
SELECT is(test_dialer.body('PATCH', '/api/products/' || :'product', '{"stock": 3}') -> 'stock', '3', 'a refilled stock');
RESET ROLE;
UPDATE switchboard.campaigns SET product_id = :'product' WHERE id = :'campaign';
SET LOCAL ROLE switchboard_gateway;
SELECT is(test_dialer.status('PATCH', '/api/products/' || :'product', '{"price": 19.99}'), 200, 'a lower price');
SELECT is((SELECT count(*) FROM switchboard.call_triggers WHERE product_id = :'product' AND trigger_type = 'price_drop'), 1::bigint, 'calls who bought it');
SELECT test_dialer.body('POST', '/api/coupons', jsonb_build_object('discountPercent', 15, 'contactId', :'alice', 'reason', 'spring')::text) ->> 'code' AS code \gset
SELECT matches(:'code'::text, '^SPRING-15-', 'a coupon');
SELECT is(test_dialer.status('POST', '/api/coupons/redeem', jsonb_build_object('code', :'code', 'amount', 10)::text), wanted, 'redeemed: ' || wanted) FROM (VALUES (200), (422)) v (wanted);

-- Everybody adds numbers, only supervisors take them away.
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT test_dialer.body('POST', '/api/do-not-call', '{"phoneNumber": "+12025550200", "channel": "voice"}') ->> 'id' AS entry \gset
SELECT is(test_dialer.status('POST', '/api/do-not-call', '{"phoneNumber": "+12025550200", "channel": "voice"}'), 409, 'a number once');
SELECT is(test_dialer.says(test_dialer.http('DELETE', '/api/do-not-call/' || :'entry')), '403 entry ' || :'entry' || ' is not yours to change', 'an agent takes none away');
SELECT test_dialer.body('POST', '/api/dialer/voicemails', '{"name": "hello", "audioUrl": "https://a.example/1.mp3"}') ->> 'id' AS message \gset
SELECT test_dialer.act_for(:'tenant', :'ben');
SELECT is(test_dialer.status(method, '/api/dialer/voicemails/' || :'message'), 404, method || ' of another agent''s message') FROM (VALUES ('GET'), ('DELETE')) v (method);
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.status('DELETE', '/api/do-not-call/' || :'entry'), 204, 'a supervisor does');
SELECT is(test_dialer.status('DELETE', '/api/dialer/voicemails/' || :'message'), 204, 'also a message');
SELECT is(test_dialer.status(method, path, body), 404, method || ' ' || path || ' of another tenant')
FROM (VALUES ('GET', '/api/contacts/' || :'theirs', ''), ('PATCH', '/api/contacts/' || :'theirs', '{"name": "x"}'), ('PATCH', '/api/contacts/' || :'theirs', '{}'), ('DELETE', '/api/contacts/' || :'theirs', ''), ('DELETE', '/api/products/' || :'theirproduct', '')) v (method, path, body);
RESET ROLE;
SELECT is((SELECT jsonb_build_array(name, phone_number) FROM switchboard.contacts WHERE id = :'theirs'), '[null, "+12025550101"]', 'which is as it was');

SELECT * FROM finish();
ROLLBACK;
