-- The rules shipped. Install and update run this file alike; each release states the whole list, old versions included, because
-- evidence refers to them: a rule that changes gets a row with the next version. "not verified" marks what was not compared with
-- the text of the law. Nothing here is legal advice.

CREATE OR REPLACE FUNCTION switchboard._us_holidays(first_year int, last_year int)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Fixed days, then the nth Monday (4th Thursday in November) counted from the earliest day of the month that it can be.
  SELECT jsonb_agg(d.day ORDER BY d.day)
  FROM generate_series(first_year, last_year) AS y
  CROSS JOIN LATERAL (
    SELECT make_date(y, f.month, f.day) FROM (VALUES (1, 1), (6, 19), (7, 4), (11, 11), (12, 25)) AS f (month, day)
    UNION ALL
    SELECT make_date(y, f.month, f.earliest) + (f.weekday - extract(isodow FROM make_date(y, f.month, f.earliest))::int + 7) % 7
    FROM (VALUES (1, 15, 1), (2, 15, 1), (5, 25, 1), (9, 1, 1), (10, 8, 1), (11, 22, 4)) AS f (month, earliest, weekday)
  ) AS d (day)
$$;
COMMENT ON FUNCTION switchboard._us_holidays(int, int) IS 'Federal holidays of the United States, ["2026-01-01", ...].';
REVOKE ALL ON FUNCTION switchboard._us_holidays(int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._shipped_rules()
RETURNS TABLE (region text, channel switchboard.channel, rule text, version int, parameters jsonb, source text, source_date date)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  WITH windows (region, parameters, source, source_date) AS (VALUES
    ('*',  '{"start":"08:00","end":"21:00"}'::jsonb, 'default of pg_switchboard: the hours of 16 CFR 310.4(c), everywhere', date '2025-11-01'),
    ('US', '{"start":"08:00","end":"21:00"}', '16 CFR 310.4(c); 47 CFR 64.1200(c)(1)', '2025-11-01'),
    ('CA', '{"mon":[["09:00","21:30"]],"tue":[["09:00","21:30"]],"wed":[["09:00","21:30"]],"thu":[["09:00","21:30"]],
             "fri":[["09:00","21:30"]],"sat":[["10:00","18:00"]],"sun":[["10:00","18:00"]]}',
           'CRTC Unsolicited Telecommunications Rules, part III (not verified)', '2025-11-01'),
    ('IN', '{"start":"10:00","end":"21:00"}', 'TRAI TCCCPR 2018 (not verified)', '2025-11-01'),
    ('FR', '{"mon":[["10:00","13:00"],["14:00","20:00"]],"tue":[["10:00","13:00"],["14:00","20:00"]],
             "wed":[["10:00","13:00"],["14:00","20:00"]],"thu":[["10:00","13:00"],["14:00","20:00"]],
             "fri":[["10:00","13:00"],["14:00","20:00"]]}', 'Decree 2022-1313 (not verified)', '2025-11-01'),
    ('AU', '{"mon":[["09:00","20:00"]],"tue":[["09:00","20:00"]],"wed":[["09:00","20:00"]],"thu":[["09:00","20:00"]],
             "fri":[["09:00","20:00"]],"sat":[["09:00","17:00"]]}',
           'Telecommunications (Telemarketing and Research Calls) Industry Standard 2017 (not verified)', '2025-11-01'),
    ('US-FL', '{"start":"08:00","end":"20:00"}', 'Fla. Stat. 501.616(6)(a); chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-MD', '{"start":"08:00","end":"20:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-MA', '{"start":"08:00","end":"20:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-OK', '{"start":"08:00","end":"20:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-CT', '{"start":"09:00","end":"20:00"}', 'chart of dropcowboy.com/state-compliance (that of clickpointsoftware.com says 21:00)', '2025-11-01'),
    ('US-NV', '{"start":"09:00","end":"20:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-KY', '{"start":"10:00","end":"21:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-MI', '{"start":"09:00","end":"21:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-MN', '{"start":"09:00","end":"21:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-NM', '{"start":"09:00","end":"21:00"}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-MS', '{"start":"08:00","end":"20:00","days":["mon","tue","wed","thu","fri","sat"]}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-AL', '{"start":"08:00","end":"20:00","days":["mon","tue","wed","thu","fri","sat"]}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-LA', '{"start":"08:00","end":"20:00","days":["mon","tue","wed","thu","fri","sat"]}', 'chart of dropcowboy.com/state-compliance', '2025-11-01'),
    ('US-RI', '{"mon":[["09:00","18:00"]],"tue":[["09:00","18:00"]],"wed":[["09:00","18:00"]],"thu":[["09:00","18:00"]],
                "fri":[["09:00","18:00"]],"sat":[["10:00","17:00"]]}',
              'chart of dropcowboy.com/state-compliance; hours of Saturday not verified', '2025-11-01')
  ), others (region, rule, parameters, source, source_date) AS (VALUES
    ('US-AL', 'holidays', jsonb_build_object('holidays', switchboard._us_holidays(2025, 2040)),
     'chart of dropcowboy.com/state-compliance; the federal holidays', date '2025-11-01'),
    ('US-LA', 'holidays', jsonb_build_object('holidays', switchboard._us_holidays(2025, 2040)),
     'chart of dropcowboy.com/state-compliance; the federal holidays', '2025-11-01'),
    ('*', 'frequency_cap', '{"per_day":5,"per_7_days":12,"manual_per_day":20,"manual_per_7_days":50}', 'default of pg_switchboard', '2025-11-01'),
    ('US-FL', 'frequency_cap', '{"per_24_hours":3}', 'Fla. Stat. 501.616(6)(b)', '2025-11-01'),
    ('US-OK', 'frequency_cap', '{"per_24_hours":3}', 'Okla. Stat. 15 s. 775C.4', '2025-11-01'),
    ('*', 'abandon_lockout', '{"hours":24}', 'default of pg_switchboard', '2025-11-01'),
    ('GB', 'abandon_lockout', '{"hours":72}', 'Ofcom, statement of policy on persistent misuse, 2016', '2025-11-01'),
    ('US', 'artificial_voice_consent', '{"required":true}', '47 CFR 64.1200(a)(1) to (3); FCC 24-17', '2024-02-08'),
    ('CA', 'artificial_voice_consent', '{"required":true}', 'CRTC Unsolicited Telecommunications Rules, part IV (not verified)', '2025-11-01'),
    ('GB', 'artificial_voice_consent', '{"required":true}', 'Privacy and Electronic Communications Regulations 2003, reg. 19 (not verified)', '2025-11-01'),
    ('IN', 'artificial_voice_consent', '{"required":true}', 'TRAI TCCCPR 2018 (not verified)', '2025-11-01')
  ), union_members (region) AS (
    SELECT unnest('{AT,BE,BG,CY,CZ,DE,DK,EE,ES,FI,FR,GR,HR,HU,IE,IT,LT,LU,LV,MT,NL,PL,PT,RO,SE,SI,SK}'::text[])
  )
  SELECT w.region, 'voice'::switchboard.channel, 'calling_window', 1, w.parameters, w.source, w.source_date FROM windows w
  UNION ALL
  SELECT o.region, 'voice', o.rule, 1, o.parameters, o.source, o.source_date FROM others o
  UNION ALL
  SELECT u.region, 'voice', 'artificial_voice_consent', 1, '{"required":true}', 'Directive 2002/58/EC, article 13(1)', '2009-11-25'
  FROM union_members u
$$;
COMMENT ON FUNCTION switchboard._shipped_rules() IS 'The rows of compliance_rules that this version ships, with their sources.';
REVOKE ALL ON FUNCTION switchboard._shipped_rules() FROM PUBLIC;

INSERT INTO switchboard.compliance_rules AS r (region, channel, rule, version, parameters, source, source_date, builtin)
SELECT s.region, s.channel, s.rule, s.version, s.parameters, s.source, s.source_date, true FROM switchboard._shipped_rules() s
ON CONFLICT (region, channel, rule, version, builtin) DO UPDATE
SET parameters = excluded.parameters, source = excluded.source, source_date = excluded.source_date
WHERE (r.parameters, r.source, r.source_date) IS DISTINCT FROM (excluded.parameters, excluded.source, excluded.source_date);

DELETE FROM switchboard.compliance_rules r
WHERE r.builtin AND NOT EXISTS (
  SELECT FROM switchboard._shipped_rules() s
  WHERE s.region = r.region AND s.rule = r.rule AND s.version = r.version AND s.channel IS NOT DISTINCT FROM r.channel);
