//! GET and DELETE /auth/me/consents, and DELETE with a client in the path: what a person allowed clients.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::cases;
use crate::client::{Client, Person, Tokens};
use crate::house::House;
use crate::oauth::World;
use crate::oauth::exchange::{agent, exchange};
use crate::oauth::world::{Registered, ask, parameter, register};

cases![
    rfc_6749_10_2_a_person_sees_what_they_allowed_whom,
    rfc_6749_10_2_taking_back_ends_the_clients_tokens_and_no_others,
    rfc_6749_10_2_a_code_is_worth_nothing_once_its_consent_is_taken_back,
    what_is_allowed_anew_works,
    introspection_knows_what_was_taken_back,
    each_grants_tokens_name_it,
    what_was_exchanged_for_a_token_ends_with_its_grant,
    nobody_takes_back_what_is_not_theirs,
];

/// A world, its person's own door, and tokens that its web application holds.
pub struct Story {
    pub world: World,
    pub browser: Browser,
    pub me: Client,
    pub tokens: Tokens,
}

// === impl Story ===

impl Story {
    pub async fn new(house: House) -> Self {
        let world = World::new(house).await;
        let mut browser = world.browser();
        let sent = browser.authorize(&world.ask_web(), &world.person).await;
        let tokens = world.redeem_sent(&sent).await;
        let own = world.person.login().await;
        let me = world.house.public().bearer(&own.access);
        Self {
            world,
            browser,
            me,
            tokens,
        }
    }

    pub async fn consents(&self) -> Vec<Value> {
        let listed = self.me.get("/auth/me/consents").await.expect(200).json();
        listed["consents"].as_array().expect("consents").clone()
    }

    async fn take_back(&self, client: &Registered) {
        let path = format!("/auth/me/consents/{}", client.id);
        self.me.delete(&path).await.expect(204);
    }

    pub async fn assert_ended(&self, tokens: &Tokens) {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
        ];
        let refused = self.world.token(&self.world.web, &fields).await;
        refused.expect_oauth(400, "invalid_grant");
        self.world.person.me(&tokens.access).await.expect(401);
        let userinfo = self.world.house.public().bearer(&tokens.access);
        userinfo.get("/userinfo").await.expect(401);
    }
}

async fn rfc_6749_10_2_a_person_sees_what_they_allowed_whom(house: House) {
    let story = Story::new(house).await;
    let all = story.consents().await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["client_id"], story.world.web.id);
    assert_eq!(all[0]["client_name"], "An application");
    let scopes = all[0]["scopes"].as_array().expect("scopes");
    assert!(scopes.contains(&json!("email")) && all[0]["resources"] == json!([]));
    assert!(all[0]["given_at"].is_string() && all[0]["updated_at"].is_string());
    let eve = Person::register(&story.world.house.public(), "eve").await;
    let other = story.world.house.public().bearer(&eve.login().await.access);
    let theirs = other.get("/auth/me/consents").await.expect(200).json();
    assert_eq!(theirs, json!({ "consents": [] }));
    let stranger = story.world.house.public();
    stranger.get("/auth/me/consents").await.expect(401);
}

async fn rfc_6749_10_2_taking_back_ends_the_clients_tokens_and_no_others(house: House) {
    let story = Story::new(house).await;
    let world = &story.world;
    let other = register(&world.house, "web", json!({ "name": "Another" })).await;
    let page = story.browser.clone().open(&ask(&other, &[])).await;
    let mut browser = story.browser.clone();
    let page = browser.follow(page).await;
    let page = browser.submit(&page, &[("decision", "allow")]).await;
    let code = parameter(page.location(), "code").expect("a code");
    let kept = Tokens::of(&world.redeem(&other, &code).await.expect(200));
    let path = format!("/auth/me/consents?client_id={}", world.web.id);
    story.me.delete(&path).await.expect(204);
    story.assert_ended(&story.tokens).await;
    world.person.me(&kept.access).await.expect(200);
    story.me.get("/auth/me").await.expect(200);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", kept.refresh.as_str()),
    ];
    world.token(&other, &fields).await.expect(200);
    let left = story.consents().await;
    assert_eq!((left.len(), &left[0]["client_id"]), (1, &json!(other.id)));
    let rows = world.house.audit_rows("consent.revoked").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].fields["client_id"], json!(world.web.id));
    assert_eq!(rows[0].fields["actor_type"], "user");
    story.me.delete(&path).await.expect_code(404, "NOT_FOUND");
}

