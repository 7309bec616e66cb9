//! Which authenticators a tenant allows (WebAuthn §7.1).

use serde_json::{Value, json};

use super::webauthn::{bind, sign_in};
use crate::authenticator::{Authenticator, MODEL, Maker};
use crate::browser::Browser;
use crate::cases;
use crate::client::{Answer, Client, Person};
use crate::house::House;

cases![
    webauthn_7_1_a_tenants_list_asks_for_attestation_and_takes_its_models_alone,
    a_page_says_that_an_authenticator_is_not_allowed,
    a_list_of_authenticators_is_checked_when_it_is_chosen,
];

async fn choose(house: &House, chosen: Value) -> Answer {
    let body = json!({ "config": { "passkey_authenticators": chosen } });
    house.admin().patch("/admin/tenants/default", body).await
}

/// Tries to bind what an authenticator makes of the options.
async fn try_bind(me: &Client, create: impl FnOnce(&Value) -> Value) -> Answer {
    let path = "/auth/webauthn/register/begin";
    let begun = me.post(path, json!({})).await.expect(200).json();
    assert_eq!(begun["options"]["attestation"], "direct");
    let response = create(&begun["options"]);
    let body = json!({ "name": "Key", "state": begun["state"], "response": response });
    me.post("/auth/webauthn/register/finish", body).await
}

async fn webauthn_7_1_a_tenants_list_asks_for_attestation_and_takes_its_models_alone(house: House) {
    let (maker, other) = (Maker::new(), Maker::new());
    let list = json!({ "roots": [maker.root()], "models": [MODEL] });
    let chosen = choose(&house, list.clone()).await.expect(200).json();
    assert_eq!(chosen["config"]["passkey_authenticators"], list);
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let refused = try_bind(&me, |options| Authenticator::new().create(options)).await;
    let refused = refused.expect_code(403, "FORBIDDEN");
    assert!(refused.field("error").contains("not allowed here"));
    let forged = |options: &Value| Authenticator::new().create_attested(options, &other);
    let refused = try_bind(&me, forged).await;
    refused.expect_code(403, "FORBIDDEN");
    let mut good = Authenticator::new();
    let bound = try_bind(&me, |options| good.create_attested(options, &maker)).await;
    bound.expect(201);
    let signed_in = sign_in(&house.public(), &mut good).await.expect(200);
    // Another model on the list, and then no list: what is bound stays, and any is bound again.
    let another = "08080808-0808-0808-0808-080808080808";
    let list = json!({ "roots": [maker.root()], "models": [another] });
    choose(&house, list).await.expect(200);
    let me = house.public().bearer(&signed_in.field("access_token"));
    let mut next = Authenticator::new();
    let refused = try_bind(&me, |options| next.create_attested(options, &maker)).await;
    refused.expect_code(403, "FORBIDDEN");
    choose(&house, Value::Null).await.expect(200);
    bind(&me, "Any").await;
    sign_in(&house.public(), &mut good).await.expect(200);
}

async fn a_page_says_that_an_authenticator_is_not_allowed(house: House) {
    let list = json!({ "roots": [Maker::new().root()], "models": [MODEL] });
    choose(&house, list).await.expect(200);
    let person = Person::register(&house.public(), "ada").await;
    let mut browser = Browser::new(&house.public());
    browser.sign_in("/sign-in", &person).await;
    let page = browser.open("/bind-passkey").await;
    let (_, hidden) = page.form();
    assert!(hidden.iter().any(|(name, _)| name == "state"));
    let options = page.answer.text.split("data-options=\"").nth(1);
    let options = options.and_then(|rest| rest.split('"').next());
    let options = options.expect("options").replace("&#34;", "\"");
    let options: Value = serde_json::from_str(&options).expect("JSON");
    assert_eq!(options["attestation"], "direct");
    let response = Authenticator::new().create(&options).to_string();
    let csrf = hidden.iter().find(|(name, _)| name == "csrf");
    let state = hidden.iter().find(|(name, _)| name == "state");
    let filled = [
        ("csrf", csrf.expect("a token").1.as_str()),
        ("state", state.expect("a state").1.as_str()),
        ("name", "Key"),
        ("response", response.as_str()),
    ];
    let page = browser.post("/bind-passkey", &filled).await;
    page.expect(422);
    assert!(
        page.answer
            .text
            .contains("This kind of passkey is not allowed")
    );
}

async fn a_list_of_authenticators_is_checked_when_it_is_chosen(house: House) {
    let maker = Maker::new();
    for chosen in [
        json!({ "roots": [], "models": [MODEL] }),
        json!({ "roots": [maker.root()], "models": [] }),
        json!({ "roots": ["-----BEGIN CERTIFICATE-----"], "models": [MODEL] }),
        json!({ "roots": [maker.root()], "models": ["a key"] }),
        json!({ "roots": [maker.root()] }),
        json!({ "roots": [maker.root()], "models": [MODEL], "more": 1 }),
        json!({ "roots": maker.root(), "models": [MODEL] }),
        json!("direct"),
    ] {
        let refused = choose(&house, chosen.clone()).await;
        let status = refused.status.as_u16();
        assert!([400, 422].contains(&status), "{chosen}: {}", refused.text);
        assert!(refused.text.contains("passkey_authenticators"), "{chosen}");
    }
    let person = Person::register(&house.public(), "ada").await;
    bind(&house.public().bearer(&person.login().await.access), "Any").await;
}
