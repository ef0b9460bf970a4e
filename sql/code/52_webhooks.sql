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
         ('whatsapp', 'app_secret', false, 'application/json', '{}'),
         ('mtn', 'webhook_token', false, 'application/json', '{}'),
         ('openai', 'webhook_secret', false, 'application/json', '{}'),
         ('asterisk', 'webhook_token', false, 'application/json', '{}'),
         ('webhook', 'signing_secret', false, 'application/json', '{}')
$$;
COMMENT ON FUNCTION switchboard._webhook_readers() IS
  'Providers whose webhooks are understood: the secret they are checked with, whether the body is a form whatever its content-type
says (else JSON, or a form if it says so), and the reply when there is nothing to say.';
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

-- Inlined by the planner, hence no SET clause. Headers as _headers_to_keep() gives them.
CREATE OR REPLACE FUNCTION switchboard._is_form(always boolean, headers jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT always OR coalesce(lower(headers ->> 'content-type') LIKE 'application/x-www-form-urlencoded%', false) $$;
COMMENT ON FUNCTION switchboard._is_form(boolean, jsonb) IS 'Whether the body of a webhook is a form: always, or by its content-type.';
REVOKE ALL ON FUNCTION switchboard._is_form(boolean, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_fields(is_form boolean, url text, body bytea)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Without a body it is a GET: its fields are those of the URL. A NUL, which customers can write and jsonb cannot hold, is read as U+FFFD:
-- it must not take the message, and those of others in the same post, away.
DECLARE
  told   text;
  fields jsonb;
BEGIN
  IF octet_length(body) = 0 THEN
    RETURN switchboard._url_query(url);
  ELSIF is_form THEN
    RETURN switchboard._parse_form(body)::jsonb;
  END IF;
  told := convert_from(body, 'UTF8');
  IF strpos(told, '\u0000') > 0 THEN
    told := regexp_replace(told, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g');
  END IF;
  fields := told::jsonb;
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

CREATE OR REPLACE FUNCTION switchboard._webhook_ids(provider text, fields jsonb, headers jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  claims jsonb;
BEGIN
  CASE provider
    WHEN 'twilio' THEN RETURN jsonb_build_object('account_sid', fields -> 'AccountSid');
    WHEN 'vonage' THEN
      claims := switchboard._bearer_claims(headers);
      RETURN jsonb_build_object('application_id', claims -> 'application_id',
                                'api_key', coalesce(claims -> 'api_key', fields -> 'api-key'));
    WHEN 'voipstudio' THEN RETURN jsonb_build_object('customer_id', fields -> 'customer_id');
    WHEN 'omnidimension' THEN RETURN jsonb_build_object('agent_id', fields -> 'bot_id');
    WHEN 'asterisk' THEN RETURN jsonb_build_object('asterisk_id', fields -> 'asterisk_id');
    ELSE RETURN '{}';
  END CASE;
END
$$;
COMMENT ON FUNCTION switchboard._webhook_ids(text, jsonb, jsonb) IS
  'The ids in a webhook that an account can be told by, under the names that its settings have for them.';
REVOKE ALL ON FUNCTION switchboard._webhook_ids(text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._webhook_accounts(provider text, fields jsonb, headers jsonb, genuine uuid[] DEFAULT NULL)
RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the sender has no identity yet; whose webhook it is follows from the account, and the signature proves it.
BEGIN
  IF provider = 'webhook' THEN
    RETURN ARRAY(SELECT a.id FROM switchboard.provider_accounts a
                 WHERE a.id = (switchboard._reported_call(fields)).account_id AND a.provider = 'webhook');
  ELSIF provider = 'whatsapp' THEN
    RETURN switchboard._whatsapp_accounts(fields, genuine);
  END IF;
  RETURN (
    SELECT CASE WHEN genuine IS NULL OR count(*) = 1 THEN coalesce(array_agg(a.id), '{}') ELSE '{}' END
    FROM switchboard.provider_accounts a
    WHERE a.provider = _webhook_accounts.provider AND (genuine IS NULL OR a.id = ANY (genuine))
      AND EXISTS (SELECT FROM jsonb_each_text(switchboard._webhook_ids(a.provider, fields, headers)) i
                  WHERE a.settings ->> i.key = i.value));
END
$$;
COMMENT ON FUNCTION switchboard._webhook_accounts(text, jsonb, jsonb, uuid[]) IS
  'The accounts that a webhook may be for by the ids in it: those that have such an id in their settings; of a report about a handed over
call, the account of that call. With genuine (accounts whose secret proves the webhook): those of them that are the only one with their
id, for two may hold the same id and the same secret, and then it is nobody''s.';
REVOKE ALL ON FUNCTION switchboard._webhook_accounts(text, jsonb, jsonb, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._named_accounts(provider text, account_id uuid, query jsonb, is_form boolean, headers jsonb, body bytea)
RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _webhook_accounts(). Cost: a key probe when the account is named; else all accounts of the provider are looked at.
DECLARE
  named uuid := coalesce(account_id, switchboard._uuid_or_null(query ->> 'account'));
BEGIN
  IF named IS NOT NULL OR query ? 'account' THEN
    RETURN ARRAY(SELECT a.id FROM switchboard.provider_accounts a WHERE a.id = named AND a.provider = _named_accounts.provider);
  END IF;
  BEGIN
    RETURN switchboard._webhook_accounts(provider, switchboard._webhook_fields(is_form, NULL, body), headers);
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN '{}';
  END;
END
$$;
COMMENT ON FUNCTION switchboard._named_accounts(text, uuid, jsonb, boolean, jsonb, bytea) IS
  'The accounts a webhook may be for: the one given, else "account" of the URL''s query, else those that the request itself names.';
REVOKE ALL ON FUNCTION switchboard._named_accounts(text, uuid, jsonb, boolean, jsonb, bytea) FROM PUBLIC;

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

CREATE OR REPLACE FUNCTION switchboard._genuine_accounts(
  accounts uuid[], secret_name text, event text, url text, is_form boolean, kept jsonb, headers jsonb, body bytea)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _webhook_is_genuine(). Whoever enters somebody else's id in an account of their own must not keep that one's
-- webhooks away, neither by being a second one nor by a secret that cannot be opened.
DECLARE
  account switchboard.provider_accounts;
  genuine uuid[] := '{}';
  unsure  uuid[] := '{}';
BEGIN
  FOR account IN SELECT a.* FROM switchboard.provider_accounts a WHERE a.id = ANY (accounts) ORDER BY a.id LOOP
    BEGIN
      IF switchboard._webhook_is_genuine(account, secret_name, switchboard._called_url(account, url, event, kept), headers, body) THEN
        genuine := genuine || account.id;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      unsure := unsure || account.id;
    END;
  END LOOP;
  IF genuine = '{}' THEN
    RETURN nullif(unsure, '{}');
  END IF;
  RETURN switchboard._webhook_accounts(account.provider, switchboard._webhook_fields(is_form, NULL, body), headers, genuine);
END
$$;
COMMENT ON FUNCTION switchboard._genuine_accounts(uuid[], text, text, text, boolean, jsonb, jsonb, bytea) IS
  'Of several accounts that a webhook may be for those that it is for: their secret proves it, and no other such account holds the same
id. NULL: no secret proves it. When none does and some cannot be opened: these, so that the fault is seen where they are asked alone.';
REVOKE ALL ON FUNCTION switchboard._genuine_accounts(uuid[], text, text, text, boolean, jsonb, jsonb, bytea) FROM PUBLIC;

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
    WHEN 'whatsapp' THEN RETURN switchboard._act_whatsapp(inbox, fields);
    WHEN 'mtn' THEN RETURN switchboard._act_mtn(inbox, fields);
    WHEN 'openai' THEN RETURN switchboard._act_openai(inbox, fields);
    WHEN 'asterisk' THEN RETURN switchboard._act_asterisk(inbox, fields);
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
    switchboard._is_form((SELECT r.form FROM switchboard._webhook_readers() r WHERE r.provider = inbox.provider), inbox.headers),
    inbox.url, inbox.body));
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

CREATE OR REPLACE FUNCTION switchboard._act_on_waiting(tenant uuid, provider text, external_id text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal. Cost: one index probe when nothing waits.
-- One that another session holds is being tried there, or will be when it is due.
DECLARE
  waiting uuid;
BEGIN
  FOR waiting IN
    SELECT w.id FROM switchboard.webhook_inbox w
    WHERE w.tenant_id = tenant AND w.provider = _act_on_waiting.provider AND w.external_id = _act_on_waiting.external_id
      AND w.processed_at IS NULL
    ORDER BY w.received_at FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    PERFORM switchboard._act_on_webhook(waiting);
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._act_on_waiting(uuid, text, text) IS
  'Tries the events again that came before the call or message was known under that id of the provider.';
REVOKE ALL ON FUNCTION switchboard._act_on_waiting(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._called_url(account switchboard.provider_accounts, url text, event text, headers jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A front behind a proxy cannot know the address that the provider has called: the public one counts where it is set.
BEGIN
  IF url NOT LIKE '/%' THEN
    RETURN url;
  END IF;
  RETURN coalesce(switchboard._public_url(account),
                  coalesce(headers ->> 'x-forwarded-proto', 'https') || '://'
                    || coalesce(headers ->> 'x-forwarded-host', headers ->> 'host', 'localhost'))
         || coalesce(url, '/api/webhooks/' || account.provider || '/' || coalesce(event, ''));
END
$$;
COMMENT ON FUNCTION switchboard._called_url(switchboard.provider_accounts, text, text, jsonb) IS
  'The URL as the provider called it. One that begins with a slash is below the public address of the account or the installation, else
below the host that the headers name.';
REVOKE ALL ON FUNCTION switchboard._called_url(switchboard.provider_accounts, text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_event(
  account switchboard.provider_accounts, event text, fields jsonb, headers jsonb, body bytea, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  CASE account.provider
    WHEN 'twilio' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_twilio(event, fields) r;
    WHEN 'vonage' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_vonage(event, fields) r;
    WHEN 'voipstudio' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_voipstudio(event, fields) r;
    WHEN 'omnidimension' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_omnidimension(event, fields) r;
    WHEN 'whatsapp' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_whatsapp(account.id, fields, body) r;
    WHEN 'mtn' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_mtn(account.id, event, fields, body) r;
    WHEN 'openai' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_openai(account.id, fields, headers) r;
    WHEN 'asterisk' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_asterisk(account.id, fields) r;
    WHEN 'webhook' THEN SELECT r.* INTO external_id, dedupe_key FROM switchboard._read_webhook(event, fields, headers, account.id) r;
  END CASE;
END
$$;
COMMENT ON FUNCTION switchboard._read_event(switchboard.provider_accounts, text, jsonb, jsonb, bytea) IS
  'What a webhook is about (the provider''s id of it) and what makes it one event. Errors: 22023 when it makes no sense.';
REVOKE ALL ON FUNCTION switchboard._read_event(switchboard.provider_accounts, text, jsonb, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_webhook(
  account switchboard.provider_accounts, event text, url text, is_form boolean, headers jsonb, body bytea,
  OUT fields jsonb, OUT problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine.
DECLARE
  thing     text;
  event_key text;
  failed    text;
  inbox     switchboard.webhook_inbox;
BEGIN
  BEGIN
    fields := switchboard._webhook_fields(_take_webhook.is_form, _take_webhook.url, _take_webhook.body);
    SELECT r.* INTO thing, event_key
    FROM switchboard._read_event(_take_webhook.account, _take_webhook.event, _take_webhook.fields, _take_webhook.headers,
                                 _take_webhook.body) r;
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    problem := format('cannot be read: %s', SQLERRM);
    event_key := 'unreadable:' || encode(sha256(_take_webhook.body), 'hex');
  END;
  IF length(event_key) > 300 THEN   -- more than an index takes
    event_key := left(event_key, 200) || ':' || encode(sha256(convert_to(event_key, 'UTF8')), 'hex');
  END IF;

  -- A repeat waits here for the first one to commit, and then finds it.
  -- Written as processed: only what goes wrong costs an update, and the index of open events stays empty.
  INSERT INTO switchboard.webhook_inbox AS w
    (tenant_id, account_id, provider, event, external_id, dedupe_key, url, headers, body, signature_ok, processed_at,
     error)
  VALUES (account.tenant_id, account.id, account.provider, coalesce(_take_webhook.event, ''), thing, event_key,
          switchboard._url_to_keep(_take_webhook.url), _take_webhook.headers, _take_webhook.body, true,
          clock_timestamp(), problem)
  ON CONFLICT (tenant_id, provider, dedupe_key) DO UPDATE SET repeats = w.repeats + 1
  RETURNING w.* INTO inbox;
  IF problem IS NULL AND inbox.repeats = 0 THEN
    failed := switchboard._try_webhook(inbox, fields);
    IF failed IS NOT NULL THEN
      PERFORM switchboard._note_webhook_problem(inbox.id, failed);
    END IF;
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._take_webhook(switchboard.provider_accounts, text, text, boolean, jsonb, bytea) IS
  'Keeps a genuine webhook and acts on it, unless it is a repeat. Returns what it says, or (problem) why it cannot be read. headers are
those to keep.';
REVOKE ALL ON FUNCTION switchboard._take_webhook(switchboard.provider_accounts, text, text, boolean, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._receive_for_each(
  provider text, event text, headers jsonb, body bytea, url text, accounts uuid[])
RETURNS switchboard.webhook_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as receive_webhook(), which checks the signature for each of the accounts. In their order: two posts about the same
-- accounts never wait for each other in a circle.
DECLARE
  answers switchboard.webhook_response[] := ARRAY(
    SELECT switchboard.receive_webhook(provider, event, headers, body, url, a)
    FROM (SELECT unnest(accounts) AS a ORDER BY 1) s);
BEGIN
  RETURN (SELECT (n.status, n.content_type, n.body)::switchboard.webhook_response
          FROM unnest(answers) n ORDER BY n.status LIMIT 1);
END
$$;
COMMENT ON FUNCTION switchboard._receive_for_each(text, text, jsonb, bytea, text, uuid[]) IS
  'Takes a webhook that is about several accounts, for each of them; answers with the best of what they answer.';
REVOKE ALL ON FUNCTION switchboard._receive_for_each(text, text, jsonb, bytea, text, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.receive_webhook(
  provider text, event text, headers jsonb, body bytea, url text DEFAULT NULL, account_id uuid DEFAULT NULL)
RETURNS switchboard.webhook_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: whoever passes a webhook on has no identity; the account names the tenant and its signature is the proof.
-- Nothing is written before the signature has been checked over the bytes as they came.
DECLARE
  reader   record;
  account  switchboard.provider_accounts;
  accounts uuid[];
  bytes    bytea := coalesce(receive_webhook.body, '');
  kept     jsonb;
  is_form  boolean;
  called   text;
  taken    record;
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
  kept := switchboard._headers_to_keep(receive_webhook.headers);
  is_form := switchboard._is_form(reader.form, kept);
  accounts := switchboard._named_accounts(receive_webhook.provider, receive_webhook.account_id,
                switchboard._url_query(receive_webhook.url), is_form, receive_webhook.headers, bytes);
  IF cardinality(accounts) > 1 THEN
    accounts := switchboard._genuine_accounts(accounts, reader.secret_name, receive_webhook.event, receive_webhook.url, is_form, kept,
                                              receive_webhook.headers, bytes);
    IF accounts IS NULL THEN
      RETURN (403, 'text/plain', 'bad signature')::switchboard.webhook_response;
    END IF;
  END IF;
  IF cardinality(accounts) > 1 THEN
    RETURN switchboard._receive_for_each(receive_webhook.provider, receive_webhook.event, receive_webhook.headers, bytes,
                                         receive_webhook.url, accounts);
  END IF;
  SELECT a.* INTO account FROM switchboard.provider_accounts a WHERE a.id = accounts[1];
  IF NOT FOUND THEN
    RETURN (404, 'text/plain', 'no such account')::switchboard.webhook_response;
  END IF;
  called := switchboard._called_url(account, receive_webhook.url, receive_webhook.event, kept);
  IF reader.provider = 'whatsapp' AND bytes = '' THEN
    RETURN switchboard._whatsapp_challenge(account, called, receive_webhook.headers);
  END IF;
  IF NOT switchboard._webhook_is_genuine(account, reader.secret_name, called, receive_webhook.headers, bytes) THEN
    RETURN (403, 'text/plain', 'bad signature')::switchboard.webhook_response;
  END IF;
  taken := switchboard._take_webhook(account, receive_webhook.event, called, is_form, kept, bytes);
  IF taken.problem IS NOT NULL THEN
    RETURN (400, 'text/plain', taken.problem)::switchboard.webhook_response;
  END IF;
  RETURN (200, reader.reply_type,
          coalesce(switchboard._webhook_reply(account, receive_webhook.event, called, taken.fields), reader.reply)
         )::switchboard.webhook_response;
END
$$;
COMMENT ON FUNCTION switchboard.receive_webhook(text, text, jsonb, bytea, text, uuid) IS
  'Takes a webhook of a provider (asterisk, mtn, omnidimension, openai, twilio, voipstudio, vonage, whatsapp; webhook: any other system).
url: as the provider called it, query included; if it begins with a slash, below the public address (settings.public_url of the account,
else switchboard.public_url). account_id, else "account" of that query, else an id in the request itself says whose it is. Returns what
to answer: 200 and what the provider expects; 403 bad signature, nothing is kept; 400 cannot be read, kept in webhook_inbox; 404 no such
account. A repeat is recorded once and acted on once; what could not be acted on is kept with its error and tried again. Errors: SB009
unknown provider, 22023 headers are no object.';
REVOKE ALL ON FUNCTION switchboard.receive_webhook(text, text, jsonb, bytea, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._headers_to_keep(headers jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans. A URL can carry a secret, too.
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(lower(h.key), h.value), '{}')
    FROM jsonb_each(headers) h
    WHERE lower(h.key) NOT IN ('authorization', 'cookie', 'proxy-authorization', 'x-webhook-token', 'x-api-key', 'x-request-target',
                               'x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-forwarded-uri', 'referer'));
END
$$;
COMMENT ON FUNCTION switchboard._headers_to_keep(jsonb) IS 'Headers, their names in lower case, without those that can carry secrets.';
REVOKE ALL ON FUNCTION switchboard._headers_to_keep(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._url_to_keep(url text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans. Nearly always there is nothing to do.
BEGIN
  IF url !~* 'token=|@|/api/webhooks/[^/?#]+/[^/?#]+/' THEN
    RETURN url;
  END IF;
  RETURN regexp_replace(regexp_replace(regexp_replace(url,
    '([?&][^=&#]*token=)[^&#]*', '\1***', 'gi'),
    '(/api/webhooks/[^/?#]+/[^/?#]+/)[^?#]+', '\1***'),
    '^([^:/?#]+://)[^/?#@]*@', '\1***@');
END
$$;
COMMENT ON FUNCTION switchboard._url_to_keep(text) IS
  'A URL without the secrets that it may carry: before its host, as last part of its path, in token.';
REVOKE ALL ON FUNCTION switchboard._url_to_keep(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_told_call(
  inbox switchboard.webhook_inbox, provider_call_id text, from_number text, to_number text, at timestamptz, raw jsonb)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
DECLARE
  account switchboard.provider_accounts;
  call    uuid;
  log     switchboard.call_logs;
BEGIN
  SELECT a.* INTO account FROM switchboard.provider_accounts a WHERE a.id = inbox.account_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such provider account: %', inbox.account_id USING ERRCODE = 'P0002';
  END IF;
  call := switchboard._take_inbound_call(inbox.tenant_id, account, provider_call_id, from_number, to_number, at, raw);
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._take_told_call(switchboard.webhook_inbox, text, text, text, timestamptz, jsonb) IS
  'Records a call that a customer makes, as an event of the inbox tells, see _take_inbound_call(). Errors: P0002 its account is gone.';
REVOKE ALL ON FUNCTION switchboard._take_told_call(switchboard.webhook_inbox, text, text, text, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_delivery(
  inbox switchboard.webhook_inbox, delivery text, provider_id text, status switchboard.delivery_status, at timestamptz, code text,
  problem text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. News that overtake the answer to our request wait until the
-- message is known; a status that we do not know is no fault.
DECLARE
  sent uuid := switchboard._uuid_or_null(delivery);
BEGIN
  IF status IS NULL
     OR switchboard._apply_message_status(inbox.tenant_id, inbox.provider, sent, provider_id, status, at, left(code, 100), left(problem, 1000))
     OR EXISTS (SELECT FROM switchboard.message_delivery_log d
                WHERE d.tenant_id = inbox.tenant_id
                  AND (d.id = sent OR d.provider = inbox.provider AND d.provider_message_id = provider_id)) THEN
    RETURN NULL;
  END IF;
  RETURN 'unknown message';
END
$$;
COMMENT ON FUNCTION switchboard._note_delivery(switchboard.webhook_inbox, text, text, switchboard.delivery_status, timestamptz, text, text) IS
  'What a provider says became of a message that we sent: found by our id (delivery) where it comes back, else by the provider''s. NULL
when that is done, else why not.';
REVOKE ALL ON FUNCTION switchboard._note_delivery(switchboard.webhook_inbox, text, text, switchboard.delivery_status, timestamptz, text, text)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._plan_reply(account switchboard.provider_accounts, event text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine, and what it says has been acted on. A fault must
-- not cost the caller their call: they are asked to wait, and what to do is asked again.
DECLARE
  call uuid;
BEGIN
  IF NOT (account.provider = 'asterisk' AND coalesce(fields ->> 'type' = 'StasisStart', false)
          OR account.provider = 'webhook' AND event = 'incoming' AND coalesce(account.settings -> 'plans' = 'true', false)) THEN
    RETURN NULL;
  END IF;
  SELECT c.id INTO call FROM switchboard.call_logs c
  WHERE c.tenant_id = account.tenant_id AND c.provider = account.provider AND c.direction = 'inbound'
    AND c.call_id = coalesce(fields #>> '{channel,id}', fields ->> 'call_id');
  IF NOT FOUND THEN
    RETURN CASE WHEN NOT coalesce(fields -> 'args' @> '["agent"]', false) THEN '{"action": "wait"}' END;
  END IF;
  IF fields ->> 'key' <> '' THEN
    PERFORM switchboard._inbound_key(call, fields ->> 'key', clock_timestamp());
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object('callId', call, 'greeting', switchboard._inbound_greeting(call)))
         || switchboard._inbound_plan(call, clock_timestamp());
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'inbound call % of account % cannot be answered: SQLSTATE %: %', call, account.id, SQLSTATE, SQLERRM;
  RETURN '{"action": "wait"}';
END
$$;
COMMENT ON FUNCTION switchboard._plan_reply(switchboard.provider_accounts, text, jsonb) IS
  'What whoever runs Asterisk, or another system whose account has settings.plans, is to do with a call that comes in: a plan of
_inbound_plan() as JSON, with callId and greeting. NULL for events that only tell.';
REVOKE ALL ON FUNCTION switchboard._plan_reply(switchboard.provider_accounts, text, jsonb) FROM PUBLIC;

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
  RETURN switchboard._plan_reply(account, event, fields);
END
$$;
COMMENT ON FUNCTION switchboard._webhook_reply(switchboard.provider_accounts, text, text, jsonb) IS
  'What to answer a provider that asks what to do; NULL when it does not ask.';
REVOKE ALL ON FUNCTION switchboard._webhook_reply(switchboard.provider_accounts, text, text, jsonb) FROM PUBLIC;
