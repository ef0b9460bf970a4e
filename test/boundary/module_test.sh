#!/usr/bin/env bash
# What the loaded module does to a process: no threads (B13), no network libraries (B13, B14), nothing inherited from the
# postmaster that ought to be each session's own (B17), nothing at all during pg_upgrade (B17), no abort on bad input (B22).
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$1
failed=0
check() { # WHAT EXPECTED GOT
  if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "not ok: $1: expected \"$2\", got \"$3\""; failed=1; fi
}
sql() { psql -XqAt -v VERBOSITY=sqlstate "$@" 2>&1; }
sql -c 'CREATE EXTENSION pg_switchboard'

# Every function has been used once; the process is still one thread and has opened no socket of its own.
check "no function starts a thread or opens a socket" '1|same' "$(sql <<'SQL'
CREATE TEMP TABLE fds (line text);
CREATE FUNCTION pg_temp.sockets() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM fds;
  EXECUTE format('COPY fds FROM PROGRAM %L', 'ls -l /proc/' || pg_backend_pid() || '/fd');
  SELECT count(*) INTO n FROM fds WHERE line LIKE '%socket:%';
  RETURN n;
END $$;
CREATE TEMP TABLE before AS SELECT pg_temp.sockets() AS n;
DO $$ BEGIN
  PERFORM switchboard.normalize_phone('+14155550100'), switchboard.phone_timezones('+14155550100'), switchboard.uuid_v7(),
    switchboard.next_call_time(now(), 'Europe/Berlin', '{"start":"09:00","end":"17:00"}'),
    switchboard.render_template('{{x}}', '{"x":1}'), switchboard.format_money(1, 'EUR', 'de'), switchboard.format_date(now(), 'Europe/Berlin', 'fr'),
    switchboard.sms_segments('x'), switchboard.generate_coupon_code('x', 1),
    switchboard.webhook_signature_ok('twilio', 'x', 'https://x', '{}', '');
END $$;
SELECT (SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/task')),
       CASE WHEN pg_temp.sockets() = n THEN 'same' ELSE 'more' END FROM before;
SQL
)"

needed=$(objdump -p "$root/pg_switchboard.so" | awk '$1 == "NEEDED" {print $2}' |
  grep -vE '^(libphonenumber|libicui18n|libicuuc|libdate-tz|libcrypto|libstdc\+\+|libm|libgcc_s|libc|ld-linux[^.]*)\.so' | tr '\n' ' ')
check "the module needs no library that talks to the network" '' "$needed"

# Preloaded, the random source must not have been touched in the postmaster.
a=$(sql -c 'SELECT right(switchboard.uuid_v7()::text, 12)')
b=$(sql -c 'SELECT right(switchboard.uuid_v7()::text, 12)')
[ "$a" != "$b" ] && echo "ok: sessions share no random state" || { echo "not ok: two sessions made the same random bits"; failed=1; }

deep=$(printf '[%.0s' $(seq 3000))$(printf ']%.0s' $(seq 3000))
check "deeply nested headers are refused" 'ERROR:  54000' \
  "$(sql -c "SELECT switchboard.webhook_signature_ok('twilio', 's', 'https://x', '{\"a\":$deep}', '')")"
check "a wrong type in the hours is refused" 'ERROR:  22023' "$(sql -c "SELECT switchboard.next_call_time(now(), 'UTC', '[1]')")"
check "a wrong type in the headers is refused" 'ERROR:  22023' \
  "$(sql -c "SELECT switchboard.webhook_signature_ok('twilio', 's', 'https://x', '7', '')")"
check "a wrong type in the body is no signature" f \
  "$(sql -c "SELECT switchboard.webhook_signature_ok('vonage', 's', 'https://x', '{}', '[[[{\"sig\":7}]]]')")"

# pg_upgrade starts the server in a mode of its own: the module keeps still.
"$root/test/tools/cluster" start "$scratch/upgrade" "${PGPORT:-5432}" "shared_preload_libraries = 'pg_switchboard'" >/dev/null
"$root/test/tools/cluster" stop "$scratch/upgrade"
as_server_user() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
bin=$("${PG_CONFIG:-pg_config}" --bindir)
as_server_user "$bin/pg_ctl" -D "$scratch/upgrade/data" -l "$scratch/upgrade/log" -w -s -o '-b' start >/dev/null </dev/null
check "in binary upgrade mode no setting is defined" '0|0' \
  "$(PGHOST=$scratch/upgrade psql -XqAt -d postgres -c "SELECT (SELECT count(*) FROM pg_settings WHERE name LIKE 'switchboard.%'),
     (SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%switchboard%')" 2>&1)"
"$root/test/tools/cluster" destroy "$scratch/upgrade"
exit $failed
