//! Proof that a key is held: by DPoP (RFC 9449), or by a certificate (RFC 8705).
//!
//! A proof is judged by what it says alone, and then its `jti` is claimed in the store: once, on every
//! node and across restarts, for as long as the proof could be accepted. A nonce of ours is given with
//! each answer, and demanded of clients that are held to FAPI 2.0.

use aws_lc_rs::digest::{SHA256, digest};
use domain::client::Client;
use domain::rejection::{OAuthCode, Refusal, Rejection};
use protocol::access_token::Confirmation;
use protocol::dpop::{self, BadProof, Expected, NonceRule, Proof};

use super::{Act, Flows, SKEW};

/// A proof as it came with a request.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The header's text.
    pub proof: String,
    /// The request's method.
    pub method: &'static str,
    /// The request's path after the issuer.
    pub path: String,
}

/// What tokens are bound to; nothing: whoever holds the token may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// The thumbprint of a key (RFC 9449 §6.1).
    jkt: Option<String>,
    /// The thumbprint of a certificate (RFC 8705 §3.1).
    certificate: Option<String>,
}

// === impl Bound ===

impl Bound {
    /// Judges the proof that came, if any, and takes the certificate, if the client registered that its
    /// tokens are bound to one.
    ///
    /// # Errors
    /// `invalid_dpop_proof`, also where the client must prove a key and did not; `use_dpop_nonce`;
    /// `invalid_request` where it must show a certificate and did not; or a fault.
    pub(crate) async fn prove(
        flows: &Flows,
        act: &Act,
        client: Option<&Client>,
        presented: Option<&Presented>,
    ) -> Result<Self, Rejection> {
        let certificate = certificate(act, client)?;
        let is_demanded = client.is_some_and(|client| client.metadata.dpop_bound_access_tokens);
        let jkt = match presented.filter(|_| flows.settings.dpop.enabled) {
            Some(presented) => {
                let nonce = nonce_rule(flows, client);
                let checked = Box::pin(check(flows, act, presented, (None, nonce)));
                Some(checked.await?.jkt)
            }
            None if is_demanded => {
                return Err(invalid("this client must prove a key (RFC 9449 §5.2)").into());
            }
            None => None,
        };
        Ok(Self { jkt, certificate })
    }

    /// Gives the key's thumbprint.
    #[must_use]
    pub fn jkt(&self) -> Option<&str> {
        self.jkt.as_deref()
    }

    /// Gives the certificate's thumbprint.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Gives what tokens bound so say of it.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        let Self { jkt, certificate } = self.clone();
        (jkt.is_some() || certificate.is_some()).then_some(Confirmation {
            jkt,
            x5t_s256: certificate,
        })
    }

    /// Gives the type that tokens bound so have (RFC 6749 §7.1, RFC 9449 §5). One that is bound to a
    /// certificate alone is a bearer token still (RFC 8705 §3).
    #[must_use]
    pub const fn token_type(&self) -> &'static str {
        match self.jkt {
            None => "Bearer",
            Some(_) => "DPoP",
        }
    }
}

/// Gives the certificate that the client's tokens are bound to. RFC 8705 §3.4 leaves it to us whether
/// a client that forgot its certificate gets tokens without: it does not.
fn certificate(act: &Act, client: Option<&Client>) -> Result<Option<String>, Refusal> {
    let is_bound =
        client.is_some_and(|client| client.metadata.tls_client_certificate_bound_access_tokens);
    if !is_bound {
        return Ok(None);
    }
    let shown = act.certificate.as_deref().ok_or_else(|| {
        let hint = "this client must show its certificate (RFC 8705 §3.4)";
        Refusal::oauth(OAuthCode::InvalidRequest, hint)
    })?;
    Ok(Some(shown.thumbprint()))
}

/// Judges a proof, and claims it.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`; or a fault: a proof whose claim is unknown is not accepted.
///
/// # Cancel safety
/// The proof may be spent without an answer; the client makes another.
pub(crate) async fn check(
    flows: &Flows,
    act: &Act,
    presented: &Presented,
    (access_token, nonce): (Option<&str>, NonceRule<'_>),
) -> Result<Proof, Rejection> {
    let settings = &flows.settings.dpop;
    let uri = format!("{}{}", act.issuer, presented.path);
    let expected = Expected {
        method: presented.method,
        uri: &uri,
        now: act.now,
        window: settings.jti_window,
        access_token,
        nonce,
    };
    let proof = Proof::check(&presented.proof, &expected).map_err(|bad| match bad {
        BadProof::UseNonce => use_nonce(flows, act),
        BadProof::Invalid(_) => invalid("the DPoP proof does not fit this request, or is too old"),
    })?;
    let key = spent_key(&proof);
    // As long as any node's clock may still take it.
    let until = proof.accept_until + SKEW;
    let claimed = flows.spent.claim_id(act.tenant.id, key, until);
    if act.wait(claimed).await? {
        return Ok(proof);
    }
    Err(invalid("the DPoP proof was used before").into())
}

/// Says whether a client's proofs must carry a nonce of ours: those of clients held to FAPI 2.0, so
/// that none can be made in advance (RFC 9449 §11.2).
fn nonce_rule<'a>(flows: &'a Flows, client: Option<&Client>) -> NonceRule<'a> {
    if client.is_some_and(|client| client.metadata.fapi_2_0) {
        NonceRule::Required {
            secrets: &flows.secrets,
            ttl: flows.settings.dpop.nonce_ttl,
        }
    } else {
        NonceRule::Optional
    }
}

/// Gives a nonce for the next proof (RFC 9449 §8).
#[must_use]
pub fn issue_nonce(flows: &Flows, act: &Act) -> String {
    dpop::nonce::issue(&flows.secrets, act.now)
}

/// Names a proof by its key and its id: another key's proof may have the same id.
fn spent_key(proof: &Proof) -> [u8; 32] {
    let text = format!("dpop\n{}\n{}", proof.jkt, proof.jti);
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}

fn invalid(hint: &'static str) -> Refusal {
    Refusal::oauth(OAuthCode::InvalidDpopProof, hint)
}

fn use_nonce(flows: &Flows, act: &Act) -> Refusal {
    let mut refusal = Refusal::oauth(
        OAuthCode::UseDpopNonce,
        "the DPoP proof must carry the nonce of this answer",
    );
    refusal.dpop_nonce = Some(issue_nonce(flows, act));
    refusal
}
