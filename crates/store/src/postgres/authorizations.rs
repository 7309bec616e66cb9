//! Pushed requests, codes and consents on PostgreSQL; redeeming a code is in `sessions`.

use domain::authorization::Consent;
use domain::id::{SessionId, TenantId, UserId};
use domain::rejection::Fault;
use domain::scope::ScopeSet;
use domain::session::Session;
use domain::time::UnixMillis;
use domain::user::User;
use serde_json::Value;
use tokio_postgres::Row;

use super::pool::Values;
use super::row::{self, Line, get, session_columns, user_columns};
use super::{Postgres, Scope};
use crate::port::Pending;
use crate::port::authorizations::{Authorizations, CodeIssue, NewCode, PushedRequest};

const PUSH_REQUEST: &str = "
    INSERT INTO pushed_requests (
        tenant_id, signature, client_id, parameters, created_at, expires_at
    )
    VALUES ($1, $2, $3, $4, $5, $6)";

const LOAD_PUSHED: &str = "
    SELECT parameters
    FROM pushed_requests
    WHERE tenant_id = $1
      AND signature = $2
      AND client_id = $3
      AND spent_at IS NULL
      AND expires_at > $4";

/// The user is locked before the session, as whoever deletes them does, so that neither can go away
/// before what refers to them is stored. Whoever spends the same request waits for the first to
/// commit, and then finds it spent. So it is with a consent that is relied on and taken back.
///
/// `$4` the code, `$5` the client, `$6` the user, `$7` the session, `$8` what the code is worth,
/// `$9` the present instant, `$10` the code's end, `$11` the pushed request or null, `$12` and `$13`
/// the scopes and resources to remember or null, `$14` when they were allowed, `$15` and `$16` the
/// scopes and resources that a consent must cover, or null.
const ISSUE_CODE: &str = "
    WITH holder AS (
        SELECT s.id
        FROM users AS u
        JOIN sessions AS s ON s.tenant_id = u.tenant_id AND s.user_id = u.id
        WHERE u.tenant_id = $1
          AND u.id = $6
          AND u.status = 'active'
          AND s.id = $7
          AND s.ended_at IS NULL
          AND s.expires_at > $9
        FOR KEY SHARE OF u, s
    ), consented AS (
        SELECT c.client_id
        FROM holder, consents AS c
        WHERE c.tenant_id = $1
          AND c.user_id = $6
          AND c.client_id = $5
          AND $15::text[] <@ c.scope
          AND $16::text[] <@ c.resources
        FOR KEY SHARE OF c
    ), spent AS (
        UPDATE pushed_requests AS p
        SET spent_at = $9
        FROM holder
        WHERE p.tenant_id = $1
          AND p.signature = $11
          AND p.client_id = $5
          AND p.spent_at IS NULL
          AND ($15::text[] IS NULL OR EXISTS (SELECT FROM consented))
        RETURNING p.signature
    ), granted AS (
        SELECT id
        FROM holder
        WHERE ($11::bytea IS NULL OR EXISTS (SELECT FROM spent))
          AND ($15::text[] IS NULL OR EXISTS (SELECT FROM consented))
    ), consent AS (
        INSERT INTO consents AS c (
            tenant_id, user_id, client_id, scope, resources, given_at, updated_at
        )
        SELECT $1, $6, $5, $12::text[], $13::text[], $14::bigint, $14::bigint
        FROM granted
        WHERE $12::text[] IS NOT NULL
        ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE
        SET scope = c.scope || ARRAY(
                SELECT one FROM unnest(excluded.scope) AS one WHERE one <> ALL (c.scope)
            ),
            resources = c.resources || ARRAY(
                SELECT one FROM unnest(excluded.resources) AS one WHERE one <> ALL (c.resources)
            ),
            updated_at = excluded.updated_at
    ), code AS (
        INSERT INTO codes (
            tenant_id, signature, client_id, user_id, session_id, content, created_at, expires_at
        )
        SELECT $1, $4, $5, $6, granted.id, $8, $9, $10
        FROM granted
    ), entry AS (
        INSERT INTO audit (tenant_id, at, fields)
        SELECT $1, $2, $3
        FROM granted
    )
    SELECT EXISTS (SELECT FROM granted) AS is_issued,
           $15::text[] IS NULL OR EXISTS (SELECT FROM consented) AS is_consented
    FROM holder";

macro_rules! consents {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, user_id, client_id, scope, resources, given_at, updated_at
            FROM consents
            WHERE tenant_id = $1 AND user_id = $2",
            $rest
        )
    };
}

const LOAD_CONSENT: &str = consents!(" AND client_id = $3");

const LIST_CONSENTS: &str = consents!(" ORDER BY client_id");

const LOAD_BROWSER_SESSION: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", ",
    user_columns!(),
    " FROM sessions AS s
    JOIN users AS u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    WHERE s.tenant_id = $1
      AND s.id = $2
      AND s.ended_at IS NULL
      AND s.expires_at > $3
      AND u.status = 'active'"
);

fn consent(row: &Row) -> Result<Consent, Fault> {
    Ok(Consent {
        tenant: row::tenant(row, "tenant_id")?,
        user: UserId::from_uuid(get(row, "user_id")?),
        client: get(row, "client_id")?,
        scope: ScopeSet::from_stored(get(row, "scope")?),
        resources: get(row, "resources")?,
        given_at: row::instant(row, "given_at")?,
        updated_at: row::instant(row, "updated_at")?,
    })
}

