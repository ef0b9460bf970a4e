-- A number that must not be called any more leaves every list at once.

CREATE OR REPLACE FUNCTION switchboard._number_lock(tenant uuid, phone text)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
AS $$ SELECT pg_catalog.hashtextextended(tenant::text OPERATOR(pg_catalog.||) phone, 4401) $$;
COMMENT ON FUNCTION switchboard._number_lock(uuid, text) IS
  'Key of the advisory lock that holds calls to a number apart from each other and from a new do-not-call.';
REVOKE ALL ON FUNCTION switchboard._number_lock(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_off_lists()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY DEFINER: the dialer's queue is not the application's to write; every list of the tenant is meant, whoever owns it.
-- Only what holds for calls and never ends is acted on; the rest is a matter of the decisions before dialing.
-- The lock makes a call that is about to be sent come before the entry, or see it. An import of more numbers than a server has
-- room for locks does without: a call that is being sent at that very moment may still go out.
-- Cost: an index probe per number and campaign that is not archived.
DECLARE
  people uuid[];
BEGIN
  IF (SELECT count(*) FROM added) <= 1000 THEN
    PERFORM pg_advisory_xact_lock(k.key)
    FROM (SELECT switchboard._number_lock(a.tenant_id, a.phone_number) AS key FROM added a ORDER BY 1) k;
  END IF;
  people := ARRAY(
    SELECT l.id
    FROM added a
    JOIN switchboard.campaigns c ON c.tenant_id = a.tenant_id AND c.status <> 'archived'
    JOIN switchboard.campaign_contacts l ON l.campaign_id = c.id AND l.phone_number = a.phone_number
    WHERE (a.channel IS NULL OR a.channel = 'voice') AND coalesce(a.expires_at, 'infinity') = 'infinity' AND l.status IN ('pending', 'failed', 'callback')
    ORDER BY l.id
    FOR NO KEY UPDATE OF l);
  IF people <> '{}' THEN
    UPDATE switchboard.campaign_contacts l
    SET status = 'do-not-call', next_attempt_at = NULL
    WHERE l.id = ANY (people) AND l.status IN ('pending', 'failed', 'callback');
    PERFORM FROM switchboard.dialer_queues q
    WHERE (q.tenant_id, q.contact_id) IN (SELECT l.tenant_id, l.id FROM switchboard.campaign_contacts l WHERE l.id = ANY (people))
      AND q.status = 'queued'
    ORDER BY q.id FOR NO KEY UPDATE;
    UPDATE switchboard.dialer_queues q
    SET status = 'skipped', reason = 'do-not-call'
    WHERE (q.tenant_id, q.contact_id) IN (SELECT l.tenant_id, l.id FROM switchboard.campaign_contacts l WHERE l.id = ANY (people))
      AND q.status = 'queued';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._take_off_lists() IS
  'Trigger on do_not_call, per statement: whoever must never be called again becomes do-not-call on every list of the tenant, and is
skipped where queued. A call that is dialed already goes on; one that waits to be sent is refused then.';
REVOKE ALL ON FUNCTION switchboard._take_off_lists() FROM PUBLIC;

CREATE OR REPLACE TRIGGER do_not_call_added AFTER INSERT ON switchboard.do_not_call
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION switchboard._take_off_lists();
COMMENT ON TRIGGER do_not_call_added ON switchboard.do_not_call IS 'Takes the numbers off every list.';
CREATE OR REPLACE TRIGGER do_not_call_changed AFTER UPDATE ON switchboard.do_not_call
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION switchboard._take_off_lists();
COMMENT ON TRIGGER do_not_call_changed ON switchboard.do_not_call IS 'Takes the numbers off every list.';
