//! Lists of accounts, newest first.

use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::user::{User, UserFilter, UserStatus};
use rusqlite::{Connection, ToSql};
use uuid::Uuid;

use crate::sqlite::row::{self, Columns, Id, Window, user_columns};

/// Tenant, status, role: what every list is narrowed by.
macro_rules! narrowed {
    () => {
        "
FROM users AS u
WHERE u.tenant_id = ?1
    AND (?2 IS NULL OR u.status = ?2)
    AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(u.roles) WHERE value = ?3))"
    };
}

/// The accounts whose address or name begins with a text, each way by its index. `?4` is the text,
/// `?5` the text and the last of all code points: nothing that begins with the text lies beyond.
macro_rules! searched {
    () => {
        "
    AND u.id IN (
        SELECT id
        FROM users
        WHERE tenant_id = ?1 AND email_key >= ?4 AND email_key <= ?5
        UNION
        SELECT id
        FROM users
        WHERE tenant_id = ?1 AND name_key >= ?4 AND name_key <= ?5
    )"
    };
}

/// No text is searched for; the numbers of the parameters stay the same.
macro_rules! unsearched {
    () => {
        "
    AND ?4 IS NULL AND ?5 IS NULL"
    };
}

macro_rules! list {
    ($search:ident) => {
        concat!(
            "SELECT ",
            user_columns!(),
            narrowed!(),
            $search!(),
            "
    AND u.id < ?6
ORDER BY u.id DESC
LIMIT ?7
OFFSET ?8"
        )
    };
}

macro_rules! count {
    ($search:ident) => {
        concat!("SELECT COUNT(*)", narrowed!(), $search!())
    };
}

pub(in crate::sqlite) const SEARCH: &str = list!(searched);
const SEARCH_COUNT: &str = count!(searched);
const LIST: &str = list!(unsearched);
const LIST_COUNT: &str = count!(unsearched);

/// Lists a page.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &UserFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<User>> {
    let window = Window::of(page);
    let tenant = tenant.blob();
    let status = filter.status.map(UserStatus::as_str);
    let first = filter.search.as_deref().map(row::fold);
    let last = first.as_ref().map(|text| format!("{text}\u{10ffff}"));
    let before = window.before.unwrap_or(Uuid::max()).into_bytes();
    let narrowed: [&dyn ToSql; 5] = [&tenant, &status, &filter.role, &first, &last];
    let paged: [&dyn ToSql; 3] = [&before, &window.limit, &window.offset];
    let (select, count) = match first {
        Some(_) => (SEARCH, SEARCH_COUNT),
        None => (LIST, LIST_COUNT),
    };

    let snapshot = connection.unchecked_transaction()?;
    let total = snapshot
        .prepare_cached(count)?
        .query_row(&narrowed[..], row::count)?;
    let bounds = [&narrowed[..], &paged[..]].concat();
    let mut statement = snapshot.prepare_cached(select)?;
    let rows = statement.query_map(&bounds[..], |row| row::user(&mut Columns::of(row)))?;
    let users = rows.collect::<rusqlite::Result<Vec<User>>>()?;
    Ok(window.page(users, total, |user| user.id.as_uuid()))
}
