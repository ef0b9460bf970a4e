-- When triggered calls are made: within the hours that people prefer, as far as the offer lasts.
\ir support/dialer.sql
SELECT plan(10);
SELECT test_dialer.new_tenant('times', 'UTC') AS tenant \gset
SELECT set_config('switchboard.tenant_id', :'tenant', false) \g /dev/null

INSERT INTO switchboard.products (name, price, stock) VALUES ('Tent', 100, 1) RETURNING id AS tent \gset
-- Hours that began three hours ago and ended two hours ago, everybody's clock being UTC.
SELECT (date_trunc('hour', now() AT TIME ZONE 'UTC') - interval '3 hours')::time AS opens,
       (date_trunc('hour', now() AT TIME ZONE 'UTC') - interval '2 hours')::time AS closes,
       date_trunc('hour', now()) + interval '21 hours' AS tomorrow \gset
INSERT INTO switchboard.contacts (phone_number, name, timezone, best_call_start, best_call_end)
VALUES ('+12025550101', 'Prefers', 'UTC', :'opens', :'closes') RETURNING id AS prefers \gset
INSERT INTO switchboard.contacts (phone_number, name, timezone) VALUES ('+12025550102', 'Whenever', 'UTC') RETURNING id AS whenever \gset
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid) SELECT unnest(ARRAY[:'prefers', :'whenever']::uuid[]), :'tent', 100;

CREATE FUNCTION pg_temp.call_at(contact uuid, product uuid, settings jsonb) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  campaign uuid := test_dialer.new_campaign(switchboard.current_tenant_id(), settings || '{"agentless": true}');
  made     jsonb;
BEGIN
  UPDATE switchboard.campaigns SET discount_percent = 10 WHERE id = campaign;
  made := switchboard.trigger_call(campaign, contact, product, 'price_drop', new_price => 80, original_price => 100);
  RETURN (SELECT t.scheduled_at FROM switchboard.call_triggers t WHERE t.id = (made ->> 'call_trigger_id')::uuid);
END $$;

CREATE FUNCTION pg_temp.said(contact uuid, settings jsonb) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  campaign uuid := test_dialer.new_campaign(switchboard.current_tenant_id(), settings || '{"agentless": true}');
BEGIN
  RETURN (SELECT e.call_at FROM switchboard.eligible_contacts(campaign, 'price_drop') e WHERE e.contact_id = contact);
END $$;

SELECT is(pg_temp.said(:'prefers', '{}'), :'tomorrow', 'eligible_contacts says when somebody with preferred hours is called');
SELECT is(pg_temp.said(:'prefers', '{"call_time": "now"}'), now(), 'and when not to wait for them');
SELECT is(pg_temp.said(:'whenever', '{}'), now(), 'and when somebody without');
SELECT is(pg_temp.call_at(:'prefers', :'tent', '{}'), :'tomorrow', 'somebody with preferred hours is called within them');
SELECT is((SELECT min(run_at) FROM switchboard.jobs), :'tomorrow', 'and the job waits as long');
SELECT ok(pg_temp.call_at(:'whenever', :'tent', '{}') <= now() + interval '1 minute', 'others at once');
SELECT ok(pg_temp.call_at(:'prefers', :'tent', '{"call_time": "now"}') <= now() + interval '1 minute', 'call_time now: everybody at once');
SELECT is(pg_temp.call_at(:'prefers', :'tent', '{"call_time": "best"}'), :'tomorrow', 'call_time best: preferred hours are the best');
SELECT ok(pg_temp.call_at(:'whenever', :'tent', '{"call_time": "best"}') <= now() + interval '1 minute',
          'and nobody waits for hours that were not learned');
UPDATE switchboard.contacts SET best_call_start = '12:00', best_call_end = '12:00' WHERE id = :'prefers';
SELECT ok(pg_temp.call_at(:'prefers', :'tent', '{}') <= now() + interval '1 minute', 'equal ends are no preference');
SELECT * FROM finish();
