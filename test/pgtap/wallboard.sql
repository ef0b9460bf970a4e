-- wallboard(): its figures are those of the reports and of a recount, and everybody sees their own.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
\ir support/agents.sql
\ir support/queue_of_calls.sql
SELECT no_plan();

CREATE FUNCTION pg_temp.board(tenant uuid, agent uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  answer jsonb;
BEGIN
  PERFORM test_dialer.become(tenant, agent);
  SET LOCAL ROLE switchboard_app;
  answer := switchboard.wallboard();
  RESET ROLE;
  RETURN answer;
END $$;

-- Nobody, and an empty house.
SELECT throws_ok('SELECT switchboard.wallboard()', '42501', 'the session acts for no tenant', 'nobody has no wallboard');
SELECT test_dialer.new_tenant('acme', test_dialer.open_zone()) AS tenant \gset
SELECT test_dialer.new_agent(:'tenant', 'ada', '{fr}') AS ada \gset
SELECT test_dialer.new_agent(:'tenant', 'bob') AS bob \gset
SELECT test_dialer.new_agent(:'tenant', 'sue', role => 'supervisor') AS sue \gset
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
SELECT test_dialer.new_agent(:'other', 'eve', role => 'admin') AS eve \gset
SELECT pg_temp.board(:'tenant', :'sue') AS board \gset
SELECT is((:'board'::jsonb - 'at' - 'agents' - 'workers'), jsonb_build_object('timezone', test_dialer.open_zone(),
  'calls', '{"live": 0, "inbound": 0, "outbound": 0, "ringing": 0, "list": []}'::jsonb,
  'queue', '{"waiting": 0, "longestWaitS": 0, "byKind": {"call": 0, "support_request": 0, "callback": 0}, "items": []}'::jsonb, 'campaigns', '[]'::jsonb,
  'today', '{"calls": 0, "answered": 0, "answerRate": null, "abandoned": 0, "abandonRate": null, "offered": 0, "inboundAbandoned": 0, "inboundAbandonRate": null, "serviceLevel": null, "averageWaitS": null}'::jsonb,
  'answerRateByHour', (SELECT jsonb_agg(NULL::int) FROM generate_series(0, 23)),
  'deliveries', '{"sms": {"queued": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0}, "whatsapp": {"queued": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0}}'::jsonb),
  'nothing has happened: every key is there, rates are null');
SELECT is(:'board'::jsonb #> '{agents,byState}', '{"offline": 3, "available": 0, "busy": 0, "wrap_up": 0, "paused": 0}', 'nobody is here');
SELECT is(:'board'::jsonb -> 'workers', '{"status": "failing", "running": 0, "jobsReady": 0, "jobsRunning": 0, "jobsDead": 0, "oldestReadyS": 0}', 'no worker either');

-- A day. It is a little after noon in the tenant's zone, so all of this is today.
SELECT test_dialer.become(:'tenant');
INSERT INTO switchboard.contacts (tenant_id, phone_number, name) VALUES (:'tenant', '+12025550101', 'Kim');
SELECT test_dialer.new_campaign(:'tenant') AS power \gset
SELECT test_dialer.add_people(:'power', 4, 12025550200) \g /dev/null
UPDATE switchboard.campaign_contacts SET status = 'completed', attempts = 1 WHERE phone_number = '+12025550200';
UPDATE switchboard.campaign_contacts SET status = 'failed', attempts = 1 WHERE phone_number = '+12025550201';
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, status) VALUES (:'tenant', NULL, 'draft', 'power', 'draft'), (:'tenant', :'sue', 'hers', 'preview', 'paused');
-- Outbound, an hour ago: five answered, of these two abandoned and one by a machine; one not answered. Two of yesterday.
INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, to_number, status, campaign_id, started_at, answered_at, ended_at, answered_by, abandoned, duration)
SELECT :'tenant', CASE WHEN n <= 2 THEN :'ada'::uuid END, 'outbound', '+1202555030' || n, CASE n WHEN 6 THEN 'no-answer' ELSE 'completed' END::switchboard.call_status, :'power',
       now() - interval '1 h' - CASE WHEN n > 6 THEN interval '1 day' ELSE '0' END, CASE WHEN n <> 6 THEN now() - interval '1 h' END, now() - interval '59 min',
       CASE n WHEN 5 THEN 'machine'::switchboard.answered_by END, n IN (3, 4, 7), 60
