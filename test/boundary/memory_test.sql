-- Errors leave no memory behind, and running out of memory is an error like others (B8, B20).
SELECT plan(9);

CREATE FUNCTION resident_kb() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT 4 * split_part(pg_read_file('/proc/' || pg_backend_pid() || '/statm'), ' ', 2)::bigint
$$;
CREATE FUNCTION context_bytes() RETURNS numeric LANGUAGE sql VOLATILE AS $$
    SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN ('TopMemoryContext', 'ErrorContext', 'CacheMemoryContext')
$$;
-- Ten thousand errors of each kind, each in a subtransaction of its own.
CREATE FUNCTION fail_often(sql text, times int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        BEGIN
            EXECUTE sql;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;

SELECT ok(sb_raise_often(1000), 'a thousand caught errors');
SELECT lives_ok($$SELECT fail_often('SELECT sb_throw(''long'')', 100)$$, 'warm');
CREATE TEMP TABLE before AS SELECT resident_kb() AS resident, context_bytes() AS contexts;
SELECT ok(sb_raise_often(100000), 'a hundred thousand caught errors');
SELECT lives_ok($$SELECT fail_often('SELECT sb_throw(''domain'')', 10000)$$, 'ten thousand exceptions through the server');
SELECT lives_ok($$SELECT fail_often('SELECT sb_throw(''long'')', 2000)$$, 'two hundred megabytes of messages');
SELECT cmp_ok(context_bytes(), '<=', (SELECT contexts FROM before) + 65536, 'memory contexts have not grown');
SELECT cmp_ok(resident_kb(), '<', (SELECT resident FROM before) + 20000, 'nor has the process');

-- Out of memory for real: the process may grow by 64 MB more.
SELECT sb_limit_memory(64);
SELECT is((error_of('SELECT sb_allocate(512)')).sqlstate, '53200', 'memory that C++ does not get is an error');
SELECT is((error_of($$SELECT sb_run('SELECT length(repeat(''x'', 300000000))')$$)).sqlstate, '53200',
    'memory that the server does not get is one too, also below C++');

SELECT * FROM finish();
