-- What tenants' secrets are sealed with: data keys, each wrapped by a key that is not stored here.

CREATE TABLE data_keys (
    tenant_id  uuid    NOT NULL,
    id         uuid    NOT NULL,
    wrapped    bytea   NOT NULL,
    is_active  boolean NOT NULL,
    created_at bigint  NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- make_data_key: a tenant has one that seals.
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_id) WHERE is_active;

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY of_tenant ON data_keys USING (tenant_id = %s)', own);
    EXECUTE format('CREATE POLICY of_system ON data_keys USING (%s)', whole);
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON data_keys
        TO auth_service_app;
    END IF;
END
$$;
