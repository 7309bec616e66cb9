//! Claims about mailed codes of people who lost every second factor.

use domain::attempt::AttemptKey;
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::factor::Factors;
use domain::id::UserId;
use domain::one_time::{OneTime, Purpose};
use domain::user::{UserPatch, UserStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{World, at, bytes, much_later, password};
use crate::port::Ports;
use crate::port::factors::RecoverFactors;
use crate::port::one_time::ResetRedemption;
use crate::port::sessions::{EndedSessions, Rotation};

crate::contract::claims!("factors":
    a_recovery_takes_every_factor_and_ends_every_session,
    one_of_20_recoveries_at_once_counts,
    a_recovery_needs_a_code_of_its_own,
    who_may_not_be_recovered_by_mail_keeps_everything,
);

/// Somebody with a proven address, an app, a passkey and backup codes.
async fn owner(world: &World, email: &str) -> UserId {
    let user = world.register(email).await.id;
    change(
        world,
        user,
        UserPatch {
            email_verified: Some(true),
            ..UserPatch::default()
        },
    )
    .await;
    world.bind_totp(user, &[bytes(), bytes()]).await;
    world.bind_passkey(user).await;
    user
}

async fn change(world: &World, user: UserId, patch: UserPatch) {
    let entry = world.entry(EventKind::UserUpdated).about(&user);
    let users = &world.ports.users;
    let written = users.update_user(user, patch, much_later(), entry);
    written.await.unwrap();
}

async fn issue(world: &World, user: UserId, purpose: Purpose) -> OneTime {
    let code = world.one_time(user, purpose);
    let entry = world.entry(EventKind::FactorRecoveryRequested);
    let tokens = &world.ports.one_time;
    let issued = tokens.issue_one_time(code.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();
    code
}

fn recovery(world: &World, user: UserId, code: &OneTime) -> RecoverFactors {
    RecoverFactors {
        tenant: world.tenant,
        user,
        signatures: vec![bytes(), code.signature],
        password_set_at: at(0),
        remember_until: much_later(),
        notice: Some(world.mail(at(60))),
        entry: world.entry_at(EventKind::FactorsRecovered, at(60)),
    }
}

async fn recover(world: &World, order: RecoverFactors) -> Option<EndedSessions> {
    let recovered = world.ports.factors.recover_factors(order);
    recovered.await.unwrap()
}

async fn a_recovery_takes_every_factor_and_ends_every_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let (user, bob) = (
        owner(&world, "ada@example.org").await,
        owner(&world, "bob@example.org").await,
    );
    let (session, family) = world.sign_in(user).await;
    let (_, kept) = world.sign_in(bob).await;
    let code = issue(&world, user, Purpose::RecoverFactors).await;
    let before = world.waiting_mails().await;
    let ended = recover(&world, recovery(&world, user, &code)).await;
    assert_eq!(ended, Some(vec![session.id]));
    assert_eq!(world.factors(user).await, Factors::default());
    assert!(world.factors(bob).await.is_any());
    let told = ChangeKind::SessionEnded(session.id);
    assert!(world.changes().await.contains(&told));
    let turn = ports
        .sessions
        .rotate_refresh(world.turn(&family, 1, at(61)));
    assert_eq!(turn.await, Ok(Rotation::Ended));
    let turn = ports.sessions.rotate_refresh(world.turn(&kept, 1, at(61)));
    assert!(matches!(turn.await, Ok(Rotation::Granted(_))));
    assert_eq!(world.waiting_mails().await, before + 1);
    assert_eq!(world.count_events(EventKind::FactorsRecovered).await, 1);
    // The code is spent, whatever is bound by now.
    world.bind_passkey(user).await;
    assert_eq!(recover(&world, recovery(&world, user, &code)).await, None);
    assert!(world.factors(user).await.is_any());
}

async fn one_of_20_recoveries_at_once_counts(ports: Ports) {
    let world = World::new(ports).await;
    let user = owner(&world, "ada@example.org").await;
    let code = issue(&world, user, Purpose::RecoverFactors).await;
    let orders = (0..20).map(|_| recover(&world, recovery(&world, user, &code)));
    let counted = join_all(orders).await.into_iter().flatten();
    assert_eq!(counted.count(), 1);
    assert_eq!(world.count_events(EventKind::FactorsRecovered).await, 1);
}

async fn a_recovery_needs_a_code_of_its_own(ports: Ports) {
    let world = World::new(ports).await;
    let (user, bob) = (
        owner(&world, "ada@example.org").await,
        owner(&world, "bob@example.org").await,
    );
    let older = issue(&world, user, Purpose::RecoverFactors).await;
    let newer = issue(&world, user, Purpose::RecoverFactors).await;
    let reset = issue(&world, user, Purpose::ResetPassword).await;
    let others = issue(&world, bob, Purpose::RecoverFactors).await;
    let other = world.beside().await;
    let late = RecoverFactors {
        entry: world.entry_at(EventKind::FactorsRecovered, newer.expires_at),
        ..recovery(&world, user, &newer)
    };
    let before = world.waiting_mails().await;
    for order in [
        recovery(&world, user, &older),
        recovery(&world, user, &reset),
        recovery(&world, user, &others),
        recovery(&other, user, &newer),
        late,
    ] {
        assert_eq!(recover(&world, order).await, None);
    }
    assert_eq!(world.waiting_mails().await, before);
    assert_eq!(world.count_events(EventKind::FactorsRecovered).await, 0);
    assert!(world.factors(user).await.is_any());
    // Nor does a recovery code set a password.
    let redemption = redemption(&world, &newer);
    let redeemed = world.ports.one_time.redeem_reset(redemption).await;
    assert_eq!(redeemed, Ok(None));
    assert!(
        recover(&world, recovery(&world, user, &newer))
            .await
            .is_some()
    );
}

fn redemption(world: &World, token: &OneTime) -> ResetRedemption {
    ResetRedemption {
        tenant: world.tenant,
        signature: token.signature,
        now: at(1),
        password: password("$reset"),
        clear_attempts: AttemptKey([7; 32]).into(),
        notice: world.mail(at(1)),
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordResetCompleted),
    }
}

