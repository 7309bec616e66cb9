//! Who acts, and for whom, where it is not a client for a person: POST /oauth/token with a token of the
//! actor's own (RFC 8693 §2.1), and services that act for one another.

use serde_json::json;

use super::{ACCESS, FILES, agent, exchange};
use crate::cases;
use crate::house::House;
use crate::oauth::world::{Registered, World, claims};

cases![
    rfc_8693_2_1_the_acting_party_may_show_its_own_token,
    rfc_8693_1_2_a_service_acts_for_another,
];

/// Asks for a client's own token.
async fn own_token(world: &World, client: &Registered) -> String {
    let grant = [("grant_type", "client_credentials")];
    let answer = world.token(client, &grant).await.expect(200);
    answer.field("access_token")
}

async fn rfc_8693_2_1_the_acting_party_may_show_its_own_token(house: House) {
    let world = World::new(house).await;
    let gateway = agent(&world, json!({})).await;
    let actor = agent(&world, json!({ "scopes": ["email"] })).await;
    let person = world.person.login().await.access;
    let with = async |token: &str| {
        let more = [("actor_token", token), ("actor_token_type", ACCESS)];
        exchange(&world, &gateway, &person, &more).await
    };
    let token = own_token(&world, &actor).await;
    let given = with(&token).await.expect(200);
    assert_eq!(given.field("scope"), "email", "no more than the actor may");
    let said = claims(&given.field("access_token"));
    assert_eq!(
        (&said["act"], &said["client_id"]),
        (&json!({ "sub": actor.id }), &json!(gateway.id))
    );
    // A person acts for nobody, nor who acts for another, nor who may not.
    with(&person).await.expect_oauth(400, "invalid_request");
    let delegated = exchange(&world, &actor, &token, &[]).await.expect(200);
    let delegated = with(&delegated.field("access_token")).await;
    delegated.expect_oauth(400, "invalid_request");
    let plain = json!({ "grant_types": ["client_credentials"] });
    let plain = super::agent(&world, plain).await;
    let refused = with(&own_token(&world, &plain).await).await;
    refused.expect_oauth(400, "invalid_request");
    // Nor one that is for somebody else.
    let elsewhere = super::agent(&world, json!({ "audiences": [FILES] })).await;
    let refused = with(&own_token(&world, &elsewhere).await).await;
    refused.expect_oauth(400, "invalid_request");
}

async fn rfc_8693_1_2_a_service_acts_for_another(house: House) {
    let world = World::new(house).await;
    let first = agent(&world, json!({ "scopes": ["read"], "roles": ["service"] })).await;
    let second = agent(&world, json!({ "scopes": ["read"] })).await;
    let token = own_token(&world, &first).await;
    let given = exchange(&world, &second, &token, &[]).await.expect(200);
    let given = claims(&given.field("access_token"));
    assert_eq!(
        (&given["sub"], &given["act"]["sub"]),
        (&json!(first.id), &json!(second.id))
    );
    assert_eq!(
        (&given["client_type"], &given["roles"]),
        (&json!("agent"), &json!(["service"]))
    );
    // A role that was taken away is not handed on.
    let path = format!("/admin/clients/{}", first.id);
    let admin = world.house.admin();
    admin.patch(&path, json!({ "roles": [] })).await.expect(200);
    let given = exchange(&world, &second, &token, &[]).await.expect(200);
    assert_eq!(claims(&given.field("access_token"))["roles"], json!([]));
}
