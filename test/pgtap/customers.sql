-- Customers and what they bought; purchases outlive products; packages are read on record.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE ROLE sb_customers_agent LOGIN IN ROLE switchboard_app;
INSERT INTO switchboard.tenants (name, currency, default_region) VALUES ('acme', 'USD', 'US') RETURNING id AS tenant \gset
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
INSERT INTO switchboard.users (tenant_id, name, login_role) VALUES (:'tenant', 'ann', 'sb_customers_agent') RETURNING id AS ann \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, name, email) VALUES (:'tenant', '+12025550101', 'Alice', 'Alice.Doe@Example.test') RETURNING id AS alice \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, first_name, last_name, email) VALUES (:'tenant', '+12025550102', 'Bob', 'O''Hara 🎉', 'bob_100%@example.test') RETURNING id AS bob \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, name) VALUES (:'tenant', '+12025550103', ' ') RETURNING id AS carol \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, name, email) VALUES (:'other', '+12025550101', 'Theirs', 'alice@example.test') RETURNING id AS theirs \gset
INSERT INTO switchboard.products (tenant_id, name, price, currency) VALUES (:'tenant', 'iPhone 15 Pro', 849.99, 'EUR') RETURNING id AS phone \gset
INSERT INTO switchboard.products (tenant_id, name, price) VALUES (:'tenant', 'Case', 10) RETURNING id AS case \gset
INSERT INTO switchboard.products (tenant_id, name, price) VALUES (:'other', 'Secret', 1) RETURNING id AS secret \gset
INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, purchased_at, refunded_at) VALUES
  (:'tenant', :'alice', :'phone', 999.99, '2026-01-15 12:00+00', NULL), (:'tenant', :'alice', :'case', 150, '2026-02-01 12:00+00', NULL),
  (:'tenant', :'bob', :'phone', 999, '2026-03-01 12:00+00', '2026-03-05 12:00+00'), (:'tenant', NULL, :'case', 9.5, '2026-02-01 11:00+00', NULL),
  (:'other', :'theirs', :'secret', 1, now(), NULL);

CREATE SCHEMA test_customers;
GRANT USAGE ON SCHEMA test_customers TO PUBLIC;
CREATE FUNCTION test_customers.found(filters jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws('|', c ->> 'name', c ->> 'hasPurchased', left(c ->> 'lastPurchaseDate', 10)), ', ' ORDER BY c ->> 'phone')
  FROM jsonb_array_elements(switchboard.find_customers(filters) -> 'customers') c $$;

SET SESSION AUTHORIZATION sb_customers_agent;
SET LOCAL timezone = 'UTC';
SELECT is(test_customers.found('{}'), 'Alice|true|2026-02-01, Bob O''Hara 🎉|false, false', 'all customers of the tenant');
SELECT is(test_customers.found(NULL), test_customers.found('{}'), 'no filters');
SELECT is(test_customers.found(f), wanted, 'customers by ' || f::text) FROM (VALUES
  (jsonb_build_object('productId', :'phone'), 'Alice|true|2026-01-15, Bob O''Hara 🎉|false'),
  (jsonb_build_object('product_id', :'case'), 'Alice|true|2026-02-01'),
  (jsonb_build_object('productId', :'secret'), NULL),
  (jsonb_build_object('customerId', :'alice'), 'Alice|true|2026-02-01'),
  (jsonb_build_object('customerId', :'alice', 'productId', :'phone'), 'Alice|true|2026-01-15'),
  (jsonb_build_object('customer_id', :'theirs'), NULL),
  ('{"email": "alice"}', 'Alice|true|2026-02-01'), ('{"email": "EXAMPLE.TEST", "limit": 1}', 'Alice|true|2026-02-01'),
  ('{"email": "%"}', 'Bob O''Hara 🎉|false'), ('{"email": "_"}', 'Bob O''Hara 🎉|false'), ('{"email": "\\"}', NULL), ('{"email": ""}', test_customers.found('{}')),
  ('{"phone": "(202) 555-0102"}', 'Bob O''Hara 🎉|false'), ('{"phone": "tel:+1-202-555-0101"}', 'Alice|true|2026-02-01'),
  ('{"limit": 1, "offset": "1"}', 'Bob O''Hara 🎉|false'), ('{"offset": 3}', NULL), ('{"limit": null}', test_customers.found('{}'))) v (f, wanted);
