-- Calling windows and retries.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

-- after, zone, hours, result (all UTC); NULL: never
SELECT is(switchboard.next_call_time(after, zone, hours), result, what)
FROM (VALUES
    ('inside is its own answer', '2026-03-02 10:00+00'::timestamptz, 'UTC', '{"start":"09:00","end":"17:00"}'::jsonb, '2026-03-02 10:00+00'::timestamptz),
    ('before the start', '2026-03-02 08:59:59.999999+00', 'UTC', '{"start":"09:00","end":"17:00"}', '2026-03-02 09:00+00'),
    ('the end is exclusive', '2026-03-02 17:00+00', 'UTC', '{"start":"09:00","end":"17:00"}', '2026-03-03 09:00+00'),
    ('the last microsecond counts', '2026-03-02 16:59:59.999999+00', 'UTC', '{"start":"09:00","end":"17:00"}', '2026-03-02 16:59:59.999999+00'),
    ('in their zone', '2026-03-02 12:00+00', 'America/Los_Angeles', '{"start":"09:00","end":"17:00"}', '2026-03-02 17:00+00'),
    ('24:00 is the end of the day', '2026-03-02 23:59+00', 'UTC', '{"start":"09:00","end":"24:00"}', '2026-03-02 23:59+00'),
    ('past midnight', '2026-03-03 01:30+00', 'UTC', '{"start":"22:00","end":"02:00"}', '2026-03-03 01:30+00'),
    ('past midnight, after it', '2026-03-03 02:00+00', 'UTC', '{"start":"22:00","end":"02:00"}', '2026-03-03 22:00+00'),
    ('per weekday: Monday noon break', '2026-03-02 12:00+00', 'UTC', '{"mon":[["09:00","12:00"],["13:00","17:00"]]}', '2026-03-02 13:00+00'),
    ('per weekday: Tuesday waits for Monday', '2026-03-03 10:00+00', 'UTC', '{"mon":[["09:00","12:00"]]}', '2026-03-09 09:00+00'),
    ('days: Saturday waits for Monday', '2026-03-07 10:00+00', 'UTC', '{"start":"09:00","end":"17:00","days":["mon","tue"]}', '2026-03-09 09:00+00'),
    ('days name where a window starts', '2026-03-03 01:00+00', 'UTC', '{"start":"22:00","end":"02:00","days":["mon"]}', '2026-03-03 01:00+00'),
    ('no window starts on a holiday', '2026-12-25 10:00+00', 'UTC', '{"start":"09:00","end":"17:00","holidays":["2026-12-25"]}', '2026-12-26 09:00+00'),
    ('one that started before it goes on', '2026-12-25 01:00+00', 'UTC', '{"start":"22:00","end":"02:00","holidays":["2026-12-25"]}', '2026-12-25 01:00+00'),
    ('no day, no window', '2026-03-02 10:00+00', 'UTC', '{"start":"09:00","end":"17:00","days":[]}', NULL),
    ('spring forward: 02:30 does not exist', '2026-03-08 08:00+00', 'America/New_York', '{"start":"02:30","end":"04:00","days":["sun"]}', '2026-03-15 06:30+00'),
    ('the same day, before the change', '2026-03-08 06:00+00', 'America/New_York', '{"start":"02:30","end":"04:00","days":["sun"]}', '2026-03-08 07:00+00'),
    ('fall back: the repeated hour is inside twice', '2026-11-01 06:30+00', 'America/New_York', '{"start":"01:00","end":"02:00"}', '2026-11-01 06:30+00'),
    ('the window follows the wall clock', '2026-03-09 12:59+00', 'America/New_York', '{"start":"09:00","end":"17:00"}', '2026-03-09 13:00+00'),
    ('zone names in any case', '2026-03-02 10:00+00', 'europe/berlin', '{"start":"09:00","end":"17:00"}', '2026-03-02 10:00+00'))
    AS t (what, after, zone, hours, result);

