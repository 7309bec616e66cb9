//! Every strategy, without a runtime: events in, steps out.

use futures_util::FutureExt;

use super::*;
use crate::supervision::ChildSpec;

const SECOND: Duration = Duration::from_secs(1);

struct Play {
    roster: Roster,
    now: Instant,
}

impl Play {
    fn new(strategy: Strategy, children: impl IntoIterator<Item = ChildSpec>) -> Self {
        let intensity = Intensity::new(2, 10 * SECOND);
        let spec = SupervisorSpec::new("top", strategy, intensity).with_children(children);
        Self {
            roster: Roster::new(&spec),
            now: Instant::now(),
        }
    }

    /// Takes every step; a child that is started is up at once, one that is stopped is down.
    fn run(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = self.roster.next_step(self.now) {
            match step {
                Step::Start(index) => self.roster.up(index, self.now),
                Step::Stop(index, _) => self.roster.down(index, &Failure::Ended, self.now),
                _ => {}
            }
            steps.push(step);
        }
        steps
    }

    /// As `run`, without alarms and times, and leaving what happens next to the test.
    fn steps(&mut self) -> Vec<String> {
        let steps = std::iter::from_fn(|| self.roster.next_step(self.now));
        let steps = steps.filter(|step| !matches!(step, Step::Set(..)));
        steps.map(|step| named(&step)).collect()
    }

    fn crash(&mut self, index: usize) -> Vec<String> {
        self.roster.down(index, &panicked(), self.now);
        let steps = self.run();
        let steps = steps.iter().filter(|step| !matches!(step, Step::Set(..)));
        steps.map(named).collect()
    }
}

fn named(step: &Step) -> String {
    match step {
        Step::Start(index) => format!("start {index}"),
        Step::Stop(index, _) => format!("stop {index}"),
        Step::Kill(index) => format!("kill {index}"),
        Step::Abandon(index) => format!("abandon {index}"),
        Step::Set(..) => "set".into(),
        Step::Settled => "settled".into(),
        Step::Close(None) => "close".into(),
        Step::Close(Some(_)) => "fail".into(),
    }
}

fn panicked() -> Failure {
    Failure::Panicked("as asked".into())
}

fn outage() -> Failure {
    Failure::Broken(domain::rejection::Fault::Store("away".into()))
}

fn children(count: usize) -> impl Iterator<Item = ChildSpec> {
    (0..count).map(|index| ChildSpec::task(format!("child-{index}"), |_| async {}.boxed()))
}

fn child() -> ChildSpec {
    ChildSpec::task("child", |_| async {}.boxed())
}

#[test]
fn each_child_starts_when_those_before_it_are_up() {
    let mut play = Play::new(Strategy::OneForOne, children(2));
    assert_eq!(play.steps(), ["start 0"]);
    play.roster.up(0, play.now);
    assert_eq!(play.steps(), ["start 1"]);
    play.roster.up(1, play.now);
    assert_eq!(play.steps(), ["settled"]);
}

#[test]
fn one_for_one_restarts_only_what_crashed() {
    let mut play = Play::new(Strategy::OneForOne, children(3));
    play.run();
    assert_eq!(play.crash(1), ["start 1"]);
}

#[test]
fn rest_for_one_clears_what_came_after_last_first_and_restarts_in_order() {
    let mut play = Play::new(Strategy::RestForOne, children(4));
    play.run();
    assert_eq!(
        play.crash(1),
        ["stop 3", "stop 2", "start 1", "start 2", "start 3"]
    );
}

#[test]
fn a_crash_further_up_while_clearing_clears_more() {
    let mut play = Play::new(Strategy::RestForOne, children(4));
    play.run();
    play.roster.down(2, &panicked(), play.now);
    assert_eq!(play.steps(), ["stop 3"]);
    play.roster.down(0, &panicked(), play.now);
    play.roster.down(3, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["stop 1"]);
    play.roster.down(1, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["start 0"]);
}

#[test]
fn one_restart_more_than_the_intensity_stops_all_and_fails() {
    let mut play = Play::new(Strategy::OneForOne, children(2));
    play.run();
    assert_eq!(play.crash(0), ["start 0"]);
    assert_eq!(play.crash(1), ["start 1"]);
    assert_eq!(play.crash(0), ["stop 1", "fail"]);
    assert_eq!(play.steps(), [""; 0]);
}

#[test]
fn restarts_are_forgotten_after_a_while() {
    let mut play = Play::new(Strategy::OneForOne, children(1));
    play.run();
    for _ in 0..20 {
        assert_eq!(play.crash(0), ["start 0"]);
        play.now += 6 * SECOND;
    }
}

#[test]
fn a_child_that_cannot_start_at_all_fails_its_supervisor() {
    let mut play = Play::new(Strategy::OneForOne, children(2));
    assert_eq!(play.steps(), ["start 0"]);
    play.roster.down(0, &outage(), play.now);
    assert_eq!(play.steps(), ["fail"]);
}

