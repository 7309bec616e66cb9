//! `auth-service doctor`: what keeps the service from working, one line for each check.
//!
//! It is also the container's health check. While the service listens, the service itself is asked
//! (`/ready`): it knows its store best, and the embedded store belongs to it alone. Otherwise the
//! store is looked at from here. Nothing is changed by asking.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::failure::Failure;
use super::prepare;
use crate::config::{Configuration, Mistakes, Settings};

mod service;
mod store;

/// What became of one check: what is fine, or what is wrong.
type Finding = Result<String, String>;

/// Everything that was checked, in order.
#[derive(Debug, Default)]
struct Findings(Vec<(&'static str, Finding)>);

/// Checks everything.
///
/// # Errors
/// [`Failure::Told`] with status 1 when a check failed.
pub(super) fn run(configuration: &Configuration) -> Result<(), Failure> {
    let findings = prepare::runtime()?.block_on(examine(configuration));
    prepare::show(&findings.render())?;
    if findings.is_fine() {
        return Ok(());
    }
    Err(Failure::Told(1))
}

async fn examine(configuration: &Configuration) -> Findings {
    let mut findings = Findings::default();
    let settings = match configuration.settings() {
        Ok(settings) => settings,
        Err(mistakes) => {
            findings.add("configuration", Err(name_all(&mistakes)));
            return findings;
        }
    };
    findings.add("configuration", Ok(summary(&settings)));
    let door = service::reachable(SocketAddr::new(settings.public.host, settings.public.port));
    let is_listening = service::is_listening(door).await;
    if is_listening {
        findings.add("service", service::ask(door, settings.tls.is_some()).await);
    } else {
        findings.add(
            "service",
            Ok(format!("not running: nothing listens on {door}")),
        );
    }
    store::check(settings, is_listening, &mut findings).await;
    findings
}

fn name_all(mistakes: &Mistakes) -> String {
    let variables = mistakes.0.iter().map(|mistake| mistake.variable.as_str());
    let names = variables.collect::<Vec<_>>().join(", ");
    format!("{names}: run `auth-service config check`")
}

fn summary(settings: &Settings) -> String {
    let store = match (&settings.store.postgres, &settings.store.redis) {
        (None, _) => format!("embedded store in {}", settings.store.data_dir.display()),
        (Some(_), None) => "PostgreSQL".to_owned(),
        (Some(_), Some(_)) => "PostgreSQL and Redis".to_owned(),
    };
    format!("valid; {store}")
}

// === impl Findings ===

impl Findings {
    fn add(&mut self, subject: &'static str, finding: Finding) {
        self.0.push((subject, finding));
    }

    fn is_fine(&self) -> bool {
        self.0.iter().all(|(_, finding)| finding.is_ok())
    }

    /// Writes one line for each check; what a check says in several lines is joined.
    fn render(&self) -> String {
        let mut text = String::new();
        for (subject, finding) in &self.0 {
            let (word, said) = match finding {
                Ok(said) => ("ok", said),
                Err(said) => ("FAILED", said),
            };
            let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
            let said = lines.collect::<Vec<_>>().join("; ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{word:<6}  {subject:<13}  {said}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Sources;

    fn configuration(pairs: &[(&str, &str)]) -> Configuration {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Configuration::resolve(Sources::new(
            pairs.iter().map(owned).collect::<BTreeMap<_, _>>(),
        ))
    }

    #[test]
    fn each_check_is_one_line() {
        let mut findings = Findings::default();
        findings.add("store", Ok("reachable".to_owned()));
        assert!(findings.is_fine());
        findings.add("schema", Err("two\n  lines\n".to_owned()));
        assert!(!findings.is_fine());
        assert_eq!(
            findings.render(),
            "ok      store          reachable\nFAILED  schema         two; lines\n"
        );
    }

    #[tokio::test]
    async fn wrong_configuration_is_the_only_finding() {
        let pairs = [("PUBLIC_PORT", "x"), ("MFA_DIGITS", "7")];
        let text = examine(&configuration(&pairs)).await.render();
        assert_eq!(
            text,
            "FAILED  configuration  PUBLIC_PORT, MFA_DIGITS: run `auth-service config check`\n"
        );
    }

    #[tokio::test]
    async fn a_place_where_nothing_was_started_yet_is_fine_and_stays_untouched() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().join("data");
        let path = data_dir.display().to_string();
        // Port 0: nobody can listen there.
        let pairs = [("DATA_DIR", path.as_str()), ("PUBLIC_PORT", "0")];
        let findings = examine(&configuration(&pairs)).await;
        assert!(findings.is_fine(), "{}", findings.render());
        assert!(!data_dir.exists());
    }
}
