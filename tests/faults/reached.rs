//! How servers are reached: `POSTGRES_SSLMODE`, `POSTGRES_MAX_CONNS`, `REDIS_TLS`, `REDIS_DB`,
//! `REDIS_PASSWORD`. Each is shown on a private server that can tell, or that refuses what is wrong.
//!
//! Certificates are made here, and trusted through `SSL_CERT_FILE`, the variable by which a system's
//! own certificates are found.

use std::time::Duration;

use futures_util::future::join_all;
use libtest_mimic::Trial;
use serde_json::json;

use crate::ports::free_port;
use crate::process::{Site, Store, client, post};
use crate::servers::{self, Server};
use crate::stores::away;
use crate::trial_of;

/// For how long a server that cannot be reached is watched.
const WATCHED: Duration = Duration::from_secs(2);
/// How many connections the service may have in the trial of that bound.
const BOUND: i64 = 3;
/// Connections beside the pool: the one that listens to other nodes.
const BESIDE: i64 = 1;

/// The trials of this file, as far as there are servers for them.
pub fn trials() -> Vec<Trial> {
    if !servers::has_postgres() {
        println!("not run: how servers are reached: no PostgreSQL to start and stop");
        return Vec::new();
    }
    let mut trials = vec![
        trial_of(
            "reached::postgres_sslmode_decides_what_is_encrypted",
            ssl_modes,
        ),
        trial_of(
            "reached::postgres_max_conns_bounds_the_connections",
            max_connections,
        ),
    ];
    if !Store::available().contains(&Store::Postgres) || !servers::has_redis() {
        println!("not run: how Redis is reached: no PostgreSQL and Redis to start and stop");
        return trials;
    }
    trials.extend([
        trial_of(
            "reached::redis_tls_encrypts_and_judges_the_certificate",
            redis_tls,
        ),
        trial_of("reached::redis_db_is_where_counts_are_kept", redis_db),
        trial_of(
            "reached::redis_password_is_what_redis_asks_for",
            redis_password,
        ),
    ]);
    trials
}

async fn ssl_modes() {
    let plain = Server::postgres();
    cannot_be_reached(Store::Sqlite, with(&plain, "require"), "database").await;
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a pair");
    let server = Server::postgres_at_rest();
    let certificate = server.give("certificate", &pair.cert.pem());
    let key = server.give("key", &pair.signing_key.serialize_pem());
    let files = [
        format!("ssl_cert_file={certificate}"),
        format!("ssl_key_file={key}"),
    ];
    let mut server = server.told(&["-c", "ssl=on", "-c", &files[0], "-c", &files[1]]);
    server.start();
    for (mode, is_encrypted) in [("disable", false), ("prefer", true), ("require", true)] {
        let site = Site::with(Store::Sqlite, with(&server, mode)).await;
        let (_process, _) = site.start().await;
        let sql = "SELECT count(*) FILTER (WHERE ssl), count(*)
                   FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'auth-service'";
        let [encrypted, all] = numbers(&server, sql).await;
        let expected = if is_encrypted { all } else { 0 };
        assert!(
            all > 0 && encrypted == expected,
            "{mode}: {encrypted} of {all}"
        );
    }
    cannot_be_reached(Store::Sqlite, with(&server, "verify-full"), "database").await;
    let mut trusting = with(&server, "verify-full");
    trusting.push(("SSL_CERT_FILE", certificate));
    Site::with(Store::Sqlite, trusting).await.start().await;
}

async fn max_connections() {
    let server = Server::postgres();
    let mut settings = server.settings();
    settings.push(("POSTGRES_MAX_CONNS", BOUND.to_string()));
    let site = Site::with(Store::Sqlite, settings).await;
    let (_process, _) = site.start().await;
    let (http, url) = (client(), format!("{}/auth/register", site.public));
    let register = |number: usize| {
        let email = format!("person{number}@example.org");
        let body = json!({ "email": email, "password": "a quiet garden in the rain", "name": "P" });
        let (http, url) = (&http, &url);
        async move { post(http, url, &body).await.expect("an answer") }
    };
    let sql =
        "SELECT count(*), 0::bigint FROM pg_stat_activity WHERE application_name = 'auth-service'";
    let most = async {
        let mut most = 0;
        for _ in 0..20 {
            let [now, _] = numbers(&server, sql).await;
            most = most.max(now);
        }
        most
    };
    let (answers, most) = tokio::join!(join_all((0..60).map(register)), most);
    // Who finds too many waiting for a connection is told to come again.
    let is_right = |(status, _): &(u16, _)| [201, 503].contains(status);
    assert!(answers.iter().all(is_right), "{answers:?}");
    assert_eq!(most, BOUND + BESIDE, "connections under load");
}

