-- The call centre queue: what waits and in which order, who sees it, how agents take calls and are given them.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
\ir support/queue_of_calls.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_agent(:'tenant', 'ada', '{sales,fr}') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob', '{sales}') AS bob \gset
SELECT test_dialer.new_agent(:'tenant', 'cyd') AS cyd \gset
SELECT test_dialer.new_agent(:'tenant', 'sue', role => 'supervisor') AS sue \gset
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
SELECT test_dialer.new_agent(:'other', 'eve') AS eve \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, first_name, last_name) VALUES (:'tenant', '+12025550102', 'Kim', 'Long') RETURNING id AS kim \gset

-- What waits, in which order.
SELECT is_empty('SELECT * FROM switchboard.call_queue', 'nobody waits');
SELECT test_dialer.waiting_call(:'tenant', '+12025550101', 60) AS first \gset
SELECT test_dialer.waiting_call(:'tenant', '+12025550102', 30) AS second \gset
SELECT test_dialer.waiting_call(:'tenant', '+12025550103', 10, '{}', 5) AS urgent \gset
SELECT test_dialer.waiting_call(:'tenant', '+12025550104', 90, '{fr}') AS french \gset
SELECT test_dialer.waiting_call(:'other', '+12025550109', 300) AS theirs \gset
UPDATE switchboard.call_logs SET lead_id = :'kim' WHERE id = :'second';
INSERT INTO switchboard.support_requests (tenant_id, user_email, subject, priority, created_at, status) VALUES
  (:'tenant', 'late@example.test', 'late', 'high', now() - interval '1 min', 'pending'),
  (:'tenant', 'early@example.test', 'early', 'high', now() - interval '2 min', 'pending'),
  (:'tenant', 'low@example.test', 'low', 'low', now() - interval '1 day', 'pending'),
  (:'tenant', 'done@example.test', 'done', 'urgent', now(), 'resolved');
INSERT INTO switchboard.support_requests (tenant_id, phone_number, subject, priority, callback_at) VALUES
  (:'tenant', '+12025550105', 'due', 'high', now() - interval '90 s'), (:'tenant', '+12025550106', 'to come', 'high', now() + interval '1 min');
SELECT results_eq($$ SELECT kind, right(coalesce(phone_number, subject), 5), priority, position::int FROM switchboard.call_queue WHERE tenant_id = switchboard.current_tenant_id() $$,
  $$ VALUES ('call', '50103', 5, 1), ('call', '50104', 0, 2), ('call', '50101', 0, 3), ('call', '50102', 0, 4), ('support_request', 'early', -20, 1),
            ('callback', '50105', -20, 1), ('support_request', 'late', -20, 2), ('support_request', 'low', -40, 3) $$,
  'calls before what can wait, by priority, then by the time they have waited; what is to come, or over, is not there');
SELECT results_eq($$ SELECT name, age, skills, call_log_id = id FROM switchboard.call_queue WHERE phone_number = '+12025550102' $$,
  $$ VALUES ('Kim Long', interval '30 s', '{}'::text[], true) $$, 'who it is, and how long they have waited');
SELECT is((SELECT name FROM switchboard.call_queue WHERE subject = 'late'), 'late@example.test', 'of requests without a contact the address');

