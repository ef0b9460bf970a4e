-- Power dialing: how many lines, for whom, and what happens on an answered call.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_campaign(:'tenant') AS plain \gset
SELECT is(switchboard._is_agentless(c), true, 'a tenant without agents dials without them') FROM switchboard.campaigns c WHERE id = :'plain';
SELECT test_dialer.new_agent(:'tenant', 'ada') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob', '{sales,french}') AS bob \gset
SELECT test_dialer.new_agent(:'tenant', 'cat', '{sales}', endpoint => '+12015550177') AS cat \gset
SELECT is(switchboard._is_agentless(c), false, 'one with agents dials for them') FROM switchboard.campaigns c WHERE id = :'plain';
UPDATE switchboard.campaigns SET settings = '{"agentless": true}' WHERE id = :'plain';
SELECT is(switchboard._is_agentless(c), true, 'unless the campaign says otherwise') FROM switchboard.campaigns c WHERE id = :'plain';
SELECT switchboard.pause_campaign(:'plain');
SELECT test_dialer.hello();

-- What starting says.
INSERT INTO switchboard.campaigns (name, type, settings) VALUES ('talk', 'power', '{}'), ('tape', 'power', '{"agentless": true}');
UPDATE switchboard.provider_accounts SET settings = settings - 'public_url';
SELECT lives_ok($$ SELECT switchboard.start_campaign(id) FROM switchboard.campaigns WHERE name = 'talk' $$,
  'a campaign whose provider cannot ask for an agent starts, with a warning that each call is dialed for one');
SELECT lives_ok($$ SELECT switchboard.start_campaign(id) FROM switchboard.campaigns WHERE name = 'tape' $$, 'one without agents does, with a warning about its voice');
UPDATE switchboard.provider_accounts SET settings = settings || '{"public_url": "https://pbx.example"}';
DELETE FROM switchboard.campaigns WHERE name IN ('talk', 'tape');

-- Lines per available agent.
SELECT test_dialer.new_campaign(:'tenant', '{"skills": ["sales"]}') AS sales \gset
UPDATE switchboard.campaigns SET dial_level = 2 WHERE id = :'sales';
SELECT test_dialer.add_people(:'sales', 30);
SELECT is(count(*), 0::bigint, 'nobody is there: no call') FROM test_dialer.turn();
SELECT test_dialer.set_state(:'ada', 'available');
SELECT is(count(*), 0::bigint, 'ada cannot sell: no call') FROM test_dialer.turn();
SELECT test_dialer.set_state(:'bob', 'available');
CREATE TEMP TABLE dialed ON COMMIT DROP AS SELECT (job ->> 'subject_id')::uuid AS id FROM test_dialer.turn() AS job;
SELECT is(count(*), 2::bigint, 'two lines for one agent') FROM dialed;
SELECT is(count(*), 0::bigint, 'and no more while they ring') FROM test_dialer.turn();
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE user_id IS NOT NULL), 0::bigint, 'they are nobody''s yet');
SELECT id AS call1 FROM dialed ORDER BY id LIMIT 1 \gset
SELECT id AS call2 FROM dialed ORDER BY id DESC LIMIT 1 \gset

-- An answer finds its agent; a second one finds nobody.
SELECT is(test_dialer.call_event(:'call1', 'ringing', 1), 200, 'it rings');
SELECT is(test_dialer.verbs(test_dialer.answer(:'call1')), format(
  '<Dial timeout="15" callerId="+12015550100" answerOnBridge="true" action="https://pbx.example/api/webhooks/twilio/dial-status?account=%s&amp;call=%s"><Client>bob</Client></Dial>',
  (SELECT account_id FROM switchboard.call_logs WHERE id = :'call1'), :'call1'), 'the answered call is connected with the agent');
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'who is busy now');
SELECT is((user_id, connected_at IS NOT NULL, abandoned, status)::text, format('(%s,t,f,answered)', :'bob'), 'and whose call it is')
  FROM switchboard.call_logs WHERE id = :'call1';
SELECT is(substring(test_dialer.answer(:'call1') FROM '<Client>.*</Client>'), '<Client>bob</Client>', 'asked again, the answer is the same');
SELECT is((SELECT array_agg(data ->> 'userId') FROM switchboard.events WHERE event = 'call-assigned'), ARRAY[:'bob'], 'the feed tells once');
SELECT is(count(*), 0::bigint, 'a busy agent is not dialed for') FROM test_dialer.turn();
SELECT is(test_dialer.call_event(:'call2', 'in-progress', 2), 200, 'the other line is answered too');
-- The transaction of this test is older than two seconds on a slow machine: the clock is given.
SELECT matches(test_dialer.verbs(switchboard._twiml(switchboard._answer_plan(c.id, NULL, c.answered_at), a, c)),
  '^<Pause length="1"/><Redirect>https://pbx.example/api/webhooks/twilio/answer\?account=[-0-9a-f]+&amp;call=[-0-9a-f]+</Redirect>$', 'nobody is free: wait a second')
  FROM switchboard.call_logs c JOIN switchboard.provider_accounts a ON a.id = c.account_id WHERE c.id = :'call2';
