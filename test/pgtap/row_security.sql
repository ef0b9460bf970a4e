-- Tenants are apart: nobody sees or changes a row of another tenant, in any table, by any verb. Within a tenant agents have
-- their own and unassigned work, supervisors all of it.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
\ir support/sample_data.sql
\o /dev/null
SELECT sample.fill('ours'), sample.fill('theirs'), sample.fill_installation();
UPDATE switchboard.users SET login_role = 'sb_matrix_' || name
 WHERE tenant_id = sample.tenant('ours') AND name IN ('agent', 'supervisor');
\o
\ir support/tenant_matrix.sql

-- The matrix sees everything there is.
SELECT is_empty('SELECT * FROM matrix.gaps()', 'every table is under row level security, and the sample has rows of it');
SELECT cmp_ok((SELECT count(*) FROM matrix.subjects), '>=', 40::bigint, 'the matrix covers the schema');

SELECT ok(good, format('%s: %s %s gives %s', login, verb, name, outcome)) FROM matrix.cells();

-- It is not blind: the same callers do see their own tenant's rows, and only those who should.
SELECT ok((matrix.try(c.login, format('SELECT FROM %s WHERE %I = %L', s.subject, s.tenant_column, sample.tenant('ours')))
             NOT IN ('0', '42501')) = c.sees_own,
          format('%s %s rows of %s', c.login, CASE WHEN c.sees_own THEN 'sees' ELSE 'does not see' END, s.name))
  FROM matrix.callers c, matrix.subjects s
 WHERE s.kind IN ('r', 'p') AND s.tenant_column IS NOT NULL
   AND has_table_privilege('switchboard_app', s.subject, 'SELECT')
   AND NOT (c.login = 'sb_matrix_agent' AND s.name IN ('audit_log', 'webhook_inbox', 'compliance_overrides'));

-- A table that somebody adds without a policy does not go unnoticed.
SAVEPOINT without_policy;
CREATE TABLE switchboard.added_later (id uuid DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, secret text);
GRANT SELECT, UPDATE, DELETE, INSERT ON switchboard.added_later TO switchboard_app;
SELECT set_eq($$SELECT gap FROM matrix.gaps() WHERE name = 'added_later'$$,
    ARRAY['has no row level security', 'is granted to the application but has no policy', 'has no sample row of the other tenant'],
    'a table without policy and sample is a gap');
INSERT INTO switchboard.added_later (tenant_id, secret) VALUES (sample.tenant('theirs'), 's');
SELECT set_eq($$SELECT verb FROM matrix.cells() WHERE name = 'added_later' AND login = 'sb_matrix_agent' AND NOT good$$,
    ARRAY['SELECT', 'DELETE', 'DELETE USING a leak', 'UPDATE', 'INSERT'], 'and the matrix finds every way through it');
ROLLBACK TO without_policy;

-- Nor does a policy that forgets one side.
SAVEPOINT half_policy;
DROP POLICY writable ON switchboard.contacts;
CREATE POLICY half ON switchboard.contacts USING (tenant_id = (SELECT switchboard.current_tenant_id())) WITH CHECK (true);
SELECT set_eq($$SELECT verb FROM matrix.cells() WHERE name = 'contacts' AND login = 'sb_matrix_agent' AND NOT good$$,
    ARRAY['INSERT'], 'a policy without WITH CHECK is found');
ROLLBACK TO half_policy;

-- Whatever all of them do, the other tenant's rows stay as they are.
SAVEPOINT rampage;
CREATE TEMP TABLE before AS
SELECT s.name, sample.digest(s.subject, sample.tenant('theirs')) AS digest
  FROM matrix.subjects s WHERE s.kind = 'r' AND s.tenant_column = 'tenant_id';
SELECT matrix.rampage();
SELECT is(sample.digest(s.subject, sample.tenant_known('theirs')), b.digest, 'rows of ' || s.name || ' survive the rampage')
  FROM matrix.subjects s JOIN before b USING (name);
SELECT is((SELECT count(*) FROM switchboard.contacts WHERE tenant_id = sample.tenant_known('ours')), 0::bigint,
          'which did happen');
