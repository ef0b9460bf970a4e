-- What people do to calls that are there: hang up, leave a recorded message, delete. Providers are told by jobs of kind
-- call.update, ahead of everything else of the account; kind call.status asks them how a call stands.
--
-- A call goes to the provider in two steps that may lie far apart: dialed_at is set when the request leaves, call_id when it is
-- known under which name the provider has it. So hanging up has three cases:
--   dialed_at is null          nothing has left: the call is over at once, and its job refuses to be sent
--   call_id is null            the request is under way or in doubt: hang_up_at remembers the wish, which also stops a repeat of
--                              the request; the provider is told when the call's id comes in by answer, look-up or webhook
--   call_id is known           the provider is told now; the call is over when the provider says so
-- Every later word about a call that should have ended asks the provider again, should the first request have failed for good.

CREATE OR REPLACE FUNCTION switchboard._call_for_change(call uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: what is done to a call reaches tables that are not the caller's to write; the session is checked as row level
-- security would, before the row is locked.
DECLARE
  log switchboard.call_logs;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c
  WHERE c.id = call AND switchboard._caller_may(c.tenant_id, c.user_id) FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such call: %', coalesce(call::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard._call_for_change(uuid) IS
  'The call, locked until the end of the transaction; P0002 when the session may not see it.';
REVOKE ALL ON FUNCTION switchboard._call_for_change(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._require_carrier(call switchboard.call_logs)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: agents change calls without reading accounts.
BEGIN
  PERFORM FROM switchboard.provider_accounts a WHERE a.tenant_id = call.tenant_id AND a.id = call.account_id AND a.enabled;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no provider account carries call %', call.id USING ERRCODE = 'SB002',
      HINT = 'Its account was deleted or is not enabled.';
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._require_carrier(switchboard.call_logs) IS
  'SB002 unless the account that carries the call is there and enabled.';
REVOKE ALL ON FUNCTION switchboard._require_carrier(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._send_call_update(call switchboard.call_logs, action jsonb, tries int DEFAULT 5)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: jobs are not the application's to write. Internal.
  -- One open job per call and action: asking twice is asking once. Whoever waits for a call to end does not wait for eight tries.
  INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority, max_attempts, idempotency_key)
  VALUES (call.tenant_id, 'call.update', call.account_id, call.id,
          jsonb_build_object('provider_call_id', call.call_id, 'call_log_id', call.id) || action, 10, tries,
          (action ->> 'action') || ':' || call.id)
  ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
$$;
COMMENT ON FUNCTION switchboard._send_call_update(switchboard.call_logs, jsonb, int) IS
  'Queues a change of a live call at its provider, tried so often at most: {"action": "hangup"}, {"action": "play", "audio_url": ...},
{"action": "transfer", "url": ...}.';
REVOKE ALL ON FUNCTION switchboard._send_call_update(switchboard.call_logs, jsonb, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._send_hang_ups(calls uuid[])
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: as _send_call_update(). Internal: the caller has locked the calls and knows that the provider knows them.
  SELECT switchboard._send_call_update(c, '{"action": "hangup"}') FROM switchboard.call_logs c WHERE c.id = ANY (calls) ORDER BY c.id
$$;
COMMENT ON FUNCTION switchboard._send_hang_ups(uuid[]) IS 'Asks the providers of these calls to hang up.';
REVOKE ALL ON FUNCTION switchboard._send_hang_ups(uuid[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._end_call_here(call switchboard.call_logs, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call, which no provider knows.
-- The attempt does not count. A campaign that dials by itself leaves the person alone for its retry interval: whoever hangs up
-- before the call has left does not want it placed again within the second.
BEGIN
  IF call.status <> 'answered' THEN
    PERFORM switchboard._release_contacts(ARRAY[call.id], at);
    UPDATE switchboard.campaign_contacts p
    SET next_attempt_at = greatest(p.next_attempt_at, at + k.retry_interval * interval '1 second')
    FROM switchboard.campaigns k
    WHERE p.id = call.campaign_contact_id AND p.last_call_id = call.id AND p.status = 'pending'
      AND k.id = p.campaign_id AND k.type IN ('power', 'predictive');
    UPDATE switchboard.dialer_queues q SET status = 'skipped', reason = 'canceled'
    WHERE q.tenant_id = call.tenant_id AND q.call_log_id = call.id AND q.status = 'calling';
  END IF;
  PERFORM switchboard._apply_call_status(ARRAY[
    ROW(call.id, call.tenant_id, call.provider, NULL, CASE call.status WHEN 'answered' THEN 'completed' ELSE 'canceled' END, at,
        floor(extract(epoch FROM at - coalesce(call.answered_at, at)))::int, NULL, NULL, 'hung-up',
        '{"reason": "hung-up"}')::switchboard.call_status_event]);
END
$$;
COMMENT ON FUNCTION switchboard._end_call_here(switchboard.call_logs, timestamptz) IS
  'Ends a call that no provider has or ever had: completed when it was answered, else canceled, and then its person is back on the list.';
REVOKE ALL ON FUNCTION switchboard._end_call_here(switchboard.call_logs, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.hang_up(call_log_id uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: see _call_for_change(), which checks the session.
DECLARE
  log switchboard.call_logs := switchboard._call_for_change(hang_up.call_log_id);
  at  timestamptz := clock_timestamp();
BEGIN
  IF switchboard._call_rank(log.status) = 3 THEN
    RAISE EXCEPTION 'call % cannot be hung up: it is %', log.id, log.status USING ERRCODE = 'SB005';
  END IF;
  IF log.account_id IS NOT NULL AND coalesce(log.call_id, log.dialed_at::text) IS NOT NULL THEN
    PERFORM switchboard._require_carrier(log);
    IF log.call_id IS NOT NULL AND switchboard._takes_packages(log.provider) THEN
      RAISE EXCEPTION 'provider % cannot be told to hang up', log.provider USING ERRCODE = '0A000';
    END IF;
    UPDATE switchboard.call_logs c SET hang_up_at = coalesce(c.hang_up_at, at) WHERE c.id = log.id;
    IF log.call_id IS NOT NULL THEN
      PERFORM switchboard._send_hang_ups(ARRAY[log.id]);
    END IF;
  ELSE
    UPDATE switchboard.call_logs c SET hang_up_at = at WHERE c.id = log.id;
    PERFORM switchboard._end_call_here(log, at);
  END IF;
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = log.id;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard.hang_up(uuid) IS
  'Ends a call that has not ended; returns the call_logs row. One that has not been sent yet is canceled in this transaction: it is
never placed, and its person goes back on the campaign''s list, the attempt not counted. One that the provider has is hung up after
commit, also when it only rings; it ends when the provider says so. Asking again is harmless. Errors: P0002 no such call, SB005 it
has ended, SB002 its account is gone, 0A000 an external call system has it.';
REVOKE ALL ON FUNCTION switchboard.hang_up(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._leave_voicemail(call uuid, voicemail uuid, at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: the caller has locked the call.
DECLARE
  message switchboard.voicemail_drops;
BEGIN
  UPDATE switchboard.voicemail_drops v SET usage_count = v.usage_count + 1
  FROM switchboard.call_logs c
  WHERE c.id = call AND c.voicemail_at IS NULL AND v.tenant_id = c.tenant_id AND v.id = voicemail
  RETURNING v.* INTO message;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE switchboard.call_logs c SET voicemail_at = at, answered_by = 'machine' WHERE c.id = call;
  INSERT INTO switchboard.call_events (tenant_id, call_log_id, raw, occurred_at)
  VALUES (message.tenant_id, call, jsonb_build_object('voicemail', message.name, 'voicemail_id', message.id), at);
  RETURN message.audio_url;
END
$$;
COMMENT ON FUNCTION switchboard._leave_voicemail(uuid, uuid, timestamptz) IS
  'Notes that a recorded message is left on an answered call: voicemail_at, answered_by machine, usage_count, trail. Returns the
address of the audio; NULL when one was left already or the tenant has no such message.';
REVOKE ALL ON FUNCTION switchboard._leave_voicemail(uuid, uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._can_play(provider text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(provider IN ('twilio', 'vonage'), false) $$;
COMMENT ON FUNCTION switchboard._can_play(text) IS 'Whether a provider can be told to play something into a live call.';
REVOKE ALL ON FUNCTION switchboard._can_play(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.drop_voicemail(call_log_id uuid, voicemail_id uuid)
RETURNS switchboard.call_logs
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: see _call_for_change(), which checks the session.
DECLARE
  log   switchboard.call_logs := switchboard._call_for_change(drop_voicemail.call_log_id);
  at    timestamptz := clock_timestamp();
  audio text;
BEGIN
  PERFORM FROM switchboard.voicemail_drops v
  WHERE v.id = drop_voicemail.voicemail_id AND v.tenant_id = log.tenant_id AND switchboard._caller_may(v.tenant_id, v.user_id);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such voicemail message: %', coalesce(drop_voicemail.voicemail_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  IF log.status <> 'answered' OR log.call_id IS NULL THEN
    RAISE EXCEPTION 'no message can be left on call %: it is %', log.id, log.status USING ERRCODE = 'SB005',
      HINT = 'Only a call that was answered and has not ended can take one.';
  ELSIF log.voicemail_at IS NOT NULL OR log.hang_up_at IS NOT NULL THEN
    RAISE EXCEPTION 'no message can be left on call %: %', log.id,
        CASE WHEN log.voicemail_at IS NOT NULL THEN 'one was left already' ELSE 'it is being hung up' END
      USING ERRCODE = 'SB005';
  END IF;
  PERFORM switchboard._require_carrier(log);
  IF NOT switchboard._can_play(log.provider) THEN
    RAISE EXCEPTION 'provider % cannot play a message into a live call', log.provider USING ERRCODE = '0A000';
  END IF;
  audio := switchboard._leave_voicemail(log.id, drop_voicemail.voicemail_id, at);
  PERFORM switchboard._send_call_update(log, jsonb_build_object('action', 'play', 'audio_url', audio,
                                                                'voicemail_id', drop_voicemail.voicemail_id));
  PERFORM switchboard._release_agents(ARRAY[log.id], at);
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = log.id;
  RETURN log;
END
$$;
COMMENT ON FUNCTION switchboard.drop_voicemail(uuid, uuid) IS
  'Leaves a recorded message (voicemail_drops) on a live call that a machine answered, and ends the call after it; the agent is free
at once. Returns the call_logs row. The outcome of the attempt is voicemail; usage_count counts one more, and one less again if the
provider refuses. Errors: P0002 no such call or message, SB005 not answered, over, or a message was left already, SB002 its account
is gone, 0A000 the provider cannot play into a live call.';
REVOKE ALL ON FUNCTION switchboard.drop_voicemail(uuid, uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._answer_machine(call uuid, at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal: a webhook has said that a machine answered, after the call was
-- connected. Calls that no campaign made are somebody's own: they hear the machine themselves.
DECLARE
  log    switchboard.call_logs;
  wanted uuid;
  audio  text;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call FOR NO KEY UPDATE;
  IF log.campaign_id IS NULL OR log.status <> 'answered' OR log.answered_by NOT IN ('machine', 'fax') OR log.call_id IS NULL
     OR log.voicemail_at IS NOT NULL OR log.hang_up_at IS NOT NULL THEN
    RETURN;
  END IF;
  SELECT switchboard._uuid_or_null(k.settings ->> 'voicemail_id') INTO wanted FROM switchboard.campaigns k WHERE k.id = log.campaign_id;
  IF log.answered_by = 'machine' AND wanted IS NOT NULL AND switchboard._can_play(log.provider) THEN
    audio := switchboard._leave_voicemail(log.id, wanted, at);
  END IF;
  IF audio IS NOT NULL THEN
    PERFORM switchboard._send_call_update(log, jsonb_build_object('action', 'play', 'audio_url', audio, 'voicemail_id', wanted));
    PERFORM switchboard._release_agents(ARRAY[log.id], at);
  ELSE
    UPDATE switchboard.call_logs c SET hang_up_at = at WHERE c.id = log.id;
    PERFORM switchboard._send_hang_ups(ARRAY[log.id]);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._answer_machine(uuid, timestamptz) IS
  'A live call of a campaign turns out to be with a machine: the message settings.voicemail_id of the campaign is left, else it is
hung up.';
REVOKE ALL ON FUNCTION switchboard._answer_machine(uuid, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._note_recording(
  call uuid, recording_id text, url text, seconds int, bytes bigint, more jsonb DEFAULT '{}')
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  -- SECURITY DEFINER: acts for the tenant of the call. Internal.
  INSERT INTO switchboard.call_recordings AS r (tenant_id, call_id, provider_recording_id, recording_url, duration, file_size, metadata)
  SELECT c.tenant_id, c.id, recording_id, url, seconds, bytes, jsonb_strip_nulls(more) FROM switchboard.call_logs c WHERE c.id = call
  ON CONFLICT (tenant_id, call_id, provider_recording_id) DO UPDATE SET
    recording_url = coalesce(excluded.recording_url, r.recording_url), duration = coalesce(excluded.duration, r.duration),
    file_size = coalesce(excluded.file_size, r.file_size), metadata = r.metadata || excluded.metadata
$$;
COMMENT ON FUNCTION switchboard._note_recording(uuid, text, text, int, bigint, jsonb) IS
  'A recording of a call: one row per recording of the provider, completed by whatever is said about it later.';
REVOKE ALL ON FUNCTION switchboard._note_recording(uuid, text, text, int, bigint, jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.delete_call(call_log_id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: the audit log is not the application's to write; _call_for_change() checks the session.
DECLARE
  log switchboard.call_logs := switchboard._call_for_change(delete_call.call_log_id);
BEGIN
  IF switchboard._call_rank(log.status) < 3 THEN
    RAISE EXCEPTION 'call % cannot be deleted: it is %', log.id, log.status USING ERRCODE = 'SB005',
      HINT = 'Hang it up first: switchboard.hang_up(id).';
  END IF;
  -- Who asserts nobody here is a superuser, see _caller_may().
  IF switchboard.current_tenant_id() IS NOT NULL AND NOT switchboard.is_supervisor()
     AND log.user_id IS DISTINCT FROM switchboard.current_user_id() THEN
    RAISE EXCEPTION 'call % is not yours to delete', log.id USING ERRCODE = '42501', HINT = 'Supervisors may delete any call.';
  END IF;
  PERFORM switchboard._audit(log.tenant_id, 'delete-call', 'call:' || log.id, jsonb_strip_nulls(jsonb_build_object(
    'direction', log.direction, 'from', log.from_number, 'to', log.to_number, 'status', log.status, 'started_at', log.started_at,
    'dialed_at', log.dialed_at, 'answered_at', log.answered_at, 'ended_at', log.ended_at, 'duration', log.duration,
    'user_id', log.user_id, 'campaign_id', log.campaign_id, 'provider', log.provider, 'call_id', log.call_id)));
  DELETE FROM switchboard.call_logs c WHERE c.id = log.id;
END
$$;
COMMENT ON FUNCTION switchboard.delete_call(uuid) IS
  'Deletes a call that has ended, with its events, recordings and dispositions; what is left is an entry of the audit log. Figures and
frequency caps then no longer count it. Agents delete their own calls, supervisors all. Errors: P0002 no such call, SB005 it has not
ended, 42501 nobody''s call and not a supervisor.';
REVOKE ALL ON FUNCTION switchboard.delete_call(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._fetched_status(result switchboard.job_result, at timestamptz)
RETURNS switchboard.call_status_event
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: reads the call for the tenant of the job. Internal. NULL when the answer says nothing new.
DECLARE
  log  switchboard.call_logs;
  told switchboard.call_status_event;
  said jsonb := result.response;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.tenant_id = result.tenant_id AND c.id = result.subject_id;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  told := ROW(log.id, log.tenant_id, log.provider, NULL,
              CASE WHEN said ->> 'status' = ANY (enum_range(NULL::switchboard.call_status)::text[]) THEN said ->> 'status' END,
              switchboard._event_time(said ->> 'ended_at', at), switchboard._digits_or_null(said ->> 'duration'),
              CASE WHEN said ->> 'answered_by' = ANY (enum_range(NULL::switchboard.answered_by)::text[]) THEN said ->> 'answered_by' END,
              said ->> 'recording_url', NULL, said || '{"source": "call.status"}')::switchboard.call_status_event;
  IF switchboard._call_rank(told.status) > switchboard._call_rank(log.status)
     OR told.answered_by IS NOT NULL AND log.answered_by IS NULL
     OR switchboard._told_cost(said) IS NOT NULL AND log.cost IS NULL
     OR told.recording_url IS NOT NULL AND log.recording_url IS NULL THEN
    RETURN told;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._fetched_status(switchboard.job_result, timestamptz) IS
  'What the answer to a job of kind call.status says about its call: {status (in our words), duration, answered_by, ended_at, price,
price_unit, recording_url}; NULL when we knew.';
REVOKE ALL ON FUNCTION switchboard._fetched_status(switchboard.job_result, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._apply_control_results(results switchboard.job_result[], at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of each job. Internal. Rare beside placing calls: people hang up by hand.
DECLARE
  fetched switchboard.call_status_event[];
BEGIN
  SELECT array_agg(f) INTO fetched
  FROM unnest(results) r, LATERAL switchboard._fetched_status(r, at) f
  WHERE r.kind = 'call.status' AND r.outcome = 'ok' AND f.call_log_id IS NOT NULL;
  IF fetched IS NOT NULL THEN
    PERFORM switchboard._apply_call_status(fetched);
  END IF;

  PERFORM switchboard._note_recording(r.subject_id, r.response ->> 'log_id', r.response ->> 'recording_url',
                                      switchboard._digits_or_null(r.response ->> 'duration'), NULL)
  FROM unnest(results) r
  WHERE r.kind = 'call.status' AND r.outcome = 'ok' AND r.response ? 'recording_url' AND r.response ? 'log_id';

  -- A message that the provider did not take was not left.
  WITH undone AS (
    UPDATE switchboard.call_logs c SET voicemail_at = NULL
    FROM unnest(results) r
    WHERE r.kind = 'call.update' AND r.final AND r.outcome <> 'ok' AND r.payload ->> 'action' = 'play'
      AND c.tenant_id = r.tenant_id AND c.id = r.subject_id AND c.voicemail_at IS NOT NULL
    RETURNING c.tenant_id, r.payload ->> 'voicemail_id' AS voicemail
  )
  UPDATE switchboard.voicemail_drops v SET usage_count = greatest(v.usage_count - u.n, 0)
  FROM (SELECT u.tenant_id, switchboard._uuid_or_null(u.voicemail) AS voicemail, count(*)::int AS n FROM undone u GROUP BY 1, 2) u
  WHERE v.tenant_id = u.tenant_id AND v.id = u.voicemail;

  -- Whoever asked has gone on: the feed tells them.
  PERFORM switchboard._add_event(r.tenant_id, 'call-update-failed', r.subject_id, jsonb_strip_nulls(jsonb_build_object(
            'callId', r.subject_id, 'action', r.payload ->> 'action', 'code', r.code, 'error', r.error)),
            (SELECT c.user_id FROM switchboard.call_logs c WHERE c.id = r.subject_id))
  FROM unnest(results) r
  WHERE r.kind = 'call.update' AND r.final AND r.outcome <> 'ok';
END
$$;
COMMENT ON FUNCTION switchboard._apply_control_results(switchboard.job_result[], timestamptz) IS
  'What finished jobs of kind call.status and call.update mean: the status of calls, messages that were not left after all, and an
event call-update-failed for what the provider refused.';
REVOKE ALL ON FUNCTION switchboard._apply_control_results(switchboard.job_result[], timestamptz) FROM PUBLIC;
