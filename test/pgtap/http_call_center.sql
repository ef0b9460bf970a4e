-- Routes of the call centre, of dispositions and figures, of the public, of API keys and of the feed.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
\ir support/http.sql
SELECT test_dialer.new_tenant('other') AS other \gset
INSERT INTO switchboard.call_logs (to_number, status) VALUES ('+12025550199', 'completed') RETURNING id AS theirs \gset
INSERT INTO switchboard.support_requests (user_email, subject) VALUES ('x@example.test', 'theirs') RETURNING id AS theirrequest \gset
INSERT INTO switchboard.users (name) VALUES ('Zoe') RETURNING id AS zoe \gset
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (name) VALUES ('Ann') RETURNING id AS ann \gset
INSERT INTO switchboard.users (name) VALUES ('Ben') RETURNING id AS ben \gset
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor') RETURNING id AS sue \gset
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550101', 'Alice') RETURNING id AS alice \gset
INSERT INTO switchboard.call_logs (user_id, direction, from_number, to_number, status, provider, call_id, queued_at, lead_id)
VALUES (NULL, 'inbound', '+12025550101', '+12015550100', 'ringing', 'twilio', 'CA1', now() - interval '1 minute', :'alice') RETURNING id AS one \gset
INSERT INTO switchboard.call_logs (user_id, direction, from_number, to_number, status, provider, call_id, queued_at)
VALUES (NULL, 'inbound', '+12025550102', '+12015550100', 'ringing', 'twilio', 'CA2', now()) RETURNING id AS two \gset
INSERT INTO switchboard.call_logs (user_id, to_number, status) VALUES (:'ann', '+12025550103', 'completed') RETURNING id AS done \gset
SET LOCAL ROLE switchboard_gateway;

-- The queue.
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.body('GET', '/api/call-center/queue') #- '{queue,0}' #- '{queue,0}', '{"queue": [], "total": 2, "next": null}', 'who waits');
SELECT is(test_dialer.body('GET', '/api/call-center/queue') #> '{queue,0}' @> jsonb_build_object('kind', 'call', 'id', :'one', 'name', 'Alice', 'position', 1, 'age_seconds', 60.0), true, 'the first of them');
SELECT is(test_dialer.http('GET', '/api/call-center/queue', query => '{"limit": "1"}') ->> 'link', '</api/call-center/queue?limit=1&offset=1>; rel="next"', 'the next page');
SELECT is(ARRAY(SELECT q ->> 'id' FROM test_dialer.follow('/api/call-center/queue', 'queue', '{"limit": "1"}') q), ARRAY[:'one', :'two'], 'page by page');
SELECT is(test_dialer.body('GET', '/api/call-center/queue', query => '{"kind": "callback"}') -> 'total', '0', 'of a kind');
SELECT is(test_dialer.http('POST', '/api/call-center/claim') #>> '{call,id}', :'one', 'the one who has waited longest');
SELECT is(test_dialer.http('POST', '/api/call-center/claim') ->> 'code', 'SB005', 'one at a time');
SELECT is(test_dialer.http('POST', '/api/call-center/calls/' || :'two' || '/assign', '{"userId": "' || :'ben' || '"}') ->> 'status', '403', 'agents give themselves calls');
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.http('POST', '/api/call-center/calls/' || :'two' || '/assign', '{"userId": "' || :'zoe' || '"}') ->> 'status', '404', 'nobody of another tenant');
SELECT is(test_dialer.body('POST', '/api/call-center/calls/' || :'two' || '/assign', '{"user_id": "' || :'ben' || '"}') ->> 'user_id', :'ben', 'supervisors give them to others');
SELECT is(test_dialer.status('POST', '/api/call-center/calls/' || :'done' || '/assign', '{"userId": "' || :'ben' || '"}'), 409, 'not what is over');
SELECT is(test_dialer.http('POST', '/api/call-center/calls/' || :'theirs' || '/assign') ->> 'status', '404', 'nor another tenant''s');
SELECT is(test_dialer.body('POST', '/api/call-center/claim'), '{"call": null, "request": null}', 'nobody waits');
SELECT test_dialer.act_for(:'tenant');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/call-center/calls/' || :'two' || '/assign')), '422 field "userId" is missing', 'to nobody');
SELECT is(test_dialer.status('POST', '/api/call-center/claim'), 403, 'a tenant answers no call');

-- Agents.
SELECT is(ARRAY(SELECT a ->> 'name' FROM test_dialer.follow('/api/call-center/agents', 'agents', '{"limit": "2"}') a), '{Ann,Ben,Sue}', 'agents by name');
SELECT is(test_dialer.body('GET', '/api/call-center/agents', query => '{"state": ["busy", "paused"]}') -> 'total', '2', 'by state');
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/call-center/agents/me')), '404 no such agent: me', 'a tenant is no agent');
SELECT is(test_dialer.status('GET', '/api/call-center/agents/' || :'zoe'), 404, 'nor one of another tenant''s');
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.body('PUT', '/api/call-center/agents/me/state', '{"state": "paused", "reason": "lunch"}') @> '{"state": "paused", "reason": "lunch", "name": "Sue"}', true, 'a pause');
SELECT is(test_dialer.http('PUT', '/api/call-center/agents/' || :'ann' || '/state', '{"state": "available"}') ->> 'code', 'SB005', 'not during a call');
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.body('GET', '/api/call-center/agents') -> 'total', '1', 'agents see themselves');
SELECT is(test_dialer.status('PUT', '/api/call-center/agents/' || :'sue' || '/state', '{"state": "available"}'), 403, 'and say nothing of others');

