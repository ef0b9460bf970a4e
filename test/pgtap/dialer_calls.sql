-- Calls that somebody asks for, webhooks and what is wrong with them, HTTP, figures.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
SELECT switchboard.set_identity(:'other');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550101'')', 'SB002', NULL, 'no account for voice');
SELECT test_dialer.new_tenant('acme', 'America/New_York') AS tenant \gset
SELECT id AS account FROM switchboard.provider_accounts WHERE tenant_id = :'tenant' \gset

-- make_call
SELECT throws_ok('SELECT switchboard.make_call(''junk'')', 'SB001', NULL, 'not a number');
SELECT throws_ok('SELECT switchboard.make_call(NULL)', 'SB001', NULL, 'no number');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550101'', ''junk'')', 'SB001', NULL, 'not a number to call from');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550101'', metadata => ''[]'')', '22023', NULL, 'metadata is an object');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550101'', lead_id => switchboard.uuid_v7())', 'P0002', NULL, 'unknown contact');
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550109');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550109'')', 'SB003', NULL, 'do not call');
SELECT test_dialer.new_campaign(:'tenant', '{}', jsonb_build_object('start', to_char(now() AT TIME ZONE 'Europe/London' + interval '2 h', 'HH24:MI'),
  'end', to_char(now() AT TIME ZONE 'Europe/London' + interval '3 h', 'HH24:MI'))) AS later \gset
SELECT throws_ok(format('SELECT switchboard.make_call(''+442079460958'', campaign_id => %L)', :'later'), 'SB004', NULL, 'not at this hour');
SELECT is((SELECT count(*) FROM switchboard.jobs), 0::bigint, 'nothing of this is queued');
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550101', 'Ada') RETURNING id AS ada \gset
SELECT id AS call FROM switchboard.make_call('(202) 555-0101', metadata => '{"say": "Hi & bye", "language": "en-GB"}') \gset
SELECT is(jsonb_build_array(direction, from_number, to_number, status, provider, lead_id), jsonb_build_array('outbound', '+12015550100', '+12025550101',
          'initiated', 'twilio', :'ada'), 'a call is logged') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(jsonb_build_array(kind, state, subject_id, payload ->> 'to', payload ->> 'status_url'), jsonb_build_array('call', 'ready', :'call',
          '+12025550101', test_dialer.status_url(:'call')), 'and queued') FROM switchboard.jobs;
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'manual') AS manual \gset
SELECT test_dialer.add_people(:'manual', 1, 12025550120);
SELECT switchboard.run_campaign(:'manual');
SELECT id AS click FROM switchboard.make_call('+12025550120', campaign_id => :'manual') \gset
SELECT is(jsonb_build_array(l.status, l.attempts, q.status), '["calling", 1, "calling"]', 'a call to somebody on the list is an attempt and uses the queue entry')
  FROM switchboard.campaign_contacts l JOIN switchboard.dialer_queues q ON q.contact_id = l.id WHERE l.campaign_id = :'manual';

-- Webhooks that are wrong.
SELECT throws_ok('SELECT switchboard.receive_webhook(''nobody'', ''status'', ''{}'', '''')', 'SB009', NULL, 'unknown provider');
SELECT throws_ok('SELECT switchboard.receive_webhook(''twilio'', ''status'', ''[]'', '''')', '22023', NULL, 'headers are an object');
SELECT is((switchboard.receive_webhook('twilio', 'status', '{}', 'CallSid=CA1', test_dialer.status_url(:'call'))).status, 403, 'no signature');
SELECT is((switchboard.receive_webhook('twilio', 'status', jsonb_build_object('x-twilio-signature', test_dialer.twilio_signature(test_dialer.status_url(:'call'), 'CallSid=CA1')),
           'CallSid=CA2', test_dialer.status_url(:'call'))).status, 403, 'the signature of another body');
SELECT is((switchboard.receive_webhook('twilio', 'status', '{}', 'CallSid=CA1', 'https://pbx.example/?account=' || switchboard.uuid_v7())).status, 404, 'no such account');
SELECT is((switchboard.receive_webhook('voipstudio', 'call', '{}', '{}', 'https://pbx.example/?account=' || :'account')).status, 404, 'account of another provider');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 0::bigint, 'nothing of this is kept');
SELECT is((test_dialer.post_twilio(test_dialer.status_url(:'call'), 'Nonsense=1')).status, 400, 'signed, but cannot be read');
SELECT is(jsonb_build_array(signature_ok, processed_at IS NOT NULL, error LIKE 'cannot be read%', convert_from(body, 'UTF8')), '[true, true, true, "Nonsense=1"]',
          'that is kept') FROM switchboard.webhook_inbox;

