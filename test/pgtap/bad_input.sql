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
WITH waiting AS (
  INSERT INTO switchboard.call_logs (tenant_id, direction, from_number, to_number, status, queued_at)
  VALUES (:'tenant', 'inbound', '+12025550114', '+12015550100', 'ringing', now()) RETURNING id
), requests AS (
  INSERT INTO switchboard.support_requests (tenant_id, user_email, subject, status) VALUES (:'tenant', 'a@example.com', 'Help', 'resolved') RETURNING id
) INSERT INTO fixture SELECT 'waiting', id FROM waiting UNION ALL SELECT 'solved', id FROM requests;
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550199');
WITH boss AS (
  INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Bo', 'supervisor') RETURNING id
) INSERT INTO fixture SELECT 'boss', id FROM boss;
INSERT INTO fixture VALUES ('tenant', :'tenant'), ('preview', test_dialer.new_campaign(:'tenant', type => 'preview')),
  ('care', test_dialer.new_campaign(:'tenant', '{"skills": ["care"]}', type => 'preview'));
INSERT INTO switchboard.campaigns (id, tenant_id, name, type) SELECT switchboard.uuid_v7(), :'tenant', 'later', 'preview' RETURNING id AS later \gset
INSERT INTO fixture VALUES ('later', :'later');
SELECT test_dialer.add_people(id, 3, 12025550120), switchboard.run_campaign(id) FROM fixture WHERE name = 'preview';
UPDATE switchboard.dialer_queues q
SET reserved_until = now() + p.n * interval '1 min', reserved_by = (SELECT f.id FROM fixture f WHERE f.name = CASE p.n WHEN 1 THEN 'boss' WHEN -1 THEN 'agent' END)
FROM (SELECT l.id, right(l.phone_number, 1)::int - 1 AS n FROM switchboard.campaign_contacts l JOIN fixture f ON f.id = l.campaign_id AND f.name = 'preview') p
WHERE p.id = q.contact_id;
INSERT INTO fixture SELECT CASE WHEN q.reserved_by IS NULL THEN 'free' WHEN q.reserved_until > now() THEN 'held' ELSE 'expired' END, q.id
FROM switchboard.dialer_queues q JOIN fixture f ON f.id = q.campaign_id AND f.name = 'preview';

-- A shop: one who bought, one who gave it back, one who did neither; a coupon that is open and one that was redeemed.
INSERT INTO switchboard.products (id, tenant_id, name, price, stock) SELECT switchboard.uuid_v7(), :'tenant', 'Tent', 80, 1 RETURNING id AS tent \gset
INSERT INTO fixture VALUES ('tent', :'tent'), ('sale', test_dialer.new_campaign(:'tenant', type => 'manual')),
  ('wordy', test_dialer.new_campaign(:'tenant', type => 'manual'));
UPDATE switchboard.campaigns SET discount_percent = 10 WHERE id = (SELECT id FROM fixture WHERE name = 'sale');
UPDATE switchboard.campaigns SET script = 'Hello {{shoe_size}}' WHERE id = (SELECT id FROM fixture WHERE name = 'wordy');
WITH people AS (
  INSERT INTO switchboard.contacts (tenant_id, phone_number, name)
  VALUES (:'tenant', '+12025550131', 'buyer'), (:'tenant', '+12025550132', 'regretful'), (:'tenant', '+12025550133', 'stranger'),
         (:'tenant', '+12025550134', 'silent')
  RETURNING id, name
), bought AS (
  INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, refunded_at)
  SELECT :'tenant', p.id, :'tent', 100, CASE p.name WHEN 'regretful' THEN now() END FROM people p WHERE p.name <> 'stranger'
) INSERT INTO fixture SELECT p.name, p.id FROM people p;
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550134');
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, product_id, valid_until)
SELECT :'tenant', c.code, 10, f.id, :'tent', now() + c.days * interval '1 day'
FROM (VALUES ('OPEN-10-AAAAAA', 7), ('LATE-10-AAAAAA', -1), ('USED-10-AAAAAA', 7)) c (code, days), fixture f WHERE f.name = 'buyer';
SELECT switchboard.redeem_coupon('USED-10-AAAAAA', 70) \g /dev/null

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
