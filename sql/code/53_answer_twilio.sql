-- What Twilio is told to do with a call of ours, in TwiML, and what it says afterwards.

CREATE OR REPLACE FUNCTION switchboard._act_twilio_dial(call uuid, event text, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
DECLARE
  talked boolean := fields ->> 'DialCallStatus' IN ('completed', 'answered');
BEGIN
  IF event = 'opt-out' THEN
    PERFORM switchboard._apply_key(call, fields ->> 'Digits');
  ELSE
    PERFORM switchboard._apply_dial(call, switchboard._twilio_call_status(fields ->> 'DialCallStatus'),
      CASE WHEN talked THEN coalesce(switchboard._digits_or_null(fields ->> 'DialCallDuration'), 0) END,
      coalesce(fields ->> 'CallStatus' = 'completed', false), at, fields);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio_dial(uuid, text, jsonb, timestamptz) IS
  'Acts on the end of a Dial (dial-status) and on a key pressed during the safe-harbour message (opt-out).';
REVOKE ALL ON FUNCTION switchboard._act_twilio_dial(uuid, text, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_noun(endpoint text, attributes text DEFAULT '')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('<%s%s>%s</%1$s>', n.noun, attributes, switchboard._xml_escape(regexp_replace(endpoint, '^client:', '')))
  FROM (SELECT CASE WHEN endpoint ~ '^\+?[0-9][0-9 ()-]*$' THEN 'Number' WHEN endpoint ~* '^sips?:' THEN 'Sip' ELSE 'Client' END AS noun) n
$$;
COMMENT ON FUNCTION switchboard._twiml_noun(text, text) IS
  'What a Dial rings for an endpoint: a phone number, a sip: address, else a client (with or without client:). attributes: XML, each after
a space.';
REVOKE ALL ON FUNCTION switchboard._twiml_noun(text, text) FROM PUBLIC;

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
  verbs text;
BEGIN
  verbs := CASE plan ->> 'action'
    WHEN 'say' THEN switchboard._twiml_say(plan)
    WHEN 'connect' THEN format('<Dial timeout="%s" callerId="%s" answerOnBridge="true" action="%s">%s</Dial>', plan ->> 'timeout_s',
      switchboard._xml_escape(call.from_number), switchboard._xml_escape(switchboard._webhook_url(account, 'dial-status', call.id)), switchboard._twiml_noun(plan ->> 'endpoint'))
    WHEN 'wait' THEN format('<Pause length="%s"/><Redirect>%s</Redirect>', plan ->> 'timeout_s', 
      switchboard._xml_escape(switchboard._webhook_url(account, 'answer', call.id)))
    WHEN 'safe_harbour' THEN format('<Gather input="dtmf" numDigits="1" timeout="5" action="%s">%s</Gather><Hangup/>',
      switchboard._xml_escape(switchboard._webhook_url(account, 'opt-out', call.id)), switchboard._twiml_say(plan))
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
  plan := switchboard._reply_plan(log.id, event, fields ->> 'Digits',
    coalesce(fields ->> 'CallStatus' = 'completed', false) OR coalesce(fields ->> 'DialCallStatus' IN ('completed', 'answered'), false),
    CASE WHEN fields ->> 'AnsweredBy' LIKE 'machine%' THEN 'machine' ELSE fields ->> 'AnsweredBy' END);
  RETURN switchboard._twiml(plan, account, log);
END
$$;
COMMENT ON FUNCTION switchboard._twilio_reply(switchboard.provider_accounts, text, uuid, jsonb) IS
  'TwiML for a call of ours that was answered, or whose agent was rung, or whose customer pressed a key; an unknown call is hung up. NULL
for events that only tell.';
REVOKE ALL ON FUNCTION switchboard._twilio_reply(switchboard.provider_accounts, text, uuid, jsonb) FROM PUBLIC;