SELECT is(abandoned, false, 'not abandoned yet') FROM switchboard.call_logs WHERE id = :'call2';
SELECT is(switchboard._answer_plan(:'call2', NULL, (SELECT answered_at + interval '1.99 s' FROM switchboard.call_logs WHERE id = :'call2')) ->> 'action', 'wait',
  'two seconds are allowed');
UPDATE switchboard.campaigns SET settings = settings || '{"connect_within": 5}' WHERE id = :'sales';
SELECT is(switchboard._answer_plan(:'call2', NULL, (SELECT answered_at + interval '2 s' FROM switchboard.call_logs WHERE id = :'call2')),
  '{"action": "safe_harbour", "opt_out_digit": "9", "text": "Hello. This is acme. We are sorry that nobody is free to speak to you. You can reach us at + 1 2 0 1 5 5 5 0 1 0 0. If you do not want to be called by us again, press 9 now or tell us at that number."}',
  'then the caller says who and how to be reached, and how to opt out');
SELECT is(abandoned, true, 'the call is abandoned') FROM switchboard.call_logs WHERE id = :'call2';
SELECT test_dialer.set_state(:'cat', 'available');
SELECT matches(test_dialer.verbs(test_dialer.answer(:'call2')), '^<Gather input="dtmf" numDigits="1" timeout="5" action="[^"]+/opt-out[^"]+"><Say>Hello. This is acme[^<]+</Say></Gather><Hangup/>$',
  'and stays so, even when somebody is free again');
SELECT is(test_dialer.state_of(:'cat'), 'available', 'who does not get it');
SELECT matches(test_dialer.verbs(test_dialer.answer(:'call2', '&Digits=9', 'opt-out')), '^<Say>You will not be called again. Goodbye.</Say><Hangup/>$', 'a key opts out');
SELECT is((SELECT array_agg(d.source) FROM switchboard.do_not_call d JOIN switchboard.call_logs c ON c.to_number = d.phone_number AND c.id = :'call2'),
  ARRAY['call:' || :'call2'], 'for good');
SELECT is(test_dialer.call_event(:'call2', 'completed', 9, '&CallDuration=9'), 200, 'it ends');
UPDATE switchboard.campaigns SET settings = settings || '{"safe_harbour": "Sorry from <us> & them", "language": "en-GB"}' WHERE id = :'sales';

-- After the call.
SELECT is(test_dialer.answer(:'call1', '&DialCallStatus=completed&DialCallSid=CAx1&DialCallDuration=40', 'dial-status') ~ '<Response><Hangup/></Response>$', true, 'the talk is over');
SELECT is(test_dialer.call_event(:'call1', 'completed', 9, '&CallDuration=42'), 200, 'the call has ended');
SELECT is(test_dialer.state_of(:'bob'), 'wrap_up call', 'the agent wraps up');

-- An agent who does not pick up: the next one; then nobody.
SELECT test_dialer.set_state(:'bob', 'available');
TRUNCATE dialed;
INSERT INTO dialed SELECT (job ->> 'subject_id')::uuid FROM test_dialer.turn() AS job;
SELECT is(count(*), 4::bigint, 'two agents are free: four lines') FROM dialed;
SELECT id AS call3 FROM dialed ORDER BY id LIMIT 1 \gset
SELECT matches(test_dialer.answer(:'call3'), '<Number>\+12015550177</Number>', 'the one who has been idle longest, by phone');
SELECT matches(test_dialer.answer(:'call3', '&DialCallStatus=no-answer&DialCallSid=CAx2', 'dial-status'), '<Client>bob</Client>', 'does not pick up: the next one');
SELECT is(test_dialer.state_of(:'cat'), 'paused did not answer', 'the first is paused');
SELECT is(user_id, :'bob'::uuid, 'the call is the second one''s') FROM switchboard.call_logs WHERE id = :'call3';
SELECT matches(test_dialer.answer(:'call3', '&DialCallStatus=no-answer&DialCallSid=CAx2', 'dial-status'), '<Client>bob</Client>', 'the callback comes again: same answer');
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'and nothing happens to the second');
UPDATE switchboard.call_logs SET answered_at = answered_at - interval '15 s' WHERE id = :'call3';
SELECT matches(test_dialer.answer(:'call3', '&DialCallStatus=busy&DialCallSid=CAx3', 'dial-status'),
  '<Say language="en-GB">Sorry from &lt;us&gt; &amp; them</Say></Gather><Hangup/></Response>$', 'who does not pick up either: the campaign''s own words');
