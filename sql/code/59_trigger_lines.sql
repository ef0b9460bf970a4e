-- A line that a triggered call leaves goes to the next one that was put off for want of a line: nobody waits while a line is free.

CREATE OR REPLACE FUNCTION switchboard._use_free_lines(calls uuid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: jobs are not the application's to write. Internal: the calls have ended. As many are hurried as lines came free, of the same
-- campaign and account, the most urgent first; the last check counts the lines again. Cost: nothing unless calls wait; then the head of the
-- account's queue by its index, past what waits for other campaigns.
DECLARE
  freed record;
BEGIN
  FOR freed IN
    SELECT c.tenant_id, c.campaign_id, c.account_id, count(*) AS lines
    FROM switchboard.call_logs c
    WHERE c.id = ANY (calls) AND c.dialed_at IS NOT NULL AND c.account_id IS NOT NULL AND c.metadata ? 'call_trigger_id'
    GROUP BY 1, 2, 3
  LOOP
    UPDATE switchboard.jobs_open j SET run_at = clock_timestamp()
    FROM (SELECT w.id
          FROM generate_series(3, 1, -1) AS p (priority)
          CROSS JOIN LATERAL (
            SELECT o.id FROM switchboard.jobs_open o
            WHERE o.lane = freed.account_id AND o.priority = p.priority AND o.locked_by IS NULL
              AND o.run_at > clock_timestamp() AND o.run_at < clock_timestamp() + interval '11 minutes'
              AND o.kind = 'call' AND o.state = 'ready' AND o.last_code = 'no-line'
              AND EXISTS (SELECT FROM switchboard.call_logs c
                          WHERE c.tenant_id = freed.tenant_id AND c.id = o.subject_id AND c.campaign_id IS NOT DISTINCT FROM freed.campaign_id)
            ORDER BY o.run_at LIMIT freed.lines FOR UPDATE SKIP LOCKED) w
          LIMIT freed.lines) hurried
    WHERE j.id = hurried.id;
    IF FOUND THEN
      PERFORM switchboard._wake();
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._use_free_lines(uuid[]) IS
  'For each of these triggered calls, which have ended, one that was put off for want of a line is due now.';
REVOKE ALL ON FUNCTION switchboard._use_free_lines(uuid[]) FROM PUBLIC;
