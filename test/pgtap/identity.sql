-- Who is asking: login roles, gateways, nobody; what they assert and what they cannot.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

CREATE ROLE sb_test_agent LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_test_barred LOGIN IN ROLE switchboard_app, switchboard_gateway;
CREATE ROLE sb_test_both LOGIN IN ROLE switchboard_gateway;
CREATE ROLE sb_test_gateway LOGIN IN ROLE switchboard_gateway;
CREATE ROLE sb_test_deputy LOGIN;
CREATE ROLE sb_test_nobody LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_test_stranger LOGIN;
GRANT sb_test_gateway TO sb_test_deputy;
GRANT switchboard_app TO sb_test_stranger;

INSERT INTO switchboard.tenants (id, name) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO switchboard.users (id, tenant_id, name, role, login_role, active) VALUES
    ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-00000000000a', 'agent', 'agent', 'sb_test_agent', true),
    ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-00000000000a', 'boss', 'supervisor', 'sb_test_both', true),
    ('00000000-0000-0000-0000-0000000000a3', '00000000-0000-0000-0000-00000000000a', 'barred', 'admin', 'sb_test_barred', false),
    ('00000000-0000-0000-0000-0000000000a4', '00000000-0000-0000-0000-00000000000a', 'admin', 'admin', NULL, true),
    ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-00000000000b', 'agent', 'agent', NULL, true);

CREATE SCHEMA test_identity;
GRANT USAGE ON SCHEMA test_identity TO PUBLIC;

CREATE FUNCTION test_identity.who() RETURNS text LANGUAGE sql
AS $$
    SELECT concat_ws(' ', coalesce(right(switchboard.current_tenant_id()::text, 1), 'nobody'),
                     right(switchboard.current_user_id()::text, 2),
                     CASE WHEN switchboard.is_supervisor() THEN 'supervisor' END,
                     CASE WHEN switchboard._is_admin() THEN 'admin' END)
$$;

-- As whom a login role is seen, with some settings made before; an error shows as its SQLSTATE.
CREATE FUNCTION test_identity.who_is(login name, claims text DEFAULT '', switch_to name DEFAULT NULL) RETURNS text LANGUAGE plpgsql
AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET SESSION AUTHORIZATION %I', login);
    PERFORM set_config('request.jwt.claims', claims, true);
    BEGIN
        IF switch_to IS NOT NULL THEN
            EXECUTE format('SET LOCAL ROLE %I', switch_to);
        END IF;
        result := test_identity.who();
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE;
    END;
    RESET ROLE;
    RESET SESSION AUTHORIZATION;
    PERFORM set_config('request.jwt.claims', '', true);
    RETURN result;
END
$$;

-- Login roles.
SELECT is(test_identity.who_is('sb_test_agent'), 'a a1', 'a login role that is a user is that user');
SELECT is(test_identity.who_is('sb_test_agent', '{"tenant_id":"00000000-0000-0000-0000-00000000000b"}'), 'a a1',
          'whatever it claims');
SELECT set_config('switchboard.tenant_id', '00000000-0000-0000-0000-00000000000b', true);
SELECT is(test_identity.who_is('sb_test_agent'), 'a a1', 'whatever it SETs');
SELECT is(test_identity.who_is('sb_test_both'), 'a a2 supervisor', 'also when it is a member of switchboard_gateway');
SELECT is(test_identity.who_is('sb_test_both', '', 'switchboard_gateway'), 'a a2 supervisor', 'also after SET ROLE');
SELECT is(test_identity.who_is('sb_test_nobody'), 'nobody', 'settings of a login role without user and gateway say nothing');
SELECT set_config('switchboard.tenant_id', '', true);
SELECT is(test_identity.who_is('sb_test_barred'), 'nobody', 'an inactive user is nobody');
SELECT is(test_identity.who_is('sb_test_barred', '{"tenant_id":"00000000-0000-0000-0000-00000000000b"}'), 'nobody',
          'and cannot claim to be somebody else, gateway or not');
SELECT is(test_identity.who_is('sb_test_stranger', '{"tenant_id":"00000000-0000-0000-0000-00000000000a"}'), 'nobody',
          'claims of anyone but a gateway say nothing');

-- Gateways: claims.
SELECT is(test_identity.who_is('sb_test_gateway'), 'nobody', 'a gateway that claims nothing is nobody');
SELECT is(test_identity.who_is('sb_test_gateway', '{"tenant_id":"00000000-0000-0000-0000-00000000000a"}'),
          'a supervisor admin', 'a gateway that names a tenant acts for all of it');
SELECT is(test_identity.who_is('sb_test_gateway', '{"tenant_id":"00000000-0000-0000-0000-00000000000a"}', 'switchboard_app'),
          'a supervisor admin', 'SET ROLE changes nothing');
SELECT is(test_identity.who_is('sb_test_deputy', '{"tenant_id":"00000000-0000-0000-0000-00000000000a"}', 'sb_test_gateway'),
          'a supervisor admin', 'indirect membership counts');
SELECT is(test_identity.who_is('sb_test_gateway', '{"tenant_id":"00000000-0000-0000-0000-00000000000a","role":"agent"}'), 'a',
          'a role claim of agent lowers');
SELECT is(test_identity.who_is('sb_test_gateway', '{"tenant_id":"00000000-0000-0000-0000-00000000000a","role":"supervisor"}'),
          'a supervisor', 'a role claim of supervisor lowers, too');
SELECT is(test_identity.who_is('sb_test_gateway',
    '{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000a1"}'), 'a a1', 'an agent');
SELECT is(test_identity.who_is('sb_test_gateway',
    '{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000a1","role":"admin"}'), 'a a1',
    'a role claim cannot raise a user');
