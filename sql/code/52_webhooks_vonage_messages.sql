-- What Vonage says about messages, by two interfaces: the SMS API (form, query or JSON; messageId; long messages in parts) and the
-- Messages API (JSON; message_uuid). Both tell of messages of customers, and of what became of ours.

CREATE OR REPLACE FUNCTION switchboard._vonage_part(fields jsonb, name text)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN fields ->> name ~ '^[0-9]{1,3}$' THEN (fields ->> name)::int END $$;
COMMENT ON FUNCTION switchboard._vonage_part(jsonb, text) IS 'concat-part or concat-total of a message in parts.';
REVOKE ALL ON FUNCTION switchboard._vonage_part(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._is_vonage_part(fields jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(fields ->> 'concat' = 'true' AND fields ->> 'concat-ref' <> ''
                  AND switchboard._vonage_part(fields, 'concat-part') BETWEEN 1 AND switchboard._vonage_part(fields, 'concat-total')
                  AND switchboard._vonage_part(fields, 'concat-total') > 1, false)
$$;
COMMENT ON FUNCTION switchboard._is_vonage_part(jsonb) IS 'Whether an SMS of a customer is one part of several.';
REVOKE ALL ON FUNCTION switchboard._is_vonage_part(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_sms_id(fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(fields ->> 'message_uuid', fields ->> 'messageId', fields ->> 'message-id') $$;
COMMENT ON FUNCTION switchboard._vonage_sms_id(jsonb) IS 'Vonage''s id of a message, or of a part of one.';
REVOKE ALL ON FUNCTION switchboard._vonage_sms_id(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_is_message(fields jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT NOT fields ?| '{uuid,call_uuid,conversation_uuid}' AND fields ?| '{message_uuid,messageId,message-id}' $$;
COMMENT ON FUNCTION switchboard._vonage_is_message(jsonb) IS 'Whether a webhook is about a message, not about a call.';
REVOKE ALL ON FUNCTION switchboard._vonage_is_message(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_message_id(fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Parts of a message that is not whole yet are found by what they have in common.
  SELECT CASE WHEN switchboard._is_vonage_part(fields)
              THEN concat_ws(':', 'parts', fields ->> 'msisdn', fields ->> 'to', fields ->> 'concat-ref', fields ->> 'concat-total')
              ELSE switchboard._vonage_sms_id(fields) END
$$;
COMMENT ON FUNCTION switchboard._vonage_message_id(jsonb) IS 'What a webhook about a message is about; NULL: it is about none.';
REVOKE ALL ON FUNCTION switchboard._vonage_message_id(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_message_status(status text)
RETURNS switchboard.delivery_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN status IN ('submitted', 'accepted', 'buffered', 'unknown') THEN 'sent' WHEN status = 'delivered' THEN 'delivered'
              WHEN status = 'read' THEN 'read'
              WHEN status IN ('rejected', 'undeliverable', 'expired', 'failed') THEN 'failed' END::switchboard.delivery_status
$$;
COMMENT ON FUNCTION switchboard._vonage_message_status(text) IS
  'The status of a message of Vonage (either interface) in our words; NULL for one we do not know.';
REVOKE ALL ON FUNCTION switchboard._vonage_message_status(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_media(fields jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN m ->> 'url' <> ''
              THEN jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('url', m -> 'url', 'type', fields -> 'message_type',
                                                                          'name', m -> 'name')))
              ELSE '[]' END
  FROM (SELECT fields -> (fields ->> 'message_type') AS m) v
$$;
COMMENT ON FUNCTION switchboard._vonage_media(jsonb) IS 'What is attached to a message: [{"url", "type", "name"}].';
REVOKE ALL ON FUNCTION switchboard._vonage_media(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_text(fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(CASE WHEN jsonb_typeof(fields -> 'text') = 'string' THEN fields ->> 'text' END, fields #>> '{button,text}',
                  fields #>> '{reply,title}', fields #>> '{reaction,emoji}', fields #>> ARRAY[fields ->> 'message_type', 'caption'],
                  nullif(concat_ws(', ', fields #>> '{location,name}', fields #>> '{location,address}'), ''), '')
$$;
COMMENT ON FUNCTION switchboard._vonage_text(jsonb) IS
  'The words of a message: text, caption, what was chosen, the emoji of a reaction, the place; empty when it has none.';
REVOKE ALL ON FUNCTION switchboard._vonage_text(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_vonage_message(
  inbox switchboard.webhook_inbox, fields jsonb, message_id text, words text, at timestamptz)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Channels that we do not serve (messenger, viber) stay in the inbox.
  SELECT switchboard._take_message(inbox.tenant_id, inbox.account_id, c.channel::switchboard.channel,
    switchboard._international(coalesce(fields ->> 'msisdn', fields ->> 'from')), switchboard._international(fields ->> 'to'),
    words, switchboard._vonage_media(fields), message_id, at,
    jsonb_strip_nulls(jsonb_build_object(
      'type', fields -> 'message_type', 'keyword', fields -> 'keyword', 'profile_name', fields #> '{profile,name}',
      'context', fields -> 'context', 'button', fields -> 'button', 'reply', fields -> 'reply', 'location', fields -> 'location',
      'reaction', fields -> 'reaction', 'body_hex', CASE WHEN fields ->> 'type' = 'binary' THEN fields -> 'data' END)))
  FROM (SELECT CASE WHEN coalesce(fields ->> 'channel', 'sms') IN ('sms', 'mms') THEN 'sms'
                    WHEN fields ->> 'channel' = 'whatsapp' THEN 'whatsapp' END AS channel) c
  WHERE c.channel IS NOT NULL
$$;
COMMENT ON FUNCTION switchboard._take_vonage_message(switchboard.webhook_inbox, jsonb, text, text, timestamptz) IS
  'Takes a message that somebody sent to a number of Vonage.';
REVOKE ALL ON FUNCTION switchboard._take_vonage_message(switchboard.webhook_inbox, jsonb, text, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._join_vonage_parts(inbox switchboard.webhook_inbox, at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. The lock makes parts that come at once take turns, so that the last
-- one sees the others. A further attempt, which holds rows that another session may be about to join, does not wait for it. Parts that
-- have been joined are known by the message from then on: their sender may count anew. The last
-- attempt takes what there is.
DECLARE
  lock    constant bigint := hashtextextended(inbox.tenant_id || inbox.external_id, 5206);
  parts   jsonb[];
  rows    uuid[];
  message text;
BEGIN
  IF inbox.attempts = 0 THEN
    PERFORM pg_advisory_xact_lock(lock);
  ELSIF NOT pg_try_advisory_xact_lock(lock) THEN
    RETURN 'waits for the other parts';
  END IF;
  SELECT array_agg(p.fields ORDER BY p.nth), array_agg(p.id)
  INTO parts, rows
  FROM (SELECT DISTINCT ON (switchboard._vonage_part(f.fields, 'concat-part'))
               w.id, f.fields, switchboard._vonage_part(f.fields, 'concat-part') AS nth
        FROM switchboard.webhook_inbox w,
             LATERAL (SELECT switchboard._webhook_fields(switchboard._is_form(false, w.headers), w.url, w.body) AS fields) f
        WHERE w.tenant_id = inbox.tenant_id AND w.provider = 'vonage' AND w.external_id = inbox.external_id
        ORDER BY 3, w.received_at DESC) p;
  IF inbox.id <> ALL (rows) THEN
    RETURN NULL;   -- joined meanwhile, by another session
  ELSIF cardinality(parts) < switchboard._vonage_part(parts[1], 'concat-total') AND inbox.attempts < 9 THEN
    RETURN 'waits for the other parts';
  END IF;
  message := coalesce(switchboard._vonage_sms_id(parts[1]), inbox.external_id);
  PERFORM switchboard._take_vonage_message(inbox, parts[1] - 'keyword', message,
    (SELECT string_agg(coalesce(p ->> 'text', ''), '' ORDER BY n) FROM unnest(parts) WITH ORDINALITY AS u (p, n)), at);
  PERFORM FROM switchboard.webhook_inbox w WHERE w.id = ANY (rows) ORDER BY w.id FOR NO KEY UPDATE;
  UPDATE switchboard.webhook_inbox w
  SET external_id = message, processed_at = coalesce(w.processed_at, clock_timestamp()), error = NULL WHERE w.id = ANY (rows);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._join_vonage_parts(switchboard.webhook_inbox, timestamptz) IS
  'Takes a message that came in parts as soon as all are there; NULL when that is done, else why it must be tried again.';
REVOKE ALL ON FUNCTION switchboard._join_vonage_parts(switchboard.webhook_inbox, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_message(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
DECLARE
  at timestamptz := switchboard._event_time(coalesce(fields ->> 'message-timestamp', fields ->> 'timestamp'), inbox.received_at);
BEGIN
  IF fields ? 'status' THEN
    RETURN switchboard._note_delivery(inbox, coalesce(fields ->> 'client_ref', fields ->> 'client-ref'), inbox.external_id,
      switchboard._vonage_message_status(fields ->> 'status'), at,
      coalesce(fields #>> '{error,title}', nullif(fields ->> 'err-code', '0')), fields #>> '{error,detail}');
  ELSIF switchboard._is_vonage_part(fields) THEN
    RETURN switchboard._join_vonage_parts(inbox, at);
  END IF;
  PERFORM switchboard._take_vonage_message(inbox, fields, inbox.external_id, switchboard._vonage_text(fields), at);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage_message(switchboard.webhook_inbox, jsonb) IS
  'Acts on a webhook of Vonage about a message: one from a customer, or what became of ours. NULL when that is done, else why not.';
REVOKE ALL ON FUNCTION switchboard._act_vonage_message(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
