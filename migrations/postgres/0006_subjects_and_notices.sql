-- What pairwise subjects are made with, and clients that are to be told of ended sessions.

-- A tenant's salt (OpenID Connect Core §8.1), drawn once and never replaced: clients keep the subjects
-- that were made with it.
CREATE TABLE pairwise_salts (
    tenant_id uuid  NOT NULL PRIMARY KEY,
    salt      bytea NOT NULL
);

-- A client that is to be told that a session ended (OpenID Connect Back-Channel Logout §2.5), until it
-- was told or is given up. A claim moves due_at to the end of its lease. It stands without the session
-- and the account, which may be gone by then.
CREATE TABLE logout_notices (
    tenant_id  uuid   NOT NULL,
    session_id uuid   NOT NULL,
    client_id  text   COLLATE "C" NOT NULL,
    user_id    uuid   NOT NULL,
    sector     text,
    state      text   NOT NULL DEFAULT 'waiting',
    attempts   bigint NOT NULL DEFAULT 0,
    due_at     bigint NOT NULL,
    created_at bigint NOT NULL,
    error      text,
    PRIMARY KEY (tenant_id, session_id, client_id)
);

-- claim_notices, count_waiting.
CREATE INDEX logout_notices_due ON logout_notices (due_at) WHERE state = 'waiting';

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['pairwise_salts', 'logout_notices'] LOOP
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
        ON pairwise_salts, logout_notices
        TO auth_service_app;
    END IF;
END
$$;
