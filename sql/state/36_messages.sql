-- Conversations across channels, their messages, and each message's fate.

CREATE TABLE switchboard.omnichannel_sessions (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid NOT NULL,
    call_id uuid,
    primary_channel switchboard.channel NOT NULL DEFAULT 'voice',
    active_channels switchboard.channel[] NOT NULL DEFAULT '{}',
    last_agent_id uuid,
    assigned_to uuid,
    last_intent text,
    context jsonb NOT NULL DEFAULT '{}',
    summary_sent_whatsapp boolean NOT NULL DEFAULT false,
    summary_sent_sms boolean NOT NULL DEFAULT false,
    status switchboard.session_status NOT NULL DEFAULT 'active',
    started_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    last_inbound_at timestamptz,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, call_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_id),
    FOREIGN KEY (tenant_id, last_agent_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (last_agent_id),
    FOREIGN KEY (tenant_id, assigned_to) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (assigned_to),
    CHECK (jsonb_typeof(context) = 'object')
);
COMMENT ON TABLE switchboard.omnichannel_sessions IS
'A conversation with a contact across all channels. A contact has at most one open one.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.contact_id IS 'With whom.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.call_id IS 'The call it began with or last continued in (call_logs.id).';
COMMENT ON COLUMN switchboard.omnichannel_sessions.primary_channel IS 'Channel it began on.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.active_channels IS 'Channels used in it, each once.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.last_agent_id IS 'The agent who was last in it.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.assigned_to IS 'The human who has taken over from the assistant; null: the assistant answers.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.last_intent IS 'What the contact last wanted.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.context IS 'What is to be remembered.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.summary_sent_whatsapp IS 'A call summary went out by WhatsApp.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.summary_sent_sms IS 'A call summary went out by SMS.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.status IS 'Where it stands.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.started_at IS 'When it began.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.expires_at IS 'When it ends by itself; every sign of life moves it on.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.last_inbound_at IS 'When the contact last wrote or called; opens the 24 hours of free text on WhatsApp.';
COMMENT ON COLUMN switchboard.omnichannel_sessions.closed_at IS 'When it was closed.';
CREATE UNIQUE INDEX omnichannel_sessions_open_key ON switchboard.omnichannel_sessions (tenant_id, contact_id) WHERE status IN ('active', 'follow_up');
COMMENT ON INDEX switchboard.omnichannel_sessions_open_key IS 'A contact has at most one open session.';
CREATE INDEX omnichannel_sessions_contact_idx ON switchboard.omnichannel_sessions (tenant_id, contact_id, started_at DESC);
COMMENT ON INDEX switchboard.omnichannel_sessions_contact_idx IS 'A contact''s sessions, newest first.';
CREATE INDEX omnichannel_sessions_expiry_idx ON switchboard.omnichannel_sessions (expires_at) WHERE status IN ('active', 'follow_up');
COMMENT ON INDEX switchboard.omnichannel_sessions_expiry_idx IS 'Which sessions have run out.';
CREATE INDEX omnichannel_sessions_call_idx ON switchboard.omnichannel_sessions (tenant_id, call_id) WHERE call_id IS NOT NULL;
COMMENT ON INDEX switchboard.omnichannel_sessions_call_idx IS 'The session of a call.';
CREATE INDEX omnichannel_sessions_agent_idx ON switchboard.omnichannel_sessions (tenant_id, last_agent_id) WHERE last_agent_id IS NOT NULL;
COMMENT ON INDEX switchboard.omnichannel_sessions_agent_idx IS 'Keeps deleting a user cheap.';
CREATE INDEX omnichannel_sessions_assigned_idx ON switchboard.omnichannel_sessions (tenant_id, assigned_to) WHERE assigned_to IS NOT NULL;
COMMENT ON INDEX switchboard.omnichannel_sessions_assigned_idx IS 'The conversations that a human has taken over.';

