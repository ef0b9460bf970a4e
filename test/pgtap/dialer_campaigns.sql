-- Campaigns: status machine, lists, statistics, runs, who may be called.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

-- Status machine.
INSERT INTO switchboard.tenants (name) VALUES ('empty') RETURNING id AS bare \gset
SELECT switchboard.set_identity(:'bare');
INSERT INTO switchboard.dialer_campaigns (name, type) VALUES ('c', 'power') RETURNING id AS campaign \gset
SELECT throws_ok(format('SELECT switchboard.start_campaign(%L)', :'campaign'), 'SB002', NULL, 'without an account nothing can be started');
SELECT is(status::text, 'draft', 'and the campaign stays a draft') FROM switchboard.dialer_campaigns WHERE id = :'campaign';

SELECT test_dialer.new_tenant('acme', 'Europe/Berlin') AS tenant \gset
INSERT INTO switchboard.dialer_campaigns (name, type) VALUES ('c', 'power') RETURNING id AS campaign \gset
SELECT throws_ok(format('SELECT switchboard.pause_campaign(%L)', :'campaign'), 'SB005',
                 'cannot pause campaign "c": it is draft, not active', 'a draft cannot be paused');
SELECT throws_ok('SELECT switchboard.start_campaign(switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');
SELECT throws_ok('SELECT switchboard.start_campaign(NULL)', 'P0002', NULL, 'no campaign');
SELECT is((switchboard.start_campaign(:'campaign')).status::text, 'active', 'start');
SELECT throws_ok(format('SELECT switchboard.start_campaign(%L)', :'campaign'), 'SB005', NULL, 'not twice');
SELECT is((switchboard.pause_campaign(:'campaign')).status::text, 'paused', 'pause');
SELECT is((switchboard.resume_campaign(:'campaign')).status::text, 'active', 'resume');
SELECT throws_ok(format('UPDATE switchboard.dialer_campaigns SET status = ''draft'' WHERE id = %L', :'campaign'), 'SB005', NULL,
                 'a plain UPDATE is held to the same steps');
SELECT is((switchboard.complete_campaign(:'campaign')).status::text, 'completed', 'complete');
SELECT throws_ok(format('SELECT switchboard.resume_campaign(%L)', :'campaign'), 'SB005', NULL, 'what a person completed stays completed');
SELECT throws_ok(format('SELECT switchboard.add_campaign_contacts(%L, ''[]'')', :'campaign'), 'SB005', NULL, 'and takes nobody');
SELECT is((switchboard.archive_campaign(:'campaign')).status::text, 'archived', 'archive');
CREATE TEMP TABLE said (hint text);
SELECT format($$DO $do$
DECLARE hint text;
BEGIN
  PERFORM switchboard.start_campaign(%L);
EXCEPTION WHEN SQLSTATE 'SB005' THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  INSERT INTO said VALUES (hint);
END $do$ $$, :'campaign') \gexec
SELECT is((SELECT hint FROM said), 'archived is final; make a new campaign.', 'where no step is left the hint says so');
SELECT is((SELECT array_agg(data ->> 'status' ORDER BY seq) FROM switchboard.events WHERE event = 'campaign-updated' AND subject_id = :'campaign'),
          '{active,paused,active,completed,archived}', 'every step is in the feed');
SELECT throws_ok('INSERT INTO switchboard.dialer_campaigns (name, active_hours) VALUES (''x'', ''{"start":"9","end":"9"}'')', '22023', NULL,
                 'calling hours that make no sense are refused at once');
SELECT throws_ok('INSERT INTO switchboard.dialer_campaigns (name, timezone) VALUES (''x'', ''Mars/Olympus'')', '22023', NULL, 'so are zones');
SELECT throws_ok('INSERT INTO switchboard.contacts (phone_number, timezone) VALUES (''+12025550199'', ''Mars/Olympus'')', '22023',
                 'unknown time zone "Mars/Olympus"', 'of a contact too: it would stop every campaign that meets it');
SELECT throws_ok('UPDATE switchboard.tenants SET timezone = ''Mars/Olympus''', '22023', 'unknown time zone "Mars/Olympus"', 'and of a tenant');
SELECT throws_ok('UPDATE switchboard.tenants SET settings = ''{"calling_hours": {"start": "9"}}''', '22023', NULL, 'with its calling hours');

