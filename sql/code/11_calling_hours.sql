-- Calling windows. STABLE, not IMMUTABLE: the rules of time zones change.

CREATE OR REPLACE FUNCTION switchboard.next_call_time(after timestamptz, timezone text, active_hours jsonb)
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_next_call_time';
REVOKE ALL ON FUNCTION switchboard.next_call_time(timestamptz, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.next_call_time(timestamptz, text, jsonb) IS
'The earliest instant not before "after" inside the calling window, by the wall clock of the time zone; NULL if there is none within a year. active_hours: {"start":"09:00","end":"17:00"} or {"mon":[["09:00","12:00"],...],...}, with optional "days":["mon",...] (on which a window starts) and "holidays":["2026-12-25",...]. The end is exclusive, may be 24:00, and before the start means past midnight. Errors: 22023 malformed hours or unknown time zone, 22008 infinite timestamp.';
