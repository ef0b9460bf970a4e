-- The shape of the data model: what the public contract names is there, with the types and labels that it names, and the
-- rules that hold for every table hold for every table.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

-- Tables and columns of the contract.
CREATE TEMP TABLE contract_tables (table_name text, columns text) ON COMMIT DROP;
INSERT INTO contract_tables VALUES
    ('tenants', 'id name default_region timezone currency settings'),
    ('users', 'id tenant_id name email role login_role endpoint skills'),
    ('contacts', 'phone_number name first_name last_name email company position lead_status lead_score source notes timezone
        locale has_whatsapp allows_sms whatsapp_jid last_active_channel best_call_start best_call_end last_contact_at
        next_follow_up_at metadata'),
    ('deals', 'contact_id title value currency stage probability'),
    ('tasks', 'contact_id user_id title description due_date priority status'),
    ('activities', 'contact_id kind subject detail occurred_at'),
    ('products', 'sku name category price stock currency'),
    ('purchases', 'contact_id product_id quantity amount_paid purchased_at'),
    ('dialer_campaigns', 'user_id name description type status caller_id script max_attempts retry_interval active_hours timezone
        stats product_id discount_percent max_abandon_rate dial_level settings'),
    ('campaign_contacts', 'campaign_id contact_id phone_number first_name last_name email company status attempts last_attempt_at
        next_attempt_at last_call_id metadata'),
    ('dialer_queues', 'campaign_id contact_id priority scheduled_at status'),
    ('campaign_runs', 'campaign_id started_at finished_at queued skipped source'),
    ('call_logs', 'user_id call_id direction from_number to_number status duration recording_url notes lead_id campaign_id provider
        metadata started_at answered_at ended_at abandoned'),
    ('call_events', 'call_log_id status raw occurred_at received_at'),
    ('call_recordings', 'call_id recording_url duration file_size transcription sentiment'),
    ('call_dispositions', 'call_id user_id disposition notes follow_up_date'),
    ('voicemail_drops', 'user_id name audio_url duration usage_count'),
    ('call_triggers', 'campaign_id contact_id product_id trigger_type priority coupon_id package call_log_id status'),
    ('coupons', 'code discount_percent contact_id product_id campaign_id valid_until redeemed_at'),
    ('support_requests', 'user_email contact_id phone_number subject description priority status assigned_to call_log_id'),
    ('omnichannel_sessions', 'contact_id call_id primary_channel active_channels last_agent_id last_intent context
        summary_sent_whatsapp summary_sent_sms status started_at expires_at'),
    ('messages', 'session_id contact_id channel direction sender body media message_type'),
    ('message_delivery_log', 'message_id session_id contact_id channel provider provider_message_id status error_code error segments
        attempts sent_at delivered_at read_at'),
    ('do_not_call', 'phone_number channel reason source expires_at'),
    ('consents', 'contact_id channel basis source granted_at revoked_at'),
    ('templates', 'name channel locale body'),
    ('provider_accounts', 'provider name base_url settings rate_per_second max_in_flight enabled'),
    ('channel_routes', 'channel account_id priority'),
    ('jobs', 'kind account_id subject_id payload priority run_at state attempt max_attempts locked_until locked_by last_error
        idempotency_key finished_at'),
    ('webhook_inbox', 'provider event external_id headers body signature_ok received_at processed_at error'),
    ('events', 'seq event subject_id data created_at'),
    ('audit_log', 'actor action subject detail at');

SELECT has_column('switchboard', t.table_name, c, t.table_name || '.' || c)
  FROM contract_tables t, regexp_split_to_table(t.columns, '\s+') c;

-- Labels of the contract, by the columns that have them.
SELECT is((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
             FROM pg_attribute a JOIN pg_enum e ON e.enumtypid = a.atttypid
            WHERE a.attrelid = format('switchboard.%I', x.table_name)::regclass AND a.attname = x.column_name),
          string_to_array(x.labels, '|'), format('labels of %s.%s', x.table_name, x.column_name))
  FROM (VALUES
    ('users', 'role', 'agent|supervisor|admin'),
    ('contacts', 'lead_status', 'new|qualified|hot|customer'),
    ('contacts', 'last_active_channel', 'voice|whatsapp|sms'),
    ('tasks', 'priority', 'low|medium|high'),
    ('tasks', 'status', 'pending|in_progress|completed|canceled'),
    ('dialer_campaigns', 'type', 'manual|power|predictive|preview'),
    ('dialer_campaigns', 'status', 'draft|active|paused|completed|archived'),
    ('campaign_contacts', 'status', 'pending|calling|completed|failed|do-not-call|callback'),
    ('dialer_queues', 'status', 'queued|calling|completed|failed|skipped'),
    ('call_logs', 'direction', 'inbound|outbound'),
    ('call_logs', 'status', 'initiated|ringing|answered|completed|failed|busy|no-answer|canceled'),
    ('call_recordings', 'sentiment', 'positive|neutral|negative'),
    ('call_dispositions', 'disposition',
     'interested|not-interested|callback|wrong-number|no-answer|voicemail|do-not-call|qualified|not-qualified'),
    ('call_triggers', 'trigger_type', 'price_drop|stock_alert|promotion'),
    ('support_requests', 'status', 'pending|assigned|resolved|closed'),
    ('omnichannel_sessions', 'primary_channel', 'voice|whatsapp|sms'),
    ('omnichannel_sessions', 'status', 'active|closed|follow_up'),
    ('messages', 'sender', 'customer|assistant|agent|system'),
    ('message_delivery_log', 'status', 'queued|sent|delivered|read|failed'),
    ('jobs', 'state', 'ready|running|in_doubt|done|dead')
  ) AS x (table_name, column_name, labels);
SELECT enum_has_labels('switchboard', 'agent_state', ARRAY['offline', 'available', 'busy', 'wrap_up', 'paused']);

-- Types that the contract names or implies.
SELECT col_type_is('switchboard', x.t, x.c, x.type, format('%s.%s is %s', x.t, x.c, x.type))
  FROM (VALUES
    ('deals', 'value', 'numeric(12,2)'), ('products', 'price', 'numeric(12,2)'), ('purchases', 'amount_paid', 'numeric(12,2)'),
    ('users', 'login_role', 'name'), ('users', 'skills', 'text[]'), ('contacts', 'best_call_start', 'time without time zone'),
    ('dialer_campaigns', 'active_hours', 'jsonb'), ('dialer_campaigns', 'stats', 'jsonb'), ('dialer_campaigns', 'settings', 'jsonb'),
    ('call_triggers', 'package', 'jsonb'), ('omnichannel_sessions', 'context', 'jsonb'), ('webhook_inbox', 'body', 'bytea'),
    ('events', 'seq', 'bigint'), ('campaign_runs', 'skipped', 'jsonb'), ('jobs', 'payload', 'jsonb')) AS x (t, c, type);
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT a.attisdropped
       AND (a.attname ~ '_(at|until)$' OR a.attname = 'at') AND a.atttypid <> 'timestamptz'::regtype $$,
    'every instant is a timestamptz');

-- Defaults.
SELECT col_default_is('switchboard', x.t, x.c, x.value, format('%s.%s defaults to %s', x.t, x.c, x.value))
  FROM (VALUES ('tenants', 'default_region', 'US'), ('tenants', 'timezone', 'UTC'), ('tenants', 'currency', 'USD'),
               ('campaigns', 'max_attempts', '3'), ('campaigns', 'retry_interval', '3600'), ('campaigns', 'max_abandon_rate', '0.03'),
               ('campaigns', 'active_hours', '{"start":"09:00","end":"17:00"}'), ('contacts', 'lead_status', 'new'),
               ('call_logs', 'status', 'initiated'), ('campaign_contacts', 'status', 'pending')) AS x (t, c, value);

-- Keys.
CREATE TEMP VIEW key_columns AS
SELECT i.indrelid::regclass AS subject, i.indexrelid::regclass AS index, i.indisprimary, i.indpred IS NOT NULL AS partial,
       (SELECT array_agg(a.attname::text ORDER BY k.n)
          FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS columns
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'switchboard'::regnamespace AND i.indisunique;
SELECT ok(EXISTS (SELECT FROM key_columns k WHERE k.subject = format('switchboard.%I', x.t)::regclass AND k.columns = x.c AND NOT k.partial),
          format('%s has a unique key on %s', x.t, x.c))
  FROM (VALUES ('users', ARRAY['login_role']), ('contacts', ARRAY['tenant_id', 'phone_number']),
               ('campaign_contacts', ARRAY['campaign_id', 'phone_number']), ('coupons', ARRAY['tenant_id', 'code']),
               ('templates', ARRAY['tenant_id', 'name', 'channel', 'locale'])) AS x (t, c);
SELECT is_empty($$
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind = 'r'
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) $$, 'every table has a primary key');
SELECT set_eq($$
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                        WHERE a.attrelid = c.oid AND a.attname = 'id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull
                          AND pg_get_expr(d.adbin, d.adrelid) = 'switchboard.uuid_v7()')
       AND c.relname NOT IN ('campaign_stat_deltas', 'call_rollups', 'call_rollup_deltas', 'call_time_cells', 'worker_registry', 'providers', 'provider_secrets', 'address_keys', 'feed_floors') $$,
    ARRAY['events'], 'keys are uuid_v7(); events has seq');

-- Every row belongs to a tenant, which is the caller's by default.
SELECT is_empty($$
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p')
       AND c.relname NOT IN ('tenants', 'compliance_rules', 'providers', 'worker_registry')
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull) $$,
    'every table has tenant_id uuid NOT NULL');
SELECT is_empty($$
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p')
       AND has_any_column_privilege('switchboard_app', c.oid, 'INSERT')
       AND NOT EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum
                          AND pg_get_expr(d.adbin, d.adrelid) = 'switchboard.current_tenant_id()') $$,
    'where the application inserts it defaults to the caller''s tenant');

-- References stay within the tenant, and deleting what they refer to reads no whole table.
SELECT is_empty($$
    SELECT f.conrelid::regclass, f.conname FROM pg_constraint f
     WHERE f.connamespace = 'switchboard'::regnamespace AND f.contype = 'f'
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.confrelid AND a.attname = 'tenant_id')
       AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) k (here, there)
                         JOIN pg_attribute h ON h.attrelid = f.conrelid AND h.attnum = k.here AND h.attname = 'tenant_id'
                         JOIN pg_attribute t ON t.attrelid = f.confrelid AND t.attnum = k.there AND t.attname = 'tenant_id') $$,
    'every reference carries the tenant');
