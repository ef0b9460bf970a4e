#!/usr/bin/env bash
# Both builds compile the same sources, and no two sources share a base name (servers built with dependency
# tracking name their .Po files by it).
# usage: check_sources.sh [ROOT]
set -uo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

failed=0
complain() {
  echo "check_sources: $*" >&2
  failed=1
}

twice=$(find workers extension bgworker test -name '*.cpp' 2>/dev/null | sed 's#.*/##' | sort | uniq -d)
[ -z "$twice" ] || complain "used for two files:" $twice

made() { make -s --no-print-directory "print-$1" | tr ' ' '\n' | grep . | sort; }

cmake_build=$(mktemp -d)
trap 'rm -rf "$cmake_build"' EXIT
if ! cmake -S . -B "$cmake_build" >"$cmake_build/log" 2>&1; then
  tail -n 20 "$cmake_build/log" >&2
  complain "cmake cannot read the tree"
  exit 1
fi
# What CMake compiles of FOLDER…
configured() {
  local folder
  for folder in "$@"; do
    grep -oE "\"file\": \"[^\"]+\"" "$cmake_build/compile_commands.json" |
      sed -E "s#\"file\": \"$PWD/##; s#\"\$##" | grep -E "^$folder/" || true
  done | sort -u
}

compare() { # WHAT MADE CONFIGURED
  local difference
  difference=$(diff <(echo "$2") <(echo "$3")) || complain "$1 differs (< make, > cmake):" $'\n'"$difference"
}
compare "the core" "$(made CORE_SRCS)" "$(configured workers/core)"
if compgen -G 'workers/daemon/*.cpp' >/dev/null; then
  compare "the worker program" "$(made WORKER_SRCS)" \
    "$(configured workers/core workers/engine workers/http workers/store workers/providers workers/daemon)"
fi
exit $failed
