-- Schedules of campaigns: when they are due, what is made up for, who may.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT is(switchboard.next_schedule_time('30 2 * * *', 'America/New_York', '2026-03-08 00:00-05'), '2026-03-08 07:00+00'::timestamptz,
          'a skipped time counts as the first instant after the gap');
SELECT is(switchboard.next_schedule_time('30 1 * * *', 'America/New_York', '2026-11-01 05:30+00'), '2026-11-02 06:30+00'::timestamptz,
          'a repeated one counts once');
SELECT is(switchboard.next_schedule_time('*/15 9-17 * jan,jul mon-fri', 'Asia/Kolkata', '2026-07-03 12:30+00'), '2026-07-06 03:30+00'::timestamptz,
          'steps, ranges, lists and names');
SELECT is(switchboard.next_schedule_time('@daily', 'UTC', '2026-07-03 00:00+00'), '2026-07-04 00:00+00'::timestamptz, 'later, never at');
SELECT is(switchboard.next_schedule_time(NULL, 'UTC', now()), NULL, 'nothing never comes');
SELECT throws_ok(format('SELECT switchboard.next_schedule_time(%L, ''UTC'')', c), '22023', m, 'refused: ' || c)
FROM (VALUES ('* * * *', 'cron schedule: 5 fields are needed, not 4: "* * * *"'),
             ('61 * * * *', 'cron schedule: bad minute "61": out of range'),
             ('* * * * funday', 'cron schedule: bad day of week "funday": not a value'),
             ('0 0 30 2 *', 'cron schedule: that day never comes: "0 0 30 2 *"')) v (c, m);
SELECT throws_ok('SELECT switchboard.next_schedule_time(''* * * * *'', ''Mars/Olympus'')', '22023', 'unknown time zone "Mars/Olympus"', 'so are zones');
SELECT throws_ok('SELECT switchboard.next_schedule_time(''* * * * *'', ''UTC'', ''infinity'')', '22008', NULL, 'and no time at all');

SELECT test_dialer.new_tenant('acme', 'America/New_York') AS tenant \gset
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'preview') AS campaign \gset

-- Without pg_cron nothing is scheduled.
CREATE FUNCTION pg_temp.pg_cron_is_loaded() RETURNS boolean LANGUAGE sql AS
$$ SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'cron.database_name') $$;
SELECT CASE WHEN pg_temp.pg_cron_is_loaded() THEN pass('pg_cron is here, which another test uses')
       ELSE throws_ok(format('SELECT switchboard.schedule_campaign(%L, ''0 9 * * *'')', :'campaign'), 'SB010', 'pg_cron is not loaded', 'pg_cron is asked for') END;
SELECT CASE WHEN pg_temp.pg_cron_is_loaded() THEN pass('pg_cron is here')
       ELSE throws_ok('SELECT switchboard.install_maintenance_jobs()', 'SB010', 'pg_cron is not loaded', 'here, too') END;
SELECT set_config('cron.database_name', 'postgres', true) WHERE NOT pg_temp.pg_cron_is_loaded();
SELECT CASE WHEN pg_temp.pg_cron_is_loaded() THEN pass('pg_cron is here')
       ELSE throws_ok(format('SELECT switchboard.schedule_campaign(%L, ''0 9 * * *'')', :'campaign'), 'SB010', 'pg_cron is not loaded',
                      'whatever somebody has SET') END;
SELECT is((SELECT cron_schedule FROM switchboard.campaigns WHERE id = :'campaign'), NULL, 'and nothing has changed');

