-- Who may be called, when, by which rules, and the evidence.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

-- A tenant under the law as shipped: without the overrides of the other tests.
SELECT test_dialer.new_tenant('lawful', 'America/New_York') AS tenant \gset
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant';
SELECT test_dialer.new_campaign(:'tenant') AS campaign \gset
SELECT test_dialer.new_campaign(:'tenant', '{"voice": "ai"}') AS ai \gset
CREATE FUNCTION pg_temp.verdict(phone text, at timestamptz, campaign uuid DEFAULT NULL, channel text DEFAULT 'voice') RETURNS text
LANGUAGE sql AS $$
  SELECT concat_ws(' ', coalesce(c.reason, 'allowed'), to_char(c.retry_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI'))
  FROM switchboard.can_contact(phone, channel, at, campaign) c
$$;
CREATE FUNCTION pg_temp.codes(phone text, at timestamptz, campaign uuid) RETURNS text LANGUAGE sql AS $$
  SELECT d.codes::text || ' ' || d.zones::text FROM switchboard.campaigns c,
    switchboard._contact_decisions(c.tenant_id, c.id, ARRAY[phone], 'voice', at) d WHERE c.id = campaign
$$;
CREATE FUNCTION pg_temp.called(phone text, at timestamptz, status switchboard.call_status DEFAULT 'completed', abandoned boolean DEFAULT false,
  dialed boolean DEFAULT true, sid text DEFAULT 'x') RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.call_logs (to_number, started_at, dialed_at, ended_at, status, abandoned, provider, call_id)
  VALUES (phone, at, CASE WHEN dialed THEN at END, CASE WHEN status <> 'initiated' THEN at END, status, abandoned, 'twilio', sid || switchboard.uuid_v7())
  RETURNING id
$$;

-- No rule as shipped is about messages: they may be sent, or not, all the same.
SELECT is((switchboard.can_contact('+12125550100', c)).allowed, true, c || ' without a rule') FROM unnest(ARRAY['sms', 'whatsapp']) c;
SELECT is((switchboard.can_contact('+442079460958', 'sms')).allowed, true, 'anywhere');
INSERT INTO switchboard.do_not_call (phone_number, channel) VALUES ('+12125550109', 'sms');
SELECT is(switchboard.can_contact('+12125550109', 'sms')::text, '(f,do-not-call,)', 'and not to who asked for none');

-- Places.
SELECT is(switchboard.phone_subdivision('+13055550100'), 'US-FL', 'a state by its area code');
SELECT is(switchboard.phone_subdivision('+14165550100'), 'CA-ON', 'a province');
SELECT is(switchboard.phone_subdivision('+442079460000'), NULL, 'elsewhere there are none');
SELECT is(switchboard.phone_subdivision('+18005550100'), NULL, 'a service lies nowhere');
SELECT is(switchboard.phone_subdivision('nonsense'), NULL, 'nor does what is no number');
-- Zones by their current names: servers may not know the old ones, which libphonenumber still uses.
SELECT is(switchboard._phone_place(p), ARRAY[coalesce(switchboard.phone_region(p), ''), coalesce(switchboard.phone_subdivision(p), '')]
                                       || array_replace(switchboard.phone_timezones(p), 'Asia/Calcutta', 'Asia/Kolkata'), 'all in one for ' || p)
FROM unnest('{+13055550100,+12085550100,+19025550100,+442079460000,+919876543210,+18005550100,+15551234567,+77010000000}'::text[]) p;

-- The window of the law, where the called party is. 2026-06-01 is a Monday.
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 11:59+00'), 'outside-calling-hours 06-01 12:00', 'not before 8 in New York');
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 12:00+00'), 'allowed', 'from 8 on');
SELECT is(pg_temp.verdict('+12125550100', '2026-06-02 01:00+00'), 'outside-calling-hours 06-02 12:00', 'not from 21 on');
SELECT is(pg_temp.verdict('+13055550100', '2026-06-02 00:30+00'), 'outside-calling-hours 06-02 12:00', 'in Florida not from 20 on');
SELECT is(pg_temp.verdict('+12085550100', '2026-06-01 14:30+00'), 'outside-calling-hours 06-01 15:00', 'where it is 8 in one zone only, not yet');
SELECT is(pg_temp.verdict('+12055550100', '2026-06-07 17:00+00'), 'outside-calling-hours 06-08 13:00', 'not on Sundays in Alabama');
SELECT is(pg_temp.verdict('+12055550100', '2026-05-25 17:00+00'), 'holiday 05-26 13:00', 'nor on Memorial Day');
SELECT is(pg_temp.codes('+12055550100', '2026-05-25 08:00+00', :'campaign'), '{outside-calling-hours,holiday} {America/Chicago}', 'all reasons are codes');
SELECT is(pg_temp.verdict('+33612345678', '2026-06-01 11:30+00'), 'outside-calling-hours 06-01 12:00', 'not at lunch in France');
SELECT is(pg_temp.verdict('+14165550100', '2026-06-06 13:30+00'), 'outside-calling-hours 06-06 14:00', 'later on Saturdays in Canada');
SELECT is(pg_temp.verdict('+15551234567', '2026-06-01 12:00+00'), 'allowed', 'a number of no place: the tenant''s zone');
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 05:00+00', NULL, 'sms'), 'allowed', 'the hours are for calls');
INSERT INTO switchboard.contacts (phone_number, timezone) VALUES ('+12125550101', 'Asia/Tokyo');
SELECT is(pg_temp.verdict('+12125550101', '2026-06-01 01:00+00'), 'allowed', 'a contact''s own zone counts before the number''s');
UPDATE switchboard.campaigns SET active_hours = '{"start":"06:00","end":"10:00"}' WHERE id = :'campaign';
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 11:00+00', :'campaign'), 'outside-calling-hours 06-01 12:00', 'a campaign''s hours do not widen the law');
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 14:00+00', :'campaign'), 'outside-calling-hours 06-02 12:00', 'but narrow it');
UPDATE switchboard.campaigns SET active_hours = '{"start":"22:00","end":"23:00"}' WHERE id = :'campaign';
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 14:00+00', :'campaign'), 'no-calling-hours', 'hours that the law never allows');
SELECT is((SELECT d.later FROM switchboard._contact_decisions(:'tenant', :'campaign', '{+12125550100}', 'voice', '2026-06-01 14:00+00') d),
          '2026-06-02 14:00+00', 'are looked at again the next day');
UPDATE switchboard.campaigns SET active_hours = '{"start":"00:00","end":"24:00"}' WHERE id = :'campaign';
UPDATE switchboard.tenants SET settings = settings || '{"holidays": ["2026-06-01"]}' WHERE id = :'tenant';
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 14:00+00', :'campaign'), 'holiday 06-02 12:00', 'the tenant''s own holiday');
UPDATE switchboard.tenants SET settings = settings - 'holidays' WHERE id = :'tenant';
SELECT throws_ok($$ UPDATE switchboard.tenants SET settings = '{"holidays": ["tomorrow"]}' $$, '22023', NULL, 'a holiday that is no date');

-- Frequency caps: 5 on a day and 12 in 7 days for campaigns.
SELECT pg_temp.called('+12125550110', '2026-06-01 12:00+00'::timestamptz + i * interval '1 hour') FROM generate_series(0, 3) i;
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'allowed', 'four calls are fine');
SELECT pg_temp.called('+12125550110', '2026-06-01 16:30+00') AS fifth \gset
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'frequency-cap 06-02 12:00', 'after the fifth not before the next morning');
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00'), 'allowed', 'somebody who dials by hand may');
SELECT is(pg_temp.verdict('+12125550110', '2026-06-02 12:00+00', :'campaign'), 'allowed', 'a new day');
UPDATE switchboard.call_logs SET status = 'failed', call_id = NULL WHERE id = :'fifth';
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'allowed', 'a call that no provider took does not count');
SELECT pg_temp.called('+12125550110', '2026-06-01 17:00+00', 'canceled', dialed => false);
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'allowed', 'nor one that was canceled before it was dialed');
SELECT pg_temp.called('+12125550110', '2026-06-01 17:30+00', 'initiated', dialed => false) AS waiting \gset
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'frequency-cap 06-02 12:00', 'one that waits to be dialed does');
SELECT is((SELECT d.allowed FROM switchboard._contact_decisions(:'tenant', :'campaign', '{+12125550110}', 'voice', '2026-06-01 18:00+00', ARRAY[:'waiting']::uuid[]) d),
          true, 'but not against itself');