-- A status, with the account found by what the request names.
SELECT is((test_dialer.post_twilio('https://pbx.example/hook', 'CallSid=CAx&AccountSid=AC1&CallStatus=ringing')).status, 200, 'the account is found by its AccountSid');
SELECT is(jsonb_build_array(processed_at, error, attempts), '[null, "unknown call", 1]', 'an event of an unknown call waits')
  FROM switchboard.webhook_inbox WHERE external_id = 'CAx';
UPDATE switchboard.call_logs SET call_id = 'CAx' WHERE id = :'call';
-- The trigger writes the time of this transaction, which began long ago on a slow machine.
ALTER TABLE switchboard.webhook_inbox DISABLE TRIGGER update_updated_at;
UPDATE switchboard.webhook_inbox SET updated_at = clock_timestamp() + interval '1 h' WHERE external_id = 'CAx';
SELECT is(switchboard._retry_webhooks(), 0, 'not at once');
UPDATE switchboard.webhook_inbox SET updated_at = now() - interval '1 h' WHERE external_id = 'CAx';
SELECT is(switchboard._retry_webhooks(), 1, 'it is tried again');
SELECT is(status::text, 'ringing', 'and then counts') FROM switchboard.call_logs WHERE id = :'call';
SELECT is((SELECT array_agg(error) FROM switchboard.webhook_inbox WHERE processed_at IS NULL), NULL, 'nothing waits any more');
-- A fault while acting.
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'out of order'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON switchboard.call_events FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SELECT is(test_dialer.call_event(:'call', 'in-progress', 2), 200, 'a fault of ours is not the sender''s');
SELECT is(jsonb_build_array(w.error, c.status), '["P0001: out of order", "ringing"]', 'the event is kept with its error, nothing half done')
  FROM switchboard.webhook_inbox w, switchboard.call_logs c WHERE w.processed_at IS NULL AND c.id = :'call';
DROP TRIGGER fail ON switchboard.call_events;
UPDATE switchboard.webhook_inbox SET updated_at = now() - interval '1 h' WHERE processed_at IS NULL;
SELECT switchboard._before_claim(0);
SELECT is(status::text, 'answered', 'dispatch tries it again') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(test_dialer.call_event(:'call', 'completed', 4, '&CallDuration=7&AnsweredBy=machine_start'), 200, 'completed');
SELECT is(jsonb_build_array(status, duration, answered_by), '["completed", 7, "machine"]', 'with what picked up') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(test_dialer.call_event(:'call', s, n), 200, 'late ' || s) FROM (VALUES ('busy', 5), ('failed', 6), ('no-answer', 7), ('ringing', 8)) v (s, n);
SELECT is(status::text, 'completed', 'a final status stays') FROM switchboard.call_logs WHERE id = :'call';

-- What is said when somebody answers.
SELECT is((test_dialer.post_twilio(replace(test_dialer.status_url(:'call'), '/status', '/answer'), 'CallSid=CAx&CallStatus=in-progress', 'answer')).body,
  '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>', 'nothing on a call that is over');
SELECT id AS talk FROM switchboard.make_call('(202) 555-0177', metadata => '{"say": "Hi & bye", "language": "en-GB"}') \gset
SELECT is((test_dialer.post_twilio(replace(test_dialer.status_url(:'talk'), '/status', '/answer'), 'CallSid=CAz&CallStatus=in-progress', 'answer')).body,
  '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="en-GB">Hi &amp; bye</Say></Response>', 'the text of the call');
SELECT is((test_dialer.post_twilio(replace(test_dialer.status_url(:'click'), '/status', '/answer'), 'CallSid=CAy&CallStatus=in-progress', 'answer')).body,
  '<?xml version="1.0" encoding="UTF-8"?><Response><Say>Hello P0</Say></Response>', 'the script of the campaign');
UPDATE switchboard.campaigns SET script = 'Hello {{nickname}}' WHERE id = :'manual';
SELECT is((test_dialer.post_twilio(replace(test_dialer.status_url(:'click'), '/status', '/answer'), 'CallSid=CAy&CallStatus=in-progress', 'answer')).body,
  '<?xml version="1.0" encoding="UTF-8"?><Response><Say>Hello. This is a call from acme.</Say></Response>', 'a script that cannot be filled in does not cost the call');

