-- Triggered calls and the accounts that make them. Without one (none at all, of several none named, or no number to call from) they are
-- stored and wait: call_logs.account_id is null, there is no job. Whatever may change that has a trigger here, which makes the jobs.

CREATE OR REPLACE FUNCTION switchboard._accounts_lock(tenant uuid)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended('switchboard accounts of ' || tenant, 0) $$;
COMMENT ON FUNCTION switchboard._accounts_lock(uuid) IS
  'Key of the advisory lock between whoever finds no account for triggered calls and whoever adds one.';
REVOKE ALL ON FUNCTION switchboard._accounts_lock(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._usable_trigger_account(tenant uuid, campaign switchboard.campaigns)
RETURNS switchboard.provider_accounts
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _trigger_account(). Who finds none looks again with the lock: an account that comes later finds the calls that wait.
DECLARE
  account switchboard.provider_accounts := switchboard._trigger_account(tenant, campaign);
BEGIN
  FOR i IN 1 .. 2 LOOP
    IF account.id IS NOT NULL
       AND (NOT switchboard._is_telephony(account.provider) OR switchboard._caller_number(campaign.caller_id, account) IS NOT NULL) THEN
      RETURN account;
    ELSIF i = 1 THEN
      PERFORM pg_advisory_xact_lock_shared(switchboard._accounts_lock(tenant));
      account := switchboard._trigger_account(tenant, campaign);
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._usable_trigger_account(uuid, switchboard.campaigns) IS
  'The account that makes a campaign''s triggered calls, if it can: one with a number to call from where it needs one. NULL: the calls wait, and
until the end of this transaction nobody adds an account without seeing them.';
REVOKE ALL ON FUNCTION switchboard._usable_trigger_account(uuid, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._give_triggers_jobs(tenant uuid, campaign uuid, calls uuid[])
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: writes calls and jobs for any tenant. Internal. Calls that got an account meanwhile are passed over.
DECLARE
  found_campaign switchboard.campaigns := (SELECT k FROM switchboard.campaigns k WHERE k.tenant_id = tenant AND k.id = campaign);
  account        switchboard.provider_accounts := switchboard._usable_trigger_account(tenant, found_campaign);
  caller         text := switchboard._caller_number(found_campaign.caller_id, account);
  unspoken       constant boolean := switchboard._public_url(account) IS NOT NULL;   -- it will be asked for
  queued         int;
BEGIN
  IF account.id IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM FROM switchboard.call_logs c WHERE c.tenant_id = tenant AND c.id = ANY (calls) ORDER BY c.id FOR NO KEY UPDATE;
  WITH given AS (
    UPDATE switchboard.call_logs c SET account_id = account.id, provider = account.provider, from_number = caller
    WHERE c.tenant_id = tenant AND c.id = ANY (calls) AND c.waits AND c.account_id IS NULL
    RETURNING c.id, c.to_number
  )
  INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority, run_at)
  SELECT tenant, 'call', account.id, g.id,
         switchboard._trigger_payload(account, found_campaign, g.id, g.to_number, caller, t.package,
                                      CASE WHEN NOT unspoken THEN t.package ->> 'call_script' END),
         switchboard._urgency(t.priority), greatest(t.scheduled_at, clock_timestamp())
  FROM given g
  JOIN switchboard.call_triggers t ON t.tenant_id = tenant AND t.call_log_id = g.id;
  GET DIAGNOSTICS queued = ROW_COUNT;
  RETURN queued;
END
$$;
COMMENT ON FUNCTION switchboard._give_triggers_jobs(uuid, uuid, uuid[]) IS
  'Gives triggered calls of a campaign (or none) that have no account the one that makes them now, and their jobs; returns how many.';
REVOKE ALL ON FUNCTION switchboard._give_triggers_jobs(uuid, uuid, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._queue_waiting_triggers(tenant uuid)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _give_triggers_jobs(). Internal. Cost: one index probe when none wait.
DECLARE
  batch  record;
  queued int := 0;
BEGIN
  -- Those who found no account before this one was there commit first.
  PERFORM pg_advisory_xact_lock(switchboard._accounts_lock(tenant));
  FOR batch IN
    SELECT c.campaign_id, array_agg(c.id ORDER BY c.id) AS calls
    FROM switchboard.call_logs c
    WHERE c.tenant_id = tenant AND c.waits AND c.account_id IS NULL
    GROUP BY c.campaign_id ORDER BY c.campaign_id
  LOOP
    queued := queued + switchboard._give_triggers_jobs(tenant, batch.campaign_id, batch.calls);
  END LOOP;
  RETURN queued;
END
$$;
COMMENT ON FUNCTION switchboard._queue_waiting_triggers(uuid) IS
  'Queues the tenant''s triggered calls that waited for an account, as far as there is one now; returns how many.';
REVOKE ALL ON FUNCTION switchboard._queue_waiting_triggers(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_new_accounts()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _queue_waiting_triggers().
BEGIN
  PERFORM switchboard._queue_waiting_triggers(n.tenant_id) FROM (SELECT DISTINCT r.tenant_id FROM changed r ORDER BY r.tenant_id) n;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._note_new_accounts() IS
  'Trigger on provider_accounts and channel_routes: triggered calls that waited for an account are queued.';
REVOKE ALL ON FUNCTION switchboard._note_new_accounts() FROM PUBLIC;
CREATE OR REPLACE TRIGGER queue_waiting_triggers AFTER INSERT ON switchboard.provider_accounts
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers ON switchboard.provider_accounts IS 'Triggered calls that waited for an account are queued.';
CREATE OR REPLACE TRIGGER queue_waiting_triggers_again AFTER UPDATE ON switchboard.provider_accounts
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers_again ON switchboard.provider_accounts IS
  'Triggered calls that waited for an account, or for its number, are queued.';
CREATE OR REPLACE TRIGGER queue_waiting_triggers AFTER INSERT ON switchboard.channel_routes
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers ON switchboard.channel_routes IS 'Triggered calls that waited for an account are queued.';
CREATE OR REPLACE TRIGGER queue_waiting_triggers_again AFTER UPDATE ON switchboard.channel_routes
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers_again ON switchboard.channel_routes IS 'Triggered calls that waited for an account are queued.';
-- What is left when one of several is gone may be the only one, and that is the one that calls.
CREATE OR REPLACE TRIGGER queue_waiting_triggers_still AFTER DELETE ON switchboard.channel_routes
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers_still ON switchboard.channel_routes IS 'Triggered calls that waited for an account are queued.';
CREATE OR REPLACE TRIGGER queue_waiting_triggers_still AFTER DELETE ON switchboard.provider_accounts
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION switchboard._note_new_accounts();
COMMENT ON TRIGGER queue_waiting_triggers_still ON switchboard.provider_accounts IS
  'Triggered calls that waited for one account of several are queued when one is left.';

CREATE OR REPLACE FUNCTION switchboard._note_changed_caller()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _queue_waiting_triggers().
BEGIN
  PERFORM switchboard._queue_waiting_triggers(new.tenant_id);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._note_changed_caller() IS
  'Trigger on campaigns: triggered calls that waited for an account or a number to call from are queued.';
REVOKE ALL ON FUNCTION switchboard._note_changed_caller() FROM PUBLIC;
CREATE OR REPLACE TRIGGER campaigns_caller AFTER UPDATE OF caller_id, settings ON switchboard.campaigns
  FOR EACH ROW WHEN (old.caller_id IS DISTINCT FROM new.caller_id
                     OR old.settings ->> 'voice_account' IS DISTINCT FROM new.settings ->> 'voice_account')
  EXECUTE FUNCTION switchboard._note_changed_caller();
COMMENT ON TRIGGER campaigns_caller ON switchboard.campaigns IS
  'Triggered calls that waited for an account or a number to call from are queued.';

CREATE OR REPLACE FUNCTION switchboard._resume_triggers(tenant uuid, campaign uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: jobs are not the application's to write. Internal. Rare; reads the open jobs of the accounts when calls wait.
BEGIN
  IF NOT EXISTS (SELECT FROM switchboard.call_triggers t
                 WHERE t.tenant_id = tenant AND t.campaign_id = campaign AND t.status = 'scheduled' AND t.campaign_contact_id IS NULL) THEN
    RETURN;
  END IF;
  UPDATE switchboard.jobs_open j SET run_at = clock_timestamp()
  FROM switchboard.call_triggers t
  JOIN switchboard.call_logs c ON c.tenant_id = t.tenant_id AND c.id = t.call_log_id
  WHERE t.tenant_id = tenant AND t.campaign_id = campaign AND t.status = 'scheduled' AND t.campaign_contact_id IS NULL
    AND j.lane = c.account_id AND j.subject_id = c.id AND j.kind = 'call' AND j.state = 'ready' AND j.last_code = 'campaign-paused';
END
$$;
COMMENT ON FUNCTION switchboard._resume_triggers(uuid, uuid) IS
  'Triggered calls that were put off because their campaign was paused are due now.';
REVOKE ALL ON FUNCTION switchboard._resume_triggers(uuid, uuid) FROM PUBLIC;
