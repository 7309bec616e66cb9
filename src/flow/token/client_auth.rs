//! Authenticating the client at the token endpoint (RFC 6749 §2.3, §3.2.1).
//!
//! A client secret has full entropy and our signature in it: a guess is refused by one HMAC before
//! any look-up, and what is stored is that signature, never the secret. During a rotation two
//! secrets are live. An assertion is `assertion`'s to judge, a certificate `certificate`'s.
//!
//! A client may use the one method it registered (RFC 7591 §2). Which that is, is told only to whoever
//! has the right credential.
//!
//! Failures are counted by tenant and network. A network that fails too often is told to wait instead
//! of what was wrong; a right credential is accepted all the same, because no such credential can be
//! guessed and a network has many clients.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::{CONSOLE, Client, ClientSecret, FIRST_PARTY};
use domain::rejection::{Code, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use protocol::opaque::RandomToken;

use crate::flow::{Act, Flows, clients, console};

mod assertion;
mod certificate;
mod key;

pub(crate) use key::authenticate_or_key;

/// The registered method of a client that sends its secret by HTTP Basic (RFC 7591 §2).
pub const METHOD_BASIC: &str = "client_secret_basic";
/// The registered method of a client that sends its secret in the body.
pub const METHOD_POST: &str = "client_secret_post";
/// The registered method of a client that signs assertions (OpenID Connect Core §9).
pub const METHOD_PRIVATE_KEY_JWT: &str = "private_key_jwt";
/// The registered method of a client whose certificate an authority signed (RFC 8705 §2.1).
pub const METHOD_TLS: &str = "tls_client_auth";
/// The registered method of a client whose certificate it registered itself (RFC 8705 §2.2).
pub const METHOD_SELF_SIGNED_TLS: &str = "self_signed_tls_client_auth";
/// The registered method of a client that does not authenticate.
pub const METHOD_NONE: &str = "none";

/// How often a network may fail to authenticate a client in a [`WINDOW`].
const MOST_FAILURES: u64 = 100;
const WINDOW: Duration = Duration::from_mins(1);

/// How a client says who it is.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not at all: the first-party API.
    None,
    /// By its public name alone; its certificate may prove it (RFC 8705 §2).
    Id(String),
    /// By a secret.
    Secret {
        /// Its public name.
        id: String,
        /// The secret.
        secret: SecretText,
        /// How it was sent.
        method: AuthMethod,
    },
    /// By an assertion that it signed (RFC 7523 §2.2).
    Assertion {
        /// The public name that the assertion says.
        id: String,
        /// The assertion.
        assertion: SecretText,
    },
    /// By being this process: the operators' console. No door makes one of these.
    Console,
    /// By an API key of its own, where one is taken.
    ApiKey {
        /// Its public name, if it says that too.
        id: Option<String>,
        /// The key.
        key: SecretText,
    },
}

/// How a client secret was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// HTTP Basic: `client_secret_basic`.
    Basic,
    /// In the body: `client_secret_post`.
    Post,
}

/// A client that proved who it is.
#[derive(Debug, Clone)]
pub(crate) enum KnownClient {
    /// The first-party API, which is registered nowhere.
    FirstParty,
    /// A registered client without a secret.
    Public(Arc<Client>),
    /// A registered client whose secret, assertion or certificate was right.
    Confidential(Arc<Client>),
}

// === impl ClientAuth ===

impl ClientAuth {
    /// Gives the public name it says, proved or not.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::ApiKey { id, .. } => id.as_deref(),
            Self::Id(id) | Self::Secret { id, .. } | Self::Assertion { id, .. } => Some(id),
            Self::Console => Some(CONSOLE),
        }
    }
}

// === impl AuthMethod ===

impl AuthMethod {
    /// Gives the method's registered name.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => METHOD_BASIC,
            Self::Post => METHOD_POST,
        }
    }
}

// === impl KnownClient ===

