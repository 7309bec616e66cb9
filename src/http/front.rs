//! The way of every request through an HTTP door, in one place and one order.
//!
//! 1. `arrival`: its id, its deadline, the client's address, the instant.
//! 2. The path is taken as written; the route is looked up (404, 405).
//! 3. The bucket of the client's network (429), also for what 2 refuses.
//! 4. The tenant, from a snapshot (400, 403, 404).
//! 5. Who calls, as the route demands (401, 403).
//! 6. The body, bounded (400, 413, 415), and among all that are being read (503).
//! 7. The endpoint, or what it answered before under the same `Idempotency-Key`. What changes state runs detached: it is done to its end although the client
//!    leaves. A panic is a 500, logged once.
//! 8. The reply gets its id and the headers that every answer has; one line is logged, one request
//!    counted, by the route's template and never by the path.
//!
//! No mailbox is asked before step 7, no store before step 5.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use domain::address::AddressText;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::tenant::Tenant;
use futures_util::FutureExt;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use matchit::InsertError;
use prometheus_client::metrics::gauge::Gauge;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tracing::Instrument;

use super::arrival::{Arrival, X_REQUEST_ID};
use super::body::Accepted;
use super::cors::Cors;
use super::endpoint::{Answer, Call, Endpoint, Visit};
use super::fields::Fields;
use super::hall::Hall;
use super::listener::{Answers, Peer};
use super::page::{error, forgery};
use super::render::{self, Content, Dialect, Reply};
use super::routes::{Behind, Caller, LimitedBy, Route, Work};
use super::table::{Found, Table};
use super::visitor::{self, Visitor};
use super::way::Way;
use super::{body, headers, once};
use crate::flow::Act;
use crate::telemetry::meters::{Answered, MethodLabel};
use crate::telemetry::request::named;

mod ends;

use ends::{note_fault, panic_text, refuse_method, without_content};

/// What answers behind an HTTP door.
pub struct Front {
    name: &'static str,
    hall: Arc<Hall>,
    door: Behind,
    table: Table,
    cors: Option<Cors>,
    in_flight: Gauge,
}

/// What the log line and the meters need to know of a request.
#[derive(Default)]
struct Trail {
    template: Option<&'static str>,
    tenant: Option<Arc<Tenant>>,
    dialect: Dialect,
}

/// A request on its way. It is moved about as a whole, from each step to the next.
type Asked = Box<Request<Incoming>>;

/// What stands for paths that are no route's, and for what CORS answers itself.
const NO_ROUTE: &str = "none";

// === impl Front ===

impl Front {
    /// Makes what answers behind the public door.
    ///
    /// # Errors
    /// If two routes of the table collide.
    pub fn public(hall: Arc<Hall>) -> Result<Self, InsertError> {
        let cors = Cors::new(&hall.flows.settings.cors);
        Self::new("public", Behind::Public, hall, Some(cors))
    }

    /// Makes what answers behind the admin door. No page of another origin may call it.
    ///
    /// # Errors
    /// As [`public`](Self::public).
    pub fn admin(hall: Arc<Hall>) -> Result<Self, InsertError> {
        Self::new("admin", Behind::Admin, hall, None)
    }

    fn new(
        name: &'static str,
        door: Behind,
        hall: Arc<Hall>,
        cors: Option<Cors>,
    ) -> Result<Self, InsertError> {
        Ok(Self {
            name,
            door,
            table: Table::of(door)?,
            in_flight: hall.flows.meters.in_flight(name),
            cors,
            hall,
        })
    }

    /// Lets the request through CORS, where its tenant or the service has listed origins, to its route.
    async fn pass(&self, arrival: &Arrival, trail: &OnceLock<Trail>, request: Asked) -> Reply {
        let mut way = Way::parse(request.uri().path());
        let Some(cors) = self.cors_of(way.as_mut().ok(), &request) else {
            return self.route(arrival, trail, way, request).await;
        };
        let inner = service_fn(async |request| {
            let request = Box::new(request);
            Ok::<_, std::convert::Infallible>(
                self.route(arrival, trail, way.clone(), request).await,
            )
        });
        match Box::pin(cors.layer(inner).oneshot(*request)).await {
            Ok(reply) => reply,
            Err(never) => match never {},
        }
    }

