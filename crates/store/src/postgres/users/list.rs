//! Lists of accounts.
//!
//! What a list is not narrowed by is NULL. The planner sees the values and leaves out what asks for
//! nothing, so that an index serves what is left. Nothing is counted further than to [`COUNTED_USERS`](domain::user::COUNTED_USERS).

use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::user::{ROLE_USER, User, UserFilter, UserSort, UserStatus};
use serde_json::Value;
use tokio_postgres::Row;

use super::super::pool::{Parameter, Step};
use super::super::row::{self, Window, user_columns};
use super::super::{Postgres, Scope};
use super::folded;

/// `$2` and `$3` the range that the prefix is, `$4` a status, `$5` and `$6` whether the address is
/// verified and a second factor bound, `$7` and `$8` the first ids from which on and before which; `$9`
/// the role.
macro_rules! narrowed {
    () => {
        "u.tenant_id = $1
         AND ($2::text IS NULL
              OR (u.email_key >= $2 AND u.email_key < $3)
              OR (u.name_key >= $2 AND u.name_key < $3))
         AND ($4::text IS NULL OR u.status = $4)
         AND ($5::boolean IS NULL OR u.email_verified = $5)
         AND ($6::boolean IS NULL OR u.has_mfa = $6)
         AND ($7::uuid IS NULL OR u.id >= $7)
         AND ($8::uuid IS NULL OR u.id < $8)"
    };
}

/// Everybody, or whoever has the role that everybody has.
macro_rules! everybody {
    () => {
        concat!(
            " FROM users AS u WHERE ",
            narrowed!(),
            " AND ($9::jsonb IS NULL OR u.roles @> $9)"
        )
    };
}

/// Whoever has another role.
macro_rules! holders {
    () => {
        concat!(
            " FROM user_roles AS r
            JOIN users AS u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
            WHERE r.tenant_id = $1 AND r.role = $9::text AND ",
            narrowed!()
        )
    };
}

/// One more than is counted.
macro_rules! count {
    ($who:ident) => {
        concat!(
            "SELECT count(*) AS total FROM (SELECT",
            $who!(),
            " LIMIT 1001) AS found"
        )
    };
}

/// `$10` the id after which the page begins, `$11` and `$12` how many are left out and taken.
macro_rules! newest {
    ($who:ident) => {
        concat!(
            "SELECT ",
            user_columns!(),
            $who!(),
            " AND ($10::uuid IS NULL OR u.id < $10)
            ORDER BY u.id DESC
            OFFSET $11
            LIMIT $12"
        )
    };
}

/// The same with the address after which the page begins.
macro_rules! by_email {
    ($who:ident) => {
        concat!(
            "SELECT ",
            user_columns!(),
            $who!(),
            " AND ($10::text IS NULL OR u.email_key > $10)
            ORDER BY u.email_key
            OFFSET $11
            LIMIT $12"
        )
    };
}

/// Sorts after everything that begins with the prefix before it: the last code point, a
/// noncharacter that no text ends a word with.
pub(super) const AFTER_ALL: &str = "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}";

/// The lists, for a test that looks how they are found: newest first, by address, of a role's holders.
#[cfg(feature = "contract")]
pub const LISTS_OF_USERS: [&str; 3] = [newest!(everybody), by_email!(everybody), newest!(holders)];

/// Gives the texts of a list and of its count.
const fn texts(is_of_holders: bool, sort: &UserSort) -> (&'static str, &'static str) {
    match (is_of_holders, sort) {
        (false, UserSort::Newest) => (count!(everybody), newest!(everybody)),
        (false, UserSort::Email(_)) => (count!(everybody), by_email!(everybody)),
        (true, UserSort::Newest) => (count!(holders), newest!(holders)),
        (true, UserSort::Email(_)) => (count!(holders), by_email!(holders)),
    }
}

/// Says whether nothing but a text narrows a list, and it is in the usual order.
fn is_alone(filter: &UserFilter) -> bool {
    let alone = UserFilter {
        search: filter.search.clone(),
        ..UserFilter::default()
    };
    *filter == alone
}

/// Reads the count and the accounts of a page.
fn read(answers: &[Vec<Row>], window: &Window) -> Result<Page<User>, Fault> {
    let [count, rows] = answers else {
        return Err(Fault::Broken("an answer is missing".to_owned()));
    };
    let total = count
        .first()
        .map_or(Ok(0), |row| row::number(row, "total"))?;
    let users = rows.iter().map(row::user).collect::<Result<Vec<_>, _>>()?;
    Ok(window.page(users, total, |user| Some(user.id.as_uuid())))
}

impl Postgres {
    pub(super) async fn page_of_users(
        &self,
        tenant: TenantId,
        filter: UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        let texts_given = [filter.search.as_deref(), filter.role.as_deref()];
        if !texts_given.into_iter().flatten().all(row::is_storable) {
            return Ok(window.page(Vec::new(), 0, |_| None));
        }
        if let Some(search) = filter.search.as_deref().filter(|_| is_alone(&filter)) {
            return self.page_of_a_text(tenant, search, page).await;
        }
        let first = filter.search.as_deref().map(folded);
        let last = first.as_ref().map(|prefix| format!("{prefix}{AFTER_ALL}"));
        let status = filter.status.map(UserStatus::as_str);
        let since = filter.created_from.map(UserId::first_at);
        let before = filter.created_before.map(UserId::first_at);
        let special = filter.role.as_deref().filter(|role| *role != ROLE_USER);
        let role = filter
            .role
            .clone()
            .map(|role| Value::Array(vec![role.into()]));
        let role: Parameter<'_> = match &special {
            Some(_) => &special,
            None => &role,
        };
        let narrowed: [Parameter<'_>; 9] = [
            &id,
            &first,
            &last,
            &status,
            &filter.is_email_verified,
            &filter.has_mfa,
            &since,
            &before,
            role,
        ];
        let after = match &filter.sort {
            UserSort::Email(after) => after.as_ref().map(domain::email::EmailAddress::key),
            UserSort::Newest => None,
        };
        let after: Parameter<'_> = match &filter.sort {
            UserSort::Email(_) => &after,
            UserSort::Newest => &window.after,
        };
        let paged: [Parameter<'_>; 3] = [after, &window.skip, &window.take];
        let (count, list) = texts(special.is_some(), &filter.sort);
        let steps = [
            Step {
                sql: count,
                values: &narrowed,
            },
            Step {
                sql: list,
                values: &[&narrowed[..], &paged[..]].concat(),
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        read(&answers, &window)
    }
}
