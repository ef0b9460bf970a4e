-- Campaigns from start to end: completion, reopening, recycling, penetration, what becomes of queue and calls.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();
SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.hello();
CREATE FUNCTION pg_temp.state(campaign uuid) RETURNS text LANGUAGE sql AS $$
  SELECT status || CASE WHEN ran_out THEN ' ran out' ELSE '' END FROM switchboard.campaigns WHERE id = campaign
$$;
CREATE FUNCTION pg_temp.set_all(campaign uuid, new_status text, outcome text DEFAULT NULL, calls int DEFAULT 9) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.campaign_contacts SET status = new_status::switchboard.campaign_contact_status, last_outcome = outcome, attempts = calls
  WHERE campaign_id = campaign
$$;
CREATE FUNCTION pg_temp.set_one(campaign uuid, n int, new_status text, outcome text DEFAULT NULL, calls int DEFAULT 9) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.campaign_contacts SET status = new_status::switchboard.campaign_contact_status, last_outcome = outcome, attempts = calls
  WHERE id = (SELECT id FROM switchboard.campaign_contacts WHERE campaign_id = campaign ORDER BY id OFFSET n - 1 LIMIT 1)
$$;

-- Completion, whatever the type and whoever looks.
CREATE TEMP TABLE made AS
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', v.type::switchboard.campaign_type) AS id, v.type, v.look
FROM (VALUES ('preview', 'run'), ('manual', 'run'), ('power', 'run'), ('predictive', 'run'),
             ('preview', 'worker'), ('manual', 'worker'), ('power', 'worker'), ('predictive', 'worker')) v (type, look);
SELECT switchboard.run_campaign(id) FROM made WHERE look = 'run';
SELECT test_dialer.turn();
SELECT is(pg_temp.state(id), 'active', format('%s: an empty list waits for people (%s)', type, look)) FROM made;
SELECT test_dialer.add_people(id, 1) FROM made;
SELECT pg_temp.set_all(id, 'completed') FROM made;
SELECT is((switchboard.run_campaign(id) - 'run_id'), '{"queued": 0, "skipped": {}}', type || ': a run finds nobody left') FROM made WHERE look = 'run';
SELECT test_dialer.turn();
SELECT is(pg_temp.state(id), 'completed ran out', format('%s is completed (%s)', type, look)) FROM made;
DELETE FROM switchboard.campaigns c USING made m WHERE c.id = m.id;

SELECT test_dialer.new_campaign(:'tenant', '{"complete_when_done": false}', '{"start":"00:00","end":"24:00"}', 'preview') AS kept \gset
SELECT test_dialer.add_people(:'kept', 1);
SELECT pg_temp.set_all(:'kept', 'completed');
SELECT switchboard.run_campaign(:'kept');
SELECT is(pg_temp.state(:'kept'), 'active', 'unless it is told not to');

