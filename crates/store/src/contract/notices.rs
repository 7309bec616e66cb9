//! Claims about clients that are to be told of ended sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::event::EventKind;
use domain::id::UserId;
use domain::notice::{Notice, NoticeId};
use domain::time::UnixMillis;
use domain::user::{UserPatch, UserStatus};
use futures_util::future::join_all;

use crate::contract::fixture::{World, at, much_later};
use crate::port::Ports;

super::claims!("notices":
    a_session_that_ends_leaves_a_notice_for_each_client_that_is_told,
    a_lock_and_a_deletion_leave_notices_too,
    a_session_that_goes_on_leaves_none,
    ten_concurrent_claims_share_no_notice,
    a_notice_is_due_again_and_given_up_as_mails_are,
    notices_that_were_given_up_go_after_thirty_days,
    no_order_crosses_the_border_of_a_tenant,
);

const LEASE: Duration = Duration::from_mins(1);
const URI: Option<&str> = Some("https://app.example.org/out");

async fn claim(world: &World, limit: u32, now: UnixMillis) -> Vec<Notice> {
    let claimed = world.ports.notices.claim_notices(limit, now, LEASE);
    claimed.await.unwrap()
}

async fn waiting(world: &World) -> u64 {
    world.ports.notices.count_notices().await.unwrap()
}

/// A world with a person and a client that is told, and one notice of it.
async fn noticed(ports: Ports) -> (World, UserId, Notice) {
    let world = World::new(ports).await;
    let user = world.register("ada@example.org").await.id;
    world.leave_notice(user).await;
    let mut claimed = claim(&world, 9, at(1)).await;
    assert_eq!(claimed.len(), 1);
    (world, user, claimed.remove(0))
}

async fn a_session_that_ends_leaves_a_notice_for_each_client_that_is_told(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let user = world.register("ada@example.org").await.id;
    world.add_client("client_web", URI).await;
    world.add_client("client_quiet", None).await;
    let (told, sector) = ("client_web", Some("app.example.org"));
    let family = world.sign_in_at_client(user, told, sector).await;
    let quiet = world.sign_in_at_client(user, "client_quiet", None).await;
    let document = "https://app.example.org/client.json";
    let described = world.sign_in_at_client(user, document, None).await;
    for session in [family.session, quiet.session, described.session] {
        world.end(user, session, at(5)).await;
        // What has ended ends once.
        world.end(user, session, at(6)).await;
    }
    assert!(claim(&world, 9, at(4)).await.is_empty(), "none is due yet");
    let mut claimed = claim(&world, 9, at(5)).await;
    claimed.sort_by(|one, other| one.id.client.cmp(&other.id.client));
    let clients: Vec<&str> = claimed.iter().map(|told| told.id.client.as_str()).collect();
    assert_eq!(clients, [told, document]);
    let expected = Notice {
        id: NoticeId {
            tenant: world.tenant,
            session: family.session,
            client: told.to_owned(),
        },
        user,
        sector: sector.map(str::to_owned),
        attempts: 1,
        created_at: at(5),
    };
    assert_eq!(claimed[0], expected);
    assert_eq!(claimed[1].sector, None);
}

async fn a_lock_and_a_deletion_leave_notices_too(ports: Ports) {
    let world = World::new(ports.clone()).await;
    world.add_client("client_web", URI).await;
    let one = world.register("ada@example.org").await.id;
    let two = world.register("grace@example.org").await.id;
    for user in [one, two] {
        world.sign_in_at_client(user, "client_web", None).await;
    }
    let patch = UserPatch {
        status: Some(UserStatus::Locked),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserLocked);
    let locked = ports.users.update_user(one, patch, much_later(), entry);
    locked.await.unwrap();
    let entry = world.entry(EventKind::UserDeleted);
    let deleted = ports.users.delete_user(two, None, much_later(), entry);
    deleted.await.unwrap();
    let claimed = claim(&world, 9, at(9)).await;
    let told: BTreeSet<UserId> = claimed.iter().map(|notice| notice.user).collect();
    assert_eq!(told, [one, two].into());
}

