#!/usr/bin/env bash
# Rules that a search can see: who may raise, who may call the server, who may look at versions, which library is
# seen where, and that no object of the module constructs anything when it is loaded.
# usage: check_project.sh [ROOT]       Objects are looked at when they have been built.
set -uo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

failed=0
# forbid WHAT REGEX EXCEPT FOLDER…: no line of code may match, comments apart, but in files that match EXCEPT.
forbid() {
  local what=$1 regex=$2 except=$3 hit
  shift 3
  while IFS= read -r hit; do
    echo "check_project: $hit: $what" >&2
    failed=1
  done < <(find "$@" \( -name '*.cpp' -o -name '*.hpp' \) 2>/dev/null | sort |
    { grep -vE "^($except)$" || true; } |
    xargs -r grep -nHE "$regex" | grep -vE '^[^:]+:[0-9]+: *(//|\*)' | sed 's/:\([0-9]*\):.*/:\1/')
}

none='/'
code=(workers extension bgworker)
forbid 'an exception crossing PG_TRY leaves a dangling stack: use CallPg' \
  '\bPG_(TRY|CATCH|FINALLY|END_TRY)\b' $none "${code[@]}" test/boundary
forbid 'only extension/pg raises' '\b(ereport|elog|errstart|ReThrowError|PG_RE_THROW)\b *\(' \
  'extension/pg/[^/]*' "${code[@]}"
forbid 'only extension/pg calls the server' '\bCallPg *\(|\bsigsetjmp *\(|\bsiglongjmp *\(' \
  'extension/pg/[^/]*' "${code[@]}"
forbid 'server versions are the business of extension/pg/compat.hpp' '\bPG_VERSION_NUM\b' \
  'extension/pg/compat\.hpp' "${code[@]}" test/boundary
forbid 'no thread may live in a server process' '\b(std::(thread|jthread|async)|pthread_create)\b' \
  $none workers/core extension bgworker
forbid 'libphonenumber is seen by workers/core/phone.cpp' '# *include *<phonenumbers/' \
  'workers/core/phone\.cpp' "${code[@]}"
forbid 'SQLSTATEs of class SB are written in workers/core/errors.hpp only' '"SB[0-9]{3}"' \
  'workers/core/errors\.hpp' workers/core extension bgworker
forbid 'no using namespace in a header' '^ *using namespace' '.*\.cpp' "${code[@]}"
forbid 'the server ends processes, not the module' '\b(abort|exit|_exit|quick_exit) *\(' \
  'extension/pg/[^/]*|bgworker/child_process\.cpp' workers/core extension bgworker

while IFS= read -r header; do
  grep -qE '^#pragma once$' "$header" || [ "$header" = workers/core/no_server_header.hpp ] || {
    echo "check_project: $header: no #pragma once" >&2
    failed=1
  }
done < <(find "${code[@]}" -name '*.hpp' 2>/dev/null | sort)

# json_config.hpp makes RapidJSON throw where it would abort, and insists on coming first.
while IFS= read -r file; do
  [ "$file" = workers/core/json_config.hpp ] ||
    grep -qE '^#include "workers/core/json(_config)?\.hpp"$' "$file" || {
    echo "check_project: $file: RapidJSON without workers/core/json_config.hpp" >&2
    failed=1
  }
done < <(grep -rlE '^ *# *include *<rapidjson/' "${code[@]}" --include='*.?pp' 2>/dev/null | sort)

# Loading the module must construct nothing. iostreams' own initialiser, which some library headers bring into a
# file, is the standard library's and idempotent; so are the two constant strings that kainjow-mustache brings into
# template.o. Anything else is ours.
while IFS= read -r object; do
  constructed=$(objdump -dr "$object" 2>/dev/null |
    awk '/^[0-9a-f]+ <.*>:$/ {inside = /<_GLOBAL__sub_I_|<_Z[0-9]+__static_initialization_and_destruction/}
         inside && /R_[A-Z0-9_]+/ && !/ios_base4Init|__dso_handle|__cxa_atexit|_ZStL8__ioinit|\.bss|\.text/ {print $NF}' | head -n 3)
  if [ -n "$constructed" ]; then
    echo "check_project: $object: an object at namespace scope has a constructor or destructor:" $constructed >&2
    failed=1
  fi
done < <(find "${code[@]}" -name '*.o' ! -path workers/core/template.o 2>/dev/null | sort)

exit $failed
