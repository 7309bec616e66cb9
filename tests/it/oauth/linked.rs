//! People who are known by what another issuer calls them, at POST /oauth/token: by its name and its `sub`
//! together, as an operator linked them, and by nothing else that an assertion says.

use domain::key::Algorithm;
use domain::tenant::{AssertedSubject, AssertionIssuer, AssertionProfile, TenantConfig};
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::chosen::{choose, choose_for};
use super::federation::{subject_of, verified};
use super::jwt_bearer::Elsewhere;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    owasp_asvs_6_8_1_whoever_is_known_elsewhere_is_known_by_issuer_and_subject,
    what_was_unlinked_or_is_of_a_closed_account_gives_nothing,
    a_link_of_another_tenant_counts_nothing,
    a_tenant_lists_the_providers_that_may_vouch_for_its_people,
];

pub const IDP: &str = "https://idp.example";
const OTHER: &str = "https://other.example";

/// Takes the word of issuers with keys that nobody has.
pub fn trusting(names: &[&str]) -> TenantConfig {
    let issuers = names
        .iter()
        .map(|name| issuer(name, ("client_x", json!({ "keys": [] }))));
    TenantConfig {
        assertion_issuers: issuers.collect(),
        ..TenantConfig::default()
    }
}

fn issuer(name: &str, (client, jwks): (&str, Value)) -> AssertionIssuer {
    AssertionIssuer {
        issuer: name.to_owned(),
        profile: AssertionProfile::Assertion,
        subject: AssertedSubject::Linked,
        clients: vec![client.to_owned()],
        jwks: Some(jwks),
        ..AssertionIssuer::default()
    }
}

async fn linking(house: House) -> Elsewhere {
    let own = AssertionIssuer {
        profile: AssertionProfile::Assertion,
        subject: AssertedSubject::Linked,
        ..AssertionIssuer::default()
    };
    Elsewhere::new(house, own).await
}

/// Links what the issuer calls somebody; gives the path of the link.
async fn link(door: &Client, user: &str, subject: &str) -> String {
    let path = format!("/admin/users/{user}/identities");
    let body = json!({ "issuer": IDP, "subject": subject });
    let made = door.post(&path, body).await.expect(201);
    format!("{path}/{}", made.field("id"))
}

/// OWASP ASVS 5.0 §6.8.1: "the user's identity cannot be spoofed via another supported identity provider
/// (e.g., by using the same user identifier)".
async fn owasp_asvs_6_8_1_whoever_is_known_elsewhere_is_known_by_issuer_and_subject(house: House) {
    let there = linking(house).await;
    let (eve, of_eve) = verified(&there).await;
    let admin = there.world.house.admin();
    link(&admin, &there.user, "x").await;
    link(&admin, &of_eve, "y").await;
    let other = Signer::new(KeyPair::generate(Algorithm::Es256).expect("a key"));
    let others = json!({ "keys": [other.key().public_jwk()] });
    let client = there.client.id.as_str();
    let config = TenantConfig {
        assertion_issuers: vec![
            issuer(IDP, (client, there.jwks())),
            issuer(OTHER, (client, others)),
        ],
        ..TenantConfig::default()
    };
    choose(&there.world.house, config).await;
    let said = |own: Value| there.sign("a", &own);
    let ada = &there.world.person.email;
    // Nobody but who was linked: no id of an account, no address however verified, no other spelling.
    for own in [
        json!({}),
        json!({ "sub": "X" }),
        json!({ "sub": "x " }),
        json!({ "sub": "x\0" }),
        json!({ "sub": "a".repeat(256) }),
        json!({ "sub": "z", "email": ada, "email_verified": true }),
        json!({ "sub": ada, "email": ada, "email_verified": true }),
    ] {
        let shown = there.show(&said(own.clone())).await;
        assert_eq!(subject_of(shown), None, "{own}");
    }
    // The same subject of another issuer is somebody else.
    let same = there.claims("b", &json!({ "iss": OTHER, "sub": "x" }));
    let same = other.sign(Some("JWT"), &same).expect("signs");
    assert_eq!(subject_of(there.show(&same).await), None);
    let posing = there.claims("c", &json!({ "sub": "x" }));
    let posing = other.sign(Some("JWT"), &posing).expect("signs");
    assert_eq!(subject_of(there.show(&posing).await), None);
    // Whoever is linked is who it is about, whatever address stands beside.
    let told = json!({ "sub": "x", "email": eve.email, "email_verified": true });
    let known = there.show(&said(told)).await;
    assert_eq!(subject_of(known).as_ref(), Some(&there.user));
    let known = there.show(&there.sign("d", &json!({ "sub": "y" }))).await;
    assert_eq!(subject_of(known), Some(of_eve));
}

