//! Claims about the names that other issuers have for people.

use domain::event::EventKind;
use domain::id::UserId;
use domain::identity::ExternalIdentity;
use futures_util::future::join_all;

use crate::contract::fixture::identities::ELSEWHERE;
use crate::contract::fixture::{HOSTILE, World, at, much_later};
use crate::port::Ports;
use crate::port::identities::{Linking, MAX_IDENTITIES};

super::claims!("identities":
    a_name_is_its_issuers_own_and_compared_byte_for_byte,
    a_name_is_one_accounts_and_says_whether_it_was_linked_anew,
    of_twenty_accounts_that_are_given_one_name_at_once_one_has_it,
    an_account_has_so_many_names_and_no_more,
    a_name_goes_when_it_is_taken_and_with_its_account,
    no_verb_crosses_the_border_of_a_tenant,
);

async fn list(world: &World, user: UserId) -> Vec<ExternalIdentity> {
    let listed = world.ports.identities.list_identities(world.tenant, user);
    listed.await.unwrap()
}

async fn a_name_is_its_issuers_own_and_compared_byte_for_byte(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let mut all = Vec::new();
    for (n, subject) in (0..).zip(HOSTILE.into_iter().chain(["Ada", "é", &"a".repeat(255)])) {
        let mut one = world.identity(user, (ELSEWHERE, subject));
        one.created_at = at(n);
        assert_eq!(world.link(&one).await, Linking::Linked);
        all.push(one);
    }
    assert_eq!(list(&world, user).await, all);
    for one in &all {
        assert_eq!(world.meant_by(ELSEWHERE, &one.subject).await, Some(user));
        let other = world.meant_by("https://other.example", &one.subject).await;
        assert_eq!(other, None, "another issuer means somebody else");
    }
    for (issuer, subject) in [
        (ELSEWHERE, "ada"),
        (ELSEWHERE, "Ada "),
        (ELSEWHERE, "e\u{301}"),
        ("https://IDP.example", "Ada"),
        ("https://idp.example/", "Ada"),
    ] {
        assert_eq!(
            world.meant_by(issuer, subject).await,
            None,
            "{issuer} {subject}"
        );
    }
}

async fn a_name_is_one_accounts_and_says_whether_it_was_linked_anew(ports: Ports) {
    let world = World::new(ports).await;
    let ada = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let own = world.identity(ada, (ELSEWHERE, "x"));
    assert_eq!(world.link(&own).await, Linking::Linked);
    let later = ExternalIdentity {
        created_at: at(60),
        ..own.clone()
    };
    assert_eq!(world.link(&later).await, Linking::Before(at(0)));
    let taken = world.identity(bob, (ELSEWHERE, "x"));
    assert_eq!(world.link(&taken).await, Linking::Taken);
    assert_eq!(world.meant_by(ELSEWHERE, "x").await, Some(ada));
    assert_eq!(list(&world, ada).await, [own]);
    assert_eq!(list(&world, bob).await, []);
    let nobody = world.user(crate::contract::fixture::address("c@example.org"), at(0));
    let nobodys = world.identity(nobody.id, (ELSEWHERE, "y"));
    assert_eq!(world.link(&nobodys).await, Linking::Missing);
    assert_eq!(world.count_events(EventKind::IdentityLinked).await, 1);
}

async fn of_twenty_accounts_that_are_given_one_name_at_once_one_has_it(ports: Ports) {
    let world = World::new(ports).await;
    let mut all = Vec::new();
    for n in 0..20 {
        let user = world.register(&format!("user{n}@example.org")).await;
        all.push(world.identity(user.id, (ELSEWHERE, "x")));
    }
    let answers = join_all(all.iter().map(|one| world.link(one))).await;
    let meant = world.meant_by(ELSEWHERE, "x").await;
    for (one, answer) in all.iter().zip(&answers) {
        let expected = if meant == Some(one.user) {
            Linking::Linked
        } else {
            Linking::Taken
        };
        assert_eq!(*answer, expected);
    }
    assert!(answers.contains(&Linking::Linked));
    assert_eq!(world.count_events(EventKind::IdentityLinked).await, 1);
}

async fn an_account_has_so_many_names_and_no_more(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let most = usize::try_from(MAX_IDENTITIES).unwrap();
    let names: Vec<String> = (0..most + 5).map(|n| n.to_string()).collect();
    let all = names
        .iter()
        .map(|name| world.identity(user, (ELSEWHERE, name)));
    let all: Vec<ExternalIdentity> = all.collect();
    let answers = join_all(all.iter().map(|one| world.link(one))).await;
    let count = |what| answers.iter().filter(|answer| **answer == what).count();
    assert_eq!((count(Linking::Linked), count(Linking::TooMany)), (most, 5));
    let known = list(&world, user).await;
    assert_eq!(known.len(), most);
    assert_eq!(world.link(&known[0]).await, Linking::Before(at(0)));
    assert!(world.unlink(&known[0]).await);
    assert_eq!(world.link(&known[0]).await, Linking::Linked);
}

async fn a_name_goes_when_it_is_taken_and_with_its_account(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let ada = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let first = world.identity(ada, (ELSEWHERE, "x"));
    let before = world.waiting_mails().await;
    world.link(&first).await;
    world.link(&first).await;
    assert_eq!(world.waiting_mails().await, before + 1, "told once");
    let not_his = world.identity(bob, (ELSEWHERE, "x"));
    assert!(!world.unlink(&not_his).await);
    assert_eq!(world.meant_by(ELSEWHERE, "x").await, Some(ada));
    assert!(world.unlink(&first).await);
    assert!(!world.unlink(&first).await, "once");
    assert_eq!(world.waiting_mails().await, before + 2);
    assert_eq!(world.meant_by(ELSEWHERE, "x").await, None);
    assert_eq!(world.count_events(EventKind::IdentityUnlinked).await, 1);

    assert_eq!(world.link(&first).await, Linking::Linked);
    let entry = world.entry(EventKind::UserDeleted).about(&ada);
    let deleted = ports.users.delete_user(ada, None, much_later(), entry);
    assert!(deleted.await.unwrap().is_some());
    assert_eq!(world.meant_by(ELSEWHERE, "x").await, None);
    assert_eq!(list(&world, ada).await, []);
    assert_eq!(world.link(&not_his).await, Linking::Linked);
}

async fn no_verb_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports).await;
    let other = world.beside().await;
    let ada = world.register("ada@example.org").await.id;
    let eve = other.register("eve@example.org").await.id;
    let own = world.identity(ada, (ELSEWHERE, "x"));
    world.link(&own).await;
    assert_eq!(other.meant_by(ELSEWHERE, "x").await, None);
    assert_eq!(list(&other, ada).await, []);
    let foreign = other.identity(ada, (ELSEWHERE, "x"));
    assert!(!other.unlink(&foreign).await);
    assert_eq!(other.link(&foreign).await, Linking::Missing);
    let same = other.identity(eve, (ELSEWHERE, "x"));
    assert_eq!(other.link(&same).await, Linking::Linked, "each has its own");
    assert_eq!(world.meant_by(ELSEWHERE, "x").await, Some(ada));
    assert_eq!(other.meant_by(ELSEWHERE, "x").await, Some(eve));
    assert_eq!(other.count_events(EventKind::IdentityUnlinked).await, 0);
}
