-- When a deleted tenant is erased with everything that belongs to it; NULL: not at all, 0: it has begun.
ALTER TABLE tenants ADD COLUMN erase_at INTEGER;

-- erase_tenant.
CREATE INDEX tenants_by_erasure ON tenants (erase_at) WHERE erase_at IS NOT NULL;
