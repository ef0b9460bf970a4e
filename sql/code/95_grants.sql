-- Who may do what: all grants of the extension, in one place. Everything starts from nothing, for PUBLIC for good.
--
--   switchboard_app      the API under row level security; agents log in as members of it
--   switchboard_gateway  the same, and may say on whose behalf (a member of switchboard_app)
--   switchboard_worker   claims and finishes jobs by functions, reads no table
--   switchboard_monitor  health and metrics, no customer data
--
-- Each section belongs to one subject; functions are named without arguments and mean all overloads.

SELECT switchboard._revoke_all();

DO $membership$
BEGIN
    IF NOT pg_catalog.pg_has_role('switchboard_gateway', 'switchboard_app', 'MEMBER') THEN
        GRANT switchboard_app TO switchboard_gateway;
    END IF;
EXCEPTION
    -- Two databases installing at the same moment: the other one was first.
    WHEN unique_violation THEN NULL;
END
$membership$;

GRANT USAGE ON SCHEMA switchboard TO switchboard_app, switchboard_gateway, switchboard_worker, switchboard_monitor;

-- Section: identity and keys
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'current_tenant_id', 'current_user_id', 'is_supervisor', '_is_admin', 'uuid_v7']);
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY['set_identity']);

-- Section: HTTP identity
GRANT SELECT (id, tenant_id, user_id, name, prefix, role, expires_at, last_used_at, revoked_at, created_by, created_at, updated_at)
    ON switchboard.api_keys TO switchboard_app;
SELECT switchboard._grant_execute('switchboard_app', ARRAY['create_api_key', '_create_api_key', 'revoke_api_key']);
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY[
    '_stream_identity', '_session_acts', '_http_credential', '_http_has_credential', '_credential_claims', '_token_claims', '_api_key_claims',
    '_assert_claims', '_http_identify', '_http_answer', '_http_serve', '_http_try_route', '_http_failure', '_http_duplicate', '_http_misfit',
    '_http_headers', '_http_once', '_kept_answer', '_keep_answer', '_http_options', '_cors_headers', '_text_timestamp']);

-- Section: tables that the application writes
SELECT switchboard._grant_tables('switchboard_app', 'SELECT, INSERT, UPDATE, DELETE', ARRAY[
    'contacts', 'deals', 'tasks', 'activities', 'products', 'purchases', 'campaigns', 'dialer_campaigns', 'campaign_contacts',
    'campaign_agents',
    'call_recordings', 'call_dispositions', 'voicemail_drops', 'omnichannel_sessions', 'messages',
    'templates', 'do_not_call', 'consents', 'compliance_overrides']);

-- How far a request is, and whose it is, say functions.
SELECT switchboard._grant_tables('switchboard_app', 'SELECT, INSERT, DELETE', ARRAY['support_requests']);
GRANT UPDATE (user_email, user_ref, contact_id, phone_number, subject, description, priority, callback_at, call_log_id)
    ON switchboard.support_requests TO switchboard_app;

-- Calls are taken away by delete_call(), which spares the living and keeps a note in the audit log.
SELECT switchboard._grant_tables('switchboard_app', 'SELECT, INSERT, UPDATE', ARRAY['call_logs']);

-- Coupons are made and ended early, but only redeem_coupon() redeems one: what it brought stays, and so does its code.
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['coupons']);
GRANT INSERT (id, tenant_id, code, discount_percent, contact_id, product_id, campaign_id, valid_until), UPDATE (valid_until)
    ON switchboard.coupons TO switchboard_app;

-- Section: tables that the application reads; functions write them
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY[
    'tenants', 'users', 'call_events', 'call_triggers', 'trigger_runs', 'campaign_runs', 'campaign_stat_deltas', 'dialer_queues', 'agent_states',
    'webhook_inbox', 'message_delivery_log', 'events', 'audit_log', 'compliance_rules', 'dispatch_decisions']);

