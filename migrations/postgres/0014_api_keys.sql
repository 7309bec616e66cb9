-- API keys: the client one belongs to, the key before its last rotation, how often it may be used, when
-- it was used last. The table's policies and grants are the foundation's.

ALTER TABLE api_keys
    ADD COLUMN client_id        text COLLATE "C",
    ADD COLUMN former_signature bytea,
    ADD COLUMN former_until     bigint,
    ADD COLUMN rate_limit       bigint,
    ADD COLUMN last_used_at     bigint,
    ADD COLUMN version          bigint NOT NULL DEFAULT 1;

-- load_api_key: the key before the last rotation.
CREATE UNIQUE INDEX api_keys_former ON api_keys (tenant_id, former_signature)
WHERE former_signature IS NOT NULL;

-- list_api_keys: of one client.
CREATE INDEX api_keys_client ON api_keys (tenant_id, client_id, id)
WHERE client_id IS NOT NULL;
