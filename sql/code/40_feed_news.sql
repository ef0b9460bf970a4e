-- Telling listeners that there is something to read: NOTIFY switchboard_events with {"tenant_id", "seq"}, in batches, by a worker.
-- Writers do not notify: commits that do take turns on one lock.
--
-- One session of the database announces: the first background worker, which is signalled when an event can be read; without any, the
-- stand-alone worker that has the lock, every now and then. What it knows is in the reply of a look, which it brings back with the next:
--   seq       every event up to here has been announced, but for those that were held
--   held      [[key, bound]]: of the tenants of that key (uuid_hash() of the id; 0: all) events after bound may be missing
--   again_ms  when to look again even if no signal comes; null: not at all
-- An event is found by its number when it could be read then. When its tenant was held at a lower place, that place is kept, and
-- moves on only past what was announced.

CREATE OR REPLACE FUNCTION switchboard._feed_holds(OUT last bigint, OUT keys int[], OUT bounds bigint[])
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_feed_holds';
COMMENT ON FUNCTION switchboard._feed_holds() IS
  'The last number given, and then which tenants'' feeds are held at which number by transactions of other sessions. Errors: 25001, 25006.';
REVOKE ALL ON FUNCTION switchboard._feed_holds() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._has_background_worker()
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_has_background_worker';
COMMENT ON FUNCTION switchboard._has_background_worker() IS 'Whether background workers serve this database.';
REVOKE ALL ON FUNCTION switchboard._has_background_worker() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_news(known jsonb, last bigint, keys int[], bounds bigint[])
RETURNS TABLE (tenant_id uuid, seq bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- Cost: each new event once, by its number; of a tenant that was held, one index probe; after a great many events, one of each tenant.
#variable_conflict use_column
DECLARE
  announced bigint := (known ->> 'seq')::bigint;
  many      boolean := last - announced > 10000;
  everybody bigint := least(last, (SELECT min(h.bound) FROM unnest(keys, bounds) AS h (key, bound) WHERE h.key = 0));
BEGIN
  RETURN QUERY
  WITH held AS MATERIALIZED (   -- how far those can be read that are held now
    SELECT h.key, min(h.bound) AS bound FROM unnest(keys, bounds) AS h (key, bound) GROUP BY h.key
  ), waiting AS MATERIALIZED (
    SELECT (w.value ->> 0)::int AS key, (w.value ->> 1)::bigint AS since, announced AS upto FROM jsonb_array_elements(known -> 'held') w
    UNION ALL
    SELECT 0, announced, last WHERE many
  ), concerned AS (
    SELECT t.id, w.key, w.since, w.upto FROM waiting w JOIN switchboard.tenants t ON uuid_hash(t.id) = w.key WHERE w.key <> 0
    UNION ALL
    SELECT t.id, uuid_hash(t.id), w.since, w.upto FROM waiting w CROSS JOIN switchboard.tenants t WHERE w.key = 0 AND w.since < everybody
  ), found AS (
    SELECT c.id AS tenant_id, (
      SELECT e.seq FROM switchboard.events e
      WHERE e.tenant_id = c.id AND e.seq > c.since AND e.seq <= least(c.upto, everybody, (SELECT h.bound FROM held h WHERE h.key = c.key))
      ORDER BY e.seq DESC LIMIT 1) AS seq
    FROM concerned c
    UNION ALL
    SELECT e.tenant_id, e.seq FROM switchboard.events e
    WHERE NOT many AND e.seq > announced AND e.seq <= everybody
      AND NOT EXISTS (SELECT FROM held h WHERE h.key = uuid_hash(e.tenant_id) AND h.bound < e.seq)
  )
  SELECT n.tenant_id, max(n.seq) FROM found n WHERE n.seq IS NOT NULL GROUP BY n.tenant_id ORDER BY 2;
END
$$;
COMMENT ON FUNCTION switchboard._feed_news(jsonb, bigint, int[], bigint[]) IS
  'Tenants with events that can be read now and could not at the last look, and how far.';
REVOKE ALL ON FUNCTION switchboard._feed_news(jsonb, bigint, int[], bigint[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._announce_from()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- What the announcer before may not have come to: rather once too often than not at all.
BEGIN
  RETURN coalesce((SELECT min(e.seq) - 1
                   FROM (SELECT e.seq, e.created_at FROM switchboard.events e ORDER BY e.seq DESC LIMIT 1000) e
                   WHERE e.created_at > clock_timestamp() - interval '10 seconds'), switchboard._last_event());
END
$$;
COMMENT ON FUNCTION switchboard._announce_from() IS 'Where a session begins that announces events from now on.';
REVOKE ALL ON FUNCTION switchboard._announce_from() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._announce_events(known json, standalone boolean)
RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: announces for all tenants; only workers call it. There is nothing here that a crash could lose: listeners look by
-- themselves now and then. The first key is that of workers' locks, three on; the lock is the session's.
DECLARE
  state jsonb := nullif(known::jsonb, 'null');
  holds record;
  held  jsonb;
  told  bigint;
BEGIN
  IF standalone AND switchboard._has_background_worker() THEN
    PERFORM pg_advisory_unlock(1398166116, 0) WHERE state ? 'seq';
    RETURN '{"again_ms": 5000}';
  ELSIF NOT coalesce(state ? 'seq', false) THEN
    IF standalone AND NOT pg_try_advisory_lock(1398166116, 0) THEN
      RETURN '{"again_ms": 5000}';
    END IF;
    state := jsonb_build_object('seq', switchboard._announce_from(), 'held', '[]'::jsonb);
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT h.* INTO holds FROM switchboard._feed_holds() h;
  SELECT count(pg_notify('switchboard_events', format('{"tenant_id": "%s", "seq": %s}', n.tenant_id, n.seq))) INTO told
  FROM switchboard._feed_news(state, holds.last, holds.keys, holds.bounds) n;
  SELECT coalesce(jsonb_agg(jsonb_build_array(h.key, h.bound)), '[]') INTO held
  FROM (SELECT h.key, min(h.bound) AS bound FROM unnest(holds.keys, holds.bounds) AS h (key, bound)
        WHERE h.bound < holds.last GROUP BY h.key) h;
  RETURN json_build_object('seq', holds.last, 'held', held, 'again_ms',
    CASE WHEN NOT standalone THEN CASE WHEN held <> '[]' THEN 1000 END   -- whoever holds tells when it ends
         WHEN told > 0 THEN 20
         ELSE least(coalesce((state ->> 'again_ms')::int, 10) * 2, 500) END);
END
$$;
COMMENT ON FUNCTION switchboard._announce_events(json, boolean) IS
  'Notifies listeners of events that can be read since the last look of this session, whose reply is to be given (null at first).
Returns what to bring next time, and in again_ms when that is due at the latest; a session that is not the one to announce is told to ask
again later.';
REVOKE ALL ON FUNCTION switchboard._announce_events(json, boolean) FROM PUBLIC;
