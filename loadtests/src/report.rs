//! What a run has to say: rows with figures, goals and verdicts, as a table, as JSON and as a page.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::bench::Rounds;
use crate::load::Measured;
use crate::numbers::{float, median};
use crate::scenario::Scenario;
use crate::thresholds::{Goal, Thresholds};

mod charts;
mod machine;
mod page;
mod table;

pub(crate) use machine::Machine;

/// Everything that one run measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// Where and how.
    pub(crate) machine: Machine,
    /// What was measured, in order.
    pub(crate) rows: Vec<Row>,
}

/// One figure and what it should be.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured: a scenario's name, or another's.
    pub(crate) name: String,
    /// On which store.
    pub(crate) store: String,
    /// In words.
    pub(crate) about: String,
    /// What the figure is of.
    pub(crate) unit: String,
    /// The figure: where rounds were made, their median.
    pub(crate) figure: f64,
    /// The least and the greatest of the rounds.
    pub(crate) spread: [f64; 2],
    /// What it should be, if anything was asked.
    pub(crate) goal: Option<Goal>,
    /// The same by processor time alone: what the ceiling and the generator take for an answer, to
    /// what service, stores and generator do. Others who are busy on the machine change it little.
    pub(crate) by_time: Option<f64>,
    /// Whether it is.
    pub(crate) is_met: Option<bool>,
    /// What it is compared with.
    pub(crate) ceiling: Option<Side>,
    /// What the service did.
    pub(crate) service: Option<Side>,
}

/// What one side of a comparison did.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Side {
    /// What it is.
    pub(crate) name: String,
    /// Answers a second of each round.
    pub(crate) per_second: Vec<f64>,
    /// How long answers took: percentile and milliseconds, all rounds together.
    pub(crate) percentiles: Vec<[f64; 2]>,
    /// Answers that were not the wanted ones.
    pub(crate) failures: u64,
    /// Processor time of an answer, in microseconds: the server's, its stores', the generator's.
    pub(crate) micros: [f64; 3],
    /// Bytes in memory, four times a second.
    pub(crate) memory: Vec<u64>,
}

/// The percentiles that are told.
const TOLD: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

// === impl Report ===

impl Report {
    /// Begins with nothing.
    pub(crate) fn new(machine: Machine) -> Self {
        Self {
            machine,
            rows: Vec::new(),
        }
    }

    /// Adds a row, judged.
    pub(crate) fn add(&mut self, row: Row, thresholds: &Thresholds) {
        let row = row.judged(thresholds);
        println!("{}", table::line(&row));
        self.rows.push(row);
    }

    /// Gives the heads of the table's columns.
    pub(crate) fn head() -> String {
        table::head()
    }

    /// Names the rows that miss their goals.
    pub(crate) fn missed(&self) -> Vec<String> {
        let missed = self.rows.iter().filter(|row| row.is_met == Some(false));
        missed
            .map(|row| format!("{} on {}", row.name, row.store))
            .collect()
    }

    /// Writes it where it was asked for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write(&self, json: Option<&Path>, html: Option<&Path>) -> Result<(), String> {
        if let Some(path) = json {
            let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
            write(path, &text)?;
        }
        match html {
            Some(path) => write(path, &page::render(self)),
            None => Ok(()),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

// === impl Row ===

impl Row {
    /// Makes the row of a scenario: the ratio to its ceiling; without one the rate itself.
    pub(crate) fn of_rounds(scenario: &Scenario, store: &str, rounds: &Rounds) -> Self {
        let rates = |side: &[Measured]| side.iter().map(Measured::per_second).collect::<Vec<_>>();
        let (above, own) = (rates(&rounds.ceiling), rates(&rounds.service));
        let has_ceiling = !above.is_empty();
        let figures: Vec<f64> = if has_ceiling {
            own.iter()
                .zip(&above)
                .map(|(own, above)| own / above)
                .collect()
        } else {
            own
        };
        Self {
            ceiling: has_ceiling.then(|| Side::new(scenario.ceiling.name(), &rounds.ceiling)),
            service: Some(Side::new("service".to_owned(), &rounds.service)),
            by_time: by_time(&rounds.ceiling, &rounds.service),
            unit: if has_ceiling { "of the ceiling" } else { "/s" }.to_owned(),
            ..Self::of_figures(scenario.name, store, scenario.about, &figures)
        }
    }

    /// Makes a row of figures.
    pub(crate) fn of_figures(name: &str, store: &str, about: &str, figures: &[f64]) -> Self {
        let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            name: name.to_owned(),
            store: store.to_owned(),
            about: about.to_owned(),
            unit: String::new(),
            figure: median(figures.iter().copied()),
            spread: [least, greatest],
            goal: None,
            by_time: None,
            is_met: None,
            ceiling: None,
            service: None,
        }
    }

    /// The same with the greatest of its figures, for what must never be exceeded.
    pub(crate) const fn worst(mut self) -> Self {
        let [_, greatest] = self.spread;
        self.figure = greatest;
        self
    }

    /// The same in a unit.
    pub(crate) fn of(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.unit);
        self
    }

    fn judged(mut self, thresholds: &Thresholds) -> Self {
        self.goal = thresholds.find(&self.name, &self.store);
        let failures = self.service.as_ref().map_or(0, |side| side.failures);
        self.is_met = self
            .goal
            .map(|goal| goal.is_met(self.figure) && failures == 0);
        self
    }
}

// === impl Side ===

impl Side {
    pub(crate) fn new(name: String, rounds: &[Measured]) -> Self {
        let mut all = rounds.first().map(|first| first.latencies.clone());
        for other in rounds.iter().skip(1) {
            // Histograms of one shape always add up.
            let _ = all.as_mut().map(|all| all.add(&other.latencies));
        }
        let percentiles = all.filter(|all| !all.is_empty()).map(|all| {
            let millis = |percent: f64| float(all.value_at_percentile(percent)) / 1e6;
            TOLD.map(|percent| [percent, millis(percent)]).to_vec()
        });
        Self {
            name,
            per_second: rounds.iter().map(Measured::per_second).collect(),
            percentiles: percentiles.unwrap_or_default(),
            failures: rounds.iter().map(|round| round.failures).sum(),
            micros: micros(rounds),
            memory: rounds
                .iter()
                .flat_map(|round| round.memory.clone())
                .collect(),
        }
    }

    /// Gives a percentile, in milliseconds.
    pub(crate) fn millis(&self, percent: f64) -> Option<f64> {
        let found = self
            .percentiles
            .iter()
            .find(|[known, _]| (known - percent).abs() < 1e-9);
        found.map(|[_, millis]| *millis)
    }
}

fn by_time(ceiling: &[Measured], service: &[Measured]) -> Option<f64> {
    let whole = |side: &[Measured]| micros(side).iter().sum::<f64>();
    let (above, own) = (whole(ceiling), whole(service));
    (above > 0.0 && own > 0.0).then(|| above / own)
}

fn micros(rounds: &[Measured]) -> [f64; 3] {
    let answers: u64 = rounds.iter().map(|round| round.answers).sum();
    let of = |spent: fn(&Measured) -> std::time::Duration| {
        let whole: std::time::Duration = rounds.iter().map(spent).sum();
        if answers == 0 {
            return 0.0;
        }
        whole.as_secs_f64() * 1e6 / float(answers)
    };
    [
        of(|round| round.spent.server),
        of(|round| round.spent.store),
        of(|round| round.spent.generator),
    ]
}
