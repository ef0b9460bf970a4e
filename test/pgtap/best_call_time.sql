-- When people are best called: preferences, usual hours, what calls teach, the counts behind it.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();
SELECT setseed(0.42);

SELECT test_dialer.new_tenant('learner', 'America/New_York') AS tenant \gset
-- A Tuesday, eight in the morning in New York.
SELECT '2026-11-17 13:00+00'::timestamptz AS at \gset
CREATE FUNCTION pg_temp.person(phone text, zone text DEFAULT NULL, opens time DEFAULT NULL, closes time DEFAULT NULL, company text DEFAULT NULL)
RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.contacts (phone_number, timezone, best_call_start, best_call_end, company)
  VALUES (phone, zone, opens, closes, company) RETURNING id
$$;
CREATE FUNCTION pg_temp.hours(contact uuid, at timestamptz DEFAULT '2026-11-17 13:00+00') RETURNS text LANGUAGE sql AS $$
  SELECT format('%s %s-%s %s', b.source, b.opens, b.closes, b.zone)
  FROM switchboard._best_call_hours(switchboard.current_tenant_id(), ARRAY[contact], at) b
$$;
CREATE FUNCTION pg_temp.call(contact uuid, local timestamp, reached boolean, zone text DEFAULT 'America/New_York') RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.call_logs (lead_id, to_number, status, started_at, dialed_at, answered_at)
  SELECT contact, '+12125550100', CASE WHEN reached THEN 'completed' ELSE 'no-answer' END::switchboard.call_status, local AT TIME ZONE zone,
         local AT TIME ZONE zone, CASE WHEN reached THEN local AT TIME ZONE zone END
$$;

-- What the contact prefers.
SELECT is(pg_temp.hours(pg_temp.person('+12125550101', NULL, '09:30', '11:00')), 'preferred 09:30:00-11:00:00 America/New_York', 'a preference');
SELECT is(pg_temp.hours(pg_temp.person('+12125550102', 'Asia/Tokyo', '22:00', '02:00')), 'preferred 22:00:00-02:00:00 Asia/Tokyo', 'past midnight, elsewhere');
SELECT is(pg_temp.hours(pg_temp.person('+12125550103', NULL, '20:00', '24:00')), 'preferred 20:00:00-24:00:00 America/New_York', 'until midnight');
SELECT is(pg_temp.hours(pg_temp.person('+12125550104', NULL, '24:00', '08:00:59.9')), 'preferred 00:00:00-08:00:00 America/New_York', 'to the minute, from midnight');
SELECT is(pg_temp.hours(pg_temp.person('+1212555011' || n, NULL, opens::time, closes::time)), 'usual 14:00:00-16:00:00 America/New_York',
          format('%s to %s is no preference', opens, closes))
FROM (VALUES (0, NULL, NULL), (1, '09:00', NULL), (2, NULL, '09:00'), (3, '09:00', '09:00'), (4, '24:00', '24:00'), (5, '00:00', '00:00'),
             (6, '09:00:01', '09:00:59'), (7, '24:00', '00:00')) v (n, opens, closes);

-- Whose clock.
SELECT is(pg_temp.hours(pg_temp.person('+13125550100')), 'usual 14:00:00-16:00:00 America/Chicago', 'the number''s zone');
SELECT is(pg_temp.hours(pg_temp.person('+18005550100')), 'usual 14:00:00-16:00:00 America/New_York', 'the tenant''s when the number has many');
SELECT is(pg_temp.hours(pg_temp.person('+13125550101', 'Europe/Berlin')), 'usual 14:00:00-16:00:00 Europe/Berlin', 'the contact''s before both');

