//! /admin/users/{id}/consents: what a person allowed clients, as operators see it and take it back.

use serde_json::json;

use super::areas::{holder, holder_in};
use crate::auth::consents::Story;
use crate::cases;
use crate::house::House;

cases![
    rfc_6749_10_2_an_operator_sees_and_takes_back_what_a_person_allowed,
    a_consent_is_out_of_reach_of_other_tenants_and_areas,
];

async fn rfc_6749_10_2_an_operator_sees_and_takes_back_what_a_person_allowed(house: House) {
    let story = Story::new(house).await;
    let (house, admin) = (&story.world.house, story.world.house.admin());
    let user = house.user_id(&story.world.person).await;
    let path = format!("/admin/users/{user}/consents");
    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(listed["consents"], json!(story.consents().await));
    let client = &story.world.web.id;
    admin.delete(&format!("{path}/{client}")).await.expect(204);
    story.assert_ended(&story.tokens).await;
    assert!(story.consents().await.is_empty());
    let rows = house.audit_rows("consent.revoked").await;
    assert_eq!(rows[0].fields["actor_type"], "api_key");
    assert_eq!(rows[0].fields["subject"], json!(user));
    let again = admin.delete(&format!("{path}?client_id={client}")).await;
    again.expect_code(404, "NOT_FOUND");
    let nobody = "/admin/users/0192f0c1-7a3b-7c5d-8e9f-0a1b2c3d4e5f/consents";
    admin.get(nobody).await.expect(404);
    let typo = admin.delete(&format!("{path}/{client}?clientid=x")).await;
    typo.expect_code(422, "VALIDATION_ERROR");
}

async fn a_consent_is_out_of_reach_of_other_tenants_and_areas(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    let user = house.user_id(&story.world.person).await;
    let path = format!("/admin/users/{user}/consents/{}", story.world.web.id);
    let clients = holder(house, "admin:clients").await;
    clients.delete(&path).await.expect(403);
    house.stranger().delete(&path).await.expect(401);
    house.add_tenant("acme").await;
    let elsewhere = house.admin().with("x-tenant-id", "acme");
    elsewhere.delete(&path).await.expect(404);
    let theirs = holder_in(house, "acme", "admin:*").await;
    theirs.delete(&path).await.expect(404);
    let within = theirs.with("x-tenant-id", "default");
    within.delete(&path).await.expect(401);
    story
        .world
        .person
        .me(&story.tokens.access)
        .await
        .expect(200);
    let users = holder(house, "admin:users").await;
    let client = &story.world.web.id;
    users
        .delete(&format!("/admin/users/{user}/consents?client_id={client}"))
        .await
        .expect(204);
}
