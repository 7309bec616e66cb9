//! Claims about what a person is told of their own account.

use domain::event::{Actor, Entry, EventKind};
use domain::id::UserId;
use serde_json::json;

use crate::contract::fixture::{Entropy, World, after, at, page};
use crate::port::Ports;
use crate::port::audit::AuditRow;

crate::contract::claims!("audit":
    what_happened_to_an_account_is_listed_newest_first,
    what_happens_by_itself_all_the_time_is_not_told,
    nobody_is_told_of_anothers_account,
    a_cursor_leads_through_the_whole_list,
);

fn entry(world: &World, kind: EventKind, second: i64, user: UserId) -> Entry {
    world.entry_at(kind, at(second)).about(&user)
}

fn somebody() -> UserId {
    UserId::generate(at(0), &Entropy)
}

async fn told(world: &World, user: UserId) -> Vec<AuditRow> {
    let listed = world
        .ports
        .audit
        .list_activity(world.tenant, user, page(1, 100));
    listed.await.unwrap().items
}

async fn what_happened_to_an_account_is_listed_newest_first(ports: Ports) {
    let (world, user) = (World::new(ports.clone()).await, somebody());
    let mut by_operator = entry(&world, EventKind::UserLocked, 3, user);
    by_operator.origin.actor = Actor::ApiKey("k-1".to_owned());
    let entries = vec![
        entry(&world, EventKind::LoginFailed, 1, user).failed(),
        entry(&world, EventKind::FactorAdded, 2, user).with(json!({"factor": "totp"})),
        by_operator,
    ];
    ports.audit.append(entries).await.unwrap();
    let rows = told(&world, user).await;
    let times: Vec<_> = rows.iter().map(|row| row.at).collect();
    assert_eq!(times, [3, 2, 1].map(at));
    assert_eq!(rows[0].fields["actor_type"], "api_key");
    assert_eq!(rows[1].fields["detail"], json!({"factor": "totp"}));
    assert_eq!(rows[2].fields["success"], false);
    let whole = world.trail().await;
    assert!(
        rows.iter().all(|row| whole.contains(row)),
        "as it was written"
    );
}

async fn what_happens_by_itself_all_the_time_is_not_told(ports: Ports) {
    let (world, user) = (World::new(ports.clone()).await, somebody());
    let quiet = [
        EventKind::TokenIssued,
        EventKind::TokenRefreshed,
        EventKind::PasswordRehashed,
        EventKind::FactorBegun,
    ];
    let entries = quiet.map(|kind| entry(&world, kind, 1, user));
    ports.audit.append(entries.to_vec()).await.unwrap();
    assert!(told(&world, user).await.is_empty());
    let reused = entry(&world, EventKind::TokenReuseDetected, 2, user);
    ports.audit.append(vec![reused]).await.unwrap();
    assert_eq!(told(&world, user).await.len(), 1);
}

async fn nobody_is_told_of_anothers_account(ports: Ports) {
    let (world, user, other) = (World::new(ports.clone()).await, somebody(), somebody());
    let elsewhere = world.beside().await;
    let mut by_them = entry(&world, EventKind::UserUpdated, 1, other);
    by_them.origin.actor = Actor::User(user.to_string());
    let entries = vec![
        by_them,
        entry(&elsewhere, EventKind::LoginSucceeded, 2, user),
        world.entry_at(EventKind::LoginFailed, at(3)),
    ];
    ports.audit.append(entries).await.unwrap();
    assert!(told(&world, user).await.is_empty());
    assert_eq!(told(&world, other).await.len(), 1);
    assert_eq!(told(&elsewhere, user).await.len(), 1);
}

async fn a_cursor_leads_through_the_whole_list(ports: Ports) {
    let (world, user) = (World::new(ports.clone()).await, somebody());
    let entries = (1..=5).map(|second| entry(&world, EventKind::LoginSucceeded, second, user));
    ports.audit.append(entries.collect()).await.unwrap();
    let audit = &ports.audit;
    let first = audit
        .list_activity(world.tenant, user, page(1, 2))
        .await
        .unwrap();
    let second = audit.list_activity(world.tenant, user, after(first.next.unwrap(), 2));
    let second = second.await.unwrap();
    let third = audit.list_activity(world.tenant, user, after(second.next.unwrap(), 2));
    let third = third.await.unwrap();
    let pages = [&first, &second, &third];
    let times: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.items)
        .map(|row| row.at)
        .collect();
    assert_eq!(times, [5, 4, 3, 2, 1].map(at));
    assert!(pages.iter().all(|page| page.total == 5));
    assert_eq!(third.next, None);
    let by_number = audit
        .list_activity(world.tenant, user, page(2, 2))
        .await
        .unwrap();
    assert_eq!(by_number.items, second.items);
}
