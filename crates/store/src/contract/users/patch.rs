//! Claims about changes to accounts and their deletion.

use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::UserId;
use domain::one_time::Purpose;
use domain::user::{User, UserPatch, UserStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, World, address, at, much_later};
use crate::port::Ports;
use crate::port::sessions::Rotation;
use crate::port::users::{Registration, UserWrite};

crate::contract::claims!("users":
    a_patch_changes_what_it_names_and_nothing_else,
    a_new_address_is_unverified_and_must_be_free,
    a_new_address_forgets_tokens_mailed_to_the_old,
    a_patch_of_another_version_is_stale,
    one_of_ten_patches_of_one_version_wins,
    a_lock_ends_every_session,
    an_unlock_forgets_the_reason,
    a_deleted_account_takes_everything_but_its_trail_along,
    nobody_is_neither_patched_nor_deleted,
    a_deletion_ends_every_session_and_is_told_and_undone,
    a_deletion_and_a_refresh_at_once_leave_no_session,
);

async fn update(world: &World, user: UserId, patch: UserPatch) -> UserWrite {
    let entry = world.entry_at(EventKind::UserUpdated, at(60)).about(&user);
    let users = &world.ports.users;
    let written = users.update_user(user, patch, much_later(), entry).await;
    written.unwrap()
}

async fn stored(world: &World, user: UserId) -> Option<User> {
    world
        .ports
        .users
        .load_user(world.tenant, user)
        .await
        .unwrap()
}

fn to_status(status: UserStatus) -> UserPatch {
    UserPatch {
        status: Some(status),
        locked_reason: Some("abuse".to_owned()),
        ..UserPatch::default()
    }
}

async fn a_patch_changes_what_it_names_and_nothing_else(ports: Ports) {
    let world = World::new(ports).await;
    let mut user = world.register("ada@example.org").await;
    let patch = UserPatch {
        name: Some("Countess".to_owned()),
        roles: Some(vec!["user".to_owned(), "admin".to_owned()]),
        email_verified: Some(true),
        expected_version: Some(1),
        ..UserPatch::default()
    };
    let written = update(&world, user.id, patch).await;
    "Countess".clone_into(&mut user.name);
    user.roles.push("admin".to_owned());
    user.email_verified = true;
    user.updated_at = at(60);
    user.version = 2;
    assert_eq!(written, UserWrite::Stored(Box::new(user.clone()), vec![]));
    assert_eq!(stored(&world, user.id).await, Some(user.clone()));
    assert_eq!(world.changes().await, [ChangeKind::UserChanged(user.id)]);
    assert_eq!(world.count_events(EventKind::UserUpdated).await, 1);
}

async fn a_new_address_is_unverified_and_must_be_free(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await;
    world.register("bob@example.org").await;
    let to = |text: &str, email_verified| UserPatch {
        email: Some(address(text)),
        email_verified,
        ..UserPatch::default()
    };
    let written = update(&world, user.id, to("BOB@example.org", None)).await;
    assert_eq!(written, UserWrite::EmailTaken);
    assert_eq!(stored(&world, user.id).await, Some(user.clone()));
    assert_eq!(world.count_events(EventKind::UserUpdated).await, 0);

    update(&world, user.id, to("eve@example.org", Some(true))).await;
    assert!(stored(&world, user.id).await.unwrap().email_verified);
    update(&world, user.id, to("Zoe@example.org", None)).await;
    let now = stored(&world, user.id).await.unwrap();
    assert_eq!(now.email, address("Zoe@example.org"));
    assert!(!now.email_verified);
    world.register("ada@example.org").await;
    let found = world
        .ports
        .users
        .load_credentials(world.tenant, address("zoe@example.org"));
    assert_eq!(found.await.unwrap().unwrap().user.id, user.id);
}

