//! What is signed for a client, in the algorithm it registered: ID tokens of POST /oauth/token, GET,
//! POST /userinfo, POST /oauth/introspect, judged with GET /.well-known/jwks.json.

use domain::key::Algorithm;
use futures_util::future::join_all;
use protocol::introspection;
use protocol::jose::verify::{BadToken, Typ, VerifyingKey, verify};
use protocol::oidc::id_token::{TYPE, half_hash};
use serde_json::{Value, json};

use super::world::{Registered, World, ask as ask_at, claims, parameter, register};
use crate::cases;
use crate::client::Answer;
use crate::house::House;

cases![
    openid_connect_core_10_1_id_tokens_are_in_the_clients_algorithm,
    openid_connect_discovery_3_rs256_is_offered_and_the_default_is_first,
    ten_first_registrations_publish_one_ring_of_rsa_keys,
    openid_connect_core_5_3_2_signed_userinfo_says_who_and_for_whom,
    openid_connect_core_5_3_2_a_userinfo_answer_passes_for_no_id_token,
    rfc_9701_5_introspection_is_signed_for_whoever_accepts_it,
    openid_connect_registration_2_the_algorithm_may_change_and_be_taken_back,
];

const SIGNED: &str = "application/token-introspection+jwt";

async fn keys(house: &House) -> Vec<(String, Algorithm, VerifyingKey)> {
    let answer = house.public().get("/.well-known/jwks.json").await;
    let set = answer.expect(200).json();
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| {
        let algorithm = Algorithm::from_stored(key["alg"].as_str().expect("alg")).expect("known");
        let verifying = VerifyingKey::new(algorithm, key).expect("a key");
        (
            key["kid"].as_str().expect("kid").to_owned(),
            algorithm,
            verifying,
        )
    })
    .collect()
}

/// The header of a JWS.
pub fn header(token: &str) -> Value {
    let (header, _) = token.split_once('.').expect("three parts");
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header);
    serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
}

/// Verifies a JWS with what is published.
async fn verified(house: &House, token: &str, typ: &'static str) -> Result<Value, BadToken> {
    let keys = keys(house).await;
    let find = |kid: &str| keys.iter().find(|(known, ..)| known == kid);
    verify(token, Typ::Exactly(typ), |kid| {
        find(kid).map(|(.., key)| key)
    })
}

/// Registers a client that is answered in an algorithm.
pub async fn answered_in(world: &World, algorithm: &str) -> Registered {
    let own = json!({
        "id_token_signed_response_alg": algorithm,
        "userinfo_signed_response_alg": algorithm,
        "introspection_signed_response_alg": algorithm,
    });
    register(&world.house, "web", own).await
}

/// Signs in and is asked for consent, however often that was given.
async fn code(world: &World, client: &Registered) -> String {
    let asked = ask_at(client, &[("prompt", "consent")]);
    let sent = world.browser().authorize(&asked, &world.person).await;
    parameter(&sent, "code").expect("a code")
}

/// Signs in and gives the answer of the token endpoint.
pub async fn tokens(world: &World, client: &Registered) -> Answer {
    let code = code(world, client).await;
    world.redeem(client, &code).await.expect(200)
}

async fn openid_connect_core_10_1_id_tokens_are_in_the_clients_algorithm(house: House) {
    let world = World::new(house).await;
    for algorithm in Algorithm::ALL {
        let client = answered_in(&world, algorithm.as_str()).await;
        let mut answer = tokens(&world, &client).await;
        for turn in 0..2 {
            let (identity, access) = (answer.field("id_token"), answer.field("access_token"));
            assert_eq!(header(&identity)["alg"], algorithm.as_str(), "{turn}");
            let told = verified(&world.house, &identity, TYPE)
                .await
                .expect("verifies");
            // §3.1.3.6: the digest is that of the ID token's algorithm.
            assert_eq!(told["at_hash"], half_hash(algorithm, &access), "{turn}");
            let access = access.strip_prefix("qf_at_").expect("our prefix");
            assert_eq!(header(access)["alg"], "ES256", "access tokens as ever");
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &answer.field("refresh_token")),
            ];
            answer = world.token(&client, &fields).await.expect(200);
        }
    }
    assert_eq!(keys(&world.house).await.len(), 6, "three rings of two");
}

async fn openid_connect_discovery_3_rs256_is_offered_and_the_default_is_first(house: House) {
    let path = "/.well-known/openid-configuration";
    let told = house.public().get(path).await.expect(200).json();
    for what in ["id_token", "userinfo", "introspection"] {
        let offered = &told[format!("{what}_signing_alg_values_supported")];
        assert_eq!(*offered, json!(["ES256", "EdDSA", "RS256"]), "{what}");
    }
    let of_answers = &told["authorization_signing_alg_values_supported"];
    assert_eq!(*of_answers, json!(["ES256"]), "nothing else is registered");
}

