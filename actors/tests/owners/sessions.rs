//! Sessions: simultaneous refreshes, hot copies, and what is refused before the answer.

use actors::sessions::{Sessions, sessions};
use actors::supervision::Tree;
use domain::event::EventKind;
use domain::session::{EndReason, Family, Session};
use domain::user::{User, UserPatch, UserStatus};
use futures_util::future::join_all;
use store::contract::fixture::{at, much_later};
use store::port::sessions::{EndTarget, Ending, Granted, MAX_SESSIONS, Rotation};
use store::port::users::UserWrite;

use crate::house::{House, in_time, raise};

struct SignedIn {
    house: House,
    sessions: Sessions,
    user: User,
    session: Session,
    family: Family,
    _tree: Tree,
}

impl SignedIn {
    async fn new() -> Self {
        let house = House::new().await;
        let (sessions, specs) = sessions(house.ports.sessions.clone(), false);
        let tree = raise(specs).await;
        let user = house.world.register("ada@example.org").await;
        let new = house.world.sign_in_at(user.id, at(0));
        let (session, family) = (new.session.clone(), new.family.clone());
        assert_eq!(sessions.begin(new, in_time()).await, Ok(true));
        Self {
            house,
            sessions,
            user,
            session,
            family,
            _tree: tree,
        }
    }

    async fn present(&self, generation: u32, seconds: i64) -> Rotation {
        let turn = self.house.world.turn(&self.family, generation, at(seconds));
        self.sessions.rotate(turn, in_time()).await.unwrap()
    }

    async fn end(&self, target: EndTarget) -> usize {
        let ending = Ending {
            tenant: self.house.world.tenant,
            target,
            reason: EndReason::Logout,
            now: at(60),
            remember_until: much_later(),
            entry: self.house.world.entry(EventKind::SessionEnded),
        };
        self.sessions.end(ending, in_time()).await.unwrap().len()
    }
}

