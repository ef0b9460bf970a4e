-- The event feed and the audit log, as functions write them.

CREATE OR REPLACE FUNCTION switchboard._add_event(tenant uuid, event text, subject uuid, data jsonb, agent uuid DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans.
BEGIN
  INSERT INTO switchboard.events (tenant_id, event, subject_id, user_id, data) VALUES (tenant, event, subject, agent, data);
END
$$;
COMMENT ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb, uuid) IS
  'Appends to the event feed of a tenant. agent: the one agent whom it is about, whose colleagues are not to see it; NULL: everybody is, and
data says nothing of a customer that not everybody may know. For functions that run as owner.';
REVOKE ALL ON FUNCTION switchboard._add_event(uuid, text, uuid, jsonb, uuid) FROM PUBLIC;

-- Following the feed. Why a reader of numbers up to _feed_bound() passes over nothing is shown in extension/pg/feed_holds.hpp.

CREATE OR REPLACE FUNCTION switchboard._number_event()
RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_number_event';
COMMENT ON FUNCTION switchboard._number_event() IS
  'Trigger on events: the next number, taken while the transaction holds the feed of the tenant, so that readers wait for it at that place.';
REVOKE ALL ON FUNCTION switchboard._number_event() FROM PUBLIC;

-- A restored event keeps its number: it was read before.
CREATE OR REPLACE TRIGGER events_number BEFORE INSERT ON switchboard.events
  FOR EACH ROW WHEN (new.seq IS NULL) EXECUTE FUNCTION switchboard._number_event();
COMMENT ON TRIGGER events_number ON switchboard.events IS 'Gives events their numbers.';

CREATE OR REPLACE FUNCTION switchboard._feed_bound(tenant uuid)
RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_feed_bound';
COMMENT ON FUNCTION switchboard._feed_bound(uuid) IS
  'How far statements that begin after this one can read the feed of a tenant: no event up to here can still turn up. Cost: a look at the
