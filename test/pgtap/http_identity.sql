-- Whom an HTTP request is for: sessions that act already, API keys, tokens that are not taken, and that nothing stays behind. Tokens that
-- are taken need a file of keys: test/system/http_identity_test.py.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE ROLE sb_http_gateway LOGIN IN ROLE switchboard_gateway;
CREATE ROLE sb_http_agent LOGIN IN ROLE switchboard_gateway;
INSERT INTO switchboard.tenants (id, name) VALUES
  ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO switchboard.users (id, tenant_id, name, role, login_role) VALUES
  ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', 'agent', 'agent', 'sb_http_agent'),
  ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-00000000000a', 'boss', 'supervisor', NULL),
  ('00000000-0000-0000-0000-0000000000a4', '00000000-0000-0000-0000-00000000000a', 'admin', 'admin', NULL),
  ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-00000000000b', 'agent', 'agent', NULL);
INSERT INTO switchboard.contacts (tenant_id, phone_number, name) VALUES
  ('00000000-0000-0000-0000-00000000000a', '+12025550101', 'of a'), ('00000000-0000-0000-0000-00000000000b', '+12025550102', 'of b');

CREATE SCHEMA test_http;
GRANT USAGE ON SCHEMA test_http TO PUBLIC;
CREATE FUNCTION test_http.ask(headers jsonb, method text DEFAULT 'GET', path text DEFAULT '/api/customers/phone', query jsonb DEFAULT '{}')
RETURNS switchboard.http_response LANGUAGE sql AS $$ SELECT switchboard.handle_http(method, path, query, headers, '') $$;
-- Status and what a client can read of it: names of customers, else the detail.
CREATE FUNCTION test_http.says(headers jsonb, method text DEFAULT 'GET', path text DEFAULT '/api/customers/phone', query jsonb DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, (SELECT string_agg(c ->> 'name', ', ') FROM jsonb_array_elements(b.body -> 'customers') c), b.body ->> 'detail')
  FROM test_http.ask(headers, method, path, query) r, LATERAL (SELECT nullif(convert_from(r.body, 'UTF8'), '')::jsonb AS body) b $$;
