//! Tokens bound to certificates (RFC 8705 §3, §4): at POST /oauth/token, at GET /admin/clients, GET
//! /userinfo and GET /auth/me, at POST /oauth/introspect; and certificates that a proxy forwards (RFC
//! 9440).

use serde_json::{Value, json};

use super::dpop::{Key, form, shows};
use super::tls_house::{ROBOT, TlsHouse, ask, service};
use super::world::{World, ask as address, claims, code_fields, parameter, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::{Answer, Person};
use crate::doors::certificates::{Authority, Files, Pair};
use crate::house::House;

cases![
    rfc_8705_3_a_token_counts_with_its_certificate_alone,
    rfc_8705_3_1_a_persons_token_is_bound_to_the_applications_certificate,
    rfc_8705_3_2_introspection_shows_the_certificate,
    rfc_8705_3_4_whoever_forgot_its_certificate_gets_no_token,
    rfc_8705_4_a_public_clients_refresh_token_needs_its_certificate,
    rfc_8693_2_1_a_bound_token_is_exchanged_by_who_shows_its_certificate,
    a_token_may_be_bound_to_a_key_and_a_certificate_and_needs_both,
    rfc_9440_2_2_a_trusted_proxy_forwards_the_clients_certificate,
    rfc_9440_4_nobody_else_is_believed,
    rfc_9440_4_a_proxys_own_certificate_is_not_the_clients,
    where_no_certificates_are_taken_no_header_is_read,
];

const BOUND: &str = "tls_client_certificate_bound_access_tokens";

/// A service whose tokens are bound, and that may do what operators do.
fn bound_operator() -> Value {
    json!({ "tls_client_auth_subject_dn": ROBOT, BOUND: true, "roles": ["admin"] })
}

async fn rfc_8705_3_a_token_counts_with_its_certificate_alone(house: House) {
    let house = TlsHouse::beside(&house).await;
    let id = house.add_service(bound_operator()).await;
    let own = house.clients.sign_client("robot");
    let given = house.token(Some(&own), &id).await.expect(200);
    // RFC 8705 §3: it is a bearer token still.
    assert_eq!(given.json()["token_type"], "Bearer");
    let token = given.field("access_token");
    let expected = json!({ "x5t#S256": own.thumbprint() });
    assert_eq!(claims(&token)["cnf"], expected);
    let with = |own: Option<&Pair>| house.stranger(own).bearer(&token);
    with(Some(&own)).get("/admin/clients").await.expect(200);
    // One of the same name and authority, one of the same key, none.
    let wrong = [house.clients.sign_client("robot"), own.renewed("robot")];
    for other in wrong.iter().map(Some).chain([None]) {
        let refused = with(other).get("/admin/clients").await;
        refused.expect_code(401, "UNAUTHORIZED");
    }
    let as_proved = house.stranger(Some(&own));
    let as_proved = as_proved.with("authorization", format!("DPoP {token}"));
    as_proved.get("/admin/clients").await.expect(401);
    // What is not bound needs no certificate, and minds none.
    let free = json!({ "tls_client_auth_subject_dn": ROBOT, "roles": ["admin"] });
    let id = house.add_service(free).await;
    let token = house.token(Some(&own), &id).await.expect(200);
    let token = token.field("access_token");
    for shown in [None, Some(&wrong[0])] {
        let operator = house.stranger(shown).bearer(&token);
        operator.get("/admin/clients").await.expect(200);
    }
    house.stop().await;
}

async fn rfc_8705_3_1_a_persons_token_is_bound_to_the_applications_certificate(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = house.clients.sign_client("robot");
    let by_certificate = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": ROBOT,
        BOUND: true,
    });
    let client = house.add_application("web", by_certificate).await;
    let person = Person::register(&house.public(None), "ada").await;
    let mut browser = Browser::new(&house.public(None));
    let sent = browser.authorize(&address(&client, &[]), &person).await;
    let code = parameter(&sent, "code").expect("a code");
    let mut fields = code_fields(&code).to_vec();
    fields.push(("client_id", &client.id));
    let public = house.public(Some(&own));
    let tokens = public.form("/oauth/token", &fields).await.expect(200);
    let token = tokens.field("access_token");
    let shown = public.bearer(&token).get("/userinfo").await.expect(200);
    assert_eq!(shown.json()["email"], person.email);
    for wrong in [None, Some(&Pair::self_signed("robot"))] {
        let thief = house.public(wrong).bearer(&token);
        thief.get("/auth/me").await.expect(401);
        thief.get("/userinfo").await.expect(401);
    }
    // The client authenticates at each refresh, and a renewed certificate of its name will do.
    let refresh = tokens.field("refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("client_id", client.id.as_str()),
    ];
    let next = house.clients.sign_client("robot");
    let fresh = house
        .public(Some(&next))
        .form("/oauth/token", &fields)
        .await;
    let token = fresh.expect(200).field("access_token");
    assert_eq!(claims(&token)["cnf"]["x5t#S256"], next.thumbprint());
    house.stop().await;
}

