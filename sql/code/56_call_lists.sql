-- Looking at calls: pages of them, and one with all that belongs to it.

CREATE OR REPLACE FUNCTION switchboard._call_json(call switchboard.call_logs)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT to_jsonb(call) - '{tenant_id,expires_at,account_id}'::text[] $$;
COMMENT ON FUNCTION switchboard._call_json(switchboard.call_logs) IS
  'A call as the API shows it: the columns of call_logs but those that only the dialer needs.';
REVOKE ALL ON FUNCTION switchboard._call_json(switchboard.call_logs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._filter_text(filters jsonb, key text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF jsonb_typeof(filters -> key) NOT IN ('string', 'null') THEN
    RAISE EXCEPTION 'filter "%" must be a text, not %', key, filters -> key USING ERRCODE = '22023';
  END IF;
  RETURN nullif(btrim(filters ->> key), '');
END
$$;
COMMENT ON FUNCTION switchboard._filter_text(jsonb, text) IS 'A filter that is a text; NULL when it is absent or empty. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._filter_text(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._filter_uuid(filters jsonb, key text)
RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  value text := switchboard._filter_text(filters, key);
BEGIN
  IF NOT switchboard._is_uuid(value) THEN
    RAISE EXCEPTION 'filter "%" must be a uuid, not %', key, value USING ERRCODE = '22023';
  END IF;
  RETURN value::uuid;
END
$$;
COMMENT ON FUNCTION switchboard._filter_uuid(jsonb, text) IS 'A filter that is a uuid; NULL when it is absent or empty. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._filter_uuid(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._filter_time(filters jsonb, key text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe: the exception block needs a subtransaction.
DECLARE
  value text := switchboard._filter_text(filters, key);
BEGIN
  RETURN value::timestamptz;
EXCEPTION WHEN data_exception THEN
  RAISE EXCEPTION 'filter "%" must be a time, not %', key, value USING ERRCODE = '22023';
END
$$;
COMMENT ON FUNCTION switchboard._filter_time(jsonb, text) IS 'A filter that is a time; NULL when it is absent or empty. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._filter_time(jsonb, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._filter_labels(filters jsonb, key text, labels text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given   jsonb := CASE jsonb_typeof(filters -> key) WHEN 'array' THEN filters -> key WHEN 'null' THEN NULL
                     ELSE jsonb_build_array(filters -> key) END;
  unknown jsonb;
BEGIN
  IF NOT filters ? key OR given IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT e.value INTO unknown FROM jsonb_array_elements(given) e
  WHERE jsonb_typeof(e.value) <> 'string' OR e.value #>> '{}' <> ALL (labels) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'filter "%" cannot be %', key, unknown
      USING ERRCODE = '22023', HINT = format('It can be %s.', array_to_string(labels, ', '));
  END IF;
  RETURN ARRAY(SELECT jsonb_array_elements_text(given));
END
$$;
COMMENT ON FUNCTION switchboard._filter_labels(jsonb, text, text[]) IS
  'A filter that is one of some labels or an array of them; NULL when it is absent. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._filter_labels(jsonb, text, text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._call_cursor(cursor_text text, OUT started_at timestamptz, OUT id uuid)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF cursor_text !~ '^[0-9]{1,18}_[0-9a-f-]{36}$' OR NOT switchboard._is_uuid(split_part(cursor_text, '_', 2)) THEN
    RAISE EXCEPTION 'filter "before" is no cursor: %', cursor_text
      USING ERRCODE = '22023', HINT = 'Use "next" of the page before.';
  END IF;
  started_at := '1970-01-01 00:00:00+00'::timestamptz + split_part(cursor_text, '_', 1)::bigint * interval '1 microsecond';
  id := split_part(cursor_text, '_', 2)::uuid;
END
$$;
COMMENT ON FUNCTION switchboard._call_cursor(text) IS
  'The place in the list that a cursor names: microseconds since 1970 and the id of the last call seen. Errors: 22023.';
REVOKE ALL ON FUNCTION switchboard._call_cursor(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.get_calls(filters jsonb DEFAULT '{}', page_limit int DEFAULT 50, page_offset int DEFAULT 0)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
AS $$
-- SECURITY INVOKER: agents get their own and unassigned calls, supervisors their tenant's.
-- Plans are made for the filters given: those that are absent fold away, and the page is read off an index in order. Cost of a page
-- with "before": the page; with an offset also what is skipped and, for the total, all that fits.
DECLARE
  asked     jsonb := coalesce(get_calls.filters, '{}');
  unknown   text;
  statuses  switchboard.call_status[];
  way       switchboard.direction;
  concluded switchboard.call_disposition[];
  campaign  uuid;
  agent     uuid;
  contact   uuid;
  phone     text;
  since     timestamptz;
  until     timestamptz;
  words     text;
  place     record;
  tenant    uuid := switchboard.current_tenant_id();
  answer    jsonb;
  total     bigint;
BEGIN
  IF jsonb_typeof(asked) <> 'object' THEN
    RAISE EXCEPTION 'filters must be a JSON object, not %', jsonb_typeof(asked) USING ERRCODE = '22023';
  END IF;
  SELECT k INTO unknown FROM jsonb_object_keys(asked) k
  WHERE k NOT IN ('status', 'direction', 'campaign_id', 'user_id', 'lead_id', 'phone', 'from', 'to', 'disposition', 'search', 'before')
  ORDER BY k LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'unknown filter: %', unknown USING ERRCODE = '22023',
      HINT = 'Filters are status, direction, campaign_id, user_id, lead_id, phone, from, to, disposition, search and before.';
  END IF;
  IF get_calls.page_limit IS NULL OR get_calls.page_limit NOT BETWEEN 1 AND 500 THEN
    RAISE EXCEPTION 'page_limit must be 1 to 500, not %', coalesce(get_calls.page_limit::text, 'null') USING ERRCODE = '22023';
  ELSIF get_calls.page_offset IS NULL OR get_calls.page_offset < 0 THEN
    RAISE EXCEPTION 'page_offset must not be negative: %', coalesce(get_calls.page_offset::text, 'null') USING ERRCODE = '22023';
  END IF;
  statuses := switchboard._filter_labels(asked, 'status', enum_range(NULL::switchboard.call_status)::text[])::switchboard.call_status[];
  concluded := switchboard._filter_labels(asked, 'disposition', enum_range(NULL::switchboard.call_disposition)::text[])
               ::switchboard.call_disposition[];
  way := (switchboard._filter_labels(asked, 'direction', '{inbound,outbound}'))[1]::switchboard.direction;
  campaign := switchboard._filter_uuid(asked, 'campaign_id');
  agent := switchboard._filter_uuid(asked, 'user_id');
  contact := switchboard._filter_uuid(asked, 'lead_id');
  since := switchboard._filter_time(asked, 'from');
  until := switchboard._filter_time(asked, 'to');
  IF since > until THEN
    RAISE EXCEPTION 'filter "from" % is after "to" %', since, until USING ERRCODE = '22023';
  END IF;
  words := lower(switchboard._filter_text(asked, 'search'));
  IF switchboard._filter_text(asked, 'phone') IS NOT NULL THEN
    phone := switchboard.normalize_phone(asked ->> 'phone', (SELECT t.default_region FROM switchboard.tenants t WHERE t.id = tenant));
  END IF;
  IF switchboard._filter_text(asked, 'before') IS NOT NULL THEN
    SELECT * INTO place FROM switchboard._call_cursor(asked ->> 'before');
  ELSE
    SELECT NULL::timestamptz AS started_at, NULL::uuid AS id INTO place;
  END IF;

  WITH fitting AS NOT MATERIALIZED (
    SELECT c FROM switchboard.call_logs c
    WHERE (tenant IS NULL OR c.tenant_id = tenant)
      AND (statuses IS NULL OR c.status = ANY (statuses))
      AND (way IS NULL OR c.direction = way)
      AND (campaign IS NULL OR c.campaign_id = campaign)
      AND (agent IS NULL OR c.user_id = agent)
      AND (contact IS NULL OR c.lead_id = contact)
      AND (phone IS NULL OR c.direction = 'outbound' AND c.to_number = phone OR c.direction = 'inbound' AND c.from_number = phone)
      AND (since IS NULL OR c.started_at >= since)
      AND (until IS NULL OR c.started_at <= until)
      AND (concluded IS NULL OR (
            SELECT d.disposition FROM switchboard.call_dispositions d WHERE d.tenant_id = c.tenant_id AND d.call_id = c.id
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1) = ANY (concluded))
      AND (words IS NULL OR strpos(lower(concat_ws(' ', c.notes, c.from_number, c.to_number)), words) > 0
           OR EXISTS (SELECT FROM switchboard.contacts k WHERE k.tenant_id = c.tenant_id AND k.id = c.lead_id
                      AND strpos(lower(concat_ws(' ', k.name, k.first_name, k.last_name, k.company, k.email)), words) > 0))
  ), ahead AS MATERIALIZED (
    -- One more than asked for: whether there is a next page.
    SELECT f.c FROM fitting f
    WHERE place.id IS NULL OR ((f.c).started_at, (f.c).id) < (place.started_at, place.id)
    ORDER BY (f.c).started_at DESC, (f.c).id DESC
    LIMIT get_calls.page_limit + 1 OFFSET get_calls.page_offset
  ), page AS MATERIALIZED (
    SELECT a.c FROM ahead a ORDER BY (a.c).started_at DESC, (a.c).id DESC LIMIT get_calls.page_limit
  ), last AS (
    SELECT (p.c).started_at, (p.c).id FROM page p ORDER BY (p.c).started_at, (p.c).id LIMIT 1
  )
  SELECT jsonb_build_object(
           'calls', coalesce((SELECT jsonb_agg(switchboard._call_json(p.c) || jsonb_build_object('disposition', (
                                SELECT d.disposition FROM switchboard.call_dispositions d
                                WHERE d.tenant_id = (p.c).tenant_id AND d.call_id = (p.c).id
                                ORDER BY d.created_at DESC, d.id DESC LIMIT 1))
                              ORDER BY (p.c).started_at DESC, (p.c).id DESC) FROM page p), '[]'),
           'total', CASE WHEN place.id IS NULL THEN (SELECT count(*) FROM fitting) END,
           'next', CASE WHEN (SELECT count(*) FROM ahead) > get_calls.page_limit
                        THEN (SELECT (extract(epoch FROM l.started_at) * 1000000)::bigint || '_' || l.id FROM last l) END)
  INTO answer;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard.get_calls(jsonb, int, int) IS
  'Calls that the caller may see, newest first: {"calls": [...], "total": n, "next": cursor}. filters, all of which must fit: status
and disposition (a label or an array; the newest disposition of a call counts), direction, campaign_id, user_id, lead_id, phone (of
the other side, in any form), from and to (of started_at, both included), search (a part of notes, numbers, or the contact''s name,
company or e-mail address, in any case), before. Pages by page_limit (1 to 500) and page_offset, with the exact total; or, for lists
that grow meanwhile, by "before": the "next" of the page before, which is null on the last one; total is then null. Errors: 22023
unknown filter, bad value or page, SB001 bad phone number.';
REVOKE ALL ON FUNCTION switchboard.get_calls(jsonb, int, int) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._ask_provider(call uuid, OUT checked_at timestamptz, OUT refreshing boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: jobs are not the application's to write; the session is checked as row level security would.
-- Without a lock on the call: who looks at it does not hold up what is said about it. One question at a time, and none within five
-- seconds of the last, whatever became of that.
DECLARE
  log   switchboard.call_logs;
  key   text := 'status:' || call;
  asked timestamptz;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call AND switchboard._caller_may(c.tenant_id, c.user_id);
  SELECT max(j.finished_at), max(j.finished_at) FILTER (WHERE j.state = 'done') INTO asked, checked_at
  FROM switchboard.jobs_finished j WHERE j.tenant_id = log.tenant_id AND j.idempotency_key = key;
  checked_at := greatest(checked_at, (SELECT max(e.received_at) FROM switchboard.call_events e
                                      WHERE e.tenant_id = log.tenant_id AND e.call_log_id = log.id));
  IF switchboard._call_rank(log.status) < 3 AND log.call_id IS NOT NULL AND log.account_id IS NOT NULL AND log.provider <> 'webhook'
     AND current_setting('transaction_read_only') = 'off'
     AND coalesce(greatest(asked, checked_at) < clock_timestamp() - interval '5 seconds', true) THEN
    INSERT INTO switchboard.jobs_open (tenant_id, kind, account_id, subject_id, payload, priority, max_attempts, idempotency_key)
    VALUES (log.tenant_id, 'call.status', log.account_id, log.id,
            jsonb_build_object('provider_call_id', log.call_id, 'call_log_id', log.id), 5, 3, key)
    ON CONFLICT (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
  END IF;
  refreshing := EXISTS (SELECT FROM switchboard.jobs_open j WHERE j.tenant_id = log.tenant_id AND j.idempotency_key = key);
END
$$;
COMMENT ON FUNCTION switchboard._ask_provider(uuid) IS
  'Has the provider asked how a live call stands, unless that has just been done; when something was heard of it last, and whether an
answer is awaited. Receivers of webhooks cannot be asked: they report.';
REVOKE ALL ON FUNCTION switchboard._ask_provider(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard.get_call(id uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  log   switchboard.call_logs;
  heard record;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = get_call.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such call: %', coalesce(get_call.id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  SELECT * INTO heard FROM switchboard._ask_provider(log.id);
  RETURN switchboard._call_json(log) || jsonb_build_object(
    'provider', jsonb_build_object('name', log.provider, 'status', CASE WHEN log.call_id IS NOT NULL THEN log.status END,
                                   'checked_at', heard.checked_at, 'refreshing', heard.refreshing),
    'recordings', (SELECT coalesce(jsonb_agg(to_jsonb(r) - '{tenant_id,call_id}'::text[] ORDER BY r.created_at, r.id), '[]')
                   FROM switchboard.call_recordings r WHERE r.tenant_id = log.tenant_id AND r.call_id = log.id),
    'dispositions', (SELECT coalesce(jsonb_agg(to_jsonb(d) - '{tenant_id,call_id}'::text[] ORDER BY d.created_at, d.id), '[]')
                     FROM switchboard.call_dispositions d WHERE d.tenant_id = log.tenant_id AND d.call_id = log.id));
END
$$;
COMMENT ON FUNCTION switchboard.get_call(uuid) IS
  'One call: its columns, "recordings", "dispositions", and "provider": {"name", "status", "checked_at", "refreshing"}, what the
provider said last and when. While the call lives the provider is asked anew, at most every five seconds; refreshing says that an
answer is awaited, so look again. Nothing is asked in a read-only transaction. Errors: P0002 no such call.';
REVOKE ALL ON FUNCTION switchboard.get_call(uuid) FROM PUBLIC;
