#!/usr/bin/env bash
# Dump and restore: with rows in every table, a dump that is restored in a new cluster has every row of every table as it was,
# derived tables made anew, nothing enqueued, told or counted twice, and the catalog of a fresh install. The same for a dump of
# the data alone and of the extension alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d /tmp/pg_switchboard-dump.XXXXXX)
chmod 755 "$work"
cleanup() {
  test/tools/cluster destroy "$work/old" >/dev/null 2>&1 || true
  test/tools/cluster destroy "$work/new" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
for cluster in old new; do
  test/tools/cluster start "$work/$cluster" 5432 "shared_preload_libraries = 'pg_switchboard'" 'switchboard.workers = 0' >/dev/null
done
export PGPORT=5432 PGUSER=postgres PGOPTIONS='-c client_min_messages=warning'
failed=0
complain() { echo "$*" >&2; failed=1; }
run_sql() { PGHOST=$work/$1 psql -qXAt -v ON_ERROR_STOP=1 -d "$2" "${@:3}" </dev/null; } # CLUSTER DATABASE ARGUMENTS

run_sql old postgres -c 'CREATE DATABASE shop'
run_sql old shop -c 'CREATE EXTENSION pg_switchboard' -f test/pgtap/support/sample_data.sql
# In several transactions, with rows changed and deleted afterwards, so that statistics and updated_at are not those of an insert.
run_sql old shop -c "SELECT sample.fill('acme')" -c "SELECT sample.fill('globex')" -c 'SELECT sample.fill_installation()' \
  -c "UPDATE switchboard.campaign_contacts SET status = 'failed' WHERE status = 'calling'" \
  -c "DELETE FROM switchboard.campaign_contacts WHERE status = 'do-not-call' AND tenant_id = sample.tenant('acme')" \
  -c "UPDATE switchboard.contacts SET notes = notes || '!'" -c 'DELETE FROM switchboard.events WHERE seq % 2 = 1' >/dev/null

empty=$(run_sql old shop -c 'SELECT * FROM sample.empty_tables()')
[ -z "$empty" ] || complain "no sample row in: $empty"

# Rows of every table; the deltas are compared by their sums, since folding may lay them out differently.
cat >"$work/digests.sql" <<'SQL'
SET timezone = 'UTC';
SELECT t.table_name, sample.digest(t.subject) FROM sample.tables t
 WHERE t.table_name NOT IN ('campaign_stat_deltas', 'call_rollups', 'call_rollup_deltas', 'call_time_cells', 'address_keys', 'compliance_rules', 'worker_registry') ORDER BY 1;
SELECT 'compliance_rules', count(*), md5(string_agg(r::text, '' ORDER BY r.id)) FROM switchboard.compliance_rules r WHERE NOT builtin;
SELECT 'stats', c.id, c.stats FROM switchboard.dialer_campaigns c ORDER BY c.id;
SELECT 'next event after', last_value, is_called FROM switchboard.events_seq;
SELECT set_config('switchboard.tenant_id', sample.tenant('acme')::text, false) IS NOT NULL;
SELECT 'analytics', switchboard.get_analytics();
SQL
run_sql old shop -f "$work/digests.sql" >"$work/expected"
[ "$(grep -c '^stats|' "$work/expected")" -eq 6 ] || complain 'no statistics to compare'
grep '^analytics|' "$work/expected" | grep -vq '"totalCalls": 0' || complain 'no calls to analyse'

compare() { # DATABASE WHAT
  run_sql new "$1" -f test/pgtap/support/sample_data.sql -f "$work/digests.sql" >"$work/got"
  diff "$work/expected" "$work/got" >"$work/difference" || { complain "$2: rows differ"; cat "$work/difference" >&2; }
  # A recount is the judge of the statistics.
  run_sql new "$1" -c "
    SELECT c.id FROM switchboard.dialer_campaigns c
     WHERE (c.stats ->> 'total')::bigint <> (SELECT count(*) FROM switchboard.campaign_contacts k WHERE k.campaign_id = c.id)
        OR (c.stats ->> 'failed')::bigint <> (SELECT count(*) FROM switchboard.campaign_contacts k
                                               WHERE k.campaign_id = c.id AND k.status = 'failed')" >"$work/wrong"
  [ ! -s "$work/wrong" ] || complain "$2: statistics are not a recount"
  run_sql new "$1" -c 'DROP SCHEMA sample CASCADE'
}

dump() { PGHOST=$work/old pg_dump -d shop --exclude-schema=sample "$@"; }

# The whole database, as a DBA would.
dump -Fc -f "$work/whole.dump"
run_sql new postgres -c 'CREATE DATABASE whole'
PGHOST=$work/new pg_restore --exit-on-error -d whole "$work/whole.dump"
compare whole 'whole database'

# In three sections, the way to build a large database's own indexes in parallel. pg_restore -j for everything is not: pg_dump
# does not record in which order the tables of an extension must come, only puts them into it.
run_sql new postgres -c 'CREATE DATABASE sections'
for section in 'pre-data' 'data' 'post-data --jobs=4'; do
  # shellcheck disable=SC2086
  PGHOST=$work/new pg_restore --exit-on-error -d sections --section=$section "$work/whole.dump"
done
compare sections 'restore by section'

# The data alone, restored where the extension exists; the extension alone, without the application's own tables.
dump --data-only -f "$work/data.sql"
run_sql new postgres -c 'CREATE DATABASE only_data'
run_sql new only_data -c 'CREATE EXTENSION pg_switchboard' -f "$work/data.sql" >/dev/null
compare only_data 'data only'
dump --extension=pg_switchboard -f "$work/extension.sql"
run_sql new postgres -c 'CREATE DATABASE only_extension'
run_sql new only_extension -f "$work/extension.sql" >/dev/null
compare only_extension 'extension only'

# Upgraded = fresh = restored: the catalog of the restored database is that of a new one.
run_sql new postgres -c 'CREATE DATABASE fresh'
run_sql new fresh -c 'CREATE EXTENSION pg_switchboard'
PGHOST=$work/new test/tools/catalog_fingerprint.sh -d fresh >"$work/fresh"
PGHOST=$work/new test/tools/catalog_fingerprint.sh -d whole >"$work/restored"
diff "$work/fresh" "$work/restored" >"$work/difference" || { complain 'the restored catalog differs'; head -20 "$work/difference" >&2; }
exit "$failed"
