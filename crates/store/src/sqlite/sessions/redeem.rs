//! One presentation of an authorization code. That the writer is alone makes "at most one is
//! granted" true without further ado.

use domain::authorization::CodeGrant;
use domain::change::ChangeKind;
use domain::session::EndReason;
use domain::time::UnixMillis;
use rusqlite::{OptionalExtension, Row, params};

use super::begin::insert_family;
use super::{Doomed, end};
use crate::port::sessions::{EndTarget, Redeemable, Redeemed, RedeemedGrant, Redemption, Replay};
use crate::sqlite::authorizations::find_live;
use crate::sqlite::row::{Columns, Id};
use crate::sqlite::{Step, audit, changes};

pub(in crate::sqlite) const SELECT: &str = "SELECT content, expires_at, redeemed_at, access_jti,
    access_expires_at
FROM codes
WHERE tenant_id = ?1 AND signature = ?2 AND client_id = ?3";

const SPEND: &str = "UPDATE codes
SET redeemed_at = ?3, family_id = ?4, access_jti = ?5, access_expires_at = ?6
WHERE tenant_id = ?1 AND signature = ?2";

const TAKE_BACK: &str = "UPDATE codes
SET access_jti = NULL
WHERE tenant_id = ?1 AND signature = ?2";

/// A code as it was found.
struct Found {
    grant: CodeGrant,
    expires_at: UnixMillis,
    is_redeemed: bool,
    /// What a replay has to take back.
    access: Option<(String, UnixMillis)>,
}

/// Judges a presentation and does what the judgement says.
pub(super) fn redeem(step: &Step<'_>, order: &Redemption) -> rusqlite::Result<Redeemed> {
    let mut statement = step.prepare_cached(SELECT)?;
    let bounds = params![order.tenant.blob(), order.signature, order.client];
    let Some(found) = statement.query_row(bounds, read).optional()? else {
        return Ok(Redeemed::Refused);
    };
    if !(order.judge)(&found.grant) {
        return Ok(Redeemed::Refused);
    }
    if found.is_redeemed && order.kind == Redeemable::DeviceCode {
        return Ok(Redeemed::Refused);
    }
    if found.is_redeemed {
        return take_back(step, order, found).map(Redeemed::Replayed);
    }
    if order.now >= found.expires_at {
        return Ok(Redeemed::Refused);
    }
    grant(step, order, found.grant)
}

fn grant(step: &Step<'_>, order: &Redemption, grant: CodeGrant) -> rusqlite::Result<Redeemed> {
    let live = find_live(step, order.tenant, grant.session, order.now)?;
    let Some((mut session, user)) = live.filter(|(session, _)| session.user == grant.user) else {
        return Ok(Redeemed::Refused);
    };
    let family = order.family_of(&grant);
    step.prepare_cached(SPEND)?.execute(params![
        order.tenant.blob(),
        order.signature,
        order.now.as_millis(),
        family.id.blob(),
        order.access_jti,
        order.access_expires_at.as_millis(),
    ])?;
    insert_family(step, &family)?;
    // The family that has just begun tells it; see `last_active`.
    session.last_active_at = order.now;
    audit::write(step, &order.issued_entry(&grant))?;
    Ok(Redeemed::Granted(Box::new(RedeemedGrant {
        grant,
        session,
        user,
        family,
    })))
}

/// Takes back what the code gave (RFC 6749 §4.1.2), once.
fn take_back(step: &Step<'_>, order: &Redemption, found: Found) -> rusqlite::Result<Replay> {
    let Some((jti, expires_at)) = found.access else {
        return Ok(Replay::default());
    };
    step.prepare_cached(TAKE_BACK)?
        .execute(params![order.tenant.blob(), order.signature])?;
    let doomed = Doomed {
        tenant: order.tenant,
        which: EndTarget::Session(found.grant.user, found.grant.session),
        reason: EndReason::Reuse,
        now: order.now,
        remember_until: order.remember_until,
    };
    let ended = end(step, &doomed)?;
    let told = ChangeKind::AccessRevoked(jti.clone());
    changes::announce(step, order.tenant, &told, expires_at)?;
    audit::write(step, &order.replayed_entry(&found.grant))?;
    Ok(Replay {
        ended,
        access: Some((jti, expires_at)),
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let columns = &mut Columns::of(row);
    Ok(Found {
        grant: columns.json()?,
        expires_at: columns.time()?,
        is_redeemed: columns.maybe_time()?.is_some(),
        access: columns.take::<Option<String>>()?.zip(columns.maybe_time()?),
    })
}
