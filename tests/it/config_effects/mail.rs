//! By which way mails leave: `EMAIL_ENABLED`, `EMAIL_SERVICE_URL`, `EMAIL_API_KEY`, `EMAIL_SENDER_ADDRESS`,
//! `EMAIL_SMTP_URL`.

use serde_json::{Value, json};

use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::ports::Gone;
use crate::scenes;
use crate::sink::Sink;

scenes![
    email_service_url_gets_mails_as_json_with_the_key,
    email_smtp_url_gets_mails_from_the_sender,
    email_service_url_goes_before_email_smtp_url,
    a_mail_service_that_is_away_holds_up_nobody,
    a_mail_carries_its_tenants_name_picture_colour_and_language,
];

const SENDER: (&str, &str) = ("EMAIL_SENDER_ADDRESS", "auth@id.example.org");
const ENABLED: (&str, &str) = ("EMAIL_ENABLED", "true");

async fn email_service_url_gets_mails_as_json_with_the_key() {
    let service = Sink::http(|_| (202, String::new()));
    let url = format!("{}/send", service.url());
    let settings = [
        ENABLED,
        SENDER,
        ("EMAIL_SERVICE_URL", url.as_str()),
        ("EMAIL_API_KEY", "hush-hush"),
    ];
    let house = House::with(Backend::Sqlite, &settings).await;
    let person = Person::register(&house.public(), "ada").await;
    let mail = service
        .wait_for(|asked| asked.mentions("ada@example.org"))
        .await;
    assert_eq!(mail.line, "POST /send");
    assert!(
        mail.head.contains("authorization: bearer hush-hush"),
        "{}",
        mail.head
    );
    let body: Value = serde_json::from_slice(&mail.body).expect("JSON");
    assert_eq!(
        (&body["from"], &body["to"]),
        (&SENDER.1.into(), &person.email.into())
    );
    assert!(
        body["text"]
            .as_str()
            .is_some_and(|text| text.contains("http://localhost:4000/"))
    );
    house.stop().await;
}

async fn email_smtp_url_gets_mails_from_the_sender() {
    let server = Sink::smtp();
    let url = format!("smtp://{}", server.address);
    let house = House::with(
        Backend::Sqlite,
        &[ENABLED, SENDER, ("EMAIL_SMTP_URL", &url)],
    )
    .await;
    Person::register(&house.public(), "ada").await;
    let mail = server.wait_for(|asked| asked.line == "MAIL").await;
    assert!(
        mail.head.contains("MAIL FROM:<auth@id.example.org>"),
        "{}",
        mail.head
    );
    assert!(
        mail.head.contains("RCPT TO:<ada@example.org>"),
        "{}",
        mail.head
    );
    assert!(mail.text().contains("Subject:"), "{}", mail.text());
    house.stop().await;
}

async fn email_service_url_goes_before_email_smtp_url() {
    let (service, server) = (Sink::http(|_| (200, String::new())), Sink::smtp());
    let smtp = format!("smtp://{}", server.address);
    let settings = [
        ENABLED,
        SENDER,
        ("EMAIL_SERVICE_URL", &service.url()),
        ("EMAIL_SMTP_URL", &smtp),
    ];
    let house = House::with(Backend::Sqlite, &settings).await;
    Person::register(&house.public(), "ada").await;
    service
        .wait_for(|asked| asked.mentions("ada@example.org"))
        .await;
    house.stop().await;
    assert!(server.kept().is_empty());
}

async fn a_mail_service_that_is_away_holds_up_nobody() {
    let nobody = Gone::new();
    let gone = format!("http://{}", nobody.address);
    let house = House::with(
        Backend::Sqlite,
        &[ENABLED, SENDER, ("EMAIL_SERVICE_URL", &gone)],
    )
    .await;
    let person = Person::register(&house.public(), "ada").await;
    // It stays in the outbox, and is sent once there is somebody to take it.
    let service = Sink::http(|_| (200, String::new()));
    let house = house
        .restart(&[("EMAIL_SERVICE_URL", &service.url())])
        .await;
    house.clock.advance(std::time::Duration::from_hours(1));
    service
        .wait_for(|asked| asked.mentions(&person.email))
        .await;
    house.stop().await;
}

async fn a_mail_carries_its_tenants_name_picture_colour_and_language() {
    let service = Sink::http(|_| (202, String::new()));
    let url = service.url();
    let house = House::with(
        Backend::Sqlite,
        &[ENABLED, SENDER, ("EMAIL_SERVICE_URL", &url)],
    )
    .await;
    let branding = json!({
        "logo_uri": "https://cdn.example/logo.svg", "colour": "#0a7d33", "language": "de",
    });
    let body = json!({ "name": "Gärten", "config": { "branding": branding } });
    house
        .admin()
        .patch("/admin/tenants/default", body)
        .await
        .expect(200);
    let person = Person::register(&house.public(), "ada").await;
    let mail = service
        .wait_for(|asked| asked.mentions(&person.email))
        .await;
    let body: Value = serde_json::from_slice(&mail.body).expect("JSON");
    let part = |name: &str| body[name].as_str().expect("a text").to_owned();
    assert_eq!(part("subject"), "Bitte bestätigen Sie Ihre E-Mail-Adresse");
    assert!(part("text").ends_with("\nGärten"), "{}", part("text"));
    for shown in ["https://cdn.example/logo.svg", "#0a7d33", "alt=\"Gärten\""] {
        assert!(part("html").contains(shown), "{shown}: {}", part("html"));
    }
    house.stop().await;
}
