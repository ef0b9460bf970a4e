-- The event feed: numbers, positions, gaps, who sees what, what is refused. Races of transactions are in the isolation specs.
BEGIN;
SELECT no_plan();
\ir support/sample_data.sql
SELECT sample.fill('acme');
SELECT sample.fill('globex');
SELECT sample.tenant('acme') AS acme, sample.tenant('globex') AS globex, sample.user_id('acme', 'agent') AS agent,
       sample.user_id('acme', 'colleague') AS colleague, sample.user_id('acme', 'supervisor') AS boss \gset

-- Numbers.
DELETE FROM switchboard.events;
DELETE FROM switchboard.feed_floors;
SELECT switchboard._last_event() AS start \gset
SELECT switchboard._add_event(:'acme', 'one', :'agent', '{"n": 1}', :'agent');
SELECT switchboard._add_event(:'acme', 'two', NULL, '{"n": 2}');
SELECT switchboard._add_event(:'globex', 'foreign', NULL, '{}');
INSERT INTO switchboard.events (tenant_id, event, user_id) VALUES (:'acme', 'three', :'colleague'), (:'acme', 'four', NULL);
SELECT results_eq(format('SELECT seq - %s, event FROM switchboard.events ORDER BY seq', :start),
                  $$VALUES (1::bigint, 'one'), (2::bigint, 'two'), (3::bigint, 'foreign'), (4::bigint, 'three'), (5::bigint, 'four')$$,
                  'numbers follow one another, over all tenants');
SELECT is(switchboard._last_event(), :start + 5::bigint, 'the last number given');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock' AND objsubid < 0), 2::bigint,
          'a transaction holds the feed of each tenant once');
INSERT INTO switchboard.events (seq, tenant_id, event) VALUES (:start + 100, :'acme', 'restored');
SELECT is((SELECT max(seq) FROM switchboard.events), :start + 100::bigint, 'a restored event keeps its number');
SELECT is(switchboard._last_event(), :start + 5::bigint, 'and moves no other');
DELETE FROM switchboard.events WHERE event = 'restored';
DELETE FROM switchboard.feed_floors;
SELECT throws_ok($$INSERT INTO switchboard.events (tenant_id, event) VALUES (NULL, 'nobody''s')$$, '23502', NULL, 'an event belongs to a tenant');
SELECT throws_ok($$SELECT switchboard._number_event()$$, '39P01', NULL, 'a trigger is no function');

-- Who sees what. The own transaction's events are seen like any own row.
GRANT USAGE ON SCHEMA sample TO PUBLIC;
CREATE ROLE feed_gateway LOGIN IN ROLE switchboard_gateway;
SET SESSION AUTHORIZATION feed_gateway;
SELECT throws_ok('SELECT * FROM switchboard.events_since(0)', '42501', 'the session acts for no tenant', 'nobody sees nothing');
SELECT throws_ok('SELECT switchboard.feed_position()', '42501', 'the session acts for no tenant', 'nor where it ends');
SELECT switchboard.set_identity(:'acme', :'agent');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(0)), '{one,two,four}', 'an agent: what concerns them or everybody');
SELECT switchboard.set_identity(:'acme', :'boss');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(0)), '{one,two,three,four}', 'a supervisor: all of the tenant');
SELECT switchboard.set_identity(:'acme');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(0)), '{one,two,three,four}', 'a gateway for the tenant: all');
SELECT is((SELECT array_agg(event) FROM switchboard._feed_page(:'acme', 0, 10)), '{one,two,three,four}', 'and by pages');
SELECT is((SELECT array_agg(event) FROM switchboard._feed_page(:'globex', 0, 10)), '{foreign}', 'of any tenant that it serves');

-- Positions.
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(:start + 2)), '{three,four}', 'what follows a position');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(:start, 2)), '{one,two}', 'at most so many, the first');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(NULL)), '{one,two,three,four}', 'null: all that is kept');
SELECT is(switchboard.feed_position(), :start + 5::bigint, 'a new reader starts at the last event');
SELECT is_empty('SELECT * FROM switchboard.events_since(switchboard.feed_position())', 'after which there is nothing');
SELECT is(switchboard._feed_position(:'globex'), :start + 3::bigint, 'each tenant has its own');
SELECT is((SELECT array_agg(event) FROM switchboard._feed_page(:'acme', 0, 10, :start + 2)), '{one,two}', 'a page up to what was announced');
SELECT is((SELECT to_jsonb(e) - 'created_at' FROM switchboard.events_since(0, 1) e),
          jsonb_build_object('seq', :start + 1, 'tenant_id', :'acme', 'event', 'one', 'subject_id', :'agent', 'user_id', :'agent', 'data', '{"n": 1}'::jsonb),
          'all there is to say about an event');
