-- Calls of customers at Twilio: the record, the queue, agents, voicemail, callbacks, hours; events in any order and more than once.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
\ir support/inbound.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.hello();

-- Nobody works here yet.
SELECT is(test_inbound.incoming('CA1'), '<Say>Nobody is free to take your call. Please leave a message after the tone.</Say>'
  '<Record action="URL/voicemail" recordingStatusCallback="URL/voicemail" maxLength="120" timeout="5" finishOnKey="#" playBeep="true"/><Hangup/>',
  'a caller whom nobody serves may leave a message');
SELECT is(test_inbound.call('CA1'), 'inbound ringing +12025550111 +12015550100 voicemail', 'the call is recorded');
SELECT is((SELECT concat_ws(' ', k.phone_number, k.source) FROM switchboard.call_logs c JOIN switchboard.contacts k ON k.id = c.lead_id
           WHERE c.call_id = 'CA1'), '+12025550111 inbound-call', 'with a contact made for it');
SELECT is(array_agg(e.event ORDER BY e.seq), '{new-call,queue-updated}', 'the feed tells of it')
  FROM switchboard.events e WHERE e.subject_id = test_inbound.id('CA1');
SELECT is(e.data - '{callId,contactId}'::text[], '{"direction": "inbound", "status": "ringing", "from": "+12025550111", "to": "+12015550100",
  "provider": "twilio", "priority": 0, "skills": []}', 'with what a screen needs')
  FROM switchboard.events e WHERE e.subject_id = test_inbound.id('CA1') AND e.event = 'new-call';
SELECT is(test_inbound.incoming('CA1'), test_inbound.incoming('CA1'), 'asked again Twilio gets the same answer');
SELECT is((SELECT count(*) FROM switchboard.call_logs), 1::bigint, 'it is one call');
SELECT is((SELECT repeats FROM switchboard.webhook_inbox WHERE event = 'incoming'), 2, 'and one event, repeated');
SELECT is(test_inbound.post('voicemail', 'CA1', 'RecordingSid=RE1&RecordingUrl=https%3A%2F%2Fa.example%2FRE1&RecordingDuration=7&Digits=hangup'),
  '<Hangup/>', 'the message is taken');
SELECT is(test_inbound.post('voicemail', 'CA1', 'RecordingSid=RE1&RecordingUrl=https%3A%2F%2Fa.example%2FRE1&RecordingDuration=7&RecordingStatus=completed', 'completed'),
  '', 'and told of once more');
SELECT is((SELECT array_agg(concat_ws(' ', r.source, r.subject, r.phone_number, r.status)) FROM switchboard.support_requests r),
  '{"voicemail Voicemail from +12025550111 +12025550111 pending"}', 'it is one request');
SELECT is((SELECT array_agg(concat_ws(' ', r.recording_url, r.duration)) FROM switchboard.call_recordings r), '{"https://a.example/RE1 7"}', 'with one recording');
SELECT is(test_inbound.post('status', 'CA1', 'CallDuration=19&SequenceNumber=4', 'completed'), '', 'the end');
SELECT is(test_inbound.call('CA1'), 'inbound no-answer +12025550111 +12015550100 voicemail 19', 'nobody has spoken with the caller, who did not give up');
SELECT is(test_inbound.incoming('CA1'), '<Hangup/>', 'a late question changes nothing');

-- Who calls.
SELECT test_inbound.incoming('CA2', from_number => 'anonymous');
SELECT is(concat_ws(' ', from_number, lead_id), 'anonymous', 'a withheld number has no contact') FROM switchboard.call_logs WHERE call_id = 'CA2';
SELECT test_inbound.incoming('CA3', from_number => '+266696687');
SELECT is(from_number, 'anonymous', 'also when it is spelled on the keys') FROM switchboard.call_logs WHERE call_id = 'CA3';
SELECT test_inbound.incoming('CA4', from_number => 'client:mary');
SELECT is(concat_ws(' ', from_number, lead_id), 'client:mary', 'nor has a name') FROM switchboard.call_logs WHERE call_id = 'CA4';
SELECT test_inbound.set('{"make_contacts": false}');
SELECT test_inbound.incoming('CA5', from_number => '+12025550112');
SELECT is(lead_id, NULL, 'contacts are not made where they are not wanted') FROM switchboard.call_logs WHERE call_id = 'CA5';
SELECT test_inbound.incoming('CA6');
SELECT isnt(lead_id, NULL, 'but found') FROM switchboard.call_logs WHERE call_id = 'CA6';
SELECT test_inbound.hang_up(format('CA%s', n)) FROM generate_series(2, 6) n;

