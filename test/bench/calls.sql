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
