//! Assertions of other issuers as grants at POST /oauth/token (RFC 7523 §2.1), plain and as ID-JAG.

use std::time::Duration;

use domain::key::Algorithm;
use domain::tenant::{AssertedSubject, AssertionIssuer, AssertionProfile, TenantConfig};
use domain::time::Clock as _;
use futures_util::future::join_all;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::chosen::choose;
use super::world::{Registered, World, claims, register};
use crate::cases;
use crate::client::Answer;
use crate::house::House;
use crate::sink::Sink;

cases![
    rfc_7523_2_1_another_issuers_word_gives_a_token,
    rfc_7523_3_7_an_assertion_counts_once,
    one_of_fifty_uses_of_an_assertion_as_grant_wins,
    rfc_7523_3_an_assertion_that_does_not_fit_is_refused,
    nobodys_word_is_taken_but_that_of_trusted_issuers_from_their_clients,
    where_nobodys_word_is_taken_there_is_no_such_grant,
    people_are_found_by_an_address_that_both_sides_verified,
    a_closed_account_or_client_ends_what_another_issuer_gave,
    an_issuers_keys_are_fetched_from_where_the_tenant_says,
];

pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ISSUER: &str = "http://localhost:4000";
const IDP: &str = "https://idp.example";
pub const API: &str = "https://api.example";
pub const ID_JAG: &str = "oauth-id-jag+jwt";

/// Another issuer whose word the tenant takes, and a client that shows it.
pub struct Elsewhere {
    pub world: World,
    pub client: Registered,
    pub user: String,
    signer: Signer,
}

impl Elsewhere {
    /// One that gives assertions of a kind, trusted as it says.
    pub async fn new(house: House, own: AssertionIssuer) -> Self {
        let world = World::new(house).await;
        let fields = json!({
            "redirect_uris": [], "grant_types": [GRANT], "audiences": [ISSUER, API],
            "scopes": ["openid", "email", "read"],
        });
        let client = register(&world.house, "service", fields).await;
        let pair = KeyPair::generate(Algorithm::Es256).expect("a key");
        let jwks = json!({ "keys": [pair.public_jwk()] });
        let trusted = AssertionIssuer {
            issuer: IDP.to_owned(),
            clients: vec![client.id.clone()],
            jwks: own.jwks_uri.is_none().then_some(jwks),
            ..own
        };
        let switches = json!({ "config": { "assertion_issuers": [trusted] } });
        let admin = world.house.admin();
        let turned = admin.patch("/admin/tenants/default", switches).await;
        turned.expect(200);
        let user = world.house.user_id(&world.person).await;
        Self {
            signer: Signer::new(pair),
            world,
            client,
            user,
        }
    }

    async fn plain(house: House) -> Self {
        let own = AssertionIssuer {
            profile: AssertionProfile::Assertion,
            ..AssertionIssuer::default()
        };
        Self::new(house, own).await
    }

    /// Its public keys.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.signer.key().public_jwk()] })
    }

    /// What a good assertion says, with members of its own.
    pub fn claims(&self, jti: &str, own: &Value) -> Value {
        let now = self.world.house.clock.now().as_seconds();
        let mut claims = json!({
            "iss": IDP, "sub": self.user, "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60,
        });
        let members = claims.as_object_mut().expect("an object");
        members.extend(own.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        claims
    }

    /// A good assertion of no particular type, with members of its own.
    pub fn sign(&self, jti: &str, own: &Value) -> String {
        let claims = self.claims(jti, own);
        self.signer.sign(Some("JWT"), &claims).expect("signs")
    }

    /// A good ID-JAG, with members of its own.
    pub fn id_jag(&self, jti: &str, own: &Value) -> String {
        let mut all = json!({ "client_id": self.client.id });
        let own = own.as_object().expect("an object").clone();
        all.as_object_mut().expect("an object").extend(own);
        let claims = self.claims(jti, &all);
        self.signer.sign(Some(ID_JAG), &claims).expect("signs")
    }

    pub async fn show(&self, assertion: &str) -> Answer {
        self.show_with(assertion, &[]).await
    }

    pub async fn show_with(&self, assertion: &str, more: &[(&str, &str)]) -> Answer {
        show(&self.world, &self.client, assertion, more).await
    }
}

