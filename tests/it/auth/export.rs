//! GET /auth/me/export: everything that is kept of a person, for themselves.

use std::time::Duration;

use serde_json::{Value, json};

use super::consents::Story;
use super::mfa::Owner;
use crate::cases;
use crate::client::{Person, Tokens};
use crate::house::House;

cases![
    gdpr_20_everything_that_is_kept_is_in_one_document,
    gdpr_15_4_no_secret_and_nothing_of_others_is_in_it,
    only_a_fresh_sign_in_takes_the_data_along,
    no_application_takes_a_persons_data_along,
];

async fn gdpr_20_everything_that_is_kept_is_in_one_document(house: House) {
    let story = Story::new(house).await;
    let export = story.me.get("/auth/me/export").await.expect(200);
    let file = export.header("content-disposition");
    assert_eq!(file, "attachment; filename=\"account.json\"");
    let export = export.json();
    assert_eq!(export["version"], 1);
    assert_eq!(
        export["account"]["email"],
        story.world.person.email.as_str()
    );
    assert_eq!(export["account"]["status"], "active");
    assert!(export["password"]["set_at"].is_string() && export["exported_at"].is_string());
    let consent = &export["consents"][0];
    assert_eq!(consent["client_id"], story.world.web.id.as_str());
    assert!(
        consent["scopes"]
            .as_array()
            .expect("scopes")
            .contains(&json!("email"))
    );
    let sessions = export["sessions"].as_array().expect("sessions");
    assert!(sessions.iter().any(|session| session["current"] == true));
    let activity = export["activity"].as_array().expect("activity");
    assert_eq!(export["activity_total"], json!(activity.len()));
    assert_eq!(activity[0]["event"], "user.exported", "it is told itself");
    assert!(
        activity
            .iter()
            .any(|one| one["event"] == "authorization.granted")
    );
}

async fn gdpr_15_4_no_secret_and_nothing_of_others_is_in_it(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let eve = Person::register(&house.public(), "eve").await;
    eve.login().await;
    let id = house.user_id(&owner.person).await;
    let rename = json!({ "name": "Countess" });
    let operator = house.admin().with("user-agent", "Console/9");
    operator
        .patch(&format!("/admin/users/{id}"), rename)
        .await
        .expect(200);
    let tokens = owner.login().await;
    let me = house.public().bearer(&tokens.access);
    let export = me.get("/auth/me/export").await.expect(200);
    let text = &export.text;
    let export = export.json();
    let factors = &export["second_factors"];
    assert!(factors["app"]["confirmed_at"].is_string());
    assert_eq!(factors["backup_codes_remaining"], 10);
    let rows = house.audit_rows("user.updated").await;
    let operator = rows[0].fields["actor_id"].as_str().expect("an operator");
    let others = [
        operator,
        "Console/9",
        &eve.email,
        &house.user_id(&eve).await,
    ]
    .map(str::to_owned);
    let secrets = [
        &owner.person.password,
        &tokens.access,
        &tokens.refresh,
        &owner.codes[0],
    ];
    for secret in others.iter().chain(secrets) {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
    for word in [
        "argon2",
        "phc",
        "pepper",
        "secret",
        "signature",
        "sealed",
        "hash",
        "qf_",
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    assert_ne!(export["account"]["name"], Value::Null);
}

async fn only_a_fresh_sign_in_takes_the_data_along(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let tokens = owner.login().await;
    house.clock.advance(Duration::from_mins(14));
    let tokens = Tokens::of(&owner.person.refresh(&tokens.refresh).await.expect(200));
    let me = house.public().bearer(&tokens.access);
    me.get("/auth/me/export").await.expect(200);
    house.clock.advance(Duration::from_mins(2));
    let refused = me.get("/auth/me/export").await.expect(401);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_user_authentication\""),
        "{challenge}"
    );
    assert!(
        challenge.contains("acr_values=\"urn:nist:sp:800-63b-4:aal2\""),
        "{challenge}"
    );
    house.public().get("/auth/me/export").await.expect(401);
    assert_eq!(house.audit_count("user.exported").await, 1);
}

async fn no_application_takes_a_persons_data_along(house: House) {
    let story = Story::new(house).await;
    let application = story.world.house.public().bearer(&story.tokens.access);
    let refused = application.get("/auth/me/export").await;
    refused.expect_code(403, "FORBIDDEN");
}
