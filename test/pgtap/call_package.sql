-- Money, dates and hours as people write them, and the package of a call.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

SELECT is(switchboard.format_money(amount, currency, locale), result, format('%s %s in %s', amount, currency, locale))
FROM (VALUES
    (849.99, 'USD', 'en-US', '$849.99'), (150, 'USD', 'en-US', '$150.00'), (0, 'USD', 'en', '$0.00'), (-5.5, 'USD', 'en-US', '-$5.50'),
    (1234567.89, 'USD', 'en-US', '$1,234,567.89'), (849.99, 'EUR', 'de-DE', '849,99 €'), (849.99, 'EUR', 'fr', '849,99 €'),
    (849.99, 'EUR', 'es', '849,99 €'), (849.99, 'BRL', 'pt-BR', 'R$ 849,99'), (1500, 'JPY', 'en-US', '¥1,500'),
    (0.125, 'USD', 'en-US', '$0.13'), (0.135, 'USD', 'en-US', '$0.14'), (1, 'eur', 'de_DE', '1,00 €'),
    (9999999999.99, 'USD', 'en-US', '$9,999,999,999.99'), (12345678901234567890.12, 'USD', 'en-US', '$12,345,678,901,234,567,890.12')
) AS t (amount, currency, locale, result);
SELECT is(switchboard.format_money(849.99, 'USD'), '$849.99', 'en-US when no locale is said');
SELECT is(switchboard.format_money(NULL, 'USD'), NULL, 'nothing for nothing');

SELECT is(switchboard.format_date('2026-11-15 02:00+00', zone, locale), result, format('%s in %s', locale, zone))
FROM (VALUES
    ('UTC', 'en-US', 'November 15, 2026'), ('America/New_York', 'en-US', 'November 14, 2026'), ('Asia/Tokyo', 'en-GB', '15 November 2026'),
    ('Europe/Berlin', 'de', '15. November 2026'), ('Europe/Madrid', 'es', '15 de noviembre de 2026'),
    ('Europe/Paris', 'fr-FR', '15 novembre 2026'), ('America/Sao_Paulo', 'pt-BR', '14 de novembro de 2026')) AS t (zone, locale, result);
SET LOCAL timezone = 'Pacific/Kiritimati';
SELECT is(switchboard.format_date('2026-11-15 02:00+00', 'UTC'), 'November 15, 2026', 'whatever the session''s zone is');
RESET timezone;

SELECT throws_ok(call, '22023', message, call)
FROM (VALUES
    ($$SELECT switchboard.format_money(1, 'USD', 'nonsense')$$, 'unknown locale "nonsense"'),
    ($$SELECT switchboard.format_money(1, 'USD', '')$$, 'unknown locale ""'),
    ($$SELECT switchboard.format_money(1, 'XYZ')$$, 'unknown currency "XYZ"'),
    ($$SELECT switchboard.format_money(1, 'dollars')$$, 'unknown currency "dollars"'),
    ($$SELECT switchboard.format_money(1, '')$$, 'unknown currency ""'),
    ($$SELECT switchboard.format_money('NaN', 'USD')$$, 'amount "NaN" cannot be written as money'),
    ($$SELECT switchboard.format_money('-Infinity', 'USD')$$, 'amount "-Infinity" cannot be written as money'),
    ($$SELECT switchboard.format_money(1e1000, 'USD')$$, NULL),
    ($$SELECT switchboard.format_date(now(), 'Mars/Base')$$, 'unknown time zone "Mars/Base"'),
    ($$SELECT switchboard.format_date(now(), 'UTC', 'xx-YY')$$, 'unknown locale "xx-YY"'),
    ($$SELECT switchboard._call_hours_text('14:00', '16:00', 'Mars/Base', now())$$, 'unknown time zone "Mars/Base"')) AS t (call, message);
SELECT throws_ok($$SELECT switchboard.format_date('infinity', 'UTC')$$, '22008', NULL, 'no day is infinite');

SELECT is(switchboard._call_hours_text(opens, closes, zone, at), result, format('%s to %s in %s at %s', opens, closes, zone, at))
FROM (VALUES
    ('14:00'::time, '16:00'::time, 'America/New_York', '2026-01-15 12:00+00'::timestamptz, '2:00 PM - 4:00 PM EST'),
    ('14:00', '16:00', 'America/New_York', '2026-07-15 12:00+00', '2:00 PM - 4:00 PM EDT'),
    ('14:00', '16:00', 'America/New_York', '2026-11-01 05:00+00', '2:00 PM - 4:00 PM EST'),
    ('00:00', '24:00', 'UTC', '2026-07-15 12:00+00', '12:00 AM - 12:00 AM UTC'),
    ('09:30', '12:05', 'Asia/Kathmandu', '2026-07-15 12:00+00', '9:30 AM - 12:05 PM UTC+5:45'),
    ('09:00', '10:00', 'America/Sao_Paulo', '2026-07-15 12:00+00', '9:00 AM - 10:00 AM UTC-3')) AS t (opens, closes, zone, at, result);
