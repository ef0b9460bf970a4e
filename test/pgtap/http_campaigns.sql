-- Routes of campaigns: their life, their lists, preview dialing, and whose they are.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
\ir support/http.sql
SELECT test_dialer.new_tenant('other') AS other \gset
SELECT test_dialer.new_campaign(:'other') AS theirs \gset
INSERT INTO switchboard.products (name) VALUES ('theirs') RETURNING id AS theirproduct \gset
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (name) VALUES ('Ann') RETURNING id AS ann \gset
INSERT INTO switchboard.users (name) VALUES ('Ben') RETURNING id AS ben \gset
INSERT INTO switchboard.products (name) VALUES ('phone') RETURNING id AS product \gset
SELECT test_dialer.new_campaign(:'tenant', type => 'preview') AS preview \gset
SET LOCAL ROLE switchboard_gateway;

-- Making, reading, changing.
SELECT test_dialer.http('POST', '/api/dialer/campaigns', jsonb_build_object('name', 'spring', 'callerId', '(201) 555-0100', 'max_attempts', 5, 'activeHours', '{"start": "00:00", "end": "24:00"}'::jsonb,
  'productId', :'product', 'discountPercent', 12.5, 'settings', '{"queue_limit": 5, "nothing": null}'::jsonb, 'timezone', null)::text) AS made \gset
SELECT :'made'::jsonb ->> 'id' AS id \gset
SELECT is(:'made'::jsonb @> jsonb_build_object('status', 'draft', 'name', 'spring', 'caller_id', '+12015550100', 'max_attempts', 5, 'retry_interval', 3600, 'product_id', :'product', 'discount_percent', 12.50,
  'type', 'manual', 'timezone', NULL, 'settings', '{"queue_limit": 5, "nothing": null}'::jsonb, 'location', '/api/dialer/campaigns/' || :'id'), true, 'a draft, with what is not said by default');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id'), :'made'::jsonb - '{status,type,location}'::text[] || '{"status": "draft", "type": "manual"}', 'it is read back');
SELECT is(test_dialer.body('PATCH', '/api/dialer/campaigns/' || :'id', '{"description": "for all", "callerId": null, "retryInterval": 60, "settings": {"a": null}}') @> '{"description": "for all", "caller_id": null, "retry_interval": 60, "settings": {"a": null}, "max_attempts": 5}', true, 'changed; null empties');
SELECT is(test_dialer.status('PATCH', '/api/dialer/campaigns/' || :'id', '{}'), 200, 'no change');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/dialer/campaigns', body)), wanted, 'no campaign: ' || body)
FROM (VALUES ('{"name": ""}', '422 field "name" must be a text of 1 to 200 characters, not ""'), ('{"name": "x", "status": "active"}', '422 unknown field: "status"'), ('{"name": "x", "tenantId": "' || :'other' || '"}', '422 unknown field: "tenantId"'),
  ('{"name": "x", "maxAbandonRate": 2}', '422 field "maxAbandonRate" must be a number from 0 to 1, not 2'), ('{"name": "x", "maxAttempts": 0}', '422 field "maxAttempts" must be a whole number from 1 to 1000, not 0'),
  ('{"name": "x", "callerId": "x"}', '422 not a phone number: "x"'), ('{"name": "x", "timezone": "Mars/X"}', '422 unknown time zone "Mars/X"'), ('{"name": "x", "productId": "' || :'theirproduct' || '"}', '404 no such product: ' || :'theirproduct'),
  ('{"name": "x", "userId": "' || :'product' || '"}', '404 no such user: ' || :'product')) v (body, wanted);
SELECT is(test_dialer.http('POST', '/api/dialer/campaigns', '{"name": "x", "activeHours": {"start": "9"}}') ->> 'code', '22023', 'hours that are none');
SELECT is((SELECT count(*) FROM switchboard.campaigns WHERE name = 'x'), 0::bigint, 'and nothing was made');
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/dialer/campaigns/' || :'id', body)), wanted, 'no change: ' || body)
FROM (VALUES ('{"stats": {}}', '422 unknown field: "stats"'), ('{"ranOut": true}', '422 unknown field: "ranOut"'), ('{"productId": "' || :'theirproduct' || '"}', '404 no such product: ' || :'theirproduct'),
  ('{"description": "lost", "status": "completed"}', '409 campaign "spring" cannot go from draft to completed'), ('{"settings": {"voice": "robot"}}', '422 voice must be "human", "artificial" or "ai", not "robot"')) v (body, wanted);
