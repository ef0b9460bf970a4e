-- Figures of calls, kept up to date by the statements that write call_logs. What a reader adds up is exact for its snapshot, and
-- writers never wait for each other.
--
-- A statement appends what it changed to call_rollup_deltas, and that is all it does: rollback, savepoints and isolation levels need
-- no care of ours. Folding adds up many deltas and moves them to the cells of call_rollups in one transaction, so that a reader
-- sees a change in either place and never in both. One session folds at a time; others do without.
--
-- Calls that started before 2000 or after 2099 are not in the cells; there are none but by mistake, and readers count them.

CREATE OR REPLACE FUNCTION switchboard._add_arrays(counts bigint[], more bigint[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_add_arrays';
REVOKE ALL ON FUNCTION switchboard._add_arrays(bigint[], bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._add_arrays(bigint[], bigint[]) IS
  'Sum of two arrays place by place; the shorter one is filled with zeros. Error: 22004 a null in them.';

CREATE OR REPLACE FUNCTION switchboard._count_at(counts bigint[], place int, n bigint) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_count_at';
REVOKE ALL ON FUNCTION switchboard._count_at(bigint[], int, bigint) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._count_at(bigint[], int, bigint) IS
  'The array with n added at a place, counted from 1. Errors: 22004 a null in it, 22023 no such place.';

CREATE OR REPLACE AGGREGATE switchboard._sum_arrays(bigint[]) (
  SFUNC = switchboard._add_arrays, STYPE = bigint[], COMBINEFUNC = switchboard._add_arrays, PARALLEL = SAFE);
COMMENT ON AGGREGATE switchboard._sum_arrays(bigint[]) IS 'Sum of arrays place by place; NULL of none.';
REVOKE ALL ON FUNCTION switchboard._sum_arrays(bigint[]) FROM PUBLIC;

CREATE OR REPLACE AGGREGATE switchboard._counts(place int, n bigint) (
  SFUNC = switchboard._count_at, STYPE = bigint[], INITCOND = '{}', COMBINEFUNC = switchboard._add_arrays, PARALLEL = SAFE);
COMMENT ON AGGREGATE switchboard._counts(int, bigint) IS 'Array of the sums of n by place.';
REVOKE ALL ON FUNCTION switchboard._counts(int, bigint) FROM PUBLIC;

-- The next ones are inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._call_quarter(started_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT pg_catalog.date_bin('15 minutes', started_at, '2000-01-01 00:00+00') $$;
REVOKE ALL ON FUNCTION switchboard._call_quarter(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._call_quarter(timestamptz) IS 'The first instant of the quarter of an hour.';

CREATE OR REPLACE FUNCTION switchboard._is_counted(started_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT started_at OPERATOR(pg_catalog.>=) '2000-01-01 00:00+00'::timestamptz
     AND started_at OPERATOR(pg_catalog.<) '2100-01-01 00:00+00'::timestamptz
$$;
REVOKE ALL ON FUNCTION switchboard._is_counted(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._is_counted(timestamptz) IS 'Whether calls that started then are in call_rollups.';

CREATE OR REPLACE FUNCTION switchboard._is_live(
  direction switchboard.direction, answered_at timestamptz, answered_by switchboard.answered_by) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT answered_at IS NOT NULL AND direction OPERATOR(pg_catalog.=) 'outbound'::switchboard.direction
     AND (answered_by IS NULL OR answered_by OPERATOR(pg_catalog.=) 'human'::switchboard.answered_by
          OR answered_by OPERATOR(pg_catalog.=) 'unknown'::switchboard.answered_by)
$$;
REVOKE ALL ON FUNCTION switchboard._is_live(switchboard.direction, timestamptz, switchboard.answered_by) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._is_live(switchboard.direction, timestamptz, switchboard.answered_by) IS
  'Whether a call of ours was answered, and not by a machine or fax as far as the provider could tell.';

CREATE OR REPLACE FUNCTION switchboard._merge_call_rollups(source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format($merge$
    WITH noted AS (%s), summed AS MATERIALIZED (
      SELECT n.tenant_id, n.campaign_id, n.user_id, n.quarter, n.status, sum(n.n_calls)::bigint AS n_calls,
             sum(n.n_answered)::bigint AS n_answered, sum(n.n_live)::bigint AS n_live, sum(n.n_abandoned)::bigint AS n_abandoned,
             sum(n.seconds)::bigint AS seconds, sum(n.answered_seconds)::bigint AS answered_seconds
      FROM noted n GROUP BY n.tenant_id, n.campaign_id, n.user_id, n.quarter, n.status
      HAVING (sum(n.n_calls), sum(n.n_answered), sum(n.n_live), sum(n.n_abandoned), sum(n.seconds), sum(n.answered_seconds))
             <> (0, 0, 0, 0, 0, 0)
    )
    INSERT INTO switchboard.call_rollups AS r
      (tenant_id, campaign_id, audience, minutes, starts_at, n_calls, n_answered, n_live, n_abandoned, seconds, answered_seconds,
       by_status, by_quarter)
    SELECT s.tenant_id, k.campaign_id, a.audience, g.minutes, g.starts_at, sum(s.n_calls), sum(s.n_answered), sum(s.n_live),
           sum(s.n_abandoned), sum(s.seconds), sum(s.answered_seconds),
           switchboard._counts(array_position((SELECT enum_range(NULL::switchboard.call_status)), s.status), s.n_calls),
           CASE g.minutes WHEN 1440
                THEN switchboard._counts((extract(epoch FROM s.quarter)::bigint / 900 %% 96)::int + 1, s.n_calls) END
    FROM summed s
    CROSS JOIN LATERAL (VALUES ('00000000-0000-0000-0000-000000000000'::uuid), (s.campaign_id)) AS k (campaign_id)
    CROSS JOIN LATERAL (VALUES ('00000000-0000-0000-0000-000000000000'::uuid),
                               (coalesce(s.user_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))) AS a (audience)
    CROSS JOIN LATERAL (VALUES (15::smallint, s.quarter),
                               (1440::smallint, date_bin('24 hours', s.quarter, '2000-01-01 00:00+00'))) AS g (minutes, starts_at)
    WHERE k.campaign_id IS NOT NULL
      AND (g.minutes = 1440
           OR a.audience IN ('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    GROUP BY s.tenant_id, k.campaign_id, a.audience, g.minutes, g.starts_at
    ORDER BY s.tenant_id, k.campaign_id, a.audience, g.minutes, g.starts_at
    ON CONFLICT (tenant_id, campaign_id, audience, minutes, starts_at) DO UPDATE
    SET n_calls = r.n_calls + excluded.n_calls, n_answered = r.n_answered + excluded.n_answered, n_live = r.n_live + excluded.n_live,
        n_abandoned = r.n_abandoned + excluded.n_abandoned, seconds = r.seconds + excluded.seconds,
        answered_seconds = r.answered_seconds + excluded.answered_seconds,
        by_status = switchboard._add_arrays(r.by_status, excluded.by_status),
        by_quarter = switchboard._add_arrays(r.by_quarter, excluded.by_quarter)
  $merge$, source)
$$;
REVOKE ALL ON FUNCTION switchboard._merge_call_rollups(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._merge_call_rollups(text) IS
  'The statement that adds deltas, which the query given returns, to the cells of call_rollups. For whoever holds the lock of
folding.';

CREATE OR REPLACE FUNCTION switchboard._rollup_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended('switchboard.call_rollups', 0) $$;
REVOKE ALL ON FUNCTION switchboard._rollup_lock() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._rollup_lock() IS 'Key of the advisory lock of whoever changes call_rollups.';

CREATE OR REPLACE FUNCTION switchboard._fold_call_rollups(max_rows int DEFAULT 100000)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
-- The window is found by the index, or by reading a table that may be full of dead rows.
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: cells are written by functions only; the sums stay the same, so nothing can be forged by calling it.
-- Above READ COMMITTED a cell that somebody else changed since our snapshot would raise a serialization failure: not now, then.
DECLARE
  window_rows tid[];
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
     OR NOT pg_try_advisory_xact_lock(switchboard._rollup_lock()) THEN
    RETURN 0;
  END IF;
  -- Rows of this transaction are left alone: folding them would leave dead versions that cannot be cleaned up before commit,
  -- and each later fold would walk them all.
  window_rows := ARRAY(
    SELECT w.row_at
    FROM (SELECT d.ctid AS row_at, d.xmin AS made_by FROM switchboard.call_rollup_deltas d ORDER BY d.id LIMIT max_rows) w
    WHERE w.made_by <> pg_current_xact_id()::xid);
  IF cardinality(window_rows) > 0 THEN
    EXECUTE switchboard._merge_call_rollups(
      'DELETE FROM switchboard.call_rollup_deltas d WHERE d.ctid = ANY ($1) RETURNING d.*') USING window_rows;
    DELETE FROM switchboard.call_rollups r
    WHERE r.n_calls = 0 AND (r.n_answered, r.n_live, r.n_abandoned, r.seconds, r.answered_seconds) = (0, 0, 0, 0, 0)
      AND 0 = ALL (r.by_status) AND (r.by_quarter IS NULL OR 0 = ALL (r.by_quarter));
  END IF;
  RETURN cardinality(window_rows);
END
$$;
REVOKE ALL ON FUNCTION switchboard._fold_call_rollups(int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._fold_call_rollups(int) IS
  'Moves up to max_rows of the oldest deltas into the cells of call_rollups; returns how many. Never waits: 0 while another session
folds or rebuilds.';

-- In C++, because a call is written some five times in its life and this must cost little of it. It adds up the rows it is called
-- for by campaign, user, quarter of an hour and status, appends what is not zero, and folds now and then: on average once in 4,096
-- rows, up to 8,192 of them, in young transactions only, because nobody else can fold until that one has ended.
-- It writes deltas as their owner would; what is written follows from the rows changed.
CREATE OR REPLACE FUNCTION switchboard._note_calls() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_note_calls';
REVOKE ALL ON FUNCTION switchboard._note_calls() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._note_calls() IS
  'Trigger, once per statement on call_logs: notes what it adds to and takes from the figures of calls. Error: 39P01 it has no
transition tables.';

CREATE OR REPLACE FUNCTION switchboard._forget_calls()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the application may not write figures of calls.
-- TRUNCATE, not DELETE: as for the table itself, what was committed after an old snapshot must go as well.
BEGIN
  TRUNCATE switchboard.call_rollup_deltas, switchboard.call_rollups;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION switchboard._forget_calls() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._forget_calls() IS 'Trigger of call_logs: no calls, no figures.';

CREATE OR REPLACE TRIGGER call_logs_rollup_insert AFTER INSERT ON switchboard.call_logs
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_calls();
CREATE OR REPLACE TRIGGER call_logs_rollup_delete AFTER DELETE ON switchboard.call_logs
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_calls();
CREATE OR REPLACE TRIGGER call_logs_rollup_truncate AFTER TRUNCATE ON switchboard.call_logs
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard._forget_calls();
CREATE OR REPLACE TRIGGER call_logs_rollup_update AFTER UPDATE ON switchboard.call_logs
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_calls();
COMMENT ON TRIGGER call_logs_rollup_insert ON switchboard.call_logs IS 'Keeps the figures of calls.';
COMMENT ON TRIGGER call_logs_rollup_update ON switchboard.call_logs IS 'Keeps the figures of calls.';
COMMENT ON TRIGGER call_logs_rollup_delete ON switchboard.call_logs IS 'Keeps the figures of calls.';
COMMENT ON TRIGGER call_logs_rollup_truncate ON switchboard.call_logs IS 'Keeps the figures of calls.';

CREATE OR REPLACE FUNCTION switchboard.rebuild_call_rollups()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: cells are written by functions only; _stats_scope() checks the session.
-- One statement counts the calls and takes off the deltas, and a writer's rows and its deltas are committed together: the cells are
-- right whatever others do meanwhile, so writers and readers are not held up. Cost: a scan of the calls.
DECLARE
  tenant uuid := switchboard._stats_scope(NULL);
  made   bigint;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'figures of calls cannot be rebuilt in a % transaction', current_setting('transaction_isolation')
      USING ERRCODE = '25001', HINT = 'Use READ COMMITTED: the snapshot must be newer than the lock.';
  END IF;
  PERFORM pg_advisory_xact_lock(switchboard._rollup_lock());
  DELETE FROM switchboard.call_rollups r WHERE tenant IS NULL OR r.tenant_id = tenant;
  EXECUTE switchboard._merge_call_rollups($source$
    SELECT c.tenant_id, c.campaign_id, c.user_id, switchboard._call_quarter(c.started_at) AS quarter, c.status, 1 AS n_calls,
           (c.answered_at IS NOT NULL)::int AS n_answered,
           switchboard._is_live(c.direction, c.answered_at, c.answered_by)::int AS n_live,
           (switchboard._is_live(c.direction, c.answered_at, c.answered_by) AND c.abandoned)::int AS n_abandoned,
           coalesce(c.duration, 0) AS seconds, CASE WHEN c.answered_at IS NULL THEN 0 ELSE coalesce(c.duration, 0) END AS answered_seconds
    FROM switchboard.call_logs c WHERE switchboard._is_counted(c.started_at) AND ($1 IS NULL OR c.tenant_id = $1)
    UNION ALL
    SELECT d.tenant_id, d.campaign_id, d.user_id, d.quarter, d.status, -d.n_calls, -d.n_answered, -d.n_live, -d.n_abandoned,
           -d.seconds, -d.answered_seconds
    FROM switchboard.call_rollup_deltas d WHERE $1 IS NULL OR d.tenant_id = $1
  $source$) USING tenant;
  GET DIAGNOSTICS made = ROW_COUNT;
  RETURN made;
END
$$;
COMMENT ON FUNCTION switchboard.rebuild_call_rollups() IS
  'Makes the figures of calls of the tenant (for the owner of the extension: of every tenant) those of call_logs again, as after a
restore with --disable-triggers; returns the number of cells. Exact though others write meanwhile, whom it neither waits for nor
holds up; it waits for a session that folds, and a second rebuild for the first one''s commit. For supervisors and the owner of the
extension. Errors: 42501 neither of them, 25001 not READ COMMITTED.';
REVOKE ALL ON FUNCTION switchboard.rebuild_call_rollups() FROM PUBLIC;