SELECT is(switchboard.find_customers(jsonb_build_object('customerId', :'carol')), jsonb_build_object('customers', jsonb_build_array(jsonb_build_object(
  'id', :'carol', 'name', NULL, 'email', NULL, 'phone', '+12025550103', 'hasPurchased', false, 'lastPurchaseDate', NULL))), 'every key is there');
SELECT is(switchboard.find_customers('{"email": "nobody"}'), '{"customers": []}', 'nobody');
SELECT throws_ok(format('SELECT switchboard.%s(%L)', f, filters), code, message, f || ' by ' || filters)
FROM unnest('{find_customers,get_purchase_history}'::text[]) f, (VALUES
  ('{"name": "x"}', '22023', 'unknown filter: name'), ('[]', '22023', 'filters must be a JSON object, not array'), ('null', '22023', 'filters must be a JSON object, not null'),
  ('{"productId": "x"}', '22023', 'filter "productId" must be a uuid, not x'), ('{"product_id": 7}', '22023', 'filter "productId" must be a text, not 7'),
  ('{"customerId": []}', '22023', NULL), ('{"email": {}}', '22023', NULL), ('{"limit": 0}', '22023', 'filter "limit" must be 1 to 500, not 0'),
  ('{"limit": 501}', '22023', NULL), ('{"limit": "x"}', '22023', NULL), ('{"limit": 1.5}', '22023', NULL), ('{"limit": true}', '22023', NULL),
  ('{"offset": -1}', '22023', NULL), ('{"limit": 1e12}', '22023', NULL), ('{"limit": {}}', '22023', NULL),
  ('{"productId": null, "product_id": null}', '22023', '"productId" is given twice'), ('{"": 1}', '22023', 'unknown filter: ')) v (filters, code, message);
SELECT throws_ok($$SELECT switchboard.find_customers('{"phone": "x"}')$$, 'SB001', NULL, 'a bad number');

