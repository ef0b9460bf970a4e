-- Roles of the sessions of claims_test.py; each function is one transaction, and every error but a refusal ends the test.
CREATE SCHEMA claims;
CREATE FUNCTION claims.tenant() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT '00000000-0000-7000-8000-000000000001'::uuid $$;
CREATE FUNCTION claims.agent(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-7000-8000-0000000001' || to_char(n, 'FM00'))::uuid $$;
CREATE TABLE claims.claimed (call uuid, agent int, at timestamptz NOT NULL DEFAULT clock_timestamp());

INSERT INTO switchboard.users (id, tenant_id, name, role, endpoint, skills)
SELECT claims.agent(n), claims.tenant(), 'agent ' || n, CASE n WHEN 32 THEN 'supervisor' ELSE 'agent' END::switchboard.user_role, 'client:agent' || n,
       CASE n % 3 WHEN 0 THEN '{a}'::text[] WHEN 1 THEN '{a,b}' ELSE '{}' END
FROM generate_series(1, 32) n;
UPDATE switchboard.tenants SET settings = '{"wrap_up_seconds": 1}';
INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings)
VALUES (claims.tenant(), 'twilio', 'main', '{"caller_id": "+12015550100", "account_sid": "AC1", "public_url": "https://pbx.example"}');
INSERT INTO switchboard.channel_routes (tenant_id, channel, account_id) SELECT claims.tenant(), 'voice', id FROM switchboard.provider_accounts;
INSERT INTO switchboard.compliance_overrides (tenant_id, region, rule, parameters, reason)
VALUES (claims.tenant(), '*', 'calling_window', '{"start": "00:00", "end": "24:00"}', 'test');

CREATE FUNCTION claims.become(n int) RETURNS void LANGUAGE sql AS $$ SELECT switchboard.set_identity(claims.tenant(), claims.agent(n)) $$;

-- Somebody calls. Now and then the provider speaks of the call at once.
CREATE FUNCTION claims.arrive(ask boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  log switchboard.call_logs;
BEGIN
  INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, status, answered_at, queued_at, skills, priority, provider, account_id, call_id)
  SELECT claims.tenant(), NULL, 'inbound', '+1202' || 2000000 + floor(random() * 7999999)::int, '+12015550100', 'answered', clock_timestamp(), clock_timestamp(),
         CASE floor(random() * 4)::int WHEN 0 THEN '{a}'::text[] WHEN 1 THEN '{b}' ELSE '{}' END, floor(random() * 3)::int, 'twilio', a.id, 'CA' || gen_random_uuid()
  FROM switchboard.provider_accounts a RETURNING * INTO log;
  IF ask THEN
    PERFORM switchboard._find_inbound_agent(log, clock_timestamp());
  END IF;
END $$;