async fn rfc_8705_3_2_introspection_shows_the_certificate(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = house.clients.sign_client("robot");
    let id = house.add_service(bound_operator()).await;
    let token = house.token(Some(&own), &id).await.expect(200);
    let token = token.field("access_token");
    let fields = [("token", token.as_str()), ("client_id", id.as_str())];
    let told = house
        .public(Some(&own))
        .form("/oauth/introspect", &fields)
        .await;
    let told = told.expect(200).json();
    assert_eq!(told["cnf"], json!({ "x5t#S256": own.thumbprint() }));
    assert_eq!(told["token_type"], "Bearer");
    house.stop().await;
}

async fn rfc_8705_3_4_whoever_forgot_its_certificate_gets_no_token(house: House) {
    let house = TlsHouse::beside(&house).await;
    let own = json!({ "token_endpoint_auth_method": "client_secret_post", BOUND: true });
    let made = house.admin().post("/admin/clients", service(own)).await;
    let made = made.expect(201);
    let (id, secret) = (made.field("client_id"), made.field("client_secret"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let refused = house.public(None).form("/oauth/token", &fields).await;
    refused.expect_oauth(400, "invalid_request");
    // Any certificate will do to bind a token to: the secret says whose it is.
    let any = Pair::self_signed("anybody");
    let given = house.public(Some(&any)).form("/oauth/token", &fields).await;
    let token = given.expect(200).field("access_token");
    assert_eq!(claims(&token)["cnf"]["x5t#S256"], any.thumbprint());
    house.stop().await;
}

async fn rfc_8705_4_a_public_clients_refresh_token_needs_its_certificate(house: House) {
    let house = TlsHouse::beside(&house).await;
    let client = house
        .add_application("native", json!({ BOUND: true }))
        .await;
    let person = Person::register(&house.public(None), "ada").await;
    let mut browser = Browser::new(&house.public(None));
    let sent = browser.authorize(&address(&client, &[]), &person).await;
    let code = parameter(&sent, "code").expect("a code");
    let own = Pair::self_signed("a telephone");
    let mut fields = code_fields(&code).to_vec();
    fields.push(("client_id", &client.id));
    let bare = house.public(None).form("/oauth/token", &fields).await;
    bare.expect_oauth(400, "invalid_request");
    let public = house.public(Some(&own));
    let tokens = public.form("/oauth/token", &fields).await.expect(200);
    let refresh = async |shown: Option<&Pair>, token: &str| -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", client.id.as_str()),
        ];
        house.public(shown).form("/oauth/token", &fields).await
    };
    let first = tokens.field("refresh_token");
    let thief = Pair::self_signed("a telephone");
    let stolen = refresh(Some(&thief), &first).await;
    stolen.expect_oauth(400, "invalid_grant");
    let next = refresh(Some(&own), &first).await.expect(200);
    // Nor does the binding end when the client registers otherwise.
    let path = format!("/admin/clients/{}", client.id);
    let changed = json!({ BOUND: false });
    house.admin().patch(&path, changed).await.expect(200);
    let next = next.field("refresh_token");
    let bare = refresh(None, &next).await;
    bare.expect_oauth(400, "invalid_grant");
    refresh(Some(&own), &next).await.expect(200);
    house.stop().await;
}

