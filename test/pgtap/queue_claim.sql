-- Claiming: order, fair share, limits, marks, what a worker is told.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql
SELECT q.hello('w') \g /dev/null
CREATE FUNCTION q.by_tenant(reply json) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(t.name || n, ' ' ORDER BY t.name)
      FROM (SELECT j ->> 'tenant_id' AS id, count(*) AS n FROM json_array_elements(reply -> 'jobs') j GROUP BY 1) c
      JOIN switchboard.tenants t ON t.id = c.id::uuid
$$;
CREATE FUNCTION q.release(worker text, reply json) RETURNS json LANGUAGE sql
AS $$ SELECT switchboard._worker_release(q.keys(worker, reply)) $$;

SELECT is(q.count(q.claim('w')), 0, 'nothing to claim');
SELECT is(q.claim('w') ->> 'next_due_ms', NULL, 'and nothing to wait for');
SELECT ok((q.claim('w', 0) ->> 'next_due_ms')::int BETWEEN 1 AND 1000, 'a worker without room is not told that nothing waits');
SELECT throws_ok($$SELECT q.claim('stranger')$$, 'P0002', 'unknown worker: stranger');

-- What a worker is told of a job.
SELECT q.account('a', 'twilio', '{"in_doubt": "lookup", "public_url": "https://x"}') AS account \gset
INSERT INTO switchboard.provider_secrets (tenant_id, account_id, name, value) VALUES (q.tenant('a'), :'account', 'auth_token', 'env:TOKEN');
SELECT q.enqueue('a', 1, jsonb_build_object('kind', 'call', 'account_id', :'account', 'payload', '{"to": "+1"}'::jsonb)) AS job \gset
SELECT q.claim('w') AS reply \gset
SELECT results_eq(format($$SELECT (%L::json -> 'jobs' -> 0)::jsonb - '{age_ms}'::text[]$$, :'reply'),
    format($$VALUES (jsonb_build_object('id', %L, 'token', 1, 'kind', 'call', 'state', 'running', 'attempt', 1, 'max_attempts', 8,
        'lane', %2$L, 'tenant_id', q.tenant('a'), 'account_id', %2$L, 'subject_id', NULL, 'payload', '{"to": "+1"}',
        'sent_ms_ago', NULL, 'note', true))$$, :'job', :'account'), 'the job');
SELECT results_eq(format($$SELECT (%L::json -> 'accounts' -> 0)::jsonb - '{name}'::text[]$$, :'reply'),
    format($$VALUES (jsonb_build_object('id', %L, 'tenant_id', q.tenant('a'), 'provider', 'twilio', 'base_url', NULL,
        'settings', '{"in_doubt": "lookup", "public_url": "https://x"}'::jsonb, 'rate_per_second', NULL, 'max_in_flight', NULL,
        'secrets', '{"auth_token": "env:TOKEN"}'::jsonb))$$, :'account'), 'its account, with references to secrets');
SELECT is(q.stand(:'job'), 'running 1 claimed');
SELECT is(q.count(q.claim('w')), 0, 'a claimed job is not claimed again');
DELETE FROM switchboard.jobs;

SELECT results_eq(
    format($$SELECT k.kind, (q.claim('w') -> 'jobs' -> 0 ->> 'note')::boolean
        FROM (SELECT kind, account, q.enqueue('a', 1, jsonb_build_object('kind', kind, 'account_id', account))
                FROM (VALUES ('call', %1$L::uuid), ('message', %1$L::uuid), ('message', NULL), ('webhook', %1$L::uuid)) v(kind, account)) k$$,
        :'account'),
    $$VALUES ('call', true), ('message', true), ('message', false), ('webhook', false)$$,
    'calls, and messages that the provider can be asked about, must be noted before they are sent');
DELETE FROM switchboard.jobs;
SELECT q.enqueue('b', 1, jsonb_build_object('account_id', :'account')) \g /dev/null
SELECT is((q.claim('w') -> 'jobs' -> 0 ->> 'account_id'), NULL, 'nobody gets at another tenant''s account');
DELETE FROM switchboard.jobs;

