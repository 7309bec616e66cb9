//! Wrong settings and stores that are away: said clearly, never a wrong yes, recovered without help.

use std::time::Duration;

use libtest_mimic::Trial;
use tokio::net::TcpListener;

use crate::block_on;
use crate::ports::Gone;
use crate::process::{Site, Store};

/// What an answer takes at most, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(10);

/// The trials of this file.
pub fn trials() -> Vec<Trial> {
    let trial = |name: &str, run: fn()| {
        Trial::test(name.to_owned(), move || {
            run();
            Ok(())
        })
    };
    vec![
        trial(
            "wrong_settings_are_reported_together_with_status_78",
            || {
                block_on(reports_mistakes());
            },
        ),
        trial("an_unreachable_postgres_at_start_is_waited_for", || {
            block_on(waits_for_postgres());
        }),
        trial("a_postgres_that_says_nothing_is_waited_for", || {
            block_on(waits_for_a_mute_postgres());
        }),
        trial("sigterm_is_heard_while_the_service_starts", || {
            block_on(hears_sigterm_at_the_start());
        }),
        trial("sigterm_drains_and_ends_with_status_0", || {
            block_on(drains());
        }),
        trial("a_second_process_on_the_same_data_is_refused", || {
            block_on(refuses_a_second());
        }),
    ]
}

async fn reports_mistakes() {
    let wrong = [
        ("ACCESS_TOKEN_TTL", "soon"),
        ("ARGON2_TIME", "-1"),
        ("MFA_DIGITS", "7"),
    ];
    let site = Site::new(Store::Sqlite, &wrong).await;
    assert_eq!(site.launch().exit_status(PATIENCE * 3).await, Some(78));
    let log = site.log();
    for (name, value) in wrong {
        assert!(
            log.contains(name) && log.contains(value),
            "{name} is not reported:\n{log}"
        );
    }
}

/// A site whose PostgreSQL is said to be at a port.
async fn site_on(port: u16) -> Site {
    let port = port.to_string();
    let away = [
        ("POSTGRES_HOST", "127.0.0.1"),
        ("POSTGRES_PORT", port.as_str()),
        ("POSTGRES_USER", "nobody"),
        ("POSTGRES_PASSWORD", "nothing"),
        ("POSTGRES_DB", "nowhere"),
    ];
    Site::new(Store::Sqlite, &away).await
}

/// Nothing listens where PostgreSQL should be: alive, not ready, and saying so.
async fn waits_for_postgres() {
    let nobody = Gone::new();
    let site = site_on(nobody.address.port()).await;
    let process = site.launch();
    site.wait_for("/liveness", 200, PATIENCE * 3).await;
    site.wait_for("/ready", 503, PATIENCE * 3).await;
    let begun = std::time::Instant::now();
    let http = crate::process::client();
    let body = serde_json::json!({ "email": "a@b.example", "password": "x" });
    let login = format!("{}/auth/login", site.public);
    let (status, _) = crate::process::post(&http, &login, &body)
        .await
        .expect("an answer");
    assert_eq!(status, 503);
    // Two seconds are promised (CONTRACT §11); the rest is for a machine with much else to do.
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(
        site.log().contains("PostgreSQL") || site.log().contains("postgres"),
        "{}",
        site.log()
    );
    process.kill();
}

/// What listens where PostgreSQL should be takes connections and never answers.
async fn waits_for_a_mute_postgres() {
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let site = site_on(mute.local_addr().expect("its address").port()).await;
    let process = site.launch();
    site.wait_for("/liveness", 200, Duration::from_secs(10))
        .await;
    site.wait_for("/ready", 503, Duration::from_secs(10)).await;
    process.terminate();
    let status = process.exit_status(Duration::from_secs(20)).await;
    assert_eq!(status, Some(0), "{}", site.log());
}

/// The service has begun to start once it connects; it ends before it could give that up.
async fn hears_sigterm_at_the_start() {
    let mute = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let site = site_on(mute.local_addr().expect("its address").port()).await;
    let process = site.launch();
    let _silent = mute.accept().await.expect("the service connects");
    process.terminate();
    let status = process.exit_status(Duration::from_secs(5)).await;
    assert_eq!(status, Some(0), "{}", site.log());
    assert!(site.log().contains("before everything was started"));
}

async fn drains() {
    let site = Site::new(Store::Sqlite, &[]).await;
    let (process, _) = site.start().await;
    process.terminate();
    assert_eq!(
        process.exit_status(PATIENCE * 3).await,
        Some(0),
        "{}",
        site.log()
    );
}

async fn refuses_a_second() {
    let site = Site::new(Store::Sqlite, &[]).await;
    let (process, _) = site.start().await;
    let second = site.launch().exit_status(PATIENCE * 3).await;
    assert!(second.is_some_and(|status| status != 0), "{second:?}");
    process.kill();
}
