-- Reports: each figure against a case that can be worked out by hand, who sees what, and what is refused.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();

INSERT INTO switchboard.tenants (name, timezone, currency) VALUES ('acme', 'America/New_York', 'USD') RETURNING id AS tenant \gset
CREATE ROLE sb_reports_agent LOGIN IN ROLE switchboard_app;
CREATE ROLE sb_reports_boss LOGIN IN ROLE switchboard_app;
INSERT INTO switchboard.users (tenant_id, name, login_role) VALUES (:'tenant', 'ann', 'sb_reports_agent') RETURNING id AS ann \gset
INSERT INTO switchboard.users (tenant_id, name) VALUES (:'tenant', 'bob') RETURNING id AS bob \gset
INSERT INTO switchboard.users (tenant_id, name, role, login_role) VALUES (:'tenant', 'boss', 'supervisor', 'sb_reports_boss');
INSERT INTO switchboard.campaigns (tenant_id, user_id, name) VALUES (:'tenant', NULL, 'spring') RETURNING id AS campaign \gset

-- Rates.
SELECT is(switchboard._rate(0, 0), '{"numerator": 0, "denominator": 0, "rate": null, "low": null, "high": null}', 'no rate of nothing');
SELECT is(switchboard._rate(1, 10) - 'numerator' - 'denominator', '{"rate": 0.1000, "low": 0.0179, "high": 0.4042}', 'Wilson of 1 in 10');
SELECT is(switchboard._rate(0, 5) ->> 'high', '0.4345', 'of 0 in 5');
SELECT is(switchboard._rate(5, 5) ->> 'low', '0.5655', 'of 5 in 5');

-- A list of six, four of them called; ten calls, some before the last 30 days.
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, status, attempts)
SELECT :'tenant', :'campaign', '+1202555010' || n, CASE n WHEN 6 THEN 'do-not-call'::switchboard.campaign_contact_status ELSE 'pending' END,
       CASE WHEN n <= 4 THEN 1 ELSE 0 END FROM generate_series(1, 6) n;
INSERT INTO switchboard.call_logs (tenant_id, user_id, campaign_id, status, duration, started_at, answered_at, answered_by, abandoned, direction, cost, cost_currency)
VALUES
  (:'tenant', :'ann', :'campaign', 'completed', 60, '2026-06-10 13:00+00', '2026-06-10 13:00+00', 'human', false, 'outbound', 0.10, NULL),
  (:'tenant', :'ann', :'campaign', 'completed', 30, '2026-06-10 13:10+00', '2026-06-10 13:10+00', NULL, false, 'outbound', 0.20, 'USD'),
  (:'tenant', NULL, :'campaign', 'completed', 3, '2026-06-10 13:20+00', '2026-06-10 13:20+00', 'human', true, 'outbound', 0.05, 'EUR'),
  (:'tenant', NULL, :'campaign', 'completed', 9, '2026-06-11 03:59+00', '2026-06-11 03:59+00', 'machine', true, 'outbound', NULL, NULL),
  (:'tenant', :'bob', :'campaign', 'completed', 9, '2026-06-11 04:00+00', '2026-06-11 04:00+00', 'human', false, 'outbound', NULL, NULL),
  (:'tenant', NULL, :'campaign', 'no-answer', 0, '2026-06-11 05:00+00', NULL, NULL, false, 'outbound', NULL, NULL),
  (:'tenant', NULL, :'campaign', 'canceled', 0, '2026-06-11 05:00+00', NULL, NULL, false, 'outbound', NULL, NULL),
  (:'tenant', NULL, :'campaign', 'completed', 5, '2026-03-01 12:00+00', '2026-03-01 12:00+00', 'human', true, 'outbound', NULL, NULL),
  (:'tenant', :'ann', NULL, 'completed', 100, '2026-06-10 14:00+00', '2026-06-10 14:00+00', 'human', false, 'outbound', NULL, NULL);
INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (:'tenant', '+12025550101') RETURNING id AS contact \gset
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, campaign_id, redeemed_at, redeemed_amount)
VALUES (:'tenant', 'A', 10, :'campaign', now(), 1.00), (:'tenant', 'B', 10, :'campaign', now(), 0.20), (:'tenant', 'C', 10, :'campaign', NULL, NULL),
       (:'tenant', 'D', 10, NULL, now(), 99);
INSERT INTO switchboard.call_triggers (tenant_id, campaign_id, contact_id, trigger_type) VALUES (:'tenant', :'campaign', :'contact', 'promotion');

SET SESSION AUTHORIZATION sb_reports_boss;
SELECT switchboard.campaign_report(:'campaign', '2026-06-11 12:00+00') AS report \gset
SELECT is(:'report'::jsonb -> figure, wanted::jsonb, 'campaign_report: ' || figure)
FROM (VALUES ('triggers', '1'), ('listed', '6'), ('eligible', '5'), ('contacted', '4'), ('calls', '8'), ('answered', '6'), ('live', '5'),
             ('talkSeconds', '116'), ('converted', '2'), ('revenue', '1.20'), ('cost', '0.3000'), ('otherCosts', '{"EUR": 0.0500}'),
             ('roi', '3.0000'), ('currency', '"USD"'), ('timezone', '"America/New_York"'), ('campaignId', to_json(:'campaign'::text)::text)) w (figure, wanted);
SELECT is((:'report'::jsonb -> 'abandonRate') - ARRAY['low', 'high'], '{"numerator": 1, "denominator": 4, "rate": 0.2500}', 'abandoned of live, 30 days');
SELECT is((:'report'::jsonb -> 'penetration') - ARRAY['low', 'high'], '{"numerator": 4, "denominator": 6, "rate": 0.6667}', 'called of listed');
SELECT is((:'report'::jsonb #> '{bestHours,0}') - ARRAY['low', 'high'], '{"hour": 9, "numerator": 3, "denominator": 3, "rate": 1.0000}', 'the best hour, of the tenant''s clock');
SELECT results_eq(format('SELECT day::text, live, abandoned, rate FROM switchboard.abandon_rate(%L, 3, ''2026-06-11 12:00+00'')', :'campaign'),
  $$VALUES (NULL, 4::bigint, 1::bigint, 0.2500), ('2026-06-11', 1, 0, 0.0000), ('2026-06-10', 3, 1, 0.3333), ('2026-06-09', 0, 0, NULL)$$,
  'abandoned by day, machines left out, midnight in New York');
SELECT throws_ok(format('SELECT * FROM switchboard.abandon_rate(%L, %s)', :'campaign', days), '22023', NULL, 'days: ' || days)
FROM unnest(ARRAY['0', '-1', '367', 'NULL']) days;
SELECT throws_ok('SELECT * FROM switchboard.abandon_rate(NULL)', 'P0002', NULL, 'abandon_rate of no campaign');
SELECT throws_ok('SELECT * FROM switchboard.abandon_rate(switchboard.uuid_v7())', 'P0002', NULL, 'of an unknown one');
SELECT throws_ok('SELECT switchboard.campaign_report(switchboard.uuid_v7())', 'P0002', NULL, 'report of an unknown campaign');
SELECT throws_ok('SELECT switchboard.campaign_report(NULL)', 'P0002', NULL, 'of none');
SET SESSION AUTHORIZATION sb_reports_agent;
SELECT is(jsonb_build_array(r -> 'calls', r -> 'live', r -> 'abandonRate' -> 'denominator', r -> 'cost'), '[7, 4, 3, 0.3000]',
          'an agent gets own and unassigned calls') FROM switchboard.campaign_report(:'campaign', '2026-06-11 12:00+00') r;
RESET SESSION AUTHORIZATION;

-- Triggered calls, coupons and what they brought. Three people: one on the list and called there, one on it, one who is not.
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, settings) VALUES (:'tenant', NULL, 'drop', '{"cost_per_minute": 0.05}') RETURNING id AS drop \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number)
SELECT :'tenant', '+1202555020' || n FROM generate_series(1, 6) n;
CREATE TEMP TABLE person AS SELECT right(phone_number, 1)::int AS n, id, phone_number FROM switchboard.contacts WHERE phone_number LIKE '+1202555020_';
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, attempts, status)
SELECT :'tenant', :'drop', p.phone_number, CASE p.n WHEN 1 THEN 1 ELSE 0 END, CASE p.n WHEN 4 THEN 'do-not-call'::switchboard.campaign_contact_status ELSE 'pending' END
FROM person p WHERE p.n IN (1, 2, 4);
INSERT INTO switchboard.products (tenant_id, name, price, currency) VALUES (:'tenant', 'abroad', 10, 'EUR') RETURNING id AS abroad \gset
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, campaign_id, redeemed_at, redeemed_amount, currency)
SELECT :'tenant', 'R' || c.n, c.discount, p.id, :'drop', CASE WHEN c.redeemed THEN now() END, c.paid, c.currency
FROM (VALUES (1, 1, 15, true, 849.99, NULL), (2, 2, 20, true, 80, NULL), (3, 3, 15, false, NULL, NULL), (4, 5, 100, true, 0, NULL), (5, 6, 10, true, 9, 'EUR'),
             (6, 1, 10, true, NULL, NULL)) c (n, person, discount, redeemed, paid, currency)
