-- What people do to calls: hang up before, while and after it is sent; change, delete; leave messages; recordings, machines, cost.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
INSERT INTO switchboard.users (tenant_id, name, role, endpoint) VALUES (:'tenant', 'Ann', 'agent', '+12015550111') RETURNING id AS ann \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Bob', 'agent') RETURNING id AS bob \gset
INSERT INTO switchboard.users (tenant_id, name, role) VALUES (:'tenant', 'Sue', 'supervisor') RETURNING id AS sue \gset
SELECT test_dialer.hello();
CREATE TEMP TABLE claimed (job jsonb);
GRANT ALL ON claimed TO PUBLIC;
CREATE FUNCTION pg_temp.send(call uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO claimed SELECT * FROM test_dialer.turn();
  SELECT test_dialer.note(jsonb_agg(job)) FROM claimed WHERE job ->> 'subject_id' = call::text AND job ->> 'kind' = 'call';
$$;
CREATE FUNCTION pg_temp.finish(call uuid, kind text, result jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT * FROM test_dialer.turn((SELECT jsonb_agg(jsonb_build_object('id', job -> 'id', 'token', job -> 'token') || result)
                                  FROM claimed WHERE job ->> 'subject_id' = call::text AND job ->> 'kind' = kind));
$$;
CREATE FUNCTION pg_temp.sid(call uuid) RETURNS text LANGUAGE sql AS $$ SELECT 'CA' || replace(call::text, '-', '') $$;
CREATE FUNCTION pg_temp.state(call uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', status, hangup_cause, CASE WHEN hang_up_at IS NOT NULL THEN 'wished' END) FROM switchboard.call_logs WHERE id = call $$;
CREATE FUNCTION pg_temp.person(phone text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', status, attempts, last_outcome) FROM switchboard.campaign_contacts WHERE phone_number = phone $$;
-- Live, connected and known to the provider.
CREATE FUNCTION pg_temp.live_call(phone text, campaign uuid DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE call uuid;
BEGIN
  SELECT id INTO call FROM switchboard.make_call(phone, campaign_id => campaign);
  PERFORM pg_temp.send(call);
  PERFORM pg_temp.finish(call, 'call', jsonb_build_object('outcome', 'ok', 'provider_id', pg_temp.sid(call)));
  PERFORM test_dialer.call_event(call, 'in-progress', 2);
  RETURN call;
END $$;

-- Not sent yet: over at once, never placed.
SELECT test_dialer.new_campaign(:'tenant', '{}', '{"start":"00:00","end":"24:00"}', 'manual') AS manual \gset
SELECT test_dialer.add_people(:'manual', 9, 12025550120);
SELECT id AS call FROM switchboard.make_call('+12025550120', campaign_id => :'manual') \gset
SELECT is(status::text, 'canceled', 'a call that was not sent is over at once') FROM switchboard.hang_up(:'call');
SELECT is(pg_temp.state(:'call'), 'canceled hung-up wished', 'and says why');
SELECT is(pg_temp.person('+12025550120'), 'pending 0', 'its person is back on the list, the attempt not counted');
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT is(test_dialer.note((SELECT jsonb_agg(job) FROM claimed)) -> 'go', '[]', 'its job is not sent');
SELECT is(state::text || ' ' || last_code, 'dead canceled', 'but over') FROM switchboard.jobs WHERE subject_id = :'call';
SELECT is(pg_temp.state(:'call'), 'canceled hung-up wished', 'which changes nothing more');
SELECT throws_ok(format('SELECT switchboard.hang_up(%L)', :'call'), 'SB005', 'call ' || :'call' || ' cannot be hung up: it is canceled', 'over is over');
TRUNCATE claimed;

-- A campaign that dials by itself leaves the person alone for a while.
SELECT test_dialer.new_campaign(:'tenant', '{"agentless": true}', retry_interval => 600) AS power \gset
SELECT test_dialer.add_people(:'power', 1, 12025550140);
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT id AS call FROM switchboard.call_logs WHERE to_number = '+12025550140' \gset
SELECT switchboard.hang_up(:'call');
SELECT is(pg_temp.person('+12025550140'), 'pending 0', 'back on the list of a power campaign');
SELECT ok(next_attempt_at > now() + interval '9 minutes', 'to wait for the retry interval') FROM switchboard.campaign_contacts WHERE phone_number = '+12025550140';
SELECT is(q.status::text || ' ' || q.reason, 'skipped canceled', 'its queue entry is used up') FROM switchboard.dialer_queues q WHERE call_log_id = :'call';
SELECT is((SELECT count(*) FROM test_dialer.turn()), 0::bigint, 'nobody is dialed at once');
TRUNCATE claimed;

-- Under way: the wish is remembered and told to the provider as soon as it knows the call.
SELECT id AS call FROM switchboard.make_call('+12025550121', campaign_id => :'manual') \gset
SELECT pg_temp.send(:'call');
SELECT is(status::text, 'initiated', 'a call under way goes on for now') FROM switchboard.hang_up(:'call');
SELECT lives_ok(format('SELECT switchboard.hang_up(%L)', :'call'), 'asking again is harmless');
SELECT is((SELECT count(*) FROM switchboard.jobs WHERE kind = 'call.update'), 0::bigint, 'the provider cannot be told yet');
SELECT is(j ->> 'kind' || ' ' || (j -> 'payload' ->> 'action') || ' ' || (j -> 'payload' ->> 'provider_call_id'), 'call.update hangup ' || pg_temp.sid(:'call'),
          'it is told in the same turn that brings its id') FROM pg_temp.finish(:'call', 'call', jsonb_build_object('outcome', 'ok', 'provider_id', pg_temp.sid(:'call'))) j;
SELECT is(test_dialer.call_event(:'call', 'canceled', 3), 200, 'the provider says that it is over');
SELECT is(pg_temp.person('+12025550121'), 'failed 1 canceled', 'the attempt counts, because it left');
TRUNCATE claimed;
-- A repeat of a request that was refused for now is not sent.
SELECT id AS call FROM switchboard.make_call('+12025550122', campaign_id => :'manual') \gset
SELECT pg_temp.send(:'call');
SELECT switchboard.hang_up(:'call');
CREATE TEMP TABLE again AS SELECT * FROM pg_temp.finish(:'call', 'call', '{"outcome": "retry", "code": "20429", "retry_in_ms": 0}') AS job;
INSERT INTO again SELECT * FROM test_dialer.turn();
SELECT is(test_dialer.note((SELECT jsonb_agg(job) FROM again WHERE job ->> 'kind' = 'call')) -> 'go', '[]', 'a repeat is not sent');
SELECT is(pg_temp.state(:'call'), 'canceled canceled wished', 'the call is canceled');
TRUNCATE claimed;
-- The provider never had it: a doubt that is settled so ends as canceled, because somebody wanted it to end.
SELECT test_dialer.add_people(:'manual', 1, 12025550130);
SELECT id AS call FROM switchboard.make_call('+12025550130', campaign_id => :'manual') \gset
SELECT pg_temp.send(:'call');
SELECT pg_temp.finish(:'call', 'call', '{"outcome": "unknown", "code": "timeout"}');
SELECT is((SELECT state::text FROM switchboard.jobs WHERE subject_id = :'call'), 'in_doubt', 'a call in doubt');
SELECT is(status::text, 'initiated', 'can be hung up') FROM switchboard.hang_up(:'call');
TRUNCATE claimed;
UPDATE switchboard.jobs_open SET run_at = now() WHERE subject_id = :'call';
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT pg_temp.finish(:'call', 'call', '{"outcome": "absent"}');
SELECT is(pg_temp.state(:'call'), 'canceled not_placed wished', 'and is canceled when the provider does not have it');
TRUNCATE claimed;
-- A webhook tells the id first.
SELECT id AS call FROM switchboard.make_call('+12025550123', campaign_id => :'manual') \gset
SELECT pg_temp.send(:'call');
SELECT switchboard.hang_up(:'call');
SELECT test_dialer.call_event(:'call', 'ringing', 1);
SELECT is(count(*), 1::bigint, 'a webhook that names the call has it hung up') FROM switchboard.jobs WHERE kind = 'call.update' AND subject_id = :'call';
SELECT test_dialer.call_event(:'call', 'in-progress', 2);
SELECT is(count(*), 1::bigint, 'one wish at a time') FROM switchboard.jobs WHERE kind = 'call.update' AND subject_id = :'call';
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=1');
TRUNCATE claimed;

-- Live.
SELECT pg_temp.live_call('+12025550124', :'manual') AS call \gset
TRUNCATE claimed;
SELECT is(status::text, 'answered', 'a live call ends when the provider says so') FROM switchboard.hang_up(:'call');
SELECT switchboard.hang_up(:'call');
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT is(jsonb_agg(job -> 'payload'), jsonb_build_array(jsonb_build_object('action', 'hangup', 'call_log_id', :'call', 'provider_call_id', pg_temp.sid(:'call'))),
          'the provider is told once') FROM claimed;
SELECT pg_temp.finish(:'call', 'call.update', '{"outcome": "permanent", "code": "20404", "error": "gone"}');
SELECT is(data, jsonb_build_object('callId', :'call', 'action', 'hangup', 'code', '20404', 'error', 'gone'), 'what the provider refuses is in the feed')
  FROM switchboard.events WHERE event = 'call-update-failed';
SELECT lives_ok(format('SELECT switchboard.hang_up(%L)', :'call'), 'and can be asked for again');
SELECT is(count(*), 1::bigint, 'with another job') FROM switchboard.jobs_open WHERE subject_id = :'call';
UPDATE switchboard.provider_accounts SET enabled = false;
SELECT throws_ok(format('SELECT switchboard.hang_up(%L)', :'call'), 'SB002', NULL, 'nobody carries it any more');
UPDATE switchboard.provider_accounts SET enabled = true;
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=9');
SELECT throws_ok('SELECT switchboard.hang_up(switchboard.uuid_v7())', 'P0002', NULL, 'no such call to hang up');
SELECT throws_ok('SELECT switchboard.hang_up(NULL)', 'P0002', 'no such call: null', 'none given');
-- Entered by hand: no provider has it.
INSERT INTO switchboard.call_logs (direction, from_number, status, answered_at, user_id) VALUES ('inbound', '+12025550190', 'answered', clock_timestamp() - interval '7 s', NULL) RETURNING id AS byhand \gset
SELECT is(jsonb_build_array(status, duration >= 7, duration = floor(extract(epoch FROM ended_at - answered_at))), '["completed", true, true]', 'a call that no provider carries ends here') FROM switchboard.hang_up(:'byhand');
TRUNCATE claimed;

-- Who may.
SELECT switchboard.set_identity(:'tenant', :'ann');
SELECT id AS annscall FROM switchboard.make_call('+12025550150') \gset
SELECT switchboard.set_identity(:'tenant', :'bob');
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format('SELECT switchboard.%s', f), 'P0002', 'no such call: ' || :'annscall', 'a colleague''s call does not exist: ' || f)
  FROM unnest(ARRAY[format('hang_up(%L)', :'annscall'), format('update_call(%L, ''{}'')', :'annscall'), format('delete_call(%L)', :'annscall'),
    format('drop_voicemail(%L, switchboard.uuid_v7())', :'annscall'), format('get_call(%L)', :'annscall'), format('create_disposition(%L, ''interested'')', :'annscall')]) f;
RESET ROLE;
SELECT switchboard.set_identity(:'tenant', :'ann');
SET LOCAL ROLE switchboard_app;
SELECT is(user_id, :'ann', 'one''s own call is changed') FROM switchboard.update_call(:'annscall', '{"notes": "mine"}');
SELECT throws_ok(format('SELECT switchboard.update_call(%L, ''{"user_id": null}'')', :'annscall'), '42501', NULL, 'agents do not pass calls on');
SELECT lives_ok(format('SELECT switchboard.hang_up(%L)', :'annscall'), 'one''s own call is hung up by an application role');
SELECT lives_ok(format('SELECT switchboard.delete_call(%L)', :'annscall'), 'and deleted');
SELECT throws_ok(format('SELECT switchboard.delete_call(%L)', :'byhand'), '42501', NULL, 'agents do not delete what is nobody''s');
RESET ROLE;
SELECT switchboard.set_identity(:'tenant', :'sue');
SET LOCAL ROLE switchboard_app;
SELECT lives_ok(format('SELECT switchboard.delete_call(%L)', :'byhand'), 'supervisors do');
RESET ROLE;
SELECT is(array_agg(detail ->> 'from' ORDER BY at DESC) , ARRAY['+12025550190', '+12015550100'], 'the audit log keeps what was deleted')
  FROM (SELECT * FROM switchboard.audit_log WHERE action = 'delete-call' ORDER BY id DESC LIMIT 2) a;
SELECT switchboard.set_identity(:'tenant');

-- update_call
SELECT pg_temp.live_call('+12025550151') AS call \gset
TRUNCATE claimed;
INSERT INTO switchboard.contacts (phone_number, name) VALUES ('+12025550151', 'Ada') RETURNING id AS ada \gset
SELECT is(jsonb_build_array(c.notes, c.metadata, c.lead_id, c.user_id, c.recording_url),
          jsonb_build_array('n', '{"a": 1, "b": 2}'::jsonb, :'ada', :'bob', 'https://x.example/1'), 'what can be changed')
  FROM switchboard.update_call(:'call', jsonb_build_object('notes', 'n', 'metadata', '{"a": 1}'::jsonb, 'lead_id', :'ada', 'user_id', :'bob')) u,
       LATERAL switchboard.update_call(u.id, '{"metadata": {"b": 2}, "recording_url": "https://x.example/1"}') c;
SELECT is(data, jsonb_build_object('callId', :'call', 'userId', :'bob', 'before', NULL), 'the feed says whose call it is') FROM switchboard.events WHERE event = 'call-assigned';
SELECT is(jsonb_build_array(notes, lead_id, user_id, recording_url), '[null, null, null, null]', 'and emptied')
  FROM switchboard.update_call(:'call', '{"notes": null, "lead_id": null, "user_id": null, "recording_url": null}');
SELECT throws_ok(format('SELECT switchboard.update_call(%L, %L)', :'call', changes), code, NULL, 'update_call refuses ' || coalesce(changes, 'nothing'))
  FROM (VALUES ('{"duration": 1}', '22023'), ('[]', '22023'), (NULL, '22023'), ('{"notes": 5}', '22023'), ('{"metadata": "x"}', '22023'), ('{"metadata": null}', '22023'),
    ('{"lead_id": "x"}', '22023'), ('{"lead_id": 5}', '22023'), ('{"lead_id": "00000000-0000-0000-0000-000000000001"}', 'P0002'), ('{"user_id": []}', '22023'),
    ('{"user_id": "00000000-0000-0000-0000-000000000001"}', 'P0002'), ('{"recording_url": "ftp://x"}', '22023'), ('{"recording_url": 1}', '22023'),
    ('{"status": "gone"}', '22023'), ('{"status": null}', '22023'), ('{"status": "completed"}', 'SB005')) v (changes, code);
SELECT throws_like(format('SELECT switchboard.update_call(%L, ''{"notes": "x", "duration": 1}'')', :'call'), '%"duration"%', 'the unknown key is named');
SELECT is(notes, NULL, 'and nothing is changed') FROM switchboard.call_logs WHERE id = :'call';
INSERT INTO switchboard.call_logs (direction, from_number, user_id) VALUES ('inbound', '+12025550191', NULL) RETURNING id AS byhand \gset
SELECT is(jsonb_build_array(status, ended_at IS NOT NULL), '["completed", true]', 'status of a call entered by hand') FROM switchboard.update_call(:'byhand', '{"status": "completed"}');
SELECT throws_ok(format('SELECT switchboard.update_call(%L, ''{"status": "ringing"}'')', :'byhand'), 'SB005', NULL, 'only forward');
SELECT lives_ok(format('SELECT switchboard.update_call(%L, ''{"status": "completed"}'')', :'byhand'), 'the same is no step');
SELECT throws_ok('SELECT switchboard.update_call(switchboard.uuid_v7(), ''{}'')', 'P0002', NULL, 'no such call to change');
SELECT throws_ok(format('SELECT switchboard.delete_call(%L)', :'call'), 'SB005', NULL, 'a live call is not deleted');
SELECT throws_ok('SELECT switchboard.delete_call(NULL)', 'P0002', NULL, 'no call to delete');
SELECT test_dialer.call_event(:'call', 'completed', 4, '&CallDuration=5&Price=-0.01400&PriceUnit=usd&RecordingSid=RE1&RecordingUrl=https%3A%2F%2Fr.example%2F1&RecordingDuration=4');
SELECT is(jsonb_build_array(duration, cost, cost_currency, recording_url), '[5, 0.0140, "USD", "https://r.example/1"]', 'cost and recording by webhook')
  FROM switchboard.call_logs WHERE id = :'call';

-- Recordings: announced by two webhooks, one row; another one is another row; what was not recorded is none.
CREATE FUNCTION pg_temp.hook(call uuid, event text, form text) RETURNS int LANGUAGE sql AS $$
  SELECT (test_dialer.post_twilio(replace(test_dialer.status_url(call), '/status', '/' || event), 'CallSid=' || pg_temp.sid(call) || '&AccountSid=AC1&' || form, event)).status $$;
SELECT is(pg_temp.hook(:'call', 'recording', 'RecordingSid=RE1&RecordingUrl=https%3A%2F%2Fr.example%2F1&RecordingStatus=completed&RecordingDuration=5&RecordingChannels=2'), 200, 'recording');
SELECT is(pg_temp.hook(:'call', 'recording', 'RecordingSid=RE2&RecordingUrl=https%3A%2F%2Fr.example%2F2&RecordingStatus=completed&RecordingDuration=1'), 200, 'another');
SELECT is(pg_temp.hook(:'call', 'recording', 'RecordingSid=RE3&RecordingUrl=&RecordingStatus=absent'), 200, 'nothing recorded');
SELECT is(pg_temp.hook(:'call', 'recording', 'RecordingSid=RE2&RecordingUrl=https%3A%2F%2Fr.example%2F2&RecordingStatus=completed&RecordingDuration=1'), 200, 'a repeat');
SELECT is(jsonb_agg(jsonb_build_array(provider_recording_id, duration, metadata) ORDER BY provider_recording_id), '[["RE1", 5, {"channels": "2"}], ["RE2", 1, {}]]', 'one row a recording')
  FROM switchboard.call_recordings;
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error IS NOT NULL), 0::bigint, 'no webhook has failed');
SELECT is(payload ->> 'recording_url', replace(test_dialer.status_url(c.id), '/status', '/recording'), 'a call to record says where to announce it')
  FROM switchboard.make_call('+12025550152', metadata => '{"record": true}') c JOIN switchboard.jobs j ON j.subject_id = c.id;

-- Messages on machines.
INSERT INTO switchboard.voicemail_drops (user_id, name, audio_url) VALUES (NULL, 'hello', 'https://a.example/h.mp3') RETURNING id AS hello \gset
INSERT INTO switchboard.voicemail_drops (user_id, name, audio_url) VALUES (:'bob', 'bobs', 'https://a.example/b.mp3') RETURNING id AS bobs \gset
SELECT pg_temp.live_call('+12025550125', :'manual') AS call \gset
TRUNCATE claimed;
SELECT switchboard.set_identity(:'tenant', :'ann');
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, %L)', :'call', :'bobs'), 'P0002', NULL, 'a colleague''s message');
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, NULL)', :'call'), 'P0002', NULL, 'no message');
SELECT switchboard.set_identity(:'tenant');
SELECT is(jsonb_build_array(status, voicemail_at IS NOT NULL, answered_by), '["answered", true, "machine"]', 'a message is left') FROM switchboard.drop_voicemail(:'call', :'hello');
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, %L)', :'call', :'hello'), 'SB005', NULL, 'one is enough');
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT is(job -> 'payload' -> 'audio_url', '"https://a.example/h.mp3"', 'the provider is told to play it') FROM claimed WHERE job ->> 'subject_id' = :'call';
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=20');
SELECT is(pg_temp.person('+12025550125'), 'failed 1 voicemail', 'the attempt came out as voicemail');
SELECT is(usage_count, 1, 'and the message was used once') FROM switchboard.voicemail_drops WHERE id = :'hello';
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, %L)', :'call', :'hello'), 'SB005', NULL, 'not on a call that is over');
TRUNCATE claimed;
-- The provider refuses.
SELECT pg_temp.live_call('+12025550153') AS call \gset
SELECT switchboard.drop_voicemail(:'call', :'hello');
TRUNCATE claimed;
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT pg_temp.finish(:'call', 'call.update', '{"outcome": "permanent", "code": "21220", "error": "not in progress"}');
SELECT is(jsonb_build_array(c.voicemail_at, v.usage_count), '[null, 1]', 'a message that was refused was not left') FROM switchboard.call_logs c, switchboard.voicemail_drops v WHERE c.id = :'call' AND v.id = :'hello';
UPDATE switchboard.call_logs SET provider = 'voipstudio' WHERE id = :'call';
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, %L)', :'call', :'hello'), '0A000', NULL, 'a provider that cannot play');
UPDATE switchboard.call_logs SET provider = 'twilio' WHERE id = :'call';
SELECT switchboard.hang_up(:'call');
SELECT throws_ok(format('SELECT switchboard.drop_voicemail(%L, %L)', :'call', :'hello'), 'SB005', NULL, 'not while it is being hung up');
SELECT test_dialer.call_event(:'call', 'completed', 3);
-- Complete with a message, where the campaign says so.
UPDATE switchboard.campaigns SET settings = '{"voicemail_completes": true}' WHERE id = :'manual';
SELECT pg_temp.live_call('+12025550126', :'manual') AS call \gset
SELECT switchboard.drop_voicemail(:'call', :'hello');
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=20');
SELECT is(pg_temp.person('+12025550126'), 'completed 1 voicemail', 'a message completes the person if the campaign wants it so');
TRUNCATE claimed;

