-- Rows that functions of the dialer hand to each other. No table stores them.

CREATE TYPE switchboard.call_status_event AS (
    call_log_id uuid,
    tenant_id uuid,
    provider text,
    call_id text,
    status switchboard.call_status,
    occurred_at timestamptz,
    duration integer,
    answered_by switchboard.answered_by,
    recording_url text,
    cause text,
    raw jsonb
);
COMMENT ON TYPE switchboard.call_status_event IS
'What a provider says about a call: found by call_log_id, else by the provider''s call_id. duration: seconds of talk; raw: the
provider''s own fields.';

CREATE TYPE switchboard.webhook_response AS (
    status integer,
    content_type text,
    body text
);
COMMENT ON TYPE switchboard.webhook_response IS 'What to answer the sender of a webhook.';

CREATE TYPE switchboard.http_request AS (
    method text,
    path text,
    query jsonb,
    headers jsonb,
    body bytea,
    parameters jsonb,
    fields jsonb
);
COMMENT ON TYPE switchboard.http_request IS
'A request as a route''s function gets it; parameters are the parts of the path that the route names; fields are those of the body, and
query those of the URL, checked against the schemas of the route, with keys in camelCase.';

CREATE TYPE switchboard.http_response AS (
    status integer,
    headers jsonb,
    body bytea
);
COMMENT ON TYPE switchboard.http_response IS 'What handle_http() answers.';

CREATE TYPE switchboard.http_route AS (
    path text,
    handler text,
    access text,
    query text,
    body text,
    parameters jsonb,
    methods text
);
COMMENT ON TYPE switchboard.http_route IS
'The route of a request: its path as _http_routes() has it, and the parameters in the path of the request. handler is null when the path
has other methods only; methods are those that it has, null when there is no such path.';

CREATE TYPE switchboard.preview_contact AS (
    queue_id uuid,
    campaign_id uuid,
    contact_id uuid,
    phone_number text,
    first_name text,
    last_name text,
    email text,
    company text,
    attempts integer,
    last_attempt_at timestamptz,
    last_outcome text,
    script text,
    metadata jsonb,
    reserved_until timestamptz
);
COMMENT ON TYPE switchboard.preview_contact IS
'Somebody whom an agent may look at before calling: the queue entry to accept or skip, the person (contact_id: campaign_contacts.id),
and what to say. All null: nobody is due.';
