-- Calls whose final webhook never comes are settled and give their line back; statistics are rebuilt. Time is an argument.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

-- Result of the job of a call; p is what the worker found out.
CREATE FUNCTION pg_temp.report(job jsonb, p jsonb) RETURNS void LANGUAGE sql AS $$
  SELECT switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished',
    jsonb_build_array(jsonb_build_object('id', job -> 'id', 'token', job -> 'token') || p))::json) $$;
CREATE FUNCTION pg_temp.call_of(n int) RETURNS uuid LANGUAGE sql AS $$
  SELECT c.id FROM switchboard.call_logs c WHERE c.to_number = '+1202555010' || n $$;
-- Seconds from now until the call is given up.
CREATE FUNCTION pg_temp.patience(n int) RETURNS int LANGUAGE sql AS $$
  SELECT round(extract(epoch FROM c.expires_at - now()) / 10)::int * 10 FROM switchboard.call_logs c WHERE c.id = pg_temp.call_of(n) $$;
CREATE FUNCTION pg_temp.call_is(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_array(c.status, c.duration, c.hangup_cause, c.metadata ->> 'reason', c.answered_at IS NOT NULL, c.ended_at IS NOT NULL, c.expires_at)
  FROM switchboard.call_logs c WHERE c.id = pg_temp.call_of(n) $$;

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_campaign(:'tenant', '{"max_lines": 7, "ring_timeout": 60}', retry_interval => 3600) AS campaign \gset
SELECT test_dialer.add_people(:'campaign', 8);
SELECT test_dialer.hello();
CREATE TEMP TABLE claimed ON COMMIT DROP AS SELECT * FROM test_dialer.turn() AS job;
SELECT is((SELECT count(*) FROM claimed), 7::bigint, 'seven lines, seven calls');
SELECT is(switchboard._next_silent_call(), NULL, 'a call that is not placed does not expire');
SELECT is(switchboard.expire_silent_calls(now() + interval '1 year'), 0, 'not in a year');

-- 0 to 4 and 6 are placed, 5 is in doubt.
SELECT test_dialer.note((SELECT jsonb_agg(job) FROM claimed));
SELECT pg_temp.report(job, jsonb_build_object('outcome', 'ok', 'provider_id', 'CA' || replace(job ->> 'subject_id', '-', '')))
  FROM claimed WHERE right(job -> 'payload' ->> 'to', 1)::int IN (0, 1, 2, 3, 4, 6);
SELECT pg_temp.report(job, '{"outcome": "unknown"}') FROM claimed WHERE right(job -> 'payload' ->> 'to', 1) = '5';
SELECT is(pg_temp.patience(0), 360, 'a placed call has its ringing time and five minutes');
SELECT is(pg_temp.patience(5), NULL, 'one in doubt is asked about');
SELECT is(test_dialer.call_event(pg_temp.call_of(n), 'ringing', 1), 200, 'ringing') FROM generate_series(1, 3) n;
SELECT is(test_dialer.call_event(pg_temp.call_of(n), 'in-progress', 2), 200, 'answered') FROM generate_series(2, 3) n;
SELECT is(pg_temp.patience(1), 360, 'ringing is no answer');
SELECT is(pg_temp.patience(2), 14400, 'talking may take four hours');

-- Others' calls: the end comes in time, entered by hand, never placed by us.
SELECT is(test_dialer.call_event(pg_temp.call_of(4), 'busy', 1), 200, 'busy');
SELECT is(pg_temp.patience(4), NULL, 'what is over does not expire');
INSERT INTO switchboard.call_logs (direction, to_number, status, expires_at) VALUES ('inbound', '+12025559991', 'answered', NULL), ('outbound', '+12025559992', 'initiated', NULL);

-- Not answered.
SELECT is(switchboard.expire_silent_calls(now() + interval '5 min'), 0, 'not too early');
SELECT is(switchboard.expire_silent_calls(now() + interval '7 min', 1), 1, 'no more than asked for');
SELECT is(switchboard.expire_silent_calls(now() + interval '7 min'), 2, 'then the others');
SELECT is(pg_temp.call_is(n), '["failed", 0, "no-news", "no-news", false, true, null]', 'a call that nobody answered failed') FROM generate_series(0, 1) n;
SELECT is(jsonb_build_array(l.status, l.last_outcome, l.attempts, l.next_attempt_at > now(), q.status, q.reason),
  '["failed", "failed", 1, true, "failed", "failed"]', 'its person is tried again, its queue entry is closed')
  FROM switchboard.campaign_contacts l JOIN switchboard.dialer_queues q ON q.call_log_id = l.last_call_id WHERE l.last_call_id = pg_temp.call_of(0);
SELECT is((SELECT jsonb_agg(raw) FROM switchboard.call_events WHERE call_log_id = pg_temp.call_of(0)), '[{"reason": "no-news"}]', 'the trail says why');
SELECT is((SELECT jsonb_agg(data ->> 'status') FROM switchboard.events WHERE subject_id = pg_temp.call_of(0)), '["failed"]', 'screens are told');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'statistics agree');
SELECT is((SELECT count(*) FROM test_dialer.turn()), 1::bigint, 'the lines serve the next person');

