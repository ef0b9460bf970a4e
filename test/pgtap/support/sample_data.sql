-- Sample rows for every table, for any number of tenants. Used by the tenant matrix and by the dump and restore test, which
-- both fail when a table has no row here. Texts contain what breaks naive quoting.
--
--   SELECT sample.fill('acme');         a tenant with three of everything: an agent's, a colleague's, nobody's
--   SELECT sample.tenant('acme'), sample.user_id('acme', 'agent');

CREATE SCHEMA sample;

CREATE FUNCTION sample.tenant(label text) RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT t.id FROM switchboard.tenants t WHERE t.name = label $$;

CREATE FUNCTION sample.user_id(label text, who text) RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT u.id FROM switchboard.users u WHERE u.tenant_id = sample.tenant(label) AND u.name = who $$;

CREATE FUNCTION sample.fill(label text) RETURNS void LANGUAGE plpgsql
AS $$
DECLARE
    -- Quote, backslash, tab, newline, emoji, right to left, template syntax, COPY's end marker.
    odd constant text := E'O''Hara "x" \\N \t\n\\. é 🎉 שלום {{name}} $1 %s';
    mine uuid;
    owner uuid;
    nth int := 0;
    account uuid; contact uuid; product uuid; campaign uuid; listed uuid; call uuid; coupon uuid; session uuid; message uuid;
