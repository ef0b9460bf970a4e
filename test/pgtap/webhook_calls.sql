-- Calls that are handed to external call systems by signed webhook, and what these report back.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/packages.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
DELETE FROM switchboard.channel_routes;
DELETE FROM switchboard.provider_accounts;
SELECT switchboard.add_provider_account('webhook', 'calls', '{"base_url": "https://calls.example/in"}',
                                        '{"signing_secret": "env:NEW"}') AS account \gset
SELECT switchboard.add_provider_account('webhook', 'other', '{"base_url": "https://other.example/in"}',
                                        '{"signing_secret": "env:OTHER"}') AS other \gset
SELECT test_dialer.hello();

-- The environment of the server is not a test's to set.
CREATE OR REPLACE FUNCTION switchboard._open_secret(reference text, context text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT 'whsec_' || encode(sha256(convert_to(reference, 'UTF8')), 'base64') $$;
CREATE FUNCTION pg_temp.headers(id text, body text, secret text, at timestamptz) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('webhook-id', id, 'webhook-timestamp', t, 'webhook-signature', 'v1,' || encode(hmac(
    convert_to(id || '.' || t || '.' || body, 'UTF8'), sha256(convert_to(secret, 'UTF8')), 'sha256'), 'base64'))
  FROM (SELECT floor(extract(epoch FROM at))::bigint::text AS t) s $$;
CREATE SEQUENCE pg_temp.reports;
-- A report of the receiver, signed; the answer.
CREATE FUNCTION pg_temp.report(fields jsonb, account uuid DEFAULT NULL, id text DEFAULT 'evt_' || nextval('pg_temp.reports'),
  secret text DEFAULT 'env:NEW', at timestamptz DEFAULT clock_timestamp(), body text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, CASE WHEN r.status <> 200 THEN r.body END)
  FROM switchboard.receive_webhook('webhook', 'status', pg_temp.headers(id, fields::text, secret, at),
         convert_to(coalesce(body, fields::text), 'UTF8'),
         'https://pbx.example/api/webhooks/webhook/status' || coalesce('?account=' || account, '')) r $$;

-- What is sent.
SELECT test_packages.triggered_call(:'account', '+12025550100') AS call \gset
SELECT test_packages.trigger_of(:'call') AS trigger \gset
SELECT is(payload - 'body', jsonb_build_object('to', '+12025550100', 'call_log_id', :'call'), 'the job names the number')
  FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT is((payload -> 'body')::text, (SELECT package::text FROM switchboard.call_triggers WHERE id = :'trigger'),
          'and carries the package, letter for letter') FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT ok(strpos((payload -> 'body')::text, '"savings_amount": 150.00') > 0, 'money keeps its cents')
  FROM switchboard.jobs_open WHERE subject_id = :'call';
SELECT is(test_packages.deliver(:'call', 'dial-1'), 'done', 'delivered');
SELECT is(status || ' ' || call_id || ' ' || (expires_at > now() + interval '3 hours'), 'initiated dial-1 true',
          'the call has the receiver''s name, and is reported on in its own time') FROM switchboard.call_logs WHERE id = :'call';

-- Who may report.
SELECT jsonb_build_object('call_trigger_id', :'trigger', 'status', 'ringing') AS ringing \gset
SELECT is(pg_temp.report(:'ringing', body => replace(:'ringing', 'ringing', 'Ringing')), '403 bad signature', 'one byte changed: refused');
SELECT is(pg_temp.report(:'ringing', secret => 'env:OTHER'), '403 bad signature', 'another secret: refused');
SELECT is(pg_temp.report(:'ringing', at => clock_timestamp() - interval '6 minutes'), '403 bad signature', 'an old one: refused');
SELECT is(pg_temp.report(:'ringing', account => :'other', secret => 'env:OTHER'), '200', 'a genuine report of another account');
SELECT is(error, 'unknown call', 'is about none of its calls') FROM switchboard.webhook_inbox;
SELECT is(test_packages.call(:'call'), 'initiated', 'nothing of that moves the call');
SELECT is(pg_temp.report('{"call_trigger_id": "01900000-0000-7000-8000-000000000000", "status": "ringing"}'), '404 no such account',
          'a report about nobody''s call finds no account');
SELECT is(pg_temp.report('{"call_id": "dial-1", "status": "ringing"}'), '404 no such account', 'nor does the receiver''s own id alone');
SELECT switchboard.set_provider_secret(:'account', 'previous_signing_secret', 'env:OLD') AS void \gset
SELECT is(pg_temp.report(:'ringing', secret => 'env:OLD'), '200', 'the secret before counts while it is being replaced');
SELECT is(test_packages.call(:'call'), 'ringing', 'and the call rings');
SELECT switchboard.set_provider_secret(:'account', 'previous_signing_secret', NULL) AS void \gset
SELECT is(pg_temp.report(:'ringing', secret => 'env:OLD'), '403 bad signature', 'not afterwards');

-- What cannot be understood.
SELECT is(pg_temp.report(f, :'account'), '400 cannot be read: ' || e, e) FROM (VALUES
  ('{"status": "ringing"}'::jsonb, 'none of call_trigger_id, call_log_id and call_id'),
  ('{"call_id": "dial-1", "status": "dancing"}', 'status of a call cannot be "dancing"'),
  ('{"call_id": "dial-1", "status": 5}', 'status of a call cannot be 5'),
  ('{"call_id": "dial-1", "duration": "long"}', 'duration of a call cannot be "long"'),
  ('{"call_id": "dial-1", "duration": -1}', 'duration of a call cannot be -1'),
  ('{"call_id": "dial-1", "sentiment": "ecstatic"}', 'sentiment of a call cannot be "ecstatic"'),
  ('{"call_id": "dial-1", "price": "cheap"}', 'price of a call cannot be "cheap"'),
  ('{"call_id": "dial-1", "price": 1, "currency": "dollars"}', 'currency of a call cannot be "dollars"'),
  ('{"call_id": "dial-1", "answered_by": "dog"}', 'answered_by of a call cannot be "dog"'),
  ('{"call_id": "dial-1", "disposition": "sold"}', 'disposition of a call cannot be "sold"'),
  ('{"call_id": "dial-1", "recording_url": "file:///etc/passwd"}', 'recording_url of a call cannot be "file:///etc/passwd"'),
  ('{"call_id": "dial-1", "occurred_at": "yesterdayish"}', 'occurred_at of a call cannot be "yesterdayish"'),
  ('{"call_id": "dial-1", "follow_up_date": []}', 'follow_up_date of a call cannot be []'),
  ('{"call_id": "dial-1", "follow_up_date": "infinity"}', 'follow_up_date of a call cannot be "infinity"'),
  ('{"call_trigger_id": "7"}', 'call_trigger_id of a call cannot be "7"'),
  ('{"call_id": ""}', 'call_id of a call cannot be ""'),
  ('{"call_id": {"a": 1}}', 'call_id of a call cannot be {"a": 1}')) v (f, e);
SELECT is(test_packages.call(:'call'), 'ringing', 'changes nothing');

-- The life of a call.
SELECT is(pg_temp.report(jsonb_build_object('call_id', 'dial-1', 'status', 'in_progress', 'unheard_of', true), :'account'), '200', 'by the receiver''s id');
SELECT is(test_packages.call(:'call'), 'answered', 'the call is answered');
SELECT is(pg_temp.report(jsonb_build_object('call_log_id', :'call', 'status', 'completed', 'duration', 42, 'sentiment', 'positive',
    'recording_url', 'https://rec.example/1.mp3', 'transcript', 'Hello. Yes.', 'summary', 'Will buy', 'price', '0.12', 'currency', 'EUR',
    'cause', 'normal')), '200', 'by our id of the call, which finds the account, too');
SELECT is(test_packages.call(:'call'), 'completed 42 normal', 'it is over');
SELECT is(test_packages.trigger(:'call'), 'completed', 'and so is what it was triggered by');
SELECT is(cost || ' ' || cost_currency, '0.1200 EUR', 'what it cost') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(concat_ws(' | ', recording_url, duration, transcription, sentiment, metadata),
          'https://rec.example/1.mp3 | 42 | Hello. Yes. | positive | {"summary": "Will buy"}', 'what was said')
  FROM switchboard.call_recordings WHERE call_id = :'call';
SELECT is(pg_temp.report(jsonb_build_object('call_trigger_id', :'trigger', 'status', 'failed')), '200', 'what comes late');
SELECT is(test_packages.call(:'call'), 'completed 42 normal', 'moves nothing');
SELECT is(pg_temp.report(jsonb_build_object('call_trigger_id', :'trigger', 'transcript', 'Hello. Yes, please.')), '200', 'a better transcript');
SELECT is(concat_ws(' | ', recording_url, transcription, sentiment), 'https://rec.example/1.mp3 | Hello. Yes, please. | positive', 'replaces the first')
  FROM switchboard.call_recordings WHERE call_id = :'call';
SELECT is((SELECT count(*) FROM switchboard.call_events WHERE call_log_id = :'call' AND raw::text LIKE '%Yes%'), 0::bigint,
          'transcripts stay out of the trail');

-- A repeat of one event, and the same words about another try.
SELECT test_packages.triggered_call(:'account', '+12025550101') AS call \gset
SELECT test_packages.trigger_of(:'call') AS trigger \gset
SELECT test_packages.deliver(:'call', 'msg_1') AS done \gset
SELECT jsonb_build_object('call_trigger_id', :'trigger', 'status', 'no-answer') AS unanswered \gset
SELECT is(pg_temp.report(:'unanswered', id => 'e1') || pg_temp.report(:'unanswered', id => 'e1'), '200200', 'an event told twice');
SELECT is((SELECT count(*) || ' ' || max(repeats) FROM switchboard.webhook_inbox WHERE dedupe_key LIKE '%:e1'), '1 1', 'is recorded once');
SELECT is((SELECT count(*) FROM switchboard.call_events WHERE call_log_id = :'call'), 1::bigint, 'and acted on once');
SELECT is(pg_temp.report(:'unanswered', account => :'other', id => 'e1', secret => 'env:OTHER'), '200', 'ids of other senders are their own');
SELECT is(error, 'unknown call', 'and acted on') FROM switchboard.webhook_inbox WHERE account_id = :'other' AND dedupe_key LIKE '%:e1';
INSERT INTO switchboard.call_logs (id, direction, to_number, lead_id, provider, account_id, metadata, started_at, dialed_at)
SELECT switchboard.uuid_v7(), direction, to_number, lead_id, provider, account_id, metadata, clock_timestamp(), clock_timestamp() FROM switchboard.call_logs WHERE id = :'call'
RETURNING id AS again \gset
UPDATE switchboard.call_triggers SET call_log_id = :'again', status = 'calling' WHERE id = :'trigger';
SELECT is(pg_temp.report(:'unanswered'), '200', 'the same about the next try');
SELECT is(test_packages.call(:'again'), 'no-answer 0', 'is about that');
SELECT is(pg_temp.report(jsonb_build_object('call_trigger_id', :'trigger', 'call_id', 'msg_1', 'sentiment', 'neutral'), :'account'), '200',
          'what names the earlier try');
SELECT is((SELECT call_id FROM switchboard.call_recordings WHERE sentiment = 'neutral'), :'call'::uuid, 'is about that one');

-- Overtaking, ids that are not unique, receivers that never report.
SELECT test_packages.triggered_call(:'account', '+12025550102') AS call \gset
SELECT is(pg_temp.report('{"call_id": "dial-2", "status": "ringing"}', :'account'), '200', 'a report that overtakes the answer');
SELECT is(error, 'unknown call', 'waits') FROM switchboard.webhook_inbox WHERE external_id = 'dial-2';
SELECT is(test_packages.deliver(:'call', 'dial-2') || ' ' || test_packages.call(:'call'), 'done ringing', 'until the answer is there');
SELECT test_packages.triggered_call(:'account', '+12025550103') AS call \gset
SELECT is(test_packages.deliver(:'call', 'dial-2'), 'done', 'an id that another call has');
SELECT is(coalesce(call_id, 'none') || ' ' || (expires_at IS NOT NULL), 'none true', 'is not this call''s; it is waited for all the same')
  FROM switchboard.call_logs WHERE id = :'call';
SELECT is(pg_temp.report(jsonb_build_object('call_trigger_id', test_packages.trigger_of(:'call'), 'call_id', 'dial-2', 'status', 'busy'), :'other',
                         secret => 'env:OTHER'), '200', 'and nobody else may speak of it');
SELECT is(test_packages.call(:'call'), 'initiated', 'or change it');
SELECT is(pg_temp.report(jsonb_build_object('call_log_id', :'call', 'call_id', 'dial-2', 'status', 'busy')), '200', 'its own id finds it');
SELECT is(test_packages.call(:'call'), 'busy 0', 'and it is busy');
UPDATE switchboard.provider_accounts SET settings = settings || '{"reports": false}' WHERE id = :'other';
SELECT test_packages.triggered_call(:'other', '+12025550104') AS call \gset
SELECT is(test_packages.deliver(:'call', 'msg_2') || ' ' || test_packages.call(:'call') || ' ' || test_packages.trigger(:'call'),
          'done completed 0 handed-over completed', 'a receiver that never reports has the call for good');

-- What the receiver concludes.
SELECT test_packages.triggered_call(:'account', '+12025550105') AS call \gset
SELECT test_packages.deliver(:'call', 'dial-5') AS done \gset
SELECT is(pg_temp.report(jsonb_build_object('call_log_id', :'call', 'status', 'completed', 'duration', 8.6, 'disposition', 'do-not-call',
                                            'notes', 'never again')), '200', 'somebody asks not to be called');
SELECT is((SELECT reason FROM switchboard.do_not_call WHERE phone_number = '+12025550105'), 'never again', 'and is not');
SELECT is((SELECT disposition::text FROM switchboard.call_dispositions WHERE call_id = :'call'), 'do-not-call', 'that is the disposition');
SELECT is(pg_temp.report(jsonb_build_object('call_log_id', :'call', 'disposition', 'do-not-call')), '200', 'told again');
SELECT is((SELECT count(*) FROM switchboard.call_dispositions WHERE call_id = :'call'), 1::bigint, 'it is one');
SELECT test_packages.triggered_call(:'account', '+12025550106') AS call \gset
SELECT is(pg_temp.report(jsonb_build_object('call_log_id', :'call', 'status', 'voicemail', 'duration', 5,
                                            'follow_up_date', '2020-01-01')), '200', 'voicemail, and a date that has passed');
SELECT is(test_packages.call(:'call'), 'completed 5 machine', 'a machine');
SELECT is((SELECT disposition || ' ' || coalesce(follow_up_date::text, 'no date') FROM switchboard.call_dispositions WHERE call_id = :'call'),
          'voicemail no date', 'and its disposition');

-- Delivery that fails, and workers that are lost: the message is sent again, under the same id, never in doubt.
SELECT test_packages.triggered_call(:'account', '+12025550107') AS call \gset
SELECT is(test_packages.deliver(:'call', NULL, 'retry'), 'ready', 'what was not taken is tried again');
UPDATE switchboard.jobs_open SET run_at = clock_timestamp() WHERE subject_id = :'call';
SELECT t ->> 'id' AS id, t ->> 'token' AS token FROM test_dialer.turn() t WHERE t ->> 'subject_id' = :'call' \gset
SELECT is(test_dialer.note(jsonb_build_array(jsonb_build_object('id', :'id', 'token', :token))) -> 'go', jsonb_build_array(:'id'), 'it leaves');
SELECT is(count || ' ' || in_doubt, '1 0', 'its worker is lost') FROM switchboard._free(ARRAY[:'id'::uuid]);
SELECT is(state || ' ' || coalesce(sending_at::text, 'not noted'), 'ready not noted', 'and it is to be sent again')
  FROM switchboard.jobs_open WHERE id = :'id';
SELECT is((switchboard.hang_up(:'call')).hang_up_at IS NOT NULL, true, 'hung up meanwhile');
SELECT is(test_packages.deliver(:'call', 'dial-7'), 'dead', 'it is not');
SELECT is(test_packages.call(:'call'), 'canceled 0 canceled', 'but canceled');
SELECT test_packages.triggered_call(:'account', '+12025550108') AS call \gset
SELECT is(test_packages.deliver(:'call', NULL, 'permanent'), 'dead', 'an endpoint that is gone');
SELECT is(test_packages.call(:'call') || ' / ' || test_packages.trigger(:'call'), 'failed 0 http_500 / scheduled', 'fails the call, and there will be a further try');

-- Perhaps taken: nobody is called again because of a delivery whose answers were lost.
SELECT test_dialer.new_campaign(:'tenant', max_attempts => 5) AS campaign \gset
CREATE FUNCTION pg_temp.fails(account uuid, phone text, campaign uuid, first_name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE call uuid := test_packages.triggered_call(account, phone, campaign);
BEGIN
  PERFORM test_packages.deliver(call, first_name, 'retry');
  UPDATE switchboard.jobs_open SET run_at = clock_timestamp() WHERE subject_id = call;
  PERFORM test_packages.deliver(call, NULL, 'permanent');
  RETURN concat_ws(' / ', test_packages.call(call), (SELECT error_code FROM switchboard.call_logs WHERE id = call), test_packages.trigger(call));
END $$;
SELECT is(pg_temp.fails(:'account', '+12025550111', :'campaign', NULL), 'failed 0 http_500 / http_500 / scheduled', 'what was surely not taken is tried again');
SELECT is(pg_temp.fails(:'account', '+12025550112', :'campaign', 'msg_x'), 'failed 0 http_500 / in_doubt / failed failed', 'what may have been taken is not');
SELECT test_packages.triggered_call(:'account', '+12025550113', :'campaign') AS call \gset
SELECT test_packages.deliver(:'call', 'dial-13') AS done \gset
SELECT count(*) AS n FROM switchboard.expire_silent_calls(clock_timestamp() + interval '5 hours') \gset
SELECT is(test_packages.call(:'call') || ' / ' || test_packages.trigger(:'call'), 'failed 0 no-news / failed failed', 'nor what was, and is not reported on');

-- Nobody asks the receiver, or tells it to hang up.
SELECT test_packages.triggered_call(:'account', '+12025550109') AS call \gset
SELECT test_packages.deliver(:'call', 'dial-9') AS done \gset
SELECT is(switchboard.get_call(:'call') #>> '{provider,refreshing}', 'false', 'looking at a call asks nobody');
SELECT throws_ok(format('SELECT switchboard.hang_up(%L)', :'call'), '0A000', 'provider webhook cannot be told to hang up', 'nor is anybody told');

SELECT * FROM finish();
ROLLBACK;
