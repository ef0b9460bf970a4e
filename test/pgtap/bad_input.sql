-- Runs every line of the table of bad input in docs/errors.md: what it documents is what happens.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql

CREATE TEMP TABLE documented (line text);
\copy documented FROM PROGRAM 'grep "^| .SELECT\|^| .INSERT\|^| .UPDATE" ../../docs/errors.md' WITH (FORMAT csv, DELIMITER E'\001', QUOTE E'\002')

SELECT test_dialer.new_tenant('acme', 'UTC') AS tenant \gset
CREATE TEMP TABLE fixture AS
SELECT 'nothing' AS name, switchboard.uuid_v7() AS id
UNION ALL SELECT 'active', test_dialer.new_campaign(:'tenant')
UNION ALL SELECT 'draft', test_dialer.new_campaign(:'tenant')
UNION ALL SELECT 'archived', test_dialer.new_campaign(:'tenant');
UPDATE switchboard.campaigns SET status = 'paused' WHERE id = (SELECT id FROM fixture WHERE name = 'archived');
UPDATE switchboard.campaigns SET status = 'archived' WHERE id = (SELECT id FROM fixture WHERE name = 'archived');
INSERT INTO switchboard.campaigns (id, tenant_id, name, type, script)
SELECT switchboard.uuid_v7(), :'tenant', 'draft', 'power', 'Hello' RETURNING id AS draft \gset
UPDATE fixture SET id = :'draft' WHERE name = 'draft';
WITH agent AS (
  INSERT INTO switchboard.users (tenant_id, name, role, endpoint) VALUES (:'tenant', 'Ann', 'agent', 'sip:ann@example.test') RETURNING id
) INSERT INTO fixture SELECT 'agent', id FROM agent;
WITH calls AS (
  INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, status, call_id, provider, answered_at, ended_at)
  VALUES (:'tenant', NULL, 'outbound', '+12015550100', '+12025550111', 'completed', 'CAended', 'twilio', now(), now()),
         (:'tenant', NULL, 'outbound', '+12015550100', '+12025550112', 'answered', 'CAlive', 'twilio', now(), NULL)
  RETURNING id, status
) INSERT INTO fixture SELECT CASE status WHEN 'completed' THEN 'call' ELSE 'live' END, id FROM calls;
INSERT INTO fixture SELECT 'queued', c.id FROM switchboard.make_call('+12025550113') c;
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550199');

CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  known record;
BEGIN
  FOR known IN SELECT * FROM fixture LOOP
    statement := replace(statement, format(':''%s''', known.name), quote_literal(known.id));
  END LOOP;
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

SELECT plan((SELECT count(*)::int FROM documented) + 1);
SELECT cmp_ok((SELECT count(*) FROM documented), '>', 20::bigint, 'the table is read');
SELECT ok(o.outcome LIKE d.sqlstate || ' ' || d.message, format('%s -> %s %s (got: %s)', d.call, d.sqlstate, d.message, o.outcome))
FROM (SELECT m[1] AS call, m[2] AS sqlstate, m[3] AS message
      FROM documented, regexp_match(line, '^\| `(.*)` \| (\w{5}) \| (.*) \|$') AS m) d,
     LATERAL (SELECT pg_temp.outcome(d.call) AS outcome) o;
SELECT * FROM finish();
ROLLBACK;
