//! A password that is replaced while somebody is still showing the old one: nothing the old one opens
//! may outlive the reset (CONTRACT §5). One thread hashes, slowly, so that the order is the same each
//! time; whatever the order, the claim holds.

use std::time::Duration;

use serde_json::json;

use crate::backend::Backend;
use crate::client::{Answer, Person, Tokens};
use crate::house::House;
use crate::scenes;

scenes![
    a_sign_in_that_a_reset_overtakes_is_none,
    a_password_change_that_a_reset_overtakes_is_none,
];

const THIEFS: &str = "a stolen bicycle in the rain";
const OWNERS: &str = "an honest bicycle in the sun";

async fn slow_house() -> (House, Person) {
    let slow = [
        ("ARGON2_MEMORY", "65536"),
        ("ARGON2_TIME", "3"),
        ("HASHING_THREADS", "1"),
    ];
    let house = House::with(Backend::Sqlite, &slow).await;
    let person = Person::register(&house.public(), "ada").await;
    house.clock.advance(Duration::from_secs(1));
    (house, person)
}

async fn confirm(house: &House, token: String) -> Answer {
    let body = json!({ "token": token, "new_password": OWNERS });
    let public = house.public();
    public.post("/auth/password/reset/confirm", body).await
}

async fn a_sign_in_that_a_reset_overtakes_is_none() {
    let (house, person) = slow_house().await;
    let token = house.reset_token(&person).await;
    let (reset, signed_in) =
        tokio::join!(confirm(&house, token), person.try_login(&person.password),);
    reset.expect(200);
    if signed_in.status == 200 {
        let tokens = Tokens::of(&signed_in);
        person.me(&tokens.access).await.expect(401);
        person.refresh(&tokens.refresh).await.expect(401);
    }
    house.stop().await;
}

async fn a_password_change_that_a_reset_overtakes_is_none() {
    let (house, person) = slow_house().await;
    let token = house.reset_token(&person).await;
    let tokens = person.login().await;
    let thief = house.public().bearer(&tokens.access);
    let body = json!({ "old_password": person.password, "new_password": THIEFS });
    let (_, reset) = tokio::join!(thief.put("/auth/me/password", body), confirm(&house, token),);
    // Had the change come first, it would have forgotten the mailed token.
    if reset.status == 200 {
        person.try_login(OWNERS).await.expect(200);
        person.try_login(THIEFS).await.expect(401);
    }
    house.stop().await;
}
