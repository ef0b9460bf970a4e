-- What was bought stays known when the shop no longer sells it.

CREATE OR REPLACE FUNCTION switchboard._keep_product_name()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: a product that the caller does not see has no name, and the foreign key refuses it.
-- Cost: an index probe a row.
DECLARE
  name     text;
  currency text;
BEGIN
  SELECT p.name, p.currency INTO name, currency FROM switchboard.products p WHERE p.tenant_id = new.tenant_id AND p.id = new.product_id;
  IF TG_OP = 'UPDATE' AND new.product_name IS NOT DISTINCT FROM old.product_name THEN
    new.product_name := name;
  END IF;
  new.product_name := coalesce(new.product_name, name);
  new.currency := coalesce(new.currency, currency);
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._keep_product_name() IS
  'Trigger on purchases: notes the name of the product and the currency of its price, which must outlive it. A row that comes with a name
comes complete, as from a dump: it stays as it is.';
REVOKE ALL ON FUNCTION switchboard._keep_product_name() FROM PUBLIC;

CREATE OR REPLACE TRIGGER purchases_product_name BEFORE INSERT ON switchboard.purchases
  FOR EACH ROW WHEN (new.product_id IS NOT NULL AND new.product_name IS NULL)
  EXECUTE FUNCTION switchboard._keep_product_name();
COMMENT ON TRIGGER purchases_product_name ON switchboard.purchases IS 'Keeps the name and the currency of what was bought.';
CREATE OR REPLACE TRIGGER purchases_product_change BEFORE UPDATE OF product_id ON switchboard.purchases
  FOR EACH ROW WHEN (new.product_id IS NOT NULL AND new.product_id IS DISTINCT FROM old.product_id)
  EXECUTE FUNCTION switchboard._keep_product_name();
COMMENT ON TRIGGER purchases_product_change ON switchboard.purchases IS 'Keeps the name and the currency of what was bought.';
