//! The feed: what one node changes, another hears of within a second.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actors::feed::{FeedNeeds, feed};
use actors::keys::{Keys, Rotated};
use actors::sessions::{Sessions, sessions};
use actors::supervision::Tree;
use actors::tenants::Tenants;
use domain::client::ClientPatch;
use domain::event::EventKind;
use domain::session::EndReason;
use store::contract::fixture::{at, much_later, origin};
use store::port::Pending;
use store::port::changes::{Changes, ChangesAsked, ChangesPage, Interest};
use store::port::sessions::{EndTarget, Ending};
use tokio::sync::watch;

use crate::house::{House, SOON, in_time, raise, within};
use crate::tenants::client;

struct Node {
    sessions: Sessions,
    tenants: Tenants,
    keys: Keys,
    _tree: Tree,
}

/// A feed that gives no more than two entries at once, and notes what it was asked for first.
struct ShortPages {
    inner: Arc<dyn Changes>,
    first: OnceLock<Interest>,
}

impl Changes for ShortPages {
    fn load_changes(&self, asked: ChangesAsked) -> Pending<'_, ChangesPage> {
        self.first.get_or_init(|| asked.interest);
        self.inner.load_changes(ChangesAsked { limit: 2, ..asked })
    }

    fn notices(&self) -> watch::Receiver<u64> {
        self.inner.notices()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
}

impl Node {
    async fn new(house: &House) -> Self {
        Self::reading(house, house.ports.changes.clone()).await
    }

    async fn reading(house: &House, changes: Arc<dyn Changes>) -> Self {
        let (tenants, tenants_spec) = house.tenants();
        let (keys, keys_spec) = house.keys();
        let (sessions, mut specs) = sessions(house.ports.sessions.clone(), false);
        specs.extend([tenants_spec, keys_spec]);
        specs.push(feed(FeedNeeds {
            changes,
            sessions: sessions.clone(),
            tenants: tenants.clone(),
            keys: keys.clone(),
            clock: house.clock.clone(),
        }));
        let node = Self {
            sessions,
            tenants,
            keys,
            _tree: raise(specs).await,
        };
        within(SOON, "the feed was read", || async {
            node.sessions.denylist().is_fresh()
        })
        .await;
        node
    }
}

async fn revoke(house: &House, node: &Node, jti: &str) {
    let entry = house.world.entry(EventKind::TokenRevoked);
    let (tenant, jti) = (house.world.tenant, jti.to_owned());
    let revoked = node
        .sessions
        .revoke_access(tenant, jti, much_later(), entry, in_time());
    revoked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_on_one_node_holds_on_the_other_within_a_second() {
    let house = House::new().await;
    let (one, two) = (Node::new(&house).await, Node::new(&house).await);
    revoke(&house, &one, "stolen").await;
    within(SOON, "the token is refused", || async {
        two.sessions.denylist().is_refused("stolen", None)
    })
    .await;

    let user = house.world.register("ada@example.org").await;
    let (session, family) = house.world.sign_in(user.id).await;
    let ending = Ending {
        tenant: house.world.tenant,
        target: EndTarget::Family(family.id),
        reason: EndReason::Logout,
        now: at(1),
        remember_until: much_later(),
        entry: house.world.entry(EventKind::SessionEnded),
    };
    assert_eq!(
        one.sessions.end(ending, in_time()).await,
        Ok(vec![session.id])
    );
    within(SOON, "the session is refused", || async {
        two.sessions.denylist().is_refused("any", Some(session.id))
    })
    .await;
}

#[tokio::test]
async fn a_node_that_starts_later_knows_what_was_revoked_before_it_is_fresh() {
    let house = House::new().await;
    let one = Node::new(&house).await;
    revoke(&house, &one, "stolen").await;
    let two = Node::new(&house).await;
    assert!(two.sessions.denylist().is_refused("stolen", None));
}

#[tokio::test]
async fn a_feed_of_many_pages_is_read_to_its_end_before_a_node_is_fresh() {
    let house = House::new().await;
    let one = Node::new(&house).await;
    let stolen: Vec<_> = (0..5).map(|number| format!("stolen-{number}")).collect();
    for jti in &stolen {
        revoke(&house, &one, jti).await;
    }
    let pages = Arc::new(ShortPages {
        inner: house.ports.changes.clone(),
        first: OnceLock::new(),
    });
    let two = Node::reading(&house, pages.clone()).await;
    let denylist = two.sessions.denylist();
    assert!(stolen.iter().all(|jti| denylist.is_refused(jti, None)));
    let first = pages.first.get().copied();
    assert_eq!(first, Some(Interest::Revocations), "hints do not delay it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_clients_tenants_and_keys_are_known_within_a_second() {
    let house = House::new().await;
    let (one, two) = (Node::new(&house).await, Node::new(&house).await);
    let tenant = house.world.tenant;
    let entry = |kind| house.world.entry(kind);

    let new = client(tenant, "client_a");
    let created = one
        .tenants
        .create_client(new, entry(EventKind::ClientCreated), in_time());
    created.await.unwrap();
    assert!(
        two.tenants
            .client(tenant, "client_a", in_time())
            .await
            .unwrap()
            .is_some()
    );
    let patch = ClientPatch {
        disabled: Some(true),
        ..ClientPatch::default()
    };
    let (id, updated) = ("client_a".to_owned(), entry(EventKind::ClientUpdated));
    one.tenants
        .update_client(id, patch, updated, in_time())
        .await
        .unwrap();
    within(SOON, "the client is disabled", || async {
        let client = two
            .tenants
            .client(tenant, "client_a", in_time())
            .await
            .unwrap();
        client.is_some_and(|client| client.disabled)
    })
    .await;

    let mut renamed = (**one.tenants.directory().by_id(tenant).unwrap()).clone();
    renamed.slug = "renamed".to_owned();
    let updated = entry(EventKind::TenantUpdated);
    one.tenants
        .update_tenant(renamed, updated, in_time())
        .await
        .unwrap();
    within(SOON, "the tenant is renamed", || async {
        two.tenants.directory().by_slug("renamed").is_some()
    })
    .await;

    house.clock.advance(Duration::from_mins(10));
    let by = origin(tenant, house.now());
    let rotated = one.keys.rotate(by, in_time()).await.unwrap();
    assert!(matches!(rotated, Rotated::Done { .. }));
    within(SOON, "the ring has moved on", || async {
        two.keys.ring().list() == one.keys.ring().list()
    })
    .await;
}
