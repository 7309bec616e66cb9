//! DELETE /auth/me and POST /auth/me/restore: going, and coming back.

use std::time::Duration;

use domain::time::{Clock, UnixMillis};
use serde_json::{Value, json};

use super::consents::Story;
use super::mfa::{Owner, verify};
use crate::backend::Backend;
use crate::cases;
use crate::client::{Answer, Client, Person, Tokens};
use crate::house::House;
use crate::scenes;

scenes![a_deleted_account_stays_closed_after_a_restart_and_comes_back,];

cases![
    gdpr_17_a_deleted_account_is_closed_at_once_and_told_until_when,
    a_deleted_account_comes_back_to_whoever_proves_all_that_a_sign_in_asks,
    whoever_has_the_password_alone_learns_nothing_and_takes_nothing_back,
    only_a_fresh_sign_in_deletes_an_account_and_no_application,
    what_was_proved_for_one_account_restores_no_other,
    a_deletion_and_refreshes_at_once_leave_nobody_signed_in,
    operators_restore_and_erase_a_deleted_account_and_lock_none,
];

/// How long the days of grace are.
const GRACE: Duration = Duration::from_hours(30 * 24);

/// Deletes an account; gives when it is erased.
async fn delete(house: &House, tokens: &Tokens) -> String {
    let me = house.public().bearer(&tokens.access);
    me.delete("/auth/me").await.expect(202).field("erase_at")
}

async fn restore(public: &Client, token: &str) -> Answer {
    let body = json!({ "restore_token": token });
    public.post("/auth/me/restore", body).await
}

/// Signs in to a deleted account; gives what restores it.
async fn leaving(person: &Person) -> String {
    let refused = person.try_login(&person.password).await;
    refused
        .expect_code(403, "ACCOUNT_DELETED")
        .field("restore_token")
}

async fn gdpr_17_a_deleted_account_is_closed_at_once_and_told_until_when(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let (one, two) = (person.login().await, person.login().await);
    let day: UnixMillis = house.clock.now() + GRACE;
    assert_eq!(delete(&house, &one).await, day.to_string());
    for tokens in [&one, &two] {
        person.me(&tokens.access).await.expect(401);
        person.refresh(&tokens.refresh).await.expect(401);
    }
    assert!(house.letter(&person, "account_deleted").await.is_some());
    let rows = house.audit_rows("user.deletion_requested").await;
    assert_eq!(rows[0].fields["actor_type"], "user");
    let body = json!({ "email": person.email, "password": person.password, "name": "Another" });
    let taken = house.public().post("/auth/register", body).await;
    taken.expect_code(409, "CONFLICT");
    person
        .try_login("a wrong password, as it is")
        .await
        .expect_code(401, "UNAUTHORIZED");
    let refused = person.try_login(&person.password).await.expect(403);
    assert_eq!(refused.field("erase_at"), day.to_string());
    assert!(!refused.text.contains("access_token"));
    let me = house.public().bearer(&one.access);
    me.delete("/auth/me").await.expect(401);
}

async fn a_deleted_account_comes_back_to_whoever_proves_all_that_a_sign_in_asks(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let old = person.login().await;
    delete(&house, &old).await;
    let token = leaving(&person).await;
    let tokens = Tokens::of(&restore(&house.public(), &token).await.expect(200));
    person.me(&tokens.access).await.expect(200);
    person.refresh(&old.refresh).await.expect(401);
    assert!(house.letter(&person, "account_restored").await.is_some());
    let rows = house.audit_rows("user.restored").await;
    assert_eq!(
        (rows.len(), &rows[0].fields["actor_type"]),
        (1, &json!("user"))
    );
    restore(&house.public(), &token).await.expect(401);
    // Deleted anew, what gave it back once gives it back no more.
    delete(&house, &tokens).await;
    restore(&house.public(), &token).await.expect(401);
    let late = leaving(&person).await;
    house.clock.advance(Duration::from_mins(10));
    restore(&house.public(), &late).await.expect(401);
}

async fn whoever_has_the_password_alone_learns_nothing_and_takes_nothing_back(house: House) {
    let owner = Owner::enroll(&house, "ada").await;
    delete(&house, &owner.login().await).await;
    let begun = owner
        .person
        .try_login(&owner.person.password)
        .await
        .expect(200);
    assert_eq!(begun.json()["mfa_required"], true);
    assert!(!begun.text.contains("erase_at") && !begun.text.contains("restore"));
    let token = begun.field("mfa_token");
    restore(&house.public(), &token).await.expect(401);
    let wrong = verify(&house.public(), &token, ("totp", "000000"))
        .await
        .expect(401);
    assert!(!wrong.text.contains("erase_at"));
    let code = owner.app.next_code();
    let refused = owner
        .verify(&token, &code)
        .await
        .expect_code(403, "ACCOUNT_DELETED");
    let back = restore(&house.public(), &refused.field("restore_token")).await;
    let tokens = Tokens::of(&back.expect(200));
    owner.person.me(&tokens.access).await.expect(200);
    let claims = crate::oauth::world::claims(&tokens.access);
    assert_eq!(claims["acr"], "urn:nist:sp:800-63b-4:aal2");
}

