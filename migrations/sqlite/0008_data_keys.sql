-- What tenants' secrets are sealed with: data keys, each wrapped by a key that is not stored here.

CREATE TABLE data_keys (
    tenant_id  BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    wrapped    BLOB    NOT NULL,
    is_active  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- make_data_key: a tenant has one that seals.
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_id) WHERE is_active;
