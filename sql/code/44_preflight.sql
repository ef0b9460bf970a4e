-- The whole picture: before a campaign is launched, and of what was refused.

CREATE OR REPLACE FUNCTION switchboard._campaign_preflight(campaign uuid, at timestamptz)
RETURNS TABLE (reason text, contacts bigint, earliest timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: as _can_contact(); the session is checked.
-- Cost: a decision for everybody who is due, some 10 microseconds each; the numbers of the list in memory, once.
DECLARE
  owner_of switchboard.campaigns;
BEGIN
  SELECT c.* INTO owner_of FROM switchboard.campaigns c WHERE c.id = campaign;
  IF NOT FOUND OR NOT switchboard._caller_may(owner_of.tenant_id, owner_of.user_id) THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(campaign::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN QUERY
  WITH waiting AS MATERIALIZED (
    SELECT l.phone_number, l.next_attempt_at
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign
      AND (l.status = 'pending' OR l.status IN ('failed', 'callback') AND l.next_attempt_at IS NOT NULL)
  ), counted AS (
    SELECT coalesce(d.reason, 'ready') AS reason, count(*) AS contacts, min(CASE WHEN d.allowed THEN at ELSE d.retry_at END) AS earliest
    FROM switchboard._contact_decisions(owner_of.tenant_id, campaign,
           ARRAY(SELECT w.phone_number FROM waiting w WHERE coalesce(w.next_attempt_at <= at, true)), 'voice', at) d
    GROUP BY 1
    UNION ALL
    SELECT 'not-due', count(*), min(w.next_attempt_at) FROM waiting w WHERE w.next_attempt_at > at HAVING count(*) > 0
  )
  SELECT c.reason, c.contacts, c.earliest FROM counted c ORDER BY c.reason <> 'ready', c.contacts DESC, c.reason;
END
$$;
COMMENT ON FUNCTION switchboard._campaign_preflight(uuid, timestamptz) IS 'What campaign_preflight() says, at an instant. Errors: P0002.';
REVOKE ALL ON FUNCTION switchboard._campaign_preflight(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.campaign_preflight(campaign_id uuid)
RETURNS TABLE (reason text, contacts bigint, earliest timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT * FROM switchboard._campaign_preflight(campaign_preflight.campaign_id, now()) $$;
COMMENT ON FUNCTION switchboard.campaign_preflight(uuid) IS
  'Who on a campaign''s list could be called now, and why not the others, in whatever status the campaign is: ready first (may be called
now), the reasons of can_contact(), and not-due (a callback or a next attempt lies ahead). earliest: when the first of them can be
called; NULL: never. People who are done with are not counted. Errors: P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard.campaign_preflight(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.refusals(
  start_date timestamptz DEFAULT now() - interval '30 days', end_date timestamptz DEFAULT now(), campaign_id uuid DEFAULT NULL)
RETURNS TABLE (day date, stage switchboard.decision_stage, reason text, refusals bigint, numbers bigint)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: of the caller's tenant. Cost: a scan of the index of refusals over the range.
  SELECT (d.decided_at AT TIME ZONE t.timezone)::date, d.stage, d.codes[1], count(*), count(DISTINCT d.phone_number)
  FROM switchboard.dispatch_decisions d
  JOIN switchboard.tenants t ON t.id = d.tenant_id
  WHERE NOT d.allowed AND d.decided_at >= refusals.start_date AND d.decided_at <= refusals.end_date
    AND (refusals.campaign_id IS NULL OR d.campaign_id = refusals.campaign_id)
  GROUP BY 1, 2, 3
  ORDER BY 1 DESC, 4 DESC, 2, 3
$$;
COMMENT ON FUNCTION switchboard.refusals(timestamptz, timestamptz, uuid) IS
  'Who was not contacted and why, counted by day (of the tenant''s time zone), stage (queue: when a call was to be queued; send: just
before sending) and first reason; of one campaign or of all. The decisions themselves are in dispatch_decisions.';
REVOKE ALL ON FUNCTION switchboard.refusals(timestamptz, timestamptz, uuid) FROM PUBLIC;
