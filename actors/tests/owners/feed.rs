//! The feed: what one node changes, another hears of within a second.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actors::accounts::Accounts;
use actors::api_keys::api_keys;
use actors::feed::{FeedNeeds, feed};
use actors::keys::{Keys, Rotated};
use actors::roles::{Roles, roles};
use actors::sessions::{Sessions, sessions};
use actors::supervision::Tree;
use actors::tenants::Tenants;
use domain::client::ClientPatch;
use domain::event::EventKind;
use domain::session::EndReason;
use domain::user::UserPatch;
use store::contract::fixture::{at, much_later, origin};
use store::port::Pending;
use store::port::changes::{Changes, ChangesAsked, ChangesPage, Interest};
use store::port::sessions::{EndTarget, Ending, Withdrawal};
use tokio::sync::watch;

use crate::house::{House, SOON, in_time, raise, within, within_a_second};
use crate::tenants::client;

struct Node {
    sessions: Sessions,
    accounts: Accounts,
    tenants: Tenants,
    roles: Roles,
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
        let accounts = Accounts::new(house.ports.users.clone());
        let (sessions, mut specs) = sessions(house.ports.sessions.clone(), false);
        let (roles, roles_spec) = roles(house.ports.roles.clone());
        specs.extend([tenants_spec, keys_spec, roles_spec]);
        specs.push(feed(FeedNeeds {
            changes,
            sessions: sessions.clone(),
            accounts: accounts.clone(),
            api_keys: api_keys(house.ports.api_keys.clone()).0,
            tenants: tenants.clone(),
            roles: roles.clone(),
            keys: keys.clone(),
            clock: house.clock.clone(),
        }));
        let node = Self {
            sessions,
            accounts,
            tenants,
            roles,
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
    within_a_second(async |round| {
        let jti = format!("stolen {round}");
        revoke(&house, &one, &jti).await;
        within(SOON, "the token is refused", || async {
            two.sessions.denylist().is_refused(&jti, None, None)
        })
        .await
    })
    .await;

    let user = house.world.register("ada@example.org").await;
    within_a_second(async |_| {
        let (session, family) = house.world.sign_in(user.id).await;
        let ending = Ending {
            tenant: house.world.tenant,
            target: EndTarget::Family(family.id),
            reason: EndReason::Logout,
            now: at(1),
            remember_until: much_later(),
            entry: house.world.entry(EventKind::SessionEnded),
        };
        let ended = one.sessions.end(ending, in_time()).await;
        assert_eq!(ended, Ok(vec![session.id]));
        within(SOON, "the session is refused", || async {
            two.sessions
                .denylist()
                .is_refused("any", Some(session.id), None)
        })
        .await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_on_one_node_is_refused_on_both_and_the_session_goes_on() {
    let house = House::new().await;
    let (one, two) = (Node::new(&house).await, Node::new(&house).await);
    let user = house.world.register("ada@example.org").await;
    within_a_second(async |_| {
        let (session, family) = house.world.sign_in(user.id).await;
        let withdrawal = Withdrawal {
            tenant: house.world.tenant,
            user: user.id,
            client: family.client.clone(),
            now: at(1),
            remember_until: much_later(),
            entry: house.world.entry(EventKind::ConsentRevoked),
        };
        let ended = one.sessions.withdraw(withdrawal, in_time()).await;
        assert_eq!(ended, Ok(Some(vec![family.id])));
        let is_refused = |node: &Node| {
            let denylist = node.sessions.denylist();
            assert!(!denylist.is_refused("any", Some(session.id), None));
            denylist.is_refused("any", Some(session.id), Some(family.id))
        };
        assert!(is_refused(&one), "before it was answered");
        within(SOON, "the grant is refused", || async { is_refused(&two) }).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_remembered_until_a_change_of_it_is_heard() {
    let house = House::new().await;
    let node = Node::new(&house).await;
    let deaf = Accounts::new(house.ports.users.clone());
    let user = house.world.register("ada@example.org").await;
    let name_at = async |accounts: &Accounts| {
        let found = accounts.load(house.world.tenant, user.id, in_time()).await;
        found.unwrap().unwrap().name.clone()
    };
    let first = name_at(&deaf).await;
    within_a_second(async |round| {
        name_at(&node.accounts).await;
        let name = format!("Countess {round}");
        let patch = UserPatch {
            name: Some(name.clone()),
            ..UserPatch::default()
        };
        let entry = house.world.entry(EventKind::UserUpdated);
        let users = &house.ports.users;
        let updated = users.update_user(user.id, patch, much_later(), entry);
        updated.await.unwrap();
        assert_eq!(name_at(&deaf).await, first, "the store is not asked again");
        within(SOON, "the new name", || async {
            name_at(&node.accounts).await == name
        })
        .await
    })
    .await;
    deaf.forget(house.world.tenant, user.id);
    assert_ne!(name_at(&deaf).await, first);
    let elsewhere = deaf.load(house.world.beside().await.tenant, user.id, in_time());
    assert_eq!(elsewhere.await, Ok(None), "another tenant's is not told");
}

#[tokio::test]
async fn a_node_that_starts_later_knows_what_was_revoked_before_it_is_fresh() {
    let house = House::new().await;
    let one = Node::new(&house).await;
    revoke(&house, &one, "stolen").await;
    let two = Node::new(&house).await;
    assert!(two.sessions.denylist().is_refused("stolen", None, None));
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
    assert!(
        stolen
            .iter()
            .all(|jti| denylist.is_refused(jti, None, None))
    );
    let first = pages.first.get().copied();
    assert_eq!(first, Some(Interest::Revocations), "hints do not delay it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_clients_tenants_roles_and_keys_are_known_within_a_second() {
    let house = House::new().await;
    let (one, two) = (Node::new(&house).await, Node::new(&house).await);
    let tenant = house.world.tenant;
    let new = client(tenant, "client_a");
    let entry = house.world.entry(EventKind::ClientCreated);
    let created = one.tenants.create_client(new, entry, in_time());
    created.await.unwrap();
    let found = two.tenants.client(tenant, "client_a", in_time()).await;
    assert!(found.unwrap().is_some());

    within_a_second(async |round| turn_client(&house, &one, &two, round % 2 == 0).await).await;
    within_a_second(async |round| rename(&house, &one, &two, &format!("renamed-{round}")).await)
        .await;
    within_a_second(async |round| add_role(&house, &one, &two, &format!("role-{round}")).await)
        .await;
    within_a_second(async |_| {
        house.clock.advance(Duration::from_mins(10));
        let by = origin(tenant, house.now());
        let rotated = one.keys.rotate(by, in_time()).await.unwrap();
        assert!(matches!(rotated, Rotated::Done { .. }));
        within(SOON, "the ring has moved on", || async {
            two.keys.ring().list() == one.keys.ring().list()
        })
        .await
    })
    .await;
}

/// Disables or enables a client on one node; says how long the other took to know.
async fn turn_client(house: &House, one: &Node, two: &Node, disabled: bool) -> Duration {
    let tenant = house.world.tenant;
    let patch = ClientPatch {
        disabled: Some(disabled),
        ..ClientPatch::default()
    };
    let (id, updated) = (
        "client_a".to_owned(),
        house.world.entry(EventKind::ClientUpdated),
    );
    let done = one.tenants.update_client(id, patch, updated, in_time());
    done.await.unwrap();
    within(SOON, "the client is changed", || async {
        let found = two.tenants.client(tenant, "client_a", in_time()).await;
        found
            .unwrap()
            .is_some_and(|client| client.disabled == disabled)
    })
    .await
}

/// Makes a role on one node; says how long the other took to know.
async fn add_role(house: &House, one: &Node, two: &Node, name: &str) -> Duration {
    let tenant = house.world.tenant;
    let entry = house.world.entry(EventKind::RoleCreated);
    let role = house.world.role(name, &[]);
    let made = one.roles.create_role(role, entry, in_time());
    made.await.unwrap();
    assert!(
        one.roles.of(tenant).has_role(name),
        "before it was answered"
    );
    within(SOON, "the role is known", || async {
        two.roles.of(tenant).has_role(name)
    })
    .await
}

/// Renames the tenant on one node; says how long the other took to know.
async fn rename(house: &House, one: &Node, two: &Node, slug: &str) -> Duration {
    let tenant = house.world.tenant;
    let mut renamed = (**one.tenants.directory().by_id(tenant).unwrap()).clone();
    slug.clone_into(&mut renamed.slug);
    let updated = house.world.entry(EventKind::TenantUpdated);
    let done = one.tenants.update_tenant(renamed, updated, in_time());
    done.await.unwrap();
    within(SOON, "the tenant is renamed", || async {
        two.tenants.directory().by_slug(slug).is_some()
    })
    .await
}
