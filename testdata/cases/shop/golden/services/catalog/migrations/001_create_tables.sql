-- migrate:up

CREATE TABLE categories (
    id uuid NOT NULL,
    name text NOT NULL,
    parent_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_name_key UNIQUE (name),
    CONSTRAINT categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES categories (id) ON DELETE RESTRICT,
    CONSTRAINT categories_name_check CHECK (char_length(name) <= 80)
);
CREATE INDEX categories_created_at_id_idx ON categories (created_at, id);
CREATE INDEX categories_parent_id_created_at_idx ON categories (parent_id, created_at, id);

CREATE TABLE products (
    id uuid NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    description text,
    price numeric(12,2) NOT NULL,
    weight_grams integer,
    category_id uuid NOT NULL,
    released_on date,
    status text NOT NULL DEFAULT 'draft',
    attributes jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_sku_key UNIQUE (sku),
    CONSTRAINT products_category_id_fkey FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE RESTRICT,
    CONSTRAINT products_sku_check CHECK (char_length(sku) <= 32 AND sku ~ '^[A-Z0-9-]+$'),
    CONSTRAINT products_title_check CHECK (char_length(title) <= 200),
    CONSTRAINT products_description_check CHECK (char_length(description) <= 65536),
    CONSTRAINT products_price_check CHECK (price >= 0),
    CONSTRAINT products_weight_grams_check CHECK (weight_grams >= 0),
    CONSTRAINT products_status_check CHECK (status IN ('draft', 'active', 'retired'))
);
COMMENT ON TABLE products IS 'Something that can be bought';
CREATE INDEX products_created_at_id_idx ON products (created_at, id);
CREATE INDEX products_category_id_created_at_idx ON products (category_id, created_at, id);
CREATE INDEX products_released_on_created_at_idx ON products (released_on, created_at, id);
CREATE INDEX products_status_created_at_idx ON products (status, created_at, id);

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
COMMENT ON TABLE idempotency_keys IS 'Replies to requests with an Idempotency-Key, kept until they expire';
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

-- migrate:down

DROP TABLE idempotency_keys;
DROP TABLE products;
DROP TABLE categories;
