-- Calls that customers make, at Vonage: what it says about them, and what it is told to do, as NCCO. Addresses of the application:
-- answer (or incoming) and status. Addresses in what it is told: answer (after a transfer), wait (a round in the queue is over, or a key
-- was pressed), dial-status (the leg to an agent), voicemail, recording.
--
-- Vonage has no queue: a round of waiting ends with a question whose answer takes the place of the list.

CREATE OR REPLACE FUNCTION switchboard._is_vonage_inbound(call switchboard.call_logs, event text, query jsonb, fields jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- That a call of ours was answered is told at an address that names it.
  SELECT CASE WHEN call.id IS NOT NULL THEN call.direction = 'inbound'
              ELSE coalesce(fields ->> 'direction' = 'inbound', false) OR event IN ('incoming', 'answer') AND NOT query ? 'call' END
$$;
COMMENT ON FUNCTION switchboard._is_vonage_inbound(switchboard.call_logs, text, jsonb, jsonb) IS
  'Whether an event of Vonage is about a call that a customer makes. call: the one it is about, as far as we know it.';
REVOKE ALL ON FUNCTION switchboard._is_vonage_inbound(switchboard.call_logs, text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_inbound_call(
  known switchboard.call_logs, tenant uuid, account uuid, query jsonb, fields jsonb, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
DECLARE
  used switchboard.provider_accounts;
BEGIN
  IF known.id IS NOT NULL OR query ? 'call' OR coalesce(fields ->> 'uuid', '') = '' OR coalesce(fields ->> 'to', '') = '' THEN
    RETURN known.id;
  END IF;
  SELECT a.* INTO used FROM switchboard.provider_accounts a WHERE a.tenant_id = tenant AND a.id = account;
  RETURN switchboard._take_inbound_call(tenant, used, fields ->> 'uuid', switchboard._international(fields ->> 'from'),
                                        switchboard._international(fields ->> 'to'), at, fields - '{account}'::text[]);
END
$$;
COMMENT ON FUNCTION switchboard._vonage_inbound_call(switchboard.call_logs, uuid, uuid, jsonb, jsonb, timestamptz) IS
  'The call that an event of Vonage is about, recorded if it is news; NULL: the event does not say enough.';
REVOKE ALL ON FUNCTION switchboard._vonage_inbound_call(switchboard.call_logs, uuid, uuid, jsonb, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_leg(call uuid, agent uuid, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. A leg that was cancelled is nobody's fault.
BEGIN
  IF fields ->> 'status' = 'answered' THEN
    PERFORM switchboard._inbound_answered(call, agent, at, fields);
  ELSIF fields ->> 'status' <> 'cancelled' AND switchboard._vonage_dial_failed(fields ->> 'status') THEN
    PERFORM switchboard._inbound_unanswered(call, agent, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage_leg(uuid, uuid, jsonb, timestamptz) IS
  'Acts on what became of the leg to an agent (NULL: to a number): they speak, or nobody picked up.';
REVOKE ALL ON FUNCTION switchboard._act_vonage_leg(uuid, uuid, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_inbound(inbox switchboard.webhook_inbox, known switchboard.call_logs, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
DECLARE
  query constant jsonb := switchboard._url_query(inbox.url);
  at    constant timestamptz := switchboard._event_time(fields ->> 'timestamp', inbox.received_at);
  call  constant uuid := switchboard._vonage_inbound_call(known, inbox.tenant_id, inbox.account_id, query, fields, at);
BEGIN
  IF call IS NULL THEN
    RETURN 'unknown call';
  ELSIF inbox.event = 'dial-status' THEN
    PERFORM switchboard._act_vonage_leg(call, switchboard._uuid_or_null(query ->> 'agent'), fields, at);
  ELSIF fields ->> 'recording_url' <> '' AND fields ->> 'recording_uuid' <> '' THEN
    IF inbox.event = 'voicemail' THEN
      PERFORM switchboard._take_voicemail(call, fields ->> 'recording_uuid', fields ->> 'recording_url',
        switchboard._vonage_recording_seconds(fields), NULL, at, jsonb_build_object('conversation_uuid', fields -> 'conversation_uuid'));
    ELSE
      PERFORM switchboard._act_vonage_recording(call, fields);
    END IF;
  ELSIF inbox.event = 'status' AND fields ->> 'uuid' = coalesce(known.call_id, fields ->> 'uuid') THEN   -- else about another leg
    PERFORM switchboard._apply_inbound_status(
      ROW(call, inbox.tenant_id, 'vonage', fields ->> 'uuid', switchboard._vonage_call_status(fields ->> 'status'), at,
          switchboard._digits_or_null(fields ->> 'duration'), NULL, NULL, coalesce(fields ->> 'detail', fields ->> 'sip_code'),
          CASE WHEN fields ? 'price' THEN '{"currency": "EUR"}'::jsonb ELSE '{}' END || (fields - '{account}'::text[])
         )::switchboard.call_status_event);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage_inbound(switchboard.webhook_inbox, switchboard.call_logs, jsonb) IS
  'Acts on an event of Vonage about a call that a customer makes. known: that call, as far as we know it.';
REVOKE ALL ON FUNCTION switchboard._act_vonage_inbound(switchboard.webhook_inbox, switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_url(account switchboard.provider_accounts, event text, call uuid, agent text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard._ncco_event(account, event, call)
         || jsonb_build_object('eventUrl', jsonb_build_array(switchboard._inbound_url(account, event, call, agent)))
$$;
COMMENT ON FUNCTION switchboard._ncco_url(switchboard.provider_accounts, text, uuid, text) IS
  'The part of an action that says where its events go, of the leg to that agent.';
REVOKE ALL ON FUNCTION switchboard._ncco_url(switchboard.provider_accounts, text, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_round(plan jsonb, account switchboard.provider_accounts, call uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- What can be broken off by a key must be followed by an input.
DECLARE
  keyed constant boolean := plan ? 'callback_key';
  heard jsonb := CASE WHEN plan ? 'text' THEN switchboard._ncco_say(plan - 'audio_url') ELSE '[]' END
                 || CASE WHEN plan ? 'audio_url' THEN switchboard._ncco_say(plan) ELSE '[]' END;
BEGIN
  IF keyed THEN
    RETURN coalesce((SELECT jsonb_agg(h.action || '{"bargeIn": true}' ORDER BY h.n) FROM jsonb_array_elements(heard) WITH ORDINALITY AS h (action, n)), '[]')
      || jsonb_build_array(jsonb_build_object('action', 'input', 'type', '["dtmf"]'::jsonb,
           'dtmf', jsonb_build_object('maxDigits', 1, 'timeOut', CASE WHEN plan ? 'audio_url' THEN 1 ELSE 10 END))
         || switchboard._ncco_url(account, 'wait', call));
  END IF;
  RETURN heard || CASE WHEN plan ? 'audio_url' THEN '[]' ELSE '[{"action": "wait", "timeout": 10}]'::jsonb END
    || jsonb_build_array(jsonb_build_object('action', 'notify', 'payload', jsonb_build_object('call', call))
                         || switchboard._ncco_url(account, 'wait', call));
END
$$;
COMMENT ON FUNCTION switchboard._ncco_round(jsonb, switchboard.provider_accounts, uuid) IS
  'A round of waiting: what is said, then the audio or ten seconds of silence, then the question what to do.';
REVOKE ALL ON FUNCTION switchboard._ncco_round(jsonb, switchboard.provider_accounts, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_connect(plan jsonb, account switchboard.provider_accounts, call switchboard.call_logs)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Vonage wants a number of ours as the caller.
  SELECT CASE WHEN plan -> 'record' = 'true'
              THEN jsonb_build_array('{"action": "record"}'::jsonb || switchboard._ncco_url(account, 'recording', call.id)) ELSE '[]' END
         || jsonb_build_array(jsonb_build_object(
              'action', 'connect', 'endpoint', jsonb_build_array(switchboard._ncco_endpoint(plan ->> 'endpoint')),
              'from', ltrim(call.to_number, '+'), 'timeout', plan -> 'timeout_s', 'eventType', 'synchronous')
            || switchboard._ncco_url(account, 'dial-status', call.id, plan ->> 'user_id'))
$$;
COMMENT ON FUNCTION switchboard._ncco_connect(jsonb, switchboard.provider_accounts, switchboard.call_logs) IS
  'Rings whom a plan names; the events of that leg tell when they pick up.';
REVOKE ALL ON FUNCTION switchboard._ncco_connect(jsonb, switchboard.provider_accounts, switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_inbound(
  plan jsonb, greeting jsonb, account switchboard.provider_accounts, call switchboard.call_logs)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN greeting IS NULL THEN '[]' ELSE switchboard._ncco_say(greeting) END || CASE plan ->> 'action'
    WHEN 'wait' THEN switchboard._ncco_round(plan, account, call.id)
    WHEN 'connect' THEN switchboard._ncco_connect(plan, account, call)
    WHEN 'record' THEN switchboard._ncco_say(plan) || jsonb_build_array(
      jsonb_build_object('action', 'record', 'beepStart', true, 'endOnKey', '#', 'endOnSilence', 5, 'timeOut', plan -> 'max_s')
      || switchboard._ncco_url(account, 'voicemail', call.id))
    WHEN 'say' THEN switchboard._ncco_say(plan)
    -- A list must not be empty.
    ELSE '[{"action": "wait", "timeout": 0.1}]' END
$$;
COMMENT ON FUNCTION switchboard._ncco_inbound(jsonb, jsonb, switchboard.provider_accounts, switchboard.call_logs) IS
  'A greeting (NULL: none) and a plan of _inbound_plan() as NCCO.';
REVOKE ALL ON FUNCTION switchboard._ncco_inbound(jsonb, jsonb, switchboard.provider_accounts, switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_inbound_reply(
  account switchboard.provider_accounts, known switchboard.call_logs, event text, url text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine, and what it says has been acted on. Keys are acted
-- on here, see _twilio_inbound_reply().
DECLARE
  query constant jsonb := switchboard._url_query(url);
  at    constant timestamptz := clock_timestamp();
  plan  jsonb;
BEGIN
  IF event NOT IN ('incoming', 'answer', 'wait', 'dial-status')
     OR event = 'dial-status' AND NOT switchboard._vonage_dial_failed(fields ->> 'status') THEN
    RETURN NULL;
  ELSIF event = 'wait' THEN
    PERFORM switchboard._inbound_key(known.id, switchboard._pressed_key(fields), at);
  ELSIF known.id IS NULL THEN
    SELECT c.* INTO known FROM switchboard.call_logs c
    WHERE c.id = switchboard._vonage_inbound_call(known, account.tenant_id, account.id, query, fields, at);
  END IF;
  plan := CASE WHEN fields ->> 'status' = 'cancelled' THEN '{"action": "hangup"}' ELSE switchboard._inbound_plan(known.id, at) END;
  RETURN switchboard._ncco_inbound(plan,
    CASE WHEN event = 'incoming' OR event = 'answer' AND NOT query ? 'call' THEN switchboard._inbound_greeting(known.id) END,
    account, known);
END
$$;
COMMENT ON FUNCTION switchboard._vonage_inbound_reply(switchboard.provider_accounts, switchboard.call_logs, text, text, jsonb) IS
  'NCCO for a call that a customer makes, whenever Vonage asks what to do; NULL for events that only tell. known: that call.';
REVOKE ALL ON FUNCTION switchboard._vonage_inbound_reply(switchboard.provider_accounts, switchboard.call_logs, text, text, jsonb) FROM PUBLIC;
