-- Devices without a browser that wait for a person (RFC 8628).

-- A device code by its signature, and the code that the person types by a signature too. Once the
-- device is allowed, what its code is worth stands in `codes`, under the same signature.
CREATE TABLE device_codes (
    tenant_id     BLOB    NOT NULL,
    signature     BLOB    NOT NULL,
    user_code_key BLOB    NOT NULL,
    client_id     TEXT    NOT NULL,
    scope         TEXT    NOT NULL,
    resources     TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    polled_at     INTEGER,
    interval_s    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, signature)
) STRICT, WITHOUT ROWID;

-- find_device; and no two devices are named alike.
CREATE UNIQUE INDEX device_codes_by_user_code ON device_codes (tenant_id, user_code_key);

-- purge.
CREATE INDEX device_codes_by_end ON device_codes (expires_at);
