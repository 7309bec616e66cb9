-- The foundation: tenants, accounts, sessions, clients, keys, mails, the audit trail, the feed.
--
-- Ids are the 16 bytes of a UUID version 7, so that keys grow to the right. Instants are
-- milliseconds since 1970-01-01T00:00:00Z. Lists and objects are JSON texts.

-- One organisation's share of the service.
CREATE TABLE tenants (
    tenant_id  BLOB    NOT NULL PRIMARY KEY,
    slug       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    config     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- One person's account. `email_key` and `name_key` are the folded forms that are compared; the
-- password is absent when the person has none.
CREATE TABLE users (
    tenant_id       BLOB    NOT NULL REFERENCES tenants (tenant_id),
    id              BLOB    NOT NULL,
    email           TEXT    NOT NULL,
    email_key       TEXT    NOT NULL,
    email_verified  INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    name_key        TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    locked_reason   TEXT,
    roles           TEXT    NOT NULL,
    password_phc    TEXT,
    password_pepper TEXT,
    password_set_at INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email_key)
) STRICT;

-- list_users by the beginning of a name; by the beginning of an address the unique key serves.
CREATE INDEX users_by_name ON users (tenant_id, name_key);

-- The signature of a token sent by mail; one of each purpose for a user.
CREATE TABLE one_time (
    tenant_id  BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    purpose    TEXT    NOT NULL,
    signature  BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, purpose),
    UNIQUE (tenant_id, signature),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- purge.
CREATE INDEX one_time_by_end ON one_time (expires_at);

-- A sign-in on a device. It stays, with `ended_at`, until the janitor takes it.
CREATE TABLE sessions (
    tenant_id      BLOB    NOT NULL,
    id             BLOB    NOT NULL,
    user_id        BLOB    NOT NULL,
    auth_time      INTEGER NOT NULL,
    amr            TEXT    NOT NULL,
    acr            TEXT    NOT NULL,
    address        TEXT,
    user_agent     TEXT,
    created_at     INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- list_sessions, end_sessions.
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id);

-- A line of refresh tokens, rotated in place. No index holds a column that a rotation changes: it
-- would double what a rotation writes. The janitor looks for ended families on a reader instead.
CREATE TABLE refresh_families (
    tenant_id       BLOB    NOT NULL,
    id              BLOB    NOT NULL,
    session_id      BLOB    NOT NULL,
    user_id         BLOB    NOT NULL,
    client_id       TEXT    NOT NULL,
    scope           TEXT    NOT NULL,
    generation      INTEGER NOT NULL,
    rotated_at      INTEGER NOT NULL,
    reissued        INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    end_reason      TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- end_sessions, purge.
CREATE INDEX families_by_session ON refresh_families (tenant_id, session_id);

-- Consecutive failed sign-ins at one account, existing or not.
CREATE TABLE attempts (
    tenant_id BLOB    NOT NULL,
    key       BLOB    NOT NULL,
    failures  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- purge.
CREATE INDEX attempts_by_time ON attempts (last_at);

-- An application, service or agent. `seq` is the order of creation, which lists follow.
CREATE TABLE clients (
    seq         INTEGER PRIMARY KEY,
    tenant_id   BLOB    NOT NULL REFERENCES tenants (tenant_id),
    id          TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    client_type TEXT    NOT NULL,
    disabled    INTEGER NOT NULL,
    metadata    TEXT    NOT NULL,
    secrets     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;

-- list_clients.
CREATE INDEX clients_by_age ON clients (tenant_id, seq);

-- A long-lived credential of a service or an operator: its signature.
CREATE TABLE api_keys (
    tenant_id      BLOB    NOT NULL REFERENCES tenants (tenant_id),
    id             BLOB    NOT NULL,
    name           TEXT    NOT NULL,
    visible_prefix TEXT    NOT NULL,
    signature      BLOB    NOT NULL,
    scopes         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, signature)
) STRICT;

-- A signing key; its private part is sealed.
CREATE TABLE signing_keys (
    tenant_id      BLOB    NOT NULL REFERENCES tenants (tenant_id),
    kid            TEXT    NOT NULL,
    algorithm      TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    sealed_private BLOB    NOT NULL,
    public_jwk     TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    activated_at   INTEGER,
    retired_at     INTEGER,
    PRIMARY KEY (tenant_id, kid)
) STRICT;

-- At most one active key of a tenant and algorithm, whatever the code believes.
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (tenant_id, algorithm)
WHERE state = 'active';

-- A mail that waits to be sent, or was given up. A claim moves `due_at` to the end of its lease.
CREATE TABLE outbox (
    tenant_id  BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    sealed     BLOB    NOT NULL,
    status     TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- claim_mails, count_waiting.
CREATE INDEX outbox_due ON outbox (due_at, id)
WHERE status = 'waiting';

-- Who did what to whom. Rows are only ever added, and sealed once.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    actor_type TEXT    NOT NULL,
    actor_id   TEXT,
    subject    TEXT,
    client_id  TEXT,
    session_id BLOB,
    address    TEXT,
    user_agent TEXT,
    request_id BLOB    NOT NULL,
    success    INTEGER NOT NULL,
    detail     TEXT    NOT NULL,
    chain_no   INTEGER,
    seal       BLOB
) STRICT;

-- list_audit.
CREATE INDEX audit_by_tenant ON audit (tenant_id, seq);

-- load_unsealed, load_unsealed_tenants.
CREATE INDEX audit_unsealed ON audit (tenant_id, seq)
WHERE chain_no IS NULL;

-- load_unsealed: the end of the chain; and a place is taken once.
CREATE UNIQUE INDEX audit_chain ON audit (tenant_id, chain_no)
WHERE chain_no IS NOT NULL;

-- What every node must hear of. `at` is this store's clock.
CREATE TABLE changes (
    seq        INTEGER PRIMARY KEY,
    tenant_id  BLOB    NOT NULL,
    kind       TEXT    NOT NULL,
    about      TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- load_changes.
CREATE INDEX changes_by_time ON changes (at);

-- purge.
CREATE INDEX changes_by_end ON changes (expires_at);