-- Answered. Call 3 was answered half a minute before the last word about it.
UPDATE switchboard.call_logs SET answered_at = answered_at - interval '30 s' WHERE id = pg_temp.call_of(3);
SELECT is(switchboard.expire_silent_calls(now() + interval '3 h'), 0, 'they may still be talking');
SELECT is(switchboard.expire_silent_calls(now() + interval '5 h'), 2, 'but not for ever');
SELECT is(pg_temp.call_is(2), '["completed", 0, "no-news", "no-news", true, true, null]', 'an answered call is completed without invented talk');
SELECT is(pg_temp.call_is(3) -> 1, '30', 'what is certain counts');
SELECT is(ended_at - answered_at, interval '30 s', 'and agrees with the times') FROM switchboard.call_logs WHERE id = pg_temp.call_of(3);
SELECT is(l.status::text, 'completed', 'its person is done') FROM switchboard.campaign_contacts l WHERE l.last_call_id = pg_temp.call_of(2);

-- In doubt, until the look-up finds it.
SELECT is(pg_temp.call_is(5) -> 0, '"initiated"', 'a call in doubt is left to its look-up');
UPDATE switchboard.jobs_open SET run_at = now() - interval '1 s' WHERE subject_id = pg_temp.call_of(5);
SELECT pg_temp.report(t.job, '{"outcome": "ok", "provider_id": "CAfound"}')
  FROM test_dialer.turn() AS t (job) WHERE t.job ->> 'subject_id' = pg_temp.call_of(5)::text;
SELECT is(pg_temp.patience(5), 360, 'then it is a placed call');

-- Late words.
SELECT is(test_dialer.call_event(pg_temp.call_of(0), 'in-progress', 2), 200, 'answered, late');
SELECT is(pg_temp.call_is(0) - 4, '["failed", 0, "no-news", "no-news", true, null]', 'a failed call stays failed');
SELECT is(test_dialer.call_event(pg_temp.call_of(n), 'completed', 4, '&CallDuration=77&SipResponseCode=200'), 200, 'completed, late') FROM unnest(ARRAY[1, 2, 3]) n;
SELECT is(pg_temp.call_is(1), '["failed", 77, "200", "no-news", true, true, null]', 'it fills in the times of a failed call');
SELECT is(pg_temp.call_is(n), '["completed", 77, "200", "no-news", true, true, null]', 'and of a completed one') FROM unnest(ARRAY[2, 3]) n;
SELECT is(ended_at - answered_at, interval '77 s', 'consistently') FROM switchboard.call_logs WHERE id = pg_temp.call_of(1);
SELECT is(test_dialer.call_event(pg_temp.call_of(1), 'completed', 5, '&CallDuration=5&SipResponseCode=486'), 200, 'completed once more');
SELECT is(pg_temp.call_is(1) -> 1, '77', 'the first late word counts');
SELECT is((SELECT jsonb_agg(data ->> 'status' ORDER BY seq) FROM switchboard.events WHERE subject_id = pg_temp.call_of(1)), '["ringing", "failed"]', 'nothing is reopened');
SELECT is(jsonb_build_array(status, last_outcome), '["failed", "failed"]', 'nor is the person') FROM switchboard.campaign_contacts WHERE last_call_id = pg_temp.call_of(1);

