-- Statistics of campaigns: what a reader sees in dialer_campaigns.stats is exact for its snapshot, and writers never wait.
--
-- No row is shared between writers. Each statement on campaign_contacts appends what it changed to
-- campaign_stat_deltas, one row per campaign it touched; a reader adds the rows its snapshot sees. Rollback,
-- savepoints and isolation levels need no care of ours: the deltas live and die with the rows they count.
-- Folding replaces many delta rows by their sum in one transaction, so that a reader sees either form and never both.
--
-- Cost: one aggregation over the rows of the statement, one insert per campaign, whatever the campaign's size.

CREATE OR REPLACE FUNCTION switchboard._fold_campaign_stats(campaign uuid, max_rows int DEFAULT 256)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- The window is found by the index, or by reading a table that may be full of other campaigns and dead rows.
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
-- SECURITY DEFINER: nobody but this may delete deltas; the sum stays the same, so nothing can be forged by calling it.
DECLARE
  window_rows  tid[];
  rows_to_fold tid[];
BEGIN
  -- The window is limited before it is filtered. Rows of this transaction are left alone: folding them would leave dead
  -- versions that cannot be cleaned up before commit, and each later fold would walk them all.
  window_rows := ARRAY(
    SELECT w.row_at
    FROM (SELECT d.ctid AS row_at, d.xmin AS made_by FROM switchboard.campaign_stat_deltas d
          WHERE d.campaign_id = campaign ORDER BY d.id LIMIT max_rows) w
    WHERE w.made_by <> pg_current_xact_id()::xid);
  rows_to_fold := ARRAY(
    SELECT d.ctid FROM switchboard.campaign_stat_deltas d WHERE d.ctid = ANY (window_rows) FOR UPDATE SKIP LOCKED);
  IF cardinality(rows_to_fold) < 2 THEN
    RETURN 0;
  END IF;
  WITH gone AS (
    DELETE FROM switchboard.campaign_stat_deltas d WHERE d.ctid = ANY (rows_to_fold) RETURNING d.*
  )
  INSERT INTO switchboard.campaign_stat_deltas
    (campaign_id, tenant_id, n_total, n_completed, n_pending, n_failed, n_calling, n_callback, n_do_not_call, n_exhausted,
     n_tried)
  SELECT campaign_id, tenant_id, sum(n_total), sum(n_completed), sum(n_pending), sum(n_failed), sum(n_calling),
         sum(n_callback), sum(n_do_not_call), sum(n_exhausted), sum(n_tried)
  FROM gone
  GROUP BY campaign_id, tenant_id
  HAVING (sum(n_total), sum(n_completed), sum(n_pending), sum(n_failed), sum(n_calling), sum(n_callback),
          sum(n_do_not_call), sum(n_exhausted), sum(n_tried)) <> (0, 0, 0, 0, 0, 0, 0, 0, 0);
  RETURN cardinality(rows_to_fold);
END
$$;
COMMENT ON FUNCTION switchboard._fold_campaign_stats(uuid, int) IS
  'Replaces up to max_rows of the oldest statistics rows of a campaign by their sum; returns how many. Never waits.';
