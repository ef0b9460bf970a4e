-- The last check of triggered calls that are made directly (not by a list's agents), just before they are sent. On top of what holds for
-- every call (44_send_check.sql):
--
--   over for good     the coupon has been redeemed (coupon-redeemed), the campaign is over or gone (campaign-not-active), the offer has
--                     ended (offer-expired) or no longer stands (offer-withdrawn), every purchase was refunded (refunded), or a
--                     refusal that time does not heal
--   put off           the campaign is paused (campaign-paused), no line is free (no-line), or a refusal that passes with time, as
--                     long as it passes before the offer ends
--
-- The settings of these functions leave index probes only: sessions of workers keep the plans that they made while tables were small.
--
-- Lines are counted before the person is judged: of 100,000 calls that wait for fifty lines, only those that get one cost a decision
-- and its evidence. Who gets none is put off by a random part of the time that the waiting calls need, ten minutes at most.

CREATE OR REPLACE FUNCTION switchboard._stale_offers(triggers uuid[], at timestamptz)
RETURNS TABLE (trigger_id uuid, reason text, ends_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant of each trigger. Internal. What the package names and the row no longer does was deleted.
-- Cost: six index probes a trigger.
BEGIN
  RETURN QUERY
  SELECT t.id,
         CASE WHEN u.redeemed_at IS NOT NULL THEN 'coupon-redeemed'
              WHEN k.id IS NULL AND t.package ->> 'campaign_id' IS NOT NULL OR k.status NOT IN ('active', 'paused') THEN 'campaign-not-active'
              WHEN o.ends_at <= at THEN 'offer-expired'
              WHEN p.id IS NULL AND t.package ->> 'product_id' IS NOT NULL
                OR t.trigger_type = 'price_drop' AND p.price > greatest(t.new_price, t.listed_price)
                OR t.trigger_type = 'stock_alert' AND t.listed_stock > 0 AND p.stock = 0 THEN 'offer-withdrawn'
              WHEN b.all_refunded THEN 'refunded' END,
         o.ends_at
  FROM switchboard.call_triggers t
  JOIN switchboard.tenants n ON n.id = t.tenant_id
  LEFT JOIN switchboard.coupons u ON u.tenant_id = t.tenant_id AND u.id = t.coupon_id
  LEFT JOIN switchboard.campaigns k ON k.tenant_id = t.tenant_id AND k.id = t.campaign_id
  LEFT JOIN switchboard.products p ON p.tenant_id = t.tenant_id AND p.id = t.product_id
  CROSS JOIN LATERAL (
    SELECT least(u.valid_until, switchboard._offer_end(k.settings, n.settings, t.created_at)) AS ends_at) o
  CROSS JOIN LATERAL (
    SELECT bool_and(h.refunded_at IS NOT NULL) AS all_refunded
    FROM switchboard.purchases h
    WHERE h.tenant_id = t.tenant_id AND h.contact_id = t.contact_id AND (t.product_id IS NULL OR h.product_id = t.product_id)) b
  WHERE t.id = ANY (triggers);
END
$$;
COMMENT ON FUNCTION switchboard._stale_offers(uuid[], timestamptz) IS
  'Why each of these triggers is not to be called about any more (coupon-redeemed, campaign-not-active, offer-expired, offer-withdrawn,
refunded; null: it is), and when its offer ends.';
REVOKE ALL ON FUNCTION switchboard._stale_offers(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_room(
  tenant uuid, campaign switchboard.campaigns, account switchboard.provider_accounts, but uuid[], OUT lines int, OUT room int)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: counts calls for any tenant. Internal. Counting holds only while nobody else counts for the tenant, as in 45_lines.sql: who
-- does not get the lock asks again in a second. Cost: an index range of the tenant's calls under way; nothing without a limit.
DECLARE
  tenant_limit  int := (SELECT switchboard._small_int(t.settings -> 'max_lines', 0, 100000, NULL)
                        FROM switchboard.tenants t WHERE t.id = tenant);
  account_limit int := switchboard._small_int(account.settings -> 'max_lines', 0, 100000, NULL);
  own_limit     int := switchboard._small_int(campaign.settings -> 'max_lines', 0, 100000, NULL);
  used          record;
BEGIN
  lines := least(tenant_limit, account_limit, own_limit);
  IF lines IS NULL THEN
    RETURN;
  ELSIF NOT switchboard._try_dial_lock(tenant) THEN
    room := -1;
    RETURN;
  END IF;
  SELECT count(*) AS by_tenant, count(*) FILTER (WHERE c.account_id = account.id) AS by_account,
         count(*) FILTER (WHERE c.campaign_id IS NOT DISTINCT FROM campaign.id) AS here
  INTO used
  FROM switchboard.call_logs c
  WHERE c.tenant_id = tenant AND c.status IN ('initiated', 'ringing', 'answered') AND NOT c.waits
    AND c.direction = 'outbound' AND c.id <> ALL (but);
  room := greatest(0, least(tenant_limit - used.by_tenant, account_limit - used.by_account, own_limit - used.here));
END
$$;
COMMENT ON FUNCTION switchboard._trigger_room(uuid, switchboard.campaigns, switchboard.provider_accounts, uuid[]) IS
  'How many lines a campaign''s triggered calls may have at most, and how many more now: within settings.max_lines of the campaign, of
the tenant and of the account, whichever are set. The calls in "but" do not
count. NULL: no limit; room -1: somebody else is counting.';
REVOKE ALL ON FUNCTION switchboard._trigger_room(uuid, switchboard.campaigns, switchboard.provider_accounts, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._line_wait(tenant uuid, campaign uuid, lines int)
RETURNS interval
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _trigger_room(). Internal. A call is reckoned at a minute; who waits longer than ten is not counted.
DECLARE
  most    constant int := 10 * greatest(lines, 1);
  waiting int;
BEGIN
  IF campaign IS NULL THEN
    SELECT count(*) INTO waiting
    FROM (SELECT FROM switchboard.call_triggers t
          WHERE t.tenant_id = tenant AND t.campaign_id IS NULL AND t.status = 'scheduled' AND t.campaign_contact_id IS NULL LIMIT most) w;
  ELSE
    SELECT count(*) INTO waiting
    FROM (SELECT FROM switchboard.call_triggers t
          WHERE t.tenant_id = tenant AND t.campaign_id = campaign AND t.status = 'scheduled' AND t.campaign_contact_id IS NULL LIMIT most) w;
  END IF;
  RETURN greatest(10, 60.0 * waiting / greatest(lines, 1)) * interval '1 second';
END
$$;
COMMENT ON FUNCTION switchboard._line_wait(uuid, uuid, int) IS
  'About how long the triggered calls that wait in a campaign need with so many lines: ten seconds to ten minutes.';
REVOKE ALL ON FUNCTION switchboard._line_wait(uuid, uuid, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._put_off_triggers(tenant uuid, calls uuid[], times timestamptz[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _trigger_room(). Internal: the caller has locked both rows. A call that a provider turned away for the moment, and that is
  -- now put off, was not made: it frees its line, and the attempt does not count.
  UPDATE switchboard.call_logs c SET dialed_at = NULL
  WHERE c.tenant_id = tenant AND c.id = ANY (calls) AND c.dialed_at IS NOT NULL;
  UPDATE switchboard.call_triggers t
  SET status = 'scheduled', scheduled_at = p.at, attempts = t.attempts - (t.status = 'calling')::int
  FROM unnest(calls, times) AS p (call, at)
  WHERE t.tenant_id = tenant AND t.call_log_id = p.call
$$;
COMMENT ON FUNCTION switchboard._put_off_triggers(uuid, uuid[], timestamptz[]) IS 'Triggered calls are not made now, but at these times.';
REVOKE ALL ON FUNCTION switchboard._put_off_triggers(uuid, uuid[], timestamptz[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_trigger_dialing(tenant uuid, calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: as _trigger_room(). Internal: the caller has locked the calls. Who is given a package is on record as one who reads it.
BEGIN
  PERFORM FROM switchboard.call_triggers t WHERE t.tenant_id = tenant AND t.call_log_id = ANY (calls) ORDER BY t.id FOR NO KEY UPDATE;
  WITH told AS (
    UPDATE switchboard.call_triggers t
    SET status = 'calling', attempts = t.attempts + (t.status = 'scheduled')::int
    FROM switchboard.call_logs c
    WHERE t.tenant_id = tenant AND t.call_log_id = ANY (calls) AND t.status IN ('scheduled', 'calling')
      AND c.tenant_id = t.tenant_id AND c.id = t.call_log_id AND c.dialed_at = at
    RETURNING t.id, t.call_log_id, t.campaign_contact_id, c.provider, c.account_id
  )
  INSERT INTO switchboard.audit_log (tenant_id, actor, action, subject, detail)
  SELECT tenant, session_user, 'deliver-call-package', 'call_trigger:' || d.id,
         jsonb_build_object('call', d.call_log_id, 'account', d.account_id, 'provider', d.provider)
  FROM told d
  WHERE d.campaign_contact_id IS NULL AND switchboard._takes_packages(d.provider);
END
$$;
COMMENT ON FUNCTION switchboard._note_trigger_dialing(uuid, uuid[], timestamptz) IS
  'Notes that of these calls those dialed at that instant are what their triggers have become; the audit log says to which call system a package
went (deliver-call-package).';
REVOKE ALL ON FUNCTION switchboard._note_trigger_dialing(uuid, uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._judge_triggers(
  tenant uuid, campaign uuid, jobs uuid[], calls uuid[], phones text[], untouched boolean[], at timestamptz)
RETURNS TABLE (n int, reason text, ends_at timestamptz, rank bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: as _trigger_room(). Internal: the caller has locked the calls. A call without its trigger was to somebody who has been erased.
-- One phone rings once at a time: compliance sees to that between campaigns, not among calls that are judged together, nor without campaign.
DECLARE
  triggers constant uuid[] := ARRAY(SELECT t.id FROM switchboard.call_triggers t
                                    WHERE t.tenant_id = tenant AND t.call_log_id = ANY (calls) ORDER BY t.id FOR NO KEY UPDATE);
BEGIN
  RETURN QUERY
  WITH judged AS MATERIALIZED (
    SELECT a.n::int AS n, a.phone, s.ends_at, row_number() OVER (ORDER BY j.priority DESC, j.run_at, j.id) AS rank,
           CASE WHEN NOT a.untouched OR t.id IS NULL OR t.status NOT IN ('scheduled', 'calling') THEN 'canceled'
                WHEN s.reason IS NOT NULL THEN s.reason
                WHEN campaign IS NULL AND EXISTS (
                  SELECT FROM switchboard.call_logs c
                  WHERE c.tenant_id = tenant AND c.to_number = a.phone AND c.direction = 'outbound' AND c.started_at > at - interval '1 day'
                    AND c.status IN ('initiated', 'ringing', 'answered') AND c.dialed_at IS NOT NULL AND c.id <> a.call) THEN 'on-a-call' END
             AS reason
    FROM unnest(jobs, calls, phones, untouched) WITH ORDINALITY AS a (job, call, phone, untouched, n)
    JOIN switchboard.jobs_open j ON j.id = a.job
    LEFT JOIN switchboard.call_triggers t ON t.tenant_id = tenant AND t.call_log_id = a.call AND t.id = ANY (triggers)
    LEFT JOIN switchboard._stale_offers(triggers, at) s ON s.trigger_id = t.id
  )
  SELECT v.n, coalesce(v.reason, CASE WHEN row_number() OVER (PARTITION BY v.phone, v.reason ORDER BY v.rank) > 1 THEN 'on-a-call' END),
         v.ends_at, v.rank
  FROM judged v;
END
$$;
COMMENT ON FUNCTION switchboard._judge_triggers(uuid, uuid, uuid[], uuid[], text[], boolean[], timestamptz) IS
  'Locks what these calls are made for; why each is not made now (null: as far as that goes it may), when its offer ends, and its place in
the order of calling.';
REVOKE ALL ON FUNCTION switchboard._judge_triggers(uuid, uuid, uuid[], uuid[], text[], boolean[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._send_triggers(
  tenant uuid, campaign uuid, account uuid, jobs uuid[], calls uuid[], phones text[], untouched boolean[], at timestamptz)
RETURNS TABLE (job_id uuid, allowed boolean, reason text, retry_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: as _allow_sending(), which calls this for the triggered calls of one campaign (or none) and one account. Arrays by place in
-- jobs; a refusal that passes after the offer has ended is one for good.
DECLARE
  found_campaign switchboard.campaigns := (SELECT k FROM switchboard.campaigns k WHERE k.tenant_id = tenant AND k.id = campaign);
  reasons  text[];
  ends     timestamptz[];
  later    timestamptz[];
  waiting  int[];         -- places of those whose offers stand, the most urgent first
  free     record;
  wait     interval;
  lucky    int[];         -- those of them that get a line
  verdict  record;
BEGIN
  SELECT array_agg(v.reason ORDER BY v.n), array_agg(v.ends_at ORDER BY v.n),
         array_agg(CASE WHEN v.reason = 'on-a-call' THEN at + interval '1 minute' END ORDER BY v.n),
         coalesce(array_agg(v.n ORDER BY v.rank) FILTER (WHERE v.reason IS NULL), '{}')
  INTO reasons, ends, later, waiting
  FROM switchboard._judge_triggers(tenant, campaign, jobs, calls, phones, untouched, at) v;
  IF found_campaign.status = 'paused' THEN
    lucky := '{}';
    wait := interval '90 minutes';
  ELSIF waiting <> '{}' THEN
    SELECT r.* INTO free FROM switchboard._trigger_room(
      tenant, found_campaign, (SELECT a FROM switchboard.provider_accounts a WHERE a.tenant_id = tenant AND a.id = account), calls) r;
    lucky := waiting[1:CASE WHEN free.lines IS NULL THEN cardinality(waiting) ELSE greatest(free.room, 0) END];
    wait := CASE WHEN free.room < 0 THEN interval '1 second' WHEN free.lines IS NOT NULL THEN switchboard._line_wait(tenant, campaign, free.lines) END;
  END IF;
  FOR i IN coalesce(cardinality(lucky), 0) + 1 .. cardinality(waiting) LOOP
    reasons[waiting[i]] := CASE WHEN found_campaign.status = 'paused' THEN 'campaign-paused' ELSE 'no-line' END;
    later[waiting[i]] := at + wait * (0.3 + 0.7 * random());
  END LOOP;
  IF lucky <> '{}' THEN
    FOR verdict IN
      SELECT w.n, d.reason, d.retry_at
      FROM (SELECT array_agg(phones[w.n] ORDER BY w.i) AS phones, array_agg(calls[w.n] ORDER BY w.i) AS calls
            FROM unnest(lucky) WITH ORDINALITY AS w (n, i)) a
      CROSS JOIN LATERAL switchboard._decide_contacts(tenant, campaign, a.phones, 'voice', at, 'send', a.calls, a.calls) d
      JOIN unnest(lucky) WITH ORDINALITY AS w (n, i) ON w.i = d.n
      WHERE NOT d.allowed
    LOOP
      reasons[verdict.n] := verdict.reason;
      later[verdict.n] := CASE WHEN switchboard._only_delays(verdict.reason) AND verdict.retry_at < ends[verdict.n] THEN verdict.retry_at END;
    END LOOP;
    -- A call begins when it is made, not when somebody thought of it: figures and caps go by that.
    UPDATE switchboard.call_logs c SET dialed_at = at, started_at = at
    WHERE c.tenant_id = tenant AND c.id IN (SELECT calls[w.n] FROM unnest(lucky) AS w (n) WHERE reasons[w.n] IS NULL);
    PERFORM switchboard._note_trigger_dialing(tenant, calls, at);
  END IF;
  PERFORM switchboard._put_off_triggers(tenant, array_agg(p.call), array_agg(p.until))
  FROM unnest(calls, later) AS p (call, until) WHERE p.until IS NOT NULL HAVING count(*) > 0;
  RETURN QUERY SELECT r.job, r.reason IS NULL, r.reason, r.until FROM unnest(jobs, reasons, later) AS r (job, reason, until);
END
$$;
COMMENT ON FUNCTION switchboard._send_triggers(uuid, uuid, uuid, uuid[], uuid[], text[], boolean[], timestamptz) IS
  'Whether each of these triggered calls may be sent, as _allow_sending() says it; this file has the rules. Notes those that are, and puts off
those that are to wait.';
REVOKE ALL ON FUNCTION switchboard._send_triggers(uuid, uuid, uuid, uuid[], uuid[], text[], boolean[], timestamptz) FROM PUBLIC;
