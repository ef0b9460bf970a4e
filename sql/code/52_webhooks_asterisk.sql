-- What Asterisk says: the events of an ARI application, passed on as they are by whatever listens to its WebSocket (POST, one JSON
-- object each), with a secret in the address or Basic credentials. Who passes on a StasisStart gets a plan as answer (JSON, see
-- 53_answer_plan.sql) and carries it out.

CREATE OR REPLACE FUNCTION switchboard._read_asterisk(account uuid, fields jsonb, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- A recording knows its channel by the address that it was made of.
  external_id := coalesce(fields #>> '{channel,id}', substring(fields #>> '{recording,target_uri}' FROM '^channel:(.+)$'),
                          fields #>> '{peer,id}');
  IF fields ->> 'type' IS NULL OR length(external_id) > 200 THEN
    RAISE EXCEPTION 'no type of event' USING ERRCODE = '22023';
  END IF;
  dedupe_key := concat_ws(':', account, fields ->> 'type', external_id, fields ->> 'timestamp',
    coalesce(fields ->> 'digit', fields #>> '{channel,state}', fields ->> 'dialstatus', fields #>> '{recording,name}'));
END
$$;
COMMENT ON FUNCTION switchboard._read_asterisk(uuid, jsonb) IS
  'What an event of Asterisk is about, a channel if any, and what makes it one. Errors: 22023 when it does not say what it is.';
REVOKE ALL ON FUNCTION switchboard._read_asterisk(uuid, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asterisk_end(call switchboard.call_logs, was_up boolean, cause int)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Causes of Q.850, when it was never answered. An inbound channel is up as soon as it is greeted.
  SELECT CASE WHEN call.answered_at IS NOT NULL OR cause = 26 OR was_up AND call.direction = 'outbound' THEN 'completed'
              WHEN call.hang_up_at IS NOT NULL THEN 'canceled'
              WHEN cause = 17 THEN 'busy' WHEN cause IN (16, 18, 19, 20, 31) THEN 'no-answer' ELSE 'failed' END::switchboard.call_status
$$;
COMMENT ON FUNCTION switchboard._asterisk_end(switchboard.call_logs, boolean, int) IS 'How a call ended whose channel is gone, in our words.';
REVOKE ALL ON FUNCTION switchboard._asterisk_end(switchboard.call_logs, boolean, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asterisk_status(call switchboard.call_logs, fields jsonb)
RETURNS switchboard.call_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- An inbound channel is up as soon as it is greeted; its agent's answer is told by the bridge that both are put into.
  SELECT CASE
    WHEN fields ->> 'type' = 'ChannelDestroyed'
      THEN switchboard._asterisk_end(call, coalesce(fields #>> '{channel,state}' = 'Up', false), switchboard._digits_or_null(fields ->> 'cause'))
    WHEN fields ->> 'type' = 'ChannelEnteredBridge' AND call.direction = 'inbound'
         AND jsonb_array_length(jsonb_path_query_array(fields, '$.bridge.channels[*]')) > 1 THEN 'answered'
    WHEN call.direction = 'inbound' THEN NULL
    WHEN fields ->> 'type' = 'StasisStart' OR fields #>> '{channel,state}' = 'Up' THEN 'answered'
    WHEN fields #>> '{channel,state}' IN ('Ring', 'Ringing') THEN 'ringing'
    WHEN fields ->> 'type' = 'ChannelStateChange' THEN 'initiated' END::switchboard.call_status
$$;
COMMENT ON FUNCTION switchboard._asterisk_status(switchboard.call_logs, jsonb) IS
  'What an event of Asterisk says about a call as a whole; NULL: nothing.';
REVOKE ALL ON FUNCTION switchboard._asterisk_status(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asterisk_seconds(call switchboard.call_logs, fields jsonb, at timestamptz)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- It tells no length: from the answer to the end, whichever is heard of last.
  SELECT CASE WHEN s.seconds > 0 THEN s.seconds::int END
  FROM (SELECT extract(epoch FROM CASE WHEN fields ->> 'type' = 'ChannelDestroyed' THEN at - call.answered_at
                                       WHEN switchboard._asterisk_status(call, fields) = 'answered'
                                         THEN call.ended_at - least(at, call.answered_at) END) AS seconds) s
$$;
COMMENT ON FUNCTION switchboard._asterisk_seconds(switchboard.call_logs, jsonb, timestamptz) IS 'The length of a call, as far as an event settles it.';
REVOKE ALL ON FUNCTION switchboard._asterisk_seconds(switchboard.call_logs, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asterisk_call(inbox switchboard.webhook_inbox, fields jsonb, at timestamptz)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. A channel that we have made has our id of the call; one that comes
-- into the application and is not ours is a caller. The dialplan may put the channels of agents into it with the argument "agent".
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c
  WHERE c.id = switchboard._find_call(ROW(switchboard._uuid_or_null(inbox.external_id), inbox.tenant_id, 'asterisk', inbox.external_id,
                                          NULL, NULL, NULL, NULL, NULL, NULL, NULL)::switchboard.call_status_event);
  IF FOUND OR fields ->> 'type' <> 'StasisStart' OR fields -> 'args' @> '["agent"]' THEN
    RETURN log;
  END IF;
  RETURN switchboard._take_told_call(inbox, inbox.external_id, fields #>> '{channel,caller,number}', fields #>> '{channel,dialplan,exten}',
                                     at, fields);
END
$$;
COMMENT ON FUNCTION switchboard._asterisk_call(switchboard.webhook_inbox, jsonb, timestamptz) IS
  'The call that an event is about, by its channel; of a channel that comes into the application a new inbound one.';
REVOKE ALL ON FUNCTION switchboard._asterisk_call(switchboard.webhook_inbox, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._asterisk_recording(log switchboard.call_logs, fields jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the call. Internal.
  SELECT switchboard._note_recording(log.id, fields #>> '{recording,name}',
    coalesce(rtrim(a.base_url, '/'), 'http://localhost:8088/ari') || '/recordings/stored/'
      || switchboard._url_encode(fields #>> '{recording,name}') || '/file',
    switchboard._digits_or_null(fields #>> '{recording,duration}'), NULL, jsonb_build_object('format', fields #> '{recording,format}'))
  FROM switchboard.provider_accounts a WHERE a.id = log.account_id AND fields #>> '{recording,name}' <> ''
$$;
COMMENT ON FUNCTION switchboard._asterisk_recording(switchboard.call_logs, jsonb) IS
  'Keeps a recording that Asterisk has finished; its address is that of ARI.';
REVOKE ALL ON FUNCTION switchboard._asterisk_recording(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_asterisk(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. Events that say nothing about a call are no fault. What came before
-- the call is acted on now, but not by a further attempt, which could be part of it.
DECLARE
  at  timestamptz := switchboard._event_time(fields ->> 'timestamp', inbox.received_at);
  log switchboard.call_logs;
BEGIN
  IF inbox.external_id IS NULL OR fields ->> 'type' NOT IN ('StasisStart', 'ChannelStateChange', 'ChannelEnteredBridge',
                                                            'ChannelDestroyed', 'ChannelDtmfReceived', 'RecordingFinished') THEN
    RETURN NULL;
  END IF;
  log := switchboard._asterisk_call(inbox, fields, at);
  IF log.id IS NULL THEN
    RETURN CASE WHEN fields -> 'args' @> '["agent"]' THEN NULL ELSE 'unknown call' END;
  ELSIF fields ->> 'type' = 'RecordingFinished' THEN
    PERFORM switchboard._asterisk_recording(log, fields);
    RETURN NULL;
  ELSIF fields ->> 'type' = 'ChannelDtmfReceived' THEN
    IF log.direction = 'inbound' THEN
      PERFORM switchboard._inbound_key(log.id, fields ->> 'digit', at);
    END IF;
    RETURN NULL;
  END IF;
  PERFORM switchboard._apply_call_status(ARRAY[
    ROW(log.id, log.tenant_id, 'asterisk', inbox.external_id, switchboard._asterisk_status(log, fields), at,
        switchboard._asterisk_seconds(log, fields, at), NULL, NULL, coalesce(fields ->> 'cause_txt', fields ->> 'cause'), fields
       )::switchboard.call_status_event]);
  IF fields ->> 'type' = 'StasisStart' AND inbox.attempts = 0 THEN
    PERFORM switchboard._act_on_waiting(inbox.tenant_id, 'asterisk', inbox.external_id);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_asterisk(switchboard.webhook_inbox, jsonb) IS
  'Acts on an event of Asterisk: a call that comes in, progress and end of a call, a key pressed while waiting, a recording.';
REVOKE ALL ON FUNCTION switchboard._act_asterisk(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
