-- Routes of the call centre: the queue, agents, support requests, callbacks, the wallboard.

CREATE OR REPLACE FUNCTION switchboard._http_call_center_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('QueueQuery', 'kind', 'call|support_request|callback', false, 'Only these'),
    ('QueueQuery SupportRequestQuery AgentQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('QueueQuery SupportRequestQuery AgentQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('Queue', 'queue', '[QueueEntry]', true, 'In the order in which they are served'),
    ('Queue AgentList SupportRequestList', 'total', 'integer', true, 'How many there are in all'),
    ('Queue AgentList SupportRequestList', 'next', 'text?', true, 'Where the next page begins; null: there is none'),
    ('QueueEntry', 'age_seconds', 'number', true, 'How long it has waited'),
    ('Claim', 'kind', 'call|request', false, 'A call (default), or a support request or callback'),
    ('Claimed', 'call', 'Call?', true, 'The call; null: none waits, or a request was asked for'),
    ('Claimed', 'request', 'SupportRequest?', true, 'The request; null: none waits, or a call was asked for'),
    ('Assign', 'userId', 'uuid', false, 'To whom; default the caller'),
    ('AgentQuery', 'state', '[offline|available|busy|wrap_up|paused]', false, 'What they are doing; may be repeated'),
    ('AgentList', 'agents', '[Agent]', true, 'By name: supervisors get everybody, agents themselves'),
    ('StateChange', 'state', 'offline|available|busy|wrap_up|paused', true, 'What the agent is doing from now on'),
    ('StateChange', 'reason', 'text:200', false, 'Why, of a pause'),
    ('SupportRequestQuery', 'status', '[pending|assigned|resolved|closed]', false, 'How far they are; may be repeated'),
    ('SupportRequestQuery', 'priority', '[low|medium|high|urgent]', false, 'How urgent they are; may be repeated'),
    ('SupportRequestQuery', 'assignedTo', 'uuid', false, 'Of an agent'),
    ('SupportRequestQuery', 'contactId', 'uuid', false, 'Of a contact'),
    ('SupportRequestQuery', 'before', 'uuid', false, 'Behind the place that "next" of the page before names'),
    ('SupportRequestList', 'requests', '[SupportRequest]', true, 'Newest first'),
    ('SupportRequestChange', 'priority', 'low|medium|high|urgent', false, 'How urgent it is'),
    ('SupportRequestChange', 'subject', 'text:1:200', false, 'What it is about'),
    ('SupportRequestChange', 'description', 'text:10000', false, 'More about it; null empties it'),
    ('SupportRequestChange', 'contactId', 'uuid', false, 'Whose it is; null: nobody''s'),
    ('SupportRequestChange', 'assignedTo', 'uuid', false, 'Who is to do it'),
    ('SupportRequestChange', 'status', 'pending|resolved|closed', false, 'pending opens it again'),
    ('SupportRequestChange SupportRequestEnd', 'notes', 'text:10000', false, 'How it was resolved or why it was closed'),
    ('NewCallback', 'phoneNumber', 'text:64', true, 'Whom to call back, in any form'),
    ('NewCallback', 'at', 'time', false, 'Not before; default now'),
    ('NewCallback', 'subject', 'text:200', false, 'What it is about'),
    ('NewCallback', 'contactId', 'uuid', false, 'Who it is; default the contact with the number'),
    ('Wallboard', 'at', 'time', true, 'When this was so'),
    ('Wallboard', 'timezone', 'text', true, 'The zone of its days and hours'),
    ('Wallboard', 'calls', 'object', true, 'live, inbound, outbound, ringing, list'),
    ('Wallboard', 'queue', 'object', true, 'waiting, longestWaitS, byKind, items'),
    ('Wallboard', 'agents', 'object', true, 'byState, list'),
    ('Wallboard', 'campaigns', '[object]', true, 'Active and paused ones with their progress'),
    ('Wallboard', 'today', 'object', true, 'calls, answered, answerRate, abandoned, abandonRate, serviceLevel, averageWaitS'),
    ('Wallboard', 'answerRateByHour', '[number?]', true, '24 per cents of today; null: no call'),
    ('Wallboard', 'deliveries', 'object', true, 'By channel'),
    ('Wallboard', 'workers', 'object', true, 'status, running, jobsReady, jobsRunning, jobsDead, oldestReadyS')
$$;
COMMENT ON FUNCTION switchboard._http_call_center_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_call_center_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_queue(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY INVOKER. Cost: what waits is counted.
DECLARE
  wanted constant text := request.query ->> 'kind';
  total  bigint;
  page   jsonb;
BEGIN
  WITH waiting AS MATERIALIZED (
    SELECT q.*, row_number() OVER (ORDER BY q.priority DESC, q.waiting_since, q.id) AS place
    FROM switchboard.call_queue q WHERE q.tenant_id = (SELECT switchboard.current_tenant_id()) AND (wanted IS NULL OR q.kind = wanted)
  )
  SELECT (SELECT jsonb_agg(to_jsonb(p) - '{tenant_id,age,place}'::text[] || jsonb_build_object('age_seconds', round(extract(epoch FROM p.age), 1)) ORDER BY p.place)
          FROM (SELECT * FROM waiting w ORDER BY w.place LIMIT switchboard._http_limit(request) + 1 OFFSET (request.query ->> 'offset')::int) p),
         (SELECT count(*) FROM waiting)
  INTO page, total;
  RETURN switchboard._http_list(request, 'queue', page, total, NULL, NULL);
END
$$;
COMMENT ON FUNCTION switchboard._http_queue(switchboard.http_request) IS 'Route GET /api/call-center/queue: call_queue.';
REVOKE ALL ON FUNCTION switchboard._http_queue(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_request_json(request switchboard.support_requests)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT to_jsonb(request) - '{tenant_id,address_hash}'::text[] $$;
COMMENT ON FUNCTION switchboard._http_request_json(switchboard.support_requests) IS 'A support request as the API shows it.';
REVOKE ALL ON FUNCTION switchboard._http_request_json(switchboard.support_requests) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_claim(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  call jsonb;
  task jsonb;
BEGIN
  IF request.fields ->> 'kind' = 'request' THEN
    SELECT switchboard._http_request_json(r) INTO task FROM switchboard.claim_next_request() r;
  ELSE
    SELECT switchboard._call_json(c) INTO call FROM switchboard.claim_next_call() c;
  END IF;
  RETURN switchboard._http_json(200, jsonb_build_object('call', call, 'request', task));
END
$$;
COMMENT ON FUNCTION switchboard._http_claim(switchboard.http_request) IS
  'Route POST /api/call-center/claim: claim_next_call(), claim_next_request().';
REVOKE ALL ON FUNCTION switchboard._http_claim(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_assignee(request switchboard.http_request)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted constant uuid := coalesce((request.fields ->> 'userId')::uuid, switchboard.current_user_id());
BEGIN
  IF wanted IS NULL THEN
    RAISE EXCEPTION 'field "userId" is missing' USING ERRCODE = '22023', HINT = 'The request is made for a tenant, not for a user.';
  END IF;
  RETURN wanted;
END
$$;
COMMENT ON FUNCTION switchboard._http_assignee(switchboard.http_request) IS
  'To whom something is to be given: userId of the body, else whoever asks. Error: 22023 nobody is named and no user asks.';
REVOKE ALL ON FUNCTION switchboard._http_assignee(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_assign_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard._call_json(switchboard.assign_call(
    switchboard._http_id(request, 'call'), switchboard._http_assignee(request))));
END
$$;
COMMENT ON FUNCTION switchboard._http_assign_call(switchboard.http_request) IS 'Route POST /api/call-center/calls/{id}/assign: assign_call().';
REVOKE ALL ON FUNCTION switchboard._http_assign_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agents(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. Cost: the people of the tenant.
DECLARE
  states constant jsonb := request.query -> 'state';
  total  bigint;
  page   jsonb;
BEGIN
  WITH staff AS MATERIALIZED (
    SELECT a.*, row_number() OVER (ORDER BY a.name, a.user_id) AS place FROM switchboard.agents a
    WHERE a.tenant_id = (SELECT switchboard.current_tenant_id()) AND (states IS NULL OR states ? a.state::text)
  )
  SELECT (SELECT jsonb_agg(to_jsonb(p) - '{tenant_id,place}'::text[] ORDER BY p.place)
          FROM (SELECT * FROM staff s ORDER BY s.place LIMIT switchboard._http_limit(request) + 1 OFFSET (request.query ->> 'offset')::int) p),
         (SELECT count(*) FROM staff)
  INTO page, total;
  RETURN switchboard._http_list(request, 'agents', page, total, NULL, NULL);
END
$$;
COMMENT ON FUNCTION switchboard._http_agents(switchboard.http_request) IS 'Route GET /api/call-center/agents.';
REVOKE ALL ON FUNCTION switchboard._http_agents(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agent_id(request switchboard.http_request)
RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF request.parameters ->> 'id' <> 'me' THEN
    RETURN switchboard._http_id(request, 'agent');
  ELSIF switchboard.current_user_id() IS NULL THEN
    RAISE EXCEPTION 'no such agent: me' USING ERRCODE = 'P0002', HINT = 'The request is made for a tenant, not for a user.';
  END IF;
  RETURN switchboard.current_user_id();
END
$$;
COMMENT ON FUNCTION switchboard._http_agent_id(switchboard.http_request) IS
  'The {id} of the path of an agent; me is whoever asks. Error: P0002 no uuid, or no user asks.';
REVOKE ALL ON FUNCTION switchboard._http_agent_id(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agent(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  agent constant uuid := switchboard._http_agent_id(request);
  found jsonb := (SELECT to_jsonb(a) - 'tenant_id' FROM switchboard.agents a WHERE a.user_id = agent);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'no such agent: %', agent USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._http_json(200, found);
END
$$;
COMMENT ON FUNCTION switchboard._http_agent(switchboard.http_request) IS 'Route GET /api/call-center/agents/{id}.';
REVOKE ALL ON FUNCTION switchboard._http_agent(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agent_state(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  PERFORM switchboard.set_agent_state(request.fields ->> 'state', request.fields ->> 'reason', switchboard._http_agent_id(request));
  RETURN switchboard._http_agent(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_agent_state(switchboard.http_request) IS 'Route PUT /api/call-center/agents/{id}/state: set_agent_state().';
REVOKE ALL ON FUNCTION switchboard._http_agent_state(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_support_requests(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER. Plans are made for the filters given. Cost: what fits is counted.
DECLARE
  asked  constant jsonb := request.query;
  tenant constant uuid := switchboard.current_tenant_id();
  agent  constant uuid := asked ->> 'assignedTo';
  person constant uuid := asked ->> 'contactId';
  before constant uuid := asked ->> 'before';
  total  bigint;
  page   jsonb;
BEGIN
  WITH fitting AS NOT MATERIALIZED (
    SELECT r.* FROM switchboard.support_requests r
    WHERE r.tenant_id = tenant AND (NOT asked ? 'status' OR asked -> 'status' ? r.status::text)
      AND (NOT asked ? 'priority' OR asked -> 'priority' ? r.priority::text)
      AND (agent IS NULL OR r.assigned_to = agent) AND (person IS NULL OR r.contact_id = person)
  )
  SELECT (SELECT jsonb_agg(p.shown ORDER BY p.id DESC)
          FROM (SELECT f.id, to_jsonb(f) - '{tenant_id,address_hash}'::text[] AS shown FROM fitting f WHERE before IS NULL OR f.id < before
                ORDER BY f.id DESC LIMIT switchboard._http_limit(request) + 1 OFFSET (asked ->> 'offset')::int) p),
         (SELECT count(*) FROM fitting)
  INTO page, total;
  RETURN switchboard._http_list(request, 'requests', page, total, 'before', 'id');
END
$$;
COMMENT ON FUNCTION switchboard._http_support_requests(switchboard.http_request) IS 'Route GET /api/call-center/support-requests.';
REVOKE ALL ON FUNCTION switchboard._http_support_requests(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_support_request(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  wanted constant uuid := switchboard._http_id(request, 'support request');
  found  jsonb := (SELECT switchboard._http_request_json(r) FROM switchboard.support_requests r WHERE r.id = wanted);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'no such support request: %', wanted USING ERRCODE = 'P0002';
  END IF;
  RETURN switchboard._http_json(200, found);
END
$$;
COMMENT ON FUNCTION switchboard._http_support_request(switchboard.http_request) IS 'Route GET /api/call-center/support-requests/{id}.';
REVOKE ALL ON FUNCTION switchboard._http_support_request(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_step_request(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  wanted constant uuid := switchboard._http_id(request, 'support request');
  notes  constant text := request.fields ->> 'notes';
  step   constant text := substring(request.path FROM '[^/]+$');
BEGIN
  RETURN switchboard._http_json(200, switchboard._http_request_json(CASE step
    WHEN 'assign' THEN switchboard.assign_support_request(wanted, switchboard._http_assignee(request))
    WHEN 'resolve' THEN switchboard.resolve_support_request(wanted, notes)
    WHEN 'close' THEN switchboard.close_support_request(wanted, notes)
    ELSE switchboard.reopen_support_request(wanted) END));
END
$$;
COMMENT ON FUNCTION switchboard._http_step_request(switchboard.http_request) IS
  'Routes POST /api/call-center/support-requests/{id}/assign, resolve, close and reopen: assign_support_request() and so on.';
REVOKE ALL ON FUNCTION switchboard._http_step_request(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_change_request(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. Steps are made by their functions, and only when they lead somewhere: repeating what is so changes nothing.
DECLARE
  fields constant jsonb := request.fields;
  wanted constant uuid := switchboard._http_id(request, 'support request');
  before switchboard.support_requests;
BEGIN
  PERFORM switchboard._http_update('support_requests', wanted, fields - '{assignedTo,status,notes}'::text[], 'support request');
  SELECT r.* INTO before FROM switchboard.support_requests r WHERE r.id = wanted;
  IF fields ->> 'assignedTo' <> coalesce(before.assigned_to::text, '') THEN
    PERFORM switchboard.assign_support_request(wanted, (fields ->> 'assignedTo')::uuid);
  END IF;
  IF fields ->> 'status' = 'resolved' AND before.status <> 'resolved' THEN
    PERFORM switchboard.resolve_support_request(wanted, fields ->> 'notes');
  ELSIF fields ->> 'status' = 'closed' AND before.status <> 'closed' THEN
    PERFORM switchboard.close_support_request(wanted, fields ->> 'notes');
  ELSIF fields ->> 'status' = 'pending' AND before.status IN ('resolved', 'closed') THEN
    PERFORM switchboard.reopen_support_request(wanted);
  END IF;
  RETURN switchboard._http_support_request(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_change_request(switchboard.http_request) IS 'Route PATCH /api/call-center/support-requests/{id}.';
REVOKE ALL ON FUNCTION switchboard._http_change_request(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_callback(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
  made   switchboard.support_requests;
BEGIN
  made := switchboard.request_callback(fields ->> 'phoneNumber', coalesce((fields ->> 'at')::timestamptz, now()), fields ->> 'subject',
                                       (fields ->> 'contactId')::uuid);
  RETURN switchboard._http_created('/api/call-center/support-requests/' || made.id, switchboard._http_request_json(made));
END
$$;
COMMENT ON FUNCTION switchboard._http_new_callback(switchboard.http_request) IS 'Route POST /api/call-center/callbacks: request_callback().';
REVOKE ALL ON FUNCTION switchboard._http_new_callback(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_wallboard(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.wallboard());
END
$$;
COMMENT ON FUNCTION switchboard._http_wallboard(switchboard.http_request) IS 'Route GET /api/wallboard: wallboard().';
REVOKE ALL ON FUNCTION switchboard._http_wallboard(switchboard.http_request) FROM PUBLIC;
