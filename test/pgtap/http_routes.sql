-- What holds for every route of the table: how it is found, who may ask, and what it says to bodies, parameters and ids that are none.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/dialer.sql
\ir support/http.sql
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor') RETURNING id AS sue \gset

-- The table.
CREATE TEMP VIEW routes AS SELECT * FROM switchboard._http_routes();
SELECT is_empty($$SELECT handler FROM routes WHERE to_regprocedure('switchboard.' || handler || '(switchboard.http_request)') IS NULL$$, 'every route has its function');
SELECT is_empty($$SELECT method, path FROM routes GROUP BY 1, 2 HAVING count(*) > 1$$, 'no route is there twice');
SELECT is_empty($$SELECT method, regexp_replace(path, '\{[^}]*\}', '{}', 'g') FROM routes GROUP BY 1, 2 HAVING count(*) > 1$$, 'nor by another name of its parameter');
SELECT is_empty($$SELECT access FROM routes WHERE access NOT IN ('anyone', 'tenant', 'provider')$$, 'access is one of three');
SELECT is_empty($$SELECT path FROM routes WHERE method = 'GET' AND body IS NOT NULL OR method NOT IN ('GET', 'POST', 'PATCH', 'PUT', 'DELETE')$$, 'GET has no body');
SELECT is_empty($$SELECT unnest(ARRAY[query, body]) FROM routes EXCEPT SELECT schema FROM switchboard._http_schemas() EXCEPT SELECT NULL$$, 'every schema is described');
SELECT is_empty($$SELECT schema, field FROM switchboard._http_schemas() GROUP BY 1, 2 HAVING count(*) > 1$$, 'no field twice');
SELECT is_empty($$SELECT schema, field FROM switchboard._http_schemas() WHERE needed IS NULL OR coalesce(about, '') = '' OR coalesce(type, '') = ''$$, 'every field says what it is');
SELECT is_empty($$SELECT s.schema, s.field, s.type FROM switchboard._http_schemas() s, jsonb_path_query(switchboard._http_type(s.type), 'strict $.**.type') t
  WHERE t #>> '{}' NOT IN ('string', 'integer', 'number', 'boolean', 'object', 'array', 'null') AND jsonb_typeof(t) = 'string'$$, 'every type is one of JSON Schema');
SELECT is_empty($$SELECT w FROM routes r, string_to_table(r.answer, ' ') w WHERE w !~ '/' AND w <> 'object'
  AND w NOT IN (SELECT schema FROM switchboard._http_schemas() UNION SELECT schema FROM switchboard._http_row_schemas())$$, 'and every answer');
SELECT is_empty($$SELECT path FROM routes WHERE (status = 204) <> (answer IS NULL)$$, '204 is nothing');

-- Finding.
SELECT is(jsonb_build_array(f.path, f.handler, f.parameters, f.methods), wanted::jsonb, verb || ' ' || p)
FROM (VALUES
  ('GET', '/api/dialer/calls', '["/api/dialer/calls", "_http_calls", {}, "GET, POST"]'), ('HEAD', '/api/dialer/calls/7', '["/api/dialer/calls/{id}", "_http_call", {"id": "7"}, "DELETE, GET, PATCH"]'),
  ('POST', '/api/webhooks/call/status', '["/api/webhooks/call/status", "_http_call_webhook", {}, "POST"]'), ('POST', '/api/webhooks/call/other', '["/api/webhooks/{provider}/{event}", "_http_webhook", {"event": "other", "provider": "call"}, "GET, POST"]'),
  ('POST', '/api/webhooks/{}/status', '["/api/webhooks/{provider}/{event}", "_http_webhook", {"event": "status", "provider": "{}"}, "GET, POST"]'),
  ('PUT', '/api/dialer/calls', '["/api/dialer/calls", null, null, "GET, POST"]'), ('', '/api/dialer/calls', '["/api/dialer/calls", null, null, "GET, POST"]'),
  ('GET', '/api/dialer/calls/', '[null, null, null, null]'), ('GET', '/api//calls', '[null, null, null, null]'), ('GET', '/', '[null, null, null, null]'), ('GET', '', '[null, null, null, null]'),
  ('GET', 'x/healthz', '[null, null, null, null]'), ('GET', '/api', '[null, null, null, null]'), ('GET', '/api/dialer/calls/7/8', '[null, null, null, null]'), ('GET', '/API/dialer/calls', '[null, null, null, null]'),
  ('GET', repeat('/a', 100000), '[null, null, null, null]'), ('GET', '/api/dialer/calls/..', '["/api/dialer/calls/{id}", "_http_call", {"id": ".."}, "DELETE, GET, PATCH"]')) v (verb, p, wanted),
  switchboard._http_find_route(verb, p) f;
SELECT is((SELECT count(*) FROM routes r, switchboard._http_find_route(r.method, r.path) f WHERE f.path = r.path AND f.handler = r.handler), (SELECT count(*) FROM routes), 'every route is found by its own path');

-- The rest as clients.
CREATE TEMP TABLE asked AS SELECT r.*, replace(r.path, '{id}', 'ffffffff-ffff-4fff-bfff-ffffffffffff') AS place FROM routes r WHERE r.access <> 'provider';
CREATE TEMP TABLE fields AS SELECT r.method, r.path, r.place, r.body, s.field, switchboard._http_type(s.type) AS type, s.needed FROM asked r JOIN switchboard._http_schemas() s ON s.schema = r.body;
CREATE TEMP TABLE parameters AS SELECT r.path, r.place, s.field, switchboard._http_type(s.type) AS type FROM asked r JOIN switchboard._http_schemas() s ON s.schema = r.query WHERE r.method = 'GET';
CREATE FUNCTION pg_temp.value_of(type jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN type ? 'enum' THEN type -> 'enum' -> 0 WHEN type ->> 'format' = 'uuid' THEN '"ffffffff-ffff-4fff-bfff-ffffffffffff"' WHEN type ? 'format' THEN '"2026-05-31T09:00:00Z"'
    ELSE CASE type ->> 'type' WHEN 'string' THEN '"+12025550101"' WHEN 'integer' THEN '1' WHEN 'number' THEN '1' WHEN 'boolean' THEN 'true' WHEN 'object' THEN '{}' ELSE '[]' END::jsonb END $$;
-- A body in which everything that is needed is right.
CREATE FUNCTION pg_temp.body_of(schema text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(jsonb_object_agg(f.field, pg_temp.value_of(f.type)), '{}') FROM (SELECT DISTINCT field, type FROM fields WHERE fields.body = schema AND needed) f $$;
CREATE TEMP TABLE bodies AS SELECT DISTINCT body, pg_temp.body_of(body) AS sample FROM fields;
GRANT SELECT ON asked, fields, parameters, bodies TO PUBLIC;
SET LOCAL ROLE switchboard_gateway;

SAVEPOINT nobody;
SET LOCAL switchboard.tenant_id = '';
SELECT is(test_dialer.http(method, place, '{}') - 'detail', '{"status": 401, "type": "about:blank", "title": "Unauthorized", "code": "28000", "challenge": "Bearer"}'::jsonb, 'nobody: ' || method || ' ' || path)
FROM asked WHERE access = 'tenant';
ROLLBACK TO nobody;

SELECT is(test_dialer.status(method, place, v.given), wanted, format('%s %s with %s', method, path, left(v.given, 20)))
FROM asked JOIN LATERAL (VALUES ('{', 400), ('', CASE WHEN EXISTS (SELECT FROM fields f WHERE f.path = asked.path AND f.method = asked.method AND f.needed) THEN 400 END),
  ('[]', 422), ('null', 422), ('1', 422), ('"x"', 422), (repeat('[', 10000), 400), (repeat('{"a":', 10000), 400)) v (given, wanted) ON v.wanted IS NOT NULL WHERE asked.body IS NOT NULL;
SELECT is(test_dialer.says(test_dialer.http(method, place, '{"nonsense": 1, "Zap": {}}')), '422 unknown field: "Zap", "nonsense"', 'unknown fields: ' || method || ' ' || path) FROM asked WHERE body IS NOT NULL;
SELECT is(test_dialer.says(test_dialer.http(method, place, (sample - field)::text)), format('422 field "%s" is missing', field), format('%s %s without %s', method, path, field))
FROM fields JOIN bodies USING (body) WHERE needed
  AND field = (SELECT min(f.field) FROM fields f WHERE f.body = fields.body AND f.needed);
SELECT matches(test_dialer.says(test_dialer.http(method, place, (sample || jsonb_build_object(field, wrong))::text)), format('^422 (an element of )?field "%s" must be ', field), format('%s %s with %s of %s', method, path, field, left(wrong::text, 20)))
FROM fields JOIN bodies USING (body), LATERAL (VALUES ('{"a": 1}'::jsonb, 'object'), ('[[]]', 'array'), ('"x y"', 'string'), ('1.5', 'number'), ('1e300', 'number'), ('true', 'boolean'), ('-1e300', 'number')) w (wrong, kind)
WHERE type <> '{}' AND (w.kind <> CASE type ->> 'type' WHEN 'integer' THEN 'number' ELSE type ->> 'type' END OR w.kind = 'array' OR type ->> 'type' = 'integer'
       OR type ?| '{enum,format}' OR coalesce(type ->> 'minimum', '') <> '' AND wrong <> '1.5');
SELECT is(test_dialer.says(test_dialer.http('GET', place, query => '{"nonsense": "1"}')), '422 unknown parameter: "nonsense"', 'unknown parameters: ' || path) FROM asked WHERE query IS NOT NULL AND method = 'GET';
SELECT matches(test_dialer.says(test_dialer.http('GET', place, query => jsonb_build_object(field, wrong)::text)), format('^422 (an element of )?parameter "%s" must be ', field), format('%s with %s of %s', path, field, left(wrong::text, 20)))
FROM parameters, LATERAL (VALUES ('"x y"'::jsonb), ('["x", "y"]'), ('"-5"'), ('{"a": "b"}')) w (wrong)
WHERE NOT (type ->> 'type' = 'string' AND NOT type ?| '{enum,format}' AND wrong IN ('"x y"', '"-5"'));
-- Rows that are not there: ids of every kind.
SELECT test_dialer.act_for(:'tenant', :'sue');
SELECT is(test_dialer.status(r.method, replace(r.path, '{id}', id), coalesce(b.sample::text, '')), 404, format('%s %s of %s', r.method, r.path, left(id, 20)))
FROM asked r LEFT JOIN bodies b ON b.body = r.body, unnest(ARRAY['x', 'ffffffff-ffff-4fff-bfff-ffffffffffff', '''--', repeat('f', 300)]) id
WHERE r.path LIKE '%{id}%' AND r.handler NOT IN ('_http_assign_call', '_http_step_request', '_http_schedule_campaign');
SELECT is(test_dialer.status('POST', '/api/call-center/' || path, '{}'), wanted, path) FROM (VALUES ('calls/x/assign', 404), ('support-requests/x/assign', 404), ('support-requests/x/resolve', 404), ('support-requests/ffffffff-ffff-4fff-bfff-ffffffffffff/close', 404)) v (path, wanted);
SELECT is(test_dialer.status('DELETE', '/api/dialer/campaigns/ffffffff-ffff-4fff-bfff-ffffffffffff/schedule'), 404, 'no such campaign is not unscheduled');

-- More than anybody means.
SELECT is(test_dialer.says(test_dialer.http('POST', '/api/contacts', (SELECT jsonb_object_agg('f' || i, i)::text FROM generate_series(1, 50000) i))), '422 more than 100 fields', 'a great many fields');
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/contacts', query => (SELECT jsonb_object_agg('f' || i, i::text)::text FROM generate_series(1, 101) i))), '422 more than 100 parameters', 'and parameters');
SELECT is(length(test_dialer.says(test_dialer.http('POST', '/api/contacts', jsonb_build_object(repeat('x', 100000), 1)::text))) < 100, true, 'a long name of a field is cut short');
SELECT is(length(test_dialer.says(test_dialer.http('POST', '/api/contacts', jsonb_build_object('phoneNumber', repeat('9', 100000))::text))) < 200, true, 'so is a long value');

-- Both spellings, as one.
SELECT is(test_dialer.status('GET', '/api/dialer/analytics', query => '{"start_date": "2026-01-01", "endDate": "2026-02-01"}'), 200, 'parameters in either spelling');
SELECT is(test_dialer.says(test_dialer.http('GET', '/api/dialer/analytics', query => '{"start_date": "2026-01-01", "startDate": "2026-02-01"}')), '422 "startDate" is given twice', 'not in both');
SELECT is(test_dialer.status('GET', '/openapi.json', query => '{"_": "1"}'), 200, 'a route without parameters minds none');
SELECT is((SELECT r.headers ->> 'content-type' FROM switchboard.handle_http('GET', '/openapi.json', '{}', '{}', '') r), 'application/json', 'the description of the API');
SELECT is((SELECT jsonb_object_keys(convert_from(r.body, 'UTF8')::jsonb -> 'paths' -> '/healthz') FROM switchboard.handle_http('GET', '/openapi.json', '{}', '{}', '') r), 'get', 'which knows the routes');
SELECT is((switchboard.handle_http('HEAD', '/openapi.json', '{}', '{}', '')).body, '', 'HEAD of it');

SELECT * FROM finish();
ROLLBACK;
