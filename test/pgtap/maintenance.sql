-- Maintenance: what is removed when, what is closed, who may.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('short') AS short \gset
SELECT test_dialer.new_tenant('long') AS long \gset
SELECT is((SELECT count(*) FROM switchboard._retention_rules() r WHERE r.days < r.least_days), 0::bigint, 'no default is unlawful');

-- Settings.
SELECT throws_ok(format('UPDATE switchboard.tenants SET settings = ''{"retention": %s}''', v), '22023', m, 'refused: ' || v)
FROM (VALUES ('5', 'retention must be an object of days, not 5'), ('[]', 'retention must be an object of days, not []'),
             ('{"contacts": 5}', 'unknown retention "contacts"'),
             ('{"events": 0}', 'retention of events must be 1 to 36500 days, or null for ever, not 0'),
             ('{"events": 36501}', NULL), ('{"events": "5"}', NULL), ('{"events": 1.5}', NULL), ('{"events": -1}', NULL),
             ('{"decisions": 1826}', 'retention of decisions must be 1827 to 36500 days, or null for ever, not 1826'),
             ('{"audit": 30}', NULL), ('{"calls": 365}', NULL), ('{"call_events": 0}', NULL)) v (v, m);
SELECT lives_ok('UPDATE switchboard.tenants SET settings = ''{"retention": null}''', 'null means the defaults');
UPDATE switchboard.tenants SET settings = '{"retention": {"events": 2, "webhooks": 7, "queue": 1, "runs": 1, "agent_states": 30, "sessions": 1, "audit": 1827, "calls": 1827}}'
  WHERE id = :'short';
UPDATE switchboard.tenants SET settings = '{"retention": {"events": null, "decisions": null, "webhooks": null}}' WHERE id = :'long';
SELECT is(switchboard._keep_days('{}', 'events'), 30, 'default');
SELECT is(switchboard._keep_days('{"retention": {"events": null}}', 'events'), NULL, 'for ever');
SELECT is(switchboard._keep_days('{"retention": {"events": 3}}', 'events'), 3, 'as set');
SELECT is(switchboard._keep_days('{}', 'audit'), NULL, 'what nobody has set is kept for ever');

SELECT ok(switchboard._first_id_at(clock_timestamp()) <= switchboard.uuid_v7(), 'ids made from now on are not before the first one');
SELECT ok(switchboard._first_id_at(clock_timestamp() + interval '2 ms') > switchboard.uuid_v7(), 'those made before are');

-- Rows of every kind, three of each tenant: of ten years ago, of forty days ago, of now; ids as of then.
CREATE FUNCTION pg_temp.old_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT (left(switchboard._first_id_at(at)::text, 15) || right(gen_random_uuid()::text, 21))::uuid $$;
CREATE TEMP TABLE moments AS SELECT t.id AS tenant, a.at, a.name FROM switchboard.tenants t,
  (VALUES (now() - interval '10 years', 'ancient'), (now() - interval '40 days', 'old'), (now(), 'new')) a (at, name);
INSERT INTO switchboard.users (tenant_id, name) SELECT id, 'Ann' FROM switchboard.tenants;
SELECT test_dialer.new_campaign(t.id) FROM switchboard.tenants t;
ALTER TABLE switchboard.call_logs DISABLE TRIGGER USER;
INSERT INTO switchboard.contacts (tenant_id, phone_number) SELECT tenant, '+1202555010' || row_number() OVER () FROM moments;
INSERT INTO switchboard.call_logs (id, tenant_id, user_id, to_number, status, started_at, ended_at, created_at)
  SELECT pg_temp.old_id(at), tenant, NULL, '+12025550100', 'completed', at, at, at FROM moments;
INSERT INTO switchboard.call_events (id, tenant_id, call_log_id, received_at)
  SELECT pg_temp.old_id(m.at), m.tenant, (SELECT c.id FROM switchboard.call_logs c WHERE c.tenant_id = m.tenant ORDER BY c.id DESC LIMIT 1), m.at FROM moments m;