-- The tenant's usual hours.
SELECT pg_temp.person('+12125550120') AS ann \gset
UPDATE switchboard.tenants SET settings = '{"best_call_hours": {"start": "10:30", "end": "12:00"}}';
SELECT is(pg_temp.hours(:'ann'), 'usual 10:30:00-12:00:00 America/New_York', 'usual hours are a setting');
UPDATE switchboard.tenants SET settings = '{"best_call_hours": {"start": "10:30", "end": "12:00"}, "calling_hours": {"start": "13:00", "end": "18:30"}}';
SELECT is(pg_temp.hours(:'ann'), 'usual 13:00:00-15:00:00 America/New_York', 'never outside calling hours');
UPDATE switchboard.tenants SET settings = '{"calling_hours": {"mon": [["09:00", "12:00"]], "tue": [["09:15", "10:45"]], "wed": [["09:30", "11:30"]], "fri": [["13:00", "17:00"]]}}';
SELECT is(pg_temp.hours(:'ann'), 'usual 10:00:00-11:00:00 America/New_York', 'one hour when Wednesday has no two: Tuesday has none');
SELECT is(pg_temp.hours(:'ann', '2026-11-18 16:59+00'), 'usual 14:00:00-16:00:00 America/New_York', 'over on Wednesday, nothing on Thursday, Friday''s');
SELECT is(pg_temp.hours(:'ann', '2026-11-21 16:59+00'), 'usual 09:00:00-11:00:00 America/New_York', 'Saturday: Monday''s');
UPDATE switchboard.tenants SET settings = '{"calling_hours": {"start": "09:15", "end": "09:45"}}';
SELECT is(pg_temp.hours(:'ann'), 'usual 14:00:00-16:00:00 America/New_York', 'no whole hour at all: the usual ones, the law has the last word');
SELECT throws_ok(format('UPDATE switchboard.tenants SET settings = ''{"best_call_hours": %s}''', v), '22023',
                 'best_call_hours must be a start and a later end of the same day, not ' || v, 'refused: ' || v)
FROM unnest(ARRAY['5', '[]', '{}', '{"start": "14:00"}', '{"end": "16:00", "start": "16:00"}', '{"end": "02:00", "start": "22:00"}',
  '{"end": "25:00", "start": "14:00"}', '{"end": "16:00", "start": 14}', '{"end": "16:00", "start": "9:00"}', '{"end": "16:00", "days": [], "start": "14:00"}',
  '{"end": "16:60", "start": "14:00"}', '"14:00-16:00"']) v;
UPDATE switchboard.tenants SET settings = '{"best_call_hours": null}';
SELECT is(pg_temp.hours(:'ann'), 'usual 14:00:00-16:00:00 America/New_York', 'null means the default');

-- Own calls: a few answers at one hour move the window there, and what was no attempt does not.
SELECT pg_temp.call(:'ann', d + time '18:20', true) FROM generate_series('2026-11-11'::timestamp, '2026-11-16', '1 day') d;
SELECT is(pg_temp.hours(:'ann'), 'learned 17:00:00-19:00:00 America/New_York', 'always answered at six');
SELECT is(pg_temp.hours(:'ann', '2027-11-30'), 'usual 14:00:00-16:00:00 America/New_York', 'more than a year ago is forgotten');
UPDATE switchboard.tenants SET settings = '{"calling_hours": {"start": "09:00", "end": "18:00"}}';
SELECT is(pg_temp.hours(:'ann'), 'learned 14:00:00-16:00:00 America/New_York', 'hours outside calling hours are not offered however good');
UPDATE switchboard.tenants SET settings = '{}';
UPDATE switchboard.call_logs SET answered_by = 'machine' WHERE lead_id = :'ann';
SELECT is(pg_temp.hours(:'ann'), 'learned 14:00:00-16:00:00 America/New_York', 'machines answered');
UPDATE switchboard.call_logs SET answered_by = 'unknown' WHERE lead_id = :'ann';
SELECT is(pg_temp.hours(:'ann'), 'learned 17:00:00-19:00:00 America/New_York', 'perhaps a human');
UPDATE switchboard.call_logs SET direction = 'inbound' WHERE lead_id = :'ann';
SELECT is(pg_temp.hours(:'ann'), 'usual 14:00:00-16:00:00 America/New_York', 'inbound calls are no attempts');
UPDATE switchboard.call_logs SET direction = 'outbound', status = 'failed', answered_at = NULL WHERE lead_id = :'ann';
SELECT is(pg_temp.hours(:'ann'), 'usual 14:00:00-16:00:00 America/New_York', 'nor are failed ones');
UPDATE switchboard.call_logs SET started_at = 'infinity', dialed_at = NULL, answered_at = 'infinity' WHERE lead_id = :'ann';
SELECT is(pg_temp.hours(:'ann'), 'usual 14:00:00-16:00:00 America/New_York', 'nor such that began at no time');
DELETE FROM switchboard.call_logs;
SELECT pg_temp.call(:'ann', '2026-11-03 14:30', false) FROM generate_series(1, 4);
SELECT is(pg_temp.hours(:'ann'), 'learned 15:00:00-17:00:00 America/New_York', 'repeated failures lower an hour');
DELETE FROM switchboard.call_logs;
SELECT pg_temp.call(:'ann', d::date + time '18:20', true) FROM generate_series('2026-10-20'::timestamp, '2026-11-16', '6 days') d;
SELECT is(pg_temp.hours(:'ann'), 'learned 17:00:00-19:00:00 America/New_York', 'by the clock on the wall, across the end of summer time');
DELETE FROM switchboard.call_logs;

