//! Claims about idempotency keys.

use std::time::Duration;

use domain::event::EventKind;
use domain::id::{RequestId, TenantId};
use domain::rejection::Fault;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::fixture::{Entropy, World, address, at, bytes};
use crate::port::Ports;
use crate::port::idempotency::{Claimed, KeyClaim, Outcome};
use crate::port::users::{NewUser, Registration};

super::claims!("idempotency":
    one_of_fifty_concurrent_claims_holds_the_key,
    what_was_made_is_noted_in_the_commit_that_makes_it,
    whoever_lost_the_claim_makes_nothing,
    a_lease_that_ran_out_frees_a_key_under_which_nothing_was_made,
    a_released_key_is_free_unless_something_was_made,
    a_key_is_purged_after_its_day_and_belongs_to_one_tenant,
);

impl World {
    /// Claims a key for a new request: for a minute, kept for a day.
    #[must_use]
    pub fn claim(&self, key: [u8; 32], now: UnixMillis) -> KeyClaim {
        KeyClaim {
            tenant: self.tenant,
            key,
            fingerprint: [7; 32],
            request: RequestId::generate(now, &Entropy),
            now,
            lease_until: now + Duration::from_mins(1),
            expires_at: now + Duration::from_hours(24),
        }
    }

    /// Makes an account under a claim; gives its id.
    async fn make_under(&self, claim: KeyClaim, email: &str) -> Result<String, Fault> {
        let user = self.user(address(email), claim.now);
        let id = user.id.to_string();
        let mut entry = self.entry(EventKind::UserCreated).about(&id);
        entry.origin.request = claim.request;
        entry.origin.claimed_in = Some(claim.tenant);
        let new = NewUser {
            user,
            password: None,
            verification: None,
            entry,
        };
        let made = self.ports.users.register_user(new).await?;
        assert_eq!(made, Registration::Created);
        Ok(id)
    }

    async fn ask(&self, claim: KeyClaim) -> Claimed {
        self.ports.idempotency.claim_key(claim).await.unwrap()
    }
}

const fn taken(outcome: Outcome) -> Claimed {
    Claimed::Taken {
        fingerprint: [7; 32],
        outcome,
    }
}

async fn one_of_fifty_concurrent_claims_holds_the_key(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let key = bytes();
    let claims = (0..50).map(|_| world.ask(world.claim(key, at(0))));
    let answers = join_all(claims).await;
    let ours = answers.iter().filter(|answer| **answer == Claimed::Ours);
    assert_eq!(ours.count(), 1);
    let others = answers.iter().filter(|a| **a == taken(Outcome::Open));
    assert_eq!(others.count(), 49);
}

async fn what_was_made_is_noted_in_the_commit_that_makes_it(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let key = bytes();
    let claim = world.claim(key, at(0));
    assert_eq!(world.ask(claim).await, Claimed::Ours);
    let id = world.make_under(claim, "ada@example.org").await.unwrap();
    // The answer was lost; the lease is long over.
    let subject = Some(id.clone());
    let again = world.ask(world.claim(key, at(3_600))).await;
    assert_eq!(again, taken(Outcome::Made { subject }));
    ports
        .idempotency
        .keep_answer(claim, vec![1, 2, 3])
        .await
        .unwrap();
    let again = world.ask(world.claim(key, at(3_600))).await;
    assert_eq!(again, taken(Outcome::Answered(vec![1, 2, 3])));
    let trail = ports
        .audit
        .list_audit(world.tenant, super::fixture::page(1, 100));
    let trail = trail.await.unwrap();
    let fields = &trail[0].fields;
    assert_eq!(fields["subject"], id.as_str());
    assert!(fields.get("claimed").is_none(), "{fields}");
}

async fn whoever_lost_the_claim_makes_nothing(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let key = bytes();
    let slow = world.claim(key, at(0));
    assert_eq!(world.ask(slow).await, Claimed::Ours);
    let next = world.claim(key, at(61));
    assert_eq!(world.ask(next).await, Claimed::Ours);
    let lost = world.make_under(slow, "slow@example.org").await;
    assert!(lost.is_err(), "{lost:?}");
    let email = address("slow@example.org");
    let found = ports.users.load_credentials(world.tenant, email).await;
    assert!(found.unwrap().is_none());
    world.make_under(next, "next@example.org").await.unwrap();
    // Nor does what it answered count.
    ports.idempotency.keep_answer(slow, vec![9]).await.unwrap();
    // While its lease lasts, whoever made something may be answering still.
    assert_eq!(
        world.ask(world.claim(key, at(62))).await,
        taken(Outcome::Open)
    );
    let again = world.ask(world.claim(key, at(121))).await;
    assert!(
        matches!(
            again,
            Claimed::Taken {
                outcome: Outcome::Made { .. },
                ..
            }
        ),
        "{again:?}"
    );
}

async fn a_lease_that_ran_out_frees_a_key_under_which_nothing_was_made(ports: Ports) {
    let world = World::new(ports).await;
    let key = bytes();
    assert_eq!(world.ask(world.claim(key, at(0))).await, Claimed::Ours);
    let early = world.ask(world.claim(key, at(59))).await;
    assert_eq!(early, taken(Outcome::Open));
    assert_eq!(world.ask(world.claim(key, at(60))).await, Claimed::Ours);
}

async fn a_released_key_is_free_unless_something_was_made(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let (refused, made) = (bytes(), bytes());
    for key in [refused, made] {
        let claim = world.claim(key, at(0));
        assert_eq!(world.ask(claim).await, Claimed::Ours);
        if key == made {
            world.make_under(claim, "ada@example.org").await.unwrap();
        }
        // Another's release frees nothing.
        let other = world.claim(key, at(0));
        ports.idempotency.release_key(other).await.unwrap();
        assert_ne!(world.ask(world.claim(key, at(1))).await, Claimed::Ours);
        ports.idempotency.release_key(claim).await.unwrap();
        let again = world.ask(world.claim(key, at(1))).await;
        assert_eq!(again == Claimed::Ours, key == refused);
    }
}

async fn a_key_is_purged_after_its_day_and_belongs_to_one_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let key = bytes();
    let claim = world.claim(key, at(0));
    assert_eq!(world.ask(claim).await, Claimed::Ours);
    let beside: TenantId = other.tenant;
    assert_ne!(beside, world.tenant);
    assert_eq!(other.ask(other.claim(key, at(0))).await, Claimed::Ours);
    ports.idempotency.keep_answer(claim, vec![1]).await.unwrap();
    let day = 24 * 3_600;
    let early = ports.janitor.purge(at(day - 1), 100).await.unwrap();
    assert_eq!(early.idempotency_keys, 0);
    // Expired and not purged yet: as free as after.
    assert_eq!(world.ask(world.claim(key, at(day))).await, Claimed::Ours);
    let late = ports.janitor.purge(at(day), 100).await.unwrap();
    assert_eq!(late.idempotency_keys, 1);
}
