//! /admin/users/{id}/identities: what other issuers call a person, as operators look after it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::areas::{holder, holder_in};
use crate::cases;
use crate::client::{Answer, Client, Person};
use crate::house::House;
use crate::oauth::chosen::choose_for;
use crate::oauth::linked::{IDP, trusting};

cases![
    an_operator_links_lists_and_unlinks_what_another_issuer_calls_somebody,
    what_is_another_accounts_or_of_nobody_trusted_is_not_linked,
    an_identity_is_out_of_reach_of_other_tenants_areas_and_makers_of_no_operators,
    a_linked_identity_is_exported_told_and_erased_with_the_account,
    a_person_is_told_by_mail_of_a_link_and_of_its_end,
];

/// Somebody, in a tenant that takes the word of an issuer; gives their id.
async fn somebody(house: &House, name: &str) -> String {
    let person = Person::register(&house.public(), name).await;
    house.user_id(&person).await
}

async fn link(door: &Client, user: &str, subject: &str) -> Answer {
    let body = json!({ "issuer": IDP, "subject": subject });
    door.post(&format!("/admin/users/{user}/identities"), body)
        .await
}

async fn list(door: &Client, user: &str) -> Value {
    let listed = door.get(&format!("/admin/users/{user}/identities")).await;
    listed.expect(200).json()["identities"].take()
}

async fn an_operator_links_lists_and_unlinks_what_another_issuer_calls_somebody(house: House) {
    choose_for(&house, "default", trusting(&[IDP])).await;
    let (user, admin) = (somebody(&house, "ada").await, house.admin());
    assert_eq!(list(&admin, &user).await, json!([]));
    let made = link(&admin, &user, "Ada/é").await.expect(201).json();
    assert_eq!(
        (&made["issuer"], &made["subject"]),
        (&json!(IDP), &json!("Ada/é"))
    );
    let again = link(&admin, &user, "Ada/é").await.expect(200).json();
    assert_eq!(again, made, "it is linked since then");
    assert_eq!(list(&admin, &user).await, json!([made]));
    let once = admin.with("idempotency-key", "link-1");
    let first = link(&once, &user, "b").await.expect(201).json();
    let repeated = link(&once, &user, "b").await.expect(201);
    assert_eq!(repeated.header("idempotency-replayed"), "true");
    assert_eq!(repeated.json(), first);
    let rows = house.audit_rows("identity.linked").await;
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!(row.fields["subject"], json!(user));
        assert!(!row.fields.to_string().contains("Ada/"), "{row:?}");
    }

    let id = made["id"].as_str().expect("an id");
    let one = format!("/admin/users/{user}/identities/{id}");
    admin.delete(&one).await.expect(204);
    admin.delete(&one).await.expect_code(404, "NOT_FOUND");
    assert_eq!(list(&admin, &user).await, json!([first]));
    assert_eq!(house.audit_count("identity.unlinked").await, 1);
}

async fn what_is_another_accounts_or_of_nobody_trusted_is_not_linked(house: House) {
    choose_for(&house, "default", trusting(&[IDP])).await;
    let (ada, eve) = (somebody(&house, "ada").await, somebody(&house, "eve").await);
    let admin = house.admin();
    link(&admin, &ada, "x").await.expect(201);
    link(&admin, &eve, "x").await.expect_code(409, "CONFLICT");
    assert_eq!(list(&admin, &eve).await, json!([]));
    let path = format!("/admin/users/{eve}/identities");
    for (issuer, subject, field) in [
        ("https://other.example", "y", "issuer"),
        ("https://IDP.example", "y", "issuer"),
        (IDP, "", "subject"),
        (IDP, &"a".repeat(256), "subject"),
    ] {
        let body = json!({ "issuer": issuer, "subject": subject });
        let refused = admin.post(&path, body).await;
        let refused = refused.expect_code(422, "VALIDATION_ERROR").json();
        assert_eq!(refused["details"][0]["field"], field, "{issuer} {subject}");
    }
    let missing = admin.post(&path, json!({ "issuer": IDP })).await;
    missing.expect_code(422, "VALIDATION_ERROR");
    let nobody = "0192f0c1-7a3b-7c5d-8e9f-0a1b2c3d4e5f";
    link(&admin, nobody, "y").await.expect(404);
    let nobodys = format!("/admin/users/{nobody}/identities");
    admin.get(&nobodys).await.expect(404);
    // What is one account's is not taken away by another's path.
    let of_ada = list(&admin, &ada).await[0]["id"].clone();
    let of_ada = of_ada.as_str().expect("an id");
    let wrong = admin.delete(&format!("{path}/{of_ada}")).await;
    wrong.expect(404);
    assert_eq!(list(&admin, &ada).await.as_array().map(Vec::len), Some(1));

    let asked = [&ada, &eve].map(|user| link(&admin, user, "z"));
    let answers = join_all(asked).await;
    let mut codes: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [201, 409], "one of two at once");
}

