-- A tenant, its account at the simulated carrier, the campaign and the import of the contact list.
-- Prints the ids of the tenant, the campaign and the account, then the import's report.
-- Variables: carrier, gateway (URLs), secret (file under switchboard.secrets_dir), csv (path)
INSERT INTO switchboard.tenants (name, default_region, timezone, currency)
VALUES ('Acme Outdoor', 'US', 'America/New_York', 'USD')
RETURNING id AS tenant \gset
\echo :tenant

-- The session speaks for that tenant, as an application server would.
SELECT set_config('switchboard.tenant_id', :'tenant', false) AS speaking_for \gset

INSERT INTO switchboard.users (name, email, role) VALUES ('Sam Rivera', 'sam@example.com', 'admin');

SELECT switchboard.add_provider_account(
         'twilio', 'main line',
         jsonb_build_object('account_sid', 'AC00000000000000000000000000000001',
                            'base_url', :'carrier', 'public_url', :'gateway'),
         jsonb_build_object('auth_token', 'file:' || :'secret')) AS account \gset
INSERT INTO switchboard.channel_routes (channel, account_id, priority)
VALUES ('voice', :'account', 1);

-- The demo runs at any hour, and the carrier's people do not mind.
INSERT INTO switchboard.compliance_overrides (rule, parameters, reason)
VALUES ('calling_window', '{"start":"00:00","end":"24:00"}', 'nobody is called in the demo');

INSERT INTO switchboard.dialer_campaigns
       (name, description, type, caller_id, script, max_attempts, retry_interval, active_hours, settings)
VALUES ('Spring sale', 'Tells every customer that the spring sale has begun', 'power',
        '+12015550100',
        'Hello {{first_name}}, this is Acme Outdoor. Our spring sale has begun. Goodbye!',
        2, 3, '{"start":"00:00","end":"24:00"}', '{"max_lines": 200, "agentless": true, "voice": "artificial"}')
RETURNING id AS campaign \gset
\echo :campaign
\echo :account

-- Nobody human speaks in this campaign, so the law of many regions wants consent: everybody gave it when they bought.
CREATE FUNCTION pg_temp.note_consents(campaign uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.consents (contact_id, phone_number, channel, purpose, basis, source)
  SELECT l.contact_id, l.phone_number, 'voice', 'marketing', 'express_written', 'order form'
    FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign
$$;

-- People who asked not to be called: every 40th number of the list.
CREATE TEMP TABLE list (phone_number text, region text, first_name text, last_name text,
                        email text, company text, line serial);
COPY list (phone_number, region, first_name, last_name, email, company) FROM :'csv' CSV HEADER;

INSERT INTO switchboard.do_not_call (phone_number, reason, source)
SELECT DISTINCT switchboard.try_normalize_phone(l.phone_number, l.region), 'asked on the phone', 'demo'
  FROM list l
 WHERE l.line % 40 = 0 AND switchboard.try_normalize_phone(l.phone_number, l.region) IS NOT NULL;

SELECT switchboard.add_campaign_contacts(
         :'campaign', (SELECT jsonb_agg(to_jsonb(l) - 'line' ORDER BY l.line) FROM list l)) AS report \gset
SELECT pg_temp.note_consents(:'campaign') \g /dev/null

SELECT format('%s contacts added, %s updated, %s rows rejected', :'report'::jsonb ->> 'added',
              :'report'::jsonb ->> 'updated', jsonb_array_length(:'report'::jsonb -> 'rejected'));
SELECT format('  row %s: "%s" %s', r ->> 'index', r ->> 'phone_number', r ->> 'reason')
  FROM jsonb_array_elements(:'report'::jsonb -> 'rejected') WITH ORDINALITY AS e (r, n)
 ORDER BY n LIMIT 6;