-- What does not wait.
CREATE FUNCTION pg_temp.waits(call uuid, change text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  answer boolean;
BEGIN
  EXECUTE format('UPDATE switchboard.call_logs SET %s WHERE id = %L RETURNING in_queue', change, call) INTO answer;
  RETURN answer;
END $$;
SAVEPOINT before;
SELECT ok(NOT pg_temp.waits(:'first', change), change)
FROM (VALUES ($$status = 'completed'$$), ($$direction = 'outbound'$$), ('queued_at = NULL'), ('left_queue_at = now()'), ('assigned_at = now()'),
             ('hang_up_at = now()')) AS c (change);
ROLLBACK TO before;

-- Who sees what.
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT count(*) FROM switchboard.call_queue)::int, 8, 'agents see what waits for the tenant, and nothing of others');
RESET ROLE;
UPDATE switchboard.call_logs SET user_id = :'bob' WHERE id = :'second';
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT count(*) FROM switchboard.call_queue WHERE kind = 'call')::int, 3, 'but no call for another one of them alone');
RESET ROLE;
SELECT test_dialer.become(:'tenant', :'sue');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT count(*) FROM switchboard.call_queue WHERE kind = 'call')::int, 4, 'which supervisors see');
RESET ROLE;
SELECT test_dialer.become(:'other', :'eve');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT array_agg(phone_number) FROM switchboard.call_queue), '{+12025550109}', 'each tenant its own');
RESET ROLE;

-- Callbacks of lists that people dial.
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.new_campaign(:'tenant', type => 'preview') AS preview \gset
SELECT test_dialer.new_campaign(:'tenant') AS power \gset
SELECT test_dialer.add_people(:'preview', 3, 12025550110) \g /dev/null
SELECT test_dialer.add_people(:'power', 1, 12025550120) \g /dev/null
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() - interval '5 min', assigned_to = CASE phone_number WHEN '+12025550111' THEN :'ada'::uuid END
WHERE phone_number <> '+12025550112';
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() + interval '5 min' WHERE phone_number = '+12025550112';
SELECT results_eq($$ SELECT phone_number, priority, campaign_id, user_id FROM switchboard.call_queue WHERE kind = 'callback' AND campaign_id IS NOT NULL ORDER BY 1 $$,
  format($$ VALUES ('+12025550110', -20, %1$L::uuid, NULL::uuid), ('+12025550111', -20, %1$L, %2$L) $$, :'preview', :'ada'),
  'callbacks of a campaign that people dial, when they are due; power campaigns dial theirs by themselves');
CREATE FUNCTION pg_temp.callbacks(agent uuid) RETURNS bigint LANGUAGE sql AS $$
  SELECT test_dialer.become(u.tenant_id, u.id) FROM switchboard.users u WHERE u.id = agent;
  SELECT count(*) FROM switchboard.call_queue WHERE campaign_id IS NOT NULL
$$;
SELECT is(pg_temp.callbacks(:'bob'), 1::bigint, 'what another agent promised is not shown');
SELECT is(pg_temp.callbacks(:'ada'), 2::bigint, 'one''s own is');
UPDATE switchboard.campaigns SET user_id = :'sue', settings = '{"skills": ["fr"]}' WHERE id = :'preview';
SELECT is(pg_temp.callbacks(:'bob'), 0::bigint, 'nothing of campaigns that the agent neither sees nor serves');
SELECT is(pg_temp.callbacks(:'ada'), 2::bigint, 'but of those they serve');
UPDATE switchboard.campaigns SET status = 'paused' WHERE id = :'preview';
SELECT is(pg_temp.callbacks(:'ada'), 0::bigint, 'while they are active');

-- Claiming.
SELECT test_dialer.become(:'tenant');
SELECT throws_ok('SELECT switchboard.claim_next_call()', '42501', 'the session acts for no user', 'nobody claims for nobody');
SELECT test_dialer.become(:'tenant', :'cyd');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'urgent'::uuid, 'the most urgent call first');
SELECT throws_ok('SELECT switchboard.claim_next_call()', 'SB005', format('agent %s is on a call: %s', :'cyd', :'urgent'), 'one call at a time');
RESET ROLE;
SELECT is((SELECT (c.user_id, c.assigned_at IS NOT NULL, c.in_queue)::text FROM switchboard.call_logs c WHERE c.id = :'urgent'), (:'cyd'::uuid, true, false)::text,
          'it is the agent''s and waits no more');
SELECT is(test_dialer.state_of(:'cyd'), 'busy call', 'who is busy with it');
SELECT is((SELECT data - 'callId' FROM switchboard.events WHERE event = 'call-assigned' AND subject_id = :'urgent'),
          jsonb_build_object('userId', :'cyd'::uuid), 'the feed tells whose it is, and nothing of the customer');
