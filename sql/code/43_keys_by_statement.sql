-- Foreign keys of tables that get many rows at once. The keys stay, with their cascades and their checks of updates. Only their
-- checks of inserts, a query per row and nearly half of the time of an import or a run, give way to one per statement: it
-- locks what is referred to against deletion, in order of key, and raises 23503 when something is missing.

CREATE OR REPLACE FUNCTION switchboard._require_campaigns(campaigns uuid[], tenants uuid[], for_table name)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a foreign key looks past row level security too. Says the same of a campaign of another tenant as of none.
BEGIN
  FOR i IN 1 .. cardinality(campaigns) LOOP
    PERFORM FROM switchboard.campaigns c WHERE c.tenant_id = tenants[i] AND c.id = campaigns[i] FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', campaigns[i]
        USING ERRCODE = '23503', SCHEMA = 'switchboard', TABLE = for_table,
              CONSTRAINT = for_table || '_tenant_id_campaign_id_fkey';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._require_campaigns(uuid[], uuid[], name) IS
  'The insert side of a table''s foreign key to campaigns: locks them against deletion, 23503 when one is missing.';
REVOKE ALL ON FUNCTION switchboard._require_campaigns(uuid[], uuid[], name) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_listed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: as _require_campaigns().
DECLARE
  campaigns uuid[];
  tenants   uuid[];
  found     bigint;
  missing   uuid;
BEGIN
  SELECT array_agg(c.campaign_id), array_agg(c.tenant_id) INTO campaigns, tenants
  FROM (SELECT DISTINCT n.campaign_id, n.tenant_id FROM new_rows n ORDER BY n.campaign_id) c;
  IF campaigns IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM switchboard._require_campaigns(campaigns, tenants, 'dialer_queues');
  PERFORM FROM switchboard.campaign_contacts l
  WHERE (l.tenant_id, l.id) IN (SELECT n.tenant_id, n.contact_id FROM new_rows n)
  ORDER BY l.id FOR KEY SHARE;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found = (SELECT count(DISTINCT n.contact_id) FROM new_rows n) THEN
    RETURN NULL;
  END IF;
  SELECT n.contact_id INTO missing
  FROM new_rows n
  WHERE NOT EXISTS (SELECT FROM switchboard.campaign_contacts l WHERE l.id = n.contact_id AND l.tenant_id = n.tenant_id)
  LIMIT 1;
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'no such person on a list: %', missing
      USING ERRCODE = '23503', SCHEMA = 'switchboard', TABLE = 'dialer_queues',
            CONSTRAINT = 'dialer_queues_tenant_id_contact_id_fkey';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._require_listed() IS
  'Trigger, once per INSERT into dialer_queues: the insert side of its foreign keys to campaigns and campaign_contacts.';
REVOKE ALL ON FUNCTION switchboard._require_listed() FROM PUBLIC;

CREATE OR REPLACE TRIGGER dialer_queues_keys AFTER INSERT ON switchboard.dialer_queues
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_listed();
COMMENT ON TRIGGER dialer_queues_keys ON switchboard.dialer_queues IS 'Checks what the entries refer to.';

CREATE OR REPLACE FUNCTION switchboard._require_tenants()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: as _require_campaigns().
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT DISTINCT n.tenant_id FROM new_rows n ORDER BY n.tenant_id LOOP
    PERFORM FROM switchboard.tenants t WHERE t.id = tenant FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such tenant: %', tenant
        USING ERRCODE = '23503', SCHEMA = 'switchboard', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_tenant_id_fkey';
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._require_tenants() IS
  'Trigger, once per INSERT: the insert side of a table''s foreign key to tenants.';
REVOKE ALL ON FUNCTION switchboard._require_tenants() FROM PUBLIC;

CREATE OR REPLACE TRIGGER dispatch_decisions_keys AFTER INSERT ON switchboard.dispatch_decisions
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_tenants();
COMMENT ON TRIGGER dispatch_decisions_keys ON switchboard.dispatch_decisions IS 'Checks whose decisions they are.';

CREATE OR REPLACE FUNCTION switchboard._raise_missing(what text, missing uuid, for_table name, of_column name)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'no such %: %', what, missing
    USING ERRCODE = '23503', SCHEMA = 'switchboard', TABLE = for_table, CONSTRAINT = format('%s_tenant_id_%s_fkey', for_table, of_column);
END
$$;
COMMENT ON FUNCTION switchboard._raise_missing(text, uuid, name, name) IS
  'Raises 23503: a row refers to something of its tenant that there is not.';
