-- The last check: what may still be sent when its turn has come, and what becomes of the calls that may not.

CREATE OR REPLACE FUNCTION switchboard._is_refusal(code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(code IN ('do-not-call', 'consent-revoked', 'consent-required', 'sms-not-allowed', 'abandoned-recently',
                           'on-a-call', 'frequency-cap', 'outside-calling-hours', 'holiday', 'no-calling-hours',
                           'campaign-not-active', 'offer-expired', 'offer-withdrawn', 'coupon-redeemed', 'refunded'), false)
$$;
COMMENT ON FUNCTION switchboard._is_refusal(text) IS
  'Whether a job''s code is a refusal of ours: compliance (44_compliance.sql), the campaign, or the offer (59_trigger_sending.sql).';
REVOKE ALL ON FUNCTION switchboard._is_refusal(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._lock_numbers(job_ids uuid[])
RETURNS uuid[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Tried, not waited for: the worker has more to do than to wait for somebody's open transaction.
  SELECT array_agg(j.id)
  FROM switchboard.jobs_open j
  JOIN switchboard.call_logs c ON c.tenant_id = j.tenant_id AND c.id = j.subject_id
  WHERE j.id = ANY (job_ids) AND j.kind = 'call'
    AND NOT pg_try_advisory_xact_lock(switchboard._number_lock(c.tenant_id, c.to_number))
$$;
COMMENT ON FUNCTION switchboard._lock_numbers(uuid[]) IS
  'Locks the numbers that the calls among these jobs are to, until the end of the transaction; the jobs whose number is locked by
somebody else: another call to it is being sent, or it is being put on do_not_call.';
REVOKE ALL ON FUNCTION switchboard._lock_numbers(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._allow_sending(job_ids uuid[])
RETURNS TABLE (job_id uuid, allowed boolean, reason text, retry_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant of each job. Internal: called by the queue just before the first byte leaves.
-- A call that is refused is over (its person goes back on the list); a message waits until it may be sent. What goes to no
-- number (hanging up, asking for a status) is nobody's business here.
-- Numbers are locked first and calls counted afterwards, so that two calls together stay within the cap.
-- Triggered calls: see _send_triggers(). Cost: one decision query per tenant and campaign among the jobs.
DECLARE
  batch  record;
  locked constant uuid[] := switchboard._lock_numbers(job_ids);
  at     constant timestamptz := clock_timestamp();
BEGIN
  -- Whoever hangs a call up holds its row: what is read below is the last word before the call is noted as sent.
  PERFORM FROM switchboard.call_logs c
  WHERE c.id IN (SELECT j.subject_id FROM switchboard.jobs_open j WHERE j.id = ANY (job_ids) AND j.kind = 'call')
  ORDER BY c.id FOR NO KEY UPDATE;
  FOR batch IN
    SELECT j.tenant_id, c.campaign_id, coalesce(j.payload ->> 'channel', 'voice') AS channel, j.kind,
           k.status AS campaign_status, c.metadata ? 'call_trigger_id' AS triggered,
           -- Triggered calls that no list leads to have lines of their own to wait for.
           CASE WHEN c.metadata ? 'call_trigger_id' AND c.campaign_contact_id IS NULL THEN j.account_id END AS direct_by,
           array_agg(j.id ORDER BY j.id) AS jobs, array_agg(j.subject_id ORDER BY j.id) AS subjects,
           array_agg(coalesce(c.to_number, j.payload ->> 'to') ORDER BY j.id) AS phones,
           -- A call that was deleted meanwhile (its job names it) is not placed.
           array_agg(j.kind <> 'call' OR CASE WHEN c.id IS NULL THEN NOT j.payload ? 'call_log_id'
                     ELSE c.status = 'initiated' AND c.call_id IS NULL AND c.hang_up_at IS NULL END ORDER BY j.id) AS untouched,
           array_agg(c.campaign_contact_id IS NOT NULL AND q.id IS NOT NULL ORDER BY j.id) AS by_campaign
    FROM switchboard.jobs_open j
    LEFT JOIN switchboard.call_logs c ON j.kind = 'call' AND c.tenant_id = j.tenant_id AND c.id = j.subject_id
    LEFT JOIN switchboard.campaigns k ON k.id = c.campaign_id
    LEFT JOIN switchboard.dialer_queues q ON q.tenant_id = c.tenant_id AND q.call_log_id = c.id
    WHERE j.id = ANY (job_ids) AND coalesce(c.to_number, j.payload ->> 'to') IS NOT NULL AND j.id <> ALL (coalesce(locked, '{}'))
    GROUP BY 1, 2, 3, 4, 5, 6, 7
  LOOP
    IF batch.direct_by IS NOT NULL THEN
      RETURN QUERY SELECT s.* FROM switchboard._send_triggers(batch.tenant_id, batch.campaign_id, batch.direct_by, batch.jobs, batch.subjects,
                                                              batch.phones, batch.untouched, at) s;
      CONTINUE;
    END IF;
    RETURN QUERY
    WITH verdicts AS MATERIALIZED (
      SELECT batch.jobs[d.n] AS job_id, batch.subjects[d.n] AS subject_id, d.retry_at,
             CASE WHEN NOT batch.untouched[d.n] THEN 'canceled'
                  WHEN batch.by_campaign[d.n] AND batch.campaign_status <> 'active' THEN 'campaign-not-active'
                  ELSE d.reason END AS reason
      FROM switchboard._decide_contacts(batch.tenant_id, batch.campaign_id, batch.phones,
             CASE WHEN batch.channel IN ('sms', 'whatsapp') THEN batch.channel::switchboard.channel ELSE 'voice' END, at, 'send',
             batch.subjects, CASE WHEN batch.kind = 'call' THEN batch.subjects END) d
    ), dialed AS (
      UPDATE switchboard.call_logs c SET dialed_at = at
      FROM verdicts v
      WHERE batch.kind = 'call' AND v.reason IS NULL AND c.tenant_id = batch.tenant_id AND c.id = v.subject_id
    )
    SELECT v.job_id, v.reason IS NULL, v.reason, CASE WHEN batch.kind <> 'call' THEN v.retry_at END FROM verdicts v;
    IF batch.triggered THEN
      PERFORM switchboard._note_trigger_dialing(batch.tenant_id, batch.subjects, at);
    END IF;
  END LOOP;
  RETURN QUERY
  SELECT j.id, j.id <> ALL (coalesce(locked, '{}')), CASE WHEN j.id = ANY (locked) THEN 'number-busy' END,
         CASE WHEN j.id = ANY (locked) THEN at + interval '1 second' END
  FROM switchboard.jobs_open j
  LEFT JOIN switchboard.call_logs c ON j.kind = 'call' AND c.tenant_id = j.tenant_id AND c.id = j.subject_id
  WHERE j.id = ANY (job_ids) AND (j.id = ANY (locked) OR coalesce(c.to_number, j.payload ->> 'to') IS NULL);
END
$$;
COMMENT ON FUNCTION switchboard._allow_sending(uuid[]) IS
  'Hook of the queue: whether each job may still be sent; notes the time of the calls that may (call_logs.dialed_at). No: the person must
not be contacted now, the call has been canceled or is known to the provider already, or the campaign that dialed it is no longer
active. Not yet (with retry_at): the number is busy, see _lock_numbers().';
REVOKE ALL ON FUNCTION switchboard._allow_sending(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._release_contacts(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the dialer's own. Internal. Set-based per campaign, of which one batch of refusals has few.
DECLARE
  campaign record;
BEGIN
  FOR campaign IN
    SELECT l.campaign_id AS id, l.tenant_id, array_agg(l.id ORDER BY l.id) AS people, array_agg(c.id ORDER BY l.id) AS calls,
           array_agg(l.phone_number ORDER BY l.id) AS phones
    FROM switchboard.call_logs c
    JOIN switchboard.campaign_contacts l ON l.id = c.campaign_contact_id AND l.last_call_id = c.id AND l.status = 'calling'
    WHERE c.id = ANY (calls)
    GROUP BY l.campaign_id, l.tenant_id
  LOOP
    UPDATE switchboard.campaign_contacts l
    SET status = CASE WHEN d.allowed OR d.later IS NOT NULL THEN 'pending'::switchboard.campaign_contact_status
                      ELSE 'do-not-call' END,
        attempts = greatest(l.attempts - 1, 0), next_attempt_at = d.later
    FROM (SELECT campaign.people[v.n] AS person, v.allowed, v.later
          FROM switchboard._contact_decisions(campaign.tenant_id, campaign.id, campaign.phones, 'voice', at, campaign.calls) v) d
    WHERE l.id = d.person;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._release_contacts(uuid[], timestamptz) IS
  'Puts the people of calls that were refused before they were placed back on their lists: the attempt does not count, and they wait
until they may be called, or become do-not-call.';
REVOKE ALL ON FUNCTION switchboard._release_contacts(uuid[], timestamptz) FROM PUBLIC;