-- The end before the beginning.
SELECT is(test_inbound.post('status', 'CA7', 'CallDuration=2&SequenceNumber=2', 'completed'), '', 'the end comes first');
SELECT is(test_inbound.call('CA7'), 'inbound no-answer +12025550111 +12015550100 2', 'the call is recorded, and over');
SELECT is(test_inbound.incoming('CA7'), '<Hangup/>', 'the beginning finds it so');
SELECT is((SELECT array_agg(e.event ORDER BY e.seq) FROM switchboard.events e WHERE e.subject_id = test_inbound.id('CA7')),
  '{new-call,call-status-updated}', 'the feed has both');

-- Agents: skills, longest idle first, the queue.
SELECT test_dialer.new_agent(:'tenant', 'ada', '{french}') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob') AS bob \gset
SELECT test_dialer.set_state(:'bob', 'available');
SELECT test_dialer.set_state(:'ada', 'available');
UPDATE switchboard.tenants SET settings = '{"wrap_up_seconds": 0}' WHERE id = :'tenant';
SELECT test_inbound.set('{"greeting": "Hello & welcome", "agent_timeout": 20, "announce_position": false}');
SELECT is(test_inbound.incoming('CB1'), format('<Say>Hello &amp; welcome</Say><Dial timeout="20" answerOnBridge="true" action="URL/dial-status&amp;agent=%s">'
  '<Client statusCallbackEvent="answered" statusCallback="URL/agent-status&amp;agent=%1$s">bob</Client></Dial>', :'bob'),
  'a caller is greeted and gets the agent who has been idle longest');
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'who is busy with the call');
SELECT is(test_inbound.call('CB1'), 'inbound ringing +12025550111 +12015550100', 'it rings until somebody picks up');
SELECT test_inbound.set('{"skills": ["french"]}');
SELECT matches(test_inbound.incoming('CB2'), 'client:|>ada<', 'one that asks for a skill gets whoever has it');
SELECT is(test_inbound.incoming('CB3'), '<Enqueue waitUrl="URL/wait" action="URL/answer">switchboard</Enqueue>', 'nobody free: the next one waits');
SELECT test_inbound.set('{"hold_audio_url": "https://a.example/m.mp3?a=1&b=2"}');
SELECT test_inbound.incoming('CB4');
SELECT is(test_inbound.post('wait', 'CB3'), '<Say>You are number 1 in the queue.</Say><Play>https://a.example/m.mp3?a=1&amp;b=2</Play>', 'hearing its place and music');
SELECT is(test_inbound.post('wait', 'CB4'), '<Say>You are number 2 in the queue.</Say><Play>https://a.example/m.mp3?a=1&amp;b=2</Play>', 'the second in line');
SELECT test_inbound.set('{"callback_key": "5", "hold_message": "Hold or press 5.", "announce_position": false, "language": "en-GB"}');
SELECT is(test_inbound.post('wait', 'CB4'), '<Gather input="dtmf" numDigits="1" timeout="1" action="URL/key"><Say language="en-GB">Hold or press 5.</Say>'
  '<Pause length="10"/></Gather>', 'or how to be called back');
SELECT is((SELECT array_agg(c.call_id ORDER BY c.queued_at) FROM switchboard.call_logs c WHERE c.in_queue), '{CB3,CB4}', 'both are in the queue');

-- They speak: the leg tells.
SELECT is(test_inbound.leg('CB1', :'bob', 'in-progress'), '', 'bob picks up');
SELECT is(concat_ws(' ', status, answered_at = connected_at, user_id), concat_ws(' ', 'answered', true, :'bob'), 'now the call is answered')
  FROM switchboard.call_logs WHERE call_id = 'CB1';
SELECT is(test_inbound.post('dial-status', 'CB1', 'DialCallSid=D1&DialCallStatus=completed&DialCallDuration=30', agent => :'bob'), '<Hangup/>', 'bob hangs up: it is over');
SELECT test_inbound.hang_up('CB1', 41);
SELECT is(test_inbound.call('CB1'), 'inbound completed +12025550111 +12015550100 41', 'completed');
SELECT is((SELECT concat_ws(' ', c.call_id, c.assigned_at IS NOT NULL) FROM switchboard.agent_states s JOIN switchboard.call_logs c ON c.id = s.call_log_id
           WHERE s.user_id = :'bob' AND s.ended_at IS NULL), 'CB4 t', 'bob gets the call that he can serve: CB3 wants french');
