-- Per-outcome retry rules: what is refused, what next_attempt_at() makes of them, and how the list counts tries.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();
SELECT test_dialer.new_tenant('acme') AS tenant \gset

-- Refused when written.
SELECT throws_ok(format('INSERT INTO switchboard.dialer_campaigns (name, settings) VALUES (''x'', %L)', jsonb_build_object('retry_rules', v.rules::jsonb)),
                 '22023', v.message, 'refused: ' || v.rules)
FROM (VALUES ('[]', 'retry rule of "*": bad rules "[]"'), ('5', 'retry rule of "*": bad rules "5"'), ('null', 'retry rule of "*": bad rules "null"'),
             ('{"busy": 5}', 'retry rule of "busy": bad rule "5"'), ('{"busy": {"delay": -1}}', 'retry rule of "busy": bad delay "-1"'),
             ('{"busy": {"delay": "soon"}}', 'retry rule of "busy": bad delay "soon"'), ('{"busy": {"backoff": 0.5}}', 'retry rule of "busy": bad backoff "0.5"'),
             ('{"busy": {"max_tries": -1}}', 'retry rule of "busy": bad max_tries "-1"'), ('{"busy": {"max_tries": 1.5}}', 'retry rule of "busy": bad max_tries "1.5"'),
             ('{"busy": {"wait": 1}}', 'retry rule of "busy": bad wait "1"'), ('{"bussy": {"delay": 1}}', 'unknown outcome "bussy" in retry_rules'),
             ('{"busy": {}, "Busy": {}}', 'unknown outcome "Busy" in retry_rules')) v (rules, message);
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'power', 3, 3600) AS campaign \gset
SELECT throws_ok(format('UPDATE switchboard.dialer_campaigns SET settings = ''{"retry_rules": {"busy": {"delay": []}}}'' WHERE id = %L', :'campaign'),
                 '22023', 'retry rule of "busy": bad delay "[]"', 'by an update too');
SELECT lives_ok(format('UPDATE switchboard.dialer_campaigns SET settings = jsonb_build_object(''retry_rules'', %L::jsonb) WHERE id = %L',
  (SELECT jsonb_object_agg(o, '{"delay": 60, "backoff": 1, "max_tries": 9}'::jsonb) FROM unnest(enum_range(NULL::switchboard.call_status)::text[]
   || enum_range(NULL::switchboard.call_disposition)::text[] || '{machine,abandoned}'::text[]) o), :'campaign'),
  'statuses of calls, machine, abandoned and dispositions are outcomes');

-- What next_attempt_at makes of them.
UPDATE switchboard.dialer_campaigns SET settings = '{"retry_rules": {"busy": {"delay": 300, "backoff": 2, "max_tries": 5}, "machine": {"delay": 14400},
  "failed": {"max_tries": 1}, "wrong-number": {"max_tries": 0}}}' WHERE id = :'campaign';
SELECT is(switchboard.next_attempt_at(:'campaign', v.outcome, v.attempts, '2026-03-02 10:00+00') - '2026-03-02 10:00+00', v.wait,
          format('%s after %s', v.outcome, v.attempts))
FROM (VALUES ('busy', 1, interval '5 min'), ('busy', 2, '10 min'), ('busy', 4, '40 min'), ('busy', 5, NULL), ('busy', 6, NULL),
             ('machine', 1, '4 h'), ('machine', 2, '4 h'), ('machine', 3, NULL), ('failed', 1, NULL), ('wrong-number', 1, NULL), ('no-answer', 2, '1 h'),
             ('no-answer', 3, NULL), ('bad-number', 1, NULL), ('busy', 0, '5 min')) v (outcome, attempts, wait);

-- What the list makes of them: one person through a day.
CREATE FUNCTION pg_temp.tried(list uuid, outcome text, again boolean DEFAULT true, status text DEFAULT 'failed') RETURNS text LANGUAGE sql AS $$
  UPDATE switchboard.campaign_contacts SET status = 'calling', attempts = attempts + 1, next_attempt_at = NULL WHERE id = list AND again;
  UPDATE switchboard.campaign_contacts SET status = $4::switchboard.campaign_contact_status, last_outcome = outcome WHERE id = list
  RETURNING concat_ws(' ', tries, coalesce((next_attempt_at - now())::text, 'never'));
