-- Routes of calls: lists, one, making, changing, ending and deleting them.

CREATE OR REPLACE FUNCTION switchboard._http_call_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('CallQuery', 'status', '[initiated|ringing|answered|completed|failed|busy|no-answer|canceled]', false, 'How far they are; may be repeated'),
    ('CallQuery', 'direction', 'inbound|outbound', false, 'Which way'),
    ('CallQuery', 'campaignId', 'uuid', false, 'Of a campaign'),
    ('CallQuery', 'userId', 'uuid', false, 'Of an agent'),
    ('CallQuery', 'leadId', 'uuid', false, 'With a contact'),
    ('CallQuery', 'phone', 'text:64', false, 'With a number, in any form'),
    ('CallQuery', 'from', 'time', false, 'Started then or later'),
    ('CallQuery', 'to', 'time', false, 'Started then or earlier'),
    ('CallQuery', 'disposition', '[interested|not-interested|callback|wrong-number|no-answer|voicemail|do-not-call|qualified|not-qualified]', false, 'What was concluded last; may be repeated'),
    ('CallQuery', 'search', 'text:200', false, 'A part of notes, numbers, or the contact''s name, company or e-mail address, in any case'),
    ('CallQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('CallQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('CallQuery', 'before', 'text:64', false, 'Behind the place that "next" of the page before names'),
    ('CallList', 'calls', '[ListedCall]', true, 'Newest first'),
    ('CallList', 'total', 'integer?', true, 'How many there are in all; null on pages asked for by "before"'),
    ('CallList', 'next', 'text?', true, 'Where the next page begins; null: there is none'),
    ('ListedCall', 'disposition', 'interested|not-interested|callback|wrong-number|no-answer|voicemail|do-not-call|qualified|not-qualified?', true, 'What was concluded last'),
    ('CallDetail', 'provider', 'CallAtProvider', true, 'How it stands there'),
    ('CallDetail', 'recordings', '[Recording]', true, 'Oldest first'),
    ('CallDetail', 'dispositions', '[CallConclusion]', true, 'Oldest first'),
    ('CallAtProvider', 'name', 'text?', true, 'The provider'),
    ('CallAtProvider', 'status', 'text?', true, 'What it said last; null: it does not know the call yet'),
    ('CallAtProvider', 'checked_at', 'time?', true, 'When'),
    ('CallAtProvider', 'refreshing', 'boolean', true, 'It is being asked: look again'),
    ('NewCall', 'toNumber', 'text:64', true, 'Whom to call, in any form'),
    ('NewCall', 'fromNumber', 'text:64', false, 'The number shown; default the campaign''s, else the account''s'),
    ('NewCall', 'campaignId', 'uuid', false, 'For which campaign'),
    ('NewCall', 'leadId', 'uuid', false, 'Which contact; default the one with the number'),
    ('NewCall', 'metadata', 'object', false, 'Fields of your own, and: say, ring_timeout, record, language, agent, machine_detection'),
    ('LoggedCall', 'fromNumber', 'text:64', false, 'Of an inbound call the customer''s number; this or contactId'),
    ('LoggedCall', 'toNumber', 'text:64', false, 'Of an outbound call the customer''s number'),
    ('LoggedCall', 'direction', 'inbound|outbound', false, 'Which way, default inbound'),
    ('LoggedCall', 'status', 'initiated|ringing|answered|completed|failed|busy|no-answer|canceled', false, 'How it ended or stands, default completed'),
    ('LoggedCall', 'duration', 'integer:0:604800', false, 'Seconds, of completed calls'),
    ('LoggedCall', 'notes', 'text', false, 'What was said'),
    ('LoggedCall', 'contactId', 'uuid', false, 'The customer; default the contact with the number'),
    ('LoggedCall', 'startedAt', 'time', false, 'When it began; default now, less the duration'),
    ('LoggedCall', 'metadata', 'object', false, 'Fields of your own'),
    ('LoggedCall', 'userId', 'uuid', false, 'Whose call it was; default who asks'),
    ('LoggedCall ServedCallChange', 'agentId', 'uuid', false, 'The same as userId'),
    ('CallChange ServedCallChange', 'notes', 'text', false, 'null empties them'),
    ('CallChange ServedCallChange', 'metadata', 'object', false, 'Merged into what is there'),
    ('CallChange ServedCallChange', 'leadId', 'uuid', false, 'The contact; null: none'),
    ('CallChange ServedCallChange', 'userId', 'uuid', false, 'Whose call it is, by supervisors; null: nobody''s'),
    ('CallChange ServedCallChange', 'recordingUrl', 'text:2000', false, 'Where the recording is'),
    ('CallChange ServedCallChange', 'status', 'initiated|ringing|answered|completed|failed|busy|no-answer|canceled', false, 'Only forward, and only of calls that no provider carries'),
    ('VoicemailDrop', 'voicemailId', 'uuid', true, 'The recorded message')
$$;
COMMENT ON FUNCTION switchboard._http_call_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_call_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_calls(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  skipped constant int := (request.query ->> 'offset')::int;
  found   jsonb;
BEGIN
  found := switchboard.get_calls(switchboard._http_columns(request.query - '{limit,offset}'::text[]), switchboard._http_limit(request),
                                 coalesce(skipped, 0));
  RETURN switchboard._http_page(request, found, CASE WHEN found -> 'next' <> 'null' THEN
    CASE WHEN skipped IS NULL THEN jsonb_build_object('before', found -> 'next')
         ELSE jsonb_build_object('offset', skipped + switchboard._http_limit(request)) END END);
END
$$;
COMMENT ON FUNCTION switchboard._http_calls(switchboard.http_request) IS 'Route GET /api/dialer/calls: get_calls().';
REVOKE ALL ON FUNCTION switchboard._http_calls(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_make_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
  made   switchboard.call_logs;
BEGIN
  made := switchboard.make_call(fields ->> 'toNumber', fields ->> 'fromNumber', (fields ->> 'campaignId')::uuid,
                                (fields ->> 'leadId')::uuid, coalesce(nullif(fields -> 'metadata', 'null'), '{}'));
  RETURN switchboard._http_created('/api/dialer/calls/' || made.id, switchboard._call_json(made));
END
$$;
COMMENT ON FUNCTION switchboard._http_make_call(switchboard.http_request) IS 'Route POST /api/dialer/calls: make_call().';
REVOKE ALL ON FUNCTION switchboard._http_make_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.get_call(switchboard._http_id(request, 'call')));
END
$$;
COMMENT ON FUNCTION switchboard._http_call(switchboard.http_request) IS 'Route GET /api/dialer/calls/{id}: get_call().';
REVOKE ALL ON FUNCTION switchboard._http_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agent_as_user(fields jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT fields - 'agentId' || CASE WHEN fields ? 'agentId' AND NOT fields ? 'userId' THEN jsonb_build_object('userId', fields -> 'agentId') ELSE '{}' END
$$;
COMMENT ON FUNCTION switchboard._http_agent_as_user(jsonb) IS 'The fields of a body that may call userId agentId.';
REVOKE ALL ON FUNCTION switchboard._http_agent_as_user(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_log_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := switchboard._http_agent_as_user(request.fields);
  made   switchboard.call_logs;
BEGIN
  made := switchboard.log_call(fields ->> 'fromNumber', fields ->> 'toNumber', coalesce(fields ->> 'direction', 'inbound'),
    coalesce(fields ->> 'status', 'completed'), (fields ->> 'duration')::int, fields ->> 'notes', (fields ->> 'contactId')::uuid,
    (fields ->> 'startedAt')::timestamptz, coalesce(nullif(fields -> 'metadata', 'null'), '{}'), (fields ->> 'userId')::uuid);
  RETURN switchboard._http_created('/api/dialer/calls/' || made.id, switchboard._call_json(made));
END
$$;
COMMENT ON FUNCTION switchboard._http_log_call(switchboard.http_request) IS 'Route POST /api/admin/customer-service/calls: log_call().';
REVOKE ALL ON FUNCTION switchboard._http_log_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_change_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard._call_json(switchboard.update_call(
    switchboard._http_id(request, 'call'), switchboard._http_columns(switchboard._http_agent_as_user(request.fields)))));
END
$$;
COMMENT ON FUNCTION switchboard._http_change_call(switchboard.http_request) IS
  'Routes PATCH /api/dialer/calls/{id}, PATCH and PUT /api/admin/customer-service/calls/{id}: update_call().';
REVOKE ALL ON FUNCTION switchboard._http_change_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_delete_call(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  PERFORM switchboard.delete_call(switchboard._http_id(request, 'call'));
  RETURN switchboard._http_nothing();
END
$$;
COMMENT ON FUNCTION switchboard._http_delete_call(switchboard.http_request) IS 'Route DELETE /api/dialer/calls/{id}: delete_call().';
REVOKE ALL ON FUNCTION switchboard._http_delete_call(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_hang_up(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard._call_json(switchboard.hang_up(switchboard._http_id(request, 'call'))));
END
$$;
COMMENT ON FUNCTION switchboard._http_hang_up(switchboard.http_request) IS 'Route POST /api/dialer/calls/{id}/hang-up: hang_up().';
REVOKE ALL ON FUNCTION switchboard._http_hang_up(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_drop_voicemail(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard._call_json(switchboard.drop_voicemail(
    switchboard._http_id(request, 'call'), (request.fields ->> 'voicemailId')::uuid)));
END
$$;
COMMENT ON FUNCTION switchboard._http_drop_voicemail(switchboard.http_request) IS
  'Route POST /api/dialer/calls/{id}/voicemail: drop_voicemail().';
REVOKE ALL ON FUNCTION switchboard._http_drop_voicemail(switchboard.http_request) FROM PUBLIC;
