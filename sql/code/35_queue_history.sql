-- Finished jobs: looking at them, and forgetting them.

CREATE OR REPLACE VIEW switchboard.dead_jobs WITH (security_invoker = true) AS
    SELECT j.id, j.tenant_id, j.kind, j.account_id, j.subject_id, j.payload, j.attempt, j.max_attempts, j.last_code,
           j.last_error, j.provider_ref, j.idempotency_key, j.created_at, j.finished_at
      FROM switchboard.jobs j
     WHERE j.state = 'dead';
COMMENT ON VIEW switchboard.dead_jobs IS
'Jobs of the caller''s tenant that were given up, and why. retry_job(id) puts one back into the queue.';

-- A leaf holds the days of its slot only, so its age follows from the calendar and no row has to be read. The leaf of today is
-- never old; a leaf that nobody emptied in time gets the next round's rows on top and waits for the next chance.
CREATE OR REPLACE FUNCTION switchboard._drop_old_jobs(
    at timestamptz DEFAULT now(), keep interval DEFAULT interval '14 days') RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '200ms'
AS $$
DECLARE
    width constant interval := interval '3 days';
    leaf text;
    filled boolean;
    emptied int := 0;
BEGIN
    IF keep < interval '0' OR keep > 6 * width THEN
        RAISE EXCEPTION 'finished jobs can be kept for 0 to 18 days, not %', keep USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR k IN 1 .. 7 LOOP
        -- The last instant of the days that are k slots behind today's.
        CONTINUE WHEN date_bin(width, at, timestamptz 'epoch') - (k - 1) * width + keep > at;
        leaf := 'jobs_finished_' || switchboard._finished_slot(at - k * width);
        EXECUTE format('SELECT EXISTS (SELECT FROM switchboard.%I)', leaf) INTO filled;
        CONTINUE WHEN NOT filled;
        BEGIN
            -- Waiting for the lock would make everybody behind us wait, too.
            EXECUTE format('TRUNCATE ONLY switchboard.%I', leaf);
            emptied := emptied + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RETURN emptied;
END
$$;
REVOKE ALL ON FUNCTION switchboard._drop_old_jobs(timestamptz, interval) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._drop_old_jobs(timestamptz, interval) IS
'Empties the leaves of jobs_finished whose jobs all finished longer ago than keep (0 to 18 days); returns how many. A leaf that
somebody is reading is left for the next time. Workers call it once a day. Error: 22023 bad keep.';
