//! Lists of accounts.
//!
//! The text of a list is put together of what it is narrowed by, so that each has its index: a condition
//! that may be absent at run time is one that no index serves. A text that is searched for finds few
//! accounts or many. Few are looked up by their addresses and names, and sorted; where there are many, the
//! list is walked in its own order and is full soon. Nothing is counted further than to
//! [`COUNTED_USERS`].

use std::fmt::Write;

use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::user::{COUNTED_USERS, ROLE_USER, User, UserFilter, UserSort, UserStatus};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::many;
use crate::sqlite::row::{self, Columns, Id, Window, user_columns};

/// How many accounts a text finds in addresses, and how many in names: each by its index, and counted no
/// further than it matters.
pub(in crate::sqlite) const FOUND: &str = "SELECT
    (SELECT COUNT(*) FROM (
        SELECT 1 FROM users WHERE tenant_id = ?1 AND email_key >= ?2 AND email_key <= ?3 LIMIT ?4
    )),
    (SELECT COUNT(*) FROM (
        SELECT 1 FROM users WHERE tenant_id = ?1 AND name_key >= ?2 AND name_key <= ?3 LIMIT ?4
    ))";

/// The text of a list and of its count, and the values that both take first.
pub(in crate::sqlite) struct Narrowed {
    from: String,
    /// The account's id, in the index that leads to it.
    id: &'static str,
    is_by_email: bool,
    values: Vec<Value>,
}

// === impl Narrowed ===

impl Narrowed {
    /// Narrows a list; `are_many` says that its text finds many accounts.
    pub(in crate::sqlite) fn by(tenant: TenantId, filter: &UserFilter, are_many: bool) -> Self {
        let role = filter.role.as_deref().filter(|role| *role != ROLE_USER);
        let (from, id) = match role {
            // In this order: whoever has the role, newest first, and then their account.
            Some(_) => (
                "FROM user_roles AS r
CROSS JOIN users AS u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
WHERE r.tenant_id = ?",
                "r.user_id",
            ),
            None => ("FROM users AS u\nWHERE u.tenant_id = ?", "u.id"),
        };
        let mut narrowed = Self {
            from: from.to_owned(),
            id,
            is_by_email: matches!(filter.sort, UserSort::Email(_)),
            values: vec![Value::Blob(tenant.blob().to_vec())],
        };
        narrowed.add_plain(filter, role);
        if let Some(search) = &filter.search {
            narrowed.add_search(tenant, search, are_many);
        }
        narrowed
    }

    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        // Writing to a text does not fail.
        let _ = write!(self.from, "\n    AND {condition}");
        self.values.extend(values);
    }

    fn add_plain(&mut self, filter: &UserFilter, role: Option<&str>) {
        let text = |text: &str| Value::Text(text.to_owned());
        match (role, &filter.role) {
            (Some(role), _) => self.and("r.role = ?", [text(role)]),
            (None, Some(everybodys)) => self.and(
                "EXISTS (SELECT 1 FROM json_each(u.roles) WHERE value = ?)",
                [text(everybodys)],
            ),
            (None, None) => {}
        }
        if let Some(status) = filter.status {
            // One of our own words, written out: an index holds those that are not active.
            self.and(&format!("u.status = '{}'", status.as_str()), []);
            if status != UserStatus::Active {
                // Word for word what the index holds: nothing else is found to follow from the above.
                self.and("u.status <> 'active'", []);
            }
        }
        if let Some(is_verified) = filter.is_email_verified {
            self.and("u.email_verified = ?", [Value::Integer(is_verified.into())]);
        }
        if let Some(has_mfa) = filter.has_mfa {
            self.and("u.has_mfa = ?", [Value::Integer(has_mfa.into())]);
        }
        let named = self.id;
        let id = |instant| Value::Blob(UserId::first_at(instant).into_bytes().to_vec());
        if let Some(from) = filter.created_from {
            self.and(&format!("{named} >= ?"), [id(from)]);
        }
        if let Some(before) = filter.created_before {
            self.and(&format!("{named} < ?"), [id(before)]);
        }
    }

    /// `\u{10ffff}` is the last of all code points: nothing that begins with the text lies beyond.
    fn add_search(&mut self, tenant: TenantId, search: &str, are_many: bool) {
        let first = row::fold(search);
        let last = format!("{first}\u{10ffff}");
        let range = || [Value::Text(first.clone()), Value::Text(last.clone())];
        if are_many {
            // The plus keeps the order of the list: these are conditions and no way to find rows.
            let condition = "((+u.email_key >= ? AND +u.email_key <= ?) \
                 OR (+u.name_key >= ? AND +u.name_key <= ?))";
            self.and(condition, range().into_iter().chain(range()));
            return;
        }
        let tenant = || [Value::Blob(tenant.blob().to_vec())];
        let condition = "u.id IN (
        SELECT id FROM users WHERE tenant_id = ? AND email_key >= ? AND email_key <= ?
        UNION
        SELECT id FROM users WHERE tenant_id = ? AND name_key >= ? AND name_key <= ?
    )";
        let values = tenant().into_iter().chain(range());
        self.and(condition, values.chain(tenant()).chain(range()));
    }

    /// Gives the text of the count.
    fn count(&self) -> String {
        let limit = COUNTED_USERS + 1;
        format!(
            "SELECT COUNT(*) FROM (SELECT 1 {} LIMIT {limit})",
            self.from
        )
    }

    /// Gives the text of a page, and its values.
    pub(in crate::sqlite) fn page(
        mut self,
        filter: &UserFilter,
        window: &Window,
    ) -> (String, Vec<Value>) {
        if let UserSort::Email(Some(after)) = &filter.sort {
            self.and("u.email_key > ?", [Value::Text(after.key())]);
        } else if let Some(before) = window.before {
            let condition = format!("{} < ?", self.id);
            self.and(&condition, [Value::Blob(before.into_bytes().to_vec())]);
        }
        let columns = user_columns!();
        let order = if self.is_by_email {
            "u.email_key".to_owned()
        } else {
            format!("{} DESC", self.id)
        };
        let Self {
            from, mut values, ..
        } = self;
        let sql = format!("SELECT {columns}\n{from}\nORDER BY {order}\nLIMIT ?\nOFFSET ?");
        values.push(Value::Integer(window.limit.into()));
        values.push(Value::Integer(window.offset));
        (sql, values)
    }
}

