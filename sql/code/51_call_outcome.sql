-- What the end of a call, or an agent's conclusion about it, means for the person on the campaign's list.
--
-- The outcome of an attempt (campaign_contacts.last_outcome; retry_rules go by it) is the newest disposition of the call; without
-- one, in this order: abandoned (no agent was there in time), voicemail (a recorded message was left), machine (a machine or fax
-- answered), else the call's final status. The list follows:
--   disposition   the rule of the disposition, see _disposition_rule()
--   completed     completed
--   voicemail     completed if the campaign's settings.voicemail_completes is true, else failed
--   any other     failed, and tried again as the campaign's rules say; compliance sees to the waiting time after an abandoned call
--
-- An agent's conclusion counts at once, though the call may go on; that nobody is rung during a call is compliance's (on-a-call).

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._call_outcome(call switchboard.call_logs)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN call.abandoned THEN 'abandoned'
              WHEN call.voicemail_at IS NOT NULL THEN 'voicemail'
              WHEN call.status = 'completed' AND call.answered_by IN ('machine', 'fax') THEN 'machine'
              ELSE call.status::text END
$$;
COMMENT ON FUNCTION switchboard._call_outcome(switchboard.call_logs) IS
  'How the attempt that this ended call was came out, as far as the call itself tells.';
REVOKE ALL ON FUNCTION switchboard._call_outcome(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._conclude_people(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: lists are not the caller's to write. Internal: the caller has locked the calls, which have ended or were concluded by
-- an agent. Only while this is the person's last call, and do-not-call stays what it is. Without a disposition only who is still being called
-- moves: what somebody has decided since stays. Cost per call: three index probes and an update.
BEGIN
  IF cardinality(calls) > 1 THEN
    PERFORM FROM switchboard.campaign_contacts p
    WHERE p.id IN (SELECT c.campaign_contact_id FROM switchboard.call_logs c WHERE c.id = ANY (calls))
    ORDER BY p.id FOR NO KEY UPDATE;
  END IF;
  WITH concluded AS MATERIALIZED (
    SELECT c.id AS call, c.campaign_contact_id AS person, d.id IS NOT NULL AS disposed, d.follow_up_date AS promised,
           coalesce(d.user_id, c.user_id) AS agent, o.outcome,
           CASE WHEN d.id IS NOT NULL THEN switchboard._disposition_rule(c.tenant_id, d.disposition) ->> 'list'
                WHEN o.outcome = 'completed' OR o.outcome = 'voicemail' AND k.settings -> 'voicemail_completes' = 'true' THEN 'completed'
                ELSE 'failed' END::switchboard.campaign_contact_status AS status
    FROM switchboard.call_logs c
    LEFT JOIN switchboard.campaigns k ON k.id = c.campaign_id
    LEFT JOIN LATERAL (
      SELECT d.id, d.disposition, d.user_id, d.follow_up_date FROM switchboard.call_dispositions d
      WHERE d.tenant_id = c.tenant_id AND d.call_id = c.id ORDER BY d.created_at DESC, d.id DESC LIMIT 1) d ON true
    CROSS JOIN LATERAL (SELECT coalesce(d.disposition::text, switchboard._call_outcome(c)) AS outcome) o
    WHERE c.id = ANY (calls) AND c.campaign_contact_id IS NOT NULL
  ), moved AS (
    UPDATE switchboard.campaign_contacts p
    SET status = w.status, last_outcome = w.outcome,
        -- A trigger sets it for whoever becomes failed, or callback without a promised time.
        next_attempt_at = CASE WHEN w.status = 'callback' THEN coalesce(w.promised, p.next_attempt_at)
                               WHEN w.status = 'failed' AND p.status = 'failed'
                               THEN switchboard.next_attempt_at(p.campaign_id, w.outcome, p.attempts, at) END,
        assigned_to = CASE WHEN w.status = 'callback' THEN w.agent ELSE p.assigned_to END
    FROM concluded w
    WHERE p.id = w.person AND p.last_call_id = w.call
      AND (p.status = 'calling' OR w.disposed AND p.status <> 'do-not-call')
    RETURNING p.id, p.tenant_id, w.disposed
  )
  UPDATE switchboard.dialer_queues q SET status = 'skipped', reason = 'disposition'
  FROM moved m
  WHERE m.disposed AND q.tenant_id = m.tenant_id AND q.contact_id = m.id AND q.status = 'queued';
END
$$;
COMMENT ON FUNCTION switchboard._conclude_people(uuid[], timestamptz) IS
  'Moves the people of ended calls to where the outcome sends them, see the head of this file. Whoever waits in the queue because of
what was concluded before is taken out of it.';
REVOKE ALL ON FUNCTION switchboard._conclude_people(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._conclude_calls(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls, which have just ended.
BEGIN
  PERFORM switchboard._conclude_people(calls, at);
  UPDATE switchboard.dialer_queues q
  SET status = CASE c.status WHEN 'completed' THEN 'completed'::switchboard.queue_status ELSE 'failed' END,
      reason = CASE WHEN c.status <> 'completed' THEN c.status::text END
  FROM switchboard.call_logs c
  WHERE c.id = ANY (calls) AND q.tenant_id = c.tenant_id AND q.call_log_id = c.id AND q.status = 'calling';
  PERFORM switchboard._conclude_triggers(calls, at);
  PERFORM switchboard._release_agents(calls, at);
END
$$;
COMMENT ON FUNCTION switchboard._conclude_calls(uuid[], timestamptz) IS
  'What the end of calls means: for people on lists, queue entries, triggered calls and agents.';
REVOKE ALL ON FUNCTION switchboard._conclude_calls(uuid[], timestamptz) FROM PUBLIC;
