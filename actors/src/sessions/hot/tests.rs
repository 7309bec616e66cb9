//! Tests of what the sessions owner remembers of families.

use domain::authorization::GrantDetails;
use domain::event::{Actor, Origin};
use domain::id::{RequestId, TenantId};
use domain::random::Counting;
use domain::scope::ScopeSet;
use domain::session::{Family, Session};
use domain::user::{User, UserStatus};

use super::*;

const WINDOW: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> UnixMillis {
    UnixMillis::from_seconds(seconds)
}

fn granted(random: &Counting) -> Granted {
    let (tenant, user) = (
        TenantId::generate(at(0), random),
        UserId::generate(at(0), random),
    );
    let session = Session {
        id: SessionId::generate(at(0), random),
        tenant,
        user,
        auth_time: at(0),
        amr: vec!["pwd".to_owned()],
        acr: "aal1".to_owned(),
        proofs: Vec::new(),
        address: None,
        user_agent: None,
        created_at: at(0),
        last_active_at: at(0),
        expires_at: at(1_000),
    };
    let family = Family {
        id: FamilyId::generate(at(0), random),
        tenant,
        session: session.id,
        user,
        client: "first-party".to_owned(),
        scope: ScopeSet::default(),
        details: GrantDetails::default(),
        generation: 2,
        rotated_at: at(100),
        reissued: false,
        idle_expires_at: at(5_000),
        expires_at: at(9_000),
    };
    let user = User {
        id: user,
        tenant,
        email: domain::email::EmailAddress::parse("ada@example.org").unwrap(),
        email_verified: true,
        name: "Ada".to_owned(),
        status: UserStatus::Active,
        locked_reason: None,
        roles: Vec::new(),
        password_compromised: false,
        password_by_mail: false,
        erase_at: None,
        created_at: at(0),
        updated_at: at(0),
        version: 1,
    };
    Granted {
        family,
        session,
        user,
        advanced: true,
    }
}

fn turn(granted: &Granted, generation: u32, now: UnixMillis) -> Turn {
    Turn {
        tenant: granted.family.tenant,
        family: granted.family.id,
        generation,
        client: granted.family.client.clone(),
        rotates: true,
        jkt: None,
        certificate: None,
        now,
        window: WINDOW,
        idle: WINDOW,
        remember_until: at(9_000),
        origin: Origin {
            tenant: granted.family.tenant,
            actor: Actor::Anonymous,
            address: None,
            user_agent: None,
            request: RequestId::generate(at(0), &Counting::default()),
            claimed_in: None,
            at: now,
        },
    }
}

/// Gives copies that hold one answer.
fn holding(granted: &Granted) -> HotCopies {
    let mut copies = HotCopies::new(8);
    let epoch = copies.answer(&turn(granted, 1, at(100))).unwrap_err();
    copies.keep(epoch, granted, WINDOW);
    copies
}

#[test]
fn a_repeat_inside_the_window_gets_the_same_successor() {
    let granted = granted(&Counting::default());
    let answer = holding(&granted).answer(&turn(&granted, 1, at(130)));
    assert_eq!(
        answer.map(|a| (a.family.generation, a.advanced)),
        Ok((2, false))
    );
}

#[test]
fn whatever_is_not_plainly_a_repeat_goes_to_the_store() {
    let granted = granted(&Counting::default());
    let fitting = turn(&granted, 1, at(101));
    let odd = [
        turn(&granted, 2, at(101)),
        turn(&granted, 1, at(131)),
        turn(&granted, 0, at(101)),
        turn(&granted, 1, at(1_000)),
        Turn {
            client: "another".to_owned(),
            ..fitting.clone()
        },
        Turn {
            tenant: TenantId::generate(at(7), &Counting::default()),
            ..fitting
        },
    ];
    for turn in odd {
        assert!(holding(&granted).answer(&turn).is_err(), "{turn:?}");
    }
}

#[test]
fn a_copy_is_forgotten_before_the_store_is_asked() {
    let granted = granted(&Counting::default());
    let mut copies = holding(&granted);
    assert!(copies.answer(&turn(&granted, 2, at(101))).is_err());
    assert!(copies.answer(&turn(&granted, 1, at(101))).is_err());
}

#[test]
fn an_ended_session_and_a_changed_user_leave_no_copy() {
    let granted = granted(&Counting::default());
    let mut copies = holding(&granted);
    copies.forget_sessions(&[granted.session.id]);
    assert!(copies.answer(&turn(&granted, 1, at(101))).is_err());
    let mut copies = holding(&granted);
    copies.forget_user(granted.user.id);
    assert!(copies.answer(&turn(&granted, 1, at(101))).is_err());
    assert!(copies.about.is_empty() && copies.live == 0);
}

#[test]
fn what_was_read_before_something_was_forgotten_is_not_kept() {
    let granted = granted(&Counting::default());
    let mut copies = HotCopies::new(8);
    let epoch = copies.answer(&turn(&granted, 1, at(100))).unwrap_err();
    copies.forget_user(granted.user.id);
    copies.keep(epoch, &granted, WINDOW);
    assert!(copies.copies.is_empty() && copies.about.is_empty());
}

