-- Preview dialing: reservations, accepting, skipping, and what is refused.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_agent(:'tenant', 'ada', '{sales}') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob', '{sales}') AS bob \gset
SELECT test_dialer.new_agent(:'tenant', 'cat') AS cat \gset
SELECT test_dialer.new_agent(:'tenant', 'sue', role => 'supervisor') AS sue \gset
SELECT test_dialer.new_campaign(:'tenant', '{"skills": ["sales"], "preview_seconds": 60, "skip_delay": 600}', type => 'preview') AS list \gset
UPDATE switchboard.campaigns SET user_id = :'sue' WHERE id = :'list';
SELECT test_dialer.new_campaign(:'tenant') AS power \gset
SELECT switchboard.add_campaign_contacts(:'list', '[{"phone_number": "+12025550100", "first_name": "Ann", "company": "Co", "colour": "red"},
  {"phone_number": "+12025550101", "first_name": "Ben"}, {"phone_number": "+12025550102", "first_name": "Cem"}]');
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550102');
CREATE TEMP TABLE shown (agent text, contact switchboard.preview_contact) ON COMMIT DROP;
CREATE FUNCTION pg_temp.show(tenant uuid, agent uuid, campaign uuid) RETURNS switchboard.preview_contact LANGUAGE plpgsql AS $$
BEGIN
  PERFORM test_dialer.become(tenant, agent);
  RETURN switchboard.next_preview_contact(campaign);
END $$;

-- Who may look.
SELECT throws_ok(format('SELECT switchboard.next_preview_contact(%L)', :'list'), '42501', NULL, 'a gateway without a user has no reservations');
SELECT throws_ok(format('SELECT pg_temp.show(%L, %L, %L)', :'tenant', :'cat', :'list'), '42501', NULL, 'nor has an agent without the skills');
SELECT throws_ok(format('SELECT pg_temp.show(%L, %L, %L)', :'tenant', :'ada', :'power'), '22023', NULL, 'a power campaign is not previewed');
SELECT throws_ok(format('SELECT pg_temp.show(%L, %L, switchboard.uuid_v7())', :'tenant', :'ada'), 'P0002', NULL, 'nor one that does not exist');
SELECT throws_ok(format('SELECT pg_temp.show(%L, %L, NULL)', :'tenant', :'ada'), 'P0002', NULL, 'nor none');
UPDATE switchboard.campaigns SET status = 'paused' WHERE id = :'list';
SELECT throws_ok(format('SELECT pg_temp.show(%L, %L, %L)', :'tenant', :'ada', :'list'), 'SB005', NULL, 'nor a paused one');
UPDATE switchboard.campaigns SET status = 'active' WHERE id = :'list';

-- What is shown.
INSERT INTO shown VALUES ('ada', pg_temp.show(:'tenant', :'ada', :'list'));
SELECT is(((contact).phone_number, (contact).first_name, (contact).company, (contact).attempts, (contact).script, (contact).metadata ->> 'colour')::text,
          '(+12025550100,Ann,Co,0,"Hello Ann",red)', 'somebody, with what to say') FROM shown;
SELECT is((contact).reserved_until BETWEEN now() + interval '60 s' AND clock_timestamp() + interval '60 s', true, 'for as long as is set') FROM shown;
SELECT is(pg_temp.show(:'tenant', :'ada', :'list') = contact, true, 'asking again shows the same') FROM shown;
INSERT INTO shown VALUES ('bob', pg_temp.show(:'tenant', :'bob', :'list'));
SELECT is((contact).first_name, 'Ben', 'somebody else is shown somebody else') FROM shown WHERE agent = 'bob';
SELECT is((pg_temp.show(:'tenant', :'sue', :'list')).queue_id, NULL, 'nobody is left for a third: all null');
SELECT is(status::text, 'do-not-call', 'who must not be called is not shown') FROM switchboard.campaign_contacts WHERE phone_number = '+12025550102';
SELECT (contact).queue_id AS ann FROM shown WHERE agent = 'ada' \gset
SELECT (contact).queue_id AS ben FROM shown WHERE agent = 'bob' \gset

-- Refusals of accept and skip.
SELECT test_dialer.become(:'tenant', :'ada');
SELECT throws_ok(format('SELECT switchboard.accept_preview(%L)', :'ben'), '42501', NULL, 'another''s reservation is not accepted');
SELECT throws_ok(format('SELECT switchboard.skip_preview(%L, %L)', :'ben', 'x'), '42501', NULL, 'nor skipped');
SELECT throws_ok('SELECT switchboard.accept_preview(switchboard.uuid_v7())', 'P0002', NULL, 'no such entry');
SELECT throws_ok('SELECT switchboard.accept_preview(NULL)', 'P0002', NULL, 'no entry at all');
SELECT throws_ok('SELECT switchboard.skip_preview(switchboard.uuid_v7(), NULL)', 'P0002', NULL, 'no such entry to skip');
INSERT INTO switchboard.do_not_call (phone_number, expires_at) VALUES ('+12025550199', now());

