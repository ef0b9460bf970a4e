-- What agents do in the simulated hour, and what is wrong afterwards. Variables: carrier, gateway (URLs)
CREATE SCHEMA hour;

INSERT INTO switchboard.tenants (id, name, timezone, settings)
VALUES ('00000000-0000-7000-8000-000000000001', 'hour', 'UTC', '{"wrap_up_seconds": 1}');
INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
VALUES ('00000000-0000-7000-8000-000000000001', 'calling_window', '{"start": "00:00", "end": "24:00"}', 'test');
BEGIN;
SELECT switchboard.set_identity('00000000-0000-7000-8000-000000000001');
SELECT switchboard.add_provider_account('twilio', 'carrier', jsonb_build_object(
  'account_sid', 'AC00000000000000000000000000000000', 'base_url', :'carrier', 'public_url', :'gateway', 'settle_seconds', 1,
  'caller_id', '+12125550000'), '{"auth_token": "file:token"}');
COMMIT;

-- Fifty agents: the first thirty sell, ten of those in French too; the others look before they call.
INSERT INTO switchboard.users (tenant_id, name, endpoint, skills)
SELECT '00000000-0000-7000-8000-000000000001', 'agent' || n, 'client:agent' || n,
       CASE WHEN n <= 10 THEN '{sales,french}' WHEN n <= 30 THEN '{sales}' ELSE '{care}' END::text[]
FROM generate_series(1, 50) n;

INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, script, dial_level, max_attempts, retry_interval, active_hours, settings)
SELECT '00000000-0000-7000-8000-000000000001', NULL, c.name, c.type::switchboard.campaign_type, 'Hello', c.level, 2, 5, '{"start": "00:00", "end": "24:00"}',
       '{"connect_within": 0.05, "machine_detection": "enable", "ring_timeout": 30, "agent_timeout": 15, "preview_seconds": 5, "skip_delay": 5}'
       || jsonb_build_object('skills', c.skills)
FROM (VALUES ('sales', 'power', 2.0, '["sales"]'::jsonb), ('ventes', 'power', 2.5, '["french"]'), ('care', 'preview', 1, '["care"]'))
  AS c (name, type, level, skills);
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number)
SELECT c.tenant_id, c.id, '+1' || CASE c.name WHEN 'sales' THEN 212 WHEN 'ventes' THEN 646 ELSE 415 END || (5550000 + n)
FROM switchboard.campaigns c, generate_series(1, 3000) n;

-- Lines beyond what the agents warrant, found in the transaction that dialed. Agents count who were available when it began to count:
-- those it sees now, and those whose leaving was committed since.
CREATE TABLE hour.excess (campaign uuid, lines numeric, allowed numeric);
CREATE FUNCTION hour.check_lines() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO hour.excess
  SELECT l.id, l.lines, l.allowed
  FROM (SELECT k.id, p.calls AS lines, k.dial_level * (
          SELECT count(DISTINCT s.user_id) FROM switchboard.agent_states s JOIN switchboard._staff(ARRAY[k.id]) f ON f.user_id = s.user_id
          WHERE s.state = 'available' AND (s.ended_at IS NULL OR pg_xact_commit_timestamp(s.xmin) >= now())) AS allowed
        FROM (SELECT DISTINCT d.campaign_id FROM dialed d WHERE d.assigned_at IS NULL) d
        JOIN switchboard.campaigns k ON k.id = d.campaign_id AND k.type = 'power'
        JOIN switchboard._calls_for_agents(k.tenant_id) p ON p.campaign_id = k.id) l
  WHERE l.lines > l.allowed;
  RETURN NULL;
END $$;
CREATE TRIGGER check_lines AFTER INSERT ON switchboard.call_logs REFERENCING NEW TABLE AS dialed
  FOR EACH STATEMENT EXECUTE FUNCTION hour.check_lines();

-- What agents were refused, and how often.
CREATE TABLE hour.refused (what text, code text);

