//! Tests of the gate.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::random::Counting;

use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 64,
    time: 1,
    parallelism: 1,
};

fn config(cost: Cost, queue: usize, peppers: &[u8]) -> HashingConfig {
    HashingConfig {
        cost,
        threads: NonZeroUsize::MIN,
        queue,
        peppers: peppers
            .iter()
            .map(|seed| SecretBytes::new(vec![*seed; 32]))
            .collect(),
    }
}

fn gate(cost: Cost, queue: usize, peppers: &[u8]) -> Hashing {
    Hashing::new(
        &config(cost, queue, peppers),
        Arc::new(Counting::default()),
        Arc::new(|_| ()),
    )
    .expect("starts")
}

fn text(password: &str) -> SecretText {
    SecretText::new(password.to_owned())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

async fn record(gate: &Hashing, password: &str) -> PasswordRecord {
    let set_at = UnixMillis::from_millis(7);
    let place = gate.reserve().expect("a place");
    place
        .hash(text(password), set_at, soon())
        .await
        .expect("hashes")
}

async fn look(
    gate: &Hashing,
    password: &str,
    record: Option<PasswordRecord>,
) -> Result<Verified, Fault> {
    gate.reserve()?.verify(text(password), record, soon()).await
}

async fn verify(gate: &Hashing, password: &str, record: &PasswordRecord) -> Verified {
    let record = Some(record.clone());
    look(gate, password, record).await.expect("verifies")
}

#[tokio::test]
async fn the_right_password_matches_and_no_other() {
    let gate = gate(CHEAP, 1, &[1]);
    let record = record(&gate, "a quiet garden").await;
    assert!(
        record
            .phc
            .expose()
            .starts_with("$argon2id$v=19$m=64,t=1,p=1$")
    );
    let right = verify(&gate, "a quiet garden", &record).await;
    assert_eq!((right.matches, right.outdated), (true, false));
    assert!(!verify(&gate, "a quiet garden ", &record).await.matches);
}

#[tokio::test]
async fn one_password_twice_gives_two_hashes() {
    let gate = gate(CHEAP, 1, &[1]);
    let (one, two) = (record(&gate, "same").await, record(&gate, "same").await);
    assert_ne!(one.phc.expose(), two.phc.expose());
}

#[tokio::test]
async fn nothing_matches_when_there_is_no_password() {
    let gate = gate(CHEAP, 1, &[1]);
    let verified = look(&gate, "anything", None).await;
    let nothing = Verified {
        matches: false,
        outdated: false,
    };
    assert_eq!(verified, Ok(nothing));
}

#[tokio::test]
async fn weaker_parameters_and_an_older_pepper_are_outdated_and_still_verify() {
    let record = record(&gate(CHEAP, 1, &[1]), "secret").await;
    let stronger = gate(Cost { time: 2, ..CHEAP }, 1, &[1]);
    let rotated = gate(CHEAP, 1, &[2, 1]);
    for gate in [stronger, rotated] {
        let verified = verify(&gate, "secret", &record).await;
        assert_eq!((verified.matches, verified.outdated), (true, true));
    }
    assert!(
        !verify(&gate(CHEAP, 1, &[2]), "secret", &record)
            .await
            .matches
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_matches_nothing() {
    let gate = gate(CHEAP, 1, &[1]);
    let mut record = record(&gate, "secret").await;
    record.phc = text("$2b$12$not.ours");
    assert!(!verify(&gate, "secret", &record).await.matches);
}

#[tokio::test]
async fn beyond_the_queue_everyone_is_told_to_come_back_and_places_come_free() {
    let slow = Cost {
        memory_kib: 8 * 1024,
        time: 3,
        parallelism: 1,
    };
    let gate = gate(slow, 2, &[1]);
    let jobs = (0..10).map(|_| look(&gate, "x", None));
    let mut answers = Vec::new();
    let mut jobs: Vec<_> = jobs.map(Box::pin).collect();
    // Each future takes its place when it is first polled; all are polled before any ends.
    std::future::poll_fn(|context| {
        for job in &mut jobs {
            if let std::task::Poll::Ready(answer) = job.as_mut().poll(context) {
                answers.push(answer);
            }
        }
        std::task::Poll::Ready(())
    })
    .await;
    assert_eq!(
        answers.len(),
        7,
        "three places: one thread and a queue of two"
    );
    assert!(
        answers
            .iter()
            .all(|answer| *answer == Err(Fault::Busy("hashing")))
    );
    assert_eq!(gate.depth(), 3);
    drop(jobs);
    // Skipped jobs give their places back as their turn comes.
    while gate.depth() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(look(&gate, "x", None).await.is_ok());
}

#[tokio::test]
async fn a_place_is_taken_from_when_it_is_asked_for_until_it_is_given_up() {
    let gate = gate(CHEAP, 1, &[1]);
    let (first, second) = (gate.reserve(), gate.reserve());
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(gate.reserve().err(), Some(Fault::Busy("hashing")));
    drop(first);
    assert!(gate.reserve().is_ok());
}

#[tokio::test]
async fn a_job_whose_deadline_passed_is_late_and_not_worked_on() {
    let gate = gate(CHEAP, 1, &[1]);
    let past = Instant::now();
    let place = gate.reserve().expect("a place");
    assert_eq!(place.verify(text("x"), None, past).await, Err(Fault::Late));
}

#[test]
fn impossible_settings_do_not_start() {
    let random = || Arc::new(Counting::default());
    let none = Hashing::new(&config(CHEAP, 1, &[]), random(), Arc::new(|_| ()));
    assert_eq!(none.err(), Some(NotStarted::NoPepper));
    let zero = Hashing::new(
        &config(Cost { time: 0, ..CHEAP }, 1, &[1]),
        random(),
        Arc::new(|_| ()),
    );
    assert_eq!(zero.err(), Some(NotStarted::Cost));
}

#[tokio::test]
async fn every_hash_is_told_of_with_its_duration() {
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let watch: Watch = Arc::new(move |span| {
        assert!(span > Duration::ZERO);
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let random = Arc::new(Counting::default());
    let gate = Hashing::new(&config(CHEAP, 1, &[1]), random, watch).expect("starts");
    let stored = record(&gate, "secret").await;
    verify(&gate, "secret", &stored).await;
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn of_many_at_once_each_gets_the_answer_to_its_own() {
    let gate = gate(CHEAP, 63, &[1]);
    let passwords: Vec<_> = (0..20).map(|number| format!("password {number}")).collect();
    let records = passwords.iter().map(|password| record(&gate, password));
    let records = futures_util::future::join_all(records).await;
    let asked = records.iter().enumerate().flat_map(|(number, record)| {
        let wrong = &passwords[(number + 1) % passwords.len()];
        [(&passwords[number], record), (wrong, record)]
    });
    let answers = asked.map(|(password, record)| verify(&gate, password, record));
    let answers = futures_util::future::join_all(answers).await;
    for (number, verified) in answers.iter().enumerate() {
        assert_eq!(verified.matches, number % 2 == 0, "{number}");
    }
}

#[tokio::test]
async fn memory_of_past_hashes_is_given_back_when_nobody_hashes_any_more() {
    let gate = gate(CHEAP, 1, &[1]);
    let kept = || {
        gate.0
            .pool
            .broadcast(|_| kernel::kept())
            .iter()
            .sum::<usize>()
    };
    let record = record(&gate, "a quiet garden").await;
    assert!(kept() > 0);
    tokio::time::pause();
    let rest = Box::pin(gate.rest());
    let one_look = timeout_at(Instant::now() + REST + REST / 2, rest).await;
    assert!(one_look.is_err(), "it goes on for ever");
    assert!(kept() > 0, "somebody had hashed since");
    let another = timeout_at(Instant::now() + REST + REST / 2, Box::pin(gate.rest())).await;
    assert!(another.is_err());
    assert_eq!(kept(), 0);
    tokio::time::resume();
    let again = look(&gate, "a quiet garden", Some(record)).await;
    assert!(again.expect("verifies").matches);
    assert!(kept() > 0);
}
