-- A worker without its network, for the specs. A brace would end a step, so steps call these instead of writing JSON.
CREATE SCHEMA iso;
INSERT INTO switchboard.tenants (id, name) VALUES ('00000000-0000-0000-0000-00000000000a', 'a');

-- What the worker of a session was told last.
CREATE UNLOGGED TABLE iso.memory (worker text PRIMARY KEY, lanes json NOT NULL DEFAULT '[]', jobs json NOT NULL DEFAULT '[]');

CREATE FUNCTION iso.hello(worker text) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._worker_hello(json_build_object('worker', worker, 'protocol', 1, 'kind', 'standalone'));
    INSERT INTO iso.memory VALUES (worker) ON CONFLICT DO NOTHING;
    SELECT NULL::void
$$;

CREATE FUNCTION iso.tell(me text, request json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    reply json := switchboard._worker_turn(request);
BEGIN
    UPDATE iso.memory m SET lanes = reply -> 'lanes', jobs = reply -> 'jobs'
     WHERE m.worker = me AND json_typeof(request -> 'claim') = 'object';
    RETURN reply;
END
$$;

-- Jobs are named by the last digits of their id.
CREATE FUNCTION iso.names(ids json) RETURNS text LANGUAGE sql
AS $$ SELECT coalesce(string_agg(right(i, 2), ' ' ORDER BY i), 'none') FROM json_array_elements_text(ids) i $$;

CREATE FUNCTION iso.claim(me text, wanted int, since timestamptz DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT iso.names((SELECT coalesce(json_agg(j -> 'id'), '[]') FROM json_array_elements(iso.tell(me, json_build_object(
        'worker', me, 'finished', '[]'::json, 'claim', json_build_object('limit', wanted, 'discover', true, 'since', since,
        'lanes', (SELECT m.lanes FROM iso.memory m WHERE m.worker = me)))) -> 'jobs') j))
$$;

-- Finishes what was claimed last; the stale ones.
CREATE FUNCTION iso.finish(me text, outcome text DEFAULT 'ok') RETURNS text LANGUAGE sql AS $$
    SELECT 'stale: ' || iso.names(iso.tell(me, json_build_object('worker', me, 'claim', NULL, 'finished', (
        SELECT json_agg(json_build_object('id', j -> 'id', 'token', j -> 'token', 'outcome', outcome))
          FROM iso.memory m, json_array_elements(m.jobs) j WHERE m.worker = me))) -> 'stale')
$$;

CREATE FUNCTION iso.note(me text) RETURNS text LANGUAGE sql AS $$
    SELECT 'go: ' || iso.names(switchboard._worker_note_sending(json_build_object('worker', me, 'jobs', (
        SELECT json_agg(json_build_object('id', j -> 'id', 'token', j -> 'token'))
          FROM iso.memory m, json_array_elements(m.jobs) j WHERE m.worker = me))) -> 'go')
$$;

CREATE FUNCTION iso.free(dead text DEFAULT NULL) RETURNS text LANGUAGE sql
AS $$ SELECT 'freed: ' || (switchboard._worker_free(json_build_object('worker', dead)) ->> 'freed') $$;

CREATE FUNCTION iso.job(name text) RETURNS uuid LANGUAGE sql IMMUTABLE
AS $$ SELECT ('00000000-0000-0000-0000-0000000000' || name)::uuid $$;

CREATE FUNCTION iso.enqueue(name text, run_at timestamptz DEFAULT clock_timestamp(), kind text DEFAULT 'webhook') RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.jobs_open (id, tenant_id, kind, run_at)
    VALUES (iso.job(name), '00000000-0000-0000-0000-00000000000a', kind, run_at)
$$;

CREATE FUNCTION iso.enqueue_once(name text, key text) RETURNS text LANGUAGE sql AS $$
    SELECT right(e.job_id::text, 2) || CASE WHEN e.created THEN ' new' ELSE ' known' END
      FROM switchboard._enqueue_jobs(json_build_array(json_build_object(
           'id', iso.job(name), 'tenant_id', '00000000-0000-0000-0000-00000000000a', 'kind', 'webhook', 'idempotency_key', key))) e
$$;

CREATE FUNCTION iso.let_leases_expire() RETURNS void LANGUAGE sql
AS $$ UPDATE switchboard.jobs_open SET locked_until = clock_timestamp() - interval '1 s' WHERE locked_by IS NOT NULL $$;

CREATE FUNCTION iso.jobs() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', right(j.id::text, 2), j.state, j.attempt, j.locked_by), ', ' ORDER BY j.id, j.state), 'none')
      FROM switchboard.jobs j
$$;

-- A campaign with people on its list: the number is the phone's last digits.
CREATE FUNCTION iso.campaign() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT '00000000-0000-0000-0000-0000000000c1'::uuid $$;

CREATE FUNCTION iso.new_campaign(people int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := '00000000-0000-0000-0000-00000000000a';
BEGIN
    INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings)
    VALUES (tenant, 'twilio', 'main', jsonb_build_object('caller_id', '+12015550100'));
    INSERT INTO switchboard.campaigns (id, tenant_id, user_id, name, type, status, active_hours, settings)
    VALUES (iso.campaign(), tenant, NULL, 'c', 'power', 'active', jsonb_build_object('start', '00:00', 'end', '24:00'),
            jsonb_build_object('max_lines', 3));
    -- The specs must hold at any hour.
    INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
    VALUES (tenant, 'calling_window', jsonb_build_object('start', '00:00', 'end', '24:00'), 'test') ON CONFLICT DO NOTHING;
    PERFORM iso.add_people(100, people);
END
$$;

CREATE FUNCTION iso.add_people(first int, people int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number)
    SELECT '00000000-0000-0000-0000-00000000000a', iso.campaign(), '+12025550' || n FROM generate_series(first, first + people - 1) n
$$;

CREATE FUNCTION iso.no_campaign() RETURNS void LANGUAGE sql AS $$
    DELETE FROM switchboard.jobs;
    DELETE FROM switchboard.call_logs;
    DELETE FROM switchboard.campaigns;
    DELETE FROM switchboard.provider_accounts;
    DELETE FROM switchboard.do_not_call;
    DELETE FROM switchboard.compliance_overrides;
    DELETE FROM switchboard.dispatch_decisions;
    DELETE FROM switchboard.users;
    SELECT NULL::void
$$;

CREATE FUNCTION iso.stats() RETURNS text LANGUAGE sql AS $$
    SELECT format('stats %s/%s/%s, list %s/%s/%s', stats ->> 'total', stats ->> 'pending', stats ->> 'calling', count(l.id),
                  count(*) FILTER (WHERE l.status = 'pending'), count(*) FILTER (WHERE l.status = 'calling'))
      FROM switchboard.dialer_campaigns c LEFT JOIN switchboard.campaign_contacts l ON l.campaign_id = c.id
     WHERE c.id = iso.campaign() GROUP BY stats
$$;

CREATE FUNCTION iso.queue() RETURNS text LANGUAGE sql AS $$
    SELECT format('%s queued, %s calling, %s calls, %s jobs', count(*) FILTER (WHERE q.status = 'queued'),
                  count(*) FILTER (WHERE q.status = 'calling'), (SELECT count(*) FROM switchboard.call_logs),
                  (SELECT count(*) FROM switchboard.jobs))
      FROM switchboard.dialer_queues q
$$;

-- Agents: users of the tenant a, by number, all available; identity is that of the gateway, asserted by superusers too.
CREATE FUNCTION iso.agent(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-0000-0000-0000000000e' || n)::uuid $$;

CREATE FUNCTION iso.new_user(n int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.users (id, tenant_id, name, endpoint)
    VALUES (iso.agent(n), '00000000-0000-0000-0000-00000000000a', 'agent ' || n, 'client:agent' || n)
$$;

CREATE FUNCTION iso.become(n int) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a', iso.agent(n))
$$;

CREATE FUNCTION iso.new_agents(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE switchboard.provider_accounts SET settings = settings || jsonb_build_object('public_url', 'https://pbx.example');
    FOR i IN 1 .. n LOOP
        PERFORM iso.new_user(i);
        PERFORM iso.become(i);
        PERFORM switchboard.set_agent_state('available');
    END LOOP;
END
$$;

-- So many calls under way, whoever is there.
CREATE FUNCTION iso.dial_for_agents(calls int) RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.campaigns SET dial_level = calls;
    SELECT switchboard._before_claim(10);
    SELECT NULL::void
$$;

CREATE FUNCTION iso.call(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT c.id FROM switchboard.call_logs c ORDER BY c.id OFFSET n - 1 LIMIT 1 $$;

CREATE FUNCTION iso.answer(n int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', p.plan ->> 'action', p.plan ->> 'endpoint')
      FROM (SELECT switchboard._answer_plan(iso.call(n), NULL, clock_timestamp()) AS plan) p
$$;

CREATE FUNCTION iso.end_call(n int) RETURNS int LANGUAGE sql AS $$
    SELECT switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, 'twilio', 'CA' || n, 'completed', now(), 5, NULL, NULL, NULL,
           NULL)::switchboard.call_status_event]) FROM switchboard.call_logs c WHERE c.id = iso.call(n)
$$;

-- What agents do, whose calls there are, and how many histories are broken.
CREATE FUNCTION iso.agents() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT string_agg(concat_ws(' ', s.state, s.reason, s.next_state), ', ' ORDER BY s.user_id)
              FROM switchboard.agent_states s WHERE s.ended_at IS NULL)
           || format('; %s with an agent', (SELECT count(*) FROM switchboard.call_logs c WHERE c.user_id IS NOT NULL))
           || format('; %s broken', (SELECT count(*) FROM (SELECT s.ended_at, lead(s.started_at) OVER
                  (PARTITION BY s.user_id ORDER BY s.started_at, s.ended_at NULLS LAST, s.id) AS follows FROM switchboard.agent_states s) h
                  WHERE h.ended_at IS DISTINCT FROM h.follows))
$$;

CREATE FUNCTION iso.to_preview() RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.campaigns SET type = 'preview';
    SELECT switchboard.run_campaign(iso.campaign());
    SELECT NULL::void
$$;

CREATE FUNCTION iso.preview() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('shown ' || right((switchboard.next_preview_contact(iso.campaign())).phone_number, 3), 'nobody')
$$;

CREATE FUNCTION iso.reserve(n int) RETURNS text LANGUAGE sql AS $$ SELECT iso.become(n); SELECT iso.preview() $$;

CREATE FUNCTION iso.expire_reservations() RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.dialer_queues SET reserved_until = now() - interval '1 s' WHERE reserved_by IS NOT NULL
$$;

CREATE FUNCTION iso.accept() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT 'called ' || right(c.to_number, 3) FROM switchboard.accept_preview((SELECT q.id FROM switchboard.dialer_queues q)) c);
EXCEPTION WHEN SQLSTATE 'SB005' OR insufficient_privilege THEN
    RETURN SQLSTATE;
END
$$;

-- The one call of the campaign, told of by its provider.
CREATE FUNCTION iso.tell_call(status text) RETURNS int LANGUAGE sql AS $$
    SELECT switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, 'twilio', 'CA1', tell_call.status, clock_timestamp(), 5, NULL, NULL, NULL, NULL)
                                                ::switchboard.call_status_event])
      FROM switchboard.call_logs c WHERE c.campaign_id IS NOT NULL
