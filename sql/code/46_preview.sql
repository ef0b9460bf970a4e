-- Preview dialing: an agent looks at somebody first, and then calls or skips them. What an agent looks at is reserved for them
-- (dialer_queues.reserved_by, reserved_until); the reservation expires by itself, and an agent has one at a time (unique key).

CREATE OR REPLACE FUNCTION switchboard._caller_user()
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller uuid := switchboard.current_user_id();
BEGIN
  IF caller IS NULL THEN
    RAISE EXCEPTION 'the session acts for no user'
      USING ERRCODE = '42501', HINT = 'Log in as a user, or call switchboard.set_identity(tenant_id, user_id).';
  END IF;
  RETURN caller;
END
$$;
COMMENT ON FUNCTION switchboard._caller_user() IS 'The user who is asking; 42501 when the session acts for none.';
REVOKE ALL ON FUNCTION switchboard._caller_user() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._preview_campaign(campaign uuid, agent uuid)
RETURNS switchboard.campaigns
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agents serve campaigns that they do not own; the session's tenant and the campaign's agents are checked.
DECLARE
  found_campaign switchboard.campaigns;
BEGIN
  SELECT c.* INTO found_campaign FROM switchboard.campaigns c
  WHERE c.id = campaign AND c.tenant_id = switchboard.current_tenant_id();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(campaign::text, 'null') USING ERRCODE = 'P0002';
  ELSIF NOT switchboard.is_supervisor()
        AND NOT EXISTS (SELECT FROM switchboard._staff(ARRAY[campaign]) f WHERE f.user_id = agent) THEN
    RAISE EXCEPTION 'agent % does not serve campaign "%"', agent, found_campaign.name
      USING ERRCODE = '42501', HINT = 'See campaign_agents, and "skills" in the settings of the campaign.';
  ELSIF found_campaign.type NOT IN ('preview', 'manual') THEN
    RAISE EXCEPTION 'campaign "%" is of type %, not preview', found_campaign.name, found_campaign.type USING ERRCODE = '22023';
  ELSIF found_campaign.status <> 'active' THEN
    RAISE EXCEPTION 'cannot preview campaign "%": it is %, not active', found_campaign.name, found_campaign.status
      USING ERRCODE = 'SB005', HINT = 'Start it with start_campaign(id), or resume_campaign(id) when it is paused.';
  END IF;
  RETURN found_campaign;
END
$$;
COMMENT ON FUNCTION switchboard._preview_campaign(uuid, uuid) IS
  'The campaign, if this agent may work on its list now. Errors: P0002, 42501 another one''s, 22023 it dials by itself, SB005 not active.';