-- Accept.
SELECT switchboard.set_agent_state('available');
SELECT id AS call FROM switchboard.accept_preview(:'ann') \gset
SELECT is((user_id, to_number, status, campaign_id = :'list')::text, format('(%s,+12025550100,initiated,t)', :'ada'), 'a call of the agent')
  FROM switchboard.call_logs WHERE id = :'call';
SELECT is((q.status, q.call_log_id = :'call', q.reserved_by, l.status, l.attempts)::text, '(calling,t,,calling,1)', 'the entry is being called')
  FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id WHERE q.id = :'ann';
SELECT is(test_dialer.state_of(:'ada'), 'busy call', 'the agent is busy');
SELECT is((SELECT count(*) FROM switchboard.jobs_open WHERE subject_id = :'call' AND payload ->> 'to' = '+12025550100'), 1::bigint, 'the job is queued');
SELECT throws_ok(format('SELECT switchboard.accept_preview(%L)', :'ann'), 'SB005', NULL, 'not twice');
SELECT throws_ok(format('SELECT switchboard.next_preview_contact(%L)', :'list'), 'SB005', NULL, 'nobody else is shown meanwhile');
SELECT test_dialer.become(:'tenant');
SELECT matches(test_dialer.answer(:'call'), '<Client>ada</Client>', 'who answers is connected with the agent');
SELECT matches(test_dialer.answer(:'call', '&AnsweredBy=machine_start'), '<Client>ada</Client>', 'a machine too: the agent decides');
SELECT test_dialer.call_event(:'call', 'completed', 9, '&CallDuration=9');
SELECT is(test_dialer.state_of(:'ada'), 'wrap_up call', 'afterwards they wrap up');

-- Skip.
SELECT test_dialer.become(:'tenant', :'bob');
SELECT is((s.status, s.reason, s.reserved_by, s.scheduled_at > clock_timestamp() + interval '598 s')::text, '(queued,"asks for Ada",,t)', 'put back with the reason, for later')
  FROM switchboard.skip_preview(:'ben', 'asks for Ada') s;
SELECT throws_ok(format('SELECT switchboard.skip_preview(%L)', :'ben'), 'SB005', NULL, 'no longer reserved');
SELECT is((switchboard.next_preview_contact(:'list')).queue_id, NULL, 'and not shown before that');
UPDATE switchboard.dialer_queues SET scheduled_at = now() WHERE id = :'ben';
SELECT is((switchboard.next_preview_contact(:'list')).queue_id, :'ben'::uuid, 'shown again when it is time');

-- Reservations expire.
UPDATE switchboard.dialer_queues SET reserved_until = now() WHERE id = :'ben';
SELECT throws_ok(format('SELECT switchboard.accept_preview(%L)', :'ben'), 'SB005', NULL, 'an expired reservation is not accepted');
SELECT is((pg_temp.show(:'tenant', :'sue', :'list')).queue_id, :'ben'::uuid, 'somebody else can have it');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT throws_ok(format('SELECT switchboard.accept_preview(%L)', :'ben'), '42501', NULL, 'then it is theirs');

-- One reservation per agent: looking elsewhere gives it up.
SELECT test_dialer.new_campaign(:'tenant', type => 'preview') AS other \gset
SELECT test_dialer.add_people(:'other', 1, 12025550300);
SELECT isnt((pg_temp.show(:'tenant', :'sue', :'other')).queue_id, NULL, 'another campaign');
SELECT is(reserved_by, NULL, 'the first reservation is given up') FROM switchboard.dialer_queues WHERE id = :'ben';

-- The law may have changed while the agent was reading.
SELECT (pg_temp.show(:'tenant', :'bob', :'list')).queue_id AS again \gset
INSERT INTO switchboard.do_not_call (phone_number) VALUES ('+12025550101');
SELECT throws_ok(format('SELECT switchboard.accept_preview(%L)', :'ben'), NULL, NULL, 'do-not-call counts until the last moment');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE to_number = '+12025550101'), 0::bigint, 'no call is made');

-- A promised callback is its agent's first.
SELECT test_dialer.new_campaign(:'tenant', type => 'preview') AS promised \gset
SELECT test_dialer.add_people(:'promised', 2, 12025550400);
SELECT switchboard.run_campaign(:'promised');
UPDATE switchboard.dialer_queues q SET assigned_to = :'cat' FROM switchboard.campaign_contacts l
  WHERE l.id = q.contact_id AND l.phone_number = '+12025550400';
SELECT is((pg_temp.show(:'tenant', :'bob', :'promised')).phone_number, '+12025550401', 'others are shown others');
SELECT is((pg_temp.show(:'tenant', :'cat', :'promised')).phone_number, '+12025550400', 'the agent is shown their own');