SELECT pg_temp.called('+12125550111', '2026-06-01 14:00+00'::timestamptz + i * interval '12 hours') FROM generate_series(0, 11) i;
SELECT is(pg_temp.verdict('+12125550111', '2026-06-07 14:00+00', :'campaign'), 'frequency-cap 06-08 14:00', 'twelve in a week: when the first is 7 days old');
SELECT pg_temp.called('+13055550110', '2026-06-01 14:00+00'::timestamptz + i * interval '1 hour') FROM generate_series(0, 2) i;
SELECT is(pg_temp.verdict('+13055550110', '2026-06-01 18:00+00', :'campaign'), 'frequency-cap 06-02 14:00', 'three in 24 hours in Florida');
-- In Idaho (two zones) the day ends last in the west.
INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('frequency_cap', '{"per_day": 2}', 'stricter');
INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('calling_window', '{"start": "00:00", "end": "24:00"}', 'laxer');
SELECT pg_temp.called('+12085550110', '2026-06-01 14:00+00'::timestamptz + i * interval '1 minute') FROM generate_series(0, 1) i;
SELECT is(pg_temp.verdict('+12085550110', '2026-06-02 06:30+00', :'campaign'), 'frequency-cap 06-02 07:00', 'the day is over when it is over in every zone');
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant';

