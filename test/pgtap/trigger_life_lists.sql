-- Triggered calls that the agents of a campaign make: the trigger follows its person on the list.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/trigger_life.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.hello();
SELECT test_triggers.new_product(:'tenant') AS product \gset

-- A campaign whose calls the dialer makes, and a person on its list with something to tell. more: as for make().
CREATE FUNCTION pg_temp.listed(campaign uuid, n int, product uuid, more jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
  SELECT test_triggers.make(l.tenant_id, campaign, l.contact_id, product, more || jsonb_build_object('listed', l.id))
  FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign AND l.phone_number = '+' || 12025550200 + n
$$;
CREATE FUNCTION pg_temp.person(t uuid) RETURNS switchboard.campaign_contacts LANGUAGE sql AS $$
  SELECT l FROM switchboard.campaign_contacts l JOIN switchboard.call_triggers t ON t.campaign_contact_id = l.id WHERE t.id = $1
$$;
CREATE FUNCTION pg_temp.both(t uuid) RETURNS text LANGUAGE sql AS $$ SELECT test_triggers.state(t) || ', ' || (pg_temp.person(t)).status $$;

SELECT test_dialer.new_campaign(:'tenant', '{"complete_when_done": false}') AS campaign \gset
SELECT test_dialer.add_people(:'campaign', 1, 12025550201);
SELECT pg_temp.listed(:'campaign', 1, :'product', '{"script": "One {{1}}"}') AS t1 \gset
SELECT pg_temp.listed(:'campaign', 1, :'product', '{"script": "Two", "priority": "high", "type": "promotion"}') AS t2 \gset
SELECT array_agg(s) AS calls FROM test_triggers.send() s \gset
SELECT is(array_agg(campaign_contact_id), ARRAY[(pg_temp.person(:'t1')).id], 'the dialer calls the person') FROM switchboard.call_logs WHERE id = ANY (:'calls');
SELECT is((SELECT array_agg(pg_temp.both(t)) FROM (VALUES (:'t1'::uuid), (:'t2')) v (t)), '{"calling 1 initiated, calling","calling 1 initiated, calling"}',
          'one call is about all that they wait for');
SELECT is(metadata, jsonb_build_object('call_trigger_id', :'t2'), 'it says which is the most urgent') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t1');
SELECT is(waits, false, 'and takes a line from the start') FROM switchboard.call_logs WHERE id = test_triggers.call_of(:'t1');
SELECT is((SELECT plan ->> 'text' FROM switchboard._answer_plan(test_triggers.call_of(:'t1'), 'human', now()) plan), E'Two\n\nOne {{1}}', 'both scripts are said');
SELECT test_triggers.end_call(test_triggers.call_of(:'t1'), 'no-answer');
SELECT is((SELECT array_agg(pg_temp.both(t)) FROM (VALUES (:'t1'::uuid), (:'t2')) v (t)),
          '{"scheduled 1 no-answer, failed","scheduled 1 no-answer, failed"}', 'nobody answers: the person is tried again, and so they are');
SELECT is(scheduled_at, (pg_temp.person(:'t1')).next_attempt_at, 'at that time') FROM switchboard.call_triggers WHERE id = :'t1';
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t1'), 'completed');
SELECT is((SELECT array_agg(pg_temp.both(t)) FROM (VALUES (:'t1'::uuid), (:'t2')) v (t)),
          '{"completed 2 completed, completed","completed 2 completed, completed"}', 'reached: both are completed');

-- Attempts used up; refused before dialing; taken off.
SELECT test_dialer.add_people(:'campaign', 5, 12025550202);
SELECT pg_temp.listed(:'campaign', 2, :'product') AS t \gset
DELETE FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND phone_number > '+12025550202';
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'busy');
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'busy');
SELECT is(pg_temp.both(:'t'), 'failed busy 2 busy, failed', 'attempts used up: failed, with the last outcome');

