-- Who may be contacted, and when. One set-based decision (_contact_decisions) serves can_contact(), the runs of campaigns,
-- dispatch, make_call(), the last check before sending and campaign_preflight().
--
-- Refusals, in this order; the first that applies is the reason, all of them are the codes:
--   do-not-call            the number is on the tenant's do_not_call list, for all channels or for this one
--   consent-revoked        the newest consent of the contact or number for the channel is revoked
--   consent-required       voice: the campaign speaks with an artificial voice, the region wants consent, none is recorded
--   sms-not-allowed        the contact does not take text messages
--   abandoned-recently     voice: a call to the number was answered and found no agent, not long ago
--   frequency-cap          voice: the number was called too often lately
--   on-a-call              voice, campaigns: a call to the number is under way, somebody else's perhaps
--   outside-calling-hours  a calling window is closed where the called party is, or may be
--   holiday                it is a holiday there
--   no-calling-hours       no window opens within a year
-- Windows are those of the law of the called party's region (44_compliance_rules.sql) and the tenant's own: the campaign's
-- active_hours, else the tenant's settings.calling_hours, and settings.holidays. All must be open, on the clock of the called
-- party: the contact's timezone, else every zone the number may lie in, else the campaign's timezone, else the tenant's.
--
-- Calls that count for a cap: outbound ones to the number, whoever made them, that were handed to a provider (dialed_at) unless
-- it never took them, and those that wait to be dialed, ahead of the one that is judged; triggered ones wait for their time and
-- count when they are judged together with it. "Day" is the called party's: of
-- several zones each must be within the cap.

CREATE OR REPLACE FUNCTION switchboard._next_open_time(at timestamptz, zones text[], windows jsonb[])
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Each round jumps to the latest of the next openings; when nobody moves it any further, all are open. The rounds are
-- bounded: windows that never overlap would otherwise be followed for a year.
DECLARE
  reached timestamptz := at;
  furthest timestamptz;
BEGIN
  IF cardinality(windows) = 0 OR cardinality(zones) = 0 THEN
    RETURN at;
  END IF;
  FOR round IN 1 .. 1000 LOOP
    furthest := reached;
    FOR w IN 1 .. cardinality(windows) LOOP
      FOR z IN 1 .. cardinality(zones) LOOP
        furthest := switchboard.next_call_time(furthest, zones[z], windows[w]);
        IF furthest IS NULL OR furthest > at + interval '366 days' THEN
          RETURN NULL;
        END IF;
      END LOOP;
    END LOOP;
    IF furthest = reached THEN
      RETURN furthest;
    END IF;
    reached := furthest;
  END LOOP;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._next_open_time(timestamptz, text[], jsonb[]) IS
  'The earliest instant not before "at" at which all of the windows are open in all of the zones; NULL if none within a year.';
