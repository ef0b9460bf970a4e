-- What customers are worth, and how urgent that makes a call.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('shop') AS tenant \gset
SELECT '2026-11-21 12:00+00'::timestamptz AS at \gset
INSERT INTO switchboard.products (name, price) VALUES ('phone', 999.99) RETURNING id AS product \gset
CREATE FUNCTION pg_temp.person(name text) RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.contacts (phone_number, name)
  SELECT '+1202555' || (SELECT count(*) + 1000 FROM switchboard.contacts), name RETURNING id
$$;
CREATE FUNCTION pg_temp.points(contact uuid) RETURNS int LANGUAGE sql AS $$
  SELECT v.points FROM switchboard._customer_values(switchboard.current_tenant_id(), ARRAY[contact], '2026-11-21 12:00+00') v
$$;
CREATE FUNCTION pg_temp.buy(contact uuid, amount numeric, days numeric, paid_in text DEFAULT NULL, refunded boolean DEFAULT false)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at, currency, refunded_at)
  SELECT contact, p.id, amount, '2026-11-21 12:00+00'::timestamptz - days * interval '24 hours', paid_in, CASE WHEN refunded THEN now() END
  FROM switchboard.products p
$$;

-- Money: 3, 2, 1 or 0 points. A purchase long ago adds nothing else.
SELECT pg_temp.buy(pg_temp.person('m' || amount), amount, 1000)
FROM unnest('{0,0.01,99.99,100,499.99,500,9999999999.99}'::numeric[]) amount;
SELECT results_eq($$SELECT name, pg_temp.points(id) FROM switchboard.contacts WHERE name LIKE 'm%' ORDER BY substr(name, 2)::numeric$$,
  $$VALUES ('m0', 0), ('m0.01', 1), ('m99.99', 1), ('m100', 2), ('m499.99', 2), ('m500', 3), ('m9999999999.99', 3)$$, 'money');
SELECT is(pg_temp.points(pg_temp.person('nobody')), 0, 'who bought nothing is worth nothing yet');

-- Number: 2 points from five purchases on, 1 from two.
SELECT pg_temp.person('often') AS c \gset
SELECT pg_temp.buy(:'c', 0, 1000) FROM generate_series(1, 1);
SELECT is(pg_temp.points(:'c'), 0, 'once');
SELECT pg_temp.buy(:'c', 0, 1000);
SELECT is(pg_temp.points(:'c'), 1, 'twice');
SELECT pg_temp.buy(:'c', 0, 1000) FROM generate_series(1, 2);
SELECT is(pg_temp.points(:'c'), 1, 'four times');
SELECT pg_temp.buy(:'c', 0, 1000);
SELECT is(pg_temp.points(:'c'), 2, 'five times');

-- Age: 2 points up to 90 days, 1 up to a year; the last purchase decides.
SELECT pg_temp.buy(pg_temp.person('r' || days), 0, days) FROM unnest('{0,90,90.001,365,365.001}'::numeric[]) days;
SELECT results_eq($$SELECT name, pg_temp.points(id) FROM switchboard.contacts WHERE name ~ '^r[0-9]' ORDER BY substr(name, 2)::numeric$$,
  $$VALUES ('r0', 2), ('r90', 2), ('r90.001', 1), ('r365', 1), ('r365.001', 0)$$, 'age');
SELECT pg_temp.person('again') AS c \gset
SELECT pg_temp.buy(:'c', 0, 500), pg_temp.buy(:'c', 0, 5);
SELECT is(pg_temp.points(:'c'), 1 + 2, 'the last purchase decides');

-- What does not count.
SELECT pg_temp.person('refunded') AS c \gset
SELECT pg_temp.buy(:'c', 900, 5, refunded => true), pg_temp.buy(:'c', 20, 500);
SELECT results_eq(format('SELECT points, spent, purchases FROM switchboard._customer_values(%L, ARRAY[%L]::uuid[], %L)', :'tenant', :'c', :'at'),
  'VALUES (1, 20.00, 1)', 'refunded purchases do not count');
