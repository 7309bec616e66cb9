//! Pairwise subjects (OpenID Connect Core §8): what clients of one sector and of others are told of one
//! person, everywhere they are told anything.

use serde_json::json;
use url::Url;

use super::exchange::{agent, exchange};
use super::world::{CALLBACK, Registered, VERIFIER, World, ask, claims, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::Answer;
use crate::house::House;

pub mod sectors;

cases![
    openid_connect_core_8_1_a_sector_is_told_one_subject_and_another_sector_another,
    openid_connect_core_8_nothing_that_a_client_sees_tells_the_account,
    openid_connect_core_12_2_a_refresh_keeps_the_subject_whatever_is_registered_by_then,
    openid_connect_core_2_a_subject_outlives_a_restart,
    our_own_api_says_nothing_to_a_client_that_is_not_to_know,
    nobody_acts_with_a_name_that_is_another_sectors,
    what_is_revoked_or_ended_is_refused_by_the_account_behind_the_subject,
    openid_connect_core_3_1_2_1_a_hint_names_the_person_as_the_client_knows_them,
    rp_initiated_logout_2_a_pairwise_hint_is_certain_of_its_own_sign_in,
    openid_connect_discovery_3_both_kinds_of_subjects_are_offered,
];

/// A callback of another sector.
const ELSEWHERE: &str = "https://other.example/callback";

async fn pairwise(house: &House, redirect_uri: &str) -> Registered {
    let own = json!({ "subject_type": "pairwise", "redirect_uris": [redirect_uri] });
    register(house, "web", own).await
}

/// Signs in and allows in this browser; gives what the token endpoint answers.
async fn grant(
    world: &World,
    browser: &mut Browser,
    client: &Registered,
    redirect_uri: &str,
) -> Answer {
    let address = ask(client, &[("redirect_uri", redirect_uri)]);
    let sent = browser.obtain(&address, &world.person).await;
    let url = Url::parse(&sent).expect("an address");
    let found = url.query_pairs().find(|(name, _)| name == "code");
    let (_, code) = found.expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    world.token(client, &fields).await.expect(200)
}

async fn refresh(world: &World, client: &Registered, tokens: &Answer) -> Answer {
    let token = tokens.field("refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    world.token(client, &fields).await
}

fn subject(tokens: &Answer) -> String {
    let told = claims(&tokens.field("id_token"));
    told["sub"].as_str().expect("a subject").to_owned()
}

async fn userinfo(world: &World, tokens: &Answer) -> Answer {
    let bearer = world.house.public().bearer(&tokens.field("access_token"));
    bearer.get("/userinfo").await
}

async fn openid_connect_core_8_1_a_sector_is_told_one_subject_and_another_sector_another(
    house: House,
) {
    let world = World::new(house).await;
    let (one, same, other) = (
        pairwise(&world.house, CALLBACK).await,
        pairwise(&world.house, "https://app.example/other").await,
        pairwise(&world.house, ELSEWHERE).await,
    );
    let mut browser = world.browser();
    let first = grant(&world, &mut browser, &one, CALLBACK).await;
    let second = grant(&world, &mut browser, &same, "https://app.example/other").await;
    let third = grant(&world, &mut browser, &other, ELSEWHERE).await;
    assert_eq!(subject(&first), subject(&second));
    assert_ne!(subject(&first), subject(&third));
    // Nor does the name of their one sign-in put the two sectors together.
    let sid = |tokens: &Answer| claims(&tokens.field("id_token"))["sid"].clone();
    assert!(sid(&first).is_string());
    assert_eq!(sid(&first), sid(&second));
    assert_ne!(sid(&first), sid(&third));
    // Another sign-in is the same person.
    let again = grant(&world, &mut world.browser(), &one, CALLBACK).await;
    assert_eq!(subject(&first), subject(&again));
    assert_ne!(sid(&first), sid(&again));
    // Everybody else is told the account's own name, as before.
    let public = grant(&world, &mut world.browser(), &world.web, CALLBACK).await;
    assert_eq!(subject(&public), world.house.user_id(&world.person).await);
}

async fn openid_connect_core_8_nothing_that_a_client_sees_tells_the_account(house: House) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let tokens = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let renewed = refresh(&world, &client, &tokens).await.expect(200);
    let told = userinfo(&world, &tokens).await.expect(200);
    let mut seen = vec![tokens.text.clone(), renewed.text.clone(), told.text.clone()];
    for answer in [&tokens, &renewed] {
        for token in ["id_token", "access_token"] {
            seen.push(claims(&answer.field(token)).to_string());
        }
    }
    for token in ["access_token", "refresh_token"] {
        let fields = [("token", &*renewed.field(token))];
        let known = world.form("/oauth/introspect", &client, &fields).await;
        assert_eq!(known.json()["active"], true, "{}", known.text);
        assert_eq!(known.field("sub"), subject(&tokens));
        seen.push(known.text);
    }
    let own = world.person.login().await;
    let sessions = world.house.public().bearer(&own.access);
    let sessions = sessions.get("/auth/sessions").await.expect(200).json();
    let sessions = sessions["sessions"].as_array().expect("sessions").clone();
    let ids = sessions.iter().map(|session| session["id"].as_str());
    let mut secrets: Vec<&str> = ids.map(|id| id.expect("an id")).collect();
    assert_eq!(secrets.len(), 2);
    let account = world.house.user_id(&world.person).await;
    secrets.push(&account);
    for text in &seen {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
            let bare = secret.replace('-', "");
            assert!(!text.contains(&bare), "{secret} is in {text}");
        }
    }
    assert_eq!(told.field("sub"), subject(&tokens));
    assert_eq!(
        claims(&renewed.field("access_token"))["sub"],
        subject(&tokens)
    );
}

