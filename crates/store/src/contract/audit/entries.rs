//! Claims that a verb which changes something writes its entry, and writes it once.

use std::time::Duration;

use domain::attempt::AttemptKey;
use domain::event::EventKind;
use domain::one_time::Purpose;
use domain::session::EndReason;
use domain::user::UserPatch;

use crate::contract::fixture::{PHC, World, at, much_later, password};
use crate::port::Ports;
use crate::port::one_time::ResetRedemption;
use crate::port::sessions::{EndTarget, Ending};
use crate::port::users::PasswordChange;

crate::contract::claims!("audit":
    verbs_of_accounts_write_their_entries_once,
    verbs_of_tokens_write_their_entries_once,
    verbs_of_sessions_write_their_entries_once,
    reading_and_counting_write_no_entry,
);

async fn verbs_of_accounts_write_their_entries_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let users = &ports.users;
    let patch = UserPatch {
        name: Some("Countess".to_owned()),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserUpdated);
    let updated = users.update_user(user, patch, much_later(), entry);
    updated.await.unwrap();
    let entry = world.entry(EventKind::PasswordRehashed);
    let rehashed = users.rehash_password(user, PHC.to_owned(), password("$2"), entry);
    assert!(rehashed.await.unwrap());
    let change = PasswordChange {
        tenant: world.tenant,
        user,
        old_set_at: None,
        password: password("$3"),
        is_owners: true,
        keep: None,
        notice: None,
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordChanged),
    };
    users.change_password(change).await.unwrap();
    let entry = world.entry(EventKind::UserDeleted);
    users
        .delete_user(user, None, much_later(), entry)
        .await
        .unwrap();
    let expected = [
        "tenant.created",
        "user.registered",
        "user.updated",
        "password.rehashed",
        "password.changed",
        "user.deleted",
    ];
    assert_eq!(world.events().await, expected);
}

async fn verbs_of_tokens_write_their_entries_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let tokens = &ports.one_time;
    let verify = world.one_time(user, Purpose::VerifyEmail);
    let reset = world.one_time(user, Purpose::ResetPassword);
    let entry = world.entry(EventKind::EmailVerificationRequested);
    let issued = tokens.issue_one_time(verify.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();
    let entry = world.entry(EventKind::EmailVerified);
    let redeemed = tokens.redeem_verification(world.tenant, verify.signature, at(1), entry);
    redeemed.await.unwrap().unwrap();
    let entry = world.entry(EventKind::PasswordResetRequested);
    let issued = tokens.issue_one_time(reset.clone(), world.mail(at(0)), entry);
    issued.await.unwrap();
    let redemption = ResetRedemption {
        tenant: world.tenant,
        signature: reset.signature,
        now: at(1),
        password: password("$reset"),
        clear_attempts: AttemptKey([7; 32]).into(),
        notice: world.mail(at(1)),
        remember_until: much_later(),
        entry: world.entry(EventKind::PasswordResetCompleted),
    };
    tokens.redeem_reset(redemption).await.unwrap().unwrap();
    let expected = [
        "tenant.created",
        "user.registered",
        "email.verification_requested",
        "email.verified",
        "password.reset_requested",
        "password.reset_completed",
    ];
    assert_eq!(world.events().await, expected);
}

async fn verbs_of_sessions_write_their_entries_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (_, family) = world.sign_in(user).await;
    world.sign_in(user).await;
    let sessions = &ports.sessions;
    for (generation, now) in [(1, at(1)), (1, at(2)), (1, at(99))] {
        let turn = world.turn(&family, generation, now);
        sessions.rotate_refresh(turn).await.unwrap();
    }
    let ending = |target| Ending {
        tenant: world.tenant,
        target,
        reason: EndReason::Logout,
        now: at(100),
        remember_until: much_later(),
        entry: world.entry(EventKind::SessionEnded),
    };
    let everything = ending(EndTarget::User(user, None));
    assert_eq!(
        sessions
            .end_sessions(everything.clone())
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(sessions.end_sessions(everything).await.unwrap().is_empty());
    let expected = [
        "tenant.created",
        "user.registered",
        "login.succeeded",
        "login.succeeded",
        "token.refreshed",
        "token.refreshed",
        "session.ended",
    ];
    assert_eq!(world.events().await, expected);
}

async fn reading_and_counting_write_no_entry(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    let key = AttemptKey([1; 32]);
    let claim = world.attempt(key, at(0));
    ports.attempts.claim_attempt(claim).await.unwrap();
    ports
        .attempts
        .refund_attempt(world.tenant, key)
        .await
        .unwrap();
    ports
        .attempts
        .clear_attempts(world.tenant, key.into())
        .await
        .unwrap();
    ports.users.load_user(world.tenant, user.id).await.unwrap();
    let claimed = ports.outbox.claim_mails(1, at(0), Duration::from_mins(1));
    claimed.await.unwrap();
    ports.janitor.purge(at(0), 10).await.unwrap();
    ports.keys.purge_keys(at(0)).await.unwrap();
    ports.health.check().await.unwrap();
    assert!(!ports.health.name().is_empty());
    assert_eq!(world.events().await, ["tenant.created", "user.registered"]);
}
