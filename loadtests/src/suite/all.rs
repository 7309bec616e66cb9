//! Everything, in order: scenarios on every store, tails, overload, a flood, sizes, growth.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::Suite;
use super::sizes::Waits;
use crate::bench::{self, Effort, Rounds};
use crate::estate::Estate;
use crate::report::{Report, Row};
use crate::scenario::{Scenario, table};
use crate::seed::Crowd;
use crate::servers::StoreKind;

/// What is worth asking of PostgreSQL too: what waits for the store.
const OF_THE_STORE: [&str; 6] = ["refresh", "redeem", "register", "mixed", "dpop", "me_first"];
/// Whose tails are looked at.
const WITH_TAILS: [&str; 5] = ["jwks", "client_credentials", "refresh", "introspect", "me"];
/// What must not slow down as the store grows.
const GROWING: [&str; 7] = [
    "client_credentials",
    "refresh",
    "redeem",
    "introspect",
    "me_first",
    "login",
    "tenants_header",
];
/// What asks at every tenant, and how long that is asked before anything is measured.
const ALL_TENANTS: &str = "tenants_header";
const WARMING: Duration = Duration::from_secs(30);
/// How many floods there are for each round of the rest: each is decided by some thirty answers.
const FLOODS: usize = 3;
/// After how long without a hash the service has given back what hashing takes.
const HASHING_RESTS: Duration = Duration::from_secs(21);
/// What is asked at twice the capacity.
const OVERLOADED: &str = "refresh";

/// Ratios of one store, by scenario.
type Ratios = BTreeMap<&'static str, f64>;

impl Suite<'_> {
    /// Measures everything.
    ///
    /// # Errors
    /// A sentence when something cannot be measured.
    pub(crate) async fn all(&mut self) -> Result<(), String> {
        println!("{}", Report::head());
        for store in self.stores() {
            let estate = self.found(store, self.crowd()).await?;
            let waits = self.sizes(&estate).await?;
            let ratios = self.store(&estate).await?;
            drop(estate);
            if store != StoreKind::PostgresRedis {
                self.growth(store, &waits, &ratios).await?;
            }
        }
        Ok(())
    }

    /// Measures sizes, starts and single answers alone, on a small store and on a grown one.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub(crate) async fn alone(&mut self) -> Result<(), String> {
        println!("{}", Report::head());
        for store in self.stores() {
            let estate = self.found(store, self.crowd()).await?;
            let waits = self.sizes(&estate).await?;
            drop(estate);
            self.growth(store, &waits, &Ratios::new()).await?;
        }
        Ok(())
    }

    fn stores(&self) -> Vec<StoreKind> {
        let asked = &self.arguments.house.stores;
        if asked.is_empty() {
            vec![
                StoreKind::Embedded,
                StoreKind::Postgres,
                StoreKind::PostgresRedis,
            ]
        } else {
            asked.clone()
        }
    }

    /// Measures one store; gives the ratios to the ceilings.
    async fn store(&mut self, estate: &Rc<Estate>) -> Result<Ratios, String> {
        let store = estate.house.plan.store;
        let mut ratios = Ratios::new();
        let before = self.report.rows.len();
        // Somebody has signed in to be timed; a load that hashes nothing is not to be charged for that.
        tokio::time::sleep(HASHING_RESTS).await;
        for scenario in table(store.has_postgres()) {
            if store.has_postgres() && !OF_THE_STORE.contains(&scenario.name) {
                continue;
            }
            let rounds = bench::measure(&scenario, estate, self.effort()).await?;
            let row = Row::of_rounds(&scenario, store.name(), &rounds);
            ratios.insert(scenario.name, row.figure);
            self.add(row);
            if WITH_TAILS.contains(&scenario.name) {
                self.tail(&scenario, estate, &rounds).await?;
            }
            if scenario.name == OVERLOADED {
                self.overload(&scenario, estate, &rounds).await?;
            }
        }
        self.memory_under_load(store.name(), before);
        self.flood(estate, self.arguments.load.rounds.saturating_mul(FLOODS))
            .await?;
        Ok(ratios)
    }

    /// Measures again on a store that is large, and compares with the ratios of the small one.
    async fn growth(
        &mut self,
        store: StoreKind,
        waits: &Waits,
        small: &Ratios,
    ) -> Result<(), String> {
        let house = &self.arguments.house;
        let crowd = Crowd {
            people: house.grown_people,
            tenants: house.grown_tenants,
        };
        if crowd.people == 0 {
            return Ok(());
        }
        eprintln!(
            "growth on {}: loading {} people",
            store.name(),
            crowd.people
        );
        let estate = self.found(store, crowd).await?;
        self.grown_sizes(&estate, waits).await?;
        self.warm(&estate).await?;
        for scenario in table(store.has_postgres()) {
            let Some(before) = small.get(scenario.name) else {
                continue;
            };
            if GROWING.contains(&scenario.name) {
                let rounds = bench::measure(&scenario, &estate, self.effort()).await?;
                self.add(grown(&scenario, store, (&rounds, *before)));
            }
        }
        Ok(())
    }

    /// Has every tenant asked for something: its keys are made when they are first needed, which is no part of
    /// what a request costs from then on.
    async fn warm(&self, estate: &Rc<Estate>) -> Result<(), String> {
        let scenarios = table(estate.house.plan.store.has_postgres());
        let all_tenants = scenarios.iter().find(|one| one.name == ALL_TENANTS);
        if let Some(scenario) = all_tenants {
            let effort = Effort {
                span: WARMING,
                ..self.effort()
            };
            bench::measure_service(scenario, estate, effort).await?;
        }
        Ok(())
    }
}

fn grown(scenario: &Scenario, store: StoreKind, (rounds, before): (&Rounds, f64)) -> Row {
    let row = Row::of_rounds(scenario, store.name(), rounds);
    Row {
        name: format!("growth:{}", scenario.name),
        about: format!("{}, on a grown store", scenario.about),
        unit: "of the small store's ratio".to_owned(),
        figure: row.figure / before,
        spread: row.spread.map(|ratio| ratio / before),
        ..row
    }
}
