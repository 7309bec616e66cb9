//! Subjects: by which name a client knows a person (OpenID Connect Core §8).
//!
//! A public subject is the account's id, the same for every client. A pairwise one differs from
//! sector to sector, so that two clients cannot put together what each knows of a person.
//!
//! A client keeps a subject for as long as it keeps the account, so nothing that is ever replaced
//! may go into it: neither `SYSTEM_SECRETS` nor a signing key. It is made with a salt of the tenant,
//! which the store draws once and keeps. Who learns the salt can tell which subjects are one
//! person's, and nothing more.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::client::ClientMetadata;
use domain::id::{SessionId, UserId};
use url::Url;

/// The registered word for subjects that every client sees alike.
pub const PUBLIC: &str = "public";
/// The registered word for subjects that only one sector sees.
pub const PAIRWISE: &str = "pairwise";

/// Keeps what is made with the salt here apart from whatever else may be made with it.
const LABEL: &[u8] = b"auth-service/v1/pairwise-subject";
/// The same for the names of sign-ins.
const SESSION_LABEL: &[u8] = b"auth-service/v1/pairwise-session";

/// Which clients are one sector cannot be told: it registered redirect URIs on several hosts, or on
/// none, and no `sector_identifier_uri` (OpenID Connect Core §8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pairwise subjects need redirect URIs on one host, or a sector_identifier_uri")]
pub struct AmbiguousSector;

/// Gives the sector that a client's subjects are made for; none: they are public.
///
/// # Errors
/// [`AmbiguousSector`] when the client's subjects are pairwise and its sector is not plain.
pub fn sector(client: &ClientMetadata) -> Result<Option<String>, AmbiguousSector> {
    is_pairwise(client).then(|| sector_of(client)).transpose()
}

/// Says whether a client registered for pairwise subjects.
#[must_use]
pub fn is_pairwise(metadata: &ClientMetadata) -> bool {
    metadata.subject_type.as_deref() == Some(PAIRWISE)
}

/// Makes the subject of a person in a sector: 43 characters of base64url, never a UUID.
#[must_use]
pub fn pairwise(salt: &[u8; 32], sector: &str, user: UserId) -> String {
    named(salt, LABEL, sector, user.as_uuid().as_bytes())
}

/// Makes the name of a sign-in in a sector, of the same form. With one name for all, two clients could
/// put together by it what their subjects keep apart.
#[must_use]
pub fn pairwise_session(salt: &[u8; 32], sector: &str, session: SessionId) -> String {
    named(salt, SESSION_LABEL, sector, session.as_uuid().as_bytes())
}

fn named(salt: &[u8; 32], label: &[u8], sector: &str, id: &[u8; 16]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, salt));
    context.update(label);
    context.update(sector.as_bytes());
    // The last part has a fixed length, and no label begins another, so no two inputs read alike.
    context.update(id);
    URL_SAFE_NO_PAD.encode(context.sign())
}

/// Gives a client's sector: the host of its `sector_identifier_uri`, else the one host of all its
/// redirect URIs (OpenID Connect Core §8.1).
///
/// # Errors
/// [`AmbiguousSector`] when there is no such host.
pub fn sector_of(metadata: &ClientMetadata) -> Result<String, AmbiguousSector> {
    if let Some(uri) = &metadata.sector_identifier_uri {
        return host_of(uri).ok_or(AmbiguousSector);
    }
    let mut hosts = metadata.redirect_uris.iter().map(|uri| host_of(uri));
    let first = hosts.next().flatten().ok_or(AmbiguousSector)?;
    if hosts.all(|host| host.as_ref() == Some(&first)) {
        Ok(first)
    } else {
        Err(AmbiguousSector)
    }
}

