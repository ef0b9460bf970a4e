-- Prices and stock of products trigger calls. The shop's own UPDATE begins the runs and does the first people of them; workers
-- do the rest (58_trigger_runs.sql). It never fails because of us, and is not held up: whatever goes wrong, or is locked by
-- somebody else, is left to the workers.

CREATE OR REPLACE FUNCTION switchboard._start_runs_here(runs uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. So many people as tenants.settings.trigger_batch says, default 5000, and for no longer than
-- two seconds and a batch; nobody if the statement is to be over soon, since being canceled is not to be caught.
DECLARE
  give_up_at constant timestamptz := clock_timestamp() + interval '2 seconds';
  run_id     uuid;
  room       int;
  looked     int;
BEGIN
  SELECT switchboard._small_int(t.settings -> 'trigger_batch', 0, 100000, 5000) INTO room
  FROM switchboard.trigger_runs r JOIN switchboard.tenants t ON t.id = r.tenant_id WHERE r.id = runs[1];
  IF current_setting('statement_timeout')::interval BETWEEN interval '1 ms' AND interval '10 seconds' THEN
    RETURN;
  END IF;
  FOREACH run_id IN ARRAY runs LOOP
    LOOP
      EXIT WHEN room <= 0 OR clock_timestamp() >= give_up_at;
      looked := switchboard._continue_run(run_id, least(room, 1000), at);
      EXIT WHEN coalesce(looked, 0) < 1000;
      room := room - looked;
    END LOOP;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._start_runs_here(uuid[], timestamptz) IS
  'Does the first people of new runs in the statement that began them.';
REVOKE ALL ON FUNCTION switchboard._start_runs_here(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._price_threshold(campaign switchboard.campaigns)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce((campaign.settings ->> 'price_drop_threshold')::numeric, 0)   -- _check_trigger_settings() lets in nothing else
$$;
COMMENT ON FUNCTION switchboard._price_threshold(switchboard.campaigns) IS
  'By how many per cent a price must fall to trigger calls of a campaign: settings.price_drop_threshold, default 0: any fall does.';
REVOKE ALL ON FUNCTION switchboard._price_threshold(switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._product_changed()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: the shop may not write runs and calls; what is written follows from the rows it changed.
-- Cost when nothing is triggered: one comparison of the rows of the statement. A campaign that is being deleted is passed over.
DECLARE
  at   constant timestamptz := clock_timestamp();
  runs uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE n.price < o.price OR o.stock = 0 AND n.stock > 0) THEN
    RETURN NULL;
  END IF;
  WITH changes AS (
    SELECT n.id, n.tenant_id, 'price_drop'::switchboard.trigger_type AS trigger_type, o.price AS original_price, n.price AS new_price
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE n.price < o.price AND n.currency IS NOT DISTINCT FROM o.currency
    UNION ALL
    SELECT n.id, n.tenant_id, 'stock_alert', NULL, NULL FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE o.stock = 0 AND n.stock > 0
  ), wanted AS (
    SELECT h.*, c.id AS campaign_id, c.discount_percent
    FROM changes h
    JOIN switchboard.campaigns c ON c.tenant_id = h.tenant_id AND c.product_id = h.id
    WHERE switchboard._wants_trigger(c, h.trigger_type)
      AND (h.trigger_type <> 'price_drop' OR (h.original_price - h.new_price) * 100 >= h.original_price * switchboard._price_threshold(c))
    ORDER BY h.id, h.trigger_type, c.id FOR KEY SHARE OF c SKIP LOCKED
  ), begun AS (
    INSERT INTO switchboard.trigger_runs
      (tenant_id, campaign_id, product_id, trigger_type, discount_percent, original_price, new_price, source, started_at)
    SELECT w.tenant_id, w.campaign_id, w.id, w.trigger_type,
           switchboard._offer_discount(NULL, w.discount_percent, w.trigger_type, w.original_price, w.new_price), w.original_price, w.new_price,
           'product', at
    FROM wanted w
    -- Cheaper and in stock again: one call tells both.
    WHERE w.trigger_type = 'price_drop'
       OR NOT EXISTS (SELECT FROM wanted o WHERE o.campaign_id = w.campaign_id AND o.id = w.id AND o.trigger_type = 'price_drop')
    RETURNING id, tenant_id, campaign_id, product_id, trigger_type
  ), noted AS (
    INSERT INTO switchboard.audit_log (tenant_id, actor, action, subject, detail)
    SELECT b.tenant_id, coalesce((SELECT switchboard.current_user_id())::text, session_user), 'trigger-run', 'trigger_run:' || b.id,
           jsonb_build_object('campaign', b.campaign_id, 'product', b.product_id, 'type', b.trigger_type, 'source', 'product')
    FROM begun b
  )
  SELECT array_agg(b.id ORDER BY b.id) INTO runs FROM begun b;
  IF runs IS NOT NULL THEN
    PERFORM switchboard._wake();
    BEGIN
      PERFORM switchboard._start_runs_here(runs, at);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'triggered calls are left to the workers: %', SQLERRM;
    END;
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a change of products triggers no calls: %', SQLERRM;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._product_changed() IS
  'Trigger on products, once per statement: a price that falls by at least the campaign''s settings.price_drop_threshold (per cent, default
any) and a stock that is no longer 0 trigger calls for the active campaigns tied to the product, unless their settings.triggers leave
that out. Both at once are one call, about the price.';
REVOKE ALL ON FUNCTION switchboard._product_changed() FROM PUBLIC;

-- UPDATE of any column: a trigger with transition tables cannot name columns.
CREATE OR REPLACE TRIGGER products_trigger_calls AFTER UPDATE ON switchboard.products
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._product_changed();
COMMENT ON TRIGGER products_trigger_calls ON switchboard.products IS 'A lower price and a refilled stock trigger calls.';
