-- OmniDimension's side of the wire: what it is asked to do, and the webhook after a call, in which false stands for null.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/packages.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
DELETE FROM switchboard.channel_routes;
DELETE FROM switchboard.provider_accounts;
SELECT switchboard.add_provider_account('omnidimension', 'agents', '{"agent_id": 1234, "from_number_id": 77}',
  '{"api_key": "env:PATH", "webhook_token": "env:PATH"}') AS account \gset
SELECT test_dialer.hello();

CREATE FUNCTION pg_temp.url(account uuid) RETURNS text LANGUAGE sql AS $$
  SELECT 'https://pbx.example/api/webhooks/omnidimension/post-call?account=' || account || '&token='
         || switchboard._url_encode(test_dialer.secret()) $$;
CREATE FUNCTION pg_temp.post(fields jsonb, url text) RETURNS int LANGUAGE sql AS $$
  SELECT (switchboard.receive_webhook('omnidimension', 'post-call', '{}', convert_to(fields::text, 'UTF8'), url)).status $$;
-- The webhook after a call to +1 202 555 0100, as recorded, with changes.
CREATE FUNCTION pg_temp.tell(account uuid, fields jsonb) RETURNS int LANGUAGE sql AS $$
  SELECT pg_temp.post('{"call_sid": "CA1", "bot_id": 1234, "bot_name": "Offers", "call_direction": "outbound",
    "from_number": "+15005550006", "to_number": "+12025550100", "call_date": "2026-01-01 12:00:00", "start_time": "2026-01-01 12:00:00",
    "end_time": "2026-01-01 12:00:42", "call_duration": 42, "call_status": "completed", "hangup_source": "user", "recording_url": false,
    "recording_available_at": null, "low_interaction": false, "call_report": {"summary": "Will buy", "sentiment": "Positive",
    "extracted_variables": {"interested": "yes"}, "full_conversation": "Agent: Hello<br/>Zoë: Yes", "interactions": []}}'::jsonb || fields,
    pg_temp.url(account)) $$;

-- The request.
SELECT test_packages.triggered_call(:'account', '+12025550100') AS call \gset
SELECT is(payload - 'context', jsonb_build_object('to', '+12025550100', 'call_log_id', :'call'),
          'the job names the number; the agent is that of the account') FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT is((SELECT payload -> 'context' FROM switchboard.jobs_open WHERE subject_id = :'call'),
          (SELECT package || jsonb_build_object('call_log_id', :'call') FROM switchboard.call_triggers
           WHERE id = test_packages.trigger_of(:'call')), 'the agent is told the whole package, and the call');
SELECT test_dialer.new_campaign(:'tenant', '{"agent_id": 5, "from_number_id": 6}') AS campaign \gset
SELECT test_packages.triggered_call(:'account', '+12025550109', :'campaign') AS other \gset
SELECT is(payload - 'context', jsonb_build_object('to', '+12025550109', 'call_log_id', :'other', 'agent_id', 5, 'from_number_id', 6),
          'a campaign may have an agent and a number of its own') FROM switchboard.jobs_open WHERE subject_id = :'other';
DELETE FROM switchboard.jobs_open WHERE subject_id = :'other';

-- Who may tell.
SELECT is(pg_temp.post('{"call_id": 1}', 'https://pbx.example/api/webhooks/omnidimension/post-call?account=' || :'account'), 403,
          'no token: refused');
SELECT is(pg_temp.post('{"call_id": 1}', 'https://pbx.example/api/webhooks/omnidimension/post-call?token=wrong&account=' || :'account'),
          403, 'a wrong token: refused');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 0::bigint, 'and nothing is kept');
SELECT is(pg_temp.post('{"bot_id": 1234}', pg_temp.url(:'account')), 400, 'a webhook about no call is 400');
SELECT is((switchboard.receive_webhook('omnidimension', 'post-call', '{}', '[1]', pg_temp.url(:'account'))).status, 400,
          'what is no object is 400');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE url LIKE '%token=***%' AND strpos(url, test_dialer.secret()) = 0), 2::bigint,
          'kept without the token of the URL');
SELECT is((switchboard.receive_webhook('omnidimension', 'post-call', jsonb_build_object('x-webhook-token', test_dialer.secret()),
            '{"call_id": 7, "bot_id": 1234, "call_direction": "inbound"}', 'https://pbx.example/x')).status, 200,
          'the agent of the request finds the account');
SELECT is((switchboard.receive_webhook('omnidimension', 'post-call', '{}', '{"call_id": 7, "bot_id": 9}', 'https://pbx.example/x')).status, 404,
          'an unknown agent is nobody''s');