async fn redis_tls() {
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a pair");
    let server = Server::redis_at_rest();
    let certificate = server.give("certificate", &pair.cert.pem());
    let key = server.give("key", &pair.signing_key.serialize_pem());
    let port = free_port().to_string();
    let mut server = server.told(&["--tls-port", &port, "--tls-auth-clients", "no"]);
    server = server.told(&["--tls-cert-file", &certificate, "--tls-key-file", &key]);
    server = server.told(&["--tls-ca-cert-file", &certificate]);
    server.start();
    let at = |port: &str, tls: &str, trusted: &str| {
        vec![
            ("REDIS_HOST", "127.0.0.1".to_owned()),
            ("REDIS_PORT", port.to_owned()),
            ("REDIS_TLS", tls.to_owned()),
            ("SSL_CERT_FILE", trusted.to_owned()),
        ]
    };
    let nobody = server.give("nobody", "");
    cannot_be_reached(
        Store::Postgres,
        at(&port, "false", &certificate),
        "shared_state",
    )
    .await;
    cannot_be_reached(Store::Postgres, at(&port, "true", &nobody), "shared_state").await;
    let plain = server.port().to_string();
    cannot_be_reached(
        Store::Postgres,
        at(&plain, "true", &certificate),
        "shared_state",
    )
    .await;
    let site = Site::with(Store::Postgres, at(&port, "true", &certificate)).await;
    site.start().await;
}

async fn redis_db() {
    let server = Server::redis();
    let mut settings = server.settings();
    settings.push(("REDIS_DB", "3".to_owned()));
    let site = Site::with(Store::Postgres, settings).await;
    let (_process, _) = site.start().await;
    let body = json!({ "email": "a@b.example", "password": "a wrong one" });
    let login = format!("{}/auth/login", site.public);
    let answer = post(&client(), &login, &body).await.expect("an answer");
    assert_eq!(answer.0, 401, "{answer:?}");
    let kept = server.says("INFO keyspace");
    assert!(
        kept.contains("db3:keys=") && !kept.contains("db0"),
        "{kept}"
    );
}

async fn redis_password() {
    let mut server = Server::redis_at_rest().told(&["--requirepass", "open sesame"]);
    server.start();
    let with = |password: &str| {
        let mut settings = server.settings();
        settings.push(("REDIS_PASSWORD", password.to_owned()));
        settings
    };
    cannot_be_reached(Store::Postgres, server.settings(), "shared_state").await;
    cannot_be_reached(Store::Postgres, with("open simsim"), "shared_state").await;
    let site = Site::with(Store::Postgres, with("open sesame")).await;
    site.start().await;
}

/// The settings that reach a PostgreSQL by an SSL mode; with secrets, since services share it.
fn with(server: &Server, mode: &str) -> Vec<(&'static str, String)> {
    let mut settings = server.settings();
    settings.extend([
        ("POSTGRES_SSLMODE", mode.to_owned()),
        ("SYSTEM_SECRETS", "s".repeat(32)),
        ("PASSWORD_PEPPER", "p".repeat(32)),
    ]);
    settings
}

/// Sees that a service is alive and not ready, because of one thing.
async fn cannot_be_reached(store: Store, settings: Vec<(&'static str, String)>, what: &str) {
    let site = Site::with(store, settings).await;
    let _process = site.launch();
    away(&site, what, WATCHED).await;
}

/// Asks a PostgreSQL for two numbers.
pub(crate) async fn numbers(server: &Server, sql: &str) -> [i64; 2] {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(server.port());
    config.user("postgres").dbname("postgres");
    let connected = config.connect(tokio_postgres::NoTls).await;
    let (session, connection) = connected.expect("PostgreSQL");
    let ask = async move {
        let row = session.query_one(sql, &[]).await.expect("a row");
        [row.get(0), row.get(1)].map(|number: Option<i64>| number.unwrap_or(0))
    };
    let (numbers, _) = tokio::join!(ask, connection);
    numbers
}
