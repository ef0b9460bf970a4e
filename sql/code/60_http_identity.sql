-- Who makes an HTTP request. A session that acts for somebody already (a login user, set_identity(), claims that PostgREST has
-- proved) goes on as it is. Else a credential of the request is proved and its claims stand in request.jwt.claims for as long as
-- the request is served, and no longer: the session serves other people next.

CREATE OR REPLACE FUNCTION switchboard._token_claims(token text, at timestamptz)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE STRICT
AS 'MODULE_PATHNAME', 'sb_token_claims';
COMMENT ON FUNCTION switchboard._token_claims(text, timestamptz) IS
  'What a JSON Web Token says about who asks: tenant_id, sub and role as they are in the token, exp in seconds since 1970. It must be signed by
a key of switchboard.jwt_keys (HS256, RS256), not be expired, and be for switchboard.jwt_audience and from switchboard.jwt_issuer.
Errors: 28000 saying why it is refused; 55000 the file of keys cannot be used, the server log says why.';
REVOKE ALL ON FUNCTION switchboard._token_claims(text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_credential(headers jsonb)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Other schemes are none of ours: a proxy in front may have asked for them.
DECLARE
  authorization_value text := headers ->> 'authorization';
  bearer text := CASE WHEN authorization_value ~* '^bearer( |$)' THEN btrim(substr(authorization_value, 7)) END;
  api_key text := headers ->> 'x-api-key';
BEGIN
  IF bearer IS NOT NULL AND api_key IS NOT NULL THEN
    RAISE EXCEPTION 'the request has two credentials' USING ERRCODE = '28000';
  END IF;
  RETURN coalesce(bearer, api_key);
END
$$;
COMMENT ON FUNCTION switchboard._http_credential(jsonb) IS
  'What a request proves itself with: Authorization: Bearer, or X-API-Key; NULL for nothing. Header names in lower case. Error: 28000 for both.';
REVOKE ALL ON FUNCTION switchboard._http_credential(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_has_credential(headers jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause.
AS $$ SELECT headers OPERATOR(pg_catalog.?) 'x-api-key' OR coalesce(headers OPERATOR(pg_catalog.->>) 'authorization' OPERATOR(pg_catalog.~*) '^bearer( |$)', false) $$;
COMMENT ON FUNCTION switchboard._http_has_credential(jsonb) IS 'Whether a request tries to prove whom it comes from.';
REVOKE ALL ON FUNCTION switchboard._http_has_credential(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._credential_claims(credential text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF starts_with(credential, 'sbk_') THEN
    RETURN switchboard._api_key_claims(credential);
  END IF;
  RETURN switchboard._token_claims(credential, clock_timestamp());
END
$$;
COMMENT ON FUNCTION switchboard._credential_claims(text) IS
  'The claims of an API key or a token: tenant_id, sub, role, exp. Errors: 28000, 55000 as _token_claims() and _api_key_claims().';
REVOKE ALL ON FUNCTION switchboard._credential_claims(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._assert_claims(claims jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Believed only for sessions that may assert an identity, see _identity().
BEGIN
  PERFORM set_config('request.jwt.claims', claims::text, true);
  IF switchboard.current_tenant_id() IS NULL THEN
    RAISE EXCEPTION 'the credential names nobody who is known here' USING ERRCODE = '28000';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._assert_claims(jsonb) IS
  'Acts for whom proved claims name, until request.jwt.claims is set back. Error: 28000 when they name no tenant or no active user of it.';
REVOKE ALL ON FUNCTION switchboard._assert_claims(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._session_acts()
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction. It is only entered when there are claims to be wrong.
BEGIN
  IF coalesce(current_setting('request.jwt.claims', true), '') = '' THEN
    RETURN switchboard.current_tenant_id() IS NOT NULL;
  END IF;
  BEGIN
    RETURN switchboard.current_tenant_id() IS NOT NULL;
  EXCEPTION WHEN invalid_text_representation THEN
    RAISE EXCEPTION 'the claims of the request cannot be read' USING ERRCODE = '28000';
  END;
END
$$;
COMMENT ON FUNCTION switchboard._session_acts() IS
  'Whether the session acts for somebody. Error: 28000 when request.jwt.claims is not JSON.';
REVOKE ALL ON FUNCTION switchboard._session_acts() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_identify(headers jsonb, needed boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  credential text;
BEGIN
  IF switchboard._session_acts() THEN
    RETURN;
  END IF;
  credential := switchboard._http_credential(headers);
  IF credential IS NOT NULL THEN
    PERFORM switchboard._assert_claims(switchboard._credential_claims(credential));
  ELSIF needed THEN
    RAISE EXCEPTION 'the request does not say on whose behalf it is made' USING ERRCODE = '28000';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._http_identify(jsonb, boolean) IS
  'Acts for whom a request proves to come from. Errors: 28000 a credential that is not good or, if one is needed, none; 55000.';
REVOKE ALL ON FUNCTION switchboard._http_identify(jsonb, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._stream_identity(
  headers jsonb, query jsonb, OUT tenant_id uuid, OUT user_id uuid, OUT supervisor boolean, OUT expires_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A page in a browser cannot set headers for a stream, so that here, and nowhere else, the credential may stand in the query.
-- No stream outlives an hour: whoever has been barred meanwhile, or whose key was revoked, does not come back.
DECLARE
  before     text := coalesce(current_setting('request.jwt.claims', true), '');
  credential text;
  claims     jsonb;
BEGIN
  IF NOT switchboard._session_acts() THEN
    credential := coalesce(switchboard._http_credential(headers), query ->> 'access_token');
    IF credential IS NULL THEN
      RAISE EXCEPTION 'the request does not say on whose behalf it is made' USING ERRCODE = '28000';
    END IF;
    claims := switchboard._credential_claims(credential);
    PERFORM switchboard._assert_claims(claims);
  END IF;
  tenant_id := switchboard.current_tenant_id();
  user_id := switchboard.current_user_id();
  supervisor := switchboard.is_supervisor();
  expires_at := least(to_timestamp((claims ->> 'exp')::double precision), clock_timestamp() + interval '1 hour');
  PERFORM set_config('request.jwt.claims', before, true);
END
$$;
COMMENT ON FUNCTION switchboard._stream_identity(jsonb, jsonb) IS
  'For whom a stream of events is, and until when it may go on: an hour at most, after which the client has to prove itself again. headers (names in
lower case) as for handle_http(); query: access_token, which counts only when no header has a credential. Errors: 28000 no credential, or a
bad one; 55000 tokens cannot be checked.';
REVOKE ALL ON FUNCTION switchboard._stream_identity(jsonb, jsonb) FROM PUBLIC;
