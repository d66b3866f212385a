-- migrate:up

CREATE TABLE notes (
    id uuid NOT NULL,
    body text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_body_check CHECK (char_length(body) <= 65536)
);
CREATE INDEX notes_created_at_id_idx ON notes (created_at, id);

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
DROP TABLE notes;
