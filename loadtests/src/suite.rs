//! What a run measures, in order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use crate::arguments::Arguments;
use crate::bench::{self, Effort};
use crate::estate::Estate;
use crate::flames::Flames;
use crate::house::Plan;
use crate::pace::Pace;
use crate::report::{Machine, Report, Row};
use crate::scenario::{Scenario, table};
use crate::seed::Crowd;
use crate::servers::StoreKind;
use crate::thresholds::Thresholds;

mod all;
mod floods;
mod pressure;
mod sizes;

/// What is no scenario, but is measured where one is named.
pub(crate) const FLOOD: &str = "flood";

/// One run.
pub(crate) struct Suite<'a> {
    pub(crate) arguments: &'a Arguments,
    pub(crate) program: PathBuf,
    pub(crate) thresholds: Thresholds,
    pub(crate) report: Report,
}

// === impl Suite ===

impl<'a> Suite<'a> {
    /// Makes ready: builds the service if it was not given.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub(crate) fn new(arguments: &'a Arguments) -> Result<Self, String> {
        let program = match &arguments.house.service {
            Some(given) => std::path::absolute(given).map_err(|error| error.to_string())?,
            None => build_service()?,
        };
        Ok(Self {
            arguments,
            program,
            thresholds: Thresholds::read(arguments.output.thresholds.as_deref())?,
            report: Report::new(Machine::of(arguments)),
        })
    }

    /// Measures scenarios by name, all without names, on each store that was asked for.
    ///
    /// # Errors
    /// A sentence when one cannot be measured.
    pub(crate) async fn scenarios(&mut self) -> Result<(), String> {
        println!("{}", Report::head());
        let asked = &self.arguments.house.stores;
        let stores = if asked.is_empty() {
            vec![StoreKind::Embedded]
        } else {
            asked.clone()
        };
        for store in stores {
            let estate = self.found(store, self.crowd()).await?;
            let names = &self.arguments.names;
            if names.iter().any(|name| name == FLOOD) {
                self.flood(&estate, self.arguments.load.rounds).await?;
            }
            for scenario in table(store.has_postgres()) {
                if names.is_empty() && !scenario.is_steady && self.arguments.load.rate.is_some() {
                    continue;
                }
                if names.is_empty() || names.iter().any(|name| name == scenario.name) {
                    self.scenario(&scenario, &estate).await?;
                }
            }
        }
        Ok(())
    }

    /// Measures one scenario and adds its row.
    ///
    /// # Errors
    /// As [`bench::measure`].
    pub(crate) async fn scenario(
        &mut self,
        scenario: &Scenario,
        estate: &Rc<Estate>,
    ) -> Result<(), String> {
        if self.arguments.load.rate.is_some() && !scenario.is_steady {
            return Err(format!(
                "{} cannot be asked at a constant rate: what it asks with has to be prepared",
                scenario.name
            ));
        }
        let rounds = bench::measure(scenario, estate, self.effort()).await?;
        let store = estate.house.plan.store.name();
        self.add(Row::of_rounds(scenario, store, &rounds));
        match &self.arguments.output.flames {
            Some(directory) => self.draw(scenario, estate, directory).await,
            None => Ok(()),
        }
    }

    /// Loads the service once more, sampled, and draws where processor time is spent.
    async fn draw(
        &self,
        scenario: &Scenario,
        estate: &Rc<Estate>,
        directory: &Path,
    ) -> Result<(), String> {
        let flames = Flames::prepare(&estate.house.watched().ids())?;
        bench::sample_service(scenario, estate, self.effort(), &flames).await?;
        let title = format!("{}: {}", scenario.name, scenario.about);
        flames.draw(title, &picture(directory, scenario.name, estate))
    }

    /// Makes a house with a crowd.
    ///
    /// # Errors
    /// As [`Estate::found`].
    pub(crate) async fn found(&self, store: StoreKind, crowd: Crowd) -> Result<Rc<Estate>, String> {
        let house = &self.arguments.house;
        let plan = Plan {
            program: self.program.clone(),
            store,
            postgres: house.postgres.clone(),
            redis: house.redis.clone(),
            threads: house.hashing_threads,
        };
        Estate::found(&plan, crowd).await.map(Rc::new)
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: Row) {
        self.report.add(row, &self.thresholds);
    }

    /// Gives the crowd of an ordinary store.
    pub(crate) fn crowd(&self) -> Crowd {
        let house = &self.arguments.house;
        Crowd {
            // Each connection has people of its own, in the default tenant and in others.
            people: house.people.max(self.arguments.load.connections * 4),
            tenants: house.tenants,
        }
    }

    /// Gives how each load is made.
    pub(crate) fn effort(&self) -> Effort {
        let load = &self.arguments.load;
        Effort {
            connections: load.connections,
            span: load.span(),
            rounds: load.rounds,
            pace: load.rate.map_or(Pace::Closed, Pace::Open),
        }
    }
}

/// Gives the place of a flame graph.
fn picture(directory: &Path, name: &str, estate: &Estate) -> PathBuf {
    let name = match estate.house.plan.store {
        StoreKind::Embedded => name.to_owned(),
        other => format!("{name}-{}", other.name()),
    };
    directory.join(name).with_extension("svg")
}

/// Builds the service with the profile that this program was built with, beside it.
fn build_service() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let place = own.parent().ok_or("this program is nowhere")?;
    let program = place.join("auth-service");
    let profile = match place.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(profile) => profile,
        None => "release",
    };
    eprintln!("building the service (profile {profile})");
    let built = Command::new("cargo")
        .args(["build", "--bin", "auth-service", "--profile", profile])
        .status();
    match built {
        Ok(status) if status.success() && program.exists() => Ok(program),
        Ok(_) if !program.exists() => Err(format!(
            "the service was not built as {}; name it: --service",
            program.display()
        )),
        Ok(status) => Err(format!("the service cannot be built: {status}")),
        Err(error) => Err(format!("cargo: {error}; name a built service: --service")),
    }
}
