-- Phone numbers, by libphonenumber. Its data changes with its version, so nothing here is IMMUTABLE: do not index
-- an expression of these functions, store their result. About 20 microseconds a number; the first call of a session
-- takes some 6 ms to load the data.

-- SECURITY DEFINER protects: the caller may lack a grant on tenants; it learns its own tenant's region only.
CREATE OR REPLACE FUNCTION switchboard._default_region() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.default_region FROM switchboard.tenants t WHERE t.id = switchboard.current_tenant_id()
$$;
REVOKE ALL ON FUNCTION switchboard._default_region() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._default_region() IS
'Default region of the caller''s tenant (ISO 3166-1 alpha-2); NULL for nobody.';

CREATE OR REPLACE FUNCTION switchboard.normalize_phone(raw text, region text DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_normalize_phone';
REVOKE ALL ON FUNCTION switchboard.normalize_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.normalize_phone(text, text) IS
'E.164 of every possible number (a length its country uses; the range need not be assigned). raw: national (then region, ISO 3166-1 alpha-2, says where; NULL: the tenant''s default_region), international, tel:, sip:number@host, whatsapp:+number or a WhatsApp JID. An extension is dropped. NULL for NULL. Errors: SB001 not a phone number, 22023 unknown region.';

CREATE OR REPLACE FUNCTION switchboard.try_normalize_phone(raw text, region text DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_try_normalize_phone';
REVOKE ALL ON FUNCTION switchboard.try_normalize_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.try_normalize_phone(text, text) IS
'What normalize_phone returns, NULL where it raises SB001. Errors: 22023 unknown region.';

CREATE OR REPLACE FUNCTION switchboard.phone_is_valid(phone text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_is_valid';
REVOKE ALL ON FUNCTION switchboard.phone_is_valid(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.phone_is_valid(text) IS
'Whether the range of an international number is assigned. False for what is not a phone number.';

CREATE OR REPLACE FUNCTION switchboard.phone_region(phone text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_region';
REVOKE ALL ON FUNCTION switchboard.phone_region(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.phone_region(text) IS
'ISO 3166-1 alpha-2 region of an international number; NULL for numbers of no country and for what is not a number.';

CREATE OR REPLACE FUNCTION switchboard.phone_type(phone text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_type';
REVOKE ALL ON FUNCTION switchboard.phone_type(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.phone_type(text) IS
'Kind of an international number: fixed_line, mobile, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip, personal_number, pager, uan, voicemail or unknown.';

CREATE OR REPLACE FUNCTION switchboard.format_phone(phone text, style text DEFAULT 'international') RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_format_phone';
REVOKE ALL ON FUNCTION switchboard.format_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.format_phone(text, text) IS
'An international number as people write it. style: international, national, e164 or rfc3966. Errors: SB001 not a phone number, 22023 unknown style.';

CREATE OR REPLACE FUNCTION switchboard.phone_timezones(phone text) RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_timezones';
REVOKE ALL ON FUNCTION switchboard.phone_timezones(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.phone_timezones(text) IS
'Candidate IANA time zones of an international number''s prefix, sorted; empty for numbers of no place and unknown ones.';

CREATE OR REPLACE FUNCTION switchboard.phone_subdivision(phone text) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_subdivision';
REVOKE ALL ON FUNCTION switchboard.phone_subdivision(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.phone_subdivision(text) IS
'State or province (ISO 3166-2: US-FL, CA-ON) of a US or Canadian number, by its prefix; NULL for other numbers and where it is not known. People move and keep their numbers: it is a guess.';

-- All that the dialer chooses rules by, in one look: region, subdivision (both empty where unknown), then the zones. Some 2
-- microseconds for area codes of the US and Canada and for blocks of 10,000 numbers met before, else some 40.
CREATE OR REPLACE FUNCTION switchboard._phone_place(phone text) RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_phone_place';
REVOKE ALL ON FUNCTION switchboard._phone_place(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._phone_place(text) IS
'Region, subdivision (empty where unknown) and candidate time zones of an E.164 number, in one array.';