ROLLBACK TO rampage;

-- Agents have their own and unassigned rows, supervisors all.
SELECT unnest(ARRAY[is(matrix.try('sb_matrix_agent', 'SELECT FROM switchboard.' || t), '2', 'an agent sees own and unassigned ' || t),
       is(matrix.try('sb_matrix_supervisor', 'SELECT FROM switchboard.' || t), '3', 'a supervisor sees all ' || t),
       is(matrix.try('sb_matrix_agent', format('UPDATE switchboard.%I SET user_id = %L WHERE user_id IS NULL', t,
                                               sample.user_id('ours', 'agent'))), '1', 'an agent takes on unassigned ' || t),
       is(matrix.try('sb_matrix_agent', format('UPDATE switchboard.%I SET user_id = %L', t,
                                               sample.user_id('ours', 'colleague'))), '42501',
          'an agent does not push ' || t || ' on to a colleague'),
       is(matrix.try('sb_matrix_supervisor', format('UPDATE switchboard.%I SET user_id = %L', t,
                                                    sample.user_id('ours', 'colleague'))), '3',
          'a supervisor assigns ' || t)])
  FROM unnest('{campaigns,dialer_campaigns,call_logs,call_dispositions,tasks,deals,voicemail_drops}'::text[]) t;
SELECT unnest(ARRAY[is(matrix.try('sb_matrix_agent', 'SELECT FROM switchboard.' || t), '2', 'an agent sees ' || t || ' of calls that it sees'),
       is(matrix.try('sb_matrix_supervisor', 'SELECT FROM switchboard.' || t), '3', 'a supervisor sees all ' || t)])
  FROM unnest('{call_events,call_recordings}'::text[]) t;
SELECT unnest(ARRAY[is(matrix.try('sb_matrix_agent', 'SELECT FROM switchboard.' || t), '0', 'an agent sees nothing of ' || t),
       is(matrix.try('sb_matrix_supervisor', 'SELECT FROM switchboard.' || t), '3', 'a supervisor sees ' || t)])
  FROM unnest('{audit_log,webhook_inbox,compliance_overrides}'::text[]) t;

-- A reference to a row of the other tenant fails just as one to no row at all: nobody can find out what exists over there.
CREATE VIEW matrix.references AS
SELECT f.conrelid::regclass AS subject, a.attname, f.confrelid::regclass AS target
  FROM pg_constraint f
  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) AND a.attname <> 'tenant_id'
 WHERE f.connamespace = 'switchboard'::regnamespace AND f.contype = 'f' AND cardinality(f.conkey) = 2
   AND has_any_column_privilege('switchboard_app', f.conrelid, 'UPDATE');
CREATE FUNCTION matrix.id_of(target regclass) RETURNS uuid LANGUAGE plpgsql
AS $$
DECLARE
    found uuid;
BEGIN
    EXECUTE format('SELECT id FROM %s WHERE tenant_id = sample.tenant(''theirs'') ORDER BY id LIMIT 1', target) INTO found;
    RETURN found;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM matrix.references), '>=', 20::bigint, 'there are references to try');
SELECT ok(theirs = nothing AND theirs IN ('23503', '42501'),
          format('%s.%s: a row of theirs gives %s, no row gives %s', subject, attname, theirs, nothing))
  FROM (SELECT r.subject, r.attname,
               matrix.try('sb_matrix_supervisor', format(change, r.subject, r.attname, matrix.id_of(r.target))) AS theirs,
               matrix.try('sb_matrix_supervisor', format(change, r.subject, r.attname, gen_random_uuid())) AS nothing
          FROM matrix.references r,
               (VALUES ('UPDATE %1$s SET %2$I = %3$L WHERE id = (SELECT id FROM %1$s LIMIT 1)')) AS one_row (change)) tried;