-- After an abandoned call.
SELECT pg_temp.called('+12125550120', '2026-06-01 14:00+00', abandoned => true);
SELECT is(pg_temp.verdict('+12125550120', '2026-06-01 18:00+00', :'campaign'), 'abandoned-recently 06-02 14:00', 'a day''s rest');
SELECT pg_temp.called('+442079460020', '2026-06-01 14:00+00', abandoned => true);
SELECT is(pg_temp.verdict('+442079460020', '2026-06-03 14:00+00', :'campaign'), 'abandoned-recently 06-04 14:00', 'three in Britain');
SELECT is(pg_temp.verdict('+442079460020', '2026-06-04 14:00+00', :'campaign'), 'allowed', 'then again');

-- Consent.
SELECT is(pg_temp.verdict('+12125550130', '2026-06-01 14:00+00', :'ai'), 'consent-required', 'an AI needs consent in the US');
SELECT is(pg_temp.verdict('+5511987654321', '2026-06-01 14:00+00', :'ai'), 'allowed', 'not where no rule says so');
INSERT INTO switchboard.consents (phone_number, channel, purpose, basis, granted_at, expires_at)
VALUES ('+12125550130', 'voice', 'ai_voice', 'express_written', '2026-01-01', '2026-07-01'),
       ('+12125550131', 'voice', 'ai_voice', 'legitimate_interest', '2026-01-01', NULL),
       ('+12125550132', 'sms', 'marketing', 'express', '2026-01-01', NULL);
SELECT is(pg_temp.verdict('+12125550130', '2026-06-01 14:00+00', :'ai'), 'allowed', 'with it, yes');
SELECT is(pg_temp.verdict('+12125550130', '2026-07-01 14:00+00', :'ai'), 'consent-required', 'not after it has ended');
SELECT is(pg_temp.verdict('+12125550131', '2026-06-01 14:00+00', :'ai'), 'consent-required', 'another basis will not do');
SELECT is(pg_temp.verdict('+12125550132', '2026-06-01 14:00+00', :'ai'), 'consent-required', 'nor another channel');
UPDATE switchboard.consents SET revoked_at = '2026-05-01' WHERE phone_number = '+12125550130';
SELECT is(pg_temp.verdict('+12125550130', '2026-06-01 14:00+00', :'ai'), 'consent-revoked', 'nor one taken back');
SELECT is(pg_temp.verdict('+12125550130', '2026-06-01 14:00+00', :'campaign'), 'consent-revoked', 'which bars everybody');

