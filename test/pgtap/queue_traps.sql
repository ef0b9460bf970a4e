-- The traps that queues in PostgreSQL fall into, each shown to be avoided: by counting what statements touch, not by the clock.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/queue.sql
SELECT q.hello('w') \g /dev/null
-- However slow the machine: the look for expired leases, every two seconds, is not what is counted here.
UPDATE switchboard.worker_registry SET seen_at = 'infinity';

-- What this transaction has touched of jobs_open so far.
CREATE FUNCTION q.touched(OUT seq_scans bigint, OUT claim_entries bigint, OUT lease_entries bigint, OUT pkey_entries bigint)
LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans('switchboard.jobs_open'::regclass),
           pg_stat_get_xact_tuples_returned('switchboard.jobs_open_claim'::regclass),
           pg_stat_get_xact_tuples_returned('switchboard.jobs_open_lease'::regclass),
           pg_stat_get_xact_tuples_returned('switchboard.jobs_open_pkey'::regclass)
$$;
-- Claims a hundred and completes them, n times; the most that one claim and one completion touched, and the buffers of the last.
CREATE TABLE q.cost (claim_seq bigint, claim_claim bigint, claim_lease bigint, claim_pkey bigint,
                     finish_seq bigint, finish_claim bigint, finish_lease bigint, finish_pkey bigint, buffers bigint);
CREATE FUNCTION q.work(n int, keep_marks boolean DEFAULT true) RETURNS q.cost LANGUAGE plpgsql AS $$
DECLARE
    t0 record; t1 record; t2 record;
    reply json := '{"lanes": []}';
    cost q.cost;
    plan json;
    worst q.cost := (0, 0, 0, 0, 0, 0, 0, 0, 0);
BEGIN
    FOR i IN 1 .. n LOOP
        SELECT * INTO t0 FROM q.touched();
        reply := q.claim('w', 100, jsonb_build_object('discover', i = 1 OR NOT keep_marks, 'lanes',
                                                      CASE WHEN keep_marks THEN reply::jsonb -> 'lanes' ELSE '[]' END));
        IF q.count(reply) <> 100 THEN
            RAISE EXCEPTION 'turn % claimed %', i, q.count(reply);
        END IF;
        SELECT * INTO t1 FROM q.touched();
        -- Buffers of functions inside count, too.
        EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) SELECT q.finish(''w'', q.results($1, ''ok''))' INTO plan USING reply;
        SELECT * INTO t2 FROM q.touched();
        worst := (greatest(worst.claim_seq, t1.seq_scans - t0.seq_scans), greatest(worst.claim_claim, t1.claim_entries - t0.claim_entries),
                  greatest(worst.claim_lease, t1.lease_entries - t0.lease_entries), greatest(worst.claim_pkey, t1.pkey_entries - t0.pkey_entries),
                  greatest(worst.finish_seq, t2.seq_scans - t1.seq_scans), greatest(worst.finish_claim, t2.claim_entries - t1.claim_entries),
                  greatest(worst.finish_lease, t2.lease_entries - t1.lease_entries), greatest(worst.finish_pkey, t2.pkey_entries - t1.pkey_entries),
                  (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint);
    END LOOP;
    RETURN worst;
END
$$;
-- What one claim touches, without keeping it.
CREATE FUNCTION q.try_claim(lanes jsonb, OUT entries bigint, OUT buffers bigint) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    entries := -(q.touched()).claim_entries;
    BEGIN
        EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) SELECT q.claim(''w'', 100, $1)' INTO plan
          USING jsonb_build_object('lanes', lanes, 'discover', lanes = '[]');
        RAISE EXCEPTION USING ERRCODE = 'QQ000', MESSAGE = plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks';
    EXCEPTION WHEN SQLSTATE 'QQ000' THEN
        buffers := SQLERRM::bigint;
    END;
    entries := entries + (q.touched()).claim_entries;
END
$$;

-- Estimates that are as wrong as can be: statistics of an empty table under a backlog of 50,000.
ANALYZE switchboard.jobs_open;
-- One due each 10 ms, so that the slack of a second that a claim leaves below its mark covers a hundred.
INSERT INTO switchboard.jobs_open (tenant_id, kind, run_at)
SELECT q.tenant('a'), 'webhook', clock_timestamp() - (50000 - n) * interval '10 ms' FROM generate_series(1, 50000) n;

