-- What agents are doing. The open row of agent_states is the state now; a change ends it and opens the next one at the same
-- instant, so that an agent's day has neither gaps nor overlaps.
--
-- The open row is also the agent's lock: whoever gives an agent a call has locked it (SKIP LOCKED), and whoever comes second
-- finds it ended. Only an agent's very first state has no row to lock; there the unique key decides.
--
--   available --call--> busy --call ends--> wrap_up --after its time--> available
-- A call that nobody spoke on leads back to available at once. An agent who was offline or paused when the call began, or asked
-- for that during the call (next_state), is that again afterwards.

CREATE OR REPLACE FUNCTION switchboard._note_agent_states(changed switchboard.agent_states[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the application may not write the feed. Internal.
BEGIN
  INSERT INTO switchboard.events (tenant_id, event, subject_id, user_id, data)
  SELECT s.tenant_id, 'agent-state-changed', s.user_id, s.user_id,
         jsonb_strip_nulls(jsonb_build_object('userId', s.user_id, 'state', s.state, 'reason', s.reason, 'callId', s.call_log_id,
                                              'since', s.started_at, 'endsAt', s.ends_at))
  FROM unnest(changed) s;
  IF EXISTS (SELECT FROM unnest(changed) s WHERE s.state = 'available' OR s.ends_at IS NOT NULL) THEN
    PERFORM switchboard._wake();   -- there is somebody to dial for, or will be
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._note_agent_states(switchboard.agent_states[]) IS
  'Tells the feed (the agent and supervisors) of new states, and wakes the workers when somebody is free.';
REVOKE ALL ON FUNCTION switchboard._note_agent_states(switchboard.agent_states[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._change_agent(
  current switchboard.agent_states, new_state switchboard.agent_state, new_reason text, call uuid, at timestamptz,
  ends timestamptz DEFAULT NULL, after_state switchboard.agent_state DEFAULT NULL, after_reason text DEFAULT NULL)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agent_states is not the application's to write. Internal: the caller has locked the open row it passes.
-- Clocks of two sessions may disagree with the order of their locks: a state never begins before the one it follows.
DECLARE
  begins timestamptz := greatest(at, current.started_at);
  result switchboard.agent_states;
BEGIN
  IF current.state = 'offline' AND current.started_at = at THEN   -- made up by _lock_agent() for somebody new
    DELETE FROM switchboard.agent_states s WHERE s.id = current.id;
  END IF;
  UPDATE switchboard.agent_states s SET ended_at = begins WHERE s.id = current.id;
  INSERT INTO switchboard.agent_states
    (tenant_id, user_id, state, reason, call_log_id, started_at, ends_at, next_state, next_reason)
  VALUES (current.tenant_id, current.user_id, new_state, new_reason, call, begins, ends, after_state, after_reason)
  RETURNING * INTO result;
  PERFORM switchboard._note_agent_states(ARRAY[result]);
  RETURN result;
END
$$;
COMMENT ON FUNCTION switchboard._change_agent(switchboard.agent_states, switchboard.agent_state, text, uuid, timestamptz, timestamptz,
                                              switchboard.agent_state, text) IS
  'Ends an agent''s open state, which the caller has locked, and opens the next; returns it.';
REVOKE ALL ON FUNCTION switchboard._change_agent(switchboard.agent_states, switchboard.agent_state, text, uuid, timestamptz, timestamptz, switchboard.agent_state, text)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_agent(tenant uuid, agent uuid, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _change_agent(). Internal.
-- Another round is needed when the row was ended while we waited for it: its successor is visible to the next statement only.
DECLARE
  current switchboard.agent_states;
BEGIN
  LOOP
    SELECT s.* INTO current FROM switchboard.agent_states s
    WHERE s.tenant_id = tenant AND s.user_id = agent AND s.ended_at IS NULL FOR NO KEY UPDATE;
    IF FOUND THEN
      EXIT WHEN current.ends_at IS NULL OR current.ends_at > at;
      RETURN switchboard._change_agent(current, 'available', NULL, NULL, current.ends_at);
    END IF;
    INSERT INTO switchboard.agent_states (tenant_id, user_id, state, started_at) VALUES (tenant, agent, 'offline', at)
    ON CONFLICT (tenant_id, user_id) WHERE ended_at IS NULL DO NOTHING;
  END LOOP;
  RETURN current;
END
$$;
COMMENT ON FUNCTION switchboard._lock_agent(uuid, uuid, timestamptz) IS
  'An agent''s open state, locked; somebody who never had one is offline from now on. A wrap-up whose time is over is ended.';
REVOKE ALL ON FUNCTION switchboard._lock_agent(uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wrap_up_seconds(call uuid, agent uuid)
RETURNS int
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads settings past row level security. Internal.
BEGIN
  RETURN (
    SELECT switchboard._small_int(
             coalesce((SELECT k.settings -> 'wrap_up_seconds'
                       FROM switchboard.call_logs c JOIN switchboard.campaigns k ON k.id = c.campaign_id WHERE c.id = call),
                      u.settings -> 'wrap_up_seconds', t.settings -> 'wrap_up_seconds'), 0, 86400, 30)
    FROM switchboard.users u JOIN switchboard.tenants t ON t.id = u.tenant_id
    WHERE u.id = agent);
END
$$;
COMMENT ON FUNCTION switchboard._wrap_up_seconds(uuid, uuid) IS
  'How long an agent wraps up after a call: settings.wrap_up_seconds of the campaign, else of the user, else of the tenant (0 to
86400, default 30; 0: not at all).';
REVOKE ALL ON FUNCTION switchboard._wrap_up_seconds(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._release_agent(current switchboard.agent_states, spoke boolean, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _change_agent(). Internal: the caller has locked the row.
DECLARE
  wrap_up int := CASE WHEN spoke THEN switchboard._wrap_up_seconds(current.call_log_id, current.user_id) ELSE 0 END;
BEGIN
  IF current.next_state IS NOT NULL THEN
    RETURN switchboard._change_agent(current, current.next_state, current.next_reason, NULL, at);
  ELSIF wrap_up > 0 THEN
    RETURN switchboard._change_agent(current, 'wrap_up', NULL, current.call_log_id, at,
                                     greatest(at, current.started_at) + wrap_up * interval '1 second');
  END IF;
  RETURN switchboard._change_agent(current, 'available', NULL, NULL, at);
END
$$;
COMMENT ON FUNCTION switchboard._release_agent(switchboard.agent_states, boolean, timestamptz) IS
  'What an agent does after a call: what they asked for, else wrap up if they spoke, else wait for the next.';
REVOKE ALL ON FUNCTION switchboard._release_agent(switchboard.agent_states, boolean, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._release_agents(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls.
-- Cost: an index probe per call. Rows are locked in the order of agents; one that was ended meanwhile is passed over.
DECLARE
  current switchboard.agent_states;
  freed   uuid[] := '{}';   -- tenants somebody of whom is available now
BEGIN
  FOR current IN
    SELECT s.*
    FROM switchboard.agent_states s
    JOIN switchboard.call_logs c ON c.tenant_id = s.tenant_id AND c.id = s.call_log_id
    WHERE c.id = ANY (calls) AND s.ended_at IS NULL AND s.state = 'busy'
    ORDER BY s.user_id FOR NO KEY UPDATE OF s
  LOOP
    current := switchboard._release_agent(
      current, (SELECT c.connected_at IS NOT NULL FROM switchboard.call_logs c WHERE c.id = current.call_log_id), at);
    IF current.state = 'available' AND current.tenant_id <> ALL (freed) THEN
      freed := freed || current.tenant_id;
    END IF;
  END LOOP;
  IF freed <> '{}' THEN
    PERFORM switchboard._route_waiting_calls(t.id, at) FROM unnest(freed) AS t (id);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._release_agents(uuid[], timestamptz) IS
  'Frees the agents who are busy with calls that are over: they wrap up if they were connected, else they are available, and get a
waiting inbound call.';
REVOKE ALL ON FUNCTION switchboard._release_agents(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._end_wrap_ups(at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: acts for every tenant. Internal. Cost: one index probe when nobody wraps up.
-- SKIP LOCKED: whoever has locked an agent is changing them.
DECLARE
  current switchboard.agent_states;
BEGIN
  FOR current IN
    SELECT s.* FROM switchboard.agent_states s
    WHERE s.ended_at IS NULL AND s.ends_at <= at
    ORDER BY s.user_id FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    PERFORM switchboard._change_agent(current, 'available', NULL, NULL, current.ends_at);
  END LOOP;
  RETURN (SELECT min(s.ends_at) FROM switchboard.agent_states s WHERE s.ended_at IS NULL AND s.ends_at > at);
END
$$;
COMMENT ON FUNCTION switchboard._end_wrap_ups(timestamptz) IS
  'Makes the agents available whose wrap-up is over, as of the instant it was over; returns when the next one ends.';
REVOKE ALL ON FUNCTION switchboard._end_wrap_ups(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._on_live_call(current switchboard.agent_states)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the call past row level security. Internal.
BEGIN
  RETURN current.state = 'busy' AND EXISTS (
    SELECT FROM switchboard.call_logs c
    WHERE c.tenant_id = current.tenant_id AND c.id = current.call_log_id AND switchboard._call_rank(c.status) < 3);
END
$$;
COMMENT ON FUNCTION switchboard._on_live_call(switchboard.agent_states) IS 'Whether a state means that the agent has a call that goes on.';
REVOKE ALL ON FUNCTION switchboard._on_live_call(switchboard.agent_states) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._refuse_busy_agent(current switchboard.agent_states)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF switchboard._on_live_call(current) THEN
    RAISE EXCEPTION 'agent % is on a call: %', current.user_id, current.call_log_id
      USING ERRCODE = 'SB005', HINT = 'End it first, for example with switchboard.hang_up(call_log_id).';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._refuse_busy_agent(switchboard.agent_states) IS 'SB005 when the agent has a call that goes on.';
REVOKE ALL ON FUNCTION switchboard._refuse_busy_agent(switchboard.agent_states) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_agent(tenant uuid, agent uuid, call uuid, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _change_agent(). Internal.
DECLARE
  current switchboard.agent_states := switchboard._lock_agent(tenant, agent, at);
  resting boolean := current.state IN ('offline', 'paused');
BEGIN
  PERFORM switchboard._refuse_busy_agent(current);
  RETURN switchboard._change_agent(current, 'busy', NULL, call, at, NULL,
                                   CASE WHEN resting THEN current.state END, CASE WHEN resting THEN current.reason END);
END
$$;
COMMENT ON FUNCTION switchboard._take_agent(uuid, uuid, uuid, timestamptz) IS
  'Makes an agent busy with a call of their own choice; somebody who was offline or paused is so again after it. Errors: SB005 on
another call.';
REVOKE ALL ON FUNCTION switchboard._take_agent(uuid, uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_endpoint(agent switchboard.users)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(btrim(agent.endpoint), ''), 'client:' || agent.id) $$;
COMMENT ON FUNCTION switchboard._agent_endpoint(switchboard.users) IS
  'Where an agent is called: their endpoint, else the softphone that signs in at the provider with the user''s id.';
REVOKE ALL ON FUNCTION switchboard._agent_endpoint(switchboard.users) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_caller(call uuid, at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _change_agent(). Internal: the call has just been made.
DECLARE
  log      switchboard.call_logs;
  account  switchboard.provider_accounts;
  agent    switchboard.users;
  bridged  boolean;   -- whether the two can be connected
  settings jsonb;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  SELECT u.* INTO agent FROM switchboard.users u WHERE u.id = log.user_id;
  SELECT a.* INTO account FROM switchboard.provider_accounts a WHERE a.id = log.account_id;
  bridged := coalesce(agent.endpoint <> '', log.metadata -> 'preview' = 'true', false) AND switchboard._can_connect(account);
  IF agent.id IS NULL OR log.metadata ? 'say' OR NOT bridged AND log.metadata -> 'preview' IS DISTINCT FROM 'true' THEN
    RETURN NULL;
  END IF;
  UPDATE switchboard.call_logs c SET assigned_at = at WHERE c.id = call AND bridged;
  IF log.metadata -> 'preview' IS DISTINCT FROM 'true'
     AND switchboard._on_live_call(switchboard._lock_agent(log.tenant_id, agent.id, at)) THEN
    RETURN NULL;
  END IF;
  PERFORM switchboard._take_agent(log.tenant_id, agent.id, call, at);
  SELECT t.settings || agent.settings || coalesce(k.settings, '{}') || log.metadata INTO settings
  FROM switchboard.tenants t LEFT JOIN switchboard.campaigns k ON k.id = log.campaign_id WHERE t.id = log.tenant_id;
  IF settings -> 'dial_agent_first' = 'true' AND bridged THEN
    UPDATE switchboard.call_logs c SET metadata = c.metadata || '{"agent_first": true}' WHERE c.id = call;
    RETURN switchboard._agent_endpoint(agent);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._take_caller(uuid, timestamptz) IS
  'Makes the user who asked for a call busy with it, unless the call is a text or they cannot be connected. Somebody on another call gets
this one if they are free when it is answered; but SB005 for a previewed one. Returns the endpoint to dial first where dial_agent_first
is set (call''s metadata, or settings of the campaign, the user or the tenant), else NULL.';
REVOKE ALL ON FUNCTION switchboard._take_caller(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_free_agent(tenant uuid, candidates uuid[])
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. A locked row is passed over: that agent is being given a call, or is leaving. One
-- that changed since the statement began is looked at again by the server and drops out.
DECLARE
  agent switchboard.agent_states;
BEGIN
  SELECT s.* INTO agent
  FROM switchboard.agent_states s
  JOIN switchboard.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
  WHERE s.tenant_id = tenant AND s.ended_at IS NULL AND s.state = 'available' AND s.user_id = ANY (candidates)
    AND u.active
  ORDER BY s.started_at, s.user_id
  LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._lock_free_agent(uuid, uuid[]) IS
  'The available agent among these who has been idle longest, locked; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._lock_free_agent(uuid, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._give_call(call uuid, agent switchboard.agent_states, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal: the caller has locked the call and the agent.
BEGIN
  UPDATE switchboard.call_logs c SET user_id = agent.user_id, assigned_at = at WHERE c.id = call;
  PERFORM switchboard._add_event(agent.tenant_id, 'call-assigned', call, jsonb_build_object('callId', call, 'userId', agent.user_id));
  RETURN switchboard._change_agent(agent, 'busy', NULL, call, at);
END
$$;
COMMENT ON FUNCTION switchboard._give_call(uuid, switchboard.agent_states, timestamptz) IS
  'Gives a call to an available agent, who is busy with it from now on.';
REVOKE ALL ON FUNCTION switchboard._give_call(uuid, switchboard.agent_states, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_to_change(agent uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: looks for the user past row level security; the session's tenant and rank are checked.
DECLARE
  caller uuid := switchboard.current_user_id();
BEGIN
  IF coalesce(agent, caller) IS NULL THEN
    RAISE EXCEPTION 'the session acts for no user'
      USING ERRCODE = '42501', HINT = 'Log in as a user, call switchboard.set_identity(tenant_id, user_id), or name the agent.';
  END IF;
  IF agent IS NULL OR agent = caller THEN
    RETURN caller;
  END IF;
  IF NOT EXISTS (SELECT FROM switchboard.users u
                 WHERE u.id = agent AND u.tenant_id = switchboard.current_tenant_id() AND u.active) THEN
    RAISE EXCEPTION 'no such agent: %', agent USING ERRCODE = 'P0002';
  END IF;
  IF NOT switchboard.is_supervisor() THEN
    RAISE EXCEPTION 'only supervisors change the state of others' USING ERRCODE = '42501';
  END IF;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._agent_to_change(uuid) IS
  'Whose state is meant: the caller''s, or for supervisors that of the agent named. Errors: 42501, P0002.';
REVOKE ALL ON FUNCTION switchboard._agent_to_change(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.set_agent_state(state text, reason text DEFAULT NULL, user_id uuid DEFAULT NULL)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agent_states is not the application's to write; _agent_to_change() checks the session.
DECLARE
  at      timestamptz := clock_timestamp();
  agent   uuid := switchboard._agent_to_change(set_agent_state.user_id);
  why     text := nullif(btrim(set_agent_state.reason), '');
  wanted  switchboard.agent_state;
  current switchboard.agent_states;
BEGIN
  IF set_agent_state.state IS NULL OR set_agent_state.state <> ALL (enum_range(NULL::switchboard.agent_state)::text[]) THEN
    RAISE EXCEPTION 'unknown agent state: %', coalesce(set_agent_state.state, 'null')
      USING ERRCODE = '22023', HINT = format('States are %s.', array_to_string(enum_range(NULL::switchboard.agent_state), ', '));
  END IF;
  wanted := set_agent_state.state::switchboard.agent_state;
  current := switchboard._lock_agent((SELECT u.tenant_id FROM switchboard.users u WHERE u.id = agent), agent, at);
  IF switchboard._on_live_call(current) AND wanted IN ('offline', 'paused') THEN
    UPDATE switchboard.agent_states s SET next_state = wanted, next_reason = why WHERE s.id = current.id RETURNING * INTO current;
    RETURN current;
  END IF;
  IF current.state <> wanted OR current.reason IS DISTINCT FROM why THEN
    PERFORM switchboard._refuse_busy_agent(current);
    current := switchboard._change_agent(current, wanted, why, NULL, at,
      CASE WHEN wanted = 'wrap_up' THEN at + greatest(switchboard._wrap_up_seconds(NULL, agent), 1) * interval '1 second' END);
  END IF;
  IF wanted = 'available' AND switchboard._route_waiting_calls(current.tenant_id, at) > 0 THEN
    SELECT s.* INTO current FROM switchboard.agent_states s
    WHERE s.tenant_id = current.tenant_id AND s.user_id = agent AND s.ended_at IS NULL;
  END IF;
  RETURN current;
END
$$;
COMMENT ON FUNCTION switchboard.set_agent_state(text, text, uuid) IS
  'Says what the caller is doing: offline, available, busy, wrap_up or paused, with a reason; supervisors may name another agent. Only
available agents are given calls, and who becomes available while an inbound call waits gets it at once. Returns the agent_states row
that is open afterwards; repeating a state changes nothing, so that nobody loses their place. wrap_up ends by itself after settings.wrap_up_seconds. During a call, offline and paused are kept for
afterwards (next_state). Errors: 22023 unknown state, 42501 nobody asks or an agent names another, P0002 no such agent, SB005
available, busy or wrap_up during a call.';
REVOKE ALL ON FUNCTION switchboard.set_agent_state(text, text, uuid) FROM PUBLIC;

CREATE OR REPLACE VIEW switchboard.agents WITH (security_invoker = true) AS
SELECT u.id AS user_id, u.tenant_id, u.name, u.role, u.endpoint, u.skills,
       CASE WHEN s.ends_at <= now() THEN 'available' ELSE coalesce(s.state, 'offline') END AS state,
       CASE WHEN s.ends_at <= now() THEN NULL ELSE s.reason END AS reason,
       CASE WHEN s.ends_at <= now() THEN s.ends_at ELSE s.started_at END AS since,
       CASE WHEN s.ends_at > now() THEN s.ends_at END AS ends_at,
       s.next_state, s.call_log_id, c.status AS call_status,
       CASE c.direction WHEN 'inbound' THEN c.from_number ELSE c.to_number END AS call_number, c.campaign_id
  FROM switchboard.users u
  LEFT JOIN switchboard.agent_states s ON s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.ended_at IS NULL
  LEFT JOIN switchboard.call_logs c ON c.tenant_id = s.tenant_id AND c.id = s.call_log_id
 WHERE u.active
   AND (u.id = (SELECT switchboard.current_user_id()) OR (SELECT switchboard.is_supervisor())
        OR (SELECT switchboard.current_tenant_id()) IS NULL);
REVOKE ALL ON switchboard.agents FROM PUBLIC;
COMMENT ON VIEW switchboard.agents IS
'What the people of the tenant are doing now, for screens: supervisors see everybody, agents themselves.';
COMMENT ON COLUMN switchboard.agents.user_id IS 'The agent.';
COMMENT ON COLUMN switchboard.agents.state IS 'The state now; a wrap-up whose time is over counts as available.';
COMMENT ON COLUMN switchboard.agents.since IS 'Since when; null: never said.';
COMMENT ON COLUMN switchboard.agents.call_log_id IS 'The call that the agent is on or wraps up.';
COMMENT ON COLUMN switchboard.agents.call_status IS 'How far that call is.';
COMMENT ON COLUMN switchboard.agents.call_number IS 'The customer''s number.';
COMMENT ON COLUMN switchboard.agents.campaign_id IS 'The campaign it belongs to.';
