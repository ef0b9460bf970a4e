-- What agents do: states with history, reasons, wrap-up, what is refused, who is told.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_agent(:'tenant', 'ada') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob') AS bob \gset
SELECT test_dialer.new_agent(:'tenant', 'sue', role => 'supervisor') AS sue \gset
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
SELECT test_dialer.new_agent(:'other', 'eve') AS eve \gset

-- Nobody, bad states.
SELECT throws_ok($$ SELECT switchboard.set_agent_state('available') $$, '42501', NULL, 'a gateway without a user has no state');
SELECT test_dialer.become(:'tenant', :'ada');
SELECT throws_ok($$ SELECT switchboard.set_agent_state('asleep') $$, '22023', 'unknown agent state: asleep', 'an unknown state');
SELECT throws_ok($$ SELECT switchboard.set_agent_state(NULL) $$, '22023', 'unknown agent state: null', 'no state at all');
SELECT throws_ok(format($$ SELECT switchboard.set_agent_state('paused', NULL, %L) $$, :'bob'), '42501', NULL, 'agents do not change others');
SELECT throws_ok(format($$ SELECT switchboard.set_agent_state('paused', NULL, %L) $$, :'eve'), 'P0002', NULL, 'nor see those of other tenants');
SELECT is((SELECT count(*) FROM switchboard.agent_states), 0::bigint, 'nothing has changed by that');

-- History.
SELECT is((SELECT (s.state, s.reason, s.user_id)::text FROM switchboard.set_agent_state('available', '  ') s),
          (('available'::switchboard.agent_state, NULL::text, :'ada'::uuid)::text), 'the open row is returned');
SELECT is((SELECT count(*) FROM switchboard.agent_states), 1::bigint, 'which is the first one');
SELECT id AS first FROM switchboard.agent_states \gset
SELECT is((SELECT s.id FROM switchboard.set_agent_state('available') s), :'first'::uuid, 'repeating a state keeps it, and the place in line');
SELECT is((SELECT s.reason FROM switchboard.set_agent_state('paused', 'lunch') s), 'lunch', 'a reason');
SELECT isnt((SELECT s.id FROM switchboard.set_agent_state('paused', 'meeting') s), :'first'::uuid, 'another reason is another stay');
SELECT is((SELECT array_agg(state || coalesce(' ' || reason, '') ORDER BY started_at) FROM switchboard.agent_states), '{available,"paused lunch","paused meeting"}',
          'the day so far');
SELECT is(test_dialer.broken_histories(), 0::bigint, 'without gaps or overlaps');
SELECT is((SELECT array_agg(data ->> 'state' ORDER BY seq) FROM switchboard.events WHERE event = 'agent-state-changed' AND user_id = :'ada'),
          '{available,paused,paused}', 'the feed tells of each change');

-- Wrap-up ends by itself.
SELECT is((SELECT s.ends_at - s.started_at FROM switchboard.set_agent_state('wrap_up') s), interval '30 s', 'wrap-up has an end');
SELECT is(switchboard._end_wrap_ups(clock_timestamp()) > clock_timestamp(), true, 'which is still to come');
SELECT ends_at AS over FROM switchboard.agent_states WHERE ended_at IS NULL \gset
SELECT is(switchboard._end_wrap_ups(:'over'::timestamptz + interval '5 s'), NULL, 'looked at later, nothing is left to end');
SELECT is((SELECT (state, started_at)::text FROM switchboard.agent_states WHERE ended_at IS NULL),
          (('available'::switchboard.agent_state, :'over'::timestamptz)::text), 'the agent has been available since exactly then');
SELECT is(test_dialer.broken_histories(), 0::bigint, 'still without gaps');

-- Supervisors, and what screens show.
SELECT test_dialer.become(:'tenant', :'sue');
SELECT is((SELECT s.state::text FROM switchboard.set_agent_state('paused', 'training', :'bob') s), 'paused', 'supervisors change agents');
SELECT throws_ok($$ SELECT switchboard.set_agent_state('paused', NULL, switchboard.uuid_v7()) $$, 'P0002', NULL, 'who exist');
SELECT is((SELECT array_agg(name || ' ' || state || coalesce(' ' || reason, '') ORDER BY name) FROM switchboard.agents WHERE tenant_id = :'tenant'),
          '{"ada available","bob paused training","sue offline"}', 'they see what everybody does');
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT array_agg(name) FROM switchboard.agents), '{ada}', 'agents see themselves');
SELECT is((SELECT count(*) FROM switchboard.events WHERE event = 'agent-state-changed' AND user_id <> :'ada'), 0::bigint, 'and hear of themselves');
SELECT throws_ok($$ UPDATE switchboard.agent_states SET state = 'available' $$, '42501', NULL, 'nobody writes history');
RESET ROLE;

