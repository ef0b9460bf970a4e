-- What a call system or voice agent is told about a triggered call, and how amounts, dates and hours are written in it.
-- For one person, variables (16 us), script (9 us) and package (10 us) take about 35 us together.

-- STABLE: how a country writes things changes with the data of ICU, and its time zones with theirs.
CREATE OR REPLACE FUNCTION switchboard.format_money(amount numeric, currency text, locale text DEFAULT 'en-US') RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_format_money';
REVOKE ALL ON FUNCTION switchboard.format_money(numeric, text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.format_money(numeric, text, text) IS
'An amount as people of a country write it: $849.99 in the United States. currency: ISO 4217; its decimals are shown, rounded half away from zero. locale: a language tag such as en-US or pt. Blanks are plain spaces. Databases whose encoding is not UTF-8 get the code of the currency, USD 849.99. Errors: 22023 unknown currency or locale, an amount that is no finite number.';

CREATE OR REPLACE FUNCTION switchboard.format_date(at timestamptz, timezone text, locale text DEFAULT 'en-US') RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_format_date';
REVOKE ALL ON FUNCTION switchboard.format_date(timestamptz, text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.format_date(timestamptz, text, text) IS
'The day it is at an instant in a time zone, in the long form of a country: November 14, 2026. timezone: an IANA name; locale: a language tag such as en-US or pt. Errors: 22023 unknown time zone or locale, 22008 infinite time.';

CREATE OR REPLACE FUNCTION switchboard._call_hours_text(opens time, closes time, timezone text, at timestamptz) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_call_hours_text';
REVOKE ALL ON FUNCTION switchboard._call_hours_text(time, time, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._call_hours_text(time, time, text, timestamptz) IS
'Hours as the package of a call has them, with what the time there is called on the local day of "at": 2:00 PM - 4:00 PM EST, in summer EDT, UTC-3 where it has no name. Errors: 22023 unknown time zone.';

CREATE OR REPLACE FUNCTION switchboard._call_package(
    customer_name text, phone_number text, product_name text, product_id uuid, discount_percent numeric, coupon_code text,
    reason text, campaign_name text, campaign_id uuid, original_price numeric, new_price numeric, call_script text,
    priority text, best_call_time text, customer_timezone text, purchase_history jsonb, call_trigger_id uuid,
    trigger_type text, customer_email text)
RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sb_call_package';
REVOKE ALL ON FUNCTION switchboard._call_package(text, text, text, uuid, numeric, text, text, text, uuid, numeric, numeric, text, text, text, text, jsonb, uuid, text, text)
  FROM PUBLIC;
COMMENT ON FUNCTION switchboard._call_package(text, text, text, uuid, numeric, text, text, text, uuid, numeric, numeric,
    text, text, text, text, jsonb, uuid, text, text) IS
'The package of a triggered call: its arguments as keys, discount_percent as discount ("15%"), and savings_amount, what the prices differ by (null when the second is higher). Every key is there; what is NULL is null, a history that is NULL is []. Money has two decimals; a price that is no finite number is null.';
