//! `MFA_ISSUER`, `MFA_DIGITS`, `MFA_PERIOD`, `MFA_BACKUP_CODE_COUNT`; `WEBAUTHN_RP_ID`, `WEBAUTHN_RP_NAME`,
//! `WEBAUTHN_RP_ORIGINS`.

use serde_json::json;

use crate::auth::mfa::App;
use crate::authenticator::Authenticator;
use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::scenes;

scenes![
    mfa_issuer_digits_period_and_backup_code_count_are_what_apps_are_set_up_with,
    webauthn_rp_id_name_and_origins_are_what_passkeys_are_bound_to,
    an_issuer_that_is_an_address_has_no_passkeys,
];

async fn mfa_issuer_digits_period_and_backup_code_count_are_what_apps_are_set_up_with() {
    let own = [
        ("MFA_ISSUER", "Garden: Tools"),
        ("MFA_DIGITS", "8"),
        ("MFA_PERIOD", "60"),
        ("MFA_BACKUP_CODE_COUNT", "3"),
    ];
    let house = House::with(Backend::Sqlite, &own).await;
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let setup = me.post("/auth/mfa/setup", json!({})).await.expect(200);
    let uri = setup.field("uri");
    for part in ["Garden%20%20Tools", "digits=8", "period=60"] {
        assert!(uri.contains(part), "{uri}");
    }
    let app = App::new(&house, &setup.field("secret")).with(8, 60);
    let code = app.code();
    assert_eq!(code.len(), 8);
    let confirmed = me.post("/auth/mfa/confirm", json!({ "code": code })).await;
    let confirmed = confirmed.expect(200).json();
    assert_eq!(confirmed["backup_codes"].as_array().map(Vec::len), Some(3));
    house.stop().await;
}

async fn webauthn_rp_id_name_and_origins_are_what_passkeys_are_bound_to() {
    let own = [
        ("WEBAUTHN_RP_ID", "localhost"),
        ("WEBAUTHN_RP_NAME", "Garden"),
        ("WEBAUTHN_RP_ORIGINS", "http://localhost:4444"),
    ];
    let house = House::with(Backend::Sqlite, &own).await;
    let person = Person::register(&house.public(), "ada").await;
    let me = house.public().bearer(&person.login().await.access);
    let begun = me.post("/auth/webauthn/register/begin", json!({})).await;
    let begun = begun.expect(200).json();
    assert_eq!(
        begun["options"]["rp"],
        json!({ "id": "localhost", "name": "Garden" })
    );
    // The page that this authenticator believes it is on is none of ours now.
    let response = Authenticator::new().create(&begun["options"]);
    let body = json!({ "name": "Key", "state": begun["state"], "response": response });
    me.post("/auth/webauthn/register/finish", body)
        .await
        .expect(401);
    house.stop().await;
}

async fn an_issuer_that_is_an_address_has_no_passkeys() {
    let own = [("OIDC_ISSUER_URL", "http://127.0.0.1:4000")];
    let house = House::with(Backend::Sqlite, &own).await;
    let public = house.public();
    let refused = public.post("/auth/webauthn/login/begin", json!({})).await;
    refused.expect_code(404, "NOT_FOUND");
    house.stop().await;
}
