-- Schemas of what routes take and answer: rows of _http_schemas() (63_http_schemas.sql), one per field, from which bodies and
-- parameters are checked and the description of the API is made. The type of a field is a word of a small language:
--
--   text, text:200, text:1:9 a text, of at most so many characters, of so many to so many      uuid, time, day   texts of that form
--   integer:1:500, number:0  numbers, from and to if said                 boolean, object, any
--   low|high                 one of these                                 [uuid]               an array of them
--   Call                     another schema                               text?                ... or null

CREATE OR REPLACE FUNCTION switchboard._http_type(type text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  parts constant text[] := string_to_array(type, ':');
  plain jsonb;
BEGIN
  IF type LIKE '%?' THEN
    plain := switchboard._http_type(left(type, -1));
    RETURN CASE WHEN plain ? '$ref' THEN jsonb_build_object('anyOf', jsonb_build_array(plain, '{"type": "null"}'::jsonb))
                WHEN plain ? 'type' THEN plain || jsonb_build_object('type', jsonb_build_array(plain -> 'type', 'null'))
                                         || CASE WHEN plain ? 'enum' THEN jsonb_build_object('enum', (plain -> 'enum') || 'null') ELSE '{}' END
                ELSE plain END;
  ELSIF type LIKE '[%]' THEN
    RETURN jsonb_build_object('type', 'array', 'items', switchboard._http_type(substr(type, 2, length(type) - 2)));
  ELSIF type LIKE '%|%' THEN
    RETURN jsonb_build_object('type', 'string', 'enum', string_to_array(type, '|'));
  ELSIF type ~ '^[A-Z]' THEN
    RETURN jsonb_build_object('$ref', '#/components/schemas/' || type);
  END IF;
  RETURN CASE parts[1]
    WHEN 'text' THEN jsonb_build_object('type', 'string', 'minLength', CASE WHEN cardinality(parts) = 3 THEN parts[2]::int END,
                                        'maxLength', coalesce(parts[3], parts[2])::int)
    WHEN 'uuid' THEN '{"type": "string", "format": "uuid"}'
    WHEN 'time' THEN '{"type": "string", "format": "date-time"}'
    WHEN 'day' THEN '{"type": "string", "format": "date"}'
    WHEN 'any' THEN '{}'
    ELSE jsonb_build_object('type', parts[1], 'minimum', parts[2]::numeric, 'maximum', parts[3]::numeric) END;
END
$$;
COMMENT ON FUNCTION switchboard._http_type(text) IS 'The JSON Schema of a type of the language above; bounds that are not said are null.';
REVOKE ALL ON FUNCTION switchboard._http_type(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_input_tree()
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_object_agg(i.schema, i.fields)
  FROM (SELECT s.schema, jsonb_agg(jsonb_build_object('name', s.field, 'needed', s.needed, 'type', jsonb_strip_nulls(switchboard._http_type(s.type)))
                                   ORDER BY s.place) AS fields
        FROM switchboard._http_schemas() WITH ORDINALITY AS s (schema, field, type, needed, about, place)
        WHERE s.schema IN (SELECT unnest(ARRAY[r.query, r.body]) FROM switchboard._http_routes() r)
        GROUP BY s.schema) i
$$;
COMMENT ON FUNCTION switchboard._http_input_tree() IS 'The fields of the schemas that requests are checked against, in order, by schema.';
REVOKE ALL ON FUNCTION switchboard._http_input_tree() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_is_time(value text, type text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
BEGIN
  IF value !~ (CASE type WHEN 'date' THEN '^\d{4}-\d\d-\d\d$'
                 ELSE '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?(Z|z|[-+]\d\d(:?\d\d)?)?)?$' END) THEN
    RETURN false;
  END IF;
  PERFORM value::timestamptz;
  RETURN true;
EXCEPTION WHEN data_exception THEN
  RETURN false;
END
$$;
COMMENT ON FUNCTION switchboard._http_is_time(text, text) IS
  'Whether a text is a time (ISO 8601; a day is its midnight, no zone the session''s) or, for type date, a day.';
REVOKE ALL ON FUNCTION switchboard._http_is_time(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_wanted(type jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN type ? 'enum' THEN 'one of ' || (SELECT string_agg(e, ', ') FROM jsonb_array_elements_text(type -> 'enum') e)
    WHEN type ? 'format' THEN CASE type ->> 'format' WHEN 'uuid' THEN 'a uuid' WHEN 'date' THEN 'a day such as 2026-05-31'
                                ELSE 'a time such as 2026-05-31T09:00:00Z' END
    WHEN type ->> 'type' IN ('integer', 'number') THEN
      CASE type ->> 'type' WHEN 'integer' THEN 'a whole number' ELSE 'a number' END
      || CASE WHEN type ? 'maximum' THEN format(' from %s to %s', type ->> 'minimum', type ->> 'maximum')
              WHEN type ? 'minimum' THEN format(' of %s or more', type ->> 'minimum') ELSE '' END
    WHEN type ? 'minLength' THEN format('a text of %s to %s characters', type ->> 'minLength', type ->> 'maxLength')
    WHEN type ? 'maxLength' THEN format('a text of at most %s characters', type ->> 'maxLength')
    ELSE CASE type ->> 'type' WHEN 'string' THEN 'a text' WHEN 'boolean' THEN 'true or false' WHEN 'array' THEN 'an array'
           ELSE 'an object' END END
$$;
COMMENT ON FUNCTION switchboard._http_wanted(jsonb) IS 'What a field of this type must be, in words.';
REVOKE ALL ON FUNCTION switchboard._http_wanted(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_fits(type jsonb, value jsonb)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _http_is_time().
DECLARE
  kind constant text := type ->> 'type';
BEGIN
  IF kind IS NULL THEN
    RETURN true;
  ELSIF jsonb_typeof(value) <> (CASE kind WHEN 'integer' THEN 'number' ELSE kind END) THEN
    RETURN false;
  ELSIF kind = 'string' THEN
    RETURN coalesce(length(value #>> '{}') <= (type ->> 'maxLength')::int, true)
           AND coalesce(length(value #>> '{}') >= (type ->> 'minLength')::int, true)
           AND coalesce(type -> 'enum' @> value, true)
           AND CASE type ->> 'format' WHEN 'uuid' THEN switchboard._is_uuid(value #>> '{}')
                 WHEN 'date' THEN switchboard._http_is_time(value #>> '{}', 'date')
                 WHEN 'date-time' THEN switchboard._http_is_time(value #>> '{}', 'date-time') ELSE true END;
  ELSIF kind IN ('integer', 'number') THEN
    RETURN (value::numeric BETWEEN coalesce((type ->> 'minimum')::numeric, -2147483648)
                               AND coalesce((type ->> 'maximum')::numeric, 2147483647) OR kind = 'number' AND NOT type ? 'minimum')
           AND (kind = 'number' OR value::numeric = trunc(value::numeric));
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION switchboard._http_fits(jsonb, jsonb) IS 'Whether a value is of a type; the elements of an array are not looked at.';
REVOKE ALL ON FUNCTION switchboard._http_fits(jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_check_value(what text, type jsonb, value jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _http_is_time().
DECLARE
  element jsonb;
BEGIN
  IF NOT switchboard._http_fits(type, value) THEN
    RAISE EXCEPTION '% must be %, not %', what, switchboard._http_wanted(type),
        left(CASE WHEN type ? 'format' OR type ? 'enum' THEN value #>> '{}' ELSE value::text END, 64)
      USING ERRCODE = '22023';
  ELSIF type -> 'items' ? 'type' AND jsonb_typeof(value) = 'array' THEN
    FOR element IN SELECT e FROM jsonb_array_elements(value) e LOOP
      PERFORM switchboard._http_check_value('an element of ' || what, type -> 'items', element);
    END LOOP;
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._http_check_value(text, jsonb, jsonb) IS 'Error: 22023 naming a value that is not of its type.';
REVOKE ALL ON FUNCTION switchboard._http_check_value(text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_check(schema text, given jsonb, what text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _http_is_time(). null is as good as absent here; a route that empties a field by null looks for the key.
-- Cost: the fields of the schema; the tree is worked out once a session, as a constant of the plan.
DECLARE
  fields  constant jsonb := switchboard._http_input_tree() -> schema;
  unknown text;
  field   jsonb;
BEGIN
  SELECT string_agg(format('"%s"', left(k, 64)), ', ' ORDER BY k) INTO unknown FROM jsonb_object_keys(given) k
  WHERE NOT fields @> jsonb_build_array(jsonb_build_object('name', k));
  IF unknown IS NOT NULL THEN
    RAISE EXCEPTION 'unknown %: %', what, unknown USING ERRCODE = '22023',
      HINT = format('Possible are %s.', (SELECT string_agg(f ->> 'name', ', ') FROM jsonb_array_elements(fields) f));
  END IF;
  FOR field IN SELECT f FROM jsonb_array_elements(fields) f LOOP
    IF coalesce(given -> (field ->> 'name'), 'null') <> 'null' THEN
      PERFORM switchboard._http_check_value(format('%s "%s"', what, field ->> 'name'), field -> 'type', given -> (field ->> 'name'));
    ELSIF (field ->> 'needed')::boolean THEN
      RAISE EXCEPTION '% "%" is missing', what, field ->> 'name' USING ERRCODE = '22023';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._http_check(text, jsonb, text) IS
  'Error: 22023 naming what a schema does not know, what is missing, or what is not of its type.';
REVOKE ALL ON FUNCTION switchboard._http_check(text, jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_whole_numbers(fields jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF fields::text !~ '\.0+[,}]' THEN
    RETURN fields;
  END IF;
  RETURN (SELECT jsonb_object_agg(f.key, CASE WHEN jsonb_typeof(f.value) <> 'number' THEN f.value
                                              ELSE to_jsonb(trim_scale((f.value #>> '{}')::numeric)) END) FROM jsonb_each(fields) f);
END
$$;
COMMENT ON FUNCTION switchboard._http_whole_numbers(jsonb) IS 'Fields in which 5.0 is 5, which some clients cannot write.';
REVOKE ALL ON FUNCTION switchboard._http_whole_numbers(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_check_body(schema text, request switchboard.http_request)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _http_is_time().
DECLARE
  fields jsonb := '{}';
BEGIN
  -- Nothing at all will do where nothing is needed.
  IF request.body <> '' OR switchboard._http_input_tree() -> schema @> '[{"needed": true}]' THEN
    fields := switchboard._http_fields(request);
  END IF;
  PERFORM switchboard._http_check(schema, fields, 'field');
  RETURN switchboard._http_whole_numbers(fields);
END
$$;
COMMENT ON FUNCTION switchboard._http_check_body(text, switchboard.http_request) IS
  'The fields of a JSON body, checked against a schema, keys in camelCase. Errors: as _http_fields() and _http_check().';
REVOKE ALL ON FUNCTION switchboard._http_check_body(text, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_query_value(type jsonb, value jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kind  constant text := type ->> 'type';
  given constant text := value #>> '{}';
BEGIN
  IF kind = 'array' THEN
    RETURN (SELECT jsonb_agg(switchboard._http_query_value(type -> 'items', e))
            FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) e);
  ELSIF jsonb_typeof(value) <> 'string' THEN
    RETURN value;
  END IF;
  RETURN CASE
    WHEN kind IN ('integer', 'number') AND given ~ '^-?[0-9]{1,18}([.][0-9]{1,18})?$' THEN to_jsonb(trim_scale(given::numeric))
    WHEN kind = 'boolean' AND given IN ('true', 'false') THEN to_jsonb(given::boolean)
    -- Clients forget to encode the + of a zone, which then arrives as a blank.
    WHEN type ->> 'format' = 'date-time' THEN to_jsonb(regexp_replace(given, '(:\d\d([.]\d+)?) (\d\d:?\d\d)$', '\1+\3'))
    ELSE value END;
END
$$;
COMMENT ON FUNCTION switchboard._http_query_value(jsonb, jsonb) IS
  'A parameter of a URL, which is a text or an array of them, as what its type says; what does not fit stays as it is.';
REVOKE ALL ON FUNCTION switchboard._http_query_value(jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_check_query(schema text, query jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _http_is_time().
DECLARE
  fields constant jsonb := switchboard._http_input_tree() -> schema;
  given  jsonb;
BEGIN
  SELECT coalesce(jsonb_object_agg(q.key, coalesce(switchboard._http_query_value(f.field -> 'type', q.value), q.value)), '{}') INTO given
  FROM jsonb_each(switchboard._http_keys(query, 'parameter')) q
  LEFT JOIN LATERAL (SELECT f AS field FROM jsonb_array_elements(fields) f WHERE f ->> 'name' = q.key) f ON true
  WHERE q.value <> '""';
  PERFORM switchboard._http_check(schema, given, 'parameter');
  RETURN given;
END
$$;
COMMENT ON FUNCTION switchboard._http_check_query(text, jsonb) IS
  'The parameters of a URL, checked against a schema, keys in camelCase, values of their types; empty ones are absent. Errors: as
_http_check(), and 22023 for one in both spellings.';
REVOKE ALL ON FUNCTION switchboard._http_check_query(text, jsonb) FROM PUBLIC;
