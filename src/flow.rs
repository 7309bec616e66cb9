//! Floor 3: the steps of each user-visible act.
//!
//! A flow takes everything it may use ([`Flows`]), the request as it matters to it ([`Act`]), where
//! needed who calls ([`caller::Caller`]), and a message: an imperative with typed fields. It gives a
//! reply or a [`Rejection`](domain::rejection::Rejection). It knows no HTTP: the public door, the
//! admin door and gRPC are three ways to the same flows.
//!
//! A flow decides nothing that must happen once (the store does) and holds no state (owners do); it
//! brings the steps into an order that is safe to break off anywhere. Doors run a flow that changes
//! state to its end whether or not the caller stays.
//!
//! Start with [`login`], then [`token`]; [`token::mint`] is the only place where access tokens come
//! from.

use std::sync::Arc;
use std::time::Duration;

use actors::accounts::Accounts;
use actors::api_keys::ApiKeys as KnownKeys;
use actors::attempts::Attempts;
use actors::deadline::Deadline;
use actors::keys::{KeyRing, Keys};
use actors::limits::Limits;
use actors::mail::Mail;
use actors::notices::Notices;
use actors::roles::Roles;
use actors::sessions::Sessions;
use actors::tenants::Tenants;
use actors::vault::Vault;
use domain::address::Network;
use domain::event::{Actor, Entry, EventKind, Origin};
use domain::random::Random;
use domain::rejection::Fault;
use domain::tenant::Tenant;
use domain::time::{Clock, UnixMillis};
use hashing::Hashing;
use protocol::client_certificate::ClientCertificate;
use protocol::password::Blocklist;
use protocol::system_secrets::SystemSecrets;
use store::port::Pending;
use store::port::api_keys::ApiKeys;
use store::port::audit::Audit;
use store::port::authorizations::Authorizations;
use store::port::checkpoints::Checkpoints;
use store::port::devices::Devices;
use store::port::factors::Factors;
use store::port::idempotency::Idempotency;
use store::port::identities::Identities;
use store::port::one_time::OneTimes;
use store::port::sessions::EndedSessions;
use store::port::spent::Spent;
use store::port::tallies::Tallies;
use store::port::users::Users;
use tokio::time::timeout;
use webauthn::RelyingParty;

use crate::authorities::ClientAuthorities;
use crate::config::Settings;
use crate::egress::Egress;
use crate::language;
use crate::telemetry::history::Spot;
use crate::telemetry::meters::Meters;

pub mod account;
pub mod activity;
pub mod admin;
pub(crate) mod allowed;
mod api_key;
pub mod attempt;
pub mod authorize;
pub mod breached;
pub mod browser;
pub mod caller;
pub mod client_keys;
pub mod clients;
pub mod consents;
pub mod console;
pub mod deletion;
pub mod device;
mod evenly;
pub mod export;
pub mod fresh;
pub mod inquiry;
pub mod introspect;
pub mod issuer;
pub mod judged;
pub mod kept;
pub mod letter;
pub mod lifetimes;
mod live;
pub mod login;
pub mod login_ui;
pub mod logout;
pub mod mfa;
pub mod new_password;
pub mod notice;
pub mod once;
pub(crate) mod operator;
pub mod passkey;
pub mod password;
pub mod profile;
pub mod proof;
pub mod register;
pub mod registration;
pub mod reset;
pub mod revoke;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod signature;
pub mod subject;
pub mod token;
pub mod userinfo;
pub mod verified;
pub mod verify_email;

use breached::BreachedPasswords;
use client_keys::KeptKeys;
use clients::KeptDocuments;
use subject::KeptSalts;
use verified::VerifiedTokens;

/// Everything a flow may use; built by `boot`, shared by the doors.
pub struct Flows {
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives unpredictable bytes.
    pub random: Arc<dyn Random>,
    /// What our own tokens are signed with.
    pub secrets: Arc<SystemSecrets>,
    /// The keys that sign access tokens.
    pub keys: Keys,
    /// Tenants and clients.
    pub tenants: Tenants,
    /// What roles allow.
    pub roles: Roles,
    /// Quotas.
    pub limits: Limits,
    /// Sessions, refresh families and what was revoked.
    pub sessions: Sessions,
    /// Counters of failed sign-ins.
    pub attempts: Attempts,
    /// What seals tenants' secrets.
    pub vault: Vault,
    /// Mails on their way out.
    pub mail: Mail,
    /// Notices of ended sessions on their way to clients.
    pub notices: Notices,
    /// What is remembered of accounts, for whoever only asks.
    pub accounts: Accounts,
    /// Accounts and their passwords.
    pub users: Arc<dyn Users>,
    /// What is bound to accounts beside their passwords.
    pub factors: Arc<dyn Factors>,
    /// The names that other issuers have for people.
    pub identities: Arc<dyn Identities>,
    /// Tokens sent by mail.
    pub one_time: Arc<dyn OneTimes>,
    /// Pushed requests, codes and consents.
    pub authorizations: Arc<dyn Authorizations>,
    /// Devices that wait for a person.
    pub devices: Arc<dyn Devices>,
    /// What was answered under which `Idempotency-Key`.
    pub idempotency: Arc<dyn Idempotency>,
    /// Ids that count once.
    pub spent: Arc<dyn Spent>,
    /// What is remembered of API keys, for whoever shows one.
    pub known_keys: KnownKeys,
    /// API keys.
    pub api_keys: Arc<dyn ApiKeys>,
    /// The audit trail.
    pub audit: Arc<dyn Audit>,
    /// Its checkpoints, to be read.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// How much tenants have.
    pub tallies: Arc<dyn Tallies>,
    /// The gate in front of Argon2id.
    pub hashing: Hashing,
    /// The built-in list of common passwords.
    pub blocklist: Arc<dyn Blocklist>,
    /// The service that knows breached passwords, if one is configured.
    pub breached: Option<BreachedPasswords>,
    /// What is fetched on a client's word.
    pub egress: Egress,
    /// Access tokens whose signature was found good.
    pub verified: VerifiedTokens,
    /// Who vouches for clients' certificates; absent: certificates are not taken.
    pub client_authorities: Option<Arc<ClientAuthorities>>,
    /// Clients' keys that were fetched.
    pub kept_keys: KeptKeys,
    /// Clients that described themselves, as they were fetched.
    pub kept_documents: KeptDocuments,
    /// Whom passkeys are bound to; absent: there are none.
    pub relying_party: Option<Arc<RelyingParty>>,
    /// What pairwise subjects are made with.
    pub salts: KeptSalts,
    /// What is counted.
    pub meters: Arc<Meters>,
}

