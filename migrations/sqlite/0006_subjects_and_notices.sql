-- What pairwise subjects are made with, and clients that are to be told of ended sessions.

-- A tenant's salt (OpenID Connect Core §8.1), drawn once and never replaced: clients keep the subjects
-- that were made with it.
CREATE TABLE pairwise_salts (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    salt      BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A client that is to be told that a session ended (OpenID Connect Back-Channel Logout §2.5), until it
-- was told or is given up. A claim moves `due_at` to the end of its lease. It stands without the
-- session and the account, which may be gone by then.
CREATE TABLE logout_notices (
    tenant_id  BLOB    NOT NULL,
    session_id BLOB    NOT NULL,
    client_id  TEXT    NOT NULL,
    user_id    BLOB    NOT NULL,
    sector     TEXT,
    status     TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_error TEXT,
    PRIMARY KEY (tenant_id, session_id, client_id)
) STRICT;

-- claim_notices, count_waiting.
CREATE INDEX logout_notices_due ON logout_notices (due_at)
WHERE status = 'waiting';
