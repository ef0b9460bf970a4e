-- dialer_campaigns is a view so that stats can be exact for the reader's snapshot while writers of one campaign never wait
-- for each other: they append to campaign_stat_deltas, and the view adds the deltas up. It can be inserted into, updated
-- and deleted from like a table; foreign keys refer to campaigns. security_invoker: row level security of the reader holds.
-- The sum is a subquery and not a function, so that the policy of the deltas is worked out once per statement.
-- New columns go to the end of the list: CREATE OR REPLACE VIEW takes them nowhere else.
-- Cost: one index range per campaign read, of as many rows as there were statements since the deltas were last folded.
CREATE OR REPLACE VIEW switchboard.dialer_campaigns WITH (security_invoker = true) AS
SELECT c.id, c.tenant_id, c.user_id, c.name, c.description, c.type, c.status, c.caller_id, c.script, c.max_attempts,
       c.retry_interval, c.active_hours, c.timezone,
       (SELECT jsonb_build_object(
                   'total', coalesce(sum(d.n_total), 0),
                   'completed', coalesce(sum(d.n_completed), 0),
                   'pending', coalesce(sum(d.n_pending), 0),
                   'failed', coalesce(sum(d.n_failed), 0),
                   'calling', coalesce(sum(d.n_calling), 0),
                   'callback', coalesce(sum(d.n_callback), 0),
                   'do_not_call', coalesce(sum(d.n_do_not_call), 0),
                   'exhausted', coalesce(sum(d.n_exhausted), 0))
          FROM switchboard.campaign_stat_deltas d
         WHERE d.campaign_id = c.id) AS stats,
       c.product_id, c.discount_percent, c.max_abandon_rate, c.dial_level, c.cron_schedule, c.next_run_at, c.started_at,
       c.completed_at, c.settings, c.created_at, c.updated_at, c.ran_out
  FROM switchboard.campaigns c;
REVOKE ALL ON switchboard.dialer_campaigns FROM PUBLIC;
COMMENT ON VIEW switchboard.dialer_campaigns IS
'Dialing campaigns with their statistics. Insert, update and delete here as in a table; stats cannot be written.';
