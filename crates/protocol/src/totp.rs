//! Codes that an app computes from a secret and the time (RFC 6238).
//!
//! HMAC-SHA-1, because authenticator apps know no other (RFC 6238 §1.2; collisions are no matter to an
//! HMAC). A code of the step before or after is taken too (§5.2). [`Totp::step_of`] says which step a
//! code belongs to, so that whoever stores it can see to it that each counts once.

use domain::random::Random;
use domain::secret::SecretText;
use domain::time::UnixMillis;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

/// The length of a secret, in bytes: that of a SHA-1 (RFC 4226 §4).
pub const SECRET_BYTES: usize = 20;

/// What an app and we share.
#[derive(Debug, Clone, Copy)]
pub struct Totp<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// Digits of a code: 6 or 8.
    pub digits: u8,
    /// Seconds that a code lasts.
    pub period: u32,
}

/// How many steps apart the clocks may be (RFC 6238 §5.2).
const SKEW: u16 = 1;
/// The longest text that is looked at.
const MAX_TYPED: usize = 32;
/// How wide a module of the picture is.
const MODULE: u32 = 4;

/// Makes a secret.
#[must_use]
pub fn generate(random: &dyn Random) -> Zeroizing<Vec<u8>> {
    let bytes: [u8; SECRET_BYTES] = random.array();
    Zeroizing::new(bytes.to_vec())
}

/// Draws a link as a picture that apps read: dark on a light ground, whatever is around it. Empty for a
/// link that is too long to be one of ours.
#[must_use]
pub fn qr_svg(uri: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(uri, EcLevel::M) else {
        return String::new();
    };
    let drawn = code
        .render()
        .module_dimensions(MODULE, MODULE)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    // What stands before the picture is for files of their own.
    let start = drawn.find("<svg").unwrap_or_default();
    let picture = drawn.get(start..).unwrap_or_default();
    picture.replacen("<svg", r#"<svg role="img" aria-label="QR code""#, 1)
}

// === impl Totp ===

impl Totp<'_> {
    /// Gives the time step that a code belongs to, if it is one of now.
    #[must_use]
    pub fn step_of(&self, typed: &str, now: UnixMillis) -> Option<u64> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let is_code =
            code.len() == usize::from(self.digits) && code.bytes().all(|b| b.is_ascii_digit());
        let seconds = u64::try_from(now.as_seconds()).ok()?;
        if !is_code {
            return None;
        }
        self.rule("", "").check(&code, seconds)
    }

    /// Gives the code of an instant.
    #[must_use]
    pub fn code_at(&self, now: UnixMillis) -> String {
        let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
        self.rule("", "").generate(seconds).to_string()
    }

    /// Gives the link that apps read (`otpauth://totp/…`).
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> SecretText {
        let uri = self.rule(issuer, account).to_url();
        SecretText::new(uri.unwrap_or_default())
    }

    /// Gives the secret for people to type.
    #[must_use]
    pub fn base32(&self) -> SecretText {
        SecretText::new(Secret::from(self.secret.to_vec()).to_base32())
    }

    fn rule(&self, issuer: &str, account: &str) -> totp_rs::Totp {
        // A colon would end the name early.
        let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(self.secret.to_vec())
            .with_digits(self.digits.clamp(6, 8))
            .with_step_duration(u64::from(self.period.max(1)))
            .with_skew(SKEW)
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build_noncompliant()
    }
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn rule(secret: &[u8], digits: u8) -> Totp<'_> {
        Totp {
            secret,
            digits,
            period: 30,
        }
    }

    #[test]
    fn rfc_6238_appendix_b_every_row_of_sha_1() {
        let rule = rule(b"12345678901234567890", 8);
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(rule.code_at(at(seconds)), code);
            let step = u64::try_from(seconds / 30).expect("positive");
            assert_eq!(rule.step_of(code, at(seconds)), Some(step));
        }
    }

    #[test]
    fn rfc_6238_5_2_a_code_of_the_step_before_or_after_is_taken_and_no_other() {
        let secret = generate(&Counting::default());
        let rule = rule(&secret, 6);
        let code = rule.code_at(at(3_000));
        for (seconds, expected) in [
            (2_969, None),
            (2_970, Some(100)),
            (3_029, Some(100)),
            (3_059, Some(100)),
            (3_060, None),
        ] {
            assert_eq!(rule.step_of(&code, at(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn spaces_are_people_s_and_everything_else_is_wrong() {
        let secret = generate(&Counting::default());
        let rule = rule(&secret, 6);
        let code = rule.code_at(at(90));
        let (head, tail) = code.split_at(3);
        assert_eq!(rule.step_of(&format!(" {head} {tail} "), at(90)), Some(3));
        for wrong in [
            "",
            head,
            &format!("{code}0"),
            &format!("+{tail}{tail}"),
            &format!("{head}-{tail}"),
            "１２３４５６",
            &" ".repeat(1_000),
        ] {
            assert_eq!(rule.step_of(wrong, at(90)), None, "{wrong}");
        }
        assert_eq!(rule.step_of(&code, at(-90)), None);
    }

    #[test]
    fn the_link_names_the_issuer_and_the_account_and_is_drawn() {
        let secret = generate(&Counting::default());
        let rule = rule(&secret, 8);
        let uri = rule.uri("Quant: Flow", "ada@example.org");
        let uri = uri.expose();
        assert!(uri.starts_with("otpauth://totp/Quant%20%20Flow:ada%40example.org?"));
        assert!(uri.contains(&format!("secret={}", rule.base32().expose())));
        assert!(uri.contains("digits=8"), "{uri}");
        let drawn = qr_svg(uri);
        assert!(drawn.starts_with("<svg role=\"img\"") && drawn.ends_with("</svg>"));
        assert!(!drawn.contains("<script") && !drawn.contains("<?xml"));
        assert_eq!(qr_svg(&"x".repeat(5_000)), "");
    }

    proptest! {
        #[test]
        fn nothing_typed_panics(typed in "\\PC*", seconds in any::<i64>()) {
            let _ = rule(&[1; SECRET_BYTES], 6).step_of(&typed, UnixMillis::from_millis(seconds));
        }
    }
}
