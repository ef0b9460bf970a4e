-- Support requests and callbacks: what is taken from whom and how many, their life, and calls that are entered by hand.
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
INSERT INTO switchboard.contacts (tenant_id, phone_number, name, email) VALUES (:'tenant', '+12025550101', 'Kim', 'Kim@Example.test') RETURNING id AS kim \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number, name, email) VALUES (:'tenant', '+12025550102', 'Lee', 'lee@example.test') RETURNING id AS lee \gset

-- What is taken.
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT id AS request FROM switchboard.create_support_request(' kim@example.TEST ', ' My order ', 'It is late.', 'high', NULL, 'c-17') \gset
RESET ROLE;
SELECT is((SELECT (r.user_email, r.subject, r.description, r.priority, r.status, r.user_ref, r.contact_id, r.source, r.address_hash)::text FROM switchboard.support_requests r WHERE r.id = :'request'),
          ('kim@example.TEST', 'My order', 'It is late.', 'high', 'pending', 'c-17', :'kim'::uuid, 'staff', NULL)::text, 'a request, its contact found by e-mail address');
SELECT is((SELECT data FROM switchboard.events WHERE event = 'new-support-request' AND subject_id = :'request' AND user_id IS NULL),
          jsonb_build_object('requestId', :'request'::uuid, 'kind', 'support_request', 'source', 'staff', 'subject', 'My order', 'priority', 'high',
                             'contactId', :'kim'::uuid, 'contactName', 'Kim'), 'every screen of the tenant is told');
SELECT is((SELECT contact_id FROM switchboard.create_support_request('kim@example.test', 's', 'd', 'medium', '(202) 555-0102')), :'lee'::uuid, 'the phone number says more than the address');
SELECT is((SELECT contact_id FROM switchboard.create_support_request('who@example.test', 's', NULL)), NULL, 'somebody unknown');
SELECT is((SELECT (user_email, phone_number)::text FROM switchboard.create_support_request(NULL, 's', NULL, phone_number => '+1 202 555 0199')), '(,+12025550199)', 'a number will do');

-- What is not.
CREATE FUNCTION pg_temp.ask(email text DEFAULT 'a@b.test', subject text DEFAULT 's', description text DEFAULT 'd', priority text DEFAULT 'low',
  phone text DEFAULT NULL, ref text DEFAULT NULL) RETURNS uuid LANGUAGE sql AS $$ SELECT id FROM switchboard.create_support_request(email, subject, description, priority, phone, ref) $$;
SELECT count(*) AS before FROM switchboard.support_requests \gset
SELECT throws_ok(format('SELECT pg_temp.ask(%s)', arguments), state, message, message)
FROM (VALUES
  ($$subject => ''$$, '22023', 'a support request needs a subject'),
  ($$subject => NULL$$, '22023', 'a support request needs a subject'),
  ($$subject => repeat('x', 201)$$, '22023', 'subject has 201 characters, more than 200'),
  ($$description => repeat('x', 10001)$$, '22023', 'description has 10001 characters, more than 10000'),
  ($$ref => repeat('x', 201)$$, '22023', 'user_ref has 201 characters, more than 200'),
  ($$email => repeat('x', 250) || '@b.test'$$, '22023', 'user_email has 257 characters, more than 254'),
  ($$email => 'nobody'$$, '22023', 'not an e-mail address: nobody'),
  ($$email => 'a@b'$$, '22023', 'not an e-mail address: a@b'),
  ($$email => 'a b@c.test'$$, '22023', 'not an e-mail address: a b@c.test'),
  ($$email => 'a@b@c.test'$$, '22023', 'not an e-mail address: a@b@c.test'),
  ($$email => E'a@b.test\nBcc: x@y.test'$$, '22023', E'not an e-mail address: a@b.test\nBcc: x@y.test'),
  ($$email => '<a@b.test>'$$, '22023', 'not an e-mail address: <a@b.test>'),
  ($$email => NULL$$, '22023', 'a support request needs an e-mail address or a phone number'),
  ($$priority => 'soon'$$, '22023', 'unknown priority: soon'),
  ($$priority => NULL$$, '22023', 'unknown priority: null'),
  ($$phone => '12'$$, 'SB001', NULL)) AS t (arguments, state, message);