SELECT throws_ok('SELECT * FROM switchboard.events_since(-1)', '22023', 'seq must not be negative, not -1', 'no position before all');
SELECT throws_ok('SELECT * FROM switchboard.events_since(0, 0)', '22023', 'max_rows must be 1 to 10000, not 0', 'no empty pages');
SELECT throws_ok('SELECT * FROM switchboard.events_since(0, 10001)', '22023', 'max_rows must be 1 to 10000, not 10001', 'no endless ones');
SELECT throws_ok('SELECT * FROM switchboard.events_since(0, NULL)', '22023', 'max_rows must be 1 to 10000, not null', 'nor unbounded ones');
SELECT throws_ok(format('SELECT * FROM switchboard._feed_page(%L, -1, 10)', :'acme'), '22023', NULL, 'gateways likewise');
SELECT throws_ok('SELECT switchboard._announce_events(NULL, false)', '42501', NULL, 'announcing is the workers'' business');

-- Positions of another life: the database was restored.
SELECT results_eq('SELECT event, seq, data FROM switchboard.events_since(switchboard._last_event() + 1)',
                  format('SELECT %L, %s::bigint, jsonb_build_object(%L, %s, %L, %L)', 'feed-gap', :start + 5, 'after', :start + 6, 'reason', 'restored'),
                  'who is ahead of the feed is told, and where to go on');
RESET SESSION AUTHORIZATION;

-- What is removed leaves a gap for those who had not read it.
DELETE FROM switchboard.events WHERE event IN ('one', 'three');
SELECT is((SELECT f.seq FROM switchboard.feed_floors f WHERE f.tenant_id = :'acme'), :start + 4::bigint, 'the highest number that was removed');
SELECT is((SELECT count(*) FROM switchboard.feed_floors f WHERE f.tenant_id = :'globex'), 0::bigint, 'of that tenant');
SET SESSION AUTHORIZATION feed_gateway;
SELECT switchboard.set_identity(:'acme', :'agent');
SELECT results_eq('SELECT event, seq, data FROM switchboard.events_since(1, 500)',
                  format($$VALUES ('feed-gap', %s::bigint, '{"after": 1, "reason": "removed"}'::jsonb), ('four', %s, '{}')$$, :start + 4, :start + 5),
                  'a gap, and what comes after it');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(:start + 3)), '{feed-gap,four}', 'whoever missed one has missed something');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(:start + 4)), '{four}', 'whoever goes on from there has not');
SELECT is((SELECT array_agg(event) FROM switchboard.events_since(NULL)), '{four}', 'nor has whoever asks for what is kept');
SELECT is((SELECT array_agg(event) FROM switchboard._feed_page(:'acme', 0, 10)), '{feed-gap,four}', 'the same for gateways');
SELECT is((SELECT array_agg(event) FROM switchboard._feed_page(:'acme', 0, 10, :start + 2)), '{feed-gap}', 'up to what was announced');
SELECT is((SELECT seq FROM switchboard._feed_page(:'acme', 0, 10, :start + 2)), :start + 2::bigint, 'and no further');
RESET SESSION AUTHORIZATION;
DELETE FROM switchboard.events WHERE tenant_id = :'acme';
SELECT is(switchboard._feed_position(:'acme'), :start + 5::bigint, 'a feed of which nothing is left ends where it ended');
UPDATE switchboard.feed_floors SET seq = :start + 1000 WHERE tenant_id = :'acme';
SELECT switchboard._add_event(:'acme', 'five', NULL, '{}');
DELETE FROM switchboard.events WHERE event = 'five';
SELECT is((SELECT f.seq FROM switchboard.feed_floors f WHERE f.tenant_id = :'acme'), :start + 1000::bigint, 'a floor never sinks');
DELETE FROM switchboard.tenants WHERE id = :'globex';
SELECT is((SELECT count(*) FROM switchboard.feed_floors f WHERE f.tenant_id = :'globex'), 0::bigint, 'a tenant that goes leaves none');

-- Savepoints.
SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock' AND objsubid < 0 \gset
INSERT INTO switchboard.tenants (name) SELECT 'tenant ' || n FROM generate_series(1, 60) n;
SAVEPOINT many;
INSERT INTO switchboard.events (tenant_id, event) SELECT t.id, 'each' FROM switchboard.tenants t WHERE t.name LIKE 'tenant %' ORDER BY t.id;
SELECT cmp_ok((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock' AND objsubid < 0), '<=', 35::bigint,
              'one transaction holds so many tenants by themselves, then all of them at once');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid < 0 AND classid::oid = 0), 1::bigint, 'all of them');
ROLLBACK TO many;
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock' AND objsubid < 0), :held::bigint,
          'a savepoint that is rolled back holds nothing');
SELECT switchboard._add_event(t.id, 'again', NULL, '{}') FROM switchboard.tenants t WHERE t.name = 'tenant 1';
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND mode = 'ShareLock' AND objsubid < 0), :held + 1::bigint,
          'and a number after it is held anew');

SELECT finish();
ROLLBACK;