DELETE FROM switchboard.events;
INSERT INTO switchboard.events (tenant_id, event, created_at) SELECT tenant, 'test', at FROM moments;
INSERT INTO switchboard.webhook_inbox (id, tenant_id, provider, event, signature_ok, received_at, processed_at)
  SELECT pg_temp.old_id(at), tenant, 'twilio', name, true, at, at FROM moments;
INSERT INTO switchboard.http_idempotency (id, tenant_id, key, fingerprint, status, headers, body, created_at)
  SELECT pg_temp.old_id(at), tenant, name, '', 200, '{}', '', at FROM moments;
INSERT INTO switchboard.campaign_runs (id, tenant_id, campaign_id, started_at)
  SELECT pg_temp.old_id(at), tenant, (SELECT id FROM switchboard.campaigns c WHERE c.tenant_id = tenant LIMIT 1), at FROM moments;
INSERT INTO switchboard.dispatch_decisions (id, tenant_id, channel, stage, allowed, decided_at)
  SELECT pg_temp.old_id(at), tenant, 'voice', 'queue', true, at FROM moments;
INSERT INTO switchboard.agent_states (id, tenant_id, user_id, state, started_at, ended_at)
  SELECT pg_temp.old_id(at), tenant, (SELECT u.id FROM switchboard.users u WHERE u.tenant_id = tenant LIMIT 1), 'available', at,
         CASE WHEN name <> 'new' THEN at END FROM moments;
INSERT INTO switchboard.omnichannel_sessions (id, tenant_id, contact_id, status, started_at, expires_at, closed_at)
  SELECT pg_temp.old_id(at), tenant, (SELECT k.id FROM switchboard.contacts k WHERE k.tenant_id = tenant ORDER BY k.id LIMIT 1), 'closed', at, at, at FROM moments;
INSERT INTO switchboard.audit_log (id, tenant_id, actor, action, at) SELECT pg_temp.old_id(at), tenant, 'test', 'test', at FROM moments;
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number)
  SELECT tenant, (SELECT id FROM switchboard.campaigns c WHERE c.tenant_id = tenant LIMIT 1), '+1202555020' || row_number() OVER () FROM moments;
ALTER TABLE switchboard.dialer_queues DISABLE TRIGGER USER;
INSERT INTO switchboard.dialer_queues (id, tenant_id, campaign_id, contact_id, status, updated_at)
  SELECT pg_temp.old_id(m.at), l.tenant_id, l.campaign_id, l.id, s.status::switchboard.queue_status, m.at
  FROM moments m, LATERAL (SELECT l.* FROM switchboard.campaign_contacts l WHERE l.tenant_id = m.tenant ORDER BY l.id LIMIT 1) l,
       (VALUES ('completed'), ('queued')) s (status) WHERE s.status = 'completed' OR m.name = 'ancient';

