//! /admin/users/{id}/{activity,sessions,export,erase} and /admin/users/bulk.

use serde_json::{Value, json};

use super::areas::holder_in;
use crate::cases;
use crate::client::{Client, Person};
use crate::house::House;

cases![
    an_operator_sees_what_happened_and_who_did_it,
    an_operator_ends_one_sign_in_or_all,
    an_operator_takes_along_what_is_kept_of_a_person,
    an_account_is_erased_at_once_and_the_trail_says_why,
    nothing_of_another_tenants_accounts_is_seen_or_done,
    a_list_is_narrowed_and_sorted_and_its_cursors_belong_to_it,
];

async fn path_of(house: &House, person: &Person) -> String {
    format!("/admin/users/{}", house.user_id(person).await)
}

async fn an_operator_sees_what_happened_and_who_did_it(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let other = Person::register(&house.public(), "bob").await;
    let (path, theirs) = (
        path_of(&house, &person).await,
        path_of(&house, &other).await,
    );
    let admin = house.admin();
    let lock = json!({ "reason": "a secret reason" });
    admin.post(&format!("{path}/lock"), lock).await.expect(200);
    let list = format!("{path}/activity");
    let first = admin.get(&format!("{list}?per_page=1")).await.expect(200);
    assert!(!first.text.contains("a secret reason"));
    let first = first.json();
    let newest = &first["activity"][0];
    assert_eq!(newest["event"], "user.locked");
    assert_eq!(
        (&newest["by"], &newest["actor_type"]),
        (&json!("administrator"), &json!("api_key"))
    );
    assert_eq!(first["total"], 2);
    let cursor = first["next_cursor"].as_str().expect("more");
    let next = admin
        .get(&format!("{list}?per_page=1&cursor={cursor}"))
        .await;
    let next = next.expect(200).json();
    assert_eq!(next["activity"][0]["event"], "user.registered");
    assert!(next["next_cursor"].is_null());
    // It is this account's cursor.
    let stolen = format!("{theirs}/activity?cursor={cursor}");
    admin.get(&stolen).await.expect_code(400, "BAD_REQUEST");
    let nobody = "/admin/users/018f2b6e-0000-7000-8000-000000000000/activity";
    admin.get(nobody).await.expect_code(404, "NOT_FOUND");
    let id = house.user_id(&other).await;
    admin
        .get(&format!("/admin/users/{id}/activity"))
        .await
        .expect(200);
}

async fn an_operator_ends_one_sign_in_or_all(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let other = Person::register(&house.public(), "bob").await;
    let (path, admin) = (path_of(&house, &person).await, house.admin());
    let [one, two] = [person.login().await, person.login().await];
    let theirs = other.login().await;
    let list = format!("{path}/sessions");
    let shown = admin.get(&list).await.expect(200).json();
    let ids: Vec<&str> = shown["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .filter_map(|session| session["id"].as_str())
        .collect();
    assert_eq!(ids.len(), 2);
    let foreign = format!("{}/sessions/{}", path_of(&house, &other).await, ids[0]);
    admin.delete(&foreign).await.expect_code(404, "NOT_FOUND");
    admin
        .delete(&format!("{list}/{}", ids[0]))
        .await
        .expect(204);
    admin
        .delete(&format!("{list}/{}", ids[0]))
        .await
        .expect(404);
    let alive = |status: u16| usize::from(status == 200);
    let left = alive(person.me(&one.access).await.status.as_u16())
        + alive(person.me(&two.access).await.status.as_u16());
    assert_eq!(left, 1, "the other sign-in goes on");
    admin.delete(&list).await.expect(204);
    person.me(&one.access).await.expect(401);
    person.me(&two.access).await.expect(401);
    person.refresh(&two.refresh).await.expect(401);
    other.me(&theirs.access).await.expect(200);
    let nobody = "/admin/users/018f2b6e-0000-7000-8000-000000000000/sessions";
    admin.get(nobody).await.expect(404);
    admin.delete(nobody).await.expect(404);
    let (id, session) = (house.user_id(&other).await, "none");
    let unknown = admin
        .delete(&format!("/admin/users/{id}/sessions/{session}"))
        .await;
    unknown.expect_code(404, "NOT_FOUND");
    admin
        .get(&format!("/admin/users/{id}/sessions"))
        .await
        .expect(200);
    admin
        .delete(&format!("/admin/users/{id}/sessions"))
        .await
        .expect(204);
    other.me(&theirs.access).await.expect(401);
}

async fn an_operator_takes_along_what_is_kept_of_a_person(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    person.login().await;
    let path = path_of(&house, &person).await;
    let export = house
        .admin()
        .get(&format!("{path}/export"))
        .await
        .expect(200);
    assert!(
        export
            .header("content-disposition")
            .starts_with("attachment")
    );
    let shown = export.json();
    assert_eq!(shown["account"]["email"], person.email.as_str());
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["sessions"][0]["current"], false);
    let events: Vec<&Value> = shown["activity"]
        .as_array()
        .expect("activity")
        .iter()
        .collect();
    assert_eq!(events[0]["event"], "user.exported");
    assert_eq!(events[0]["by"], "administrator");
    for secret in ["argon2", "qf_", "api_key"] {
        assert!(!export.text.contains(secret), "{secret}");
    }
    let id = house.user_id(&person).await;
    let again = house
        .admin()
        .get(&format!("/admin/users/{id}/export"))
        .await;
    assert_eq!(again.expect(200).json()["version"], 1);
}

