-- The fourth job: customers call. Two numbers, two skills, one queue; who does not want to wait presses 1 and is called back.
UPDATE switchboard.tenants SET settings = settings || '{"inbound": {
  "greeting": "Welcome to Acme Outdoor.", "callback_key": "1", "max_wait": 8,
  "numbers": {"+12015550100": {"skills": ["sales"]}, "+12015550101": {"skills": ["care"], "priority": 10}}}}'
 WHERE id = current_setting('switchboard.tenant_id')::uuid;

-- Somebody without a phone uses the form of the web site.
SELECT switchboard.create_support_request('dana@example.com', 'The tent leaks', 'At the seam above the door.', 'high') \g /dev/null
