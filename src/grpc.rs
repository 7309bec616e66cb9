//! The gRPC door (CONTRACT §10): `auth.v1.AuthService`, described in `api/auth.proto`, and beside it the
//! standard services for health and reflection.
//!
//! The same accept loop as the HTTP doors brings the requests (see [`crate::http::listener`]), so the
//! same TLS, the same bounds and the same end hold here. A call goes the way of every HTTP request:
//!
//! 1. Its id, its deadline (`grpc-timeout`, and `REQUEST_TIMEOUT` at most), the client's address.
//! 2. The bucket of the client's network; health is always answered.
//! 3. The tenant, from a snapshot; who calls; the message, bounded.
//! 4. Its flow ([`crate::flow::inquiry`]). Nothing here changes anything, so it ends with its caller.
//! 5. The answer gets its id; one line is logged, one call counted.
//!
//! `status` is the one place that turns a rejection into a gRPC status.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use domain::address::AddressText;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt;
use tracing::Instrument;

use crate::flow::caller;
use crate::http::arrival::{Arrival, X_REQUEST_ID};
use crate::http::body::{Bound, read_message};
use crate::http::hall::Hall;
use crate::http::listener::{Answers, Peer};
use crate::http::routes::PUBLIC_BODY;
use crate::http::{credential, visitor};
use crate::telemetry::meters::Called;
use crate::telemetry::request::named;

mod deadline;
mod health;
mod reflection;
mod route;
mod service;
mod status;
mod view;
pub mod wire;

use health::Health;
use reflection::Reflection;
use route::{Route, find, is_call};
use service::{Service, Visit};
use status::refuse;
use wire::auth_service_server::AuthServiceServer;

/// What logs and metrics call the door.
const DOOR: &str = "grpc";
/// What stands for paths that are no call's.
const NO_ROUTE: &str = "none";

/// What answers behind the gRPC door.
pub struct GrpcDoor {
    hall: Arc<Hall>,
    service: Arc<Service>,
    health: Health,
    reflection: Reflection,
}

// === impl GrpcDoor ===

impl GrpcDoor {
    /// Makes what answers. There is no health until [`follow`](Self::follow) has asked.
    ///
    /// # Errors
    /// If what describes the contract cannot be read.
    pub fn new(hall: Arc<Hall>) -> Result<Self, tonic_reflection::server::Error> {
        Ok(Self {
            service: Arc::new(Service(Arc::clone(hall.flows()))),
            health: Health::new(),
            reflection: Reflection::new()?,
            hall,
        })
    }

    /// Keeps the health in step with readiness until it is stopped.
    pub async fn follow(&self, stop: CancellationToken) {
        self.health.follow(&self.hall, stop).await;
    }

    /// Finds what answers and judges what comes of it.
    async fn pass(
        &self,
        arrival: &mut Arrival,
        route: Option<Route>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let answered = self.lead(arrival, route, request).await;
        // Our calls change nothing, so an answer that came too late is none (gRPC, "Deadlines").
        let is_ours = route.is_some_and(|route| route.service == route::Service::Auth);
        let answered = if is_ours && arrival.deadline.remaining().is_zero() {
            Err(Fault::Late.into())
        } else {
            answered
        };
        answered.unwrap_or_else(|rejection| refuse(&rejection, &arrival.shown_id).into_http())
    }

