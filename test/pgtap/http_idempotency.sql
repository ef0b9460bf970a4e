-- Requests that come again under the same Idempotency-Key: done once, answered as before; what is not kept; whose keys they are.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE ROLE sb_http_gateway LOGIN IN ROLE switchboard_gateway;
INSERT INTO switchboard.tenants (id, name) VALUES
  ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO switchboard.users (id, tenant_id, name, role) VALUES
  ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', 'agent', 'agent'),
  ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-00000000000a', 'boss', 'supervisor');
CREATE SCHEMA test_http;
GRANT USAGE ON SCHEMA test_http TO PUBLIC;
CREATE FUNCTION test_http.act(tenant text, who text DEFAULT NULL, role text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  SELECT set_config('request.jwt.claims', jsonb_strip_nulls(jsonb_build_object('tenant_id', '00000000-0000-0000-0000-00000000000' || tenant,
    'sub', '00000000-0000-0000-0000-0000000000' || who, 'role', role))::text, true) $$;
CREATE FUNCTION test_http.post(key text, body text, path text DEFAULT '/api/dialer/campaigns', query jsonb DEFAULT '{}', method text DEFAULT 'POST')
RETURNS switchboard.http_response LANGUAGE sql AS $$
  SELECT switchboard.handle_http(method, path, query, jsonb_strip_nulls(jsonb_build_object('idempotency-key', key)), convert_to(body, 'UTF8')) $$;
-- Status, whether it is an answer from before, and the detail or the name.
CREATE FUNCTION test_http.says(r switchboard.http_response) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, CASE WHEN r.headers ? 'idempotency-replayed' THEN 'again' END, (regexp_match(convert_from(r.body, 'UTF8'), '"(?:detail|name)": "((?:[^"\\]|\\.)*)"'))[1]) $$;
CREATE FUNCTION test_http.campaigns() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM switchboard.campaigns $$;
CREATE FUNCTION test_http.kept() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM switchboard.http_idempotency $$;

SET SESSION AUTHORIZATION sb_http_gateway;
SELECT test_http.act('a', 'a2');
SELECT test_http.post('k1', '{"name": "one", "type": "manual"}') AS first \gset
SELECT test_http.post('k1', '{"name": "one", "type": "manual"}') AS second \gset
SELECT is(test_http.says(:'first'), '201 one', 'a request');
SELECT is(test_http.says(:'second'), '201 again one', 'the same again');
SELECT is(test_http.campaigns(), 1::bigint, 'is done once');
SELECT is((:'second'::switchboard.http_response).body, (:'first'::switchboard.http_response).body, 'the same answer');
SELECT is((:'second'::switchboard.http_response).headers - 'idempotency-replayed' - 'x-request-id', (:'first'::switchboard.http_response).headers - 'x-request-id', 'the same headers');
SELECT isnt((:'second'::switchboard.http_response).headers ->> 'x-request-id', (:'first'::switchboard.http_response).headers ->> 'x-request-id', 'the id of the request is its own');

SELECT is(test_http.says(answer), '422 Idempotency-Key \"k1\" was used for another request', what) FROM (VALUES
  ('another body', test_http.post('k1', '{"name": "two", "type": "manual"}')),
  ('the same meaning, but other bytes', test_http.post('k1', '{"name": "one",  "type": "manual"}')),
  ('another path', test_http.post('k1', '{"name": "one", "type": "manual"}', '/api/campaigns/promotion')),
  ('another query', test_http.post('k1', '{"name": "one", "type": "manual"}', query => '{"x": "1"}'))) c (what, answer);
SELECT is(test_http.says(test_http.post(key, '{"name": "x"}')), '422 Idempotency-Key must have 1 to 255 printable characters and no spaces', 'key ' || left(key, 20))
  FROM unnest(ARRAY['', ' ', 'a b', repeat('x', 256), E'a\tb', 'é']) key;
SELECT is(test_http.campaigns(), 1::bigint, 'none of which did anything');
SELECT is(test_http.says(test_http.post(repeat('x', 255), '{"name": "long", "type": "manual"}')), '201 long', 'a long key');
SELECT is(test_http.says(test_http.post('"8e03978e-40d5-43dd-bc93-6894a57f9324"', '{"name": "quoted", "type": "manual"}')), '201 quoted', 'a key in quotes');

