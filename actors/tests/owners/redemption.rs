//! Authorization codes: simultaneous presentations, and what a replay refuses before the answer.

use actors::sessions::{Sessions, sessions};
use actors::supervision::Tree;
use domain::event::EventKind;
use domain::session::Session;
use futures_util::future::join_all;
use store::contract::fixture::at;
use store::port::authorizations::{CodeIssue, NewCode};
use store::port::sessions::{Redeemed, Redemption, Rotation};

use crate::house::{House, in_time, raise};

struct Authorized {
    house: House,
    sessions: Sessions,
    session: Session,
    code: NewCode,
    _tree: Tree,
}

impl Authorized {
    async fn new() -> Self {
        let house = House::new().await;
        let (sessions, specs) = sessions(house.ports.sessions.clone(), false);
        let tree = raise(specs).await;
        let user = house.world.register("ada@example.org").await;
        let (session, _) = house.world.sign_in(user.id).await;
        let code = house.world.code(&session, at(0));
        let issued = house.ports.authorizations.issue_code(code.clone()).await;
        assert_eq!(issued, Ok(CodeIssue::Issued));
        Self {
            house,
            sessions,
            session,
            code,
            _tree: tree,
        }
    }

    fn order(&self, seconds: i64) -> Redemption {
        let world = &self.house.world;
        world.redemption(&self.code, &self.session, at(seconds))
    }

    async fn redeem(&self, order: Redemption) -> Redeemed {
        self.sessions.redeem(order, in_time()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_fifty_presentations_of_one_code_is_granted() {
    let authorized = Authorized::new().await;
    let all = join_all((0..50).map(|_| authorized.redeem(authorized.order(1)))).await;
    let granted = all.iter().filter(|r| matches!(r, Redeemed::Granted(_)));
    assert_eq!(granted.count(), 1);
    let world = &authorized.house.world;
    assert_eq!(world.count_events(EventKind::TokenIssued).await, 1);
    assert_eq!(world.count_events(EventKind::CodeReplayed).await, 1);
}

#[tokio::test]
async fn a_replay_refuses_the_session_and_the_access_token_before_the_answer() {
    let authorized = Authorized::new().await;
    let order = authorized.order(1);
    let jti = order.access_jti.clone();
    let Redeemed::Granted(granted) = authorized.redeem(order).await else {
        panic!("the code is good")
    };
    let denylist = authorized.sessions.denylist();
    let session = Some(authorized.session.id);
    assert!(!denylist.is_refused(&jti, session, None));
    let again = authorized.redeem(authorized.order(2)).await;
    assert!(matches!(again, Redeemed::Replayed(_)));
    assert!(denylist.is_refused(&jti, None, None));
    assert!(denylist.is_refused("any", session, None));
    let turn = authorized.house.world.turn(&granted.family, 1, at(3));
    let rotation = authorized.sessions.rotate(turn, in_time()).await;
    assert_eq!(rotation, Ok(Rotation::Reused(authorized.session.id)));
}

#[tokio::test]
async fn a_family_that_a_code_began_answers_its_repeats_from_memory_until_a_replay() {
    let authorized = Authorized::new().await;
    let Redeemed::Granted(granted) = authorized.redeem(authorized.order(1)).await else {
        panic!("the code is good")
    };
    let turn = authorized.house.world.turn(&granted.family, 1, at(2));
    for _ in 0..2 {
        let rotation = authorized.sessions.rotate(turn.clone(), in_time()).await;
        assert!(matches!(rotation, Ok(Rotation::Granted(_))));
    }
    authorized.redeem(authorized.order(3)).await;
    let rotation = authorized.sessions.rotate(turn, in_time()).await;
    assert_eq!(rotation, Ok(Rotation::Reused(authorized.session.id)));
}