-- A login_role decides who somebody is, in every tenant: only the owner of the extension sets it.
GRANT INSERT (id, tenant_id, name, email, role, endpoint, skills, active, settings),
      UPDATE (name, email, role, endpoint, skills, active, settings), DELETE
    ON switchboard.users TO switchboard_app;
GRANT UPDATE (name, default_region, timezone, currency, settings) ON switchboard.tenants TO switchboard_app;

-- Section: jobs and providers
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['jobs', 'dead_jobs', 'providers']);
SELECT switchboard._grant_tables('switchboard_app', 'SELECT, INSERT, UPDATE, DELETE', ARRAY['provider_accounts', 'channel_routes']);
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    '_enqueue_jobs', 'retry_job', 'cancel_job', 'add_provider_account', 'set_provider_secret']);

-- Section: pure functions
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'normalize_phone', 'try_normalize_phone', '_default_region', 'phone_is_valid', 'phone_region', 'phone_type', 'format_phone',
    'phone_timezones', 'phone_subdivision', 'next_call_time', '_hours_without', 'next_attempt_at', 'render_template', 'sms_segments', 'generate_coupon_code',
    'webhook_signature_ok']);

-- Section: call packages and scripts
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'format_money', 'format_date', 'generate_call_script', '_check_script_subject', '_script_texts', '_script_template', '_script_words',
    '_built_in_scripts', '_unescaped', '_locale_rank', '_script_vars', '_free_vars', '_render_or_null', '_number_or_null', '_call_zone', '_phone_place',
    '_call_hours_text', '_call_package']);

-- Section: dialer, calls, HTTP, analytics
-- Names with _ are the parts of the functions before them that run as the caller, or that check the caller themselves.
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'start_campaign', 'pause_campaign', 'resume_campaign', 'complete_campaign', 'archive_campaign', '_step_campaign',
    '_campaign_for_update', '_campaign_steps', '_open_steps', '_require_dialing', '_wake',
    'add_campaign_contacts', '_read_contact_rows', '_preferred_hours', '_known_timezone', '_known_region', '_small_int',
    'can_contact', '_can_contact', '_caller_tenant',
    'run_campaign', 'run_due_campaigns', '_run_campaign', 'make_call', '_place_call', 'get_analytics', 'receive_webhook',
    'rebuild_campaign_stats']);
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY['handle_http', '_http_problem', '_http_error']);

-- Section: campaigns and the hopper
SELECT switchboard._grant_execute('switchboard_app', ARRAY['recycle_campaign', '_recycle_campaign', '_outcomes', '_list_penetration']);

-- Section: compliance
SELECT switchboard._grant_execute('switchboard_app', ARRAY['campaign_preflight', '_campaign_preflight', 'refusals']);

-- Section: agents and preview
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'set_agent_state', '_require_speaker', 'next_preview_contact', 'accept_preview', 'skip_preview']);
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['agents']);

-- Section: calls and dispositions
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'hang_up', 'update_call', 'delete_call', 'drop_voicemail', 'create_disposition', 'get_calls', 'get_call', '_call_json',
    '_filter_text', '_filter_uuid', '_filter_time', '_filter_labels', '_call_cursor', '_ask_provider', '_is_uuid']);

-- Section: coupons and customers
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'create_coupon', '_require_coupon_targets', '_setting_days', 'redeem_coupon', 'find_customers', 'get_purchase_history',
    '_customer_filters', '_camel_keys', '_page_bound', '_person_name', 'get_call_package']);

-- Section: reports
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['call_rollups', 'call_rollup_deltas']);
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'rebuild_call_rollups', '_add_arrays', '_count_at', '_sum_arrays', '_counts', '_call_quarter', '_is_counted', '_is_live',
    '_seconds_ahead', '_quarters_ahead', '_calls_of', '_cell_range', '_call_figures', '_recent_calls_of', '_figures_scope',
    '_check_date_range', '_rate', 'abandon_rate', '_best_hours', '_cost_per_minute', '_campaign_costs',
    '_campaign_revenue', '_campaign_money', '_campaign_triggers', 'campaign_report', '_agent_times', '_agent_line',
    'agent_report', 'service_level']);

