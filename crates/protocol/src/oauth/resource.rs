//! Which resources a token is to be for (RFC 8707).
//!
//! A client names them by absolute URIs, and gets only those that it is registered for, in the
//! spelling that was registered: what verifies a token compares its audience byte for byte. In what a
//! client writes, the case of scheme and host and a trailing slash do not matter.

use url::Url;

/// A resource is not one the client is registered for; `invalid_target` (RFC 8707 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The resource is not one that this client is registered for.")]
pub struct InvalidTarget;

/// The most resources one request may name: each is compared with all that are registered.
pub const MAX_RESOURCES: usize = 100;

/// Gives the allowed resources that are wanted, without repeats, in the order wanted.
///
/// # Errors
/// [`InvalidTarget`] when one is not allowed, or when too many are wanted.
pub fn choose<'a>(
    allowed: &[String],
    wanted: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, InvalidTarget> {
    let mut chosen: Vec<String> = Vec::new();
    for (count, resource) in wanted.into_iter().enumerate() {
        if count >= MAX_RESOURCES {
            return Err(InvalidTarget);
        }
        let known = allowed.iter().find(|one| is_same(one, resource));
        let known = known.ok_or(InvalidTarget)?;
        if !chosen.contains(known) {
            chosen.push(known.clone());
        }
    }
    Ok(chosen)
}

/// Compares two resource indicators: scheme and host without case, a trailing slash or none. What is
/// not an absolute URI without fragment is like nothing, itself included.
#[must_use]
pub fn is_same(registered: &str, wanted: &str) -> bool {
    let wanted = normal(wanted);
    wanted.is_some() && normal(registered) == wanted
}

fn normal(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let fine = url.fragment().is_none();
    fine.then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const API: &str = "https://api.example.org/v1";
    const OTHER: &str = "https://b.example";

    fn pick(wanted: &[&str]) -> Result<Vec<String>, InvalidTarget> {
        choose(&[API.to_owned(), OTHER.to_owned()], wanted.iter().copied())
    }

    #[test]
    fn rfc_8707_2_1_slash_and_host_case_do_not_matter() {
        for spelling in [
            API,
            "https://api.example.org/v1/",
            "https://API.Example.org/v1",
            "HTTPS://api.example.org:443/v1",
        ] {
            assert_eq!(pick(&[spelling]), Ok(vec![API.to_owned()]), "{spelling}");
        }
        assert_eq!(pick(&["https://b.example/"]), Ok(vec![OTHER.to_owned()]));
    }

    #[test]
    fn rfc_8707_2_several_are_chosen_once_each() {
        let chosen = pick(&[OTHER, API, "https://B.example/"]);
        assert_eq!(chosen, Ok(vec![OTHER.to_owned(), API.to_owned()]));
        assert_eq!(pick(&[]), Ok(Vec::new()));
    }

    #[test]
    fn rfc_8707_2_an_unregistered_resource_is_an_invalid_target() {
        for wanted in [
            "https://evil.example",
            "https://api.example.org",
            "https://api.example.org/V1",
            "https://api.example.org/v1/x",
            "https://api.example.org/v1?x",
            "https://user@api.example.org/v1",
            "https://api.example.org:8443/v1",
            "http://api.example.org/v1",
            "https://api.example.org.evil.example/v1",
        ] {
            assert_eq!(pick(&[API, wanted]), Err(InvalidTarget), "{wanted}");
        }
    }

    #[test]
    fn rfc_8707_2_a_resource_is_an_absolute_uri_without_fragment() {
        for odd in [
            "api",
            "",
            "/v1",
            "//b.example",
            "https://b.example#x",
            "https://b.example#",
        ] {
            assert_eq!(
                choose(&[odd.to_owned()], [odd]),
                Err(InvalidTarget),
                "{odd}"
            );
        }
        assert_eq!(
            choose(&["urn:api".to_owned()], ["urn:api"]),
            Ok(vec!["urn:api".to_owned()])
        );
    }

    #[test]
    fn so_many_as_cost_seconds_to_compare_are_refused() {
        let many = vec![API; MAX_RESOURCES + 1];
        assert_eq!(pick(&many), Err(InvalidTarget));
        assert!(pick(&many[1..]).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_comparing_panic(text in ".{0,80}") {
            prop_assert!(!is_same(API, &text));
            let _ = is_same(&text, &text);
        }
    }
}
