//! A client and a request with which everything is right, for tests to change.

use domain::authorization::AuthorizationRequest;
use domain::client::{Client, ClientMetadata, ClientType};
use domain::id::TenantId;
use domain::random::Counting;
use domain::time::UnixMillis;

use super::super::parameters::Parameters;
use super::{Arrived, AuthorizationErrorCode as Code, check, choose_target};

pub(crate) const CALLBACK: &str = "https://app.example.org/callback";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A confidential web application.
pub(crate) fn client() -> Client {
    let now = UnixMillis::from_millis(1);
    let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Client {
        tenant: TenantId::generate(now, &Counting::default()),
        id: "client_x".to_owned(),
        name: "X".to_owned(),
        client_type: ClientType::Web,
        disabled: false,
        metadata: ClientMetadata {
            redirect_uris: own(&[CALLBACK]),
            grant_types: own(&["authorization_code", "refresh_token"]),
            scopes: own(&["openid", "email", "offline_access"]),
            authorization_details_types: own(&["payment", "a"]),
            token_endpoint_auth_method: "private_key_jwt".to_owned(),
            audiences: own(&["https://api.example.org"]),
            ..ClientMetadata::default()
        },
        secrets: Vec::new(),
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// A good request with these parameters changed; an empty value leaves one out.
pub(crate) fn parameters(changes: &[(&str, &str)]) -> Parameters {
    let good = [
        ("client_id", "client_x"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good
        .into_iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let pairs = kept.chain(changes.iter().copied());
    Parameters::collect(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .expect("parameters")
}

/// Judges a plain, unsigned request of a client.
pub(crate) fn judge_for(
    client: &Client,
    changes: &[(&str, &str)],
) -> Result<AuthorizationRequest, Code> {
    arrive(client, changes, Arrived::Plain, false)
}

/// Judges a plain, unsigned request of the good client.
pub(crate) fn judge(changes: &[(&str, &str)]) -> Result<AuthorizationRequest, Code> {
    judge_for(&client(), changes)
}

/// Judges a request that came in some way.
pub(crate) fn arrive(
    client: &Client,
    changes: &[(&str, &str)],
    how: Arrived,
    is_signed: bool,
) -> Result<AuthorizationRequest, Code> {
    let parameters = parameters(changes);
    let target = choose_target(&parameters, client).expect("a target");
    check(&parameters, client, &target, how, is_signed).map_err(|error| error.code)
}

/// The good client with something changed.
pub(crate) fn changed(change: impl FnOnce(&mut Client)) -> Client {
    let mut client = client();
    change(&mut client);
    client
}
