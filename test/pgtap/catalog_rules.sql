-- Rules that hold for every object of the extension; test/tools/check_sql.sh checks what the text shows.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
WHERE e.extname = 'pg_switchboard' AND d.deptype = 'e';
CREATE TEMP VIEW functions AS SELECT p.* FROM pg_proc p JOIN members m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;
CREATE TEMP VIEW relations AS SELECT c.* FROM pg_class c JOIN members m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'every function is commented');
SELECT is_empty($$SELECT oid::regclass FROM relations WHERE obj_description(oid, 'pg_class') IS NULL AND NOT relispartition AND relkind <> 'S'$$,
    'every table and view is');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t JOIN members m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    WHERE t.typtype IN ('e', 'd') AND obj_description(t.oid, 'pg_type') IS NULL$$, 'every type is');

SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)$$,
    'PUBLIC may call nothing');
SELECT is_empty($$SELECT oid::regclass FROM relations WHERE EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)$$, 'PUBLIC may read nothing');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname = 'switchboard' AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0)$$, 'nor look into the schema');

SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE prosecdef AND NOT coalesce(proconfig, '{}') && ARRAY['search_path=pg_catalog, pg_temp']$$,
    'SECURITY DEFINER pins the search path');
SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE pronamespace <> 'switchboard'::regnamespace$$, 'everything is in the schema switchboard');

-- B24: what a library's data decides is not for ever.
SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE provolatile = 'i' AND proname ~ '(phone|time|zone|attempt|region)' AND proname !~ '^_'$$,
    'no answer about phones or times is immutable');
SELECT is_empty($$SELECT i.indexrelid::regclass FROM pg_index i JOIN relations r ON r.oid = i.indrelid JOIN pg_depend d
    ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT oid FROM functions)$$,
    'no index stores what a function of ours computes');
SELECT is_empty($$SELECT oid::regprocedure FROM functions WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') AND probin <> '$libdir/pg_switchboard'$$,
    'every C function is in our module');
SELECT is_empty($$SELECT oid::regprocedure, prosrc FROM functions WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') AND prosrc !~ '^sb_'$$,
    'under our prefix');

-- What runs as the caller calls only what the caller may: else it fails for everybody but the owner, whom most tests run as.
CREATE TEMP VIEW callers AS
SELECT r.role, f.oid, regexp_replace(f.prosrc, $$--[^\n]*|'[^']*'$$, '', 'g') AS source
FROM functions f, (VALUES ('switchboard_app'), ('switchboard_gateway'), ('switchboard_worker'), ('switchboard_monitor')) AS r (role)
WHERE NOT f.prosecdef AND f.prolang IN (SELECT l.oid FROM pg_language l WHERE l.lanname IN ('sql', 'plpgsql'))
  AND (has_function_privilege(r.role, f.oid, 'EXECUTE')
       OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = f.oid
                     AND has_any_column_privilege(r.role, t.tgrelid, 'INSERT, UPDATE')));
SELECT is_empty($$SELECT c.role, c.oid::regprocedure, called.name FROM callers c, regexp_matches(c.source, 'switchboard\.(\w+)\s*\(', 'g') AS m,
                         LATERAL (SELECT m[1] AS name) AS called
    WHERE EXISTS (SELECT FROM functions f WHERE f.proname = called.name)
      AND NOT EXISTS (SELECT FROM functions f WHERE f.proname = called.name AND has_function_privilege(c.role, f.oid, 'EXECUTE'))$$,
    'functions that run as the caller call what the caller may call');

SELECT * FROM finish();
ROLLBACK;