$$;

CREATE FUNCTION iso.the_call() RETURNS uuid LANGUAGE sql AS $$ SELECT c.id FROM switchboard.call_logs c WHERE c.campaign_id IS NOT NULL $$;

-- What an external call system concludes; and all that was concluded.
CREATE FUNCTION iso.report(said text) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._note_reported_disposition(c, said, NULL, NULL, clock_timestamp())
      FROM switchboard.call_logs c WHERE c.id = iso.the_call()
$$;
CREATE FUNCTION iso.conclusions() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(d.disposition || CASE WHEN d.user_id IS NULL THEN '' ELSE ' by an agent' END, ', ' ORDER BY d.created_at)
      FROM switchboard.call_dispositions d
$$;

CREATE FUNCTION iso.calls() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT concat_ws(' ', c.status, CASE WHEN c.dialed_at IS NOT NULL THEN 'sent' END, CASE WHEN c.hang_up_at IS NOT NULL THEN 'hung up' END)
                       FROM switchboard.call_logs c WHERE c.campaign_id IS NOT NULL), 'no call')
           || coalesce((SELECT concat_ws(' ', ', person', l.status, l.attempts, l.last_outcome) FROM switchboard.campaign_contacts l), '')
           || coalesce((SELECT ', ' || string_agg(j.kind || ' ' || j.state, ', ' ORDER BY j.kind, j.state) FROM switchboard.jobs j), '')
