#!/usr/bin/env bash
# The module exports what the server looks for, nothing else, and every C symbol that a script names.
# usage: check_exports.sh [MODULE [SCRIPT…]]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
module=${1:-$root/pg_switchboard.so}
shift || true
scripts=("$@")
[ ${#scripts[@]} -gt 0 ] || scripts=("$root"/extension/pg_switchboard--*.sql "$root"/sql/releases/*.sql)

[ -f "$module" ] || { echo "check_exports: build $module first" >&2; exit 1; }
exported=$(nm -D --defined-only "$module" | awk '{print $3}' | sort)
failed=0
complain() {
  echo "check_exports: $*" >&2
  failed=1
}

while IFS= read -r symbol; do
  [[ $symbol =~ ^(_PG_init|Pg_magic_func|sb_[a-z0-9_]+|pg_finfo_sb_[a-z0-9_]+)$ ]] ||
    complain "$symbol must not be exported"
done <<<"$exported"

has() { grep -qx "$1" <<<"$exported"; }
has _PG_init || complain "_PG_init is missing"
has Pg_magic_func || complain "Pg_magic_func is missing"
while IFS= read -r info; do
  has "${info#pg_finfo_}" || complain "$info has no function"
done < <(grep '^pg_finfo_' <<<"$exported")

# An old script keeps calling the new module: its symbols must stay.
for script in "${scripts[@]}"; do
  [ -f "$script" ] || continue
  while IFS= read -r symbol; do
    has "$symbol" && has "pg_finfo_$symbol" || complain "$script needs $symbol"
  done < <(sed -nE "s/.*'MODULE_PATHNAME' *, *'([^']+)'.*/\1/p" "$script" | sort -u)
done
exit $failed