-- Overrides: stricter ones hold on top, laxer ones in the place of the rule; the nearest counts.
INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('calling_window', '{"start": "09:00", "end": "19:00"}', 'courtesy');
SELECT is(relaxes, false, 'a stricter override does not relax') FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant';
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 12:30+00'), 'outside-calling-hours 06-01 13:00', 'it holds');
SELECT is(pg_temp.verdict('+14015550100', '2026-06-01 22:30+00'), 'outside-calling-hours 06-02 13:00', 'on top of what is stricter still (Rhode Island)');
INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason) VALUES ('US', 'calling_window', '{"start": "07:00", "end": "22:00"}', 'allowed us');
SELECT is(relaxes, true, 'a laxer one does') FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant' AND region = 'US';
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant' AND region = '*';
SELECT is(pg_temp.verdict('+12125550100', '2026-06-01 11:30+00'), 'allowed', 'in its region');
SELECT is(pg_temp.verdict('+13055550100', '2026-06-02 01:30+00'), 'allowed', 'and what lies in it');
SELECT is(pg_temp.verdict('+442079460000', '2026-06-01 06:30+00'), 'outside-calling-hours 06-01 07:00', 'not elsewhere');
INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason) VALUES ('US-FL', 'calling_window', '{"start": "08:00", "end": "20:30"}', 'Florida');
SELECT is(pg_temp.verdict('+13055550100', '2026-06-02 00:45+00'), 'outside-calling-hours 06-02 12:00', 'the nearest of them counts');
SELECT is((SELECT d.rule_versions ? 'override US:calling_window' AND NOT d.rule_versions ? 'US:calling_window' AND d.rule_versions -> '*:frequency_cap' = '1'
           FROM switchboard._contact_decisions(:'tenant', :'campaign', '{+12125550100}', 'voice', '2026-06-01 14:00+00') d), true, 'evidence names what was applied');
SELECT is(count(*), 4::bigint, 'all is on record') FROM switchboard.audit_log WHERE tenant_id = :'tenant' AND action = 'compliance-override' AND detail -> 'after' ->> 'reason' <> 'stricter'
  AND detail ->> 'step' = 'insert' AND detail -> 'after' ->> 'reason' NOT IN ('test', 'laxer') OR (tenant_id = :'tenant' AND action = 'compliance-override' AND detail ->> 'step' = 'delete' AND detail -> 'before' ->> 'reason' = 'courtesy');
SELECT throws_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('$$ || rule || $$', '$$ || parameters || $$', 'x') $$, '22023', NULL, label)
FROM (VALUES ('bedtime', '{"start": "08:00", "end": "21:00"}', 'an unknown rule'), ('calling_window', '{"start": "8"}', 'no hours'),
             ('frequency_cap', '{"per_year": 5}', 'an unknown cap'), ('frequency_cap', '{"per_day": 0}', 'a cap of nothing'),
             ('frequency_cap', '{"per_day": 1.5}', 'a cap of a half'), ('frequency_cap', '{}', 'no cap at all'), ('frequency_cap', '{"per_day": "5"}', 'a text'),
             ('abandon_lockout', '{"hours": -1}', 'a lockout into the past'), ('artificial_voice_consent', '{"required": "yes"}', 'neither true nor false'),
             ('holidays', '{"holidays": "2026-12-25"}', 'no list of days')) AS bad (rule, parameters, label);
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant';

