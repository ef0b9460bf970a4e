-- Vonage's side of the wire: signed events in any order, answers as NCCO, agents who are rung, machines, recordings.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
DELETE FROM switchboard.channel_routes;
SELECT switchboard.add_provider_account('vonage', 'voice', '{"application_id": "app-1", "public_url": "https://pbx.example/",
  "caller_id": "+12015550100", "language": "en-GB"}', '{"signature_secret": "env:PATH", "private_key": "file:vonage.pem"}') AS account \gset
INSERT INTO switchboard.channel_routes (channel, account_id) VALUES ('voice', :'account');
SELECT test_dialer.hello();

CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE FUNCTION pg_temp.token(body text, claims jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT t.head || '.' || pg_temp.base64url(hmac(convert_to(t.head, 'UTF8'), convert_to(test_dialer.secret(), 'UTF8'), 'sha256'))
  FROM (SELECT pg_temp.base64url('{"alg":"HS256","typ":"JWT"}') || '.' || pg_temp.base64url(convert_to((
      CASE WHEN body <> '' THEN jsonb_build_object('payload_hash', encode(sha256(convert_to(body, 'UTF8')), 'hex')) ELSE '{}' END
      || jsonb_build_object('iat', extract(epoch FROM clock_timestamp())::bigint, 'iss', 'Vonage', 'application_id', 'app-1')
      || claims)::text, 'UTF8')) AS head) t
$$;
CREATE FUNCTION pg_temp.url(event text, call uuid) RETURNS text LANGUAGE sql AS $$
  SELECT switchboard._webhook_url(a, event, call) FROM switchboard.provider_accounts a WHERE a.provider = 'vonage' $$;
CREATE FUNCTION pg_temp.post(url text, event text, body text, token text DEFAULT NULL) RETURNS switchboard.webhook_response LANGUAGE sql AS $$
  SELECT switchboard.receive_webhook('vonage', event, jsonb_build_object('Authorization', 'Bearer ' || coalesce(token, pg_temp.token(body))),
                                     convert_to(body, 'UTF8'), url) $$;
CREATE FUNCTION pg_temp.uuid(call uuid) RETURNS text LANGUAGE sql AS $$ SELECT 'leg-' || call $$;
-- An event of the customer's leg; what is answered.
CREATE FUNCTION pg_temp.tell(call uuid, event text, fields jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT (pg_temp.post(pg_temp.url(event, call), event,
    (jsonb_build_object('uuid', pg_temp.uuid(call), 'conversation_uuid', 'CON-' || call, 'direction', 'outbound',
                        'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
     || fields)::text)).body::jsonb $$;
CREATE FUNCTION pg_temp.status(call uuid, status text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.tell(call, 'status', jsonb_build_object('status', status) || more);
  SELECT concat_ws(' ', c.status, c.duration, c.answered_by, c.hangup_cause) FROM switchboard.call_logs c WHERE c.id = call;
$$;
CREATE FUNCTION pg_temp.new_call(phone text, campaign uuid DEFAULT NULL, metadata jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
  SELECT id FROM switchboard.make_call(phone, campaign_id => campaign, metadata => metadata) $$;
-- Placed, and known to us by Vonage's name.
CREATE FUNCTION pg_temp.placed_call(phone text, campaign uuid DEFAULT NULL, metadata jsonb DEFAULT '{}') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE call uuid := pg_temp.new_call(phone, campaign, metadata);
BEGIN
  PERFORM pg_temp.status(call, 'started');
  PERFORM pg_temp.status(call, 'ringing');
  PERFORM pg_temp.status(call, 'answered', '{"start_time": null}');
  RETURN call;
END $$;

-- The request: addresses, detection, the provider of the job.
SELECT pg_temp.new_call('+12025550100', metadata => '{"record": true, "machine_detection": "enable"}') AS call \gset
SELECT is(payload - '{context,timeout_s}'::text[], jsonb_build_object('to', '+12025550100', 'from', '+12015550100', 'call_log_id', :'call',
            'answer_url', 'https://pbx.example/api/webhooks/vonage/answer?account=' || :'account' || '&call=' || :'call',
            'status_url', 'https://pbx.example/api/webhooks/vonage/status?account=' || :'account' || '&call=' || :'call',
            'recording_url', 'https://pbx.example/api/webhooks/vonage/recording?account=' || :'account' || '&call=' || :'call',
            'record', true, 'machine_detection', 'enable'), 'the job tells Vonage where to ask and to tell')
  FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT is(account_id, :'account', 'and is the account''s') FROM switchboard.jobs_open WHERE subject_id = :'call';

-- Signatures.
SELECT jsonb_build_object('uuid', 'u1', 'status', 'ringing', 'direction', 'outbound')::text AS body \gset
SELECT pg_temp.url('status', :'call') AS url \gset
SELECT is((pg_temp.post(:'url', 'status', overlay(:'body' PLACING 'R' FROM position('ringing' IN :'body')), pg_temp.token(:'body'))).status, 403,
          'one byte changed: refused');
SELECT is((pg_temp.post(:'url', 'status', :'body', pg_temp.token(:'body') || 'A')).status, 403, 'a bad signature');
SELECT is((pg_temp.post(:'url', 'status', :'body', pg_temp.token(:'body', '{"iat": 1700000000}'))).status, 403, 'an old token');
SELECT is((pg_temp.post(:'url', 'status', :'body', pg_temp.token('', '{"x": 1}'))).status, 403, 'a token of no body');
SELECT is((switchboard.receive_webhook('vonage', 'status', '{}', convert_to(:'body', 'UTF8'), :'url')).status, 403, 'no token');
SELECT is((SELECT status::text FROM switchboard.call_logs WHERE id = :'call'), 'initiated', 'nothing of that moves the call');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 0::bigint, 'or is kept');
SELECT is((pg_temp.post(:'url', 'status', :'body')).status, 200, 'the genuine one is taken');
SELECT is(status || ' ' || call_id, 'ringing u1', 'and moves the call') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(headers ? 'authorization', false, 'its token is not kept') FROM switchboard.webhook_inbox;
SELECT is((pg_temp.post(:'url', 'status', '{"status": "ringing"}')).status, 400, 'an event about nothing is 400');
SELECT is((pg_temp.post(:'url', 'status', '{')).status, 400, 'what is not JSON is 400');
SELECT is((pg_temp.post(:'url', 'status', '["a"]')).status, 400, 'what is no object is 400');

-- Whose it is: the application that the token names.
SELECT is((pg_temp.post('https://pbx.example/api/webhooks/vonage/status?call=' || :'call', 'status',
                        '{"uuid": "u1", "status": "busy"}')).status, 200, 'the application of the token finds the account');
SELECT is(status::text, 'busy', 'and the call') FROM switchboard.call_logs WHERE id = :'call';
SELECT is((pg_temp.post('https://pbx.example/api/webhooks/vonage/status', 'status', '{"uuid": "u1"}',
                        pg_temp.token('{"uuid": "u1"}', '{"application_id": "app-2"}'))).status, 404, 'another application is nobody''s');
SELECT is((switchboard.receive_webhook('vonage', 'status', '{"authorization": "Bearer a.%%.b"}', '{}', 'https://pbx.example/x')).status, 404,
          'so is a token that is none');

-- Status, in any order.
SELECT pg_temp.new_call('+12025550101') AS call \gset
SELECT is(pg_temp.status(:'call', 'started'), 'initiated', 'started');
SELECT is(pg_temp.status(:'call', 'ringing'), 'ringing', 'ringing');
SELECT is(pg_temp.status(:'call', 'answered', '{"start_time": null, "rate": "0.1"}'), 'answered', 'answered');
SELECT is(pg_temp.status(:'call', 'completed', '{"start_time": "2026-01-01T12:00:00.000Z", "duration": "12", "price": "0.25", "sip_code": 200}'),
          'completed 12 200', 'completed, with its length');
SELECT is(pg_temp.status(:'call', 'ringing', '{"sub_state": "late"}'), 'completed 12 200', 'what comes late moves nothing');
SELECT is(cost || ' ' || cost_currency, '0.2500 EUR', 'what it cost, in euros') FROM switchboard.call_logs WHERE id = :'call';
SELECT pg_temp.new_call('+12025550102') AS call \gset
SELECT is(pg_temp.status(:'call', 'unanswered', '{"detail": "timeout"}'), 'no-answer 0 timeout', 'unanswered');
SELECT is(pg_temp.status(:'call', 'completed', '{"duration": 0}'), 'no-answer 0 timeout', 'completed does not overwrite it');
SELECT pg_temp.new_call('+12025550103') AS call \gset
SELECT is(pg_temp.status(:'call', 'completed', '{"duration": "0", "start_time": null}'), 'initiated', 'nor when it comes first');
SELECT is(pg_temp.status(:'call', 'busy'), 'busy 0', 'busy, then');
SELECT is(array_agg(pg_temp.status(pg_temp.new_call(n), s) ORDER BY n), '{failed 0,failed 0,canceled 0,no-answer 0}', 'other ends')
  FROM (VALUES ('+12025550104', 'failed'), ('+12025550105', 'rejected'), ('+12025550106', 'cancelled'), ('+12025550107', 'timeout')) v (n, s);
SELECT pg_temp.placed_call('+12025550108') AS call \gset
SELECT is(pg_temp.status(:'call', 'dancing'), 'answered', 'an unknown status moves nothing');
SELECT is(pg_temp.status(:'call', 'completed', '{"uuid": "leg-of-an-agent", "duration": "9"}'), 'answered', 'nor does another leg of the call');
SELECT is(pg_temp.tell(:'call', 'status', '{"status": "completed", "direction": "inbound"}'), '{}', 'nor an inbound call');
SELECT is((SELECT count(*) FROM switchboard.call_events WHERE call_log_id = :'call'), 4::bigint, 'the trail has what was about it');
SELECT pg_temp.status(:'call', 'human', jsonb_build_object('call_uuid', pg_temp.uuid(:'call'))) AS told \gset
SELECT is(:'told'::text, 'answered human', 'a person');
SELECT is((pg_temp.post(pg_temp.url('status', switchboard.uuid_v7()), 'status', '{"uuid": "nobody", "status": "ringing"}')).status, 200,
          'a call that is not ours is taken');
SELECT is(error, 'unknown call', 'and kept for when it is') FROM switchboard.webhook_inbox WHERE external_id = 'nobody';

-- The answer: text and language, in parts that a talk can hold.
SELECT pg_temp.new_call('+12025550110', metadata => '{"say": "Hello \"you\" & all"}') AS call \gset
SELECT is(pg_temp.tell(:'call', 'answer', '{}'), '[{"action": "talk", "text": "Hello \"you\" & all", "language": "en-GB"}]', 'the text is said');
SELECT is(status || ' ' || call_id, 'answered ' || pg_temp.uuid(:'call'), 'the call is answered') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(pg_temp.tell(:'call', 'answer', '{}') ->  0 ->> 'action', 'talk', 'who asks again is told again');
SELECT is(repeats, 1, 'it is one event') FROM switchboard.webhook_inbox WHERE event = 'answer' AND external_id = pg_temp.uuid(:'call');
SELECT is((pg_temp.post(pg_temp.url('answer', :'call') || '&from=12015550100&to=12025550110&uuid=' || pg_temp.uuid(:'call')
                        || '&conversation_uuid=CON-1', 'answer', '')).body::jsonb -> 0 ->> 'action', 'talk', 'it may ask by GET, too');
SELECT is(pg_temp.tell(switchboard.uuid_v7(), 'answer', '{"uuid": "stranger"}'), '[{"action": "wait", "timeout": 0.1}]', 'a strange call is ended');
SELECT pg_temp.new_call('+12025550111', metadata => jsonb_build_object('say', repeat('word ', 700), 'record', true)) AS call \gset
SELECT pg_temp.tell(:'call', 'answer', '{}') AS ncco \gset
SELECT is(:'ncco'::jsonb -> 0, jsonb_build_object('action', 'record', 'eventUrl', jsonb_build_array(pg_temp.url('recording', :'call')),
          'eventMethod', 'POST'), 'it is recorded from the beginning');
SELECT is((SELECT array_agg(length(a ->> 'text') ORDER BY n) FROM jsonb_array_elements(:'ncco'::jsonb - 0) WITH ORDINALITY x (a, n)),
          '{1500,1500,499}', 'a long text is parted');
SELECT is((SELECT string_agg(a ->> 'text', '' ORDER BY n) FROM jsonb_array_elements(:'ncco'::jsonb - 0) WITH ORDINALITY x (a, n)),
          rtrim(repeat('word ', 700)), 'and nothing of it lost');

-- Recordings.
SELECT is((pg_temp.post(pg_temp.url('recording', :'call'), 'recording', '{"recording_uuid": "rec-1", "conversation_uuid": "CON-9",
  "recording_url": "https://api.nexmo.com/v1/files/rec-1", "size": 12228, "start_time": "2026-01-01T12:00:00.000Z",
  "end_time": "2026-01-01T12:00:07.000Z", "timestamp": "2026-01-01T12:00:08.000Z"}')).status, 200, 'a recording is announced');
SELECT is(jsonb_build_array(recording_url, duration, file_size, provider_recording_id), '["https://api.nexmo.com/v1/files/rec-1", 7, 12228, "rec-1"]',
          'and kept') FROM switchboard.call_recordings WHERE call_id = :'call';

-- Agents: rung one after the other, and if nobody is there the safe-harbour message, which takes a key.
INSERT INTO switchboard.users (tenant_id, name, role, endpoint) VALUES (:'tenant', 'Ann', 'agent', 'sip:ann@pbx.example') RETURNING id AS ann \gset
INSERT INTO switchboard.users (tenant_id, name, role, endpoint) VALUES (:'tenant', 'Bob', 'agent', '+1 201 555 0122') RETURNING id AS bob \gset
SELECT test_dialer.new_campaign(:'tenant', '{"agentless": false, "agent_timeout": 10, "record": true}') AS campaign \gset
SELECT test_dialer.add_people(:'campaign', 9, 12025550130);
CREATE FUNCTION pg_temp.agent(name text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', s.state, s.reason) FROM switchboard.agent_states s JOIN switchboard.users u ON u.id = s.user_id
  WHERE u.name = agent.name AND s.ended_at IS NULL $$;
SELECT pg_temp.placed_call('+12025550130', :'campaign') AS call \gset
SELECT is(pg_temp.tell(:'call', 'answer', '{}'), jsonb_build_array(jsonb_build_object('action', 'wait', 'timeout', 1),
  jsonb_build_object('action', 'notify', 'payload', jsonb_build_object('call', :'call'), 'eventUrl', jsonb_build_array(pg_temp.url('answer', :'call')),
                     'eventMethod', 'POST')), 'while nobody is free Vonage waits and asks again');
SELECT switchboard.set_agent_state('available', user_id => :'ann');
SELECT switchboard.set_agent_state('available', user_id => :'bob');
-- As a notification: without the call's uuid.
SELECT (pg_temp.post(pg_temp.url('answer', :'call'), 'answer', jsonb_build_object('conversation_uuid', 'CON-' || :'call',
  'payload', jsonb_build_object('call', :'call'))::text)).body::jsonb AS ncco \gset
SELECT is(:'ncco'::jsonb -> 1, jsonb_build_object('action', 'connect', 'endpoint', '[{"type": "sip", "uri": "sip:ann@pbx.example"}]'::jsonb,
  'from', '12015550100', 'timeout', 10, 'eventType', 'synchronous', 'eventUrl', jsonb_build_array(pg_temp.url('dial-status', :'call')),
  'eventMethod', 'POST'), 'then the agent who was idle longest is rung');
SELECT is(:'ncco'::jsonb -> 0 ->> 'action', 'record', 'and the call is recorded');
SELECT is(pg_temp.agent('Ann'), 'busy', 'she is busy');
SELECT is(pg_temp.tell(:'call', 'dial-status', '{"uuid": "ann-leg", "status": "ringing"}'), '{}', 'that she is rung asks for nothing');
SELECT is(pg_temp.tell(:'call', 'dial-status', '{"uuid": "ann-leg", "status": "timeout"}') -> 0 -> 'endpoint', '[{"type": "phone", "number": "12015550122"}]',
          'she does not answer: the next one is rung, on the recording that runs');
SELECT is(pg_temp.agent('Ann'), 'paused did not answer', 'she is paused');
SELECT is(pg_temp.tell(:'call', 'dial-status', '{"uuid": "ann-leg", "status": "timeout"}') -> 0 -> 'endpoint', '[{"type": "phone", "number": "12015550122"}]',
          'a repeat is answered alike');
SELECT is(pg_temp.agent('Bob'), 'busy', 'and pauses nobody else');
SELECT is(pg_temp.tell(:'call', 'dial-status', '{"uuid": "bob-leg", "status": "answered"}'), '{}', 'he answers');
SELECT is(connected_at IS NOT NULL AND user_id = :'bob', true, 'they talk') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(pg_temp.tell(:'call', 'dial-status', '{"uuid": "bob-leg", "status": "completed", "duration": "9"}'), '{}', 'he hangs up');
SELECT is(pg_temp.status(:'call', 'completed', '{"duration": "15", "start_time": "2026-01-01T12:00:00.000Z"}'), 'completed 15', 'the call ends');
SELECT is(pg_temp.agent('Bob'), 'wrap_up', 'he wraps up');

-- Nobody within two seconds.
SELECT pg_temp.placed_call('+12025550131', :'campaign') AS call \gset
UPDATE switchboard.call_logs SET answered_at = answered_at - interval '3 seconds' WHERE id = :'call';
SELECT pg_temp.tell(:'call', 'answer', '{}') AS ncco \gset
SELECT is(:'ncco'::jsonb - 0, jsonb_build_array(jsonb_build_object('action', 'input', 'type', '["dtmf"]'::jsonb, 'dtmf', '{"maxDigits": 1, "timeOut": 5}'::jsonb,
  'eventUrl', jsonb_build_array(pg_temp.url('opt-out', :'call')), 'eventMethod', 'POST')), 'the safe-harbour message takes a key');
SELECT is(:'ncco'::jsonb -> 0 ->> 'bargeIn', 'true', 'at any time');
SELECT matches(:'ncco'::jsonb -> 0 ->> 'text', 'This is acme.*press 9', 'and says who calls and how to opt out');
SELECT is(abandoned, true, 'the call is abandoned') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(pg_temp.tell(:'call', 'opt-out', '{"dtmf": {"digits": "", "timed_out": true}}'), '[{"action": "wait", "timeout": 0.1}]', 'no key: the end');
SELECT is((SELECT count(*) FROM switchboard.do_not_call), 0::bigint, 'and no more');
SELECT is(pg_temp.tell(:'call', 'opt-out', '{"dtmf": {"digits": "9", "timed_out": false}}') -> 0 ->> 'action', 'talk', 'the key is confirmed');
SELECT is((SELECT array_agg(phone_number) FROM switchboard.do_not_call), '{+12025550131}', 'the number is not called again');

-- A call whose agent is dialed first: the second leg is the customer.
SELECT switchboard.set_agent_state('available', user_id => :'ann');
SELECT switchboard.set_identity(:'tenant', :'ann');
SELECT pg_temp.new_call('+12025550140', metadata => '{"dial_agent_first": true}') AS call \gset
SELECT switchboard.set_identity(:'tenant');
SELECT is(payload ->> 'to', 'sip:ann@pbx.example', 'the agent is dialed') FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT is(pg_temp.tell(:'call', 'answer', '{}') -> 0 -> 'endpoint', '[{"type": "phone", "number": "12025550140"}]', 'then the customer');
SELECT is(pg_temp.status(:'call', 'answered', '{"start_time": null}'), 'ringing', 'who has not answered yet');
SELECT pg_temp.tell(:'call', 'dial-status', '{"uuid": "customer", "status": "answered"}') AS reply \gset
SELECT is(status::text, 'answered', 'now they have') FROM switchboard.call_logs WHERE id = :'call';
SELECT pg_temp.status(:'call', 'completed', '{"duration": "5", "start_time": "2026-01-01T12:00:00.000Z"}') AS told \gset

-- Machines.
INSERT INTO switchboard.voicemail_drops (tenant_id, name, audio_url) VALUES (:'tenant', 'sorry', 'https://pbx.example/sorry.mp3') RETURNING id AS voicemail \gset
UPDATE switchboard.campaigns SET settings = jsonb_build_object('agentless', false, 'voicemail_id', :'voicemail') WHERE id = :'campaign';
SELECT pg_temp.placed_call('+12025550132', :'campaign') AS call \gset
SELECT is(pg_temp.status(:'call', 'machine', jsonb_build_object('call_uuid', pg_temp.uuid(:'call'))), 'answered machine', 'a machine has answered');
SELECT is(pg_temp.tell(:'call', 'answer', '{}'), '[{"action": "stream", "streamUrl": ["https://pbx.example/sorry.mp3"]}]', 'and hears the message');
SELECT is(usage_count, 1, 'once') FROM switchboard.voicemail_drops;
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.update'), 0::bigint, 'in the answer');
SELECT switchboard.set_agent_state('available', user_id => :'ann');
SELECT pg_temp.placed_call('+12025550133', :'campaign') AS call \gset
SELECT is(pg_temp.tell(:'call', 'answer', '{}') -> 0 ->> 'action', 'connect', 'detected while the call goes on: an agent is rung');
SELECT is(pg_temp.status(:'call', 'machine'), 'answered machine', 'then it is a machine');
SELECT is(payload ->> 'action' || ' ' || (payload ->> 'audio_url'), 'play https://pbx.example/sorry.mp3', 'which is played the message')
  FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.update';
SELECT is(pg_temp.status(:'call', 'machine', '{"sub_state": "beep_start"}'), 'answered machine', 'its tone');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.update'), 1::bigint, 'brings no second one');
UPDATE switchboard.campaigns SET settings = settings || '{"machine_detection": "detect_message_end"}' WHERE id = :'campaign';
SELECT pg_temp.placed_call('+12025550134', :'campaign') AS call \gset
SELECT pg_temp.tell(:'call', 'answer', '{}') AS ncco \gset
SELECT is(pg_temp.status(:'call', 'machine'), 'answered machine', 'where the end of the greeting counts');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.update'), 0::bigint, 'the message waits');
SELECT pg_temp.status(:'call', 'machine', '{"sub_state": "beep_start"}') AS told \gset
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.update'), 1::bigint, 'for the tone');

SELECT * FROM finish();
ROLLBACK;