$$;

-- A call to the first person's number that waits to be sent; it and its job are named alike.
CREATE FUNCTION iso.waiting_call(name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.call_logs (id, tenant_id, user_id, direction, from_number, to_number, campaign_id, provider)
    VALUES (iso.job(name), '00000000-0000-0000-0000-00000000000a', NULL, 'outbound', '+12015550100', '+12025550100', iso.campaign(), 'twilio');
    INSERT INTO switchboard.jobs_open (id, tenant_id, kind, subject_id, payload)
    VALUES (iso.job(name), '00000000-0000-0000-0000-00000000000a', 'call', iso.job(name), jsonb_build_object('to', '+12025550100'))
$$;

CREATE FUNCTION iso.override(rule text, key text, value jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
    VALUES ('00000000-0000-0000-0000-00000000000a', rule, jsonb_build_object(key, value), 'test')
$$;

CREATE FUNCTION iso.never_call(number text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.do_not_call (tenant_id, phone_number) VALUES ('00000000-0000-0000-0000-00000000000a', number)
$$;

-- What was put off a moment is due.
CREATE FUNCTION iso.a_moment_later() RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.jobs_open SET run_at = clock_timestamp() WHERE state = 'ready'
$$;

CREATE FUNCTION iso.dialed() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', right(c.id::text, 2), c.status, CASE WHEN c.dialed_at IS NOT NULL THEN 'dialed' END, c.error_code), ', '
                      ORDER BY c.id)
      FROM switchboard.call_logs c
$$;

CREATE FUNCTION iso.decisions() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', d.stage, CASE WHEN d.allowed THEN 'yes' ELSE 'no' END, d.codes[1]), ', ' ORDER BY d.stage, d.id)
      FROM switchboard.dispatch_decisions d
$$;

-- Campaigns and their lists.
CREATE FUNCTION iso.state() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT c.status || CASE WHEN c.ran_out THEN ', ran out' ELSE '' END FROM switchboard.campaigns c WHERE c.id = iso.campaign()), 'gone')
$$;

