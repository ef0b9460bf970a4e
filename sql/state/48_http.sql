-- What HTTP needs to keep: keys that programs prove themselves with, and answers that may be asked for again.

CREATE TABLE switchboard.api_keys (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid,
    name text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    role switchboard.user_role NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_by uuid DEFAULT switchboard.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    -- A key without its user would act for the whole tenant: it goes with the user.
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, created_by) REFERENCES switchboard.users (tenant_id, id) ON DELETE SET NULL (created_by),
    CHECK (name <> ''),
    CHECK (prefix ~ '^sbk_[A-Za-z0-9_-]{8}$'),
    CHECK (length(digest) = 32)
);
COMMENT ON TABLE switchboard.api_keys IS
'Keys that programs prove themselves with over HTTP, see create_api_key(). Only a digest is kept: nobody can read a key here.';
COMMENT ON COLUMN switchboard.api_keys.user_id IS 'Whom it acts for; null: the tenant as a whole.';
COMMENT ON COLUMN switchboard.api_keys.name IS 'What it is for, as people call it.';
COMMENT ON COLUMN switchboard.api_keys.prefix IS 'How it begins, to tell it from others.';
COMMENT ON COLUMN switchboard.api_keys.digest IS 'SHA-256 of the key.';
COMMENT ON COLUMN switchboard.api_keys.role IS 'The most it may do: that of whoever made it or of its user, whichever is less, or less than that.';
COMMENT ON COLUMN switchboard.api_keys.expires_at IS 'From when on it is no longer taken; null: never.';
COMMENT ON COLUMN switchboard.api_keys.last_used_at IS 'When it was last used for a request that was served, to the minute.';
COMMENT ON COLUMN switchboard.api_keys.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN switchboard.api_keys.created_by IS 'Who made it.';
CREATE INDEX api_keys_user_idx ON switchboard.api_keys (tenant_id, user_id) WHERE user_id IS NOT NULL;
COMMENT ON INDEX switchboard.api_keys_user_idx IS 'Keys of a user; keeps deleting one cheap.';
CREATE INDEX api_keys_created_by_idx ON switchboard.api_keys (tenant_id, created_by) WHERE created_by IS NOT NULL;
COMMENT ON INDEX switchboard.api_keys_created_by_idx IS 'Keeps deleting a user cheap.';

CREATE TABLE switchboard.http_idempotency (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    user_id uuid,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, user_id, key),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES switchboard.users (tenant_id, id) ON DELETE CASCADE,
    CHECK (length(key) BETWEEN 1 AND 255)
);
COMMENT ON TABLE switchboard.http_idempotency IS
'Answers to requests that came with an Idempotency-Key, for when they come again. Kept for a day.';
COMMENT ON COLUMN switchboard.http_idempotency.user_id IS 'Who asked; null: the tenant as a whole.';
COMMENT ON COLUMN switchboard.http_idempotency.key IS 'The key as it came.';
COMMENT ON COLUMN switchboard.http_idempotency.fingerprint IS 'SHA-256 of what was asked, and with which role.';
COMMENT ON COLUMN switchboard.http_idempotency.status IS 'Status of the answer.';
COMMENT ON COLUMN switchboard.http_idempotency.headers IS 'Headers of the answer, as the route gave them.';
COMMENT ON COLUMN switchboard.http_idempotency.body IS 'Body of the answer.';
