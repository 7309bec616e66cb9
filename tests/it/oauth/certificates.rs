//! Clients that authenticate by certificate at POST /oauth/token and wherever else a client does
//! (RFC 8705 §2), and POST /admin/clients, POST /oauth/register, where they are registered. Over TLS.

use std::time::Instant;

use domain::tenant::{RegistrationPolicy, TenantConfig};
use rcgen::SanType;
use serde_json::{Value, json};

use super::chosen::choose;
use super::tls_house::{ROBOT, TlsHouse, ask, service};
use super::world::{CALLBACK, CHALLENGE};
use crate::cases;
use crate::doors::certificates::{Authority, Pair};
use crate::house::House;
use crate::patience::PATIENCE;

cases![
    rfc_8705_2_1_a_client_is_known_by_the_name_that_an_authority_signed,
    rfc_8705_2_1_whoever_else_shows_that_name_is_refused,
    rfc_8705_2_1_2_each_kind_of_name_will_do,
    rfc_8705_2_2_a_client_is_known_by_the_key_that_it_registered,
    rfc_8705_2_a_certificate_is_the_one_method_of_its_client,
    rfc_8705_2_every_endpoint_takes_a_certificate,
    an_authority_that_was_taken_out_vouches_for_nobody_any_more,
    rfc_8705_2_1_2_each_field_is_judged_at_creation_and_change_alike,
    rfc_8705_2_clients_register_themselves_with_a_certificate,
    rfc_8705_3_3_it_is_advertised_where_certificates_are_taken,
];

fn robot() -> Value {
    json!({ "tls_client_auth_subject_dn": ROBOT })
}

fn self_signed(pair: &Pair) -> Value {
    json!({ "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": pair.jwks() })
}

async fn rfc_8705_2_1_a_client_is_known_by_the_name_that_an_authority_signed(house: House) {
    let house = TlsHouse::beside(&house).await;
    let id = house.add_service(robot()).await;
    let own = house.clients.sign_client("robot");
    for protocols in [&["h2"][..], &["http/1.1"][..]] {
        let door = house.house.public_address();
        let public = house.over(door, Some(&own), protocols);
        let given = ask(&public, &id).await.expect(200);
        assert_eq!(given.json()["scope"], "read");
        // Nothing was said of binding.
        assert_eq!(given.json()["token_type"], "Bearer");
    }
    house.stop().await;
}

async fn rfc_8705_2_1_whoever_else_shows_that_name_is_refused(house: House) {
    let house = TlsHouse::beside(&house).await;
    let id = house.add_service(robot()).await;
    let foreign = Authority::new();
    let wrong = [
        foreign.sign_client("robot"),
        Pair::self_signed("robot"),
        house.clients.sign_client("Robot"),
        house.clients.sign_client("another"),
        house.clients.sign_expired("robot"),
    ];
    let shown = wrong.iter().map(Some).chain([None]);
    for own in shown {
        let refused = house.token(own, &id).await;
        refused.expect_oauth(401, "invalid_client");
    }
    let own = house.clients.sign_client("robot");
    let nobody = house.token(Some(&own), "client_unknown").await;
    nobody.expect_oauth(401, "invalid_client");
    house.token(Some(&own), &id).await.expect(200);
    let path = format!("/admin/clients/{id}");
    let closed = json!({ "disabled": true });
    house.admin().patch(&path, closed).await.expect(200);
    let refused = house.token(Some(&own), &id).await;
    refused.expect_oauth(401, "invalid_client");
    house.stop().await;
}

async fn rfc_8705_2_1_2_each_kind_of_name_will_do(house: House) {
    let house = TlsHouse::beside(&house).await;
    let text = |text: &str| text.try_into().expect("ASCII");
    let names = vec![
        SanType::DnsName(text("robot.example")),
        SanType::URI(text("spiffe://garden/robot")),
        SanType::IpAddress("192.0.2.7".parse().expect("an address")),
        SanType::Rfc822Name(text("robot@garden.example")),
    ];
    let own = house.clients.sign_client_of("robot", names);
    let other = house.clients.sign_client("robot.example");
    for (field, value) in [
        ("tls_client_auth_san_dns", "robot.example"),
        ("tls_client_auth_san_uri", "spiffe://garden/robot"),
        ("tls_client_auth_san_ip", "192.0.2.7"),
        ("tls_client_auth_san_email", "robot@garden.example"),
    ] {
        let id = house.add_service(json!({ field: value })).await;
        house.token(Some(&own), &id).await.expect(200);
        let refused = house.token(Some(&other), &id).await;
        refused.expect_oauth(401, "invalid_client");
    }
    house.stop().await;
}

