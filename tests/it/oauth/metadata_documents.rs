//! Clients that are named by the URL of a document in which they describe themselves (MCP
//! authorization): at GET /oauth/authorize, POST /oauth/token, POST /oauth/par.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::tenant::TenantConfig;
use serde_json::{Value, json};

use super::chosen::choose;
use super::world::{CALLBACK, Registered, World, ask, parameter, register};
use crate::cases;
use crate::house::House;
use crate::sink::Sink;

cases![
    mcp_a_client_is_its_document_and_people_are_asked_each_time,
    mcp_a_document_that_is_not_accepted_is_no_client,
    mcp_a_redirect_uri_must_be_in_the_document,
    mcp_a_document_is_kept_and_asked_for_again,
    mcp_a_document_that_cannot_be_had_is_our_failure,
    mcp_a_tenant_may_close_itself_to_documents,
    mcp_a_token_counts_without_its_document_until_documents_are_closed_out,
    contract_6_no_private_address_is_asked_for_a_document,
];

/// A world in which a document is published, and what it is.
struct Published {
    world: World,
    sink: Sink,
    client: Registered,
    shown: Arc<Mutex<(u16, Value)>>,
}

// === impl Published ===

impl Published {
    async fn new(house: &House) -> Self {
        let shown = Arc::new(Mutex::new((200, Value::Null)));
        let showing = Arc::clone(&shown);
        let sink = Sink::http(move |_| {
            let (status, document) = showing.lock().expect("the document").clone();
            (status, document.to_string())
        });
        let allow = sink.address.to_string();
        let house = house.beside(&[("EGRESS_ALLOW", &allow)]).await;
        let client = Registered {
            id: format!("{}/client.json", sink.url()),
            secret: None,
        };
        let published = Self {
            world: World::new(house).await,
            sink,
            client,
            shown,
        };
        published.show(200, json!({}));
        published
    }