async fn ten_first_registrations_publish_one_ring_of_rsa_keys(house: House) {
    let world = World::new(house).await;
    let registered = join_all((0..10).map(|_| answered_in(&world, "RS256"))).await;
    // A client keeps the set that it read when it started: its key is there already.
    let rsa = keys(&world.house).await.into_iter();
    let rsa = rsa.filter(|(_, algorithm, _)| *algorithm == Algorithm::Rs256);
    assert_eq!(rsa.count(), 2, "one that signs and the next one");
    let code = code(&world, &registered[0]).await;
    let answer = world.redeem(&registered[0], &code).await.expect(200);
    verified(&world.house, &answer.field("id_token"), TYPE)
        .await
        .expect("verifies");
}

async fn openid_connect_core_5_3_2_signed_userinfo_says_who_and_for_whom(house: House) {
    let world = World::new(house).await;
    let client = answered_in(&world, "RS256").await;
    let tokens = tokens(&world, &client).await;
    let bearer = world.house.public().bearer(&tokens.field("access_token"));
    for answer in [
        bearer.get("/userinfo").await,
        bearer.form("/userinfo", &[]).await,
    ] {
        let answer = answer.expect(200);
        assert_eq!(answer.header("content-type"), "application/jwt");
        assert_eq!(header(&answer.text)["alg"], "RS256");
        let told = verified(&world.house, &answer.text, TYPE)
            .await
            .expect("verifies");
        let identity = claims(&tokens.field("id_token"));
        for name in ["iss", "aud", "sub"] {
            assert_eq!(told[name], identity[name], "{name}");
        }
        assert_eq!(told["email"], world.person.email);
    }
    bearer.get("/userinfo").await.expect(200);
}

async fn openid_connect_core_5_3_2_a_userinfo_answer_passes_for_no_id_token(house: House) {
    let world = World::new(house).await;
    let client = answered_in(&world, "ES256").await;
    let tokens = tokens(&world, &client).await;
    let bearer = world.house.public().bearer(&tokens.field("access_token"));
    let answer = bearer.get("/userinfo").await.expect(200);
    let told = claims(&answer.text);
    assert!(told.get("exp").is_none() && told.get("iat").is_none());
    let with = |hint: &str| format!("/oauth/logout?id_token_hint={hint}");
    let refused = world.house.public().get(&with(&answer.text)).await;
    let known = world
        .house
        .public()
        .get(&with(&tokens.field("id_token")))
        .await;
    assert_eq!(known.status.as_u16(), 200, "{}", known.text);
    assert_ne!(refused.status.as_u16(), 200, "{}", refused.text);
}

async fn ask(world: &World, client: &Registered, token: &str) -> Answer {
    let pair = format!(
        "{}:{}",
        client.id,
        client.secret.as_deref().expect("a secret")
    );
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let public = world.house.public().with("accept", SIGNED.to_owned());
    let public = public.with("authorization", format!("Basic {basic}"));
    public.form("/oauth/introspect", &[("token", token)]).await
}

async fn rfc_9701_5_introspection_is_signed_for_whoever_accepts_it(house: House) {
    let world = World::new(house).await;
    let token = tokens(&world, &world.web).await.field("access_token");
    let own = |algorithm: Value| {
        json!({ "redirect_uris": [], "may_introspect": true,
                "introspection_signed_response_alg": algorithm })
    };
    // §6: "The default, if omitted, is RS256."
    for (said, algorithm) in [(json!("EdDSA"), "EdDSA"), (json!(null), "RS256")] {
        let resource = register(&world.house, "service", own(said)).await;
        let answer = ask(&world, &resource, &token).await.expect(200);
        assert_eq!(answer.header("content-type"), SIGNED);
        assert_eq!(header(&answer.text)["alg"], algorithm);
        let told = verified(&world.house, &answer.text, introspection::TYPE).await;
        let told = told.expect("verifies");
        let names: Vec<&String> = told.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["aud", "iat", "iss", "token_introspection"]);
        assert_eq!(told["aud"], resource.id, "for the asker alone");
        assert_eq!(told["token_introspection"]["active"], true);
        assert_eq!(told["token_introspection"]["client_id"], world.web.id);
        // §8.1: it is no access token.
        let bearer = world.house.public().bearer(&answer.text);
        bearer.get("/userinfo").await.expect(401);
        let nothing = ask(&world, &resource, "qf_at_x").await.expect(200);
        let told = verified(&world.house, &nothing.text, introspection::TYPE).await;
        let told = told.expect("verifies")["token_introspection"].clone();
        assert_eq!(told, json!({ "active": false }));
    }
    let (id, secret) = world.house.add_client(&["read"]).await;
    let secret = Some(secret);
    let stranger = Registered { id, secret };
    let told = ask(&world, &stranger, &token).await.expect(200);
    assert_eq!(
        claims(&told.text)["token_introspection"],
        json!({ "active": false })
    );
}

async fn openid_connect_registration_2_the_algorithm_may_change_and_be_taken_back(house: House) {
    let world = World::new(house).await;
    let path = format!("/admin/clients/{}", world.web.id);
    let admin = world.house.admin();
    for (said, algorithm) in [(json!("EdDSA"), "EdDSA"), (json!(null), "ES256")] {
        let change = json!({ "id_token_signed_response_alg": said });
        let answer = admin.patch(&path, change).await.expect(200);
        assert_eq!(answer.json()["id_token_signed_response_alg"], said);
        let identity = tokens(&world, &world.web).await.field("id_token");
        assert_eq!(header(&identity)["alg"], algorithm);
    }
}
