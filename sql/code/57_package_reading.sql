-- Reading the package of a triggered call: it holds what a customer bought, so every reading is on record.

CREATE OR REPLACE FUNCTION switchboard.get_call_package(call_trigger_id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the audit log is written by functions only; the session is checked as row level security would.
DECLARE
  found_trigger switchboard.call_triggers;
BEGIN
  SELECT g.* INTO found_trigger FROM switchboard.call_triggers g
  WHERE g.id = get_call_package.call_trigger_id AND switchboard._caller_may(g.tenant_id, NULL);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such triggered call: %', coalesce(get_call_package.call_trigger_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  PERFORM switchboard._audit(found_trigger.tenant_id, 'read-call-package', 'call_trigger:' || found_trigger.id,
                             jsonb_build_object('contact_id', found_trigger.contact_id));
  RETURN found_trigger.package;
END
$$;
COMMENT ON FUNCTION switchboard.get_call_package(uuid) IS
  'The package of a triggered call (see trigger_call), and a line in the audit log that says who read it. Errors: P0002 no such
triggered call, 25006 in a read-only transaction, because the reading could not be put on record.';
REVOKE ALL ON FUNCTION switchboard.get_call_package(uuid) FROM PUBLIC;
