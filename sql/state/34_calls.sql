-- Calls and what belongs to a call.

-- No reference for campaign_contact_id: emptying it would lock calls after people, while what happens to calls locks people after
-- calls, and taking somebody off a list would end in a deadlock now and then. Whoever follows it asks for the tenant, or for
-- last_call_id, which points back.
CREATE TABLE switchboard.call_logs (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid DEFAULT switchboard.current_user_id(),
    call_id text,
    direction switchboard.direction NOT NULL DEFAULT 'outbound',
    from_number text,
    to_number text,
    status switchboard.call_status NOT NULL DEFAULT 'initiated',
    duration integer,
    recording_url text,
    notes text,
    lead_id uuid,
    campaign_id uuid,
    campaign_contact_id uuid,
    provider text,
    account_id uuid,
    metadata jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    dialed_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    expires_at timestamptz,
    hang_up_at timestamptz,
    voicemail_at timestamptz,
    abandoned boolean NOT NULL DEFAULT false,
    answered_by switchboard.answered_by,
    queued_at timestamptz,
    left_queue_at timestamptz,
    assigned_at timestamptz,
    connected_at timestamptz,
    priority integer NOT NULL DEFAULT 0,
    skills text[] NOT NULL DEFAULT '{}',
    hangup_cause text,
    error_code text,
    error text,
    cost numeric(12,4),
    cost_currency text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- In the predicate of an index, where dialed_at would cost every call that is dialed its hot update.
    waits boolean NOT NULL GENERATED ALWAYS AS
      (metadata ? 'call_trigger_id' AND campaign_contact_id IS NULL AND dialed_at IS NULL AND status = 'initiated') STORED,
    -- What waiting for an agent means, in one place; in the predicate of an index for the same reason.
    in_queue boolean NOT NULL GENERATED ALWAYS AS
      (direction = 'inbound' AND status IN ('initiated', 'ringing', 'answered') AND queued_at IS NOT NULL AND left_queue_at IS NULL
       AND assigned_at IS NULL AND hang_up_at IS NULL) STORED,
    overflow text,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (lead_id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE SET NULL (campaign_id),
    CHECK (duration >= 0),
    CHECK (jsonb_typeof(metadata) = 'object'),
    CHECK (overflow IN ('voicemail', 'callback', 'number', 'hangup'))
) WITH (fillfactor = 85);
COMMENT ON TABLE switchboard.call_logs IS
'Every call, in and out, from every campaign and provider.';
COMMENT ON COLUMN switchboard.call_logs.user_id IS 'The agent whose call it is; null: nobody''s yet.';
COMMENT ON COLUMN switchboard.call_logs.call_id IS 'The provider''s id of the call.';
COMMENT ON COLUMN switchboard.call_logs.direction IS 'Which way it goes.';
COMMENT ON COLUMN switchboard.call_logs.from_number IS 'Caller: E.164 where it is a number.';
COMMENT ON COLUMN switchboard.call_logs.to_number IS 'Called: E.164 where it is a number.';
COMMENT ON COLUMN switchboard.call_logs.status IS 'Progress; only moves forward.';
COMMENT ON COLUMN switchboard.call_logs.duration IS 'Length in seconds, as billed by the provider.';
COMMENT ON COLUMN switchboard.call_logs.recording_url IS 'Where the recording can be fetched.';
COMMENT ON COLUMN switchboard.call_logs.notes IS 'Free text of agents.';
COMMENT ON COLUMN switchboard.call_logs.lead_id IS 'The contact on the other side.';
COMMENT ON COLUMN switchboard.call_logs.campaign_id IS 'The campaign that made the call.';
COMMENT ON COLUMN switchboard.call_logs.campaign_contact_id IS 'The entry of the campaign''s list that was called; it may be gone.';
COMMENT ON COLUMN switchboard.call_logs.provider IS 'Who carries the call.';
COMMENT ON COLUMN switchboard.call_logs.account_id IS 'The provider account that carries it; it may be gone.';
COMMENT ON COLUMN switchboard.call_logs.metadata IS 'The application''s own fields.';
COMMENT ON COLUMN switchboard.call_logs.started_at IS 'When it began; of a queued call, when it was queued; of a triggered one, once it was, when it was dialed.';
COMMENT ON COLUMN switchboard.call_logs.dialed_at IS 'When the provider was asked to place it; null: it never was.';
COMMENT ON COLUMN switchboard.call_logs.answered_at IS 'When it was answered.';
COMMENT ON COLUMN switchboard.call_logs.ended_at IS 'When it ended.';
COMMENT ON COLUMN switchboard.call_logs.expires_at IS 'When a call that was placed, or has come in, is settled unless there is news of it, see expire_silent_calls(); null: not placed, or over.';
COMMENT ON COLUMN switchboard.call_logs.hang_up_at IS 'When somebody hung it up here; the provider is told as soon as it knows the call.';
COMMENT ON COLUMN switchboard.call_logs.voicemail_at IS 'When a recorded message was left on it; null: none was.';
COMMENT ON COLUMN switchboard.call_logs.abandoned IS 'Answered, but no agent was there in time.';
COMMENT ON COLUMN switchboard.call_logs.answered_by IS 'What answered.';
COMMENT ON COLUMN switchboard.call_logs.queued_at IS 'When an inbound call asked for an agent, whether one was free or not; null: it was not for agents.';
COMMENT ON COLUMN switchboard.call_logs.left_queue_at IS 'When an inbound call that had waited was sent elsewhere, such as to the voicemail; null: it was not.';
COMMENT ON COLUMN switchboard.call_logs.assigned_at IS 'When it was given to an agent; null again when that agent did not pick up and it waits once more.';
COMMENT ON COLUMN switchboard.call_logs.connected_at IS 'When agent and customer heard each other.';
COMMENT ON COLUMN switchboard.call_logs.priority IS 'Higher is served first while it waits.';
COMMENT ON COLUMN switchboard.call_logs.skills IS 'Skills that the agent must have.';
COMMENT ON COLUMN switchboard.call_logs.hangup_cause IS 'The provider''s word for how it ended.';
COMMENT ON COLUMN switchboard.call_logs.error_code IS 'The provider''s code when it failed.';
COMMENT ON COLUMN switchboard.call_logs.error IS 'What went wrong.';
COMMENT ON COLUMN switchboard.call_logs.cost IS 'What the provider charged.';
COMMENT ON COLUMN switchboard.call_logs.cost_currency IS 'ISO 4217 currency of cost.';
COMMENT ON COLUMN switchboard.call_logs.in_queue IS 'Whether it is an inbound call that waits for an agent now.';
COMMENT ON COLUMN switchboard.call_logs.waits IS 'Whether it was triggered and waits for its time: it takes no line yet.';
COMMENT ON COLUMN switchboard.call_logs.overflow IS 'Where an inbound call was sent instead of to an agent: voicemail, callback, number or hangup; null: it is or was for an agent.';
CREATE UNIQUE INDEX call_logs_provider_call_key ON switchboard.call_logs (tenant_id, provider, call_id) WHERE call_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_provider_call_key IS 'A provider''s call is one row; webhooks find it by this.';
CREATE INDEX call_logs_started_idx ON switchboard.call_logs (tenant_id, started_at DESC, id DESC);
COMMENT ON INDEX switchboard.call_logs_started_idx IS 'A tenant''s calls, newest first, page by page.';
CREATE INDEX call_logs_campaign_idx ON switchboard.call_logs (tenant_id, campaign_id, started_at DESC) WHERE campaign_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_campaign_idx IS 'A campaign''s calls, newest first.';
CREATE INDEX call_logs_campaign_contact_idx ON switchboard.call_logs (tenant_id, campaign_contact_id) WHERE campaign_contact_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_campaign_contact_idx IS 'The calls to one entry of a list.';
CREATE INDEX call_logs_lead_idx ON switchboard.call_logs (tenant_id, lead_id, started_at DESC) WHERE lead_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_lead_idx IS 'A contact''s calls, newest first.';
CREATE INDEX call_logs_user_idx ON switchboard.call_logs (tenant_id, user_id, started_at DESC) WHERE user_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_logs_user_idx IS 'An agent''s calls, newest first.';
CREATE INDEX call_logs_called_idx ON switchboard.call_logs (tenant_id, to_number, started_at DESC) WHERE direction = 'outbound';
COMMENT ON INDEX switchboard.call_logs_called_idx IS 'How often a number was called lately: frequency caps.';
CREATE INDEX call_logs_caller_idx ON switchboard.call_logs (tenant_id, from_number, started_at DESC) WHERE direction = 'inbound';
COMMENT ON INDEX switchboard.call_logs_caller_idx IS 'Who called before, newest first.';
CREATE INDEX call_logs_live_idx ON switchboard.call_logs (tenant_id, campaign_id)
    WHERE status IN ('initiated', 'ringing', 'answered') AND NOT waits;
COMMENT ON INDEX switchboard.call_logs_live_idx IS 'Calls that have not ended, without those that only wait for their time.';
CREATE INDEX call_logs_queue_idx ON switchboard.call_logs (tenant_id, priority DESC, queued_at, id) WHERE in_queue;
COMMENT ON INDEX switchboard.call_logs_queue_idx IS 'Inbound calls that wait for an agent, in the order in which they are served.';
CREATE INDEX call_logs_homeless_idx ON switchboard.call_logs (tenant_id, campaign_id) WHERE waits AND account_id IS NULL;
COMMENT ON INDEX switchboard.call_logs_homeless_idx IS 'Triggered calls that wait for an account that can make them.';
CREATE INDEX call_logs_expiry_idx ON switchboard.call_logs (expires_at)
    WHERE expires_at IS NOT NULL AND status IN ('initiated', 'ringing', 'answered');
COMMENT ON INDEX switchboard.call_logs_expiry_idx IS 'Calls under way, by when they are settled without news.';

ALTER TABLE switchboard.tasks ADD FOREIGN KEY (tenant_id, call_log_id)
    REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_log_id);
