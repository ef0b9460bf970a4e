-- Agents for the tests of power and preview dialing. After dialer.sql.
CREATE FUNCTION test_dialer.new_agent(tenant uuid, name text, skills text[] DEFAULT '{}', role text DEFAULT 'agent',
  endpoint text DEFAULT 'client:') RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.users (tenant_id, name, role, endpoint, skills)
  VALUES (tenant, name, role::switchboard.user_role, CASE endpoint WHEN 'client:' THEN 'client:' || name ELSE endpoint END, skills)
  RETURNING id
$$;

-- The session speaks for a user; without one for the whole tenant.
CREATE FUNCTION test_dialer.become(tenant uuid, agent uuid DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  SELECT switchboard.set_identity(tenant, agent)
$$;

CREATE FUNCTION test_dialer.set_state(agent uuid, state text, reason text DEFAULT NULL) RETURNS switchboard.agent_states LANGUAGE plpgsql AS $$
DECLARE
  result switchboard.agent_states;
BEGIN
  PERFORM test_dialer.become(u.tenant_id, u.id) FROM switchboard.users u WHERE u.id = agent;
  result := switchboard.set_agent_state(state, reason);
  PERFORM test_dialer.become(u.tenant_id) FROM switchboard.users u WHERE u.id = agent;
  RETURN result;
END $$;

CREATE FUNCTION test_dialer.state_of(agent uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', s.state, s.reason, CASE WHEN s.call_log_id IS NOT NULL THEN 'call' END)
  FROM switchboard.agent_states s WHERE s.user_id = agent AND s.ended_at IS NULL
$$;

-- What is wrong with the histories of agents: gaps, overlaps, more or less than one open state.
CREATE FUNCTION test_dialer.broken_histories() RETURNS bigint LANGUAGE sql AS $$
  SELECT (SELECT count(*) FROM (
            SELECT s.ended_at, lead(s.started_at) OVER (PARTITION BY s.user_id ORDER BY s.started_at, s.ended_at NULLS LAST, s.id) AS follows
            FROM switchboard.agent_states s) h
          WHERE h.ended_at IS DISTINCT FROM h.follows)
       + (SELECT count(*) FROM (SELECT s.user_id FROM switchboard.agent_states s GROUP BY s.user_id
                                HAVING count(*) FILTER (WHERE s.ended_at IS NULL) <> 1) b)
$$;

-- Twilio asks what to do with a call that was answered, or tells what came of ringing an agent.
CREATE FUNCTION test_dialer.answer(call uuid, more text DEFAULT '', event text DEFAULT 'answer') RETURNS text LANGUAGE sql AS $$
  SELECT (test_dialer.post_twilio(replace(test_dialer.status_url(call), '/status', '/' || event),
    'CallSid=CA' || replace(call::text, '-', '') || '&AccountSid=AC1&Direction=outbound-api&CallStatus=in-progress' || more, event)).body
$$;

-- The verbs of an answer.
CREATE FUNCTION test_dialer.verbs(twiml text) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(twiml, '^<\?xml version="1.0" encoding="UTF-8"\?><Response>(.*)</Response>$', '\1')
$$;
