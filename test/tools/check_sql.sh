#!/usr/bin/env bash
# Rules for sql/ that its text shows: every function states volatility, parallel safety and language, is replaced,
# commented and revoked from PUBLIC in its own file; SECURITY DEFINER pins the search path and says what it protects;
# every table, type, view and index is commented; nothing is granted to PUBLIC. What only a server can tell is checked
# in test/pgtap/catalog_rules.sql.
# usage: check_sql.sh [ROOT]
set -uo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

failed=0
complain() {
  echo "check_sql: $*" >&2
  failed=1
}

# One line per function: LINE|NAME|everything between CREATE and the body
function_heads() {
  awk '
    function flush() { if (name != "") print line "|" name "|" head; name = "" }
    /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) / {
      flush()
      line = NR; head = $0; name = $0
      sub(/^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) /, "", name); sub(/ *\(.*/, "", name)
      if ($0 ~ /\$\$|;$/) flush()
      next
    }
    name != "" { if ($0 ~ /^(AS( |$)|BEGIN ATOMIC|RETURN )/ || $0 ~ / AS \$/) { head = head " " $0; flush() } else head = head " " $0 }
    END { flush() }' "$1"
}

check_functions() { # FILE
  local file=$1 line name head at commented revoked
  commented=$'\n'$(sed -nE 's/^COMMENT ON (FUNCTION|PROCEDURE) ([^(]+)\(.*/\2/p' "$file")$'\n'
  # The statement may take two lines.
  revoked=$'\n'$(sed -zE 's/\n +FROM PUBLIC/ FROM PUBLIC/g' "$file" |
    sed -nE 's/^REVOKE ALL ON (FUNCTION|PROCEDURE) ([^(]+)\(.*FROM PUBLIC;.*/\2/p')$'\n'
  while IFS='|' read -r line name head; do
    at="$file:$line: $name"
    [[ $name == switchboard.* ]] || complain "$at is not in schema switchboard"
    [[ $head == *"OR REPLACE"* ]] || complain "$at: CREATE OR REPLACE, updates run this file again"
    [[ $head =~ [[:space:]](VOLATILE|STABLE|IMMUTABLE)([[:space:]]|$) ]] || complain "$at states no volatility"
    [[ $head =~ [[:space:]]PARALLEL[[:space:]](SAFE|UNSAFE|RESTRICTED) ]] || complain "$at states no parallel safety"
    [[ $head =~ [Ll][Aa][Nn][Gg][Uu][Aa][Gg][Ee][[:space:]] ]] || complain "$at states no language"
    if [[ $head == *"SECURITY DEFINER"* ]]; then
      [[ $head =~ SET[[:space:]]search_path[[:space:]]*(=|TO)[[:space:]]*pg_catalog,[[:space:]]*pg_temp ]] ||
        complain "$at is SECURITY DEFINER without a pinned search_path"
    fi
    [[ $commented == *$'\n'"$name"$'\n'* ]] || complain "$at has no comment"
    [[ $revoked == *$'\n'"$name"$'\n'* ]] || complain "$at is not revoked from PUBLIC"
  done < <(function_heads "$file")
}

check_state() { # FILE: tables, types, views, indexes and sequences have comments somewhere in it
  local file=$1 kind name
  while read -r kind name; do
    # A partition needs no comment of its own.
    grep -qE "^COMMENT ON $kind (switchboard\.)?${name#switchboard.} IS" "$file" ||
      complain "$file: no comment on $kind $name"
  done < <(grep -vE ' PARTITION OF ' "$file" |
    sed -nE 's/^CREATE (OR REPLACE )?(UNIQUE |UNLOGGED )?(TABLE|TYPE|VIEW|INDEX|SEQUENCE|DOMAIN) ([a-z_0-9.]+).*/\3 \4/p')
}

for file in sql/code/*.sql sql/state/*.sql; do
  [ -f "$file" ] || continue
  check_functions "$file"
  check_state "$file"
done

while IFS= read -r hit; do
  complain "$hit: nothing is granted to PUBLIC"
done < <(grep -nHE '^\s*GRANT .*TO PUBLIC' sql/*/*.sql)

while IFS= read -r hit; do
  complain "$hit: an extension script may not do this"
done < <(grep -nHE '^((BEGIN|COMMIT|ROLLBACK|ANALYZE|VACUUM)\b.*|SET [^L].*);$' sql/*.sql sql/*/*.sql)

# A database of another encoding would misread what is not ASCII, or refuse the extension.
while IFS= read -r hit; do
  complain "$hit: not ASCII"
done < <(LC_ALL=C grep -nHoE '[^ -~	]+' sql/*.sql sql/*/*.sql | cut -d: -f1,2)

exit $failed
