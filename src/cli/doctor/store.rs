//! Looking at the stores from outside the service.

use std::time::Duration;

use domain::rejection::Fault;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Findings;
use crate::boot::{self, Fittings, StartError};
use crate::cli::prepare;
use crate::config::{Environment, RedisSettings, Settings};

/// How long a store may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Checks whether the stores can be reached and the schema is current.
pub(super) async fn check(settings: Settings, is_listening: bool, findings: &mut Findings) {
    if let Some(redis) = settings.store.redis.clone() {
        findings.add("redis", check_redis(&redis).await);
    }
    let data_dir = &settings.store.data_dir;
    let shown = data_dir.display();
    if settings.store.postgres.is_none() && is_listening {
        findings.add(
            "store",
            Ok(format!(
                "{shown} is the running service's, so it was not opened"
            )),
        );
        return;
    }
    if settings.store.postgres.is_none() && !data_dir.exists() {
        findings.add("store", Ok(format!("{shown} is made by the first start")));
        return;
    }
    let is_migrated_by_serve = is_migrated_by_serve(&settings);
    let missing = load_missing(&prepare::fittings(settings)).await;
    judge(missing, is_migrated_by_serve, findings);
}

async fn load_missing(fittings: &Fittings) -> Result<Vec<String>, StartError> {
    let asked = timeout(ANSWERED_WITHIN, boot::pending_migrations(fittings)).await;
    asked.unwrap_or_else(|_| {
        let limit = ANSWERED_WITHIN.as_secs();
        Err(Fault::Store(format!("no answer within {limit} s")).into())
    })
}

fn judge(
    missing: Result<Vec<String>, StartError>,
    is_migrated_by_serve: bool,
    findings: &mut Findings,
) {
    let missing = match missing {
        Ok(missing) => missing,
        Err(error) => return findings.add("store", Err(error.to_string())),
    };
    findings.add("store", Ok("reachable".to_owned()));
    let names = missing.join(", ");
    let finding = match missing.len() {
        0 => Ok("up to date".to_owned()),
        _ if is_migrated_by_serve => Ok(format!("the next start applies {names}")),
        _ => Err(format!("{names} missing: run `auth-service migrate up`")),
    };
    findings.add("schema", finding);
}

/// Says whether a start brings the schema up to date by itself (CONTRACT §2).
fn is_migrated_by_serve(settings: &Settings) -> bool {
    let environment = settings.environment;
    settings.store.postgres.is_none()
        || matches!(environment, Environment::Development | Environment::Test)
}

/// Says whether Redis takes connections; whether it takes ours, the service's `/ready` tells.
async fn check_redis(settings: &RedisSettings) -> super::Finding {
    let (host, port) = (settings.host.as_str(), settings.port);
    let connected = timeout(ANSWERED_WITHIN, TcpStream::connect((host, port))).await;
    match connected {
        Ok(Ok(_)) => Ok(format!("{host}:{port} takes connections")),
        Ok(Err(error)) => Err(format!("{host}:{port}: {error}")),
        Err(_) => {
            let limit = ANSWERED_WITHIN.as_secs();
            Err(format!("{host}:{port} did not answer within {limit} s"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(missing: Result<Vec<String>, StartError>, is_ours: bool) -> (bool, String) {
        let mut findings = Findings::default();
        judge(missing, is_ours, &mut findings);
        (findings.is_fine(), findings.render())
    }

    #[test]
    fn an_older_schema_fails_where_an_operator_has_to_migrate() {
        let missing = || Ok(vec!["0002_more".to_owned()]);
        let (is_fine, text) = judged(missing(), false);
        assert!(!is_fine && text.contains("migrate up"), "{text}");
        let (is_fine, text) = judged(missing(), true);
        assert!(is_fine && text.contains("0002_more"), "{text}");
        assert!(judged(Ok(Vec::new()), false).0);
    }

    #[test]
    fn a_store_that_is_away_is_the_only_finding() {
        let away = Fault::Store("connection refused".to_owned()).into();
        let (is_fine, text) = judged(Err(away), false);
        assert!(!is_fine);
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
