-- What the tests of triggered calls share, on top of dialer.sql: products, buyers, and triggers as they are stored, made by hand so that
-- each test says what it is about.
CREATE SCHEMA test_triggers;
GRANT USAGE ON SCHEMA test_triggers TO PUBLIC;

CREATE FUNCTION test_triggers.new_product(tenant uuid, price numeric DEFAULT 849.99, stock int DEFAULT 5) RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.products (tenant_id, name, price, stock) VALUES (tenant, 'iPhone 15 Pro', price, stock) RETURNING id
$$;

-- A contact with the nth number.
CREATE FUNCTION test_triggers.new_contact(tenant uuid, n int) RETURNS uuid LANGUAGE sql AS $$
  INSERT INTO switchboard.contacts AS k (tenant_id, phone_number, first_name)
  VALUES (tenant, '+' || 12025550100 + n, 'P' || n)
  ON CONFLICT (tenant_id, phone_number) DO UPDATE SET first_name = k.first_name RETURNING id
$$;

-- A trigger with its call and job (or, with an entry of a list, without). more: columns that are to be other than usual.
CREATE FUNCTION test_triggers.make(tenant uuid, campaign uuid, contact uuid, product uuid, more jsonb DEFAULT '{}') RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  due     timestamptz := coalesce((more ->> 'scheduled_at')::timestamptz, clock_timestamp() - interval '1 second');
  found   switchboard.campaigns := (SELECT c FROM switchboard.campaigns c WHERE c.id = campaign);
  trigger uuid := switchboard.uuid_v7();
  coupon  uuid;
  call    uuid;
  listed  uuid := (more ->> 'listed')::uuid;
  package jsonb;
BEGIN
  IF more ? 'valid_until' THEN
    INSERT INTO switchboard.coupons (tenant_id, code, discount_percent, contact_id, product_id, campaign_id, valid_until)
    VALUES (tenant, 'TEST-15-' || trigger, 15, contact, product, campaign, (more ->> 'valid_until')::timestamptz) RETURNING id INTO coupon;
  END IF;
  package := jsonb_build_object('call_trigger_id', trigger, 'campaign_id', campaign, 'product_id', product,
                                'call_script', coalesce(more ->> 'script', 'Hello {{not a template}}'));
  IF listed IS NULL THEN
    INSERT INTO switchboard.call_logs (tenant_id, user_id, direction, to_number, lead_id, campaign_id, metadata, started_at)
    SELECT tenant, found.user_id, 'outbound', k.phone_number, contact, campaign, jsonb_build_object('call_trigger_id', trigger), now()
    FROM switchboard.contacts k WHERE k.id = contact RETURNING id INTO call;
  END IF;
  INSERT INTO switchboard.call_triggers
    (id, tenant_id, campaign_id, contact_id, product_id, trigger_type, priority, original_price, new_price, coupon_id, package, call_log_id,
     campaign_contact_id, listed_price, listed_stock, scheduled_at, created_at)
  VALUES (trigger, tenant, campaign, contact, product, coalesce(more ->> 'type', 'price_drop')::switchboard.trigger_type,
          coalesce(more ->> 'priority', 'medium')::switchboard.task_priority, 999.99, 849.99, coupon, package, call, listed, 849.99, 5, due,
          coalesce((more ->> 'created_at')::timestamptz, now()));
  IF call IS NOT NULL THEN
    PERFORM switchboard._give_triggers_jobs(tenant, campaign, ARRAY[call]);
  END IF;
  RETURN trigger;
END $$;

CREATE FUNCTION test_triggers.call_of(trigger uuid) RETURNS uuid LANGUAGE sql AS $$
  SELECT t.call_log_id FROM switchboard.call_triggers t WHERE t.id = trigger
$$;

-- Claims whatever is due, notes it and says that the provider took it; the calls that were placed.
CREATE FUNCTION test_triggers.send() RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  jobs jsonb := (SELECT coalesce(jsonb_agg(j), '[]') FROM test_dialer.turn() j);
  go   jsonb;
BEGIN
  IF jobs = '[]' THEN
    RETURN;
  END IF;
  go := test_dialer.note(jobs) -> 'go';
  PERFORM switchboard._worker_turn(jsonb_build_object('worker', 'tap', 'finished', (
    SELECT jsonb_agg(jsonb_build_object('id', j -> 'id', 'token', j -> 'token', 'outcome', 'ok',
                                        'provider_id', 'CA' || replace(j ->> 'subject_id', '-', '')))
    FROM jsonb_array_elements(jobs) j WHERE go ? (j ->> 'id')))::json)
  WHERE go <> '[]';
  RETURN QUERY SELECT (j ->> 'subject_id')::uuid FROM jsonb_array_elements(jobs) j WHERE go ? (j ->> 'id') ORDER BY 1;
END $$;

-- The end of a call, as the provider tells it.
CREATE FUNCTION test_triggers.end_call(call uuid, status text, more text DEFAULT '') RETURNS int LANGUAGE sql AS $$
  SELECT test_dialer.call_event(call, status, 9, more)
$$;

-- Where a trigger stands: status, reason, attempts, and whether its last call has ended.
CREATE FUNCTION test_triggers.state(trigger uuid) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', t.status, t.reason, t.attempts, c.status)
  FROM switchboard.call_triggers t LEFT JOIN switchboard.call_logs c ON c.id = t.call_log_id WHERE t.id = trigger
$$;
