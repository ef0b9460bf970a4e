-- The cast of storm_test.py: a tenant whose 16 agents, supervisors, providers and imports all work on one power campaign and one
-- preview campaign. Each thing that a session does is a function of schema storm; storm.play() does one and notes what came of it.
\ir ../pgtap/support/dialer.sql

CREATE ROLE storm_app LOGIN IN ROLE switchboard_gateway;
CREATE ROLE storm_worker LOGIN IN ROLE switchboard_worker;
CREATE SCHEMA storm;
GRANT USAGE ON SCHEMA storm TO storm_app, storm_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA switchboard TO storm_worker;

CREATE UNLOGGED TABLE storm.played (kind text, outcome text, message text, context text, at timestamptz DEFAULT clock_timestamp());
CREATE UNLOGGED TABLE storm.held (worker text, id uuid, token bigint, kind text, subject uuid);
CREATE UNLOGGED TABLE storm.samples (at timestamptz);
CREATE UNLOGGED TABLE storm.waits (relation text, lock text, query text, holder text);
CREATE TABLE storm.cast (tenant uuid, power uuid, preview uuid, supervisor uuid, agents uuid[], voicemail uuid);
GRANT INSERT ON storm.played TO storm_app;
GRANT SELECT ON storm.cast TO storm_app, storm_worker;
GRANT ALL ON storm.held TO storm_worker;

DO $$
DECLARE
  tenant uuid := test_dialer.new_tenant('storm');
BEGIN
  -- People are called again and again: caps and lock-outs are the subject of other tests.
  INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason)
  SELECT DISTINCT r.region, r.rule,
         CASE r.rule WHEN 'abandon_lockout' THEN '{"hours": 1}'::jsonb
                     ELSE '{"per_day": 1000, "per_7_days": 1000, "manual_per_day": 1000, "manual_per_7_days": 1000}' END, 'test'
  FROM switchboard.compliance_rules r WHERE r.rule IN ('frequency_cap', 'abandon_lockout') AND r.region IN ('*', 'US');
  UPDATE switchboard.tenants SET settings = settings || '{"wrap_up_seconds": 1}' WHERE id = tenant;
  INSERT INTO switchboard.users (tenant_id, name, role, endpoint)
  SELECT tenant, 'agent ' || n, 'agent', 'sip:agent' || n || '@pbx.example' FROM generate_series(1, 16) n;
  INSERT INTO switchboard.users (tenant_id, name, role) VALUES (tenant, 'boss', 'supervisor');
  INSERT INTO storm.cast
  SELECT tenant,
         test_dialer.new_campaign(tenant, '{"agentless": false, "max_lines": 60, "queue_limit": 60, "agent_timeout": 5, "complete_when_done": false}', type => 'power', max_attempts => 1000),
         test_dialer.new_campaign(tenant, '{"queue_limit": 40, "skip_delay": 1, "complete_when_done": false}', type => 'preview', max_attempts => 1000),
         (SELECT id FROM switchboard.users WHERE name = 'boss'),
         (SELECT array_agg(id ORDER BY name) FROM switchboard.users WHERE role = 'agent'), NULL;
  UPDATE switchboard.campaigns SET dial_level = 2;
  WITH message AS (INSERT INTO switchboard.voicemail_drops (tenant_id, name, audio_url) VALUES (tenant, 'hello', 'https://cdn.example/a.mp3') RETURNING id)
  UPDATE storm.cast SET voicemail = message.id FROM message;
END $$;
SELECT test_dialer.add_people(power, 400, 12025550000), test_dialer.add_people(preview, 400, 12025550200) FROM storm.cast;

