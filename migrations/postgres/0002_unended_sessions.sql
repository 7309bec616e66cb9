-- begin_session: counts the sessions of a user that did not end. Rotations change neither column, so
-- they write nothing here.
CREATE INDEX sessions_unended ON sessions (tenant_id, user_id) WHERE ended_at IS NULL;
