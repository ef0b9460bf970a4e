-- API keys: "sbk_" and 43 characters of base64url. Shown once, kept as a digest; a key has so many bits that no salt is needed, and
-- finding it by the index of digests tells nothing about others.

CREATE OR REPLACE FUNCTION switchboard._api_key_digest(key text)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
-- Inlined by the planner, hence no SET clause.
AS $$ SELECT pg_catalog.sha256(pg_catalog.convert_to(key, 'UTF8')) $$;
COMMENT ON FUNCTION switchboard._api_key_digest(text) IS 'What is kept of a key.';
REVOKE ALL ON FUNCTION switchboard._api_key_digest(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._new_api_key()
RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Two random uuids are 244 bits of the server's strong random numbers.
  SELECT 'sbk_' || translate(rtrim(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'), '='), '+/', '-_')
$$;
COMMENT ON FUNCTION switchboard._new_api_key() IS 'A key that nobody can guess.';
REVOKE ALL ON FUNCTION switchboard._new_api_key() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_key_use(key_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: whoever uses a key may not write the table. Internal.
-- Requests of one key do not wait for each other: while one of them notes it, the others leave it.
BEGIN
  IF current_setting('transaction_read_only') = 'off' THEN
    UPDATE switchboard.api_keys k SET last_used_at = clock_timestamp()
    FROM (SELECT f.id FROM switchboard.api_keys f WHERE f.id = key_id FOR NO KEY UPDATE SKIP LOCKED) free
    WHERE k.id = free.id;
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._note_key_use(uuid) IS 'Notes that a key has been used, unless another request is just doing so or nothing may be written.';
REVOKE ALL ON FUNCTION switchboard._note_key_use(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._api_key_claims(key text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: the key says who asks, so it is looked up before anybody is. Whoever holds it may know what this returns.
-- One message for all keys that are not good: whether there was such a key is nobody's business.
-- Cost: an index probe, and once a minute an update.
DECLARE
  subject switchboard.api_keys;
BEGIN
  SELECT k.* INTO subject FROM switchboard.api_keys k
  WHERE k.digest = switchboard._api_key_digest(key) AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the API key is not valid' USING ERRCODE = '28000';
  END IF;
  IF subject.last_used_at IS NULL OR subject.last_used_at < clock_timestamp() - interval '1 minute' THEN
    PERFORM switchboard._note_key_use(subject.id);
  END IF;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'tenant_id', subject.tenant_id, 'sub', subject.user_id, 'role', subject.role, 'exp', extract(epoch FROM subject.expires_at)));
END
$$;
COMMENT ON FUNCTION switchboard._api_key_claims(text) IS
  'The claims of an API key. Error: 28000 for one that is unknown, expired or revoked.';
REVOKE ALL ON FUNCTION switchboard._api_key_claims(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._api_key_role(owner uuid, wanted switchboard.user_role)
RETURNS switchboard.user_role
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Nobody makes a key that may do more than they may themselves, not even through a colleague who is above them, now or later.
DECLARE
  own  switchboard.user_role := (switchboard._identity()).role;
  most switchboard.user_role := own;
BEGIN
  IF owner IS NOT NULL THEN
    SELECT u.role INTO most FROM switchboard.users u
    WHERE u.id = owner AND u.tenant_id = switchboard.current_tenant_id() AND u.active;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such user: %', owner USING ERRCODE = 'P0002';
    END IF;
  END IF;
  IF most > own THEN
    RAISE EXCEPTION 'a % may not make a key for a user who is %', own, most USING ERRCODE = '42501';
  END IF;
  IF wanted > most THEN
    RAISE EXCEPTION 'a key with role % is more than % allows', wanted, most USING ERRCODE = '42501';
  END IF;
  RETURN coalesce(wanted, most);
END
$$;
COMMENT ON FUNCTION switchboard._api_key_role(uuid, switchboard.user_role) IS
  'The role of a new key for a user or the tenant. Errors: P0002 no such active user, 42501 it would be more than the caller''s own.';
REVOKE ALL ON FUNCTION switchboard._api_key_role(uuid, switchboard.user_role) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._create_api_key(
  name text, user_id uuid, expires_at timestamptz, role switchboard.user_role, OUT id uuid, OUT key text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: only functions write the table, so that a digest is always that of a key that was made here.
DECLARE
  tenant uuid := switchboard._require_supervisor('make API keys');
  most   switchboard.user_role;
BEGIN
  IF coalesce(btrim(_create_api_key.name), '') = '' OR length(_create_api_key.name) > 100 THEN
    RAISE EXCEPTION 'name of a key must have 1 to 100 characters' USING ERRCODE = '22023';
  ELSIF _create_api_key.expires_at <= clock_timestamp() THEN
    RAISE EXCEPTION 'a key cannot expire in the past: %', _create_api_key.expires_at USING ERRCODE = '22023';
  END IF;
  most := switchboard._api_key_role(_create_api_key.user_id, _create_api_key.role);
  _create_api_key.key := switchboard._new_api_key();
  INSERT INTO switchboard.api_keys (tenant_id, user_id, name, prefix, digest, role, expires_at)
  VALUES (tenant, _create_api_key.user_id, btrim(_create_api_key.name), left(_create_api_key.key, 12),
          switchboard._api_key_digest(_create_api_key.key), most, nullif(_create_api_key.expires_at, 'infinity'))
  RETURNING api_keys.id INTO _create_api_key.id;
  PERFORM switchboard._audit(tenant, 'api_key.created', _create_api_key.id::text, jsonb_build_object(
    'name', btrim(_create_api_key.name), 'user_id', _create_api_key.user_id, 'role', most, 'expires_at', _create_api_key.expires_at));
END
$$;
COMMENT ON FUNCTION switchboard._create_api_key(text, uuid, timestamptz, switchboard.user_role) IS
  'create_api_key() with the id of the new key, and a role that is less than would be possible.';
REVOKE ALL ON FUNCTION switchboard._create_api_key(text, uuid, timestamptz, switchboard.user_role) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.create_api_key(
  name text, user_id uuid DEFAULT NULL, expires_at timestamptz DEFAULT NULL, role switchboard.user_role DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (switchboard._create_api_key(name, user_id, expires_at, role)).key; END $$;
COMMENT ON FUNCTION switchboard.create_api_key(text, uuid, timestamptz, switchboard.user_role) IS
  'A key with which a program makes HTTP requests (Authorization: Bearer, or X-API-Key). It is shown this once and kept as a digest. It acts for
the user, else for the tenant as a whole; with that user''s role, else the caller''s, or less if role says so. It ends at expires_at (never if
null), with revoke_api_key(), and when its user is deleted or made inactive. Errors: 42501 not a supervisor, or a key that may do more than
the caller; P0002 no such active user; 22023 name empty or longer than 100 characters, or an end that is over.';
REVOKE ALL ON FUNCTION switchboard.create_api_key(text, uuid, timestamptz, switchboard.user_role) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.revoke_api_key(id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: only functions write the table.
DECLARE
  tenant  uuid := switchboard._require_supervisor('revoke API keys');
  subject switchboard.api_keys;
BEGIN
  SELECT k.* INTO subject FROM switchboard.api_keys k
  WHERE k.id = revoke_api_key.id AND k.tenant_id = tenant FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such API key: %', revoke_api_key.id USING ERRCODE = 'P0002';
  ELSIF subject.role = 'admin' AND NOT switchboard._is_admin() THEN
    RAISE EXCEPTION 'only admins may revoke the key of an admin' USING ERRCODE = '42501';
  ELSIF subject.revoked_at IS NULL THEN
    UPDATE switchboard.api_keys k SET revoked_at = clock_timestamp() WHERE k.id = subject.id;
    PERFORM switchboard._audit(subject.tenant_id, 'api_key.revoked', subject.id::text, jsonb_build_object('name', subject.name));
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard.revoke_api_key(uuid) IS
  'Ends a key at once, for good; one that is revoked already stays so. Event streams that were opened with it end within the hour. Errors: P0002 no such key; 42501 not a supervisor, or the
key of an admin and the caller is none.';
REVOKE ALL ON FUNCTION switchboard.revoke_api_key(uuid) FROM PUBLIC;