-- A machine is noticed while the call is connected.
SELECT pg_temp.live_call('+12025550127', :'manual') AS call \gset
TRUNCATE claimed;
SELECT is(pg_temp.hook(:'call', 'amd', 'AnsweredBy=human&MachineDetectionDuration=2000'), 200, 'a person');
SELECT is(count(*), 0::bigint, 'is talked to') FROM switchboard.jobs WHERE kind = 'call.update' AND subject_id = :'call';
UPDATE switchboard.call_logs SET answered_by = NULL WHERE id = :'call';
DELETE FROM switchboard.webhook_inbox WHERE event = 'amd';
SELECT is(pg_temp.hook(:'call', 'amd', 'AnsweredBy=machine_start&MachineDetectionDuration=2000'), 200, 'a machine');
SELECT is(payload ->> 'action', 'hangup', 'is hung up') FROM switchboard.jobs WHERE kind = 'call.update' AND subject_id = :'call';
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=4');
SELECT is(pg_temp.person('+12025550127'), 'failed 1 machine', 'and tried again as the rule for machines says');
UPDATE switchboard.campaigns SET settings = jsonb_build_object('voicemail_id', :'hello') WHERE id = :'manual';
SELECT pg_temp.live_call('+12025550128', :'manual') AS call \gset
SELECT is(pg_temp.hook(:'call', 'amd', 'AnsweredBy=machine_end_beep'), 200, 'a machine after the beep');
SELECT is(payload ->> 'action', 'play', 'gets the message of the campaign') FROM switchboard.jobs WHERE kind = 'call.update' AND subject_id = :'call';
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=4');
SELECT is(pg_temp.person('+12025550128'), 'failed 1 voicemail', 'which is the outcome');
-- Abandoned.
SELECT test_dialer.add_people(:'manual', 1, 12025550129);
SELECT pg_temp.live_call('+12025550129', :'manual') AS call \gset
UPDATE switchboard.call_logs SET abandoned = true WHERE id = :'call';
SELECT test_dialer.call_event(:'call', 'completed', 3, '&CallDuration=4');
SELECT is(pg_temp.person('+12025550129'), 'failed 1 abandoned', 'nobody was there for the person: they are tried again');

