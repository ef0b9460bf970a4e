-- Who is called because of a price, a stock or a promotion, and why the others are not.
--
-- Reasons against somebody, in this order; the first that applies is the reason:
--   campaign-not-active  the campaign is not active (one whose list ran out is: it becomes active again)
--   no-purchase          never bought the product; of a promotion without product: anything
--   refunded             bought it, and has the money back for all of it
--   already-triggered    a call to them about the same product, of the same type and campaign, was triggered within the campaign's
--                        settings.trigger_window (seconds, default 86400), or by another campaign because of the same event or of an
--                        earlier one in that time, unless this campaign alone was asked for
--   coupon-open          a coupon of such a call can still be redeemed
--   do-not-call, consent-revoked, consent-required, no-calling-hours
--                        as can_contact() says, or the campaign's list says do-not-call
-- Refusals that pass with time (outside-calling-hours, holiday, frequency-cap, on-a-call, abandoned-recently) only make the call later.

CREATE OR REPLACE FUNCTION switchboard._takes_triggers(campaign switchboard.campaigns)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(campaign.status = 'active' OR campaign.status = 'completed' AND campaign.ran_out, true) $$;
COMMENT ON FUNCTION switchboard._takes_triggers(switchboard.campaigns) IS
  'Whether calls can be triggered for a campaign: it is active, or was completed because its list ran out, which a new call undoes. True
without a campaign.';
REVOKE ALL ON FUNCTION switchboard._takes_triggers(switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_window(campaign_settings jsonb)
RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT make_interval(secs => switchboard._small_int(campaign_settings -> 'trigger_window', 0, 31536000, 86400)) $$;
COMMENT ON FUNCTION switchboard._trigger_window(jsonb) IS
  'Within how long nobody is called twice about the same: settings.trigger_window of the campaign in seconds, default a day.';
REVOKE ALL ON FUNCTION switchboard._trigger_window(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._only_delays(code text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
AS $$
  SELECT code OPERATOR(pg_catalog.=) ANY (ARRAY['outside-calling-hours', 'holiday', 'frequency-cap', 'on-a-call', 'abandoned-recently'])
$$;
COMMENT ON FUNCTION switchboard._only_delays(text) IS 'Whether a refusal of can_contact() passes with time.';
REVOKE ALL ON FUNCTION switchboard._only_delays(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_candidates(
  tenant uuid, campaign uuid, product uuid, wanted switchboard.trigger_type, people uuid[], at timestamptz, rival_runs uuid[] DEFAULT '{}')
RETURNS TABLE (contact_id uuid, phone_number text, eligible boolean, reason text, reasons text[], waits_for text, call_at timestamptz, retry_at timestamptz,
               last_purchase_at timestamptz, allowed boolean, rule_versions jsonb, zones text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal, called as owner, who says force_custom_plan: of tables that were empty when a plan was made and grow
-- in the same transaction, that plan may scan all for each person. Lateral subqueries, because each is to be an index probe. Cost: four probes a person, some 10 microseconds, and _contact_decisions() for who is left.
DECLARE
  found_campaign switchboard.campaigns := (SELECT c FROM switchboard.campaigns c WHERE c.tenant_id = tenant AND c.id = campaign);
  takes          constant boolean := switchboard._takes_triggers(found_campaign);
  since          constant timestamptz := at - switchboard._trigger_window(found_campaign.settings);
BEGIN
  RETURN QUERY
  WITH asked AS MATERIALIZED (
    SELECT k.id, k.phone_number, bought.last_at,
           array_remove(ARRAY[
             CASE WHEN NOT takes THEN 'campaign-not-active' END,
             CASE WHEN bought.purchases = 0 THEN 'no-purchase' WHEN bought.last_at IS NULL THEN 'refunded' END,
             CASE WHEN called.lately THEN 'already-triggered' END,
             CASE WHEN given.still_open THEN 'coupon-open' END,
             CASE WHEN listed.barred THEN 'do-not-call' END], NULL) AS codes
    FROM switchboard.contacts k
    CROSS JOIN LATERAL (
      SELECT count(*) AS purchases, max(p.purchased_at) FILTER (WHERE p.refunded_at IS NULL) AS last_at
      FROM switchboard.purchases p
      WHERE p.tenant_id = tenant AND p.contact_id = k.id AND (product IS NULL OR p.product_id = product)) bought
    CROSS JOIN LATERAL (
      SELECT count(*) > 0 AS lately
      FROM switchboard.call_triggers t
      WHERE t.tenant_id = tenant AND t.contact_id = k.id AND t.product_id IS NOT DISTINCT FROM product AND t.trigger_type = wanted
        -- CASE, because no index is to be looked through for the runs.
        AND t.status <> 'canceled'
        AND CASE WHEN t.run_id = ANY (rival_runs) THEN true ELSE t.campaign_id IS NOT DISTINCT FROM campaign AND t.created_at > since END) called
    CROSS JOIN LATERAL (
      SELECT count(*) > 0 AS still_open
      FROM switchboard.coupons u
      JOIN switchboard.call_triggers t ON t.tenant_id = u.tenant_id AND t.coupon_id = u.id
      WHERE u.tenant_id = tenant AND u.contact_id = k.id AND u.product_id IS NOT DISTINCT FROM product
        AND u.campaign_id IS NOT DISTINCT FROM campaign AND u.redeemed_at IS NULL AND coalesce(u.valid_until >= at, true)
        AND t.trigger_type = wanted AND t.status <> 'canceled') given
    CROSS JOIN LATERAL (
      SELECT count(*) > 0 AS barred
      FROM switchboard.campaign_contacts l
      WHERE l.campaign_id = campaign AND l.phone_number = k.phone_number AND l.status = 'do-not-call') listed
    WHERE k.tenant_id = tenant AND k.id = ANY (people)
  ), decided AS MATERIALIZED (
    SELECT d.phone, d.allowed, d.reason, d.retry_at, d.later, d.codes, d.rule_versions, d.zones,
           (SELECT f.code FROM unnest(d.codes) WITH ORDINALITY AS f (code, n) WHERE NOT switchboard._only_delays(f.code) ORDER BY f.n LIMIT 1)
             AS final_code
    FROM switchboard._contact_decisions(tenant, campaign, ARRAY(SELECT a.phone_number FROM asked a WHERE a.codes = '{}' ORDER BY a.id), 'voice', at) d
  )
  SELECT a.id, a.phone_number, a.codes = '{}' AND d.final_code IS NULL, coalesce(a.codes[1], d.final_code), coalesce(nullif(a.codes, '{}'), d.codes),
         CASE WHEN d.final_code IS NULL AND NOT d.allowed THEN d.reason END,
         CASE WHEN d.allowed THEN at WHEN d.final_code IS NULL THEN d.later END, d.retry_at, a.last_at, d.allowed, d.rule_versions, d.zones
  FROM asked a
  LEFT JOIN decided d ON d.phone = a.phone_number
  ORDER BY a.id;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_candidates(uuid, uuid, uuid, switchboard.trigger_type, uuid[], timestamptz, uuid[]) IS
  'Whether each of the contacts would be called because of a product (null: any), in order of their ids. reason (null: yes) and all
reasons as in this file; call_at: the earliest lawful time of the call, waits_for: the refusal that makes it later than now. rival_runs:
runs of the same event for other campaigns. allowed, rule_versions, zones: what can_contact() decided, for evidence; null: it was not
asked.';
REVOKE ALL ON FUNCTION switchboard._trigger_candidates(uuid, uuid, uuid, switchboard.trigger_type, uuid[], timestamptz, uuid[]) FROM PUBLIC;
