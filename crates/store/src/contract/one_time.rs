//! Claims about one-time tokens.

use std::time::Duration;

use domain::attempt::{AttemptKey, AttemptVerdict};
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::id::UserId;
use domain::one_time::{OneTime, Purpose};
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::fixture::{World, at, bytes, much_later, password};
use crate::port::Ports;
use crate::port::one_time::ResetRedemption;
use crate::port::sessions::Rotation;

super::claims!("one_time":
    a_token_is_found_by_its_signature_and_purpose_until_it_expires,
    a_newer_token_replaces_the_older,
    one_of_twenty_concurrent_resets_redeems,
    a_reset_sets_the_password_ends_sessions_and_clears_failures,
    an_expired_or_foreign_reset_changes_nothing,
    a_verification_verifies_once,
    a_token_of_one_purpose_does_not_serve_another,
    a_mail_without_a_token_is_queued_with_its_entry,
);

async fn issue(world: &World, token: &OneTime) {
    let entry = world.entry(EventKind::PasswordResetRequested);
    let mail = world.mail(at(0));
    let issued = world
        .ports
        .one_time
        .issue_one_time(token.clone(), mail, entry);
    issued.await.unwrap();
}

async fn owner(world: &World, token: &OneTime, now: UnixMillis) -> Option<UserId> {
    let tokens = &world.ports.one_time;
    let found = tokens.load_one_time(world.tenant, token.purpose, token.signature, now);
    found.await.unwrap()
}

fn redemption(world: &World, token: &OneTime, now: UnixMillis) -> ResetRedemption {
    ResetRedemption {
        tenant: world.tenant,
        signature: token.signature,
        now,
        password: password("$reset"),
        clear_attempts: AttemptKey([7; 32]).into(),
        notice: world.mail(now),
        remember_until: much_later(),
        entry: world.entry_at(EventKind::PasswordResetCompleted, now),
    }
}

async fn a_token_is_found_by_its_signature_and_purpose_until_it_expires(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let token = world.one_time(user, Purpose::ResetPassword);
    issue(&world, &token).await;
    assert_eq!(owner(&world, &token, at(0)).await, Some(user));
    let last = token.expires_at - Duration::from_millis(1);
    assert_eq!(
        owner(&world, &token, last).await,
        Some(user),
        "looking spends nothing"
    );
    assert_eq!(owner(&world, &token, token.expires_at).await, None);
    let mut wrong = token.clone();
    wrong.purpose = Purpose::VerifyEmail;
    assert_eq!(owner(&world, &wrong, at(0)).await, None);
    wrong = token.clone();
    wrong.signature = bytes();
    assert_eq!(owner(&world, &wrong, at(0)).await, None);
    let other = world.beside().await;
    assert_eq!(owner(&other, &token, at(0)).await, None);
    assert_eq!(world.ports.outbox.count_waiting().await.unwrap(), 1);
}

async fn a_newer_token_replaces_the_older(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let older = world.one_time(user, Purpose::ResetPassword);
    let verify = world.one_time(user, Purpose::VerifyEmail);
    let newer = world.one_time(user, Purpose::ResetPassword);
    for token in [&older, &verify, &newer] {
        issue(&world, token).await;
    }
    assert_eq!(owner(&world, &older, at(1)).await, None);
    assert_eq!(owner(&world, &newer, at(1)).await, Some(user));
    assert_eq!(owner(&world, &verify, at(1)).await, Some(user));
}

async fn one_of_twenty_concurrent_resets_redeems(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let token = world.one_time(user, Purpose::ResetPassword);
    issue(&world, &token).await;
    let answers = join_all((0..20).map(|_| {
        let redemption = redemption(&world, &token, at(1));
        ports.one_time.redeem_reset(redemption)
    }))
    .await;
    let spent = answers
        .into_iter()
        .filter(|a| a.as_ref().unwrap().is_some());
    assert_eq!(spent.count(), 1);
    assert_eq!(
        world.count_events(EventKind::PasswordResetCompleted).await,
        1
    );
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 2);
    assert_eq!(owner(&world, &token, at(1)).await, None);
}