impl Postgres {
    async fn store_pushed(&self, request: PushedRequest) -> Result<(), Fault> {
        let tenant = request.tenant.as_uuid();
        let values: Values<'_> = &[
            &tenant,
            &request.signature.as_slice(),
            &request.client,
            &request.parameters,
            &request.created_at.as_millis(),
            &request.expires_at.as_millis(),
        ];
        let scope = Scope::Tenant(request.tenant);
        self.pool().run(scope, PUSH_REQUEST, values).await.map(drop)
    }

    async fn store_code(&self, new: NewCode) -> Result<CodeIssue, Fault> {
        let (line, grant) = (Line::of(&new.entry), &new.grant);
        let remember = new.remember.as_ref();
        let scopes = remember.map(|consent| row::scopes(&consent.scope));
        let resources = remember.map(|consent| consent.resources.as_slice());
        let relied_on = new.relies_on_consent.then(|| row::scopes(&grant.scope));
        let values: Values<'_> = &[
            &line.tenant,
            &line.at,
            &line.fields,
            &new.signature.as_slice(),
            &grant.client,
            &grant.user.as_uuid(),
            &grant.session.as_uuid(),
            &row::to_json(grant)?,
            &new.created_at.as_millis(),
            &new.expires_at.as_millis(),
            &new.spend_pushed.as_ref().map(<[u8; 32]>::as_slice),
            &scopes,
            &resources,
            &remember.map(|consent| consent.updated_at.as_millis()),
            &relied_on,
            &grant.details.resources,
        ];
        let scope = Scope::Tenant(new.tenant);
        let rows = self.pool().run(scope, ISSUE_CODE, values).await?;
        let Some(row) = rows.first() else {
            return Ok(CodeIssue::SessionEnded);
        };
        if get(row, "is_issued")? {
            return Ok(CodeIssue::Issued);
        }
        if get(row, "is_consented")? {
            return Ok(CodeIssue::AlreadySpent);
        }
        Ok(CodeIssue::ConsentGone)
    }
}

const LOAD_SESSION_CLIENTS: &str = "
    SELECT client_id, sector
    FROM (
        SELECT DISTINCT ON (client_id) client_id, details->>'sector' AS sector, rotated_at
        FROM refresh_families
        WHERE tenant_id = $1 AND session_id = $2
        ORDER BY client_id, rotated_at DESC
    ) AS known
    ORDER BY rotated_at DESC
    LIMIT 100";

impl Authorizations for Postgres {
    fn push_request(&self, request: PushedRequest) -> Pending<'_, ()> {
        Box::pin(self.store_pushed(request))
    }

    fn load_pushed(
        &self,
        tenant: TenantId,
        signature: [u8; 32],
        client: String,
        now: UnixMillis,
    ) -> Pending<'_, Option<Value>> {
        Box::pin(async move {
            if !row::is_storable(&client) {
                return Ok(None);
            }
            let (id, now) = (tenant.as_uuid(), now.as_millis());
            let signature = signature.as_slice();
            let values: Values<'_> = &[&id, &signature, &client, &now];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_PUSHED, values).await?;
            let found = rows.first();
            found.map(|row| get(row, "parameters")).transpose()
        })
    }

    fn issue_code(&self, new: NewCode) -> Pending<'_, CodeIssue> {
        Box::pin(self.store_code(new))
    }

    fn load_consent(
        &self,
        tenant: TenantId,
        user: UserId,
        client: String,
    ) -> Pending<'_, Option<Consent>> {
        Box::pin(async move {
            if !row::is_storable(&client) {
                return Ok(None);
            }
            let (id, user) = (tenant.as_uuid(), user.as_uuid());
            let values: Values<'_> = &[&id, &user, &client];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_CONSENT, values).await?;
            rows.first().map(consent).transpose()
        })
    }

    fn list_consents(&self, tenant: TenantId, user: UserId) -> Pending<'_, Vec<Consent>> {
        Box::pin(async move {
            let values: Values<'_> = &[&tenant.as_uuid(), &user.as_uuid()];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LIST_CONSENTS, values).await?;
            rows.iter().map(consent).collect()
        })
    }

    fn load_browser_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        now: UnixMillis,
    ) -> Pending<'_, Option<(Session, User)>> {
        Box::pin(async move {
            let (id, session, now) = (tenant.as_uuid(), session.as_uuid(), now.as_millis());
            let values: Values<'_> = &[&id, &session, &now];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_BROWSER_SESSION, values).await?;
            let found = rows.first();
            found
                .map(|row| Ok((row::session(row)?, row::user(row)?)))
                .transpose()
        })
    }

    fn load_session_clients(
        &self,
        tenant: TenantId,
        session: SessionId,
    ) -> Pending<'_, Vec<(String, Option<String>)>> {
        Box::pin(async move {
            let (id, session) = (tenant.as_uuid(), session.as_uuid());
            let values: Values<'_> = &[&id, &session];
            let scope = Scope::Tenant(tenant);
            let rows = self.pool().run(scope, LOAD_SESSION_CLIENTS, values).await?;
            rows.iter()
                .map(|row| Ok((row::get(row, "client_id")?, row::get(row, "sector")?)))
                .collect()
        })
    }
}
