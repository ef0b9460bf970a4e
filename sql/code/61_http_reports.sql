-- Routes of dispositions, figures and the event feed.

CREATE OR REPLACE FUNCTION switchboard._http_report_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('DispositionQuery', 'callId', 'uuid', false, 'Of a call'),
    ('DispositionQuery', 'userId', 'uuid', false, 'By an agent'),
    ('DispositionQuery', 'disposition', '[interested|not-interested|callback|wrong-number|no-answer|voicemail|do-not-call|qualified|not-qualified]', false, 'What was concluded; may be repeated'),
    ('DispositionQuery', 'from', 'time', false, 'Made then or later'),
    ('DispositionQuery', 'to', 'time', false, 'Made then or earlier'),
    ('DispositionQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('DispositionQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('DispositionQuery', 'before', 'uuid', false, 'Behind the place that "next" of the page before names'),
    ('DispositionList', 'dispositions', '[Disposition]', true, 'Newest first'),
    ('DispositionList', 'total', 'integer?', true, 'How many there are in all; null on pages asked for by "before"'),
    ('DispositionList', 'next', 'uuid?', true, 'Where the next page begins; null: there is none'),
    ('NewDisposition', 'callId', 'uuid', true, 'The call'),
    ('NewDisposition', 'disposition', 'interested|not-interested|callback|wrong-number|no-answer|voicemail|do-not-call|qualified|not-qualified', true, 'What was concluded'),
    ('NewDisposition', 'notes', 'text', false, 'Why, or what else'),
    ('NewDisposition', 'followUpDate', 'time', false, 'When to get in touch again'),
    ('AnalyticsQuery AgentReportQuery StatsQuery', 'startDate', 'time', false, 'Calls that started then or later'),
    ('AnalyticsQuery AgentReportQuery StatsQuery', 'endDate', 'time', false, 'Calls that started then or earlier'),
    ('AnalyticsQuery StatsQuery', 'campaignId', 'uuid', false, 'Of a campaign'),
    ('StatsQuery', 'thresholdSeconds', 'integer:0', false, 'Within how many seconds calls should be answered, default 20'),
    ('AgentReportQuery', 'userId', 'uuid', false, 'Of an agent'),
    ('Analytics', 'analytics', 'AnalyticsParts', true, 'The figures'),
    ('AnalyticsParts', 'overview', 'AnalyticsOverview', true, 'In all'),
    ('AnalyticsParts', 'distribution', 'AnalyticsDistribution', true, 'By hour and status'),
    ('AnalyticsParts', 'recentCalls', '[RecentCall]', true, 'The newest, up to ten'),
    ('AnalyticsOverview', 'totalCalls', 'integer', true, 'Calls'),
    ('AnalyticsOverview', 'answeredCalls', 'integer', true, 'Of these answered'),
    ('AnalyticsOverview', 'completedCalls', 'integer', true, 'Of these with status completed'),
    ('AnalyticsOverview', 'failedCalls', 'integer', true, 'Of these with status failed'),
    ('AnalyticsOverview', 'busyCalls', 'integer', true, 'Of these with status busy'),
    ('AnalyticsOverview', 'noAnswerCalls', 'integer', true, 'Of these with status no-answer'),
    ('AnalyticsOverview', 'totalDuration', 'integer', true, 'Seconds of talk'),
    ('AnalyticsOverview', 'avgDuration', 'number', true, 'Seconds an answered call'),
    ('AnalyticsOverview', 'answerRate', 'number', true, 'Per cents of all'),
    ('AnalyticsOverview', 'completionRate', 'number', true, 'Per cents of all'),
    ('AnalyticsDistribution', 'byHour', '[integer]', true, '24 numbers, in the zone of the campaign, else of the tenant'),
    ('AnalyticsDistribution', 'byStatus', 'object', true, 'Calls by status, all of them'),
    ('Rate', 'numerator', 'number', true, 'Of how many it is so'),
    ('Rate', 'denominator', 'number', true, 'Of how many'),
    ('Rate', 'rate', 'number?', true, 'Their quotient; null: of none'),
    ('Rate', 'low', 'number?', true, 'Lower end of the 95 % interval'),
    ('Rate', 'high', 'number?', true, 'Upper end'),
    ('ServiceLevel', 'thresholdSeconds', 'integer', true, 'Within how many seconds calls should be answered'),
    ('ServiceLevel', 'offered', 'integer', true, 'Inbound calls that had to wait for an agent'),
    ('ServiceLevel', 'answered', 'integer', true, 'Of these connected'),
    ('ServiceLevel', 'abandoned', 'integer', true, 'Of these who gave up'),
    ('ServiceLevel', 'overflowed', 'integer', true, 'Of these sent on to the voicemail, a callback or another number'),
    ('ServiceLevel', 'waiting', 'integer', true, 'Of these who wait now'),
    ('ServiceLevel', 'answeredInTime', 'integer', true, 'Of these connected within the threshold'),
    ('ServiceLevel', 'shortAbandons', 'integer', true, 'Who gave up within 5 seconds'),
    ('ServiceLevel', 'averageSpeedOfAnswer', 'number?', true, 'Seconds'),
    ('ServiceLevel', 'longestWait', 'number?', true, 'Seconds'),
    ('ServiceLevel', 'serviceLevel', 'Rate', true, 'Answered in time of answered, overflowed and abandoned, without short abandons'),
    ('ServiceLevel', 'ofAnswered', 'Rate', true, 'Answered in time of answered'),
    ('ServiceLevel', 'ofAnsweredAndAbandoned', 'Rate', true, 'Answered or abandoned in time of answered and abandoned'),
    ('ServiceLevel', 'ofOffered', 'Rate', true, 'Answered in time of offered'),
    ('ServiceLevel', 'abandonRate', 'Rate', true, 'Abandoned of answered, overflowed and abandoned, without short abandons'),
    ('AgentReport', 'from', 'time', true, 'From when'),
    ('AgentReport', 'to', 'time', true, 'To when'),
    ('AgentReport', 'agents', '[object]', true, 'One per agent, see agent_report()'),
    ('CampaignReport', 'campaignId', 'uuid', true, 'The campaign; all figures: see campaign_report()'),
    ('EventQuery', 'after', 'integer:0:9223372036854775807', false, 'The seq of the last event that was seen; default: what comes from now on'),
    ('EventQuery', 'limit', 'integer:1:500', false, 'How many, default 500'),
    ('EventPage', 'events', '[Event]', true, 'In order of seq'),
    ('EventPage', 'next', 'integer', true, 'What to ask for as "after" next time'),
    ('Event', 'seq', 'integer', true, 'Place in the feed'),
    ('Event', 'event', 'text', true, 'What happened: new-call, call-status-updated, ...'),
    ('Event', 'subjectId', 'uuid?', true, 'To what'),
    ('Event', 'data', 'object', true, 'More about it'),
    ('Event', 'createdAt', 'time', true, 'When')
$$;
COMMENT ON FUNCTION switchboard._http_report_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_report_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_dispositions(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER. Plans are made for the filters given. Cost: the page, newest first by key; all that fits is counted on the first.
DECLARE
  asked  constant jsonb := request.query;
  tenant constant uuid := switchboard.current_tenant_id();
  call   constant uuid := asked ->> 'callId';
  agent  constant uuid := asked ->> 'userId';
  before constant uuid := asked ->> 'before';
  since  constant timestamptz := asked ->> 'from';
  until  constant timestamptz := asked ->> 'to';
  labels constant text[] := CASE WHEN asked ? 'disposition' THEN ARRAY(SELECT jsonb_array_elements_text(asked -> 'disposition')) END;
  page   jsonb;
  total  bigint;
BEGIN
  WITH fitting AS NOT MATERIALIZED (
    SELECT d.* FROM switchboard.call_dispositions d
    WHERE d.tenant_id = tenant AND (call IS NULL OR d.call_id = call) AND (agent IS NULL OR d.user_id = agent)
      AND (labels IS NULL OR d.disposition = ANY (labels::switchboard.call_disposition[]))
      AND (since IS NULL OR d.created_at >= since) AND (until IS NULL OR d.created_at <= until)
  )
  SELECT (SELECT jsonb_agg(to_jsonb(p) - 'tenant_id' ORDER BY p.id DESC)
          FROM (SELECT f.* FROM fitting f WHERE before IS NULL OR f.id < before
                ORDER BY f.id DESC LIMIT switchboard._http_limit(request) + 1 OFFSET (asked ->> 'offset')::int) p),
         CASE WHEN before IS NULL THEN (SELECT count(*) FROM fitting) END
  INTO page, total;
  RETURN switchboard._http_list(request, 'dispositions', page, total, 'before', 'id');
END
$$;
COMMENT ON FUNCTION switchboard._http_dispositions(switchboard.http_request) IS 'Route GET /api/dialer/dispositions.';
REVOKE ALL ON FUNCTION switchboard._http_dispositions(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_disposition(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
  made   switchboard.call_dispositions;
BEGIN
  made := switchboard.create_disposition((fields ->> 'callId')::uuid, fields ->> 'disposition', fields ->> 'notes',
                                         (fields ->> 'followUpDate')::timestamptz);
  RETURN switchboard._http_created('/api/dialer/dispositions?callId=' || made.call_id, to_jsonb(made) - 'tenant_id');
END
$$;
COMMENT ON FUNCTION switchboard._http_new_disposition(switchboard.http_request) IS 'Route POST /api/dialer/dispositions: create_disposition().';
REVOKE ALL ON FUNCTION switchboard._http_new_disposition(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_analytics(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.get_analytics((request.query ->> 'startDate')::timestamptz,
    (request.query ->> 'endDate')::timestamptz, (request.query ->> 'campaignId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_analytics(switchboard.http_request) IS 'Route GET /api/dialer/analytics: get_analytics().';
REVOKE ALL ON FUNCTION switchboard._http_analytics(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_agent_report(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.agent_report((request.query ->> 'startDate')::timestamptz,
    (request.query ->> 'endDate')::timestamptz, (request.query ->> 'userId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_agent_report(switchboard.http_request) IS 'Route GET /api/call-center/agent-report: agent_report().';
REVOKE ALL ON FUNCTION switchboard._http_agent_report(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_service_level(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.service_level((request.query ->> 'startDate')::timestamptz,
    (request.query ->> 'endDate')::timestamptz, coalesce((request.query ->> 'thresholdSeconds')::int, 20), (request.query ->> 'campaignId')::uuid));
END
$$;
COMMENT ON FUNCTION switchboard._http_service_level(switchboard.http_request) IS 'Route GET /api/call-center/stats: service_level().';
REVOKE ALL ON FUNCTION switchboard._http_service_level(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_events(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. A client that has seen nothing starts where the feed is now.
DECLARE
  after constant bigint := coalesce((request.query ->> 'after')::bigint, switchboard.feed_position());
  page  jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('seq', e.seq, 'event', e.event, 'subjectId', e.subject_id, 'data', e.data, 'createdAt', e.created_at)
                   ORDER BY e.seq)
  INTO page FROM switchboard.events_since(after, coalesce((request.query ->> 'limit')::int, 500)) e;
  RETURN switchboard._http_json(200, jsonb_build_object('events', coalesce(page, '[]'), 'next', coalesce(page -> -1 -> 'seq', to_jsonb(after))));
END
$$;
COMMENT ON FUNCTION switchboard._http_events(switchboard.http_request) IS 'Route GET /api/events: events_since() and feed_position().';
REVOKE ALL ON FUNCTION switchboard._http_events(switchboard.http_request) FROM PUBLIC;
