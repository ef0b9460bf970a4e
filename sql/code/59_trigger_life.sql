-- What becomes of a triggered call after it was queued.

CREATE OR REPLACE FUNCTION switchboard._conclude_triggers(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls, which have just ended.
BEGIN
  UPDATE switchboard.call_triggers t
  SET status = CASE switchboard._call_outcome(c) WHEN 'completed' THEN 'completed'::switchboard.call_trigger_status
                    WHEN 'canceled' THEN 'canceled' ELSE 'failed' END,
      reason = nullif(switchboard._call_outcome(c), 'completed')
  FROM switchboard.call_logs c
  WHERE c.id = ANY (calls) AND c.metadata ? 'call_trigger_id' AND t.tenant_id = c.tenant_id AND t.call_log_id = c.id
    AND t.status IN ('scheduled', 'calling');
END
$$;
COMMENT ON FUNCTION switchboard._conclude_triggers(uuid[], timestamptz) IS
  'What the end of calls means for what they were triggered by.';
REVOKE ALL ON FUNCTION switchboard._conclude_triggers(uuid[], timestamptz) FROM PUBLIC;
