-- API keys: the client one belongs to, the key before its last rotation, how often it may be used, when
-- it was used last.

ALTER TABLE api_keys ADD COLUMN client_id TEXT;
ALTER TABLE api_keys ADD COLUMN former_signature BLOB;
ALTER TABLE api_keys ADD COLUMN former_until INTEGER;
ALTER TABLE api_keys ADD COLUMN rate_limit INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- load_api_key: the key before the last rotation.
CREATE UNIQUE INDEX api_keys_former ON api_keys (tenant_id, former_signature)
WHERE former_signature IS NOT NULL;

-- list_api_keys: of one client.
CREATE INDEX api_keys_client ON api_keys (tenant_id, client_id, id)
WHERE client_id IS NOT NULL;
