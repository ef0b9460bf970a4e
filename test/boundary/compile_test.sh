#!/usr/bin/env bash
# The guard refuses, when compiling, what an error would skip or lose (B4, B5), and workers/ refuses the server (B1).
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
server=$("${PG_CONFIG:-pg_config}" --includedir-server)
failed=0
compile() { g++ -std=c++20 -fsyntax-only -I"$root" -isystem "$server" -x c++ - 2>&1; }
refused() { # WHAT REASON, source on stdin
  local output
  if output=$(compile); then
    echo "not ok: compiles: $1"
    failed=1
  elif ! grep -qF "$2" <<<"$output"; then
    echo "not ok: $1 is refused for another reason: $output"
    failed=1
  else
    echo "ok: refused: $1"
  fi
}
guard='#include "extension/pg/guard.hpp"
using switchboard::pg::CallPg;'

compile <<<"$guard int F(int i) { return CallPg([i] { return i; }); }" || { echo "not ok: a good call is refused"; failed=1; }
refused 'a lambda that captures a string' 'captures pointers and integers only' \
  <<<"$guard void F(std::string s) { CallPg([s] {}); }"
refused 'a lambda that captures a vector' 'captures pointers and integers only' \
  <<<"$guard void F(std::vector<int> v) { CallPg([v] {}); }"
refused 'a call that returns a string' 'returns plain data only' \
  <<<"$guard void F() { CallPg([] { return std::string(); }); }"
refused 'an entry that returns a string' 'static assertion failed' \
  <<<'#include <string>
#include "extension/pg/entry.hpp"
void F() { switchboard::pg::Entry([] { return std::string(); }); }'
refused 'the server next to a header of workers/' 'independent of the PostgreSQL server' \
  <<<"$guard
#include \"workers/core/phone.hpp\""
refused 'RapidJSON before its configuration' 'before any header of RapidJSON' \
  <<<'#include <rapidjson/document.h>
#include "workers/core/json_config.hpp"'
exit $failed
