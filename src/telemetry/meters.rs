//! What is counted, and how it is shown to Prometheus.
//!
//! Every label is an enum or a text of the code (a route template, a child's name), never anything a
//! caller sent: the number of series is bounded by the program. Counting is a few atomic steps;
//! what can be read at any time (the tree, the process) is read when somebody asks.

use std::time::Duration;

use actors::supervision::{Observer, TreeView};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::history::{Happening, History, Spot};
use super::process::Process;

mod answered;
mod known;
mod label;

pub use answered::{Answered, Called};
use known::{Kind, Known};
pub use label::{LoginOutcome, MethodLabel, RefreshOutcome};

use label::{
    CallLabels, DoorLabels, LoginLabels, OwnerLabels, RefreshLabels, RequestLabels, RouteLabels,
};

/// Every meter of the process.
pub struct Meters {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<DoorLabels, Gauge>,
    connections: Family<DoorLabels, Gauge>,
    refused_connections: Family<DoorLabels, Counter>,
    logins: Family<LoginLabels, Counter>,
    refreshes: Family<RefreshLabels, Counter>,
    hashing: Histogram,
    hashing_queued: Gauge,
    mail_waiting: Gauge,
    notices_waiting: Gauge,
    breached_failures: Counter,
    lost_lines: Counter,
    owner_depth: Family<OwnerLabels, Gauge>,
    owner_restarts: Family<OwnerLabels, Counter>,
    resident: Gauge,
    descriptors: Gauge,
    history: History,
    known: Known,
}

/// The door whose answers are told of in charts: the one that people and clients wait at.
const PUBLIC: &str = "public";

// === impl Meters ===

