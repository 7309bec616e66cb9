//! `MFA_ISSUER`, `MFA_DIGITS`, `MFA_PERIOD`, `MFA_BACKUP_CODE_COUNT`.

use serde_json::json;

use crate::auth::mfa::App;
use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::scenes;

scenes![mfa_issuer_digits_period_and_backup_code_count_are_what_apps_are_set_up_with,];

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
