//! What a person is told of their own account, on PostgreSQL.

use domain::id::{TenantId, UserId};
use domain::page::{Page, PageRequest, id_of_number, number_of_id};
use domain::rejection::Fault;

use super::super::pool::Step;
use super::super::row::{self, Window};
use super::super::{Postgres, Scope};
use super::audit_row;
use crate::port::audit::AuditRow;

/// `$3` the number before which a page begins; NULL: the first page.
const LIST_TOLD: &str = "
    SELECT tenant_id, seq, at, fields, chain_no, seal
    FROM audit
    WHERE tenant_id = $1
      AND told_to = $2
      AND ($3::bigint IS NULL OR seq < $3)
    ORDER BY seq DESC
    OFFSET $4
    LIMIT $5";

const COUNT_TOLD: &str = "
    SELECT count(*) AS total
    FROM audit
    WHERE tenant_id = $1 AND told_to = $2";

impl Postgres {
    pub(super) async fn page_of_told(
        &self,
        tenant: TenantId,
        user: UserId,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, Fault> {
        let (id, user, window) = (tenant.as_uuid(), user.to_string(), Window::of(page));
        let before = window.after.map(number_of_id);
        let steps = [
            Step {
                sql: COUNT_TOLD,
                values: &[&id, &user],
            },
            Step {
                sql: LIST_TOLD,
                values: &[&id, &user, &before, &window.skip, &window.take],
            },
        ];
        let answers = self.pool().run_all(Scope::Tenant(tenant), &steps).await?;
        let [count, rows] = answers.as_slice() else {
            return Err(Fault::Broken("an answer is missing".to_owned()));
        };
        let total = count.first();
        let total = total.map_or(Ok(0), |row| row::number(row, "total"))?;
        let rows = rows.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        Ok(window.page(rows, total, |row| Some(id_of_number(row.seq))))
    }
}