impl KnownClient {
    /// Gives its public name.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::FirstParty => FIRST_PARTY,
            Self::Public(client) | Self::Confidential(client) => &client.id,
        }
    }

    /// Gives its registration, shared.
    pub(crate) fn registered(&self) -> Option<Arc<Client>> {
        match self {
            Self::FirstParty => None,
            Self::Public(client) | Self::Confidential(client) => Some(Arc::clone(client)),
        }
    }

    /// Says whether it does not authenticate.
    pub(crate) const fn is_public(&self) -> bool {
        matches!(self, Self::Public(_))
    }

    /// Gives its registration.
    pub(crate) fn registration(&self) -> Option<&Client> {
        match self {
            Self::FirstParty => None,
            Self::Public(client) | Self::Confidential(client) => Some(client),
        }
    }

    /// Refuses a registered client that may not use a grant. The first-party API may refresh.
    ///
    /// # Errors
    /// `unauthorized_client`.
    pub(crate) fn require_grant(&self, grant: &str) -> Result<(), Refusal> {
        let may = self.registration().is_none_or(|client| {
            client
                .metadata
                .grant_types
                .iter()
                .any(|known| known == grant)
        });
        if may {
            return Ok(());
        }
        Err(Refusal::oauth(
            OAuthCode::UnauthorizedClient,
            "This client is not registered for this grant.",
        ))
    }
}

/// Authenticates a client.
///
/// # Errors
/// `invalid_client` for an unknown or disabled client, a wrong credential, a missing one, one too
/// many, one of another kind than was registered, or an assertion that was used before; 429 for a
/// network that failed too often; a fault when the store is away.
///
/// # Cancel safety
/// An assertion may be spent without an answer; the client signs another.
pub(crate) async fn authenticate(
    flows: &Flows,
    act: &Act,
    auth: ClientAuth,
) -> Result<KnownClient, Rejection> {
    let judged = judge(flows, act, auth).await;
    if let Err(Rejection::Refused(_)) = judged {
        Box::pin(count_failure(flows, act)).await?;
    }
    judged
}

/// What is seldom done is boxed, so that whoever sends a secret carries no room for it.
async fn judge(flows: &Flows, act: &Act, auth: ClientAuth) -> Result<KnownClient, Rejection> {
    match auth {
        ClientAuth::None => Ok(KnownClient::FirstParty),
        ClientAuth::ApiKey { .. } => Err(no_place_for_keys().into()),
        ClientAuth::Id(id) if id == FIRST_PARTY => Ok(KnownClient::FirstParty),
        ClientAuth::Console => {
            let client = console::shared_client(flows, act);
            Ok(KnownClient::Confidential(client))
        }
        ClientAuth::Id(id) => {
            let client = load_live_client(flows, act, &id).await?;
            if is_public(&client) {
                return Ok(KnownClient::Public(client));
            }
            Box::pin(certificate::check(flows, act, &client)).await?;
            Ok(KnownClient::Confidential(client))
        }
        ClientAuth::Secret { id, secret, method } => {
            let parsed = RandomToken::ClientSecret.parse(&flows.secrets, secret.expose());
            let signature = parsed.map_err(|_| invalid_client())?;
            let client = load_live_client(flows, act, &id).await?;
            check_secret(&client, &signature, act.now)?;
            require_method(&client, method.as_str())?;
            Ok(KnownClient::Confidential(client))
        }
        ClientAuth::Assertion { id, assertion } => {
            let client = load_live_client(flows, act, &id).await?;
            Box::pin(assertion::check(flows, act, &client, assertion.expose())).await?;
            Ok(KnownClient::Confidential(client))
        }
    }
}

/// Counts a failure against its network.
///
/// # Errors
/// 429 once there are too many.
async fn count_failure(flows: &Flows, act: &Act) -> Result<(), Rejection> {
    let Some(network) = act.network else {
        return Ok(());
    };
    let (tenant, from) = (act.tenant.id, network.address());
    let key = format!("client-authentication/{tenant}/from/{from}");
    let spent = flows
        .limits
        .spend(key, MOST_FAILURES, WINDOW, act.deadline)
        .await?;
    let too_many = "Too many clients failed to authenticate from this network. Try again later.";
    spent.map_err(|rest| Refusal::new(Code::RateLimited, too_many).retry_after(rest))?;
    Ok(())
}

/// Gives a client that may be used.
async fn load_live_client(flows: &Flows, act: &Act, id: &str) -> Result<Arc<Client>, Rejection> {
    let client = clients::find(flows, act, id).await?;
    let client = client.filter(|client| !client.disabled);
    Ok(client.ok_or_else(invalid_client)?)
}

/// Writes a secret's signature as it is stored with its client.
pub(crate) fn stored_signature(signature: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(signature)
}

fn is_public(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method == METHOD_NONE
}

