-- What Twilio is told to do with a call of ours, in TwiML, and what it says afterwards.

CREATE OR REPLACE FUNCTION switchboard._act_twilio_dial(call uuid, event text, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. A call whose agent was dialed first is told by its second leg.
DECLARE
  talked boolean := fields ->> 'DialCallStatus' IN ('completed', 'answered');
  talk_s int := CASE WHEN talked THEN coalesce(switchboard._digits_or_null(fields ->> 'DialCallDuration'), 0) END;
  log    switchboard.call_logs;
BEGIN
  IF event = 'opt-out' THEN
    IF fields ->> 'Digits' = '9' THEN
      PERFORM switchboard._opt_out(call);
    END IF;
    RETURN;
  END IF;
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  IF log.metadata -> 'agent_first' = 'true' THEN
    PERFORM switchboard._apply_call_status(ARRAY[
      ROW(log.id, log.tenant_id, log.provider, NULL,
          CASE WHEN talked THEN 'answered' ELSE switchboard._twilio_call_status(fields ->> 'DialCallStatus') END,
          at - coalesce(talk_s, 0) * interval '1 second', talk_s, NULL, NULL, NULL, fields)::switchboard.call_status_event]);
    UPDATE switchboard.call_logs c SET connected_at = c.answered_at WHERE c.id = log.id AND talked;
  ELSE
    PERFORM switchboard._after_dial(log.id, talk_s, coalesce(fields ->> 'CallStatus' = 'completed', false), at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio_dial(uuid, text, jsonb, timestamptz) IS
  'Acts on the end of a Dial (dial-status) and on a key pressed during the safe-harbour message (opt-out).';
REVOKE ALL ON FUNCTION switchboard._act_twilio_dial(uuid, text, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_noun(endpoint text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN endpoint ~ '^\+?[0-9][0-9 ()-]*$' THEN '<Number>' || switchboard._xml_escape(endpoint) || '</Number>'
              WHEN endpoint ~* '^sips?:' THEN '<Sip>' || switchboard._xml_escape(endpoint) || '</Sip>'
              ELSE '<Client>' || switchboard._xml_escape(regexp_replace(endpoint, '^client:', '')) || '</Client>' END
$$;
COMMENT ON FUNCTION switchboard._twiml_noun(text) IS
  'What a Dial rings for an endpoint: a phone number, a sip: address, else a client (with or without client:).';
REVOKE ALL ON FUNCTION switchboard._twiml_noun(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_say(plan jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN plan ->> 'audio_url' <> '' THEN format('<Play>%s</Play>', switchboard._xml_escape(plan ->> 'audio_url'))
              ELSE format('<Say%s>%s</Say>', coalesce(' language="' || switchboard._xml_escape(plan ->> 'language') || '"', ''),
                          switchboard._xml_escape(plan ->> 'text')) END
$$;
COMMENT ON FUNCTION switchboard._twiml_say(jsonb) IS 'Plays the audio of a plan, else says its text.';
REVOKE ALL ON FUNCTION switchboard._twiml_say(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml(plan jsonb, account switchboard.provider_accounts, call switchboard.call_logs)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- Where each event of this call is told, escaped; %s is the event.
  url   text := switchboard._xml_escape(replace(rtrim(account.settings ->> 'public_url', '/'), '%', '%%')
                  || '/api/webhooks/twilio/%s?account=' || account.id || '&call=' || call.id);
  verbs text;
BEGIN
  verbs := CASE plan ->> 'action'
    WHEN 'say' THEN switchboard._twiml_say(plan)
    WHEN 'connect' THEN format('<Dial timeout="%s" callerId="%s" answerOnBridge="true" action="%s">%s</Dial>', plan ->> 'timeout_s',
      switchboard._xml_escape(call.from_number), format(url, 'dial-status'), switchboard._twiml_noun(plan ->> 'endpoint'))
    WHEN 'wait' THEN format('<Pause length="%s"/><Redirect>%s</Redirect>', plan ->> 'timeout_s', format(url, 'answer'))
    WHEN 'safe_harbour' THEN format('<Gather input="dtmf" numDigits="1" timeout="5" action="%s">%s</Gather><Hangup/>',
      format(url, 'opt-out'), switchboard._twiml_say(plan))
    WHEN 'voicemail' THEN switchboard._twiml_say(plan) || '<Hangup/>'
    ELSE '<Hangup/>' END;
  RETURN '<?xml version="1.0" encoding="UTF-8"?><Response>' || verbs || '</Response>';
END
$$;
COMMENT ON FUNCTION switchboard._twiml(jsonb, switchboard.provider_accounts, switchboard.call_logs) IS
  'A plan of _answer_plan() as TwiML.';
REVOKE ALL ON FUNCTION switchboard._twiml(jsonb, switchboard.provider_accounts, switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twilio_reply(account switchboard.provider_accounts, event text, call uuid, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine and what it says has been acted on.
DECLARE
  log  switchboard.call_logs;
  plan jsonb;
BEGIN
  IF event NOT IN ('answer', 'dial-status', 'opt-out') THEN
    RETURN NULL;
  END IF;
  SELECT c.* INTO log FROM switchboard.call_logs c
  WHERE c.tenant_id = account.tenant_id
    AND (c.id = call OR call IS NULL AND c.provider = 'twilio' AND c.call_id = fields ->> 'CallSid');
  plan := CASE
    WHEN log.id IS NULL THEN '{"action": "hangup"}'
    WHEN event = 'opt-out' AND fields ->> 'Digits' = '9'
    THEN jsonb_build_object('action', 'voicemail', 'text', 'You will not be called again. Goodbye.')
    WHEN event = 'opt-out' OR fields ->> 'CallStatus' = 'completed'
         OR event = 'dial-status' AND fields ->> 'DialCallStatus' IN ('completed', 'answered')
    THEN '{"action": "hangup"}'
    ELSE switchboard._answer_plan(log.id, CASE WHEN fields ->> 'AnsweredBy' LIKE 'machine%' THEN 'machine'
                                               ELSE fields ->> 'AnsweredBy' END, clock_timestamp()) END;
  RETURN switchboard._twiml(plan, account, log);
END
$$;
COMMENT ON FUNCTION switchboard._twilio_reply(switchboard.provider_accounts, text, uuid, jsonb) IS
  'TwiML for a call of ours that was answered, or whose agent was rung, or whose customer pressed a key; an unknown call is hung up. NULL
for events that only tell.';
REVOKE ALL ON FUNCTION switchboard._twilio_reply(switchboard.provider_accounts, text, uuid, jsonb) FROM PUBLIC;