-- Live status.
SELECT pg_temp.live_call('+12025550154') AS call \gset
TRUNCATE claimed;
SELECT is(g -> 'provider' ->> 'status', 'answered', 'what the provider said last') FROM switchboard.get_call(:'call') g;
SELECT is(g -> 'provider' -> 'refreshing', 'false', 'just heard of: not asked again') FROM switchboard.get_call(:'call') g;
UPDATE switchboard.call_events SET received_at = received_at - interval '1 minute' WHERE call_log_id = :'call';
SELECT is(g -> 'provider' -> 'refreshing', 'true', 'it is asked after a while') FROM switchboard.get_call(:'call') g;
SELECT is(g -> 'provider' -> 'refreshing', 'true', 'once') FROM switchboard.get_call(:'call') g;
SELECT is(jsonb_agg(payload), jsonb_build_array(jsonb_build_object('provider_call_id', pg_temp.sid(:'call'), 'call_log_id', :'call')), 'by one job')
  FROM switchboard.jobs WHERE kind = 'call.status';
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT pg_temp.finish(:'call', 'call.status', '{"outcome": "ok", "provider_id": "", "response": {"status": "answered"}}');
SELECT is(g -> 'provider' -> 'refreshing', 'false', 'not within five seconds') FROM switchboard.get_call(:'call') g;
SELECT is(count(*), 1::bigint, 'nothing new leaves no trail') FROM switchboard.call_events WHERE call_log_id = :'call';
UPDATE switchboard.jobs_finished SET finished_at = finished_at - interval '1 minute' WHERE kind = 'call.status';
SELECT switchboard.get_call(:'call');
TRUNCATE claimed;
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT pg_temp.finish(:'call', 'call.status', '{"outcome": "ok", "response": {"status": "completed", "duration": "33", "answered_by": "human", "price": "-0.02", "price_unit": "USD"}}');
SELECT is(jsonb_build_array(status, duration, answered_by, cost, ended_at IS NOT NULL), '["completed", 33, "human", 0.0200, true]', 'what the provider answers counts') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(jsonb_build_array(g -> 'status', g -> 'provider' -> 'refreshing', g -> 'recordings', g -> 'dispositions', g ? 'tenant_id'), '["completed", false, [], [], false]',
  'nobody is asked about a call that is over') FROM switchboard.get_call(:'call') g;