/// Lists a page.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &UserFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<User>> {
    let window = Window::of(page);
    let snapshot = connection.unchecked_transaction()?;
    let are_many = match &filter.search {
        Some(search) => finds_many(&snapshot, tenant, search)?,
        None => false,
    };
    if let Some(search) = filter
        .search
        .as_deref()
        .filter(|_| are_many && is_alone(filter))
    {
        return many::list(&snapshot, (tenant, search), &window, many::near(&window));
    }
    let narrowed = Narrowed::by(tenant, filter, are_many);
    let total = snapshot
        .prepare_cached(&narrowed.count())?
        .query_row(params_from_iter(&narrowed.values), row::count)?;
    let (sql, values) = narrowed.page(filter, &window);
    let mut statement = snapshot.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        row::user(&mut Columns::of(row))
    })?;
    let users = rows.collect::<rusqlite::Result<Vec<User>>>()?;
    Ok(window.page(users, total, |user| user.id.as_uuid()))
}

/// Says whether nothing but a text narrows a list, and it is in the usual order.
fn is_alone(filter: &UserFilter) -> bool {
    let alone = UserFilter {
        search: filter.search.clone(),
        ..UserFilter::default()
    };
    *filter == alone
}

fn finds_many(connection: &Connection, tenant: TenantId, search: &str) -> rusqlite::Result<bool> {
    let first = row::fold(search);
    let last = format!("{first}\u{10ffff}");
    let bounds = params![tenant.blob(), first, last, COUNTED_USERS + 1];
    let mut statement = connection.prepare_cached(FOUND)?;
    statement.query_row(bounds, |row| {
        let (addresses, names): (u32, u32) = (row.get(0)?, row.get(1)?);
        Ok(addresses.max(names) > COUNTED_USERS)
    })
}
