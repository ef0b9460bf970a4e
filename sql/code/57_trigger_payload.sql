-- How the package of a triggered call goes to whoever makes the call.
--
-- Telephony accounts say the script. Accounts of external call systems are given the package itself:
--   omnidimension   as call_context of the voice agent, with the ids of the call and (added by the worker) of the job
--   webhook         as the body, the very text that get_call_package() gives

CREATE OR REPLACE FUNCTION switchboard._takes_packages(provider text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(provider IN ('omnidimension', 'webhook'), false) $$;
COMMENT ON FUNCTION switchboard._takes_packages(text) IS
  'Whether accounts of a provider are external call systems: they are given packages, make the call by themselves, need no number to
call from, and tell of a call when it is over.';
REVOKE ALL ON FUNCTION switchboard._takes_packages(text) FROM PUBLIC;

-- Inlined by the planner, hence no SET clause.
CREATE OR REPLACE FUNCTION switchboard._trigger_payload(
  account switchboard.provider_accounts, campaign switchboard.campaigns, call_log_id uuid, to_number text, from_number text,
  package jsonb, script text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT CASE (account).provider
    WHEN 'webhook' THEN jsonb_build_object('to', to_number, 'call_log_id', call_log_id, 'body', package)
    WHEN 'omnidimension' THEN
      jsonb_strip_nulls(jsonb_build_object(
        'to', to_number, 'call_log_id', call_log_id,
        'agent_id', (campaign).settings -> 'agent_id', 'from_number_id', (campaign).settings -> 'from_number_id'))
      || jsonb_build_object('context', package || jsonb_build_object('call_log_id', call_log_id))
    ELSE switchboard._call_payload(account, coalesce((campaign).settings, '{}'), call_log_id, to_number, from_number, script) END
$$;
COMMENT ON FUNCTION switchboard._trigger_payload(switchboard.provider_accounts, switchboard.campaigns, uuid, text, text, jsonb, text) IS
  'Payload of the job (kind call) of a triggered call for an account of any provider. campaign may be NULL.';
REVOKE ALL ON FUNCTION switchboard._trigger_payload(switchboard.provider_accounts, switchboard.campaigns, uuid, text, text, jsonb, text)
  FROM PUBLIC;
