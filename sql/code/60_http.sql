-- One function serves all HTTP routes, so that any front is a thin pipe.
--
-- Routes are rows of _http_routes() (60_http_routes.sql). Errors a client causes become problem documents (RFC 9457).

CREATE OR REPLACE FUNCTION switchboard._http_json(status int, content jsonb)
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (status, '{"content-type": "application/json"}'::jsonb, convert_to(content::text, 'UTF8'))::switchboard.http_response
$$;
COMMENT ON FUNCTION switchboard._http_json(int, jsonb) IS 'A JSON answer.';
REVOKE ALL ON FUNCTION switchboard._http_json(int, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_problem(
  status int, title text, detail text DEFAULT NULL, code text DEFAULT NULL, more_headers jsonb DEFAULT '{}')
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (status, '{"content-type": "application/problem+json"}'::jsonb || more_headers,
          convert_to(jsonb_strip_nulls(jsonb_build_object(
            'type', 'about:blank', 'title', title, 'status', status, 'detail', detail, 'code', code))::text, 'UTF8')
         )::switchboard.http_response
$$;
COMMENT ON FUNCTION switchboard._http_problem(int, text, text, text, jsonb) IS 'A problem document (RFC 9457).';
REVOKE ALL ON FUNCTION switchboard._http_problem(int, text, text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_error(code text, message text)
RETURNS switchboard.http_response
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- What is not the client's doing says nothing of the inside.
  SELECT CASE
    WHEN code = '22032' THEN switchboard._http_problem(400, 'Bad Request', message, code)
    WHEN code = '28000' THEN switchboard._http_problem(401, 'Unauthorized', message, code, '{"www-authenticate": "Bearer"}')
    WHEN code IN ('SB008', '42501') THEN switchboard._http_problem(403, 'Forbidden', message, code)
    WHEN code IN ('P0002', 'SB009') THEN switchboard._http_problem(404, 'Not Found', message, code)
    WHEN code IN ('23505', '23503', 'SB005') THEN switchboard._http_problem(409, 'Conflict', message, code)
    WHEN code LIKE 'SB___' AND code NOT IN ('SB002', 'SB010') OR code LIKE '22%' OR code LIKE '23%' OR code LIKE '54%' OR code = '0A000'
      THEN switchboard._http_problem(422, 'Unprocessable Content', message, code)
    -- Somebody has to set something up, which the message names: coming back soon is no use.
    WHEN code IN ('SB002', 'SB010') THEN switchboard._http_problem(503, 'Service Unavailable', message, code)
    WHEN code LIKE '40%' OR code LIKE '53%' OR code LIKE '55%' OR code LIKE '57%' OR code = '25006'
      THEN switchboard._http_problem(503, 'Service Unavailable', 'try again later', code, '{"retry-after": "2"}')
    ELSE switchboard._http_problem(500, 'Internal Server Error', 'the request could not be served', code) END
$$;
COMMENT ON FUNCTION switchboard._http_error(text, text) IS 'The problem document for an error with this SQLSTATE.';
REVOKE ALL ON FUNCTION switchboard._http_error(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.handle_http(method text, path text, query jsonb, headers jsonb, body bytea)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: routes that need more are functions with rights of their own.
DECLARE
  route   switchboard.http_route;
  verb    text := upper(handle_http.method);
  plain   text := split_part(handle_http.path, '?', 1);
  request switchboard.http_request;
  answer  switchboard.http_response;
  failed  text;
  reason  text;
BEGIN
  IF verb IS NULL OR plain IS NULL OR coalesce(jsonb_typeof(handle_http.query), 'object') <> 'object'
     OR coalesce(jsonb_typeof(handle_http.headers), 'object') <> 'object' THEN
    RETURN switchboard._http_problem(400, 'Bad Request', 'method, path, query and headers are needed');
  END IF;
  IF octet_length(handle_http.body) > 1048576 THEN
    RETURN switchboard._http_problem(413, 'Content Too Large', 'a body may have 1 MB');
  END IF;
  route := switchboard._http_find_route(verb, plain);
  IF route.methods IS NULL THEN
    RETURN switchboard._http_problem(404, 'Not Found', format('no such path: %s', left(plain, 200)));
  ELSIF route.handler IS NULL THEN
    RETURN switchboard._http_problem(405, 'Method Not Allowed', format('%s is not possible here', left(verb, 20)), NULL,
                                     jsonb_build_object('allow', route.methods));
  END IF;

  request := (verb, plain, coalesce(handle_http.query, '{}'),
              (SELECT coalesce(jsonb_object_agg(lower(h.key), h.value), '{}') FROM jsonb_each(handle_http.headers) h),
              coalesce(handle_http.body, ''), route.parameters, NULL)::switchboard.http_request;
  BEGIN
    IF route.access <> 'anyone' THEN
      PERFORM switchboard._http_require_identity();
    END IF;
    answer := switchboard._http_call_route(route, request);
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS failed = RETURNED_SQLSTATE, reason = MESSAGE_TEXT;
    answer := switchboard._http_error(failed, reason);
    IF answer.status >= 500 THEN
      RAISE WARNING 'request % % failed: SQLSTATE %', verb, plain, failed;
    END IF;
  END;
  IF verb = 'HEAD' THEN
    answer.body := '';
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.handle_http(text, text, jsonb, jsonb, bytea) IS
  'Serves an HTTP request: (status, headers, body). query: decoded parameters; headers: name to value; a front passes the request
target as it came in header x-request-target, because signatures are over the exact URL. Never an exception for what a client sent:
errors are problem documents (RFC 9457), 401, 404, 405, 413, 422 and so on.';
REVOKE ALL ON FUNCTION switchboard.handle_http(text, text, jsonb, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_url(request switchboard.http_request, public_url text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- The target as it came; rebuilt only for a front that does not pass it on, in the order in which our own URLs have it.
  SELECT coalesce(rtrim(public_url, '/'), coalesce(request.headers ->> 'x-forwarded-proto', 'https') || '://'
                    || coalesce(request.headers ->> 'x-forwarded-host', request.headers ->> 'host', 'localhost'))
         || coalesce(request.headers ->> 'x-request-target',
              request.path || coalesce('?' || (
                SELECT string_agg(switchboard._url_encode(q.key) || '=' || switchboard._url_encode(q.value), '&'
                                  ORDER BY q.key <> 'account', q.key)
                FROM jsonb_each_text(request.query) q), ''))
$$;
COMMENT ON FUNCTION switchboard._http_url(switchboard.http_request, text) IS
  'The URL as the client called it: below the public address if there is one, since a front behind a proxy cannot know it.';
REVOKE ALL ON FUNCTION switchboard._http_url(switchboard.http_request, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_webhook(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the sender has no identity; receive_webhook() decides by the signature. The account is only looked at for
-- the address that its URLs begin with.
DECLARE
  public_url text;
  reply      switchboard.webhook_response;
BEGIN
  SELECT a.settings ->> 'public_url' INTO public_url FROM switchboard.provider_accounts a
  WHERE a.id = switchboard._uuid_or_null(request.query ->> 'account');
  reply := switchboard.receive_webhook(request.parameters ->> 'provider', request.parameters ->> 'event', request.headers,
                                       request.body, switchboard._http_url(request, public_url));
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

CREATE OR REPLACE FUNCTION switchboard._http_twilio_status(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard._http_webhook((request.method, request.path, request.query, request.headers, request.body,
                                    '{"provider": "twilio", "event": "status"}'::jsonb, NULL)::switchboard.http_request)
$$;
COMMENT ON FUNCTION switchboard._http_twilio_status(switchboard.http_request) IS
  'Route /api/webhooks/call/status: call status in the form of Twilio.';
REVOKE ALL ON FUNCTION switchboard._http_twilio_status(switchboard.http_request) FROM PUBLIC;

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
