-- Runs: many people called because of one event. A run goes through its audience in the order of contacts.id, batch by batch; its
-- row (trigger_runs) says how far it has come, and is written by the transaction that makes the calls. So a crash loses the
-- batch and nothing else: no person is called twice, none is missed. Functions that somebody calls do everybody in one
-- transaction; what a change of a product began is finished by the workers, by run_maintenance('liveness') or by
-- continue_trigger_runs().
--
-- Two sessions never trigger the same calls: runs about one product (or of one campaign without) and one type hold an advisory
-- lock alone; trigger_call() shares it, and has its contact's alone.

CREATE OR REPLACE FUNCTION switchboard._trigger_lock(tenant uuid, subject uuid, wanted switchboard.trigger_type)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended(format('switchboard triggers %s about %s of %s', wanted, subject, tenant), 0) $$;
COMMENT ON FUNCTION switchboard._trigger_lock(uuid, uuid, switchboard.trigger_type) IS
  'Key of the advisory lock of those who trigger calls of a type about a product, or for a campaign without product, or to a contact.';
REVOKE ALL ON FUNCTION switchboard._trigger_lock(uuid, uuid, switchboard.trigger_type) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._hold_offer(tenant uuid, product uuid, campaigns uuid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. In the order of locks: product, campaigns, lists.
BEGIN
  PERFORM FROM switchboard.products p WHERE p.tenant_id = tenant AND p.id = product FOR KEY SHARE;
  PERFORM FROM switchboard.campaigns c WHERE c.tenant_id = tenant AND c.id = ANY (campaigns) ORDER BY c.id FOR KEY SHARE;
  PERFORM pg_advisory_xact_lock_shared(switchboard._list_lock(c.id))
  FROM (SELECT c.id FROM unnest(campaigns) AS c (id) WHERE c.id IS NOT NULL ORDER BY c.id) c;
END
$$;
COMMENT ON FUNCTION switchboard._hold_offer(uuid, uuid, uuid[]) IS
  'Until the end of the transaction neither the product nor the campaigns are deleted, and no campaign is completed because its list
ran out.';
REVOKE ALL ON FUNCTION switchboard._hold_offer(uuid, uuid, uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._begin_runs(
  tenant uuid, campaigns uuid[], product uuid, wanted switchboard.trigger_type, discounts numeric[], original_price numeric, new_price numeric,
  run_source text, at timestamptz)
RETURNS uuid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. Runs of one event have one started_at: that makes them each other's rivals.
DECLARE
  runs uuid[] := ARRAY(SELECT switchboard.uuid_v7() FROM generate_series(1, cardinality(campaigns)));
BEGIN
  INSERT INTO switchboard.trigger_runs
    (id, tenant_id, campaign_id, product_id, trigger_type, discount_percent, original_price, new_price, source, started_at)
  SELECT runs[c.n], tenant, c.id, product, wanted, discounts[c.n], _begin_runs.original_price, _begin_runs.new_price, run_source, at
  FROM unnest(campaigns) WITH ORDINALITY AS c (id, n);
  RETURN runs;
END
$$;
COMMENT ON FUNCTION switchboard._begin_runs(uuid, uuid[], uuid, switchboard.trigger_type, numeric[], numeric, numeric, text, timestamptz) IS
  'Begins a run for each of the campaigns (null: without campaign), with the discount at its place; returns their ids in that order.';
REVOKE ALL ON FUNCTION switchboard._begin_runs(uuid, uuid[], uuid, switchboard.trigger_type, numeric[], numeric, numeric, text, timestamptz)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._run_audience(run switchboard.trigger_runs, max_people int)
RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER: internal, called as owner. Refunded purchases too: they are counted as such. Who bought after the run began did so
-- at the new price. Cost: a range of an index that has the order.
DECLARE
  beyond constant uuid := coalesce(run.last_contact_id, '00000000-0000-0000-0000-000000000000');
BEGIN
  IF run.product_id IS NULL THEN
    RETURN ARRAY(SELECT DISTINCT p.contact_id FROM switchboard.purchases p
                 WHERE p.tenant_id = run.tenant_id AND p.contact_id > beyond AND p.purchased_at <= run.started_at
                 ORDER BY p.contact_id LIMIT max_people);
  END IF;
  RETURN ARRAY(SELECT DISTINCT p.contact_id FROM switchboard.purchases p
               WHERE p.tenant_id = run.tenant_id AND p.product_id = run.product_id AND p.contact_id > beyond AND p.purchased_at <= run.started_at
               ORDER BY p.contact_id LIMIT max_people);
END
$$;
COMMENT ON FUNCTION switchboard._run_audience(switchboard.trigger_runs, int) IS
  'Whom a run looks at next, at most so many: buyers of its product; of a promotion without product all buyers.';
REVOKE ALL ON FUNCTION switchboard._run_audience(switchboard.trigger_runs, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._advance_run(run_id uuid, max_people int, at timestamptz)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: internal, called as owner. The caller holds offer and triggers; that the run is not finished yet is looked up here.
DECLARE
  run    switchboard.trigger_runs;
  people uuid[];
  since  timestamptz;
  rivals uuid[];
  made   record;
BEGIN
  SELECT r.* INTO run FROM switchboard.trigger_runs r WHERE r.id = run_id AND r.finished_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  people := switchboard._run_audience(run, max_people);
  -- A price that flaps is no reason for the next campaign to call who was called by another; whoever asks for one campaign gets it.
  IF run.source = 'product' OR EXISTS (
       SELECT FROM switchboard.trigger_runs r
       WHERE r.tenant_id = run.tenant_id AND r.product_id = run.product_id AND r.trigger_type = run.trigger_type
         AND r.started_at = run.started_at AND r.id <> run.id) THEN
    since := run.started_at - switchboard._trigger_window((SELECT c.settings FROM switchboard.campaigns c WHERE c.id = run.campaign_id));
  END IF;
  rivals := ARRAY(SELECT r.id FROM switchboard.trigger_runs r
                  WHERE r.tenant_id = run.tenant_id AND r.product_id = run.product_id AND r.trigger_type = run.trigger_type
                    AND (r.started_at = run.started_at OR r.started_at > since AND r.campaign_id IS DISTINCT FROM run.campaign_id)
                    AND r.id <> run.id);
  SELECT m.* INTO made FROM switchboard._make_triggers(run, people, at, rivals) m;
  UPDATE switchboard.trigger_runs r
  SET last_contact_id = coalesce(people[cardinality(people)], r.last_contact_id), triggered = r.triggered + made.triggered,
      skipped = switchboard._add_counts(r.skipped, made.skipped),
      finished_at = CASE WHEN cardinality(people) < max_people THEN clock_timestamp() END
  WHERE r.id = run_id;
  RETURN cardinality(people);
END
$$;
COMMENT ON FUNCTION switchboard._advance_run(uuid, int, timestamptz) IS
  'The next batch of a run, at most so many people; returns how many were looked at. The run is finished when there were fewer.';
REVOKE ALL ON FUNCTION switchboard._advance_run(uuid, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._run_end(run switchboard.trigger_runs, at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN p.id IS NULL OR run.trigger_type = 'price_drop' AND p.price > run.new_price
                OR run.trigger_type = 'stock_alert' AND p.stock = 0 THEN 'offer-withdrawn'
              WHEN run.campaign_id IS NULL OR NOT switchboard._takes_triggers(c) AND c.status <> 'paused' THEN 'campaign-not-active'
              WHEN switchboard._offer_end(c.settings, t.settings, run.started_at) < at THEN 'offer-expired'
              WHEN EXISTS (SELECT FROM switchboard.trigger_runs r
                           WHERE r.tenant_id = run.tenant_id AND r.product_id = run.product_id AND r.trigger_type = run.trigger_type
                             AND r.campaign_id = run.campaign_id AND r.id > run.id) THEN 'offer-replaced' END
  FROM switchboard.tenants t
  LEFT JOIN switchboard.products p ON p.tenant_id = t.id AND p.id = run.product_id
  LEFT JOIN switchboard.campaigns c ON c.tenant_id = t.id AND c.id = run.campaign_id
  WHERE t.id = run.tenant_id
$$;
COMMENT ON FUNCTION switchboard._run_end(switchboard.trigger_runs, timestamptz) IS
  'Why an open run ends before everybody was looked at: offer-withdrawn (the product is gone, dearer again or sold out),
campaign-not-active (for good; a paused campaign is waited for), offer-expired (settings.offer_days are over), offer-replaced (there is
a newer run about the same). NULL: it does not.';
REVOKE ALL ON FUNCTION switchboard._run_end(switchboard.trigger_runs, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._continue_run(run_id uuid, max_people int, at timestamptz)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
AS $$
-- SECURITY INVOKER: internal, called as owner. Everything is locked before the run itself: deleting a product or a campaign locks them
-- in that order. Workers have more to do than to wait for somebody's open transaction.
-- A run that raises an error must not hold up everybody's jobs turn after turn: it ends, with the error as its reason.
DECLARE
  run    switchboard.trigger_runs := (SELECT r FROM switchboard.trigger_runs r WHERE r.id = run_id AND r.finished_at IS NULL);
  ending text;
BEGIN
  IF run.id IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM switchboard._hold_offer(run.tenant_id, run.product_id, ARRAY[run.campaign_id]);
  IF NOT pg_try_advisory_xact_lock(switchboard._trigger_lock(run.tenant_id, run.product_id, run.trigger_type)) THEN
    RETURN NULL;
  END IF;
  ending := switchboard._run_end((SELECT r FROM switchboard.trigger_runs r WHERE r.id = run_id), at);
  IF ending IS NULL THEN
    RETURN switchboard._advance_run(run_id, max_people, at);
  END IF;
  UPDATE switchboard.trigger_runs r SET finished_at = clock_timestamp(), reason = ending WHERE r.id = run_id AND r.finished_at IS NULL;
  RETURN 0;
EXCEPTION
  WHEN lock_not_available OR deadlock_detected THEN
    RETURN NULL;
  WHEN data_exception OR integrity_constraint_violation OR raise_exception OR SQLSTATE 'SB002' OR SQLSTATE 'SB012' THEN
    RAISE WARNING 'trigger run % ends: %', run_id, SQLERRM;
    UPDATE switchboard.trigger_runs r SET finished_at = clock_timestamp(), reason = 'error ' || SQLSTATE WHERE r.id = run_id;
    PERFORM switchboard._audit(run.tenant_id, 'trigger-run-failed', 'trigger_run:' || run_id, jsonb_build_object('error', SQLERRM));
    RETURN 0;
END
$$;
COMMENT ON FUNCTION switchboard._continue_run(uuid, int, timestamptz) IS
  'The next batch of an open run, or its end; returns how many people were looked at, NULL when somebody else is at work there.';
REVOKE ALL ON FUNCTION switchboard._continue_run(uuid, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._continue_runs(max_people int, batch_size int, at timestamptz)
RETURNS TABLE (people bigint, busy boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: runs of every tenant. Internal. Those that waited longest first, so that a long run of one tenant does not keep
-- those of others waiting. Cost without open runs: one index probe.
DECLARE
  run_id  uuid;
  looked  int;
BEGIN
  people := 0;
  busy := false;
  FOR run_id IN
    SELECT r.id FROM switchboard.trigger_runs r
    LEFT JOIN switchboard.campaigns c ON c.tenant_id = r.tenant_id AND c.id = r.campaign_id
    WHERE r.finished_at IS NULL AND (c.status IS DISTINCT FROM 'paused' OR r.updated_at < at - interval '1 hour')
    ORDER BY r.updated_at, r.id
  LOOP
    EXIT WHEN people >= max_people;
    LOOP
      looked := switchboard._continue_run(run_id, least(batch_size, max_people - people)::int, at);
      busy := busy OR looked IS NULL;
      people := people + coalesce(looked, 0);
      EXIT WHEN coalesce(looked, 0) = 0 OR people >= max_people;
    END LOOP;
  END LOOP;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION switchboard._continue_runs(int, int, timestamptz) IS
  'Goes on with open runs, at most so many people, in batches; how many were looked at, and whether a run was passed over because
somebody else was at it.';
REVOKE ALL ON FUNCTION switchboard._continue_runs(int, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.continue_trigger_runs(max_people int DEFAULT 5000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: maintenance acts for every tenant; only the owner of the extension calls it.
BEGIN
  IF coalesce(max_people, 0) < 1 THEN
    RAISE EXCEPTION 'max_people must be at least 1, not %', coalesce(max_people::text, 'null') USING ERRCODE = '22023';
  END IF;
  RETURN (SELECT c.people FROM switchboard._continue_runs(max_people, 1000, clock_timestamp()) c);
END
$$;
COMMENT ON FUNCTION switchboard.continue_trigger_runs(int) IS
  'Goes on with the triggered calls that a change of a product began, for at most so many people of all tenants; returns how many were
looked at. Workers do that by themselves. Only for the owner of the extension. Error: 22023 max_people below 1.';
REVOKE ALL ON FUNCTION switchboard.continue_trigger_runs(int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._before_claim_runs(at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _continue_runs(). A small batch, so that nobody's jobs wait long.
DECLARE
  done record;
BEGIN
  SELECT c.* INTO done FROM switchboard._continue_runs(500, 500, at) c;
  RETURN CASE WHEN done.people > 0 THEN at WHEN done.busy THEN at + interval '200 ms' END;
END
$$;
COMMENT ON FUNCTION switchboard._before_claim_runs(timestamptz) IS
  'What workers do of open runs ahead of a claim; returns when there is more to do, NULL: never.';
REVOKE ALL ON FUNCTION switchboard._before_claim_runs(timestamptz) FROM PUBLIC;