-- The list in order: last digits, status, and what the queue says.
CREATE FUNCTION iso.list() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', right(l.phone_number, 3), l.status, q.status), ', ' ORDER BY l.phone_number), 'nobody')
      FROM switchboard.campaign_contacts l LEFT JOIN switchboard.dialer_queues q ON q.contact_id = l.id
     WHERE l.campaign_id = iso.campaign()
$$;

CREATE FUNCTION iso.set_person(number int, status text) RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.campaign_contacts l SET status = set_person.status::switchboard.campaign_contact_status, attempts = 9
     WHERE l.campaign_id = iso.campaign() AND l.phone_number = '+12025550' || number
$$;

-- People who are contacts as well, and the scores that the list has of them.
CREATE FUNCTION iso.know_people() RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.contacts (tenant_id, phone_number)
    SELECT l.tenant_id, l.phone_number FROM switchboard.campaign_contacts l WHERE l.campaign_id = iso.campaign() ON CONFLICT DO NOTHING;
    UPDATE switchboard.campaign_contacts l SET contact_id = k.id FROM switchboard.contacts k
     WHERE k.tenant_id = l.tenant_id AND k.phone_number = l.phone_number
$$;

CREATE FUNCTION iso.score(number int, score int) RETURNS void LANGUAGE sql
AS $$ UPDATE switchboard.contacts SET lead_score = score WHERE phone_number = '+12025550' || number $$;

CREATE FUNCTION iso.order_of_queue() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(right(l.phone_number, 3) || ' (' || l.lead_score || ')', ', ' ORDER BY q.priority DESC, q.scheduled_at, q.id), 'nobody')
      FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id WHERE q.status = 'queued'
$$;

