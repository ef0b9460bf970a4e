-- The last check: what may still be sent when its turn has come, and what becomes of the calls that may not.

CREATE OR REPLACE FUNCTION switchboard._is_refusal(code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(code IN ('do-not-call', 'consent-revoked', 'consent-required', 'sms-not-allowed', 'abandoned-recently',
                           'frequency-cap', 'outside-calling-hours', 'holiday', 'no-calling-hours'), false)
$$;
COMMENT ON FUNCTION switchboard._is_refusal(text) IS 'Whether a job''s code is a compliance refusal of ours, see 44_compliance.sql.';
REVOKE ALL ON FUNCTION switchboard._is_refusal(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._allow_sending(job_ids uuid[])
RETURNS TABLE (job_id uuid, allowed boolean, reason text, retry_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each job. Internal: called by the queue just before the first byte leaves.
-- A call that is refused is over (its person goes back on the list); a message waits until it may be sent.
-- Cost: one decision query per tenant and campaign among the jobs.
DECLARE
  batch record;
  at    timestamptz := clock_timestamp();
BEGIN
  -- Whoever hangs a call up holds its row: what is read below is the last word before the call is noted as sent.
  PERFORM FROM switchboard.call_logs c
  WHERE c.id IN (SELECT j.subject_id FROM switchboard.jobs_open j WHERE j.id = ANY (job_ids) AND j.kind = 'call')
  ORDER BY c.id FOR NO KEY UPDATE;
  FOR batch IN
    SELECT j.tenant_id, c.campaign_id, coalesce(j.payload ->> 'channel', 'voice') AS channel, j.kind,
           k.status AS campaign_status,
           array_agg(j.id ORDER BY j.id) AS jobs, array_agg(j.subject_id ORDER BY j.id) AS subjects,
           array_agg(coalesce(c.to_number, j.payload ->> 'to') ORDER BY j.id) AS phones,
           array_agg(j.kind <> 'call' OR c.id IS NULL
                     OR c.status = 'initiated' AND c.call_id IS NULL AND c.hang_up_at IS NULL ORDER BY j.id) AS untouched,
           array_agg(c.campaign_contact_id IS NOT NULL AND q.id IS NOT NULL ORDER BY j.id) AS by_campaign
    FROM switchboard.jobs_open j
    LEFT JOIN switchboard.call_logs c ON j.kind = 'call' AND c.tenant_id = j.tenant_id AND c.id = j.subject_id
    LEFT JOIN switchboard.campaigns k ON k.id = c.campaign_id
    LEFT JOIN switchboard.dialer_queues q ON q.tenant_id = c.tenant_id AND q.call_log_id = c.id
    WHERE j.id = ANY (job_ids)
    GROUP BY 1, 2, 3, 4, 5
  LOOP
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
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._allow_sending(uuid[]) IS
  'Hook of the queue: whether each job may still be sent. No: the person must not be contacted now, the call has been canceled or is
known to the provider already, or the campaign that dialed it is no longer active.';
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
    SELECT l.campaign_id AS id, l.tenant_id, array_agg(l.id ORDER BY l.id) AS people,
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
          FROM switchboard._contact_decisions(campaign.tenant_id, campaign.id, campaign.phones, 'voice', at) v) d
    WHERE l.id = d.person;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._release_contacts(uuid[], timestamptz) IS
  'Puts the people of calls that were refused before they were placed back on their lists: the attempt does not count, and they wait
until they may be called, or become do-not-call.';
REVOKE ALL ON FUNCTION switchboard._release_contacts(uuid[], timestamptz) FROM PUBLIC;
