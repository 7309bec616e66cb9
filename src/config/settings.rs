//! The settings: every variable as a type, in small structs by subject.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use domain::random::Random;
use domain::secret::SecretBytes;
use ipnet::IpNet;
use url::Url;

use crate::config::cors::CorsSettings;
use crate::config::doors::{
    DoorSettings, RequestSettings, TlsSettings, read_admin_url, read_client_ca,
    read_trusted_proxies,
};
use crate::config::email::EmailSettings;
use crate::config::federation::{FederationSettings, SamlSettings};
use crate::config::key_service::KeyServiceSettings;
use crate::config::limits::LimitSettings;
use crate::config::mfa::{MfaSettings, WebauthnSettings};
use crate::config::mistake::{Mistake, Mistakes};
use crate::config::oidc::OidcSettings;
use crate::config::passwords::{HashingSettings, PasswordSettings, SecretSettings};
use crate::config::service::{
    Environment, LogSettings, read_audit_retention, read_deletion_grace, read_otel_endpoint,
    read_shutdown_grace,
};
use crate::config::store::StoreSettings;
use crate::config::tenants::{EgressSettings, TenantSettings};
use crate::config::tokens::{
    DpopSettings, KeySettings, SessionSettings, TokenSettings, read_par_ttl,
};
use crate::config::values::Values;
use crate::config::{Configuration, Sources, secrets};

/// Everything that an operator decides. Prints no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service runs; `APP_ENV`, development.
    pub environment: Environment,
    /// What is logged, and how; `LOG_…`.
    pub log: LogSettings,
    /// Where traces are sent; `OTEL_EXPORTER_OTLP_ENDPOINT`, nowhere.
    pub otel_endpoint: Option<Url>,
    /// How long requests in flight may take to finish; `SHUTDOWN_GRACE`, 30 s.
    pub shutdown_grace: Duration,
    /// How long a deleted account can be had back; `ACCOUNT_DELETION_GRACE`, 30 d.
    pub deletion_grace: Duration,
    /// How long the audit trail is kept; `AUDIT_RETENTION`, 365 d.
    pub audit_retention: Duration,
    /// The public HTTP door; `PUBLIC_…`.
    pub public: DoorSettings,
    /// The admin HTTP door; `ADMIN_…`.
    pub admin: DoorSettings,
    /// Where browsers find the admin HTTP door; `ADMIN_URL`, this machine.
    pub admin_url: String,
    /// The gRPC door; `GRPC_…`.
    pub grpc: DoorSettings,
    /// Certificates, when the doors speak TLS; `TLS_…`.
    pub tls: Option<TlsSettings>,
    /// The authorities that vouch for clients' certificates; `TLS_CLIENT_CA_PATH`, nobody.
    pub client_ca: Option<PathBuf>,
    /// Peers whose forwarding headers are believed; `TRUSTED_PROXIES`, nobody.
    pub trusted_proxies: Vec<IpNet>,
    /// The bounds of a request; `REQUEST_…`.
    pub requests: RequestSettings,
    /// Which web pages may call; `CORS_…`.
    pub cors: CorsSettings,
    /// Where state is kept; `DATA_DIR`, `POSTGRES_…`, `REDIS_…`.
    pub store: StoreSettings,
    /// What the service keeps secret; `SYSTEM_SECRETS`, `PASSWORD_PEPPER`.
    pub secrets: SecretSettings,
    /// Who wraps data keys, where it is not those secrets; `KMS_…`.
    pub key_service: Option<KeyServiceSettings>,
    /// What a password must be; `PASSWORD_…`, `BREACHED_PASSWORDS_API_URL`.
    pub passwords: PasswordSettings,
    /// What hashing one costs; `ARGON2_…`, `HASHING_…`.
    pub hashing: HashingSettings,
    /// How long tokens live; `…_TOKEN_…`, `REFRESH_REUSE_WINDOW`.
    pub tokens: TokenSettings,
    /// How long browser sessions live; `SESSION_…`.
    pub sessions: SessionSettings,
    /// The keys that sign; `JWT_…`, `KEY_ROTATION_INTERVAL`.
    pub keys: KeySettings,
    /// Lifetime of a pushed authorization request; `PAR_TTL`, 90 s.
    pub par_ttl: Duration,
    /// Proof of possession; `DPOP_…`.
    pub dpop: DpopSettings,
    /// How often one may ask, and fail; `RATE_LIMIT_…`.
    pub limits: LimitSettings,
    /// Who we are to clients; `OIDC_…`.
    pub oidc: OidcSettings,
    /// How a request finds its tenant; `TENANT_…`.
    pub tenants: TenantSettings,
    /// What may be connected to on a client's word; `EGRESS_…`.
    pub egress: EgressSettings,
    /// How mails are sent, when they are; `EMAIL_…`.
    pub email: Option<EmailSettings>,
    /// One-time passwords and backup codes; `MFA_…`.
    pub mfa: MfaSettings,
    /// The relying party of passkeys; `WEBAUTHN_…`. Absent while the issuer has no domain name.
    pub webauthn: Option<WebauthnSettings>,
    /// Social providers; `OAUTH_…`.
    pub federation: FederationSettings,
    /// The SAML service provider; `SAML_…`.
    pub saml: SamlSettings,
}

