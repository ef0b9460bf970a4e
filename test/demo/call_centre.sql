-- The second job: six agents, a power campaign that dials two lines per free agent, and a preview campaign. Prints the ids of
-- both campaigns. Variable: campaign (the one whose people said yes)
INSERT INTO switchboard.users (name, endpoint, skills)
SELECT name, 'client:' || lower(name), CASE WHEN n <= 4 THEN '{sales}' ELSE '{care}' END::text[]
  FROM unnest('{Ann,Ben,Chloe,Dai,Eva,Finn}'::text[]) WITH ORDINALITY AS a (name, n);

INSERT INTO switchboard.dialer_campaigns (name, type, caller_id, script, dial_level, max_attempts, retry_interval, active_hours, settings)
VALUES ('Renewals', 'power', '+12015550100', 'Ask whether they want to renew.', 2, 2, 3, '{"start":"00:00","end":"24:00"}',
        -- Whom no agent could take in time may not be called again for a day: the demo does not wait for them.
        '{"skills": ["sales"], "wrap_up_seconds": 1, "machine_detection": "enable", "retry_rules": {"abandoned": {"max_tries": 0}}}')
RETURNING id AS renewals \gset
INSERT INTO switchboard.dialer_campaigns (name, type, caller_id, script, max_attempts, retry_interval, active_hours, settings)
VALUES ('Key accounts', 'preview', '+12015550100', 'Thank {{first_name}} and listen.', 2, 3, '{"start":"00:00","end":"24:00"}',
        '{"skills": ["care"], "wrap_up_seconds": 1}')
RETURNING id AS accounts \gset

INSERT INTO switchboard.campaign_contacts (campaign_id, contact_id, phone_number, first_name, last_name)
SELECT CASE WHEN n % 6 > 0 THEN :'renewals' ELSE :'accounts' END::uuid, contact_id, phone_number, first_name, last_name
  FROM (SELECT l.*, row_number() OVER (ORDER BY l.id) AS n FROM switchboard.campaign_contacts l
         WHERE l.campaign_id = :'campaign' AND l.status = 'completed') l
 WHERE n <= 120;

-- One look of an agent at the screen: conclude the last call, be available, take the next person of the preview campaign.
CREATE SCHEMA demo;
CREATE FUNCTION demo.look(tenant uuid, me uuid, preview_campaign uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  agent  record;
  person switchboard.preview_contact;
BEGIN
  PERFORM switchboard.set_identity(tenant, me);
  SELECT * INTO agent FROM switchboard.agents a WHERE a.user_id = me;
  IF agent.state = 'wrap_up' THEN
    PERFORM switchboard.create_disposition(agent.call_log_id, (ARRAY['interested', 'not-interested', 'qualified', 'not-interested'])
                                                              [1 + floor(random() * 4)]);
    PERFORM switchboard.set_agent_state('available');
  ELSIF agent.state IN ('offline', 'paused') OR agent.state IS NULL THEN
    PERFORM switchboard.set_agent_state('available');
  ELSIF agent.state = 'available' AND 'care' = ANY (agent.skills) THEN
    person := switchboard.next_preview_contact(preview_campaign);
    IF person.queue_id IS NOT NULL THEN
      PERFORM switchboard.accept_preview(person.queue_id);
    END IF;
  END IF;
EXCEPTION WHEN SQLSTATE 'SB005' THEN
  NULL;   -- the campaign is over, or the call ended while the agent was looking
END
$$;

CREATE PROCEDURE demo.look_around(tenant uuid, preview_campaign uuid) LANGUAGE plpgsql AS $$
DECLARE
  agent uuid;
BEGIN
  FOR agent IN SELECT id FROM switchboard.users WHERE endpoint <> '' ORDER BY name LOOP
    PERFORM demo.look(tenant, agent, preview_campaign);
    COMMIT;
  END LOOP;
END
$$;
\echo :renewals :accounts
