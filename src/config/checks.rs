//! What no variable can judge alone: each value by its kind, then the values against each other.
//!
//! Nothing here stops at the first mistake, and a check that needs several values leaves a mistaken
//! one to the mistake it already has.

use std::fs::File;
use std::path::Path;

use crate::config::cors::{
    CORS_ALLOW_CREDENTIALS, CORS_ALLOWED_HEADERS, CORS_ALLOWED_METHODS, CORS_ALLOWED_ORIGINS,
    CORS_EXPOSE_HEADERS,
};
use crate::config::doors::{
    ADMIN_URL, DOORS, DoorSettings, TLS_CERT_PATH, TLS_CLIENT_CA_PATH, TLS_ENABLED, TLS_KEY_PATH,
};
use crate::config::email::{EMAIL_ENABLED, EMAIL_SERVICE_URL, EMAIL_SMTP_URL, no_route};
use crate::config::key_service::{KMS_CA_PATH, KMS_TOKEN_PATH};
use crate::config::mistake::Mistake;
use crate::config::oidc::OIDC_ISSUER_URL;
use crate::config::passwords::{ARGON2_MEMORY, ARGON2_PARALLELISM};
use crate::config::sections;
use crate::config::service::{APP_ENV, Environment};
use crate::config::store::{REDIS_CLUSTER, REDIS_DB};
use crate::config::tenants::{ResolutionMode, TENANT_BASE_DOMAIN, TENANT_RESOLUTION_MODE};
use crate::config::tokens::{JWT_PRIVATE_KEY_PATH, REFRESH_TOKEN_MAX_AGE, REFRESH_TOKEN_TTL};
use crate::config::values::Values;
use crate::config::variable::Declared;

/// The least memory of a hash outside development and test, in KiB. Below it a graphics card
/// guesses faster than the passes can make up for.
const LEAST_MEMORY_KIB: u32 = 8 * 1024;

/// The least memory for each lane, in KiB (RFC 9106 §3.1).
const LANE_MEMORY_KIB: u32 = 8;

type Check = fn(&Values) -> Vec<Mistake>;

const CHECKS: [Check; 10] = [
    check_doors,
    check_files,
    check_redis,
    check_hashing,
    check_refresh,
    check_issuer,
    check_admin_url,
    check_tenants,
    check_cors,
    check_email,
];

/// Judges every value and every combination that has a rule. Mistakes found in the sources come
/// first; a variable they name is not said to be missing as well.
pub(super) fn check_all(values: &Values, in_sources: &[Mistake]) -> Vec<Mistake> {
    let is_known = |name: &str| {
        let file = format!("{name}_FILE");
        let named = |mistake: &Mistake| mistake.variable == name || mistake.variable == file;
        in_sources.iter().any(named)
    };
    let single = sections::all().filter(|variable| !is_known(variable.about().name));
    in_sources
        .iter()
        .cloned()
        .chain(single.filter_map(|variable| check_one(values, variable)))
        .chain(CHECKS.iter().flat_map(|check| check(values)))
        .collect()
}

fn check_one(values: &Values, variable: &dyn Declared) -> Option<Mistake> {
    let about = variable.about();
    let expected = match values.text(about) {
        Some(text) => (!variable.accepts(&text)).then(|| variable.expected()),
        None if about.required.applies(values) => about
            .required
            .said()
            .map(|when| format!("{}; required {when}", variable.expected())),
        None => None,
    };
    expected.map(|expected| values.mistake(variable, expected))
}

/// Two doors on one address and port could not both open.
fn check_doors(values: &Values) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut earlier: Vec<(&str, DoorSettings)> = Vec::new();
    for door in DOORS {
        let Ok(settings) = DoorSettings::read(values, door) else {
            continue;
        };
        let taken = earlier.iter().find(|(_, other)| settings.collides(*other));
        if let Some((name, _)) = taken {
            mistakes.push(values.mistake(door.1, format!("a port other than {name}'s")));
        }
        earlier.push((door.1.about.name, settings));
    }
    mistakes
}

/// Files that the service cannot start without must be readable now.
fn check_files(values: &Values) -> Vec<Mistake> {
    let tls = values.peek(&TLS_ENABLED) == Some(true);
    [
        (&TLS_CERT_PATH, tls),
        (&TLS_KEY_PATH, tls),
        (&TLS_CLIENT_CA_PATH, true),
        (&JWT_PRIVATE_KEY_PATH, true),
        (&KMS_TOKEN_PATH, true),
        (&KMS_CA_PATH, true),
    ]
    .into_iter()
    .filter(|(_, is_needed)| *is_needed)
    .filter_map(|(variable, _)| {
        let reason = unreadable(&values.peek(variable)?)?;
        Some(values.mistake(variable, format!("the path of a readable file ({reason})")))
    })
    .collect()
}

fn unreadable(path: &Path) -> Option<String> {
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => Some("is a directory".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.kind().to_string()),
    }
}