SELECT is(test_identity.who_is('sb_test_gateway',
    '{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000a4","role":"agent"}'), 'a a4',
    'a role claim can lower a user');
SELECT is(test_identity.who_is('sb_test_gateway',
    '{"tenant_id":"00000000-0000-0000-0000-00000000000A","sub":"00000000-0000-0000-0000-0000000000A4"}'),
    'a a4 supervisor admin', 'an admin, in capitals');

-- Malformed claims are an error or nobody, never someone.
SELECT is(test_identity.who_is('sb_test_gateway', claims), outcome, 'claims ' || claims)
  FROM (VALUES
    ('{', '22P02'), ('null', 'nobody'), ('[]', 'nobody'), ('"00000000-0000-0000-0000-00000000000a"', 'nobody'), ('1', 'nobody'),
    ('{}', 'nobody'),
    ('{"sub":"00000000-0000-0000-0000-0000000000a1"}', 'nobody'),
    ('{"tenant_id":null}', 'nobody'), ('{"tenant_id":1}', 'nobody'), ('{"tenant_id":""}', 'nobody'),
    ('{"tenant_id":["00000000-0000-0000-0000-00000000000a"]}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a "}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a\n"}', 'nobody'),
    ('{"tenant_id":"%"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000c"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":""}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":7}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":{}}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"auth0|1"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000b1"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000a3"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","sub":"00000000-0000-0000-0000-0000000000ff"}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","role":["admin"]}', 'nobody'),
    ('{"tenant_id":"00000000-0000-0000-0000-00000000000a","role":7}', 'nobody')
  ) AS list (claims, outcome);

-- Gateways: set_identity.
SET SESSION AUTHORIZATION sb_test_gateway;
SELECT lives_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a')$$, 'a gateway may assert a tenant');
SELECT is(test_identity.who(), 'a supervisor admin', 'and is then that tenant');
SELECT lives_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-0000000000b1')$$,
                'it may assert a user');
SELECT is(test_identity.who(), 'b b1', 'and is then that user');
SELECT set_config('request.jwt.claims', '{"tenant_id":"00000000-0000-0000-0000-00000000000a"}', true);
SELECT is(test_identity.who(), 'b b1', 'set_identity goes before claims');
SELECT lives_ok($$SELECT switchboard.set_identity(tenant_id => '00000000-0000-0000-0000-00000000000b')$$, 'arguments have names');
SELECT is(test_identity.who(), 'b supervisor admin', 'asserting a tenant takes the user back');
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000c')$$, 'P0002',
                 'no such tenant: 00000000-0000-0000-0000-00000000000c', 'an unknown tenant');
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000b1')$$,
                 'P0002', NULL, 'a user of another tenant');
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a3')$$,
                 'P0002', NULL, 'an inactive user');
SELECT throws_ok('SELECT switchboard.set_identity(NULL)', '22023', 'tenant_id must not be null', 'no tenant');
SELECT is(test_identity.who(), 'b supervisor admin', 'a refused assertion leaves the one before');
-- A gateway can write the settings itself; nonsense in them is nobody.
SELECT set_config('switchboard.tenant_id', 'nonsense', true);
SELECT is(test_identity.who(), 'nobody', 'nonsense in the setting is nobody, and claims are not asked instead');
SELECT set_config('switchboard.tenant_id', '', true), set_config('request.jwt.claims', '', true);
RESET SESSION AUTHORIZATION;

SET SESSION AUTHORIZATION sb_test_nobody;
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a')$$, '42501', NULL,
                 'a login role that is not a gateway may not assert');
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION switchboard.set_identity(uuid, uuid) TO sb_test_nobody;
SET SESSION AUTHORIZATION sb_test_nobody;
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a')$$, '42501',
                 'role "sb_test_nobody" may not assert an identity', 'not even when it may call the function');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION sb_test_both;
SELECT throws_ok($$SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000b')$$, '42501', NULL,
                 'a gateway login that is a user may not assert somebody else');
RESET SESSION AUTHORIZATION;

-- Defaults and rights that follow from identity.
SET SESSION AUTHORIZATION sb_test_agent;
SELECT results_eq($$INSERT INTO switchboard.tasks (title) VALUES ('t') RETURNING tenant_id, user_id$$,
    $$VALUES ('00000000-0000-0000-0000-00000000000a'::uuid, '00000000-0000-0000-0000-0000000000a1'::uuid)$$,
    'tenant and user of a new row are the caller''s');
WITH changed AS (UPDATE switchboard.users SET role = 'admin' RETURNING 1)
SELECT is(count(*), 0::bigint, 'an agent cannot make himself an admin') FROM changed;
WITH changed AS (UPDATE switchboard.tenants SET settings = '{"x":1}' RETURNING 1)
SELECT is(count(*), 0::bigint, 'an agent cannot change the tenant') FROM changed;
SELECT throws_ok($$UPDATE switchboard.users SET login_role = 'postgres'$$, '42501', NULL, 'nobody of the application sets a login role');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION sb_test_both;
WITH changed AS (UPDATE switchboard.users SET name = name RETURNING name)
SELECT is(array_agg(name::text ORDER BY name), '{agent,boss}', 'a supervisor changes agents and supervisors, not admins') FROM changed;
SELECT throws_ok($$UPDATE switchboard.users SET role = 'admin' WHERE name = 'agent'$$, '42501', NULL, 'and makes no admins');
SELECT throws_ok($$INSERT INTO switchboard.users (name, role) VALUES ('new', 'admin')$$, '42501', NULL, 'nor new ones');
SELECT lives_ok($$INSERT INTO switchboard.users (name, role) VALUES ('new', 'agent')$$, 'but agents');
SELECT throws_ok($$INSERT INTO switchboard.users (name, login_role) VALUES ('new', 'postgres')$$, '42501', NULL,
                 'without a login role');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
