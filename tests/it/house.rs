//! The whole service in this process: its doors on free ports, its clock in the test's hand, its
//! mails kept instead of sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::deadline::Deadline;
use actors::mail::{Courier, CourierFault};
use auth_service::boot::{self, Running, StartError};
use auth_service::courier::{Letterhead, render};
use domain::event::{Actor, Entry, EventKind, Origin};
use domain::id::{MailId, RequestId, TenantId};
use domain::mail::{Letter, LetterBody};
use domain::page::{PageRequest, PageStart};
use domain::tenant::{Tenant, TenantConfig, TenantStatus};
use domain::time::{Clock, ManualClock, UnixMillis};
use futures_util::future::BoxFuture;
use protocol::entropy::SystemRandom;
use serde_json::json;
use store::port::audit::AuditRow;
use tempfile::TempDir;

use crate::backend::Backend;
use crate::client::{Answer, Client, Person};

mod fitting;
pub mod harm;

pub use fitting::{base_settings, migrate};
use fitting::{fittings, owned};

/// One running service and what a test needs to know of it.
#[derive(Clone)]
pub struct House {
    pub clock: Arc<ManualClock>,
    running: Arc<Running>,
    pub settings: BTreeMap<String, String>,
    letters: Arc<Letters>,
    directory: Arc<TempDir>,
    api_key: String,
    people_from: String,
}

/// A courier that keeps what it should send.
#[derive(Default)]
pub struct Letters(Mutex<Vec<Letter>>);

impl Courier for Letters {
    fn deliver(
        &self,
        _: MailId,
        _: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        self.0.lock().expect("letters").push(letter);
        Box::pin(async { Ok(()) })
    }
}

// === impl House ===

impl House {
    /// Starts a house on an empty store.
    pub async fn open(backend: Backend) -> Self {
        Self::with(backend, &[]).await
    }

