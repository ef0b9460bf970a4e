-- health(), metrics(), worker_status: right figures, for the monitor role, without customer data.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql
CREATE ROLE sb_test_monitor LOGIN IN ROLE switchboard_monitor;
SELECT switchboard._preloaded() AS preloaded \gset

SELECT is(switchboard.health() -> 'queue', '{"ready": 0, "running": 0, "in_doubt": 0, "dead": 0, "oldest_ready_s": 0}', 'an empty queue');
SELECT is(switchboard.health() ->> 'status', 'degraded', 'no worker');
SELECT ok(switchboard.health() -> 'problems' ? 'no worker is running: jobs wait', 'in words');
SELECT q.hello('w"1') \g /dev/null
SELECT is(switchboard.health() ->> 'status', CASE WHEN :'preloaded' THEN 'ok' ELSE 'degraded' END, 'a stand-alone worker');

SELECT q.enqueue('a', 5, '{"payload": {"secret": "hunter2"}}') \g /dev/null
SELECT q.enqueue('a', 1, jsonb_build_object('run_at', clock_timestamp() - interval '400 s', 'priority', -1)) \g /dev/null
SELECT q.claim('w"1', 3) AS reply \gset
SELECT q.finish('w"1', (SELECT json_agg(r) FROM json_array_elements(q.results(:'reply', 'permanent')) WITH ORDINALITY e(r, n) WHERE n = 1)) \g /dev/null
UPDATE switchboard.jobs_open SET state = 'in_doubt', locked_by = NULL, locked_until = NULL, sending_at = now()
 WHERE id = (SELECT id FROM switchboard.jobs_open WHERE locked_by IS NOT NULL LIMIT 1);
SELECT is((switchboard.health() -> 'queue') - 'oldest_ready_s', '{"ready": 3, "running": 1, "in_doubt": 1, "dead": 1}', 'a queue with everything in it');
SELECT ok((switchboard.health() #>> '{queue,oldest_ready_s}')::numeric BETWEEN 400 AND 410, 'and the age of the oldest job that is due');
SELECT is(switchboard.health() ->> 'status', 'degraded', 'which has waited too long');
SELECT q.die('w"1') \g /dev/null
SELECT is(switchboard.health() ->> 'status', 'failing', 'due jobs and nobody to do them');
SELECT is((SELECT alive FROM switchboard.worker_status), false);
SELECT q.hello('w"1') \g /dev/null

UPDATE switchboard.worker_registry SET seen_at = seen_at - interval '3 s';
SELECT switchboard._worker_turn('{"worker": "w\"1", "finished": [], "claim": null, "stats":
    {"in_flight": 7, "done": 100, "failed": 2, "p50_ms": 12.5, "p99_ms": 80, "last_error": "503"}}') \g /dev/null
SELECT results_eq('SELECT worker, kind, alive, in_flight, done, failed, p50_ms, p99_ms, last_error FROM switchboard.worker_status',
    $$VALUES ('w"1', 'standalone', true, 7, 100::bigint, 2::bigint, 12.5, 80::numeric, '503')$$, 'what a worker reports');

SET LOCAL SESSION AUTHORIZATION sb_test_monitor;
SELECT ok(switchboard.health() ? 'status', 'the monitor role sees the health');
SELECT is((SELECT in_flight FROM switchboard.worker_status), 7, 'and the workers');
CREATE TEMP TABLE lines ON COMMIT DROP AS SELECT line FROM string_to_table(switchboard.metrics(), E'\n') line;
SELECT throws_ok('SELECT * FROM switchboard.jobs', '42501', NULL, 'but no jobs');
SELECT throws_ok('SELECT * FROM switchboard.worker_registry', '42501');
SELECT is((SELECT count(*)::int FROM lines WHERE line !~
    '^(# (HELP|TYPE) switchboard_[a-z0-9_]+ .+|switchboard_[a-z0-9_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? -?[0-9.]+|)$'), 0,
    'every line is in the Prometheus format');
SELECT ok('switchboard_jobs{state="in_doubt"} 1' IN (SELECT line FROM lines));
SELECT ok('switchboard_worker_in_flight{worker="w\"1"} 7' IN (SELECT line FROM lines), 'labels are escaped');
SELECT ok((SELECT bool_or(line ~ '^switchboard_worker_latency_seconds\{worker="w\\"1",quantile="0.99"\} 0.080*$') FROM lines));
SELECT is((SELECT count(*)::int FROM lines WHERE line LIKE '%hunter2%'), 0, 'no payload anywhere');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
