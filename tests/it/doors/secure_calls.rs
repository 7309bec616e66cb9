//! `auth.v1.AuthService` over TLS, by clients with certificates and without (CONTRACT §10, RFC 8705 §3).

use actors::supervision::TaskGroup;
use serde_json::json;
use tonic::Code;

use super::asker::Asker;
use super::certificates::{Authority, Pair, shake_hands};
use super::grpc::line_over;
use crate::backend::Backend;
use crate::client::Person;
use crate::house::House;
use crate::oauth::tls_house::{ROBOT, TlsHouse};
use crate::scenes;

scenes![
    calls_are_answered_over_tls,
    rfc_8705_3_a_bound_token_calls_with_its_certificate_alone,
];

async fn open() -> TlsHouse {
    let plain = House::open(Backend::Sqlite).await;
    let house = TlsHouse::beside(&plain).await;
    plain.stop().await;
    house
}

/// Calls with a token, over a line of whoever has this certificate.
async fn asker(house: &TlsHouse, own: Option<&Pair>, token: &str) -> Asker {
    let group = TaskGroup::new("clients");
    let config = house.config(own, &["h2"]);
    let stream = shake_hands(house.house.grpc_address(), config).await;
    let line = line_over(stream.expect("a handshake"), &group).await;
    let shown = format!("Bearer {token}");
    Asker::over(
        line,
        "https://localhost",
        &[("authorization", &shown)],
        group,
    )
}

async fn calls_are_answered_over_tls() {
    let house = open().await;
    let person = Person::register(&house.public(None), "ada").await;
    let token = person.login().await.access;
    // Whatever certificate is shown: the token is not bound to one.
    for own in [None, Some(&house.clients.sign_client("anybody"))] {
        let asker = asker(&house, own, &token).await;
        assert!(asker.validate(&token).await.expect("an answer").valid);
        assert_eq!(
            asker.user("").await.expect("an account").email,
            person.email
        );
    }
    house.stop().await;
}

async fn rfc_8705_3_a_bound_token_calls_with_its_certificate_alone() {
    let house = open().await;
    let bound = json!({
        "tls_client_auth_subject_dn": ROBOT, "tls_client_certificate_bound_access_tokens": true,
    });
    let id = house.add_service(bound).await;
    let own = house.clients.sign_client("robot");
    let token = house.token(Some(&own), &id).await.expect(200);
    let token = token.field("access_token");
    let robot = asker(&house, Some(&own), &token).await;
    let told = robot.validate(&token).await.expect("an answer");
    let claims = told.claims.expect("claims");
    assert!(told.valid && claims.cnf.is_some(), "{claims:?}");
    // One of the same name and authority, one of the same key, one of another authority, none.
    let wrong = [
        house.clients.sign_client("robot"),
        own.renewed("robot"),
        Authority::new().sign_client("robot"),
    ];
    for other in wrong.iter().map(Some).chain([None]) {
        let thief = asker(&house, other, &token).await;
        let refused = thief.validate(&token).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    house.stop().await;
}
