-- A tenant, its people, its account at the simulated carrier, and the campaign.
-- Variables: carrier (URL), gateway (URL), token_file (name under switchboard.secrets_dir)
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS pg_switchboard;

INSERT INTO switchboard.tenants (name, default_region, timezone, currency)
VALUES ('Acme Outdoor', 'US', 'America/New_York', 'USD')
RETURNING id AS tenant \gset

-- The session speaks for that tenant, as the gateway or an application server would.
SELECT set_config('switchboard.tenant_id', :'tenant', false) \g /dev/null

INSERT INTO switchboard.users (name, email, role)
VALUES ('Sam Rivera', 'sam@example.com', 'admin');

SELECT switchboard.add_provider_account(
  'twilio', 'main line',
  jsonb_build_object('account_sid', 'AC00000000000000000000000000000001',
                     'base_url', :'carrier', 'public_url', :'gateway',
                     'from_number', '+12015550100'),
  jsonb_build_object('auth_token', 'file:' || :'token_file')) AS account \gset

INSERT INTO switchboard.channel_routes (channel, account_id, priority) VALUES ('voice', :'account', 1);

INSERT INTO switchboard.dialer_campaigns
  (name, description, type, caller_id, script, max_attempts, retry_interval, active_hours, settings)
VALUES ('Spring sale', 'Tells every customer that the spring sale has begun', 'power', '+12015550100',
        'Hello {{first_name}}, this is Acme Outdoor. Our spring sale has begun. Goodbye!',
        2, 3, '{"start":"00:00","end":"24:00"}', '{"max_lines":200}')
RETURNING id AS campaign \gset
\echo :campaign