-- The life of a call.
SELECT is(test_packages.deliver(:'call', '3166940'), 'done', 'dispatched');
SELECT is(call_id || ' ' || (expires_at > now() + interval '3 hours'), '3166940 true',
          'the call is known by the request; as only its end is told, it is waited for as long as people talk')
  FROM switchboard.call_logs WHERE id = :'call';
SELECT is(pg_temp.tell(:'account', '{"call_id": 987654, "call_request_id": 3166940}'), 200, 'the webhook after the call');
SELECT is(test_packages.call(:'call'), 'completed 42 user', 'ends it');
SELECT is(test_packages.trigger(:'call'), 'completed', 'and completes what it was triggered by');
SELECT is(answered_at, ended_at - interval '42 s', 'it was answered') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(to_jsonb(r) - '{id,tenant_id,call_id,created_at,updated_at}'::text[],
  '{"recording_url": null, "provider_recording_id": "987654", "duration": 42, "file_size": null, "transcription": "Agent: Hello\nZoë: Yes",
    "sentiment": "positive", "metadata": {"summary": "Will buy", "extracted_variables": {"interested": "yes"}}}'::jsonb,
  'transcript, mood, summary and what was found out') FROM switchboard.call_recordings r WHERE r.call_id = :'call';
SELECT is(pg_temp.tell(:'account', '{"call_id": 987654, "call_request_id": 3166940, "call_status": "failed"}'), 200, 'a repeat is taken');
SELECT is(test_packages.call(:'call') || ' ' || (SELECT count(*) FROM switchboard.call_events WHERE call_log_id = :'call'),
          'completed 42 user 1', 'and acted on once per call');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call.status'), 0::bigint, 'nobody asks for a recording unless told to');

