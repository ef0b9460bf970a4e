-- What Twilio says about messages: those of customers (SMS, MMS, WhatsApp), and what became of ours. Form fields.

CREATE OR REPLACE FUNCTION switchboard._twilio_media(fields jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('url', fields ->> ('MediaUrl' || n),
                                                                 'type', fields ->> ('MediaContentType' || n))) ORDER BY n)
                  FILTER (WHERE fields ->> ('MediaUrl' || n) <> ''), '[]')
  FROM generate_series(0, least(coalesce(switchboard._digits_or_null(fields ->> 'NumMedia'), 0), 50) - 1) n
$$;
COMMENT ON FUNCTION switchboard._twilio_media(jsonb) IS 'What is attached to a message: [{"url", "type"}].';
REVOKE ALL ON FUNCTION switchboard._twilio_media(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_twilio_message(inbox switchboard.webhook_inbox, fields jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
  SELECT switchboard._take_message(inbox.tenant_id, inbox.account_id,
    CASE WHEN fields ->> 'From' LIKE 'whatsapp:%' THEN 'whatsapp'::switchboard.channel ELSE 'sms' END,
    fields ->> 'From', regexp_replace(fields ->> 'To', '^whatsapp:', ''), fields ->> 'Body', switchboard._twilio_media(fields),
    inbox.external_id, inbox.received_at,
    jsonb_strip_nulls(jsonb_build_object(
      'profile_name', fields ->> 'ProfileName', 'opt_out', fields ->> 'OptOutType', 'button', fields ->> 'ButtonPayload',
      'replied_to', fields ->> 'OriginalRepliedMessageSid',
      'location', CASE WHEN fields ? 'Latitude' THEN jsonb_strip_nulls(jsonb_build_object(
        'latitude', fields ->> 'Latitude', 'longitude', fields ->> 'Longitude', 'name', fields ->> 'Label',
        'address', fields ->> 'Address')) END)))
$$;
COMMENT ON FUNCTION switchboard._take_twilio_message(switchboard.webhook_inbox, jsonb) IS 'Takes a message that somebody sent to a number of Twilio.';
REVOKE ALL ON FUNCTION switchboard._take_twilio_message(switchboard.webhook_inbox, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._act_twilio_message(inbox switchboard.webhook_inbox, fields jsonb, query jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the inbox row. Internal.
DECLARE
  status text := coalesce(fields ->> 'MessageStatus', fields ->> 'SmsStatus');
BEGIN
  IF status = 'received' OR status IS NULL AND fields ? 'Body' THEN
    PERFORM switchboard._take_twilio_message(inbox, fields);
    RETURN NULL;
  END IF;
  RETURN switchboard._note_delivery(inbox, query ->> 'message', inbox.external_id, switchboard._twilio_message_status(status),
                                    inbox.received_at, nullif(fields ->> 'ErrorCode', ''), fields ->> 'ErrorMessage');
END
$$;
COMMENT ON FUNCTION switchboard._act_twilio_message(switchboard.webhook_inbox, jsonb, jsonb) IS
  'Acts on a webhook of Twilio about a message: one from a customer, or what became of ours. NULL when that is done, else why not.';
REVOKE ALL ON FUNCTION switchboard._act_twilio_message(switchboard.webhook_inbox, jsonb, jsonb) FROM PUBLIC;
