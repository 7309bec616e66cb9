//! The dashboard: how much there is, and what happened lately.
//!
//! How much there is comes from the store and holds for all nodes; it is counted up to [`COUNTED_TO`], so
//! that it takes no longer in a tenant of a million. What happened lately is what this node counted of the
//! tenant since it began (see [`history`](crate::telemetry::history)): other nodes counted the rest.

use std::time::Duration;

use domain::rejection::{Refusal, Rejection};
use store::port::tallies::Tally;

use crate::flow::{Act, Flows};
use crate::telemetry::history::Point;

/// How far is counted.
pub const COUNTED_TO: u32 = 10_000;
/// How many points are given, whatever the hours.
const POINTS: u16 = 60;
/// The most hours that are kept.
pub const MAX_HOURS: u16 = 6;

/// What happened lately, at this node.
#[derive(Debug, Clone, PartialEq)]
pub struct Lately {
    /// How many minutes a point stands for.
    pub step_minutes: u16,
    /// Stretches of that time, oldest first; the last one is not over.
    pub points: Vec<Point>,
}

/// How many failures are borne with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// After so many, an account waits longer each time.
    pub delay_after: u32,
    /// After so many, an account or a network waits for `lockout`.
    pub lock_after: u32,
    /// How long.
    pub lockout: Duration,
}

/// Counts what the tenant has.
///
/// # Errors
/// A fault when the store is away.
pub async fn tally(flows: &Flows, act: &Act) -> Result<Tally, Rejection> {
    let counted = flows.tallies.load_tally(act.tenant.id, COUNTED_TO, act.now);
    Ok(act.wait(counted).await?)
}

/// Tells what happened in the tenant in the last hours, as far as this node knows.
///
/// # Errors
/// 422 for more hours than are kept.
pub fn lately(flows: &Flows, act: &Act, hours: Option<u32>) -> Result<Lately, Refusal> {
    let hours = u16::try_from(hours.unwrap_or(1)).unwrap_or(u16::MAX);
    if !(1..=MAX_HOURS).contains(&hours) {
        return Err(Refusal::field("hours", "must be 1 to 6"));
    }
    // Sixty points of as many minutes as there are hours.
    let points = flows.meters.history().read(act.spot(), POINTS, hours);
    Ok(Lately {
        step_minutes: hours,
        points,
    })
}

/// Says how many failed sign-ins are borne with.
#[must_use]
pub fn thresholds(flows: &Flows) -> Thresholds {
    let limits = &flows.settings.limits;
    Thresholds {
        delay_after: limits.delay_after,
        lock_after: limits.max_failed,
        lockout: limits.lockout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::history::MINUTES;

    #[test]
    fn what_is_offered_is_kept() {
        assert_eq!(i64::from(MAX_HOURS) * 60, MINUTES);
    }
}
