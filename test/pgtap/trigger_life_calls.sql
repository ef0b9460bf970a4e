-- What becomes of triggered calls that are made directly: sent, put off or canceled at the last moment, tried again, concluded.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/trigger_life.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.hello();
SELECT test_dialer.new_campaign(:'tenant', '{}', type => 'manual', max_attempts => 2) AS campaign \gset
SELECT test_triggers.new_product(:'tenant') AS product \gset
SELECT test_triggers.new_contact(:'tenant', 0) AS alice \gset

-- A call that is made and completed.
SELECT test_triggers.make(:'tenant', :'campaign', :'alice', :'product') AS t \gset
SELECT is(waits, true, 'a call that waits takes no line') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t');
SELECT is(priority, 2, 'its job is as urgent as the trigger') FROM switchboard.jobs_open WHERE subject_id = test_triggers.call_of(:'t');
SELECT is(array_agg(s), ARRAY[test_triggers.call_of(:'t')], 'it is sent') FROM test_triggers.send() s;
SELECT is(test_triggers.state(:'t'), 'calling 1 initiated', 'which is its first attempt');
SELECT is((waits, dialed_at IS NOT NULL, started_at = dialed_at), (false, true, true), 'and the time at which the call begins')
  FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t');
SELECT is((SELECT plan ->> 'text' FROM switchboard._answer_plan(test_triggers.call_of(:'t'), 'human', now()) plan), 'Hello {{not a template}}',
          'the script of the package is said, not read as a template');
SELECT is(test_triggers.end_call(test_triggers.call_of(:'t'), 'completed', '&CallDuration=40'), 200, 'the provider says that it is over');
SELECT is(test_triggers.state(:'t'), 'completed 1 completed', 'and so is the trigger');

-- Nobody answers: a further try, then failed.
SELECT test_triggers.make(:'tenant', :'campaign', :'alice', :'product') AS t \gset
SELECT test_triggers.call_of(:'t') AS first \gset
SELECT is(count(*), 1::bigint, 'another one is sent') FROM test_triggers.send();
SELECT test_triggers.end_call(:'first', 'no-answer');
SELECT is(test_triggers.state(:'t'), 'scheduled 1 initiated', 'nobody answers: it is scheduled again');
SELECT isnt(test_triggers.call_of(:'t'), :'first'::uuid, 'as a new call');
SELECT is((SELECT jsonb_build_array(c.to_number, c.lead_id, c.campaign_id, c.account_id IS NOT NULL, c.from_number, j.priority)
           FROM switchboard.call_logs c JOIN switchboard.jobs_open j ON j.subject_id = c.id WHERE c.id = test_triggers.call_of(:'t')),
          jsonb_build_array('+12025550100', :'alice', :'campaign', true, '+12015550100', 2), 'to the same person, with a job');
SELECT is(count(*), 1::bigint, 'which is made') FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'busy');
SELECT is(test_triggers.state(:'t'), 'failed busy 2 busy', 'its attempts are used up: the last outcome is the reason');

-- Without campaign: three tries, an hour apart.
SELECT test_triggers.make(:'tenant', NULL, :'alice', :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'no-answer');
SELECT is(jsonb_build_array(status, attempts, scheduled_at > now() + interval '59 minutes', scheduled_at < now() + interval '61 minutes'),
          '["scheduled", 1, true, true]', 'without campaign the next try is an hour later') FROM switchboard.call_triggers WHERE id = :'t';
SELECT is(count(*), 0::bigint, 'and not before') FROM test_triggers.send();
UPDATE switchboard.call_triggers SET attempts = 2 WHERE id = :'t';
UPDATE switchboard.jobs_open SET run_at = now() WHERE subject_id = test_triggers.call_of(:'t');
SELECT is(count(*), 1::bigint, 'then it is made') FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'no-answer');
SELECT is(test_triggers.state(:'t'), 'failed no-answer 3 no-answer', 'and the third is the last');

