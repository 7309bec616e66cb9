//! The language that letters are written in.

use serde_json::json;

use crate::auth::mfa::Owner;
use crate::browser::Browser;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;
use crate::oauth::World;
use crate::oauth::world::ask;

cases![
    a_letter_speaks_the_language_that_the_request_asks_for,
    a_letter_speaks_the_tenants_language_to_whoever_asks_for_none,
    an_operators_language_is_not_the_persons,
    openid_connect_core_3_1_2_1_a_letter_speaks_what_the_client_asks_for,
];

const GERMAN: &str = "Guten Tag";
const ENGLISH: &str = "Hello";

/// Has a reset mailed and gives what the letter says.
async fn reset(house: &House, person: &Person, by: &Client) -> String {
    let body = json!({ "email": person.email });
    by.post("/auth/password/reset", body).await.expect(202);
    house.printed_mail(person, "reset_password").await
}

async fn a_letter_speaks_the_language_that_the_request_asks_for(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    for (accept, greeting) in [
        ("de-CH, en;q=0.3", GERMAN),
        ("en, de;q=0.3", ENGLISH),
        ("fr", ENGLISH),
    ] {
        let by = house.public().with("accept-language", accept);
        let text = reset(&house, &person, &by).await;
        assert!(text.starts_with(greeting), "{accept}: {text}");
    }
}

async fn a_letter_speaks_the_tenants_language_to_whoever_asks_for_none(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let body = json!({ "name": "Gärten", "config": { "branding": { "language": "de" } } });
    house
        .admin()
        .patch("/admin/tenants/default", body)
        .await
        .expect(200);
    let text = reset(&house, &person, &house.public()).await;
    assert!(text.starts_with(GERMAN), "{text}");
    let english = house.public().with("accept-language", "en");
    let text = reset(&house, &person, &english).await;
    assert!(text.starts_with(ENGLISH), "{text}");
}

async fn an_operators_language_is_not_the_persons(house: House) {
    let person = Owner::enroll(&house, "ada").await.person;
    let id = house.user_id(&person).await;
    let admin = house.admin().with("accept-language", "de");
    admin
        .delete(&format!("/admin/users/{id}/mfa"))
        .await
        .expect(204);
    let text = house.printed_mail(&person, "factors_reset").await;
    assert!(text.starts_with(ENGLISH), "{text}");
}

async fn openid_connect_core_3_1_2_1_a_letter_speaks_what_the_client_asks_for(house: House) {
    let world = World::new(house).await;
    let english = world.house.public().with("accept-language", "en");
    let mut browser = Browser::new(&english);
    let address = ask(&world.web, &[("ui_locales", "de")]);
    let sent = browser.open(&address).await;
    let place = sent.location().replace("/sign-in", "/register");
    let page = browser.open(&place).await;
    let bea = Person {
        email: "bea@example.org".to_owned(),
        ..world.person.clone()
    };
    let filled = [
        ("name", "Bea"),
        ("email", &bea.email),
        ("password", &bea.password),
    ];
    browser.submit(&page, &filled).await.expect(303);
    let text = world.house.printed_mail(&bea, "verify_email").await;
    assert!(text.starts_with(GERMAN), "{text}");
}
