-- Triggered calls and accounts: which one makes them, and waiting for one.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/trigger_life.sql
SELECT no_plan();

INSERT INTO switchboard.tenants (name, timezone) VALUES ('acme', 'UTC') RETURNING id AS tenant \gset
SELECT switchboard.set_identity(:'tenant');
INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason)
VALUES ('*', 'calling_window', '{"start": "00:00", "end": "24:00"}', 'test');
SELECT test_dialer.hello();
SELECT test_dialer.new_campaign(:'tenant', '{}', type => 'manual') AS campaign \gset
SELECT test_dialer.new_campaign(:'tenant', '{"voice_account": "robots"}', type => 'manual') AS robots \gset
SELECT test_triggers.new_product(:'tenant') AS product \gset

-- Which account.
CREATE FUNCTION pg_temp.account_of(campaign uuid) RETURNS text LANGUAGE sql AS $$
  SELECT (switchboard._trigger_account(switchboard.current_tenant_id(), (SELECT c FROM switchboard.campaigns c WHERE c.id = campaign))).name
$$;
SELECT is(pg_temp.account_of(:'campaign'), NULL, 'no account');
SELECT max(test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', n), :'product')::text) AS t FROM generate_series(1, 3) n \gset last_
SELECT test_triggers.make(:'tenant', :'robots', test_triggers.new_contact(:'tenant', 4), :'product') AS r \gset
SELECT test_triggers.make(:'tenant', NULL, test_triggers.new_contact(:'tenant', 5), :'product', jsonb_build_object('scheduled_at', now() + interval '1 day')) AS later \gset
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call'), 0::bigint, 'without an account there are no jobs');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE waits AND account_id IS NULL), 5::bigint, 'the calls wait');

SELECT switchboard.add_provider_account('whatsapp', 'chat', '{"phone_number_id": "1"}', '{}') IS NOT NULL;
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call'), 0::bigint, 'an account that cannot call does not help');
SELECT switchboard.add_provider_account('webhook', 'hook', '{"url": "https://example.com"}', '{"signing_secret": "env:PATH"}') AS hook \gset
SELECT is((SELECT array_agg(DISTINCT account_id) FROM switchboard.jobs_open WHERE kind = 'call'), ARRAY[:'hook'::uuid], 'the only webhook account does, as a last resort');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call'), 4::bigint, 'for all but those who want another one');
SELECT is((SELECT j.payload -> 'body' ->> 'call_trigger_id' FROM switchboard.jobs_open j WHERE j.subject_id = test_triggers.call_of(:'later')), :'later',
          'it is given the package');
SELECT is(run_at, now() + interval '1 day', 'not before its time') FROM switchboard.jobs_open WHERE subject_id = test_triggers.call_of(:'later');
SELECT is(jsonb_build_array(provider, from_number, account_id), jsonb_build_array('webhook', NULL::text, :'hook'::uuid), 'needs no number to call from')
  FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'later');
SELECT is(switchboard._queue_waiting_triggers(:'tenant'), 0, 'asking again changes nothing');

-- A named one, first without a number.
SELECT switchboard.add_provider_account('twilio', 'robots', '{"account_sid": "AC1"}', '{"auth_token": "env:PATH"}') AS robot \gset
SELECT is(pg_temp.account_of(:'robots'), 'robots', 'a campaign names its account');
SELECT is(pg_temp.account_of(:'campaign'), 'robots', 'an account that can call goes before the webhook');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = test_triggers.call_of(:'r')), 0::bigint, 'without a number to call from it waits');
UPDATE switchboard.campaigns SET caller_id = '+12015550100' WHERE id = :'robots';
SELECT is((SELECT jsonb_build_array(c.account_id, c.from_number, j.payload -> 'say' ->> 'text') FROM switchboard.call_logs c JOIN switchboard.jobs_open j ON j.subject_id = c.id
           WHERE c.id = test_triggers.call_of(:'r')), jsonb_build_array(:'robot'::uuid, '+12015550100', 'Hello {{not a template}}'), 'until the campaign has one');
