//! Request objects by reference: GET of a `request_uri` that the client registered (RFC 9101 §5.2, OpenID
//! Connect Core §6.2).

use std::sync::{Arc, Mutex};

use domain::key::Algorithm;
use domain::time::Clock as _;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::world::{CALLBACK, CHALLENGE, Registered, World, parameter, register};
use crate::browser::Page;
use crate::cases;
use crate::house::House;
use crate::sink::Sink;

cases![
    rfc_9101_5_2_a_request_is_fetched_from_where_the_client_registered,
    openid_connect_core_6_2_nothing_is_fetched_that_is_not_registered,
    rfc_9101_6_what_is_fetched_is_judged_as_what_is_sent,
    rfc_9101_5_request_and_request_uri_do_not_stand_together,
    contract_6_no_private_address_is_asked_for_a_request,
    fapi_2_0_5_3_2_2_a_reference_is_no_pushed_request,
    rfc_9101_10_5_the_metadata_says_so,
];

type Published = Arc<Mutex<(u16, String)>>;

/// A world whose house may ask the client's server, the client, and what signs for it.
struct Stage {
    world: World,
    client: Registered,
    sink: Sink,
    published: Published,
    key: Vec<u8>,
}

impl Stage {
    async fn new(house: &House) -> Self {
        let published: Published = Arc::new(Mutex::new((200, String::new())));
        let shown = Arc::clone(&published);
        let sink = Sink::http(move |_| shown.lock().expect("what is published").clone());
        let allow = sink.address.to_string();
        let world = World::new(house.beside(&[("EGRESS_ALLOW", &allow)]).await).await;
        let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
        let own = json!({
            "jwks": { "keys": [pair.public_jwk()] },
            "request_uris": [format!("{}/request.jwt?v=1", sink.url())],
        });
        let client = register(&world.house, "web", own).await;
        Self {
            world,
            client,
            sink,
            published,
            key: pair.to_pkcs8().expect("PKCS#8").expose().to_vec(),
        }
    }

    /// Signs a good request, with some claims of its own.
    fn sign(&self, own: &Value) -> String {
        let now = self.world.house.clock.now().as_millis() / 1_000;
        let mut said = json!({
            "iss": self.client.id, "aud": "http://localhost:4000", "iat": now, "nbf": now,
            "exp": now + 60, "client_id": self.client.id, "response_type": "code",
            "redirect_uri": CALLBACK, "scope": "openid", "state": "signed",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        let own = own.as_object().expect("an object").clone();
        said.as_object_mut().expect("an object").extend(own);
        let pair = KeyPair::from_der(&self.key).expect("the key");
        let typ = Some("oauth-authz-req+jwt");
        Signer::new(pair).sign(typ, &said).expect("signed")
    }

    fn publish(&self, status: u16, text: &str) {
        *self.published.lock().expect("what is published") = (status, text.to_owned());
    }

    fn reference(&self) -> String {
        format!("{}/request.jwt?v=1", self.sink.url())
    }

    fn address(&self, uri: &str, more: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client.id)
            .append_pair("request_uri", uri)
            .extend_pairs(more)
            .finish();
        format!("/oauth/authorize?{query}")
    }

    async fn open(&self, uri: &str, more: &[(&str, &str)]) -> Page {
        self.world.browser().open(&self.address(uri, more)).await
    }
}

async fn rfc_9101_5_2_a_request_is_fetched_from_where_the_client_registered(house: House) {
    let stage = Stage::new(&house).await;
    stage.publish(200, &stage.sign(&json!({})));
    // What stands beside it does not count (RFC 9101 §6.3).
    let beside = [
        ("scope", "openid email"),
        ("state", "beside"),
        ("redirect_uri", "https://evil.example/"),
    ];
    let address = stage.address(&stage.reference(), &beside);
    let mut browser = stage.world.browser();
    let sent = browser.authorize(&address, &stage.world.person).await;
    assert_eq!(parameter(&sent, "state").as_deref(), Some("signed"));
    let code = parameter(&sent, "code").expect("a code");
    let tokens = stage.world.redeem(&stage.client, &code).await.expect(200);
    assert_eq!(tokens.field("scope"), "openid");
    let asked = stage.sink.kept();
    assert_eq!(asked[0].line, "GET /request.jwt?v=1");
    assert!(
        asked[0]
            .head
            .contains("accept: application/oauth-authz-req+jwt")
    );
}

async fn openid_connect_core_6_2_nothing_is_fetched_that_is_not_registered(house: House) {
    let stage = Stage::new(&house).await;
    stage.publish(200, &stage.sign(&json!({})));
    let known = stage.reference();
    for uri in [
        format!("{}/request.jwt", stage.sink.url()),
        format!("{known}&w=2"),
        format!("{known}#x"),
        known.replace("127.0.0.1", "localhost"),
        "urn:ietf:params:oauth:request_uri:x".to_owned(),
        "https://evil.example/request.jwt".to_owned(),
    ] {
        let page = stage.open(&uri, &[]).await;
        page.expect_error(400, "invalid_request");
        // Where it is known where answers go, the client is told.
        let page = stage.open(&uri, &[("redirect_uri", CALLBACK)]).await;
        let error = parameter(page.location(), "error");
        assert_eq!(error.as_deref(), Some("invalid_request_uri"), "{uri}");
    }
    // Nor is another client's.
    let mut query = stage.address(&known, &[]);
    query = query.replace(&stage.client.id, &stage.world.web.id);
    let page = stage.world.browser().open(&query).await;
    page.expect(400);
    assert!(stage.sink.kept().is_empty(), "nobody was asked");
}

async fn rfc_9101_6_what_is_fetched_is_judged_as_what_is_sent(house: House) {
    let stage = Stage::new(&house).await;
    let good = stage.sign(&json!({}));
    let stranger = Stage {
        key: {
            let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
            pair.to_pkcs8().expect("PKCS#8").expose().to_vec()
        },
        ..Stage::new(&house).await
    };
    let of_another_key = stranger.sign(&json!({
        "iss": stage.client.id, "client_id": stage.client.id,
    }));
    let cases = [
        (200, of_another_key, "invalid_request_object"),
        (
            200,
            good[..good.len() - 1].to_owned(),
            "invalid_request_object",
        ),
        (
            200,
            stage.sign(&json!({ "exp": 1 })),
            "invalid_request_object",
        ),
        (
            200,
            stage.sign(&json!({ "aud": "https://other.example" })),
            "invalid_request_object",
        ),
        (
            200,
            stage.sign(&json!({ "client_id": "client_other" })),
            "invalid_request_object",
        ),
        (
            200,
            stage.sign(&json!({ "request_uri": "https://a.example/" })),
            "invalid_request_object",
        ),
        (200, String::new(), "invalid_request_object"),
        (404, good.clone(), "invalid_request_uri"),
        (302, good.clone(), "invalid_request_uri"),
        (
            200,
            format!("{good}{}", " ".repeat(70_000)),
            "invalid_request_uri",
        ),
    ];
    for (status, text, expected) in cases {
        stage.publish(status, &text);
        let page = stage
            .open(&stage.reference(), &[("redirect_uri", CALLBACK)])
            .await;
        let error = parameter(page.location(), "error");
        assert_eq!(error.as_deref(), Some(expected), "{status}");
        // Nothing is believed that stood beside it, so without an address nobody is sent anywhere.
        let page = stage.open(&stage.reference(), &[]).await;
        page.expect(400);
    }
    stage.publish(200, &good);
    let page = stage.open(&stage.reference(), &[]).await;
    assert!(
        page.location().starts_with("/sign-in"),
        "{}",
        page.location()
    );
}

async fn rfc_9101_5_request_and_request_uri_do_not_stand_together(house: House) {
    let stage = Stage::new(&house).await;
    let good = stage.sign(&json!({}));
    stage.publish(200, &good);
    let both = [("request", good.as_str()), ("redirect_uri", CALLBACK)];
    let page = stage.open(&stage.reference(), &both).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("invalid_request"));
    assert!(stage.sink.kept().is_empty());
}

