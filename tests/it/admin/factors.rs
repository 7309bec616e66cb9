//! /admin/users/{id}/mfa: second factors as operators look after them.

use serde_json::json;

use super::areas::holder;
use crate::auth::mfa::Owner;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    an_operator_takes_the_factors_of_somebody_who_lost_them,
    a_key_for_users_takes_no_operators_factors,
];

async fn an_operator_takes_the_factors_of_somebody_who_lost_them(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    let tokens = owner.login().await;
    let id = house.user_id(&owner.person).await;
    let admin = house.admin();
    let status = admin.get(&format!("/admin/users/{id}/mfa")).await;
    let status = status.expect(200).json();
    assert_eq!(
        (&status["type"], &status["enabled"]),
        (&json!("totp"), &json!(true))
    );
    let stale = owner.begin().await;
    admin
        .delete(&format!("/admin/users/{id}/mfa"))
        .await
        .expect(204);
    owner.person.me(&tokens.access).await.expect(401);
    owner.person.refresh(&tokens.refresh).await.expect(401);
    assert!(house.letter(&owner.person, "factors_reset").await.is_some());
    assert_eq!(house.audit_count("factors.reset").await, 1);
    // What was begun with the app is not finished with it.
    owner
        .verify(&stale, &owner.app.next_code())
        .await
        .expect(401);
    owner.person.login().await;
    let status = admin.get(&format!("/admin/users/{id}/mfa")).await;
    assert_eq!(status.expect(200).json()["backup_codes_remaining"], 0);
    let nobody = "0192f0c1-7a3b-7c5d-8e9f-0a1b2c3d4e5f";
    admin
        .get(&format!("/admin/users/{nobody}/mfa"))
        .await
        .expect(404);
    admin
        .delete(&format!("/admin/users/{nobody}/mfa"))
        .await
        .expect(404);
}

async fn a_key_for_users_takes_no_operators_factors(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let users = holder(&house, "admin:users").await;
    users
        .delete(&format!("/admin/users/{id}/mfa"))
        .await
        .expect(204);
    let body = json!({ "roles": ["admin"] });
    house
        .admin()
        .patch(&format!("/admin/users/{id}"), body)
        .await
        .expect(200);
    users
        .delete(&format!("/admin/users/{id}/mfa"))
        .await
        .expect_code(403, "FORBIDDEN");
    let clients = holder(&house, "admin:clients").await;
    clients
        .get(&format!("/admin/users/{id}/mfa"))
        .await
        .expect_code(403, "FORBIDDEN");
}