async fn openid_connect_core_12_2_a_refresh_keeps_the_subject_whatever_is_registered_by_then(
    house: House,
) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let victim = pairwise(&world.house, ELSEWHERE).await;
    let theirs = grant(&world, &mut world.browser(), &victim, ELSEWHERE).await;
    let before = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let path = format!("/admin/clients/{}", client.id);
    for own in [
        json!({ "redirect_uris": [ELSEWHERE] }),
        json!({ "subject_type": "public" }),
    ] {
        world.house.admin().patch(&path, own).await.expect(200);
        let after = refresh(&world, &client, &before).await.expect(200);
        assert_eq!(subject(&after), subject(&before));
        assert_eq!(
            claims(&after.field("access_token"))["sub"],
            subject(&before)
        );
        assert_ne!(subject(&after), subject(&theirs));
    }
}

async fn openid_connect_core_2_a_subject_outlives_a_restart(house: House) {
    let world = World::new(house.beside(&[]).await).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let before = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let world = world.restart().await;
    let renewed = refresh(&world, &client, &before).await.expect(200);
    let after = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    assert_eq!(subject(&renewed), subject(&before));
    assert_eq!(subject(&after), subject(&before));
}

async fn our_own_api_says_nothing_to_a_client_that_is_not_to_know(house: House) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let tokens = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let access = tokens.field("access_token");
    userinfo(&world, &tokens).await.expect(200);
    let public = world.house.public().bearer(&access);
    for path in ["/auth/me", "/auth/sessions"] {
        let refused = public.get(path).await;
        refused.expect_code(403, "FORBIDDEN");
    }
    let refused = public.post("/auth/logout/all", json!({})).await;
    refused.expect_code(403, "FORBIDDEN");
    // A person who is an operator is none through such a client.
    let path = format!("/admin/users/{}", world.house.user_id(&world.person).await);
    let roles = json!({ "roles": ["user", "admin"] });
    world.house.admin().patch(&path, roles).await.expect(200);
    let stranger = world.house.stranger().bearer(&access);
    stranger.get(&path).await.expect(403);
    // A token that claims another account, or another token's, is none of ours.
    let parts: Vec<&str> = access.split('.').collect();
    let mut spoilt = claims(&access);
    spoilt["account"] = json!("AAAA");
    let body = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, spoilt.to_string());
    let forged = format!("{}.{body}.{}", parts[0], parts[2]);
    let forged = world.house.public().bearer(&forged);
    forged.get("/userinfo").await.expect(401);
}