-- The ways a call ends, and false for null.
CREATE FUNCTION pg_temp.ends(account uuid, phone text, request text, fields jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE call uuid := test_packages.triggered_call(account, phone);
BEGIN
  PERFORM test_packages.deliver(call, request);
  PERFORM pg_temp.tell(account, jsonb_build_object('call_id', '1' || request, 'call_request_id', request::int, 'to_number', phone) || fields);
  RETURN concat_ws(' / ', test_packages.call(call), test_packages.trigger(call));
END $$;
SELECT is(pg_temp.ends(:'account', '+12025550101', '11', '{"call_status": "busy", "call_duration": false, "hangup_source": false}'),
          'busy 0 busy / scheduled', 'busy');
SELECT is(pg_temp.ends(:'account', '+12025550102', '12', '{"call_status": "no_answer", "call_duration": 0}'),
          'no-answer 0 user / scheduled', 'no answer');
SELECT is(pg_temp.ends(:'account', '+12025550103', '13', '{"call_status": "no-answer", "call_report": false}'),
          'no-answer 42 user / scheduled', 'spelled the other way, without a report');
SELECT is(pg_temp.ends(:'account', '+12025550104', '14', '{"call_status": "cancelled", "call_duration": 0}'),
          'canceled 0 user / canceled canceled', 'cancelled');
SELECT is(pg_temp.ends(:'account', '+12025550105', '15', '{"call_status": "failed", "call_duration": 0}'), 'failed 0 user / scheduled', 'failed');
SELECT is(pg_temp.ends(:'account', '+12025550106', '16', '{"call_status": "dancing", "call_duration": "7"}'), 'completed 7 user / completed',
          'a word we do not know, after talk');
SELECT is(pg_temp.ends(:'account', '+12025550107', '17', '{"call_status": false, "call_duration": false}'), 'failed 0 user / scheduled',
          'no word at all, without talk');
SELECT is(split_part(pg_temp.ends(:'account', '+12025550108', '18', '{"call_status": "voicemail_detected", "call_duration": 20,
            "recording_url": "https://rec.example/1.mp3", "call_report": {"sentiment": false, "summary": false}}'), ' / ', 1),
          'completed 20 machine user', 'voicemail');
SELECT is((SELECT disposition || ' ' || coalesce(d.user_id::text, 'nobody') FROM switchboard.call_dispositions d
           JOIN switchboard.call_logs c ON c.id = d.call_id WHERE c.to_number = '+12025550108'), 'voicemail nobody', 'is its disposition');
SELECT is(c.recording_url || ' ' || r.recording_url || coalesce(r.sentiment::text, ' no mood'),
          'https://rec.example/1.mp3 https://rec.example/1.mp3 no mood', 'the recording is kept')
  FROM switchboard.call_recordings r JOIN switchboard.call_logs c ON c.id = r.call_id WHERE c.to_number = '+12025550108';
SELECT is(split_part(pg_temp.ends(:'account', '+12025550110', '19', '{"is_voicemail": true, "recording_url": "javascript:alert(1)"}'), ' / ', 1),
          'completed 42 machine user', 'a flag tells it, too; what is no address of a recording is left out');

-- Whose call it is.
SELECT test_packages.triggered_call(:'account', '+12025550120') AS call \gset
SELECT is(pg_temp.tell(:'account', '{"call_id": 21, "call_request_id": {"id": 2100, "type_of_request": "single"}, "to_number": "+12025550120"}'),
          200, 'a webhook that overtakes');
SELECT is(error, 'unknown call', 'waits') FROM switchboard.webhook_inbox WHERE external_id = '2100';
SELECT is(test_packages.deliver(:'call', '2100'), 'done', 'for the answer');
SELECT is(test_packages.call(:'call'), 'completed 42 user', 'and then counts; the id of the request may be an object');
SELECT test_packages.triggered_call(:'account', '+12025550121') AS call \gset
SELECT is(test_packages.deliver(:'call', NULL, 'unknown'), 'in_doubt', 'a dispatch without an answer is in doubt');
SELECT is(pg_temp.tell(:'account', '{"call_id": 22, "call_request_id": 2200, "to_number": "+12025550121"}'), 200, 'its webhook');
SELECT is(test_packages.call(:'call') || ' ' || (SELECT call_id FROM switchboard.call_logs WHERE id = :'call'), 'completed 42 user 2200',
          'finds it by the number');
SELECT test_packages.triggered_call(:'account', '+12025550122') AS call \gset
SELECT is(pg_temp.tell(:'account', jsonb_build_object('call_id', 23, 'call_request_id', false, 'to_number', false,
            'call_context', jsonb_build_object('call_log_id', :'call'))), 200, 'where the context comes back');
SELECT is(test_packages.call(:'call'), 'completed 42 user', 'our own id finds it');
SELECT test_packages.triggered_call(:'account', '+12025550123') AS call \gset
SELECT pg_temp.tell(:'account', '{"call_id": 24, "call_request_id": 2400, "to_number": "+12025550123"}') AS told \gset
SELECT is(test_packages.call(:'call'), 'initiated', 'a call that was not sent is not the one');
SELECT is(pg_temp.tell(:'account', '{"call_id": 25, "call_request_id": 2400, "call_direction": "inbound"}'), 200, 'inbound calls are not ours to follow');

-- The recording that comes later.
UPDATE switchboard.provider_accounts SET settings = settings || '{"fetch_recordings": 120}' WHERE id = :'account';
SELECT test_packages.triggered_call(:'account', '+12025550130') AS call \gset
SELECT test_packages.deliver(:'call', '3000') AS done \gset
SELECT pg_temp.tell(:'account', '{"call_id": 31, "call_request_id": 3000, "to_number": "+12025550130"}') AS told \gset
SELECT is(payload || jsonb_build_object('later', run_at > now() + interval '100 s'),
          jsonb_build_object('provider_call_id', '3000', 'log_id', '31', 'call_log_id', :'call', 'later', true), 'the log is asked for again')
  FROM switchboard.jobs_open WHERE subject_id = :'call' AND kind = 'call.status';
UPDATE switchboard.jobs_open SET run_at = clock_timestamp() WHERE kind = 'call.status';
SELECT t ->> 'id' AS id, t ->> 'token' AS token FROM test_dialer.turn() t WHERE t ->> 'kind' = 'call.status' \gset
SELECT count(*) AS n FROM test_dialer.turn(jsonb_build_array(jsonb_build_object('id', :'id', 'token', :token, 'outcome', 'ok', 'response',
  '{"status": "completed", "duration": "42", "log_id": "31", "recording_url": "https://rec.example/31.mp3"}'::jsonb))) \gset
SELECT is(c.recording_url || ' ' || r.recording_url || ' ' || r.transcription, 'https://rec.example/31.mp3 https://rec.example/31.mp3 Agent: Hello
Zoë: Yes', 'and joins what was told') FROM switchboard.call_logs c JOIN switchboard.call_recordings r ON r.call_id = c.id WHERE c.id = :'call';

-- Hanging up: before it has left, never afterwards.
SELECT test_packages.triggered_call(:'account', '+12025550140') AS call \gset
SELECT is((switchboard.hang_up(:'call')).status::text, 'canceled', 'a call that has not left is canceled');
SELECT test_packages.triggered_call(:'account', '+12025550141') AS call \gset
SELECT test_packages.deliver(:'call', '4100') AS done \gset
SELECT throws_ok(format('SELECT switchboard.hang_up(%L)', :'call'), '0A000', 'provider omnidimension cannot be told to hang up',
                 'the agent cannot be stopped');

SELECT * FROM finish();
ROLLBACK;