-- Whatever ends it at the last moment.
CREATE SEQUENCE pg_temp.others;
CREATE FUNCTION pg_temp.refused(what text, setup text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant   uuid := switchboard.current_tenant_id();
  campaign uuid := test_dialer.new_campaign(tenant, '{}', type => 'manual');
  product  uuid := test_triggers.new_product(tenant);
  contact  uuid := test_triggers.new_contact(tenant, 500 + nextval('pg_temp.others')::int);
  t        uuid := test_triggers.make(tenant, campaign, contact, product, more);
  sent     bigint;
BEGIN
  EXECUTE replace(replace(replace(replace(setup, ':trigger', quote_literal(t)), ':campaign', quote_literal(campaign)),
                          ':product', quote_literal(product)), ':contact', quote_literal(contact));
  SELECT count(*) INTO sent FROM test_triggers.send();
  RETURN concat_ws(' ', sent, test_triggers.state(t));
END $$;
SELECT is(pg_temp.refused('', 'SELECT'), '1 calling 1 initiated', 'an offer that stands is called about');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.products SET price = 849.98 WHERE id = :product'), '1 calling 1 initiated',
          'one that has become better, too');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.products SET price = 850 WHERE id = :product'), '0 canceled offer-withdrawn 0 canceled',
          'a price that has risen again: withdrawn');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.products SET price = 2000 WHERE id = :product', '{"type": "promotion"}'),
          '1 calling 1 initiated', 'a promotion is not about the price');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.products SET stock = 0 WHERE id = :product', '{"type": "stock_alert"}'),
          '0 canceled offer-withdrawn 0 canceled', 'sold out again: withdrawn');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.products SET stock = 0 WHERE id = :product'), '1 calling 1 initiated',
          'a price drop is not about the stock');
SELECT is(pg_temp.refused('', 'DELETE FROM switchboard.products WHERE id = :product'), '0 canceled offer-withdrawn 0 canceled', 'no such product any more');
SELECT is(pg_temp.refused('', 'SELECT', jsonb_build_object('valid_until', now() - interval '1 minute')), '0 canceled offer-expired 0 canceled',
          'the coupon has expired');
SELECT is(pg_temp.refused('', 'SELECT', jsonb_build_object('created_at', now() - interval '8 days')), '0 canceled offer-expired 0 canceled',
          'the offer has ended');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.campaigns SET settings = ''{"offer_days": 9}'' WHERE id = :campaign',
                          jsonb_build_object('created_at', now() - interval '8 days')), '1 calling 1 initiated', 'which settings.offer_days puts off');
SELECT is(pg_temp.refused('', 'UPDATE switchboard.coupons c SET redeemed_at = now() FROM switchboard.call_triggers t WHERE t.id = :trigger AND c.id = t.coupon_id',
                          jsonb_build_object('valid_until', now() + interval '1 day')), '0 completed coupon-redeemed 0 canceled', 'the coupon has been redeemed: no call is needed');
SELECT is(pg_temp.refused('', 'INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, refunded_at) VALUES (:contact, :product, 999.99, now())'),
          '0 canceled refunded 0 canceled', 'what was bought has been given back');
SELECT is(pg_temp.refused('', 'INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, refunded_at)
                               VALUES (:contact, :product, 999.99, now()), (:contact, :product, 899.99, NULL)'),
          '1 calling 1 initiated', 'but not all of it');
SELECT is(pg_temp.refused('', 'SELECT switchboard.complete_campaign(:campaign)'), '0 canceled campaign-not-active 0 canceled', 'the campaign is over');
SELECT is(pg_temp.refused('', 'DELETE FROM switchboard.campaigns WHERE id = :campaign'), '0 canceled campaign-not-active 0 canceled', 'the campaign is gone');
SELECT is(pg_temp.refused('', 'INSERT INTO switchboard.do_not_call (phone_number) SELECT phone_number FROM switchboard.contacts WHERE id = :contact'),
          '0 canceled do-not-call 0 canceled', 'do not call');
DELETE FROM switchboard.do_not_call;
SELECT is(pg_temp.refused('', 'DELETE FROM switchboard.contacts WHERE id = :contact'), '0', 'a contact that was erased took the trigger along');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE status = 'initiated' AND waits), 0::bigint, 'and its call is over');
SELECT is(pg_temp.refused('', 'SELECT switchboard.hang_up(test_triggers.call_of(:trigger))'), '0 canceled canceled 0 canceled', 'hung up before it was sent');
SELECT is(pg_temp.refused('', 'SELECT switchboard.cancel_job((SELECT id FROM switchboard.jobs_open WHERE subject_id = test_triggers.call_of(:trigger)))'),
          '0 canceled canceled 0 canceled', 'its job was canceled');