CREATE TABLE switchboard.messages (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    session_id uuid,
    contact_id uuid NOT NULL,
    channel switchboard.channel NOT NULL,
    direction switchboard.direction NOT NULL,
    sender switchboard.message_sender NOT NULL,
    user_id uuid,
    body text NOT NULL DEFAULT '',
    media jsonb NOT NULL DEFAULT '[]',
    message_type text NOT NULL DEFAULT 'notification',
    call_id uuid,
    provider_message_id text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES switchboard.omnichannel_sessions (tenant_id, id) ON DELETE SET NULL (session_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (user_id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_id),
    CHECK (jsonb_typeof(media) = 'array'),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.messages IS
'Every message, in and out.';
COMMENT ON COLUMN switchboard.messages.session_id IS 'The conversation it belongs to.';
COMMENT ON COLUMN switchboard.messages.contact_id IS 'Who wrote it or gets it.';
COMMENT ON COLUMN switchboard.messages.channel IS 'How it goes.';
COMMENT ON COLUMN switchboard.messages.direction IS 'Which way.';
COMMENT ON COLUMN switchboard.messages.sender IS 'Who wrote it.';
COMMENT ON COLUMN switchboard.messages.user_id IS 'The agent who wrote it.';
COMMENT ON COLUMN switchboard.messages.body IS 'The text.';
COMMENT ON COLUMN switchboard.messages.media IS 'Attachments: list of addresses and types.';
COMMENT ON COLUMN switchboard.messages.message_type IS 'call_summary, notification, response, follow_up, update, ...';
COMMENT ON COLUMN switchboard.messages.call_id IS 'The call that a summary is about (call_logs.id).';
COMMENT ON COLUMN switchboard.messages.provider_message_id IS 'The provider''s id of an inbound message.';
COMMENT ON COLUMN switchboard.messages.metadata IS 'More about the message.';
CREATE UNIQUE INDEX messages_inbound_key ON switchboard.messages (tenant_id, channel, provider_message_id) WHERE direction = 'inbound';
COMMENT ON INDEX switchboard.messages_inbound_key IS 'An inbound message that is delivered twice is one row.';
CREATE UNIQUE INDEX messages_summary_key ON switchboard.messages (tenant_id, call_id, channel) WHERE message_type = 'call_summary';
COMMENT ON INDEX switchboard.messages_summary_key IS 'A call is summed up at most once per channel.';
CREATE INDEX messages_session_idx ON switchboard.messages (tenant_id, session_id, created_at);
COMMENT ON INDEX switchboard.messages_session_idx IS 'A conversation in order.';
CREATE INDEX messages_contact_idx ON switchboard.messages (tenant_id, contact_id, created_at DESC);
COMMENT ON INDEX switchboard.messages_contact_idx IS 'A contact''s messages, newest first.';
CREATE INDEX messages_call_idx ON switchboard.messages (tenant_id, call_id) WHERE call_id IS NOT NULL;
COMMENT ON INDEX switchboard.messages_call_idx IS 'The messages about a call.';
CREATE INDEX messages_user_idx ON switchboard.messages (tenant_id, user_id) WHERE user_id IS NOT NULL;
COMMENT ON INDEX switchboard.messages_user_idx IS 'The messages that an agent wrote.';

CREATE TABLE switchboard.message_delivery_log (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    message_id uuid NOT NULL,
    session_id uuid,
    contact_id uuid NOT NULL,
    channel switchboard.channel NOT NULL,
    provider text,
    account_id uuid,
    provider_message_id text,
    status switchboard.delivery_status NOT NULL DEFAULT 'queued',
    error_code text,
    error text,
    segments integer,
    attempts integer NOT NULL DEFAULT 0,
    cost numeric(12,4),
    cost_currency text,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, message_id) REFERENCES switchboard.messages (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, session_id) REFERENCES switchboard.omnichannel_sessions (tenant_id, id) ON DELETE SET NULL (session_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    CHECK (segments >= 0),
    CHECK (attempts >= 0)
);
COMMENT ON TABLE switchboard.message_delivery_log IS
'What became of each outbound message, one row per try with a provider.';
COMMENT ON COLUMN switchboard.message_delivery_log.message_id IS 'The message.';
COMMENT ON COLUMN switchboard.message_delivery_log.session_id IS 'The conversation.';
COMMENT ON COLUMN switchboard.message_delivery_log.contact_id IS 'Who gets it.';
COMMENT ON COLUMN switchboard.message_delivery_log.channel IS 'How it goes.';
COMMENT ON COLUMN switchboard.message_delivery_log.provider IS 'Who carries it.';
COMMENT ON COLUMN switchboard.message_delivery_log.account_id IS 'The provider account that carries it; it may be gone.';
COMMENT ON COLUMN switchboard.message_delivery_log.provider_message_id IS 'The provider''s id.';
COMMENT ON COLUMN switchboard.message_delivery_log.status IS 'How far it has come; only moves forward.';
COMMENT ON COLUMN switchboard.message_delivery_log.error_code IS 'The provider''s code when it failed.';
COMMENT ON COLUMN switchboard.message_delivery_log.error IS 'What went wrong.';
COMMENT ON COLUMN switchboard.message_delivery_log.segments IS 'SMS segments it was charged as.';
COMMENT ON COLUMN switchboard.message_delivery_log.attempts IS 'How often it was sent.';
COMMENT ON COLUMN switchboard.message_delivery_log.cost IS 'What the provider charged.';
COMMENT ON COLUMN switchboard.message_delivery_log.cost_currency IS 'ISO 4217 currency of cost.';
COMMENT ON COLUMN switchboard.message_delivery_log.sent_at IS 'When the provider took it.';
COMMENT ON COLUMN switchboard.message_delivery_log.delivered_at IS 'When it arrived.';
COMMENT ON COLUMN switchboard.message_delivery_log.read_at IS 'When it was read.';
CREATE UNIQUE INDEX message_delivery_log_provider_key ON switchboard.message_delivery_log (tenant_id, provider, provider_message_id)
    WHERE provider_message_id IS NOT NULL;
COMMENT ON INDEX switchboard.message_delivery_log_provider_key IS 'Receipts find their delivery by this.';
CREATE INDEX message_delivery_log_message_idx ON switchboard.message_delivery_log (tenant_id, message_id);
COMMENT ON INDEX switchboard.message_delivery_log_message_idx IS 'The deliveries of one message.';
CREATE INDEX message_delivery_log_created_idx ON switchboard.message_delivery_log (tenant_id, created_at);
COMMENT ON INDEX switchboard.message_delivery_log_created_idx IS 'A tenant''s deliveries of a day.';
CREATE INDEX message_delivery_log_session_idx ON switchboard.message_delivery_log (tenant_id, session_id) WHERE session_id IS NOT NULL;
COMMENT ON INDEX switchboard.message_delivery_log_session_idx IS 'The deliveries of one conversation.';
CREATE INDEX message_delivery_log_contact_idx ON switchboard.message_delivery_log (tenant_id, contact_id, created_at DESC);
COMMENT ON INDEX switchboard.message_delivery_log_contact_idx IS 'A contact''s deliveries, newest first.';

CREATE TABLE switchboard.templates (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    name text NOT NULL,
    channel switchboard.channel NOT NULL,
    locale text NOT NULL DEFAULT 'en',
    body text NOT NULL,
    provider_template text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name, channel, locale),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (name <> ''),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.templates IS
'Texts with variables, per channel and language.';
COMMENT ON COLUMN switchboard.templates.name IS 'Name that code refers to.';
COMMENT ON COLUMN switchboard.templates.channel IS 'Channel it is written for.';
COMMENT ON COLUMN switchboard.templates.locale IS 'BCP 47 language tag.';
COMMENT ON COLUMN switchboard.templates.body IS 'Mustache template.';
COMMENT ON COLUMN switchboard.templates.provider_template IS 'Name of the template as approved by the provider (WhatsApp).';
COMMENT ON COLUMN switchboard.templates.metadata IS 'More about it: category, parameters, approval.';