-- Purchases.
SELECT is(switchboard.get_purchase_history(jsonb_build_object('customerId', :'alice', 'productId', :'phone')) #- '{purchases,0,id}',
  jsonb_build_object('total', 1, 'purchases', jsonb_build_array(jsonb_build_object('customerId', :'alice', 'customerName', 'Alice',
    'customerEmail', 'Alice.Doe@Example.test', 'customerPhone', '+12025550101', 'productId', :'phone', 'productName', 'iPhone 15 Pro', 'productPrice', 849.99,
    'quantity', 1, 'purchaseDate', '2026-01-15T12:00:00+00:00', 'amountPaid', 999.99, 'totalAmount', 999.99, 'currency', 'EUR', 'refunded', false))), 'a purchase');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION test_customers.bought(filters jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_path_query_array(h, '$.purchases[*].amountPaid') || (h -> 'total') FROM switchboard.get_purchase_history(filters) h $$;
SET SESSION AUTHORIZATION sb_customers_agent;
SELECT is(test_customers.bought(f), wanted::jsonb, 'purchases by ' || f::text) FROM (VALUES
  ('{}'::jsonb, '[999.00, 150.00, 9.50, 999.99, 4]'), ('{"limit": 1, "offset": 1}', '[150.00, 4]'), ('{"offset": 9}', '[4]'),
  ('{"email": "alice"}', '[150.00, 999.99, 2]'), (jsonb_build_object('customer_id', :'bob'), '[999.00, 1]'), (jsonb_build_object('productId', :'secret'), '[0]'),
  (jsonb_build_object('productId', :'case', 'email', 'bob'), '[0]')) v (f, wanted);
SELECT is(switchboard.get_purchase_history('{"email": "bob"}') #> '{purchases,0,refunded}', 'true', 'a refund shows');
SELECT ok(switchboard.get_purchase_history('{}')::text ~ '"amountPaid": 150\.00', 'money keeps its cents');
RESET SESSION AUTHORIZATION;

-- The product is gone, the purchase stays what it was.
UPDATE switchboard.products SET name = 'Phone (old)' WHERE id = :'phone';
INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, product_name, currency, amount_paid) VALUES
  (:'tenant', :'carol', :'phone', 'As on the bill', 'GBP', 1), (:'tenant', :'carol', NULL, 'Never listed', NULL, 2), (:'tenant', :'carol', :'case', NULL, NULL, 3);
UPDATE switchboard.purchases SET product_id = :'phone' WHERE amount_paid = 3;
UPDATE switchboard.purchases SET product_id = :'case', product_name = 'Sold as' WHERE amount_paid = 2;
DELETE FROM switchboard.products WHERE tenant_id = :'tenant';
SELECT results_eq(format('SELECT product_id, product_name, currency FROM switchboard.purchases WHERE tenant_id = %L ORDER BY amount_paid', :'tenant'),
  $$VALUES (NULL::uuid, 'As on the bill', 'GBP'), (NULL, 'Sold as', NULL), (NULL, 'Phone (old)', 'EUR'), (NULL, 'Case', NULL), (NULL, 'Case', NULL),
           (NULL, 'iPhone 15 Pro', 'EUR'), (NULL, 'iPhone 15 Pro', 'EUR')$$, 'names and currencies outlive the products');
SET SESSION AUTHORIZATION sb_customers_agent;
SELECT is((switchboard.get_purchase_history('{"email": "alice"}') #> '{purchases,1}') - '{id,customerId,customerName,customerEmail,customerPhone,purchaseDate}'::text[],
  '{"productId": null, "productName": "iPhone 15 Pro", "productPrice": null, "quantity": 1, "amountPaid": 999.99, "totalAmount": 999.99, "currency": "EUR", "refunded": false}', 'the history still tells');
SELECT throws_ok(format('INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) VALUES (%L, %L, 1)', :'alice', :'secret'), '23503', NULL, 'nobody buys what another tenant sells');
RESET SESSION AUTHORIZATION;
DELETE FROM switchboard.contacts WHERE id = :'alice';
SELECT is(switchboard.get_purchase_history('{"limit": 500}')::text ~ 'Alice', false, 'who is erased is gone from the history');

-- Reading packages.
INSERT INTO switchboard.call_triggers (tenant_id, contact_id, trigger_type, package) VALUES (:'tenant', :'bob', 'promotion', '{"customer_name": "Bob", "original_price": 150.00}') RETURNING id AS trigger \gset
INSERT INTO switchboard.call_triggers (tenant_id, contact_id, trigger_type) VALUES (:'other', :'theirs', 'promotion') RETURNING id AS their_trigger \gset
SET SESSION AUTHORIZATION sb_customers_agent;
SELECT is(switchboard.get_call_package(:'trigger')::text, '{"customer_name": "Bob", "original_price": 150.00}', 'the package as it is');
SELECT throws_ok(format('SELECT switchboard.get_call_package(%L)', :'their_trigger'), 'P0002', 'no such triggered call: ' || :'their_trigger', 'not of another tenant');
SELECT throws_ok('SELECT switchboard.get_call_package(NULL)', 'P0002', 'no such triggered call: null', 'nor of none');
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT actor, subject, tenant_id FROM switchboard.audit_log WHERE action = ''read-call-package''',
  format('VALUES (%L, %L, %L::uuid)', :'ann', 'call_trigger:' || :'trigger', :'tenant'), 'who read what is on record, once');

SELECT * FROM finish();
ROLLBACK;
