//! Second factors: one-time passwords (RFC 6238) and passkeys (WebAuthn).

use url::Url;

use crate::config::kind::network::DOMAIN;
use crate::config::kind::text::TEXT;
use crate::config::kind::web::ORIGIN_LIST;
use crate::config::kind::{Choice, Parsed, Whole, whole};
use crate::config::mistake::Mistake;
use crate::config::oidc::OIDC_ISSUER_URL;
use crate::config::values::Values;
use crate::config::variable::{of, variables};

/// One-time passwords and backup codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaSettings {
    /// The name that authenticator apps show; `MFA_ISSUER`, `QuantFlow Studio`.
    pub issuer: String,
    /// Digits of a code, 6 or 8; `MFA_DIGITS`, 6.
    pub digits: u8,
    /// Seconds that a code lasts; `MFA_PERIOD`, 30.
    pub period_seconds: u32,
    /// Backup codes in a set; `MFA_BACKUP_CODE_COUNT`, 10.
    pub backup_codes: u8,
}

/// The relying party that passkeys are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebauthnSettings {
    /// Its id, a domain; `WEBAUTHN_RP_ID`, the issuer's host.
    pub id: String,
    /// Its name for people; `WEBAUTHN_RP_NAME`, the value of `MFA_ISSUER`.
    pub name: String,
    /// The origins of its pages; `WEBAUTHN_RP_ORIGINS`, the issuer's origin.
    pub origins: Vec<String>,
}

const DIGITS: Choice<u8> = Choice(&[("6", 6), ("8", 8)]);

variables! {
    /// Name that authenticator apps show beside a code.
    MFA_ISSUER: Parsed<String> = of(TEXT).or("QuantFlow Studio");
    /// Digits of a one-time password.
    MFA_DIGITS: Choice<u8> = of(DIGITS).or("6");
    /// Seconds that a one-time password lasts.
    MFA_PERIOD: Whole<u32> = of(whole(10, 300)).or("30");
    /// Backup codes in a set.
    MFA_BACKUP_CODE_COUNT: Whole<u8> = of(whole(1, 100)).or("10");
    /// Domain that passkeys are bound to.
    WEBAUTHN_RP_ID: Parsed<String> =
        of(DOMAIN).or_derived("the issuer's host", derive_id);
    /// Name that passkey dialogs show.
    WEBAUTHN_RP_NAME: Parsed<String> =
        of(TEXT).or_derived("the value of `MFA_ISSUER`", |values| values.peek(&MFA_ISSUER));
    /// Origins of the pages that may use passkeys.
    WEBAUTHN_RP_ORIGINS: Parsed<Vec<String>> =
        of(ORIGIN_LIST).or_derived("the issuer's origin", derive_origin);
}

fn derive_id(values: &Values) -> Option<String> {
    let issuer = Url::parse(&values.peek(&OIDC_ISSUER_URL)?).ok()?;
    issuer.domain().map(str::to_owned)
}

fn derive_origin(values: &Values) -> Option<String> {
    let issuer = Url::parse(&values.peek(&OIDC_ISSUER_URL)?).ok()?;
    Some(issuer.origin().ascii_serialization())
}

// === impl MfaSettings ===

impl MfaSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            issuer: values.get(&MFA_ISSUER)?,
            digits: values.get(&MFA_DIGITS)?,
            period_seconds: values.get(&MFA_PERIOD)?,
            backup_codes: values.get(&MFA_BACKUP_CODE_COUNT)?,
        })
    }
}

// === impl WebauthnSettings ===

impl WebauthnSettings {
    /// Reads the relying party; nothing when the issuer is an address, which WebAuthn has no id for.
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        let Some(id) = values.find(&WEBAUTHN_RP_ID)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            name: values.get(&WEBAUTHN_RP_NAME)?,
            origins: values.get(&WEBAUTHN_RP_ORIGINS)?,
        }))
    }
}
