#!/usr/bin/env bash
# The fingerprint is of use only if it notices what an update may forget. Each change below must show in it; two fresh
# installs must not differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d /tmp/pg_switchboard-fingerprint.XXXXXX)
chmod 755 "$work"
trap 'test/tools/cluster destroy "$work/pg" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
test/tools/cluster start "$work/pg" 5432 >/dev/null
export PGHOST=$work/pg PGPORT=5432 PGUSER=postgres PGOPTIONS='-c client_min_messages=warning'

fresh() { # DATABASE
  psql -qX -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE $1"
  psql -qX -v ON_ERROR_STOP=1 -d "$1" -c 'CREATE EXTENSION pg_switchboard'
}
fresh one
fresh two
test/tools/catalog_fingerprint.sh -d one >"$work/one"
test/tools/catalog_fingerprint.sh -d two >"$work/two"
[ "$(wc -l <"$work/one")" -gt 1000 ] || { echo "the fingerprint is suspiciously short"; exit 1; }
diff "$work/one" "$work/two" >/dev/null || { echo "two fresh installs differ"; diff "$work/one" "$work/two" | head; exit 1; }

failed=0
while IFS= read -r change; do
  [ -n "$change" ] || continue
  psql -qX -v ON_ERROR_STOP=1 -d postgres -c 'DROP DATABASE two' -c 'CREATE DATABASE two TEMPLATE one' </dev/null
  psql -qX -v ON_ERROR_STOP=1 -d two -c "$change" </dev/null
  if test/tools/catalog_fingerprint.sh -d two | cmp -s - "$work/one"; then
    echo "not noticed: $change"
    failed=1
  fi
done <<'CHANGES'
ALTER TABLE switchboard.contacts ADD COLUMN added int
ALTER TABLE switchboard.contacts ALTER COLUMN lead_score SET DEFAULT 1
ALTER TABLE switchboard.contacts ALTER COLUMN lead_score DROP NOT NULL
ALTER TABLE switchboard.contacts DROP CONSTRAINT contacts_lead_score_check
ALTER TABLE switchboard.contacts DISABLE ROW LEVEL SECURITY
ALTER TABLE switchboard.contacts DISABLE TRIGGER update_updated_at
ALTER TABLE switchboard.jobs_open SET (fillfactor = 71)
ALTER TABLE switchboard.deals ALTER COLUMN value TYPE numeric(13,2)
DROP INDEX switchboard.contacts_email_idx
DROP TRIGGER update_updated_at ON switchboard.contacts
DROP POLICY writable ON switchboard.contacts
ALTER POLICY writable ON switchboard.contacts WITH CHECK (true)
ALTER TYPE switchboard.lead_status ADD VALUE 'added'
GRANT SELECT ON switchboard.contacts TO switchboard_monitor
GRANT UPDATE (login_role) ON switchboard.users TO switchboard_app
GRANT EXECUTE ON FUNCTION switchboard.set_identity(uuid, uuid) TO switchboard_app
ALTER FUNCTION switchboard.is_supervisor() VOLATILE
ALTER FUNCTION switchboard.is_supervisor() RESET search_path
ALTER VIEW switchboard.dialer_campaigns SET (security_invoker = false)
COMMENT ON COLUMN switchboard.contacts.name IS 'changed'
COMMENT ON POLICY writable ON switchboard.contacts IS 'changed'
COMMENT ON INDEX switchboard.contacts_email_idx IS 'changed'
UPDATE pg_extension SET extcondition[1] = 'WHERE false' WHERE extname = 'pg_switchboard'
UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = 'pg_switchboard'
ALTER EXTENSION pg_switchboard DROP TABLE switchboard.contacts
DELETE FROM switchboard.providers WHERE name = 'mtn'
CHANGES
exit "$failed"
