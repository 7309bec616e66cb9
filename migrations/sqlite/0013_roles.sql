-- Roles, what they inherit, and what whom is allowed to do.

CREATE TABLE roles (
    tenant_id   BLOB    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    inherits    TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    tenant_id  BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    subject    TEXT    NOT NULL,
    object     TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- create_policy: no subject has the same twice; delete_role.
CREATE UNIQUE INDEX policies_subject ON policies (tenant_id, subject, object, action);
