-- Routes of triggered calls and of customers. They ask as whoever the request is made for; fields that a route does not know are
-- passed over.

CREATE OR REPLACE FUNCTION switchboard._http_trigger_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields jsonb := switchboard._http_fields(request);
  built  jsonb;
  made   switchboard.call_triggers;
BEGIN
  built := switchboard.trigger_call(
    switchboard._http_uuid(fields, 'campaignId', true), switchboard._http_uuid(fields, 'customerId', true),
    switchboard._http_uuid(fields, 'productId', true),
    switchboard._http_label(fields, 'triggerType', enum_range(NULL::switchboard.trigger_type)::text[], true),
    switchboard._http_number(fields, 'discountPercent'), switchboard._http_number(fields, 'newPrice'),
    switchboard._http_number(fields, 'originalPrice'));
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
  fields jsonb := switchboard._http_fields(request);
BEGIN
  RETURN switchboard._http_triggered(switchboard.trigger_price_drop(
    switchboard._http_uuid(fields, 'productId', true),
    coalesce(switchboard._http_number(fields, 'originalPrice'), switchboard._http_number(fields, 'oldPrice', true)),
    switchboard._http_number(fields, 'newPrice', true), switchboard._http_number(fields, 'discountPercent'),
    switchboard._http_uuid(fields, 'campaignId')));
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
  fields jsonb := switchboard._http_fields(request);
BEGIN
  RETURN switchboard._http_triggered(switchboard.trigger_stock_alert(
    switchboard._http_uuid(fields, 'productId', true), switchboard._http_uuid(fields, 'campaignId')));
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
    switchboard._http_uuid(switchboard._http_fields(request), 'campaignId', true)));
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
  IF NOT switchboard._is_uuid(request.parameters ->> 'id') THEN
    RAISE EXCEPTION 'no such triggered call: %', left(request.parameters ->> 'id', 64) USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._http_json(200, switchboard.get_call_package((request.parameters ->> 'id')::uuid));
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