#[test]
fn the_oldest_copy_makes_room_and_nothing_grows_without_bound() {
    let random = Counting::default();
    let all: Vec<Granted> = (0..20).map(|_| granted(&random)).collect();
    let mut copies = HotCopies::new(8);
    for granted in &all {
        copies.keep(Epoch(0), granted, WINDOW);
    }
    assert_eq!(copies.live, 8);
    for _ in 0..100 {
        copies.keep(Epoch(0), &all[19], WINDOW);
        assert!(copies.copies.len() <= 16 && copies.about.len() <= 24);
    }
    assert!(copies.answer(&turn(&all[19], 1, at(101))).is_ok());
    assert!(copies.answer(&turn(&all[0], 1, at(101))).is_err());
}

#[test]
fn without_capacity_nothing_is_kept() {
    let granted = granted(&Counting::default());
    let mut copies = HotCopies::new(0);
    copies.keep(Epoch(0), &granted, WINDOW);
    assert!(copies.answer(&turn(&granted, 1, at(101))).is_err());
}

#[test]
fn what_has_expired_makes_room() {
    let random = Counting::default();
    let mut copies = HotCopies::new(8);
    copies.keep(Epoch(0), &granted(&random), WINDOW);
    let mut late = granted(&random);
    late.family.rotated_at = at(131);
    copies.keep(Epoch(0), &late, WINDOW);
    assert_eq!((copies.live, copies.copies.len()), (1, 1));
}

#[test]
fn numbers_go_round() {
    let random = Counting::default();
    let all: Vec<Granted> = (0..20).map(|_| granted(&random)).collect();
    let mut copies = HotCopies::new(8);
    copies.first = u32::MAX - 5;
    for granted in &all {
        copies.keep(Epoch(0), granted, WINDOW);
        assert!(copies.answer(&turn(granted, 1, at(101))).is_ok());
    }
    copies.forget_sessions(&[all[15].session.id]);
    let is_kept = |granted: &Granted| copies.answer(&turn(granted, 1, at(101))).is_ok();
    let kept: Vec<bool> = all.iter().map(is_kept).collect();
    let expected: Vec<bool> = (0..20).map(|place| place >= 12 && place != 15).collect();
    assert_eq!(kept, expected);
}

#[test]
fn ids_that_look_alike_are_told_apart() {
    let random = Counting::default();
    let (one, mut other) = (granted(&random), granted(&random));
    // The last four bytes of their families are the same.
    let low = one.family.id.as_uuid().as_u128() & 0xffff_ffff;
    let high = other.family.id.as_uuid().as_u128() & !0xffff_ffff;
    other.family.id = FamilyId::from_uuid(Uuid::from_u128(high | low));
    let mut copies = holding(&one);
    assert!(copies.answer(&turn(&other, 1, at(101))).is_err());
    copies.keep(Epoch(copies.forgotten), &other, WINDOW);
    let answer = copies.answer(&turn(&other, 1, at(101))).unwrap();
    assert_eq!(answer.family.id, other.family.id);
    assert!(copies.answer(&turn(&one, 1, at(101))).is_err());
}

/// One that has everything it may have.
fn full(random: &Counting) -> Granted {
    let mut all = granted(random);
    all.family.client = "3f6c2f8e-6f5b-4c1d-9a53-1d2f6a7b8c9d".to_owned();
    all.family.scope = ScopeSet::parse("openid profile email offline_access").unwrap();
    all.family.details = GrantDetails {
        resources: vec!["https://api.example.org".to_owned()],
        claims: Some(serde_json::json!({ "userinfo": { "email": null } })),
        authorization_details: Some(serde_json::json!([{ "type": "payment", "amount": 1.5 }])),
        dpop_jkt: Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned()),
        certificate: Some("bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2".to_owned()),
        sector: Some("example.org".to_owned()),
    };
    all.family.reissued = true;
    all.session.amr = vec!["pwd".to_owned(), "otp".to_owned(), "mfa".to_owned()];
    all.session.acr = "urn:nist:sp:800-63b-4:aal2".to_owned();
    all.session.proofs = packed::FACTORS
        .map(|factor| domain::factor::Proved { factor, at: at(3) })
        .to_vec();
    all.session.address = Some("2001:db8::7".parse().unwrap());
    all.session.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Grün".to_owned());
    all.user.roles = vec!["admin".to_owned(), "reader".to_owned()];
    all.user.locked_reason = Some("none".to_owned());
    all.user.erase_at = Some(at(99_000));
    all.user.version = i64::MIN;
    all
}

#[test]
fn a_repeat_is_the_answer_to_the_last_field() {
    let random = Counting::default();
    let (bare, full) = (granted(&random), full(&random));
    let mut closed = bare.clone();
    closed.user.password_by_mail = true;
    closed.session.address = Some("192.0.2.7".parse().unwrap());
    let mut compromised = full.clone();
    compromised.user.email_verified = false;
    compromised.user.password_compromised = true;
    compromised.session.acr = "urn:nist:sp:800-63b-4:aal1".to_owned();
    for granted in [bare, full, closed, compromised] {
        let packed = Packed::of(&granted, at(130), &mut Writer::default()).unwrap();
        let again = packed.unpack().unwrap();
        assert_eq!(again.family, granted.family);
        assert_eq!(again.session, granted.session);
        assert_eq!(again.user, granted.user);
        assert!(!again.advanced);
    }
}

#[test]
fn a_copy_of_a_plain_session_takes_less_than_two_hundred_bytes() {
    let granted = granted(&Counting::default());
    let packed = Packed::of(&granted, at(130), &mut Writer::default()).unwrap();
    assert!(packed.len() < 200, "{}", packed.len());
}