SELECT is_empty($$
    SELECT f.conrelid::regclass, f.conname FROM pg_constraint f
     WHERE f.connamespace = 'switchboard'::regnamespace AND f.contype = 'f'
       AND f.confrelid <> ALL (ARRAY['switchboard.tenants', 'switchboard.providers']::regclass[])
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.conrelid
                          AND ((i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
                               -- The other column alone finds the rows as well as with the tenant before it.
                               OR i.indkey[0] = ANY (f.conkey) AND i.indkey[0] <> (
                                    SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attname = 'tenant_id'))) $$,
    'every reference has an index');
SELECT is_empty($$
    SELECT k.index FROM key_columns k
     WHERE has_any_column_privilege('switchboard_app', k.subject, 'INSERT, UPDATE') AND NOT k.indisprimary
       AND NOT 'tenant_id' = ANY (k.columns)
       AND k.index::text NOT IN ('switchboard.users_login_role_key', 'switchboard.campaign_contacts_campaign_id_phone_number_key') $$,
    'every unique key carries the tenant, but for the two that are guarded otherwise');

-- Checks: what is refused, and as what.
\o /dev/null
INSERT INTO switchboard.tenants (id, name) VALUES ('00000000-0000-0000-0000-00000000000a', 'a');
INSERT INTO switchboard.contacts (id, tenant_id, phone_number)
VALUES ('00000000-0000-0000-0000-0000000000c1', '00000000-0000-0000-0000-00000000000a', '+12125550100');
INSERT INTO switchboard.campaigns (id, tenant_id, name)
VALUES ('00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-00000000000a', 'c');
\o
SELECT throws_ok(format('INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (%L, %L)',
                        '00000000-0000-0000-0000-00000000000a', number), '23514', NULL, format('phone number "%s" is refused', number))
  FROM unnest(ARRAY['', '12125550100', '+0212555010', '+1', '+1 212 555 0100', '+1234567890123456', E'+12125550100\n', '+1212555O100',
                    'tel:+12125550100']) AS number;
