-- What agents conclude about calls, and what follows from it, in the transaction that says so.
--
-- A rule per disposition says what follows. Tenants change them in settings.dispositions, key by key:
--   {"interested": {"score": 25, "task": "always"}, "not-interested": {"list": "failed"}}
--   list         what becomes of the person on the campaign's list: completed, failed (tried again by the campaign's rules for this
--                outcome), callback (called again at follow_up_date, by the agent who promised it), do-not-call
--   lead_status  the contact's status becomes at least this; it never goes back
--   score        points added to the contact's lead_score (-100 to 100), held to 0 .. 100
--   task         a follow-up task for the agent: always, dated (when there is a follow_up_date), never
--   suppress     the number is put on the do-not-call list: all, voice, whatsapp, sms, none
--
-- Several dispositions of one call: all are kept, the newest counts. It moves the person on the list again as long as this is their
-- last call; what cannot be taken back stays: do-not-call, lead_status; points are added only as far as the call has not earned them
-- already; its open follow-up task is changed, not doubled.

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._disposition_defaults()
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '{
    "interested":     {"list": "completed",   "lead_status": "qualified", "score": 20,  "task": "dated",  "suppress": "none"},
    "qualified":      {"list": "completed",   "lead_status": "hot",       "score": 30,  "task": "dated",  "suppress": "none"},
    "callback":       {"list": "callback",    "lead_status": null,        "score": 0,   "task": "dated",  "suppress": "none"},
    "not-interested": {"list": "completed",   "lead_status": null,        "score": -10, "task": "never",  "suppress": "none"},
    "not-qualified":  {"list": "completed",   "lead_status": null,        "score": -10, "task": "never",  "suppress": "none"},
    "wrong-number":   {"list": "completed",   "lead_status": null,        "score": 0,   "task": "never",  "suppress": "none"},
    "no-answer":      {"list": "failed",      "lead_status": null,        "score": 0,   "task": "never",  "suppress": "none"},
    "voicemail":      {"list": "failed",      "lead_status": null,        "score": 0,   "task": "never",  "suppress": "none"},
    "do-not-call":    {"list": "do-not-call", "lead_status": null,        "score": 0,   "task": "never",  "suppress": "all"}
  }'::pg_catalog.jsonb
$$;
COMMENT ON FUNCTION switchboard._disposition_defaults() IS
  'The rules of all dispositions as they are when a tenant has set nothing; read by name, a new label of the type needs a line here.';
REVOKE ALL ON FUNCTION switchboard._disposition_defaults() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._disposition_rule(tenant uuid, disposition switchboard.call_disposition)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: webhooks of any tenant end calls that were disposed of. Internal. PL/pgSQL, which keeps its plan.
BEGIN
  RETURN (SELECT switchboard._disposition_defaults() -> disposition::text
                 || coalesce(t.settings -> 'dispositions' -> disposition::text, '{}')
          FROM switchboard.tenants t WHERE t.id = tenant);
END
$$;
COMMENT ON FUNCTION switchboard._disposition_rule(uuid, switchboard.call_disposition) IS
  'What follows from a disposition for a tenant, see the head of this file.';