-- VoIPstudio: no signature but a token, JSON, ids of its own.
SELECT switchboard.add_provider_account('voipstudio', 'desk', '{}', '{"webhook_token": "env:PATH", "api_token": "env:PATH"}') AS desk \gset
CREATE FUNCTION pg_temp.voipstudio(account uuid, body jsonb, token text DEFAULT test_dialer.secret()) RETURNS int LANGUAGE sql AS $$
  SELECT (switchboard.receive_webhook('voipstudio', 'call', jsonb_build_object('X-Webhook-Token', token), convert_to(body::text, 'UTF8'),
          'https://pbx.example/api/webhooks/voipstudio/call?account=' || account)).status $$;
INSERT INTO switchboard.call_logs (to_number, provider, call_id, account_id) VALUES ('+442071234567', 'voipstudio', '4278003530', :'desk') RETURNING id AS leg \gset
SELECT is(pg_temp.voipstudio(:'desk', '{"id": "a", "call_id": 4278003530, "state": "CONNECTED"}', 'wrong'), 403, 'a wrong token');
SELECT is(pg_temp.voipstudio(:'desk', '{"id": "a", "call_id": 4278003532, "root_call_id": 4278003530, "state": "CONNECTED"}'), 200, 'a leg of our call');
SELECT is(status::text, 'answered', 'is our call') FROM switchboard.call_logs WHERE id = :'leg';
SELECT is(pg_temp.voipstudio(:'desk', '{"id": "b", "call_id": 4278003530, "state": "MISSED", "final": false}'), 200, 'a leg that was missed');
SELECT is(pg_temp.voipstudio(:'desk', '{"id": "c", "call_id": 4278003530, "state": "HANGUP", "connected_at": "2026-01-01 11:59:30", "duration": 30, "final": true, "t_cause": "Normal Clearing"}'), 200, 'the end');
SELECT is(jsonb_build_array(status, duration, hangup_cause), '["completed", 30, "Normal Clearing"]', 'of a call that was answered') FROM switchboard.call_logs WHERE id = :'leg';
SELECT is(pg_temp.voipstudio(:'desk', '[1]'), 400, 'not an object');
SELECT is(pg_temp.voipstudio(:'desk', '{"id": "d", "event_name": "sms.received"}'), 200, 'other events are none of ours');