-- Order within a lane: priority, then run_at.
SELECT q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000001", "run_at": "2020-01-02"}'),
       q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000002", "run_at": "2020-01-01"}'),
       q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000003", "run_at": "2020-01-03", "priority": 5}'),
       q.enqueue('a', 1, '{"id": "00000000-0000-0000-0000-000000000004", "run_at": "2100-01-01", "priority": 9}') \g /dev/null
SELECT q.claim('w', 2) AS reply \gset
SELECT is(q.ids(:'reply'), '{00000000-0000-0000-0000-000000000003,00000000-0000-0000-0000-000000000002}'::uuid[],
    'higher priority first, then the older one; not what is not due');
SELECT is((:'reply'::json ->> 'next_due_ms')::int, 0, 'there is more');
SELECT is(q.ids(q.claim('w', 2)), '{00000000-0000-0000-0000-000000000001}'::uuid[], 'the rest');
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a', 1, jsonb_build_object('run_at', clock_timestamp() + interval '10 s')) \g /dev/null
SELECT cmp_ok((q.claim('w') ->> 'next_due_ms')::numeric, '>', 8000::numeric, 'a delayed job is announced');
SELECT cmp_ok((q.claim('w') ->> 'next_due_ms')::numeric, '<=', 10000::numeric);
DELETE FROM switchboard.jobs;

-- Fair share.
SELECT q.enqueue('a', 1000) \g /dev/null
SELECT q.enqueue('b', 1000) \g /dev/null
SELECT q.enqueue('c', 1) \g /dev/null
SELECT q.claim('w', 30) AS reply \gset
SELECT is(q.by_tenant(:'reply'), 'a15 b14 c1', 'the limit is divided among tenants; what one cannot use goes to the others');
SELECT q.release('w', :'reply') \g /dev/null
DELETE FROM switchboard.jobs WHERE tenant_id = q.tenant('b');
SELECT is(q.by_tenant(q.claim('w', 100)), 'a99 c1', 'a backlog of 1,000 does not hold up one job of another tenant');
SELECT q.enqueue('b', 3) \g /dev/null
SELECT q.enqueue('c', 3) \g /dev/null
SELECT q.claim('w', 1, '{"lanes": []}') AS reply \gset
SELECT q.by_tenant(:'reply') AS turn1 \gset
SELECT q.claim('w', 1, jsonb_build_object('lanes', :'reply'::jsonb -> 'lanes')) AS reply \gset
SELECT q.by_tenant(:'reply') AS turn2 \gset
SELECT q.claim('w', 1, jsonb_build_object('lanes', :'reply'::jsonb -> 'lanes')) AS reply \gset
SELECT q.by_tenant(:'reply') AS turn3 \gset
SELECT set_eq(format('VALUES (%L), (%L), (%L)', :'turn1', :'turn2', :'turn3'), $$VALUES ('a1'), ('b1'), ('c1')$$,
    'with fewer places than tenants they take turns');
DELETE FROM switchboard.jobs;

SELECT q.account('a', 'webhook') AS lane1 \gset
SELECT q.account('a', 'webhook') AS lane2 \gset
SELECT q.enqueue('a', 500, jsonb_build_object('account_id', :'lane1')) \g /dev/null
SELECT q.enqueue('a', 20, jsonb_build_object('account_id', :'lane2')) \g /dev/null
SELECT q.enqueue('b', 500) \g /dev/null
SELECT q.claim('w', 40) AS reply \gset
SELECT is(q.by_tenant(:'reply'), 'a20 b20', 'accounts do not multiply a tenant''s share');
SELECT results_eq(format($$SELECT count(*)::int FROM json_array_elements(%L::json -> 'jobs') j WHERE j ->> 'tenant_id' = q.tenant('a')::text
    GROUP BY j ->> 'lane'$$, :'reply'), 'VALUES (10), (10)', 'they share it');
SELECT q.release('w', :'reply') \g /dev/null

-- Limits of lanes.
SELECT is(q.by_tenant(q.claim('w', 40, jsonb_build_object('caps', jsonb_build_object(:'lane1', 0, q.tenant('b'), 3)))), 'a20 b3',
    'no more than a lane''s cap, and nothing from a lane that is capped to 0');