SELECT is(jsonb_agg(j.payload - 'context'), jsonb_build_array(jsonb_build_object('action', 'transfer', 'provider_call_id', 'CB4', 'call_log_id', test_inbound.id('CB4'),
            'url', test_inbound.url('answer', test_inbound.id('CB4'))))::jsonb, 'and Twilio is told at once')
  FROM switchboard.jobs_open j WHERE j.kind = 'call.update';
SELECT is((SELECT max_attempts FROM switchboard.jobs_open WHERE kind = 'call.update'), 1, 'once');
SELECT is(test_inbound.post('wait', 'CB4'), '<Leave/>', 'the next round finds it too');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call.update'), 0::bigint, 'then Twilio need not be told: that could only tear them apart');
SELECT is(test_inbound.post('key', 'CB4', 'Digits=5'), '<Leave/>', 'who has an agent is not called back');
SELECT matches(test_inbound.post('answer', 'CB4', 'QueueResult=leave'), '>bob<', 'out of the queue it is connected');
SELECT is(test_inbound.post('answer', 'CB4', 'QueueResult=redirected'), '', 'that it was taken out of the queue is no question');

-- An agent does not pick up: paused, the call first in line again.
SELECT is(test_inbound.post('dial-status', 'CB4', 'DialCallSid=D2&DialCallStatus=no-answer', agent => :'bob'),
  '<Enqueue waitUrl="URL/wait" action="URL/answer">switchboard</Enqueue>', 'bob does not answer: it waits again');
SELECT is(test_dialer.state_of(:'bob'), 'paused did not answer', 'he is paused');
SELECT is(concat_ws(' ', user_id, assigned_at, connected_at, queued_at < now() + interval '1 hour'), 't', 'the call is nobody''s, its place in line kept')
  FROM switchboard.call_logs WHERE call_id = 'CB4';
SELECT test_dialer.set_state(:'bob', 'available');
SELECT is((SELECT user_id FROM switchboard.call_logs WHERE call_id = 'CB4'), :'bob'::uuid, 'back he gets it at once');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call.update'), 1::bigint, 'one transfer is under way');
SELECT matches(test_inbound.post('dial-status', 'CB4', 'DialCallSid=D2&DialCallStatus=no-answer', agent => :'ada'), '>bob<',
  'a late word about somebody else changes nothing');
SELECT is(test_dialer.state_of(:'ada'), 'busy call', 'for nobody');

-- A caller hangs up: while an agent rings, while waiting.
SELECT is(test_inbound.post('dial-status', 'CB4', 'DialCallSid=D3&DialCallStatus=no-answer', 'completed', :'bob'), '<Hangup/>', 'the caller has hung up while bob was rung');
SELECT is(test_dialer.state_of(:'bob'), 'available', 'bob is free, and not to blame');
SELECT is(concat_ws(' ', status, abandoned, overflow), 'no-answer t', 'the caller gave up') FROM switchboard.call_logs WHERE call_id = 'CB4';
SELECT is(test_inbound.post('answer', 'CB3', 'QueueResult=hangup', 'completed'), '<Hangup/>', 'another hangs up in the queue');
SELECT is(concat_ws(' ', status, abandoned, in_queue), 'no-answer t f', 'which ends the call without any status callback')
  FROM switchboard.call_logs WHERE call_id = 'CB3';

-- They spoke, which we hear after the end.
SELECT test_inbound.set('{}');
SELECT test_inbound.incoming('CC1');
SELECT test_inbound.hang_up('CC1', 20);
SELECT is(concat_ws(' ', status, abandoned), 'no-answer t', 'as far as we know') FROM switchboard.call_logs WHERE call_id = 'CC1';
SELECT is(test_inbound.leg('CC1', :'bob', 'in-progress'), '', 'bob had picked up');
SELECT is(concat_ws(' ', status, abandoned, answered_at IS NOT NULL, connected_at IS NOT NULL, user_id), concat_ws(' ', 'completed', false, true, true, :'bob'), 'the truth')
  FROM switchboard.call_logs WHERE call_id = 'CC1';
SELECT is(test_dialer.state_of(:'bob'), 'available', 'bob is free all the same');

-- Overflow: too long, too many, nobody left, asked for.
SELECT test_inbound.set('{"overflow": "callback", "max_wait": 60}');
SELECT test_dialer.set_state(:'bob', 'paused'), test_dialer.set_state(:'ada', 'paused'), test_inbound.hang_up('CB2');
SELECT test_inbound.incoming('CD1', from_number => '+12025550121'), test_inbound.incoming('CD2', from_number => '+12025550122'),
       test_inbound.incoming('CD3', from_number => 'anonymous');
