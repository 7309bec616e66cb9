//! The path of a request: taken as it is written or refused, never rewritten.
//!
//! A proxy in front of us and we must see the same path, or a rule of the proxy is walked around
//! (`//`, `..`, `;`, an encoded slash). So whatever has a second reading is refused.

use domain::rejection::{Code, Refusal};

/// A path that has one reading only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainPath<'a> {
    /// The tenant that a prefix `/t/{slug}` names.
    pub(super) tenant: Option<&'a str>,
    /// The rest, which begins with a slash.
    pub(super) rest: &'a str,
}

/// What has a second reading when it stands percent-encoded: `/ \ . ; %` and control characters.
const ENCODED: [&str; 6] = ["%2f", "%5c", "%2e", "%3b", "%25", "%7f"];

// === impl PlainPath ===

impl<'a> PlainPath<'a> {
    /// Reads a path.
    ///
    /// # Errors
    /// 400 for a path with a second reading.
    pub(super) fn parse(path: &'a str) -> Result<Self, Refusal> {
        if !is_plain(path) {
            let hint = "the path must be written without `//`, dot segments, `;`, `\\` and \
                        encoded separators";
            return Err(Refusal::new(Code::BadRequest, hint));
        }
        let Some(prefixed) = path.strip_prefix("/t/") else {
            return Ok(inserted(path).unwrap_or(Self {
                tenant: None,
                rest: path,
            }));
        };
        let end = prefixed.find('/').unwrap_or(prefixed.len());
        let (slug, rest) = prefixed.split_at(end);
        Ok(Self {
            tenant: Some(slug),
            rest: if rest.is_empty() { "/" } else { rest },
        })
    }
}

/// Reads a well-known path with the tenant's part inserted behind it (RFC 8414 §3.1, RFC 9728 §3.1).
fn inserted(path: &str) -> Option<PlainPath<'_>> {
    let name = path.strip_prefix("/.well-known/")?;
    let (_, tenant) = name.split_once("/t/")?;
    let rest = path.strip_suffix(tenant)?.strip_suffix("/t/")?;
    (!tenant.contains('/') && !tenant.is_empty()).then_some(PlainPath {
        tenant: Some(tenant),
        rest,
    })
}

fn is_plain(path: &str) -> bool {
    let has_dots = |path: &str| path.split('/').any(|part| matches!(part, "." | ".."));
    path.starts_with('/')
        && !path.contains("//")
        && !path.contains([';', '\\'])
        && !has_dots(path)
        && !has_odd_encoding(path)
}

fn has_odd_encoding(path: &str) -> bool {
    path.match_indices('%').any(|(at, _)| {
        let Some(code) = path.get(at..at.saturating_add(3)) else {
            return true;
        };
        let digits = code.trim_start_matches('%');
        let is_hexadecimal = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let is_control = digits.starts_with(['0', '1']);
        !is_hexadecimal || is_control || ENCODED.iter().any(|odd| odd.eq_ignore_ascii_case(code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_second_reading_is_refused() {
        for path in [
            "",
            "*",
            "auth",
            "//auth/me",
            "/auth//me",
            "/auth/../admin",
            "/auth/.",
            "/a;x=1",
            "/a\\b",
            "/a%2fb",
            "/a%2Fb",
            "/%2e%2e/x",
            "/a%00",
            "/a%1f",
            "/a%",
            "/a%zz",
            "/a%2",
            "/a%252f",
            "/a%7F",
        ] {
            assert!(PlainPath::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_plain_path_is_taken_as_it_is() {
        for path in [
            "/",
            "/auth/me",
            "/.well-known/jwks.json",
            "/a.b/c..d",
            "/a%20b",
        ] {
            let plain = PlainPath::parse(path).expect(path);
            assert_eq!((plain.tenant, plain.rest), (None, path));
        }
    }

    #[test]
    fn a_prefix_names_a_tenant() {
        let read = |path| PlainPath::parse(path).map(|plain| (plain.tenant, plain.rest));
        assert_eq!(read("/t/acme/auth/me"), Ok((Some("acme"), "/auth/me")));
        assert_eq!(read("/t/acme"), Ok((Some("acme"), "/")));
        assert_eq!(read("/t/"), Ok((Some(""), "/")));
        assert_eq!(read("/tea"), Ok((None, "/tea")));
    }

    #[test]
    fn rfc_8414_3_1_a_tenant_is_inserted_after_the_well_known_part() {
        let read = |path| PlainPath::parse(path).map(|plain| (plain.tenant, plain.rest));
        let name = "/.well-known/oauth-authorization-server";
        let inserted = format!("{name}/t/acme");
        assert_eq!(read(&inserted), Ok((Some("acme"), name)));
        let deeper = format!("{name}/t/acme/x");
        assert_eq!(read(&deeper), Ok((None, deeper.as_str())));
    }
}