REVOKE ALL ON FUNCTION switchboard._disposition_rule(uuid, switchboard.call_disposition) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._bad_disposition_setting(label text, rule jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN switchboard._disposition_defaults() -> label IS NULL THEN format('unknown disposition: %s', label)
    WHEN jsonb_typeof(rule) <> 'object' THEN format('settings.dispositions.%s must be an object, not %s', label, jsonb_typeof(rule))
    ELSE (
      SELECT format('settings.dispositions.%s.%s cannot be %s', label, e.key, e.value)
      FROM jsonb_each(rule) e
      WHERE CASE e.key
              WHEN 'list' THEN e.value NOT IN ('"completed"', '"failed"', '"callback"', '"do-not-call"')
                               OR label = 'do-not-call' AND e.value <> '"do-not-call"'
              WHEN 'lead_status' THEN e.value NOT IN ('null', '"new"', '"qualified"', '"hot"', '"customer"')
              WHEN 'score' THEN CASE WHEN jsonb_typeof(e.value) = 'number'
                                     THEN e.value::numeric NOT BETWEEN -100 AND 100 OR e.value::numeric % 1 <> 0 ELSE true END
              WHEN 'task' THEN e.value NOT IN ('"always"', '"dated"', '"never"')
              WHEN 'suppress' THEN e.value NOT IN ('"all"', '"voice"', '"whatsapp"', '"sms"', '"none"')
                                   OR label = 'do-not-call' AND e.value NOT IN ('"all"', '"voice"')
              ELSE true END
      ORDER BY e.key LIMIT 1)
    END
$$;
COMMENT ON FUNCTION switchboard._bad_disposition_setting(text, jsonb) IS
  'What is wrong with a tenant''s rule for a disposition; NULL: nothing. do-not-call cannot be made to mean less.';
REVOKE ALL ON FUNCTION switchboard._bad_disposition_setting(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_disposition_settings()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the functions it asks are internal.
DECLARE
  rules   jsonb := new.settings -> 'dispositions';
  problem text;
BEGIN
  IF jsonb_typeof(rules) <> 'object' THEN
    problem := format('settings.dispositions must be an object, not %s', jsonb_typeof(rules));
  ELSE
    SELECT switchboard._bad_disposition_setting(r.key, r.value) INTO problem
    FROM jsonb_each(rules) r WHERE switchboard._bad_disposition_setting(r.key, r.value) IS NOT NULL
    ORDER BY r.key LIMIT 1;
  END IF;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '%', problem
      USING ERRCODE = '22023', HINT = 'Keys of a rule are list, lead_status, score, task and suppress.';
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_disposition_settings() IS
  'Trigger on tenants: refuses rules for dispositions that nobody could follow (22023).';
REVOKE ALL ON FUNCTION switchboard._check_disposition_settings() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_dispositions BEFORE INSERT OR UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings ? 'dispositions') EXECUTE FUNCTION switchboard._check_disposition_settings();
COMMENT ON TRIGGER tenants_dispositions ON switchboard.tenants IS 'Refuses rules for dispositions that nobody could follow.';

CREATE OR REPLACE FUNCTION switchboard._other_number(call switchboard.call_logs)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT substring(CASE call.direction WHEN 'inbound' THEN call.from_number ELSE call.to_number END FROM '^\+[1-9][0-9]{4,14}$')
$$;
COMMENT ON FUNCTION switchboard._other_number(switchboard.call_logs) IS
  'The number of whoever is on the other side; NULL when it is none (withheld, a sip: address).';
REVOKE ALL ON FUNCTION switchboard._other_number(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._contact_of_call(call switchboard.call_logs, make boolean)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
-- Locked: what follows may change lists by way of the contact, and two dispositions about one person then take turns here.
DECLARE
  phone  text := switchboard._other_number(call);
  person uuid := call.lead_id;
BEGIN
  IF person IS NULL AND phone IS NOT NULL THEN
    INSERT INTO switchboard.contacts (tenant_id, phone_number, source) SELECT call.tenant_id, phone, 'call' WHERE make
    ON CONFLICT (tenant_id, phone_number) DO NOTHING;
    SELECT k.id INTO person FROM switchboard.contacts k WHERE k.tenant_id = call.tenant_id AND k.phone_number = phone;
    UPDATE switchboard.call_logs c SET lead_id = person WHERE c.id = call.id AND person IS NOT NULL;
  END IF;
  PERFORM FROM switchboard.contacts k WHERE k.id = person FOR NO KEY UPDATE;
  RETURN person;
END
$$;
COMMENT ON FUNCTION switchboard._contact_of_call(switchboard.call_logs, boolean) IS
  'The contact on the other side of a call, locked; if wanted it is made from the number when there is none, else NULL.';
REVOKE ALL ON FUNCTION switchboard._contact_of_call(switchboard.call_logs, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._move_lead(
  person uuid, said switchboard.call_dispositions, rule jsonb, earned int, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the contact.
BEGIN
  UPDATE switchboard.contacts k
  SET lead_status = greatest(k.lead_status, (rule ->> 'lead_status')::switchboard.lead_status),
      lead_score = least(100, greatest(0, k.lead_score
        + CASE WHEN earned IS NULL THEN (rule ->> 'score')::int ELSE greatest(0, (rule ->> 'score')::int - greatest(earned, 0)) END)),
      last_contact_at = CASE WHEN said.disposition IN ('no-answer', 'voicemail', 'wrong-number') THEN k.last_contact_at
                             ELSE greatest(k.last_contact_at, at) END,
      next_follow_up_at = coalesce(said.follow_up_date, k.next_follow_up_at)
  WHERE k.id = person;
  INSERT INTO switchboard.activities (tenant_id, contact_id, user_id, kind, subject, detail, occurred_at, metadata)
  SELECT said.tenant_id, person, said.user_id, 'call', said.disposition::text, said.notes, at, jsonb_build_object('call_id', said.call_id)
  WHERE person IS NOT NULL;
END
$$;
COMMENT ON FUNCTION switchboard._move_lead(uuid, switchboard.call_dispositions, jsonb, int, timestamptz) IS
  'What a disposition means for the contact: status, score, when to follow up, and a line in its history. earned: the most points
that an earlier disposition of the call gave; NULL: there was none.';
REVOKE ALL ON FUNCTION switchboard._move_lead(uuid, switchboard.call_dispositions, jsonb, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._add_follow_up(
  call switchboard.call_logs, person uuid, said switchboard.call_dispositions)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
DECLARE
  headline text;
  last_day date;
  worker   uuid := coalesce(said.user_id, call.user_id);
BEGIN
  SELECT CASE said.disposition WHEN 'callback' THEN 'Call back ' ELSE 'Follow up with ' END
         || coalesce(nullif(k.name, ''), nullif(concat_ws(' ', k.first_name, k.last_name), ''), k.phone_number,
                     switchboard._other_number(call), 'the caller'),
         (said.follow_up_date AT TIME ZONE t.timezone)::date
  INTO headline, last_day
  FROM switchboard.tenants t LEFT JOIN switchboard.contacts k ON k.tenant_id = t.id AND k.id = person
  WHERE t.id = call.tenant_id;
  UPDATE switchboard.tasks s
  SET title = headline, description = coalesce(said.notes, s.description), due_date = coalesce(last_day, s.due_date),
      user_id = worker, contact_id = person
  WHERE s.tenant_id = call.tenant_id AND s.call_log_id = call.id AND s.status IN ('pending', 'in_progress');
  IF NOT FOUND THEN
    INSERT INTO switchboard.tasks (tenant_id, contact_id, user_id, title, description, due_date, priority, call_log_id)
    VALUES (call.tenant_id, person, worker, headline, said.notes, last_day,
            CASE said.disposition WHEN 'callback' THEN 'high' ELSE 'medium' END::switchboard.task_priority, call.id);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._add_follow_up(switchboard.call_logs, uuid, switchboard.call_dispositions) IS
  'The follow-up task of a call: made, or changed while it is open.';
REVOKE ALL ON FUNCTION switchboard._add_follow_up(switchboard.call_logs, uuid, switchboard.call_dispositions) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._suppress_number(call switchboard.call_logs, said switchboard.call_dispositions, scope text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call; the audit log is not the application's to write. Internal.
-- An entry that ends some day gives way to one that does not. A trigger takes the person off every list.
DECLARE
  phone text := switchboard._other_number(call);
  reach switchboard.channel := nullif(scope, 'all')::switchboard.channel;
BEGIN
  DELETE FROM switchboard.do_not_call d
  WHERE d.tenant_id = call.tenant_id AND d.phone_number = phone AND d.channel IS NOT DISTINCT FROM reach AND d.expires_at IS NOT NULL;
  INSERT INTO switchboard.do_not_call (tenant_id, phone_number, channel, reason, source, added_by)
  VALUES (call.tenant_id, phone, reach, coalesce(said.notes, 'asked for during a call'), 'disposition', said.user_id)
  ON CONFLICT (tenant_id, phone_number, channel) DO NOTHING;
  PERFORM switchboard._audit(call.tenant_id, 'do-not-call', 'phone:' || phone, jsonb_build_object(
    'call_id', call.id, 'disposition', said.disposition, 'channel', scope));
END
$$;
COMMENT ON FUNCTION switchboard._suppress_number(switchboard.call_logs, switchboard.call_dispositions, text) IS
  'Puts the number of a call on the do-not-call list for a channel or for all, and notes it in the audit log.';
REVOKE ALL ON FUNCTION switchboard._suppress_number(switchboard.call_logs, switchboard.call_dispositions, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_disposition(call switchboard.call_logs, wanted text, follow_up timestamptz, at timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the functions it asks are internal.
BEGIN
  IF wanted IS NULL OR wanted <> ALL (enum_range(NULL::switchboard.call_disposition)::text[]) THEN
    RAISE EXCEPTION 'unknown disposition: %', coalesce(wanted, 'null')
      USING ERRCODE = '22023',
            HINT = format('Dispositions are %s.', array_to_string(enum_range(NULL::switchboard.call_disposition), ', '));
  END IF;
  -- A date alone is midnight: today still counts.
  IF NOT isfinite(follow_up) OR follow_up < at - interval '1 day' THEN
    RAISE EXCEPTION 'follow_up_date % lies in the past or is not a time', follow_up USING ERRCODE = '22023';
  END IF;
  IF switchboard._other_number(call) IS NULL
     AND switchboard._disposition_rule(call.tenant_id, wanted::switchboard.call_disposition) ->> 'suppress' <> 'none' THEN
    RAISE EXCEPTION 'call % has no number that could be suppressed', call.id USING ERRCODE = 'SB001';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_disposition(switchboard.call_logs, text, timestamptz, timestamptz) IS
  'What can be wrong with a disposition, before anything is written: 22023, SB001.';
REVOKE ALL ON FUNCTION switchboard._check_disposition(switchboard.call_logs, text, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._record_disposition(
  log switchboard.call_logs, disposition text, notes text, follow_up timestamptz, at timestamptz)
RETURNS switchboard.call_dispositions
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off
AS $$
-- SECURITY DEFINER: what follows reaches lists, the feed and the audit log. Internal: the caller has locked the call and checked what
-- is said about it.
-- Sessions keep the plans that they made while tables were small: these are to be index probes all the same.
-- Order of locks: the call, the contact, whatever the do-not-call list reaches (people by id, queue entries), the person.
DECLARE
  said   switchboard.call_dispositions;
  rule   jsonb;
  earned int;
  person uuid;
BEGIN
  rule := switchboard._disposition_rule(log.tenant_id, _record_disposition.disposition::switchboard.call_disposition);
  SELECT max((switchboard._disposition_rule(d.tenant_id, d.disposition) ->> 'score')::int) INTO earned
  FROM switchboard.call_dispositions d WHERE d.tenant_id = log.tenant_id AND d.call_id = log.id;

  INSERT INTO switchboard.call_dispositions (tenant_id, call_id, disposition, notes, follow_up_date, created_at)
  VALUES (log.tenant_id, log.id, _record_disposition.disposition::switchboard.call_disposition,
          nullif(btrim(_record_disposition.notes), ''), follow_up, at)
  RETURNING * INTO said;

  -- Whom nobody has spoken to is not put into the contact book.
  person := switchboard._contact_of_call(log, said.disposition NOT IN ('no-answer', 'voicemail', 'wrong-number'));
  PERFORM switchboard._move_lead(person, said, rule, earned, at);
  -- A call of no campaign has no list to be called back from, nor has one to somebody who has been taken off it.
  IF rule ->> 'task' = 'always' OR rule ->> 'task' = 'dated'
       AND (said.follow_up_date IS NOT NULL
            OR rule ->> 'list' = 'callback'
               AND NOT EXISTS (SELECT FROM switchboard.campaign_contacts p
                               WHERE p.tenant_id = log.tenant_id AND p.id = log.campaign_contact_id)) THEN
    PERFORM switchboard._add_follow_up(log, person, said);
  END IF;
  IF rule ->> 'suppress' <> 'none' THEN
    PERFORM switchboard._suppress_number(log, said, rule ->> 'suppress');
  END IF;
  PERFORM switchboard._conclude_people(ARRAY[log.id], at);
  PERFORM switchboard._conclude_triggers(ARRAY[log.id], at);

  PERFORM switchboard._add_event(log.tenant_id, 'call-disposition', log.id, jsonb_strip_nulls(jsonb_build_object(
    'callId', log.id, 'disposition', said.disposition, 'userId', said.user_id, 'campaignId', log.campaign_id,
    'contactId', person, 'followUpDate', said.follow_up_date)), log.user_id);
  RETURN said;
END
$$;
COMMENT ON FUNCTION switchboard._record_disposition(switchboard.call_logs, text, text, timestamptz, timestamptz) IS
  'Records what was concluded about a call and does what follows from it, see create_disposition().';
REVOKE ALL ON FUNCTION switchboard._record_disposition(switchboard.call_logs, text, text, timestamptz, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.create_disposition(
  call_id uuid, disposition text, notes text DEFAULT NULL, follow_up_date timestamptz DEFAULT NULL)
RETURNS switchboard.call_dispositions
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: see _record_disposition(); _call_for_change() checks the session.
DECLARE
  at  timestamptz := clock_timestamp();
  log switchboard.call_logs := switchboard._call_for_change(create_disposition.call_id);
BEGIN
  PERFORM switchboard._check_disposition(log, create_disposition.disposition, create_disposition.follow_up_date, at);
  RETURN switchboard._record_disposition(log, create_disposition.disposition, create_disposition.notes,
                                         create_disposition.follow_up_date, at);
END
$$;
COMMENT ON FUNCTION switchboard.create_disposition(uuid, text, text, timestamptz) IS
  'Records what an agent concluded about a call and does what follows from it: do-not-call puts the number on the do-not-call list and
takes it off every campaign; callback has the person called at follow_up_date (else after the campaign''s delay for this outcome) by the agent who
promised it; interested and qualified raise the contact''s lead status and score; a follow_up_date makes a task for the agent;
wrong-number, not-interested and not-qualified end the attempts; no-answer and voicemail lead to the next one. What follows can be
set per tenant (settings.dispositions). Works for every call that the caller sees, also while it goes on, in any direction, and
without campaign (a callback is then a task); a contact is made from the number when there is none, unless nobody was spoken to. A later disposition of the same call replaces the earlier
one forward: do-not-call and lead status are never taken back. Returns the call_dispositions row. Errors: P0002 no such call, 22023
unknown disposition or a follow_up_date in the past, SB001 do-not-call for a call without a number.';
REVOKE ALL ON FUNCTION switchboard.create_disposition(uuid, text, text, timestamptz) FROM PUBLIC;
