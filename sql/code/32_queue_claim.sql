-- Claiming jobs.
--
-- Jobs lie in queues, one for each (lane, priority). A claim reads each queue in order of run_at through one partial index, and
-- three things keep that cheap whatever happens around it:
-- * A low-water mark for each queue: the run_at up to which everything has been claimed. Claimed and finished jobs leave dead
--   index entries behind, which no vacuum may remove while some session holds a snapshot; a scan that began at the start of
--   the queue would walk all of them with every claim. Nothing that becomes claimable later has an older run_at (free,
--   release and retry set it to their now), but for jobs of transactions that took long to commit: the mark is used with a
--   slack, lowered by claim.since, and every few seconds ignored.
-- * Statements that cannot be planned badly: one index scan in index order, with a limit, and an update by row address. The
--   planner has no other way left, so neither statistics nor a generic plan matter.
-- * Skip scans, by queue and not by row, to find queues that have work.
--
-- The marks live with the worker, as an opaque list that it echoes: "lanes" of request and reply. since = four numbers: mark, last
-- full scan, last service (microseconds of the epoch), and whether the queue was dry; null: not looked at yet.
--
-- Fair share: the limit is divided among the tenants that have work, then among their lanes, those served longest ago first;
-- what some cannot use is divided again. Within a lane by priority, then run_at.

