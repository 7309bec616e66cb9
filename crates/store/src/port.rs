//! The storage traits, one file each, and the bundle of them that a backend provides.
//!
//! Every durable verb may fail with [`Fault::Store`] (the database could not be reached or did not
//! answer in time; whether the write happened is then unknown unless the verb says otherwise) or
//! [`Fault::Busy`] (a bounded queue is full; nothing was written). Everything else that can become
//! of a verb is in its return type.
//!
//! # Cancel safety
//! Dropping a verb's future never tears a write: the commit either happens whole or not at all, but
//! the caller no longer learns which.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::rejection::Fault;

pub mod api_keys;
pub mod attempts;
pub mod audit;
pub mod authorizations;
pub mod changes;
pub mod checkpoints;
pub mod clients;
pub mod data_keys;
pub mod devices;
pub mod factors;
pub mod idempotency;
pub mod identities;
pub mod janitor;
pub mod keys;
pub mod notices;
pub mod one_time;
pub mod outbox;
pub mod roles;
pub mod salts;
pub mod sessions;
pub mod shared;
pub mod spent;
pub mod tallies;
pub mod tenants;
pub mod users;

/// What a verb gives: a future that a trait object can return.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Everything a durable backend provides. `boot` takes it apart and gives each port to the one owner
/// or to the flows that may use it.
#[derive(Clone)]
pub struct Ports {
    /// Tenants.
    pub tenants: Arc<dyn tenants::Tenants>,
    /// Accounts and their passwords.
    pub users: Arc<dyn users::Users>,
    /// What is bound to accounts beside their passwords.
    pub factors: Arc<dyn factors::Factors>,
    /// The names that other issuers have for people.
    pub identities: Arc<dyn identities::Identities>,
    /// Tokens sent by mail.
    pub one_time: Arc<dyn one_time::OneTimes>,
    /// Sessions and refresh families.
    pub sessions: Arc<dyn sessions::Sessions>,
    /// Pushed requests, codes and consents.
    pub authorizations: Arc<dyn authorizations::Authorizations>,
    /// Devices that wait for a person.
    pub devices: Arc<dyn devices::Devices>,
    /// What pairwise subjects are made with.
    pub salts: Arc<dyn salts::Salts>,
    /// What tenants' secrets are sealed with.
    pub data_keys: Arc<dyn data_keys::DataKeys>,
    /// What was answered under which `Idempotency-Key`.
    pub idempotency: Arc<dyn idempotency::Idempotency>,
    /// Ids that count once.
    pub spent: Arc<dyn spent::Spent>,
    /// Counters of failed sign-ins.
    pub attempts: Arc<dyn attempts::Attempts>,
    /// Clients.
    pub clients: Arc<dyn clients::Clients>,
    /// Roles and policies.
    pub roles: Arc<dyn roles::Roles>,
    /// API keys.
    pub api_keys: Arc<dyn api_keys::ApiKeys>,
    /// Signing keys.
    pub keys: Arc<dyn keys::Keys>,
    /// Mails waiting to be sent.
    pub outbox: Arc<dyn outbox::Outbox>,
    /// Clients that are to be told of ended sessions.
    pub notices: Arc<dyn notices::Notices>,
    /// The audit trail.
    pub audit: Arc<dyn audit::Audit>,
    /// Signed checkpoints of the audit trail.
    pub checkpoints: Arc<dyn checkpoints::Checkpoints>,
    /// The feed of changes.
    pub changes: Arc<dyn changes::Changes>,
    /// Purging what has expired.
    pub janitor: Arc<dyn janitor::Janitor>,
    /// How much a tenant has.
    pub tallies: Arc<dyn tallies::Tallies>,
    /// Whether the backend can be reached now.
    pub health: Arc<dyn Health>,
}

/// Tells whether a backend can be reached.
pub trait Health: Send + Sync + 'static {
    /// Asks the backend something trivial.
    fn check(&self) -> Pending<'_, ()>;

    /// Names the backend for `/ready` and for logs: `sqlite`, `postgres`, `redis`, `memory`.
    fn name(&self) -> &'static str;
}
