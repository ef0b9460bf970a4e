-- The schema itself is made by CREATE EXTENSION (control file: schema = switchboard). Here are the cluster roles
-- that grants refer to. Roles belong to the cluster, not to the extension: they are made when missing, never
-- altered and never dropped, so that several databases can share them and DROP EXTENSION leaves them alone.
COMMENT ON SCHEMA switchboard IS
'A contact centre in the database: contacts, dialer, calls, messages, jobs. Names starting with _ are internal.';

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['switchboard_app', 'switchboard_gateway', 'switchboard_worker', 'switchboard_monitor']
    LOOP
        IF pg_catalog.to_regrole(role_name) IS NULL THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION
                -- Two databases installing at the same moment: the other one was first.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END
$roles$;
