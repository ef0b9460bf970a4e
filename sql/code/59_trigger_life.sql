-- What the end of a call means for what it was triggered by.
--
--   scheduled --dialed--> calling --the call ends--> completed | failed | canceled, or scheduled again for a further try
--
-- A trigger that a list leads to follows its person on the list (59_trigger_lists.sql). Any other goes by the outcome of its call,
-- which is the newest disposition of it, else what the call tells (51_call_outcome.sql):
--   the coupon was redeemed meanwhile   completed (coupon-redeemed)
--   disposition                         completed where its rule has the person on a list completed or called back (there is a task for
--                                       that), failed where it says do-not-call, else as any other outcome
--   completed                           completed; so is voicemail if the campaign's settings.voicemail_completes is true
--   canceled                            canceled, with the reason of the refusal that did it
--   any other                           a further try when next_attempt_at() says so (without campaign: three in all, an hour apart)
--                                       and the offer still holds then; else failed, with the outcome as the reason
-- A package that a generic webhook took, and of which nothing was heard, is not given out again: its receiver may be calling.

CREATE OR REPLACE FUNCTION switchboard._next_try(trigger switchboard.call_triggers, call switchboard.call_logs, outcome text, at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the trigger. Internal. A call whose account was deleted before it left was no try.
-- Nobody is called again whom an external call system may have called: it was given the call, or perhaps was, and says nothing.
BEGIN
  RETURN CASE
    WHEN call.dialed_at IS NULL AND call.error_code = 'SB002' THEN greatest(trigger.scheduled_at, at)
    WHEN call.hangup_cause = 'no-news' AND switchboard._takes_packages(call.provider) OR call.error_code = 'in_doubt' THEN NULL
    WHEN trigger.campaign_id IS NOT NULL THEN switchboard.next_attempt_at(trigger.campaign_id, outcome, greatest(trigger.attempts, 1), at)
    WHEN trigger.attempts < 3 THEN at + interval '1 hour' END;
END
$$;
COMMENT ON FUNCTION switchboard._next_try(switchboard.call_triggers, switchboard.call_logs, text, timestamptz) IS
  'When a triggered call that came out so is made again; NULL: never.';
REVOKE ALL ON FUNCTION switchboard._next_try(switchboard.call_triggers, switchboard.call_logs, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._try_triggers_again(triggers uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each trigger. Internal: the caller has locked them and set scheduled_at. The number is the contact's
-- of now. Of one tenant and campaign at a time, of which one batch of ended calls has few.
DECLARE
  batch record;
BEGIN
  FOR batch IN
    WITH again AS MATERIALIZED (
      SELECT t.id, t.tenant_id, t.campaign_id, g.user_id, k.phone_number, k.id AS contact_id, switchboard.uuid_v7() AS call_log_id
      FROM switchboard.call_triggers t
      JOIN switchboard.contacts k ON k.tenant_id = t.tenant_id AND k.id = t.contact_id
      LEFT JOIN switchboard.campaigns g ON g.tenant_id = t.tenant_id AND g.id = t.campaign_id
      WHERE t.id = ANY (triggers)
      ORDER BY t.id
    ), calls AS (
      INSERT INTO switchboard.call_logs (id, tenant_id, user_id, direction, to_number, lead_id, campaign_id, metadata, started_at)
      SELECT a.call_log_id, a.tenant_id, a.user_id, 'outbound', a.phone_number, a.contact_id, a.campaign_id,
             jsonb_build_object('call_trigger_id', a.id), at
      FROM again a
    ), named AS (
      UPDATE switchboard.call_triggers t SET call_log_id = a.call_log_id FROM again a WHERE t.id = a.id
    )
    SELECT a.tenant_id, a.campaign_id, array_agg(a.call_log_id ORDER BY a.call_log_id) AS calls
    FROM again a GROUP BY a.tenant_id, a.campaign_id
  LOOP
    PERFORM switchboard._give_triggers_jobs(batch.tenant_id, batch.campaign_id, batch.calls);
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._try_triggers_again(uuid[], timestamptz) IS
  'A new call and job for each of these triggers, at its scheduled_at; without an account that can make it the call waits for one.';
REVOKE ALL ON FUNCTION switchboard._try_triggers_again(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._conclude_direct_triggers(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls. Only the last call of a trigger says anything
-- about it; a disposition may come after the call had ended.
DECLARE
  triggers uuid[];
  again    uuid[];
BEGIN
  triggers := ARRAY(
    SELECT t.id FROM switchboard.call_logs c
    JOIN switchboard.call_triggers t ON t.tenant_id = c.tenant_id AND t.call_log_id = c.id
    WHERE c.id = ANY (calls) AND t.campaign_contact_id IS NULL
    ORDER BY t.id FOR NO KEY UPDATE OF t);
  WITH ended AS MATERIALIZED (
    SELECT t.id, t.status, o.outcome, s.ends_at, s.reason = 'coupon-redeemed' AND o.outcome <> 'completed' AS redeemed, c.status = 'canceled' AS canceled,
           CASE WHEN c.hangup_cause = 'campaign-deleted' THEN 'campaign-not-active'
                WHEN c.dialed_at IS NULL AND switchboard._is_refusal(c.error_code) THEN c.error_code ELSE 'canceled' END AS cause,
           CASE WHEN s.reason = 'coupon-redeemed' THEN 'completed'
                WHEN d.id IS NOT NULL THEN switchboard._disposition_rule(t.tenant_id, d.disposition) ->> 'list'
                WHEN o.outcome = 'completed' OR o.outcome = 'voicemail' AND k.settings -> 'voicemail_completes' = 'true' THEN 'completed' END
             AS verdict,
           CASE WHEN o.outcome <> 'completed' AND c.status <> 'canceled' THEN switchboard._next_try(t, c, o.outcome, at) END AS next_try
    FROM switchboard.call_triggers t
    JOIN switchboard.call_logs c ON c.tenant_id = t.tenant_id AND c.id = t.call_log_id
    JOIN switchboard._stale_offers(triggers, at) s ON s.trigger_id = t.id
    LEFT JOIN switchboard.campaigns k ON k.tenant_id = t.tenant_id AND k.id = t.campaign_id
    LEFT JOIN LATERAL (
      SELECT d.id, d.disposition FROM switchboard.call_dispositions d
      WHERE d.tenant_id = c.tenant_id AND d.call_id = c.id ORDER BY d.created_at DESC, d.id DESC LIMIT 1) d ON true
    CROSS JOIN LATERAL (SELECT coalesce(d.disposition::text, switchboard._call_outcome(c)) AS outcome) o
    WHERE t.id = ANY (triggers) AND (t.status IN ('scheduled', 'calling') OR d.id IS NOT NULL AND t.status IN ('completed', 'failed'))
  ), verdicts AS MATERIALIZED (
    SELECT e.*, CASE WHEN e.verdict IN ('completed', 'callback') THEN 'completed'
                     WHEN e.verdict = 'do-not-call' THEN 'failed'
                     WHEN e.canceled THEN 'canceled'
                     WHEN e.next_try < e.ends_at THEN 'scheduled'
                     ELSE 'failed' END::switchboard.call_trigger_status AS becomes
    FROM ended e
  ), moved AS (
    UPDATE switchboard.call_triggers t
    SET status = v.becomes, scheduled_at = CASE WHEN v.becomes = 'scheduled' THEN v.next_try ELSE t.scheduled_at END,
        reason = CASE v.becomes WHEN 'failed' THEN v.outcome WHEN 'canceled' THEN v.cause
                                WHEN 'completed' THEN CASE WHEN v.redeemed THEN 'coupon-redeemed' END END
    FROM verdicts v WHERE t.id = v.id
    RETURNING t.id, t.status
  )
  SELECT array_agg(m.id) FILTER (WHERE m.status = 'scheduled') INTO again FROM moved m;
  IF again IS NOT NULL THEN
    PERFORM switchboard._try_triggers_again(again, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._conclude_direct_triggers(uuid[], timestamptz) IS
  'What the end of these calls, or a disposition of them, means for triggers that no list leads to; this file has the rules.';
REVOKE ALL ON FUNCTION switchboard._conclude_direct_triggers(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._conclude_triggers(calls uuid[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: acts for the tenant of each call. Internal: the caller has locked the calls, and people on lists have been concluded.
-- Cost for calls that nothing triggered: one index probe for those of lists.
DECLARE
  direct uuid[];
  people uuid[];
BEGIN
  SELECT array_agg(c.id) FILTER (WHERE c.campaign_contact_id IS NULL), array_agg(c.campaign_contact_id) FILTER (WHERE c.campaign_contact_id IS NOT NULL)
  INTO direct, people
  FROM switchboard.call_logs c
  WHERE c.id = ANY (calls)
    AND CASE WHEN c.campaign_contact_id IS NULL THEN c.metadata ? 'call_trigger_id'
             ELSE EXISTS (SELECT FROM switchboard.call_triggers t
                          WHERE t.tenant_id = c.tenant_id AND t.campaign_contact_id = c.campaign_contact_id
                            AND t.status IN ('scheduled', 'calling')) END;
  IF people IS NOT NULL THEN
    PERFORM switchboard._follow_list(people, calls, at);
  END IF;
  IF direct IS NOT NULL THEN
    PERFORM switchboard._conclude_direct_triggers(direct, at);
    PERFORM switchboard._use_free_lines(direct);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._conclude_triggers(uuid[], timestamptz) IS
  'What the end of calls, or dispositions of them, mean for what they were triggered by.';
REVOKE ALL ON FUNCTION switchboard._conclude_triggers(uuid[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fail_bad_triggers(results switchboard.job_result[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of each job. Internal: ahead of the end of these calls, which would lead to a further try.
  UPDATE switchboard.call_triggers t SET status = 'failed', reason = 'bad-number'
  FROM unnest(results) r
  WHERE r.kind = 'call' AND r.final AND r.outcome = 'suppress' AND r.code <> 'canceled' AND NOT switchboard._is_refusal(r.code)
    AND t.tenant_id = r.tenant_id AND t.call_log_id = r.subject_id AND t.campaign_contact_id IS NULL AND t.status IN ('scheduled', 'calling')
$$;
COMMENT ON FUNCTION switchboard._fail_bad_triggers(switchboard.job_result[]) IS
  'A provider''s refusal that is about the number ends the tries of triggered calls.';
REVOKE ALL ON FUNCTION switchboard._fail_bad_triggers(switchboard.job_result[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_script(call switchboard.call_logs)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal. Taken as it is: names of customers and products are no templates.
BEGIN
  IF NOT call.metadata ? 'call_trigger_id' THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT string_agg(t.package ->> 'call_script', E'\n\n' ORDER BY t.priority DESC, t.id)
          FROM switchboard.call_triggers t WHERE t.tenant_id = call.tenant_id AND t.call_log_id = call.id);
END
$$;
COMMENT ON FUNCTION switchboard._trigger_script(switchboard.call_logs) IS
  'What is said on a triggered call: the script of its package, of several one after the other. NULL for any other call.';
REVOKE ALL ON FUNCTION switchboard._trigger_script(switchboard.call_logs) FROM PUBLIC;
