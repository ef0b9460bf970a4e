-- The hopper: whom a run of a campaign moves into dialer_queues, and in which order.
--
-- 1. Callbacks whose time has come.  2. People to be tried again, and people who were put off, whose time has come.
-- 3. People not called yet. Within each class by priority, then lead score, then those whose best hours are now, then whoever has
-- waited longest, then in the order of the list. The queue keeps that order: its priority is the person's, plus 10000 for
-- a callback and 5000 for another try, and entries of equal priority are taken in the order in which they were put there.
--
-- People who may not be called are dealt with on the way, so that no run looks at them again: refused for a time, they are
-- put off until it is over (next_attempt_at); refused for good, they become do-not-call.
--
-- Whoever is due again is found by time. Of more than twice the number wanted (and 500), those who have waited longest are
-- put in order; without that bound a run would read everybody who is due.

CREATE OR REPLACE FUNCTION switchboard._best_hours_now(
  campaign uuid, level_priority int, level_score int, fallback_zone text, at timestamptz)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY INVOKER: internal, the dialer calls it as owner. Cost: an index probe per distinct hours and zone among the people of
-- equal priority and score; there are a few hundred at most, or else the rest are passed over.
DECLARE
  hours text := '';
  found text[] := '{}';
BEGIN
  FOR i IN 1 .. 1000 LOOP
    SELECT l.best_hours INTO hours
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign AND l.status = 'pending' AND l.next_attempt_at IS NULL AND l.best_hours IS NOT NULL
      AND l.priority = level_priority AND l.lead_score = level_score AND l.best_hours > hours
    ORDER BY l.best_hours
    LIMIT 1;
    EXIT WHEN hours IS NULL;
    IF switchboard._are_best_hours(hours, fallback_zone, at) THEN
      found := found || hours;
    END IF;
  END LOOP;
  RETURN found;
END
$$;
COMMENT ON FUNCTION switchboard._best_hours_now(uuid, int, int, text, timestamptz) IS
  'Which best hours of the people of a campaign who were not called yet and have this priority and score are now.';
