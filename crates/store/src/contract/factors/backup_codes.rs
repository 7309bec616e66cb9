//! Claims about backup codes.

use domain::event::EventKind;
use domain::id::UserId;
use futures_util::future::join_all;

use crate::contract::fixture::{World, at, bytes};
use crate::port::Ports;
use crate::port::factors::{NewBackupCodes, UseBackupCode};

crate::contract::claims!("factors":
    newer_codes_replace_the_older,
    codes_that_come_with_another_factor_replace_the_older,
    codes_need_a_factor_that_they_stand_in_for,
    a_backup_code_is_spent_once_of_50_at_once,
    each_of_ten_codes_spent_at_once_counts_down,
    a_code_is_found_by_any_of_our_secrets,
    a_code_of_somebody_else_is_worth_nothing,
);

fn renewal(world: &World, user: UserId, signatures: &[[u8; 32]]) -> NewBackupCodes {
    NewBackupCodes {
        tenant: world.tenant,
        user,
        signatures: signatures.to_vec(),
        notice: Some(world.mail(at(0))),
        entry: world.entry(EventKind::BackupCodesMade).about(&user),
    }
}

fn using(world: &World, user: UserId, signatures: &[[u8; 32]]) -> UseBackupCode {
    UseBackupCode {
        tenant: world.tenant,
        user,
        signatures: signatures.to_vec(),
        notice: Some(world.mail(at(0))),
        entry: world.entry(EventKind::BackupCodeUsed).about(&user),
    }
}

async fn renew(world: &World, user: UserId, signatures: &[[u8; 32]]) -> bool {
    let codes = renewal(world, user, signatures);
    let factors = &world.ports.factors;
    factors.replace_backup_codes(codes).await.unwrap()
}

async fn spend(world: &World, user: UserId, signatures: &[[u8; 32]]) -> Option<u32> {
    let code = using(world, user, signatures);
    world.ports.factors.use_backup_code(code).await.unwrap()
}

async fn newer_codes_replace_the_older(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let (old, new) = ([bytes(), bytes(), bytes()], [bytes(), bytes()]);
    world.bind_totp(user, &old).await;
    assert!(renew(&world, user, &new).await);
    assert_eq!(world.factors(user).await.backup_codes, 2);
    assert_eq!(spend(&world, user, &old[..1]).await, None);
    assert_eq!(spend(&world, user, &new[..1]).await, Some(1));
    assert_eq!(world.count_events(EventKind::BackupCodesMade).await, 1);
    let mails = "of the binding, the renewal and the use";
    assert_eq!(world.waiting_mails().await, 3, "{mails}");
}

async fn codes_that_come_with_another_factor_replace_the_older(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    let (old, new) = ([bytes(), bytes(), bytes()], [bytes(), bytes()]);
    world.bind_totp(user, &old).await;
    world.bind_passkey(user).await;
    assert_eq!(world.factors(user).await.backup_codes, 3, "none were given");
    let mut binding = world.binding(&world.passkey(user, at(1)));
    binding.backup_codes = new.to_vec();
    ports.factors.add_passkey(binding).await.unwrap();
    assert_eq!(world.factors(user).await.backup_codes, 2);
    assert_eq!(spend(&world, user, &old[..1]).await, None);
    assert_eq!(spend(&world, user, &new[1..]).await, Some(1));
}

async fn codes_need_a_factor_that_they_stand_in_for(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    assert!(!renew(&world, user, &[bytes()]).await);
    assert!(world.begin_totp(&world.totp(user, at(0))).await);
    assert!(
        !renew(&world, user, &[bytes()]).await,
        "it is not confirmed"
    );
    assert_eq!(world.factors(user).await.backup_codes, 0);
    assert_eq!(world.waiting_mails().await, 0);
    assert_eq!(world.count_events(EventKind::BackupCodesMade).await, 0);
    world.bind_passkey(user).await;
    assert!(renew(&world, user, &[bytes()]).await);
}

async fn a_backup_code_is_spent_once_of_50_at_once(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let codes = [bytes(), bytes(), bytes()];
    world.bind_totp(user, &codes).await;
    let before = world.waiting_mails().await;
    let spent = join_all((0..50).map(|_| spend(&world, user, &codes[..1]))).await;
    let spent: Vec<u32> = spent.into_iter().flatten().collect();
    assert_eq!(spent, [2]);
    assert_eq!(world.factors(user).await.backup_codes, 2);
    assert_eq!(world.waiting_mails().await, before + 1);
    assert_eq!(world.count_events(EventKind::BackupCodeUsed).await, 1);
}

async fn each_of_ten_codes_spent_at_once_counts_down(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let codes: Vec<[u8; 32]> = (0..10).map(|_| bytes()).collect();
    world.bind_totp(user, &codes).await;
    let spent = join_all(codes.chunks(1).map(|code| spend(&world, user, code))).await;
    let mut left: Vec<u32> = spent.into_iter().flatten().collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<u32>>());
}

async fn a_code_is_found_by_any_of_our_secrets(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let codes = [bytes(), bytes()];
    world.bind_totp(user, &codes).await;
    let signatures = [bytes(), codes[1], bytes()];
    assert_eq!(spend(&world, user, &signatures).await, Some(1));
    assert_eq!(spend(&world, user, &signatures).await, None);
    assert_eq!(spend(&world, user, &[]).await, None);
    assert_eq!(spend(&world, user, &codes[..1]).await, Some(0));
}

async fn a_code_of_somebody_else_is_worth_nothing(ports: Ports) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    let bob = world.register("bob@example.org").await.id;
    let codes = [bytes()];
    world.bind_totp(user, &codes).await;
    world.bind_totp(bob, &[bytes(), bytes()]).await;
    let before = world.waiting_mails().await;
    let other = world.beside().await;
    assert_eq!(spend(&world, bob, &codes).await, None);
    assert_eq!(spend(&other, user, &codes).await, None);
    assert!(!renew(&other, user, &[bytes()]).await);
    assert_eq!(world.waiting_mails().await, before);
    assert_eq!(world.factors(user).await.backup_codes, 1);
    assert!(renew(&world, bob, &[bytes()]).await);
    assert_eq!(spend(&world, user, &codes).await, Some(0));
    assert_eq!(world.factors(bob).await.backup_codes, 1);
}