$$;
SELECT test_dialer.add_people(:'campaign', 3);
SELECT id AS person FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' ORDER BY id LIMIT 1 \gset
SELECT is(pg_temp.tried(:'person', 'busy'), '{"busy": 1} 00:05:00', 'busy');
SELECT is(pg_temp.tried(:'person', 'busy'), '{"busy": 2} 00:10:00', 'busy again: back-off');
SELECT is(pg_temp.tried(:'person', 'machine'), '{"busy": 2, "machine": 1} never', 'a machine: three attempts in all are used up');
UPDATE switchboard.dialer_campaigns SET max_attempts = 5 WHERE id = :'campaign';
SELECT is(pg_temp.tried(:'person', 'busy'), '{"busy": 3, "machine": 1} 00:20:00', 'the third time busy, whatever came between');
SELECT is(pg_temp.tried(:'person', 'no-answer', false), '{"busy": 2, "machine": 1, "no-answer": 1} 01:00:00', 'the same try gets another name: it counts once');
SELECT is(pg_temp.tried(:'person', 'no-answer', false), '{"busy": 2, "machine": 1, "no-answer": 1} 01:00:00', 'said twice, nothing happens');
SELECT is(pg_temp.tried(:'person', 'callback', false, 'callback'), '{"busy": 2, "machine": 1, "callback": 1} 01:00:00',
          'promised without a time: as soon as the interval allows');
UPDATE switchboard.campaign_contacts SET status = 'callback', last_outcome = 'x', next_attempt_at = '2031-01-01' WHERE id = :'person';
UPDATE switchboard.campaign_contacts SET last_outcome = 'interested' WHERE id = :'person';
SELECT is(next_attempt_at, '2031-01-01'::timestamptz, 'a promised time stays, whatever the outcome is called') FROM switchboard.campaign_contacts WHERE id = :'person';
SELECT is(pg_temp.tried(:'person', 'failed'), '{"busy": 2, "failed": 1, "machine": 1, "interested": 1} never', 'a rule that allows one try');
SELECT id AS person FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' ORDER BY id OFFSET 1 LIMIT 1 \gset
UPDATE switchboard.campaign_contacts SET status = 'failed', attempts = 2, last_outcome = 'busy' WHERE id = :'person';
SELECT is(next_attempt_at - now(), interval '10 min', 'tries that nobody noted count as well') FROM switchboard.campaign_contacts WHERE id = :'person';
UPDATE switchboard.campaign_contacts SET last_outcome = 'bad-number', next_attempt_at = NULL WHERE id = :'person';
SELECT is(next_attempt_at, NULL, 'a bad number is not called again') FROM switchboard.campaign_contacts WHERE id = :'person';
UPDATE switchboard.campaign_contacts SET last_outcome = 'no-answer' WHERE id = :'person';
UPDATE switchboard.campaign_contacts SET last_outcome = 'bad-number' WHERE id = :'person';
SELECT is(next_attempt_at, NULL, 'however it is said') FROM switchboard.campaign_contacts WHERE id = :'person';

-- People who are put on the list as failed or to be called back.
INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number, status, attempts, last_outcome, next_attempt_at, created_at)
SELECT :'campaign', '+1202555' || v.number, v.status::switchboard.campaign_contact_status, v.attempts, v.outcome, v.next, v.made
FROM (VALUES (201, 'failed', 1, 'busy', NULL::timestamptz, now()), (202, 'failed', 0, NULL, NULL, now()), (203, 'failed', 9, 'machine', NULL, now()),
             (204, 'callback', 9, NULL, NULL, now()), (205, 'callback', 1, NULL, '2031-01-01', now()), (206, 'failed', 1, 'busy', '2031-01-01', now()),
             (207, 'failed', 1, 'busy', NULL, now() - interval '1 s'), (208, 'callback', 1, NULL, NULL, now() - interval '1 s'))
     v (number, status, attempts, outcome, next, made);
SELECT is((SELECT jsonb_object_agg(right(phone_number, 3), coalesce(nullif(next_attempt_at, '2031-01-01') - now(), CASE WHEN next_attempt_at IS NOT NULL THEN interval '-1' END))
           FROM switchboard.campaign_contacts WHERE phone_number LIKE '+1202555____' IS NOT TRUE AND phone_number ~ '^\+120255520[1-8]$'),
          '{"201": "00:05:00", "202": null, "203": null, "204": "01:00:00", "205": "-00:00:01", "206": "-00:00:01", "207": null, "208": null}',
          'are given a time, unless they bring one or come from a dump');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'and are counted as they are');
SELECT throws_ok(format('INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number, status) VALUES (%L, ''+12025550300'', ''failed'')', switchboard.uuid_v7()),
                 '23503', NULL, 'of no campaign');

SELECT * FROM finish();
ROLLBACK;
