-- Finding entries of the audit trail, and signed checkpoints of its chains.

-- Columns, for an index over an expression would not be used: to take a field out of jsonb is not
-- leakproof, so row-level security is judged before it.
ALTER TABLE audit
    ADD COLUMN event     text COLLATE "C" GENERATED ALWAYS AS (fields ->> 'event') STORED,
    ADD COLUMN subject   text COLLATE "C" GENERATED ALWAYS AS (fields ->> 'subject') STORED,
    ADD COLUMN client_id text COLLATE "C" GENERATED ALWAYS AS (fields ->> 'client_id') STORED,
    ADD COLUMN actor_id  text COLLATE "C" GENERATED ALWAYS AS (fields ->> 'actor_id') STORED,
    ADD COLUMN failed    boolean GENERATED ALWAYS AS (fields -> 'success' = 'false'::jsonb) STORED;

-- find_audit: newest first, each filter by an index of its own; the instant bounds all of them.
CREATE INDEX audit_time ON audit (tenant_id, at, seq);
CREATE INDEX audit_subject ON audit (tenant_id, subject, at, seq) WHERE subject IS NOT NULL;
CREATE INDEX audit_client ON audit (tenant_id, client_id, at, seq) WHERE client_id IS NOT NULL;
CREATE INDEX audit_actor ON audit (tenant_id, actor_id, at, seq) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_event ON audit (tenant_id, event, at, seq);
CREATE INDEX audit_failures ON audit (tenant_id, at, seq) WHERE failed;

-- How far a chain had come, once for each day: that of today moves on with the chain. signature is over all
-- of it; purged signs that the entries up to here may be gone.
CREATE TABLE audit_checkpoints (
    tenant_id uuid   NOT NULL,
    day       bigint NOT NULL,
    chain_no  bigint NOT NULL,
    seal      bytea  NOT NULL,
    at        bigint NOT NULL,
    signature bytea  NOT NULL,
    purged    bytea,
    PRIMARY KEY (tenant_id, day)
);

-- load_unsealed, seal: the end of the chain; load_checkpoints, list_checkpoints.
CREATE INDEX audit_checkpoints_place ON audit_checkpoints (tenant_id, chain_no);

-- load_purgeable.
CREATE INDEX audit_checkpoints_time ON audit_checkpoints (at);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    ALTER TABLE audit_checkpoints ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_checkpoints FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE POLICY of_tenant ON audit_checkpoints USING (tenant_id = %s)', own);
    EXECUTE format('CREATE POLICY of_system ON audit_checkpoints USING (%s)', whole);
END
$$;

-- The role that the service works as cannot delete entries. This deletes, for the tenant that it is in, what
-- a checkpoint says may be gone, oldest first. It names its tables by their schema: a temporary table of the
-- caller's must not stand in for them.
DO $outer$
BEGIN
    EXECUTE format($make$
        CREATE FUNCTION %1$I.purge_audit(upto bigint, most bigint) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            own  CONSTANT uuid := nullif(current_setting('app.tenant', true), '')::uuid;
            gone bigint;
        BEGIN
            IF NOT EXISTS (
                SELECT FROM %1$I.audit_checkpoints AS c
                WHERE c.tenant_id = own AND c.chain_no = upto AND c.purged IS NOT NULL
            ) THEN
                RETURN 0;
            END IF;
            DELETE FROM %1$I.audit AS a
            USING (
                SELECT tenant_id, seq
                FROM %1$I.audit
                WHERE tenant_id = own AND chain_no <= upto
                ORDER BY chain_no
                LIMIT most
            ) AS old
            WHERE a.tenant_id = old.tenant_id AND a.seq = old.seq;
            GET DIAGNOSTICS gone = ROW_COUNT;
            RETURN gone;
        END
        $body$
    $make$, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %I.purge_audit(bigint, bigint) FROM PUBLIC', current_schema());
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON audit_checkpoints TO auth_service_app;
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I.purge_audit(bigint, bigint) TO auth_service_app', current_schema());
    END IF;
END
$outer$;