-- HTTP
CREATE FUNCTION pg_temp.http(method text, path text, body text DEFAULT '', headers jsonb DEFAULT '{}', query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_array(r.status, r.headers ->> 'content-type', r.headers ->> 'allow') FROM switchboard.handle_http(method, path, query, headers, convert_to(body, 'UTF8')) r $$;
SET LOCAL ROLE switchboard_gateway;
SELECT is(pg_temp.http('GET', '/healthz') -> 1, '"application/json"', 'health');
SELECT is(pg_temp.http('GET', '/metrics') -> 0, '200', 'metrics');
SELECT is(pg_temp.http('HEAD', '/metrics') -> 0, '200', 'HEAD is GET without the body');
SELECT is(pg_temp.http('GET', '/nowhere'), '[404, "application/problem+json", null]', 'no such path');
SELECT is(pg_temp.http('GET', '/api/webhooks/twilio'), '[404, "application/problem+json", null]', 'a part is missing');
SELECT is(pg_temp.http('POST', '/api/webhooks//status'), '[404, "application/problem+json", null]', 'a part is empty');
SELECT is(pg_temp.http('DELETE', '/healthz'), '[405, "application/problem+json", "GET"]', 'no such method');
SELECT is(pg_temp.http('PUT', '/api/webhooks/twilio/status'), '[405, "application/problem+json", "GET, POST"]', 'no such method here');
SELECT is(pg_temp.http('POST', '/api/webhooks/nobody/status') -> 0, '404', 'unknown provider');
SELECT is(pg_temp.http('POST', '/api/webhooks/twilio/status', 'CallSid=CA1') -> 0, '404', 'unknown account');
SELECT is(pg_temp.http('POST', '/api/webhooks/twilio/status', repeat('x', 1048577)) -> 0, '413', 'too large');
SELECT is(pg_temp.http(NULL, NULL) -> 0, '400', 'no request at all');
RESET ROLE;
SELECT is((switchboard.handle_http('POST', '/x', 'null', NULL, NULL)).status, 400, 'a query that is none');
SELECT is(pg_temp.http('POST', '/api/webhooks/twilio/status', 'CallSid=CAz&CallStatus=completed&CallDuration=3',
  jsonb_build_object('x-request-target', substr(test_dialer.status_url(:'click'), 20), 'X-Twilio-Signature',
    test_dialer.twilio_signature(test_dialer.status_url(:'click'), 'CallSid=CAz&CallStatus=completed&CallDuration=3')),
  jsonb_build_object('account', :'account', 'call', :'click')), '[200, "text/xml", null]', 'a webhook through the gateway');
SELECT is(pg_temp.http('POST', '/api/webhooks/call/status', 'CallSid=CAz&CallStatus=ringing',
  jsonb_build_object('X-Twilio-Signature', test_dialer.twilio_signature(
    'https://pbx.example/api/webhooks/call/status?account=' || :'account' || '&call=' || :'click', 'CallSid=CAz&CallStatus=ringing')),
  jsonb_build_object('call', :'click', 'account', :'account')), '[200, "text/xml", null]', 'and through a front that only knows the decoded query');
SELECT is(status::text, 'completed', 'both arrived') FROM switchboard.call_logs WHERE id = :'click';

-- Figures
SELECT test_dialer.new_campaign(:'tenant') AS figures \gset
INSERT INTO switchboard.call_logs (campaign_id, to_number, status, started_at, answered_at, duration)
SELECT :'figures', '+1202555' || n, s::switchboard.call_status, t::timestamptz, CASE WHEN d > 0 THEN t::timestamptz END, d
FROM (VALUES (1000, 'completed', '2026-06-01 13:10+00', 10), (1001, 'completed', '2026-06-01 13:50+00', 21), (1002, 'answered', '2026-06-01 14:00+00', 5),
             (1003, 'busy', '2026-06-02 04:30+00', 0), (1004, 'no-answer', '2026-06-02 05:00+00', 0), (1005, 'failed', '2026-06-03 05:00+00', NULL)) v (n, s, t, d);
SELECT is(a -> 'overview', '{"totalCalls": 6, "answeredCalls": 3, "completedCalls": 2, "failedCalls": 1, "busyCalls": 1, "noAnswerCalls": 1, "totalDuration": 36,
  "avgDuration": 12, "answerRate": 50.0, "completionRate": 33.3}', 'overview') FROM (SELECT switchboard.get_analytics(campaign_id => :'figures') -> 'analytics' AS a) x;
SELECT is(a #> '{distribution,byHour}', '[1,2,0,0,0,0,0,0,0,2,1,0,0,0,0,0,0,0,0,0,0,0,0,0]', 'by hour of the tenant''s zone')
  FROM (SELECT switchboard.get_analytics(campaign_id => :'figures') -> 'analytics' AS a) x;
UPDATE switchboard.campaigns SET timezone = 'UTC' WHERE id = :'figures';
SELECT is(a #> '{distribution,byHour}', '[0,0,0,0,1,2,0,0,0,0,0,0,0,2,1,0,0,0,0,0,0,0,0,0]', 'or the campaign''s')
  FROM (SELECT switchboard.get_analytics(campaign_id => :'figures') -> 'analytics' AS a) x;
SELECT is(a #> '{distribution,byStatus}', '{"initiated": 0, "ringing": 0, "answered": 1, "completed": 2, "failed": 1, "busy": 1, "no-answer": 1, "canceled": 0}', 'by status')
  FROM (SELECT switchboard.get_analytics(campaign_id => :'figures') -> 'analytics' AS a) x;
SELECT is((SELECT jsonb_agg(r ->> 'to_number') FROM jsonb_array_elements(switchboard.get_analytics('2026-06-01 13:30+00', '2026-06-02 04:30+00', :'figures') #> '{analytics,recentCalls}') r),
  '["+12025551003", "+12025551002", "+12025551001"]', 'a range, newest first');
SELECT is(switchboard.get_analytics('1999-01-01', '1999-01-02') #> '{analytics,overview}', '{"totalCalls": 0, "answeredCalls": 0, "completedCalls": 0, "failedCalls": 0, "busyCalls": 0,
  "noAnswerCalls": 0, "totalDuration": 0, "avgDuration": 0, "answerRate": 0.0, "completionRate": 0.0}', 'no calls, no division by nothing');
SELECT throws_ok('SELECT switchboard.get_analytics(''2026-01-02'', ''2026-01-01'')', '22023', NULL, 'start after end');
SELECT throws_ok('SELECT switchboard.get_analytics(campaign_id => switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');

SELECT * FROM finish();
ROLLBACK;
