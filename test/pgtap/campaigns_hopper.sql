-- The hopper: who is taken first, what follows from the contact book, what is left for others.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();
SELECT test_dialer.new_tenant('acme', 'Asia/Tokyo') AS tenant \gset

-- n people with given fields; names are the last digits of numbers.
CREATE FUNCTION pg_temp.person(campaign uuid, number int, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
  SELECT switchboard.add_campaign_contacts(campaign, jsonb_build_array(jsonb_build_object('phone_number', '+1202555' || number) || more))
$$;
CREATE FUNCTION pg_temp.score(number int, score int, opens time DEFAULT NULL, closes time DEFAULT NULL, zone text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.contacts SET lead_score = score, best_call_start = opens, best_call_end = closes, timezone = zone
  WHERE phone_number = '+1202555' || number
$$;
-- A run at an instant of our choosing; the queue in its order.
CREATE FUNCTION pg_temp.run(campaign uuid, at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard._queue_contacts(c, 'manual', at) FROM switchboard.campaigns c WHERE id = campaign;
  RETURN (SELECT string_agg(right(l.phone_number, 4), ' ' ORDER BY q.priority DESC, q.scheduled_at, q.id)
          FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
          WHERE q.campaign_id = campaign AND q.status = 'queued');
END $$;
CREATE FUNCTION pg_temp.list(campaign uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(right(phone_number, 4), concat_ws(' ', lead_score, best_hours)) FROM switchboard.campaign_contacts WHERE campaign_id = campaign
$$;

-- By class, then priority, then lead score, then best hour, then the list.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'preview', 5) AS campaign \gset
SELECT pg_temp.person(:'campaign', n) FROM generate_series(1001, 1009) n;
SELECT pg_temp.person(:'campaign', 1010, '{"priority": 900}'), pg_temp.person(:'campaign', 1011, '{"priority": -5}');
SELECT pg_temp.score(1007, 80), pg_temp.score(1008, 80), pg_temp.score(1009, 95);
SELECT pg_temp.score(1003, 0, '09:00', '11:00', 'Europe/Berlin');
UPDATE switchboard.campaign_contacts SET status = 'failed', last_outcome = 'busy', attempts = 1 WHERE campaign_id = :'campaign' AND right(phone_number, 4) = '1004';
UPDATE switchboard.campaign_contacts SET next_attempt_at = '2026-03-02 08:00+00' WHERE campaign_id = :'campaign' AND right(phone_number, 4) IN ('1004', '1005');
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = '2026-03-02 08:15+00' WHERE campaign_id = :'campaign' AND right(phone_number, 4) = '1006';
SELECT is(pg_temp.run(:'campaign', '2026-03-02 08:30+00'), '1006 1004 1005 1010 1009 1007 1008 1003 1001 1002 1011',
          'callbacks, those due again, then by priority, score, best hour and place on the list');
SELECT is(pg_temp.run(:'campaign', '2026-03-02 08:30+00'), '1006 1004 1005 1010 1009 1007 1008 1003 1001 1002 1011', 'nobody twice');
SELECT is((SELECT array_agg(DISTINCT priority ORDER BY priority) FROM switchboard.dialer_queues WHERE campaign_id = :'campaign'), '{-5,0,900,5000,10000}',
          'the queue knows the class');
SELECT is((SELECT count(*) FROM switchboard.dispatch_decisions WHERE campaign_id = :'campaign' AND stage = 'queue' AND allowed), 11::bigint,
          'every decision is kept');

-- Best hours further down the list than the run looks, in the zone of the contact, the number, the campaign.
SELECT test_dialer.new_campaign(:'tenant', '{"queue_limit": 3}', '{"start":"00:00","end":"24:00"}', 'preview') AS best \gset
SELECT pg_temp.person(:'best', n) FROM generate_series(2001, 2020) n;
SELECT switchboard.add_campaign_contacts(:'best', '[{"phone_number": "+18005552021"}]');
SELECT pg_temp.score(2018, 0, '09:00', '10:00', 'Europe/Berlin'), pg_temp.score(2019, 0, '22:00', '05:00'), pg_temp.score(2002, 0, '09:00', '10:00', 'Asia/Tokyo');
UPDATE switchboard.contacts SET best_call_start = '17:00', best_call_end = '18:00' WHERE phone_number = '+18005552021';
SELECT is(pg_temp.list(:'best') - ARRAY(SELECT n::text FROM generate_series(2001, 2020) n WHERE n NOT IN (2018, 2019, 2002)),
  '{"2018": "0 09:00-10:00 Europe/Berlin", "2019": "0 22:00-05:00 America/New_York", "2002": "0 09:00-10:00 Asia/Tokyo", "2021": "0 17:00-18:00 "}',
  'the list knows the hours');
SELECT is(pg_temp.run(:'best', '2026-03-02 08:30+00'), '2018 2019 2021', 'they come first among equals, wherever they stand');
DELETE FROM switchboard.dialer_queues WHERE campaign_id = :'best';
SELECT is(pg_temp.run(:'best', '2026-03-02 12:30+00'), '2001 2002 2003', 'at another time they do not');
DELETE FROM switchboard.dialer_queues WHERE campaign_id = :'best';
SELECT pg_temp.score(2010, 1), pg_temp.score(2011, 2);
SELECT is(pg_temp.run(:'best', '2026-03-02 08:30+00'), '2011 2010 2018', 'only among equals');

-- What the contact book says reaches every list, and nothing else does.
SELECT test_dialer.new_campaign(:'tenant') AS other \gset
SELECT pg_temp.person(:'other', 2001), pg_temp.person(:'other', 2011);
SELECT is(pg_temp.list(:'other'), '{"2001": "0", "2011": "2"}', 'a list begins with the score of the contact');
UPDATE switchboard.contacts SET lead_score = 7, best_call_start = '09:00', best_call_end = '24:00', timezone = 'Asia/Kolkata' WHERE phone_number IN ('+12025552001', '+12025552011');
SELECT is(pg_temp.list(:'other'), '{"2001": "7 09:00-24:00 Asia/Kolkata", "2011": "7 09:00-24:00 Asia/Kolkata"}', 'many at once');
SELECT is(pg_temp.list(:'best') -> '2001', '"7 09:00-24:00 Asia/Kolkata"', 'on every list');
UPDATE switchboard.contacts SET best_call_end = '09:00' WHERE phone_number = '+12025552001';
UPDATE switchboard.contacts SET best_call_end = NULL, notes = 'x' WHERE phone_number = '+12025552011';
SELECT is(pg_temp.list(:'other'), '{"2001": "7", "2011": "7"}', 'hours that are none are not hours');
SELECT id AS contact FROM switchboard.contacts WHERE phone_number = '+12025552018' \gset
UPDATE switchboard.campaign_contacts SET contact_id = :'contact' WHERE campaign_id = :'other' AND phone_number = '+12025552001';
SELECT is(pg_temp.list(:'other') -> '2001', '"0 09:00-10:00 Europe/Berlin"', 'another contact, another order');
DELETE FROM switchboard.contacts WHERE phone_number IN ('+12025552018', '+12025552011');
SELECT is(pg_temp.list(:'other'), '{"2001": "0", "2011": "0"}', 'a deleted contact leaves none');
SELECT id AS contact FROM switchboard.contacts WHERE phone_number = '+12025552010' \gset
INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number, contact_id) VALUES (:'other', '+12025552099', :'contact'), (:'other', '+12025552098', NULL);
SELECT is(jsonb_build_array(pg_temp.list(:'other') -> '2099', pg_temp.list(:'other') -> '2098'), '["1", "0"]', 'a plain INSERT takes it too');
SELECT is(test_dialer.stats(:'other'), test_dialer.recount(:'other'), 'and is counted once');

-- Priorities of people on the list already.
SELECT is(switchboard.add_campaign_contacts(:'other', '[{"phone_number": "+12025552099", "priority": 40}, {"phone_number": "+12025552098"},
  {"phone_number": "+12025552097", "priority": 3}]') - 'rejected', '{"added": 1, "updated": 2}', 'rows are counted as ever');
SELECT is((SELECT jsonb_object_agg(right(phone_number, 4), priority) FROM switchboard.campaign_contacts WHERE campaign_id = :'other' AND phone_number LIKE '%209_'),
          '{"2097": 3, "2098": 0, "2099": 40}', 'a priority given is taken');
SELECT switchboard.add_campaign_contacts(:'other', '[{"phone_number": "+12025552099"}, {"phone_number": "+12025552097", "priority": 0}, {"phone_number": "+12025552098", "priority": "x"}]');
SELECT is((SELECT jsonb_object_agg(right(phone_number, 4), priority) FROM switchboard.campaign_contacts WHERE campaign_id = :'other' AND phone_number LIKE '%209_'),
          '{"2097": 0, "2098": 0, "2099": 40}', 'none given, none changed');

-- Callbacks go to the agent who promised them.
INSERT INTO switchboard.users (name) VALUES ('Ada') RETURNING id AS ada \gset
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = '2026-03-02 08:00+00', assigned_to = :'ada'
  WHERE campaign_id = :'other' AND phone_number = '+12025552098';
UPDATE switchboard.campaign_contacts SET status = 'failed', assigned_to = :'ada' WHERE campaign_id = :'other' AND phone_number = '+12025552097';
UPDATE switchboard.campaign_contacts SET next_attempt_at = '2026-03-02 08:00+00' WHERE campaign_id = :'other' AND phone_number = '+12025552097';
SELECT is(pg_temp.run(:'other', '2026-03-02 07:59+00') LIKE '%2098%', false, 'not before the promised time');
SELECT is(left(pg_temp.run(:'other', '2026-03-02 08:00+00'), 4), '2098', 'and then first');
SELECT is((SELECT jsonb_object_agg(right(l.phone_number, 4), q.assigned_to) FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
           WHERE q.campaign_id = :'other' AND l.assigned_to IS NOT NULL), jsonb_build_object('2098', :'ada', '2097', NULL), 'for that agent; another try is anybody''s');

SELECT * FROM finish();
ROLLBACK;