SELECT pg_temp.person('abroad') AS c \gset
SELECT pg_temp.buy(:'c', 50000, 500, 'JPY');
SELECT results_eq(format('SELECT points, spent FROM switchboard._customer_values(%L, ARRAY[%L]::uuid[], %L)', :'tenant', :'c', :'at'),
  'VALUES (1, 0::numeric)', 'other money is money, but how much is not known');
SELECT pg_temp.buy(:'c', 500, 500, 'USD');
SELECT is(pg_temp.points(:'c'), 4, 'the tenant''s own is');
UPDATE switchboard.products SET currency = 'EUR';
SELECT is((SELECT v.spent FROM switchboard._customer_values(:'tenant', ARRAY[(SELECT id FROM switchboard.contacts WHERE name = 'm500')], :'at') v),
  0::numeric, 'a purchase without currency has the product''s');
UPDATE switchboard.products SET currency = NULL;
INSERT INTO switchboard.purchases (contact_id, amount_paid, purchased_at) VALUES (:'c', 10, '2027-01-01');
SELECT is(pg_temp.points(:'c'), 3 + 1 + 2, 'a purchase ahead of time does no harm, nor one of a product that is gone');

-- Many at once: a row each, in one statement, equal to a recount.
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at, refunded_at)
SELECT c.id, :'product', round((random() * 300)::numeric, 2), :'at'::timestamptz - random() * interval '500 days', CASE WHEN random() < 0.2 THEN now() END
FROM switchboard.contacts c, generate_series(1, 4) WHERE c.name <> 'nobody';
SELECT set_eq(format('SELECT contact_id, points, spent, purchases, last_purchase_at FROM switchboard._customer_values(%L,
    ARRAY(SELECT id FROM switchboard.contacts) || ARRAY(SELECT id FROM switchboard.contacts) || NULL::uuid, %L)', :'tenant', :'at'),
  format($$SELECT c.id,
      (SELECT count(*) FROM (VALUES (0.01), (100), (500)) l (v) WHERE coalesce(sum(p.amount_paid) FILTER (WHERE p.currency IS DISTINCT FROM 'JPY'), 0) >= l.v
         OR l.v = 0.01 AND sum(p.amount_paid) > 0)::int
      + (SELECT count(*) FROM (VALUES (2), (5)) l (v) WHERE count(p.id) >= l.v)::int
      + (SELECT count(*) FROM (VALUES (90), (365)) l (v) WHERE max(p.purchased_at) >= %L::timestamptz - l.v * interval '24 hours')::int,
      coalesce(sum(p.amount_paid) FILTER (WHERE p.currency IS DISTINCT FROM 'JPY'), 0), count(p.id)::int, max(p.purchased_at)
    FROM switchboard.contacts c LEFT JOIN switchboard.purchases p ON p.contact_id = c.id AND p.refunded_at IS NULL GROUP BY c.id$$, :'at'),
  'many at once, each once, as a recount has it');
SELECT is_empty(format('SELECT FROM switchboard._customer_values(%L, %L, %L)', :'tenant', '{}', :'at'), 'nobody asked, nobody answered');