-- The law of the place.
DELETE FROM switchboard.compliance_overrides WHERE rule = 'calling_window';
SELECT pg_temp.person('+14015550100') AS rhode \gset
SELECT pg_temp.call(c, d + time '19:30', true), pg_temp.call(c, d + time '20:30', true), pg_temp.call(c, d + time '21:30', true)
FROM generate_series('2026-11-09'::timestamp, '2026-11-16', '1 day') d, unnest(ARRAY[:'rhode', :'ann']::uuid[]) c;
SELECT is(pg_temp.hours(:'ann'), 'learned 19:00:00-21:00:00 America/New_York', 'until nine in the evening');
SELECT is(pg_temp.hours(:'rhode'), 'learned 14:00:00-16:00:00 America/New_York', 'Rhode Island: until six');
DELETE FROM switchboard.call_logs;

-- What everybody's calls teach: a planted hour is found, a few calls are not believed.
UPDATE switchboard.tenants SET settings = '{"calling_hours": {"mon": [["09:00", "20:00"]], "tue": [["09:00", "20:00"]], "wed": [["09:00", "20:00"]]}}';
CREATE FUNCTION pg_temp.campaign(n int, company text, good_hour int) RETURNS void LANGUAGE sql AS $$
  WITH people AS (
    INSERT INTO switchboard.contacts (phone_number, company)
    SELECT '+1312555' || to_char(i + CASE WHEN company IS NULL THEN 2000 ELSE 4000 END, 'FM0000'), company FROM generate_series(1, n) i
    ON CONFLICT (tenant_id, phone_number) DO UPDATE SET company = excluded.company RETURNING id
  )
  -- Mentions the person, so that each gets a time of their own.
  SELECT pg_temp.call(p.id, m.local, random() < CASE WHEN extract(hour FROM m.local) IN (good_hour, good_hour + 1) THEN 0.45 ELSE 0.2 END, 'America/Chicago')
  FROM people p, LATERAL (SELECT '2026-11-02'::timestamp + (p.id IS NULL)::int * interval '1 day'
                                 + floor(random() * 3) * interval '1 day' + floor(random() * 660 + 540) * interval '1 minute' AS local OFFSET 0) m
$$;
SELECT pg_temp.person('+13125550199') AS bob, pg_temp.person('+13125550198', company => 'Acme') AS acme, pg_temp.person('+442071838750') AS british \gset
SELECT pg_temp.campaign(25, NULL, 17);
SELECT is(switchboard.run_maintenance('call-times'), '{"tenants": 1}', 'maintenance does it');
SELECT switchboard.refresh_call_times(:'at');
SELECT is(pg_temp.hours(:'bob'), 'usual 14:00:00-16:00:00 America/Chicago', 'with few calls the usual hours stay');
SELECT pg_temp.campaign(900, NULL, 17), pg_temp.campaign(900, 'Acme', 9);
SELECT switchboard.refresh_call_times(:'at');
SELECT is(pg_temp.hours(:'bob'), 'learned 17:00:00-19:00:00 America/Chicago', 'private people are reached at five');
SELECT is(pg_temp.hours(:'acme'), 'learned 09:00:00-11:00:00 America/Chicago', 'companies at nine');
SELECT alike(pg_temp.hours(:'british'), 'learned % Europe/London', 'people of a country that nobody called: from everybody''s calls');
SELECT is(pg_temp.hours(:'bob', '2026-11-18 00:30+00'), pg_temp.hours(:'bob'), 'half past six: not over yet');