/// A Redis cluster has one database.
fn check_redis(values: &Values) -> Vec<Mistake> {
    let is_wrong = values.peek(&REDIS_CLUSTER) == Some(true)
        && values.peek(&REDIS_DB).is_some_and(|number| number != 0);
    let expected = "0 when REDIS_CLUSTER is true";
    mistake_if(is_wrong, values, &REDIS_DB, expected)
}

fn check_hashing(values: &Values) -> Vec<Mistake> {
    let Some(memory) = values.peek(&ARGON2_MEMORY) else {
        return Vec::new();
    };
    let lanes = values.peek(&ARGON2_PARALLELISM).unwrap_or(1);
    let is_thin = memory < lanes.saturating_mul(LANE_MEMORY_KIB);
    let may_be_weak = matches!(
        values.peek(&APP_ENV),
        Some(Environment::Development | Environment::Test) | None
    );
    let is_weak = memory < LEAST_MEMORY_KIB && !may_be_weak;
    let thin = format!("at least {LANE_MEMORY_KIB} KiB for each lane (ARGON2_PARALLELISM)");
    let weak = format!("at least {LEAST_MEMORY_KIB} KiB outside development and test");
    let mut mistakes = mistake_if(is_thin, values, &ARGON2_MEMORY, &thin);
    mistakes.extend(mistake_if(is_weak, values, &ARGON2_MEMORY, &weak));
    mistakes
}

fn check_refresh(values: &Values) -> Vec<Mistake> {
    let spans = values
        .peek(&REFRESH_TOKEN_TTL)
        .zip(values.peek(&REFRESH_TOKEN_MAX_AGE));
    let is_wrong = spans.is_some_and(|(idle, absolute)| idle > absolute);
    let expected = "at most REFRESH_TOKEN_MAX_AGE";
    mistake_if(is_wrong, values, &REFRESH_TOKEN_TTL, expected)
}

/// An issuer is https (RFC 8414 §2); only a developer's own machine is excused.
fn check_issuer(values: &Values) -> Vec<Mistake> {
    let issuer = values.peek(&OIDC_ISSUER_URL);
    let is_plain = issuer.is_some_and(|issuer| !issuer.starts_with("https://"));
    let is_wrong = is_plain && values.is_production_like();
    let expected = "an https URL when APP_ENV is production or staging";
    mistake_if(is_wrong, values, &OIDC_ISSUER_URL, expected)
}

/// A sign-in comes back there, and a cookie of the console is for secure places alone.
fn check_admin_url(values: &Values) -> Vec<Mistake> {
    let is_secure = |url: &str| {
        let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        let is_here = |start: &&str| {
            let rest = url.strip_prefix(*start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        url.starts_with("https://") || here.iter().any(is_here)
    };
    let is_plain = values.peek(&ADMIN_URL).is_some_and(|url| !is_secure(&url));
    let is_said = values.given(ADMIN_URL.about.name).is_some();
    let expected = "an https URL when APP_ENV is production or staging, or one of this machine";
    let is_wrong = is_plain && is_said && values.is_production_like();
    mistake_if(is_wrong, values, &ADMIN_URL, expected)
}

fn check_tenants(values: &Values) -> Vec<Mistake> {
    let is_wrong = values.peek(&TENANT_RESOLUTION_MODE) == Some(ResolutionMode::Subdomain)
        && values.text(&TENANT_BASE_DOMAIN.about).is_none();
    let expected = "a domain name; required when TENANT_RESOLUTION_MODE is subdomain";
    mistake_if(is_wrong, values, &TENANT_BASE_DOMAIN, expected)
}

/// With credentials, a browser takes `*` for a literal name, and a server that answers each origin
/// with its own name instead has opened every account to every page.
fn check_cors(values: &Values) -> Vec<Mistake> {
    if values.peek(&CORS_ALLOW_CREDENTIALS) != Some(true) {
        return Vec::new();
    }
    let lists: [&dyn Declared; 4] = [
        &CORS_ALLOWED_ORIGINS,
        &CORS_ALLOWED_METHODS,
        &CORS_ALLOWED_HEADERS,
        &CORS_EXPOSE_HEADERS,
    ];
    let has_star = |variable: &&dyn Declared| {
        let text = values.text(variable.about());
        text.is_some_and(|text| text.split(',').any(|item| item.trim() == "*"))
    };
    let expected = "no * when CORS_ALLOW_CREDENTIALS is true";
    lists
        .into_iter()
        .filter(has_star)
        .map(|variable| values.mistake(variable, expected.to_owned()))
        .collect()
}

fn check_email(values: &Values) -> Vec<Mistake> {
    let has_route = [&EMAIL_SERVICE_URL.about, &EMAIL_SMTP_URL.about]
        .iter()
        .any(|about| values.given(about.name).is_some());
    let is_wrong = values.peek(&EMAIL_ENABLED) == Some(true) && !has_route;
    is_wrong.then(|| no_route(values)).into_iter().collect()
}

fn mistake_if(
    is_wrong: bool,
    values: &Values,
    variable: &dyn Declared,
    expected: &str,
) -> Vec<Mistake> {
    let mistake = is_wrong.then(|| values.mistake(variable, expected.to_owned()));
    mistake.into_iter().collect()
}
