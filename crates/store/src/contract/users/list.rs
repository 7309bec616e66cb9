//! Claims about lists of accounts.

use domain::event::EventKind;
use domain::page::{Page, PageRequest};
use domain::user::{COUNTED_USERS, User, UserFilter, UserPatch, UserSort, UserStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{World, address, after, at, page};
use crate::port::Ports;
use crate::port::factors::RemoveAllFactors;
use crate::port::users::Registration;

crate::contract::claims!("users":
    a_list_is_newest_first_and_its_pages_join,
    a_search_is_a_prefix_of_address_or_name_without_case,
    a_list_is_narrowed_by_status_and_role,
    a_list_is_narrowed_by_verification_factors_and_age,
    a_list_by_addresses_goes_on_after_one,
    a_list_by_roles_follows_every_change_of_them,
    a_total_says_when_there_are_more_than_are_counted,
);

async fn list(world: &World, filter: UserFilter, page: PageRequest) -> Page<User> {
    let users = &world.ports.users;
    users.list_users(world.tenant, filter, page).await.unwrap()
}

fn names(page: &Page<User>) -> Vec<&str> {
    page.items.iter().map(|user| user.name.as_str()).collect()
}

/// Stores accounts with these names, the last the newest.
async fn store(world: &World, names: &[&str]) {
    for (number, name) in (0..).zip(names) {
        let mut user = world.user(address(&format!("u{number}@example.org")), at(number));
        (*name).clone_into(&mut user.name);
        assert_eq!(world.store(user).await, Registration::Created);
    }
}

async fn a_list_is_newest_first_and_its_pages_join(ports: Ports) {
    let world = World::new(ports).await;
    store(&world, &["a", "b", "c", "d", "e"]).await;
    let none = UserFilter::default;

    let first = list(&world, none(), page(1, 2)).await;
    assert_eq!((names(&first), first.total), (vec!["e", "d"], 5));
    let second = list(&world, none(), after(first.next.unwrap(), 2)).await;
    assert_eq!((names(&second), second.total), (vec!["c", "b"], 5));
    assert_eq!(
        second.next,
        second.items.last().map(|user| user.id.as_uuid())
    );
    let third = list(&world, none(), after(second.next.unwrap(), 2)).await;
    assert_eq!((names(&third), third.next), (vec!["a"], None));

    let numbered = list(&world, none(), page(2, 2)).await;
    assert_eq!(numbered.items, second.items);
    let whole = list(&world, none(), page(1, 5)).await;
    assert_eq!((whole.items.len(), whole.next), (5, None));
    let beyond = list(&world, none(), page(9, 2)).await;
    assert_eq!((beyond.items.len(), beyond.total), (0, 5));
    let far = list(&world, none(), page(u32::MAX, 100)).await;
    assert_eq!((far.items.len(), far.total), (0, 5));
}

async fn a_search_is_a_prefix_of_address_or_name_without_case(ports: Ports) {
    let world = World::new(ports).await;
    store(&world, &["Ada", "Adam", "Bob %", "b_b", "B'ob"]).await;
    for (search, expected) in [
        ("ad", vec!["Adam", "Ada"]),
        ("ADAM", vec!["Adam"]),
        ("da", vec![]),
        ("u3@", vec!["b_b"]),
        ("U3@EXAMPLE.org", vec!["b_b"]),
        ("%", vec![]),
        ("b_", vec!["b_b"]),
        ("b'", vec!["B'ob"]),
        ("bob %", vec!["Bob %"]),
        ("\\", vec![]),
    ] {
        let filter = UserFilter {
            search: Some(search.to_owned()),
            ..UserFilter::default()
        };
        let found = list(&world, filter.clone(), page(1, 100)).await;
        assert_eq!(names(&found), expected, "{search}");
        let wanted = u64::try_from(expected.len()).unwrap();
        assert_eq!(found.total, wanted, "{search}");
        if expected.len() == 2 {
            let first = list(&world, filter.clone(), page(1, 1)).await;
            let second = list(&world, filter, after(first.next.unwrap(), 1)).await;
            assert_eq!(names(&second), ["Ada"]);
            assert_eq!((second.total, second.next), (2, None));
        }
    }
}

async fn a_list_is_narrowed_by_status_and_role(ports: Ports) {
    let world = World::new(ports).await;
    let kinds = [
        (UserStatus::Active, "admin"),
        (UserStatus::Locked, "user"),
        (UserStatus::Active, "user"),
        (UserStatus::Suspended, "administrator"),
    ];
    for (number, (status, role)) in (0..).zip(kinds) {
        let mut user = world.user(address(&format!("u{number}@example.org")), at(number));
        user.name = format!("u{number}");
        user.status = status;
        user.roles = vec!["other".to_owned(), role.to_owned()];
        assert_eq!(world.store(user).await, Registration::Created);
    }
    let narrow = |search: Option<&str>, status, role: Option<&str>| UserFilter {
        search: search.map(str::to_owned),
        status,
        role: role.map(str::to_owned),
        ..UserFilter::default()
    };
    let active = Some(UserStatus::Active);
    for (filter, expected) in [
        (narrow(None, active, None), vec!["u2", "u0"]),
        (narrow(None, None, Some("admin")), vec!["u0"]),
        (narrow(None, active, Some("user")), vec!["u2"]),
        (narrow(Some("u"), active, Some("other")), vec!["u2", "u0"]),
        (narrow(Some("u1"), active, None), vec![]),
        (narrow(None, None, Some("' OR 1=1 --")), vec![]),
    ] {
        let found = list(&world, filter.clone(), page(1, 100)).await;
        assert_eq!(names(&found), expected, "{filter:?}");
        let wanted = u64::try_from(expected.len()).unwrap();
        assert_eq!(found.total, wanted, "{filter:?}");
    }
}

async fn a_list_is_narrowed_by_verification_factors_and_age(ports: Ports) {
    let world = World::new(ports.clone()).await;
    store(&world, &["a", "b", "c"]).await;
    let all = list(&world, UserFilter::default(), page(1, 10)).await;
    let b = &all.items[1];
    let entry = world.entry(EventKind::UserUpdated);
    let patch = UserPatch {
        email_verified: Some(true),
        ..UserPatch::default()
    };
    let written = ports.users.update_user(b.id, patch, at(0), entry).await;
    assert!(written.is_ok());
    world.bind_everything(b.id).await;
    let none = UserFilter::default;
    let verified = |is| UserFilter {
        is_email_verified: Some(is),
        ..none()
    };
    let bound = |has| UserFilter {
        has_mfa: Some(has),
        ..none()
    };
    let made = |from, before| UserFilter {
        created_from: from,
        created_before: before,
        ..none()
    };
    for (filter, expected) in [
        (verified(true), vec!["b"]),
        (verified(false), vec!["c", "a"]),
        (bound(true), vec!["b"]),
        (bound(false), vec!["c", "a"]),
        (made(Some(at(1)), None), vec!["c", "b"]),
        (made(None, Some(at(1))), vec!["a"]),
        (made(Some(at(1)), Some(at(2))), vec!["b"]),
    ] {
        let found = list(&world, filter.clone(), page(1, 100)).await;
        assert_eq!(names(&found), expected, "{filter:?}");
        assert_eq!(found.total, u64::try_from(expected.len()).unwrap());
    }
    let removal = RemoveAllFactors {
        tenant: world.tenant,
        user: b.id,
        remember_until: at(0),
        notice: Some(world.mail(at(0))),
        entry: world.entry(EventKind::FactorsReset),
    };
    ports.factors.remove_all_factors(removal).await.unwrap();
    let left = list(&world, bound(true), page(1, 100)).await;
    assert!(left.items.is_empty());
}

async fn a_list_by_addresses_goes_on_after_one(ports: Ports) {
    let world = World::new(ports).await;
    for (number, name) in (0..).zip(["m", "a", "z"]) {
        let user = world.user(address(&format!("{name}@example.org")), at(number));
        assert_eq!(world.store(user).await, Registration::Created);
    }
    let by_email = |after: Option<&User>| UserFilter {
        sort: UserSort::Email(after.map(|user| user.email.clone())),
        ..UserFilter::default()
    };
    let first = list(&world, by_email(None), page(1, 2)).await;
    let addresses = |page: &Page<User>| -> Vec<String> {
        page.items.iter().map(|user| user.email.key()).collect()
    };
    assert_eq!(addresses(&first), ["a@example.org", "m@example.org"]);
    let last = first.items.last();
    let rest = list(&world, by_email(last), after(first.next.unwrap(), 2)).await;
    assert_eq!(addresses(&rest), ["z@example.org"]);
    assert_eq!((rest.total, rest.next), (3, None));
    let second = list(&world, by_email(None), page(2, 2)).await;
    assert_eq!(second.items, rest.items);
}

async fn a_list_by_roles_follows_every_change_of_them(ports: Ports) {
    let world = World::new(ports.clone()).await;
    store(&world, &["a", "b"]).await;
    let all = list(&world, UserFilter::default(), page(1, 10)).await;
    let id = all.items[0].id;
    let clerks = || UserFilter {
        role: Some("clerk".to_owned()),
        ..UserFilter::default()
    };
    let count = async || list(&world, clerks(), page(1, 10)).await.total;
    assert_eq!(count().await, 0);
    for (roles, expected) in [
        (vec!["user", "clerk"], 1),
        (vec!["clerk", "admin"], 1),
        (vec!["user"], 0),
        (vec!["clerk"], 1),
        (vec![], 0),
        (vec!["clerk"], 1),
    ] {
        let patch = UserPatch {
            roles: Some(roles.into_iter().map(str::to_owned).collect()),
            ..UserPatch::default()
        };
        let entry = world.entry(EventKind::UserUpdated);
        let written = ports.users.update_user(id, patch, at(0), entry).await;
        assert!(written.is_ok());
        assert_eq!(count().await, expected);
    }
    let entry = world.entry(EventKind::UserDeleted);
    let gone = ports.users.delete_user(id, None, at(0), entry).await;
    assert!(gone.unwrap().is_some());
    assert_eq!(count().await, 0);
}

async fn a_total_says_when_there_are_more_than_are_counted(ports: Ports) {
    let world = World::new(ports).await;
    for first in (0..1_050).step_by(50) {
        let stored = (first..first + 50).map(|number| {
            let user = world.user(address(&format!("u{number}@example.org")), at(number));
            world.store(user)
        });
        join_all(stored).await;
    }
    let search = |text: Option<&str>| UserFilter {
        search: text.map(str::to_owned),
        ..UserFilter::default()
    };
    let more = u64::from(COUNTED_USERS) + 1;
    for (text, total) in [(None, more), (Some("u"), more), (Some("u77"), 11)] {
        let found = list(&world, search(text), page(1, 3)).await;
        assert_eq!((found.total, found.items.len()), (total, 3), "{text:?}");
    }
    let newest = list(&world, search(Some("u")), page(1, 1)).await;
    assert_eq!(newest.items[0].email.key(), "u1049@example.org");
}
