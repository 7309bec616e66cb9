//! A ring of keys for each tenant: what GET /.well-known/jwks.json shows a tenant verifies its tokens, and
//! no others are taken there.

use std::collections::BTreeSet;
use std::time::Duration;

use actors::deadline::Deadline;
use actors::keys::KeyRing;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::time::{Clock, UnixMillis};
use serde_json::{Value, json};

use super::jwks_cache::{Verifier, kid_of};
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;
use crate::patience::PATIENCE;

cases![
    each_tenants_key_set_verifies_its_own_tokens_and_no_others,
    a_token_by_another_tenants_key_is_refused_whatever_it_says,
    tenants_part_from_a_shared_ring_and_nobody_meets_an_unknown_kid,
];

const JWKS: &str = "/.well-known/jwks.json";

fn door(house: &House, slug: &str) -> Client {
    house.public().with("x-tenant-id", slug)
}

fn operator(house: &House, slug: &str) -> Client {
    house.admin().with("x-tenant-id", slug)
}

async fn published(door: &Client) -> BTreeSet<String> {
    let set = door.get(JWKS).await.expect(200).json();
    let keys = set["keys"].as_array().expect("keys").clone();
    let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
    keys.iter().map(kid).collect()
}

async fn is_active(operator: &Client, token: &str) -> bool {
    let body = json!({ "token": token });
    let told = operator.post("/admin/tokens/introspect", body).await;
    told.expect(200).json()["active"] == json!(true)
}

async fn ring(house: &House, slug: &str) -> std::sync::Arc<KeyRing> {
    let flows = house.running().flows();
    let directory = flows.tenants.directory();
    let tenant = directory.by_slug(slug).expect("a tenant").id;
    let ring = flows.keys.ring_of(tenant, Deadline::after(PATIENCE)).await;
    ring.expect("a ring")
}

/// Signs what a token says with the key of whoever has this slug.
async fn forge(house: &House, token: &str, slug: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let ring = ring(house, slug).await;
    let signer = ring.signer().expect("a key");
    let jws = signer.sign(Some("at+jwt"), &claims).expect("signed");
    format!("qf_at_{jws}")
}

async fn each_tenants_key_set_verifies_its_own_tokens_and_no_others(house: House) {
    house.add_tenant("acme").await;
    house.add_tenant("globex").await;
    let mut seen = BTreeSet::new();
    for slug in ["default", "acme", "globex"] {
        let person = Person::register(&door(&house, slug), "ada").await;
        let access = person.login().await.access;
        let own = published(&door(&house, slug)).await;
        assert!(own.contains(&kid_of(&access)), "{slug}");
        assert_eq!(own.len(), 2, "{slug}");
        assert!(own.is_disjoint(&seen), "{slug}");
        seen.extend(own);
        person.me(&access).await.expect(200);
    }
    // By the path too, and with an entity tag of its own.
    let path = house.public().get("/t/acme/.well-known/jwks.json").await;
    let path = path.expect(200);
    let header = door(&house, "acme").get(JWKS).await.expect(200);
    assert_eq!(path.text, header.text);
    let known = house.public().with("if-none-match", path.header("etag"));
    known.get("/t/acme/.well-known/jwks.json").await.expect(304);
    known.get(JWKS).await.expect(200);
}

async fn a_token_by_another_tenants_key_is_refused_whatever_it_says(house: House) {
    house.add_tenant("acme").await;
    house.add_tenant("globex").await;
    for slug in ["default", "acme", "globex"] {
        let (door, operator) = (door(&house, slug), operator(&house, slug));
        let person = Person::register(&door, "ada").await;
        let access = person.login().await.access;
        for other in ["default", "acme", "globex"] {
            // It says that this tenant gave it, and all else that the true one says.
            let forged = forge(&house, &access, other).await;
            let is_own = other == slug;
            let status = if is_own { 200 } else { 401 };
            person.me(&forged).await.expect(status);
            assert_eq!(is_active(&operator, &forged).await, is_own, "{other}");
            let fields = [("id_token_hint", forged.trim_start_matches("qf_at_"))];
            let sign_out = door.form("/oauth/logout", &fields).await;
            assert!(!sign_out.status.is_success(), "{}", sign_out.text);
        }
        person.me(&access).await.expect(200);
    }
}

/// How far the clock goes at each step.
const STEP: Duration = Duration::from_secs(200);
const STEPS: usize = 60;

/// A client of a tenant that gets tokens for itself.
async fn client(house: &House, slug: &str) -> (String, String) {
    let body = json!({
        "name": "Robot", "client_type": "service", "grant_types": ["client_credentials"],
        "scopes": ["read"], "token_endpoint_auth_method": "client_secret_post",
    });
    let made = operator(house, slug).post("/admin/clients", body).await;
    let made = made.expect(201);
    (made.field("client_id"), made.field("client_secret"))
}

/// Nodes of a release before this one, which know the default tenant's ring alone, run until half an hour
/// from now: what they sign and show is what the default tenant's is.
async fn tenants_part_from_a_shared_ring_and_nobody_meets_an_unknown_kid(house: House) {
    let until = house.clock.now() + Duration::from_mins(30);
    house.add_tenant("acme").await;
    let shared = format!(
        "UPDATE tenants SET keys_shared_until = {} WHERE slug = 'acme'",
        until.as_millis()
    );
    house.tamper(&shared).await;
    let (acme, operator) = (door(&house, "acme"), operator(&house, "acme"));
    let (id, secret) = client(&house, "acme").await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    let mut verifiers: Vec<Verifier> = (0..4_u32)
        .map(|number| Verifier::from(house.clock.now() + STEP * number))
        .collect();
    let mut alive: Vec<(String, UnixMillis)> = Vec::new();
    let mut turned_at = None;
    for step in 0..STEPS {
        let now = house.clock.now();
        for verifier in &mut verifiers {
            // As long as there are such nodes a verifier may ask one of them.
            let asked = if now < until {
                house.public()
            } else {
                acme.clone()
            };
            verifier.look(&asked, now).await;
        }
        let token = acme.form("/oauth/token", &fields).await.expect(200);
        let lives = token.json()["expires_in"].as_u64().expect("seconds");
        let token = token.field("access_token");
        let kid = kid_of(&token);
        for verifier in &verifiers {
            assert!(verifier.may_accept(&kid), "step {step}: {kid} is unknown");
        }
        let is_shared = published(&house.public()).await.contains(&kid);
        assert!(
            is_shared || now >= until,
            "step {step}: an old node refuses it"
        );
        if !is_shared && turned_at.is_none() {
            turned_at = Some(step);
        }
        alive.retain(|(_, expires)| now < *expires);
        alive.push((token, now + Duration::from_secs(lives)));
        for (token, _) in &alive {
            assert!(is_active(&operator, token).await, "step {step}: it counts");
        }
        // Rings of both tenants go on moving.
        for door in [&house.admin(), &operator] {
            door.post("/admin/keys/rotate", json!({})).await;
        }
        house.clock.advance(STEP);
    }
    let turned_at = turned_at.expect("its own keys sign");
    assert!((9..20).contains(&turned_at), "from step {turned_at} on");
    let (own, others) = (published(&acme).await, published(&house.public()).await);
    assert!(own.is_disjoint(&others), "nothing is shared any more");
    let (last, _) = alive.pop().expect("a token");
    let forged = forge(&house, &last, "default").await;
    assert!(!is_active(&operator, &forged).await);
    assert!(is_active(&operator, &last).await);
}
