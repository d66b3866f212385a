-- The schema of Sample as it stands after all its migrations: to read, not to run.
-- The database is changed by services/sample/migrations only.

CREATE TABLE words (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
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
    owner_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT words_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT words_code_key UNIQUE (tenant_id, code),
    CONSTRAINT words_contact_key UNIQUE (tenant_id, contact),
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
CREATE INDEX words_created_at_id_idx ON words (tenant_id, created_at, id);
CREATE INDEX words_owner_id_created_at_idx ON words (tenant_id, owner_id, created_at, id);
CREATE INDEX words_label_id_idx ON words (tenant_id, label, id);
CREATE INDEX words_other_contact_created_at_idx ON words (tenant_id, other_contact, created_at, id);
ALTER TABLE words ENABLE ROW LEVEL SECURITY;
ALTER TABLE words FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON words
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON words TO sample;

CREATE TABLE numbers (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
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
    CONSTRAINT numbers_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT numbers_big_key UNIQUE (tenant_id, big),
    CONSTRAINT numbers_count_check CHECK (count >= 0 AND count <= 1000),
    CONSTRAINT numbers_big_limited_check CHECK (big_limited >= -9007199254740993 AND big_limited <= 9007199254740993),
    CONSTRAINT numbers_price_check CHECK (price >= 0 AND price <= 999999999.99),
    CONSTRAINT numbers_ratio_check CHECK (ratio >= 0 AND ratio <= 1)
);
CREATE INDEX numbers_created_at_id_idx ON numbers (tenant_id, created_at, id);
CREATE INDEX numbers_count_id_idx ON numbers (tenant_id, count, id);
CREATE INDEX numbers_price_id_idx ON numbers (tenant_id, price, id);
CREATE INDEX numbers_reading_id_idx ON numbers (tenant_id, reading, id);
ALTER TABLE numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE numbers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON numbers
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON numbers TO sample;

CREATE TABLE moments (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
    id uuid NOT NULL,
    on_day date NOT NULL,
    maybe_day date,
    at timestamptz NOT NULL,
    since timestamptz NOT NULL DEFAULT '2026-01-01T00:00:00Z',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT moments_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT moments_maybe_day_key UNIQUE (tenant_id, maybe_day),
    CONSTRAINT moments_at_key UNIQUE (tenant_id, at),
    CONSTRAINT moments_on_day_check CHECK (on_day >= '2000-01-01' AND on_day <= '2100-12-31')
);
CREATE INDEX moments_created_at_id_idx ON moments (tenant_id, created_at, id);
CREATE INDEX moments_on_day_id_idx ON moments (tenant_id, on_day, id);
ALTER TABLE moments ENABLE ROW LEVEL SECURITY;
ALTER TABLE moments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON moments
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON moments TO sample;

CREATE TABLE others (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
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
    CONSTRAINT others_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT others_token_key UNIQUE (tenant_id, token),
    CONSTRAINT others_words_id_key UNIQUE (tenant_id, words_id),
    CONSTRAINT others_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES others (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT others_words_id_fkey FOREIGN KEY (tenant_id, words_id) REFERENCES words (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT others_numbers_id_fkey FOREIGN KEY (tenant_id, numbers_id) REFERENCES numbers (tenant_id, id) ON DELETE RESTRICT,
    CONSTRAINT others_level_check CHECK (level IN ('low', 'medium', 'high')),
    CONSTRAINT others_colour_check CHECK (colour IN ('red', 'green', 'blue'))
);
CREATE INDEX others_created_at_id_idx ON others (tenant_id, created_at, id);
CREATE INDEX others_visible_created_at_idx ON others (tenant_id, visible, created_at, id);
CREATE INDEX others_trace_created_at_idx ON others (tenant_id, trace, created_at, id);
CREATE INDEX others_level_created_at_idx ON others (tenant_id, level, created_at, id);
CREATE INDEX others_colour_created_at_idx ON others (tenant_id, colour, created_at, id);
CREATE INDEX others_parent_id_created_at_idx ON others (tenant_id, parent_id, created_at, id);
CREATE INDEX others_numbers_id_created_at_idx ON others (tenant_id, numbers_id, created_at, id);
ALTER TABLE others ENABLE ROW LEVEL SECURITY;
ALTER TABLE others FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON others
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON others TO sample;

CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, operation, key)
);
COMMENT ON TABLE idempotency_keys IS 'Replies to requests with an Idempotency-Key, kept until they expire';
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY sweep ON idempotency_keys TO sample_owner
    USING (expires_at <= now());
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO sample;
CREATE FUNCTION sweep_idempotency_keys(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH swept AS (
        DELETE FROM idempotency_keys WHERE (tenant_id, operation, key) IN (
            SELECT tenant_id, operation, key FROM idempotency_keys WHERE expires_at <= now()
            ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
    )
    SELECT count(*) FROM swept
$$;
REVOKE ALL ON FUNCTION sweep_idempotency_keys(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sweep_idempotency_keys(integer) TO sample;

CREATE TABLE audit_log (
    tenant_id uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
    position bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL,
    request_id text,
    operation text NOT NULL,
    entity text NOT NULL,
    record_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, position),
    CONSTRAINT audit_log_operation_check CHECK (operation IN ('create', 'update', 'delete'))
);
COMMENT ON TABLE audit_log IS 'Who created, changed and deleted which record; the service adds rows and can neither read nor change them';
CREATE INDEX audit_log_record_id_position_idx ON audit_log (tenant_id, record_id, position);
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_log
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT INSERT ON audit_log TO sample;