FROM generate_series(1, 8) n;
-- Inbound, ten minutes ago: connected after 10 and 40 s, given up after 3 and 30 s, to the voicemail after 60 s; one waits, one is talked on.
CREATE FUNCTION pg_temp.inbound(n int, connected int, gone int, ended int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.call_logs (direction, user_id, from_number, status, started_at, answered_at, queued_at, assigned_at, connected_at, left_queue_at, ended_at, duration)
  SELECT 'inbound', NULL, '+1202555040' || n, 'completed', t.at, t.at, t.at, t.at + connected * interval '1 s', t.at + connected * interval '1 s',
         t.at + gone * interval '1 s', t.at + ended * interval '1 s', ended
  FROM (SELECT now() - interval '10 min' AS at) t
$$;
SELECT pg_temp.inbound(1, 10, NULL, 100), pg_temp.inbound(2, 40, NULL, 100), pg_temp.inbound(3, NULL, NULL, 3), pg_temp.inbound(4, NULL, NULL, 30), pg_temp.inbound(5, NULL, 60, 90) \g /dev/null
SELECT test_dialer.waiting_call(:'tenant', '+12025550101', 75, '{de}') AS waiting \gset
UPDATE switchboard.call_logs SET lead_id = (SELECT id FROM switchboard.contacts WHERE name = 'Kim') WHERE id = :'waiting';
SELECT test_dialer.waiting_call(:'tenant', '+12025550102', 65) AS talked \gset
SELECT test_dialer.become(:'tenant', :'bob');
SELECT switchboard.claim_next_call() \g /dev/null
UPDATE switchboard.call_logs SET connected_at = now() - interval '55 s' WHERE id = :'talked';
SELECT test_dialer.set_state(:'ada', 'paused', 'lunch') \g /dev/null
INSERT INTO switchboard.support_requests (tenant_id, user_email, subject, created_at) VALUES (:'tenant', 'a@b.test', 'help', now() - interval '2 h');
INSERT INTO switchboard.messages (tenant_id, contact_id, channel, direction, sender, body)
SELECT :'tenant', (SELECT id FROM switchboard.contacts WHERE name = 'Kim'), 'sms', 'outbound', 'agent', 'hi' RETURNING id AS message \gset
INSERT INTO switchboard.message_delivery_log (tenant_id, message_id, contact_id, channel, provider, status, created_at)
SELECT :'tenant', :'message', m.contact_id, d.channel::switchboard.channel, 'twilio', d.status::switchboard.delivery_status, now() - d.ago::interval
FROM switchboard.messages m, (VALUES ('sms', 'sent', '1 h'), ('sms', 'delivered', '1 h'), ('sms', 'delivered', '2 h'), ('whatsapp', 'read', '1 h'), ('sms', 'failed', '1 day')) AS d (channel, status, ago)
WHERE m.id = :'message';
INSERT INTO switchboard.jobs_open (tenant_id, kind, run_at) VALUES (:'tenant', 'webhook', now() - interval '400 s'), (:'tenant', 'webhook', now() + interval '1 h'), (:'other', 'webhook', now());

SELECT pg_temp.board(:'tenant', :'sue') AS board \gset
SELECT is(:'board'::jsonb -> 'calls', jsonb_build_object('live', 2, 'inbound', 2, 'outbound', 0, 'ringing', 0, 'list', jsonb_build_array(
    jsonb_build_object('id', :'waiting'::uuid, 'direction', 'inbound', 'status', 'answered', 'name', 'Kim', 'number', '+12025550101', 'agent', NULL, 'campaign', NULL,
                       'startedAt', now() - interval '75 s', 'seconds', 75),
    jsonb_build_object('id', :'talked'::uuid, 'direction', 'inbound', 'status', 'answered', 'name', NULL, 'number', '+12025550102', 'agent', 'bob', 'campaign', NULL,
                       'startedAt', now() - interval '65 s', 'seconds', 65))), 'calls');
SELECT is((:'board'::jsonb -> 'queue') - 'items', '{"waiting": 2, "longestWaitS": 75, "byKind": {"call": 1, "support_request": 1, "callback": 0}}', 'the queue: what waits, and the longest wait of a caller');
SELECT is((:'board'::jsonb #> '{queue,items,0}') - 'contactId', jsonb_build_object('kind', 'call', 'id', :'waiting'::uuid, 'name', 'Kim', 'phoneNumber', '+12025550101', 'subject', NULL, 'priority', 0,
    'skills', '{de}'::text[], 'waitingSince', now() - interval '75 s', 'ageS', 75, 'position', 1, 'campaignId', NULL, 'callId', :'waiting'::uuid, 'userId', NULL), 'one of them');
SELECT is((SELECT array_agg((i ->> 'id')::uuid ORDER BY n) FROM jsonb_array_elements(:'board'::jsonb #> '{queue,items}') WITH ORDINALITY AS t (i, n)),
          (SELECT array_agg(q.id ORDER BY q.priority DESC, q.waiting_since, q.id) FROM switchboard.call_queue q), 'in the order of call_queue');
SELECT is(:'board'::jsonb #> '{agents,byState}', '{"offline": 1, "available": 0, "busy": 1, "wrap_up": 0, "paused": 1}', 'agents by state');
SELECT is((:'board'::jsonb #> '{agents,list,0}') - 'since' - 'seconds', jsonb_build_object('id', :'ada'::uuid, 'name', 'ada', 'state', 'paused', 'callId', NULL, 'reason', 'lunch'), 'and by name');
SELECT is(:'board'::jsonb #>> '{agents,list,1,callId}', :'talked', 'with their calls');
SELECT is((SELECT jsonb_agg(c - 'id' ORDER BY c ->> 'name') FROM jsonb_array_elements(:'board'::jsonb -> 'campaigns') c), '[
    {"name": "hers", "type": "preview", "status": "paused", "total": 0, "completed": 0, "pending": 0, "failed": 0, "calling": 0, "penetration": null, "abandonRate": null, "abandonTarget": 3.0},
    {"name": "test", "type": "power", "status": "active", "total": 4, "completed": 1, "pending": 2, "failed": 1, "calling": 0, "penetration": 50.0, "abandonRate": 50.0, "abandonTarget": 3.0}]',
  'campaigns that are active or paused');
SELECT test_dialer.become(:'tenant', :'sue');
SELECT is((SELECT (c ->> 'abandonRate')::numeric FROM jsonb_array_elements(:'board'::jsonb -> 'campaigns') c WHERE c ->> 'name' = 'test'),
          (SELECT round(100 * r.rate, 1) FROM switchboard.abandon_rate(:'power') r WHERE r.day IS NULL), 'the abandon rate is that of abandon_rate()');
SELECT is(:'board'::jsonb -> 'today', '{"calls": 13, "answered": 12, "answerRate": 92.3, "abandoned": 2, "abandonRate": 50.0, "offered": 7, "inboundAbandoned": 2,
    "inboundAbandonRate": 20.0, "serviceLevel": 40.0, "averageWaitS": 20.0}', 'today');
SELECT date_trunc('day', now(), test_dialer.open_zone()) AS midnight \gset
SELECT is(:'board'::jsonb #> '{today,calls}', switchboard.get_analytics(:'midnight') #> '{analytics,overview,totalCalls}', 'calls as get_analytics() counts them');
SELECT is(:'board'::jsonb #> '{today,answerRate}', switchboard.get_analytics(:'midnight') #> '{analytics,overview,answerRate}', 'and their answer rate');
SELECT is(round((:'board'::jsonb #>> '{today,serviceLevel}')::numeric / 100, 4), (switchboard.service_level(:'midnight') #>> '{serviceLevel,rate}')::numeric, 'the service level of service_level()');
SELECT is((switchboard.service_level(:'midnight') - '{serviceLevel,ofAnswered,ofAnsweredAndAbandoned,ofOffered,abandonRate}'::text[]),
  '{"thresholdSeconds": 20, "offered": 7, "answered": 3, "abandoned": 2, "overflowed": 1, "waiting": 1, "answeredInTime": 2, "shortAbandons": 1, "averageSpeedOfAnswer": 20.0, "longestWait": 75.0}',
  'in which the voicemail is no abandoned call, and a call that waits is nothing yet');
CREATE FUNCTION pg_temp.recount(seen_by uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(h.rate ORDER BY n.hour)
  FROM generate_series(0, 23) AS n (hour)
  LEFT JOIN (SELECT date_part('hour', c.started_at AT TIME ZONE test_dialer.open_zone()) AS hour, round(100.0 * count(c.answered_at) / count(*), 1) AS rate
             FROM switchboard.call_logs c
             WHERE c.started_at >= date_trunc('day', now(), test_dialer.open_zone()) AND (seen_by IS NULL OR coalesce(c.user_id, seen_by) = seen_by) GROUP BY 1) h ON h.hour = n.hour
$$;
SELECT is(:'board'::jsonb -> 'answerRateByHour', pg_temp.recount(NULL), 'the answer rate by hour is that of a recount');
SELECT switchboard._fold_call_rollups() \g /dev/null
SELECT is(pg_temp.board(:'tenant', :'sue') -> 'answerRateByHour', pg_temp.recount(NULL), 'also when the deltas have been folded');
SELECT is(:'board'::jsonb -> 'deliveries', '{"sms": {"queued": 0, "sent": 1, "delivered": 2, "read": 0, "failed": 0}, "whatsapp": {"queued": 0, "sent": 0, "delivered": 0, "read": 1, "failed": 0}}', 'deliveries of today');
SELECT is((:'board'::jsonb -> 'workers') - 'oldestReadyS', '{"status": "failing", "running": 0, "jobsReady": 2, "jobsRunning": 0, "jobsDead": 0}', 'the jobs of the tenant alone');
SELECT cmp_ok((:'board'::jsonb #>> '{workers,oldestReadyS}')::numeric, '>=', 400::numeric, 'and how long the oldest has been due');
SELECT test_dialer.hello() \g /dev/null
SELECT is((pg_temp.board(:'tenant', :'sue') -> 'workers') - 'oldestReadyS' - 'jobsReady' - 'jobsRunning', '{"status": "degraded", "running": 1, "jobsDead": 0}', 'with a worker they are only late');

-- Agents see their own work and nobody's.
SELECT pg_temp.board(:'tenant', :'ada') AS board \gset
SELECT is((:'board'::jsonb -> 'calls') - 'list', '{"live": 1, "inbound": 1, "outbound": 0, "ringing": 0}', 'an agent sees no call of another one');
SELECT is(:'board'::jsonb #> '{agents,byState}', '{"offline": 0, "available": 0, "busy": 0, "wrap_up": 0, "paused": 1}', 'themselves');
SELECT is(:'board'::jsonb -> 'answerRateByHour', pg_temp.recount(:'ada'), 'rates of their own and of nobody''s calls');
SELECT is(:'board'::jsonb #> '{today,calls}', '12', 'as many as get_analytics() tells them');
SELECT is(jsonb_array_length(:'board'::jsonb -> 'campaigns'), 1, 'no campaign of somebody else');
SELECT pg_temp.board(:'other', :'eve') AS board \gset
SELECT is((:'board'::jsonb #>> '{calls,live}') || (:'board'::jsonb #>> '{queue,waiting}') || (:'board'::jsonb #>> '{today,calls}') || jsonb_array_length(:'board'::jsonb #> '{agents,list}')
          || (:'board'::jsonb #>> '{workers,jobsReady}'), '00011', 'another tenant has a wallboard of its own');

-- Lists are bounded, figures are not.
SELECT test_dialer.become(:'tenant');
INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, from_number, status, queued_at) SELECT :'tenant', NULL, 'inbound', '+1202555' || n, 'ringing', now() FROM generate_series(1000, 1079) n;
SELECT pg_temp.board(:'tenant', :'sue') AS board \gset
SELECT is((:'board'::jsonb #>> '{calls,live}') || ' ' || jsonb_array_length(:'board'::jsonb #> '{calls,list}') || ', ' || (:'board'::jsonb #>> '{queue,waiting}') || ' '
          || jsonb_array_length(:'board'::jsonb #> '{queue,items}'), '82 50, 82 50', 'fifty of each are listed');

SELECT * FROM finish();
ROLLBACK;
