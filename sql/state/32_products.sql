-- The shop: what is sold and who bought it.

CREATE TABLE switchboard.products (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    sku text,
    name text NOT NULL,
    category text,
    price numeric(12,2) NOT NULL DEFAULT 0,
    stock integer NOT NULL DEFAULT 0,
    currency text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, sku),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    CHECK (name <> ''),
    CHECK (price >= 0 AND price <> 'NaN'),
    CHECK (stock >= 0),
    CHECK (currency ~ '^[A-Z]{3}$'),
    CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE switchboard.products IS
'What the tenant sells. A falling price or a refilled stock can trigger calls.';
COMMENT ON COLUMN switchboard.products.sku IS 'The shop''s article number.';
COMMENT ON COLUMN switchboard.products.name IS 'Name as said to customers.';
COMMENT ON COLUMN switchboard.products.category IS 'Group of products.';
COMMENT ON COLUMN switchboard.products.price IS 'Price now.';
COMMENT ON COLUMN switchboard.products.stock IS 'Pieces in stock.';
COMMENT ON COLUMN switchboard.products.currency IS 'ISO 4217; null: the tenant''s.';
COMMENT ON COLUMN switchboard.products.metadata IS 'The application''s own fields.';

CREATE TABLE switchboard.purchases (
    id uuid PRIMARY KEY DEFAULT switchboard.uuid_v7(),
    tenant_id uuid NOT NULL DEFAULT switchboard.current_tenant_id(),
    contact_id uuid,
    product_id uuid,
    product_name text,
    quantity integer NOT NULL DEFAULT 1,
    amount_paid numeric(12,2) NOT NULL,
    currency text,
    purchased_at timestamptz NOT NULL DEFAULT now(),
    refunded_at timestamptz,
    order_ref text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id) REFERENCES switchboard.tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES switchboard.contacts (tenant_id, id) ON DELETE SET NULL (contact_id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES switchboard.products (tenant_id, id) ON DELETE SET NULL (product_id),
    CHECK (quantity > 0),
    CHECK (amount_paid >= 0 AND amount_paid <> 'NaN'),
    CHECK (isfinite(purchased_at)),
    CHECK (currency ~ '^[A-Z]{3}$')
);
COMMENT ON TABLE switchboard.purchases IS
'Who bought what. One that is not refunded is the verified purchase that triggered calls require.';
COMMENT ON COLUMN switchboard.purchases.contact_id IS 'Who bought; emptied when the contact is erased.';
COMMENT ON COLUMN switchboard.purchases.product_id IS 'What was bought; emptied when the product is deleted.';
COMMENT ON COLUMN switchboard.purchases.product_name IS 'Name of the product when it was bought.';
COMMENT ON COLUMN switchboard.purchases.quantity IS 'How many.';
COMMENT ON COLUMN switchboard.purchases.amount_paid IS 'Paid for all of them together.';
COMMENT ON COLUMN switchboard.purchases.currency IS 'ISO 4217; null: the product''s, else the tenant''s.';
COMMENT ON COLUMN switchboard.purchases.purchased_at IS 'When.';
COMMENT ON COLUMN switchboard.purchases.refunded_at IS 'When the money was given back; such a purchase no longer counts.';
COMMENT ON COLUMN switchboard.purchases.order_ref IS 'The shop''s order number.';
CREATE INDEX purchases_product_idx ON switchboard.purchases (tenant_id, product_id, contact_id, purchased_at DESC);
COMMENT ON INDEX switchboard.purchases_product_idx IS 'Who bought a product, and when last.';
CREATE INDEX purchases_contact_idx ON switchboard.purchases (tenant_id, contact_id, purchased_at DESC);
COMMENT ON INDEX switchboard.purchases_contact_idx IS 'What a contact bought, newest first.';
