//! `grpc.health.v1.Health`: it follows readiness.
//!
//! [`Health::follow`] asks every two seconds, and whoever watches is told of a change, and of the end: a
//! stream that went on would hold the door open for its whole grace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::http::hall::Hall;

/// How often readiness is asked.
const LOOK: Duration = Duration::from_secs(2);

/// The names under which health is asked: the whole server's, and our own service's.
const HEALTHY: [&str; 2] = ["", "auth.v1.AuthService"];

/// The service, and what keeps it in step.
pub(super) struct Health {
    server: HealthServer<HealthService>,
    reporter: HealthReporter,
    /// Whether anybody keeps it in step. Before and after, nothing is known.
    is_followed: AtomicBool,
}

// === impl Health ===

impl Health {
    pub(super) fn new() -> Self {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        Self {
            server: HealthServer::new(service),
            reporter,
            is_followed: AtomicBool::new(false),
        }
    }

    /// Gives what answers, while anything is known.
    pub(super) fn server(&self) -> Option<HealthServer<HealthService>> {
        let is_followed = self.is_followed.load(Ordering::Acquire);
        is_followed.then(|| self.server.clone())
    }

    /// Keeps the health in step with readiness until it is stopped; then nothing is serving, and
    /// whoever watches is told so and let go.
    pub(super) async fn follow(&self, hall: &Arc<Hall>, stop: CancellationToken) {
        while let Some(is_ready) = stop.run_until_cancelled(hall.is_ready()).await {
            self.tell(is_ready).await;
            self.is_followed.store(true, Ordering::Release);
            let rest = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            if rest.is_none() {
                break;
            }
        }
        self.is_followed.store(false, Ordering::Release);
        self.tell(false).await;
        let mut reporter = self.reporter.clone();
        for service in HEALTHY {
            reporter.clear_service_status(service).await;
        }
    }

    async fn tell(&self, is_ready: bool) {
        let status = if is_ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for service in HEALTHY {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
