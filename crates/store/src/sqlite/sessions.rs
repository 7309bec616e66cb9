//! Sessions and refresh families in SQLite.
//!
//! What ended stays, marked, until the janitor takes it: a family ended by reuse goes on answering
//! [`Rotation::Reused`].

use domain::change::ChangeKind;
use domain::event::Entry;
use domain::id::{FamilyId, SessionId, TenantId, UserId};
use domain::session::{EndReason, Session};
use domain::time::UnixMillis;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::{self, Columns, Id, last_active, session_columns};
use super::{Sqlite, Step, audit, changes, notices};
use crate::port::Pending;
use crate::port::sessions::{
    EndTarget, EndedFamilies, EndedSessions, Ending, Granted, MAX_SESSIONS, NewSession, Redeemed,
    Redemption, Rotation, Sessions, StepUp, Turn, Withdrawal,
};

mod begin;
mod redeem;
mod rotate;
mod withdraw;

#[cfg(test)]
pub(super) use begin::{COUNT as COUNT_LIVE, END_OLDEST};
#[cfg(test)]
pub(super) use redeem::SELECT as SELECT_CODE;
#[cfg(test)]
pub(super) use rotate::SELECT as SELECT_FAMILY;
#[cfg(test)]
pub(super) use withdraw::{DELETE_CODES, END_FAMILIES as END_FAMILIES_OF_CLIENT};

const SELECT_CLIENT: &str = "SELECT client_id
FROM refresh_families
WHERE tenant_id = ?1 AND id = ?2";

pub(super) const LIST: &str = concat!(
    "SELECT ",
    session_columns!(last_active!()),
    "
FROM sessions AS s
WHERE s.tenant_id = ?1 AND s.user_id = ?2 AND s.ended_at IS NULL AND s.expires_at > ?3
    AND EXISTS (
        SELECT 1
        FROM refresh_families AS f
        WHERE f.tenant_id = s.tenant_id AND f.session_id = s.id AND f.ended_at IS NULL
            AND f.idle_expires_at > ?3 AND f.expires_at > ?3
    )
ORDER BY last_active DESC, s.id DESC
LIMIT ?4"
);

const END_BY_FAMILY: &str = "UPDATE sessions
SET ended_at = ?2
WHERE tenant_id = ?1 AND ended_at IS NULL
    AND id = (SELECT session_id FROM refresh_families WHERE tenant_id = ?1 AND id = ?3)
RETURNING id";

const END_ONE: &str = "UPDATE sessions
SET ended_at = ?2
WHERE tenant_id = ?1 AND ended_at IS NULL AND id = ?3 AND user_id = ?4
RETURNING id";

const END_OF_USER: &str = "UPDATE sessions
SET ended_at = ?2
WHERE tenant_id = ?1 AND ended_at IS NULL AND user_id = ?3 AND id IS NOT ?4
RETURNING id";

const END_FAMILIES: &str = "UPDATE refresh_families
SET ended_at = ?3, end_reason = ?4
WHERE tenant_id = ?1 AND session_id = ?2 AND ended_at IS NULL";

/// Which sessions end, and what is remembered of it.
pub(super) struct Doomed {
    pub(super) tenant: TenantId,
    pub(super) which: EndTarget,
    pub(super) reason: EndReason,
    pub(super) now: UnixMillis,
    pub(super) remember_until: UnixMillis,
}

/// What is remembered of sessions that ended.
struct Epitaph {
    tenant: TenantId,
    reason: EndReason,
    now: UnixMillis,
    remember_until: UnixMillis,
}

