//! The gRPC door (CONTRACT §10). It answers `grpc.health.v1.Health` today; `auth.v1.AuthService`,
//! described in `api/auth.proto`, joins it by its path.
//!
//! The same accept loop as the HTTP doors brings the requests (see [`crate::http::listener`]), so the
//! same bounds and the same end hold here. Health follows readiness: [`GrpcDoor::follow`] asks it
//! every two seconds and whoever watches is told of a change, and of the end: a stream that went on
//! would hold the door open for its whole grace.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower::ServiceExt;

use crate::http::hall::Hall;
use crate::http::listener::{Answers, Peer};

/// How often readiness is asked.
const LOOK: Duration = Duration::from_secs(2);

/// The names under which health is asked: the whole server's, and our own service's.
const HEALTHY: [&str; 2] = ["", "auth.v1.AuthService"];

/// What answers behind the gRPC door.
pub struct GrpcDoor {
    hall: Arc<Hall>,
    health: HealthServer<HealthService>,
    reporter: HealthReporter,
    /// Whether anybody keeps the health in step. Before and after, nothing is known.
    is_followed: AtomicBool,
}

// === impl GrpcDoor ===

impl GrpcDoor {
    /// Makes what answers. There is no answer until [`follow`](Self::follow) has asked.
    #[must_use]
    pub fn new(hall: Arc<Hall>) -> Self {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        Self {
            hall,
            health: HealthServer::new(service),
            reporter,
            is_followed: AtomicBool::new(false),
        }
    }

    /// Keeps the health in step with readiness until it is stopped; then nothing is serving, and
    /// whoever watches is told so and let go.
    pub async fn follow(&self, stop: CancellationToken) {
        while let Some(is_ready) = stop.run_until_cancelled(self.hall.is_ready()).await {
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

impl Answers for GrpcDoor {
    type Body = Body;

    async fn answer(&self, _: Peer, request: Request<Incoming>) -> Response<Body> {
        if is_for(request.uri().path(), HealthServer::<HealthService>::NAME) {
            if !self.is_followed.load(Ordering::Acquire) {
                return Status::unavailable("the service is starting or stopping").into_http();
            }
            match self.health.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        } else {
            Status::unimplemented("there is no such method here").into_http()
        }
    }
}

/// Says whether a path is `/{service}/{method}` of this service.
fn is_for(path: &str, service: &str) -> bool {
    let rest = path
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(service));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_service_it_names() {
        let health = "grpc.health.v1.Health";
        assert!(is_for("/grpc.health.v1.Health/Check", health));
        for path in [
            "/grpc.health.v1.Healthy/Check",
            "/grpc.health.v1.Health",
            "/x",
            "",
        ] {
            assert!(!is_for(path, health), "{path}");
        }
    }
}
