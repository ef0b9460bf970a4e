-- What routes read: who asks, and the JSON body. Whatever is wrong with them is the client's to mend: 401 without an identity, 400 for a
-- body that is no JSON; what is wrong with its fields says 60_http_schema.sql.

CREATE OR REPLACE FUNCTION switchboard._http_keys(given jsonb, what text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- No route has as many; looking at each of a hundred thousand would keep a session busy for whoever sends them.
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM jsonb_object_keys(given) LIMIT 101) k) > 100 THEN
    RAISE EXCEPTION 'more than 100 %s', what USING ERRCODE = '22023';
  END IF;
  RETURN switchboard._camel_keys(given);
END
$$;
COMMENT ON FUNCTION switchboard._http_keys(jsonb, text) IS
  'Fields or parameters with keys in camelCase. Error: 22023 there are more than 100, or one in both spellings.';
REVOKE ALL ON FUNCTION switchboard._http_keys(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_fields(request switchboard.http_request)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
DECLARE
  content jsonb;
BEGIN
  BEGIN
    content := convert_from(request.body, 'UTF8')::jsonb;
  EXCEPTION
    WHEN invalid_text_representation OR character_not_in_repertoire OR statement_too_complex THEN
      RAISE EXCEPTION 'the body is not JSON in UTF-8' USING ERRCODE = '22032';
    WHEN data_exception OR program_limit_exceeded THEN
      RAISE EXCEPTION 'the body holds what cannot be stored: %', SQLERRM USING ERRCODE = '22023';
  END;
  IF jsonb_typeof(content) <> 'object' THEN
    RAISE EXCEPTION 'the body must be a JSON object, not %', jsonb_typeof(content) USING ERRCODE = '22023';
  END IF;
  RETURN switchboard._http_keys(content, 'field');
END
$$;
COMMENT ON FUNCTION switchboard._http_fields(switchboard.http_request) IS
  'The fields of a JSON body, keys in camelCase whichever way they were written. Errors: 22032, which is 400, for what is no JSON; 22023
for what is no object, or has a field in both spellings.';
REVOKE ALL ON FUNCTION switchboard._http_fields(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_id(request switchboard.http_request, what text)
RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT switchboard._is_uuid(request.parameters ->> 'id') THEN
    RAISE EXCEPTION 'no such %: %', what, left(request.parameters ->> 'id', 64) USING ERRCODE = 'P0002';
  END IF;
  RETURN (request.parameters ->> 'id')::uuid;
END
$$;
COMMENT ON FUNCTION switchboard._http_id(switchboard.http_request, text) IS
  'The {id} of the path. Error: P0002, which is 404, when it is no uuid: nothing has such an id.';
REVOKE ALL ON FUNCTION switchboard._http_id(switchboard.http_request, text) FROM PUBLIC;