async fn rfc_6749_10_2_a_code_is_worth_nothing_once_its_consent_is_taken_back(house: House) {
    let mut story = Story::new(house).await;
    // What was allowed before is not asked for again.
    let page = story.browser.open(&story.world.ask_web()).await;
    let code = parameter(page.location(), "code").expect("a code");
    story.take_back(&story.world.web).await;
    let redeemed = story.world.redeem(&story.world.web, &code).await;
    redeemed.expect_oauth(400, "invalid_grant");
    let page = story.browser.open(&story.world.ask_web()).await;
    let place = page.location();
    assert!(place.starts_with("/consent?"), "they are asked again");
}

async fn what_is_allowed_anew_works(house: House) {
    let mut story = Story::new(house).await;
    story.take_back(&story.world.web).await;
    // The clock stands: what is issued in the same instant is still another grant.
    let page = story.browser.open(&story.world.ask_web()).await;
    let page = story.browser.follow(page).await;
    let page = story.browser.submit(&page, &[("decision", "allow")]).await;
    let anew = story.world.redeem_sent(page.location()).await;
    story.world.person.me(&anew.access).await.expect(200);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", anew.refresh.as_str()),
    ];
    let next = story.world.token(&story.world.web, &fields).await;
    let next = Tokens::of(&next.expect(200));
    story.world.person.me(&next.access).await.expect(200);
    story.assert_ended(&story.tokens).await;
}

async fn is_active(world: &World, token: &str) -> bool {
    let (path, fields) = ("/oauth/introspect", [("token", token)]);
    let answer = world.form(path, &world.web, &fields).await.expect(200);
    answer.json()["active"] == true
}

async fn introspection_knows_what_was_taken_back(house: House) {
    let story = Story::new(house).await;
    let own = [&story.tokens.access, &story.tokens.refresh];
    for token in own {
        assert!(is_active(&story.world, token).await);
    }
    story.take_back(&story.world.web).await;
    for token in own {
        assert!(!is_active(&story.world, token).await);
    }
}

async fn each_grants_tokens_name_it(house: House) {
    let story = Story::new(house).await;
    let claims = crate::oauth::world::claims(&story.tokens.access);
    let grant = claims["grant_id"].as_str().expect("a grant");
    assert!(grant.parse::<domain::id::FamilyId>().is_ok());
    let own = story.world.person.login().await;
    let own = crate::oauth::world::claims(&own.access);
    assert_ne!(own["grant_id"], claims["grant_id"]);
}

async fn what_was_exchanged_for_a_token_ends_with_its_grant(house: House) {
    let story = Story::new(house).await;
    let agent = agent(&story.world, json!({})).await;
    let given = exchange(&story.world, &agent, &story.tokens.access, &[]).await;
    let given = given.expect(200).field("access_token");
    let holder = story.world.house.public().bearer(&given);
    holder.get("/userinfo").await.expect(200);
    story.take_back(&story.world.web).await;
    holder.get("/userinfo").await.expect(401);
}

async fn nobody_takes_back_what_is_not_theirs(house: House) {
    let story = Story::new(house).await;
    let path = format!("/auth/me/consents/{}", story.world.web.id);
    let public = story.world.house.public();
    public.delete(&path).await.expect(401);
    let eve = Person::register(&public, "eve").await;
    let thief = public.bearer(&eve.login().await.access);
    thief.delete(&path).await.expect_code(404, "NOT_FOUND");
    for path in [
        "/auth/me/consents/first-party",
        "/auth/me/consents/client_unknown",
        "/auth/me/consents?client_id=https%3A%2F%2Fapp.example%2Fclient",
    ] {
        let refused = story.me.delete(path).await;
        refused.expect_code(404, "NOT_FOUND");
    }
    let nameless = story.me.delete("/auth/me/consents").await;
    nameless.expect_code(422, "VALIDATION_ERROR");
    story.me.get("/auth/me").await.expect(200);
    story
        .world
        .person
        .me(&story.tokens.access)
        .await
        .expect(200);
}