-- Limits of the tenant.
UPDATE switchboard.tenants SET settings = '{"customer_value": {"monetary": [10, 20.5], "recency": [1, 2], "frequency": null}}';
SELECT pg_temp.person('limits') AS c \gset
SELECT pg_temp.buy(:'c', 20.50, 1.5);
SELECT is(pg_temp.points(:'c'), 3 + 0 + 1, 'limits are settings');
SELECT throws_ok(format('UPDATE switchboard.tenants SET settings = ''{"customer_value": %s}''', v), '22023', m, 'refused: ' || v)
FROM (VALUES ('5', 'customer_value must be an object of limits, not 5'), ('[]', 'customer_value must be an object of limits, not []'),
             ('{"money": [1, 2]}', 'customer_value of money must be two rising limits, not [1, 2]'),
             ('{"monetary": 5}', 'customer_value of monetary must be two rising limits, not 5'),
             ('{"monetary": []}', NULL), ('{"monetary": [1]}', NULL), ('{"monetary": [1, 2, 3]}', NULL), ('{"monetary": [2, 1]}', NULL),
             ('{"monetary": [1, 1]}', NULL), ('{"monetary": [0, 1]}', NULL), ('{"monetary": [-1, 1]}', NULL),
             ('{"monetary": ["1", 2]}', NULL), ('{"monetary": [1, "2"]}', NULL), ('{"monetary": [1, null]}', NULL),
             ('{"monetary": [1, 1e13]}', NULL), ('{"recency": [90, 36501]}', NULL), ('{"frequency": {"0": 1, "1": 2}}', NULL)) v (v, m);
UPDATE switchboard.tenants SET settings = '{"customer_value": null}';
SELECT is(pg_temp.points(:'c'), 1 + 0 + 2, 'null means the defaults');

-- Priority: the points, 2 for a price drop, 1 for a stock alert, 1 for 100 saved; 5 are high, 3 medium.
SELECT is(switchboard._trigger_priority(v.points, v.type::switchboard.trigger_type, v.savings)::text, v.priority, format('%s points, %s, saving %s', v.points, v.type, v.savings))
FROM (VALUES (0, 'promotion', NULL, 'low'), (2, 'promotion', 0, 'low'), (3, 'promotion', 0, 'medium'), (4, 'promotion', 99.99, 'medium'),
             (4, 'promotion', 100, 'high'), (5, 'promotion', NULL, 'high'), (7, 'promotion', NULL, 'high'),
             (1, 'stock_alert', NULL, 'low'), (2, 'stock_alert', NULL, 'medium'), (4, 'stock_alert', NULL, 'high'),
             (0, 'price_drop', 99.99, 'low'), (0, 'price_drop', 100, 'medium'), (1, 'price_drop', 0, 'medium'), (2, 'price_drop', 100, 'high'),
             (3, 'price_drop', 150, 'high'), (NULL, 'price_drop', NULL, 'low'), (3, NULL, NULL, 'medium')) v (points, type, savings, priority);

-- To look at.
SELECT pg_temp.person('alice') AS alice \gset
SELECT pg_temp.buy(:'alice', 999.99, 700);
SELECT is(switchboard.customer_value(:'alice', :'at'), jsonb_build_object('contactId', :'alice', 'points', 3, 'spent', 999.99, 'currency', 'USD',
  'purchases', 1, 'lastPurchaseAt', '2024-12-21 12:00+00'::timestamptz, 'priorities', '{"price_drop": "high", "stock_alert": "medium", "promotion": "medium"}'::jsonb),
  'a customer''s value');
SELECT throws_ok($$SELECT switchboard.customer_value(NULL)$$, 'P0002', 'no such contact: null', 'nobody');
SELECT throws_ok($$SELECT switchboard.customer_value('00000000-0000-0000-0000-000000000001')$$, 'P0002', 'no such contact: 00000000-0000-0000-0000-000000000001', 'unknown');
SELECT throws_ok(format('SELECT switchboard.customer_value(%L, NULL)', :'alice'), '22023', 'at must be a time, not null', 'no time');
SELECT throws_ok(format('SELECT switchboard.customer_value(%L, ''infinity'')', :'alice'), '22023', 'at must be a time, not infinity', 'no such time');
SELECT test_dialer.new_tenant('other') AS other \gset
SELECT throws_ok(format('SELECT switchboard.customer_value(%L)', :'alice'), 'P0002', 'no such contact: ' || :'alice', 'another tenant''s');
SELECT is((SELECT v.purchases FROM switchboard._customer_values(:'other', ARRAY[:'alice'::uuid], :'at') v), 0, 'nor do another tenant''s purchases count');

SELECT * FROM finish();
ROLLBACK;
