-- migrate:up
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    type text NOT NULL,
    dataversion smallint NOT NULL,
    subject text NOT NULL,
    -- what a broker takes in one message, less the envelope: better no change than one untold
    data jsonb NOT NULL CONSTRAINT outbox_data_check CHECK (octet_length(data::text) <= 900000),
    traceparent text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX outbox_pending_idx ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_published_at_idx ON outbox (published_at) WHERE published_at IS NOT NULL;
CREATE TABLE inbox (
    consumer text NOT NULL,
    source text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX inbox_received_at_idx ON inbox (received_at);

-- migrate:down
DROP TABLE inbox;
DROP TABLE outbox;
