-- Tenants, their users, and what the users are doing.
--
-- Every table that is referred to carries UNIQUE (tenant_id, id), and every reference is (tenant_id, x_id): a row can
-- then only refer to rows of its own tenant, and a failing reference does not tell whether another tenant has such a row.
-- Where a reference is emptied on delete only x_id is (ON DELETE SET NULL (x_id)); tenant_id stays.
-- Unique keys carry the tenant too, or a duplicate would tell the same. Exceptions: primary keys, which nobody can guess,
-- and the list of a campaign, which its policy guards.

CREATE TABLE switchboard.tenants (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    name text NOT NULL,
    default_region text NOT NULL DEFAULT 'US',
    timezone text NOT NULL DEFAULT 'UTC',
    currency text NOT NULL DEFAULT 'USD',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (name <> ''),
    CHECK (default_region ~ '^[A-Z]{2}$'),
    CHECK (timezone <> ''),
    CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE switchboard.tenants IS
'A customer of the installation: everything else belongs to exactly one. Deleting one deletes all it has.';
COMMENT ON COLUMN switchboard.tenants.id IS 'Key, time ordered.';
COMMENT ON COLUMN switchboard.tenants.name IS 'Name as agents and customers see it.';
COMMENT ON COLUMN switchboard.tenants.default_region IS 'ISO 3166 country whose national phone numbers are meant when none is said.';
COMMENT ON COLUMN switchboard.tenants.timezone IS 'IANA zone of reports, and of calls to people whose zone is not known.';
COMMENT ON COLUMN switchboard.tenants.currency IS 'ISO 4217 currency of amounts that name none.';
COMMENT ON COLUMN switchboard.tenants.settings IS 'Everything else that can be set per tenant: calling_hours, dispositions, ring_expiry, talk_expiry, ...';
COMMENT ON COLUMN switchboard.tenants.created_at IS 'When the row was made.';
COMMENT ON COLUMN switchboard.tenants.updated_at IS 'When the row was last changed, kept by trigger.';

CREATE TABLE switchboard.users (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    name text NOT NULL,
    email text,
    role switchboard.user_role NOT NULL DEFAULT 'agent',
    login_role name UNIQUE,
    endpoint text,
    skills text[] NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (name <> ''),
    CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE switchboard.users IS
'People who work for a tenant. Better made inactive than deleted: deleting one makes their work unassigned.';
COMMENT ON COLUMN switchboard.users.name IS 'Name shown to colleagues.';
COMMENT ON COLUMN switchboard.users.email IS 'E-mail address, unique within the tenant whatever its case.';
COMMENT ON COLUMN switchboard.users.role IS 'What the user may see and change.';
COMMENT ON COLUMN switchboard.users.login_role IS 'Database login role that is this user, whatever it SETs. Only the owner of the extension sets it.';
COMMENT ON COLUMN switchboard.users.endpoint IS 'Where the agent is called: an E.164 number, a sip: address or the provider''s user (client:name); null: client: and the user''s id.';
COMMENT ON COLUMN switchboard.users.skills IS 'What the agent can be given: languages, products, departments.';
COMMENT ON COLUMN switchboard.users.active IS 'False bars the user without losing what they did.';
COMMENT ON COLUMN switchboard.users.settings IS 'Everything else that can be set per user.';
CREATE UNIQUE INDEX users_email_key ON switchboard.users (tenant_id, lower(email));
COMMENT ON INDEX switchboard.users_email_key IS 'One user per e-mail address and tenant, whatever its case.';
