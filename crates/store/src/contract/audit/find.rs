//! Claims about finding entries.

use domain::event::{Actor, Entry, EventKind};
use domain::page::PageRequest;

use crate::contract::fixture::{HOSTILE, World, after, at, page};
use crate::port::Ports;
use crate::port::audit::{AuditFilter, AuditRow};

crate::contract::claims!("audit":
    each_filter_finds_its_entries_newest_first,
    filters_hold_together,
    a_search_is_read_on_from_any_entry,
    an_entry_is_found_by_its_number_in_its_tenant,
    hostile_filters_find_nothing,
);

/// Makes entries that each filter tells apart, one a second.
async fn told(ports: &Ports) -> World {
    let world = World::new(ports.clone()).await;
    let mut by_operator = world.entry_at(EventKind::UserLocked, at(3)).about(&"ada");
    by_operator.origin.actor = Actor::ApiKey("key".to_owned());
    let mut by_agent = world.entry_at(EventKind::TokenIssued, at(4)).about(&"bo");
    by_agent.origin.actor = Actor::Client("agent".to_owned());
    let entries = vec![
        world
            .entry_at(EventKind::LoginFailed, at(1))
            .about(&"ada")
            .failed(),
        world
            .entry_at(EventKind::LoginSucceeded, at(2))
            .about(&"ada")
            .through("web"),
        by_operator,
        by_agent.through("agent"),
        world.entry_at(EventKind::LoginFailed, at(5)).failed(),
    ];
    ports.audit.append(entries).await.unwrap();
    world
}

async fn find(world: &World, filter: AuditFilter, page: PageRequest) -> (Vec<i64>, u64) {
    let found = world.ports.audit.find_audit(world.tenant, filter, page);
    let found = found.await.unwrap();
    (seconds(&found.items), found.total)
}

fn seconds(rows: &[AuditRow]) -> Vec<i64> {
    rows.iter()
        .map(|row| row.at.as_seconds() - at(0).as_seconds())
        .collect()
}

/// Makes a filter.
fn by(set: impl FnOnce(&mut AuditFilter)) -> AuditFilter {
    let mut filter = AuditFilter::default();
    set(&mut filter);
    filter
}

async fn each_filter_finds_its_entries_newest_first(ports: Ports) {
    let world = told(&ports).await;
    for (filter, expected) in [
        (by(|_| ()), vec![5, 4, 3, 2, 1, 0]),
        (by(|f| f.subject = Some("ada".to_owned())), vec![3, 2, 1]),
        (by(|f| f.client = Some("web".to_owned())), vec![2]),
        (by(|f| f.actor = Some("agent".to_owned())), vec![4]),
        (by(|f| f.actor = Some("key".to_owned())), vec![3]),
        (
            by(|f| f.event = Some("login.failed".to_owned())),
            vec![5, 1],
        ),
        (by(|f| f.success = Some(false)), vec![5, 1]),
        (by(|f| f.success = Some(true)), vec![4, 3, 2, 0]),
        (by(|f| f.from = Some(at(3))), vec![5, 4, 3]),
        (by(|f| f.until = Some(at(3))), vec![2, 1, 0]),
    ] {
        let total = u64::try_from(expected.len()).unwrap();
        let found = find(&world, filter.clone(), page(1, 10)).await;
        assert_eq!(found, (expected, total), "{filter:?}");
    }
    let other = world.beside().await;
    let all = find(&other, AuditFilter::default(), page(1, 10)).await;
    assert_eq!(all, (vec![0], 1));
}

async fn filters_hold_together(ports: Ports) {
    let world = told(&ports).await;
    let filter = AuditFilter {
        subject: Some("ada".to_owned()),
        from: Some(at(1)),
        until: Some(at(3)),
        ..AuditFilter::default()
    };
    assert_eq!(
        find(&world, filter.clone(), page(1, 10)).await,
        (vec![2, 1], 2)
    );
    let filter = AuditFilter {
        event: Some("login.failed".to_owned()),
        success: Some(false),
        ..filter
    };
    assert_eq!(
        find(&world, filter.clone(), page(1, 10)).await,
        (vec![1], 1)
    );
    let filter = AuditFilter {
        actor: Some("key".to_owned()),
        client: Some("web".to_owned()),
        ..filter
    };
    assert_eq!(find(&world, filter, page(1, 10)).await, (vec![], 0));
}

async fn a_search_is_read_on_from_any_entry(ports: Ports) {
    let world = told(&ports).await;
    // Entries of one instant are told apart by their numbers.
    let twins: Vec<Entry> = (0..4)
        .map(|_| world.entry_at(EventKind::LoginFailed, at(5)))
        .collect();
    ports.audit.append(twins).await.unwrap();
    let audit = &ports.audit;
    let filter = AuditFilter {
        event: Some("login.failed".to_owned()),
        ..AuditFilter::default()
    };
    let (mut listed, mut asked) = (Vec::new(), page(1, 2));
    loop {
        let found = audit.find_audit(world.tenant, filter.clone(), asked);
        let found = found.await.unwrap();
        assert_eq!(found.total, 6);
        listed.extend(found.items);
        match found.next {
            Some(next) => asked = after(next, 2),
            None => break,
        }
    }
    assert_eq!(seconds(&listed), [5, 5, 5, 5, 5, 1]);
    let mut numbers: Vec<_> = listed[..5].iter().map(|row| row.seq).collect();
    assert!(numbers.is_sorted_by(|one, next| one > next), "{numbers:?}");
    numbers.dedup();
    assert_eq!(numbers.len(), 5);
    let (mut read, mut last) = (Vec::new(), None);
    loop {
        let rows = audit
            .read_audit(world.tenant, filter.clone(), last, 4)
            .await
            .unwrap();
        last = rows.last().map(AuditRow::cursor);
        read.extend(rows);
        if last.is_none() {
            break;
        }
    }
    assert_eq!(read, listed);
    let (second, _) = find(&world, filter, page(2, 4)).await;
    assert_eq!(second, [5, 1]);
}

async fn an_entry_is_found_by_its_number_in_its_tenant(ports: Ports) {
    let world = told(&ports).await;
    let row = world.trail().await.pop().unwrap();
    let load = |tenant, seq| ports.audit.load_audit(tenant, seq);
    assert_eq!(
        load(world.tenant, row.seq).await.unwrap(),
        Some(row.clone())
    );
    assert_eq!(load(world.tenant, i64::MAX).await.unwrap(), None);
    let other = world.beside().await;
    assert_eq!(load(other.tenant, row.seq).await.unwrap(), None);
}

async fn hostile_filters_find_nothing(ports: Ports) {
    let world = told(&ports).await;
    for hostile in HOSTILE {
        let filter = AuditFilter {
            subject: Some(hostile.to_owned()),
            event: Some(hostile.to_owned()),
            ..AuditFilter::default()
        };
        assert_eq!(
            find(&world, filter, page(1, 10)).await,
            (vec![], 0),
            "{hostile:?}"
        );
    }
    let nul = AuditFilter {
        actor: Some("a\0b".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(find(&world, nul, page(1, 10)).await, (vec![], 0));
}
