-- Customers who call at Twilio. After dialer.sql: the tenant is the only one.
CREATE SCHEMA test_inbound;

CREATE FUNCTION test_inbound.set(inbound jsonb) RETURNS void LANGUAGE sql AS $$
  UPDATE switchboard.tenants SET settings = settings || jsonb_build_object('inbound', inbound) $$;

CREATE FUNCTION test_inbound.id(sid text) RETURNS uuid LANGUAGE sql AS $$ SELECT c.id FROM switchboard.call_logs c WHERE c.call_id = sid $$;

CREATE FUNCTION test_inbound.url(event text, call uuid DEFAULT NULL, agent uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT 'https://pbx.example/api/webhooks/twilio/' || event || '?account=' || a.id || coalesce('&call=' || call, '') || coalesce('&agent=' || agent, '')
  FROM switchboard.provider_accounts a WHERE a.provider = 'twilio' $$;

-- What is said about a call, and the verbs of the answer; addresses shortened to URL/event.
CREATE FUNCTION test_inbound.send(url text, event text, form text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answer switchboard.webhook_response := test_dialer.post_twilio(url, form, event);
BEGIN
  IF answer.status <> 200 THEN
    RETURN answer.status || ' ' || answer.body;
  END IF;
  RETURN regexp_replace(regexp_replace(substring(answer.body FROM '<Response>(.*)</Response>|<Response/>'),
    'https://pbx.example/api/webhooks/twilio/([a-z-]+)\?account=[-0-9a-f]+&amp;call=[-0-9a-f]+', 'URL/\1', 'g'),
    'https://pbx.example/api/webhooks/twilio/[^<"]*', 'URL', 'g');
END $$;

CREATE FUNCTION test_inbound.incoming(sid text, to_number text DEFAULT '+12015550100', from_number text DEFAULT '+12025550111') RETURNS text LANGUAGE sql AS $$
  SELECT test_inbound.send(test_inbound.url('incoming'), 'incoming', 'AccountSid=AC1&Direction=inbound&CallStatus=ringing&CallSid=' || sid
    || '&From=' || replace(from_number, '+', '%2B') || '&To=' || replace(to_number, '+', '%2B')) $$;

-- Later events; a status comes to the address of the number, which names no call.
CREATE FUNCTION test_inbound.post(event text, sid text, more text DEFAULT '', status text DEFAULT 'in-progress', agent uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(test_inbound.send(test_inbound.url(event, CASE event WHEN 'status' THEN NULL ELSE test_inbound.id(sid) END, agent), event,
    'AccountSid=AC1&Direction=inbound&From=%2B12025550111&To=%2B12015550100&CallStatus=' || status || '&CallSid=' || sid || coalesce('&' || nullif(more, ''), '')), '') $$;

-- What becomes of an agent's phone.
CREATE FUNCTION test_inbound.leg(sid text, agent uuid, status text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(test_inbound.send(test_inbound.url('agent-status', test_inbound.id(sid), agent), 'agent-status',
    'AccountSid=AC1&Direction=outbound-dial&From=x&To=y&CallStatus=' || status || '&ParentCallSid=' || sid || '&CallSid=leg-' || sid || coalesce(agent::text, '')), '') $$;

CREATE FUNCTION test_inbound.hang_up(sid text, seconds int DEFAULT 5) RETURNS text LANGUAGE sql AS $$
  SELECT test_inbound.post('status', sid, 'SequenceNumber=9&CallDuration=' || seconds, 'completed') $$;

CREATE FUNCTION test_inbound.call(sid text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', c.direction, c.status, c.from_number, c.to_number, CASE WHEN c.abandoned THEN 'abandoned' END, c.overflow, c.duration)
  FROM switchboard.call_logs c WHERE c.call_id = sid $$;