SELECT throws_ok(format('SELECT switchboard.next_call_time(now(), %L, %L)', zone, hours), '22023', NULL, format('%s in %s', hours, zone))
FROM (VALUES
    ('Mars/Olympus', '{"start":"09:00","end":"17:00"}'), ('', '{"start":"09:00","end":"17:00"}'),
    ('UTC', '{}'), ('UTC', '[]'), ('UTC', '{"start":"09:00"}'), ('UTC', '{"start":"09:00","end":"09:00"}'),
    ('UTC', '{"start":"9 am","end":"17:00"}'), ('UTC', '{"start":"09:60","end":"17:00"}'), ('UTC', '{"start":"25:00","end":"17:00"}'),
    ('UTC', '{"start":"24:00","end":"17:00"}'), ('UTC', '{"start":9,"end":17}'), ('UTC', '{"start":"09:00","end":"17:00","days":["monday"]}'),
    ('UTC', '{"start":"09:00","end":"17:00","holidays":["2026-02-30"]}'), ('UTC', '{"mon":["09:00","12:00"]}'),
    ('UTC', '{"mon":[["09:00"]]}'), ('UTC', '{"start":"09:00","end":"17:00","mon":[]}'), ('UTC', '{"start":"09:00","end":"17:00","colour":"red"}'))
    AS t (zone, hours);
SELECT throws_ok($$SELECT switchboard.next_call_time('infinity', 'UTC', '{"start":"09:00","end":"17:00"}')$$, '22008', NULL, 'infinity has no next');
SELECT is(switchboard.next_call_time(NULL, 'UTC', '{"start":"09:00","end":"17:00"}'), NULL, 'NULL is NULL');
SELECT is((SELECT array_agg(DISTINCT switchboard.next_call_time(a, z, h)) FROM (VALUES
        ('2026-03-02 08:00+00'::timestamptz, 'UTC', '{"start":"09:00","end":"17:00"}'::jsonb),
        ('2026-03-02 08:00+00', 'UTC', '{"start":"10:00","end":"17:00"}'), ('2026-03-02 08:00+00', 'UTC', '{"start":"09:00","end":"17:00"}')) t (a, z, h)),
    ARRAY['2026-03-02 09:00+00'::timestamptz, '2026-03-02 10:00+00'], 'hours that change from row to row are each obeyed');

-- When to try again.
INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('00000000-0000-0000-0000-00000000000a', 'a', 'Europe/Berlin');
SET session_replication_role = replica;   -- the broken one is refused otherwise
INSERT INTO switchboard.campaigns (id, tenant_id, user_id, name, max_attempts, retry_interval, active_hours, timezone, settings) VALUES
    ('00000000-0000-0000-0000-0000000000c1', '00000000-0000-0000-0000-00000000000a', NULL, 'plain', 3, 3600, '{"start":"00:00","end":"24:00"}', 'UTC', '{}'),
    ('00000000-0000-0000-0000-0000000000c2', '00000000-0000-0000-0000-00000000000a', NULL, 'rules', 5, 3600, '{"start":"00:00","end":"24:00"}', 'UTC',
     '{"retry_rules":{"busy":{"delay":600,"backoff":2},"no-answer":{"max_attempts":1}}}'),
    ('00000000-0000-0000-0000-0000000000c3', '00000000-0000-0000-0000-00000000000a', NULL, 'hours', 3, 3600, '{"start":"09:00","end":"17:00"}', NULL, '{}'),
    ('00000000-0000-0000-0000-0000000000c4', '00000000-0000-0000-0000-00000000000a', NULL, 'broken', 3, 3600, '{"start":"09:00","end":"17:00"}', 'UTC',
     '{"retry_rules":{"busy":{"delay":"soon"}}}');
SET session_replication_role = origin;

SELECT is(switchboard.next_attempt_at(('00000000-0000-0000-0000-0000000000' || c)::uuid, outcome, attempts, '2026-03-02 10:00+00'), result,
    format('%s: %s after %s', c, outcome, attempts))
FROM (VALUES
    ('c1', 'failed', 1, '2026-03-02 11:00+00'::timestamptz), ('c1', 'failed', 2, '2026-03-02 11:00+00'), ('c1', 'failed', 3, NULL), ('c1', 'failed', 9, NULL),
    ('c2', 'busy', 1, '2026-03-02 10:10+00'), ('c2', 'busy', 2, '2026-03-02 10:20+00'), ('c2', 'busy', 4, '2026-03-02 11:20+00'), ('c2', 'busy', 5, NULL),
    ('c2', 'no-answer', 1, NULL), ('c2', 'failed', 1, '2026-03-02 11:00+00'),
    ('c3', 'failed', 1, '2026-03-02 11:00+00')) AS t (c, outcome, attempts, result);