-- From here on with a stand-in for pg_cron.
CREATE OR REPLACE FUNCTION switchboard._ensure_tick() RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint';
SELECT throws_ok(format('SELECT switchboard.schedule_campaign(%L, %s)', :'campaign', c), '22023', NULL, 'not a schedule: ' || c)
FROM unnest(ARRAY['NULL', '''''', '''0 9 * *''', '''99 9 * * *''']) c;
SELECT throws_ok('SELECT switchboard.schedule_campaign(switchboard.uuid_v7(), ''0 9 * * *'')', 'P0002', NULL, 'no such campaign');
SELECT throws_ok('SELECT switchboard.schedule_campaign(NULL, ''0 9 * * *'')', 'P0002', 'no such campaign: null', 'no campaign');
SELECT is(switchboard.schedule_campaign(:'campaign', '0 9 * * *'), 7::bigint, 'the job of the tick is returned');
SELECT is(next_run_at, switchboard.next_schedule_time('0 9 * * *', 'America/New_York', now()), 'in the tenant''s zone')
  FROM switchboard.campaigns WHERE id = :'campaign';
UPDATE switchboard.campaigns SET timezone = 'Asia/Kolkata' WHERE id = :'campaign';
SELECT is(next_run_at, switchboard.next_schedule_time('0 9 * * *', 'Asia/Kolkata', now()), 'or the campaign''s')
  FROM switchboard.campaigns WHERE id = :'campaign';
UPDATE switchboard.campaigns SET timezone = NULL WHERE id = :'campaign';
UPDATE switchboard.tenants SET timezone = 'Europe/Berlin' WHERE id = :'tenant';
SELECT is(next_run_at, switchboard.next_schedule_time('0 9 * * *', 'Europe/Berlin', now()), 'and follows the tenant''s')
  FROM switchboard.campaigns WHERE id = :'campaign';
SELECT is((SELECT array_agg(detail ORDER BY id) FROM switchboard.audit_log WHERE action = 'campaign-schedule' AND subject = 'campaign:' || :'campaign'),
          ARRAY['{"to": "0 9 * * *", "from": null}'::jsonb], 'the audit log knows');
SELECT throws_ok(format('UPDATE switchboard.dialer_campaigns SET cron_schedule = ''nonsense'' WHERE id = %L', :'campaign'), '22023', NULL,
                 'a plain UPDATE is held to the same');
SELECT throws_ok('INSERT INTO switchboard.dialer_campaigns (name, cron_schedule) VALUES (''x'', ''nonsense'')', '22023', NULL, 'as is INSERT');
SELECT throws_ok(format('UPDATE switchboard.dialer_campaigns SET settings = ''{"catch_up": %s}'' WHERE id = %L', v, :'campaign'), '22023', NULL, 'catch_up: ' || v)
FROM unnest(ARRAY['"twice"', '1', '["all"]', '{}']) v;
INSERT INTO switchboard.dialer_campaigns (name, cron_schedule) VALUES ('by hand', '@hourly') RETURNING next_run_at AS by_hand \gset
SELECT is(:'by_hand'::timestamptz, switchboard.next_schedule_time('@hourly', 'Europe/Berlin', now()), 'a schedule can be inserted');
INSERT INTO switchboard.campaigns (name, cron_schedule, next_run_at) VALUES ('restored', '@hourly', '2020-01-01') RETURNING next_run_at AS restored \gset
SELECT is(:'restored'::timestamptz, '2020-01-01'::timestamptz, 'a restored one keeps its time');
INSERT INTO switchboard.campaigns (name, next_run_at) VALUES ('none', '2020-01-01') RETURNING coalesce(next_run_at::text, 'none') AS unscheduled \gset
SELECT is(:'unscheduled'::text, 'none', 'without a schedule there is no time');

-- Due and not due.
SELECT test_dialer.add_people(:'campaign', 4);
CREATE FUNCTION pg_temp.runs(campaign uuid, at timestamptz) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM switchboard._run_due_campaigns(at) r WHERE r.campaign_id = campaign $$;
CREATE FUNCTION pg_temp.due_at(campaign uuid, at timestamptz, catch_up text DEFAULT NULL) RETURNS void LANGUAGE sql AS
$$ UPDATE switchboard.campaigns SET next_run_at = at, settings = jsonb_strip_nulls(jsonb_build_object('catch_up', catch_up)) WHERE id = campaign $$;
SELECT is(pg_temp.runs(:'campaign', now()), 0::bigint, 'a campaign whose time has not come is not run');
SELECT is((SELECT count(*) FROM switchboard.run_due_campaigns() WHERE campaign_id = :'campaign'), 0::bigint, 'nor by the public function');
SELECT pg_temp.due_at(:'campaign', '2026-06-01 07:00+00');
SELECT is(jsonb_build_array(queued, skipped), '[4, {}]', 'one whose time has come is')
  FROM switchboard._run_due_campaigns('2026-06-01 07:00:03+00') WHERE campaign_id = :'campaign';