-- Who may.
SELECT has_function_privilege('switchboard_app', 'switchboard._contact_decisions(uuid, uuid, text[], switchboard.channel, timestamptz, uuid[])', 'EXECUTE') AS open_door \gset
SELECT is(:'open_door'::boolean, false, 'the decision for any tenant is internal');
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor'), ('Ada', 'admin'), ('Abe', 'agent');
SELECT set_config('switchboard.user_id', id::text, true) FROM switchboard.users WHERE tenant_id = :'tenant' AND name = 'Sue';
SET LOCAL ROLE switchboard_gateway;
SELECT throws_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('frequency_cap', '{"per_day": 6}', 'more') $$,
                 '42501', 'only admins may set a frequency_cap laxer than the rule for *', 'a supervisor may not relax');
SELECT throws_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason, relaxes) VALUES ('calling_window', '{"start":"07:00","end":"20:00"}', 'more', false) $$,
                 '42501', NULL, 'nor by saying that it does not');
SELECT lives_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('frequency_cap', '{"per_day": 2}', 'less') $$, 'but be stricter');
SELECT throws_ok($$ UPDATE switchboard.compliance_overrides SET parameters = '{"per_day": 9}' $$, '42501', NULL, 'and not widen it later');
SELECT lives_ok($$ DELETE FROM switchboard.compliance_overrides $$, 'but take it back');
RESET ROLE;
SELECT set_config('switchboard.user_id', id::text, true) FROM switchboard.users WHERE tenant_id = :'tenant' AND name = 'Ada';
SET LOCAL ROLE switchboard_gateway;
SELECT lives_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('frequency_cap', '{"per_day": 6}', 'more') $$, 'an admin may relax');
RESET ROLE;
SELECT set_config('switchboard.user_id', id::text, true) FROM switchboard.users WHERE tenant_id = :'tenant' AND name = 'Abe';
SET LOCAL ROLE switchboard_gateway;
SELECT is(pg_temp.verdict('+12125550110', '2026-06-01 18:00+00', :'campaign'), 'allowed', 'an agent is told what holds, though neither calls nor overrides are hers to see');
SELECT throws_ok($$ INSERT INTO switchboard.compliance_overrides (rule, parameters, reason) VALUES ('frequency_cap', '{"per_day": 2}', 'less') $$, '42501', NULL, 'an agent sets nothing');
SELECT throws_ok($$ INSERT INTO switchboard.compliance_rules (region, rule, parameters, source) VALUES ('US', 'abandon_lockout', '{"hours": 1}', 'me') $$, '42501', NULL, 'nobody changes the law');
RESET ROLE;
SELECT set_config('switchboard.user_id', '', true);
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'tenant';

-- The installation's own rules, versions and dates.
INSERT INTO switchboard.compliance_rules (region, channel, rule, version, parameters, source, effective_from, effective_to)
VALUES ('US-TX', 'voice', 'calling_window', 1, '{"start": "11:00", "end": "12:00"}', 'house rule', '2026-06-01', '2026-06-08'),
       ('US-TX', 'voice', 'calling_window', 2, '{"start": "10:00", "end": "12:00"}', 'house rule', '2026-06-05', '2026-06-08');
SELECT is(pg_temp.verdict('+17135550100', '2026-05-31 15:30+00'), 'allowed', 'before it holds');
SELECT is(pg_temp.verdict('+17135550100', '2026-06-01 15:30+00'), 'outside-calling-hours 06-01 16:00', 'while it holds');
SELECT is(pg_temp.verdict('+17135550100', '2026-06-05 15:30+00'), 'allowed', 'the newest version counts');
SELECT is((SELECT d.rule_versions -> 'US-TX:calling_window' FROM switchboard._contact_decisions(:'tenant', NULL, '{+17135550100}', 'voice', '2026-06-05 15:30+00') d), '"own 2"', 'and is named');
INSERT INTO switchboard.compliance_rules (region, channel, rule, version, parameters, source) VALUES ('US-FL', 'voice', 'frequency_cap', 1, '{"per_24_hours": 9}', 'counsel');
SELECT is(pg_temp.verdict('+13055550110', '2026-06-01 18:00+00', :'campaign'), 'allowed', 'the installation''s own stands in for the shipped one');
SELECT throws_ok($$ INSERT INTO switchboard.compliance_rules (region, rule, parameters, source) VALUES ('US', 'bedtime', '{}', 'x') $$, '22023', 'unknown rule: bedtime', 'rules that nobody knows');
SELECT is((SELECT count(*) FROM switchboard.compliance_rules WHERE builtin AND (source = '' OR source_date IS NULL)), 0::bigint, 'every shipped rule has source and date');
SELECT is(switchboard._us_holidays(2026, 2026), '["2026-01-01","2026-01-19","2026-02-16","2026-05-25","2026-06-19","2026-07-04","2026-09-07","2026-10-12","2026-11-11","2026-11-26","2026-12-25"]', 'federal holidays');

