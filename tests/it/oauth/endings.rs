//! What ends the tokens of a third party's client: the person's own sign-out, a new password, a lock
//! (RFC 9700 §4.14.2).

use serde_json::json;

use super::world::{World, ask};
use crate::browser::Browser;
use crate::cases;
use crate::client::Tokens;
use crate::house::House;

cases![
    rfc_9700_4_14_2_signing_out_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_new_password_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_reset_ends_an_applications_tokens,
    rfc_9700_4_14_2_a_lock_ends_an_applications_tokens,
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
