//! Between rows and domain values.
//!
//! Reading is by position: each noun has a list of columns, and a function that takes them in the
//! same order through [`Columns`]. What cannot be read as what it should be is an error, not a
//! default: a corrupt row is never believed.

use std::error::Error;
use std::net::IpAddr;

use domain::email::EmailAddress;
use domain::id::{
    ApiKeyId, DataKeyId, FamilyId, MailId, PasskeyId, PolicyId, RequestId, SessionId, TenantId,
    UserId,
};
use domain::page::{MAX_PER_PAGE, Page, PageRequest, PageStart};
use domain::scope::ScopeSet;
use domain::secret::SecretText;
use domain::session::{Family, Session};
use domain::time::UnixMillis;
use domain::user::{PasswordRecord, User, UserStatus};
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// The columns of a user, for a table called `u`; see [`user`].
macro_rules! user_columns {
    () => {
        "u.id, u.tenant_id, u.email, u.email_verified, u.name, u.status, u.locked_reason, u.roles, \
         u.password_compromised, u.password_by_mail, u.erase_at, u.created_at, \
         u.updated_at, u.version"
    };
}
/// The columns of a session, for a table called `s`; see [`session`]. Where it matters when the session was
/// last active, that is told by its families too, and is given as an expression; see [`last_active`].
macro_rules! session_columns {
    () => {
        $crate::sqlite::row::session_columns!("s.last_active_at")
    };
    ($last_active:expr) => {
        concat!(
            "s.id, s.tenant_id, s.user_id, s.auth_time, s.amr, s.acr, s.address, s.user_agent, \
             s.created_at, ",
            $last_active,
            " AS last_active, s.expires_at, s.proofs"
        )
    };
}
/// When a session `s` was last active: when the last token of one of its families was issued, or as its own
/// row says (a family that does not rotate has nothing else to tell it by). A rotation so writes one row.
macro_rules! last_active {
    () => {
        "max(s.last_active_at, coalesce((
        SELECT max(f.rotated_at)
        FROM refresh_families AS f
        WHERE f.tenant_id = s.tenant_id AND f.session_id = s.id
    ), 0))"
    };
}
/// The columns of a family, for a table called `f`; see [`family`].
macro_rules! family_columns {
    () => {
        "f.id, f.tenant_id, f.session_id, f.user_id, f.client_id, f.scope, f.generation, \
         f.rotated_at, f.reissued, f.idle_expires_at, f.expires_at, f.details"
    };
}
pub(super) use {family_columns, last_active, session_columns, user_columns};

/// An id as the 16 bytes that are stored.
pub(super) trait Id: Sized {
    /// Gives the bytes.
    fn blob(self) -> [u8; 16];
    /// Takes the bytes.
    fn from_blob(bytes: [u8; 16]) -> Self;
}

macro_rules! ids {
    ($($name:ty),+) => {$(
        impl Id for $name {
            fn blob(self) -> [u8; 16] {
                self.as_uuid().into_bytes()
            }

            fn from_blob(bytes: [u8; 16]) -> Self {
                Self::from_uuid(Uuid::from_bytes(bytes))
            }
        }
    )+};
}

ids!(
    ApiKeyId, DataKeyId, FamilyId, MailId, PasskeyId, PolicyId, RequestId, SessionId, TenantId,
    UserId
);

/// A row, read column by column from the left.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    /// Begins with the first column.
    pub(super) const fn of(row: &'a Row<'a>) -> Self {
        Self::from(row, 0)
    }

    /// Begins with the column after so many.
    pub(super) const fn from(row: &'a Row<'a>, next: usize) -> Self {
        Self { row, next }
    }

    /// Takes the next column.
    pub(super) fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// Takes the next column as an id.
    pub(super) fn id<T: Id>(&mut self) -> rusqlite::Result<T> {
        self.take().map(T::from_blob)
    }

    /// Takes the next column as an instant.
    pub(super) fn time(&mut self) -> rusqlite::Result<UnixMillis> {
        self.take().map(UnixMillis::from_millis)
    }

    /// Takes the next column as an instant that may be absent.
    pub(super) fn maybe_time(&mut self) -> rusqlite::Result<Option<UnixMillis>> {
        Ok(self.take::<Option<i64>>()?.map(UnixMillis::from_millis))
    }

    /// Takes the next column as JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        let text: String = self.take()?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(error))
    }

    /// Takes the next column as a word that `read` knows.
    pub(super) fn word<T>(&mut self, read: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
        let text: String = self.take()?;
        read(&text).ok_or_else(|| self.unreadable("an unknown word"))
    }

    /// Takes the next column as an address that may be absent.
    fn maybe_address(&mut self) -> rusqlite::Result<Option<IpAddr>> {
        let text: Option<String> = self.take()?;
        let parsed = text.map(|text| text.parse()).transpose();
        parsed.map_err(|error| self.unreadable(error))
    }

    /// Tells that the column just taken is not what it should be.
    fn unreadable(&self, error: impl Into<Box<dyn Error + Send + Sync>>) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(
            self.next.saturating_sub(1),
            Type::Text,
            error.into(),
        )
    }
}

