//! Accounts and their passwords on PostgreSQL.
//!
//! [`patch`] changes and deletes accounts, [`passwords`] changes passwords, [`list`] lists, [`found`] finds by a text,
//! [`wanted`] reads for several callers at once.

use domain::email::EmailAddress;
use domain::event::Entry;
use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User, UserFilter, UserPatch};

use super::pool::{Values, within};
use super::row::{self, Line, user_columns};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::sessions::EndedSessions;
use crate::port::users::{NewUser, PasswordChange, Registration, UserWrite, Users};

mod found;
mod list;
mod passwords;
mod patch;
mod wanted;

#[cfg(feature = "contract")]
pub use found::SEARCHES_OF_USERS;
#[cfg(feature = "contract")]
pub use list::LISTS_OF_USERS;
pub(super) use wanted::Wanted;

/// Nothing is written when the address is taken. The token and the mail are optional.
const REGISTER_USER: &str = "
    WITH fresh AS (
        INSERT INTO users (
            tenant_id, id, email, email_key, email_verified, name, name_key, status, locked_reason,
            roles, created_at, updated_at, version, password_phc, password_pepper, password_set_at
        )
        VALUES ($1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        ON CONFLICT (tenant_id, email_key) DO NOTHING
        RETURNING id
    ), token AS (
        INSERT INTO one_time (tenant_id, user_id, purpose, signature, created_at, expires_at)
        SELECT $1, fresh.id, $19, $20, $21, $22
        FROM fresh
        WHERE $20::bytea IS NOT NULL
    ), mail AS (
        INSERT INTO outbox (tenant_id, id, sealed, attempts, created_at, due_at)
        SELECT $1, $23, $24, $25, $26, $26
        FROM fresh
        WHERE $23::uuid IS NOT NULL
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM fresh
    )
    SELECT id FROM fresh";

const LOAD_CREDENTIALS: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_phc, u.password_pepper, u.password_set_at
    FROM users AS u
    WHERE u.tenant_id = $1 AND u.email_key = $2"
);

const LOAD_PASSWORD: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", u.password_phc, u.password_pepper, u.password_set_at
    FROM users AS u
    WHERE u.tenant_id = $1 AND u.id = $2"
);

/// Folds a text for comparing without case, the way the domain folds addresses.
fn folded(text: &str) -> String {
    EmailAddress::from_stored(text.to_owned()).key()
}

impl Postgres {
    async fn register(&self, new: NewUser) -> Result<Registration, Fault> {
        let line = Line::of(&new.entry);
        let user = &new.user;
        let id = user.id.as_uuid();
        let roles = row::to_json(&user.roles)?;
        let password = new.password.as_ref();
        let (token, mail) = new.verification.as_ref().map(|(t, m)| (t, m)).unzip();
        let signature = token.map(|token| token.signature.as_slice());
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &id,
            &user.email.as_str(),
            &user.email.key(),
            &user.email_verified,
            &user.name,
            &folded(&user.name),
            &user.status.as_str(),
            &user.locked_reason,
            &roles,
            &user.created_at.as_millis(),
            &user.updated_at.as_millis(),
            &user.version,
            &password.map(|p| p.phc.expose()),
            &password.map(|p| p.pepper.as_str()),
            &password.map(|p| p.set_at.as_millis()),
            &token.map(|t| t.purpose.as_str()),
            &signature,
            &token.map(|t| t.created_at.as_millis()),
            &token.map(|t| t.expires_at.as_millis()),
            &mail.map(|m| m.id.as_uuid()),
            &mail.map(|m| m.sealed.as_slice()),
            &mail.map(|m| i64::from(m.attempts)),
            &mail.map(|m| m.created_at.as_millis()),
        ];
        let scope = Scope::Tenant(user.tenant);
        let fresh = self.pool().run(scope, REGISTER_USER, values).await?;
        Ok(match fresh.first() {
            Some(_) => Registration::Created,
            None => Registration::EmailTaken,
        })
    }
}

impl Users for Postgres {
    fn register_user(&self, new: NewUser) -> Pending<'_, Registration> {
        Box::pin(self.register(new))
    }

    fn load_user(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<User>> {
        Box::pin(self.user(tenant, user))
    }

    fn load_credentials(
        &self,
        tenant: TenantId,
        email: EmailAddress,
    ) -> Pending<'_, Option<Credentials>> {
        Box::pin(async move {
            let (key, email) = (tenant.as_uuid(), email.key());
            if !row::is_storable(&email) {
                return Ok(None);
            }
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LOAD_CREDENTIALS, &[&key, &email])
                .await?;
            rows.first().map(row::credentials).transpose()
        })
    }

    fn load_password(&self, tenant: TenantId, user: UserId) -> Pending<'_, Option<Credentials>> {
        Box::pin(async move {
            let (key, id) = (tenant.as_uuid(), user.as_uuid());
            let rows = self
                .pool()
                .run(Scope::Tenant(tenant), LOAD_PASSWORD, &[&key, &id])
                .await?;
            rows.first().map(row::credentials).transpose()
        })
    }

    fn list_users(
        &self,
        tenant: TenantId,
        filter: UserFilter,
        page: PageRequest,
    ) -> Pending<'_, Page<User>> {
        Box::pin(self.page_of_users(tenant, filter, page))
    }

    fn update_user(
        &self,
        user: UserId,
        patch: UserPatch,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, UserWrite> {
        Box::pin(within(self.patch_user(user, patch, remember_until, entry)))
    }

    fn delete_user(
        &self,
        user: UserId,
        expected: Option<i64>,
        remember_until: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, Option<EndedSessions>> {
        Box::pin(self.remove_user(user, expected, remember_until, entry))
    }

    fn change_password(&self, change: PasswordChange) -> Pending<'_, Option<EndedSessions>> {
        Box::pin(self.set_password(change))
    }

    fn rehash_password(
        &self,
        user: UserId,
        old_phc: String,
        password: PasswordRecord,
        entry: Entry,
    ) -> Pending<'_, bool> {
        Box::pin(self.rehash(user, old_phc, password, entry))
    }
}
