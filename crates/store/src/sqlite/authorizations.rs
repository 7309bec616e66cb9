//! Pushed requests, codes and consents in SQLite; redeeming a code is in `sessions`.

use domain::authorization::Consent;
use domain::id::{SessionId, TenantId, UserId};
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::row::{self, Columns, Id, session_columns, user_columns};
use super::{Sqlite, Step, audit};
use crate::port::Pending;
use crate::port::authorizations::{Authorizations, CodeIssue, NewCode, PushedRequest};

const PUSH: &str = "INSERT INTO pushed_requests
    (tenant_id, signature, client_id, parameters, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const LOAD_PUSHED: &str = "SELECT parameters
FROM pushed_requests
WHERE tenant_id = ?1 AND signature = ?2 AND client_id = ?3 AND spent_at IS NULL AND expires_at > ?4";

const SPEND_PUSHED: &str = "UPDATE pushed_requests
SET spent_at = ?4
WHERE tenant_id = ?1 AND signature = ?2 AND client_id = ?3 AND spent_at IS NULL";

pub(super) const SELECT_LIVE: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", ",
    user_columns!(),
    "
FROM sessions AS s
CROSS JOIN users AS u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
WHERE s.tenant_id = ?1 AND s.id = ?2 AND s.ended_at IS NULL AND s.expires_at > ?3
    AND u.status = 'active'"
);

const INSERT_CODE: &str = "INSERT INTO codes
    (tenant_id, signature, client_id, user_id, session_id, content, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

macro_rules! consents {
    () => {
        "SELECT tenant_id, user_id, client_id, scope, resources, given_at, updated_at
FROM consents
WHERE tenant_id = ?1 AND user_id = ?2"
    };
}

const SELECT_CONSENT: &str = concat!(consents!(), " AND client_id = ?3");

const LIST_CONSENTS: &str = concat!(consents!(), "\nORDER BY client_id");

const REMEMBER: &str = "INSERT OR REPLACE INTO consents
    (tenant_id, user_id, client_id, scope, resources, given_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// The columns of a group are those of its row with the highest instant: SQLite says so of `max`.
const SELECT_CLIENTS: &str = "SELECT client_id, json_extract(details, '$.sector'), max(rotated_at)
FROM refresh_families
WHERE tenant_id = ?1 AND session_id = ?2
GROUP BY client_id
ORDER BY max(rotated_at) DESC
LIMIT 100";

impl Authorizations for Sqlite {
    fn push_request(&self, request: PushedRequest) -> Pending<'_, ()> {
        self.write(move |step| push(step, &request))
    }

    fn load_pushed(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        client: String,
        now: UnixMillis,
    ) -> Pending<'_, Option<Value>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LOAD_PUSHED)?;
            let bounds = params![tenant.blob(), signature, client, now.as_millis()];
            let found = statement.query_row(bounds, |row| Columns::of(row).json());
            found.optional()
        })
    }

    fn issue_code(&self, new: NewCode) -> Pending<'_, CodeIssue> {
        self.write(move |step| issue(step, &new))
    }

    fn load_consent(
        &self,
        tenant: TenantId,
        user: UserId,
        client: String,
    ) -> Pending<'_, Option<Consent>> {
        self.read(move |connection| find_consent(connection, tenant, user, &client))
    }

    fn list_consents(&self, tenant: TenantId, user: UserId) -> Pending<'_, Vec<Consent>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(LIST_CONSENTS)?;
            let rows = statement.query_map(params![tenant.blob(), user.blob()], consent)?;
            rows.collect()
        })
    }

    fn load_browser_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        now: UnixMillis,
    ) -> Pending<'_, Option<(Session, User)>> {
        self.read(move |connection| find_live(connection, tenant, session, now))
    }

    fn load_session_clients(
        &self,
        tenant: TenantId,
        session: SessionId,
    ) -> Pending<'_, Vec<(String, Option<String>)>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(SELECT_CLIENTS)?;
            let bounds = params![tenant.blob(), session.blob()];
            let rows = statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }
}

