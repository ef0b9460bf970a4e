-- Routes of calls: what they answer, and to what they say no.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
\ir support/http.sql
SELECT test_dialer.new_tenant('other') AS other \gset
INSERT INTO switchboard.call_logs (to_number, status) VALUES ('+12025550199', 'completed') RETURNING id AS theirs \gset
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (name) VALUES ('Ann') RETURNING id AS ann \gset
INSERT INTO switchboard.users (name) VALUES ('Ben') RETURNING id AS ben \gset
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor') RETURNING id AS sue \gset
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550101', 'Alice') RETURNING id AS alice \gset
SELECT test_dialer.new_campaign(:'tenant', type => 'manual') AS campaign \gset
INSERT INTO switchboard.call_logs (user_id, from_number, to_number, status, started_at, ended_at, notes)
SELECT :'ben', '+12015550100', '+1202555015' || i, 'completed', '2026-01-01 10:00+00'::timestamptz + i * interval '1 minute', '2026-01-01 11:00+00', 'old ' || i
FROM generate_series(0, 4) i;
SELECT id AS bens FROM switchboard.call_logs WHERE notes = 'old 0' \gset
INSERT INTO switchboard.call_recordings (call_id, recording_url) VALUES (:'bens', 'https://rec.example/1');
SET LOCAL ROLE switchboard_gateway;

-- Making a call.
SELECT set_config('test.call', test_dialer.body('POST', '/api/dialer/calls', jsonb_build_object('toNumber', '(202) 555-0101', 'campaignId', :'campaign', 'leadId', :'alice',
  'metadata', '{"orderNo": 7}'::jsonb)::text)::text, true) AS made \gset
SELECT is(:'made'::jsonb - '{id,started_at,created_at,updated_at,metadata,call_id,campaign_contact_id}'::text[] @> jsonb_build_object('status', 'initiated', 'direction', 'outbound',
  'to_number', '+12025550101', 'from_number', '+12015550100', 'campaign_id', :'campaign', 'lead_id', :'alice'), true, 'a call is made');
