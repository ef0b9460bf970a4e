-- The life of a campaign. Steps are data (_campaign_steps); a trigger holds every UPDATE of status to them, so that
-- start_campaign() and a plain UPDATE cannot differ.
--
--   draft --start--> active --pause--> paused --resume--> active
--   active, paused --complete--> completed      draft, paused, completed --archive--> archived
--
-- A campaign that was completed because its list ran out (ran_out) can be resumed, and becomes active by itself when there is somebody
-- to call again (45_completion.sql); one that a person completed cannot. Calls under way go on, whatever becomes of their campaign;
-- those not sent yet are refused at sending unless it is active.

CREATE OR REPLACE FUNCTION switchboard._campaign_steps()
RETURNS TABLE (step text, from_status switchboard.campaign_status, to_status switchboard.campaign_status)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('start',    'draft'::switchboard.campaign_status, 'active'::switchboard.campaign_status),
         ('pause',    'active',    'paused'),
         ('resume',   'paused',    'active'),
         ('resume',   'completed', 'active'),     -- only when the list had run out
         ('complete', 'active',    'completed'),
         ('complete', 'paused',    'completed'),
         ('archive',  'draft',     'archived'),
         ('archive',  'paused',    'archived'),
         ('archive',  'completed', 'archived')
$$;
COMMENT ON FUNCTION switchboard._campaign_steps() IS 'The status machine of campaigns: which step leads from where to where.';
REVOKE ALL ON FUNCTION switchboard._campaign_steps() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._open_steps(status switchboard.campaign_status, ran_out boolean)
RETURNS TABLE (step text, to_status switchboard.campaign_status)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT s.step, s.to_status
  FROM switchboard._campaign_steps() s
  WHERE s.from_status = status AND (s.from_status <> 'completed' OR s.to_status <> 'active' OR ran_out)
$$;
COMMENT ON FUNCTION switchboard._open_steps(switchboard.campaign_status, boolean) IS
  'The steps that a campaign can take from a status.';
