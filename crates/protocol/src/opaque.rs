//! Our own tokens: a prefix that says what it is, then base64url of bytes that end in a signature.
//!
//! The signature (HMAC-SHA-256 under `SYSTEM_SECRETS`) is checked in constant time before any store
//! is asked, so a stranger's guess costs us one hash. Three shapes:
//!
//! - [`RefreshToken`] names its family and its number in it. The same number always gives the same
//!   text, which is how a repeated refresh gets the same successor without a token being stored.
//! - A [`SessionCookie`] names a tenant and a session: the store says whether it is still live.
//! - A [`RandomToken`] (API key, client secret, token by mail, authorization code, device code,
//!   `request_uri`, what opens a registration) is 256 random bits; what is stored and looked up is
//!   its signature, never the token.
//!
//! Decoding is strict: the exact length, no padding, no stray bits, so one token has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{FamilyId, TenantId};
use domain::random::Random;
use domain::secret::SecretText;
use uuid::Uuid;

use crate::system_secrets::{Label, SIGNATURE_BYTES, SystemSecrets};

mod session_cookie;

pub use session_cookie::{Made, SESSION_PREFIX, SessionCookie};

/// The prefix of refresh tokens.
pub const REFRESH_PREFIX: &str = "qf_rt_";

/// A refresh token's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The tenant it was issued in.
    pub tenant: TenantId,
    /// Its family.
    pub family: FamilyId,
    /// Its number in the family.
    pub generation: u32,
}

/// The kinds of random tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomToken {
    /// `qf_ak_`.
    ApiKey,
    /// `qf_cs_`.
    ClientSecret,
    /// `qf_ot_`: a token sent by mail.
    OneTime,
    /// `qf_ac_`: an authorization code (RFC 6749 §4.1.2).
    AuthorizationCode,
    /// `qf_dc_`: a device code (RFC 8628 §3.2).
    DeviceCode,
    /// The whole `request_uri` of a pushed request (RFC 9126 §2.2).
    RequestUri,
    /// `qf_ra_`: what opens a client's registration (RFC 7592).
    Registration,
}

/// A random token just made.
pub struct Minted {
    /// The token, to be shown once.
    pub token: SecretText,
    /// Its signature, to be stored.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// The text is not a token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of ours")]
pub struct NotOurs;

const ID_BYTES: usize = 16;
const NUMBER_BYTES: usize = 4;
const REFRESH_BYTES: usize = ID_BYTES + ID_BYTES + NUMBER_BYTES;
const RANDOM_BYTES: usize = 32;

// === impl RefreshToken ===

impl RefreshToken {
    /// Writes the token. The same content under the same secret gives the same text.
    #[must_use]
    pub fn mint(&self, secrets: &SystemSecrets) -> SecretText {
        let mut payload = [0; REFRESH_BYTES];
        let (ids, number) = payload.split_at_mut(ID_BYTES + ID_BYTES);
        let (tenant, family) = ids.split_at_mut(ID_BYTES);
        tenant.copy_from_slice(self.tenant.as_uuid().as_bytes());
        family.copy_from_slice(self.family.as_uuid().as_bytes());
        number.copy_from_slice(&self.generation.to_be_bytes());
        write(
            REFRESH_PREFIX,
            &payload,
            &secrets.sign(Label::RefreshToken, &payload),
        )
    }

    /// Reads a presented token and checks its signature.
    ///
    /// # Errors
    /// [`NotOurs`] for any other text.
    pub fn parse(secrets: &SystemSecrets, text: &str) -> Result<Self, NotOurs> {
        let payload: [u8; REFRESH_BYTES] =
            read(secrets, Label::RefreshToken, REFRESH_PREFIX, text)?.0;
        let (tenant, rest) = payload.split_first_chunk::<ID_BYTES>().ok_or(NotOurs)?;
        let (family, number) = rest.split_first_chunk::<ID_BYTES>().ok_or(NotOurs)?;
        let number: [u8; NUMBER_BYTES] = number.try_into().map_err(|_| NotOurs)?;
        Ok(Self {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            family: FamilyId::from_uuid(Uuid::from_bytes(*family)),
            generation: u32::from_be_bytes(number),
        })
    }
}

// === impl RandomToken ===

impl RandomToken {
    /// Gives the prefix of this kind.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "qf_ak_",
            Self::ClientSecret => "qf_cs_",
            Self::OneTime => "qf_ot_",
            Self::AuthorizationCode => "qf_ac_",
            Self::DeviceCode => "qf_dc_",
            Self::RequestUri => "urn:ietf:params:oauth:request_uri:qf_ru_",
            Self::Registration => "qf_ra_",
        }
    }

    const fn label(self) -> Label {
        match self {
            Self::ApiKey => Label::ApiKey,
            Self::ClientSecret => Label::ClientSecret,
            Self::OneTime => Label::OneTimeToken,
            Self::AuthorizationCode => Label::AuthorizationCode,
            Self::DeviceCode => Label::DeviceCode,
            Self::RequestUri => Label::RequestUri,
            Self::Registration => Label::Registration,
        }
    }

    /// Makes a new token of 256 random bits.
    #[must_use]
    pub fn mint(self, secrets: &SystemSecrets, random: &dyn Random) -> Minted {
        let payload: [u8; RANDOM_BYTES] = random.array();
        let signature = secrets.sign(self.label(), &payload);
        Minted {
            token: write(self.prefix(), &payload, &signature),
            signature,
        }
    }

    /// Checks a presented token and gives the signature it is stored under.
    ///
    /// # Errors
    /// [`NotOurs`] for any other text.
    pub fn parse(
        self,
        secrets: &SystemSecrets,
        text: &str,
    ) -> Result<[u8; SIGNATURE_BYTES], NotOurs> {
        let (_, signature) = read::<RANDOM_BYTES>(secrets, self.label(), self.prefix(), text)?;
        Ok(signature)
    }
}

