//! Accounts that a text finds, where nothing else narrows the list, newest first.
//!
//! One statement for both indexes leaves the planner a choice that it makes badly: it walks the list from its
//! newest end until a page is full, through all of a million accounts where those that are found are old. So the
//! text's accounts are counted first, in each index and no further than it matters. Few are looked up. Many fill a
//! page among the newest, mostly; where they do not, each index gives the newest of its range, and the page is
//! taken of both.

use domain::id::TenantId;
use domain::page::{Page, PageRequest};
use domain::rejection::Fault;
use domain::user::{COUNTED_USERS, User};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::Parameter;
use super::super::row::{self, Window, user_columns};
use super::super::{Postgres, Scope};
use super::folded;
use super::list::AFTER_ALL;

/// Of a tenant `$1` between `$2` and `$3`.
const COUNT: &str = "
    SELECT count(*) AS total
    FROM (
        (
            SELECT id
            FROM users
            WHERE tenant_id = $1 AND email_key >= $2 AND email_key < $3
            LIMIT 1001
        )
        UNION
        (
            SELECT id
            FROM users
            WHERE tenant_id = $1 AND name_key >= $2 AND name_key < $3
            LIMIT 1001
        )
        LIMIT 1001
    ) AS found";

/// `$4` the id after which the page begins, `$5` and `$6` how many are left out and taken. A text that one
/// account in two hundred begins with fills a page of five thousand; of another the indexes hold few.
const AMONG_THE_NEWEST: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM (
        SELECT *
        FROM users
        WHERE tenant_id = $1 AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id DESC
        LIMIT greatest(5000, 20 * ($5::bigint + $6::bigint))
    ) AS u
    WHERE (u.email_key >= $2 AND u.email_key < $3) OR (u.name_key >= $2 AND u.name_key < $3)
    ORDER BY u.id DESC
    OFFSET $5
    LIMIT $6"
);

/// Of each index as many as the page needs if the other gives none. `OFFSET 0` keeps the planner from walking
/// the whole list for what a range holds.
const AMONG_ALL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users AS u
    WHERE u.tenant_id = $1
      AND u.id IN (
          (
              SELECT id
              FROM (
                  SELECT id
                  FROM users
                  WHERE tenant_id = $1 AND email_key >= $2 AND email_key < $3
                    AND ($4::uuid IS NULL OR id < $4)
                  OFFSET 0
              ) AS addresses
              ORDER BY id DESC
              LIMIT $5::bigint + $6::bigint
          )
          UNION
          (
              SELECT id
              FROM (
                  SELECT id
                  FROM users
                  WHERE tenant_id = $1 AND name_key >= $2 AND name_key < $3
                    AND ($4::uuid IS NULL OR id < $4)
                  OFFSET 0
              ) AS names
              ORDER BY id DESC
              LIMIT $5::bigint + $6::bigint
          )
      )
    ORDER BY u.id DESC
    OFFSET $5
    LIMIT $6"
);

/// The statements, for a test that looks how they find: the count, among the newest, among all.
#[cfg(feature = "contract")]
pub const SEARCHES_OF_USERS: [&str; 3] = [COUNT, AMONG_THE_NEWEST, AMONG_ALL];

impl Postgres {
    /// Lists a page of the accounts of a tenant whose address or name begins with a text.
    pub(super) async fn page_of_a_text(
        &self,
        tenant: TenantId,
        search: &str,
        page: PageRequest,
    ) -> Result<Page<User>, Fault> {
        let (id, window) = (tenant.as_uuid(), Window::of(page));
        let first = folded(search);
        let last = format!("{first}{AFTER_ALL}");
        let scope = Scope::Tenant(tenant);
        let range: [Parameter<'_>; 3] = [&id, &first, &last];
        let counted = self.pool().run(scope, COUNT, &range).await?;
        let total = counted
            .first()
            .map_or(Ok(0), |row| row::number(row, "total"))?;
        let paged: [Parameter<'_>; 3] = [&window.after, &window.skip, &window.take];
        let values = [&range[..], &paged[..]].concat();
        let are_many = total > u64::from(COUNTED_USERS);
        if are_many {
            let found = self.pool().run(scope, AMONG_THE_NEWEST, &values).await?;
            if i64::try_from(found.len()).is_ok_and(|count| count >= window.take) {
                return shown(&found, total, &window);
            }
        }
        let found = self.pool().run(scope, AMONG_ALL, &values).await?;
        shown(&found, total, &window)
    }
}

fn shown(found: &[Row], total: u64, window: &Window) -> Result<Page<User>, Fault> {
    let users = found.iter().map(row::user).collect::<Result<Vec<_>, _>>()?;
    let name = |user: &User| -> Option<Uuid> { Some(user.id.as_uuid()) };
    Ok(window.page(users, total, name))
}