async fn an_account_is_erased_at_once_and_the_trail_says_why(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let (path, admin) = (path_of(&house, &person).await, house.admin());
    let erase = format!("{path}/erase");
    for body in [
        json!({}),
        json!({ "reason": "Ada Lovelace wrote to us" }),
        json!({ "reason": "request", "reference": "ada@example.org" }),
        json!({ "reason": "request", "comment": "x" }),
    ] {
        let refused = admin.post(&erase, body).await;
        refused.expect_code(422, "VALIDATION_ERROR");
    }
    let body = json!({ "reason": "request", "reference": "DSR-17" });
    let stale = admin
        .with("if-match", "\"99\"")
        .post(&erase, body.clone())
        .await;
    stale.expect_code(412, "PRECONDITION_FAILED");
    person.me(&tokens.access).await.expect(200);
    admin.post(&erase, body.clone()).await.expect(204);
    person.me(&tokens.access).await.expect(401);
    person.refresh(&tokens.refresh).await.expect(401);
    admin.get(&path).await.expect(404);
    admin.post(&erase, body).await.expect(404);
    let rows = house.audit_rows("user.deleted").await;
    assert_eq!(rows.len(), 1);
    let detail = json!({ "reason": "request", "reference": "DSR-17" });
    assert_eq!(rows[0].fields["detail"], detail);
    // The address is free again.
    Person::register(&house.public(), "ada").await;
    let nobody = "018f2b6e-0000-7000-8000-000000000000";
    let path = format!("/admin/users/{nobody}/erase");
    let gone = admin.post(&path, json!({ "reason": "request" }));
    gone.await.expect_code(404, "NOT_FOUND");
}

async fn nothing_of_another_tenants_accounts_is_seen_or_done(house: House) {
    house.add_tenant("other").await;
    let person = Person::register(&house.public(), "ada").await;
    let (id, tokens) = (house.user_id(&person).await, person.login().await);
    let door = holder_in(&house, "other", "admin:*").await;
    let path = format!("/admin/users/{id}");
    for part in ["activity", "sessions", "export"] {
        door.get(&format!("{path}/{part}")).await.expect(404);
    }
    door.delete(&format!("{path}/sessions")).await.expect(404);
    let erase = door
        .post(&format!("{path}/erase"), json!({ "reason": "request" }))
        .await;
    erase.expect(404);
    let body = json!({ "user_ids": [id], "reason": "x" });
    let done = door
        .post("/admin/users/bulk/lock", body)
        .await
        .expect(200)
        .json();
    assert_eq!(done["affected"], 0);
    person.me(&tokens.access).await.expect(200);
}

async fn list(door: &Client, query: &str) -> (Vec<String>, Value) {
    let page = door
        .get(&format!("/admin/users?{query}"))
        .await
        .expect(200)
        .json();
    let users = page["users"].as_array().expect("users");
    let emails = users.iter().filter_map(|user| user["email"].as_str());
    let names = emails.filter_map(|email| email.split('@').next());
    (names.map(str::to_owned).collect(), page.clone())
}

async fn a_list_is_narrowed_and_sorted_and_its_cursors_belong_to_it(house: House) {
    let admin = house.admin();
    for name in ["cy", "ada", "bob"] {
        Person::register(&house.public(), name).await;
        house.clock.advance(std::time::Duration::from_mins(1));
    }
    let (newest, _) = list(&admin, "").await;
    assert_eq!(newest, ["bob", "ada", "cy"]);
    let (first, page) = list(&admin, "sort=email&per_page=2").await;
    assert_eq!(first, ["ada", "bob"]);
    let cursor = page["next_cursor"].as_str().expect("more");
    let (rest, page) = list(&admin, &format!("sort=email&per_page=2&cursor={cursor}")).await;
    assert_eq!(
        (rest, &page["next_cursor"]),
        (vec!["cy".to_owned()], &Value::Null)
    );
    for other in [
        "",
        "sort=newest&",
        "sort=email&status=active&",
        "sort=email&mfa=false&",
    ] {
        let path = format!("/admin/users?{other}cursor={cursor}");
        admin.get(&path).await.expect_code(400, "BAD_REQUEST");
    }
    let at = |index: usize| format!("2027-01-15T08:0{index}:00Z");
    for (query, expected) in [
        ("mfa=true".to_owned(), vec![]),
        ("mfa=false".to_owned(), vec!["bob", "ada", "cy"]),
        ("email_verified=true".to_owned(), vec![]),
        ("email_verified=false&search=b".to_owned(), vec!["bob"]),
        (format!("created_from={}", at(1)), vec!["bob", "ada"]),
        (format!("created_before={}", at(1)), vec!["cy"]),
        (
            format!("created_from={}&created_before={}", at(1), at(2)),
            vec!["ada"],
        ),
    ] {
        let (found, page) = list(&admin, &query).await;
        assert_eq!(found, expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    }
    for query in ["mfa=perhaps", "sort=name", "created_from=yesterday"] {
        let refused = admin.get(&format!("/admin/users?{query}")).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{query}");
    }
}