-- Calls of the campaign that start in one quarter of an hour, and their figures beside a count: total/ringing.
CREATE FUNCTION iso.add_calls(calls int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.call_logs (tenant_id, campaign_id, to_number, started_at)
    SELECT '00000000-0000-0000-0000-00000000000a', iso.campaign(), '+1202555000' || n, '2026-06-01 12:00+00' FROM generate_series(1, calls) n
$$;

CREATE FUNCTION iso.figures() RETURNS text LANGUAGE sql AS $$
    SELECT format('figures %s/%s, calls %s/%s', f ->> 'initiated', f ->> 'ringing', count(c.id) FILTER (WHERE c.status = 'initiated'),
                  count(c.id) FILTER (WHERE c.status = 'ringing'))
      FROM (SELECT switchboard.get_analytics('2026-06-01', '2026-06-02', iso.campaign()) #> ARRAY['analytics', 'distribution', 'byStatus'] AS f) a
      LEFT JOIN switchboard.call_logs c ON true
     GROUP BY f
$$;

-- Triggered calls: a product, and calls about it to the nth person, made directly or (listed) by the list's agents.
CREATE FUNCTION iso.new_offer() RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.products (id, tenant_id, name, price) VALUES (iso.job('f0'), '00000000-0000-0000-0000-00000000000a', 'p', 80)
$$;

CREATE FUNCTION iso.trigger_call(name text, number int DEFAULT 100, listed boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := '00000000-0000-0000-0000-00000000000a';
    phone  text := '+12025550' || number;
    person uuid;
    call   uuid := switchboard.uuid_v7();
    entry  uuid;
BEGIN
    INSERT INTO switchboard.contacts (tenant_id, phone_number) VALUES (tenant, phone) ON CONFLICT DO NOTHING;
    SELECT k.id INTO person FROM switchboard.contacts k WHERE k.tenant_id = tenant AND k.phone_number = phone;
    INSERT INTO switchboard.coupons (id, tenant_id, code, discount_percent) VALUES (iso.job(name), tenant, name, 5);
    IF listed THEN
        INSERT INTO switchboard.campaign_contacts AS l (tenant_id, campaign_id, phone_number, contact_id) VALUES (tenant, iso.campaign(), phone, person)
        ON CONFLICT (campaign_id, phone_number) DO UPDATE SET
            status = CASE WHEN l.status = 'calling' THEN l.status ELSE 'pending' END, next_attempt_at = NULL RETURNING id INTO entry;
    ELSE
        INSERT INTO switchboard.call_logs (id, tenant_id, user_id, direction, to_number, lead_id, campaign_id, metadata)
        VALUES (call, tenant, NULL, 'outbound', phone, person, iso.campaign(), jsonb_build_object('call_trigger_id', iso.job(name)));
    END IF;
    INSERT INTO switchboard.call_triggers (id, tenant_id, campaign_id, contact_id, product_id, trigger_type, coupon_id, call_log_id, campaign_contact_id,
                                           new_price, listed_price, package)
    VALUES (iso.job(name), tenant, iso.campaign(), person, iso.job('f0'), 'price_drop', iso.job(name), CASE WHEN NOT listed THEN call END, entry, 80, 80,
            jsonb_build_object('campaign_id', iso.campaign(), 'product_id', iso.job('f0'), 'call_script', 'hello'));
    PERFORM switchboard._give_triggers_jobs(tenant, iso.campaign(), ARRAY[call]);
END
$$;

CREATE FUNCTION iso.triggers() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', right(t.id::text, 2), t.status, t.reason, t.attempts), ', ' ORDER BY t.id), 'none')
           || (SELECT format('; %s calls, %s of them wait', count(*), count(*) FILTER (WHERE c.waits)) FROM switchboard.call_logs c)
      FROM switchboard.call_triggers t
$$;

CREATE FUNCTION iso.redeem(name text) RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.coupons SET redeemed_at = now() WHERE id = iso.job(name) AND redeemed_at IS NULL
$$;

CREATE FUNCTION iso.end_triggered(name text, status text) RETURNS int LANGUAGE sql AS $$
    SELECT switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, 'twilio', 'CA' || name, end_triggered.status, clock_timestamp(), 5, NULL, NULL, NULL, NULL)
                                                ::switchboard.call_status_event])
      FROM switchboard.call_triggers t JOIN switchboard.call_logs c ON c.id = t.call_log_id WHERE t.id = iso.job(name)
$$;

CREATE FUNCTION iso.no_offer() RETURNS void LANGUAGE sql AS $$
    DELETE FROM switchboard.call_triggers;
    DELETE FROM switchboard.coupons;
    DELETE FROM switchboard.products;
    DELETE FROM switchboard.contacts;
    SELECT iso.no_campaign()
$$;

