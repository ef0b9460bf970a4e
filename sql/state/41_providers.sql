-- Providers, the accounts held with them, and which account serves a channel.

CREATE TABLE switchboard.providers (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]*$'),
    title text NOT NULL,
    lookup_messages boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE switchboard.providers IS 'Providers that a client exists for. The same for all tenants; seeded, not dumped.';
COMMENT ON COLUMN switchboard.providers.name IS 'Name used by add_provider_account() and in webhook routes.';
COMMENT ON COLUMN switchboard.providers.title IS 'Name as shown.';
COMMENT ON COLUMN switchboard.providers.lookup_messages IS
'Whether the provider can be asked if a message in doubt was sent; if not, such a message is sent again.';

INSERT INTO switchboard.providers (name, title, lookup_messages) VALUES
    ('twilio', 'Twilio', true),
    ('vonage', 'Vonage', false),
    ('voipstudio', 'VoIPstudio', false),
    ('whatsapp', 'WhatsApp Cloud API', false),
    ('mtn', 'MTN SMS', false),
    ('omnidimension', 'OmniDimension', false),
    ('openai', 'OpenAI-compatible chat completions', false),
    ('asterisk', 'Asterisk ARI', false),
    ('webhook', 'Outgoing webhook (Standard Webhooks)', false);

CREATE TABLE switchboard.provider_accounts (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id() REFERENCES switchboard.tenants ON DELETE CASCADE,
    provider text NOT NULL REFERENCES switchboard.providers,
    name text NOT NULL,
    base_url text CHECK (base_url ~ '^https?://'),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    rate_per_second numeric CHECK (rate_per_second > 0),
    max_in_flight int CHECK (max_in_flight > 0),
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE switchboard.provider_accounts IS
'Accounts held with providers. Secrets are kept apart, see set_provider_secret().';
COMMENT ON COLUMN switchboard.provider_accounts.provider IS 'Who the account is with.';
COMMENT ON COLUMN switchboard.provider_accounts.name IS 'Name as shown, unique within the tenant.';
COMMENT ON COLUMN switchboard.provider_accounts.base_url IS 'Instead of the provider''s own address: a proxy, a test double, an own server.';
COMMENT ON COLUMN switchboard.provider_accounts.settings IS
'Provider settings that are not secret. in_doubt: lookup (ask the provider before a message is repeated) or repeat;
public_url: where the provider reaches the gateway.';
COMMENT ON COLUMN switchboard.provider_accounts.rate_per_second IS 'No more requests a second than this; NULL: no limit.';
COMMENT ON COLUMN switchboard.provider_accounts.max_in_flight IS 'No more requests at once than this; NULL: no limit.';
COMMENT ON COLUMN switchboard.provider_accounts.enabled IS 'While false its jobs wait in the queue.';

CREATE TABLE switchboard.provider_secrets (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    value text NOT NULL CHECK (value ~ '^(env:|file:|enc:v1:)'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, name),
    FOREIGN KEY (tenant_id, account_id) REFERENCES switchboard.provider_accounts (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.provider_secrets IS
'Secrets of provider accounts: references (env:NAME, file:NAME) or ciphertext, never plain text. No application role reads it.';
COMMENT ON COLUMN switchboard.provider_secrets.account_id IS 'The account.';
COMMENT ON COLUMN switchboard.provider_secrets.name IS 'What the provider client asks for: auth_token, signing_key, ...';
COMMENT ON COLUMN switchboard.provider_secrets.value IS 'Reference or ciphertext.';

CREATE TABLE switchboard.channel_routes (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id() REFERENCES switchboard.tenants ON DELETE CASCADE,
    channel switchboard.channel NOT NULL,
    account_id uuid NOT NULL,
    priority int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, channel, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES switchboard.provider_accounts (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE switchboard.channel_routes IS
'Which account serves a channel: the enabled one of the highest priority, the next when its circuit is open.';
COMMENT ON COLUMN switchboard.channel_routes.channel IS 'The channel.';
COMMENT ON COLUMN switchboard.channel_routes.account_id IS 'The account that serves it.';
COMMENT ON COLUMN switchboard.channel_routes.priority IS 'Higher first.';
CREATE INDEX channel_routes_account ON switchboard.channel_routes (tenant_id, account_id);
COMMENT ON INDEX switchboard.channel_routes_account IS 'For deleting an account.';