-- Put off.
CREATE FUNCTION pg_temp.put_off(t uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('state', test_triggers.state(t), 'code', j.last_code, 'state_of_job', j.state, 'attempt', j.attempt, 'waits', c.waits,
                            'minutes', round(extract(epoch FROM j.run_at - clock_timestamp()) / 60), 'told', abs(extract(epoch FROM g.scheduled_at - j.run_at)) < 2)
  FROM switchboard.call_triggers g JOIN switchboard.call_logs c ON c.id = g.call_log_id JOIN switchboard.jobs_open j ON j.subject_id = c.id WHERE g.id = t
$$;
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 60), :'product') AS t \gset
SELECT switchboard.pause_campaign(:'campaign');
SELECT is(count(*), 0::bigint, 'calls of a campaign that is paused wait') FROM test_triggers.send();
SELECT is(pg_temp.put_off(:'t') - 'minutes', '{"state": "scheduled 0 initiated", "code": "campaign-paused", "state_of_job": "ready", "attempt": 0, "waits": true, "told": true}',
          'as they did before');
SELECT cmp_ok((pg_temp.put_off(:'t') ->> 'minutes')::int, '>=', 26, 'for a while');
SELECT switchboard.resume_campaign(:'campaign');
SELECT is(count(*), 1::bigint, 'until it goes on') FROM test_triggers.send();
SELECT is(test_triggers.state(:'t'), 'calling 1 initiated', 'and are made');

SELECT test_dialer.new_campaign(:'tenant', '{"max_lines": 2}', type => 'manual') AS lined \gset
CREATE TEMP TABLE five ON COMMIT DROP AS
SELECT n, test_triggers.make(:'tenant', :'lined', test_triggers.new_contact(:'tenant', 70 + n), :'product',
                             jsonb_build_object('priority', CASE n WHEN 4 THEN 'high' ELSE 'low' END)) AS t FROM generate_series(1, 5) n;
SELECT is(count(*), 2::bigint, 'no more calls than lines are sent') FROM test_triggers.send();
SELECT is((SELECT array_agg(n ORDER BY n) FROM five WHERE test_triggers.state(t) = 'calling 1 initiated'), '{1,4}', 'the most urgent first, then who waits longest');
SELECT is((SELECT array_agg(DISTINCT pg_temp.put_off(t) ->> 'code') FROM five WHERE test_triggers.state(t) = 'scheduled 0 initiated'), '{no-line}', 'the others wait for one');
SELECT is((SELECT count(*) FROM switchboard.dispatch_decisions d JOIN five f ON d.subject_id = test_triggers.call_of(f.t)), 2::bigint,
          'and cost no decision');
SELECT is((SELECT bool_and(j.run_at BETWEEN clock_timestamp() + interval '2 seconds' AND clock_timestamp() + interval '10 minutes')
           FROM five JOIN switchboard.jobs_open j ON j.subject_id = test_triggers.call_of(five.t) WHERE j.last_code = 'no-line'), true, 'for seconds to minutes');
SELECT test_triggers.end_call(test_triggers.call_of(t), 'completed') FROM five WHERE n = 4;
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE last_code = 'no-line' AND run_at <= clock_timestamp()), 1::bigint,
          'the end of a call has one of those who wait take its line');
SELECT is(count(*), 1::bigint, 'a line that is free takes the next one') FROM test_triggers.send();

-- A limit of the tenant counts whoever calls.
UPDATE switchboard.tenants SET settings = '{"max_lines": 3}' WHERE id = :'tenant';
UPDATE switchboard.call_logs SET status = 'completed', ended_at = now() WHERE status = 'initiated' AND NOT waits AND campaign_id IS DISTINCT FROM :'lined';
UPDATE switchboard.jobs_open SET run_at = now() WHERE last_code = 'no-line';
SELECT switchboard.make_call('+12025550190');
UPDATE switchboard.campaigns SET settings = '{"max_lines": 10}' WHERE id = :'lined';
SELECT is((SELECT count(*) FROM test_triggers.send() s WHERE s IN (SELECT test_triggers.call_of(t) FROM five)), 0::bigint,
          'the lines of the tenant are taken by others');