SELECT is((SELECT count(*) FROM switchboard.support_requests), :before::bigint, 'nothing has changed by that');
SELECT lives_ok($$SELECT pg_temp.ask('o''neil+x=1@mail.example.co.test', repeat(U&'\00e9', 200), repeat(U&'\00e9', 10000))$$, 'characters count, not bytes');

-- Who is the public, and how much it may ask.
CREATE FUNCTION pg_temp.open(tenant uuid, n int, address inet DEFAULT '192.0.2.1') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard._open_support_request(tenant, 'p' || n || '@example.test', 'help', NULL, NULL, NULL, NULL, address);
  RETURN 'taken';
EXCEPTION WHEN SQLSTATE 'SB007' THEN
  RETURN SQLERRM;
END $$;
DELETE FROM switchboard.support_requests;
SELECT lives_ok('SELECT pg_temp.ask() FROM generate_series(1, 30)', 'agents enter what they are told');
DELETE FROM switchboard.support_requests;
UPDATE switchboard.tenants SET settings = settings || '{"support": {"per_email": 2, "per_address": 3, "per_tenant": 6}}' WHERE id = :'tenant';
SELECT test_dialer.become(:'tenant');
SELECT pg_temp.ask(), pg_temp.ask(email => 'A@B.test') \g /dev/null
SELECT throws_ok('SELECT pg_temp.ask()', 'SB007', 'more than 2 support requests an hour from a@b.test', 'an application that speaks for the public has limits: by e-mail address');
SELECT is(pg_temp.open(:'tenant', 1) || pg_temp.open(:'tenant', 2, '192.0.2.2') || pg_temp.open(:'tenant', 3), 'takentakentaken', 'the public');
SELECT is(pg_temp.open(:'tenant', 4), 'taken', 'up to its limit');
SELECT is(pg_temp.open(:'tenant', 5), 'more than 6 support requests an hour from the public', 'of all together');
UPDATE switchboard.tenants SET settings = settings || '{"support": {"per_address": 3}}' WHERE id = :'tenant';
SELECT is(pg_temp.open(:'tenant', 6), 'more than 3 support requests an hour from one network address', 'of one network address');
SELECT is(pg_temp.open(:'tenant', 7, '192.0.2.3'), 'taken', 'others are served');
SELECT is(pg_temp.open(:'tenant', n, ('2001:db8:1:2::' || n)::inet), 'taken', 'IPv6') FROM generate_series(10, 12) n;
SELECT is(pg_temp.open(:'tenant', 13, '2001:db8:1:2:ffff::9'), 'more than 3 support requests an hour from one network address', 'a network of IPv6 counts as one');
SELECT is(pg_temp.open(:'tenant', 14, '2001:db8:1:3::9'), 'taken', 'its neighbour does not');
SELECT is(pg_temp.open(:'tenant', n, NULL), 'taken', 'an address that is not known') FROM generate_series(15, 19) n;
SELECT is(pg_temp.open(:'other', 1), 'taken', 'another tenant has limits of its own');
SELECT throws_ok('SELECT pg_temp.open(switchboard.uuid_v7(), 1)', 'P0002', NULL, 'no such tenant');
UPDATE switchboard.support_requests SET created_at = created_at - interval '61 min' WHERE source = 'form';
SELECT is(pg_temp.open(:'tenant', 20), 'taken', 'an hour later there is room again');
SELECT is((SELECT count(DISTINCT address_hash) FROM switchboard.support_requests WHERE tenant_id = :'tenant')::int, 5, 'addresses are told apart');
SELECT is((SELECT bool_and(length(address_hash) = 32 AND address_hash <> sha256('192.0.2.1')) FROM switchboard.support_requests), true, 'but not kept');
SELECT is((SELECT count(DISTINCT address_hash) FROM switchboard.support_requests WHERE user_email = 'p1@example.test')::int, 2, 'nor told across tenants');
SELECT switchboard._address_key(:'tenant', now()) AS key \gset
SELECT is(switchboard._address_key(:'tenant', now() + interval '23 h'), :'key'::bytea, 'the key lives for a day');
SELECT isnt(switchboard._address_key(:'tenant', now() + interval '25 h'), :'key'::bytea, 'then there is another one');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok('SELECT * FROM switchboard.address_keys', '42501', NULL, 'which nobody reads');
SELECT throws_ok(format('SELECT switchboard._open_support_request(%L, %L, %L, NULL, NULL, NULL, NULL, NULL)', :'other', 'a@b.test', 's'), '42501', NULL, 'only gateways speak for the public');
RESET ROLE;
SELECT set_config('switchboard.tenant_id', '', true) \g /dev/null
SELECT throws_ok('SELECT pg_temp.ask()', '42501', 'the session acts for no tenant', 'nobody asks');