SELECT :'made'::jsonb ->> 'id' AS call \gset
SELECT is(:'made'::jsonb #>> '{metadata,orderNo}', '7', 'fields of the client stay as they are');
SELECT is(:'made'::jsonb ?| '{tenant_id,account_id,expires_at}', false, 'what is only the dialer''s is not shown');
SELECT is(test_dialer.http('POST', '/api/dialer/calls', '{"to_number": "+12025550102", "from_number": null}') - '{location}'::text[] @> '{"status": "initiated", "to_number": "+12025550102"}', true, 'in snake_case');
SELECT matches(test_dialer.http('POST', '/api/dialer/calls', '{"to_number": "+12025550103"}') ->> 'location', '^/api/dialer/calls/[0-9a-f-]{36}$', 'and says where it is found');
SELECT is(test_dialer.status('POST', '/api/dialer/calls', '{"toNumber": "+12025550104"}'), 201, 'Created');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/dialer/calls', body)), wanted, 'no call: ' || body)
FROM (VALUES
  ('{}', '422 field "toNumber" is missing'), ('{"toNumber": null}', '422 field "toNumber" is missing'), ('{"toNumber": 12025550101}', '422 field "toNumber" must be a text of at most 64 characters, not 12025550101'),
  ('{"toNumber": "x"}', '422 not a phone number: "x"'), ('{"toNumber": "+12025550101", "to": "x", "Zap": 1}', '422 unknown field: "Zap", "to"'),
  ('{"toNumber": "+12025550101", "to_number": "+12025550101"}', '422 "toNumber" is given twice'),
  ('{"toNumber": "+12025550101", "metadata": []}', '422 field "metadata" must be an object, not []'), ('{"toNumber": "+12025550101", "campaignId": "7"}', '422 field "campaignId" must be a uuid, not 7'),
  (jsonb_build_object('toNumber', '+12025550101', 'leadId', :'campaign')::text, '404 no such contact: ' || :'campaign'),
  (jsonb_build_object('toNumber', '+12025550101', 'campaignId', :'alice')::text, '404 no such campaign: ' || :'alice')) v (body, wanted);
RESET ROLE;
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550110');
SET LOCAL ROLE switchboard_gateway;
SELECT is(test_dialer.http('POST', '/api/dialer/calls', '{"toNumber": "+12025550110"}') ->> 'code', 'SB003', 'nobody who must not be called');

-- Looking.
SELECT is(test_dialer.body('GET', '/api/dialer/calls', query => '{"userId": "' || :'ben' || '", "limit": "2"}') - 'calls', jsonb_build_object('total', 5, 'next',
  (SELECT (extract(epoch FROM started_at) * 1000000)::bigint || '_' || id FROM switchboard.call_logs WHERE notes = 'old 3')), 'a page');
SELECT is((SELECT array_agg(c ->> 'notes') FROM jsonb_array_elements(test_dialer.body('GET', '/api/dialer/calls', query => '{"user_id": "' || :'ben' || '", "limit": "2", "offset": "1"}') -> 'calls') c),
  '{"old 3","old 2"}', 'a page by offset, newest first');
SELECT is(test_dialer.http('GET', '/api/dialer/calls', query => '{"userId": "' || :'ben' || '", "limit": "2", "offset": "2", "status": ["completed", "busy"]}') ->> 'link',
  '</api/dialer/calls?limit=2&offset=4&status=busy&status=completed&userId=' || :'ben' || '>; rel="next"', 'its Link');
SELECT is(test_dialer.http('GET', '/api/dialer/calls', query => '{"userId": "' || :'ben' || '", "limit": "2", "offset": "4"}') ->> 'link', NULL, 'none on the last');
SELECT is(ARRAY(SELECT f ->> 'notes' FROM test_dialer.follow('/api/dialer/calls', 'calls', jsonb_build_object('userId', :'ben', 'limit', '2')::text) f), '{"old 4","old 3","old 2","old 1","old 0"}', 'following the links shows each once');
SELECT is(ARRAY(SELECT f ->> 'notes' FROM test_dialer.follow('/api/dialer/calls', 'calls', jsonb_build_object('userId', :'ben', 'limit', '2', 'offset', '1')::text) f), '{"old 3","old 2","old 1","old 0"}', 'also by offset');
SELECT is(test_dialer.body('GET', '/api/dialer/calls', query => query) ->> 'total', wanted, 'calls that fit ' || query)
FROM (VALUES ('{"phone": " 12025550150"}', '1'), ('{"phone": "202-555-0150"}', '1'), ('{"search": "OLD"}', '5'), ('{"direction": "inbound"}', '0'), ('{"disposition": "callback"}', '0'),
  ('{"from": "2026-01-01T10:01:00Z", "to": "2026-01-01T10:02:00Z"}', '2'), ('{"from": "2026-01-01T12:00:00 02:00", "to": "2026-01-01 10:00:00Z"}', '1'), ('{"status": "", "search": "old 1"}', '1'), ('{"from": "2026-01-01T10:04:00.000000000+00"}', '5')) v (query, wanted);
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/dialer/calls', query => query)), wanted, 'no list: ' || query)
FROM (VALUES
  ('{"limit": "0"}', '422 parameter "limit" must be a whole number from 1 to 500, not 0'), ('{"limit": "501"}', '422 parameter "limit" must be a whole number from 1 to 500, not 501'),
  ('{"limit": "1e2"}', '422 parameter "limit" must be a whole number from 1 to 500, not "1e2"'), ('{"offset": "-1"}', '422 parameter "offset" must be a whole number of 0 or more, not -1'),
  ('{"offset": "1.5"}', '422 parameter "offset" must be a whole number of 0 or more, not 1.5'), ('{"offset": "99999999999999999999"}', '422 parameter "offset" must be a whole number of 0 or more, not "99999999999999999999"'),
  ('{"before": "x"}', '422 filter "before" is no cursor: x'), ('{"from": "yesterday"}', '422 parameter "from" must be a time such as 2026-05-31T09:00:00Z, not yesterday'),
  ('{"from": "2026-02-30"}', '422 parameter "from" must be a time such as 2026-05-31T09:00:00Z, not 2026-02-30'), ('{"from": "infinity"}', '422 parameter "from" must be a time such as 2026-05-31T09:00:00Z, not infinity'),
  ('{"status": "gone"}', '422 an element of parameter "status" must be one of initiated, ringing, answered, completed, failed, busy, no-answer, canceled, not gone'),
  ('{"direction": ["inbound", "outbound"]}', '422 parameter "direction" must be one of inbound, outbound, not ["inbound", "outbound"]'),
  ('{"campaignId": "1"}', '422 parameter "campaignId" must be a uuid, not 1'), ('{"campaign_id": "1", "campaignId": "2"}', '422 "campaignId" is given twice'),
  ('{"nonsense": "1", "more": ""}', '422 unknown parameter: "nonsense"'), ('{"phone": "x"}', '422 not a phone number: "x"')) v (query, wanted);
SELECT is(test_dialer.body('GET', '/api/dialer/calls/' || :'bens') #>> '{recordings,0,recording_url}', 'https://rec.example/1', 'one call with its recordings');
SELECT is(test_dialer.body('GET', '/api/dialer/calls/' || :'call') -> 'provider' ->> 'name', 'twilio', 'and how it stands at the provider');
SELECT is(test_dialer.http('HEAD', '/api/dialer/calls/' || :'call'), '{"status": 200, "type": "application/json"}', 'HEAD is GET without the body');

-- Changing.
SELECT is(test_dialer.body('PATCH', '/api/dialer/calls/' || :'bens', '{"notes": "new", "metadata": {"a_b": 1, "cD": 2}, "recording_url": "https://rec.example/2"}') @>
  '{"notes": "new", "metadata": {"a_b": 1, "cD": 2}, "recording_url": "https://rec.example/2"}', true, 'a change');
SELECT is(test_dialer.body('PATCH', '/api/dialer/calls/' || :'bens', '{"notes": null, "leadId": "' || :'alice' || '"}') @> jsonb_build_object('notes', NULL, 'lead_id', :'alice'), true, 'null empties');
SELECT is(test_dialer.status('PATCH', '/api/dialer/calls/' || :'bens', '{}'), 200, 'no change');
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/dialer/calls/' || :'bens', body)), wanted, 'no change: ' || body)
FROM (VALUES ('{"notes": 5}', '422 field "notes" must be a text, not 5'), ('{"duration": 5}', '422 unknown field: "duration"'), ('{"status": "gone"}', '422 field "status" must be one of initiated, ringing, answered, completed, failed, busy, no-answer, canceled, not gone'),
  ('{"status": "ringing"}', '409 call ' || :'bens' || ' cannot go from completed to ringing'), ('{"leadId": "' || :'ann' || '"}', '404 no such contact: ' || :'ann'),
  ('{"recordingUrl": "file:///etc/passwd"}', '422 recording_url of a call cannot be "file:///etc/passwd"'), ('[]', '422 the body must be a JSON object, not array')) v (body, wanted);

-- Ending, deleting.
SELECT is(test_dialer.http('DELETE', '/api/dialer/calls/' || :'call') ->> 'code', 'SB005', 'a living call is not deleted');
SELECT is(test_dialer.body('POST', '/api/dialer/calls/' || :'call' || '/hang-up') ->> 'status', 'canceled', 'hung up before it left');
SELECT is(test_dialer.status('POST', '/api/dialer/calls/' || :'call' || '/hang-up'), 409, 'not twice');
SELECT is(test_dialer.http('DELETE', '/api/dialer/calls/' || :'call'), '{"status": 204}', 'deleted');
SELECT is(test_dialer.status('GET', '/api/dialer/calls/' || :'call'), 404, 'and gone');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/dialer/calls/' || :'bens' || '/voicemail', body)), wanted, 'voicemail: ' || body)
FROM (VALUES ('{}', '422 field "voicemailId" is missing'), ('{"voicemailId": "' || :'alice' || '"}', '404 no such voicemail message: ' || :'alice')) v (body, wanted);

-- Whom it does not concern.
SELECT is(test_dialer.says(test_dialer.http(method, '/api/dialer/calls/' || id || rest, body)), '404 no such call: ' || left(id, 64), method || ' ' || rest || ' of ' || left(id, 20))
FROM (VALUES ('GET', '', ''), ('PATCH', '', '{"notes": "mine"}'), ('DELETE', '', ''), ('POST', '/hang-up', ''), ('POST', '/voicemail', '{"voicemailId": "' || :'alice' || '"}')) r (method, rest, body),
     unnest(ARRAY[:'theirs', 'x', '00000000-0000-0000-0000-000000000000', repeat('9', 200), '''; DROP TABLE x --', '%']) id;
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.status('GET', '/api/dialer/calls/' || :'bens'), 404, 'not to another agent');
SELECT is(test_dialer.body('GET', '/api/dialer/calls', query => '{"search": "old"}') -> 'total', '0', 'nor in lists');
SELECT is(test_dialer.body('POST', '/api/dialer/calls', '{"toNumber": "+12025550133"}') ->> 'user_id', :'ann', 'a call is whose who makes it');
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/dialer/calls/' || (SELECT id FROM switchboard.call_logs WHERE to_number = '+12025550133'), '{"userId": "' || :'ben' || '"}')),
  '403 only supervisors say whose call it is', 'agents do not give calls away');
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.body('PATCH', '/api/dialer/calls/' || (SELECT id FROM switchboard.call_logs WHERE to_number = '+12025550133'), '{"userId": "' || :'ben' || '"}') ->> 'user_id', :'ben', 'supervisors do');

SELECT * FROM finish();
ROLLBACK;