-- The counts are those of a recount, the rates what _call_time_rates() says.
CREATE FUNCTION pg_temp.recount(at timestamptz) RETURNS TABLE (segment text, hour int, tried bigint, reached bigint) LANGUAGE sql AS $$
  WITH heard AS (
    SELECT CASE WHEN k.company IS NULL THEN 'US private' ELSE 'US company' END AS segment, c.dialed_at AT TIME ZONE
             coalesce(k.timezone, (switchboard.phone_timezones(k.phone_number))[1]) AS local,
           c.answered_at IS NOT NULL AND c.answered_by IS DISTINCT FROM 'machine' AND c.answered_by IS DISTINCT FROM 'fax' AS reached
    FROM switchboard.call_logs c JOIN switchboard.contacts k ON k.id = c.lead_id
    WHERE c.direction = 'outbound' AND (c.status IN ('completed', 'busy', 'no-answer') OR c.answered_at IS NOT NULL)
      AND c.started_at BETWEEN at - interval '180 days' AND at)
  SELECT s.segment, (extract(isodow FROM h.local)::int - 1) * 24 + extract(hour FROM h.local)::int, count(*), count(*) FILTER (WHERE h.reached)
  FROM heard h, LATERAL (VALUES (h.segment), ('all')) s (segment) GROUP BY 1, 2
$$;
CREATE VIEW pg_temp.cells AS SELECT c.segment, h.hour::int - 1 AS hour, h.tried, h.reached
  FROM switchboard.call_time_cells c, unnest(c.tried, c.reached) WITH ORDINALITY h (tried, reached, hour) WHERE h.tried > 0;
-- Outcomes, directions and answers of all kinds, moved contacts.
UPDATE switchboard.call_logs SET status = (enum_range(NULL::switchboard.call_status))[1 + floor(random() * 8)::int] WHERE random() < 0.3;
UPDATE switchboard.call_logs SET answered_by = (enum_range(NULL::switchboard.answered_by))[1 + floor(random() * 4)::int] WHERE random() < 0.5;
UPDATE switchboard.call_logs SET direction = 'inbound' WHERE random() < 0.05;
UPDATE switchboard.call_logs SET started_at = started_at - interval '200 days' WHERE random() < 0.05;
UPDATE switchboard.contacts SET timezone = 'Asia/Kathmandu' WHERE random() < 0.1;
UPDATE switchboard.contacts SET company = NULL WHERE random() < 0.1;
DELETE FROM switchboard.call_logs WHERE random() < 0.1;
SELECT results_ne('SELECT * FROM pg_temp.cells ORDER BY 1, 2', $$SELECT * FROM pg_temp.recount('2026-11-17 13:00+00') ORDER BY 1, 2$$, 'calls have changed');
SELECT is(switchboard.refresh_call_times(:'at'), 1, 'a refresh');
SELECT set_eq('SELECT * FROM pg_temp.cells', $$SELECT * FROM pg_temp.recount('2026-11-17 13:00+00')$$, 'and the counts are those of the calls');
SELECT set_eq($$SELECT segment, rates FROM switchboard.call_time_cells$$,
  $$SELECT s.segment, r.rates[168 * s.n - 167 : 168 * s.n]
    FROM (VALUES (1, 'US company'), (2, 'US private'), (3, 'all')) s (n, segment),
         (SELECT switchboard._call_time_rates(a.tried || b.tried, a.reached || b.reached, '{14,15}') AS rates
          FROM switchboard.call_time_cells a, switchboard.call_time_cells b WHERE (a.segment, b.segment) = ('US company', 'US private')) r$$, 'rates follow from them');
UPDATE switchboard.tenants SET settings = settings || '{"best_call_hours": {"start": "11:00", "end": "12:00"}}';
SELECT set_eq($$SELECT rates FROM switchboard.call_time_cells WHERE segment = 'all'$$,
  $$SELECT (switchboard._call_time_rates(a.tried || b.tried, a.reached || b.reached, '{11}'))[337:504]
    FROM switchboard.call_time_cells a, switchboard.call_time_cells b WHERE (a.segment, b.segment) = ('US company', 'US private')$$, 'at once from other usual hours');
SELECT is((SELECT c.tried[1:168] FROM switchboard._counted_call_times(:'tenant', :'at', 20) c WHERE c.segment = 'all'),
  (SELECT array_agg(coalesce(r.n, 0) ORDER BY h) FROM generate_series(0, 167) h LEFT JOIN (
     SELECT switchboard._hour_of_week(c.dialed_at, coalesce(k.timezone, (switchboard.phone_timezones(k.phone_number))[1])) AS h, count(*) AS n
     FROM (SELECT * FROM switchboard.call_logs c ORDER BY c.started_at DESC, c.id DESC LIMIT 20) c
     JOIN switchboard.contacts k ON k.id = c.lead_id WHERE switchboard._is_attempt(c.direction, c.status, c.answered_at) GROUP BY 1) r USING (h)), 'of many calls the newest');

