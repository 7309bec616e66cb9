//! Which clients the browser itself tells that a sign-in has ended (OpenID Connect Front-Channel Logout
//! 1.0): those with a family in it that registered a `frontchannel_logout_uri`.
//!
//! A client that describes itself in a document is not asked: nobody fetches a document while a person
//! waits to be signed out.

use domain::client::Client;
use domain::rejection::Fault;
use url::Url;

use crate::flow::browser::Browser;
use crate::flow::{Act, Flows, clients, subject};

/// The most frames of one page.
const MOST: usize = 20;

/// Gives the addresses that the browser is to open, each with the issuer and the sign-in as its client
/// knows it (§3: `iss` and `sid`).
///
/// # Errors
/// A fault when the store is away.
///
/// # Cancel safety
/// Reads only.
pub(super) async fn addresses(
    flows: &Flows,
    act: &Act,
    browser: &Browser,
) -> Result<Vec<String>, Fault> {
    let (tenant, session) = (act.tenant.id, browser.session.id);
    let known = flows.authorizations.load_session_clients(tenant, session);
    let mut found = Vec::new();
    for (id, sector) in act.wait(known).await? {
        if clients::is_url(&id) || found.len() >= MOST {
            continue;
        }
        let client = clients::find(flows, act, &id).await?;
        let Some(client) = client.filter(|client| !client.disabled) else {
            continue;
        };
        found.extend(address(flows, act, (&client, sector.as_deref()), browser).await?);
    }
    Ok(found)
}

async fn address(
    flows: &Flows,
    act: &Act,
    (client, sector): (&Client, Option<&str>),
    browser: &Browser,
) -> Result<Option<String>, Fault> {
    let uri = client.metadata.frontchannel_logout_uri.as_deref();
    let Some(mut url) = uri.and_then(|uri| Url::parse(uri).ok()) else {
        return Ok(None);
    };
    let sector = subject::sector_of_grant(sector, Some(client))?;
    subject::prepare(flows, act).await?;
    let ids = (browser.user.id, browser.session.id);
    let names = subject::names(flows, act, ids, sector.as_deref())?;
    url.query_pairs_mut()
        .append_pair("iss", &act.issuer)
        .append_pair("sid", &names.session);
    Ok(Some(url.into()))
}