UPDATE switchboard.tenants SET settings = '{}' WHERE id = :'tenant';
UPDATE switchboard.jobs_open SET run_at = now() WHERE last_code = 'no-line';
SELECT is((SELECT count(*) FROM test_triggers.send() s WHERE s IN (SELECT test_triggers.call_of(t) FROM five)), 2::bigint, 'until it has more');

-- Outside calling hours.
SELECT test_dialer.new_campaign(:'tenant', '{}', jsonb_build_object('start', to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:MI'), 'end',
         to_char(now() AT TIME ZONE 'UTC' + interval '4 hours', 'HH24:MI')), 'manual') AS later \gset
UPDATE switchboard.campaigns SET timezone = 'UTC' WHERE id = :'later';
INSERT INTO switchboard.contacts (tenant_id, phone_number, timezone) VALUES (:'tenant', '+12025550199', 'UTC') RETURNING id AS zoned \gset
SELECT test_triggers.make(:'tenant', :'later', :'zoned', :'product') AS t \gset
SELECT is(count(*), 0::bigint, 'outside calling hours nothing is sent') FROM test_triggers.send();
SELECT is(pg_temp.put_off(:'t') - 'minutes', '{"state": "scheduled 0 initiated", "code": "outside-calling-hours", "state_of_job": "ready", "attempt": 0, "waits": true, "told": true}',
          'the call waits for them');
SELECT ok((pg_temp.put_off(:'t') ->> 'minutes')::int BETWEEN 118 AND 121, 'until they begin');
UPDATE switchboard.jobs_open SET run_at = now() WHERE subject_id = test_triggers.call_of(:'t');
INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, valid_until) VALUES (:'tenant', 'SOON', 5, :'zoned', now() + interval '1 hour')
  RETURNING id AS soon \gset
UPDATE switchboard.call_triggers SET coupon_id = :'soon' WHERE id = :'t';
SELECT is(count(*), 0::bigint, 'when they begin after the coupon has expired') FROM test_triggers.send();
SELECT is(test_triggers.state(:'t'), 'canceled outside-calling-hours 0 canceled', 'there is nothing to wait for');

-- One phone rings once at a time.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 80), test_triggers.new_product(:'tenant')) AS t1 \gset
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 80), test_triggers.new_product(:'tenant')) AS t2 \gset
SELECT test_triggers.make(:'tenant', NULL, test_triggers.new_contact(:'tenant', 80), test_triggers.new_product(:'tenant')) AS t3 \gset
SELECT is(count(*), 1::bigint, 'of several calls to one person one is made') FROM test_triggers.send();
SELECT is((SELECT array_agg(test_triggers.state(t) ORDER BY t) FROM (VALUES (:'t1'::uuid), (:'t2'), (:'t3')) v (t)),
          '{"calling 1 initiated","scheduled 0 initiated","scheduled 0 initiated"}', 'and the others wait');
SELECT is((SELECT array_agg(pg_temp.put_off(t) ->> 'code' ORDER BY t) FROM (VALUES (:'t2'::uuid), (:'t3')) v (t)), '{on-a-call,on-a-call}', 'until it is over');

-- A provider that turned the call away for the moment, and a campaign paused before the repeat: it was no attempt.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 81), :'product') AS t \gset
CREATE TEMP TABLE held ON COMMIT DROP AS SELECT j FROM test_dialer.turn() j;
SELECT test_dialer.note((SELECT jsonb_agg(j) FROM held));
SELECT switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', (SELECT jsonb_agg(jsonb_build_object(
  'id', j -> 'id', 'token', j -> 'token', 'outcome', 'retry', 'code', '429', 'retry_in_ms', 0)) FROM held))::json);
SELECT is(test_triggers.state(:'t'), 'calling 1 initiated', 'turned away for the moment: its call goes on');
SELECT switchboard.pause_campaign(:'campaign');
SELECT count(*) FROM test_triggers.send();
SELECT is(pg_temp.put_off(:'t') - 'minutes', '{"state": "scheduled 0 initiated", "code": "campaign-paused", "state_of_job": "ready", "attempt": 1, "waits": true, "told": true}',
          'put off after that: it frees its line, and the attempt does not count');
SELECT switchboard.resume_campaign(:'campaign');
SELECT count(*) FROM test_triggers.send();
SELECT is(test_triggers.state(:'t'), 'calling 1 initiated', 'until it is sent');

