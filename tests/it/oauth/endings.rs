//! What ends the tokens of a third party's client: the person's own sign-out, a new password, a lock
//! (RFC 9700 §4.14.2); and the end of the client itself.

use serde_json::json;

use super::world::{World, ask, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::Tokens;
use crate::house::House;

cases![
    rfc_9700_4_14_2_signing_out_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_new_password_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_reset_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_lock_ends_an_applications_tokens,
    a_closed_applications_tokens_of_people_are_taken_nowhere,
];

/// A world, tokens that its web application holds, and the browser in which they were allowed.
async fn granted(house: House) -> (World, Tokens, Browser) {
    let world = World::new(house).await;
    let mut browser = world.browser();
    let address = ask(&world.web, &[]);
    let sent = browser.authorize(&address, &world.person).await;
    let tokens = world.redeem_sent(&sent).await;
    world.person.me(&tokens.access).await.expect(200);
    (world, tokens, browser)
}

/// Checks that neither token is worth anything.
async fn assert_ended(world: &World, tokens: &Tokens) {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    let refused = world.token(&world.web, &fields).await;
    refused.expect_oauth(400, "invalid_grant");
    world.person.me(&tokens.access).await.expect(401);
}

async fn rfc_9700_4_14_2_signing_out_ends_an_applications_tokens(house: House) {
    let (world, tokens, mut browser) = granted(house).await;
    let page = browser.open("/oauth/logout").await;
    let ended = browser.submit(&page, &[("decision", "logout")]).await;
    ended.expect(200);
    assert_ended(&world, &tokens).await;
}

async fn rfc_9700_4_14_2_a_new_password_ends_an_applications_tokens(house: House) {
    let (world, tokens, mut browser) = granted(house).await;
    let own = world.person.login().await;
    let body = json!({
        "old_password": world.person.password,
        "new_password": "another garden in another rain",
    });
    let person = world.person.public.bearer(&own.access);
    let changed = person.put("/auth/me/password", body).await;
    assert!(changed.status.is_success(), "{}", changed.text);
    assert_ended(&world, &tokens).await;
    let page = browser.open(&ask(&world.web, &[])).await;
    assert!(page.location().starts_with("/sign-in?"), "nor the sign-in");
}

async fn rfc_9700_4_14_2_a_reset_ends_an_applications_tokens(house: House) {
    let (world, tokens, mut browser) = granted(house).await;
    let token = world.house.reset_token(&world.person).await;
    let body = json!({ "token": token, "new_password": "another garden in another rain" });
    let public = world.house.public();
    let reset = public.post("/auth/password/reset/confirm", body).await;
    assert!(reset.status.is_success(), "{}", reset.text);
    assert_ended(&world, &tokens).await;
    let page = browser.open(&ask(&world.web, &[])).await;
    assert!(page.location().starts_with("/sign-in?"), "nor the sign-in");
}

async fn rfc_9700_4_14_2_a_lock_ends_an_applications_tokens(house: House) {
    let (world, tokens, _) = granted(house).await;
    let path = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let admin = world.house.admin();
    let lock = json!({ "reason": "lost" });
    admin.post(&format!("{path}/lock"), lock).await.expect(200);
    assert_ended(&world, &tokens).await;
    admin
        .post(&format!("{path}/unlock"), json!({}))
        .await
        .expect(200);
    assert_ended(&world, &tokens).await;
}

async fn a_closed_applications_tokens_of_people_are_taken_nowhere(house: House) {
    let (world, tokens, _) = granted(house).await;
    let own = json!({ "may_introspect": true });
    let gateway = register(&world.house, "web", own).await;
    let assert_taken = async |is_taken: bool| {
        let status = if is_taken { 200 } else { 401 };
        let bearer = world.house.public().bearer(&tokens.access);
        bearer.get("/userinfo").await.expect(status);
        let fields = [("token", tokens.access.as_str())];
        let told = world.form("/oauth/introspect", &gateway, &fields).await;
        assert_eq!(told.expect(200).json()["active"], is_taken);
    };
    assert_taken(true).await;
    let admin = world.house.admin();
    let path = format!("/admin/clients/{}", world.web.id);
    for is_disabled in [true, false] {
        let body = json!({ "disabled": is_disabled });
        admin.patch(&path, body).await.expect(200);
        assert_taken(!is_disabled).await;
    }
    admin.delete(&path).await.expect(204);
    assert_taken(false).await;
    let own = world.person.login().await;
    world.person.me(&own.access).await.expect(200);
}
