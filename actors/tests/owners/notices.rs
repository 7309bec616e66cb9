//! Notices: retries with growing waits, notices that are given up, and a teller that hangs or crashes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::notices::{Notices, NoticesNeeds, Teller};
use actors::supervision::Tree;
use domain::id::SessionId;
use domain::notice::Notice;
use futures_util::future::BoxFuture;
use protocol::entropy::SystemRandom;

use crate::house::{House, SOON, raise_outflow, within};

/// What the teller does with the next notice.
#[derive(Clone, Copy)]
enum Act {
    Tell,
    Fail,
    Hang,
    Crash,
}

/// A teller that does as it is told, and tells when it was told nothing.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Act>>,
    tried: Mutex<Vec<SessionId>>,
    told: Mutex<Vec<SessionId>>,
}

impl Teller for Scripted {
    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), String>> {
        self.tried.lock().unwrap().push(notice.id.session);
        let act = self.script.lock().unwrap().pop_front();
        Box::pin(async move {
            match act.unwrap_or(Act::Tell) {
                Act::Tell => self.told.lock().unwrap().push(notice.id.session),
                Act::Fail => return Err("the answer's status is 500".to_owned()),
                Act::Hang => std::future::pending().await,
                Act::Crash => panic!("the teller fell"),
            }
            Ok(())
        })
    }
}

struct Office {
    house: House,
    teller: Arc<Scripted>,
    notices: Notices,
    tree: Tree,
}

impl Office {
    /// Raises the task with some sessions that have ended.
    async fn new(script: &[Act], sessions: usize) -> Self {
        let house = House::new().await;
        let teller = Arc::new(Scripted {
            script: Mutex::new(script.iter().copied().collect()),
            ..Scripted::default()
        });
        let world = &house.world;
        let uri = Some("https://app.example.org/out");
        world.add_client("client_web", uri).await;
        let user = world.register("ada@example.org").await.id;
        for _ in 0..sessions {
            let family = world.sign_in_at_client(user, "client_web", None).await;
            world.end(user, family.session, house.now()).await;
        }
        let notices = Notices::default();
        let spec = notices.spec(NoticesNeeds {
            notices: house.ports.notices.clone(),
            teller: teller.clone(),
            clock: house.clock.clone(),
            random: Arc::new(SystemRandom),
        });
        Self {
            house,
            teller,
            notices,
            tree: raise_outflow(vec![spec]).await,
        }
    }

    fn tries(&self) -> usize {
        self.teller.tried.lock().unwrap().len()
    }

    async fn until_tried(&self, times: usize) {
        within(5 * SOON, "the teller tries", || async {
            self.notices.nudge();
            self.tries() >= times
        })
        .await;
    }

    async fn until_settled(&self) {
        let store = &self.house.ports.notices;
        within(SOON, "it is settled", || async {
            store.count_notices().await.unwrap() == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_notice_is_tried_again_later_until_it_is_given() {
    let office = Office::new(&[Act::Fail, Act::Fail], 1).await;
    office.until_tried(1).await;
    // Not due again before three quarters of thirty seconds.
    office.house.clock.advance(Duration::from_secs(22));
    for (tried, wait) in [(1, 16), (2, 75)] {
        assert_eq!(office.tries(), tried);
        office.house.clock.advance(Duration::from_secs(wait));
        office.until_tried(tried + 1).await;
    }
    office.until_settled().await;
    assert_eq!(office.teller.told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_notice_that_fails_twelve_times_is_given_up() {
    let office = Office::new(&[Act::Fail; 12], 1).await;
    for tries in 1..=12 {
        office.until_tried(tries).await;
        office.house.clock.advance(Duration::from_hours(2));
    }
    office.until_settled().await;
    assert_eq!(office.tries(), 12);
}

#[tokio::test]
async fn clients_that_hang_hold_up_no_other() {
    let office = Office::new(&[Act::Hang; 15], 40).await;
    within(5 * SOON, "the others are told", || async {
        office.notices.nudge();
        office.teller.told.lock().unwrap().len() == 25
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_over_a_notice_it_is_given_again() {
    let office = Office::new(&[Act::Crash], 1).await;
    office.until_tried(1).await;
    office.house.clock.advance(Duration::from_mins(1));
    office.until_tried(2).await;
    office.until_settled().await;
    let tried = office.teller.tried.lock().unwrap().clone();
    assert_eq!(*office.teller.told.lock().unwrap(), tried[1..]);
    assert!(office.tree.is_healthy());
}
