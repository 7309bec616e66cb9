//! Claims about passwords that others know, and about those that came by mail.

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::UserId;
use domain::one_time::Purpose;
use domain::session::Session;
use domain::user::{User, UserPatch};

use crate::contract::fixture::{PHC, World, at, much_later, password};
use crate::port::Ports;
use crate::port::one_time::ResetRedemption;
use crate::port::sessions::Rotation;
use crate::port::users::{PasswordChange, UserWrite};

crate::contract::claims!("users":
    a_compromised_password_ends_every_session_and_is_told_of,
    nobody_signs_in_with_a_compromised_password,
    a_compromised_password_is_replaced_by_mail_alone,
    a_password_that_came_by_mail_is_so_until_its_owner_changes_it,
);

async fn load(world: &World, user: UserId) -> (User, String) {
    let found = world.ports.users.load_password(world.tenant, user).await;
    let found = found.unwrap().unwrap();
    let phc = found.password.unwrap().phc.expose().to_owned();
    (found.user, phc)
}

async fn compromise(world: &World, user: UserId) -> UserWrite {
    let patch = UserPatch {
        password_compromised: true,
        notice: Some(world.mail(at(1))),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserUpdated).about(&user);
    let users = &world.ports.users;
    let written = users.update_user(user, patch, much_later(), entry);
    written.await.unwrap()
}

/// Sets a password by a mailed token.
async fn reset(world: &World, user: UserId, phc: &str) {
    let token = world.one_time(user, Purpose::ResetPassword);
    let entry = world.entry(EventKind::PasswordResetRequested);
    let tokens = &world.ports.one_time;
    let issued = tokens.issue_one_time(token.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();
    let redemption = ResetRedemption {
        tenant: world.tenant,
        signature: token.signature,
        now: at(2),
        password: password(phc),
        clear_attempts: domain::attempt::AttemptKey([7; 32]).into(),
        notice: world.mail(at(2)),
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordResetCompleted),
    };
    let redeemed = tokens.redeem_reset(redemption);
    assert!(redeemed.await.unwrap().is_some());
}

async fn change(world: &World, user: UserId, (phc, is_owners): (&str, bool)) -> bool {
    let change = PasswordChange {
        tenant: world.tenant,
        user,
        old_set_at: None,
        password: password(phc),
        is_owners,
        keep: None,
        notice: None,
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordChanged).about(&user),
    };
    let changed = world.ports.users.change_password(change);
    changed.await.unwrap().is_some()
}

/// Begins a sign-in, with the password that the story began with or without one.
async fn begin(world: &World, user: UserId, is_by_password: bool) -> Option<Session> {
    let mut new = world.sign_in_at(user, at(3));
    new.password_set_at = is_by_password.then_some(at(0));
    let session = new.session.clone();
    let begun = world.ports.sessions.begin_session(new).await.unwrap();
    begun.map(|_| session)
}

async fn a_compromised_password_ends_every_session_and_is_told_of(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    assert!(!user.password_compromised);
    let (session, family) = world.sign_in(user.id).await;
    let before = world.waiting_mails().await;
    let UserWrite::Stored(now, ended) = compromise(&world, user.id).await else {
        unreachable!("it is there")
    };
    assert!(now.password_compromised);
    assert_eq!(ended, [session.id]);
    assert_eq!(load(&world, user.id).await, (*now, PHC.to_owned()));
    assert_eq!(world.waiting_mails().await, before + 1);
    let changes = world.changes().await;
    assert!(changes.contains(&ChangeKind::SessionEnded(session.id)));
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
    assert_eq!(turn.await.unwrap(), Rotation::Ended);
    let other = world.register("eve@example.org").await;
    assert!(!load(&world, other.id).await.0.password_compromised);
}

async fn nobody_signs_in_with_a_compromised_password(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    assert!(begin(&world, user, true).await.is_some());
    compromise(&world, user).await;
    assert_eq!(begin(&world, user, true).await, None);
    assert!(begin(&world, user, false).await.is_some(), "by a passkey");
}

async fn a_compromised_password_is_replaced_by_mail_alone(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    compromise(&world, user).await;
    assert!(!change(&world, user, ("$new", true)).await);
    let (now, phc) = load(&world, user).await;
    assert_eq!((now.password_compromised, phc.as_str()), (true, PHC));
    reset(&world, user, "$reset").await;
    let (now, phc) = load(&world, user).await;
    assert_eq!((now.password_compromised, phc.as_str()), (false, "$reset"));
    assert!(begin(&world, user, true).await.is_some());
    assert!(change(&world, user, ("$new", true)).await);
}

async fn a_password_that_came_by_mail_is_so_until_its_owner_changes_it(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await;
    assert!(!user.password_by_mail);
    let is_by_mail = async || load(&world, user.id).await.0.password_by_mail;
    reset(&world, user.id, "$reset").await;
    assert!(is_by_mail().await);
    assert!(change(&world, user.id, ("$new", false)).await);
    assert!(is_by_mail().await, "whoever changed it had not proved all");
    assert!(change(&world, user.id, ("$newer", true)).await);
    assert!(!is_by_mail().await);
    assert!(change(&world, user.id, ("$newest", false)).await);
    assert!(!is_by_mail().await);
}