REVOKE ALL ON FUNCTION switchboard._best_hours_now(uuid, int, int, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._pick_contacts(campaign switchboard.campaigns, wanted int, at timestamptz)
RETURNS TABLE (id uuid, class int, next_attempt_at timestamptz, rank bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
-- Plans are made for the actual limit, by the index that has the order: the planner expects that hardly anybody passes the probes, and
-- would read and sort all who are due.
SET plan_cache_mode = force_custom_plan SET enable_bitmapscan = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: dialer_queues is not the application's to read past its policies. Internal.
-- The sub-selects on dialer_queues cannot be turned into joins: one probe of its index per candidate, whatever the estimates.
-- Cost: index scans that stop after the number wanted; flat in the list's size.
DECLARE
  ahead int := 2 * wanted + 500;
  zone  text := (SELECT coalesce(campaign.timezone, t.timezone) FROM switchboard.tenants t WHERE t.id = campaign.tenant_id);
BEGIN
  RETURN QUERY
  WITH due AS MATERIALIZED (
    (SELECT l.id, l.priority, l.lead_score, l.best_hours, l.next_attempt_at, 1 AS class
     FROM switchboard.campaign_contacts l
     WHERE l.campaign_id = campaign.id AND l.status = 'callback' AND l.next_attempt_at <= at
       AND (SELECT q.id FROM switchboard.dialer_queues q
            WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
     ORDER BY l.next_attempt_at LIMIT ahead)
    UNION ALL
    (SELECT l.id, l.priority, l.lead_score, l.best_hours, l.next_attempt_at, 2
     FROM switchboard.campaign_contacts l
     WHERE l.campaign_id = campaign.id AND l.status = 'failed' AND l.next_attempt_at <= at
       AND (SELECT q.id FROM switchboard.dialer_queues q
            WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
     ORDER BY l.next_attempt_at LIMIT ahead)
    UNION ALL
    (SELECT l.id, l.priority, l.lead_score, l.best_hours, l.next_attempt_at, 2
     FROM switchboard.campaign_contacts l
     WHERE l.campaign_id = campaign.id AND l.status = 'pending' AND l.next_attempt_at <= at
       AND (SELECT q.id FROM switchboard.dialer_queues q
            WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
     ORDER BY l.next_attempt_at LIMIT ahead)
  ), fresh AS MATERIALIZED (
    SELECT l.id, l.priority, l.lead_score, l.best_hours
    FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign.id AND l.status = 'pending' AND l.next_attempt_at IS NULL
      AND (SELECT q.id FROM switchboard.dialer_queues q
           WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
    ORDER BY l.priority DESC, l.lead_score DESC, l.id
    LIMIT wanted
  ), lowest AS MATERIALIZED (
    -- Of all above this level, fresh has everybody; at this level, those whose best hours are now may lie further down the list.
    SELECT f.priority, f.lead_score, switchboard._best_hours_now(campaign.id, f.priority, f.lead_score, zone, at) AS hours
    FROM fresh f
    ORDER BY f.priority, f.lead_score
    LIMIT 1
  ), best AS MATERIALIZED (
    SELECT b.*
    FROM lowest w
    CROSS JOIN LATERAL (
      SELECT l.id, l.priority, l.lead_score, l.best_hours
      FROM switchboard.campaign_contacts l
      WHERE l.campaign_id = campaign.id AND l.status = 'pending' AND l.next_attempt_at IS NULL AND l.best_hours IS NOT NULL
        AND l.priority = w.priority AND l.lead_score = w.lead_score AND l.best_hours = ANY (w.hours)
        AND (SELECT q.id FROM switchboard.dialer_queues q
             WHERE q.tenant_id = campaign.tenant_id AND q.contact_id = l.id AND q.status IN ('queued', 'calling')) IS NULL
      LIMIT wanted) b
    WHERE w.hours <> '{}'
  ), candidates AS MATERIALIZED (
    SELECT * FROM due
    UNION ALL
    SELECT f.id, f.priority, f.lead_score, f.best_hours, NULL, 3 FROM (SELECT * FROM fresh UNION SELECT * FROM best) f
  )
  SELECT c.id, c.class, c.next_attempt_at, row_number() OVER best_first AS rank
  FROM candidates c
  LEFT JOIN (SELECT h.best_hours, switchboard._are_best_hours(h.best_hours, zone, at) AS now
             FROM (SELECT DISTINCT c.best_hours FROM candidates c WHERE c.best_hours IS NOT NULL) h) b ON b.best_hours = c.best_hours
  WINDOW best_first AS (ORDER BY c.class, c.priority DESC, c.lead_score DESC, coalesce(b.now, false) DESC, c.next_attempt_at, c.id)
  ORDER BY rank
  LIMIT wanted;
END
$$;
COMMENT ON FUNCTION switchboard._pick_contacts(switchboard.campaigns, int, timestamptz) IS
  'Up to so many due people of a campaign who are not in the queue, in the order of calling; the rules are in this file.';
REVOKE ALL ON FUNCTION switchboard._pick_contacts(switchboard.campaigns, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._queue_round(
  campaign switchboard.campaigns, wanted int, at timestamptz, OUT seen int, OUT queued int, OUT skipped jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: dialer_queues is not the application's to write. Internal: whoever calls has checked and locked the campaign.
-- Those picked are locked afterwards and looked at once more: whom somebody else is changing is left for the next run.
-- Cost: the picking, the decision, and an insert that is checked by statement.
BEGIN
  WITH locked AS MATERIALIZED (
    SELECT l.id, l.phone_number, l.priority, p.class, p.rank, CASE WHEN p.class = 1 THEN l.assigned_to END AS assigned_to
    FROM switchboard._pick_contacts(campaign, wanted, at) p
    JOIN switchboard.campaign_contacts l ON l.id = p.id
    WHERE l.status IN ('pending', 'failed', 'callback') AND l.next_attempt_at IS NOT DISTINCT FROM p.next_attempt_at
    FOR NO KEY UPDATE OF l SKIP LOCKED
  ), numbered AS MATERIALIZED (
    SELECT k.*, row_number() OVER (ORDER BY k.rank) AS n FROM locked k
  ), judged AS MATERIALIZED (
    SELECT c.id, c.priority, c.class, c.assigned_to, c.n, d.allowed, d.reason, d.later
    FROM (SELECT array_agg(c.phone_number ORDER BY c.n) AS phones, array_agg(c.id ORDER BY c.n) AS ids FROM numbered c) a
    CROSS JOIN LATERAL switchboard._decide_contacts(campaign.tenant_id, campaign.id, a.phones, 'voice', at, 'queue', a.ids) d
    JOIN numbered c ON c.n = d.n
  ), entries AS (
    INSERT INTO switchboard.dialer_queues (tenant_id, campaign_id, contact_id, priority, scheduled_at, assigned_to)
    SELECT campaign.tenant_id, campaign.id, j.id,
           greatest(least(j.priority, 1000000000), -1000000000) + CASE j.class WHEN 1 THEN 10000 WHEN 2 THEN 5000 ELSE 0 END,
           at, j.assigned_to
    FROM judged j WHERE j.allowed ORDER BY j.n
    ON CONFLICT (tenant_id, contact_id) WHERE status IN ('queued', 'calling') DO NOTHING
    RETURNING id
  ), refused AS (
    UPDATE switchboard.campaign_contacts l
    SET status = CASE WHEN j.later IS NULL THEN 'do-not-call' ELSE l.status END, next_attempt_at = j.later
    FROM judged j
    WHERE l.id = j.id AND NOT j.allowed
  )
  SELECT (SELECT count(*) FROM numbered), (SELECT count(*) FROM entries),
         (SELECT coalesce(jsonb_object_agg(r.reason, r.n), '{}')
          FROM (SELECT j.reason, count(*) AS n FROM judged j WHERE NOT j.allowed GROUP BY j.reason) r)
  INTO seen, queued, skipped;
END
$$;
COMMENT ON FUNCTION switchboard._queue_round(switchboard.campaigns, int, timestamptz) IS
  'Looks at up to so many due people of a campaign and queues those who may be called; how many were seen, queued, and skipped by
reason.';
REVOKE ALL ON FUNCTION switchboard._queue_round(switchboard.campaigns, int, timestamptz) FROM PUBLIC;
