-- What becomes of a job for each outcome, and results that come late, twice, or are poisonous.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql
SELECT q.hello('w') \g /dev/null

-- One attempt of a new job: where it stands afterwards.
CREATE FUNCTION q.outcome(outcome text, attributes jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    reply json;
    job uuid;
BEGIN
    DELETE FROM switchboard.jobs;
    DELETE FROM q.told;
    job := q.enqueue('a', 1, attributes);
    reply := q.claim('w');
    IF attributes ->> 'kind' = 'call' THEN
        PERFORM switchboard._worker_note_sending(q.keys('w', reply));
    END IF;
    reply := q.finish('w', q.results(reply, outcome, more));
    RETURN concat_ws(' ', q.stand(job), (SELECT CASE WHEN t.final THEN 'final' END FROM q.told t));
END
$$;
CREATE FUNCTION q.due_in() RETURNS int LANGUAGE sql
AS $$ SELECT round(EXTRACT(epoch FROM run_at - clock_timestamp()))::int FROM switchboard.jobs_open $$;

SELECT is(q.outcome('ok', '{"payload": {"n": 1}}', '{"provider_id": "CA1", "response": {"sid": "CA1"}}'), 'done 1 final', 'ok: done');
SELECT results_eq('SELECT tableoid::regclass::text, payload, provider_ref, locked_by, slot, finished_at IS NOT NULL FROM switchboard.jobs',
    $$SELECT 'switchboard.jobs_finished_' || switchboard._finished_slot(now()), NULL::jsonb, 'CA1', NULL::text,
             switchboard._finished_slot(now()), true$$, 'it left the hot table, without its payload');
SELECT results_eq('SELECT outcome, final, provider_id, payload, response FROM q.told',
    $$VALUES ('ok', true, 'CA1', '{"n": 1}'::jsonb, '{"sid": "CA1"}'::jsonb)$$, 'the dialer got everything');
SELECT is(q.outcome('retry', '{}', '{"retry_in_ms": 30000, "code": "429", "error": "slow down"}'), 'ready 1 429', 'retry: ready again');
SELECT is(q.due_in(), 30, 'after the wait');
SELECT is((SELECT last_error FROM switchboard.jobs_open), 'slow down', 'with the reason');
SELECT is((SELECT final FROM q.told), false, 'not final');
SELECT is(q.outcome('retry', '{"max_attempts": 1}', '{"code": "503"}'), 'dead 1 503 final', 'retry without attempts left: dead');
SELECT is(q.outcome('permanent', '{"payload": {"n": 2}}', '{"code": "400"}'), 'dead 1 400 final', 'permanent: dead');
SELECT is((SELECT payload FROM switchboard.dead_jobs), '{"n": 2}', 'a dead job keeps its payload');
SELECT is(q.outcome('suppress', '{}', '{"code": "21610"}'), 'dead 1 21610 final', 'suppress: dead');
SELECT is(q.outcome('unknown', '{"kind": "call"}', '{"code": "timeout"}'), 'in_doubt 1 timeout', 'unknown for a call: in doubt');
SELECT isnt((SELECT sending_at FROM switchboard.jobs_open), NULL, 'with the time of sending kept for the look-up');
SELECT is(q.due_in(), 5, 'looked up after five seconds');
SELECT is(q.outcome('unknown', '{"kind": "webhook"}'), 'ready 1', 'unknown for a webhook: sent again');
SELECT is(q.outcome('unknown', '{"kind": "webhook", "max_attempts": 1}'), 'dead 1 final', 'unless that was its last attempt');
SELECT is(q.outcome('retry', '{}', '{"retry_in_ms": 99999999999999}'), 'ready 1', 'an absurd wait');
SELECT ok(q.due_in() <= 30 * 86400, 'is cut to thirty days');

-- Settling a doubt.
CREATE FUNCTION q.settle(outcome text, kind text, max_attempts int DEFAULT 8, sent interval DEFAULT '1 min', more jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    reply json;
    job uuid;
BEGIN
    DELETE FROM switchboard.jobs;
    DELETE FROM q.told;
    job := q.enqueue('a', 1, jsonb_build_object('kind', kind, 'max_attempts', max_attempts));
    UPDATE switchboard.jobs_open SET state = 'in_doubt', attempt = 1, sending_at = clock_timestamp() - sent, provider_ref = 'X';
    reply := q.claim('w');
    IF reply -> 'jobs' -> 0 ->> 'state' <> 'in_doubt' OR (reply -> 'jobs' -> 0 ->> 'attempt')::int <> 1
       OR (reply -> 'jobs' -> 0 ->> 'sent_ms_ago')::numeric < 60000 OR (reply -> 'jobs' -> 0 ->> 'note')::boolean THEN
        RETURN 'a look-up must be claimed as such and be no attempt';
    END IF;
    reply := q.finish('w', q.results(reply, outcome, more));
    RETURN concat_ws(' ', q.stand(job), (SELECT CASE WHEN t.final THEN 'final' END FROM q.told t));
END
$$;
SELECT is(q.settle('ok', 'call', more => '{"provider_id": "CA2"}'), 'done 1 final', 'found: done');
SELECT is((SELECT provider_ref FROM switchboard.jobs), 'CA2', 'with the provider''s name for it');
SELECT is(q.settle('absent', 'call'), 'dead 1 not_placed final', 'a call the provider does not know is dead, never dialed again');
SELECT is(q.settle('absent', 'message'), 'ready 1', 'a message is sent again');
SELECT is(q.settle('absent', 'message', 1), 'dead 1 final', 'unless its attempts are used up');
SELECT is(q.settle('retry', 'call', more => '{"code": "500", "retry_in_ms": 20000}'), 'in_doubt 1 500', 'could not ask: still in doubt');
SELECT is(q.due_in(), 20, 'asked again later');
SELECT is(q.settle('retry', 'call', sent => '25 hours'), 'dead 1 in_doubt final', 'not for ever');

-- Fencing.
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a') AS job \gset
SELECT q.claim('w') AS reply \gset
SELECT is(q.finish('w', q.results(:'reply', 'ok', '{"token": 7}')) ->> 'stale', format('["%s"]', :'job'), 'a stale token changes nothing and is reported');
SELECT is(q.stand(:'job'), 'running 1 claimed');
SELECT is(q.finish('w', q.results(:'reply', 'retry')) ->> 'stale', '[]');
SELECT is(q.finish('w', q.results(:'reply', 'retry')) ->> 'stale', format('["%s"]', :'job'), 'a result sent twice counts once');
SELECT is((SELECT count(*)::int FROM q.told WHERE job_id = :'job'), 1);
UPDATE switchboard.jobs_open SET run_at = clock_timestamp();
SELECT q.claim('w') AS second \gset
SELECT is(q.finish('w', q.results(:'reply', 'ok')) ->> 'stale', format('["%s"]', :'job'), 'the first claim cannot finish the second one''s job');
SELECT is(q.finish('w', q.results(:'second', 'ok')) ->> 'stale', '[]');
SELECT is(q.finish('w', q.results(:'second', 'ok')) ->> 'stale', format('["%s"]', :'job'), 'nor is one finished twice');
SELECT is(q.finish('w', '[{"id": "00000000-0000-0000-0000-000000000001", "token": 1, "outcome": "ok"}]') ->> 'stale',
    '["00000000-0000-0000-0000-000000000001"]', 'an unknown job is stale');

SELECT q.enqueue('a', 2) \g /dev/null
SELECT q.claim('w') AS reply \gset
SELECT q.finish('w', (SELECT json_agg(jsonb_build_object('id', j -> 'id', 'token', j -> 'token', 'outcome', 'retry', 'retry_in_ms', n * 7000))
    FROM json_array_elements(:'reply'::json -> 'jobs') WITH ORDINALITY e(j, n))) AS reply \gset
SELECT ok((:'reply'::json ->> 'next_due_ms')::int BETWEEN 5000 AND 7000, 'a turn that claims nothing tells when its retries fall due');

-- A batch with a job that is poison for the dialer.
DELETE FROM switchboard.jobs;
DELETE FROM q.told;
SELECT q.enqueue('a', 20), q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-0000000000ff", "payload": {"poison": 1}}') \g /dev/null
SET LOCAL client_min_messages = error;
SELECT is(q.finish('w', q.results(q.claim('w'), 'ok')) ->> 'stale', '[]', 'a poisonous result');
SELECT is((SELECT count(*)::int FROM switchboard.jobs WHERE state = 'done' AND last_error IS NULL), 20, 'does not hold up the others');
SELECT results_eq($$SELECT state::text, last_error FROM switchboard.jobs WHERE id = '00000000-0000-0000-0000-0000000000ff'$$,
    $$VALUES ('done', 'effects failed: poison')$$, 'and is recorded itself, without effects, with the reason');
SELECT is((SELECT count(*)::int FROM q.told WHERE outcome = 'ok' AND payload = '{}'), 20, 'the effects of the others are there');
RESET client_min_messages;

-- Bytes of foreign servers.
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a') AS job \gset
SELECT q.claim('w') AS reply \gset
SELECT lives_ok(format($$SELECT switchboard._worker_turn(%L)$$, format(
    '{"worker":"w","finished":[{"id":"%s","token":1,"outcome":"permanent","error":"a\u0000b \\u0000 \\\u0000","response":{"x":"\u0000"}}],"claim":null}', :'job')),
    'a NUL escape in an answer');
SELECT is((SELECT last_error FROM switchboard.jobs), E'a\uFFFDb \\u0000 \\\uFFFD', 'becomes a replacement character, and nothing else does');

-- Errors that are nobody's fault end the turn.
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a') AS job \gset
SELECT q.claim('w') AS reply \gset
CREATE OR REPLACE FUNCTION switchboard._apply_job_results(results switchboard.job_result[]) RETURNS void LANGUAGE plpgsql
AS $$ BEGIN RAISE deadlock_detected; END $$;
SELECT throws_ok(format($$SELECT q.finish('w', q.results(%L, 'ok'))$$, :'reply'), '40P01', NULL, 'a deadlock in the effects ends the turn, to be sent again');
SELECT is(q.stand(:'job'), 'running 1 claimed', 'nothing is recorded');

-- The ring of finished jobs.
DELETE FROM switchboard.jobs;
INSERT INTO switchboard.jobs_finished (tenant_id, kind, state, slot, finished_at)
SELECT q.tenant('a'), 'webhook', 'done', switchboard._finished_slot(d), d
  FROM generate_series(timestamptz '2026-01-01 12:00+00', '2026-01-20 12:00+00', '1 day') d;
SELECT throws_ok($$SELECT switchboard._drop_old_jobs('2026-01-20 13:00+00', '19 days')$$, '22023', NULL, 'longer than the ring is refused');
SELECT is(switchboard._drop_old_jobs('2026-01-20 13:00+00') > 0, true, 'old leaves are emptied');
SELECT ok(min(finished_at) > timestamptz '2026-01-20 13:00+00' - interval '17 days' AND
          min(finished_at) <= timestamptz '2026-01-20 13:00+00' - interval '13 days', 'what is younger than 14 days stays')
  FROM switchboard.jobs;
SELECT is((SELECT count(*)::int FROM switchboard.jobs WHERE finished_at > timestamptz '2026-01-20 13:00+00' - interval '14 days'), 14);
SELECT is(switchboard._drop_old_jobs('2026-01-20 13:00+00'), 0, 'once');
-- Whatever the hour, nothing younger than asked for is ever lost.
CREATE FUNCTION q.young(at timestamptz) RETURNS int LANGUAGE sql
AS $$ SELECT count(*)::int FROM switchboard.jobs WHERE finished_at > at - interval '2 days' $$;
SELECT q.young('2026-01-20 13:00+00') AS young0, q.young('2026-01-21 01:00+00') AS young1, q.young('2026-01-22 11:00+00') AS young2 \gset
SELECT switchboard._drop_old_jobs('2026-01-20 13:00+00', '2 days') \g /dev/null
SELECT is(q.young('2026-01-20 13:00+00'), :young0);
SELECT switchboard._drop_old_jobs('2026-01-21 01:00+00', '2 days') \g /dev/null
SELECT is(q.young('2026-01-21 01:00+00'), :young1);
SELECT switchboard._drop_old_jobs('2026-01-22 11:00+00', '2 days') \g /dev/null
SELECT is(q.young('2026-01-22 11:00+00'), :young2);

SELECT * FROM finish();
ROLLBACK;
