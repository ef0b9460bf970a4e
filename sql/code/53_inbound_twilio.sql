-- Calls that customers make, at Twilio: what it says about them, and what it is told to do, in TwiML. Each event has an address of its
-- own (_inbound_url()): incoming (a call has come in), answer (ask again), wait (a round in the queue), key (pressed while waiting),
-- dial-status (the end of a Dial), agent-status (somebody rung has picked up), voicemail, recording, status.
--
-- A call waits in Twilio's queue, whose order and length do not matter: it is taken out (<Leave/>, or a transfer) when the plan has
-- changed, and asks again.

CREATE OR REPLACE FUNCTION switchboard._inbound_url(account switchboard.provider_accounts, event text, call uuid, agent text DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._webhook_url(account, event, call) || coalesce('&agent=' || agent, '') $$;
COMMENT ON FUNCTION switchboard._inbound_url(switchboard.provider_accounts, text, uuid, text) IS
  'Where a provider tells us of that event of a call, or of its leg to that agent.';
REVOKE ALL ON FUNCTION switchboard._inbound_url(switchboard.provider_accounts, text, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._is_twilio_inbound(event text, fields jsonb)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- The leg to an agent is outbound-dial; recordings name no direction.
  SELECT fields ? 'CallSid'
     AND (coalesce(fields ->> 'Direction' = 'inbound', false) OR event IN ('incoming', 'wait', 'key', 'agent-status', 'voicemail'))
$$;
COMMENT ON FUNCTION switchboard._is_twilio_inbound(text, jsonb) IS 'Whether an event of Twilio is about a call that a customer makes.';
REVOKE ALL ON FUNCTION switchboard._is_twilio_inbound(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twilio_caller(number text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Withheld numbers also come as words spelled on the keys: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE.
  SELECT CASE WHEN number IN ('+266696687', '+7378742833', '+2562533', '+8656696', '+86282452253') THEN 'anonymous' ELSE number END
$$;
COMMENT ON FUNCTION switchboard._twilio_caller(text) IS 'From of a call, anonymous where it is withheld.';
REVOKE ALL ON FUNCTION switchboard._twilio_caller(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twilio_inbound_call(tenant uuid, account uuid, query jsonb, fields jsonb, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal. Every event of a call itself says who calls whom, and so can make its record; one
-- that does not (a front of one's own passes on what it thinks is needed) is about the call with that id.
DECLARE
  call uuid := (SELECT c.id FROM switchboard.call_logs c
                WHERE c.tenant_id = tenant AND c.id = switchboard._uuid_or_null(query ->> 'call') AND c.direction = 'inbound');
  used switchboard.provider_accounts;
BEGIN
  IF call IS NOT NULL OR query ? 'call' THEN
    RETURN call;
  ELSIF coalesce(fields ->> 'To', '') = '' THEN
    RETURN (SELECT c.id FROM switchboard.call_logs c
            WHERE c.tenant_id = tenant AND c.provider = 'twilio' AND c.call_id = fields ->> 'CallSid' AND c.direction = 'inbound');
  END IF;
  SELECT a.* INTO used FROM switchboard.provider_accounts a WHERE a.tenant_id = tenant AND a.id = account;
  RETURN switchboard._take_inbound_call(tenant, used, fields ->> 'CallSid', switchboard._twilio_caller(fields ->> 'From'), fields ->> 'To',
                                        at, fields - '{AccountSid,ApiVersion}'::text[]);
END
$$;
COMMENT ON FUNCTION switchboard._twilio_inbound_call(uuid, uuid, jsonb, jsonb, timestamptz) IS
  'The call that an event of Twilio is about, recorded if it is news; NULL: the one that its address or its id names is not there (any
more).';
REVOKE ALL ON FUNCTION switchboard._twilio_inbound_call(uuid, uuid, jsonb, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_twilio_leg(call uuid, agent uuid, fields jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. A leg that was canceled is nobody's fault.
BEGIN
  IF fields ->> 'DialCallStatus' IN ('completed', 'answered') THEN
    PERFORM switchboard._inbound_answered(call, agent,
      at - coalesce(switchboard._digits_or_null(fields ->> 'DialCallDuration'), 0) * interval '1 second', fields);
  ELSIF fields ->> 'DialCallStatus' IN ('busy', 'no-answer', 'failed')
        AND coalesce(switchboard._call_rank(switchboard._twilio_call_status(fields ->> 'CallStatus')), 0) < 3 THEN
    PERFORM switchboard._inbound_unanswered(call, agent, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio_leg(uuid, uuid, jsonb, timestamptz) IS
  'Acts on the end of a Dial to an agent (NULL: to a number): they have spoken, or nobody picked up.';
REVOKE ALL ON FUNCTION switchboard._act_twilio_leg(uuid, uuid, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_twilio_inbound(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. The end of a call is taken from any event that tells of it: the
-- number may have no status callback.
DECLARE
  query  constant jsonb := switchboard._url_query(inbox.url);
  at     constant timestamptz := switchboard._event_time(fields ->> 'Timestamp', inbox.received_at);
  status constant switchboard.call_status := switchboard._twilio_call_status(fields ->> 'CallStatus');
  agent  constant uuid := switchboard._uuid_or_null(query ->> 'agent');
  call   uuid := switchboard._twilio_inbound_call(inbox.tenant_id, inbox.account_id, query, fields, at);
BEGIN
  IF call IS NULL THEN
    RETURN 'unknown call';
  ELSIF inbox.event = 'agent-status' THEN
    IF status = 'answered' THEN
      PERFORM switchboard._inbound_answered(call, agent, at, fields);
    END IF;
    RETURN NULL;
  ELSIF inbox.event = 'dial-status' THEN
    PERFORM switchboard._act_twilio_leg(call, agent, fields, at);
  ELSIF inbox.event = 'voicemail' AND fields ->> 'RecordingUrl' <> '' AND fields ->> 'RecordingSid' <> '' THEN
    PERFORM switchboard._take_voicemail(call, fields ->> 'RecordingSid', fields ->> 'RecordingUrl',
                                        switchboard._digits_or_null(fields ->> 'RecordingDuration'), NULL, at);
  END IF;
  IF inbox.event = 'status' OR switchboard._call_rank(status) = 3 THEN
    PERFORM switchboard._apply_inbound_status(
      ROW(call, inbox.tenant_id, 'twilio', fields ->> 'CallSid', status, at, switchboard._digits_or_null(fields ->> 'CallDuration'), NULL,
          NULL, fields ->> 'SipResponseCode', fields - '{AccountSid,ApiVersion}'::text[])::switchboard.call_status_event);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio_inbound(switchboard.webhook_inbox, jsonb) IS
  'Acts on an event of Twilio about a call that a customer makes.';
REVOKE ALL ON FUNCTION switchboard._act_twilio_inbound(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_connect(plan jsonb, account switchboard.provider_accounts, call uuid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- The agent's phone shows who calls: Twilio's default.
  SELECT format('<Dial timeout="%s" answerOnBridge="true"%s action="%s">%s</Dial>', plan ->> 'timeout_s',
    CASE WHEN plan -> 'record' = 'true' THEN format(' record="record-from-answer-dual" recordingStatusCallback="%s"',
           switchboard._xml_escape(switchboard._inbound_url(account, 'recording', call))) ELSE '' END,
    switchboard._xml_escape(switchboard._inbound_url(account, 'dial-status', call, plan ->> 'user_id')),
    switchboard._twiml_noun(plan ->> 'endpoint', format(' statusCallbackEvent="answered" statusCallback="%s"',
      switchboard._xml_escape(switchboard._inbound_url(account, 'agent-status', call, plan ->> 'user_id')))))
$$;
COMMENT ON FUNCTION switchboard._twiml_connect(jsonb, switchboard.provider_accounts, uuid) IS
  'Rings whom a plan names, and tells when they pick up and when it is over.';
REVOKE ALL ON FUNCTION switchboard._twiml_connect(jsonb, switchboard.provider_accounts, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_round(plan jsonb, account switchboard.provider_accounts, call uuid)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN plan ? 'callback_key'
              THEN format('<Gather input="dtmf" numDigits="1" timeout="1" action="%s">%s</Gather>',
                          switchboard._xml_escape(switchboard._inbound_url(account, 'key', call)), r.heard)
              ELSE r.heard END
  FROM (SELECT CASE WHEN plan ? 'text' THEN switchboard._twiml_say(plan - 'audio_url') ELSE '' END
               || CASE WHEN plan ? 'audio_url' THEN switchboard._twiml_say(plan) ELSE '<Pause length="10"/>' END AS heard) r
$$;
COMMENT ON FUNCTION switchboard._twiml_round(jsonb, switchboard.provider_accounts, uuid) IS
  'A round of waiting: what is said, then the audio or ten seconds of silence; after it Twilio asks for the next.';
REVOKE ALL ON FUNCTION switchboard._twiml_round(jsonb, switchboard.provider_accounts, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twiml_inbound(
  plan jsonb, greeting jsonb, account switchboard.provider_accounts, call uuid, event text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  waits constant boolean := event IN ('wait', 'key');   -- what is answered there is heard inside the queue
  verbs text;
BEGIN
  verbs := CASE
    WHEN waits AND plan ->> 'action' = 'wait' THEN switchboard._twiml_round(plan, account, call)
    WHEN waits THEN '<Leave/>'
    WHEN plan ->> 'action' = 'wait' THEN format('<Enqueue waitUrl="%s" action="%s">switchboard</Enqueue>',
      switchboard._xml_escape(switchboard._inbound_url(account, 'wait', call)),
      switchboard._xml_escape(switchboard._inbound_url(account, 'answer', call)))
    WHEN plan ->> 'action' = 'connect' THEN switchboard._twiml_connect(plan, account, call)
    WHEN plan ->> 'action' = 'record'
    THEN format('%s<Record action="%s" recordingStatusCallback="%2$s" maxLength="%s" timeout="5" finishOnKey="#" playBeep="true"/><Hangup/>',
           switchboard._twiml_say(plan), switchboard._xml_escape(switchboard._inbound_url(account, 'voicemail', call)), plan ->> 'max_s')
    WHEN plan ->> 'action' = 'say' THEN switchboard._twiml_say(plan) || '<Hangup/>'
    ELSE '<Hangup/>' END;
  RETURN '<?xml version="1.0" encoding="UTF-8"?><Response>' || CASE WHEN greeting IS NULL THEN '' ELSE switchboard._twiml_say(greeting) END || verbs || '</Response>';
END
$$;
COMMENT ON FUNCTION switchboard._twiml_inbound(jsonb, jsonb, switchboard.provider_accounts, uuid, text) IS
  'A greeting (NULL: none) and a plan of _inbound_plan() as TwiML, in answer to that event.';
REVOKE ALL ON FUNCTION switchboard._twiml_inbound(jsonb, jsonb, switchboard.provider_accounts, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._twilio_inbound_reply(account switchboard.provider_accounts, event text, url text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal: the request is genuine, and what it says has been acted on. Where the
-- questions of a call look alike, as keys do, only the first is an event of its own: what they mean is done here, and harmless twice.
DECLARE
  query constant jsonb := switchboard._url_query(url);
  at    constant timestamptz := clock_timestamp();
  call  uuid;
BEGIN
  IF event NOT IN ('incoming', 'answer', 'wait', 'key', 'dial-status', 'voicemail')
     OR fields ->> 'QueueResult' IN ('redirected', 'bridged', 'bridging-in-process') OR fields ? 'RecordingStatus' THEN
    RETURN NULL;
  ELSIF event = 'voicemail' OR fields ->> 'DialCallStatus' IN ('completed', 'answered')
        OR switchboard._call_rank(switchboard._twilio_call_status(fields ->> 'CallStatus')) = 3 THEN
    RETURN switchboard._twiml_inbound('{"action": "hangup"}', NULL, account, NULL, 'answer');
  END IF;
  call := switchboard._twilio_inbound_call(account.tenant_id, account.id, query, fields, at);
  IF event = 'dial-status' THEN
    PERFORM switchboard._act_twilio_leg(call, switchboard._uuid_or_null(query ->> 'agent'), fields, at);
  ELSIF event = 'key' THEN
    PERFORM switchboard._inbound_key(call, fields ->> 'Digits', at);
  ELSIF fields ->> 'QueueResult' IN ('queue-full', 'error', 'system-error') THEN
    PERFORM switchboard._inbound_not_queued(call, at);
  END IF;
  RETURN switchboard._twiml_inbound(switchboard._inbound_plan(call, at),
    CASE event WHEN 'incoming' THEN switchboard._inbound_greeting(call) END, account, call, event);
END
$$;
COMMENT ON FUNCTION switchboard._twilio_inbound_reply(switchboard.provider_accounts, text, text, jsonb) IS
  'TwiML for a call that a customer makes, whenever Twilio asks what to do; NULL for events that only tell.';
REVOKE ALL ON FUNCTION switchboard._twilio_inbound_reply(switchboard.provider_accounts, text, text, jsonb) FROM PUBLIC;
