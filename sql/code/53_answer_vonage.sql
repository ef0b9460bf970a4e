-- What Vonage is told to do with a call of ours, as NCCO (a list of actions; the call ends when the list does), and what it says of
-- the leg to an agent.

CREATE OR REPLACE FUNCTION switchboard._vonage_dial_failed(status text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(status IN ('busy', 'cancelled', 'failed', 'rejected', 'timeout', 'unanswered'), false) $$;
COMMENT ON FUNCTION switchboard._vonage_dial_failed(text) IS
  'Whether a status of the leg to an agent says that they will not be on the call.';
REVOKE ALL ON FUNCTION switchboard._vonage_dial_failed(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._pressed_key(fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(fields -> 'dtmf' ->> 'digits', fields ->> 'dtmf') $$;
COMMENT ON FUNCTION switchboard._pressed_key(jsonb) IS 'The keys of an input event of Vonage, in its newer or older form.';
REVOKE ALL ON FUNCTION switchboard._pressed_key(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_vonage_dial(call switchboard.call_logs, event text, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. The leg tells when it is answered; that it has ended later adds nothing.
BEGIN
  IF event = 'opt-out' THEN
    PERFORM switchboard._apply_key(call.id, switchboard._pressed_key(fields));
  ELSIF fields ->> 'status' = 'answered' THEN
    PERFORM switchboard._apply_dial(call.id, 'answered', 0, false, at, fields);
  ELSIF switchboard._vonage_dial_failed(fields ->> 'status') THEN
    PERFORM switchboard._apply_dial(call.id, switchboard._vonage_call_status(fields ->> 'status'), NULL,
                                    fields ->> 'status' = 'cancelled', at, fields);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_vonage_dial(switchboard.call_logs, text, jsonb, timestamptz) IS
  'Acts on what became of the leg of a connect action (dial-status) and on a key pressed during the safe-harbour message (opt-out).';
REVOKE ALL ON FUNCTION switchboard._act_vonage_dial(switchboard.call_logs, text, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_endpoint(endpoint text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN endpoint ~ '^\+?[0-9][0-9 ()-]*$'
              THEN jsonb_build_object('type', 'phone', 'number', regexp_replace(endpoint, '[^0-9]', '', 'g'))
              WHEN endpoint ~* '^sips?:' THEN jsonb_build_object('type', 'sip', 'uri', endpoint)
              WHEN endpoint ~* '^wss:'
              THEN jsonb_build_object('type', 'websocket', 'uri', endpoint, 'content-type', 'audio/l16;rate=16000')
              ELSE jsonb_build_object('type', 'app', 'user', regexp_replace(endpoint, '^client:', '')) END
$$;
COMMENT ON FUNCTION switchboard._ncco_endpoint(text) IS
  'What a connect action rings for an endpoint: a phone number, a sip: or wss: address, else a user of the application (with or
without client:).';
REVOKE ALL ON FUNCTION switchboard._ncco_endpoint(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_say(plan jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- One talk takes 1500 characters; a longer text is parted behind a space where there is one.
DECLARE
  rest    text := plan ->> 'text';
  part    text;
  actions jsonb := '[]';
BEGIN
  IF plan ->> 'audio_url' <> '' THEN
    RETURN jsonb_build_array(jsonb_build_object('action', 'stream', 'streamUrl', jsonb_build_array(plan ->> 'audio_url')));
  END IF;
  WHILE rest <> '' LOOP
    part := left(rest, 1500);
    IF part <> rest AND strpos(part, ' ') > 0 THEN
      part := left(part, length(part) + 1 - strpos(reverse(part), ' '));
    END IF;
    actions := actions || jsonb_strip_nulls(jsonb_build_object('action', 'talk', 'text', part, 'language', plan ->> 'language'));
    rest := substr(rest, length(part) + 1);
  END LOOP;
  RETURN actions;
END
$$;
COMMENT ON FUNCTION switchboard._ncco_say(jsonb) IS 'Actions that play the audio of a plan, else say its text.';
REVOKE ALL ON FUNCTION switchboard._ncco_say(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_event(account switchboard.provider_accounts, event text, call uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Always POST: of a GET only the fact is signed, not what it says.
  SELECT jsonb_build_object('eventUrl', jsonb_build_array(switchboard._webhook_url(account, event, call)), 'eventMethod', 'POST')
$$;
COMMENT ON FUNCTION switchboard._ncco_event(switchboard.provider_accounts, text, uuid) IS
  'The part of an action that says where its events go.';
REVOKE ALL ON FUNCTION switchboard._ncco_event(switchboard.provider_accounts, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco(plan jsonb, account switchboard.provider_accounts, call switchboard.call_logs, event text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE plan ->> 'action'
    WHEN 'say' THEN switchboard._ncco_say(plan)
    WHEN 'voicemail' THEN switchboard._ncco_say(plan)
    WHEN 'connect' THEN jsonb_build_array(jsonb_build_object(
        'action', 'connect', 'endpoint', jsonb_build_array(switchboard._ncco_endpoint(plan ->> 'endpoint')),
        'from', ltrim(call.from_number, '+'), 'timeout', plan -> 'timeout_s', 'eventType', 'synchronous')
      || switchboard._ncco_event(account, 'dial-status', call.id))
    -- The answer to a notification takes the place of the list that sent it.
    WHEN 'wait' THEN jsonb_build_array(
      jsonb_build_object('action', 'wait', 'timeout', plan -> 'timeout_s'),
      jsonb_build_object('action', 'notify', 'payload', jsonb_build_object('call', call.id))
        || switchboard._ncco_event(account, CASE event WHEN 'answer' THEN 'answer' ELSE 'dial-status' END, call.id))
    WHEN 'safe_harbour' THEN (SELECT jsonb_agg(s.talk || '{"bargeIn": true}') FROM jsonb_array_elements(switchboard._ncco_say(plan)) AS s (talk))
      || jsonb_build_array('{"action": "input", "type": ["dtmf"], "dtmf": {"maxDigits": 1, "timeOut": 5}}'::jsonb
                           || switchboard._ncco_event(account, 'opt-out', call.id))
    -- A list must not be empty.
    ELSE '[{"action": "wait", "timeout": 0.1}]' END
$$;
COMMENT ON FUNCTION switchboard._ncco(jsonb, switchboard.provider_accounts, switchboard.call_logs, text) IS
  'A plan of _answer_plan() as NCCO, in answer to that event.';
REVOKE ALL ON FUNCTION switchboard._ncco(jsonb, switchboard.provider_accounts, switchboard.call_logs, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ncco_record(account switchboard.provider_accounts, call switchboard.call_logs)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  IF coalesce(call.metadata -> 'record',
              (SELECT k.settings -> 'record' FROM switchboard.campaigns k WHERE k.id = call.campaign_id)) = 'true' THEN
    RETURN jsonb_build_array('{"action": "record"}'::jsonb || switchboard._ncco_event(account, 'recording', call.id));
  END IF;
  RETURN '[]';
END
$$;
COMMENT ON FUNCTION switchboard._ncco_record(switchboard.provider_accounts, switchboard.call_logs) IS
  'The action that records a call, where the call''s metadata or the campaign''s settings want that (record), else none.';
REVOKE ALL ON FUNCTION switchboard._ncco_record(switchboard.provider_accounts, switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._vonage_reply(account switchboard.provider_accounts, event text, url text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine and what it says has been acted on.
-- Recording begins with the first thing that happens on a call; what comes after somebody was rung is part of it already.
DECLARE
  log    switchboard.call_logs;
  plan   jsonb;
BEGIN
  IF event NOT IN ('incoming', 'answer', 'wait', 'dial-status', 'opt-out')
     OR event = 'dial-status' AND fields ? 'status' AND NOT switchboard._vonage_dial_failed(fields ->> 'status') THEN
    RETURN NULL;
  END IF;
  log := switchboard._vonage_call(account.tenant_id, switchboard._url_query(url), fields);
  IF switchboard._is_vonage_inbound(log, event, switchboard._url_query(url), fields) THEN
    RETURN switchboard._inbound_reply(account, log, event, url, fields);
  END IF;
  plan := switchboard._reply_plan(log.id, event, switchboard._pressed_key(fields),
                                  coalesce(fields ->> 'status' = 'cancelled', false), NULL);
  RETURN CASE WHEN event = 'answer' AND plan ->> 'action' IN ('say', 'connect') THEN switchboard._ncco_record(account, log) ELSE '[]' END
         || switchboard._ncco(plan, account, log, event);
END
$$;
COMMENT ON FUNCTION switchboard._vonage_reply(switchboard.provider_accounts, text, text, jsonb) IS
  'NCCO for a call of ours that was answered, or whose agent was rung, or whose customer pressed a key; an unknown call is ended. NULL
for events that only tell.';
REVOKE ALL ON FUNCTION switchboard._vonage_reply(switchboard.provider_accounts, text, text, jsonb) FROM PUBLIC;
