-- The foundation: tenants, people, sessions, clients, keys, mails, the audit trail and the feed.
--
-- Instants are BIGINT milliseconds since 1970, as the domain counts them: a timestamptz would be
-- rounded on the way in and converted on the way out, and a comparison in SQL must judge exactly
-- what the domain judges. Every table begins its keys with the tenant, because every look-up does.
-- Texts that are searched by prefix are COLLATE "C": byte order makes a prefix a range, and range
-- operators are leakproof, so row-level security does not keep them from an index.

CREATE TABLE tenants (
    id         uuid   PRIMARY KEY,
    slug       text   COLLATE "C" NOT NULL UNIQUE,
    name       text   NOT NULL,
    status     text   NOT NULL,
    config     jsonb  NOT NULL,
    version    bigint NOT NULL,
    created_at bigint NOT NULL
);

-- email_key and name_key are folded by the domain: the database's own lower() depends on its locale.
CREATE TABLE users (
    tenant_id       uuid    NOT NULL,
    id              uuid    NOT NULL,
    email           text    NOT NULL,
    email_key       text    COLLATE "C" NOT NULL,
    email_verified  boolean NOT NULL,
    name            text    NOT NULL,
    name_key        text    COLLATE "C" NOT NULL,
    status          text    NOT NULL,
    locked_reason   text,
    roles           jsonb   NOT NULL,
    created_at      bigint  NOT NULL,
    updated_at      bigint  NOT NULL,
    version         bigint  NOT NULL,
    password_phc    text,
    password_pepper text,
    password_set_at bigint,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_email UNIQUE (tenant_id, email_key),
    CONSTRAINT users_password CHECK (num_nulls(password_phc, password_pepper, password_set_at) IN (0, 3))
);

CREATE INDEX users_name ON users (tenant_id, name_key);

CREATE TABLE one_time (
    tenant_id  uuid   NOT NULL,
    user_id    uuid   NOT NULL,
    purpose    text   NOT NULL,
    signature  bytea  NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id, purpose),
    CONSTRAINT one_time_signature UNIQUE (tenant_id, signature),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE INDEX one_time_expiry ON one_time (expires_at);

-- Room is left on each page so that touching a session rewrites it in place, past every index.
CREATE TABLE sessions (
    tenant_id      uuid   NOT NULL,
    id             uuid   NOT NULL,
    user_id        uuid   NOT NULL,
    auth_time      bigint NOT NULL,
    amr            text[] NOT NULL,
    acr            text   NOT NULL,
    address        text,
    user_agent     text,
    created_at     bigint NOT NULL,
    last_active_at bigint NOT NULL,
    expires_at     bigint NOT NULL,
    ended_at       bigint,
    ended_reason   text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
) WITH (fillfactor = 80);

CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_expiry ON sessions (least(expires_at, ended_at));