-- An agent who rests calls all the same, and rests again afterwards; one without an endpoint is called by the user's id.
SELECT test_dialer.become(:'tenant', :'cat');
SELECT switchboard.set_agent_state('paused', 'paperwork');
SELECT c.id AS resting FROM switchboard.dialer_queues q, switchboard.accept_preview(q.id) c WHERE q.reserved_by = :'cat' \gset
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.call_event(:'resting', 'no-answer', 9);
SELECT is(test_dialer.state_of(:'cat'), 'paused paperwork', 'back to paperwork');
UPDATE switchboard.users SET endpoint = NULL WHERE id = :'bob';
SELECT test_dialer.become(:'tenant', :'bob');
SELECT c.id AS spoken FROM switchboard.dialer_queues q, switchboard.accept_preview(q.id) c WHERE q.reserved_by = :'bob' AND q.status = 'queued' \gset
SELECT test_dialer.become(:'tenant');
SELECT matches(test_dialer.answer(:'spoken'), '<Client>' || :'bob' || '</Client>', 'the softphone that has the user''s id');
SELECT test_dialer.call_event(:'spoken', 'completed', 9, '&CallDuration=4');

-- A full queue keeps nobody waiting whom an agent promised to call, and people put off do not fill it.
SELECT test_dialer.new_campaign(:'tenant', '{"skills": ["sales"], "queue_limit": 2}', type => 'preview') AS full \gset
SELECT test_dialer.add_people(:'full', 6, 12025550600);
SELECT switchboard.run_campaign(:'full');
UPDATE switchboard.campaign_contacts SET status = 'callback', assigned_to = :'ada' WHERE campaign_id = :'full' AND phone_number = '+12025550605';
UPDATE switchboard.campaign_contacts SET next_attempt_at = now() - interval '1 min' WHERE campaign_id = :'full' AND phone_number = '+12025550605';
SELECT is((pg_temp.show(:'tenant', :'bob', :'full')).phone_number, '+12025550600', 'others get the next one');
SELECT is((pg_temp.show(:'tenant', :'ada', :'full')).phone_number, '+12025550605', 'who promised, the callback at once');
SELECT test_dialer.become(:'tenant');
UPDATE switchboard.campaign_contacts SET status = 'callback', next_attempt_at = now() - interval '1 min'
 WHERE campaign_id = :'full' AND phone_number = '+12025550604';
UPDATE switchboard.campaign_contacts SET next_attempt_at = now() - interval '1 min' WHERE campaign_id = :'full' AND phone_number = '+12025550604';
SELECT is(switchboard.run_campaign(:'full') ->> 'queued', '1', 'a run queues the callback, and only that');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT switchboard.skip_preview((switchboard.next_preview_contact(:'full')).queue_id, 'later') FROM generate_series(1, 3);
SELECT is((switchboard.next_preview_contact(:'full')).phone_number, '+12025550602', 'after those who were put off the list goes on');
SELECT test_dialer.become(:'tenant');

-- The agent's own phone first.
SELECT test_dialer.become(:'tenant', :'ada');
SELECT switchboard.set_agent_state('available');
SELECT id AS click FROM switchboard.make_call('+12025550500', metadata => '{"dial_agent_first": true}') \gset
SELECT is(payload ->> 'to', 'client:ada', 'the agent''s phone is dialed') FROM switchboard.jobs_open WHERE subject_id = :'click';
SELECT is(to_number, '+12025550500', 'the call is to the customer all the same') FROM switchboard.call_logs WHERE id = :'click';
SELECT test_dialer.become(:'tenant');
SELECT matches(test_dialer.answer(:'click'), '<Number>\+12025550500</Number>', 'the agent has picked up: the customer is dialed');
SELECT is((status, answered_at)::text, '(ringing,)', 'who has not answered yet') FROM switchboard.call_logs WHERE id = :'click';
SELECT matches(test_dialer.answer(:'click', '&DialCallStatus=completed&DialCallSid=CAz&DialCallDuration=30', 'dial-status'), '<Hangup/>', 'they have spoken');
SELECT test_dialer.call_event(:'click', 'completed', 9, '&CallDuration=45');
SELECT is((status, connected_at = answered_at, answered_at < clock_timestamp() - interval '29 s')::text, '(completed,t,t)', 'for half a minute')
  FROM switchboard.call_logs WHERE id = :'click';
SELECT test_dialer.become(:'tenant', :'ada');
SELECT switchboard.set_agent_state('available');
SELECT id AS click2 FROM switchboard.make_call('+12025550501', metadata => '{"dial_agent_first": true}') \gset
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.answer(:'click2');
SELECT matches(test_dialer.answer(:'click2', '&DialCallStatus=busy&DialCallSid=CAy', 'dial-status'), '<Hangup/>', 'the line is busy');
SELECT is(status::text, 'busy', 'which is the outcome') FROM switchboard.call_logs WHERE id = :'click2';
SELECT is(test_dialer.state_of(:'ada'), 'available', 'the agent is free');
SELECT test_dialer.become(:'tenant', :'ada');
SELECT id AS click3 FROM switchboard.make_call('+12025550502', metadata => '{"dial_agent_first": true}') \gset
SELECT test_dialer.become(:'tenant');
SELECT test_dialer.call_event(:'click3', 'no-answer', 9);
SELECT is(status::text, 'canceled', 'an agent who does not pick up is not the customer''s no-answer') FROM switchboard.call_logs WHERE id = :'click3';
SELECT is(test_dialer.broken_histories(), 0::bigint, 'all histories are whole');

SELECT * FROM finish();
ROLLBACK;