SELECT test_dialer.caller_ends(:'urgent', true) \g /dev/null
SELECT is(test_dialer.state_of(:'cyd'), 'offline', 'somebody who was offline is so again afterwards');
SELECT test_dialer.become(:'tenant', :'ada');
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'french'::uuid, 'then who has waited longest');
SELECT test_dialer.become(:'tenant', :'cyd');
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'first'::uuid, 'the next one');
SELECT test_dialer.caller_ends(:'first') \g /dev/null
SELECT is_empty('SELECT * FROM switchboard.claim_next_call()', 'the call for bob alone is nobody else''s');
SELECT test_dialer.waiting_call(:'tenant', '+12025550107', 90, '{sales,fr}') AS skilled \gset
SELECT is_empty('SELECT * FROM switchboard.claim_next_call()', 'nor one that asks for skills the agent lacks');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'second'::uuid, 'bob gets his, though another one that he cannot serve waits longer');
SELECT test_dialer.everybody_leaves();

-- Assigning.
SELECT test_dialer.waiting_call(:'tenant', '+12025550121', 5, '{fr}') AS call \gset
SELECT test_dialer.become(:'tenant', :'bob');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'call', :'ada'), '42501', 'only supervisors give work to others', 'agents name themselves only');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'theirs', :'bob'), 'P0002', format('no such call: %s', :'theirs'), 'a call of another tenant');
SELECT throws_ok(format('SELECT switchboard.assign_call(NULL, %L)', :'bob'), 'P0002', 'no such call: null', 'no call');
SELECT test_dialer.become(:'tenant', :'sue');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'call', :'eve'), 'P0002', format('no such user: %s', :'eve'), 'a user of another tenant');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, NULL)', :'call'), 'P0002', 'no such user: null', 'no user');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'first', :'bob'), 'SB005', format('call %s cannot be assigned: it is completed', :'first'), 'a call that is over');
SELECT is((SELECT user_id FROM switchboard.assign_call(:'call', :'bob')), :'bob'::uuid, 'a supervisor gives it to anybody, whatever their skills');
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'who is busy with it');
SELECT is((SELECT user_id FROM switchboard.assign_call(:'call', :'bob')), :'bob'::uuid, 'naming the same one again changes nothing');
SELECT is((SELECT count(*) FROM switchboard.events WHERE event = 'call-assigned' AND subject_id = :'call'), 1::bigint, 'and tells nobody');
SELECT is((SELECT user_id FROM switchboard.assign_call(:'call', :'cyd')), :'cyd'::uuid, 'as long as bob has not been connected it can be moved');
SELECT is(test_dialer.state_of(:'bob') || ', ' || test_dialer.state_of(:'cyd'), 'offline, busy call', 'and he is free again');
SELECT is((SELECT data ->> 'before' FROM switchboard.events WHERE event = 'call-assigned' AND subject_id = :'call' ORDER BY seq DESC LIMIT 1), :'bob', 'the feed says from whom');
SELECT is((SELECT detail ->> 'to' FROM switchboard.audit_log WHERE action = 'assign-call' AND subject = 'call:' || :'call' ORDER BY id DESC LIMIT 1), :'cyd', 'so does the record');
UPDATE switchboard.call_logs SET connected_at = now() WHERE id = :'call';
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'call', :'ada'), 'SB005', format('call %s cannot be assigned: agent %s talks on it', :'call', :'cyd'), 'not while they talk');
SELECT test_dialer.waiting_call(:'tenant', '+12025550122') AS more \gset
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'more', :'cyd'), 'SB005', format('agent %s is on a call: %s', :'cyd', :'call'), 'nobody gets two calls');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is((SELECT user_id FROM switchboard.assign_call(:'more', :'bob')), :'bob'::uuid, 'agents take the call they choose');
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'call', :'bob'), 'P0002', NULL, 'calls of others are none of theirs');
SELECT test_dialer.everybody_leaves();
SELECT test_dialer.waiting_call(:'tenant', '+12025550123') AS mail \gset
UPDATE switchboard.call_logs SET left_queue_at = now() WHERE id = :'mail';
SELECT is((SELECT left_queue_at FROM switchboard.assign_call(:'mail', :'bob')), NULL, 'a call can be fetched back from the voicemail');
SELECT test_dialer.everybody_leaves();