SELECT throws_ok('SELECT switchboard.get_call(switchboard.uuid_v7())', 'P0002', NULL, 'no such call to look at');
SELECT throws_ok('SELECT switchboard.get_call(NULL)', 'P0002', 'no such call: null', 'none given to look at');
-- Nonsense from the provider is no news.
SELECT pg_temp.live_call('+12025550155') AS call \gset
UPDATE switchboard.call_events SET received_at = received_at - interval '1 minute' WHERE call_log_id = :'call';
SELECT switchboard.get_call(:'call');
TRUNCATE claimed;
INSERT INTO claimed SELECT * FROM test_dialer.turn();
SELECT lives_ok(format($$SELECT pg_temp.finish(%L, 'call.status', '{"outcome": "ok", "response": {"status": "singing", "duration": "x", "answered_by": 5, "price": "?"}}')$$, :'call'), 'nonsense is taken');
SELECT is(status::text, 'answered', 'as nothing') FROM switchboard.call_logs WHERE id = :'call';
SELECT is(concat(state, last_error), 'done', 'and the job is done') FROM switchboard.jobs WHERE kind = 'call.status' AND subject_id = :'call';
-- Read-only.
UPDATE switchboard.jobs_finished SET finished_at = finished_at - interval '1 minute' WHERE kind = 'call.status';
SET LOCAL transaction_read_only = on;
SELECT is(g -> 'provider' -> 'refreshing', 'false', 'nothing is asked in a read-only transaction') FROM switchboard.get_call(:'call') g;
SELECT * FROM finish();
ROLLBACK;
