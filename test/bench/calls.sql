-- Tables and drivers of the benchmarks of calls: a tenant with 20 campaigns and 100 agents in New York.
CREATE SCHEMA bench;
INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('00000000-0000-0000-0000-00000000000a', 'bench', 'America/New_York');
INSERT INTO switchboard.users (id, tenant_id, name)
SELECT ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-0000-0000-00000000000a', 'agent ' || n
FROM generate_series(1, 100) n;
INSERT INTO switchboard.campaigns (id, tenant_id, user_id, name, status)
SELECT ('00000000-0000-0000-0002-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-0000-0000-00000000000a', NULL, 'campaign ' || n, 'active'
FROM generate_series(1, 20) n;

CREATE FUNCTION bench.agent(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-0000-0001-' || lpad((1 + n % 100)::text, 12, '0'))::uuid $$;
CREATE FUNCTION bench.campaign(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-0000-0002-' || lpad((1 + n % 20)::text, 12, '0'))::uuid $$;

-- A year of calls, 8 to 20 o'clock in New York, a quarter of them nobody's. Without triggers, foreign keys and indexes on the way.
CREATE PROCEDURE bench.year_of_calls(calls bigint) LANGUAGE plpgsql AS $$
DECLARE
  indexes text[] := ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
                          WHERE i.indrelid = 'switchboard.call_logs'::regclass AND NOT EXISTS (
                            SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid));
  one text;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR one IN SELECT i.indexrelid::regclass::text FROM pg_index i
             WHERE i.indrelid = 'switchboard.call_logs'::regclass AND NOT EXISTS (
               SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) LOOP
    EXECUTE 'DROP INDEX ' || one;
  END LOOP;
  INSERT INTO switchboard.call_logs (tenant_id, user_id, call_id, direction, from_number, to_number, status, duration, campaign_id,
                                     provider, started_at, dialed_at, answered_at, ended_at, abandoned, answered_by)
  SELECT '00000000-0000-0000-0000-00000000000a', CASE WHEN n % 4 > 0 THEN bench.agent(n / 7) END, 'CA' || n, 'outbound',
         '+12015550100', '+1202' || 2000000 + n % 7000000, s.status, CASE WHEN n % 3 = 0 THEN n % 300 ELSE 0 END, bench.campaign(n / 3),
         'twilio', s.at, s.at, CASE WHEN n % 3 = 0 THEN s.at + interval '12 seconds' END, s.at + interval '20 seconds', n % 99 = 0,
         CASE WHEN n % 3 = 0 THEN CASE WHEN n % 5 = 0 THEN 'machine'::switchboard.answered_by ELSE 'human' END END
  FROM generate_series(1, calls) n,
       LATERAL (SELECT CASE WHEN n % 3 = 0 THEN 'completed'::switchboard.call_status WHEN n % 3 = 1 THEN 'no-answer'
                            WHEN n % 6 = 2 THEN 'busy' ELSE 'failed' END AS status,
                       '2025-07-01 12:00+00'::timestamptz + n * 365 / calls * interval '24 hours'
                       + (n * 365 % calls) * 43200.0 / calls * interval '1 second' AS at) s;
  FOREACH one IN ARRAY indexes LOOP
    EXECUTE one;
  END LOOP;
END $$;

-- Milliseconds of a statement, the median of some turns after one to warm up.
CREATE FUNCTION bench.timed(statement text, turns int DEFAULT 11) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz;
  took double precision[] := '{}';
BEGIN
  FOR turn IN 0 .. turns LOOP
    started := clock_timestamp();
    EXECUTE statement;
    IF turn > 0 THEN
      took := took || extract(epoch FROM clock_timestamp() - started) * 1000;
    END IF;
  END LOOP;
  RETURN (SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 1) FROM unnest(took) t);
END $$;

-- As many deltas as there are before somebody folds them.
CREATE FUNCTION bench.leave_deltas() RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.call_logs SET abandoned = NOT abandoned
  WHERE id IN (SELECT id FROM switchboard.call_logs WHERE started_at > '2026-03-10' ORDER BY started_at LIMIT 2000)
$$;

-- A call's life, written as the application does: queued, dialed, ringing, answered, noted, completed.
CREATE PROCEDURE bench.lives(calls int) LANGUAGE plpgsql AS $$
DECLARE
  call uuid;
BEGIN
  FOR n IN 1 .. calls LOOP
    INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, campaign_id, provider)
    VALUES ('00000000-0000-0000-0000-00000000000a', bench.agent(n), 'outbound', '+12015550100', '+1202' || 2000000 + n % 7000000,
            bench.campaign(n), 'twilio') RETURNING id INTO call;
    UPDATE switchboard.call_logs SET dialed_at = clock_timestamp(), call_id = 'CA' || call WHERE id = call;
    UPDATE switchboard.call_logs SET status = 'ringing' WHERE id = call;
    UPDATE switchboard.call_logs SET status = 'answered', answered_at = clock_timestamp() WHERE id = call;
    UPDATE switchboard.call_logs SET notes = 'asked to call back' WHERE id = call;
    UPDATE switchboard.call_logs SET status = 'completed', duration = n % 300, ended_at = clock_timestamp() WHERE id = call;
    COMMIT;
  END LOOP;
