//! Mail: retries with growing waits, mails that are given up, and a courier that crashes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::mail::{Courier, CourierFault, Mail, MailNeeds, mail};
use actors::supervision::Tree;
use domain::email::EmailAddress;
use domain::event::EventKind;
use domain::id::{MailId, TenantId};
use domain::mail::{Letter, LetterBody, MailJob};
use domain::one_time::Purpose;
use futures_util::future::BoxFuture;
use protocol::entropy::SystemRandom;
use protocol::seal;

use crate::house::{House, SOON, raise_outflow, secrets_of, within};

/// What the courier does with the next letter.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    Deliver,
    Fail,
    Refuse,
    Crash,
}

/// A courier that does as it is told, and delivers when it was told nothing.
#[derive(Default)]
pub(crate) struct Scripted {
    script: Mutex<VecDeque<Act>>,
    pub(crate) tried: Mutex<Vec<MailId>>,
    pub(crate) delivered: Mutex<Vec<Letter>>,
}

impl Courier for Scripted {
    fn deliver(
        &self,
        mail: MailId,
        _: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        self.tried.lock().unwrap().push(mail);
        let act = self.script.lock().unwrap().pop_front();
        let fault = |permanent| CourierFault {
            permanent,
            text: "451 later".to_owned(),
        };
        Box::pin(async move {
            match act.unwrap_or(Act::Deliver) {
                Act::Deliver => self.delivered.lock().unwrap().push(letter),
                Act::Fail => return Err(fault(false)),
                Act::Refuse => return Err(fault(true)),
                Act::Crash => panic!("the courier fell"),
            }
            Ok(())
        })
    }
}

pub(crate) struct Office {
    pub(crate) house: House,
    pub(crate) courier: Arc<Scripted>,
    pub(crate) mail: Mail,
    pub(crate) tree: Tree,
}

impl Office {
    pub(crate) async fn new(script: &[Act]) -> Self {
        let house = House::new().await;
        let courier = Arc::new(Scripted {
            script: Mutex::new(script.iter().copied().collect()),
            ..Scripted::default()
        });
        let (mail, spec) = mail(MailNeeds {
            outbox: house.ports.outbox.clone(),
            courier: courier.clone(),
            secrets: secrets_of(&[1]),
            clock: house.clock.clone(),
            random: Arc::new(SystemRandom),
        });
        Self {
            house,
            courier,
            mail,
            tree: raise_outflow(vec![spec]).await,
        }
    }

    /// Writes a mail as a flow does, with the verb it belongs to.
    pub(crate) async fn write(&self, address: &str) -> MailId {
        let letter = letter(address);
        let mut job = self.house.world.mail(self.house.now());
        let plain = serde_json::to_vec(&letter).unwrap();
        let context = format!("mail/{}", job.id);
        job.sealed = seal::seal(&secrets_of(&[1]), &context, &plain).unwrap();
        self.post(address, job).await
    }

    async fn post(&self, address: &str, job: MailJob) -> MailId {
        let (world, id) = (&self.house.world, job.id);
        let user = world.register(address).await;
        let token = world.one_time(user.id, Purpose::VerifyEmail);
        let entry = world.entry(EventKind::EmailVerificationRequested);
        let ports = &self.house.ports;
        ports
            .one_time
            .issue_one_time(token, job, entry)
            .await
            .unwrap();
        self.mail.nudge();
        id
    }

    pub(crate) fn tries(&self) -> usize {
        self.courier.tried.lock().unwrap().len()
    }

    async fn waiting(&self) -> u64 {
        self.house.ports.outbox.count_waiting().await.unwrap()
    }

    /// Waits for the courier to have tried so often.
    pub(crate) async fn until_tried(&self, times: usize) {
        within(5 * SOON, "the courier tries", || async {
            self.mail.nudge();
            self.tries() >= times
        })
        .await;
    }
}

fn letter(address: &str) -> Letter {
    Letter {
        to: EmailAddress::parse(address).unwrap().as_str().to_owned(),
        name: "Ada".to_owned(),
        language: None,
        body: LetterBody::VerifyEmail {
            token: "qf_ot_x".to_owned(),
        },
    }
}

#[tokio::test]
async fn a_mail_is_tried_again_later_until_it_is_delivered() {
    let office = Office::new(&[Act::Fail, Act::Fail]).await;
    let id = office.write("ada@example.org").await;
    office.until_tried(1).await;
    // Not due again before three quarters of thirty seconds.
    office.house.clock.advance(Duration::from_secs(22));
    for (tried, wait) in [(1, 16), (2, 75)] {
        assert_eq!(office.tries(), tried);
        office.house.clock.advance(Duration::from_secs(wait));
        office.until_tried(tried + 1).await;
    }
    within(SOON, "it is settled", || async {
        office.waiting().await == 0
    })
    .await;
    assert_eq!(*office.courier.tried.lock().unwrap(), [id; 3]);
    let delivered = office.courier.delivered.lock().unwrap();
    assert_eq!(*delivered, [letter("ada@example.org")]);
}

#[tokio::test]
async fn a_mail_refused_for_good_is_given_up_at_once() {
    let office = Office::new(&[Act::Refuse]).await;
    office.write("ada@example.org").await;
    within(SOON, "it is given up", || async {
        office.waiting().await == 0
    })
    .await;
    assert_eq!(office.tries(), 1);
}

#[tokio::test]
async fn a_letter_that_does_not_open_is_given_up_without_the_courier() {
    let office = Office::new(&[]).await;
    let job = office.house.world.mail(office.house.now());
    office.post("ada@example.org", job).await;
    within(SOON, "it is given up", || async {
        office.waiting().await == 0
    })
    .await;
    assert_eq!(office.tries(), 0);
}

#[tokio::test]
async fn a_mail_that_fails_twelve_times_is_given_up() {
    let office = Office::new(&[Act::Fail; 12]).await;
    office.write("ada@example.org").await;
    for tries in 1..=12 {
        office.until_tried(tries).await;
        office.house.clock.advance(Duration::from_hours(2));
    }
    within(SOON, "it is given up", || async {
        office.waiting().await == 0
    })
    .await;
    assert_eq!(office.tries(), 12);
}

#[tokio::test]
async fn after_a_crash_over_a_letter_it_reaches_the_courier_again() {
    let office = Office::new(&[Act::Crash]).await;
    let id = office.write("ada@example.org").await;
    office.until_tried(1).await;
    // Its claim's lease must run out; other mails go on meanwhile.
    office.write("bo@example.org").await;
    within(SOON, "the task is back", || async {
        office.mail.nudge();
        office.courier.delivered.lock().unwrap().len() == 1
    })
    .await;
    office.house.clock.advance(Duration::from_mins(1));
    office.until_tried(3).await;
    within(SOON, "both are settled", || async {
        office.waiting().await == 0
    })
    .await;
    assert_eq!(office.courier.tried.lock().unwrap().last(), Some(&id));
    assert!(office.tree.is_healthy());
}
