//! Tails at an even load, and what becomes of twice the load that can be borne.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Suite;
use crate::bench::{self, Effort, Rounds, measure_service};
use crate::estate::Estate;
use crate::load::Measured;
use crate::numbers::median;
use crate::pace::Pace;
use crate::report::{Row, Side};
use crate::scenario::Scenario;

/// How much of the greatest rate is asked for to see the tails.
const EVEN: f64 = 0.7;
/// How many connections an overload comes over.
const CROWD: u32 = 512;
/// What counts as normal again: an answer takes at most this many times what it took before.
const NORMAL: f64 = 2.0;
/// When it is given up.
const GIVEN_UP: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(300);

impl Suite<'_> {
    /// Asks at 70 % of the greatest rate, evenly; compares the slowest of a hundred answers with the
    /// middle one. The ceiling is asked as often.
    ///
    /// # Errors
    /// A sentence when it cannot be measured.
    pub(crate) async fn tail(
        &mut self,
        scenario: &Scenario,
        estate: &Rc<Estate>,
        rounds: &Rounds,
    ) -> Result<(), String> {
        let effort = Effort {
            pace: Pace::Open(peak(rounds) * EVEN),
            ..self.effort()
        };
        let rounds = bench::measure(scenario, estate, effort).await?;
        let ratio = |one: &Measured| one.millis(99.0) / one.millis(50.0);
        let ratios: Vec<f64> = rounds.service.iter().map(ratio).collect();
        let about =
            "p99 to p50 at 70 % of the greatest rate, counted from when each request was due";
        let name = format!("tail:{}", scenario.name);
        let row = Row::of_figures(&name, estate.house.plan.store.name(), about, &ratios);
        // What a bare server's tail is, asked as often on the same machine, tells whose tail it is.
        let ceiling = Side::new(scenario.ceiling.name(), &rounds.ceiling);
        self.add(Row {
            service: Some(Side::new("service".to_owned(), &rounds.service)),
            ceiling: (!rounds.ceiling.is_empty()).then_some(ceiling),
            ..row.of("times the p50")
        });
        Ok(())
    }

    /// Asks for twice what can be borne; compares what is still answered with the greatest rate, and
    /// waits until everything is as before.
    ///
    /// # Errors
    /// A sentence when it cannot be measured.
    pub(crate) async fn overload(
        &mut self,
        scenario: &Scenario,
        estate: &Rc<Estate>,
        rounds: &Rounds,
    ) -> Result<(), String> {
        let (greatest, store) = (peak(rounds), estate.house.plan.store.name());
        let before = moment(scenario, estate).await?;
        let seconds = self.arguments.load.overload_seconds;
        eprintln!("overload of {} for {seconds} s", scenario.name);
        let effort = Effort {
            connections: CROWD.min(estate.crowd.people / 4),
            span: Duration::from_secs(seconds),
            rounds: 1,
            pace: Pace::Open(greatest * 2.0),
        };
        let measured = measure_service(scenario, estate, effort).await?;
        let ended = Instant::now();
        let about = "answers at twice the greatest rate, to the greatest rate";
        let goodput = measured.per_second() / greatest;
        let name = format!("overload:{}", scenario.name);
        // Whoever is turned away in an overload is no failure; what is answered counts.
        let mut side = Side::new("service".to_owned(), std::slice::from_ref(&measured));
        side.failures = 0;
        self.add(Row {
            service: Some(side),
            ..Row::of_figures(&name, store, about, &[goodput]).of("of the peak")
        });
        while moment(scenario, estate).await? > before * NORMAL && ended.elapsed() < GIVEN_UP {}
        let about = "seconds until an answer takes what it took before the overload";
        let name = format!("recovery:{}", scenario.name);
        let row = Row::of_figures(&name, store, about, &[ended.elapsed().as_secs_f64()]);
        self.add(row.of("s"));
        Ok(())
    }
}

fn peak(rounds: &Rounds) -> f64 {
    median(rounds.service.iter().map(Measured::per_second))
}

/// Gives how long an answer takes when nobody else asks, in milliseconds.
async fn moment(scenario: &Scenario, estate: &Rc<Estate>) -> Result<f64, String> {
    let effort = Effort {
        connections: 1,
        span: MOMENT,
        rounds: 1,
        pace: Pace::Closed,
    };
    Ok(measure_service(scenario, estate, effort)
        .await?
        .millis(50.0))
}
