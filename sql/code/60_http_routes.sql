-- The routes of handle_http(), one row each: a method, a path whose {name} parts become parameters, a function that takes
-- switchboard.http_request and returns switchboard.http_response, who may ask (access: anyone, or tenant, which is somebody who acts
-- for one), and for the description of the API a group (tag) and what it does (summary).

CREATE OR REPLACE FUNCTION switchboard._http_routes()
RETURNS TABLE (method text, path text, handler text, access text, tag text, summary text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('GET',  '/healthz', '_http_health', 'anyone', 'service', 'Whether the service works'),
         ('GET',  '/metrics', '_http_metrics', 'anyone', 'service', 'Figures for Prometheus'),
         ('POST', '/api/webhooks/call/status', '_http_twilio_status', 'anyone', 'webhooks', 'Call status in the form of Twilio'),
         ('POST', '/api/webhooks/{provider}/{event}', '_http_webhook', 'anyone', 'webhooks', 'A webhook of a provider'),
         ('GET',  '/api/webhooks/{provider}/{event}', '_http_webhook', 'anyone', 'webhooks', 'A webhook that comes as GET'),
         ('POST', '/api/campaigns/trigger-call', '_http_trigger_call', 'tenant', 'call triggers', 'Call one customer about a product'),
         ('POST', '/api/campaigns/price-drop', '_http_price_drop', 'tenant', 'call triggers', 'Call the buyers of a product whose price fell'),
         ('POST', '/api/campaigns/stock-alert', '_http_stock_alert', 'tenant', 'call triggers', 'Call the buyers of a product that is back'),
         ('POST', '/api/campaigns/promotion', '_http_promotion', 'tenant', 'call triggers', 'Call the customers of a promotion'),
         ('GET',  '/api/campaigns/triggers/{id}/package', '_http_call_package', 'tenant', 'call triggers', 'The package of a triggered call'),
         ('GET',  '/api/customers/phone', '_http_customers', 'tenant', 'customers', 'Find customers'),
         ('GET',  '/api/customers/purchase-history', '_http_purchase_history', 'tenant', 'customers', 'Who bought what')
$$;
COMMENT ON FUNCTION switchboard._http_routes() IS
  'The routes of handle_http(). A path without parameters goes before one with. access: anyone; or tenant, 401 for a session that acts for none.';
REVOKE ALL ON FUNCTION switchboard._http_routes() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_match(pattern text, path text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- NULL unless every part fits; an empty part fits no parameter.
  SELECT CASE WHEN bool_and(coalesce(p.part = g.part OR p.part LIKE '{%}' AND g.part <> '', false))
              THEN coalesce(jsonb_object_agg(substr(p.part, 2, length(p.part) - 2), g.part) FILTER (WHERE p.part LIKE '{%}'), '{}') END
  FROM ROWS FROM (string_to_table(pattern, '/')) WITH ORDINALITY AS p (part, n)
  FULL JOIN ROWS FROM (string_to_table(path, '/')) WITH ORDINALITY AS g (part, n) ON g.n = p.n
$$;
COMMENT ON FUNCTION switchboard._http_match(text, text) IS
  'The parameters of a path that fits a route''s pattern, as a JSON object; NULL when it does not fit.';
REVOKE ALL ON FUNCTION switchboard._http_match(text, text) FROM PUBLIC;
