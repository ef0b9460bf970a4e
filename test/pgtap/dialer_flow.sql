-- A campaign from its list to its end, with a worker and a provider played by this file: results, webhooks in any order,
-- repeated, too early, and faults in between.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
SELECT test_dialer.new_campaign(:'tenant', '{"max_lines": 3, "queue_limit": 4}') AS campaign \gset
SELECT is(test_dialer.add_people(:'campaign', 10) -> 'added', '10', 'ten people are on the list');
SELECT test_dialer.hello();

CREATE TEMP TABLE claimed ON COMMIT DROP AS SELECT * FROM test_dialer.turn() AS job;
SELECT is(count(*), 3::bigint, 'as many calls as lines are dispatched without anybody calling run_campaign') FROM claimed;
SELECT is(test_dialer.stats(:'campaign') -> 'calling', '3', 'their people are being called');
SELECT is((SELECT array_agg(DISTINCT attempts) FROM switchboard.campaign_contacts WHERE status = 'calling'), '{1}',
          'which counts as an attempt');
SELECT is(job -> 'payload' ->> 'to', c.to_number, 'the job dials the number of its call')
  FROM claimed JOIN switchboard.call_logs c ON c.id = (job ->> 'subject_id')::uuid LIMIT 1;
SELECT is((SELECT count(*) FROM switchboard.dialer_queues WHERE status IN ('queued', 'calling')), 4::bigint,
          'the queue holds no more than its limit');
SELECT is(count(*), 0::bigint, 'all lines are taken') FROM test_dialer.turn();

-- 1: placed, then answered and completed, with repeats and out of order.
SELECT (job ->> 'subject_id')::uuid AS call1 FROM claimed ORDER BY 1 LIMIT 1 \gset
SELECT is(jsonb_array_length(test_dialer.note((SELECT jsonb_agg(job) FROM claimed)) -> 'go'), 3, 'all three may be sent');
SELECT is(count(*), 0::bigint, 'the result of the first call is recorded') FROM test_dialer.turn((
  SELECT jsonb_agg(jsonb_build_object('id', job -> 'id', 'token', job -> 'token', 'outcome', 'ok',
                                      'provider_id', 'CA' || replace(:'call1', '-', '')))
  FROM claimed WHERE job ->> 'subject_id' = :'call1'));
SELECT is(call_id, 'CA' || replace(:'call1', '-', ''), 'with the provider''s id') FROM switchboard.call_logs WHERE id = :'call1';
SELECT is(test_dialer.call_event(:'call1', 'completed', 3, '&CallDuration=12'), 200, 'completed comes first');
SELECT is(test_dialer.call_event(:'call1', 'ringing', 1), 200, 'ringing comes late');
SELECT is(test_dialer.call_event(:'call1', 'in-progress', 2), 200, 'answered comes late');
SELECT is(test_dialer.call_event(:'call1', 'completed', 3, '&CallDuration=12'), 200, 'completed comes again');
SELECT is(jsonb_build_array(status::text, duration, answered_at IS NOT NULL, ended_at IS NOT NULL), jsonb_build_array('completed', 12, true, true),
          'the call stays completed') FROM switchboard.call_logs WHERE id = :'call1';
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 3::bigint, 'the repeat is the same event');
SELECT is((SELECT sum(repeats) FROM switchboard.webhook_inbox), 1::bigint, 'and is counted');
SELECT is((SELECT count(*) FROM switchboard.call_events WHERE call_log_id = :'call1'), 3::bigint, 'and acted on once');
SELECT is((SELECT array_agg(data ->> 'status') FROM switchboard.events WHERE subject_id = :'call1'), '{completed}',
          'screens are told of the step forward only');
SELECT is(l.status::text, 'completed', 'the person is done')
  FROM switchboard.campaign_contacts l JOIN switchboard.call_logs c ON c.campaign_contact_id = l.id WHERE c.id = :'call1';
SELECT is(status::text, 'completed', 'so is the queue entry') FROM switchboard.dialer_queues WHERE call_log_id = :'call1';

