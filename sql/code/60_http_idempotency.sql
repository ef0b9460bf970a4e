-- Requests that may come twice: a client that got no answer sends its POST again under the same Idempotency-Key and gets the answer to
-- the first. The answer is kept in the transaction that did the work, so there is never one without the other; whoever comes while the
-- first is still under way waits for it. Kept are the answers that would be the same again, not those that say "later" (429, 5xx), nor
-- those that nobody may keep (Cache-Control: no-store), such as a new API key.

CREATE OR REPLACE FUNCTION switchboard._idempotency_lock(tenant uuid, asker uuid, key text)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause.
AS $$ SELECT pg_catalog.hashtextextended(pg_catalog.concat_ws('/', 'switchboard request', tenant, asker, key), 0) $$;
COMMENT ON FUNCTION switchboard._idempotency_lock(uuid, uuid, text) IS
  'Key of the advisory lock between requests with one Idempotency-Key. It is the first lock of a request.';
REVOKE ALL ON FUNCTION switchboard._idempotency_lock(uuid, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_fingerprint(request switchboard.http_request, role switchboard.user_role)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- With the role: an answer to somebody who sees more is not for the same user with a token that sees less.
BEGIN
  RETURN sha256(convert_to(jsonb_build_array(request.method, request.path, request.query, role)::text, 'UTF8') || sha256(request.body));
END
$$;
COMMENT ON FUNCTION switchboard._http_fingerprint(switchboard.http_request, switchboard.user_role) IS 'By which a repeated request is known to be the same.';
REVOKE ALL ON FUNCTION switchboard._http_fingerprint(switchboard.http_request, switchboard.user_role) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._kept_answer(key text, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: nobody reads the kept answers but through this; they are looked for under the caller's own identity.
-- Cost: a lock and an index probe.
DECLARE
  asker record := switchboard._identity();
  kept  switchboard.http_idempotency;
BEGIN
  PERFORM pg_advisory_xact_lock(switchboard._idempotency_lock(asker.tenant_id, asker.user_id, key));
  -- A statement of its own, whose snapshot is younger than the lock. Two probes that can use the index, since user_id may be null.
  IF asker.user_id IS NULL THEN
    SELECT k.* INTO kept FROM switchboard.http_idempotency k
    WHERE k.tenant_id = asker.tenant_id AND k.user_id IS NULL AND k.key = _kept_answer.key;
  ELSE
    SELECT k.* INTO kept FROM switchboard.http_idempotency k
    WHERE k.tenant_id = asker.tenant_id AND k.user_id = asker.user_id AND k.key = _kept_answer.key;
  END IF;
  IF kept.id IS NULL OR kept.created_at < clock_timestamp() - interval '24 hours' THEN
    RETURN NULL;
  ELSIF kept.fingerprint <> switchboard._http_fingerprint(request, asker.role) THEN
    RAISE EXCEPTION 'Idempotency-Key "%" was used for another request', key USING ERRCODE = '22023';
  END IF;
  RETURN (kept.status, kept.headers || '{"idempotency-replayed": "true"}', kept.body)::switchboard.http_response;
END
$$;
COMMENT ON FUNCTION switchboard._kept_answer(text, switchboard.http_request) IS
  'The answer that the caller got to the same request within a day under this key, or NULL; waits for one that is under way. Error: 22023 the key was used
for another request.';
REVOKE ALL ON FUNCTION switchboard._kept_answer(text, switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._keep_answer(key text, request switchboard.http_request, answer switchboard.http_response)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: only functions write the table, under the caller's own identity. What is there already is over a day old.
DECLARE
  asker record := switchboard._identity();
BEGIN
  INSERT INTO switchboard.http_idempotency AS k (tenant_id, user_id, key, fingerprint, status, headers, body)
  VALUES (asker.tenant_id, asker.user_id, _keep_answer.key, switchboard._http_fingerprint(request, asker.role),
          answer.status, answer.headers, answer.body)
  ON CONFLICT (tenant_id, user_id, key) DO UPDATE
  SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, body = excluded.body, created_at = now();
END
$$;
COMMENT ON FUNCTION switchboard._keep_answer(text, switchboard.http_request, switchboard.http_response) IS 'Keeps an answer for _kept_answer().';
REVOKE ALL ON FUNCTION switchboard._keep_answer(text, switchboard.http_request, switchboard.http_response) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_once(key text, route switchboard.http_route, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answer switchboard.http_response;
BEGIN
  IF key !~ '^[!-~]{1,255}$' THEN
    RAISE EXCEPTION 'Idempotency-Key must have 1 to 255 printable characters and no spaces' USING ERRCODE = '22023';
  END IF;
  answer := switchboard._kept_answer(key, request);
  IF answer.status IS NOT NULL THEN
    RETURN answer;
  END IF;
  answer := switchboard._http_try_route(route, request);
  IF answer.status < 500 AND answer.status <> 429 AND answer.headers ->> 'cache-control' IS DISTINCT FROM 'no-store' THEN
    PERFORM switchboard._keep_answer(key, request, answer);
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._http_once(text, switchboard.http_route, switchboard.http_request) IS
  'The answer of a route to a request with an Idempotency-Key: the one from before, else a new one, which is kept. Errors: 22023 the key
is malformed, or was used for another request.';
REVOKE ALL ON FUNCTION switchboard._http_once(text, switchboard.http_route, switchboard.http_request) FROM PUBLIC;
