//! What an API key is to be, checked field by field.

use std::num::NonZeroU32;

use domain::rejection::Refusal;
use domain::scope::ScopeSet;
use domain::time::UnixMillis;

use super::MintApiKey;
use crate::flow::account::{Mistakes, parse_name};

/// What of a message was found good.
pub(super) struct Checked {
    /// Its name for people.
    pub(super) name: String,
    /// What it may be used for.
    pub(super) scopes: ScopeSet,
    /// How often it may be used each minute.
    pub(super) rate_limit: Option<NonZeroU32>,
}

/// The highest limit, each minute.
const MAX_RATE: u32 = 1_000_000;
/// How many scopes a key may have.
const MAX_SCOPES: usize = 100;

/// Checks what a key is to be.
///
/// # Errors
/// 422 naming every wrong field.
pub(super) fn check(now: UnixMillis, message: &MintApiKey) -> Result<Checked, Refusal> {
    let mut mistakes = Mistakes::default();
    let name = mistakes.check("name", parse_name(&message.name));
    let scopes = mistakes.check("scopes", ScopeSet::parse(&message.scopes.join(" ")));
    if scopes.as_ref().is_some_and(ScopeSet::is_empty) {
        mistakes.add("scopes", "must name what the key may do");
    }
    if message.scopes.len() > MAX_SCOPES {
        mistakes.add("scopes", "must be 100 at most");
    }
    let rate_limit = message.rate_limit.and_then(NonZeroU32::new);
    if message
        .rate_limit
        .is_some_and(|rate| !(1..=MAX_RATE).contains(&rate))
    {
        mistakes.add("rate_limit", "must be 1 to 1000000 requests a minute");
    }
    if message.expires_at.is_some_and(|end| end <= now) {
        mistakes.add("expires_at", "must be in the future");
    }
    mistakes.into_result()?;
    let (name, scopes) = name
        .zip(scopes)
        .ok_or_else(|| Refusal::field("name", "is missing"))?;
    Ok(Checked {
        name,
        scopes,
        rate_limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(name: &str, scopes: &[&str]) -> MintApiKey {
        MintApiKey {
            client: None,
            name: name.to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            rate_limit: None,
            expires_at: None,
        }
    }

    fn judge_all(message: &MintApiKey) -> Result<String, Vec<String>> {
        let fields =
            |refusal: Refusal| refusal.fields.iter().map(|f| f.field.to_string()).collect();
        check(UnixMillis::from_seconds(100), message)
            .map(|checked| format!("{}: {}", checked.name, checked.scopes))
            .map_err(fields)
    }

    fn judge(name: &str, scopes: &[&str]) -> Result<String, Vec<String>> {
        judge_all(&mint(name, scopes))
    }

    #[test]
    fn a_limit_and_an_end_are_within_bounds() {
        let with = |rate_limit, end: i64| MintApiKey {
            rate_limit: Some(rate_limit),
            expires_at: Some(UnixMillis::from_seconds(end)),
            ..mint("ci", &["a"])
        };
        assert!(judge_all(&with(1, 101)).is_ok() && judge_all(&with(1_000_000, 101)).is_ok());
        let both = vec!["rate_limit".to_owned(), "expires_at".to_owned()];
        assert_eq!(judge_all(&with(0, 100)), Err(both.clone()));
        assert_eq!(judge_all(&with(1_000_001, 0)), Err(both));
    }

    #[test]
    fn a_key_has_a_name_and_scopes() {
        let judged = judge(" ci ", &["admin:read", "admin:users", "admin:read"]);
        assert_eq!(judged, Ok("ci: admin:read admin:users".to_owned()));
    }

    #[test]
    fn a_key_that_may_do_nothing_or_nonsense_is_refused() {
        for scopes in [&[][..], &[""], &["a b\n"], &["é"]] {
            assert_eq!(
                judge("ci", scopes),
                Err(vec!["scopes".to_owned()]),
                "{scopes:?}"
            );
        }
        let both = judge("", &["\""]);
        assert_eq!(both, Err(vec!["name".to_owned(), "scopes".to_owned()]));
    }
}