-- Settings: of the campaign, else of the tenant; held to sense.
CREATE FUNCTION pg_temp.wait(tenant jsonb, campaign jsonb, answered boolean, metadata jsonb DEFAULT '{}') RETURNS int LANGUAGE plpgsql AS $$
DECLARE call switchboard.call_logs;
BEGIN
  UPDATE switchboard.tenants SET settings = wait.tenant WHERE id = switchboard.current_tenant_id();
  SELECT * INTO call FROM switchboard.call_logs WHERE id = pg_temp.call_of(6);
  UPDATE switchboard.campaigns SET settings = wait.campaign WHERE id = call.campaign_id;
  call.metadata := wait.metadata;
  RETURN extract(epoch FROM switchboard._news_due(call, answered, now()) - now());
END $$;
SELECT is(pg_temp.wait('{}', '{}', false), 330, 'ring_expiry unless set');
SELECT is(pg_temp.wait('{"ring_expiry": 600, "talk_expiry": "7200"}', '{}', false), 600, 'the tenant''s');
SELECT is(pg_temp.wait('{"ring_expiry": 600, "talk_expiry": "7200"}', '{}', true), 7200, 'for both');
SELECT is(pg_temp.wait('{"ring_expiry": 600}', '{"ring_expiry": 90}', false), 90, 'the campaign''s');
SELECT is(pg_temp.wait('{}', '{"ring_expiry": 1}', false), 60, 'never shorter than it rings');
SELECT is(pg_temp.wait('{}', '{"ring_expiry": "soon", "talk_expiry": []}', false), 330, 'nonsense is as good as nothing');
SELECT is(pg_temp.wait('{}', '{"talk_expiry": 1e9}', true), 604800, 'a week at most');
SELECT is(pg_temp.wait('{}', '{}', false, '{"ring_timeout": 600}'), 900, 'a call''s own ringing time');
UPDATE switchboard.campaigns SET settings = '{"max_lines": 7}' WHERE id = :'campaign';

-- Workers: when they look again.
SELECT set_config('switchboard_session.look_for_silence_at', '', false), set_config('switchboard_session.calls_under_way', '', false);
SELECT is(switchboard._look_for_silent_calls(now()), expires_at, 'a worker wakes for the next call to expire')
  FROM switchboard.call_logs WHERE id = pg_temp.call_of(5);
SELECT is(switchboard._look_for_silent_calls(now() + interval '9 s'), now() + interval '10 s', 'it looks every ten seconds at most');
SELECT ok(switchboard._before_claim(0) <= now() + interval '10 s', 'and the queue knows');
SELECT is(switchboard._look_for_silent_calls(now() + interval '400 s'), NULL, 'the last one expires, nothing is left to wait for');
SELECT is(pg_temp.call_is(5) ->> 0, 'failed', 'it is settled');
SELECT is(switchboard._look_for_silent_calls(now() + interval '401 s'), NULL, 'an idle worker is not woken');
SELECT switchboard._note_placed_calls();
SELECT is(switchboard._look_for_silent_calls(now() + interval '402 s'), now() + interval '410 s', 'one that has placed calls looks once more');
SELECT is(switchboard._look_for_silent_calls(now() - interval '1 day'), NULL, 'a clock that is set back does not blind it');