-- A shop: a product at 100.00, people who bought it, and a campaign of our own for it that calls directly. People are told apart by number.
CREATE FUNCTION iso.product() RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT '00000000-0000-0000-0000-0000000000f1'::uuid $$;
CREATE FUNCTION iso.buyer(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-0000-0000-0000000000b' || n)::uuid $$;

CREATE FUNCTION iso.new_shop(people int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tenant uuid := '00000000-0000-0000-0000-00000000000a';
BEGIN
    PERFORM iso.new_campaign(0);
    INSERT INTO switchboard.products (id, tenant_id, name, price) VALUES (iso.product(), tenant, 'lamp', 100);
    UPDATE switchboard.campaigns SET type = 'manual', product_id = iso.product(), discount_percent = 10 WHERE id = iso.campaign();
    INSERT INTO switchboard.contacts (id, tenant_id, phone_number, name)
    SELECT iso.buyer(n), tenant, '+1202555010' || n, 'buyer ' || n FROM generate_series(1, people) n;
    INSERT INTO switchboard.purchases (tenant_id, contact_id, product_id, amount_paid)
    SELECT tenant, iso.buyer(n), iso.product(), 100 FROM generate_series(1, people) n;
END
$$;

CREATE FUNCTION iso.no_shop() RETURNS void LANGUAGE sql AS $$
    DELETE FROM switchboard.call_triggers;
    DELETE FROM switchboard.trigger_runs;
    DELETE FROM switchboard.coupons;
    DELETE FROM switchboard.purchases;
    SELECT iso.no_campaign();
    DELETE FROM switchboard.products;
    DELETE FROM switchboard.contacts;
    UPDATE switchboard.tenants SET settings = jsonb_build_object();
    SELECT NULL::void
$$;

CREATE FUNCTION iso.as_shop() RETURNS void LANGUAGE sql AS $$ SELECT switchboard.set_identity('00000000-0000-0000-0000-00000000000a') $$;

-- So many people in the shop's own statement, the others later.
CREATE FUNCTION iso.few_at_once(people int) RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.tenants SET settings = jsonb_build_object('trigger_batch', people)
$$;

CREATE FUNCTION iso.price_drop(price numeric DEFAULT 80) RETURNS text LANGUAGE sql AS $$
    SELECT format('triggered %s, skipped %s', r ->> 'triggered', r ->> 'skipped') FROM switchboard.trigger_price_drop(iso.product(), 100, price) r
$$;

CREATE FUNCTION iso.call_buyer(n int) RETURNS text LANGUAGE sql AS $$
    SELECT 'calls ' || (p ->> 'customer_name')
      FROM switchboard.trigger_call(iso.campaign(), iso.buyer(n), iso.product(), 'price_drop', 10, 80, 100) p
$$;

-- What triggers left: each person's calls, and whether everything belongs together.
CREATE FUNCTION iso.triggered() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT string_agg(concat_ws(' ', k.name, CASE WHEN t.n > 1 THEN 'x ' || t.n END), ', ' ORDER BY k.name)
                       FROM (SELECT t.contact_id, count(*) AS n FROM switchboard.call_triggers t GROUP BY 1) t
                       JOIN switchboard.contacts k ON k.id = t.contact_id), 'nobody')
           || format('; %s of %s coupons, calls %s, jobs %s; runs %s', (SELECT count(t.coupon_id) FROM switchboard.call_triggers t),
                     (SELECT count(*) FROM switchboard.coupons), (SELECT count(*) FROM switchboard.call_logs), (SELECT count(*) FROM switchboard.jobs),
                     (SELECT coalesce(string_agg(concat_ws(' ', r.triggered, CASE WHEN r.finished_at IS NULL THEN 'open' END, r.reason), ', ' ORDER BY r.id), 'none')
                        FROM switchboard.trigger_runs r))
$$;

CREATE FUNCTION iso.buyer_redeems(n int) RETURNS text LANGUAGE sql AS $$
    SELECT 'redeemed by ' || (SELECT k.name FROM switchboard.contacts k WHERE k.id = r.contact_id)
      FROM switchboard.redeem_coupon((SELECT c.code FROM switchboard.coupons c WHERE c.contact_id = iso.buyer(n))) r
$$;

-- A worker takes all that is due; how many calls it was allowed to make.
CREATE FUNCTION iso.send_triggered() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    go text;
BEGIN
    PERFORM iso.hello('w');
    PERFORM iso.claim('w', 10);
    go := iso.note('w');
    RETURN 'calls made: ' || CASE go WHEN 'go: none' THEN 0 ELSE array_length(string_to_array(go, ' '), 1) - 1 END;
END
$$;

-- Nobody answers what was sent.
CREATE FUNCTION iso.nobody_answers() RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._apply_call_status(ARRAY[ROW(c.id, c.tenant_id, 'twilio', 'CA1', 'no-answer', clock_timestamp(), 0, NULL, NULL, NULL, NULL)
                                                ::switchboard.call_status_event])
      FROM switchboard.call_logs c WHERE c.dialed_at IS NOT NULL;
    SELECT NULL::void
