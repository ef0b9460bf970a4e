-- What became of calls: by the word of the provider (webhooks) and by the results of jobs.
--
-- Status only moves forward: initiated, ringing, answered, and then one of the final ones, which nothing overwrites. An
-- event that comes late still completes what it knows (when the call was answered, for how long). A call that was settled for
-- want of news (hangup_cause no-news, see 51_silent_calls.sql) gets the true times and cause from a late completed; it stays settled.

-- Inlined by the planner, hence no SET clause: planned for itself, it would cost more than the rest of a statement that calls it.
CREATE OR REPLACE FUNCTION switchboard._call_rank(status switchboard.call_status)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE status WHEN 'initiated' THEN 0 WHEN 'ringing' THEN 1 WHEN 'answered' THEN 2 WHEN 'completed' THEN 3 WHEN 'failed' THEN 3
                     WHEN 'busy' THEN 3 WHEN 'no-answer' THEN 3 WHEN 'canceled' THEN 3 END
$$;
COMMENT ON FUNCTION switchboard._call_rank(switchboard.call_status) IS
  'How far a call has come; 3 is final. NULL for an event that says nothing about it.';
REVOKE ALL ON FUNCTION switchboard._call_rank(switchboard.call_status) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._delivery_rank(status switchboard.delivery_status)
RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE status WHEN 'queued' THEN 0 WHEN 'sent' THEN 1 WHEN 'delivered' THEN 2 WHEN 'failed' THEN 2 ELSE 3 END $$;
COMMENT ON FUNCTION switchboard._delivery_rank(switchboard.delivery_status) IS
  'How far a message has come; failed and delivered exclude each other, the first one stays.';
REVOKE ALL ON FUNCTION switchboard._delivery_rank(switchboard.delivery_status) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._find_call(event switchboard.call_status_event)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- PL/pgSQL, which keeps its plans.
BEGIN
  RETURN coalesce(
    (SELECT c.id FROM switchboard.call_logs c WHERE c.tenant_id = event.tenant_id AND c.id = event.call_log_id),
    (SELECT c.id FROM switchboard.call_logs c
     WHERE c.tenant_id = event.tenant_id AND c.provider = event.provider AND c.call_id = event.call_id));
END
$$;
COMMENT ON FUNCTION switchboard._find_call(switchboard.call_status_event) IS
  'The call an event is about, within its tenant: by our id if the event carries it, else by the provider''s.';
REVOKE ALL ON FUNCTION switchboard._find_call(switchboard.call_status_event) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._told_cost(raw jsonb)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  -- Some providers write what they charge as a negative amount.
  SELECT CASE WHEN p.price ~ '^-?[0-9]{1,8}([.][0-9]{1,12})?$' THEN round(abs(p.price::numeric), 4) END
  FROM (SELECT coalesce(raw ->> 'Price', raw ->> 'price') AS price) p
$$;
COMMENT ON FUNCTION switchboard._told_cost(jsonb) IS
  'What a provider says that a call cost: Price or price of its fields; NULL when that is no amount.';
