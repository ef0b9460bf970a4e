-- The functions that break things, in the database of the test.
\set ON_ERROR_STOP 1
CREATE FUNCTION sb_throw(what text) RETURNS text LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_live() RETURNS int LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_handling() RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_run(sql text) RETURNS text LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_run_with_context(sql text, line text) RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_run_in_vain(sql text) RETURNS text LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_compute() RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_allocate(megabytes int) RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_allocate_too_much() RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_guard_restores() RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_guard_survives_throw() RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_raise_at_depth(depth int) RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_raise_often(times int) RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_raise_every_field() RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_sleep() RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_limit_memory(megabytes int) RETURNS boolean LANGUAGE c STRICT AS 'switchboard_boundary';
CREATE FUNCTION sb_start_worker() RETURNS void LANGUAGE c STRICT AS 'switchboard_boundary';

-- What an error says, all of it.
CREATE TYPE diagnostics AS (
    sqlstate text, message text, detail text, hint text, context text,
    schema_name text, table_name text, column_name text, datatype_name text, constraint_name text);
CREATE FUNCTION error_of(sql text) RETURNS diagnostics LANGUAGE plpgsql AS $$
DECLARE
    d diagnostics;
BEGIN
    EXECUTE sql;
    RETURN NULL;
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS d.sqlstate = RETURNED_SQLSTATE, d.message = MESSAGE_TEXT, d.detail = PG_EXCEPTION_DETAIL,
        d.hint = PG_EXCEPTION_HINT, d.context = PG_EXCEPTION_CONTEXT, d.schema_name = SCHEMA_NAME,
        d.table_name = TABLE_NAME, d.column_name = COLUMN_NAME, d.datatype_name = PG_DATATYPE_NAME,
        d.constraint_name = CONSTRAINT_NAME;
    RETURN d;
END
$$;
