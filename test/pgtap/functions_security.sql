-- Signatures of webhooks and sealed secrets. Signatures were made with openssl or are the providers' own examples.
\set ON_ERROR_STOP on
BEGIN;
SELECT no_plan();
CREATE EXTENSION IF NOT EXISTS pgcrypto;

CREATE FUNCTION pg_temp.ok(provider text, secret text, url text, headers jsonb, body text, at timestamptz DEFAULT now()) RETURNS boolean
LANGUAGE sql AS $$ SELECT switchboard.webhook_signature_ok(provider, secret, url, headers, convert_to(body, 'UTF8'), at) $$;

-- Twilio: the example of its documentation.
\set url 'https://mycompany.com/myapp.php?foo=1&bar=2'
\set form 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212'
SELECT ok(pg_temp.ok('twilio', '12345', :'url', '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', :'form'), 'Twilio: the documented example');
SELECT ok(pg_temp.ok('twilio', '12345', :'url', '{"x-twilio-signature":["RSOYDt4T1cUTdK1PDd93/VVr8B8="]}', :'form'), 'header names in any case, values as arrays');
SELECT ok(NOT pg_temp.ok('twilio', '12346', :'url', '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', :'form'), 'another secret');
SELECT ok(NOT pg_temp.ok('twilio', '12345', :'url' || '3', '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', :'form'), 'another URL');
SELECT ok(NOT pg_temp.ok('twilio', '12345', :'url', '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', :'form' || '0'), 'another body');
SELECT ok(NOT pg_temp.ok('twilio', '12345', :'url', '{}', :'form'), 'no signature');
SELECT ok(NOT pg_temp.ok('twilio', '', :'url', jsonb_build_object('X-Twilio-Signature', encode(hmac(:'url' || 'a', '', 'sha1'), 'base64')), 'a='), 'an empty secret is never right');

SELECT ok(NOT switchboard.webhook_signature_ok('twilio', NULL, :'url', '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', :'form'), 'no secret is never right');
SELECT ok(NOT switchboard.webhook_signature_ok('twilio', '12345', NULL, '{"X-Twilio-Signature":"RSOYDt4T1cUTdK1PDd93/VVr8B8="}', NULL), 'nothing to sign is false, not NULL');
SELECT ok(NOT switchboard.webhook_signature_ok('twilio', '12345', :'url', NULL, :'form'), 'neither are no headers');

SELECT ok(pg_temp.ok('whatsapp', 'app', 'https://x', jsonb_build_object('X-Hub-Signature-256', 'sha256=' || encode(hmac('{}', 'app', 'sha256'), 'hex')), '{}'), 'WhatsApp');
SELECT ok(NOT pg_temp.ok('whatsapp', 'app', 'https://x', jsonb_build_object('X-Hub-Signature-256', 'sha256=' || encode(hmac('{ }', 'app', 'sha256'), 'hex')), '{}'), 'WhatsApp: another body');

-- Standard Webhooks: "id.timestamp.body".
CREATE FUNCTION pg_temp.signed(signed_at timestamptz) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('webhook-id', 'msg_1', 'webhook-timestamp', s, 'webhook-signature',
        'v1,AAAA v1,' || encode(hmac(convert_to('msg_1.' || s || '.{}', 'UTF8'), 'secret key of 24 bytes!!'::bytea, 'sha256'), 'base64'))
    FROM (SELECT extract(epoch FROM signed_at)::bigint::text AS s) t
$$;
SELECT ok(pg_temp.ok('webhook', 'whsec_' || encode('secret key of 24 bytes!!', 'base64'), 'https://x', pg_temp.signed(now()), '{}'), 'Standard Webhooks');
SELECT ok(pg_temp.ok('webhook', 'whsec_' || encode('secret key of 24 bytes!!', 'base64'), NULL, pg_temp.signed(now()), '{}'), 'who does not sign the URL needs none');
SELECT is(pg_temp.ok('webhook', 'whsec_' || encode('secret key of 24 bytes!!', 'base64'), 'https://x', pg_temp.signed('2026-01-01 00:00:00+00'), '{}',
    '2026-01-01 00:00:00+00'::timestamptz + late), fresh, 'signed ' || late || ' ago')
FROM (VALUES ('299 seconds'::interval, true), ('301 seconds', false), ('-299 seconds', true), ('-301 seconds', false)) AS t (late, fresh);

SELECT ok(pg_temp.ok('voipstudio', 'u:p', 'https://x', '{"Authorization":"Basic dTpw"}', ''), 'Basic credentials');
SELECT ok(NOT pg_temp.ok('voipstudio', 'u:q', 'https://x', '{"Authorization":"Basic dTpw"}', ''), 'wrong credentials');
SELECT throws_ok($$SELECT pg_temp.ok('carrier pigeon', 's', 'https://x', '{}', '')$$, 'SB009', NULL, 'an unknown provider');
SELECT throws_ok($$SELECT pg_temp.ok('twilio', 's', 'https://x', '[]', '')$$, '22023', NULL, 'headers that are no object');

-- Secrets. There is no key file here; test/boundary/secrets_test.sh has one.
SELECT throws_ok($$SELECT switchboard._seal_secret('hush')$$, 'SB010', NULL, 'without a key file nothing is sealed');
SELECT throws_ok($$SELECT switchboard._open_secret('enc:v1:AAAA')$$, 'SB010', NULL, 'nor opened');
SELECT isnt(switchboard._open_secret('env:PATH'), '', 'a variable of the environment');
SELECT throws_ok($$SELECT switchboard._open_secret('env:NO_SUCH_VARIABLE_HERE')$$, 'SB002', NULL, 'one that is not set');
SELECT throws_ok($$SELECT switchboard._open_secret('file:x')$$, 'SB002', NULL, 'a file without a folder for them');
SELECT throws_ok($$SELECT switchboard._open_secret('hunter2')$$, 'SB002', NULL, 'plain text is no reference');
SELECT ok(NOT has_function_privilege(role, f, 'EXECUTE'), role || ' may not call ' || f)
FROM unnest(ARRAY['switchboard_app', 'switchboard_gateway', 'switchboard_worker', 'switchboard_monitor']) AS role,
     unnest(ARRAY['switchboard._open_secret(text,text)', 'switchboard._seal_secret(text,text)']) AS f;

SELECT * FROM finish();
ROLLBACK;
