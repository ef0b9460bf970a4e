-- What agents conclude about calls, and what follows: lists, contacts, tasks, do-not-call, feed; settings; second thoughts.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme', 'America/New_York') AS tenant \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Ann', 'agent') RETURNING id AS ann \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Bob', 'agent') RETURNING id AS bob \gset
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'manual', 5, 3600) AS campaign \gset
SELECT test_dialer.add_people(:'campaign', 20, 12025550100);
SELECT switchboard.set_identity(:'tenant', :'ann');
CREATE FUNCTION pg_temp.call_to(phone text, campaign uuid, status text DEFAULT 'completed') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE call uuid;
BEGIN
  SELECT id INTO call FROM switchboard.make_call(phone, campaign_id => campaign);
  PERFORM test_dialer.call_event(call, 'in-progress', 2);
  IF status <> 'answered' THEN
    PERFORM test_dialer.call_event(call, status, 3, '&CallDuration=30');
  END IF;
  RETURN call;
END $$;
CREATE FUNCTION pg_temp.person(phone text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', status, attempts, last_outcome) FROM switchboard.campaign_contacts WHERE phone_number = phone $$;
CREATE FUNCTION pg_temp.lead(phone text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', lead_status, lead_score) FROM switchboard.contacts WHERE phone_number = phone $$;

-- Each of them on an ended call of a campaign.
CREATE TEMP TABLE cases AS
SELECT d, n, '+1202555010' || n AS phone, pg_temp.call_to('+1202555010' || n, :'campaign') AS call
FROM unnest(enum_range(NULL::switchboard.call_disposition)) WITH ORDINALITY AS x (d, n);
SELECT is(jsonb_build_array(c.disposition, c.user_id, c.notes, c.call_id), jsonb_build_array(x.d, :'ann', 'said so', x.call), 'recorded: ' || x.d)
  FROM cases x, LATERAL switchboard.create_disposition(x.call, x.d::text, ' said so ') c;
SELECT is(pg_temp.person(x.phone), v.person, x.d || ': the list') FROM cases x JOIN (VALUES
  ('interested', 'completed 1 interested'), ('not-interested', 'completed 1 not-interested'), ('callback', 'callback 1 callback'),
  ('wrong-number', 'completed 1 wrong-number'), ('no-answer', 'failed 1 no-answer'), ('voicemail', 'failed 1 voicemail'),
  ('do-not-call', 'do-not-call 1 do-not-call'), ('qualified', 'completed 1 qualified'), ('not-qualified', 'completed 1 not-qualified')) v (d, person) ON v.d = x.d::text;
SELECT is(pg_temp.lead(x.phone), v.lead, x.d || ': the lead') FROM cases x JOIN (VALUES
  ('interested', 'qualified 20'), ('not-interested', 'new 0'), ('callback', 'new 0'), ('wrong-number', 'new 0'), ('qualified', 'hot 30')) v (d, lead) ON v.d = x.d::text;
SELECT is((SELECT array_agg(phone_number || ' ' || coalesce(channel::text, 'all') || ' ' || source) FROM switchboard.do_not_call), '{"+12025550107 all disposition"}', 'do-not-call suppresses the number on all channels');
SELECT is((SELECT allowed FROM switchboard.can_contact('+12025550107', 'sms')), false, 'at once');
SELECT is((SELECT jsonb_agg(jsonb_build_array(actor, subject)) FROM switchboard.audit_log WHERE action = 'do-not-call'), jsonb_build_array(jsonb_build_array(:'ann', 'phone:+12025550107')), 'and is in the audit log');
SELECT ok((SELECT next_attempt_at IS NOT NULL FROM switchboard.campaign_contacts WHERE phone_number = '+12025550103'), 'a callback without a date comes as soon as the campaign may');
SELECT is((SELECT assigned_to FROM switchboard.campaign_contacts WHERE phone_number = '+12025550103'), :'ann', 'from whoever promised it');
SELECT is((SELECT count(*) FROM switchboard.tasks), 0::bigint, 'no date, no task');
SELECT is((SELECT count(*) FROM switchboard.activities WHERE kind = 'call' AND detail = 'said so'), 9::bigint, 'each is a line of the contact''s history');
SELECT is((SELECT array_agg(x.d::text ORDER BY x.d) FROM cases x JOIN switchboard.contacts k ON k.phone_number = x.phone WHERE k.last_contact_at IS NULL),
  '{wrong-number,no-answer,voicemail}', 'who was spoken to was contacted');
SELECT is((SELECT count(*) FROM switchboard.events WHERE event = 'call-disposition' AND data ->> 'userId' = :'ann'), 9::bigint, 'each is in the feed');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'the statistics are those of a recount');

-- A promised time.
SELECT pg_temp.call_to('+12025550110', :'campaign') AS call \gset
SELECT follow_up_date AS promised FROM switchboard.create_disposition(:'call', 'callback', 'after lunch', date_trunc('hour', now()) + interval '2 days') \gset
SELECT is((SELECT jsonb_build_array(status, next_attempt_at, assigned_to) FROM switchboard.campaign_contacts WHERE phone_number = '+12025550110'),
  jsonb_build_array('callback', :'promised'::timestamptz, :'ann'), 'the list holds the promised time and the agent');
SELECT is((SELECT jsonb_build_array(title, description, due_date, user_id, priority, status, call_log_id) FROM switchboard.tasks),
  jsonb_build_array('Call back P10', 'after lunch', (:'promised'::timestamptz AT TIME ZONE 'America/New_York')::date, :'ann', 'high', 'pending', :'call'), 'the agent has a task, by the tenant''s calendar');
SELECT is((SELECT next_follow_up_at FROM switchboard.contacts WHERE phone_number = '+12025550110'), :'promised'::timestamptz, 'the contact says when');
SELECT lives_ok(format('SELECT switchboard.create_disposition(%L, ''callback'', NULL, date_trunc(''day'', now()))', :'call'), 'midnight of today is not the past');
SELECT is((SELECT count(*) FROM switchboard.tasks), 1::bigint, 'another date changes the task');
SELECT is((SELECT next_attempt_at FROM switchboard.campaign_contacts WHERE phone_number = '+12025550110'), date_trunc('day', now()), 'and the list');
-- It is due: whoever calls them next is not disturbed by second thoughts about the old call.
SELECT switchboard.run_campaign(:'campaign');
SELECT is((SELECT count(*) FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id WHERE l.phone_number = '+12025550110' AND q.status = 'queued'), 1::bigint, 'a due callback is queued');
SELECT switchboard.create_disposition(:'call', 'not-interested');
SELECT is(pg_temp.person('+12025550110'), 'completed 1 not-interested', 'the newest counts');
SELECT is((SELECT q.status || ' ' || q.reason FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id WHERE l.phone_number = '+12025550110'), 'skipped disposition', 'who waited in the queue does so no more');
SELECT switchboard.create_disposition(:'call', 'no-answer');
SELECT ok((SELECT status = 'failed' AND next_attempt_at > now() + interval '59 minutes' FROM switchboard.campaign_contacts WHERE phone_number = '+12025550110'), 'back to another attempt, by the campaign''s rules');
UPDATE switchboard.campaigns SET settings = '{"retry_rules": {"voicemail": {"delay": 86400}}}' WHERE id = :'campaign';
SELECT switchboard.create_disposition(:'call', 'voicemail');
SELECT ok((SELECT status = 'failed' AND next_attempt_at > now() + interval '23 hours' FROM switchboard.campaign_contacts WHERE phone_number = '+12025550110'), 'of this outcome');
SELECT pg_temp.call_to('+12025550110', :'campaign', 'answered') AS later \gset
SELECT switchboard.create_disposition(:'call', 'interested');
SELECT is(pg_temp.person('+12025550110'), 'calling 2 voicemail', 'an old call does not touch the person once they are called again');
SELECT is(pg_temp.lead('+12025550110'), 'qualified 20', 'but the lead moves');
SELECT switchboard.create_disposition(:'call', 'interested');
SELECT is(pg_temp.lead('+12025550110'), 'qualified 20', 'points are given once');
SELECT switchboard.create_disposition(:'call', 'qualified');
SELECT is(pg_temp.lead('+12025550110'), 'hot 30', 'more are topped up');
SELECT switchboard.create_disposition(:'call', 'not-qualified');
SELECT is(pg_temp.lead('+12025550110'), 'hot 30', 'and nothing is taken back');

-- While the call goes on.
SELECT switchboard.create_disposition(:'later', 'callback', NULL, now() + interval '1 hour');
SELECT is(pg_temp.person('+12025550110'), 'callback 2 callback', 'what is concluded counts at once');
SELECT is((SELECT reason FROM switchboard.can_contact('+12025550110', 'voice', now(), :'campaign')), 'on-a-call',
  'but no campaign rings somebody who is on a call');
SELECT test_dialer.call_event(:'later', 'completed', 3, '&CallDuration=50');
SELECT is((SELECT jsonb_build_array(status, attempts, last_outcome, next_attempt_at, assigned_to) FROM switchboard.campaign_contacts WHERE phone_number = '+12025550110'),
  jsonb_build_array('callback', 2, 'callback', now() + interval '1 hour', :'ann'), 'the end of the call does what was concluded');
SELECT pg_temp.call_to('+12025550111', :'campaign', 'answered') AS live \gset
SELECT switchboard.create_disposition(:'live', 'do-not-call');
SELECT is((SELECT allowed FROM switchboard.can_contact('+12025550111', 'voice')), false, 'do-not-call counts at once');
SELECT test_dialer.call_event(:'live', 'completed', 3);
SELECT is((SELECT status::text FROM switchboard.campaign_contacts WHERE phone_number = '+12025550111'), 'do-not-call', 'and stays');
SELECT switchboard.create_disposition(:'live', 'interested');
SELECT is((SELECT status::text FROM switchboard.campaign_contacts WHERE phone_number = '+12025550111'), 'do-not-call', 'whatever is said later');
-- An entry that would have ended gives way.
INSERT INTO switchboard.do_not_call (phone_number, reason, expires_at) VALUES ('+12025550112', 'for now', now() + interval '1 day');
INSERT INTO switchboard.call_logs (direction, from_number, to_number, status) VALUES ('inbound', '+12025550112', '+12015550100', 'completed') RETURNING id AS inbound \gset
SELECT switchboard.create_disposition(:'inbound', 'do-not-call');
SELECT is((SELECT array_agg(coalesce(expires_at::text, 'for good')) FROM switchboard.do_not_call WHERE phone_number = '+12025550112'), '{"for good"}', 'do-not-call is for good');
SELECT lives_ok(format('SELECT switchboard.create_disposition(%L, ''do-not-call'')', :'inbound'), 'once more is harmless');

-- No campaign, no contact, inbound.
INSERT INTO switchboard.call_logs (direction, from_number, to_number, status) VALUES ('inbound', '+12025550180', '+12015550100', 'completed') RETURNING id AS inbound \gset
SELECT switchboard.create_disposition(:'inbound', 'wrong-number');
SELECT is((SELECT count(*) FROM switchboard.contacts WHERE phone_number = '+12025550180'), 0::bigint, 'nobody was spoken to: no contact');
SELECT switchboard.create_disposition(:'inbound', 'interested');
SELECT is((SELECT jsonb_build_array(k.lead_status, k.lead_score, k.source, c.id) FROM switchboard.contacts k JOIN switchboard.call_logs c ON c.lead_id = k.id WHERE k.phone_number = '+12025550180'),
  jsonb_build_array('qualified', 20, 'call', :'inbound'), 'the caller becomes a contact');
SELECT switchboard.create_disposition(:'inbound', 'callback');
SELECT is((SELECT jsonb_build_array(title, due_date, user_id) FROM switchboard.tasks WHERE call_log_id = :'inbound'), jsonb_build_array('Call back +12025550180', NULL, :'ann'), 'a callback without campaign is a task');
SELECT id AS click FROM switchboard.make_call('+12025550181') \gset
SELECT lives_ok(format('SELECT switchboard.create_disposition(%L, ''interested'', NULL, now() + interval ''3 days'')', :'click'), 'a call by hand that has not begun');
SELECT is((SELECT title FROM switchboard.tasks WHERE call_log_id = :'click'), 'Follow up with +12025550181', 'with its task');
SELECT switchboard.hang_up(:'click');
INSERT INTO switchboard.call_logs (direction, from_number, status) VALUES ('inbound', 'anonymous', 'completed') RETURNING id AS nobody \gset
SELECT throws_ok(format('SELECT switchboard.create_disposition(%L, ''do-not-call'')', :'nobody'), 'SB001', NULL, 'no number to suppress');
SELECT lives_ok(format('SELECT switchboard.create_disposition(%L, ''interested'', NULL, now() + interval ''1 day'')', :'nobody'), 'but something to conclude');
SELECT is((SELECT jsonb_build_array(title, contact_id) FROM switchboard.tasks WHERE call_log_id = :'nobody'), '["Follow up with the caller", null]', 'and to do');

-- Settings of the tenant.
UPDATE switchboard.tenants SET settings = settings || '{"dispositions": {"interested": {"score": 50, "task": "always", "list": "callback"}, "voicemail": {"suppress": "sms", "lead_status": "customer"}}}' WHERE id = :'tenant';
SELECT pg_temp.call_to('+12025550113', :'campaign') AS call \gset
SELECT switchboard.create_disposition(:'call', 'interested');
SELECT is(pg_temp.lead('+12025550113') || ', ' || pg_temp.person('+12025550113') || ', ' || (SELECT count(*) FROM switchboard.tasks WHERE call_log_id = :'call'),
  'qualified 50, callback 1 interested, 1', 'the tenant''s own rule, where it says something');
SELECT switchboard.create_disposition(:'call', 'voicemail');
SELECT is((SELECT lead_status || ' ' || (SELECT string_agg(channel::text, ',') FROM switchboard.do_not_call d WHERE d.phone_number = k.phone_number) FROM switchboard.contacts k WHERE phone_number = '+12025550113'), 'customer sms', 'every part of a rule can be set');
SELECT throws_ok(format('UPDATE switchboard.tenants SET settings = jsonb_build_object(''dispositions'', %L::jsonb) WHERE id = %L', rule, :'tenant'), '22023', NULL, 'refused: ' || rule)
  FROM unnest(ARRAY['[]', 'null', '5', '{"sold": {}}', '{"interested": 5}', '{"interested": {"points": 5}}', '{"interested": {"score": "5"}}', '{"interested": {"score": 101}}', '{"interested": {"score": 1.5}}',
    '{"interested": {"list": "pending"}}', '{"interested": {"list": null}}', '{"interested": {"lead_status": "rich"}}', '{"interested": {"task": true}}', '{"interested": {"suppress": "fax"}}',
    '{"do-not-call": {"suppress": "none"}}', '{"do-not-call": {"list": "failed"}}']) rule;
SELECT is((SELECT settings #> '{dispositions,interested,score}' FROM switchboard.tenants WHERE id = :'tenant'), '50', 'and nothing changes');
SELECT throws_ok('INSERT INTO switchboard.tenants (name, settings) VALUES (''x'', ''{"dispositions": []}'')', '22023', 'settings.dispositions must be an object, not array', 'nor in a new tenant');
SELECT is((SELECT array_agg(d::text) FROM unnest(enum_range(NULL::switchboard.call_disposition)) d WHERE switchboard._disposition_defaults() -> d::text IS NULL), NULL, 'every disposition has a rule');

-- Bad input changes nothing.
SELECT count(*) AS before FROM switchboard.call_dispositions \gset
SELECT throws_ok(format('SELECT switchboard.create_disposition(%s)', args), code, NULL, 'create_disposition refuses ' || args) FROM (VALUES
  ('NULL, ''interested''', 'P0002'), ('switchboard.uuid_v7(), ''interested''', 'P0002'),
  (quote_literal(:'call') || ', NULL', '22023'), (quote_literal(:'call') || ', ''sold''', '22023'), (quote_literal(:'call') || ', ''Interested''', '22023'),
  (quote_literal(:'call') || ', ''callback'', NULL, ''2020-01-01''', '22023'), (quote_literal(:'call') || ', ''callback'', NULL, ''infinity''', '22023'),
  (quote_literal(:'call') || ', ''callback'', NULL, ''-infinity''', '22023')) v (args, code);
SELECT is((SELECT count(*) FROM switchboard.call_dispositions), :'before'::bigint, 'nothing of this is recorded');

-- Who may: an agent of a campaign that is somebody else's disposes of their own call.
UPDATE switchboard.campaigns SET user_id = :'bob' WHERE id = :'campaign';
INSERT INTO switchboard.call_logs (direction, from_number, to_number, status, user_id, campaign_id, campaign_contact_id)
  SELECT 'outbound', '+12015550100', phone_number, 'completed', :'ann', campaign_id, id FROM switchboard.campaign_contacts WHERE phone_number = '+12025550114' RETURNING id AS call, campaign_contact_id AS listed \gset
UPDATE switchboard.campaign_contacts SET status = 'calling', last_call_id = :'call' WHERE id = :'listed';
SET LOCAL ROLE switchboard_app;
SELECT lives_ok(format('SELECT switchboard.create_disposition(%L, ''do-not-call'')', :'call'), 'an application role, for somebody else''s campaign');
RESET ROLE;
SELECT is((SELECT status::text FROM switchboard.campaign_contacts WHERE id = :'listed'), 'do-not-call', 'the list follows');
SELECT switchboard.set_identity(:'tenant', :'bob');
SELECT throws_ok(format('SELECT switchboard.create_disposition(%L, ''interested'')', :'call'), 'P0002', NULL, 'a colleague''s call does not exist');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'in the end the statistics are those of a recount');

SELECT * FROM finish();
ROLLBACK;
