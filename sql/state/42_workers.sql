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
COMMENT ON COLUMN switchboard.worker_registry.worker IS 'Key it said hello with.';
COMMENT ON COLUMN switchboard.worker_registry.kind IS 'child of a background worker, or standalone.';
COMMENT ON COLUMN switchboard.worker_registry.pid IS 'Its process.';
COMMENT ON COLUMN switchboard.worker_registry.host IS 'Where it runs.';
COMMENT ON COLUMN switchboard.worker_registry.version IS 'Version of the program.';
COMMENT ON COLUMN switchboard.worker_registry.seen_at IS 'When it last brought figures.';
COMMENT ON COLUMN switchboard.worker_registry.in_flight IS 'Transfers it had running then.';
COMMENT ON COLUMN switchboard.worker_registry.failed IS 'Jobs failed since its start, as the worker counts them.';
COMMENT ON COLUMN switchboard.worker_registry.p50_ms IS 'Median time of a transfer.';
COMMENT ON COLUMN switchboard.worker_registry.p99_ms IS 'Time that 99 of 100 transfers stay under.';
COMMENT ON COLUMN switchboard.worker_registry.last_error IS 'What went wrong last.';
COMMENT ON COLUMN switchboard.worker_registry.backend_pid IS 'Server process that last spoke for it.';
COMMENT ON COLUMN switchboard.worker_registry.started_at IS 'Last hello.';
COMMENT ON COLUMN switchboard.worker_registry.done IS 'Jobs done since its start, as the worker counts them.';
