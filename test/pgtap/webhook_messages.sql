-- Messages that customers send: contacts matched or made, once per id of the provider.
\set ON_ERROR_STOP on
BEGIN;
\ir support/dialer.sql
SELECT no_plan();

SELECT test_dialer.new_tenant('acme') AS tenant \gset

-- Contacts by number.
INSERT INTO switchboard.contacts (phone_number, name, source) VALUES ('+12025550100', 'Ada', 'list') RETURNING id AS ada \gset
SELECT is(switchboard._contact_for(:'tenant', n, 'test'), :'ada'::uuid, 'known: ' || n)
  FROM unnest('{+12025550100,(202) 555-0100,tel:+1-202-555-0100,whatsapp:+12025550100,12025550100@s.whatsapp.net,sip:+12025550100@h}'::text[]) n;
SELECT is(source, 'list', 'which stays as it is') FROM switchboard.contacts WHERE id = :'ada';
SELECT is(switchboard._contact_for(:'tenant', n, 'test'), NULL, 'no number: ' || coalesce(quote_literal(n), 'null'))
  FROM unnest(ARRAY[NULL, '', 'anonymous', 'SHOP', '182736451827364@lid', '+', repeat('1', 10000)]) n;
SELECT is(k.phone_number || ' ' || k.source, '+447700900123 test', 'an unknown one is made')
  FROM switchboard.contacts k WHERE k.id = switchboard._contact_for(:'tenant', '+44 7700 900123', 'test');
SELECT is(switchboard._contact_for(:'tenant', '+447700900123', 'again'), (SELECT id FROM switchboard.contacts WHERE source = 'test'), 'once');
SELECT is(switchboard._international(n), e, n) FROM (VALUES ('447700900123', '+447700900123'), ('+447700900123', '+447700900123'),
  ('0770090012', '0770090012'), ('12345', '12345'), ('SHOP', 'SHOP')) v (n, e);

-- Messages.
CREATE FUNCTION pg_temp.take(who text, text text, id text, at timestamptz DEFAULT now(), channel switchboard.channel DEFAULT 'sms')
RETURNS uuid LANGUAGE sql AS $$
  SELECT switchboard._take_message((SELECT t.id FROM switchboard.tenants t), NULL, channel, who, '+12025550199', text,
    '[{"url": "https://m.example/1", "type": "image/png"}]', id, at, '{"keyword": "HI"}') $$;
SELECT pg_temp.take('+12025550100', 'Hello', 'm1') AS first \gset
SELECT is(concat_ws('|', contact_id = :'ada', channel, direction, sender, body, media, message_type, provider_message_id, metadata),
          't|sms|inbound|customer|Hello|[{"url": "https://m.example/1", "type": "image/png"}]|message|m1|{"keyword": "HI", "to_number": "+12025550199"}',
          'a message is kept') FROM switchboard.messages WHERE id = :'first';
SELECT is(concat_ws('|', last_active_channel, has_whatsapp, last_contact_at = now()), 'sms|f|t', 'a sign of life') FROM switchboard.contacts WHERE id = :'ada';
SELECT is(data, jsonb_build_object('messageId', :'first', 'contactId', :'ada', 'contactName', 'Ada', 'channel', 'sms', 'from', '+12025550100',
                                   'text', 'Hello'), 'and an event')
  FROM switchboard.events WHERE event = 'message-received' AND subject_id = :'first';
SELECT is(pg_temp.take('+12025550100', 'Hello', 'm1'), :'first'::uuid, 'a repeat is the same message');
SELECT is((SELECT count(*) FROM switchboard.events WHERE event = 'message-received'), 1::bigint, 'and no event');
SELECT isnt(pg_temp.take('+12025550100', 'Hello', 'm1', channel => 'whatsapp'), :'first'::uuid, 'the same id on another channel is another one');
SELECT is(concat_ws('|', last_active_channel, has_whatsapp), 'whatsapp|t', 'who writes by WhatsApp has it') FROM switchboard.contacts WHERE id = :'ada';
SELECT isnt(pg_temp.take('+12025550100', 'older', 'm0', now() - interval '1 hour'), NULL, 'an older one that comes late');
SELECT is(concat_ws('|', last_active_channel, last_contact_at = now()), 'whatsapp|t', 'is not the last sign of life') FROM switchboard.contacts WHERE id = :'ada';
SELECT isnt(pg_temp.take('+12025550100', 'x', NULL), pg_temp.take('+12025550100', 'x', NULL), 'without an id each is its own');
SELECT is(pg_temp.take('SHOP', 'x', 'm2'), NULL, 'a sender without a number');
SELECT isnt(pg_temp.take('+12025550177', NULL, 'm3'), NULL, 'a message without text');
SELECT is(source, 'inbound-message', 'from somebody new') FROM switchboard.contacts WHERE phone_number = '+12025550177';

SELECT * FROM finish();
ROLLBACK;