-- One call that cannot be settled does not hold up the others.
SELECT test_dialer.new_campaign(:'tenant') AS good \gset
SELECT test_dialer.new_campaign(:'tenant') AS bad \gset
SELECT test_dialer.add_people(:'good', 1, 12025550200), test_dialer.add_people(:'bad', 1, 12025550201);
SELECT test_dialer.turn();
UPDATE switchboard.call_logs SET expires_at = now() + interval '1 day' WHERE to_number IN ('+12025550200', '+12025550201');
SET session_replication_role = replica;   -- such rules are refused otherwise
UPDATE switchboard.campaigns SET settings = '{"retry_rules": {"failed": {"delay": "soon"}}}' WHERE id = :'bad';
SET session_replication_role = origin;
SET LOCAL client_min_messages = error;
SELECT is(switchboard.expire_silent_calls(now() + interval '2 days'), 1, 'the call of the campaign in order is settled');
SELECT is((SELECT array_agg(status::text ORDER BY to_number) FROM switchboard.call_logs WHERE to_number IN ('+12025550200', '+12025550201')), '{failed,initiated}', 'the other is not');
SELECT is(switchboard.expire_silent_calls(now() + interval '2 days'), 0, 'and waits for an hour');
UPDATE switchboard.campaigns SET settings = '{}' WHERE id = :'bad';
SELECT is(switchboard.expire_silent_calls(now() + interval '2 days 2 h'), 1, 'before it is tried again');
RESET client_min_messages;
SELECT ok(NOT has_function_privilege(r, 'switchboard.expire_silent_calls(timestamptz, int)', 'EXECUTE'), r || ' may not settle calls')
  FROM unnest(ARRAY['switchboard_app', 'switchboard_gateway', 'switchboard_worker', 'switchboard_monitor']) r;

-- Statistics, after a restore with --disable-triggers.
SELECT is(switchboard.rebuild_campaign_stats(), 0, 'nothing is wrong');
SELECT test_dialer.new_tenant('other') AS other \gset
SELECT test_dialer.new_campaign(:'other') AS theirs \gset
SELECT test_dialer.add_people(:'theirs', 3);
DELETE FROM switchboard.campaign_stat_deltas;
SELECT is(switchboard.rebuild_campaign_stats(), 1, 'the tenant''s campaigns are rebuilt');
SELECT is(test_dialer.stats(:'theirs'), test_dialer.recount(:'theirs'), 'they agree with the list');
SELECT switchboard.set_identity(:'tenant');
SELECT is(test_dialer.stats(:'campaign') -> 'total', '0', 'those of others are not');
SELECT throws_ok(format('SELECT switchboard.rebuild_campaign_stats(%L)', :'theirs'), 'P0002', NULL, 'nor are they known');
SELECT is(switchboard.rebuild_campaign_stats(:'campaign'), 1, 'one campaign');
SELECT is(test_dialer.stats(:'campaign'), test_dialer.recount(:'campaign'), 'agrees');
SELECT is(test_dialer.stats(:'good') -> 'total', '0', 'alone');
INSERT INTO switchboard.campaign_stat_deltas (tenant_id, campaign_id, n_total, n_calling) VALUES (:'tenant', :'campaign', 5, -2);
SELECT is(switchboard.rebuild_campaign_stats(), 3, 'all of the tenant');
SELECT is(test_dialer.stats(c), test_dialer.recount(c), 'agree') FROM unnest(ARRAY[:'campaign', :'good', :'bad']::uuid[]) c;
INSERT INTO switchboard.users (name, role) VALUES ('Ann', 'agent') RETURNING id AS ann \gset
INSERT INTO switchboard.users (name, role) VALUES ('Sue', 'supervisor') RETURNING id AS sue \gset
CREATE ROLE silent_gateway LOGIN IN ROLE switchboard_gateway;
SET SESSION AUTHORIZATION silent_gateway;
SELECT switchboard.set_identity(:'tenant', :'ann');
SELECT throws_ok('SELECT switchboard.rebuild_campaign_stats()', '42501', NULL, 'an agent may not');
SELECT switchboard.set_identity(:'tenant', :'sue');
SELECT lives_ok('SELECT switchboard.rebuild_campaign_stats()', 'a supervisor may');
SELECT set_config('switchboard.tenant_id', '', true), set_config('switchboard.user_id', '', true);
SELECT throws_ok('SELECT switchboard.rebuild_campaign_stats()', '42501', NULL, 'nobody may not');
RESET SESSION AUTHORIZATION;
DELETE FROM switchboard.campaign_stat_deltas;
SELECT is(switchboard.rebuild_campaign_stats(), 4, 'the owner rebuilds those of every tenant');
SELECT * FROM finish();
ROLLBACK;
