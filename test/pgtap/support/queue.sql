-- A worker to play with, for the queue tests. \ir it after BEGIN.
CREATE SCHEMA q;

INSERT INTO switchboard.tenants (id, name) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b'),
    ('00000000-0000-0000-0000-00000000000c', 'c');

CREATE FUNCTION q.tenant(label text) RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT t.id FROM switchboard.tenants t WHERE t.name = label $$;

CREATE FUNCTION q.account(tenant_label text, provider text, settings jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO switchboard.provider_accounts (tenant_id, provider, name, settings)
    VALUES (q.tenant(tenant_label), provider, gen_random_uuid(), settings) RETURNING id
$$;

-- n jobs of a tenant; attributes: kind, account_id, priority, run_at, payload, max_attempts, idempotency_key, id.
CREATE FUNCTION q.enqueue(tenant_label text, n int DEFAULT 1, attributes jsonb DEFAULT '{}') RETURNS SETOF uuid LANGUAGE sql AS $$
    INSERT INTO switchboard.jobs_open (id, tenant_id, kind, account_id, priority, run_at, payload, max_attempts, idempotency_key)
    SELECT coalesce(a.id, switchboard.uuid_v7()), q.tenant(tenant_label), coalesce(a.kind, 'webhook'), a.account_id,
           coalesce(a.priority, 0), coalesce(a.run_at, clock_timestamp()), coalesce(a.payload, '{}'),
           coalesce(a.max_attempts, 8), a.idempotency_key
      FROM generate_series(1, n),
           jsonb_to_record(attributes) AS a(id uuid, kind text, account_id uuid, priority int, run_at timestamptz,
                                            payload jsonb, max_attempts int, idempotency_key text)
    RETURNING id
$$;

CREATE FUNCTION q.hello(worker text) RETURNS json LANGUAGE sql
AS $$ SELECT switchboard._worker_hello(json_build_object('worker', worker, 'protocol', 1, 'kind', 'standalone')) $$;

-- A turn that discovers from scratch; more: other keys of the claim.
CREATE FUNCTION q.claim(worker text, wanted int DEFAULT 100, more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql
AS $$
    SELECT switchboard._worker_turn(jsonb_build_object('worker', worker, 'finished', '[]'::jsonb, 'claim',
        '{"discover": true, "lanes": []}' || jsonb_build_object('limit', wanted) || more)::json)
$$;

-- One result for each job of a reply; more: other keys of the result.
CREATE FUNCTION q.results(reply json, outcome text, more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql AS $$
    SELECT coalesce(json_agg(jsonb_build_object('id', j -> 'id', 'token', j -> 'token', 'outcome', outcome) || more), '[]')
      FROM json_array_elements(reply -> 'jobs') j
$$;

CREATE FUNCTION q.finish(worker text, results json) RETURNS json LANGUAGE sql
AS $$ SELECT switchboard._worker_turn(json_build_object('worker', worker, 'finished', results, 'claim', NULL)) $$;

CREATE FUNCTION q.keys(worker text, reply json) RETURNS json LANGUAGE sql AS $$
    SELECT json_build_object('worker', worker, 'jobs', (
        SELECT coalesce(json_agg(json_build_object('id', j -> 'id', 'token', j -> 'token')), '[]')
          FROM json_array_elements(reply -> 'jobs') j))
$$;

CREATE FUNCTION q.count(reply json) RETURNS int LANGUAGE sql AS $$ SELECT json_array_length(reply -> 'jobs') $$;

CREATE FUNCTION q.ids(reply json) RETURNS uuid[] LANGUAGE sql
AS $$ SELECT coalesce(array_agg((j ->> 'id')::uuid), '{}') FROM json_array_elements(reply -> 'jobs') j $$;

-- Where a job stands: state, attempt, whether claimed.
CREATE FUNCTION q.stand(job uuid) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', j.state, j.attempt, CASE WHEN j.locked_by IS NOT NULL THEN 'claimed' END, j.last_code)
      FROM switchboard.jobs j WHERE j.id = job
$$;

-- The server drops the locks of a session that ends; within one session a worker dies like this.
CREATE FUNCTION q.die(worker text) RETURNS void LANGUAGE sql AS $$
    SELECT switchboard._drop_worker_locks(worker)
$$;

-- What the dialer was told, instead of what it does about it. Raises for jobs whose payload says so.
CREATE TABLE q.told (job_id uuid, outcome text, final boolean, code text, error text, provider_id text, payload jsonb, response jsonb);
CREATE OR REPLACE FUNCTION switchboard._apply_job_results(results switchboard.job_result[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(results) r WHERE r.payload ? 'poison') THEN
        RAISE EXCEPTION 'poison';
    END IF;
    INSERT INTO q.told SELECT r.job_id, r.outcome, r.final, r.code, r.error, r.provider_id, r.payload, r.response FROM unnest(results) r;
END
$$;
-- Nothing to dial in these tests, and sending is refused for payloads that say so.
CREATE OR REPLACE FUNCTION switchboard._before_claim(max_calls int) RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';
CREATE OR REPLACE FUNCTION switchboard._allow_sending(job_ids uuid[])
RETURNS TABLE (job_id uuid, allowed boolean, reason text, retry_at timestamptz) LANGUAGE sql AS $$
    SELECT j.id, NOT j.payload ? 'refuse', j.payload ->> 'refuse', (j.payload ->> 'retry_at')::timestamptz
      FROM switchboard.jobs_open j WHERE j.id = ANY (job_ids)
$$;
