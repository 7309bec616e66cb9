//! Sessions and refresh families.
//!
//! A [`Session`] is a sign-in on a device (`sid`). A [`Family`] is that sign-in at one client: the
//! line of refresh tokens that grow out of each other, of which exactly one, the one with the
//! stored generation, is current. A session has one family for each client it signed in to.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::authorization::GrantDetails;
use crate::factor::Proved;
use crate::id::{FamilyId, SessionId, TenantId, UserId};
use crate::scope::ScopeSet;
use crate::time::UnixMillis;

/// A sign-in on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name; the `sid` claim.
    pub id: SessionId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Who signed in.
    pub user: UserId,
    /// When the person last proved who they are.
    pub auth_time: UnixMillis,
    /// How: RFC 8176 names, such as `pwd`, `otp`, `hwk`.
    pub amr: Vec<String>,
    /// How well: the `acr` claim.
    pub acr: String,
    /// Which factors of ours were shown, and when each; none where somebody else signed the person in.
    pub proofs: Vec<Proved>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// With what: the `User-Agent` header, at most 256 bytes of it.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: UnixMillis,
    /// When it was last used.
    pub last_active_at: UnixMillis,
    /// When it ends however much it is used.
    pub expires_at: UnixMillis,
}

/// A sign-in at one client: a line of refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name; part of every refresh token of the line.
    pub id: FamilyId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The sign-in it belongs to.
    pub session: SessionId,
    /// Whose tokens these are.
    pub user: UserId,
    /// The client they were issued to.
    pub client: String,
    /// What they are for.
    pub scope: ScopeSet,
    /// What was granted beside the scope.
    pub details: GrantDetails,
    /// The number of the current token, beginning with 1.
    pub generation: u32,
    /// When the current token was issued by a rotation (or the family was begun).
    pub rotated_at: UnixMillis,
    /// Whether the current token was already issued a second time, outside the reuse window.
    pub reissued: bool,
    /// When the current token stops working if it is not used.
    pub idle_expires_at: UnixMillis,
    /// When the line ends however much it is used.
    pub expires_at: UnixMillis,
}

/// How a presented refresh token relates to its family. Pure: see [`Family::judge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presentation {
    /// The current token: advance to the next.
    Current,
    /// The one just superseded, inside the reuse window: the same successor again, no write.
    Repeat,
    /// The one just superseded, outside the window, its successor never used: the same successor,
    /// once.
    Reissue,
    /// Anything older, or a second reissue: a thief or a copy is about; end the family.
    Reuse,
    /// The family is past its idle or absolute end.
    Expired,
    /// A number that was never issued. It carries our signature, so a store lost rows: refuse.
    Unissued,
}

/// The longest name of a device, in bytes.
const MAX_DEVICE: usize = 128;

impl Session {
    /// Names the kind of device: the program without its numbers, so that a newer version of a browser
    /// is no new device.
    #[must_use]
    pub fn device(&self) -> String {
        let text = self.user_agent.as_deref().unwrap_or_default();
        let mut name: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        name.truncate(name.floor_char_boundary(MAX_DEVICE));
        name
    }
}

impl Family {
    /// Says whether its refresh tokens may be used by whoever proved this key and this certificate, if
    /// any (RFC 9449 §5, RFC 8705 §4).
    #[must_use]
    pub fn is_open_to(&self, jkt: Option<&str>, certificate: Option<&str>) -> bool {
        let is_open = |bound: &Option<String>, proved: Option<&str>| {
            bound.as_deref().is_none_or(|bound| Some(bound) == proved)
        };
        is_open(&self.details.dpop_jkt, jkt) && is_open(&self.details.certificate, certificate)
    }

    /// Makes of the family what it is after its current token was presented: another token is its current
    /// one, or, where it does not rotate, the same; then what was superseded before is not issued for again.
    pub fn advance(&mut self, rotates: bool, now: UnixMillis, idle: std::time::Duration) {
        self.idle_expires_at = now + idle;
        self.reissued = !rotates;
        if rotates {
            self.generation = self.generation.saturating_add(1);
            self.rotated_at = now;
        }
    }

    /// Judges the token with the number `presented` (CONTRACT §4, RFC 9700 §4.14).
    ///
    /// A reuse is a reuse even after the family expired; everything else then is [`Expired`].
    ///
    /// [`Expired`]: Presentation::Expired
    #[must_use]
    pub fn judge(
        &self,
        presented: u32,
        now: UnixMillis,
        window: std::time::Duration,
    ) -> Presentation {
        let just_superseded = presented.checked_add(1) == Some(self.generation);
        if presented > self.generation {
            return Presentation::Unissued;
        }
        if presented < self.generation && !just_superseded {
            return Presentation::Reuse;
        }
        if now >= self.idle_expires_at || now >= self.expires_at {
            return Presentation::Expired;
        }
        if presented == self.generation {
            return Presentation::Current;
        }
        if now.since(self.rotated_at) <= window {
            return Presentation::Repeat;
        }
        if self.reissued {
            Presentation::Reuse
        } else {
            Presentation::Reissue
        }
    }
}