-- end_day is the day on which the family ends as things stand. A rotation moves idle_expires_at but
-- seldom the day, so the index of what may be purged does not cost each rotation an entry in every
-- index: most rotations rewrite the row in place.
CREATE TABLE refresh_families (
    tenant_id       uuid    NOT NULL,
    id              uuid    NOT NULL,
    session_id      uuid    NOT NULL,
    user_id         uuid    NOT NULL,
    client_id       text    NOT NULL,
    scope           text[]  NOT NULL,
    generation      bigint  NOT NULL,
    rotated_at      bigint  NOT NULL,
    reissued        boolean NOT NULL,
    idle_expires_at bigint  NOT NULL,
    expires_at      bigint  NOT NULL,
    ended_at        bigint,
    ended_reason    text,
    end_day         bigint  GENERATED ALWAYS AS (least(idle_expires_at, expires_at, ended_at) / 86400000) STORED,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE INDEX refresh_families_session ON refresh_families (tenant_id, session_id);
CREATE INDEX refresh_families_user ON refresh_families (tenant_id, user_id);
CREATE INDEX refresh_families_end ON refresh_families (end_day);

CREATE TABLE attempts (
    tenant_id uuid   NOT NULL,
    key       bytea  NOT NULL,
    failures  bigint NOT NULL,
    last_at   bigint NOT NULL,
    last_day  bigint GENERATED ALWAYS AS (last_at / 86400000) STORED,
    PRIMARY KEY (tenant_id, key)
) WITH (fillfactor = 80);

CREATE INDEX attempts_age ON attempts (last_day);

-- seq gives lists their order: a client's id is random text.
CREATE TABLE clients (
    tenant_id   uuid    NOT NULL,
    id          text    COLLATE "C" NOT NULL,
    seq         bigint  GENERATED ALWAYS AS IDENTITY,
    name        text    NOT NULL,
    client_type text    NOT NULL,
    disabled    boolean NOT NULL,
    metadata    jsonb   NOT NULL,
    secrets     jsonb   NOT NULL,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL,
    version     bigint  NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX clients_order ON clients (tenant_id, created_at, seq);

CREATE TABLE api_keys (
    tenant_id      uuid   NOT NULL,
    id             uuid   NOT NULL,
    name           text   NOT NULL,
    visible_prefix text   NOT NULL,
    signature      bytea  NOT NULL,
    scopes         text[] NOT NULL,
    created_at     bigint NOT NULL,
    expires_at     bigint,
    revoked_at     bigint,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_signature UNIQUE (tenant_id, signature)
);

CREATE TABLE signing_keys (
    tenant_id      uuid   NOT NULL,
    kid            text   COLLATE "C" NOT NULL,
    algorithm      text   NOT NULL,
    state          text   NOT NULL,
    sealed_private bytea  NOT NULL,
    public_jwk     jsonb  NOT NULL,
    created_at     bigint NOT NULL,
    activated_at   bigint,
    retired_at     bigint,
    PRIMARY KEY (tenant_id, kid)
);

CREATE UNIQUE INDEX signing_keys_active ON signing_keys (tenant_id, algorithm) WHERE state = 'active';
CREATE INDEX signing_keys_retired ON signing_keys (retired_at) WHERE state = 'retired';

CREATE TABLE outbox (
    tenant_id  uuid   NOT NULL,
    id         uuid   NOT NULL,
    sealed     bytea  NOT NULL,
    attempts   bigint NOT NULL,
    created_at bigint NOT NULL,
    due_at     bigint NOT NULL,
    state      text   NOT NULL DEFAULT 'waiting',
    error      text,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'waiting';

-- fields holds everything of an entry but its tenant, instant, number and seal.
CREATE TABLE audit (
    tenant_id uuid   NOT NULL,
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    at        bigint NOT NULL,
    fields    jsonb  NOT NULL,
    chain_no  bigint,
    seal      bytea,
    PRIMARY KEY (tenant_id, seq),
    CONSTRAINT audit_sealed CHECK (num_nulls(chain_no, seal) IN (0, 2))
);

CREATE UNIQUE INDEX audit_chain ON audit (tenant_id, chain_no) WHERE chain_no IS NOT NULL;
CREATE INDEX audit_unsealed ON audit (tenant_id, seq) WHERE seal IS NULL;

CREATE TABLE changes (
    tenant_id  uuid   NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text   NOT NULL,
    about      text   NOT NULL,
    at         bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    expires_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX changes_at ON changes (at);
CREATE INDEX changes_expiry ON changes (expires_at);

-- Wakes every node that listens. A statement that inserted nothing must not notify: notifying takes
-- a lock that makes commits wait for each other.
CREATE FUNCTION notify_auth_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM fresh) THEN
        PERFORM pg_notify('auth_changes', '');
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER changes_notify
AFTER INSERT ON changes
REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION notify_auth_changes();

-- The border between tenants, a second time. A transaction names its tenant in app.tenant and sees
-- and writes that tenant's rows only; without one it sees nothing. The few verbs that are of no
-- tenant (loading tenants and keys at boot, the feed, claiming mails, purging) say
-- app.scope = 'system'. This guards against a forgotten WHERE, and FORCE binds the owner too.
DO $$
DECLARE
    place text[];
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place SLICE 1 IN ARRAY ARRAY[
        ['tenants', 'id'], ['users', 'tenant_id'], ['one_time', 'tenant_id'],
        ['sessions', 'tenant_id'], ['refresh_families', 'tenant_id'], ['attempts', 'tenant_id'],
        ['clients', 'tenant_id'], ['api_keys', 'tenant_id'], ['signing_keys', 'tenant_id'],
        ['outbox', 'tenant_id'], ['audit', 'tenant_id'], ['changes', 'tenant_id']
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place[1]);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place[1]);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (%I = %s)', place[1], place[2], own);
        EXECUTE format('CREATE POLICY of_system ON %I USING (%s)', place[1], whole);
    END LOOP;
END
$$;

-- Superusers and roles with BYPASSRLS pass every policy, so the service works as this role, which
-- reads and writes rows and nothing else. Roles belong to the whole server: another database may
-- have made it already. Where the migrating role may not make roles, the service works as that role
-- and refuses to if it could pass the policies.
DO $$
BEGIN
    CREATE ROLE auth_service_app NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
        NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO auth_service_app', current_schema());
    GRANT SELECT, INSERT, UPDATE, DELETE
    ON tenants, users, one_time, sessions, refresh_families, attempts, clients, api_keys,
       signing_keys, outbox, changes
    TO auth_service_app;
    -- What the audit trail says can be added to and sealed, never rewritten or taken back.
    GRANT SELECT, INSERT, UPDATE (chain_no, seal) ON audit TO auth_service_app;
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO auth_service_app', current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO auth_service_app', current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO auth_service_app', current_schema());
END
$$;

-- A role that makes roles but is no superuser has to be made a member of what it made.
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        EXECUTE format('GRANT auth_service_app TO %I', session_user);
    END IF;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege OR invalid_grant_operation THEN
        NULL;
END
$$;