SELECT is((abandoned, user_id, connected_at)::text, '(t,,)', 'abandoned, and nobody''s') FROM switchboard.call_logs WHERE id = :'call3';
SELECT test_dialer.call_event(:'call3', 'completed', 9, '&CallDuration=20');

-- The customer goes while the agent's phone rings: no fault of the agent.
SELECT test_dialer.set_state(:'bob', 'available');
SELECT id AS call4 FROM dialed ORDER BY id OFFSET 1 LIMIT 1 \gset
SELECT matches(test_dialer.answer(:'call4'), '<Client>bob</Client>', 'another answer');
SELECT (test_dialer.post_twilio(replace(test_dialer.status_url(:'call4'), '/status', '/dial-status'),
  'CallSid=CA' || replace(:'call4', '-', '') || '&CallStatus=completed&DialCallStatus=canceled&DialCallSid=CAx4', 'dial-status')).status;
SELECT test_dialer.call_event(:'call4', 'completed', 9, '&CallDuration=3');
SELECT is(test_dialer.state_of(:'bob'), 'available', 'the agent is available again, without wrap-up');

-- Machines never reach an agent.
SELECT id AS call5 FROM dialed ORDER BY id OFFSET 2 LIMIT 1 \gset
SELECT is(test_dialer.verbs(test_dialer.answer(:'call5', '&AnsweredBy=machine_start')), '<Hangup/>', 'a machine is hung up on');
INSERT INTO switchboard.voicemail_drops (name, audio_url) VALUES ('hello', 'https://cdn.example/a.mp3?x=1&y=2') RETURNING id AS message \gset
UPDATE switchboard.campaigns SET settings = settings || jsonb_build_object('voicemail_id', :'message') WHERE id = :'sales';
SELECT id AS call6 FROM dialed ORDER BY id OFFSET 3 LIMIT 1 \gset
SELECT is(test_dialer.verbs(test_dialer.answer(:'call6', '&AnsweredBy=machine_end_beep')), '<Play>https://cdn.example/a.mp3?x=1&amp;y=2</Play><Hangup/>', 'or hears the campaign''s message');
SELECT test_dialer.answer(:'call6', '&AnsweredBy=machine_end_beep');
SELECT is(usage_count, 1, 'which counts once') FROM switchboard.voicemail_drops;
SELECT is(test_dialer.state_of(:'bob'), 'available', 'no agent hears it');
SELECT test_dialer.call_event(c.id, 'completed', 9) FROM unnest(ARRAY[:'call5', :'call6']::uuid[]) AS c (id);

-- Two campaigns share an agent; what one cannot use the other has.
SELECT test_dialer.new_campaign(:'tenant') AS second \gset
SELECT test_dialer.add_people(:'second', 30, 12025550600);
UPDATE switchboard.campaigns SET dial_level = 1, settings = '{}' WHERE id = :'sales';
SELECT test_dialer.set_state(:'ada', 'paused');
SELECT is(count(*), 1::bigint, 'one agent, two campaigns: one line') FROM test_dialer.turn();
SELECT test_dialer.set_state(:'ada', 'available');
SELECT test_dialer.set_state(:'cat', 'available');
SELECT is(count(*), 2::bigint, 'three agents: two more') FROM test_dialer.turn();
SELECT is((SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) AS n FROM switchboard.call_logs WHERE status = 'initiated' GROUP BY campaign_id) x), '{1,2}', 'shared');
SELECT test_dialer.call_event(id, 'no-answer', 9) FROM switchboard.call_logs WHERE status = 'initiated';
SELECT switchboard.pause_campaign(:'second');
SELECT is(count(*), 3::bigint, 'all three for the only one left') FROM test_dialer.turn();
SELECT test_dialer.call_event(id, 'no-answer', 9) FROM switchboard.call_logs WHERE status = 'initiated';

-- Chosen agents.
INSERT INTO switchboard.campaign_agents (campaign_id, user_id) VALUES (:'sales', :'ada');
SELECT is(count(*), 1::bigint, 'a campaign with agents of its own dials for them only') FROM test_dialer.turn();
SELECT id AS call7 FROM switchboard.call_logs WHERE status = 'initiated' \gset
SELECT matches(test_dialer.answer(:'call7'), '<Client>ada</Client>', 'and connects to them only');
SELECT test_dialer.call_event(:'call7', 'completed', 9);
DELETE FROM switchboard.campaign_agents;

