-- What providers tell beside the calls that we place: inbound messages, what became of ours, calls that come in; who is believed.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset
DELETE FROM switchboard.channel_routes;
DELETE FROM switchboard.provider_accounts;
CREATE FUNCTION pg_temp.account(provider text, settings jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
  SELECT switchboard.add_provider_account(provider, provider, '{"public_url": "https://pbx.example/"}' || settings,
    (SELECT jsonb_object_agg(n, 'env:' || upper(n)) FROM unnest(
      '{auth_token,signature_secret,webhook_token,app_secret,verify_token,webhook_secret,signing_secret}'::text[]) n)) $$;
SELECT pg_temp.account('whatsapp', '{"phone_number_id": "106540352242922"}') AS whatsapp,
       pg_temp.account('mtn') AS mtn, pg_temp.account('openai') AS openai, pg_temp.account('asterisk', '{"asterisk_id": "a1"}') AS asterisk,
       pg_temp.account('twilio', '{"account_sid": "AC1"}') AS twilio, pg_temp.account('vonage', '{"api_key": "k1"}') AS vonage,
       pg_temp.account('voipstudio', '{"customer_id": 77}') AS voipstudio, pg_temp.account('omnidimension') AS omnidimension,
       pg_temp.account('webhook') AS webhook \gset
-- The environment of the server is not a test's to set.
CREATE OR REPLACE FUNCTION switchboard._open_secret(reference text, context text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN reference IN ('env:WEBHOOK_SECRET', 'env:SIGNING_SECRET') THEN 'whsec_' || encode(sha256(convert_to(reference, 'UTF8')), 'base64')
              ELSE 'a-long-secret-' || reference END $$;
CREATE SEQUENCE pg_temp.n;

-- How each of them proves who it is.
CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT rtrim(translate(encode(bytes, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE FUNCTION pg_temp.signed(provider text, url text, body text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE
    WHEN provider = 'whatsapp' THEN jsonb_build_object('X-Hub-Signature-256', 'sha256=' ||
      encode(hmac(convert_to(body, 'UTF8'), convert_to(switchboard._open_secret('env:APP_SECRET'), 'UTF8'), 'sha256'), 'hex'))
    WHEN provider IN ('openai', 'webhook') THEN (
      SELECT jsonb_build_object('webhook-id', i, 'webhook-timestamp', t, 'webhook-signature', 'v1,' || encode(hmac(
        convert_to(i || '.' || t || '.' || body, 'UTF8'),
        sha256(convert_to(CASE provider WHEN 'openai' THEN 'env:WEBHOOK_SECRET' ELSE 'env:SIGNING_SECRET' END, 'UTF8')), 'sha256'), 'base64'))
      FROM (SELECT 'evt_' || nextval('pg_temp.n') AS i, floor(extract(epoch FROM clock_timestamp()))::bigint::text AS t) s)
    WHEN provider = 'twilio' THEN jsonb_build_object('X-Twilio-Signature', (
      SELECT encode(hmac(convert_to(url || coalesce(string_agg(f.key || f.value, '' ORDER BY f.key COLLATE "C"), ''), 'UTF8'),
                         convert_to(switchboard._open_secret('env:AUTH_TOKEN'), 'UTF8'), 'sha1'), 'base64')
      FROM jsonb_each_text(switchboard._parse_form(convert_to(body, 'UTF8'))::jsonb) f))
    WHEN provider = 'vonage' AND body NOT LIKE '{%' THEN '{"content-type": "application/x-www-form-urlencoded"}'
    WHEN provider = 'vonage' THEN (
      SELECT jsonb_build_object('Authorization', 'Bearer ' || h.head || '.' || pg_temp.base64url(hmac(convert_to(h.head, 'UTF8'),
        convert_to(switchboard._open_secret('env:SIGNATURE_SECRET'), 'UTF8'), 'sha256')))
      FROM (SELECT pg_temp.base64url('{"alg":"HS256"}') || '.' || pg_temp.base64url(convert_to(jsonb_build_object(
              'iat', extract(epoch FROM clock_timestamp())::bigint, 'api_key', 'k1',
              'payload_hash', encode(sha256(convert_to(body, 'UTF8')), 'hex'))::text, 'UTF8')) AS head) h)
    ELSE jsonb_build_object('Authorization', 'Basic ' || encode(convert_to('switchboard:' || switchboard._open_secret('env:WEBHOOK_TOKEN'), 'UTF8'), 'base64'))
  END $$;
CREATE FUNCTION pg_temp.post(provider text, event text, body text, account uuid DEFAULT NULL, signed text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, r.body)
  FROM (SELECT '/api/webhooks/' || provider || '/' || event || '?account=' || coalesce(account, a.id) AS url
        FROM switchboard.provider_accounts a WHERE a.provider = post.provider) u,
       LATERAL switchboard.receive_webhook(provider, event, pg_temp.signed(provider, 'https://pbx.example' || u.url, coalesce(signed, body)),
                                           convert_to(body, 'UTF8'), u.url) r $$;
CREATE FUNCTION pg_temp.last_message() RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws('|', k.phone_number, m.channel, m.body, m.media, m.metadata - 'account_id')
  FROM switchboard.messages m JOIN switchboard.contacts k ON k.id = m.contact_id ORDER BY m.id DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.messages() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM switchboard.messages WHERE direction = 'inbound' $$;
-- A message of ours on its way.
CREATE FUNCTION pg_temp.sent(provider text, provider_id text DEFAULT NULL) RETURNS uuid LANGUAGE sql AS $$
  WITH who AS (
    INSERT INTO switchboard.contacts (phone_number) VALUES ('+12025550' || 200 + nextval('pg_temp.n')) RETURNING id
  ), message AS (
    INSERT INTO switchboard.messages (contact_id, channel, direction, sender, body) SELECT id, 'sms', 'outbound', 'system', 'Hi' FROM who RETURNING id, contact_id
  )
  INSERT INTO switchboard.message_delivery_log (message_id, contact_id, channel, provider, provider_message_id)
  SELECT id, contact_id, 'sms', provider, provider_id FROM message RETURNING id $$;
CREATE FUNCTION pg_temp.delivery(delivery uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', d.status, d.provider_message_id, d.error_code, d.error) FROM switchboard.message_delivery_log d WHERE d.id = delivery $$;
CREATE FUNCTION pg_temp.call(name text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', c.direction, c.status, c.from_number, c.to_number, c.duration, c.hangup_cause) FROM switchboard.call_logs c WHERE c.call_id = name $$;

-- WhatsApp: the question when the address is set up.
CREATE FUNCTION pg_temp.challenge(query text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, r.content_type, r.body) FROM switchboard.receive_webhook('whatsapp', 'event', '{}', '',
    '/api/webhooks/whatsapp/event?' || query) r $$;
SELECT is(pg_temp.challenge('hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a-long-secret-env:VERIFY_TOKEN'),
          '200 text/plain 1158201444', 'the challenge is answered');
SELECT is(pg_temp.challenge('account=' || :'whatsapp' || '&hub.mode=subscribe&hub.challenge=%3Cb%3E&hub.verify_token=a-long-secret-env%3AVERIFY_TOKEN'),
          '200 text/plain <b>', 'as plain text, whatever it is');
SELECT is(pg_temp.challenge(q), '403 text/plain bad verify token', q) FROM unnest(ARRAY[
  'hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong', 'hub.mode=subscribe&hub.challenge=1', 'hub.challenge=1', '',
  'hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=a-long-secret-env:VERIFY_TOKEN',
  'hub.mode=subscribe&hub.challenge=&hub.verify_token=a-long-secret-env:VERIFY_TOKEN',
  'hub.mode=subscribe&hub.challenge=1&hub.verify_token=a-long-secret-env:APP_SECRET',
  'hub.mode=subscribe&hub.verify_token=a-long-secret-env:VERIFY_TOKEN&hub.challenge=' || repeat('x', 1001)]) q;
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 0::bigint, 'none of that is kept');

-- WhatsApp: messages and statuses.
CREATE FUNCTION pg_temp.wa(VARIADIC members jsonb[]) RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_build_object('object', 'whatsapp_business_account', 'entry', jsonb_build_array(jsonb_build_object('id', '102290129340398', 'changes',
    jsonb_build_array(jsonb_build_object('field', 'messages', 'value', jsonb_object_agg(e.key, e.value)
      || '{"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}}')))))::text
  FROM unnest(members) m, jsonb_each(m) e $$;
SELECT pg_temp.wa(jsonb_build_object('contacts', '[{"profile": {"name": "Ada"}, "wa_id": "919876543210", "user_id": "IN.1"}]'::jsonb,
  'messages', jsonb_build_array(jsonb_build_object('from', '919876543210', 'id', 'wamid.AAA', 'timestamp', extract(epoch FROM now())::bigint::text,
                                                   'type', 'text', 'text', '{"body": "Hi \u263a"}'::jsonb)))) AS hi \gset
SELECT is(pg_temp.post('whatsapp', 'event', replace(:'hi', 'Hi', 'Ho'), signed => :'hi'), '403 bad signature', 'one byte changed: refused');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox), 0::bigint, 'and not kept');
SELECT is(pg_temp.post('whatsapp', 'event', :'hi'), '200 {}', 'a message');
SELECT is(pg_temp.last_message(), '+919876543210|whatsapp|Hi ☺|[]|{"type": "text", "to_number": "+15550783881", "profile_name": "Ada"}', 'is taken');
SELECT is(concat_ws('|', name, has_whatsapp, source, last_active_channel), 'Ada|t|inbound-message|whatsapp', 'its sender is known now')
  FROM switchboard.contacts WHERE phone_number = '+919876543210';
SELECT is(pg_temp.post('whatsapp', 'event', :'hi') || pg_temp.messages(), '200 {}1', 'the same post again is nothing new');
SELECT is(pg_temp.post('whatsapp', 'event', replace(:'hi', '"object"', '"again": 1, "object"')) || pg_temp.messages(), '200 {}1', 'nor is the same message in another post');
SELECT is((SELECT array_agg(repeats ORDER BY id) FROM switchboard.webhook_inbox), '{1,0}', 'the first was counted');
SELECT is((switchboard.receive_webhook('whatsapp', 'event', pg_temp.signed('whatsapp', '', :'hi'), convert_to(:'hi', 'UTF8'), '/x')).status, 200,
          'the number in it names the account');
SELECT is((switchboard.receive_webhook('whatsapp', 'event', pg_temp.signed('whatsapp', '', x), convert_to(x, 'UTF8'), '/x')).status, 404,
          'another number is nobody''s') FROM (SELECT replace(replace(:'hi', '106540352242922', '1'), '102290129340398', '2') AS x) s;
SELECT is(pg_temp.post('whatsapp', 'event', replace(replace(:'hi', 'wamid.AAA', 'wamid.ZZZ'), '106540352242922', '1')) || pg_temp.messages(), '200 {}1',
          'what is about another number is left alone');
SELECT pg_temp.wa(jsonb_build_object('messages', '[
  {"from": "14155550101", "id": "wamid.B1", "timestamp": "1", "type": "image", "image": {"id": "m1", "mime_type": "image/jpeg", "caption": "Look"}},
  {"from": "14155550101", "id": "wamid.B2", "timestamp": "x", "type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}},
  {"from": "14155550101", "id": "wamid.B3", "type": "reaction", "reaction": {"message_id": "wamid.AAA", "emoji": "👍"}},
  {"from": "14155550101", "id": "wamid.B4", "type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Here"}},
  {"from": "14155550101", "id": "wamid.B5", "type": "unsupported", "errors": [{"code": 131051}]},
  {"from": "14155550101", "id": "wamid.B6", "type": "system", "system": {"type": "user_changed_number"}},
  {"id": "wamid.B7", "type": "text", "text": {"body": "no sender"}}, "nonsense", {"from": "14155550101", "type": "text"}]'::jsonb)) AS many \gset
SELECT is(pg_temp.post('whatsapp', 'event', :'many'), '200 {}', 'many in one post');
SELECT is(array_agg(provider_message_id || ' ' || body ORDER BY provider_message_id),
          '{"wamid.B1 Look","wamid.B2 Yes","wamid.B3 👍","wamid.B4 Here","wamid.B5 "}', 'those that are messages')
  FROM switchboard.messages WHERE provider_message_id LIKE 'wamid.B%';
SELECT is(media, '[{"id": "m1", "type": "image/jpeg"}]', 'with what is attached') FROM switchboard.messages WHERE provider_message_id = 'wamid.B1';
SELECT is(error, NULL, 'and what is none is no fault') FROM switchboard.webhook_inbox ORDER BY id DESC LIMIT 1;
SELECT pg_temp.sent('whatsapp') AS one, pg_temp.sent('whatsapp', 'wamid.S2') AS two \gset
CREATE FUNCTION pg_temp.told(id text, status text, delivery uuid DEFAULT NULL, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('id', id, 'status', status, 'timestamp', extract(epoch FROM now())::bigint::text, 'biz_opaque_callback_data', delivery)) || more $$;
SELECT is(pg_temp.post('whatsapp', 'event', pg_temp.wa(jsonb_build_object('statuses', jsonb_build_array(
            pg_temp.told('wamid.S1', 'read', :'one'), pg_temp.told('wamid.S2', 'delivered'), pg_temp.told('wamid.S1', 'sent', :'one'))))), '200 {}', 'statuses');
SELECT is(pg_temp.delivery(:'one') || ' / ' || pg_temp.delivery(:'two'), 'read wamid.S1 / delivered wamid.S2', 'are noted, by our id or theirs');
SELECT is(pg_temp.post('whatsapp', 'event', pg_temp.wa(jsonb_build_object('statuses', jsonb_build_array(pg_temp.told('wamid.S2', 'sent'),
            pg_temp.told('wamid.S2', 'dancing'), pg_temp.told('wacid.1', 'RINGING', more => '{"type": "call"}'))))), '200 {}', 'late and unknown ones');
SELECT is(pg_temp.delivery(:'two'), 'delivered wamid.S2', 'change nothing');
SELECT pg_temp.sent('whatsapp', 'wamid.S3') AS three \gset
SELECT is(pg_temp.post('whatsapp', 'event', pg_temp.wa(jsonb_build_object('statuses', jsonb_build_array(pg_temp.told('wamid.S3', 'failed', more =>
            '{"errors": [{"code": 131047, "title": "Re-engagement", "error_data": {"details": "More than 24 hours"}}]}'))))), '200 {}', 'a failure');
SELECT is(pg_temp.delivery(:'three'), 'failed wamid.S3 131047 More than 24 hours', 'with its reason');
SELECT is(pg_temp.post('whatsapp', 'event', pg_temp.wa(jsonb_build_object('statuses', jsonb_build_array(pg_temp.told('wamid.S9', 'delivered'))))), '200 {}',
          'one that overtakes the answer to our request');
SELECT is(error || ' ' || external_id || ' ' || (processed_at IS NULL), 'unknown message wamid.S9 true', 'waits') FROM switchboard.webhook_inbox ORDER BY id DESC LIMIT 1;
SELECT pg_temp.sent('whatsapp', 'wamid.S9') AS nine \gset
SELECT switchboard._act_on_waiting(:'tenant', 'whatsapp', 'wamid.S9') AS void \gset
SELECT is(pg_temp.delivery(:'nine'), 'delivered wamid.S9', 'until the message is known');
CREATE FUNCTION pg_temp.prefers(value text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.post('whatsapp', 'event', replace(pg_temp.wa(jsonb_build_object('user_preferences', jsonb_build_array(jsonb_build_object(
    'wa_id', '919876543210', 'category', 'marketing_messages', 'value', value, 'timestamp', 1767225600)))), '"field": "messages"', '"field": "user_preferences"')) $$;
SELECT is(pg_temp.prefers('stop'), '200 {}', 'somebody wants no more marketing');
SELECT is((SELECT array_agg(channel || ' ' || source) FROM switchboard.do_not_call WHERE phone_number = '+919876543210'), '{whatsapp whatsapp-preference}', 'and gets none');
SELECT is(pg_temp.prefers('resume'), '200 {}', 'or wants it again');
SELECT is((SELECT count(*) FROM switchboard.do_not_call), 0::bigint, 'which takes back that');
SELECT is(pg_temp.post('whatsapp', 'event', b), '400 cannot be read: ' || e, e) FROM (VALUES ('{}', 'no list "entry"'), ('{"entry": 5}', 'no list "entry"'),
  ('[]', 'webhook body is not a JSON object'), ('{', 'invalid input syntax for type json'),
  ('{"entry": "\u0000"}', 'no list "entry"')) v (b, e);
SELECT is(pg_temp.post('whatsapp', 'event', replace(replace(:'hi', 'wamid.AAA', 'wamid.NUL'), 'Hi ☺', 'Hi\u0000\\u0000\u0000')), '200 {}', 'a NUL in a message');
SELECT is(body, E'Hi\ufffd\\u0000\ufffd', 'is read as U+FFFD') FROM switchboard.messages WHERE provider_message_id = 'wamid.NUL';
SELECT is(pg_temp.post('whatsapp', 'event', b), '200 {}', 'no fault: ' || b) FROM unnest(ARRAY['{"entry": []}', '{"entry": [1, null, {"changes": 5}]}',
  '{"entry": [{"changes": [{"field": "messages", "value": 5}, {"field": "flows", "value": {}}]}]}']) b;

-- Two numbers, two accounts, one address; two tenants with one number.
SELECT switchboard.add_provider_account('whatsapp', 'second', '{"phone_number_id": "2"}', '{"app_secret": "env:APP_SECRET"}') AS second \gset
SELECT jsonb_set(:'hi'::jsonb, '{entry,0,changes}', (:'hi'::jsonb #> '{entry,0,changes}')
  || replace(replace((:'hi'::jsonb #> '{entry,0,changes}')::text, '106540352242922', '2'), 'wamid.AAA', 'wamid.C2')::jsonb)::text AS both \gset
SELECT is((switchboard.receive_webhook('whatsapp', 'event', pg_temp.signed('whatsapp', '', :'both'), convert_to(:'both', 'UTF8'), '/x')).status, 200, 'a post about two numbers');
SELECT is(metadata ->> 'account_id', :'second', 'each is its own account''s') FROM switchboard.messages WHERE provider_message_id = 'wamid.C2';
DELETE FROM switchboard.provider_accounts WHERE id = :'second';
INSERT INTO switchboard.tenants (name) VALUES ('other') RETURNING id AS other \gset
INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings) VALUES
  (:'other', 'whatsapp', 'w', '{"phone_number_id": "106540352242922"}'), (:'other', 'twilio', 't', '{"account_sid": "AC1"}');
CREATE FUNCTION pg_temp.anybodys(body text, key text DEFAULT 'wamid.AAA', by text DEFAULT 'wamid.AAA') RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.status, r.body) FROM replace(body, key, by) b, LATERAL switchboard.receive_webhook('whatsapp', 'event',
    pg_temp.signed('whatsapp', '', b), convert_to(b, 'UTF8'), '/x') r $$;
SELECT is(pg_temp.anybodys(:'hi', by => 'wamid.D1'), '200 {}', 'a number that another tenant entered, too');
SELECT is((SELECT array_agg(m.tenant_id) FROM switchboard.messages m WHERE m.provider_message_id = 'wamid.D1'), ARRAY[:'tenant'::uuid], 'is whose secret it is signed with');
SELECT is((switchboard.receive_webhook('twilio', 'message', '{}', 'AccountSid=AC1&MessageSid=SM1', '/x')).status, 403, 'one that nobody''s secret proves is refused');
SELECT is((switchboard.receive_webhook('twilio', 'message', pg_temp.signed('twilio', 'https://pbx.example/x', 'AccountSid=AC1&MessageSid=SM0'),
          'AccountSid=AC1&MessageSid=SM0', '/x')).status, 200, 'so is an account of Twilio');
CREATE OR REPLACE FUNCTION pg_temp.other_secret(other uuid, reference text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO switchboard.provider_secrets (tenant_id, account_id, name, value)
  SELECT a.tenant_id, a.id, n, reference FROM switchboard.provider_accounts a, unnest('{app_secret,auth_token}'::text[]) n WHERE a.tenant_id = other
  ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value $$;
ALTER FUNCTION switchboard._open_secret(text, text) RENAME TO _open_secret_kept;
CREATE FUNCTION switchboard._open_secret(reference text, context text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF reference = 'env:NOWHERE' THEN RAISE EXCEPTION 'no such variable' USING ERRCODE = 'SB010'; END IF;
  RETURN switchboard._open_secret_kept(reference, context);
END $$;
SELECT pg_temp.other_secret(:'other', 'env:NOWHERE');
SELECT is(pg_temp.anybodys(:'hi', by => 'wamid.D2'), '200 {}', 'a secret of the other that cannot be opened keeps nothing away');
SELECT throws_ok($$SELECT switchboard.receive_webhook('twilio', 'message', '{}', 'AccountSid=AC1&MessageSid=SM1', '/x')$$, 'SB010', NULL,
                 'and is seen where nobody else''s proves it');
SELECT pg_temp.other_secret(:'other', 'env:APP_SECRET');
SELECT is(pg_temp.anybodys(:'hi', by => 'wamid.D3'), '404 no such account', 'a number that two tenants hold with the same secret names neither');
DROP FUNCTION switchboard._open_secret(text, text);
ALTER FUNCTION switchboard._open_secret_kept(text, text) RENAME TO _open_secret;
DELETE FROM switchboard.tenants WHERE id = :'other';

-- MTN: no signature, but a secret.
SELECT is((switchboard.receive_webhook('mtn', 'sms', h, '{"senderAddress": "1", "message": "x"}', u)).status, s, u) FROM (VALUES
  ('{}'::jsonb, '/api/webhooks/mtn/sms?account=' || :'mtn', 403),
  ('{}', '/api/webhooks/mtn/sms?account=' || :'mtn' || '&token=wrong', 403),
  ('{}', '/api/webhooks/mtn/sms/wrong?account=' || :'mtn', 403),
  ('{"x-webhook-token": "wrong"}', '/api/webhooks/mtn/sms?account=' || :'mtn', 403),
  ('{}', '/api/webhooks/mtn/sms', 404),
  ('{}', '/api/webhooks/mtn/sms?account=' || :'voipstudio' || '&token=a-long-secret-env:WEBHOOK_TOKEN', 404),
  ('{}', '/api/webhooks/mtn/sms?account=' || :'mtn' || '&token=a-long-secret-env%3AWEBHOOK_TOKEN', 200),
  ('{}', '/api/webhooks/mtn/sms/a-long-secret-env:WEBHOOK_TOKEN?account=' || :'mtn', 200),
  ('{"X-Webhook-Token": "a-long-secret-env:WEBHOOK_TOKEN"}', '/api/webhooks/mtn/sms?account=' || :'mtn', 200)) v (h, u, s);
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox w WHERE w::text LIKE '%secret-env%'), 0::bigint, 'which is not kept');
SELECT pg_temp.sent('mtn') AS one \gset
SELECT is(pg_temp.post('mtn', 'receipt', jsonb_build_object('id', 12345, 'clientCorrelatorId', :'one', 'deliveryStatus', s, 'error', e)::text), '200 {}', s)
  FROM (VALUES ('ACCEPTD', NULL), ('DELIVERED', NULL), ('ENROUTE', NULL), ('SOMETHING', 'x')) v (s, e);
SELECT is(pg_temp.delivery(:'one'), 'delivered ' || :'one', 'receipts find our message by our own id');
SELECT is(pg_temp.post('mtn', 'sms', b), '200 {}', b) FROM unnest(ARRAY[
  '{"senderAddress": "2348031234567", "receiverAddress": "SHOP", "message": "v3", "id": 7, "created": "2020-01-01T00:00:00"}',
  '{"from": "2348031234567", "to": "1234", "text": "v1", "messageId": "7b"}',
  '{"msisdn": "2348031234567", "serviceCode": "1234", "message": "no id"}', '{"senderAddress": "2348031234567", "message": "v3", "id": 7}']) b;
SELECT is(array_agg(m.body || ' ' || (m.metadata ->> 'to_number') ORDER BY m.id), '{"v3 SHOP","v1 1234","no id 1234"}', 'messages in any form, once by their id')
  FROM switchboard.messages m JOIN switchboard.contacts k ON k.id = m.contact_id WHERE k.phone_number = '+2348031234567';
SELECT is(pg_temp.post('mtn', 'sms', '{"hello": 1}'), '400 cannot be read: neither a receipt nor a message', 'what is neither');

-- Twilio.
SELECT is(pg_temp.post('twilio', 'message', 'MessageSid=SM1&AccountSid=AC1&From=%2B14155550111&To=%2B15005550006&Body=Hell%C3%B6+%2B1&NumMedia=2&SmsStatus=received'
            || '&MediaUrl0=https%3A%2F%2Fm.example%2F0&MediaContentType0=image%2Fpng&MediaUrl1=https%3A%2F%2Fm.example%2F1'),
          '200 <?xml version="1.0" encoding="UTF-8"?><Response/>', 'an SMS with pictures');
SELECT is(pg_temp.last_message(), '+14155550111|sms|Hellö +1|[{"url": "https://m.example/0", "type": "image/png"}, {"url": "https://m.example/1"}]|{"to_number": "+15005550006"}', 'is taken');
SELECT is(pg_temp.post('twilio', 'message', 'MessageSid=SM2&AccountSid=AC1&From=whatsapp%3A%2B14155550111&To=whatsapp%3A%2B15005550006&Body=Hi&ProfileName=Bob&SmsStatus=received&NumMedia=99999999999'),
          '200 <?xml version="1.0" encoding="UTF-8"?><Response/>', 'one by WhatsApp');
SELECT is(pg_temp.last_message(), '+14155550111|whatsapp|Hi|[]|{"to_number": "+15005550006", "profile_name": "Bob"}', 'is taken, too');
SELECT pg_temp.sent('twilio', 'SM9') AS sm9 \gset
SELECT is(left(pg_temp.post('twilio', 'message-status', 'MessageSid=SM9&MessageStatus=' || s || '&ErrorCode=' || e), 3), '200', s)
  FROM (VALUES ('delivered', ''), ('sent', ''), ('undelivered', '30003')) v (s, e);
SELECT is(pg_temp.delivery(:'sm9'), 'delivered SM9', 'statuses in any order');
SELECT is(left(pg_temp.post('twilio', 'message-status', 'MessageSid=SM10&MessageStatus=delivered'), 3), '200', 'news of a message that is not known yet');
SELECT is(error, 'unknown message', 'wait for it') FROM switchboard.webhook_inbox ORDER BY id DESC LIMIT 1;

-- Vonage: the Messages API, signed by a token; the SMS API, signed by a parameter.
SELECT is(pg_temp.post('vonage', 'message', '{"message_uuid": "u-1", "to": "14155550101", "from": "14155550122", "channel": "whatsapp", "message_type": "image",
  "image": {"url": "https://m.example/a", "caption": "See"}, "profile": {"name": "Eve"}}'), '200 {}', 'a message');
SELECT is(pg_temp.last_message(), '+14155550122|whatsapp|See|[{"url": "https://m.example/a", "type": "image"}]|{"type": "image", "to_number": "+14155550101", "profile_name": "Eve"}', 'is taken');
SELECT is(pg_temp.post('vonage', 'message', '{"message_uuid": "u-2", "to": "page", "from": "psid", "channel": "messenger", "message_type": "text", "text": "x"}'), '200 {}', 'other channels');
SELECT is((SELECT count(*) FROM switchboard.messages WHERE provider_message_id = 'u-2'), 0::bigint, 'are left alone');
SELECT pg_temp.sent('vonage', 'u-3') AS three, pg_temp.sent('vonage') AS four \gset
SELECT is(pg_temp.post('vonage', 'message-status', jsonb_build_object('message_uuid', 'u-3', 'status', 'rejected', 'channel', 'sms',
            'error', '{"title": 1000, "detail": "Throttled"}'::jsonb)::text), '200 {}', 'a status');
SELECT is(pg_temp.delivery(:'three'), 'failed u-3 1000 Throttled', 'is noted');
SELECT is(pg_temp.post('vonage', 'message-status', jsonb_build_object('messageId', 'S4', 'status', 'delivered', 'client-ref', :'four', 'err-code', '0')::text), '200 {}', 'a receipt');
SELECT is(pg_temp.delivery(:'four'), 'delivered S4', 'is noted');
-- The sig parameter: "&name=value" sorted by name, HMAC-SHA256.
CREATE FUNCTION pg_temp.sms(fields jsonb, at timestamptz DEFAULT clock_timestamp(), as_get boolean DEFAULT false, tamper text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  WITH f AS (SELECT e.key, e.value FROM jsonb_each_text(fields || jsonb_build_object('timestamp', floor(extract(epoch FROM at))::bigint, 'api-key', 'k1')) e),
  q AS (SELECT string_agg(f.key || '=' || switchboard._url_encode(f.value), '&') || '&sig=' ||
               encode(hmac(convert_to(string_agg('&' || f.key || '=' || translate(f.value, '&=', '__'), '' ORDER BY f.key COLLATE "C"), 'UTF8'),
                           convert_to(switchboard._open_secret('env:SIGNATURE_SECRET'), 'UTF8'), 'sha256'), 'hex') || tamper AS text FROM f)
  SELECT concat_ws(' ', r.status, r.body) FROM q, LATERAL switchboard.receive_webhook('vonage', 'message',
    '{"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}',
    CASE WHEN as_get THEN '' ELSE convert_to(q.text, 'UTF8') END,
    '/api/webhooks/vonage/message?account=' || (SELECT id FROM switchboard.provider_accounts WHERE provider = 'vonage') || CASE WHEN as_get THEN '&' || q.text ELSE '' END) r $$;
SELECT '{"msisdn": "14155550133", "to": "14155550101", "messageId": "M1", "text": "a=b & c", "type": "text", "keyword": "A"}' AS sms \gset
SELECT is(pg_temp.sms(:'sms', tamper => '0') || pg_temp.sms(:'sms', clock_timestamp() - interval '6 minutes'), '403 bad signature403 bad signature', 'forged or old: refused');
SELECT is(pg_temp.sms(:'sms'), '200 {}', 'an SMS as form');
SELECT is(pg_temp.last_message(), '+14155550133|sms|a=b & c|[]|{"keyword": "A", "to_number": "+14155550101"}', 'is taken');
SELECT is(pg_temp.sms(:'sms'::jsonb || '{"messageId": "M2", "text": "by GET"}', as_get => true), '200 {}', 'an SMS in the query');
SELECT is(split_part(pg_temp.last_message(), '|', 3), 'by GET', 'is taken');
CREATE FUNCTION pg_temp.part(n int, text text, ref text DEFAULT '12') RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.sms(jsonb_build_object('msisdn', '14155550144', 'to', '14155550101', 'messageId', ref || 'P' || n || text, 'text', text, 'type', 'text',
    'concat', 'true', 'concat-ref', ref, 'concat-total', '3', 'concat-part', n)) $$;
SELECT is(pg_temp.part(3, ' you?') || pg_temp.part(1, 'How ') || pg_temp.part(3, ' you?'), '200 {}200 {}200 {}', 'parts in any order');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error = 'waits for the other parts'), 2::bigint, 'wait for each other');
SELECT is(pg_temp.part(2, 'are'), '200 {}', 'the last part');
SELECT is(array_agg(body || ' ' || provider_message_id), '{"How are you? 12P1How "}', 'makes one message')
  FROM switchboard.messages m JOIN switchboard.contacts k ON k.id = m.contact_id WHERE k.phone_number = '+14155550144';
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error = 'waits for the other parts' OR processed_at IS NULL AND external_id LIKE 'parts:%'), 0::bigint, 'none waits any more');
SELECT is(pg_temp.part(1, 'New') || pg_temp.part(2, 'er'), '200 {}200 {}', 'the same reference again');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error = 'waits for the other parts'), 2::bigint, 'is another message');
UPDATE switchboard.webhook_inbox SET attempts = 9 WHERE error = 'waits for the other parts';
UPDATE switchboard.webhook_inbox SET updated_at = now() - interval '1 day' WHERE error = 'waits for the other parts';
SELECT switchboard._act_on_webhook(id) AS void FROM switchboard.webhook_inbox WHERE error = 'waits for the other parts' ORDER BY id LIMIT 1 \gset
SELECT is(split_part(pg_temp.last_message(), '|', 3), 'Newer', 'when a part never comes the rest is taken');

-- Calls that come in.
SELECT is(pg_temp.post('openai', 'event', '{"object": "event", "id": "evt_1", "type": "realtime.call.incoming", "created_at": 1719168000,
  "data": {"call_id": "rtc_1", "sip_headers": [{"name": "from", "value": "\"Ada\" <sip:+14155550155@sip.example.com;user=phone>;tag=1"}, {"name": "To", "value": "<sip:+12015550100@sip.example.com>"}]}}'),
  '200 {}', 'OpenAI: a call comes in');
SELECT is(pg_temp.call('rtc_1'), 'inbound ringing +14155550155 +12015550100', 'and is recorded');
SELECT is(pg_temp.post('openai', 'event', '{"id": "evt_2", "type": "batch.completed", "data": {"id": "batch_1"}}'), '200 {}', 'other events are kept');
SELECT is(external_id || ' ' || (processed_at IS NOT NULL), 'batch_1 true', 'for the application') FROM switchboard.webhook_inbox ORDER BY id DESC LIMIT 1;
SELECT is(pg_temp.post('openai', 'event', '{"id": "evt_3"}'), '400 cannot be read: no type of event', 'what says nothing');
SELECT is(pg_temp.post('openai', 'event', '{"type": "x", "id": "y"}', signed => '{"type": "x", "id": "z"}'), '403 bad signature', 'one byte changed: refused');

CREATE FUNCTION pg_temp.ari(type text, channel text, more jsonb DEFAULT '{}', account uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.post('asterisk', 'event', (jsonb_build_object('type', type, 'application', 'switchboard', 'asterisk_id', 'a1',
    'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+0000"'),
    'channel', jsonb_build_object('id', channel, 'state', 'Ring', 'caller', '{"name": "", "number": "4155550166"}'::jsonb, 'dialplan', '{"exten": "2015550100"}'::jsonb))
    || more)::text, account) $$;
SELECT is(left(pg_temp.ari('ChannelDestroyed', 'ch-2', '{"cause": 16, "cause_txt": "Normal Clearing"}'), 3), '200', 'Asterisk: an end that is heard of before its beginning');
SELECT is(error, 'unknown call', 'waits') FROM switchboard.webhook_inbox WHERE external_id = 'ch-2';
SELECT is(left(pg_temp.ari('StasisStart', 'ch-2', '{"args": []}'), 3), '200', 'the beginning');
SELECT is(pg_temp.call('ch-2'), 'inbound no-answer +14155550166 +12015550100 0 Normal Clearing', 'and then the end');
SELECT is(left(pg_temp.ari('StasisStart', 'ch-3'), 3) || left(pg_temp.ari('ChannelStateChange', 'ch-3', '{"channel": {"id": "ch-3", "state": "Up"}}'), 3), '200200', 'a call that is greeted');
SELECT is(pg_temp.call('ch-3'), 'inbound ringing +14155550166 +12015550100', 'still waits');
SELECT is(switchboard._plan_reply(a, 'event', '{"type": "StasisStart", "channel": {"id": "ch-3"}}')::jsonb - 'text', jsonb_build_object('callId',
          (SELECT id FROM switchboard.call_logs WHERE call_id = 'ch-3'), 'action', 'record', 'max_s', 120), 'nobody is there: it may leave a message')
  FROM switchboard.provider_accounts a WHERE a.id = :'asterisk';
SELECT is((SELECT switchboard._plan_reply(a, 'event', f) FROM switchboard.provider_accounts a WHERE a.id = :'asterisk'), NULL, 'no plan: ' || f::text) FROM (VALUES
  ('{"type": "StasisStart", "channel": {"id": "ch-agent"}, "args": ["agent"]}'::jsonb), ('{"type": "ChannelDestroyed", "channel": {"id": "ch-3"}}'), ('{}')) v (f);
SELECT is((SELECT switchboard._plan_reply(a, 'event', '{"type": "StasisStart", "channel": {"id": "ch-nobody"}}') FROM switchboard.provider_accounts a WHERE a.id = :'asterisk'),
          '{"action": "wait"}', 'a call that could not be recorded is to be asked about again');
SELECT is(left(pg_temp.ari('ChannelDtmfReceived', 'ch-3', '{"digit": "5"}'), 3) || left(pg_temp.ari('ChannelDtmfReceived', 'ch-3', '{"digit": "5"}'), 3), '200200', 'keys are no fault');
SELECT is(left(pg_temp.ari('StasisStart', 'ch-4', '{"args": ["agent"]}'), 3) || coalesce(pg_temp.call('ch-4'), ' none'), '200 none', 'the channel of an agent is no call');
SELECT is(left(pg_temp.ari('ChannelEnteredBridge', 'ch-3', '{"bridge": {"id": "b", "channels": ["ch-3", "ch-4"]}}'), 3), '200', 'they are put together');
SELECT is(pg_temp.call('ch-3'), 'inbound answered +14155550166 +12015550100', 'and speak');
SELECT is(left(pg_temp.ari('RecordingFinished', '', '{"channel": null, "recording": {"name": "r 1", "format": "wav", "target_uri": "channel:ch-3", "duration": 4}}'), 3), '200', 'a recording');
SELECT is(r.recording_url || ' ' || r.duration, 'http://localhost:8088/ari/recordings/stored/r%201/file 4', 'is kept')
  FROM switchboard.call_recordings r JOIN switchboard.call_logs c ON c.id = r.call_id WHERE c.call_id = 'ch-3';
SELECT is(left(pg_temp.ari('ChannelDestroyed', 'ch-3', '{"cause": 16}'), 3), '200', 'the end');
SELECT is(status::text, 'completed', 'of a call that was answered') FROM switchboard.call_logs WHERE call_id = 'ch-3';
SELECT is(left(pg_temp.ari('PlaybackFinished', 'x'), 3), '200', 'other events are no fault');
INSERT INTO switchboard.call_logs (direction, to_number, provider, account_id) SELECT 'outbound', '+12025550166', 'asterisk', :'asterisk' RETURNING id AS mine \gset
SELECT is((SELECT string_agg(left(pg_temp.ari(t, :'mine', m), 3), '' ORDER BY n) FROM (VALUES (1, 'ChannelStateChange', '{}'::jsonb),
  (2, 'ChannelDestroyed', '{"cause": 17, "cause_txt": "User busy"}')) v (n, t, m)), '200200', 'a call that we have made, by our own id');
SELECT is(pg_temp.call(:'mine'), 'outbound busy +12025550166 0 User busy', 'is busy');

CREATE FUNCTION pg_temp.pbx(more jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.post('voipstudio', 'call', ('{"context": "LOCAL_USER", "destination": "in", "src": "442071234567", "dst": "442079460000", "root_call_id": 900}'::jsonb
    || jsonb_build_object('id', 'uk' || nextval('pg_temp.n')) || more)::text) $$;
SELECT is(pg_temp.pbx('{"call_id": 901, "state": "MISSED", "final": false}') || pg_temp.pbx('{"call_id": 902, "state": "CONNECTED"}')
       || pg_temp.pbx('{"call_id": 901, "state": "RINGING"}'), '200 {}200 {}200 {}', 'VoIPstudio: legs of a call, in any order');
SELECT is(pg_temp.call('900'), 'inbound answered +442071234567 +442079460000', 'are one call');
SELECT is(pg_temp.pbx('{"call_id": 902, "state": "HANGUP", "connected_at": "2026-01-01 11:59:30", "duration": 30, "final": true, "t_cause": "Normal Clearing"}'), '200 {}', 'its end');
SELECT is(pg_temp.call('900'), 'inbound completed +442071234567 +442079460000 30 Normal Clearing', 'ends it');
SELECT is(pg_temp.post('voipstudio', 'sms', '{"id": "s1", "event_name": "sms.received", "customer_id": 77, "from_no": "447700900123", "to_no": "442079460000", "text": "Hello"}'), '200 {}', 'an SMS');
SELECT is(pg_temp.last_message(), '+447700900123|sms|Hello|[]|{"to_number": "+442079460000"}', 'is taken');

SELECT is(pg_temp.post('omnidimension', 'post-call', '{"call_id": 5, "call_direction": "inbound", "from_number": "+14155550177", "to_number": "+15005550006", "call_request_id": false,
  "call_duration": 42, "call_status": "completed", "call_report": {"summary": "Wants a call", "sentiment": "positive"}}'), '200 {}', 'OmniDimension: a call that its agent took');
SELECT is(pg_temp.call('5'), 'inbound completed +14155550177 +15005550006 42 completed', 'is recorded when it is over');
SELECT is(r.sentiment || ' ' || (r.metadata ->> 'summary'), 'positive Wants a call', 'with what was said')
  FROM switchboard.call_recordings r JOIN switchboard.call_logs c ON c.id = r.call_id WHERE c.call_id = '5';

-- Any other system.
SELECT is(pg_temp.post('webhook', 'status', '{"call_id": "g1", "status": "ringing", "cause": "early"}'), '200 {}', 'a report before its call');
SELECT is(pg_temp.post('webhook', 'incoming', '{"call_id": "g1", "from": "+14155550188", "to": "+15005550006"}'), '200 {}', 'the call');
SELECT is(pg_temp.call('g1'), 'inbound ringing +14155550188 +15005550006', 'is recorded');
SELECT is((SELECT count(*) FROM switchboard.call_events e JOIN switchboard.call_logs c ON c.id = e.call_log_id WHERE c.call_id = 'g1'), 2::bigint, 'and what came before is in its trail');
SELECT is(pg_temp.post('webhook', 'incoming', '{"call_id": "g1", "from": "+14155550188"}'), '200 {}', 'told again');
SELECT is((SELECT count(*) FROM switchboard.call_logs WHERE call_id = 'g1'), 1::bigint, 'it is one');
UPDATE switchboard.provider_accounts SET settings = settings || '{"plans": true}' WHERE id = :'webhook';
SELECT is(substr(pg_temp.post('webhook', 'incoming', '{"call_id": "g3", "from": "+14155550188"}'), 5)::jsonb ->> 'action', 'record', 'who wants a plan gets one');
UPDATE switchboard.provider_accounts SET settings = settings - 'plans' WHERE id = :'webhook';
SELECT is(pg_temp.post('webhook', 'incoming', '{"call_id": "g2", "from": "anonymous"}'), '200 {}', 'somebody who does not say who they are');
SELECT is(pg_temp.call('g2') || coalesce(lead_id::text, ' nobody'), 'inbound ringing anonymous nobody', 'is nobody') FROM switchboard.call_logs WHERE call_id = 'g2';
SELECT is(pg_temp.post('webhook', 'message', '{"message_id": 1, "from": "+14155550199", "to": "+1", "text": "Hey", "channel": "whatsapp", "media": [{"url": "https://m.example/x"}]}'), '200 {}', 'a message');
SELECT is(pg_temp.last_message(), '+14155550199|whatsapp|Hey|[{"url": "https://m.example/x"}]|{"to_number": "+1"}', 'is taken');
SELECT pg_temp.sent('webhook', 'd1') AS delivery \gset
SELECT is(pg_temp.post('webhook', 'message-status', '{"message_id": "d1", "status": "failed", "error_code": "E7", "error": "no"}'), '200 {}', 'a status');
SELECT is(pg_temp.delivery(:'delivery'), 'failed d1 E7 no', 'is noted');
SELECT is(pg_temp.post('webhook', v, b), '400 cannot be read: ' || e, e) FROM (VALUES
  ('incoming', '{"from": "+1"}', 'no call_id'), ('incoming', '{"call_id": null}', 'no call_id'), ('incoming', '{"call_id": [1]}', 'call_id cannot be [1]'),
  ('incoming', '{"call_id": "x", "from": 5}', 'from cannot be 5'), ('message', '{"text": "x"}', 'no from'), ('message', '{"from": "+1", "channel": "pigeon"}', 'channel cannot be "pigeon"'),
  ('message', '{"from": "+1", "media": "x"}', 'media cannot be "x"'), ('message', '{"from": "+1", "occurred_at": "soon"}', 'occurred_at cannot be "soon"'),
  ('message-status', '{"message_id": "x"}', 'no status'), ('message-status', '{"status": "sent"}', 'neither message_id nor delivery_id'),
  ('message-status', '{"message_id": "x", "status": "dancing"}', 'status cannot be "dancing"'), ('message-status', '{"delivery_id": "7", "status": "sent"}', 'delivery_id cannot be "7"')) t (v, b, e);

-- Hostile: what is too long for an index, too deep, huge; ids of other tenants.
SELECT is(pg_temp.post('mtn', 'receipt', jsonb_build_object('id', 5, 'deliveryStatus', string_agg(md5(n::text), ''))::text), '200 {}', 'a very long status')
  FROM generate_series(1, 1000) n;
SELECT is(left(pg_temp.post('whatsapp', 'event', repeat('[', 200000)), 12), '400 cannot b', 'too deep');
SELECT is((switchboard.receive_webhook('twilio', 'message', '{}', convert_to(repeat('[', 200000), 'UTF8'), '/x')).status, 404, 'too deep, and nobody''s');
SELECT is((switchboard.receive_webhook('vonage', 'message', jsonb_build_object('authorization', 'Bearer a.' || encode(convert_to(repeat('[', 60000), 'UTF8'), 'base64') || '.b'),
          '{}', '/x')).status, 404, 'claims that are too deep');
SELECT is(left(pg_temp.post('mtn', 'sms', jsonb_build_object('senderAddress', '+2348031234567', 'message', repeat('<script>', 100000), 'id', 'big')::text), 3), '200', 'a huge message');
SELECT is(length(m.body), 800000, 'is kept') FROM switchboard.messages m WHERE m.provider_message_id = :'mtn' || ':big';
SELECT is(length(data ->> 'text'), 200, 'and shortened in the feed') FROM switchboard.events WHERE event = 'message-received' ORDER BY seq DESC LIMIT 1;
SELECT is((switchboard.receive_webhook('mtn', 'sms', '{"x-webhook-token": "a-long-secret-env:WEBHOOK_TOKEN"}', '{}', '/x?account=' || :'mtn' || '&account=' || :'asterisk')).status, 404,
          'two accounts are none');
INSERT INTO switchboard.tenants (name) VALUES ('third') RETURNING id AS third \gset
INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (:'third', '+12025559999') RETURNING id AS theirs \gset
INSERT INTO switchboard.messages (tenant_id, contact_id, channel, direction, sender) VALUES (:'third', :'theirs', 'sms', 'outbound', 'system') RETURNING id AS letter \gset
INSERT INTO switchboard.message_delivery_log (tenant_id, message_id, contact_id, channel, provider) VALUES (:'third', :'letter', :'theirs', 'sms', 'mtn') RETURNING id AS delivery \gset
SELECT is(pg_temp.post('mtn', 'receipt', jsonb_build_object('clientCorrelatorId', :'delivery', 'deliveryStatus', 'DELIVERED')::text), '200 {}', 'another tenant''s delivery');
SELECT is((SELECT status::text FROM switchboard.message_delivery_log WHERE id = :'delivery'), 'queued', 'is not ours to move');
DELETE FROM switchboard.tenants WHERE id = :'third';
UPDATE switchboard.webhook_inbox SET account_id = switchboard.uuid_v7(), processed_at = NULL WHERE external_id = 'rtc_1';
SELECT switchboard._act_on_webhook(id) AS void FROM switchboard.webhook_inbox WHERE external_id = 'rtc_1' \gset
SELECT matches(error, '^P0002: no such provider account: '), 'the account is gone meanwhile' FROM switchboard.webhook_inbox WHERE external_id = 'rtc_1';

-- Through handle_http(), with the secret in the path.
SELECT is((r).status || ' ' || convert_from((r).body, 'UTF8'), '200 {}', 'a secret in the path')
  FROM (SELECT switchboard.handle_http('POST', '/api/webhooks/mtn/sms/a-long-secret-env:WEBHOOK_TOKEN', jsonb_build_object('account', :'mtn'), '{}',
                                       '{"senderAddress": "2348031234567", "message": "by path", "id": 70}') AS r) s;
SELECT is((r).status, 403, 'another one') FROM (SELECT switchboard.handle_http('POST', '/api/webhooks/mtn/sms/wrong', jsonb_build_object('account', :'mtn'), '{}', '{}') AS r) s;
SELECT is((r).status || ' ' || ((r).headers ->> 'content-type') || ' ' || convert_from((r).body, 'UTF8'), '200 text/plain 42', 'the question of WhatsApp')
  FROM (SELECT switchboard.handle_http('GET', '/api/webhooks/whatsapp/event', jsonb_build_object('hub.mode', 'subscribe', 'hub.challenge', '42',
    'hub.verify_token', 'a-long-secret-env:VERIFY_TOKEN'), '{}', NULL) AS r) s;

-- Addresses: the account's, the installation's, what the front was asked for.
SELECT is(switchboard._called_url(a, u, 'status', h), e, e) FROM (VALUES
  ('{"public_url": " https://pbx.example/x/ "}'::jsonb, '/api/webhooks/twilio/status?a=1', '{"host": "evil"}'::jsonb, 'https://pbx.example/x/api/webhooks/twilio/status?a=1'),
  ('{}', '/api/webhooks/twilio/status?a=1', '{"host": "h", "x-forwarded-proto": "http"}', 'http://h/api/webhooks/twilio/status?a=1'),
  ('{}', '/y', '{"host": "h", "x-forwarded-host": "front"}', 'https://front/y'), ('{"public_url": "https://pbx.example"}', 'https://other/y', '{}', 'https://other/y'),
  ('{"public_url": "https://pbx.example"}', NULL, '{}', 'https://pbx.example/api/webhooks/twilio/status')) v (s, u, h, e),
  LATERAL (SELECT (jsonb_populate_record(NULL::switchboard.provider_accounts, jsonb_build_object('provider', 'twilio', 'settings', s))).*) a;
SELECT is(switchboard._url_to_keep(u), e, u) FROM (VALUES
  ('https://h/api/webhooks/mtn/sms?account=1', 'https://h/api/webhooks/mtn/sms?account=1'), ('https://u:p@h/x', 'https://***@h/x'),
  ('https://h/x?a=1&token=s#f', 'https://h/x?a=1&token=***#f'), ('https://h/x?hub.verify_token=s&b=2', 'https://h/x?hub.verify_token=***&b=2'),
  ('https://h/api/webhooks/mtn/sms/s/t?a=1', 'https://h/api/webhooks/mtn/sms/***?a=1'), ('https://h/x?q=a@b', 'https://h/x?q=a@b'), (NULL, NULL)) v (u, e);
SELECT is(switchboard._headers_to_keep('{"Authorization": "x", "X-Request-Target": "/?token=s", "Host": "h", "Cookie": "c"}'), '{"host": "h"}', 'headers with secrets are not kept');

-- A fault while acting keeps the event, and it is tried again.
CREATE FUNCTION pg_temp.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk is on fire' USING ERRCODE = '58030'; END $$;
CREATE TRIGGER broken BEFORE INSERT ON switchboard.messages FOR EACH ROW EXECUTE FUNCTION pg_temp.broken();
SELECT is(pg_temp.post('mtn', 'sms', '{"senderAddress": "2348031234567", "message": "later", "id": 99}'), '200 {}', 'a fault is not the provider''s');
SELECT is(concat_ws(' ', error, attempts, processed_at IS NULL), '58030: disk is on fire 1 t', 'it is kept with what went wrong') FROM switchboard.webhook_inbox WHERE external_id = :'mtn' || ':99';
SELECT is(pg_temp.post('whatsapp', 'event', pg_temp.wa(jsonb_build_object('messages', '[{"from": "14155550101", "id": "wamid.F1", "type": "text"}]'::jsonb,
            'statuses', jsonb_build_array(pg_temp.told('wamid.S9', 'read'))))), '200 {}', 'one of several');
SELECT is(pg_temp.delivery(:'nine'), 'read wamid.S9', 'does not hold up the others');
DROP TRIGGER broken ON switchboard.messages;
SELECT is(switchboard._next_webhook_retry() - now(), interval '2 seconds', 'it is to be tried again in two seconds');
UPDATE switchboard.webhook_inbox SET attempts = 9 WHERE external_id = 'SM10';
SELECT set_config('session_replication_role', 'replica', true) AS void \gset
UPDATE switchboard.webhook_inbox SET updated_at = updated_at - interval '3 seconds' WHERE processed_at IS NULL;
SELECT set_config('session_replication_role', 'origin', true) AS void \gset
SELECT cmp_ok(switchboard._retry_webhooks(), '>=', 2, 'but soon');
SELECT is((SELECT array_agg(m.provider_message_id ORDER BY m.id) FROM switchboard.messages m WHERE m.provider_message_id = 'wamid.F1' OR m.body = 'later'),
          ARRAY[:'mtn' || ':99', 'wamid.F1'], 'and then it is acted on');
SELECT is((SELECT count(*) FROM switchboard.webhook_inbox WHERE error LIKE '58030%'), 0::bigint, 'nothing is left of it');
SELECT switchboard._act_on_webhook(id) AS void FROM switchboard.webhook_inbox WHERE external_id = 'SM10' \gset
SELECT is(concat_ws(' ', error, attempts, processed_at IS NOT NULL), 'unknown message 10 t', 'what never works is given up after ten attempts') FROM switchboard.webhook_inbox WHERE external_id = 'SM10';

SELECT * FROM finish();
ROLLBACK;