REVOKE ALL ON FUNCTION switchboard._open_steps(switchboard.campaign_status, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_campaign_step()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the table of steps is internal.
BEGIN
  IF NOT EXISTS (SELECT FROM switchboard._open_steps(old.status, old.ran_out) s WHERE s.to_status = new.status) THEN
    RAISE EXCEPTION 'campaign "%" cannot go from % to %', new.name, old.status, new.status
      USING ERRCODE = 'SB005',
            HINT = coalesce((SELECT format('From %s it can go to %s.', old.status, string_agg(s.to_status::text, ' or '))
                             FROM switchboard._open_steps(old.status, old.ran_out) s HAVING count(*) > 0),
                            format('%s is final; make a new campaign.', old.status));
  END IF;
  IF new.status = 'active' THEN
    new.started_at := coalesce(new.started_at, now());
    new.completed_at := NULL;
    new.ran_out := false;
  ELSIF new.status = 'completed' THEN
    new.completed_at := now();
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_campaign_step() IS
  'Trigger on campaigns: a status changes only along the status machine, else SB005.';
REVOKE ALL ON FUNCTION switchboard._check_campaign_step() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_retry_settings(rules jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unknown text;
BEGIN
  PERFORM switchboard._check_retry_rules(rules);
  SELECT r.outcome INTO unknown
  FROM jsonb_object_keys(rules) AS r (outcome)
  WHERE r.outcome <> ALL (switchboard._outcomes())
  LIMIT 1;
  IF unknown IS NOT NULL THEN
    RAISE EXCEPTION 'unknown outcome "%" in retry_rules', unknown
      USING ERRCODE = '22023', HINT = format('Outcomes are %s.', array_to_string(switchboard._outcomes(), ', '));
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_retry_settings(jsonb) IS
  'Refuses settings.retry_rules that are malformed or name an outcome that does not exist (22023).';
REVOKE ALL ON FUNCTION switchboard._check_retry_settings(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_campaign_rules()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the tenant's zone and region past row level security; says nothing about it.
-- Asking once now spares the dialer rules that it cannot follow. A misspelt voice would be one that nobody has to agree to.
BEGIN
  PERFORM switchboard.next_call_time(now(), coalesce(new.timezone, t.timezone), new.active_hours)
  FROM switchboard.tenants t WHERE t.id = new.tenant_id;
  IF new.settings ? 'retry_rules' THEN
    PERFORM switchboard._check_retry_settings(new.settings -> 'retry_rules');
  END IF;
  IF new.settings -> 'voice' NOT IN ('"human"', '"artificial"', '"ai"', 'null') THEN
    RAISE EXCEPTION 'voice must be "human", "artificial" or "ai", not %', new.settings -> 'voice'
      USING ERRCODE = '22023', HINT = 'Whose voice people hear decides whether calling them needs consent.';
  ELSIF jsonb_typeof(new.settings -> 'agentless') NOT IN ('boolean', 'null') THEN
    RAISE EXCEPTION 'agentless must be true or false, not %', new.settings -> 'agentless'
      USING ERRCODE = '22023', HINT = 'true: nobody is connected with those who answer.';
  END IF;
  -- The provider would refuse every call from what is no number.
  IF btrim(new.caller_id) <> '' THEN
    new.caller_id := switchboard.normalize_phone(new.caller_id, (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = new.tenant_id));
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_campaign_rules() IS
  'Trigger on campaigns: refuses active_hours and time zones that next_call_time() does not understand, and retry rules that
next_attempt_at() does not, and settings of voice and agentless that say nothing (22023); makes caller_id E.164 (SB001).';
REVOKE ALL ON FUNCTION switchboard._check_campaign_rules() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_rules BEFORE INSERT OR UPDATE OF active_hours, timezone, settings, caller_id ON switchboard.campaigns
  FOR EACH ROW EXECUTE FUNCTION switchboard._check_campaign_rules();
COMMENT ON TRIGGER campaigns_rules ON switchboard.campaigns IS 'Refuses calling hours, retry rules and caller numbers that nobody can use.';

CREATE OR REPLACE FUNCTION switchboard._note_campaign_step()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the application may not write the feed or the audit log.
BEGIN
  PERFORM switchboard._add_event(new.tenant_id, 'campaign-updated', new.id,
    jsonb_build_object('campaignId', new.id, 'name', new.name, 'from', old.status, 'status', new.status), new.user_id);
  PERFORM switchboard._audit(new.tenant_id, 'campaign-status', 'campaign:' || new.id,
    jsonb_build_object('from', old.status, 'to', new.status));
  IF new.status = 'active' THEN
    PERFORM switchboard._resume_triggers(new.tenant_id, new.id);
    PERFORM switchboard._wake();
  ELSIF new.status IN ('completed', 'archived') THEN
    PERFORM FROM switchboard.dialer_queues q
    WHERE q.tenant_id = new.tenant_id AND q.campaign_id = new.id AND q.status = 'queued' ORDER BY q.id FOR NO KEY UPDATE;
    UPDATE switchboard.dialer_queues q
    SET status = 'skipped', reason = 'campaign-' || new.status, reserved_by = NULL, reserved_until = NULL
    WHERE q.tenant_id = new.tenant_id AND q.campaign_id = new.id AND q.status = 'queued';
    PERFORM switchboard._cancel_listed_triggers(new.tenant_id, new.id);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._note_campaign_step() IS
  'Trigger on campaigns: a change of status goes to the event feed and the audit log; an active campaign wakes the workers, the queue
of one that is over is emptied.';
REVOKE ALL ON FUNCTION switchboard._note_campaign_step() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_status_step BEFORE UPDATE OF status ON switchboard.campaigns
  FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
  EXECUTE FUNCTION switchboard._check_campaign_step();
COMMENT ON TRIGGER campaigns_status_step ON switchboard.campaigns IS 'Holds changes of status to the status machine.';
CREATE OR REPLACE TRIGGER campaigns_status_noted AFTER UPDATE OF status ON switchboard.campaigns
  FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
  EXECUTE FUNCTION switchboard._note_campaign_step();
COMMENT ON TRIGGER campaigns_status_noted ON switchboard.campaigns IS 'Tells the feed and the audit log of changes of status.';

CREATE OR REPLACE FUNCTION switchboard._cancel_campaign_calls()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: calls are not the application's to end. Calls that the provider has go on, as calls of no campaign. Nothing is left
-- to be done when the tenant goes as well.
DECLARE
  calls uuid[];
  at    timestamptz := clock_timestamp();
BEGIN
  IF NOT EXISTS (SELECT FROM switchboard.tenants t WHERE t.id = old.tenant_id) THEN
    RETURN old;
  END IF;
  -- All of its calls are about to lose their campaign. Locked before its people go, as everywhere, they cannot end in a deadlock with
  -- their own news.
  PERFORM FROM switchboard.call_logs c
  WHERE c.tenant_id = old.tenant_id AND c.campaign_id = old.id ORDER BY c.id FOR NO KEY UPDATE;
  calls := ARRAY(
    SELECT c.id FROM switchboard.call_logs c
    WHERE c.tenant_id = old.tenant_id AND c.campaign_id = old.id AND c.direction = 'outbound'
      AND c.status = 'initiated' AND c.call_id IS NULL AND c.dialed_at IS NULL);
  UPDATE switchboard.call_logs c SET hang_up_at = at WHERE c.id = ANY (calls);
  PERFORM switchboard._apply_call_status(ARRAY(
    SELECT ROW(c.id, c.tenant_id, c.provider, NULL, 'canceled', at, 0, NULL, NULL, 'campaign-deleted', '{}')::switchboard.call_status_event
    FROM switchboard.call_logs c WHERE c.id = ANY (calls)));
  RETURN old;
END
$$;
COMMENT ON FUNCTION switchboard._cancel_campaign_calls() IS
  'Trigger on campaigns: calls of a deleted campaign that were not sent yet are canceled.';
REVOKE ALL ON FUNCTION switchboard._cancel_campaign_calls() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_deleted BEFORE DELETE ON switchboard.campaigns
  FOR EACH ROW EXECUTE FUNCTION switchboard._cancel_campaign_calls();
COMMENT ON TRIGGER campaigns_deleted ON switchboard.campaigns IS 'Cancels the calls that were not sent yet.';

CREATE OR REPLACE FUNCTION switchboard._step_campaign(campaign uuid, wanted text)
RETURNS switchboard.dialer_campaigns
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: row level security decides who may see and change the campaign.
DECLARE
  found_campaign switchboard.campaigns;
  next_status    switchboard.campaign_status;
  result         switchboard.dialer_campaigns;
BEGIN
  found_campaign := switchboard._campaign_for_update(campaign);
  SELECT s.to_status INTO next_status
  FROM switchboard._open_steps(found_campaign.status, found_campaign.ran_out) s
  WHERE s.step = wanted;
  IF next_status IS NULL THEN
    RAISE EXCEPTION 'cannot % campaign "%": it is %, not %', wanted, found_campaign.name, found_campaign.status,
        (SELECT string_agg(s.from_status::text, ' or ') FROM switchboard._campaign_steps() s
         WHERE s.step = wanted AND s.from_status <> found_campaign.status)
      USING ERRCODE = 'SB005',
            HINT = coalesce((SELECT 'Possible now: ' || string_agg(s.step || '_campaign', ', ') || '.'
                             FROM switchboard._open_steps(found_campaign.status, found_campaign.ran_out) s),
                            format('%s is final; make a new campaign.', found_campaign.status));
  END IF;
  IF next_status = 'active' THEN
    PERFORM switchboard._require_dialing(found_campaign.tenant_id, found_campaign.caller_id, found_campaign);
    PERFORM switchboard._require_speaker(found_campaign, wanted = 'start');
  END IF;
  UPDATE switchboard.campaigns c SET status = next_status WHERE c.id = campaign;
  SELECT d.* INTO result FROM switchboard.dialer_campaigns d WHERE d.id = campaign;
  RETURN result;
END
$$;
COMMENT ON FUNCTION switchboard._step_campaign(uuid, text) IS
  'Takes one step of the status machine; locks the campaign. Errors: P0002, SB005, SB002.';
REVOKE ALL ON FUNCTION switchboard._step_campaign(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaign_for_update(campaign uuid)
RETURNS switchboard.campaigns
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  found_campaign switchboard.campaigns;
BEGIN
  SELECT c.* INTO found_campaign FROM switchboard.campaigns c WHERE c.id = campaign FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(campaign::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN found_campaign;
END
$$;
COMMENT ON FUNCTION switchboard._campaign_for_update(uuid) IS
  'The campaign, locked until the end of the transaction; P0002 when the caller sees no such campaign.';
REVOKE ALL ON FUNCTION switchboard._campaign_for_update(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.start_campaign(id uuid)
RETURNS switchboard.dialer_campaigns
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._step_campaign(start_campaign.id, 'start') $$;
COMMENT ON FUNCTION switchboard.start_campaign(uuid) IS
  'Makes a draft campaign active: power and predictive campaigns begin to dial, and workers queue their people without being asked, so
that a run_campaign() afterwards may find nobody left to queue. A campaign with an empty list waits for people. Returns the campaign.
Errors: P0002 no such campaign, SB005 not a draft, SB002 no account for voice or no caller number.';
REVOKE ALL ON FUNCTION switchboard.start_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.pause_campaign(id uuid)
RETURNS switchboard.dialer_campaigns
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._step_campaign(pause_campaign.id, 'pause') $$;
COMMENT ON FUNCTION switchboard.pause_campaign(uuid) IS
  'Stops dialing of an active campaign; once it has returned and committed no further call is started. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard.pause_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.resume_campaign(id uuid)
RETURNS switchboard.dialer_campaigns
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._step_campaign(resume_campaign.id, 'resume') $$;
COMMENT ON FUNCTION switchboard.resume_campaign(uuid) IS
  'Makes a paused campaign active again, or one whose list had run out; the latter completes again at the next look unless people
have been added or recycled. Errors: P0002, SB005, SB002.';
REVOKE ALL ON FUNCTION switchboard.resume_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.complete_campaign(id uuid)
RETURNS switchboard.dialer_campaigns
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._step_campaign(complete_campaign.id, 'complete') $$;
COMMENT ON FUNCTION switchboard.complete_campaign(uuid) IS
  'Ends an active or paused campaign for good; what is left in its queue is skipped, calls under way go on. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard.complete_campaign(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.archive_campaign(id uuid)
RETURNS switchboard.dialer_campaigns
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._step_campaign(archive_campaign.id, 'archive') $$;
COMMENT ON FUNCTION switchboard.archive_campaign(uuid) IS
  'Puts a draft, paused or completed campaign away for good. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard.archive_campaign(uuid) FROM PUBLIC;
