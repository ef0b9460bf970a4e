#!/usr/bin/env bash
# A background worker unwinds from errors, rolls back and goes on in the same process (B7, B10); it ends with code 1 when
# something unexpected happened, and never ends the server (B19).
set -uo pipefail
sql() { psql -XqAt -c "$1"; }
sql "CREATE TABLE worker_notes (note text)" && sql "CREATE TABLE worker_deferred (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
sql "SELECT sb_start_worker()" >/dev/null
for _ in $(seq 200); do
  notes=$(sql "SELECT string_agg(note, ',') FROM worker_notes")
  [ -z "$notes" ] || break
  sleep 0.05
done
[ "$notes" = "went on" ] || { echo "not ok: the worker left: \"$notes\""; exit 1; }
[ "$(sql "SELECT count(*) FROM worker_deferred")" = 0 ] || { echo "not ok: a failed commit left rows"; exit 1; }
echo "ok: the worker met four errors and went on"
