-- Tools of 95_grants.sql. They are for installing and updating; only the owner of the extension may call them.

CREATE OR REPLACE FUNCTION switchboard._revoke_all() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
BEGIN
    -- Every object starts from nothing, so that the grants after an update are those of a fresh install.
    FOR found IN
        SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
          FROM pg_class c
         WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'ROUTINE', p.oid::regprocedure::text
          FROM pg_proc p WHERE p.pronamespace = 'switchboard'::regnamespace
        UNION ALL
        SELECT 'TYPE', t.oid::regtype::text
          FROM pg_type t
          LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.typnamespace = 'switchboard'::regnamespace
           AND (t.typtype IN ('e', 'd', 'r', 'b') OR c.relkind = 'c') AND t.typelem = 0
        UNION ALL
        SELECT 'SCHEMA', 'switchboard'
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM PUBLIC, switchboard_app, switchboard_gateway, switchboard_worker, '
                       'switchboard_monitor', found.kind, found.name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION switchboard._revoke_all() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._revoke_all() IS
'Takes everything in the schema away from PUBLIC and from the roles of the extension. For install and update scripts.';

CREATE OR REPLACE FUNCTION switchboard._grant_execute(grantee name, names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text;
    overload regprocedure;
BEGIN
    FOREACH wanted IN ARRAY names LOOP
        IF NOT EXISTS (SELECT FROM pg_proc p
                        WHERE p.pronamespace = 'switchboard'::regnamespace AND p.proname = wanted) THEN
            RAISE EXCEPTION 'no such function to grant: switchboard.%', wanted USING ERRCODE = 'undefined_function';
        END IF;
        FOR overload IN
            SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'switchboard'::regnamespace AND p.proname = wanted
        LOOP
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', overload, grantee);
        END LOOP;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION switchboard._grant_execute(name, text[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._grant_execute(name, text[]) IS
'Grants EXECUTE on every overload of the named functions; 42883 when there is none. For install and update scripts.';

CREATE OR REPLACE FUNCTION switchboard._grant_tables(grantee name, verbs text, names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY names LOOP
        EXECUTE format('GRANT %s ON switchboard.%I TO %I', verbs, wanted, grantee);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION switchboard._grant_tables(name, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._grant_tables(name, text, text[]) IS
'Grants the verbs on tables and views of the schema. For install and update scripts.';