-- A call that waits is given by assign_call(); whose it is says for whom it waits.
SELECT test_dialer.become(:'tenant', :'sue');
SELECT test_dialer.waiting_call(:'tenant', '+12025550124') AS reserved \gset
SELECT is((SELECT (c.user_id, c.assigned_at, c.in_queue)::text FROM switchboard.update_call(:'reserved', jsonb_build_object('user_id', :'cyd'::uuid)) c), (:'cyd'::uuid, NULL, true)::text, 'it waits for cyd alone');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is_empty('SELECT * FROM switchboard.claim_next_call()', 'and not for bob');
SELECT test_dialer.become(:'tenant', :'sue');
INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, to_number, status) VALUES (:'tenant', NULL, 'outbound', '+12025550125', 'initiated') RETURNING id AS undialed \gset
SELECT throws_ok(format('SELECT switchboard.assign_call(%L, %L)', :'undialed', :'bob'), 'SB005', format('call %s cannot be assigned: it does not ring yet', :'undialed'), 'nobody is kept busy with a call that is not there yet');
SELECT test_dialer.everybody_leaves();

-- A call arrives.
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.waiting_call(:'tenant', '+12025550131') AS call \gset
SELECT is(test_dialer.arrives(:'call'), 'nobody', 'nobody is there');
SELECT test_dialer.caller_ends(:'call') \g /dev/null
SELECT test_dialer.set_state(:'bob', 'available'), test_dialer.set_state(:'cyd', 'available'), test_dialer.set_state(:'ada', 'available') \g /dev/null
SELECT test_dialer.waiting_call(:'tenant', '+12025550132') AS call \gset
SELECT is(test_dialer.arrives(:'call'), 'bob', 'who has been idle longest gets it');
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'and is busy with it');
SELECT test_dialer.waiting_call(:'tenant', '+12025550133', 0, '{fr}') AS call \gset
SELECT is(test_dialer.arrives(:'call'), 'ada', 'among those with the skills');
SELECT test_dialer.waiting_call(:'tenant', '+12025550134', 0, '{fr}') AS waiting \gset
SELECT is(test_dialer.arrives(:'waiting'), 'nobody', 'or it waits');
SELECT test_dialer.waiting_call(:'tenant', '+12025550135', wanted => :'bob') AS call \gset
SELECT is(test_dialer.arrives(:'call'), 'nobody', 'so does one for somebody who is busy');
UPDATE switchboard.users SET settings = '{"inbound": false}' WHERE id = :'cyd';
SELECT test_dialer.waiting_call(:'tenant', '+12025550136') AS last \gset
SELECT is(test_dialer.arrives(:'last'), 'nobody', 'users can be left out');
SELECT is((SELECT count(*) FROM switchboard.agent_states s WHERE s.ended_at IS NULL AND s.state = 'available'), 1::bigint, 'cyd is left in peace');
UPDATE switchboard.users SET settings = '{}' WHERE id = :'cyd';
SELECT is(test_dialer.arrives(:'last'), 'cyd', 'or are not');

