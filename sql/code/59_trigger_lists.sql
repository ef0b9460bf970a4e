-- Triggered calls that a list's agents make: the person is on the campaign's list (call_triggers.campaign_contact_id), the dialer calls them
-- like anybody on it, and the trigger follows:
--
--   person       trigger
--   completed    completed when it was called about, else canceled (list-completed)
--   do-not-call  canceled when nobody was called yet, else failed (do-not-call)
--   failed       scheduled again at next_attempt_at; without one failed with the last outcome
--   pending, callback   scheduled
--   gone         canceled (off-the-list)
--
-- One call is about everything that its person waits for. What came up while they were on another call is not over with that call:
-- the person is put back on the list, to be tried anew.
-- Whoever is picked from the queue is looked at once more: an offer that no longer stands is not called about, and who is on the list
-- for nothing else is given up.

CREATE OR REPLACE FUNCTION switchboard._follow_list(people uuid[], calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each person. Internal: the caller has locked the people, who have just moved because these calls ended
-- (none: because somebody moved them). Who is being called is left alone.
DECLARE
  late uuid[] := '{}';
BEGIN
  PERFORM FROM switchboard.campaign_contacts p
  JOIN switchboard.call_triggers t ON t.tenant_id = p.tenant_id AND t.campaign_contact_id = p.id
  WHERE p.id = ANY (people) AND t.status IN ('scheduled', 'calling')
  ORDER BY t.id FOR NO KEY UPDATE OF t;
  IF calls <> '{}' THEN
    late := ARRAY(
      SELECT p.id FROM switchboard.campaign_contacts p
      WHERE p.id = ANY (people) AND (p.status = 'completed' OR p.status = 'failed' AND p.next_attempt_at IS NULL)
        AND p.last_outcome IS DISTINCT FROM 'bad-number'
        AND EXISTS (SELECT FROM switchboard.call_triggers t
                    WHERE t.tenant_id = p.tenant_id AND t.campaign_contact_id = p.id AND t.status = 'scheduled' AND t.attempts = 0
                      AND t.call_log_id IS NULL)
      ORDER BY p.id);
  END IF;
  WITH moved AS MATERIALIZED (
    SELECT t.id, p.status, p.next_attempt_at, p.last_outcome,
           CASE WHEN p.status = 'completed' AND t.attempts > 0 THEN 'completed'
                WHEN p.status = 'completed' OR p.status = 'do-not-call' AND t.attempts = 0 THEN 'canceled'
                WHEN p.status = 'do-not-call' OR p.status = 'failed' AND p.next_attempt_at IS NULL THEN 'failed'
                ELSE 'scheduled' END::switchboard.call_trigger_status AS becomes
    FROM switchboard.campaign_contacts p
    JOIN switchboard.call_triggers t ON t.tenant_id = p.tenant_id AND t.campaign_contact_id = p.id
    WHERE p.id = ANY (people) AND p.status <> 'calling' AND t.status IN ('scheduled', 'calling')
      AND NOT (p.id = ANY (late) AND t.attempts = 0 AND t.call_log_id IS NULL)
  )
  UPDATE switchboard.call_triggers t
  SET status = m.becomes, scheduled_at = CASE WHEN m.becomes = 'scheduled' THEN coalesce(m.next_attempt_at, at) ELSE t.scheduled_at END,
      reason = CASE WHEN m.becomes IN ('scheduled', 'completed') THEN NULL
                    WHEN m.status = 'completed' THEN 'list-completed'
                    WHEN m.status = 'do-not-call' THEN 'do-not-call'
                    ELSE coalesce(m.last_outcome, 'failed') END
  FROM moved m
  WHERE t.id = m.id;
  UPDATE switchboard.campaign_contacts p
  SET status = 'pending', next_attempt_at = NULL, recycled_attempts = p.attempts, tries = '{}'
  WHERE p.id = ANY (late);
END
$$;
COMMENT ON FUNCTION switchboard._follow_list(uuid[], uuid[], timestamptz) IS
  'Triggers follow where their people on lists have moved; this file has the rules.';
REVOKE ALL ON FUNCTION switchboard._follow_list(uuid[], uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._drop_stale_offers(entries uuid[], at timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: dispatch and preview act for every tenant. Internal: the caller has locked the entries and their people.
-- On the list for nothing but offers are those who came with one, and those all of whose tries since they came back were about one.
-- Cost: one index probe an entry when there are none.
DECLARE
  triggers uuid[] := ARRAY(
    SELECT t.id FROM switchboard.dialer_queues q
    JOIN switchboard.call_triggers t ON t.tenant_id = q.tenant_id AND t.campaign_contact_id = q.contact_id AND t.status = 'scheduled'
    WHERE q.id = ANY (entries)
    ORDER BY t.id FOR NO KEY UPDATE OF t);
  idle     uuid[];
BEGIN
  IF triggers = '{}' THEN
    RETURN entries;
  END IF;
  WITH stale AS MATERIALIZED (
    SELECT s.trigger_id, s.reason FROM switchboard._stale_offers(triggers, at) s WHERE s.reason IS NOT NULL
  ), ended AS (
    UPDATE switchboard.call_triggers t
    SET status = CASE s.reason WHEN 'coupon-redeemed' THEN 'completed'::switchboard.call_trigger_status ELSE 'canceled' END, reason = s.reason
    FROM stale s WHERE t.id = s.trigger_id
    RETURNING t.id, t.tenant_id, t.campaign_contact_id, t.attempts, t.created_at, s.reason
  )
  SELECT array_agg(DISTINCT p.id) INTO idle
  FROM ended e
  JOIN switchboard.campaign_contacts p ON p.tenant_id = e.tenant_id AND p.id = e.campaign_contact_id
  WHERE (p.created_at > e.created_at - interval '1 minute' OR p.attempts > 0 AND p.attempts - p.recycled_attempts <= e.attempts)
    AND NOT EXISTS (SELECT FROM switchboard.call_triggers t
                    WHERE t.tenant_id = e.tenant_id AND t.campaign_contact_id = p.id AND t.id = ANY (triggers)
                      AND t.id NOT IN (SELECT s.trigger_id FROM stale s));
  IF idle IS NULL THEN
    RETURN entries;
  END IF;
  PERFORM switchboard._give_up_people(idle);
  RETURN ARRAY(SELECT q.id FROM switchboard.dialer_queues q WHERE q.id = ANY (entries) AND q.contact_id <> ALL (idle));
END
$$;
COMMENT ON FUNCTION switchboard._drop_stale_offers(uuid[], timestamptz) IS
  'Ends the triggers of queue entries whose offers no longer stand, and gives up who is to be called about nothing else; the entries that
are left.';
REVOKE ALL ON FUNCTION switchboard._drop_stale_offers(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._end_stale_offers(tenant uuid, listed uuid, at timestamptz)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _drop_stale_offers(). Internal: the caller has locked the person, who is called in any case.
  UPDATE switchboard.call_triggers t
  SET status = CASE s.reason WHEN 'coupon-redeemed' THEN 'completed'::switchboard.call_trigger_status ELSE 'canceled' END, reason = s.reason
  FROM switchboard._stale_offers(ARRAY(
         SELECT o.id FROM switchboard.call_triggers o
         WHERE o.tenant_id = tenant AND o.campaign_contact_id = listed AND o.status = 'scheduled' ORDER BY o.id FOR NO KEY UPDATE), at) s
  WHERE t.id = s.trigger_id AND s.reason IS NOT NULL
$$;
COMMENT ON FUNCTION switchboard._end_stale_offers(uuid, uuid, timestamptz) IS
  'Somebody calls a person on a list by hand: not about offers that no longer stand, whose triggers end.';
REVOKE ALL ON FUNCTION switchboard._end_stale_offers(uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._give_up_people(people uuid[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _drop_stale_offers(). Internal. First the status, to which a trigger adds the time of the next attempt.
  UPDATE switchboard.campaign_contacts p SET status = 'failed', last_outcome = 'offer-withdrawn' WHERE p.id = ANY (people);
  UPDATE switchboard.campaign_contacts p SET next_attempt_at = NULL WHERE p.id = ANY (people) AND p.next_attempt_at IS NOT NULL;
  UPDATE switchboard.dialer_queues q SET status = 'skipped', reason = 'offer-withdrawn', reserved_by = NULL, reserved_until = NULL
  FROM switchboard.campaign_contacts p
  WHERE p.id = ANY (people) AND q.tenant_id = p.tenant_id AND q.contact_id = p.id AND q.status = 'queued'
$$;
COMMENT ON FUNCTION switchboard._give_up_people(uuid[]) IS
  'People on lists who were to be called about an offer alone, which no longer stands: failed, with the outcome offer-withdrawn.';
REVOKE ALL ON FUNCTION switchboard._give_up_people(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_topic(tenant uuid, listed uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _drop_stale_offers(). Internal. Cost: one index probe.
BEGIN
  RETURN coalesce((SELECT jsonb_build_object('call_trigger_id', t.id) FROM switchboard.call_triggers t
                   WHERE t.tenant_id = tenant AND t.campaign_contact_id = listed AND t.status = 'scheduled'
                   ORDER BY t.priority DESC, t.id LIMIT 1), '{}');
END
$$;
COMMENT ON FUNCTION switchboard._call_topic(uuid, uuid) IS
  'What the metadata of a call to a person on a list say of why they are called: the most urgent trigger; else nothing.';
REVOKE ALL ON FUNCTION switchboard._call_topic(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._tell_triggers(calls uuid[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _drop_stale_offers(). Internal: the caller has just made the calls.
  UPDATE switchboard.call_triggers t SET call_log_id = c.id
  FROM switchboard.call_logs c
  WHERE c.id = ANY (calls) AND c.metadata ? 'call_trigger_id'
    AND t.tenant_id = c.tenant_id AND t.campaign_contact_id = c.campaign_contact_id AND t.status = 'scheduled'
$$;
COMMENT ON FUNCTION switchboard._tell_triggers(uuid[]) IS 'Calls to people on lists are what the triggers of these people have become.';
REVOKE ALL ON FUNCTION switchboard._tell_triggers(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._listed_script(tenant uuid, listed uuid)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _drop_stale_offers(). Internal. Cost: one index probe. Taken as it is, as by _trigger_script().
BEGIN
  RETURN (SELECT string_agg(t.package ->> 'call_script', E'\n\n' ORDER BY t.priority DESC, t.id)
          FROM switchboard.call_triggers t
          WHERE t.tenant_id = tenant AND t.campaign_contact_id = listed AND t.status IN ('scheduled', 'calling'));
END
$$;
COMMENT ON FUNCTION switchboard._listed_script(uuid, uuid) IS
  'What is said to a person on a list who is to be called because of something: the script of the package, of several one after the other. NULL:
nothing in particular.';
REVOKE ALL ON FUNCTION switchboard._listed_script(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cancel_listed_triggers(tenant uuid, campaign uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _drop_stale_offers(). Internal: the caller has locked the campaign. Those whose calls are under way follow them.
  UPDATE switchboard.call_triggers t SET status = 'canceled', reason = 'campaign-not-active'
  WHERE t.id IN (SELECT o.id FROM switchboard.call_triggers o
                 WHERE o.tenant_id = tenant AND o.campaign_id = campaign AND o.campaign_contact_id IS NOT NULL AND o.status = 'scheduled'
                 ORDER BY o.id FOR NO KEY UPDATE)
$$;
COMMENT ON FUNCTION switchboard._cancel_listed_triggers(uuid, uuid) IS
  'Nobody is called from the list of a campaign that somebody has ended: neither because of what was triggered.';
REVOKE ALL ON FUNCTION switchboard._cancel_listed_triggers(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cancel_triggers_of_gone()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: as _drop_stale_offers(). Cost for tenants without such triggers: one index probe each.
DECLARE
  tenants uuid[] := ARRAY(SELECT DISTINCT g.tenant_id FROM gone g);
BEGIN
  IF EXISTS (SELECT FROM unnest(tenants) AS n (id)
             CROSS JOIN LATERAL (SELECT FROM switchboard.call_triggers t
                                 WHERE t.tenant_id = n.id AND t.campaign_contact_id IS NOT NULL LIMIT 1) t) THEN
    UPDATE switchboard.call_triggers t SET status = 'canceled', reason = 'off-the-list'
    WHERE t.id IN (SELECT o.id FROM gone g
                   JOIN switchboard.call_triggers o ON o.tenant_id = g.tenant_id AND o.campaign_contact_id = g.id
                   WHERE o.status IN ('scheduled', 'calling') ORDER BY o.id FOR NO KEY UPDATE OF o);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._cancel_triggers_of_gone() IS
  'Trigger on campaign_contacts: who was taken off a list is not called because of what was triggered.';
REVOKE ALL ON FUNCTION switchboard._cancel_triggers_of_gone() FROM PUBLIC;
CREATE OR REPLACE TRIGGER cancel_triggers AFTER DELETE ON switchboard.campaign_contacts
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION switchboard._cancel_triggers_of_gone();
COMMENT ON TRIGGER cancel_triggers ON switchboard.campaign_contacts IS
  'Who was taken off a list is not called because of what was triggered.';