-- Somebody to call again reopens it; nothing else does.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'preview', 3, 3600) AS campaign \gset
SELECT test_dialer.add_people(:'campaign', 3);
SELECT pg_temp.set_all(:'campaign', 'calling', NULL, 1);
SELECT switchboard.run_campaign(:'campaign');
SELECT is(pg_temp.state(:'campaign'), 'active', 'not while somebody is being called');
SELECT pg_temp.set_all(:'campaign', 'failed', 'busy', 1);
SELECT switchboard.run_campaign(:'campaign');
SELECT is(pg_temp.state(:'campaign'), 'active', 'nor while somebody will be');
SELECT pg_temp.set_all(:'campaign', 'completed', 'completed', 1);
SELECT switchboard.run_campaign(:'campaign');
SELECT is(pg_temp.state(:'campaign'), 'completed ran out', 'then it is');
UPDATE switchboard.campaign_contacts SET metadata = '{"a": 1}' WHERE campaign_id = :'campaign';
SELECT pg_temp.set_one(:'campaign', 1, 'do-not-call');
SELECT pg_temp.set_one(:'campaign', 2, 'failed', 'busy', 9);
SELECT is(pg_temp.state(:'campaign'), 'completed ran out', 'and stays so');
SELECT throws_ok(format('SELECT switchboard.run_campaign(%L)', :'campaign'), 'SB005', NULL, 'it does not run');
SELECT pg_temp.set_one(:'campaign', 3, 'callback', 'callback');
SELECT is(pg_temp.state(:'campaign'), 'active', 'a promise to call back makes it active');
SELECT pg_temp.set_one(:'campaign', 3, 'completed');
SELECT switchboard.run_campaign(:'campaign');
INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number, status) VALUES (:'campaign', '+12025550151', 'completed');
SELECT is(pg_temp.state(:'campaign'), 'completed ran out', 'people who are done do not');
SELECT switchboard.add_campaign_contacts(:'campaign', '[{"phone_number": "+12025550150"}, {"phone_number": "junk"}]');
SELECT is(pg_temp.state(:'campaign'), 'active', 'new people do');
SELECT pg_temp.set_all(:'campaign', 'completed');
SELECT switchboard.run_campaign(:'campaign');
SELECT is((switchboard.resume_campaign(:'campaign')).status::text, 'active', 'it can be resumed by hand');
SELECT switchboard.run_campaign(:'campaign');
SELECT is(pg_temp.state(:'campaign'), 'completed ran out', 'and completes again, there being nobody');
SELECT is((switchboard.archive_campaign(:'campaign')).status::text, 'archived', 'it can be archived');
SELECT pg_temp.set_one(:'campaign', 1, 'callback');
SELECT is(pg_temp.state(:'campaign'), 'archived ran out', 'and is then over for good');
SELECT is((SELECT array_agg(data ->> 'status' ORDER BY seq) FROM switchboard.events WHERE event = 'campaign-updated' AND subject_id = :'campaign'),
          '{completed,active,completed,active,completed,active,completed,archived}', 'every step is in the feed');

-- Recycling.
SELECT test_dialer.new_campaign(:'tenant', '{"retry_rules": {"busy": {"max_tries": 2}}}', '{"start":"00:00","end":"24:00"}', 'preview', 3, 60) AS old \gset
SELECT test_dialer.add_people(:'old', 8);
SELECT pg_temp.set_one(:'old', n, s, o, a) FROM (VALUES (1, 'failed', 'busy', 3), (2, 'failed', 'no-answer', 3), (3, 'failed', NULL, 3), (4, 'failed', 'bad-number', 1),
  (5, 'completed', 'completed', 1), (6, 'do-not-call', NULL, 0), (7, 'failed', 'no-answer', 1), (8, 'failed', 'machine', 4)) v (n, s, o, a);
SELECT is(switchboard._list_penetration(:'old'), '{"listed": 8, "tried": 7, "finished": 7, "penetration": 0.8750, "completion": 0.8750}', 'penetration');
SELECT is(switchboard.recycle_campaign(:'old', '{busy,callback}'), 1, 'people with these outcomes');
SELECT is(switchboard.recycle_campaign(:'old', '{}'), 0, 'with none');
SELECT is(switchboard.recycle_campaign(:'old', '{failed}'), 1, 'without a known outcome they failed');
SELECT is(switchboard.recycle_campaign(:'old'), 2, 'all who were given up, but for bad numbers');
SELECT is(switchboard.recycle_campaign(:'old'), 0, 'once');
SELECT is(switchboard.recycle_campaign(:'old', '{bad-number}'), 1, 'those if they are named');
SELECT is((SELECT array_agg(format('%s %s %s', status, attempts, recycled_attempts) ORDER BY id) FROM switchboard.campaign_contacts WHERE campaign_id = :'old'),
          '{"pending 3 3","pending 3 3","pending 3 3","pending 1 1","completed 1 0","do-not-call 0 0","failed 1 0","pending 4 4"}', 'their attempts stay, nobody else is touched');
SELECT is(switchboard._list_penetration(:'old'), '{"listed": 8, "tried": 7, "finished": 2, "penetration": 0.8750, "completion": 0.2500}', 'so does penetration');
SELECT is(test_dialer.stats(:'old'), test_dialer.recount(:'old'), 'and statistics follow');
SELECT pg_temp.set_one(:'old', 1, 'failed', 'busy', 4), pg_temp.set_one(:'old', 2, 'failed', 'no-answer', 5);
SELECT is((SELECT array_agg(next_attempt_at - now() ORDER BY id) FROM (SELECT * FROM switchboard.campaign_contacts WHERE campaign_id = :'old' ORDER BY id LIMIT 2) l),
          '{00:01:00,00:01:00}', 'limits count from there');
