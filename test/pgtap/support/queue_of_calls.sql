-- Callers for the tests of the call centre queue. After dialer.sql and agents.sql.

-- Somebody called so many seconds ago and has waited for an agent since.
CREATE FUNCTION test_dialer.waiting_call(tenant uuid, phone text, seconds int DEFAULT 0, skills text[] DEFAULT '{}', priority int DEFAULT 0,
  wanted uuid DEFAULT NULL) RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, status, started_at, answered_at, queued_at, skills, priority)
  VALUES (tenant, wanted, 'inbound', phone, '+12015550100', 'answered', now() - seconds * interval '1 second', now() - seconds * interval '1 second',
          now() - seconds * interval '1 second', skills, priority) RETURNING id
$$;

-- A call arrives: who gets it.
CREATE FUNCTION test_dialer.arrives(call uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  log   switchboard.call_logs;
  agent switchboard.agent_states;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  agent := switchboard._find_inbound_agent(log, clock_timestamp());
  RETURN coalesce((SELECT u.name FROM switchboard.users u WHERE u.id = agent.user_id), 'nobody');
END $$;

-- Whose a call is, by the last digits of the caller.
CREATE FUNCTION test_dialer.whose(phone text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN c.in_queue THEN 'waits' ELSE coalesce(u.name, 'nobody') END
  FROM switchboard.call_logs c LEFT JOIN switchboard.users u ON u.id = c.user_id WHERE c.from_number LIKE '%' || phone
$$;

CREATE FUNCTION test_dialer.caller_ends(call uuid, talked boolean DEFAULT false) RETURNS int LANGUAGE sql AS $$
  UPDATE switchboard.call_logs SET connected_at = assigned_at WHERE id = call AND talked;
  SELECT switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, c.provider, NULL, 'completed', clock_timestamp(), 5, NULL, NULL, NULL,
         NULL)::switchboard.call_status_event]) FROM switchboard.call_logs c WHERE c.id = call
$$;

-- Lets the next callers meet nobody.
CREATE FUNCTION test_dialer.everybody_leaves() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test_dialer.caller_ends(c.id) FROM switchboard.call_logs c WHERE c.ended_at IS NULL;
  PERFORM switchboard._change_agent(s, 'offline', NULL, NULL, clock_timestamp()) FROM switchboard.agent_states s WHERE s.ended_at IS NULL;
END $$;