-- Support requests of the public.
SET LOCAL switchboard.tenant_id = '';
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/customer/support-request', body, query)), wanted, 'no request: ' || body || query)
FROM (VALUES ('{"userEmail": "bo@example.test", "subject": "help"}', '{}', '422 field "tenant" is missing'), ('{"userEmail": "bo@example.test", "subject": "help", "tenant": "' || :'alice' || '"}', '{}', '404 no such tenant: ' || :'alice'),
  ('{"userEmail": "bo@example.test"}', '{}', '422 field "subject" is missing'), ('{"subject": "help"}', '{"tenant": "' || :'tenant' || '"}', '422 a support request needs an e-mail address or a phone number'),
  ('{"userEmail": "nobody", "subject": "help"}', '{"tenant": "' || :'tenant' || '"}', '422 not an e-mail address: nobody'), ('{"subject": "help"}', '{"tenant": "x"}', '422 parameter "tenant" must be a uuid, not x'),
  ('{"userEmail": "a@example.test", "subject": "' || repeat('x', 201) || '"}', '{"tenant": "' || :'tenant' || '"}', '422 field "subject" must be a text of 1 to 200 characters, not "' || repeat('x', 63)),
  ('{"userEmail": "a@example.test", "subject": "help", "status": "closed"}', '{"tenant": "' || :'tenant' || '"}', '422 unknown field: "status"')) v (body, query, wanted);
SELECT test_dialer.body('POST', '/api/customer/support-request', '{"user_email": "bo@example.test", "subject": "help", "priority": "urgent", "userId": "7"}', '{"tenant": "' || :'tenant' || '"}') AS receipt \gset
SELECT is(:'receipt'::jsonb - 'id', '{"success": true, "status": "pending"}', 'a request, of which the public gets the id');
SELECT is((SELECT array_agg(test_dialer.status('POST', '/api/customer/support-request', '{"userEmail": "many@example.test", "subject": "help", "tenant": "' || :'tenant' || '"}')) FROM generate_series(1, 11)),
  array_fill(201, ARRAY[10]) || 429, 'ten an hour');
