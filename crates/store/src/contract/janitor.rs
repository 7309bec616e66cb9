//! Claims about purging what has expired.

use std::time::Duration;

use domain::attempt::{AttemptClaim, AttemptKey, AttemptPolicy, AttemptVerdict};
use domain::change::ChangeKind;
use domain::event::EventKind;
use domain::factor::Factors;
use domain::id::UserId;
use domain::one_time::Purpose;
use domain::session::EndReason;
use domain::time::UnixMillis;
use domain::user::{UserPatch, UserStatus};

use crate::contract::fixture::{World, at, much_later};
use crate::port::Ports;
use crate::port::changes::REVOCATION_KEPT;
use crate::port::janitor::{Purged, UNUSED_CLIENT_KEPT};
use crate::port::sessions::{EndTarget, Ending, Rotation};

super::claims!("janitor":
    families_and_sessions_go_a_day_after_their_end,
    expired_tokens_go_and_live_ones_stay,
    changes_go_when_nobody_needs_them,
    gdpr_17_an_account_is_erased_on_the_day_its_owner_was_told,
    counters_go_after_ninety_days_but_a_disabled_password_stays,
    mails_that_were_given_up_go_after_thirty_days,
    a_purge_deletes_no_more_than_asked,
    a_client_that_described_itself_goes_when_nobody_uses_it,
);

const DAY: Duration = Duration::from_hours(24);

/// Purges until nothing is left to purge.
async fn purge(world: &World, now: UnixMillis) -> Purged {
    let mut sum = Purged::default();
    loop {
        let purged = world.ports.janitor.purge(now, 100).await.unwrap();
        if purged == Purged::default() {
            return sum;
        }
        sum.families += purged.families;
        sum.sessions += purged.sessions;
        sum.accounts += purged.accounts;
        sum.one_time += purged.one_time;
        sum.pushed_requests += purged.pushed_requests;
        sum.codes += purged.codes;
        sum.devices += purged.devices;
        sum.spent_ids += purged.spent_ids;
        sum.idempotency_keys += purged.idempotency_keys;
        sum.changes += purged.changes;
        sum.attempts += purged.attempts;
        sum.mails += purged.mails;
        sum.clients += purged.clients;
        sum.notices += purged.notices;
    }
}

async fn families_and_sessions_go_a_day_after_their_end(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (_, idle) = world.sign_in(user).await;
    let mut new = world.sign_in_at(user, at(0));
    new.family.idle_expires_at = new.family.expires_at;
    let live = new.family.clone();
    assert!(ports.sessions.begin_session(new).await.unwrap().is_some());

    let end = idle.idle_expires_at + DAY;
    let early = purge(&world, end - Duration::from_secs(1)).await;
    assert_eq!((early.families, early.sessions), (0, 0));
    let purged = purge(&world, end + Duration::from_secs(1)).await;
    assert_eq!((purged.families, purged.sessions), (1, 1));
    let sessions = &ports.sessions;
    let gone = sessions.rotate_refresh(world.turn(&idle, 1, end)).await;
    assert_eq!(gone.unwrap(), Rotation::Unknown);
    let kept = sessions.rotate_refresh(world.turn(&live, 1, end)).await;
    assert!(
        matches!(kept.unwrap(), Rotation::Granted(_)),
        "an expired session stays while a family of it lives"
    );
}

async fn expired_tokens_go_and_live_ones_stay(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let reset = world.one_time(user, Purpose::ResetPassword);
    let verify = world.one_time(user, Purpose::VerifyEmail);
    for token in [&reset, &verify] {
        let entry = world.entry(EventKind::PasswordResetRequested);
        let mail = world.mail(at(0));
        let issued = ports.one_time.issue_one_time(token.clone(), mail, entry);
        issued.await.unwrap();
    }
    assert_eq!(purge(&world, at(60)).await, Purged::default());
    let now = reset.expires_at + Duration::from_secs(1);
    assert_eq!(purge(&world, now).await.one_time, 1);
    let tokens = &ports.one_time;
    let left = tokens.load_one_time(world.tenant, verify.purpose, verify.signature, now);
    assert_eq!(left.await.unwrap(), Some(user));
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 2);
}