END $$;
CREATE PROCEDURE bench.inserts(calls int) LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1 .. calls LOOP
    INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, campaign_id, provider)
    VALUES ('00000000-0000-0000-0000-00000000000a', bench.agent(n), 'outbound', '+12015550100', '+1202' || 2000000 + n % 7000000,
            bench.campaign(n), 'twilio');
    COMMIT;
  END LOOP;
END $$;
CREATE PROCEDURE bench.notes(calls int) LANGUAGE plpgsql AS $$
DECLARE
  call uuid;
BEGIN
  FOR call IN SELECT id FROM switchboard.call_logs ORDER BY id LIMIT calls LOOP
    UPDATE switchboard.call_logs SET notes = coalesce(notes, '') || 'x' WHERE id = call;
  END LOOP;
END $$;
CREATE PROCEDURE bench.load(calls int) LANGUAGE sql AS $$
  INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, to_number, campaign_id, provider, started_at)
  SELECT '00000000-0000-0000-0000-00000000000a', bench.agent(n), 'outbound', '+12015550100', '+1202' || 2000000 + n % 7000000,
         bench.campaign(n), 'twilio', now() - n * interval '2 seconds' FROM generate_series(1, calls) n
$$;

CREATE TABLE bench.turns (what text, triggers boolean, ms double precision);

-- What this session has used of the CPU so far, ms: a busy machine changes it less than the clock.
CREATE FUNCTION bench.cpu_ms() RETURNS double precision LANGUAGE sql VOLATILE AS $$
  SELECT (a.fields[12]::bigint + a.fields[13]::bigint) * 10.0
  FROM (SELECT string_to_array(split_part(pg_read_file('/proc/' || pg_backend_pid() || '/stat'), ') ', 2), ' ') AS fields) a
$$;

-- Before a turn: the triggers of the rollups on or off, the table emptied unless its rows are updated.
CREATE PROCEDURE bench.before_turn(what text, triggers boolean) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE switchboard.call_logs %1$s TRIGGER call_logs_rollup_insert, %1$s TRIGGER call_logs_rollup_update',
                 CASE WHEN triggers THEN 'ENABLE' ELSE 'DISABLE' END);
  IF what NOT LIKE 'UPDATE%' THEN
    TRUNCATE switchboard.call_logs CASCADE;
  END IF;
  PERFORM set_config('bench.before', bench.cpu_ms()::text, false);
END $$;
CREATE PROCEDURE bench.after_turn(what text, triggers boolean) LANGUAGE sql AS $$
  INSERT INTO bench.turns VALUES (what, triggers, bench.cpu_ms() - current_setting('bench.before')::double precision)
$$;
