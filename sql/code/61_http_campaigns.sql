-- Routes of campaigns: their life, their lists, their figures, and preview dialing.

CREATE OR REPLACE FUNCTION switchboard._http_campaign_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('CampaignQuery', 'status', '[draft|active|paused|completed|archived]', false, 'Where they stand; may be repeated'),
    ('CampaignQuery', 'type', '[manual|power|predictive|preview]', false, 'How they dial; may be repeated'),
    ('CampaignQuery', 'search', 'text:200', false, 'A part of the name, in any case'),
    ('CampaignQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('CampaignQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('CampaignQuery', 'before', 'uuid', false, 'Behind the place that "next" of the page before names'),
    ('CampaignList', 'campaigns', '[Campaign]', true, 'Newest first'),
    ('CampaignList', 'total', 'integer', true, 'How many there are in all'),
    ('CampaignList', 'next', 'uuid?', true, 'Where the next page begins; null: there is none'),
    ('NewCampaign', 'name', 'text:1:200', true, 'What it is called'),
    ('CampaignChange', 'name', 'text:1:200', false, 'What it is called'),
    ('NewCampaign CampaignChange', 'type', 'manual|power|predictive|preview', false, 'How it dials, default manual'),
    ('NewCampaign CampaignChange', 'description', 'text', false, 'What it is for'),
    ('NewCampaign CampaignChange', 'callerId', 'text:64', false, 'The number that is shown'),
    ('NewCampaign CampaignChange', 'script', 'text', false, 'What is said, a template'),
    ('NewCampaign CampaignChange', 'maxAttempts', 'integer:1:1000', false, 'How often somebody is tried'),
    ('NewCampaign CampaignChange', 'retryInterval', 'integer:0', false, 'Seconds between attempts'),
    ('NewCampaign CampaignChange', 'activeHours', 'object', false, 'When people are called, see next_call_time()'),
    ('NewCampaign CampaignChange', 'timezone', 'text:64', false, 'IANA zone of those hours; null: the tenant''s'),
    ('NewCampaign CampaignChange', 'productId', 'uuid', false, 'The product it is about'),
    ('NewCampaign CampaignChange', 'discountPercent', 'number:0:100', false, 'Per cents off that are offered'),
    ('NewCampaign CampaignChange', 'maxAbandonRate', 'number:0:1', false, 'Share of answered calls that may find no agent'),
    ('NewCampaign CampaignChange', 'dialLevel', 'number:0:9999', false, 'Lines per free agent'),
    ('NewCampaign CampaignChange', 'settings', 'object', false, 'Everything else, as a whole'),
    ('NewCampaign CampaignChange', 'userId', 'uuid', false, 'Whose campaign it is; null: anybody''s'),
    ('CampaignChange', 'status', 'draft|active|paused|completed|archived', false, 'Along the status machine'),
    ('CampaignRun', 'run_id', 'uuid', true, 'The run'),
    ('CampaignRun', 'queued', 'integer', true, 'How many people were put into the queue'),
    ('CampaignRun', 'skipped', 'object', true, 'How many were not, by reason'),
    ('Recycle', 'outcomes', '[text]', false, 'Only those whose last attempt ended so; default all but bad numbers'),
    ('Recycled', 'recycled', 'integer', true, 'How many people are tried again'),
    ('Schedule', 'cronSchedule', 'text:200', true, 'Cron expression in the zone of the campaign'),
    ('Preflight', 'preflight', '[PreflightLine]', true, 'One per reason'),
    ('PreflightLine', 'reason', 'text', true, 'Why people would not be called now'),
    ('PreflightLine', 'contacts', 'integer', true, 'How many'),
    ('PreflightLine', 'earliest', 'time?', true, 'When the first of them may be called; null: never'),
    ('ListQuery', 'status', 'pending|calling|completed|failed|do-not-call|callback', false, 'Where they stand'),
    ('ListQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('ListQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('ListQuery', 'after', 'text:16', false, 'Behind the number that "next" of the page before names'),
    ('ListPage', 'contacts', '[ListedContact]', true, 'In order of their numbers'),
    ('ListPage', 'total', 'integer', true, 'How many there are in all'),
    ('ListPage', 'next', 'text?', true, 'Where the next page begins; null: there is none'),
    ('NewContacts', 'contacts', '[object]', true, 'People: phone_number, first_name, last_name, name, email, company, position, timezone, locale, source, priority; anything else goes to metadata'),
    ('AddedContacts', 'added', 'integer', true, 'How many are new on the list'),
    ('AddedContacts', 'updated', 'integer', true, 'How many were on it'),
    ('AddedContacts', 'rejected', '[RejectedContact]', true, 'Who cannot be on it'),
    ('RejectedContact', 'index', 'integer', true, 'Place among those given, from 0'),
    ('RejectedContact', 'phone_number', 'any', true, 'As it was given'),
    ('RejectedContact', 'reason', 'text', true, 'Why'),
    ('PreviewContact', 'contact', 'Preview?', true, 'Whom to look at; null: nobody is due'),
    ('SkipPreview', 'reason', 'text:500', false, 'Why not'),
    ('Skipped', 'queue_id', 'uuid', true, 'The entry'),
    ('Skipped', 'scheduled_at', 'time', true, 'When it may be shown again')
$$;
COMMENT ON FUNCTION switchboard._http_campaign_schemas() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_campaign_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaign_json(campaign uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  found jsonb := (SELECT to_jsonb(c) - 'tenant_id' FROM switchboard.dialer_campaigns c WHERE c.id = campaign);
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION 'no such campaign: %', campaign USING ERRCODE = 'P0002';
  END IF;
  RETURN found;
END
$$;
COMMENT ON FUNCTION switchboard._http_campaign_json(uuid) IS 'A campaign as the API shows it. Error: P0002 no such campaign.';
REVOKE ALL ON FUNCTION switchboard._http_campaign_json(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaigns(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER. Cost: the tenant's campaigns are counted, the figures of the page's added up.
DECLARE
  asked  constant jsonb := request.query;
  tenant constant uuid := switchboard.current_tenant_id();
  page   uuid[];
  total  bigint;
BEGIN
  WITH fitting AS MATERIALIZED (
    SELECT c.id FROM switchboard.campaigns c
    WHERE c.tenant_id = tenant
      AND (NOT asked ? 'status' OR asked -> 'status' ? c.status::text)
      AND (NOT asked ? 'type' OR asked -> 'type' ? c.type::text)
      AND (NOT asked ? 'search' OR strpos(lower(c.name), lower(asked ->> 'search')) > 0)
  )
  SELECT ARRAY(SELECT f.id FROM fitting f WHERE NOT asked ? 'before' OR f.id < (asked ->> 'before')::uuid
               ORDER BY f.id DESC LIMIT switchboard._http_limit(request) + 1 OFFSET (asked ->> 'offset')::int),
         (SELECT count(*) FROM fitting)
  INTO page, total;
  RETURN switchboard._http_list(request, 'campaigns',
    (SELECT jsonb_agg(to_jsonb(c) - 'tenant_id' ORDER BY c.id DESC) FROM switchboard.dialer_campaigns c WHERE c.id = ANY (page)),
    total, 'before', 'id');
END
$$;
COMMENT ON FUNCTION switchboard._http_campaigns(switchboard.http_request) IS 'Route GET /api/dialer/campaigns.';
REVOKE ALL ON FUNCTION switchboard._http_campaigns(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  made uuid := switchboard._http_insert('campaigns', request.fields);
BEGIN
  RETURN switchboard._http_created('/api/dialer/campaigns/' || made, switchboard._http_campaign_json(made));
END
$$;
COMMENT ON FUNCTION switchboard._http_new_campaign(switchboard.http_request) IS 'Route POST /api/dialer/campaigns: a draft.';
REVOKE ALL ON FUNCTION switchboard._http_new_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard._http_campaign_json(switchboard._http_id(request, 'campaign')));
END
$$;
COMMENT ON FUNCTION switchboard._http_campaign(switchboard.http_request) IS 'Route GET /api/dialer/campaigns/{id}.';
REVOKE ALL ON FUNCTION switchboard._http_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_change_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. A step of the status machine is made by its function, which checks what a start needs.
DECLARE
  campaign constant uuid := switchboard._http_id(request, 'campaign');
  step     text;
BEGIN
  PERFORM switchboard._http_update('campaigns', campaign, request.fields - 'status', 'campaign');
  IF request.fields -> 'status' <> 'null' THEN
    SELECT s.step INTO step FROM switchboard.campaigns c, switchboard._open_steps(c.status, c.ran_out) s
    WHERE c.id = campaign AND s.to_status::text = request.fields ->> 'status' AND c.status <> s.to_status;
    IF FOUND THEN
      PERFORM switchboard._step_campaign(campaign, step);
    ELSE
      PERFORM switchboard._http_update('campaigns', campaign, jsonb_build_object('status', request.fields -> 'status'), 'campaign');
    END IF;
  END IF;
  RETURN switchboard._http_campaign(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_change_campaign(switchboard.http_request) IS
  'Route PATCH /api/dialer/campaigns/{id}: what is given changes; null empties a field.';
REVOKE ALL ON FUNCTION switchboard._http_change_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_delete_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_delete('campaigns', switchboard._http_id(request, 'campaign'), 'campaign');
END
$$;
COMMENT ON FUNCTION switchboard._http_delete_campaign(switchboard.http_request) IS
  'Route DELETE /api/dialer/campaigns/{id}, with its list and queue; its calls stay.';
REVOKE ALL ON FUNCTION switchboard._http_delete_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_step_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, to_jsonb(switchboard._step_campaign(
    switchboard._http_id(request, 'campaign'), substring(request.path FROM '[^/]+$'))) - 'tenant_id');
END
$$;
COMMENT ON FUNCTION switchboard._http_step_campaign(switchboard.http_request) IS
  'Routes POST /api/dialer/campaigns/{id}/start, pause, resume, complete and archive: start_campaign() and so on.';
REVOKE ALL ON FUNCTION switchboard._http_step_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_run_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.run_campaign(switchboard._http_id(request, 'campaign')));
END
$$;
COMMENT ON FUNCTION switchboard._http_run_campaign(switchboard.http_request) IS 'Route POST /api/dialer/campaigns/{id}/run: run_campaign().';
REVOKE ALL ON FUNCTION switchboard._http_run_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_recycle_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, jsonb_build_object('recycled', switchboard.recycle_campaign(
    switchboard._http_id(request, 'campaign'),
    (SELECT array_agg(o) FROM jsonb_array_elements_text(nullif(request.fields -> 'outcomes', 'null')) o))));
END
$$;
COMMENT ON FUNCTION switchboard._http_recycle_campaign(switchboard.http_request) IS
  'Route POST /api/dialer/campaigns/{id}/recycle: recycle_campaign().';
REVOKE ALL ON FUNCTION switchboard._http_recycle_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_schedule_campaign(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  campaign constant uuid := switchboard._http_id(request, 'campaign');
BEGIN
  IF request.method = 'DELETE' THEN
    PERFORM switchboard.unschedule_campaign(campaign);
  ELSE
    PERFORM switchboard.schedule_campaign(campaign, request.fields ->> 'cronSchedule');
  END IF;
  RETURN switchboard._http_campaign(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_schedule_campaign(switchboard.http_request) IS
  'Routes PUT and DELETE /api/dialer/campaigns/{id}/schedule: schedule_campaign(), unschedule_campaign().';
REVOKE ALL ON FUNCTION switchboard._http_schedule_campaign(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaign_report(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, switchboard.campaign_report(switchboard._http_id(request, 'campaign')));
END
$$;
COMMENT ON FUNCTION switchboard._http_campaign_report(switchboard.http_request) IS
  'Route GET /api/dialer/campaigns/{id}/report: campaign_report().';
REVOKE ALL ON FUNCTION switchboard._http_campaign_report(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaign_preflight(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
BEGIN
  RETURN switchboard._http_json(200, jsonb_build_object('preflight', (
    SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.contacts DESC, p.reason), '[]')
    FROM switchboard.campaign_preflight(switchboard._http_id(request, 'campaign')) p)));
END
$$;
COMMENT ON FUNCTION switchboard._http_campaign_preflight(switchboard.http_request) IS
  'Route GET /api/dialer/campaigns/{id}/preflight: campaign_preflight().';
REVOKE ALL ON FUNCTION switchboard._http_campaign_preflight(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_campaign_list(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER. Cost: the page, by the unique key of the list; totals are the statistics of the campaign.
DECLARE
  campaign constant jsonb := switchboard._http_campaign_json(switchboard._http_id(request, 'campaign'));
  wanted   constant text := request.query ->> 'status';
  after    constant text := coalesce(request.query ->> 'after', '');
BEGIN
  RETURN switchboard._http_list(request, 'contacts',
    (SELECT jsonb_agg(p.person) FROM (
       SELECT to_jsonb(l) - 'tenant_id' AS person FROM switchboard.campaign_contacts l
       WHERE l.campaign_id = (campaign ->> 'id')::uuid AND l.phone_number > after
         AND (wanted IS NULL OR l.status = wanted::switchboard.campaign_contact_status)
       ORDER BY l.phone_number LIMIT switchboard._http_limit(request) + 1 OFFSET (request.query ->> 'offset')::int) p),
    (campaign -> 'stats' ->> coalesce(replace(wanted, '-', '_'), 'total'))::bigint, 'after', 'phone_number');
END
$$;
COMMENT ON FUNCTION switchboard._http_campaign_list(switchboard.http_request) IS 'Route GET /api/dialer/campaigns/{id}/contacts.';
REVOKE ALL ON FUNCTION switchboard._http_campaign_list(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_add_contacts(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. The keys of people that mean something may be written in camelCase too; others are the client's own.
BEGIN
  RETURN switchboard._http_json(200, switchboard.add_campaign_contacts(switchboard._http_id(request, 'campaign'),
    (SELECT coalesce(jsonb_agg((SELECT coalesce(jsonb_object_agg(
              CASE f.key WHEN 'phoneNumber' THEN 'phone_number' WHEN 'firstName' THEN 'first_name' WHEN 'lastName' THEN 'last_name' ELSE f.key END,
              f.value), '{}') FROM jsonb_each(e.person) f) ORDER BY e.n), '[]')
     FROM jsonb_array_elements(request.fields -> 'contacts') WITH ORDINALITY AS e (person, n))));
END
$$;
COMMENT ON FUNCTION switchboard._http_add_contacts(switchboard.http_request) IS
  'Route POST /api/dialer/campaigns/{id}/contacts: add_campaign_contacts().';
REVOKE ALL ON FUNCTION switchboard._http_add_contacts(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_next_preview(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  found switchboard.preview_contact := switchboard.next_preview_contact(switchboard._http_id(request, 'campaign'));
BEGIN
  RETURN switchboard._http_json(200, jsonb_build_object('contact', CASE WHEN found.queue_id IS NOT NULL THEN to_jsonb(found) END));
END
$$;
COMMENT ON FUNCTION switchboard._http_next_preview(switchboard.http_request) IS
  'Route POST /api/dialer/campaigns/{id}/preview: next_preview_contact().';
REVOKE ALL ON FUNCTION switchboard._http_next_preview(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_accept_preview(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  made switchboard.call_logs := switchboard.accept_preview(switchboard._http_id(request, 'queue entry'));
BEGIN
  RETURN switchboard._http_created('/api/dialer/calls/' || made.id, switchboard._call_json(made));
END
$$;
COMMENT ON FUNCTION switchboard._http_accept_preview(switchboard.http_request) IS
  'Route POST /api/dialer/previews/{id}/accept: accept_preview().';
REVOKE ALL ON FUNCTION switchboard._http_accept_preview(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_skip_preview(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  skipped switchboard.dialer_queues;
BEGIN
  skipped := switchboard.skip_preview(switchboard._http_id(request, 'queue entry'), request.fields ->> 'reason');
  RETURN switchboard._http_json(200, jsonb_build_object('queue_id', skipped.id, 'scheduled_at', skipped.scheduled_at));
END
$$;
COMMENT ON FUNCTION switchboard._http_skip_preview(switchboard.http_request) IS
  'Route POST /api/dialer/previews/{id}/skip: skip_preview().';
REVOKE ALL ON FUNCTION switchboard._http_skip_preview(switchboard.http_request) FROM PUBLIC;
