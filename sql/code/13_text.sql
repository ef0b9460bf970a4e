-- Templates, text messages, coupon codes.

CREATE OR REPLACE FUNCTION switchboard.render_template(body text, vars jsonb) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_render_template';
REVOKE ALL ON FUNCTION switchboard.render_template(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.render_template(text, jsonb) IS
'Renders a Mustache template: variables (never HTML-escaped), sections, inverted sections, comments, set delimiters; no partials, no lambdas. Errors: SB012 naming an interpolated variable that is absent, 22023 malformed template or variables, 54000 more than 1 MB of output or sections nested too deeply.';

CREATE OR REPLACE FUNCTION switchboard._render_or_null(body text, vars jsonb) RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_render_or_null';
REVOKE ALL ON FUNCTION switchboard._render_or_null(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._render_or_null(text, jsonb) IS
'As render_template(), NULL where that is an error. A template is parsed once per statement.';

-- STABLE: what one visible character is (it is never split) changes with Unicode.
CREATE OR REPLACE FUNCTION switchboard.sms_segments(
    body text, OUT encoding text, OUT segments integer, OUT units integer)
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_sms_segments';
REVOKE ALL ON FUNCTION switchboard.sms_segments(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.sms_segments(text) IS
'How a text is sent by SMS: encoding GSM-7 or UCS-2, number of parts billed, and its length in septets (GSM-7) or 16-bit units (UCS-2).';

CREATE OR REPLACE FUNCTION switchboard.generate_coupon_code(reason text, discount_percent numeric) RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_generate_coupon_code';
REVOKE ALL ON FUNCTION switchboard.generate_coupon_code(text, numeric) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.generate_coupon_code(text, numeric) IS
'A new code REASON-NN-XXXXXX: the reason in capitals, the discount in whole per cent, six characters of a cryptographic random source without look-alikes. Errors: 22023 discount outside 0 to 100.';
