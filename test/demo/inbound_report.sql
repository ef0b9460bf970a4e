-- How the callers fared.
\pset footer off
\pset border 0
\echo
\echo == Served, by number and agent
SELECT c.to_number AS number, u.name AS agent, count(*) AS calls, round(avg(extract(epoch FROM c.connected_at - c.queued_at)), 1) AS "waited s"
  FROM switchboard.call_logs c JOIN switchboard.users u ON u.id = c.user_id
 WHERE c.direction = 'inbound' AND c.connected_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
\echo == Service level
SELECT switchboard.service_level(threshold_seconds => 3) AS level \gset
SELECT r.key AS figure, r.value ->> 'numerator' AS of, r.value ->> 'denominator' AS all, r.value ->> 'rate' AS rate
  FROM jsonb_each(:'level'::jsonb) r WHERE r.key IN ('serviceLevel', 'abandonRate') ORDER BY 1;
\echo == What still waits
SELECT kind, coalesce(name, phone_number) AS who, subject FROM switchboard.call_queue ORDER BY position LIMIT 5;
