//! Between rows and the domain: how each noun is read from the columns of a statement.
//!
//! Columns are named with the table's letter in front (`u_id`, `s_id`), so that a statement may join
//! tables whose columns have the same names. The lists of columns are macros because a statement's
//! text is put together at compile time: prepared statements are cached by it.

use std::net::IpAddr;

use domain::email::EmailAddress;
use domain::event::Entry;
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::page::{Page, PageRequest, PageStart};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::{Credentials, PasswordRecord, User, UserStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

/// The columns of a user `u`.
macro_rules! user_columns {
    () => {
        "u.tenant_id AS u_tenant, u.id AS u_id, u.email AS u_email, \
         u.email_verified AS u_email_verified, u.name AS u_name, u.status AS u_status, \
         u.locked_reason AS u_locked_reason, u.roles AS u_roles, \
         u.password_compromised AS u_password_compromised, \
         u.password_by_mail AS u_password_by_mail, \
         u.erase_at AS u_erase_at, u.created_at AS u_created_at, \
         u.updated_at AS u_updated_at, u.version AS u_version"
    };
}
/// The columns of a session `s`. Where it matters when the session was last active, that is told by its
/// families too, and is given as an expression; see [`last_active`].
macro_rules! session_columns {
    () => {
        $crate::postgres::row::session_columns!("s.last_active_at")
    };
    ($last_active:expr) => {
        concat!(
            "s.tenant_id AS s_tenant, s.id AS s_id, s.user_id AS s_user, \
             s.auth_time AS s_auth_time, s.amr AS s_amr, s.acr AS s_acr, s.address AS s_address, \
             s.user_agent AS s_user_agent, s.created_at AS s_created_at, ",
            $last_active,
            " AS s_last_active_at, s.expires_at AS s_expires_at, s.proofs AS s_proofs"
        )
    };
}
/// When a session `s` was last active: when the last token of one of its families was issued, or as its own
/// row says (a family that does not rotate has nothing else to tell it by). A rotation so writes one row.
macro_rules! last_active {
    () => {
        "greatest(s.last_active_at, (
            SELECT max(f.rotated_at)
            FROM refresh_families AS f
            WHERE f.tenant_id = s.tenant_id AND f.session_id = s.id
        ))"
    };
}
/// The columns of a refresh family `f`.
macro_rules! family_columns {
    () => {
        "f.tenant_id AS f_tenant, f.id AS f_id, f.session_id AS f_session, f.user_id AS f_user, \
         f.client_id AS f_client, f.scope AS f_scope, f.generation AS f_generation, \
         f.rotated_at AS f_rotated_at, f.reissued AS f_reissued, \
         f.idle_expires_at AS f_idle_expires_at, f.expires_at AS f_expires_at, \
         f.ended_at AS f_ended_at, f.ended_reason AS f_ended_reason, f.details AS f_details"
    };
}
pub(super) use {family_columns, last_active, session_columns, user_columns};

/// Reads a column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, Fault> {
    row.try_get(column)
        .map_err(|error| Fault::Broken(format!("column {column}: {error}")))
}

/// Reads a column by its place.
pub(super) fn get_at<'a, T: FromSql<'a>>(row: &'a Row, place: usize) -> Result<T, Fault> {
    row.try_get(place)
        .map_err(|error| Fault::Broken(format!("column {place}: {error}")))
}

/// Reads an instant.
pub(super) fn instant(row: &Row, column: &str) -> Result<UnixMillis, Fault> {
    get(row, column).map(UnixMillis::from_millis)
}

/// Reads an instant that may be absent.
pub(super) fn maybe_instant(row: &Row, column: &str) -> Result<Option<UnixMillis>, Fault> {
    Ok(get::<Option<i64>>(row, column)?.map(UnixMillis::from_millis))
}

/// Reads a count or a number that is never negative.
pub(super) fn number<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<T, Fault> {
    T::try_from(get(row, column)?)
        .map_err(|_| Fault::Broken(format!("column {column} is out of range")))
}

/// Reads 32 bytes: a signature, a seal.
pub(super) fn bytes32(row: &Row, column: &str) -> Result<[u8; 32], Fault> {
    <[u8; 32]>::try_from(get::<&[u8]>(row, column)?)
        .map_err(|_| Fault::Broken(format!("column {column} is not 32 bytes")))
}

/// Reads a noun that is kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    serde_json::from_value(get(row, column)?)
        .map_err(|error| Fault::Broken(format!("column {column}: {error}")))
}

/// Writes a noun that is kept as JSON.
pub(super) fn to_json(noun: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(noun)
        .map_err(|error| Fault::Broken(format!("a value cannot be stored as JSON: {error}")))
}

/// Reads the tenant, the first column of most tables.
pub(super) fn tenant(row: &Row, column: &str) -> Result<TenantId, Fault> {
    get(row, column).map(TenantId::from_uuid)
}

/// Reads ids of sessions.
pub(super) fn session_ids(rows: &[Row]) -> Result<Vec<SessionId>, Fault> {
    rows.iter()
        .map(|row| get(row, "id").map(SessionId::from_uuid))
        .collect()
}

