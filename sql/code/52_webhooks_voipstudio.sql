-- What VoIPstudio says. JSON; decided by "state", whatever the event is called. It rings its users itself, also for calls that come in.

CREATE OR REPLACE FUNCTION switchboard._read_voipstudio(event text, fields jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  external_id := coalesce(fields ->> 'call_id', fields ->> 'id');
  IF coalesce(external_id, '') = '' OR length(external_id) > 100 THEN
    RAISE EXCEPTION 'neither id nor call_id' USING ERRCODE = '22023';
  END IF;
  dedupe_key := concat_ws(':', event, coalesce(fields ->> 'id', concat_ws(':', external_id, fields ->> 'state', fields ->> 'event_time')));
END
$$;
COMMENT ON FUNCTION switchboard._read_voipstudio(text, jsonb) IS
  'What a webhook of VoIPstudio is about and what makes it one event. Errors: 22023 when it has no id.';
REVOKE ALL ON FUNCTION switchboard._read_voipstudio(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._voipstudio_call_status(fields jsonb)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- call.missed and call.hangup come once per leg; only the final one ends the call.
  SELECT CASE
    WHEN fields ->> 'final' = 'false' AND upper(fields ->> 'state') IN ('HANGUP', 'MISSED') THEN NULL
    WHEN upper(fields ->> 'state') = 'INITIAL' THEN 'initiated'
    WHEN upper(fields ->> 'state') = 'RINGING' THEN 'ringing'
    WHEN upper(fields ->> 'state') IN ('CONNECTED', 'ON_HOLD') THEN 'answered'
    WHEN upper(fields ->> 'state') = 'HANGUP' AND coalesce(fields ->> 'connected_at', '') <> '' THEN 'completed'
    WHEN upper(fields ->> 'state') IN ('HANGUP', 'MISSED') THEN 'no-answer'
  END::switchboard.call_status
$$;
COMMENT ON FUNCTION switchboard._voipstudio_call_status(jsonb) IS
  'VoIPstudio''s state in our words; NULL for one that says nothing about the call as a whole.';
REVOKE ALL ON FUNCTION switchboard._voipstudio_call_status(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._voipstudio_recording(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: reads the account of the inbox row. Internal.
  SELECT coalesce(rtrim(a.base_url, '/'), 'https://l7api.com/v1.2/voipstudio') || '/monitors/'
         || switchboard._url_encode(fields ->> 'monitor_id') || '.mp3'
  FROM switchboard.provider_accounts a WHERE a.id = inbox.account_id
$$;
COMMENT ON FUNCTION switchboard._voipstudio_recording(switchboard.webhook_inbox, jsonb) IS
  'Where the audio of a recording that VoIPstudio has announced can be fetched.';
REVOKE ALL ON FUNCTION switchboard._voipstudio_recording(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_voipstudio(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
-- Its webhooks carry nothing of ours: one that overtakes the answer to our request waits until the call's id is known.
DECLARE
  told     switchboard.call_status_event;
  recorded boolean := coalesce(fields ->> 'event_name' = 'monitor.audio_ready' AND fields ->> 'monitor_id' <> '', false);
BEGIN
  IF fields ->> 'event_name' = 'sms.received' THEN
    PERFORM switchboard._take_message(inbox.tenant_id, inbox.account_id, 'sms', switchboard._international(fields ->> 'from_no'),
      switchboard._international(fields ->> 'to_no'), fields ->> 'text', '[]', inbox.external_id, inbox.received_at, '{}');
    RETURN NULL;
  ELSIF NOT (fields ? 'state' OR recorded) THEN
    RETURN NULL;
  END IF;
  told := ROW(NULL, inbox.tenant_id, 'voipstudio', fields ->> 'call_id', switchboard._voipstudio_call_status(fields),
              switchboard._event_time(fields ->> 'event_time', inbox.received_at),
              CASE WHEN coalesce(fields ->> 'connected_at', '') <> '' THEN switchboard._digits_or_null(fields ->> 'duration') END,
              NULL, CASE WHEN recorded THEN switchboard._voipstudio_recording(inbox, fields) END, fields ->> 't_cause', fields)
          ::switchboard.call_status_event;
  IF fields ->> 'destination' = 'in' AND NOT recorded THEN
    -- All legs are one call, whichever of them is heard of first. Its times tell no zone: the time of receipt counts.
    told.call_id := (switchboard._take_told_call(inbox, coalesce(fields ->> 'root_call_id', fields ->> 'call_id'),
      switchboard._international(fields ->> 'src'), switchboard._international(fields ->> 'dst'), inbox.received_at, fields)).call_id;
  ELSIF switchboard._find_call(told) IS NULL THEN
    told.call_id := fields ->> 'root_call_id';   -- a leg of a call we know
    IF switchboard._find_call(told) IS NULL THEN
      RETURN 'unknown call';
    END IF;
  END IF;
  PERFORM switchboard._apply_call_status(ARRAY[told]);
  IF recorded THEN
    PERFORM switchboard._note_recording(switchboard._find_call(told), fields ->> 'monitor_id', told.recording_url,
      switchboard._digits_or_null(fields ->> 'duration'), switchboard._digits_or_null(fields ->> 'size'));
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_voipstudio(switchboard.webhook_inbox, jsonb) IS
  'Acts on a webhook of VoIPstudio: progress of a call that we placed or that came in, its recordings, SMS from customers.';
REVOKE ALL ON FUNCTION switchboard._act_voipstudio(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
