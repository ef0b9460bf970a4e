-- Customers of one tenant in twelve places, their purchases and the calls to them; drivers of the benchmark.
CREATE SCHEMA bench;
INSERT INTO switchboard.tenants (name, timezone, settings)
VALUES ('bench', 'America/New_York', '{"calling_hours": {"start": "09:00", "end": "20:00"}}');
INSERT INTO switchboard.products (tenant_id, name, price) SELECT id, 'phone', 999.99 FROM switchboard.tenants;

CREATE FUNCTION bench.fill(customers int, each int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.contacts (tenant_id, phone_number, company)
  SELECT t.id, '+1' || (ARRAY[202, 212, 213, 305, 312, 415, 617, 713, 801, 907, 208, 931])[1 + n % 12] || to_char(5500000 + n / 12, 'FM0000000'),
         CASE WHEN n % 3 = 0 THEN 'Acme' END
  FROM switchboard.tenants t, generate_series(1, customers) n;
  INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid, purchased_at)
  SELECT k.tenant_id, k.id, p.id, 50 + i * 70, now() - i * interval '100 days'
  FROM switchboard.products p, switchboard.contacts k, generate_series(1, each) i;
  INSERT INTO switchboard.call_logs (tenant_id, lead_id, to_number, status, started_at, dialed_at, answered_at)
  SELECT k.tenant_id, k.id, k.phone_number, CASE WHEN answered THEN 'completed' ELSE 'no-answer' END::switchboard.call_status, at, at, CASE WHEN answered THEN at END
  FROM switchboard.contacts k, generate_series(1, each) i,
       LATERAL (SELECT now() - (hashtext(k.id::text || i) & 16777215) * interval '1 second' AS at, hashtext(i || k.id::text) % 10 > 4 AS answered) c;
  ANALYZE switchboard.contacts, switchboard.purchases, switchboard.call_logs;
$$;

-- The quickest of three, in ms.
CREATE FUNCTION bench.quickest(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  began timestamptz;
  times numeric[] := '{}';
BEGIN
  FOR n IN 1 .. 3 LOOP
    began := clock_timestamp();
    EXECUTE query;
    times := times || 1000 * extract(epoch FROM clock_timestamp() - began);
  END LOOP;
  RETURN round((SELECT min(t) FROM unnest(times) t), 1);
END $$;
