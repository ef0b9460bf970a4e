-- The extension installs, answers, and its errors read well.
\set VERBOSITY default
CREATE EXTENSION pg_switchboard;
SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'pg_switchboard';
SELECT switchboard.normalize_phone('(415) 555-2671', 'US'), switchboard.format_phone('+14155552671');
SELECT switchboard.next_call_time('2026-03-06 18:00+00', 'UTC', '{"start":"09:00","end":"17:00","days":["mon","fri"]}') AT TIME ZONE 'UTC' AS monday;
SELECT switchboard.render_template('Hi {{name}}{{^vip}}.{{/vip}}', '{"name":"Ada"}');
SELECT * FROM switchboard.sms_segments(repeat('x', 161));
SELECT switchboard.generate_coupon_code('Spring sale', 20) ~ '^SPRINGSALE-20-[A-Z2-9]{6}$' AS code;
-- errors
SELECT switchboard.normalize_phone('hello');
SELECT switchboard.normalize_phone('415 555 2671');
SELECT switchboard.normalize_phone('415 555 2671', 'Atlantis');
SELECT switchboard.format_phone('+14155552671', 'fancy');
SELECT switchboard.next_call_time(now(), 'Mars/Olympus', '{"start":"09:00","end":"17:00"}');
SELECT switchboard.next_call_time(now(), 'UTC', '{"start":"09:00","end":"09:00"}');
SELECT switchboard.next_attempt_at('00000000-0000-0000-0000-000000000001', 'busy', 1);
SELECT switchboard.render_template('Hi {{name}}', '{}');
SELECT switchboard.generate_coupon_code('x', 101);
SELECT switchboard.webhook_signature_ok('pigeon', 's', 'https://x', '{}', '');
SELECT switchboard._seal_secret('x');
SELECT switchboard._open_secret('hunter2');
DROP EXTENSION pg_switchboard;
