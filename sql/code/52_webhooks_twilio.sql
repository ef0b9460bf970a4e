-- What Twilio says. Form fields; see its voice and messaging webhooks.

CREATE OR REPLACE FUNCTION switchboard._read_twilio(event text, fields jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  external_id := coalesce(fields ->> 'CallSid', fields ->> 'MessageSid', fields ->> 'SmsSid');
  IF coalesce(external_id, '') = '' OR length(external_id) > 100 THEN
    RAISE EXCEPTION 'neither CallSid nor MessageSid' USING ERRCODE = '22023';
  END IF;
  -- Delivery order is not guaranteed and a status can be sent twice; SequenceNumber names the event where there is one. A call can
  -- have several recordings, and several agents can be rung for it.
  dedupe_key := concat_ws(':', event, external_id,
    CASE event WHEN 'recording' THEN fields ->> 'RecordingSid' WHEN 'voicemail' THEN fields ->> 'RecordingSid' WHEN 'dial-status' THEN fields ->> 'DialCallSid' END,
    coalesce(fields ->> 'SequenceNumber', fields ->> 'CallStatus', fields ->> 'MessageStatus', fields ->> 'SmsStatus',
             fields ->> 'RecordingStatus'));
END
$$;
COMMENT ON FUNCTION switchboard._read_twilio(text, jsonb) IS
  'What a webhook of Twilio is about and what makes it one event. Errors: 22023 when it names neither a call nor a message.';
REVOKE ALL ON FUNCTION switchboard._read_twilio(text, jsonb) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._twilio_call_status(status text)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE status WHEN 'queued' THEN 'initiated'::switchboard.call_status WHEN 'initiated' THEN 'initiated' WHEN 'ringing' THEN 'ringing'
                     WHEN 'in-progress' THEN 'answered' WHEN 'answered' THEN 'answered' WHEN 'completed' THEN 'completed'
                     WHEN 'busy' THEN 'busy' WHEN 'no-answer' THEN 'no-answer' WHEN 'canceled' THEN 'canceled'
                     WHEN 'failed' THEN 'failed' END
$$;
COMMENT ON FUNCTION switchboard._twilio_call_status(text) IS 'Twilio''s CallStatus in our words; NULL for one we do not know.';
REVOKE ALL ON FUNCTION switchboard._twilio_call_status(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twilio_message_status(status text)
RETURNS switchboard.delivery_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN status IN ('accepted', 'scheduled', 'queued', 'sending') THEN 'queued'
              WHEN status IN ('sent', 'partially_delivered') THEN 'sent'
              WHEN status = 'delivered' THEN 'delivered' WHEN status = 'read' THEN 'read'
              WHEN status IN ('undelivered', 'failed', 'canceled') THEN 'failed' END::switchboard.delivery_status
$$;
COMMENT ON FUNCTION switchboard._twilio_message_status(text) IS 'Twilio''s MessageStatus in our words; NULL for one we do not know.';
REVOKE ALL ON FUNCTION switchboard._twilio_message_status(text) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._digits_or_null(value text)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN value ~ '^[0-9]{1,9}$' THEN value::int END $$;
COMMENT ON FUNCTION switchboard._digits_or_null(text) IS 'A text of up to nine digits as a number, else NULL.';
REVOKE ALL ON FUNCTION switchboard._digits_or_null(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_twilio(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Unknown events and statuses are no fault: nothing is done.
DECLARE
  query  jsonb := switchboard._url_query(inbox.url);
  at     timestamptz := switchboard._event_time(fields ->> 'Timestamp', inbox.received_at);
  told   switchboard.call_status_event;
  call   uuid;
BEGIN
  IF switchboard._is_twilio_inbound(inbox.event, fields) THEN
    RETURN switchboard._act_twilio_inbound(inbox, fields);
  ELSIF fields ? 'CallSid' THEN
    IF inbox.event NOT IN ('status', 'answer', 'amd', 'recording', 'dial-status', 'opt-out') THEN
      RETURN NULL;
    END IF;
    told := ROW(switchboard._uuid_or_null(query ->> 'call'), inbox.tenant_id, 'twilio', fields ->> 'CallSid',
                switchboard._twilio_call_status(fields ->> 'CallStatus'), at,
                switchboard._digits_or_null(fields ->> 'CallDuration'),
                CASE WHEN fields ->> 'AnsweredBy' LIKE 'machine%' THEN 'machine'
                     WHEN fields ->> 'AnsweredBy' IN ('human', 'fax', 'unknown') THEN fields ->> 'AnsweredBy' END,
                nullif(fields ->> 'RecordingUrl', ''), fields ->> 'SipResponseCode',
                fields - ARRAY['AccountSid', 'ApiVersion'])::switchboard.call_status_event;
    call := switchboard._find_call(told);
    IF call IS NULL THEN
      RETURN 'unknown call';
    END IF;
    IF inbox.event IN ('dial-status', 'opt-out') THEN
      PERFORM switchboard._act_twilio_dial(call, inbox.event, fields, at);
      RETURN NULL;
    END IF;
    told.status := switchboard._agent_first_status(call, told.status);
    PERFORM switchboard._apply_call_status(ARRAY[told]);
    IF fields ->> 'RecordingSid' <> '' AND fields ->> 'RecordingUrl' <> ''
       AND coalesce(fields ->> 'RecordingStatus', 'completed') = 'completed' THEN
      PERFORM switchboard._note_recording(call, fields ->> 'RecordingSid', fields ->> 'RecordingUrl',
        switchboard._digits_or_null(fields ->> 'RecordingDuration'), NULL,
        jsonb_build_object('channels', fields ->> 'RecordingChannels', 'source', fields ->> 'RecordingSource'));
    END IF;
    IF inbox.event = 'amd' THEN
      PERFORM switchboard._answer_machine(call, at);
    END IF;
    RETURN NULL;
  END IF;
  RETURN switchboard._act_twilio_message(inbox, fields, query);
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio(switchboard.webhook_inbox, jsonb) IS
  'Acts on a webhook of Twilio: status of a call we placed, answering machine detection while it is connected (amd), its recordings,
what came of ringing an agent (dial-status), a key pressed (opt-out), messages (see _act_twilio_message()).';
REVOKE ALL ON FUNCTION switchboard._act_twilio(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._xml_escape(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT replace(replace(replace(replace(replace(
           regexp_replace(value, '[\x01-\x08\x0b\x0c\x0e-\x1f]', '', 'g'),
           '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&apos;')
$$;
COMMENT ON FUNCTION switchboard._xml_escape(text) IS
  'Text for the content of an XML element or attribute; characters that XML cannot hold are left out.';
REVOKE ALL ON FUNCTION switchboard._xml_escape(text) FROM PUBLIC;
