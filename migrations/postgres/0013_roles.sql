-- Roles, what they inherit, and what whom is allowed to do.

CREATE TABLE roles (
    tenant_id   uuid   NOT NULL,
    name        text   COLLATE "C" NOT NULL,
    description text   NOT NULL,
    inherits    text[] NOT NULL,
    version     bigint NOT NULL,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE policies (
    tenant_id  uuid   NOT NULL,
    id         uuid   NOT NULL,
    subject    text   COLLATE "C" NOT NULL,
    object     text   COLLATE "C" NOT NULL,
    action     text   COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- create_policy: no subject has the same twice; delete_role.
CREATE UNIQUE INDEX policies_subject ON policies (tenant_id, subject, object, action);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['roles', 'policies'] LOOP
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
        ON roles, policies
        TO auth_service_app;
    END IF;
END
$$;
