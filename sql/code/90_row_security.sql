-- Row level security of every table, generated from one list: table, class of policy, and the column that ties the row to
-- its owner. A test fails for a table that is missing here.
--
--   tenant      rows of the caller's tenant
--   owned       and of these: the caller's own, unassigned ones, and for supervisors all
--   shared      rows of the tenant; changed by whom they are assigned to, unassigned ones by everybody, all by supervisors
--   call        rows about a call that the caller sees
--   figures     sums of calls: for agents those of their own calls and of nobody's, for supervisors all of the tenant
--   list        rows of the tenant; written only for campaigns that the caller sees, so that the unique key of a list
--               does not tell whether a number is on somebody else's list
--   kept        rows of the tenant, which everybody adds and only supervisors change or take away, or who acts for the whole tenant
--   supervisor  rows of the tenant, for supervisors only
--   managed     rows of the tenant, changed by supervisors only
--   tenants     the caller's tenant itself, changed by supervisors
--   users       colleagues; changed by supervisors, admins among them only by admins
--   reference   the same for everybody, nothing of a customer
--   closed      no policy: only functions of the extension get at the rows
--
-- Each function is called in a scalar subquery, which the planner turns into an InitPlan: once per statement, not per row.
-- The owner of the extension, a superuser, and its SECURITY DEFINER functions are not bound by policies.
DO $policies$
DECLARE
    this_tenant constant text := 'tenant_id = (SELECT switchboard.current_tenant_id())';
    supervisor constant text := '(SELECT switchboard.is_supervisor())';
    not_above constant text := '(role <> ''admin'' OR (SELECT switchboard._is_admin()))';
    entry record;
    seen text;
    written text;
