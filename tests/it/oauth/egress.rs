//! What is fetched because a client named an address: GET of a `jwks_uri` (CONTRACT §6).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::key::Algorithm;
use domain::time::Clock as _;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::{Value, json};

use super::world::{CALLBACK, CHALLENGE, Registered, register};
use crate::cases;
use crate::client::Answer;
use crate::doors::certificates::{Authority, Files};
use crate::house::House;
use crate::sink::Sink;

cases![
    rfc_7591_2_keys_are_fetched_from_where_the_client_says_and_kept,
    an_unknown_key_is_looked_for_once_a_minute,
    while_keys_cannot_be_had_nothing_is_accepted,
    contract_6_without_an_exception_no_private_address_is_asked,
    a_slow_server_of_one_client_delays_no_other,
    contract_6_an_authority_of_the_operators_is_trusted_and_no_other,
];

/// What somebody publishes: a status and a body.
type Published = Arc<Mutex<(u16, String)>>;

fn publisher() -> (Sink, Published) {
    let published: Published = Arc::new(Mutex::new((200, String::new())));
    let shown = Arc::clone(&published);
    let sink = Sink::http(move |_| shown.lock().expect("what is published").clone());
    (sink, published)
}

fn publish(published: &Published, status: u16, keys: &[&KeyPair]) {
    let keys: Vec<Value> = keys.iter().map(|pair| pair.public_jwk().clone()).collect();
    let text = json!({ "keys": keys }).to_string();
    *published.lock().expect("what is published") = (status, text);
}

fn pair() -> KeyPair {
    KeyPair::generate(Algorithm::Es256).expect("a key")
}

async fn allowing(house: &House, sink: &Sink) -> House {
    house
        .beside(&[("EGRESS_ALLOW", &sink.address.to_string())])
        .await
}

async fn publishing(house: &House, sink: &Sink) -> Registered {
    let own = json!({ "jwks_uri": format!("{}/keys", sink.url()) });
    register(house, "web", own).await
}

