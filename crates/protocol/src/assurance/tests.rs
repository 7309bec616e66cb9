//! What suffices, and what is owed.

use domain::factor::{Passkey, Totp};
use domain::id::{PasskeyId, TenantId, UserId};
use domain::random::Counting;
use proptest::prelude::*;

use super::*;

const ALL: [Factor; 5] = [
    Factor::Password,
    Factor::Totp,
    Factor::BackupCode,
    Factor::Passkey,
    Factor::VerifyingPasskey,
];

fn at(seconds: i64) -> UnixMillis {
    UnixMillis::from_seconds(seconds)
}

fn proved(factors: &[Factor]) -> Vec<Proved> {
    let instants = (100..).map(at);
    let pairs = factors.iter().zip(instants);
    pairs.map(|(&factor, at)| Proved { factor, at }).collect()
}

fn bound(totp: bool, passkey: bool, backup_codes: u32) -> Factors {
    let (now, random) = (at(1), Counting::default());
    let (tenant, user) = (
        TenantId::generate(now, &random),
        UserId::generate(now, &random),
    );
    let app = Totp {
        tenant,
        user,
        sealed_secret: Vec::new(),
        digits: 6,
        period: 30,
        created_at: now,
        confirmed_at: Some(now),
        last_step: None,
    };
    let key = Passkey {
        id: PasskeyId::generate(now, &random),
        tenant,
        user,
        credential_id: vec![1],
        name: "key".to_owned(),
        credential: serde_json::Value::Null,
        sign_count: 0,
        is_backup_eligible: false,
        is_backed_up: false,
        created_at: now,
        last_used_at: None,
    };
    Factors {
        totp: totp.then_some(app),
        passkeys: passkey.then_some(key).into_iter().collect(),
        backup_codes,
    }
}

fn demand(policy: MfaPolicy, level: Level) -> Demand {
    Demand { policy, level }
}

fn plain() -> Demand {
    demand(MfaPolicy::Offer, Level::Aal1)
}

#[test]
fn nist_sp_800_63b_4_2_2_two_factors_are_one_known_and_one_had() {
    let level = |factors: &[Factor]| Assurance::of(&proved(factors)).map(|reached| reached.level);
    assert_eq!(level(&[]), None);
    assert_eq!(level(&[Factor::Password]), Some(Level::Aal1));
    for had in [Factor::Totp, Factor::BackupCode, Factor::Passkey] {
        assert_eq!(level(&[had]), Some(Level::Aal1), "{had:?}");
        assert_eq!(level(&[Factor::Password, had]), Some(Level::Aal2));
        assert_eq!(
            level(&[had, Factor::Totp, Factor::Passkey]),
            Some(Level::Aal1)
        );
    }
    assert_eq!(level(&[Factor::VerifyingPasskey]), Some(Level::Aal2));
}

#[test]
fn whoever_has_bound_nothing_gets_in_by_a_password_unless_more_is_demanded() {
    let (none, password) = (bound(false, false, 0), proved(&[Factor::Password]));
    let standing = |policy, level| judge(&password, &none, demand(policy, level));
    for policy in [MfaPolicy::Off, MfaPolicy::Offer] {
        let done = standing(policy, Level::Aal1);
        assert!(matches!(done, Standing::Done(reached) if reached.level == Level::Aal1));
    }
    assert_eq!(
        standing(MfaPolicy::Require, Level::Aal1),
        Standing::MustBind
    );
    assert_eq!(standing(MfaPolicy::Offer, Level::Aal2), Standing::MustBind);
    // Where nothing may be bound, nothing can be asked for: what was reached is said as it is.
    let done = standing(MfaPolicy::Off, Level::Aal2);
    assert!(matches!(done, Standing::Done(reached) if reached.level == Level::Aal1));
}

#[test]
fn whoever_has_bound_a_factor_is_asked_for_it_whatever_the_policy() {
    let password = proved(&[Factor::Password]);
    for policy in [MfaPolicy::Off, MfaPolicy::Offer, MfaPolicy::Require] {
        let standing = judge(
            &password,
            &bound(true, true, 3),
            demand(policy, Level::Aal1),
        );
        let all = vec![Factor::Passkey, Factor::Totp, Factor::BackupCode];
        assert_eq!(standing, Standing::Owes(all), "{policy:?}");
    }
    let standing = judge(&password, &bound(true, false, 0), plain());
    assert_eq!(standing, Standing::Owes(vec![Factor::Totp]));
}

#[test]
fn an_app_that_never_showed_a_code_and_codes_alone_are_no_factor() {
    let mut unconfirmed = bound(true, false, 5);
    if let Some(totp) = &mut unconfirmed.totp {
        totp.confirmed_at = None;
    }
    assert_eq!(second_factors(&unconfirmed), []);
    assert_eq!(second_factors(&bound(false, false, 5)), []);
    let standing = judge(&proved(&[Factor::Password]), &unconfirmed, plain());
    assert!(matches!(standing, Standing::Done(_)));
}

