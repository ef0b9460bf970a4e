-- Calling windows. STABLE, not IMMUTABLE: the rules of time zones change.

CREATE OR REPLACE FUNCTION switchboard.next_call_time(after timestamptz, timezone text, active_hours jsonb)
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_next_call_time';
REVOKE ALL ON FUNCTION switchboard.next_call_time(timestamptz, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.next_call_time(timestamptz, text, jsonb) IS
'The earliest instant not before "after" inside the calling window, by the wall clock of the time zone; NULL if there is none within a year. active_hours: {"start":"09:00","end":"17:00"} or {"mon":[["09:00","12:00"],...],...}, with optional "days":["mon",...] (on which a window starts) and "holidays":["2026-12-25",...]. The end is exclusive, may be 24:00, and before the start means past midnight. Errors: 22023 malformed hours or unknown time zone, 22008 infinite timestamp.';

CREATE OR REPLACE FUNCTION switchboard._hours_within(hours jsonb, outer_hours jsonb)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_hours_within';
REVOKE ALL ON FUNCTION switchboard._hours_within(jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._hours_within(jsonb, jsonb) IS
'Whether calling hours are inside others at every minute of the wall clock, holidays included. Errors: 22023 malformed hours.';

CREATE OR REPLACE FUNCTION switchboard._check_contact_zone() RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
-- One contact in a zone that nobody knows would stop every campaign that meets it.
BEGIN
    PERFORM switchboard.next_call_time(now(), new.timezone, '{"start":"00:00","end":"24:00"}');
    RETURN new;
END
$$;
REVOKE ALL ON FUNCTION switchboard._check_contact_zone() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._check_contact_zone() IS
'Trigger on contacts: refuses time zones that next_call_time() does not know (22023).';

CREATE OR REPLACE TRIGGER contacts_zone BEFORE INSERT OR UPDATE OF timezone ON switchboard.contacts
    FOR EACH ROW WHEN (new.timezone IS NOT NULL) EXECUTE FUNCTION switchboard._check_contact_zone();
COMMENT ON TRIGGER contacts_zone ON switchboard.contacts IS 'Refuses time zones that nobody knows.';

CREATE OR REPLACE FUNCTION switchboard._hours_without(holidays jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('start', '00:00', 'end', '24:00', 'holidays', coalesce(nullif(holidays, 'null'), '[]'))
$$;
REVOKE ALL ON FUNCTION switchboard._hours_without(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._hours_without(jsonb) IS 'Calling hours that are always open but on these days, ["2026-12-25", ...].';

CREATE OR REPLACE FUNCTION switchboard._check_tenant_hours() RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM switchboard.next_call_time(now(), new.timezone,
        coalesce(new.settings -> 'calling_hours', '{"start":"00:00","end":"24:00"}'));
    PERFORM switchboard.next_call_time(now(), new.timezone, switchboard._hours_without(new.settings -> 'holidays'));
    PERFORM switchboard.try_normalize_phone('0', new.default_region);
    RETURN new;
END
$$;
REVOKE ALL ON FUNCTION switchboard._check_tenant_hours() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._check_tenant_hours() IS
'Trigger on tenants: refuses time zones, settings.calling_hours and settings.holidays that next_call_time() does not understand,
and a default_region that normalize_phone() does not know (22023).';

CREATE OR REPLACE TRIGGER tenants_hours BEFORE INSERT OR UPDATE OF timezone, settings, default_region ON switchboard.tenants
    FOR EACH ROW EXECUTE FUNCTION switchboard._check_tenant_hours();
COMMENT ON TRIGGER tenants_hours ON switchboard.tenants IS 'Refuses calling hours that nobody can follow, and regions that do not exist.';