-- Somebody becomes free.
SELECT test_dialer.caller_ends(c.id) FROM switchboard.call_logs c WHERE c.user_id = :'ada' AND c.ended_at IS NULL \g /dev/null
SELECT is(test_dialer.state_of(:'ada') || ', ' || test_dialer.whose('134'), 'busy call, ada', 'the end of a call that nobody spoke on brings the next one at once');
SELECT test_dialer.caller_ends(c.id, true) FROM switchboard.call_logs c WHERE c.from_number = '+12025550132' \g /dev/null
SELECT is(test_dialer.state_of(:'bob') || ', ' || test_dialer.whose('135'), 'wrap_up call, waits', 'after a talk there is a wrap-up');
SELECT ends_at AS over FROM switchboard.agent_states WHERE user_id = :'bob' AND ended_at IS NULL \gset
SELECT switchboard._end_wrap_ups(:'over') \g /dev/null
SELECT is(switchboard._before_claim_queue(:'over'), NULL, 'when it is over');
SELECT is(test_dialer.state_of(:'bob') || ', ' || test_dialer.whose('135'), 'busy call, bob', 'the worker brings the call that waits for bob');
SELECT test_dialer.everybody_leaves();
SELECT test_dialer.waiting_call(:'tenant', '+12025550141', 20), test_dialer.waiting_call(:'tenant', '+12025550142', 10, '{}', 1), test_dialer.waiting_call(:'tenant', '+12025550143', 99, '{fr}') \g /dev/null
SELECT is((test_dialer.set_state(:'cyd', 'available')).state::text, 'busy', 'whoever says that they are available gets a call at once, and is told so');
SELECT is(test_dialer.whose('142'), 'cyd', 'the most urgent one');
SELECT is((test_dialer.set_state(:'bob', 'available')).state::text || test_dialer.whose('141') || test_dialer.whose('143'), 'busybobwaits', 'the next one that they can serve');
SELECT is((test_dialer.set_state(:'ada', 'available')).state::text || test_dialer.whose('143'), 'busyada', 'and so on');
SELECT is(test_dialer.broken_histories(), 0::bigint, 'without gaps or overlaps in anybody''s day');
SELECT test_dialer.everybody_leaves();

-- Nobody is overtaken who could be served.
SELECT test_dialer.set_state(:'bob', 'available') \g /dev/null
SELECT test_dialer.waiting_call(:'tenant', '+12025550151', 60) AS earlier \gset
SELECT test_dialer.waiting_call(:'tenant', '+12025550152', 0) AS later \gset
SELECT is(test_dialer.arrives(:'later'), 'nobody', 'a call that arrives while one waits that the free agent has just missed');
SELECT switchboard._before_claim_queue(clock_timestamp()) \g /dev/null
SELECT is(test_dialer.whose('151') || test_dialer.whose('152'), 'bobwaits', 'does not overtake it');
SELECT test_dialer.everybody_leaves();

-- By hand.
UPDATE switchboard.tenants SET settings = settings || '{"inbound": {"distribution": "manual"}}' WHERE id = :'tenant';
SELECT test_dialer.set_state(:'bob', 'available') \g /dev/null
SELECT test_dialer.waiting_call(:'tenant', '+12025550161') AS call \gset
SELECT is(test_dialer.arrives(:'call'), 'nobody', 'where agents claim for themselves nobody is given a call');
SELECT is(switchboard._before_claim_queue(clock_timestamp()), NULL, 'not by the worker either');
SELECT is(test_dialer.state_of(:'bob'), 'available', 'nobody');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'call'::uuid, 'but by claiming');
SELECT test_dialer.caller_ends(:'call', true) \g /dev/null
SELECT is(test_dialer.state_of(:'bob'), 'wrap_up call', 'who was available wraps up');
UPDATE switchboard.tenants SET settings = '{}' WHERE id = :'tenant';
SELECT test_dialer.everybody_leaves();

