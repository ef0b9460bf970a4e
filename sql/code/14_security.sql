-- Signatures of webhooks and the encryption of secrets.

CREATE OR REPLACE FUNCTION switchboard.webhook_signature_ok(
    provider text, secret text, url text, headers jsonb, body bytea, at timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sb_webhook_signature_ok';
REVOKE ALL ON FUNCTION switchboard.webhook_signature_ok(text, text, text, jsonb, bytea, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.webhook_signature_ok(text, text, text, jsonb, bytea, timestamptz) IS
'Whether a request to url with these headers ({"name":"value",...}, names in any case) and this body was signed by the provider with the secret; compared in constant time. A signed time may be 300 s off "at". No secret, no headers or no time is never right; url and body may be NULL where the provider does not sign them. Errors: SB009 unknown provider, 22023 headers that are no object.';

CREATE OR REPLACE FUNCTION switchboard._seal_secret(plaintext text, context text DEFAULT '') RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_seal_secret';
REVOKE ALL ON FUNCTION switchboard._seal_secret(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._seal_secret(text, text) IS
'A secret encrypted with the key of switchboard.key_file (AES-256-GCM): enc:v1:... It can only be opened with the same context. Errors: SB010 no key file is set, SB002 it is no key.';

CREATE OR REPLACE FUNCTION switchboard._open_secret(reference text, context text DEFAULT '') RETURNS text
LANGUAGE c VOLATILE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'sb_open_secret';
REVOKE ALL ON FUNCTION switchboard._open_secret(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._open_secret(text, text) IS
'The plain text of a secret: env:NAME, file:NAME below switchboard.secrets_dir, or enc:v1:... of _seal_secret. For functions of the extension only, granted to nobody. Errors: SB010 no key file is set, SB002 the reference leads nowhere or the ciphertext was changed.';
