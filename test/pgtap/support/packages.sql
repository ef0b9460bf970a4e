-- Calls that are handed to external call systems, as the engine of triggers makes them.
CREATE SCHEMA test_packages;

-- A triggered call of an account: the contact, the trigger with a package, the call, its job. Returns the call.
CREATE FUNCTION test_packages.triggered_call(account uuid, phone text, campaign uuid DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  person uuid;
  trigger uuid := switchboard.uuid_v7();
  call    uuid := switchboard.uuid_v7();
  package jsonb;
BEGIN
  INSERT INTO switchboard.contacts (phone_number, name) VALUES (phone, 'Zoë "Z" 李')
  ON CONFLICT (tenant_id, phone_number) DO UPDATE SET name = excluded.name RETURNING id INTO person;
  package := jsonb_build_object('customer_name', 'Zoë "Z" 李', 'phone_number', phone, 'discount', '15%', 'coupon_code', NULL,
    'original_price', 999.99, 'new_price', 849.99, 'savings_amount', 150.00, 'purchase_history', '[]'::jsonb,
    'call_trigger_id', trigger);
  INSERT INTO switchboard.call_logs (id, direction, to_number, lead_id, campaign_id, provider, account_id, metadata)
  SELECT call, 'outbound', phone, person, campaign, a.provider, a.id, jsonb_build_object('call_trigger_id', trigger)
  FROM switchboard.provider_accounts a WHERE a.id = account;
  INSERT INTO switchboard.call_triggers (id, contact_id, campaign_id, trigger_type, call_log_id, package)
  VALUES (trigger, person, campaign, 'price_drop', call, package);
  INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload)
  SELECT a.tenant_id, 'call', a.id, call, switchboard._trigger_payload(a, k, call, phone, NULL, package, 'Hello')
  FROM switchboard.provider_accounts a LEFT JOIN switchboard.campaigns k ON k.id = campaign WHERE a.id = account;
  RETURN call;
END $$;

CREATE FUNCTION test_packages.trigger_of(call uuid) RETURNS uuid LANGUAGE sql AS $$
  SELECT (c.metadata ->> 'call_trigger_id')::uuid FROM switchboard.call_logs c WHERE c.id = call $$;

-- The job of a call is claimed, noted and answered; its state afterwards.
CREATE FUNCTION test_packages.deliver(call uuid, provider_id text, outcome text DEFAULT 'ok') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  job jsonb;
BEGIN
  SELECT t INTO job FROM test_dialer.turn() t WHERE t ->> 'subject_id' = call::text;
  PERFORM test_dialer.note(jsonb_build_array(jsonb_build_object('id', job -> 'id', 'token', job -> 'token')));
  PERFORM count(*) FROM test_dialer.turn(jsonb_build_array(jsonb_build_object(
    'id', job -> 'id', 'token', job -> 'token', 'outcome', outcome, 'provider_id', provider_id, 'code', 'http_500')));
  RETURN (SELECT j.state FROM switchboard.jobs j WHERE j.id = (job ->> 'id')::uuid);
END $$;

CREATE FUNCTION test_packages.call(call uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', c.status, c.duration, c.answered_by, c.hangup_cause) FROM switchboard.call_logs c WHERE c.id = call $$;
CREATE FUNCTION test_packages.trigger(call uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', t.status, t.reason) FROM switchboard.call_triggers t WHERE t.id = test_packages.trigger_of(call) $$;
