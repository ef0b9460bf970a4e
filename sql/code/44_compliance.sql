-- Who may be contacted, and when. One set-based decision (_contact_decisions) serves can_contact(), the runs of campaigns,
-- dispatch and the last check before sending.
--
-- Refusals, the first that applies:
--   do-not-call            the number is on the tenant's do_not_call list, for all channels or for this one
--   consent-revoked        the newest consent of the contact or number for the channel is revoked
--   sms-not-allowed        the contact does not take text messages
--   outside-calling-hours  voice only: the window is closed where the called party is, or may be
--   no-calling-hours       voice only: no window opens within a year
-- The window is the campaign's active_hours, else the tenant's settings.calling_hours, else none. It is read on the clock of
-- the called party: the contact's timezone, else every zone the number may lie in (all must be open), else the campaign's
-- timezone, else the tenant's.

CREATE OR REPLACE FUNCTION switchboard._next_open_time(at timestamptz, zones text[], hours jsonb)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Each round jumps to the latest of the next openings; when nobody moves it any further, all are open. The rounds are
-- bounded: windows that never overlap would otherwise be followed for a year.
DECLARE
  reached timestamptz := at;
  furthest timestamptz;
BEGIN
  IF hours IS NULL OR cardinality(zones) = 0 THEN
    RETURN at;
  END IF;
  FOR round IN 1 .. 1000 LOOP
    SELECT CASE WHEN bool_and(o.opens IS NOT NULL) THEN max(o.opens) END INTO furthest
    FROM (SELECT switchboard.next_call_time(reached, z.zone, hours) AS opens FROM unnest(zones) AS z (zone)) o;
    IF furthest IS NULL OR furthest = reached THEN
      RETURN furthest;
    END IF;
    IF furthest > at + interval '366 days' THEN
      RETURN NULL;
    END IF;
    reached := furthest;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._next_open_time(timestamptz, text[], jsonb) IS
  'The earliest instant not before "at" at which the window is open in all of the zones; NULL if none within a year.';