-- 2: a webhook before the result, and no result at all: the URL says which call.
SELECT (job ->> 'subject_id')::uuid AS call2, job ->> 'id' AS job2, job ->> 'token' AS token2
  FROM claimed WHERE job ->> 'subject_id' <> :'call1' ORDER BY 1 LIMIT 1 \gset
SELECT is(test_dialer.call_event(:'call2', 'busy', 1), 200, 'a webhook overtakes the result');
SELECT is(jsonb_build_array(status::text, call_id), jsonb_build_array('busy', 'CA' || replace(:'call2', '-', '')), 'and says which call it is')
  FROM switchboard.call_logs WHERE id = :'call2';
SELECT is(jsonb_build_array(l.status::text, l.last_outcome, l.attempts, l.next_attempt_at <= now()), jsonb_build_array('failed', 'busy', 1, true),
          'the person is tried again')
  FROM switchboard.campaign_contacts l JOIN switchboard.call_logs c ON c.campaign_contact_id = l.id WHERE c.id = :'call2';
-- The answer to the request was lost; the look-up says absent, but we know better.
SELECT switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', jsonb_build_array(
  jsonb_build_object('id', :'job2', 'token', :'token2'::bigint, 'outcome', 'permanent', 'code', '20404', 'error', 'gone')))::json);
SELECT is(status::text, 'busy', 'a failure of the job does not change what the provider said') FROM switchboard.call_logs WHERE id = :'call2';

-- 3: refused by the provider for its number.
SELECT (job ->> 'subject_id')::uuid AS call3, job ->> 'id' AS job3, job ->> 'token' AS token3
  FROM claimed WHERE job ->> 'subject_id' NOT IN (:'call1', :'call2') \gset
CREATE TEMP TABLE second ON COMMIT DROP AS SELECT * FROM test_dialer.turn(jsonb_build_array(
  jsonb_build_object('id', :'job3', 'token', :'token3'::bigint, 'outcome', 'suppress', 'code', '21211', 'error', 'Invalid To'))) AS job;
SELECT is(jsonb_build_array(status::text, error_code, error), jsonb_build_array('failed', '21211', 'Invalid To'), 'a refused call has failed, and says why')
  FROM switchboard.call_logs WHERE id = :'call3';
SELECT is(jsonb_build_array(l.status::text, l.next_attempt_at, l.last_outcome), jsonb_build_array('failed', NULL::timestamptz, 'bad-number'),
          'a number that cannot be called is not tried again')
  FROM switchboard.campaign_contacts l JOIN switchboard.call_logs c ON c.campaign_contact_id = l.id WHERE c.id = :'call3';
SELECT is(count(*), 3::bigint, 'freed lines are used in the same turn') FROM second;
SELECT is((SELECT test_dialer.stats(:'campaign')), test_dialer.recount(:'campaign'), 'the statistics are those of a recount');

-- 4: nobody answers from here on: every person gets two attempts, then the campaign is over.
DO $$
DECLARE
  job jsonb;
  todo jsonb[] := ARRAY(SELECT s.job FROM second s);
BEGIN
  FOR round IN 1 .. 40 LOOP
    FOREACH job IN ARRAY todo LOOP
      PERFORM test_dialer.call_event((job ->> 'subject_id')::uuid, 'no-answer', 1);
      PERFORM switchboard._worker_turn(json_build_object('worker', 'tap', 'finished', json_build_array(json_build_object(
        'id', job -> 'id', 'token', job -> 'token', 'outcome', 'ok', 'provider_id', 'CA' || replace(job ->> 'subject_id', '-', '')))));
    END LOOP;
    todo := ARRAY(SELECT t FROM test_dialer.turn() t);
    EXIT WHEN cardinality(todo) = 0;
  END LOOP;
END $$;
SELECT is(stats, '{"total": 10, "completed": 1, "failed": 9, "exhausted": 9, "pending": 0, "calling": 0, "callback": 0, "do_not_call": 0}',
          'one person was reached, nine used up their attempts') FROM switchboard.dialer_campaigns WHERE id = :'campaign';
