-- What routes share: answers that are new rows, pages of lists, and the writing of rows whose fields have been checked.

CREATE OR REPLACE FUNCTION switchboard._http_created(place text, content jsonb)
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (201, jsonb_build_object('content-type', 'application/json', 'location', place), convert_to(content::text, 'UTF8'))
         ::switchboard.http_response
$$;
COMMENT ON FUNCTION switchboard._http_created(text, jsonb) IS 'The answer that something was made, and where it is found.';
REVOKE ALL ON FUNCTION switchboard._http_created(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_nothing()
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT (204, '{}'::jsonb, ''::bytea)::switchboard.http_response $$;
COMMENT ON FUNCTION switchboard._http_nothing() IS 'The answer that it is done and there is nothing to say.';
REVOKE ALL ON FUNCTION switchboard._http_nothing() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_page(request switchboard.http_request, content jsonb, next jsonb)
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Parameters may be arrays; null takes one away.
  SELECT (200, jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'link', CASE WHEN next IS NOT NULL THEN (
            SELECT format('<%s?%s>; rel="next"', request.path, string_agg(switchboard._url_encode(q.key) || '=' || switchboard._url_encode(v), '&' ORDER BY q.key, v))
            FROM jsonb_each(jsonb_strip_nulls(request.query || next)) q,
                 jsonb_array_elements_text(CASE jsonb_typeof(q.value) WHEN 'array' THEN q.value ELSE jsonb_build_array(q.value) END) v) END)),
          convert_to(content::text, 'UTF8'))::switchboard.http_response
$$;
COMMENT ON FUNCTION switchboard._http_page(switchboard.http_request, jsonb, jsonb) IS
  'A page of a list; next: the parameters of the URL of the next one, which differ from this one''s, for its Link header (RFC 8288).';