BEGIN
    INSERT INTO switchboard.tenants (name, timezone, settings)
    VALUES (label, 'Europe/Berlin', '{"company": "Ünïcode \"GmbH\""}') RETURNING id INTO mine;
    INSERT INTO switchboard.users (tenant_id, name, email, role, endpoint, skills)
    VALUES (mine, 'agent', 'agent@example.test', 'agent', 'sip:agent@example.test', ARRAY['de', 'a,b', 'q"uote', odd]),
           (mine, 'colleague', NULL, 'agent', NULL, '{}'),
           (mine, 'supervisor', 'supervisor@example.test', 'supervisor', NULL, '{}'),
           (mine, 'admin', 'admin@example.test', 'admin', NULL, '{}');

    FOREACH owner IN ARRAY ARRAY[sample.user_id(label, 'agent'), sample.user_id(label, 'colleague'), NULL] LOOP
        nth := nth + 1;
        INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, base_url, settings, rate_per_second, max_in_flight)
        VALUES (mine, 'webhook', 'account ' || nth, 'https://example.test/hook', '{"in_doubt": "repeat"}', 10.5, 20)
        RETURNING id INTO account;
        INSERT INTO switchboard.provider_secrets (tenant_id, account_id, name, value)
        VALUES (mine, account, 'signing_key', 'env:SAMPLE_KEY');
        INSERT INTO switchboard.channel_routes (tenant_id, channel, account_id, priority) VALUES (mine, 'sms', account, nth);
        INSERT INTO switchboard.api_keys (tenant_id, user_id, name, prefix, digest, role, created_by)
        VALUES (mine, owner, odd, 'sbk_sample_' || nth, sha256(convert_to(label || nth, 'UTF8')), 'agent', sample.user_id(label, 'admin'));
        INSERT INTO switchboard.http_idempotency (tenant_id, user_id, key, fingerprint, status, headers, body)
        VALUES (mine, owner, 'key ' || nth, sha256('\x'), 201, '{"content-type": "application/json"}', convert_to(odd, 'UTF8'));

        INSERT INTO switchboard.contacts (tenant_id, phone_number, name, email, company, lead_status, lead_score, notes,
                                          timezone, locale, has_whatsapp, best_call_start, best_call_end, last_active_channel,
                                          metadata)
        VALUES (mine, '+1212555010' || nth, odd, 'Customer' || nth || '@Example.test', odd, 'hot', 90 + nth, odd,
                'America/New_York', 'en-US', true, '09:30', '17:00:00.5', 'sms', jsonb_build_object('odd', odd, 'n', 1e100))
        RETURNING id INTO contact;
        INSERT INTO switchboard.deals (tenant_id, contact_id, user_id, title, value, probability)
        VALUES (mine, contact, owner, odd, 50000.01, 60);
        INSERT INTO switchboard.activities (tenant_id, contact_id, user_id, kind, subject, detail)
        VALUES (mine, contact, owner, 'note', odd, odd);
        INSERT INTO switchboard.products (tenant_id, sku, name, price, stock)
        VALUES (mine, 'sku-' || nth, odd, 999.99, nth) RETURNING id INTO product;
        INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, quantity, amount_paid, purchased_at)
        VALUES (mine, contact, product, 2, 1999.98, '2024-02-29 12:00:00.123456+00');

        INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, script, product_id, discount_percent, settings)
        VALUES (mine, owner, 'campaign ' || nth, 'power', odd, product, 15.5, '{"retry_rules": {"busy": {"delay": 60}}}')
        RETURNING id INTO campaign;
        INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, contact_id, phone_number, first_name, status, attempts,
                                                   next_attempt_at, assigned_to, metadata)
        SELECT mine, campaign, CASE n WHEN 1 THEN contact END, '+12125550' || nth || '0' || n, odd, status,
               n, CASE WHEN n % 2 = 1 THEN '2030-01-01 00:00+00'::timestamptz END, owner, '{"a": [1, null]}'
          FROM unnest(enum_range(NULL::switchboard.campaign_contact_status)) WITH ORDINALITY AS s (status, n);
        SELECT id INTO listed FROM switchboard.campaign_contacts
         WHERE campaign_id = campaign AND contact_id = contact;
        INSERT INTO switchboard.campaign_agents (tenant_id, campaign_id, user_id)
        VALUES (mine, campaign, sample.user_id(label, 'agent'));
        INSERT INTO switchboard.campaign_runs (tenant_id, campaign_id, finished_at, queued, skipped)
        VALUES (mine, campaign, now(), 5, '{"do_not_call": 2}');

        INSERT INTO switchboard.call_logs (tenant_id, user_id, call_id, from_number, to_number, status, duration, notes, lead_id,
                                           campaign_id, campaign_contact_id, provider, account_id, answered_at, ended_at, cost)
        VALUES (mine, owner, 'CA' || nth, '+12125550100', '+12125550199', 'completed', 61, odd, contact,
                campaign, listed, 'twilio', account, now(), now(), 0.0123) RETURNING id INTO call;
        INSERT INTO switchboard.tasks (tenant_id, contact_id, user_id, title, due_date, call_log_id)
        VALUES (mine, contact, owner, odd, '2024-06-15', call);
        INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw)
        VALUES (mine, call, 'ringing', jsonb_build_object('CallStatus', odd));
        INSERT INTO switchboard.call_recordings (tenant_id, call_id, recording_url, provider_recording_id, duration, file_size,
                                                 transcription, sentiment)
        VALUES (mine, call, 'https://example.test/r.wav', 'RE' || nth, 60, 5000000000, odd, 'positive');
        INSERT INTO switchboard.call_dispositions (tenant_id, call_id, user_id, disposition, notes)
        VALUES (mine, call, owner, 'interested', odd);
        INSERT INTO switchboard.voicemail_drops (tenant_id, user_id, name, audio_url, usage_count)
        VALUES (mine, owner, odd, 'https://example.test/v.wav', 7);
        INSERT INTO switchboard.dialer_queues (tenant_id, campaign_id, contact_id, priority, status, call_log_id, reserved_by)
        VALUES (mine, campaign, listed, nth, 'completed', call, owner);
        INSERT INTO switchboard.agent_states (tenant_id, user_id, state, reason, call_log_id, started_at, ended_at)
        VALUES (mine, coalesce(owner, sample.user_id(label, 'supervisor')), 'paused', odd, call, now(), 'infinity');

        INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, product_id, campaign_id)
        VALUES (mine, 'CODE-' || nth, 15, contact, product, campaign) RETURNING id INTO coupon;
        INSERT INTO switchboard.trigger_runs (tenant_id, campaign_id, product_id, trigger_type, finished_at, triggered, skipped)
        VALUES (mine, campaign, product, 'price_drop', now(), nth, '{"coupon-open": 1}');
        INSERT INTO switchboard.call_triggers (tenant_id, campaign_id, contact_id, product_id, trigger_type, coupon_id, package,
                                               call_log_id, original_price, new_price)
        VALUES (mine, campaign, contact, product, 'price_drop', coupon, '{"discount": "15%"}', call, 999.99, 849.99);

        INSERT INTO switchboard.omnichannel_sessions (tenant_id, contact_id, call_id, active_channels, last_agent_id, context)
        VALUES (mine, contact, call, '{voice,sms}', owner, jsonb_build_object('said', odd)) RETURNING id INTO session;
        INSERT INTO switchboard.messages (tenant_id, session_id, contact_id, channel, direction, sender, user_id, body, call_id,
                                          message_type)
        VALUES (mine, session, contact, 'sms', 'outbound', 'agent', owner, odd, call, 'call_summary') RETURNING id INTO message;
        INSERT INTO switchboard.message_delivery_log (tenant_id, message_id, session_id, contact_id, channel, provider, account_id,
                                                      provider_message_id, status, segments)
        VALUES (mine, message, session, contact, 'sms', 'twilio', account, 'SM' || nth, 'delivered', 2);
        INSERT INTO switchboard.templates (tenant_id, name, channel, body) VALUES (mine, 'hello ' || nth, 'sms', odd);

        INSERT INTO switchboard.do_not_call (tenant_id, phone_number, channel, reason, source, added_by)
        VALUES (mine, '+1212555019' || nth, CASE nth WHEN 1 THEN NULL ELSE 'sms'::switchboard.channel END, odd, 'manual', owner);
        INSERT INTO switchboard.consents (tenant_id, contact_id, phone_number, channel, basis, source, document_sha256)
        VALUES (mine, contact, '+12125550101', 'voice', 'express_written', 'web form', repeat('0a', 32));
        -- As a dump brings it back: not noted in the audit log.
        INSERT INTO switchboard.compliance_overrides (tenant_id, region, rule, parameters, reason, set_by, created_at)
        VALUES (mine, (ARRAY['*', 'US', 'US-FL'])[nth], 'frequency_cap', '{"per_day": 2}', odd, owner, '2026-01-01');
        INSERT INTO switchboard.dispatch_decisions (tenant_id, subject_id, campaign_id, phone_number, channel, stage, allowed,
                                                    codes, zones)
        VALUES (mine, call, campaign, '+12125550199', 'voice', 'send', false, '{do_not_call}', '{America/New_York}');
        INSERT INTO switchboard.support_requests (tenant_id, user_email, contact_id, subject, description, assigned_to, call_log_id)
        VALUES (mine, 'customer@example.test', contact, odd, odd, owner, call);
        INSERT INTO switchboard.address_keys (tenant_id, key, made_at) VALUES (mine, decode(repeat('0a', 32), 'hex'), now())
        ON CONFLICT DO NOTHING;
        INSERT INTO switchboard.webhook_inbox (tenant_id, account_id, provider, event, external_id, dedupe_key, body, signature_ok,
                                               processed_at)
        VALUES (mine, account, 'twilio', 'status', 'CA' || nth, 'CA' || nth || ':completed', '\x00ff0a5c'::bytea, true, now());
        INSERT INTO switchboard.events (tenant_id, event, subject_id, user_id, data)
        VALUES (mine, 'call-status-updated', call, owner, jsonb_build_object('odd', odd));
        INSERT INTO switchboard.audit_log (tenant_id, actor, action, subject, detail)
        VALUES (mine, coalesce(owner::text, 'postgres'), 'sample', call::text, '{}');

        INSERT INTO switchboard.jobs (tenant_id, kind, account_id, payload, state, run_at)
        SELECT mine, 'webhook', account, jsonb_build_object('body', odd), state, 'infinity'
          FROM unnest('{ready,running,in_doubt}'::switchboard.job_state[]) AS state;
        -- Slots are the leaves of the ring of finished jobs.
        INSERT INTO switchboard.jobs (tenant_id, kind, account_id, payload, state, slot, finished_at)
        SELECT mine, 'webhook', account, jsonb_build_object('body', odd),
               (CASE slot % 2 WHEN nth % 2 THEN 'done' ELSE 'dead' END)::switchboard.job_state, slot, now()
          FROM generate_series(0, 7) AS slot;
    END LOOP;
    INSERT INTO switchboard.feed_floors (tenant_id, seq) VALUES (mine, 0);
    -- Some figures of calls are in cells, some are not yet. The function for it leaves rows of this transaction alone.
    EXECUTE switchboard._merge_call_rollups(format(
        'DELETE FROM switchboard.call_rollup_deltas WHERE tenant_id = %L AND user_id = %L RETURNING *',
        mine, sample.user_id(label, 'agent')));
    PERFORM switchboard._refresh_call_times(mine, now());