async fn a_reset_sets_the_password_ends_sessions_and_clears_failures(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (session, family) = world.sign_in(user).await;
    let key = AttemptKey([7; 32]);
    for _ in 0..5 {
        let paid = ports.attempts.claim_attempt(world.attempt(key, at(0)));
        assert!(matches!(
            paid.await.unwrap(),
            AttemptVerdict::Granted { .. }
        ));
    }
    let token = world.one_time(user, Purpose::ResetPassword);
    issue(&world, &token).await;

    let redeemed = ports
        .one_time
        .redeem_reset(redemption(&world, &token, at(1)));
    assert_eq!(redeemed.await.unwrap(), Some((user, vec![session.id])));
    let found = ports.users.load_password(world.tenant, user).await.unwrap();
    let stored = found.unwrap().password.unwrap();
    assert_eq!(stored.phc.expose(), "$reset");
    let turn = ports.sessions.rotate_refresh(world.turn(&family, 1, at(2)));
    assert_eq!(turn.await.unwrap(), Rotation::Ended);
    let ended = ChangeKind::SessionEnded(session.id);
    assert!(world.changes().await.contains(&ended));
    let next = ports.attempts.claim_attempt(world.attempt(key, at(0)));
    assert_eq!(next.await.unwrap(), AttemptVerdict::Granted { failures: 1 });
    let last = world.trail().await.pop().unwrap();
    assert_eq!(last.fields["event"], "password.reset_completed");
    assert_eq!(last.fields["subject"], user.to_string());
}

async fn an_expired_or_foreign_reset_changes_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    world.sign_in(user).await;
    let token = world.one_time(user, Purpose::ResetPassword);
    issue(&world, &token).await;
    let other = world.beside().await;
    let mut unknown = redemption(&world, &token, at(1));
    unknown.signature = bytes();
    for attempt in [
        redemption(&world, &token, token.expires_at),
        redemption(&other, &token, at(1)),
        unknown,
    ] {
        let answer = ports.one_time.redeem_reset(attempt).await.unwrap();
        assert_eq!(answer, None);
    }
    let live = ports
        .sessions
        .list_sessions(world.tenant, user, at(1))
        .await;
    assert_eq!(live.unwrap().len(), 1);
    assert_eq!(
        world.count_events(EventKind::PasswordResetCompleted).await,
        0
    );
    assert_eq!(
        owner(&world, &token, at(1)).await,
        Some(user),
        "it is not burnt"
    );
}

async fn a_verification_verifies_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let token = world.one_time(user, Purpose::VerifyEmail);
    issue(&world, &token).await;
    let redeem = |now| {
        let entry = world.entry_at(EventKind::EmailVerified, now);
        let signature = token.signature;
        ports
            .one_time
            .redeem_verification(world.tenant, signature, now, entry)
    };
    assert_eq!(redeem(token.expires_at).await.unwrap(), None);
    let answers = join_all((0..20).map(|_| redeem(at(1)))).await;
    let spent: Vec<_> = answers.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(spent, [user]);
    let now = ports.users.load_user(world.tenant, user).await.unwrap();
    assert!(now.unwrap().email_verified);
    assert_eq!(world.count_events(EventKind::EmailVerified).await, 1);
    let last = world.trail().await.pop().unwrap();
    assert_eq!(last.fields["subject"], user.to_string());
}

async fn a_token_of_one_purpose_does_not_serve_another(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let verify = world.one_time(user, Purpose::VerifyEmail);
    let reset = world.one_time(user, Purpose::ResetPassword);
    issue(&world, &verify).await;
    issue(&world, &reset).await;
    let answer = ports
        .one_time
        .redeem_reset(redemption(&world, &verify, at(1)));
    assert_eq!(answer.await.unwrap(), None);
    let entry = world.entry(EventKind::EmailVerified);
    let answer = ports
        .one_time
        .redeem_verification(world.tenant, reset.signature, at(1), entry);
    assert_eq!(answer.await.unwrap(), None);
    assert_eq!(owner(&world, &verify, at(1)).await, Some(user));
    assert_eq!(owner(&world, &reset, at(1)).await, Some(user));
}

async fn a_mail_without_a_token_is_queued_with_its_entry(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mail = world.mail(at(0));
    let entry = world.entry(EventKind::UserRegistered).failed();
    ports.one_time.send_mail(mail.clone(), entry).await.unwrap();
    let claimed = ports
        .outbox
        .claim_mails(5, at(0), Duration::from_mins(1))
        .await;
    let claimed = claimed.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, claimed[0].tenant), (mail.id, world.tenant));
    assert_eq!(claimed[0].sealed, mail.sealed);
    assert_eq!(claimed[0].created_at, mail.created_at);
    assert_eq!(world.events().await, ["tenant.created", "user.registered"]);
}
