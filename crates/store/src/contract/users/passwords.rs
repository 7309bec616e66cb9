//! Claims about changes of passwords.

use std::time::Duration;

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::UserId;
use domain::one_time::Purpose;
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, PHC, World, at, much_later, password};
use crate::port::Ports;
use crate::port::sessions::Rotation;
use crate::port::users::PasswordChange;

crate::contract::claims!("users":
    a_new_password_ends_every_session_but_the_one_kept,
    a_new_password_forgets_open_reset_tokens,
    a_password_of_nobody_is_not_changed,
    a_password_replaced_meanwhile_stands,
    a_rehash_replaces_only_the_hash_it_was_made_from,
    one_of_ten_concurrent_rehashes_wins,
);

fn change(world: &World, user: UserId) -> PasswordChange {
    PasswordChange {
        tenant: world.tenant,
        user,
        old_set_at: None,
        password: password("$new"),
        is_owners: true,
        keep: None,
        notice: None,
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordChanged).about(&user),
    }
}

async fn stored_phc(world: &World, user: UserId) -> String {
    let found = world.ports.users.load_password(world.tenant, user).await;
    let password = found.unwrap().unwrap().password.unwrap();
    password.phc.expose().to_owned()
}

async fn a_new_password_ends_every_session_but_the_one_kept(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (kept, kept_family) = world.sign_in(user).await;
    let (ended, ended_family) = world.sign_in(user).await;
    let bystander = world.register("bob@example.org").await.id;
    world.sign_in(bystander).await;

    let mut change = change(&world, user);
    change.keep = Some(kept.id);
    change.notice = Some(world.mail(at(0)));
    let answer = ports.users.change_password(change).await.unwrap();
    assert_eq!(answer, Some(vec![ended.id]));
    assert_eq!(stored_phc(&world, user).await, "$new");
    assert_eq!(stored_phc(&world, bystander).await, PHC);
    let changes = world.changes().await;
    assert!(changes.contains(&ChangeKind::SessionEnded(ended.id)));
    assert!(!changes.contains(&ChangeKind::SessionEnded(kept.id)));
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 1);

    let sessions = &ports.sessions;
    let turn = sessions.rotate_refresh(world.turn(&ended_family, 1, at(1)));
    assert_eq!(turn.await.unwrap(), Rotation::Ended);
    let turn = sessions.rotate_refresh(world.turn(&kept_family, 1, at(1)));
    assert!(matches!(turn.await.unwrap(), Rotation::Granted(_)));
    let live = sessions.list_sessions(world.tenant, bystander, at(1)).await;
    assert_eq!(live.unwrap().len(), 1);
}

async fn a_new_password_forgets_open_reset_tokens(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let reset = world.one_time(user, Purpose::ResetPassword);
    let verify = world.one_time(user, Purpose::VerifyEmail);
    for token in [&reset, &verify] {
        let entry = world.entry(EventKind::PasswordResetRequested);
        let issued = ports
            .one_time
            .issue_one_time(token.clone(), world.mail(at(0)), entry);
        issued.await.unwrap();
    }
    let answer = ports.users.change_password(change(&world, user)).await;
    assert_eq!(answer.unwrap(), Some(vec![]));
    for (token, owner) in [(reset, None), (verify, Some(user))] {
        let found =
            ports
                .one_time
                .load_one_time(world.tenant, token.purpose, token.signature, at(1));
        assert_eq!(found.await.unwrap(), owner);
    }
}

async fn a_password_of_nobody_is_not_changed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let stranger = UserId::generate(at(0), &Entropy);
    let mut nothing = change(&world, stranger);
    nothing.notice = Some(world.mail(at(0)));
    let answer = ports.users.change_password(nothing).await.unwrap();
    assert_eq!(answer, None);
    let user = world.register("ada@example.org").await.id;
    let other = world.beside().await;
    let answer = ports.users.change_password(change(&other, user)).await;
    assert_eq!(
        answer.unwrap(),
        None,
        "another tenant's order reaches nobody"
    );
    assert_eq!(stored_phc(&world, user).await, PHC);
    assert_eq!(world.count_events(EventKind::PasswordChanged).await, 0);
    assert_eq!(other.count_events(EventKind::PasswordChanged).await, 0);
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 0);
}

async fn a_password_replaced_meanwhile_stands(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (own, _) = world.sign_in(user).await;
    let mut late = change(&world, user);
    late.old_set_at = Some(at(0) + Duration::from_millis(1));
    late.notice = Some(world.mail(at(0)));
    let answer = ports.users.change_password(late.clone()).await.unwrap();
    assert_eq!(answer, None);
    assert_eq!(stored_phc(&world, user).await, PHC);
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 0);
    let live = ports
        .sessions
        .list_sessions(world.tenant, user, at(1))
        .await;
    assert_eq!(live.unwrap(), std::slice::from_ref(&own));

    late.old_set_at = Some(at(0));
    let answer = ports.users.change_password(late).await.unwrap();
    assert_eq!(answer, Some(vec![own.id]));
}

async fn a_rehash_replaces_only_the_hash_it_was_made_from(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    world.sign_in(user).await;
    let rehash = |old: &str| {
        let entry = world.entry(EventKind::PasswordRehashed).about(&user);
        ports
            .users
            .rehash_password(user, old.to_owned(), password("$new"), entry)
    };
    assert!(!rehash("$another").await.unwrap());
    assert_eq!(stored_phc(&world, user).await, PHC);
    assert!(rehash(PHC).await.unwrap());
    assert_eq!(stored_phc(&world, user).await, "$new");
    assert!(!rehash(PHC).await.unwrap());
    assert_eq!(world.count_events(EventKind::PasswordRehashed).await, 1);
    let live = ports
        .sessions
        .list_sessions(world.tenant, user, at(1))
        .await;
    assert_eq!(live.unwrap().len(), 1, "a rehash ends nothing");
}

async fn one_of_ten_concurrent_rehashes_wins(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let answers = join_all((0..10).map(|number| {
        let entry = world.entry(EventKind::PasswordRehashed).about(&user);
        let new = password(&format!("$new{number}"));
        ports
            .users
            .rehash_password(user, PHC.to_owned(), new, entry)
    }))
    .await;
    let replaced = answers.into_iter().filter(|a| *a.as_ref().unwrap());
    assert_eq!(replaced.count(), 1);
    assert_eq!(world.count_events(EventKind::PasswordRehashed).await, 1);
}