JOIN person p ON p.n = c.person;
INSERT INTO switchboard.call_triggers (tenant_id, campaign_id, contact_id, trigger_type, status, attempts, original_price, new_price, coupon_id)
SELECT :'tenant', :'drop', p.id, 'price_drop', g.status::switchboard.call_trigger_status, g.attempts, g.before, g.after,
       (SELECT u.id FROM switchboard.coupons u WHERE u.code = g.coupon)
FROM (VALUES (1, 'completed', 1, 999.99, 849.99, 'R1'), (1, 'failed', 2, NULL, NULL, NULL), (2, 'completed', 1, NULL, NULL, NULL), (3, 'canceled', 0, 20, 17, 'R3'),
             (5, 'scheduled', 0, 50, 0, 'R4')) g (n, status, attempts, before, after, coupon)
JOIN person p USING (n);
INSERT INTO switchboard.trigger_runs (tenant_id, campaign_id, trigger_type, triggered, skipped)
VALUES (:'tenant', :'drop', 'price_drop', 4, '{"refunded": 2, "do-not-call": 1}'), (:'tenant', :'drop', 'price_drop', 0, '{"already-triggered": 4, "refunded": 1}'),
       (:'tenant', :'campaign', 'price_drop', 0, '{"refunded": 9}');
INSERT INTO switchboard.call_logs (tenant_id, user_id, campaign_id, status, duration, answered_at, cost, cost_currency)
VALUES (:'tenant', NULL, :'drop', 'completed', 61, now(), NULL, NULL), (:'tenant', NULL, :'drop', 'completed', 60, now(), NULL, NULL), (:'tenant', NULL, :'drop', 'completed', 1, now(), 0.3, NULL),
       (:'tenant', NULL, :'drop', 'no-answer', 0, NULL, NULL, NULL), (:'tenant', NULL, :'drop', 'completed', 600, now(), 0, 'USD'), (:'tenant', NULL, :'drop', 'completed', 60, now(), 2, 'GBP');
SET SESSION AUTHORIZATION sb_reports_boss;
SELECT switchboard.campaign_report(:'drop') AS report \gset
SELECT is(:'report'::jsonb -> figure, wanted::jsonb, 'campaign_report: ' || figure)
FROM (VALUES ('triggers', '5'), ('triggerStatus', '{"scheduled": 1, "calling": 0, "completed": 2, "failed": 1, "canceled": 1}'),
             ('triggerSkips', '{"refunded": 3, "do-not-call": 1, "already-triggered": 4}'), ('listed', '3'), ('eligible', '4'), ('contacted', '2'),
             ('couponsGiven', '6'), ('converted', '5'), ('revenue', '929.99'), ('otherRevenue', '{"EUR": 9.00}'), ('couponValue', '220.00'),
             ('reckonedCost', '0.15'), ('cost', '0.45'), ('otherCosts', '{"GBP": 2}'), ('roi', '2065.6444'), ('answered', '5')) w (figure, wanted);