// === impl Settings ===

impl Settings {
    /// Makes settings from names and values alone, as tests do.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn from_variables(variables: BTreeMap<String, String>) -> Result<Self, Mistakes> {
        Configuration::resolve(Sources::new(variables)).settings()
    }

    /// Reads or makes, in `DATA_DIR`, the secrets that were not set. Does nothing when all were, as
    /// they always are in production and staging.
    ///
    /// # Errors
    /// When `DATA_DIR` cannot be written, or a secret in it is no secret.
    pub fn complete_secrets(&mut self, random: &dyn Random) -> io::Result<()> {
        let complete = |list: &mut Vec<SecretBytes>, name: &str| {
            if list.is_empty() {
                *list = secrets::load_or_create(&self.store.data_dir, name, random)?;
            }
            io::Result::Ok(())
        };
        complete(&mut self.secrets.system, "system-secrets")?;
        complete(&mut self.secrets.peppers, "password-pepper")
    }

    /// Reads values that were checked before.
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        let [public, admin, grpc] = DoorSettings::read_all(values)?;
        Ok(Self {
            environment: Environment::read(values)?,
            log: LogSettings::read(values)?,
            otel_endpoint: read_otel_endpoint(values)?,
            shutdown_grace: read_shutdown_grace(values)?,
            deletion_grace: read_deletion_grace(values)?,
            audit_retention: read_audit_retention(values)?,
            public,
            admin,
            admin_url: read_admin_url(values)?,
            grpc,
            tls: TlsSettings::read(values)?,
            client_ca: read_client_ca(values)?,
            trusted_proxies: read_trusted_proxies(values)?,
            requests: RequestSettings::read(values)?,
            cors: CorsSettings::read(values)?,
            store: StoreSettings::read(values)?,
            secrets: SecretSettings::read(values)?,
            key_service: KeyServiceSettings::read(values)?,
            passwords: PasswordSettings::read(values)?,
            hashing: HashingSettings::read(values)?,
            tokens: TokenSettings::read(values)?,
            sessions: SessionSettings::read(values)?,
            keys: KeySettings::read(values)?,
            par_ttl: read_par_ttl(values)?,
            dpop: DpopSettings::read(values)?,
            limits: LimitSettings::read(values)?,
            oidc: OidcSettings::read(values)?,
            tenants: TenantSettings::read(values)?,
            egress: EgressSettings::read(values)?,
            email: EmailSettings::read(values)?,
            mfa: MfaSettings::read(values)?,
            webauthn: WebauthnSettings::read(values)?,
            federation: FederationSettings::read(values)?,
            saml: SamlSettings::read(values)?,
        })
    }
}