-- Section: customer value and call times
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['call_time_cells']);
SELECT switchboard._grant_execute('switchboard_app', ARRAY['best_call_time', 'customer_value']);

-- Section: triggered calls
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'trigger_call', 'trigger_price_drop', 'trigger_stock_alert', 'trigger_promotion', 'eligible_contacts', '_trigger_call', '_trigger_many',
    '_eligible_contacts', '_trigger_settings', '_trigger_type', '_offer_number', '_check_fall', '_offer_discount', '_visible_campaign', '_visible_product',
    '_require_active', '_takes_triggers', '_wants_trigger', '_campaigns_of_offer']);

-- Section: schedules
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'next_schedule_time', 'schedule_campaign', 'unschedule_campaign', '_ensure_tick', '_run_due_campaigns', '_run_due_campaign']);

-- Section: event feed
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'events_since', 'feed_position', '_check_feed_page', '_read_feed', '_feed_bound', '_feed_floor', '_feed_end', '_last_event']);
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['feed_floors']);
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY['_feed_page', '_feed_position']);
SELECT switchboard._grant_execute('switchboard_worker', ARRAY['_announce_events']);

-- Section: workers and monitoring
SELECT switchboard._grant_execute('switchboard_worker', ARRAY[
    'protocol_version', '_worker_hello', '_worker_turn', '_worker_note_sending', '_worker_renew', '_worker_release',
    '_worker_free', '_worker_goodbye', '_worker_settings']);
SELECT switchboard._grant_tables('switchboard_monitor', 'SELECT', ARRAY['worker_status']);
SELECT switchboard._grant_execute('switchboard_monitor', ARRAY['health', 'metrics', '_worker_locked']);

-- Section: HTTP routes
-- The functions that serve them, and the parts of these that run as the caller.
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY(SELECT DISTINCT r.handler FROM switchboard._http_routes() r));
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY[
    '_http_routes', '_http_route_tree', '_http_walk', '_http_find_route', '_http_call_route', '_http_json', '_http_fields', '_http_id',
    '_http_type', '_http_input_tree', '_http_is_time', '_http_wanted', '_http_fits', '_http_check_value', '_http_check',
    '_http_check_body', '_http_query_value', '_http_check_query',
    '_http_schemas', '_http_service_schemas', '_http_trigger_schemas', '_http_call_schemas', '_http_campaign_schemas', '_http_report_schemas',
    '_http_call_center_schemas', '_http_public_schemas', '_http_request_json', '_http_assignee', '_http_agent_id', '_http_public_tenant', '_http_address',
    '_http_api_key_json', '_http_description', '_http_agent_as_user', '_http_refuse',
    '_http_row_fields', '_http_collections', '_http_collection', '_http_row_json', '_http_contact_fields', '_http_keys', '_http_whole_numbers',
    '_http_created', '_http_nothing', '_http_page', '_http_limit', '_http_list', '_http_columns', '_http_missing', '_http_insert',
    '_http_update', '_http_delete', '_http_triggered', '_http_campaign_json', '_url_encode']);

-- Section: call centre queue
SELECT switchboard._grant_tables('switchboard_app', 'SELECT', ARRAY['call_queue']);
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'claim_next_call', 'claim_next_request', 'assign_call', '_lists_to_call_back', '_support_rank', 'create_support_request',
    'request_callback', '_step_support_request', 'assign_support_request', 'resolve_support_request', 'close_support_request',
    'reopen_support_request', 'log_call']);
SELECT switchboard._grant_execute('switchboard_gateway', ARRAY['_open_support_request']);

-- Section: wallboard
SELECT switchboard._grant_execute('switchboard_app', ARRAY[
    'wallboard', '_percent', '_wallboard_calls', '_wallboard_queue', '_wallboard_agents', '_wallboard_campaigns', '_wallboard_today',
    '_wallboard_hours', '_wallboard_deliveries', '_wallboard_workers']);
