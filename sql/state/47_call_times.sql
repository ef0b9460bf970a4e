-- When people answer, counted from the calls (57_call_times.sql). Derived, therefore not dumped: maintenance makes it anew.

CREATE TABLE switchboard.call_time_cells (
    tenant_id uuid NOT NULL,
    segment text NOT NULL,
    tried bigint[] NOT NULL,
    reached bigint[] NOT NULL,
    rates float8[] NOT NULL,
    refreshed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, segment),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (cardinality(tried) = 168 AND cardinality(reached) = 168 AND cardinality(rates) = 168)
);
COMMENT ON TABLE switchboard.call_time_cells IS
'Calls of the last half year to similar people, by the hour of the week on their clocks, and what is concluded from them.';
COMMENT ON COLUMN switchboard.call_time_cells.segment IS 'Country and whether a company is known: "US company", "DE private", private; all: everybody.';
COMMENT ON COLUMN switchboard.call_time_cells.tried IS 'Calls by hour of the week; the first is Monday, 00:00 to 01:00.';
COMMENT ON COLUMN switchboard.call_time_cells.reached IS 'Of these answered, not by a machine or fax as far as the provider could tell.';
COMMENT ON COLUMN switchboard.call_time_cells.rates IS 'Share of calls that is expected to be answered, see docs/call-times.md.';
COMMENT ON COLUMN switchboard.call_time_cells.refreshed_at IS 'As of when.';