-- Callbacks.
DELETE FROM switchboard.support_requests;
SELECT test_dialer.become(:'tenant');
SELECT id AS callback FROM switchboard.request_callback('202 555 0101') \gset
SELECT is((SELECT (r.subject, r.priority, r.source, r.phone_number, r.contact_id, r.callback_at = now(), r.due_at = now())::text FROM switchboard.support_requests r WHERE id = :'callback'),
          ('Callback', 'high', 'callback', '+12025550101', :'kim'::uuid, true, true)::text, 'a callback');
SELECT is((SELECT data ->> 'kind' FROM switchboard.events WHERE event = 'new-support-request' AND subject_id = :'callback'), 'callback', 'every screen is told');
SELECT is((SELECT id FROM switchboard.request_callback('+12025550101', now() + interval '1 h')), :'callback'::uuid, 'asking again is asking once');
SELECT is((SELECT (id = :'callback', due_at = now() - interval '1 h')::text FROM switchboard.request_callback('+12025550101', now() - interval '1 h')), '(t,t)', 'at the earlier time');
SELECT is((SELECT (contact_id, subject)::text FROM switchboard.request_callback('+12025550133', now() + interval '1 h', ' Invoice ', :'lee')), (:'lee'::uuid, 'Invoice')::text, 'for a contact, about something');
SELECT throws_ok(call, state, message, coalesce(message, call)) FROM (VALUES
  ($$SELECT switchboard.request_callback('12')$$, 'SB001', NULL), ($$SELECT switchboard.request_callback(NULL)$$, 'SB001', NULL),
  ($$SELECT switchboard.request_callback('+12025550101', 'infinity')$$, '22023', 'a callback cannot be at infinity'),
  ($$SELECT switchboard.request_callback('+12025550101', NULL)$$, '22023', 'a callback cannot be at null'),
  ($$SELECT switchboard.request_callback('+12025550101', now() + interval '2 years')$$, '22023', NULL),
  ($$SELECT switchboard.request_callback('+12025550101', subject => repeat('x', 201))$$, '22023', 'subject has 201 characters, more than 200'),
  (format($$SELECT switchboard.request_callback('+12025550101', contact_id => %L)$$, :'other'), 'P0002', format('no such contact: %s', :'other'))) AS t (call, state, message);

-- The life of a request.
SELECT pg_temp.ask(email => 'x@example.test') AS request \gset
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format('SELECT switchboard.assign_support_request(%L, %L)', :'request', :'bob'), '42501', 'only supervisors give work to others', 'agents name themselves only');
SELECT is((SELECT (status, assigned_to)::text FROM switchboard.assign_support_request(:'request', :'ada')), ('assigned', :'ada'::uuid)::text, 'assigned');
RESET ROLE;
SELECT is((SELECT data FROM switchboard.events WHERE event = 'support-request-updated' AND subject_id = :'request'),
          jsonb_build_object('requestId', :'request'::uuid, 'status', 'assigned', 'userId', :'ada'::uuid), 'every screen is told');
SELECT test_dialer.become(:'tenant', :'bob');
SELECT throws_ok(format('SELECT switchboard.%s', step), '42501', format('support request %s is another agent''s', :'request'), 'not by others: ' || step)
FROM (VALUES (format('resolve_support_request(%L, %L)', :'request', 'mine')), (format('close_support_request(%L)', :'request')),
             (format('assign_support_request(%L, %L)', :'request', :'bob'))) AS s (step);