async fn rfc_8693_2_1_a_bound_token_is_exchanged_by_who_shows_its_certificate(house: House) {
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let house = TlsHouse::beside(&house).await;
    let grants = json!(["client_credentials", exchange]);
    let own = json!({ "tls_client_auth_subject_dn": ROBOT, "grant_types": grants, BOUND: true });
    let id = house.add_service(own).await;
    let own = house.clients.sign_client("robot");
    let subject = house.token(Some(&own), &id).await.expect(200);
    let subject = subject.field("access_token");
    let fields = [
        ("grant_type", exchange),
        ("client_id", id.as_str()),
        ("subject_token", subject.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    let given = house.public(Some(&own)).form("/oauth/token", &fields).await;
    let given = given.expect(200).field("access_token");
    assert_eq!(claims(&given)["cnf"]["x5t#S256"], own.thumbprint());
    // Another certificate is the client's too, and not the token's.
    let next = house.clients.sign_client("robot");
    let refused = house
        .public(Some(&next))
        .form("/oauth/token", &fields)
        .await;
    refused.expect_oauth(400, "invalid_request");
    house.stop().await;
}

/// A house behind proxies of this machine, that takes certificates.
async fn behind_a_proxy(house: &House, more: &[(&str, &str)]) -> (World, Authority, Files) {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"));
    let ca = files.write("clients.pem", &authority.pem());
    let settings = [&[("TLS_CLIENT_CA_PATH", ca.as_str())], more].concat();
    let world = World::new(house.beside(&settings).await).await;
    (world, authority, files)
}

async fn add_service(house: &House, own: Value) -> String {
    let made = house.admin().post("/admin/clients", service(own)).await;
    made.expect(201).field("client_id")
}

async fn a_token_may_be_bound_to_a_key_and_a_certificate_and_needs_both(house: House) {
    let (world, _, _files) = behind_a_proxy(&house, &[]).await;
    let client = register(&world.house, "native", json!({ BOUND: true })).await;
    let (key, own) = (Key::new(), Pair::self_signed("a telephone"));
    let code = world.code(&client).await;
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let sent = (&code_fields(&code)[..], proof.as_str());
    let bare = form(&world, "/oauth/token", &client, sent).await;
    bare.expect_oauth(400, "invalid_request");
    let mut fields = code_fields(&code).to_vec();
    fields.push(("client_id", &client.id));
    let proof = key.prove(&world, "POST", "/oauth/token", json!({}));
    let public = world.house.public().with("client-cert", own.header());
    let tokens = public
        .with("dpop", proof)
        .form("/oauth/token", &fields)
        .await;
    let tokens = tokens.expect(200);
    assert_eq!(tokens.json()["token_type"], "DPoP");
    let token = tokens.field("access_token");
    let expected = json!({ "jkt": key.thumbprint(), "x5t#S256": own.thumbprint() });
    assert_eq!(claims(&token)["cnf"], expected);
    let proved = || shows(&world, &key, &token, json!({}));
    let both = proved().with("client-cert", own.header());
    both.get("/userinfo").await.expect(200);
    proved().get("/userinfo").await.expect(401);
    public.bearer(&token).get("/userinfo").await.expect(401);
    world.house.stop().await;
}

async fn rfc_9440_2_2_a_trusted_proxy_forwards_the_clients_certificate(house: House) {
    let (world, authority, _files) = behind_a_proxy(&house, &[]).await;
    let house = &world.house;
    let id = add_service(house, bound_operator()).await;
    let own = authority.sign_client("robot");
    let public = house.public().with("client-cert", own.header());
    let given = ask(&public, &id).await.expect(200);
    let token = given.field("access_token");
    let operator = house.stranger().bearer(&token);
    let shown = operator.with("client-cert", own.header());
    shown.get("/admin/clients").await.expect(200);
    operator.get("/admin/clients").await.expect(401);
    // That the proxy judged the chain is not believed: it is judged here.
    let foreign = Authority::new().sign_client("robot");
    for wrong in [&foreign, &authority.sign_client("another")] {
        let public = house.public().with("client-cert", wrong.header());
        ask(&public, &id).await.expect_oauth(401, "invalid_client");
    }
    // What cannot be read, or is there twice, is none.
    let pem = own.header().replace(':', "");
    for odd in [pem, String::new(), ":!:".to_owned(), ":YWJj:".to_owned()] {
        let public = house.public().with("client-cert", odd);
        ask(&public, &id).await.expect_oauth(401, "invalid_client");
    }
    let twice = house.public().with("client-cert", own.header());
    let fields = format!("grant_type=client_credentials&client_id={id}");
    let twice = twice.send(reqwest::Method::POST, "/oauth/token", |request| {
        request
            .header("client-cert", foreign.header())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields)
    });
    twice.await.expect_oauth(401, "invalid_client");
    house.stop().await;
}

async fn rfc_9440_4_nobody_else_is_believed(house: House) {
    let (world, authority, _files) = behind_a_proxy(&house, &[("TRUSTED_PROXIES", "")]).await;
    let house = &world.house;
    let own = authority.sign_client("robot");
    let key = Pair::self_signed("robot");
    let self_signed = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": key.jwks(),
    });
    let known = json!({ "tls_client_auth_subject_dn": ROBOT });
    for (registered, shown) in [(known, &own), (self_signed, &key)] {
        let id = add_service(house, registered).await;
        let stranger = house.public().with("client-cert", shown.header());
        let refused = ask(&stranger, &id).await;
        refused.expect_oauth(401, "invalid_client");
    }
    house.stop().await;
}