async fn contract_6_no_private_address_is_asked_for_a_request(house: House) {
    let stage = Stage::new(&house).await;
    let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
    let uri = format!(
        "https://localhost:{}/request.jwt",
        stage.sink.address.port()
    );
    let own = json!({ "jwks": { "keys": [pair.public_jwk()] }, "request_uris": [uri] });
    let world = World::new(house).await;
    let client = register(&world.house, "web", own).await;
    let stage = Stage {
        world,
        client,
        ..stage
    };
    let page = stage.open(&uri, &[("redirect_uri", CALLBACK)]).await;
    let error = parameter(page.location(), "error");
    assert_eq!(error.as_deref(), Some("invalid_request_uri"));
    assert!(stage.sink.kept().is_empty());
    // In clear text none is registered, nor one without keys to judge it by.
    for own in [
        json!({ "request_uris": [format!("{}/r", stage.sink.url())], "jwks": { "keys": [pair.public_jwk()] } }),
        json!({ "request_uris": ["https://app.example/r"] }),
        json!({ "request_uris": ["https://app.example/r#x"], "jwks": { "keys": [pair.public_jwk()] } }),
    ] {
        let mut said = json!({ "name": "App", "client_type": "web", "redirect_uris": [CALLBACK] });
        let own = own.as_object().expect("an object").clone();
        said.as_object_mut().expect("an object").extend(own);
        let refused = stage.world.house.admin().post("/admin/clients", said).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
}

async fn fapi_2_0_5_3_2_2_a_reference_is_no_pushed_request(house: House) {
    let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
    let said = |uris: &[&str]| {
        json!({
            "name": "App", "client_type": "web", "redirect_uris": [CALLBACK],
            "fapi_2_0": true, "dpop_bound_access_tokens": true, "request_uris": uris,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [pair.public_jwk()] },
        })
    };
    let admin = house.admin();
    let refused = admin.post("/admin/clients", said(&["https://app.example/r"]));
    let refused = refused.await.expect_code(422, "VALIDATION_ERROR");
    assert!(refused.text.contains("request_uris"));
    admin.post("/admin/clients", said(&[])).await.expect(201);
}

async fn rfc_9101_10_5_the_metadata_says_so(house: House) {
    let told = house
        .public()
        .get("/.well-known/openid-configuration")
        .await;
    let told = told.expect(200).json();
    assert_eq!(told["request_uri_parameter_supported"], true);
    assert_eq!(told["require_request_uri_registration"], true);
}
