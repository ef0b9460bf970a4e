-- Keys and the triggers that any table may use.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

CREATE TEMP TABLE made AS SELECT n, switchboard.uuid_v7() AS id FROM generate_series(1, 50000) n;
SELECT is(count(DISTINCT id), 50000::bigint, 'keys are unique') FROM made;
SELECT is(count(*), 0::bigint, 'and increase, also within a millisecond')
FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM made) t WHERE id <= before;
SELECT is(count(*), 0::bigint, 'they say that they are of version 7') FROM made WHERE substr(id::text, 15, 1) <> '7' OR substr(id::text, 20, 1) NOT IN ('8', '9', 'a', 'b');
SELECT ok(abs(extract(epoch FROM clock_timestamp()) * 1000 - ('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint) < 60000, 'and when they were made')
FROM made WHERE n = 1;
SELECT cmp_ok(count(DISTINCT right(id::text, 12)), '>', 49990::bigint, 'the rest is random') FROM made;

CREATE TEMP TABLE stamped (a int, updated_at timestamptz DEFAULT '2000-01-01');
CREATE TRIGGER stamp BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION switchboard.update_updated_at_column();
INSERT INTO stamped VALUES (1), (2);
UPDATE stamped SET a = 3 WHERE a = 1;
SELECT results_eq('SELECT a, updated_at FROM stamped ORDER BY a', $$VALUES (2, '2000-01-01'::timestamptz), (3, now())$$, 'updated_at is the time of the transaction');
UPDATE stamped SET updated_at = '1999-01-01';
SELECT is(count(*), 2::bigint, 'whatever the statement says') FROM stamped WHERE updated_at = now();
CREATE TEMP TABLE unstamped (a int);
INSERT INTO unstamped VALUES (1);
CREATE TRIGGER stamp BEFORE UPDATE ON unstamped FOR EACH ROW EXECUTE FUNCTION switchboard.update_updated_at_column();
SELECT throws_ok('UPDATE unstamped SET a = 2', '42703', 'table "unstamped" has no column "updated_at"', 'a table without the column');
CREATE TRIGGER stamp_late AFTER UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION switchboard.update_updated_at_column();
SELECT throws_ok('UPDATE stamped SET a = 2', '39P01', NULL, 'a trigger fired too late');
SELECT throws_ok('SELECT switchboard.update_updated_at_column()', '39P01', NULL, 'no plain function');

CREATE TRIGGER wake AFTER INSERT ON unstamped FOR EACH STATEMENT EXECUTE FUNCTION switchboard._wake_trigger();
SELECT lives_ok('INSERT INTO unstamped VALUES (1)', 'waking workers never hurts');
CREATE TRIGGER wake_row AFTER INSERT ON unstamped FOR EACH ROW EXECUTE FUNCTION switchboard._wake_trigger();
SELECT throws_ok('INSERT INTO unstamped VALUES (1)', '39P01', NULL, 'but not row by row');
SELECT lives_ok('SELECT switchboard._wake()', 'functions can wake too');

SELECT * FROM finish();
ROLLBACK;
