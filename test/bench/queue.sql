-- Drivers of the queue benchmarks: they play the worker from inside the server, so that what is measured is the queue.
CREATE SCHEMA bench;

CREATE FUNCTION bench.hello(worker text) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._worker_hello(json_build_object('worker', worker, 'protocol', 1, 'kind', 'standalone'))
$$;

-- The payload of the dispatch benchmark: 500 bytes of JSON.
CREATE FUNCTION bench.payload() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('body', jsonb_build_object('text', repeat('x', 478)))
$$;

CREATE FUNCTION bench.enqueue(n int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.jobs (tenant_id, kind, payload)
    SELECT (SELECT id FROM switchboard.tenants LIMIT 1), 'webhook', bench.payload() FROM generate_series(1, n)
$$;

-- The request of a turn that finishes what the last one claimed and claims the next. keep_marks = false forgets the marks, as a
-- queue without them.
CREATE FUNCTION bench.request(worker text, last json, wanted int, discover boolean, keep_marks boolean DEFAULT true) RETURNS json
LANGUAGE plpgsql AS $$
BEGIN
    RETURN json_build_object(
        'worker', worker,
        'finished', (SELECT coalesce(json_agg(json_build_object('id', j -> 'id', 'token', j -> 'token', 'outcome', 'ok')), '[]')
                       FROM json_array_elements(last -> 'jobs') j),
        'claim', json_build_object('limit', wanted, 'discover', discover OR NOT keep_marks, 'default_cap', wanted,
                                   'lanes', CASE WHEN keep_marks THEN coalesce(last -> 'lanes', '[]') ELSE '[]' END));
END
$$;

CREATE TABLE bench.timing (label text, n int, ms double precision);

-- Milliseconds of a turn, one row each, without the commit.
CREATE PROCEDURE bench.turns(name text, turns int, wanted int) LANGUAGE plpgsql AS $$
DECLARE
    reply json := '{}';
    request json;
    started timestamptz;
    spent double precision;
BEGIN
    PERFORM bench.hello('bench');
    COMMIT;
    FOR i IN 1 .. turns LOOP
        request := bench.request('bench', reply, wanted, i = 1);
        started := clock_timestamp();
        reply := switchboard._worker_turn(request);
        spent := EXTRACT(epoch FROM clock_timestamp() - started) * 1000;
        COMMIT;
        INSERT INTO bench.timing VALUES (name, i, spent);
    END LOOP;
    PERFORM switchboard._worker_turn(bench.request('bench', reply, 0, false));
    COMMIT;
END
$$;

-- Jobs at a steady rate for a while: enqueue a hundred, take a turn, wait for the next tick. Slices of 5 s.
CREATE PROCEDURE bench.steady(name text, seconds int, rate int, keep_marks boolean) LANGUAGE plpgsql AS $$
DECLARE
    tick constant interval := interval '1 s' * 100 / rate;
    begun timestamptz := clock_timestamp();
    reply json := '{}';
    request json;
    discovered timestamptz := '-infinity';
    started timestamptz;
    spent double precision;
    n int := 0;
BEGIN
    PERFORM bench.hello('bench');
    COMMIT;
    WHILE clock_timestamp() < begun + seconds * interval '1 s' LOOP
        PERFORM bench.enqueue(100);
        COMMIT;
        request := bench.request('bench', reply, 100, clock_timestamp() > discovered + interval '5 s', keep_marks);
        started := clock_timestamp();
        reply := switchboard._worker_turn(request);
        spent := EXTRACT(epoch FROM clock_timestamp() - started) * 1000;
        COMMIT;
        IF started > discovered + interval '5 s' THEN
            discovered := started;
        END IF;
        INSERT INTO bench.timing VALUES (name, (EXTRACT(epoch FROM started - begun) / 5)::int, spent);
        COMMIT;
        n := n + 1;
        PERFORM pg_sleep(greatest(0, EXTRACT(epoch FROM begun + n * tick - clock_timestamp())));
    END LOOP;
    PERFORM switchboard._worker_turn(bench.request('bench', reply, 0, false));
    COMMIT;
END
$$;

CREATE PROCEDURE bench.drain(worker text, wanted int) LANGUAGE plpgsql AS $$
DECLARE
    reply json := '{}';
BEGIN
    PERFORM bench.hello(worker);
    COMMIT;
    LOOP
        reply := switchboard._worker_turn(bench.request(worker, reply, wanted, true));
        COMMIT;
        EXIT WHEN json_array_length(reply -> 'jobs') = 0;
    END LOOP;
END
$$;

INSERT INTO switchboard.tenants (name) VALUES ('bench');