/// Why a session or family ended; kept in the audit row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The person signed out.
    Logout,
    /// The token was revoked (RFC 7009).
    Revoked,
    /// A spent refresh token or authorization code came back.
    Reuse,
    /// The password changed.
    PasswordChanged,
    /// An operator locked, suspended or deleted the account.
    Administrator,
    /// Its owner lost every second factor, and let go of them.
    FactorsRecovered,
    /// A newer sign-in took its place: the account had too many.
    Displaced,
    /// The person, or an operator, took back what the client was allowed.
    ConsentRevoked,
}

impl EndReason {
    /// Gives the word a store keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Reuse => "reuse",
            Self::PasswordChanged => "password_changed",
            Self::Administrator => "administrator",
            Self::FactorsRecovered => "factors_recovered",
            Self::Displaced => "displaced",
            Self::ConsentRevoked => "consent_revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::random::Counting;

    const WINDOW: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    fn family(generation: u32, reissued: bool) -> Family {
        let random = Counting::default();
        Family {
            id: FamilyId::generate(at(0), &random),
            tenant: TenantId::generate(at(0), &random),
            session: SessionId::generate(at(0), &random),
            user: UserId::generate(at(0), &random),
            client: crate::client::FIRST_PARTY.to_owned(),
            scope: ScopeSet::default(),
            details: GrantDetails::default(),
            generation,
            rotated_at: at(100),
            reissued,
            idle_expires_at: at(1_000),
            expires_at: at(5_000),
        }
    }

    #[test]
    fn a_newer_version_of_a_browser_is_no_new_device() {
        let random = Counting::default();
        let with = |user_agent: Option<&str>| Session {
            id: SessionId::generate(at(0), &random),
            tenant: TenantId::generate(at(0), &random),
            user: UserId::generate(at(0), &random),
            auth_time: at(0),
            amr: Vec::new(),
            acr: String::new(),
            proofs: Vec::new(),
            address: None,
            user_agent: user_agent.map(str::to_owned),
            created_at: at(0),
            last_active_at: at(0),
            expires_at: at(0),
        };
        let name = |text| with(Some(text)).device();
        assert_eq!(name("Fox/128.0 (X11)"), name("Fox/131.2 (X11)"));
        assert_ne!(name("Fox/128.0 (X11)"), name("Fox/128.0 (Phone)"));
        assert_eq!(with(None).device(), "");
        assert!(name(&"ä".repeat(500)).len() <= MAX_DEVICE);
    }

    #[test]
    fn the_current_token_advances() {
        assert_eq!(
            family(3, false).judge(3, at(999), WINDOW),
            Presentation::Current
        );
    }

    #[test]
    fn the_superseded_token_repeats_inside_the_window() {
        assert_eq!(
            family(3, false).judge(2, at(130), WINDOW),
            Presentation::Repeat
        );
    }

    #[test]
    fn outside_the_window_it_is_issued_again_once() {
        assert_eq!(
            family(3, false).judge(2, at(131), WINDOW),
            Presentation::Reissue
        );
        assert_eq!(
            family(3, true).judge(2, at(131), WINDOW),
            Presentation::Reuse
        );
    }

    #[test]
    fn anything_older_is_reuse_even_after_expiry() {
        assert_eq!(
            family(3, false).judge(1, at(101), WINDOW),
            Presentation::Reuse
        );
        assert_eq!(
            family(3, false).judge(1, at(9_999), WINDOW),
            Presentation::Reuse
        );
    }

    #[test]
    fn idle_and_absolute_ends_are_ends() {
        assert_eq!(
            family(3, false).judge(3, at(1_000), WINDOW),
            Presentation::Expired
        );
        let mut old = family(3, false);
        old.idle_expires_at = at(9_000);
        assert_eq!(old.judge(3, at(5_000), WINDOW), Presentation::Expired);
    }

    #[test]
    fn a_number_never_issued_is_refused() {
        assert_eq!(
            family(3, false).judge(4, at(101), WINDOW),
            Presentation::Unissued
        );
    }

    #[test]
    fn a_clock_that_went_back_does_not_end_a_family() {
        assert_eq!(
            family(3, false).judge(2, at(50), WINDOW),
            Presentation::Repeat
        );
    }
}