REVOKE ALL ON FUNCTION switchboard._raise_missing(text, uuid, name, name) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_offer_keys()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: as _require_campaigns(). Each is locked in a statement of its own and looked for in the next: what is there then stays.
-- By index whatever the number of rows, since the plan is kept: few may come after many.
BEGIN
  PERFORM FROM switchboard.products r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.product_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('product', n.product_id, TG_TABLE_NAME, 'product_id') FROM new_rows n
  WHERE n.product_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.products r WHERE r.tenant_id = n.tenant_id AND r.id = n.product_id) LIMIT 1;
  PERFORM FROM switchboard.campaigns r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.campaign_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('campaign', n.campaign_id, TG_TABLE_NAME, 'campaign_id') FROM new_rows n
  WHERE n.campaign_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.campaigns r WHERE r.tenant_id = n.tenant_id AND r.id = n.campaign_id) LIMIT 1;
  PERFORM FROM switchboard.contacts r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.contact_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('contact', n.contact_id, TG_TABLE_NAME, 'contact_id') FROM new_rows n
  WHERE n.contact_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.contacts r WHERE r.tenant_id = n.tenant_id AND r.id = n.contact_id) LIMIT 1;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._require_offer_keys() IS
  'Trigger, once per INSERT into coupons and call_triggers: the insert side of their foreign keys to products, campaigns and contacts.';
REVOKE ALL ON FUNCTION switchboard._require_offer_keys() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_trigger_parts()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: as _require_offer_keys().
BEGIN
  PERFORM FROM switchboard.call_logs r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.call_log_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('call', n.call_log_id, TG_TABLE_NAME, 'call_log_id') FROM new_rows n
  WHERE n.call_log_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.call_logs r WHERE r.tenant_id = n.tenant_id AND r.id = n.call_log_id) LIMIT 1;
  PERFORM FROM switchboard.coupons r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.coupon_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('coupon', n.coupon_id, TG_TABLE_NAME, 'coupon_id') FROM new_rows n
  WHERE n.coupon_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.coupons r WHERE r.tenant_id = n.tenant_id AND r.id = n.coupon_id) LIMIT 1;
  PERFORM FROM switchboard.trigger_runs r WHERE (r.tenant_id, r.id) IN (SELECT n.tenant_id, n.run_id FROM new_rows n)
  ORDER BY r.id FOR KEY SHARE;
  PERFORM switchboard._raise_missing('trigger run', n.run_id, TG_TABLE_NAME, 'run_id') FROM new_rows n
  WHERE n.run_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM switchboard.trigger_runs r WHERE r.tenant_id = n.tenant_id AND r.id = n.run_id) LIMIT 1;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._require_trigger_parts() IS
  'Trigger, once per INSERT into call_triggers: the insert side of its foreign keys to call_logs, coupons and trigger_runs.';
REVOKE ALL ON FUNCTION switchboard._require_trigger_parts() FROM PUBLIC;

CREATE OR REPLACE TRIGGER coupons_keys AFTER INSERT ON switchboard.coupons
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_offer_keys();
COMMENT ON TRIGGER coupons_keys ON switchboard.coupons IS 'Checks whom, what and which campaign they are for.';
CREATE OR REPLACE TRIGGER coupons_tenants AFTER INSERT ON switchboard.coupons
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_tenants();
COMMENT ON TRIGGER coupons_tenants ON switchboard.coupons IS 'Checks whose coupons they are.';
CREATE OR REPLACE TRIGGER call_triggers_keys AFTER INSERT ON switchboard.call_triggers
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_offer_keys();
COMMENT ON TRIGGER call_triggers_keys ON switchboard.call_triggers IS 'Checks whom and what they are about, and their campaign.';
CREATE OR REPLACE TRIGGER call_triggers_parts AFTER INSERT ON switchboard.call_triggers
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._require_trigger_parts();
COMMENT ON TRIGGER call_triggers_parts ON switchboard.call_triggers IS 'Checks their calls, coupons and runs.';

DO $foreign_keys$
DECLARE
  key   record;
  found int := 0;
BEGIN
  FOR key IN
    SELECT t.tgrelid::regclass AS of_table, t.tgname
    FROM pg_trigger t
    JOIN pg_constraint k ON k.oid = t.tgconstraint AND k.conrelid = t.tgrelid
    JOIN (VALUES ('campaign_contacts', 'campaign_contacts_tenant_id_campaign_id_fkey'),
                 ('dialer_queues', 'dialer_queues_tenant_id_campaign_id_fkey'),
                 ('dialer_queues', 'dialer_queues_tenant_id_contact_id_fkey'),
                 ('dispatch_decisions', 'dispatch_decisions_tenant_id_fkey'),
                 ('coupons', 'coupons_tenant_id_fkey'),
                 ('coupons', 'coupons_tenant_id_contact_id_fkey'),
                 ('coupons', 'coupons_tenant_id_product_id_fkey'),
                 ('coupons', 'coupons_tenant_id_campaign_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_contact_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_product_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_campaign_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_call_log_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_coupon_id_fkey'),
                 ('call_triggers', 'call_triggers_tenant_id_run_id_fkey')) AS w (of_table, conname)
      ON k.conname = w.conname AND k.conrelid = ('switchboard.' || w.of_table)::regclass
    WHERE t.tgfoid = '"RI_FKey_check_ins"'::regproc
  LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', key.of_table, key.tgname);
    found := found + 1;
  END LOOP;
  ASSERT found = 14, 'a foreign key has another name';
END
$foreign_keys$;
