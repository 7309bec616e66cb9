//! Who a request is from and what it is called: `TRUSTED_PROXIES` and the request id.

use crate::backend::Backend;
use crate::client::{Client, Person};
use crate::house::House;
use crate::scenes;

scenes![
    a_trusted_proxy_names_the_client,
    a_stranger_names_nobody,
    a_trusted_proxys_request_id_is_echoed_if_it_is_fit_to_be_logged,
    a_strangers_request_id_is_replaced,
];

/// The address that a sign-in through a client is remembered under.
async fn address_of_sign_in(public: &Client) -> String {
    let person = Person::register(public, "ada").await;
    let tokens = person.login().await;
    let sessions = public.bearer(&tokens.access).get("/auth/sessions").await;
    let sessions = sessions.expect(200).json();
    let address = sessions["sessions"][0]["address"].as_str();
    address
        .unwrap_or_else(|| panic!("no address: {sessions}"))
        .to_owned()
}

async fn a_trusted_proxy_names_the_client() {
    let house = House::with(Backend::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1/32")]).await;
    let forged = house
        .public()
        .with("x-forwarded-for", "198.51.100.1, 203.0.113.7");
    assert_eq!(address_of_sign_in(&forged).await, "203.0.113.7");
    house.stop().await;
}

async fn a_stranger_names_nobody() {
    for proxies in ["", "10.0.0.0/8"] {
        let house = House::with(Backend::Sqlite, &[("TRUSTED_PROXIES", proxies)]).await;
        let forged = house.public().with("x-forwarded-for", "203.0.113.7");
        let forged = forged.with("forwarded", "for=203.0.113.7");
        assert_eq!(address_of_sign_in(&forged).await, "127.0.0.1");
        house.stop().await;
    }
}

async fn a_trusted_proxys_request_id_is_echoed_if_it_is_fit_to_be_logged() {
    let house = House::open(Backend::Sqlite).await;
    let long = "a".repeat(64);
    for id in ["abc-1.2_3", &long, "0190a1b2-0000-7000-8000-000000000001"] {
        let answer = house
            .public()
            .with("x-request-id", id)
            .get("/nothing")
            .await;
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(answer.field("request_id"), id);
    }
    for id in ["", "a b", "a\tb", "<script>", "a,b", &"a".repeat(65)] {
        let answer = house
            .public()
            .with("x-request-id", id)
            .get("/nothing")
            .await;
        let shown = answer.header("x-request-id");
        assert!(shown != id && shown.len() == 36, "{id:?} gave {shown:?}");
        assert_eq!(answer.field("request_id"), shown);
    }
    house.stop().await;
}

async fn a_strangers_request_id_is_replaced() {
    let house = House::with(Backend::Sqlite, &[("TRUSTED_PROXIES", "")]).await;
    let asking = house.public().with("x-request-id", "mine");
    let (one, other) = (asking.get("/health").await, asking.get("/health").await);
    let (one, other) = (one.header("x-request-id"), other.header("x-request-id"));
    assert!(one.len() == 36 && other.len() == 36 && one != other);
    house.stop().await;
}