    /// Publishes a good document with members of its own; `null` takes one away.
    fn show(&self, status: u16, own: Value) {
        let mut said = json!({
            "client_id": self.client.id, "client_name": "An agent", "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let members = said.as_object_mut().expect("an object");
        members.extend(own.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        *self.shown.lock().expect("the document") = (status, said);
    }

    fn ask(&self, own: &[(&str, &str)]) -> String {
        ask(&self.client, own)
    }

    /// Lets what is kept grow old.
    fn grow_old(&self) {
        self.world.house.clock.advance(Duration::from_mins(5));
    }
}

async fn mcp_a_client_is_its_document_and_people_are_asked_each_time(house: House) {
    let published = Published::new(&house).await;
    let world = &published.world;
    let found = world
        .house
        .public()
        .get("/.well-known/oauth-authorization-server")
        .await;
    assert_eq!(found.json()["client_id_metadata_document_supported"], true);
    let mut browser = world.browser();
    let page = browser.sign_in(&published.ask(&[]), &world.person).await;
    for part in ["An agent", "app.example", "127.0.0.1"] {
        assert!(page.answer.text.contains(part), "{part} is shown");
    }
    assert!(!page.answer.text.contains("class=\"warning\""));
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let code = parameter(page.location(), "code").expect("a code");
    let tokens = world.redeem(&published.client, &code).await.expect(200);
    let refresh = tokens.field("refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    world.token(&published.client, &fields).await.expect(200);
    let page = browser.open(&published.ask(&[])).await;
    browser.follow(page).await.expect(200);
    let none = browser.open(&published.ask(&[("prompt", "none")])).await;
    let error = parameter(none.location(), "error");
    assert_eq!(error.as_deref(), Some("consent_required"));
    // What goes to the person's own device could be anybody's program there.
    let local = "http://127.0.0.1/cb";
    published.show(200, json!({ "redirect_uris": [local] }));
    published.grow_old();
    let page = browser
        .open(&published.ask(&[("redirect_uri", "http://127.0.0.1:4711/cb")]))
        .await;
    let page = browser.follow(page).await;
    page.expect(200);
    assert!(
        page.answer.text.contains("class=\"warning\""),
        "{}",
        page.answer.text
    );
}

async fn mcp_a_document_that_is_not_accepted_is_no_client(house: House) {
    let published = Published::new(&house).await;
    let id = &published.client.id;
    for own in [
        json!({ "client_id": format!("{id}x") }),
        json!({ "client_id": null }),
        json!({ "client_name": null }),
        json!({ "client_name": "" }),
        json!({ "redirect_uris": null }),
        json!({ "redirect_uris": ["http://evil.example/cb"] }),
        json!({ "redirect_uris": "https://app.example/callback" }),
        json!({ "client_secret": "x" }),
        json!({ "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] } }),
        json!({ "grant_types": ["client_credentials"] }),
        json!({ "software_statement": "a.b.c" }),
    ] {
        published.show(200, own.clone());
        published.grow_old();
        let answer = published
            .world
            .house
            .public()
            .get(&published.ask(&[]))
            .await;
        assert_eq!(answer.status.as_u16(), 400, "{own}: {}", answer.text);
        assert!(answer.header("location").is_empty(), "{own}");
    }
    let fields = [("grant_type", "authorization_code"), ("code", "x")];
    let answer = published.world.token(&published.client, &fields).await;
    answer.expect_oauth(401, "invalid_client");
    let other = Registered {
        id: format!("{}/../client.json", published.sink.url()),
        secret: None,
    };
    let before = published.sink.kept().len();
    published
        .world
        .house
        .public()
        .get(&ask(&other, &[]))
        .await
        .expect(400);
    assert_eq!(
        published.sink.kept().len(),
        before,
        "it is asked for by no other name"
    );
}

async fn mcp_a_redirect_uri_must_be_in_the_document(house: House) {
    let published = Published::new(&house).await;
    let public = published.world.house.public();
    for place in [
        "https://evil.example/cb",
        "https://app.example/callback/",
        "https://app.example/",
    ] {
        let asked = published.ask(&[("redirect_uri", place)]);
        let answer = public.get(&asked).await.expect(400);
        assert!(answer.header("location").is_empty(), "{place}");
    }
    // Taken out of the document while a person reads a page, it gets nothing.
    let mut browser = published.world.browser();
    let page = browser
        .sign_in(&published.ask(&[]), &published.world.person)
        .await;
    published.show(
        200,
        json!({ "redirect_uris": ["https://app.example/other"] }),
    );
    published.grow_old();
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    page.expect(400);
}

async fn mcp_a_document_is_kept_and_asked_for_again(house: House) {
    let published = Published::new(&house).await;
    let public = published.world.house.public();
    let pushed = async || {
        let all = super::world::parameters(&published.client, &[]);
        let fields: Vec<_> = all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        public.form("/oauth/par", &fields).await
    };
    for _ in 0..3 {
        public.get(&published.ask(&[])).await.expect(303);
        pushed().await.expect(201);
    }
    assert_eq!(published.sink.kept().len(), 1);
    published.grow_old();
    let all = futures_util::future::join_all((0..20).map(|_| pushed())).await;
    assert!(all.iter().all(|answer| answer.status.as_u16() == 201));
    assert_eq!(published.sink.kept().len(), 2, "once, however many ask");
}

async fn mcp_a_document_that_cannot_be_had_is_our_failure(house: House) {
    let published = Published::new(&house).await;
    let public = published.world.house.public();
    published.show(500, json!({}));
    public.get(&published.ask(&[])).await.expect(503);
    let fields = [("grant_type", "authorization_code"), ("code", "x")];
    published
        .world
        .token(&published.client, &fields)
        .await
        .expect(503);
    assert_eq!(
        published.sink.kept().len(),
        1,
        "a failure is kept for a moment"
    );
    published.show(200, json!({}));
    published.grow_old();
    public.get(&published.ask(&[])).await.expect(303);
    published.show(404, json!({}));
    published.grow_old();
    public.get(&published.ask(&[])).await.expect(400);
}

async fn mcp_a_tenant_may_close_itself_to_documents(house: House) {
    let published = Published::new(&house).await;
    let (world, public) = (&published.world, published.world.house.public());
    public.get(&published.ask(&[])).await.expect(303);
    let closed = TenantConfig {
        client_id_metadata_documents: false,
        ..TenantConfig::default()
    };
    choose(&world.house, closed).await;
    public.get(&published.ask(&[])).await.expect(400);
    assert_eq!(published.sink.kept().len(), 1);
    let found = public.get("/.well-known/openid-configuration").await;
    assert_ne!(found.json()["client_id_metadata_document_supported"], true);
}

async fn mcp_a_token_counts_without_its_document_until_documents_are_closed_out(house: House) {
    let published = Published::new(&house).await;
    let world = &published.world;
    let code = world.code(&published.client).await;
    let given = world.redeem(&published.client, &code).await.expect(200);
    let access = given.field("access_token");
    let gateway = register(&world.house, "web", json!({ "may_introspect": true })).await;
    let fields = [("token", access.as_str())];
    let is_active = async || {
        let told = world.form("/oauth/introspect", &gateway, &fields).await;
        told.expect(200).json()["active"] == true
    };
    let asked = published.sink.kept().len();
    published.show(500, json!({}));
    published.grow_old();
    assert!(is_active().await);
    assert_eq!(published.sink.kept().len(), asked, "nothing is fetched");
    let closed = TenantConfig {
        client_id_metadata_documents: false,
        ..TenantConfig::default()
    };
    choose(&world.house, closed).await;
    assert!(!is_active().await);
}

async fn contract_6_no_private_address_is_asked_for_a_document(house: House) {
    let sink = Sink::http(|_| (200, "{}".to_owned()));
    for scheme in ["http", "https"] {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let client = Registered {
                id: format!("{scheme}://{host}:{}/client.json", sink.address.port()),
                secret: None,
            };
            house.public().get(&ask(&client, &[])).await.expect(503);
        }
    }
    assert!(sink.kept().is_empty());
}
