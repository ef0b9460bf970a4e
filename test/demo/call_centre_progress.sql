-- Whether both campaigns are over | one line of progress. Variables: renewals, accounts
SELECT (SELECT bool_and(status = 'completed') FROM switchboard.campaigns WHERE id IN (:'renewals', :'accounts')),
       (SELECT format('agents: %s available, %s on a call, %s wrapping up', count(*) FILTER (WHERE state = 'available'),
                      count(*) FILTER (WHERE state = 'busy'), count(*) FILTER (WHERE state = 'wrap_up'))
          FROM switchboard.agents WHERE state IS NOT NULL)
       || format('; calls %s, connected %s, abandoned %s', count(*), count(connected_at), count(*) FILTER (WHERE abandoned))
  FROM switchboard.call_logs WHERE campaign_id IN (:'renewals', :'accounts');