SELECT is((:'report'::jsonb -> rate) - ARRAY['low', 'high'], wanted::jsonb, 'campaign_report: ' || rate)
FROM (VALUES ('conversionRate', '{"numerator": 2, "denominator": 2, "rate": 1}'), ('redemptionRate', '{"numerator": 5, "denominator": 6, "rate": 0.8333}'),
             ('penetration', '{"numerator": 1, "denominator": 3, "rate": 0.3333}')) w (rate, wanted);
RESET SESSION AUTHORIZATION;
UPDATE switchboard.campaigns SET settings = '{}' WHERE id = :'drop';
SELECT is(switchboard.campaign_report(:'drop') -> 'cost', '0.3', 'without a price of a minute only what is charged counts');
UPDATE switchboard.tenants SET settings = '{"cost_per_minute": "1"}' WHERE id = :'tenant';
SELECT is(switchboard.campaign_report(:'drop') -> 'cost', '3.3', 'the tenant''s price of a minute');
SELECT is(switchboard._cost_per_minute(c, '{"cost_per_minute": 2}'), wanted, 'cost_per_minute of the campaign: ' || c::text)
FROM (VALUES ('{}'::jsonb, 2), ('{"cost_per_minute": 0}', 0), ('{"cost_per_minute": -1}', 2), ('{"cost_per_minute": "x"}', 2), ('{"cost_per_minute": "0.015"}', 0.015),
             ('{"cost_per_minute": {}}', 2), ('{"cost_per_minute": 1e9}', 2)) v (c, wanted);
UPDATE switchboard.tenants SET settings = '{}' WHERE id = :'tenant';

-- Many triggers, coupons and calls at random: the report is a recount.
SELECT setseed(0.5);
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, settings) VALUES (:'tenant', NULL, 'random', '{"cost_per_minute": 0.02}') RETURNING id AS random \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number) SELECT :'tenant', '+' || 12025560000 + n FROM generate_series(1, 400) n;
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, attempts, status)
SELECT :'tenant', :'random', k.phone_number, (random() * 2)::int, CASE WHEN random() < 0.2 THEN 'do-not-call'::switchboard.campaign_contact_status ELSE 'pending' END
FROM switchboard.contacts k WHERE k.phone_number LIKE '+1202556%' AND random() < 0.4;
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, campaign_id, redeemed_at, redeemed_amount)
SELECT :'tenant', 'X' || k.id, 20, k.id, :'random', CASE WHEN random() < 0.5 THEN now() END, NULL FROM switchboard.contacts k WHERE k.phone_number LIKE '+1202556%' AND random() < 0.5;
UPDATE switchboard.coupons SET redeemed_amount = round((random() * 100)::numeric, 2) WHERE campaign_id = :'random' AND redeemed_at IS NOT NULL;
INSERT INTO switchboard.call_triggers (tenant_id, campaign_id, contact_id, trigger_type, status, attempts, coupon_id)
SELECT :'tenant', :'random', k.id, 'promotion', (enum_range(NULL::switchboard.call_trigger_status))[1 + floor(random() * 5)], floor(random() * 3)::int, u.id
FROM switchboard.contacts k LEFT JOIN switchboard.coupons u ON u.contact_id = k.id, generate_series(1, 2) WHERE k.phone_number LIKE '+1202556%' AND random() < 0.6;
INSERT INTO switchboard.call_logs (tenant_id, user_id, campaign_id, status, duration, cost)
SELECT :'tenant', NULL, :'random', 'completed', floor(random() * 300)::int, CASE WHEN random() < 0.5 THEN round(random()::numeric, 4) END FROM generate_series(1, 300);
CREATE TEMP VIEW crowd AS
SELECT k.id, l.id IS NOT NULL AS listed, l.status, coalesce(l.attempts, 0) > 0 AS tried,
       coalesce((SELECT sum(g.attempts) FROM switchboard.call_triggers g WHERE g.contact_id = k.id), 0) > 0 AS called,
       EXISTS (SELECT FROM switchboard.call_triggers g WHERE g.contact_id = k.id) AS triggered,
       EXISTS (SELECT FROM switchboard.coupons u WHERE u.contact_id = k.id AND u.redeemed_at IS NOT NULL) AS bought
