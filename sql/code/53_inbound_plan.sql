-- What happens on a call that a customer makes, in words that every provider's answers can be made of:
--
--   connect   rings an agent, or (user_id absent) a number that the call is put through to, for timeout_s seconds
--   wait      the caller waits in the queue: text, audio_url, callback_key; then the provider asks again
--   record    the caller may leave a message of up to max_s seconds
--   say       last words, then the call ends
--   hangup    there is nothing to say
--
-- The way of a call: closed -> overflow; else as settings.route says: put through, voicemail, or the queue. In the queue it gets the
-- agent with its skills who has been idle longest; else it waits, unless nobody is there or too many wait, and no longer than max_wait:
-- then overflow. What was decided stands in call_logs (queued_at, assigned_at, left_queue_at, overflow): asking twice gives the same
-- answer twice, and each question of a waiting call looks for an agent again.

CREATE OR REPLACE FUNCTION switchboard._inbound_is_open(settings jsonb, at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT settings -> 'hours' IS NULL
      OR coalesce(switchboard.next_call_time(at, settings ->> 'timezone', settings -> 'hours') <= at, false)
$$;
COMMENT ON FUNCTION switchboard._inbound_is_open(jsonb, timestamptz) IS 'Whether calls are taken then: inside hours, or there are none.';
REVOKE ALL ON FUNCTION switchboard._inbound_is_open(jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._callback_number(call switchboard.call_logs)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT substring(call.from_number FROM '^\+[1-9][0-9]{4,14}$') $$;
COMMENT ON FUNCTION switchboard._callback_number(switchboard.call_logs) IS 'Where a caller can be called back; NULL: the number is withheld.';
REVOKE ALL ON FUNCTION switchboard._callback_number(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._callback_key(call switchboard.call_logs, settings jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN switchboard._callback_number(call) IS NOT NULL
              THEN coalesce(settings ->> 'callback_key', CASE settings ->> 'overflow' WHEN 'callback' THEN '1' END) END
$$;
COMMENT ON FUNCTION switchboard._callback_key(switchboard.call_logs, jsonb) IS
  'The key with which a waiting caller asks to be called back: settings.callback_key, else 1 where overflow is callback; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._callback_key(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._number_to_try(call switchboard.call_logs, settings jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT substring(CASE WHEN settings ->> 'route' LIKE 'number:%' AND switchboard._inbound_is_open(settings, call.started_at)
                        THEN settings ->> 'route' ELSE settings ->> 'overflow' END FROM '^number:(.*)')
$$;
COMMENT ON FUNCTION switchboard._number_to_try(switchboard.call_logs, jsonb) IS 'The number that a call is put through to; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._number_to_try(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._overflow_plan(call switchboard.call_logs, settings jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
DECLARE
  closed constant text := CASE WHEN NOT switchboard._inbound_is_open(settings, call.started_at)
                               THEN coalesce(settings ->> 'closed_message', 'We are closed at the moment.') END;
  number constant text := switchboard._number_to_try(call, settings);
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object('language', settings -> 'language')) || CASE
    WHEN call.overflow = 'voicemail' AND call.voicemail_at IS NULL THEN jsonb_build_object('action', 'record', 'max_s', settings -> 'voicemail_max',
      'text', concat_ws(' ', coalesce(closed, CASE WHEN settings ->> 'voicemail_message' IS NULL AND settings ->> 'route' <> 'voicemail'
                                                   THEN 'Nobody is free to take your call.' END),
                        coalesce(settings ->> 'voicemail_message', 'Please leave a message after the tone.')))
    WHEN call.overflow = 'callback' THEN jsonb_build_object('action', 'say',
      'text', concat_ws(' ', closed, coalesce(settings ->> 'callback_message', 'We will call you back as soon as possible. Goodbye.')))
    WHEN call.overflow = 'number' AND number IS NOT NULL
      THEN jsonb_build_object('action', 'connect', 'endpoint', number, 'timeout_s', 30, 'record', settings -> 'record')
    WHEN call.overflow = 'hangup' THEN jsonb_build_object('action', 'say',
      'text', coalesce(closed, settings ->> 'hangup_message', 'Nobody is free to take your call. Please try again later. Goodbye.'))
    ELSE '{"action": "hangup"}' END;
END
$$;
COMMENT ON FUNCTION switchboard._overflow_plan(switchboard.call_logs, jsonb) IS 'What a caller gets instead of an agent, by overflow of the call.';
REVOKE ALL ON FUNCTION switchboard._overflow_plan(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._send_elsewhere(call switchboard.call_logs, way text, why text, at timestamptz)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call, which no agent has. Nobody can be called
-- back at a withheld number.
DECLARE
  sent constant text := CASE WHEN way = 'callback' AND switchboard._callback_number(call) IS NULL THEN 'voicemail' ELSE split_part(way, ':', 1) END;
BEGIN
  UPDATE switchboard.call_logs c
  SET overflow = sent, left_queue_at = CASE WHEN c.queued_at IS NOT NULL THEN coalesce(c.left_queue_at, at) END, user_id = NULL
  WHERE c.id = call.id RETURNING c.* INTO call;
  INSERT INTO switchboard.call_events (tenant_id, call_log_id, raw, occurred_at)
  VALUES (call.tenant_id, call.id, jsonb_build_object('overflow', sent, 'reason', why), at);
  PERFORM switchboard._tell_queue(call, jsonb_build_object('change', 'overflow', 'overflow', sent, 'reason', why));
  IF sent = 'callback' THEN
    PERFORM switchboard._request_callback(call.tenant_id, switchboard._callback_number(call), at, NULL, call.lead_id, call.id);
  END IF;
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._send_elsewhere(switchboard.call_logs, text, text, timestamptz) IS
  'Sends a call to the voicemail, a callback, a number or its end (way as in settings.overflow) instead of to an agent, and says why: closed,
route, no-agents, queue-full, max-wait, asked (the caller wants a callback), no-answer (of a number). Returns the call.';
REVOKE ALL ON FUNCTION switchboard._send_elsewhere(switchboard.call_logs, text, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._leave_number(call switchboard.call_logs, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call. A number that was the overflow has none.
DECLARE
  settings constant jsonb := switchboard._inbound_settings(call.tenant_id, call.account_id, call.to_number);
  next     text := settings ->> 'overflow';
BEGIN
  PERFORM switchboard._send_elsewhere(call, CASE WHEN next LIKE 'number:%' THEN 'hangup' ELSE next END, 'no-answer', at);
END
$$;
COMMENT ON FUNCTION switchboard._leave_number(switchboard.call_logs, timestamptz) IS
  'The number that a call was put through to did not answer: on to the overflow, unless the number was that.';
REVOKE ALL ON FUNCTION switchboard._leave_number(switchboard.call_logs, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._somebody_serves(call switchboard.call_logs)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Who is paused comes back. Cost: the agents who are there, up to one who
-- may have the call.
DECLARE
  given constant boolean := switchboard._distributes_calls(call.tenant_id);
BEGIN
  RETURN EXISTS (
    SELECT FROM switchboard.agent_states s
    JOIN switchboard.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    WHERE s.tenant_id = call.tenant_id AND s.ended_at IS NULL AND s.state <> 'offline'
      AND CASE WHEN given THEN switchboard._is_given_calls(u, call.skills, call.user_id)
               ELSE switchboard._serves_call(u, call.skills, call.user_id) END);
END
$$;
COMMENT ON FUNCTION switchboard._somebody_serves(switchboard.call_logs) IS
  'Whether an agent who may have a waiting call is at work: in any state but offline.';
REVOKE ALL ON FUNCTION switchboard._somebody_serves(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._arrival(call switchboard.call_logs, settings jsonb, at timestamptz)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call, about which nothing was decided yet.
DECLARE
  route constant text := settings ->> 'route';
BEGIN
  IF NOT switchboard._inbound_is_open(settings, call.started_at) THEN
    RETURN switchboard._send_elsewhere(call, settings ->> 'overflow', 'closed', at);
  ELSIF route = 'voicemail' OR route LIKE 'number:%' THEN
    RETURN switchboard._send_elsewhere(call, route, 'route', at);
  END IF;
  -- Somebody's own line asks for them, and for no skill.
  UPDATE switchboard.call_logs c
  SET queued_at = at,
      user_id = (SELECT u.id FROM switchboard.users u
                 WHERE u.tenant_id = c.tenant_id AND u.id = switchboard._uuid_or_null(substring(route FROM '^user:(.*)'))),
      skills = CASE WHEN route LIKE 'user:%' THEN '{}' ELSE c.skills END
  WHERE c.id = call.id RETURNING c.* INTO call;
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._arrival(switchboard.call_logs, jsonb, timestamptz) IS
  'Decides where a call that has just come in goes: elsewhere (overflow is set then), or to an agent (queued_at is set). Returns the call.';
REVOKE ALL ON FUNCTION switchboard._arrival(switchboard.call_logs, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reason_not_to_wait(call switchboard.call_logs, settings jsonb, arrives boolean, at timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Cost: for a call that arrives, the calls that wait.
BEGIN
  RETURN CASE
    WHEN NOT switchboard._somebody_serves(call) THEN 'no-agents'
    WHEN at >= call.queued_at + (settings ->> 'max_wait')::int * interval '1 second' THEN 'max-wait'
    WHEN arrives AND (SELECT count(*) FROM switchboard.call_logs c WHERE c.tenant_id = call.tenant_id AND c.in_queue AND c.id <> call.id)
                     >= (settings ->> 'max_queue')::int THEN 'queue-full' END;
END
$$;
COMMENT ON FUNCTION switchboard._reason_not_to_wait(switchboard.call_logs, jsonb, boolean, timestamptz) IS
  'Why a call that no agent is free for does not wait, or wait on: no-agents, queue-full, max-wait; NULL: it waits.';
REVOKE ALL ON FUNCTION switchboard._reason_not_to_wait(switchboard.call_logs, jsonb, boolean, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wait_plan(call switchboard.call_logs, settings jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Cost: the calls that are served before this one, by the index of the queue.
DECLARE
  key      constant text := switchboard._callback_key(call, settings);
  position constant bigint := (
    SELECT count(*) + 1 FROM switchboard.call_logs c
    WHERE c.tenant_id = call.tenant_id AND c.in_queue AND c.id <> call.id
      AND (c.priority > call.priority OR c.priority = call.priority AND (c.queued_at, c.id) < (call.queued_at, call.id)));
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'action', 'wait', 'position', position, 'language', settings -> 'language', 'audio_url', settings -> 'hold_audio_url',
    'callback_key', key, 'text', nullif(concat_ws(' ',
      CASE WHEN settings -> 'announce_position' = 'true'
           THEN replace(coalesce(settings ->> 'position_message', 'You are number {{position}} in the queue.'), '{{position}}', position::text) END,
      settings ->> 'hold_message',
      CASE WHEN key IS NOT NULL AND settings ->> 'hold_message' IS NULL THEN format('Press %s if you want us to call you back.', key) END), '')));
END
$$;
COMMENT ON FUNCTION switchboard._wait_plan(switchboard.call_logs, jsonb) IS
  'What a waiting caller hears, round after round: the place in the queue, settings.hold_message (else, where there is one, which key asks
for a callback), settings.hold_audio_url.';
REVOKE ALL ON FUNCTION switchboard._wait_plan(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._keep_inbound(call switchboard.call_logs, settings jsonb, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Not written with each question, of which there are many.
DECLARE
  patience constant interval := greatest((settings ->> 'voicemail_max')::int + 300, 600) * interval '1 second';
BEGIN
  IF coalesce(call.expires_at, at) < at + patience / 2 THEN
    UPDATE switchboard.call_logs c SET expires_at = at + patience WHERE c.id = call.id;
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._keep_inbound(switchboard.call_logs, jsonb, timestamptz) IS
  'The provider has asked about a call: it is there. Ten minutes without a word (or voicemail_max and five), and it is settled, see
expire_silent_calls().';
REVOKE ALL ON FUNCTION switchboard._keep_inbound(switchboard.call_logs, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_plan(call switchboard.call_logs, settings jsonb, agent switchboard.agent_states)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the call. Internal.
  SELECT jsonb_build_object('action', 'connect', 'user_id', agent.user_id, 'endpoint', switchboard._agent_endpoint(u),
                            'timeout_s', _agent_plan.settings -> 'agent_timeout', 'record', _agent_plan.settings -> 'record')
  FROM switchboard.users u WHERE u.tenant_id = call.tenant_id AND u.id = agent.user_id
$$;
COMMENT ON FUNCTION switchboard._agent_plan(switchboard.call_logs, jsonb, switchboard.agent_states) IS 'Connects a call with its agent.';
REVOKE ALL ON FUNCTION switchboard._agent_plan(switchboard.call_logs, jsonb, switchboard.agent_states) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._drop_transfer(call switchboard.call_logs)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: jobs are not the application's to write. Internal. Late, it would tear apart those who speak by then.
  DELETE FROM switchboard.jobs_open j
  WHERE j.id IN (SELECT o.id FROM switchboard.jobs_open o
                 WHERE o.tenant_id = call.tenant_id AND o.idempotency_key = 'transfer:' || call.id AND o.state = 'ready'
                 FOR UPDATE SKIP LOCKED)
$$;
COMMENT ON FUNCTION switchboard._drop_transfer(switchboard.call_logs) IS
  'The provider asks by itself about a call that waited: it need not be told any more, unless that is under way.';
REVOKE ALL ON FUNCTION switchboard._drop_transfer(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_plan(call uuid, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: whoever asks has made sure that it is the provider.
-- The call is locked before anything is decided: its end, and another question about it, come before or after.
DECLARE
  log      switchboard.call_logs := switchboard._lock_call(call);
  settings jsonb;
  agent    switchboard.agent_states;
  arrives  boolean := log.queued_at IS NULL;
  why      text;
BEGIN
  IF log.id IS NULL OR switchboard._call_rank(log.status) = 3 OR log.hang_up_at IS NOT NULL THEN
    RETURN '{"action": "hangup"}';
  END IF;
  settings := switchboard._inbound_settings(log.tenant_id, log.account_id, log.to_number);
  PERFORM switchboard._keep_inbound(log, settings, at);
  agent := switchboard._busy_agent(log);
  IF agent.id IS NOT NULL THEN
    PERFORM switchboard._drop_transfer(log);
    RETURN switchboard._agent_plan(log, settings, agent);
  ELSIF log.assigned_at IS NOT NULL THEN   -- to somebody who is not on it any more
    log := switchboard._requeue_call(log, at);
  ELSIF arrives AND log.overflow IS NULL THEN
    log := switchboard._arrival(log, settings, at);
  END IF;
  IF log.overflow IS NULL THEN
    agent := switchboard._find_inbound_agent(log, at);
    IF agent.id IS NOT NULL THEN
      RETURN switchboard._agent_plan(log, settings, agent);
    END IF;
    why := switchboard._reason_not_to_wait(log, settings, arrives, at);
    IF why IS NULL THEN
      IF arrives THEN
        PERFORM switchboard._tell_queue(log, '{"change": "waits"}');
      END IF;
      RETURN switchboard._wait_plan(log, settings);
    END IF;
    log := switchboard._send_elsewhere(log, settings ->> 'overflow', why, at);
  END IF;
  RETURN switchboard._overflow_plan(log, settings);
END
$$;
COMMENT ON FUNCTION switchboard._inbound_plan(uuid, timestamptz) IS
  'What to do on a call that a customer makes, now that its provider asks, for the first time or again: {"action", "text", "language",
"audio_url", "endpoint", "user_id", "timeout_s", "max_s", "record", "position", "callback_key"}, keys without a value left out; actions are
listed in this file. Gives the call to an agent, queues it or sends it elsewhere, where that is the plan.';
REVOKE ALL ON FUNCTION switchboard._inbound_plan(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_greeting(call uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Whoever calls while nobody is there hears that at once.
DECLARE
  log      switchboard.call_logs;
  settings jsonb;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  settings := switchboard._inbound_settings(log.tenant_id, log.account_id, log.to_number);
  IF switchboard._call_rank(log.status) = 3 OR coalesce(settings ->> 'greeting', settings ->> 'greeting_audio_url') IS NULL
     OR NOT switchboard._inbound_is_open(settings, log.started_at) THEN
    RETURN NULL;
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object('text', settings -> 'greeting', 'audio_url', settings -> 'greeting_audio_url',
                                              'language', settings -> 'language'));
END
$$;
COMMENT ON FUNCTION switchboard._inbound_greeting(uuid) IS
  'What a caller hears first: {"text", "audio_url", "language"}; NULL: nothing is set, or it is closed.';
REVOKE ALL ON FUNCTION switchboard._inbound_greeting(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_key(call uuid, key text, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Whoever has been given an agent meanwhile gets them.
DECLARE
  log switchboard.call_logs := switchboard._lock_call(call);
BEGIN
  IF log.in_queue AND key = switchboard._callback_key(log, switchboard._inbound_settings(log.tenant_id, log.account_id, log.to_number)) THEN
    PERFORM switchboard._send_elsewhere(log, 'callback', 'asked', at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._inbound_key(uuid, text, timestamptz) IS 'Acts on a key that a waiting caller pressed: call me back.';
REVOKE ALL ON FUNCTION switchboard._inbound_key(uuid, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_voicemail(
  call uuid, recording_id text, url text, seconds int, bytes bigint, at timestamptz, more jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Providers tell of a message more than once. One without length is silence,
-- of whoever hung up after the tone.
DECLARE
  log switchboard.call_logs := switchboard._lock_call(call);
BEGIN
  IF coalesce(seconds, 1) < 1 OR log.id IS NULL THEN
    RETURN;
  END IF;
  PERFORM switchboard._note_recording(call, recording_id, url, seconds, bytes, more || '{"kind": "voicemail"}');
  IF log.voicemail_at IS NULL THEN
    UPDATE switchboard.call_logs c SET voicemail_at = at, recording_url = coalesce(c.recording_url, url) WHERE c.id = call;
    PERFORM switchboard._add_support_request(log.tenant_id, 'voicemail', NULL, 'Voicemail from ' || coalesce(log.from_number, 'unknown'),
      NULL, 'medium', switchboard._callback_number(log), NULL, log.lead_id, call, NULL);
    PERFORM switchboard._add_event(log.tenant_id, 'voicemail-received', call, jsonb_strip_nulls(jsonb_build_object(
      'callId', call, 'contactId', log.lead_id, 'from', log.from_number, 'seconds', seconds)));
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._take_voicemail(uuid, text, text, int, bigint, timestamptz, jsonb) IS
  'A message that a caller left: its recording, voicemail_at, a support request, the event voicemail-received; each once per call.';
REVOKE ALL ON FUNCTION switchboard._take_voicemail(uuid, text, text, int, bigint, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_not_queued(call uuid, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. To let it wait again would go round in circles.
DECLARE
  log switchboard.call_logs := switchboard._lock_call(call);
BEGIN
  IF log.in_queue THEN
    PERFORM switchboard._send_elsewhere(
      log, switchboard._inbound_settings(log.tenant_id, log.account_id, log.to_number) ->> 'overflow', 'queue-full', at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._inbound_not_queued(uuid, timestamptz) IS 'The provider cannot let a call wait: on to the overflow.';
REVOKE ALL ON FUNCTION switchboard._inbound_not_queued(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_reply(
  account switchboard.provider_accounts, known switchboard.call_logs, event text, url text, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the account. Internal. A fault must not cost the caller their call: the provider asks again two
-- seconds later. Where its question names no call of ours, Vonage cannot, and the caller is asked to.
BEGIN
  IF switchboard._public_url(account) IS NULL THEN   -- where it has just reached us, then
    account.settings := account.settings || jsonb_build_object('public_url', substring(url FROM '^(.*)/api/webhooks/'));
  END IF;
  IF account.provider = 'twilio' THEN
    RETURN switchboard._twilio_inbound_reply(account, event, url, fields);
  END IF;
  RETURN switchboard._vonage_inbound_reply(account, known, event, url, fields);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'inbound call % of account % cannot be answered: SQLSTATE %: %',
    coalesce(fields ->> 'CallSid', fields ->> 'uuid', known.id::text), account.id, SQLSTATE, SQLERRM;
  RETURN CASE
    WHEN account.provider = 'twilio'
    THEN format('<?xml version="1.0" encoding="UTF-8"?><Response><Pause length="2"/><Redirect>%s</Redirect></Response>', switchboard._xml_escape(url))
    WHEN switchboard._url_query(url) ? 'call' THEN (
      '[{"action": "wait", "timeout": 2}]'::jsonb
      || jsonb_build_array('{"action": "notify", "payload": {}, "eventMethod": "POST"}'::jsonb || jsonb_build_object('eventUrl', jsonb_build_array(url))))::text
    ELSE '[{"action": "talk", "text": "We cannot take your call at the moment. Please call again."}]' END;
END
$$;
COMMENT ON FUNCTION switchboard._inbound_reply(switchboard.provider_accounts, switchboard.call_logs, text, text, jsonb) IS
  'What to answer a provider that asks what to do with a call that a customer makes; NULL when it does not ask. known: that call of Vonage.';
REVOKE ALL ON FUNCTION switchboard._inbound_reply(switchboard.provider_accounts, switchboard.call_logs, text, text, jsonb) FROM PUBLIC;
