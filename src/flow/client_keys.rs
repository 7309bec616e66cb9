//! What a client signs with: its registered keys, and the algorithms it is held to. The keys of other
//! issuers whose word is taken are found in the same way.
//!
//! Assertions (RFC 7523 §2.2) and request objects (RFC 9101) are judged with both. A client that
//! registered an algorithm may use no other (OpenID Connect Registration §2), and under the FAPI 2.0
//! Security Profile only those of its §5.4.1 are left.
//!
//! Keys stand in the registration, or where its `jwks_uri` says: then they are fetched through the
//! egress guard and kept for as long as the answer says, a minute at least and an hour at most. A
//! signature by a key that is not among them is worth fetching them anew, once a minute for each
//! client. While they cannot be had nothing is accepted; those that were fetched and are fresh still
//! count.

use std::sync::Arc;
use std::time::Duration;

use domain::client::{Client, ClientMetadata};
use domain::rejection::Fault;
use protocol::jose::foreign::{ForeignAlgorithm, ForeignKeys};
use serde_json::Value;
use url::Url;

use super::kept::{Held, Kept, Key};
use super::{Act, Flows};

/// What clients may sign with, the preferred ones first.
pub const ALGORITHMS: [ForeignAlgorithm; 4] = [
    ForeignAlgorithm::Es256,
    ForeignAlgorithm::EdDsa,
    ForeignAlgorithm::Ps256,
    ForeignAlgorithm::Rs256,
];

/// Whose keys they are, and where they stand.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Whose.
    pub owner: &'a str,
    /// The keys themselves; then they alone count.
    pub jwks: Option<&'a Value>,
    /// Where they are published.
    pub jwks_uri: Option<&'a str>,
}

// === impl Source ===

impl<'a> From<&'a Client> for Source<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            owner: &client.id,
            jwks: client.metadata.jwks.as_ref(),
            jwks_uri: client.metadata.jwks_uri.as_deref(),
        }
    }
}

/// Keys that were fetched.
pub type KeptKeys = Kept<Arc<ForeignKeys>>;

/// How long fetched keys are kept at least; they are not fetched more often than that.
const LEAST: Duration = Duration::from_mins(1);
/// How long at most.
const MOST: Duration = Duration::from_hours(1);
/// How long if the answer does not say.
const USUAL: Duration = Duration::from_mins(5);

/// Gives somebody's keys, if they named usable ones.
///
/// # Errors
/// [`Fault::Upstream`] while they cannot be fetched; [`Fault::Late`].
///
/// # Cancel safety
/// Whoever else waits for the same keys goes on.
pub async fn load(
    flows: &Flows,
    act: &Act,
    source: impl Into<Source<'_>>,
) -> Result<Option<Arc<ForeignKeys>>, Fault> {
    let source = source.into();
    if let Some(jwks) = source.jwks {
        return Ok(ForeignKeys::parse(jwks).ok().map(Arc::new));
    }
    let Some(uri) = source.jwks_uri else {
        return Ok(None);
    };
    let is_good = |held: &Held<_>| act.now < held.until;
    let held = keep(flows, act, (source.owner, uri), is_good).await?;
    let missing = || Fault::Upstream("a jwks_uri gives no keys".to_owned());
    held.value.map(Some).ok_or_else(missing)
}

/// Judges what somebody signed, with their keys; with those that they publish now, if it was signed with one
/// that is not among those that are kept. `is_unknown` says of an error that it is about that.
///
/// Gives `None` for what is not accepted.
///
/// # Errors
/// As [`load`].
///
/// # Cancel safety
/// As [`load`].
pub async fn verify<T, E>(
    flows: &Flows,
    act: &Act,
    source: impl Into<Source<'_>>,
    check: impl Fn(&ForeignKeys) -> Result<T, E>,
    is_unknown: impl Fn(&E) -> bool,
) -> Result<Option<T>, Fault> {
    let source = source.into();
    let Some(keys) = load(flows, act, source).await? else {
        return Ok(None);
    };
    match check(&keys) {
        Ok(value) => return Ok(Some(value)),
        Err(error) if is_unknown(&error) => {}
        Err(_) => return Ok(None),
    }
    let newer = load_anew(flows, act, source).await?;
    Ok(newer.and_then(|keys| check(&keys).ok()))
}

