-- Authorization: pushed requests, codes, consents, and ids that count once.

-- What a family was granted beside its scope; nothing, for those that began before this.
ALTER TABLE refresh_families ADD COLUMN details TEXT NOT NULL DEFAULT '{}';

-- A request that a client pushed (RFC 9126), under the signature of its `request_uri`. It is spent
-- when an authorization that came from it completes.
CREATE TABLE pushed_requests (
    tenant_id  BLOB    NOT NULL,
    signature  BLOB    NOT NULL,
    client_id  TEXT    NOT NULL,
    parameters TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    spent_at   INTEGER,
    PRIMARY KEY (tenant_id, signature)
) STRICT, WITHOUT ROWID;

-- purge.
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_at);

-- A code by its signature, and what it is worth. Once redeemed it says which family it gave and
-- which access token, so that a second redemption can take both back; `access_jti` is emptied then.
CREATE TABLE codes (
    tenant_id         BLOB    NOT NULL,
    signature         BLOB    NOT NULL,
    client_id         TEXT    NOT NULL,
    user_id           BLOB    NOT NULL,
    session_id        BLOB    NOT NULL,
    content           TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    redeemed_at       INTEGER,
    family_id         BLOB,
    access_jti        TEXT,
    access_expires_at INTEGER,
    PRIMARY KEY (tenant_id, signature),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Deleting a session.
CREATE INDEX codes_by_session ON codes (tenant_id, session_id);

-- purge.
CREATE INDEX codes_by_end ON codes (expires_at);

-- What a person allowed a client, until they take it back.
CREATE TABLE consents (
    tenant_id  BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    client_id  TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    resources  TEXT    NOT NULL,
    given_at   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- An id that counts once, such as the `jti` of a proof, until it expires.
CREATE TABLE spent_ids (
    tenant_id  BLOB    NOT NULL,
    key        BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- purge.
CREATE INDEX spent_ids_by_end ON spent_ids (expires_at);