-- Helpers of the other side, which sees everything.
CREATE FUNCTION storm.some_call(which text, mine uuid DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
-- which: sent, live or ended; one of the latest hundred.
BEGIN
  RETURN (SELECT c.id FROM (
    SELECT c.id FROM switchboard.call_logs c
    WHERE CASE which WHEN 'sent' THEN c.status IN ('initiated', 'ringing', 'answered') AND c.dialed_at IS NOT NULL
                     WHEN 'live' THEN c.status IN ('initiated', 'ringing', 'answered')
                     ELSE c.status NOT IN ('initiated', 'ringing', 'answered') END
      AND (mine IS NULL OR c.user_id = mine)
    ORDER BY c.id DESC LIMIT 100) c ORDER BY random() LIMIT 1);
END $$;

CREATE FUNCTION storm.post(call uuid, event text, form text) RETURNS int LANGUAGE sql SECURITY DEFINER AS $$
  SELECT (test_dialer.post_twilio(replace(test_dialer.status_url(call), '/status?', '/' || event || '?'),
    'CallSid=CA' || replace(call::text, '-', '') || '&AccountSid=AC1&Direction=outbound-api' || form, event)).status
$$;

CREATE FUNCTION storm.some_short_campaign() RETURNS uuid LANGUAGE sql VOLATILE SECURITY DEFINER AS
$$ SELECT id FROM switchboard.campaigns WHERE name = 'short' AND type = 'preview' ORDER BY random() LIMIT 1 $$;

CREATE FUNCTION storm.number() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT '+1202555' || lpad(floor(random() * 1000)::int::text, 4, '0') $$;
CREATE FUNCTION storm.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;

-- What providers do. A webhook carries no identity; whoever passes it on only needs to be the gateway.
CREATE FUNCTION storm.hook(me uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  call uuid := storm.some_call('sent');
  how  float := random();
  next_status text;
  answer int;
BEGIN
  IF call IS NULL THEN
    RETURN;
  END IF;
  next_status := CASE storm.status_of(call)
    WHEN 'initiated' THEN CASE WHEN how < 0.75 THEN 'ringing' WHEN how < 0.85 THEN 'in-progress' WHEN how < 0.9 THEN 'busy' WHEN how < 0.95 THEN 'failed' ELSE 'completed' END
    WHEN 'ringing' THEN CASE WHEN how < 0.7 THEN 'in-progress' WHEN how < 0.8 THEN 'no-answer' WHEN how < 0.9 THEN 'busy' ELSE 'initiated' END
    ELSE CASE WHEN how < 0.5 THEN 'answer' WHEN how < 0.6 THEN 'dial-status' WHEN how < 0.65 THEN 'amd' WHEN how < 0.7 THEN 'recording' ELSE 'completed' END END;
  answer := CASE next_status
    WHEN 'answer' THEN storm.post(call, 'answer', '&CallStatus=in-progress' || storm.one_of('', '', '&AnsweredBy=human', '&AnsweredBy=machine_start'))
    WHEN 'dial-status' THEN storm.post(call, 'dial-status', '&CallStatus=in-progress&DialCallSid=CAx' || floor(random() * 1000)
                                       || '&DialCallStatus=' || storm.one_of('completed', 'no-answer', 'busy', 'canceled'))
    WHEN 'amd' THEN storm.post(call, 'amd', '&CallStatus=in-progress&AnsweredBy=' || storm.one_of('human', 'machine_start'))
    WHEN 'recording' THEN storm.post(call, 'recording', '&RecordingStatus=completed&RecordingDuration=3&RecordingSid=RE' || floor(random() * 1000)
                                     || '&RecordingUrl=https://api.example/r')
    ELSE storm.post(call, 'status', '&CallStatus=' || next_status || '&SequenceNumber=' || floor(random() * 6)
                    || CASE next_status WHEN 'completed' THEN '&CallDuration=' || floor(random() * 100) ELSE '' END) END;
  IF answer <> 200 THEN
    RAISE EXCEPTION 'webhook answered %', answer;
  END IF;
END $$;
CREATE FUNCTION storm.status_of(call uuid) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status::text FROM switchboard.call_logs WHERE id = call $$;

-- What agents do.
CREATE FUNCTION storm.agent_state(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.set_agent_state(storm.one_of('available', 'available', 'available', 'available', 'paused', 'wrap_up', 'offline'), storm.one_of('', 'lunch'));
END $$;
CREATE FUNCTION storm.preview(me uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  entry uuid := (switchboard.next_preview_contact(CASE WHEN random() < 0.8 THEN (SELECT preview FROM storm.cast)
                                                       ELSE storm.some_short_campaign() END)).queue_id;
BEGIN
  IF entry IS NOT NULL AND random() < 0.6 THEN
    PERFORM switchboard.accept_preview(entry);
  ELSIF entry IS NOT NULL AND random() < 0.7 THEN
    PERFORM switchboard.skip_preview(entry, 'busy day');
  END IF;
END $$;
CREATE FUNCTION storm.dispose(me uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  said text := storm.one_of('interested', 'not-interested', 'callback', 'wrong-number', 'no-answer', 'voicemail', 'qualified', 'not-qualified', 'callback', 'do-not-call');
BEGIN
  PERFORM switchboard.create_disposition(storm.some_call('ended', me), said, 'note', CASE WHEN said = 'callback' THEN now() + interval '2 seconds' END);
END $$;
CREATE FUNCTION storm.hang_up(me uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM switchboard.hang_up(storm.some_call('live', me)); END $$;
CREATE FUNCTION storm.make_call(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.make_call(storm.number(), campaign_id => (SELECT preview FROM storm.cast));
END $$;
CREATE FUNCTION storm.look(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.get_call(storm.some_call(storm.one_of('live', 'ended'), me)), switchboard.get_calls('{}', 20);
END $$;
CREATE FUNCTION storm.note(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.update_call(storm.some_call(storm.one_of('live', 'ended'), me), '{"notes": "said hello"}');
END $$;

-- What supervisors do.
CREATE FUNCTION storm.import(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.add_campaign_contacts(CASE WHEN random() < 0.7 THEN c.power ELSE c.preview END,
    (SELECT jsonb_agg(jsonb_build_object('phone_number', storm.number(), 'first_name', 'N' || n, 'priority', floor(random() * 5))) FROM generate_series(1, 5) n))
  FROM storm.cast c;
END $$;
CREATE FUNCTION storm.drop_people(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM switchboard.campaign_contacts WHERE id = ANY (ARRAY(
    SELECT l.id FROM switchboard.campaign_contacts l TABLESAMPLE SYSTEM (30) ORDER BY random() LIMIT 2));
END $$;
-- Campaigns that come and go. Deleting one while its calls are under way is left out: it may lose against their news (40P01).
CREATE FUNCTION storm.short_campaign(me uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  campaign uuid := (SELECT k.id FROM switchboard.campaigns k WHERE k.name = 'short' AND k.status = 'active' ORDER BY k.id LIMIT 1);
BEGIN
  IF campaign IS NOT NULL AND random() < 0.5 THEN
    PERFORM switchboard.complete_campaign(campaign);
    RETURN;
  END IF;
  INSERT INTO switchboard.dialer_campaigns (user_id, name, type, status, script, active_hours, settings)
  VALUES (NULL, 'short', storm.one_of('power', 'preview')::switchboard.campaign_type, 'active', 'Hello', '{"start":"00:00","end":"24:00"}', '{"agentless": true}') RETURNING id INTO campaign;
  PERFORM switchboard.add_campaign_contacts(campaign, (SELECT jsonb_agg(jsonb_build_object('phone_number', storm.number())) FROM generate_series(1, 8)));
END $$;
CREATE FUNCTION storm.do_not_call(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO switchboard.do_not_call (phone_number, source)
  SELECT DISTINCT n.phone, 'import' FROM (SELECT storm.number() AS phone FROM generate_series(1, 3)) n ORDER BY n.phone
  ON CONFLICT (tenant_id, phone_number, channel) DO NOTHING;
END $$;
CREATE FUNCTION storm.forgive(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM switchboard.do_not_call WHERE id = ANY (ARRAY(SELECT d.id FROM switchboard.do_not_call d ORDER BY d.created_at LIMIT 3));
END $$;
CREATE FUNCTION storm.score(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE switchboard.contacts SET lead_score = floor(random() * 100) WHERE id = ANY (ARRAY(
    SELECT k.id FROM switchboard.contacts k TABLESAMPLE SYSTEM (20) ORDER BY random() LIMIT 3));
END $$;
CREATE FUNCTION storm.run(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF random() < 0.5 THEN
    PERFORM switchboard.run_campaign((SELECT power FROM storm.cast));
  ELSE
    PERFORM * FROM switchboard.run_due_campaigns();
  END IF;
END $$;
CREATE FUNCTION storm.recycle(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.recycle_campaign((SELECT CASE WHEN random() < 0.5 THEN power ELSE preview END FROM storm.cast));
END $$;
CREATE FUNCTION storm.pause(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.pause_campaign((SELECT power FROM storm.cast));
END $$;
CREATE FUNCTION storm.resume(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.resume_campaign((SELECT power FROM storm.cast));
END $$;
CREATE FUNCTION storm.erase_call(me uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM switchboard.delete_call(storm.some_call('ended')); END $$;
CREATE FUNCTION storm.voicemail(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM switchboard.drop_voicemail(storm.some_call('live'), (SELECT voicemail FROM storm.cast));
END $$;
CREATE FUNCTION storm.report(me uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stats FROM switchboard.dialer_campaigns;
  PERFORM switchboard.get_analytics(), switchboard.get_analytics(campaign_id => power), switchboard.get_calls('{"status": "completed"}') FROM storm.cast;
  PERFORM switchboard.campaign_report(power) FROM storm.cast;
  PERFORM FROM switchboard.campaign_preflight((SELECT power FROM storm.cast));
  PERFORM FROM switchboard.agent_report(now() - interval '1 hour', now());
  PERFORM FROM switchboard.agents;
END $$;

-- One scene. An error that a caller can cause is an outcome like any other; which are, is the test's to say.
CREATE FUNCTION storm.play(kind text, client int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  boss    boolean := kind IN ('import', 'drop_people', 'short_campaign', 'do_not_call', 'forgive', 'score', 'run', 'recycle', 'pause', 'resume', 'erase_call', 'voicemail', 'report');
  me      uuid;
  said    text;
  context text;
BEGIN
  SELECT CASE WHEN boss THEN c.supervisor ELSE c.agents[1 + client % 16] END INTO me FROM storm.cast c;
  PERFORM switchboard.set_identity((SELECT tenant FROM storm.cast), me);
  BEGIN
    EXECUTE format('SELECT storm.%I($1)', kind) USING me;
    INSERT INTO storm.played VALUES (kind, 'ok');
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT;
    INSERT INTO storm.played VALUES (kind, SQLSTATE, said, context);
  END;
END $$;

-- What workers do, each step a transaction of its own: claim and record, note, send (which nobody sees).
CREATE FUNCTION storm.claim(me text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  finished json := (SELECT coalesce(json_agg(json_build_object('id', h.id, 'token', h.token,
      'outcome', CASE WHEN h.kind = 'call' AND random() < 0.03 THEN 'permanent' ELSE 'ok' END,
      'provider_id', CASE WHEN h.kind = 'call' THEN 'CA' || replace(h.subject::text, '-', '') END)), '[]') FROM storm.held h WHERE h.worker = me);
  reply jsonb;
BEGIN
  IF current_setting('storm.said_hello', true) IS DISTINCT FROM me THEN
    PERFORM switchboard._worker_hello(json_build_object('worker', me, 'protocol', 1, 'kind', 'standalone', 'pid', 1)),
            set_config('storm.said_hello', me, false);
  END IF;
  reply := switchboard._worker_turn(json_build_object('worker', me, 'finished', finished,
    'claim', json_build_object('limit', 20, 'discover', true, 'lanes', '[]'::json, 'caps', '{}'::json, 'default_cap', 1000)))::jsonb;
  DELETE FROM storm.held h WHERE h.worker = me;
  INSERT INTO storm.held SELECT me, (j ->> 'id')::uuid, (j ->> 'token')::bigint, j ->> 'kind', (j ->> 'subject_id')::uuid
  FROM jsonb_array_elements(reply -> 'jobs') j;
END $$;
CREATE FUNCTION storm.note_sending(me text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  jobs json := (SELECT json_agg(json_build_object('id', h.id, 'token', h.token)) FROM storm.held h WHERE h.worker = me AND h.kind = 'call');
  go jsonb;
BEGIN
  IF jobs IS NOT NULL THEN
    go := switchboard._worker_note_sending(json_build_object('worker', me, 'jobs', jobs))::jsonb -> 'go';
    DELETE FROM storm.held h WHERE h.worker = me AND h.kind = 'call' AND NOT go ? h.id::text;
  END IF;
END $$;

-- Who waits for what, as seen now. A session that waits for a row holds, or waits for, the lock of its tuple.
CREATE FUNCTION storm.sample() RETURNS void LANGUAGE sql AS $$
  INSERT INTO storm.samples VALUES (clock_timestamp());
  INSERT INTO storm.waits
  SELECT coalesce(w.relation::regclass::text, (SELECT min(t.relation::regclass::text) FROM pg_locks t WHERE t.pid = w.pid AND t.locktype = 'tuple'), '-'),
         w.locktype || ' ' || w.mode, left(a.query, 60), (SELECT left(min(b.query), 60) FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids(w.pid)))
  FROM pg_locks w JOIN pg_stat_activity a USING (pid) WHERE NOT w.granted
$$;

-- After the storm: what is under way comes to its end.
CREATE FUNCTION storm.end_calls() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  call uuid;
  ended int := 0;
BEGIN
  FOR call IN SELECT c.id FROM switchboard.call_logs c WHERE c.status IN ('initiated', 'ringing', 'answered') AND c.dialed_at IS NOT NULL ORDER BY c.id LOOP
    PERFORM storm.post(call, 'status', '&CallStatus=completed&SequenceNumber=99&CallDuration=5');
    ended := ended + 1;
  END LOOP;
  RETURN ended;
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA storm, test_dialer TO storm_app, storm_worker;
