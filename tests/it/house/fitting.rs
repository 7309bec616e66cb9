//! What a house is started with: settings, clock, randomness, courier.

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::mail::Courier;
use auth_service::boot::{self, Fittings};
use auth_service::config::Settings;
use domain::random::Random;
use domain::time::{ManualClock, UnixMillis};
use protocol::entropy::SystemRandom;

use super::{House, Letters};
use crate::backend::{Backend, StoreSettings};

// === impl House ===

impl House {
    /// Opens another house on an empty store of the same kind, with settings of its own.
    pub async fn beside(&self, own: &[(&str, &str)]) -> Self {
        let has = |start: &str| self.settings.keys().any(|name| name.starts_with(start));
        let backend = match (has("POSTGRES_") || has("DATABASE_"), has("REDIS_HOST")) {
            (false, _) => Backend::Sqlite,
            (true, false) => Backend::Postgres,
            (true, true) => Backend::PostgresRedis,
        };
        Self::with(backend, own).await
    }
}

/// Applies every migration to a store.
pub async fn migrate(store: &StoreSettings) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut settings = base_settings();
    settings.insert(
        "DATA_DIR".to_owned(),
        directory.path().display().to_string(),
    );
    settings.extend(store.clone());
    let clock = Arc::new(ManualClock::new(UnixMillis::from_seconds(1_800_000_000)));
    let fittings = fittings(&settings, clock, Arc::default());
    boot::migrate(&fittings).await.expect("the schema is made");
}

/// What a service of the tests is started with; its mails are kept unless the settings send them.
pub(super) fn fittings(
    settings: &BTreeMap<String, String>,
    clock: Arc<ManualClock>,
    letters: Arc<Letters>,
) -> Fittings {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let mut settings = Settings::from_variables(settings.clone()).expect("settings");
    settings.complete_secrets(random.as_ref()).expect("secrets");
    let courier: Option<Arc<dyn Courier>> = settings.email.is_none().then_some(letters as _);
    Fittings {
        settings,
        clock,
        random,
        courier,
    }
}

/// Free ports, cheap hashes, no limit per address, this machine's proxies believed.
pub fn base_settings() -> BTreeMap<String, String> {
    let pairs = [
        ("APP_ENV", "test"),
        ("PUBLIC_HOST", "127.0.0.1"),
        ("PUBLIC_PORT", "0"),
        ("ADMIN_PORT", "0"),
        ("GRPC_PORT", "0"),
        ("ARGON2_MEMORY", "64"),
        ("ARGON2_TIME", "1"),
        ("HASHING_QUEUE", "256"),
        ("RATE_LIMIT_RPS", "100000"),
        ("RATE_LIMIT_BURST", "100000"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    pairs.into_iter().map(owned).collect()
}

/// A setting as it is kept.
pub(super) fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
