-- Enqueueing, idempotency keys, and a tenant's say over its jobs.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql
CREATE ROLE sb_test_app LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_test_gateway LOGIN IN ROLE switchboard_gateway;

-- Plain INSERT and _enqueue_jobs().
SELECT switchboard.set_identity(q.tenant('a'));
INSERT INTO switchboard.jobs (kind, payload) VALUES ('webhook', '{"n": 1}');
SELECT results_eq(
    'SELECT tenant_id, state::text, attempt, max_attempts, lane = tenant_id FROM switchboard.jobs',
    $$VALUES (q.tenant('a'), 'ready', 0, 8, true)$$, 'a plain INSERT enqueues a job of the caller''s tenant');
SELECT is((SELECT tableoid::regclass::text FROM switchboard.jobs), 'switchboard.jobs_open', 'it lies in the hot table');
DELETE FROM switchboard.jobs;

SELECT results_eq(
    $$SELECT ordinal, created FROM switchboard._enqueue_jobs('[{"kind":"webhook"},{"kind":"call","priority":99}]')$$,
    'VALUES (1, true), (2, true)', 'jobs come back in order');
SELECT results_eq('SELECT kind, priority FROM switchboard.jobs ORDER BY kind', $$VALUES ('call', 10), ('webhook', 0)$$,
    'a priority out of range is brought into it');
SELECT ok((SELECT bool_and(run_at >= now()) FROM switchboard.jobs), 'no job is due before it was enqueued');
SELECT throws_ok($$SELECT switchboard._enqueue_jobs('{"kind":"webhook"}')$$, '22023', 'jobs must be a JSON array, not object');
SELECT throws_ok(format($$SELECT switchboard._enqueue_jobs('[{"kind":"webhook","tenant_id":"%s"}]')$$, q.tenant('b')),
    '42501', 'job of another tenant: ' || q.tenant('b'));
SELECT q.account('b', 'webhook') AS foreign_account \gset
SELECT throws_ok(format($$SELECT switchboard._enqueue_jobs('[{"kind":"webhook","account_id":"%s"}]')$$, :'foreign_account'),
    'P0002', 'no such provider account: ' || :'foreign_account');
DELETE FROM switchboard.jobs;

-- Idempotency keys.
SELECT job_id AS first FROM switchboard._enqueue_jobs('[{"kind":"webhook","idempotency_key":"k"}]') \gset
SELECT results_eq(
    $$SELECT job_id, created FROM switchboard._enqueue_jobs('[{"kind":"webhook","idempotency_key":"k"}]')$$,
    format('VALUES (%L::uuid, false)', :'first'), 'a repeated key names the same job');
SELECT results_eq(
    $$SELECT job_id = (SELECT id FROM switchboard.jobs WHERE idempotency_key = 'twice'), created
        FROM switchboard._enqueue_jobs('[{"kind":"webhook","idempotency_key":"twice"},{"kind":"webhook","idempotency_key":"twice"}]')$$,
    'VALUES (NULL::boolean, true), (NULL, false)', 'the same key twice in one call makes one job');
SELECT is((SELECT count(*)::int FROM switchboard.jobs), 2, 'and no other');
SELECT q.hello('w') \g /dev/null
SELECT q.finish('w', q.results(q.claim('w'), 'ok')) \g /dev/null
SELECT results_eq(
    $$SELECT job_id, created FROM switchboard._enqueue_jobs('[{"kind":"webhook","idempotency_key":"k"}]')$$,
    format('VALUES (%L::uuid, false)', :'first'), 'also when that job has finished');
SELECT is((SELECT count(*)::int FROM switchboard.jobs_open), 0, 'nothing was enqueued');
SELECT switchboard.set_identity(q.tenant('b'));
SELECT results_eq(
    $$SELECT created FROM switchboard._enqueue_jobs('[{"kind":"webhook","idempotency_key":"k"}]')$$,
    'VALUES (true)', 'another tenant has keys of its own');
DELETE FROM switchboard.jobs;

-- retry_job, cancel_job, dead_jobs.
SELECT switchboard.set_identity(q.tenant('a'));
SELECT q.enqueue('a', 1, '{"payload": {"n": 7}, "idempotency_key": "r"}') AS job \gset
SELECT q.finish('w', q.results(q.claim('w'), 'permanent', '{"code": "21211", "error": "no such number"}')) \g /dev/null
SELECT results_eq('SELECT id, payload, last_code, last_error FROM switchboard.dead_jobs',
    format($$VALUES (%L::uuid, '{"n": 7}'::jsonb, '21211', 'no such number')$$, :'job'), 'a dead job is there to look at');
