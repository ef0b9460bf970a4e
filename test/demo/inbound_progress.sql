-- Whether all callers have been served | one line of progress. Variable: callers
SELECT count(*) >= :callers AND bool_and(c.ended_at IS NOT NULL),
       format('%s of %s have called: %s waiting, %s talking, %s served, %s elsewhere, %s gave up', count(*), :callers,
              count(*) FILTER (WHERE c.ended_at IS NULL AND c.connected_at IS NULL),
              count(*) FILTER (WHERE c.ended_at IS NULL AND c.connected_at IS NOT NULL),
              count(*) FILTER (WHERE c.ended_at IS NOT NULL AND c.connected_at IS NOT NULL),
              count(*) FILTER (WHERE c.ended_at IS NOT NULL AND c.connected_at IS NULL AND c.left_queue_at IS NOT NULL),
              count(*) FILTER (WHERE c.ended_at IS NOT NULL AND c.connected_at IS NULL AND c.left_queue_at IS NULL))
  FROM switchboard.call_logs c WHERE c.direction = 'inbound';