fn trusting(assertion_issuers: Vec<AssertionIssuer>) -> TenantConfig {
    TenantConfig {
        assertion_issuers,
        ..TenantConfig::default()
    }
}

/// Shows an assertion as a client.
pub async fn show(
    world: &World,
    client: &Registered,
    assertion: &str,
    more: &[(&str, &str)],
) -> Answer {
    let usual = [("grant_type", GRANT), ("assertion", assertion)];
    world.token(client, &[&usual, more].concat()).await
}

async fn rfc_7523_2_1_another_issuers_word_gives_a_token(house: House) {
    let there = Elsewhere::plain(house).await;
    let answer = there.show(&there.sign("a", &json!({}))).await.expect(200);
    let body = answer.json();
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    assert_eq!(
        (&body["scope"], &body["token_type"]),
        (&json!("openid email read"), &json!("Bearer"))
    );
    let token = answer.field("access_token");
    let said = claims(&token);
    assert_eq!(
        (&said["sub"], &said["client_id"]),
        (&json!(there.user), &json!(there.client.id))
    );
    assert_eq!((&said["aud"], said.get("sid")), (&json!(ISSUER), None));
    let public = there.world.house.public().bearer(&token);
    let told = public.get("/userinfo").await.expect(200);
    assert_eq!(told.field("email"), there.world.person.email);
    // Nobody signed in, so it opens nothing that is the person's own.
    public.get("/auth/me").await.expect(403);
    public.delete("/auth/sessions").await.expect(403);
    let less = [("scope", "read"), ("resource", API)];
    let less = there.show_with(&there.sign("b", &json!({})), &less).await;
    assert_eq!(claims(&less.expect(200).field("access_token"))["aud"], API);
    for (field, word) in [
        (("scope", "admin"), "invalid_scope"),
        (("resource", "https://evil.example"), "invalid_target"),
    ] {
        let refused = there
            .show_with(&there.sign("c", &json!({})), &[field])
            .await;
        refused.expect_oauth(400, word);
    }
    let rows = there.world.house.audit_rows("token.issued").await;
    let row = rows
        .iter()
        .find(|row| row.fields["detail"]["grant"] == "jwt_bearer");
    let detail = &row.expect("an entry").fields["detail"];
    assert_eq!(
        (&detail["issuer"], &detail["assertion_jti"]),
        (&json!(IDP), &json!("b"))
    );
}

async fn rfc_7523_3_7_an_assertion_counts_once(house: House) {
    let there = Elsewhere::plain(house).await;
    let assertion = there.sign("once", &json!({}));
    // What was refused spends nothing.
    let scope = [("scope", "admin")];
    let refused = there.show_with(&assertion, &scope).await;
    refused.expect_oauth(400, "invalid_scope");
    there.show(&assertion).await.expect(200);
    let again = there.show(&assertion).await;
    again.expect_oauth(400, "invalid_grant");
    let anew = there.sign("once", &json!({ "scope": "read" }));
    there.show(&anew).await.expect_oauth(400, "invalid_grant");
    there
        .show(&there.sign("twice", &json!({})))
        .await
        .expect(200);
}

async fn one_of_fifty_uses_of_an_assertion_as_grant_wins(house: House) {
    let there = Elsewhere::plain(house).await;
    let assertion = there.sign("race", &json!({}));
    let answers = join_all((0..50).map(|_| there.show(&assertion))).await;
    let of = |status: u16| answers.iter().filter(|one| one.status == status).count();
    assert_eq!((of(200), of(400)), (1, 49));
}