/// Sends a request that is signed with a key, and says what came of it: 303 to the sign-in, 400, 503.
async fn ask(house: &House, client: &Registered, signed_with: KeyPair) -> Answer {
    let now = house.clock.now().as_millis() / 1_000;
    let claims = json!({
        "iss": client.id, "aud": "http://localhost:4000", "iat": now, "nbf": now, "exp": now + 60,
        "jti": format!("{now}-{}", signed_with.kid()), "client_id": client.id,
        "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    });
    let typ = Some("oauth-authz-req+jwt");
    let object = Signer::new(signed_with).sign(typ, &claims).expect("signed");
    let path = format!("/oauth/authorize?client_id={}&request={object}", client.id);
    house.public().get(&path).await
}

/// The same key again: a pair is given away when it signs.
fn again(pair: &KeyPair) -> KeyPair {
    let der = pair.to_pkcs8().expect("PKCS#8");
    KeyPair::from_der(der.expose()).expect("the same key")
}

async fn rfc_7591_2_keys_are_fetched_from_where_the_client_says_and_kept(house: House) {
    let (sink, published) = publisher();
    let house = allowing(&house, &sink).await;
    let client = publishing(&house, &sink).await;
    let one = pair();
    publish(&published, 200, &[&one]);
    for _ in 0..3 {
        let answer = ask(&house, &client, again(&one)).await.expect(303);
        assert!(answer.header("location").starts_with("/sign-in"));
    }
    assert_eq!(sink.kept().len(), 1, "they are kept");
    assert_eq!(sink.kept()[0].line, "GET /keys");
    // Taken back by the client, it counts no longer than the answer said.
    let two = pair();
    publish(&published, 200, &[&two]);
    house.clock.advance(Duration::from_mins(5));
    ask(&house, &client, one).await.expect(400);
    ask(&house, &client, two).await.expect(303);
}

async fn an_unknown_key_is_looked_for_once_a_minute(house: House) {
    let (sink, published) = publisher();
    let house = allowing(&house, &sink).await;
    let client = publishing(&house, &sink).await;
    let (one, two) = (pair(), pair());
    publish(&published, 200, &[&one]);
    ask(&house, &client, again(&one)).await.expect(303);
    publish(&published, 200, &[&one, &two]);
    for _ in 0..5 {
        ask(&house, &client, again(&two)).await.expect(400);
    }
    assert_eq!(
        sink.kept().len(),
        1,
        "a stranger makes us ask no more often"
    );
    house.clock.advance(Duration::from_mins(1));
    ask(&house, &client, again(&two)).await.expect(303);
    assert_eq!(sink.kept().len(), 2);
    // Where they cannot be fetched again, those that are fresh still count.
    house.clock.advance(Duration::from_mins(1));
    publish(&published, 500, &[]);
    ask(&house, &client, pair()).await.expect(400);
    ask(&house, &client, one).await.expect(303);
    assert_eq!(sink.kept().len(), 3);
}

async fn while_keys_cannot_be_had_nothing_is_accepted(house: House) {
    let (sink, published) = publisher();
    let house = allowing(&house, &sink).await;
    let client = publishing(&house, &sink).await;
    let one = pair();
    for (status, text) in [
        (500, "{\"keys\":[]}"),
        (302, ""),
        (200, "{}"),
        (200, "no JSON"),
        (200, "{\"keys\":[]}"),
        (200, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}"),
    ] {
        *published.lock().expect("what is published") = (status, text.to_owned());
        ask(&house, &client, again(&one)).await.expect(503);
        house.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(sink.kept().len(), 6);
    publish(&published, 200, &[&one]);
    ask(&house, &client, one).await.expect(303);
}

async fn contract_6_without_an_exception_no_private_address_is_asked(house: House) {
    let (sink, published) = publisher();
    let one = pair();
    publish(&published, 200, &[&one]);
    let http = json!({ "jwks_uri": format!("{}/keys", sink.url()) });
    let body = json!({
        "name": "App", "client_type": "web", "redirect_uris": [CALLBACK], "jwks_uri": http["jwks_uri"],
    });
    house.admin().post("/admin/clients", body).await.expect(422);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let uri = format!("https://{host}:{}/keys", sink.address.port());
        let client = register(&house, "web", json!({ "jwks_uri": uri })).await;
        ask(&house, &client, again(&one)).await.expect(503);
    }
    assert!(sink.kept().is_empty());
}

async fn a_slow_server_of_one_client_delays_no_other(house: House) {
    let slow = Sink::http(|_| {
        std::thread::sleep(Duration::from_secs(3));
        (200, "{}".to_owned())
    });
    let (sink, published) = publisher();
    let allow = format!("{},{}", slow.address, sink.address);
    let house = house.beside(&[("EGRESS_ALLOW", &allow)]).await;
    let (waiting, quick) = (
        publishing(&house, &slow).await,
        publishing(&house, &sink).await,
    );
    let one = pair();
    publish(&published, 200, &[&one]);
    let began = Instant::now();
    let quickly = async {
        ask(&house, &quick, one).await.expect(303);
        began.elapsed()
    };
    let (late, quickly) = tokio::join!(ask(&house, &waiting, pair()), quickly);
    late.expect(503);
    assert!(quickly < Duration::from_secs(3), "{quickly:?}");
}

async fn contract_6_an_authority_of_the_operators_is_trusted_and_no_other(house: House) {
    let authority = Authority::new();
    let (own, elsewhere) = (authority.sign("127.0.0.1"), authority.sign("127.0.0.2"));
    let files = Files::new(&own);
    let trusted = files.write("ca.pem", &authority.pem());
    let another = files.write("another.pem", &Authority::new().pem());
    let key = pair();
    for (shown, ca, status) in [
        (&own, Some(&trusted), 303),
        (&own, Some(&another), 503),
        (&own, None, 503),
        (&elsewhere, Some(&trusted), 503),
    ] {
        let keys = json!({ "keys": [key.public_jwk()] }).to_string();
        let sink = Sink::https(shown.server(), move |_| (200, keys.clone()));
        let address = sink.address.to_string();
        let mut settings = vec![("EGRESS_ALLOW", address.as_str())];
        settings.extend(ca.map(|path| ("EGRESS_CA_PATH", path.as_str())));
        let house = house.beside(&settings).await;
        let own = json!({ "jwks_uri": format!("https://{address}/keys") });
        let client = register(&house, "web", own).await;
        ask(&house, &client, again(&key)).await.expect(status);
        assert_eq!(sink.kept().is_empty(), status == 503, "{ca:?}");
        house.stop().await;
    }
}
