-- status | one line of progress. Variable: campaign
SELECT c.status,
       format('%3s%%  %s done, %s failed, %s calling, %s to go; answered so far %s',
              100 * ((s ->> 'completed')::int + (s ->> 'exhausted')::int + (s ->> 'do_not_call')::int)
                  / greatest((s ->> 'total')::int, 1),
              s ->> 'completed', s ->> 'exhausted', s ->> 'calling',
              (s ->> 'pending')::int + (s ->> 'failed')::int - (s ->> 'exhausted')::int,
              (SELECT count(*) FROM switchboard.call_logs l
                WHERE l.campaign_id = c.id AND l.answered_at IS NOT NULL))
  FROM switchboard.dialer_campaigns c, LATERAL (SELECT c.stats AS s) x
 WHERE c.id = :'campaign';
