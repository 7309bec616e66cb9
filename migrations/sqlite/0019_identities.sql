-- Whom other issuers' names for people are about.

-- A name that another issuer has for somebody, and whose account it is. Both texts compare byte for byte.
CREATE TABLE external_identities (
    tenant_id  BLOB    NOT NULL,
    issuer     TEXT    NOT NULL CHECK (length(CAST(issuer AS BLOB)) BETWEEN 1 AND 512),
    subject    TEXT    NOT NULL CHECK (length(CAST(subject AS BLOB)) BETWEEN 1 AND 255),
    user_id    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    -- find_identity; link_identity: no two accounts hold one.
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- list_identities, link_identity; deleting a user.
CREATE INDEX external_identities_by_user ON external_identities (tenant_id, user_id);