FROM switchboard.contacts k LEFT JOIN switchboard.campaign_contacts l ON l.phone_number = k.phone_number
WHERE k.phone_number LIKE '+1202556%';
SELECT is(r -> w.figure, w.wanted, 'a recount: ' || w.figure)
FROM switchboard.campaign_report(:'random') r, LATERAL (
  SELECT 'eligible' AS figure, to_jsonb(count(*) FILTER (WHERE listed AND status <> 'do-not-call' OR triggered AND NOT listed)) AS wanted FROM crowd
  UNION ALL SELECT 'contacted', to_jsonb(count(*) FILTER (WHERE tried OR called)) FROM crowd
  UNION ALL SELECT 'conversionRate', switchboard._rate(count(*) FILTER (WHERE bought AND (tried OR called)), count(*) FILTER (WHERE tried OR called)) FROM crowd
  UNION ALL SELECT 'triggers', to_jsonb(count(*)) FROM switchboard.call_triggers WHERE campaign_id = :'random'
  UNION ALL SELECT 'couponsGiven', to_jsonb(count(*)) FROM switchboard.coupons WHERE campaign_id = :'random'
  UNION ALL SELECT 'revenue', to_jsonb(sum(redeemed_amount)) FROM switchboard.coupons WHERE campaign_id = :'random'
  UNION ALL SELECT 'couponValue', to_jsonb(round(sum(redeemed_amount) / 4, 2)) FROM switchboard.coupons WHERE campaign_id = :'random'
  UNION ALL SELECT 'cost', to_jsonb(sum(coalesce(cost, ((duration + 59) / 60) * 0.02))) FROM switchboard.call_logs WHERE campaign_id = :'random') w;
DELETE FROM switchboard.call_logs WHERE campaign_id IN (:'drop', :'random');

-- An agent's day: 09:00 available, 10:00 busy, 10:30 wrap-up set to end at 10:40 into a pause, which lasts.
INSERT INTO switchboard.agent_states (tenant_id, user_id, state, reason, started_at, ended_at, ends_at, next_state, next_reason) VALUES
  (:'tenant', :'ann', 'offline', NULL, '2026-06-09 00:00+00', '2026-06-10 13:00+00', NULL, NULL, NULL),
  (:'tenant', :'ann', 'available', NULL, '2026-06-10 13:00+00', '2026-06-10 14:00+00', NULL, NULL, NULL),
  (:'tenant', :'ann', 'busy', NULL, '2026-06-10 14:00+00', '2026-06-10 14:30+00', NULL, NULL, NULL),
  (:'tenant', :'ann', 'wrap_up', NULL, '2026-06-10 14:30+00', NULL, '2026-06-10 14:40+00', 'paused', 'lunch');