#[test]
fn rfc_8176_2_each_method_is_named_once() {
    let amr = |factors: &[Factor]| Assurance::of(&proved(factors)).map(|reached| reached.amr);
    assert_eq!(amr(&[Factor::Password]), Some(vec!["pwd"]));
    assert_eq!(
        amr(&[Factor::Password, Factor::Totp, Factor::BackupCode]),
        Some(vec!["pwd", "otp", "mfa"])
    );
    assert_eq!(
        amr(&[Factor::VerifyingPasskey]),
        Some(vec!["swk", "user", "mfa"])
    );
}

#[test]
fn auth_time_is_the_last_factor_and_the_whole_length_counts_from_the_first() {
    let both = proved(&[Factor::Password, Factor::Totp]);
    let reached = Assurance::of(&both).expect("proved");
    assert_eq!(reached.auth_time, at(101));
    assert_eq!(oldest(&both), Some(at(100)));
}

#[test]
fn nist_sp_800_63b_4_2_2_3_after_idle_what_was_had_counts_and_what_was_known_is_asked_again() {
    let kept = kept_when_idle(
        &proved(&[Factor::Password, Factor::Totp]),
        &bound(true, true, 0),
    );
    assert_eq!(
        kept.iter().map(|one| one.factor).collect::<Vec<_>>(),
        [Factor::Totp]
    );
    let kept = kept_when_idle(&proved(&[Factor::VerifyingPasskey]), &bound(true, true, 0));
    assert_eq!(kept.first().map(|one| one.factor), Some(Factor::Passkey));
    let standing = judge(&kept, &bound(true, true, 0), plain());
    assert_eq!(standing, Standing::Owes(vec![Factor::Password]));
    assert_eq!(
        kept_when_idle(&proved(&[Factor::Password]), &bound(true, true, 0)),
        []
    );
}

#[test]
fn what_was_let_go_of_or_bound_anew_counts_for_nothing_after_idle() {
    let shown = |factor| proved(&[Factor::Password, factor]);
    let kept = |factor, bound: &Factors| kept_when_idle(&shown(factor), bound).len();
    assert_eq!(kept(Factor::Totp, &bound(true, false, 0)), 1);
    assert_eq!(kept(Factor::Totp, &bound(false, true, 0)), 0, "removed");
    assert_eq!(kept(Factor::Passkey, &bound(true, false, 0)), 0, "removed");
    assert_eq!(kept(Factor::BackupCode, &bound(false, false, 9)), 0);
    let mut anew = bound(true, true, 0);
    if let Some(app) = &mut anew.totp {
        app.confirmed_at = Some(at(500));
    }
    for passkey in &mut anew.passkeys {
        passkey.created_at = at(500);
    }
    for factor in [
        Factor::Totp,
        Factor::BackupCode,
        Factor::Passkey,
        Factor::VerifyingPasskey,
    ] {
        assert_eq!(kept(factor, &anew), 0, "{factor:?}");
    }
}

proptest! {
    #[test]
    fn nobody_is_done_without_what_is_bound_or_demanded(
        shown in proptest::collection::vec(0usize..ALL.len(), 0..6),
        (totp, passkey) in any::<(bool, bool)>(),
        policy in 0usize..3,
        strong in any::<bool>(),
    ) {
        let shown: Vec<Factor> = shown.into_iter().map(|number| ALL[number]).collect();
        let policy = [MfaPolicy::Off, MfaPolicy::Offer, MfaPolicy::Require][policy];
        let level = if strong { Level::Aal2 } else { Level::Aal1 };
        let factors = bound(totp, passkey, 1);
        if let Standing::Done(reached) = judge(&proved(&shown), &factors, demand(policy, level)) {
            let wants_two = totp || passkey || policy == MfaPolicy::Require;
            prop_assert!(!wants_two || reached.level == Level::Aal2);
            let is_both = shown.contains(&Factor::VerifyingPasskey);
            let is_two = shown.contains(&Factor::Password) && shown.len() > 1;
            prop_assert!(reached.level == Level::Aal1 || is_both || is_two);
        }
    }

    #[test]
    fn one_more_factor_never_makes_a_sign_in_weaker(
        shown in proptest::collection::vec(0usize..ALL.len(), 1..5),
        more in 0usize..ALL.len(),
    ) {
        let mut shown: Vec<Factor> = shown.into_iter().map(|number| ALL[number]).collect();
        let before = Assurance::of(&proved(&shown)).map(|reached| reached.level);
        shown.push(ALL[more]);
        let after = Assurance::of(&proved(&shown)).map(|reached| reached.level);
        prop_assert!(after >= before);
    }
}
