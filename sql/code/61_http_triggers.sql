-- Routes of triggered calls and of customers. They ask as whoever the request is made for.

CREATE OR REPLACE FUNCTION switchboard._http_trigger_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('TriggerCall', 'campaignId', 'uuid', true, 'The campaign in whose name the customer is called'),
    ('TriggerCall', 'customerId', 'uuid', true, 'The contact'),
    ('TriggerCall', 'productId', 'uuid', true, 'The product; the customer must have bought it'),
    ('TriggerCall', 'triggerType', 'price_drop|stock_alert|promotion', true, 'Why the customer is called'),
    ('TriggerCall', 'discountPercent', 'number', false, 'Per cents off; default the campaign''s'),
    ('TriggerCall', 'newPrice', 'number', false, 'The price now; default the product''s'),
    ('TriggerCall', 'originalPrice', 'number', false, 'The price before'),
    ('TriggerCall', 'callSettings', 'object', false, 'Taken for clients that send it; settings of the campaign decide'),
    ('TriggeredCall', 'success', 'boolean', true, 'true'),
    ('TriggeredCall', 'callId', 'uuid', true, 'The call; while a campaign''s agents have yet to make it, the trigger'),
    ('TriggeredCall', 'callTriggerId', 'uuid', true, 'The trigger, which the package is read by'),
    ('TriggeredCall', 'scheduledAt', 'time?', true, 'When the call is made'),
    ('TriggeredCall', 'callData', 'Package', true, 'What the call is about'),
    ('PriceDrop', 'productId', 'uuid', true, 'The product'),
    ('PriceDrop', 'oldPrice', 'number', false, 'The price before; this or originalPrice'),
    ('PriceDrop', 'originalPrice', 'number', false, 'The same, which wins'),
    ('PriceDrop', 'newPrice', 'number', true, 'The price now'),
    ('PriceDrop', 'discountPercent', 'number', false, 'Per cents off; default the campaign''s, else those of the fall'),
    ('PriceDrop', 'campaignId', 'uuid', false, 'Default: all active campaigns of the product, else none'),
    ('StockAlert', 'productId', 'uuid', true, 'The product'),
    ('StockAlert', 'campaignId', 'uuid', false, 'Default: all active campaigns of the product, else none'),
    ('Promotion', 'campaignId', 'uuid', true, 'The campaign'),
    ('TriggeredCalls', 'success', 'boolean', true, 'true'),
    ('TriggeredCalls', 'triggered', 'integer', true, 'How many will be called'),
    ('TriggeredCalls', 'skipped', 'object', true, 'How many will not, by reason'),
    ('TriggeredCalls', 'run_ids', '[uuid]', true, 'The runs, one per campaign'),
    ('TriggeredCalls', 'message', 'text', true, 'The same in words'),
    ('Package', 'customer_name', 'text?', true, 'What the customer is called'),
    ('Package', 'customer_email', 'text?', true, 'The customer''s address'),
    ('Package', 'phone_number', 'text', true, 'E.164'),
    ('Package', 'customer_timezone', 'text', true, 'IANA zone'),
    ('Package', 'best_call_time', 'text', true, 'Hours in words, in that zone'),
    ('Package', 'product_id', 'uuid?', true, 'The product'),
    ('Package', 'product_name', 'text?', true, 'What it is called'),
    ('Package', 'campaign_id', 'uuid?', true, 'The campaign'),
    ('Package', 'campaign_name', 'text?', true, 'What it is called'),
    ('Package', 'trigger_type', 'price_drop|stock_alert|promotion', true, 'Why the customer is called'),
    ('Package', 'call_trigger_id', 'uuid', true, 'The trigger'),
    ('Package', 'priority', 'high|medium|low', true, 'From the customer''s value and the trigger type'),
    ('Package', 'reason', 'text', true, 'Why, in words'),
    ('Package', 'discount', 'text', true, 'Such as 15%'),
    ('Package', 'coupon_code', 'text?', true, 'The coupon'),
    ('Package', 'original_price', 'number?', true, 'The price before'),
    ('Package', 'new_price', 'number?', true, 'The price offered'),
    ('Package', 'savings_amount', 'number?', true, 'The difference'),
    ('Package', 'call_script', 'text', true, 'What is said'),
    ('Package', 'purchase_history', '[PastPurchase]', true, 'Newest first'),
    ('PastPurchase', 'product_name', 'text?', true, 'What was bought'),
    ('PastPurchase', 'purchase_date', 'day', true, 'When'),
    ('PastPurchase', 'amount_paid', 'number', true, 'For how much'),
    ('CustomerQuery', 'productId', 'uuid', false, 'Who bought it'),
    ('CustomerQuery', 'customerId', 'uuid', false, 'The one'),
    ('CustomerQuery', 'email', 'text', false, 'A part of the address, in any case'),
    ('CustomerQuery', 'phone', 'text', false, 'The number, in any form'),
    ('CustomerQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('CustomerQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('Customers', 'customers', '[Customer]', true, 'In the order in which they came into the contact book'),
    ('Customer', 'id', 'uuid', true, 'The contact'),
    ('Customer', 'name', 'text?', true, 'What they are called'),
    ('Customer', 'email', 'text?', true, 'Their address'),
    ('Customer', 'phone', 'text', true, 'E.164'),
    ('Customer', 'hasPurchased', 'boolean', true, 'Whether there is a purchase that was not refunded'),
    ('Customer', 'lastPurchaseDate', 'time?', true, 'The newest such'),
    ('PurchaseQuery', 'productId', 'uuid', false, 'Purchases of it'),
    ('PurchaseQuery', 'customerId', 'uuid', false, 'Purchases by them'),
    ('PurchaseQuery', 'email', 'text', false, 'A part of the customer''s address, in any case'),
    ('PurchaseQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('PurchaseQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('Purchases', 'purchases', '[Purchase]', true, 'Newest first'),
    ('Purchases', 'total', 'integer', true, 'How many there are in all'),
    ('Purchase', 'id', 'uuid', true, 'The purchase'),
    ('Purchase', 'customerId', 'uuid?', true, 'The contact; null: erased'),
    ('Purchase', 'customerName', 'text?', true, 'What they are called'),
    ('Purchase', 'customerEmail', 'text?', true, 'Their address'),
    ('Purchase', 'customerPhone', 'text?', true, 'E.164'),
    ('Purchase', 'productId', 'uuid?', true, 'The product'),
    ('Purchase', 'productName', 'text?', true, 'What it was called then'),
    ('Purchase', 'productPrice', 'number?', true, 'What it costs now'),
    ('Purchase', 'quantity', 'integer', true, 'How many pieces'),
    ('Purchase', 'purchaseDate', 'time', true, 'When'),
    ('Purchase', 'amountPaid', 'number', true, 'For all pieces together'),
    ('Purchase', 'totalAmount', 'number', true, 'The same'),
    ('Purchase', 'currency', 'text', true, 'ISO 4217'),
    ('Purchase', 'refunded', 'boolean', true, 'Whether it was given back')
$$;
COMMENT ON FUNCTION switchboard._http_trigger_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_trigger_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_trigger_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
  built  jsonb;
  made   switchboard.call_triggers;
BEGIN
  built := switchboard.trigger_call(
    (fields ->> 'campaignId')::uuid, (fields ->> 'customerId')::uuid, (fields ->> 'productId')::uuid, fields ->> 'triggerType',
    (fields ->> 'discountPercent')::numeric, (fields ->> 'newPrice')::numeric, (fields ->> 'originalPrice')::numeric);
  SELECT g.* INTO made FROM switchboard.call_triggers g WHERE g.id = (built ->> 'call_trigger_id')::uuid;
  RETURN switchboard._http_json(200, jsonb_build_object('success', true, 'callId', coalesce(made.call_log_id, made.id),
    'callTriggerId', made.id, 'scheduledAt', made.scheduled_at, 'callData', built));
END
$$;
COMMENT ON FUNCTION switchboard._http_trigger_call(switchboard.http_request) IS
  'Route POST /api/campaigns/trigger-call: trigger_call(). Body: campaignId, customerId, productId, triggerType; discountPercent,
newPrice, originalPrice. Answer: {"success", "callId", "callTriggerId", "scheduledAt", "callData"}; callId is the call''s, else, while a
campaign''s agents have yet to make it, the trigger''s.';
REVOKE ALL ON FUNCTION switchboard._http_trigger_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_triggered(result jsonb)
RETURNS switchboard.http_response
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard._http_json(200, jsonb_build_object('success', true, 'message', format('%s will be called, %s will not',
           result ->> 'triggered', (SELECT coalesce(sum(s.value::bigint), 0) FROM jsonb_each_text(result -> 'skipped') s))) || result)
$$;
COMMENT ON FUNCTION switchboard._http_triggered(jsonb) IS
  'The answer of a route that triggers calls to many: {"success", "triggered", "skipped", "message"}.';
REVOKE ALL ON FUNCTION switchboard._http_triggered(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_price_drop(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
BEGIN
  IF coalesce(fields ->> 'originalPrice', fields ->> 'oldPrice') IS NULL THEN
    RAISE EXCEPTION 'field "oldPrice" is missing' USING ERRCODE = '22023';
  END IF;
  RETURN switchboard._http_triggered(switchboard.trigger_price_drop(
    (fields ->> 'productId')::uuid, coalesce(fields ->> 'originalPrice', fields ->> 'oldPrice')::numeric,
    (fields ->> 'newPrice')::numeric, (fields ->> 'discountPercent')::numeric, (fields ->> 'campaignId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_price_drop(switchboard.http_request) IS
  'Route POST /api/campaigns/price-drop: trigger_price_drop(). Body: productId, oldPrice (or originalPrice), newPrice; discountPercent,
campaignId.';
REVOKE ALL ON FUNCTION switchboard._http_price_drop(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_stock_alert(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
BEGIN
  RETURN switchboard._http_triggered(switchboard.trigger_stock_alert(
    (fields ->> 'productId')::uuid, (fields ->> 'campaignId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_stock_alert(switchboard.http_request) IS
  'Route POST /api/campaigns/stock-alert: trigger_stock_alert(). Body: productId; campaignId.';
REVOKE ALL ON FUNCTION switchboard._http_stock_alert(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_promotion(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_triggered(switchboard.trigger_promotion(
    (request.fields ->> 'campaignId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_promotion(switchboard.http_request) IS
  'Route POST /api/campaigns/promotion: trigger_promotion(). Body: campaignId.';
REVOKE ALL ON FUNCTION switchboard._http_promotion(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_call_package(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.get_call_package(switchboard._http_id(request, 'triggered call')));
END
$$;
COMMENT ON FUNCTION switchboard._http_call_package(switchboard.http_request) IS
  'Route GET /api/campaigns/triggers/{id}/package: get_call_package(), which notes who reads it.';
REVOKE ALL ON FUNCTION switchboard._http_call_package(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_customers(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER. Clients forget to encode the + of a number, which then arrives as a blank.
  SELECT switchboard._http_json(200, switchboard.find_customers(
    CASE WHEN request.query ->> 'phone' ~ '^ [0-9]' THEN request.query || jsonb_build_object('phone', '+' || ltrim(request.query ->> 'phone'))
         ELSE request.query END))
$$;
COMMENT ON FUNCTION switchboard._http_customers(switchboard.http_request) IS
  'Route GET /api/customers/phone: find_customers(); the parameters of the URL are its filters.';
REVOKE ALL ON FUNCTION switchboard._http_customers(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_purchase_history(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER.
  SELECT switchboard._http_json(200, switchboard.get_purchase_history(request.query))
$$;
COMMENT ON FUNCTION switchboard._http_purchase_history(switchboard.http_request) IS
  'Route GET /api/customers/purchase-history: get_purchase_history(); the parameters of the URL are its filters.';
REVOKE ALL ON FUNCTION switchboard._http_purchase_history(switchboard.http_request) FROM PUBLIC;