SELECT pg_temp.set_one(:'old', 1, 'calling', 'busy', 5), pg_temp.set_one(:'old', 2, 'calling', 'no-answer', 6);
SELECT pg_temp.set_one(:'old', 1, 'failed', 'busy', 5), pg_temp.set_one(:'old', 2, 'failed', 'no-answer', 6);
SELECT is((SELECT array_agg(next_attempt_at - now() ORDER BY id) FROM (SELECT * FROM switchboard.campaign_contacts WHERE campaign_id = :'old' ORDER BY id LIMIT 2) l),
          '{NULL,NULL}', 'and are reached again');
SELECT is((SELECT count(*) FROM switchboard.audit_log WHERE action = 'campaign-recycled' AND subject = 'campaign:' || :'old'), 4::bigint, 'the audit log knows');
SELECT pg_temp.set_one(:'old', n, 'failed', 'machine', 9) FROM generate_series(1, 8) n;
SELECT switchboard.run_campaign(:'old');
SELECT is(pg_temp.state(:'old'), 'completed ran out', 'a list that is used up');
SELECT is(switchboard.recycle_campaign(:'old', '{machine}'), 8, 'is recycled');
SELECT is(pg_temp.state(:'old'), 'active', 'which makes the campaign active');
SELECT switchboard.pause_campaign(:'old');
SELECT pg_temp.set_all(:'old', 'failed', 'machine', 30);
SELECT is(switchboard.recycle_campaign(:'old'), 8, 'a paused campaign too');
SELECT is(pg_temp.state(:'old'), 'paused', 'which stays paused');
SELECT switchboard.complete_campaign(:'old');
SELECT throws_ok(format('SELECT switchboard.recycle_campaign(%L)', :'old'), 'SB005', 'cannot recycle campaign "test": it is completed', 'one that a person completed');
SELECT throws_ok(format('SELECT switchboard.recycle_campaign(%L, ''{bussy}'')', :'old'), '22023', 'unknown outcome: bussy', 'unknown outcome');
SELECT throws_ok(format('SELECT switchboard.recycle_campaign(%L, ''{NULL}'')', :'old'), '22023', 'unknown outcome: null', 'no outcome');
SELECT throws_ok('SELECT switchboard.recycle_campaign(switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');
SELECT throws_ok('SELECT switchboard.recycle_campaign(NULL)', 'P0002', NULL, 'no campaign');

-- Nobody else's.
SELECT test_dialer.new_campaign(:'tenant') AS mine \gset
SELECT test_dialer.add_people(:'mine', 2);
INSERT INTO switchboard.users (name) VALUES ('Ada') RETURNING id AS ada \gset
INSERT INTO switchboard.users (name) VALUES ('Bob') RETURNING id AS bob \gset
UPDATE switchboard.campaigns SET user_id = :'ada' WHERE id = :'mine';
INSERT INTO switchboard.tenants (name) VALUES ('stranger') RETURNING id AS stranger \gset
SELECT switchboard.set_identity(:'stranger');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format(v.call, :'mine'), 'P0002', NULL, 'another tenant: ' || v.call)
FROM (VALUES ('SELECT switchboard.recycle_campaign(%L)'), ('SELECT switchboard._recycle_campaign(%L, NULL)')) v (call);
SELECT is(switchboard._list_penetration(:'mine') -> 'listed', '0', 'another tenant sees nobody');
RESET ROLE;
SELECT switchboard.set_identity(:'tenant', :'bob');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format(v.call, :'mine'), 'P0002', NULL, 'another agent: ' || v.call)
FROM (VALUES ('SELECT switchboard.recycle_campaign(%L)'), ('SELECT switchboard._recycle_campaign(%L, NULL)')) v (call);
RESET ROLE;
SELECT switchboard.set_identity(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT is(switchboard.recycle_campaign(:'mine'), 0, 'the agent whose campaign it is');
RESET ROLE;
SELECT switchboard.set_identity(:'tenant');
DELETE FROM switchboard.campaigns WHERE id = :'mine';

-- What becomes of the queue.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'preview') AS q \gset
SELECT test_dialer.add_people(:'q', 6);
SELECT is(switchboard.run_campaign(:'q') -> 'queued', '6', 'all are queued');
SELECT pg_temp.set_one(:'q', 1, 'completed', NULL, 0), pg_temp.set_one(:'q', 2, 'do-not-call', NULL, 0), pg_temp.set_one(:'q', 3, 'callback', NULL, 0);
SELECT is((SELECT array_agg(concat_ws(' ', status, reason) ORDER BY id) FROM switchboard.dialer_queues WHERE campaign_id = :'q'),
          '{"skipped completed","skipped do-not-call",queued,queued,queued,queued}', 'who is not to be called leaves it');
