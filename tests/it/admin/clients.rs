//! /admin/clients (CONTRACT §9).

use serde_json::json;

use crate::cases;
use crate::house::House;

cases![
    a_client_is_created_read_changed_and_deleted,
    a_rotated_secret_leaves_the_old_one_a_day_of_grace,
    a_disabled_client_gets_no_token,
];

async fn a_client_is_created_read_changed_and_deleted(house: House) {
    let (id, _) = house.add_client(&["read"]).await;
    let admin = house.admin();
    let path = format!("/admin/clients/{id}");
    let read = admin.get(&path).await.expect(200);
    assert!(!read.text.contains("secret\":\"qf_cs_"), "{}", read.text);
    let list = admin.get("/admin/clients").await.expect(200).json();
    assert_eq!(list["clients"].as_array().map(Vec::len), Some(1));
    let renamed = admin
        .patch(&path, json!({ "name": "Other" }))
        .await
        .expect(200);
    assert_eq!(renamed.field("name"), "Other");
    admin
        .patch(&path, json!({ "nmae": "typo" }))
        .await
        .expect_code(422, "VALIDATION_ERROR");
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect_code(404, "NOT_FOUND");
}

async fn a_rotated_secret_leaves_the_old_one_a_day_of_grace(house: House) {
    let (id, old) = house.add_client(&["read"]).await;
    let path = format!("/admin/clients/{id}/rotate-secret");
    let new = house
        .admin()
        .post(&path, json!({}))
        .await
        .expect(200)
        .field("client_secret");
    assert_ne!(old, new);
    house.client_token(&id, &old).await.expect(200);
    house.client_token(&id, &new).await.expect(200);
    house.clock.advance(std::time::Duration::from_hours(24));
    house
        .client_token(&id, &old)
        .await
        .expect_oauth(401, "invalid_client");
    house.client_token(&id, &new).await.expect(200);
}

async fn a_disabled_client_gets_no_token(house: House) {
    let (id, secret) = house.add_client(&["read"]).await;
    house.client_token(&id, &secret).await.expect(200);
    let path = format!("/admin/clients/{id}");
    house
        .admin()
        .patch(&path, json!({ "disabled": true }))
        .await
        .expect(200);
    house
        .client_token(&id, &secret)
        .await
        .expect_oauth(401, "invalid_client");
    house.admin().delete(&path).await.expect(204);
    house
        .client_token(&id, &secret)
        .await
        .expect_oauth(401, "invalid_client");
}