fn write(prefix: &str, payload: &[u8], signature: &[u8]) -> SecretText {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(payload.len() + signature.len()));
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(signature);
    let mut text = String::with_capacity(prefix.len() + bytes.len() * 4 / 3 + 1);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
    SecretText::new(text)
}

fn read<const N: usize>(
    secrets: &SystemSecrets,
    label: Label,
    prefix: &str,
    text: &str,
) -> Result<([u8; N], [u8; SIGNATURE_BYTES]), NotOurs> {
    let encoded = text.strip_prefix(prefix).ok_or(NotOurs)?;
    if encoded.len() != ((N + SIGNATURE_BYTES) * 8).div_ceil(6) {
        return Err(NotOurs);
    }
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotOurs)?;
    let (payload, signature) = bytes.split_first_chunk::<N>().ok_or(NotOurs)?;
    if !secrets.is_signed(label, payload, signature) {
        return Err(NotOurs);
    }
    let signature = signature.try_into().map_err(|_| NotOurs)?;
    Ok((*payload, signature))
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;
    use domain::time::UnixMillis;
    use proptest::prelude::*;

    use super::*;

    fn secrets(seed: u8) -> SystemSecrets {
        SystemSecrets::new(&[SecretBytes::new(vec![seed; 32])]).expect("one secret")
    }

    fn token() -> RefreshToken {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        RefreshToken {
            tenant: TenantId::generate(now, &random),
            family: FamilyId::generate(now, &random),
            generation: 7,
        }
    }

    #[test]
    fn a_refresh_token_survives_its_text_and_has_one_spelling() {
        let minted = token().mint(&secrets(1));
        assert!(minted.expose().starts_with("qf_rt_"));
        assert_eq!(minted.expose(), token().mint(&secrets(1)).expose());
        assert_eq!(
            RefreshToken::parse(&secrets(1), minted.expose()),
            Ok(token())
        );
    }

    #[test]
    fn every_truncation_and_every_changed_character_is_refused() {
        let all = secrets(1);
        let minted = token().mint(&all);
        let text = minted.expose();
        for length in 0..text.len() {
            assert!(
                RefreshToken::parse(&all, &text[..length]).is_err(),
                "cut at {length}"
            );
            for other in ['A', 'B', '_', '=', ' ', '%'] {
                let mut altered: Vec<char> = text.chars().collect();
                if altered[length] == other {
                    continue;
                }
                altered[length] = other;
                let altered: String = altered.into_iter().collect();
                assert!(
                    RefreshToken::parse(&all, &altered).is_err(),
                    "{other} at {length}"
                );
            }
        }
    }

    #[test]
    fn a_foreign_secret_or_prefix_is_refused() {
        let minted = token().mint(&secrets(1));
        assert!(RefreshToken::parse(&secrets(2), minted.expose()).is_err());
        let key = RandomToken::ApiKey.mint(&secrets(1), &Counting::default());
        let swapped = key.token.expose().replace("qf_ak_", "qf_cs_");
        assert!(
            RandomToken::ClientSecret
                .parse(&secrets(1), &swapped)
                .is_err()
        );
    }

    #[test]
    fn a_random_token_is_found_by_its_signature_and_of_its_kind_only() {
        let all = secrets(1);
        let kinds = [
            RandomToken::ApiKey,
            RandomToken::ClientSecret,
            RandomToken::OneTime,
            RandomToken::AuthorizationCode,
            RandomToken::DeviceCode,
            RandomToken::RequestUri,
            RandomToken::Registration,
        ];
        for kind in kinds {
            let minted = kind.mint(&all, &Counting::default());
            let text = minted.token.expose();
            assert_eq!(kind.parse(&all, text), Ok(minted.signature));
            for other in kinds.into_iter().filter(|other| *other != kind) {
                let disguised = text.replace(kind.prefix(), other.prefix());
                assert_eq!(other.parse(&all, &disguised), Err(NotOurs));
            }
        }
    }

    #[test]
    fn rfc_9126_2_2_a_request_uri_is_a_urn() {
        let minted = RandomToken::RequestUri.mint(&secrets(1), &Counting::default());
        let urn = "urn:ietf:params:oauth:request_uri:";
        assert!(minted.token.expose().starts_with(urn));
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,200}") {
            let _ = RefreshToken::parse(&secrets(1), &text);
            let _ = RandomToken::ApiKey.parse(&secrets(1), &format!("qf_ak_{text}"));
        }
    }
}
