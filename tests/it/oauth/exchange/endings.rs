//! What ends an exchanged token: whatever ends the sign-in, the token it came of, or a client in it; and
//! then POST /oauth/token exchanges nothing more.

use serde_json::json;

use super::{agent, exchange, introspect};
use crate::cases;
use crate::house::House;
use crate::oauth::world::{Registered, World};

cases![
    signing_out_ends_what_was_exchanged,
    a_lock_ends_what_was_exchanged_and_lets_nothing_be,
    a_deleted_person_is_acted_for_no_more,
    rfc_7009_2_1_revoking_a_token_ends_what_it_was_exchanged_for,
    closing_a_client_ends_what_it_acts_in,
];

/// A chain of two that acts for a person: the person's token, and what each of the two agents got.
struct Chain {
    world: World,
    agents: [Registered; 2],
    subject: String,
    tokens: [String; 2],
}

impl Chain {
    async fn new(house: House) -> Self {
        let world = World::new(house).await;
        let agents = [
            agent(&world, json!({})).await,
            agent(&world, json!({})).await,
        ];
        let subject = world.person.login().await.access;
        let first = exchange(&world, &agents[0], &subject, &[])
            .await
            .expect(200);
        let first = first.field("access_token");
        let second = exchange(&world, &agents[1], &first, &[]).await.expect(200);
        let second = second.field("access_token");
        let chain = Self {
            world,
            agents,
            subject,
            tokens: [first, second],
        };
        chain.assert_accepted(&chain.tokens[0], 200).await;
        chain.assert_accepted(&chain.tokens[1], 200).await;
        chain
    }

    async fn assert_accepted(&self, token: &str, status: u16) {
        let public = self.world.house.public().bearer(token);
        public.get("/userinfo").await.expect(status);
    }

    /// Checks that a token is worth nothing, and that nothing is given for it.
    async fn assert_ended(&self, token: &str) {
        self.assert_accepted(token, 401).await;
        for agent in &self.agents {
            let told = exchange(&self.world, agent, token, &[]).await;
            assert!(told.status.is_client_error(), "{}", told.text);
        }
    }

    async fn assert_all_ended(&self) {
        for (agent, token) in self.agents.iter().zip(&self.tokens) {
            self.assert_ended(token).await;
            assert_eq!(introspect(&self.world, agent, token).await["active"], false);
        }
        self.assert_ended(&self.subject).await;
    }

    async fn user_path(&self) -> String {
        let house = &self.world.house;
        format!("/admin/users/{}", house.user_id(&self.world.person).await)
    }
}

async fn signing_out_ends_what_was_exchanged(house: House) {
    let chain = Chain::new(house).await;
    let person = chain.world.person.public.bearer(&chain.subject);
    person.post("/auth/logout", json!({})).await.expect(200);
    chain.assert_all_ended().await;
}

async fn a_lock_ends_what_was_exchanged_and_lets_nothing_be(house: House) {
    let chain = Chain::new(house).await;
    let path = chain.user_path().await;
    let admin = chain.world.house.admin();
    let lock = json!({ "reason": "lost" });
    admin.post(&format!("{path}/lock"), lock).await.expect(200);
    chain.assert_all_ended().await;
    let unlock = format!("{path}/unlock");
    admin.post(&unlock, json!({})).await.expect(200);
    chain.assert_all_ended().await;
}

async fn a_deleted_person_is_acted_for_no_more(house: House) {
    let chain = Chain::new(house).await;
    let path = chain.user_path().await;
    chain.world.house.admin().delete(&path).await.expect(204);
    chain.assert_all_ended().await;
}

async fn rfc_7009_2_1_revoking_a_token_ends_what_it_was_exchanged_for(house: House) {
    let chain = Chain::new(house).await;
    let fields = [("token", chain.tokens[0].as_str())];
    let world = &chain.world;
    let revoked = world.form("/oauth/revoke", &chain.agents[0], &fields).await;
    revoked.expect(200);
    chain.assert_ended(&chain.tokens[0]).await;
    chain.assert_ended(&chain.tokens[1]).await;
    world.person.me(&chain.subject).await.expect(200);
    let again = exchange(world, &chain.agents[0], &chain.subject, &[]).await;
    again.expect(200);
}

async fn closing_a_client_ends_what_it_acts_in(house: House) {
    let chain = Chain::new(house).await;
    let path = format!("/admin/clients/{}", chain.agents[0].id);
    let closed = json!({ "disabled": true });
    let admin = chain.world.house.admin();
    admin.patch(&path, closed).await.expect(200);
    chain.assert_ended(&chain.tokens[0]).await;
    chain.assert_ended(&chain.tokens[1]).await;
    let told = introspect(&chain.world, &chain.agents[1], &chain.tokens[1]).await;
    assert_eq!(told["active"], false);
    chain.world.person.me(&chain.subject).await.expect(200);
}