/// Reads [`user_columns`].
pub(super) fn user(row: &Row) -> Result<User, Fault> {
    Ok(User {
        id: UserId::from_uuid(get(row, "u_id")?),
        tenant: tenant(row, "u_tenant")?,
        email: EmailAddress::from_stored(get(row, "u_email")?),
        email_verified: get(row, "u_email_verified")?,
        name: get(row, "u_name")?,
        status: UserStatus::from_stored(get(row, "u_status")?),
        locked_reason: get(row, "u_locked_reason")?,
        roles: json(row, "u_roles")?,
        password_compromised: get(row, "u_password_compromised")?,
        password_by_mail: get(row, "u_password_by_mail")?,
        erase_at: maybe_instant(row, "u_erase_at")?,
        created_at: instant(row, "u_created_at")?,
        updated_at: instant(row, "u_updated_at")?,
        version: get(row, "u_version")?,
    })
}

/// Reads [`user_columns`] and the password beside them.
pub(super) fn credentials(row: &Row) -> Result<Credentials, Fault> {
    let phc: Option<String> = get(row, "password_phc")?;
    let password = match phc {
        None => None,
        Some(phc) => Some(PasswordRecord {
            phc: SecretText::new(phc),
            pepper: get(row, "password_pepper")?,
            set_at: instant(row, "password_set_at")?,
        }),
    };
    Ok(Credentials {
        user: user(row)?,
        password,
    })
}

/// Reads [`session_columns`].
pub(super) fn session(row: &Row) -> Result<Session, Fault> {
    let address: Option<&str> = get(row, "s_address")?;
    Ok(Session {
        id: SessionId::from_uuid(get(row, "s_id")?),
        tenant: tenant(row, "s_tenant")?,
        user: UserId::from_uuid(get(row, "s_user")?),
        auth_time: instant(row, "s_auth_time")?,
        amr: get(row, "s_amr")?,
        acr: get(row, "s_acr")?,
        address: address.and_then(|text| text.parse().ok()),
        user_agent: get(row, "s_user_agent")?,
        created_at: instant(row, "s_created_at")?,
        last_active_at: instant(row, "s_last_active_at")?,
        expires_at: instant(row, "s_expires_at")?,
        proofs: json(row, "s_proofs")?,
    })
}

/// Reads [`family_columns`].
pub(super) fn family(row: &Row) -> Result<Family, Fault> {
    Ok(Family {
        id: FamilyId::from_uuid(get(row, "f_id")?),
        tenant: tenant(row, "f_tenant")?,
        session: SessionId::from_uuid(get(row, "f_session")?),
        user: UserId::from_uuid(get(row, "f_user")?),
        client: get(row, "f_client")?,
        scope: ScopeSet::from_stored(get(row, "f_scope")?),
        details: json(row, "f_details")?,
        generation: number(row, "f_generation")?,
        rotated_at: instant(row, "f_rotated_at")?,
        reissued: get(row, "f_reissued")?,
        idle_expires_at: instant(row, "f_idle_expires_at")?,
        expires_at: instant(row, "f_expires_at")?,
    })
}

/// Writes scopes as the array that is stored.
pub(super) fn scopes(set: &ScopeSet) -> Vec<&str> {
    set.iter().collect()
}

/// Writes an address as the text that is stored.
pub(super) fn address(address: Option<IpAddr>) -> Option<String> {
    address.map(|address| address.to_string())
}

/// Says whether PostgreSQL can hold the text at all: it keeps every character but NUL. Nothing that
/// holds one was ever stored, so a look-up by such a text finds nothing.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// An audit entry as the three parameters that every writing statement begins with:
/// `$1` the tenant, `$2` the instant, `$3` the fields.
pub(super) struct Line {
    pub(super) tenant: Uuid,
    pub(super) at: i64,
    pub(super) fields: Value,
}

impl Line {
    /// Writes an entry.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            tenant: entry.origin.tenant.as_uuid(),
            at: entry.origin.at.as_millis(),
            fields: super::audit::fields(entry),
        }
    }
}

/// Where a page begins, as parameters.
pub(super) struct Window {
    /// The id after which it begins.
    pub(super) after: Option<Uuid>,
    /// How many entries it leaves out.
    pub(super) skip: i64,
    /// One more than it may hold, to see whether more follow.
    pub(super) take: i64,
}

impl Window {
    /// Reads a request.
    pub(super) fn of(page: PageRequest) -> Self {
        let per_page = i64::from(page.per_page);
        let (after, skip) = match page.start {
            PageStart::Number(number) => (
                None,
                i64::from(number.saturating_sub(1)).saturating_mul(per_page),
            ),
            PageStart::After(id) => (Some(id), 0),
        };
        Self {
            after,
            skip,
            take: per_page + 1,
        }
    }

    /// Makes the page out of what was taken. `name` gives an entry's cursor.
    pub(super) fn page<T>(
        &self,
        mut items: Vec<T>,
        total: u64,
        name: impl Fn(&T) -> Option<Uuid>,
    ) -> Page<T> {
        let limit = usize::try_from(self.take - 1).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).and_then(name);
        Page { items, total, next }
    }
}