REVOKE ALL ON FUNCTION switchboard._told_cost(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._told_currency(raw jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT substring(upper(coalesce(raw ->> 'PriceUnit', raw ->> 'price_unit', raw ->> 'currency')) FROM '^[A-Z]{3}$')
$$;
COMMENT ON FUNCTION switchboard._told_currency(jsonb) IS
  'The currency of what a provider says that a call cost: PriceUnit, price_unit or currency of its fields; NULL when it is not said.';
REVOKE ALL ON FUNCTION switchboard._told_currency(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_call_status(events switchboard.call_status_event[])
RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
-- SECURITY DEFINER: acts for the tenant each event names. Internal: whoever calls has made sure of that.
-- Calls are locked first, in order, and read afterwards: two events of one call take turns and none is lost, two batches
-- never deadlock. A call that was deleted meanwhile is passed over. Cost per event: a lookup, an update and two inserts, and
-- when the call ends what _conclude_calls() costs. Planned once a session, which is most of the time of a short statement; the
-- settings leave index probes only, whatever the tables looked like then.
DECLARE
  calls  uuid[] := ARRAY(SELECT switchboard._find_call(events[n]) FROM generate_subscripts(events, 1) AS n ORDER BY n);
  at     timestamptz := clock_timestamp();
  moved  int;
  ended  uuid[];
  doomed uuid[];
  freed  boolean;
BEGIN
  PERFORM FROM switchboard.call_logs c WHERE c.id = ANY (calls) ORDER BY c.id FOR NO KEY UPDATE;
  WITH told AS MATERIALIZED (
    SELECT calls[e.n] AS call, e.tenant_id, e.call_id, e.status, e.occurred_at, e.duration, e.answered_by, e.recording_url,
           e.cause, e.raw
    FROM unnest(events) WITH ORDINALITY
      AS e (call_log_id, tenant_id, provider, call_id, status, occurred_at, duration, answered_by, recording_url, cause, raw, n)
    JOIN switchboard.call_logs c ON c.id = calls[e.n]
  ), furthest AS MATERIALIZED (
    SELECT DISTINCT ON (t.call) t.call, t.status, t.occurred_at, t.cause
    FROM told t WHERE t.status IS NOT NULL
    ORDER BY t.call, switchboard._call_rank(t.status) DESC, t.occurred_at
  ), known AS MATERIALIZED (
    SELECT t.call, min(t.call_id) AS call_id, max(t.duration) AS duration, max(t.answered_by) AS answered_by,
           max(t.recording_url) AS recording_url, min(t.occurred_at) FILTER (WHERE t.status = 'answered') AS answered_at,
           max(switchboard._told_cost(t.raw)) FILTER (WHERE t.raw ?| '{Price,price}') AS cost,
           max(switchboard._told_currency(t.raw)) FILTER (WHERE t.raw ?| '{Price,price}') AS currency
    FROM told t GROUP BY t.call
  ), steps AS MATERIALIZED (
    SELECT c.id, c.status AS before,
           CASE WHEN switchboard._call_rank(f.status) > switchboard._call_rank(c.status) THEN f.status ELSE c.status END AS after,
           CASE WHEN switchboard._call_rank(c.status) < 3 AND switchboard._call_rank(f.status) = 3 THEN f.occurred_at END AS ended_at,
           CASE WHEN switchboard._call_rank(c.status) = 3 AND c.hangup_cause = 'no-news' AND f.status = 'completed'
                THEN f.occurred_at END AS true_end,
           f.cause, k.call_id, k.duration, k.answered_by, k.recording_url, k.answered_at, k.cost, k.currency
    FROM known k
    JOIN switchboard.call_logs c ON c.id = k.call
    LEFT JOIN furthest f ON f.call = k.call
  ), logs AS (
    UPDATE switchboard.call_logs c
    SET status = s.after,
        call_id = coalesce(c.call_id, s.call_id),
        duration = coalesce(CASE WHEN s.true_end IS NOT NULL THEN s.duration END, greatest(c.duration, s.duration),
          CASE WHEN s.ended_at IS NOT NULL THEN 0 END),
        -- A completed call was answered: until the event that says when turns up, its length tells.
        answered_at = coalesce(least(c.answered_at, s.answered_at),
          CASE WHEN s.after = 'completed' OR s.true_end IS NOT NULL
               THEN coalesce(s.true_end, s.ended_at, c.ended_at) - coalesce(s.duration, c.duration, 0) * interval '1 second' END),
        ended_at = coalesce(s.true_end, c.ended_at, s.ended_at),
        -- While nobody speaks with a caller, _inbound_plan() sees to it.
        expires_at = CASE WHEN switchboard._call_rank(s.after) = 3 THEN NULL
                          WHEN c.direction = 'outbound' OR s.after = 'answered' THEN switchboard._news_due(c, s.after = 'answered', at)
                          ELSE c.expires_at END,
        answered_by = coalesce(s.answered_by, c.answered_by),
        recording_url = coalesce(s.recording_url, c.recording_url),
        hangup_cause = CASE WHEN s.true_end IS NULL
                            THEN coalesce(c.hangup_cause, CASE WHEN s.ended_at IS NOT NULL THEN s.cause END) ELSE s.cause END,
        cost = coalesce(s.cost, c.cost), cost_currency = coalesce(s.currency, c.cost_currency)
    FROM steps s WHERE c.id = s.id
    RETURNING c.id, c.tenant_id, c.campaign_id, c.user_id, c.direction, c.status, c.duration, c.call_id, c.hang_up_at, s.before, s.ended_at
  ), trail AS (
    INSERT INTO switchboard.call_events (tenant_id, call_log_id, status, raw, occurred_at)
    SELECT t.tenant_id, t.call, t.status, coalesce(t.raw, '{}'), t.occurred_at FROM told t
  ), feed AS (
    INSERT INTO switchboard.events (tenant_id, event, subject_id, user_id, data)
    SELECT l.tenant_id, 'call-status-updated', l.id, l.user_id,
           jsonb_strip_nulls(jsonb_build_object('callId', l.id, 'status', l.status, 'direction', l.direction, 'userId', l.user_id,
                                                'campaignId', l.campaign_id, 'duration', l.duration))
    FROM logs l WHERE l.status <> l.before
  )
  SELECT count(*) FILTER (WHERE l.status <> l.before), array_agg(l.id) FILTER (WHERE l.ended_at IS NOT NULL),
         array_agg(l.id) FILTER (WHERE l.hang_up_at IS NOT NULL AND l.call_id IS NOT NULL AND switchboard._call_rank(l.status) < 3),
         coalesce(bool_or(l.ended_at IS NOT NULL AND l.campaign_id IS NOT NULL), false)
  INTO moved, ended, doomed, freed
  FROM logs l;
  IF ended IS NOT NULL THEN
    PERFORM switchboard._conclude_calls(ended, at);
  END IF;
  IF doomed IS NOT NULL THEN
    PERFORM switchboard._send_hang_ups(doomed);
  END IF;
  IF freed THEN
    PERFORM switchboard._wake();   -- a line is free
  END IF;
  RETURN moved;
END
$$;
COMMENT ON FUNCTION switchboard._apply_call_status(switchboard.call_status_event[]) IS
  'Applies what providers say about calls: status forward only, times, cost, the trail in call_events, the feed, and when a call ends
what _conclude_calls() does. Events about unknown calls are left out. Returns how many calls moved.';
REVOKE ALL ON FUNCTION switchboard._apply_call_status(switchboard.call_status_event[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_message_status(
  tenant uuid, provider_name text, delivery_id uuid, provider_id text, new_status switchboard.delivery_status, at timestamptz,
  code text DEFAULT NULL, problem text DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant given. Internal.
DECLARE
  delivery switchboard.message_delivery_log;
BEGIN
  SELECT d.* INTO delivery FROM switchboard.message_delivery_log d
  WHERE d.tenant_id = tenant
    AND (d.id = delivery_id OR d.provider = provider_name AND d.provider_message_id = provider_id)
  ORDER BY d.id = delivery_id DESC NULLS LAST
  LIMIT 1 FOR NO KEY UPDATE;
  IF NOT FOUND OR switchboard._delivery_rank(new_status) < switchboard._delivery_rank(delivery.status)
     OR switchboard._delivery_rank(new_status) = switchboard._delivery_rank(delivery.status) AND new_status <> delivery.status
     OR delivery.status = 'failed' THEN
    RETURN false;
  END IF;
  UPDATE switchboard.message_delivery_log d
  SET status = new_status,
      provider_message_id = coalesce(d.provider_message_id, provider_id),
      sent_at = coalesce(d.sent_at, CASE WHEN new_status <> 'failed' AND new_status <> 'queued' THEN at END),
      delivered_at = coalesce(d.delivered_at, CASE WHEN new_status IN ('delivered', 'read') THEN at END),
      read_at = coalesce(d.read_at, CASE WHEN new_status = 'read' THEN at END),
      error_code = coalesce(code, d.error_code), error = coalesce(problem, d.error)
  WHERE d.id = delivery.id;
  IF new_status <> delivery.status THEN
    PERFORM switchboard._add_event(tenant, 'message-status-updated', delivery.message_id,
      jsonb_strip_nulls(jsonb_build_object('messageId', delivery.message_id, 'channel', delivery.channel, 'status', new_status,
                                           'errorCode', code)));
  END IF;
  RETURN true;
END
$$;
COMMENT ON FUNCTION switchboard._apply_message_status(uuid, text, uuid, text, switchboard.delivery_status, timestamptz, text, text) IS
  'Moves a delivery forward, found by its id, else by the provider''s; false when it is unknown or already further.';
REVOKE ALL ON FUNCTION switchboard._apply_message_status(uuid, text, uuid, text, switchboard.delivery_status, timestamptz, text, text)
  FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_job_results(results switchboard.job_result[])
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: acts for the tenant of each job. Internal: called by the queue with what it has recorded.
DECLARE
  refused uuid[];
  ended   switchboard.call_status_event[];
  doomed  uuid[];
  over    uuid[];   -- nobody will report on them
  placed  boolean;
  at      timestamptz := clock_timestamp();
  message record;
  waiting uuid;
BEGIN
  -- Placed: the provider's name for the call, and how long to wait for news. A webhook may have told us already.
  WITH placed_calls AS (
    UPDATE switchboard.call_logs c
    SET call_id = coalesce(c.call_id, CASE WHEN switchboard._takes_packages(a.provider)
                                           THEN switchboard._unused_call_id(c.tenant_id, a.provider, r.provider_id)
                                           ELSE nullif(r.provider_id, '') END),
        provider = coalesce(c.provider, a.provider),
        expires_at = coalesce(c.expires_at, CASE WHEN switchboard._call_rank(c.status) < 3
                                                 THEN switchboard._news_due(c, c.status = 'answered', at) END)
    FROM unnest(results) r
    LEFT JOIN switchboard.provider_accounts a ON a.id = r.account_id
    WHERE r.kind = 'call' AND r.outcome = 'ok' AND c.tenant_id = r.tenant_id AND c.id = r.subject_id
      AND (c.call_id IS NULL AND r.provider_id <> '' OR c.expires_at IS NULL AND switchboard._call_rank(c.status) < 3)
    RETURNING c.id, c.hang_up_at IS NOT NULL AND c.call_id IS NOT NULL AND switchboard._call_rank(c.status) < 3 AS doomed,
              a.provider = 'webhook' AND a.settings -> 'reports' = 'false' AS handed_over
  )
  SELECT count(*) > 0, array_agg(p.id) FILTER (WHERE p.doomed), array_agg(p.id) FILTER (WHERE p.handed_over)
  INTO placed, doomed, over FROM placed_calls p;
  IF placed THEN
    PERFORM switchboard._note_placed_calls();
  END IF;
  IF doomed IS NOT NULL THEN
    PERFORM switchboard._send_hang_ups(doomed);
  END IF;
  IF over IS NOT NULL THEN
    PERFORM switchboard._apply_call_status(ARRAY(
      SELECT ROW(c.id, c.tenant_id, c.provider, NULL, 'completed', at, NULL, NULL, NULL, 'handed-over', '{"source": "handed-over"}'
                )::switchboard.call_status_event
      FROM switchboard.call_logs c WHERE c.id = ANY (over)));
  END IF;
  FOR message IN
    SELECT r.*, a.provider FROM unnest(results) r
    LEFT JOIN switchboard.provider_accounts a ON a.id = r.account_id
    WHERE r.kind = 'message' AND (r.final OR r.outcome = 'ok')
    ORDER BY r.job_id
  LOOP
    PERFORM switchboard._apply_message_status(message.tenant_id, message.provider,
      switchboard._uuid_or_null(message.payload ->> 'delivery_id'), message.provider_id,
      CASE WHEN message.outcome = 'ok' THEN 'sent'::switchboard.delivery_status ELSE 'failed' END, at,
      CASE WHEN message.outcome <> 'ok' THEN message.code END, CASE WHEN message.outcome <> 'ok' THEN message.error END);
  END LOOP;
  -- Webhooks that came before we knew that name.
  FOR waiting IN
    SELECT w.id
    FROM unnest(results) r
    JOIN switchboard.provider_accounts a ON a.id = r.account_id
    JOIN switchboard.webhook_inbox w ON w.tenant_id = r.tenant_id AND w.provider = a.provider AND w.external_id = r.provider_id
    WHERE r.kind IN ('call', 'message') AND r.outcome = 'ok' AND w.processed_at IS NULL
    ORDER BY w.received_at FOR NO KEY UPDATE OF w SKIP LOCKED
  LOOP
    PERFORM switchboard._act_on_webhook(waiting);
  END LOOP;

  -- Not placed, for good. If a webhook has come meanwhile the call does exist, and its word counts.
  SELECT array_agg(ROW(c.id, c.tenant_id, c.provider, NULL,
                       CASE WHEN r.code = 'canceled' OR c.hang_up_at IS NOT NULL
                              OR switchboard._is_refusal(r.code) THEN 'canceled' ELSE 'failed' END,
                       at, 0, NULL, NULL, r.code,
                       jsonb_strip_nulls(jsonb_build_object('outcome', r.outcome, 'code', r.code, 'error', r.error))
                      )::switchboard.call_status_event),
         array_agg(c.id) FILTER (WHERE switchboard._is_refusal(r.code))
  INTO ended, refused
  FROM unnest(results) r
  JOIN switchboard.call_logs c ON c.tenant_id = r.tenant_id AND c.id = r.subject_id
  WHERE r.kind = 'call' AND r.final AND r.outcome <> 'ok' AND c.status = 'initiated' AND c.call_id IS NULL;
  IF ended IS NOT NULL THEN
    IF refused IS NOT NULL THEN
      PERFORM switchboard._release_contacts(refused, at);
    END IF;
    -- A webhook has a name as soon as an attempt was not answered: then it was perhaps taken, whatever the last one came to.
    UPDATE switchboard.call_logs c
    SET error_code = CASE WHEN d.doubtful THEN 'in_doubt' ELSE r.code END, error = CASE WHEN d.doubtful THEN 'perhaps taken: ' ELSE '' END || r.error
    FROM unnest(results) r
    LEFT JOIN switchboard.provider_accounts a ON a.id = r.account_id
    CROSS JOIN LATERAL (SELECT a.provider = 'webhook' AND r.provider_id <> '' AND r.code IS DISTINCT FROM 'canceled'
                               AND NOT switchboard._is_refusal(r.code) AS doubtful) d
    WHERE r.kind = 'call' AND c.tenant_id = r.tenant_id AND c.id = r.subject_id AND c.id = ANY (SELECT (unnest(ended)).call_log_id);
    PERFORM switchboard._fail_bad_triggers(results);
    PERFORM switchboard._apply_call_status(ended);
    PERFORM switchboard._mark_bad_numbers(results);
    UPDATE switchboard.dialer_queues q SET status = 'skipped', reason = c.error_code
    FROM switchboard.call_logs c
    WHERE c.id = ANY (refused) AND q.tenant_id = c.tenant_id AND q.call_log_id = c.id;
  END IF;

  IF EXISTS (SELECT FROM unnest(results) r WHERE r.kind IN ('call.update', 'call.status')) THEN
    PERFORM switchboard._apply_control_results(results, at);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._apply_job_results(switchboard.job_result[]) IS
  'Hook of the queue: what finished jobs mean for calls, people on lists, queue entries and message deliveries. A call whose job is in
doubt stays initiated until the provider has been asked or its webhook comes.';
REVOKE ALL ON FUNCTION switchboard._apply_job_results(switchboard.job_result[]) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._uuid_or_null(value text)
RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN switchboard._is_uuid(value) THEN value::uuid END $$;
COMMENT ON FUNCTION switchboard._uuid_or_null(text) IS 'A text as uuid, or NULL when it is none.';
REVOKE ALL ON FUNCTION switchboard._uuid_or_null(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._mark_bad_numbers(results switchboard.job_result[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of each job. Internal.
  -- The provider will not call this number, whoever asks: no further attempt, on any list of this tenant that holds it as failed.
  WITH marked AS (
    UPDATE switchboard.campaign_contacts l
    SET next_attempt_at = NULL, last_outcome = 'bad-number'
    FROM unnest(results) r
    JOIN switchboard.call_logs c ON c.tenant_id = r.tenant_id AND c.id = r.subject_id
    WHERE r.kind = 'call' AND r.final AND r.outcome = 'suppress' AND r.code <> 'canceled' AND NOT switchboard._is_refusal(r.code)
      AND l.id = c.campaign_contact_id AND l.last_call_id = c.id AND l.status = 'failed'
    RETURNING l.tenant_id, l.id
  )
  UPDATE switchboard.call_triggers t SET status = 'failed', reason = 'bad-number'
  FROM marked m
  WHERE t.tenant_id = m.tenant_id AND t.campaign_contact_id = m.id AND t.status IN ('scheduled', 'calling')
$$;
COMMENT ON FUNCTION switchboard._mark_bad_numbers(switchboard.job_result[]) IS
  'A provider''s refusal that is about the number (no such number, blocked) ends the attempts for the person on the list, and what was triggered for
them.';
REVOKE ALL ON FUNCTION switchboard._mark_bad_numbers(switchboard.job_result[]) FROM PUBLIC;
