-- The rules of contacting people, as data: compliance_rules (the law per region, shipped or the installation's own) and
-- compliance_overrides (where a tenant departs from it).
--
--   calling_window            active_hours of next_call_time()
--   holidays                  {"holidays": ["2026-12-25", ...]}: days without calls
--   frequency_cap             {"per_day", "per_24_hours", "per_7_days"} for campaigns, {"manual_per_day", ...} for other calls
--   abandon_lockout           {"hours"}: no call so long after one that was answered and found no agent
--   artificial_voice_consent  {"required"}: whether an artificial voice needs recorded consent
--
-- For a number the rules of everywhere (*), its country and its state hold together: the strictest counts. Of one rule of one
-- region and channel the newest version counts, the installation's own before the shipped ones. A tenant's override that is
-- stricter holds on top of them; a laxer one, which only an admin may set, stands in their place wherever its region reaches
-- (of several the one nearest to the number).

CREATE OR REPLACE FUNCTION switchboard._cap_keys()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT ARRAY['per_day', 'per_24_hours', 'per_7_days', 'manual_per_day', 'manual_per_24_hours', 'manual_per_7_days']
$$;
COMMENT ON FUNCTION switchboard._cap_keys() IS 'The figures of a frequency_cap.';
REVOKE ALL ON FUNCTION switchboard._cap_keys() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_rule(rule text, parameters jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- A rule that cannot be followed would stop every campaign that meets it; one with a misspelt figure would not be kept.
DECLARE
  wanted jsonb;   -- key -> highest value
  bad    text;
BEGIN
  IF rule IN ('calling_window', 'holidays') THEN
    IF rule = 'holidays' AND (jsonb_typeof(parameters -> 'holidays') IS DISTINCT FROM 'array'
                              OR parameters - 'holidays' <> '{}') THEN
      RAISE EXCEPTION 'malformed holidays: %', parameters USING ERRCODE = '22023', HINT = 'Give {"holidays": ["2026-12-25", ...]}.';
    END IF;
    PERFORM switchboard._hours_within(h.hours, h.hours)
    FROM (SELECT CASE rule WHEN 'holidays' THEN switchboard._hours_without(parameters -> 'holidays') ELSE parameters END AS hours) h;
    RETURN;
  ELSIF rule = 'artificial_voice_consent' THEN
    IF jsonb_typeof(parameters -> 'required') IS DISTINCT FROM 'boolean' OR parameters - 'required' <> '{}' THEN
      RAISE EXCEPTION 'malformed artificial_voice_consent: %', parameters
        USING ERRCODE = '22023', HINT = 'Give {"required": true}.';
    END IF;
    RETURN;
  ELSIF rule = 'frequency_cap' THEN
    wanted := (SELECT jsonb_object_agg(k, 1000) FROM unnest(switchboard._cap_keys()) k);
  ELSIF rule = 'abandon_lockout' THEN
    wanted := '{"hours": 8760}';
  ELSE
    RAISE EXCEPTION 'unknown rule: %', rule
      USING ERRCODE = '22023',
            HINT = 'Rules are calling_window, holidays, frequency_cap, abandon_lockout and artificial_voice_consent.';
  END IF;
  SELECT e.key INTO bad
  FROM jsonb_each(parameters) e
  WHERE CASE WHEN jsonb_typeof(e.value) <> 'number' OR NOT wanted ? e.key THEN true
             ELSE (e.value #>> '{}')::numeric NOT BETWEEN 1 AND (wanted ->> e.key)::numeric
               OR rule = 'frequency_cap' AND (e.value #>> '{}')::numeric % 1 <> 0 END
  LIMIT 1;
  IF bad IS NOT NULL OR parameters = '{}' THEN
    RAISE EXCEPTION 'malformed %: % is %', rule, coalesce(bad, 'parameters'), coalesce(parameters ->> bad, 'empty')
      USING ERRCODE = '22023',
            HINT = format('Figures are %s; numbers from 1.', (SELECT string_agg(k, ', ') FROM jsonb_object_keys(wanted) k));
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_rule(text, jsonb) IS
  'Raises 22023 for a rule that is not known and for parameters that are not those of the rule.';
REVOKE ALL ON FUNCTION switchboard._check_rule(text, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._rule_within(rule text, parameters jsonb, law jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- What the parameters leave open stays as the law has it, because stricter rules hold on top of it.
  SELECT CASE rule
    WHEN 'calling_window' THEN switchboard._hours_within(parameters, law)
    WHEN 'holidays' THEN parameters -> 'holidays' @> (law -> 'holidays')
    WHEN 'abandon_lockout' THEN (parameters ->> 'hours')::numeric >= (law ->> 'hours')::numeric
    WHEN 'artificial_voice_consent' THEN (parameters ->> 'required')::boolean >= (law ->> 'required')::boolean
    ELSE NOT EXISTS (SELECT FROM jsonb_each_text(parameters) p JOIN jsonb_each_text(law) l ON l.key = p.key
                     WHERE p.value::numeric > l.value::numeric) END
$$;
COMMENT ON FUNCTION switchboard._rule_within(text, jsonb, jsonb) IS 'Whether parameters of a rule are at least as strict as others.';
REVOKE ALL ON FUNCTION switchboard._rule_within(text, jsonb, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._rules_in_force(wanted_channel switchboard.channel, at timestamptz)
RETURNS TABLE (region text, channel switchboard.channel, rule text, parameters jsonb, version integer, builtin boolean)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT ON (r.region, r.channel, r.rule) r.region, r.channel, r.rule, r.parameters, r.version, r.builtin
  FROM switchboard.compliance_rules r
  WHERE (r.channel IS NULL OR r.channel = wanted_channel) AND r.effective_from <= at AND r.effective_to > at
  ORDER BY r.region, r.channel, r.rule, r.builtin, r.version DESC
$$;
COMMENT ON FUNCTION switchboard._rules_in_force(switchboard.channel, timestamptz) IS
  'The rules of the law for a channel at an instant: of each region, channel and rule the one that counts.';
REVOKE ALL ON FUNCTION switchboard._rules_in_force(switchboard.channel, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._region_covers(region text, place text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
AS $$ SELECT region OPERATOR(pg_catalog.=) ANY (ARRAY['*', place, pg_catalog.split_part(place, '-', 1)]) $$;
COMMENT ON FUNCTION switchboard._region_covers(text, text) IS
  'Whether what is ruled in a region (*, a country or a subdivision) holds at a place (a country or a subdivision).';
REVOKE ALL ON FUNCTION switchboard._region_covers(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_compliance_rule()
RETURNS trigger
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM switchboard._check_rule(new.rule, new.parameters);
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_compliance_rule() IS 'Trigger on compliance_rules: refuses rules that nobody can follow (22023).';
REVOKE ALL ON FUNCTION switchboard._check_compliance_rule() FROM PUBLIC;

CREATE OR REPLACE TRIGGER compliance_rules_check BEFORE INSERT OR UPDATE ON switchboard.compliance_rules
  FOR EACH ROW EXECUTE FUNCTION switchboard._check_compliance_rule();
COMMENT ON TRIGGER compliance_rules_check ON switchboard.compliance_rules IS 'Refuses rules that nobody can follow.';

CREATE OR REPLACE FUNCTION switchboard._check_override()
RETURNS trigger
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the parts are internal. It says nothing about other tenants' rows.
-- The owner of the extension, who has no identity, says himself what relaxes: so does a restored dump.
DECLARE
  superseded text;
BEGIN
  PERFORM switchboard._check_rule(new.rule, new.parameters);
  SELECT r.region INTO superseded
  FROM switchboard.compliance_rules r
  WHERE r.rule = new.rule AND switchboard._region_covers(r.region, new.region)
    AND (new.channel IS NULL OR r.channel IS NULL OR r.channel = new.channel)
    AND EXISTS (SELECT FROM switchboard._rules_in_force(r.channel, now()) f
                WHERE f.region = r.region AND f.rule = r.rule AND f.version = r.version AND f.builtin = r.builtin
                  AND f.channel IS NOT DISTINCT FROM r.channel)
    AND NOT switchboard._rule_within(new.rule, new.parameters, r.parameters)
  LIMIT 1;
  IF superseded IS NOT NULL AND switchboard.current_tenant_id() IS NOT NULL AND NOT switchboard._is_admin() THEN
    RAISE EXCEPTION 'only admins may set a % laxer than the rule for %', new.rule, superseded
      USING ERRCODE = '42501', HINT = 'See switchboard.compliance_rules. Stricter ones are for supervisors too.';
  END IF;
  IF switchboard.current_tenant_id() IS NOT NULL OR new.relaxes IS NULL THEN
    new.relaxes := superseded IS NOT NULL;
  END IF;
  RETURN new;
END
$$;
COMMENT ON FUNCTION switchboard._check_override() IS
  'Trigger on compliance_overrides: 22023 for what nobody can follow, 42501 for a laxer rule that no admin sets; keeps relaxes.';
REVOKE ALL ON FUNCTION switchboard._check_override() FROM PUBLIC;

CREATE OR REPLACE TRIGGER compliance_overrides_check BEFORE INSERT OR UPDATE ON switchboard.compliance_overrides
  FOR EACH ROW EXECUTE FUNCTION switchboard._check_override();
COMMENT ON TRIGGER compliance_overrides_check ON switchboard.compliance_overrides IS 'Laxer rules are for admins.';

CREATE OR REPLACE FUNCTION switchboard._audit_override()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the application may not write the audit log. An INSERT as a restore makes it, by the owner and with its own
-- created_at, is no news: the log is restored too.
DECLARE
  before jsonb := CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) END;
  after  jsonb := CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) END;
  row_is switchboard.compliance_overrides := coalesce(new, old);
BEGIN
  IF tg_op = 'INSERT' AND switchboard.current_tenant_id() IS NULL AND new.created_at <> now()
     OR tg_op = 'DELETE' AND NOT EXISTS (SELECT FROM switchboard.tenants t WHERE t.id = old.tenant_id) THEN
    RETURN NULL;
  END IF;
  PERFORM switchboard._audit(row_is.tenant_id, 'compliance-override', 'compliance_override:' || row_is.id,
    jsonb_strip_nulls(jsonb_build_object('step', lower(tg_op), 'before', before - 'tenant_id', 'after', after - 'tenant_id')));
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._audit_override() IS 'Trigger on compliance_overrides: every change goes to the audit log.';
REVOKE ALL ON FUNCTION switchboard._audit_override() FROM PUBLIC;

CREATE OR REPLACE TRIGGER compliance_overrides_audit AFTER INSERT OR UPDATE OR DELETE ON switchboard.compliance_overrides
  FOR EACH ROW EXECUTE FUNCTION switchboard._audit_override();
COMMENT ON TRIGGER compliance_overrides_audit ON switchboard.compliance_overrides IS 'Who departs from the rules is on record.';
