#!/usr/bin/env bash
# Every check must see a violation that is planted on purpose, and be silent without one. Works in a copy of the
# sources; a check without a planted violation here fails this test.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

failed=0
tested=" "
fresh() {
  rm -rf "$copy/tree"
  mkdir -p "$copy/tree"
  (cd "$root" && tar cf - --exclude='*.o' --exclude='*.d' Makefile CMakeLists.txt extension sql test/tools test/unit \
    workers $(ls -d bgworker 2>/dev/null)) | tar xf - -C "$copy/tree"
}

# plant CHECK WHAT FILE LINE…: appends the lines to FILE of a fresh copy; CHECK must fail and name FILE.
plant() {
  local check=$1 what=$2 file=$3 output
  shift 3
  fresh
  # One violation is seen among few files as among all, only sooner.
  [ "$check" != check_sql ] || find "$copy/tree/sql" -name '*.sql' ! -name '1*' -delete
  mkdir -p "$copy/tree/$(dirname "$file")"
  printf '%s\n' "$@" >>"$copy/tree/$file"
  tested+="$check.sh "
  if output=$("$root/test/tools/$check.sh" "$copy/tree" 2>&1); then
    echo "not ok: $check does not see: $what"
    failed=1
  elif ! grep -qF "$(basename "$file")" <<<"$output"; then
    echo "not ok: $check fails on \"$what\" for another reason: $output"
    failed=1
  fi
}

silent() { # CHECK: nothing to complain about in an untouched copy
  local output
  fresh
  output=$("$root/test/tools/$1.sh" "$copy/tree" 2>&1) || {
    echo "not ok: $1 complains about the tree as it is: $output"
    failed=1
  }
}

for check in check_layers check_project check_sql check_sources; do
  silent $check
done

header='#include "workers/core/no_server_header.hpp"'
plant check_layers 'core includes a provider' workers/core/planted.cpp '#include "workers/providers/provider.hpp"'
plant check_layers 'an engine file includes the server' workers/engine/planted.cpp '#include "postgres.h"'
plant check_layers 'a server header in angle brackets' workers/engine/planted.cpp '#include <utils/elog.h>'
plant check_layers 'an SQL function includes the guard' extension/functions/planted.cpp '#include "extension/pg/guard.hpp"'
plant check_layers 'a header-free header includes the server' extension/pg/planted.hpp '#include "extension/pg/postgres.hpp"'
plant check_layers 'a file that does not exist' workers/core/planted.cpp '#include "workers/core/nowhere.hpp"'
plant check_layers 'a header without the refusal' workers/core/planted.hpp '#pragma once'
plant check_layers 'workers include the extension' workers/http/planted.hpp '#include "extension/pg/args.hpp"' "$header"

plant check_project 'PG_TRY' extension/pg/planted.cpp 'void F() { PG_TRY(); {} PG_END_TRY(); }'
plant check_project 'ereport outside extension/pg' extension/functions/planted.cpp 'void F() { ereport(ERROR, (errmsg("x"))); }'
plant check_project 'CallPg outside extension/pg' extension/functions/planted.cpp 'void F() { pg::CallPg([] {}); }'
plant check_project 'a version test' extension/pg/planted.cpp '#if PG_VERSION_NUM >= 160000'
plant check_project 'a thread' workers/core/planted.cpp 'std::thread t;'
plant check_project 'bare RapidJSON' workers/core/planted.cpp '#include <rapidjson/document.h>'
plant check_project 'bare libphonenumber' workers/core/planted.cpp '#include <phonenumbers/phonenumberutil.h>'
plant check_project 'a code of our own elsewhere' workers/core/planted.cpp 'const char* c = "SB001";'
plant check_project 'using namespace in a header' workers/core/planted.hpp '#pragma once' 'using namespace std;'
plant check_project 'abort' workers/core/planted.cpp 'void F() { std::abort(); }'
plant check_project 'no pragma once' workers/core/planted.hpp '// nothing'

