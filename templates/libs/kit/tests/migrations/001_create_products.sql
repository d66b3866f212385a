-- migrate:up
CREATE TABLE products (
    id uuid CONSTRAINT products_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT products_sku_key UNIQUE,
    price numeric(12, 2) NOT NULL CONSTRAINT products_price_check CHECK (price <= 1000),
    parent_id uuid CONSTRAINT products_parent_id_fkey REFERENCES products,
    data jsonb,
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX products_parent_id_idx ON products (parent_id);
CREATE TABLE idempotency_keys (
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (operation, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

-- migrate:down
DROP TABLE idempotency_keys;
DROP TABLE products;