#[test]
fn a_patient_child_that_cannot_start_holds_up_nobody_and_is_retried_for_ever() {
    let mut play = Play::new(Strategy::OneForOne, [child().patient(), child()]);
    assert_eq!(play.steps(), ["start 0"]);
    play.roster.down(0, &outage(), play.now);
    assert_eq!(play.steps(), ["start 1"]);
    play.roster.up(1, play.now);
    assert_eq!(play.steps(), ["settled"]);
    for _ in 0..50 {
        ring(&mut play, Reason::Restart);
        assert_eq!(play.steps(), ["start 0"]);
        play.roster.down(0, &outage(), play.now);
        assert_eq!(play.steps(), [""; 0]);
    }
}

#[test]
fn a_patient_child_that_hangs_holds_up_the_others_for_a_moment_only() {
    let mut play = Play::new(Strategy::OneForOne, [child().patient(), child()]);
    assert_eq!(play.steps(), ["start 0"]);
    ring(&mut play, Reason::Patience);
    assert_eq!(play.steps(), ["start 1"]);
}

#[test]
fn a_patient_child_that_panics_counts_as_any_other() {
    let mut play = Play::new(Strategy::OneForOne, [child().patient()]);
    play.run();
    assert_eq!(play.crash(0), ["start 0"]);
    assert_eq!(play.crash(0), ["start 0"]);
    assert_eq!(play.crash(0), ["fail"]);
}

#[test]
fn a_tolerant_child_never_escalates_and_never_spins() {
    let mut play = Play::new(Strategy::OneForOne, [child().tolerant()]);
    play.run();
    for _ in 0..50 {
        assert_eq!(play.crash(0), [""; 0], "it waits before it is restarted");
        ring(&mut play, Reason::Restart);
        assert!(play.run().contains(&Step::Start(0)));
    }
}

#[test]
fn a_frozen_child_is_killed_and_then_restarted() {
    let mut play = Play::new(Strategy::OneForOne, children(2));
    play.run();
    play.roster.frozen(0, 3);
    assert_eq!(play.steps(), ["kill 0"]);
    play.roster.down(0, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["start 0"]);
}

#[test]
fn a_frozen_child_that_cannot_be_killed_is_abandoned_and_replaced() {
    let mut play = Play::new(Strategy::OneForOne, children(1));
    play.run();
    play.roster.frozen(0, 3);
    assert_eq!(play.steps(), ["kill 0"]);
    ring(&mut play, Reason::Death);
    assert_eq!(play.steps(), ["abandon 0", "start 0"]);
}

#[test]
fn a_stop_goes_last_first_and_waits_for_each() {
    let mut play = Play::new(Strategy::OneForOne, children(2));
    play.run();
    play.roster.close(None, play.now + SECOND);
    assert_eq!(play.steps(), ["stop 1"]);
    play.roster.down(1, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["stop 0"]);
    play.roster.down(0, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["close"]);
}

#[test]
fn a_child_that_does_not_stop_in_time_is_killed_and_then_abandoned() {
    let mut play = Play::new(Strategy::OneForOne, children(1));
    play.run();
    play.roster.close(None, play.now + SECOND);
    assert_eq!(play.roster.next_step(play.now), Some(Step::Stop(0, SECOND)));
    ring(&mut play, Reason::Stop);
    assert_eq!(play.steps(), ["kill 0"]);
    ring(&mut play, Reason::Death);
    assert_eq!(play.steps(), ["abandon 0", "close"]);
}

#[test]
fn a_crash_during_a_stop_restarts_nothing() {
    let mut play = Play::new(Strategy::RestForOne, children(2));
    play.run();
    play.roster.close(None, play.now + SECOND);
    assert_eq!(play.steps(), ["stop 1"]);
    play.roster.down(0, &panicked(), play.now);
    play.roster.down(1, &Failure::Ended, play.now);
    assert_eq!(play.steps(), ["close"]);
}

#[test]
fn an_alarm_of_an_earlier_incarnation_means_nothing() {
    let mut play = Play::new(Strategy::OneForOne, children(1));
    play.run();
    play.roster.frozen(0, 3);
    let stale = alarm(&play, Reason::Death);
    play.roster.down(0, &Failure::Ended, play.now);
    play.run();
    play.roster.frozen(0, 3);
    play.steps();
    play.roster.ring(stale, play.now);
    assert_eq!(play.steps(), [""; 0]);
}

fn alarm(play: &Play, reason: Reason) -> Alarm {
    Alarm {
        seat: 0,
        turn: play.roster.turn(0).unwrap(),
        reason,
    }
}

fn ring(play: &mut Play, reason: Reason) {
    let alarm = alarm(play, reason);
    play.roster.ring(alarm, play.now);
}
