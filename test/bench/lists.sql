-- Tables and drivers of the list benchmarks.
CREATE SCHEMA bench;

INSERT INTO switchboard.tenants (name) VALUES ('bench');
INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
SELECT id, 'calling_window', '{"start":"00:00","end":"24:00"}', 'the benchmark runs at any hour' FROM switchboard.tenants;
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, status, active_hours, settings)
SELECT id, NULL, 'bench', 'power', 'active', '{"start":"00:00","end":"24:00"}', '{"queue_limit": 1000}' FROM switchboard.tenants;

CREATE TABLE bench.plain (LIKE switchboard.campaign_contacts INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 85);

CREATE TABLE bench.recounted (LIKE switchboard.campaign_contacts INCLUDING DEFAULTS INCLUDING INDEXES) WITH (fillfactor = 85);
CREATE TABLE bench.campaign_with_stats (id uuid PRIMARY KEY, stats jsonb NOT NULL DEFAULT '{}');
INSERT INTO bench.campaign_with_stats (id) SELECT id FROM switchboard.campaigns;
CREATE FUNCTION bench.recount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE bench.campaign_with_stats SET stats = jsonb_build_object(
    'total', (SELECT count(*) FROM bench.recounted WHERE campaign_id = new.campaign_id),
    'completed', (SELECT count(*) FROM bench.recounted WHERE campaign_id = new.campaign_id AND status = 'completed'),
    'pending', (SELECT count(*) FROM bench.recounted WHERE campaign_id = new.campaign_id AND status = 'pending'),
    'failed', (SELECT count(*) FROM bench.recounted WHERE campaign_id = new.campaign_id AND status = 'failed'))
  WHERE id = new.campaign_id;
  RETURN NULL;
END $$;
CREATE TRIGGER recount AFTER INSERT OR UPDATE OF status ON bench.recounted FOR EACH ROW EXECUTE FUNCTION bench.recount();

CREATE FUNCTION bench.import(target regclass, people int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO %s (tenant_id, campaign_id, phone_number, first_name, last_name, email)
    SELECT c.tenant_id, c.id, ''+1'' || 2000000000 + n, ''First'' || n, ''Last'' || n, ''p'' || n || ''@example.com''
    FROM switchboard.campaigns c, generate_series(1, %s) n', target, people);
END $$;

CREATE FUNCTION bench.import_one_by_one(target regclass, people int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  campaign switchboard.campaigns;
BEGIN
  SELECT * INTO campaign FROM switchboard.campaigns;
  FOR n IN 1 .. people LOOP
    EXECUTE format('INSERT INTO %s (tenant_id, campaign_id, phone_number) VALUES ($1, $2, $3)', target)
      USING campaign.tenant_id, campaign.id, '+1' || 2000000000 + n;
  END LOOP;
END $$;

CREATE TABLE bench.timing (label text, n int, ms double precision);

-- Milliseconds of a statement.
CREATE FUNCTION bench.timed(statement text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  EXECUTE statement;
  RETURN extract(epoch FROM clock_timestamp() - started) * 1000;
END $$;

-- The UPDATE in turns with the triggers off and on, each from the same state of the table.
CREATE PROCEDURE bench.retry_turns(turns int) LANGUAGE plpgsql AS $$
DECLARE
  label text;
  ms double precision;
BEGIN
  FOR n IN 0 .. turns LOOP
    FOREACH label IN ARRAY ARRAY['off', 'on'] LOOP
      PERFORM set_config('session_replication_role', CASE label WHEN 'off' THEN 'replica' ELSE 'origin' END, false);
      ms := bench.timed('UPDATE switchboard.campaign_contacts SET status = ''failed'', attempts = 1');
      ROLLBACK;
      INSERT INTO bench.timing SELECT label, n, ms WHERE n > 0;    -- the first turn warms up
      COMMIT;
    END LOOP;
  END LOOP;
END $$;

-- People as a list has them: in the contact book too, with scores, three priorities and numbers from all over the country; of twenty, one
-- is due again, one waits for tomorrow and two are done. In pieces, because the triggers keep the rows of a statement.
CREATE PROCEDURE bench.import_people(people int) LANGUAGE plpgsql AS $$
DECLARE
  start int;
  areas text[] := '{201,212,305,312,404,415,512,602,617,702,713,808,907,972}';
BEGIN
  FOR start IN SELECT g.n FROM generate_series(1, people, 250000) AS g (n) LOOP
    INSERT INTO switchboard.contacts (tenant_id, phone_number, lead_score)
    SELECT t.id, '+1' || areas[1 + n % 14] || 2000000 + n / 14, n % 101
    FROM switchboard.tenants t, generate_series(start, least(start + 249999, people)) n;
    INSERT INTO switchboard.campaign_contacts
      (tenant_id, campaign_id, contact_id, phone_number, first_name, priority, status, attempts, last_outcome, next_attempt_at, lead_score)
    SELECT c.tenant_id, c.id, k.id, k.phone_number, 'First' || n, n % 3, v.status::switchboard.campaign_contact_status, v.attempts, v.outcome, v.next, k.lead_score
    FROM switchboard.campaigns c, generate_series(start, least(start + 249999, people)) n
    JOIN switchboard.contacts k ON k.phone_number = '+1' || areas[1 + n % 14] || 2000000 + n / 14
    CROSS JOIN LATERAL (
      SELECT CASE WHEN n % 20 < 2 THEN 'failed' WHEN n % 20 < 4 THEN 'completed' ELSE 'pending' END AS status, (n % 20 < 4)::int AS attempts,
             CASE WHEN n % 20 < 2 THEN 'busy' WHEN n % 20 < 4 THEN 'completed' END AS outcome,
             CASE n % 20 WHEN 0 THEN now() - n * interval '1 ms' WHEN 1 THEN now() + interval '1 day' END AS next) v;
    COMMIT;
  END LOOP;
END $$;

-- Milliseconds of processor time that this session has used: what another process takes away does not count.
CREATE FUNCTION bench.cpu() RETURNS double precision LANGUAGE sql AS $$
  SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::bigint / 1e6
$$;

-- One run of an emptied queue, its time and processor time; those it picked are done afterwards.
CREATE FUNCTION bench.one_run(OUT ms double precision, OUT cpu double precision) LANGUAGE plpgsql AS $$
DECLARE
  used double precision := bench.cpu();
BEGIN
  ms := bench.timed('SELECT switchboard.run_campaign(id) FROM switchboard.campaigns');
  cpu := bench.cpu() - used;
  UPDATE switchboard.campaign_contacts l SET status = 'completed' FROM switchboard.dialer_queues q
  WHERE q.status = 'queued' AND l.id = q.contact_id;
  DELETE FROM switchboard.dialer_queues WHERE status <> 'calling';
END $$;
