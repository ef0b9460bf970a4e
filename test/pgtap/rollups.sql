-- The figures of calls are those of a recount: after random changes, for random questions, whoever asks.
\set ON_ERROR_STOP on
SELECT no_plan();
\ir support/analytics.sql

CREATE TEMP TABLE cast_of AS SELECT switchboard.uuid_v7() AS tenant, switchboard.uuid_v7() AS other;
INSERT INTO switchboard.tenants (id, name, timezone) SELECT tenant, 'acme', 'America/New_York' FROM cast_of UNION ALL SELECT other, 'globex', 'UTC' FROM cast_of;
INSERT INTO switchboard.users (tenant_id, name, role)
SELECT tenant, 'u' || n, CASE n WHEN 1 THEN 'supervisor'::switchboard.user_role ELSE 'agent' END FROM cast_of, generate_series(1, 4) n;
INSERT INTO switchboard.users (tenant_id, name) SELECT other, 'o' FROM cast_of;
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, timezone)
SELECT tenant, NULL, zone, zone FROM cast_of, unnest(test_analytics.zones()) zone;

CREATE FUNCTION pg_temp.pick(relation regclass, tenant uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE one uuid;
BEGIN
  EXECUTE format('SELECT id FROM %s WHERE tenant_id = $1 ORDER BY random() LIMIT 1', relation) INTO one USING tenant;
  RETURN one;
END $$;
CREATE FUNCTION pg_temp.status() RETURNS switchboard.call_status LANGUAGE sql VOLATILE AS $$
  SELECT (enum_range(NULL::switchboard.call_status))[1 + floor(random() * 8)::int] $$;

CREATE FUNCTION pg_temp.change(tenant uuid, other uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CASE floor(random() * 10)::int
    WHEN 0, 1, 2 THEN
      INSERT INTO switchboard.call_logs (tenant_id, user_id, campaign_id, status, duration, started_at, answered_at, abandoned, answered_by, direction)
      SELECT tenant, CASE WHEN random() < 0.6 THEN pg_temp.pick('switchboard.users', tenant) END,
             CASE WHEN random() < 0.7 THEN pg_temp.pick('switchboard.campaigns', tenant) END, pg_temp.status(),
             CASE WHEN random() < 0.6 THEN floor(random() * 600)::int END, test_analytics.moment(),
             CASE WHEN random() < 0.5 THEN now() END, random() < 0.2,
             (enum_range(NULL::switchboard.answered_by))[1 + floor(random() * 5)::int],
             (enum_range(NULL::switchboard.direction))[1 + floor(random() * 2)::int]
      FROM generate_series(1, floor(random() * 12)::int);
    WHEN 3 THEN UPDATE switchboard.call_logs SET status = pg_temp.status() WHERE random() < 0.1;
    WHEN 4 THEN UPDATE switchboard.call_logs SET duration = floor(random() * 60)::int, answered_at = CASE WHEN random() < 0.7 THEN now() END,
                  abandoned = random() < 0.5 WHERE random() < 0.1;
    WHEN 5 THEN UPDATE switchboard.call_logs SET started_at = test_analytics.moment() WHERE random() < 0.1;
    WHEN 6 THEN UPDATE switchboard.call_logs c SET user_id = CASE WHEN random() < 0.5 THEN pg_temp.pick('switchboard.users', c.tenant_id) END,
                  campaign_id = CASE WHEN random() < 0.5 THEN pg_temp.pick('switchboard.campaigns', c.tenant_id) END WHERE random() < 0.1;
    WHEN 7 THEN DELETE FROM switchboard.call_logs WHERE random() < 0.05;
    WHEN 8 THEN
      MERGE INTO switchboard.call_logs c USING (SELECT id FROM switchboard.call_logs WHERE random() < 0.1) m ON c.id = m.id
      WHEN MATCHED AND c.status = 'failed' THEN DELETE
      WHEN MATCHED THEN UPDATE SET status = 'completed', direction = 'outbound', answered_by = 'human';
    ELSE
      INSERT INTO switchboard.call_logs (tenant_id, user_id, status) VALUES (other, pg_temp.pick('switchboard.users', other), 'busy');
  END CASE;
END $$;

-- One question, asked by somebody; whether the answer is that of a recount.
CREATE FUNCTION pg_temp.wrong_answer(tenant uuid) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  low timestamptz := CASE WHEN random() < 0.8 THEN test_analytics.moment() END;
  high timestamptz := CASE WHEN random() < 0.8 THEN test_analytics.moment() END;
  campaign uuid := CASE WHEN random() < 0.6 THEN pg_temp.pick('switchboard.campaigns', tenant) END;
  said jsonb;
  right_answer jsonb;
BEGIN
  PERFORM switchboard.set_identity(tenant, CASE WHEN random() < 0.7 THEN pg_temp.pick('switchboard.users', tenant) END);
  PERFORM set_config('timezone', (test_analytics.zones())[1 + floor(random() * 13)::int], true);
  IF random() < 0.1 THEN
    PERFORM set_config('switchboard.tenant_id', '', true);
  END IF;
  said := switchboard.get_analytics(least(low, high), greatest(low, high), campaign);
  right_answer := test_analytics.recount(least(low, high), greatest(low, high), campaign);
  IF said = right_answer THEN
    RETURN 0;
  END IF;
  RAISE WARNING 'from % to %, campaign %, user %: % is not %', least(low, high), greatest(low, high),
    (SELECT name FROM switchboard.campaigns WHERE id = campaign), current_setting('switchboard.user_id', true),
    said #- '{analytics,recentCalls}', right_answer #- '{analytics,recentCalls}';
  RETURN 1;
END $$;

CREATE TEMP TABLE outcome (wrong int);
-- Short transactions: rows changed many times in one long transaction would cost more than what is tested.
CREATE PROCEDURE pg_temp.rounds(n int) LANGUAGE plpgsql AS $$
DECLARE
  players record;
BEGIN
  SELECT * INTO players FROM cast_of;
  PERFORM setseed(0.42);
  FOR i IN 1 .. n LOOP
    BEGIN
      PERFORM pg_temp.change(players.tenant, players.other);
      IF random() < 0.2 THEN
        RAISE EXCEPTION 'rolled back';
      END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    IF random() < 0.3 THEN
      COMMIT;
    END IF;
    IF random() < 0.2 THEN
      PERFORM switchboard._fold_call_rollups(floor(random() * 100)::int);
    END IF;
    INSERT INTO outcome SELECT pg_temp.wrong_answer(players.tenant) FROM generate_series(1, 3);
  END LOOP;
END $$;
DO $$ BEGIN PERFORM pg_temp.change(tenant, other) FROM cast_of, generate_series(1, 300); END $$;
CALL pg_temp.rounds(700);
SELECT is(sum(wrong), 0::bigint, format('%s answers are those of a recount', count(*))) FROM outcome;
SELECT cmp_ok(count(*), '>', 100::bigint, 'there were calls') FROM switchboard.call_logs;
SELECT cmp_ok(count(*), '>', 100::bigint, 'and cells') FROM switchboard.call_rollups;
SELECT * FROM finish();