SELECT is(next_run_at, '2026-06-02 07:00+00'::timestamptz, 'and is due tomorrow') FROM switchboard.campaigns WHERE id = :'campaign';
SELECT is(pg_temp.runs(:'campaign', '2026-06-01 07:00:03+00'), 0::bigint, 'never twice');
SELECT is((SELECT array_agg(source) FROM switchboard.campaign_runs WHERE campaign_id = :'campaign'), '{schedule}', 'the run is logged');

-- What was missed: three days of ticks.
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 1::bigint, 'missed times are made up for by one run');
SELECT is(next_run_at, '2026-06-05 07:00+00'::timestamptz, 'and then the next counts') FROM switchboard.campaigns WHERE id = :'campaign';
SELECT pg_temp.due_at(:'campaign', '2026-06-02 07:00+00', 'all');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 3::bigint, 'all: by one run each');
SELECT is(next_run_at, '2026-06-05 07:00+00'::timestamptz, 'then the next counts') FROM switchboard.campaigns WHERE id = :'campaign';
SELECT pg_temp.due_at(:'campaign', '2026-01-01 08:00+00', 'all');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 60::bigint, 'but no more than 60 at once');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 60::bigint, 'the others with the next ticks');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 35::bigint, 'until all are made up for');
SELECT pg_temp.due_at(:'campaign', '2026-06-02 07:00+00', 'none');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 12:00+00'), 0::bigint, 'none: not at all');
SELECT is(next_run_at, '2026-06-05 07:00+00'::timestamptz, 'and the next counts') FROM switchboard.campaigns WHERE id = :'campaign';
SELECT is(pg_temp.runs(:'campaign', '2026-06-05 07:01:30+00'), 1::bigint, 'a tick that is a little late has missed nothing');
SELECT pg_temp.due_at(:'campaign', '2026-06-02 07:00+00', 'none');
SELECT is(pg_temp.runs(:'campaign', '2026-06-04 07:00:01+00'), 1::bigint, 'what is due just now is run whatever was missed before');

-- A pause is no outage.
SELECT switchboard.pause_campaign(:'campaign');
SELECT pg_temp.due_at(:'campaign', now() - interval '3 days', 'all');
SELECT is(pg_temp.runs(:'campaign', now()), 0::bigint, 'a paused campaign is not run');
SELECT switchboard.resume_campaign(:'campaign');
SELECT is(pg_temp.runs(:'campaign', now()), 0::bigint, 'and what it slept through is not made up for');
SELECT cmp_ok(next_run_at, '>', now(), 'it goes on with the next time') FROM switchboard.campaigns WHERE id = :'campaign';

-- Campaigns without a schedule run with every tick.
SELECT is(switchboard.unschedule_campaign(:'campaign'), true, 'a schedule can end');
SELECT is(switchboard.unschedule_campaign(:'campaign'), false, 'once');
SELECT throws_ok('SELECT switchboard.unschedule_campaign(switchboard.uuid_v7())', 'P0002', NULL, 'of a campaign that there is');
SELECT is(jsonb_build_array(cron_schedule, next_run_at), '[null, null]', 'nothing is left of it') FROM switchboard.campaigns WHERE id = :'campaign';
SELECT is(pg_temp.runs(:'campaign', now()), 1::bigint, 'from then on every tick is a run');
SELECT is(pg_temp.runs(:'campaign', now()), 1::bigint, 'indeed');