CREATE FUNCTION test_http.who() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', coalesce(right(switchboard.current_tenant_id()::text, 1), 'nobody'), right(switchboard.current_user_id()::text, 2)) $$;
CREATE FUNCTION test_http.bearer(credential text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('authorization', 'Bearer ' || credential) $$;
CREATE FUNCTION test_http.key(user_id uuid DEFAULT NULL, role switchboard.user_role DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT switchboard.create_api_key('test', user_id, NULL, role) $$;
-- As whom a credential acts: tenant, user, supervisor.
CREATE FUNCTION test_http.acts(credential text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', right(tenant_id::text, 1), right(user_id::text, 2), CASE WHEN supervisor THEN 'supervisor' END)
  FROM switchboard._stream_identity(test_http.bearer(credential), '{}') $$;

-- Making keys.
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT throws_ok($$SELECT switchboard.create_api_key('x')$$, '42501', NULL, 'nobody makes no keys');
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000b');
SELECT test_http.key() AS key_b \gset
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a1');
SELECT throws_ok($$SELECT switchboard.create_api_key('x')$$, '42501', NULL, 'an agent makes no keys');
SELECT throws_ok($$SELECT switchboard.create_api_key('x', '00000000-0000-0000-0000-0000000000a1')$$, '42501', NULL, 'not even their own');
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a4');
SELECT test_http.key() AS key_admin \gset
SELECT test_http.key('00000000-0000-0000-0000-0000000000a4', 'agent') AS key_lowered \gset
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a2');
SELECT test_http.key() AS key_a \gset
SELECT test_http.key('00000000-0000-0000-0000-0000000000a1') AS key_agent \gset
SELECT matches(:'key_a'::text, '^sbk_[A-Za-z0-9_-]{43}$', 'what a key looks like');
SELECT throws_ok(call, state, message, call) FROM (VALUES
  ($$SELECT switchboard.create_api_key('x', '00000000-0000-0000-0000-0000000000a4')$$, '42501', 'a supervisor may not make a key for a user who is admin'),
  ($$SELECT switchboard.create_api_key('x', role => 'admin')$$, '42501', 'a key with role admin is more than supervisor allows'),
  ($$SELECT switchboard.create_api_key('x', '00000000-0000-0000-0000-0000000000a1', role => 'supervisor')$$, '42501', 'a key with role supervisor is more than agent allows'),
  ($$SELECT switchboard.create_api_key('x', '00000000-0000-0000-0000-0000000000b1')$$, 'P0002', 'no such user: 00000000-0000-0000-0000-0000000000b1'),
  ($$SELECT switchboard.create_api_key(' ')$$, '22023', 'name of a key must have 1 to 100 characters'),
  ($$SELECT switchboard.create_api_key(NULL)$$, '22023', 'name of a key must have 1 to 100 characters'),
  ($$SELECT switchboard.create_api_key(repeat('x', 101))$$, '22023', 'name of a key must have 1 to 100 characters'),
  ($$SELECT switchboard.create_api_key('x', expires_at => '2020-01-01 00:00Z')$$, '22023', NULL),
  ($$SELECT switchboard.revoke_api_key('00000000-0000-0000-0000-0000000000ff')$$, 'P0002', 'no such API key: 00000000-0000-0000-0000-0000000000ff'),
  ($$SELECT digest FROM switchboard.api_keys$$, '42501', NULL),
  ($$INSERT INTO switchboard.api_keys (name, prefix, digest, role) VALUES ('x', 'sbk_12345678', sha256('x'), 'admin')$$, '42501', NULL),
  ($$UPDATE switchboard.api_keys SET role = 'admin'$$, '42501', NULL)) c (call, state, message);
SELECT results_eq($$SELECT left(k.prefix, 4), k.role::text, k.user_id FROM switchboard.api_keys k ORDER BY k.id$$,
  $$VALUES ('sbk_', 'admin', NULL::uuid), ('sbk_', 'agent', '00000000-0000-0000-0000-0000000000a4'), ('sbk_', 'supervisor', NULL),
           ('sbk_', 'agent', '00000000-0000-0000-0000-0000000000a1')$$, 'a supervisor sees the keys of the tenant, without what they are');
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a1');
SELECT is((SELECT count(*) FROM switchboard.api_keys), 0::bigint, 'an agent sees none');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM switchboard.api_keys k WHERE k::text LIKE '%' || substr(:'key_a', 13) || '%'), 0::bigint, 'no key is kept');
SELECT is((SELECT count(*) FROM switchboard.audit_log WHERE action = 'api_key.created' AND detail::text NOT LIKE '%sbk_%'), 5::bigint, 'making one is on record');
SELECT set_config('switchboard.tenant_id', '', true), set_config('switchboard.user_id', '', true);

-- As whom they act, and that nothing of it stays.
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT is(test_http.acts(key), who, 'acts as ' || who) FROM (VALUES (:'key_admin', 'a supervisor'), (:'key_lowered', 'a a4'), (:'key_a', 'a supervisor'),
  (:'key_agent', 'a a1'), (:'key_b', 'b supervisor')) k (key, who);
SELECT is(test_http.who(), 'nobody', 'the session acts for nobody');
SELECT is(test_http.says(test_http.bearer(:'key_a')), '200 of a', 'Authorization: Bearer');
SELECT is(test_http.who(), 'nobody', 'afterwards the session acts for nobody');
SELECT is(test_http.says(jsonb_build_object('X-API-Key', :'key_b')), '200 of b', 'X-API-Key');
SELECT is(test_http.says('{}'), '401 the request does not say on whose behalf it is made', 'a request without a key is for nobody, whatever was before');
SELECT results_eq(format($$SELECT test_http.says(h) FROM (VALUES (1, test_http.bearer(%L)), (2, '{}'), (3, test_http.bearer('x')), (4, test_http.bearer(%L)), (5, '{}')) r (n, h) ORDER BY n$$, :'key_a', :'key_b'),
  $$VALUES ('200 of a'), ('401 the request does not say on whose behalf it is made'), ('401 tokens are not accepted here'), ('200 of b'),
           ('401 the request does not say on whose behalf it is made')$$, 'not even within one statement');
SELECT is((test_http.ask(test_http.bearer(:'key_a'), 'POST', '/api/campaigns/promotion')).status, 400, 'a request that fails');
SELECT is(test_http.who(), 'nobody', 'leaves nothing behind either');
SELECT set_config('request.jwt.claims', '{"role": "anon"}', true);
SELECT is(test_http.says(test_http.bearer(:'key_a')), '200 of a', 'claims that name nobody do not stand in the way');
SELECT is(current_setting('request.jwt.claims'), '{"role": "anon"}', 'and are there again afterwards');
SELECT set_config('request.jwt.claims', '{', true);
SELECT is(test_http.says(test_http.bearer(:'key_a')), '401 the claims of the request cannot be read', 'claims that are no JSON');
SELECT set_config('request.jwt.claims', '{"tenant_id":"00000000-0000-0000-0000-00000000000b"}', true);
SELECT is(test_http.says(test_http.bearer(:'key_a')), '200 of b', 'claims that a front has proved stand');
SELECT is(test_http.says(test_http.bearer('nonsense')), '200 of b', 'the credential is theirs to judge');
SELECT set_config('request.jwt.claims', '', true);
SET SESSION AUTHORIZATION sb_http_agent;
SELECT is(test_http.acts(:'key_b'), 'a a1', 'a login user stays that user');
SELECT is(test_http.says(test_http.bearer(:'key_b')), '200 of a', 'whatever the request brings');
SET SESSION AUTHORIZATION sb_http_gateway;

-- Credentials that are not good.
SELECT is(test_http.says(h::jsonb), '401 ' || wanted, h) FROM (VALUES
  ('{"authorization": "Bearer"}', 'tokens are not accepted here'), ('{"authorization": "bearer "}', 'tokens are not accepted here'),
  ('{"authorization": "Bearer sbk_x"}', 'the API key is not valid'), ('{"x-api-key": "sbk_x"}', 'the API key is not valid'),
  ('{"x-api-key": ""}', 'tokens are not accepted here'), ('{"x-api-key": "a", "authorization": "Bearer a"}', 'the request has two credentials'),
  ('{"authorization": "Basic sbk_x"}', 'the request does not say on whose behalf it is made'),
  ('{"authorization": "Bearerx"}', 'the request does not say on whose behalf it is made'),
  ('{"authorization": ["Bearer x"]}', 'the request does not say on whose behalf it is made'),
  ('{"authorization": null}', 'the request does not say on whose behalf it is made'),
  ('{"x-user-id": "00000000-0000-0000-0000-0000000000a4", "x-tenant-id": "00000000-0000-0000-0000-00000000000a"}', 'the request does not say on whose behalf it is made'),
  ('{"request.jwt.claims": "{\"tenant_id\":\"00000000-0000-0000-0000-00000000000a\"}"}', 'the request does not say on whose behalf it is made')) c (h, wanted);
SELECT is(test_http.says('{}', query => jsonb_build_object('access_token', :'key_a')), '401 the request does not say on whose behalf it is made', 'no credentials in a query');
SELECT is(test_http.says(test_http.bearer(:'key_a' || 'x')), '401 the API key is not valid', 'a key with something behind it');
SELECT is(test_http.says(test_http.bearer(:'key_a' || ', Bearer ' || :'key_b')), '401 the API key is not valid', 'two of them');
SELECT is(test_http.says(test_http.bearer(upper(:'key_a'))), '401 tokens are not accepted here', 'in capitals');
SELECT is((test_http.ask('{"x-api-key": "sbk_x"}', 'GET', path)).status, 401, 'also where anybody may ask: ' || path) FROM unnest(ARRAY['/healthz', '/metrics']) path;
SELECT is((test_http.ask('{"authorization": "Bearer x"}', 'POST', '/api/webhooks/twilio/status')).status, 404, 'but not where the credential is a provider''s');
SELECT is((test_http.ask(h::jsonb)).headers ->> 'www-authenticate', wanted, 'challenge to ' || h)
  FROM (VALUES ('{}', 'Bearer'), ('{"x-api-key": "x"}', 'Bearer error="invalid_token"'), ('{"authorization": "Bearer x"}', 'Bearer error="invalid_token"')) c (h, wanted);
SELECT throws_ok($$SELECT switchboard._stream_identity('{}', '{}')$$, '28000', 'the request does not say on whose behalf it is made', 'a stream for nobody');
SELECT throws_ok($$SELECT switchboard._stream_identity('{}', '{"access_token": "sbk_x"}')$$, '28000', 'the API key is not valid', 'or with a bad key');
SELECT throws_ok(format($$SELECT switchboard._stream_identity('{"x-api-key": "sbk_x"}', '{"access_token": %s}')$$, to_jsonb(:'key_a'::text)), '28000',
                 'the API key is not valid', 'the header counts, not the query');

-- Streams.
SELECT is((SELECT right(i.tenant_id::text, 1) FROM switchboard._stream_identity('{}', jsonb_build_object('access_token', :'key_b')) i), 'b', 'a stream may have its key in the query');
SELECT ok((SELECT i.expires_at BETWEEN now() + interval '59 minutes' AND clock_timestamp() + interval '1 hour'
           FROM switchboard._stream_identity('{}', jsonb_build_object('access_token', :'key_b')) i), 'and goes on for an hour');
SELECT is(test_http.who(), 'nobody', 'leaving nothing behind');

-- The end of a key.
RESET SESSION AUTHORIZATION;
SELECT isnt((SELECT last_used_at FROM switchboard.api_keys WHERE prefix = left(:'key_a', 12)), NULL, 'use is noted');
UPDATE switchboard.api_keys SET expires_at = clock_timestamp() + interval '10 minutes' WHERE prefix = left(:'key_lowered', 12);
SELECT ok(i.expires_at < clock_timestamp() + interval '11 minutes', 'a stream ends with its key')
  FROM switchboard._stream_identity(test_http.bearer(:'key_lowered'), '{}') i;
UPDATE switchboard.api_keys SET expires_at = clock_timestamp() WHERE prefix = left(:'key_lowered', 12);
UPDATE switchboard.users SET active = false WHERE name = 'agent' AND login_role IS NOT NULL;
SELECT id AS id_a FROM switchboard.api_keys WHERE prefix = left(:'key_a', 12) \gset
SELECT id AS id_admin FROM switchboard.api_keys WHERE prefix = left(:'key_admin', 12) \gset
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT is(test_http.says(test_http.bearer(:'key_lowered')), '401 the API key is not valid', 'expired');
SELECT is(test_http.says(test_http.bearer(:'key_agent')), '401 the credential names nobody who is known here', 'of a user who is barred');
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000b');
SELECT throws_ok(format('SELECT switchboard.revoke_api_key(%L)', :'id_a'), 'P0002', NULL, 'nobody revokes the key of another tenant');
SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a2');
SELECT throws_ok(format('SELECT switchboard.revoke_api_key(%L)', :'id_admin'), '42501', 'only admins may revoke the key of an admin', 'nor a supervisor that of an admin');
SELECT lives_ok(format('SELECT switchboard.revoke_api_key(%L)', :'id_a'), 'a supervisor revokes a key');
SELECT lives_ok(format('SELECT switchboard.revoke_api_key(%L)', :'id_a'), 'once more is fine');
SELECT set_config('switchboard.tenant_id', '', true), set_config('switchboard.user_id', '', true);
SELECT is(test_http.says(test_http.bearer(:'key_a')), '401 the API key is not valid', 'revoked');
SELECT is(test_http.says(test_http.bearer(:'key_admin')), '200 of a', 'others are not');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM switchboard.audit_log WHERE action = 'api_key.revoked'), 1::bigint, 'on record once');
DELETE FROM switchboard.users WHERE login_role IS NOT NULL;
SELECT is((SELECT count(*) FROM switchboard.api_keys WHERE prefix = left(:'key_agent', 12)), 0::bigint, 'the key of a user goes with the user');