-- Every window, reckoned anew from the calls: own attempts with decay on top of similar people, best two hours of Tuesday.
SELECT pg_temp.call(k.id, '2026-11-03'::timestamp + floor(random() * 14) * interval '1 day' + floor(random() * 24) * interval '1 hour' + random() * interval '59 minutes',
                    random() < 0.5, 'America/Chicago')
FROM (SELECT id FROM switchboard.contacts WHERE phone_number LIKE '+1312555%' ORDER BY phone_number LIMIT 200) k, generate_series(1, 12);
SELECT set_eq(format($$SELECT b.contact_id, b.opens, b.closes FROM switchboard._best_call_hours(%L, ARRAY(SELECT id FROM switchboard.contacts
                        WHERE phone_number LIKE '+13125552%%'), %L) b$$, :'tenant', :'at'), format($$
  WITH own AS (
    SELECT k.id, CASE WHEN k.company IS NULL THEN 'US private' ELSE 'US company' END AS segment, extract(isodow FROM t.local)::int AS day,
           extract(hour FROM t.local)::int AS hour, c.answered_at IS NOT NULL AND coalesce(c.answered_by, 'human') IN ('human', 'unknown') AS reached,
           0.9 ^ (row_number() OVER (PARTITION BY k.id, extract(isodow FROM t.local), extract(hour FROM t.local) ORDER BY c.dialed_at DESC) - 1) AS weight
    FROM switchboard.contacts k
    LEFT JOIN switchboard.call_logs c ON c.lead_id = k.id AND c.direction = 'outbound' AND (c.answered_at IS NOT NULL OR c.status IN ('completed', 'busy', 'no-answer'))
                                     AND c.started_at > %1$L::timestamptz - interval '1 year'
    CROSS JOIN LATERAL (SELECT c.dialed_at AT TIME ZONE coalesce(k.timezone, (switchboard.phone_timezones(k.phone_number))[1]) AS local) t
    WHERE k.phone_number LIKE '+13125552%%'
  ), person AS (
    SELECT o.id, o.segment, h AS hour, coalesce(sum(o.weight * CASE WHEN o.day = 2 THEN 1 ELSE 0.5 END) FILTER (WHERE o.hour = h), 0) AS n,
           coalesce(sum(o.weight * CASE WHEN o.day = 2 THEN 1 ELSE 0.5 END) FILTER (WHERE o.hour = h AND o.reached), 0) AS y
    FROM own o, generate_series(9, 19) h GROUP BY 1, 2, 3
  ), rated AS (
    SELECT p.id, p.hour, (p.y + 5 * c.rates[24 + p.hour + 1]) / (p.n + 5) AS rate
    FROM person p JOIN switchboard.call_time_cells c ON c.segment = p.segment
  )
  SELECT DISTINCT ON (a.id) a.id, make_time(a.hour, 0, 0) AS opens, make_time(a.hour + 2, 0, 0) AS closes
  FROM rated a JOIN rated b ON b.id = a.id AND b.hour = a.hour + 1
  ORDER BY a.id, round((a.rate + b.rate)::numeric, 10) DESC, a.hour$$, :'at'), 'each window is that of a plain reckoning');

-- One tenant learns nothing of another; who has no calls has no cells.
SELECT test_dialer.new_tenant('other', 'America/Chicago') AS other \gset
SELECT pg_temp.person('+13125550199') AS other_bob \gset
SELECT is(switchboard.refresh_call_times(), 2, 'every tenant');
SELECT is(pg_temp.hours(:'other_bob'), 'usual 14:00:00-16:00:00 America/Chicago', 'another tenant knows nothing');
SELECT is_empty(format('SELECT FROM switchboard.call_time_cells WHERE tenant_id = %L', :'other'), 'and has no cells');
SELECT is_empty(format('SELECT FROM switchboard._best_call_hours(%L, ARRAY[%L]::uuid[], now())', :'other', :'bob'), 'a contact of somebody else is none');
SET LOCAL ROLE switchboard_app;
SELECT is_empty('SELECT FROM switchboard.call_time_cells', 'nor does it see the first one''s');
SELECT throws_ok('SELECT switchboard.refresh_call_times()', '42501', NULL, 'the application does not refresh');
RESET ROLE;
SELECT is(switchboard.refresh_call_times(max_time => '0'), 1, 'when the time is over, one tenant at least');

