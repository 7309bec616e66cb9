//! Claims about roles and policies.

use domain::change::ChangeKind;
use domain::event::EventKind;
use futures_util::future::join_all;

use crate::contract::fixture::{World, at};
use crate::port::Ports;
use crate::port::roles::RoleWrite;

super::claims!("roles":
    a_role_is_made_changed_and_deleted,
    a_late_change_of_a_role_is_stale,
    of_fifty_roles_of_a_name_one_is_stored,
    a_deleted_role_takes_its_policies_along,
    a_subject_has_a_policy_once,
    no_verb_reaches_into_another_tenant,
    each_change_is_told_and_written_down,
);

async fn a_role_is_made_changed_and_deleted(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let store = &ports.roles;
    let role = world.role("clerk", &["user"]);
    let entry = || world.entry_at(EventKind::RoleUpdated, at(5));
    let made = store.create_role(role.clone(), entry()).await;
    assert_eq!(made, Ok(RoleWrite::Stored(Box::new(role.clone()))));
    assert_eq!(
        store.load_rules(None).await,
        Ok((vec![role.clone()], vec![]))
    );
    let mut changed = role.clone();
    changed.inherits = vec![];
    "Another".clone_into(&mut changed.description);
    let stored = store.update_role(changed.clone(), entry()).await;
    changed.version = 2;
    changed.updated_at = at(5);
    assert_eq!(stored, Ok(RoleWrite::Stored(Box::new(changed.clone()))));
    assert_eq!(store.load_rules(None).await, Ok((vec![changed], vec![])));
    assert_eq!(
        store.delete_role("clerk".to_owned(), None, entry()).await,
        Ok(true)
    );
    assert_eq!(
        store.delete_role("clerk".to_owned(), None, entry()).await,
        Ok(false)
    );
    assert_eq!(store.load_rules(None).await, Ok((vec![], vec![])));
}

async fn a_late_change_of_a_role_is_stale(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let store = &ports.roles;
    let role = world.role("clerk", &[]);
    let entry = || world.entry(EventKind::RoleUpdated);
    let missing = store.update_role(role.clone(), entry()).await;
    assert_eq!(missing, Ok(RoleWrite::Stale));
    store.create_role(role.clone(), entry()).await.unwrap();
    store.update_role(role.clone(), entry()).await.unwrap();
    let late = store.update_role(role, entry()).await;
    assert_eq!(late, Ok(RoleWrite::Stale));
}

async fn of_fifty_roles_of_a_name_one_is_stored(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let make = || {
        let entry = world.entry(EventKind::RoleCreated);
        ports.roles.create_role(world.role("clerk", &[]), entry)
    };
    let made = join_all((0..50).map(|_| make())).await;
    let stored = |one: &&Result<RoleWrite, _>| matches!(one, Ok(RoleWrite::Stored(_)));
    assert_eq!(made.iter().filter(stored).count(), 1);
    let taken = made.iter().filter(|one| **one == Ok(RoleWrite::Taken));
    assert_eq!(taken.count(), 49);
}

async fn a_deleted_role_takes_its_policies_along(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let store = &ports.roles;
    let entry = || world.entry(EventKind::PolicyCreated);
    for name in ["clerk", "chief"] {
        store
            .create_role(world.role(name, &[]), entry())
            .await
            .unwrap();
    }
    let (gone, kept) = (
        world.policy("clerk", "invoices/*", "read"),
        world.policy("chief", "*", "*"),
    );
    for policy in [&gone, &kept] {
        let made = store.create_policy(policy.clone(), entry()).await;
        assert_eq!(made, Ok(true));
    }
    store
        .delete_role("clerk".to_owned(), None, entry())
        .await
        .unwrap();
    let (_, policies) = store.load_rules(None).await.unwrap();
    assert_eq!(policies, std::slice::from_ref(&kept));
    assert_eq!(store.delete_policy(gone.id, entry()).await, Ok(false));
    assert_eq!(store.delete_policy(kept.id, entry()).await, Ok(true));
}

async fn a_subject_has_a_policy_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let make = |action: &str| {
        let policy = world.policy("clerk", "invoices/*", action);
        let entry = world.entry(EventKind::PolicyCreated);
        ports.roles.create_policy(policy, entry)
    };
    let made = join_all((0..20).map(|_| make("read"))).await;
    assert_eq!(made.iter().filter(|one| **one == Ok(true)).count(), 1);
    assert_eq!(made.iter().filter(|one| **one == Ok(false)).count(), 19);
    assert_eq!(make("write").await, Ok(true));
}

async fn no_verb_reaches_into_another_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let store = &ports.roles;
    let policy = world.policy("clerk", "*", "read");
    let entry = |world: &World| world.entry(EventKind::RoleCreated);
    store
        .create_role(world.role("clerk", &[]), entry(&world))
        .await
        .unwrap();
    store
        .create_policy(policy.clone(), entry(&world))
        .await
        .unwrap();
    let foreign = store
        .delete_role("clerk".to_owned(), None, entry(&other))
        .await;
    assert_eq!(foreign, Ok(false));
    let foreign = store.delete_policy(policy.id, entry(&other)).await;
    assert_eq!(foreign, Ok(false));
    let own = store
        .create_role(other.role("clerk", &[]), entry(&other))
        .await;
    assert!(
        matches!(own, Ok(RoleWrite::Stored(_))),
        "names are a tenant's own"
    );
    let (roles, policies) = store.load_rules(None).await.unwrap();
    assert_eq!((roles.len(), policies), (2, vec![policy.clone()]));
    let own = store.load_rules(Some(world.tenant)).await;
    assert_eq!(own, Ok((vec![world.role("clerk", &[])], vec![policy])));
    let own = store.load_rules(Some(other.tenant)).await;
    assert_eq!(own, Ok((vec![other.role("clerk", &[])], vec![])));
}

async fn each_change_is_told_and_written_down(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let store = &ports.roles;
    let policy = world.policy("clerk", "*", "read");
    let role = world.role("clerk", &[]);
    let entry = |kind| world.entry(kind);
    store
        .create_role(role.clone(), entry(EventKind::RoleCreated))
        .await
        .unwrap();
    store
        .create_role(role.clone(), entry(EventKind::RoleCreated))
        .await
        .unwrap();
    store
        .update_role(role, entry(EventKind::RoleUpdated))
        .await
        .unwrap();
    let made = store.create_policy(policy.clone(), entry(EventKind::PolicyCreated));
    made.await.unwrap();
    store
        .delete_policy(policy.id, entry(EventKind::PolicyDeleted))
        .await
        .unwrap();
    store
        .delete_policy(policy.id, entry(EventKind::PolicyDeleted))
        .await
        .unwrap();
    let name = "clerk".to_owned();
    store
        .delete_role(name, None, entry(EventKind::RoleDeleted))
        .await
        .unwrap();
    let expected = [
        "tenant.created",
        "role.created",
        "role.updated",
        "policy.created",
        "policy.deleted",
        "role.deleted",
    ];
    assert_eq!(world.events().await, expected);
    assert_eq!(world.changes().await, vec![ChangeKind::RolesChanged; 5]);
}
