-- The figures of calls are those of a recount: after random changes, for random questions, whoever asks.
\set ON_ERROR_STOP on
SELECT no_plan();
\ir support/analytics.sql

CREATE TEMP TABLE cast_of AS SELECT switchboard.uuid_v7() AS tenant, switchboard.uuid_v7() AS other;
INSERT INTO switchboard.tenants (id, name, timezone) SELECT tenant, 'acme', 'America/New_York' FROM cast_of UNION ALL SELECT other, 'globex', 'UTC' FROM cast_of;
INSERT INTO switchboard.users (tenant_id, name, role)
SELECT tenant, 'u' || n, CASE n WHEN 1 THEN 'supervisor'::switchboard.user_role ELSE 'agent' END FROM cast_of, generate_series(1, 4) n;
INSERT INTO switchboard.users (tenant_id, name) SELECT other, 'o' FROM cast_of;
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, timezone)
SELECT tenant, NULL, zone, zone FROM cast_of, unnest(test_analytics.zones()) zone;

CREATE FUNCTION pg_temp.pick(relation regclass, tenant uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE one uuid;
BEGIN
  EXECUTE format('SELECT id FROM %s WHERE tenant_id = $1 ORDER BY random() LIMIT 1', relation) INTO one USING tenant;
  RETURN one;
END $$;
CREATE FUNCTION pg_temp.status() RETURNS switchboard.call_status LANGUAGE sql VOLATILE AS $$
  SELECT (enum_range(NULL::switchboard.call_status))[1 + floor(random() * 8)::int] $$;

CREATE FUNCTION pg_temp.change(tenant uuid, other uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CASE floor(random() * 10)::int
    WHEN 0, 1, 2 THEN
      INSERT INTO switchboard.call_logs (tenant_id, user_id, campaign_id, status, duration, started_at, answered_at, abandoned, answered_by, direction)
      SELECT tenant, CASE WHEN random() < 0.6 THEN pg_temp.pick('switchboard.users', tenant) END,
             CASE WHEN random() < 0.7 THEN pg_temp.pick('switchboard.campaigns', tenant) END, pg_temp.status(),
             CASE WHEN random() < 0.6 THEN floor(random() * 600)::int END, test_analytics.moment(),
             CASE WHEN random() < 0.5 THEN now() END, random() < 0.2,
             (enum_range(NULL::switchboard.answered_by))[1 + floor(random() * 5)::int],
             (enum_range(NULL::switchboard.direction))[1 + floor(random() * 2)::int]
      FROM generate_series(1, floor(random() * 12)::int);
    WHEN 3 THEN UPDATE switchboard.call_logs SET status = pg_temp.status() WHERE random() < 0.1;
    WHEN 4 THEN UPDATE switchboard.call_logs SET duration = floor(random() * 60)::int, answered_at = CASE WHEN random() < 0.7 THEN now() END,
                  abandoned = random() < 0.5 WHERE random() < 0.1;
    WHEN 5 THEN UPDATE switchboard.call_logs SET started_at = test_analytics.moment() WHERE random() < 0.1;
    WHEN 6 THEN UPDATE switchboard.call_logs c SET user_id = CASE WHEN random() < 0.5 THEN pg_temp.pick('switchboard.users', c.tenant_id) END,
                  campaign_id = CASE WHEN random() < 0.5 THEN pg_temp.pick('switchboard.campaigns', c.tenant_id) END WHERE random() < 0.1;
    WHEN 7 THEN DELETE FROM switchboard.call_logs WHERE random() < 0.05;
    WHEN 8 THEN
      MERGE INTO switchboard.call_logs c USING (SELECT id FROM switchboard.call_logs WHERE random() < 0.1) m ON c.id = m.id
      WHEN MATCHED AND c.status = 'failed' THEN DELETE
      WHEN MATCHED THEN UPDATE SET status = 'completed', direction = 'outbound', answered_by = 'human';
    ELSE
      INSERT INTO switchboard.call_logs (tenant_id, user_id, status) VALUES (other, pg_temp.pick('switchboard.users', other), 'busy');
  END CASE;
END $$;

-- One question, asked by somebody; whether the answer is that of a recount.
CREATE FUNCTION pg_temp.wrong_answer(tenant uuid) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  low timestamptz := CASE WHEN random() < 0.8 THEN test_analytics.moment() END;
  high timestamptz := CASE WHEN random() < 0.8 THEN test_analytics.moment() END;
  campaign uuid := CASE WHEN random() < 0.6 THEN pg_temp.pick('switchboard.campaigns', tenant) END;
  said jsonb;
  right_answer jsonb;
BEGIN
  PERFORM switchboard.set_identity(tenant, CASE WHEN random() < 0.7 THEN pg_temp.pick('switchboard.users', tenant) END);
  PERFORM set_config('timezone', (test_analytics.zones())[1 + floor(random() * 13)::int], true);
  IF random() < 0.1 THEN
    PERFORM set_config('switchboard.tenant_id', '', true);
  END IF;
  said := switchboard.get_analytics(least(low, high), greatest(low, high), campaign);
  right_answer := test_analytics.recount(least(low, high), greatest(low, high), campaign);
  IF said = right_answer THEN
    RETURN 0;
  END IF;
  RAISE WARNING 'from % to %, campaign %, user %: % is not %', least(low, high), greatest(low, high),
    (SELECT name FROM switchboard.campaigns WHERE id = campaign), current_setting('switchboard.user_id', true),
    said #- '{analytics,recentCalls}', right_answer #- '{analytics,recentCalls}';
  RETURN 1;
END $$;

CREATE TEMP TABLE outcome (wrong int);
-- Short transactions: rows changed many times in one long transaction would cost more than what is tested.
CREATE PROCEDURE pg_temp.rounds(n int) LANGUAGE plpgsql AS $$
DECLARE
  players record;
BEGIN
  SELECT * INTO players FROM cast_of;
  PERFORM setseed(0.42);
  FOR i IN 1 .. n LOOP
    BEGIN
      PERFORM pg_temp.change(players.tenant, players.other);
      IF random() < 0.2 THEN
        RAISE EXCEPTION 'rolled back';
      END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    IF random() < 0.3 THEN
      COMMIT;
    END IF;
    IF random() < 0.2 THEN
      PERFORM switchboard._fold_call_rollups(floor(random() * 100)::int);
    END IF;
    INSERT INTO outcome SELECT pg_temp.wrong_answer(players.tenant) FROM generate_series(1, 3);
  END LOOP;
END $$;
DO $$ BEGIN PERFORM pg_temp.change(tenant, other) FROM cast_of, generate_series(1, 300); END $$;
CALL pg_temp.rounds(500);
SELECT is(sum(wrong), 0::bigint, format('%s answers are those of a recount', count(*))) FROM outcome;
SELECT cmp_ok(count(*), '>', 100::bigint, 'there were calls') FROM switchboard.call_logs;
SELECT cmp_ok(count(*), '>', 100::bigint, 'and cells') FROM switchboard.call_rollups;

-- Figures that were lost or forged are made anew; while they are wrong the comparison above does notice.
SELECT tenant FROM cast_of \gset
CREATE FUNCTION pg_temp.wrong(tenant uuid, low timestamptz DEFAULT NULL, high timestamptz DEFAULT NULL) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.set_identity(tenant);
  RETURN (switchboard.get_analytics(low, high) IS DISTINCT FROM test_analytics.recount(low, high, NULL))::int;
END $$;
SELECT is(pg_temp.wrong(:'tenant'), 0, 'right');
INSERT INTO switchboard.call_logs (tenant_id, status, started_at) VALUES (:'tenant', 'busy', 'infinity'), (:'tenant', 'busy', '-infinity');
SELECT is(pg_temp.wrong(:'tenant', t.at, t.at), 0, 'calls at ' || t.at || ' are counted once') FROM unnest('{infinity,-infinity}'::timestamptz[]) AS t (at);
UPDATE switchboard.call_rollups SET seconds = seconds + 1;
DELETE FROM switchboard.call_rollup_deltas;
SELECT is(pg_temp.wrong(:'tenant'), 1, 'a forged cell shows');
SELECT cmp_ok(switchboard.rebuild_call_rollups(), '>', 100::bigint, 'the owner of the extension rebuilds all cells');
SELECT is(pg_temp.wrong(:'tenant'), 0, 'and they are right');
SET session_replication_role = replica;
DELETE FROM switchboard.call_logs WHERE status = 'busy';
INSERT INTO switchboard.call_logs (tenant_id, status) SELECT :'tenant', 'ringing' FROM generate_series(1, 3);
RESET session_replication_role;
SELECT is(pg_temp.wrong(:'tenant'), 1, 'what was loaded with triggers off does not count');
INSERT INTO switchboard.call_logs (tenant_id, status) VALUES (:'tenant', 'ringing');
SELECT isnt(switchboard.rebuild_call_rollups(), 0::bigint, 'until the cells are rebuilt');
SELECT is(pg_temp.wrong(:'tenant'), 0, 'with deltas pending too');

BEGIN;
CREATE ROLE sb_rollups_agent LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_rollups_supervisor LOGIN IN ROLE switchboard_app;
UPDATE switchboard.users SET login_role = 'sb_rollups_supervisor' WHERE tenant_id = :'tenant' AND role = 'supervisor';
UPDATE switchboard.users SET login_role = 'sb_rollups_agent' WHERE tenant_id = :'tenant' AND name = 'u2';
SET SESSION AUTHORIZATION sb_rollups_agent;
SELECT throws_ok('SELECT switchboard.rebuild_call_rollups()', '42501', NULL, 'agents may not rebuild');
SELECT is(switchboard.get_analytics(), test_analytics.recount(NULL, NULL, NULL), 'an agent''s answer under row level security');
SELECT throws_ok('SELECT switchboard._fold_call_rollups()', '42501', NULL, 'folding is not for the application');
SELECT is((SELECT count(*) FROM switchboard.call_rollups WHERE audience = '00000000-0000-0000-0000-000000000000'), 0::bigint,
          'and sees no cells of everybody');
SET SESSION AUTHORIZATION sb_rollups_supervisor;
SELECT isnt(switchboard.rebuild_call_rollups(), 0::bigint, 'supervisors may, for their tenant');
SELECT is(switchboard.get_analytics(), test_analytics.recount(NULL, NULL, NULL), 'a supervisor''s answer under row level security');
SELECT throws_ok($$SELECT switchboard.get_analytics('2026-02-01', '2026-01-01')$$, '22023', NULL, 'a range that ends before it starts');
SELECT throws_ok('SELECT switchboard.get_analytics(NULL, NULL, switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');
RESET SESSION AUTHORIZATION;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT throws_ok('SELECT switchboard.rebuild_call_rollups()', '25001', NULL, 'not with an old snapshot');
SELECT is(switchboard._fold_call_rollups(), 0, 'nor is anything folded then');
ROLLBACK;

-- COPY, a statement larger than what is added up at once, cells that become empty, TRUNCATE.
CREATE TEMP TABLE many AS SELECT :'tenant'::uuid AS tenant_id, '2026-01-01 00:00+00'::timestamptz + n * interval '15 minutes' AS started_at, n % 9 AS duration
  FROM generate_series(1, 70000) n;
INSERT INTO switchboard.call_logs (tenant_id, started_at, duration) SELECT * FROM many;
SELECT is(pg_temp.wrong(:'tenant'), 0, 'a large statement');
SELECT cmp_ok(switchboard._fold_call_rollups(1000), '<=', 1000, 'folding is bounded');
SELECT cmp_ok(switchboard._fold_call_rollups(), '>', 60000, 'and goes on where it was');
SELECT is(pg_temp.wrong(:'tenant'), 0, 'without a difference');
DELETE FROM switchboard.call_logs;
SELECT is(switchboard._fold_call_rollups() > 0, true, 'all is taken off');
SELECT is((SELECT count(*) FROM switchboard.call_rollups), 0::bigint, 'and no empty cell stays');
INSERT INTO switchboard.call_logs (tenant_id) VALUES (:'tenant');
TRUNCATE switchboard.call_logs CASCADE;
SELECT is((SELECT count(*) FROM switchboard.call_rollup_deltas), 0::bigint, 'TRUNCATE empties all');
INSERT INTO switchboard.tenants (id, name) VALUES ('00000000-0000-0000-0000-00000000000f', 'copied');
COPY switchboard.call_logs (tenant_id, status, duration) FROM stdin;
00000000-0000-0000-0000-00000000000f	ringing	7
00000000-0000-0000-0000-00000000000f	ringing	8
\.
SELECT is(jsonb_build_array(status, n_calls, seconds), '["ringing", 2, 15]', 'COPY counts, added up by cell') FROM switchboard.call_rollup_deltas;
UPDATE switchboard.call_logs SET notes = 'x', metadata = '{"a": 1}', recording_url = 'https://example.test/r.wav';
SELECT is((SELECT count(*) FROM switchboard.call_rollup_deltas), 1::bigint, 'an update of nothing that counts leaves no trace');
DELETE FROM switchboard.tenants WHERE id = '00000000-0000-0000-0000-00000000000f';
SELECT is((SELECT sum(n_calls) FROM switchboard.call_rollup_deltas), 0::bigint, 'a tenant takes its calls along');

-- The parts.
SELECT is(switchboard._add_arrays('{1,2}', '{10,20,30}'), '{11,22,30}', 'arrays are added');
SELECT is(switchboard._add_arrays(NULL, '{1}'), NULL, 'none is none');
SELECT throws_ok($$SELECT switchboard._add_arrays('{1,NULL}', '{1}')$$, '22004', NULL, 'no nulls in them');
SELECT is(switchboard._count_at('{}', 3, 5), '{0,0,5}', 'counted at a place');
SELECT throws_ok(format('SELECT switchboard._count_at(''{}'', %s, 1)', place), '22023', NULL, 'no place ' || place) FROM unnest(ARRAY[0, -1, 1441]) place;
SELECT throws_ok('SELECT switchboard._note_calls()', '39P01', NULL, 'a trigger function is not called');
CREATE TRIGGER wrong AFTER INSERT ON switchboard.call_logs FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_calls();
SELECT throws_ok('INSERT INTO switchboard.call_logs (tenant_id) SELECT tenant FROM cast_of', '39P01', NULL, 'nor fired without transition tables');
DROP TRIGGER wrong ON switchboard.call_logs;
SELECT is(switchboard._quarters_ahead('Asia/Kathmandu', '2026-01-01', '24 hours'), 23, 'Nepal is 23 quarters ahead');
SELECT is(switchboard._quarters_ahead('Europe/Berlin', '2026-03-29', '24 hours'), NULL, 'clocks were changed');
SELECT is(switchboard._quarters_ahead('Europe/Amsterdam', '1930-01-01', '15 minutes'), NULL, 'and zones once were off by seconds');
SELECT * FROM finish();