-- One look of an agent at the screen.
CREATE FUNCTION hour.act(me uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now_is  record;
  preview switchboard.preview_contact;
  dice    float := random();
  verdict text := (ARRAY['interested', 'not-interested', 'qualified', 'not-qualified', 'wrong-number', 'do-not-call'])[1 + floor(random() * 6)];
BEGIN
  PERFORM switchboard.set_identity('00000000-0000-7000-8000-000000000001', me);
  SELECT a.* INTO now_is FROM switchboard.agents a WHERE a.user_id = me;
  IF now_is.state = 'wrap_up' THEN
    IF NOT EXISTS (SELECT FROM switchboard.call_dispositions d WHERE d.call_id = now_is.call_log_id) THEN
      PERFORM switchboard.create_disposition(now_is.call_log_id, verdict);
    END IF;
    IF dice < 0.7 THEN
      PERFORM switchboard.set_agent_state('available');
    END IF;
  ELSIF now_is.state IN ('offline', 'paused') THEN
    IF dice < 0.5 THEN
      PERFORM switchboard.set_agent_state('available');
    END IF;
  ELSIF dice < 0.01 THEN
    PERFORM switchboard.set_agent_state('paused', 'break');
  ELSIF now_is.state = 'available' AND 'care' = ANY (now_is.skills) THEN
    preview := switchboard.next_preview_contact((SELECT c.id FROM switchboard.campaigns c WHERE c.name = 'care'));
    IF dice < 0.1 THEN
      PERFORM switchboard.skip_preview(preview.queue_id, 'not now');
    ELSIF dice < 0.9 AND preview.queue_id IS NOT NULL THEN
      PERFORM switchboard.accept_preview(preview.queue_id);
    END IF;
  END IF;
EXCEPTION WHEN SQLSTATE 'SB005' OR SQLSTATE 'SB003' OR SQLSTATE 'SB007' OR no_data_found THEN
  INSERT INTO hour.refused VALUES (now_is.state::text, SQLSTATE);   -- the world has moved on since the agent looked
END $$;

-- What must be empty at the end.
CREATE VIEW hour.faults AS
SELECT 'call without an end' AS fault, count(*) AS n FROM switchboard.call_logs c WHERE c.status IN ('initiated', 'ringing', 'answered')
UNION ALL
SELECT 'history with a gap or an overlap', count(*)
FROM (SELECT s.ended_at, lead(s.started_at) OVER (PARTITION BY s.user_id ORDER BY s.started_at, s.ended_at NULLS LAST, s.id) AS follows
      FROM switchboard.agent_states s) h WHERE h.ended_at IS DISTINCT FROM h.follows
UNION ALL
SELECT 'agent without exactly one state', count(*)
FROM (SELECT u.id FROM switchboard.users u LEFT JOIN switchboard.agent_states s ON s.user_id = u.id AND s.ended_at IS NULL
      GROUP BY u.id HAVING count(s.id) <> 1) a
UNION ALL
SELECT 'agent busy with a call that is over', count(*)
FROM switchboard.agent_states s JOIN switchboard.call_logs c ON c.id = s.call_log_id
WHERE s.ended_at IS NULL AND s.state = 'busy' AND c.status NOT IN ('initiated', 'ringing', 'answered')
UNION ALL
SELECT 'call with two agents at once', count(*)
FROM switchboard.agent_states s JOIN switchboard.agent_states o ON o.call_log_id = s.call_log_id AND o.id > s.id
WHERE s.state = 'busy' AND o.state = 'busy'
  AND (s.started_at, coalesce(s.ended_at, 'infinity')) OVERLAPS (o.started_at, coalesce(o.ended_at, 'infinity'))
UNION ALL
SELECT 'connected call without an agent, or an abandoned one with', count(*)
FROM switchboard.call_logs c WHERE c.connected_at IS NOT NULL AND (c.user_id IS NULL OR c.abandoned)
UNION ALL
SELECT 'connected machine', count(*)
FROM switchboard.call_logs c JOIN switchboard.campaigns k ON k.id = c.campaign_id
WHERE k.type = 'power' AND c.answered_by IN ('machine', 'fax') AND c.connected_at IS NOT NULL
UNION ALL
SELECT 'lines beyond the agents', count(*) FROM hour.excess
UNION ALL
SELECT 'webhook that was not understood', count(*) FROM switchboard.webhook_inbox w WHERE w.error IS NOT NULL
UNION ALL
SELECT 'person still being called', count(*) FROM switchboard.campaign_contacts l WHERE l.status = 'calling';

CREATE VIEW hour.figures AS
SELECT round((SELECT 100 * sum(extract(epoch FROM coalesce(s.ended_at, now()) - s.started_at)) FILTER (WHERE s.state IN ('busy', 'wrap_up'))
              / nullif(sum(extract(epoch FROM coalesce(s.ended_at, now()) - s.started_at))
                       FILTER (WHERE s.state IN ('busy', 'wrap_up', 'available')), 0)
              FROM switchboard.agent_states s), 1) AS occupancy,
       count(*) AS calls, count(*) FILTER (WHERE k.type = 'preview') AS by_preview,
       count(*) FILTER (WHERE c.answered_at IS NOT NULL) AS answered, count(*) FILTER (WHERE c.connected_at IS NOT NULL) AS connected,
       count(*) FILTER (WHERE c.abandoned) AS abandoned,
       round(100.0 * count(*) FILTER (WHERE c.abandoned)
             / greatest(1, count(*) FILTER (WHERE c.answered_at IS NOT NULL AND k.type = 'power'
                                              AND coalesce(c.answered_by NOT IN ('machine', 'fax'), true))), 1) AS abandoned_percent,
       (SELECT count(*) FROM switchboard.call_dispositions) AS dispositions,
       (SELECT count(*) FROM switchboard.agent_states s WHERE s.reason = 'did not answer') AS not_picked_up,
       (SELECT coalesce(sum(r.n), 0) FROM (SELECT count(*) AS n FROM hour.refused) r) AS refused
FROM switchboard.call_logs c JOIN switchboard.campaigns k ON k.id = c.campaign_id;
