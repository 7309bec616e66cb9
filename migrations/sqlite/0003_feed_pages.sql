-- load_changes: the revocations alone, in pages. Who starts reads them past all that is no revocation.
CREATE INDEX changes_of_revocation ON changes (at) WHERE kind IN ('access_revoked', 'session_ended');

-- revoke_access: a token is revoked once, however often somebody asks for it.
CREATE INDEX changes_of_token ON changes (tenant_id, about) WHERE kind = 'access_revoked';