REVOKE ALL ON FUNCTION switchboard._preview_campaign(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reserve_entry(campaign switchboard.campaigns, agent uuid, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the queue is not the application's to write. Internal. Entries that others have locked or reserved are passed over;
-- people who may not be called now are dealt with on the way. Bounded: an agent who finds nobody asks again.
-- Cost: an index scan of the campaign's queue up to the first free entry, and one decision.
DECLARE
  entry   record;
  verdict record;
  until   timestamptz := at + switchboard._small_int(campaign.settings -> 'preview_seconds', 5, 86400, 120) * interval '1 second';
BEGIN
  FOR i IN 1 .. 100 LOOP
    SELECT q.id, q.contact_id, l.phone_number INTO entry
    FROM switchboard.dialer_queues q
    JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
    WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued' AND q.scheduled_at <= at
      AND (q.reserved_until IS NULL OR q.reserved_until <= at)
      AND (q.assigned_to IS NULL OR q.assigned_to = agent OR q.scheduled_at <= at - switchboard._callback_grace(campaign.settings))
    ORDER BY (q.assigned_to = agent) IS TRUE DESC, q.priority DESC, q.scheduled_at, q.id
    LIMIT 1 FOR NO KEY UPDATE OF q, l SKIP LOCKED;
    EXIT WHEN NOT FOUND;
    CONTINUE WHEN switchboard._drop_stale_offers(ARRAY[entry.id], at) = '{}';
    SELECT d.* INTO verdict
    FROM switchboard._decide_contacts(campaign.tenant_id, campaign.id, ARRAY[entry.phone_number], 'voice', at, 'queue', ARRAY[entry.id]) d;
    IF verdict.allowed THEN
      UPDATE switchboard.dialer_queues q SET reserved_by = agent, reserved_until = until WHERE q.id = entry.id;
      RETURN entry.id;
    END IF;
    UPDATE switchboard.campaign_contacts l
    SET status = CASE WHEN verdict.later IS NULL THEN 'do-not-call' ELSE l.status END, next_attempt_at = verdict.later
    WHERE l.id = entry.contact_id;
    UPDATE switchboard.dialer_queues q
    SET status = 'skipped', reason = verdict.reason, reserved_by = NULL, reserved_until = NULL WHERE q.id = entry.id;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._reserve_entry(switchboard.campaigns, uuid, timestamptz) IS
  'Reserves the next entry of a campaign''s queue that this agent may call, for settings.preview_seconds (default 120); NULL: there is none.';
REVOKE ALL ON FUNCTION switchboard._reserve_entry(switchboard.campaigns, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._preview_of(entry uuid)
RETURNS switchboard.preview_contact
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the agent may not own the campaign. Internal. Parallel unsafe: as _call_text().
DECLARE
  result switchboard.preview_contact;
BEGIN
  SELECT q.id, q.campaign_id, l.id, l.phone_number, coalesce(l.first_name, k.first_name), coalesce(l.last_name, k.last_name),
         coalesce(l.email, k.email), coalesce(l.company, k.company), l.attempts, l.last_attempt_at, l.last_outcome,
         switchboard._call_text(c, q.tenant_id, l.id, l.contact_id), l.metadata, q.reserved_until
  INTO result
  FROM switchboard.dialer_queues q
  JOIN switchboard.campaigns c ON c.id = q.campaign_id
  JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
  LEFT JOIN switchboard.contacts k ON k.tenant_id = l.tenant_id AND k.id = l.contact_id
  WHERE q.id = entry;
  RETURN result;
END
$$;
COMMENT ON FUNCTION switchboard._preview_of(uuid) IS 'What an agent sees of a queue entry; all null for no entry.';
REVOKE ALL ON FUNCTION switchboard._preview_of(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._next_preview(campaign switchboard.campaigns, agent uuid, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _reserve_entry(). Internal. The campaign is locked only when its queue seems to have run dry, and before any entry
-- is: agents of a full queue do not wait for each other.
DECLARE
  entry          uuid;
  found_campaign switchboard.campaigns := campaign;
BEGIN
  -- Against deletion, which waits for the people that are locked below: whoever accepts in the same transaction needs it then.
  PERFORM FROM switchboard.campaigns c WHERE c.id = campaign.id FOR KEY SHARE;
  SELECT q.id INTO entry FROM switchboard.dialer_queues q
  WHERE q.tenant_id = campaign.tenant_id AND q.reserved_by = agent AND q.campaign_id = campaign.id AND q.status = 'queued'
    AND q.reserved_until > at;
  IF FOUND THEN
    RETURN entry;
  END IF;
  IF NOT EXISTS (SELECT FROM switchboard.dialer_queues q
                 WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued'
                   AND q.scheduled_at <= at AND (q.reserved_until IS NULL OR q.reserved_until <= at)
                   AND (q.assigned_to IS NULL OR q.assigned_to = agent))
     OR switchboard._due_callbacks(campaign, at, agent) > 0 THEN
    SELECT c.* INTO found_campaign FROM switchboard.campaigns c
    WHERE c.id = campaign.id AND c.status = 'active' AND c.cron_schedule IS NULL FOR NO KEY UPDATE;
    IF FOUND THEN
      PERFORM switchboard._queue_contacts(found_campaign, 'dispatch', at);
    END IF;
  END IF;
  UPDATE switchboard.dialer_queues q SET reserved_by = NULL, reserved_until = NULL
  WHERE q.tenant_id = campaign.tenant_id AND q.reserved_by = agent;
  RETURN switchboard._reserve_entry(campaign, agent, at);
END
$$;
COMMENT ON FUNCTION switchboard._next_preview(switchboard.campaigns, uuid, timestamptz) IS
  'What the agent has reserved in the campaign, else the next entry, reserved; a reservation elsewhere is given up.';
REVOKE ALL ON FUNCTION switchboard._next_preview(switchboard.campaigns, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.next_preview_contact(campaign_id uuid)
RETURNS switchboard.preview_contact
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: the queue is not the application's to write; _preview_campaign() checks the session.
DECLARE
  at       timestamptz := clock_timestamp();
  agent    uuid := switchboard._caller_user();
  campaign switchboard.campaigns := switchboard._preview_campaign(next_preview_contact.campaign_id, agent);
  entry    uuid;
BEGIN
  PERFORM switchboard._refuse_busy_agent(s) FROM switchboard.agent_states s
  WHERE s.tenant_id = campaign.tenant_id AND s.user_id = agent AND s.ended_at IS NULL;
  FOR i IN 1 .. 10 LOOP
    BEGIN
      entry := switchboard._next_preview(campaign, agent, at);
      RETURN switchboard._preview_of(entry);   -- in a statement of its own: it sees what the one before has done
    EXCEPTION WHEN unique_violation THEN
      NULL;   -- the same agent asked twice at once: now the other one's reservation is there
    END;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard.next_preview_contact(uuid) IS
  'The next person of an active preview (or manual) campaign for the caller to look at, reserved for settings.preview_seconds (default
120); asking again gives the same person until then. Callbacks that the caller promised come first. The queue is filled from the list
when it is empty. All columns are null when nobody is due. Errors: 42501 nobody asks, or the caller does not serve the campaign, P0002
no such campaign, 22023 a campaign that dials by itself, SB005 not active, or the caller is on a call.';
REVOKE ALL ON FUNCTION switchboard.next_preview_contact(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reserved_entry(entry uuid, agent uuid)
RETURNS switchboard.dialer_queues
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _reserve_entry(); the session's tenant is checked. Locks the person and the entry, in that order. A campaign that
-- is paused meanwhile stops the call when it is sent.
DECLARE
  found_entry switchboard.dialer_queues;
BEGIN
  SELECT q.* INTO found_entry FROM switchboard.dialer_queues q
  WHERE q.id = entry AND q.tenant_id = switchboard.current_tenant_id();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such queue entry: %', coalesce(entry::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  -- First, as in the order of locks: who deletes the campaign waits for its people.
  PERFORM FROM switchboard.campaigns c WHERE c.id = found_entry.campaign_id FOR KEY SHARE;
  PERFORM FROM switchboard.campaign_contacts l WHERE l.id = found_entry.contact_id FOR NO KEY UPDATE;
  SELECT q.* INTO found_entry FROM switchboard.dialer_queues q WHERE q.id = entry FOR NO KEY UPDATE;
  IF found_entry.status IS DISTINCT FROM 'queued' OR found_entry.reserved_by IS NULL THEN
    RAISE EXCEPTION 'queue entry % is not reserved', entry
      USING ERRCODE = 'SB005', HINT = 'Ask for a person with switchboard.next_preview_contact(campaign_id).';
  ELSIF found_entry.reserved_by <> agent THEN
    RAISE EXCEPTION 'queue entry % is reserved by another agent', entry USING ERRCODE = '42501';
  END IF;
  RETURN found_entry;
END
$$;
COMMENT ON FUNCTION switchboard._reserved_entry(uuid, uuid) IS
  'A queue entry that this agent has reserved, or had until it expired, locked. Errors: P0002, SB005 not reserved, 42501 by another one.';
REVOKE ALL ON FUNCTION switchboard._reserved_entry(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.accept_preview(queue_id uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: the queue is not the application's to write; _reserved_entry() checks the session.
DECLARE
  at     timestamptz := clock_timestamp();
  agent  uuid := switchboard._caller_user();
  entry  switchboard.dialer_queues := switchboard._reserved_entry(accept_preview.queue_id, agent);
  person switchboard.campaign_contacts;
  result switchboard.call_logs;
BEGIN
  IF entry.reserved_until <= at THEN
    RAISE EXCEPTION 'the reservation of queue entry % has expired', entry.id
      USING ERRCODE = 'SB005', HINT = 'Ask for a person with switchboard.next_preview_contact(campaign_id).';
  END IF;
  PERFORM switchboard._preview_campaign(entry.campaign_id, agent);
  UPDATE switchboard.dialer_queues q SET reserved_by = NULL, reserved_until = NULL WHERE q.id = entry.id;
  SELECT l.* INTO person FROM switchboard.campaign_contacts l WHERE l.id = entry.contact_id;
  result.id := switchboard._place_call(entry.tenant_id, person.phone_number, NULL, entry.campaign_id, person.contact_id,
                                      '{"preview": true}');
  SELECT c.* INTO result FROM switchboard.call_logs c WHERE c.id = result.id;
  IF result.campaign_contact_id IS NULL THEN
    RAISE EXCEPTION 'queue entry % cannot be called: its person is %', entry.id, person.status USING ERRCODE = 'SB005';
  END IF;
  RETURN result;
END
$$;
COMMENT ON FUNCTION switchboard.accept_preview(uuid) IS
  'Calls the person of a queue entry that the caller has reserved: an outbound call of the caller, who is busy with it from now on and
is connected when it is answered (if they have an endpoint). Returns the call_logs row. Errors: P0002 no such entry, SB005 not reserved
or expired, the caller is on a call, or the campaign is not active, 42501 reserved by another agent or nobody asks; and those of
make_call(): SB002, SB003, SB004, SB007.';
REVOKE ALL ON FUNCTION switchboard.accept_preview(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.skip_preview(queue_id uuid, reason text DEFAULT NULL)
RETURNS switchboard.dialer_queues
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the queue is not the application's to write; _reserved_entry() checks the session.
DECLARE
  at    timestamptz := clock_timestamp();
  entry switchboard.dialer_queues := switchboard._reserved_entry(skip_preview.queue_id, switchboard._caller_user());
BEGIN
  UPDATE switchboard.dialer_queues q
  SET reserved_by = NULL, reserved_until = NULL, reason = nullif(btrim(skip_preview.reason), ''),
      scheduled_at = at + switchboard._small_int((SELECT c.settings -> 'skip_delay' FROM switchboard.campaigns c WHERE c.id = q.campaign_id),
                                                 0, 31536000, 3600) * interval '1 second'
  WHERE q.id = entry.id
  RETURNING q.* INTO entry;
  RETURN entry;
END
$$;
COMMENT ON FUNCTION switchboard.skip_preview(uuid, text) IS
  'Puts somebody whom the caller has reserved back into the queue, with the reason, not to be shown for settings.skip_delay seconds
(default 3600). Returns the dialer_queues row. Errors: P0002 no such entry, SB005 not reserved, 42501 reserved by another agent or
nobody asks.';
REVOKE ALL ON FUNCTION switchboard.skip_preview(uuid, text) FROM PUBLIC;
