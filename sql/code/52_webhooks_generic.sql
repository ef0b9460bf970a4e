-- What any other system reports, signed by Standard Webhooks with the account's signing_secret; all of it may be told at once or bit by bit.
-- POST /api/webhooks/webhook/status, calls that were handed to it or that it told of:
--   {"call_trigger_id" | "call_log_id" | "call_id", "status", "occurred_at", "duration", "answered_by", "recording_url",
--    "transcript", "summary", "sentiment", "disposition", "notes", "follow_up_date", "cause", "price", "currency"}
-- .../incoming, a customer calls: {"call_id", "from", "to", "occurred_at"}
-- .../message, a customer writes: {"message_id", "channel", "from", "to", "text", "media", "occurred_at"}
-- .../message-status: {"message_id" | "delivery_id", "status", "error_code", "error", "occurred_at"}

CREATE OR REPLACE FUNCTION switchboard._reported_status(status text)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN s = ANY (enum_range(NULL::switchboard.call_status)::text[]) THEN s
              WHEN s = 'in-progress' THEN 'answered' WHEN s IN ('voicemail', 'voicemail-detected') THEN 'completed'
              WHEN s = 'cancelled' THEN 'canceled' WHEN s = 'unanswered' THEN 'no-answer' END::switchboard.call_status
  FROM replace(lower(status), '_', '-') s
$$;
COMMENT ON FUNCTION switchboard._reported_status(text) IS
  'A call status in our words: ours in any spelling, in-progress, voicemail, cancelled, unanswered; NULL for any other.';
