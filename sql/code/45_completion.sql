-- When a campaign is over: somebody was on its list and nobody is being called or will be. It is looked at by whoever runs the
-- campaign (run_campaign, its schedule, dispatch, next_preview_contact) and by the workers ahead of each claim. Such a campaign is
-- completed and marked ran_out; as soon as there is somebody to call again (people are added or recycled, an agent promises to call
-- back) it is made active again. settings.complete_when_done = false keeps it active.
--
-- Both sides hold an advisory lock of the list until they commit: those who add somebody to call share it, and a campaign is
-- completed only by who can have it alone. So nobody is left waiting in a campaign that was completed without seeing them.

CREATE OR REPLACE FUNCTION switchboard._list_lock(campaign uuid)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended('switchboard list of ' || campaign, 0) $$;
COMMENT ON FUNCTION switchboard._list_lock(uuid) IS 'Key of the advisory lock between whoever adds people to call and completion.';
REVOKE ALL ON FUNCTION switchboard._list_lock(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._reopen_campaigns(campaigns uuid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: whoever changes a list may do this to its campaign. Internal. In order of id, given so. Cost: a lock and an index
-- probe a campaign; it is called by statements that leave more people to call than there were.
-- A campaign that is being deleted is passed over (nothing else conflicts with KEY SHARE): its deletion waits for the calls and
-- people that the caller may hold.
BEGIN
  PERFORM pg_advisory_xact_lock_shared(switchboard._list_lock(c.id)) FROM unnest(campaigns) AS c (id);
  UPDATE switchboard.campaigns c SET status = 'active'
  FROM (SELECT r.id FROM switchboard.campaigns r
        WHERE r.id = ANY (campaigns) AND r.status = 'completed' AND r.ran_out
        ORDER BY r.id FOR KEY SHARE SKIP LOCKED) reopened
  WHERE c.id = reopened.id AND c.status = 'completed' AND c.ran_out;
END
$$;
COMMENT ON FUNCTION switchboard._reopen_campaigns(uuid[]) IS
  'There is somebody to call in these campaigns: those that had run out become active again, and none of them is completed before
this transaction has ended.';
REVOKE ALL ON FUNCTION switchboard._reopen_campaigns(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._complete_if_done(campaign switchboard.campaigns)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal: the caller has locked the campaign. Looks once more when it has the
-- lock of the list, in a statement of its own: whoever shared it before has committed by then.
BEGIN
  IF coalesce(campaign.settings -> 'complete_when_done', 'true') = 'false' OR NOT switchboard._nobody_left(campaign.id) THEN
    RETURN false;
  END IF;
  IF NOT pg_try_advisory_xact_lock(switchboard._list_lock(campaign.id)) OR NOT switchboard._nobody_left(campaign.id) THEN
    RETURN false;
  END IF;
  UPDATE switchboard.campaigns c SET status = 'completed', ran_out = true WHERE c.id = campaign.id AND c.status = 'active';
  RETURN FOUND;
END
$$;
COMMENT ON FUNCTION switchboard._complete_if_done(switchboard.campaigns) IS
  'Completes an active campaign when nobody is left to call, unless settings.complete_when_done is false; whether it did.';
REVOKE ALL ON FUNCTION switchboard._complete_if_done(switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._complete_idle_campaigns()
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: looks at every tenant. Internal. Cost: four index probes per active campaign of these types.
DECLARE
  campaign  switchboard.campaigns;
  completed int := 0;
BEGIN
  FOR campaign IN
    SELECT c.* FROM switchboard.campaigns c
    WHERE c.status = 'active' AND c.type IN ('manual', 'preview') AND switchboard._nobody_left(c.id)
    ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    completed := completed + switchboard._complete_if_done(campaign)::int;
  END LOOP;
  RETURN completed;
END
$$;
COMMENT ON FUNCTION switchboard._complete_idle_campaigns() IS
  'Completes the active manual and preview campaigns in which nobody is left to call; returns how many. Those that dial by themselves
are completed by dispatch.';
REVOKE ALL ON FUNCTION switchboard._complete_idle_campaigns() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._close_entries()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the queue is not the application's to write. A person has one open entry at most.
BEGIN
  UPDATE switchboard.dialer_queues q SET status = 'skipped', reason = new.status::text
  WHERE q.tenant_id = new.tenant_id AND q.contact_id = new.id AND q.status = 'queued';
  IF EXISTS (SELECT FROM switchboard.call_triggers t
             WHERE t.tenant_id = new.tenant_id AND t.campaign_contact_id = new.id AND t.status = 'scheduled') THEN
    PERFORM switchboard._follow_list(ARRAY[new.id], '{}', clock_timestamp());
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._close_entries() IS
  'Trigger on campaign_contacts: somebody who is not to be called any more leaves the queue, and is not called because of what was triggered.';
REVOKE ALL ON FUNCTION switchboard._close_entries() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaign_contacts_finished AFTER UPDATE OF status ON switchboard.campaign_contacts
  FOR EACH ROW WHEN (new.status IN ('completed', 'do-not-call') AND old.status IN ('pending', 'failed', 'callback'))
  EXECUTE FUNCTION switchboard._close_entries();
COMMENT ON TRIGGER campaign_contacts_finished ON switchboard.campaign_contacts IS
  'Somebody who is not to be called any more leaves the queue.';
