-- Customers and what they bought.

CREATE OR REPLACE FUNCTION switchboard._person_name(name text, first_name text, last_name text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(nullif(btrim(name), ''), nullif(btrim(concat_ws(' ', first_name, last_name)), ''))
$$;
COMMENT ON FUNCTION switchboard._person_name(text, text, text) IS
  'What somebody is called: the name, else first and last name, else NULL.';
REVOKE ALL ON FUNCTION switchboard._person_name(text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._customer_filters(filters jsonb, known text[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  asked   jsonb;
  unknown text;
BEGIN
  IF jsonb_typeof(filters) <> 'object' THEN
    RAISE EXCEPTION 'filters must be a JSON object, not %', jsonb_typeof(filters) USING ERRCODE = '22023';
  END IF;
  asked := switchboard._camel_keys(coalesce(filters, '{}'));
  SELECT k INTO unknown FROM jsonb_object_keys(asked) k WHERE k <> ALL (known) ORDER BY k LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'unknown filter: %', left(unknown, 64)
      USING ERRCODE = '22023', HINT = format('Filters are %s.', array_to_string(known, ', '));
  END IF;
  RETURN asked;
END
$$;
COMMENT ON FUNCTION switchboard._customer_filters(jsonb, text[]) IS
  'Filters with keys in camelCase, NULL being none. Errors: 22023 no object, an unknown filter, or one given in both spellings.';
REVOKE ALL ON FUNCTION switchboard._customer_filters(jsonb, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._page_bound(filters jsonb, key text, lowest int, highest int, fallback int)
RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given text := coalesce(filters ->> key, fallback::text);
BEGIN
  -- A text is a number too: parameters of a URL are texts.
  IF jsonb_typeof(filters -> key) IN ('object', 'array', 'boolean') OR given !~ '^[0-9]{1,9}$' OR given::int NOT BETWEEN lowest AND highest THEN
    RAISE EXCEPTION 'filter "%" must be % to %, not %', key, lowest, highest, left(given, 64) USING ERRCODE = '22023';
  END IF;
  RETURN given::int;
END
$$;
COMMENT ON FUNCTION switchboard._page_bound(jsonb, text, int, int, int) IS
  'A filter that is a whole number of a range; the fallback when it is absent. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._page_bound(jsonb, text, int, int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.find_customers(filters jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER: row level security decides. Plans are made for the filters given, those that are absent fold away.
-- Cost: a page of people and their purchases; a part of an e-mail address is looked for in all of the tenant's.
DECLARE
  asked    jsonb := switchboard._customer_filters(filters, '{productId,customerId,email,phone,limit,offset}');
  tenant   uuid := switchboard.current_tenant_id();
  product  uuid := switchboard._filter_uuid(asked, 'productId');
  customer uuid := switchboard._filter_uuid(asked, 'customerId');
  words    text := lower(switchboard._filter_text(asked, 'email'));
  phone    text := switchboard._filter_text(asked, 'phone');
  most     int := switchboard._page_bound(asked, 'limit', 1, 500, 50);
  skipped  int := switchboard._page_bound(asked, 'offset', 0, 999999999, 0);
  answer   jsonb;
BEGIN
  IF phone IS NOT NULL THEN
    phone := switchboard.normalize_phone(phone, (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = tenant));
  END IF;
  WITH page AS MATERIALIZED (
    SELECT k.* FROM switchboard.contacts k
    WHERE (tenant IS NULL OR k.tenant_id = tenant)
      AND (customer IS NULL OR k.id = customer)
      AND (phone IS NULL OR k.phone_number = phone)
      AND (words IS NULL OR strpos(lower(k.email), words) > 0)
      AND (product IS NULL OR EXISTS (SELECT FROM switchboard.purchases p
                                      WHERE p.tenant_id = k.tenant_id AND p.contact_id = k.id AND p.product_id = product))
    ORDER BY k.id LIMIT most OFFSET skipped
  )
  SELECT jsonb_build_object('customers', coalesce(jsonb_agg(jsonb_build_object(
           'id', k.id, 'name', switchboard._person_name(k.name, k.first_name, k.last_name), 'email', k.email, 'phone', k.phone_number,
           'hasPurchased', b.last IS NOT NULL, 'lastPurchaseDate', b.last) ORDER BY k.id), '[]'))
  INTO answer
  FROM page k
  CROSS JOIN LATERAL (
    SELECT max(p.purchased_at) AS last FROM switchboard.purchases p
    WHERE p.tenant_id = k.tenant_id AND p.contact_id = k.id AND p.refunded_at IS NULL AND (product IS NULL OR p.product_id = product)
  ) b;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.find_customers(jsonb) IS
  'Customers by filters, all of which must fit: {"customers": [{"id", "name", "email", "phone", "hasPurchased", "lastPurchaseDate"}]},
in the order in which they came into the contact book. productId: who bought it, refunded or not; customerId; email: a part of the
address, in any case; phone: the number, in any form; limit (1 to 500, default 50) and offset. Keys may be written product_id too.
hasPurchased: there is a purchase that was not refunded, of that product if one is asked for; lastPurchaseDate: the newest such.
Errors: 22023 unknown filter or bad value, SB001 bad phone number.';
REVOKE ALL ON FUNCTION switchboard.find_customers(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.get_purchase_history(filters jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER: row level security decides. Cost: all that fits is counted, the page is put together.
DECLARE
  asked    jsonb := switchboard._customer_filters(filters, '{productId,customerId,email,limit,offset}');
  tenant   uuid := switchboard.current_tenant_id();
  product  uuid := switchboard._filter_uuid(asked, 'productId');
  customer uuid := switchboard._filter_uuid(asked, 'customerId');
  words    text := lower(switchboard._filter_text(asked, 'email'));
  most     int := switchboard._page_bound(asked, 'limit', 1, 500, 50);
  skipped  int := switchboard._page_bound(asked, 'offset', 0, 999999999, 0);
  answer   jsonb;
BEGIN
  WITH fitting AS NOT MATERIALIZED (
    SELECT p.* FROM switchboard.purchases p
    WHERE (tenant IS NULL OR p.tenant_id = tenant)
      AND (product IS NULL OR p.product_id = product)
      AND (customer IS NULL OR p.contact_id = customer)
      AND (words IS NULL OR EXISTS (SELECT FROM switchboard.contacts k
                                    WHERE k.tenant_id = p.tenant_id AND k.id = p.contact_id AND strpos(lower(k.email), words) > 0))
  ), page AS MATERIALIZED (
    SELECT f.* FROM fitting f ORDER BY f.purchased_at DESC, f.id DESC LIMIT most OFFSET skipped
  )
  SELECT jsonb_build_object('total', (SELECT count(*) FROM fitting), 'purchases', coalesce(jsonb_agg(jsonb_build_object(
           'id', p.id, 'customerId', p.contact_id, 'customerName', switchboard._person_name(k.name, k.first_name, k.last_name),
           'customerEmail', k.email, 'customerPhone', k.phone_number, 'productId', p.product_id,
           'productName', coalesce(p.product_name, d.name), 'productPrice', d.price, 'quantity', p.quantity,
           'purchaseDate', p.purchased_at, 'amountPaid', p.amount_paid, 'totalAmount', p.amount_paid,
           'currency', coalesce(p.currency, d.currency, t.currency), 'refunded', p.refunded_at IS NOT NULL)
           ORDER BY p.purchased_at DESC, p.id DESC), '[]'))
  INTO answer
  FROM page p
  JOIN switchboard.tenants t ON t.id = p.tenant_id
  LEFT JOIN switchboard.contacts k ON k.tenant_id = p.tenant_id AND k.id = p.contact_id
  LEFT JOIN switchboard.products d ON d.tenant_id = p.tenant_id AND d.id = p.product_id;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.get_purchase_history(jsonb) IS
  'Who bought what, when and for how much, newest first: {"purchases": [{"id", "customerId", "customerName", "customerEmail",
"customerPhone", "productId", "productName", "productPrice", "quantity", "purchaseDate", "amountPaid", "totalAmount", "currency",
"refunded"}], "total"}. filters, all of which must fit: productId, customerId, email (a part of the address, in any case), limit (1 to
500, default 50), offset; keys may be written product_id too. total is exact, whatever the page. productPrice is the price now, null
when the product is gone; productName is what it was called when it was bought; amountPaid and totalAmount are what was paid for all
pieces together. Customers who were erased are null. Errors: 22023 unknown filter or bad value.';
REVOKE ALL ON FUNCTION switchboard.get_purchase_history(jsonb) FROM PUBLIC;
