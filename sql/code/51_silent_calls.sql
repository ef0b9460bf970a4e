-- Calls that nobody speaks of any more. A final webhook can be lost, and its call would hold a line of its campaign for ever:
-- therefore every placed call has a time (call_logs.expires_at) that each word about it moves on, and after which it is settled.
--
-- The time is set when a job has placed a call, or when the provider speaks of it. A call whose job is not done, or is in doubt
-- and asked about, has none unless the provider has spoken. What is said after a call was settled never reopens it, see
-- _apply_call_status().

CREATE OR REPLACE FUNCTION switchboard._news_due(call switchboard.call_logs, answered boolean, at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the settings of the call's tenant. Internal. PL/pgSQL, which keeps the plan: two probes of primary keys.
BEGIN
  RETURN (
    SELECT at + interval '1 second' * CASE
      WHEN answered OR switchboard._takes_packages(call.provider)
      THEN switchboard._small_int(coalesce(k.settings -> 'talk_expiry', t.settings -> 'talk_expiry'), 60, 604800, 14400)
      ELSE switchboard._small_int(coalesce(k.settings -> 'ring_expiry', t.settings -> 'ring_expiry'), r.timeout + 30, 86400, r.timeout + 300)
      END
    FROM switchboard.tenants t
    LEFT JOIN switchboard.campaigns k ON k.tenant_id = t.id AND k.id = call.campaign_id
    CROSS JOIN LATERAL (SELECT switchboard._ring_timeout(coalesce(k.settings, '{}') || call.metadata) AS timeout) r
    WHERE t.id = call.tenant_id);
END
$$;
COMMENT ON FUNCTION switchboard._news_due(switchboard.call_logs, boolean, timestamptz) IS
  'Until when to wait for news of a call that something was heard of at that time. Seconds, in the settings of the campaign, else of
the tenant: ring_expiry while it has not been answered (from ring_timeout + 30 to 86400, default ring_timeout + 300), talk_expiry
afterwards (60 to 604800, default 14400), and all the time with external call systems, which may tell of the end alone.';
REVOKE ALL ON FUNCTION switchboard._news_due(switchboard.call_logs, boolean, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._next_silent_call()
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: looks at every tenant. Cost: one index probe, past the entries of calls that ended since the last vacuum.
BEGIN
  RETURN (SELECT c.expires_at FROM switchboard.call_logs c
          WHERE c.status IN ('initiated', 'ringing', 'answered') AND c.expires_at IS NOT NULL
          ORDER BY c.expires_at LIMIT 1);
END
$$;
COMMENT ON FUNCTION switchboard._next_silent_call() IS 'When the next call expires unless there is news; NULL: no call is under way.';
REVOKE ALL ON FUNCTION switchboard._next_silent_call() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._silent_calls(at timestamptz, max_calls int)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: looks at every tenant. SKIP LOCKED: whoever has locked a call is bringing news of it, or settles it.
BEGIN
  RETURN ARRAY(
    SELECT c.id FROM switchboard.call_logs c
    WHERE c.status IN ('initiated', 'ringing', 'answered') AND c.expires_at <= at
    ORDER BY c.expires_at LIMIT max_calls FOR NO KEY UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION switchboard._silent_calls(timestamptz, int) IS 'Locks the calls that have expired, and returns their ids.';
REVOKE ALL ON FUNCTION switchboard._silent_calls(timestamptz, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._settle_silent_calls(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls.
BEGIN
  UPDATE switchboard.call_logs c SET metadata = c.metadata || '{"reason": "no-news"}' WHERE c.id = ANY (calls);
  -- Talk time is what there is proof of: from the answer to the last word about the call, most often nothing.
  PERFORM switchboard._apply_call_status(ARRAY(
    SELECT ROW(c.id, c.tenant_id, c.provider, NULL,
               CASE WHEN c.status = 'answered' THEN 'completed' ELSE 'failed' END, s.ended_at,
               CASE WHEN c.status = 'answered' THEN coalesce(floor(extract(epoch FROM s.ended_at - c.answered_at)), 0)::int END,
               NULL, NULL, 'no-news', '{"reason": "no-news"}')::switchboard.call_status_event
    FROM switchboard.call_logs c
    CROSS JOIN LATERAL (
      SELECT CASE WHEN c.status = 'answered'
                  THEN coalesce(greatest(c.answered_at, max(e.occurred_at)), at) ELSE at END AS ended_at
      FROM switchboard.call_events e WHERE e.tenant_id = c.tenant_id AND e.call_log_id = c.id) s
    WHERE c.id = ANY (calls)));
END
$$;
COMMENT ON FUNCTION switchboard._settle_silent_calls(uuid[], timestamptz) IS
  'Ends calls without news: completed if they were answered, else failed; "reason" of their metadata and hangup_cause are no-news.';
REVOKE ALL ON FUNCTION switchboard._settle_silent_calls(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.expire_silent_calls(at timestamptz DEFAULT clock_timestamp(), max_calls int DEFAULT 1000)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension and the queue call it.
DECLARE
  calls   uuid[] := switchboard._silent_calls(at, max_calls);
  call    uuid;
  settled int := 0;
BEGIN
  IF calls = '{}' THEN
    RETURN 0;
  END IF;
  BEGIN
    PERFORM switchboard._settle_silent_calls(calls, at);
    RETURN cardinality(calls);
  EXCEPTION WHEN OTHERS THEN
    NULL;   -- one of them, such as one of a campaign whose retry rules make no sense, must not hold up the others
  END;
  FOREACH call IN ARRAY calls LOOP
    BEGIN
      PERFORM switchboard._settle_silent_calls(ARRAY[call], at);
      settled := settled + 1;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'call % without news cannot be settled: SQLSTATE %', call, SQLSTATE;
      UPDATE switchboard.call_logs c SET expires_at = at + interval '1 hour' WHERE c.id = call;
    END;
  END LOOP;
  RETURN settled;
END
$$;
COMMENT ON FUNCTION switchboard.expire_silent_calls(timestamptz, int) IS
  'Ends calls that were placed, or have come in, and of which nothing has been heard for too long, at most so many; returns how many. One that
was not answered within ring_expiry fails, and its person is tried again as after any failed call (outcome failed). One that was
answered is completed after talk_expiry; its duration is the time from the answer to the last word about it, and a completed status
that comes later still brings the true one. Both settings are seconds, in the settings of the campaign or the tenant: ring_expiry
ring_timeout + 300 unless set, talk_expiry 14400; a change counts from the next word about a call. Workers call this by themselves;
databases without workers have it called by a scheduler. Only for the owner of the extension.';
REVOKE ALL ON FUNCTION switchboard.expire_silent_calls(timestamptz, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._look_for_silent_calls(at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as expire_silent_calls(). Internal: called by the queue with each turn of a worker.
-- Two settings of the session remember when to look again and whether calls are under way; _note_placed_calls() sets the latter.
-- So a busy worker looks every ten seconds, one whose calls have all ended not at all before it is asked something else.
DECLARE
  look_at timestamptz := to_timestamp(nullif(current_setting('switchboard_session.look_for_silence_at', true), '')::float8);
  due     timestamptz;
BEGIN
  -- A look that is further off was noted before the clock was set back.
  IF look_at > at AND look_at <= at + interval '10 seconds' THEN
    RETURN CASE WHEN current_setting('switchboard_session.calls_under_way', true) = 'yes' THEN look_at END;
  END IF;
  PERFORM switchboard.expire_silent_calls(at);
  due := switchboard._next_silent_call();
  look_at := at + interval '10 seconds';
  PERFORM set_config('switchboard_session.look_for_silence_at', extract(epoch FROM look_at)::text, false),
          set_config('switchboard_session.calls_under_way', CASE WHEN due IS NULL THEN '' ELSE 'yes' END, false);
  RETURN CASE WHEN due IS NOT NULL THEN greatest(due, look_at) END;
END
$$;
COMMENT ON FUNCTION switchboard._look_for_silent_calls(timestamptz) IS
  'Settles calls without news, every ten seconds per session at most; returns when to look again, NULL when no call is under way.';
REVOKE ALL ON FUNCTION switchboard._look_for_silent_calls(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_placed_calls()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM set_config('switchboard_session.calls_under_way', 'yes', false);
END
$$;
COMMENT ON FUNCTION switchboard._note_placed_calls() IS
  'Remembers for _look_for_silent_calls() that this session has placed calls since it last looked.';
REVOKE ALL ON FUNCTION switchboard._note_placed_calls() FROM PUBLIC;
