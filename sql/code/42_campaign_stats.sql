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
    (campaign_id, tenant_id, n_total, n_completed, n_pending, n_failed, n_calling, n_callback, n_do_not_call, n_exhausted)
  SELECT campaign_id, tenant_id, sum(n_total), sum(n_completed), sum(n_pending), sum(n_failed), sum(n_calling),
         sum(n_callback), sum(n_do_not_call), sum(n_exhausted)
  FROM gone
  GROUP BY campaign_id, tenant_id
  HAVING (sum(n_total), sum(n_completed), sum(n_pending), sum(n_failed), sum(n_calling), sum(n_callback),
          sum(n_do_not_call), sum(n_exhausted)) <> (0, 0, 0, 0, 0, 0, 0, 0);
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

CREATE OR REPLACE FUNCTION switchboard._require_campaigns(campaigns uuid[], tenants uuid[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: a foreign key looks past row level security too. Says the same of a campaign of another tenant as of none.
BEGIN
  FOR i IN 1 .. cardinality(campaigns) LOOP
    PERFORM FROM switchboard.campaigns c WHERE c.tenant_id = tenants[i] AND c.id = campaigns[i] FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such campaign: %', campaigns[i]
        USING ERRCODE = '23503', SCHEMA = 'switchboard', TABLE = 'campaign_contacts',
              CONSTRAINT = 'campaign_contacts_tenant_id_campaign_id_fkey';
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION switchboard._require_campaigns(uuid[], uuid[]) IS
  'The insert side of the foreign key from campaign_contacts to campaigns, once per statement: locks the campaigns against deletion,
23503 when one is missing.';
REVOKE ALL ON FUNCTION switchboard._require_campaigns(uuid[], uuid[]) FROM PUBLIC;

-- The foreign key to campaigns stays, with its cascade and its check of updates. Only its check of inserts, one query per row
-- and nearly half of the time of an import, gives way to the one above.
DO $foreign_key$
DECLARE
  check_of_inserts name;
BEGIN
  SELECT t.tgname INTO STRICT check_of_inserts
  FROM pg_trigger t
  JOIN pg_constraint k ON k.oid = t.tgconstraint
  WHERE k.conname = 'campaign_contacts_tenant_id_campaign_id_fkey' AND k.conrelid = 'switchboard.campaign_contacts'::regclass
    AND t.tgrelid = k.conrelid AND t.tgfoid = '"RI_FKey_check_ins"'::regproc;
  EXECUTE format('ALTER TABLE switchboard.campaign_contacts DISABLE TRIGGER %I', check_of_inserts);
END
$foreign_key$;

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
  changes   bigint[];
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    -- TRUNCATE, not DELETE: as for the table itself, deltas committed after an old snapshot must go as well.
    TRUNCATE switchboard.campaign_stat_deltas;
    RETURN NULL;
  ELSIF TG_OP = 'INSERT' THEN
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 count(*) AS n
          FROM new_rows r GROUP BY 1, 2, 3, 4) g;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 -count(*) AS n
          FROM old_rows r GROUP BY 1, 2, 3, 4) g;
  ELSE
    SELECT array_agg(g.campaign_id), array_agg(g.tenant_id), array_agg(g.status), array_agg(g.exhausted), array_agg(g.n)
    INTO campaigns, tenants, statuses, used_up, changes
    FROM (SELECT r.campaign_id, r.tenant_id, r.status, r.status = 'failed' AND r.next_attempt_at IS NULL AS exhausted,
                 sum(r.change)::bigint AS n
          FROM (SELECT n.campaign_id, n.tenant_id, n.status, n.next_attempt_at, 1 AS change FROM new_rows n
                UNION ALL
                SELECT o.campaign_id, o.tenant_id, o.status, o.next_attempt_at, -1 FROM old_rows o) r
          GROUP BY 1, 2, 3, 4
          HAVING sum(r.change) <> 0) g;
  END IF;
  IF campaigns IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM switchboard._require_campaigns(campaigns, tenants);
  END IF;

  INSERT INTO switchboard.campaign_stat_deltas
    (campaign_id, tenant_id, n_total, n_completed, n_pending, n_failed, n_calling, n_callback, n_do_not_call, n_exhausted)
  SELECT c.campaign_id, c.tenant_id, sum(c.n),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'completed'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'pending'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'failed'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'calling'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'callback'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.status = 'do-not-call'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.exhausted), 0)
  FROM unnest(campaigns, tenants, statuses, used_up, changes) AS c (campaign_id, tenant_id, status, exhausted, n)
  GROUP BY c.campaign_id, c.tenant_id;

  -- One statement in 64 folds up to 256 rows, so rows go faster than they come. Only in READ COMMITTED: above it a row
  -- that somebody else folded since our snapshot would raise a serialization failure in a statement that did no wrong.
  IF random() < 1.0 / 64 AND current_setting('transaction_isolation') = 'read committed' THEN
    PERFORM switchboard._fold_campaign_stats(c.id) FROM (SELECT DISTINCT unnest(campaigns) AS id) c;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard.update_campaign_stats() IS
  'Trigger, once per statement on campaign_contacts: notes what the statement changed in the statistics of its campaigns.';
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