UPDATE switchboard.provider_accounts SET enabled = false WHERE id = :'robot';
SELECT is(pg_temp.account_of(:'robots'), NULL, 'a disabled account is none, and no other takes its place');
SELECT is(pg_temp.account_of(:'campaign'), 'hook', 'where none is named the next one does');
UPDATE switchboard.campaigns SET settings = '{"voice_account": "chat"}' WHERE id = :'robots';
SELECT is(pg_temp.account_of(:'robots'), NULL, 'one that cannot call is none');
UPDATE switchboard.campaigns SET settings = '{"voice_account": "robots"}' WHERE id = :'robots';
UPDATE switchboard.provider_accounts SET enabled = true WHERE id = :'robot';

-- A campaign whose calls an external system makes begins without a number to call from.
INSERT INTO switchboard.dialer_campaigns (name, type, settings) VALUES ('handed over', 'power', '{"voice_account": "hook"}') RETURNING id AS handed \gset
INSERT INTO switchboard.dialer_campaigns (name, type) VALUES ('dialed', 'power') RETURNING id AS dialed \gset
SELECT throws_ok(format('SELECT switchboard.start_campaign(%L)', :'dialed'), 'SB002', 'no number to call from with account "robots"', 'dialing needs one');
SELECT is((switchboard.start_campaign(:'handed')).status, 'active', 'a call system that has its own does not');

-- A voice route.
INSERT INTO switchboard.channel_routes (channel, account_id) VALUES ('voice', :'hook');
SELECT is(pg_temp.account_of(:'campaign'), 'hook', 'a voice route decides');

-- The account of calls that wait is deleted: they wait for another one, no attempt lost.
SELECT test_triggers.call_of(:'r') AS before \gset
DELETE FROM switchboard.provider_accounts WHERE id = :'robot';
SELECT is(test_triggers.state(:'r'), 'scheduled 0 initiated', 'an account that is deleted takes no trigger along');
SELECT is((SELECT status::text FROM switchboard.call_logs WHERE id = :'before'), 'failed', 'only the call that was to be made through it');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = test_triggers.call_of(:'r')), 0::bigint, 'it waits for another one of that name');
SELECT switchboard.add_provider_account('twilio', 'robots', '{"account_sid": "AC1", "caller_id": "+12015550101"}', '{"auth_token": "env:PATH"}') AS robot \gset
SELECT is((SELECT from_number FROM switchboard.call_logs c JOIN switchboard.jobs_open j ON j.subject_id = c.id WHERE c.id = test_triggers.call_of(:'r')),
          '+12015550100', 'which makes the call');

-- Delivery: on record, and silent receivers are not given the package twice.
SELECT count(*) FROM test_triggers.send();
SELECT is((SELECT detail -> 'provider' FROM switchboard.audit_log WHERE action = 'deliver-call-package' AND subject = 'call_trigger:' || :'last_t'), '"webhook"',
          'who was given a package is on record');
SELECT is((SELECT count(*) FROM switchboard.audit_log WHERE action = 'deliver-call-package'), 3::bigint, 'once each; a telephony account is given none');
SELECT switchboard.expire_silent_calls(clock_timestamp() + interval '1 day');
SELECT is(test_triggers.state(:'last_t'), 'failed failed 1 failed', 'a receiver that says nothing is not asked again');
SELECT is(test_triggers.state(:'r'), 'scheduled 1 initiated', 'a carrier is');

SELECT is((switchboard.make_call('+12025550199')).provider, 'webhook', 'calls that people ask for go by the same route');

-- Of two accounts none is the one, until the other is gone.
DELETE FROM switchboard.channel_routes;
UPDATE switchboard.provider_accounts SET settings = settings || '{"caller_id": "+12015550102"}' WHERE name = 'robots';
SELECT switchboard.add_provider_account('twilio', 'spare', '{"account_sid": "AC2", "caller_id": "+12015550103"}', '{"auth_token": "env:PATH"}') AS spare \gset
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 20), :'product') AS t \gset
SELECT is(account_id, NULL, 'two accounts and no route: the call waits') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t');
INSERT INTO switchboard.channel_routes (channel, account_id) VALUES ('sms', :'spare');
SELECT is(account_id, NULL, 'a route of another channel is none') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t');
DELETE FROM switchboard.provider_accounts WHERE id = :'spare';
SELECT is(from_number, '+12015550102', 'until one is left') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t');

SELECT * FROM finish();
ROLLBACK;