SELECT is(switchboard.next_attempt_at('00000000-0000-0000-0000-0000000000c3', 'failed', 1, '2026-03-02 15:30+00'), '2026-03-03 08:00+00',
    'after hours it waits for the morning of the tenant''s zone');
SELECT throws_ok($$SELECT switchboard.next_attempt_at('00000000-0000-0000-0000-0000000000ff', 'busy', 1)$$, 'P0002', NULL, 'an unknown campaign');
SELECT throws_ok($$SELECT switchboard.next_attempt_at('00000000-0000-0000-0000-0000000000c4', 'busy', 1)$$, '22023', NULL, 'a malformed rule');

-- The trigger: the same, at the time of the transaction.
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, status, attempts, last_outcome)
SELECT '00000000-0000-0000-0000-00000000000a', ('00000000-0000-0000-0000-0000000000' || c)::uuid, phone, 'calling', attempts, outcome
FROM (VALUES ('c1', '+14155550101', 1, NULL), ('c1', '+14155550103', 3, NULL), ('c2', '+14155550101', 2, 'busy'),
             ('c2', '+14155550102', 1, 'no-answer'), ('c3', '+14155550101', 1, NULL)) AS t (c, phone, attempts, outcome);
SELECT is(count(next_attempt_at), 0::bigint, 'an insert changes nothing') FROM switchboard.campaign_contacts;

UPDATE switchboard.campaign_contacts SET status = 'failed';
SELECT is(next_attempt_at, switchboard.next_attempt_at(campaign_id, coalesce(last_outcome, 'failed'), attempts),
    format('%s after %s in %s', last_outcome, attempts, right(campaign_id::text, 2)))
FROM switchboard.campaign_contacts;
SELECT is((SELECT next_attempt_at FROM switchboard.campaign_contacts WHERE attempts = 3), NULL, 'no attempt left, no time');
SELECT is((SELECT next_attempt_at - now() FROM switchboard.campaign_contacts WHERE last_outcome = 'busy'), '20 minutes', 'back-off by the outcome');

UPDATE switchboard.campaign_contacts SET next_attempt_at = '2030-01-01', status = status;
SELECT is(count(*), 5::bigint, 'a status that stays changes nothing') FROM switchboard.campaign_contacts WHERE next_attempt_at = '2030-01-01';
UPDATE switchboard.campaign_contacts SET status = 'completed';
SELECT is(count(*), 5::bigint, 'other statuses change nothing') FROM switchboard.campaign_contacts WHERE next_attempt_at = '2030-01-01';
UPDATE switchboard.campaign_contacts SET status = 'failed', next_attempt_at = '2031-01-01';
SELECT is(count(*), 0::bigint, 'a failure is rescheduled whatever the statement says') FROM switchboard.campaign_contacts WHERE next_attempt_at >= '2030-01-01';
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = '2031-01-01';
SELECT is(count(*), 5::bigint, 'a call back keeps the promised time') FROM switchboard.campaign_contacts WHERE next_attempt_at = '2031-01-01';
UPDATE switchboard.campaign_contacts SET status = 'failed', attempts = attempts + 1;
UPDATE switchboard.campaign_contacts SET status = 'callback';
SELECT is(count(*), 5::bigint, 'one without a time gets one, attempts or not') FROM switchboard.campaign_contacts WHERE next_attempt_at > now();
UPDATE switchboard.campaign_contacts SET campaign_id = '00000000-0000-0000-0000-0000000000c4', status = 'pending' WHERE last_outcome = 'busy';
SELECT throws_ok($$UPDATE switchboard.campaign_contacts SET status = 'failed' WHERE last_outcome = 'busy'$$, '22023', NULL, 'a malformed rule stops the update');

CREATE TEMP TABLE plain (status text);
INSERT INTO plain VALUES ('x');
CREATE TRIGGER wrong BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION switchboard.schedule_next_attempt();
SELECT throws_ok($$UPDATE plain SET status = 'failed'$$, '42703', NULL, 'a table without its columns');
CREATE TEMP TABLE after_trigger (updated_at timestamptz);
INSERT INTO after_trigger VALUES (now());
CREATE TRIGGER wrong AFTER UPDATE ON after_trigger FOR EACH ROW EXECUTE FUNCTION switchboard.schedule_next_attempt();
SELECT throws_ok($$UPDATE after_trigger SET updated_at = now()$$, '39P01', NULL, 'a trigger fired in another way');

SELECT * FROM finish();
ROLLBACK;
