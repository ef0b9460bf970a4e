-- Whether every triggered call is over | one line of progress. Variable: sale
SELECT count(*) FILTER (WHERE status IN ('scheduled', 'calling')) = 0 AND count(*) > 0,
       format('%s buyers to call: %s scheduled, %s on the line, %s reached, %s not reached', count(*),
              count(*) FILTER (WHERE status = 'scheduled'), count(*) FILTER (WHERE status = 'calling'),
              count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status IN ('failed', 'canceled')))
  FROM switchboard.call_triggers WHERE campaign_id = :'sale';
