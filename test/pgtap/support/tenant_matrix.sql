-- The tenant matrix: every table and view of the schema, each verb, as everybody who might try, across the line between two
-- tenants. It is made from pg_class: a table that is added later is in it without being named here.
-- Needs sample_data.sql. The tenants are 'ours' and 'theirs'; nobody here belongs to 'theirs'.

CREATE SCHEMA matrix;

CREATE ROLE sb_matrix_agent LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_matrix_supervisor LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_matrix_gateway LOGIN IN ROLE switchboard_gateway;
CREATE ROLE sb_matrix_nobody LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_matrix_monitor LOGIN IN ROLE switchboard_monitor;
CREATE ROLE sb_matrix_worker LOGIN IN ROLE switchboard_worker;

CREATE VIEW matrix.callers AS
SELECT login, sees_own FROM (VALUES
    ('sb_matrix_agent', true), ('sb_matrix_supervisor', true), ('sb_matrix_gateway', true),
    ('sb_matrix_nobody', false), ('sb_matrix_monitor', false), ('sb_matrix_worker', false)) AS list (login, sees_own);

-- Tables, partitions and views, with the column that tells the tenant.
CREATE VIEW matrix.subjects AS
SELECT c.oid::regclass AS subject, c.relname::text AS name, c.relkind::text AS kind,
       CASE WHEN c.relname = 'tenants' THEN 'id'
            ELSE (SELECT a.attname::text FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
       END AS tenant_column
  FROM pg_class c
 WHERE c.relnamespace = 'switchboard'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm');

-- Runs one statement as a login role and takes it back. Returns the rows it saw or changed, else its SQLSTATE.
CREATE FUNCTION matrix.try(login name, statement text) RETURNS text LANGUAGE plpgsql
AS $$
DECLARE
    affected bigint;
    result text;
BEGIN
    IF login = 'sb_matrix_gateway' THEN
        PERFORM set_config('request.jwt.claims', json_build_object('tenant_id', sample.tenant('ours'))::text, true);
    END IF;
    EXECUTE format('SET SESSION AUTHORIZATION %I', login);
    BEGIN
        EXECUTE statement;
        GET DIAGNOSTICS affected = ROW_COUNT;
        RAISE EXCEPTION USING ERRCODE = 'TRIED', MESSAGE = affected;
    EXCEPTION
        WHEN SQLSTATE 'TRIED' THEN result := SQLERRM;
        WHEN OTHERS THEN result := SQLSTATE;
    END;
    RESET SESSION AUTHORIZATION;
    PERFORM set_config('request.jwt.claims', '', true);
    RETURN result;
END
$$;

-- Columns that a role may write, leaving out generated ones.
CREATE FUNCTION matrix.columns(login name, subject regclass, verb text) RETURNS text[] LANGUAGE sql
AS $$
    SELECT coalesce(array_agg(quote_ident(a.attname) ORDER BY a.attnum), '{}')
      FROM pg_attribute a
     WHERE a.attrelid = subject AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND has_column_privilege(login, subject, a.attnum, verb)
       AND (SELECT c.relkind FROM pg_class c WHERE c.oid = subject) IN ('r', 'p')
     UNION ALL
    SELECT ARRAY['tenant_id']
     WHERE (SELECT c.relkind FROM pg_class c WHERE c.oid = subject) NOT IN ('r', 'p')
     ORDER BY 1 DESC LIMIT 1
$$;

-- Statements that reach for the rows of the other tenant. Each must see or change nothing.
CREATE FUNCTION matrix.attempts(login name, subject regclass, tenant_column text)
RETURNS TABLE (verb text, statement text) LANGUAGE plpgsql
AS $$
DECLARE
    theirs constant uuid := sample.tenant('theirs');
    ours constant uuid := sample.tenant('ours');
    writable text[] := matrix.columns(login, subject, 'UPDATE');
    insertable text[] := matrix.columns(login, subject, 'INSERT');
    loot jsonb;
BEGIN
    RETURN QUERY SELECT 'SELECT', format('SELECT FROM %s WHERE %I = %L', subject, tenant_column, theirs);
    RETURN QUERY SELECT 'DELETE', format('DELETE FROM %s WHERE %I = %L', subject, tenant_column, theirs);
    RETURN QUERY SELECT 'DELETE USING a leak', format('DELETE FROM %s WHERE matrix.leaks(%I)', subject, tenant_column);
    IF cardinality(writable) = 0 THEN
        writable := ARRAY[quote_ident(tenant_column)];
    END IF;
    RETURN QUERY SELECT 'UPDATE', format('UPDATE %s SET %s WHERE %I = %L', subject,
        (SELECT string_agg(c || ' = ' || c, ', ') FROM unnest(writable) c), tenant_column, theirs);
    IF quote_ident(tenant_column) = ANY (writable) AND tenant_column <> 'id' THEN
        RETURN QUERY SELECT 'UPDATE to theirs', format('UPDATE %s SET %I = %L WHERE %I = %L', subject, tenant_column,
                                                       theirs, tenant_column, ours);
    END IF;
    -- A copy of one of their rows, under a key of its own.
    EXECUTE format('SELECT to_jsonb(r) FROM %s r WHERE %I = %L LIMIT 1', subject, tenant_column, theirs) INTO loot;
    IF loot IS NOT NULL THEN
        IF cardinality(insertable) = 0 THEN
            insertable := ARRAY[quote_ident(tenant_column)];
        END IF;
        loot := loot || jsonb_strip_nulls(jsonb_build_object(
            'id', CASE WHEN loot ? 'id' AND tenant_column <> 'id' THEN gen_random_uuid() END,
            'seq', CASE WHEN loot ? 'seq' THEN 1000000 END));
        RETURN QUERY SELECT 'INSERT', format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, %3$L)',
                                             subject, array_to_string(insertable, ', '), loot);
    END IF;