-- Lists.
SELECT test_dialer.new_campaign(:'tenant') AS campaign \gset
INSERT INTO switchboard.do_not_call (phone_number, channel, expires_at) VALUES
  ('+12025550190', NULL, NULL), ('+12025550191', 'voice', NULL), ('+12025550192', 'sms', NULL), ('+12025550193', NULL, now() - interval '1 s');
INSERT INTO switchboard.contacts (phone_number, name, company) VALUES ('+12025550101', 'Old Name', 'Old Co');
SELECT switchboard.add_campaign_contacts(:'campaign', '[
  {"phone_number": "(202) 555-0101", "first_name": "Ada", "last_name": "L", "company": "", "colour": "red", "metadata": {"size": 3}},
  {"phone": "030 123456", "country": "de", "timezone": "Europe/Berlin", "locale": "de-DE", "priority": "7"},
  {"phone_number": "junk"}, {"phone_number": "2025550101"}, 5, null, {}, {"phone_number": ["x"]},
  {"phone_number": "2025550190"}, {"phone_number": "2025550191"}, {"phone_number": "2025550192"}, {"phone_number": "2025550193"},
  {"phone_number": "2025550102", "timezone": "Mars/Olympus"}, {"phone_number": "2025550103", "region": "nowhere"}]') AS answer \gset
SELECT is(:'answer'::jsonb -> 'added', '5', 'the good rows are added');
WITH changed AS (UPDATE switchboard.campaigns SET caller_id = '(201) 555-0111' WHERE id = :'campaign' RETURNING caller_id)
SELECT is(caller_id, '+12015550111', 'a caller number may be national') FROM changed;
SELECT throws_ok(format('UPDATE switchboard.campaigns SET dial_level = ''NaN'' WHERE id = %L', :'campaign'), '23514', NULL, 'so many lines are none');
UPDATE switchboard.campaigns SET caller_id = NULL WHERE id = :'campaign';
SELECT is(jsonb_path_query_array(:'answer', '$.rejected[*].index'), '[2, 3, 4, 5, 6, 7, 8, 9, 12]', 'the others are named');
SELECT is(jsonb_path_query_array(:'answer', '$.rejected[*].reason'),
  '["bad-number", "duplicate", "not-an-object", "not-an-object", "missing-number", "bad-number", "do-not-call", "do-not-call", "bad-timezone"]',
  'with their reasons');
SELECT is(switchboard.add_campaign_contacts(:'campaign', '[{"phone_number": "020 7946 0958", "country": "uk"},
            {"phone_number": "+44 20 7946 0958", "country": "uk"}, {"phone_number": "2025550105"}]'),
          '{"added": 2, "updated": 0, "rejected": [{"index": 0, "phone_number": "020 7946 0958", "reason": "bad-number"}]}',
          'a region that does not exist costs its own row at most');
