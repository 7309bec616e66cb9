-- Whom other issuers' names for people are about.

-- A name that another issuer has for somebody, and whose account it is. Both texts compare byte for byte.
CREATE TABLE external_identities (
    tenant_id  uuid   NOT NULL,
    issuer     text   COLLATE "C" NOT NULL CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    subject    text   COLLATE "C" NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 255),
    user_id    uuid   NOT NULL,
    created_at bigint NOT NULL,
    -- find_identity; link_identity: no two accounts hold one.
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- list_identities, link_identity; deleting a user.
CREATE INDEX external_identities_user ON external_identities (tenant_id, user_id);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place CONSTANT text := 'external_identities';
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place);
    EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = %s)', place, own);
    EXECUTE format('CREATE POLICY of_system ON %I USING (%s)', place, whole);
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON external_identities
        TO auth_service_app;
    END IF;
END
$$;
