-- Triggered calls, as somebody asks for them. The public functions look with the caller's eyes and check what they are given; the
-- parts behind them act as owner. An error takes back whatever was written.

CREATE OR REPLACE FUNCTION switchboard._offer_number(name text, value numeric, highest numeric)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF value < 0 OR value > highest THEN   -- NaN and infinity are above everything
    RAISE EXCEPTION '% must be a number from 0 to %, not %', name, highest, value USING ERRCODE = '22023';
  END IF;
  RETURN round(value, 2);
END
$$;
COMMENT ON FUNCTION switchboard._offer_number(text, numeric, numeric) IS
  'A price or a discount, rounded to two places; NULL stays. Error: 22023 out of range.';
REVOKE ALL ON FUNCTION switchboard._offer_number(text, numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_fall(original_price numeric, new_price numeric)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF new_price >= original_price THEN
    RAISE EXCEPTION 'new price % is not below the original price %', new_price, original_price USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_fall(numeric, numeric) IS 'Error: 22023 unless the new price, if both are known, is the lower one.';
REVOKE ALL ON FUNCTION switchboard._check_fall(numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._offer_discount(
  wanted numeric, of_campaign numeric, trigger_type switchboard.trigger_type, original_price numeric, new_price numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT nullif(coalesce(wanted, of_campaign, CASE WHEN trigger_type = 'price_drop' AND original_price > new_price THEN
                           trunc((original_price - new_price) * 100 / original_price) END), 0)
$$;
COMMENT ON FUNCTION switchboard._offer_discount(numeric, numeric, switchboard.trigger_type, numeric, numeric) IS
  'The discount of an offer: the one wanted, else the campaign''s, else of a price drop the whole per cents of the fall. NULL: none, and
no coupon.';
REVOKE ALL ON FUNCTION switchboard._offer_discount(numeric, numeric, switchboard.trigger_type, numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._visible_campaign(campaign_id uuid)
RETURNS switchboard.campaigns
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: a campaign that the caller cannot see does not exist.
DECLARE
  campaign switchboard.campaigns;
BEGIN
  SELECT c.* INTO campaign FROM switchboard.campaigns c WHERE c.id = _visible_campaign.campaign_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(_visible_campaign.campaign_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN campaign;
END
$$;
COMMENT ON FUNCTION switchboard._visible_campaign(uuid) IS 'A campaign that the caller sees; P0002 if there is none.';
REVOKE ALL ON FUNCTION switchboard._visible_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._visible_product(product_id uuid, tenant uuid DEFAULT NULL)
RETURNS switchboard.products
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: a product that the caller cannot see does not exist.
DECLARE
  product switchboard.products;
BEGIN
  SELECT p.* INTO product FROM switchboard.products p
  WHERE p.id = _visible_product.product_id AND p.tenant_id = coalesce(tenant, p.tenant_id);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such product: %', coalesce(_visible_product.product_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN product;
END
$$;
COMMENT ON FUNCTION switchboard._visible_product(uuid, uuid) IS 'A product (of the tenant) that the caller sees; P0002 if there is none.';
REVOKE ALL ON FUNCTION switchboard._visible_product(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_active(campaign switchboard.campaigns)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT switchboard._takes_triggers(campaign) THEN
    RAISE EXCEPTION 'campaign "%" triggers no calls: it is %', campaign.name, campaign.status
      USING ERRCODE = 'SB005', HINT = 'Only active campaigns call: see switchboard.start_campaign() and switchboard.resume_campaign().';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_active(switchboard.campaigns) IS 'Raises SB005 unless calls can be triggered for a campaign.';
REVOKE ALL ON FUNCTION switchboard._require_active(switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_caller(tenant uuid, campaign switchboard.campaigns)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. Without an account the calls wait for one, which is worth a word.
DECLARE
  account switchboard.provider_accounts := switchboard._trigger_account(tenant, campaign);
BEGIN
  IF account.id IS NULL THEN
    RAISE WARNING 'no provider account for channel voice: triggered calls wait until there is one'
      USING HINT = 'Add one with switchboard.add_provider_account(); of several, name one in switchboard.channel_routes.';
  ELSIF switchboard._is_telephony(account.provider) AND switchboard._caller_number(campaign.caller_id, account) IS NULL THEN
    RAISE EXCEPTION 'no number to call from with account "%"', account.name USING ERRCODE = 'SB002',
      HINT = 'Set caller_id of the campaign, or "caller_id" in the settings of the account.';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_caller(uuid, switchboard.campaigns) IS
  'SB002 when the account that would make triggered calls has no number to call from; a warning when there is no account.';
REVOKE ALL ON FUNCTION switchboard._require_caller(uuid, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_offer(tenant uuid, product uuid, campaigns uuid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. Whoever deletes one of them may have been waited for.
DECLARE
  missing uuid;
BEGIN
  PERFORM switchboard._hold_offer(tenant, product, campaigns);
  IF product IS NOT NULL AND NOT EXISTS (SELECT FROM switchboard.products p WHERE p.tenant_id = tenant AND p.id = product) THEN
    RAISE EXCEPTION 'no such product: %', product USING ERRCODE = 'P0002';
  END IF;
  SELECT w.id INTO missing FROM unnest(campaigns) AS w (id)
  WHERE w.id IS NOT NULL AND NOT EXISTS (SELECT FROM switchboard.campaigns c WHERE c.tenant_id = tenant AND c.id = w.id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', missing USING ERRCODE = 'P0002';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_offer(uuid, uuid, uuid[]) IS
  'What _hold_offer() does; P0002 when the product or one of the campaigns is gone by then.';
REVOKE ALL ON FUNCTION switchboard._require_offer(uuid, uuid, uuid[]) FROM PUBLIC;

-- One person.

CREATE OR REPLACE FUNCTION switchboard._refuse_trigger(run switchboard.trigger_runs, contact uuid, at timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER: internal, called as owner.
DECLARE
  product text := coalesce((SELECT p.name FROM switchboard.products p WHERE p.id = run.product_id), 'anything');
  verdict record;
BEGIN
  SELECT c.* INTO verdict
  FROM switchboard._trigger_candidates(run.tenant_id, run.campaign_id, run.product_id, run.trigger_type, ARRAY[contact], at) c;
  CASE
    WHEN verdict.reason IS NULL THEN NULL;
    WHEN verdict.reason = 'campaign-not-active' THEN   -- it was until a moment ago
      RAISE EXCEPTION 'campaign % triggers no calls: it is not active any more', run.campaign_id USING ERRCODE = 'SB005';
    WHEN verdict.reason = 'no-purchase' THEN
      RAISE EXCEPTION 'contact % has not bought %', contact, product USING ERRCODE = 'SB006',
        HINT = 'Triggered calls go to those with a verified purchase.';
    WHEN verdict.reason = 'refunded' THEN
      RAISE EXCEPTION 'contact % has given % back', contact, product USING ERRCODE = 'SB006',
        HINT = 'A refunded purchase does not count.';
    WHEN verdict.reason = 'already-triggered' THEN
      RAISE EXCEPTION 'a % call to contact % about % has been triggered already', run.trigger_type, contact, product USING ERRCODE = 'SB007',
        HINT = 'The campaign''s settings.trigger_window says how many seconds must lie between two of them.';
    WHEN verdict.reason = 'coupon-open' THEN
      RAISE EXCEPTION 'contact % has a % coupon for % that can still be redeemed', contact, run.trigger_type, product USING ERRCODE = 'SB007';
    ELSE
      PERFORM switchboard._refuse_contact(verdict.phone_number, verdict.reason, verdict.retry_at);
  END CASE;
END
$$;
COMMENT ON FUNCTION switchboard._refuse_trigger(switchboard.trigger_runs, uuid, timestamptz) IS
  'Raises the error of the reason why a contact is not called about an offer, if there is one: SB005, SB006, SB007, SB003, SB004.';
REVOKE ALL ON FUNCTION switchboard._refuse_trigger(switchboard.trigger_runs, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_call(
  campaign_id uuid, contact_id uuid, product_id uuid, wanted switchboard.trigger_type, discount numeric, new_price numeric,
  original_price numeric, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: triggers, calls and jobs are not the application's to write. The session is checked.
DECLARE
  campaign switchboard.campaigns;
  run      switchboard.trigger_runs;
  made     record;
BEGIN
  SELECT c.* INTO campaign FROM switchboard.campaigns c WHERE c.id = _trigger_call.campaign_id;
  IF NOT FOUND OR NOT switchboard._caller_may(campaign.tenant_id, campaign.user_id) THEN
    RAISE EXCEPTION 'no such campaign: %', _trigger_call.campaign_id USING ERRCODE = 'P0002';
  END IF;
  PERFORM switchboard._require_offer(campaign.tenant_id, product_id, ARRAY[campaign.id]);
  PERFORM pg_advisory_xact_lock_shared(switchboard._trigger_lock(campaign.tenant_id, product_id, wanted));
  PERFORM pg_advisory_xact_lock(switchboard._trigger_lock(campaign.tenant_id, contact_id, wanted));
  PERFORM FROM switchboard.contacts k WHERE k.tenant_id = campaign.tenant_id AND k.id = _trigger_call.contact_id FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such contact: %', _trigger_call.contact_id USING ERRCODE = 'P0002';
  END IF;
  -- Read anew: the locks may have been waited for.
  SELECT c.* INTO campaign FROM switchboard.campaigns c WHERE c.id = campaign.id;
  PERFORM switchboard._require_active(campaign);
  run.tenant_id := campaign.tenant_id;
  run.campaign_id := campaign.id;
  run.product_id := product_id;
  run.trigger_type := wanted;
  run.original_price := original_price;
  run.new_price := new_price;
  run.discount_percent := discount;
  SELECT m.* INTO made FROM switchboard._make_triggers(run, ARRAY[contact_id], at, strict => true) m;
  IF made.triggered = 0 THEN
    PERFORM switchboard._refuse_trigger(run, contact_id, at);
    RAISE EXCEPTION 'contact % cannot be called before the offer ends: %', contact_id, (SELECT min(k) FROM jsonb_object_keys(made.skipped) k)
      USING ERRCODE = 'SB004';
  END IF;
  IF NOT switchboard._calls_by_agents(campaign, switchboard._trigger_account(campaign.tenant_id, campaign)) THEN
    PERFORM switchboard._require_caller(campaign.tenant_id, campaign);
  END IF;
  PERFORM switchboard._audit(campaign.tenant_id, 'trigger-call', 'call_trigger:' || made.latest, jsonb_strip_nulls(jsonb_build_object(
    'campaign', campaign.id, 'contact', contact_id, 'product', product_id, 'type', wanted, 'discount', discount,
    'originalPrice', original_price, 'newPrice', new_price)));
  RETURN made.latest;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_call(uuid, uuid, uuid, switchboard.trigger_type, numeric, numeric, numeric, timestamptz) IS
  'What trigger_call() does once its arguments are sound; returns the id of the trigger.';
REVOKE ALL ON FUNCTION switchboard._trigger_call(uuid, uuid, uuid, switchboard.trigger_type, numeric, numeric, numeric, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.trigger_call(
  campaign_id uuid, contact_id uuid, product_id uuid, trigger_type text, discount_percent numeric DEFAULT NULL,
  new_price numeric DEFAULT NULL, original_price numeric DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be called about.
DECLARE
  wanted   switchboard.trigger_type;
  discount numeric := switchboard._offer_number('discount_percent', trigger_call.discount_percent, 100);
  price    numeric := switchboard._offer_number('new_price', trigger_call.new_price, 9999999999.99);
  before   numeric := switchboard._offer_number('original_price', trigger_call.original_price, 9999999999.99);
  campaign switchboard.campaigns;
  product  switchboard.products;
  trigger  uuid;
BEGIN
  wanted := switchboard._trigger_type(trigger_call.trigger_type);
  PERFORM switchboard._check_fall(before, price);
  campaign := switchboard._visible_campaign(trigger_call.campaign_id);
  product := switchboard._visible_product(trigger_call.product_id, campaign.tenant_id);
  PERFORM FROM switchboard.contacts k WHERE k.tenant_id = campaign.tenant_id AND k.id = trigger_call.contact_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such contact: %', coalesce(trigger_call.contact_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  IF wanted = 'price_drop' AND price IS NULL THEN
    price := product.price;
    PERFORM switchboard._check_fall(before, price);
  ELSIF before IS NULL AND price < product.price THEN
    before := product.price;
  END IF;
  trigger := switchboard._trigger_call(campaign.id, trigger_call.contact_id, product.id, wanted,
    switchboard._offer_discount(discount, campaign.discount_percent, wanted, before, price), price, before, now());
  RETURN (SELECT t.package FROM switchboard.call_triggers t WHERE t.id = trigger);
END
$$;
COMMENT ON FUNCTION switchboard.trigger_call(uuid, uuid, uuid, text, numeric, numeric, numeric) IS
  'Calls one buyer of a product because of its price, stock or a promotion (trigger_type price_drop, stock_alert or promotion): builds the
package, stores it with a coupon, and queues the call, or puts the buyer on the list of a campaign with agents. It is made after
commit, as soon as it is lawful and in the contact''s preferred hours. discount_percent: default the campaign''s, else of a price drop the
whole per cents of the fall, else none and no coupon. new_price: of a price drop by default the product''s price. original_price: by default the
product''s price if new_price is below it. Returns the package. Errors: 22023 bad type, price or discount, or a new price that is not below the original one; P0002 no such campaign, contact or
product; SB005 campaign not active; SB006 no verified purchase; SB007 triggered already, or a coupon is still open; SB003 do not call, no
consent; SB004 not within calling hours before the offer ends; SB012 the script needs a variable that is not known; SB002 no number to
call from. Without any provider account the call waits for one, with a warning.';
REVOKE ALL ON FUNCTION switchboard.trigger_call(uuid, uuid, uuid, text, numeric, numeric, numeric) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_type(label text)
RETURNS switchboard.trigger_type
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF label IS NULL OR label <> ALL (enum_range(NULL::switchboard.trigger_type)::text[]) THEN
    RAISE EXCEPTION 'unknown trigger_type: %', coalesce(label, 'null') USING ERRCODE = '22023',
      HINT = format('There are %s.', array_to_string(enum_range(NULL::switchboard.trigger_type), ', '));
  END IF;
  RETURN label;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_type(text) IS 'A type of triggered calls by its name; 22023 if there is none.';
REVOKE ALL ON FUNCTION switchboard._trigger_type(text) FROM PUBLIC;

-- Many people.

CREATE OR REPLACE FUNCTION switchboard._trigger_many(
  tenant uuid, campaigns uuid[], product uuid, wanted switchboard.trigger_type, discount numeric, original_price numeric, new_price numeric,
  at timestamptz, batch_size int DEFAULT 10000)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: triggers, calls and jobs are not the application's to write. The session is checked.
-- All in one transaction: everybody or nobody. Cost: some 0.2 ms of CPU a person; memory is that of one batch.
DECLARE
  campaign switchboard.campaigns;
  runs     uuid[];
  run_id   uuid;
  answer   jsonb;
BEGIN
  IF NOT switchboard._caller_may(tenant, NULL) THEN
    RAISE EXCEPTION 'no such tenant: %', tenant USING ERRCODE = 'P0002';
  END IF;
  PERFORM switchboard._require_offer(tenant, product, campaigns);
  PERFORM pg_advisory_xact_lock(switchboard._trigger_lock(tenant, coalesce(product, campaigns[1]), wanted));
  FOR campaign IN SELECT c.* FROM unnest(campaigns) AS w (id) LEFT JOIN switchboard.campaigns c ON c.tenant_id = tenant AND c.id = w.id LOOP
    PERFORM switchboard._require_active(campaign);
    IF NOT switchboard._calls_by_agents(campaign, switchboard._trigger_account(tenant, campaign)) THEN
      PERFORM switchboard._require_caller(tenant, campaign);
    END IF;
  END LOOP;
  runs := switchboard._begin_runs(tenant, campaigns, product, wanted, ARRAY(
    SELECT switchboard._offer_discount(discount, c.discount_percent, wanted, _trigger_many.original_price, _trigger_many.new_price)
    FROM unnest(campaigns) WITH ORDINALITY AS w (id, n) LEFT JOIN switchboard.campaigns c ON c.tenant_id = tenant AND c.id = w.id ORDER BY w.n),
    original_price, new_price, 'function', at);
  FOREACH run_id IN ARRAY runs LOOP
    WHILE switchboard._advance_run(run_id, batch_size, at) = batch_size LOOP
    END LOOP;
  END LOOP;
  -- Every run looks at the same people. Whom the last one passed over was passed over by all, or was triggered before by another.
  SELECT jsonb_build_object('triggered', sum(r.triggered), 'run_ids', to_jsonb(runs),
           'skipped', (SELECT coalesce(jsonb_object_agg(s.key, s.n) FILTER (WHERE s.n > 0), '{}')
                       FROM (SELECT e.key, e.value::bigint - CASE e.key WHEN 'already-triggered' THEN
                                      coalesce(sum(r.triggered) FILTER (WHERE r.id <> run_id), 0) ELSE 0 END AS n
                             FROM switchboard.trigger_runs l, jsonb_each_text(l.skipped) e WHERE l.id = run_id) s))
  INTO answer
  FROM switchboard.trigger_runs r WHERE r.id = ANY (runs);
  PERFORM switchboard._audit(tenant, 'trigger-run', 'trigger_run:' || r.id, jsonb_strip_nulls(jsonb_build_object(
    'campaign', r.campaign_id, 'product', product, 'type', wanted, 'discount', r.discount_percent, 'originalPrice', r.original_price,
    'newPrice', r.new_price, 'triggered', r.triggered, 'skipped', r.skipped)))
  FROM switchboard.trigger_runs r WHERE r.id = ANY (runs);
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_many(uuid, uuid[], uuid, switchboard.trigger_type, numeric, numeric, numeric, timestamptz, int) IS
  'Calls everybody about an offer, for each of the campaigns in turn (null: without campaign), nobody twice; returns {"triggered",
"skipped","run_ids"}, everybody counted once. Errors: P0002, SB005, SB002.';
REVOKE ALL ON FUNCTION switchboard._trigger_many(uuid, uuid[], uuid, switchboard.trigger_type, numeric, numeric, numeric, timestamptz, int)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._wants_trigger(campaign switchboard.campaigns, wanted switchboard.trigger_type)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(campaign.settings -> 'triggers', 'null') ? wanted::text, true) AND switchboard._takes_triggers(campaign) $$;
COMMENT ON FUNCTION switchboard._wants_trigger(switchboard.campaigns, switchboard.trigger_type) IS
  'Whether a campaign takes part when its product triggers calls of a type: it is active, and settings.triggers, if it is there, has the
type.';
REVOKE ALL ON FUNCTION switchboard._wants_trigger(switchboard.campaigns, switchboard.trigger_type) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaigns_of_offer(product switchboard.products, wanted switchboard.trigger_type, campaign_id uuid)
RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: of the campaigns that the caller sees, oldest first.
DECLARE
  campaign switchboard.campaigns;
BEGIN
  IF campaign_id IS NULL THEN
    RETURN coalesce((SELECT array_agg(c.id ORDER BY c.id) FROM switchboard.campaigns c
                     WHERE c.tenant_id = product.tenant_id AND c.product_id = product.id AND switchboard._wants_trigger(c, wanted)),
                    '{NULL}');
  END IF;
  campaign := switchboard._visible_campaign(campaign_id);
  IF campaign.tenant_id <> product.tenant_id THEN
    RAISE EXCEPTION 'no such campaign: %', campaign_id USING ERRCODE = 'P0002';
  END IF;
  PERFORM switchboard._require_active(campaign);
  RETURN ARRAY[campaign.id];
END
$$;
COMMENT ON FUNCTION switchboard._campaigns_of_offer(switchboard.products, switchboard.trigger_type, uuid) IS
  'The campaigns that call about a product: the one given, else the active ones tied to it, else {NULL}, none. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard._campaigns_of_offer(switchboard.products, switchboard.trigger_type, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.trigger_price_drop(
  product_id uuid, old_price numeric, new_price numeric, discount_percent numeric DEFAULT NULL, campaign_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be called about.
DECLARE
  before   numeric := switchboard._offer_number('old_price', trigger_price_drop.old_price, 9999999999.99);
  price    numeric := switchboard._offer_number('new_price', trigger_price_drop.new_price, 9999999999.99);
  discount numeric := switchboard._offer_number('discount_percent', trigger_price_drop.discount_percent, 100);
  product  switchboard.products;
BEGIN
  IF before IS NULL OR price IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN before IS NULL THEN 'old_price' ELSE 'new_price' END USING ERRCODE = '22023';
  END IF;
  PERFORM switchboard._check_fall(before, price);
  product := switchboard._visible_product(trigger_price_drop.product_id);
  RETURN switchboard._trigger_many(product.tenant_id, switchboard._campaigns_of_offer(product, 'price_drop', trigger_price_drop.campaign_id),
                                   product.id, 'price_drop', discount, before, price, clock_timestamp());
END
$$;
COMMENT ON FUNCTION switchboard.trigger_price_drop(uuid, numeric, numeric, numeric, uuid) IS
  'Calls everyone with a verified purchase of a product because its price has fallen, for a campaign, else for all active campaigns tied
to the product (nobody twice, the oldest campaign first), else without campaign. All in this transaction; the calls are made after
commit. discount_percent: default the campaign''s, else the whole per cents of the fall. Returns {"triggered":n,"skipped":{reason:n},
"run_ids":[...]}; reasons are those of eligible_contacts() and script-variable-missing. Errors: 22023 a price that is null, negative, no
number or too high, or not below the old one; a discount outside 0 to 100; P0002 no such product or campaign; SB005 campaign not
active; SB002 no number to call from.';
REVOKE ALL ON FUNCTION switchboard.trigger_price_drop(uuid, numeric, numeric, numeric, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.trigger_stock_alert(product_id uuid, campaign_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be called about.
DECLARE
  product switchboard.products := switchboard._visible_product(trigger_stock_alert.product_id);
BEGIN
  RETURN switchboard._trigger_many(product.tenant_id, switchboard._campaigns_of_offer(product, 'stock_alert', trigger_stock_alert.campaign_id),
                                   product.id, 'stock_alert', NULL, NULL, NULL, clock_timestamp());
END
$$;
COMMENT ON FUNCTION switchboard.trigger_stock_alert(uuid, uuid) IS
  'Calls everyone with a verified purchase of a product because it is in stock again; campaigns, answer and errors as
trigger_price_drop(). A coupon comes along if the campaign has a discount.';
REVOKE ALL ON FUNCTION switchboard.trigger_stock_alert(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.trigger_promotion(campaign_id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be called for.
DECLARE
  campaign switchboard.campaigns := switchboard._visible_campaign(trigger_promotion.campaign_id);
BEGIN
  PERFORM switchboard._require_active(campaign);
  RETURN switchboard._trigger_many(campaign.tenant_id, ARRAY[campaign.id], campaign.product_id, 'promotion', NULL, NULL, NULL, clock_timestamp());
END
$$;
COMMENT ON FUNCTION switchboard.trigger_promotion(uuid) IS
  'Calls everyone with a verified purchase of the campaign''s product, or if it has none of anything, because of a promotion. Answer and
errors as trigger_price_drop().';
REVOKE ALL ON FUNCTION switchboard.trigger_promotion(uuid) FROM PUBLIC;

-- Who would be called.

CREATE OR REPLACE FUNCTION switchboard._eligible_contacts(campaign_id uuid, wanted switchboard.trigger_type, at timestamptz)
RETURNS TABLE (contact_id uuid, name text, phone_number text, eligible boolean, reason text, reasons text[], call_at timestamptz,
               waits_for text, priority switchboard.task_priority, last_purchase_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: compliance counts calls that the caller may not see. The session is checked.
DECLARE
  campaign  switchboard.campaigns;
  tenant    switchboard.tenants;
  people    uuid[];
  last_at   timestamptz;
BEGIN
  SELECT c.* INTO campaign FROM switchboard.campaigns c WHERE c.id = _eligible_contacts.campaign_id;
  IF NOT FOUND OR NOT switchboard._caller_may(campaign.tenant_id, campaign.user_id) THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(_eligible_contacts.campaign_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  SELECT t.* INTO tenant FROM switchboard.tenants t WHERE t.id = campaign.tenant_id;
  last_at := least(switchboard._offer_end(campaign.settings, tenant.settings, at),
                   switchboard._coupon_end(campaign.discount_percent, campaign.settings, tenant.settings, at));
  people := ARRAY(
    SELECT p.contact_id FROM switchboard.purchases p
    WHERE p.tenant_id = campaign.tenant_id AND p.contact_id IS NOT NULL
      AND (campaign.product_id IS NULL OR p.product_id = campaign.product_id)
    UNION
    SELECT l.contact_id FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign.id AND l.contact_id IS NOT NULL);
  RETURN QUERY
  SELECT c.contact_id, switchboard._person_name(k.name, k.first_name, k.last_name), c.phone_number, c.reason IS NULL, c.reason,
         coalesce(c.reasons, '{}'), CASE WHEN h.at <= last_at THEN h.at ELSE c.call_at END, c.waits_for,
         switchboard._trigger_priority(v.points, wanted, NULL), c.last_purchase_at
  FROM switchboard._trigger_candidates(campaign.tenant_id, campaign.id, campaign.product_id, wanted, people, at) c
  JOIN switchboard.contacts k ON k.id = c.contact_id
  LEFT JOIN switchboard._customer_values(campaign.tenant_id, people, at) v ON v.contact_id = c.contact_id
  LEFT JOIN switchboard._best_call_hours(campaign.tenant_id, people, at) b ON b.contact_id = c.contact_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.reason IS NULL AND switchboard._keeps_hours(switchboard._call_time_setting(campaign.settings, tenant.settings), b.source)
                THEN switchboard._time_within(c.call_at, b.opens, b.closes, b.zone) END AS at OFFSET 0) h
  ORDER BY c.reason NULLS FIRST, switchboard._trigger_priority(v.points, wanted, NULL) DESC, c.contact_id;
END
$$;
COMMENT ON FUNCTION switchboard._eligible_contacts(uuid, switchboard.trigger_type, timestamptz) IS 'What eligible_contacts() says, at an instant.';
REVOKE ALL ON FUNCTION switchboard._eligible_contacts(uuid, switchboard.trigger_type, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.eligible_contacts(campaign_id uuid, trigger_type text DEFAULT 'promotion')
RETURNS TABLE (contact_id uuid, name text, phone_number text, eligible boolean, reason text, reasons text[], call_at timestamptz,
               waits_for text, priority switchboard.task_priority, last_purchase_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: the part behind it checks who asks.
  SELECT e.* FROM switchboard._eligible_contacts(
    eligible_contacts.campaign_id, switchboard._trigger_type(eligible_contacts.trigger_type), now()) e
$$;
COMMENT ON FUNCTION switchboard.eligible_contacts(uuid, text) IS
  'Who would be called if calls of a type (price_drop, stock_alert, promotion) were triggered for a campaign now, and why not the others:
everyone who bought its product (without product: anything) and the people on its list. Eligible ones first, the urgent ones first of
them. reason is the first, reasons are all of campaign-not-active, no-purchase, refunded, already-triggered, coupon-open, do-not-call,
consent-revoked, consent-required and no-calling-hours. call_at: the earliest time that is lawful and in the hours which settings.call_time
waits for; waits_for: why it is not lawful now (outside-calling-hours, holiday, frequency-cap, on-a-call, abandoned-recently). Errors: 22023 unknown type, P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard.eligible_contacts(uuid, text) FROM PUBLIC;
