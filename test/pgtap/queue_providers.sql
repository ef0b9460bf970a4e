-- Provider accounts and their secrets.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE ROLE sb_test_agent LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_test_boss LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_test_other LOGIN IN ROLE switchboard_app;
INSERT INTO switchboard.tenants (id, name) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO switchboard.users (tenant_id, name, role, login_role) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'agent', 'agent', 'sb_test_agent'),
    ('00000000-0000-0000-0000-00000000000a', 'boss', 'supervisor', 'sb_test_boss'),
    ('00000000-0000-0000-0000-00000000000b', 'other', 'supervisor', 'sb_test_other');

SET LOCAL SESSION AUTHORIZATION sb_test_boss;
SELECT switchboard.add_provider_account('twilio', ' main ',
    '{"base_url": "http://127.0.0.1:8080", "rate_per_second": 2.5, "max_in_flight": 10, "account_sid": "AC1"}',
    '{"auth_token": "env:TWILIO_TOKEN", "api_key": "file:twilio/key"}') AS account \gset
SELECT results_eq(
    'SELECT provider, name, base_url, rate_per_second, max_in_flight, settings, enabled FROM switchboard.provider_accounts',
    $$VALUES ('twilio', 'main', 'http://127.0.0.1:8080', 2.5, 10, '{"account_sid": "AC1", "in_doubt": "lookup"}'::jsonb, true)$$,
    'an account; settings that are columns are in them; messages in doubt are looked up where the provider can be asked');
SELECT switchboard.add_provider_account('webhook', 'hook'), switchboard.add_provider_account('twilio', 'eager', '{"in_doubt": "repeat"}') \g /dev/null
SELECT is((SELECT settings ->> 'in_doubt' FROM switchboard.provider_accounts WHERE name = 'hook'), 'repeat', 'and sent again where it cannot');
SELECT is((SELECT settings ->> 'in_doubt' FROM switchboard.provider_accounts WHERE name = 'eager'), 'repeat', 'unless the account says otherwise');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twillio', 'x')$$, 'SB009', 'unknown provider: ''twillio''');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'main')$$, '23505', 'there is already a provider account "main"');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', ' ')$$, '22023');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'x', '[]')$$, '22023', 'settings must be a JSON object, not array');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'x', '{"rate_per_second": 0}')$$, '22023',
    'rate_per_second must be a number above zero, not 0');
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'x', '{}', '{"auth_token": 7}')$$, '22023', 'secret "auth_token" must be a string');
SELECT throws_ok('SELECT * FROM switchboard.provider_secrets', '42501', NULL, 'nobody reads secrets, not even references');

-- References are stored as they are; what is no reference is sealed, or refused without ever being shown.
SELECT lives_ok(format($$SELECT switchboard.set_provider_secret(%L, 'auth_token', 'env:OTHER')$$, :'account'));
SELECT throws_ok(format($$SELECT switchboard.set_provider_secret(%L, 'auth_token', 'file:../etc/passwd')$$, :'account'), '22023',
    'bad reference in secret "auth_token"');
SELECT throws_ok(format($$SELECT switchboard.set_provider_secret(%L, 'Auth Token', 'env:X')$$, :'account'), '22023',
    'bad name of a secret: ''Auth Token''');
SELECT throws_ok(format($$SELECT switchboard.set_provider_secret(%L, 'auth_token', 'hunter2')$$, :'account'), 'SB010', NULL,
    'without a key file nothing can be sealed');
SELECT throws_ok($$SELECT switchboard.set_provider_secret('00000000-0000-0000-0000-000000000001', 'x', 'env:X')$$, 'P0002',
    'no such provider account: 00000000-0000-0000-0000-000000000001');

CREATE TEMP TABLE shown (message text);
DO $$
DECLARE
    hint text; detail text; context text;
    -- A variable: the context quotes the statement as it was written here.
    secrets jsonb := '{"auth_token": "hunter2"}';
BEGIN
    PERFORM switchboard.add_provider_account('twilio', 'y', '{}', secrets);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
    INSERT INTO shown VALUES (concat_ws(' ', SQLERRM, hint, detail, context));
END
$$;
SELECT ok((SELECT message NOT LIKE '%hunter2%' FROM shown), 'the secret is in no part of the error');

SET LOCAL SESSION AUTHORIZATION sb_test_agent;
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'x')$$, '42501', 'only a supervisor may add provider accounts');
SELECT throws_ok(format($$SELECT switchboard.set_provider_secret(%L, 'x', 'env:X')$$, :'account'), '42501', 'only a supervisor may set provider secrets');
SET LOCAL SESSION AUTHORIZATION sb_test_other;
SELECT throws_ok(format($$SELECT switchboard.set_provider_secret(%L, 'x', 'env:X')$$, :'account'), 'P0002', NULL, 'another tenant has no such account');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT switchboard.add_provider_account('twilio', 'x')$$, '42501', 'the session acts for no tenant', 'nobody is told so');
SELECT throws_ok($$SELECT switchboard.retry_job('00000000-0000-0000-0000-000000000001')$$, '42501', 'the session acts for no tenant', 'also about jobs');
SELECT results_eq(format('SELECT name, value FROM switchboard.provider_secrets WHERE account_id = %L ORDER BY name', :'account'),
    $$VALUES ('api_key', 'file:twilio/key'), ('auth_token', 'env:OTHER')$$, 'what is stored');
SELECT throws_ok(format($$INSERT INTO switchboard.provider_secrets (tenant_id, account_id, name, value)
    VALUES ('00000000-0000-0000-0000-00000000000a', %L, 'plain', 'hunter2')$$, :'account'), '23514', NULL, 'plain text cannot be stored by any way');
SELECT is((SELECT count(*)::int FROM switchboard.audit_log WHERE action = 'set_provider_secret' AND detail = '{"name": "auth_token"}'), 1,
    'who set which secret is on record, without it');
SET LOCAL SESSION AUTHORIZATION sb_test_boss;
SELECT switchboard.set_provider_secret(:'account', 'auth_token', NULL) \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*)::int FROM switchboard.provider_secrets WHERE account_id = :'account'), 1, 'NULL removes a secret');

SELECT * FROM finish();
ROLLBACK;
