#!/usr/bin/env bash
# Text in databases of other encodings (B23): the same answers, and errors that can be read.
set -uo pipefail
failed=0
check() { # WHAT EXPECTED GOT
  if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "not ok: $1: expected \"$2\", got \"$3\""; failed=1; fi
}
for encoding in LATIN1 SQL_ASCII EUC_JP; do
  psql -XqAt -c "CREATE DATABASE \"$encoding\" TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'" || exit 1
  PGDATABASE=$encoding psql -XqAt -c 'CREATE EXTENSION pg_switchboard' -c "INSERT INTO switchboard.tenants (name) VALUES ('x')" || exit 1
done
sql() { PGCLIENTENCODING=$1 PGDATABASE=$2 psql -XqAt -v VERBOSITY=verbose -c "$3" 2>&1 | grep -v LOCATION; }

check "Latin 1 goes in and out" 'café' "$(sql UTF8 LATIN1 "SELECT switchboard.render_template('{{x}}', '{\"x\":\"café\"}')")"
check "a text of Latin 1 is counted by characters" '(GSM-7,1,4)' "$(sql UTF8 LATIN1 "SELECT switchboard.sms_segments('café')")"
check "an error names the value" 'ERROR:  SB001: not a phone number: "café"' \
  "$(sql UTF8 LATIN1 "SELECT switchboard.normalize_phone('café', 'FR')" | head -n 1)"
check "Japanese goes in and out" '日本' "$(sql UTF8 EUC_JP "SELECT switchboard.render_template('{{x}}', '{\"x\":\"日本\"}')")"
check "and is counted in 16-bit units" '(UCS-2,1,2)' "$(sql UTF8 EUC_JP "SELECT switchboard.sms_segments('日本')")"
check "a name that is not of the encoding still makes an error" '22P05' \
  "$(sql UTF8 LATIN1 "SELECT switchboard.render_template(E'{{\\u20ac}}', '{}')" | grep -oE '22P05|SB012' | head -n 1)"
check "currencies whose sign is not of the encoding have a code" 'EUR 5.00' "$(sql UTF8 LATIN1 "SELECT switchboard.format_money(5, 'EUR')")"
check "dates of Latin 1 are written" '1. März 2026' "$(sql UTF8 LATIN1 "SELECT switchboard.format_date('2026-03-01 12:00Z', 'UTC', 'de')")"
check "built-in scripts are decoded one by one" 'Guten Tag' "$(sql UTF8 EUC_JP "SELECT left(switchboard._script_template(NULL, 'promotion', 'de', t.id), 9) FROM switchboard.tenants t" | head -n 1)"
check "SQL_ASCII: UTF-8 is taken as such" '(UCS-2,1,2)' "$(sql SQL_ASCII SQL_ASCII "SELECT switchboard.sms_segments('日本')")"
check "SQL_ASCII: what is no UTF-8 is refused" '22021' \
  "$(sql SQL_ASCII SQL_ASCII "SELECT switchboard.sms_segments(E'\\xff')" | grep -oE '[0-9]{5}' | head -n 1)"
exit $failed
