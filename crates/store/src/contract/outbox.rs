//! Claims about mails waiting to be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::event::EventKind;
use domain::id::MailId;
use domain::mail::MailJob;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::fixture::{World, at};
use crate::port::Ports;

super::claims!("outbox":
    ten_concurrent_claims_share_no_mail,
    mails_are_claimed_oldest_first_and_no_more_than_asked,
    an_expired_lease_is_claimed_again,
    a_completed_mail_is_gone,
    a_mail_is_due_again_when_its_retry_says,
    an_abandoned_mail_never_comes_back,
    no_order_crosses_the_border_of_a_tenant,
);

const LEASE: Duration = Duration::from_mins(1);

async fn write(world: &World, now: UnixMillis) -> MailJob {
    let mail = world.mail(now);
    let entry = world.entry(EventKind::PasswordResetRequested);
    let sent = world.ports.one_time.send_mail(mail.clone(), entry);
    sent.await.unwrap();
    mail
}

async fn claim(world: &World, limit: u32, now: UnixMillis) -> Vec<MailJob> {
    let claimed = world.ports.outbox.claim_mails(limit, now, LEASE);
    claimed.await.unwrap()
}

fn ids(mails: &[MailJob]) -> Vec<MailId> {
    mails.iter().map(|mail| mail.id).collect()
}

async fn waiting(world: &World) -> u64 {
    world.ports.outbox.count_waiting().await.unwrap()
}

async fn ten_concurrent_claims_share_no_mail(ports: Ports) {
    let world = World::new(ports).await;
    join_all((0..20).map(|_| write(&world, at(0)))).await;
    let claims = join_all((0..10).map(|_| claim(&world, 3, at(1)))).await;
    let claimed: Vec<MailJob> = claims.concat();
    let distinct: BTreeSet<MailId> = claimed.iter().map(|mail| mail.id).collect();
    assert_eq!(claimed.len(), distinct.len(), "no mail is claimed twice");
    let rest = claim(&world, 100, at(1)).await;
    assert_eq!(claimed.len() + rest.len(), 20, "no mail is lost");
}

async fn mails_are_claimed_oldest_first_and_no_more_than_asked(ports: Ports) {
    let world = World::new(ports).await;
    let second = write(&world, at(2)).await;
    let third = write(&world, at(3)).await;
    let first = write(&world, at(1)).await;
    assert!(claim(&world, 9, at(0)).await.is_empty(), "none is due yet");
    let claimed = claim(&world, 2, at(4)).await;
    assert_eq!(ids(&claimed), [first.id, second.id]);
    assert_eq!(claimed[0].sealed, first.sealed);
    assert_eq!(claimed[0].attempts, 1, "this attempt is counted");
    assert_eq!(ids(&claim(&world, 2, at(4)).await), [third.id]);
}

async fn an_expired_lease_is_claimed_again(ports: Ports) {
    let world = World::new(ports).await;
    let mail = write(&world, at(0)).await;
    assert_eq!(claim(&world, 1, at(0)).await.len(), 1);
    assert!(claim(&world, 1, at(59)).await.is_empty());
    let again = claim(&world, 1, at(60)).await;
    assert_eq!((ids(&again), again[0].attempts), (vec![mail.id], 2));
}

async fn a_completed_mail_is_gone(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mail = write(&world, at(0)).await;
    write(&world, at(0)).await;
    assert_eq!(waiting(&world).await, 2);
    claim(&world, 2, at(0)).await;
    for _ in 0..2 {
        let done = ports.outbox.complete_mail(world.tenant, mail.id);
        done.await.unwrap();
    }
    assert_eq!(waiting(&world).await, 1);
    let left = claim(&world, 9, at(999)).await;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].id, mail.id);
}

async fn a_mail_is_due_again_when_its_retry_says(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mail = write(&world, at(0)).await;
    claim(&world, 1, at(0)).await;
    let error = "451 '); DROP TABLE outbox; --".to_owned();
    let retried = ports
        .outbox
        .retry_mail(world.tenant, mail.id, at(500), error);
    retried.await.unwrap();
    assert!(claim(&world, 1, at(499)).await.is_empty());
    assert_eq!(waiting(&world).await, 1);
    let again = claim(&world, 1, at(500)).await;
    assert_eq!((ids(&again), again[0].attempts), (vec![mail.id], 2));
}

async fn an_abandoned_mail_never_comes_back(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mail = write(&world, at(0)).await;
    claim(&world, 1, at(0)).await;
    let error = "550 no such mailbox".to_owned();
    let abandoned = ports.outbox.abandon_mail(world.tenant, mail.id, error);
    abandoned.await.unwrap();
    assert_eq!(waiting(&world).await, 0);
    assert!(claim(&world, 9, at(9_999_999)).await.is_empty());
}

async fn no_order_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let mail = write(&world, at(0)).await;
    let outbox = &ports.outbox;
    outbox.complete_mail(other.tenant, mail.id).await.unwrap();
    let error = || "no".to_owned();
    let abandoned = outbox.abandon_mail(other.tenant, mail.id, error());
    abandoned.await.unwrap();
    let retried = outbox.retry_mail(other.tenant, mail.id, at(999), error());
    retried.await.unwrap();
    assert_eq!(waiting(&world).await, 1);
    let theirs = write(&other, at(1)).await;
    let claimed = claim(&other, 9, at(1)).await;
    assert_eq!(
        ids(&claimed),
        [mail.id, theirs.id],
        "one owner sends for all"
    );
    let tenants: Vec<_> = claimed.iter().map(|mail| mail.tenant).collect();
    assert_eq!(tenants, [world.tenant, other.tenant]);
}