-- Nothing is left of calls that are gone.
DELETE FROM switchboard.call_logs;
SELECT switchboard.refresh_call_times();
SELECT is_empty('SELECT FROM switchboard.call_time_cells', 'no calls, no cells');

-- The answer that explains itself.
SELECT switchboard.set_identity(:'tenant');
UPDATE switchboard.tenants SET settings = '{"calling_hours": {"start": "13:00", "end": "17:00"}}' WHERE id = :'tenant';
SELECT pg_temp.person('+12125550177', NULL, '15:15', '16:45') AS eve \gset
SELECT pg_temp.call(:'eve', '2026-11-10 14:10', true), pg_temp.call(:'eve', '2026-11-03 14:10', false);
SELECT switchboard.refresh_call_times(:'at');
SELECT is(switchboard.best_call_time(:'eve', :'at'), jsonb_build_object('contactId', :'eve', 'opens', '15:15', 'closes', '16:45',
  'timezone', 'America/New_York', 'source', 'preferred', 'nextAt', '2026-11-17 20:15+00'::timestamptz, 'weekday', 'tue',
  'ownCalls', '{"tried": 2, "reached": 1}'::jsonb, 'similarCalls', '{"segment": "US private", "tried": 2, "reached": 1}'::jsonb,
  'hours', (SELECT jsonb_agg(jsonb_build_object('hour', h - 25, 'similarRate', round(c.rates[h]::numeric, 4), 'rate',
                     round(((CASE h WHEN 39 THEN 1 ELSE 0 END + 5 * c.rates[h]) / (CASE h WHEN 39 THEN 1.9 ELSE 0 END + 5))::numeric, 4)) ORDER BY h)
            FROM switchboard.call_time_cells c, generate_series(38, 41) h WHERE c.segment = 'US private')), 'an answer that explains itself');
SELECT is(switchboard.best_call_time(:'ann', :'at') - 'hours', jsonb_build_object('contactId', :'ann', 'opens', '14:00', 'closes', '16:00',
  'timezone', 'America/New_York', 'source', 'usual', 'nextAt', '2026-11-17 19:00+00'::timestamptz, 'weekday', 'tue',
  'ownCalls', '{"tried": 0, "reached": 0}'::jsonb, 'similarCalls', '{"segment": "US private", "tried": 2, "reached": 1}'::jsonb), 'of somebody never called');
SELECT throws_ok('SELECT switchboard.best_call_time(NULL)', 'P0002', 'no such contact: null', 'nobody');
SELECT throws_ok(format('SELECT switchboard.best_call_time(%L)', :'other_bob'), 'P0002', 'no such contact: ' || :'other_bob', 'another tenant''s');
SELECT throws_ok(format('SELECT switchboard.best_call_time(%L, %L)', :'eve', v), '22023', 'at must be a time, not ' || v, v) FROM unnest('{infinity,-infinity}'::text[]) v;
SELECT throws_ok(format('SELECT switchboard.best_call_time(%L, NULL)', :'eve'), '22023', 'at must be a time, not null', 'no time');

-- The parts refuse what does not fit.
SELECT throws_ok($$SELECT switchboard._call_time_rates('{1}', '{1}', '{}')$$, '22023', NULL, 'no week of counts');
SELECT throws_ok($$SELECT switchboard._call_time_rates(array_fill(1, '{168}'), array_fill(2, '{168}'), '{}')$$, '22023', 'of 1 attempts 2 cannot have reached anybody', 'more than tried');
SELECT throws_ok($$SELECT switchboard._call_time_rates('{NULL}', '{}', '{}')$$, '22004', NULL, 'a null');
SELECT throws_ok($$SELECT switchboard._personal_rates('{0.5}', '{}')$$, '22023', 'a week has 168 rates, not 1', 'no week of rates');
SELECT throws_ok($$SELECT switchboard._personal_rates(array_fill(0.5, '{168}'), '{169}')$$, '22023', NULL, 'no such hour');
SELECT throws_ok($$SELECT switchboard._best_call_window(array_fill(0.5, '{168}'), 168)$$, '22023', 'a week has no hour 168', 'no such hour');
SELECT throws_ok($$SELECT switchboard._open_hours('{"start": "09:00"}')$$, '22023', NULL, 'no hours');

SELECT * FROM finish();
ROLLBACK;
