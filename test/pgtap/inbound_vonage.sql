-- Calls of customers at Vonage: NCCO, legs, rounds of waiting, keys, messages; events in any order.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT switchboard.add_provider_account('vonage', 'voice', '{"application_id": "app-1", "public_url": "https://pbx.example"}',
  '{"signature_secret": "env:PATH", "private_key": "file:vonage.pem"}') AS account \gset
SELECT test_dialer.hello();

CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE FUNCTION pg_temp.token(body text) RETURNS text LANGUAGE sql AS $$
  SELECT t.head || '.' || pg_temp.base64url(hmac(convert_to(t.head, 'UTF8'), convert_to(test_dialer.secret(), 'UTF8'), 'sha256'))
  FROM (SELECT pg_temp.base64url('{"alg":"HS256","typ":"JWT"}') || '.' || pg_temp.base64url(convert_to((
      CASE WHEN body <> '' THEN jsonb_build_object('payload_hash', encode(sha256(convert_to(body, 'UTF8')), 'hex')) ELSE '{}' END
      || jsonb_build_object('iat', extract(epoch FROM clock_timestamp())::bigint, 'iss', 'Vonage', 'application_id', 'app-1'))::text, 'UTF8')) AS head) t
$$;
CREATE FUNCTION pg_temp.id(leg text) RETURNS uuid LANGUAGE sql AS $$ SELECT c.id FROM switchboard.call_logs c WHERE c.call_id = leg $$;
CREATE FUNCTION pg_temp.url(event text, leg text, agent uuid) RETURNS text LANGUAGE sql AS $$
  SELECT 'https://pbx.example/api/webhooks/vonage/' || event || '?account=' || a.id || coalesce('&call=' || pg_temp.id(leg), '') || coalesce('&agent=' || agent, '')
  FROM switchboard.provider_accounts a WHERE a.provider = 'vonage' $$;
