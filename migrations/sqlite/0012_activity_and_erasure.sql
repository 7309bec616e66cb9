-- What a person is told of their own account, and when an account that its owner deleted is erased.

-- To whom an entry is told: its subject, except of what happens by itself all the time.
ALTER TABLE audit ADD COLUMN told_to TEXT GENERATED ALWAYS AS (
    CASE
        WHEN event IN ('token.issued', 'token.refreshed', 'password.rehashed', 'factor.begun') THEN NULL
        ELSE subject
    END
) VIRTUAL;

-- list_activity.
CREATE INDEX audit_told ON audit (tenant_id, told_to, seq)
WHERE told_to IS NOT NULL;

-- When an account that its owner deleted is erased; NULL: not at all.
ALTER TABLE users ADD COLUMN erase_at INTEGER;

-- purge.
CREATE INDEX users_by_erasure ON users (erase_at)
WHERE erase_at IS NOT NULL;
