//! Back-channel logout: POST of a logout token to what a client registered (OpenID Connect Back-Channel
//! Logout 1.0).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::world::{CALLBACK, Registered, World, ask, claims, parameter, register};
use crate::browser::Browser;
use crate::cases;
use crate::client::Tokens;
use crate::house::House;
use crate::sink::{Asked, Sink};

cases![
    back_channel_logout_2_5_each_client_of_a_sign_in_is_told_once_by_a_signed_token,
    back_channel_logout_2_3_whatever_ends_a_sign_in_tells_its_clients,
    back_channel_logout_2_4_a_pairwise_client_is_told_of_the_names_it_knows,
    back_channel_logout_2_5_it_is_tried_again_until_it_is_taken,
    back_channel_logout_2_7_a_receiver_that_hangs_delays_nobody,
    a_notice_outlives_a_restart,
    contract_6_no_private_address_is_told,
    back_channel_logout_2_1_the_metadata_says_so,
];

/// What a receiver answers with.
type Answers = Arc<Mutex<u16>>;

fn receiver() -> (Sink, Answers) {
    let answers: Answers = Arc::new(Mutex::new(200));
    let given = Arc::clone(&answers);
    let sink = Sink::http(move |_| (*given.lock().expect("a status"), String::new()));
    (sink, answers)
}

/// A world whose house may tell the receiver, and a client that is told there.
async fn told(house: &House, sink: &Sink, own: Value) -> (World, Registered) {
    let allow = sink.address.to_string();
    let house = house.beside(&[("EGRESS_ALLOW", &allow)]).await;
    let world = World::new(house).await;
    let client = listening(&world, sink, own).await;
    (world, client)
}

async fn listening(world: &World, sink: &Sink, own: Value) -> Registered {
    let mut said = json!({ "backchannel_logout_uri": format!("{}/out?x=1", sink.url()) });
    let own = own.as_object().expect("an object").clone();
    said.as_object_mut().expect("an object").extend(own);
    register(&world.house, "web", said).await
}

/// Signs in and allows; gives the browser, the tokens and the claims of the ID token.
async fn grant(world: &World, client: &Registered) -> (Browser, Tokens, Value) {
    let mut browser = world.browser();
    let sent = browser.obtain(&ask(client, &[]), &world.person).await;
    let code = parameter(&sent, "code").expect("a code");
    let answer = world.redeem(client, &code).await.expect(200);
    let told = claims(&answer.field("id_token"));
    (browser, Tokens::of(&answer), told)
}

async fn sign_out(browser: &mut Browser) {
    let page = browser.open("/oauth/logout").await;
    let ended = browser.submit(&page, &[("decision", "logout")]).await;
    ended.expect(200);
}

/// The logout token of what came.
fn token_of(asked: &Asked) -> String {
    let fields: Vec<_> = form_urlencoded::parse(&asked.body).collect();
    assert_eq!(fields.len(), 1, "{}", asked.text());
    assert_eq!(fields[0].0, "logout_token");
    fields[0].1.clone().into_owned()
}

fn header_of(token: &str) -> Value {
    let first = token.split('.').next().expect("a part");
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, first);
    serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
}

/// Waits until so many came, and a moment longer for one too many.
async fn wait_for(sink: &Sink, count: usize) -> Vec<Asked> {
    let began = Instant::now();
    while sink.kept().len() < count {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody was told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let kept = sink.kept();
    assert_eq!(kept.len(), count);
    kept
}

async fn back_channel_logout_2_5_each_client_of_a_sign_in_is_told_once_by_a_signed_token(
    house: House,
) {
    let (sink, _) = receiver();
    let rs256 = json!({ "id_token_signed_response_alg": "RS256" });
    let (world, client) = told(&house, &sink, rs256).await;
    let (mut browser, _, known) = grant(&world, &client).await;
    // One that registered no address is in the same sign-in, and another sign-in goes on.
    let sent = browser.obtain(&world.ask_web(), &world.person).await;
    world.redeem_sent(&sent).await;
    let (_, others, _) = grant(&world, &client).await;
    sign_out(&mut browser).await;
    let asked = &wait_for(&sink, 1).await[0];
    assert_eq!(asked.line, "POST /out?x=1");
    assert!(
        asked
            .head
            .contains("content-type: application/x-www-form-urlencoded")
    );
    let token = token_of(asked);
    let header = header_of(&token);
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("logout+jwt"), &json!("RS256"))
    );
    let keys = world
        .house
        .public()
        .get("/.well-known/jwks.json")
        .await
        .json();
    let keys = keys["keys"].as_array().expect("keys").clone();
    assert!(keys.iter().any(|key| key["kid"] == header["kid"]));
    let said = claims(&token);
    for member in ["iss", "sub", "aud", "sid"] {
        assert_eq!(said[member], known[member], "{member}");
    }
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(said["events"], json!({ event: {} }));
    assert!(said["jti"].is_string() && said.get("nonce").is_none());
    let lives = said["exp"].as_i64().zip(said["iat"].as_i64());
    assert!(lives.is_some_and(|(exp, iat)| (1..=120).contains(&(exp - iat))));
    world.person.me(&others.access).await.expect(200);
}

