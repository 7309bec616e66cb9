//! Accounts that a text finds, where it finds many and nothing else narrows the list.
//!
//! Newest first, most pages are full after a few rows, so that is tried first, and not for long: the accounts
//! may all be old ones. Then each of the two indexes gives the newest of its range, and the page is taken of both.

use domain::id::TenantId;
use domain::page::Page;
use domain::user::{COUNTED_USERS, User};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::row::{self, Columns, Id, Window, user_columns};

/// How many accounts are looked at before the indexes are asked, at least: a text that one account in two
/// hundred begins with fills a page of them, and of another the indexes hold few.
const NEAR: u32 = 5_000;
/// How many of them for each that the page leaves out or holds.
const NEAR_EACH: i64 = 20;

/// Before every id.
const LAST: [u8; 16] = [0xFF; 16];

/// The oldest account that is looked at.
pub(in crate::sqlite) const FLOOR: &str = "SELECT id
FROM users
WHERE tenant_id = ?1 AND id < ?2
ORDER BY id DESC
LIMIT 1
OFFSET ?3";

/// The pluses keep the order of the list: what has one is a condition and no way to find rows.
pub(in crate::sqlite) const AMONG_THE_NEWEST: &str = concat!(
    "SELECT ",
    user_columns!(),
    "
FROM users AS u
WHERE u.tenant_id = ?1
    AND u.id < ?2
    AND u.id >= ?3
    AND ((+u.email_key >= ?4 AND +u.email_key <= ?5) OR (+u.name_key >= ?4 AND +u.name_key <= ?5))
ORDER BY u.id DESC
LIMIT ?6
OFFSET ?7"
);

/// Of each index as many as the page needs if the other gives none.
pub(in crate::sqlite) const AMONG_ALL: &str = concat!(
    "SELECT ",
    user_columns!(),
    "
FROM users AS u
WHERE u.tenant_id = ?1
    AND u.id IN (
        SELECT id
        FROM (
            SELECT id
            FROM users
            WHERE tenant_id = ?1 AND email_key >= ?3 AND email_key <= ?4 AND +id < ?2
            ORDER BY +id DESC
            LIMIT ?5 + ?6
        )
        UNION
        SELECT id
        FROM (
            SELECT id
            FROM users
            WHERE tenant_id = ?1 AND name_key >= ?3 AND name_key <= ?4 AND +id < ?2
            ORDER BY +id DESC
            LIMIT ?5 + ?6
        )
    )
ORDER BY u.id DESC
LIMIT ?5
OFFSET ?6"
);

/// Gives how many of the newest are looked at for a page.
pub(super) fn near(window: &Window) -> u32 {
    let wanted = window.offset.saturating_add(window.limit.into());
    let near = wanted.saturating_mul(NEAR_EACH);
    u32::try_from(near).unwrap_or(u32::MAX).max(NEAR)
}

/// Lists a page of the accounts of a tenant whose address or name begins with a text, after a look at
/// the `near` newest.
pub(in crate::sqlite) fn list(
    snapshot: &Connection,
    (tenant, search): (TenantId, &str),
    window: &Window,
    near: u32,
) -> rusqlite::Result<Page<User>> {
    let first = row::fold(search);
    let last = format!("{first}\u{10ffff}");
    let tenant = tenant.blob();
    let before = window.before.map_or(LAST, uuid::Uuid::into_bytes);
    let (limit, offset) = (window.limit, window.offset);
    let read = |row: &rusqlite::Row<'_>| row::user(&mut Columns::of(row));
    // More than are counted.
    let page = |users| {
        window.page(users, u64::from(COUNTED_USERS) + 1, |user: &User| {
            user.id.as_uuid()
        })
    };

    let floor = snapshot
        .prepare_cached(FLOOR)?
        .query_row(params![tenant, before, near], |row| row.get(0))
        .optional()?;
    let is_all = floor.is_none();
    let floor: [u8; 16] = floor.unwrap_or_default();
    let values = params![tenant, before, floor, first, last, limit, offset];
    let mut statement = snapshot.prepare_cached(AMONG_THE_NEWEST)?;
    let found = statement.query_map(values, read)?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count >= limit);
    if is_all || is_full {
        return Ok(page(found));
    }
    let values = params![tenant, before, first, last, limit, offset];
    let mut statement = snapshot.prepare_cached(AMONG_ALL)?;
    let found = statement.query_map(values, read)?;
    Ok(page(found.collect::<rusqlite::Result<Vec<_>>>()?))
}
