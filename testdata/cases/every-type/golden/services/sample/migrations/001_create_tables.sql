-- migrate:up

CREATE TABLE words (
    id uuid NOT NULL,
    short text NOT NULL,
    code text NOT NULL,
    label text NOT NULL DEFAULT 'it''s "new"',
    secret text,
    body text NOT NULL,
    optional_body text,
    contact text NOT NULL,
    other_contact text,
    homepage text,
    callback text NOT NULL DEFAULT 'https://example.com/',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT words_pkey PRIMARY KEY (id),
    CONSTRAINT words_code_key UNIQUE (code),
    CONSTRAINT words_contact_key UNIQUE (contact),
    CONSTRAINT words_short_check CHECK (char_length(short) <= 1),
    CONSTRAINT words_code_check CHECK (char_length(code) BETWEEN 2 AND 8 AND code ~ '^[A-Z0-9]+$'),
    CONSTRAINT words_label_check CHECK (char_length(label) <= 100),
    CONSTRAINT words_secret_check CHECK (char_length(secret) <= 64),
    CONSTRAINT words_body_check CHECK (char_length(body) BETWEEN 1 AND 2000),
    CONSTRAINT words_optional_body_check CHECK (char_length(optional_body) <= 65536),
    CONSTRAINT words_contact_check CHECK (char_length(contact) <= 254),
    CONSTRAINT words_other_contact_check CHECK (char_length(other_contact) <= 254),
    CONSTRAINT words_homepage_check CHECK (char_length(homepage) <= 2048),
    CONSTRAINT words_callback_check CHECK (char_length(callback) <= 2048)
);
CREATE INDEX words_created_at_id_idx ON words (created_at, id);
CREATE INDEX words_label_id_idx ON words (label, id);
CREATE INDEX words_other_contact_created_at_idx ON words (other_contact, created_at, id);

CREATE TABLE numbers (
    id uuid NOT NULL,
    count integer NOT NULL,
    signed integer NOT NULL DEFAULT -5,
    big bigint NOT NULL,
    big_limited bigint,
    price numeric(12,2) NOT NULL,
    rate numeric(5,5) NOT NULL DEFAULT 0.12345,
    huge numeric(30,10),
    ratio double precision NOT NULL,
    reading double precision NOT NULL DEFAULT 1.5,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT numbers_pkey PRIMARY KEY (id),
    CONSTRAINT numbers_big_key UNIQUE (big),
    CONSTRAINT numbers_count_check CHECK (count >= 0 AND count <= 1000),
    CONSTRAINT numbers_big_limited_check CHECK (big_limited >= -9007199254740993 AND big_limited <= 9007199254740993),
    CONSTRAINT numbers_price_check CHECK (price >= 0 AND price <= 999999999.99),
    CONSTRAINT numbers_ratio_check CHECK (ratio >= 0 AND ratio <= 1)
);
CREATE INDEX numbers_created_at_id_idx ON numbers (created_at, id);
CREATE INDEX numbers_count_id_idx ON numbers (count, id);
CREATE INDEX numbers_price_id_idx ON numbers (price, id);
CREATE INDEX numbers_reading_id_idx ON numbers (reading, id);

CREATE TABLE moments (
    id uuid NOT NULL,
    on_day date NOT NULL,
    maybe_day date,
    at timestamptz NOT NULL,
    since timestamptz NOT NULL DEFAULT '2026-01-01T00:00:00Z',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT moments_pkey PRIMARY KEY (id),
    CONSTRAINT moments_maybe_day_key UNIQUE (maybe_day),
    CONSTRAINT moments_at_key UNIQUE (at),
    CONSTRAINT moments_on_day_check CHECK (on_day >= '2000-01-01' AND on_day <= '2100-12-31')
);
CREATE INDEX moments_created_at_id_idx ON moments (created_at, id);
CREATE INDEX moments_on_day_id_idx ON moments (on_day, id);

CREATE TABLE others (
    id uuid NOT NULL,
    enabled boolean NOT NULL,
    visible boolean NOT NULL DEFAULT true,
    token uuid NOT NULL,
    trace uuid,
    payload jsonb NOT NULL,
    extra jsonb,
    level text NOT NULL,
    colour text NOT NULL DEFAULT 'green',
    parent_id uuid,
    words_id uuid NOT NULL,
    numbers_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT others_pkey PRIMARY KEY (id),
    CONSTRAINT others_token_key UNIQUE (token),
    CONSTRAINT others_words_id_key UNIQUE (words_id),
    CONSTRAINT others_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES others (id) ON DELETE RESTRICT,
    CONSTRAINT others_words_id_fkey FOREIGN KEY (words_id) REFERENCES words (id) ON DELETE RESTRICT,
    CONSTRAINT others_numbers_id_fkey FOREIGN KEY (numbers_id) REFERENCES numbers (id) ON DELETE RESTRICT,
    CONSTRAINT others_level_check CHECK (level IN ('low', 'medium', 'high')),
    CONSTRAINT others_colour_check CHECK (colour IN ('red', 'green', 'blue'))
);
CREATE INDEX others_created_at_id_idx ON others (created_at, id);
CREATE INDEX others_visible_created_at_idx ON others (visible, created_at, id);
CREATE INDEX others_trace_created_at_idx ON others (trace, created_at, id);
CREATE INDEX others_level_created_at_idx ON others (level, created_at, id);
CREATE INDEX others_colour_created_at_idx ON others (colour, created_at, id);
CREATE INDEX others_parent_id_created_at_idx ON others (parent_id, created_at, id);
CREATE INDEX others_numbers_id_created_at_idx ON others (numbers_id, created_at, id);

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
DROP TABLE others;
DROP TABLE moments;
DROP TABLE numbers;
DROP TABLE words;
