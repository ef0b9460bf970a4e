-- Outbound calls that somebody asks for.

CREATE OR REPLACE FUNCTION switchboard._call_text(
  campaign switchboard.campaigns, tenant uuid, list_id uuid, lead_id uuid, wanted text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch and webhooks of any tenant. Internal. Parallel unsafe: the exception block needs a subtransaction.
DECLARE
  template text := coalesce(nullif(btrim(wanted), ''), nullif(btrim(campaign.script), ''));
  offer    text;
  vars     jsonb;
BEGIN
  IF nullif(btrim(wanted), '') IS NULL AND list_id IS NOT NULL THEN
    offer := switchboard._listed_script(tenant, list_id);
    IF offer IS NOT NULL THEN
      RETURN offer;
    END IF;
  END IF;
  IF template IS NOT NULL AND strpos(template, '{{') = 0 THEN
    RETURN template;
  END IF;
  -- The usual variables are always there, though they may be empty: a person without a company must not cost the call.
  SELECT coalesce(k.metadata, '{}') || coalesce(l.metadata, '{}') || jsonb_build_object(
           'first_name', coalesce(l.first_name, k.first_name, ''), 'last_name', coalesce(l.last_name, k.last_name, ''),
           'name', coalesce(k.name, nullif(concat_ws(' ', l.first_name, l.last_name), ''), ''),
           'email', coalesce(l.email, k.email, ''), 'company', coalesce(l.company, k.company, ''),
           'position', coalesce(k.position, ''), 'phone_number', coalesce(l.phone_number, k.phone_number, ''),
           'campaign_name', coalesce(campaign.name, ''), 'company_name', t.name)
  INTO vars
  FROM switchboard.tenants t
  LEFT JOIN switchboard.campaign_contacts l ON l.tenant_id = t.id AND l.id = list_id
  LEFT JOIN switchboard.contacts k ON k.tenant_id = t.id AND k.id = coalesce(l.contact_id, lead_id)
  WHERE t.id = tenant;
  IF template IS NULL THEN
    RETURN format('Hello. This is a call from %s.', vars ->> 'company_name');
  END IF;
  BEGIN
    RETURN switchboard.render_template(template, vars);
  EXCEPTION WHEN SQLSTATE 'SB012' OR data_exception THEN
    RAISE WARNING 'script of campaign % cannot be said: %', campaign.id, SQLERRM;
    RETURN format('Hello. This is a call from %s.', vars ->> 'company_name');
  END;
END
$$;
COMMENT ON FUNCTION switchboard._call_text(switchboard.campaigns, uuid, uuid, uuid, text) IS
  'What is said when somebody answers: the text wanted, else the script of what the person on the list is to be called because of, else
the campaign''s script, with the person''s fields and metadata filled in; else, or when a variable is missing (logged as a warning), the name of the tenant.';
REVOKE ALL ON FUNCTION switchboard._call_text(switchboard.campaigns, uuid, uuid, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._refuse_contact(phone text, reason text, retry_at timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF reason IN ('outside-calling-hours', 'holiday', 'no-calling-hours') THEN
    RAISE EXCEPTION 'number % may not be called now: %', phone, replace(reason, '-', ' ')
      USING ERRCODE = 'SB004', HINT = coalesce(format('It may be called from %s on.', retry_at), 'The calling hours never open.');
  END IF;
  IF reason IN ('frequency-cap', 'on-a-call') THEN
    RAISE EXCEPTION 'number % %', phone, CASE reason WHEN 'on-a-call' THEN 'is on a call already' ELSE 'has been called too often' END
      USING ERRCODE = 'SB007', HINT = format('It may be called from %s on.', retry_at);
  END IF;
  RAISE EXCEPTION 'number % may not be called: %', phone, reason
    USING ERRCODE = 'SB003',
      HINT = CASE WHEN reason = 'abandoned-recently' THEN format('It may be called from %s on.', retry_at)
                  ELSE 'See switchboard.do_not_call and switchboard.consents.' END;
END
$$;
COMMENT ON FUNCTION switchboard._refuse_contact(text, text, timestamptz) IS
  'Raises SB004 for a refusal that is about the time of day, SB007 for the frequency cap and for somebody on a call, SB003 for any
other.';
REVOKE ALL ON FUNCTION switchboard._refuse_contact(text, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._place_call(
  tenant uuid, to_phone text, from_wanted text, campaign_id uuid, lead_id uuid, metadata jsonb)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: jobs and the dialer's queue are not the application's to write; _require_dialing() checks the session's tenant.
DECLARE
  campaign switchboard.campaigns;
  account  switchboard.provider_accounts;
  caller   text;
  first    text;      -- the agent's own phone, when that is rung first
  verdict  record;
  person   uuid := lead_id;
  listed   uuid;
  call     uuid := switchboard.uuid_v7();
  at       timestamptz := now();
BEGIN
  metadata := metadata - 'call_trigger_id';   -- ours: it marks what was triggered
  -- Locked against deletion before its person is: that is the order of locks.
  SELECT c.* INTO campaign FROM switchboard.campaigns c
  WHERE c.tenant_id = tenant AND c.id = _place_call.campaign_id FOR KEY SHARE;
  account := switchboard._require_dialing(tenant, coalesce(from_wanted, campaign.caller_id));
  caller := switchboard._caller_number(coalesce(from_wanted, campaign.caller_id), account);
  SELECT d.* INTO verdict
  FROM switchboard._decide_contacts(tenant, campaign.id, ARRAY[to_phone], 'voice', at, 'queue', ARRAY[call], ARRAY[call]) d;
  IF NOT verdict.allowed THEN
    PERFORM switchboard._refuse_contact(to_phone, verdict.reason, verdict.retry_at);
  END IF;
  IF person IS NULL THEN
    SELECT k.id INTO person FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = to_phone;
  END IF;
  -- Somebody on the campaign's list: this call is one of its attempts, and dispatch must not make another meanwhile.
  UPDATE switchboard.campaign_contacts l
  SET status = 'calling', attempts = l.attempts + 1, last_attempt_at = at, last_call_id = call, next_attempt_at = NULL
  WHERE l.campaign_id = campaign.id AND l.phone_number = to_phone AND l.status NOT IN ('calling', 'do-not-call')
  RETURNING l.id INTO listed;
  IF listed IS NOT NULL THEN
    PERFORM switchboard._end_stale_offers(tenant, listed, at);
    metadata := metadata || switchboard._call_topic(tenant, listed);
  END IF;
  INSERT INTO switchboard.call_logs
    (id, tenant_id, user_id, direction, from_number, to_number, lead_id, campaign_id, campaign_contact_id, provider, account_id,
     metadata, started_at)
  VALUES (call, tenant, switchboard.current_user_id(), 'outbound', caller, to_phone, person, campaign.id, listed, account.provider, account.id,
          metadata, at);
  IF metadata ? 'call_trigger_id' THEN
    PERFORM switchboard._tell_triggers(ARRAY[call]);
  END IF;
  UPDATE switchboard.dialer_queues q SET status = 'calling', call_log_id = call
  WHERE q.tenant_id = tenant AND q.contact_id = listed AND q.status = 'queued';
  first := switchboard._take_caller(call, at);
  -- Ahead of campaigns: somebody is waiting for this call.
  INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority)
  VALUES (tenant, 'call', account.id, call,
          switchboard._call_payload(account, coalesce(campaign.settings, '{}') || metadata, call, coalesce(first, to_phone), caller,
            CASE WHEN switchboard._public_url(account) IS NULL
                 THEN switchboard._call_text(campaign, tenant, listed, person, metadata ->> 'say') END), 5);
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._place_call(uuid, text, text, uuid, uuid, jsonb) IS
  'Checks, logs and queues one outbound call; returns its id. Errors: SB002, SB003, SB004.';
REVOKE ALL ON FUNCTION switchboard._place_call(uuid, text, text, uuid, uuid, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.make_call(
  to_number text, from_number text DEFAULT NULL, campaign_id uuid DEFAULT NULL, lead_id uuid DEFAULT NULL,
  metadata jsonb DEFAULT '{}')
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be called for.
DECLARE
  tenant uuid;
  region text;
  caller text;
  result switchboard.call_logs;
  call   uuid;
BEGIN
  IF jsonb_typeof(make_call.metadata) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'metadata must be a JSON object, not %', coalesce(jsonb_typeof(make_call.metadata), 'null')
      USING ERRCODE = '22023';
  END IF;
  IF make_call.campaign_id IS NULL THEN
    tenant := switchboard._caller_tenant();
  ELSE
    SELECT c.tenant_id INTO tenant FROM switchboard.campaigns c WHERE c.id = make_call.campaign_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', make_call.campaign_id USING ERRCODE = 'P0002';
    END IF;
  END IF;
  IF make_call.lead_id IS NOT NULL THEN
    PERFORM FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.id = make_call.lead_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such contact: %', make_call.lead_id USING ERRCODE = 'P0002';
    END IF;
  END IF;
  SELECT t.default_region INTO region FROM switchboard.tenants t WHERE t.id = tenant;
  IF nullif(btrim(make_call.from_number), '') IS NOT NULL THEN
    caller := switchboard.normalize_phone(make_call.from_number, region);
  END IF;
  IF make_call.to_number IS NULL THEN
    RAISE EXCEPTION 'to_number must not be null' USING ERRCODE = 'SB001';
  END IF;
  call := switchboard._place_call(tenant, switchboard.normalize_phone(make_call.to_number, region), caller, make_call.campaign_id,
                                  make_call.lead_id, make_call.metadata);
  SELECT c.* INTO result FROM switchboard.call_logs c WHERE c.id = call;
  RETURN result;
END
$$;
COMMENT ON FUNCTION switchboard.make_call(text, text, uuid, uuid, jsonb) IS
  'Queues an outbound call in this transaction; it is placed after commit, never before. National numbers are read in the tenant''s
region. Without from_number the campaign''s caller_id is shown, else that of the account. metadata may hold "say" (text for whoever
answers, else the campaign''s script) and ring_timeout, machine_detection, machine_detection_async, record, language, agent. A call to somebody on the
campaign''s list counts as one of its attempts. Returns the call_logs row. Errors: SB001 bad number, SB002 no account for voice
or no number to call from, SB003 do not call, no consent or abandoned lately, SB004 outside calling hours, SB007 called too often,
P0002 no such campaign or contact, 22023 metadata is not an object, 42501 nobody asks.';
REVOKE ALL ON FUNCTION switchboard.make_call(text, text, uuid, uuid, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_call_changes(call switchboard.call_logs, changes jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: users and contacts are looked for past row level security, within the tenant of the call, which the session
-- may see.
DECLARE
  bad record;
BEGIN
  SELECT e.key, e.value INTO bad FROM jsonb_each(changes) e
  WHERE CASE e.key
          WHEN 'notes' THEN jsonb_typeof(e.value) NOT IN ('string', 'null')
          WHEN 'metadata' THEN jsonb_typeof(e.value) <> 'object'
          WHEN 'lead_id' THEN e.value <> 'null' AND NOT coalesce(switchboard._is_uuid(e.value #>> '{}'), false)
          WHEN 'user_id' THEN e.value <> 'null' AND NOT coalesce(switchboard._is_uuid(e.value #>> '{}'), false)
          WHEN 'recording_url' THEN e.value <> 'null' AND NOT coalesce(e.value #>> '{}' ~ '^https?://[^[:space:]]+$', false)
          WHEN 'status' THEN NOT coalesce(e.value #>> '{}' = ANY (enum_range(NULL::switchboard.call_status)::text[]), false)
          ELSE true END
  ORDER BY e.key LIMIT 1;
  IF FOUND AND bad.key NOT IN ('notes', 'metadata', 'lead_id', 'user_id', 'recording_url', 'status') THEN
    RAISE EXCEPTION 'a call has no "%" that can be changed', bad.key
      USING ERRCODE = '22023', HINT = 'What can be changed: notes, metadata, lead_id, user_id, recording_url and status.';
  ELSIF FOUND THEN
    RAISE EXCEPTION '% of a call cannot be %', bad.key, bad.value USING ERRCODE = '22023';
  END IF;
  IF changes ->> 'lead_id' IS NOT NULL AND NOT EXISTS (
       SELECT FROM switchboard.contacts k WHERE k.tenant_id = call.tenant_id AND k.id = (changes ->> 'lead_id')::uuid) THEN
    RAISE EXCEPTION 'no such contact: %', changes ->> 'lead_id' USING ERRCODE = 'P0002';
  END IF;
  IF changes ? 'user_id' AND switchboard.current_tenant_id() IS NOT NULL AND NOT switchboard.is_supervisor() THEN
    RAISE EXCEPTION 'only supervisors say whose call it is' USING ERRCODE = '42501';
  ELSIF changes ->> 'user_id' IS NOT NULL AND NOT EXISTS (
       SELECT FROM switchboard.users u
       WHERE u.tenant_id = call.tenant_id AND u.id = (changes ->> 'user_id')::uuid AND u.active) THEN
    RAISE EXCEPTION 'no such user: %', changes ->> 'user_id' USING ERRCODE = 'P0002';
  END IF;
  IF changes ? 'status' AND call.account_id IS NOT NULL THEN
    RAISE EXCEPTION 'call % is carried by a provider, which alone says how it goes on', call.id
      USING ERRCODE = 'SB005', HINT = 'To end it: switchboard.hang_up(id).';
  ELSIF changes ->> 'status' <> call.status::text
        AND switchboard._call_rank((changes ->> 'status')::switchboard.call_status) <= switchboard._call_rank(call.status) THEN
    RAISE EXCEPTION 'call % cannot go from % to %', call.id, call.status, changes ->> 'status' USING ERRCODE = 'SB005';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_call_changes(switchboard.call_logs, jsonb) IS
  'What can be wrong with changes of a call, before anything is written: 22023, P0002, 42501, SB005.';
REVOKE ALL ON FUNCTION switchboard._check_call_changes(switchboard.call_logs, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.update_call(call_log_id uuid, changes jsonb)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: whose call it is goes to the feed and the audit log; _call_for_change() checks the session.
DECLARE
  log   switchboard.call_logs := switchboard._call_for_change(update_call.call_log_id);
  owner uuid := log.user_id;
  at    timestamptz := clock_timestamp();
BEGIN
  IF jsonb_typeof(changes) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'changes must be a JSON object, not %', coalesce(jsonb_typeof(changes), 'null') USING ERRCODE = '22023';
  END IF;
  PERFORM switchboard._check_call_changes(log, changes);
  UPDATE switchboard.call_logs c
  SET notes = CASE WHEN changes ? 'notes' THEN nullif(changes ->> 'notes', '') ELSE c.notes END,
      metadata = c.metadata || (coalesce(changes -> 'metadata', '{}') - 'call_trigger_id'),
      lead_id = CASE WHEN changes ? 'lead_id' THEN (changes ->> 'lead_id')::uuid ELSE c.lead_id END,
      user_id = CASE WHEN changes ? 'user_id' THEN (changes ->> 'user_id')::uuid ELSE c.user_id END,
      -- A call that waits goes on waiting, for that agent alone: assign_call() puts it through.
      assigned_at = CASE WHEN changes ? 'user_id' AND NOT c.in_queue AND (changes ->> 'user_id')::uuid IS DISTINCT FROM c.user_id
                         THEN at ELSE c.assigned_at END,
      recording_url = CASE WHEN changes ? 'recording_url' THEN changes ->> 'recording_url' ELSE c.recording_url END
  WHERE c.id = log.id RETURNING * INTO log;
  IF log.user_id IS DISTINCT FROM owner THEN
    PERFORM switchboard._add_event(log.tenant_id, 'call-assigned', log.id,
      jsonb_build_object('callId', log.id, 'userId', log.user_id, 'before', owner));
    PERFORM switchboard._audit(log.tenant_id, 'assign-call', 'call:' || log.id, jsonb_build_object('from', owner, 'to', log.user_id));
  END IF;
  IF changes ->> 'status' <> log.status::text THEN
    PERFORM switchboard._apply_call_status(ARRAY[
      ROW(log.id, log.tenant_id, log.provider, NULL, changes ->> 'status', at, NULL, NULL, NULL, NULL,
          '{"source": "update_call"}')::switchboard.call_status_event]);
    SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = log.id;
  END IF;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard.update_call(uuid, jsonb) IS
  'Changes what people may change of a call: notes (a text; null empties them), metadata (an object, merged into what is there),
lead_id (the contact), user_id (whose call it is; by supervisors; one that waits for an agent waits for this one alone), recording_url, and status, only forward, of calls that no provider
account carries, such as those entered by hand. Returns the call_logs row. Errors: P0002 no such call, contact or user, 22023 unknown
key or bad value, 42501 user_id by an agent, SB005 status backwards or of a call that a provider carries.';
REVOKE ALL ON FUNCTION switchboard.update_call(uuid, jsonb) FROM PUBLIC;