INSERT INTO switchboard.call_dispositions (tenant_id, call_id, user_id, disposition, created_at)
SELECT :'tenant', c.id, :'ann', 'interested', '2026-06-10 14:35+00' FROM switchboard.call_logs c WHERE c.user_id = :'ann';
SET SESSION AUTHORIZATION sb_reports_boss;
SELECT switchboard.agent_report('2026-06-10 13:30+00', '2026-06-10 15:00+00') AS report \gset
SELECT is(jsonb_array_length(:'report'::jsonb -> 'agents'), 1, 'only who was there');
SELECT is(:'report'::jsonb #> ARRAY['agents', '0', figure], wanted::jsonb, 'agent_report: ' || figure)
FROM (VALUES ('name', '"ann"'), ('loggedInSeconds', '5400'), ('availableSeconds', '1800'), ('busySeconds', '1800'), ('wrapUpSeconds', '600'),
             ('averageWrapUpSeconds', '600'), ('pausedSeconds', '1200'), ('pauses', '{"lunch": 1200}'), ('occupancy', '0.5714'),
             ('calls', '1'), ('answeredCalls', '1'), ('talkSeconds', '100'), ('averageTalkSeconds', '100'), ('callsPerHour', '0.67'),
             ('dispositions', '{"interested": 3}')) w (figure, wanted);
SELECT is(switchboard.agent_report('2026-06-10', '2026-06-12', :'bob') #> '{agents,0,calls}', '1', 'one agent');
SELECT throws_ok('SELECT switchboard.agent_report(NULL, NULL, switchboard.uuid_v7())', 'P0002', NULL, 'unknown user');
SELECT throws_ok($$SELECT switchboard.agent_report('2026-02-01', '2026-01-01')$$, '22023', NULL, 'start after end');
SELECT is(switchboard.agent_report() #>> '{from}', to_jsonb(date_trunc('day', now(), 'America/New_York')) #>> '{}', 'today of the tenant by default');
SET SESSION AUTHORIZATION sb_reports_agent;
SELECT is(jsonb_path_query_array(switchboard.agent_report('2026-06-10', '2026-06-12'), '$.agents[*].name'), '["ann"]', 'agents see themselves');
SELECT throws_ok(format('SELECT switchboard.agent_report(NULL, NULL, %L)', :'bob'), '42501', NULL, 'and nobody else');
RESET SESSION AUTHORIZATION;

-- Waiting callers: answered after 10 and 30 s, given up after 3, 15 and 60 s, one still waits.
INSERT INTO switchboard.call_logs (tenant_id, direction, started_at, queued_at, connected_at, ended_at)
SELECT :'tenant', 'inbound', q, q, q + answered * interval '1 second', q + coalesce(answered + 100, lost) * interval '1 second'
FROM (VALUES (10, NULL::int), (30, NULL), (NULL, 3), (NULL, 15), (NULL, 60), (NULL, NULL)) c (answered, lost), (SELECT '2026-06-10 12:00+00'::timestamptz AS q) q;
SET SESSION AUTHORIZATION sb_reports_boss;
SELECT switchboard.service_level('2026-06-10', '2026-06-11') AS level \gset
SELECT is(:'level'::jsonb -> figure, wanted::jsonb, 'service_level: ' || figure)
FROM (VALUES ('offered', '6'), ('answered', '2'), ('abandoned', '3'), ('waiting', '1'), ('answeredInTime', '1'), ('shortAbandons', '1'),
             ('averageSpeedOfAnswer', '20.0'), ('thresholdSeconds', '20')) w (figure, wanted);
SELECT is((:'level'::jsonb -> variant) - ARRAY['low', 'high', 'rate'], format('{"numerator": %s, "denominator": %s}', n, d)::jsonb, 'service_level: ' || variant)
FROM (VALUES ('serviceLevel', 1, 4), ('ofAnswered', 1, 2), ('ofAnsweredAndAbandoned', 3, 5), ('ofOffered', 1, 6), ('abandonRate', 2, 4)) v (variant, n, d);
SELECT is(switchboard.service_level('2026-06-10', '2026-06-11', 30) -> 'answeredInTime', '2', 'another threshold');
SELECT is(switchboard.service_level(NULL, NULL, 20, :'campaign') -> 'offered', '0', 'another campaign');
SELECT throws_ok('SELECT switchboard.service_level(NULL, NULL, -1)', '22023', NULL, 'no negative threshold');
SELECT throws_ok('SELECT switchboard.service_level(NULL, NULL, NULL)', '22023', NULL, 'nor none');
SELECT throws_ok($$SELECT switchboard.service_level('2026-02-01', '2026-01-01')$$, '22023', NULL, 'start after end');
SELECT throws_ok('SELECT switchboard.service_level(NULL, NULL, 20, switchboard.uuid_v7())', 'P0002', NULL, 'unknown campaign');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
