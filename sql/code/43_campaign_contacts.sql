-- Loading the list of a campaign.

CREATE OR REPLACE FUNCTION switchboard._known_timezone(zone text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
BEGIN
  PERFORM switchboard.next_call_time(now(), zone, '{"start":"00:00","end":"24:00"}');
  RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN false;
END
$$;
COMMENT ON FUNCTION switchboard._known_timezone(text) IS 'Whether next_call_time() knows the time zone.';
REVOKE ALL ON FUNCTION switchboard._known_timezone(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._known_region(region text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
BEGIN
  PERFORM switchboard.try_normalize_phone('0', region);
  RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN false;
END
$$;
COMMENT ON FUNCTION switchboard._known_region(text) IS 'Whether normalize_phone() knows the region.';
REVOKE ALL ON FUNCTION switchboard._known_region(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_contact_rows(rows_given jsonb, default_region text)
RETURNS TABLE (index int, raw_number text, phone text, reason text, timezone text, person jsonb, extra jsonb)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- One row per row given, in order. reason says why it cannot be used. Empty texts count as absent. A national number of a region that
  -- does not exist is no number; an international one needs no region. Parallel unsafe: as _known_region().
  WITH bad_regions AS MATERIALIZED (
    SELECT r.region
    FROM (SELECT DISTINCT upper(btrim(coalesce(e.value ->> 'region', e.value ->> 'country'))) AS region
          FROM jsonb_array_elements(rows_given) AS e (value) WHERE jsonb_typeof(e.value) = 'object') r
    WHERE r.region ~ '^[A-Z]{2}$' AND NOT switchboard._known_region(r.region)
  )
  SELECT (e.ordinality - 1)::int, f.raw_number, n.phone,
         CASE WHEN jsonb_typeof(e.value) <> 'object' THEN 'not-an-object'
              WHEN f.raw_number IS NULL THEN 'missing-number'
              WHEN n.phone IS NULL THEN 'bad-number' END,
         nullif(btrim(e.value ->> 'timezone'), ''),
         CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value ELSE '{}' END,
         CASE WHEN jsonb_typeof(e.value) = 'object' THEN
           (e.value - ARRAY['phone_number', 'phone', 'region', 'country', 'name', 'first_name', 'last_name', 'email', 'company',
                            'position', 'timezone', 'locale', 'source', 'priority', 'metadata'])
           || CASE WHEN jsonb_typeof(e.value -> 'metadata') = 'object' THEN e.value -> 'metadata' ELSE '{}' END
         END
  FROM jsonb_array_elements(rows_given) WITH ORDINALITY AS e (value, ordinality)
  CROSS JOIN LATERAL (
    SELECT nullif(btrim(coalesce(e.value ->> 'phone_number', e.value ->> 'phone')), '') AS raw_number,
           upper(btrim(coalesce(e.value ->> 'region', e.value ->> 'country'))) AS region
    WHERE jsonb_typeof(e.value) = 'object'
    UNION ALL
    SELECT NULL, NULL WHERE jsonb_typeof(e.value) <> 'object') f
  CROSS JOIN LATERAL (
    SELECT CASE WHEN f.region NOT IN (SELECT b.region FROM bad_regions b) IS NOT FALSE THEN
                  switchboard.try_normalize_phone(f.raw_number, CASE WHEN f.region ~ '^[A-Z]{2}$' THEN f.region ELSE default_region END)
                WHEN f.raw_number ~ '^([a-z]+:)?[+]' THEN switchboard.try_normalize_phone(f.raw_number, default_region) END AS phone) n
$$;
COMMENT ON FUNCTION switchboard._read_contact_rows(jsonb, text) IS
  'Reads the rows given to add_campaign_contacts(): the number in E.164, or the reason why the row cannot be used.';
REVOKE ALL ON FUNCTION switchboard._read_contact_rows(jsonb, text) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._small_int(value jsonb, lowest int, highest int, fallback int)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN greatest(least((value #>> '{}')::numeric, highest), lowest)::int
              WHEN value #>> '{}' ~ '^[+-]?[0-9]{1,9}$' THEN greatest(least((value #>> '{}')::int, highest), lowest)
              ELSE fallback END
$$;
COMMENT ON FUNCTION switchboard._small_int(jsonb, int, int, int) IS
  'A JSON number, or a text that is one, held to a range; the fallback for anything else.';
REVOKE ALL ON FUNCTION switchboard._small_int(jsonb, int, int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.add_campaign_contacts(campaign_id uuid, contacts jsonb)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY INVOKER: row level security decides. Rows are written in the order of their numbers, so that two loads of
-- overlapping lists wait for each other and never deadlock.
-- Cost: one statement for all rows, two upserts a row.
DECLARE
  campaign   switchboard.campaigns;
  region     text;
  answer     jsonb;
  moved      uuid[];
  priorities int[];
BEGIN
  IF jsonb_typeof(add_campaign_contacts.contacts) IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION 'contacts must be a JSON array, not %', coalesce(jsonb_typeof(add_campaign_contacts.contacts), 'null')
      USING ERRCODE = '22023', HINT = 'Give [{"phone_number":"+1 202 555 0101","first_name":"Ada"}, ...].';
  END IF;
  -- Locked against deletion before its people are: that is the order of locks.
  SELECT c.* INTO campaign FROM switchboard.campaigns c WHERE c.id = add_campaign_contacts.campaign_id FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such campaign: %', coalesce(add_campaign_contacts.campaign_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  IF campaign.status = 'archived' OR campaign.status = 'completed' AND NOT campaign.ran_out THEN
    RAISE EXCEPTION 'campaign "%" takes no more contacts: it is %', campaign.name, campaign.status USING ERRCODE = 'SB005';
  END IF;
  SELECT t.default_region INTO region FROM switchboard.tenants t WHERE t.id = campaign.tenant_id;

  WITH given AS MATERIALIZED (
    SELECT * FROM switchboard._read_contact_rows(add_campaign_contacts.contacts, region)
  ), bad_zones AS MATERIALIZED (
    SELECT z.timezone FROM (SELECT DISTINCT g.timezone FROM given g WHERE g.timezone IS NOT NULL) z
    WHERE NOT switchboard._known_timezone(z.timezone)
  ), judged AS MATERIALIZED (
    SELECT g.index, g.raw_number, g.phone, g.timezone, g.person, g.extra,
           CASE WHEN g.reason IS NOT NULL THEN g.reason
                WHEN g.timezone IN (SELECT b.timezone FROM bad_zones b) THEN 'bad-timezone'
                WHEN EXISTS (SELECT FROM switchboard.do_not_call d
                             WHERE d.tenant_id = campaign.tenant_id AND d.phone_number = g.phone
                               AND (d.channel IS NULL OR d.channel = 'voice')
                               AND (d.expires_at IS NULL OR d.expires_at > now())) THEN 'do-not-call' END AS reason
    FROM given g
  ), numbered AS MATERIALIZED (
    SELECT j.*, row_number() OVER (PARTITION BY j.phone ORDER BY j.index) AS nth FROM judged j WHERE j.reason IS NULL
  ), good AS MATERIALIZED (
    -- People are called in the order of the list: by key, which is time ordered.
    SELECT switchboard.uuid_v7() AS id, n.phone, n.timezone, n.extra,
           nullif(btrim(n.person ->> 'name'), '') AS name,
           nullif(btrim(n.person ->> 'first_name'), '') AS first_name,
           nullif(btrim(n.person ->> 'last_name'), '') AS last_name,
           nullif(btrim(n.person ->> 'email'), '') AS email,
           nullif(btrim(n.person ->> 'company'), '') AS company,
           nullif(btrim(n.person ->> 'position'), '') AS job_title,
           nullif(btrim(n.person ->> 'locale'), '') AS locale,
           nullif(btrim(n.person ->> 'source'), '') AS source,
           switchboard._small_int(n.person -> 'priority', -1000, 1000, NULL) AS priority
    FROM numbered n
    WHERE n.nth = 1
    ORDER BY n.index
  ), people AS (
    INSERT INTO switchboard.contacts AS k
      (tenant_id, phone_number, name, first_name, last_name, email, company, position, timezone, locale, source)
    SELECT campaign.tenant_id, g.phone, coalesce(g.name, nullif(concat_ws(' ', g.first_name, g.last_name), '')),
           g.first_name, g.last_name, g.email, g.company, g.job_title, g.timezone, g.locale, g.source
    FROM good g
    ORDER BY g.phone
    ON CONFLICT (tenant_id, phone_number) DO UPDATE SET
      name = coalesce(excluded.name, k.name), first_name = coalesce(excluded.first_name, k.first_name),
      last_name = coalesce(excluded.last_name, k.last_name), email = coalesce(excluded.email, k.email),
      company = coalesce(excluded.company, k.company), position = coalesce(excluded.position, k.position),
      timezone = coalesce(excluded.timezone, k.timezone), locale = coalesce(excluded.locale, k.locale),
      source = coalesce(k.source, excluded.source)
    RETURNING k.id, k.phone_number, k.lead_score,
              switchboard._preferred_hours(k.best_call_start, k.best_call_end, k.timezone, k.phone_number) AS best_hours
  ), listed AS (
    INSERT INTO switchboard.campaign_contacts AS l
      (id, tenant_id, campaign_id, contact_id, phone_number, first_name, last_name, email, company, priority, metadata,
       lead_score, best_hours)
    SELECT g.id, campaign.tenant_id, campaign.id, p.id, g.phone, g.first_name, g.last_name, g.email, g.company,
           coalesce(g.priority, 0), g.extra, p.lead_score, p.best_hours
    FROM good g JOIN people p ON p.phone_number = g.phone
    ORDER BY g.phone
    ON CONFLICT (campaign_id, phone_number) DO UPDATE SET
      contact_id = excluded.contact_id, lead_score = excluded.lead_score, best_hours = excluded.best_hours,
      first_name = coalesce(excluded.first_name, l.first_name), last_name = coalesce(excluded.last_name, l.last_name),
      email = coalesce(excluded.email, l.email), company = coalesce(excluded.company, l.company),
      metadata = l.metadata || excluded.metadata
    RETURNING l.id, l.phone_number, l.priority, l.xmax = 0 AS is_new   -- a row that a conflict has updated carries our lock in xmax
  ), moved AS (
    SELECT l.id, g.priority
    FROM listed l JOIN good g ON g.phone = l.phone_number
    WHERE NOT l.is_new AND g.priority <> l.priority
  )
  SELECT jsonb_build_object(
           'added', (SELECT count(*) FROM listed WHERE is_new),
           'updated', (SELECT count(*) FROM listed WHERE NOT is_new),
           'rejected', coalesce((
             SELECT jsonb_agg(jsonb_build_object('index', r.index, 'phone_number', r.raw_number, 'reason', r.reason)
                              ORDER BY r.index)
             FROM (SELECT j.index, j.raw_number, j.reason FROM judged j WHERE j.reason IS NOT NULL
                   UNION ALL
                   SELECT n.index, n.raw_number, 'duplicate' FROM numbered n WHERE n.nth > 1) r), '[]')),
         (SELECT array_agg(m.id ORDER BY m.id) FROM moved m), (SELECT array_agg(m.priority ORDER BY m.id) FROM moved m)
  INTO answer, moved, priorities;
  -- Of those on the list already; one statement cannot change a row twice, and the first one cannot tell 0 from none.
  UPDATE switchboard.campaign_contacts l SET priority = m.priority
  FROM unnest(moved, priorities) AS m (id, priority) WHERE l.id = m.id;

  IF campaign.status = 'active' THEN
    PERFORM switchboard._wake();
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.add_campaign_contacts(uuid, jsonb) IS
  'Adds people to the list of a campaign: [{"phone_number", "region" or "country", "name", "first_name", "last_name", "email",
"company", "position", "timezone", "locale", "source", "priority", "metadata"}, ...]; other keys go into metadata. National
numbers are read in the row''s region, else the tenant''s. Each number becomes a contact, or completes the one there is; nothing is
overwritten by nothing. A number already on the list is updated (its priority if the row has one), its progress stays. Returns {"added", "updated",
"rejected":[{"index","phone_number","reason"}]}; index counts from 0, reasons are not-an-object, missing-number, bad-number,
bad-timezone, duplicate (the first row of a number is used) and do-not-call (such numbers are not put on the list). A campaign that
had run out of people becomes active again. Errors: 22023 not an array, P0002 no such campaign, SB005 the campaign is over.';
REVOKE ALL ON FUNCTION switchboard.add_campaign_contacts(uuid, jsonb) FROM PUBLIC;