async fn back_channel_logout_2_3_whatever_ends_a_sign_in_tells_its_clients(house: House) {
    let (sink, _) = receiver();
    let (world, client) = told(&house, &sink, json!({})).await;
    let mut count = 0;
    let person = &world.person;
    let account = world.house.user_id(person).await;
    for end in ["session", "all", "reset", "lock", "delete"] {
        let (_, _, known) = grant(&world, &client).await;
        let public = || async { world.house.public().bearer(&person.login().await.access) };
        let answer = match end {
            "session" => {
                let sid = known["sid"].as_str().expect("a sign-in");
                let path = format!("/auth/sessions/{sid}");
                public().await.delete(&path).await
            }
            "all" => public().await.post("/auth/logout/all", json!({})).await,
            "reset" => {
                let token = world.house.reset_token(person).await;
                let body = json!({ "token": token, "new_password": person.password });
                let path = "/auth/password/reset/confirm";
                world.house.public().post(path, body).await
            }
            "lock" => {
                let path = format!("/admin/users/{account}");
                let admin = world.house.admin();
                let body = json!({ "reason": "lost" });
                let locked = admin.post(&format!("{path}/lock"), body).await;
                admin.post(&format!("{path}/unlock"), json!({})).await;
                locked
            }
            _ => {
                let path = format!("/admin/users/{account}");
                world.house.admin().delete(&path).await
            }
        };
        assert!(answer.status.is_success(), "{end}: {}", answer.text);
        count += 1;
        let asked = wait_for(&sink, count).await;
        let said = claims(&token_of(&asked[count - 1]));
        assert_eq!(said["sid"], known["sid"], "{end}");
        assert_eq!(said["sub"], known["sub"], "{end}");
    }
}

async fn back_channel_logout_2_4_a_pairwise_client_is_told_of_the_names_it_knows(house: House) {
    let (sink, _) = receiver();
    let own = json!({ "subject_type": "pairwise" });
    let (world, client) = told(&house, &sink, own).await;
    let (mut browser, _, known) = grant(&world, &client).await;
    // What it registers later changes neither.
    let path = format!("/admin/clients/{}", client.id);
    let moved = json!({ "redirect_uris": [CALLBACK.replace("app", "other")] });
    world.house.admin().patch(&path, moved).await.expect(200);
    sign_out(&mut browser).await;
    let said = claims(&token_of(&wait_for(&sink, 1).await[0]));
    assert_eq!((&said["sub"], &said["sid"]), (&known["sub"], &known["sid"]));
    let account = world.house.user_id(&world.person).await;
    assert!(!said.to_string().contains(&account));
}

async fn back_channel_logout_2_5_it_is_tried_again_until_it_is_taken(house: House) {
    let (sink, answers) = receiver();
    let (world, client) = told(&house, &sink, json!({})).await;
    let (mut browser, _, _) = grant(&world, &client).await;
    *answers.lock().expect("a status") = 503;
    sign_out(&mut browser).await;
    let first = token_of(&wait_for(&sink, 1).await[0]);
    *answers.lock().expect("a status") = 204;
    world.house.clock.advance(Duration::from_secs(38));
    let second = token_of(&wait_for(&sink, 2).await[1]);
    let (first, second) = (claims(&first), claims(&second));
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"]);
    let iat = |token: &Value| token["iat"].as_i64().expect("a time");
    assert_eq!(iat(&second) - iat(&first), 38, "it is fresh each time");
    world.house.clock.advance(Duration::from_hours(2));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(sink.kept().len(), 2, "what was taken is over");
}

async fn back_channel_logout_2_7_a_receiver_that_hangs_delays_nobody(house: House) {
    let slow = Sink::http(|_| {
        std::thread::sleep(Duration::from_secs(6));
        (200, String::new())
    });
    let (sink, _) = receiver();
    let allow = format!("{},{}", slow.address, sink.address);
    let house = house.beside(&[("EGRESS_ALLOW", &allow)]).await;
    let world = World::new(house).await;
    let hanging = listening(&world, &slow, json!({})).await;
    let quick = listening(&world, &sink, json!({})).await;
    let (mut one, _, _) = grant(&world, &hanging).await;
    let (mut two, _, _) = grant(&world, &quick).await;
    let began = Instant::now();
    sign_out(&mut one).await;
    sign_out(&mut two).await;
    wait_for(&sink, 1).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

async fn a_notice_outlives_a_restart(house: House) {
    let (sink, answers) = receiver();
    let (world, client) = told(&house, &sink, json!({})).await;
    let (mut browser, _, known) = grant(&world, &client).await;
    *answers.lock().expect("a status") = 500;
    sign_out(&mut browser).await;
    wait_for(&sink, 1).await;
    *answers.lock().expect("a status") = 200;
    let world = world.restart().await;
    world.house.clock.advance(Duration::from_mins(2));
    let asked = wait_for(&sink, 2).await;
    assert_eq!(claims(&token_of(&asked[1]))["sid"], known["sid"]);
}

async fn contract_6_no_private_address_is_told(house: House) {
    let (sink, _) = receiver();
    let world = World::new(house).await;
    let port = sink.address.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let uri = format!("https://{host}:{port}/out");
        let own = json!({ "backchannel_logout_uri": uri });
        let client = register(&world.house, "web", own).await;
        let (mut browser, _, _) = grant(&world, &client).await;
        sign_out(&mut browser).await;
    }
    let clear = json!({
        "name": "App", "client_type": "web", "redirect_uris": [CALLBACK],
        "backchannel_logout_uri": format!("{}/out", sink.url()),
    });
    let refused = world.house.admin().post("/admin/clients", clear).await;
    refused.expect(422);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(sink.kept().is_empty());
}

async fn back_channel_logout_2_1_the_metadata_says_so(house: House) {
    let told = house
        .public()
        .get("/.well-known/openid-configuration")
        .await;
    let told = told.expect(200).json();
    assert_eq!(told["backchannel_logout_supported"], true);
    assert_eq!(told["backchannel_logout_session_supported"], true);
}
