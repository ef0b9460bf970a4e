-- Requests from pages of other origins (CORS). No cookie is ever looked at, so credentials in the sense of browsers are never allowed.

CREATE OR REPLACE FUNCTION switchboard._cors_headers(origin text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  allowed constant text[] := string_to_array(lower(replace(current_setting('switchboard.cors_origins', true), ' ', '')), ',');
BEGIN
  IF origin IS NULL THEN
    RETURN '{}';
  ELSIF '*' = ANY (allowed) THEN
    RETURN '{"access-control-allow-origin": "*",
             "access-control-expose-headers": "x-request-id, link, location, retry-after, idempotency-replayed"}';
  ELSIF lower(origin) = ANY (allowed) THEN
    RETURN jsonb_build_object('access-control-allow-origin', origin, 'vary', 'Origin',
                              'access-control-expose-headers', 'x-request-id, link, location, retry-after, idempotency-replayed');
  END IF;
  RETURN '{"vary": "Origin"}';
END
$$;
COMMENT ON FUNCTION switchboard._cors_headers(text) IS
  'What an answer has to say so that a page of this origin may read it, by switchboard.cors_origins; nothing of that for other origins.';
REVOKE ALL ON FUNCTION switchboard._cors_headers(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_options(headers jsonb, methods text)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The answer to a preflight goes with the headers of _cors_headers(), without which these say nothing.
DECLARE
  answer jsonb := jsonb_build_object('allow', methods || ', OPTIONS');
BEGIN
  IF headers ? 'access-control-request-method' AND switchboard._cors_headers(headers ->> 'origin') ? 'access-control-allow-origin' THEN
    answer := answer || jsonb_build_object(
      'access-control-allow-methods', methods, 'access-control-max-age', '7200',
      'access-control-allow-headers', 'authorization, content-type, idempotency-key, last-event-id, x-api-key, x-request-id');
  END IF;
  RETURN (204, answer, '')::switchboard.http_response;
END
$$;
COMMENT ON FUNCTION switchboard._http_options(jsonb, text) IS
  'The answer to OPTIONS: what a path can do and, for a browser that asks first, what a page of another origin may send.';
REVOKE ALL ON FUNCTION switchboard._http_options(jsonb, text) FROM PUBLIC;