CREATE OR REPLACE FUNCTION switchboard._from_us(us bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT timestamptz 'epoch' + us * interval '1 microsecond' $$;
REVOKE ALL ON FUNCTION switchboard._from_us(bigint) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._from_us(bigint) IS 'The instant so many microseconds after the epoch.';

CREATE OR REPLACE FUNCTION switchboard._to_us(at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $$ SELECT (EXTRACT(epoch FROM at) * 1000000)::bigint $$;
REVOKE ALL ON FUNCTION switchboard._to_us(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._to_us(timestamptz) IS 'Microseconds of an instant since the epoch.';

-- The queues of a claim in the order in which they are served. Queues not in the list are found by skipping through the
-- index between those that are: known queues, and the dead entries at their start, are stepped over and not walked.
-- Cost: one index descent for each queue, known or found, and one for each gap.
CREATE OR REPLACE FUNCTION switchboard._queues(claim json, at timestamptz)
RETURNS TABLE (
    lane uuid, priority int, tenant uuid, cap int, active boolean, full_scan boolean, scan_from timestamptz,
    full_scan_at timestamptz, mark timestamptz, served_at timestamptz, dry boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    -- PL/pgSQL only because it keeps the plan, which a function in SQL would make anew with every call.
    RETURN QUERY
    WITH RECURSIVE known AS MATERIALIZED (
        SELECT k.lane, k.priority, switchboard._from_us(m.mark[1]) AS mark, switchboard._from_us(m.mark[2]) AS full_scan_at,
               switchboard._from_us(m.mark[3]) AS served_at, coalesce(m.mark[4] = 1, false) AS dry
          FROM json_to_recordset(CASE json_typeof(claim -> 'lanes') WHEN 'array' THEN claim -> 'lanes' ELSE '[]' END)
               AS k(lane uuid, priority int, since text),
               LATERAL (SELECT string_to_array(k.since, ',')::bigint[] AS mark) m
    ), gaps AS (
        SELECT b.lane AS low_lane, b.priority AS low_priority,
               lead(b.lane) OVER w AS high_lane, lead(b.priority) OVER w AS high_priority
          FROM (SELECT k.lane, k.priority FROM known k
                UNION ALL VALUES (uuid '00000000-0000-0000-0000-000000000000', -2147483648),
                                 (uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff', 2147483647)) b
         WHERE (claim ->> 'discover')::boolean
        WINDOW w AS (ORDER BY b.lane, b.priority)
    ), found AS (
        SELECT f.lane, f.priority, g.high_lane, g.high_priority
          FROM gaps g, LATERAL (
               SELECT j.lane, j.priority FROM switchboard.jobs_open j
                WHERE j.locked_by IS NULL AND (j.lane, j.priority) > (g.low_lane, g.low_priority)
                  AND (j.lane, j.priority) < (g.high_lane, g.high_priority)
                ORDER BY j.lane, j.priority LIMIT 1) f
        UNION ALL
        SELECT f.lane, f.priority, d.high_lane, d.high_priority
          FROM found d, LATERAL (
               SELECT j.lane, j.priority FROM switchboard.jobs_open j
                WHERE j.locked_by IS NULL AND (j.lane, j.priority) > (d.lane, d.priority)
                  AND (j.lane, j.priority) < (d.high_lane, d.high_priority)
                ORDER BY j.lane, j.priority LIMIT 1) f
    ), queues AS (
        SELECT k.lane, k.priority, k.mark, k.full_scan_at, k.served_at, k.dry,
               (claim ->> 'discover')::boolean OR NOT k.dry AS looked_at,
               k.mark IS NULL OR ((claim ->> 'discover')::boolean AND k.full_scan_at < at - interval '5 s') AS full_scan
          FROM known k
        UNION ALL
        SELECT f.lane, f.priority, NULL, NULL, NULL, false, true, true FROM found f
    )
    SELECT q.lane, q.priority, coalesce(a.tenant_id, q.lane), c.cap,
           q.looked_at AND c.cap > 0 AND coalesce(a.enabled, true), q.full_scan,
           CASE WHEN q.full_scan THEN '-infinity'
                ELSE least(q.mark - interval '1 s', (claim ->> 'since')::timestamptz) END,
           q.full_scan_at, q.mark, q.served_at, q.dry
      FROM queues q
      LEFT JOIN switchboard.provider_accounts a ON a.id = q.lane,
           LATERAL (SELECT coalesce((claim -> 'caps' ->> q.lane::text)::int, (claim ->> 'default_cap')::int,
                                    (claim ->> 'limit')::int) AS cap) c
     ORDER BY max(q.served_at) OVER (PARTITION BY coalesce(a.tenant_id, q.lane)) NULLS FIRST, coalesce(a.tenant_id, q.lane),
              max(q.served_at) OVER (PARTITION BY q.lane) NULLS FIRST, q.lane, q.priority DESC;
END
$$;
REVOKE ALL ON FUNCTION switchboard._queues(json, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._queues(json, timestamptz) IS
'The queues, (lane, priority), that a claim knows or finds, by turn of service; active: may be claimed from now.';

-- Lanes of one tenant that may have more; the tenant's queues start at that place.
CREATE OR REPLACE FUNCTION switchboard._open_lanes(q_lane uuid[], q_tenant uuid[], q_open boolean[], start int) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    lanes int := 0;
    counted uuid;
BEGIN
    FOR i IN start .. cardinality(q_lane) LOOP
        EXIT WHEN q_tenant[i] <> q_tenant[start];
        IF q_open[i] AND q_lane[i] IS DISTINCT FROM counted THEN
            lanes := lanes + 1;
            counted := q_lane[i];
        END IF;
    END LOOP;
    RETURN lanes;
END
$$;
REVOKE ALL ON FUNCTION switchboard._open_lanes(uuid[], uuid[], boolean[], int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._open_lanes(uuid[], uuid[], boolean[], int) IS
'How many lanes of the tenant whose queues start at a place are open.';

CREATE OR REPLACE FUNCTION switchboard._claim_jobs(
    worker text, claim json, OUT count int, OUT jobs json, OUT accounts json, OUT lanes json, OUT due timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    at timestamptz := clock_timestamp();
    lease_end timestamptz := at + switchboard._lease();
    wanted int := least(coalesce((claim ->> 'limit')::int, 0), 10000);
    -- Queues in order of service; those of a lane are neighbours, and so are the lanes of a tenant.
    q_lane uuid[];
    q_priority int[];
    q_tenant uuid[];
    q_cap int[];
    q_active boolean[];
    q_full_scan boolean[];
    q_from timestamptz[];
    q_full_scan_at timestamptz[];
    q_mark timestamptz[];
    q_served_at timestamptz[];
    q_dry boolean[];
    q_open boolean[];           -- may have more for this claim
    n int;
    -- One round.
    open_tenants int;
    open_lanes int;
    lane_start int;
    left_over int;
    share int;
    part int;
    hits tid[];
    newest timestamptz;
    round_hits tid[];
    batch json[];
    batch_accounts uuid[];
    claimed json[] := '{}';
    account_ids uuid[] := '{}';
BEGIN
    count := 0;
    jobs := '[]';
    accounts := '[]';
    lanes := coalesce(claim -> 'lanes', '[]');
    IF wanted <= 0 THEN
        -- Nobody has looked, so nobody can say that nothing waits.
        due := CASE WHEN json_typeof(claim) = 'object' THEN at + interval '1 s' END;
        RETURN;
    END IF;

    SELECT array_agg(q.lane), array_agg(q.priority), array_agg(q.tenant), array_agg(q.cap), array_agg(q.active),
           array_agg(q.full_scan), array_agg(q.scan_from), array_agg(q.full_scan_at), array_agg(q.mark),
           array_agg(q.served_at), array_agg(q.dry), array_agg(q.active), count(*)
      INTO q_lane, q_priority, q_tenant, q_cap, q_active, q_full_scan, q_from, q_full_scan_at, q_mark, q_served_at, q_dry,
           q_open, n
      FROM switchboard._queues(claim, at) q;

    -- Each round divides what is left among the lanes that may have more; it uses everything up or closes a queue.
    LOOP
        round_hits := '{}';
        left_over := wanted - count;
        open_tenants := 0;
        FOR i IN 1 .. n LOOP
            IF q_open[i] AND (open_tenants = 0 OR q_tenant[i] <> q_tenant[lane_start]) THEN
                open_tenants := open_tenants + 1;
                lane_start := i;
            END IF;
        END LOOP;
        EXIT WHEN open_tenants = 0 OR left_over <= 0;

        FOR i IN 1 .. n LOOP
            EXIT WHEN cardinality(round_hits) >= left_over;
            IF i = 1 OR q_tenant[i] <> q_tenant[i - 1] THEN
                open_lanes := switchboard._open_lanes(q_lane, q_tenant, q_open, i);
            END IF;
            IF i = 1 OR q_lane[i] <> q_lane[i - 1] THEN
                lane_start := i;
                share := ceil(left_over::numeric / (open_tenants * greatest(open_lanes, 1)));
            END IF;
            part := least(share, q_cap[lane_start], left_over - cardinality(round_hits));
            IF NOT q_open[i] THEN
                CONTINUE;
            ELSIF part <= 0 THEN
                q_open[i] := q_cap[lane_start] > 0;
                CONTINUE;
            END IF;

            SELECT coalesce(array_agg(h.ctid), '{}'), max(h.run_at) INTO hits, newest FROM (
                SELECT j.ctid, j.run_at FROM switchboard.jobs_open j
                 WHERE j.lane = q_lane[i] AND j.priority = q_priority[i] AND j.run_at >= q_from[i] AND j.run_at <= at
                   AND j.locked_by IS NULL
                 ORDER BY j.run_at LIMIT part FOR UPDATE SKIP LOCKED) h;
            q_dry[i] := cardinality(hits) < part;
            -- The mark is inclusive: others of the same instant may be left.
            q_mark[i] := CASE WHEN q_dry[i] THEN at ELSE newest END;
            q_from[i] := q_mark[i];
            q_open[i] := NOT q_dry[i];
            IF q_full_scan[i] THEN
                q_full_scan_at[i] := at;
            END IF;
            IF newest IS NOT NULL THEN
                q_served_at[i] := at;
                share := share - cardinality(hits);
                q_cap[lane_start] := q_cap[lane_start] - cardinality(hits);
                round_hits := round_hits || hits;
            END IF;
        END LOOP;
        CONTINUE WHEN cardinality(round_hits) = 0;

        WITH c AS (
            UPDATE switchboard.jobs_open j
               SET state = CASE j.state WHEN 'in_doubt' THEN j.state ELSE 'running' END,
                   attempt = j.attempt + CASE j.state WHEN 'in_doubt' THEN 0 ELSE 1 END,
                   token = j.token + 1, locked_by = worker, locked_until = lease_end
             WHERE j.ctid = ANY (round_hits)
            RETURNING j.*
        )
        -- The payload as a text: what is passed on keeps its bytes.
        SELECT array_agg(json_build_object(
                   'id', c.id, 'token', c.token, 'kind', c.kind, 'state', c.state, 'attempt', c.attempt,
                   'max_attempts', c.max_attempts, 'lane', c.lane, 'tenant_id', c.tenant_id, 'account_id', a.id,
                   'subject_id', c.subject_id, 'payload', c.payload::text,
                   'age_ms', floor(EXTRACT(epoch FROM at - c.created_at) * 1000)::bigint,
                   'sent_ms_ago', floor(EXTRACT(epoch FROM at - c.sending_at) * 1000)::bigint,
                   'note', c.state = 'running' AND switchboard._repeat_is_harmful(c.kind, a.settings))
                   ORDER BY c.priority DESC, c.run_at), array_agg(DISTINCT a.id)
          INTO batch, batch_accounts
          FROM c
          LEFT JOIN switchboard.provider_accounts a ON a.id = c.account_id AND a.tenant_id = c.tenant_id;
        claimed := claimed || batch;
        account_ids := account_ids || batch_accounts;
        count := cardinality(claimed);
    END LOOP;

    jobs := array_to_json(claimed);
    accounts := switchboard._accounts_for_worker(account_ids);
    SELECT coalesce(json_agg(json_build_object('lane', q.lane, 'priority', q.priority, 'since',
               CASE WHEN q.mark IS NOT NULL THEN format('%s,%s,%s,%s',
                   switchboard._to_us(q.mark), switchboard._to_us(q.full_scan_at),
                   coalesce(switchboard._to_us(q.served_at), 0), q.dry::int) END)), '[]')
      INTO lanes
      FROM unnest(q_lane, q_priority, q_mark, q_full_scan_at, q_served_at, q_dry)
           q(lane, priority, mark, full_scan_at, served_at, dry)
     WHERE NOT q.dry OR q.served_at > at - interval '5 min';

    -- A queue that looked dry from its mark is looked at once more from its start before the worker may sleep.
    SELECT least(min(f.run_at), min(q.full_scan_at + interval '5 s') FILTER (WHERE q.active AND NOT q.full_scan),
                 CASE WHEN count >= wanted THEN at
                      WHEN NOT coalesce((claim ->> 'discover')::boolean, false) THEN at + interval '5 s' END)
      INTO due
      FROM unnest(q_lane, q_priority, q_active, q_dry, q_full_scan, q_full_scan_at)
           q(lane, priority, active, dry, full_scan, full_scan_at)
      LEFT JOIN LATERAL (
           SELECT j.run_at FROM switchboard.jobs_open j
            WHERE q.active AND q.dry AND j.lane = q.lane AND j.priority = q.priority AND j.run_at > at
              AND j.locked_by IS NULL
            ORDER BY j.run_at LIMIT 1) f ON true;
END
$$;
REVOKE ALL ON FUNCTION switchboard._claim_jobs(text, json) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._claim_jobs(text, json) IS
'Claims jobs for a worker: how many, the jobs and their provider accounts, the memory of the claim to be echoed, and when to
claim again (NULL: nothing waits).';

-- Secrets as they are stored: references and ciphertext, which the worker resolves itself.
CREATE OR REPLACE FUNCTION switchboard._accounts_for_worker(ids uuid[]) RETURNS json
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(json_build_object(
               'id', a.id, 'tenant_id', a.tenant_id, 'provider', a.provider, 'name', a.name, 'base_url', a.base_url,
               'settings', a.settings, 'rate_per_second', a.rate_per_second, 'max_in_flight', a.max_in_flight,
               'secrets', (SELECT coalesce(json_object_agg(s.name, s.value), '{}')
                             FROM switchboard.provider_secrets s WHERE s.account_id = a.id))), '[]')
      FROM switchboard.provider_accounts a
     WHERE a.id = ANY (ids));
END
$$;
REVOKE ALL ON FUNCTION switchboard._accounts_for_worker(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._accounts_for_worker(uuid[]) IS 'Provider accounts as workers get them, with references to their secrets.';
