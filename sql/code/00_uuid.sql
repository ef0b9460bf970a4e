-- Keys of all tables.

CREATE OR REPLACE FUNCTION switchboard.uuid_v7() RETURNS uuid
LANGUAGE c VOLATILE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_uuid_v7';
REVOKE ALL ON FUNCTION switchboard.uuid_v7() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.uuid_v7() IS
'A new UUID of version 7 (RFC 9562): ordered by time of creation; the values one session makes always increase, also within a millisecond. The rest is random.';
