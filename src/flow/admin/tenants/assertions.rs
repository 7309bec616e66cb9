//! Whose word a tenant takes for people, and whom it gives its own (RFC 7523 §2.1, ID-JAG): judging what
//! an operator says of both.

use std::collections::BTreeSet;

use domain::scope::ScopeSet;
use domain::tenant::{AssertionAudience, AssertionIssuer};
use protocol::jose::foreign::ForeignKeys;
use url::Url;

use super::check_resources;
use crate::flow::admin::clients::redirect_uri::check_fetched;

/// The most issuers, and the most audiences.
const MOST: usize = 20;
/// The most clients of one.
const MOST_CLIENTS: usize = 100;
/// The longest name, in bytes.
const MAX_NAME: usize = 512;

/// Judges whose word is to be taken. `own` is our own name: nobody vouches for people to themselves.
///
/// # Errors
/// A sentence that says which is wrong, and how.
pub(super) fn check_issuers(
    issuers: &[AssertionIssuer],
    own: &str,
    takes_clear_text: bool,
) -> Result<(), String> {
    check_names(issuers.iter().map(|one| one.issuer.as_str()), own)?;
    for one in issuers {
        let wrong = |what: String| format!("{}: {what}", one.issuer);
        match (&one.jwks, &one.jwks_uri) {
            (Some(jwks), None) => {
                ForeignKeys::parse(jwks).map_err(|error| wrong(format!("jwks {error}")))?;
            }
            (None, Some(uri)) => {
                let judged = check_fetched(uri, takes_clear_text);
                judged.map_err(|error| wrong(format!("jwks_uri {error}")))?;
            }
            _ => return Err(wrong("needs either jwks or jwks_uri".to_owned())),
        }
        check_clients(one.clients.len()).map_err(wrong)?;
    }
    Ok(())
}

/// Judges to which servers people are to be asserted.
///
/// # Errors
/// As [`check_issuers`].
pub(super) fn check_audiences(audiences: &[AssertionAudience], own: &str) -> Result<(), String> {
    check_names(audiences.iter().map(|one| one.issuer.as_str()), own)?;
    for one in audiences {
        let wrong = |what: String| format!("{}: {what}", one.issuer);
        check_clients(one.clients.len()).map_err(wrong)?;
        let is_name = |name: &String| (1..=MAX_NAME).contains(&name.len());
        if !one.clients.values().all(is_name) {
            return Err(wrong(
                "each client needs the name that it has there".to_owned(),
            ));
        }
        let text = one.scopes.join(" ");
        if !text.is_empty() && ScopeSet::parse(&text).is_err() {
            return Err(wrong("scopes holds what is no scope".to_owned()));
        }
        check_resources(&one.resources).map_err(|error| wrong(format!("resources {error}")))?;
    }
    Ok(())
}

/// Names every client that is spoken of.
pub(super) fn clients_of<'a>(
    issuers: &'a [AssertionIssuer],
    audiences: &'a [AssertionAudience],
) -> BTreeSet<&'a str> {
    let of_issuers = issuers.iter().flat_map(|one| &one.clients);
    let of_audiences = audiences.iter().flat_map(|one| one.clients.keys());
    of_issuers.chain(of_audiences).map(String::as_str).collect()
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>, own: &str) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for name in names {
        let url = Url::parse(name).ok();
        let is_issuer = url.is_some_and(|url| {
            let is_open = url.scheme() == "http" && url.host_str() == Some("localhost");
            (url.scheme() == "https" || is_open)
                && url.username().is_empty()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if !is_issuer || name.len() > MAX_NAME {
            return Err(format!("{name} is no issuer (RFC 8414 §2)"));
        }
        if name == own {
            return Err(format!("{name} is this tenant itself"));
        }
        if !known.insert(name) {
            return Err(format!("{name} is there twice"));
        }
    }
    if known.len() > MOST {
        return Err(format!("must be at most {MOST}"));
    }
    Ok(())
}

fn check_clients(count: usize) -> Result<(), String> {
    if (1..=MOST_CLIENTS).contains(&count) {
        Ok(())
    } else {
        Err(format!("needs 1 to {MOST_CLIENTS} clients"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWN: &str = "https://auth.example";

    fn issuer(name: &str) -> AssertionIssuer {
        AssertionIssuer {
            issuer: name.to_owned(),
            clients: vec!["client_x".to_owned()],
            jwks_uri: Some("https://idp.example/keys".to_owned()),
            ..AssertionIssuer::default()
        }
    }

    fn audience(name: &str) -> AssertionAudience {
        AssertionAudience {
            issuer: name.to_owned(),
            clients: [("client_x".to_owned(), "there".to_owned())].into(),
            ..AssertionAudience::default()
        }
    }

    #[test]
    fn rfc_8414_2_an_issuer_is_an_address_by_tls_and_another_than_ours() {
        let issuers = |name: &str| check_issuers(&[issuer(name)], OWN, false);
        let audiences = |name: &str| check_audiences(&[audience(name)], OWN);
        for good in ["https://idp.example", "https://idp.example/t/a"] {
            assert_eq!((issuers(good), audiences(good)), (Ok(()), Ok(())), "{good}");
        }
        for odd in [
            "",
            "idp",
            "http://idp.example",
            "https://idp.example/?a",
            "https://idp.example/#a",
            "https://me@idp.example",
            OWN,
        ] {
            assert!(issuers(odd).is_err() && audiences(odd).is_err(), "{odd}");
        }
        let twice = [issuer("https://idp.example"), issuer("https://idp.example")];
        assert!(check_issuers(&twice, OWN, false).is_err());
    }

    #[test]
    fn an_issuer_has_keys_of_one_kind_and_clients() {
        let base = issuer("https://idp.example");
        for odd in [
            AssertionIssuer {
                jwks_uri: None,
                ..base.clone()
            },
            AssertionIssuer {
                jwks: Some(json!({ "keys": [] })),
                ..base.clone()
            },
            AssertionIssuer {
                jwks_uri: Some("http://idp.example/keys".to_owned()),
                ..base.clone()
            },
            AssertionIssuer {
                jwks: Some(json!({ "keys": [{ "kty": "oct", "k": "AA" }] })),
                jwks_uri: None,
                ..base.clone()
            },
            AssertionIssuer {
                clients: Vec::new(),
                ..base
            },
        ] {
            assert!(
                check_issuers(std::slice::from_ref(&odd), OWN, false).is_err(),
                "{odd:?}"
            );
        }
    }

    #[test]
    fn an_audience_names_its_clients_there() {
        let base = audience("https://as.example");
        let nameless = [("client_x".to_owned(), String::new())].into();
        for odd in [
            AssertionAudience {
                clients: nameless,
                ..base.clone()
            },
            AssertionAudience {
                clients: std::collections::BTreeMap::new(),
                ..base.clone()
            },
            AssertionAudience {
                scopes: vec!["a\"b".to_owned()],
                ..base.clone()
            },
            AssertionAudience {
                resources: vec!["no address".to_owned()],
                ..base
            },
        ] {
            let judged = check_audiences(std::slice::from_ref(&odd), OWN);
            assert!(judged.is_err(), "{odd:?}");
        }
    }
}