-- A campaign that cannot be run does not hold up the others.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'preview') AS broken \gset
SELECT test_dialer.add_people(:'broken', 1, 12025550300);
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '22000'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON switchboard.dialer_queues FOR EACH ROW WHEN (new.campaign_id <> :'campaign') EXECUTE FUNCTION pg_temp.fail();
SET LOCAL client_min_messages = error;
SELECT is((SELECT array_agg(campaign_id) FROM switchboard._run_due_campaigns(now())), ARRAY[:'campaign'::uuid], 'the others are run');
SELECT is(status::text, 'paused', 'the broken one is paused') FROM switchboard.campaigns WHERE id = :'broken';
SELECT is(detail, '{"error": "broken"}', 'with its reason in the audit log') FROM switchboard.audit_log WHERE action = 'campaign-cannot-be-dialed';

-- Campaigns that are over.
SELECT switchboard.complete_campaign(:'campaign');
SELECT throws_ok(format('SELECT switchboard.schedule_campaign(%L, ''@daily'')', :'campaign'), 'SB005', 'cannot schedule campaign "test": it is completed',
                 'a completed campaign is not scheduled');

-- A scheduled campaign that dials by itself queues nothing between its runs.
SELECT test_dialer.new_campaign(:'tenant') AS power \gset
UPDATE switchboard.campaigns SET cron_schedule = '@yearly' WHERE id = :'power';
DROP TRIGGER fail ON switchboard.dialer_queues;
SELECT test_dialer.add_people(:'power', 3, 12025550400);
SELECT test_dialer.hello();
SELECT is((SELECT count(*) FROM test_dialer.turn()), 0::bigint, 'nobody is called before the time');
SELECT is(switchboard._next_dial_at(clock_timestamp()), NULL, 'and the worker does not wait for it');
UPDATE switchboard.campaigns SET next_run_at = now() WHERE id = :'power';
SELECT is((SELECT sum(queued) FROM switchboard.run_due_campaigns()), 3::bigint, 'the run queues them');
SELECT is((SELECT count(*) FROM test_dialer.turn() j WHERE j ->> 'kind' = 'call'), 3::bigint, 'and then they are called');

-- Who may.
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Ann', 'agent') RETURNING id AS ann \gset
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, status) VALUES (:'tenant', :'ann', 'hers', 'active') RETURNING id AS hers \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Bob', 'agent') RETURNING id AS bob \gset
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, status) VALUES (:'tenant', :'bob', 'his', 'active') RETURNING id AS his \gset
GRANT EXECUTE ON FUNCTION switchboard._ensure_tick() TO switchboard_app;
SELECT switchboard.set_identity(:'tenant', :'ann');
SET LOCAL ROLE switchboard_app;
SELECT is(switchboard.schedule_campaign(:'hers', '@hourly'), 7::bigint, 'an agent schedules a campaign of her own');
SELECT throws_ok(format('SELECT switchboard.schedule_campaign(%L, ''@hourly'')', :'his'), 'P0002', NULL, 'not somebody else''s');
SELECT throws_ok(format('SELECT switchboard.unschedule_campaign(%L)', :'his'), 'P0002', NULL, 'nor ends its schedule');
SELECT is_empty(format('SELECT * FROM switchboard._run_due_campaign(%L, now())', :'his'), 'nor runs it by the back door');
SELECT throws_ok('SELECT * FROM switchboard.install_maintenance_jobs()', '42501', NULL, 'maintenance is the owner''s');
SELECT throws_ok('SELECT * FROM switchboard.uninstall_maintenance_jobs()', '42501', NULL, 'all of it');
SELECT throws_ok(format('SELECT switchboard.%s', f), '42501', NULL, f || ' is internal')
FROM unnest(ARRAY['_cron_errand(0, '''', '''', '''', '''')', '_schedule_job(''liveness'')', '_unschedule_job(''liveness'')', '_cron_database()',
                  'run_maintenance(''retention'')', 'apply_retention()', 'expire_sessions()']) f;
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