SELECT is(jsonb_build_array(status::text, ran_out), jsonb_build_array('completed', true), 'and the campaign has completed by itself')
  FROM switchboard.dialer_campaigns WHERE id = :'campaign';
SELECT is((SELECT max(n) FROM (SELECT count(*) AS n FROM switchboard.call_logs GROUP BY to_number) x), 2::bigint,
          'nobody was called more often than allowed');
SELECT is((SELECT count(*) FROM switchboard.call_logs), 1 + 1 + 2 + 7 * 2::bigint, 'every call is logged');
SELECT is((SELECT count(*) FROM switchboard.dialer_queues WHERE status IN ('queued', 'calling')), 0::bigint, 'the queue is empty');
SELECT is((SELECT array_agg(DISTINCT a ->> 'to') FROM (SELECT detail AS a FROM switchboard.audit_log WHERE action = 'campaign-status') x),
          '{completed}', 'the step is in the audit log');

-- New people make it go on.
SELECT is(test_dialer.add_people(:'campaign', 1, 12025550200) -> 'added', '1', 'a campaign that ran out takes new people');
SELECT is(status::text, 'active', 'and goes on') FROM switchboard.dialer_campaigns WHERE id = :'campaign';
SELECT is(count(*), 1::bigint, 'by calling them') FROM test_dialer.turn();

-- 5: paused between claim and sending.
SELECT switchboard.pause_campaign(:'campaign');
SELECT test_dialer.new_campaign(:'tenant') AS other \gset
SELECT test_dialer.add_people(:'other', 2, 12025550300);
CREATE TEMP TABLE third ON COMMIT DROP AS SELECT * FROM test_dialer.turn() AS job;
SELECT switchboard.pause_campaign(:'other');
SELECT is(test_dialer.note((SELECT jsonb_agg(job) FROM third)) -> 'go', '[]', 'calls of a campaign that was paused are not sent');
SELECT is((SELECT array_agg(DISTINCT status::text || ' ' || error_code) FROM switchboard.call_logs WHERE campaign_id = :'other'),
          '{"canceled campaign-not-active"}', 'they are canceled');
SELECT is((SELECT array_agg(DISTINCT status::text || attempts) FROM switchboard.campaign_contacts WHERE campaign_id = :'other'),
          '{pending0}', 'and their people wait as before, the attempt not counted');
SELECT switchboard.resume_campaign(:'other');
SELECT is(count(*), 2::bigint, 'until the campaign goes on') FROM test_dialer.turn() AS job;

-- 6: do not call, put on the list after queueing.
SELECT test_dialer.new_campaign(:'tenant') AS late \gset
SELECT test_dialer.add_people(:'late', 2, 12025550400);
CREATE TEMP TABLE fourth ON COMMIT DROP AS SELECT * FROM test_dialer.turn() AS job;
INSERT INTO switchboard.do_not_call (tenant_id, phone_number) VALUES (:'tenant', '+12025550400');
SELECT is(jsonb_array_length(test_dialer.note((SELECT jsonb_agg(job) FROM fourth)) -> 'go'), 1, 'do-not-call counts until the last moment');
SELECT is((SELECT array_agg(phone_number || ' ' || status ORDER BY phone_number) FROM switchboard.campaign_contacts
           WHERE campaign_id = :'late'), '{"+12025550400 do-not-call","+12025550401 calling"}', 'and is remembered on the list');

-- 7: a broken campaign does not stop the others.
ALTER TABLE switchboard.campaigns DISABLE TRIGGER campaigns_rules;
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start": "nonsense"}') AS broken \gset
SELECT test_dialer.add_people(:'broken', 1, 12025550500);
SELECT lives_ok('SELECT count(*) FROM test_dialer.turn()', 'a turn survives a campaign that cannot be dialed');
SELECT is(status::text, 'paused', 'which is paused') FROM switchboard.dialer_campaigns WHERE id = :'broken';

SELECT * FROM finish();
ROLLBACK;
