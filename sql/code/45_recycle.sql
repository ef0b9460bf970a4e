-- Recycling: people whom a campaign has given up are tried anew.

CREATE OR REPLACE FUNCTION switchboard._recycle_campaign(campaign uuid, outcomes text[])
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: writes the audit log; the session is checked as row level security would. Runs of the campaign wait; people who
-- are being changed by somebody else at this moment are passed over, so that nobody waits for each other.
-- Cost: reads the campaign's list.
DECLARE
  found_campaign switchboard.campaigns := switchboard._campaign_for_update(campaign);
  people         uuid[];
BEGIN
  IF NOT switchboard._caller_may(found_campaign.tenant_id, found_campaign.user_id) THEN
    RAISE EXCEPTION 'no such campaign: %', campaign USING ERRCODE = 'P0002';
  END IF;
  IF found_campaign.status NOT IN ('active', 'paused') AND NOT (found_campaign.status = 'completed' AND found_campaign.ran_out) THEN
    RAISE EXCEPTION 'cannot recycle campaign "%": it is %', found_campaign.name, found_campaign.status
      USING ERRCODE = 'SB005', HINT = 'Active and paused campaigns can be recycled, and those whose list ran out.';
  END IF;
  people := ARRAY(
    SELECT l.id FROM switchboard.campaign_contacts l
    WHERE l.campaign_id = campaign AND l.status = 'failed' AND l.next_attempt_at IS NULL
      AND CASE WHEN outcomes IS NULL THEN l.last_outcome IS DISTINCT FROM 'bad-number'
               ELSE coalesce(l.last_outcome, 'failed') = ANY (outcomes) END
    ORDER BY l.id FOR NO KEY UPDATE SKIP LOCKED);
  UPDATE switchboard.campaign_contacts l
  SET status = 'pending', next_attempt_at = NULL, recycled_attempts = l.attempts, tries = '{}'
  WHERE l.id = ANY (people);
  IF people <> '{}' THEN
    PERFORM switchboard._audit(found_campaign.tenant_id, 'campaign-recycled', 'campaign:' || campaign,
      jsonb_strip_nulls(jsonb_build_object('people', cardinality(people), 'outcomes', to_jsonb(outcomes))));
    PERFORM switchboard._wake();
  END IF;
  RETURN cardinality(people);
END
$$;
COMMENT ON FUNCTION switchboard._recycle_campaign(uuid, text[]) IS 'What recycle_campaign() does, as owner. Errors: P0002, SB005.';
REVOKE ALL ON FUNCTION switchboard._recycle_campaign(uuid, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.recycle_campaign(id uuid, outcomes text[] DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  unknown text;
BEGIN
  SELECT coalesce(o.outcome, 'null') INTO unknown
  FROM unnest(recycle_campaign.outcomes) AS o (outcome)
  WHERE o.outcome IS NULL OR o.outcome <> ALL (switchboard._outcomes() || 'bad-number'::text)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'unknown outcome: %', unknown
      USING ERRCODE = '22023', HINT = format('Outcomes are %s, bad-number.', array_to_string(switchboard._outcomes(), ', '));
  END IF;
  -- SECURITY INVOKER up to here: a campaign that the caller cannot see does not exist.
  PERFORM FROM switchboard.campaigns c WHERE c.id = recycle_campaign.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(recycle_campaign.id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._recycle_campaign(recycle_campaign.id, recycle_campaign.outcomes);
END
$$;
COMMENT ON FUNCTION switchboard.recycle_campaign(uuid, text[]) IS
  'Makes people whom a campaign has given up (failed, no next_attempt_at) pending again, and returns how many. outcomes: only those whose
last try ended so (statuses of calls, machine, dispositions, bad-number); null: all but bad numbers. Their attempts stay, but max_attempts
and max_tries count from here. Whoever was reached or may not be called is left alone. A campaign that had run out becomes active.
Errors: 22023 unknown outcome, P0002 no such campaign, SB005 a draft, completed by a person, or archived.';
REVOKE ALL ON FUNCTION switchboard.recycle_campaign(uuid, text[]) FROM PUBLIC;
