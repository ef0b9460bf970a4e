-- What the campaign did. Variable: campaign
\pset footer off
\pset border 0
\echo
\echo == Calls by outcome
SELECT status, count(*) AS calls, count(answered_at) AS answered,
       round(avg(duration) FILTER (WHERE answered_at IS NOT NULL), 1) AS avg_seconds
  FROM switchboard.call_logs WHERE campaign_id = :'campaign' GROUP BY status ORDER BY calls DESC;

\echo == Contacts
SELECT key AS state, value AS contacts
  FROM switchboard.dialer_campaigns, jsonb_each_text(stats) WHERE id = :'campaign';

\echo == People not reached: a second campaign keeps office hours, in local time
INSERT INTO switchboard.dialer_campaigns (name, type, caller_id, active_hours)
VALUES ('Spring sale, personal call', 'preview', '+12015550100',
        '{"start":"09:00","end":"17:00","days":["mon","tue","wed","thu","fri"]}')
RETURNING id AS personal \gset
INSERT INTO switchboard.campaign_contacts (campaign_id, contact_id, phone_number, first_name, last_name)
SELECT :'personal', contact_id, phone_number, first_name, last_name
  FROM switchboard.campaign_contacts WHERE campaign_id = :'campaign' AND status = 'failed';
SELECT status FROM switchboard.start_campaign(:'personal') \g /dev/null
SELECT switchboard.run_campaign(:'personal') AS run \gset
SELECT :'run'::jsonb ->> 'queued' AS "to call now", :'run'::jsonb ->> 'skipped' AS "not now";
SELECT zone, count(*) AS contacts, to_char(min(next_attempt_at AT TIME ZONE zone), 'Dy DD Mon HH24:MI') AS "first call, local time"
  FROM switchboard.campaign_contacts,
       LATERAL (SELECT (switchboard.phone_timezones(phone_number))[1] AS zone) z
 WHERE campaign_id = :'personal' AND next_attempt_at > now()
 GROUP BY zone ORDER BY contacts DESC LIMIT 12;

\echo == Analytics
SELECT switchboard.get_analytics(campaign_id => :'campaign') -> 'analytics' AS analytics \gset
SELECT key AS overview, value FROM jsonb_each_text(:'analytics'::jsonb -> 'overview');
SELECT :'analytics'::jsonb #>> '{distribution,byHour}' AS "calls by hour of the day";

\echo == Queue
SELECT state, count(*) AS jobs FROM switchboard.jobs GROUP BY state;