/// Else a token mailed to one address would verify another, or let whoever reads the old mailbox
/// choose the password.
async fn a_new_address_forgets_tokens_mailed_to_the_old(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    let purposes = [
        Purpose::VerifyEmail,
        Purpose::ResetPassword,
        Purpose::RecoverFactors,
    ];
    let tokens = purposes.map(|purpose| world.one_time(user.id, purpose));
    for token in tokens.clone() {
        let entry = world.entry(EventKind::EmailVerificationRequested);
        let issued = ports
            .one_time
            .issue_one_time(token, world.mail(at(0)), entry);
        issued.await.unwrap();
    }
    let patch = UserPatch {
        email: Some(address("eve@example.org")),
        ..UserPatch::default()
    };
    update(&world, user.id, patch).await;
    for token in tokens {
        let found =
            ports
                .one_time
                .load_one_time(world.tenant, token.purpose, token.signature, at(1));
        assert_eq!(found.await.unwrap(), None);
    }
}

async fn a_patch_of_another_version_is_stale(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await;
    let patch = UserPatch {
        name: Some("late".to_owned()),
        expected_version: Some(2),
        ..UserPatch::default()
    };
    assert_eq!(update(&world, user.id, patch).await, UserWrite::Stale);
    assert_eq!(stored(&world, user.id).await, Some(user));
    assert!(world.changes().await.is_empty());
}

async fn one_of_ten_patches_of_one_version_wins(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await;
    let written = join_all((0..10).map(|number| {
        let patch = UserPatch {
            name: Some(format!("name {number}")),
            expected_version: Some(1),
            ..UserPatch::default()
        };
        update(&world, user.id, patch)
    }))
    .await;
    let won = written
        .iter()
        .filter(|w| matches!(w, UserWrite::Stored(..)));
    assert_eq!(won.count(), 1);
    let late = written.iter().filter(|w| **w == UserWrite::Stale);
    assert_eq!(late.count(), 9);
    assert_eq!(stored(&world, user.id).await.unwrap().version, 2);
}

async fn a_lock_ends_every_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for (name, status) in [("a@b", UserStatus::Locked), ("c@d", UserStatus::Suspended)] {
        let user = world.register(name).await.id;
        let (one, family) = world.sign_in(user).await;
        let (two, _) = world.sign_in(user).await;
        let written = update(&world, user, to_status(status)).await;
        let UserWrite::Stored(now, mut ended) = written else {
            unreachable!("{written:?}")
        };
        assert_eq!(now.status, status);
        assert_eq!(now.locked_reason.as_deref(), Some("abuse"));
        let mut both = [one.id, two.id];
        both.sort_unstable();
        ended.sort_unstable();
        assert_eq!(ended, both);
        let changes = world.changes().await;
        for id in both {
            let told = ChangeKind::SessionEnded(id);
            assert_eq!(changes.iter().filter(|c| **c == told).count(), 1);
        }
        assert!(changes.contains(&ChangeKind::UserChanged(user)));
        let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
        assert_eq!(turn.await.unwrap(), Rotation::Ended);
        let refused = ports.sessions.begin_session(world.sign_in_at(user, at(1)));
        assert_eq!(refused.await.unwrap(), None, "a lock wins over a sign-in");
    }
    assert_eq!(world.count_events(EventKind::UserUpdated).await, 2);
}

async fn an_unlock_forgets_the_reason(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (_, family) = world.sign_in(user).await;
    update(&world, user, to_status(UserStatus::Locked)).await;
    let unlock = UserPatch {
        status: Some(UserStatus::Active),
        ..UserPatch::default()
    };
    update(&world, user, unlock).await;
    assert_eq!(stored(&world, user).await.unwrap().locked_reason, None);
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
    assert_eq!(
        turn.await.unwrap(),
        Rotation::Ended,
        "what ended stays ended"
    );
    world.sign_in(user).await;
}

