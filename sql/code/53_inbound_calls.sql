-- Calls that customers make: the record, and what their provider says about them.
--
--   ringing    it has come in; it is greeted, waits for an agent, or an agent's phone rings for it
--   answered   an agent (or whoever it was put through to) speaks with the caller
--   completed  they have spoken; no-answer: nobody has, though a machine may have taken a message (overflow)
--
-- That the provider calls it answered as soon as it plays something to the caller is not an answer. Events come in any order, and
-- any of them makes the record: the first word about a call may be its end. That they have spoken may be heard of after the end,
-- and then makes no-answer completed; so it does not matter what came first.

CREATE OR REPLACE FUNCTION switchboard._caller_text(number text, region text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(switchboard.try_normalize_phone(left(number, 200), region), nullif(btrim(left(number, 200)), ''))
$$;
COMMENT ON FUNCTION switchboard._caller_text(text, text) IS
  'A number as providers tell it, in E.164; what is none (anonymous, sip:alice@example.com) as it is.';
REVOKE ALL ON FUNCTION switchboard._caller_text(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_contact(tenant uuid, caller text, make boolean)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
BEGIN
  IF make THEN
    RETURN switchboard._contact_for(tenant, caller, 'inbound-call');
  END IF;
  RETURN (SELECT k.id FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = caller);
END
$$;
COMMENT ON FUNCTION switchboard._caller_contact(uuid, text, boolean) IS
  'The contact who calls from that number, made if that is wanted; NULL: nobody is known, or the number is withheld.';
REVOKE ALL ON FUNCTION switchboard._caller_contact(uuid, text, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_inbound_call(
  tenant uuid, account switchboard.provider_accounts, provider_call_id text, from_number text, to_number text, at timestamptz, raw jsonb)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: acts for the tenant given. Internal: whoever calls has made sure that the provider says so. Of two sessions that
-- hear of a call at once the second waits for the first, and finds its record. Cost: five index probes, three inserts.
DECLARE
  region   text := (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = _take_inbound_call.tenant);
  caller   text := switchboard._caller_text(_take_inbound_call.from_number, region);
  called   text := switchboard._caller_text(_take_inbound_call.to_number, region);
  settings jsonb;
  person   uuid;
  call     uuid := (SELECT c.id FROM switchboard.call_logs c
                    WHERE c.tenant_id = _take_inbound_call.tenant AND c.provider = account.provider AND c.call_id = provider_call_id);
BEGIN
  IF call IS NOT NULL THEN
    RETURN call;
  END IF;
  settings := switchboard._inbound_settings(_take_inbound_call.tenant, account.id, called);
  person := switchboard._caller_contact(_take_inbound_call.tenant, caller, settings -> 'make_contacts' = 'true');
  INSERT INTO switchboard.call_logs AS c
    (tenant_id, user_id, call_id, direction, from_number, to_number, status, lead_id, provider, account_id, priority, skills, started_at,
     expires_at)
  VALUES (_take_inbound_call.tenant, NULL, provider_call_id, 'inbound', caller, called, 'ringing', person, account.provider, account.id,
          (settings ->> 'priority')::int, switchboard._text_list(settings -> 'skills'), _take_inbound_call.at,
          clock_timestamp() + interval '10 minutes')
  ON CONFLICT (tenant_id, provider, call_id) WHERE call_id IS NOT NULL DO NOTHING
  RETURNING c.id INTO call;
  IF call IS NULL THEN
    RETURN (SELECT c.id FROM switchboard.call_logs c
            WHERE c.tenant_id = _take_inbound_call.tenant AND c.provider = account.provider AND c.call_id = provider_call_id);
  END IF;
  INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw, occurred_at)
  VALUES (_take_inbound_call.tenant, call, 'ringing', coalesce(_take_inbound_call.raw, '{}'), _take_inbound_call.at);
  PERFORM switchboard._add_event(_take_inbound_call.tenant, 'new-call', call, jsonb_strip_nulls(jsonb_build_object(
    'callId', call, 'direction', 'inbound', 'status', 'ringing', 'from', caller, 'to', called, 'provider', account.provider,
    'contactId', person, 'contactName', (SELECT k.name FROM switchboard.contacts k WHERE k.id = person),
    'priority', settings -> 'priority', 'skills', settings -> 'skills')));
  RETURN call;
END
$$;
COMMENT ON FUNCTION switchboard._take_inbound_call(uuid, switchboard.provider_accounts, text, text, text, timestamptz, jsonb) IS
  'Records a call that a customer makes, once per provider and provider_call_id: call_logs (ringing, nobody''s), the contact matched or
made, the trail, the event new-call. Returns its id, also of one that is known already. from_number, to_number: as the provider tells
them; withheld numbers are kept as they come, without a contact. raw: the provider''s fields.';
REVOKE ALL ON FUNCTION switchboard._take_inbound_call(uuid, switchboard.provider_accounts, text, text, text, timestamptz, jsonb) FROM PUBLIC;