SELECT test_dialer.become(:'tenant', :'sue');
SELECT throws_ok(format('SELECT switchboard.assign_support_request(%L, %L)', :'request', :'eve'), 'P0002', format('no such user: %s', :'eve'), 'a user of another tenant');
SELECT is((SELECT assigned_to FROM switchboard.assign_support_request(:'request', :'bob')), :'bob'::uuid, 'supervisors give it to anybody');
SELECT is((SELECT (status, resolution, resolved_at, assigned_to)::text FROM switchboard.resolve_support_request(:'request', ' Sent again. ')),
          ('resolved', 'Sent again.', now(), :'bob'::uuid)::text, 'resolved, and how');
SELECT throws_ok(format('SELECT switchboard.%s', step), 'SB005', message, message)
FROM (VALUES (format('resolve_support_request(%L)', :'request'), format('cannot resolve support request %s: it is resolved', :'request')),
             (format('assign_support_request(%L, %L)', :'request', :'bob'), format('cannot assign support request %s: it is resolved', :'request'))) AS s (step, message);
SELECT is((SELECT (status, resolution)::text FROM switchboard.close_support_request(:'request')), '(closed,"Sent again.")', 'closed');
SELECT throws_ok(format('SELECT switchboard.close_support_request(%L)', :'request'), 'SB005', format('cannot close support request %s: it is closed', :'request'), 'once');
SELECT is((SELECT (status, assigned_to, resolved_at)::text FROM switchboard.reopen_support_request(:'request')), ('assigned', :'bob'::uuid, NULL)::text, 'reopened: who had it has it');
SELECT throws_ok(format('SELECT switchboard.reopen_support_request(%L)', :'request'), 'SB005', format('cannot reopen support request %s: it is assigned', :'request'), 'once');
SELECT throws_ok('SELECT switchboard.resolve_support_request(NULL)', 'P0002', 'no such support request: null', 'no request');
SELECT test_dialer.become(:'other', :'eve');
SELECT throws_ok(format('SELECT switchboard.resolve_support_request(%L)', :'request'), 'P0002', format('no such support request: %s', :'request'), 'nor one of another tenant');

-- Tables say the same as functions.
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT is((SELECT count(*) FROM switchboard.support_requests WHERE id = :'request'), 1::bigint, 'agents see requests of others');
WITH changed AS (UPDATE switchboard.support_requests SET subject = 'mine' WHERE id = :'request' RETURNING 1) SELECT is((SELECT count(*) FROM changed), 0::bigint, 'and do not change them');
SELECT throws_ok($$ UPDATE switchboard.support_requests SET status = 'closed' $$, '42501', NULL, 'steps are made by functions');
RESET ROLE;
SELECT test_dialer.become(:'tenant', :'bob');
SET LOCAL ROLE switchboard_app;
WITH changed AS (UPDATE switchboard.support_requests SET subject = 'mine' WHERE id = :'request' RETURNING 1) SELECT is((SELECT count(*) FROM changed), 1::bigint, 'one''s own can be changed');
RESET ROLE;

-- Claiming.
CREATE FUNCTION pg_temp.claim() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT concat_ws(' ', coalesce(r.phone_number, r.user_email), r.status, CASE WHEN r.assigned_to = switchboard.current_user_id() THEN 'ada' END)
  FROM switchboard.claim_next_request() r
$$;
DELETE FROM switchboard.support_requests;
SELECT test_dialer.become(:'tenant');
SELECT throws_ok('SELECT switchboard.claim_next_request()', '42501', 'the session acts for no user', 'nobody claims for nobody');
SELECT pg_temp.ask('1@example.test', priority => 'low'), pg_temp.ask('2@example.test', priority => 'urgent'), pg_temp.ask('3@example.test', priority => 'high') \g /dev/null
SELECT switchboard.request_callback('+12025550111', now() - interval '1 min'), switchboard.request_callback('+12025550112', now() + interval '1 min') \g /dev/null
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT is(array_remove(ARRAY(SELECT pg_temp.claim() FROM generate_series(1, 6)), NULL),
          '{"2@example.test assigned ada","+12025550111 assigned ada","3@example.test assigned ada","1@example.test assigned ada"}', 'the most urgent first, what is to come not at all');
RESET ROLE;
SELECT is((SELECT count(*) FROM switchboard.call_queue), 0::bigint, 'nothing waits any more');

