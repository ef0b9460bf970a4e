-- Settings of triggered calls, checked when they are written: a slip of the pen would silently mean the default.

CREATE OR REPLACE FUNCTION switchboard._trigger_settings()
RETURNS TABLE (name text, of_campaign boolean, of_tenant boolean, lowest numeric, highest numeric, words text[], form text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('trigger_window', true, false, 0::numeric, 31536000::numeric, NULL::text[], 'number'),
         ('price_drop_threshold', true, false, 0, 100, NULL, 'number'),
         ('trigger_batch', false, true, 0, 100000, NULL, 'number'),
         ('offer_days', true, true, 1, 3650, NULL, 'number'),
         ('coupon_days', true, true, 1, 3650, NULL, 'number'),
         ('cost_per_minute', true, true, 0, 10000, NULL, 'number'),
         ('call_time', true, true, NULL, NULL, '{preferred,best,now}', 'string'),
         ('triggers', true, false, NULL, NULL, '{price_drop,stock_alert,promotion}', 'array'),
         ('templates', true, false, NULL, NULL, '{price_drop,stock_alert,promotion}', 'object'),
         ('vars', true, false, NULL, NULL, NULL, 'object'),
         ('voice_account', true, false, NULL, NULL, NULL, 'string'),
         ('agent_name', true, true, NULL, NULL, NULL, 'string'),
         ('company_name', false, true, NULL, NULL, NULL, 'string')
$$;
COMMENT ON FUNCTION switchboard._trigger_settings() IS
  'The settings of triggered calls: whose they are, their JSON type, and the range or the words that they are held to.';
REVOKE ALL ON FUNCTION switchboard._trigger_settings() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_trigger_settings()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wrong record;
BEGIN
  SELECT s.name, s.lowest, s.highest, s.words, s.form, g.value INTO wrong
  FROM switchboard._trigger_settings() s
  JOIN jsonb_each(new.settings) g ON g.key = s.name AND g.value <> 'null'
  WHERE CASE tg_table_name WHEN 'tenants' THEN s.of_tenant ELSE s.of_campaign END
    -- A text that is a number is one to those who read it, too.
    AND CASE WHEN s.form = 'number'
             THEN CASE WHEN g.value #>> '{}' ~ '^-?[0-9]{1,20}([.][0-9]{1,20})?$'
                       THEN (g.value #>> '{}')::numeric NOT BETWEEN s.lowest AND s.highest ELSE true END
             WHEN jsonb_typeof(g.value) <> s.form THEN true
             WHEN s.form = 'string' THEN s.words IS NOT NULL AND g.value #>> '{}' <> ALL (s.words)
             WHEN s.form = 'array' THEN NOT g.value <@ to_jsonb(s.words)
             WHEN s.form = 'object' THEN s.words IS NOT NULL AND EXISTS (
               SELECT FROM jsonb_each(g.value) e WHERE e.key <> ALL (s.words) OR jsonb_typeof(e.value) NOT IN ('string', 'null'))
             ELSE false END
  ORDER BY s.name LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% cannot be %', wrong.name, wrong.value USING ERRCODE = '22023',
      HINT = CASE WHEN wrong.lowest IS NOT NULL THEN format('It is a number from %s to %s.', wrong.lowest, wrong.highest)
                  WHEN wrong.form = 'array' THEN format('It is a list of some of %s.', array_to_string(wrong.words, ', '))
                  WHEN wrong.form = 'object' AND wrong.words IS NOT NULL
                    THEN format('It is a JSON object with a text for some of %s.', array_to_string(wrong.words, ', '))
                  WHEN wrong.words IS NOT NULL THEN format('It is one of %s.', array_to_string(wrong.words, ', '))
                  ELSE format('It is a JSON %s.', wrong.form) END;
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_trigger_settings() IS
  'Trigger on tenants and campaigns: refuses settings of triggered calls that mean nothing (22023).';
REVOKE ALL ON FUNCTION switchboard._check_trigger_settings() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaigns_trigger_settings BEFORE INSERT OR UPDATE OF settings ON switchboard.campaigns
  FOR EACH ROW WHEN (new.settings <> '{}') EXECUTE FUNCTION switchboard._check_trigger_settings();
COMMENT ON TRIGGER campaigns_trigger_settings ON switchboard.campaigns IS 'Refuses settings of triggered calls that mean nothing.';
CREATE OR REPLACE TRIGGER tenants_trigger_settings BEFORE INSERT OR UPDATE OF settings ON switchboard.tenants
  FOR EACH ROW WHEN (new.settings <> '{}') EXECUTE FUNCTION switchboard._check_trigger_settings();
COMMENT ON TRIGGER tenants_trigger_settings ON switchboard.tenants IS 'Refuses settings of triggered calls that mean nothing.';
