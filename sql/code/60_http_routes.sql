-- The routes of handle_http(), one row each: a method, a path whose {name} parts become parameters, a function that takes
-- switchboard.http_request and returns switchboard.http_response, who may ask (access: anyone; tenant, which is somebody who acts
-- for one; provider, whom receive_webhook() knows by the signature), the schemas (63_http_schemas.sql) of the parameters of the URL,
-- of the body and of the answer, the status of the answer when all is well, and for the description of the API a group (tag) and
-- what it does (summary).
-- A null schema of query or body: whatever comes is passed on as it is. An answer may be several words, of which those with a slash are
-- media types of what is not JSON; null: there is none.

CREATE OR REPLACE FUNCTION switchboard._http_routes()
RETURNS TABLE (method text, path text, handler text, access text, query text, body text, answer text, status int, tag text, summary text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('GET',  '/healthz', '_http_health', 'anyone', NULL, NULL, 'Health', 200, 'service', 'Whether the service works'),
    ('GET',  '/openapi.json', '_http_openapi', 'anyone', NULL, NULL, 'object', 200, 'service', 'This description'),
    ('GET',  '/metrics', '_http_metrics', 'anyone', NULL, NULL, 'text/plain', 200, 'service', 'Figures for Prometheus'),
    ('POST', '/api/webhooks/call/incoming', '_http_call_webhook', 'provider', NULL, NULL, '*/*', 200, 'webhooks', 'A call that comes in, in the form of Twilio'),
    ('POST', '/api/webhooks/call/status', '_http_call_webhook', 'provider', NULL, NULL, '*/*', 200, 'webhooks', 'Call status in the form of Twilio'),
    ('POST', '/api/webhooks/{provider}/{event}', '_http_webhook', 'provider', NULL, NULL, '*/*', 200, 'webhooks', 'A webhook of a provider'),
    ('GET',  '/api/webhooks/{provider}/{event}', '_http_webhook', 'provider', NULL, NULL, '*/*', 200, 'webhooks', 'A webhook that comes as GET'),
    ('POST', '/api/webhooks/{provider}/{event}/{token}', '_http_webhook', 'provider', NULL, NULL, '*/*', 200, 'webhooks', 'A webhook of a provider that signs nothing: the secret is part of the address'),
    ('POST', '/api/campaigns/trigger-call', '_http_trigger_call', 'tenant', NULL, 'TriggerCall', 'TriggeredCall', 200, 'call triggers', 'Call one customer about a product'),
    ('POST', '/api/campaigns/price-drop', '_http_price_drop', 'tenant', NULL, 'PriceDrop', 'TriggeredCalls', 200, 'call triggers', 'Call the buyers of a product whose price fell'),
    ('POST', '/api/campaigns/stock-alert', '_http_stock_alert', 'tenant', NULL, 'StockAlert', 'TriggeredCalls', 200, 'call triggers', 'Call the buyers of a product that is back'),
    ('POST', '/api/campaigns/promotion', '_http_promotion', 'tenant', NULL, 'Promotion', 'TriggeredCalls', 200, 'call triggers', 'Call the customers of a promotion'),
    ('GET',  '/api/campaigns/triggers/{id}/package', '_http_call_package', 'tenant', NULL, NULL, 'Package', 200, 'call triggers', 'The package of a triggered call'),
    ('GET',  '/api/customers/phone', '_http_customers', 'tenant', 'CustomerQuery', NULL, 'Customers', 200, 'customers', 'Find customers'),
    ('GET',  '/api/customers/purchase-history', '_http_purchase_history', 'tenant', 'PurchaseQuery', NULL, 'Purchases', 200, 'customers', 'Who bought what'),
    ('GET',  '/api/contacts', '_http_rows', 'tenant', 'ContactQuery', NULL, 'ContactList', 200, 'contact book', 'Contacts, newest first'),
    ('POST', '/api/contacts', '_http_new_row', 'tenant', NULL, 'NewContact', 'Contact', 201, 'contact book', 'Add a contact'),
    ('GET',  '/api/contacts/{id}', '_http_row', 'tenant', NULL, NULL, 'Contact', 200, 'contact book', 'Look at a contact'),
    ('PATCH', '/api/contacts/{id}', '_http_change_row', 'tenant', NULL, 'ContactChange', 'Contact', 200, 'contact book', 'Change a contact'),
    ('DELETE', '/api/contacts/{id}', '_http_delete_row', 'tenant', NULL, NULL, NULL, 204, 'contact book', 'Delete a contact'),
    ('GET',  '/api/do-not-call', '_http_rows', 'tenant', 'DoNotCallQuery', NULL, 'DoNotCallList', 200, 'contact book', 'Numbers not to be contacted, newest first'),
    ('POST', '/api/do-not-call', '_http_new_row', 'tenant', NULL, 'NewDoNotCall', 'DoNotCall', 201, 'contact book', 'Add a number not to be contacted'),
    ('GET',  '/api/do-not-call/{id}', '_http_row', 'tenant', NULL, NULL, 'DoNotCall', 200, 'contact book', 'Look at a number not to be contacted'),
    ('DELETE', '/api/do-not-call/{id}', '_http_delete_row', 'tenant', NULL, NULL, NULL, 204, 'contact book', 'Delete a number not to be contacted'),
    ('GET',  '/api/products', '_http_rows', 'tenant', 'ProductQuery', NULL, 'ProductList', 200, 'shop', 'Products, newest first'),
    ('POST', '/api/products', '_http_new_row', 'tenant', NULL, 'NewProduct', 'Product', 201, 'shop', 'Add a product'),
    ('GET',  '/api/products/{id}', '_http_row', 'tenant', NULL, NULL, 'Product', 200, 'shop', 'Look at a product'),
    ('PATCH', '/api/products/{id}', '_http_change_row', 'tenant', NULL, 'ProductChange', 'Product', 200, 'shop', 'Change a product'),
    ('DELETE', '/api/products/{id}', '_http_delete_row', 'tenant', NULL, NULL, NULL, 204, 'shop', 'Delete a product'),
    ('GET',  '/api/purchases', '_http_rows', 'tenant', 'PurchaseRowQuery', NULL, 'PurchaseList', 200, 'shop', 'Purchases, newest first'),
    ('POST', '/api/purchases', '_http_new_row', 'tenant', NULL, 'NewPurchase', 'PurchaseRow', 201, 'shop', 'Add a purchase'),
    ('GET',  '/api/purchases/{id}', '_http_row', 'tenant', NULL, NULL, 'PurchaseRow', 200, 'shop', 'Look at a purchase'),
    ('PATCH', '/api/purchases/{id}', '_http_change_row', 'tenant', NULL, 'PurchaseChange', 'PurchaseRow', 200, 'shop', 'Change a purchase'),
    ('DELETE', '/api/purchases/{id}', '_http_delete_row', 'tenant', NULL, NULL, NULL, 204, 'shop', 'Delete a purchase'),
    ('POST', '/api/coupons', '_http_new_coupon', 'tenant', NULL, 'NewCoupon', 'Coupon', 201, 'shop', 'Make a coupon'),
    ('POST', '/api/coupons/redeem', '_http_redeem_coupon', 'tenant', NULL, 'CouponUse', 'Coupon', 200, 'shop', 'Redeem a coupon'),
    ('GET',  '/api/dialer/calls', '_http_calls', 'tenant', 'CallQuery', NULL, 'CallList', 200, 'calls', 'Calls, newest first'),
    ('POST', '/api/dialer/calls', '_http_make_call', 'tenant', NULL, 'NewCall', 'Call', 201, 'calls', 'Make a call'),
    ('GET',  '/api/dialer/calls/{id}', '_http_call', 'tenant', NULL, NULL, 'CallDetail', 200, 'calls', 'One call with all that belongs to it'),
    ('PATCH', '/api/dialer/calls/{id}', '_http_change_call', 'tenant', NULL, 'CallChange', 'Call', 200, 'calls', 'Change what people may change of a call'),
    ('DELETE', '/api/dialer/calls/{id}', '_http_delete_call', 'tenant', NULL, NULL, NULL, 204, 'calls', 'Delete a call that has ended'),
    ('POST', '/api/dialer/calls/{id}/hang-up', '_http_hang_up', 'tenant', NULL, NULL, 'Call', 200, 'calls', 'End a call'),
    ('POST', '/api/dialer/calls/{id}/voicemail', '_http_drop_voicemail', 'tenant', NULL, 'VoicemailDrop', 'Call', 200, 'calls', 'Leave a recorded message and end the call after it'),
    ('GET',  '/api/admin/customer-service/calls', '_http_calls', 'tenant', 'CallQuery', NULL, 'CallList', 200, 'calls', 'The same as /api/dialer/calls'),
    ('POST', '/api/admin/customer-service/calls', '_http_log_call', 'tenant', NULL, 'LoggedCall', 'Call', 201, 'calls', 'Enter a call by hand'),
    ('PATCH', '/api/admin/customer-service/calls/{id}', '_http_change_call', 'tenant', NULL, 'ServedCallChange', 'Call', 200, 'calls', 'Change what people may change of a call'),
    ('PUT',  '/api/admin/customer-service/calls/{id}', '_http_change_call', 'tenant', NULL, 'ServedCallChange', 'Call', 200, 'calls', 'The same'),
    ('GET',  '/api/dialer/voicemails', '_http_rows', 'tenant', 'VoicemailQuery', NULL, 'VoicemailList', 200, 'calls', 'Recorded messages, newest first'),
    ('POST', '/api/dialer/voicemails', '_http_new_row', 'tenant', NULL, 'NewVoicemail', 'Voicemail', 201, 'calls', 'Add a recorded message'),
    ('GET',  '/api/dialer/voicemails/{id}', '_http_row', 'tenant', NULL, NULL, 'Voicemail', 200, 'calls', 'Look at a recorded message'),
    ('DELETE', '/api/dialer/voicemails/{id}', '_http_delete_row', 'tenant', NULL, NULL, NULL, 204, 'calls', 'Delete a recorded message'),
    ('GET',  '/api/dialer/campaigns', '_http_campaigns', 'tenant', 'CampaignQuery', NULL, 'CampaignList', 200, 'campaigns', 'Campaigns, newest first'),
    ('POST', '/api/dialer/campaigns', '_http_new_campaign', 'tenant', NULL, 'NewCampaign', 'Campaign', 201, 'campaigns', 'Make a campaign, a draft'),
    ('GET',  '/api/dialer/campaigns/{id}', '_http_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'One campaign with its statistics'),
    ('PATCH', '/api/dialer/campaigns/{id}', '_http_change_campaign', 'tenant', NULL, 'CampaignChange', 'Campaign', 200, 'campaigns', 'Change a campaign'),
    ('DELETE', '/api/dialer/campaigns/{id}', '_http_delete_campaign', 'tenant', NULL, NULL, NULL, 204, 'campaigns', 'Delete a campaign with its list'),
    ('POST', '/api/dialer/campaigns/{id}/start', '_http_step_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'Start a draft'),
    ('POST', '/api/dialer/campaigns/{id}/pause', '_http_step_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'Pause it'),
    ('POST', '/api/dialer/campaigns/{id}/resume', '_http_step_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'Go on with a paused one, or one whose list had run out'),
    ('POST', '/api/dialer/campaigns/{id}/complete', '_http_step_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'End it'),
    ('POST', '/api/dialer/campaigns/{id}/archive', '_http_step_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'Put it away for good'),
    ('POST', '/api/dialer/campaigns/{id}/run', '_http_run_campaign', 'tenant', NULL, NULL, 'CampaignRun', 200, 'campaigns', 'Queue whoever is due'),
    ('POST', '/api/dialer/campaigns/{id}/recycle', '_http_recycle_campaign', 'tenant', NULL, 'Recycle', 'Recycled', 200, 'campaigns', 'Try people again whom it has given up'),
    ('PUT',  '/api/dialer/campaigns/{id}/schedule', '_http_schedule_campaign', 'tenant', NULL, 'Schedule', 'Campaign', 200, 'campaigns', 'Run it by a clock'),
    ('DELETE', '/api/dialer/campaigns/{id}/schedule', '_http_schedule_campaign', 'tenant', NULL, NULL, 'Campaign', 200, 'campaigns', 'End its schedule'),
    ('GET',  '/api/dialer/campaigns/{id}/report', '_http_campaign_report', 'tenant', NULL, NULL, 'CampaignReport', 200, 'campaigns', 'The campaign in figures'),
    ('GET',  '/api/dialer/campaigns/{id}/preflight', '_http_campaign_preflight', 'tenant', NULL, NULL, 'Preflight', 200, 'campaigns', 'Who would not be called now, and why'),
    ('GET',  '/api/dialer/campaigns/{id}/contacts', '_http_campaign_list', 'tenant', 'ListQuery', NULL, 'ListPage', 200, 'campaigns', 'The people on its list'),
    ('POST', '/api/dialer/campaigns/{id}/contacts', '_http_add_contacts', 'tenant', NULL, 'NewContacts', 'AddedContacts', 200, 'campaigns', 'Put people on its list'),
    ('POST', '/api/dialer/campaigns/{id}/preview', '_http_next_preview', 'tenant', NULL, NULL, 'PreviewContact', 200, 'campaigns', 'Reserve the next person to look at'),
    ('POST', '/api/dialer/previews/{id}/accept', '_http_accept_preview', 'tenant', NULL, NULL, 'Call', 201, 'campaigns', 'Call the person reserved'),
    ('POST', '/api/dialer/previews/{id}/skip', '_http_skip_preview', 'tenant', NULL, 'SkipPreview', 'Skipped', 200, 'campaigns', 'Put the person back into the queue'),
    ('GET',  '/api/dialer/dispositions', '_http_dispositions', 'tenant', 'DispositionQuery', NULL, 'DispositionList', 200, 'dispositions', 'What was concluded about calls'),
    ('POST', '/api/dialer/dispositions', '_http_new_disposition', 'tenant', NULL, 'NewDisposition', 'Disposition', 201, 'dispositions', 'Conclude something about a call'),
    ('GET',  '/api/dialer/analytics', '_http_analytics', 'tenant', 'AnalyticsQuery', NULL, 'Analytics', 200, 'figures', 'Figures of calls'),
    ('GET',  '/api/call-center/agent-report', '_http_agent_report', 'tenant', 'AgentReportQuery', NULL, 'AgentReport', 200, 'figures', 'What agents did'),
    ('GET',  '/api/call-center/stats', '_http_service_level', 'tenant', 'StatsQuery', NULL, 'ServiceLevel', 200, 'figures', 'How fast inbound calls were served'),
    ('GET',  '/api/call-center/queue', '_http_queue', 'tenant', 'QueueQuery', NULL, 'Queue', 200, 'call centre', 'Who and what waits'),
    ('POST', '/api/call-center/claim', '_http_claim', 'tenant', NULL, 'Claim', 'Claimed', 200, 'call centre', 'Take whoever has waited longest'),
    ('POST', '/api/call-center/calls/{id}/assign', '_http_assign_call', 'tenant', NULL, 'Assign', 'Call', 200, 'call centre', 'Give a live call to somebody'),
    ('GET',  '/api/call-center/agents', '_http_agents', 'tenant', 'AgentQuery', NULL, 'AgentList', 200, 'call centre', 'What everybody is doing'),
    ('GET',  '/api/call-center/agents/{id}', '_http_agent', 'tenant', NULL, NULL, 'Agent', 200, 'call centre', 'What one is doing; me is whoever asks'),
    ('PUT',  '/api/call-center/agents/{id}/state', '_http_agent_state', 'tenant', NULL, 'StateChange', 'Agent', 200, 'call centre', 'Say what one is doing; me is whoever asks'),
    ('GET',  '/api/call-center/support-requests', '_http_support_requests', 'tenant', 'SupportRequestQuery', NULL, 'SupportRequestList', 200, 'call centre', 'Support requests and callbacks, newest first'),
    ('GET',  '/api/call-center/support-requests/{id}', '_http_support_request', 'tenant', NULL, NULL, 'SupportRequest', 200, 'call centre', 'One support request'),
    ('PATCH', '/api/call-center/support-requests/{id}', '_http_change_request', 'tenant', NULL, 'SupportRequestChange', 'SupportRequest', 200, 'call centre', 'Change, assign, resolve, close or reopen it'),
    ('POST', '/api/call-center/support-requests/{id}/assign', '_http_step_request', 'tenant', NULL, 'Assign', 'SupportRequest', 200, 'call centre', 'Give it to somebody'),
    ('POST', '/api/call-center/support-requests/{id}/resolve', '_http_step_request', 'tenant', NULL, 'SupportRequestEnd', 'SupportRequest', 200, 'call centre', 'Say that it is done'),
    ('POST', '/api/call-center/support-requests/{id}/close', '_http_step_request', 'tenant', NULL, 'SupportRequestEnd', 'SupportRequest', 200, 'call centre', 'Close it for good'),
    ('POST', '/api/call-center/support-requests/{id}/reopen', '_http_step_request', 'tenant', NULL, NULL, 'SupportRequest', 200, 'call centre', 'Open it again'),
    ('POST', '/api/call-center/callbacks', '_http_new_callback', 'tenant', NULL, 'NewCallback', 'SupportRequest', 201, 'call centre', 'Have somebody called back'),
    ('GET',  '/api/wallboard', '_http_wallboard', 'tenant', NULL, NULL, 'Wallboard', 200, 'call centre', 'Everything that a screen on the wall shows'),
    ('POST', '/api/customer/support-request', '_http_new_support_request', 'anyone', 'SupportTenant', 'NewSupportRequest', 'SupportRequestReceipt', 201, 'public', 'Ask for help'),
    ('GET',  '/api/me', '_http_me', 'tenant', NULL, NULL, 'Me', 200, 'access', 'For whom the request is made'),
    ('GET',  '/api/keys', '_http_api_keys', 'tenant', 'ApiKeyQuery', NULL, 'ApiKeyList', 200, 'access', 'API keys, newest first'),
    ('POST', '/api/keys', '_http_new_api_key', 'tenant', NULL, 'NewApiKey', 'MadeApiKey', 201, 'access', 'Make an API key'),
    ('DELETE', '/api/keys/{id}', '_http_revoke_api_key', 'tenant', NULL, NULL, NULL, 204, 'access', 'End an API key'),
    ('GET',  '/api/events', '_http_events', 'tenant', 'EventQuery', NULL, 'EventPage text/event-stream', 200, 'events', 'What happened since: a page, or with Accept: text/event-stream a stream')
$$;
COMMENT ON FUNCTION switchboard._http_routes() IS
  'The routes of handle_http(). A path without parameters goes before one with. access: anyone; tenant, 401 for a
session that acts for none; provider, whose Authorization is not looked at here.';
REVOKE ALL ON FUNCTION switchboard._http_routes() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_route_tree()
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  tree  jsonb := '{}';
  place text[];
  leaf  record;
BEGIN
  FOR leaf IN
    SELECT regexp_split_to_array(regexp_replace(substr(r.path, 2), '\{[^}]*\}', '{}', 'g'), '/') AS place,
           jsonb_object_agg(r.method, jsonb_build_object(
             'path', r.path, 'handler', r.handler, 'access', r.access, 'query', r.query, 'body', r.body,
             'names', (SELECT jsonb_agg(CASE WHEN p.part LIKE '{%}' THEN btrim(p.part, '{}') END ORDER BY p.n)
                       FROM string_to_table(substr(r.path, 2), '/') WITH ORDINALITY AS p (part, n)))) AS methods
    FROM switchboard._http_routes() r GROUP BY 1
  LOOP
    FOR depth IN 1 .. cardinality(leaf.place) LOOP
      place := leaf.place[:depth];
      IF tree #> place IS NULL THEN
        tree := jsonb_set(tree, place, '{}');
      END IF;
    END LOOP;
    tree := jsonb_set(tree, leaf.place || ''::text, leaf.methods);
  END LOOP;
  RETURN tree;
END
$$;
COMMENT ON FUNCTION switchboard._http_route_tree() IS
  'The routes by the parts of their paths, {} for a parameter; what a path leads to is at the key "": its methods.';
REVOKE ALL ON FUNCTION switchboard._http_route_tree() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_walk(node jsonb, parts text[], depth int)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  part  constant text := parts[depth];
  found jsonb;
BEGIN
  IF depth > cardinality(parts) THEN
    RETURN node -> '';
  ELSIF part = '' THEN
    RETURN NULL;
  END IF;
  IF node ? part THEN
    found := switchboard._http_walk(node -> part, parts, depth + 1);
  END IF;
  IF found IS NULL AND node ? '{}' THEN
    found := switchboard._http_walk(node -> '{}', parts, depth + 1);
  END IF;
  RETURN found;
END
$$;
COMMENT ON FUNCTION switchboard._http_walk(jsonb, text[], int) IS
  'The methods of what a path leads to below a node of _http_route_tree(); NULL: nowhere. A literal part goes before a parameter.';
REVOKE ALL ON FUNCTION switchboard._http_walk(jsonb, text[], int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_find_route(verb text, path text)
RETURNS switchboard.http_route
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- The tree is worked out once a session, as a constant of the plan; it is found anew when this function is replaced.
-- Cost: the parts of the path, however many routes there are.
DECLARE
  parts    constant text[] := string_to_array(substr(path, 2), '/');
  methods  jsonb;
  method   jsonb;
  given    jsonb := '{}';
  route    switchboard.http_route;
BEGIN
  IF NOT starts_with(path, '/') OR cardinality(parts) > 20 THEN
    RETURN route;
  END IF;
  methods := switchboard._http_walk(switchboard._http_route_tree(), parts, 1);
  IF methods IS NULL THEN
    RETURN route;
  END IF;
  route.methods := (SELECT string_agg(m, ', ' ORDER BY m) FROM jsonb_object_keys(methods) m);
  method := methods -> CASE verb WHEN 'HEAD' THEN 'GET' ELSE verb END;
  IF method IS NULL THEN
    route.path := (SELECT min(m.value ->> 'path') FROM jsonb_each(methods) m);
    RETURN route;
  END IF;
  FOR n IN 1 .. cardinality(parts) LOOP
    IF method -> 'names' ->> n - 1 IS NOT NULL THEN
      given := given || jsonb_build_object(method -> 'names' ->> n - 1, parts[n]);
    END IF;
  END LOOP;
  route.path := method ->> 'path';
  route.handler := method ->> 'handler';
  route.access := method ->> 'access';
  route.query := method ->> 'query';
  route.body := method ->> 'body';
  route.parameters := given;
  RETURN route;
END
$$;
COMMENT ON FUNCTION switchboard._http_find_route(text, text) IS
  'The route of a request: the function that serves it, with what it needs; only path and methods when it has others; all NULL when
there is no such path. HEAD is served as GET.';
REVOKE ALL ON FUNCTION switchboard._http_find_route(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_call_route(route switchboard.http_route, request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  answer switchboard.http_response;
BEGIN
  IF route.query IS NOT NULL THEN
    request.query := switchboard._http_check_query(route.query, request.query);
  END IF;
  IF route.body IS NOT NULL THEN
    request.fields := switchboard._http_check_body(route.body, request);
  END IF;
  EXECUTE format('SELECT * FROM switchboard.%I($1)', route.handler) INTO answer USING request;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._http_call_route(switchboard.http_route, switchboard.http_request) IS
  'Checks the parameters of the URL and the body against the schemas of the route, and has the route serve the request. Errors: 22032,
22023, and what the route raises.';
REVOKE ALL ON FUNCTION switchboard._http_call_route(switchboard.http_route, switchboard.http_request) FROM PUBLIC;
