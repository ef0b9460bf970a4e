#!/usr/bin/env bash
# Cancel, timeout and termination of what runs in C++ or waits below it (B11, B12).
set -uo pipefail
scratch=$1
failed=0
check() { # WHAT EXPECTED GOT
  if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "not ok: $1: expected \"$2\", got \"$3\""; failed=1; fi
}
sql() { psql -XqAt -v VERBOSITY=sqlstate "$@" 2>&1; }

# Runs SQL in a session of its own, waits until it is active, applies FUNCTION to its pid; leaves its output in $out.
interrupted() { # FUNCTION SQL
  local pid session tries=0
  PGAPPNAME=interrupted timeout 60 psql -XqAt -v VERBOSITY=sqlstate \
    <<<"$2; SELECT sb_live(), sb_handling(), sb_guard_restores();" >"$scratch/interrupted" 2>&1 &
  session=$!
  until pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'interrupted' AND state = 'active'") &&
    [ -n "$pid" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || break
    sleep 0.02
  done
  sql -c "SELECT $1($pid)" >/dev/null
  wait "$session"
  out=$(<"$scratch/interrupted")
}

# A cancel may come before the function is entered; either way the session is whole afterwards.
for call in "sb_compute()" "sb_sleep()" "sb_run('SELECT pg_sleep(3600)')"; do
  interrupted pg_cancel_backend "SELECT $call"
  check "$call is canceled and leaves nothing alive" $'ERROR:  57014\n0|f|t' "$out"
  check "$call obeys statement_timeout" $'ERROR:  57014\n0|f|t' \
    "$(sql -c "SET statement_timeout = 100" -c "SELECT $call" -c "SELECT sb_live(), sb_handling(), sb_guard_restores()")"
  interrupted pg_terminate_backend "SELECT $call"
  check "$call is terminated" 'FATAL:  57P01' "$(head -n 1 <<<"$out")"
done
check "the server goes on" 42 "$(sql -c "SELECT sb_run('SELECT 42')")"

# A savepoint in which an error of C++ happened can be rolled back, and the transaction goes on.
check "a subtransaction rolls back" $'ERROR:  SB001\n1' "$(sql <<'SQL'
BEGIN;
CREATE TEMP TABLE t (a int);
INSERT INTO t VALUES (1);
SAVEPOINT s;
INSERT INTO t VALUES (2);
SELECT sb_throw('domain');
ROLLBACK TO s;
SELECT sb_run('SELECT count(*) FROM t');
COMMIT;
SQL
)"
exit $failed
