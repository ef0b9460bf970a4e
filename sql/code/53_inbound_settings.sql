-- How inbound calls are treated: tenants.settings.inbound, over it settings.inbound of the provider account, over both
-- settings.inbound.numbers of the tenant for the number that was called. Checked when written, so that no caller meets a mistake.

CREATE OR REPLACE FUNCTION switchboard._inbound_defaults()
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT '{"route": "queue", "overflow": "voicemail", "skills": [], "priority": 0, "max_wait": 300, "max_queue": 100, "agent_timeout": 15,
           "voicemail_max": 120, "announce_position": true, "record": false, "make_contacts": true}'::jsonb
$$;
COMMENT ON FUNCTION switchboard._inbound_defaults() IS 'How inbound calls are treated unless settings say otherwise.';
REVOKE ALL ON FUNCTION switchboard._inbound_defaults() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_settings(tenant uuid, account uuid, called text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal. Cost: two probes of primary keys.
BEGIN
  RETURN (
    SELECT jsonb_build_object('timezone', t.timezone) || switchboard._inbound_defaults()
           || jsonb_strip_nulls(coalesce(t.settings -> 'inbound', '{}') - '{numbers,distribution}'::text[])
           || jsonb_strip_nulls(coalesce(a.settings -> 'inbound', '{}'))
           || jsonb_strip_nulls(coalesce(t.settings #> ARRAY['inbound', 'numbers', called], '{}'))
    FROM switchboard.tenants t
    LEFT JOIN switchboard.provider_accounts a ON a.tenant_id = t.id AND a.id = account
    WHERE t.id = tenant);
END
$$;
COMMENT ON FUNCTION switchboard._inbound_settings(uuid, uuid, text) IS
  'How a call to that number of a tenant, which came over that account, is treated: every key that has a default is there.';
REVOKE ALL ON FUNCTION switchboard._inbound_settings(uuid, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._is_whole_number(value jsonb, lowest int, highest int)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'number'
              THEN (value #>> '{}')::numeric BETWEEN lowest AND highest AND (value #>> '{}')::numeric % 1 = 0 ELSE false END
$$;
COMMENT ON FUNCTION switchboard._is_whole_number(jsonb, int, int) IS 'Whether a value is a whole number from lowest to highest.';
REVOKE ALL ON FUNCTION switchboard._is_whole_number(jsonb, int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._inbound_setting_is_good(key text, value jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- hours and timezone are judged together by _check_inbound().
  SELECT CASE
    WHEN key IN ('greeting', 'closed_message', 'hold_message', 'position_message', 'voicemail_message', 'callback_message',
                 'hangup_message')
      THEN jsonb_typeof(value) = 'string' AND length(value #>> '{}') <= 1500
    WHEN key IN ('greeting_audio_url', 'hold_audio_url')
      THEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^https?://[^[:space:]]+$'
    WHEN key = 'language' THEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$'
    WHEN key = 'hours' THEN jsonb_typeof(value) = 'object'
    WHEN key = 'timezone' THEN jsonb_typeof(value) = 'string'
    WHEN key = 'route'
      THEN jsonb_typeof(value) = 'string' AND (value #>> '{}' IN ('queue', 'voicemail') OR value #>> '{}' ~ '^number:\+[1-9][0-9]{4,14}$'
             OR value #>> '{}' LIKE 'user:%' AND switchboard._is_uuid(substr(value #>> '{}', 6)))
    WHEN key = 'overflow'
      THEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^(voicemail|callback|hangup|number:\+[1-9][0-9]{4,14})$'
    WHEN key = 'callback_key' THEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^[0-9]$'
    WHEN key = 'skills'
      THEN jsonb_typeof(value) = 'array'
           AND NOT jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string" || @ == "")')
    WHEN key IN ('announce_position', 'record', 'make_contacts') THEN jsonb_typeof(value) = 'boolean'
    WHEN key = 'priority' THEN switchboard._is_whole_number(value, -1000, 1000)
    WHEN key = 'max_wait' THEN switchboard._is_whole_number(value, 0, 86400)
    WHEN key = 'max_queue' THEN switchboard._is_whole_number(value, 0, 10000)
    WHEN key = 'agent_timeout' THEN switchboard._is_whole_number(value, 5, 120)
    WHEN key = 'voicemail_max' THEN switchboard._is_whole_number(value, 5, 3600) END
$$;
COMMENT ON FUNCTION switchboard._inbound_setting_is_good(text, jsonb) IS
  'Whether a setting of inbound calls makes sense; NULL: there is none called so.';
REVOKE ALL ON FUNCTION switchboard._inbound_setting_is_good(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_inbound(inbound jsonb, zone text)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bad record;
BEGIN
  IF jsonb_typeof(inbound) <> 'object' THEN
    RAISE EXCEPTION 'settings.inbound must be a JSON object, not %', jsonb_typeof(inbound) USING ERRCODE = '22023';
  END IF;
  SELECT s.key, s.value, switchboard._inbound_setting_is_good(s.key, s.value) AS good INTO bad
  FROM jsonb_each(jsonb_strip_nulls(inbound)) s
  WHERE switchboard._inbound_setting_is_good(s.key, s.value) IS NOT TRUE
  ORDER BY s.key LIMIT 1;
  IF FOUND AND bad.good IS NULL THEN
    RAISE EXCEPTION 'inbound calls have no setting "%"', bad.key USING ERRCODE = '22023';
  ELSIF FOUND THEN
    RAISE EXCEPTION 'inbound setting % cannot be %', bad.key, bad.value USING ERRCODE = '22023';
  END IF;
  PERFORM switchboard.next_call_time(now(), coalesce(inbound ->> 'timezone', zone),
                                     coalesce(nullif(inbound -> 'hours', 'null'), '{"start": "00:00", "end": "24:00"}'));
END
$$;
COMMENT ON FUNCTION switchboard._check_inbound(jsonb, text) IS
  'Refuses settings of inbound calls that make no sense (22023), naming key and value. zone: the one that holds where they name none.';
REVOKE ALL ON FUNCTION switchboard._check_inbound(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_tenant_inbound() RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the checks are nobody's to call; they read the new row alone.
DECLARE
  inbound constant jsonb := new.settings -> 'inbound';
  numbers constant jsonb := coalesce(nullif(new.settings #> '{inbound,numbers}', 'null'), '{}');
  number  record;
BEGIN
  PERFORM switchboard._check_inbound(CASE jsonb_typeof(inbound) WHEN 'object' THEN inbound - '{numbers,distribution}'::text[] ELSE inbound END,
                                     new.timezone);
  IF inbound -> 'distribution' NOT IN ('"automatic"', '"manual"', 'null') THEN
    RAISE EXCEPTION 'inbound setting distribution cannot be %', inbound -> 'distribution'
      USING ERRCODE = '22023', HINT = 'It is automatic or manual.';
  END IF;
  IF jsonb_typeof(numbers) <> 'object' THEN
    RAISE EXCEPTION 'inbound setting numbers cannot be %', numbers USING ERRCODE = '22023', HINT = 'It is an object: {"+12025550100": {...}}.';
  END IF;
  FOR number IN SELECT n.key, n.value FROM jsonb_each(numbers) n ORDER BY n.key LOOP
    IF number.key !~ '^\+[1-9][0-9]{4,14}$' THEN
      RAISE EXCEPTION 'inbound setting numbers has "%", which is no number', number.key
        USING ERRCODE = '22023', HINT = 'Numbers are written in E.164, such as +12025550100.';
    END IF;
    PERFORM switchboard._check_inbound(number.value, coalesce(inbound ->> 'timezone', new.timezone));
  END LOOP;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_tenant_inbound() IS 'Trigger on tenants: refuses settings.inbound that make no sense (22023).';
REVOKE ALL ON FUNCTION switchboard._check_tenant_inbound() FROM PUBLIC;

CREATE OR REPLACE TRIGGER tenants_inbound BEFORE INSERT OR UPDATE OF settings, timezone ON switchboard.tenants
  FOR EACH ROW WHEN (coalesce(new.settings -> 'inbound', 'null') <> 'null') EXECUTE FUNCTION switchboard._check_tenant_inbound();
COMMENT ON TRIGGER tenants_inbound ON switchboard.tenants IS 'Refuses settings of inbound calls that make no sense.';

CREATE OR REPLACE FUNCTION switchboard._check_account_inbound() RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the checks are nobody's to call; they read the new row alone.
BEGIN
  PERFORM switchboard._check_inbound(new.settings -> 'inbound', 'UTC');
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_account_inbound() IS
  'Trigger on provider_accounts: refuses settings.inbound that make no sense (22023).';
REVOKE ALL ON FUNCTION switchboard._check_account_inbound() FROM PUBLIC;

CREATE OR REPLACE TRIGGER accounts_inbound BEFORE INSERT OR UPDATE OF settings ON switchboard.provider_accounts
  FOR EACH ROW WHEN (coalesce(new.settings -> 'inbound', 'null') <> 'null') EXECUTE FUNCTION switchboard._check_account_inbound();
COMMENT ON TRIGGER accounts_inbound ON switchboard.provider_accounts IS 'Refuses settings of inbound calls that make no sense.';
