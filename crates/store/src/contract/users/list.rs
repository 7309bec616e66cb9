//! Claims about lists of accounts.

use domain::page::{Page, PageRequest};
use domain::user::{User, UserFilter, UserStatus};

use crate::contract::fixture::{World, address, after, at, page};
use crate::port::Ports;
use crate::port::users::Registration;

crate::contract::claims!("users":
    a_list_is_newest_first_and_its_pages_join,
    a_search_is_a_prefix_of_address_or_name_without_case,
    a_list_is_narrowed_by_status_and_role,
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
