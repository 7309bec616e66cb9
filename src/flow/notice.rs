//! Telling a client that a session it knows has ended (OpenID Connect Back-Channel Logout §2.5).
//!
//! The logout token is made when it is sent, so that it is fresh however often that is tried: in the
//! algorithm of the client's ID tokens, about the person and the sign-in as the client knows them. It goes
//! through the egress guard to the address that the client has registered by then. What the client
//! answers is believed as far as its status; what goes wrong is tried again by whoever asks.

use std::sync::Arc;
use std::time::Duration;

use actors::deadline::Deadline;
use actors::notices::Teller;
use domain::client::Client;
use domain::event::{Actor, Origin};
use domain::id::RequestId;
use domain::notice::Notice;
use domain::rejection::Fault;
use domain::tenant::Tenant;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::oidc::logout::{Ended, LogoutToken, TYPE};
use url::Url;

use super::issuer::issuer_of;
use super::token::{id_token, mint};
use super::{Act, Flows, clients, signature, subject};

/// Tells clients by a signed logout token.
pub struct ByLogoutToken(pub Arc<Flows>);

/// How long finding the client and its key may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// The form's one field (§2.5).
const FIELD: &str = "logout_token";

impl Teller for ByLogoutToken {
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>> {
        tell(&self.0, notice).boxed()
    }
}

/// Tells a client, if it is there and wants to know.
async fn tell(flows: &Flows, notice: Notice) -> Result<(), String> {
    let tenants = flows.tenants.directory();
    let Some(tenant) = tenants.by_id(notice.id.tenant) else {
        return Ok(());
    };
    let act = act(flows, tenant);
    let found = clients::find(flows, &act, &notice.id.client).await;
    let found = found.map_err(|fault| fault.to_string())?;
    let Some(client) = found.filter(|client| !client.disabled) else {
        return Ok(());
    };
    let Some(uri) = &client.metadata.backchannel_logout_uri else {
        return Ok(());
    };
    let url = Url::parse(uri).map_err(|_| "the registered address is none".to_owned())?;
    let token = mint_token(flows, &act, &client, &notice).await;
    let token = token.map_err(|fault| fault.to_string())?;
    let posted = flows.egress.post(&url, &[(FIELD, &token)]).await;
    posted.map_err(|reason| reason.to_string())
}

/// Mints the token (§2.4).
async fn mint_token(
    flows: &Flows,
    act: &Act,
    client: &Client,
    notice: &Notice,
) -> Result<String, Fault> {
    subject::prepare(flows, act).await?;
    let sector = subject::sector_of_grant(notice.sector.as_deref(), Some(client))?;
    let ids = (notice.user, notice.id.session);
    let names = subject::names(flows, act, ids, sector.as_deref())?;
    let ended = Ended {
        issuer: &act.issuer,
        client: &client.id,
        subject: &names.subject,
        session: Some(&names.session),
    };
    let token = LogoutToken::new(&ended, mint::new_jti(flows), act.now);
    let wanted = id_token::algorithm_of(client);
    signature::sign(flows, act, wanted, (TYPE, &token)).await
}

fn act(flows: &Flows, tenant: &Arc<Tenant>) -> Act {
    let now = flows.clock.now();
    Act {
        issuer: issuer_of(&flows.settings, tenant),
        origin: Origin {
            tenant: tenant.id,
            actor: Actor::System,
            address: None,
            user_agent: None,
            request: RequestId::generate(now, flows.random.as_ref()),
            claimed_in: None,
            at: now,
        },
        may_appoint: false,
        network: None,
        certificate: None,
        language: None,
        deadline: Deadline::after(PATIENCE),
        tenant: Arc::clone(tenant),
        now,
    }
}
