-- What is bound to accounts beside their passwords (NIST SP 800-63B-4 §3).

-- An authenticator app. Until it is confirmed it proves nothing; last_step is the newest time step
-- whose code was taken.
CREATE TABLE totps (
    tenant_id     uuid   NOT NULL,
    user_id       uuid   NOT NULL,
    sealed_secret bytea  NOT NULL,
    digits        bigint NOT NULL,
    period_s      bigint NOT NULL,
    created_at    bigint NOT NULL,
    confirmed_at  bigint,
    last_step     bigint,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) WITH (fillfactor = 80);

-- A passkey: what the authenticator calls it, and what is needed to know it again. What an
-- authenticator sent is kept as json, not jsonb: it is read back whole and never searched.
CREATE TABLE passkeys (
    tenant_id          uuid    NOT NULL,
    id                 uuid    NOT NULL,
    user_id            uuid    NOT NULL,
    credential_id      bytea   NOT NULL,
    name               text    NOT NULL,
    credential         json    NOT NULL,
    sign_count         bigint  NOT NULL,
    is_backup_eligible boolean NOT NULL,
    is_backed_up       boolean NOT NULL,
    created_at         bigint  NOT NULL,
    last_used_at       bigint,
    PRIMARY KEY (tenant_id, id),
    -- find_passkey; add_passkey: no two accounts hold one.
    CONSTRAINT passkeys_credential UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) WITH (fillfactor = 80);

-- load_factors, add_passkey, remove_factor, remove_all_factors; deleting a user.
CREATE INDEX passkeys_user ON passkeys (tenant_id, user_id);

-- A backup code that was not used yet, by its signature.
CREATE TABLE backup_codes (
    tenant_id uuid  NOT NULL,
    user_id   uuid  NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (tenant_id, user_id, signature),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['totps', 'passkeys', 'backup_codes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = %s)', place, own);
        EXECUTE format('CREATE POLICY of_system ON %I USING (%s)', place, whole);
    END LOOP;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON totps, passkeys, backup_codes
        TO auth_service_app;
    END IF;
END
$$;