BEGIN
    FOR entry IN
        SELECT * FROM (VALUES
            ('tenants', 'tenants', NULL),
            ('users', 'users', NULL),
            ('contacts', 'tenant', NULL),
            ('deals', 'owned', 'user_id'),
            ('tasks', 'owned', 'user_id'),
            ('activities', 'tenant', NULL),
            ('products', 'tenant', NULL),
            ('purchases', 'tenant', NULL),
            ('campaigns', 'owned', 'user_id'),
            ('campaign_contacts', 'list', 'campaign_id'),
            ('campaign_stat_deltas', 'tenant', NULL),
            ('campaign_agents', 'managed', NULL),
            ('campaign_runs', 'tenant', NULL),
            ('dialer_queues', 'tenant', NULL),
            ('call_logs', 'owned', 'user_id'),
            ('call_rollup_deltas', 'owned', 'user_id'),
            ('call_rollups', 'figures', 'audience'),
            ('call_events', 'call', 'call_log_id'),
            ('call_recordings', 'call', 'call_id'),
            ('call_dispositions', 'owned', 'user_id'),
            ('voicemail_drops', 'owned', 'user_id'),
            ('agent_states', 'owned', 'user_id'),
            ('trigger_runs', 'tenant', NULL),
            ('call_triggers', 'tenant', NULL),
            ('coupons', 'tenant', NULL),
            ('call_time_cells', 'tenant', NULL),
            ('omnichannel_sessions', 'tenant', NULL),
            ('messages', 'tenant', NULL),
            ('message_delivery_log', 'tenant', NULL),
            ('templates', 'tenant', NULL),
            ('do_not_call', 'kept', NULL),
            ('consents', 'tenant', NULL),
            ('compliance_rules', 'reference', NULL),
            ('compliance_overrides', 'supervisor', NULL),
            ('dispatch_decisions', 'tenant', NULL),
            ('support_requests', 'shared', 'assigned_to'),
            ('address_keys', 'closed', NULL),
            ('webhook_inbox', 'supervisor', NULL),
            ('events', 'owned', 'user_id'),
            ('feed_floors', 'tenant', NULL),
            ('audit_log', 'supervisor', NULL),
            ('jobs', 'tenant', NULL),
            ('providers', 'reference', NULL),
            ('provider_accounts', 'managed', NULL),
            ('provider_secrets', 'closed', NULL),
            ('channel_routes', 'managed', NULL),
            ('api_keys', 'supervisor', NULL),
            ('http_idempotency', 'closed', NULL),
            ('worker_registry', 'closed', NULL)
        ) AS list (table_name, class, tie)
    LOOP
        EXECUTE format('ALTER TABLE switchboard.%I ENABLE ROW LEVEL SECURITY', entry.table_name);
        EXECUTE format('DROP POLICY IF EXISTS visible ON switchboard.%I', entry.table_name);
        EXECUTE format('DROP POLICY IF EXISTS writable ON switchboard.%I', entry.table_name);
        EXECUTE format('DROP POLICY IF EXISTS addable ON switchboard.%I', entry.table_name);
        CONTINUE WHEN entry.class = 'closed';

        seen := CASE entry.class
            WHEN 'tenants' THEN 'id = (SELECT switchboard.current_tenant_id())'
            WHEN 'owned' THEN format(
                '%s AND (%2$I IS NULL OR %2$I = (SELECT switchboard.current_user_id()) OR %3$s)',
                this_tenant, entry.tie, supervisor)
            WHEN 'figures' THEN format(
                '%s AND (%2$I IN ((SELECT switchboard.current_user_id()), ''ffffffff-ffff-ffff-ffff-ffffffffffff'') OR %3$s)',
                this_tenant, entry.tie, supervisor)
            WHEN 'call' THEN format(
                '%s AND (%s OR EXISTS (SELECT FROM switchboard.call_logs seen_call WHERE seen_call.id = %I.%I))',
                this_tenant, supervisor, entry.table_name, entry.tie)
            WHEN 'supervisor' THEN format('%s AND %s', this_tenant, supervisor)
            WHEN 'reference' THEN 'true'
            ELSE this_tenant
        END;
        -- Differs from seen only where something is visible that may not be changed.
        written := CASE entry.class
            WHEN 'tenants' THEN format('%s AND %s', seen, supervisor)
            WHEN 'managed' THEN format('%s AND %s', seen, supervisor)
            WHEN 'kept' THEN format('%s AND (%s OR (SELECT switchboard.current_user_id()) IS NULL)', seen, supervisor)
            WHEN 'users' THEN format('%s AND %s AND %s', seen, supervisor, not_above)
            WHEN 'reference' THEN 'false'
            WHEN 'shared' THEN format(
                '%s AND (%2$I IS NULL OR %2$I = (SELECT switchboard.current_user_id()) OR %3$s)', seen, entry.tie, supervisor)
            ELSE seen
        END;
        -- Policies are permissive, that is joined by OR; a second one is only made where it says something else.
        EXECUTE format('CREATE POLICY writable ON switchboard.%I USING (%s) WITH CHECK (%s)', entry.table_name, written,
            CASE entry.class
                WHEN 'list' THEN format(
                    '%s AND EXISTS (SELECT FROM switchboard.campaigns seen_campaign WHERE seen_campaign.id = %I.%I)',
                    written, entry.table_name, entry.tie)
                ELSE written
            END);
        EXECUTE format('COMMENT ON POLICY writable ON switchboard.%I IS %L', entry.table_name,
                       format('Who sees and writes rows: class %s.', entry.class));
        IF entry.class = 'kept' THEN
            EXECUTE format('CREATE POLICY addable ON switchboard.%I FOR INSERT WITH CHECK (%s)', entry.table_name, seen);
            EXECUTE format('COMMENT ON POLICY addable ON switchboard.%I IS %L', entry.table_name,
                           format('Who adds rows that they may not change: class %s.', entry.class));
        END IF;
        IF seen <> written THEN
            EXECUTE format('CREATE POLICY visible ON switchboard.%I FOR SELECT USING (%s)', entry.table_name, seen);
            EXECUTE format('COMMENT ON POLICY visible ON switchboard.%I IS %L', entry.table_name,
                           format('Who sees rows that they may not write: class %s.', entry.class));
        END IF;
    END LOOP;
END
$policies$;

-- Partitions are tables of their own. Nobody is granted anything on them; should somebody be one day, they are closed.
DO $partitions$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN
        SELECT c.oid FROM pg_class c
         WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p')
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', leaf);
    END LOOP;
END
$partitions$;