/// Gives somebody's keys as they publish them now, as far as they may be fetched again already.
async fn load_anew(
    flows: &Flows,
    act: &Act,
    source: Source<'_>,
) -> Result<Option<Arc<ForeignKeys>>, Fault> {
    let (None, Some(uri)) = (source.jwks, source.jwks_uri) else {
        return Ok(None);
    };
    let is_good = |held: &Held<_>| act.now.since(held.at) < LEAST;
    Ok(keep(flows, act, (source.owner, uri), is_good).await?.value)
}

async fn keep(
    flows: &Flows,
    act: &Act,
    (owner, uri): (&str, &str),
    is_good: impl Fn(&Held<Arc<ForeignKeys>>) -> bool,
) -> Result<Held<Arc<ForeignKeys>>, Fault> {
    let key: Key = (act.tenant.id, format!("{owner} {uri}"));
    let fetch = |before| fetch(flows, act, uri, before);
    let kept = flows.kept_keys.get(&key, is_good, fetch);
    act.deadline.bound(kept).await
}

/// Fetches keys. Where that fails, those from before count as long as they would have.
async fn fetch(
    flows: &Flows,
    act: &Act,
    uri: &str,
    before: Option<Held<Arc<ForeignKeys>>>,
) -> Held<Arc<ForeignKeys>> {
    match try_fetch(flows, uri).await {
        Ok((keys, span)) => Held {
            value: Some(Arc::new(keys)),
            at: act.now,
            until: act.now + span,
        },
        Err(reason) => {
            tracing::warn!(reason, "keys could not be fetched");
            let fresh = before.filter(|held| held.value.is_some() && act.now < held.until);
            fresh.map_or_else(
                || Held::failed(act.now),
                |held| Held {
                    at: act.now,
                    ..held
                },
            )
        }
    }
}

async fn try_fetch(flows: &Flows, uri: &str) -> Result<(ForeignKeys, Duration), String> {
    let url = Url::parse(uri).map_err(|error| error.to_string())?;
    let fetched = flows.egress.fetch(&url).await;
    let fetched = fetched.map_err(|error| error.to_string())?;
    let jwks = serde_json::from_slice(&fetched.body).map_err(|_| "it is no JSON")?;
    let keys = ForeignKeys::parse(&jwks).map_err(|error| error.to_string())?;
    Ok((keys, fetched.fresh_for.unwrap_or(USUAL).clamp(LEAST, MOST)))
}

/// Gives the algorithms that a client may sign with, of which it may have `registered` one.
pub(super) fn algorithms_of(
    metadata: &ClientMetadata,
    registered: Option<&str>,
) -> Vec<ForeignAlgorithm> {
    let is_allowed = |one: &ForeignAlgorithm| {
        let is_fapi = ForeignAlgorithm::FAPI.contains(one);
        registered.is_none_or(|name| name == one.as_str()) && (is_fapi || !metadata.fapi_2_0)
    };
    ALGORITHMS.into_iter().filter(is_allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(fapi_2_0: bool) -> ClientMetadata {
        ClientMetadata {
            fapi_2_0,
            ..ClientMetadata::default()
        }
    }

    #[test]
    fn fapi_2_5_4_1_leaves_three_algorithms() {
        use ForeignAlgorithm::{EdDsa, Es256, Ps256};
        assert_eq!(algorithms_of(&metadata(false), None), ALGORITHMS);
        assert_eq!(algorithms_of(&metadata(true), None), [Es256, EdDsa, Ps256]);
        assert!(algorithms_of(&metadata(true), Some("RS256")).is_empty());
    }

    #[test]
    fn a_registered_algorithm_is_the_only_one() {
        let only = algorithms_of(&metadata(false), Some("RS256"));
        assert_eq!(only, [ForeignAlgorithm::Rs256]);
        for unknown in ["none", "HS256", "ES384", "es256", ""] {
            assert!(algorithms_of(&metadata(false), Some(unknown)).is_empty());
        }
    }
}
