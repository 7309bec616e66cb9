-- Finding entries of the audit trail, and signed checkpoints of its chains.

-- find_audit: newest first, each filter by an index of its own; the instant bounds all of them.
CREATE INDEX audit_by_time ON audit (tenant_id, at, seq);

CREATE INDEX audit_by_subject ON audit (tenant_id, subject, at, seq)
WHERE subject IS NOT NULL;

CREATE INDEX audit_by_client ON audit (tenant_id, client_id, at, seq)
WHERE client_id IS NOT NULL;

CREATE INDEX audit_by_actor ON audit (tenant_id, actor_id, at, seq)
WHERE actor_id IS NOT NULL;

CREATE INDEX audit_by_event ON audit (tenant_id, event, at, seq);

CREATE INDEX audit_failures ON audit (tenant_id, at, seq)
WHERE success = 0;

-- How far a chain had come, once for each day: that of today moves on with the chain. `signature` is over
-- all of it; `purged` signs that the entries up to here may be gone.
CREATE TABLE audit_checkpoints (
    tenant_id BLOB    NOT NULL,
    day       INTEGER NOT NULL,
    chain_no  INTEGER NOT NULL,
    seal      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    signature BLOB    NOT NULL,
    purged    BLOB,
    PRIMARY KEY (tenant_id, day)
) STRICT, WITHOUT ROWID;

-- load_unsealed, seal: the end of the chain; load_checkpoints, list_checkpoints.
CREATE INDEX audit_checkpoints_by_place ON audit_checkpoints (tenant_id, chain_no);

-- load_purgeable.
CREATE INDEX audit_checkpoints_by_time ON audit_checkpoints (at);
