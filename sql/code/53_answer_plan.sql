-- What happens on an outbound call that somebody has answered.

CREATE OR REPLACE FUNCTION switchboard._answer_plan(call uuid, answered_by text, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: acts for the tenant of the call. Internal.
BEGIN
  RETURN jsonb_build_object('action', 'hangup');
END
$$;
COMMENT ON FUNCTION switchboard._answer_plan(uuid, text, timestamptz) IS
  'What to do on an answered call.';
REVOKE ALL ON FUNCTION switchboard._answer_plan(uuid, text, timestamptz) FROM PUBLIC;
