//! POST /oauth/register (RFC 7591); GET, PUT, DELETE /oauth/register/{id} (RFC 7592).

use domain::tenant::{RegistrationPolicy, TenantConfig};
use protocol::jose::key_pair::KeyPair;
use serde_json::{Value, json};

use super::chosen::{add_key, choose};
use super::signing::header;
use super::world::{CALLBACK, Registered, World, ask, parameter};
use crate::cases;
use crate::client::{Answer, Client};
use crate::house::House;

cases![
    nobody_registers_where_the_tenant_has_not_opened_it,
    rfc_7591_3_an_initial_access_token_is_a_key_for_just_that,
    rfc_7591_3_2_1_a_registered_client_works_and_people_are_asked_each_time,
    rfc_7591_3_2_2_what_is_not_accepted_is_said_in_the_standards_words,
    a_client_makes_itself_neither_ours_nor_an_operator,
    rfc_7592_2_a_registration_is_shown_replaced_and_deleted_by_its_client,
    rfc_7592_2_2_the_policy_holds_when_a_registration_is_replaced_too,
    rfc_7592_2_1_no_other_token_opens_a_registration,
];

async fn open(house: &House) -> Client {
    let config = TenantConfig {
        registration: RegistrationPolicy::Open,
        ..TenantConfig::default()
    };
    choose(house, config).await;
    house.public()
}