/// One request as a flow sees it.
#[derive(Debug, Clone)]
pub struct Act {
    /// The tenant it is for.
    pub tenant: Arc<Tenant>,
    /// That tenant's issuer.
    pub issuer: String,
    /// Where it comes from, for the audit trail.
    pub origin: Origin,
    /// Whether whoever acts may make operators, and change those there are.
    pub may_appoint: bool,
    /// The network it is counted under, if it came by one.
    pub network: Option<Network>,
    /// The certificate that whoever asks proved to hold, if any (RFC 8705).
    pub certificate: Option<Arc<ClientCertificate>>,
    /// The language that the person reads best of those we have, if their request said.
    pub language: Option<&'static str>,
    /// When nobody waits for it any more.
    pub deadline: Deadline,
    /// The present instant.
    pub now: UnixMillis,
}

/// The longest wait for one verb of a store (CONTRACT §11: an outage is answered within 2 s).
const PATIENCE: Duration = Duration::from_secs(2);

/// How far apart the clocks of two nodes may be.
const SKEW: Duration = Duration::from_mins(1);

// === impl Flows ===

impl Flows {
    /// Says until when other nodes must remember a session that ends now: by then the last access
    /// token it could have has expired.
    #[must_use]
    pub fn remember_until(&self, now: UnixMillis) -> UnixMillis {
        now + token::mint::longest_lifetime(&self.settings.tokens) + SKEW
    }

    /// Gives the keys that sign and verify for the act's tenant: no other tenant's do.
    ///
    /// # Errors
    /// As [`Keys::ring_of`].
    ///
    /// # Cancel safety
    /// As [`Keys::ring_of`].
    pub async fn ring(&self, act: &Act) -> Result<Arc<KeyRing>, Fault> {
        self.keys.ring_of(act.tenant.id, act.deadline).await
    }

    /// Refuses, on this node and before the act is answered, sessions that a verb just ended.
    fn refuse_ended(&self, act: &Act, ended: &EndedSessions) {
        let until = self.remember_until(act.now);
        self.sessions.refuse(act.tenant.id, ended, until);
        self.notices.nudge();
    }
}

// === impl Act ===

impl Act {
    /// Begins an audit entry of what nobody we know did.
    #[must_use]
    pub fn entry(&self, kind: EventKind) -> Entry {
        Entry::new(kind, &self.origin)
    }

    /// Begins an audit entry of what this actor did.
    #[must_use]
    pub fn entry_by(&self, actor: Actor, kind: EventKind) -> Entry {
        self.entry(kind).by(actor)
    }

    /// Says where and when it happens, for what counts it.
    #[must_use]
    pub const fn spot(&self) -> Spot {
        Spot {
            tenant: self.origin.tenant,
            at: self.now,
        }
    }

    /// Prefers the languages that a client asks for (OpenID Connect Core §3.1.2.1, `ui_locales`).
    pub(crate) fn prefer(&mut self, wanted: &[String]) {
        let found = language::find(wanted.iter().map(String::as_str));
        self.language = found.or(self.language);
    }

    /// Awaits a verb of a store that no owner holds.
    ///
    /// # Errors
    /// The verb's own fault; [`Fault::Late`] if the deadline passed; [`Fault::Store`] if the store
    /// took too long. Whether it wrote is then unknown.
    ///
    /// # Cancel safety
    /// As the verb.
    pub(crate) async fn wait<T>(&self, verb: Pending<'_, T>) -> Result<T, Fault> {
        match timeout(PATIENCE.min(self.deadline.remaining()), verb).await {
            Ok(answer) => answer,
            Err(_) if self.deadline.has_passed() => Err(Fault::Late),
            Err(_) => Err(Fault::Store(format!(
                "no answer within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }
}
