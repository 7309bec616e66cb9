-- Devices without a browser that wait for a person (RFC 8628).

-- A device code by its signature, and the code that the person types by a signature too. Once the
-- device is allowed, what its code is worth stands in codes, under the same signature.
CREATE TABLE device_codes (
    tenant_id     uuid   NOT NULL,
    signature     bytea  NOT NULL,
    user_code_key bytea  NOT NULL,
    client_id     text   COLLATE "C" NOT NULL,
    scope         text[] NOT NULL,
    resources     text[] NOT NULL,
    status        text   COLLATE "C" NOT NULL,
    created_at    bigint NOT NULL,
    expires_at    bigint NOT NULL,
    polled_at     bigint,
    interval_s    bigint NOT NULL,
    PRIMARY KEY (tenant_id, signature)
);

-- find_device; and no two devices are named alike.
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (tenant_id, user_code_key);
-- purge.
CREATE INDEX device_codes_expiry ON device_codes (expires_at);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['device_codes'] LOOP
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
        ON device_codes
        TO auth_service_app;
    END IF;
END
$$;
