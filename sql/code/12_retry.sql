-- When a campaign tries somebody again: settings.retry_rules, per outcome of the last try, on top of the campaign's
-- retry_interval and max_attempts.
--
--   {"busy": {"delay": 300, "backoff": 2, "max_tries": 5}, "machine": {"delay": 14400}, "wrong-number": {"max_tries": 0}}
--
-- delay      seconds from the end of the first try with this outcome to the next try, default retry_interval; at most 30 days
-- backoff    factor for every further try with this outcome (1 or more), default 1
-- max_tries  tries with this outcome after which the person is given up; instead of max_attempts, which counts the tries in
--            all and holds after every outcome without max_tries. 0: never again. max_attempts is another word for it.
--
-- So a person is tried at most max_attempts times plus what the rules with max_tries allow, whatever the order of outcomes.
-- Tries are counted in campaign_contacts.tries; those whose outcome nobody noted count for whatever is asked about.

CREATE OR REPLACE FUNCTION switchboard.next_attempt_at(
    campaign_id uuid, outcome text, attempts integer, at timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_next_attempt_at';
REVOKE ALL ON FUNCTION switchboard.next_attempt_at(uuid, text, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.next_attempt_at(uuid, text, integer, timestamptz) IS
'When to try again after so many tries, all of which ended with the outcome, the last one at "at"; NULL when the tries are used up, after the outcome bad-number, or when no window opens within a year. The campaign''s retry_interval and max_attempts, or its rule for the outcome (settings.retry_rules: {"busy":{"delay":seconds,"backoff":factor,"max_tries":n},...}; max_tries counts tries with that outcome and takes the place of max_attempts), and then next_call_time in the campaign''s (else the tenant''s) time zone. Errors: P0002 no such campaign, 22023 malformed rules or hours.';

CREATE OR REPLACE FUNCTION switchboard._check_retry_rules(rules jsonb)
RETURNS void
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_check_retry_rules';
REVOKE ALL ON FUNCTION switchboard._check_retry_rules(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._check_retry_rules(jsonb) IS
'Refuses retry rules that next_attempt_at could not follow, with 22023 naming the outcome and the value. Takes any outcome.';

CREATE OR REPLACE FUNCTION switchboard._outcomes()
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT array_agg(DISTINCT o.label ORDER BY o.label)
  FROM (SELECT unnest(enum_range(NULL::switchboard.call_status))::text AS label
        UNION ALL SELECT unnest(enum_range(NULL::switchboard.call_disposition))::text
        UNION ALL SELECT unnest('{machine,abandoned}'::text[])) o
$$;
REVOKE ALL ON FUNCTION switchboard._outcomes() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._outcomes() IS
'How a try can end, for rules: a status of calls, machine, abandoned (no agent was there in time), or a disposition.';

-- Costs about two microseconds a row; a campaign's policy is read once a statement. The zone of the person called is not
-- asked here: can_contact() does that when dialing.
CREATE OR REPLACE FUNCTION switchboard.schedule_next_attempt() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_schedule_next_attempt';
REVOKE ALL ON FUNCTION switchboard.schedule_next_attempt() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.schedule_next_attempt() IS
'Trigger BEFORE INSERT OR UPDATE OF status, last_outcome FOR EACH ROW of campaign_contacts. When status becomes failed, counts the try in tries and sets next_attempt_at by the outcome (last_outcome, else failed) as next_attempt_at does: NULL when the tries are used up. When it becomes callback, keeps a next_attempt_at given by the same statement, else sets the next possible time, however many tries there were. When only last_outcome changes, the last try gets another name: it is counted anew, and a failed person''s time is worked out anew unless the same UPDATE changes it. A row inserted as failed with a time keeps it. Errors: 39P01 when fired in another way, P0002 and 22023 as next_attempt_at.';

CREATE OR REPLACE TRIGGER schedule_next_attempt
BEFORE UPDATE OF status, last_outcome ON switchboard.campaign_contacts
FOR EACH ROW WHEN (NEW.status IN ('failed', 'callback')
                   AND (NEW.status IS DISTINCT FROM OLD.status OR NEW.last_outcome IS DISTINCT FROM OLD.last_outcome))
EXECUTE FUNCTION switchboard.schedule_next_attempt();
COMMENT ON TRIGGER schedule_next_attempt ON switchboard.campaign_contacts IS
'When a person who could not be reached is tried again.';

-- Rows that bring their own created_at come from a dump: there NULL means that nobody is to be tried again, and stays.
CREATE OR REPLACE TRIGGER schedule_first_attempt
BEFORE INSERT ON switchboard.campaign_contacts
FOR EACH ROW WHEN (NEW.status IN ('failed', 'callback') AND NEW.created_at = now())
EXECUTE FUNCTION switchboard.schedule_next_attempt();
COMMENT ON TRIGGER schedule_first_attempt ON switchboard.campaign_contacts IS
'When a person who is put on the list as failed or to be called back is tried. Rows with a created_at of their own, as from a dump, are taken as they are.';