SELECT test_dialer.add_people(:'campaign', 1, 12025550210);
SELECT pg_temp.listed(:'campaign', 10, :'product') AS t \gset
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550210');
SELECT is(pg_temp.both(:'t'), 'canceled do-not-call 0, do-not-call', 'do-not-call before the first call: canceled');
SELECT test_dialer.add_people(:'campaign', 1, 12025550211);
SELECT pg_temp.listed(:'campaign', 11, :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT switchboard.create_disposition(test_triggers.call_of(:'t'), 'do-not-call');
SELECT is(pg_temp.both(:'t'), 'failed do-not-call 1 initiated, do-not-call', 'said on the call: failed');
SELECT test_dialer.add_people(:'campaign', 1, 12025550212);
SELECT pg_temp.listed(:'campaign', 12, :'product') AS t \gset
DELETE FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND phone_number = '+12025550212';
SELECT is(test_triggers.state(:'t'), 'canceled off-the-list 0', 'taken off the list: canceled');
SELECT test_dialer.add_people(:'campaign', 1, 12025550213);
SELECT pg_temp.listed(:'campaign', 13, :'product') AS t \gset
UPDATE switchboard.campaign_contacts SET status = 'completed' WHERE campaign_id = :'campaign' AND phone_number = '+12025550213';
SELECT is(pg_temp.both(:'t'), 'canceled list-completed 0, completed', 'completed by hand: canceled');

-- A callback.
SELECT test_dialer.add_people(:'campaign', 1, 12025550214);
SELECT pg_temp.listed(:'campaign', 14, :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed');
SELECT test_triggers.state(:'t');
SELECT test_dialer.add_people(:'campaign', 1, 12025550215);
SELECT pg_temp.listed(:'campaign', 15, :'product') AS t \gset
SELECT count(*) FROM test_triggers.send();
SELECT switchboard.create_disposition(test_triggers.call_of(:'t'), 'callback', NULL, now() + interval '2 hours');
SELECT is(pg_temp.both(:'t'), 'scheduled 1 initiated, callback', 'promised to be called back: scheduled');
SELECT is(scheduled_at, now() + interval '2 hours', 'for then') FROM switchboard.call_triggers WHERE id = :'t';
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed');
SELECT is(pg_temp.both(:'t'), 'scheduled 1 completed, callback', 'the end of the call changes nothing about it');

-- The provider refuses the number; the campaign is paused between claim and sending.
SELECT test_dialer.add_people(:'campaign', 1, 12025550216);
SELECT pg_temp.listed(:'campaign', 16, :'product') AS t \gset
CREATE TEMP TABLE held ON COMMIT DROP AS SELECT j FROM test_dialer.turn() j;
SELECT switchboard.pause_campaign(:'campaign');
SELECT test_dialer.note((SELECT jsonb_agg(j) FROM held));
SELECT is(pg_temp.both(:'t'), 'scheduled 0 canceled, pending', 'paused before it was sent: as before');
SELECT switchboard.resume_campaign(:'campaign');
TRUNCATE held;
INSERT INTO held SELECT j FROM test_dialer.turn() j;
SELECT test_dialer.note((SELECT jsonb_agg(j) FROM held));
SELECT switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', (SELECT jsonb_agg(jsonb_build_object(
  'id', j -> 'id', 'token', j -> 'token', 'outcome', 'suppress', 'code', '21211')) FROM held))::json);
SELECT is(pg_temp.both(:'t'), 'failed bad-number 1 failed, failed', 'a bad number is not tried again');

-- Something new comes up while they are on a call about something else, or about nothing in particular.
SELECT test_dialer.add_people(:'campaign', 1, 12025550217);
SELECT array_agg(s) AS calls FROM test_triggers.send() s \gset
SELECT pg_temp.listed(:'campaign', 17, :'product') AS t \gset
SELECT test_triggers.end_call((:'calls'::uuid[])[1], 'completed');
SELECT is(jsonb_build_array(test_triggers.state(:'t'), (pg_temp.person(:'t')).status, (pg_temp.person(:'t')).attempts, (pg_temp.person(:'t')).recycled_attempts),
          '["scheduled 0", "pending", 1, 1]', 'what came up meanwhile is not over with that call');
SELECT is(count(*), 1::bigint, 'the person is called again') FROM test_triggers.send();
SELECT is(test_triggers.state(:'t'), 'calling 1 initiated', 'because of it');
SELECT test_triggers.end_call(test_triggers.call_of(:'t'), 'completed');
SELECT is(pg_temp.both(:'t'), 'completed 1 completed, completed', 'and reached');

