-- What OmniDimension says when a call of one of its agents is over: one webhook per call. JSON, in which false stands for null; its
-- times tell no zone, so that the time of receipt counts.

CREATE OR REPLACE FUNCTION switchboard._true_text(fields jsonb, key text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN jsonb_typeof(fields -> key) IN ('string', 'number') THEN nullif(btrim(fields ->> key), '') END $$;
COMMENT ON FUNCTION switchboard._true_text(jsonb, text) IS 'A member as text; NULL for false, null and the empty text.';
REVOKE ALL ON FUNCTION switchboard._true_text(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._omnidimension_request(fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(switchboard._true_text(fields, 'call_request_id'), switchboard._true_text(fields -> 'call_request_id', 'id'))
$$;
COMMENT ON FUNCTION switchboard._omnidimension_request(jsonb) IS
  'The id of the request that a call came of, under which we know it: a number, {"id": ...} or false (NULL).';
REVOKE ALL ON FUNCTION switchboard._omnidimension_request(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_omnidimension(event text, fields jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  external_id := coalesce(switchboard._omnidimension_request(fields), switchboard._true_text(fields, 'call_id'));
  IF external_id IS NULL OR length(external_id) > 100 OR length(switchboard._true_text(fields, 'call_id')) > 100 THEN
    RAISE EXCEPTION 'neither call_id nor call_request_id' USING ERRCODE = '22023';
  END IF;
  dedupe_key := 'call:' || coalesce(switchboard._true_text(fields, 'call_id'), external_id);
END
$$;
COMMENT ON FUNCTION switchboard._read_omnidimension(text, jsonb) IS
  'What a webhook of OmniDimension is about and what makes it one event: its call. Errors: 22023 when it names none.';
REVOKE ALL ON FUNCTION switchboard._read_omnidimension(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._omnidimension_status(fields jsonb)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- It tells of calls that are over: any word that we do not know, or that is none of an end, goes by whether somebody talked.
  SELECT coalesce(
    (SELECT s FROM switchboard._reported_status(switchboard._true_text(fields, 'call_status')) s WHERE switchboard._call_rank(s) = 3),
    CASE WHEN switchboard._reported_seconds(fields -> 'call_duration') > 0 THEN 'completed' ELSE 'failed' END::switchboard.call_status)
$$;
COMMENT ON FUNCTION switchboard._omnidimension_status(jsonb) IS 'How a call of OmniDimension ended, in our words.';
REVOKE ALL ON FUNCTION switchboard._omnidimension_status(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._omnidimension_call(account uuid, tenant uuid, fields jsonb)
RETURNS switchboard.call_logs
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
-- The last way is for calls whose dispatch was not answered: nobody is called twice at once, so the number tells which it is.
DECLARE
  log    switchboard.call_logs;
  echoed uuid := switchboard._uuid_or_null(coalesce(fields #>> '{call_context,call_log_id}',
                   fields #>> '{call_report,extracted_variables,call_log_id}'));
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.tenant_id = tenant AND c.account_id = account AND c.id = echoed;
  IF NOT FOUND THEN
    SELECT c.* INTO log FROM switchboard.call_logs c
    WHERE c.tenant_id = tenant AND c.provider = 'omnidimension' AND c.call_id = switchboard._omnidimension_request(fields)
      AND c.account_id = account;
  END IF;
  IF log.id IS NULL THEN
    SELECT c.* INTO log FROM switchboard.call_logs c
    WHERE c.tenant_id = tenant AND c.to_number = switchboard.try_normalize_phone(switchboard._true_text(fields, 'to_number'))
      AND c.direction = 'outbound' AND c.account_id = account AND c.status = 'initiated' AND c.dialed_at IS NOT NULL
      AND c.call_id IS NULL
    ORDER BY c.started_at DESC LIMIT 1;
  END IF;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._omnidimension_call(uuid, uuid, jsonb) IS
  'The call that a webhook of OmniDimension is about: by our id where it comes back, by the id of the request, else the one to that
number of which nothing is known but that it was asked for.';
REVOKE ALL ON FUNCTION switchboard._omnidimension_call(uuid, uuid, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fetch_recording_later(log switchboard.call_logs, log_id text, at timestamptz)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: jobs are not the application's to write. Internal.
  INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, run_at, max_attempts, idempotency_key)
  SELECT a.tenant_id, 'call.status', a.id, log.id,
         jsonb_build_object('provider_call_id', log.call_id, 'call_log_id', log.id, 'log_id', log_id),
         at + switchboard._small_int(a.settings -> 'fetch_recordings', 1, 86400, NULL) * interval '1 second', 3, 'recording:' || log.id
  FROM switchboard.provider_accounts a
  WHERE a.id = log.account_id AND switchboard._small_int(a.settings -> 'fetch_recordings', 1, 86400, NULL) IS NOT NULL
    AND log_id IS NOT NULL
  ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
$$;
COMMENT ON FUNCTION switchboard._fetch_recording_later(switchboard.call_logs, text, timestamptz) IS
  'Has the log of a call fetched again for its recording, so many seconds later as settings.fetch_recordings of the account says (1 to
86400; not at all unless it is set).';
REVOKE ALL ON FUNCTION switchboard._fetch_recording_later(switchboard.call_logs, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_omnidimension(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. A webhook that overtakes the answer to our request waits until
-- the call's id is known. The disposition comes first: the end of the call goes by it.
DECLARE
  log       switchboard.call_logs;
  report    jsonb := CASE WHEN jsonb_typeof(fields -> 'call_report') = 'object' THEN fields -> 'call_report' ELSE '{}' END;
  status    switchboard.call_status := switchboard._omnidimension_status(fields);
  seconds   int := switchboard._reported_seconds(fields -> 'call_duration');
  recording text := substring(switchboard._true_text(fields, 'recording_url') FROM '^https?://[^[:space:]]+$');
  voicemail boolean := coalesce(fields ->> 'call_status' = 'voicemail_detected' OR fields -> 'is_voicemail' = 'true', false);
BEGIN
  IF fields ->> 'call_direction' = 'inbound' THEN
    -- Its agent has answered; we hear of the call when it is over.
    log := switchboard._take_told_call(inbox, coalesce(switchboard._true_text(fields, 'call_id'), inbox.external_id),
      switchboard._true_text(fields, 'from_number'), switchboard._true_text(fields, 'to_number'),
      inbox.received_at - coalesce(seconds, 0) * interval '1 second', fields - 'call_report');
  ELSE
    log := switchboard._omnidimension_call(inbox.account_id, inbox.tenant_id, fields);
  END IF;
  IF log.id IS NULL THEN
    RETURN 'unknown call';
  END IF;
  PERFORM switchboard._note_reported_disposition(log, CASE WHEN voicemail THEN 'voicemail' END, NULL, NULL, inbox.received_at);
  PERFORM switchboard._note_conversation(log.id, coalesce(switchboard._true_text(fields, 'call_id'), inbox.external_id), recording, seconds,
    regexp_replace(switchboard._true_text(report, 'full_conversation'), '<br */?>', E'\n', 'g'),
    substring(lower(switchboard._true_text(report, 'sentiment')) FROM 'positive|neutral|negative'),
    jsonb_build_object('summary', switchboard._true_text(report, 'summary'),
                       'extracted_variables', nullif(report -> 'extracted_variables', 'false')));
  PERFORM switchboard._apply_call_status(ARRAY[
    ROW(log.id, log.tenant_id, 'omnidimension',
        coalesce(log.call_id, switchboard._unused_call_id(log.tenant_id, 'omnidimension', switchboard._omnidimension_request(fields))), status, inbox.received_at,
        seconds, CASE WHEN voicemail THEN 'machine' END, recording,
        coalesce(switchboard._true_text(fields, 'hangup_source'), switchboard._true_text(fields, 'call_status')),
        fields - 'call_report')::switchboard.call_status_event]);
  IF recording IS NULL AND seconds > 0 THEN
    PERFORM switchboard._fetch_recording_later(log, switchboard._true_text(fields, 'call_id'), inbox.received_at);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_omnidimension(switchboard.webhook_inbox, jsonb) IS
  'Acts on the webhook of OmniDimension after a call: how it ended, recording, transcript, mood, summary, voicemail.';
REVOKE ALL ON FUNCTION switchboard._act_omnidimension(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
