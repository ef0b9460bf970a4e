-- Coupons: codes that give a discount once.
--
-- The application makes coupons and ends them early (valid_until); that one was redeemed only redeem_coupon() says. A coupon is
-- neither deleted nor given another code: what it brought would be lost, and its code could be redeemed again.

CREATE OR REPLACE FUNCTION switchboard._setting_days(name text, campaign_settings jsonb, tenant_settings jsonb)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard._small_int(campaign_settings -> name, 1, 3650, switchboard._small_int(tenant_settings -> name, 1, 3650, 7))
$$;
COMMENT ON FUNCTION switchboard._setting_days(text, jsonb, jsonb) IS
  'How many days something lasts (coupon_days, offer_days): that setting of the campaign, else of the tenant, else 7; held to 1 to 3650.';
REVOKE ALL ON FUNCTION switchboard._setting_days(text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_coupon_targets(coupon switchboard.coupons)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
BEGIN
  PERFORM FROM switchboard.contacts k WHERE k.id = coupon.contact_id AND k.tenant_id = coupon.tenant_id;
  IF NOT FOUND AND coupon.contact_id IS NOT NULL THEN
    RAISE EXCEPTION 'no such contact: %', coupon.contact_id USING ERRCODE = 'P0002';
  END IF;
  PERFORM FROM switchboard.products p WHERE p.id = coupon.product_id AND p.tenant_id = coupon.tenant_id;
  IF NOT FOUND AND coupon.product_id IS NOT NULL THEN
    RAISE EXCEPTION 'no such product: %', coupon.product_id USING ERRCODE = 'P0002';
  END IF;
  PERFORM FROM switchboard.campaigns c WHERE c.id = coupon.campaign_id AND c.tenant_id = coupon.tenant_id;
  IF NOT FOUND AND coupon.campaign_id IS NOT NULL THEN
    RAISE EXCEPTION 'no such campaign: %', coupon.campaign_id USING ERRCODE = 'P0002';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_coupon_targets(switchboard.coupons) IS
  'P0002 unless the contact, product and campaign of a coupon that is to be made are there.';
REVOKE ALL ON FUNCTION switchboard._require_coupon_targets(switchboard.coupons) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.create_coupon(
  discount_percent numeric, contact_id uuid DEFAULT NULL, product_id uuid DEFAULT NULL, campaign_id uuid DEFAULT NULL,
  valid_until timestamptz DEFAULT NULL, reason text DEFAULT 'OFFER')
RETURNS switchboard.coupons
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: row level security decides.
-- A code that is taken already is made anew. There are 387 million to a reason and discount, so even with half of them taken
-- twenty tries are as good as always enough.
DECLARE
  coupon switchboard.coupons;
  made   switchboard.coupons;
BEGIN
  IF create_coupon.discount_percent IS NULL OR create_coupon.discount_percent NOT BETWEEN 0 AND 100 THEN
    RAISE EXCEPTION 'discount_percent must be 0 to 100, not %', coalesce(create_coupon.discount_percent::text, 'null')
      USING ERRCODE = '22023';
  ELSIF create_coupon.valid_until <= now() THEN
    RAISE EXCEPTION 'valid_until is over: %', create_coupon.valid_until USING ERRCODE = '22023';
  END IF;
  coupon.tenant_id := switchboard._caller_tenant();
  coupon.discount_percent := create_coupon.discount_percent;
  coupon.contact_id := create_coupon.contact_id;
  coupon.product_id := create_coupon.product_id;
  coupon.campaign_id := create_coupon.campaign_id;
  coupon.valid_until := coalesce(create_coupon.valid_until, (
    SELECT now() + switchboard._setting_days('coupon_days', c.settings, t.settings) * interval '1 day'
    FROM switchboard.tenants t LEFT JOIN switchboard.campaigns c ON c.tenant_id = t.id AND c.id = create_coupon.campaign_id
    WHERE t.id = coupon.tenant_id));
  PERFORM switchboard._require_coupon_targets(coupon);
  FOR try IN 1 .. 20 LOOP
    INSERT INTO switchboard.coupons AS c (tenant_id, code, discount_percent, contact_id, product_id, campaign_id, valid_until)
    VALUES (coupon.tenant_id, switchboard.generate_coupon_code(coalesce(create_coupon.reason, ''), coupon.discount_percent),
            coupon.discount_percent, coupon.contact_id, coupon.product_id, coupon.campaign_id, coupon.valid_until)
    ON CONFLICT (tenant_id, code) DO NOTHING
    RETURNING c.* INTO made;
    IF FOUND THEN
      RETURN made;
    END IF;
  END LOOP;
  RAISE EXCEPTION 'no coupon code is left for reason "%" and % percent', left(create_coupon.reason, 40), create_coupon.discount_percent
    USING ERRCODE = 'SB007', HINT = 'Give another reason.';
END
$$;
COMMENT ON FUNCTION switchboard.create_coupon(numeric, uuid, uuid, uuid, timestamptz, text) IS
  'A new coupon with a code of its own (see generate_coupon_code); returns its row. contact_id, product_id: whom and what it is for,
null: anybody, anything; it ends when these are deleted. campaign_id: the campaign that it counts for. valid_until: the last instant it can be redeemed; null: as many
days from now as settings.coupon_days of the campaign, else of the tenant, says, else 7. reason: the first part of the code. Errors:
22023 discount not 0 to 100, or an end that is over, P0002 no such contact, product or campaign, SB007 no code is left, 42501 the
session acts for no tenant.';
REVOKE ALL ON FUNCTION switchboard.create_coupon(numeric, uuid, uuid, uuid, timestamptz, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._coupon_refusal(
  coupon switchboard.coupons, contact uuid, product uuid, at timestamptz)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN coupon.id IS NULL THEN 'there is no such code'
              WHEN coupon.redeemed_at IS NOT NULL THEN 'it has been redeemed'
              WHEN coupon.valid_until < at THEN 'it is no longer valid'
              WHEN coupon.contact_id <> contact THEN 'it was made for somebody else'
              WHEN coupon.product_id <> product THEN 'it is for another product' END
$$;
COMMENT ON FUNCTION switchboard._coupon_refusal(switchboard.coupons, uuid, uuid, timestamptz) IS
  'Why a coupon cannot be redeemed at that time, for this contact and product (null: not known); NULL when it can.';
REVOKE ALL ON FUNCTION switchboard._coupon_refusal(switchboard.coupons, uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._coupon_price(coupon switchboard.coupons)
RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: internal, called as owner.
  SELECT coalesce(o.new_price, round(coalesce(o.listed_price, p.price) * (100 - coupon.discount_percent) / 100, 2))
  FROM (SELECT coupon.tenant_id, coupon.product_id) c
  LEFT JOIN switchboard.products p ON p.tenant_id = c.tenant_id AND p.id = c.product_id
  LEFT JOIN LATERAL (
    SELECT g.new_price, g.listed_price FROM switchboard.call_triggers g
    WHERE g.tenant_id = coupon.tenant_id AND g.coupon_id = coupon.id
    ORDER BY g.created_at DESC, g.id DESC LIMIT 1) o ON true
$$;
COMMENT ON FUNCTION switchboard._coupon_price(switchboard.coupons) IS
  'What is to be paid with a coupon: the new price that was offered in its call; else the price that its product had then, or without a
call has now, less the discount; NULL for a coupon that is for anything.';
REVOKE ALL ON FUNCTION switchboard._coupon_price(switchboard.coupons) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.redeem_coupon(
  code text, amount numeric DEFAULT NULL, contact_id uuid DEFAULT NULL, product_id uuid DEFAULT NULL)
RETURNS switchboard.coupons
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: nobody but this function says that a coupon was redeemed; only those of the session's tenant are looked for.
-- The row is locked before it is judged: whoever comes second waits for the first to end and then reads what came of it. The time is
-- that of the judgement, not of the transaction's start, so waiting does not outwit valid_until.
DECLARE
  tenant uuid := switchboard._caller_tenant();
  given  text := btrim(redeem_coupon.code, E' \t\r\n');
  coupon switchboard.coupons;
  reason text;
BEGIN
  IF coalesce(given, '') = '' THEN
    RAISE EXCEPTION 'a coupon code is needed, not %', coalesce(quote_literal(redeem_coupon.code), 'null') USING ERRCODE = '22023';
  ELSIF redeem_coupon.amount NOT BETWEEN 0 AND 9999999999.99 THEN
    RAISE EXCEPTION 'amount must be 0 to 9999999999.99, not %', redeem_coupon.amount USING ERRCODE = '22023';
  END IF;
  -- As typed before in other letters, should two codes differ in these only.
  SELECT c.* INTO coupon FROM switchboard.coupons c
  WHERE c.tenant_id = tenant AND upper(c.code) = upper(given)
  ORDER BY c.code = given DESC, c.id LIMIT 1 FOR NO KEY UPDATE;
  reason := switchboard._coupon_refusal(coupon, redeem_coupon.contact_id, redeem_coupon.product_id, clock_timestamp());
  IF reason IS NOT NULL THEN
    RAISE EXCEPTION 'coupon "%" cannot be redeemed: %', left(given, 64), reason USING ERRCODE = 'SB011';
  END IF;
  UPDATE switchboard.coupons c
  SET redeemed_at = clock_timestamp(),
      redeemed_amount = coalesce(redeem_coupon.amount, switchboard._coupon_price(coupon)),
      currency = (SELECT p.currency FROM switchboard.products p WHERE p.tenant_id = tenant AND p.id = coupon.product_id)
  WHERE c.id = coupon.id
  RETURNING c.* INTO coupon;
  PERFORM switchboard._audit(tenant, 'redeem-coupon', 'coupon:' || coupon.id,
                             jsonb_build_object('code', coupon.code, 'amount', coupon.redeemed_amount));
  RETURN coupon;
END
$$;
COMMENT ON FUNCTION switchboard.redeem_coupon(text, numeric, uuid, uuid) IS
  'Redeems a coupon: returns its row with redeemed_at and redeemed_amount. code: in any case, blanks around it do not matter. amount:
what was paid with it, in the currency of its product, else of the tenant; null: what was offered, or the price of its product less the
discount.
contact_id, product_id: who buys what, checked against a coupon made for somebody or something; null: not checked. Of any number of
sessions at once exactly one succeeds. Noted in the audit log. Errors: SB011 no such code in this tenant, redeemed already, no longer
valid, for somebody or something else; 22023 no code, or amount negative or no number; 42501 the session acts for no tenant.';
REVOKE ALL ON FUNCTION switchboard.redeem_coupon(text, numeric, uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._end_coupon()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  new.valid_until := least(new.valid_until, now());
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._end_coupon() IS
  'Trigger on coupons: what was made for one person or product is not for everybody and everything once they are gone; it ends with them.';
REVOKE ALL ON FUNCTION switchboard._end_coupon() FROM PUBLIC;

CREATE OR REPLACE TRIGGER coupons_end BEFORE UPDATE OF contact_id, product_id ON switchboard.coupons
  FOR EACH ROW WHEN (old.redeemed_at IS NULL AND (old.contact_id IS NOT NULL AND new.contact_id IS NULL
                                                  OR old.product_id IS NOT NULL AND new.product_id IS NULL))
  EXECUTE FUNCTION switchboard._end_coupon();
COMMENT ON TRIGGER coupons_end ON switchboard.coupons IS 'Ends coupons with the person or product that they were made for.';