-- Roles of tokens lower and do not raise.
CREATE FUNCTION test_http.role_of(who text, claimed text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', jsonb_build_object('tenant_id', '00000000-0000-0000-0000-00000000000a',
    'sub', '00000000-0000-0000-0000-0000000000' || who, 'role', claimed)::text, true);
  RETURN CASE WHEN switchboard._is_admin() THEN 'admin' WHEN switchboard.is_supervisor() THEN 'supervisor' ELSE 'agent' END;
END $$;
SET SESSION AUTHORIZATION sb_http_gateway;
SELECT is(test_http.role_of(who, claimed), role, format('%s who claims to be %s', who, claimed)) FROM (VALUES
  ('a4', 'supervisor', 'supervisor'), ('a4', 'agent', 'agent'), ('a4', 'admin', 'admin'), ('a4', 'root', 'admin'), ('a2', 'admin', 'supervisor'), ('a2', 'agent', 'agent')) r (who, claimed, role);
SELECT set_config('request.jwt.claims', '', true);

-- What every answer carries.
SELECT is((test_http.ask(jsonb_build_object('x-request-id', id))).headers ->> 'x-request-id', id, 'request id ' || id) FROM unnest(ARRAY['a', 'A.b_c-1', repeat('x', 64)]) id;
SELECT matches((test_http.ask(jsonb_build_object('x-request-id', id))).headers ->> 'x-request-id', '^[0-9a-f-]{36}$', 'another one instead of ' || id)
  FROM unnest(ARRAY['', 'a b', repeat('x', 65), E'a\r\nset-cookie: x', 'é', '{"a": 1}']) id;
