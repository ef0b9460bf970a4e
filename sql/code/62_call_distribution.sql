-- Waiting inbound calls and free agents find each other. A call waits while call_logs.in_queue, which says what waiting means.
--
-- Of an agent's two moments, the arrival of a call (_find_inbound_agent) and becoming free (_route_waiting_calls), each looks for
-- the other side; where they pass each other unseen, because neither had committed, the workers are woken by both and bring them
-- together (_before_claim_queue), and so do the repeated questions of the provider of a waiting call.
--
-- Agents become free at the end of calls, when calls are locked already and agents too, so the order of locks (calls, then agents)
-- cannot be kept here: therefore both sides are locked with SKIP LOCKED, which waits for nobody. The agent first: two sessions that
-- route at once have two agents, and take the most urgent call and the second; the other way round the only agent might get the second.

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._serves_call(agent switchboard.users, skills text[], wanted uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT agent.active AND agent.skills OPERATOR(pg_catalog.@>) skills AND coalesce(wanted OPERATOR(pg_catalog.=) agent.id, true) $$;
COMMENT ON FUNCTION switchboard._serves_call(switchboard.users, text[], uuid) IS
  'Whether a user may be given a waiting call: active, with all the skills it asks for, and the one it is for if it is for one.';
REVOKE ALL ON FUNCTION switchboard._serves_call(switchboard.users, text[], uuid) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._is_given_calls(agent switchboard.users, skills text[], wanted uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT switchboard._serves_call(agent, skills, wanted) AND agent.settings -> 'inbound' IS DISTINCT FROM 'false' $$;
COMMENT ON FUNCTION switchboard._is_given_calls(switchboard.users, text[], uuid) IS
  'Whether a waiting call is given to a user unasked: one who serves it, unless "inbound" in the settings of the user is false.';
REVOKE ALL ON FUNCTION switchboard._is_given_calls(switchboard.users, text[], uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._distributes_calls(tenant uuid)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the settings of any tenant. Internal.
BEGIN
  RETURN (SELECT t.settings #>> '{inbound,distribution}' IS DISTINCT FROM 'manual' FROM switchboard.tenants t WHERE t.id = tenant);
END
$$;
COMMENT ON FUNCTION switchboard._distributes_calls(uuid) IS
  'Whether inbound calls are given to free agents: settings.inbound.distribution of the tenant is automatic (default), not manual.';
REVOKE ALL ON FUNCTION switchboard._distributes_calls(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._promised_agents(tenant uuid, at timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. Whom we have called may be kept waiting for two seconds, callers for longer. The
-- provider asks for them each second. Cost: the tenant's live calls, by their index.
DECLARE
  campaigns uuid[] := ARRAY(
    SELECT DISTINCT c.campaign_id FROM switchboard.call_logs c
    WHERE c.tenant_id = tenant AND c.status IN ('initiated', 'ringing', 'answered') AND NOT c.waits AND c.campaign_id IS NOT NULL
      AND c.status = 'answered' AND c.direction = 'outbound' AND c.assigned_at IS NULL AND c.hang_up_at IS NULL AND NOT c.abandoned
      AND c.answered_by IS DISTINCT FROM 'machine' AND c.answered_by IS DISTINCT FROM 'fax' AND c.answered_at > at - interval '3 seconds');
BEGIN
  IF campaigns <> '{}' THEN   -- and of these the ones that dial for agents
    campaigns := ARRAY(SELECT k.id FROM switchboard.campaigns k
                       WHERE k.id = ANY (campaigns) AND k.type IN ('power', 'predictive') AND NOT switchboard._is_agentless(k));
  END IF;
  RETURN CASE WHEN campaigns = '{}' THEN '{}' ELSE ARRAY(SELECT DISTINCT f.user_id FROM switchboard._staff(campaigns) f) END;
END
$$;
COMMENT ON FUNCTION switchboard._promised_agents(uuid, timestamptz) IS
  'The agents of campaigns for one of whose calls somebody has just answered and no agent is there yet: they are left to those.';
REVOKE ALL ON FUNCTION switchboard._promised_agents(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_inbound_agent(call switchboard.call_logs, promised uuid[])
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. An agent for whom a more urgent call waits is left to that one: they
-- have just missed each other. Cost: the free agents up to the first that fits, for each the more urgent waiting calls.
DECLARE
  agent switchboard.agent_states;
BEGIN
  SELECT s.* INTO agent
  FROM switchboard.agent_states s
  JOIN switchboard.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
  WHERE s.tenant_id = call.tenant_id AND s.ended_at IS NULL AND s.state = 'available' AND s.user_id <> ALL (promised)
    AND switchboard._is_given_calls(u, call.skills, call.user_id)
    AND NOT EXISTS (
      SELECT FROM switchboard.call_logs c
      WHERE c.tenant_id = call.tenant_id AND c.in_queue AND c.id <> call.id AND switchboard._is_given_calls(u, c.skills, c.user_id)
        AND (c.priority > call.priority
             OR c.priority = call.priority AND (c.queued_at, c.id) < (coalesce(call.queued_at, 'infinity'), call.id)))
  ORDER BY s.started_at, s.user_id
  LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._lock_inbound_agent(switchboard.call_logs, uuid[]) IS
  'The available agent, but these, who may be given this inbound call and has been idle longest, locked; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._lock_inbound_agent(switchboard.call_logs, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._find_inbound_agent(call switchboard.call_logs, at timestamptz)
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call, and connects it.
DECLARE
  promised uuid[];
  agent    switchboard.agent_states;
BEGIN
  IF NOT switchboard._distributes_calls(call.tenant_id) THEN
    RETURN NULL;
  END IF;
  promised := switchboard._promised_agents(call.tenant_id, at);
  agent := switchboard._lock_inbound_agent(call, promised);
  IF agent.id IS NULL THEN
    PERFORM switchboard._end_wrap_ups(at);
    agent := switchboard._lock_inbound_agent(call, promised);
  END IF;
  IF agent.id IS NOT NULL THEN
    RETURN switchboard._give_call(call.id, agent, at);
  END IF;
  -- Somebody may be getting free unseen. Later on the provider asks again and again.
  IF coalesce(call.queued_at, at) > at - interval '10 seconds' THEN
    PERFORM switchboard._wake();
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._find_inbound_agent(switchboard.call_logs, timestamptz) IS
  'Gives an inbound call that arrives, or asks again, to the free agent with its skills who has been idle longest, and returns that
agent''s new state (busy); NULL: nobody is free, it waits (queued_at must be set then). Always NULL where agents claim calls themselves.';
REVOKE ALL ON FUNCTION switchboard._find_inbound_agent(switchboard.call_logs, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_agent_for_queue(tenant uuid, passed_over uuid[])
RETURNS switchboard.agent_states
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. Nobody is locked for whom no call waits.
DECLARE
  agent switchboard.agent_states;
BEGIN
  SELECT s.* INTO agent
  FROM switchboard.agent_states s
  JOIN switchboard.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
  WHERE s.tenant_id = tenant AND s.ended_at IS NULL AND s.state = 'available' AND s.user_id <> ALL (passed_over)
    AND EXISTS (SELECT FROM switchboard.call_logs c
                WHERE c.tenant_id = tenant AND c.in_queue AND switchboard._is_given_calls(u, c.skills, c.user_id))
  ORDER BY s.started_at, s.user_id
  LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED;
  RETURN agent;
END
$$;
COMMENT ON FUNCTION switchboard._lock_agent_for_queue(uuid, uuid[]) IS
  'The available agent of a tenant, but these, who has been idle longest and for whom an inbound call waits, locked; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._lock_agent_for_queue(uuid, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_waiting_call(tenant uuid, agent uuid, passed_over uuid[] DEFAULT '{}')
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. A call that somebody has locked is being given away, or is ending.
-- Cost: the waiting calls in order, up to the first that fits.
BEGIN
  RETURN (
    SELECT c.id
    FROM switchboard.call_logs c
    JOIN switchboard.users u ON u.tenant_id = c.tenant_id AND u.id = agent
    WHERE c.tenant_id = tenant AND c.in_queue AND switchboard._serves_call(u, c.skills, c.user_id) AND c.id <> ALL (passed_over)
    ORDER BY c.priority DESC, c.queued_at, c.id
    LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION switchboard._lock_waiting_call(uuid, uuid, uuid[]) IS
  'The most urgent waiting call, but these, that an agent may be given, locked; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._lock_waiting_call(uuid, uuid, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._route_waiting_calls(tenant uuid, at timestamptz)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. Waits for nobody, see the head of this file. A call that cannot be put through must
-- undo neither the end of another call nor an agent's word, and hold up no other call: it goes on waiting.
-- Cost: one index probe when no call waits; then one round for each agent who gets one.
DECLARE
  agent  switchboard.agent_states;
  agents uuid[];           -- who are promised to others, or for whom every call is locked
  broken uuid[] := '{}';   -- calls that cannot be put through
  call   uuid;
  given  int := 0;
BEGIN
  IF NOT EXISTS (SELECT FROM switchboard.call_logs c WHERE c.tenant_id = tenant AND c.in_queue)
     OR NOT switchboard._distributes_calls(tenant) THEN
    RETURN 0;
  END IF;
  agents := switchboard._promised_agents(tenant, at);
  LOOP
    agent := switchboard._lock_agent_for_queue(tenant, agents);
    EXIT WHEN agent.id IS NULL;
    call := switchboard._lock_waiting_call(tenant, agent.user_id, broken);
    IF call IS NULL THEN
      agents := agents || agent.user_id;
      CONTINUE;
    END IF;
    BEGIN
      PERFORM switchboard._give_call(call, agent, at);
      PERFORM switchboard._connect_waiting(call);
      given := given + 1;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'waiting call % cannot be put through: SQLSTATE %', call, SQLSTATE;
      broken := broken || call;
    END;
  END LOOP;
  RETURN given;
END
$$;
COMMENT ON FUNCTION switchboard._route_waiting_calls(uuid, timestamptz) IS
  'Gives the waiting inbound calls of a tenant to its free agents: to each, longest idle first, the most urgent call that asks for no skill
they lack. Returns how many were given; 0 where agents claim calls themselves.';
REVOKE ALL ON FUNCTION switchboard._route_waiting_calls(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._tenants_in_queue()
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
-- SECURITY DEFINER: looks at every tenant. Internal. Cost: one index probe per tenant with waiting calls, and one.
DECLARE
  tenant uuid;
BEGIN
  SELECT c.tenant_id INTO tenant FROM switchboard.call_logs c WHERE c.in_queue ORDER BY c.tenant_id LIMIT 1;
  WHILE tenant IS NOT NULL LOOP
    RETURN NEXT tenant;
    SELECT c.tenant_id INTO tenant FROM switchboard.call_logs c WHERE c.in_queue AND c.tenant_id > tenant ORDER BY c.tenant_id LIMIT 1;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._tenants_in_queue() IS 'The tenants for whom an inbound call waits.';
REVOKE ALL ON FUNCTION switchboard._tenants_in_queue() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._before_claim_queue(at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
-- SECURITY DEFINER: acts for every tenant. Internal: called by the queue with each turn of a worker.
DECLARE
  tenant uuid;
  again  boolean := false;
BEGIN
  FOR tenant IN SELECT t.id FROM switchboard._tenants_in_queue() AS t (id) WHERE switchboard._distributes_calls(t.id) LOOP
    PERFORM switchboard._route_waiting_calls(tenant, at);
    again := again OR EXISTS (
      SELECT FROM switchboard.agent_states s
      JOIN switchboard.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
      JOIN switchboard.call_logs c ON c.tenant_id = s.tenant_id AND c.in_queue AND switchboard._is_given_calls(u, c.skills, c.user_id)
      WHERE s.tenant_id = tenant AND s.ended_at IS NULL AND s.state = 'available');
  END LOOP;
  RETURN CASE WHEN again THEN at + interval '250 ms' END;
END
$$;
COMMENT ON FUNCTION switchboard._before_claim_queue(timestamptz) IS
  'What workers do for waiting inbound calls ahead of a claim: whom arrivals and agents have missed in passing is brought together.
Returns when to try again because somebody was locked, NULL: not before something happens.';
REVOKE ALL ON FUNCTION switchboard._before_claim_queue(timestamptz) FROM PUBLIC;
