-- get_calls: filters, pages, who sees what.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('other') AS other \gset
INSERT INTO switchboard.call_logs (direction, to_number) VALUES ('outbound', '+12025550100');
SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Ann', 'agent') RETURNING id AS ann \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Bob', 'agent') RETURNING id AS bob \gset
SELECT test_dialer.new_campaign(:'tenant') AS campaign \gset
INSERT INTO switchboard.contacts (phone_number, name, company) VALUES ('+12025550100', 'Ada Byron', 'Engines 100%') RETURNING id AS ada \gset
-- Twenty calls a minute apart, every other one inbound, some at the very same instant.
INSERT INTO switchboard.call_logs (direction, from_number, to_number, status, user_id, campaign_id, lead_id, notes, started_at)
SELECT CASE i % 2 WHEN 0 THEN 'outbound' ELSE 'inbound' END::switchboard.direction,
       CASE i % 2 WHEN 0 THEN '+12015550100' ELSE '+1202555010' || i % 10 END, CASE i % 2 WHEN 0 THEN '+1202555010' || i % 10 ELSE '+12015550100' END,
       (ARRAY['completed', 'busy', 'failed', 'answered']::switchboard.call_status[])[1 + i % 4],
       CASE i % 3 WHEN 0 THEN :'ann' WHEN 1 THEN :'bob' END::uuid, CASE WHEN i < 6 THEN :'campaign' END::uuid, CASE WHEN i % 10 = 0 THEN :'ada' END::uuid,
       'note ' || i, '2026-06-01 12:00+00'::timestamptz + i / 2 * interval '1 minute'
FROM generate_series(0, 19) i;
SELECT id AS call0 FROM switchboard.call_logs WHERE notes = 'note 0' \gset
SELECT id AS call1 FROM switchboard.call_logs WHERE notes = 'note 1' \gset
SELECT switchboard.create_disposition(:'call0', 'interested'), switchboard.create_disposition(:'call0', 'callback'), switchboard.create_disposition(:'call1', 'interested');
CREATE FUNCTION pg_temp.notes(filters jsonb, page_limit int DEFAULT 500, page_offset int DEFAULT 0) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', string_agg(replace(c ->> 'notes', 'note ', ''), ' ' ORDER BY n), '/', g -> 'total')
  FROM switchboard.get_calls(filters, page_limit, page_offset) g LEFT JOIN LATERAL jsonb_array_elements(g -> 'calls') WITH ORDINALITY x (c, n) ON true GROUP BY g $$;

SELECT is(pg_temp.notes('{}', 3), '19 18 17 / 20', 'newest first');
SELECT is(pg_temp.notes('{}', 3, 18), '1 0 / 20', 'an offset');
SELECT is(pg_temp.notes('{}', 3, 100), '/ 20', 'past the end');
SELECT is(pg_temp.notes(filters::jsonb), calls, filters) FROM (VALUES
  ('{"status": "busy"}', '17 13 9 5 1 / 5'), ('{"status": ["busy", "failed"], "campaign_id": null, "to": "2026-06-01 12:02Z"}', '5 2 1 / 3'), ('{"status": []}', '/ 0'),
  ('{"direction": "inbound", "from": "2026-06-01 12:08Z"}', '19 17 / 2'), ('{"phone": "(202) 555-0101"}', '11 1 / 2'), ('{"phone": "+12025550100"}', '10 0 / 2'),
  ('{"phone": "+12015550100"}', '/ 0'), ('{"from": "2026-06-01 12:01Z", "to": "2026-06-01 12:01Z"}', '3 2 / 2'), ('{"disposition": "interested"}', '1 / 1'), ('{"disposition": ["callback", "interested"]}', '1 0 / 2'),
  ('{"search": "NOTE 1"}', '19 18 17 16 15 14 13 12 11 10 1 / 11'), ('{"search": "byron"}', '10 0 / 2'), ('{"search": "100%"}', '10 0 / 2'), ('{"search": "_"}', '/ 0'), ('{"search": ""}', '19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 / 20')) v (filters, calls);