async fn only_a_fresh_sign_in_deletes_an_account_and_no_application(house: House) {
    let story = Story::new(house).await;
    let house = &story.world.house;
    let application = house.public().bearer(&story.tokens.access);
    application
        .delete("/auth/me")
        .await
        .expect_code(403, "FORBIDDEN");
    let owner = Owner::enroll(house, "grace").await;
    let tokens = owner.login().await;
    house.clock.advance(Duration::from_mins(14));
    let tokens = Tokens::of(&owner.person.refresh(&tokens.refresh).await.expect(200));
    house.clock.advance(Duration::from_mins(2));
    let refused = house
        .public()
        .bearer(&tokens.access)
        .delete("/auth/me")
        .await
        .expect(401);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("insufficient_user_authentication"),
        "{challenge}"
    );
    assert!(challenge.contains("aal2"), "{challenge}");
    house.public().delete("/auth/me").await.expect(401);
    owner.person.me(&tokens.access).await.expect(200);
}

async fn what_was_proved_for_one_account_restores_no_other(house: House) {
    house.add_tenant("acme").await;
    let acme = house.public().with("x-tenant-id", "acme");
    let ada = Person::register(&house.public(), "ada").await;
    let namesake = Person::register(&acme, "ada").await;
    delete(&house, &ada.login().await).await;
    let own = acme.bearer(&namesake.login().await.access);
    own.delete("/auth/me").await.expect(202);
    let token = leaving(&ada).await;
    restore(&acme, &token).await.expect(401);
    namesake.try_login(&namesake.password).await.expect(403);
    for spoilt in ["", "qf_mt_AAAA", &token[..token.len() - 2]] {
        restore(&house.public(), spoilt).await.expect(401);
    }
    house
        .public()
        .post("/auth/me/restore", json!({}))
        .await
        .expect(422);
    restore(&house.public(), &token).await.expect(200);
}

async fn a_deletion_and_refreshes_at_once_leave_nobody_signed_in(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let me = house.public().bearer(&tokens.access);
    let (deleted, one, two) = futures_util::join!(
        me.delete("/auth/me"),
        person.refresh(&tokens.refresh),
        person.refresh(&tokens.refresh),
    );
    deleted.expect(202);
    for answer in [one, two] {
        if answer.status == 200 {
            let next = Tokens::of(&answer);
            person.me(&next.access).await.expect(401);
            person.refresh(&next.refresh).await.expect(401);
        }
    }
    person.refresh(&tokens.refresh).await.expect(401);
}

async fn operators_restore_and_erase_a_deleted_account_and_lock_none(house: House) {
    let person = Person::register(&house.public(), "ada").await;
    let id = house.user_id(&person).await;
    let day = delete(&house, &person.login().await).await;
    let path = format!("/admin/users/{id}");
    let admin = house.admin();
    let listed = admin
        .get("/admin/users?status=deleted")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["users"][0]["id"], id.as_str());
    assert_eq!(listed["users"][0]["erase_at"], day.as_str());
    let lock = admin
        .post(&format!("{path}/lock"), json!({ "reason": "a test" }))
        .await;
    lock.expect_code(409, "CONFLICT");
    for (status, expected) in [("suspended", 409), ("deleted", 422)] {
        let patched = admin.patch(&path, json!({ "status": status })).await;
        patched.expect(expected);
    }
    let restored = admin
        .patch(&path, json!({ "status": "active" }))
        .await
        .expect(200);
    assert_eq!(restored.json()["erase_at"], Value::Null);
    assert!(house.letter(&person, "account_restored").await.is_some());
    delete(&house, &person.login().await).await;
    let token = leaving(&person).await;
    admin.delete(&path).await.expect(204);
    restore(&house.public(), &token).await.expect(401);
    person
        .try_login(&person.password)
        .await
        .expect_code(401, "UNAUTHORIZED");
}

async fn a_deleted_account_stays_closed_after_a_restart_and_comes_back() {
    let house = House::open(Backend::Sqlite).await;
    let person = Person::register(&house.public(), "ada").await;
    let tokens = person.login().await;
    let day = delete(&house, &tokens).await;
    let again = house.restart(&[]).await;
    let person = Person {
        public: again.public(),
        ..person
    };
    person.me(&tokens.access).await.expect(401);
    let refused = person.try_login(&person.password).await.expect(403);
    assert_eq!(refused.field("erase_at"), day);
    restore(&again.public(), &refused.field("restore_token"))
        .await
        .expect(200);
    again.stop().await;
}
