-- migrate:up
CREATE TABLE applied (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT applied_pkey PRIMARY KEY,
    event_id uuid NOT NULL,
    text text NOT NULL,
    trace_id text NOT NULL,
    subject text NOT NULL
);

-- migrate:down
DROP TABLE applied;
