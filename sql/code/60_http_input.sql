-- What routes read: who asks, the JSON body, and its fields. Whatever is wrong with them is the client's to mend: 401 without an
-- identity, 400 for a body that is no JSON, 422 naming the field that is missing or of another type.

CREATE OR REPLACE FUNCTION switchboard._http_require_identity()
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
BEGIN
  IF switchboard.current_tenant_id() IS NULL THEN
    RAISE EXCEPTION 'the request does not say on whose behalf it is made' USING ERRCODE = '28000';
  END IF;
EXCEPTION WHEN invalid_text_representation THEN
  RAISE EXCEPTION 'the claims of the request cannot be read' USING ERRCODE = '28000';
END
$$;
COMMENT ON FUNCTION switchboard._http_require_identity() IS 'Error: 28000, which is 401, unless the session acts for a tenant.';
REVOKE ALL ON FUNCTION switchboard._http_require_identity() FROM PUBLIC;

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
  RETURN switchboard._camel_keys(content);
END
$$;
COMMENT ON FUNCTION switchboard._http_fields(switchboard.http_request) IS
  'The fields of a JSON body, keys in camelCase whichever way they were written. Errors: 22032, which is 400, for what is no JSON; 22023
for what is no object, or has a field in both spellings.';
REVOKE ALL ON FUNCTION switchboard._http_fields(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_field(fields jsonb, name text, needed boolean, type text, wanted text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- null is as good as absent.
BEGIN
  IF coalesce(fields -> name, 'null') = 'null' THEN
    IF needed THEN
      RAISE EXCEPTION 'field "%" is missing', name USING ERRCODE = '22023';
    END IF;
  ELSIF jsonb_typeof(fields -> name) <> type THEN
    RAISE EXCEPTION 'field "%" must be %, not %', name, wanted, left((fields -> name)::text, 64) USING ERRCODE = '22023';
  END IF;
  RETURN fields ->> name;
END
$$;
COMMENT ON FUNCTION switchboard._http_field(jsonb, text, boolean, text, text) IS
  'A field of a JSON type as text; NULL when it is absent. Errors: 22023 naming the field that is missing though needed, or of another type.';
REVOKE ALL ON FUNCTION switchboard._http_field(jsonb, text, boolean, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_text(fields jsonb, name text, needed boolean DEFAULT false)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._http_field(fields, name, needed, 'string', 'a text') $$;
COMMENT ON FUNCTION switchboard._http_text(jsonb, text, boolean) IS 'A field that is a text. Errors: as _http_field().';
REVOKE ALL ON FUNCTION switchboard._http_text(jsonb, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_number(fields jsonb, name text, needed boolean DEFAULT false)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._http_field(fields, name, needed, 'number', 'a number')::numeric $$;
COMMENT ON FUNCTION switchboard._http_number(jsonb, text, boolean) IS 'A field that is a number. Errors: as _http_field().';
REVOKE ALL ON FUNCTION switchboard._http_number(jsonb, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_uuid(fields jsonb, name text, needed boolean DEFAULT false)
RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given text := switchboard._http_field(fields, name, needed, 'string', 'a uuid');
BEGIN
  IF NOT switchboard._is_uuid(given) THEN
    RAISE EXCEPTION 'field "%" must be a uuid, not %', name, left(given, 64) USING ERRCODE = '22023';
  END IF;
  RETURN given::uuid;
END
$$;
COMMENT ON FUNCTION switchboard._http_uuid(jsonb, text, boolean) IS 'A field that is a uuid. Errors: as _http_field().';
REVOKE ALL ON FUNCTION switchboard._http_uuid(jsonb, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_label(fields jsonb, name text, labels text[], needed boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given text := switchboard._http_text(fields, name, needed);
BEGIN
  IF given <> ALL (labels) THEN
    RAISE EXCEPTION 'field "%" must be one of %, not %', name, array_to_string(labels, ', '), left(given, 64) USING ERRCODE = '22023';
  END IF;
  RETURN given;
END
$$;
COMMENT ON FUNCTION switchboard._http_label(jsonb, text, text[], boolean) IS 'A field that is one of some labels. Errors: as _http_field().';
REVOKE ALL ON FUNCTION switchboard._http_label(jsonb, text, text[], boolean) FROM PUBLIC;