-- make_call: SQLSTATE by reason.
SELECT test_dialer.new_tenant('caller') AS caller \gset
SELECT pg_temp.called('+12125550140', now() - i * interval '1 minute') FROM generate_series(1, 20) i;
SELECT throws_ok($$ SELECT switchboard.make_call('+12125550140') $$, 'SB007', 'number +12125550140 has been called too often', 'over the cap');
SELECT pg_temp.called('+12125550141', now(), abandoned => true);
SELECT throws_ok($$ SELECT switchboard.make_call('+12125550141') $$, 'SB003', 'number +12125550141 may not be called: abandoned-recently', 'abandoned');
UPDATE switchboard.tenants SET settings = settings || jsonb_build_object('holidays', jsonb_build_array(current_date - 1, current_date, current_date + 1)) WHERE id = :'caller';
SELECT throws_ok($$ SELECT switchboard.make_call('+12125550142') $$, 'SB004', 'number +12125550142 may not be called now: holiday', 'a holiday');
UPDATE switchboard.tenants SET settings = settings - 'holidays' WHERE id = :'caller';

-- Evidence.
SELECT id AS call FROM switchboard.make_call('+12125550143') \gset
SELECT is((SELECT concat_ws(' ', stage, allowed, codes, zones, rule_versions ? '*:frequency_cap') FROM switchboard.dispatch_decisions WHERE subject_id = :'call'),
          'queue t {} {America/New_York} t', 'a call has its decision');
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12125550143');
SELECT test_dialer.hello();
SELECT test_dialer.turn() AS job \gset
SELECT is(test_dialer.note(jsonb_build_array(:'job'::jsonb)) -> 'go', '[]', 'it is not sent when the number is on the list since');
SELECT is((SELECT concat_ws(' ', stage, allowed, codes) FROM switchboard.dispatch_decisions WHERE subject_id = :'call' AND stage = 'send'), 'send f {do-not-call}', 'which is on record');
SELECT is((SELECT concat_ws(' ', status, dialed_at IS NULL) FROM switchboard.call_logs WHERE id = :'call'), 'canceled t', 'it was never dialed');
SELECT is((SELECT string_agg(concat_ws(' ', stage, reason, refusals, numbers), ',') FROM switchboard.refusals(end_date => now() + interval '1 hour')), 'send do-not-call 1 1', 'refusals are counted');
SELECT is((SELECT count(*) FROM switchboard.refusals(campaign_id => switchboard.uuid_v7())), 0::bigint, 'of one campaign');
SELECT throws_ok($$ SELECT switchboard.can_contact('+12125550143', 'fax') $$, '22023', NULL, 'an unknown channel');
SELECT throws_ok($$ SELECT switchboard.can_contact('+12125550143', 'voice', NULL) $$, '22023', NULL, 'no time');
SELECT throws_ok($$ SELECT switchboard.can_contact('+12125550143', 'voice', 'infinity') $$, '22008', NULL, 'no real time');
SELECT throws_ok($$ SELECT switchboard.can_contact('12', 'voice') $$, 'SB001', NULL, 'no number');
SELECT throws_ok($$ SELECT switchboard.can_contact('+12125550143', 'voice', now(), switchboard.uuid_v7()) $$, 'P0002', NULL, 'no campaign');

