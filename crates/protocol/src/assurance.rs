//! Assurance: which factors suffice, and what is still owed (NIST SP 800-63B-4 §2, RFC 8176, RFC 9470).
//!
//! This is the state machine of every sign-in, as one pure function. Its state is what was proved so
//! far, each factor with its instant; [`judge`] holds it against what the account has bound and what is
//! demanded, and gives a [`Standing`]: enough, or one more factor of these, or something to bind first.
//! Whoever signs a person in, by JSON or by pages, asks it after each step and begins no session before
//! it says [`Standing::Done`].
//!
//! Two factors are something known and something had; a passkey that found out who was there is both.
//! Whoever has bound a factor is asked for it whatever the policy says: the policy speaks of those who
//! have bound none.

use domain::factor::{Factor, Factors, MfaPolicy, Proved};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// How well somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// By one factor (NIST SP 800-63B-4 §2.1).
    Aal1,
    /// By two (§2.2).
    Aal2,
}

/// What is asked of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// What the tenant or the client asks of everybody, whichever asks more.
    pub policy: MfaPolicy,
    /// What this request asks for, if the account can have it.
    pub level: Level,
}

/// Where a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is enough.
    Done(Assurance),
    /// One of these is to be shown as well.
    Owes(Vec<Factor>),
    /// A second factor is demanded and the account has none: one is to be bound first.
    MustBind,
}

/// What a finished sign-in says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assurance {
    /// How well: the `acr` claim.
    pub level: Level,
    /// By what: the `amr` claim (RFC 8176 §2).
    pub amr: Vec<&'static str>,
    /// When somebody last showed a factor: the `auth_time` claim.
    pub auth_time: UnixMillis,
}

/// Judges where a sign-in stands.
#[must_use]
pub fn judge(proofs: &[Proved], bound: &Factors, demand: Demand) -> Standing {
    let Some(assurance) = Assurance::of(proofs) else {
        return Standing::Owes(vec![Factor::Password, Factor::VerifyingPasskey]);
    };
    let may_bind = demand.policy != MfaPolicy::Off;
    let is_demanded =
        demand.policy == MfaPolicy::Require || demand.level == Level::Aal2 && may_bind;
    if assurance.level == Level::Aal2 || !(bound.is_any() || is_demanded) {
        return Standing::Done(assurance);
    }
    if !proofs
        .iter()
        .any(|proved| proved.factor == Factor::Password)
    {
        return Standing::Owes(vec![Factor::Password]);
    }
    if bound.is_any() {
        Standing::Owes(second_factors(bound))
    } else {
        Standing::MustBind
    }
}

/// Lists what an account can show beside its password, what is liked best first.
#[must_use]
pub fn second_factors(bound: &Factors) -> Vec<Factor> {
    let has = [
        (Factor::Passkey, !bound.passkeys.is_empty()),
        (Factor::Totp, bound.confirmed_totp().is_some()),
        (Factor::BackupCode, bound.is_any() && bound.backup_codes > 0),
    ];
    let has = has.into_iter().filter(|(_, is_bound)| *is_bound);
    has.map(|(factor, _)| factor).collect()
}

/// Says when the oldest of what a sign-in relies on was shown: its whole length counts from there
/// (NIST SP 800-63B-4 §2.2.3).
#[must_use]
pub fn oldest(proofs: &[Proved]) -> Option<UnixMillis> {
    proofs.iter().map(|proved| proved.at).min()
}

/// Gives what of an earlier sign-in goes on to count after it was idle: one factor shown anew suffices
/// (NIST SP 800-63B-4 §2.2.3), so what was had stays shown, and what was known is asked again. What the
/// account has let go of since, or bound anew, was another's or is lost: it counts for nothing.
#[must_use]
pub fn kept_when_idle(proofs: &[Proved], bound: &Factors) -> Vec<Proved> {
    let is_had = |proved: &&Proved| matches!(kind(proved.factor), Kind::Had | Kind::Both);
    let as_had = |proved: &Proved| Proved {
        // Who was there then is not who is there now.
        factor: match proved.factor {
            Factor::VerifyingPasskey => Factor::Passkey,
            factor => factor,
        },
        at: proved.at,
    };
    let had = proofs.iter().filter(is_had).map(as_had);
    had.filter(|proved| is_bound_since(proved, bound)).collect()
}

/// Says whether what was shown may be bound still: the app by the same secret, or a passkey of then. Which
/// passkey it was is not kept, so one that is left of those stands for it.
fn is_bound_since(proved: &Proved, bound: &Factors) -> bool {
    let app = bound.confirmed_totp().and_then(|app| app.confirmed_at);
    let has_app = app.is_some_and(|at| at <= proved.at);
    let has_passkey = bound.passkeys.iter().any(|one| one.created_at <= proved.at);
    match proved.factor {
        Factor::Password => false,
        Factor::Totp => has_app,
        Factor::BackupCode => has_app || has_passkey,
        Factor::Passkey | Factor::VerifyingPasskey => has_passkey,
    }
}

enum Kind {
    Known,
    Had,
    Both,
}

const fn kind(factor: Factor) -> Kind {
    match factor {
        Factor::Password => Kind::Known,
        Factor::Totp | Factor::BackupCode | Factor::Passkey => Kind::Had,
        Factor::VerifyingPasskey => Kind::Both,
    }
}

// === impl Level ===

impl Level {
    /// Gives the `acr` value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "urn:nist:sp:800-63b-4:aal1",
            Self::Aal2 => "urn:nist:sp:800-63b-4:aal2",
        }
    }

    /// Reads an `acr` value; `None` for one that is not ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Aal1, Self::Aal2]
            .into_iter()
            .find(|level| level.as_str() == text)
    }
}

// === impl Assurance ===

impl Assurance {
    /// Gives what was reached; nothing if nothing was proved.
    #[must_use]
    pub fn of(proofs: &[Proved]) -> Option<Self> {
        let auth_time = proofs.iter().map(|proved| proved.at).max()?;
        let has = |wanted: fn(&Kind) -> bool| {
            let mut kinds = proofs.iter().map(|proved| kind(proved.factor));
            kinds.any(|kind| wanted(&kind))
        };
        let known = has(|kind| matches!(kind, Kind::Known | Kind::Both));
        let had = has(|kind| matches!(kind, Kind::Had | Kind::Both));
        let level = if known && had {
            Level::Aal2
        } else {
            Level::Aal1
        };
        Some(Self {
            level,
            amr: methods(proofs, level),
            auth_time,
        })
    }
}

/// Names the methods as RFC 8176 §2 does. That a passkey's key is kept by hardware is not known without
/// an attestation, so it is not said.
fn methods(proofs: &[Proved], level: Level) -> Vec<&'static str> {
    let mut amr = Vec::new();
    for proved in proofs {
        amr.extend_from_slice(match proved.factor {
            Factor::Password => &["pwd"][..],
            Factor::Totp | Factor::BackupCode => &["otp"],
            Factor::Passkey => &["swk"],
            Factor::VerifyingPasskey => &["swk", "user"],
        });
    }
    if level == Level::Aal2 {
        amr.push("mfa");
    }
    let mut seen = Vec::new();
    amr.retain(|word| {
        let is_new = !seen.contains(word);
        seen.push(*word);
        is_new
    });
    amr
}

#[cfg(test)]
mod tests;
