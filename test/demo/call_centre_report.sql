-- What the agents did. Variables: renewals, accounts
\pset footer off
\pset border 0
\echo
\echo == Agents
SELECT switchboard.agent_report() AS report \gset
SELECT r ->> 'name' AS agent, r ->> 'calls' AS calls, round(100 * (r ->> 'occupancy')::numeric, 1) AS "occupancy %"
  FROM jsonb_array_elements(:'report'::jsonb -> 'agents') r ORDER BY 1;
\echo == Dispositions
SELECT c.name AS campaign, d.disposition, count(*) AS calls
  FROM switchboard.call_dispositions d JOIN switchboard.call_logs l ON l.id = d.call_id
  JOIN switchboard.campaigns c ON c.id = l.campaign_id WHERE c.id IN (:'renewals', :'accounts')
 GROUP BY 1, 2 ORDER BY 1, 2;
\echo == Why the newest call was allowed
\x on
SELECT stage, allowed, zones, rule_versions FROM switchboard.dispatch_decisions
 WHERE campaign_id = :'renewals' ORDER BY decided_at DESC LIMIT 1;