async fn rfc_7523_3_an_assertion_that_does_not_fit_is_refused(house: House) {
    let there = Elsewhere::plain(house).await;
    let now = there.world.house.clock.now().as_seconds();
    for (name, value) in [
        ("aud", json!("https://other.example")),
        ("aud", json!([ISSUER])),
        ("aud", json!(format!("{ISSUER}/oauth/token"))),
        ("iss", json!("https://other.example")),
        ("iss", Value::Null),
        ("sub", Value::Null),
        ("sub", json!("00000000-0000-7000-8000-000000000000")),
        ("sub", json!(there.world.person.email)),
        ("exp", json!(now)),
        ("exp", json!(now + 3601)),
        ("exp", Value::Null),
        ("nbf", json!(now + 60)),
        ("iat", json!(now + 60)),
        ("jti", json!("")),
        ("jti", Value::Null),
        ("client_id", json!("client_other")),
    ] {
        let refused = there.show(&there.sign("x", &json!({ name: value }))).await;
        refused.expect_oauth(400, "invalid_grant");
    }
    let claims = there.claims("x", &json!({}));
    for typ in [ID_JAG, "at+jwt", "client-authentication+jwt"] {
        let typed = there.signer.sign(Some(typ), &claims).expect("signs");
        there.show(&typed).await.expect_oauth(400, "invalid_grant");
    }
    let old = there.sign("x", &json!({}));
    there.world.house.clock.advance(Duration::from_mins(1));
    there.show(&old).await.expect_oauth(400, "invalid_grant");
    there.show(&there.sign("x", &json!({}))).await.expect(200);
}

async fn nobodys_word_is_taken_but_that_of_trusted_issuers_from_their_clients(house: House) {
    let there = Elsewhere::plain(house).await;
    let world = &there.world;
    let assertion = there.sign("x", &json!({}));
    let fields = json!({ "redirect_uris": [], "grant_types": [GRANT], "scopes": ["read"] });
    let other = register(&world.house, "service", fields).await;
    let refused = show(world, &other, &assertion, &[]).await;
    refused.expect_oauth(400, "invalid_grant");
    let unregistered = show(world, &world.web, &assertion, &[]).await;
    unregistered.expect_oauth(400, "unauthorized_client");
    let public = show(world, &world.native, &assertion, &[]).await;
    public.expect_oauth(401, "invalid_client");
    let stranger = Signer::new(KeyPair::generate(Algorithm::Es256).expect("a key"));
    let forged = stranger.sign(Some("JWT"), &there.claims("x", &json!({})));
    let forged = there.show(&forged.expect("signs")).await;
    forged.expect_oauth(400, "invalid_grant");
    for odd in ["", "x", "a.b.c"] {
        let refused = there.show(odd).await;
        assert_eq!(refused.status.as_u16(), 400, "{}", refused.text);
    }
    // Its own word for itself is no grant (RFC 7523 §2.2 is another matter).
    let own = there.sign(
        "x",
        &json!({ "iss": there.client.id, "sub": there.client.id }),
    );
    there.show(&own).await.expect_oauth(400, "invalid_grant");
    let body = json!({
        "name": "App", "client_type": "native", "grant_types": [GRANT], "redirect_uris": [],
    });
    let admin = world.house.admin();
    admin.post("/admin/clients", body).await.expect(422);
    there.show(&assertion).await.expect(200);
    choose(&world.house, TenantConfig::default()).await;
    let ended = there.show(&there.sign("y", &json!({}))).await;
    ended.expect_oauth(400, "unsupported_grant_type");
}

async fn where_nobodys_word_is_taken_there_is_no_such_grant(house: House) {
    let world = World::new(house).await;
    let path = "/.well-known/openid-configuration";
    let offers = async |house: &House| {
        let found = house.public().get(path).await.expect(200).json();
        let grants = found["grant_types_supported"]
            .as_array()
            .expect("grants")
            .clone();
        assert!(grants.contains(&json!(super::exchange::GRANT)));
        grants.contains(&json!(GRANT))
    };
    assert!(!offers(&world.house).await);
    let refused = show(&world, &world.web, "x", &[]).await;
    refused.expect_oauth(400, "unsupported_grant_type");
    choose(&world.house, trusting(vec![AssertionIssuer::default()])).await;
    assert!(offers(&world.house).await);
    let refused = show(&world, &world.web, "x", &[]).await;
    refused.expect_oauth(400, "unauthorized_client");
}