-- What is answered; addresses shortened to URL/event.
CREATE FUNCTION pg_temp.send(url text, event text, body text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answer switchboard.webhook_response := switchboard.receive_webhook('vonage', event, jsonb_build_object('Authorization', 'Bearer ' || pg_temp.token(body)),
                                                                     convert_to(body, 'UTF8'), url);
BEGIN
  IF answer.status <> 200 THEN
    RETURN jsonb_build_array(answer.status, answer.body);
  END IF;
  RETURN regexp_replace(answer.body, 'https://pbx.example/api/webhooks/vonage/([a-z-]+)[^"]*', 'URL/\1', 'g');
END $$;
CREATE FUNCTION pg_temp.tell(event text, leg text, fields jsonb DEFAULT '{}', agent uuid DEFAULT NULL, named boolean DEFAULT true) RETURNS jsonb LANGUAGE sql AS $$
  SELECT pg_temp.send(pg_temp.url(event, CASE WHEN named THEN leg END, agent), event,
    (jsonb_build_object('uuid', leg, 'conversation_uuid', 'CON-' || leg, 'from', '12025550111', 'to', '12015550100',
                        'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) || fields)::text) $$;
CREATE FUNCTION pg_temp.status(leg text, status text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.tell('status', leg, jsonb_build_object('status', status, 'direction', 'inbound') || more, named => false);
  SELECT concat_ws(' ', c.status, c.from_number, c.to_number, c.duration, CASE WHEN c.abandoned THEN 'abandoned' END)
  FROM switchboard.call_logs c WHERE c.call_id = leg $$;
CREATE FUNCTION pg_temp.set(inbound jsonb) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.tenants SET settings = settings || jsonb_build_object('inbound', inbound, 'wrap_up_seconds', 0) $$;
CREATE FUNCTION pg_temp.says(ncco jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(a ->> 'action', ' ' ORDER BY n) FROM jsonb_array_elements(ncco) WITH ORDINALITY AS t (a, n) $$;

-- A message.
SELECT is(pg_temp.status('u1', 'started'), 'ringing +12025550111 +12015550100', 'the first word about a call records it, its numbers with their plus');
SELECT is(pg_temp.tell('answer', 'u1', named => false), '[{"action": "talk", "text": "Nobody is free to take your call. Please leave a message after the tone."},
  {"action": "record", "beepStart": true, "endOnKey": "#", "endOnSilence": 5, "timeOut": 120, "eventMethod": "POST", "eventUrl": ["URL/voicemail"]}]',
  'nobody works here: a message');
SELECT is(pg_temp.status('u1', 'answered'), 'ringing +12025550111 +12015550100', 'that Vonage has answered is no answer');
SELECT pg_temp.tell('voicemail', 'u1', '{"recording_url": "https://api.nexmo.com/v1/files/r1", "recording_uuid": "r1", "size": "9", "start_time": "2026-01-01T10:00:00Z", "end_time": "2026-01-01T10:00:07Z"}');
SELECT pg_temp.tell('voicemail', 'u1', '{"recording_url": "https://api.nexmo.com/v1/files/r1", "recording_uuid": "r1", "size": "9", "start_time": "2026-01-01T10:00:00Z", "end_time": "2026-01-01T10:00:07Z"}');
SELECT is((SELECT array_agg(concat_ws(' ', r.duration, r.provider_recording_id, c.voicemail_at IS NOT NULL)) FROM switchboard.call_recordings r JOIN switchboard.call_logs c ON c.id = r.call_id),
  '{"7 r1 t"}', 'taken once');
SELECT is((SELECT count(*) FROM switchboard.support_requests WHERE source = 'voicemail'), 1::bigint, 'with a request');
SELECT is(pg_temp.status('u1', 'completed', '{"duration": "12", "price": "0.01", "start_time": "2026-01-01T10:00:00Z"}'), 'no-answer +12025550111 +12015550100 12', 'the end');
SELECT is(pg_temp.status('u2', 'completed', '{"duration": "0"}'), 'no-answer +12025550111 +12015550100 0', 'the end may come first');
SELECT is(pg_temp.says(pg_temp.tell('answer', 'u2', named => false)), 'wait', 'then nothing is said');

-- Agents, and waiting for them.
SELECT test_dialer.new_agent(:'tenant', 'ada', endpoint => '+12015550177') AS ada \gset
SELECT test_dialer.set_state(:'ada', 'available');
SELECT pg_temp.set('{"greeting": "Welcome.", "record": true}');
SELECT is(pg_temp.tell('answer', 'v1', named => false), '[{"action": "talk", "text": "Welcome."},
  {"action": "record", "eventMethod": "POST", "eventUrl": ["URL/recording"]},
  {"action": "connect", "endpoint": [{"type": "phone", "number": "12015550177"}], "from": "12015550100", "timeout": 15, "eventType": "synchronous",
   "eventMethod": "POST", "eventUrl": ["URL/dial-status"]}]', 'a caller gets a free agent');
SELECT pg_temp.set('{}');
SELECT is(pg_temp.says(pg_temp.tell('answer', 'v2', named => false)), 'talk wait notify', 'the next one waits, and asks again');
SELECT pg_temp.set('{"hold_audio_url": "https://a.example/m.mp3", "callback_key": "1", "announce_position": false}');
SELECT is(pg_temp.tell('wait', 'v2'), '[{"action": "talk", "text": "Press 1 if you want us to call you back.", "bargeIn": true},
  {"action": "stream", "streamUrl": ["https://a.example/m.mp3"], "bargeIn": true},
  {"action": "input", "type": ["dtmf"], "dtmf": {"maxDigits": 1, "timeOut": 1}, "eventMethod": "POST", "eventUrl": ["URL/wait"]}]', 'with music, and a key for a callback');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE event = 'wait'), 1::bigint, 'its rounds are one event');
SELECT pg_temp.tell('wait', 'v2');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE event = 'wait'), 1::bigint, 'however many');
SELECT is(pg_temp.tell('dial-status', 'v1', '{"uuid": "leg1", "status": "ringing"}', :'ada'), '{}', 'ada''s phone rings');
SELECT is(pg_temp.tell('dial-status', 'v1', '{"uuid": "leg1", "status": "answered"}', :'ada'), '{}', 'she picks up');
SELECT is(concat_ws(' ', status, connected_at IS NOT NULL), 'answered t', 'now it is answered') FROM switchboard.call_logs WHERE call_id = 'v1';
SELECT is(pg_temp.tell('status', 'v1', '{"uuid": "leg1", "status": "completed", "direction": "inbound", "duration": "5"}') IS NOT NULL
          AND (SELECT status = 'answered' FROM switchboard.call_logs WHERE call_id = 'v1'), true, 'the end of another leg is not the call''s');
SELECT is(pg_temp.status('v1', 'completed', '{"duration": "33"}'), 'completed +12025550111 +12015550100 33', 'they have spoken');
SELECT is((SELECT user_id FROM switchboard.call_logs WHERE call_id = 'v2'), :'ada'::uuid, 'ada gets the one that waits');
SELECT is((SELECT payload ->> 'action' FROM switchboard.jobs_open WHERE kind = 'call.update'), 'transfer', 'Vonage is told');
SELECT is(pg_temp.says(pg_temp.send(pg_temp.url('answer', 'v2', NULL) || '&uuid=v2&from=12025550111&to=12015550100&conversation_uuid=CON-v2', 'answer', '')),
  'connect', 'it asks by GET after the transfer');
SELECT is(pg_temp.says(pg_temp.tell('wait', 'v2')), 'connect', 'so does its round');
SELECT is(pg_temp.says(pg_temp.tell('dial-status', 'v2', '{"uuid": "leg2", "status": "timeout"}', :'ada')), 'talk stream input', 'ada does not pick up: it waits again');
SELECT is(test_dialer.state_of(:'ada'), 'paused did not answer', 'and she rests');
SELECT is(pg_temp.says(pg_temp.tell('wait', 'v2', '{"dtmf": {"digits": "1", "timed_out": false}}')), 'talk', 'the caller wants to be called back');
SELECT is((SELECT phone_number FROM switchboard.support_requests WHERE callback_at IS NOT NULL), '+12025550111', 'and will be');
SELECT is(pg_temp.status('v2', 'completed', '{"duration": "60"}'), 'no-answer +12025550111 +12015550100 60', 'which is not giving up');

-- Rung for a caller who hangs up; news after the end.
SELECT test_dialer.set_state(:'ada', 'available');
SELECT pg_temp.tell('answer', 'w1', named => false);
SELECT is(pg_temp.tell('dial-status', 'w1', '{"uuid": "leg3", "status": "cancelled"}', :'ada'), '[{"action": "wait", "timeout": 0.1}]', 'the caller hung up while she was rung');
SELECT is(pg_temp.status('w1', 'completed', '{"duration": "4"}'), 'no-answer +12025550111 +12015550100 4 abandoned', 'that is giving up');
SELECT is(test_dialer.state_of(:'ada'), 'available', 'ada is free');
SELECT is(pg_temp.tell('dial-status', 'w1', '{"uuid": "leg3", "status": "answered"}', :'ada'), '{}', 'she had picked up after all');
SELECT is(concat_ws(' ', status, abandoned, user_id), concat_ws(' ', 'completed', false, :'ada'), 'the truth') FROM switchboard.call_logs WHERE call_id = 'w1';
SELECT is(pg_temp.says(pg_temp.tell('wait', 'w1')), 'wait', 'questions about the past get no answer');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error IS NOT NULL OR processed_at IS NULL), 0::bigint, 'all was acted on');
SELECT is(test_dialer.broken_histories(), 0::bigint, 'no agent has a gap in their day');

SELECT * FROM finish();
ROLLBACK;