REVOKE ALL ON FUNCTION switchboard._fold_campaign_stats(uuid, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fold_all_campaign_stats(max_rows int DEFAULT 100000)
RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: maintenance folds the statistics of every tenant.
  SELECT coalesce(sum(switchboard._fold_campaign_stats(c.campaign_id, max_rows)), 0)::bigint
  FROM (SELECT d.campaign_id FROM switchboard.campaign_stat_deltas d GROUP BY d.campaign_id HAVING count(*) > 1) c
$$;
COMMENT ON FUNCTION switchboard._fold_all_campaign_stats(int) IS
  'Maintenance: folds the statistics rows of every campaign; returns how many rows were replaced.';
REVOKE ALL ON FUNCTION switchboard._fold_all_campaign_stats(int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.update_campaign_stats()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: the application may not write campaign_stat_deltas; what is written follows from the rows changed.
DECLARE
  campaigns uuid[];
  tenants   uuid[];
  statuses  switchboard.campaign_contact_status[];
  used_up   boolean[];
  tried     boolean[];
  changes   bigint[];
  grown     uuid[];
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    -- TRUNCATE, not DELETE: as for the table itself, deltas committed after an old snapshot must go as well.
    TRUNCATE switchboard.campaign_stat_deltas;
    RETURN NULL;
  ELSIF TG_OP = 'INSERT' THEN
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.tried),
           array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, tried, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 r.attempts > 0 AS tried, count(*) AS n
          FROM new_rows r GROUP BY 1, 2, 3, 4, 5) g;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.tried),
           array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, tried, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 r.attempts > 0 AS tried, -count(*) AS n
          FROM old_rows r GROUP BY 1, 2, 3, 4, 5) g;
  ELSE
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.tried),
           array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, tried, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 r.attempts > 0 AS tried, sum(r.change)::bigint AS n
          FROM (SELECT n.campaign_id, n.tenant_id, n.status, n.next_attempt_at, n.attempts, 1 AS change FROM new_rows n
                UNION ALL
                SELECT o.campaign_id, o.tenant_id, o.status, o.next_attempt_at, o.attempts, -1 FROM old_rows o) r
          GROUP BY 1, 2, 3, 4, 5
          HAVING sum(r.change) <> 0) g;
  END IF;
  IF campaigns IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM switchboard._require_campaigns(campaigns, tenants, 'campaign_contacts');
  END IF;

  WITH noted AS (
    INSERT INTO switchboard.campaign_stat_deltas
      (campaign_id, tenant_id, n_total, n_completed, n_pending, n_failed, n_calling, n_callback, n_do_not_call, n_exhausted,
       n_tried)
    SELECT c.campaign_id, c.tenant_id, sum(c.n),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'completed'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'pending'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'failed'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'calling'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'callback'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.status = 'do-not-call'), 0),
           coalesce(sum(c.n) FILTER (WHERE c.exhausted), 0),
           coalesce(sum(c.n) FILTER (WHERE c.tried), 0)
    FROM unnest(campaigns, tenants, statuses, used_up, tried, changes) AS c (campaign_id, tenant_id, status, exhausted, tried, n)
    GROUP BY c.campaign_id, c.tenant_id
    RETURNING campaign_id, n_pending + n_calling + n_callback + n_failed - n_exhausted AS more_to_call
  )
  SELECT array_agg(n.campaign_id ORDER BY n.campaign_id) INTO grown FROM noted n WHERE n.more_to_call > 0;
  IF grown IS NOT NULL THEN
    PERFORM switchboard._reopen_campaigns(grown);
  END IF;

  -- One statement in 64 folds up to 256 rows, so rows go faster than they come. Only in READ COMMITTED: above it a row
  -- that somebody else folded since our snapshot would raise a serialization failure in a statement that did no wrong.
  IF random() < 1.0 / 64 AND current_setting('transaction_isolation') = 'read committed' THEN
    PERFORM switchboard._fold_campaign_stats(c.id) FROM (SELECT DISTINCT unnest(campaigns) AS id) c;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard.update_campaign_stats() IS
  'Trigger, once per statement on campaign_contacts: notes what the statement changed in the statistics of its campaigns, and makes
those that had run out of people active again when there is somebody to call.';
REVOKE ALL ON FUNCTION switchboard.update_campaign_stats() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaign_contacts_stats_insert AFTER INSERT ON switchboard.campaign_contacts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard.update_campaign_stats();
CREATE OR REPLACE TRIGGER campaign_contacts_stats_update AFTER UPDATE ON switchboard.campaign_contacts
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard.update_campaign_stats();
CREATE OR REPLACE TRIGGER campaign_contacts_stats_delete AFTER DELETE ON switchboard.campaign_contacts
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard.update_campaign_stats();
CREATE OR REPLACE TRIGGER campaign_contacts_stats_truncate AFTER TRUNCATE ON switchboard.campaign_contacts
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard.update_campaign_stats();
COMMENT ON TRIGGER campaign_contacts_stats_insert ON switchboard.campaign_contacts IS 'Keeps the statistics of campaigns.';
COMMENT ON TRIGGER campaign_contacts_stats_update ON switchboard.campaign_contacts IS 'Keeps the statistics of campaigns.';
COMMENT ON TRIGGER campaign_contacts_stats_delete ON switchboard.campaign_contacts IS 'Keeps the statistics of campaigns.';
COMMENT ON TRIGGER campaign_contacts_stats_truncate ON switchboard.campaign_contacts IS 'Keeps the statistics of campaigns.';

CREATE OR REPLACE FUNCTION switchboard._list_penetration(campaign uuid)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY INVOKER: of a campaign that the caller does not see there is nobody. Cost: as reading stats.
  SELECT jsonb_build_object('listed', s.listed, 'tried', s.tried, 'finished', s.finished,
                            'penetration', round(s.tried / nullif(s.listed, 0), 4), 'completion', round(s.finished / nullif(s.listed, 0), 4))
  FROM (SELECT coalesce(sum(d.n_total), 0) AS listed, coalesce(sum(d.n_tried), 0) AS tried,
               coalesce(sum(d.n_completed + d.n_do_not_call + d.n_exhausted), 0) AS finished
        FROM switchboard.campaign_stat_deltas d WHERE d.campaign_id = campaign) s
$$;
COMMENT ON FUNCTION switchboard._list_penetration(uuid) IS
  'How far a campaign has come with its list: listed; tried, people called at least once; finished, people whom it will not call again;