REVOKE ALL ON FUNCTION switchboard._http_page(switchboard.http_request, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_limit(request switchboard.http_request)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce((request.query ->> 'limit')::int, 50) $$;
COMMENT ON FUNCTION switchboard._http_limit(switchboard.http_request) IS 'How many rows a page is to have.';
REVOKE ALL ON FUNCTION switchboard._http_limit(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_list(
  request switchboard.http_request, name text, fitting jsonb, total bigint, place text, cursor_column text)
RETURNS switchboard.http_response
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  most    constant int := switchboard._http_limit(request);
  skipped constant bigint := coalesce((request.query ->> 'offset')::bigint, 0);
  rows    jsonb := coalesce(fitting, '[]');
  last    text;
BEGIN
  IF jsonb_array_length(rows) > most THEN
    rows := rows - most;
    last := coalesce(rows -> -1 ->> cursor_column, (skipped + most)::text);
  END IF;
  RETURN switchboard._http_page(request, jsonb_build_object(name, rows, 'total', total, 'next', last),
    CASE WHEN last IS NULL THEN NULL
         WHEN place IS NULL OR request.query ? 'offset' THEN jsonb_build_object('offset', skipped + most)
         ELSE jsonb_build_object(place, last) END);
END
$$;
COMMENT ON FUNCTION switchboard._http_list(switchboard.http_request, text, jsonb, bigint, text, text) IS
  'A page of a list of which one row more than the page has was looked for: {name: rows, "total", "next"}. The next page begins behind
the value of cursor_column in the last row, which its URL has as parameter place; or, if an offset was asked for or the list knows no
such place (NULL), at the next offset.';
REVOKE ALL ON FUNCTION switchboard._http_list(switchboard.http_request, text, jsonb, bigint, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_columns(fields jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_object_agg(lower(regexp_replace(f.key, '([A-Z])', '_\1', 'g')), f.value), '{}') FROM jsonb_each(fields) f
$$;
COMMENT ON FUNCTION switchboard._http_columns(jsonb) IS 'The fields of a body, checked, by the names of columns: callerId is caller_id.';
REVOKE ALL ON FUNCTION switchboard._http_columns(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_missing(broken text, relation text, fields jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  key text := (SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[cardinality(c.conkey)]
               WHERE c.conname = broken AND c.conrelid = format('switchboard.%I', relation)::regclass);
BEGIN
  RAISE EXCEPTION 'no such %: %', replace(key, '_id', ''), fields ->> key USING ERRCODE = 'P0002';
END
$$;
COMMENT ON FUNCTION switchboard._http_missing(text, text, jsonb) IS 'Error: P0002 naming the row that a reference did not find.';
REVOKE ALL ON FUNCTION switchboard._http_missing(text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_insert(relation text, fields jsonb)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: row level security and the grants of columns decide. Fields that are null get the default of their column.
DECLARE
  given   constant jsonb := switchboard._http_columns((SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(fields) f WHERE f.value <> 'null'));
  columns constant text := (SELECT string_agg(format('%I', k), ', ') FROM jsonb_object_keys(given) k);
  made    uuid;
  broken  text;
BEGIN
  EXECUTE format('INSERT INTO switchboard.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::switchboard.%1$I, $1) RETURNING id',
                 relation, columns) INTO made USING given;
  RETURN made;
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
  PERFORM switchboard._http_missing(broken, relation, given);
END
$$;
COMMENT ON FUNCTION switchboard._http_insert(text, jsonb) IS
  'Makes a row of a table from checked fields and returns its id. Errors: P0002 a reference finds nothing, and those of the table.';
REVOKE ALL ON FUNCTION switchboard._http_insert(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_refuse(relation text, id uuid, what text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what row level security shows but does not let change is there.
DECLARE
  seen int;
BEGIN
  EXECUTE format('SELECT count(*) FROM switchboard.%I r WHERE r.id = $1', relation) INTO seen USING id;
  IF seen = 0 THEN
    RAISE EXCEPTION 'no such %: %', what, id USING ERRCODE = 'P0002';
  END IF;
  RAISE EXCEPTION '% % is not yours to change', what, id USING ERRCODE = '42501', HINT = 'Supervisors may.';
END
$$;
COMMENT ON FUNCTION switchboard._http_refuse(text, uuid, text) IS
  'Error: why nothing was changed, P0002 no such row, or 42501 one that is seen and not to be changed.';
REVOKE ALL ON FUNCTION switchboard._http_refuse(text, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_update(relation text, id uuid, fields jsonb, what text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: as _http_insert(). A field that is null empties its column.
DECLARE
  given   constant jsonb := switchboard._http_columns(fields);
  changed int;
  broken  text;
BEGIN
  IF given = '{}' THEN
    EXECUTE format('SELECT count(*) FROM switchboard.%I r WHERE r.id = $1', relation) INTO changed USING id;
  ELSE
    EXECUTE format('UPDATE switchboard.%1$I r SET %2$s FROM jsonb_populate_record(NULL::switchboard.%1$I, $2) n WHERE r.id = $1', relation,
                   (SELECT string_agg(format('%1$I = n.%1$I', k), ', ') FROM jsonb_object_keys(given) k)) USING id, given;
    GET DIAGNOSTICS changed = ROW_COUNT;
  END IF;
  IF changed = 0 THEN
    PERFORM switchboard._http_refuse(relation, id, what);
  END IF;
EXCEPTION
  WHEN foreign_key_violation THEN
    GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
    PERFORM switchboard._http_missing(broken, relation, given);
  WHEN not_null_violation THEN
    GET STACKED DIAGNOSTICS broken = COLUMN_NAME;
    RAISE EXCEPTION 'field "%" must not be null', (SELECT jsonb_object_keys(switchboard._camel_keys(jsonb_build_object(broken, 0))))
      USING ERRCODE = '22023';
END
$$;
COMMENT ON FUNCTION switchboard._http_update(text, uuid, jsonb, text) IS
  'Changes a row of a table by checked fields. Errors: P0002 no such row, or a reference finds nothing, 42501 not the caller''s to change, and
those of the table.';
REVOKE ALL ON FUNCTION switchboard._http_update(text, uuid, jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_delete(relation text, id uuid, what text)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: as _http_insert().
DECLARE
  gone int;
BEGIN
  EXECUTE format('DELETE FROM switchboard.%I r WHERE r.id = $1', relation) USING id;
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone = 0 THEN
    PERFORM switchboard._http_refuse(relation, id, what);
  END IF;
  RETURN switchboard._http_nothing();
END
$$;
COMMENT ON FUNCTION switchboard._http_delete(text, uuid, text) IS 'Deletes a row of a table. Errors: P0002 no such row, 42501 not the caller''s to delete.';
REVOKE ALL ON FUNCTION switchboard._http_delete(text, uuid, text) FROM PUBLIC;