async fn what_was_unlinked_or_is_of_a_closed_account_gives_nothing(house: House) {
    let there = linking(house).await;
    let admin = there.world.house.admin();
    let path = link(&admin, &there.user, "x").await;
    let named = json!({ "sub": "x" });
    let known = there.show(&there.sign("a", &named)).await;
    assert_eq!(subject_of(known).as_ref(), Some(&there.user));
    let account = format!("/admin/users/{}", there.user);
    let lock = json!({ "reason": "x" });
    admin
        .post(&format!("{account}/lock"), lock)
        .await
        .expect(200);
    assert_eq!(subject_of(there.show(&there.sign("b", &named)).await), None);
    let unlock = format!("{account}/unlock");
    admin.post(&unlock, json!({})).await.expect(200);
    let known = there.show(&there.sign("c", &named)).await;
    assert_eq!(subject_of(known).as_ref(), Some(&there.user));
    admin.delete(&path).await.expect(204);
    assert_eq!(subject_of(there.show(&there.sign("d", &named)).await), None);
    // Whose it becomes next is another's, and ends with their account.
    let eve = Person::register(&there.world.house.public(), "eve").await;
    let eve = there.world.house.user_id(&eve).await;
    link(&admin, &eve, "x").await;
    let known = there.show(&there.sign("e", &named)).await;
    assert_eq!(subject_of(known).as_ref(), Some(&eve));
    admin
        .delete(&format!("/admin/users/{eve}"))
        .await
        .expect(204);
    assert_eq!(subject_of(there.show(&there.sign("f", &named)).await), None);
}

async fn a_link_of_another_tenant_counts_nothing(house: House) {
    let there = linking(house).await;
    let house = &there.world.house;
    house.add_tenant("acme").await;
    choose_for(house, "acme", trusting(&[IDP])).await;
    let acme = house.public().with("x-tenant-id", "acme");
    let person = Person::register(&acme, "mallory").await;
    let door = house.admin().with("x-tenant-id", "acme");
    let query = format!("/admin/users?search={}", person.email.replace('@', "%40"));
    let page = door.get(&query).await.expect(200).json();
    let mallory = page["users"][0]["id"].as_str().expect("a user");
    link(&door, mallory, "x").await;
    let named = json!({ "sub": "x" });
    assert_eq!(subject_of(there.show(&there.sign("a", &named)).await), None);
    // Each tenant links it by itself.
    link(&house.admin(), &there.user, "x").await;
    let known = there.show(&there.sign("b", &named)).await;
    assert_eq!(subject_of(known).as_ref(), Some(&there.user));
}

/// As an operator says it, and felt by the next request.
async fn a_tenant_lists_the_providers_that_may_vouch_for_its_people(house: House) {
    let there = linking(house).await;
    let (admin, client) = (there.world.house.admin(), there.client.id.as_str());
    let config = TenantConfig {
        assertion_issuers: vec![
            issuer(IDP, (client, there.jwks())),
            issuer(OTHER, (client, json!({ "keys": [] }))),
        ],
        ..TenantConfig::default()
    };
    choose(&there.world.house, config).await;
    let before = there.world.house.audit_count("tenant.updated").await;
    let named = json!({ "sub": "x" });
    link(&admin, &there.user, "x").await;
    let mut turn = 0;
    for (allowed, is_known) in [
        (json!([OTHER, IDP]), true),
        (json!([OTHER]), false),
        (json!([]), false),
        (json!(null), true),
    ] {
        turn += 1;
        let body = json!({ "config": { "allowed_oauth_providers": allowed } });
        let kept = admin.patch("/admin/tenants/default", body).await;
        let kept = kept.expect(200).json();
        assert_eq!(kept["config"]["allowed_oauth_providers"], allowed);
        let shown = there.show(&there.sign(&format!("a{turn}"), &named)).await;
        let identity = json!({ "issuer": IDP, "subject": format!("y{turn}") });
        let path = format!("/admin/users/{}/identities", there.user);
        let linked = admin.post(&path, identity).await;
        if is_known {
            assert_eq!(subject_of(shown).as_ref(), Some(&there.user), "{allowed}");
            linked.expect(201);
        } else {
            let error = shown.expect(400).json()["error"].take();
            let expected = match allowed.as_array().map(Vec::len) {
                Some(0) => "unsupported_grant_type",
                _ => "invalid_grant",
            };
            assert_eq!(error, expected);
            let refused = linked.expect_code(422, "VALIDATION_ERROR").json();
            assert_eq!(refused["details"][0]["field"], "issuer");
        }
        let path = "/.well-known/oauth-authorization-server";
        let metadata = there.world.house.public().get(path).await;
        let grants = metadata.expect(200).json()["grant_types_supported"].to_string();
        assert_eq!(
            grants.contains("jwt-bearer"),
            allowed != json!([]),
            "{allowed}"
        );
    }
    let changes = there.world.house.audit_count("tenant.updated").await;
    assert_eq!(changes, before + 4);
}