/// Finds a live session and its user, if active.
pub(super) fn find_live(
    connection: &Connection,
    tenant: TenantId,
    session: SessionId,
    now: UnixMillis,
) -> rusqlite::Result<Option<(Session, User)>> {
    let mut statement = connection.prepare_cached(SELECT_LIVE)?;
    let bounds = params![tenant.blob(), session.blob(), now.as_millis()];
    let found = statement.query_row(bounds, |row| {
        let columns = &mut Columns::of(row);
        Ok((row::session(columns)?, row::user(columns)?))
    });
    found.optional()
}

fn push(step: &Step<'_>, request: &PushedRequest) -> rusqlite::Result<()> {
    step.prepare_cached(PUSH)?.execute(params![
        request.tenant.blob(),
        request.signature,
        request.client,
        row::json(&request.parameters)?,
        request.created_at.as_millis(),
        request.expires_at.as_millis(),
    ])?;
    Ok(())
}

fn issue(step: &Step<'_>, new: &NewCode) -> rusqlite::Result<CodeIssue> {
    let live = find_live(step, new.tenant, new.grant.session, new.created_at)?;
    if live.is_none_or(|(session, _)| session.user != new.grant.user) {
        return Ok(CodeIssue::SessionEnded);
    }
    if new.relies_on_consent && !is_consented(step, new)? {
        return Ok(CodeIssue::ConsentGone);
    }
    // The first that writes, so that nothing was written where it refuses.
    if !spend(step, new)? {
        return Ok(CodeIssue::AlreadySpent);
    }
    if let Some(more) = &new.remember {
        remember(step, new, more)?;
    }
    insert_code(step, new)?;
    audit::write(step, &new.entry)?;
    Ok(CodeIssue::Issued)
}

/// Says whether what the person allowed before covers what the code is worth.
fn is_consented(step: &Step<'_>, new: &NewCode) -> rusqlite::Result<bool> {
    let grant = &new.grant;
    let known = find_consent(step, new.tenant, grant.user, &grant.client)?;
    Ok(known.is_some_and(|known| known.covers(&grant.scope, &grant.details.resources)))
}

/// Stores a code.
pub(super) fn insert_code(step: &Step<'_>, new: &NewCode) -> rusqlite::Result<()> {
    step.prepare_cached(INSERT_CODE)?.execute(params![
        new.tenant.blob(),
        new.signature,
        new.grant.client,
        new.grant.user.blob(),
        new.grant.session.blob(),
        row::json(&new.grant)?,
        new.created_at.as_millis(),
        new.expires_at.as_millis(),
    ])?;
    Ok(())
}

/// Spends the pushed request, if there was one; false when somebody else did.
fn spend(step: &Step<'_>, new: &NewCode) -> rusqlite::Result<bool> {
    let Some(pushed) = new.spend_pushed else {
        return Ok(true);
    };
    let spent = step.prepare_cached(SPEND_PUSHED)?.execute(params![
        new.tenant.blob(),
        pushed,
        new.grant.client,
        new.created_at.as_millis(),
    ])?;
    Ok(spent > 0)
}

fn remember(step: &Step<'_>, new: &NewCode, more: &Consent) -> rusqlite::Result<()> {
    let grant = &new.grant;
    let known = find_consent(step, new.tenant, grant.user, &grant.client)?;
    let consent = match known {
        Some(mut known) => {
            known.grow(more);
            known
        }
        None => more.clone(),
    };
    step.prepare_cached(REMEMBER)?.execute(params![
        new.tenant.blob(),
        grant.user.blob(),
        grant.client,
        consent.scope.to_string(),
        row::json(&consent.resources)?,
        consent.given_at.as_millis(),
        consent.updated_at.as_millis(),
    ])?;
    Ok(())
}

fn find_consent(
    connection: &Connection,
    tenant: TenantId,
    user: UserId,
    client: &str,
) -> rusqlite::Result<Option<Consent>> {
    let mut statement = connection.prepare_cached(SELECT_CONSENT)?;
    let found = statement.query_row(params![tenant.blob(), user.blob(), client], consent);
    found.optional()
}

fn consent(row: &Row<'_>) -> rusqlite::Result<Consent> {
    let columns = &mut Columns::of(row);
    Ok(Consent {
        tenant: columns.id()?,
        user: columns.id()?,
        client: columns.take()?,
        scope: row::scope(&columns.take::<String>()?),
        resources: columns.json()?,
        given_at: columns.time()?,
        updated_at: columns.time()?,
    })
}