-- Calls entered by hand.
SELECT test_dialer.become(:'tenant', :'ada');
SET LOCAL ROLE switchboard_app;
SELECT id AS logged FROM switchboard.log_call('202 555 0101', '+12015550100', duration => 90, notes => 'about the order') \gset
RESET ROLE;
SELECT is((SELECT (c.user_id, c.direction, c.from_number, c.to_number, c.status, c.duration, c.notes, c.lead_id, c.provider, c.answered_at = c.started_at, c.ended_at = now(),
                   c.started_at = now() - interval '90 s')::text FROM switchboard.call_logs c WHERE c.id = :'logged'),
          (:'ada'::uuid, 'inbound', '+12025550101', '+12015550100', 'completed', 90, 'about the order', :'kim'::uuid, NULL, true, true, true)::text, 'a call that is over now');
SELECT is((SELECT (event, data ->> 'status', data ->> 'source', user_id)::text FROM switchboard.events WHERE subject_id = :'logged'), ('call-status-updated', 'completed', 'log_call', :'ada'::uuid)::text,
          'the feed tells whose it is of it');
SELECT is((SELECT (c.to_number, c.from_number, c.lead_id, c.duration, c.ended_at = c.started_at)::text FROM switchboard.log_call(direction => 'outbound', status => 'no-answer', contact_id => :'lee') c),
          ('+12025550102', NULL, :'lee'::uuid, 0, true)::text, 'an outbound one that nobody answered, to a contact');
SELECT is((SELECT (c.status, c.ended_at, c.duration)::text FROM switchboard.log_call('+12025550177', status => 'ringing') c), '(ringing,,)', 'one that goes on');
SELECT is((SELECT count(*) FROM switchboard.events WHERE event = 'new-call'), 1::bigint, 'that is a new call on every screen');
SELECT is((SELECT switchboard.get_analytics() #> '{analytics,overview}' ->> 'totalDuration'), '90', 'they count in reports');
SELECT throws_ok(format('SELECT switchboard.log_call(%s)', arguments), state, message, coalesce(message, arguments)) FROM (VALUES
  ('', '22023', 'neither the customer''s number nor a contact is given'),
  ($$to_number => '+12025550101'$$, '22023', 'neither the customer''s number nor a contact is given'),
  ($$'12'$$, 'SB001', NULL),
  ($$'+12025550101', direction => 'sideways'$$, '22023', 'unknown direction: sideways'),
  ($$'+12025550101', direction => NULL$$, '22023', 'unknown direction: null'),
  ($$'+12025550101', status => 'ended'$$, '22023', 'unknown call status: ended'),
  ($$'+12025550101', status => NULL$$, '22023', 'unknown call status: null'),
  ($$'+12025550101', duration => -1$$, '22023', 'duration must be from 0 to 604800 seconds, not -1'),
  ($$'+12025550101', status => 'busy', duration => 5$$, '22023', 'a call that is busy has no duration of 5 seconds'),
  ($$'+12025550101', started_at => 'infinity'$$, '22023', 'a call that started at infinity and took 0 seconds is not over'),
  ($$'+12025550101', started_at => now() + interval '1 h'$$, '22023', NULL),
  ($$'+12025550101', started_at => now(), duration => 3600$$, '22023', NULL),
  ($$'+12025550101', metadata => '[]'$$, '22023', 'metadata must be a JSON object, not array'),
  ($$'+12025550101', metadata => NULL$$, '22023', 'metadata must be a JSON object, not null'),
  (format($$contact_id => %L$$, :'other'), 'P0002', format('no such contact: %s', :'other')),
  (format($$'+12025550101', user_id => %L$$, :'bob'), '42501', 'only supervisors give work to others')) AS t (arguments, state, message);
SELECT test_dialer.become(:'tenant', :'sue');
SELECT is((SELECT user_id FROM switchboard.log_call('+12025550101', user_id => :'bob')), :'bob'::uuid, 'supervisors name others');
SELECT throws_ok(format($$SELECT switchboard.log_call('+12025550101', user_id => %L)$$, :'eve'), 'P0002', format('no such user: %s', :'eve'), 'of their tenant');
SELECT is((SELECT metadata FROM switchboard.log_call('+12025550101', metadata => '{"call_trigger_id": "x", "order": 7}')), '{"order": 7}', 'metadata, without what is ours');

SELECT * FROM finish();
ROLLBACK;