SELECT is((SELECT (switchboard.handle_http('POST', '/api/customer/support-request', '{}', '{"x-peer-address": "no address"}', convert_to('{"userEmail": "b@example.test", "subject": "x", "tenant": "' || :'tenant' || '"}', 'UTF8'))).status), 201, 'from nowhere');
SELECT is((SELECT array_agg((switchboard.handle_http('POST', '/api/customer/support-request', '{}', '{"x-peer-address": "192.0.2.1"}', convert_to('{"userEmail": "c' || i || '@example.test", "subject": "x", "tenant": "' || :'tenant' || '"}', 'UTF8'))).status)
  FROM generate_series(1, 21) i), array_fill(201, ARRAY[20]) || 429, 'twenty an hour from an address');
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.status('POST', '/api/customer/support-request', '{"userEmail": "bo@example.test", "subject": "help", "tenant": "' || :'other' || '"}'), 404, 'who is logged in speaks for their own tenant');
SELECT is(test_dialer.status('POST', '/api/customer/support-request', '{"userEmail": "bo@example.test", "subject": "help", "tenant": "' || :'tenant' || '"}'), 201, 'which they may name');

-- Support requests.
SELECT :'receipt'::jsonb ->> 'id' AS request \gset
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.body('GET', '/api/call-center/support-requests/' || :'request') @> '{"subject": "help", "priority": "urgent", "status": "pending", "user_email": "bo@example.test", "user_ref": "7", "source": "form"}', true, 'one of them');
SELECT is(test_dialer.body('GET', '/api/call-center/support-requests/' || :'request') ?| '{tenant_id,address_hash}', false, 'without what is not for show');
SELECT is(test_dialer.body('GET', '/api/call-center/support-requests', query => query) -> 'total', wanted::jsonb, 'requests that fit ' || query)
FROM (VALUES ('{"priority": "urgent"}', '1'), ('{"status": ["resolved", "closed"]}', '0'), ('{"assignedTo": "' || :'ben' || '"}', '0')) v (query, wanted);
SELECT is((SELECT count(DISTINCT r ->> 'id') FROM test_dialer.follow('/api/call-center/support-requests', 'requests', '{"limit": "5"}') r), (SELECT count(*) FROM switchboard.support_requests WHERE tenant_id = :'tenant'), 'page by page');
SELECT is(test_dialer.body('PATCH', '/api/call-center/support-requests/' || :'request', body) @> wanted::jsonb, true, 'change: ' || body)
FROM (VALUES ('{"priority": "low", "subject": "more help"}', '{"priority": "low", "subject": "more help"}'), ('{"assignedTo": "' || :'ann' || '"}', '{"status": "assigned", "assigned_to": "' || :'ann' || '"}'), ('{"assignedTo": "' || :'ann' || '"}', '{"status": "assigned"}'),
  ('{"status": "resolved", "notes": "done"}', '{"status": "resolved", "resolution": "done"}'), ('{"status": "resolved"}', '{"status": "resolved"}'), ('{"status": "pending"}', '{"status": "assigned"}'), ('{"status": "closed"}', '{"status": "closed"}')) v (body, wanted);
SELECT is(test_dialer.http('POST', '/api/call-center/support-requests/' || :'request' || '/resolve', '{"notes": "x"}') ->> 'code', 'SB005', 'closed is closed');
SELECT is(test_dialer.body('POST', '/api/call-center/support-requests/' || :'request' || '/reopen') ->> 'status', 'assigned', 'until it is opened again');
SELECT is(test_dialer.status('PATCH', '/api/call-center/support-requests/' || :'request', body), wanted, 'no change: ' || body)
FROM (VALUES ('{"assignedTo": "' || :'zoe' || '"}', 404), ('{"contactId": "' || :'zoe' || '"}', 404), ('{"status": "assigned"}', 422), ('{"addressHash": "x"}', 422)) v (body, wanted);
SELECT is(test_dialer.status(method, '/api/call-center/support-requests/' || :'theirrequest' || rest, '{}'), 404, method || ' ' || rest || ' of another tenant''s')
FROM (VALUES ('GET', ''), ('PATCH', ''), ('POST', '/assign'), ('POST', '/resolve'), ('POST', '/close'), ('POST', '/reopen')) v (method, rest);
SELECT is(test_dialer.http('POST', '/api/call-center/callbacks', '{"phoneNumber": "202-555-0101", "at": "2026-01-01T10:00:00+01:00"}') @> jsonb_build_object('status', 'pending', 'contact_id', :'alice', 'callback_at', '2026-01-01T09:00:00+00:00'), true, 'a callback');
SELECT is(test_dialer.status('POST', '/api/call-center/callbacks', body), 422, 'no callback: ' || body) FROM (VALUES ('{}'), ('{"phoneNumber": "x"}'), ('{"phoneNumber": "+12025550101", "at": "tomorrow"}')) v (body);
SELECT test_dialer.act_for(:'tenant', :'ben');
SELECT is(test_dialer.body('POST', '/api/call-center/claim', '{"kind": "request"}') -> 'request' ->> 'assigned_to', :'ben', 'the next request');