SELECT is(pg_temp.notes(jsonb_build_object('campaign_id', :'campaign', 'user_id', :'bob')), '4 1 / 2', 'campaign and agent');
SELECT is(pg_temp.notes(jsonb_build_object('lead_id', :'ada')), '10 0 / 2', 'contact');
SELECT is(jsonb_build_array(c -> 'id', c -> 'disposition', c ? 'tenant_id'), jsonb_build_array(:'call0', 'callback', false), 'a call of the list') FROM switchboard.get_calls('{"search": "note 0"}') g, LATERAL (SELECT g #> '{calls,0}' AS c) x;
SELECT is(switchboard.get_calls() -> 'total', '20', 'everything can be left out');
SELECT is(switchboard.get_calls(NULL) -> 'total', '20', 'or be null');

SELECT is(switchboard.get_calls('{}', 20) -> 'next', 'null', 'a full last page has no next one');
SELECT isnt(switchboard.get_calls('{}', 19) -> 'next', 'null', 'the one before has');

-- Keyset pages: each call once, whatever is added meanwhile.
CREATE TEMP TABLE pages (n int, page jsonb);
DO $$
DECLARE
  page jsonb;
  cursor_at text;
BEGIN
  FOR i IN 1 .. 10 LOOP
    page := switchboard.get_calls(CASE WHEN cursor_at IS NULL THEN '{}' ELSE jsonb_build_object('before', cursor_at) END, 7);
    INSERT INTO pages VALUES (i, page);
    INSERT INTO switchboard.call_logs (direction, to_number, notes) VALUES ('outbound', '+12025550199', 'new');
    cursor_at := page ->> 'next';
    EXIT WHEN cursor_at IS NULL;
  END LOOP;
END $$;
SELECT is((SELECT string_agg(replace(c ->> 'notes', 'note ', ''), ' ' ORDER BY n, o) FROM pages, jsonb_array_elements(page -> 'calls') WITH ORDINALITY x (c, o)), '19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0', 'pages follow on');
SELECT is((SELECT array_agg(page ->> 'total' ORDER BY n) FROM pages), '{20,NULL,NULL}', 'only the first page counts');
DELETE FROM switchboard.call_logs WHERE notes = 'new';

-- Who sees what.
SELECT switchboard.set_identity(:'tenant', :'ann');
SET LOCAL ROLE switchboard_app;
SELECT is(pg_temp.notes('{}'), '18 17 15 14 12 11 9 8 6 5 3 2 0 / 13', 'agents see their own and unassigned calls');
SELECT is(pg_temp.notes(jsonb_build_object('user_id', :'bob')), '/ 0', 'not a colleague''s');
RESET ROLE;
SELECT switchboard.set_identity(:'tenant');
SET LOCAL ROLE switchboard_app;
SELECT is(pg_temp.notes('{}', 1), '19 / 20', 'a supervisor all');
RESET ROLE;

SELECT throws_ok(format('SELECT switchboard.get_calls(%s)', args), code, NULL, 'get_calls refuses ' || args) FROM (VALUES
  ('''[]''', '22023'), ('''5''', '22023'), ('''{"color": "red"}''', '22023'), ('''{"status": "gone"}''', '22023'), ('''{"status": ["busy", 5]}''', '22023'), ('''{"status": {}}''', '22023'), ('''{"direction": "up"}''', '22023'),
  ('''{"campaign_id": "x"}''', '22023'), ('''{"user_id": 5}''', '22023'), ('''{"lead_id": []}''', '22023'), ('''{"phone": "junk"}''', 'SB001'), ('''{"phone": 5}''', '22023'), ('''{"from": "later"}''', '22023'), ('''{"to": 5}''', '22023'),
  ('''{"from": "2026-02-01", "to": "2026-01-01"}''', '22023'), ('''{"disposition": "sold"}''', '22023'), ('''{"search": true}''', '22023'), ('''{"before": "x"}''', '22023'), ('''{"before": "1_x"}''', '22023'),
  ('''{}'', 0', '22023'), ('''{}'', 501', '22023'), ('''{}'', NULL', '22023'), ('''{}'', 1, -1', '22023'), ('''{}'', 1, NULL', '22023')) v (args, code);
SELECT throws_like('SELECT switchboard.get_calls(''{"color": "red"}'')', '%color%', 'an unknown filter is named');

-- A page of a large table is read off an index.
INSERT INTO switchboard.call_logs (direction, to_number, started_at) SELECT 'outbound', '+12025550177', '2026-01-01'::timestamptz + i * interval '1 s' FROM generate_series(1, 20000) i;
ANALYZE switchboard.call_logs;
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql AS $$
  SELECT pg_stat_get_xact_tuples_returned(t.oid) + pg_stat_get_xact_tuples_fetched(t.oid)
  FROM (SELECT 'switchboard.call_logs'::regclass::oid AS oid) t $$;
SELECT switchboard.get_calls('{}', 20) ->> 'next' AS cursor \gset
SELECT pg_temp.rows_read() AS before \gset
SELECT is(jsonb_array_length(switchboard.get_calls(jsonb_build_object('before', :'cursor'), 50) -> 'calls'), 50, 'a page by its cursor');
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 500::bigint, 'does not read the table');

SELECT * FROM finish();
ROLLBACK;
