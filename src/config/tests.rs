//! Every variable: its default, a good value and a bad one; then the values against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use domain::key::Algorithm;
use protocol::entropy::SystemRandom;

use super::variable::Declared;
use super::*;

mod samples;

use samples::SAMPLES;

/// Switches on everything whose other variables would have no effect; paths are files that exist.
const COMPANIONS: &[(&str, &str)] = &[
    ("POSTGRES_HOST", "db"),
    ("POSTGRES_DB", "auth"),
    ("POSTGRES_USER", "auth"),
    ("REDIS_HOST", "cache"),
    ("TLS_ENABLED", "true"),
    ("TLS_CERT_PATH", "Cargo.toml"),
    ("TLS_KEY_PATH", "Cargo.toml"),
    ("KMS_URL", "https://kms.example"),
    ("KMS_KEY", "keys"),
    ("KMS_TOKEN_PATH", "clippy.toml"),
    ("EMAIL_ENABLED", "true"),
    ("EMAIL_SERVICE_URL", "https://mail.example/send"),
    ("EMAIL_SENDER_ADDRESS", "auth@example.org"),
];

/// What a provider or SAML needs besides being enabled.
const WHEN_ENABLED: &[(&str, Pairs<'_>)] = &[
    (
        "OAUTH_GOOGLE_ENABLED",
        &[
            ("OAUTH_GOOGLE_CLIENT_ID", "x"),
            ("OAUTH_GOOGLE_CLIENT_SECRET", "x"),
        ],
    ),
    (
        "OAUTH_GITHUB_ENABLED",
        &[
            ("OAUTH_GITHUB_CLIENT_ID", "x"),
            ("OAUTH_GITHUB_CLIENT_SECRET", "x"),
        ],
    ),
    (
        "OAUTH_APPLE_ENABLED",
        &[
            ("OAUTH_APPLE_CLIENT_ID", "x"),
            ("OAUTH_APPLE_CLIENT_SECRET", "x"),
            ("OAUTH_APPLE_TEAM_ID", "x"),
            ("OAUTH_APPLE_KEY_ID", "x"),
        ],
    ),
    (
        "SAML_ENABLED",
        &[("SAML_KEY_PATH", "x"), ("SAML_CERT_PATH", "x")],
    ),
];

type Variables = BTreeMap<String, String>;
type Pairs<'a> = &'a [(&'a str, &'a str)];

fn variables(pairs: Pairs<'_>) -> Variables {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn companions_of(name: &str) -> Variables {
    let mut all = variables(COMPANIONS);
    let needed = WHEN_ENABLED.iter().find(|(switch, _)| *switch == name);
    all.extend(variables(needed.map_or(&[], |(_, pairs)| pairs)));
    all
}

fn with(mut variables: Variables, name: &str, value: &str) -> Variables {
    variables.insert(name.to_owned(), value.to_owned());
    variables
}

/// Gives everything that can be seen of settings, and the sender, which hides itself.
fn seen(settings: &Settings) -> String {
    let sender = settings.email.as_ref().map(|email| email.sender.as_str());
    format!("{settings:?} {sender:?}")
}

/// Names the mistaken variables.
fn mistaken(pairs: Pairs<'_>) -> Vec<String> {
    match Settings::from_variables(variables(pairs)) {
        Ok(_) => Vec::new(),
        Err(Mistakes(list)) => list.into_iter().map(|mistake| mistake.variable).collect(),
    }
}

fn secret_names() -> Vec<&'static str> {
    let abouts = sections::all().map(Declared::about);
    let secret = abouts.filter(|about| about.is_secret);
    secret.map(|about| about.name).collect()
}

#[test]
fn no_variable_is_forgotten_or_declared_twice() {
    let declared: Vec<_> = sections::all()
        .map(|variable| variable.about().name)
        .collect();
    let sampled: Vec<_> = SAMPLES.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(declared, sampled);
    assert_eq!(
        declared.iter().collect::<BTreeSet<_>>().len(),
        declared.len()
    );
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    let nothing = values::Values::default();
    for variable in sections::all() {
        let text = nothing.text(variable.about());
        let is_fine = text.is_none_or(|text| variable.accepts(&text));
        assert!(is_fine, "{}", variable.about().name);
    }
}

#[test]
fn every_good_value_is_accepted_and_changes_the_settings() {
    for (name, good, _) in SAMPLES {
        let base = companions_of(name);
        let before = Settings::from_variables(base.clone()).expect("the companions are right");
        let mut changed = with(base, name, good);
        if *name == "EMAIL_SMTP_URL" {
            changed.remove("EMAIL_SERVICE_URL"); // which would go before it
        }
        match Settings::from_variables(changed) {
            Ok(after) => assert_ne!(seen(&before), seen(&after), "{name}"),
            Err(mistakes) => panic!("{name}: {mistakes}"),
        }
    }
}

