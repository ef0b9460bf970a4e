-- What Vonage says about calls (for messages see 52_webhooks_vonage_messages.sql). JSON by POST, or by GET in the query of the URL; see its voice webhooks. Each event of a call has an
-- address of its own, see _webhook_url(): status, answer (it asks what to do), dial-status (the leg to an agent), opt-out (a key was
-- pressed), recording.

CREATE OR REPLACE FUNCTION switchboard._read_vonage(event text, fields jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- human and machine call it call_uuid; recordings and notifications name the conversation alone.
  external_id := coalesce(fields ->> 'uuid', fields ->> 'call_uuid', switchboard._vonage_message_id(fields),
                          fields ->> 'conversation_uuid');
  IF coalesce(external_id, '') = '' OR length(external_id) > 100 THEN
    RAISE EXCEPTION 'none of uuid, conversation_uuid, message_uuid and messageId' USING ERRCODE = '22023';
  END IF;
  IF switchboard._vonage_is_message(fields) THEN
    dedupe_key := concat_ws(':', event, switchboard._vonage_sms_id(fields), fields ->> 'status');
    RETURN;
  END IF;
  dedupe_key := concat_ws(':', event, external_id, fields ->> 'recording_uuid', fields ->> 'status', fields ->> 'sub_state',
                          CASE WHEN NOT fields ?| '{recording_uuid,status}' AND event NOT IN ('incoming', 'answer', 'wait')
                               THEN fields ->> 'timestamp' END);
END
$$;
COMMENT ON FUNCTION switchboard._read_vonage(text, jsonb) IS
  'What a webhook of Vonage is about and what makes it one event. Errors: 22023 when it names neither a call nor a conversation
nor a message.';
REVOKE ALL ON FUNCTION switchboard._read_vonage(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_call_status(status text)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN status = 'started' THEN 'initiated' WHEN status = 'ringing' THEN 'ringing'
              WHEN status IN ('answered', 'human', 'machine') THEN 'answered' WHEN status = 'completed' THEN 'completed'
              WHEN status = 'busy' THEN 'busy' WHEN status IN ('unanswered', 'timeout') THEN 'no-answer'
              WHEN status = 'cancelled' THEN 'canceled' WHEN status IN ('failed', 'rejected') THEN 'failed' END::switchboard.call_status
$$;
COMMENT ON FUNCTION switchboard._vonage_call_status(text) IS 'Vonage''s status in our words; NULL for one we do not know.';
REVOKE ALL ON FUNCTION switchboard._vonage_call_status(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_status_event(call switchboard.call_logs, fields jsonb, at timestamptz)
RETURNS switchboard.call_status_event
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A call that nobody answered may be said to be completed, too, after its real end or, out of order, before it: without a sign
-- that it was answered that says nothing.
DECLARE
  told   switchboard.call_status_event;
  length int := switchboard._digits_or_null(fields ->> 'duration');
BEGIN
  told := ROW(call.id, call.tenant_id, 'vonage', coalesce(fields ->> 'uuid', fields ->> 'call_uuid'),
              switchboard._vonage_call_status(fields ->> 'status'), at, length,
              CASE WHEN fields ->> 'status' IN ('human', 'machine') THEN fields ->> 'status' END,
              NULL, coalesce(fields ->> 'detail', fields ->> 'sip_code'),
              CASE WHEN fields ? 'price' THEN '{"currency": "EUR"}'::jsonb ELSE '{}' END || (fields - '{account,call}'::text[])
             )::switchboard.call_status_event;
  IF told.status = 'completed' AND coalesce(length, 0) = 0 AND coalesce(fields ->> 'start_time', '') = ''
     AND call.answered_at IS NULL THEN
    told.status := NULL;
    told.duration := NULL;
  END IF;
  RETURN told;
END
$$;
COMMENT ON FUNCTION switchboard._vonage_status_event(switchboard.call_logs, jsonb, timestamptz) IS
  'What an event of Vonage says about a call.';
REVOKE ALL ON FUNCTION switchboard._vonage_status_event(switchboard.call_logs, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_machine(call uuid, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has noted, and so locked the call, that a machine answered.
-- Until Vonage has asked what to do, that note is enough: the answer goes by it. A message that is to follow the tone waits for it.
DECLARE
  asked   boolean;
  options jsonb;
BEGIN
  SELECT EXISTS (SELECT FROM switchboard.webhook_inbox w
                 WHERE w.tenant_id = c.tenant_id AND w.provider = 'vonage' AND w.dedupe_key = 'answer:' || c.call_id),
         jsonb_strip_nulls(a.settings) || coalesce(k.settings, '{}') || c.metadata
  INTO asked, options
  FROM switchboard.call_logs c
  LEFT JOIN switchboard.provider_accounts a ON a.id = c.account_id
  LEFT JOIN switchboard.campaigns k ON k.id = c.campaign_id
  WHERE c.id = call;
  IF asked AND (fields ? 'sub_state' OR NOT options ? 'voicemail_id'
                OR options ->> 'machine_detection' IS DISTINCT FROM 'detect_message_end') THEN
    PERFORM switchboard._answer_machine(call, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage_machine(uuid, jsonb, timestamptz) IS
  'Acts on the news that a machine has answered, where the call has been connected meanwhile.';
REVOKE ALL ON FUNCTION switchboard._act_vonage_machine(uuid, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_recording_seconds(fields jsonb)
RETURNS int
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT greatest(extract(epoch FROM switchboard._text_timestamp(fields ->> 'end_time') - switchboard._text_timestamp(fields ->> 'start_time')),
                  0)::int
$$;
COMMENT ON FUNCTION switchboard._vonage_recording_seconds(jsonb) IS 'How long a recording of Vonage is; NULL: it does not say.';
REVOKE ALL ON FUNCTION switchboard._vonage_recording_seconds(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_recording(call uuid, fields jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the call. Internal.
  SELECT switchboard._note_recording(call, fields ->> 'recording_uuid', fields ->> 'recording_url', switchboard._vonage_recording_seconds(fields),
    CASE WHEN fields ->> 'size' ~ '^[0-9]{1,18}$' THEN (fields ->> 'size')::bigint END,
    jsonb_build_object('conversation_uuid', fields ->> 'conversation_uuid'))
$$;
COMMENT ON FUNCTION switchboard._act_vonage_recording(uuid, jsonb) IS
  'Keeps a recording that Vonage has made of a call. Fetching it takes a token of the application.';
REVOKE ALL ON FUNCTION switchboard._act_vonage_recording(uuid, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Unknown events and statuses are no fault: nothing is done.
DECLARE
  at   timestamptz := switchboard._event_time(fields ->> 'timestamp', inbox.received_at);
  leg  text := coalesce(fields ->> 'uuid', fields ->> 'call_uuid');
  log  switchboard.call_logs;
  told switchboard.call_status_event;
BEGIN
  IF switchboard._vonage_is_message(fields) THEN
    RETURN switchboard._act_vonage_message(inbox, fields);
  END IF;
  log := switchboard._vonage_call(inbox.tenant_id, switchboard._url_query(inbox.url), fields);
  IF switchboard._is_vonage_inbound(log, inbox.event, switchboard._url_query(inbox.url), fields) THEN
    RETURN switchboard._act_vonage_inbound(inbox, log, fields);
  ELSIF fields ->> 'direction' = 'inbound' OR inbox.event NOT IN ('status', 'answer', 'dial-status', 'opt-out', 'recording') THEN
    RETURN NULL;
  ELSIF log.id IS NULL THEN
    RETURN 'unknown call';
  ELSIF fields ->> 'recording_url' <> '' AND fields ->> 'recording_uuid' <> '' THEN
    PERFORM switchboard._act_vonage_recording(log.id, fields);
  ELSIF inbox.event IN ('dial-status', 'opt-out') THEN
    PERFORM switchboard._act_vonage_dial(log, inbox.event, fields, at);
  ELSIF leg = coalesce(log.call_id, leg) THEN   -- else it is about a leg to somebody else
    told := switchboard._vonage_status_event(log, fields, at);
    IF inbox.event = 'answer' THEN
      told.status := 'answered';
    END IF;
    told.status := switchboard._agent_first_status(log.id, told.status);
    PERFORM switchboard._apply_call_status(ARRAY[told]);
    IF told.answered_by = 'machine' THEN
      PERFORM switchboard._act_vonage_machine(log.id, fields, at);
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage(switchboard.webhook_inbox, jsonb) IS
  'Acts on a webhook of Vonage: a call that a customer makes; progress of a call we placed, who or what has answered it, its recordings, what came of ringing an
agent (dial-status), a key pressed (opt-out).';
REVOKE ALL ON FUNCTION switchboard._act_vonage(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_call(tenant uuid, query jsonb, fields jsonb)
RETURNS switchboard.call_logs
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c
  WHERE c.id = switchboard._find_call(ROW(switchboard._uuid_or_null(query ->> 'call'), tenant, 'vonage',
    coalesce(fields ->> 'uuid', fields ->> 'call_uuid'), NULL, NULL, NULL, NULL, NULL, NULL, NULL)::switchboard.call_status_event);
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._vonage_call(uuid, jsonb, jsonb) IS
  'The call of a tenant that a webhook of Vonage is about: by "call" of the URL''s query, else by its uuid.';
REVOKE ALL ON FUNCTION switchboard._vonage_call(uuid, jsonb, jsonb) FROM PUBLIC;
