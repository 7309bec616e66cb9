//! What a browser keeps of a sign-in: which session it is, when the person proved who they are, and when
//! the browser was last here, signed.
//!
//! It proves nothing but that we wrote it: whoever reads one asks the store whether the session is
//! live. Each page writes it anew, so a browser that was idle is told apart without a write.

use domain::id::{SessionId, TenantId};
use domain::secret::SecretText;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ID_BYTES, NotOurs, read, write};
use crate::system_secrets::{Label, SystemSecrets};

/// The prefix of session cookies.
pub const SESSION_PREFIX: &str = "qf_ss_";

/// A session cookie's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    /// The tenant it was issued in.
    pub tenant: TenantId,
    /// The sign-in.
    pub session: SessionId,
    /// When the person last proved who they are: a cookie from before that is worth nothing (OWASP ASVS
    /// 5.0 §7.2.4).
    pub auth_time: UnixMillis,
    /// When the browser was last here.
    pub seen_at: UnixMillis,
    /// Where the person signed in.
    pub made: Made,
}

/// Where a person signed in, and for what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// On a page of ours.
    Here,
    /// On a page of the tenant's own, which has the browser stay signed in.
    Elsewhere,
    /// There, for requests alone that had begun before.
    ForOneRequest,
}

const INSTANT_BYTES: usize = 8;
const COOKIE_BYTES: usize = ID_BYTES + ID_BYTES + INSTANT_BYTES + INSTANT_BYTES + 1;

// === impl SessionCookie ===

impl SessionCookie {
    /// Writes the cookie's value.
    #[must_use]
    pub fn mint(&self, secrets: &SystemSecrets) -> SecretText {
        let mut payload = Vec::with_capacity(COOKIE_BYTES);
        payload.extend_from_slice(self.tenant.as_uuid().as_bytes());
        payload.extend_from_slice(self.session.as_uuid().as_bytes());
        payload.extend_from_slice(&self.auth_time.as_millis().to_be_bytes());
        payload.extend_from_slice(&self.seen_at.as_millis().to_be_bytes());
        payload.push(self.made.mark());
        let signature = secrets.sign(Label::SessionCookie, &payload);
        write(SESSION_PREFIX, &payload, &signature)
    }

    /// Reads a presented value and checks its signature.
    ///
    /// # Errors
    /// [`NotOurs`] for any other text.
    pub fn parse(secrets: &SystemSecrets, text: &str) -> Result<Self, NotOurs> {
        let payload: [u8; COOKIE_BYTES] =
            read(secrets, Label::SessionCookie, SESSION_PREFIX, text)?.0;
        let (tenant, rest) = payload.split_first_chunk::<ID_BYTES>().ok_or(NotOurs)?;
        let (session, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or(NotOurs)?;
        let (auth_time, rest) = rest.split_first_chunk::<INSTANT_BYTES>().ok_or(NotOurs)?;
        let (seen_at, mark) = rest.split_first_chunk::<INSTANT_BYTES>().ok_or(NotOurs)?;
        let instant =
            |bytes: &[u8; INSTANT_BYTES]| UnixMillis::from_millis(i64::from_be_bytes(*bytes));
        Ok(Self {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            session: SessionId::from_uuid(Uuid::from_bytes(*session)),
            auth_time: instant(auth_time),
            seen_at: instant(seen_at),
            made: Made::of_mark(mark)?,
        })
    }
}

// === impl Made ===

impl Made {
    const fn mark(self) -> u8 {
        match self {
            Self::Here => 0,
            Self::Elsewhere => 1,
            Self::ForOneRequest => 2,
        }
    }

    const fn of_mark(mark: &[u8]) -> Result<Self, NotOurs> {
        match mark {
            [0] => Ok(Self::Here),
            [1] => Ok(Self::Elsewhere),
            [2] => Ok(Self::ForOneRequest),
            _ => Err(NotOurs),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use domain::random::Counting;
    use domain::secret::SecretBytes;

    use super::*;

    fn secrets(seed: u8) -> SystemSecrets {
        SystemSecrets::new(&[SecretBytes::new(vec![seed; 32])]).expect("one secret")
    }

    fn cookie() -> SessionCookie {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        SessionCookie {
            tenant: TenantId::generate(now, &random),
            session: SessionId::generate(now, &random),
            auth_time: now,
            seen_at: now,
            made: Made::Here,
        }
    }

    fn all() -> [SessionCookie; 3] {
        [Made::Here, Made::Elsewhere, Made::ForOneRequest]
            .map(|made| SessionCookie { made, ..cookie() })
    }

    #[test]
    fn a_cookie_survives_its_text_and_no_other_secret_reads_it() {
        for cookie in all() {
            let minted = cookie.mint(&secrets(1));
            assert!(minted.expose().starts_with("qf_ss_"));
            let parsed = SessionCookie::parse(&secrets(1), minted.expose());
            assert_eq!(parsed, Ok(cookie));
            let foreign = SessionCookie::parse(&secrets(2), minted.expose());
            assert_eq!(foreign, Err(NotOurs));
        }
    }

    #[test]
    fn a_cookie_that_was_changed_or_cut_is_refused() {
        let secrets = secrets(1);
        let minted = all().map(|cookie| cookie.mint(&secrets));
        for minted in &minted {
            let text = minted.expose();
            for length in 0..text.len() {
                assert!(SessionCookie::parse(&secrets, &text[..length]).is_err());
                let (head, tail) = text.split_at(length);
                let other = if tail.starts_with('A') { "B" } else { "A" };
                let changed = format!("{head}{other}{}", &tail[1..]);
                assert!(SessionCookie::parse(&secrets, &changed).is_err());
            }
        }
    }

    #[test]
    fn nist_sp_800_63b_4_5_1_a_session_secret_has_256_bits_and_each_counts() {
        let secrets = secrets(1);
        let minted = cookie().mint(&secrets);
        let text = minted.expose().strip_prefix(SESSION_PREFIX).expect("ours");
        let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        // All before the signature may be known to others.
        for bit in COOKIE_BYTES * 8..COOKIE_BYTES * 8 + 256 {
            let mut guessed = bytes.clone();
            guessed[bit / 8] ^= 1 << (bit % 8);
            let guessed = format!("{SESSION_PREFIX}{}", URL_SAFE_NO_PAD.encode(guessed));
            assert_eq!(SessionCookie::parse(&secrets, &guessed), Err(NotOurs));
        }
        assert_eq!(bytes.len(), COOKIE_BYTES + 32);
    }
}
