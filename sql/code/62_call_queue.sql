-- The call centre's queue: what waits for people, and how they take it.
--
-- Order: priority (higher first), then who has waited longest. A live caller comes before what can wait:
--   call              call_logs.priority, 0 unless the settings of inbound calls say otherwise
--   support_request   urgent -10, high -20, medium -30, low -40
--   callback          that customers asked for: as support requests; that agents promised on a list: -20

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._support_rank(priority switchboard.support_priority)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE priority WHEN 'urgent' THEN -10 WHEN 'high' THEN -20 WHEN 'medium' THEN -30 ELSE -40 END $$;
COMMENT ON FUNCTION switchboard._support_rank(switchboard.support_priority) IS 'The place of a support request in call_queue, beside calls.';
REVOKE ALL ON FUNCTION switchboard._support_rank(switchboard.support_priority) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lists_to_call_back()
RETURNS TABLE (tenant_id uuid, campaign_id uuid, name text, skills text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: agents serve campaigns that they do not own. Cost: the tenant's active campaigns, and its users for each that people
-- dial.
DECLARE
  tenant uuid := switchboard.current_tenant_id();
  agent  uuid := switchboard.current_user_id();
BEGIN
  RETURN QUERY
  SELECT c.tenant_id, c.id, c.name, switchboard._text_list(c.settings -> 'skills')
  FROM switchboard.campaigns c
  WHERE c.status = 'active' AND c.type IN ('manual', 'preview') AND (tenant IS NULL OR c.tenant_id = tenant)
    AND (switchboard._caller_may(c.tenant_id, c.user_id)
         OR c.tenant_id = tenant AND EXISTS (SELECT FROM switchboard._staff(ARRAY[c.id]) f WHERE f.user_id = agent));
END
$$;
COMMENT ON FUNCTION switchboard._lists_to_call_back() IS
  'The active campaigns whose lists people dial (manual, preview) and which the caller sees or serves.';
REVOKE ALL ON FUNCTION switchboard._lists_to_call_back() FROM PUBLIC;

-- Cost: what waits is read by partial indexes, once; whatever waits no longer costs nothing.
CREATE OR REPLACE VIEW switchboard.call_queue WITH (security_invoker = true) AS
SELECT q.kind, q.id, q.tenant_id, q.contact_id, q.name, q.phone_number, q.subject, q.priority, q.skills, q.waiting_since,
       greatest(now() - q.waiting_since, interval '0') AS age,
       row_number() OVER (PARTITION BY q.tenant_id, q.kind ORDER BY q.priority DESC, q.waiting_since, q.id) AS position,
       q.campaign_id, q.call_log_id, q.user_id
  FROM (
    SELECT 'call'::text AS kind, c.id, c.tenant_id, c.lead_id AS contact_id,
           CASE WHEN k.id IS NOT NULL THEN switchboard._person_name(k.name, k.first_name, k.last_name) END AS name, c.from_number AS phone_number, NULL::text AS subject,
           c.priority, c.skills, c.queued_at AS waiting_since, c.campaign_id, c.id AS call_log_id, c.user_id
      FROM switchboard.call_logs c
      LEFT JOIN switchboard.contacts k ON k.tenant_id = c.tenant_id AND k.id = c.lead_id
     WHERE c.in_queue
    UNION ALL
    SELECT CASE WHEN r.callback_at IS NULL THEN 'support_request' ELSE 'callback' END, r.id, r.tenant_id, r.contact_id,
           coalesce(CASE WHEN k.id IS NOT NULL THEN switchboard._person_name(k.name, k.first_name, k.last_name) END, r.user_email), r.phone_number, r.subject,
           switchboard._support_rank(r.priority), '{}', r.due_at, NULL, r.call_log_id, r.assigned_to
      FROM switchboard.support_requests r
      LEFT JOIN switchboard.contacts k ON k.tenant_id = r.tenant_id AND k.id = r.contact_id
     WHERE r.status = 'pending' AND r.due_at <= now()
    UNION ALL
    SELECT 'callback', l.id, l.tenant_id, l.contact_id, switchboard._person_name(NULL, l.first_name, l.last_name), l.phone_number, m.name,
           -20, m.skills, l.next_attempt_at, l.campaign_id, l.last_call_id, l.assigned_to
      FROM switchboard._lists_to_call_back() m
      JOIN switchboard.campaign_contacts l ON l.campaign_id = m.campaign_id AND l.tenant_id = m.tenant_id
     WHERE l.status = 'callback' AND l.next_attempt_at <= now()
       AND (l.assigned_to IS NULL OR l.assigned_to = (SELECT switchboard.current_user_id())
            OR (SELECT switchboard.is_supervisor()) OR (SELECT switchboard.current_tenant_id()) IS NULL)
  ) q
 ORDER BY q.priority DESC, q.waiting_since, q.id;
REVOKE ALL ON switchboard.call_queue FROM PUBLIC;
COMMENT ON VIEW switchboard.call_queue IS
'What waits for the people of the tenant, in the order in which it should be served: inbound calls, support requests, callbacks.';
COMMENT ON COLUMN switchboard.call_queue.kind IS 'call: somebody is on the line, see claim_next_call(); support_request, callback: see claim_next_request(), and next_preview_contact() for callbacks of campaigns.';
COMMENT ON COLUMN switchboard.call_queue.id IS 'The call, the support request, or the entry of the campaign''s list.';
COMMENT ON COLUMN switchboard.call_queue.contact_id IS 'The contact, if known.';
COMMENT ON COLUMN switchboard.call_queue.name IS 'Who it is, if known; of support requests else the e-mail address.';
COMMENT ON COLUMN switchboard.call_queue.phone_number IS 'The caller''s number, or the one to call back.';
COMMENT ON COLUMN switchboard.call_queue.subject IS 'What it is about; of callbacks of campaigns the campaign.';
COMMENT ON COLUMN switchboard.call_queue.priority IS 'Higher is served first: calls as they say (default 0), urgent to low requests -10 to -40, callbacks of campaigns -20.';
COMMENT ON COLUMN switchboard.call_queue.skills IS 'Skills that the agent must have.';
COMMENT ON COLUMN switchboard.call_queue.waiting_since IS 'Since when it waits; of callbacks, the time that was asked for.';
COMMENT ON COLUMN switchboard.call_queue.age IS 'How long it has waited.';
COMMENT ON COLUMN switchboard.call_queue.position IS 'Its place among its kind, 1: the next.';
COMMENT ON COLUMN switchboard.call_queue.campaign_id IS 'The campaign it belongs to.';
COMMENT ON COLUMN switchboard.call_queue.call_log_id IS 'The call that waits, or that it came from.';
COMMENT ON COLUMN switchboard.call_queue.user_id IS 'The one agent it is for; null: anybody with the skills.';

CREATE OR REPLACE FUNCTION switchboard._has_waiting_call(tenant uuid, agent uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. Cost: the waiting calls up to the first that fits.
BEGIN
  RETURN EXISTS (
    SELECT FROM switchboard.call_logs c
    JOIN switchboard.users u ON u.tenant_id = c.tenant_id AND u.id = agent
    WHERE c.tenant_id = tenant AND c.in_queue AND switchboard._serves_call(u, c.skills, c.user_id));
END
$$;
COMMENT ON FUNCTION switchboard._has_waiting_call(uuid, uuid) IS 'Whether a call waits that this agent may take, locked or not.';
REVOKE ALL ON FUNCTION switchboard._has_waiting_call(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._hand_call(call switchboard.call_logs, agent uuid, at timestamptz)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agent_states and the feed are not the application's to write. Internal: the caller has locked the call. An inbound
-- call is put through now; the provider of an outbound one asks by itself.
BEGIN
  PERFORM switchboard._take_agent(call.tenant_id, agent, call.id, at);
  UPDATE switchboard.call_logs c SET user_id = agent, assigned_at = at, left_queue_at = NULL WHERE c.id = call.id;
  PERFORM switchboard._add_event(call.tenant_id, 'call-assigned', call.id, jsonb_strip_nulls(
    jsonb_build_object('callId', call.id, 'userId', agent, 'before', call.user_id)));
  IF call.direction = 'inbound' THEN
    PERFORM switchboard._connect_waiting(call.id);
  END IF;
  SELECT c.* INTO call FROM switchboard.call_logs c WHERE c.id = call.id;
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._hand_call(switchboard.call_logs, uuid, timestamptz) IS
  'Gives a live call to an agent who wants it or was named for it, and puts it through. Errors: SB005 the agent is on another call.';
REVOKE ALL ON FUNCTION switchboard._hand_call(switchboard.call_logs, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.claim_next_call()
RETURNS SETOF switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: as _hand_call(); _caller_user() checks the session. Calls that others have locked are passed over: somebody takes
-- them, they end, or the provider is speaking of them. For the last case it looks again a few times rather than say that nobody waits.
-- Cost: an index scan up to the first call that fits and is free.
DECLARE
  agent  uuid := switchboard._caller_user();
  tenant uuid := switchboard.current_tenant_id();
  wanted switchboard.call_logs;
BEGIN
  PERFORM switchboard._refuse_busy_agent(s) FROM switchboard.agent_states s
  WHERE s.tenant_id = tenant AND s.user_id = agent AND s.ended_at IS NULL;
  FOR i IN 1 .. 5 LOOP
    wanted.id := switchboard._lock_waiting_call(tenant, agent);
    EXIT WHEN wanted.id IS NOT NULL OR NOT switchboard._has_waiting_call(tenant, agent);
    PERFORM pg_sleep(0.01);
  END LOOP;
  IF wanted.id IS NOT NULL THEN
    SELECT c.* INTO wanted FROM switchboard.call_logs c WHERE c.id = wanted.id;
    RETURN NEXT switchboard._hand_call(wanted, agent, clock_timestamp());
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard.claim_next_call() IS
  'Gives the caller the waiting inbound call of the highest priority, among equals the one that has waited longest, that asks for no skill
they lack; they are busy with it and are put through. Returns the call_logs row, no row when none waits. Two agents never get the same
call. Somebody who was offline or paused is so again after it. Errors: 42501 the session acts for no user, SB005 they are on a call.';
REVOKE ALL ON FUNCTION switchboard.claim_next_call() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._free_assignee(call switchboard.call_logs, successor uuid, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agent_states is not the application's to write. Internal: the caller has locked the call. Both agents are locked at
-- once, in order: two calls that are swapped between them do not deadlock.
DECLARE
  current switchboard.agent_states;
BEGIN
  PERFORM FROM switchboard.agent_states s
  WHERE s.tenant_id = call.tenant_id AND s.user_id IN (call.user_id, successor) AND s.ended_at IS NULL
  ORDER BY s.user_id FOR NO KEY UPDATE;
  current := switchboard._busy_agent(call);
  IF current.id IS NULL THEN
    RETURN false;
  END IF;
  current := switchboard._release_agent(current, false, at);
  RETURN current.state = 'available';
END
$$;
COMMENT ON FUNCTION switchboard._free_assignee(switchboard.call_logs, uuid, timestamptz) IS
  'Frees the agent who has a call that goes to another one; whether somebody is available now.';
REVOKE ALL ON FUNCTION switchboard._free_assignee(switchboard.call_logs, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.assign_call(call_log_id uuid, user_id uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: as _hand_call(); _call_for_change() and _check_assignee() check the session.
DECLARE
  log   switchboard.call_logs := switchboard._call_for_change(assign_call.call_log_id);
  at    timestamptz := clock_timestamp();
  freed boolean;
BEGIN
  PERFORM switchboard._check_assignee(log.tenant_id, assign_call.user_id);
  IF switchboard._call_rank(log.status) = 3 OR log.hang_up_at IS NOT NULL OR log.direction = 'outbound' AND log.status = 'initiated' THEN
    RAISE EXCEPTION 'call % cannot be assigned: it %', log.id,
        CASE WHEN switchboard._call_rank(log.status) = 3 THEN 'is ' || log.status
             WHEN log.hang_up_at IS NOT NULL THEN 'is being hung up' ELSE 'does not ring yet' END
      USING ERRCODE = 'SB005', HINT = 'Whose call it is says switchboard.update_call(id, ''{"user_id": ...}'').';
  END IF;
  -- Nobody stops being busy with a call that somebody else has locked.
  IF EXISTS (SELECT FROM switchboard.agent_states s
             WHERE s.tenant_id = log.tenant_id AND s.user_id = assign_call.user_id AND s.call_log_id = log.id AND s.ended_at IS NULL
               AND s.state = 'busy') THEN
    RETURN log;
  ELSIF log.connected_at IS NOT NULL THEN
    RAISE EXCEPTION 'call % cannot be assigned: agent % talks on it', log.id, log.user_id USING ERRCODE = 'SB005';
  END IF;
  freed := switchboard._free_assignee(log, assign_call.user_id, at);
  log := switchboard._hand_call(log, assign_call.user_id, at);
  PERFORM switchboard._audit(log.tenant_id, 'assign-call', 'call:' || log.id, jsonb_build_object('to', log.user_id));
  IF freed THEN
    PERFORM switchboard._route_waiting_calls(log.tenant_id, at);
  END IF;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard.assign_call(uuid, uuid) IS
  'Gives a live call to a user, who is busy with it and is put through: supervisors to anybody, agents to themselves. One that was given to
another agent who has not been connected yet is taken from them, and they are free again. Naming who has it changes nothing. Returns the
call_logs row. Errors: P0002 no such call or user, 42501 an agent names another, SB005 the call has ended or does not ring yet, an agent
talks on it, or the user is on another call.';
REVOKE ALL ON FUNCTION switchboard.assign_call(uuid, uuid) FROM PUBLIC;
