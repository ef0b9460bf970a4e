#!/usr/bin/env bash
# Prints everything that makes up the installed extension, one fact a line, without OIDs and in a fixed order. Two databases
# whose fingerprints are equal have the same extension: a fresh install, an updated one, a restored one.
# usage: catalog_fingerprint.sh [psql connection options]
set -euo pipefail

exec psql -XqAt -v ON_ERROR_STOP=1 "$@" <<'SQL'
SET search_path = pg_catalog;
SET client_min_messages = warning;
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_switchboard';
CREATE TEMP VIEW member_relation AS
SELECT c.*, c.oid::regclass::text AS name FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

-- Privileges in a fixed order; the owner's name is not part of the extension.
CREATE FUNCTION pg_temp.acl(acl aclitem[], owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s:%s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN owner THEN 'owner'
                                                     ELSE a.grantee::regrole::text END,
                                      a.privilege_type, CASE WHEN a.is_grantable THEN '*' END), ' '
                               ORDER BY 1), 'default')
      FROM (SELECT * FROM aclexplode(acl) ORDER BY grantee = owner, grantee::regrole::text, privilege_type) a
$$;

SELECT 'extension ' || extname || ' ' || extversion || ' in ' || extnamespace::regnamespace || ' relocatable ' || extrelocatable
  FROM pg_extension WHERE extname = 'pg_switchboard';

SELECT 'object ' || object FROM member ORDER BY object COLLATE "C";

SELECT format('relation %s kind %s persistence %s row security %s/%s options %s partition %s of %s acl %s', name, relkind,
              relpersistence, relrowsecurity, relforcerowsecurity, reloptions, pg_get_expr(relpartbound, oid),
              (SELECT i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = r.oid), pg_temp.acl(relacl, relowner))
  FROM member_relation r ORDER BY name COLLATE "C";

SELECT format('column %s.%s number %s type %s not null %s default %s identity %s generated %s collation %s storage %s acl %s',
              r.name, a.attname, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
              a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, nullif(a.attcollation, 100),
              a.attstorage, pg_temp.acl(a.attacl, r.relowner))
  FROM member_relation r
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
 ORDER BY r.name COLLATE "C", a.attnum;

SELECT format('constraint %s on %s: %s validated %s', c.conname, r.name, pg_get_constraintdef(c.oid), c.convalidated)
  FROM member_relation r JOIN pg_constraint c ON c.conrelid = r.oid ORDER BY r.name COLLATE "C", c.conname COLLATE "C";

SELECT format('index %s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
  FROM member_relation r JOIN pg_index i ON i.indrelid = r.oid ORDER BY pg_get_indexdef(i.indexrelid) COLLATE "C";

SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
  FROM member_relation r JOIN pg_trigger t ON t.tgrelid = r.oid
 WHERE NOT t.tgisinternal ORDER BY pg_get_triggerdef(t.oid) COLLATE "C";

SELECT format('policy %s on %s for %s to %s permissive %s using %s check %s', p.polname, r.name, p.polcmd,
              (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ',') FROM unnest(p.polroles) o),
              p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM member_relation r JOIN pg_policy p ON p.polrelid = r.oid ORDER BY r.name COLLATE "C", p.polname COLLATE "C";

SELECT format('view %s: %s', r.name, pg_get_viewdef(r.oid)) FROM member_relation r
 WHERE r.relkind IN ('v', 'm') ORDER BY r.name COLLATE "C";

SELECT format('function %s acl %s', pg_get_functiondef(p.oid), pg_temp.acl(p.proacl, p.proowner))
  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
 WHERE p.prokind IN ('f', 'p', 'w') ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT format('aggregate %s acl %s', p.oid::regprocedure, pg_temp.acl(p.proacl, p.proowner))
  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
 WHERE p.prokind = 'a' ORDER BY p.oid::regprocedure::text COLLATE "C";

SELECT format('type %s kind %s labels %s acl %s', t.oid::regtype, t.typtype,
              (SELECT string_agg(e.enumlabel, '|' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
              pg_temp.acl(t.typacl, t.typowner))
  FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid ORDER BY t.oid::regtype::text COLLATE "C";

SELECT format('initial privileges of %s: %s', m.object, pg_temp.acl(i.initprivs, 10))
  FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid AND i.objsubid = 0
 ORDER BY m.object COLLATE "C";

SELECT format('dump %s %s', c.oid, c.condition)
  FROM pg_extension e, unnest(e.extconfig::regclass[], e.extcondition) AS c (oid, condition)
 WHERE e.extname = 'pg_switchboard' ORDER BY c.oid::text COLLATE "C";

SELECT format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
  FROM pg_description d
 WHERE EXISTS (SELECT FROM member m WHERE m.classid = d.classoid AND m.objid = d.objoid)
    OR (d.classoid = 'pg_class'::regclass AND EXISTS (
            SELECT FROM pg_index i JOIN member_relation r ON r.oid = i.indrelid WHERE i.indexrelid = d.objoid))
    OR (d.classoid = 'pg_trigger'::regclass AND EXISTS (
            SELECT FROM pg_trigger t JOIN member_relation r ON r.oid = t.tgrelid WHERE t.oid = d.objoid))
    OR (d.classoid = 'pg_policy'::regclass AND EXISTS (
            SELECT FROM pg_policy p JOIN member_relation r ON r.oid = p.polrelid WHERE p.oid = d.objoid))
 ORDER BY pg_describe_object(d.classoid, d.objoid, d.objsubid) COLLATE "C";

-- Rows that the extension ships.
SELECT 'seed providers ' || p::text FROM switchboard.providers p ORDER BY p::text COLLATE "C";
SELECT 'seed compliance_rules ' || (to_jsonb(c) - 'id' - 'created_at' - 'updated_at')::text
  FROM switchboard.compliance_rules c WHERE c.builtin ORDER BY 1;
SQL