SELECT is(test_dialer.says(test_dialer.http('PATCH', '/api/dialer/campaigns/' || :'id', '{"name": null}')), '422 field "name" must not be null', 'a name is needed');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id') ->> 'description', 'for all', 'a change that fails changes nothing');

-- Its list.
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/contacts', '{"contacts": [{"phoneNumber": "+12025550101", "firstName": "Al", "favoriteColor": "red"}, {"phone_number": "12025550102"}, {"phone_number": "x"}, {}]}') - 'rejected',
  '{"added": 2, "updated": 0}', 'people are listed');
SELECT is((SELECT jsonb_build_array(first_name, metadata) FROM switchboard.campaign_contacts WHERE phone_number = '+12025550101' AND campaign_id = :'id'), '["Al", {"favoriteColor": "red"}]', 'keys of the client''s own stay');
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/contacts', '{"contacts": []}'), '{"added": 0, "updated": 0, "rejected": []}', 'nobody');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/dialer/campaigns/' || :'id' || '/contacts', body)), wanted, 'not listed: ' || body)
FROM (VALUES ('{"contacts": {}}', '422 field "contacts" must be an array, not {}'), ('{"contacts": ["+1"]}', '422 an element of field "contacts" must be an object, not "+1"'), ('[{"phone_number": "+12025550101"}]', '422 the body must be a JSON object, not array')) v (body, wanted);
SELECT is(ARRAY(SELECT c ->> 'phone_number' FROM test_dialer.follow('/api/dialer/campaigns/' || :'id' || '/contacts', 'contacts', '{"limit": "1"}') c), '{+12025550101,+12025550102}', 'page by page');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id' || '/contacts', query => '{"status": "do-not-call"}'), '{"contacts": [], "total": 0, "next": null}', 'by status');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id' || '/contacts', query => '{"status": "pending", "limit": "1", "offset": "1"}') - 'contacts', '{"total": 2, "next": null}', 'by offset');

-- Its life.
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/' || step, body) ->> 'status', wanted, step)
FROM (VALUES ('start', '', 'active'), ('pause', 'whatever', 'paused'), ('resume', '{}', 'active')) v (step, body, wanted);
SELECT is(test_dialer.body('PATCH', '/api/dialer/campaigns/' || :'id', '{"status": "paused", "description": "now"}') ->> 'status', 'paused', 'a step by PATCH');
SELECT is(test_dialer.status('PATCH', '/api/dialer/campaigns/' || :'id', '{"status": "paused"}'), 200, 'no step');
SELECT is(test_dialer.http('POST', '/api/dialer/campaigns/' || :'id' || '/start') ->> 'code', 'SB005', 'no step back');
SELECT is(test_dialer.status('POST', '/api/dialer/campaigns/' || :'id' || '/run'), 409, 'a paused one is not run');
SELECT is(test_dialer.status('POST', '/api/dialer/campaigns/' || :'id' || '/delete'), 404, 'no such step');
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/resume') ->> 'status', 'active', 'resumed');
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/run') - 'run_id', '{"queued": 2, "skipped": {}}', 'a run');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id' || '/preflight') ? 'preflight', true, 'who would not be called');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns/' || :'id' || '/report') -> 'listed', '2', 'figures');
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'id' || '/recycle', '{"outcomes": ["busy"]}'), '{"recycled": 0}', 'nobody to try again');
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/dialer/campaigns/' || :'id' || '/recycle', '{"outcomes": ["gone"]}')), '422 unknown outcome: gone', 'an outcome that is none');
SELECT is(test_dialer.status('PUT', '/api/dialer/campaigns/' || :'id' || '/schedule', body), wanted, 'schedule ' || body) FROM (VALUES ('{"cronSchedule": "whenever"}', 422), ('{"cronSchedule": null}', 422)) v (body, wanted);
SELECT is(test_dialer.body('DELETE', '/api/dialer/campaigns/' || :'id' || '/schedule') -> 'cron_schedule', 'null', 'no schedule');

