-- Calls that customers make: the record, and what their provider says about them.
--
--   ringing    it has come in; it is greeted, waits for an agent, or an agent's phone rings for it
--   answered   an agent (or whoever it was put through to) speaks with the caller
--   completed  they have spoken; no-answer: nobody has, though a machine may have taken a message (overflow)
--
-- That the provider calls it answered as soon as it plays something to the caller is not an answer. Events come in any order, and
-- any of them makes the record: the first word about a call may be its end. That they have spoken may be heard of after the end,
-- and then makes no-answer completed; so it does not matter what came first.

CREATE OR REPLACE FUNCTION switchboard._caller_text(number text, region text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(switchboard.try_normalize_phone(left(number, 200), region), nullif(btrim(left(number, 200)), ''))
$$;
COMMENT ON FUNCTION switchboard._caller_text(text, text) IS
  'A number as providers tell it, in E.164; what is none (anonymous, sip:alice@example.com) as it is.';
REVOKE ALL ON FUNCTION switchboard._caller_text(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_contact(tenant uuid, caller text, make boolean)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
BEGIN
  IF make THEN
    RETURN switchboard._contact_for(tenant, caller, 'inbound-call');
  END IF;
  RETURN (SELECT k.id FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = caller);
END
$$;
COMMENT ON FUNCTION switchboard._caller_contact(uuid, text, boolean) IS
  'The contact who calls from that number, made if that is wanted; NULL: nobody is known, or the number is withheld.';
REVOKE ALL ON FUNCTION switchboard._caller_contact(uuid, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_inbound_call(
  tenant uuid, account switchboard.provider_accounts, provider_call_id text, from_number text, to_number text, at timestamptz, raw jsonb)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant given. Internal: whoever calls has made sure that the provider says so. Of two sessions that
-- hear of a call at once the second waits for the first, and finds its record. Cost: five index probes, three inserts.
DECLARE
  region   text := (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = _take_inbound_call.tenant);
  caller   text := switchboard._caller_text(_take_inbound_call.from_number, region);
  called   text := switchboard._caller_text(_take_inbound_call.to_number, region);
  settings jsonb;
  person   uuid;
  call     uuid := (SELECT c.id FROM switchboard.call_logs c
                    WHERE c.tenant_id = _take_inbound_call.tenant AND c.provider = account.provider AND c.call_id = provider_call_id);
BEGIN
  IF call IS NOT NULL THEN
    RETURN call;
  END IF;
  settings := switchboard._inbound_settings(_take_inbound_call.tenant, account.id, called);
  person := switchboard._caller_contact(_take_inbound_call.tenant, caller, settings -> 'make_contacts' = 'true');
  INSERT INTO switchboard.call_logs AS c
    (tenant_id, user_id, call_id, direction, from_number, to_number, status, lead_id, provider, account_id, priority, skills, started_at,
     expires_at)
  VALUES (_take_inbound_call.tenant, NULL, provider_call_id, 'inbound', caller, called, 'ringing', person, account.provider, account.id,
          (settings ->> 'priority')::int, switchboard._text_list(settings -> 'skills'), _take_inbound_call.at,
          clock_timestamp() + interval '10 minutes')
  ON CONFLICT (tenant_id, provider, call_id) WHERE call_id IS NOT NULL DO NOTHING
  RETURNING c.id INTO call;
  IF call IS NULL THEN
    RETURN (SELECT c.id FROM switchboard.call_logs c
            WHERE c.tenant_id = _take_inbound_call.tenant AND c.provider = account.provider AND c.call_id = provider_call_id);
  END IF;
  INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw, occurred_at)
  VALUES (_take_inbound_call.tenant, call, 'ringing', coalesce(_take_inbound_call.raw, '{}'), _take_inbound_call.at);
  PERFORM switchboard._add_event(_take_inbound_call.tenant, 'new-call', call, jsonb_strip_nulls(jsonb_build_object(
    'callId', call, 'direction', 'inbound', 'status', 'ringing', 'from', caller, 'to', called, 'provider', account.provider,
    'contactId', person, 'contactName', (SELECT k.name FROM switchboard.contacts k WHERE k.id = person),
    'priority', settings -> 'priority', 'skills', settings -> 'skills')));
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._take_inbound_call(uuid, switchboard.provider_accounts, text, text, text, timestamptz, jsonb) IS
  'Records a call that a customer makes, once per provider and provider_call_id: call_logs (ringing, nobody''s), the contact matched or
made, the trail, the event new-call. Returns its id, also of one that is known already. from_number, to_number: as the provider tells
them; withheld numbers are kept as they come, without a contact. raw: the provider''s fields.';
REVOKE ALL ON FUNCTION switchboard._take_inbound_call(uuid, switchboard.provider_accounts, text, text, text, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_call(call uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call FOR NO KEY UPDATE;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._lock_call(uuid) IS 'A call, locked; all null: there is none.';
REVOKE ALL ON FUNCTION switchboard._lock_call(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_inbound_status(told switchboard.call_status_event)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Locked before it is looked at: that an agent has picked up comes before or
-- after. Who has waited for an agent and goes without having been sent elsewhere has given up.
DECLARE
  log switchboard.call_logs := switchboard._lock_call(told.call_log_id);
BEGIN
  IF told.status = 'answered' THEN
    told.status := 'ringing';   -- by the provider; see the head of this file
  ELSIF switchboard._call_rank(told.status) = 3 AND switchboard._call_rank(log.status) < 3 AND log.answered_at IS NULL THEN
    told.status := CASE told.status WHEN 'completed' THEN 'no-answer' ELSE told.status END;
    UPDATE switchboard.call_logs c SET abandoned = true
    WHERE c.id = log.id AND c.queued_at IS NOT NULL AND c.left_queue_at IS NULL AND c.hang_up_at IS NULL;
  END IF;
  PERFORM switchboard._apply_call_status(ARRAY[told]);
END
$$;
COMMENT ON FUNCTION switchboard._apply_inbound_status(switchboard.call_status_event) IS
  'Applies what a provider says about a call that a customer makes: answered is the agent''s to say, and one that ends without is
no-answer, and abandoned when it waited for an agent.';
REVOKE ALL ON FUNCTION switchboard._apply_inbound_status(switchboard.call_status_event) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_answered(call uuid, agent uuid, since timestamptz, raw jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. The end may have been heard of first, and been taken for a no-answer.
DECLARE
  log switchboard.call_logs := switchboard._lock_call(call);
BEGIN
  IF log.id IS NULL THEN
    RETURN;
  END IF;
  since := greatest(since, log.queued_at, log.assigned_at);   -- reckoned back from the end, by another clock than ours
  IF log.status <> 'no-answer' THEN
    PERFORM switchboard._apply_call_status(ARRAY[ROW(log.id, log.tenant_id, log.provider, NULL, 'answered', since, NULL, NULL, NULL, NULL,
                                                     raw)::switchboard.call_status_event]);
  ELSE
    INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw, occurred_at) VALUES (log.tenant_id, call, 'answered', raw, since);
    PERFORM switchboard._add_event(log.tenant_id, 'call-status-updated', call, jsonb_build_object('callId', call, 'status', 'completed'),
                                   coalesce(log.user_id, agent));
  END IF;
  UPDATE switchboard.call_logs c
  SET status = CASE c.status WHEN 'no-answer' THEN 'completed' ELSE c.status END, abandoned = false,
      answered_at = least(c.answered_at, since), connected_at = least(c.connected_at, since), user_id = coalesce(c.user_id, agent),
      assigned_at = CASE WHEN agent IS NOT NULL THEN coalesce(c.assigned_at, since) END
  WHERE c.id = log.id;
END
$$;
COMMENT ON FUNCTION switchboard._inbound_answered(uuid, uuid, timestamptz, jsonb) IS
  'Somebody speaks, or spoke, with the caller from then on: an agent, or (agent NULL) whoever it was put through to. raw: the provider''s
word.';
REVOKE ALL ON FUNCTION switchboard._inbound_answered(uuid, uuid, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._requeue_call(log switchboard.call_logs, at timestamptz)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call. queued_at stays: whoever called first is
-- served first.
DECLARE
  only_for text := switchboard._inbound_settings(log.tenant_id, log.account_id, log.to_number) ->> 'route';
BEGIN
  UPDATE switchboard.call_logs c
  SET assigned_at = NULL, queued_at = coalesce(c.queued_at, at),
      user_id = CASE WHEN only_for = 'user:' || c.user_id THEN c.user_id END
  WHERE c.id = log.id RETURNING c.* INTO log;
  PERFORM switchboard._tell_queue(log, jsonb_build_object('change', 'waits-again'));
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._requeue_call(switchboard.call_logs, timestamptz) IS
  'Puts a call whose agent was not reached back to where it was in the queue; returns it.';
REVOKE ALL ON FUNCTION switchboard._requeue_call(switchboard.call_logs, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._tell_queue(log switchboard.call_logs, more jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: the feed is not the application's to write. Internal. For all agents: no customer data.
  SELECT switchboard._add_event(log.tenant_id, 'queue-updated', log.id, jsonb_strip_nulls(jsonb_build_object(
    'callId', log.id, 'queuedAt', log.queued_at, 'priority', log.priority, 'skills', log.skills)) || more)
$$;
COMMENT ON FUNCTION switchboard._tell_queue(switchboard.call_logs, jsonb) IS
  'Tells the feed that an inbound call waits, waits again, or waits no longer (change: waits, waits-again, overflow).';
REVOKE ALL ON FUNCTION switchboard._tell_queue(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_unanswered(call uuid, agent uuid, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Harmless when repeated: by then the call is somebody else's.
DECLARE
  log  switchboard.call_logs := switchboard._lock_call(call);
  busy switchboard.agent_states;
BEGIN
  IF switchboard._call_rank(log.status) = 3 OR log.id IS NULL THEN
    RETURN;
  ELSIF agent IS NULL AND log.overflow = 'number' THEN
    PERFORM switchboard._leave_number(log, at);
    RETURN;
  END IF;
  busy := switchboard._busy_agent(log);
  IF busy.user_id = agent THEN
    PERFORM switchboard._change_agent(busy, coalesce(busy.next_state, 'paused'),
      CASE WHEN busy.next_state IS NULL THEN 'did not answer' ELSE busy.next_reason END, NULL, at);
    PERFORM switchboard._requeue_call(log, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._inbound_unanswered(uuid, uuid, timestamptz) IS
  'An agent did not pick up while the caller waited: the agent is paused ("did not answer"), the call waits again. agent NULL: the number
that it was put through to did not answer.';
REVOKE ALL ON FUNCTION switchboard._inbound_unanswered(uuid, uuid, timestamptz) FROM PUBLIC;