impl Meters {
    /// Makes every meter, at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut meters = Self {
            registry: Registry::default(),
            requests: Family::default(),
            calls: Family::default(),
            durations: Family::new_with_constructor(request_histogram),
            in_flight: Family::default(),
            connections: Family::default(),
            refused_connections: Family::default(),
            logins: Family::default(),
            refreshes: Family::default(),
            hashing: Histogram::new(exponential_buckets(0.004, 2.0, 12)),
            hashing_queued: Gauge::default(),
            mail_waiting: Gauge::default(),
            notices_waiting: Gauge::default(),
            breached_failures: Counter::default(),
            lost_lines: Counter::default(),
            owner_depth: Family::default(),
            owner_restarts: Family::default(),
            resident: Gauge::default(),
            descriptors: Gauge::default(),
            history: History::default(),
            known: Known::default(),
        };
        meters.register_doors();
        meters.register_work();
        meters.register_process();
        meters
    }

    /// Counts one answered request.
    pub fn count_request(&self, answered: Answered) {
        let Answered {
            door,
            method,
            route,
            status,
            duration,
            at,
        } = answered;
        if door == PUBLIC {
            self.history.note_answer(at, duration);
        }
        let kind = Kind::new(door, route, method, status);
        self.known.count(kind, duration, || {
            let labels = RequestLabels {
                door,
                method,
                route,
                status: status.as_u16(),
            };
            let answers = self.requests.get_or_create_owned(&labels);
            let route = RouteLabels { door, route };
            (answers, self.durations.get_or_create_owned(&route))
        });
    }

    /// Counts one answered gRPC call.
    pub fn count_call(&self, called: Called) {
        let (door, route, code) = (called.door, called.route, called.code);
        self.calls.get_or_create(&CallLabels { route, code }).inc();
        self.durations
            .get_or_create(&RouteLabels { door, route })
            .observe(called.duration.as_secs_f64());
    }

    /// Gives the gauge of a door's requests in flight.
    #[must_use]
    pub fn in_flight(&self, door: &'static str) -> Gauge {
        self.in_flight.get_or_create_owned(&DoorLabels { door })
    }

    /// Gives the gauge of a door's open connections.
    #[must_use]
    pub fn connections(&self, door: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&DoorLabels { door })
    }

    /// Counts a connection that was closed because there were too many.
    pub fn count_refused_connection(&self, door: &'static str) {
        self.refused_connections
            .get_or_create(&DoorLabels { door })
            .inc();
    }

    /// Counts a sign-in.
    pub fn count_login(&self, spot: Spot, outcome: LoginOutcome) {
        self.logins.get_or_create(&LoginLabels { outcome }).inc();
        self.history.count(spot, outcome.happening());
    }

    /// Counts an access token.
    pub fn count_issued(&self, spot: Spot) {
        self.history.count(spot, Happening::Issued);
    }

    /// Gives what was counted lately.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Counts a refresh.
    pub fn count_refresh(&self, spot: Spot, outcome: RefreshOutcome) {
        if outcome == RefreshOutcome::Reused {
            self.history.count(spot, Happening::Reused);
        }
        self.refreshes
            .get_or_create(&RefreshLabels { outcome })
            .inc();
    }

    /// Notes how many passwords wait for a thread or are being hashed.
    pub fn set_hashing_queued(&self, count: usize) {
        self.hashing_queued.set(to_gauge(count));
    }

    /// Notes how long one password took to hash, without the time it waited.
    pub fn observe_hashing(&self, duration: Duration) {
        self.hashing.observe(duration.as_secs_f64());
    }

    /// Notes how many mails wait to be delivered.
    pub fn set_mail_waiting(&self, count: u64) {
        self.mail_waiting
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Notes how many clients wait to be told that a session ended.
    pub fn set_notices_waiting(&self, count: u64) {
        self.notices_waiting
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a question to the breached-passwords service that got no answer.
    pub fn count_breached_failure(&self) {
        self.breached_failures.inc();
    }

    /// Writes everything in the text format of `OpenMetrics` 1.0, with the tree as it is now.
    #[must_use]
    pub fn render(&self, tree: &Observer) -> String {
        self.read_tree(&tree.observe());
        let process = Process::read();
        self.resident.set(to_gauge(process.resident_bytes));
        self.descriptors.set(to_gauge(process.open_descriptors));
        self.lost_lines.inner().store(
            super::logs::lost_lines(),
            std::sync::atomic::Ordering::Relaxed,
        );
        let mut text = String::with_capacity(16 * 1024);
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }

    fn read_tree(&self, node: &TreeView) {
        let owner = OwnerLabels {
            owner: node.name.clone().into_owned(),
        };
        if let Some(depth) = node.mailbox_depth {
            self.owner_depth.get_or_create(&owner).set(to_gauge(depth));
        }
        self.owner_restarts
            .get_or_create(&owner)
            .inner()
            .store(node.restarts.into(), std::sync::atomic::Ordering::Relaxed);
        for child in &node.children {
            self.read_tree(child);
        }
    }

    fn register_doors(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Requests answered, by route template",
            self.requests.clone(),
        );
        registry.register(
            "grpc_calls",
            "gRPC calls answered, by path and status",
            self.calls.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "From the last header byte to the answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests being answered",
            self.in_flight.clone(),
        );
        registry.register(
            "http_connections",
            "Open connections",
            self.connections.clone(),
        );
        registry.register(
            "http_connections_refused",
            "Connections closed because there were too many",
            self.refused_connections.clone(),
        );
    }

    fn register_work(&mut self) {
        let registry = &mut self.registry;
        registry.register("logins", "Sign-ins, by outcome", self.logins.clone());
        registry.register(
            "refreshes",
            "Presented refresh tokens, by outcome",
            self.refreshes.clone(),
        );
        registry.register_with_unit(
            "password_hashing_duration",
            "Hashing one password, without waiting",
            Unit::Seconds,
            self.hashing.clone(),
        );
        registry.register(
            "password_hashing_queued",
            "Passwords waiting or being hashed",
            self.hashing_queued.clone(),
        );
        registry.register(
            "mail_waiting",
            "Mails waiting to be delivered",
            self.mail_waiting.clone(),
        );
        registry.register(
            "logout_notices_waiting",
            "Clients waiting to be told that a session ended",
            self.notices_waiting.clone(),
        );
        registry.register(
            "breached_passwords_failures",
            "Questions to the breached-passwords service without an answer",
            self.breached_failures.clone(),
        );
        registry.register(
            "log_lines_lost",
            "Log lines dropped because the writer was behind",
            self.lost_lines.clone(),
        );
    }

    fn register_process(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "owner_mailbox_depth",
            "Messages queued or in work",
            self.owner_depth.clone(),
        );
        registry.register(
            "owner_restarts",
            "Restarts since the process began",
            self.owner_restarts.clone(),
        );
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory",
            Unit::Bytes,
            self.resident.clone(),
        );
        registry.register(
            "process_open_fds",
            "Open file descriptors",
            self.descriptors.clone(),
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", build);
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}

/// From half a millisecond to sixteen seconds.
fn request_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

fn to_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
