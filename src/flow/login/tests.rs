//! Who gets in, and what the meters are told of who does not.

use domain::id::TenantId;
use domain::random::Counting;
use domain::user::UserStatus;

use super::*;

fn credentials(status: UserStatus) -> Credentials {
    let (now, random) = (UnixMillis::from_seconds(1), Counting::default());
    Credentials {
        user: User {
            id: UserId::generate(now, &random),
            tenant: TenantId::generate(now, &random),
            email: EmailAddress::from_stored("ada@example.org".to_owned()),
            email_verified: true,
            name: "Ada".to_owned(),
            status,
            locked_reason: None,
            roles: vec!["user".to_owned()],
            password_compromised: false,
            password_by_mail: false,
            erase_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        },
        password: None,
    }
}

fn is_right(found: Option<Credentials>, matches: bool) -> bool {
    matches!(judge(found, matches, None), Finding::Right { .. })
}

#[test]
fn only_the_right_password_of_an_active_account_gets_in() {
    assert!(is_right(Some(credentials(UserStatus::Active)), true));
    assert!(!is_right(Some(credentials(UserStatus::Active)), false));
    assert!(!is_right(Some(credentials(UserStatus::Locked)), true));
    assert!(!is_right(Some(credentials(UserStatus::Suspended)), true));
    // Its owner goes on to prove who they are, and is told how to have it back.
    assert!(is_right(Some(credentials(UserStatus::Deleted)), true));
    assert!(!is_right(Some(credentials(UserStatus::Deleted)), false));
    assert!(!is_right(None, true) && !is_right(None, false));
}

#[test]
fn a_password_that_others_know_gets_nobody_in_and_is_said_only_of_a_right_one() {
    let known = |status| {
        let mut found = credentials(status);
        found.user.password_compromised = true;
        Some(found)
    };
    let looked = |status, matches| check_kept(judge(known(status), matches, None));
    let right = looked(UserStatus::Active, true);
    assert!(matches!(right, Finding::Compromised(_)));
    let wrong = looked(UserStatus::Active, false);
    assert!(matches!(wrong, Finding::Wrong(_, "wrong")));
    let closed = looked(UserStatus::Locked, true);
    assert!(matches!(closed, Finding::Wrong(_, "locked")));
}

#[test]
fn outcomes_are_told_apart_for_the_meters_only() {
    assert_eq!(outcome(&wrong().into()), LoginOutcome::Refused);
    let delayed = Refusal::new(Code::RateLimited, "x");
    assert_eq!(outcome(&delayed.into()), LoginOutcome::Delayed);
    assert_eq!(outcome(&Fault::Late.into()), LoginOutcome::Failed);
}