-- Without a key, and other methods.
SELECT test_http.kept() AS before \gset
SELECT is(test_http.says(test_http.post(NULL, '{"name": "many", "type": "manual"}')), '201 many', 'without a key') FROM generate_series(1, 2);
SELECT is(test_http.says(test_http.post('k1', '', '/api/customers/phone', method => 'GET')), '200', 'a GET') FROM generate_series(1, 2);
SELECT is(test_http.kept(), :'before', 'nothing of that is kept');

-- Errors.
SELECT is(test_http.says(test_http.post('bad', '{"name": 5}')) ~ '^422 (again )?', true, 'an error') FROM generate_series(1, 2);
SELECT is(test_http.says(test_http.post('bad', '{"name": 5}')) ~ '^422 again ', true, 'is answered again as it was');
SELECT test_http.kept() AS before \gset
SELECT is(test_http.says(test_http.post('k2', '{"name": "x"}', '/nowhere')), '404 no such path: /nowhere', 'no such path');
SELECT is(test_http.kept(), :'before', 'no answer of a route, not kept');
RESET SESSION AUTHORIZATION;
SAVEPOINT routes;
-- A route that asks to come again later, or fails, whatever it does before.
CREATE OR REPLACE FUNCTION switchboard._http_promotion(request switchboard.http_request) RETURNS switchboard.http_response LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550199', 'half');
  RAISE EXCEPTION 'no' USING ERRCODE = convert_from(request.body, 'UTF8')::jsonb ->> 'campaignId', HINT = 'It is possible from 2099-01-01 00:00:00+00 on.';
END $$;
CREATE OR REPLACE FUNCTION switchboard._http_check_body(schema text, request switchboard.http_request) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
SET SESSION AUTHORIZATION sb_http_gateway;
SET LOCAL client_min_messages = error;
SELECT is((test_http.post('later' || code, format('{"campaignId": "%s"}', code), '/api/campaigns/promotion')).status, status, 'SQLSTATE ' || code)
  FROM (VALUES ('SB007', 429), ('40001', 503), ('53100', 503), ('55P03', 503), ('SB002', 503), ('XX000', 500)) c (code, status);
SELECT is(test_http.kept(), :'before', 'come again: not kept');
SELECT is((test_http.post('never', '{"campaignId": "SB005"}', '/api/campaigns/promotion')).status, 409, 'SQLSTATE SB005');
SELECT is(test_http.kept(), :'before' + 1::bigint, 'kept');
SELECT is((SELECT count(*) FROM switchboard.contacts), 0::bigint, 'what was half done is undone');
RESET SESSION AUTHORIZATION;
ROLLBACK TO routes;

-- Whose keys they are.
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT test_http.act('a', 'a1');
SELECT is(test_http.says(test_http.post('k1', '{"name": "one", "type": "manual"}')), '201 one', 'a colleague has keys of their own');
SELECT test_http.act('a');
SELECT is(test_http.says(test_http.post('k1', '{"name": "one", "type": "manual"}')), '201 one', 'so has the tenant as a whole');
SELECT is(test_http.says(test_http.post('k1', '{"name": "one", "type": "manual"}')), '201 again one', 'and finds them');
SELECT test_http.act('b');
SELECT is(test_http.says(test_http.post('k1', '{"name": "one", "type": "manual"}')), '201 one', 'and another tenant');
SELECT test_http.act('a', 'a2', 'agent');
SELECT is(test_http.says(test_http.post('k1', '{"name": "one", "type": "manual"}')), '422 Idempotency-Key \"k1\" was used for another request', 'not with fewer rights');
SELECT throws_ok('SELECT * FROM switchboard.http_idempotency', '42501', NULL, 'nobody reads the answers');
SELECT set_config('request.jwt.claims', '', true);
SELECT is((test_http.post('k1', '{"name": "one", "type": "manual"}')).status, 401, 'without an identity there is no answer, kept or not');

-- For a day.
RESET SESSION AUTHORIZATION;
UPDATE switchboard.http_idempotency SET created_at = now() - interval '24 hours 1 second' WHERE key = 'k1' AND user_id = '00000000-0000-0000-0000-0000000000a2';
SELECT test_http.kept() AS before \gset
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT test_http.act('a', 'a2');
SELECT is(test_http.says(test_http.post('k1', '{"name": "next day", "type": "manual"}')), '201 next day', 'after a day the key is free');
SELECT is(test_http.says(test_http.post('k1', '{"name": "next day", "type": "manual"}')), '201 again next day', 'and is kept anew');
SELECT is(test_http.kept(), :'before'::bigint, 'in the same place');

SELECT * FROM finish();
ROLLBACK;