-- Calls entered by hand.
SELECT is(test_dialer.http('POST', '/api/admin/customer-service/calls', '{"fromNumber": "(202) 555-0101", "duration": 90, "notes": "asked", "startedAt": "2026-01-01T10:00:00Z"}') @> jsonb_build_object('status', 'completed', 'lead_id', :'alice', 'duration', 90, 'user_id', :'ben'), true, 'a call entered by hand');
SELECT is(test_dialer.status('POST', '/api/admin/customer-service/calls', body), wanted, 'not entered: ' || body)
FROM (VALUES ('{}', 422), ('{"fromNumber": "x"}', 422), ('{"fromNumber": "+12025550101", "duration": -1}', 422), ('{"fromNumber": "+12025550101", "startedAt": "2999-01-01"}', 422), ('{"contactId": "' || :'zoe' || '"}', 404), ('{"fromNumber": "+12025550101", "agentId": "' || :'ann' || '"}', 403)) v (body, wanted);

-- Dispositions and figures.
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.http('POST', '/api/dialer/dispositions', jsonb_build_object('callId', :'done', 'disposition', 'callback', 'follow_up_date', '2999-01-01')::text) @> jsonb_build_object('call_id', :'done', 'disposition', 'callback', 'user_id', :'ann', 'location', '/api/dialer/dispositions?callId=' || :'done'), true, 'a disposition');
SELECT is(test_dialer.status('POST', '/api/dialer/dispositions', body), wanted, 'no disposition: ' || body)
FROM (VALUES ('{"callId": "' || :'theirs' || '", "disposition": "callback"}', 404), ('{"callId": "' || :'done' || '", "disposition": "maybe"}', 422), ('{"callId": "' || :'done' || '", "disposition": "callback", "followUpDate": "2001-01-01"}', 422)) v (body, wanted);
SELECT is(test_dialer.body('GET', '/api/dialer/dispositions', query => query) -> 'total', wanted::jsonb, 'dispositions that fit ' || query)
FROM (VALUES ('{}', '1'), ('{"disposition": ["callback", "interested"], "callId": "' || :'done' || '", "userId": "' || :'ann' || '", "from": "2020-01-01", "to": "2999-01-01"}', '1'), ('{"disposition": "interested"}', '0'), ('{"to": "2020-01-01"}', '0')) v (query, wanted);
SELECT is(test_dialer.body('GET', '/api/dialer/analytics') #>> '{analytics,overview,totalCalls}', test_dialer.body('GET', '/api/dialer/calls') ->> 'total', 'figures of calls');
SELECT is(test_dialer.status('GET', path, query => query), wanted, path || ' ' || query)
FROM (VALUES ('/api/dialer/analytics', '{"campaignId": "' || :'theirs' || '"}', 404), ('/api/dialer/analytics', '{"startDate": "2026-02-01", "endDate": "2026-01-01"}', 422), ('/api/call-center/agent-report', '{"userId": "' || :'ben' || '"}', 403), ('/api/call-center/agent-report', '{}', 200),
  ('/api/call-center/stats', '{"thresholdSeconds": "10"}', 200), ('/api/call-center/stats', '{"thresholdSeconds": "-1"}', 422), ('/api/wallboard', '{}', 200)) v (path, query, wanted);

-- The feed.
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.body('GET', '/api/events', query => '{"after": "0", "limit": "1"}') - 'next' #- '{events,0}', '{"events": []}', 'a page of the feed');
SELECT is(test_dialer.body('GET', '/api/events', query => '{"after": "0", "limit": "1"}') #>> '{events,0,seq}', test_dialer.body('GET', '/api/events', query => '{"after": "0", "limit": "1"}') ->> 'next', 'which says where it goes on');
SELECT is(test_dialer.status('GET', '/api/events', query => query), wanted, 'events ' || query) FROM (VALUES ('{}', 200), ('{"after": "-1"}', 422), ('{"after": "x"}', 422), ('{"limit": "0"}', 422), ('{"after": "999999999999999999"}', 200)) v (query, wanted);

-- Who asks, and keys.
SELECT is(test_dialer.body('GET', '/api/me'), jsonb_build_object('tenant_id', :'tenant', 'tenant_name', 'acme', 'user_id', :'sue', 'name', 'Sue', 'role', 'supervisor', 'is_supervisor', true), 'who asks');
SELECT test_dialer.http('POST', '/api/keys', '{"name": "shop", "expires_at": "2999-01-01T00:00:00Z"}') AS made \gset
SELECT is(:'made'::jsonb @> '{"status": 201, "name": "shop", "role": "supervisor", "user_id": null, "revoked_at": null}' AND :'made'::jsonb ->> 'key' ~ '^sbk_' AND NOT :'made'::jsonb ?| '{digest,tenant_id}', true, 'a key, shown once');
SELECT isnt(convert_from((switchboard.handle_http('POST', '/api/keys', '{}', '{"idempotency-key": "k"}', '{"name": "twice"}')).body, 'UTF8')::jsonb ->> 'key',
  convert_from((switchboard.handle_http('POST', '/api/keys', '{}', '{"idempotency-key": "k"}', '{"name": "twice"}')).body, 'UTF8')::jsonb ->> 'key', 'no copy of it is kept');
SELECT is((SELECT count(*) FROM test_dialer.follow('/api/keys', 'keys', '{"limit": "1"}') k, LATERAL test_dialer.status('DELETE', '/api/keys/' || (k ->> 'id')) s WHERE k ->> 'name' = 'twice' AND s = 204), 2::bigint, 'page by page');
SELECT is(test_dialer.body('GET', '/api/keys', query => '{"limit": "1", "offset": "2"}') #- '{keys,0}', '{"keys": [], "total": 3, "next": null}', 'then without the key');
SELECT is(test_dialer.body('GET', '/api/keys') -> 'keys' -> 0 ? 'key', false, 'indeed');
SELECT is(test_dialer.status('POST', '/api/keys', body), wanted, 'no key: ' || body) FROM (VALUES ('{"name": ""}', 422), ('{"name": "x", "expiresAt": "2001-01-01"}', 422), ('{"name": "x", "userId": "' || :'zoe' || '"}', 404), ('{"name": "x", "role": "admin"}', 403)) v (body, wanted);
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.status(method, path, body), 403, method || ' ' || path || ' is for supervisors') FROM (VALUES ('GET', '/api/keys', ''), ('POST', '/api/keys', '{"name": "x"}'), ('DELETE', '/api/keys/' || (:'made'::jsonb ->> 'id'), '')) v (method, path, body);
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.status('DELETE', '/api/keys/' || (:'made'::jsonb ->> 'id')), 204, 'a key is revoked');
SELECT isnt(test_dialer.body('GET', '/api/keys') #> '{keys,2,revoked_at}', 'null', 'and stays on the list');

SELECT * FROM finish();
ROLLBACK;
