//! What the service tells others of itself, seen from outside the process: log lines and traces.

use std::time::Duration;

use serde_json::Value;

use crate::client::Person;
use crate::ports::Gone;
use crate::process::Process;
use crate::scenes;
use crate::sink::Sink;

scenes![
    log_lines_are_json_or_text_and_hold_no_secret,
    log_level_decides_what_is_written,
    spans_arrive_at_the_collector,
    a_collector_that_is_away_or_hangs_harms_nobody,
];

/// What a process may take to end in order.
const SOON: Duration = Duration::from_secs(30);

/// Registers, signs in, refreshes; gives every text that no log may hold.
async fn use_it(process: &Process) -> Vec<String> {
    let person = Person::register(&process.public(), "ada").await;
    let tokens = person.login().await;
    person
        .try_login("not the password at all")
        .await
        .expect(401);
    person.refresh(&tokens.refresh).await.expect(200);
    person.me(&tokens.access).await.expect(200);
    vec![
        person.email,
        person.password,
        "not the password".to_owned(),
        tokens.access,
        tokens.refresh,
    ]
}

async fn log_lines_are_json_or_text_and_hold_no_secret() {
    for format in ["json", "text"] {
        let process = Process::start(&[("LOG_FORMAT", format), ("LOG_LEVEL", "trace")]).await;
        let secrets = use_it(&process).await;
        let (status, log) = process.stop(SOON).await;
        assert_eq!(status, Some(0), "{log}");
        for secret in secrets {
            assert!(!log.contains(&secret), "{format}: the log holds {secret}");
        }
        let answered: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("/auth/login"))
            .collect();
        assert!(!answered.is_empty(), "{log}");
        for line in answered {
            let parsed = serde_json::from_str::<Value>(line);
            assert_eq!(parsed.is_ok(), format == "json", "{line}");
        }
    }
}

async fn log_level_decides_what_is_written() {
    let process = Process::start(&[("LOG_LEVEL", "warn")]).await;
    use_it(&process).await;
    let (_, quiet) = process.stop(SOON).await;
    assert!(!quiet.contains("/auth/login"), "{quiet}");
    let process = Process::start(&[("LOG_LEVEL", "info")]).await;
    use_it(&process).await;
    let (_, usual) = process.stop(SOON).await;
    assert!(usual.contains("/auth/login"), "{usual}");
}

async fn spans_arrive_at_the_collector() {
    let collector = Sink::http(|_| (200, String::new()));
    let process = Process::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]).await;
    let secrets = use_it(&process).await;
    let (status, log) = process.stop(SOON).await;
    assert_eq!(status, Some(0), "{log}");
    let traces = |line: &str| line == "POST /v1/traces";
    let batch = collector
        .wait_for(|asked| traces(&asked.line) && asked.mentions("request"))
        .await;
    assert!(
        batch.head.contains("content-type: application/x-protobuf"),
        "{}",
        batch.head
    );
    assert!(batch.mentions("auth-service"));
    for batch in collector.kept() {
        for secret in &secrets {
            assert!(!batch.mentions(secret), "a trace holds {secret}");
        }
    }
}

async fn a_collector_that_is_away_or_hangs_harms_nobody() {
    let nobody = Gone::new();
    let gone = format!("http://{}", nobody.address);
    // Accepts connections and never answers.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hanging = format!("http://{}", mute.local_addr().expect("its address"));
    for collector in [gone, hanging] {
        let process = Process::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)]).await;
        use_it(&process).await;
        let (status, log) = process.stop(SOON).await;
        assert_eq!(status, Some(0), "{log}");
    }
}
