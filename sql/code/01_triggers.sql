-- Triggers that any table may use.

CREATE OR REPLACE FUNCTION switchboard.update_updated_at_column() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_update_updated_at_column';
REVOKE ALL ON FUNCTION switchboard.update_updated_at_column() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.update_updated_at_column() IS
'Trigger BEFORE UPDATE FOR EACH ROW: sets updated_at to the time of the transaction. Errors: 39P01 when fired in another way, 42703 when the table has no such column.';

CREATE OR REPLACE FUNCTION switchboard._wake_trigger() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_wake_trigger';
REVOKE ALL ON FUNCTION switchboard._wake_trigger() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._wake_trigger() IS
'Trigger FOR EACH STATEMENT: the background workers of this database wake up when the transaction has committed. Does nothing when the module is not preloaded. Errors: 39P01 when fired in another way.';

CREATE OR REPLACE FUNCTION switchboard._wake() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_wake';
REVOKE ALL ON FUNCTION switchboard._wake() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._wake() IS
'What _wake_trigger does, for functions: the background workers of this database wake up when the transaction has committed.';