/// Gives the host of a URI, in lower case and in its ASCII form.
fn host_of(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::time::UnixMillis;

    use super::*;

    const SALT: [u8; 32] = [7; 32];

    fn user(seconds: i64) -> UserId {
        UserId::generate(UnixMillis::from_seconds(seconds), &Counting::default())
    }

    fn client(redirect_uris: &[&str], sector: Option<&str>) -> ClientMetadata {
        ClientMetadata {
            redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
            subject_type: Some(PAIRWISE.to_owned()),
            sector_identifier_uri: sector.map(str::to_owned),
            ..ClientMetadata::default()
        }
    }

    #[test]
    fn openid_connect_core_8_a_public_subject_has_no_sector() {
        for subject_type in [None, Some(PUBLIC.to_owned())] {
            let metadata = ClientMetadata {
                subject_type,
                ..client(&["https://a.example/cb", "https://b.example/cb"], None)
            };
            assert_eq!(sector(&metadata), Ok(None));
        }
    }

    #[test]
    fn openid_connect_core_8_1_a_pairwise_subject_differs_by_sector_person_and_tenant() {
        let named = |host, person| pairwise(&SALT, host, person);
        assert_eq!(named("a.example", user(1)), named("a.example", user(1)));
        assert_ne!(named("a.example", user(1)), named("b.example", user(1)));
        assert_ne!(named("a.example", user(1)), named("a.example", user(2)));
        let elsewhere = pairwise(&[8; 32], "a.example", user(1));
        assert_ne!(named("a.example", user(1)), elsewhere);
    }

    #[test]
    fn openid_connect_core_8_1_the_name_of_a_sign_in_puts_no_two_sectors_together() {
        let one = user(1);
        let session = SessionId::from_uuid(one.as_uuid());
        let named = |host| pairwise_session(&SALT, host, session);
        assert_eq!(named("a.example"), named("a.example"));
        assert_ne!(named("a.example"), named("b.example"));
        assert_ne!(named("a.example"), pairwise(&SALT, "a.example", one));
    }

    #[test]
    fn openid_connect_core_8_1_a_subject_neither_is_nor_tells_the_account() {
        let named = pairwise(&SALT, "a.example", user(1));
        assert_eq!(named.len(), 43);
        assert!(named.parse::<UserId>().is_err());
        assert_ne!(named, user(1).to_string());
    }

    #[test]
    fn openid_connect_core_2_a_subject_is_never_reassigned_so_it_stays_what_clients_stored() {
        assert_eq!(
            pairwise(&SALT, "a.example", UserId::from_uuid(uuid::Uuid::nil())),
            "8gQOJ9sIx3tgs6AX0tHNfJN47l9AJwDrnWdwt-kMmog"
        );
    }

    #[test]
    fn openid_connect_core_8_1_the_sector_is_the_host_of_the_sector_identifier_uri() {
        let uris = ["https://a.example/cb", "https://b.example/cb"];
        let metadata = client(&uris, Some("https://Group.example:8443/sector.json"));
        assert_eq!(sector_of(&metadata).as_deref(), Ok("group.example"));
    }

    #[test]
    fn openid_connect_core_8_1_else_the_sector_is_the_one_host_of_all_redirect_uris() {
        let uris = ["https://a.example/cb", "https://A.example:8443/other"];
        let found = sector(&client(&uris, None));
        assert_eq!(found, Ok(Some("a.example".to_owned())));
    }

    #[test]
    fn openid_connect_core_8_1_several_hosts_must_have_a_sector_identifier_uri() {
        let cases: [&[&str]; 5] = [
            &["https://a.example/cb", "https://b.example/cb"],
            &["https://a.example/cb", "com.example.app:/cb"],
            &["com.example.app:/cb"],
            &["not a uri"],
            &[],
        ];
        for uris in cases {
            let metadata = client(uris, None);
            assert_eq!(sector(&metadata), Err(AmbiguousSector), "{uris:?}");
        }
        let odd = client(&["https://a.example/cb"], Some("urn:sector"));
        assert_eq!(sector_of(&odd), Err(AmbiguousSector));
    }
}