-- A call of their own: busy, and afterwards what they were.
SELECT test_dialer.become(:'tenant', :'bob');
SELECT id AS own FROM switchboard.make_call('+12025550150') \gset
SELECT is(test_dialer.state_of(:'bob'), 'busy call', 'whoever calls is busy with it');
SELECT throws_ok($$ SELECT switchboard.set_agent_state('available') $$, 'SB005', NULL, 'nobody is available during a call');
SELECT throws_ok($$ SELECT switchboard.set_agent_state('wrap_up') $$, 'SB005', NULL, 'nor wraps up');
SELECT id AS second FROM switchboard.make_call('+12025550151') \gset
SELECT is(call_log_id, :'own'::uuid, 'a second call of theirs waits for them') FROM switchboard.agent_states WHERE user_id = :'bob' AND ended_at IS NULL;
SELECT is((SELECT (s.state, s.next_state, s.next_reason)::text FROM switchboard.set_agent_state('offline', 'home') s), '(busy,offline,home)',
          'going home is kept for afterwards');
SELECT test_dialer.become(:'tenant');
SELECT is(test_dialer.verbs(test_dialer.answer(:'own')), format(
  '<Dial timeout="15" callerId="+12015550100" answerOnBridge="true" action="https://pbx.example/api/webhooks/twilio/dial-status?account=%s&amp;call=%s"><Client>bob</Client></Dial>',
  (SELECT account_id FROM switchboard.call_logs WHERE id = :'own'), :'own'), 'the customer is connected with the caller');
SELECT is(test_dialer.call_event(:'own', 'completed', 9, '&CallDuration=5'), 200, 'the call ends');
SELECT is(test_dialer.state_of(:'bob'), 'offline home', 'and the agent is gone');
SELECT is(switchboard._answer_plan(:'second', NULL, now()) ->> 'action', 'wait', 'the second call is answered too late');
SELECT test_dialer.set_state(:'bob', 'available');
SELECT is(switchboard._answer_plan(:'second', NULL, now()) ->> 'endpoint', 'client:bob', 'unless the agent is free again');
SELECT test_dialer.call_event(:'second', 'completed', 9, '&CallDuration=5');

-- After a call: wrap-up of the campaign, the user, the tenant; none without talk.
SELECT test_dialer.set_state(:'ada', 'available');
CREATE FUNCTION pg_temp.talk(tenant uuid, agent uuid, number text, spoke boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE call uuid;
BEGIN
  PERFORM test_dialer.become(tenant, agent);
  SELECT id INTO call FROM switchboard.make_call(number);
  PERFORM test_dialer.become(tenant);
  IF spoke THEN
    PERFORM test_dialer.answer(call);
  END IF;
  PERFORM test_dialer.call_event(call, CASE WHEN spoke THEN 'completed' ELSE 'no-answer' END, 9);
  RETURN (SELECT concat_ws(' ', s.state, extract(epoch FROM s.ends_at - s.started_at)::int)
          FROM switchboard.agent_states s WHERE s.user_id = agent AND s.ended_at IS NULL);
END $$;
SELECT is(pg_temp.talk(:'tenant', :'ada', '+12025550160', true), 'wrap_up 30', 'wrap-up after talk');
SELECT test_dialer.set_state(:'ada', 'available');
SELECT is(pg_temp.talk(:'tenant', :'ada', '+12025550161', false), 'available', 'none after a call that nobody answered');
UPDATE switchboard.tenants SET settings = settings || '{"wrap_up_seconds": 60}' WHERE id = :'tenant';
SELECT is(pg_temp.talk(:'tenant', :'ada', '+12025550162', true), 'wrap_up 60', 'as the tenant sets it');
UPDATE switchboard.users SET settings = '{"wrap_up_seconds": 0}' WHERE id = :'ada';
SELECT test_dialer.set_state(:'ada', 'available');
SELECT is(pg_temp.talk(:'tenant', :'ada', '+12025550163', true), 'available', 'or not at all, as the user does');

-- A call that ends in silence frees its agent.
SELECT test_dialer.become(:'tenant', :'ada');
SELECT id AS silent FROM switchboard.make_call('+12025550164') \gset
SELECT test_dialer.become(:'tenant');
UPDATE switchboard.call_logs SET expires_at = now() WHERE id = :'silent';
SELECT is(switchboard.expire_silent_calls(clock_timestamp()), 1, 'a call without news is settled');
SELECT is(test_dialer.state_of(:'ada'), 'available', 'its agent is free');
-- One that is refused at the last moment, too.
SELECT test_dialer.become(:'tenant', :'ada');
SELECT id AS refused FROM switchboard.make_call('+12025550165') \gset
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.hello();
INSERT INTO switchboard.do_not_call (tenant_id, phone_number) VALUES (:'tenant', '+12025550165');
SELECT is(jsonb_array_length(test_dialer.note((SELECT jsonb_agg(job) FROM test_dialer.turn() AS job WHERE job ->> 'subject_id' = :'refused')) -> 'go'), 0,
          'a call is refused before it is placed');
SELECT is(test_dialer.state_of(:'ada'), 'available', 'its agent is free');
SELECT is(test_dialer.broken_histories(), 0::bigint, 'all histories are whole');

SELECT * FROM finish();
ROLLBACK;