#[test]
fn every_bad_value_is_one_mistake_that_names_the_variable() {
    for (name, _, bad) in SAMPLES {
        let result = Settings::from_variables(with(companions_of(name), name, bad));
        let Mistakes(list) = result.expect_err(name);
        let names: Vec<_> = list
            .iter()
            .map(|mistake| mistake.variable.as_str())
            .collect();
        assert_eq!(names, [*name]);
    }
}

#[test]
fn an_empty_value_is_no_value() {
    for (name, _, _) in SAMPLES {
        let settings = Settings::from_variables(with(Variables::new(), name, " "));
        let nothing = Settings::from_variables(Variables::new());
        assert_eq!(format!("{settings:?}"), format!("{nothing:?}"), "{name}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let bad: Vec<_> = SAMPLES.iter().map(|(name, _, bad)| (*name, *bad)).collect();
    let reported: BTreeSet<_> = mistaken(&bad).into_iter().collect();
    // A path is looked for only when TLS is on, and its switch is mistaken here.
    let unjudged = ["TLS_CERT_PATH", "TLS_KEY_PATH"];
    for (name, _) in bad.iter().filter(|(name, _)| !unjudged.contains(name)) {
        assert!(reported.contains(*name), "{name}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    let secrets = secret_names();
    assert!(secrets.len() >= 10);
    for (name, good, bad) in SAMPLES.iter().filter(|(name, _, _)| secrets.contains(name)) {
        assert!(
            good.contains("hunter2") && bad.contains("hunter2"),
            "{name}"
        );
        for value in [good, bad] {
            let base = with(companions_of(name), name, value);
            let configuration = Configuration::resolve(Sources::new(base));
            let settings = configuration.settings();
            let shown = settings.as_ref().err().map(ToString::to_string);
            let seen = format!("{settings:?}{shown:?}{}", configuration.render_table());
            assert!(!seen.contains("hunter2"), "{name}");
            assert!(seen.contains("[secret]"), "{name}");
        }
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = Settings::from_variables(Variables::new()).expect("nothing is needed");
    let minutes = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.public.host, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    assert_eq!(settings.admin.host, IpAddr::V4(Ipv4Addr::LOCALHOST));
    let ports = [
        settings.public.port,
        settings.admin.port,
        settings.grpc.port,
    ];
    assert_eq!(ports, [4000, 4001, 4002]);
    assert!(settings.store.postgres.is_none() && settings.store.redis.is_none());
    assert_eq!(settings.tokens.access_ttl, minutes(15));
    assert_eq!(settings.tokens.refresh_max_age, minutes(30 * 24 * 60));
    assert_eq!(
        settings.tokens.refresh_reuse_window,
        Duration::from_secs(30)
    );
    assert_eq!(settings.keys.algorithm, Algorithm::Es256);
    let hashing = settings.hashing;
    assert_eq!(
        (hashing.memory_kib, hashing.time, hashing.parallelism),
        (19456, 2, 1)
    );
    assert!(hashing.threads >= 1);
    assert_eq!((settings.passwords.min, settings.passwords.max), (15, 128));
    assert_eq!(settings.requests.max_body, 1_048_576);
    assert_eq!(settings.oidc.issuer, "http://localhost:4000");
    assert_eq!(settings.saml.acs_url.path(), "/auth/saml/acs");
    let webauthn = settings.webauthn.expect("localhost is a domain");
    assert_eq!(
        (webauthn.id.as_str(), webauthn.name.as_str()),
        ("localhost", "QuantFlow Studio")
    );
}

#[test]
fn logs_are_json_outside_development() {
    let format = |environment| {
        let settings = Settings::from_variables(variables(&[("APP_ENV", environment)]));
        settings.map(|settings| settings.log.format).ok()
    };
    assert_eq!(format("development"), Some(LogFormat::Text));
    assert_eq!(format("test"), Some(LogFormat::Json));
}

#[test]
fn production_and_staging_demand_secrets_and_https() {
    let demanded = ["SYSTEM_SECRETS", "PASSWORD_PEPPER", "OIDC_ISSUER_URL"];
    assert_eq!(mistaken(&[("APP_ENV", "production")]), demanded);
    assert_eq!(mistaken(&[("APP_ENV", "Staging")]), demanded);
    let secret = "s".repeat(32);
    let complete = [
        ("APP_ENV", "production"),
        ("SYSTEM_SECRETS", secret.as_str()),
        ("PASSWORD_PEPPER", secret.as_str()),
        ("OIDC_ISSUER_URL", "https://id.example.org"),
    ];
    assert!(mistaken(&complete).is_empty());
    let weak = [&complete[..], &[("ARGON2_MEMORY", "8191")]].concat();
    assert_eq!(mistaken(&weak), ["ARGON2_MEMORY"]);
    assert!(mistaken(&[("ARGON2_MEMORY", "8")]).is_empty());
}

#[test]
fn values_are_judged_against_each_other() {
    let cases: &[(Pairs<'_>, &[&str])] = &[
        (&[("REDIS_HOST", "r")], &["POSTGRES_HOST"]),
        (&[("POSTGRES_HOST", "p")], &["POSTGRES_DB", "POSTGRES_USER"]),
        (
            &[("TLS_ENABLED", "true")],
            &["TLS_CERT_PATH", "TLS_KEY_PATH"],
        ),
        (&[("TLS_CERT_PATH", "/nonexistent")], &[]),
        (&[("REFRESH_TOKEN_TTL", "31d")], &["REFRESH_TOKEN_TTL"]),
        (&[("PUBLIC_PORT", "4001")], &["ADMIN_PORT"]),
        (&[("ADMIN_PORT", "4002"), ("GRPC_HOST", "127.0.0.9")], &[]),
        (&[("ADMIN_PORT", "0"), ("GRPC_PORT", "0")], &[]),
        (
            &[("ARGON2_MEMORY", "16"), ("ARGON2_PARALLELISM", "3")],
            &["ARGON2_MEMORY"],
        ),
        (
            &[("EMAIL_ENABLED", "true")],
            &["EMAIL_SENDER_ADDRESS", "EMAIL_SERVICE_URL"],
        ),
        (
            &[("TENANT_RESOLUTION_MODE", "subdomain")],
            &["TENANT_BASE_DOMAIN"],
        ),
        (
            &[("SAML_ENABLED", "true")],
            &["SAML_KEY_PATH", "SAML_CERT_PATH"],
        ),
        (
            &[
                ("CORS_ALLOWED_ORIGINS", "*"),
                ("CORS_ALLOW_CREDENTIALS", "true"),
            ],
            &["CORS_ALLOWED_ORIGINS"],
        ),
        (&[("CORS_ALLOWED_ORIGINS", "*")], &[]),
    ];
    for (pairs, expected) in cases {
        assert_eq!(mistaken(pairs), *expected, "{pairs:?}");
    }
}

#[test]
fn a_redis_cluster_has_one_database() {
    let cluster = [("REDIS_CLUSTER", "true"), ("REDIS_DB", "1")];
    assert_eq!(mistaken(&[COMPANIONS, &cluster].concat()), ["REDIS_DB"]);
}

#[test]
fn a_secret_given_twice_is_not_said_to_be_missing_too() {
    let mut pairs = vec![("SYSTEM_SECRETS", "a"), ("SYSTEM_SECRETS_FILE", "b")];
    pairs.extend([
        ("APP_ENV", "production"),
        ("OIDC_ISSUER_URL", "https://x.example"),
    ]);
    assert_eq!(mistaken(&pairs), ["SYSTEM_SECRETS", "PASSWORD_PEPPER"]);
}

#[test]
fn the_table_tells_value_origin_and_what_has_no_effect_yet() {
    let sources = Sources::new(variables(&[("PUBLIC_PORT", "8080")])).with_dotenv("LOG_LEVEL=warn");
    let table = Configuration::resolve(sources).render_table();
    let row = |name: &str| {
        let line = table
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        line.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let wanted = [
        "PUBLIC_PORT 8080 environment",
        "LOG_LEVEL warn .env",
        "LOG_FORMAT text default",
        "SYSTEM_SECRETS [secret] generated",
        "POSTGRES_HOST - -",
        "SAML_ENABLED false default not yet in use",
    ];
    for line in wanted {
        let name = line.split(' ').next().unwrap_or_default();
        assert_eq!(row(name).as_deref(), Some(line));
    }
}

#[test]
fn development_completes_its_secrets_and_keeps_given_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("UTF-8");
    let given = "g".repeat(32);
    let pairs = [("DATA_DIR", path), ("PASSWORD_PEPPER", given.as_str())];
    let complete = || {
        let mut settings = Settings::from_variables(variables(&pairs)).expect("right");
        settings.complete_secrets(&SystemRandom).expect("writable");
        settings.secrets
    };
    let (first, second) = (complete(), complete());
    assert_eq!(first.peppers[0].expose(), given.as_bytes());
    assert_eq!(first.system[0].expose(), second.system[0].expose());
    assert_ne!(first.system[0].expose(), first.peppers[0].expose());
    assert!(!directory.path().join("secrets/password-pepper").exists());
}
