-- Authorization: pushed requests, codes, consents, and ids that count once.
--
-- What clients sent as JSON is kept as json, not jsonb: it is read back whole and never searched,
-- and jsonb refuses texts that hold the character NUL.

-- What a family was granted beside its scope; nothing, for those that began before this.
ALTER TABLE refresh_families ADD COLUMN details json NOT NULL DEFAULT '{}';

-- A request that a client pushed (RFC 9126), under the signature of its request_uri. It is spent
-- when an authorization that came from it completes.
CREATE TABLE pushed_requests (
    tenant_id  uuid   NOT NULL,
    signature  bytea  NOT NULL,
    client_id  text   COLLATE "C" NOT NULL,
    parameters json   NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    spent_at   bigint,
    PRIMARY KEY (tenant_id, signature)
);

-- purge.
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

-- A code by its signature, and what it is worth. Once redeemed it says which family it gave and
-- which access token, so that a second redemption can take both back; access_jti is emptied then.
CREATE TABLE codes (
    tenant_id         uuid   NOT NULL,
    signature         bytea  NOT NULL,
    client_id         text   COLLATE "C" NOT NULL,
    user_id           uuid   NOT NULL,
    session_id        uuid   NOT NULL,
    content           json   NOT NULL,
    created_at        bigint NOT NULL,
    expires_at        bigint NOT NULL,
    redeemed_at       bigint,
    family_id         uuid,
    access_jti        text,
    access_expires_at bigint,
    PRIMARY KEY (tenant_id, signature),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions ON DELETE CASCADE
);

-- Deleting a session.
CREATE INDEX codes_session ON codes (tenant_id, session_id);
-- purge.
CREATE INDEX codes_expiry ON codes (expires_at);

-- What a person allowed a client, until they take it back.
CREATE TABLE consents (
    tenant_id  uuid   NOT NULL,
    user_id    uuid   NOT NULL,
    client_id  text   COLLATE "C" NOT NULL,
    scope      text[] NOT NULL,
    resources  text[] NOT NULL,
    given_at   bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- An id that counts once, such as the jti of a proof, until it expires.
CREATE TABLE spent_ids (
    tenant_id  uuid   NOT NULL,
    key        bytea  NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

-- purge.
CREATE INDEX spent_ids_expiry ON spent_ids (expires_at);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['pushed_requests', 'codes', 'consents', 'spent_ids'] LOOP
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
        ON pushed_requests, codes, consents, spent_ids
        TO auth_service_app;
    END IF;
END
$$;