/// What a client says of itself, with members of its own.
fn described(own: &Value) -> Value {
    let mut said = json!({
        "client_name": "App", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let own = own.as_object().expect("an object").clone();
    said.as_object_mut().expect("an object").extend(own);
    said
}

async fn register(public: &Client, own: Value) -> Answer {
    public.post("/oauth/register", described(&own)).await
}

/// Its path, and the door with the token that opens it.
fn held(public: &Client, made: &Answer) -> (String, Client) {
    let path = format!("/oauth/register/{}", made.field("client_id"));
    (
        path,
        public.bearer(&made.field("registration_access_token")),
    )
}

async fn nobody_registers_where_the_tenant_has_not_opened_it(house: House) {
    let public = house.public();
    register(&public, json!({}))
        .await
        .expect_oauth(403, "access_denied");
    let key = public.bearer(&add_key(&house, "clients:register").await);
    register(&key, json!({}))
        .await
        .expect_oauth(403, "access_denied");
    let found = public.get("/.well-known/openid-configuration").await;
    assert!(found.json().get("registration_endpoint").is_none());
    let public = open(&house).await;
    let found = public.get("/.well-known/openid-configuration").await;
    let endpoint = found.field("registration_endpoint");
    assert!(endpoint.ends_with("/oauth/register"), "{endpoint}");
}

async fn rfc_7591_3_an_initial_access_token_is_a_key_for_just_that(house: House) {
    let config = TenantConfig {
        registration: RegistrationPolicy::Token,
        ..TenantConfig::default()
    };
    choose(&house, config).await;
    let public = house.public();
    register(&public, json!({}))
        .await
        .expect_oauth(401, "invalid_token");
    for scope in ["admin:*", "clients:read", "clients"] {
        let other = public.bearer(&add_key(&house, scope).await);
        register(&other, json!({}))
            .await
            .expect_oauth(403, "insufficient_scope");
    }
    let key = add_key(&house, "clients:register").await;
    for wrong in ["qf_ak_x", &key[..key.len() - 1]] {
        let wrong = public.bearer(wrong);
        register(&wrong, json!({}))
            .await
            .expect_oauth(401, "invalid_token");
    }
    let made = register(&public.bearer(&key), json!({})).await.expect(201);
    // It opens no registration, and no operator's door.
    let (path, _) = held(&public, &made);
    public
        .bearer(&key)
        .get(&path)
        .await
        .expect_oauth(401, "invalid_token");
    house
        .stranger()
        .with("x-api-key", key)
        .get("/admin/clients")
        .await
        .expect(403);
    // Another tenant has not opened it, whatever key is shown.
    house.add_tenant("acme").await;
    let acme = public.with("x-tenant-id", "acme");
    register(&acme, json!({}))
        .await
        .expect_oauth(403, "access_denied");
}

async fn rfc_7591_3_2_1_a_registered_client_works_and_people_are_asked_each_time(house: House) {
    let world = World::new(house).await;
    let public = open(&world.house).await;
    let secret = json!({
        "token_endpoint_auth_method": "client_secret_basic", "scope": "openid x",
        "id_token_signed_response_alg": "RS256",
    });
    for own in [json!({}), secret] {
        let made = register(&public, own).await.expect(201);
        assert_eq!(made.header("cache-control"), "no-store");
        assert_eq!(made.json()["application_type"], "web");
        let client = Registered {
            id: made.field("client_id"),
            secret: made.json()["client_secret"].as_str().map(str::to_owned),
        };
        assert_eq!(
            client.secret.is_some(),
            made.json()["client_secret_expires_at"] == 0
        );
        let mut browser = world.browser();
        let asked = ask(&client, &[("scope", "openid")]);
        let sent = browser.authorize(&asked, &world.person).await;
        let code = parameter(&sent, "code").expect("a code");
        let tokens = world.redeem(&client, &code).await.expect(200);
        let algorithm = &made.json()["id_token_signed_response_alg"];
        let algorithm = algorithm.as_str().unwrap_or("ES256");
        assert_eq!(header(&tokens.field("id_token"))["alg"], algorithm);
        let page = browser.open(&asked).await;
        let page = browser.follow(page).await;
        page.expect(200);
        assert!(
            page.answer.text.contains("app.example"),
            "the place is shown"
        );
        let narrow = ask(&client, &[("scope", "openid x")]);
        let sent = browser.open(&narrow).await;
        assert_eq!(
            parameter(sent.location(), "error").as_deref(),
            Some("invalid_scope")
        );
    }
}

async fn rfc_7591_3_2_2_what_is_not_accepted_is_said_in_the_standards_words(house: House) {
    let public = open(&house).await;
    for places in [
        json!([]),
        json!(["http://app.example/cb"]),
        json!(["https://app.example/cb#x"]),
        json!(["javascript:alert(1)"]),
        json!(["https://*.example/cb"]),
        json!([CALLBACK, "app:/cb"]),
    ] {
        let answer = register(&public, json!({ "redirect_uris": places })).await;
        answer.expect_oauth(400, "invalid_redirect_uri");
    }
    let local = json!({ "application_type": "web", "redirect_uris": ["http://127.0.0.1/cb"] });
    register(&public, local)
        .await
        .expect_oauth(400, "invalid_redirect_uri");
    let local = json!({ "application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"] });
    let made = register(&public, local).await.expect(201);
    assert_eq!(made.json()["application_type"], "native");
    let pair = KeyPair::generate(domain::key::Algorithm::Es256).expect("a key");
    let mut private = pair.public_jwk().clone();
    private["d"] = json!("c2VjcmV0");
    let signs =
        |keys: Value| json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys });
    for own in [
        signs(json!({ "keys": [private] })),
        signs(json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })),
        signs(json!({ "keys": [] })),
        json!({ "jwks_uri": "http://169.254.169.254/keys" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
        json!({ "grant_types": ["implicit"] }),
        json!({ "grant_types": ["client_credentials"] }),
        json!({ "response_types": ["token"] }),
        json!({ "application_type": "desktop" }),
        json!({ "redirect_uris": "https://app.example/cb" }),
        json!({ "client_name": "a\nb" }),
        json!({ "client_uri": "javascript:alert(1)" }),
        json!({ "scope": "a\"b" }),
        json!({ "id_token_signed_response_alg": "none" }),
    ] {
        let answer = register(&public, own.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{own}: {}", answer.text);
        answer.expect_oauth(400, "invalid_client_metadata");
    }
    let vouched = json!({ "software_statement": "a.b.c" });
    let answer = register(&public, vouched).await;
    answer.expect_oauth(400, "invalid_software_statement");
    let answer = public.raw(
        reqwest::Method::POST,
        "/oauth/register",
        "application/json",
        b"[]".into(),
    );
    answer.await.expect_oauth(400, "invalid_request");
}

async fn a_client_makes_itself_neither_ours_nor_an_operator(house: House) {
    let public = open(&house).await;
    let greedy = json!({
        "roles": ["admin"], "is_first_party": true, "may_introspect": true, "audiences": ["https://api.example"],
        "fapi_2_0": true, "require_pkce": false, "client_type": "service", "is_self_registered": false,
        "client_id": "first-party", "scope": "openid admin:*", "access_token_ttl_seconds": 86400,
    });
    let made = register(&public, greedy).await.expect(201);
    assert_eq!(made.field("scope"), "openid");
    let id = made.field("client_id");
    assert!(id.starts_with("client_"), "{id}");
    let path = format!("/admin/clients/{id}");
    let shown = house.admin().get(&path).await.expect(200).json();
    for (name, value) in [
        ("roles", json!([])),
        ("audiences", json!([])),
        ("is_first_party", json!(false)),
        ("may_introspect", json!(false)),
        ("require_pkce", Value::Null),
        ("access_token_ttl_seconds", Value::Null),
        ("client_type", json!("web")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    // Not even an operator makes it ours: nobody vouches for it.
    let ours = json!({ "is_first_party": true });
    house.admin().patch(&path, ours).await.expect(422);
}

async fn rfc_7592_2_a_registration_is_shown_replaced_and_deleted_by_its_client(house: House) {
    let public = open(&house).await;
    let said = json!({ "client_uri": "https://app.example/" });
    let made = register(&public, said).await.expect(201);
    let client = held(&public, &made).1;
    let path = format!("/oauth/register/{}", made.field("client_id"));
    assert!(made.field("registration_client_uri").ends_with(&path));
    let shown = client.get(&path).await.expect(200);
    assert_eq!(shown.json(), made.json());
    let next = json!({
        "client_id": made.field("client_id"), "client_name": "Other", "client_uri": null,
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let stands = client.put(&path, described(&next)).await.expect(200);
    assert_eq!(stands.field("client_name"), "Other");
    assert!(stands.json().get("client_uri").is_none());
    let secret = stands.field("client_secret");
    // RFC 7592 §2.2: the present secret may be in an update, and no other.
    let mut same = described(&next);
    same["client_secret"] = json!(secret);
    let again = client.put(&path, same.clone()).await.expect(200);
    assert!(
        again.json().get("client_secret").is_none(),
        "it keeps the one it has"
    );
    same["client_secret"] = json!("qf_cs_guessed");
    client
        .put(&path, same)
        .await
        .expect_oauth(400, "invalid_client_metadata");
    client.delete(&path).await.expect(204);
    client.get(&path).await.expect_oauth(401, "invalid_token");
    client
        .delete(&path)
        .await
        .expect_oauth(401, "invalid_token");
    let answer = house.client_token(&made.field("client_id"), &secret).await;
    answer.expect_oauth(401, "invalid_client");
}

async fn rfc_7592_2_2_the_policy_holds_when_a_registration_is_replaced_too(house: House) {
    let public = open(&house).await;
    let made = register(&public, json!({})).await.expect(201);
    let (path, client) = held(&public, &made);
    let id = made.field("client_id");
    for (own, word) in [
        (
            json!({ "redirect_uris": ["http://evil.example/"] }),
            "invalid_redirect_uri",
        ),
        (
            json!({ "grant_types": ["client_credentials"] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "jwks": { "keys": [{ "kty": "oct", "k": "x" }] } }),
            "invalid_client_metadata",
        ),
        (
            json!({ "software_statement": "a.b.c" }),
            "invalid_software_statement",
        ),
        (
            json!({ "client_id": "client_other" }),
            "invalid_client_metadata",
        ),
        (json!({ "client_id": null }), "invalid_client_metadata"),
        (
            json!({ "registration_access_token": "x" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "client_id_issued_at": 1 }),
            "invalid_client_metadata",
        ),
        (
            json!({ "application_type": "native" }),
            "invalid_client_metadata",
        ),
    ] {
        let mut said = described(&json!({ "client_id": id }));
        let own = own.as_object().expect("an object").clone();
        said.as_object_mut().expect("an object").extend(own);
        client.put(&path, said).await.expect_oauth(400, word);
    }
    assert_eq!(client.get(&path).await.expect(200).json(), made.json());
    // Closed again: what is registered may be seen and deleted, and not changed.
    choose(&house, TenantConfig::default()).await;
    let said = described(&json!({ "client_id": id }));
    client
        .put(&path, said)
        .await
        .expect_oauth(403, "access_denied");
    client.get(&path).await.expect(200);
    client.delete(&path).await.expect(204);
}

async fn rfc_7592_2_1_no_other_token_opens_a_registration(house: House) {
    let public = open(&house).await;
    let (one, two) = (
        register(&public, json!({})).await.expect(201),
        register(&public, json!({})).await.expect(201),
    );
    let ((path, own), (_, other)) = (held(&public, &one), held(&public, &two));
    for stranger in [other, public.clone(), public.bearer("qf_ra_x")] {
        stranger.get(&path).await.expect_oauth(401, "invalid_token");
        let said = described(&json!({ "client_id": one.field("client_id") }));
        stranger
            .put(&path, said)
            .await
            .expect_oauth(401, "invalid_token");
        stranger
            .delete(&path)
            .await
            .expect_oauth(401, "invalid_token");
    }
    // An operator's client has no such token, and a closed one is closed to its own.
    let by_hand = super::world::register(&house, "web", json!({})).await;
    let path_by_hand = format!("/oauth/register/{}", by_hand.id);
    own.get(&path_by_hand)
        .await
        .expect_oauth(401, "invalid_token");
    own.get(&path).await.expect(200);
    house.add_tenant("acme").await;
    let elsewhere = own.with("x-tenant-id", "acme");
    elsewhere
        .get(&path)
        .await
        .expect_oauth(401, "invalid_token");
    let admin = format!("/admin/clients/{}", one.field("client_id"));
    house
        .admin()
        .patch(&admin, json!({ "disabled": true }))
        .await
        .expect(200);
    own.get(&path).await.expect_oauth(401, "invalid_token");
}
