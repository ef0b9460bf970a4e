-- Sending noted, leases, renewal, release, and workers that die.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql

SELECT q.hello('w') AS hello \gset
SELECT is(:'hello'::json ->> 'protocol', switchboard.protocol_version()::text);
SELECT is(:'hello'::json ->> 'database', current_database()::text);
SELECT is((SELECT array_agg(k ORDER BY k) FROM json_object_keys(:'hello'::json -> 'settings') k),
    '{allow_http,batch_size,egress_allow,lease_ms,log_payloads,max_in_flight,poll_interval_ms}'::text[]);
SELECT is(json_typeof(:'hello'::json #> '{settings,egress_allow}'), 'array');
SELECT throws_ok($$SELECT switchboard._worker_hello('{"worker": "x", "protocol": 99, "kind": "child"}')$$, '0A000', 'unknown worker protocol: 99');
SELECT throws_ok($$SELECT switchboard._worker_hello('{"worker": "", "protocol": 1}')$$, '22023', 'bad worker key: ""');

-- Noting that a job is about to be sent.
SELECT q.enqueue('a', 1, '{"kind": "call"}') AS go \gset
SELECT q.enqueue('a', 1, '{"kind": "call", "payload": {"refuse": "do-not-call"}}') AS refused \gset
SELECT q.enqueue('a', 1, '{"kind": "call", "payload": {"refuse": "calling-hours", "retry_at": "2100-01-01"}}') AS later \gset
SELECT q.claim('w') AS reply \gset
SELECT switchboard._worker_note_sending(q.keys('w', :'reply')) AS noted \gset
SELECT is((:'noted'::jsonb -> 'go')::text, format('["%s"]', :'go'), 'what may be sent goes');
SELECT ok(:'noted'::jsonb -> 'stop' @> to_jsonb(ARRAY[:'refused', :'later']) AND jsonb_array_length(:'noted'::jsonb -> 'stop') = 2, 'the rest stops');
SELECT is(q.stand(:'go'), 'running 1 claimed');
SELECT isnt((SELECT sending_at FROM switchboard.jobs WHERE id = :'go'), NULL, 'the note is there');
SELECT is(q.stand(:'refused'), 'dead 1 do-not-call', 'refused for good: dead');
SELECT is(q.stand(:'later'), 'ready 0 calling-hours', 'refused for now: ready later, no attempt spent');
SELECT results_eq('SELECT outcome, code FROM q.told ORDER BY outcome', $$VALUES ('defer', 'calling-hours'), ('suppress', 'do-not-call')$$,
    'the dialer hears of both');
SELECT is((switchboard._worker_note_sending(json_build_object('worker', 'w', 'jobs', json_build_array(
    json_build_object('id', :'go', 'token', 9))))::jsonb -> 'stop')::text, format('["%s"]', :'go'), 'a stale token stops');
SELECT is((switchboard._worker_note_sending(json_build_object('worker', 'other', 'jobs', json_build_array(
    json_build_object('id', :'go', 'token', 1))))::jsonb -> 'stop')::text, format('["%s"]', :'go'), 'another worker''s job stops');
DELETE FROM switchboard.jobs;

-- Renewal.
SELECT q.enqueue('a') AS job \gset
SELECT q.claim('w') AS reply \gset
UPDATE switchboard.jobs_open SET locked_until = clock_timestamp() + interval '1 s';
SELECT is((switchboard._worker_renew((q.keys('w', :'reply')::jsonb || '{"lease_ms": 90000}')::json))::text, '{"lost" : []}', 'a lease is renewed');
SELECT ok((SELECT locked_until > clock_timestamp() + interval '80 s' FROM switchboard.jobs_open), 'for as long as asked');
SELECT is(switchboard._worker_renew(q.keys('other', :'reply')) ->> 'lost', format('["%s"]', :'job'), 'not by another worker');

-- Release.
SELECT is(switchboard._worker_release(q.keys('other', :'reply')) ->> 'released', '0', 'nor released by it');
SELECT is(switchboard._worker_release(q.keys('w', :'reply')) ->> 'released', '1');
SELECT is(q.stand(:'job'), 'ready 0', 'a released job is ready and its attempt does not count');
SELECT is(switchboard._worker_release(q.keys('w', :'reply')) ->> 'released', '0', 'once');
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a', 1, '{"kind": "call"}') AS job \gset
SELECT q.claim('w') AS reply \gset
SELECT switchboard._worker_note_sending(q.keys('w', :'reply')) \g /dev/null
SELECT is(switchboard._worker_release(q.keys('w', :'reply')) ->> 'released', '0', 'what was noted as being sent is not given back');
DELETE FROM switchboard.jobs;

-- A dead worker. Four kinds of claims.
CREATE FUNCTION q.four(worker text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    reply json;
BEGIN
    DELETE FROM switchboard.jobs;
    PERFORM q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000001", "kind": "call"}'),
            q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000002", "kind": "call"}'),
            q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000003"}'),
            q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000004", "max_attempts": 1}'),
            q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000005", "kind": "call"}');
    UPDATE switchboard.jobs_open SET state = 'in_doubt', sending_at = clock_timestamp() WHERE id = '00000000-0000-0000-0000-000000000005';
    reply := q.claim(worker);
    PERFORM switchboard._worker_note_sending(json_build_object('worker', worker, 'jobs',
        '[{"id": "00000000-0000-0000-0000-000000000001", "token": 1}]'::json));
    RETURN reply;
END
$$;
CREATE FUNCTION q.stands() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(q.stand(id), ', ' ORDER BY id) FROM switchboard.jobs $$;
\set freed '''in_doubt 1 worker_lost, ready 0 worker_lost, ready 1 worker_lost, dead 1 worker_lost, in_doubt 0 worker_lost'''

SELECT q.hello('dead') \g /dev/null
SELECT q.four('dead') AS reply \gset
SELECT is(switchboard._worker_free('{}')::jsonb - 'foreign_claims', '{"freed": 0, "in_doubt": 0}', 'a living worker keeps its claims');
SELECT q.die('dead') \g /dev/null
SELECT is(switchboard._worker_free('{}')::jsonb - 'foreign_claims', '{"freed": 5, "in_doubt": 1}', 'those of a dead one are freed at once');
SELECT is(q.stands(), :freed, 'noted: in doubt; a call not noted: ready, no attempt spent; others: ready again or used up; a look-up: in doubt');
SELECT ok((SELECT bool_and(run_at >= now()) FROM switchboard.jobs_open), 'none below anybody''s mark');
SELECT is((SELECT count(*)::int FROM switchboard.worker_registry), 1, 'the dead worker is forgotten');
SELECT is(json_array_length(q.claim('w') -> 'jobs'), 3, 'the others claim what is ready; the doubt that was just noted waits');
SELECT is(json_array_length((q.finish('w', q.results(:'reply', 'ok')) -> 'stale')), 5, 'late results of the dead worker are stale');

SELECT q.hello('named') \g /dev/null
SELECT q.four('named') AS reply \gset
SELECT is((switchboard._worker_free('{"worker": "named"}')::jsonb -> 'freed')::int, 5, 'a worker that is known to be dead is freed by name');
SELECT is(q.stands(), :freed);

-- A worker that hangs: its lease runs out.
SELECT q.hello('hung') \g /dev/null
SELECT q.four('hung') AS reply \gset
UPDATE switchboard.jobs_open SET locked_until = clock_timestamp() - interval '1 ms' WHERE locked_by IS NOT NULL;
UPDATE switchboard.worker_registry SET seen_at = seen_at - interval '3 s';
SELECT is(json_array_length(q.claim('w') -> 'jobs'), 3, 'claims whose lease is over are freed by the turn of another worker');
SELECT is(string_agg(locked_by, ' ' ORDER BY id), 'w w w', 'and claimed by it') FROM switchboard.jobs WHERE locked_by IS NOT NULL;

-- Lost connections.
SELECT q.four('w') AS reply \gset
SELECT q.hello('w') \g /dev/null
SELECT is((SELECT count(*)::int FROM switchboard.jobs WHERE locked_by = 'w'), 5, 'a worker that comes back keeps its claims');
SELECT switchboard._worker_hello('{"worker": "w", "protocol": 1, "kind": "standalone", "jobs": [{"id": "00000000-0000-0000-0000-000000000003"}]}') \g /dev/null
SELECT is((SELECT array_agg(id) FROM switchboard.jobs WHERE locked_by = 'w'), '{00000000-0000-0000-0000-000000000003}'::uuid[],
    'those that it says it knows; the reply that named the others was lost');
SELECT is(q.finish('w', '[{"id": "00000000-0000-0000-0000-000000000003", "token": 1, "outcome": "ok"}]') ->> 'stale', '[]', 'and finishes them');

-- Goodbye.
SELECT q.four('w') AS reply \gset
SELECT switchboard._worker_goodbye('{"worker": "w"}') \g /dev/null
SELECT is(q.stands(), :freed, 'goodbye leaves no claim behind');
SELECT is((SELECT count(*)::int FROM switchboard.worker_registry WHERE worker = 'w'), 0);

-- Watching over each other.
DELETE FROM switchboard.jobs;
DELETE FROM switchboard.worker_registry;
SELECT q.hello('one'), q.hello('two') \g /dev/null
SELECT q.enqueue('a', 2) \g /dev/null
SELECT is(q.claim('one', 0) ->> 'foreign_claims', 'false', 'nobody else holds claims');
SELECT q.claim('two', 1) AS reply \gset
SELECT is(q.claim('one', 0) ->> 'foreign_claims', 'true', 'now somebody does');
SELECT is(q.finish('two', q.results(:'reply', 'ok')) ->> 'foreign_claims', 'false');
SELECT is(q.claim('one', 0) ->> 'foreign_claims', 'false', 'and now no more');
SELECT q.die('two') \g /dev/null
SELECT is(q.claim('one', 0) ->> 'foreign_claims', 'true', 'a dead worker may have left some');

SELECT * FROM finish();
ROLLBACK;
