-- migrate:up

CREATE TABLE users (
    id uuid NOT NULL,
    "user" text NOT NULL,
    password text NOT NULL,
    schema text,
    "json" jsonb,
    copy boolean NOT NULL DEFAULT false,
    model text,
    self uuid,
    async boolean,
    sort text,
    cursor text,
    request text,
    response text,
    settings jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_user_key UNIQUE ("user"),
    CONSTRAINT users_user_check CHECK (char_length("user") <= 63),
    CONSTRAINT users_password_check CHECK (char_length(password) <= 80),
    CONSTRAINT users_schema_check CHECK (char_length(schema) <= 20),
    CONSTRAINT users_model_check CHECK (char_length(model) <= 30),
    CONSTRAINT users_sort_check CHECK (char_length(sort) <= 20),
    CONSTRAINT users_cursor_check CHECK (char_length(cursor) <= 20),
    CONSTRAINT users_request_check CHECK (char_length(request) <= 20),
    CONSTRAINT users_response_check CHECK (char_length(response) <= 20)
);
CREATE INDEX users_created_at_id_idx ON users (created_at, id);

CREATE TABLE froms (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    pattern text,
    primary_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT froms_pkey PRIMARY KEY (id),
    CONSTRAINT froms_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT,
    CONSTRAINT froms_primary_id_fkey FOREIGN KEY (primary_id) REFERENCES froms (id) ON DELETE RESTRICT,
    CONSTRAINT froms_pattern_check CHECK (char_length(pattern) <= 40 AND pattern ~ '^[^"\\]+\\?["'']?$')
);
CREATE INDEX froms_created_at_id_idx ON froms (created_at, id);
CREATE INDEX froms_user_id_created_at_idx ON froms (user_id, created_at, id);
CREATE INDEX froms_primary_id_created_at_idx ON froms (primary_id, created_at, id);

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
DROP TABLE froms;
DROP TABLE users;