async fn rfc_9440_4_a_proxys_own_certificate_is_not_the_clients(house: House) {
    let house = TlsHouse::with(&house, "127.0.0.0/8").await;
    let id = house
        .add_service(json!({ "tls_client_auth_subject_dn": ROBOT }))
        .await;
    let own = house.clients.sign_client("robot");
    let proxy = house.clients.sign_client("proxy");
    // A proxy that shows the client's very name is taken for a proxy still.
    let refused = house.token(Some(&own), &id).await;
    refused.expect_oauth(401, "invalid_client");
    let forwarding = house.public(Some(&proxy));
    let forwarding = forwarding.with("client-cert", own.header());
    ask(&forwarding, &id).await.expect(200);
    house.stop().await;
}

async fn where_no_certificates_are_taken_no_header_is_read(house: House) {
    let (world, authority, _files) = behind_a_proxy(&house, &[]).await;
    let id = add_service(&world.house, json!({ "tls_client_auth_subject_dn": ROBOT })).await;
    let key = Pair::self_signed("robot");
    let self_signed = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": key.jwks(),
    });
    let other = add_service(&world.house, self_signed).await;
    let own = authority.sign_client("robot");
    let tried = |house: &House, shown: &Pair| house.public().with("client-cert", shown.header());
    ask(&tried(&world.house, &own), &id).await.expect(200);
    ask(&tried(&world.house, &key), &other).await.expect(200);
    let world = world.restart_with(&[("TLS_CLIENT_CA_PATH", "")]).await;
    for (shown, id) in [(&own, &id), (&key, &other)] {
        let refused = ask(&tried(&world.house, shown), id).await;
        refused.expect_oauth(401, "invalid_client");
    }
    world.house.stop().await;
}
