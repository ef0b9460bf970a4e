-- Templates, text messages, coupon codes.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

SELECT is(switchboard.render_template(body, vars), result, body)
FROM (VALUES
    ('hello', '{}'::jsonb, 'hello'), ('', '{}', ''),
    ('Hi {{name}}!', '{"name":"Ada"}', 'Hi Ada!'),
    ('{{a}} {{{a}}} {{&a}}', '{"a":"<b> & \"c\""}', '<b> & "c" <b> & "c" <b> & "c"'),
    ('{{a.b.c}}', '{"a":{"b":{"c":7}}}', '7'),
    ('{{n}} {{t}} {{z}}', '{"n":12.50,"t":true,"z":null}', '12.50 true '),
    ('{{#items}}{{name}},{{/items}}', '{"items":[{"name":"a"},{"name":"b"}]}', 'a,b,'),
    ('{{#items}}<{{.}}>{{/items}}', '{"items":[1,"two"]}', '<1><two>'),
    ('{{#person}}{{name}} of {{company}}{{/person}}', '{"person":{"name":"Ada"},"company":"ACME"}', 'Ada of ACME'),
    ('{{^items}}none{{/items}}', '{"items":[]}', 'none'), ('{{^x}}absent{{/x}}', '{}', 'absent'), ('{{#x}}never{{/x}}', '{}', ''),
    ('{{#ok}}yes{{/ok}}{{^ok}}no{{/ok}}', '{"ok":false}', 'no'),
    ('a{{! a comment }}b', '{}', 'ab'),
    ('{{=<% %>=}}<%name%> {{name}}', '{"name":"x"}', 'x {{name}}'),
    ('{{x}}', '{"x":"{{y}}","y":"z"}', '{{y}}'),
    ('Grüße {{x}} 日本', '{"x":"é"}', 'Grüße é 日本')) AS t (body, vars, result);
SELECT throws_ok($$SELECT switchboard.render_template('{{a}} {{missing}}', '{"a":1}')$$, 'SB012', 'template variable "missing" is missing', 'an absent variable is named');
SELECT throws_ok($$SELECT switchboard.render_template('{{#a}}{{b}}{{/a}}', '{"a":true}')$$, 'SB012', NULL, 'inside a section too');
SELECT lives_ok($$SELECT switchboard.render_template('{{#a}}{{b}}{{/a}}', '{}')$$, 'but not inside one that is skipped');
SELECT throws_ok(format('SELECT switchboard.render_template(%L, %L)', body, vars), '22023', NULL, body)
FROM (VALUES ('{{#a}}', '{}'), ('{{/a}}', '{}'), ('{{#a}}{{/b}}', '{}'), ('{{a', '{"a":1}'), ('x', '[1]')) AS t (body, vars);
SELECT throws_ok($$SELECT switchboard.render_template(repeat('{{x}}', 2000), jsonb_build_object('x', repeat('y', 1000)))$$, '54000', NULL, 'output is bounded');

SELECT results_eq(format('SELECT * FROM switchboard.sms_segments(%L)', body), format('SELECT %L::text, %s, %s', encoding, segments, units),
    format('%s characters: %s', length(body), left(body, 10)))
FROM (VALUES
    ('', 'GSM-7', 1, 0), ('hello', 'GSM-7', 1, 5), (repeat('a', 160), 'GSM-7', 1, 160), (repeat('a', 161), 'GSM-7', 2, 161),
    (repeat('a', 306), 'GSM-7', 2, 306), (repeat('a', 307), 'GSM-7', 3, 307),
    ('€', 'GSM-7', 1, 2), (repeat('a', 159) || '€', 'GSM-7', 2, 161), ('é@£', 'GSM-7', 1, 3),
    (repeat('a', 152) || '€' || repeat('a', 151), 'GSM-7', 2, 305),
    (repeat('a', 152) || '€' || repeat('a', 152), 'GSM-7', 3, 306),
    (repeat('ж', 70), 'UCS-2', 1, 70), (repeat('ж', 71), 'UCS-2', 2, 71), (repeat('ж', 134), 'UCS-2', 2, 134),
    (repeat('ж', 135), 'UCS-2', 3, 135), ('😀', 'UCS-2', 1, 2), (repeat('😀', 35), 'UCS-2', 1, 70)) AS t (body, encoding, segments, units);

SELECT matches(switchboard.generate_coupon_code(reason, discount), result, format('%s %s', reason, discount))
FROM (VALUES ('price drop', 10, '^PRICEDROP-10-[2-9A-HJKMNP-TV-Z]{6}$'), ('VIP', 5, '^VIP-05-[2-9A-HJKMNP-TV-Z]{6}$'),
             ('!', 12.5, '^OFFER-13-[2-9A-HJKMNP-TV-Z]{6}$'), ('x', 100, '^X-100-[2-9A-HJKMNP-TV-Z]{6}$'), ('x', 0, '^X-00-[2-9A-HJKMNP-TV-Z]{6}$')) AS t (reason, discount, result);
SELECT is(count(DISTINCT switchboard.generate_coupon_code('x', 10)), 1000::bigint, 'codes differ') FROM generate_series(1, 1000);
SELECT throws_ok(format('SELECT switchboard.generate_coupon_code(%L, %L)', 'x', discount), '22023', NULL, 'discount ' || discount)
FROM unnest(ARRAY['-1', '100.01', 'NaN', 'Infinity']) AS discount;

SELECT * FROM finish();
ROLLBACK;
