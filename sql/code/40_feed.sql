-- The event feed and the audit log, as functions write them.

CREATE OR REPLACE FUNCTION switchboard._add_event(tenant uuid, event text, subject uuid, data jsonb, agent uuid DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO switchboard.events (tenant_id, event, subject_id, user_id, data) VALUES (tenant, event, subject, agent, data)
$$;
COMMENT ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb, uuid) IS
  'Appends to the event feed of a tenant, for everybody or for one agent and supervisors; for functions that run as owner.';
REVOKE ALL ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_bound(tenant uuid)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(max(e.seq), 0) FROM switchboard.events e WHERE e.tenant_id = tenant $$;
COMMENT ON FUNCTION switchboard._feed_bound(uuid) IS 'How far the feed of a tenant can be read.';
REVOKE ALL ON FUNCTION switchboard._feed_bound(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_feed(tenant uuid, after bigint, max_rows int)
RETURNS SETOF switchboard.events
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bound bigint := switchboard._feed_bound(tenant);
BEGIN
  RETURN QUERY
  SELECT e.* FROM switchboard.events e
  WHERE e.tenant_id = tenant AND e.seq > after AND e.seq <= bound ORDER BY e.seq LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION switchboard._read_feed(uuid, bigint, int) IS 'A page of a tenant''s feed, as far as the caller sees it.';
REVOKE ALL ON FUNCTION switchboard._read_feed(uuid, bigint, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.events_since(seq bigint, max_rows int DEFAULT 500)
RETURNS SETOF switchboard.events
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: row level security decides what is seen, and _feed_page() of gateways follows the same rule: agents see what
-- concerns them or everybody, supervisors all.
BEGIN
  RETURN QUERY SELECT e.* FROM switchboard._read_feed(switchboard._caller_tenant(), events_since.seq, events_since.max_rows) e;
END
$$;
COMMENT ON FUNCTION switchboard.events_since(bigint, int) IS
  'The events of the caller''s tenant that follow a position in the feed, in order.';
REVOKE ALL ON FUNCTION switchboard.events_since(bigint, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_position(tenant uuid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a gateway reads for all listeners of a tenant at once.
BEGIN
  RETURN switchboard._feed_bound(tenant);
END
$$;
COMMENT ON FUNCTION switchboard._feed_position(uuid) IS 'Where a new reader of a tenant''s feed starts; for gateways.';
REVOKE ALL ON FUNCTION switchboard._feed_position(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.feed_position()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a number that is the same for all users of the tenant.
BEGIN
  RETURN switchboard._feed_position(switchboard._caller_tenant());
END
$$;
COMMENT ON FUNCTION switchboard.feed_position() IS 'Where a new reader of the feed starts: events_since() of it gives what comes from now on.';
REVOKE ALL ON FUNCTION switchboard.feed_position() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_page(tenant uuid, after bigint, max_rows int)
RETURNS TABLE (seq bigint, event text, subject_id uuid, user_id uuid, data jsonb, created_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a gateway reads once for all listeners of a tenant. It must hand an event to supervisors, and to others only when
-- user_id is null or their own: the rule of the policy on events.
BEGIN
  RETURN QUERY SELECT e.seq, e.event, e.subject_id, e.user_id, e.data, e.created_at
               FROM switchboard._read_feed(tenant, after, max_rows) e;
END
$$;
COMMENT ON FUNCTION switchboard._feed_page(uuid, bigint, int) IS
  'A page of a tenant''s feed for a gateway, which filters by user_id: see events_since().';
REVOKE ALL ON FUNCTION switchboard._feed_page(uuid, bigint, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._audit(tenant uuid, action text, subject text, detail jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO switchboard.audit_log (tenant_id, actor, action, subject, detail)
  VALUES (tenant, coalesce((SELECT switchboard.current_user_id())::text, session_user), action, subject, detail)
$$;
COMMENT ON FUNCTION switchboard._audit(uuid, text, text, jsonb) IS
  'Appends to the audit log who (the user, else the login role) did what to what; for functions that run as owner.';
REVOKE ALL ON FUNCTION switchboard._audit(uuid, text, text, jsonb) FROM PUBLIC;
