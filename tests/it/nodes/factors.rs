//! Second factors on two nodes: what was shown at one is not shown at the other.

use futures_util::future::join_all;

use crate::auth::mfa::{Owner, verify};
use crate::cases;
use crate::house::House;

cases![one_of_twenty_shows_of_a_code_on_two_nodes_passes,];

async fn one_of_twenty_shows_of_a_code_on_two_nodes_passes(house: House) {
    let other = house.second_node().await;
    let owner = Owner::enroll(&house, "ada").await;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(owner.begin().await);
    }
    let code = owner.app.next_code();
    let nodes = [house.public(), other.public()];
    let shows = tokens.iter().enumerate();
    let shows = shows.map(|(n, token)| verify(&nodes[n % 2], token, ("totp", &code)));
    let answers = join_all(shows).await;
    let passed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, 1);
    other.stop().await;
}