CREATE INDEX tasks_call_idx ON switchboard.tasks (tenant_id, call_log_id) WHERE call_log_id IS NOT NULL;
COMMENT ON INDEX switchboard.tasks_call_idx IS 'The tasks that came of a call.';

CREATE TABLE switchboard.call_events (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    call_log_id uuid NOT NULL,
    status switchboard.call_status,
    raw jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT now(),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, call_log_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.call_events IS
'Every word of the provider about a call, as it came. Append only.';
COMMENT ON COLUMN switchboard.call_events.call_log_id IS 'The call.';
COMMENT ON COLUMN switchboard.call_events.status IS 'What it says about the status; null: nothing.';
COMMENT ON COLUMN switchboard.call_events.raw IS 'The provider''s own fields.';
COMMENT ON COLUMN switchboard.call_events.occurred_at IS 'When it happened, by the provider''s clock.';
COMMENT ON COLUMN switchboard.call_events.received_at IS 'When it came in.';
CREATE INDEX call_events_call_idx ON switchboard.call_events (tenant_id, call_log_id, received_at);
COMMENT ON INDEX switchboard.call_events_call_idx IS 'A call''s events in order.';

CREATE TABLE switchboard.call_recordings (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    call_id uuid NOT NULL,
    recording_url text,
    provider_recording_id text,
    duration integer,
    file_size bigint,
    transcription text,
    sentiment switchboard.sentiment,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, call_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE CASCADE,
    CHECK (duration >= 0),
    CHECK (file_size >= 0),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.call_recordings IS
'Recordings of calls and what was found in them.';
COMMENT ON COLUMN switchboard.call_recordings.call_id IS 'The call (call_logs.id).';
COMMENT ON COLUMN switchboard.call_recordings.recording_url IS 'Where the recording can be fetched.';
COMMENT ON COLUMN switchboard.call_recordings.provider_recording_id IS 'The provider''s id of the recording.';
COMMENT ON COLUMN switchboard.call_recordings.duration IS 'Length in seconds.';
COMMENT ON COLUMN switchboard.call_recordings.file_size IS 'Size in bytes.';
COMMENT ON COLUMN switchboard.call_recordings.transcription IS 'What was said.';
COMMENT ON COLUMN switchboard.call_recordings.sentiment IS 'Mood of the conversation.';
COMMENT ON COLUMN switchboard.call_recordings.metadata IS 'More about the recording.';
CREATE UNIQUE INDEX call_recordings_provider_key ON switchboard.call_recordings (tenant_id, call_id, provider_recording_id);
COMMENT ON INDEX switchboard.call_recordings_provider_key IS 'A recording that is announced twice is one row.';

CREATE TABLE switchboard.call_dispositions (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    call_id uuid NOT NULL,
    user_id uuid DEFAULT switchboard.current_user_id(),
    disposition switchboard.call_disposition NOT NULL,
    notes text,
    follow_up_date timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, call_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id)
);
COMMENT ON TABLE switchboard.call_dispositions IS
'What agents concluded after calls.';
COMMENT ON COLUMN switchboard.call_dispositions.call_id IS 'The call (call_logs.id).';
COMMENT ON COLUMN switchboard.call_dispositions.user_id IS 'Who concluded it.';
COMMENT ON COLUMN switchboard.call_dispositions.disposition IS 'The conclusion.';
COMMENT ON COLUMN switchboard.call_dispositions.notes IS 'Free text.';
COMMENT ON COLUMN switchboard.call_dispositions.follow_up_date IS 'When to call back.';
CREATE INDEX call_dispositions_call_idx ON switchboard.call_dispositions (tenant_id, call_id, created_at);
COMMENT ON INDEX switchboard.call_dispositions_call_idx IS 'The conclusions about one call.';
CREATE INDEX call_dispositions_user_idx ON switchboard.call_dispositions (tenant_id, user_id, created_at DESC);
COMMENT ON INDEX switchboard.call_dispositions_user_idx IS 'An agent''s conclusions, newest first.';

CREATE TABLE switchboard.voicemail_drops (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid DEFAULT switchboard.current_user_id(),
    name text NOT NULL,
    audio_url text NOT NULL,
    duration integer,
    usage_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    CHECK (name <> ''),
    CHECK (audio_url ~ '^https?://[^[:space:]]+$'),
    CHECK (duration >= 0),
    CHECK (usage_count >= 0)
);
COMMENT ON TABLE switchboard.voicemail_drops IS
'Recorded messages that can be left on answering machines.';
COMMENT ON COLUMN switchboard.voicemail_drops.user_id IS 'Whose message it is; null: anybody''s.';
COMMENT ON COLUMN switchboard.voicemail_drops.name IS 'Name as shown.';
COMMENT ON COLUMN switchboard.voicemail_drops.audio_url IS 'Where the audio can be fetched.';
COMMENT ON COLUMN switchboard.voicemail_drops.duration IS 'Length in seconds.';
COMMENT ON COLUMN switchboard.voicemail_drops.usage_count IS 'How often it was left.';
CREATE INDEX voicemail_drops_user_idx ON switchboard.voicemail_drops (tenant_id, user_id);
COMMENT ON INDEX switchboard.voicemail_drops_user_idx IS 'A user''s messages.';

-- After call_logs, because an entry names the call it became.
CREATE TABLE switchboard.dialer_queues (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    status switchboard.queue_status NOT NULL DEFAULT 'queued',
    call_log_id uuid,
    assigned_to uuid,
    reserved_by uuid,
    reserved_until timestamptz,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.campaign_contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, call_log_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_log_id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (assigned_to),
    FOREIGN KEY (tenant_id, reserved_by) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (reserved_by)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE switchboard.dialer_queues IS
'The dialer''s queue: who is to be called next.';
COMMENT ON COLUMN switchboard.dialer_queues.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.dialer_queues.contact_id IS 'The entry of the campaign''s list (campaign_contacts.id).';
COMMENT ON COLUMN switchboard.dialer_queues.priority IS 'Higher is called first.';
COMMENT ON COLUMN switchboard.dialer_queues.scheduled_at IS 'Not before.';
COMMENT ON COLUMN switchboard.dialer_queues.status IS 'Where the entry stands.';
COMMENT ON COLUMN switchboard.dialer_queues.call_log_id IS 'The call it became.';
COMMENT ON COLUMN switchboard.dialer_queues.assigned_to IS 'The agent to whom the call was promised; null: anybody.';
COMMENT ON COLUMN switchboard.dialer_queues.reserved_by IS 'The agent who is looking at it (preview dialing).';
COMMENT ON COLUMN switchboard.dialer_queues.reserved_until IS 'When the reservation expires.';
COMMENT ON COLUMN switchboard.dialer_queues.reason IS 'Why it was skipped or failed.';
CREATE UNIQUE INDEX dialer_queues_open_key ON switchboard.dialer_queues (tenant_id, contact_id) WHERE status IN ('queued', 'calling');
COMMENT ON INDEX switchboard.dialer_queues_open_key IS 'Nobody is in the queue twice.';
CREATE INDEX dialer_queues_campaign_idx ON switchboard.dialer_queues (tenant_id, campaign_id, priority DESC, scheduled_at)
    WHERE status = 'queued';
COMMENT ON INDEX switchboard.dialer_queues_campaign_idx IS 'A campaign''s waiting entries in order.';
CREATE INDEX dialer_queues_contact_idx ON switchboard.dialer_queues (tenant_id, contact_id);
COMMENT ON INDEX switchboard.dialer_queues_contact_idx IS 'The entries of one person; keeps deleting lists cheap.';
CREATE INDEX dialer_queues_call_idx ON switchboard.dialer_queues (tenant_id, call_log_id) WHERE call_log_id IS NOT NULL;
COMMENT ON INDEX switchboard.dialer_queues_call_idx IS 'The entry that a call came from.';
CREATE INDEX dialer_queues_assigned_idx ON switchboard.dialer_queues (tenant_id, assigned_to) WHERE assigned_to IS NOT NULL;
COMMENT ON INDEX switchboard.dialer_queues_assigned_idx IS 'The entries promised to an agent.';
CREATE UNIQUE INDEX dialer_queues_reserved_key ON switchboard.dialer_queues (tenant_id, reserved_by) WHERE reserved_by IS NOT NULL;
COMMENT ON INDEX switchboard.dialer_queues_reserved_key IS 'An agent reserves one entry at a time.';

CREATE TABLE switchboard.agent_states (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid NOT NULL,
    state switchboard.agent_state NOT NULL,
    reason text,
    call_log_id uuid,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ends_at timestamptz,
    next_state switchboard.agent_state,
    next_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, call_log_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_log_id),
    CHECK (ended_at >= started_at)
);
COMMENT ON TABLE switchboard.agent_states IS
'What each agent did when: one row per stay in a state, the open one is the state now.';
COMMENT ON COLUMN switchboard.agent_states.user_id IS 'The agent.';
COMMENT ON COLUMN switchboard.agent_states.state IS 'The state.';
COMMENT ON COLUMN switchboard.agent_states.reason IS 'Why, in the agent''s words.';
COMMENT ON COLUMN switchboard.agent_states.call_log_id IS 'The call that it is about.';
COMMENT ON COLUMN switchboard.agent_states.started_at IS 'When it began.';
COMMENT ON COLUMN switchboard.agent_states.ended_at IS 'When it ended; null: it lasts.';
COMMENT ON COLUMN switchboard.agent_states.ends_at IS 'When it ends by itself and the agent is available (wrap_up); null: it does not.';
COMMENT ON COLUMN switchboard.agent_states.next_state IS 'While busy: the state after the call; null: wrap_up.';
COMMENT ON COLUMN switchboard.agent_states.next_reason IS 'The reason of next_state.';
CREATE UNIQUE INDEX agent_states_open_key ON switchboard.agent_states (tenant_id, user_id) WHERE ended_at IS NULL;
COMMENT ON INDEX switchboard.agent_states_open_key IS 'An agent is in one state at a time.';
CREATE INDEX agent_states_waiting_idx ON switchboard.agent_states (tenant_id, started_at) WHERE ended_at IS NULL AND state = 'available';
COMMENT ON INDEX switchboard.agent_states_waiting_idx IS 'Free agents, longest idle first.';
CREATE INDEX agent_states_ends_idx ON switchboard.agent_states (ends_at) WHERE ended_at IS NULL AND ends_at IS NOT NULL;
COMMENT ON INDEX switchboard.agent_states_ends_idx IS 'States that end by themselves.';
CREATE INDEX agent_states_user_idx ON switchboard.agent_states (tenant_id, user_id, started_at DESC);
COMMENT ON INDEX switchboard.agent_states_user_idx IS 'An agent''s day.';
CREATE INDEX agent_states_call_idx ON switchboard.agent_states (tenant_id, call_log_id) WHERE call_log_id IS NOT NULL;
COMMENT ON INDEX switchboard.agent_states_call_idx IS 'Keeps deleting a call cheap.';
