//! GET and DELETE /auth/sessions, DELETE /auth/sessions/{id}.

use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    a_person_sees_their_sessions_and_which_is_this_one,
    ending_one_session_ends_its_tokens,
    ending_all_others_keeps_this_one,
    another_persons_session_is_not_found,
];

async fn a_person_sees_their_sessions_and_which_is_this_one(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let phone = Person {
        public: house.public().with("user-agent", "Phone/1.0"),
        ..person.clone()
    };
    phone.login().await;
    let mine = person.login().await;
    let list = house
        .public()
        .bearer(&mine.access)
        .get("/auth/sessions")
        .await
        .expect(200)
        .json();
    let sessions = list["sessions"].as_array().expect("sessions");
    assert_eq!(sessions.len(), 2);
    assert_eq!(
        sessions
            .iter()
            .filter(|session| session["current"] == true)
            .count(),
        1
    );
    assert!(list.to_string().contains("Phone/1.0"), "{list}");
    for session in sessions {
        assert!(session["id"].is_string() && session["created_at"].is_string());
        assert!(session["last_active_at"].is_string() && session["address"].is_string());
    }
}

async fn ending_one_session_ends_its_tokens(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (mine, other) = (person.login().await, person.login().await);
    let me = house.public().bearer(&mine.access);
    let list = me.get("/auth/sessions").await.expect(200).json();
    let sessions = list["sessions"].as_array().expect("sessions");
    let stranger = sessions
        .iter()
        .find(|session| session["current"] == false)
        .expect("another");
    let path = format!("/auth/sessions/{}", stranger["id"].as_str().expect("an id"));
    assert!(me.delete(&path).await.status.is_success());
    person.me(&other.access).await.expect(401);
    person.refresh(&other.refresh).await.expect(401);
    person.me(&mine.access).await.expect(200);
    me.delete(&path).await.expect_code(404, "NOT_FOUND");
}

async fn ending_all_others_keeps_this_one(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (mine, other) = (person.login().await, person.login().await);
    let me = house.public().bearer(&mine.access);
    assert!(me.delete("/auth/sessions").await.status.is_success());
    person.me(&mine.access).await.expect(200);
    person.me(&other.access).await.expect(401);
}

async fn another_persons_session_is_not_found(house: House) {
    let ada = Person::register(&house.public(), "ada").await;
    let eve = Person::register(&house.public(), "eve").await;
    let tokens = ada.login().await;
    let me = house.public().bearer(&tokens.access);
    let list = me.get("/auth/sessions").await.expect(200).json();
    let path = format!(
        "/auth/sessions/{}",
        list["sessions"][0]["id"].as_str().expect("an id")
    );
    let thief = house.public().bearer(&eve.login().await.access);
    thief.delete(&path).await.expect_code(404, "NOT_FOUND");
    thief
        .delete("/auth/sessions/not-an-id")
        .await
        .expect_code(404, "NOT_FOUND");
    ada.me(&tokens.access).await.expect(200);
}