CREATE FUNCTION claims.claim(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM claims.become(n);
  INSERT INTO claims.claimed (call, agent) SELECT c.id, n FROM switchboard.claim_next_call() c;
EXCEPTION WHEN SQLSTATE 'SB005' THEN
  NULL;   -- given a call meanwhile
END $$;

CREATE FUNCTION claims.say(n int, state text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM claims.become(n);
  PERFORM switchboard.set_agent_state(state);
EXCEPTION WHEN SQLSTATE 'SB005' THEN
  NULL;
END $$;

CREATE FUNCTION claims.assign(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  chosen uuid := (SELECT c.id FROM switchboard.call_logs c WHERE c.direction = 'inbound' AND c.status = 'answered' ORDER BY random() LIMIT 1);
BEGIN
  PERFORM claims.become(32);
  PERFORM switchboard.assign_call(chosen, claims.agent(n));
EXCEPTION WHEN SQLSTATE 'SB005' OR no_data_found THEN
  NULL;
END $$;

CREATE FUNCTION claims.end_calls(calls uuid[]) RETURNS void LANGUAGE sql AS $$
  SELECT switchboard._apply_call_status(ARRAY(
    SELECT ROW(c.id, c.tenant_id, c.provider, NULL, 'completed', clock_timestamp(), 5, NULL, NULL, NULL, NULL)::switchboard.call_status_event
    FROM switchboard.call_logs c WHERE c.id = ANY (calls)))
$$;

-- The provider says that calls of agents have ended: one, or a batch of several.
CREATE FUNCTION claims.talk_ends(most int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  calls uuid[] := ARRAY(SELECT c.id FROM switchboard.call_logs c WHERE c.status = 'answered' AND c.user_id IS NOT NULL ORDER BY random() LIMIT most);
BEGIN
  PERFORM FROM switchboard.call_logs c WHERE c.id = ANY (calls) ORDER BY c.id FOR NO KEY UPDATE;
  UPDATE switchboard.call_logs c SET connected_at = clock_timestamp() WHERE c.id = ANY (calls) AND c.status = 'answered' AND random() < 0.5;
  PERFORM claims.end_calls(calls);
END $$;

CREATE FUNCTION claims.give_up() RETURNS void LANGUAGE sql AS $$
  SELECT claims.end_calls(ARRAY(SELECT c.id FROM switchboard.call_logs c WHERE c.in_queue ORDER BY random() LIMIT 1))
$$;

-- The provider asks again what to do with a call that waits.
CREATE FUNCTION claims.ask_again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c
  WHERE c.id = (SELECT w.id FROM switchboard.call_logs w WHERE w.in_queue ORDER BY random() LIMIT 1) FOR NO KEY UPDATE;
  IF log.in_queue THEN
    PERFORM switchboard._find_inbound_agent(log, clock_timestamp());
  END IF;
END $$;

-- A power campaign that shares the agents: dialed by a worker, answered, asked about.
CREATE FUNCTION claims.new_campaign() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  campaign uuid;
BEGIN
  INSERT INTO switchboard.campaigns (tenant_id, name, type, status, active_hours, dial_level, settings)
  VALUES (claims.tenant(), 'power', 'power', 'active', '{"start": "00:00", "end": "24:00"}', 1, '{"agentless": false}') RETURNING id INTO campaign;
  INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number)
  SELECT claims.tenant(), campaign, '+1303' || 2000000 + n FROM generate_series(1, 20000) n;
END $$;

CREATE FUNCTION claims.answer() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  chosen uuid := (SELECT c.id FROM switchboard.call_logs c WHERE c.direction = 'outbound' AND c.status IN ('initiated', 'ringing') ORDER BY c.id DESC LIMIT 1);
BEGIN
  PERFORM switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, 'twilio', 'CA' || replace(c.id::text, '-', ''), 'answered', clock_timestamp(), NULL, 'human', NULL, NULL,
          NULL)::switchboard.call_status_event]) FROM switchboard.call_logs c WHERE c.id = chosen;
  PERFORM switchboard._answer_plan(chosen, 'human', clock_timestamp());
END $$;

-- What is wrong. Stays of agents with calls are compared, so that nothing that was put right meanwhile is missed.
CREATE FUNCTION claims.wrong() RETURNS TABLE (problem text, n bigint) LANGUAGE sql AS $$
  WITH stays AS (
    SELECT s.*, coalesce(s.ended_at, 'infinity') AS until FROM switchboard.agent_states s WHERE s.state = 'busy' AND s.call_log_id IS NOT NULL
  )
  SELECT 'two agents with one call', count(*) FROM stays a JOIN stays b ON b.call_log_id = a.call_log_id AND b.user_id > a.user_id
    AND a.started_at < b.until AND b.started_at < a.until
  UNION ALL
  SELECT 'an agent with two calls', count(*) FROM stays a JOIN stays b ON b.user_id = a.user_id AND b.id > a.id AND a.started_at < b.until AND b.started_at < a.until
  UNION ALL
  SELECT 'busy with a call that is over', count(*) FROM stays s JOIN switchboard.call_logs c ON c.id = s.call_log_id WHERE s.ended_at IS NULL AND c.ended_at IS NOT NULL
  UNION ALL
  SELECT 'given to somebody who is not busy with it', count(*) FROM switchboard.call_logs c
   WHERE c.assigned_at IS NOT NULL AND c.ended_at IS NULL AND NOT EXISTS (SELECT FROM stays s WHERE s.call_log_id = c.id AND s.user_id = c.user_id AND s.ended_at IS NULL)
  UNION ALL
  SELECT 'given without an event', abs((SELECT count(*) FROM switchboard.events WHERE event = 'call-assigned') - (SELECT count(*) FROM stays))
  UNION ALL
  SELECT 'days with gaps', count(*) FROM (SELECT s.ended_at, lead(s.started_at) OVER (PARTITION BY s.user_id ORDER BY s.started_at, s.ended_at NULLS LAST, s.id) AS follows
                                          FROM switchboard.agent_states s) h WHERE h.ended_at IS DISTINCT FROM h.follows
$$;

-- Calls that wait although somebody could take them.
CREATE FUNCTION claims.missed() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(DISTINCT c.id) FROM switchboard.call_logs c
  JOIN switchboard.agent_states s ON s.tenant_id = c.tenant_id AND s.ended_at IS NULL AND s.state = 'available'
  JOIN switchboard.users u ON u.id = s.user_id AND u.skills @> c.skills
  WHERE c.in_queue
$$;
