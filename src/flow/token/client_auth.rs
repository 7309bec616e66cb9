//! Authenticating the client at the token endpoint (RFC 6749 §2.3, §3.2.1).
//!
//! A client secret has full entropy and our signature in it: a guess is refused by one HMAC before
//! any look-up, and what is stored is that signature, never the secret. During a rotation two
//! secrets are live.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::{Client, ClientSecret, FIRST_PARTY};
use domain::rejection::{Fault, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use protocol::opaque::RandomToken;

use crate::flow::{Act, Flows};

/// The registered method of a client without a secret (RFC 7591 §2).
pub const METHOD_NONE: &str = "none";

/// How a client says who it is.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not at all: the first-party API.
    None,
    /// By its public name alone.
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
    /// A registered client whose secret was right.
    Confidential(Arc<Client>),
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
/// `invalid_client` for an unknown or disabled client, a wrong secret, a missing one, or one too
/// many; a fault when the store is away.
pub(crate) async fn authenticate(
    flows: &Flows,
    act: &Act,
    auth: ClientAuth,
) -> Result<KnownClient, Rejection> {
    let (id, signature) = match auth {
        ClientAuth::None => return Ok(KnownClient::FirstParty),
        ClientAuth::Id(id) if id == FIRST_PARTY => return Ok(KnownClient::FirstParty),
        ClientAuth::Id(id) => (id, None),
        ClientAuth::Secret { id, secret, .. } => {
            let parsed = RandomToken::ClientSecret.parse(&flows.secrets, secret.expose());
            (id, Some(parsed.map_err(|_| invalid_client())?))
        }
    };
    let client = load_client(flows, act, &id)
        .await?
        .filter(|client| !client.disabled);
    let client = client.ok_or_else(invalid_client)?;
    match signature {
        None if is_public(&client) => Ok(KnownClient::Public(client)),
        Some(signature) if is_live_secret(&client, &signature, act.now) => {
            Ok(KnownClient::Confidential(client))
        }
        _ => Err(invalid_client().into()),
    }
}

/// Gives a client; from memory only while this node hears of changes within a second, since a
/// disabled client or a replaced secret must be refused everywhere by then (CONTRACT §11).
async fn load_client(flows: &Flows, act: &Act, id: &str) -> Result<Option<Arc<Client>>, Fault> {
    let (tenants, tenant) = (&flows.tenants, act.tenant.id);
    if flows.sessions.denylist().is_fresh() {
        return tenants.client(tenant, id, act.deadline).await;
    }
    tenants.client_anew(tenant, id, act.deadline).await
}

/// Writes a secret's signature as it is stored with its client.
pub(crate) fn stored_signature(signature: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(signature)
}

fn is_public(client: &Client) -> bool {
    client.metadata.token_endpoint_auth_method == METHOD_NONE
}

fn is_live_secret(client: &Client, signature: &[u8], now: UnixMillis) -> bool {
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
    fn rfc_6749_5_2_a_grant_that_is_not_registered_is_unauthorized() {
        let known = KnownClient::Confidential(Arc::new(client("client_secret_post", Vec::new())));
        assert!(known.require_grant("client_credentials").is_ok());
        let refused = known
            .require_grant("refresh_token")
            .expect_err("not registered");
        assert_eq!(refused.oauth, Some(OAuthCode::UnauthorizedClient));
        assert!(
            KnownClient::FirstParty
                .require_grant("refresh_token")
                .is_ok()
        );
    }
}
