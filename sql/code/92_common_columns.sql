-- What every table has alike: the trigger that keeps updated_at, and comments of the columns that mean the same everywhere.

DO $updated_at$
DECLARE
    subject regclass;
BEGIN
    -- Partitions get theirs from the parent.
    FOR subject IN
        SELECT c.oid
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at' AND NOT a.attisdropped
         WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS update_updated_at ON %s', subject);
        EXECUTE format('CREATE TRIGGER update_updated_at BEFORE UPDATE ON %s
                        FOR EACH ROW EXECUTE FUNCTION switchboard.update_updated_at_column()', subject);
        EXECUTE format('COMMENT ON TRIGGER update_updated_at ON %s IS %L', subject, 'Keeps updated_at.');
    END LOOP;
END
$updated_at$;

DO $comments$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS subject, a.attname, coalesce(of_root.description, meaning.description) AS description
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN (VALUES
                ('id', 'Key, time ordered.'),
                ('tenant_id', 'The tenant that the row belongs to.'),
                ('created_at', 'When the row was made.'),
                ('updated_at', 'When the row was last changed, kept by trigger.')
            ) AS meaning (attname, description) ON meaning.attname = a.attname
          LEFT JOIN LATERAL (
                SELECT col_description(pa.attrelid, pa.attnum) AS description
                  FROM pg_attribute pa WHERE pa.attrelid = pg_partition_root(c.oid) AND pa.attname = a.attname
            ) AS of_root ON true
         WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p')
           AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', found.subject, found.attname, found.description);
    END LOOP;
END
$comments$;

-- A column of a view that has the name of a column of a table below it shows that one's comment, unless it has its own.
DO $view_comments$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT DISTINCT ON (v.oid, a.attnum) v.oid::regclass AS subject, a.attname, col_description(t.attrelid, t.attnum) AS description
          FROM pg_class v
          JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
          JOIN pg_rewrite r ON r.ev_class = v.oid
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
          JOIN pg_attribute t ON t.attrelid = d.refobjid AND t.attnum = d.refobjsubid AND t.attnum > 0 AND t.attname = a.attname
         WHERE v.relnamespace = 'switchboard'::regnamespace AND v.relkind = 'v' AND d.refobjid <> v.oid
           AND col_description(v.oid, a.attnum) IS NULL
         ORDER BY v.oid, a.attnum, d.refobjid
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', found.subject, found.attname, found.description);
    END LOOP;
END
$view_comments$;
COMMENT ON COLUMN switchboard.dialer_campaigns.stats IS
'People on the list by status, exact for the reader''s snapshot: total, completed, pending, failed, calling, callback,
do_not_call, exhausted (failed with no attempt left, counted under failed too).';