$$;

CREATE FUNCTION iso.outcome(n int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', t.status, t.reason, 'after ' || t.attempts,
                                (SELECT count(*) || ' calls' FROM switchboard.call_logs c WHERE c.lead_id = t.contact_id),
                                (SELECT count(*) || ' jobs open' FROM switchboard.jobs_open j JOIN switchboard.call_logs c ON c.id = j.subject_id
                                  WHERE c.lead_id = t.contact_id)), ', ' ORDER BY t.id)
      FROM switchboard.call_triggers t WHERE t.contact_id = iso.buyer(n)
$$;

-- Inbound calls that wait for agents, by number; nobody is there yet, or everybody claims for themselves.
CREATE FUNCTION iso.waiting_call(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-0000-0000-0000000000f' || n)::uuid $$;

CREATE FUNCTION iso.let_wait(n int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO switchboard.call_logs (id, tenant_id, user_id, direction, from_number, status, answered_at, queued_at)
    VALUES (iso.waiting_call(n), '00000000-0000-0000-0000-00000000000a', NULL, 'inbound', '+1202555010' || n, 'answered', now(),
            now() - interval '1 min' + n * interval '1 s')
$$;

CREATE FUNCTION iso.new_callers(calls int, users int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM iso.let_wait(n) FROM generate_series(1, calls) n;
    PERFORM iso.new_user(n) FROM generate_series(1, users) n;
    UPDATE switchboard.users SET role = 'supervisor' WHERE id = iso.agent(9);
END
$$;

CREATE FUNCTION iso.no_callers() RETURNS void LANGUAGE sql AS $$
    DELETE FROM switchboard.jobs;
    DELETE FROM switchboard.call_logs;
    DELETE FROM switchboard.support_requests;
    DELETE FROM switchboard.address_keys;
    DELETE FROM switchboard.users;
    UPDATE switchboard.tenants SET settings = DEFAULT;
    SELECT NULL::void
$$;

CREATE FUNCTION iso.claim_call() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT 'call ' || right(c.from_number, 1) FROM switchboard.claim_next_call() c), 'none');
EXCEPTION WHEN SQLSTATE 'SB005' THEN
    RETURN SQLSTATE;
END
$$;

CREATE FUNCTION iso.assign(n int, agent int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM switchboard.assign_call(iso.waiting_call(n), iso.agent(agent));
    RETURN 'assigned';
EXCEPTION WHEN SQLSTATE 'SB005' THEN
    RETURN SQLSTATE;
END
$$;

-- A call arrives and asks for an agent.
CREATE FUNCTION iso.arrive(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    log switchboard.call_logs;
    agent switchboard.agent_states;
BEGIN
    PERFORM iso.let_wait(n);
    SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = iso.waiting_call(n);
    agent := switchboard._find_inbound_agent(log, clock_timestamp());
    RETURN coalesce('agent ' || right(agent.user_id::text, 1), 'waits');
END
$$;

CREATE FUNCTION iso.caller_leaves(n int) RETURNS int LANGUAGE sql AS $$
    SELECT switchboard._apply_call_status(ARRAY[ROW(iso.waiting_call(n), '00000000-0000-0000-0000-00000000000a', 'twilio', NULL, 'completed',
           clock_timestamp(), 5, NULL, NULL, NULL, NULL)::switchboard.call_status_event])
$$;

-- Which call is whose, what the agents do, and whether a call has two agents or an agent two calls.
CREATE FUNCTION iso.callers() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT string_agg(right(c.from_number, 1) || CASE WHEN c.in_queue THEN ' waits' WHEN c.ended_at IS NOT NULL THEN ' over'
                              ELSE ' agent ' || right(c.user_id::text, 1) END, ', ' ORDER BY c.id) FROM switchboard.call_logs c)
           || coalesce('; ' || (SELECT string_agg(right(s.user_id::text, 1) || ' ' || s.state, ', ' ORDER BY s.user_id)
                                  FROM switchboard.agent_states s WHERE s.ended_at IS NULL), '')
           || format('; %s wrong', (SELECT count(*) FROM switchboard.call_logs c
                FULL JOIN (SELECT s.* FROM switchboard.agent_states s WHERE s.ended_at IS NULL AND s.state = 'busy') s
                  ON s.call_log_id = c.id AND s.user_id = c.user_id
               WHERE (c.assigned_at IS NOT NULL AND c.ended_at IS NULL OR s.id IS NOT NULL) AND (c.id IS NULL OR s.id IS NULL)))
$$;

CREATE FUNCTION iso.ask_for_help(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM switchboard._open_support_request('00000000-0000-0000-0000-00000000000a', 'customer' || n || '@example.test', 'help', NULL, 'medium',
                                              NULL, NULL, '192.0.2.1');
    RETURN 'taken';
EXCEPTION WHEN SQLSTATE 'SB007' THEN
    RETURN SQLSTATE;
END
$$;

CREATE FUNCTION iso.limit_help(most int) RETURNS void LANGUAGE sql AS $$
    UPDATE switchboard.tenants SET settings = jsonb_build_object('support', jsonb_build_object('per_address', most))
$$;

CREATE FUNCTION iso.claim_request() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT r.user_email FROM switchboard.claim_next_request() r), 'none')
$$;

-- A request to make a campaign: status, and whether it is the answer from before.
CREATE FUNCTION iso.post(key text, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r switchboard.http_response;
BEGIN
    PERFORM set_config('request.jwt.claims', '{"tenant_id": "00000000-0000-0000-0000-00000000000a"}', true);
    r := switchboard.handle_http('POST', '/api/dialer/campaigns', '{}', jsonb_build_object('idempotency-key', key),
                                 convert_to(jsonb_build_object('name', name, 'type', 'manual')::text, 'UTF8'));
    RETURN r.status || CASE WHEN r.headers ? 'idempotency-replayed' THEN ' again' ELSE '' END;
END $$;

-- Calls of customers as their provider tells of them, by its name for them.
CREATE FUNCTION iso.new_phones(users int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO switchboard.provider_accounts (id, tenant_id, provider, name)
    VALUES ('00000000-0000-0000-0000-0000000000ac', '00000000-0000-0000-0000-00000000000a', 'twilio', 'phones');
    PERFORM iso.new_user(n) FROM generate_series(1, users) n;
    PERFORM iso.become(n), switchboard.set_agent_state('available') FROM generate_series(1, users) n;
END
$$;

CREATE FUNCTION iso.no_phones() RETURNS void LANGUAGE sql AS $$
    SELECT iso.no_callers();
    DELETE FROM switchboard.contacts;
    DELETE FROM switchboard.provider_accounts WHERE name = 'phones';
    SELECT NULL::void
$$;

CREATE FUNCTION iso.takes(sid text) RETURNS uuid LANGUAGE sql AS $$
    SELECT switchboard._take_inbound_call(a.tenant_id, a, sid, '+12025550111', '+12015550100', now(), NULL)
      FROM switchboard.provider_accounts a WHERE a.name = 'phones'
$$;

CREATE FUNCTION iso.rings(name text) RETURNS text LANGUAGE sql AS $$
    SELECT switchboard._inbound_plan(iso.takes(name), clock_timestamp()) ->> 'action'
$$;

CREATE FUNCTION iso.rings_off(name text) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._apply_inbound_status(ROW(iso.takes(name), '00000000-0000-0000-0000-00000000000a', 'twilio', name, 'completed', now(), 5,
           NULL, NULL, NULL, NULL)::switchboard.call_status_event)
$$;

CREATE FUNCTION iso.picks_up(name text, n int) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._inbound_answered(iso.takes(name), iso.agent(n), now(), '{}')
$$;

CREATE FUNCTION iso.does_not_pick_up(name text, n int) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._inbound_unanswered(iso.takes(name), iso.agent(n), clock_timestamp())
$$;

CREATE FUNCTION iso.phones() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('; ',
        (SELECT string_agg(concat_ws(' ', c.call_id, c.status, CASE WHEN c.in_queue THEN 'waits' END, CASE WHEN c.abandoned THEN 'abandoned' END,
                                     'agent ' || right(c.user_id::text, 1)), ', ' ORDER BY c.call_id) FROM switchboard.call_logs c),
        (SELECT string_agg(right(s.user_id::text, 1) || ' ' || s.state, ', ' ORDER BY s.user_id) FROM switchboard.agent_states s WHERE s.ended_at IS NULL),
        (SELECT string_agg(e.event, ' ' ORDER BY e.event) FROM switchboard.events e WHERE e.event = 'new-call' AND e.subject_id IN (SELECT id FROM switchboard.call_logs)))
$$;
