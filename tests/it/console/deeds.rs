//! What is done on the console's pages: each is done by the flow of the API, under the operator's name.

use serde_json::json;

use super::{Office, next_of, secret_of};
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    accounts_are_made_changed_locked_opened_and_deleted,
    second_factors_are_taken_away,
    clients_are_registered_given_a_new_secret_closed_and_deleted,
    roles_and_policies_are_made_explained_and_deleted,
    a_role_is_given_and_taken_by_address,
    what_is_wrong_is_said_above_the_question,
    a_search_finds_the_beginning_of_a_name_page_by_page,
];

async fn accounts_are_made_changed_locked_opened_and_deleted(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/users/new").await;
    page.posts_to("/console/users/new");
    let filled = [
        ("email", "ada@example.org"),
        ("name", "Ada"),
        ("roles", "user"),
    ];
    let page = office.fill(&page, &filled).await;
    let place = page.path.split('?').next().unwrap_or_default();
    let id = place.trim_start_matches("/console/users/").to_owned();
    let page = office
        .admin
        .open(&format!("/console/users/{id}/edit"))
        .await;
    page.posts_to(&format!("/console/users/{id}/edit"));
    let changed = [
        ("email", "ada@example.org"),
        ("name", "Ada L."),
        ("roles", "user"),
    ];
    let page = office.fill(&page, &changed).await;
    assert!(
        page.answer.text.contains("<h1>Ada L.</h1>"),
        "{}",
        page.answer.text
    );
    let page = office
        .admin
        .open(&format!("/console/users/{id}/edit"))
        .await;
    office
        .fill(&page, &[("name", "Ada L."), ("roles", "")])
        .await;
    let path = format!("/admin/users/{id}");
    let emptied = house.admin().get(&path).await.expect(200).json();
    assert_eq!(emptied["roles"], json!([]), "what is emptied is taken away");
    let page = office
        .admin
        .open(&format!("/console/users/{id}/lock"))
        .await;
    page.posts_to(&format!("/console/users/{id}/lock"));
    let page = office
        .fill(&page, &[("reason", "lost <phone>"), ("how", "locked")])
        .await;
    assert!(page.answer.text.contains("lost &#60;phone&#62;"));
    let page = office
        .admin
        .open(&format!("/console/users/{id}/unlock"))
        .await;
    page.posts_to(&format!("/console/users/{id}/unlock"));
    office.fill(&page, &[]).await;
    let page = office
        .admin
        .open(&format!("/console/users/{id}/lock"))
        .await;
    office
        .fill(&page, &[("reason", "x"), ("how", "suspended")])
        .await;
    let status = house
        .admin()
        .get(&format!("/admin/users/{id}"))
        .await
        .expect(200);
    assert_eq!(status.json()["status"], "suspended");
    let page = office
        .admin
        .open(&format!("/console/users/{id}/delete"))
        .await;
    page.posts_to(&format!("/console/users/{id}/delete"));
    office.fill(&page, &[]).await;
    house
        .admin()
        .get(&format!("/admin/users/{id}"))
        .await
        .expect(404);
    let root = house.user_id(&office.owner.person).await;
    for event in [
        "user.created",
        "user.updated",
        "user.locked",
        "user.unlocked",
        "user.deleted",
    ] {
        let rows = house.audit_rows(event).await;
        let [row, ..] = &rows[..] else {
            panic!("no {event}");
        };
        assert_eq!(row.fields["actor_type"], "user", "{event}");
        assert_eq!(row.fields["actor_id"], json!(root), "{event}");
    }
}

async fn second_factors_are_taken_away(house: House) {
    let mut office = Office::open(&house).await;
    let owner = crate::auth::mfa::Owner::enroll(&house, "eve").await;
    let id = house.user_id(&owner.person).await;
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    assert!(
        page.answer
            .text
            .contains("an app, 0 passkeys, 10 backup codes")
    );
    let page = office
        .admin
        .open(&format!("/console/users/{id}/reset-mfa"))
        .await;
    page.posts_to(&format!("/console/users/{id}/reset-mfa"));
    let page = office.fill(&page, &[]).await;
    assert!(page.answer.text.contains("0 passkeys, 0 backup codes"));
    owner.person.login().await;
}

