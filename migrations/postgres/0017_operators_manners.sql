-- What makes repeating a creation harmless, and lists of accounts fast by whatever they are narrowed by.

-- What is there already is read past the border, which binds the owner of the tables too.
SELECT set_config('app.scope', 'system', true);

-- An Idempotency-Key that was claimed for one request. made_at and subject are written with the audit
-- entry of what was made; answer is what was answered, sealed.
CREATE TABLE idempotency (
    tenant_id   uuid   NOT NULL,
    key         bytea  NOT NULL,
    fingerprint bytea  NOT NULL,
    request_id  uuid   NOT NULL,
    lease_until bigint NOT NULL,
    made_at     bigint,
    subject     text,
    answer      bytea,
    expires_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, key),
    -- The entry of a claimed request; keep_answer, release_key.
    CONSTRAINT idempotency_request UNIQUE (tenant_id, request_id)
);

-- purge.
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Writes what a claimed request made to its claim, in the transaction of the entry. Where the claim is
-- another request's by now, that one makes it, and this transaction fails.
CREATE FUNCTION note_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE idempotency
    SET made_at = coalesce(made_at, NEW.at),
        subject = coalesce(subject, NEW.fields ->> 'subject')
    WHERE tenant_id = NEW.tenant_id AND request_id = (NEW.fields ->> 'request_id')::uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the claim of an idempotency key was lost';
    END IF;
    NEW.fields := NEW.fields - 'claimed';
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_claimed BEFORE INSERT ON audit
FOR EACH ROW WHEN (NEW.fields ? 'claimed')
EXECUTE FUNCTION note_claimed();

-- Who has which role, for list_users: to look into jsonb is not leakproof, so row-level security is
-- judged before it and no index over it is used. The role that everybody has is left out: whoever asks
-- for it finds enough of it in any order.
CREATE TABLE user_roles (
    tenant_id uuid NOT NULL,
    role      text COLLATE "C" NOT NULL,
    user_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, role, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- Deleting a user, and changing their roles.
CREATE INDEX user_roles_user ON user_roles (tenant_id, user_id);

INSERT INTO user_roles (tenant_id, role, user_id)
SELECT DISTINCT u.tenant_id, r.role, u.id
FROM users AS u, jsonb_array_elements_text(u.roles) AS r (role)
WHERE r.role <> 'user';

CREATE FUNCTION keep_user_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM user_roles WHERE tenant_id = NEW.tenant_id AND user_id = NEW.id;
    END IF;
    INSERT INTO user_roles (tenant_id, role, user_id)
    SELECT DISTINCT NEW.tenant_id, r.role, NEW.id
    FROM jsonb_array_elements_text(NEW.roles) AS r (role)
    WHERE r.role <> 'user';
    RETURN NULL;
END
$$;

CREATE TRIGGER users_roles_given AFTER INSERT ON users
FOR EACH ROW WHEN (NEW.roles <> '["user"]')
EXECUTE FUNCTION keep_user_roles();

CREATE TRIGGER users_roles_changed AFTER UPDATE OF roles ON users
FOR EACH ROW WHEN (NEW.roles <> OLD.roles)
EXECUTE FUNCTION keep_user_roles();

-- Whether a second factor is bound: a confirmed app or a passkey.
ALTER TABLE users ADD COLUMN has_mfa boolean NOT NULL DEFAULT false;

UPDATE users AS u
SET has_mfa = true
WHERE EXISTS (
        SELECT FROM totps AS t
        WHERE t.tenant_id = u.tenant_id AND t.user_id = u.id AND t.confirmed_at IS NOT NULL
    )
    OR EXISTS (
        SELECT FROM passkeys AS p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id
    );

CREATE FUNCTION keep_has_mfa() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner record;
BEGIN
    IF TG_OP = 'DELETE' THEN owner := OLD; ELSE owner := NEW; END IF;
    UPDATE users AS u
    SET has_mfa = EXISTS (
            SELECT FROM totps AS t
            WHERE t.tenant_id = u.tenant_id AND t.user_id = u.id AND t.confirmed_at IS NOT NULL
        )
        OR EXISTS (
            SELECT FROM passkeys AS p WHERE p.tenant_id = u.tenant_id AND p.user_id = u.id
        )
    WHERE u.tenant_id = owner.tenant_id AND u.id = owner.user_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER totps_kept AFTER INSERT OR DELETE OR UPDATE OF confirmed_at ON totps
FOR EACH ROW EXECUTE FUNCTION keep_has_mfa();

CREATE TRIGGER passkeys_kept AFTER INSERT OR DELETE ON passkeys
FOR EACH ROW EXECUTE FUNCTION keep_has_mfa();

-- list_users, narrowed by each of these and newest first. Nearly every account is active, so those are
-- found in any order.
CREATE INDEX users_closed ON users (tenant_id, status, id) WHERE status <> 'active';
CREATE INDEX users_verification ON users (tenant_id, email_verified, id);
CREATE INDEX users_mfa ON users (tenant_id, has_mfa, id);

-- The border between tenants, a second time: the policies of the foundation.
DO $$
DECLARE
    place text;
    own   CONSTANT text := $q$nullif(current_setting('app.tenant', true), '')::uuid$q$;
    whole CONSTANT text := $q$current_setting('app.scope', true) = 'system'$q$;
BEGIN
    FOREACH place IN ARRAY ARRAY['idempotency', 'user_roles'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place);
        EXECUTE format('CREATE POLICY of_tenant ON %I USING (tenant_id = %s)', place, own);
        EXECUTE format('CREATE POLICY of_system ON %I USING (%s)', place, whole);
    END LOOP;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_service_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON idempotency, user_roles
        TO auth_service_app;
    END IF;
END
$$;
