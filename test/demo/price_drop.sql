-- The third job: a shop lowers a price, and whoever bought the product is called. Prints the campaign's id.
-- Variable: campaign (the one whose people said yes)
INSERT INTO switchboard.products (sku, name, category, price, stock)
VALUES ('TENT-4', 'Trail tent for four', 'Tents', 399.00, 40) RETURNING id AS product \gset

-- 300 people who bought it in the last two years.
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at)
SELECT contact_id, :'product', 399.00, now() - (10 + n * 7 % 700) * interval '1 day'
  FROM (SELECT l.contact_id, row_number() OVER (ORDER BY l.id) AS n FROM switchboard.campaign_contacts l
         WHERE l.campaign_id = :'campaign' AND l.status = 'completed') l
 WHERE n > 120 AND n <= 420;

INSERT INTO switchboard.dialer_campaigns (name, type, caller_id, product_id, discount_percent, max_attempts, retry_interval, active_hours, settings)
VALUES ('Tent sale', 'power', '+12015550100', :'product', 15, 2, 3, '{"start":"00:00","end":"24:00"}',
        '{"agentless": true, "voice": "artificial", "max_lines": 100, "cost_per_minute": 0.02}')
RETURNING id AS sale \gset
SELECT status FROM switchboard.start_campaign(:'sale') \g /dev/null

-- The only thing that the shop does.
UPDATE switchboard.products SET price = 339.15 WHERE id = :'product';
\echo :sale