SELECT throws_ok('UPDATE switchboard.' || change, code, NULL, change || ' is refused')
  FROM (VALUES
    ('contacts SET lead_score = 101', '23514'), ('contacts SET lead_score = -1', '23514'),
    ('contacts SET lead_status = ''cold''', '22P02'), ('contacts SET metadata = ''[]''', '23514'),
    ('campaigns SET discount_percent = 100.01', '23514'), ('campaigns SET discount_percent = -0.01', '23514'),
    ('campaigns SET max_abandon_rate = 1.01', '23514'), ('campaigns SET max_attempts = 0', '23514'),
    ('campaigns SET retry_interval = -1', '23514'), ('campaigns SET active_hours = ''[]''', '22023'),
    ('campaigns SET name = ''''', '23514'), ('campaigns SET tenant_id = NULL', '23502'),
    ('tenants SET default_region = ''us''', '23514'), ('tenants SET currency = ''DOLLAR''', '23514'))
    AS x (change, code);
SELECT throws_ok($$INSERT INTO switchboard.contacts (tenant_id, phone_number)
                   VALUES ('00000000-0000-0000-0000-00000000000a', '+12125550100')$$, '23505', NULL, 'one contact per number');
SELECT throws_ok($$INSERT INTO switchboard.dialer_campaigns (tenant_id, name, stats)
                   VALUES ('00000000-0000-0000-0000-00000000000a', 'x', '{}')$$, '0A000', NULL, 'stats cannot be written');
