-- What Meta says about WhatsApp (Cloud API). JSON: entry[] -> changes[] -> value, with any number of messages and statuses in one
-- post; each of them is acted on once by its own id, however they are put together when they are sent again. Several numbers, perhaps
-- of several accounts, may share one address: each account acts on what is about its own.

CREATE OR REPLACE FUNCTION switchboard._whatsapp_values(fields jsonb, field text)
RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_path_query(fields, '$.entry[*].changes[*] ? (@.field == $field).value', jsonb_build_object('field', field))
$$;
COMMENT ON FUNCTION switchboard._whatsapp_values(jsonb, text) IS 'The values of all changes of that field in a post.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_values(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._whatsapp_accounts(fields jsonb, genuine uuid[])
RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: the sender has no identity yet; the signature is proved for each account by itself.
  -- A question (no body) is for the only account there is.
  SELECT ARRAY(
    SELECT DISTINCT unnest(held.accounts)
    FROM (
      SELECT array_agg(a.id) AS accounts
      FROM switchboard.provider_accounts a
      LEFT JOIN LATERAL (
        SELECT v.id #>> '{}' AS id, 'phone_number_id' AS name
        FROM jsonb_path_query(fields, '$.entry[*].changes[*].value.metadata.phone_number_id') AS v (id)
        UNION
        SELECT v.id #>> '{}', 'waba_id' FROM jsonb_path_query(fields, '$.entry[*].id') AS v (id)
      ) told ON a.settings ->> told.name = told.id
      WHERE a.provider = 'whatsapp' AND (told.id IS NOT NULL OR NOT fields ? 'entry') AND (genuine IS NULL OR a.id = ANY (genuine))
      GROUP BY told.name, told.id
      HAVING count(*) = 1 OR (genuine IS NULL AND fields ? 'entry')) held)
$$;
COMMENT ON FUNCTION switchboard._whatsapp_accounts(jsonb, uuid[]) IS
  'The accounts that a post is about: those with one of its numbers (settings.phone_number_id) or business accounts (settings.waba_id);
