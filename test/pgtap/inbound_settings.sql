-- Settings of inbound calls: what is refused when it is written, and which of several holds.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();
SELECT test_dialer.new_tenant('acme') AS tenant \gset

CREATE FUNCTION pg_temp.refuses(inbound jsonb, message text) RETURNS text LANGUAGE sql AS $$
  SELECT throws_ok(format('UPDATE switchboard.tenants SET settings = jsonb_build_object(''inbound'', %L::jsonb)', inbound), '22023', message, message) $$;
SELECT pg_temp.refuses('[]', 'settings.inbound must be a JSON object, not array');
SELECT pg_temp.refuses('{"greting": "Hi"}', 'inbound calls have no setting "greting"');
SELECT pg_temp.refuses(jsonb_build_object('greeting', repeat('x', 1501)), format('inbound setting greeting cannot be "%s"', repeat('x', 1501)));
SELECT pg_temp.refuses('{"greeting_audio_url": "file:///etc/passwd"}', 'inbound setting greeting_audio_url cannot be "file:///etc/passwd"');
SELECT pg_temp.refuses('{"route": "user:ada"}', 'inbound setting route cannot be "user:ada"');
SELECT pg_temp.refuses('{"route": "number:0201"}', 'inbound setting route cannot be "number:0201"');
SELECT pg_temp.refuses('{"overflow": "queue"}', 'inbound setting overflow cannot be "queue"');
SELECT pg_temp.refuses('{"skills": ["french", ""]}', 'inbound setting skills cannot be ["french", ""]');
SELECT pg_temp.refuses('{"skills": "french"}', 'inbound setting skills cannot be "french"');
SELECT pg_temp.refuses('{"skills": [["french"]]}', 'inbound setting skills cannot be [["french"]]');
SELECT pg_temp.refuses('{"max_wait": -1}', 'inbound setting max_wait cannot be -1');
SELECT pg_temp.refuses('{"max_wait": 1.5}', 'inbound setting max_wait cannot be 1.5');
SELECT pg_temp.refuses('{"max_queue": "many"}', 'inbound setting max_queue cannot be "many"');
SELECT pg_temp.refuses('{"priority": 1001}', 'inbound setting priority cannot be 1001');
SELECT pg_temp.refuses('{"agent_timeout": 4}', 'inbound setting agent_timeout cannot be 4');
SELECT pg_temp.refuses('{"voicemail_max": 1e9}', 'inbound setting voicemail_max cannot be 1000000000');
SELECT pg_temp.refuses('{"record": "yes"}', 'inbound setting record cannot be "yes"');
SELECT pg_temp.refuses('{"callback_key": "#"}', 'inbound setting callback_key cannot be "#"');
SELECT pg_temp.refuses('{"language": "<x>"}', 'inbound setting language cannot be "<x>"');
SELECT pg_temp.refuses('{"distribution": "random"}', 'inbound setting distribution cannot be "random"');
SELECT pg_temp.refuses('{"numbers": []}', 'inbound setting numbers cannot be []');
SELECT pg_temp.refuses('{"numbers": {"12015550100": {}}}', 'inbound setting numbers has "12015550100", which is no number');
SELECT pg_temp.refuses('{"numbers": {"+12015550100": {"max_wait": "x"}}}', 'inbound setting max_wait cannot be "x"');
SELECT pg_temp.refuses('{"numbers": {"+12015550100": {"numbers": {}}}}', 'inbound calls have no setting "numbers"');
SELECT pg_temp.refuses('{"numbers": {"+12015550100": {"distribution": "manual"}}}', 'inbound calls have no setting "distribution"');
SELECT throws_ok($$ UPDATE switchboard.tenants SET settings = '{"inbound": {"hours": {"start": "9"}}}' $$, '22023', NULL, 'hours that are none');
SELECT throws_ok($$ UPDATE switchboard.tenants SET settings = '{"inbound": {"timezone": "Mars/Olympus"}}' $$, '22023', NULL, 'a zone that nobody knows');
SELECT throws_ok($$ UPDATE switchboard.provider_accounts SET settings = settings || '{"inbound": {"max_wait": "x"}}' $$, '22023',
  'inbound setting max_wait cannot be "x"', 'accounts are checked too');
SELECT is(settings, '{}', 'nothing of that was kept') FROM switchboard.tenants;

SELECT is(switchboard._inbound_settings(:'tenant', NULL, '+12015550100'), switchboard._inbound_defaults() || '{"timezone": "UTC"}', 'defaults');
UPDATE switchboard.tenants SET settings = '{"inbound": {"max_wait": 1, "priority": 1, "greeting": null, "distribution": "manual",
  "numbers": {"+12015550100": {"priority": 3, "hours": null}}}}';
UPDATE switchboard.provider_accounts SET settings = settings || '{"inbound": {"max_wait": 2, "priority": 2}}';
SELECT is(switchboard._inbound_settings(:'tenant', a.id, '+12015550100'), switchboard._inbound_defaults() || '{"timezone": "UTC", "max_wait": 2, "priority": 3}',
  'the account''s over the tenant''s, the number''s over both; null is unset') FROM switchboard.provider_accounts a;
SELECT is(switchboard._inbound_settings(:'tenant', a.id, '+12015550101') -> 'priority', '2', 'another number') FROM switchboard.provider_accounts a;
SELECT lives_ok($$ UPDATE switchboard.tenants SET settings = '{"inbound": null}' $$, 'null is nothing');

SELECT * FROM finish();
ROLLBACK;
