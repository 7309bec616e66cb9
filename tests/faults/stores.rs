//! The store is pulled from under the running service: killed, stalled, restarted, flushed, or not
//! there yet (CONTRACT §11).

use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::load::Load;
use crate::process::{Process, Site, Store, client};
use crate::servers::Server;
use crate::{servers, trial_of};

/// How long the service may take to be ready again once its store is back.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to notice that its store is away.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// How long an outage lasts here once it was noticed: longer than every deadline within.
const OUTAGE: Duration = Duration::from_secs(3);
/// How long a server that comes late is late: longer than the first waits of those who retry.
const LATE: Duration = Duration::from_secs(8);
/// How long a liveness probe may take, whatever else is going on.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

/// The trials of this file, as far as there are servers for them.
pub fn trials() -> Vec<Trial> {
    if !Store::available().contains(&Store::Postgres) || !servers::has_postgres() {
        println!("not run: stores that go away: no PostgreSQL to start and stop");
        return Vec::new();
    }
    let mut trials = vec![
        trial_of(
            "a_killed_postgres_is_an_outage_and_no_error",
            postgres_is_killed,
        ),
        trial_of(
            "a_stalled_postgres_is_an_outage_and_no_error",
            postgres_is_stalled,
        ),
        trial_of(
            "a_restarted_postgres_loses_and_revives_nothing",
            postgres_is_restarted,
        ),
        trial_of(
            "a_postgres_that_comes_late_is_migrated_and_used",
            postgres_comes_late,
        ),
        trial_of(
            "a_postgres_that_comes_late_with_an_older_schema_is_refused",
            postgres_comes_late_and_old,
        ),
    ];
    if !servers::has_redis() {
        println!("not run: Redis that goes away: no Redis to start and stop");
        return trials;
    }
    trials.extend([
        trial_of("a_killed_redis_costs_no_session", redis_is_killed),
        trial_of("a_stalled_redis_costs_no_session", redis_is_stalled),
        trial_of("a_flushed_redis_revives_nothing", redis_is_flushed),
        trial_of("a_redis_that_comes_late_is_used", redis_comes_late),
    ]);
    trials
}

async fn postgres_is_killed() {
    let mut server = Server::postgres();
    let (site, _process, load) = loaded(&server, Store::Sqlite).await;
    let work = async {
        load.serve(100, BACK_WITHIN * 2).await;
        server.kill();
        away(&site, "database", OUTAGE).await;
        server.start();
        back(&site, &load).await
    };
    let back = load.during(work).await;
    load.hold_to_it(&site, &format!("PostgreSQL killed, back in {back:?}"))
        .await;
    logs_without_repeating_itself(&site);
}

async fn postgres_is_stalled() {
    let server = Server::postgres();
    let (site, _process, load) = loaded(&server, Store::Sqlite).await;
    let work = async {
        load.serve(100, BACK_WITHIN * 2).await;
        server.stall();
        away(&site, "database", OUTAGE).await;
        server.go_on();
        back(&site, &load).await
    };
    let back = load.during(work).await;
    load.hold_to_it(&site, &format!("PostgreSQL stalled, back in {back:?}"))
        .await;
    logs_without_repeating_itself(&site);
}

/// Also restarts the service, so that nothing revoked is remembered by memory alone.
async fn postgres_is_restarted() {
    let mut server = Server::postgres();
    let (site, process, load) = loaded(&server, Store::Sqlite).await;
    let work = async {
        load.serve(200, BACK_WITHIN * 2).await;
        server.stop();
        server.start();
        let back = back(&site, &load).await;
        load.revoked_stays_revoked(&site).await;
        back
    };
    let back = load.during(work).await;
    process.kill();
    let (_process, _) = site.start().await;
    load.hold_to_it(&site, &format!("PostgreSQL restarted, back in {back:?}"))
        .await;
}

async fn postgres_comes_late() {
    let mut server = Server::postgres_at_rest();
    let site = Site::with(Store::Sqlite, server.settings()).await;
    let _process = site.launch();
    site.wait_for("/liveness", 200, NOTICED_WITHIN * 2).await;
    away(&site, "database", LATE).await;
    logs_without_repeating_itself(&site);
    let load = Load::on(&[&site]);
    let back = load
        .during(async {
            server.start();
            back(&site, &load).await
        })
        .await;
    load.hold_to_it(&site, &format!("PostgreSQL came late, ready in {back:?}"))
        .await;
}