END
$$;

-- A condition with a side effect: policies must come before it, or it would see their rows.
CREATE FUNCTION matrix.leaks(tenant uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
AS $$
BEGIN
    IF tenant = sample.tenant_known('theirs') THEN
        RAISE EXCEPTION USING ERRCODE = 'LEAKS';
    END IF;
    RETURN false;
END
$$;
CREATE TABLE sample.known AS SELECT t.name, t.id FROM switchboard.tenants t;
CREATE FUNCTION sample.tenant_known(label text) RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT k.id FROM sample.known k WHERE k.name = label $$;
GRANT USAGE ON SCHEMA matrix, sample TO PUBLIC;
GRANT SELECT ON sample.known TO PUBLIC;

-- One row per caller, table and verb. good: nothing seen, nothing changed; a refusal must be for lack of rights (42501),
-- a view that cannot be written (55000) or a partition that is not the right one, nothing else.
CREATE FUNCTION matrix.cells() RETURNS TABLE (login name, name text, verb text, outcome text, good boolean) LANGUAGE plpgsql
AS $$
DECLARE
    subject record;
    caller record;
    attempt record;
BEGIN
    FOR subject IN SELECT * FROM matrix.subjects s WHERE s.tenant_column IS NOT NULL ORDER BY s.name LOOP
        FOR caller IN SELECT * FROM matrix.callers LOOP
            FOR attempt IN SELECT * FROM matrix.attempts(caller.login, subject.subject, subject.tenant_column) LOOP
                login := caller.login;
                name := subject.name;
                verb := attempt.verb;
                outcome := matrix.try(caller.login, attempt.statement);
                good := outcome = '42501'
                     OR (outcome = '0' AND verb <> 'INSERT')
                     OR (outcome = '55000' AND subject.kind = 'v' AND verb <> 'SELECT');
                RETURN NEXT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

-- Tables that the matrix would be blind to: no row security, no policy though granted, no sample row, or no tenant and no reason.
CREATE FUNCTION matrix.gaps() RETURNS TABLE (name text, gap text) LANGUAGE plpgsql
AS $$
DECLARE
    subject record;
    filled boolean;
BEGIN
    FOR subject IN SELECT s.*, c.relrowsecurity, c.relispartition
                     FROM matrix.subjects s JOIN pg_class c ON c.oid = s.subject LOOP
        name := subject.name;
        IF subject.kind IN ('r', 'p') AND NOT subject.relrowsecurity THEN
            gap := 'has no row level security';
            RETURN NEXT;
        END IF;
        IF subject.kind = 'v' AND subject.tenant_column IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = subject.subject
                                                AND c.reloptions && '{security_invoker=true,security_invoker=on}') THEN
            gap := 'is a view that does not run under the rights of its reader';
            RETURN NEXT;
        END IF;
        IF subject.kind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = subject.subject)
           AND (has_any_column_privilege('switchboard_app', subject.subject, 'SELECT, INSERT, UPDATE')
                OR has_table_privilege('switchboard_app', subject.subject, 'DELETE')) THEN
            gap := 'is granted to the application but has no policy';
            RETURN NEXT;
        END IF;
        IF subject.tenant_column IS NULL THEN
            IF NOT EXISTS (SELECT FROM sample.tables_without_tenant t WHERE t.table_name = subject.name) THEN
                gap := 'has no tenant_id';
                RETURN NEXT;
            END IF;
            CONTINUE;
        END IF;
        IF subject.kind IN ('r', 'p') THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I = sample.tenant(''theirs''))', subject.subject,
                           subject.tenant_column) INTO filled;
            IF NOT filled THEN
                gap := 'has no sample row of the other tenant';
                RETURN NEXT;
            END IF;
        END IF;
    END LOOP;
END
$$;

-- Everybody changes and deletes whatever they can reach, nothing taken back.
CREATE FUNCTION matrix.rampage() RETURNS void LANGUAGE plpgsql
AS $$
DECLARE
    caller record;
    subject record;
    verb text;
BEGIN
    FOR caller IN SELECT * FROM matrix.callers LOOP
        IF caller.login = 'sb_matrix_gateway' THEN
            PERFORM set_config('request.jwt.claims', json_build_object('tenant_id', sample.tenant('ours'))::text, true);
        END IF;
        FOR subject IN SELECT s.*, matrix.columns(caller.login, s.subject, 'UPDATE') AS writable FROM matrix.subjects s LOOP
            FOREACH verb IN ARRAY ARRAY['UPDATE', 'DELETE', 'TRUNCATE'] LOOP
                EXECUTE format('SET SESSION AUTHORIZATION %I', caller.login);
                BEGIN
                    EXECUTE CASE verb
                        WHEN 'UPDATE' THEN format('UPDATE %s SET %s', subject.subject,
                            (SELECT string_agg(c || ' = ' || c, ', ') FROM unnest(subject.writable) c))
                        WHEN 'DELETE' THEN format('DELETE FROM %s', subject.subject)
                        ELSE format('TRUNCATE %s CASCADE', subject.subject) END;
                EXCEPTION WHEN OTHERS THEN NULL;
                END;
                RESET SESSION AUTHORIZATION;
            END LOOP;
        END LOOP;
        PERFORM set_config('request.jwt.claims', '', true);
    END LOOP;
END
$$;
