-- Requests for help and callbacks: how they come in, who may send how many, and their life.
--
--   pending --claim, assign--> assigned --resolve--> resolved --close--> closed
-- Pending ones can be resolved, and all can be closed, directly; reopening leads back to assigned, or to pending when nobody had it.

CREATE OR REPLACE FUNCTION switchboard._address_key(tenant uuid, at timestamptz)
RETURNS bytea
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: nobody reads the keys. Internal. Writes in any case: that is the lock.
  INSERT INTO switchboard.address_keys AS k (tenant_id, key, made_at)
  VALUES (tenant, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), at)
  ON CONFLICT (tenant_id) DO UPDATE
  SET key = CASE WHEN k.made_at <= at - interval '1 day' THEN excluded.key ELSE k.key END,
      made_at = CASE WHEN k.made_at <= at - interval '1 day' THEN at ELSE k.made_at END
  RETURNING k.key
$$;
COMMENT ON FUNCTION switchboard._address_key(uuid, timestamptz) IS
  'The key for hashes of network addresses of a tenant, a new one after a day. Locks the tenant''s limits until the end of the transaction.';
REVOKE ALL ON FUNCTION switchboard._address_key(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._address_hash(key bytea, address inet)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Who has one IPv6 address has 2^64 of them.
  SELECT sha256(key || convert_to(host(network(set_masklen(address, CASE family(address) WHEN 6 THEN 64 ELSE 32 END))), 'UTF8'))
$$;
COMMENT ON FUNCTION switchboard._address_hash(bytea, inet) IS
  'A network address as hash; of IPv6 its first 64 bits. The key is of fixed length.';
REVOKE ALL ON FUNCTION switchboard._address_hash(bytea, inet) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._support_limits(tenant uuid)
RETURNS TABLE (of text, most int)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the settings of any tenant. Internal.
BEGIN
  RETURN QUERY
  SELECT d.of, switchboard._small_int(t.settings -> 'support' -> ('per_' || d.of), 1, 1000000, d.fallback)
  FROM switchboard.tenants t, (VALUES ('email', 10), ('address', 20), ('tenant', 500)) AS d (of, fallback)
  WHERE t.id = tenant;
END
$$;
COMMENT ON FUNCTION switchboard._support_limits(uuid) IS
  'How many support requests the public may make an hour: settings.support.per_email (default 10), per_address (20), per_tenant (500).';
REVOKE ALL ON FUNCTION switchboard._support_limits(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._limit_support_requests(tenant uuid, email text, address inet, at timestamptz)
RETURNS bytea
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: counts past row level security. Internal. Under the lock of the key: two who come at once are counted one after
-- the other. Cost: the tenant's requests of the last hour, by their index.
DECLARE
  key    bytea := switchboard._address_key(tenant, at);
  hash   bytea := switchboard._address_hash(key, address);
  broken record;
BEGIN
  SELECT l.of, l.most, l.until INTO broken
  FROM (SELECT k.of, k.most, n.made, n.oldest + interval '1 hour' AS until
        FROM switchboard._support_limits(tenant) k
        CROSS JOIN LATERAL (
          SELECT count(*) AS made, min(r.created_at) AS oldest FROM switchboard.support_requests r
          WHERE r.tenant_id = tenant AND r.created_at > at - interval '1 hour' AND r.source IN ('form', 'application')
            AND CASE k.of WHEN 'email' THEN lower(r.user_email) = lower(email) WHEN 'address' THEN r.address_hash = hash ELSE true END) n) l
  WHERE l.made >= l.most
  ORDER BY l.until DESC, l.of DESC LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'more than % support requests an hour from %', broken.most,
        CASE broken.of WHEN 'email' THEN email WHEN 'address' THEN 'one network address' ELSE 'the public' END
      USING ERRCODE = 'SB007', HINT = format('Another one is taken from %s on.', broken.until);
  END IF;
  RETURN hash;
END
$$;
COMMENT ON FUNCTION switchboard._limit_support_requests(uuid, text, inet, timestamptz) IS
  'SB007 when as many support requests as are allowed have come within the last hour from this e-mail address, this network address or for
this tenant; else the hash of the network address (NULL: none).';
REVOKE ALL ON FUNCTION switchboard._limit_support_requests(uuid, text, inet, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_support_request(email text, subject text, description text, priority text, user_ref text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  long record;
BEGIN
  SELECT f.name, f.most, length(f.value) AS length INTO long
  FROM (VALUES ('user_email', email, 254), ('subject', subject, 200), ('description', description, 10000), ('user_ref', user_ref, 200))
    AS f (name, value, most)
  WHERE length(f.value) > f.most ORDER BY f.name LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% has % characters, more than %', long.name, long.length, long.most USING ERRCODE = '22023';
  ELSIF subject IS NULL THEN
    RAISE EXCEPTION 'a support request needs a subject' USING ERRCODE = '22023';
  ELSIF email !~ '^[^@[:space:][:cntrl:]<>",;]+@[^@[:space:][:cntrl:]<>",;.]+([.][^@[:space:][:cntrl:]<>",;.]+)+$' THEN
    RAISE EXCEPTION 'not an e-mail address: %', email USING ERRCODE = '22023';
  ELSIF priority IS NULL OR priority <> ALL (enum_range(NULL::switchboard.support_priority)::text[]) THEN
    RAISE EXCEPTION 'unknown priority: %', coalesce(left(priority, 64), 'null')
      USING ERRCODE = '22023', HINT = format('Priorities are %s.', array_to_string(enum_range(NULL::switchboard.support_priority), ', '));
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_support_request(text, text, text, text, text) IS
  '22023 for what is too long (characters: e-mail 254, subject 200, description 10,000, user_ref 200), no subject, an implausible e-mail
address, or an unknown priority.';
REVOKE ALL ON FUNCTION switchboard._check_support_request(text, text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._support_contact(tenant uuid, phone text, email text)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: looks in any tenant. Internal. Cost: two index probes.
BEGIN
  RETURN coalesce(
    (SELECT k.id FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = phone),
    (SELECT k.id FROM switchboard.contacts k WHERE k.tenant_id = tenant AND lower(k.email) = lower(_support_contact.email)
     ORDER BY k.updated_at DESC, k.id LIMIT 1));
END
$$;
COMMENT ON FUNCTION switchboard._support_contact(uuid, text, text) IS
  'The contact with this phone number, else the one with this e-mail address that was changed last; NULL: none.';
REVOKE ALL ON FUNCTION switchboard._support_contact(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._add_support_request(
  tenant uuid, source text, email text, subject text, description text, priority switchboard.support_priority, phone text, user_ref text,
  contact uuid, call uuid, callback_at timestamptz, address_hash bytea DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal: the caller has checked everything.
DECLARE
  made switchboard.support_requests;
BEGIN
  INSERT INTO switchboard.support_requests
    (tenant_id, source, user_email, subject, description, priority, phone_number, user_ref, contact_id, call_log_id, callback_at, address_hash)
  VALUES (tenant, source, email, subject, description, priority, phone, user_ref,
          coalesce(contact, switchboard._support_contact(tenant, phone, email)), call, callback_at, address_hash)
  RETURNING * INTO made;
  PERFORM switchboard._add_event(tenant, 'new-support-request', made.id, jsonb_strip_nulls(jsonb_build_object(
    'requestId', made.id, 'kind', CASE WHEN made.callback_at IS NULL THEN 'support_request' ELSE 'callback' END, 'source', made.source,
    'subject', made.subject, 'priority', made.priority, 'contactId', made.contact_id, 'phoneNumber', made.phone_number,
    'contactName', (SELECT switchboard._person_name(k.name, k.first_name, k.last_name) FROM switchboard.contacts k WHERE k.id = made.contact_id),
    'callId', made.call_log_id, 'callbackAt', made.callback_at)));
  RETURN made;
END
$$;
COMMENT ON FUNCTION switchboard._add_support_request(uuid, text, text, text, text, switchboard.support_priority, text, text, uuid, uuid, timestamptz, bytea) IS
  'Enters a support request (callback_at NULL) or a callback, with its contact if there is one, and tells the feed (new-support-request).';
REVOKE ALL ON FUNCTION switchboard._add_support_request(uuid, text, text, text, text, switchboard.support_priority, text, text, uuid, uuid, timestamptz, bytea)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._make_support_request(
  tenant uuid, source text, email text, subject text, description text, priority text, phone text, user_ref text, limited boolean,
  address inet)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _add_support_request(). Internal. created_at is now(), hence so are the limits.
DECLARE
  caller text := nullif(btrim(email), '');
  title  text := nullif(btrim(subject), '');
  number text := nullif(btrim(phone), '');
  hash   bytea;
BEGIN
  PERFORM switchboard._check_support_request(caller, title, description, priority, user_ref);
  number := switchboard.normalize_phone(number, (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = tenant));
  IF caller IS NULL AND number IS NULL THEN
    RAISE EXCEPTION 'a support request needs an e-mail address or a phone number' USING ERRCODE = '22023';
  END IF;
  IF limited THEN
    hash := switchboard._limit_support_requests(tenant, caller, address, now());
  END IF;
  RETURN switchboard._add_support_request(tenant, source, caller, title, nullif(description, ''), priority::switchboard.support_priority,
                                          number, nullif(btrim(user_ref), ''), NULL, NULL, NULL, hash);
END
$$;
COMMENT ON FUNCTION switchboard._make_support_request(uuid, text, text, text, text, text, text, text, boolean, inet) IS
  'Checks a support request and enters it; limited: as many as the public may make. Errors: 22023, SB001, SB007.';
REVOKE ALL ON FUNCTION switchboard._make_support_request(uuid, text, text, text, text, text, text, text, boolean, inet) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.create_support_request(
  user_email text, subject text, description text, priority text DEFAULT 'medium', phone_number text DEFAULT NULL,
  user_ref text DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the feed is not the application's to write; _caller_tenant() checks the session. Somebody of the staff who enters
-- what a customer has told them is not the public.
DECLARE
  tenant uuid := switchboard._caller_tenant();
  public boolean := switchboard.current_user_id() IS NULL;
BEGIN
  RETURN switchboard._make_support_request(tenant, CASE WHEN public THEN 'application' ELSE 'staff' END, user_email, subject, description,
                                           priority, phone_number, user_ref, public, NULL);
END
$$;
COMMENT ON FUNCTION switchboard.create_support_request(text, text, text, text, text, text) IS
  'Enters a customer''s request for help; returns the support_requests row, which waits in call_queue. priority: low, medium, high or
urgent. An e-mail address or a phone number is needed; by the number, else the address, the contact is found. user_ref: the
application''s own id of the customer. A session that acts for no user speaks for the public, which has limits: settings.support of the
tenant, requests an hour, per_email (default 10) and per_tenant (500). Errors: 22023 too long (characters: e-mail 254, subject 200,
description 10,000, user_ref 200), no subject, no e-mail address, unknown priority, SB001 bad number, SB007 too many, 42501 nobody asks.';
REVOKE ALL ON FUNCTION switchboard.create_support_request(text, text, text, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._open_support_request(
  tenant uuid, user_email text, subject text, description text, priority text, phone_number text, user_ref text, address inet)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the public has no identity; whoever carries its request names the tenant, and shows nothing of the row but its id.
BEGIN
  PERFORM FROM switchboard.tenants t WHERE t.id = tenant;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such tenant: %', coalesce(tenant::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._make_support_request(tenant, 'form', user_email, subject, description, coalesce(priority, 'medium'), phone_number,
                                           user_ref, true, address);
END
$$;
COMMENT ON FUNCTION switchboard._open_support_request(uuid, text, text, text, text, text, text, inet) IS
  'A support request of the public, which came from this network address (NULL: not known): as create_support_request(), always with
limits, also settings.support.per_address (default 20 an hour). Of the address only a hash is kept. For gateways. Errors: P0002 no such
tenant, and those of create_support_request().';
REVOKE ALL ON FUNCTION switchboard._open_support_request(uuid, text, text, text, text, text, text, inet) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._request_callback(
  tenant uuid, phone text, wanted_at timestamptz, subject text, contact uuid, call uuid)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for any tenant. Internal. Asking twice is asking once: somebody who presses the key again, or calls again while
-- the callback waits, moves it at most forward.
DECLARE
  waiting switchboard.support_requests;
BEGIN
  SELECT r.* INTO waiting FROM switchboard.support_requests r
  WHERE r.tenant_id = tenant AND r.status = 'pending' AND r.callback_at IS NOT NULL AND r.phone_number = phone
  ORDER BY r.callback_at LIMIT 1 FOR NO KEY UPDATE;
  IF FOUND THEN
    UPDATE switchboard.support_requests r SET callback_at = least(r.callback_at, wanted_at), call_log_id = coalesce(call, r.call_log_id)
    WHERE r.id = waiting.id RETURNING * INTO waiting;
    RETURN waiting;
  END IF;
  RETURN switchboard._add_support_request(tenant, 'callback', NULL, coalesce(nullif(btrim(subject), ''), 'Callback'), NULL, 'high', phone, NULL,
                                          contact, call, wanted_at);
END
$$;
COMMENT ON FUNCTION switchboard._request_callback(uuid, text, timestamptz, text, uuid, uuid) IS
  'Enters a callback to a number, or returns the one that waits already.';
REVOKE ALL ON FUNCTION switchboard._request_callback(uuid, text, timestamptz, text, uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.request_callback(
  phone_number text, at timestamptz DEFAULT now(), subject text DEFAULT NULL, contact_id uuid DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as create_support_request().
DECLARE
  tenant uuid := switchboard._caller_tenant();
  number text := switchboard.normalize_phone(coalesce(request_callback.phone_number, ''),
                                             (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = tenant));
BEGIN
  PERFORM switchboard._check_support_request(NULL, coalesce(request_callback.subject, 'Callback'), NULL, 'high', NULL);
  IF request_callback.at IS NULL OR NOT isfinite(request_callback.at) OR request_callback.at > now() + interval '1 year' THEN
    RAISE EXCEPTION 'a callback cannot be at %', coalesce(request_callback.at::text, 'null')
      USING ERRCODE = '22023', HINT = 'Give a time within a year.';
  END IF;
  IF request_callback.contact_id IS NOT NULL THEN
    PERFORM FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.id = request_callback.contact_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such contact: %', request_callback.contact_id USING ERRCODE = 'P0002';
    END IF;
  END IF;
  RETURN switchboard._request_callback(tenant, number, request_callback.at, request_callback.subject, request_callback.contact_id, NULL);
END
$$;
COMMENT ON FUNCTION switchboard.request_callback(text, timestamptz, text, uuid) IS
  'Somebody wants to be called back, not before "at" (default: now): a support_requests row of priority high that appears in call_queue as
callback when it is due. A number that waits for one already keeps that one, at the earlier time. Errors: SB001 bad number, 22023 time
more than a year off or subject of more than 200 characters, P0002 no such contact, 42501 nobody asks.';
REVOKE ALL ON FUNCTION switchboard.request_callback(text, timestamptz, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._step_support_request(
  request uuid, step text, from_states switchboard.support_status[], to_state switchboard.support_status, agent uuid DEFAULT NULL,
  notes text DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the feed is not the application's to write; the session is checked before the row is locked. Agents see all
-- requests of the tenant and act on their own and on nobody's.
DECLARE
  current switchboard.support_requests;
BEGIN
  SELECT r.* INTO current FROM switchboard.support_requests r
  WHERE r.id = request AND switchboard._caller_may(r.tenant_id, NULL) FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such support request: %', coalesce(request::text, 'null') USING ERRCODE = 'P0002';
  ELSIF NOT switchboard._caller_may(current.tenant_id, current.assigned_to) THEN
    RAISE EXCEPTION 'support request % is another agent''s', request USING ERRCODE = '42501';
  ELSIF current.status <> ALL (from_states) THEN
    RAISE EXCEPTION 'cannot % support request %: it is %', step, request, current.status USING ERRCODE = 'SB005';
  END IF;
  IF step = 'assign' THEN
    PERFORM switchboard._check_assignee(current.tenant_id, agent);
  END IF;
  UPDATE switchboard.support_requests r
  SET status = CASE WHEN to_state = 'pending' AND r.assigned_to IS NOT NULL THEN 'assigned' ELSE to_state END,
      assigned_to = CASE step WHEN 'assign' THEN agent WHEN 'resolve' THEN coalesce(r.assigned_to, switchboard.current_user_id()) ELSE r.assigned_to END,
      resolution = coalesce(nullif(btrim(notes), ''), r.resolution),
      resolved_at = CASE WHEN to_state = 'resolved' THEN now() WHEN to_state = 'closed' THEN r.resolved_at END
  WHERE r.id = current.id RETURNING * INTO current;
  PERFORM switchboard._note_support_request(current);
  RETURN current;
END
$$;
COMMENT ON FUNCTION switchboard._step_support_request(uuid, text, switchboard.support_status[], switchboard.support_status, uuid, text) IS
  'One step of a support request''s life. Errors: P0002 no such request or user, 42501 another agent''s, SB005 not from its status.';
REVOKE ALL ON FUNCTION switchboard._step_support_request(uuid, text, switchboard.support_status[], switchboard.support_status, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_support_request(request switchboard.support_requests)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: the feed is not the application's to write. Internal. To everybody: it leaves the queues on their screens.
  SELECT switchboard._add_event(request.tenant_id, 'support-request-updated', request.id, jsonb_strip_nulls(jsonb_build_object(
    'requestId', request.id, 'status', request.status, 'userId', request.assigned_to)))
$$;
COMMENT ON FUNCTION switchboard._note_support_request(switchboard.support_requests) IS
  'Tells the feed how far a support request is: support-request-updated.';
REVOKE ALL ON FUNCTION switchboard._note_support_request(switchboard.support_requests) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_assignee(tenant uuid, agent uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: looks for the user past row level security, within a tenant that the session may act for.
BEGIN
  IF switchboard.current_tenant_id() IS NOT NULL AND NOT switchboard.is_supervisor()
     AND agent IS DISTINCT FROM switchboard.current_user_id() THEN
    RAISE EXCEPTION 'only supervisors give work to others' USING ERRCODE = '42501';
  ELSIF NOT EXISTS (SELECT FROM switchboard.users u WHERE u.tenant_id = tenant AND u.id = agent AND u.active) THEN
    RAISE EXCEPTION 'no such user: %', coalesce(agent::text, 'null') USING ERRCODE = 'P0002';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_assignee(uuid, uuid) IS
  'Whether the session may give this user of the tenant work: 42501 an agent names another, P0002 no such active user.';
REVOKE ALL ON FUNCTION switchboard._check_assignee(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.assign_support_request(id uuid, user_id uuid)
RETURNS switchboard.support_requests
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.* FROM switchboard._step_support_request(id, 'assign', '{pending,assigned}', 'assigned', user_id) s $$;
COMMENT ON FUNCTION switchboard.assign_support_request(uuid, uuid) IS
  'Gives a support request or callback that is not resolved to a user: supervisors to anybody, agents to themselves. Returns the row.
Errors: P0002 no such request or user, 42501 an agent names another or it is another''s, SB005 it is resolved or closed.';
REVOKE ALL ON FUNCTION switchboard.assign_support_request(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.resolve_support_request(id uuid, notes text DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.* FROM switchboard._step_support_request(id, 'resolve', '{pending,assigned}', 'resolved', NULL, notes) s $$;
COMMENT ON FUNCTION switchboard.resolve_support_request(uuid, text) IS
  'Resolves a support request or callback, with how (notes: resolution); one that nobody had is the caller''s then. Returns the row. Errors:
P0002 no such request, 42501 it is another agent''s, SB005 it is resolved or closed.';
REVOKE ALL ON FUNCTION switchboard.resolve_support_request(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.close_support_request(id uuid, notes text DEFAULT NULL)
RETURNS switchboard.support_requests
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.* FROM switchboard._step_support_request(id, 'close', '{pending,assigned,resolved}', 'closed', NULL, notes) s $$;
COMMENT ON FUNCTION switchboard.close_support_request(uuid, text) IS
  'Closes a support request or callback for good, resolved or not. Returns the row. Errors: P0002 no such request, 42501 it is another
agent''s, SB005 it is closed.';
REVOKE ALL ON FUNCTION switchboard.close_support_request(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.reopen_support_request(id uuid)
RETURNS switchboard.support_requests
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.* FROM switchboard._step_support_request(id, 'reopen', '{resolved,closed}', 'pending') s $$;
COMMENT ON FUNCTION switchboard.reopen_support_request(uuid) IS
  'Opens a resolved or closed support request again: it is assigned to who had it, else it waits. Returns the row. Errors: P0002 no such
request, 42501 it is another agent''s, SB005 it is open.';
REVOKE ALL ON FUNCTION switchboard.reopen_support_request(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.claim_next_request()
RETURNS SETOF switchboard.support_requests
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
-- SECURITY DEFINER: the feed is not the application's to write; _caller_user() checks the session. SKIP LOCKED: somebody else is taking
-- that one. Cost: an index scan up to the first request that is due and free.
DECLARE
  agent   uuid := switchboard._caller_user();
  claimed switchboard.support_requests;
BEGIN
  UPDATE switchboard.support_requests r SET status = 'assigned', assigned_to = agent
  WHERE r.id = (SELECT w.id FROM switchboard.support_requests w
                WHERE w.tenant_id = switchboard.current_tenant_id() AND w.status = 'pending' AND w.due_at <= now()
                ORDER BY w.priority DESC, w.due_at, w.id
                LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING * INTO claimed;
  IF FOUND THEN
    PERFORM switchboard._note_support_request(claimed);
    RETURN NEXT claimed;
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard.claim_next_request() IS
  'Gives the caller the most urgent support request or callback that is due, the one that has waited longest first; no row when none
waits. Two agents never get the same one. Errors: 42501 the session acts for no user.';
REVOKE ALL ON FUNCTION switchboard.claim_next_request() FROM PUBLIC;
