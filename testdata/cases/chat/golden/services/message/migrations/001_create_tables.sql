-- migrate:up

CREATE TABLE messages (
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    author_id uuid NOT NULL,
    reply_to_id uuid,
    body text NOT NULL,
    edited_at timestamptz,
    pinned boolean NOT NULL DEFAULT false,
    sequence bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT messages_pkey PRIMARY KEY (id),
    CONSTRAINT messages_reply_to_id_fkey FOREIGN KEY (reply_to_id) REFERENCES messages (id) ON DELETE RESTRICT,
    CONSTRAINT messages_body_check CHECK (char_length(body) BETWEEN 1 AND 8000)
);
CREATE INDEX messages_created_at_id_idx ON messages (created_at, id);
CREATE INDEX messages_channel_id_created_at_idx ON messages (channel_id, created_at, id);
CREATE INDEX messages_author_id_created_at_idx ON messages (author_id, created_at, id);
CREATE INDEX messages_reply_to_id_created_at_idx ON messages (reply_to_id, created_at, id);
CREATE INDEX messages_pinned_created_at_idx ON messages (pinned, created_at, id);
CREATE INDEX messages_sequence_id_idx ON messages (sequence, id);

CREATE TABLE reactions (
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    member_id uuid NOT NULL,
    emoji text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT reactions_pkey PRIMARY KEY (id),
    CONSTRAINT reactions_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE RESTRICT,
    CONSTRAINT reactions_emoji_check CHECK (char_length(emoji) <= 32)
);
CREATE INDEX reactions_created_at_id_idx ON reactions (created_at, id);
CREATE INDEX reactions_message_id_created_at_idx ON reactions (message_id, created_at, id);
CREATE INDEX reactions_member_id_created_at_idx ON reactions (member_id, created_at, id);

CREATE TABLE attachments (
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    location text NOT NULL,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT attachments_pkey PRIMARY KEY (id),
    CONSTRAINT attachments_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE RESTRICT,
    CONSTRAINT attachments_file_name_check CHECK (char_length(file_name) <= 255),
    CONSTRAINT attachments_media_type_check CHECK (char_length(media_type) <= 100),
    CONSTRAINT attachments_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT attachments_location_check CHECK (char_length(location) <= 2048)
);
CREATE INDEX attachments_created_at_id_idx ON attachments (created_at, id);
CREATE INDEX attachments_message_id_created_at_idx ON attachments (message_id, created_at, id);

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
DROP TABLE attachments;
DROP TABLE reactions;
DROP TABLE messages;