-- A call that cannot be put through goes on waiting, and costs nobody else anything.
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.waiting_call(:'tenant', '+12025550171', 9) AS broken \gset
ALTER TABLE switchboard.call_logs ADD CONSTRAINT no_agent CHECK (from_number <> '+12025550171' OR user_id IS NULL);
SET LOCAL client_min_messages = error;
SELECT is((test_dialer.set_state(:'cyd', 'available')).state::text || ' ' || test_dialer.whose('171'), 'available waits', 'it can become free all the same');
SELECT test_dialer.waiting_call(:'tenant', '+12025550172', 3) \g /dev/null
SELECT is((test_dialer.set_state(:'ada', 'available')).state::text || ' ' || test_dialer.whose('172'), 'available cyd', 'others behind it are served');
SELECT is(switchboard._before_claim_queue(clock_timestamp()) > clock_timestamp(), true, 'the worker tries again later');
SET LOCAL client_min_messages = warning;
ALTER TABLE switchboard.call_logs DROP CONSTRAINT no_agent;
SELECT test_dialer.everybody_leaves();

-- Agents of a power campaign: whoever was called and has just answered comes first, for as long as they may be kept waiting.
SELECT test_dialer.become(:'tenant');
INSERT INTO switchboard.campaign_agents (tenant_id, campaign_id, user_id) VALUES (:'tenant', :'power', :'cyd');
INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, to_number, status, campaign_id, answered_at, dialed_at)
VALUES (:'tenant', NULL, 'outbound', '+12025550190', 'answered', :'power', clock_timestamp(), now()) RETURNING id AS answered \gset
SELECT test_dialer.waiting_call(:'tenant', '+12025550191', 60) AS call \gset
SELECT is((test_dialer.set_state(:'cyd', 'available')).state::text, 'available', 'their agent is left to them, though a caller waits');
SELECT is(test_dialer.arrives(:'call'), 'nobody', 'also when the caller asks again');
SAVEPOINT agentless;
UPDATE switchboard.campaigns SET settings = settings || '{"agentless": true}' WHERE id = :'power';
SELECT is(test_dialer.arrives(:'call'), 'cyd', 'but not to whom hears a recording');
ROLLBACK TO agentless;
UPDATE switchboard.call_logs SET answered_by = 'machine' WHERE id = :'answered';
SELECT is(test_dialer.arrives(:'call'), 'cyd', 'nor to a machine');
ROLLBACK TO agentless;
SELECT is(switchboard._before_claim_queue(clock_timestamp()) > clock_timestamp(), true, 'the worker looks again');
SELECT is((test_dialer.set_state(:'ada', 'available')).state::text || ' ' || test_dialer.whose('191'), 'busy ada', 'others are given the caller');
SELECT test_dialer.waiting_call(:'tenant', '+12025550192', 60) AS call \gset
UPDATE switchboard.call_logs SET answered_at = clock_timestamp() - interval '4 s' WHERE id = :'answered';
SELECT is(switchboard._before_claim_queue(clock_timestamp()), NULL, 'when they have not got anybody in time');
SELECT is(test_dialer.whose('192'), 'cyd', 'the caller gets the agent');
SELECT test_dialer.everybody_leaves();

-- Calls of a provider: the carrier is told to put the call through, once.
SELECT test_dialer.waiting_call(:'tenant', '+12025550181', 9) AS call \gset
UPDATE switchboard.call_logs SET provider = 'twilio', call_id = 'CA181', account_id = (SELECT a.id FROM switchboard.provider_accounts a WHERE a.tenant_id = :'tenant') WHERE id = :'call';
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is((SELECT id FROM switchboard.claim_next_call()), :'call'::uuid, 'a claimed call');
SELECT is((SELECT count(*) FROM switchboard.jobs_open j WHERE j.kind = 'call.update' AND j.subject_id = :'call' AND j.payload ->> 'action' = 'transfer'), 1::bigint, 'is put through by its provider');
SELECT is((SELECT s.next_state::text FROM switchboard.set_agent_state('offline') s), 'offline', 'leaving during the call');
SELECT test_dialer.caller_ends(:'call', true) \g /dev/null
SELECT is(test_dialer.state_of(:'bob'), 'offline', 'is kept for after it');

SELECT * FROM finish();
ROLLBACK;
