-- What makes repeating a creation harmless, and lists of accounts fast by whatever they are narrowed by.

-- An `Idempotency-Key` that was claimed for one request. `made_at` and `subject` are written with the
-- audit entry of what was made; `answer` is what was answered, sealed.
CREATE TABLE idempotency (
    tenant_id   BLOB    NOT NULL,
    key         BLOB    NOT NULL,
    fingerprint BLOB    NOT NULL,
    request_id  BLOB    NOT NULL,
    lease_until INTEGER NOT NULL,
    made_at     INTEGER,
    subject     TEXT,
    answer      BLOB,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- The entry of a claimed request; keep_answer, release_key.
CREATE UNIQUE INDEX idempotency_by_request ON idempotency (tenant_id, request_id);

-- purge.
CREATE INDEX idempotency_by_end ON idempotency (expires_at);

-- Who has which role, for list_users. The role that everybody has is left out: whoever asks for it finds
-- enough of it in any order.
CREATE TABLE user_roles (
    tenant_id BLOB NOT NULL,
    role      TEXT NOT NULL,
    user_id   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, role, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Deleting a user, and changing their roles.
CREATE INDEX user_roles_by_user ON user_roles (tenant_id, user_id);

INSERT INTO user_roles (tenant_id, role, user_id)
SELECT DISTINCT u.tenant_id, r.value, u.id
FROM users AS u, json_each(u.roles) AS r
WHERE r.value <> 'user';

CREATE TRIGGER users_roles_given AFTER INSERT ON users
WHEN new.roles <> '["user"]'
BEGIN
    INSERT INTO user_roles (tenant_id, role, user_id)
    SELECT DISTINCT new.tenant_id, r.value, new.id
    FROM json_each(new.roles) AS r
    WHERE r.value <> 'user';
END;

CREATE TRIGGER users_roles_changed AFTER UPDATE OF roles ON users
WHEN new.roles <> old.roles
BEGIN
    DELETE FROM user_roles
    WHERE tenant_id = new.tenant_id AND user_id = new.id;
    INSERT INTO user_roles (tenant_id, role, user_id)
    SELECT DISTINCT new.tenant_id, r.value, new.id
    FROM json_each(new.roles) AS r
    WHERE r.value <> 'user';
END;

-- Whether a second factor is bound: a confirmed app or a passkey.
ALTER TABLE users ADD COLUMN has_mfa INTEGER NOT NULL DEFAULT 0;

UPDATE users
SET has_mfa = 1
WHERE EXISTS (
        SELECT 1
        FROM totps AS t
        WHERE t.tenant_id = users.tenant_id AND t.user_id = users.id AND t.confirmed_at IS NOT NULL
    )
    OR EXISTS (
        SELECT 1 FROM passkeys AS p WHERE p.tenant_id = users.tenant_id AND p.user_id = users.id
    );

CREATE TRIGGER totps_confirmed AFTER UPDATE OF confirmed_at ON totps
WHEN new.confirmed_at IS NOT NULL
BEGIN
    UPDATE users SET has_mfa = 1 WHERE tenant_id = new.tenant_id AND id = new.user_id;
END;

CREATE TRIGGER totps_bound AFTER INSERT ON totps
WHEN new.confirmed_at IS NOT NULL
BEGIN
    UPDATE users SET has_mfa = 1 WHERE tenant_id = new.tenant_id AND id = new.user_id;
END;

CREATE TRIGGER totps_removed AFTER DELETE ON totps
WHEN old.confirmed_at IS NOT NULL
BEGIN
    UPDATE users
    SET has_mfa = EXISTS (
        SELECT 1 FROM passkeys AS p WHERE p.tenant_id = users.tenant_id AND p.user_id = users.id
    )
    WHERE tenant_id = old.tenant_id AND id = old.user_id;
END;

CREATE TRIGGER passkeys_bound AFTER INSERT ON passkeys
BEGIN
    UPDATE users SET has_mfa = 1 WHERE tenant_id = new.tenant_id AND id = new.user_id;
END;

CREATE TRIGGER passkeys_removed AFTER DELETE ON passkeys
BEGIN
    UPDATE users
    SET has_mfa = EXISTS (
            SELECT 1 FROM passkeys AS p WHERE p.tenant_id = users.tenant_id AND p.user_id = users.id
        )
        OR EXISTS (
            SELECT 1
            FROM totps AS t
            WHERE t.tenant_id = users.tenant_id AND t.user_id = users.id AND t.confirmed_at IS NOT NULL
        )
    WHERE tenant_id = old.tenant_id AND id = old.user_id;
END;

-- list_users, narrowed by each of these and newest first. Nearly every account is active, so those are
-- found in any order.
CREATE INDEX users_closed ON users (tenant_id, status, id)
WHERE status <> 'active';
CREATE INDEX users_by_verification ON users (tenant_id, email_verified, id);
CREATE INDEX users_by_mfa ON users (tenant_id, has_mfa, id);
