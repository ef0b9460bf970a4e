-- Messages that customers send us, from whatever provider they come.

CREATE OR REPLACE FUNCTION switchboard._international(number text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN number ~ '^[1-9][0-9]{6,14}$' THEN '+' || number ELSE number END $$;
COMMENT ON FUNCTION switchboard._international(text) IS
  'A number of a provider that writes international numbers without their plus; anything else as it is.';
REVOKE ALL ON FUNCTION switchboard._international(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._contact_for(tenant uuid, phone text, source text)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant given. Internal. Cost: an index probe, and an insert for a new one. Of two sessions that meet
-- a new number at once the second waits for the first, and then finds the contact; the loop is for one that is deleted in between.
DECLARE
  number text := switchboard.try_normalize_phone(left(_contact_for.phone, 200),
                   (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = _contact_for.tenant));
  person uuid;
BEGIN
  IF number !~ '^\+[1-9][0-9]{4,14}$' THEN
    RETURN NULL;
  END IF;
  WHILE person IS NULL AND number IS NOT NULL LOOP
    SELECT k.id INTO person FROM switchboard.contacts k
    WHERE k.tenant_id = _contact_for.tenant AND k.phone_number = number;
    EXIT WHEN FOUND;
    INSERT INTO switchboard.contacts (tenant_id, phone_number, source)
    VALUES (_contact_for.tenant, number, _contact_for.source)
    ON CONFLICT (tenant_id, phone_number) DO NOTHING
    RETURNING id INTO person;
  END LOOP;
  RETURN person;
END
$$;
COMMENT ON FUNCTION switchboard._contact_for(uuid, text, text) IS
  'The contact of a tenant with that number, as a provider tells it (national: of the tenant''s region); made, with that source, if there
is none. NULL for what is no number: withheld, a name, a short code.';
REVOKE ALL ON FUNCTION switchboard._contact_for(uuid, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_message(
  tenant uuid, account uuid, channel switchboard.channel, from_number text, to_number text, body text, media jsonb,
  provider_message_id text, at timestamptz, raw jsonb)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant given. Internal. A repeat waits for the first one to commit, and then changes nothing.
-- Lock order: contacts, messages.
DECLARE
  person  uuid := switchboard._contact_for(_take_message.tenant, _take_message.from_number, 'inbound-message');
  profile text := nullif(btrim(regexp_replace(left(_take_message.raw ->> 'profile_name', 200), '[[:cntrl:]]', '', 'g')), '');
  message uuid;
  name    text;
BEGIN
  IF person IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO switchboard.messages
    (tenant_id, contact_id, channel, direction, sender, body, media, message_type, provider_message_id, metadata, created_at)
  VALUES (_take_message.tenant, person, _take_message.channel, 'inbound', 'customer', coalesce(_take_message.body, ''),
          coalesce(_take_message.media, '[]'), 'message', nullif(_take_message.provider_message_id, ''),
          jsonb_strip_nulls(jsonb_build_object('account_id', _take_message.account, 'to_number', _take_message.to_number))
            || coalesce(_take_message.raw, '{}'), _take_message.at)
  ON CONFLICT (tenant_id, channel, provider_message_id) WHERE direction = 'inbound' DO NOTHING
  RETURNING id INTO message;
  IF message IS NULL THEN
    RETURN (SELECT m.id FROM switchboard.messages m
            WHERE m.tenant_id = _take_message.tenant AND m.channel = _take_message.channel AND m.direction = 'inbound'
              AND m.provider_message_id = _take_message.provider_message_id);
  END IF;
  -- The later one of two that come out of order counts.
  UPDATE switchboard.contacts k
  SET last_active_channel = CASE WHEN _take_message.at >= coalesce(k.last_contact_at, '-infinity') THEN _take_message.channel
                                 ELSE k.last_active_channel END,
      last_contact_at = greatest(k.last_contact_at, _take_message.at),
      has_whatsapp = k.has_whatsapp OR _take_message.channel = 'whatsapp',
      name = coalesce(k.name, CASE WHEN k.first_name IS NULL AND k.last_name IS NULL THEN profile END)
  WHERE k.tenant_id = _take_message.tenant AND k.id = person
  RETURNING coalesce(k.name, nullif(concat_ws(' ', k.first_name, k.last_name), '')) INTO name;
  PERFORM switchboard._add_event(_take_message.tenant, 'message-received', message,
    jsonb_strip_nulls(jsonb_build_object(
      'messageId', message, 'contactId', person, 'contactName', name, 'channel', _take_message.channel,
      'from', (SELECT k.phone_number FROM switchboard.contacts k WHERE k.id = person),
      'text', left(_take_message.body, 200))));
  RETURN message;
END
$$;
COMMENT ON FUNCTION switchboard._take_message(uuid, uuid, switchboard.channel, text, text, text, jsonb, text, timestamptz, jsonb) IS
  'Takes a message from a customer: the contact, matched or made, the message, the event message-received; once for an id of the
provider. media: list of {"url", "type"}; raw: more to keep of it; profile_name of it names a contact without a name. Returns the message, also that of a repeat; NULL when the sender
has no number.';
REVOKE ALL ON FUNCTION switchboard._take_message(uuid, uuid, switchboard.channel, text, text, text, jsonb, text, timestamptz, jsonb)
  FROM PUBLIC;