async fn who_may_not_be_recovered_by_mail_keeps_everything(ports: Ports) {
    let world = World::new(ports).await;
    let but = |patch: UserPatch| (patch, "");
    let ways = [
        but(UserPatch {
            status: Some(UserStatus::Locked),
            ..UserPatch::default()
        }),
        but(UserPatch {
            status: Some(UserStatus::Deleted),
            erase_at: Some(at(3_600)),
            ..UserPatch::default()
        }),
        but(UserPatch {
            email_verified: Some(false),
            ..UserPatch::default()
        }),
        but(UserPatch {
            password_compromised: true,
            ..UserPatch::default()
        }),
        (UserPatch::default(), "$reset"),
    ];
    for (number, (patch, reset)) in ways.into_iter().enumerate() {
        let user = owner(&world, &format!("ada{number}@example.org")).await;
        if !reset.is_empty() {
            // The password came by mail, so a mailed code is no second way.
            let token = issue(&world, user, Purpose::ResetPassword).await;
            let redeemed = world
                .ports
                .one_time
                .redeem_reset(redemption(&world, &token));
            assert!(redeemed.await.unwrap().is_some());
        }
        let code = issue(&world, user, Purpose::RecoverFactors).await;
        change(&world, user, patch).await;
        let refused = recover(&world, recovery(&world, user, &code)).await;
        assert_eq!(refused, None, "{number}");
        assert!(world.factors(user).await.is_any(), "{number}");
    }
    let user = owner(&world, "ada@example.org").await;
    let code = issue(&world, user, Purpose::RecoverFactors).await;
    let other_password = RecoverFactors {
        password_set_at: at(1),
        ..recovery(&world, user, &code)
    };
    assert_eq!(recover(&world, other_password).await, None);
    assert_eq!(world.count_events(EventKind::FactorsRecovered).await, 0);
    assert!(
        recover(&world, recovery(&world, user, &code))
            .await
            .is_some()
    );
}