async fn gdpr_17_an_account_is_erased_on_the_day_its_owner_was_told(ports: Ports) {
    let (world, day) = (World::new(ports.clone()).await, at(0) + DAY * 30);
    let elsewhere = world.beside().await;
    let to = |status, erase_at| UserPatch {
        status: Some(status),
        erase_at,
        ..UserPatch::default()
    };
    let mut accounts = Vec::new();
    for (world, status, erase_at) in [
        (&world, UserStatus::Deleted, Some(day)),
        (&elsewhere, UserStatus::Deleted, Some(day + DAY)),
        (&world, UserStatus::Locked, None),
    ] {
        let name = format!("user{}@example.org", accounts.len());
        let user = world.register(&name).await.id;
        world.sign_in(user).await;
        world.bind_everything(user).await;
        let entry = world.entry(EventKind::UserUpdated).about(&user);
        let patched = ports
            .users
            .update_user(user, to(status, erase_at), much_later(), entry);
        patched.await.unwrap();
        accounts.push((world, user));
    }
    let is_there = async |(world, user): &(&World, UserId)| {
        let found = ports.users.load_user(world.tenant, *user).await.unwrap();
        found.is_some()
    };
    assert_eq!(
        purge(&world, day - Duration::from_millis(1)).await.accounts,
        0
    );
    let purged = purge(&world, day).await;
    assert_eq!(purged.accounts, 1);
    let [erased, other, locked] = &accounts[..] else {
        unreachable!()
    };
    assert!(!is_there(erased).await && is_there(other).await && is_there(locked).await);
    let bound = ports
        .factors
        .load_factors(world.tenant, erased.1)
        .await
        .unwrap();
    assert_eq!(bound, Factors::default());
    let told = world.trail().await.pop().unwrap();
    assert_eq!(told.fields["event"], "user.deleted");
    assert_eq!(told.fields["subject"], erased.1.to_string());
    assert_eq!(told.fields["actor_type"], "system");
    assert_eq!(purge(&world, day + DAY).await.accounts, 1);
    assert!(!is_there(other).await && is_there(locked).await);
    let free = world.register("user0@example.org").await;
    assert_ne!(free.id, erased.1, "the address is free again");
}

async fn changes_go_when_nobody_needs_them(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for (jti, until) in [("short", at(60)), ("long", at(600))] {
        let entry = world.entry(EventKind::TokenRevoked);
        let sessions = &ports.sessions;
        let revoked = sessions.revoke_access(world.tenant, jti.to_owned(), until, entry);
        revoked.await.unwrap();
    }
    let hint = world.entry(EventKind::UserUpdated);
    let user = world.register("ada@example.org").await.id;
    let patch = UserPatch {
        name: Some("Countess".to_owned()),
        ..UserPatch::default()
    };
    let patched = ports.users.update_user(user, patch, at(60), hint);
    patched.await.unwrap();

    let late = |until| at(until) + REVOCATION_KEPT;
    let hints = purge(&world, late(59)).await.changes;
    assert_eq!(hints, 2, "those of the account and its tenant");
    assert_eq!(world.changes().await.len(), 2);
    assert_eq!(purge(&world, late(61)).await.changes, 1);
    assert_eq!(world.changes().await.len(), 1);
}

async fn counters_go_after_ninety_days_but_a_disabled_password_stays(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let policy = AttemptPolicy {
        delay_after: 1_000,
        lock_after: 1_000,
        lockout: Duration::ZERO,
        disable_after: 100,
    };
    let claim = |key: u8, now| {
        let claim = AttemptClaim {
            tenant: world.tenant,
            keys: AttemptKey([key; 32]).into(),
            now,
            policy,
        };
        ports.attempts.claim_attempt(claim)
    };
    let (old, recent, disabled) = (1, 2, 3);
    claim(old, at(0)).await.unwrap();
    claim(recent, at(0) + DAY).await.unwrap();
    for _ in 0..100 {
        claim(disabled, at(0)).await.unwrap();
    }
    let now = at(0) + DAY * 90;
    assert_eq!(purge(&world, now - DAY).await.attempts, 0);
    assert_eq!(
        purge(&world, now + Duration::from_secs(1)).await.attempts,
        1
    );
    for (key, verdict) in [
        (old, AttemptVerdict::Granted { failures: 1 }),
        (recent, AttemptVerdict::Granted { failures: 2 }),
        (disabled, AttemptVerdict::Disabled),
    ] {
        assert_eq!(claim(key, now).await.unwrap(), verdict);
    }
}

