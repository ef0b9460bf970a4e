-- What happens on an outbound call that somebody has answered, in words that every provider's answers can be made of:
--
--   say           a text or script, for calls that are not for agents
--   connect       an agent's endpoint (dialed first: the customer), to be rung timeout_s seconds
--   wait          nobody is free yet: ask again in timeout_s seconds
--   safe_harbour  nobody was free in time: who called, how to reach them, how not to be called again. The call is abandoned.
--   voicemail     a machine has answered: audio for it
--   hangup        there is nothing to say
--
-- An agent is chosen when a person answers, never before, except for calls that an agent asked for or promised: those have one
-- who is busy with them already. Asking twice gives the same answer twice.

CREATE OR REPLACE FUNCTION switchboard._call_language(call switchboard.call_logs, campaign switchboard.campaigns)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  RETURN coalesce(call.metadata ->> 'language', campaign.settings ->> 'language',
                  (SELECT a.settings ->> 'language' FROM switchboard.provider_accounts a WHERE a.id = call.account_id));
END
$$;
COMMENT ON FUNCTION switchboard._call_language(switchboard.call_logs, switchboard.campaigns) IS
  'Language of what is said on a call: that of its metadata, else of its campaign''s settings, else of its account''s.';
REVOKE ALL ON FUNCTION switchboard._call_language(switchboard.call_logs, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._spoken_number(phone text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT btrim(regexp_replace(regexp_replace(phone, '[^+0-9]', '', 'g'), '(.)', '\1 ', 'g')) $$;
COMMENT ON FUNCTION switchboard._spoken_number(text) IS 'A phone number as it is read out: digit by digit.';
REVOKE ALL ON FUNCTION switchboard._spoken_number(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._safe_harbour_plan(call switchboard.call_logs, campaign switchboard.campaigns)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. No offer in it: the law allows none here.
DECLARE
  caller text := (SELECT t.name FROM switchboard.tenants t WHERE t.id = call.tenant_id);
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'action', 'safe_harbour', 'language', switchboard._call_language(call, campaign), 'opt_out_digit', '9',
    'text', coalesce(nullif(btrim(campaign.settings ->> 'safe_harbour'), ''),
      format('Hello. This is %s. We are sorry that nobody is free to speak to you. You can reach us at %s. If you do not want to be '
             'called by us again, press 9 now or tell us at that number.', caller, switchboard._spoken_number(call.from_number)))));
END
$$;
COMMENT ON FUNCTION switchboard._safe_harbour_plan(switchboard.call_logs, switchboard.campaigns) IS
  'What an abandoned call is told: settings.safe_harbour of the campaign, else the tenant''s name, the number it was called from, and how
to opt out (key 9, or at that number).';
REVOKE ALL ON FUNCTION switchboard._safe_harbour_plan(switchboard.call_logs, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._machine_plan(call switchboard.call_logs, campaign switchboard.campaigns, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call, so that a message is left once.
DECLARE
  wanted uuid := switchboard._uuid_or_null(campaign.settings ->> 'voicemail_id');
  audio  text := (SELECT v.audio_url FROM switchboard.voicemail_drops v WHERE v.tenant_id = call.tenant_id AND v.id = wanted);
BEGIN
  IF audio IS NULL THEN
    RETURN '{"action": "hangup"}';
  END IF;
  PERFORM switchboard._leave_voicemail(call.id, wanted, at);
  RETURN jsonb_build_object('action', 'voicemail', 'audio_url', audio);
END
$$;
COMMENT ON FUNCTION switchboard._machine_plan(switchboard.call_logs, switchboard.campaigns, timestamptz) IS
  'What an answering machine hears: the recording of the campaign''s settings.voicemail_id, left and counted once; else nothing.';
REVOKE ALL ON FUNCTION switchboard._machine_plan(switchboard.call_logs, switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._busy_agent(call switchboard.call_logs)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
DECLARE
  agent switchboard.agent_states;
BEGIN
  SELECT s.* INTO agent FROM switchboard.agent_states s
  WHERE s.tenant_id = call.tenant_id AND s.call_log_id = call.id AND s.ended_at IS NULL AND s.state = 'busy'
  FOR NO KEY UPDATE;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._busy_agent(switchboard.call_logs) IS 'The agent who is busy with a call, locked; NULL: nobody is.';
REVOKE ALL ON FUNCTION switchboard._busy_agent(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._find_agent(call switchboard.call_logs, campaign switchboard.campaigns, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
DECLARE
  -- The one who asked for the call may have been on another one then.
  staff uuid[] := ARRAY(SELECT f.user_id FROM switchboard._staff(ARRAY[campaign.id]) f) || call.user_id;
  agent switchboard.agent_states := switchboard._lock_free_agent(call.tenant_id, staff);
BEGIN
  IF agent.id IS NULL THEN
    PERFORM switchboard._end_wrap_ups(at);
    agent := switchboard._lock_free_agent(call.tenant_id, staff);
  END IF;
  IF agent.id IS NOT NULL THEN
    agent := switchboard._give_call(call.id, agent, at);
  END IF;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._find_agent(switchboard.call_logs, switchboard.campaigns, timestamptz) IS
  'Gives an answered call to the agent of its campaign (or whose call it is) who has been idle longest; NULL: nobody is free.';
REVOKE ALL ON FUNCTION switchboard._find_agent(switchboard.call_logs, switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._connect_plan(
  call switchboard.call_logs, campaign switchboard.campaigns, agent switchboard.agent_states, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
BEGIN
  IF call.metadata -> 'agent_first' = 'true' THEN
    RETURN jsonb_build_object('action', 'connect', 'endpoint', call.to_number, 'user_id', agent.user_id,
                              'timeout_s', switchboard._ring_timeout(coalesce(campaign.settings, '{}') || call.metadata));
  END IF;
  UPDATE switchboard.call_logs c SET connected_at = at WHERE c.id = call.id AND c.connected_at IS NULL;
  RETURN jsonb_build_object(
    'action', 'connect', 'user_id', agent.user_id,
    'endpoint', (SELECT switchboard._agent_endpoint(u) FROM switchboard.users u WHERE u.id = agent.user_id),
    'timeout_s', switchboard._small_int(campaign.settings -> 'agent_timeout', 5, 120, 15));
END
$$;
COMMENT ON FUNCTION switchboard._connect_plan(switchboard.call_logs, switchboard.campaigns, switchboard.agent_states, timestamptz) IS
  'Connects a call with its agent, whose phone rings for settings.agent_timeout seconds (default 15); a call whose agent was dialed
first, with the customer.';
REVOKE ALL ON FUNCTION switchboard._connect_plan(switchboard.call_logs, switchboard.campaigns, switchboard.agent_states, timestamptz)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._no_agent_plan(call switchboard.call_logs, campaign switchboard.campaigns, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
DECLARE
  patience numeric := CASE WHEN jsonb_typeof(campaign.settings -> 'connect_within') = 'number'
                           THEN greatest(least((campaign.settings ->> 'connect_within')::numeric, 2), 0) ELSE 2 END;
BEGIN
  IF NOT call.abandoned AND at < coalesce(call.answered_at, at) + patience * interval '1 second' THEN
    RETURN '{"action": "wait", "timeout_s": 1}';
  END IF;
  UPDATE switchboard.call_logs c SET abandoned = true WHERE c.id = call.id AND NOT c.abandoned;
  RETURN switchboard._safe_harbour_plan(call, campaign);
END
$$;
COMMENT ON FUNCTION switchboard._no_agent_plan(switchboard.call_logs, switchboard.campaigns, timestamptz) IS
  'What to do while nobody is free: wait for settings.connect_within seconds after the answer (at most 2, the default), then the call is
abandoned.';
REVOKE ALL ON FUNCTION switchboard._no_agent_plan(switchboard.call_logs, switchboard.campaigns, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._answer_plan(call uuid, answered_by text, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: whoever asks has made sure that it is the provider.
-- The call is locked before anything is decided: its end, and another question about it, come before or after.
DECLARE
  log      switchboard.call_logs;
  campaign switchboard.campaigns;
  agent    switchboard.agent_states;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call FOR NO KEY UPDATE;
  IF NOT FOUND OR switchboard._call_rank(log.status) = 3 OR log.hang_up_at IS NOT NULL THEN
    RETURN '{"action": "hangup"}';
  END IF;
  SELECT k.* INTO campaign FROM switchboard.campaigns k WHERE k.id = log.campaign_id;
  agent := switchboard._busy_agent(log);
  IF agent.id IS NULL AND campaign.id IS NOT NULL AND coalesce(answered_by, log.answered_by::text) IN ('machine', 'fax') THEN
    RETURN switchboard._machine_plan(log, campaign, at);
  END IF;
  IF agent.id IS NULL AND NOT log.abandoned AND switchboard._wants_agent(log, campaign) THEN
    agent := switchboard._find_agent(log, campaign, at);
  END IF;
  IF agent.id IS NOT NULL THEN
    RETURN switchboard._connect_plan(log, campaign, agent, at);
  ELSIF log.abandoned OR switchboard._wants_agent(log, campaign) THEN
    RETURN switchboard._no_agent_plan(log, campaign, at);
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'action', 'say', 'language', switchboard._call_language(log, campaign), 'audio_url', campaign.settings ->> 'audio_url',
    'text', coalesce(switchboard._trigger_script(log), switchboard._call_text(campaign, log.tenant_id, log.campaign_contact_id, log.lead_id, log.metadata ->> 'say'))));
END
$$;
COMMENT ON FUNCTION switchboard._answer_plan(uuid, text, timestamptz) IS
  'What to do on an outbound call that was answered, or that asks again: {"action", "text", "language", "audio_url", "endpoint", "user_id",
"timeout_s", "opt_out_digit"}, keys without a value left out; actions are listed in this file. answered_by: human, machine, fax,
unknown or NULL. Gives the call to an agent, or counts it as abandoned, where that is the plan.';
REVOKE ALL ON FUNCTION switchboard._answer_plan(uuid, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wants_agent(call switchboard.call_logs, campaign switchboard.campaigns)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  RETURN call.assigned_at IS NOT NULL
      OR coalesce(campaign.type IN ('power', 'predictive') AND NOT switchboard._is_agentless(campaign), false);
END
$$;
COMMENT ON FUNCTION switchboard._wants_agent(switchboard.call_logs, switchboard.campaigns) IS
  'Whether a call is for an agent: one of a campaign with agents, or one that had an agent.';
REVOKE ALL ON FUNCTION switchboard._wants_agent(switchboard.call_logs, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._after_dial(call uuid, talk_s int, customer_left boolean, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. An agent is to blame only while the customer is still there.
DECLARE
  log   switchboard.call_logs;
  agent switchboard.agent_states;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call FOR NO KEY UPDATE;
  IF talk_s IS NOT NULL THEN
    UPDATE switchboard.call_logs c SET connected_at = greatest(c.connected_at, at - talk_s * interval '1 second')
    WHERE c.id = log.id AND switchboard._call_rank(c.status) < 3;
    RETURN;
  END IF;
  UPDATE switchboard.call_logs c
  SET connected_at = NULL,
      user_id = CASE WHEN k.type IN ('power', 'predictive') THEN NULL ELSE c.user_id END
  FROM switchboard.call_logs l LEFT JOIN switchboard.campaigns k ON k.id = l.campaign_id
  WHERE c.id = log.id AND l.id = c.id;
  agent := switchboard._busy_agent(log);
  IF agent.id IS NOT NULL AND NOT customer_left AND switchboard._call_rank(log.status) < 3 THEN
    PERFORM switchboard._change_agent(agent, coalesce(agent.next_state, 'paused'),
      CASE WHEN agent.next_state IS NULL THEN 'did not answer' ELSE agent.next_reason END, NULL, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._after_dial(uuid, int, boolean, timestamptz) IS
  'What an attempt to connect a call with its agent has come to: so many seconds of talk, or (talk_s NULL) none. An agent who did not pick
up while the customer waited is paused ("did not answer"), and a call that they did not ask for is nobody''s again.';
REVOKE ALL ON FUNCTION switchboard._after_dial(uuid, int, boolean, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._opt_out(call uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the call. Internal.
  INSERT INTO switchboard.do_not_call (tenant_id, phone_number, reason, source, added_by)
  SELECT c.tenant_id, c.to_number, 'opted out by key', 'call:' || c.id, NULL FROM switchboard.call_logs c WHERE c.id = call
  ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION switchboard._opt_out(uuid) IS 'Somebody who was called asked not to be called again: do not call, on any channel.';
REVOKE ALL ON FUNCTION switchboard._opt_out(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_key(call uuid, key text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  IF key = '9' THEN
    PERFORM switchboard._opt_out(call);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._apply_key(uuid, text) IS 'Acts on a key pressed during the safe-harbour message.';
REVOKE ALL ON FUNCTION switchboard._apply_key(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_dial(
  call uuid, told switchboard.call_status, talk_s int, customer_left boolean, at timestamptz, raw jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. A call whose agent was dialed first is told by its second leg.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  IF log.metadata -> 'agent_first' = 'true' THEN
    PERFORM switchboard._apply_call_status(ARRAY[
      ROW(log.id, log.tenant_id, log.provider, NULL, CASE WHEN talk_s IS NOT NULL THEN 'answered' ELSE told END,
          at - coalesce(talk_s, 0) * interval '1 second', talk_s, NULL, NULL, NULL, raw)::switchboard.call_status_event]);
    UPDATE switchboard.call_logs c SET connected_at = c.answered_at WHERE c.id = log.id AND talk_s IS NOT NULL;
  ELSE
    PERFORM switchboard._after_dial(log.id, talk_s, customer_left, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._apply_dial(uuid, switchboard.call_status, int, boolean, timestamptz, jsonb) IS
  'Acts on what a provider says of the second leg of a call: so many seconds of talk up to `at`, or (talk_s NULL) how it failed.';
REVOKE ALL ON FUNCTION switchboard._apply_dial(uuid, switchboard.call_status, int, boolean, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reply_plan(call uuid, event text, key text, done boolean, answered_by text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: what the provider says has been acted on.
BEGIN
  IF event = 'opt-out' AND key = '9' THEN
    RETURN jsonb_build_object('action', 'voicemail', 'text', 'You will not be called again. Goodbye.');
  ELSIF call IS NULL OR event = 'opt-out' OR done THEN
    RETURN '{"action": "hangup"}';
  END IF;
  RETURN switchboard._answer_plan(call, answered_by, clock_timestamp());
END
$$;
COMMENT ON FUNCTION switchboard._reply_plan(uuid, text, text, boolean, text) IS
  'What to do on a call when its provider asks: it was answered (answer), its agent was rung (dial-status), a key was pressed (opt-out).
done: they have talked, or the customer has gone. An unknown call (NULL) is hung up.';
REVOKE ALL ON FUNCTION switchboard._reply_plan(uuid, text, text, boolean, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_first_status(call uuid, told switchboard.call_status)
RETURNS switchboard.call_status
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  IF coalesce(log.metadata -> 'agent_first', 'false') <> 'true' THEN
    RETURN told;
  ELSIF told = 'answered' THEN
    RETURN 'ringing';
  ELSIF switchboard._call_rank(told) = 3 AND log.answered_at IS NULL THEN
    RETURN 'canceled';
  END IF;
  RETURN told;
END
$$;
COMMENT ON FUNCTION switchboard._agent_first_status(uuid, switchboard.call_status) IS
  'What news of a call mean for the customer: where the agent is dialed first, that the agent has picked up, or has gone, is not yet an
answer of the customer.';
REVOKE ALL ON FUNCTION switchboard._agent_first_status(uuid, switchboard.call_status) FROM PUBLIC;
