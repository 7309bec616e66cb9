//! What a stranger may have this service do by registering: at whose cost, and with whose words.

use domain::tenant::TenantConfig;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::scenes;

scenes![
    a_network_registers_only_so_many_accounts_an_hour,
    an_address_nobody_proved_is_told_no_strangers_words,
    a_silent_tenant_tells_a_stranger_nothing_by_signing_in,
    a_name_too_long_to_be_one_is_not_held_against_the_password,
];

async fn a_network_registers_only_so_many_accounts_an_hour() {
    let house = House::with(Backend::Sqlite, &[("RATE_LIMIT_BURST", "1")]).await;
    let network = |address: &str| house.public().with("x-forwarded-for", address);
    let body = |number: u32| {
        json!({
            "email": format!("{number}@example.org"), "password": "a quiet garden in the rain",
            "name": "Some Body",
        })
    };
    let stranger = network("192.0.2.1");
    for number in 0..10 {
        stranger
            .post("/auth/register", body(number))
            .await
            .expect(201);
    }
    let refused = stranger.post("/auth/register", body(10)).await;
    let refused = refused.expect_code(429, "RATE_LIMIT_EXCEEDED");
    assert!(!refused.header("retry-after").is_empty());
    let other = network("192.0.2.2");
    other.post("/auth/register", body(10)).await.expect(201);
    house.clock.advance(std::time::Duration::from_secs(3601));
    stranger.post("/auth/register", body(11)).await.expect(201);
    house.stop().await;
}

async fn an_address_nobody_proved_is_told_no_strangers_words() {
    let house = House::open(Backend::Sqlite).await;
    let public = house.public();
    let victim = Person {
        email: "victim@example.org".to_owned(),
        password: "a quiet garden in the rain".to_owned(),
        public: public.clone(),
    };
    let body = json!({
        "email": victim.email, "password": victim.password,
        "name": "Your account is locked, see evil.example",
    });
    public.post("/auth/register", body).await.expect(201);
    let letter = house.printed_mail(&victim, "verify_email").await;
    assert!(!letter.contains("evil"), "{letter}");
    let email = json!({ "email": victim.email });
    public.post("/auth/password/reset", email).await.expect(202);
    let letter = house.printed_mail(&victim, "reset_password").await;
    assert!(
        letter.starts_with("Hello,\n") && !letter.contains("evil"),
        "{letter}"
    );
    house.stop().await;
}

async fn a_silent_tenant_tells_a_stranger_nothing_by_signing_in() {
    let house = House::open(Backend::Sqlite).await;
    let silent = TenantConfig {
        silent_registration: true,
        ..TenantConfig::default()
    };
    house.add_tenant_with("acme", silent).await;
    let acme = house.public().with("x-tenant-id", "acme");
    let person = |password: &str| Person {
        email: "ada@example.org".to_owned(),
        password: password.to_owned(),
        public: acme.clone(),
    };
    let (ada, stranger) = (
        person("a quiet garden in the rain"),
        person("the rain in a quiet garden"),
    );
    let register = async |one: &Person| {
        let body = json!({ "email": one.email, "password": one.password, "name": "Ada" });
        acme.post("/auth/register", body).await.expect(202).text
    };
    let login = async |one: &Person| one.try_login(&one.password).await.expect(401).text;
    let hint = |text: String| serde_json::from_str::<Value>(&text).expect("JSON")["error"].clone();
    // Free for Ada, taken for the stranger: neither can tell.
    assert_eq!(register(&ada).await, register(&stranger).await);
    assert_eq!(hint(login(&ada).await), hint(login(&stranger).await));
    let token = house.letter(&ada, "verify_email").await.expect("a letter");
    let body = json!({ "token": token });
    acme.post("/auth/verify-email", body).await.expect(200);
    ada.login().await;
    house.stop().await;
}

async fn a_name_too_long_to_be_one_is_not_held_against_the_password() {
    let house = House::open(Backend::Sqlite).await;
    let body = json!({
        "email": "ada@example.org", "password": "a quiet garden in the rain",
        "name": "garden ".repeat(9_000),
    });
    let refused = house
        .public()
        .post("/auth/register", body)
        .await
        .expect(422);
    let fields = refused.json()["details"].clone();
    assert_eq!(fields.as_array().map(Vec::len), Some(1), "{fields}");
    assert_eq!(fields[0]["field"], "name");
    house.stop().await;
}