async fn a_deleted_account_takes_everything_but_its_trail_along(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    let (session, family) = world.sign_in(user.id).await;
    let token = world.one_time(user.id, Purpose::ResetPassword);
    let entry = world.entry(EventKind::PasswordResetRequested);
    let issued = ports
        .one_time
        .issue_one_time(token.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();

    let entry = world.entry(EventKind::UserDeleted).about(&user.id);
    let deleted = ports
        .users
        .delete_user(user.id, None, much_later(), entry)
        .await;
    assert_eq!(deleted.unwrap(), Some(vec![session.id]));
    assert_eq!(stored(&world, user.id).await, None);
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(1)));
    let turn = turn.await.unwrap();
    assert!(matches!(turn, Rotation::Ended | Rotation::Unknown));
    let live = ports.sessions.list_sessions(world.tenant, user.id, at(1));
    assert!(live.await.unwrap().is_empty());
    let found = ports
        .one_time
        .load_one_time(world.tenant, token.purpose, token.signature, at(1));
    assert_eq!(found.await.unwrap(), None);
    let ended = ChangeKind::SessionEnded(session.id);
    assert!(world.changes().await.contains(&ended));
    let trail = world.events().await;
    assert_eq!(trail.last().unwrap(), "user.deleted");
    assert!(trail.contains(&"user.registered".to_owned()));
    world.register("ada@example.org").await;
}

async fn nobody_is_neither_patched_nor_deleted(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    let other = world.beside().await;
    let stranger = UserId::generate(at(0), &Entropy);
    for (world, id) in [(&world, stranger), (&other, user.id)] {
        let written = update(world, id, to_status(UserStatus::Locked)).await;
        assert_eq!(written, UserWrite::Missing);
        let entry = world.entry(EventKind::UserDeleted);
        let deleted = ports.users.delete_user(id, None, much_later(), entry).await;
        assert_eq!(deleted.unwrap(), None);
        assert_eq!(world.count_events(EventKind::UserDeleted).await, 0);
        assert_eq!(world.count_events(EventKind::UserUpdated).await, 0);
    }
    assert_eq!(stored(&world, user.id).await, Some(user));
}

fn deletion(world: &World) -> UserPatch {
    UserPatch {
        status: Some(UserStatus::Deleted),
        erase_at: Some(at(3_600)),
        notice: Some(world.mail(at(60))),
        ..UserPatch::default()
    }
}

async fn a_deletion_ends_every_session_and_is_told_and_undone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    let written = update(&world, user, deletion(&world)).await;
    let UserWrite::Stored(deleted, ended) = written else {
        unreachable!("{written:?}")
    };
    assert_eq!(ended, vec![session.id]);
    assert_eq!(deleted.erase_at, Some(at(3_600)));
    assert_eq!(stored(&world, user).await.as_ref(), Some(&*deleted));
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 1);
    let turn = world.turn(&family, 1, at(61));
    let turned = ports.sessions.rotate_refresh(turn).await.unwrap();
    assert!(!matches!(turned, Rotation::Granted(_)), "{turned:?}");
    let taken = world.user(address("ada@example.org"), at(62));
    let registered = world.store(taken).await;
    assert_eq!(
        registered,
        Registration::EmailTaken,
        "the address stays taken"
    );
    let back = UserPatch {
        status: Some(UserStatus::Active),
        ..UserPatch::default()
    };
    update(&world, user, back).await;
    let restored = stored(&world, user).await.unwrap();
    assert_eq!(
        (restored.status, restored.erase_at),
        (UserStatus::Active, None)
    );
}

async fn a_deletion_and_a_refresh_at_once_leave_no_session(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (_, family) = world.sign_in(user).await;
    let turn = world.turn(&family, 1, at(60));
    let (_, turned) = tokio::join!(
        update(&world, user, deletion(&world)),
        ports.sessions.rotate_refresh(turn),
    );
    turned.unwrap();
    let live = ports.sessions.list_sessions(world.tenant, user, at(61));
    assert!(live.await.unwrap().is_empty());
    let next = world.turn(&family, 2, at(62));
    let turned = ports.sessions.rotate_refresh(next).await.unwrap();
    assert!(!matches!(turned, Rotation::Granted(_)), "{turned:?}");
}