fn granted(rotation: Rotation) -> Granted {
    match rotation {
        Rotation::Granted(granted) => *granted,
        other => panic!("not granted: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_presentations_of_one_token_have_one_advance_and_one_successor() {
    let signed_in = SignedIn::new().await;
    let before = signed_in.house.store.written().orders;
    let all = join_all((0..200).map(|_| signed_in.present(1, 10))).await;
    let all: Vec<Granted> = all.into_iter().map(granted).collect();
    assert_eq!(all.iter().filter(|g| g.advanced).count(), 1);
    assert!(all.iter().all(|g| g.family.generation == 2));
    let refreshed = signed_in
        .house
        .world
        .count_events(EventKind::TokenRefreshed);
    assert_eq!(refreshed.await, 1);
    let orders = signed_in.house.store.written().orders - before;
    assert_eq!(orders, 1, "repeats need no write");
}

#[tokio::test]
async fn a_repeat_outside_the_window_is_the_stores_to_judge() {
    let signed_in = SignedIn::new().await;
    granted(signed_in.present(1, 10).await);
    let reissued = granted(signed_in.present(1, 60).await);
    assert_eq!(reissued.family.generation, 2);
    assert!(reissued.family.reissued);
}

#[tokio::test]
async fn a_reused_token_ends_its_session_and_is_refused_before_the_answer() {
    let signed_in = SignedIn::new().await;
    granted(signed_in.present(1, 10).await);
    granted(signed_in.present(2, 20).await);
    let session = signed_in.session.id;
    assert_eq!(signed_in.present(1, 30).await, Rotation::Reused(session));
    assert!(
        signed_in
            .sessions
            .denylist()
            .is_refused("any", Some(session), None)
    );
}

#[tokio::test]
async fn an_ended_session_is_refused_and_its_repeats_are_not_answered_from_memory() {
    let signed_in = SignedIn::new().await;
    granted(signed_in.present(1, 10).await);
    let target = EndTarget::User(signed_in.user.id, None);
    assert_eq!(signed_in.end(target).await, 1);
    let session = Some(signed_in.session.id);
    assert!(
        signed_in
            .sessions
            .denylist()
            .is_refused("any", session, None)
    );
    assert_eq!(signed_in.present(1, 11).await, Rotation::Ended);
}

#[tokio::test]
async fn a_lock_through_another_port_reaches_the_hot_copies() {
    let signed_in = SignedIn::new().await;
    granted(signed_in.present(1, 10).await);
    let world = &signed_in.house.world;
    let patch = UserPatch {
        status: Some(UserStatus::Locked),
        ..UserPatch::default()
    };
    let entry = world.entry(EventKind::UserLocked);
    let users = &signed_in.house.ports.users;
    let written = users.update_user(signed_in.user.id, patch, much_later(), entry);
    let UserWrite::Stored(_, ended) = written.await.unwrap() else {
        panic!("the account is there");
    };
    let sessions = &signed_in.sessions;
    sessions.refuse(world.tenant, &ended, much_later());
    assert!(
        sessions
            .denylist()
            .is_refused("any", Some(signed_in.session.id), None)
    );
    assert_eq!(signed_in.present(1, 11).await, Rotation::Ended);
    let again = world.sign_in_at(signed_in.user.id, at(20));
    assert_eq!(sessions.begin(again, in_time()).await, Ok(false));
}

#[tokio::test]
async fn a_revoked_access_token_is_refused_and_its_neighbours_are_not() {
    let signed_in = SignedIn::new().await;
    let world = &signed_in.house.world;
    let entry = world.entry(EventKind::TokenRevoked);
    let revoked = signed_in.sessions.revoke_access(
        world.tenant,
        "stolen".to_owned(),
        at(900),
        entry,
        in_time(),
    );
    assert_eq!(revoked.await, Ok(()));
    let denylist = signed_in.sessions.denylist();
    assert!(denylist.is_refused("stolen", None, None));
    assert!(!denylist.is_refused("another", Some(signed_in.session.id), None));
}

#[tokio::test]
async fn live_sessions_are_listed() {
    let signed_in = SignedIn::new().await;
    let (tenant, user) = (signed_in.house.world.tenant, signed_in.user.id);
    let list = || signed_in.sessions.list(tenant, user, at(1), in_time());
    let listed = list().await.unwrap();
    assert!(matches!(&listed[..], [one] if *one == signed_in.session));
    let target = EndTarget::Session(user, signed_in.session.id);
    assert_eq!(signed_in.end(target).await, 1);
    assert_eq!(list().await.unwrap(), []);
}

#[tokio::test]
async fn on_a_shared_store_every_repeat_asks_the_store() {
    let signed_in = SignedIn::new().await;
    let (shared, specs) = sessions(signed_in.house.ports.sessions.clone(), true);
    let _tree = raise(specs).await;
    let turn = signed_in.house.world.turn(&signed_in.family, 1, at(10));
    granted(shared.rotate(turn.clone(), in_time()).await.unwrap());
    // Another node ends the session; this one has not heard of it.
    assert_eq!(
        signed_in.end(EndTarget::Family(signed_in.family.id)).await,
        1
    );
    assert_eq!(shared.rotate(turn, in_time()).await, Ok(Rotation::Ended));
    assert!(!shared.denylist().is_fresh());
}

#[tokio::test]
async fn a_session_that_a_sign_in_displaced_is_refused_before_the_answer() {
    let signed_in = SignedIn::new().await;
    let sessions = &signed_in.sessions;
    for second in 1..=MAX_SESSIONS {
        let is_refused = sessions
            .denylist()
            .is_refused("any", Some(signed_in.session.id), None);
        assert!(!is_refused, "after {second} sign-ins");
        let user = signed_in.user.id;
        let new = signed_in.house.world.sign_in_at(user, at(second.into()));
        assert_eq!(sessions.begin(new, in_time()).await, Ok(true));
    }
    assert!(
        sessions
            .denylist()
            .is_refused("any", Some(signed_in.session.id), None)
    );
    assert_eq!(signed_in.present(1, 200).await, Rotation::Ended);
}