async fn a_session_that_goes_on_leaves_none(ports: Ports) {
    let world = World::new(ports.clone()).await;
    world.add_client("client_web", URI).await;
    let user = world.register("ada@example.org").await.id;
    world.sign_in_at_client(user, "client_web", None).await;
    let (other, _) = world.sign_in(user).await;
    world.end(user, other.id, at(5)).await;
    assert_eq!(waiting(&world).await, 0);
}

async fn ten_concurrent_claims_share_no_notice(ports: Ports) {
    let world = World::new(ports.clone()).await;
    world.add_client("client_web", URI).await;
    let user = world.register("ada@example.org").await.id;
    for _ in 0..20 {
        let family = world.sign_in_at_client(user, "client_web", None).await;
        world.end(user, family.session, at(1)).await;
    }
    let claims = join_all((0..10).map(|_| claim(&world, 3, at(1)))).await;
    let claimed: Vec<Notice> = claims.concat();
    let distinct: BTreeSet<_> = claimed.iter().map(|notice| notice.id.clone()).collect();
    assert_eq!(claimed.len(), distinct.len(), "no notice is claimed twice");
    let rest = claim(&world, 100, at(1)).await;
    assert_eq!(claimed.len() + rest.len(), 20, "no notice is lost");
}

async fn a_notice_is_due_again_and_given_up_as_mails_are(ports: Ports) {
    let (world, _, notice) = noticed(ports.clone()).await;
    assert!(claim(&world, 9, at(60)).await.is_empty(), "it is leased");
    assert_eq!(claim(&world, 9, at(61)).await[0].attempts, 2);
    let error = || "no answer '); DROP TABLE logout_notices; --".to_owned();
    let retried = ports
        .notices
        .retry_notice(notice.id.clone(), at(500), error());
    retried.await.unwrap();
    assert!(claim(&world, 9, at(499)).await.is_empty());
    assert_eq!(claim(&world, 9, at(500)).await[0].attempts, 3);
    let abandoned = ports.notices.abandon_notice(notice.id.clone(), error());
    abandoned.await.unwrap();
    assert_eq!(waiting(&world).await, 0);
    assert!(claim(&world, 9, at(9_999_999)).await.is_empty());
}

async fn notices_that_were_given_up_go_after_thirty_days(ports: Ports) {
    let (world, user, notice) = noticed(ports.clone()).await;
    let family = world.sign_in_at_client(user, "client_told", None).await;
    world.end(user, family.session, at(1)).await;
    let abandoned = ports.notices.abandon_notice(notice.id, String::new());
    abandoned.await.unwrap();
    let end = at(1) + Duration::from_hours(24 * 30);
    let purge = |now| ports.janitor.purge(now, 100);
    let early = purge(end - Duration::from_secs(1)).await.unwrap();
    assert_eq!(early.notices, 0);
    let late = purge(end + Duration::from_secs(1)).await.unwrap();
    assert_eq!((late.notices, waiting(&world).await), (1, 1));
}

async fn no_order_crosses_the_border_of_a_tenant(ports: Ports) {
    let (world, _, notice) = noticed(ports.clone()).await;
    let other = world.beside().await;
    let foreign = || NoticeId {
        tenant: other.tenant,
        ..notice.id.clone()
    };
    let notices = &ports.notices;
    notices.complete_notice(foreign()).await.unwrap();
    let retried = notices.retry_notice(foreign(), at(999), String::new());
    retried.await.unwrap();
    let abandoned = notices.abandon_notice(foreign(), String::new());
    abandoned.await.unwrap();
    assert_eq!(waiting(&world).await, 1);
    assert_eq!(
        claim(&other, 9, at(61)).await.len(),
        1,
        "one owner tells all"
    );
    notices.complete_notice(notice.id).await.unwrap();
    assert_eq!(waiting(&world).await, 0);
}