    /// Starts a house on an empty store with settings of its own; an empty value unsets one. Where
    /// `EMAIL_ENABLED` is `true`, mails are sent as the settings say instead of kept.
    pub async fn with(backend: Backend, own: &[(&str, &str)]) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("a directory"));
        let mut settings = base_settings();
        settings.insert(
            "DATA_DIR".to_owned(),
            directory.path().display().to_string(),
        );
        settings.extend(backend.prepare().await);
        settings.extend(own.iter().copied().map(owned));
        let clock = Arc::new(ManualClock::new(UnixMillis::from_seconds(1_800_000_000)));
        Self::start(settings, clock, Arc::default(), directory, None).await
    }

    /// Starts another node on the same store.
    pub async fn second_node(&self) -> Self {
        self.second_node_by(Arc::clone(&self.clock)).await
    }

    /// The same, by a clock of its own.
    pub async fn second_node_by(&self, clock: Arc<ManualClock>) -> Self {
        let letters = Arc::clone(&self.letters);
        let key = Some(self.api_key.clone());
        Self::start(
            self.settings.clone(),
            clock,
            letters,
            Arc::clone(&self.directory),
            key,
        )
        .await
    }

    /// Stops the service and starts it again on the same store, with some settings changed.
    pub async fn restart(self, changed: &[(&str, &str)]) -> Self {
        let Self {
            clock,
            running,
            mut settings,
            letters,
            directory,
            api_key,
            ..
        } = self;
        running.stop().await;
        // The store is closed when the last that has it is gone.
        drop(running);
        settings.extend(changed.iter().copied().map(owned));
        Self::start(settings, clock, letters, directory, Some(api_key)).await
    }

    async fn start(
        settings: BTreeMap<String, String>,
        clock: Arc<ManualClock>,
        letters: Arc<Letters>,
        directory: Arc<TempDir>,
        api_key: Option<String>,
    ) -> Self {
        let fittings = || fittings(&settings, clock.clone(), letters.clone());
        let mut started = boot::start(fittings()).await;
        // A task of the service that was may still be on its way out, with the store in its hand.
        for _ in 0..100 {
            if !matches!(started, Err(StartError::Store(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            started = boot::start(fittings()).await;
        }
        let running = started.expect("the service starts");
        running
            .ready(Duration::from_secs(20))
            .await
            .expect("the service is ready");
        let first = running.first_key().await.map(|key| key.expose().to_owned());
        let api_key = api_key.or(first).expect("an API key");
        Self {
            clock,
            running: Arc::new(running),
            settings,
            letters,
            directory,
            api_key,
            people_from: network(),
        }
    }

    /// Stops the service in order.
    pub async fn stop(&self) {
        self.running.stop().await;
    }

    /// What runs, for a test that does it harm or asks it by another way than its doors.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Where the public door is.
    pub fn public_address(&self) -> SocketAddr {
        self.running.public
    }

    /// Where the admin door is.
    pub fn admin_address(&self) -> SocketAddr {
        self.running.admin
    }

    /// Where the gRPC door is.
    pub fn grpc_address(&self) -> SocketAddr {
        self.running.grpc
    }

    /// The public door, as a stranger sees it who comes from where only this house's people come from.
    pub fn public(&self) -> Client {
        let door = Client::new(format!("http://{}", self.running.public));
        door.with("x-forwarded-for", self.people_from.as_str())
    }

    /// The admin door, as a stranger sees it.
    pub fn stranger(&self) -> Client {
        Client::new(format!("http://{}", self.running.admin))
    }

    /// The admin door, as an operator sees it.
    pub fn admin(&self) -> Client {
        self.stranger().with("x-api-key", self.api_key.as_str())
    }

    pub fn api_key(&self) -> String {
        self.api_key.clone()
    }

    /// Makes a tenant.
    pub async fn add_tenant(&self, slug: &str) {
        self.add_tenant_with(slug, TenantConfig::default()).await;
    }

    /// Makes a tenant that has chosen something.
    pub async fn add_tenant_with(&self, slug: &str, config: TenantConfig) {
        let now = self.clock.now();
        let tenant = Tenant {
            id: TenantId::generate(now, &SystemRandom),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            status: TenantStatus::Active,
            config,
            version: 1,
            created_at: now,
            erase_at: None,
        };
        let entry = self.entry(EventKind::TenantCreated);
        let tenants = &self.running.flows().tenants;
        tenants
            .create_tenant(tenant, entry, soon())
            .await
            .expect("the tenant is made");
    }

    /// Closes a tenant.
    pub async fn suspend_tenant(&self, slug: &str) {
        let tenants = &self.running.flows().tenants;
        let directory = tenants.directory();
        let tenant = directory.by_slug(slug).expect("the tenant");
        let closed = Tenant {
            status: TenantStatus::Suspended,
            ..tenant.as_ref().clone()
        };
        let mut entry = self.entry(EventKind::TenantUpdated);
        entry.origin.tenant = tenant.id;
        tenants
            .update_tenant(closed, entry, soon())
            .await
            .expect("the tenant is closed");
    }

    /// Says whether a text stands in a file of the embedded store.
    pub fn has_stored(&self, text: &str) -> bool {
        let files = std::fs::read_dir(self.directory.path()).expect("the data");
        let contents = files.flatten().flat_map(|file| std::fs::read(file.path()));
        let holds = |bytes: Vec<u8>| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        contents.into_iter().any(holds)
    }

    /// A tenant's id.
    pub fn tenant_id(&self, slug: &str) -> String {
        let directory = self.running.flows().tenants.directory();
        directory.by_slug(slug).expect("the tenant").id.to_string()
    }

    fn entry(&self, kind: EventKind) -> Entry {
        let (now, random) = (self.clock.now(), SystemRandom);
        let directory = self.running.flows().tenants.directory();
        let origin = Origin {
            tenant: directory.default_tenant().expect("the default tenant").id,
            actor: Actor::System,
            address: None,
            user_agent: None,
            request: RequestId::generate(now, &random),
            claimed_in: None,
            at: now,
        };
        Entry::new(kind, &origin)
    }

    /// A person's id.
    pub async fn user_id(&self, person: &Person) -> String {
        let path = format!("/admin/users?search={}", person.email.replace('@', "%40"));
        let page = self.admin().get(&path).await.expect(200).json();
        page["users"][0]["id"].as_str().expect("a user").to_owned()
    }

    /// The token or the name of the newest letter of a kind to a person, once it has arrived.
    pub async fn letter(&self, person: &Person, kind: &str) -> Option<String> {
        let letter = self.wait_for_letter(person, kind).await?;
        Some(match letter.body {
            LetterBody::VerifyEmail { token } | LetterBody::ResetPassword { token } => token,
            LetterBody::FactorRecoveryCode { code } => code,
            _ => kind.to_owned(),
        })
    }

    /// The text that a letter is sent with.
    pub async fn printed_mail(&self, person: &Person, kind: &str) -> String {
        let letter = self.wait_for_letter(person, kind).await.expect("a letter");
        let issuer = self.settings.get("OIDC_ISSUER_URL");
        let issuer = issuer.map_or("http://localhost:4000", String::as_str);
        render(&Letterhead::plain(issuer), &letter).text
    }

    /// Takes the newest letter of a kind to a person out of the pile.
    async fn wait_for_letter(&self, person: &Person, kind: &str) -> Option<Letter> {
        for _ in 0..500 {
            let mut letters = self.letters.0.lock().expect("letters");
            let fits = |letter: &Letter| {
                let body = serde_json::to_value(&letter.body).expect("JSON");
                letter.to == person.email && body["letter"] == kind
            };
            if let Some(position) = letters.iter().rposition(fits) {
                return Some(letters.remove(position));
            }
            drop(letters);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// Asks for a reset and takes the token from the mail.
    pub async fn reset_token(&self, person: &Person) -> String {
        let body = json!({ "email": person.email });
        person
            .public
            .post("/auth/password/reset", body)
            .await
            .expect(202);
        self.letter(person, "reset_password")
            .await
            .expect("a letter")
    }

    /// How many audit entries of a kind the default tenant has.
    pub async fn audit_count(&self, event: &str) -> usize {
        self.audit_rows(event).await.len()
    }

    /// The default tenant's last audit entries of a kind, newest first.
    pub async fn audit_rows(&self, event: &str) -> Vec<AuditRow> {
        let directory = self.running.flows().tenants.directory();
        let tenant = directory.default_tenant().expect("the default tenant").id;
        let page = PageRequest {
            start: PageStart::Number(1),
            per_page: 100,
        };
        let rows = self
            .running
            .flows()
            .audit
            .list_audit(tenant, page)
            .await
            .expect("the trail");
        rows.into_iter()
            .filter(|row| row.fields["event"] == event)
            .collect()
    }

    /// Makes a service client that may use `client_credentials`; gives its id and secret.
    pub async fn add_client(&self, scopes: &[&str]) -> (String, String) {
        self.add_client_by("client_secret_basic", scopes).await
    }

    /// The same, with the secret sent as the method says.
    pub async fn add_client_by(&self, method: &str, scopes: &[&str]) -> (String, String) {
        let body = json!({
            "name": "Robot", "client_type": "service", "grant_types": ["client_credentials"],
            "scopes": scopes, "token_endpoint_auth_method": method,
        });
        let answer = self.admin().post("/admin/clients", body).await.expect(201);
        (answer.field("client_id"), answer.field("client_secret"))
    }

    /// Asks for a token as a client does, by HTTP Basic.
    pub async fn client_token(&self, id: &str, secret: &str) -> Answer {
        let pair = format!("{id}:{secret}");
        let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
        let client = self
            .public()
            .with("authorization", format!("Basic {basic}"));
        client
            .form("/oauth/token", &[("grant_type", "client_credentials")])
            .await
    }
}

/// An address that no other house's people have: where houses share a Redis, one's failed sign-ins would
/// count against the next.
fn network() -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let number = GIVEN.fetch_add(1, Ordering::Relaxed);
    format!("10.7.{}.{}", number / 250, number % 250 + 1)
}

/// A deadline that no healthy verb misses.
fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}