    /// Gives what CORS is for a request. No script of another origin has business with a page (RFC 9700
    /// §2.6); a tenant that the route will refuse is none.
    fn cors_of(&self, way: Option<&mut Way>, request: &Request<Incoming>) -> Option<CorsLayer> {
        let cors = self.cors.as_ref()?;
        let head = (request.uri(), request.headers());
        match way {
            Some(way) if way.dialect == Dialect::Page => None,
            Some(way) => cors.layer_of(way.find_tenant(&self.hall, head).ok().as_deref()),
            None => cors.layer_of(None),
        }
    }

    /// Finds the route and judges what comes of it.
    async fn route(
        &self,
        arrival: &Arrival,
        trail: &OnceLock<Trail>,
        way: Result<Way, Refusal>,
        request: Asked,
    ) -> Reply {
        let mut told = Trail::default();
        let is_page = way.as_ref().is_ok_and(|way| way.dialect == Dialect::Page);
        let languages = request.headers().get(ACCEPT_LANGUAGE).filter(|_| is_page);
        let languages = languages.cloned();
        let result = self.follow(arrival, &mut told, way, request).await;
        let reply = result.unwrap_or_else(|rejection| {
            note_fault(&rejection, arrival);
            if is_page {
                let languages = languages.as_ref();
                return error::render(&self.hall.flows, languages, &rejection, &arrival.shown_id);
            }
            render::rejection(&rejection, told.dialect, &arrival.shown_id)
        });
        // A request goes this way once.
        let _ = trail.set(told);
        reply
    }

    async fn follow(
        &self,
        arrival: &Arrival,
        trail: &mut Trail,
        way: Result<Way, Refusal>,
        request: Asked,
    ) -> Result<Reply, Rejection> {
        let mut way = way.or_else(|malformed| {
            self.check_rate(LimitedBy::Network, arrival)?;
            Err(malformed)
        })?;
        trail.dialect = way.dialect;
        let found = self.table.find(request.method(), &way.path);
        let (route, parameters) = match found {
            Found::Route(route, parameters) => (route, parameters),
            Found::OtherMethods { template, allow } => {
                trail.template = Some(template);
                self.check_rate(LimitedBy::Network, arrival)?;
                return Ok(refuse_method(arrival, trail.dialect, allow));
            }
            Found::Nothing => {
                self.check_rate(LimitedBy::Network, arrival)?;
                return Err(Refusal::new(Code::NotFound, "there is nothing at this path").into());
            }
        };
        trail.template = Some(route.path);
        self.check_rate(route.limited_by, arrival)?;
        let endpoint = match route.endpoint {
            Endpoint::Open(endpoint) => {
                let visit = Visit::new(&self.hall, self.door);
                return self.run(route, arrival, endpoint(visit)).await;
            }
            Endpoint::Act(endpoint) => endpoint,
        };
        let parameter = parameters.id.map(str::to_owned);
        let client = parameters.client.map(str::to_owned);
        let tenant = way.find_tenant(&self.hall, (request.uri(), request.headers()))?;
        trail.tenant = Some(Arc::clone(&tenant));
        let mut act = visitor::enter(&self.hall, arrival, request.headers(), tenant);
        let (parts, body) = request.into_parts();
        let visitor = self.admit(route, &mut act, (&parts, &way.path)).await?;
        let fields = self.read(route, &act, &parts.headers, body).await?;
        let call = Call {
            hall: Arc::clone(&self.hall),
            act,
            visitor,
            path: way.path,
            headers: parts.headers,
            query: parts.uri.query().map(str::to_owned),
            parameter,
            client,
            fields,
        };
        let answer = once::answer(route, endpoint, call)?;
        self.run(route, arrival, answer).await
    }