async fn mails_that_were_given_up_go_after_thirty_days(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mails = [
        world.mail(at(0)),
        world.mail(at(0)),
        world.mail(at(0) + DAY),
    ];
    for mail in &mails {
        let entry = world.entry(EventKind::PasswordResetRequested);
        let written = ports.one_time.send_mail(mail.clone(), entry);
        written.await.unwrap();
    }
    let [old, _waiting, recent] = &mails;
    for mail in [old, recent] {
        let error = "550 no such mailbox".to_owned();
        let abandoned = ports.outbox.abandon_mail(world.tenant, mail.id, error);
        abandoned.await.unwrap();
    }
    let end = at(0) + DAY * 30;
    assert_eq!(purge(&world, end - Duration::from_secs(1)).await.mails, 0);
    assert_eq!(purge(&world, end + Duration::from_secs(1)).await.mails, 1);
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 1);
    let later = end + DAY + Duration::from_secs(1);
    assert_eq!(purge(&world, later).await.mails, 1);
}

async fn a_purge_deletes_no_more_than_asked(ports: Ports) {
    let world = World::new(ports.clone()).await;
    for number in 0..3 {
        let user = world.register(&format!("u{number}@example.org")).await;
        let token = world.one_time(user.id, Purpose::ResetPassword);
        let entry = world.entry(EventKind::PasswordResetRequested);
        let mail = world.mail(at(0));
        let issued = ports.one_time.issue_one_time(token, mail, entry);
        issued.await.unwrap();
    }
    for expected in [2, 1, 0] {
        let purged = ports.janitor.purge(at(9_999_999), 2).await;
        assert_eq!(purged.unwrap().one_time, expected);
    }
}

/// A client that described itself at the beginning of the story.
async fn described(world: &World, id: &str) {
    let entry = world.entry(EventKind::ClientCreated).about(&id);
    let client = world.described_client(id);
    let stored = world.ports.clients.register_client(client, 10, entry);
    assert!(stored.await.unwrap());
}

/// A client that an operator registered.
async fn store_ours(world: &World) {
    let mut ours = world.described_client("client_ours");
    ours.metadata.is_self_registered = false;
    let entry = world.entry(EventKind::ClientCreated);
    let stored = world.ports.clients.create_client(ours, entry);
    stored.await.unwrap();
}

async fn a_client_that_described_itself_goes_when_nobody_uses_it(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    for id in [
        "client_unused",
        "client_allowed",
        "client_in_use",
        "client_past",
    ] {
        described(&world, id).await;
    }
    store_ours(&world).await;
    let (session, _) = world.sign_in(user).await;
    let mut allowed = world.code(&session, at(0));
    "client_allowed".clone_into(&mut allowed.grant.client);
    let issued = ports.authorizations.issue_code(allowed).await;
    assert!(issued.is_ok());
    for (client, reason) in [
        ("client_in_use", None),
        ("client_past", Some(EndReason::Logout)),
    ] {
        let mut new = world.sign_in_at(user, at(0));
        client.clone_into(&mut new.family.client);
        new.family.expires_at = at(0) + DAY * 365;
        new.family.idle_expires_at = new.family.expires_at;
        let session = new.session.id;
        assert!(ports.sessions.begin_session(new).await.unwrap().is_some());
        let Some(reason) = reason else { continue };
        let ending = Ending {
            tenant: world.tenant,
            target: EndTarget::Session(user, session),
            reason,
            now: at(1),
            remember_until: at(2),
            entry: world.entry(EventKind::SessionEnded),
        };
        ports.sessions.end_sessions(ending).await.unwrap();
    }
    let end = at(0) + UNUSED_CLIENT_KEPT;
    let early = purge(&world, end - Duration::from_secs(1)).await;
    assert_eq!(early.clients, 0);
    assert_eq!(purge(&world, end).await.clients, 2);
    let mut left = Vec::new();
    for id in [
        "client_unused",
        "client_allowed",
        "client_in_use",
        "client_past",
        "client_ours",
    ] {
        let found = ports.clients.load_client(world.tenant, id.to_owned());
        left.extend(found.await.unwrap().map(|client| client.id));
    }
    assert_eq!(left, ["client_allowed", "client_in_use", "client_ours"]);
    assert_eq!(world.count_events(EventKind::ClientDeleted).await, 2);
    let told = ChangeKind::ClientChanged("client_unused".to_owned());
    assert!(world.changes().await.contains(&told));
}
