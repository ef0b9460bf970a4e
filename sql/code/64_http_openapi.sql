-- The description of the API, OpenAPI 3.1, from the table of routes, the schemas, and the columns of tables with their comments.

CREATE OR REPLACE FUNCTION switchboard._http_row_schemas()
RETURNS TABLE (schema text, relation text, without text[])
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('Call', 'call_logs', '{tenant_id,expires_at,account_id}'::text[]),
         ('ListedCall', 'call_logs', '{tenant_id,expires_at,account_id}'),
         ('RecentCall', 'call_logs', '{}'),
         ('CallDetail', 'call_logs', '{tenant_id,expires_at,account_id,provider}'),
         ('Recording', 'call_recordings', '{tenant_id,call_id}'),
         ('CallConclusion', 'call_dispositions', '{tenant_id,call_id}'),
         ('Disposition', 'call_dispositions', '{tenant_id}'),
         ('Campaign', 'campaigns', '{tenant_id}'),
         ('ListedContact', 'campaign_contacts', '{tenant_id}'),
         ('Preview', 'preview_contact', '{}'),
         ('QueueEntry', 'call_queue', '{tenant_id,age}'),
         ('Agent', 'agents', '{tenant_id}'),
         ('SupportRequest', 'support_requests', '{tenant_id,address_hash}'),
         ('Contact', 'contacts', '{tenant_id}'),
         ('Product', 'products', '{tenant_id}'),
         ('PurchaseRow', 'purchases', '{tenant_id}'),
         ('DoNotCall', 'do_not_call', '{tenant_id}'),
         ('Voicemail', 'voicemail_drops', '{tenant_id}'),
         ('Coupon', 'coupons', '{tenant_id}'),
         ('ApiKey', 'api_keys', '{tenant_id,digest}'),
         ('MadeApiKey', 'api_keys', '{tenant_id,digest}')
$$;
COMMENT ON FUNCTION switchboard._http_row_schemas() IS
  'Schemas of answers that are rows: the columns of a relation without some. _http_schemas() may add fields to them.';
