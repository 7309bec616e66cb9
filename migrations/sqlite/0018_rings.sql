-- A ring of signing keys for each tenant.

-- Until when a tenant's tokens may have been signed, and its key set shown, by a release that knows one ring
-- for all tenants; 0: never. On this store no other node runs while it is migrated.
ALTER TABLE tenants ADD COLUMN keys_shared_until INTEGER NOT NULL DEFAULT 0;

UPDATE tenants
SET keys_shared_until = CAST(strftime('%s', 'now') AS INTEGER) * 1000
WHERE EXISTS (SELECT 1 FROM signing_keys);

-- list_due_rings.
CREATE INDEX signing_keys_due ON signing_keys (activated_at, tenant_id)
WHERE state = 'active';