SELECT lives_ok($$
    INSERT INTO switchboard.omnichannel_sessions (tenant_id, contact_id, status)
    VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000c1', 'closed'),
           ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000c1', 'follow_up')$$, 'closed sessions and an open one');
SELECT throws_ok($$
    INSERT INTO switchboard.omnichannel_sessions (tenant_id, contact_id)
    VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000c1')$$, '23505', NULL, 'but not two open ones');

-- The campaign view takes what a table takes.
SELECT results_eq($$INSERT INTO switchboard.dialer_campaigns (tenant_id, name) VALUES ('00000000-0000-0000-0000-00000000000a', 'v')
                    RETURNING type::text, status::text, max_attempts, stats$$,
    $$VALUES ('manual', 'draft', 3, '{"total": 0, "completed": 0, "pending": 0, "failed": 0, "calling": 0, "callback": 0,
              "do_not_call": 0, "exhausted": 0}'::jsonb)$$, 'a campaign can be inserted through the view and has all statistics');
SELECT results_eq($$UPDATE switchboard.dialer_campaigns SET description = 'd' WHERE name = 'v' RETURNING description$$,
                  $$VALUES ('d')$$, 'and updated');
SELECT results_eq($$DELETE FROM switchboard.dialer_campaigns WHERE name = 'v' RETURNING name$$, $$VALUES ('v')$$, 'and deleted');

-- Deleting: what goes along, what stays.
\o /dev/null
INSERT INTO switchboard.campaign_contacts (id, tenant_id, campaign_id, contact_id, phone_number)
VALUES ('00000000-0000-0000-0000-0000000000e1', '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000d1',
        '00000000-0000-0000-0000-0000000000c1', '+12125550100');
INSERT INTO switchboard.dialer_queues (tenant_id, campaign_id, contact_id)
VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-0000000000e1');
INSERT INTO switchboard.call_logs (tenant_id, campaign_id, lead_id, campaign_contact_id)
VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-0000000000c1',
        '00000000-0000-0000-0000-0000000000e1');
INSERT INTO switchboard.consents (tenant_id, contact_id, phone_number, channel, basis)
VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000c1', '+12125550100', 'sms', 'express');
DELETE FROM switchboard.contacts;
\o
SELECT results_eq('SELECT campaign_id IS NOT NULL, lead_id IS NULL, tenant_id IS NOT NULL FROM switchboard.call_logs',
                  'VALUES (true, true, true)', 'calls outlive the contact');
SELECT results_eq('SELECT contact_id IS NULL, phone_number FROM switchboard.consents', $$VALUES (true, '+12125550100')$$,
                  'evidence of consent outlives the contact');
\o /dev/null
DELETE FROM switchboard.dialer_campaigns;
\o
SELECT is((SELECT count(*) FROM switchboard.campaign_contacts) + (SELECT count(*) FROM switchboard.dialer_queues), 0::bigint,
          'a campaign takes its list and queue along');
SELECT results_eq('SELECT campaign_id IS NULL, campaign_contact_id IS NULL FROM switchboard.call_logs', 'VALUES (true, false)',
                  'but not its calls, which know what they were for');
\o /dev/null
DELETE FROM switchboard.tenants;
\o
SELECT is((SELECT count(*) FROM switchboard.call_logs) + (SELECT count(*) FROM switchboard.consents), 0::bigint,
          'a tenant takes everything along');

-- updated_at.
SELECT is_empty($$
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid
                          AND t.tgfoid = 'switchboard.update_updated_at_column()'::regprocedure) $$,
    'every updated_at is kept by trigger');

-- Comments.
CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE e.extname = 'pg_switchboard' AND d.deptype = 'e';
SELECT is_empty($$
    SELECT m.object FROM members m
      LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
      LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
     WHERE (t.oid IS NULL OR (t.typtype IN ('e', 'd') OR t.typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')) AND t.typelem = 0)
       AND c.relkind IS DISTINCT FROM 'S'
       -- An identity's sequence and the row type of a composite type are described with what they belong to.
       AND NOT (c.relkind = 'c') IS TRUE
       AND obj_description(m.objid, m.classid::regclass::text::name) IS NULL $$, 'every object has a comment');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND col_description(c.oid, a.attnum) IS NULL $$,
    'every column has a comment');
SELECT is_empty($$
    SELECT p.polrelid::regclass, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
     WHERE c.relnamespace = 'switchboard'::regnamespace AND obj_description(p.oid, 'pg_policy') IS NULL $$, 'every policy has a comment');
SELECT is_empty($$
    SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'switchboard'::regnamespace AND NOT t.tgisinternal AND t.tgparentid = 0
       AND obj_description(t.oid, 'pg_trigger') IS NULL $$, 'every trigger has a comment');
SELECT is_empty($$
    SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = 'switchboard'::regnamespace AND obj_description(i.indexrelid, 'pg_class') IS NULL
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
       AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) $$, 'every index that is no key has a comment');

-- PUBLIC has nothing, the application never TRUNCATEs, and nobody of ours owns anything.
SELECT is_empty($$
    SELECT m.object, acl.privilege_type
      FROM members m
      LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
      LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
      LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid AND t.typtype = 'e'
     CROSS JOIN LATERAL aclexplode(CASE
            WHEN c.oid IS NOT NULL THEN c.relacl
            WHEN p.oid IS NOT NULL THEN coalesce(p.proacl, acldefault('f', p.proowner))
            WHEN t.oid IS NOT NULL THEN coalesce(t.typacl, acldefault('T', t.typowner)) END) acl
     WHERE acl.grantee = 0 $$, 'nothing is granted to PUBLIC');
SELECT is_empty($$SELECT FROM aclexplode((SELECT nspacl FROM pg_namespace WHERE nspname = 'switchboard')) a WHERE a.grantee = 0$$,
                'PUBLIC does not even use the schema');
SELECT is_empty($$
    SELECT c.relname, r, acl FROM pg_class c, unnest('{switchboard_app,switchboard_gateway,switchboard_worker,switchboard_monitor}'::name[]) r,
           unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) acl
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(r, c.oid, acl) $$,
    'no role of ours may TRUNCATE, refer to or put triggers on tables');
SELECT is_empty($$
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
       AND has_table_privilege('switchboard_worker', c.oid, 'SELECT, INSERT, UPDATE, DELETE') $$,
    'the worker reaches no table, only functions');
SELECT is_empty($$
    SELECT rolname FROM pg_roles WHERE rolname ~ '^switchboard_(app|gateway|worker|monitor)$'
       AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication) $$, 'the roles have no powers of their own');

-- What is optional in the contract is optional in a plain INSERT.
INSERT INTO switchboard.tenants (id, name) VALUES ('00000000-0000-0000-0000-00000000000f', 'f');
SELECT lives_ok($$INSERT INTO switchboard.webhook_inbox (tenant_id, provider, event, headers, body, signature_ok)
    SELECT '00000000-0000-0000-0000-00000000000f', 'twilio', 'status', '{}', '', true FROM generate_series(1, 2)$$,
    'webhooks noted by hand are events of their own');

SELECT * FROM finish();
ROLLBACK;