REVOKE ALL ON FUNCTION switchboard._http_row_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_column_type(type oid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN t.typcategory = 'A' THEN '[' || switchboard._http_column_type(t.typelem) || ']'
    WHEN t.typtype = 'e' THEN (SELECT string_agg(e.enumlabel, '|' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
    ELSE coalesce('{"uuid": "uuid", "timestamptz": "time", "date": "day", "int2": "integer", "int4": "integer", "int8": "integer",
                    "numeric": "number", "float8": "number", "bool": "boolean", "jsonb": "object"}'::jsonb ->> t.typname::text, 'text') END
  FROM pg_type t WHERE t.oid = type
$$;
COMMENT ON FUNCTION switchboard._http_column_type(oid) IS 'A type of the database in the language of 60_http_schema.sql.';
REVOKE ALL ON FUNCTION switchboard._http_column_type(oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_all_fields()
RETURNS TABLE (schema text, field text, type jsonb, needed boolean)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  WITH bodies AS (SELECT r.body FROM switchboard._http_routes() r),
  fields AS (
    SELECT s.schema, s.field, s.needed, s.about,
           s.type || CASE WHEN NOT s.needed AND s.schema IN (SELECT b.body FROM bodies b) THEN '?' ELSE '' END AS type
    FROM switchboard._http_schemas() s
    UNION ALL
    SELECT r.schema, a.attname, true, coalesce(col_description(a.attrelid, a.attnum), ''),
           switchboard._http_column_type(a.atttypid) || CASE WHEN a.attnotnull THEN '' ELSE '?' END
    FROM switchboard._http_row_schemas() r
    JOIN pg_attribute a ON a.attrelid = ('switchboard.' || r.relation)::regclass AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attname <> ALL (r.without)
  )
  SELECT f.schema, f.field,
         jsonb_strip_nulls(switchboard._http_type(f.type)) || CASE WHEN f.about <> '' THEN jsonb_build_object('description', f.about) ELSE '{}' END,
         f.needed
  FROM fields f
$$;
COMMENT ON FUNCTION switchboard._http_all_fields() IS
  'All fields of all schemas as JSON Schemas with descriptions. Fields of bodies that are not needed may be null.';
REVOKE ALL ON FUNCTION switchboard._http_all_fields() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_components()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_object_agg(f.schema, f.definition)
  FROM (SELECT a.schema, jsonb_strip_nulls(jsonb_build_object(
                 'type', 'object', 'properties', jsonb_object_agg(a.field, a.type),
                 'required', jsonb_agg(a.field ORDER BY a.field) FILTER (WHERE a.needed),
                 'additionalProperties', CASE WHEN a.schema IN (SELECT r.body FROM switchboard._http_routes() r) THEN false END)) AS definition
        FROM switchboard._http_all_fields() a
        WHERE a.schema NOT IN (SELECT r.query FROM switchboard._http_routes() r WHERE r.query IS NOT NULL)
        GROUP BY a.schema) f
$$;
COMMENT ON FUNCTION switchboard._http_components() IS 'The schemas of bodies and answers by name. Bodies may have no other fields, answers may get more.';
REVOKE ALL ON FUNCTION switchboard._http_components() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_parameters(method text, path text, asked jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce((SELECT jsonb_agg(jsonb_build_object('name', m.found[1], 'in', 'path', 'required', true, 'schema', '{"type": "string"}'::jsonb) ORDER BY m.n)
                   FROM regexp_matches(path, '\{([^}]*)\}', 'g') WITH ORDINALITY AS m (found, n)), '[]')
         || coalesce(asked, '[]')
         || CASE method WHEN 'POST' THEN '[{"$ref": "#/components/parameters/IdempotencyKey"}]'::jsonb ELSE '[]' END
$$;
COMMENT ON FUNCTION switchboard._http_parameters(text, text, jsonb) IS
  'The parameters of a route in the form of OpenAPI: of its path, of the URL, and the header of POST.';
REVOKE ALL ON FUNCTION switchboard._http_parameters(text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_responses(method text, path text, access text, answer text, status int)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(status::text, jsonb_strip_nulls(jsonb_build_object('description', 'It is done', 'content', (
           SELECT jsonb_object_agg(CASE WHEN w LIKE '%/%' THEN w ELSE 'application/json' END, jsonb_build_object('schema',
                    CASE WHEN w LIKE '%/%' THEN '{"type": "string"}' ELSE jsonb_strip_nulls(switchboard._http_type(w)) END))
           FROM string_to_table(answer, ' ') w))))
         || (SELECT coalesce(jsonb_object_agg(e.status, jsonb_build_object('$ref', '#/components/responses/Problem')), '{}')
             FROM (VALUES ('401', access = 'tenant'), ('403', access <> 'anyone'), ('404', path LIKE '%{%'), ('409', method NOT IN ('GET')),
                          ('422', true), ('default', true)) AS e (status, possible)
             WHERE e.possible)
$$;
COMMENT ON FUNCTION switchboard._http_responses(text, text, text, text, int) IS 'The answers of a route in the form of OpenAPI.';
REVOKE ALL ON FUNCTION switchboard._http_responses(text, text, text, text, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_paths()
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- The schemas are read once.
  WITH inputs AS MATERIALIZED (
    SELECT s.schema, bool_or(s.needed) AS needed,
           jsonb_agg(jsonb_build_object('name', s.field, 'in', 'query', 'description', s.about,
                                        'schema', jsonb_strip_nulls(switchboard._http_type(s.type))) ORDER BY s.n) AS parameters
    FROM switchboard._http_schemas() WITH ORDINALITY AS s (schema, field, type, needed, about, n) GROUP BY s.schema
  )
  SELECT jsonb_object_agg(p.path, p.methods)
  FROM (SELECT r.path, jsonb_object_agg(lower(r.method), jsonb_strip_nulls(jsonb_build_object(
                 'operationId', lower(r.method) || replace(initcap(regexp_replace(r.path, '[^A-Za-z0-9]+', ' ', 'g')), ' ', ''),
                 'summary', r.summary, 'tags', jsonb_build_array(r.tag),
                 'parameters', switchboard._http_parameters(r.method, r.path, q.parameters),
                 'requestBody', CASE WHEN r.body IS NOT NULL THEN jsonb_build_object('required', b.needed, 'content', jsonb_build_object(
                                       'application/json', jsonb_build_object('schema', switchboard._http_type(r.body))))
                                     WHEN r.access = 'provider' AND r.method = 'POST' THEN '{"content": {"*/*": {"schema": {}}}}' END,
                 'responses', switchboard._http_responses(r.method, r.path, r.access, r.answer, r.status),
                 'security', CASE WHEN r.access <> 'tenant' THEN '[]'::jsonb END))) AS methods
        FROM switchboard._http_routes() r
        LEFT JOIN inputs q ON q.schema = r.query
        LEFT JOIN inputs b ON b.schema = r.body
        GROUP BY r.path) p
$$;
COMMENT ON FUNCTION switchboard._http_paths() IS 'The routes in the form of OpenAPI.';
REVOKE ALL ON FUNCTION switchboard._http_paths() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_description()
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: whoever asks reads no catalog of ours. Immutable, although it reads the catalog: that changes with the version
  -- only, and so it is worked out once a session (some 0.1 s), as a constant of the plan of its caller.
  SELECT switchboard._http_json(200, jsonb_build_object(
    'openapi', '3.1.0',
    'info', jsonb_build_object('title', 'pg_switchboard', 'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_switchboard'),
      'description', 'Dialer, call centre and call triggers over HTTP. Fields of bodies and parameters may be written in camelCase or snake_case. Rows are shown as the tables have them, in snake_case; figures and envelopes in camelCase. Errors are problem documents (RFC 9457). Lists have a Link header to the next page.'),
    'servers', '[{"url": "/"}]'::jsonb,
    'security', '[{"token": []}, {"apiKey": []}]'::jsonb,
    'tags', (SELECT jsonb_agg(jsonb_build_object('name', t.tag) ORDER BY t.n) FROM (
               SELECT r.tag, min(r.n) AS n FROM switchboard._http_routes() WITH ORDINALITY
                 AS r (method, path, handler, access, query, body, answer, status, tag, summary, n) GROUP BY r.tag) t),
    'paths', switchboard._http_paths(),
    'components', jsonb_build_object(
      'schemas', switchboard._http_components(),
      'parameters', '{"IdempotencyKey": {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                      "description": "The same request with the same key is done once; its answer is repeated for a day"}}'::jsonb,
      'responses', '{"Problem": {"description": "What went wrong (RFC 9457)",
                     "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}'::jsonb,
      'securitySchemes', '{"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                           "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}'::jsonb)))
$$;
COMMENT ON FUNCTION switchboard._http_description() IS 'The description of the API as an answer.';
REVOKE ALL ON FUNCTION switchboard._http_description() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_openapi(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN switchboard._http_description(); END $$;
COMMENT ON FUNCTION switchboard._http_openapi(switchboard.http_request) IS 'Route GET /openapi.json: the description of the API.';
REVOKE ALL ON FUNCTION switchboard._http_openapi(switchboard.http_request) FROM PUBLIC;