SELECT switchboard.pause_campaign(:'q');
SELECT is((SELECT count(*) FROM switchboard.dialer_queues WHERE campaign_id = :'q' AND status = 'queued'), 4::bigint, 'a pause keeps it');
SELECT switchboard.archive_campaign(:'q');
SELECT is((SELECT array_agg(DISTINCT concat_ws(' ', status, reason)) FROM switchboard.dialer_queues WHERE campaign_id = :'q'),
          '{"skipped campaign-archived","skipped completed","skipped do-not-call"}', 'the end empties it');

-- Calls under way when their campaign is archived or deleted.
SELECT test_dialer.new_campaign(:'tenant') AS live \gset
SELECT test_dialer.add_people(:'live', 3);
CREATE TEMP TABLE jobs AS SELECT j FROM test_dialer.turn() j;
SELECT is((SELECT count(*) FROM jobs), 3::bigint, 'three calls');
CREATE FUNCTION pg_temp.call(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT (j ->> 'subject_id')::uuid FROM jobs ORDER BY j ->> 'subject_id' OFFSET n - 1 LIMIT 1 $$;
CREATE FUNCTION pg_temp.send(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT test_dialer.note(jsonb_build_array(jsonb_build_object('id', j -> 'id', 'token', j -> 'token'))) FROM jobs WHERE (j ->> 'subject_id')::uuid = pg_temp.call(n)
$$;
SELECT is(jsonb_array_length(pg_temp.send(1) -> 'go'), 1, 'one is sent');
SELECT is(test_dialer.call_event(pg_temp.call(1), 'ringing', 1), 200, 'and rings');
SELECT switchboard.pause_campaign(:'live');
SELECT switchboard.archive_campaign(:'live');
SELECT is(test_dialer.call_event(pg_temp.call(1), 'no-answer', 2), 200, 'the archived campaign''s call ends');
SELECT is((SELECT jsonb_build_array(c.status, l.status, l.last_outcome) FROM switchboard.call_logs c JOIN switchboard.campaign_contacts l ON l.id = c.campaign_contact_id
           WHERE c.id = pg_temp.call(1)), '["no-answer", "failed", "no-answer"]', 'as any other');
SELECT is(jsonb_array_length(pg_temp.send(2) -> 'go'), 0, 'one that was not sent is not any more');
SELECT is(jsonb_build_array(pg_temp.state(:'live'), test_dialer.stats(:'live') -> 'total'), '["archived", 3]', 'nothing brings it back');
DELETE FROM switchboard.dialer_campaigns WHERE id = :'live';
SELECT is((SELECT count(*) FROM switchboard.campaign_contacts WHERE campaign_id = :'live') + (SELECT count(*) FROM switchboard.dialer_queues WHERE campaign_id = :'live')
        + (SELECT count(*) FROM switchboard.campaign_runs WHERE campaign_id = :'live'), 0::bigint, 'deleting it takes list, queue and runs along');
SELECT is((SELECT jsonb_build_array(status, hangup_cause, campaign_id) FROM switchboard.call_logs WHERE id = pg_temp.call(3)), '["canceled", "campaign-deleted", null]',
          'a call that was not sent is canceled');
SELECT is(jsonb_array_length(pg_temp.send(3) -> 'go'), 0, 'and never will be');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE to_number LIKE '+1202555010_'), 3::bigint, 'the calls themselves stay');

-- A tenant that goes takes everything along, calls not sent included.
SELECT test_dialer.new_tenant('gone') AS gone \gset
SELECT test_dialer.new_campaign(:'gone') AS going \gset
SELECT test_dialer.add_people(:'going', 2);
SELECT count(*) FROM test_dialer.turn();
SELECT set_config('switchboard.tenant_id', '', true);
SELECT lives_ok(format('DELETE FROM switchboard.tenants WHERE id = %L', :'gone'), 'a tenant with calls that were not sent can be deleted');

SELECT * FROM finish();
ROLLBACK;