-- Limits of the campaign, the tenant and the account.
SELECT test_dialer.set_state(a, 'available') FROM unnest(ARRAY[:'ada', :'bob', :'cat']::uuid[]) a;
UPDATE switchboard.campaigns SET dial_level = 3, settings = '{"max_lines": 4}' WHERE id = :'sales';
SELECT is(count(*), 4::bigint, 'within max_lines of the campaign') FROM test_dialer.turn();
UPDATE switchboard.campaigns SET settings = '{}' WHERE id = :'sales';
UPDATE switchboard.tenants SET settings = settings || '{"max_lines": 6}' WHERE id = :'tenant';
SELECT is(count(*), 2::bigint, 'of the tenant') FROM test_dialer.turn();
UPDATE switchboard.tenants SET settings = settings || '{"max_lines": 100}' WHERE id = :'tenant';
UPDATE switchboard.provider_accounts SET settings = settings || '{"max_lines": 7}';
SELECT is(count(*), 1::bigint, 'of the account') FROM test_dialer.turn();
UPDATE switchboard.provider_accounts SET settings = settings - 'max_lines', max_in_flight = (SELECT count(*) FROM switchboard.jobs_open) + 1;
SELECT is(count(*), 1::bigint, 'and no more waiting to be sent than are sent at once') FROM test_dialer.turn();
UPDATE switchboard.provider_accounts SET max_in_flight = NULL;
SELECT is(count(*), 1::bigint, 'nine lines in all') FROM test_dialer.turn();
SELECT test_dialer.call_event(id, 'no-answer', 9) FROM switchboard.call_logs WHERE status = 'initiated';
UPDATE switchboard.provider_accounts SET settings = settings - 'public_url';
SELECT is(count(*), 3::bigint, 'an account that cannot ask for agents: one call for each') FROM test_dialer.turn();
SELECT is(test_dialer.state_of(:'cat'), 'busy call', 'who is busy with it from the start');
SELECT matches(payload ->> 'twiml', '<Dial callerId="\+12015550100"><Number>\+12015550177</Number></Dial>', 'and is dialed when it is answered')
  FROM switchboard.jobs_open j JOIN switchboard.call_logs c ON c.id = j.subject_id
 WHERE c.user_id = :'cat' AND c.status = 'initiated';
SELECT is(count(*), 0::bigint, 'no more calls than agents') FROM test_dialer.turn();
SELECT test_dialer.call_event(id, 'no-answer', 9) FROM switchboard.call_logs WHERE status = 'initiated';
UPDATE switchboard.provider_accounts SET settings = settings || '{"public_url": "https://pbx.example"}';
UPDATE switchboard.campaigns SET type = 'predictive' WHERE id = :'sales';
SELECT is(count(*), 3::bigint, 'predictive campaigns dial one line an agent for now') FROM test_dialer.turn();
SELECT test_dialer.call_event(id, 'no-answer', 9) FROM switchboard.call_logs WHERE status = 'initiated';
SELECT switchboard.pause_campaign(:'sales');

-- A callback that an agent promised.
SELECT test_dialer.new_campaign(:'tenant') AS calls_back \gset
SELECT test_dialer.add_people(:'calls_back', 1, 12025550700);
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now(), assigned_to = :'cat' WHERE campaign_id = :'calls_back';
INSERT INTO switchboard.dialer_queues (campaign_id, contact_id, assigned_to, scheduled_at)
  SELECT campaign_id, id, :'cat', now() FROM switchboard.campaign_contacts WHERE campaign_id = :'calls_back';
SELECT test_dialer.set_state(:'cat', 'paused');
SELECT is(count(*), 0::bigint, 'waits for that agent') FROM test_dialer.turn();
SELECT test_dialer.set_state(:'cat', 'available');
SELECT is(count(*), 1::bigint, 'and is made when they are there') FROM test_dialer.turn();
SELECT is(test_dialer.state_of(:'cat'), 'busy call', 'who is taken by it at once');
SELECT id AS call8 FROM switchboard.call_logs WHERE status = 'initiated' \gset
SELECT is(user_id, :'cat'::uuid, 'it is theirs') FROM switchboard.call_logs WHERE id = :'call8';
SELECT matches(test_dialer.answer(:'call8'), '<Number>', 'they are connected');
SELECT test_dialer.call_event(:'call8', 'completed', 9);
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() WHERE campaign_id = :'calls_back';
UPDATE switchboard.campaigns SET status = 'active' WHERE id = :'calls_back' AND status = 'completed';
INSERT INTO switchboard.dialer_queues (campaign_id, contact_id, assigned_to, scheduled_at)
  SELECT campaign_id, id, :'cat', now() - interval '31 min' FROM switchboard.campaign_contacts WHERE campaign_id = :'calls_back';
SELECT test_dialer.set_state(:'cat', 'paused');
SELECT is(count(*), 1::bigint, 'after its grace it is anybody''s') FROM test_dialer.turn();
SELECT is(test_dialer.broken_histories(), 0::bigint, 'all histories are whole');

SELECT * FROM finish();
ROLLBACK;