async fn rfc_8705_2_2_a_client_is_known_by_the_key_that_it_registered(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = Pair::self_signed("robot");
    let id = house.add_service(self_signed(&own)).await;
    house.token(Some(&own), &id).await.expect(200);
    let renewed = own.renewed("robot of the next year");
    house.token(Some(&renewed), &id).await.expect(200);
    let wrong = [
        Pair::self_signed("robot"),
        // An authority of ours is nobody's own key.
        house.clients.sign_client("robot"),
    ];
    for other in wrong.iter().map(Some).chain([None]) {
        let refused = house.token(other, &id).await;
        refused.expect_oauth(401, "invalid_client");
    }
    let next = Pair::self_signed("robot");
    let path = format!("/admin/clients/{id}");
    let changed = json!({ "jwks": next.jwks() });
    house.admin().patch(&path, changed).await.expect(200);
    house.token(Some(&next), &id).await.expect(200);
    let refused = house.token(Some(&own), &id).await;
    refused.expect_oauth(401, "invalid_client");
    house.stop().await;
}

async fn rfc_8705_2_a_certificate_is_the_one_method_of_its_client(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = house.clients.sign_client("robot");
    let public = house.public(Some(&own));
    // Whoever registered another method is not known by a certificate.
    let secret = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let keys = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": own.jwks() });
    for other in [secret, keys] {
        let id = house.add_service(other).await;
        ask(&public, &id).await.expect_oauth(401, "invalid_client");
    }
    // Whoever registered the certificate is known by nothing else, nor by something else beside it.
    let id = house.add_service(robot()).await;
    let other = house
        .add_application(
            "web",
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
        )
        .await;
    let secret = other.secret.expect("a secret");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let refused = public.form("/oauth/token", &fields).await;
    refused.expect_oauth(401, "invalid_client");
    ask(&public, &id).await.expect(200);
    house.stop().await;
}

async fn rfc_8705_2_every_endpoint_takes_a_certificate(house: House) {
    let house = TlsHouse::beside(&house).await;
    let (own, other) = (
        house.clients.sign_client("robot"),
        house.clients.sign_client("another"),
    );
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let by_certificate = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": ROBOT,
        "grant_types": ["authorization_code", "client_credentials", device],
    });
    let client = house.add_application("web", by_certificate).await;
    let token = house.token(Some(&own), &client.id).await.expect(200);
    let token = token.field("access_token");
    let request = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "openid"),
    ];
    let about = [("token", token.as_str())];
    for (path, fields, status) in [
        ("/oauth/par", &request[..], 201),
        ("/oauth/device_authorization", &request[4..], 200),
        ("/oauth/introspect", &about[..], 200),
        ("/oauth/revoke", &about[..], 200),
    ] {
        let fields = [fields, &[("client_id", client.id.as_str())]].concat();
        for wrong in [None, Some(&other)] {
            let refused = house.public(wrong).form(path, &fields).await;
            refused.expect_oauth(401, "invalid_client");
        }
        let answered = house.public(Some(&own)).form(path, &fields).await;
        answered.expect(status);
    }
    house.stop().await;
}

