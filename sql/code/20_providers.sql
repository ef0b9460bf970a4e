-- Accounts held with providers, and their secrets.

-- SECURITY DEFINER protects: provider_secrets, which no application role can read or write. Supervisors of the tenant only.
CREATE OR REPLACE FUNCTION switchboard.add_provider_account(
    provider text, name text, settings jsonb DEFAULT '{}', secrets jsonb DEFAULT '{}')
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid := switchboard._require_supervisor('add provider accounts');
    lookup_messages boolean;
    secret record;
    account uuid;
BEGIN
    SELECT p.lookup_messages INTO lookup_messages FROM switchboard.providers p WHERE p.name = add_provider_account.provider;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown provider: %', coalesce(quote_literal(provider), 'null') USING ERRCODE = 'SB009',
            HINT = 'Known are ' || (SELECT string_agg(p.name, ', ' ORDER BY p.name) FROM switchboard.providers p) || '.';
    END IF;
    IF coalesce(btrim(name), '') = '' THEN
        RAISE EXCEPTION 'a provider account needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    settings := coalesce(settings, '{}');
    IF jsonb_typeof(settings) <> 'object' THEN
        RAISE EXCEPTION 'settings must be a JSON object, not %', jsonb_typeof(settings) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    secrets := coalesce(secrets, '{}');
    IF jsonb_typeof(secrets) <> 'object' THEN
        RAISE EXCEPTION 'secrets must be a JSON object, not %', jsonb_typeof(secrets) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM switchboard.provider_accounts a
                WHERE a.tenant_id = tenant AND a.name = btrim(add_provider_account.name)) THEN
        RAISE EXCEPTION 'there is already a provider account "%"', btrim(name) USING ERRCODE = 'unique_violation';
    END IF;

    -- Settings that are columns become columns.
    INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, base_url, rate_per_second, max_in_flight, settings)
    VALUES (tenant, provider, btrim(name), settings ->> 'base_url',
            switchboard._positive_number(settings, 'rate_per_second'), switchboard._positive_number(settings, 'max_in_flight'),
            jsonb_build_object('in_doubt', CASE WHEN lookup_messages THEN 'lookup' ELSE 'repeat' END)
                || (settings - '{base_url,rate_per_second,max_in_flight}'::text[]))
    RETURNING id INTO account;
    FOR secret IN SELECT e.key, e.value FROM jsonb_each(secrets) e LOOP
        IF jsonb_typeof(secret.value) <> 'string' THEN
            RAISE EXCEPTION 'secret "%" must be a string', secret.key USING ERRCODE = 'invalid_parameter_value';
        END IF;
        PERFORM switchboard._store_secret(tenant, account, secret.key, secret.value #>> '{}');
    END LOOP;
    PERFORM switchboard._audit(tenant, 'add_provider_account', account::text,
        jsonb_build_object('provider', provider, 'name', btrim(name)));
    RETURN account;
END
$$;
REVOKE ALL ON FUNCTION switchboard.add_provider_account(text, text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.add_provider_account(text, text, jsonb, jsonb) IS
'Adds an account held with a provider to the caller''s tenant and returns its id. settings: what the provider needs that is not
secret; base_url, rate_per_second and max_in_flight become columns. secrets: as set_provider_secret(), one for each key. Errors:
SB009 unknown provider, 42501 not a supervisor, 22023 bad settings, 23505 name taken.
asterisk, mtn: secret webhook_token. openai: secret webhook_secret for its webhooks. whatsapp: setting phone_number_id, secrets app_secret and
verify_token for its webhooks. twilio: setting account_sid, secret auth_token (or api_key_sid and api_key_secret beside it). vonage: setting application_id, secret
private_key (PEM), and signature_secret for its webhooks. voipstudio: secret api_token, and webhook_token for its webhooks. omnidimension: setting agent_id (and from_number_id), secret api_key, and
webhook_token for its webhooks. webhook: setting base_url, secret signing_secret (whsec_...), and previous_signing_secret while it
is being replaced; both also sign what is reported back. For telephony accounts the settings caller_id and public_url (where
the provider reaches the gateway; default switchboard.public_url).';

-- SECURITY DEFINER protects: as add_provider_account().
CREATE OR REPLACE FUNCTION switchboard.set_provider_secret(account_id uuid, name text, value text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid := switchboard._require_supervisor('set provider secrets');
BEGIN
    IF NOT EXISTS (SELECT FROM switchboard.provider_accounts a
                    WHERE a.id = set_provider_secret.account_id AND a.tenant_id = tenant) THEN
        RAISE EXCEPTION 'no such provider account: %', account_id USING ERRCODE = 'no_data_found';
    END IF;
    IF value IS NULL THEN
        DELETE FROM switchboard.provider_secrets s
         WHERE s.account_id = set_provider_secret.account_id AND s.name = set_provider_secret.name;
    ELSE
        PERFORM switchboard._store_secret(tenant, account_id, name, value);
    END IF;
    PERFORM switchboard._audit(tenant, 'set_provider_secret', account_id::text, jsonb_build_object('name', name));
END
$$;
REVOKE ALL ON FUNCTION switchboard.set_provider_secret(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.set_provider_secret(uuid, text, text) IS
'Sets a secret of a provider account of the caller''s tenant: env:NAME or file:NAME, resolved where the worker runs, or the secret
itself, which is stored as AES-256-GCM ciphertext under the key in switchboard.key_file. NULL removes it. Errors: P0002 unknown
account, 42501 not a supervisor, 22023 bad name or reference, SB010 no key file.';

-- The plain value goes nowhere but into _seal_secret(): no constraint and no message here may ever quote it.
CREATE OR REPLACE FUNCTION switchboard._store_secret(tenant uuid, account_id uuid, name text, value text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stored text := value;
BEGIN
    IF coalesce(name, '') !~ '^[a-z][a-z0-9_]{0,62}$' THEN
        RAISE EXCEPTION 'bad name of a secret: %', coalesce(quote_literal(name), 'null') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Lower case letters, digits and underscores, as in auth_token.';
    END IF;
    IF value ~ '^(env|file):' THEN
        IF value !~ '^env:[A-Za-z_][A-Za-z0-9_]*$' AND value !~ '^file:[A-Za-z0-9_][A-Za-z0-9_./-]*$' OR value ~ '\.\.' THEN
            RAISE EXCEPTION 'bad reference in secret "%"', name USING ERRCODE = 'invalid_parameter_value',
                HINT = 'env:NAME, or file:NAME with a path below switchboard.secrets_dir.';
        END IF;
    ELSIF value = '' THEN
        RAISE EXCEPTION 'secret "%" is empty', name USING ERRCODE = 'invalid_parameter_value';
    ELSE
        -- Bound to this account and name: a ciphertext moved elsewhere does not open.
        stored := switchboard._seal_secret(value, account_id || '/' || name);
    END IF;
    INSERT INTO switchboard.provider_secrets AS s (tenant_id, account_id, name, value)
    VALUES (tenant, account_id, name, stored)
    ON CONFLICT ON CONSTRAINT provider_secrets_pkey DO UPDATE SET value = excluded.value;
END
$$;
REVOKE ALL ON FUNCTION switchboard._store_secret(uuid, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._store_secret(uuid, uuid, text, text) IS
'Stores a secret: references as they are, anything else sealed. The caller has checked the account.';

CREATE OR REPLACE FUNCTION switchboard._require_supervisor(what text) RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant uuid := switchboard._caller_tenant();
BEGIN
    IF NOT switchboard.is_supervisor() THEN
        RAISE EXCEPTION 'only a supervisor may %', what USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN tenant;
END
$$;
REVOKE ALL ON FUNCTION switchboard._require_supervisor(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._require_supervisor(text) IS 'The tenant of the caller; 42501 unless it acts as a supervisor.';

CREATE OR REPLACE FUNCTION switchboard._installation_url() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sb_installation_url';
REVOKE ALL ON FUNCTION switchboard._installation_url() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._installation_url() IS 'The setting switchboard.public_url; empty when there is none.';

-- These two are inlined by the planner, hence no SET clause; pg_catalog operators only. A triggered price drop asks them for 100,000 calls.
CREATE OR REPLACE FUNCTION switchboard._public_url(account switchboard.provider_accounts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.rtrim(nullif(coalesce(nullif(pg_catalog.btrim(account.settings OPERATOR(pg_catalog.->>) 'public_url'), ''),
                                            pg_catalog.btrim(switchboard._installation_url())), ''), '/')
$$;
REVOKE ALL ON FUNCTION switchboard._public_url(switchboard.provider_accounts) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._public_url(switchboard.provider_accounts) IS
'Where the provider of an account reaches us: settings.public_url, else that of the installation (switchboard.public_url), without a
slash at its end; NULL: it cannot.';

CREATE OR REPLACE FUNCTION switchboard._webhook_url(account switchboard.provider_accounts, event text, call uuid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT switchboard._public_url(account) OPERATOR(pg_catalog.||) '/api/webhooks/' OPERATOR(pg_catalog.||) account.provider
           OPERATOR(pg_catalog.||) '/' OPERATOR(pg_catalog.||) event OPERATOR(pg_catalog.||) '?account='
           OPERATOR(pg_catalog.||) account.id::text OPERATOR(pg_catalog.||) '&call=' OPERATOR(pg_catalog.||) call::text
$$;
REVOKE ALL ON FUNCTION switchboard._webhook_url(switchboard.provider_accounts, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._webhook_url(switchboard.provider_accounts, text, uuid) IS
'Where a provider tells us of that event of a call; NULL for an account without a public address.';

CREATE OR REPLACE FUNCTION switchboard._positive_number(settings jsonb, key text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(jsonb_typeof(settings -> key), 'null') = 'null' THEN
        RETURN NULL;
    ELSIF jsonb_typeof(settings -> key) = 'number' AND (settings ->> key)::numeric > 0 THEN
        RETURN (settings ->> key)::numeric;
    END IF;
    RAISE EXCEPTION '% must be a number above zero, not %', key, settings -> key USING ERRCODE = 'invalid_parameter_value';
END
$$;
REVOKE ALL ON FUNCTION switchboard._positive_number(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._positive_number(jsonb, text) IS 'A number of an object, NULL when absent; 22023 unless above zero.';

-- Jobs that wait for an account that was disabled are wanted as soon as it is enabled.
CREATE OR REPLACE TRIGGER wake AFTER UPDATE ON switchboard.provider_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION switchboard._wake_trigger();
COMMENT ON TRIGGER wake ON switchboard.provider_accounts IS 'Wakes the workers of this database at commit.';

-- What is running is left to its worker; with its whole tenant gone the jobs go, too (see _delete_jobs_of_tenants).
CREATE OR REPLACE FUNCTION switchboard._bury_jobs_of_accounts() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    orphans json;
BEGIN
    SELECT json_agg(json_build_object('id', j.id, 'token', j.token, 'outcome', 'permanent', 'code', 'SB002',
                                      'error', 'its provider account was deleted'))
      INTO orphans
      FROM gone
      JOIN switchboard.tenants t ON t.id = gone.tenant_id
      JOIN switchboard.jobs_open j ON j.lane = gone.id AND j.account_id = gone.id
     WHERE j.locked_by IS NULL;
    IF orphans IS NOT NULL THEN
        PERFORM switchboard._record_results(orphans);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION switchboard._bury_jobs_of_accounts() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._bury_jobs_of_accounts() IS 'Trigger: jobs that waited for a deleted provider account become dead.';
CREATE OR REPLACE TRIGGER bury_jobs AFTER DELETE ON switchboard.provider_accounts
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION switchboard._bury_jobs_of_accounts();
COMMENT ON TRIGGER bury_jobs ON switchboard.provider_accounts IS 'Jobs that waited for a deleted account become dead.';