    async fn lead(
        &self,
        arrival: &mut Arrival,
        route: Option<Route>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Rejection> {
        if let Some(span) = deadline::read(request.headers())? {
            arrival.deadline = arrival.deadline.at_most(span);
        }
        if arrival.deadline.remaining().is_zero() {
            return Err(Fault::Late.into());
        }
        if route.is_none_or(|route| route.service != route::Service::Health) {
            self.check_rate(arrival)?;
        }
        let Some(route) = route else {
            return Ok(Status::unimplemented("there is no such method here").into_http());
        };
        match route.service {
            route::Service::Auth => self.serve(arrival, route, request).await,
            route::Service::Health => Ok(self.tell_health(request).await),
            route::Service::Reflection | route::Service::OldReflection => {
                let is_older = route.service == route::Service::OldReflection;
                let end = arrival.deadline.instant();
                Ok(self.reflection.answer(is_older, request, end).await)
            }
        }
    }

    async fn tell_health(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(server) = self.health.server() else {
            return Status::unavailable("the service is starting or stopping").into_http();
        };
        match server.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Answers a call of our own service, once it is known who calls.
    async fn serve(
        &self,
        arrival: &Arrival,
        route: Route,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Rejection> {
        let (mut parts, body) = request.into_parts();
        let tenant = visitor::find_tenant(&self.hall, (&parts.uri, &parts.headers), None)?;
        let mut act = visitor::enter(&self.hall, arrival, &parts.headers, tenant);
        let presented = credential::read(&parts.headers, "POST", route.path)?;
        let flows = self.hall.flows();
        let known = caller::authenticate(flows, &act, presented);
        let caller = arrival.deadline.bound(known).await??;
        act.origin.actor = caller.actor();
        let bound = Bound {
            max: flows.settings.requests.max_body.min(PUBLIC_BODY),
            room: self.hall.room(),
        };
        let bytes = arrival.deadline.bound(read_message(body, bound)).await??;
        parts.extensions.insert(Visit {
            act,
            caller,
            request_id: arrival.shown_id.to_string(),
        });
        let request = Request::from_parts(parts, Body::new(Full::new(Bytes::from(bytes))));
        let server = AuthServiceServer::from_arc(Arc::clone(&self.service));
        let answer = AssertUnwindSafe(server.oneshot(request)).catch_unwind();
        match arrival.deadline.bound(answer).await? {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(never)) => match never {},
            Err(_) => Err(Fault::Broken("a panic in a call".to_owned()).into()),
        }
    }

    fn check_rate(&self, arrival: &Arrival) -> Result<(), Refusal> {
        let checked = self.hall.flows().limits.check(arrival.network);
        checked.map_err(|wait| {
            Refusal::new(Code::RateLimited, "too many requests from this network").retry_after(wait)
        })
    }

    /// Completes the answer, logs and counts it.
    fn finish(&self, arrival: &Arrival, route: &'static str, answer: &mut Response<Body>) {
        let code = Status::from_header_map(answer.headers()).map_or(tonic::Code::Ok, |s| s.code());
        let headers = answer.headers_mut();
        headers.insert(&X_REQUEST_ID, arrival.header_id());
        let duration = arrival.began.elapsed();
        tracing::info!(
            door = DOOR,
            route,
            code = i32::from(code),
            duration_ms = duration.as_secs_f64() * 1000.0,
            client = AddressText::of(arrival.network.address()).as_str(),
            request_id = &*arrival.shown_id,
            "answered"
        );
        self.hall.flows().meters.count_call(Called {
            door: DOOR,
            route,
            code: i32::from(code),
            duration,
        });
    }
}

impl Answers for GrpcDoor {
    type Body = Body;

    async fn answer(&self, peer: Peer, request: Request<Incoming>) -> Response<Body> {
        let mut arrival = Arrival::new(self.hall.flows(), peer, request.headers());
        let route = find(request.uri().path());
        let span = arrival.span(request.headers());
        let mut answer = if is_call(&request) {
            let id = Arc::clone(&arrival.shown_id);
            let passed = pin!(self.pass(&mut arrival, route, request));
            named(id, passed.instrument(span)).await
        } else {
            no_call()
        };
        let path = route.map_or(NO_ROUTE, |route| route.path);
        self.finish(&arrival, path, &mut answer);
        answer
    }
}

/// Answers what speaks no gRPC (gRPC over HTTP/2, "Content-Type").
fn no_call() -> Response<Body> {
    let mut answer = Status::internal("this door speaks gRPC").into_http();
    *answer.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    answer
}