/// Reads [`user_columns`].
pub(super) fn user(columns: &mut Columns<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: columns.id()?,
        tenant: columns.id()?,
        email: EmailAddress::from_stored(columns.take()?),
        email_verified: columns.take()?,
        name: columns.take()?,
        status: UserStatus::from_stored(&columns.take::<String>()?),
        locked_reason: columns.take()?,
        roles: columns.json()?,
        password_compromised: columns.take()?,
        password_by_mail: columns.take()?,
        erase_at: columns.maybe_time()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        version: columns.take()?,
    })
}

/// Reads the hash, the pepper and the instant of a password that may be absent.
pub(super) fn password(columns: &mut Columns<'_>) -> rusqlite::Result<Option<PasswordRecord>> {
    let (phc, pepper) = (
        columns.take::<Option<String>>()?,
        columns.take::<Option<String>>()?,
    );
    let set_at = columns.maybe_time()?;
    Ok(phc.map(|phc| PasswordRecord {
        phc: SecretText::new(phc),
        pepper: pepper.unwrap_or_default(),
        set_at: set_at.unwrap_or_default(),
    }))
}

/// Reads [`session_columns`].
pub(super) fn session(columns: &mut Columns<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: columns.id()?,
        tenant: columns.id()?,
        user: columns.id()?,
        auth_time: columns.time()?,
        amr: columns.json()?,
        acr: columns.take()?,
        address: columns.maybe_address()?,
        user_agent: columns.take()?,
        created_at: columns.time()?,
        last_active_at: columns.time()?,
        expires_at: columns.time()?,
        proofs: columns.json()?,
    })
}

/// Reads [`family_columns`].
pub(super) fn family(columns: &mut Columns<'_>) -> rusqlite::Result<Family> {
    Ok(Family {
        id: columns.id()?,
        tenant: columns.id()?,
        session: columns.id()?,
        user: columns.id()?,
        client: columns.take()?,
        scope: scope(&columns.take::<String>()?),
        generation: columns.take()?,
        rotated_at: columns.time()?,
        reissued: columns.take()?,
        idle_expires_at: columns.time()?,
        expires_at: columns.time()?,
        details: columns.json()?,
    })
}

/// Reads a scope that was checked before it was stored.
pub(super) fn scope(text: &str) -> ScopeSet {
    ScopeSet::from_stored(text.split_whitespace().map(str::to_owned).collect())
}

/// Writes a value as JSON text.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads a count, the only column of a row.
pub(super) fn count(row: &Row<'_>) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0))
}

/// Folds a text for comparing without case, as addresses are folded.
pub(super) fn fold(text: &str) -> String {
    EmailAddress::from_stored(text.to_owned()).key()
}

/// Which rows of a list, newest first, a page holds.
pub(super) struct Window {
    /// The last row of the page before; absent at the beginning.
    pub(super) before: Option<Uuid>,
    /// One more than the page holds, to learn whether more follow.
    pub(super) limit: u32,
    /// How many rows are skipped.
    pub(super) offset: i64,
}

impl Window {
    /// Reads a request; nonsense in it becomes the nearest sense.
    pub(super) fn of(request: PageRequest) -> Self {
        let per_page = request.per_page.clamp(1, MAX_PER_PAGE);
        let (before, offset) = match request.start {
            PageStart::After(id) => (Some(id), 0),
            PageStart::Number(number) => {
                let skipped = i64::from(number.saturating_sub(1)) * i64::from(per_page);
                (None, skipped)
            }
        };
        Self {
            before,
            limit: per_page + 1,
            offset,
        }
    }

    /// Makes the page of what was found with [`limit`](Self::limit).
    pub(super) fn page<T>(&self, mut items: Vec<T>, total: u64, id: fn(&T) -> Uuid) -> Page<T> {
        let held = usize::try_from(self.limit.saturating_sub(1)).unwrap_or(usize::MAX);
        let more = items.len() > held;
        items.truncate(held);
        let next = items.last().filter(|_| more).map(id);
        Page { items, total, next }
    }
}