SELECT is(q.by_tenant(q.claim('w', 40, '{"default_cap": 5}')), 'a5 b5', 'default_cap is for lanes not named');
UPDATE switchboard.provider_accounts SET enabled = false WHERE id = :'lane1';
SELECT is(q.by_tenant(q.claim('w', 10)), 'b10', 'jobs of a disabled account wait');
DELETE FROM switchboard.jobs WHERE tenant_id = q.tenant('b');
SELECT q.claim('w') AS reply \gset
SELECT is(:'reply'::json ->> 'next_due_ms', NULL, 'without keeping the worker awake');
UPDATE switchboard.provider_accounts SET enabled = true WHERE id = :'lane1';
SELECT cmp_ok(q.count(q.claim('w')), '=', 100, 'enabled again');
DELETE FROM switchboard.jobs;

-- Marks: lanes are known by echoing them, and found by discovering.
SELECT q.enqueue('a', 5) \g /dev/null
SELECT q.claim('w', 2) AS reply \gset
SELECT is(json_array_length(:'reply'::json -> 'lanes'), 1, 'a lane with work is remembered');
SELECT q.enqueue('b', 5) \g /dev/null
SELECT q.claim('w', 2, jsonb_build_object('discover', false, 'lanes', :'reply'::jsonb -> 'lanes')) AS reply \gset
SELECT is(q.by_tenant(:'reply'), 'a2', 'without discovery only known lanes are looked at');
SELECT q.claim('w', 9, jsonb_build_object('lanes', :'reply'::jsonb -> 'lanes')) AS reply \gset
SELECT is(q.by_tenant(:'reply'), 'a1 b5', 'with it the others, too');
SELECT ok((:'reply'::json ->> 'next_due_ms')::int BETWEEN 1 AND 5000, 'lanes that ran dry are looked at once more from their start');

-- What was committed late with an old run_at lies below the mark.
SELECT q.enqueue('a', 1, jsonb_build_object('run_at', clock_timestamp() - interval '1 hour')) \g /dev/null
SELECT is(q.count(q.claim('w', 9, jsonb_build_object('lanes', :'reply'::jsonb -> 'lanes'))), 0, 'a job below the mark is not seen at once');
SELECT is(q.count(q.claim('w', 9, jsonb_build_object('lanes', :'reply'::jsonb -> 'lanes', 'since', clock_timestamp() - interval '2 hours'))), 1,
    'unless the wake-up told of it');
SELECT q.enqueue('a', 1, jsonb_build_object('run_at', clock_timestamp() - interval '1 hour')) \g /dev/null
SELECT jsonb_agg(l || jsonb_build_object('since', format('%s,%s,%s,1', split_part(l ->> 'since', ',', 1),
           split_part(l ->> 'since', ',', 2)::bigint - 6000000, split_part(l ->> 'since', ',', 3)))) AS older
  FROM jsonb_array_elements(:'reply'::jsonb -> 'lanes') l \gset
SELECT is(q.count(q.claim('w', 9, jsonb_build_object('lanes', :'older'::jsonb))), 1, 'or five seconds have gone by');
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a', 1, '{"run_at": "2020-01-01"}') \g /dev/null
SELECT is(q.count(q.claim('w', 9, '{"lanes": []}')), 1, 'a worker without marks sees everything');
DELETE FROM switchboard.jobs;
SELECT q.enqueue('a', 3, '{"run_at": "2020-01-01"}') \g /dev/null
SELECT q.claim('w', 1) AS reply \gset
SELECT is(q.count(q.claim('w', 9, jsonb_build_object('discover', false, 'lanes', :'reply'::jsonb -> 'lanes'))), 2,
    'others of the same instant as the mark are not lost');
DELETE FROM switchboard.jobs;

-- Many lanes.
INSERT INTO switchboard.tenants (name) SELECT 'many ' || n FROM generate_series(1, 300) n;
INSERT INTO switchboard.jobs_open (tenant_id, kind) SELECT t.id, 'webhook' FROM switchboard.tenants t, generate_series(1, 3);
SELECT q.claim('w', 400) AS reply \gset
SELECT is((SELECT max(n)::int FROM (SELECT count(*) AS n FROM json_array_elements(:'reply'::json -> 'jobs') j GROUP BY j ->> 'lane') c), 2,
    'of 303 tenants none gets three places of 400');
SELECT is(q.count(:'reply'), 400, 'and all 400 are used');

SELECT * FROM finish();
ROLLBACK;