impl Sessions for Sqlite {
    fn begin_session(&self, new: NewSession) -> Pending<'_, Option<EndedSessions>> {
        self.write(move |step| begin::begin(step, &new))
    }

    fn step_up_session(&self, up: StepUp) -> Pending<'_, bool> {
        self.write(move |step| begin::step_up(step, &up))
    }

    fn rotate_refresh(&self, turn: Turn) -> Pending<'_, Rotation> {
        self.write(move |step| rotate::rotate(step, &turn))
    }

    fn redeem_code(&self, redemption: Redemption) -> Pending<'_, Redeemed> {
        self.write(move |step| redeem::redeem(step, &redemption))
    }

    fn end_sessions(&self, ending: Ending) -> Pending<'_, EndedSessions> {
        self.write(move |step| {
            let doomed = Doomed {
                tenant: ending.tenant,
                which: ending.target,
                reason: ending.reason,
                now: ending.now,
                remember_until: ending.remember_until,
            };
            let ended = end(step, &doomed)?;
            if !ended.is_empty() {
                audit::write(step, &ending.entry)?;
            }
            Ok(ended)
        })
    }

    fn withdraw_consent(&self, withdrawal: Withdrawal) -> Pending<'_, Option<EndedFamilies>> {
        self.write(move |step| withdraw::withdraw(step, &withdrawal))
    }

    fn revoke_access(
        &self,
        tenant: TenantId,
        jti: String,
        expires_at: UnixMillis,
        entry: Entry,
    ) -> Pending<'_, ()> {
        self.write(move |step| {
            changes::announce_revoked(step, tenant, &jti, expires_at)?;
            audit::write(step, &entry)
        })
    }

    fn load_family_client(
        &self,
        tenant: TenantId,
        family: FamilyId,
    ) -> Pending<'_, Option<String>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(SELECT_CLIENT)?;
            let bounds = params![tenant.blob(), family.blob()];
            statement.query_row(bounds, |row| row.get(0)).optional()
        })
    }

    fn load_family(
        &self,
        tenant: TenantId,
        family: FamilyId,
        client: String,
    ) -> Pending<'_, Option<Granted>> {
        self.read(move |connection| rotate::load(connection, tenant, family, &client))
    }

    fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: UnixMillis,
    ) -> Pending<'_, Vec<Session>> {
        self.read(move |connection| list(connection, tenant, user, now))
    }
}

/// Ends the sessions that are live with all their families, and announces each.
pub(super) fn end(step: &Step<'_>, doomed: &Doomed) -> rusqlite::Result<EndedSessions> {
    let ended = mark_ended(step, doomed)?;
    let epitaph = Epitaph {
        tenant: doomed.tenant,
        reason: doomed.reason,
        now: doomed.now,
        remember_until: doomed.remember_until,
    };
    bury(step, &epitaph, &ended)?;
    Ok(ended)
}

/// Ends the families of sessions that were marked as ended, announces each session, and leaves notices
/// for its clients.
fn bury(step: &Step<'_>, epitaph: &Epitaph, ended: &[SessionId]) -> rusqlite::Result<()> {
    let mut families = step.prepare_cached(END_FAMILIES)?;
    for session in ended {
        families.execute(params![
            epitaph.tenant.blob(),
            session.blob(),
            epitaph.now.as_millis(),
            epitaph.reason.as_str(),
        ])?;
        notices::leave(step, (epitaph.tenant, *session), epitaph.now)?;
        let told = ChangeKind::SessionEnded(*session);
        changes::announce(step, epitaph.tenant, &told, epitaph.remember_until)?;
    }
    Ok(())
}

fn mark_ended(step: &Step<'_>, doomed: &Doomed) -> rusqlite::Result<Vec<SessionId>> {
    let (tenant, now) = (doomed.tenant.blob(), doomed.now.as_millis());
    let run = |sql, bounds: &[&dyn ToSql]| {
        let mut statement = step.prepare_cached(sql)?;
        let rows = statement.query_map(bounds, |row| Columns::of(row).id())?;
        rows.collect()
    };
    match doomed.which {
        EndTarget::Family(family) => run(END_BY_FAMILY, &[&tenant, &now, &family.blob()]),
        EndTarget::Session(user, session) => {
            run(END_ONE, &[&tenant, &now, &session.blob(), &user.blob()])
        }
        EndTarget::User(user, kept) => {
            let kept = kept.map(Id::blob);
            run(END_OF_USER, &[&tenant, &now, &user.blob(), &kept])
        }
    }
}

fn list(
    connection: &Connection,
    tenant: TenantId,
    user: UserId,
    now: UnixMillis,
) -> rusqlite::Result<Vec<Session>> {
    let mut statement = connection.prepare_cached(LIST)?;
    let bounds = params![tenant.blob(), user.blob(), now.as_millis(), MAX_SESSIONS];
    let rows = statement.query_map(bounds, |row| row::session(&mut Columns::of(row)))?;
    rows.collect()
}