penetration = tried/listed and completion = finished/listed (0 to 1, null for an empty list).';
REVOKE ALL ON FUNCTION switchboard._list_penetration(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._stats_scope(campaign uuid)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the campaign is looked for past row level security; one of another tenant is none.
DECLARE
  tenant uuid := switchboard.current_tenant_id();
BEGIN
  IF NOT switchboard.is_supervisor()
     AND NOT pg_has_role(session_user, (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'switchboard'), 'MEMBER') THEN
    RAISE EXCEPTION 'role "%" may not rebuild statistics', session_user
      USING ERRCODE = '42501', HINT = 'Supervisors and the owner of the extension may.';
  END IF;
  IF campaign IS NOT NULL AND NOT EXISTS (
      SELECT FROM switchboard.campaigns c WHERE c.id = campaign AND (tenant IS NULL OR c.tenant_id = tenant)) THEN
    RAISE EXCEPTION 'no such campaign: %', campaign USING ERRCODE = 'P0002';
  END IF;
  RETURN tenant;
END
$$;
COMMENT ON FUNCTION switchboard._stats_scope(uuid) IS
  'The tenant whose statistics the session may rebuild; NULL: every tenant''s. Errors: 42501, P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard._stats_scope(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.rebuild_campaign_stats(campaign_id uuid DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
-- SECURITY DEFINER: deltas are written by functions only; _stats_scope() checks the session.
-- What is wrong is appended as one more delta. One statement counts the lists and adds the deltas, and a writer's rows and its
-- delta are committed together: the difference is right whatever others do meanwhile, so writers and readers are not held up.
-- Only two of these together would both append it: they take turns, and each reads after the other has committed. Cost: a scan
-- of the lists.
DECLARE
  one    uuid := rebuild_campaign_stats.campaign_id;
  tenant uuid := switchboard._stats_scope(one);
  wrong  int;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'statistics cannot be rebuilt in a % transaction', current_setting('transaction_isolation')
      USING ERRCODE = '25001', HINT = 'Use READ COMMITTED: the snapshot must be newer than the lock.';
  END IF;
  LOCK TABLE switchboard.campaign_stat_deltas IN SHARE UPDATE EXCLUSIVE MODE;
  INSERT INTO switchboard.campaign_stat_deltas
    (campaign_id, tenant_id, n_total, n_completed, n_pending, n_failed, n_calling, n_callback, n_do_not_call, n_exhausted,
     n_tried)
  SELECT s.campaign_id, s.tenant_id, sum(s.n_total), sum(s.n_completed), sum(s.n_pending), sum(s.n_failed), sum(s.n_calling),
         sum(s.n_callback), sum(s.n_do_not_call), sum(s.n_exhausted), sum(s.n_tried)
  FROM (
    SELECT l.campaign_id, l.tenant_id, count(*) AS n_total,
           count(*) FILTER (WHERE l.status = 'completed') AS n_completed,
           count(*) FILTER (WHERE l.status = 'pending') AS n_pending,
           count(*) FILTER (WHERE l.status = 'failed') AS n_failed,
           count(*) FILTER (WHERE l.status = 'calling') AS n_calling,
           count(*) FILTER (WHERE l.status = 'callback') AS n_callback,
           count(*) FILTER (WHERE l.status = 'do-not-call') AS n_do_not_call,
           count(*) FILTER (WHERE l.status = 'failed' AND l.next_attempt_at IS NULL) AS n_exhausted,
           count(*) FILTER (WHERE l.attempts > 0) AS n_tried
    FROM switchboard.campaign_contacts l
    WHERE (one IS NULL OR l.campaign_id = one) AND (tenant IS NULL OR l.tenant_id = tenant)
    GROUP BY l.campaign_id, l.tenant_id
    UNION ALL
    SELECT d.campaign_id, d.tenant_id, -d.n_total, -d.n_completed, -d.n_pending, -d.n_failed, -d.n_calling, -d.n_callback,
           -d.n_do_not_call, -d.n_exhausted, -d.n_tried
    FROM switchboard.campaign_stat_deltas d
    WHERE (one IS NULL OR d.campaign_id = one) AND (tenant IS NULL OR d.tenant_id = tenant)) s
  GROUP BY s.campaign_id, s.tenant_id
  HAVING (sum(s.n_total), sum(s.n_completed), sum(s.n_pending), sum(s.n_failed), sum(s.n_calling), sum(s.n_callback),
          sum(s.n_do_not_call), sum(s.n_exhausted)) <> (0, 0, 0, 0, 0, 0, 0, 0);
  GET DIAGNOSTICS wrong = ROW_COUNT;
  RETURN wrong;
END
$$;
COMMENT ON FUNCTION switchboard.rebuild_campaign_stats(uuid) IS
  'Makes the statistics of a campaign, or of all of the tenant (for the owner of the extension: of every tenant), those of its list
again, as after a restore with --disable-triggers; returns how many campaigns were wrong. Exact though others write meanwhile, whom
it neither waits for nor holds up; a second rebuild waits for the first one''s commit. For supervisors and the owner of the
extension. Errors: 42501 neither of them, P0002 no such campaign, 25001 not READ COMMITTED.';
REVOKE ALL ON FUNCTION switchboard.rebuild_campaign_stats(uuid) FROM PUBLIC;
