-- Twilio's status webhooks, signed beforehand, and what they leave written plainly.
CREATE SCHEMA IF NOT EXISTS bench;
SELECT test_dialer.new_tenant('webhooks') AS tenant \gset
CREATE SEQUENCE bench.next_webhook;
CREATE TABLE bench.webhooks (n bigint PRIMARY KEY, call uuid, url text, headers jsonb, body bytea);

BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO switchboard.campaigns (id, tenant_id, user_id, name, type, status, active_hours)
VALUES ('00000000-0000-0000-0002-0000000000ff', :'tenant', NULL, 'webhooks', 'power', 'active', '{"start":"00:00","end":"24:00"}');
INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, status, attempts)
SELECT :'tenant', '00000000-0000-0000-0002-0000000000ff', '+1202' || 5000000 + n, 'calling', 1 FROM generate_series(1, 60000) n;
INSERT INTO switchboard.call_logs (tenant_id, direction, to_number, campaign_id, campaign_contact_id, provider, account_id)
SELECT l.tenant_id, 'outbound', l.phone_number, l.campaign_id, l.id, 'twilio', a.id
FROM switchboard.campaign_contacts l JOIN switchboard.provider_accounts a USING (tenant_id);
UPDATE switchboard.campaign_contacts l SET last_call_id = c.id FROM switchboard.call_logs c WHERE c.campaign_contact_id = l.id;
INSERT INTO switchboard.dialer_queues (tenant_id, campaign_id, contact_id, status, call_log_id)
SELECT c.tenant_id, c.campaign_id, c.campaign_contact_id, 'calling', c.id FROM switchboard.call_logs c;
COMMIT;

-- 1,000 calls ring, then are answered, then end: as apart in time as webhooks of a call are.
INSERT INTO bench.webhooks
SELECT row_number() OVER (ORDER BY w.block, w.step, w.call), w.call, w.url,
       jsonb_build_object('X-Twilio-Signature', test_dialer.twilio_signature(w.url, w.form)), convert_to(w.form, 'UTF8')
FROM (SELECT c.id AS call, row_number() OVER (ORDER BY c.id) / 1000 AS block, s.step,
             'https://pbx.example/api/webhooks/twilio/status?account=' || c.account_id || '&call=' || c.id AS url,
             'CallSid=CA' || replace(c.id::text, '-', '') || '&AccountSid=AC1&Direction=outbound-api&SequenceNumber=' || s.step
             || '&CallStatus=' || s.status || CASE WHEN s.status = 'completed' THEN '&CallDuration=42' ELSE '' END AS form
      FROM switchboard.call_logs c,
           unnest(ARRAY['ringing', 'in-progress', 'completed']) WITH ORDINALITY AS s (status, step)
      WHERE c.campaign_id = '00000000-0000-0000-0002-0000000000ff') w;
VACUUM ANALYZE;

CREATE FUNCTION bench.webhook(n bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  answer switchboard.webhook_response;
BEGIN
  SELECT r.* INTO STRICT answer FROM bench.webhooks w, switchboard.receive_webhook('twilio', 'status', w.headers, w.body, w.url) r
  WHERE w.n = webhook.n;
  RETURN answer.status;
END $$;

-- The rows of the inbox, the trail and the feed.
CREATE FUNCTION bench.plain(n bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.webhook_inbox (tenant_id, account_id, provider, event, external_id, dedupe_key, url, headers, body, signature_ok,
                                         processed_at)
  SELECT c.tenant_id, c.account_id, 'twilio', 'status', 'CA' || w.n, 'plain:' || w.n, w.url, w.headers, w.body, true, clock_timestamp()
  FROM bench.webhooks w JOIN switchboard.call_logs c ON c.id = w.call WHERE w.n = plain.n;
  INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw, occurred_at)
  SELECT c.tenant_id, c.id, 'ringing', '{"CallStatus": "ringing"}', clock_timestamp()
  FROM bench.webhooks w JOIN switchboard.call_logs c ON c.id = w.call WHERE w.n = plain.n;
  INSERT INTO switchboard.events (tenant_id, event, subject_id, data)
  SELECT c.tenant_id, 'call-status-updated', c.id, jsonb_build_object('callId', c.id, 'status', 'ringing', 'campaignId', c.campaign_id)
  FROM bench.webhooks w JOIN switchboard.call_logs c ON c.id = w.call WHERE w.n = plain.n;
$$;

CREATE FUNCTION bench.start_over() RETURNS bigint LANGUAGE sql AS $$ SELECT setval('bench.next_webhook', 1, false) $$;

-- The same webhook as a front hands it over, and as bytes on a connection.
CREATE FUNCTION bench.request(n bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  answer switchboard.http_response;
BEGIN
  SELECT r.* INTO STRICT answer
  FROM bench.webhooks w,
       switchboard.handle_http('POST', '/api/webhooks/twilio/status',
                               jsonb_build_object('account', substr(w.url, strpos(w.url, 'account=') + 8, 36), 'call', w.call),
                               w.headers || jsonb_build_object('host', 'pbx.example', 'x-request-target', substr(w.url, 20)), w.body) r
  WHERE w.n = request.n;
  RETURN answer.status;
END $$;

CREATE FUNCTION bench.request_bytes(w bench.webhooks) RETURNS bytea LANGUAGE sql AS $$
  SELECT convert_to(format(E'POST %s HTTP/1.1\r\nHost: pbx.example\r\nContent-Type: application/x-www-form-urlencoded\r\n'
                           'X-Twilio-Signature: %s\r\nContent-Length: %s\r\n\r\n',
                           substr(w.url, 20), w.headers ->> 'X-Twilio-Signature', octet_length(w.body)), 'UTF8') || w.body
$$;
