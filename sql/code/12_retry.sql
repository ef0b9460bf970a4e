-- When a campaign tries somebody again.

CREATE OR REPLACE FUNCTION switchboard.next_attempt_at(
    campaign_id uuid, outcome text, attempts integer, at timestamptz DEFAULT now())
RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE STRICT
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'sb_next_attempt_at';
REVOKE ALL ON FUNCTION switchboard.next_attempt_at(uuid, text, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.next_attempt_at(uuid, text, integer, timestamptz) IS
'When to try again after so many attempts of which the last ended with outcome at "at"; NULL when the attempts are used up or no window opens within a year. The campaign''s retry_interval, or its rule for the outcome (settings.retry_rules: {"busy":{"delay":seconds,"backoff":factor,"max_attempts":n},...}), and then next_call_time in the campaign''s (else the tenant''s) time zone. Errors: P0002 no such campaign, 22023 malformed rules or hours.';

-- Costs about a microsecond a row; a campaign's policy is read once a statement. The zone of the person called is not
-- asked here: can_contact() does that when dialing.
CREATE OR REPLACE FUNCTION switchboard.schedule_next_attempt() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_schedule_next_attempt';
REVOKE ALL ON FUNCTION switchboard.schedule_next_attempt() FROM PUBLIC;
COMMENT ON FUNCTION switchboard.schedule_next_attempt() IS
'Trigger BEFORE UPDATE OF status FOR EACH ROW of campaign_contacts. When status becomes failed, sets next_attempt_at as next_attempt_at(campaign_id, coalesce(last_outcome, ''failed''), attempts) says: NULL when attempts are used up. When it becomes callback, keeps a next_attempt_at given by the same UPDATE, else sets the next possible time, however many attempts there were. Errors: 39P01 when fired in another way, P0002 and 22023 as next_attempt_at.';

CREATE OR REPLACE TRIGGER schedule_next_attempt
BEFORE UPDATE OF status ON switchboard.campaign_contacts
FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status AND NEW.status IN ('failed', 'callback'))
EXECUTE FUNCTION switchboard.schedule_next_attempt();
COMMENT ON TRIGGER schedule_next_attempt ON switchboard.campaign_contacts IS
'When a person who could not be reached is tried again.';
