-- When a deleted tenant is erased with everything that belongs to it; NULL: not at all, 0: it has begun.
ALTER TABLE tenants ADD COLUMN erase_at bigint;

-- erase_tenant.
CREATE INDEX tenants_erasure ON tenants (erase_at) WHERE erase_at IS NOT NULL;

-- The role that the service works as takes nothing out of the audit trail, and keeps it so. A tenant's
-- trail goes with the tenant all the same, by this function alone and only where the erasure has begun.
-- Its names are written out: a table of the same name in a temporary schema must not stand for ours.
DO $$
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION %1$I.erase_audit(erased uuid, most bigint) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
            WITH gone AS (
                DELETE FROM %1$I.audit
                WHERE ctid = ANY (ARRAY(
                    SELECT a.ctid
                    FROM %1$I.audit AS a
                    WHERE a.tenant_id = erased
                      AND EXISTS (
                          SELECT FROM %1$I.tenants AS t
                          WHERE t.id = erased AND t.status = 'deleted' AND t.erase_at = 0
                      )
                    LIMIT most
                ))
                RETURNING 1
            )
            SELECT count(*) FROM gone
        $body$
    $f$, current_schema());
    REVOKE ALL ON FUNCTION erase_audit(uuid, bigint) FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT EXECUTE ON FUNCTION erase_audit(uuid, bigint) TO auth_service_app;
    END IF;
END
$$;
