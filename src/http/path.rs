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
const ENCODED: [u8; 6] = *b"/\\.;%\x7f";

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
    let (before, tenant) = path.rsplit_once('/')?;
    let rest = before.strip_suffix("/t")?;
    (rest.starts_with("/.well-known/") && !tenant.is_empty()).then_some(PlainPath {
        tenant: Some(tenant),
        rest,
    })
}

/// Looks at each byte once: every request has a path.
fn is_plain(path: &str) -> bool {
    let mut bytes = path.bytes();
    if bytes.next() != Some(b'/') {
        return false;
    }
    // Of the part between slashes: whether it is empty, and whether all of it are dots.
    let (mut length, mut is_dots) = (0_usize, true);
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' if is_odd(length, is_dots) || length == 0 => return false,
            b'/' => {
                (length, is_dots) = (0, true);
                continue;
            }
            b';' | b'\\' => return false,
            b'%' if !is_plainly_encoded(bytes.next(), bytes.next()) => return false,
            _ => {}
        }
        length = length.saturating_add(1);
        is_dots &= byte == b'.';
    }
    !is_odd(length, is_dots)
}

/// Says whether a part is `.` or `..`.
const fn is_odd(length: usize, is_dots: bool) -> bool {
    is_dots && matches!(length, 1 | 2)
}

/// Says whether two digits stand for what has one reading only.
fn is_plainly_encoded(high: Option<u8>, low: Option<u8>) -> bool {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let (Some(high), Some(low)) = (digit(high), digit(low)) else {
        return false;
    };
    let code = high * 16 + low;
    code >= 0x20 && !ENCODED.iter().any(|odd| u32::from(*odd) == code)
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