async fn clients_are_registered_given_a_new_secret_closed_and_deleted(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/clients/new").await;
    page.posts_to("/console/clients/new");
    let filled = [
        ("name", "Robot"),
        ("client_type", "service"),
        ("token_endpoint_auth_method", ""),
        ("redirect_uris", ""),
        ("grant_types", "client_credentials"),
        ("scopes", "read"),
    ];
    let page = office.admin.submit(&page, &filled).await;
    page.expect(200);
    let first = secret_of(&page.answer.text);
    let clients = house.admin().get("/admin/clients").await.expect(200).json();
    let id = clients["clients"][0]["client_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    house.client_token(&id, &first).await.expect(200);
    let page = office.admin.open(&format!("/console/clients/{id}")).await;
    page.expect(200);
    assert!(!page.answer.text.contains("qf_cs_"), "it is shown once");
    let page = office
        .admin
        .open(&format!("/console/clients/{id}/rotate-secret"))
        .await;
    page.posts_to(&format!("/console/clients/{id}/rotate-secret"));
    let page = office.admin.submit(&page, &[]).await;
    page.expect(200);
    let second = secret_of(&page.answer.text);
    assert_ne!(first, second);
    for secret in [&first, &second] {
        house.client_token(&id, secret).await.expect(200);
    }
    for (is_closed, status) in [(true, 401), (false, 200)] {
        let page = office
            .admin
            .open(&format!("/console/clients/{id}/disable"))
            .await;
        page.posts_to(&format!("/console/clients/{id}/disable"));
        let page = office.fill(&page, &[]).await;
        assert_eq!(page.answer.text.contains(">closed<"), is_closed);
        house.client_token(&id, &second).await.expect(status);
    }
    let page = office
        .admin
        .open(&format!("/console/clients/{id}/delete"))
        .await;
    page.posts_to(&format!("/console/clients/{id}/delete"));
    let page = office.fill(&page, &[]).await;
    assert!(page.answer.text.contains("No client is registered."));
}

async fn roles_and_policies_are_made_explained_and_deleted(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/roles/new").await;
    page.posts_to("/console/roles/new");
    let role = [
        ("name", "clerk"),
        ("description", "Invoices"),
        ("inherits", "user"),
    ];
    office.fill(&page, &role).await;
    let page = office.admin.open("/console/roles/policies/new").await;
    page.posts_to("/console/roles/policies/new");
    let policy = [
        ("subject", "clerk"),
        ("object", "invoices/*"),
        ("action", "read"),
    ];
    let page = office.fill(&page, &policy).await;
    let place = page
        .answer
        .text
        .split("/console/roles/policies/")
        .skip(1)
        .find(|part| part.contains("/delete\""));
    let id = place
        .and_then(|rest| rest.split('/').next())
        .expect("a policy")
        .to_owned();
    let query = "subject=clerk&object=invoices%2F7";
    for (action, said) in [("read", ">allowed<"), ("write", "not allowed")] {
        let path = format!("/console/roles/explain?{query}&action={action}");
        let page = office.admin.open(&path).await;
        assert!(
            page.answer.text.contains(said),
            "{action}: {}",
            page.answer.text
        );
    }
    office
        .admin
        .open("/console/roles/explain")
        .await
        .expect(200);
    let page = office
        .admin
        .open(&format!("/console/roles/policies/{id}/delete"))
        .await;
    page.posts_to(&format!("/console/roles/policies/{id}/delete"));
    office.fill(&page, &[]).await;
    let name = "clerk";
    let page = office
        .admin
        .open(&format!("/console/roles/{name}/delete"))
        .await;
    page.posts_to(&format!("/console/roles/{name}/delete"));
    let page = office.fill(&page, &[]).await;
    assert!(!page.answer.text.contains("<code>clerk</code>"));
}

async fn a_role_is_given_and_taken_by_address(house: House) {
    let mut office = Office::open(&house).await;
    let person = Person::register(&house.public(), "ada").await;
    let page = office.admin.open("/console/roles/grant").await;
    page.posts_to("/console/roles/grant");
    office
        .fill(&page, &[("user", &person.email), ("role", "service")])
        .await;
    let id = house.user_id(&person).await;
    let roles = async || {
        let user = house.admin().get(&format!("/admin/users/{id}")).await;
        user.expect(200).json()["roles"].clone()
    };
    assert_eq!(roles().await, json!(["user", "service"]));
    let page = office.admin.open("/console/roles/revoke").await;
    page.posts_to("/console/roles/revoke");
    office
        .fill(&page, &[("user", &id), ("role", "service")])
        .await;
    assert_eq!(roles().await, json!(["user"]));
    let page = office.admin.open("/console/roles/grant").await;
    let wrong = [("user", "nobody@example.org"), ("role", "service")];
    let page = office.admin.submit(&page, &wrong).await;
    page.expect(422);
    assert!(
        page.answer
            .text
            .contains("user: is nobody&#39;s address or id"),
        "{}",
        page.answer.text
    );
}

async fn what_is_wrong_is_said_above_the_question(house: House) {
    let mut office = Office::open(&house).await;
    let page = office.admin.open("/console/users/new").await;
    let wrong = [
        ("email", "no address"),
        ("name", ""),
        ("roles", "A!"),
        ("password", "short"),
    ];
    let page = office.admin.submit(&page, &wrong).await;
    page.expect(422);
    for field in ["email: ", "name: ", "roles: ", "password: "] {
        assert!(
            page.answer.text.contains(field),
            "{field}: {}",
            page.answer.text
        );
    }
    assert!(
        page.answer.text.contains("value=\"no address\""),
        "what was typed is kept"
    );
    assert!(
        !page.answer.text.contains("value=\"short\""),
        "but no password"
    );
    let id = house.user_id(&office.owner.person).await;
    let page = office
        .admin
        .open(&format!("/console/users/{id}/edit"))
        .await;
    let body = json!({ "name": "Somebody" });
    house
        .admin()
        .patch(&format!("/admin/users/{id}"), body)
        .await
        .expect(200);
    let late = office
        .admin
        .submit(&page, &[("name", "Else"), ("roles", "admin user")])
        .await;
    late.expect(412);
    assert!(
        late.answer
            .text
            .contains("It has changed since that version.")
    );
}

async fn a_search_finds_the_beginning_of_a_name_page_by_page(house: House) {
    let mut office = Office::open(&house).await;
    for number in 0..25 {
        let body = json!({ "email": format!("ada{number}@example.org"), "name": "Ada" });
        house.admin().post("/admin/users", body).await.expect(201);
    }
    let page = office
        .admin
        .open("/console/users?search=ada&status=active")
        .await;
    assert!(
        page.answer.text.contains("25 found."),
        "{}",
        page.answer.text
    );
    assert_eq!(page.answer.text.matches("@example.org</a>").count(), 20);
    let page = office.admin.open(&next_of(&page)).await;
    assert_eq!(page.answer.text.matches("@example.org</a>").count(), 5);
    let page = office
        .admin
        .open("/console/users?search=%22%3E%3Cscript%3E")
        .await;
    assert!(page.answer.text.contains("Nobody is found.") && !page.answer.text.contains("<script"));
    let forged = office.admin.open("/console/users?cursor=x").await;
    forged.expect(400);
}
