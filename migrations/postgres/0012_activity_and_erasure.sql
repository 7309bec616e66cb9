-- What a person is told of their own account, and when an account that its owner deleted is erased.

-- To whom an entry is told: its subject, except of what happens by itself all the time. A column, for
-- an index over an expression would not be used: to take a field out of jsonb is not leakproof, so
-- row-level security is judged before it.
ALTER TABLE audit ADD COLUMN told_to text COLLATE "C" GENERATED ALWAYS AS (
    CASE
        WHEN fields ->> 'event' IN ('token.issued', 'token.refreshed', 'password.rehashed', 'factor.begun')
            THEN NULL
        ELSE fields ->> 'subject'
    END
) STORED;

-- list_activity.
CREATE INDEX audit_told ON audit (tenant_id, told_to, seq) WHERE told_to IS NOT NULL;

-- When an account that its owner deleted is erased; NULL: not at all.
ALTER TABLE users ADD COLUMN erase_at bigint;

-- purge.
CREATE INDEX users_erasure ON users (erase_at) WHERE erase_at IS NOT NULL;
