-- Some of the people who were reached buy again, with their coupon; what the campaign brought. Variable: sale
\pset footer off
\pset border 0
SELECT count(switchboard.redeem_coupon(code)) AS redeemed
  FROM (SELECT p.code, row_number() OVER (ORDER BY p.code) AS n
          FROM switchboard.coupons p JOIN switchboard.call_triggers g ON g.coupon_id = p.id
         WHERE g.campaign_id = :'sale' AND g.status = 'completed') reached
 WHERE n % 20 = 0 \gset
\echo
\echo == What one of the calls knew
SELECT jsonb_pretty(g.package) FROM switchboard.call_triggers g
 WHERE g.campaign_id = :'sale' AND g.status = 'completed' ORDER BY g.id LIMIT 1 \g (tuples_only=on format=unaligned)
\echo == What the sale brought
SELECT switchboard.campaign_report(:'sale') AS report \gset
SELECT r ->> 'triggers' AS triggered, r ->> 'contacted' AS contacted, r ->> 'answered' AS answered, r ->> 'converted' AS redeemed,
       r ->> 'revenue' AS revenue, round((r ->> 'cost')::numeric, 2) AS cost, r ->> 'roi' AS roi
  FROM (SELECT :'report'::jsonb AS r) report;