-- A number that must not be called any more leaves every list.
SELECT test_dialer.new_campaign(:'caller', type => 'manual') AS one \gset
SELECT test_dialer.new_campaign(:'caller', type => 'manual') AS two \gset
SELECT test_dialer.add_people(c, 4, 12125550150) FROM unnest(ARRAY[:'one', :'two']::uuid[]) c;
SELECT switchboard.run_campaign(:'one');
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() + interval '1 day' WHERE campaign_id = :'two' AND phone_number = '+12125550150';
INSERT INTO switchboard.do_not_call (phone_number, channel, expires_at)
VALUES ('+12125550150', NULL, NULL), ('+12125550151', 'sms', NULL), ('+12125550152', 'voice', now() + interval '1 day');
SELECT is((SELECT string_agg(status || ' ' || coalesce(next_attempt_at::text, ''), ', ') FROM switchboard.campaign_contacts WHERE phone_number = '+12125550150'),
          'do-not-call , do-not-call ', 'on both');
SELECT is((SELECT string_agg(q.status || ' ' || coalesce(q.reason, ''), ', ') FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
           WHERE l.phone_number = '+12125550150'), 'skipped do-not-call', 'and the queue');
SELECT is((SELECT count(*) FROM switchboard.campaign_contacts WHERE phone_number IN ('+12125550151', '+12125550152') AND status = 'pending'), 4::bigint,
          'a list for texts or for a while takes nobody off');
UPDATE switchboard.do_not_call SET expires_at = NULL WHERE phone_number = '+12125550152';
SELECT is((SELECT count(*) FROM switchboard.campaign_contacts WHERE phone_number = '+12125550152' AND status = 'do-not-call'), 2::bigint, 'until it is for good');

INSERT INTO switchboard.do_not_call (phone_number, channel, expires_at) VALUES ('+12125550153', 'voice', 'infinity');
SELECT is(c::text, '(f,do-not-call,)', 'for ever, in the words of PostgreSQL') FROM switchboard.can_contact('+12125550153', 'voice') c;
SELECT is((SELECT count(*) FROM switchboard.campaign_contacts WHERE phone_number = '+12125550153' AND status = 'do-not-call'), 2::bigint, 'is for good too');

-- Everybody adds to the list; agents take nobody off it, and no call out of the log.
INSERT INTO switchboard.users (name) VALUES ('Ann') RETURNING id AS ann \gset
INSERT INTO switchboard.call_logs (user_id, to_number, status) VALUES (:'ann', '+12125550154', 'completed');
SELECT switchboard.set_identity(:'caller', :'ann');
SET LOCAL ROLE switchboard_app;
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12125550154');
WITH gone AS (DELETE FROM switchboard.do_not_call WHERE phone_number IN ('+12125550150', '+12125550154') RETURNING 1)
SELECT is(count(*), 0::bigint, 'an agent deletes no entry') FROM gone;
WITH ended AS (UPDATE switchboard.do_not_call SET expires_at = now() WHERE phone_number IN ('+12125550150', '+12125550154') RETURNING 1)
SELECT is(count(*), 0::bigint, 'nor ends one') FROM ended;
SELECT throws_ok('DELETE FROM switchboard.call_logs', '42501', NULL, 'calls are deleted by delete_call()');
RESET ROLE;
UPDATE switchboard.users SET role = 'supervisor' WHERE id = :'ann';
SET LOCAL ROLE switchboard_app;
WITH gone AS (DELETE FROM switchboard.do_not_call WHERE phone_number = '+12125550154' RETURNING 1)
SELECT is(count(*), 1::bigint, 'a supervisor does') FROM gone;
RESET ROLE;
SELECT switchboard.set_identity(:'caller');

