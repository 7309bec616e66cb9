//! Rounds of ceiling and service, in turn, so that a busy moment of the machine does not hit one alone.

use std::rc::Rc;
use std::time::Duration;

use crate::ceiling::{Ceiling, Order, Running};
use crate::estate::Estate;
use crate::flames::Flames;
use crate::line::{Door, Line};
use crate::load::{Load, Measured};
use crate::pace::Pace;
use crate::process::Watched;
use crate::scenario::Scenario;

/// How each load is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// How many connections.
    pub(crate) connections: u32,
    /// How long.
    pub(crate) span: Duration,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// How requests follow each other.
    pub(crate) pace: Pace,
}

/// What was measured of one scenario: of each round the ceiling, where there is one, and the service.
pub(crate) struct Rounds {
    /// The ceiling's.
    pub(crate) ceiling: Vec<Measured>,
    /// The service's.
    pub(crate) service: Vec<Measured>,
}

/// Measures a scenario.
///
/// # Errors
/// A sentence that says what was refused.
pub(crate) async fn measure(
    scenario: &Scenario,
    estate: &Rc<Estate>,
    effort: Effort,
) -> Result<Rounds, String> {
    let answer = try_once(scenario, estate).await?;
    let (mut ceiling, mut service) = (Vec::new(), Vec::new());
    for round in 1..=effort.rounds {
        let store = estate.house.plan.store.name();
        eprint!(
            "{} on {store}: round {round} of {}",
            scenario.name, effort.rounds
        );
        if scenario.ceiling != Ceiling::None {
            let measured = measure_ceiling(scenario, estate, effort, &answer).await?;
            eprint!(", ceiling {:.0}/s", measured.per_second());
            ceiling.push(measured);
        }
        let measured = measure_service(scenario, estate, effort).await?;
        eprint!(", service {:.0}/s", measured.per_second());
        if measured.failures > 0 {
            eprint!(", {} failures", measured.failures);
        }
        eprintln!();
        service.push(measured);
    }
    Ok(Rounds { ceiling, service })
}

/// Loads the service.
///
/// # Errors
/// As [`measure`].
pub(crate) async fn measure_service(
    scenario: &Scenario,
    estate: &Rc<Estate>,
    effort: Effort,
) -> Result<Measured, String> {
    load_service(scenario, estate, effort, None).await
}

/// Loads the service while samples are taken of it.
///
/// # Errors
/// As [`measure`], and when no samples can be taken.
pub(crate) async fn sample_service(
    scenario: &Scenario,
    estate: &Rc<Estate>,
    effort: Effort,
    flames: &Flames,
) -> Result<Measured, String> {
    load_service(scenario, estate, effort, Some(flames)).await
}

async fn load_service(
    scenario: &Scenario,
    estate: &Rc<Estate>,
    effort: Effort,
    flames: Option<&Flames>,
) -> Result<Measured, String> {
    let load = Load {
        flames,
        ..load(scenario.door(estate), effort, estate.house.watched())
    };
    load.run(scenario.askers(estate, effort.connections, false))
        .await
}

async fn measure_ceiling(
    scenario: &Scenario,
    estate: &Rc<Estate>,
    effort: Effort,
    answer: &str,
) -> Result<Measured, String> {
    let order = Order {
        answer: answer.to_owned(),
        seconds: effort.span.as_secs_f64(),
        ..estate.order(scenario.ceiling.clone())
    };
    let mut running = Running::start(&order)?;
    if !scenario.ceiling.is_server() {
        return running.finish(estate.house.servers.processes());
    }
    let (address, watched) = (running.line()?, running.watched());
    let address = address.trim_matches('"').to_owned();
    let door = Door {
        address,
        ..scenario.door(estate)
    };
    let load = load(door, effort, watched);
    load.run(scenario.askers(estate, effort.connections, true))
        .await
}

fn load(door: Door, effort: Effort, watched: Watched) -> Load<'static> {
    Load {
        door,
        pace: effort.pace,
        span: effort.span,
        watched,
        flames: None,
    }
}

/// Asks once, to see that it works and what a ceiling is to answer with.
async fn try_once(scenario: &Scenario, estate: &Rc<Estate>) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", scenario.name);
    estate.renew().await?;
    let mut asker = scenario.askers(estate, 1, false).pop().ok_or("no asker")?;
    let door = scenario.door(estate);
    let mut line = Line::open(&door).await.map_err(failed)?;
    let mut request = Vec::new();
    if asker.prepare(&mut request) {
        let answer = line.ask(&request).await.map_err(failed)?;
        if !asker.keep(&answer) {
            return Err(refused(scenario, answer.status, answer.body));
        }
    }
    if !asker.ask(&mut request) {
        return Err(format!("{} has nothing to ask", scenario.name));
    }
    let answer = line.ask(&request).await.map_err(failed)?;
    if asker.learn(&answer) {
        Ok(String::from_utf8_lossy(answer.body).into_owned())
    } else {
        Err(refused(scenario, answer.status, answer.body))
    }
}

fn refused(scenario: &Scenario, status: u16, body: &[u8]) -> String {
    let said = String::from_utf8_lossy(body);
    format!("{} was answered {status}: {said}", scenario.name)
}
