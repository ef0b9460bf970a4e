-- Webhooks of providers: whose they are, whether they are genuine, what they say. One row in webhook_inbox per event, acted on
-- once. What a provider sends is read by a pair of functions per provider (52_webhooks_<provider>.sql, listed in
-- _webhook_readers()):
--   _read_<provider>(event, fields) -> what the event is called and about, or 22023 when it makes no sense
--   _act_<provider>(inbox row, fields) -> NULL when done, else why it must be tried again

-- Inlined by the planner, hence no SET clause: callers pin the search path. A function in SQL that is not inlined is parsed and planned
-- in each statement that calls it.
CREATE OR REPLACE FUNCTION switchboard._webhook_readers()
RETURNS TABLE (provider text, secret_name text, form boolean, reply_type text, reply text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  VALUES ('twilio', 'auth_token', true, 'text/xml', '<?xml version="1.0" encoding="UTF-8"?><Response/>'),
         ('vonage', 'signature_secret', false, 'application/json', '{}'),
         ('voipstudio', 'webhook_token', false, 'application/json', '{}'),
         ('omnidimension', 'webhook_token', false, 'application/json', '{}'),
         ('webhook', 'signing_secret', false, 'application/json', '{}')
$$;
COMMENT ON FUNCTION switchboard._webhook_readers() IS
  'Providers whose webhooks are understood: the secret they are checked with, whether the body is a form (else JSON), and the reply
when there is nothing to say.';
REVOKE ALL ON FUNCTION switchboard._webhook_readers() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._text_timestamp(value text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, MDY'
AS $$
-- Parallel unsafe: the exception block needs a subtransaction. Seconds since 1970 are accepted too.
BEGIN
  IF value ~ '^[0-9]{9,11}(\.[0-9]+)?$' THEN
    RETURN to_timestamp(value::double precision);
  END IF;
  RETURN value::timestamptz;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._text_timestamp(text) IS
  'A time as providers write it (RFC 2822, ISO 8601, SQL, seconds since 1970; UTC when no zone is given), or NULL.';
REVOKE ALL ON FUNCTION switchboard._text_timestamp(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._event_time(value text, received timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans.
DECLARE
  told timestamptz := switchboard._text_timestamp(value);
BEGIN
  RETURN CASE WHEN told BETWEEN received - interval '1 day' AND received + interval '5 minutes' THEN least(told, received)
              ELSE received END;
END
$$;
COMMENT ON FUNCTION switchboard._event_time(text, timestamptz) IS
  'When an event happened by the provider''s word; when it was received if that is absent or not to be believed.';
REVOKE ALL ON FUNCTION switchboard._event_time(text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_fields(is_form boolean, url text, body bytea)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Without a body it is a GET: its fields are those of the URL.
DECLARE
  fields jsonb;
BEGIN
  IF octet_length(body) = 0 THEN
    RETURN switchboard._url_query(url);
  ELSIF is_form THEN
    RETURN switchboard._parse_form(body)::jsonb;
  END IF;
  fields := convert_from(body, 'UTF8')::jsonb;
  IF jsonb_typeof(fields) <> 'object' THEN
    RAISE EXCEPTION 'webhook body is not a JSON object' USING ERRCODE = '22023';
  END IF;
  RETURN fields;
END
$$;
COMMENT ON FUNCTION switchboard._webhook_fields(boolean, text, bytea) IS
  'The fields of a webhook: form or JSON object. Errors (class 22): it is neither.';
REVOKE ALL ON FUNCTION switchboard._webhook_fields(boolean, text, bytea) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._url_query(url text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT coalesce(switchboard._parse_form(convert_to(substring(split_part(url, '#', 1) FROM '\?(.*)$'), 'UTF8'))::jsonb, '{}')
$$;
COMMENT ON FUNCTION switchboard._url_query(text) IS 'The query of a URL as a JSON object. Errors: 22023 not UTF-8.';
REVOKE ALL ON FUNCTION switchboard._url_query(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._bearer_claims(headers jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
DECLARE
  claims text := (SELECT translate(substring(h.value FROM '^[Bb]earer +[^.]*\.([^.]+)\.'), '-_', '+/')
                  FROM jsonb_each_text(headers) h WHERE lower(h.key) = 'authorization' LIMIT 1);
BEGIN
  RETURN convert_from(decode(rpad(claims, (length(claims) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._bearer_claims(jsonb) IS
  'What a JWT of the headers claims, unproved; NULL when there is none.';
REVOKE ALL ON FUNCTION switchboard._bearer_claims(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_account(
  provider text, account_id uuid, query jsonb, is_form boolean, headers jsonb, body bytea)
RETURNS switchboard.provider_accounts
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the sender has no identity yet; whose webhook it is follows from the account, and the signature proves it.
DECLARE
  account switchboard.provider_accounts;
  named   uuid := coalesce(account_id, switchboard._uuid_or_null(query ->> 'account'));
  fields  jsonb;
  ids     jsonb;
BEGIN
  IF named IS NOT NULL OR query ? 'account' THEN
    SELECT a.* INTO account FROM switchboard.provider_accounts a WHERE a.id = named AND a.provider = _webhook_account.provider;
    RETURN account;
  END IF;
  BEGIN
    fields := switchboard._webhook_fields(is_form, NULL, body);
  EXCEPTION WHEN data_exception THEN
    RETURN NULL;
  END;
  IF provider = 'webhook' THEN
    named := (switchboard._reported_call(fields)).account_id;
    SELECT a.* INTO account FROM switchboard.provider_accounts a WHERE a.id = named AND a.provider = 'webhook';
    RETURN account;
  END IF;
  ids := jsonb_strip_nulls(jsonb_build_object(
    'account_sid', fields -> 'AccountSid', 'customer_id', fields -> 'customer_id', 'agent_id', fields -> 'bot_id',
    'application_id', switchboard._bearer_claims(headers) -> 'application_id'));
  SELECT a.* INTO account FROM switchboard.provider_accounts a
  WHERE a.provider = _webhook_account.provider
    AND EXISTS (SELECT FROM jsonb_each_text(ids) i WHERE a.settings ->> i.key = i.value);
  -- Only if it can mean one account: two tenants may hold the same one.
  IF (SELECT count(*) FROM switchboard.provider_accounts o
      WHERE o.provider = _webhook_account.provider
        AND EXISTS (SELECT FROM jsonb_each_text(ids) i WHERE o.settings ->> i.key = i.value)) <> 1 THEN
    RETURN NULL;
  END IF;
  RETURN account;
END
$$;
COMMENT ON FUNCTION switchboard._webhook_account(text, uuid, jsonb, boolean, jsonb, bytea) IS
  'The account a webhook is for: the one given, else "account" of the URL''s query, else the only one that has the id the request
itself names (account_sid, customer_id, application_id, agent_id of its settings); of a report about a handed over call, the account
of that call. NULL if there is none.';
REVOKE ALL ON FUNCTION switchboard._webhook_account(text, uuid, jsonb, boolean, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_is_genuine(
  account switchboard.provider_accounts, secret_name text, url text, headers jsonb, body bytea)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: opens a secret. It goes nowhere but into the comparison.
DECLARE
  secret  record;
  genuine boolean := false;
BEGIN
  FOR secret IN
    SELECT s.name, s.value FROM switchboard.provider_secrets s
    WHERE s.account_id = account.id AND s.name IN (secret_name, 'previous_' || secret_name)
  LOOP
    genuine := genuine OR switchboard.webhook_signature_ok(
      account.provider, switchboard._open_secret(secret.value, account.id || '/' || secret.name), url, headers, body);
  END LOOP;
  RETURN genuine;
END
$$;
COMMENT ON FUNCTION switchboard._webhook_is_genuine(switchboard.provider_accounts, text, text, jsonb, bytea) IS
  'Whether a webhook is signed with the account''s secret or, while that is being replaced, the one before (previous_...); false when
the account has none. Errors: as _open_secret().';
REVOKE ALL ON FUNCTION switchboard._webhook_is_genuine(switchboard.provider_accounts, text, text, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._try_webhook(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
-- A fault while acting does not undo the receipt of the event: the provider would not send it again for ever.
BEGIN
  CASE inbox.provider
    WHEN 'twilio' THEN RETURN switchboard._act_twilio(inbox, fields);
    WHEN 'vonage' THEN RETURN switchboard._act_vonage(inbox, fields);
    WHEN 'voipstudio' THEN RETURN switchboard._act_voipstudio(inbox, fields);
    WHEN 'omnidimension' THEN RETURN switchboard._act_omnidimension(inbox, fields);
    WHEN 'webhook' THEN RETURN switchboard._act_webhook(inbox, fields);
  END CASE;
EXCEPTION WHEN OTHERS THEN
  RETURN format('%s: %s', SQLSTATE, SQLERRM);
END
$$;
COMMENT ON FUNCTION switchboard._try_webhook(switchboard.webhook_inbox, jsonb) IS
  'Acts on an event of the inbox; NULL when that is done, else why not, and then nothing has been changed.';
REVOKE ALL ON FUNCTION switchboard._try_webhook(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_webhook_problem(inbox_id uuid, problem text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: writes the inbox of any tenant. Internal.
BEGIN
  UPDATE switchboard.webhook_inbox w
  SET processed_at = CASE WHEN w.attempts + 1 >= 10 THEN clock_timestamp() END, attempts = w.attempts + 1, error = problem
  WHERE w.id = inbox_id;
  PERFORM switchboard._wake();   -- so that a worker knows when to try again
END
$$;
COMMENT ON FUNCTION switchboard._note_webhook_problem(uuid, text) IS
  'Keeps an event of the inbox open with its problem, or gives it up after ten attempts.';
REVOKE ALL ON FUNCTION switchboard._note_webhook_problem(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_on_webhook(inbox_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal: the caller has locked the row.
DECLARE
  inbox   switchboard.webhook_inbox;
  problem text;
BEGIN
  SELECT w.* INTO STRICT inbox FROM switchboard.webhook_inbox w WHERE w.id = inbox_id;
  problem := switchboard._try_webhook(inbox, switchboard._webhook_fields(
    (SELECT r.form FROM switchboard._webhook_readers() r WHERE r.provider = inbox.provider), inbox.url, inbox.body));
  IF problem IS NULL THEN
    UPDATE switchboard.webhook_inbox w
    SET processed_at = clock_timestamp(), attempts = w.attempts + 1, error = NULL WHERE w.id = inbox_id;
  ELSE
    PERFORM switchboard._note_webhook_problem(inbox_id, problem);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_on_webhook(uuid) IS
  'Tries an open event of the inbox again; ten attempts in all, then it is given up and keeps its error.';
REVOKE ALL ON FUNCTION switchboard._act_on_webhook(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_retry_at(attempts int, tried_at timestamptz)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT tried_at + least(2 ^ attempts, 3600) * interval '1 second' $$;
COMMENT ON FUNCTION switchboard._webhook_retry_at(int, timestamptz) IS
  'When an event that could not be acted on is tried again: after 2, 4, 8 seconds and so on, an hour at most.';
REVOKE ALL ON FUNCTION switchboard._webhook_retry_at(int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._retry_webhooks(max_events int DEFAULT 100)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant. Cost: one index probe when nothing waits.
DECLARE
  event uuid;
  tried int := 0;
BEGIN
  FOR event IN
    SELECT w.id FROM switchboard.webhook_inbox w
    WHERE w.processed_at IS NULL AND switchboard._webhook_retry_at(w.attempts, w.updated_at) <= clock_timestamp()
    ORDER BY w.received_at LIMIT max_events FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    PERFORM switchboard._act_on_webhook(event);
    tried := tried + 1;
  END LOOP;
  RETURN tried;
END
$$;
COMMENT ON FUNCTION switchboard._retry_webhooks(int) IS
  'Tries events of the inbox again that could not be acted on; returns how many. Called ahead of claims, and harmless at any time.';
REVOKE ALL ON FUNCTION switchboard._retry_webhooks(int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._next_webhook_retry()
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: looks at every tenant. Cost: one index probe when nothing waits.
BEGIN
  RETURN (
  SELECT min(switchboard._webhook_retry_at(w.attempts, w.updated_at))
  FROM switchboard.webhook_inbox w WHERE w.processed_at IS NULL);
END
$$;
COMMENT ON FUNCTION switchboard._next_webhook_retry() IS 'When an event of the inbox is to be tried again; NULL: none is.';
REVOKE ALL ON FUNCTION switchboard._next_webhook_retry() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.receive_webhook(
  provider text, event text, headers jsonb, body bytea, url text DEFAULT NULL, account_id uuid DEFAULT NULL)
RETURNS switchboard.webhook_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: whoever passes a webhook on has no identity; the account names the tenant and its signature is the proof.
-- Nothing is written before the signature has been checked over the bytes as they came.
DECLARE
  reader      record;
  account     switchboard.provider_accounts;
  public_url  text := receive_webhook.url;
  fields      jsonb;
  thing       text;
  event_key   text;
  problem     text;
  inbox       switchboard.webhook_inbox;
BEGIN
  SELECT r.* INTO reader FROM switchboard._webhook_readers() r WHERE r.provider = receive_webhook.provider;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown provider: %', coalesce(receive_webhook.provider, 'null') USING ERRCODE = 'SB009',
      HINT = format('Webhooks are understood from %s.',
                    (SELECT string_agg(r.provider, ', ' ORDER BY r.provider) FROM switchboard._webhook_readers() r));
  END IF;
  IF jsonb_typeof(receive_webhook.headers) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'headers must be a JSON object' USING ERRCODE = '22023';
  END IF;
  account := switchboard._webhook_account(receive_webhook.provider, receive_webhook.account_id,
               switchboard._url_query(public_url), reader.form, receive_webhook.headers, coalesce(receive_webhook.body, ''));
  IF account.id IS NULL THEN
    RETURN (404, 'text/plain', 'no such account')::switchboard.webhook_response;
  END IF;
  public_url := coalesce(public_url, rtrim(account.settings ->> 'public_url', '/') || '/api/webhooks/' || account.provider || '/'
                                     || coalesce(receive_webhook.event, ''), '');
  IF NOT switchboard._webhook_is_genuine(account, reader.secret_name, public_url, receive_webhook.headers,
                                         coalesce(receive_webhook.body, '')) THEN
    RETURN (403, 'text/plain', 'bad signature')::switchboard.webhook_response;
  END IF;

  BEGIN
    fields := switchboard._webhook_fields(reader.form, public_url, coalesce(receive_webhook.body, ''));
    CASE account.provider
      WHEN 'twilio' THEN SELECT r.* INTO thing, event_key FROM switchboard._read_twilio(receive_webhook.event, fields) r;
      WHEN 'vonage' THEN SELECT r.* INTO thing, event_key FROM switchboard._read_vonage(receive_webhook.event, fields) r;
      WHEN 'voipstudio' THEN SELECT r.* INTO thing, event_key FROM switchboard._read_voipstudio(receive_webhook.event, fields) r;
      WHEN 'omnidimension' THEN SELECT r.* INTO thing, event_key FROM switchboard._read_omnidimension(receive_webhook.event, fields) r;
      WHEN 'webhook' THEN SELECT r.* INTO thing, event_key
                          FROM switchboard._read_webhook(receive_webhook.event, fields, receive_webhook.headers, account.id) r;
    END CASE;
  EXCEPTION WHEN data_exception THEN
    problem := format('cannot be read: %s', SQLERRM);
    event_key := 'unreadable:' || encode(sha256(coalesce(receive_webhook.body, '')), 'hex');
  END;

  -- A repeat waits here for the first one to commit, and then finds it.
  -- Written as processed: only what goes wrong costs an update, and the index of open events stays empty.
  INSERT INTO switchboard.webhook_inbox AS w
    (tenant_id, account_id, provider, event, external_id, dedupe_key, url, headers, body, signature_ok, processed_at,
     error)
  VALUES (account.tenant_id, account.id, account.provider, coalesce(receive_webhook.event, ''), thing, event_key,
          switchboard._url_to_keep(public_url),
          switchboard._headers_to_keep(receive_webhook.headers), coalesce(receive_webhook.body, ''), true,
          clock_timestamp(), problem)
  ON CONFLICT (tenant_id, provider, dedupe_key) DO UPDATE SET repeats = w.repeats + 1
  RETURNING w.* INTO inbox;
  IF problem IS NOT NULL THEN
    RETURN (400, 'text/plain', problem)::switchboard.webhook_response;
  END IF;

  IF inbox.repeats = 0 THEN
    problem := switchboard._try_webhook(inbox, fields);
    IF problem IS NOT NULL THEN
      PERFORM switchboard._note_webhook_problem(inbox.id, problem);
    END IF;
  END IF;
  RETURN (200, reader.reply_type,
          coalesce(switchboard._webhook_reply(account, receive_webhook.event, public_url, fields), reader.reply)
         )::switchboard.webhook_response;
END
$$;
COMMENT ON FUNCTION switchboard.receive_webhook(text, text, jsonb, bytea, text, uuid) IS
  'Takes a webhook of a provider (twilio, vonage, voipstudio, omnidimension; webhook: the report of an external call system). url: as the provider called it, query included; account_id, else "account" of
that query, else an id in the request itself says whose it is. Returns what to answer: 200 and what the provider expects; 403 bad
signature, nothing is kept; 400 cannot be read, kept in webhook_inbox; 404 no such account. A repeat is recorded once and acted on
once; what could not be acted on is kept with its error and tried again. Errors: SB009 unknown provider, 22023 headers are no object.';
REVOKE ALL ON FUNCTION switchboard.receive_webhook(text, text, jsonb, bytea, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._headers_to_keep(headers jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans.
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(lower(h.key), h.value), '{}')
    FROM jsonb_each(headers) h
    WHERE lower(h.key) NOT IN ('authorization', 'cookie', 'proxy-authorization', 'x-webhook-token'));
END
$$;
COMMENT ON FUNCTION switchboard._headers_to_keep(jsonb) IS 'Headers without those that carry secrets.';
REVOKE ALL ON FUNCTION switchboard._headers_to_keep(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._url_to_keep(url text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans. Nearly always there is nothing to do.
BEGIN
  IF strpos(url, 'token=') = 0 THEN
    RETURN url;
  END IF;
  RETURN regexp_replace(url, '([?&]token=)[^&#]*', '\1***', 'g');
END
$$;
COMMENT ON FUNCTION switchboard._url_to_keep(text) IS 'A URL without the secret that it may carry in token.';
REVOKE ALL ON FUNCTION switchboard._url_to_keep(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_reply(
  account switchboard.provider_accounts, event text, url text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal.
BEGIN
  IF account.provider = 'twilio' AND switchboard._is_twilio_inbound(event, fields) THEN
    RETURN switchboard._inbound_reply(account, NULL, event, url, fields);
  ELSIF account.provider = 'twilio' THEN
    RETURN switchboard._twilio_reply(account, event, switchboard._uuid_or_null(switchboard._url_query(url) ->> 'call'), fields);
  ELSIF account.provider = 'vonage' THEN
    RETURN switchboard._vonage_reply(account, event, url, fields);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._webhook_reply(switchboard.provider_accounts, text, text, jsonb) IS
  'What to answer a provider that asks what to do; NULL when it does not ask.';
REVOKE ALL ON FUNCTION switchboard._webhook_reply(switchboard.provider_accounts, text, text, jsonb) FROM PUBLIC;