REVOKE ALL ON FUNCTION switchboard._next_open_time(timestamptz, text[], jsonb[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._policies(tenant uuid, wanted_channel switchboard.channel, at timestamptz, wanted_places text[])
RETURNS TABLE (place text, windows jsonb[], holidays jsonb[], caps jsonb, lockout interval, consent boolean, versions jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- Cost: some 60 rules against the places, which are few.
BEGIN
  RETURN QUERY
  WITH law AS MATERIALIZED (
    SELECT * FROM switchboard._rules_in_force(wanted_channel, at)
  ), own AS MATERIALIZED (
    SELECT o.region, o.rule, o.parameters, o.relaxes, o.updated_at
    FROM switchboard.compliance_overrides o
    WHERE o.tenant_id = tenant AND (o.channel IS NULL OR o.channel = wanted_channel)
  ), relaxed AS MATERIALIZED (
    SELECT DISTINCT ON (p.place, o.rule) p.place, o.*
    FROM unnest(wanted_places) AS p (place) JOIN own o ON o.relaxes AND switchboard._region_covers(o.region, p.place)
    ORDER BY p.place, o.rule, o.region = '*', length(o.region) DESC
  ), applied AS (
    SELECT p.place, l.rule, l.parameters, l.region || ':' || l.rule AS name,
           CASE WHEN l.builtin THEN to_jsonb(l.version) ELSE to_jsonb('own ' || l.version) END AS version
    FROM unnest(wanted_places) AS p (place) JOIN law l ON switchboard._region_covers(l.region, p.place)
    WHERE NOT EXISTS (SELECT FROM relaxed r WHERE r.place = p.place AND r.rule = l.rule)
    UNION ALL
    SELECT r.place, r.rule, r.parameters, 'override ' || r.region || ':' || r.rule, to_jsonb(r.updated_at) FROM relaxed r
    UNION ALL
    SELECT p.place, o.rule, o.parameters, 'override ' || o.region || ':' || o.rule, to_jsonb(o.updated_at)
    FROM unnest(wanted_places) AS p (place) JOIN own o ON NOT o.relaxes AND switchboard._region_covers(o.region, p.place)
  )
  -- A place without any rule (texts have none as shipped) is a place all the same.
  SELECT p.place,
         coalesce(array_agg(a.parameters) FILTER (WHERE a.rule = 'calling_window'), '{}'),
         coalesce(array_agg(switchboard._hours_without(a.parameters -> 'holidays')) FILTER (WHERE a.rule = 'holidays'), '{}'),
         (SELECT jsonb_object_agg(c.key, c.most)
          FROM (SELECT k.key, min(k.value::int) AS most
                FROM unnest(array_agg(a.parameters) FILTER (WHERE a.rule = 'frequency_cap')) AS f (parameters)
                CROSS JOIN LATERAL jsonb_each_text(f.parameters) k GROUP BY k.key) c),
         make_interval(secs => max((a.parameters ->> 'hours')::float8 * 3600) FILTER (WHERE a.rule = 'abandon_lockout')),
         coalesce(bool_or((a.parameters ->> 'required')::boolean) FILTER (WHERE a.rule = 'artificial_voice_consent'), false),
         coalesce(jsonb_object_agg(a.name, a.version) FILTER (WHERE a.name IS NOT NULL), '{}')
  FROM unnest(wanted_places) AS p (place) LEFT JOIN applied a ON a.place = p.place
  GROUP BY p.place;
END
$$;
COMMENT ON FUNCTION switchboard._policies(uuid, switchboard.channel, timestamptz, text[]) IS
  'What holds for a tenant''s contacts at each of the places (a subdivision, a country, or * where it is not known): windows and
holidays as active_hours, the least of each cap, the longest lockout, whether an artificial voice needs consent, and the rules with
their versions; of overrides, when they were set.';
REVOKE ALL ON FUNCTION switchboard._policies(uuid, switchboard.channel, timestamptz, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._cap_clears(
  called timestamptz[], caps jsonb, by_campaign boolean, zones text[], at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A cap of n is reached while the nth newest call is within its period. The next day begins at the first instant that today,
-- made a holiday, leaves open.
DECLARE
  prefix   constant text := CASE WHEN by_campaign THEN '' ELSE 'manual_' END;
  of_week  constant timestamptz := called[(caps ->> (prefix || 'per_7_days'))::int];
  of_hours constant timestamptz := called[(caps ->> (prefix || 'per_24_hours'))::int];
  of_day   constant timestamptz := called[(caps ->> (prefix || 'per_day'))::int];
  clears   timestamptz;
BEGIN
  clears := greatest(CASE WHEN of_week > at - interval '168 hours' THEN of_week + interval '168 hours' END,
                     CASE WHEN of_hours > at - interval '24 hours' THEN of_hours + interval '24 hours' END);
  FOR z IN 1 .. cardinality(zones) LOOP
    IF (of_day AT TIME ZONE zones[z])::date >= (at AT TIME ZONE zones[z])::date THEN
      clears := greatest(clears, switchboard.next_call_time(at, zones[z],
        switchboard._hours_without(jsonb_build_array((at AT TIME ZONE zones[z])::date))));
    END IF;
  END LOOP;
  RETURN clears;
END
$$;
COMMENT ON FUNCTION switchboard._cap_clears(timestamptz[], jsonb, boolean, text[], timestamptz) IS
  'When a number that was called at these times (newest first) is within its caps again; NULL: it is.';
REVOKE ALL ON FUNCTION switchboard._cap_clears(timestamptz[], jsonb, boolean, text[], timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._speaks_artificially(settings jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(settings ->> 'voice' IN ('artificial', 'ai') OR settings -> 'agentless' = 'true', false) $$;
COMMENT ON FUNCTION switchboard._speaks_artificially(jsonb) IS
  'Whether a campaign says that nobody human speaks: settings.voice is artificial or ai, or settings.agentless is true.';
REVOKE ALL ON FUNCTION switchboard._speaks_artificially(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._contact_decisions(
  tenant uuid, campaign uuid, phones text[], wanted_channel switchboard.channel, at timestamptz, calls uuid[] DEFAULT NULL)
RETURNS TABLE (n bigint, phone text, allowed boolean, reason text, retry_at timestamptz, later timestamptz,
               codes text[], rule_versions jsonb, zones text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal, called as owner: caps count calls, and overrides rule, that the caller may not see.
-- Cost: five index probes a number, some 9 microseconds of them; rules and windows are worked out once per distinct place and set
-- of zones. A single number takes a millisecond with a plan that is kept, which is the caller's to say (plan_cache_mode). For many
-- numbers each time its own: of tables that were empty when it was made, a plan may scan any index, for each number.
DECLARE
  by_voice constant boolean := wanted_channel = 'voice';
BEGIN
  RETURN QUERY
  WITH own AS MATERIALIZED (
    SELECT CASE WHEN by_voice THEN coalesce(c.active_hours, t.settings -> 'calling_hours') END AS hours,
           CASE WHEN by_voice AND t.settings ? 'holidays' THEN switchboard._hours_without(t.settings -> 'holidays') END AS holidays,
           coalesce(c.timezone, t.timezone, 'UTC') AS fallback_zone,
           switchboard._speaks_artificially(c.settings) AS artificial,
           c.type IN ('power', 'predictive') AND NOT c.settings ?| '{voice,agentless}' AND switchboard._is_agentless(c) AS undeclared
    FROM switchboard.tenants t
    LEFT JOIN switchboard.campaigns c ON c.id = campaign AND c.tenant_id = t.id
    WHERE t.id = tenant
  ), asked AS MATERIALIZED (
    SELECT p.n, p.phone, calls[p.n] AS call, k.id AS contact_id, k.allows_sms,
           coalesce(nullif(coalesce(nullif(w.place[2], ''), w.place[1]), ''), '*') AS place,
           CASE WHEN k.timezone IS NOT NULL THEN ARRAY[k.timezone]
                ELSE coalesce(nullif(w.place[3:], '{}'), ARRAY[o.fallback_zone]) END AS zones
    FROM unnest(phones) WITH ORDINALITY AS p (phone, n)
    CROSS JOIN own o
    CROSS JOIN LATERAL (SELECT switchboard._phone_place(p.phone) AS place OFFSET 0) w
    LEFT JOIN switchboard.contacts k ON k.tenant_id = tenant AND k.phone_number = p.phone
  ), policies AS MATERIALIZED (
    SELECT y.place, y.windows || array_remove(ARRAY[o.hours], NULL) AS windows, y.holidays || array_remove(ARRAY[o.holidays], NULL) AS holidays,
           y.caps, (SELECT min(m.value::int) FROM jsonb_each_text(y.caps) m) AS least_cap,
           y.lockout, y.consent AND o.artificial AS consent,
           y.versions || CASE WHEN y.consent AND o.undeclared THEN '{"voice": "undeclared"}' ELSE '{}' END::jsonb AS versions
    FROM switchboard._policies(tenant, wanted_channel, at, ARRAY(SELECT DISTINCT a.place FROM asked a)) y
    CROSS JOIN own o
  ), spots AS MATERIALIZED (
    SELECT a.zones, y.*, y.windows || y.holidays AS all_windows,
           switchboard._next_open_time(at, a.zones, y.windows) AS hours_open,
           switchboard._next_open_time(at, a.zones, y.holidays) AS days_open
    FROM (SELECT DISTINCT a.place, a.zones FROM asked a) a
    JOIN policies y ON y.place = a.place
  ), known AS (
    SELECT a.n, a.phone, a.zones, s.versions, s.all_windows, s.hours_open, s.days_open,
           listed.phone_number IS NOT NULL AS listed, listed.expires_at AS listed_until,
           coalesce(consent.revoked_at <= at, false) AS revoked,
           s.consent AND NOT EXISTS (
             SELECT FROM switchboard.consents g
             WHERE g.tenant_id = tenant AND (g.contact_id = a.contact_id OR g.phone_number = a.phone) AND g.channel = wanted_channel
               AND g.purpose IN ('ai_voice', 'marketing') AND g.basis IN ('express', 'express_written') AND g.granted_at <= at
               AND coalesce(g.expires_at > at, true) AND coalesce(g.revoked_at > at, true)) AS unasked,
           wanted_channel = 'sms' AND NOT coalesce(a.allows_sms, true) AS no_sms,
           nullif(greatest(past.abandoned_at + s.lockout, at), at) AS lockout_ends,
           CASE WHEN past.under_way THEN at + interval '1 minute' END AS line_clears,
           CASE WHEN cardinality(past.called) >= s.least_cap THEN
             switchboard._cap_clears(past.called, s.caps, campaign IS NOT NULL, a.zones, at) END AS cap_clears
    FROM asked a
    JOIN spots s ON s.place = a.place AND s.zones = a.zones
    LEFT JOIN LATERAL (
      SELECT d.phone_number, nullif(d.expires_at, 'infinity') AS expires_at
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
    -- A call waits at most a week to be dialed, hence two weeks back.
    LEFT JOIN LATERAL (
      SELECT array_agg(coalesce(c.dialed_at, at) ORDER BY coalesce(c.dialed_at, at) DESC)
               FILTER (WHERE CASE WHEN c.dialed_at IS NULL THEN c.status = 'initiated' AND (a.call IS NULL OR c.id < a.call)
                                                                 AND (NOT c.waits OR c.id = ANY (calls))
                                  ELSE c.dialed_at > at - interval '8 days'
                                    AND NOT (c.status = 'failed' AND c.call_id IS NULL) END) AS called,
             max(coalesce(c.ended_at, c.answered_at, c.dialed_at, c.started_at)) FILTER (WHERE c.abandoned) AS abandoned_at,
             campaign IS NOT NULL AND bool_or(c.status IN ('ringing', 'answered') OR c.status = 'initiated' AND c.dialed_at IS NOT NULL)
               AS under_way
      FROM switchboard.call_logs c
      WHERE by_voice AND c.tenant_id = tenant AND c.to_number = a.phone AND c.direction = 'outbound'
        AND c.started_at > at - greatest(interval '14 days', s.lockout + interval '7 days') AND c.id IS DISTINCT FROM a.call) past ON true
  ), judged AS (
    SELECT k.*, o.opens,
           array_remove(ARRAY[
             CASE WHEN k.listed THEN 'do-not-call' END, CASE WHEN k.revoked THEN 'consent-revoked' END,
             CASE WHEN k.unasked THEN 'consent-required' END, CASE WHEN k.no_sms THEN 'sms-not-allowed' END,
             CASE WHEN k.lockout_ends IS NOT NULL THEN 'abandoned-recently' END,
             CASE WHEN k.cap_clears IS NOT NULL THEN 'frequency-cap' END,
             CASE WHEN k.line_clears IS NOT NULL THEN 'on-a-call' END,
             CASE WHEN o.opens IS NOT NULL AND k.hours_open > at THEN 'outside-calling-hours' END,
             CASE WHEN o.opens IS NOT NULL AND k.days_open > at THEN 'holiday' END,
             CASE WHEN o.opens IS NULL THEN 'no-calling-hours' END], NULL) AS codes,
           k.listed AND k.listed_until IS NULL OR k.revoked OR k.no_sms AS final
    FROM known k
    CROSS JOIN LATERAL (
      SELECT CASE WHEN k.hours_open = at AND k.days_open = at AND b.at = at THEN at
                  ELSE switchboard._next_open_time(b.at, k.zones, k.all_windows) END AS opens
      FROM (SELECT greatest(at, k.listed_until, k.lockout_ends, k.line_clears, k.cap_clears) AS at) b
      OFFSET 0) o
  )
  SELECT j.n, j.phone, cardinality(j.codes) = 0, j.codes[1],
         CASE WHEN cardinality(j.codes) > 0 AND NOT j.final AND NOT j.unasked THEN j.opens END,
         CASE WHEN cardinality(j.codes) > 0 AND NOT j.final THEN
           CASE WHEN j.unasked OR j.opens IS NULL THEN greatest(at + interval '1 day', j.opens) ELSE j.opens END END,
         j.codes, j.versions, j.zones
  FROM judged j
  ORDER BY j.n;
END
$$;
COMMENT ON FUNCTION switchboard._contact_decisions(uuid, uuid, text[], switchboard.channel, timestamptz, uuid[]) IS
  'Whether each of the numbers (E.164) may be contacted, in their order; reasons are listed in this file. retry_at: when it will be
possible, as far as is known now (null: never, or not by itself). later: when to look again (null: never). calls: the call_logs that
would be dialed, which do not count against themselves. rule_versions: the rules that were applied.';
REVOKE ALL ON FUNCTION switchboard._contact_decisions(uuid, uuid, text[], switchboard.channel, timestamptz, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._decide_contacts(
  tenant uuid, campaign uuid, phones text[], wanted_channel switchboard.channel, at timestamptz,
  stage switchboard.decision_stage, subjects uuid[], calls uuid[] DEFAULT NULL)
RETURNS TABLE (n bigint, phone text, allowed boolean, reason text, retry_at timestamptz, later timestamptz,
               codes text[], rule_versions jsonb, zones text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: internal, the dialer calls it as owner. Cost: _contact_decisions() and one INSERT for all, as much again.
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
COMMENT ON FUNCTION switchboard._decide_contacts(uuid, uuid, text[], switchboard.channel, timestamptz, switchboard.decision_stage, uuid[], uuid[]) IS
  'What _contact_decisions() says, kept as evidence in dispatch_decisions: one row a number, about the subject at its place.';
REVOKE ALL ON FUNCTION switchboard._decide_contacts(uuid, uuid, text[], switchboard.channel, timestamptz, switchboard.decision_stage, uuid[], uuid[])
  FROM PUBLIC;

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

CREATE OR REPLACE FUNCTION switchboard._can_contact(
  tenant uuid, campaign uuid, phone text, wanted_channel switchboard.channel, at timestamptz,
  OUT allowed boolean, OUT reason text, OUT retry_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: an agent gets the same answer as the dialer, though he sees neither his colleagues' calls nor the overrides. The
-- session's tenant is checked.
BEGIN
  IF NOT switchboard._caller_may(tenant, NULL) THEN
    RAISE EXCEPTION 'no such tenant: %', tenant USING ERRCODE = 'P0002';
  END IF;
  SELECT d.allowed, d.reason, d.retry_at INTO _can_contact.allowed, _can_contact.reason, _can_contact.retry_at
  FROM switchboard._contact_decisions(tenant, campaign, ARRAY[phone], wanted_channel, at) d;
END
$$;
COMMENT ON FUNCTION switchboard._can_contact(uuid, uuid, text, switchboard.channel, timestamptz) IS
  'What can_contact() says, as owner. Errors: P0002 not the caller''s tenant.';
REVOKE ALL ON FUNCTION switchboard._can_contact(uuid, uuid, text, switchboard.channel, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.can_contact(
  phone_number text, channel text, at timestamptz DEFAULT now(), campaign_id uuid DEFAULT NULL,
  OUT allowed boolean, OUT reason text, OUT retry_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER: row level security decides which campaign there is.
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
  ELSIF can_contact.phone_number IS NULL THEN
    RAISE EXCEPTION 'phone_number must not be null' USING ERRCODE = 'SB001';
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
  FROM switchboard._can_contact(tenant, can_contact.campaign_id,
         switchboard.normalize_phone(can_contact.phone_number, region), wanted, can_contact.at) d;
END
$$;
COMMENT ON FUNCTION switchboard.can_contact(text, text, timestamptz, uuid) IS
  'Whether a number may be contacted on a channel (voice, whatsapp, sms) at an instant, and with a campaign whether that campaign may. If
not, reason is the first of do-not-call, consent-revoked, consent-required (an artificial voice without recorded consent),
sms-not-allowed, abandoned-recently, frequency-cap, on-a-call, outside-calling-hours, holiday and no-calling-hours (never open within a year), and
retry_at says when it clears by itself (NULL: never). The calling window is the law''s of the called party''s region (compliance_rules,
compliance_overrides) and the campaign''s active_hours, else the tenant''s settings.calling_hours, on the clock of the called party; a
number that may lie in several zones is called only while all are open. Errors: SB001 bad number, 22023 unknown channel, 22008
infinite time, P0002 no such campaign, 42501 nobody asks.';
REVOKE ALL ON FUNCTION switchboard.can_contact(text, text, timestamptz, uuid) FROM PUBLIC;
