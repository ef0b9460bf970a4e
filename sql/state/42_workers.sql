-- Workers that have said hello. Derived, never dumped: a restored database has no workers.
-- A row is written at hello, when claims begin, and at most once a second while turns bring figures: under a snapshot held for
-- minutes a row updated every turn would become a chain of dead versions that every reader walks.
CREATE TABLE switchboard.worker_registry (
    worker text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('child', 'standalone')),
    pid int,
    host text,
    version text,
    backend_pid int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    in_flight int NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    p50_ms numeric,
    p99_ms numeric,
    last_error text
) WITH (fillfactor = 50);
COMMENT ON TABLE switchboard.worker_registry IS
'Workers that have said hello and not goodbye. A worker is alive while a session holds its advisory lock, see _worker_alive().';
COMMENT ON COLUMN switchboard.worker_registry.backend_pid IS 'Server process that last spoke for it.';
COMMENT ON COLUMN switchboard.worker_registry.started_at IS 'Last hello.';
COMMENT ON COLUMN switchboard.worker_registry.done IS 'Jobs done since its start, as the worker counts them.';
