-- What the queue asks the dialer.

CREATE OR REPLACE FUNCTION switchboard._before_claim(max_jobs int) RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT NULL::timestamptz $$;
REVOKE ALL ON FUNCTION switchboard._before_claim(int) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._before_claim(int) IS
'Before each claim: enqueues at most so many jobs that are due; returns when the next one falls due (NULL: none).';

CREATE OR REPLACE FUNCTION switchboard._apply_job_results(results switchboard.job_result[]) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT NULL::void $$;
REVOKE ALL ON FUNCTION switchboard._apply_job_results(switchboard.job_result[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._apply_job_results(switchboard.job_result[]) IS
'What the outcomes of jobs mean for calls, contacts and messages.';

CREATE OR REPLACE FUNCTION switchboard._allow_sending(job_ids uuid[])
RETURNS TABLE (job_id uuid, allowed boolean, reason text, retry_at timestamptz)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT id, true, NULL::text, NULL::timestamptz FROM unnest(job_ids) id $$;
REVOKE ALL ON FUNCTION switchboard._allow_sending(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._allow_sending(uuid[]) IS
'Whether jobs may be sent now; if not, why, and when to try again (NULL: never).';