DELETE FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND phone_number IN ('+442079460958', '+12025550105');
SELECT is(:'answer'::jsonb #>> '{rejected,0,phone_number}', 'junk', 'and as they were written');
SELECT is(metadata, '{"colour": "red", "size": 3}', 'unknown keys become metadata')
  FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND phone_number = '+12025550101';
SELECT is(jsonb_build_array(name, first_name, company), '["Ada L", "Ada", "Old Co"]', 'a contact is completed, never emptied')
  FROM switchboard.contacts WHERE phone_number = '+12025550101';
SELECT is(jsonb_build_array(k.timezone, k.locale, l.priority, l.contact_id = k.id), '["Europe/Berlin", "de-DE", 7, true]',
          'a national number is read in its row''s country') FROM switchboard.contacts k
  JOIN switchboard.campaign_contacts l USING (phone_number) WHERE phone_number = '+4930123456';
UPDATE switchboard.campaign_contacts SET status = 'completed', attempts = 2 WHERE campaign_id = :'campaign' AND phone_number = '+12025550101';
SELECT is(switchboard.add_campaign_contacts(:'campaign', '[{"phone_number": "+12025550101", "email": "a@x"}]') - 'rejected',
          '{"added": 0, "updated": 1}', 'who is on the list already is updated');
SELECT is(jsonb_build_array(status, attempts, first_name, email), '["completed", 2, "Ada", "a@x"]', 'without losing their progress')
  FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND phone_number = '+12025550101';
SELECT is(switchboard.add_campaign_contacts(:'campaign', '[]'), '{"added": 0, "updated": 0, "rejected": []}', 'an empty list is fine');
SELECT throws_ok(format('SELECT switchboard.add_campaign_contacts(%L, %s)', :'campaign', v), '22023', NULL, 'not an array: ' || v)
  FROM unnest(ARRAY['''{}''', '''5''', '''null''', 'NULL']) v;
SELECT throws_ok('SELECT switchboard.add_campaign_contacts(switchboard.uuid_v7(), ''[]'')', 'P0002', NULL, 'unknown campaign');
SELECT throws_ok(format('INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number) VALUES (%L, %L, ''+12025550177'')',
                        :'bare', :'campaign'), '23503', NULL, 'nobody is put on the list of another tenant');
SELECT throws_ok(format('INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number) VALUES (%L, ''+12025550177'')',
                        switchboard.uuid_v7()), '23503', NULL, 'or of no campaign');

-- Statistics after a random mix of changes.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'power', 3) AS one \gset
SELECT test_dialer.new_campaign(:'tenant') AS two \gset
CREATE FUNCTION pg_temp.mix(one uuid, two uuid, rounds int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  statuses switchboard.campaign_contact_status[] := enum_range(NULL::switchboard.campaign_contact_status);
  tenant uuid := (SELECT tenant_id FROM switchboard.campaigns WHERE id = one);
  wrong int := 0;
BEGIN
  PERFORM setseed(0.42);
  FOR i IN 1 .. rounds LOOP
    BEGIN
      CASE floor(random() * 7)::int
        WHEN 0, 1 THEN
          INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, status)
          SELECT tenant, CASE WHEN random() < 0.5 THEN one ELSE two END, '+1202555' || floor(random() * 9000 + 1000)::int,
                 statuses[1 + floor(random() * 6)::int]
          FROM generate_series(1, floor(random() * 5)::int)
          ON CONFLICT (campaign_id, phone_number) DO UPDATE SET status = excluded.status;
        WHEN 2 THEN
          UPDATE switchboard.campaign_contacts SET status = statuses[1 + floor(random() * 6)::int], attempts = floor(random() * 5)::int
          WHERE campaign_id IN (one, two) AND random() < 0.3;
        WHEN 3 THEN
          DELETE FROM switchboard.campaign_contacts WHERE campaign_id IN (one, two) AND random() < 0.05;
        WHEN 4 THEN
          UPDATE switchboard.campaign_contacts l SET campaign_id = CASE campaign_id WHEN one THEN two ELSE one END
          WHERE campaign_id IN (one, two) AND random() < 0.1;
        WHEN 5 THEN
          MERGE INTO switchboard.campaign_contacts l
          USING (SELECT id FROM switchboard.campaign_contacts WHERE campaign_id = one AND random() < 0.2) m ON l.id = m.id
          WHEN MATCHED AND l.status = 'failed' THEN DELETE
          WHEN MATCHED THEN UPDATE SET status = 'pending', next_attempt_at = NULL;
        ELSE
          UPDATE switchboard.campaign_contacts SET next_attempt_at = CASE WHEN random() < 0.5 THEN now() END
          WHERE campaign_id = two AND random() < 0.3;
      END CASE;
      IF random() < 0.2 THEN
        RAISE EXCEPTION 'rolled back';
      END IF;
    EXCEPTION WHEN raise_exception OR unique_violation THEN NULL;
    END;
    IF random() < 0.1 THEN
      PERFORM switchboard._fold_campaign_stats(one, 1000);
    END IF;
    wrong := wrong + (test_dialer.stats(one) <> test_dialer.recount(one))::int + (test_dialer.stats(two) <> test_dialer.recount(two))::int;
  END LOOP;
  RETURN wrong;
END $$;
SELECT is(pg_temp.mix(:'one', :'two', 300), 0, 'statistics are those of a recount after each of 300 random changes');
SELECT cmp_ok((test_dialer.stats(:'one') ->> 'total')::int, '>', 5, 'of which some are left');
CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT tenant_id, campaign_id, phone_number || '9' AS phone_number FROM switchboard.campaign_contacts
  WHERE campaign_id = :'one';
DELETE FROM switchboard.campaigns WHERE id = :'two';
SELECT is((SELECT coalesce(sum(n_total), 0) FROM switchboard.campaign_stat_deltas WHERE campaign_id = :'two'), 0::numeric,
          'a deleted campaign leaves no people behind');
