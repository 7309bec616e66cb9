//! What everybody else sees of a thousand strangers who sign in at once.

use std::path::Path;
use std::rc::Rc;

use super::{FLOOD, Suite, picture};
use crate::estate::Estate;
use crate::flames::Flames;
use crate::flood::Flood;
use crate::report::Row;

impl Suite<'_> {
    /// Floods the service and adds a row for each probe.
    ///
    /// # Errors
    /// As [`Flood::measure`], and when no flame graph can be drawn.
    pub(crate) async fn flood(&mut self, estate: &Rc<Estate>, rounds: usize) -> Result<(), String> {
        let flood = Flood {
            address: &estate.house.public,
            admin: &estate.house.admin,
            key: &estate.house.key,
            strangers: self.arguments.running.strangers,
            rounds,
            flames: None,
        };
        let outcome = flood.measure().await?;
        let store = estate.house.plan.store.name();
        for (probe, ratios) in outcome.ratios() {
            let about =
                "the slowest of a hundred answers during a flood of sign-ins, to an idle service's";
            let row = Row::of_figures(&format!("{FLOOD}:{probe}"), store, about, ratios);
            self.add(row.of("times the idle p99"));
        }
        match &self.arguments.output.flames {
            Some(directory) => draw(flood, estate, directory).await,
            None => Ok(()),
        }
    }
}

/// Floods the service as often once more, and draws where processor time is spent while a flood begins.
async fn draw(flood: Flood<'_>, estate: &Estate, directory: &Path) -> Result<(), String> {
    let flames = Flames::prepare(&estate.house.watched().ids())?;
    let sampled = Flood {
        flames: Some(&flames),
        ..flood
    };
    sampled.measure().await?;
    let title = format!("{FLOOD}: the first moment of a thousand sign-ins at once");
    flames.draw(title, &picture(directory, FLOOD, estate))
}
