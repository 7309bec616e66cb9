//! What is known of a request when it arrives: its id, its deadline, where it comes from, when.

use std::net::IpAddr;
use std::sync::Arc;

use actors::deadline::Deadline;
use domain::address::Network;
use domain::id::RequestId;
use domain::time::UnixMillis;
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::client_certificate::ClientCertificate;
use tokio::time::Instant;

use super::client_address::{find_client, is_trusted};
use super::client_certificate::forwarded;
use super::listener::Peer;
use crate::flow::Flows;

mod ids;

pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that a proxy may give a request.
const MAX_ID: usize = 64;

/// A request that has arrived.
pub(crate) struct Arrival {
    /// Its id in the audit trail.
    pub(crate) id: RequestId,
    /// Its id in the answer and in logs: a trusted proxy's, or ours.
    pub(crate) shown_id: Arc<str>,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The network it is counted under.
    pub(crate) network: Network,
    /// When nobody waits for it any more.
    pub(crate) deadline: Deadline,
    /// The present instant.
    pub(crate) now: UnixMillis,
    /// When it began, on the clock that measures spans.
    pub(crate) began: Instant,
    /// The certificate that the client proved to hold.
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
    /// Whether it came over TLS.
    pub(crate) is_tls: bool,
    is_trusted: bool,
}

// === impl Arrival ===

impl Arrival {
    /// Looks at a request that has arrived.
    pub(crate) fn new(flows: &Flows, peer: Peer, headers: &HeaderMap) -> Self {
        let trusted = &flows.settings.trusted_proxies;
        let is_trusted = is_trusted(trusted, peer.address.ip());
        let client = find_client(trusted, peer.address.ip(), headers);
        let (now, began) = (flows.clock.now(), Instant::now());
        let given = headers.get(&X_REQUEST_ID).filter(|_| is_trusted);
        let given = given.and_then(parse_id);
        // An id that is a UUID is kept in the audit trail too, so that both are found by it.
        let id = given.and_then(|text| text.parse().ok());
        let id = id.unwrap_or_else(|| ids::generate(now, flows.random.as_ref()));
        // A proxy's own certificate is not the client's.
        let certificate = if is_trusted {
            let taken = flows.client_authorities.is_some();
            taken.then(|| forwarded(headers)).flatten()
        } else {
            peer.certificate
        };
        Self {
            shown_id: given.map_or_else(|| written(id), Arc::from),
            id,
            client,
            network: Network::of(client),
            deadline: Deadline::since(began, flows.settings.requests.timeout),
            now,
            began,
            certificate,
            is_tls: peer.is_tls,
            is_trusted,
        }
    }

    /// Gives the id as a header.
    pub(crate) fn header_id(&self) -> HeaderValue {
        HeaderValue::from_str(&self.shown_id).unwrap_or(HeaderValue::from_static(""))
    }

    /// Makes its span, a part of the trace that a trusted proxy names; none where nobody listens.
    pub(crate) fn span(&self, headers: &HeaderMap) -> tracing::Span {
        let trusted = self.is_trusted.then_some(headers);
        crate::telemetry::span(&self.shown_id, trusted)
    }
}

/// Reads an id that may be shown and logged as it is.
fn parse_id(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let is_fine = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(fine);
    is_fine.then_some(text)
}

fn written(id: RequestId) -> Arc<str> {
    let mut room = uuid::Uuid::encode_buffer();
    let text: &str = id.as_uuid().hyphenated().encode_lower(&mut room);
    Arc::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        let read = |text: &str| parse_id(&HeaderValue::from_str(text).expect("a header")).is_some();
        assert!(read("abc-1.2_3") && read(&"a".repeat(64)));
        for text in ["", "a b", "a\"b", "a/b", "é", &"a".repeat(65)] {
            assert!(!read(text), "{text}");
        }
    }
}
