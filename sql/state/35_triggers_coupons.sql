-- Personal calls out of prices, stock and promotions, and the coupons they carry.

CREATE TABLE switchboard.coupons (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    code text NOT NULL,
    discount_percent numeric(5,2) NOT NULL,
    contact_id uuid,
    product_id uuid,
    campaign_id uuid,
    valid_until timestamptz,
    redeemed_at timestamptz,
    redeemed_amount numeric(12,2),
    currency text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (contact_id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES switchboard.products (tenant_id, id) ON DELETE SET NULL (product_id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE SET NULL (campaign_id),
    CHECK (code <> ''),
    CHECK (discount_percent BETWEEN 0 AND 100),
    CHECK (redeemed_amount >= 0 AND redeemed_amount <> 'NaN'),
    CHECK (currency ~ '^[A-Z]{3}$')
);
COMMENT ON TABLE switchboard.coupons IS
'Discount codes. Each can be redeemed once.';
COMMENT ON COLUMN switchboard.coupons.code IS 'The code as said and typed.';
COMMENT ON COLUMN switchboard.coupons.discount_percent IS 'Discount in percent.';
COMMENT ON COLUMN switchboard.coupons.contact_id IS 'Whom it was made for; null: anybody.';
COMMENT ON COLUMN switchboard.coupons.product_id IS 'What it is for; null: anything.';
COMMENT ON COLUMN switchboard.coupons.campaign_id IS 'The campaign that gave it.';
COMMENT ON COLUMN switchboard.coupons.valid_until IS 'Last instant it can be redeemed; null: no end.';
COMMENT ON COLUMN switchboard.coupons.redeemed_at IS 'When it was redeemed.';
COMMENT ON COLUMN switchboard.coupons.redeemed_amount IS 'What was paid with it; null: not known.';
COMMENT ON COLUMN switchboard.coupons.currency IS 'ISO 4217, of redeemed_amount; null: the tenant''s.';
CREATE INDEX coupons_code_idx ON switchboard.coupons (tenant_id, upper(code));
COMMENT ON INDEX switchboard.coupons_code_idx IS 'Finds a code however it is typed.';
CREATE INDEX coupons_contact_idx ON switchboard.coupons (tenant_id, contact_id, product_id);
COMMENT ON INDEX switchboard.coupons_contact_idx IS 'A contact''s coupons, to see whether one is still open.';
CREATE INDEX coupons_product_idx ON switchboard.coupons (tenant_id, product_id) WHERE product_id IS NOT NULL;
COMMENT ON INDEX switchboard.coupons_product_idx IS 'Keeps deleting a product cheap.';
CREATE INDEX coupons_campaign_idx ON switchboard.coupons (tenant_id, campaign_id) WHERE campaign_id IS NOT NULL;
COMMENT ON INDEX switchboard.coupons_campaign_idx IS 'A campaign''s coupons, for its revenue.';

CREATE TABLE switchboard.trigger_runs (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid,
    product_id uuid,
    trigger_type switchboard.trigger_type NOT NULL,
    discount_percent numeric(5,2),
    original_price numeric(12,2),
    new_price numeric(12,2),
    source text NOT NULL DEFAULT 'function',
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    last_contact_id uuid,
    triggered integer NOT NULL DEFAULT 0,
    skipped jsonb NOT NULL DEFAULT '{}',
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE SET NULL (campaign_id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES switchboard.products (tenant_id, id) ON DELETE SET NULL (product_id),
    CHECK (discount_percent BETWEEN 0 AND 100),
    CHECK (original_price >= 0),
    CHECK (new_price >= 0),
    CHECK (triggered >= 0),
    CHECK (jsonb_typeof(skipped) = 'object')
);
COMMENT ON TABLE switchboard.trigger_runs IS
'Each time that many people were to be called because of a price, a stock or a promotion: how many are, and why the others are not.';
COMMENT ON COLUMN switchboard.trigger_runs.campaign_id IS 'The campaign; null: none.';
COMMENT ON COLUMN switchboard.trigger_runs.product_id IS 'What about.';
COMMENT ON COLUMN switchboard.trigger_runs.trigger_type IS 'Why.';
COMMENT ON COLUMN switchboard.trigger_runs.discount_percent IS 'Discount offered in percent.';
COMMENT ON COLUMN switchboard.trigger_runs.original_price IS 'Price before.';
COMMENT ON COLUMN switchboard.trigger_runs.new_price IS 'Price now.';
COMMENT ON COLUMN switchboard.trigger_runs.source IS 'Who began it: function (somebody called one) or product (its row changed).';
COMMENT ON COLUMN switchboard.trigger_runs.started_at IS 'When it began.';
COMMENT ON COLUMN switchboard.trigger_runs.finished_at IS 'When everybody had been looked at; null: people are left.';
COMMENT ON COLUMN switchboard.trigger_runs.last_contact_id IS 'How far it has come, in order of contacts.id.';
COMMENT ON COLUMN switchboard.trigger_runs.triggered IS 'How many people are called.';
COMMENT ON COLUMN switchboard.trigger_runs.skipped IS 'How many are not, by reason.';
COMMENT ON COLUMN switchboard.trigger_runs.reason IS 'Why it ended before everybody had been looked at; null: it did not.';
CREATE INDEX trigger_runs_open_idx ON switchboard.trigger_runs (id) WHERE finished_at IS NULL;
COMMENT ON INDEX switchboard.trigger_runs_open_idx IS 'Runs with people left.';
CREATE INDEX trigger_runs_campaign_idx ON switchboard.trigger_runs (tenant_id, campaign_id, started_at DESC);
COMMENT ON INDEX switchboard.trigger_runs_campaign_idx IS 'A campaign''s runs, newest first.';
CREATE INDEX trigger_runs_product_idx ON switchboard.trigger_runs (tenant_id, product_id) WHERE product_id IS NOT NULL;
COMMENT ON INDEX switchboard.trigger_runs_product_idx IS 'Keeps deleting a product cheap.';

-- No reference for campaign_contact_id, for the reason that call_logs has none.
CREATE TABLE switchboard.call_triggers (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    campaign_id uuid,
    contact_id uuid NOT NULL,
    product_id uuid,
    trigger_type switchboard.trigger_type NOT NULL,
    priority switchboard.task_priority NOT NULL DEFAULT 'medium',
    discount_percent numeric(5,2),
    original_price numeric(12,2),
    new_price numeric(12,2),
    coupon_id uuid,
    package jsonb NOT NULL DEFAULT '{}',
    call_log_id uuid,
    campaign_contact_id uuid,
    run_id uuid,
    status switchboard.call_trigger_status NOT NULL DEFAULT 'scheduled',
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    listed_price numeric(12,2),
    listed_stock integer,
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES switchboard.campaigns (tenant_id, id) ON DELETE SET NULL (campaign_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, product_id) REFERENCES switchboard.products (tenant_id, id) ON DELETE SET NULL (product_id),
    FOREIGN KEY (tenant_id, coupon_id) REFERENCES switchboard.coupons (tenant_id, id) ON DELETE SET NULL (coupon_id),
    FOREIGN KEY (tenant_id, call_log_id) REFERENCES switchboard.call_logs (tenant_id, id) ON DELETE SET NULL (call_log_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES switchboard.trigger_runs (tenant_id, id) ON DELETE SET NULL (run_id),
    CHECK (discount_percent BETWEEN 0 AND 100),
    CHECK (original_price >= 0),
    CHECK (new_price >= 0),
    CHECK (attempts >= 0),
    CHECK (jsonb_typeof(package) = 'object')
);
COMMENT ON TABLE switchboard.call_triggers IS
'Calls made because of a price, a stock or a promotion, with everything the caller needs to know.';
COMMENT ON COLUMN switchboard.call_triggers.campaign_id IS 'The campaign.';
COMMENT ON COLUMN switchboard.call_triggers.contact_id IS 'Who is called.';
COMMENT ON COLUMN switchboard.call_triggers.product_id IS 'What about.';
COMMENT ON COLUMN switchboard.call_triggers.trigger_type IS 'Why.';
COMMENT ON COLUMN switchboard.call_triggers.priority IS 'Urgency, from the customer''s value and the reason.';
COMMENT ON COLUMN switchboard.call_triggers.discount_percent IS 'Discount offered in percent.';
COMMENT ON COLUMN switchboard.call_triggers.original_price IS 'Price before.';
COMMENT ON COLUMN switchboard.call_triggers.new_price IS 'Price now.';
COMMENT ON COLUMN switchboard.call_triggers.coupon_id IS 'The coupon offered.';
COMMENT ON COLUMN switchboard.call_triggers.package IS 'All that a voice agent or call system needs, see trigger_call().';
COMMENT ON COLUMN switchboard.call_triggers.call_log_id IS 'The call it became; of several tries the last one.';
COMMENT ON COLUMN switchboard.call_triggers.campaign_contact_id IS 'The entry of the campaign''s list by which its agents make the call; it may be gone.';
COMMENT ON COLUMN switchboard.call_triggers.run_id IS 'The run that made it; null: it was triggered alone.';
COMMENT ON COLUMN switchboard.call_triggers.status IS 'Progress.';
COMMENT ON COLUMN switchboard.call_triggers.reason IS 'Why it was canceled or failed: offer-withdrawn, do-not-call, no-answer, ...; coupon-redeemed: completed, though nobody was spoken to.';
COMMENT ON COLUMN switchboard.call_triggers.attempts IS 'Calls that were made for it.';
COMMENT ON COLUMN switchboard.call_triggers.listed_price IS 'The product''s price when it was triggered: an offer that no longer stands is not called about.';
COMMENT ON COLUMN switchboard.call_triggers.listed_stock IS 'Pieces in stock when it was triggered, for the same.';
COMMENT ON COLUMN switchboard.call_triggers.scheduled_at IS 'When the call is to be made.';
CREATE INDEX call_triggers_contact_idx ON switchboard.call_triggers (tenant_id, contact_id, product_id, created_at DESC);
COMMENT ON INDEX switchboard.call_triggers_contact_idx IS 'Whether somebody was called about a product lately.';
CREATE INDEX call_triggers_campaign_idx ON switchboard.call_triggers (tenant_id, campaign_id, created_at DESC);
COMMENT ON INDEX switchboard.call_triggers_campaign_idx IS 'A campaign''s triggered calls.';
CREATE INDEX call_triggers_product_idx ON switchboard.call_triggers (tenant_id, product_id) WHERE product_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_triggers_product_idx IS 'Keeps deleting a product cheap.';
CREATE INDEX call_triggers_coupon_idx ON switchboard.call_triggers (tenant_id, coupon_id) WHERE coupon_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_triggers_coupon_idx IS 'The call that a coupon was given in.';
CREATE INDEX call_triggers_call_idx ON switchboard.call_triggers (tenant_id, call_log_id) WHERE call_log_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_triggers_call_idx IS 'What a call was triggered by.';
CREATE INDEX call_triggers_list_idx ON switchboard.call_triggers (tenant_id, campaign_contact_id) WHERE campaign_contact_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_triggers_list_idx IS 'What a person on a list is to be called about.';
CREATE INDEX call_triggers_run_idx ON switchboard.call_triggers (tenant_id, run_id) WHERE run_id IS NOT NULL;
COMMENT ON INDEX switchboard.call_triggers_run_idx IS 'What a run made.';
CREATE INDEX call_triggers_open_idx ON switchboard.call_triggers (tenant_id, campaign_id, status)
    WHERE status IN ('scheduled', 'calling') AND campaign_contact_id IS NULL;
COMMENT ON INDEX switchboard.call_triggers_open_idx IS 'Triggered calls that are not over and that no list leads to: whether a campaign is, and how many lines they need.';