SELECT switchboard._fold_all_campaign_stats();
TRUNCATE switchboard.campaign_contacts CASCADE;
SELECT is(test_dialer.stats(:'one') -> 'total', '0', 'TRUNCATE empties them');
SELECT is(test_dialer.add_people(:'one', 3) -> 'added', '3', 'and they go on from there');
SELECT is(test_dialer.stats(:'one') -> 'total', '3', 'exactly');

-- Runs, and who may be called when.
SELECT test_dialer.new_campaign(:'tenant', '{"queue_limit": 3}', '{"start":"09:00","end":"17:00"}', 'preview') AS hours \gset
SELECT is(c.reason, v.reason, v.phone || ' at ' || v.at)
FROM (VALUES ('+442079460958', '2026-06-01 12:00+00', NULL), ('+442079460958', '2026-06-01 16:30+00', 'outside-calling-hours'),
             ('+12125550123', '2026-06-01 12:30+00', 'outside-calling-hours'), ('+12125550123', '2026-06-01 13:30+00', NULL),
             ('+18005550123', '2026-06-01 13:30+00', NULL), ('+12025550190', '2026-06-01 13:30+00', 'do-not-call'),
             ('+12025550192', '2026-06-01 13:30+00', NULL)) v (phone, at, reason),
     LATERAL switchboard.can_contact(v.phone, 'voice', v.at::timestamptz, :'hours') c;
SELECT is((switchboard.can_contact('+442079460958', 'voice', '2026-06-01 16:30+00', :'hours')).retry_at, '2026-06-02 08:00+00'::timestamptz,
          'a refusal for the time says when it ends');
INSERT INTO switchboard.contacts (phone_number, timezone) VALUES ('+442079460959', 'Asia/Tokyo') RETURNING id AS person \gset
SELECT is((switchboard.can_contact('+442079460959', 'voice', '2026-06-01 12:00+00', :'hours')).reason, 'outside-calling-hours',
          'the contact''s own zone counts for more than the number''s');
INSERT INTO switchboard.consents (contact_id, channel, basis, granted_at, revoked_at) VALUES (:'person', 'voice', 'express', now() - interval '2 d', now() - interval '1 d');
SELECT is((switchboard.can_contact('+442079460959', 'voice', '2026-06-01 03:00+00', :'hours')).allowed, true, 'consent taken back later does not count earlier');
SELECT is((switchboard.can_contact('+442079460959', 'voice')).reason, 'consent-revoked', 'consent taken back');
INSERT INTO switchboard.consents (contact_id, channel, basis) VALUES (:'person', 'voice', 'express');
SELECT is((switchboard.can_contact('+442079460959', 'voice')).allowed, true, 'and given again');
SELECT is((switchboard.can_contact('2025550192', 'sms')).reason, 'do-not-call', 'per channel');
SELECT throws_ok('SELECT switchboard.can_contact(''junk'', ''voice'')', 'SB001', NULL, 'no number');
SELECT throws_ok('SELECT switchboard.can_contact(''+12025550101'', ''fax'')', '22023', NULL, 'no channel');
SELECT throws_ok('SELECT switchboard.can_contact(''+12025550101'', ''voice'', now(), switchboard.uuid_v7())', 'P0002', NULL, 'no campaign');

-- The whole of a run, at a time of our choosing.
SELECT switchboard.add_campaign_contacts(:'hours', '[{"phone_number":"+442079460001"},{"phone_number":"+442079460002"},{"phone_number":"+442079460003"},
  {"phone_number":"+442079460004"},{"phone_number":"+12125550001"},{"phone_number":"+12125550002"},{"phone_number":"+442079460005"}]');
