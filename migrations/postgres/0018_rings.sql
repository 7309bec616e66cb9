-- A ring of signing keys for each tenant.

-- What is there already is read past the border, which binds the owner of the tables too.
SELECT set_config('app.scope', 'system', true);

-- Until when a tenant's tokens may be signed, and its key set shown, by nodes of a release that knows one ring
-- for all tenants; 0: never. Such nodes may run beside this release for a day, and serve what tenants are made
-- meanwhile, so the default is that instant too. Where nothing was ever signed there are none.
DO $$
DECLARE
    shared_until bigint := 0;
BEGIN
    IF EXISTS (SELECT FROM signing_keys) THEN
        shared_until := (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 86400000;
    END IF;
    EXECUTE format('ALTER TABLE tenants ADD COLUMN keys_shared_until bigint NOT NULL DEFAULT %s', shared_until);
END
$$;

-- list_due_rings.
CREATE INDEX signing_keys_due ON signing_keys (activated_at, tenant_id) WHERE state = 'active';
