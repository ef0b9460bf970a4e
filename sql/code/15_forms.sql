-- Forms and query strings.

CREATE OR REPLACE FUNCTION switchboard._parse_form(form bytea) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_parse_form';
REVOKE ALL ON FUNCTION switchboard._parse_form(bytea) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._parse_form(bytea) IS
'The fields of an application/x-www-form-urlencoded body or a query string, decoded, as a JSON object of text; a field that is repeated is an array. Errors: 22023 a NUL, or not UTF-8.';

CREATE OR REPLACE FUNCTION switchboard._url_encode(value text) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_url_encode';
REVOKE ALL ON FUNCTION switchboard._url_encode(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._url_encode(text) IS
'Text for a URL: everything but RFC 3986 unreserved characters as %XX of its UTF-8 bytes.';
