//! Token exchange: who may act for whom with whose token, and what comes of it (RFC 8693).
//!
//! The token that comes of an exchange always says who acts ([`ActingParty`], §4.1): nobody becomes
//! somebody else. What may be exchanged depends on how the client stands to the token: it was issued to
//! the client, or it is for a resource that the client is, or it is for us and the client was given it.
//! Scope, audience and lifetime only shrink from there; see [`Exchanger`] and
//! `docs/decisions/0010-acting-for-others.md`.
//!
//! Whether the token was revoked, and whether those it names may still act, is asked by the flow above.

use serde::{Deserialize, Serialize};

use super::resource::{self, InvalidTarget, is_same};
use crate::access_token::{AccessClaims, Audience, Confirmation};

/// The grant's registered name (§2.1).
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The type of an access token (§3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The type of a JWT (§3), which our access tokens are too.
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// The type of an ID token (§3), which is exchanged for an ID-JAG alone.
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// How many may act for one subject, one on behalf of the other.
pub const MAX_DEPTH: usize = 5;

/// Who acts, and on whose behalf they do: the member `act` (§4.1). The outermost acts now; those inside
/// are history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActingParty {
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Box<ActingParty>>,
}

/// A client that exchanges tokens, as it is registered.
#[derive(Debug, Clone, Copy)]
pub struct Exchanger<'a> {
    /// Its name.
    pub client_id: &'a str,
    /// Which resources it is itself.
    pub own_resources: &'a [String],
    /// Which resources its tokens may be for.
    pub audiences: &'a [String],
    /// Our own name.
    pub issuer: &'a str,
}

/// How a client stands to a token that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The token was issued to it: it may have the same for less.
    Holder,
    /// The token is for a resource that the client is: it goes on to what it is registered for.
    Recipient,
    /// The token is for us, and somebody gave it to the client to act for them.
    Bringer,
}

/// What was proved with the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proved<'a> {
    /// The thumbprint of a key (RFC 9449 §6.1).
    pub jkt: Option<&'a str>,
    /// The thumbprint of a certificate (RFC 8705 §3.1).
    pub certificate: Option<&'a str>,
}

/// The token is not exchanged: `invalid_request` (§2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unexchangeable {
    /// It is neither the client's own nor for it nor for us.
    #[error("The token was neither issued to this client nor is it for it.")]
    NotTheirs,
    /// It is bound to a key or a certificate that was not proved.
    #[error("The token is bound; prove its key or certificate with the request (RFC 9449 §5).")]
    Unproved,
    /// Too many act for one another already.
    #[error("No more than five may act for one another.")]
    TooDeep,
}

// === impl ActingParty ===

impl ActingParty {
    /// Puts an actor before those who acted so far (§4.1).
    ///
    /// # Errors
    /// [`Unexchangeable::TooDeep`] beyond [`MAX_DEPTH`].
    pub fn before(actor: &str, so_far: Option<&Self>) -> Result<Self, Unexchangeable> {
        if so_far.map_or(0, |chain| chain.subjects().count()) >= MAX_DEPTH {
            return Err(Unexchangeable::TooDeep);
        }
        Ok(Self {
            sub: actor.to_owned(),
            act: so_far.cloned().map(Box::new),
        })
    }

    /// Names everybody who acts, the present actor first.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self), |party| party.act.as_deref())
            .map(|party| party.sub.as_str())
    }
}

// === impl Exchanger ===

impl Exchanger<'_> {
    /// Says how the client stands to a token, if it may exchange it.
    ///
    /// A token that is bound to a key or a certificate is exchanged by whoever proves the same, or by the
    /// resource that it is for, which saw the proof.
    ///
    /// # Errors
    /// [`Unexchangeable::NotTheirs`], [`Unexchangeable::Unproved`].
    pub fn standing(
        &self,
        token: &AccessClaims,
        proved: Proved<'_>,
    ) -> Result<Standing, Unexchangeable> {
        let is_own = |name: &String| self.own_resources.iter().any(|own| is_same(own, name));
        let standing = if token.client_id == self.client_id {
            Standing::Holder
        } else if names(&token.aud).iter().any(is_own) {
            Standing::Recipient
        } else if token.aud.contains(self.issuer) {
            Standing::Bringer
        } else {
            return Err(Unexchangeable::NotTheirs);
        };
        if proved.covers(token.cnf.as_ref()) || standing == Standing::Recipient {
            Ok(standing)
        } else {
            Err(Unexchangeable::Unproved)
        }
    }

    /// Chooses whom the new token is for (§2.1 `resource`, `audience`): among those of the token for its
    /// holder, else among those that the client is registered for. Nothing is for us that came of what
    /// was not. Without a wish it is for what the token was for, else for the first registered.
    ///
    /// # Errors
    /// [`InvalidTarget`].
    pub fn choose_audience<'w>(
        &self,
        token: &AccessClaims,
        standing: Standing,
        wanted: impl IntoIterator<Item = &'w str>,
    ) -> Result<Audience, InvalidTarget> {
        let held = names(&token.aud);
        let allowed = match standing {
            Standing::Holder => held.to_vec(),
            Standing::Recipient | Standing::Bringer => self.reachable(token),
        };
        let mut chosen = resource::choose(&allowed, wanted)?;
        if chosen.is_empty() {
            chosen = allowed
                .iter()
                .filter(|one| held.contains(one))
                .cloned()
                .collect();
        }
        if chosen.is_empty() {
            chosen = allowed.into_iter().take(1).collect();
        }
        into_audience(chosen).ok_or(InvalidTarget)
    }

    /// Gives what the client is registered for; without anything registered that is us.
    fn reachable(&self, token: &AccessClaims) -> Vec<String> {
        let ours = [self.issuer.to_owned()];
        let registered = if self.audiences.is_empty() {
            &ours
        } else {
            self.audiences
        };
        let is_for_us = token.aud.contains(self.issuer);
        let is_open = |name: &&String| is_for_us || !is_same(self.issuer, name);
        registered.iter().filter(is_open).cloned().collect()
    }
}

// === impl Proved ===

impl Proved<'_> {
    /// Says whether all that a token is bound to was proved.
    fn covers(self, bound: Option<&Confirmation>) -> bool {
        let is = |bound: &Option<String>, proved: Option<&str>| {
            bound.as_deref().is_none_or(|bound| Some(bound) == proved)
        };
        match bound {
            None => true,
            // It says that it is bound and not to what.
            Some(Confirmation {
                jkt: None,
                x5t_s256: None,
            }) => false,
            Some(Confirmation { jkt, x5t_s256 }) => {
                is(jkt, self.jkt) && is(x5t_s256, self.certificate)
            }
        }
    }
}

fn names(audience: &Audience) -> &[String] {
    match audience {
        Audience::One(only) => std::slice::from_ref(only),
        Audience::Many(several) => several,
    }
}

fn into_audience(mut names: Vec<String>) -> Option<Audience> {
    if names.len() > 1 {
        return Some(Audience::Many(names));
    }
    names.pop().map(Audience::One)
}

#[cfg(test)]
mod tests;
