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
    assert!(copies.about.is_empty() && copies.copies.is_empty());
}

#[test]
fn what_was_read_before_something_was_forgotten_is_not_kept() {
    let granted = granted(&Counting::default());
    let mut copies = HotCopies::new(8);
    let epoch = copies.answer(&turn(&granted, 1, at(100))).unwrap_err();
    copies.forget_user(granted.user.id);
    copies.keep(epoch, &granted, WINDOW);
    assert!(copies.copies.is_empty());
}

#[test]
fn the_oldest_copy_makes_room_and_nothing_grows_without_bound() {
    let random = Counting::default();
    let all: Vec<Granted> = (0..20).map(|_| granted(&random)).collect();
    let mut copies = HotCopies::new(8);
    for granted in &all {
        for _ in 0..20 {
            copies.keep(Epoch(0), granted, WINDOW);
        }
    }
    assert_eq!(copies.copies.len(), 8);
    assert!(copies.order.len() <= 16 && copies.about.len() <= 16);
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
