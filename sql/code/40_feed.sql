-- The event feed and the audit log, as functions write them.

CREATE OR REPLACE FUNCTION switchboard._add_event(tenant uuid, event text, subject uuid, data jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO switchboard.events (tenant_id, event, subject_id, data) VALUES (tenant, event, subject, data)
$$;
COMMENT ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb) IS
  'Appends to the event feed of a tenant; for functions that run as owner.';
REVOKE ALL ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb) FROM PUBLIC;

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