async fn an_identity_is_out_of_reach_of_other_tenants_areas_and_makers_of_no_operators(
    house: House,
) {
    house.add_tenant("acme").await;
    for slug in ["default", "acme"] {
        choose_for(&house, slug, trusting(&[IDP])).await;
    }
    let (ada, admin) = (somebody(&house, "ada").await, house.admin());
    let made = link(&admin, &ada, "x").await.expect(201);
    let path = format!("/admin/users/{ada}/identities/{}", made.field("id"));
    let clients = holder(&house, "admin:clients").await;
    let reader = holder(&house, "admin:users:read").await;
    let theirs = holder_in(&house, "acme", "admin:*").await;
    let elsewhere = admin.with("x-tenant-id", "acme");
    for (door, status) in [
        (&clients, 403),
        (&reader, 403),
        (&house.stranger(), 401),
        (&theirs, 404),
        (&elsewhere, 404),
    ] {
        link(door, &ada, "y").await.expect(status);
        door.delete(&path).await.expect(status);
    }
    list(&reader, &ada).await;
    let users = holder(&house, "admin:users").await;
    link(&users, &ada, "y").await.expect(201);
    let promoted = json!({ "roles": ["user", "admin"] });
    let own = format!("/admin/users/{ada}");
    admin.patch(&own, promoted).await.expect(200);
    link(&users, &ada, "z").await.expect(403);
    users.delete(&path).await.expect(403);
    admin.delete(&path).await.expect(204);
}

async fn a_linked_identity_is_exported_told_and_erased_with_the_account(house: House) {
    choose_for(&house, "default", trusting(&[IDP])).await;
    let person = Person::register(&house.public(), "ada").await;
    let (user, admin) = (house.user_id(&person).await, house.admin());
    let made = link(&admin, &user, "x").await.expect(201).json();
    let me = house.public().bearer(&person.login().await.access);
    let export = me.get("/auth/me/export").await.expect(200).json();
    assert_eq!(export["identities"], json!([made]));
    let activity = export["activity"].as_array().expect("activity");
    let is_told = |one: &Value| one["event"] == "identity.linked";
    assert!(activity.iter().any(is_told));
    assert_eq!(house.count_rows("external_identities").await, 1);
    let path = format!("/admin/users/{user}");
    admin.delete(&path).await.expect(204);
    assert_eq!(house.count_rows("external_identities").await, 0);
}

async fn a_person_is_told_by_mail_of_a_link_and_of_its_end(house: House) {
    choose_for(&house, "default", trusting(&[IDP])).await;
    let person = Person::register(&house.public(), "ada").await;
    let (user, admin) = (house.user_id(&person).await, house.admin());
    let made = link(&admin, &user, "x").await.expect(201);
    let told = house.printed_mail(&person, "identity_linked").await;
    assert!(told.contains("Provider: idp.example"), "{told}");
    let path = format!("/admin/users/{user}/identities/{}", made.field("id"));
    admin.delete(&path).await.expect(204);
    let told = house.printed_mail(&person, "identity_unlinked").await;
    assert!(told.contains("Provider: idp.example"), "{told}");
}