-- The unique key of a list is not asked before the policy is.
SELECT is(matrix.try('sb_matrix_supervisor', format(
            'INSERT INTO switchboard.campaign_contacts (campaign_id, phone_number) VALUES (%L, %L)', c.campaign_id, number)), '42501',
          'whether ' || number || ' is on a list of theirs does not show')
  FROM (SELECT campaign_id, phone_number FROM switchboard.campaign_contacts WHERE tenant_id = sample.tenant('theirs') LIMIT 1) c,
       unnest(ARRAY[c.phone_number, '+12125550999']) AS number;

-- What is only to be read or appended to by functions.
SELECT is(matrix.try(c.login, format('%s switchboard.%I', v.verb, t.name)), '42501',
          format('%s may not %s %s', c.login, v.verb, t.name))
  FROM matrix.callers c,
       unnest('{audit_log,call_events,jobs,jobs_open,events,webhook_inbox,campaign_runs,message_delivery_log,dialer_queues,
                call_triggers,trigger_runs,agent_states,dispatch_decisions,campaign_stat_deltas,call_rollups,call_rollup_deltas,provider_secrets,worker_registry}'::text[])
         AS t (name),
       unnest(ARRAY['DELETE FROM', 'TRUNCATE']) AS v (verb);
SELECT is(matrix.try(c.login, format('INSERT INTO switchboard.%I DEFAULT VALUES', t.name)), '42501',
          format('%s may not insert into %s', c.login, t.name))
  FROM matrix.callers c,
       unnest('{audit_log,call_events,jobs,events,webhook_inbox,campaign_runs,dialer_queues,provider_secrets}'::text[]) AS t (name);
SELECT is(matrix.try(c.login, 'UPDATE switchboard.audit_log SET action = action'), '42501', c.login || ' may not rewrite the record')
  FROM matrix.callers c;
SELECT is(matrix.try(c.login, 'SELECT FROM switchboard.provider_secrets'), '42501', c.login || ' may not read secrets')
  FROM matrix.callers c;

-- Policies cost a few function calls per statement, not per row, and leave indexes usable.
SET LOCAL track_functions = 'all';
\o /dev/null
INSERT INTO switchboard.call_logs (tenant_id, started_at) SELECT sample.tenant('ours'), now() FROM generate_series(1, 5000);
ANALYZE switchboard.call_logs;
\o
CREATE FUNCTION matrix.calls(function regprocedure, statement text) RETURNS bigint LANGUAGE plpgsql
AS $$
DECLARE
    before bigint := coalesce(pg_stat_get_xact_function_calls(function), 0);
BEGIN
    EXECUTE statement;
    RETURN pg_stat_get_xact_function_calls(function) - before;
END
$$;
CREATE FUNCTION matrix.plan(statement text) RETURNS text LANGUAGE plpgsql
AS $$
DECLARE
    line text;
    result text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        result := result || line || E'\n';
    END LOOP;
    RETURN result;
END
$$;
GRANT SELECT ON ALL TABLES IN SCHEMA matrix TO PUBLIC;
SET SESSION AUTHORIZATION sb_matrix_agent;
SELECT cmp_ok((SELECT count(*) FROM switchboard.call_logs), '>', 5000::bigint, 'an agent reads many rows');
-- An UPDATE asks once for the old rows and once for the new ones.
SELECT is(matrix.calls(f::regprocedure, statement), CASE WHEN statement ~ '^UPDATE' THEN 2 ELSE 1 END::bigint,
          format('%s is not run per row in %s', f, statement))
  FROM unnest('{switchboard.current_tenant_id(),switchboard.current_user_id()}'::text[]) f,
       unnest(ARRAY['SELECT notes FROM switchboard.call_logs', 'UPDATE switchboard.call_logs SET notes = ''x''']) statement;
SELECT matches(matrix.plan('SELECT * FROM switchboard.call_logs ORDER BY started_at DESC LIMIT 10'),
               'Index (Only )?Scan using call_logs_started_idx', 'the newest calls come from the index');
-- The value of a subquery is written $0, from 17 on (InitPlan 1).col1.
SELECT matches(matrix.plan('SELECT * FROM switchboard.call_logs ORDER BY started_at DESC LIMIT 10'),
               'Index Cond: \(tenant_id = (\$\d|\(InitPlan \d\)\.col1)\)', 'which the tenant leads into');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
