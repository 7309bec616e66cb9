//! The gRPC door (CONTRACT §10). It answers `grpc.health.v1.Health` today; `auth.v1.AuthService`,
//! described in `api/auth.proto`, joins it by its path.
//!
//! The same accept loop as the HTTP doors brings the requests (see [`crate::http::listener`]), so the
//! same bounds and the same end hold here. Health follows readiness: [`GrpcDoor::follow`] asks it
//! every two seconds and whoever watches is told of a change.

use std::sync::Arc;
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

/// The name under which our own service's health is asked.
const AUTH_SERVICE: &str = "auth.v1.AuthService";

/// What answers behind the gRPC door.
pub struct GrpcDoor {
    hall: Arc<Hall>,
    health: HealthServer<HealthService>,
    reporter: HealthReporter,
}

// === impl GrpcDoor ===

impl GrpcDoor {
    /// Makes what answers. Nothing is serving until [`follow`](Self::follow) has asked.
    #[must_use]
    pub fn new(hall: Arc<Hall>) -> Self {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        Self {
            hall,
            health: HealthServer::new(service),
            reporter,
        }
    }

    /// Keeps the health in step with readiness until it is stopped; then nothing is serving.
    pub async fn follow(&self, stop: CancellationToken) {
        loop {
            let is_ready = stop.run_until_cancelled(self.hall.is_ready()).await;
            self.tell(is_ready.unwrap_or_default()).await;
            let rest = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            if rest.is_none() {
                return self.tell(false).await;
            }
        }
    }

    async fn tell(&self, is_ready: bool) {
        let status = if is_ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        self.reporter.set_service_status("", status).await;
        self.reporter.set_service_status(AUTH_SERVICE, status).await;
    }
}

impl Answers for GrpcDoor {
    type Body = Body;

    async fn answer(&self, _: Peer, request: Request<Incoming>) -> Response<Body> {
        if is_for(request.uri().path(), HealthServer::<HealthService>::NAME) {
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
