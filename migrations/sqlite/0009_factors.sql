-- What is bound to accounts beside their passwords (NIST SP 800-63B-4 §3).

-- An authenticator app. Until it is confirmed it proves nothing; `last_step` is the newest time step
-- whose code was taken.
CREATE TABLE totps (
    tenant_id     BLOB    NOT NULL,
    user_id       BLOB    NOT NULL,
    sealed_secret BLOB    NOT NULL,
    digits        INTEGER NOT NULL,
    period_s      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    confirmed_at  INTEGER,
    last_step     INTEGER,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A passkey: what the authenticator calls it, and what is needed to know it again.
CREATE TABLE passkeys (
    tenant_id          BLOB    NOT NULL,
    id                 BLOB    NOT NULL,
    user_id            BLOB    NOT NULL,
    credential_id      BLOB    NOT NULL,
    name               TEXT    NOT NULL,
    credential         TEXT    NOT NULL,
    sign_count         INTEGER NOT NULL,
    is_backup_eligible INTEGER NOT NULL,
    is_backed_up       INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    last_used_at       INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- find_passkey; add_passkey: no two accounts hold one.
CREATE UNIQUE INDEX passkeys_by_credential ON passkeys (tenant_id, credential_id);

-- load_factors, add_passkey, remove_factor, remove_all_factors; deleting a user.
CREATE INDEX passkeys_by_user ON passkeys (tenant_id, user_id);

-- A backup code that was not used yet, by its signature.
CREATE TABLE backup_codes (
    tenant_id BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, signature),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
