//! Claims about accounts; those about passwords, patches and lists are in the files below.

use domain::event::EventKind;
use domain::id::UserId;
use domain::one_time::Purpose;
use domain::user::{UserFilter, UserStatus};
use futures_util::future::join_all;

use crate::contract::Case;
use crate::contract::fixture::{Entropy, HOSTILE, PHC, World, address, at, page, password};
use crate::port::Ports;
use crate::port::users::{NewUser, Registration};

mod compromised;
mod list;
mod passwords;
mod patch;

pub(super) fn cases() -> Vec<Case> {
    [
        own(),
        compromised::cases(),
        list::cases(),
        passwords::cases(),
        patch::cases(),
    ]
    .concat()
}

super::claims!("users" in own:
    an_account_is_loaded_as_it_was_stored,
    an_address_is_taken_once,
    one_of_twenty_concurrent_registrations_wins,
    credentials_are_found_whatever_the_case_and_composition,
    a_registration_brings_its_token_and_its_mail,
    no_read_crosses_the_border_of_a_tenant,
    hostile_texts_come_back_unharmed,
);

async fn an_account_is_loaded_as_it_was_stored(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let mut user = world.user(address("Ada@Example.org"), at(0));
    user.email_verified = true;
    user.status = UserStatus::Locked;
    user.locked_reason = Some("asked for it".to_owned());
    user.roles = vec!["user".to_owned(), "admin".to_owned()];
    assert_eq!(world.store(user.clone()).await, Registration::Created);
    let loaded = ports.users.load_user(world.tenant, user.id).await.unwrap();
    assert_eq!(loaded, Some(user));

    let stranger = UserId::generate(at(0), &Entropy);
    let loaded = ports.users.load_user(world.tenant, stranger).await.unwrap();
    assert_eq!(loaded, None);
}

async fn an_address_is_taken_once(ports: Ports) {
    let world = World::new(ports).await;
    let first = world.register("ada@example.org").await;
    let second = world.user(address("ADA@example.org"), at(1));
    assert_eq!(
        world.store(second.clone()).await,
        Registration::EmailTaken,
        "a taken address is refused"
    );
    let users = &world.ports.users;
    let loaded = users.load_user(world.tenant, second.id).await.unwrap();
    assert_eq!(loaded, None, "nothing of the second account was written");
    let found = users.load_credentials(world.tenant, address("ada@example.org"));
    assert_eq!(found.await.unwrap().unwrap().user, first);
    assert_eq!(world.count_events(EventKind::UserRegistered).await, 1);

    let other = world.beside().await;
    other.register("ada@example.org").await;
}

async fn one_of_twenty_concurrent_registrations_wins(ports: Ports) {
    let world = World::new(ports).await;
    let answers = join_all((0..20).map(|number| {
        let user = world.user(address("ada@example.org"), at(number));
        world.store(user)
    }))
    .await;
    let created = answers.iter().filter(|a| **a == Registration::Created);
    assert_eq!(created.count(), 1);
    assert_eq!(world.count_events(EventKind::UserRegistered).await, 1);
}

async fn credentials_are_found_whatever_the_case_and_composition(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("E\u{301}va@Example.ORG").await;
    for typed in [
        "\u{e9}va@example.org",
        "\u{c9}VA@EXAMPLE.ORG",
        "e\u{301}va@example.org",
    ] {
        let found = world
            .ports
            .users
            .load_credentials(world.tenant, address(typed));
        let found = found.await.unwrap().unwrap();
        assert_eq!(found.user, user, "the address comes back as it was typed");
        let stored = found.password.unwrap();
        assert_eq!(stored.phc.expose(), PHC);
        assert_eq!(stored.pepper, "0badcafe");
        assert_eq!(stored.set_at, at(0));
    }
    let found = world
        .ports
        .users
        .load_credentials(world.tenant, address("eva@example.org"));
    assert!(found.await.unwrap().is_none(), "an accent is a difference");
}

async fn a_registration_brings_its_token_and_its_mail(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.user(address("ada@example.org"), at(0));
    let token = world.one_time(user.id, Purpose::VerifyEmail);
    let mail = world.mail(at(0));
    let new = NewUser {
        user: user.clone(),
        password: None,
        verification: Some((token.clone(), mail.clone())),
        entry: world.entry(EventKind::UserRegistered),
    };
    let refused = NewUser {
        user: world.user(address("Ada@example.org"), at(0)),
        verification: Some((
            world.one_time(user.id, Purpose::VerifyEmail),
            world.mail(at(0)),
        )),
        ..new.clone()
    };
    let written = ports.users.register_user(new).await.unwrap();
    assert_eq!(written, Registration::Created);
    let written = ports.users.register_user(refused).await.unwrap();
    assert_eq!(written, Registration::EmailTaken);

    let owner = ports
        .one_time
        .load_one_time(world.tenant, token.purpose, token.signature, at(1))
        .await;
    assert_eq!(owner.unwrap(), Some(user.id));
    assert_eq!(ports.outbox.count_waiting().await.unwrap(), 1);
    let found = ports.users.load_password(world.tenant, user.id).await;
    assert!(found.unwrap().unwrap().password.is_none());
}

async fn no_read_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await;
    let other = world.beside().await.tenant;
    let users = &ports.users;
    assert_eq!(users.load_user(other, user.id).await.unwrap(), None);
    let found = users.load_password(other, user.id).await.unwrap();
    assert!(found.is_none());
    let found = users.load_credentials(other, user.email.clone());
    assert!(found.await.unwrap().is_none());
    let listed = users.list_users(other, UserFilter::default(), page(1, 10));
    let listed = listed.await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 0));
}

async fn hostile_texts_come_back_unharmed(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let long = "\u{1f980}'\"\\".repeat(10_000);
    for (number, text) in HOSTILE.iter().copied().chain([long.as_str()]).enumerate() {
        let mut user = world.user(address(&format!("o'neil{number}@example.org")), at(0));
        user.name = text.chars().take(500).collect();
        user.locked_reason = Some(text.to_owned());
        user.roles = vec![text.to_owned()];
        let new = NewUser {
            user: user.clone(),
            password: Some(password(text)),
            verification: None,
            entry: world.entry(EventKind::UserCreated).about(&text),
        };
        let written = ports.users.register_user(new).await.unwrap();
        assert_eq!(written, Registration::Created);
        let found = ports.users.load_password(world.tenant, user.id).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.user, user);
        assert_eq!(found.password.unwrap().phc.expose(), text);
        let last = world.trail().await.pop().unwrap();
        assert_eq!(last.fields["subject"], text);
    }
}