REVOKE ALL ON FUNCTION switchboard._next_open_time(timestamptz, text[], jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._contact_decisions(
  tenant uuid, campaign uuid, phones text[], wanted_channel switchboard.channel, at timestamptz, calls uuid[] DEFAULT NULL)
RETURNS TABLE (n bigint, phone text, allowed boolean, reason text, retry_at timestamptz, later timestamptz,
               codes text[], rule_versions jsonb, zones text[])
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: the application sees its own tenant's lists only; the dispatcher calls it as owner.
  -- Cost: four index probes a number; the window is computed once per distinct set of zones.
  WITH rules AS (
    SELECT coalesce(c.active_hours, t.settings -> 'calling_hours') AS hours,
           coalesce(c.timezone, t.timezone, 'UTC') AS fallback_zone
    FROM switchboard.tenants t
    LEFT JOIN switchboard.campaigns c ON c.id = campaign AND c.tenant_id = t.id
    WHERE t.id = tenant
  ), asked AS MATERIALIZED (
    SELECT p.n, p.phone, k.id AS contact_id, k.allows_sms, r.hours,
           CASE WHEN r.hours IS NULL OR wanted_channel <> 'voice' THEN NULL
                WHEN k.timezone IS NOT NULL THEN ARRAY[k.timezone]
                ELSE coalesce(nullif(switchboard.phone_timezones(p.phone), '{}'), ARRAY[r.fallback_zone]) END AS zones
    FROM unnest(phones) WITH ORDINALITY AS p (phone, n)
    CROSS JOIN rules r
    LEFT JOIN switchboard.contacts k ON k.tenant_id = tenant AND k.phone_number = p.phone
  ), openings AS MATERIALIZED (
    SELECT a.zones, switchboard._next_open_time(at, a.zones, a.hours) AS opens
    FROM (SELECT DISTINCT a.zones, a.hours FROM asked a WHERE a.zones IS NOT NULL) a
  ), judged AS (
    SELECT a.n, a.phone,
           listed.phone_number IS NOT NULL AS listed, listed.expires_at AS listed_until,
           coalesce(consent.revoked_at <= at, false) AS revoked,
           wanted_channel = 'sms' AND NOT coalesce(a.allows_sms, true) AS no_sms,
           a.zones IS NOT NULL AND o.opens IS NULL AS never_open,
           a.zones IS NOT NULL AND o.opens > at AS closed, o.opens, a.zones
    FROM asked a
    LEFT JOIN openings o ON o.zones = a.zones
    LEFT JOIN LATERAL (
      SELECT d.phone_number, d.expires_at
      FROM switchboard.do_not_call d
      WHERE d.tenant_id = tenant AND d.phone_number = a.phone
        AND (d.channel IS NULL OR d.channel = wanted_channel)
        AND (d.expires_at IS NULL OR d.expires_at > at)
      ORDER BY d.expires_at DESC NULLS FIRST
      LIMIT 1) listed ON true
    LEFT JOIN LATERAL (
      SELECT s.revoked_at
      FROM (SELECT s.granted_at, s.id, s.revoked_at FROM switchboard.consents s
            WHERE s.tenant_id = tenant AND s.contact_id = a.contact_id AND s.channel = wanted_channel
            UNION ALL
            SELECT s.granted_at, s.id, s.revoked_at FROM switchboard.consents s
            WHERE s.tenant_id = tenant AND s.phone_number = a.phone AND s.channel = wanted_channel) s
      ORDER BY s.granted_at DESC, s.id DESC
      LIMIT 1) consent ON true
  )
  SELECT j.n, j.phone, NOT (j.listed OR j.revoked OR j.no_sms OR j.never_open OR j.closed),
         CASE WHEN j.listed THEN 'do-not-call'
              WHEN j.revoked THEN 'consent-revoked'
              WHEN j.no_sms THEN 'sms-not-allowed'
              WHEN j.never_open THEN 'no-calling-hours'
              WHEN j.closed THEN 'outside-calling-hours' END,
         CASE WHEN j.listed THEN j.listed_until
              WHEN j.revoked OR j.no_sms THEN NULL
              WHEN j.closed THEN j.opens END,
         CASE WHEN j.listed THEN j.listed_until
              WHEN j.revoked OR j.no_sms THEN NULL
              WHEN j.never_open THEN at + interval '1 day'
              WHEN j.closed THEN j.opens END,
         array_remove(ARRAY[CASE WHEN j.listed THEN 'do-not-call' END, CASE WHEN j.revoked THEN 'consent-revoked' END,
           CASE WHEN j.no_sms THEN 'sms-not-allowed' END, CASE WHEN j.closed THEN 'outside-calling-hours' END,
           CASE WHEN j.never_open THEN 'no-calling-hours' END], NULL),
         '{}'::jsonb, coalesce(j.zones, '{}')
  FROM judged j
  ORDER BY j.n
$$;
COMMENT ON FUNCTION switchboard._contact_decisions(uuid, uuid, text[], switchboard.channel, timestamptz, uuid[]) IS
  'Whether each of the numbers (E.164) may be contacted, in their order; reasons are listed in this file. later: when to look again
(null: never). calls: the call_logs that would be dialed, which do not count against themselves.';
REVOKE ALL ON FUNCTION switchboard._contact_decisions(uuid, uuid, text[], switchboard.channel, timestamptz, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._decide_contacts(
  tenant uuid, campaign uuid, phones text[], wanted_channel switchboard.channel, at timestamptz,
  stage switchboard.decision_stage, subjects uuid[], calls uuid[] DEFAULT NULL)
RETURNS TABLE (n bigint, phone text, allowed boolean, reason text, retry_at timestamptz, later timestamptz,
               codes text[], rule_versions jsonb, zones text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal, the dialer calls it as owner. Cost: _contact_decisions() and one INSERT for all.
BEGIN
  RETURN QUERY
  WITH judged AS MATERIALIZED (
    SELECT d.* FROM switchboard._contact_decisions(tenant, campaign, phones, wanted_channel, at, calls) d
  ), evidence AS (
    INSERT INTO switchboard.dispatch_decisions
      (tenant_id, subject_id, campaign_id, phone_number, channel, stage, allowed, codes, rule_versions, zones, retry_at, decided_at)
    SELECT tenant, subjects[j.n], campaign, j.phone, wanted_channel, _decide_contacts.stage, j.allowed, j.codes, j.rule_versions,
           j.zones, j.retry_at, at
    FROM judged j
  )
  SELECT j.* FROM judged j ORDER BY j.n;
END
$$;
COMMENT ON FUNCTION switchboard._decide_contacts(uuid, uuid, text[], switchboard.channel, timestamptz, switchboard.decision_stage,
  uuid[], uuid[]) IS
  'What _contact_decisions() says, kept as evidence in dispatch_decisions: one row a number, about the subject at its place.';
REVOKE ALL ON FUNCTION switchboard._decide_contacts(uuid, uuid, text[], switchboard.channel, timestamptz, switchboard.decision_stage,
  uuid[], uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_tenant()
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  tenant uuid := switchboard.current_tenant_id();
BEGIN
  IF tenant IS NULL THEN
    RAISE EXCEPTION 'the session acts for no tenant'
      USING ERRCODE = '42501', HINT = 'Log in as a user of a tenant, or call switchboard.set_identity(tenant_id).';
  END IF;
  RETURN tenant;
END
$$;
COMMENT ON FUNCTION switchboard._caller_tenant() IS 'The tenant of the caller; 42501 for nobody.';
REVOKE ALL ON FUNCTION switchboard._caller_tenant() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.can_contact(
  phone_number text, channel text, at timestamptz DEFAULT now(), campaign_id uuid DEFAULT NULL,
  OUT allowed boolean, OUT reason text, OUT retry_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER: row level security decides which lists and which campaign count.
DECLARE
  tenant uuid;
  region text;
  wanted switchboard.channel;
BEGIN
  IF can_contact.channel IS NULL
     OR can_contact.channel <> ALL (enum_range(NULL::switchboard.channel)::text[]) THEN
    RAISE EXCEPTION 'unknown channel: %', coalesce(can_contact.channel, 'null')
      USING ERRCODE = '22023', HINT = format('Channels are %s.', array_to_string(enum_range(NULL::switchboard.channel), ', '));
  END IF;
  wanted := can_contact.channel::switchboard.channel;
  IF can_contact.at IS NULL THEN
    RAISE EXCEPTION 'at must not be null' USING ERRCODE = '22023';
  END IF;
  IF can_contact.campaign_id IS NULL THEN
    tenant := switchboard._caller_tenant();
  ELSE
    SELECT c.tenant_id INTO tenant FROM switchboard.campaigns c WHERE c.id = can_contact.campaign_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', can_contact.campaign_id USING ERRCODE = 'P0002';
    END IF;
  END IF;
  SELECT t.default_region INTO region FROM switchboard.tenants t WHERE t.id = tenant;
  SELECT d.allowed, d.reason, d.retry_at INTO can_contact.allowed, can_contact.reason, can_contact.retry_at
  FROM switchboard._contact_decisions(tenant, can_contact.campaign_id,
         ARRAY[switchboard.normalize_phone(can_contact.phone_number, region)], wanted, can_contact.at) d;
END
$$;
COMMENT ON FUNCTION switchboard.can_contact(text, text, timestamptz, uuid) IS
  'Whether a number may be contacted on a channel (voice, whatsapp, sms) at an instant. If not, reason is do-not-call,
consent-revoked, sms-not-allowed, outside-calling-hours or no-calling-hours, and retry_at says when it clears by itself (NULL:
never). The calling window is the campaign''s active_hours, else the tenant''s settings.calling_hours, on the clock of the called
party. Errors: SB001 bad number, 22023 unknown channel, P0002 no such campaign, 42501 nobody asks.';
REVOKE ALL ON FUNCTION switchboard.can_contact(text, text, timestamptz, uuid) FROM PUBLIC;