SELECT matches(switchboard._call_hours_text('14:00', '16:00', 'Europe/Berlin', now()), '^2:00 PM - 4:00 PM CES?T$', 'plain spaces, plain letters');

CREATE FUNCTION pg_temp.package(name text DEFAULT NULL, script text DEFAULT NULL, before numeric DEFAULT NULL, now numeric DEFAULT NULL,
                                discount numeric DEFAULT NULL, history jsonb DEFAULT NULL, product uuid DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT switchboard._call_package(name, NULL, NULL, product, discount, NULL, NULL, NULL, NULL, before, now, script,
                                     NULL, NULL, NULL, history, NULL, NULL, NULL)
$$;
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(pg_temp.package()) AS k),
    '{best_call_time,call_script,call_trigger_id,campaign_id,campaign_name,coupon_code,customer_email,customer_name,customer_timezone,discount,new_price,original_price,phone_number,priority,product_id,product_name,purchase_history,reason,savings_amount,trigger_type}',
    'every key is there');
SELECT is(jsonb_strip_nulls(pg_temp.package()), '{"purchase_history": []}', 'null, or an empty history, when nothing is known');
SELECT is(jsonb_path_query_array(pg_temp.package(before => 999.99, now => 849.99), '$.*.type()') @> '["number"]', true, 'prices are numbers');
SELECT is(pg_temp.package(before => 999.99, now => 849.99) ->> 'savings_amount', '150.00', 'money is to the cent');
SELECT is(pg_temp.package(before => before, now => now) ->> 'savings_amount', saved, format('saved from %s to %s', before, now))
FROM (VALUES (0.3, 0.1, '0.20'), (9999999999.99, 0, '9999999999.99'), (5, 5, '0.00'), (5, 6, NULL), (NULL, 5, NULL), (5, NULL, NULL),
             ('NaN', 5, NULL), (5, 'NaN', NULL), ('Infinity', 5, NULL)) AS t (before, now, saved);
SELECT is(pg_temp.package(now => price) -> 'new_price', json, 'price ' || price)
FROM (VALUES (849.99, '849.99'::jsonb), (100, '100.00'), (0, '0.00'), (0.1, '0.10'), ('NaN', 'null'), ('Infinity', 'null')) AS t (price, json);
SELECT is(pg_temp.package(discount => percent) ->> 'discount', result, 'discount ' || percent)
FROM (VALUES (15.00, '15%'), (12.50, '12.5%'), (0, '0%'), (100, '100%'), (33.33, '33.33%'), ('NaN', NULL)) AS t (percent, result);
SELECT is(pg_temp.package(history => '[{"product_name": "a\"b", "purchase_date": "2025-11-14", "amount_paid": 10.50}]') -> 'purchase_history',
    '[{"product_name": "a\"b", "purchase_date": "2025-11-14", "amount_paid": 10.50}]', 'the history is taken as it is');
SELECT is(pg_temp.package(product => '01A20003-6aa3-7876-8537-7d8865b795fc') ->> 'product_id', '01a20003-6aa3-7876-8537-7d8865b795fc', 'so are ids');

CREATE FUNCTION pg_temp.names() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT unnest(ARRAY['O''Brien "Bob" \ </script>', '","priority":"high', '{{coupon_code}}', '[Agent Name]', 'Zoë 👩‍👩‍👧', 'مريم العلي', E'a\u0001\n\t\u007f\u0085',
        E'\u202Egnp.exe', '\u0000 \ud800', repeat('x', 100000)])
$$;
SELECT is(pg_temp.package(name, name) - '{customer_name,call_script}'::text[], pg_temp.package() - '{customer_name,call_script}'::text[],
    'a name changes nothing but itself: ' || left(name, 50))
FROM pg_temp.names() AS name;
SELECT is(ARRAY[pg_temp.package(name, name) ->> 'customer_name', pg_temp.package(name, name) ->> 'call_script'], ARRAY[name, name],
    'and is kept: ' || left(name, 50))
FROM pg_temp.names() AS name;

SELECT * FROM finish();
ROLLBACK;
