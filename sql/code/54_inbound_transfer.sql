-- A call that waits at its provider, and an agent who has been given it: the provider is told at once to ask again what to do.

CREATE OR REPLACE FUNCTION switchboard._connect_waiting(call uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY DEFINER: jobs are not the application's to write. Internal: the caller has locked the call and given it to an agent.
-- Sent once: should that fail, the call finds its agent with the next round of its wait, and a repeat could tear apart those who
-- speak by then.
DECLARE
  log     switchboard.call_logs;
  account switchboard.provider_accounts;
BEGIN
  SELECT c.* INTO log FROM switchboard.call_logs c WHERE c.id = call;
  SELECT a.* INTO account FROM switchboard.provider_accounts a
  WHERE a.tenant_id = log.tenant_id AND a.id = log.account_id AND a.enabled;
  IF log.direction = 'inbound' AND log.call_id IS NOT NULL AND switchboard._can_connect(account) THEN
    PERFORM switchboard._send_call_update(log, jsonb_build_object('action', 'transfer',
                                                                  'url', switchboard._webhook_url(account, 'answer', call)), 1);
  END IF;
END
$$;
COMMENT ON FUNCTION switchboard._connect_waiting(uuid) IS
  'Has the provider connect a waiting inbound call with the agent who has just been given it: a job call.update, action transfer. Nothing
to do for calls of providers that cannot be told; whoever was given such a call is told by the event call-assigned.';
REVOKE ALL ON FUNCTION switchboard._connect_waiting(uuid) FROM PUBLIC;
