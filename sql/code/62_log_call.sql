-- Calls that no provider told us of, entered by hand.

CREATE OR REPLACE FUNCTION switchboard._check_logged_call(
  direction text, status text, duration int, started_at timestamptz, metadata jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF direction IS NULL OR direction <> ALL (enum_range(NULL::switchboard.direction)::text[]) THEN
    RAISE EXCEPTION 'unknown direction: %', coalesce(left(direction, 64), 'null')
      USING ERRCODE = '22023', HINT = 'A call is inbound or outbound.';
  ELSIF status IS NULL OR status <> ALL (enum_range(NULL::switchboard.call_status)::text[]) THEN
    RAISE EXCEPTION 'unknown call status: %', coalesce(left(status, 64), 'null')
      USING ERRCODE = '22023', HINT = format('A call is %s.', array_to_string(enum_range(NULL::switchboard.call_status), ', '));
  ELSIF duration NOT BETWEEN 0 AND 604800 THEN
    RAISE EXCEPTION 'duration must be from 0 to 604800 seconds, not %', duration USING ERRCODE = '22023';
  ELSIF duration > 0 AND status <> 'completed' THEN
    RAISE EXCEPTION 'a call that is % has no duration of % seconds', status, duration
      USING ERRCODE = '22023', HINT = 'Only completed calls have one.';
  ELSIF NOT isfinite(started_at) OR started_at + coalesce(duration, 0) * interval '1 second' > now() + interval '1 minute' THEN
    RAISE EXCEPTION 'a call that started at % and took % seconds is not over', started_at, coalesce(duration, 0)
      USING ERRCODE = '22023', HINT = 'Calls to come are tasks, or made by switchboard.request_callback().';
  ELSIF jsonb_typeof(metadata) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'metadata must be a JSON object, not %', coalesce(jsonb_typeof(metadata), 'null') USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_logged_call(text, text, int, timestamptz, jsonb) IS
  'What can be wrong with a call that is entered by hand: 22023.';
REVOKE ALL ON FUNCTION switchboard._check_logged_call(text, text, int, timestamptz, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.log_call(
  from_number text DEFAULT NULL, to_number text DEFAULT NULL, direction text DEFAULT 'inbound', status text DEFAULT 'completed',
  duration int DEFAULT NULL, notes text DEFAULT NULL, contact_id uuid DEFAULT NULL, started_at timestamptz DEFAULT NULL,
  metadata jsonb DEFAULT '{}', user_id uuid DEFAULT NULL)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the feed is not the application's to write; _caller_tenant() and _check_assignee() check the session.
DECLARE
  tenant   uuid := switchboard._caller_tenant();
  region   text := (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = tenant);
  over     boolean := coalesce(log_call.status <> ALL ('{initiated,ringing,answered}'), false);
  begun    timestamptz := coalesce(log_call.started_at, now() - CASE WHEN over THEN coalesce(log_call.duration, 0) ELSE 0 END * interval '1 second');
  caller   text := switchboard.normalize_phone(nullif(btrim(log_call.from_number), ''), region);
  called   text := switchboard.normalize_phone(nullif(btrim(log_call.to_number), ''), region);
  customer text := CASE log_call.direction WHEN 'inbound' THEN caller ELSE called END;
  person   uuid := log_call.contact_id;
  logged   switchboard.call_logs;
BEGIN
  PERFORM switchboard._check_logged_call(log_call.direction, log_call.status, log_call.duration, begun, log_call.metadata);
  IF person IS NOT NULL THEN
    SELECT coalesce(customer, k.phone_number) INTO customer FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.id = person;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such contact: %', person USING ERRCODE = 'P0002';
    END IF;
  ELSIF customer IS NULL THEN
    RAISE EXCEPTION 'neither the customer''s number nor a contact is given' USING ERRCODE = '22023',
      HINT = CASE log_call.direction WHEN 'inbound' THEN 'Of an inbound call that is from_number.' ELSE 'Of an outbound call that is to_number.' END;
  ELSE
    SELECT k.id INTO person FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = customer;
  END IF;
  IF log_call.user_id IS NOT NULL THEN
    PERFORM switchboard._check_assignee(tenant, log_call.user_id);
  END IF;
  INSERT INTO switchboard.call_logs
    (tenant_id, user_id, direction, from_number, to_number, status, duration, notes, lead_id, metadata, started_at, answered_at, ended_at)
  VALUES (tenant, coalesce(log_call.user_id, switchboard.current_user_id()), log_call.direction::switchboard.direction,
          CASE log_call.direction WHEN 'inbound' THEN customer ELSE caller END,
          CASE log_call.direction WHEN 'inbound' THEN called ELSE customer END,
          log_call.status::switchboard.call_status, CASE WHEN over THEN coalesce(log_call.duration, 0) END, nullif(log_call.notes, ''), person,
          log_call.metadata - 'call_trigger_id', begun, CASE WHEN log_call.status IN ('answered', 'completed') THEN begun END,
          CASE WHEN over THEN begun + coalesce(log_call.duration, 0) * interval '1 second' END)
  RETURNING * INTO logged;
  PERFORM switchboard._add_event(tenant, CASE WHEN over THEN 'call-status-updated' ELSE 'new-call' END, logged.id,
    jsonb_strip_nulls(jsonb_build_object('callId', logged.id, 'status', logged.status, 'direction', logged.direction, 'source', 'log_call',
      'from', logged.from_number, 'to', logged.to_number, 'contactId', logged.lead_id, 'userId', logged.user_id, 'duration', logged.duration)), logged.user_id);
  RETURN logged;
END
$$;
COMMENT ON FUNCTION switchboard.log_call(text, text, text, text, int, text, uuid, timestamptz, jsonb, uuid) IS
  'Enters a call by hand, one that came over a line that is not connected here; returns the call_logs row, which counts in all reports.
direction: inbound or outbound; status: any (update_call() moves it forward); duration: seconds, of completed calls; started_at: default
now, less the duration. The contact is given, or found by the customer''s number (from_number of an inbound call, to_number of an outbound
one). It is the caller''s; supervisors may name another user. Errors: SB001 bad number, 22023 unknown direction or status, duration not 0 to
604800 or of a call that was not completed, not over yet, no customer, metadata is no object, P0002 no such contact or user, 42501 nobody
asks or an agent names another.';
REVOKE ALL ON FUNCTION switchboard.log_call(text, text, text, text, int, text, uuid, timestamptz, jsonb, uuid) FROM PUBLIC;
