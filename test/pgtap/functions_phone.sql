-- Phone numbers: what is accepted, what comes out, what is refused.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

-- E.164 of every possible number.
SELECT is(switchboard.normalize_phone(raw, region), result, format('%s in %s', raw, coalesce(region, 'no region')))
FROM (VALUES
    ('+1-555-123-4567', NULL, '+15551234567'),
    ('+1 (415) 555-0100', NULL, '+14155550100'),
    ('(415) 555-0100', 'US', '+14155550100'),
    ('(415) 555-0100', 'us', '+14155550100'),
    ('415.555.0100 ext. 12', 'US', '+14155550100'),
    ('030 123456', 'DE', '+4930123456'),
    ('0049 30 123456', 'DE', '+4930123456'),
    ('011 49 30 123456', 'US', '+4930123456'),
    ('tel:+44-20-7946-0958', NULL, '+442079460958'),
    ('sip:+442079460958@pbx.example', NULL, '+442079460958'),
    ('sips:442079460958@pbx.example', 'GB', '+442079460958'),
    ('whatsapp:+14155550100', NULL, '+14155550100'),
    ('919876543210@s.whatsapp.net', NULL, '+919876543210'),
    ('  +39 06 6982  ', NULL, '+39066982'),
    ('+800 1234 5678', NULL, '+80012345678')) AS t (raw, region, result);

SELECT throws_ok(format('SELECT switchboard.normalize_phone(%L, %L)', raw, region), 'SB001', NULL, raw || ' is refused')
FROM (VALUES ('', 'US'), ('abc', 'US'), ('555-0100', 'US'), ('+1', NULL), ('+14155550100999999', NULL), ('+999123456789', NULL),
             ('415 555 0100', NULL), ('@s.whatsapp.net', NULL), (repeat('9', 5000), 'US')) AS t (raw, region);
SELECT throws_ok($$SELECT switchboard.normalize_phone('not a number', 'US')$$, 'SB001', 'not a phone number: "not a number"',
    'the error names the value');
SELECT throws_ok($$SELECT switchboard.normalize_phone('415 555 0100', 'XX')$$, '22023', NULL, 'an unknown region is a bad argument');
SELECT is(switchboard.normalize_phone(NULL), NULL, 'NULL is NULL');

SELECT is(switchboard.try_normalize_phone('+1 415 555 0100'), '+14155550100', 'try_normalize_phone gives the same');
SELECT is(switchboard.try_normalize_phone('not a number', 'US'), NULL, 'and NULL for what is no number');
SELECT is(switchboard.try_normalize_phone('415 555 0100'), NULL, 'and NULL where the region is missing');
SELECT is(switchboard.try_normalize_phone(NULL, 'US'), NULL, 'NULL is NULL');
SELECT throws_ok($$SELECT switchboard.try_normalize_phone('415 555 0100', 'XX')$$, '22023', NULL, 'an unknown region is an error all the same');

-- The tenant's region counts where none is given.
INSERT INTO switchboard.tenants (id, name, default_region) VALUES ('00000000-0000-0000-0000-00000000000d', 'd', 'DE');
SELECT lives_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000d')$$, 'acting for a German tenant');
SELECT is(switchboard.normalize_phone('030 123456'), '+4930123456', 'national numbers are German');
SELECT is(switchboard.try_normalize_phone('030 123456'), '+4930123456', 'for try_normalize_phone too');
SELECT is(switchboard.normalize_phone('(415) 555-0100', 'US'), '+14155550100', 'an argument goes before it');
SELECT is(switchboard.normalize_phone('+1 415 555 0100'), '+14155550100', 'an international number needs none');
SET LOCAL ROLE switchboard_app;
SELECT is(switchboard.normalize_phone('030 123456'), '+4930123456', 'the application may ask');
RESET ROLE;

SELECT ok(switchboard.phone_is_valid('+14155552671'), 'an assigned range is valid');
SELECT ok(NOT switchboard.phone_is_valid('+15551234567'), 'an unassigned one is not');
SELECT ok(NOT switchboard.phone_is_valid('hello'), 'what is no number is not valid');

SELECT is(switchboard.phone_region('+442079460958'), 'GB', 'the region of a number');
SELECT is(switchboard.phone_region('+80012345678'), NULL, 'international freephone has no region');
SELECT is(switchboard.phone_region('hello'), NULL, 'nor has what is no number');

SELECT is(switchboard.phone_type('+447400123456'), 'mobile', 'a mobile');
SELECT is(switchboard.phone_type('+442079460958'), 'fixed_line', 'a fixed line');
SELECT is(switchboard.phone_type('+14155552671'), 'fixed_line_or_mobile', 'where one cannot tell');
SELECT is(switchboard.phone_type('+18002345678'), 'toll_free', 'toll free');
SELECT is(switchboard.phone_type('hello'), 'unknown', 'what is no number');

SELECT is(switchboard.format_phone('+14155552671'), '+1 415-555-2671', 'international is the default style');
SELECT is(switchboard.format_phone('+14155552671', style), result, style)
FROM (VALUES ('international', '+1 415-555-2671'), ('national', '(415) 555-2671'), ('e164', '+14155552671'),
             ('rfc3966', 'tel:+1-415-555-2671')) AS t (style, result);
SELECT throws_ok($$SELECT switchboard.format_phone('+14155552671', 'fancy')$$, '22023', NULL, 'an unknown style is a bad argument');
SELECT throws_ok($$SELECT switchboard.format_phone('hello')$$, 'SB001', NULL, 'what is no number cannot be formatted');

SELECT is(switchboard.phone_timezones('+14155552671'), ARRAY['America/Los_Angeles'], 'one zone');
SELECT is(switchboard.phone_timezones('+447400123456'),
    ARRAY['Europe/Guernsey', 'Europe/Isle_of_Man', 'Europe/Jersey', 'Europe/London'], 'several zones');
SELECT is(switchboard.phone_timezones('+18002345678'), '{}', 'none for a number of no place');
SELECT is(switchboard.phone_timezones('hello'), '{}', 'none for what is no number');
SELECT is(count(*), 0::bigint, 'PostgreSQL knows every candidate zone')
FROM (VALUES ('+447400123456'), ('+79161234567'), ('+61412345678'), ('+5511987654321'), ('+6281234567890')) AS n (phone),
     unnest(switchboard.phone_timezones(phone)) AS zone
WHERE zone NOT IN (SELECT name FROM pg_timezone_names);

SELECT * FROM finish();
ROLLBACK;
