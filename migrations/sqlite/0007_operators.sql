-- load_changes: the revocations alone, in pages; a grant may end while its session goes on.
DROP INDEX changes_of_revocation;
CREATE INDEX changes_of_revocation ON changes (at)
WHERE kind IN ('access_revoked', 'session_ended', 'grant_ended');

-- register_client: counts those that described themselves; purge: finds those that nobody uses.
CREATE INDEX clients_self_registered ON clients (tenant_id, updated_at)
WHERE json_extract(metadata, '$.is_self_registered') = 1;

-- purge: whether anybody uses a client.
CREATE INDEX consents_by_client ON consents (tenant_id, client_id);
CREATE INDEX families_by_client ON refresh_families (tenant_id, client_id) WHERE ended_at IS NULL;
