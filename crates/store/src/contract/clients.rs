//! Claims about clients.

use domain::change::ChangeKind;
use domain::client::{Client, ClientMetadata, ClientPatch, ClientSecret, ClientType};
use domain::event::EventKind;
use domain::page::{Page, PageRequest};
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::fixture::{HOSTILE, World, after, at, page};
use crate::port::Ports;
use crate::port::clients::ClientWrite;

super::claims!("clients":
    a_client_is_loaded_as_it_was_stored,
    a_patch_changes_what_it_names_and_nothing_else,
    one_of_ten_patches_of_one_version_wins,
    a_client_is_deleted_once,
    clients_are_listed_newest_first,
    no_verb_crosses_the_border_of_a_tenant,
    clients_that_describe_themselves_are_bounded,
);

fn client(world: &World, id: &str, now: UnixMillis) -> Client {
    let secret = |signature: &str, expires_at| ClientSecret {
        signature: signature.to_owned(),
        created_at: now,
        expires_at,
    };
    Client {
        tenant: world.tenant,
        id: id.to_owned(),
        name: format!("Client {id}"),
        client_type: ClientType::Service,
        disabled: false,
        metadata: ClientMetadata {
            redirect_uris: vec!["https://app.example/cb?x='1'".to_owned()],
            grant_types: vec!["client_credentials".to_owned()],
            scopes: vec!["read".to_owned(), "write".to_owned()],
            token_endpoint_auth_method: "client_secret_basic".to_owned(),
            access_token_ttl_seconds: Some(300),
            ..ClientMetadata::default()
        },
        secrets: vec![secret("new", None), secret("old", Some(at(86_400)))],
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

async fn create(world: &World, client: &Client) {
    let entry = world.entry(EventKind::ClientCreated).about(&client.id);
    let created = world.ports.clients.create_client(client.clone(), entry);
    created.await.unwrap();
}

async fn load(world: &World, id: &str) -> Option<Client> {
    let loaded = world.ports.clients.load_client(world.tenant, id.to_owned());
    loaded.await.unwrap()
}

async fn list(world: &World, page: PageRequest) -> Page<Client> {
    let listed = world.ports.clients.list_clients(world.tenant, page);
    listed.await.unwrap()
}

fn ids(page: &Page<Client>) -> Vec<&str> {
    page.items.iter().map(|client| client.id.as_str()).collect()
}

async fn update(world: &World, id: &str, patch: ClientPatch) -> ClientWrite {
    let entry = world.entry_at(EventKind::ClientUpdated, at(60)).about(&id);
    let clients = &world.ports.clients;
    let written = clients.update_client(id.to_owned(), patch, entry).await;
    written.unwrap()
}

async fn a_client_is_loaded_as_it_was_stored(ports: Ports) {
    let world = World::new(ports).await;
    let long = "\u{1f980}'\"\\".repeat(10_000);
    for (number, text) in HOSTILE.iter().copied().chain([long.as_str()]).enumerate() {
        let mut one = client(&world, &format!("client_{number}"), at(0));
        text.clone_into(&mut one.name);
        one.metadata.audiences = vec![text.to_owned()];
        one.disabled = number % 2 == 1;
        create(&world, &one).await;
        assert_eq!(load(&world, &one.id).await, Some(one));
    }
    for kind in [ClientType::Agent, ClientType::Web, ClientType::Native] {
        let mut one = client(&world, kind.as_str(), at(0));
        one.client_type = kind;
        one.secrets = vec![];
        create(&world, &one).await;
        assert_eq!(load(&world, kind.as_str()).await, Some(one));
    }
    assert_eq!(load(&world, "client_unknown").await, None);
    assert_eq!(load(&world, "CLIENT_0").await, None);
}

async fn a_patch_changes_what_it_names_and_nothing_else(ports: Ports) {
    let world = World::new(ports).await;
    let mut one = client(&world, "client_a", at(0));
    create(&world, &one).await;
    let rename = ClientPatch {
        name: Some("New".to_owned()),
        expected_version: Some(1),
        ..ClientPatch::default()
    };
    "New".clone_into(&mut one.name);
    one.updated_at = at(60);
    one.version = 2;
    let written = update(&world, "client_a", rename).await;
    assert_eq!(written, ClientWrite::Stored(Box::new(one.clone())));

    one.disabled = true;
    one.metadata.scopes = vec![];
    one.secrets = vec![];
    one.version = 3;
    let replace = ClientPatch {
        disabled: Some(true),
        metadata: Some(one.metadata.clone()),
        secrets: Some(vec![]),
        ..ClientPatch::default()
    };
    let written = update(&world, "client_a", replace).await;
    assert_eq!(written, ClientWrite::Stored(Box::new(one.clone())));
    assert_eq!(load(&world, "client_a").await, Some(one));
    let told = ChangeKind::ClientChanged("client_a".to_owned());
    let changes = world.changes().await;
    assert_eq!(changes.iter().filter(|c| **c == told).count(), 2);
    assert_eq!(world.count_events(EventKind::ClientUpdated).await, 2);
}

async fn one_of_ten_patches_of_one_version_wins(ports: Ports) {
    let world = World::new(ports).await;
    create(&world, &client(&world, "client_a", at(0))).await;
    let written = join_all((0..10).map(|number| {
        let patch = ClientPatch {
            name: Some(format!("name {number}")),
            expected_version: Some(1),
            ..ClientPatch::default()
        };
        update(&world, "client_a", patch)
    }))
    .await;
    let late = written.iter().filter(|w| **w == ClientWrite::Stale);
    assert_eq!(late.count(), 9);
    assert_eq!(load(&world, "client_a").await.unwrap().version, 2);
    assert_eq!(world.count_events(EventKind::ClientUpdated).await, 1);
    let nobody = update(&world, "client_b", ClientPatch::default()).await;
    assert_eq!(nobody, ClientWrite::Missing);
}

async fn a_client_is_deleted_once(ports: Ports) {
    let world = World::new(ports.clone()).await;
    create(&world, &client(&world, "client_a", at(0))).await;
    let delete = || {
        let entry = world.entry(EventKind::ClientDeleted);
        ports
            .clients
            .delete_client("client_a".to_owned(), None, entry)
    };
    assert!(delete().await.unwrap());
    assert!(!delete().await.unwrap());
    assert_eq!(load(&world, "client_a").await, None);
    let told = ChangeKind::ClientChanged("client_a".to_owned());
    assert!(world.changes().await.contains(&told));
    assert_eq!(world.count_events(EventKind::ClientDeleted).await, 1);
}

/// A client's id is random, so the cursor of this list stands for something else of the entry; the
/// claims hold whatever a backend takes for it.
async fn clients_are_listed_newest_first(ports: Ports) {
    let world = World::new(ports).await;
    for (number, id) in (0..).zip(["client_m", "client_z", "client_a"]) {
        create(&world, &client(&world, id, at(number))).await;
    }
    let whole = list(&world, page(1, 100)).await;
    assert_eq!(ids(&whole), ["client_a", "client_z", "client_m"]);
    assert_eq!((whole.total, whole.next), (3, None));
    let first = list(&world, page(1, 2)).await;
    assert_eq!(ids(&first), ["client_a", "client_z"]);
    assert_eq!(first.total, 3);
    for rest in [page(2, 2), after(first.next.unwrap(), 2)] {
        let rest = list(&world, rest).await;
        assert_eq!(ids(&rest), ["client_m"]);
        assert_eq!((rest.total, rest.next), (3, None));
    }
}

async fn no_verb_crosses_the_border_of_a_tenant(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let other = world.beside().await;
    let one = client(&world, "client_a", at(0));
    create(&world, &one).await;
    assert_eq!(load(&other, "client_a").await, None);
    let listed = ports.clients.list_clients(other.tenant, page(1, 10)).await;
    assert_eq!(listed.unwrap().total, 0);
    let written = update(&other, "client_a", ClientPatch::default()).await;
    assert_eq!(written, ClientWrite::Missing);
    let entry = other.entry(EventKind::ClientDeleted);
    let deleted = ports
        .clients
        .delete_client("client_a".to_owned(), None, entry);
    assert!(!deleted.await.unwrap());
    assert_eq!(load(&world, "client_a").await, Some(one));

    let first_party = client(&other, "client_a", at(0));
    create(&other, &first_party).await;
    assert_eq!(load(&other, "client_a").await, Some(first_party));
}

async fn clients_that_describe_themselves_are_bounded(ports: Ports) {
    let world = World::new(ports.clone()).await;
    let register = async |world: &World, id: &str, most: u32| {
        let entry = world.entry(EventKind::ClientCreated).about(&id);
        let client = world.described_client(id);
        let clients = &world.ports.clients;
        clients.register_client(client, most, entry).await.unwrap()
    };
    create(&world, &client(&world, "client_ours", at(0))).await;
    assert!(!register(&world, "client_none", 0).await);
    assert!(register(&world, "client_one", 2).await);
    assert!(register(&world, "client_two", 2).await);
    assert!(!register(&world, "client_three", 2).await);
    assert_eq!(load(&world, "client_three").await, None);
    let stored = world.described_client("client_one");
    assert_eq!(load(&world, "client_one").await, Some(stored));
    assert_eq!(world.count_events(EventKind::ClientCreated).await, 3);
    let other = world.beside().await;
    assert!(register(&other, "client_theirs", 1).await);
    let entry = world.entry(EventKind::ClientDeleted);
    let deleted = ports
        .clients
        .delete_client("client_one".to_owned(), None, entry);
    assert!(deleted.await.unwrap());
    assert!(register(&world, "client_three", 2).await);
}
