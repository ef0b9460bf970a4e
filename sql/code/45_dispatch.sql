-- Dispatch: queue entries of campaigns that dial by themselves become calls and jobs. The queue calls _before_claim() ahead of
-- each claim and _apply_job_results() and _allow_sending() around each call; there is no other clock, so a campaign runs
-- to its end with workers alone.

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._is_telephony(provider text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(provider IN ('twilio', 'vonage', 'voipstudio', 'asterisk'), false) $$;
COMMENT ON FUNCTION switchboard._is_telephony(text) IS
  'Whether a provider only carries calls, which need a number to call from and somebody or something of ours to speak; other call
systems (omnidimension, webhook) bring both.';
REVOKE ALL ON FUNCTION switchboard._is_telephony(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._voice_account(tenant uuid)
RETURNS switchboard.provider_accounts
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: agents may call without reading accounts. Internal: the tenant is the caller's word.
  WITH able AS MATERIALIZED (
    SELECT a.id, r.id IS NOT NULL AS routed, r.priority,
           (switchboard._is_telephony(a.provider) OR a.provider = 'omnidimension') AS calls, a.provider = 'webhook' AS hands_over
    FROM switchboard.provider_accounts a
    LEFT JOIN switchboard.channel_routes r ON r.account_id = a.id AND r.tenant_id = a.tenant_id AND r.channel = 'voice'
    WHERE a.tenant_id = tenant AND a.enabled
  ), counted AS (
    SELECT count(*) FILTER (WHERE b.calls) AS calling, count(*) FILTER (WHERE b.hands_over) AS handing,
           EXISTS (SELECT FROM switchboard.channel_routes o WHERE o.tenant_id = tenant AND o.channel = 'voice') AS by_route
    FROM able b
  )
  SELECT a.*
  FROM able b
  CROSS JOIN counted n
  JOIN switchboard.provider_accounts a ON a.id = b.id
  WHERE b.routed OR NOT n.by_route AND (b.calls AND n.calling = 1 OR b.hands_over AND n.calling = 0 AND n.handing = 1)
  ORDER BY b.priority DESC NULLS LAST, a.id
  LIMIT 1
$$;
COMMENT ON FUNCTION switchboard._voice_account(uuid) IS
  'The account that places a tenant''s calls: the enabled one of the voice routes with the highest priority; without voice routes
the only enabled account that can call, and if there is none the only enabled webhook account, whose receiver calls. NULL if there
is none.';
REVOKE ALL ON FUNCTION switchboard._voice_account(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._trigger_account(tenant uuid, campaign switchboard.campaigns)
RETURNS switchboard.provider_accounts
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _voice_account(). A name that names nothing is not taken for another one: the calls wait.
DECLARE
  wanted  text := nullif(btrim(campaign.settings ->> 'voice_account'), '');
  account switchboard.provider_accounts;
BEGIN
  IF wanted IS NULL THEN
    RETURN switchboard._voice_account(tenant);
  END IF;
  SELECT a.* INTO account FROM switchboard.provider_accounts a
  WHERE a.tenant_id = tenant AND a.name = wanted AND a.enabled
    AND (switchboard._is_telephony(a.provider) OR switchboard._takes_packages(a.provider));
  RETURN account;
END
$$;
COMMENT ON FUNCTION switchboard._trigger_account(uuid, switchboard.campaigns) IS
  'The account that makes a campaign''s triggered calls: the enabled one that settings.voice_account of the campaign names, without
such a setting (or campaign) the tenant''s for voice. NULL if there is none.';
REVOKE ALL ON FUNCTION switchboard._trigger_account(uuid, switchboard.campaigns) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._caller_number(wanted text, account switchboard.provider_accounts)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(btrim(wanted), ''), nullif(btrim(account.settings ->> 'caller_id'), '')) $$;
COMMENT ON FUNCTION switchboard._caller_number(text, switchboard.provider_accounts) IS
  'The number shown to the called party: the one wanted, else settings.caller_id of the account.';
REVOKE ALL ON FUNCTION switchboard._caller_number(text, switchboard.provider_accounts) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_dialing(tenant uuid, caller_id text, campaign switchboard.campaigns DEFAULT NULL)
RETURNS switchboard.provider_accounts
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: as _voice_account(); the session's tenant is checked. A campaign whose triggered calls are made by an external
-- system may begin without a telephony account; a list that it has too waits for one.
DECLARE
  account switchboard.provider_accounts;
BEGIN
  IF NOT switchboard._caller_may(tenant, NULL) THEN
    RAISE EXCEPTION 'no such tenant: %', tenant USING ERRCODE = 'P0002';
  END IF;
  account := switchboard._trigger_account(tenant, campaign);
  IF switchboard._takes_packages(account.provider) THEN
    RETURN account;
  END IF;
  account := switchboard._voice_account(tenant);
  IF account.id IS NULL THEN
    RAISE EXCEPTION 'no provider account for channel voice' USING ERRCODE = 'SB002',
      HINT = 'Add one with switchboard.add_provider_account(); of several, name one in switchboard.channel_routes.';
  END IF;
  IF switchboard._is_telephony(account.provider) AND switchboard._caller_number(caller_id, account) IS NULL THEN
    RAISE EXCEPTION 'no number to call from with account "%"', account.name USING ERRCODE = 'SB002',
      HINT = 'Set caller_id of the campaign, or "caller_id" in the settings of the account.';
  END IF;
  RETURN account;
END
$$;
COMMENT ON FUNCTION switchboard._require_dialing(uuid, text, switchboard.campaigns) IS
  'The account that places calls, or that makes the triggered ones of the campaign; SB002 when the tenant has none for voice or no number to
call from.';
REVOKE ALL ON FUNCTION switchboard._require_dialing(uuid, text, switchboard.campaigns) FROM PUBLIC;

-- These two are inlined by the planner, hence no SET clause: callers pin the search path. That makes a payload 25 times as cheap.
CREATE OR REPLACE FUNCTION switchboard._ring_timeout(options jsonb)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT switchboard._small_int(options -> 'ring_timeout', 5, 600, 30) $$;
COMMENT ON FUNCTION switchboard._ring_timeout(jsonb) IS
  'How many seconds a call may ring: ring_timeout of the campaign''s settings and the call''s metadata, default 30.';
REVOKE ALL ON FUNCTION switchboard._ring_timeout(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_payload(
  account switchboard.provider_accounts, options jsonb, call_log_id uuid, to_number text, from_number text, say_text text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  -- With a public address the provider asks what to say when somebody answers; without one it is told beforehand.
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'to', to_number, 'from', from_number, 'call_log_id', call_log_id,
    'status_url', switchboard._webhook_url(account, 'status', call_log_id),
    'answer_url', switchboard._webhook_url(account, 'answer', call_log_id),
    'say', CASE WHEN switchboard._public_url(account) IS NULL THEN
             jsonb_build_object('text', say_text, 'language', coalesce(options ->> 'language', account.settings ->> 'language')) END,
    'timeout_s', switchboard._ring_timeout(options),
    'machine_detection', coalesce(options ->> 'machine_detection', account.settings ->> 'machine_detection'),
    'amd_url', CASE WHEN options -> 'machine_detection_async' = 'true' THEN switchboard._webhook_url(account, 'amd', call_log_id) END,
    'record', options -> 'record',
    'recording_url', CASE WHEN options -> 'record' = 'true' THEN switchboard._webhook_url(account, 'recording', call_log_id) END,
    'agent', coalesce(options ->> 'agent', account.settings ->> 'agent'),
    'context', jsonb_build_object('call_log_id', call_log_id)))
$$;
COMMENT ON FUNCTION switchboard._call_payload(switchboard.provider_accounts, jsonb, uuid, text, text, text) IS
  'Payload of a job of kind call. options (of the campaign or the call): ring_timeout (s, default 30), machine_detection (enable or
detect_message_end), machine_detection_async (true: the call is connected meanwhile), record (true), language, agent.';
REVOKE ALL ON FUNCTION switchboard._call_payload(switchboard.provider_accounts, jsonb, uuid, text, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._can_connect(account switchboard.provider_accounts)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT account.provider IN ('twilio', 'vonage') AND switchboard._public_url(account) IS NOT NULL $$;
COMMENT ON FUNCTION switchboard._can_connect(switchboard.provider_accounts) IS
  'Whether answered calls of an account can be connected to agents: its provider asks us, at our public address, what to do.';
REVOKE ALL ON FUNCTION switchboard._can_connect(switchboard.provider_accounts) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_speaker(campaign switchboard.campaigns, warn boolean)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the account and looks for agents; says nothing about them. The caller has seen the campaign.
DECLARE
  account switchboard.provider_accounts := switchboard._voice_account(campaign.tenant_id);
BEGIN
  IF campaign.type NOT IN ('power', 'predictive') THEN
    RETURN;
  ELSIF NOT switchboard._is_agentless(campaign) THEN
    IF warn AND NOT switchboard._can_connect(account) THEN
      RAISE WARNING 'account "%" cannot ask which agent an answered call is for: each call is dialed for one agent', account.name
        USING HINT = 'Set "public_url" in the settings of a twilio or vonage account to dial more lines than agents.';
    END IF;
  ELSIF warn AND campaign.settings ->> 'voice' IS NULL AND campaign.settings -> 'agentless' IS DISTINCT FROM 'true' THEN
    RAISE WARNING 'campaign "%" does not say whose voice people will hear', campaign.name
      USING HINT = 'Set "voice" in its settings: artificial or ai (consent may be needed), or human for recordings.';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_speaker(switchboard.campaigns, boolean) IS
  'Warns, if wanted, at the start of a campaign that dials by itself: when each of its calls must be dialed for one agent, and when it has
no agents and its settings do not declare the voice.';
REVOKE ALL ON FUNCTION switchboard._require_speaker(switchboard.campaigns, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._agent_payload(account switchboard.provider_accounts, caller text, agent uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads users past row level security. Internal.
DECLARE
  endpoint text := (SELECT switchboard._agent_endpoint(u) FROM switchboard.users u WHERE u.id = agent);
BEGIN
  IF endpoint IS NULL OR switchboard._can_connect(account) THEN
    RETURN '{}';
  END IF;
  RETURN jsonb_build_object('agent', endpoint, 'twiml', format('<Response><Dial callerId="%s">%s</Dial></Response>',
    switchboard._xml_escape(caller), switchboard._twiml_noun(endpoint)));
END
$$;
COMMENT ON FUNCTION switchboard._agent_payload(switchboard.provider_accounts, text, uuid) IS
  'What a call''s job says of the agent it is dialed for, when the provider cannot ask when it is answered: the endpoint, and TwiML that
dials it.';
REVOKE ALL ON FUNCTION switchboard._agent_payload(switchboard.provider_accounts, text, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._dispatch_entries(
  campaign switchboard.campaigns, account switchboard.provider_accounts, entries uuid[], at timestamptz, agent uuid DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY DEFINER: writes calls and jobs for any tenant. Internal: the caller has locked the campaign, the entries and their people.
-- One statement: an entry is never without its call, a call never without its job.
DECLARE
  caller     text := switchboard._caller_number(campaign.caller_id, account);
  owner      uuid := CASE WHEN switchboard._is_agentless(campaign) THEN campaign.user_id END;
  dispatched int;
  skipped    jsonb;
  made       uuid[];
BEGIN
  entries := switchboard._drop_stale_offers(entries, at);
  IF entries = '{}' THEN
    RETURN 0;
  END IF;
  WITH picked AS MATERIALIZED (
    SELECT k.*, row_number() OVER () AS n, switchboard.uuid_v7() AS call_log_id   -- ids in the order of the calls
    FROM (SELECT q.id AS queue_id, l.id AS list_id, l.phone_number, l.contact_id
          FROM switchboard.dialer_queues q JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
          WHERE q.id = ANY (entries)
          ORDER BY q.priority DESC, q.scheduled_at, q.id) k
  ), judged AS MATERIALIZED (
    SELECT p.queue_id, p.list_id, p.phone_number, p.contact_id, d.allowed, d.reason, d.later,
           CASE WHEN d.allowed THEN p.call_log_id END AS call_log_id
    FROM (SELECT array_agg(p.phone_number ORDER BY p.n) AS phones, array_agg(p.queue_id ORDER BY p.n) AS entries,
                 array_agg(p.call_log_id ORDER BY p.n) AS calls FROM picked p) a
    CROSS JOIN LATERAL switchboard._decide_contacts(campaign.tenant_id, campaign.id, a.phones, 'voice', at, 'queue', a.entries, a.calls) d
    JOIN picked p ON p.n = d.n
    ORDER BY p.n
  ), calls AS (
    INSERT INTO switchboard.call_logs
      (id, tenant_id, user_id, direction, from_number, to_number, lead_id, campaign_id, campaign_contact_id, provider,
       account_id, metadata, started_at)
    SELECT j.call_log_id, campaign.tenant_id, owner, 'outbound', caller, j.phone_number, j.contact_id, campaign.id,
           j.list_id, account.provider, account.id, switchboard._call_topic(campaign.tenant_id, j.list_id), at
    FROM judged j WHERE j.allowed
    RETURNING id, metadata ? 'call_trigger_id' AS triggered
  ), work AS (
    INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload)
    SELECT campaign.tenant_id, 'call', account.id, j.call_log_id,
           switchboard._call_payload(account, campaign.settings, j.call_log_id, j.phone_number, caller,
             CASE WHEN switchboard._public_url(account) IS NULL THEN switchboard._call_text(campaign, campaign.tenant_id, j.list_id, NULL) END)
             || switchboard._agent_payload(account, caller, agent)
    FROM judged j WHERE j.allowed
  ), entries AS (
    UPDATE switchboard.dialer_queues q
    SET status = CASE WHEN j.allowed THEN 'calling'::switchboard.queue_status ELSE 'skipped' END,
        call_log_id = j.call_log_id, reason = j.reason
    FROM judged j WHERE q.id = j.queue_id
  ), list AS (
    UPDATE switchboard.campaign_contacts l
    SET status = CASE WHEN j.allowed THEN 'calling'
                      WHEN j.later IS NULL THEN 'do-not-call' ELSE l.status END,
        attempts = l.attempts + j.allowed::int,
        last_attempt_at = CASE WHEN j.allowed THEN at ELSE l.last_attempt_at END,
        last_call_id = coalesce(j.call_log_id, l.last_call_id),
        next_attempt_at = j.later
    FROM judged j WHERE l.id = j.list_id
  )
  SELECT count(*) FILTER (WHERE j.allowed),
         (SELECT jsonb_object_agg(r.reason, r.n)
          FROM (SELECT s.reason, count(*) AS n FROM judged s WHERE NOT s.allowed GROUP BY s.reason) r),
         (SELECT array_agg(c.id) FROM calls c WHERE c.triggered)
  INTO dispatched, skipped, made
  FROM judged j;
  IF made IS NOT NULL THEN
    PERFORM switchboard._tell_triggers(made);
  END IF;
  IF skipped IS NOT NULL THEN
    INSERT INTO switchboard.campaign_runs (tenant_id, campaign_id, started_at, finished_at, skipped, source)
    VALUES (campaign.tenant_id, campaign.id, at, clock_timestamp(), skipped, 'dispatch');
  END IF;
  RETURN dispatched;
END
$$;
COMMENT ON FUNCTION switchboard._dispatch_entries(switchboard.campaigns, switchboard.provider_accounts, uuid[], timestamptz, uuid) IS
  'Turns queue entries of a campaign into calls and jobs, for this agent or (NULL) whoever is free; returns how many. People who may not be called now are skipped, put off or
marked, and counted in campaign_runs.';
REVOKE ALL ON FUNCTION switchboard._dispatch_entries(switchboard.campaigns, switchboard.provider_accounts, uuid[], timestamptz, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._callback_grace(settings jsonb)
RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT switchboard._small_int(settings -> 'callback_grace', 0, 604800, 1800) * interval '1 second' $$;
COMMENT ON FUNCTION switchboard._callback_grace(jsonb) IS
  'How long a callback waits for the agent who promised it before anybody may make it: settings.callback_grace, default 1800 seconds.';
REVOKE ALL ON FUNCTION switchboard._callback_grace(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._dispatch_campaign(
  campaign switchboard.campaigns, account switchboard.provider_accounts, lines int, at timestamptz)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal: the caller has locked the campaign.
DECLARE
  entries    uuid[];
  -- What was promised by an agent at or before this instant is anybody's.
  promised   timestamptz := CASE WHEN switchboard._is_agentless(campaign) THEN at ELSE at - switchboard._callback_grace(campaign.settings) END;
BEGIN
  entries := ARRAY(
    SELECT q.id
    FROM switchboard.dialer_queues q
    JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
    WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued' AND q.scheduled_at <= at
      AND (q.assigned_to IS NULL OR q.scheduled_at <= promised) AND (q.reserved_until IS NULL OR q.reserved_until <= at)
    ORDER BY q.priority DESC, q.scheduled_at, q.id
    LIMIT lines FOR NO KEY UPDATE OF q, l SKIP LOCKED);
  RETURN CASE WHEN entries = '{}' THEN 0 ELSE switchboard._dispatch_entries(campaign, account, entries, at) END;
END
$$;
COMMENT ON FUNCTION switchboard._dispatch_campaign(switchboard.campaigns, switchboard.provider_accounts, int, timestamptz) IS
  'Turns up to so many due queue entries of a campaign into calls; returns how many. Callbacks that an agent promised are left to
_dispatch_for_agents() for settings.callback_grace seconds.';
REVOKE ALL ON FUNCTION switchboard._dispatch_campaign(switchboard.campaigns, switchboard.provider_accounts, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._dispatch_for_agents(
  campaign switchboard.campaigns, account switchboard.provider_accounts, lines int, at timestamptz)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal: the caller has locked the campaign.
-- The agent is busy with the call from now on, so that nobody else gets them. One by one: each call has an agent of its own, and there
-- are no more of them than agents who are free.
DECLARE
  everybody  boolean := NOT switchboard._can_connect(account);
  promised   timestamptz := at - switchboard._callback_grace(campaign.settings);
  staff      uuid[] := ARRAY(SELECT f.user_id FROM switchboard._staff(ARRAY[campaign.id]) f);
  entry      record;
  agent      switchboard.agent_states;
  free       uuid[] := ARRAY(SELECT s.user_id FROM switchboard.agent_states s
                             WHERE s.tenant_id = campaign.tenant_id AND s.ended_at IS NULL AND s.state = 'available');
  dispatched int := 0;
BEGIN
  FOR entry IN
    SELECT q.id, CASE WHEN NOT everybody OR q.scheduled_at > promised THEN q.assigned_to END AS promised_by
    FROM switchboard.dialer_queues q
    JOIN switchboard.campaign_contacts l ON l.id = q.contact_id
    WHERE q.tenant_id = campaign.tenant_id AND q.campaign_id = campaign.id AND q.status = 'queued' AND q.scheduled_at <= at
      AND (q.reserved_until IS NULL OR q.reserved_until <= at)
      AND (q.assigned_to = ANY (free) OR everybody AND (q.assigned_to IS NULL OR q.scheduled_at <= promised))
    ORDER BY q.priority DESC, q.scheduled_at, q.id
    LIMIT lines FOR NO KEY UPDATE OF q, l SKIP LOCKED
  LOOP
    agent := switchboard._lock_free_agent(campaign.tenant_id,
                                          CASE WHEN entry.promised_by IS NULL THEN staff ELSE ARRAY[entry.promised_by] END);
    EXIT WHEN agent.id IS NULL AND entry.promised_by IS NULL;
    IF agent.id IS NOT NULL AND switchboard._dispatch_entries(campaign, account, ARRAY[entry.id], at, agent.user_id) = 1 THEN
      PERFORM switchboard._give_call((SELECT q.call_log_id FROM switchboard.dialer_queues q WHERE q.id = entry.id), agent, at);
      dispatched := dispatched + 1;
    END IF;
  END LOOP;
  RETURN dispatched;
END
$$;
COMMENT ON FUNCTION switchboard._dispatch_for_agents(switchboard.campaigns, switchboard.provider_accounts, int, timestamptz) IS
  'Starts calls that are dialed for one agent, who is busy with the call from then on: due callbacks of agents who are available, and,
when the account cannot ask which agent an answered call is for, all calls. At most so many; returns how many.';
REVOKE ALL ON FUNCTION switchboard._dispatch_for_agents(switchboard.campaigns, switchboard.provider_accounts, int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._has_due_contacts(campaign uuid, at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT FROM switchboard.campaigns c WHERE c.id = campaign AND c.cron_schedule IS NULL)
     AND (EXISTS (SELECT FROM switchboard.campaign_contacts l
                  WHERE l.campaign_id = campaign AND l.status = 'pending' AND l.next_attempt_at IS NULL)
          OR EXISTS (SELECT FROM switchboard.campaign_contacts l
                     WHERE l.campaign_id = campaign AND l.status IN ('pending', 'failed', 'callback') AND l.next_attempt_at <= at))
$$;
COMMENT ON FUNCTION switchboard._has_due_contacts(uuid, timestamptz) IS
  'Whether anybody on the list of a campaign is due, those already queued included; never for a campaign with a schedule, which says
when people are queued.';
REVOKE ALL ON FUNCTION switchboard._has_due_contacts(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._nobody_left(campaign uuid)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign)
     AND NOT EXISTS (SELECT FROM switchboard.campaign_contacts l
                     WHERE l.campaign_id = campaign AND l.status = 'pending' AND l.next_attempt_at IS NULL)
     AND NOT EXISTS (SELECT FROM switchboard.campaign_contacts l
                     WHERE l.campaign_id = campaign AND l.status IN ('pending', 'failed', 'callback')
                       AND l.next_attempt_at IS NOT NULL)
     AND NOT EXISTS (SELECT FROM switchboard.campaign_contacts l WHERE l.campaign_id = campaign AND l.status = 'calling')
     AND NOT EXISTS (SELECT FROM switchboard.campaigns c
                     JOIN switchboard.call_triggers t ON t.tenant_id = c.tenant_id AND t.campaign_id = c.id
                     WHERE c.id = campaign AND t.status IN ('scheduled', 'calling') AND t.campaign_contact_id IS NULL)
$$;
COMMENT ON FUNCTION switchboard._nobody_left(uuid) IS
  'Whether a campaign has a list, nobody on it is being called or will be, and neither is anybody whose call was triggered.';
REVOKE ALL ON FUNCTION switchboard._nobody_left(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._dial_campaign(
  campaign switchboard.campaigns, max_calls int, at timestamptz, generous boolean)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal: the caller has locked the campaign and counts for its tenant alone.
DECLARE
  account   switchboard.provider_accounts := switchboard._voice_account(campaign.tenant_id);
  reserving boolean := NOT switchboard._is_agentless(campaign) AND NOT switchboard._can_connect(account);
  lines     int;
  own       int := 0;
  calls     int := 0;
BEGIN
  IF account.id IS NULL
     OR switchboard._is_telephony(account.provider) AND switchboard._caller_number(campaign.caller_id, account) IS NULL THEN
    RETURN 0;
  END IF;
  lines := least(max_calls, switchboard._lines_left(campaign, account, at, generous));
  IF lines > 0 AND NOT switchboard._is_agentless(campaign) THEN
    own := switchboard._dispatch_for_agents(campaign, account, lines, at);
    lines := least(lines - own, switchboard._lines_wanted(campaign, at, generous));
  END IF;
  IF lines > 0 THEN
    IF NOT reserving THEN
      calls := switchboard._dispatch_campaign(campaign, account, lines, at);
    END IF;
    IF calls < lines AND switchboard._has_due_contacts(campaign.id, at) THEN
      PERFORM switchboard._queue_contacts(campaign, 'dispatch', at);
      calls := calls + CASE WHEN reserving THEN switchboard._dispatch_for_agents(campaign, account, lines, at)
                            ELSE switchboard._dispatch_campaign(campaign, account, lines - calls, at) END;
    END IF;
  END IF;
  RETURN own + calls;
END
$$;
COMMENT ON FUNCTION switchboard._dial_campaign(switchboard.campaigns, int, timestamptz, boolean) IS
  'Starts calls of a campaign: at most so many, within its lines (see 45_lines.sql); queues more people when the queue runs dry. Returns
how many. Nothing happens while the tenant has no account for voice.';
REVOKE ALL ON FUNCTION switchboard._dial_campaign(switchboard.campaigns, int, timestamptz, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._serve_campaign(campaign_id uuid, max_calls int, at timestamptz, generous boolean DEFAULT true)
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal.
-- The tenant and the campaign are locked first and counted afterwards, in statements of their own: only so do two workers
-- together stay within the lines, and only so is a campaign that has been paused not dialed again.
DECLARE
  campaign   switchboard.campaigns;
  dispatched int;
BEGIN
  IF NOT switchboard._try_dial_lock((SELECT c.tenant_id FROM switchboard.campaigns c WHERE c.id = _serve_campaign.campaign_id)) THEN
    RETURN NULL;
  END IF;
  SELECT c.* INTO campaign FROM switchboard.campaigns c
  WHERE c.id = _serve_campaign.campaign_id AND c.status = 'active' FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  dispatched := switchboard._dial_campaign(campaign, max_calls, at, generous);
  PERFORM switchboard._complete_if_done(campaign);
  RETURN dispatched;
END
$$;
COMMENT ON FUNCTION switchboard._serve_campaign(uuid, int, timestamptz, boolean) IS
  'Dials for one campaign, at most so many calls, and completes it when nobody is left (unless settings.complete_when_done is false).
Returns the number of calls; NULL when somebody else is working on the campaign or its tenant, so that it must be asked again.';
REVOKE ALL ON FUNCTION switchboard._serve_campaign(uuid, int, timestamptz, boolean) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._campaigns_to_serve(at timestamptz)
RETURNS TABLE (campaign_id uuid)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: looks at every tenant. Cost: a handful of index probes per active campaign; none when none is active.
BEGIN
  RETURN QUERY
  SELECT c.id
  FROM switchboard.campaigns c
  WHERE c.status = 'active' AND c.type IN ('power', 'predictive')
    AND (switchboard._has_something_due(c.tenant_id, c.id, at) OR switchboard._nobody_left(c.id))
  ORDER BY random();
END
$$;
COMMENT ON FUNCTION switchboard._campaigns_to_serve(timestamptz) IS
  'Active campaigns that dial by themselves and have something to do, in random order so that none always comes last.';
REVOKE ALL ON FUNCTION switchboard._campaigns_to_serve(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._next_dial_at(at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: looks at every tenant. What is due already waits for a line or a lock, not for the clock: whoever frees
-- those wakes the workers. Cost: four index probes per active campaign.
BEGIN
  RETURN (
  SELECT min(n.due)
  FROM switchboard.campaigns c
  CROSS JOIN LATERAL (
    SELECT min(t.due) AS due
    FROM (SELECT (SELECT l.next_attempt_at FROM switchboard.campaign_contacts l
                  WHERE c.cron_schedule IS NULL AND l.campaign_id = c.id AND l.status = s.status
                    AND l.status IN ('pending', 'failed', 'callback') AND l.next_attempt_at > at
                  ORDER BY l.next_attempt_at LIMIT 1) AS due
          FROM (VALUES ('pending'::switchboard.campaign_contact_status), ('failed'), ('callback')) AS s (status)
          UNION ALL
          SELECT min(q.scheduled_at) FROM switchboard.dialer_queues q
          WHERE q.tenant_id = c.tenant_id AND q.campaign_id = c.id AND q.status = 'queued' AND q.scheduled_at > at) t) n
  WHERE c.status = 'active' AND c.type IN ('power', 'predictive'));
END
$$;
COMMENT ON FUNCTION switchboard._next_dial_at(timestamptz) IS
  'When somebody on the list of a campaign that dials by itself becomes due next; NULL: nobody will.';
REVOKE ALL ON FUNCTION switchboard._next_dial_at(timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._stop_broken_campaign(campaign uuid, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal.
BEGIN
  RAISE WARNING 'campaign % cannot be dialed and is paused', campaign;
  UPDATE switchboard.campaigns c SET status = 'paused' WHERE c.id = campaign AND c.status = 'active';
  PERFORM switchboard._audit(c.tenant_id, 'campaign-cannot-be-dialed', 'campaign:' || c.id, jsonb_build_object('error', reason))
  FROM switchboard.campaigns c WHERE c.id = campaign;
END
$$;
COMMENT ON FUNCTION switchboard._stop_broken_campaign(uuid, text) IS
  'Pauses a campaign whose dialing raised an error and notes the error in the audit log.';
REVOKE ALL ON FUNCTION switchboard._stop_broken_campaign(uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._serve_campaigns(max_calls int, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal.
-- Twice around: first everybody takes their fair part, then whoever can use it takes what others have left.
DECLARE
  due     uuid[] := ARRAY(SELECT s.campaign_id FROM switchboard._campaigns_to_serve(at) s);
  alone   boolean := cardinality(due) = 1;
  served  int := 0;
  calls   int;
  in_use  boolean := false;
BEGIN
  FOR round IN 1 .. CASE WHEN alone THEN 1 ELSE 2 END LOOP
    FOR i IN 1 .. cardinality(due) LOOP
      EXIT WHEN served >= max_calls;
      BEGIN
        calls := switchboard._serve_campaign(
          due[i], ceil((max_calls - served)::numeric / (cardinality(due) - i + 1))::int, at, alone OR round = 2);
        in_use := in_use OR calls IS NULL;
        served := served + coalesce(calls, 0);
      EXCEPTION WHEN data_exception OR integrity_constraint_violation OR raise_exception OR SQLSTATE 'SB012' THEN
        -- One campaign that cannot be dialed must not hold up everybody's jobs, turn after turn.
        PERFORM switchboard._stop_broken_campaign(due[i], SQLERRM);
      END;
    END LOOP;
  END LOOP;
  RETURN in_use;
END
$$;
COMMENT ON FUNCTION switchboard._serve_campaigns(int, timestamptz) IS
  'Dials for the campaigns that dial by themselves, at most so many calls; whether one was passed over because another session was at it.';
REVOKE ALL ON FUNCTION switchboard._serve_campaigns(int, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._before_claim(max_calls int)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
-- SECURITY DEFINER: dispatch acts for every tenant. Internal: called by the queue.
-- First what may free lines and agents. A campaign that was passed over is tried again at once: what the other session had counted
-- before it may have changed since.
DECLARE
  at       timestamptz := clock_timestamp();
  silent   timestamptz := switchboard._look_for_silent_calls(at);
  wrap_up  timestamptz := switchboard._end_wrap_ups(at);
  waiting  timestamptz := switchboard._before_claim_queue(at);
  runs     timestamptz := switchboard._before_claim_runs(at);
  in_use   boolean := switchboard._serve_campaigns(max_calls, at);
BEGIN
  PERFORM switchboard._complete_idle_campaigns();
  PERFORM switchboard._retry_webhooks();
  RETURN least(switchboard._next_dial_at(at), switchboard._next_webhook_retry(), silent, wrap_up, waiting, runs,
               CASE WHEN in_use THEN at + interval '100 ms' END);
END
$$;
COMMENT ON FUNCTION switchboard._before_claim(int) IS
  'Hook of the queue ahead of a claim: dials for the active power and predictive campaigns, at most so many calls. Also settles
calls without news, ends wrap-ups, gives waiting inbound calls to free agents, goes on with runs of triggered calls, and tries webhooks again that could not be acted on. Returns when there is something to do next.';
REVOKE ALL ON FUNCTION switchboard._before_claim(int) FROM PUBLIC;
