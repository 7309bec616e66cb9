//! The back office: the owners at work without doors, for one command.
//!
//! A command that changes something goes the same way as a request: through the flows and the
//! owners, with an audit entry, so it needs them up. On a server's store other nodes may run
//! meanwhile and hear of it through the feed; the embedded store belongs to one process.

use std::sync::Arc;
use std::time::Duration;

use actors::deadline::Deadline;
use domain::event::{Actor, Origin};
use domain::id::RequestId;
use domain::tenant::Tenant;
use tracing::level_filters::LevelFilter;

use super::failure::Failure;
use super::prepare;
use crate::boot;
use crate::config::{Configuration, LogFormat, LogSettings, Settings};
use crate::flow::issuer::issuer_of;
use crate::flow::{Act, Flows};
use crate::telemetry;

/// How long one act may take.
const DONE_WITHIN: Duration = Duration::from_secs(30);
/// What the audit trail names as the program.
const PROGRAM: &str = "auth-service command line";

/// Does one piece of work in an office that is opened for it, and closes it again.
///
/// # Errors
/// What kept the office from opening, or the work's own.
pub(super) fn run(
    configuration: &Configuration,
    work: impl AsyncFnOnce(&Flows) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run_with(prepare::settings(configuration)?, work)
}

/// Does one piece of work as [`run`] does, with settings that were read already.
///
/// # Errors
/// As [`run`].
pub(super) fn run_with(
    mut settings: Settings,
    work: impl AsyncFnOnce(&Flows) -> Result<(), Failure>,
) -> Result<(), Failure> {
    prepare::complete(&mut settings)?;
    let telemetry = telemetry::start(&quiet(settings.log), None);
    let _telemetry = telemetry.map_err(|error| Failure::Failed(error.to_string()))?;
    prepare::runtime()?.block_on(async {
        let store = settings.store.clone();
        let opened = Box::pin(boot::office(prepare::fittings(settings))).await;
        let office = opened.map_err(|error| Failure::of_start(&error, &store))?;
        let done = work(office.flows()).await;
        office.stop().await;
        done
    })
}

/// Gives an act of the operator who types: in the tenant with this id or slug, or in the default
/// one.
///
/// # Errors
/// [`Failure::Failed`] when there is no such tenant.
pub(super) fn act(flows: &Flows, tenant: Option<&str>) -> Result<Act, Failure> {
    let tenant = find_tenant(flows, tenant)?;
    let now = flows.clock.now();
    let origin = Origin {
        tenant: tenant.id,
        actor: Actor::System,
        address: None,
        user_agent: Some(PROGRAM.to_owned()),
        request: RequestId::generate(now, flows.random.as_ref()),
        claimed_in: None,
        at: now,
    };
    Ok(Act {
        issuer: issuer_of(&flows.settings, &tenant),
        tenant,
        origin,
        may_appoint: true,
        network: None,
        certificate: None,
        language: None,
        deadline: Deadline::after(DONE_WITHIN),
        now,
    })
}

fn find_tenant(flows: &Flows, named: Option<&str>) -> Result<Arc<Tenant>, Failure> {
    let directory = flows.tenants.directory();
    let found = match named {
        None => directory.default_tenant(),
        Some(name) => match name.parse() {
            Ok(id) => directory.by_id(id),
            Err(_) => directory.by_slug(name),
        },
    };
    let missing = || Failure::Failed("there is no such tenant".to_owned());
    found.cloned().ok_or_else(missing)
}

/// Lets through what an operator has to know: what goes wrong, as text.
fn quiet(log: LogSettings) -> LogSettings {
    LogSettings {
        level: log.level.min(LevelFilter::WARN),
        format: LogFormat::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_logs_what_goes_wrong_and_no_more_than_was_asked() {
        let of = |level| {
            let format = LogFormat::Json;
            quiet(LogSettings { level, format }).level
        };
        assert_eq!(of(LevelFilter::TRACE), LevelFilter::WARN);
        assert_eq!(of(LevelFilter::ERROR), LevelFilter::ERROR);
        assert_eq!(of(LevelFilter::OFF), LevelFilter::OFF);
    }
}