-- Lists.
SELECT is(test_dialer.http('GET', '/api/dialer/campaigns', query => '{"limit": "1"}') - '{campaigns,next,link}'::text[], '{"status": 200, "type": "application/json", "total": 2}', 'a page');
SELECT is((SELECT count(DISTINCT c ->> 'id') FROM test_dialer.follow('/api/dialer/campaigns', 'campaigns', '{"limit": "1"}') c), 2::bigint, 'page by page');
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns', query => query) -> 'total', wanted::jsonb, 'campaigns that fit ' || query)
FROM (VALUES ('{"status": ["active", "draft"], "type": "manual"}', '1'), ('{"search": "SPR"}', '1'), ('{"search": "%"}', '0'), ('{"status": "archived"}', '0')) v (query, wanted);

-- Preview dialing is somebody's.
SELECT is(test_dialer.status('POST', '/api/dialer/campaigns/' || :'preview' || '/preview'), 403, 'nobody looks');
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.body('POST', '/api/dialer/campaigns/' || :'preview' || '/preview'), '{"contact": null}', 'nobody is due');
SELECT switchboard.add_campaign_contacts(:'preview', '[{"phone_number": "+12025550131"}]') IS NOT NULL AS listed \gset
SELECT test_dialer.body('POST', '/api/dialer/campaigns/' || :'preview' || '/preview') #>> '{contact,queue_id}' AS entry \gset
SELECT isnt(:'entry'::text, NULL, 'somebody to look at');
SELECT test_dialer.act_for(:'tenant', :'ben');
SELECT is(test_dialer.status('POST', '/api/dialer/previews/' || :'entry' || '/accept'), 403, 'reserved for another');
SELECT test_dialer.act_for(:'tenant', :'ann');
SELECT is(test_dialer.http('POST', '/api/dialer/previews/' || :'entry' || '/accept') @> jsonb_build_object('status', 'initiated', 'user_id', :'ann', 'to_number', '+12025550131'), true, 'called');
SELECT is(test_dialer.status('POST', '/api/dialer/previews/' || :'entry' || '/skip', '{"reason": "x"}'), 409, 'not skipped then');

-- Whose they are.
SELECT test_dialer.body('POST', '/api/dialer/campaigns', '{"name": "mine"}') ->> 'id' AS anns \gset
SELECT is((SELECT user_id FROM switchboard.campaigns WHERE id = :'anns'), :'ann'::uuid, 'whoever makes it');
SELECT is(test_dialer.status('PATCH', '/api/dialer/campaigns/' || :'anns', jsonb_build_object('userId', :'ben')::text), 403, 'is not given away by an agent');
SELECT test_dialer.act_for(:'tenant', :'ben');
SELECT is(test_dialer.says(test_dialer.http(method, '/api/dialer/campaigns/' || id || rest, body)), '404 no such campaign: ' || id, method || ' ' || rest || ' of somebody else''s')
FROM (VALUES ('GET', '', ''), ('PATCH', '', '{"name": "x"}'), ('PATCH', '', '{}'), ('PATCH', '', '{"status": "active"}'), ('DELETE', '', ''), ('POST', '/start', ''), ('POST', '/run', ''), ('POST', '/recycle', ''), ('GET', '/report', ''),
  ('GET', '/preflight', ''), ('GET', '/contacts', ''), ('POST', '/contacts', '{"contacts": []}'), ('DELETE', '/schedule', '')) v (method, rest, body), unnest(ARRAY[:'theirs', :'anns']) id;
SELECT is(test_dialer.body('GET', '/api/dialer/campaigns', query => '{"search": "mine"}') -> 'total', '0', 'nor in lists');
SELECT test_dialer.act_for(:'tenant');
SELECT is(test_dialer.http('DELETE', '/api/dialer/campaigns/' || :'anns'), '{"status": 204}', 'deleted');
SELECT is(test_dialer.status('DELETE', '/api/dialer/campaigns/' || :'anns'), 404, 'and gone');

SELECT * FROM finish();
ROLLBACK;