table of locks. Errors: 25001 repeatable read or serializable, 25006 on a standby.';
REVOKE ALL ON FUNCTION switchboard._feed_bound(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._last_event()
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sb_last_event';
COMMENT ON FUNCTION switchboard._last_event() IS 'The last number that an event of any tenant was given; 0 when there was none.';
REVOKE ALL ON FUNCTION switchboard._last_event() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_floor(tenant uuid)
RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN coalesce((SELECT f.seq FROM switchboard.feed_floors f WHERE f.tenant_id = tenant), 0); END $$;
COMMENT ON FUNCTION switchboard._feed_floor(uuid) IS 'Up to where the feed of a tenant has been removed; 0: it is whole.';
REVOKE ALL ON FUNCTION switchboard._feed_floor(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._read_feed(tenant uuid, after bigint, max_rows int, upto bigint DEFAULT NULL)
RETURNS SETOF switchboard.events
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY INVOKER: whoever calls decides who reads. Internal. VOLATILE: rows are read in a snapshot younger than the bound, and the
-- floor in the same one, for an event is removed and the floor raised at once.
-- Cost: a look at the locks (none when the caller knows the bound) and the page by index.
DECLARE
  bound bigint := coalesce(upto, switchboard._feed_bound(tenant));
BEGIN
  IF after > bound AND after > switchboard._last_event() THEN   -- a number that has not been given yet: of another life
    RETURN QUERY SELECT switchboard._feed_end(tenant, bound), tenant, 'feed-gap', NULL::uuid, NULL::uuid,
                        jsonb_build_object('after', after, 'reason', 'restored'), clock_timestamp();
    RETURN;
  END IF;
  RETURN QUERY
  WITH start AS MATERIALIZED (SELECT least(switchboard._feed_floor(tenant), bound) AS floor)
  SELECT s.floor, tenant, 'feed-gap', NULL::uuid, NULL::uuid, jsonb_build_object('after', after, 'reason', 'removed'), clock_timestamp()
  FROM start s WHERE after < s.floor
  UNION ALL
  (SELECT e.* FROM switchboard.events e
   WHERE e.tenant_id = tenant AND e.seq > greatest(after, (SELECT s.floor FROM start s)) AND e.seq <= bound
   ORDER BY e.seq LIMIT max_rows);
END
$$;
COMMENT ON FUNCTION switchboard._read_feed(uuid, bigint, int, bigint) IS
  'A page of a tenant''s feed, of those events that the caller sees: see events_since(). upto: a bound that is known already, such as the
seq of a notification.';
REVOKE ALL ON FUNCTION switchboard._read_feed(uuid, bigint, int, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_end(tenant uuid, bound bigint)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: counts all events of the tenant, and tells a number only. Internal.
-- The number of an event, not the bound: a number that nobody has committed is given again after a crash.
BEGIN
  RETURN greatest(least(switchboard._feed_floor(tenant), bound), (
    SELECT e.seq FROM switchboard.events e WHERE e.tenant_id = tenant AND e.seq <= bound ORDER BY e.seq DESC LIMIT 1));
END
$$;
COMMENT ON FUNCTION switchboard._feed_end(uuid, bigint) IS 'The last event of a tenant''s feed up to a bound; 0 when there was none.';
REVOKE ALL ON FUNCTION switchboard._feed_end(uuid, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._check_feed_page(after bigint, max_rows int)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF after < 0 THEN
    RAISE EXCEPTION 'seq must not be negative, not %', after USING ERRCODE = '22023';
  ELSIF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION 'max_rows must be 1 to 10000, not %', coalesce(max_rows::text, 'null') USING ERRCODE = '22023';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._check_feed_page(bigint, int) IS 'Refuses a page of the feed that makes no sense (22023).';
REVOKE ALL ON FUNCTION switchboard._check_feed_page(bigint, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.events_since(seq bigint, max_rows int DEFAULT 500)
RETURNS SETOF switchboard.events
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: the policy on events decides what is seen. Gateways that read by _feed_page() follow the same rule.
BEGIN
  PERFORM switchboard._check_feed_page(events_since.seq, events_since.max_rows);
  RETURN QUERY SELECT e.* FROM switchboard._read_feed(switchboard._caller_tenant(), events_since.seq, events_since.max_rows) e;
END
$$;
COMMENT ON FUNCTION switchboard.events_since(bigint, int) IS
  'The events of the caller''s tenant that follow a position in the feed, in order, at most so many (1 to 10000). The position is the seq
of the last event read, or feed_position() at first, or null for all that is kept. Agents get what concerns them or everybody, supervisors all.
Whoever asks again with the last seq sees every committed event once and passes over none, whatever order transactions end in: an
event waits until those before it are decided. An event feed-gap says that events were missed (data: after, and reason removed, by
retention, or restored, the database is older than the position): read anew what is shown, and go on from its seq.
Errors: 22023, 42501 nobody is asking, 25001 in a transaction that is not READ COMMITTED, 25006 on a standby.';
REVOKE ALL ON FUNCTION switchboard.events_since(bigint, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_position(tenant uuid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a gateway reads for all listeners of a tenant at once.
BEGIN
  RETURN switchboard._feed_end(tenant, switchboard._feed_bound(tenant));
END
$$;
COMMENT ON FUNCTION switchboard._feed_position(uuid) IS 'Where a new reader of a tenant''s feed starts, for gateways: see feed_position().';
REVOKE ALL ON FUNCTION switchboard._feed_position(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.feed_position()
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a number that is the same for all users of the tenant.
BEGIN
  RETURN switchboard._feed_position(switchboard._caller_tenant());
END
$$;
COMMENT ON FUNCTION switchboard.feed_position() IS
  'Where a new reader of the feed starts: events_since() of it gives what is decided from now on. To show something and keep it up to date,
ask for the position first and then read what is shown: an event may tell what is known already, none is missed.
Errors: 42501 nobody is asking, 25001, 25006 as events_since().';
REVOKE ALL ON FUNCTION switchboard.feed_position() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._feed_page(tenant uuid, after bigint, max_rows int, upto bigint DEFAULT NULL)
RETURNS TABLE (seq bigint, event text, subject_id uuid, user_id uuid, data jsonb, created_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a gateway reads once for all listeners of a tenant. It must hand an event to supervisors, and to others only when
-- user_id is null or their own: the rule of the policy on events (class owned), which events_since() follows.
BEGIN
  PERFORM switchboard._check_feed_page(after, max_rows);
  RETURN QUERY SELECT e.seq, e.event, e.subject_id, e.user_id, e.data, e.created_at
               FROM switchboard._read_feed(tenant, after, max_rows, upto) e;
END
$$;
COMMENT ON FUNCTION switchboard._feed_page(uuid, bigint, int, bigint) IS
  'A page of a tenant''s feed for a gateway, which filters by user_id: see events_since(). upto: the seq of a notification, which spares
the look at the locks.';
REVOKE ALL ON FUNCTION switchboard._feed_page(uuid, bigint, int, bigint) FROM PUBLIC;

-- What is removed raises the floor.

CREATE OR REPLACE FUNCTION switchboard._raise_feed_floors()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: floors are not for anybody to write. A tenant that is gone needs none. One that is being deleted by another session
-- is not waited for (55P03): that session waits for the events removed here.
BEGIN
  PERFORM FROM switchboard.tenants t WHERE t.id IN (SELECT g.tenant_id FROM gone g) ORDER BY t.id FOR KEY SHARE NOWAIT;
  INSERT INTO switchboard.feed_floors AS f (tenant_id, seq)
  SELECT g.tenant_id, max(g.seq) FROM gone g JOIN switchboard.tenants t ON t.id = g.tenant_id GROUP BY g.tenant_id ORDER BY g.tenant_id
  ON CONFLICT (tenant_id) DO UPDATE SET seq = greatest(f.seq, excluded.seq);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._raise_feed_floors() IS
  'Trigger on events: notes how far the feed has been removed, so that readers who were not that far learn of it.';
REVOKE ALL ON FUNCTION switchboard._raise_feed_floors() FROM PUBLIC;

CREATE OR REPLACE TRIGGER events_removed AFTER DELETE ON switchboard.events
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION switchboard._raise_feed_floors();
COMMENT ON TRIGGER events_removed ON switchboard.events IS 'Raises the floors of feeds.';

CREATE OR REPLACE FUNCTION switchboard._raise_all_feed_floors()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: floors are not for anybody to write. Nobody else can have written an event meanwhile.
BEGIN
  INSERT INTO switchboard.feed_floors AS f (tenant_id, seq) SELECT t.id, switchboard._last_event() FROM switchboard.tenants t
  ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._raise_all_feed_floors() IS 'Trigger on events: after TRUNCATE all feeds have been removed.';
REVOKE ALL ON FUNCTION switchboard._raise_all_feed_floors() FROM PUBLIC;

CREATE OR REPLACE TRIGGER events_truncated AFTER TRUNCATE ON switchboard.events
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard._raise_all_feed_floors();
COMMENT ON TRIGGER events_truncated ON switchboard.events IS 'Raises the floors of all feeds.';

CREATE OR REPLACE FUNCTION switchboard._audit(tenant uuid, action text, subject text, detail jsonb)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO switchboard.audit_log (tenant_id, actor, action, subject, detail)
  VALUES (tenant, coalesce((SELECT switchboard.current_user_id())::text, session_user), action, subject, detail)
$$;
COMMENT ON FUNCTION switchboard._audit(uuid, text, text, jsonb) IS
  'Appends to the audit log who (the user, else the login role) did what to what; for functions that run as owner.';
REVOKE ALL ON FUNCTION switchboard._audit(uuid, text, text, jsonb) FROM PUBLIC;
