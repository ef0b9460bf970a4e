-- One function serves all HTTP routes, so that any front is a thin pipe.
--
-- Routes are rows of _http_routes() (60_http_routes.sql). Errors a client causes become problem documents (RFC 9457).

CREATE OR REPLACE FUNCTION switchboard._http_json(status int, content jsonb)
RETURNS switchboard.http_response
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL here and below, which keeps its plans.
BEGIN
  RETURN (status, '{"content-type": "application/json"}'::jsonb, convert_to(content::text, 'UTF8'))::switchboard.http_response;
END
$$;
COMMENT ON FUNCTION switchboard._http_json(int, jsonb) IS 'A JSON answer.';
REVOKE ALL ON FUNCTION switchboard._http_json(int, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_problem(
  status int, title text, detail text DEFAULT NULL, code text DEFAULT NULL, more_headers jsonb DEFAULT '{}')
RETURNS switchboard.http_response
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (status, '{"content-type": "application/problem+json"}'::jsonb || more_headers,
          convert_to(jsonb_strip_nulls(jsonb_build_object(
            'type', 'about:blank', 'title', title, 'status', status, 'detail', detail, 'code', code))::text, 'UTF8')
         )::switchboard.http_response;
END
$$;
COMMENT ON FUNCTION switchboard._http_problem(int, text, text, text, jsonb) IS 'A problem document (RFC 9457).';
REVOKE ALL ON FUNCTION switchboard._http_problem(int, text, text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_error(code text, message text)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- What is not the client's doing says nothing of the inside.
BEGIN
  IF code = '22032' THEN
    RETURN switchboard._http_problem(400, 'Bad Request', message, code);
  ELSIF code = '28000' THEN
    RETURN switchboard._http_problem(401, 'Unauthorized', message, code, '{"www-authenticate": "Bearer"}');
  ELSIF code IN ('SB008', '42501') THEN
    RETURN switchboard._http_problem(403, 'Forbidden', message, code);
  ELSIF code IN ('P0002', 'SB009') THEN
    RETURN switchboard._http_problem(404, 'Not Found', message, code);
  ELSIF code IN ('23505', '23503', 'SB005', 'SB007') THEN
    RETURN switchboard._http_problem(409, 'Conflict', message, code);
  -- Somebody has to set something up, which the message names: coming back soon is no use.
  ELSIF code IN ('SB002', 'SB010') THEN
    RETURN switchboard._http_problem(503, 'Service Unavailable', message, code);
  ELSIF left(code, 2) IN ('SB', '22', '23', '54') OR code = '0A000' THEN
    RETURN switchboard._http_problem(422, 'Unprocessable Content', message, code);
  ELSIF left(code, 2) IN ('40', '53', '55', '57') OR code = '25006' THEN
    RETURN switchboard._http_problem(503, 'Service Unavailable', 'try again later', code, '{"retry-after": "2"}');
  END IF;
  RETURN switchboard._http_problem(500, 'Internal Server Error', 'the request could not be served', code);
END
$$;
COMMENT ON FUNCTION switchboard._http_error(text, text) IS 'The problem document for an error with this SQLSTATE.';
REVOKE ALL ON FUNCTION switchboard._http_error(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_failure(code text, message text, hint text)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A limit that ends by itself says in the hint when: it is possible "from TIME on."
DECLARE
  again_at timestamptz;
BEGIN
  IF code = 'SB007' THEN
    again_at := switchboard._text_timestamp(substring(hint FROM 'from (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*) on\.$'));
  END IF;
  IF again_at > clock_timestamp() THEN
    RETURN switchboard._http_problem(429, 'Too Many Requests', message, code, jsonb_build_object(
      'retry-after', ceil(extract(epoch FROM again_at - clock_timestamp()))::bigint::text));
  END IF;
  RETURN switchboard._http_error(code, message);
END
$$;
COMMENT ON FUNCTION switchboard._http_failure(text, text, text) IS
  'The problem document for an error: 429 with Retry-After for a limit whose hint says until when, else as _http_error() says.';
REVOKE ALL ON FUNCTION switchboard._http_failure(text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_duplicate(index_name text, request switchboard.http_request)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The server's own words name the index, and under row level security not the values.
DECLARE
  fields constant jsonb := CASE WHEN octet_length(request.body) > 0 THEN switchboard._http_fields(request) ELSE '{}' END;
BEGIN
  RETURN (
    SELECT 'there is already one' || coalesce(' with ' || string_agg(k.name || ' ' || left(fields ->> k.name, 200), ', ' ORDER BY a.attnum), '')
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]),
         LATERAL jsonb_object_keys(switchboard._camel_keys(jsonb_build_object(a.attname, 0))) AS k (name)
    WHERE i.indexrelid = to_regclass('switchboard.' || quote_ident(index_name)) AND fields ->> k.name IS NOT NULL);
END
$$;
COMMENT ON FUNCTION switchboard._http_duplicate(text, switchboard.http_request) IS
  'What to say of a row that this unique index refuses: the fields of the body that it is about, as they were given.';
REVOKE ALL ON FUNCTION switchboard._http_duplicate(text, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_misfit(check_name text, request switchboard.http_request)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  fields constant jsonb := CASE WHEN octet_length(request.body) > 0 THEN switchboard._http_fields(request) ELSE '{}' END;
BEGIN
  RETURN (
    SELECT coalesce(string_agg(format('field "%s" cannot be %s', k.name, left((fields -> k.name)::text, 200)), ', ' ORDER BY a.attnum),
                    'the fields make no sense together')
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey),
         LATERAL jsonb_object_keys(switchboard._camel_keys(jsonb_build_object(a.attname, 0))) AS k (name)
    WHERE c.contype = 'c' AND c.conname = check_name AND c.connamespace = to_regnamespace('switchboard') AND fields ? k.name);
END
$$;
COMMENT ON FUNCTION switchboard._http_misfit(text, switchboard.http_request) IS
  'What to say of a row that this check refuses: the fields of the body that it is about, as they were given.';
REVOKE ALL ON FUNCTION switchboard._http_misfit(text, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_try_route(route switchboard.http_route, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- What has been done before an error is undone. The log gets neither path nor message, which may hold data of customers.
DECLARE
  failed text;
  reason text;
  advice text;
  broken text;
  answer switchboard.http_response;
BEGIN
  RETURN switchboard._http_call_route(route, request);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS failed = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT, broken = CONSTRAINT_NAME;
  IF failed = '23505' AND broken <> '' THEN
    reason := switchboard._http_duplicate(broken, request);
  ELSIF failed = '23514' AND broken <> '' THEN
    reason := switchboard._http_misfit(broken, request);
  END IF;
  answer := switchboard._http_failure(failed, reason, advice);
  IF failed IN ('SB002', 'SB010') AND route.access = 'provider' THEN   -- what is not set up is told to those who are known only
    answer := switchboard._http_problem(503, 'Service Unavailable', 'webhooks of this account cannot be taken at present', failed);
  END IF;
  IF answer.status >= 500 THEN
    RAISE WARNING 'request % % failed: SQLSTATE %', request.method, route.path, failed
      USING DETAIL = format('Request id %s.', request.headers ->> 'x-request-id');
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._http_try_route(switchboard.http_route, switchboard.http_request) IS
  'The answer of a route; an error is a problem document.';
REVOKE ALL ON FUNCTION switchboard._http_try_route(switchboard.http_route, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_serve(route switchboard.http_route, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The claims of a credential hold for this request: set back at the end, and by the exception block when something fails.
DECLARE
  before text;
  answer switchboard.http_response;
BEGIN
  -- The Authorization of a webhook is between its provider and receive_webhook().
  IF route.access = 'provider' THEN
    RETURN switchboard._http_try_route(route, request);
  END IF;
  before := coalesce(current_setting('request.jwt.claims', true), '');
  PERFORM switchboard._http_identify(request.headers, route.access = 'tenant');
  IF request.method = 'POST' AND request.headers ? 'idempotency-key' AND switchboard.current_tenant_id() IS NOT NULL THEN
    answer := switchboard._http_once(request.headers ->> 'idempotency-key', route, request);
  ELSE
    answer := switchboard._http_try_route(route, request);
  END IF;
  PERFORM set_config('request.jwt.claims', before, true);
  RETURN answer;
EXCEPTION WHEN OTHERS THEN
  answer := switchboard._http_error(SQLSTATE, SQLERRM);
  IF SQLSTATE = '28000' AND switchboard._http_has_credential(request.headers) THEN
    answer.headers := answer.headers || '{"www-authenticate": "Bearer error=\"invalid_token\""}';
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._http_serve(switchboard.http_route, switchboard.http_request) IS
  'The answer to a request that has a route, for whom it proves to come from.';
REVOKE ALL ON FUNCTION switchboard._http_serve(switchboard.http_route, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_answer(route switchboard.http_route, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF octet_length(request.body) > 1048576 THEN
    RETURN switchboard._http_problem(413, 'Content Too Large', 'a body may have 1 MB');
  ELSIF route.methods IS NULL THEN
    RETURN switchboard._http_problem(404, 'Not Found', format('no such path: %s', left(request.path, 200)));
  ELSIF route.handler IS NOT NULL THEN
    RETURN switchboard._http_serve(route, request);
  ELSIF request.method = 'OPTIONS' THEN
    RETURN switchboard._http_options(request.headers, route.methods);
  END IF;
  RETURN switchboard._http_problem(405, 'Method Not Allowed', format('%s is not possible here', left(request.method, 20)), NULL,
                                   jsonb_build_object('allow', route.methods));
END
$$;
COMMENT ON FUNCTION switchboard._http_answer(switchboard.http_route, switchboard.http_request) IS
  'The answer to a well-formed request, whether it has a route or not.';
REVOKE ALL ON FUNCTION switchboard._http_answer(switchboard.http_route, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_headers(headers jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Names in lower case, which a front nearly always gives. A request id is repeated in logs and answers: only a harmless one is taken.
DECLARE
  plain jsonb := coalesce(headers, '{}');
BEGIN
  IF plain::text ~ '"[^"]*[A-Z][^"]*":' THEN
    plain := (SELECT coalesce(jsonb_object_agg(lower(h.key), h.value), '{}') FROM jsonb_each(plain) h);
  END IF;
  IF coalesce(plain ->> 'x-request-id', '') !~ '^[A-Za-z0-9._-]{1,64}$' THEN
    plain := plain || jsonb_build_object('x-request-id', switchboard.uuid_v7());
  END IF;
  RETURN plain;
END
$$;
COMMENT ON FUNCTION switchboard._http_headers(jsonb) IS 'The headers of a request with names in lower case and an x-request-id.';
REVOKE ALL ON FUNCTION switchboard._http_headers(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.handle_http(method text, path text, query jsonb, headers jsonb, body bytea)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: routes that need more are functions with rights of their own.
DECLARE
  verb    constant text := upper(handle_http.method);
  plain   constant text := split_part(handle_http.path, '?', 1);
  route   switchboard.http_route;
  request switchboard.http_request;
  answer  switchboard.http_response;
BEGIN
  IF verb IS NULL OR plain IS NULL OR coalesce(jsonb_typeof(handle_http.query), 'object') <> 'object'
     OR coalesce(jsonb_typeof(handle_http.headers), 'object') <> 'object' THEN
    RETURN switchboard._http_problem(400, 'Bad Request', 'method, path, query and headers are needed', NULL,
                                     jsonb_build_object('x-request-id', switchboard.uuid_v7(), 'x-switchboard-route', '-'));
  END IF;
  route := switchboard._http_find_route(verb, plain);
  request := (verb, plain, coalesce(handle_http.query, '{}'), switchboard._http_headers(handle_http.headers),
              coalesce(handle_http.body, ''), route.parameters, NULL)::switchboard.http_request;
  answer := switchboard._http_answer(route, request);
  answer.headers := answer.headers || switchboard._cors_headers(request.headers ->> 'origin') || jsonb_build_object(
    'x-request-id', request.headers ->> 'x-request-id', 'x-switchboard-route', coalesce(route.path, '-'));
  IF verb = 'HEAD' THEN
    answer.body := '';
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.handle_http(text, text, jsonb, jsonb, bytea) IS
  'Serves an HTTP request: (status, headers, body). query: decoded parameters; headers: name to value; a front passes the request
target as it came in header x-request-target, because signatures are over the exact URL. Whom it is for: whoever the session acts for,
else Authorization: Bearer with a token or an API key, or X-API-Key; that holds for this request only. Never an exception for what a client
sent: errors are problem documents (RFC 9457), 401, 404, 405, 413, 422, 429 and so on. Every answer has x-request-id (that of the request, if it
is harmless) and x-switchboard-route, the path as the table of routes has it, - for none, which is for a log and not for clients.';
REVOKE ALL ON FUNCTION switchboard.handle_http(text, text, jsonb, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_target(request switchboard.http_request)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF request.headers ->> 'x-request-target' IS NOT NULL THEN
    RETURN request.headers ->> 'x-request-target';
  END IF;
  -- Rebuilt for a front that does not pass it on, in the order in which our own URLs have it.
  RETURN request.path || coalesce('?' || (
    SELECT string_agg(switchboard._url_encode(q.key) || '=' || switchboard._url_encode(q.value), '&' ORDER BY q.key <> 'account', q.key)
    FROM jsonb_each_text(request.query) q), '');
END
$$;
COMMENT ON FUNCTION switchboard._http_target(switchboard.http_request) IS 'The target of a request (path and query) as it came.';
REVOKE ALL ON FUNCTION switchboard._http_target(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_webhook(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the sender has no identity; receive_webhook() decides by the signature.
DECLARE
  reply switchboard.webhook_response;
BEGIN
  reply := switchboard.receive_webhook(request.parameters ->> 'provider', request.parameters ->> 'event', request.headers,
                                       request.body, switchboard._http_target(request));
  IF reply.status >= 400 THEN
    RETURN switchboard._http_problem(reply.status,
      CASE reply.status WHEN 403 THEN 'Forbidden' WHEN 404 THEN 'Not Found' ELSE 'Bad Request' END, reply.body);
  END IF;
  RETURN (reply.status, jsonb_build_object('content-type', reply.content_type), convert_to(reply.body, 'UTF8'))
         ::switchboard.http_response;
END
$$;
COMMENT ON FUNCTION switchboard._http_webhook(switchboard.http_request) IS 'Route of all webhooks, see receive_webhook().';
REVOKE ALL ON FUNCTION switchboard._http_webhook(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_call_webhook(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  request.parameters := jsonb_build_object('provider', 'twilio', 'event', substring(request.path FROM '[^/]+$'));
  RETURN switchboard._http_webhook(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_call_webhook(switchboard.http_request) IS
  'Routes /api/webhooks/call/incoming and /api/webhooks/call/status: calls and their status in the form of Twilio.';
REVOKE ALL ON FUNCTION switchboard._http_call_webhook(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_health(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: health() is for monitors; of its answer only the verdict goes out to whoever asks.
DECLARE
  verdict text := switchboard.health() ->> 'status';
BEGIN
  RETURN switchboard._http_json(CASE verdict WHEN 'failing' THEN 503 ELSE 200 END, jsonb_build_object('status', verdict));
END
$$;
COMMENT ON FUNCTION switchboard._http_health(switchboard.http_request) IS
  'Route /healthz: {"status"}, with 503 when the queue is failing; health() says why.';
REVOKE ALL ON FUNCTION switchboard._http_health(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_metrics(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: metrics() is for monitors; it holds figures and no customer data.
  SELECT (200, '{"content-type": "text/plain; version=0.0.4; charset=utf-8"}'::jsonb, convert_to(switchboard.metrics(), 'UTF8')
         )::switchboard.http_response
$$;
COMMENT ON FUNCTION switchboard._http_metrics(switchboard.http_request) IS 'Route /metrics: metrics() for Prometheus.';
REVOKE ALL ON FUNCTION switchboard._http_metrics(switchboard.http_request) FROM PUBLIC;
