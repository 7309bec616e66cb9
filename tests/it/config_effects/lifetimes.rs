//! How long tokens live: `ACCESS_TOKEN_TTL`, `AGENT_TOKEN_TTL`, `REFRESH_TOKEN_TTL`,
//! `REFRESH_TOKEN_MAX_AGE`, `REFRESH_REUSE_WINDOW`.

use std::time::Duration;

use domain::time::Clock;
use serde_json::json;

use crate::backend::Backend;
use crate::client::{Person, Tokens};
use crate::house::House;
use crate::scenes;

scenes![
    access_token_ttl_ends_an_access_token,
    agent_token_ttl_is_what_agents_get,
    refresh_token_ttl_ends_a_family_that_rests,
    account_deletion_grace_decides_when_an_account_is_erased,
    refresh_token_max_age_ends_a_family_that_is_used,
    refresh_reuse_window_decides_who_gets_the_same_successor,
];

const SECOND: Duration = Duration::from_secs(1);

async fn access_token_ttl_ends_an_access_token() {
    let house = House::with(Backend::Sqlite, &[("ACCESS_TOKEN_TTL", "2m")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let answer = person.try_login(&person.password).await.expect(200);
    assert_eq!(answer.json()["expires_in"], 120);
    let tokens = Tokens::of(&answer);
    house.clock.advance(SECOND * 115);
    person.me(&tokens.access).await.expect(200);
    // Whoever verifies may allow for clocks that differ a little.
    house.clock.advance(SECOND * 66);
    person.me(&tokens.access).await.expect(401);
    house.stop().await;
}

async fn agent_token_ttl_is_what_agents_get() {
    let settings = [("ACCESS_TOKEN_TTL", "10m"), ("AGENT_TOKEN_TTL", "90s")];
    let house = House::with(Backend::Sqlite, &settings).await;
    for (kind, lifetime) in [("agent", 90), ("service", 600)] {
        let body = json!({
            "name": "Robot", "client_type": kind, "grant_types": ["client_credentials"],
            "scopes": ["read"], "token_endpoint_auth_method": "client_secret_basic",
        });
        let made = house.admin().post("/admin/clients", body).await.expect(201);
        let (id, secret) = (made.field("client_id"), made.field("client_secret"));
        let token = house.client_token(&id, &secret).await.expect(200);
        assert_eq!(token.json()["expires_in"], lifetime, "{kind}");
    }
    house.stop().await;
}

async fn refresh_token_ttl_ends_a_family_that_rests() {
    let house = House::with(Backend::Sqlite, &[("REFRESH_TOKEN_TTL", "1h")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    house.clock.advance(SECOND * 3_500);
    let tokens = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(SECOND * 3_500);
    let tokens = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(SECOND * 3_601);
    person.refresh(&tokens.refresh).await.expect(401);
    house.stop().await;
}

async fn refresh_token_max_age_ends_a_family_that_is_used() {
    let settings = [("REFRESH_TOKEN_TTL", "1h"), ("REFRESH_TOKEN_MAX_AGE", "2h")];
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    let mut tokens = person.login().await;
    for _ in 0..3 {
        house.clock.advance(SECOND * 2_300);
        tokens = Tokens::of(&person.refresh(&tokens.refresh).await.expect(200));
    }
    house.clock.advance(SECOND * 301);
    person.refresh(&tokens.refresh).await.expect(401);
    house.stop().await;
}

async fn refresh_reuse_window_decides_who_gets_the_same_successor() {
    let house = House::with(Backend::Sqlite, &[("REFRESH_REUSE_WINDOW", "120s")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let first = person.login().await;
    let second = Tokens::of(&person.refresh(&first.refresh).await.expect(200));
    house.clock.advance(SECOND * 100);
    let again = Tokens::of(&person.refresh(&first.refresh).await.expect(200));
    assert_eq!(again.refresh, second.refresh);
    house.stop().await;

    let house = House::with(Backend::Sqlite, &[("REFRESH_REUSE_WINDOW", "0s")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let first = person.login().await;
    let second = Tokens::of(&person.refresh(&first.refresh).await.expect(200));
    let third = Tokens::of(&person.refresh(&second.refresh).await.expect(200));
    house.clock.advance(SECOND);
    // Its successor was used: no window covers that.
    person.refresh(&second.refresh).await.expect(200);
    person.refresh(&first.refresh).await.expect(401);
    person.refresh(&third.refresh).await.expect(401);
    house.stop().await;
}

async fn account_deletion_grace_decides_when_an_account_is_erased() {
    let house = House::with(Backend::Sqlite, &[("ACCOUNT_DELETION_GRACE", "7d")]).await;
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let deleted = me.delete("/auth/me").await.expect(202);
    let day = house.clock.now() + Duration::from_hours(7 * 24);
    assert_eq!(deleted.field("erase_at"), day.to_string());
    house.stop().await;
}
