-- Routes that anyone may ask: support requests of the public; and those of API keys and of who asks.

CREATE OR REPLACE FUNCTION switchboard._http_public_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('NewSupportRequest', 'userEmail', 'text:254', false, 'The customer''s address; this or phoneNumber'),
    ('NewSupportRequest', 'phoneNumber', 'text:64', false, 'The customer''s number, in any form'),
    ('NewSupportRequest', 'subject', 'text:1:200', true, 'What it is about'),
    ('NewSupportRequest', 'description', 'text:10000', false, 'More about it'),
    ('NewSupportRequest', 'priority', 'low|medium|high|urgent', false, 'How urgent it is, default medium'),
    ('NewSupportRequest', 'userId', 'text:200', false, 'The application''s own id of the customer'),
    ('NewSupportRequest', 'userRef', 'text:200', false, 'The same, which wins'),
    ('NewSupportRequest SupportTenant', 'tenant', 'uuid', false, 'Whom it is for, in the body or the URL; needed when the installation serves more than one and nobody is logged in'),
    ('SupportRequestReceipt', 'success', 'boolean', true, 'true'),
    ('SupportRequestReceipt', 'id', 'uuid', true, 'The support request'),
    ('SupportRequestReceipt', 'status', 'pending|assigned|resolved|closed', true, 'pending'),
    ('NewApiKey', 'name', 'text:1:100', true, 'What it is for'),
    ('NewApiKey', 'userId', 'uuid', false, 'Whom it acts for; default the tenant as a whole'),
    ('NewApiKey', 'expiresAt', 'time', false, 'Until when; default for ever'),
    ('NewApiKey', 'role', 'agent|supervisor|admin', false, 'The most it may do'),
    ('ApiKeyQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('ApiKeyQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('ApiKeyQuery', 'before', 'uuid', false, 'Behind the place that "next" of the page before names'),
    ('ApiKeyList', 'keys', '[ApiKey]', true, 'Newest first, also those that are revoked'),
    ('ApiKeyList', 'total', 'integer', true, 'How many there are in all'),
    ('ApiKeyList', 'next', 'uuid?', true, 'Where the next page begins; null: there is none'),
    ('MadeApiKey', 'key', 'text', true, 'The key, shown this once'),
    ('Me', 'tenant_id', 'uuid', true, 'The tenant'),
    ('Me', 'tenant_name', 'text', true, 'What it is called'),
    ('Me', 'user_id', 'uuid?', true, 'The user; null: the tenant as a whole'),
    ('Me', 'name', 'text?', true, 'What the user is called'),
    ('Me', 'role', 'text?', true, 'The user''s role'),
    ('Me', 'is_supervisor', 'boolean', true, 'Whether everything of the tenant is seen')
$$;
COMMENT ON FUNCTION switchboard._http_public_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_public_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_public_tenant(wanted uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the public sees no tenants. Tells nothing but the one that there is.
DECLARE
  found uuid[] := ARRAY(SELECT t.id FROM switchboard.tenants t LIMIT 2);
BEGIN
  IF wanted IS NULL AND cardinality(found) <> 1 THEN
    RAISE EXCEPTION 'field "tenant" is missing' USING ERRCODE = '22023';
  END IF;
  RETURN coalesce(wanted, found[1]);
END
$$;
COMMENT ON FUNCTION switchboard._http_public_tenant(uuid) IS
  'Whom a request of the public is for: the tenant it names, else the only one there is. Error: 22023 neither.';
REVOKE ALL ON FUNCTION switchboard._http_public_tenant(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_address(request switchboard.http_request)
RETURNS inet
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
BEGIN
  RETURN (request.headers ->> 'x-peer-address')::inet;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._http_address(switchboard.http_request) IS
  'The network address of the client, as the front says in header x-peer-address; NULL when it says none.';
REVOKE ALL ON FUNCTION switchboard._http_address(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_support_request(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. Who is logged in speaks for their own tenant only.
DECLARE
  fields constant jsonb := request.fields;
  named  constant uuid := coalesce(fields ->> 'tenant', request.query ->> 'tenant');
  mine   constant uuid := switchboard.current_tenant_id();
  sender constant text := coalesce(fields ->> 'userRef', fields ->> 'userId');
  made   switchboard.support_requests;
BEGIN
  IF mine IS NULL THEN
    made := switchboard._open_support_request(switchboard._http_public_tenant(named), fields ->> 'userEmail', fields ->> 'subject',
      fields ->> 'description', fields ->> 'priority', fields ->> 'phoneNumber', sender, switchboard._http_address(request));
  ELSIF named <> mine THEN
    RAISE EXCEPTION 'no such tenant: %', named USING ERRCODE = 'P0002';
  ELSE
    made := switchboard.create_support_request(fields ->> 'userEmail', fields ->> 'subject', fields ->> 'description',
      coalesce(fields ->> 'priority', 'medium'), fields ->> 'phoneNumber', sender);
  END IF;
  RETURN switchboard._http_json(201, jsonb_build_object('success', true, 'id', made.id, 'status', made.status));
END
$$;
COMMENT ON FUNCTION switchboard._http_new_support_request(switchboard.http_request) IS
  'Route POST /api/customer/support-request: create_support_request() for who is logged in, else for the public, with limits by address.';
REVOKE ALL ON FUNCTION switchboard._http_new_support_request(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_me(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN (SELECT switchboard._http_json(200, jsonb_build_object('tenant_id', t.id, 'tenant_name', t.name, 'user_id', u.id, 'name', u.name,
            'role', u.role, 'is_supervisor', switchboard.is_supervisor()))
          FROM switchboard.tenants t LEFT JOIN switchboard.users u ON u.tenant_id = t.id AND u.id = switchboard.current_user_id()
          WHERE t.id = switchboard.current_tenant_id());
END
$$;
COMMENT ON FUNCTION switchboard._http_me(switchboard.http_request) IS 'Route GET /api/me: for whom the request is made.';
REVOKE ALL ON FUNCTION switchboard._http_me(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_api_key_json(key uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Columns by name: the digest is not the application's to read.
  SELECT to_jsonb(k) FROM (SELECT a.id, a.user_id, a.name, a.prefix, a.role, a.expires_at, a.last_used_at, a.revoked_at, a.created_by,
                                  a.created_at, a.updated_at FROM switchboard.api_keys a WHERE a.id = key) k
$$;
COMMENT ON FUNCTION switchboard._http_api_key_json(uuid) IS 'An API key as the API shows it.';
REVOKE ALL ON FUNCTION switchboard._http_api_key_json(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_api_keys(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  before constant uuid := request.query ->> 'before';
BEGIN
  IF NOT switchboard.is_supervisor() THEN
    RAISE EXCEPTION 'only supervisors may see API keys' USING ERRCODE = '42501';
  END IF;
  RETURN switchboard._http_list(request, 'keys',
    (SELECT jsonb_agg(switchboard._http_api_key_json(k.id) ORDER BY k.id DESC)
     FROM (SELECT a.id FROM switchboard.api_keys a WHERE a.tenant_id = switchboard.current_tenant_id() AND (before IS NULL OR a.id < before)
           ORDER BY a.id DESC LIMIT switchboard._http_limit(request) + 1 OFFSET (request.query ->> 'offset')::int) k),
    (SELECT count(a.id) FROM switchboard.api_keys a WHERE a.tenant_id = switchboard.current_tenant_id()), 'before', 'id');
END
$$;
COMMENT ON FUNCTION switchboard._http_api_keys(switchboard.http_request) IS 'Route GET /api/keys. Error: 42501 not a supervisor.';
REVOKE ALL ON FUNCTION switchboard._http_api_keys(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_api_key(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
  made   record;
  answer switchboard.http_response;
BEGIN
  SELECT * INTO made FROM switchboard._create_api_key(fields ->> 'name', (fields ->> 'userId')::uuid, (fields ->> 'expiresAt')::timestamptz,
                                                      (fields ->> 'role')::switchboard.user_role);
  answer := switchboard._http_created('/api/keys/' || made.id, switchboard._http_api_key_json(made.id) || jsonb_build_object('key', made.key));
  answer.headers := answer.headers || '{"cache-control": "no-store"}';
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._http_new_api_key(switchboard.http_request) IS 'Route POST /api/keys: create_api_key().';
REVOKE ALL ON FUNCTION switchboard._http_new_api_key(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_revoke_api_key(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  PERFORM switchboard.revoke_api_key(switchboard._http_id(request, 'API key'));
  RETURN switchboard._http_nothing();
END
$$;
COMMENT ON FUNCTION switchboard._http_revoke_api_key(switchboard.http_request) IS 'Route DELETE /api/keys/{id}: revoke_api_key().';
REVOKE ALL ON FUNCTION switchboard._http_revoke_api_key(switchboard.http_request) FROM PUBLIC;