SELECT matches(test_inbound.post('wait', 'CD1'), 'Press 1 if you want us to call you back.', 'a caller may ask for a callback');
SELECT doesnt_match(test_inbound.post('wait', 'CD3'), 'Press', 'not at a withheld number');
SELECT is(test_inbound.post('key', 'CD1', 'Digits=7'), test_inbound.post('wait', 'CD1'), 'another key means nothing');
SELECT is(test_inbound.post('key', 'CD1', 'Digits=1'), '<Leave/>', 'it leaves the queue');
SELECT is(test_inbound.post('answer', 'CD1', 'QueueResult=leave'), '<Say>We will call you back as soon as possible. Goodbye.</Say><Hangup/>', 'and hears so');
SELECT is((SELECT concat_ws(' ', phone_number, callback_at IS NOT NULL, call_log_id) FROM switchboard.support_requests WHERE source = 'callback'),
  '+12025550121 t ' || test_inbound.id('CD1'), 'the callback waits');
UPDATE switchboard.call_logs SET queued_at = queued_at - interval '61 s' WHERE call_id IN ('CD2', 'CD3');
SELECT is(test_inbound.post('wait', 'CD2'), '<Leave/>', 'too long');
SELECT matches(test_inbound.post('answer', 'CD3', 'QueueResult=leave'), 'Record', 'who cannot be called back may leave a message');
SELECT is((SELECT array_agg(overflow ORDER BY call_id) FROM switchboard.call_logs WHERE call_id LIKE 'CD_'), '{callback,callback,voicemail}', 'ways');
SELECT is((SELECT array_agg(e.raw ->> 'reason' ORDER BY e.occurred_at, e.id) FROM switchboard.call_events e WHERE e.raw ? 'overflow' AND e.call_log_id IN (SELECT id FROM switchboard.call_logs WHERE call_id LIKE 'CD_')),
  '{asked,max-wait,max-wait}', 'and reasons');
SELECT test_inbound.hang_up(format('CD%s', n)) FROM generate_series(1, 3) n;
SELECT is(bool_or(abandoned), false, 'none of them gave up') FROM switchboard.call_logs WHERE call_id LIKE 'CD_';
SELECT test_inbound.set('{"overflow": "hangup", "max_queue": 1}');
SELECT matches(test_inbound.incoming('CE1'), 'Enqueue', 'one may wait');
SELECT is(test_inbound.incoming('CE2'), '<Say>Nobody is free to take your call. Please try again later. Goodbye.</Say><Hangup/>', 'a second may not');
SELECT is(test_inbound.post('answer', 'CE1', 'QueueResult=queue-full'), '<Say>Nobody is free to take your call. Please try again later. Goodbye.</Say><Hangup/>',
  'nor can one that Twilio has no room for');
SELECT test_inbound.set('{"overflow": "number:+12015550199"}');
SELECT matches(test_inbound.incoming('CE3'), 'Enqueue', 'one waits');
SELECT test_dialer.set_state(:'ada', 'offline'), test_dialer.set_state(:'bob', 'offline');
SELECT is(test_inbound.post('wait', 'CE3'), '<Leave/>', 'and all agents go home');
SELECT is(test_inbound.post('answer', 'CE3', 'QueueResult=leave'), '<Dial timeout="30" answerOnBridge="true" action="URL/dial-status">'
  '<Number statusCallbackEvent="answered" statusCallback="URL/agent-status">+12015550199</Number></Dial>', 'it is put through to a number');
SELECT is(test_inbound.post('dial-status', 'CE3', 'DialCallSid=D9&DialCallStatus=busy'), '<Say>Nobody is free to take your call. Please try again later. Goodbye.</Say><Hangup/>',
  'which is engaged');
SELECT test_inbound.incoming('CE4');
SELECT test_inbound.leg('CE4', NULL, 'in-progress');
SELECT test_inbound.hang_up('CE4', 50);
SELECT is(concat_ws(' ', status, overflow, user_id, connected_at IS NOT NULL), 'completed number t', 'another speaks there') FROM switchboard.call_logs WHERE call_id = 'CE4';

-- Routes, hours, settings of a number.
SELECT test_inbound.set(('{"hours": {"start": "00:00", "end": "24:00"}, "numbers": {"+12015550102": {"hours": {"start": "00:00", "end": "24:00", "holidays": ["' || (now() AT TIME ZONE 'UTC')::date
  || '", "' || (now() AT TIME ZONE 'UTC')::date + 1 || '"]}, "timezone": "UTC", "closed_message": "A holiday.", "greeting": "Hello"}, "+12015550103": {"route": "voicemail", "greeting": "Hello"},
  "+12015550104": {"route": "user:' || :'ada' || '", "overflow": "hangup"}, "+12015550105": {"route": "number:+12015550198", "overflow": "voicemail"}}}')::jsonb);
