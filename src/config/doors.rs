//! The doors: where the service listens, with TLS or without, and whose word on addresses it takes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::kind::network::{ADDRESS, NETWORKS};
use crate::config::kind::text::PATH;
use crate::config::kind::web::ORIGIN;
use crate::config::kind::{Choice, FLAG, PORT, Parsed, Span, Whole, span, whole};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{Required, Variable, of, variables};

/// Where a door listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorSettings {
    /// The address; `PUBLIC_HOST` (0.0.0.0), `ADMIN_HOST`, `GRPC_HOST` (127.0.0.1).
    pub host: IpAddr,
    /// The TCP port; `PUBLIC_PORT`, `ADMIN_PORT`, `GRPC_PORT` (4000, 4001, 4002). 0 lets the system
    /// choose.
    pub port: u16,
}

/// The certificates of every door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate chain in PEM, leaf first; `TLS_CERT_PATH`.
    pub certificate: PathBuf,
    /// Its private key in PEM; `TLS_KEY_PATH`.
    pub key: PathBuf,
}

/// The bounds of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSettings {
    /// The longest body that is read, in bytes; `REQUEST_MAX_BODY_SIZE`, 1 MiB.
    pub max_body: usize,
    /// How long a request may take, from its last header byte to the answer; `REQUEST_TIMEOUT`, 30 s.
    pub timeout: Duration,
}

/// Names the variables of one door, for the check that doors do not collide.
pub(super) type Door = (
    &'static Variable<Parsed<IpAddr>>,
    &'static Variable<Whole<u16>>,
);

/// Every door.
pub(super) static DOORS: [Door; 3] = [
    (&PUBLIC_HOST, &PUBLIC_PORT),
    (&ADMIN_HOST, &ADMIN_PORT),
    (&GRPC_HOST, &GRPC_PORT),
];

variables! {
    /// Address of the public HTTP door.
    PUBLIC_HOST: Parsed<IpAddr> = of(ADDRESS).or("0.0.0.0");
    /// Port of the public HTTP door. 0 lets the system choose.
    PUBLIC_PORT: Whole<u16> = of(PORT).or("4000");
    /// Address of the admin HTTP door.
    ADMIN_HOST: Parsed<IpAddr> = of(ADDRESS).or("127.0.0.1");
    /// Port of the admin HTTP door. 0 lets the system choose.
    ADMIN_PORT: Whole<u16> = of(PORT).or("4001");
    /// Origin under which operators' browsers reach the admin door: where the console is, and where a
    /// sign-in comes back to. Must be https in staging and production, or this machine.
    ADMIN_URL: Parsed<String> = of(ORIGIN).or_derived("the admin door on this machine", derive_url);
    /// Address of the gRPC door.
    GRPC_HOST: Parsed<IpAddr> = of(ADDRESS).or("127.0.0.1");
    /// Port of the gRPC door. 0 lets the system choose.
    GRPC_PORT: Whole<u16> = of(PORT).or("4002");
    /// Speak TLS 1.3 and 1.2 at every door. The files are read again when they change.
    TLS_ENABLED: Choice<bool> = of(FLAG).or("false");
    /// Certificate chain in PEM, leaf first.
    TLS_CERT_PATH: Parsed<PathBuf> = of(PATH).required(Required::WhenTrue("TLS_ENABLED"));
    /// Private key of the certificate, in PEM.
    TLS_KEY_PATH: Parsed<PathBuf> = of(PATH).required(Required::WhenTrue("TLS_ENABLED"));
    /// Certificate authorities in PEM that vouch for client certificates (mTLS, RFC 8705); read again
    /// when it changes. Certificates are then asked for at every door that speaks TLS, and read from
    /// the header `Client-Cert` of `TRUSTED_PROXIES`, which must remove it from what clients send.
    /// Absent: client certificates are neither asked for nor read.
    TLS_CLIENT_CA_PATH: Parsed<PathBuf> = of(PATH);
    /// Peers whose `Forwarded` and `X-Forwarded-For` headers are believed, and `Client-Cert` with
    /// `TLS_CLIENT_CA_PATH`. Absent: nobody's.
    TRUSTED_PROXIES: Parsed<Vec<IpNet>> = of(NETWORKS);
    /// Longest request body that is read, in bytes; at the public door never more than 65536. All
    /// bodies that are being read share 64 MiB; one that finds no room is answered with 503.
    REQUEST_MAX_BODY_SIZE: Whole<usize> = of(whole(1024, 1 << 30)).or("1048576");
    /// How long a request may take before it is answered with 504.
    REQUEST_TIMEOUT: Span = of(span("100ms", "1h")).or("30s");
}

/// Where a browser on this machine finds the admin door: browsers take `localhost` for secure.
fn derive_url(values: &Values) -> Option<String> {
    let door = DoorSettings::read(values, (&ADMIN_HOST, &ADMIN_PORT)).ok()?;
    let scheme = if values.peek(&TLS_ENABLED)? {
        "https"
    } else {
        "http"
    };
    let host = match door.host {
        here if here.is_loopback() || here.is_unspecified() => "localhost".to_owned(),
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    if door.port == usual {
        return Some(format!("{scheme}://{host}"));
    }
    Some(format!("{scheme}://{host}:{}", door.port))
}

pub(super) fn read_admin_url(values: &Values) -> Result<String, Mistake> {
    values.get(&ADMIN_URL)
}

// === impl DoorSettings ===

impl DoorSettings {
    pub(super) fn read(values: &Values, (host, port): Door) -> Result<Self, Mistake> {
        Ok(Self {
            host: values.get(host)?,
            port: values.get(port)?,
        })
    }

    /// Reads the public, the admin and the gRPC door, in this order.
    pub(super) fn read_all(values: &Values) -> Result<[Self; 3], Mistake> {
        let [public, admin, grpc] = DOORS;
        Ok([
            Self::read(values, public)?,
            Self::read(values, admin)?,
            Self::read(values, grpc)?,
        ])
    }

    /// Says whether two doors cannot be open at once.
    pub(super) fn collides(self, other: Self) -> bool {
        let overlap =
            self.host == other.host || self.host.is_unspecified() || other.host.is_unspecified();
        self.port != 0 && self.port == other.port && overlap
    }
}

// === impl TlsSettings ===

impl TlsSettings {
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        if !values.get(&TLS_ENABLED)? {
            return Ok(None);
        }
        Ok(Some(Self {
            certificate: values.get(&TLS_CERT_PATH)?,
            key: values.get(&TLS_KEY_PATH)?,
        }))
    }
}

// === impl RequestSettings ===

impl RequestSettings {
    pub(super) fn read(values: &Values) -> Result<Self, Mistake> {
        Ok(Self {
            max_body: values.get(&REQUEST_MAX_BODY_SIZE)?,
            timeout: values.get(&REQUEST_TIMEOUT)?,
        })
    }
}

pub(super) fn read_client_ca(values: &Values) -> Result<Option<PathBuf>, Mistake> {
    values.find(&TLS_CLIENT_CA_PATH)
}

pub(super) fn read_trusted_proxies(values: &Values) -> Result<Vec<IpNet>, Mistake> {
    Ok(values.find(&TRUSTED_PROXIES)?.unwrap_or_default())
}