with genuine, those of them that are the only one with it.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_accounts(jsonb, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._whatsapp_challenge(account switchboard.provider_accounts, url text, headers jsonb)
RETURNS switchboard.webhook_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _webhook_is_genuine(), which opens the secret. Nothing is written.
DECLARE
  challenge text := switchboard._url_query(url) ->> 'hub.challenge';
BEGIN
  IF length(challenge) BETWEEN 1 AND 1000 AND switchboard._webhook_is_genuine(account, 'verify_token', url, headers, '') THEN
    RETURN (200, 'text/plain', challenge)::switchboard.webhook_response;
  END IF;
  RETURN (403, 'text/plain', 'bad verify token')::switchboard.webhook_response;
END
$$;
COMMENT ON FUNCTION switchboard._whatsapp_challenge(switchboard.provider_accounts, text, jsonb) IS
  'Answers Meta, which asks for the verify token when the address is set up: with its challenge, or 403.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_challenge(switchboard.provider_accounts, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_whatsapp(
  account uuid, fields jsonb, body bytea, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids jsonb := jsonb_path_query_array(fields, '$.entry[*].changes[*].value.*[*].id');
BEGIN
  IF jsonb_typeof(fields -> 'entry') IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION 'no list "entry"' USING ERRCODE = '22023';
  END IF;
  -- News of one message are found by its id when that becomes known.
  external_id := CASE WHEN jsonb_array_length(ids) = 1 AND length(ids ->> 0) <= 500 THEN ids ->> 0 END;
  dedupe_key := concat_ws(':', 'post', account, encode(sha256(body), 'hex'));
END
$$;
COMMENT ON FUNCTION switchboard._read_whatsapp(uuid, jsonb, bytea) IS
  'What a post of WhatsApp is about, when it is about one message, and what makes it one: the account and its bytes. Errors: 22023 when
it has no entries.';
REVOKE ALL ON FUNCTION switchboard._read_whatsapp(uuid, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._whatsapp_time(value text, received timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- What could not be delivered to us is sent again for a week.
DECLARE
  told timestamptz := switchboard._text_timestamp(value);
BEGIN
  RETURN CASE WHEN told > received - interval '8 days' THEN least(told, received) ELSE received END;
END
$$;
COMMENT ON FUNCTION switchboard._whatsapp_time(text, timestamptz) IS 'When a message was written; when it came if that is not to be believed.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_time(text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._whatsapp_text(message jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(message #>> '{text,body}', message #>> '{button,text}', message #>> '{interactive,button_reply,title}',
                  message #>> '{interactive,list_reply,title}', message #>> '{reaction,emoji}',
                  message #>> ARRAY[message ->> 'type', 'caption'],
                  nullif(concat_ws(', ', message #>> '{location,name}', message #>> '{location,address}'), ''), '')
$$;
COMMENT ON FUNCTION switchboard._whatsapp_text(jsonb) IS
  'The words of a message: text, caption, what was chosen, the emoji of a reaction, the place; empty when it has none.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_text(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._whatsapp_media(message jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN message ->> 'type' IN ('image', 'video', 'document', 'sticker', 'audio')
              THEN jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
                     'id', m -> 'id', 'url', m -> 'url', 'type', m -> 'mime_type', 'name', m -> 'filename', 'sha256', m -> 'sha256')))
              ELSE '[]' END
  FROM (SELECT message -> (message ->> 'type') AS m) v
$$;
COMMENT ON FUNCTION switchboard._whatsapp_media(jsonb) IS
  'What is attached to a message: [{"id", "url", "type", "name", "sha256"}]; fetched by GET /{id} with the account''s token.';
REVOKE ALL ON FUNCTION switchboard._whatsapp_media(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_whatsapp_message(inbox switchboard.webhook_inbox, message jsonb, value jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. That somebody changed their number is no message of theirs.
  SELECT switchboard._take_message(
    inbox.tenant_id, inbox.account_id, 'whatsapp', switchboard._international(message ->> 'from'),
    switchboard._international(value #>> '{metadata,display_phone_number}'), switchboard._whatsapp_text(message),
    switchboard._whatsapp_media(message), message ->> 'id', switchboard._whatsapp_time(message ->> 'timestamp', inbox.received_at),
    jsonb_strip_nulls(jsonb_build_object(
      'type', message -> 'type', 'context', message -> 'context', 'referral', message -> 'referral', 'button', message -> 'button',
      'interactive', message -> 'interactive', 'location', message -> 'location', 'reaction', message -> 'reaction',
      'contacts', message -> 'contacts', 'errors', message -> 'errors',
      'profile_name', (SELECT c.person #> '{profile,name}' FROM jsonb_path_query(value, '$.contacts[*]') AS c (person)
                       WHERE c.person ->> 'wa_id' = message ->> 'from' LIMIT 1))))
  WHERE message ->> 'type' IS DISTINCT FROM 'system' AND message ->> 'id' <> ''
$$;
COMMENT ON FUNCTION switchboard._act_whatsapp_message(switchboard.webhook_inbox, jsonb, jsonb) IS 'Takes a message that somebody sent by WhatsApp.';
REVOKE ALL ON FUNCTION switchboard._act_whatsapp_message(switchboard.webhook_inbox, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_whatsapp_status(inbox switchboard.webhook_inbox, status jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Statuses of calls are of another kind.
BEGIN
  IF status ->> 'type' = 'call' THEN
    RETURN NULL;
  END IF;
  RETURN switchboard._note_delivery(inbox, status ->> 'biz_opaque_callback_data', status ->> 'id',
    CASE WHEN status ->> 'status' IN ('sent', 'delivered', 'read', 'failed') THEN (status ->> 'status')::switchboard.delivery_status
         WHEN status ->> 'status' = 'played' THEN 'read' END,
    switchboard._whatsapp_time(status ->> 'timestamp', inbox.received_at), status #>> '{errors,0,code}',
    coalesce(status #>> '{errors,0,error_data,details}', status #>> '{errors,0,message}', status #>> '{errors,0,title}'));
END
$$;
COMMENT ON FUNCTION switchboard._act_whatsapp_status(switchboard.webhook_inbox, jsonb) IS
  'Notes what became of a message that we sent by WhatsApp; NULL when that is done, else why not.';
REVOKE ALL ON FUNCTION switchboard._act_whatsapp_status(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_whatsapp_preference(inbox switchboard.webhook_inbox, preference jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Only what was entered here is taken back.
DECLARE
  phone text := switchboard.try_normalize_phone(switchboard._international(preference ->> 'wa_id'));
BEGIN
  IF preference ->> 'value' = 'stop' AND phone IS NOT NULL THEN
    INSERT INTO switchboard.do_not_call (tenant_id, phone_number, channel, reason, source, added_by)
    VALUES (inbox.tenant_id, phone, 'whatsapp', coalesce(left(preference ->> 'detail', 500), 'stopped marketing messages'),
            'whatsapp-preference', NULL)
    ON CONFLICT DO NOTHING;
  ELSIF preference ->> 'value' = 'resume' THEN
    DELETE FROM switchboard.do_not_call d
    WHERE d.tenant_id = inbox.tenant_id AND d.phone_number = phone AND d.channel = 'whatsapp' AND d.source = 'whatsapp-preference';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_whatsapp_preference(switchboard.webhook_inbox, jsonb) IS
  'Somebody has told WhatsApp that they want no more marketing messages (do-not-call for that channel), or want them again.';
REVOKE ALL ON FUNCTION switchboard._act_whatsapp_preference(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_whatsapp_item(inbox switchboard.webhook_inbox, kind text, item jsonb, value jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. What is wrong with one of them does not hold up the others.
BEGIN
  CASE kind
    WHEN 'message' THEN PERFORM switchboard._act_whatsapp_message(inbox, item, value);
    WHEN 'status' THEN RETURN switchboard._act_whatsapp_status(inbox, item);
    WHEN 'preference' THEN PERFORM switchboard._act_whatsapp_preference(inbox, item);
  END CASE;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN format('%s: %s', SQLSTATE, SQLERRM);
END
$$;
COMMENT ON FUNCTION switchboard._act_whatsapp_item(switchboard.webhook_inbox, text, jsonb, jsonb) IS
  'Acts on one message, status or preference of a post; NULL when that is done, else why not, and then nothing has been changed.';
REVOKE ALL ON FUNCTION switchboard._act_whatsapp_item(switchboard.webhook_inbox, text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_whatsapp(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. People in order of their numbers, then what we sent in order of its
-- ids: two posts about the same ones never wait for each other in a circle. Fields that we do not know are no fault.
DECLARE
  number  text := (SELECT a.settings ->> 'phone_number_id' FROM switchboard.provider_accounts a WHERE a.id = inbox.account_id);
  failed  text;
  problem text;
  told    record;
BEGIN
  FOR told IN
    SELECT i.kind, i.place, i.item, v.value
    FROM switchboard._whatsapp_values(fields, 'messages') AS v (value), LATERAL (
      SELECT 'message' AS kind, m.item, m.item ->> 'from' AS place FROM jsonb_path_query(v.value, '$.messages[*]') AS m (item)
      UNION ALL
      SELECT 'status', s.item, s.item ->> 'id' FROM jsonb_path_query(v.value, '$.statuses[*]') AS s (item)) i
    WHERE number IS NULL OR v.value #>> '{metadata,phone_number_id}' = number
    UNION ALL
    SELECT 'preference', p.item ->> 'wa_id', p.item, v.value
    FROM switchboard._whatsapp_values(fields, 'user_preferences') AS v (value),
         jsonb_path_query(v.value, '$.user_preferences[*]') AS p (item)
    WHERE number IS NULL OR v.value #>> '{metadata,phone_number_id}' = number
    ORDER BY 1, 2
  LOOP
    problem := switchboard._act_whatsapp_item(inbox, told.kind, told.item, told.value);
    failed := coalesce(failed, problem);
  END LOOP;
  RETURN failed;
END
$$;
COMMENT ON FUNCTION switchboard._act_whatsapp(switchboard.webhook_inbox, jsonb) IS
  'Acts on a post of WhatsApp: messages, statuses of those that we sent, preferences; of the account''s own number where its settings
name one.';
REVOKE ALL ON FUNCTION switchboard._act_whatsapp(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