REVOKE ALL ON FUNCTION switchboard._reported_status(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reported_seconds(value jsonb)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN jsonb_typeof(value) IN ('string', 'number') AND value #>> '{}' ~ '^[0-9]{1,9}([.][0-9]{1,9})?$'
              THEN round((value #>> '{}')::numeric)::int END
$$;
COMMENT ON FUNCTION switchboard._reported_seconds(jsonb) IS 'Seconds that a call system tells, a number or a text, rounded; NULL for anything else.';
REVOKE ALL ON FUNCTION switchboard._reported_seconds(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._bad_report_field(key text, value jsonb)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT value <> 'null' AND CASE
    WHEN key IN ('call_log_id', 'call_trigger_id') THEN NOT coalesce(switchboard._is_uuid(value #>> '{}'), false)
    WHEN key = 'call_id' THEN jsonb_typeof(value) NOT IN ('string', 'number') OR length(value #>> '{}') NOT BETWEEN 1 AND 100
    WHEN key = 'status' THEN switchboard._reported_status(value #>> '{}') IS NULL
    WHEN key = 'duration' THEN switchboard._reported_seconds(value) IS NULL
    WHEN key = 'answered_by' THEN NOT value #>> '{}' = ANY (enum_range(NULL::switchboard.answered_by)::text[])
    WHEN key = 'sentiment' THEN NOT value #>> '{}' = ANY (enum_range(NULL::switchboard.sentiment)::text[])
    WHEN key = 'disposition' THEN NOT value #>> '{}' = ANY (enum_range(NULL::switchboard.call_disposition)::text[])
    WHEN key = 'price' THEN switchboard._told_cost(jsonb_build_object('price', value)) IS NULL
    WHEN key = 'currency' THEN value #>> '{}' !~* '^[a-z]{3}$'
    WHEN key = 'recording_url' THEN value #>> '{}' !~ '^https?://[^[:space:]]+$'
    WHEN key IN ('occurred_at', 'follow_up_date') THEN NOT coalesce(isfinite(switchboard._text_timestamp(value #>> '{}')), false)
    ELSE false END
$$;
COMMENT ON FUNCTION switchboard._bad_report_field(text, jsonb) IS 'Whether a field of a report about a call cannot be understood.';
REVOKE ALL ON FUNCTION switchboard._bad_report_field(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._bad_told_field(key text, value jsonb)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN value = 'null' THEN false
    WHEN key IN ('from', 'to', 'text', 'error_code', 'error') THEN jsonb_typeof(value) <> 'string'
    WHEN key IN ('call_id', 'message_id') THEN jsonb_typeof(value) NOT IN ('string', 'number') OR length(value #>> '{}') NOT BETWEEN 1 AND 200
    WHEN key = 'delivery_id' THEN NOT coalesce(switchboard._is_uuid(value #>> '{}'), false)
    WHEN key = 'channel' THEN value #>> '{}' NOT IN ('sms', 'whatsapp')
    WHEN key = 'media' THEN jsonb_typeof(value) <> 'array'
    WHEN key = 'status' THEN NOT value #>> '{}' = ANY (enum_range(NULL::switchboard.delivery_status)::text[])
    WHEN key = 'occurred_at' THEN NOT coalesce(isfinite(switchboard._text_timestamp(value #>> '{}')), false)
    ELSE false END
$$;
COMMENT ON FUNCTION switchboard._bad_told_field(text, jsonb) IS
  'Whether a field of an event about an inbound call or a message cannot be understood.';
REVOKE ALL ON FUNCTION switchboard._bad_told_field(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_told(event text, fields jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  missing text := (SELECT n FROM unnest(CASE event WHEN 'incoming' THEN '{call_id}' WHEN 'message' THEN '{from}' ELSE '{status}' END::text[]) n
                   WHERE fields ->> n IS NULL);
  bad     record;
BEGIN
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'no %', missing USING ERRCODE = '22023';
  ELSIF event = 'message-status' AND coalesce(fields ->> 'message_id', fields ->> 'delivery_id') IS NULL THEN
    RAISE EXCEPTION 'neither message_id nor delivery_id' USING ERRCODE = '22023';
  END IF;
  SELECT f.key, f.value INTO bad FROM jsonb_each(fields) f WHERE switchboard._bad_told_field(f.key, f.value) ORDER BY f.key LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% cannot be %', bad.key, left(bad.value::text, 100) USING ERRCODE = '22023';
  END IF;
  RETURN coalesce(fields ->> CASE event WHEN 'incoming' THEN 'call_id' ELSE 'message_id' END, fields ->> 'delivery_id');
END
$$;
COMMENT ON FUNCTION switchboard._read_told(text, jsonb) IS
  'What an event about an inbound call (incoming) or a message (message, message-status) is about. Errors: 22023 when something is missing
or cannot be understood.';
REVOKE ALL ON FUNCTION switchboard._read_told(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_webhook(
  event text, fields jsonb, headers jsonb, account uuid, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The sender's own id of the event makes it one: the same words may be said of each try of a triggered call.
DECLARE
  bad record;
BEGIN
  dedupe_key := concat_ws(':', event, account, (SELECT h.value FROM jsonb_each_text(headers) h
                                                WHERE lower(h.key) = 'webhook-id' ORDER BY h.key LIMIT 1));
  IF event IN ('incoming', 'message', 'message-status') THEN
    external_id := switchboard._read_told(event, fields);
    RETURN;
  END IF;
  external_id := coalesce(fields ->> 'call_id', fields ->> 'call_log_id', fields ->> 'call_trigger_id');
  IF external_id IS NULL THEN
    RAISE EXCEPTION 'none of call_trigger_id, call_log_id and call_id' USING ERRCODE = '22023';
  END IF;
  SELECT f.key, f.value INTO bad FROM jsonb_each(fields) f WHERE switchboard._bad_report_field(f.key, f.value) ORDER BY f.key LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% of a call cannot be %', bad.key, left(bad.value::text, 100) USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._read_webhook(text, jsonb, jsonb, uuid) IS
  'What an event of any other system is about and what makes it one. Errors: 22023 when it names no call or message, or holds
something that cannot be understood.';
REVOKE ALL ON FUNCTION switchboard._read_webhook(text, jsonb, jsonb, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reported_call(fields jsonb, account uuid DEFAULT NULL)
RETURNS switchboard.call_logs
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: looks for the calls of the account given; without one, for whose report it may be, which its signature must
-- then prove. Internal. Of a triggered call with several tries the last one that was made is meant, unless the report says otherwise.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = switchboard._uuid_or_null(fields ->> 'call_log_id');
  IF NOT FOUND AND account IS NOT NULL AND fields ->> 'call_id' <> '' THEN
    SELECT c.* INTO log
    FROM switchboard.provider_accounts a
    JOIN switchboard.call_logs c ON c.tenant_id = a.tenant_id AND c.provider = a.provider AND c.call_id = fields ->> 'call_id'
    WHERE a.id = account;
  END IF;
  IF log.id IS NULL OR log.account_id IS DISTINCT FROM coalesce(account, log.account_id) THEN
    SELECT c.* INTO log
    FROM switchboard.call_triggers t
    JOIN switchboard.call_logs c ON c.tenant_id = t.tenant_id AND c.lead_id = t.contact_id
    WHERE t.id = switchboard._uuid_or_null(fields ->> 'call_trigger_id') AND c.metadata ->> 'call_trigger_id' = t.id::text
    ORDER BY c.waits, c.started_at DESC, c.id DESC LIMIT 1;
  END IF;
  IF log.account_id IS DISTINCT FROM coalesce(account, log.account_id) THEN
    RETURN NULL;
  END IF;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._reported_call(jsonb, uuid) IS
  'The call that a report is about, of this account if one is given: by call_log_id, else by call_id (the receiver''s own), else the
last one made for call_trigger_id. NULL if there is none.';
REVOKE ALL ON FUNCTION switchboard._reported_call(jsonb, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._unused_call_id(tenant uuid, provider text, told text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal. Cost: one index probe.
BEGIN
  IF EXISTS (SELECT FROM switchboard.call_logs c
             WHERE c.tenant_id = tenant AND c.provider = _unused_call_id.provider AND c.call_id = told) THEN
    RETURN NULL;
  END IF;
  RETURN nullif(told, '');
END
$$;
COMMENT ON FUNCTION switchboard._unused_call_id(uuid, text, text) IS
  'The id of a call as its call system tells it; NULL when another call has it already, for such systems may count from one again.';
REVOKE ALL ON FUNCTION switchboard._unused_call_id(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_conversation(
  call uuid, recording_id text, url text, seconds int, transcript text, mood text, more jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  IF coalesce(url, transcript, mood, nullif(jsonb_strip_nulls(more), '{}')::text) IS NULL THEN
    RETURN;
  END IF;
  PERFORM switchboard._note_recording(call, recording_id, url, seconds, NULL, more);
  UPDATE switchboard.call_recordings r
  SET transcription = coalesce(transcript, r.transcription), sentiment = coalesce(mood::switchboard.sentiment, r.sentiment)
  FROM switchboard.call_logs c
  WHERE c.id = call AND r.tenant_id = c.tenant_id AND r.call_id = c.id AND r.provider_recording_id = recording_id;
END
$$;
COMMENT ON FUNCTION switchboard._note_conversation(uuid, text, text, int, text, text, jsonb) IS
  'What was said in a call, as far as its call system tells: recording, transcript, mood, and more such as a summary. One row per
recording, completed by whatever is told later.';
REVOKE ALL ON FUNCTION switchboard._note_conversation(uuid, text, text, int, text, text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_reported_disposition(
  log switchboard.call_logs, said text, notes text, follow_up timestamptz, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. What people have concluded about a call stands; a time that has
-- passed is left out.
DECLARE
  due timestamptz := CASE WHEN follow_up > at THEN follow_up END;
BEGIN
  PERFORM FROM switchboard.call_logs c WHERE c.id = log.id FOR NO KEY UPDATE;
  IF said IS NOT NULL AND NOT EXISTS (
       SELECT FROM switchboard.call_dispositions d
       WHERE d.tenant_id = log.tenant_id AND d.call_id = log.id AND (d.user_id IS NOT NULL OR d.disposition::text = said)) THEN
    PERFORM switchboard._check_disposition(log, said, due, at);
    PERFORM switchboard._record_disposition(log, said, notes, due, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._note_reported_disposition(switchboard.call_logs, text, text, timestamptz, timestamptz) IS
  'What a call system concluded about a call, with all that follows from it, see create_disposition(); once, and not against an agent.';
REVOKE ALL ON FUNCTION switchboard._note_reported_disposition(switchboard.call_logs, text, text, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_told(inbox switchboard.webhook_inbox, fields jsonb, at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Reports about the call that came before it are acted on now, but not
-- by a further attempt, which could be one of them. Ids of messages are the sender's own: another account may have the same ones.
BEGIN
  IF inbox.event = 'incoming' THEN
    PERFORM switchboard._take_told_call(inbox, inbox.external_id, fields ->> 'from', fields ->> 'to', at, fields);
    IF inbox.attempts = 0 THEN
      PERFORM switchboard._act_on_waiting(inbox.tenant_id, inbox.provider, inbox.external_id);
    END IF;
  ELSIF inbox.event = 'message' THEN
    PERFORM switchboard._take_message(inbox.tenant_id, inbox.account_id, coalesce(fields ->> 'channel', 'sms')::switchboard.channel,
      fields ->> 'from', fields ->> 'to', fields ->> 'text', nullif(fields -> 'media', 'null'), inbox.account_id || ':' || inbox.external_id, at, '{}');
  ELSE
    RETURN switchboard._note_delivery(inbox, fields ->> 'delivery_id', fields ->> 'message_id',
      (fields ->> 'status')::switchboard.delivery_status, at, fields ->> 'error_code', fields ->> 'error');
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_told(switchboard.webhook_inbox, jsonb, timestamptz) IS
  'Acts on an event of any system: a call that comes in (incoming), a message from a customer (message), what became of one of ours
(message-status). NULL when that is done, else why not.';
REVOKE ALL ON FUNCTION switchboard._act_told(switchboard.webhook_inbox, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_webhook(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. The disposition comes first: the end of the call goes by it.
DECLARE
  log       switchboard.call_logs;
  machine   boolean := coalesce(fields ->> 'status' ~* '^voicemail', false);
  seconds   int := switchboard._reported_seconds(fields -> 'duration');
BEGIN
  IF inbox.event IN ('incoming', 'message', 'message-status') THEN
    RETURN switchboard._act_told(inbox, fields, switchboard._event_time(fields ->> 'occurred_at', inbox.received_at));
  ELSIF inbox.event <> 'status' THEN
    RETURN NULL;
  END IF;
  log := switchboard._reported_call(fields, inbox.account_id);
  IF log.id IS NULL THEN
    RETURN 'unknown call';
  END IF;
  PERFORM switchboard._note_reported_disposition(log, coalesce(fields ->> 'disposition', CASE WHEN machine THEN 'voicemail' END),
    fields ->> 'notes', switchboard._text_timestamp(fields ->> 'follow_up_date'), inbox.received_at);
  PERFORM switchboard._note_conversation(log.id, 'report', fields ->> 'recording_url', seconds, fields ->> 'transcript',
    fields ->> 'sentiment', jsonb_build_object('summary', fields -> 'summary'));
  PERFORM switchboard._apply_call_status(ARRAY[
    ROW(log.id, log.tenant_id, log.provider, switchboard._unused_call_id(log.tenant_id, log.provider, fields ->> 'call_id'),
        switchboard._reported_status(fields ->> 'status'), switchboard._event_time(fields ->> 'occurred_at', inbox.received_at), seconds,
        coalesce(fields ->> 'answered_by', CASE WHEN machine THEN 'machine' END), fields ->> 'recording_url', fields ->> 'cause',
        fields - 'transcript')::switchboard.call_status_event]);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_webhook(switchboard.webhook_inbox, jsonb) IS
  'Acts on an event of any other system: progress of a call that was handed to it or came by it, recording, transcript, mood, disposition;
what _act_told() is for.';
REVOKE ALL ON FUNCTION switchboard._act_webhook(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
