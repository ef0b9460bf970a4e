#!/usr/bin/env bash
# Secrets in a server that has a key file and a folder for them: sealed, opened, never shown.
set -uo pipefail
scratch=$1
failed=0
check() { # WHAT EXPECTED GOT
  if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "not ok: $1: expected \"$2\", got \"$3\""; failed=1; fi
}
sql() { psql -XqAt -v VERBOSITY=sqlstate -c "$1" 2>&1; }
mkdir -p "$scratch/secrets"
openssl rand -hex 32 >"$scratch/key"
echo 'from a file' >"$scratch/secrets/token"
ln -s /etc/hostname "$scratch/secrets/link"
chmod -R a+rX "$scratch/secrets" "$scratch/key"
sql 'CREATE EXTENSION IF NOT EXISTS pg_switchboard'
sql "ALTER SYSTEM SET switchboard.key_file = '$scratch/key'" && sql "ALTER SYSTEM SET switchboard.secrets_dir = '$scratch/secrets'"
sql 'SELECT pg_reload_conf()' >/dev/null
for _ in $(seq 100); do [ "$(sql 'SHOW switchboard.key_file')" = "$scratch/key" ] && break; sleep 0.05; done

sealed=$(sql "SELECT switchboard._seal_secret('hunter2', 'account 1')")
check "a sealed secret says how" 'enc:v1:' "${sealed:0:7}"
check "and is never the same twice" t "$(sql "SELECT switchboard._seal_secret('x') <> switchboard._seal_secret('x')")"
check "it opens" hunter2 "$(sql "SELECT switchboard._open_secret('$sealed', 'account 1')")"
check "not for another account" 'ERROR:  SB002' "$(sql "SELECT switchboard._open_secret('$sealed', 'account 2')")"
check "not when changed" 'ERROR:  SB002' "$(sql "SELECT switchboard._open_secret(reverse(reverse('$sealed') || 'A'), 'account 1')")"
check "an empty secret stays empty" '' "$(sql "SELECT switchboard._open_secret(switchboard._seal_secret(''))")"
check "text keeps its characters" 'zażółć 日本' "$(sql "SELECT switchboard._open_secret(switchboard._seal_secret('zażółć 日本'))")"
check "a file of the folder" 'from a file' "$(sql "SELECT switchboard._open_secret('file:token')")"
for name in ../key /etc/hostname link nothing ''; do
  check "not file:$name" 'ERROR:  SB002' "$(sql "SELECT switchboard._open_secret('file:$name')")"
done
check "the settings are not for everybody" 'ERROR:  42501' \
  "$(sql "SET ROLE switchboard_app; SHOW switchboard.key_file")"
openssl rand -hex 8 >"$scratch/key"
check "a file that is no key" 'ERROR:  SB002' "$(sql "SELECT switchboard._seal_secret('x')")"
exit $failed