async fn nobody_acts_with_a_name_that_is_another_sectors(house: House) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let tokens = grant(&world, &mut world.browser(), &client, CALLBACK).await;
    let agent = agent(&world, json!({ "scopes": ["openid", "email"] })).await;
    let refused = exchange(&world, &agent, &tokens.field("access_token"), &[]).await;
    refused.expect_oauth(400, "invalid_request");
    let own = world.person.login().await.access;
    exchange(&world, &agent, &own, &[]).await.expect(200);
}

async fn what_is_revoked_or_ended_is_refused_by_the_account_behind_the_subject(house: House) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let mut browser = world.browser();
    let tokens = grant(&world, &mut browser, &client, CALLBACK).await;
    let access = tokens.field("access_token");
    let revoked = [("token", access.as_str())];
    let answer = world.form("/oauth/revoke", &client, &revoked).await;
    answer.expect(200);
    userinfo(&world, &tokens).await.expect(401);
    let row = &world.house.audit_rows("token.revoked").await[0];
    let account = world.house.user_id(&world.person).await;
    assert_eq!(row.fields["subject"], account, "the trail knows who it was");
    let renewed = refresh(&world, &client, &tokens).await.expect(200);
    userinfo(&world, &renewed).await.expect(200);
    let page = browser.open("/oauth/logout").await;
    let ended = browser.submit(&page, &[("decision", "logout")]).await;
    ended.expect(200);
    userinfo(&world, &renewed).await.expect(401);
    let fields = [("token", &*renewed.field("access_token"))];
    let told = world.form("/oauth/introspect", &client, &fields).await;
    assert_eq!(told.text, r#"{"active":false}"#);
    let refused = refresh(&world, &client, &renewed).await;
    refused.expect_oauth(400, "invalid_grant");
}

async fn openid_connect_core_3_1_2_1_a_hint_names_the_person_as_the_client_knows_them(
    house: House,
) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let mut browser = world.browser();
    let tokens = grant(&world, &mut browser, &client, CALLBACK).await;
    let hint = tokens.field("id_token");
    let address = ask(&client, &[("prompt", "none"), ("id_token_hint", &hint)]);
    let page = browser.open(&address).await;
    assert!(page.location().contains("code="), "{}", page.location());
    // Somebody else is not whom the client means.
    let bo = crate::client::Person::register(&world.house.public(), "bo").await;
    let mut theirs = world.browser();
    theirs.authorize(&ask(&client, &[]), &bo).await;
    let page = theirs.open(&address).await;
    let sent = page.location();
    assert!(sent.contains("error=login_required"), "{sent}");
}

async fn rp_initiated_logout_2_a_pairwise_hint_is_certain_of_its_own_sign_in(house: House) {
    let world = World::new(house).await;
    let client = pairwise(&world.house, CALLBACK).await;
    let (mut one, mut two) = (world.browser(), world.browser());
    let tokens = grant(&world, &mut one, &client, CALLBACK).await;
    grant(&world, &mut two, &client, CALLBACK).await;
    let path = format!("/oauth/logout?id_token_hint={}", tokens.field("id_token"));
    let asked = two.open(&path).await;
    asked.expect(200);
    asked.posts_to("/oauth/logout");
    let ended = one.open(&path).await;
    ended.expect(200);
    assert!(
        !ended.answer.text.contains("<form"),
        "{}",
        ended.answer.text
    );
    userinfo(&world, &tokens).await.expect(401);
}

async fn openid_connect_discovery_3_both_kinds_of_subjects_are_offered(house: House) {
    let told = house
        .public()
        .get("/.well-known/openid-configuration")
        .await;
    let told = told.expect(200).json();
    assert_eq!(
        told["subject_types_supported"],
        json!(["public", "pairwise"])
    );
}