-- Offers that no longer stand when it is their turn.
SELECT test_dialer.add_people(:'campaign', 1, 12025550218);
SELECT pg_temp.listed(:'campaign', 18, :'product') AS t \gset
UPDATE switchboard.products SET price = 999.99 WHERE id = :'product';
SELECT is(count(*), 0::bigint, 'withdrawn: nobody is called about it') FROM test_triggers.send();
SELECT is(pg_temp.both(:'t'), 'canceled offer-withdrawn 0, failed', 'who came for it alone is given up') FROM switchboard.call_triggers WHERE id = :'t';
SELECT is(jsonb_build_array((pg_temp.person(:'t')).next_attempt_at, (pg_temp.person(:'t')).last_outcome), '[null, "offer-withdrawn"]', 'for that reason');
SELECT test_dialer.add_people(:'campaign', 1, 12025550219);
UPDATE switchboard.campaign_contacts SET created_at = now() - interval '1 day' WHERE phone_number = '+12025550219';
SELECT pg_temp.listed(:'campaign', 19, :'product') AS t \gset
SELECT array_agg(s) AS calls FROM test_triggers.send() s \gset
SELECT is(array_agg(metadata), '{"{}"}', 'who was on the list before is called, about nothing in particular')
  FROM switchboard.call_logs WHERE id = ANY (:'calls');
SELECT is(test_triggers.state(:'t'), 'canceled offer-withdrawn 0', 'not because of it');
UPDATE switchboard.products SET price = 849.99 WHERE id = :'product';

-- Preview: agents see the script, and not what has been withdrawn.
SELECT test_dialer.new_campaign(:'tenant', '{"complete_when_done": false}', type => 'preview') AS preview \gset
INSERT INTO switchboard.users (tenant_id, name, email, role) VALUES (:'tenant', 'A', 'a@acme.example', 'supervisor') RETURNING id AS agent \gset
SELECT test_dialer.add_people(:'preview', 2, 12025550220);
SELECT pg_temp.listed(:'preview', 20, :'product', jsonb_build_object('valid_until', now() + interval '1 hour')) AS t \gset
SELECT pg_temp.listed(:'preview', 21, :'product', '{"script": "Look {{here}}"}') AS u \gset
UPDATE switchboard.coupons SET redeemed_at = now() WHERE contact_id = (SELECT contact_id FROM switchboard.call_triggers WHERE id = :'t');
SELECT switchboard.set_identity(:'tenant', :'agent');
SELECT phone_number, script, queue_id FROM switchboard.next_preview_contact(:'preview') \gset preview_
SELECT is(jsonb_build_array(:'preview_phone_number', :'preview_script'), '["+12025550221", "Look {{here}}"]', 'the agent sees who is still to be called, with the script');
SELECT is(pg_temp.both(:'t'), 'completed coupon-redeemed 0, failed', 'who has redeemed the coupon needs no call');
SELECT (switchboard.accept_preview(:'preview_queue_id')).metadata ->> 'call_trigger_id' AS said \gset
SELECT is(:'said'::text, :'u'::text, 'the call is about the trigger');
SELECT switchboard.set_identity(:'tenant');
SELECT count(*) FROM test_triggers.send();
SELECT is(pg_temp.both(:'u'), 'calling 1 initiated, calling', 'and made');

-- Called by hand: about what still stands.
SELECT test_dialer.add_people(:'preview', 1, 12025550223);
SELECT pg_temp.listed(:'preview', 23, :'product', '{"type": "promotion", "script": "Still on"}') AS t \gset
SELECT pg_temp.listed(:'preview', 23, :'product', jsonb_build_object('created_at', now() - interval '8 days')) AS u \gset
SELECT (switchboard.make_call('+12025550223', campaign_id => :'preview')).metadata ->> 'call_trigger_id' AS said \gset
SELECT is(:'said'::text, :'t'::text, 'a call by hand is about what still stands');
SELECT is(test_triggers.state(:'u'), 'canceled offer-expired 0', 'not about what has ended');
SELECT switchboard.hang_up(test_triggers.call_of(:'t'));
SELECT is(pg_temp.both(:'t'), 'scheduled 0 canceled, pending', 'hung up before it left: as before');

-- Ended by a person: nobody is called from the list any more.
SELECT test_dialer.add_people(:'preview', 1, 12025550222);
SELECT pg_temp.listed(:'preview', 22, :'product') AS t \gset
SELECT switchboard.complete_campaign(:'preview');
SELECT is(test_triggers.state(:'t'), 'canceled campaign-not-active 0', 'a campaign that was ended calls nobody from its list');

SELECT * FROM finish();
ROLLBACK;