SELECT is((test_http.ask('{"x-switchboard-route": "/x"}', method, path)).headers ->> 'x-switchboard-route', wanted, format('route of %s %s', method, path))
  FROM (VALUES ('GET', '/api/customers/phone', '/api/customers/phone'), ('GET', '/api/campaigns/triggers/5/package', '/api/campaigns/triggers/{id}/package'),
               ('GET', '/nowhere', '-'), ('PUT', '/api/customers/phone', '/api/customers/phone')) r (method, path, wanted);
SELECT is((r.status, r.headers ->> 'x-switchboard-route', r.headers ? 'x-request-id'), (400, '-'::text, true), 'also a request that is none')
  FROM (SELECT (switchboard.handle_http('GET', '/', '[]', '{}', '')).*) r;

-- OPTIONS, without and with a page that asks.
SELECT is((test_http.ask('{}', 'OPTIONS')).status, 204, 'OPTIONS');
SELECT matches((test_http.ask('{}', 'OPTIONS')).headers ->> 'allow', '^GET.*OPTIONS$', 'what there is');
SELECT is((test_http.ask('{}', 'OPTIONS', '/nowhere')).status, 404, 'OPTIONS of nothing');
SELECT is((SELECT count(*) FROM jsonb_object_keys((test_http.ask('{"origin": "https://evil.example", "access-control-request-method": "GET"}', 'OPTIONS')).headers) k
           WHERE k LIKE 'access-control%'), 0::bigint, 'no origin is allowed unless it is set');
SELECT set_config('switchboard.tenant_id', '', true);
RESET SESSION AUTHORIZATION;

-- Limits say when to come back.
SELECT unnest(ARRAY[is((r).status, 429, 'a limit'), matches((r).headers ->> 'retry-after', '^(59|60)$', 'and when it ends')])
  FROM (SELECT switchboard._http_failure('SB007', 'x', format('It may be called from %s on.', clock_timestamp() + interval '1 minute')) AS r) x;
SELECT is((switchboard._http_failure('SB007', 'x', hint)).headers ->> 'retry-after', NULL, coalesce(hint, 'none'))
  FROM unnest(ARRAY[NULL, 'Give another reason.', 'It may be called from 2020-01-01 00:00:00+00 on.', 'It may be called from never on.']) hint;

SELECT * FROM finish();
ROLLBACK;
