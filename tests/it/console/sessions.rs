//! Where accounts are signed in, as their pages show it and end it.

use serde_json::json;

use super::Office;
use crate::admin::rbac::allow;
use crate::cases;
use crate::client::Person;
use crate::house::House;

cases![
    an_operator_sees_where_an_account_is_signed_in_and_ends_one_or_all,
    a_sign_in_of_another_account_is_none_of_this_one,
    who_reads_accounts_ends_no_sign_in,
    a_delegate_ends_no_sign_in_of_an_operator,
    what_a_device_calls_itself_is_text,
];

/// The names of an account's sign-ins.
async fn sessions(house: &House, user: &str) -> Vec<String> {
    let path = format!("/admin/users/{user}/sessions");
    let listed = house.admin().get(&path).await.expect(200).json();
    let listed = listed["sessions"].as_array().expect("sessions").clone();
    let name = |one: &serde_json::Value| one["id"].as_str().expect("an id").to_owned();
    listed.iter().map(name).collect()
}

async fn an_operator_sees_where_an_account_is_signed_in_and_ends_one_or_all(house: House) {
    let mut office = Office::open(&house).await;
    let person = Person::register(&house.public(), "ada").await;
    let [one, two] = [person.login().await, person.login().await];
    let id = house.user_id(&person).await;
    let named = sessions(&house, &id).await;
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    page.expect(200);
    for session in &named {
        let link = format!("href=\"/console/users/{id}/sessions/{session}/end\"");
        assert!(page.answer.text.contains(&link), "{}", page.answer.text);
    }
    let session = &named[0];
    let page = office
        .admin
        .open(&format!("/console/users/{id}/sessions/{session}/end"))
        .await;
    page.posts_to(&format!("/console/users/{id}/sessions/{session}/end"));
    let page = office.fill(&page, &[]).await;
    assert!(page.answer.text.contains("That sign-in has ended."));
    assert_eq!(sessions(&house, &id).await, named[1..]);
    let alive = |status: u16| usize::from(status == 200);
    let left = alive(person.me(&one.access).await.status.as_u16())
        + alive(person.me(&two.access).await.status.as_u16());
    assert_eq!(left, 1, "the other sign-in goes on");
    person.login().await;
    let page = office
        .admin
        .open(&format!("/console/users/{id}/sessions/end"))
        .await;
    page.posts_to(&format!("/console/users/{id}/sessions/end"));
    let page = office.fill(&page, &[]).await;
    assert!(page.answer.text.contains("It is signed in nowhere."));
    person.me(&one.access).await.expect(401);
    person.me(&two.access).await.expect(401);
    let rows = house.audit_rows("session.ended").await;
    let root = house.user_id(&office.owner.person).await;
    assert_eq!(rows.len(), 2, "one for one, one for all");
    for row in rows {
        assert_eq!(row.fields["actor_id"], json!(root));
        assert_eq!(row.fields["subject"], json!(id));
    }
    office.admin.open("/console/users").await.expect(200);
}

async fn a_sign_in_of_another_account_is_none_of_this_one(house: House) {
    let mut office = Office::open(&house).await;
    let (ada, bob) = (
        Person::register(&house.public(), "ada").await,
        Person::register(&house.public(), "bob").await,
    );
    let theirs = bob.login().await;
    let (id, other) = (house.user_id(&ada).await, house.user_id(&bob).await);
    let session = sessions(&house, &other).await.remove(0);
    let token = office.token().await;
    for session in [&*session, "none"] {
        let path = format!("/console/users/{id}/sessions/{session}/end");
        let page = office.admin.open(&path).await;
        page.expect_error(404, "invalid_request");
        let page = office.admin.post(&path, &[("csrf", &token)]).await;
        page.expect_error(404, "invalid_request");
    }
    bob.me(&theirs.access).await.expect(200);
}

async fn who_reads_accounts_ends_no_sign_in(house: House) {
    allow(&house, "reader", "admin:users", "read").await;
    let mut office = Office::closed(&house, "eve", "reader").await;
    office.enter("/console/users").await.expect(200);
    let id = house.user_id(&office.owner.person).await;
    let session = sessions(&house, &id).await.remove(0);
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    assert!(page.answer.text.contains(&session));
    let token = office.token().await;
    for end in ["end".to_owned(), format!("{session}/end")] {
        let path = format!("/console/users/{id}/sessions/{end}");
        let page = office.admin.open(&path).await;
        page.expect_error(403, "insufficient_scope");
        let page = office.admin.post(&path, &[("csrf", &token)]).await;
        page.expect_error(403, "insufficient_scope");
    }
    office.admin.open("/console/users").await.expect(200);
}

async fn a_delegate_ends_no_sign_in_of_an_operator(house: House) {
    allow(&house, "helpdesk", "admin:users", "*").await;
    let boss = Office::open(&house).await;
    let mut office = Office::closed(&house, "eve", "helpdesk").await;
    office.enter("/console/users").await.expect(200);
    let id = house.user_id(&boss.owner.person).await;
    let before = sessions(&house, &id).await;
    for end in ["end".to_owned(), format!("{}/end", before[0])] {
        let path = format!("/console/users/{id}/sessions/{end}");
        let page = office.admin.open(&path).await;
        let page = office.admin.submit(&page, &[]).await;
        page.expect(403);
        assert!(page.answer.text.contains("role=\"alert\""));
    }
    assert_eq!(sessions(&house, &id).await, before);
}

async fn what_a_device_calls_itself_is_text(house: House) {
    let mut office = Office::open(&house).await;
    let door = house.public().with("user-agent", "<b>Odd</b>");
    let person = Person::register(&door, "ada").await;
    person.login().await;
    let id = house.user_id(&person).await;
    let page = office.admin.open(&format!("/console/users/{id}")).await;
    page.expect(200);
    assert!(!page.answer.text.contains("<b>Odd"));
    assert!(
        page.answer.text.contains("&#60;b&#62;Odd"),
        "{}",
        page.answer.text
    );
}
