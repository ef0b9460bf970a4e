-- What pg_dump takes along. Tables of an extension are left out of a dump unless they are named here; a table is either
-- dumped or derived, never both (then a restore would count twice). Every table is dumped that is not listed below.
DO $dump$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid, special.filter
          FROM pg_class c
          JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
          JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_switchboard'
          LEFT JOIN (VALUES
                -- Shipped rows come with the extension; a filter takes along what the installation added.
                ('compliance_rules', 'WHERE NOT builtin'),
                -- Shipped as a whole.
                ('providers', NULL),
                -- Made anew by the triggers of campaign_contacts.
                ('campaign_stat_deltas', NULL),
                ('campaign_stat_deltas_id_seq', NULL),
                -- Made anew by the triggers of call_logs.
                ('call_rollup_deltas', NULL),
                ('call_rollup_deltas_id_seq', NULL),
                ('call_rollups', NULL),
                -- Counted anew by maintenance.
                ('call_time_cells', NULL),
                -- Made anew every day.
                ('address_keys', NULL),
                -- A restored database has no workers.
                ('worker_registry', NULL)
            ) AS special (relname, filter) ON special.relname = c.relname
         WHERE c.relkind IN ('r', 'S') AND (special.relname IS NULL OR special.filter IS NOT NULL)
         ORDER BY c.oid
    LOOP
        PERFORM pg_extension_config_dump(found.oid, coalesce(found.filter, ''));
    END LOOP;
END
$dump$;
