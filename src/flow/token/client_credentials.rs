//! A client gets a token for itself (RFC 6749 §4.4), for resources it registered (RFC 8707).

use domain::client::Client;
use domain::event::{Actor, EventKind};
use domain::rejection::{OAuthCode, Refusal, Rejection};
use domain::scope::ScopeSet;
use protocol::access_token::Audience;
use protocol::oauth::resource::{self, InvalidTarget};
use serde_json::json;

use super::TokenReply;
use super::client_auth::{self, ClientAuth, KnownClient};
use super::mint::{self, Terms};
use super::refresh::{narrow, parse_scope};
use crate::flow::proof::{Bound, Presented};
use crate::flow::{Act, Flows};

/// Give a client a token for itself.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Who asks; must prove it with a secret.
    pub client: ClientAuth,
    /// What the token is to be for; absent: all that is registered.
    pub scope: Option<String>,
    /// Which resources it is for (RFC 8707 §2); none: the first registered.
    pub resource: Vec<String>,
    /// The proof of a key.
    pub proof: Option<Presented>,
}

/// The grant's registered name.
pub const GRANT: &str = "client_credentials";

/// Gives a client a token for itself; never a refresh token.
///
/// # Errors
/// `invalid_client`, `unauthorized_client`, `invalid_scope`, `invalid_target`; or a fault.
pub async fn client_credentials(
    flows: &Flows,
    act: &Act,
    message: ClientCredentials,
) -> Result<TokenReply, Rejection> {
    let wanted = parse_scope(message.scope.as_deref())?;
    let known = client_auth::authenticate(flows, act, message.client).await?;
    let KnownClient::Confidential(client) = &known else {
        return Err(Refusal::oauth(
            OAuthCode::InvalidClient,
            "This grant is for clients that authenticate.",
        )
        .into());
    };
    known.require_grant(GRANT)?;
    let registered = ScopeSet::from_stored(client.metadata.scopes.clone());
    let scope = narrow(&registered, wanted)?;
    let audience = choose_audience(&client.metadata.audiences, &act.issuer, &message.resource)?;
    let bound = Bound::prove(flows, act, Some(client), message.proof.as_ref()).await?;
    let terms = Terms {
        audience: Some(audience),
        bound: Some(&bound),
        ..Terms::default()
    };
    let minted = mint::for_client(flows, act, client, &scope, terms).await?;
    record(flows, act, client, &minted.jti).await?;
    Ok(TokenReply {
        issued: None,
        access: minted.access,
        kind: bound.token_type(),
        id_token: None,
        refresh: None,
        expires_in: minted.expires_in,
        scope,
        details: None,
        user: None,
    })
}

async fn record(flows: &Flows, act: &Act, client: &Client, jti: &str) -> Result<(), Rejection> {
    let actor = Actor::Client(client.id.clone());
    let entry = act
        .entry_by(actor, EventKind::TokenIssued)
        .about(&client.id)
        .through(&client.id)
        .with(json!({ "grant": GRANT, "jti": jti }));
    Ok(act.wait(flows.audit.append(vec![entry])).await?)
}

/// Chooses whom the token is for. A client without registered resources has one: us.
pub(super) fn choose_audience(
    registered: &[String],
    issuer: &str,
    wanted: &[String],
) -> Result<Audience, Refusal> {
    let ours = [issuer.to_owned()];
    let allowed = if registered.is_empty() {
        &ours
    } else {
        registered
    };
    let wanted = wanted.iter().map(String::as_str);
    let chosen = resource::choose(allowed, wanted).map_err(|InvalidTarget| invalid_target())?;
    if chosen.len() > 1 {
        return Ok(Audience::Many(chosen));
    }
    let only = chosen
        .into_iter()
        .next()
        .or_else(|| allowed.first().cloned());
    only.map(Audience::One).ok_or_else(invalid_target)
}

/// What a resource that the client may not have a token for is refused with (RFC 8707 §2).
pub(super) fn invalid_target() -> Refusal {
    Refusal::oauth(OAuthCode::InvalidTarget, InvalidTarget.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://auth.example.org";

    fn choose(registered: &[&str], wanted: &[&str]) -> Result<Audience, Refusal> {
        let own = |list: &[&str]| -> Vec<String> { list.iter().map(ToString::to_string).collect() };
        choose_audience(&own(registered), ISSUER, &own(wanted))
    }

    fn one(text: &str) -> Audience {
        Audience::One(text.to_owned())
    }

    #[test]
    fn without_a_resource_the_first_registered_one_is_meant() {
        assert_eq!(choose(&[], &[]), Ok(one(ISSUER)));
        assert_eq!(
            choose(&["https://a.example", "https://b.example"], &[]),
            Ok(one("https://a.example"))
        );
    }

    #[test]
    fn rfc_8707_2_1_slash_and_host_case_do_not_matter() {
        let registered = ["https://api.example.org/v1", "https://b.example"];
        assert_eq!(
            choose(&registered, &["https://API.example.org/v1/"]),
            Ok(one(registered[0]))
        );
        let both = choose(
            &registered,
            &["https://b.example/", registered[0], registered[0]],
        );
        let expected = vec![registered[1].to_owned(), registered[0].to_owned()];
        assert_eq!(both, Ok(Audience::Many(expected)));
    }

    #[test]
    fn so_many_resources_as_cost_seconds_to_compare_are_refused() {
        let wanted = vec!["https://a.example"; resource::MAX_RESOURCES + 1];
        assert!(choose(&["https://a.example"], &wanted).is_err());
        assert!(choose(&["https://a.example"], &wanted[1..]).is_ok());
    }

    #[test]
    fn rfc_8707_2_an_unregistered_resource_is_an_invalid_target() {
        for wanted in [
            "https://evil.example",
            "https://a.example/other",
            "nonsense",
            "https://a.example#x",
            "",
        ] {
            let refused = choose(&["https://a.example"], &[wanted]).expect_err(wanted);
            assert_eq!(refused.oauth, Some(OAuthCode::InvalidTarget));
        }
    }
}
