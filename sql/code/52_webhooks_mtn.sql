-- What MTN says about SMS: delivery receipts, and messages that customers send. JSON, unsigned: a secret in the address or Basic
-- credentials. The form of an inbound message differs from country to country, so that it is read leniently.

CREATE OR REPLACE FUNCTION switchboard._mtn_text(fields jsonb, VARIADIC names text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard._true_text(fields, n.name) FROM unnest(names) WITH ORDINALITY AS n (name, nth)
  WHERE switchboard._true_text(fields, n.name) IS NOT NULL ORDER BY n.nth LIMIT 1
$$;
COMMENT ON FUNCTION switchboard._mtn_text(jsonb, text[]) IS 'The first of these members that has a value.';
REVOKE ALL ON FUNCTION switchboard._mtn_text(jsonb, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._mtn_status(status text)
RETURNS switchboard.delivery_status
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN s = 'PENDING' THEN 'queued' WHEN s IN ('ACCEPTD', 'ACCEPTED', 'ENROUTE', 'UNKNOWN') THEN 'sent'
              WHEN s IN ('DELIVERED', 'DELIVRD') THEN 'delivered'
              WHEN s IN ('EXPIRED', 'DELETED', 'UNDELIVERED', 'UNDELIV', 'REJECTED', 'REJECTD') THEN 'failed'
         END::switchboard.delivery_status
  FROM upper(status) s
$$;
COMMENT ON FUNCTION switchboard._mtn_status(text) IS 'MTN''s deliveryStatus in our words; NULL for one we do not know.';
REVOKE ALL ON FUNCTION switchboard._mtn_status(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._mtn_message_id(account uuid, fields jsonb, body bytea)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Its ids may be small numbers, which another account has, too.
  SELECT account || ':' || coalesce(left(switchboard._mtn_text(fields, 'id', 'messageId', 'messageID', 'transactionId'), 100),
                                    encode(sha256(body), 'hex'))
$$;
COMMENT ON FUNCTION switchboard._mtn_message_id(uuid, jsonb, bytea) IS
  'What an inbound message is known by: the account and its id, or its bytes where it has none.';
REVOKE ALL ON FUNCTION switchboard._mtn_message_id(uuid, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_mtn(
  account uuid, event text, fields jsonb, body bytea, OUT external_id text, OUT dedupe_key text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF fields ? 'deliveryStatus' THEN
    external_id := switchboard._mtn_text(fields, 'clientCorrelatorId', 'clientCorrelator', 'requestId', 'id');
    dedupe_key := concat_ws(':', 'receipt', account, external_id, fields ->> 'deliveryStatus');
  ELSIF switchboard._mtn_text(fields, 'senderAddress', 'from', 'msisdn') IS NOT NULL THEN
    external_id := switchboard._mtn_message_id(account, fields, body);
    dedupe_key := 'message:' || external_id;
  END IF;
  IF external_id IS NULL OR length(external_id) > 200 THEN
    RAISE EXCEPTION 'neither a receipt nor a message' USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._read_mtn(uuid, text, jsonb, bytea) IS
  'What a webhook of MTN is about and what makes it one event. Errors: 22023 when it is neither a receipt nor a message.';
REVOKE ALL ON FUNCTION switchboard._read_mtn(uuid, text, jsonb, bytea) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_mtn(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal. A receipt names our own id of the delivery (clientCorrelatorId).
BEGIN
  IF fields ? 'deliveryStatus' THEN
    RETURN switchboard._note_delivery(inbox, inbox.external_id, inbox.external_id, switchboard._mtn_status(fields ->> 'deliveryStatus'),
      switchboard._event_time(switchboard._mtn_text(fields, 'completedDate', 'submittedDate'), inbox.received_at),
      switchboard._true_text(fields, 'error'), switchboard._true_text(fields, 'details'));
  END IF;
  PERFORM switchboard._take_message(inbox.tenant_id, inbox.account_id, 'sms',
    switchboard._international(switchboard._mtn_text(fields, 'senderAddress', 'from', 'msisdn')),
    switchboard._mtn_text(fields, 'receiverAddress', 'serviceCode', 'registrationId', 'to'),
    switchboard._mtn_text(fields, 'message', 'text'), '[]', inbox.external_id,
    switchboard._event_time(switchboard._mtn_text(fields, 'created', 'dateTime', 'timestamp'), inbox.received_at), '{}');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._act_mtn(switchboard.webhook_inbox, jsonb) IS
  'Acts on a webhook of MTN: what became of an SMS that we sent, or an SMS from a customer.';
REVOKE ALL ON FUNCTION switchboard._act_mtn(switchboard.webhook_inbox, jsonb) FROM PUBLIC;
