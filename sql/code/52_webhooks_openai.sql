-- What OpenAI says, signed by Standard Webhooks: somebody calls a number whose trunk leads to its realtime models. Whatever else it
-- tells (batches, responses, fine-tuning) is kept in webhook_inbox for the application, and not acted on.

CREATE OR REPLACE FUNCTION switchboard._read_openai(
  account uuid, fields jsonb, headers jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  external_id := coalesce(fields #>> '{data,call_id}', fields #>> '{data,id}', fields ->> 'id');
  IF fields ->> 'type' IS NULL OR length(external_id) > 200 THEN
    RAISE EXCEPTION 'no type of event' USING ERRCODE = '22023';
  END IF;
  -- The id of the event is signed, and the same whenever it is sent again.
  dedupe_key := concat_ws(':', account, headers ->> 'webhook-id');
END
$$;
COMMENT ON FUNCTION switchboard._read_openai(uuid, jsonb, jsonb) IS
  'What a webhook of OpenAI is about and what makes it one event. Errors: 22023 when it does not say what it is.';
REVOKE ALL ON FUNCTION switchboard._read_openai(uuid, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._sip_party(fields jsonb, header text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- "Ada" <sip:+14155550100@host;user=phone>;tag=1 becomes sip:+14155550100@host
  SELECT coalesce(substring(h.item ->> 'value' FROM '(?i)(?:sips?|tel):[^>;,[:space:]]+'), h.item ->> 'value')
  FROM jsonb_path_query(fields, '$.data.sip_headers[*]') AS h (item)
  WHERE lower(h.item ->> 'name') = lower(header) LIMIT 1
$$;
COMMENT ON FUNCTION switchboard._sip_party(jsonb, text) IS 'The address in a header (From, To) of the SIP request that a call came by.';
REVOKE ALL ON FUNCTION switchboard._sip_party(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_openai(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
BEGIN
  IF fields ->> 'type' = 'realtime.call.incoming' AND fields #>> '{data,call_id}' <> '' THEN
    PERFORM switchboard._take_told_call(inbox, inbox.external_id, switchboard._sip_party(fields, 'From'), switchboard._sip_party(fields, 'To'),
      switchboard._event_time(fields ->> 'created_at', inbox.received_at), fields -> 'data');
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_openai(switchboard.webhook_inbox, jsonb) IS 'Acts on a webhook of OpenAI: a call that comes in.';
REVOKE ALL ON FUNCTION switchboard._act_openai(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