INSERT INTO switchboard.consents (phone_number, channel, basis, granted_at, revoked_at)
VALUES ('+442079460005', 'voice', 'express', '2026-01-01', '2026-02-01');
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = '2026-06-01 09:00+00' WHERE phone_number = '+442079460004';
SELECT switchboard._queue_contacts(c, 'manual', '2026-06-01 08:30+00') AS run FROM switchboard.campaigns c WHERE id = :'hours' \gset
SELECT is(:'run'::jsonb - 'run_id', '{"queued": 3, "skipped": {}}', 'as many as may wait');
SELECT switchboard._queue_contacts(c, 'manual', '2026-06-01 08:30+00') AS run FROM switchboard.campaigns c WHERE id = :'hours' \gset
SELECT is(:'run'::jsonb -> 'queued', '0', 'nobody twice');
UPDATE switchboard.dialer_queues SET status = 'skipped' WHERE campaign_id = :'hours';
UPDATE switchboard.campaign_contacts SET status = 'completed' WHERE campaign_id = :'hours' AND phone_number IN ('+442079460001', '+442079460002', '+442079460003');
SELECT switchboard._queue_contacts(c, 'manual', '2026-06-01 09:30+00') AS run FROM switchboard.campaigns c WHERE id = :'hours' \gset
SELECT is(:'run'::jsonb - 'run_id', '{"queued": 1, "skipped": {"consent-revoked": 1, "outside-calling-hours": 2}}', 'the others are counted by reason');
SELECT is((SELECT array_agg(next_attempt_at) FROM switchboard.campaign_contacts WHERE phone_number LIKE '+1212%' AND campaign_id = :'hours'),
          '{2026-06-01 13:00+00,2026-06-01 13:00+00}', 'and put off until their morning');
SELECT is(status::text, 'do-not-call', 'or marked') FROM switchboard.campaign_contacts WHERE campaign_id = :'hours' AND phone_number = '+442079460005';
SELECT is(q.priority, 10000, 'a callback goes first') FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
  WHERE q.status = 'queued' AND l.phone_number = '+442079460004';
SELECT is((SELECT count(*) FROM switchboard.campaign_runs WHERE campaign_id = :'hours'), 3::bigint, 'runs are logged');
SELECT is((SELECT count(*) FROM switchboard._campaigns_to_serve(now()) s WHERE s.campaign_id = :'hours'), 0::bigint, 'a preview campaign is not dialed by itself');
SELECT is((SELECT array_agg(phone_number ORDER BY id) FROM switchboard.campaign_contacts WHERE campaign_id = :'hours'),
  '{+442079460001,+442079460002,+442079460003,+442079460004,+12125550001,+12125550002,+442079460005}', 'people are called in the order of the list');
SELECT throws_ok('SELECT switchboard.run_campaign(switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');
INSERT INTO switchboard.dialer_campaigns (name) VALUES ('d') RETURNING id AS draft \gset
SELECT throws_ok(format('SELECT switchboard.run_campaign(%L)', :'draft'), 'SB005', NULL, 'a draft does not run');
SELECT cmp_ok((SELECT count(*) FROM switchboard.run_due_campaigns()), '>', 1::bigint, 'all active campaigns run');

-- Nobody else's, and nobody at all.
SET LOCAL ROLE switchboard_app;
SELECT lives_ok(format('SELECT switchboard.run_campaign(%L)', :'hours'), 'the application runs its campaign');
RESET ROLE;
SELECT switchboard.set_identity(:'bare');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format('SELECT switchboard.%s(%L)', f, :'hours'), 'P0002', NULL, f || ' of another tenant')
  FROM unnest(ARRAY['run_campaign', 'start_campaign', 'pause_campaign', 'resume_campaign', 'complete_campaign', 'archive_campaign']) f;
SELECT throws_ok(format('SELECT switchboard._run_campaign(%L, ''manual'')', :'hours'), 'P0002', NULL, 'not by the back door either');
SELECT throws_ok(format('SELECT switchboard.add_campaign_contacts(%L, ''[]'')', :'hours'), 'P0002', NULL, 'its list is closed');
SELECT throws_ok(format('SELECT switchboard.make_call(''+12025550101'', campaign_id => %L)', :'hours'), 'P0002', NULL, 'its calls too');
SELECT throws_ok(format('SELECT switchboard.get_analytics(campaign_id => %L)', :'hours'), 'P0002', NULL, 'and its figures');
SELECT throws_ok(format('SELECT switchboard._place_call(%L, ''+12025550101'', NULL, NULL, NULL, ''{}'')', :'tenant'), 'P0002', NULL, 'no back door');
SELECT is((SELECT count(*) FROM switchboard.run_due_campaigns()), 0::bigint, 'nothing to run');
SELECT set_config('switchboard.tenant_id', '', true);
SELECT throws_ok('SELECT switchboard.can_contact(''+12025550101'', ''voice'')', '42501', NULL, 'nobody asks');
SELECT throws_ok('SELECT switchboard.make_call(''+12025550101'')', '42501', NULL, 'nobody calls');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
