//! POST /auth/logout and POST /auth/logout/all.

use serde_json::json;

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    logging_out_ends_this_session_only,
    logging_out_everywhere_ends_all
];

async fn logging_out_ends_this_session_only(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (mine, other) = (person.login().await, person.login().await);
    house
        .public()
        .bearer(&mine.access)
        .post("/auth/logout", json!({}))
        .await
        .expect(200);
    person.me(&mine.access).await.expect(401);
    person.refresh(&mine.refresh).await.expect(401);
    person.me(&other.access).await.expect(200);
    person.refresh(&other.refresh).await.expect(200);
}

async fn logging_out_everywhere_ends_all(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let sessions = [
        person.login().await,
        person.login().await,
        person.login().await,
    ];
    let me = house.public().bearer(&sessions[0].access);
    me.send(reqwest::Method::POST, "/auth/logout/all", |request| request)
        .await
        .expect(200);
    for tokens in sessions {
        person.me(&tokens.access).await.expect(401);
        person.refresh(&tokens.refresh).await.expect(401);
    }
    person.login().await;
}