SELECT matches(test_inbound.incoming('CF1', '+12015550102'), '^<Say>A holiday. Please leave a message after the tone.</Say><Record', 'closed: no greeting');
SELECT matches(test_inbound.incoming('CF2', '+12015550103'), '^<Say>Hello</Say><Say>Please leave a message after the tone.</Say><Record', 'a voicemail');
SELECT matches(test_inbound.incoming('CF3', '+12015550104'), '^<Say>Nobody', 'ada is away');
SELECT test_dialer.set_state(:'bob', 'available');
SELECT matches(test_inbound.incoming('CF4', '+12015550104'), '^<Say>Nobody', 'bob may not have her calls');
SELECT test_dialer.set_state(:'ada', 'available');
SELECT matches(test_inbound.incoming('CF5', '+12015550104'), '>ada<', 'she gets them');
SELECT matches(test_inbound.incoming('CF6', '+12015550104'), 'Enqueue', 'one after the other');
SELECT is((SELECT user_id FROM switchboard.call_logs WHERE call_id = 'CF6'), :'ada'::uuid, 'it waits for her');
SELECT matches(test_inbound.post('dial-status', 'CF5', 'DialCallSid=F5&DialCallStatus=no-answer', agent => :'ada'), 'Enqueue', 'she does not pick up');
SELECT is((SELECT user_id FROM switchboard.call_logs WHERE call_id = 'CF5'), :'ada'::uuid, 'it waits for her still');
SELECT matches(test_inbound.incoming('CF7', '+12015550105'), '12015550198', 'put through');
SELECT matches(test_inbound.post('dial-status', 'CF7', 'DialCallSid=F7&DialCallStatus=no-answer'), 'Record', 'or a message, if they do not answer');

-- Somebody here ends it; what is over is over.
SELECT is((switchboard.hang_up(test_inbound.id('CF6'))).hang_up_at IS NOT NULL, true, 'a waiting call is hung up');
SELECT is(test_inbound.post('wait', 'CF6'), '<Leave/>', 'it leaves');
SELECT is(test_inbound.post('answer', 'CF6', 'QueueResult=leave'), '<Hangup/>', 'and ends');
SELECT test_inbound.hang_up('CF6');
SELECT is(concat_ws(' ', status, abandoned), 'no-answer f', 'which is not giving up') FROM switchboard.call_logs WHERE call_id = 'CF6';

-- Nobody speaks of a call any more.
SELECT test_inbound.set('{}');
SELECT matches(test_inbound.incoming('CG1'), '>bob<', 'bob is rung');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE direction = 'inbound' AND status = 'ringing' AND expires_at IS NULL), 0::bigint, 'every call expires');
SELECT is(switchboard.expire_silent_calls(now() + interval '30 min') > 0, true, 'without news');
SELECT is(test_dialer.state_of(:'bob'), 'available', 'nobody is left behind');
SELECT is(concat_ws(' ', status, hangup_cause), 'failed no-news', 'the call failed') FROM switchboard.call_logs WHERE call_id = 'CG1';

-- A fault while answering costs nobody their call.
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'out of order'; END $$;
CREATE TRIGGER fault BEFORE INSERT ON switchboard.call_logs FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SET LOCAL client_min_messages = error;
SELECT is(test_inbound.incoming('CH1'), '<Pause length="2"/><Redirect>URL</Redirect>', 'Twilio is to ask again');
RESET client_min_messages;
DROP TRIGGER fault ON switchboard.call_logs;
SELECT is((SELECT concat_ws(' ', processed_at, attempts, error) FROM switchboard.webhook_inbox WHERE external_id = 'CH1'), '1 P0001: out of order', 'the event is kept');
SELECT matches(test_inbound.incoming('CH1'), '>bob<', 'asked again all is well');
SELECT is(switchboard._retry_webhooks() >= 0, true, 'and the event can be tried again');
SELECT is(test_inbound.send(test_inbound.url('status'), 'status', 'AccountSid=AC1&Direction=inbound&CallStatus=completed&CallDuration=3&CallSid=CH1'), NULL, 'an end that does not say who called whom');
SELECT is(concat_ws(' ', status, duration), 'no-answer 3', 'is that of the call with this id') FROM switchboard.call_logs WHERE call_id = 'CH1';
SELECT is(test_dialer.broken_histories(), 0::bigint, 'no agent has a gap in their day');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error IS NOT NULL AND external_id <> 'CH1'), 0::bigint, 'nothing else went wrong');

SELECT * FROM finish();
ROLLBACK;