/// Where migrations are an operator's step, an empty database is one that misses all of them.
async fn postgres_comes_late_and_old() {
    let mut server = Server::postgres_at_rest();
    let mut settings = server.settings();
    settings.extend([
        ("APP_ENV", "staging".to_owned()),
        ("OIDC_ISSUER_URL", "https://auth.example.org".to_owned()),
        ("SYSTEM_SECRETS", "s".repeat(32)),
        ("PASSWORD_PEPPER", "p".repeat(32)),
        ("ARGON2_MEMORY", "19456".to_owned()),
        ("ARGON2_TIME", "2".to_owned()),
    ]);
    let site = Site::with(Store::Sqlite, settings).await;
    let process = site.launch();
    site.wait_for("/liveness", 200, NOTICED_WITHIN * 2).await;
    site.wait_for("/ready", 503, NOTICED_WITHIN).await;
    server.start();
    let status = process.exit_status(BACK_WITHIN * 2).await;
    let log = site.log();
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("auth-service migrate up"), "{log}");
}

async fn redis_is_killed() {
    let mut server = Server::redis();
    let (site, _process, load) = loaded(&server, Store::Postgres).await;
    let work = async {
        load.serve(100, BACK_WITHIN * 2).await;
        server.kill();
        away(&site, "shared_state", OUTAGE).await;
        load.serve(20, BACK_WITHIN).await;
        server.start();
        back(&site, &load).await
    };
    let back = load.during(work).await;
    load.hold_to_it(&site, &format!("Redis killed, back in {back:?}"))
        .await;
    logs_without_repeating_itself(&site);
}

async fn redis_is_stalled() {
    let server = Server::redis();
    let (site, _process, load) = loaded(&server, Store::Postgres).await;
    let work = async {
        load.serve(100, BACK_WITHIN * 2).await;
        server.stall();
        away(&site, "shared_state", OUTAGE).await;
        server.go_on();
        back(&site, &load).await
    };
    let back = load.during(work).await;
    load.hold_to_it(&site, &format!("Redis stalled, back in {back:?}"))
        .await;
    logs_without_repeating_itself(&site);
}

async fn redis_is_flushed() {
    let server = Server::redis();
    let (site, process, load) = loaded(&server, Store::Postgres).await;
    let work = async {
        for _ in 0..5 {
            load.serve(60, BACK_WITHIN * 2).await;
            server.flush();
        }
        load.revoked_stays_revoked(&site).await;
    };
    load.during(work).await;
    process.kill();
    server.flush();
    let (_process, _) = site.start().await;
    load.hold_to_it(&site, "Redis flushed five times, then a restart")
        .await;
}

async fn redis_comes_late() {
    let mut server = Server::redis_at_rest();
    let site = Site::with(Store::Postgres, server.settings()).await;
    let _process = site.launch();
    site.wait_for("/liveness", 200, NOTICED_WITHIN * 2).await;
    away(&site, "shared_state", OUTAGE).await;
    let load = Load::on(&[&site]);
    let back = load
        .during(async {
            server.start();
            back(&site, &load).await
        })
        .await;
    load.hold_to_it(&site, &format!("Redis came late, ready in {back:?}"))
        .await;
}

/// Starts the service on a server and prepares a load for it.
async fn loaded(server: &Server, store: Store) -> (Site, Process, Load) {
    let site = Site::with(store, server.settings()).await;
    let (process, _) = site.start().await;
    let load = Load::on(&[&site]);
    (site, process, load)
}

/// Waits until the service says what is away, and watches it for a while: alive, and never ready.
pub(crate) async fn away(site: &Site, check: &str, span: Duration) {
    site.wait_for("/ready", 503, NOTICED_WITHIN).await;
    let http = client();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let (status, body) = site.probe(&http, "/ready").await.expect("an answer");
        assert_eq!(status, 503, "{body}");
        assert_eq!(body["checks"][check]["status"], "failing", "{body}");
        let asked = Instant::now();
        let (status, body) = site.probe(&http, "/liveness").await.expect("an answer");
        assert_eq!(status, 200, "{body}");
        assert!(
            asked.elapsed() < ALIVE_WITHIN,
            "alive after {:?}",
            asked.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the service is ready and serves again; says how long that took.
async fn back(site: &Site, load: &Load) -> Duration {
    let ready = site.wait_for("/ready", 200, BACK_WITHIN).await;
    load.serve(100, BACK_WITHIN).await;
    ready
}

/// What is no request's own is said once by each who notices, in an outage this short.
fn logs_without_repeating_itself(site: &Site) {
    let log = site.log();
    let mut counts = std::collections::BTreeMap::<(String, String), usize>::new();
    for line in log.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let said = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        // The pool's own library speaks once for each connection that it lost.
        if said("level") != "INFO" && !said("target").starts_with("deadpool") {
            *counts.entry((said("message"), said("child"))).or_default() += 1;
        }
    }
    assert!(!counts.is_empty(), "the outage is told:\n{log}");
    // These are each about one request.
    let of_requests = [
        "a request could not be served",
        "a sign-in attempt could not be refunded",
    ];
    counts.retain(|(what, _), count| *count > 1 && !of_requests.contains(&what.as_str()));
    assert!(counts.is_empty(), "said again and again: {counts:#?}");
}
