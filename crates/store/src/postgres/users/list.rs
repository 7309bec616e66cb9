//! Lists of accounts.

use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::user::{User, UserFilter, UserStatus};
use serde_json::Value;

use super::super::pool::Step;
use super::super::row::{self, Window, user_columns};
use super::super::{Postgres, Scope};
use super::folded;

/// What a list is narrowed by: `$2` and `$3` the range that the prefix is, `$4` a status, `$5` an
/// array of one role. What is NULL narrows nothing.
macro_rules! narrowed {
    () => {
        "u.tenant_id = $1
         AND ($2::text IS NULL
              OR (u.email_key >= $2 AND u.email_key < $3)
              OR (u.name_key >= $2 AND u.name_key < $3))
         AND ($4::text IS NULL OR u.status = $4)
         AND ($5::jsonb IS NULL OR u.roles @> $5)"
    };
}

const COUNT_USERS: &str = concat!(
    "SELECT count(*) AS total FROM users AS u WHERE ",
    narrowed!()
);

const LIST_USERS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u
    WHERE ",
    narrowed!(),
    " AND ($6::uuid IS NULL OR u.id < $6)
    ORDER BY u.id DESC
    OFFSET $7
    LIMIT $8"
);

/// Sorts after everything that begins with the prefix before it: the last code point, a
/// noncharacter that no text ends a word with.
const AFTER_ALL: &str = "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}";

impl Postgres {
    pub(super) async fn page_of_users(
        &self,
        tenant: TenantId,
        filter: UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        let texts = [filter.search.as_deref(), filter.role.as_deref()];
        if !texts.into_iter().flatten().all(row::is_storable) {
            return Ok(window.page(Vec::new(), 0, |_| None));
        }
        let from = filter.search.as_deref().map(folded);
        let to = from.as_ref().map(|prefix| format!("{prefix}{AFTER_ALL}"));
        let status = filter.status.map(UserStatus::as_str);
        let role = filter
            .role
            .map(|role| Value::Array(vec![Value::String(role)]));
        let steps = [
            Step {
                sql: COUNT_USERS,
                values: &[&id, &from, &to, &status, &role],
            },
            Step {
                sql: LIST_USERS,
                values: &[
                    &id,
                    &from,
                    &to,
                    &status,
                    &role,
                    &window.after,
                    &window.skip,
                    &window.take,
                ],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count
            .first()
            .map_or(Ok(0), |row| row::number(row, "total"))?;
        let users = rows.iter().map(row::user).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(users, total, |user| Some(user.id.as_uuid())))
    }
}
