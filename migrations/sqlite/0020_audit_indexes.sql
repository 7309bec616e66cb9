-- Fewer indexes that every entry of the audit trail is written to.

-- find_audit by who did it: where that is the client it was done through, as with most tokens, the index by
-- client finds it.
CREATE INDEX audit_by_other_actor ON audit (tenant_id, actor_id, at, seq)
WHERE actor_id IS NOT NULL AND actor_id IS NOT client_id;

DROP INDEX audit_by_actor;

-- Served list_audit alone, which no page is made of.
DROP INDEX audit_by_tenant;
