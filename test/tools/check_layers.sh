#!/usr/bin/env bash
# Which folder may include which, and that the server's headers are seen in extension/pg only.
# usage: check_layers.sh [ROOT]
set -uo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# folder: what it may include (itself always)
layers='
workers/core:
workers/providers: workers/core
workers/engine: workers/core workers/providers
workers/http: workers/core workers/providers workers/engine
workers/store: workers/core workers/providers workers/engine
workers/daemon: workers/core workers/providers workers/engine workers/http workers/store
workers/gateway: workers/core
extension/pg: workers/core
extension/functions: workers/core extension/pg
extension: workers/core extension/pg bgworker
bgworker: workers/core extension/pg
'
# Headers of extension/pg that show the server's types; for its own .cpp files and each other.
server_side='postgres|guard|compat'
failed=0
complain() {
  echo "check_layers: $*" >&2
  failed=1
}

sources() { find "$@" -name '*.cpp' -o -name '*.hpp' 2>/dev/null | sort; }

# FILE LINE INCLUDED for every include with quotes
includes() {
  sources workers extension bgworker | xargs -r grep -nE '^ *# *include +"' |
    sed -E 's/^([^:]+):([0-9]+):[^"]*"([^"]+)".*/\1 \2 \3/'
}

folder_of() { # longest layer that holds FILE
  local layer best=
  while IFS=: read -r layer _; do
    case $1 in "$layer"/*) [ ${#layer} -le ${#best} ] || best=$layer ;; esac
  done <<<"$layers"
  echo "$best"
}

allowed() { sed -n "s#^$1:##p" <<<"$layers"; }

while read -r file line included; do
  case $included in
    workers/* | extension/* | bgworker/* | test/*)
      [ -f "$included" ] || complain "$file:$line: no such file $included"
      from=$(folder_of "$file")
      to=$(folder_of "$included")
      case " $from $(allowed "$from") " in
        *" $to "*) ;;
        *) complain "$file:$line: $from must not include $to" ;;
      esac
      if [[ $included =~ ^extension/pg/($server_side)\.hpp$ ]]; then
        [[ $file =~ ^extension/pg/([a-z0-9_]+\.cpp|($server_side)\.hpp)$ ]] ||
          complain "$file:$line: $included is for extension/pg/*.cpp only"
      fi
      ;;
    *)
      [[ $file =~ ^extension/pg/([a-z0-9_]+\.cpp|($server_side)\.hpp)$ ]] ||
        complain "$file:$line: write includes from the root; server headers belong in extension/pg"
      ;;
  esac
done < <(includes)

# With angle brackets only libraries and the standard are meant.
while IFS= read -r hit; do
  complain "$hit: server header"
done < <(sources workers extension bgworker |
  xargs -r grep -nE '^ *# *include +<(postgres|fmgr|miscadmin|(access|catalog|commands|executor|nodes|storage|tcop|utils)/)')

# A header of workers/ refuses to be seen together with the server's.
while IFS= read -r file; do
  [ "$file" = workers/core/no_server_header.hpp ] ||
    grep -q '^#include "workers/core/no_server_header.hpp"$' "$file" ||
    complain "$file: end it with #include \"workers/core/no_server_header.hpp\""
done < <(find workers -name '*.hpp' 2>/dev/null | sort)

exit $failed
