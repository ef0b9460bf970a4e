-- What the tests of the dialer share: a tenant that can call, a worker, and Twilio's side of the wire.
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE SCHEMA test_dialer;
GRANT USAGE ON SCHEMA test_dialer TO PUBLIC;

-- The session becomes a gateway that acts for a new tenant with one Twilio account, whose secret is a variable of the server.
CREATE FUNCTION test_dialer.new_tenant(name text, zone text DEFAULT 'UTC') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  tenant uuid;
  account uuid;
BEGIN
  INSERT INTO switchboard.tenants (name, timezone) VALUES (name, zone) RETURNING id INTO tenant;
  PERFORM switchboard.set_identity(tenant);
  account := switchboard.add_provider_account('twilio', 'main', '{"account_sid": "AC1", "public_url": "https://pbx.example",
    "caller_id": "+12015550100"}', '{"auth_token": "env:PATH"}');
  INSERT INTO switchboard.channel_routes (channel, account_id) VALUES ('voice', account);
  -- The tests must hold at any hour, and be about something else.
  INSERT INTO switchboard.compliance_overrides (region, rule, parameters, reason)
  VALUES ('*', 'calling_window', '{"start": "00:00", "end": "24:00"}', 'test'),
         ('US', 'artificial_voice_consent', '{"required": false}', 'test');
  RETURN tenant;
END $$;

CREATE FUNCTION test_dialer.new_campaign(tenant uuid, settings jsonb DEFAULT '{}', hours jsonb DEFAULT '{"start":"00:00","end":"24:00"}',
  type switchboard.campaign_type DEFAULT 'power', max_attempts int DEFAULT 2, retry_interval int DEFAULT 0) RETURNS uuid
LANGUAGE sql AS $$
  INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, status, script, settings, active_hours, max_attempts, retry_interval)
  VALUES (tenant, NULL, 'test', type, 'active', 'Hello {{first_name}}', settings, hours, max_attempts, retry_interval) RETURNING id
$$;

-- A zone where it is noon or a little later: calling is lawful there at any hour of the test.
CREATE FUNCTION test_dialer.open_zone() RETURNS text LANGUAGE sql AS $$
  SELECT 'Etc/GMT' || to_char(extract(hour FROM now() AT TIME ZONE 'UTC')::int - 12, 'FMSG90')
$$;

-- n people on a campaign's list, with numbers +1 202 555 0100 and so on.
CREATE FUNCTION test_dialer.add_people(campaign uuid, n int, first_number bigint DEFAULT 12025550100) RETURNS jsonb LANGUAGE sql AS $$
  SELECT switchboard.add_campaign_contacts(campaign,
    (SELECT jsonb_agg(jsonb_build_object('phone_number', '+' || first_number + i, 'first_name', 'P' || i))
     FROM generate_series(0, n - 1) i))
$$;

CREATE FUNCTION test_dialer.hello() RETURNS void LANGUAGE sql AS $$
  SELECT switchboard._worker_hello('{"worker": "tap", "protocol": 1, "kind": "standalone", "pid": 1}')
$$;

-- One turn that claims whatever it can; the jobs claimed, their payloads read.
CREATE FUNCTION test_dialer.turn(finished jsonb DEFAULT '[]') RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT j || jsonb_build_object('payload', (j ->> 'payload')::jsonb)
  FROM jsonb_array_elements((switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', finished,
    'claim', jsonb_build_object('limit', 1000, 'discover', true, 'lanes', '[]'::jsonb, 'caps', '{}'::jsonb,
                                'default_cap', 1000))::json))::jsonb -> 'jobs') j
$$;

CREATE FUNCTION test_dialer.note(jobs jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT switchboard._worker_note_sending(jsonb_build_object('worker', 'tap', 'jobs', jobs)::json)::jsonb
$$;

CREATE FUNCTION test_dialer.secret() RETURNS text LANGUAGE sql AS $$ SELECT switchboard._open_secret('env:PATH') $$;

CREATE FUNCTION test_dialer.twilio_signature(url text, form text) RETURNS text LANGUAGE sql AS $$
  SELECT encode(hmac(convert_to(url || coalesce(string_agg(f.key || f.value, '' ORDER BY f.key COLLATE "C"), ''), 'UTF8'),
                     convert_to(test_dialer.secret(), 'UTF8'), 'sha1'), 'base64')
  FROM jsonb_each_text(switchboard._parse_form(convert_to(form, 'UTF8'))::jsonb) f
$$;

CREATE FUNCTION test_dialer.post_twilio(url text, form text, event text DEFAULT 'status') RETURNS switchboard.webhook_response
LANGUAGE sql AS $$
  SELECT switchboard.receive_webhook('twilio', event,
    jsonb_build_object('X-Twilio-Signature', test_dialer.twilio_signature(url, form)), convert_to(form, 'UTF8'), url)
$$;

CREATE FUNCTION test_dialer.status_url(call uuid) RETURNS text LANGUAGE sql AS $$
  SELECT 'https://pbx.example/api/webhooks/twilio/status?account=' || c.account_id || '&call=' || c.id
  FROM switchboard.call_logs c WHERE c.id = call
$$;

CREATE FUNCTION test_dialer.call_event(call uuid, status text, sequence int, more text DEFAULT '') RETURNS int LANGUAGE sql AS $$
  SELECT (test_dialer.post_twilio(test_dialer.status_url(call),
    'CallSid=CA' || replace(call::text, '-', '') || '&AccountSid=AC1&Direction=outbound-api&CallStatus=' || status
    || '&SequenceNumber=' || sequence || more)).status
$$;

-- Statistics as a recount gives them.
CREATE FUNCTION test_dialer.recount(campaign uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('total', count(*), 'completed', count(*) FILTER (WHERE status = 'completed'),
    'pending', count(*) FILTER (WHERE status = 'pending'), 'failed', count(*) FILTER (WHERE status = 'failed'),
    'calling', count(*) FILTER (WHERE status = 'calling'), 'callback', count(*) FILTER (WHERE status = 'callback'),
    'do_not_call', count(*) FILTER (WHERE status = 'do-not-call'),
    'exhausted', count(*) FILTER (WHERE status = 'failed' AND next_attempt_at IS NULL))
  FROM switchboard.campaign_contacts WHERE campaign_id = campaign
$$;

CREATE FUNCTION test_dialer.stats(campaign uuid) RETURNS jsonb LANGUAGE sql AS $$
  SELECT stats FROM switchboard.dialer_campaigns WHERE id = campaign
$$;