-- Refused for its number; not placed; no news.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 82), :'product') AS t \gset
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 83), :'product') AS u \gset
TRUNCATE held;
INSERT INTO held SELECT j FROM test_dialer.turn() j;
SELECT test_dialer.note((SELECT jsonb_agg(j) FROM held));
SELECT switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', (SELECT jsonb_agg(jsonb_build_object(
  'id', j -> 'id', 'token', j -> 'token', 'outcome', CASE WHEN j ->> 'subject_id' = test_triggers.call_of(:'t')::text THEN 'suppress' ELSE 'permanent' END, 'code', '21211'))
  FROM held))::json);
SELECT is(test_triggers.state(:'t'), 'failed bad-number 1 failed', 'a number that cannot be called is not tried again');
SELECT is(test_triggers.state(:'u'), 'scheduled 1 initiated', 'a call that the provider refused is');
SELECT count(*) FROM test_triggers.send();
SELECT switchboard.expire_silent_calls(clock_timestamp() + interval '1 day');
SELECT is(test_triggers.state(:'u'), 'failed failed 2 failed', 'a call without news has failed');

-- Agents and voice agents conclude.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 84), :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.call_of(:'t') AS call \gset
SELECT test_triggers.end_call(:'call', 'completed');
SELECT switchboard.create_disposition(:'call', 'voicemail');
SELECT is(test_triggers.state(:'t'), 'scheduled 1 initiated', 'what seemed completed was a machine: a further try');
SELECT switchboard.create_disposition(:'call', 'interested');
SELECT is(test_triggers.state(:'t'), 'scheduled 1 initiated', 'which a call before it no longer changes');
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed');
SELECT switchboard.create_disposition(test_triggers.call_of(:'t'), 'do-not-call');
SELECT is(test_triggers.state(:'t'), 'failed do-not-call 2 completed', 'do-not-call ends it');

-- Machines, and voicemail where that will do.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 85), :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed', '&AnsweredBy=machine_start');
SELECT is(test_triggers.state(:'t'), 'scheduled 1 initiated', 'a machine is no customer');

-- The coupon was redeemed while the phone rang.
SELECT test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 86), :'product', jsonb_build_object('valid_until', now() + interval '1 day')) AS t \gset
SELECT count(*) FROM test_triggers.send();
UPDATE switchboard.coupons c SET redeemed_at = now() FROM switchboard.call_triggers t WHERE t.id = :'t' AND c.id = t.coupon_id;
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'no-answer');
SELECT is(test_triggers.state(:'t'), 'completed coupon-redeemed 1 no-answer', 'redeemed meanwhile: nobody calls again');

-- Deleting the call of a trigger, and campaigns that wait.
SELECT throws_ok(format('SELECT switchboard.delete_call(%L)', test_triggers.call_of(test_triggers.make(:'tenant', :'campaign', test_triggers.new_contact(:'tenant', 87), :'product'))),
                 'SB005', NULL, 'a call that waits is not deleted but hung up');
SELECT test_dialer.new_campaign(:'tenant', '{"agentless": true, "voice": "human"}') AS power \gset
SELECT test_dialer.add_people(:'power', 1, 12025550300);
UPDATE switchboard.campaign_contacts SET status = 'completed' WHERE campaign_id = :'power';
SELECT test_triggers.make(:'tenant', :'power', test_triggers.new_contact(:'tenant', 88), :'product', jsonb_build_object('scheduled_at', now() + interval '1 day')) AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT is(status::text, 'active', 'a campaign is not over while triggered calls wait') FROM switchboard.campaigns WHERE id = :'power';
UPDATE switchboard.jobs_open SET run_at = now() WHERE subject_id = test_triggers.call_of(:'t');
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed');
SELECT count(*) FROM test_triggers.send();
SELECT is(jsonb_build_array(status::text, ran_out), '["completed", true]', 'but when the last one is') FROM switchboard.campaigns WHERE id = :'power';

-- The mark is ours.
SELECT is((switchboard.make_call('+12025550191', metadata => '{"call_trigger_id": "x", "a": 1}')).metadata, '{"a": 1}', 'a call that somebody asks for is not triggered');
SELECT is(waits, false, 'and does not wait') FROM switchboard.call_logs WHERE to_number = '+12025550191';

SELECT * FROM finish();
ROLLBACK;