async fn people_are_found_by_an_address_that_both_sides_verified(house: House) {
    let own = AssertionIssuer {
        profile: AssertionProfile::Assertion,
        subject: AssertedSubject::VerifiedEmail,
        ..AssertionIssuer::default()
    };
    let there = Elsewhere::new(house, own).await;
    let email = there.world.person.email.clone();
    let told = json!({ "sub": "x", "email": email, "email_verified": true });
    let by_claim = |jti: &str| there.sign(jti, &told);
    let by_sub = |jti: &str| there.sign(jti, &json!({ "sub": email }));
    for unverified in [by_claim("a"), by_sub("b")] {
        let refused = there.show(&unverified).await;
        refused.expect_oauth(400, "invalid_grant");
    }
    let path = format!("/admin/users/{}", there.user);
    let verified = json!({ "email_verified": true });
    let admin = there.world.house.admin();
    admin.patch(&path, verified).await.expect(200);
    for found in [by_claim("a"), by_sub("b")] {
        let token = there.show(&found).await.expect(200).field("access_token");
        assert_eq!(claims(&token)["sub"], there.user);
    }
    for odd in [
        // That it is verified must be said: of the address, and by the issuer.
        json!({ "sub": "x", "email": email }),
        json!({ "sub": "x", "email": email, "email_verified": false }),
        json!({ "sub": email, "email": email }),
        json!({ "sub": email, "email": email, "email_verified": false }),
        json!({ "sub": email, "email_verified": false }),
        json!({ "sub": email, "email": "eve@example.org", "email_verified": true }),
        json!({ "sub": "x", "email": "eve@example.org", "email_verified": true }),
        json!({}),
    ] {
        let refused = there.show(&there.sign("c", &odd)).await;
        refused.expect_oauth(400, "invalid_grant");
    }
}

async fn a_closed_account_or_client_ends_what_another_issuer_gave(house: House) {
    let there = Elsewhere::plain(house).await;
    let admin = there.world.house.admin();
    let token = there.show(&there.sign("a", &json!({}))).await.expect(200);
    let token = token.field("access_token");
    let status = async || {
        let public = there.world.house.public().bearer(&token);
        public.get("/userinfo").await.status.as_u16()
    };
    assert_eq!(status().await, 200);
    let path = format!("/admin/clients/{}", there.client.id);
    for (disabled, expected) in [(true, 401), (false, 200)] {
        let closed = json!({ "disabled": disabled });
        admin.patch(&path, closed).await.expect(200);
        assert_eq!(status().await, expected);
    }
    let path = format!("/admin/users/{}", there.user);
    let lock = json!({ "reason": "lost" });
    admin.post(&format!("{path}/lock"), lock).await.expect(200);
    assert_eq!(status().await, 401);
    let told = [("token", token.as_str())];
    let told = there
        .world
        .form("/oauth/introspect", &there.client, &told)
        .await;
    assert_eq!(told.expect(200).json()["active"], false);
    let refused = there.show(&there.sign("b", &json!({}))).await;
    refused.expect_oauth(400, "invalid_grant");
}

async fn an_issuers_keys_are_fetched_from_where_the_tenant_says(house: House) {
    let pair = KeyPair::generate(Algorithm::Rs256).expect("a key");
    let published = json!({ "keys": [pair.public_jwk()] }).to_string();
    let sink = Sink::http(move |_| (200, published.clone()));
    let allow = sink.address.to_string();
    let house = house.beside(&[("EGRESS_ALLOW", &allow)]).await;
    let own = AssertionIssuer {
        jwks_uri: Some(format!("{}/keys", sink.url())),
        ..AssertionIssuer::default()
    };
    let there = Elsewhere::new(house, own).await;
    let unknown = there.show(&there.id_jag("a", &json!({}))).await;
    unknown.expect_oauth(400, "invalid_grant");
    let there = Elsewhere {
        signer: Signer::new(pair),
        ..there
    };
    there.show(&there.id_jag("a", &json!({}))).await.expect(200);
    there.show(&there.id_jag("b", &json!({}))).await.expect(200);
    assert_eq!(sink.kept().len(), 1, "they are kept");
}
