-- migrate:up
CREATE TABLE consumers (
    namespace text NOT NULL,
    name text NOT NULL,
    types text[] NOT NULL,
    dead_letter_retention interval NOT NULL,
    CONSTRAINT consumers_pkey PRIMARY KEY (namespace, name)
);
CREATE TABLE deliveries (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT deliveries_pkey PRIMARY KEY,
    namespace text NOT NULL,
    consumer text NOT NULL,
    message_id text NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    buried_at timestamptz,
    reason text,
    CONSTRAINT deliveries_message_key UNIQUE (namespace, consumer, message_id),
    CONSTRAINT deliveries_consumer_fkey FOREIGN KEY (namespace, consumer)
    REFERENCES consumers (namespace, name)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX deliveries_due_idx ON deliveries (namespace, consumer, position)
WHERE buried_at IS NULL;
CREATE INDEX deliveries_dead_idx ON deliveries (namespace, consumer, buried_at)
WHERE buried_at IS NOT NULL;

-- migrate:down
DROP TABLE deliveries;
DROP TABLE consumers;
