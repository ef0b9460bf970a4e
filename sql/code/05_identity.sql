-- Who is asking. Row level security, column defaults and the API all go through the functions of this file.
-- The rules, in order:
--   1. the login role (session_user) is some users.login_role: the session is that user, whatever it SETs;
--   2. the login role is a member of switchboard_gateway: it is whom it asserts, by set_identity() for this transaction,
--      else by the request.jwt.claims setting;
--   3. anyone else is nobody.
-- Only session_user is looked at: SET ROLE and SECURITY DEFINER change current_user, never who the caller is.
-- A claim that is not well formed never names anyone: broken JSON is an error, anything else wrong means nobody.

-- SECURITY DEFINER protects: users and tenants are read past row level security, which itself depends on this answer.
-- No exception blocks: they need subtransactions, which parallel workers cannot start.
-- Cost: one index probe of users for a login user; two for a gateway with a user. Policies call it once per statement.
CREATE OR REPLACE FUNCTION switchboard._identity(
    OUT tenant_id uuid, OUT user_id uuid, OUT role switchboard.user_role)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    login switchboard.users;
    asserted jsonb;
    asserted_role text;
BEGIN
    SELECT u.* INTO login FROM switchboard.users u WHERE u.login_role = session_user;
    IF FOUND THEN
        IF login.active THEN
            tenant_id := login.tenant_id;
            user_id := login.id;
            role := login.role;
        END IF;
        RETURN;
    END IF;

    -- A login role can be dropped while its session lives on; then it is nobody.
    IF to_regrole(quote_ident(session_user)) IS NULL
       OR NOT pg_has_role(session_user, 'switchboard_gateway', 'MEMBER') THEN
        RETURN;
    END IF;

    -- At the end of a transaction a local setting falls back to the empty string, not to NULL.
    IF nullif(current_setting('switchboard.tenant_id', true), '') IS NOT NULL THEN
        asserted := jsonb_build_object(
            'tenant_id', current_setting('switchboard.tenant_id', true),
            'sub', nullif(current_setting('switchboard.user_id', true), ''));
    ELSE
        asserted := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
    END IF;
    IF asserted IS NULL OR jsonb_typeof(asserted) <> 'object'
       OR jsonb_typeof(asserted -> 'tenant_id') IS DISTINCT FROM 'string'
       OR NOT switchboard._is_uuid(asserted ->> 'tenant_id')
       OR coalesce(jsonb_typeof(asserted -> 'role'), 'null') NOT IN ('string', 'null') THEN
        RETURN;
    END IF;
    asserted_role := asserted ->> 'role';

    IF asserted ->> 'sub' IS NULL THEN
        -- No user: the caller acts for the whole tenant, unless it says that it is only an agent.
        SELECT t.id INTO tenant_id FROM switchboard.tenants t WHERE t.id = (asserted ->> 'tenant_id')::uuid;
        IF FOUND THEN
            role := CASE asserted_role WHEN 'agent' THEN 'agent' WHEN 'supervisor' THEN 'supervisor' ELSE 'admin' END;
        END IF;
        RETURN;
    END IF;

    IF jsonb_typeof(asserted -> 'sub') <> 'string' OR NOT switchboard._is_uuid(asserted ->> 'sub') THEN
        RETURN;
    END IF;
    -- The stored role counts. A claim can lower it, never raise it.
    SELECT u.tenant_id, u.id,
           CASE WHEN asserted_role IN ('agent', 'supervisor') THEN least(u.role, asserted_role::switchboard.user_role) ELSE u.role END
      INTO tenant_id, user_id, role
      FROM switchboard.users u
     WHERE u.id = (asserted ->> 'sub')::uuid AND u.tenant_id = (asserted ->> 'tenant_id')::uuid AND u.active;
END
$$;
REVOKE ALL ON FUNCTION switchboard._identity() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._identity() IS
'Who is asking: tenant, user and role; all NULL for nobody. Raises 22P02 when request.jwt.claims is not JSON.';

-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._is_uuid(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT value OPERATOR(pg_catalog.~*) '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
$$;
REVOKE ALL ON FUNCTION switchboard._is_uuid(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._is_uuid(text) IS 'Whether a text is a uuid in its usual form, without raising.';

-- PL/pgSQL, because a function in SQL is parsed and planned anew in each statement that calls it.
CREATE OR REPLACE FUNCTION switchboard.current_tenant_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (switchboard._identity()).tenant_id; END $$;
REVOKE ALL ON FUNCTION switchboard.current_tenant_id() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.current_tenant_id() IS
'The tenant of whoever is asking (see set_identity); NULL for nobody. Default of every tenant_id column.';

CREATE OR REPLACE FUNCTION switchboard.current_user_id() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (switchboard._identity()).user_id; END $$;
REVOKE ALL ON FUNCTION switchboard.current_user_id() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.current_user_id() IS
'The user who is asking (see set_identity); NULL for nobody and for a gateway that acts for a whole tenant.';

CREATE OR REPLACE FUNCTION switchboard.is_supervisor() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN coalesce((switchboard._identity()).role IN ('supervisor', 'admin'), false); END $$;
REVOKE ALL ON FUNCTION switchboard.is_supervisor() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.is_supervisor() IS
'Whether whoever is asking sees the whole tenant: supervisors, admins, and a gateway that names no user. False for nobody.';

CREATE OR REPLACE FUNCTION switchboard._is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN coalesce((switchboard._identity()).role = 'admin', false); END $$;
REVOKE ALL ON FUNCTION switchboard._is_admin() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._is_admin() IS
'Whether whoever is asking may change the tenant''s rules and make admins. False for nobody.';

-- SECURITY DEFINER protects: the existence checks read tenants and users past row level security.
CREATE OR REPLACE FUNCTION switchboard.set_identity(tenant_id uuid, user_id uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM switchboard.users u WHERE u.login_role = session_user)
       OR NOT pg_has_role(session_user, 'switchboard_gateway', 'MEMBER') THEN
        RAISE EXCEPTION 'role "%" may not assert an identity', session_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Only members of switchboard_gateway may; a login role that belongs to a user is always that user.';
    END IF;
    IF set_identity.tenant_id IS NULL THEN
        RAISE EXCEPTION 'tenant_id must not be null' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM switchboard.tenants t WHERE t.id = set_identity.tenant_id) THEN
        RAISE EXCEPTION 'no such tenant: %', set_identity.tenant_id USING ERRCODE = 'no_data_found';
    END IF;
    IF set_identity.user_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM switchboard.users u
         WHERE u.id = set_identity.user_id AND u.tenant_id = set_identity.tenant_id AND u.active) THEN
        RAISE EXCEPTION 'no such user in tenant %: %', set_identity.tenant_id, set_identity.user_id
            USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM set_config('switchboard.tenant_id', set_identity.tenant_id::text, true),
            set_config('switchboard.user_id', coalesce(set_identity.user_id::text, ''), true);
END
$$;
REVOKE ALL ON FUNCTION switchboard.set_identity(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.set_identity(uuid, uuid) IS
'Says for the rest of this transaction on whose behalf a gateway acts: a tenant, and a user of it or the tenant as a whole.
Errors: 42501 when the login role is not a member of switchboard_gateway or is itself a user; P0002 when there is no such
tenant or no such active user in it; 22023 when tenant_id is null.';