/// Refuses a client that registered another method, and tells it which (RFC 7591 §2).
fn require_method(client: &Client, method: &str) -> Result<(), Refusal> {
    let registered = client.metadata.token_endpoint_auth_method.as_str();
    if registered == method {
        return Ok(());
    }
    let hint = format!("This client registered {registered} and may authenticate by that alone.");
    Err(Refusal::oauth(OAuthCode::InvalidClient, hint))
}

fn check_secret(client: &Client, signature: &[u8], now: UnixMillis) -> Result<(), Refusal> {
    is_live_secret(client, signature, now)
        .then_some(())
        .ok_or_else(invalid_client)
}

/// Says whether a signature is that of a secret that still works.
pub(crate) fn is_live_secret(client: &Client, signature: &[u8], now: UnixMillis) -> bool {
    let presented = stored_signature(signature);
    let fits = |secret: &ClientSecret| {
        let stored = secret.signature.as_bytes();
        verify_slices_are_equal(stored, presented.as_bytes()).is_ok()
    };
    let is_live = |secret: &ClientSecret| secret.expires_at.is_none_or(|end| now < end);
    !is_public(client)
        && client
            .secrets
            .iter()
            .any(|secret| is_live(secret) && fits(secret))
}

fn no_place_for_keys() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidClient,
        "An API key authenticates its client at introspection and revocation alone.",
    )
}

fn invalid_client() -> Refusal {
    Refusal::oauth(
        OAuthCode::InvalidClient,
        "The client is unknown or disabled, or its credential is wrong.",
    )
}

#[cfg(test)]
mod tests {
    use domain::client::{ClientMetadata, ClientType};
    use domain::id::TenantId;
    use domain::random::Counting;

    use super::*;

    fn client(method: &str, secrets: Vec<ClientSecret>) -> Client {
        let now = UnixMillis::from_seconds(1);
        Client {
            tenant: TenantId::generate(now, &Counting::default()),
            id: "client_x".to_owned(),
            name: "x".to_owned(),
            client_type: ClientType::Service,
            disabled: false,
            metadata: ClientMetadata {
                token_endpoint_auth_method: method.to_owned(),
                grant_types: vec!["client_credentials".to_owned()],
                ..ClientMetadata::default()
            },
            secrets,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    fn secret(byte: u8, expires_at: Option<i64>) -> ClientSecret {
        ClientSecret {
            signature: stored_signature(&[byte; 32]),
            created_at: UnixMillis::from_seconds(1),
            expires_at: expires_at.map(UnixMillis::from_seconds),
        }
    }

    #[test]
    fn two_secrets_are_live_during_a_rotation_and_one_after_it() {
        let client = client(
            "client_secret_basic",
            vec![secret(2, None), secret(1, Some(100))],
        );
        let is_live = |byte, at| is_live_secret(&client, &[byte; 32], UnixMillis::from_seconds(at));
        assert!(is_live(1, 99) && is_live(2, 99));
        assert!(!is_live(1, 100) && is_live(2, 100));
        assert!(!is_live(3, 99));
    }

    #[test]
    fn a_public_client_has_no_secret_that_works() {
        let client = client(METHOD_NONE, vec![secret(1, None)]);
        assert!(!is_live_secret(
            &client,
            &[1; 32],
            UnixMillis::from_seconds(2)
        ));
        assert!(is_public(&client));
    }

    #[test]
    fn rfc_7591_2_the_registered_method_is_the_only_one() {
        let client = client(METHOD_POST, vec![secret(1, None)]);
        assert!(require_method(&client, AuthMethod::Post.as_str()).is_ok());
        let refused = require_method(&client, AuthMethod::Basic.as_str()).expect_err("refused");
        assert_eq!(refused.oauth, Some(OAuthCode::InvalidClient));
        assert!(refused.hint.contains(METHOD_POST), "{}", refused.hint);
        assert!(require_method(&client, METHOD_PRIVATE_KEY_JWT).is_err());
    }

    #[test]
    fn rfc_6749_5_2_a_grant_that_is_not_registered_is_unauthorized() {
        let known = KnownClient::Confidential(Arc::new(client("client_secret_post", Vec::new())));
        assert!(known.require_grant("client_credentials").is_ok());
        let refresh = "refresh_token";
        let refused = known.require_grant(refresh).expect_err("not registered");
        assert_eq!(refused.oauth, Some(OAuthCode::UnauthorizedClient));
        assert!(KnownClient::FirstParty.require_grant(refresh).is_ok());
    }
}