-- Generic plans, as any worker with prepared statements gets them sooner or later.
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT * FROM q.work(10) \gset
SELECT is(:claim_seq + :finish_seq, 0, 'generic plans, statistics of an empty table: no sequential scan');
SELECT cmp_ok(:claim_claim, '<=', 310, 'a claim of a hundred reads no more of its index than the jobs it finds and those just claimed');
SELECT is(:finish_claim + :finish_lease, 0, 'a completion walks no partial index');
SELECT cmp_ok(:finish_pkey, '<=', 200, 'it goes through the primary key, where each job has an entry from before its claim, too');

SET LOCAL plan_cache_mode = force_custom_plan;
SELECT * FROM q.work(10) \gset
SELECT is(ARRAY[:claim_seq, :finish_seq, :finish_claim, :finish_lease], '{0,0,0,0}', 'custom plans, the same statistics: the same');

-- And statistics of a backlog over a table that is nearly empty.
ANALYZE switchboard.jobs_open;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT * FROM q.work(10) \gset
SELECT is(ARRAY[:claim_seq, :finish_seq, :finish_claim, :finish_lease], '{0,0,0,0}', 'generic plans, statistics of 50,000: the same');

-- Dead entries that no vacuum may remove: here because this transaction made them, elsewhere because somebody holds a snapshot.
-- 3,000 jobs have been done so far; do 15,000 more, and compare what a claim costs.
SELECT q.claim('w', 100) AS reply \gset
SELECT q.finish('w', q.results(:'reply', 'ok')) \g /dev/null
SELECT * FROM q.try_claim(:'reply'::jsonb -> 'lanes') \gset before_
SELECT q.work(150) \g /dev/null
SELECT q.claim('w', 100) AS reply \gset
SELECT q.finish('w', q.results(:'reply', 'ok')) \g /dev/null
SELECT * FROM q.try_claim(:'reply'::jsonb -> 'lanes') \gset after_
SELECT * FROM q.try_claim('[]') \gset from_start_
SELECT cmp_ok(:after_buffers, '<=', :before_buffers * 3 / 2,
    format('after 18,000 dead jobs a claim touches %s buffers, %s before', :after_buffers, :before_buffers));
SELECT cmp_ok(:after_entries, '<=', 310, format('and %s index entries', :after_entries));
SELECT cmp_ok(:from_start_entries, '>=', 18000, format('which is due to the mark: from the start it would be %s', :from_start_entries));

-- Discovery goes by lanes, not by jobs.
INSERT INTO switchboard.tenants (name) SELECT 'many ' || n FROM generate_series(1, 500) n;
INSERT INTO switchboard.jobs_open (tenant_id, kind) SELECT t.id, 'webhook' FROM switchboard.tenants t, generate_series(1, 20) WHERE t.name LIKE 'many%';
SELECT (q.touched()).claim_entries AS before \gset
SELECT count(*) AS lanes FROM switchboard._queues(json_build_object('limit', 1, 'discover', true, 'lanes', :'reply'::json -> 'lanes'), clock_timestamp()) \gset
SELECT is(:lanes, 501, '501 lanes are found');
SELECT cmp_ok((q.touched()).claim_entries - :before, '<=', 501::bigint * 2, 'by stepping from one to the next');

-- Finished jobs leave the hot table in the statement that finishes them; what stays behind is thin.
SELECT is((SELECT count(*)::int FROM switchboard.jobs_open WHERE state IN ('done', 'dead')), 0);
SELECT is((SELECT count(*)::int FROM switchboard.jobs_finished WHERE payload IS NOT NULL), 0);

-- Vacuum comes early and does not dawdle, whatever the server's settings.
SELECT set_has($$SELECT unnest(reloptions) FROM pg_class WHERE oid = 'switchboard.jobs_open'::regclass$$,
    $$VALUES ('fillfactor=70'), ('autovacuum_vacuum_scale_factor=0.01'), ('autovacuum_vacuum_cost_delay=0')$$, 'the hot table''s settings');

-- A database that is careless about commits is not, where it matters.
SET LOCAL synchronous_commit = off;
SELECT q.claim('w', 1) \g /dev/null
SELECT is(current_setting('synchronous_commit'), 'local', 'a claim reaches the disk');
SET LOCAL synchronous_commit = off;
SELECT switchboard._worker_note_sending('{"worker": "w", "jobs": []}') \g /dev/null
SELECT is(current_setting('synchronous_commit'), 'local', 'and so does a note');

SELECT * FROM finish();
ROLLBACK;