END
$$;

-- Rows that belong to no tenant but to the installation.
CREATE FUNCTION sample.fill_installation() RETURNS void LANGUAGE sql
AS $$
    INSERT INTO switchboard.compliance_rules (region, channel, rule, parameters, source, builtin)
    VALUES ('US-TX', 'voice', 'frequency_cap', '{"per_day": 3}', 'sample', false),
           ('US-TX', 'voice', 'abandon_lockout', '{"hours": 30}', 'sample', true);
$$;

-- Tables and views that hold nothing of a tenant, each with the reason.
CREATE VIEW sample.tables_without_tenant AS
SELECT * FROM (VALUES
    ('compliance_rules', 'the law is the same for everybody'),
    ('providers', 'shipped with the extension'),
    ('worker_registry', 'belongs to the installation, closed to the application'),
    ('worker_status', 'a view of worker_registry')
) AS list (table_name, reason);

-- Every table that can hold rows: ordinary ones and leaves of partitioned ones.
CREATE VIEW sample.tables AS
SELECT c.oid::regclass AS subject, c.relname::text AS table_name,
       EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant
  FROM pg_class c
 WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind = 'r';

-- A digest of all rows of a table, whatever their order; optionally of one tenant only.
CREATE FUNCTION sample.digest(subject regclass, of_tenant uuid DEFAULT NULL) RETURNS text LANGUAGE plpgsql
AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT count(*) || '':'' || md5(coalesce(string_agg(md5(r::text), '''' ORDER BY md5(r::text)), ''''))
                      FROM %s r %s', subject,
                   CASE WHEN of_tenant IS NOT NULL THEN format('WHERE tenant_id = %L', of_tenant) END) INTO result;
    RETURN result;
END
$$;

-- What the sample forgot.
CREATE FUNCTION sample.empty_tables() RETURNS SETOF text LANGUAGE plpgsql
AS $$
DECLARE
    found record;
    filled boolean;
BEGIN
    FOR found IN SELECT * FROM sample.tables t WHERE t.table_name NOT IN ('worker_registry') ORDER BY t.table_name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', found.subject) INTO filled;
        IF NOT filled THEN
            RETURN NEXT found.table_name;
        END IF;
    END LOOP;
END
$$;