CREATE FUNCTION pg_temp.left_over(tenant uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  rule record;
  n int;
  answer jsonb := '{}';
BEGIN
  FOR rule IN SELECT * FROM switchboard._retention_rules() LOOP
    EXECUTE format('SELECT count(*) FROM switchboard.%I r WHERE tenant_id = $1 %s', rule.table_name,
                   CASE rule.what WHEN 'audit' THEN 'AND action = ''test''' ELSE '' END) INTO n USING tenant;
    answer := answer || jsonb_build_object(rule.what, n);
  END LOOP;
  RETURN answer;
END $$;
SELECT is(pg_temp.left_over(:'short'), '{"events": 3, "idempotency": 3, "webhooks": 3, "queue": 4, "runs": 3, "agent_states": 3, "sessions": 3, "call_events": 3,
          "decisions": 3, "calls": 3, "audit": 3}', 'before');
SELECT switchboard.apply_retention() AS removed \gset
SELECT is(:'removed'::jsonb, '{"events": 2, "idempotency": 4, "webhooks": 2, "queue": 3, "runs": 3, "agent_states": 3, "sessions": 3, "call_events": 2,
          "decisions": 1, "calls": 1, "audit": 1}', 'what was removed is counted');
SELECT is(pg_temp.left_over(:'short'), '{"events": 1, "idempotency": 1, "webhooks": 1, "queue": 2, "runs": 1, "agent_states": 1, "sessions": 1, "call_events": 2,
          "decisions": 2, "calls": 2, "audit": 2}', 'one tenant keeps little: evidence all the same');
SELECT is(pg_temp.left_over(:'long'), '{"events": 3, "idempotency": 1, "webhooks": 3, "queue": 3, "runs": 2, "agent_states": 2, "sessions": 2, "call_events": 2,
          "decisions": 3, "calls": 3, "audit": 3}', 'another one all that may be kept');
SELECT is((SELECT count(*) FROM switchboard.dialer_queues WHERE status = 'queued'), 2::bigint, 'who waits in the queue is not forgotten');
SELECT is((SELECT count(*) FROM switchboard.agent_states WHERE ended_at IS NULL), 2::bigint, 'nor the state now');
SELECT is(switchboard.apply_retention(), '{}', 'once is enough');

-- Batches.
INSERT INTO switchboard.events (tenant_id, event, created_at) SELECT :'short', 'test', now() - interval '3 days' FROM generate_series(1, 25);
SELECT is(switchboard._remove_old_rows('events', now(), 10), 10, 'a batch');
SELECT is(switchboard.apply_retention(max_rows => 4), '{"events": 15}', 'and all the others, batch by batch');
INSERT INTO switchboard.events (tenant_id, event, created_at) SELECT :'short', 'test', now() - interval '3 days' FROM generate_series(1, 25);
SELECT is(switchboard.apply_retention(max_rows => 4, max_time => '0'), '{"events": 4}', 'but only while there is time');

-- Sessions.
INSERT INTO switchboard.omnichannel_sessions (tenant_id, contact_id, status, expires_at)
  SELECT k.tenant_id, k.id, s.status::switchboard.session_status, now() + s.expires * interval '1 hour'
  FROM (SELECT k.*, row_number() OVER (ORDER BY k.id) AS n FROM switchboard.contacts k WHERE k.tenant_id = :'long') k
  JOIN (VALUES (1, 'active', -1), (2, 'follow_up', -2), (3, 'active', 1)) s (n, status, expires) USING (n);
SELECT is(switchboard.expire_sessions(max_sessions => 1), 1, 'sessions whose time is over are closed, the oldest first');
SELECT is(switchboard.expire_sessions(), 1, 'all of them');
SELECT is(switchboard.expire_sessions(), 0, 'once');
SELECT results_eq($$SELECT status::text, closed_at = expires_at FROM switchboard.omnichannel_sessions WHERE expires_at > now() - interval '3 hours' AND tenant_id = $$
                  || quote_literal(:'long') || ' AND expires_at <> started_at ORDER BY expires_at',
                  $$VALUES ('closed', true), ('closed', true), ('active', NULL)$$, 'as of when they ended');

-- Jobs.
SELECT is(switchboard.run_maintenance('sessions'), '{"closed": 0}', 'a job by name');
SELECT is(switchboard.run_maintenance('retention') ->> 'events', '21', 'retention');
SELECT ok(switchboard.run_maintenance('statistics') ?& '{campaigns,calls}', 'statistics');
SELECT is(switchboard.run_maintenance('liveness'), '{"freed": 0, "silent_calls": 0, "trigger_runs": 0, "webhooks": 0}', 'liveness');
SELECT throws_ok('SELECT switchboard.run_maintenance(''nonsense'')', '22023', 'no such maintenance: nonsense', 'no other');
SELECT throws_ok('SELECT switchboard.run_maintenance(NULL)', '22023', 'no such maintenance: null', 'not none');
SELECT is((SELECT count(*) FROM switchboard._maintenance_jobs() m WHERE m.command ~ 'run_maintenance'
             AND switchboard.run_maintenance(substring(m.command FROM '''(.+)''')) IS NULL), 0::bigint, 'every job can be done');
SELECT cmp_ok((SELECT max(octet_length(switchboard._cron_job_name(m.job))) FROM switchboard._maintenance_jobs() m), '<', 64, 'and has a name that pg_cron can keep');

SELECT * FROM finish();
ROLLBACK;