    /// Authenticates the caller.
    async fn admit(
        &self,
        route: &'static Route,
        act: &mut Act,
        (parts, path): (&Parts, &str),
    ) -> Result<Visitor, Rejection> {
        if route.caller == Caller::Browser {
            Box::pin(forgery::check(parts)).await?;
        }
        // What not every request waits for is boxed.
        match route.caller {
            Caller::Anyone | Caller::Browser => Ok(Visitor::Anyone),
            Caller::Person | Caller::Signing | Caller::Delegate | Caller::Admin => {
                let flows = &self.hall.flows;
                Box::pin(visitor::authenticate(flows, act, route, (parts, path))).await
            }
        }
    }

    /// Reads the body.
    async fn read(
        &self,
        route: &Route,
        act: &Act,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Fields, Rejection> {
        if route.body == Accepted::None {
            return Ok(Fields::of_json(Vec::new(), false));
        }
        let bound = body::Bound {
            max: route.max_body(self.hall.flows.settings.requests.max_body),
            room: &self.hall.room,
        };
        let reading = body::read_fields(route.body, headers, body, bound, route.is_strict());
        Box::pin(act.deadline.bound(reading)).await?
    }

    /// Runs an endpoint to its end or its deadline.
    async fn run(
        &self,
        route: &Route,
        arrival: &Arrival,
        answer: Answer,
    ) -> Result<Reply, Rejection> {
        let answer = AssertUnwindSafe(answer).catch_unwind();
        let outcome = match route.work {
            Work::Attached => arrival.deadline.bound(answer).await?,
            Work::Detached | Work::Once => {
                // Whoever leaves cuts nothing off: the rest then goes on by itself, under the same name.
                let named = named(Arc::clone(&arrival.shown_id), answer.in_current_span());
                let whole = self.hall.tasks.finish(Box::pin(named));
                arrival.deadline.bound(whole).await?
            }
        };
        outcome.unwrap_or_else(|payload| {
            Err(Fault::Broken(format!("a panic: {}", panic_text(&*payload))).into())
        })
    }

    fn check_rate(&self, limited_by: LimitedBy, arrival: &Arrival) -> Result<(), Refusal> {
        if limited_by == LimitedBy::Nothing {
            return Ok(());
        }
        let limits = &self.hall.flows.limits;
        limits.check(arrival.network).map_err(|wait| {
            Refusal::new(Code::RateLimited, "too many requests from this network").retry_after(wait)
        })
    }

    /// Completes the reply, logs and counts it.
    fn finish(&self, arrival: &Arrival, method: &Method, trail: &Trail, mut reply: Reply) -> Reply {
        let template = trail.template.unwrap_or(NO_ROUTE);
        let headers = reply.headers_mut();
        headers::complete(headers, arrival.is_tls);
        headers.insert(&X_REQUEST_ID, arrival.header_id());
        if *method == Method::HEAD {
            reply = without_content(reply);
        }
        let duration = arrival.began.elapsed();
        tracing::info!(
            door = self.name,
            method = method.as_str(),
            route = template,
            status = reply.status().as_u16(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            tenant = trail.tenant.as_ref().map(|tenant| tenant.slug.as_str()),
            client = AddressText::of(arrival.network.address()).as_str(),
            request_id = &*arrival.shown_id,
            "answered"
        );
        self.hall.flows.meters.count_request(Answered {
            door: self.name,
            method: MethodLabel::from(method),
            route: template,
            status: reply.status(),
            duration,
            at: arrival.now,
        });
        reply
    }
}

impl Answers for Front {
    type Body = Content;

    async fn answer(&self, peer: Peer, request: Request<Incoming>) -> Response<Content> {
        self.in_flight.inc();
        let _counted = Counted(&self.in_flight);
        let arrival = Arrival::new(&self.hall.flows, peer, request.headers());
        let method = request.method().clone();
        let span = arrival.span(request.headers());
        let trail = OnceLock::new();
        let reply = {
            let passing = pin!(self.pass(&arrival, &trail, Box::new(request)));
            named(Arc::clone(&arrival.shown_id), passing.instrument(span)).await
        };
        let trail = trail.into_inner().unwrap_or_default();
        self.finish(&arrival, &method, &trail, reply)
    }
}

/// Counts down in whichever way the request ends.
struct Counted<'a>(&'a Gauge);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