-- What changes after queueing counts when the call is to be sent: its person goes back on the list, the attempt uncounted.
CREATE FUNCTION pg_temp.queue_and_send(campaign uuid, phone text, meanwhile text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE call uuid := (switchboard.make_call(phone, campaign_id => campaign)).id;
        went jsonb;
BEGIN
  EXECUTE meanwhile;
  went := test_dialer.note((SELECT jsonb_agg(j) FROM test_dialer.turn() j WHERE j ->> 'subject_id' = call::text));
  RETURN (SELECT concat_ws(' ', jsonb_array_length(went -> 'go'), c.status, c.error_code, 'dialed ' || (c.dialed_at IS NOT NULL),
                           l.status, l.attempts, l.next_attempt_at > now())
          FROM switchboard.call_logs c JOIN switchboard.campaign_contacts l ON l.id = c.campaign_contact_id WHERE c.id = call);
END $$;
SELECT test_dialer.new_campaign(:'caller', type => 'manual') AS late \gset
SELECT test_dialer.add_people(:'late', 4, 12125550170);
SELECT is(pg_temp.queue_and_send(:'late', '+12125550170', 'SELECT'), '1 initiated dialed true calling 1', 'nothing changed: sent, and the time noted');
SELECT is(pg_temp.queue_and_send(:'late', '+12125550171', $$ INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason)
            SELECT 'US', 'calling_window', jsonb_build_object('start', to_char(t, 'HH24:MI'), 'end', to_char(t + interval '1 minute', 'HH24:MI')), 'closed'
            FROM (SELECT now() AT TIME ZONE 'America/New_York' + interval '12 hours' AS t) x $$),
          '0 canceled outside-calling-hours dialed false pending 0 t', 'the window was closed meanwhile');
DELETE FROM switchboard.compliance_overrides WHERE tenant_id = :'caller' AND reason = 'closed';
SELECT is(pg_temp.queue_and_send(:'late', '+12125550172', $$ SELECT pg_temp.called('+12125550172', now() - i * interval '1 minute') FROM generate_series(1, 12) i $$),
          '0 canceled frequency-cap dialed false pending 0 t', 'the cap was reached meanwhile');
SELECT is(pg_temp.queue_and_send(:'late', '+12125550173', $$ INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12125550173') $$),
          '0 canceled do-not-call dialed false do-not-call 0', 'the person said no meanwhile');
SELECT id AS deleted FROM switchboard.make_call('+12125550178') \gset
DELETE FROM switchboard.call_logs WHERE id = :'deleted';
SELECT is(jsonb_array_length(test_dialer.note((SELECT jsonb_agg(j) FROM test_dialer.turn() j WHERE j ->> 'subject_id' = :'deleted')) -> 'go'), 0,
          'a call that is in the log no more is not placed');

-- Before launch.
SELECT test_dialer.new_campaign(:'tenant') AS launch \gset
SELECT switchboard.set_identity(:'tenant');
SELECT switchboard.add_campaign_contacts(:'launch', '[{"phone_number":"+12125550160"},{"phone_number":"+13055550160"},{"phone_number":"+442079460060"},
  {"phone_number":"+442079460061"},{"phone_number":"+12125550161"},{"phone_number":"+12125550162"}]');
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12125550161');
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = '2026-06-03 12:00+00' WHERE campaign_id = :'launch' AND phone_number = '+12125550162';
SELECT is((SELECT string_agg(concat_ws(' ', reason, contacts, to_char(earliest AT TIME ZONE 'UTC', 'MM-DD HH24:MI')), ', ') FROM switchboard._campaign_preflight(:'launch', '2026-06-02 00:30+00')),
          'ready 1 06-02 00:30, outside-calling-hours 3 06-02 07:00, not-due 1 06-03 12:00', 'the picture');
SELECT is((SELECT sum(contacts) FROM switchboard.campaign_preflight(:'launch')), 5::numeric, 'everybody is in it once');
SELECT throws_ok($$ SELECT * FROM switchboard.campaign_preflight(switchboard.uuid_v7()) $$, 'P0002', NULL, 'no such campaign');
SELECT throws_ok($$ SELECT * FROM switchboard.campaign_preflight(NULL) $$, 'P0002', 'no such campaign: null', 'no campaign');
SELECT switchboard.set_identity(:'caller');
SELECT throws_ok(format('SELECT * FROM switchboard.campaign_preflight(%L)', :'launch'), 'P0002', NULL, 'somebody else''s campaign');
SELECT * FROM finish();
ROLLBACK;
