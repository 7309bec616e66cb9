-- load_changes: the revocations alone, in pages; a grant may end while its session goes on. Its
-- condition follows from that of older nodes too.
DROP INDEX changes_of_revocation;
CREATE INDEX changes_of_revocation ON changes (at, id)
WHERE kind IN ('access_revoked', 'session_ended', 'grant_ended');

-- register_client: counts those that described themselves; purge: finds those that nobody uses.
CREATE INDEX clients_self_registered ON clients (tenant_id, updated_at)
WHERE (metadata ->> 'is_self_registered') = 'true';

-- purge: whether anybody uses a client.
CREATE INDEX consents_client ON consents (tenant_id, client_id);
CREATE INDEX refresh_families_client ON refresh_families (tenant_id, client_id) WHERE ended_at IS NULL;
