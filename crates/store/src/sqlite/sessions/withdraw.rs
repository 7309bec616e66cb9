//! Taking back what a person allowed a client. That the writer is alone makes it one step with every
//! redemption and rotation.

use domain::change::ChangeKind;
use domain::id::FamilyId;
use domain::session::EndReason;
use rusqlite::params;

use crate::port::sessions::{EndedFamilies, Withdrawal};
use crate::sqlite::row::{Columns, Id};
use crate::sqlite::{Step, audit, changes};

const FORGET: &str = "DELETE FROM consents
WHERE tenant_id = ?1 AND user_id = ?2 AND client_id = ?3";

pub(in crate::sqlite) const DELETE_CODES: &str = "DELETE FROM codes
WHERE tenant_id = ?1 AND client_id = ?3 AND redeemed_at IS NULL
    AND session_id IN (SELECT id FROM sessions WHERE tenant_id = ?1 AND user_id = ?2)";

pub(in crate::sqlite) const END_FAMILIES: &str = "UPDATE refresh_families
SET ended_at = ?4, end_reason = ?5
WHERE tenant_id = ?1 AND client_id = ?3 AND ended_at IS NULL
    AND session_id IN (SELECT id FROM sessions WHERE tenant_id = ?1 AND user_id = ?2)
RETURNING id";

/// Takes back consent, codes and families, and announces each family.
pub(super) fn withdraw(
    step: &Step<'_>,
    order: &Withdrawal,
) -> rusqlite::Result<Option<EndedFamilies>> {
    let (tenant, user) = (order.tenant.blob(), order.user.blob());
    let whose = params![tenant, user, order.client];
    let consents = step.prepare_cached(FORGET)?.execute(whose)?;
    let codes = step.prepare_cached(DELETE_CODES)?.execute(whose)?;
    let ended = end(step, order)?;
    if consents == 0 && codes == 0 && ended.is_empty() {
        return Ok(None);
    }
    for family in &ended {
        let told = ChangeKind::GrantEnded(*family);
        changes::announce(step, order.tenant, &told, order.remember_until)?;
    }
    audit::write(step, &order.entry)?;
    Ok(Some(ended))
}

fn end(step: &Step<'_>, order: &Withdrawal) -> rusqlite::Result<Vec<FamilyId>> {
    let mut statement = step.prepare_cached(END_FAMILIES)?;
    let bounds = params![
        order.tenant.blob(),
        order.user.blob(),
        order.client,
        order.now.as_millis(),
        EndReason::ConsentRevoked.as_str(),
    ];
    let rows = statement.query_map(bounds, |row| Columns::of(row).id())?;
    rows.collect()
}