fresh
printf '#include <string>\nstd::string planted = "made when loaded";\n' >"$copy/tree/workers/core/planted.cpp"
g++ -std=c++20 -fPIC -c "$copy/tree/workers/core/planted.cpp" -o "$copy/tree/workers/core/planted.o"
if "$root/test/tools/check_project.sh" "$copy/tree" >/dev/null 2>&1; then
  echo "not ok: check_project does not see a constructor at namespace scope"
  failed=1
fi

function_text=("CREATE OR REPLACE FUNCTION switchboard.planted() RETURNS int" "LANGUAGE sql STABLE PARALLEL SAFE" "AS 'SELECT 1';")
comment="COMMENT ON FUNCTION switchboard.planted() IS 'x';"
revoke="REVOKE ALL ON FUNCTION switchboard.planted() FROM PUBLIC;"
planted=sql/code/19_planted.sql
plant check_sql 'a function without comment' $planted "${function_text[@]}" "$revoke"
plant check_sql 'a function that PUBLIC may call' $planted "${function_text[@]}" "$comment"
plant check_sql 'no volatility' $planted "${function_text[0]}" 'LANGUAGE sql PARALLEL SAFE' "${function_text[2]}" "$comment" "$revoke"
plant check_sql 'no parallel safety' $planted "${function_text[0]}" 'LANGUAGE sql STABLE' "${function_text[2]}" "$comment" "$revoke"
plant check_sql 'SECURITY DEFINER without path' $planted "${function_text[0]}" \
  'LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER' "${function_text[2]}" "$comment" "$revoke"
plant check_sql 'no OR REPLACE' $planted 'CREATE FUNCTION switchboard.planted() RETURNS int' "${function_text[@]:1}" "$comment" "$revoke"
plant check_sql 'another schema' $planted 'CREATE OR REPLACE FUNCTION public.planted() RETURNS int' "${function_text[@]:1}"
plant check_sql 'a table without comment' sql/state/99_planted.sql 'CREATE TABLE switchboard.planted (a int);'
plant check_sql 'a grant to PUBLIC' $planted 'GRANT SELECT ON switchboard.tenants TO PUBLIC;'
plant check_sql 'a commit' $planted 'COMMIT;'
plant check_sql 'what is not ASCII' $planted "SELECT '$(printf '\303\251')';"
plant check_sql 'a lasting SET' $planted "SET work_mem = '1GB';"

plant check_sources 'a base name used twice' workers/engine/uuid.cpp '// planted'
# A source that only one build sees: CMake is told to leave it out.
fresh
printf '// planted\n' >"$copy/tree/workers/core/planted_source.cpp"
printf 'get_target_property(files sb_core SOURCES)\nlist(FILTER files EXCLUDE REGEX planted_source)\nset_target_properties(sb_core PROPERTIES SOURCES "${files}")\n' >>"$copy/tree/CMakeLists.txt"
if "$root/test/tools/check_sources.sh" "$copy/tree" >/dev/null 2>&1; then
  echo "not ok: check_sources does not see a source that CMake leaves out"
  failed=1
fi

# A module with a stray symbol, and a script that names a symbol which is not there.
tested+="check_exports.sh "
printf 'void _PG_init(void) {}\nvoid Pg_magic_func(void) {}\n' >"$copy/good.c"
printf 'void stray(void) {}\n' | cat "$copy/good.c" - >"$copy/stray.c"
printf "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME', 'sb_gone';\n" >"$copy/old.sql"
gcc -shared -fPIC -o "$copy/good.so" "$copy/good.c"
gcc -shared -fPIC -o "$copy/stray.so" "$copy/stray.c"
exports() { "$root/test/tools/check_exports.sh" "$@" >/dev/null 2>&1; }
exports "$copy/good.so" /dev/null || { echo "not ok: check_exports complains about a good module"; failed=1; }
! exports "$copy/stray.so" /dev/null || { echo "not ok: check_exports does not see a stray symbol"; failed=1; }
! exports "$copy/good.so" "$copy/old.sql" || { echo "not ok: check_exports does not see a missing symbol"; failed=1; }

for check in "$root"/test/tools/check_*.sh; do
  [[ $tested == *" $(basename "$check") "* ]] || { echo "not ok: $(basename "$check") has no planted violation"; failed=1; }
done
[ $failed -ne 0 ] || echo "ok: every check sees what it is for"
exit $failed