async fn an_authority_that_was_taken_out_vouches_for_nobody_any_more(house: House) {
    let house = TlsHouse::beside(&house).await;
    let id = house.add_service(robot()).await;
    let own = house.clients.sign_client("robot");
    // One connection, which stays open.
    let public = house.public(Some(&own));
    ask(&public, &id).await.expect(200);
    let next = Authority::new();
    house.files.write("clients.pem", &next.pem());
    let begun = Instant::now();
    while ask(&public, &id).await.status.as_u16() != 401 {
        assert!(begun.elapsed() < PATIENCE, "it is vouched for still");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let own = next.sign_client("robot");
    house.token(Some(&own), &id).await.expect(200);
    house.stop().await;
}

async fn rfc_8705_2_1_2_each_field_is_judged_at_creation_and_change_alike(house: House) {
    let without = house.admin().post("/admin/clients", service(robot())).await;
    let refused = without.expect(422).text;
    assert!(refused.contains("token_endpoint_auth_method"), "{refused}");
    let house = TlsHouse::beside(&house).await;
    let own = Pair::self_signed("robot");
    let bare = {
        let mut jwks = own.jwks();
        let key = jwks["keys"][0].as_object_mut().expect("a key");
        key.remove("x5c");
        jwks
    };
    let id = house.add_service(robot()).await;
    let path = format!("/admin/clients/{id}");
    for (wrong, field) in [
        (
            json!({ "tls_client_auth_subject_dn": null }),
            "tls_client_auth_subject_dn",
        ),
        (
            json!({ "tls_client_auth_subject_dn": "robot" }),
            "tls_client_auth_subject_dn",
        ),
        (
            json!({ "tls_client_auth_subject_dn": ROBOT, "tls_client_auth_san_dns": "a.example" }),
            "tls_client_auth_san_dns",
        ),
        (
            json!({
                "tls_client_auth_subject_dn": ROBOT,
                "token_endpoint_auth_method": "client_secret_basic",
            }),
            "tls_client_auth_subject_dn",
        ),
        (
            json!({
                "tls_client_auth_subject_dn": null, "jwks": bare,
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
            }),
            "jwks",
        ),
        (
            json!({
                "tls_client_auth_subject_dn": null,
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
            }),
            "jwks",
        ),
    ] {
        let made = house
            .admin()
            .post("/admin/clients", service(wrong.clone()))
            .await;
        let changed = house.admin().patch(&path, wrong.clone()).await;
        for refused in [made, changed] {
            let details = refused.expect(422).json()["details"].clone();
            assert_eq!(details[0]["field"], field, "{wrong}");
        }
    }
    let shown = house.admin().get(&path).await.expect(200).json();
    assert_eq!(shown["tls_client_auth_subject_dn"], ROBOT);
    assert_eq!(shown["tls_client_auth_san_ip"], json!(null));
    assert_eq!(shown["tls_client_certificate_bound_access_tokens"], false);
    house.stop().await;
}

async fn rfc_8705_2_clients_register_themselves_with_a_certificate(house: House) {
    let open = || TenantConfig {
        registration: RegistrationPolicy::Open,
        ..TenantConfig::default()
    };
    let own = Pair::self_signed("robot");
    let said = json!({
        "redirect_uris": [CALLBACK], "jwks": own.jwks(),
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "tls_client_certificate_bound_access_tokens": true,
    });
    choose(&house, open()).await;
    let refused = house.public().post("/oauth/register", said.clone()).await;
    refused.expect_oauth(400, "invalid_client_metadata");
    let house = TlsHouse::beside(&house).await;
    choose(&house.house, open()).await;
    let public = house.public(Some(&own));
    let made = public.post("/oauth/register", said).await.expect(201);
    assert!(made.json().get("client_secret").is_none());
    assert_eq!(
        made.json()["tls_client_certificate_bound_access_tokens"],
        true
    );
    let id = made.field("client_id");
    let fields = [("token", "x"), ("client_id", id.as_str())];
    public.form("/oauth/introspect", &fields).await.expect(200);
    let stranger = house.public(None).form("/oauth/introspect", &fields).await;
    stranger.expect_oauth(401, "invalid_client");
    let odd = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "tls_client_auth",
    });
    let refused = public.post("/oauth/register", odd).await;
    refused.expect_oauth(400, "invalid_client_metadata");
    house.stop().await;
}

async fn rfc_8705_3_3_it_is_advertised_where_certificates_are_taken(house: House) {
    let public = house.public();
    let plain = public.get("/.well-known/oauth-authorization-server");
    let plain = plain.await.expect(200).json();
    assert_eq!(plain["tls_client_certificate_bound_access_tokens"], false);
    let house = TlsHouse::beside(&house).await;
    let public = house.public(None);
    let document = public.get("/.well-known/oauth-authorization-server").await;
    let document = document.expect(200).json();
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        for member in ["token", "introspection", "revocation"] {
            let offered = |document: &Value| {
                let list = &document[format!("{member}_endpoint_auth_methods_supported")];
                list.as_array().expect("a list").contains(&json!(method))
            };
            assert!(offered(&document) && !offered(&plain), "{member} {method}");
        }
    }
    house.stop().await;
}
