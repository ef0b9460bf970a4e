-- From people to calls: who is told what, and when (_trigger_packages), and the one statement that makes their triggers, coupons,
-- calls and jobs (_make_triggers). A batch takes the same few statements whatever its size.

CREATE OR REPLACE FUNCTION switchboard._offer_end(campaign_settings jsonb, tenant_settings jsonb, at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT at + make_interval(days => switchboard._setting_days('offer_days', campaign_settings, tenant_settings))
$$;
COMMENT ON FUNCTION switchboard._offer_end(jsonb, jsonb, timestamptz) IS
  'Until when an offer of that time is called about: so many days as settings.offer_days of the campaign, else of the tenant, says, else 7.';
REVOKE ALL ON FUNCTION switchboard._offer_end(jsonb, jsonb, timestamptz) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause; pg_catalog names only.
CREATE OR REPLACE FUNCTION switchboard._time_within(earliest timestamptz, opens time, closes time, zone text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN h.opens OPERATOR(pg_catalog.<>) h.closes THEN
           switchboard.next_call_time(earliest, zone, pg_catalog.jsonb_build_object('start', h.opens, 'end', h.closes)) END
  FROM (SELECT pg_catalog.replace(pg_catalog.left(opens::text, 5), '24:00', '00:00') AS opens, pg_catalog.left(closes::text, 5) AS closes) h
$$;
COMMENT ON FUNCTION switchboard._time_within(timestamptz, time, time, text) IS
  'The earliest instant within somebody''s hours, which are taken to the minute; NULL when that leaves none.';
REVOKE ALL ON FUNCTION switchboard._time_within(timestamptz, time, time, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._coupon_end(discount_percent numeric, campaign_settings jsonb, tenant_settings jsonb, at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN discount_percent > 0
              THEN at + make_interval(days => switchboard._setting_days('coupon_days', campaign_settings, tenant_settings)) END
$$;
COMMENT ON FUNCTION switchboard._coupon_end(numeric, jsonb, jsonb, timestamptz) IS
  'Until when the coupon of an offer of that time is valid; NULL: an offer without discount has none.';
REVOKE ALL ON FUNCTION switchboard._coupon_end(numeric, jsonb, jsonb, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._keeps_hours(call_time text, source text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
AS $$
  SELECT call_time OPERATOR(pg_catalog.<>) 'now' AND source OPERATOR(pg_catalog.=) 'preferred'
      OR call_time OPERATOR(pg_catalog.=) 'best' AND source OPERATOR(pg_catalog.=) 'learned'
$$;
COMMENT ON FUNCTION switchboard._keeps_hours(text, text) IS
  'Whether a triggered call waits for hours of that source (preferred, learned, usual), as settings.call_time says: now, preferred or best.';
REVOKE ALL ON FUNCTION switchboard._keeps_hours(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_time_setting(campaign_settings jsonb, tenant_settings jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(campaign_settings ->> 'call_time', tenant_settings ->> 'call_time', 'preferred') $$;
COMMENT ON FUNCTION switchboard._call_time_setting(jsonb, jsonb) IS 'settings.call_time of the campaign, else of the tenant, else preferred.';
REVOKE ALL ON FUNCTION switchboard._call_time_setting(jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._urgency(priority switchboard.task_priority)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause.
AS $$ SELECT CASE priority WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END $$;
COMMENT ON FUNCTION switchboard._urgency(switchboard.task_priority) IS
  'Priority of the job of a triggered call; ten times that on a campaign''s list.';
REVOKE ALL ON FUNCTION switchboard._urgency(switchboard.task_priority) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._calls_by_agents(campaign switchboard.campaigns, account switchboard.provider_accounts)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(campaign.type IN ('power', 'predictive', 'preview'), false)
     AND NOT coalesce(switchboard._takes_packages(account.provider), false) AND NOT switchboard._is_agentless(campaign)
$$;
COMMENT ON FUNCTION switchboard._calls_by_agents(switchboard.campaigns, switchboard.provider_accounts) IS
  'Whether triggered calls are made by the agents of a campaign: it dials for agents, and no external call system makes its calls.';
REVOKE ALL ON FUNCTION switchboard._calls_by_agents(switchboard.campaigns, switchboard.provider_accounts) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_packages(
  run switchboard.trigger_runs, people uuid[], at timestamptz, rival_runs uuid[], strict boolean)
RETURNS TABLE (contact_id uuid, phone_number text, reason text, reasons text[], allowed boolean, rule_versions jsonb, zones text[],
               retry_at timestamptz, trigger_id uuid, scheduled_at timestamptz, priority switchboard.task_priority,
               coupon_code text, valid_until timestamptz, script text, package jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10000 SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal, called as owner. The planner must believe in thousands of rows, or it would join them in nested loops:
-- hence ROWS of the functions, and filters by booleans, of which it believes that half pass.
DECLARE
  tenant    switchboard.tenants := (SELECT t FROM switchboard.tenants t WHERE t.id = run.tenant_id);
  campaign  switchboard.campaigns := (SELECT c FROM switchboard.campaigns c WHERE c.tenant_id = run.tenant_id AND c.id = run.campaign_id);
  product   switchboard.products := (SELECT p FROM switchboard.products p WHERE p.tenant_id = run.tenant_id AND p.id = run.product_id);
  call_time constant text := switchboard._call_time_setting(campaign.settings, tenant.settings);
  -- An offer is called about until it ends, which a coupon may do before.
  until     constant timestamptz := switchboard._coupon_end(run.discount_percent, campaign.settings, tenant.settings, at);
  last_at   constant timestamptz := least(switchboard._offer_end(campaign.settings, tenant.settings, at), until);
  savings   constant numeric := nullif(greatest(run.original_price - run.new_price, 0), 0);
  own_vars  constant jsonb := switchboard._free_vars(campaign.settings -> 'vars');
BEGIN
  RETURN QUERY
  WITH candidates AS MATERIALIZED (
    SELECT c.* FROM switchboard._trigger_candidates(run.tenant_id, run.campaign_id, run.product_id, run.trigger_type, people, at, rival_runs) c
  ), wanted AS MATERIALIZED (
    SELECT coalesce(array_agg(c.contact_id), '{}') AS ids FROM candidates c WHERE c.eligible
  ), timed AS MATERIALIZED (
    SELECT c.contact_id, c.call_at, c.waits_for AS refusal, c.last_purchase_at, h.opens, h.closes, h.zone, v.points,
           CASE WHEN c.call_at <= last_at THEN
             coalesce(CASE WHEN p.at <= last_at THEN p.at END, c.call_at) END AS scheduled_at
    FROM wanted w
    CROSS JOIN LATERAL switchboard._best_call_hours(run.tenant_id, w.ids, at) h
    JOIN candidates c ON c.contact_id = h.contact_id
    JOIN (SELECT v.contact_id, v.points FROM wanted w CROSS JOIN LATERAL switchboard._customer_values(run.tenant_id, w.ids, at) v) v
      ON v.contact_id = h.contact_id
    CROSS JOIN LATERAL (
      SELECT CASE WHEN switchboard._keeps_hours(call_time, h.source)
                  THEN switchboard._time_within(c.call_at, h.opens, h.closes, h.zone) END AS at OFFSET 0) p
  ), people AS MATERIALIZED (
    -- Ids in the order of the people, who are in that of theirs.
    SELECT t.*, switchboard.uuid_v7() AS trigger_id, switchboard._trigger_priority(t.points, run.trigger_type, savings) AS priority,
           CASE WHEN run.discount_percent IS NOT NULL THEN switchboard.generate_coupon_code(run.trigger_type::text, run.discount_percent) END AS code,
           switchboard._person_name(k.name, k.first_name, k.last_name) AS name,
           k.first_name, k.last_name, k.email, k.company, k.position, k.phone_number, k.metadata, coalesce(k.locale, '') AS locale
    FROM (SELECT t.* FROM timed t WHERE t.scheduled_at IS NOT NULL ORDER BY t.contact_id) t
    JOIN switchboard.contacts k ON k.id = t.contact_id
  ), texts AS MATERIALIZED (
    SELECT x.* FROM switchboard._script_texts(run.tenant_id, run.campaign_id, run.trigger_type::text,
                                              ARRAY(SELECT DISTINCT p.locale FROM people p)) x
  ), known AS MATERIALIZED (
    SELECT p.*, x.script AS body, own_vars || switchboard._free_vars(p.metadata) || switchboard._script_vars(
             x.locale, p.zone, coalesce(product.currency, tenant.currency), p.name, p.first_name, p.last_name, p.email, p.company, p.position,
             p.phone_number, product.name, run.discount_percent, p.code, run.original_price, run.new_price, p.last_purchase_at, until,
             campaign.name, x.company_name, x.agent_name, x.reason) AS vars
    FROM people p JOIN texts x ON x.wanted_locale = p.locale
  ), told AS MATERIALIZED (
    SELECT s.*, CASE WHEN strict THEN switchboard.render_template(s.body, s.vars) ELSE switchboard._render_or_null(s.body, s.vars) END AS script
    FROM known s
  ), packed AS MATERIALIZED (
    SELECT s.contact_id, s.trigger_id, s.scheduled_at, s.priority, s.code, s.script,
           switchboard._call_package(
             s.name, s.phone_number, product.name, run.product_id,
             run.discount_percent, s.code, s.vars ->> 'reason', campaign.name, run.campaign_id, run.original_price, run.new_price, s.script,
             s.priority::text, switchboard._call_hours_text(s.opens, s.closes, s.zone, s.scheduled_at), s.zone, h.history, s.trigger_id,
             run.trigger_type::text, s.email) AS package
    FROM told s
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('product_name', b.product_name, 'purchase_date', (b.purchased_at AT TIME ZONE s.zone)::date,
                                          'amount_paid', b.amount_paid)) AS history
      FROM (SELECT b.purchased_at, b.amount_paid,
                   coalesce(b.product_name, (SELECT g.name FROM switchboard.products g WHERE g.id = b.product_id)) AS product_name
            FROM switchboard.purchases b
            WHERE b.tenant_id = run.tenant_id AND b.contact_id = s.contact_id AND b.refunded_at IS NULL
            ORDER BY b.purchased_at DESC LIMIT 20) b) h
    WHERE s.script IS NOT NULL
  )
  SELECT c.contact_id, c.phone_number,
         CASE WHEN c.reason IS NOT NULL THEN c.reason WHEN t.scheduled_at IS NULL THEN c.waits_for
              WHEN p.trigger_id IS NULL THEN 'script-variable-missing' END,
         c.reasons, c.allowed, c.rule_versions, c.zones, c.retry_at, p.trigger_id, p.scheduled_at, p.priority, p.code, until, p.script, p.package
  FROM candidates c
  LEFT JOIN timed t ON t.contact_id = c.contact_id
  LEFT JOIN packed p ON p.contact_id = c.contact_id
  ORDER BY c.contact_id;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_packages(switchboard.trigger_runs, uuid[], timestamptz, uuid[], boolean) IS
  'For each of the contacts, in order of their ids, the call that is to be made about an offer: when, how urgent, with which coupon, and
the package; or the reason why there is none, see 58_trigger_eligibility.sql, and script-variable-missing. The call waits until it is
lawful, and then for the contact''s preferred hours unless settings.call_time of the campaign (or tenant) is "now", or for the learned
ones too if it is "best"; not beyond the end of coupon or offer. strict: a script that cannot be rendered is an error
(SB012, 22023).';
REVOKE ALL ON FUNCTION switchboard._trigger_packages(switchboard.trigger_runs, uuid[], timestamptz, uuid[], boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._make_triggers(
  run switchboard.trigger_runs, people uuid[], at timestamptz, rival_runs uuid[] DEFAULT '{}', strict boolean DEFAULT false,
  OUT triggered int, OUT skipped jsonb, OUT latest uuid)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET work_mem = '64MB'
AS $$
-- SECURITY INVOKER: internal, called as owner; the caller holds the locks of product, campaign and triggers (see _lock_triggers).
-- Its own plan is kept, and with it those of foreign keys; what the functions in it read is planned for each batch.
-- One statement: a coupon is never without its trigger, a trigger never without its call, a call never without its job. Whose
-- coupon's code is taken already is left out of it, and taken again.
DECLARE
  campaign switchboard.campaigns := (SELECT c FROM switchboard.campaigns c WHERE c.tenant_id = run.tenant_id AND c.id = run.campaign_id);
  product  switchboard.products := (SELECT p FROM switchboard.products p WHERE p.tenant_id = run.tenant_id AND p.id = run.product_id);
  account  switchboard.provider_accounts := switchboard._usable_trigger_account(run.tenant_id, campaign);
  by_list  constant boolean := switchboard._calls_by_agents(campaign, account);
  caller   constant text := switchboard._caller_number(campaign.caller_id, account);
  again    uuid[] := people;
  made     int;
  passed   jsonb;
BEGIN
  triggered := 0;
  skipped := '{}';
  WHILE cardinality(again) > 0 LOOP
    PERFORM FROM switchboard.contacts k WHERE k.tenant_id = run.tenant_id AND k.id = ANY (again) ORDER BY k.id FOR KEY SHARE;
    IF by_list THEN
      PERFORM FROM switchboard.campaign_contacts l
      WHERE l.campaign_id = run.campaign_id
        AND l.phone_number IN (SELECT k.phone_number FROM switchboard.contacts k WHERE k.tenant_id = run.tenant_id AND k.id = ANY (again))
      ORDER BY l.id FOR NO KEY UPDATE;
    END IF;
    WITH offered AS MATERIALIZED (
      SELECT o.*, CASE WHEN o.coupon_code IS NOT NULL THEN switchboard.uuid_v7() END AS coupon_id,
             CASE WHEN o.trigger_id IS NOT NULL AND NOT by_list THEN switchboard.uuid_v7() END AS call_log_id
      FROM switchboard._trigger_packages(run, again, at, rival_runs, strict) o
    ), coupons AS (
      INSERT INTO switchboard.coupons (id, tenant_id, code, discount_percent, contact_id, product_id, campaign_id, valid_until)
      SELECT o.coupon_id, run.tenant_id, o.coupon_code, run.discount_percent, o.contact_id, run.product_id, run.campaign_id, o.valid_until
      FROM offered o WHERE o.coupon_id IS NOT NULL
      ON CONFLICT (tenant_id, code) DO NOTHING
      RETURNING id
    ), ready AS MATERIALIZED (
      SELECT o.* FROM offered o LEFT JOIN coupons u ON u.id = o.coupon_id
      WHERE o.trigger_id IS NOT NULL AND (o.coupon_id IS NULL OR u.id IS NOT NULL)
    ), list AS (
      INSERT INTO switchboard.campaign_contacts AS l
        (tenant_id, campaign_id, contact_id, phone_number, first_name, last_name, email, company, priority, next_attempt_at)
      SELECT run.tenant_id, run.campaign_id, r.contact_id, r.phone_number, k.first_name, k.last_name, k.email, k.company,
             10 * switchboard._urgency(r.priority), nullif(r.scheduled_at, at)
      FROM ready r JOIN switchboard.contacts k ON k.id = r.contact_id
      WHERE by_list
      ORDER BY r.phone_number
      ON CONFLICT (campaign_id, phone_number) DO UPDATE SET
        contact_id = excluded.contact_id, priority = greatest(l.priority, excluded.priority),
        status = CASE WHEN l.status IN ('do-not-call', 'calling', 'callback') THEN l.status ELSE 'pending' END,
        next_attempt_at = CASE WHEN l.status IN ('do-not-call', 'calling', 'callback') THEN l.next_attempt_at ELSE excluded.next_attempt_at END,
        recycled_attempts = CASE WHEN l.status IN ('completed', 'failed') THEN l.attempts ELSE l.recycled_attempts END,
        tries = CASE WHEN l.status IN ('completed', 'failed') THEN '{}' ELSE l.tries END
      RETURNING l.id, l.phone_number
    ), calls AS (
      INSERT INTO switchboard.call_logs
        (id, tenant_id, user_id, direction, from_number, to_number, lead_id, campaign_id, provider, account_id, metadata, started_at)
      SELECT r.call_log_id, run.tenant_id, campaign.user_id, 'outbound', caller, r.phone_number, r.contact_id, run.campaign_id,
             account.provider, account.id, jsonb_build_object('call_trigger_id', r.trigger_id), at
      FROM ready r WHERE r.call_log_id IS NOT NULL
    ), triggers AS (
      INSERT INTO switchboard.call_triggers
        (id, tenant_id, campaign_id, contact_id, product_id, trigger_type, priority, discount_percent, original_price, new_price,
         coupon_id, package, call_log_id, campaign_contact_id, run_id, listed_price, listed_stock, scheduled_at, created_at)
      SELECT r.trigger_id, run.tenant_id, run.campaign_id, r.contact_id, run.product_id, run.trigger_type, r.priority, run.discount_percent,
             run.original_price, run.new_price, r.coupon_id, r.package, r.call_log_id, l.id, run.id, product.price, product.stock,
             r.scheduled_at, at
      FROM ready r LEFT JOIN list l ON l.phone_number = r.phone_number
    ), work AS (
      INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority, run_at)
      SELECT run.tenant_id, 'call', account.id, r.call_log_id,
             switchboard._trigger_payload(account, campaign, r.call_log_id, r.phone_number, caller, r.package, r.script),
             switchboard._urgency(r.priority), r.scheduled_at
      FROM ready r WHERE r.call_log_id IS NOT NULL AND account.id IS NOT NULL
    ), evidence AS (
      INSERT INTO switchboard.dispatch_decisions
        (tenant_id, subject_id, campaign_id, phone_number, channel, stage, allowed, codes, rule_versions, zones, retry_at, decided_at)
      SELECT run.tenant_id, coalesce(o.call_log_id, o.trigger_id, o.contact_id), run.campaign_id, o.phone_number, 'voice', 'queue', o.allowed,
             o.reasons, o.rule_versions, o.zones, o.retry_at, at
      FROM offered o WHERE o.allowed IS NOT NULL
    )
    SELECT (SELECT count(*) FROM ready), (SELECT max(r.trigger_id::text)::uuid FROM ready r),
           ARRAY(SELECT o.contact_id FROM offered o
                 WHERE o.coupon_id IS NOT NULL AND o.coupon_id NOT IN (SELECT u.id FROM coupons u)),
           (SELECT jsonb_object_agg(s.reason, s.n)
            FROM (SELECT o.reason, count(*) AS n FROM offered o WHERE o.reason IS NOT NULL GROUP BY o.reason) s)
    INTO made, latest, again, passed;
    triggered := triggered + made;
    skipped := switchboard._add_counts(skipped, passed);
  END LOOP;
  IF triggered > 0 AND campaign.id IS NOT NULL THEN
    PERFORM switchboard._reopen_campaigns(ARRAY[campaign.id]);
    PERFORM switchboard._wake();
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._make_triggers(switchboard.trigger_runs, uuid[], timestamptz, uuid[], boolean) IS
  'Triggers the calls of one offer to these contacts: returns how many, how many are not by reason, and the last trigger made.
strict: as _trigger_packages().';
REVOKE ALL ON FUNCTION switchboard._make_triggers(switchboard.trigger_runs, uuid[], timestamptz, uuid[], boolean) FROM PUBLIC;
