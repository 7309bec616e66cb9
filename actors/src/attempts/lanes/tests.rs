//! Tests of the lanes in which attempts at one account queue.

use super::*;

const DELAY_AFTER: u32 = 5;

/// Plays the store: grants while fewer than [`DELAY_AFTER`] were paid for.
#[derive(Default)]
struct Store {
    paid: u32,
}

struct Game {
    lanes: Lanes<u8, u32>,
    store: Store,
    flying: Vec<Arc<Place>>,
    refused: u32,
}

impl Game {
    fn new() -> Self {
        Self {
            lanes: Lanes::new(DELAY_AFTER),
            store: Store::default(),
            flying: Vec::new(),
            refused: 0,
        }
    }

    fn ask_store(&mut self) {
        if self.store.paid >= DELAY_AFTER {
            self.refused += 1;
            return;
        }
        self.store.paid += 1;
        self.flying.push(self.lanes.grant(1, self.store.paid));
    }

    fn arrive(&mut self, caller: u32) -> Admission<u32> {
        let admission = self.lanes.admit(1, caller);
        if let Admission::Now(_) = admission {
            self.ask_store();
        }
        admission
    }

    fn resolve(&mut self, outcome: Outcome) {
        if outcome == Outcome::Succeeded {
            self.store.paid = 0;
        }
        self.flying.remove(0).resolve(outcome);
        while self.lanes.next(1).is_some() {
            self.ask_store();
        }
    }
}

#[test]
fn attempts_fly_together_while_failing_all_would_not_reach_the_delay() {
    let mut game = Game::new();
    for caller in 0..5 {
        assert_eq!(game.arrive(caller), Admission::Now(caller));
    }
    assert_eq!(game.arrive(5), Admission::Waiting);
}

#[test]
fn many_right_passwords_at_once_all_succeed() {
    let mut game = Game::new();
    for caller in 0..21 {
        assert_ne!(game.arrive(caller), Admission::Full(caller));
    }
    let mut succeeded = 0;
    while !game.flying.is_empty() {
        game.resolve(Outcome::Succeeded);
        succeeded += 1;
    }
    assert_eq!((succeeded, game.refused), (21, 0));
    assert!(game.lanes.lanes.is_empty());
}

#[test]
fn parallel_wrong_guesses_get_no_look_more_than_in_a_row() {
    let mut game = Game::new();
    let full = (0..50)
        .filter(|n| matches!(game.arrive(*n), Admission::Full(_)))
        .count();
    let mut looked = 0;
    while !game.flying.is_empty() {
        game.resolve(Outcome::Failed);
        looked += 1;
    }
    assert_eq!((looked, game.refused), (5, 16));
    assert_eq!(full, 50 - 5 - QUEUE);
}

#[test]
fn beyond_the_delay_attempts_go_one_at_a_time() {
    let mut lanes: Lanes<u8, u32> = Lanes::new(DELAY_AFTER);
    assert_eq!(lanes.admit(1, 0), Admission::Now(0));
    let first = lanes.grant(1, 7);
    assert_eq!(lanes.admit(1, 1), Admission::Waiting);
    assert_eq!(lanes.next(1), None);
    first.resolve(Outcome::Failed);
    assert_eq!(lanes.next(1), Some(1));
}

#[test]
fn who_comes_later_does_not_overtake_who_waits() {
    let mut lanes: Lanes<u8, u32> = Lanes::new(1);
    assert_eq!(lanes.admit(1, 0), Admission::Now(0));
    let first = lanes.grant(1, 1);
    assert_eq!(lanes.admit(1, 1), Admission::Waiting);
    first.resolve(Outcome::Refunded);
    assert_eq!(lanes.admit(1, 2), Admission::Waiting);
    assert_eq!((lanes.next(1), lanes.next(1)), (Some(1), Some(2)));
}

#[test]
fn the_first_word_about_an_attempt_counts() {
    let place = Place::default();
    place.resolve(Outcome::Succeeded);
    place.resolve(Outcome::Failed);
    assert_eq!(place.outcome(), Some(Outcome::Succeeded));
}

#[test]
fn accounts_do_not_wait_for_each_other_and_leave_nothing_behind() {
    let mut lanes: Lanes<u8, u32> = Lanes::new(0);
    assert_eq!(lanes.admit(1, 0), Admission::Now(0));
    let one = lanes.grant(1, 1);
    assert_eq!(lanes.admit(2, 0), Admission::Now(0));
    let two = lanes.grant(2, 1);
    assert_eq!(lanes.admit(1, 9), Admission::Waiting);
    assert_eq!(lanes.sweep(|_| false), [1]);
    assert!(lanes.sweep(|caller| *caller == 9).is_empty());
    one.resolve(Outcome::Failed);
    assert_eq!(lanes.next(1), None);
    assert_eq!(lanes.lanes.len(), 1);
    two.resolve(Outcome::Failed);
    assert!(lanes.sweep(|_| false).is_empty());
    assert!(lanes.lanes.is_empty());
}