SELECT is(state::text || attempt || token, 'ready02', 'retry_job puts it back with all its attempts and a new token')
  FROM switchboard.retry_job(:'job');
SELECT is((SELECT count(*)::int FROM switchboard.dead_jobs), 0, 'it is not dead any more');
SELECT is(q.ids(q.claim('w')), ARRAY[:'job'::uuid], 'and it is claimed again');
SELECT throws_ok(format('SELECT switchboard.retry_job(%L)', :'job'), 'SB005', format('job %s cannot be retried: it is running', :'job'));
SELECT throws_ok(format('SELECT switchboard.cancel_job(%L)', :'job'), 'SB005', format('job %s cannot be canceled: it is running', :'job'));
UPDATE switchboard.jobs_open SET locked_by = NULL, locked_until = NULL, state = 'in_doubt';
SELECT throws_ok(format('SELECT switchboard.retry_job(%L)', :'job'), 'SB005', format('job %s cannot be retried: it is in doubt', :'job'));
DELETE FROM switchboard.jobs;

SELECT q.enqueue('a', 1, '{"run_at": "2100-01-01"}') AS job \gset
SELECT ok((switchboard.retry_job(:'job')).run_at <= clock_timestamp(), 'a job that waits can be told to run now');
SELECT is(state::text || ' ' || last_code, 'dead canceled', 'a job that nobody has claimed can be canceled')
  FROM switchboard.cancel_job(:'job');
SELECT results_eq('SELECT outcome, final, code FROM q.told ORDER BY ctid DESC LIMIT 1', $$VALUES ('suppress', true, 'canceled')$$,
    'the dialer hears of it');
SELECT throws_ok(format('SELECT switchboard.cancel_job(%L)', :'job'), 'SB005', format('job %s cannot be canceled: it is dead', :'job'));
SELECT throws_ok($$SELECT switchboard.cancel_job('00000000-0000-0000-0000-000000000001')$$, 'P0002',
    'no such job: 00000000-0000-0000-0000-000000000001');
SELECT switchboard.set_identity(q.tenant('b'));
SELECT throws_ok(format('SELECT switchboard.retry_job(%L)', :'job'), 'P0002', 'no such job: ' || :'job', 'another tenant has no such job');
SELECT is((SELECT count(*)::int FROM switchboard.dead_jobs d WHERE d.tenant_id = q.tenant('b')), 0);

-- Whose doubt could not be settled is not tried again.
SELECT switchboard.set_identity(q.tenant('a'));
UPDATE switchboard.jobs_finished SET last_code = 'in_doubt' WHERE id = :'job';
SELECT throws_ok(format('SELECT switchboard.retry_job(%L)', :'job'), 'SB005', NULL, 'a doubt is not replayed');
DELETE FROM switchboard.jobs;

-- What the roles may do.
GRANT USAGE ON SCHEMA q TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION sb_test_app;
SELECT throws_ok($$SELECT * FROM switchboard._enqueue_jobs('[{"kind":"webhook"}]')$$, '42501', 'role "sb_test_app" may not enqueue jobs');
SELECT throws_ok($$INSERT INTO switchboard.jobs (kind) VALUES ('webhook')$$, '42501', NULL, 'the application does not write jobs');
SELECT throws_ok('SELECT * FROM switchboard.jobs_open', '42501', NULL, 'nor does it read the leaves past the policies');
SELECT throws_ok($$SELECT switchboard._worker_turn('{}')$$, '42501', NULL, 'nor speak as a worker');
SELECT is((SELECT count(*)::int FROM switchboard.jobs), 0, 'nobody sees no jobs');
RESET SESSION AUTHORIZATION;

-- Tenants and accounts that go take their jobs along.
SELECT q.account('c', 'webhook') AS account \gset
SELECT q.enqueue('c', 1, jsonb_build_object('account_id', :'account')) AS job \gset
DELETE FROM switchboard.provider_accounts WHERE id = :'account';
SELECT is(q.stand(:'job'), 'dead 0 SB002', 'a job that waited for a deleted account is dead');
SELECT q.enqueue('c') \g /dev/null
DELETE FROM switchboard.tenants WHERE name = 'c';
SELECT is((SELECT count(*)::int FROM switchboard.jobs), 0, 'the jobs of a deleted tenant go with it');

SELECT * FROM finish();
ROLLBACK;
