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

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::tenant::Tenant;
use futures_util::FutureExt;
use http::header::{ACCEPT_LANGUAGE, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use hyper::body::{Body as _, Incoming};
use matchit::InsertError;
use prometheus_client::metrics::gauge::Gauge;
use tower::{Layer, ServiceExt, service_fn};
use tracing::Instrument;

use super::arrival::{Arrival, X_REQUEST_ID};
use super::cors::Cors;
use super::endpoint::{Answer, Call, Endpoint, Visit};
use super::hall::Hall;
use super::listener::{Answers, Peer};
use super::page::{error, forgery};
use super::path::PlainPath;
use super::render::{self, Content, Dialect, Reply};
use super::routes::{Behind, Caller, LimitedBy, Route, Work, dialect_of};
use super::table::{ALLOWED, Found, Table};
use super::visitor;
use super::{body, headers, once};
use crate::telemetry::meters::{Answered, MethodLabel};

/// What answers behind an HTTP door.
pub struct Front {
    name: &'static str,
    hall: Arc<Hall>,
    door: Behind,
    table: Table,
    cors: Option<Cors>,
    in_flight: Gauge,
}

/// What the log line and the meters need to know of a request; it travels in the reply.
#[derive(Debug, Clone, Default)]
struct Trail {
    template: Option<&'static str>,
    tenant: Option<String>,
    dialect: Dialect,
}

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

    /// Lets the request through CORS, where its tenant or the service has listed origins, to its route. No
    /// script of another origin has business with a page (RFC 9700 §2.6).
    async fn pass(&self, arrival: &Arrival, request: Request<Incoming>) -> Reply {
        let is_page = is_page(request.uri().path());
        let (parts, body) = request.into_parts();
        let cors = self.cors.as_ref().filter(|_| !is_page);
        let cors = cors.and_then(|cors| cors.layer_of(self.tenant_of(&parts).as_deref()));
        let request = Request::from_parts(parts, body);
        let Some(cors) = cors else {
            return self.route(arrival, request).await;
        };
        let inner = service_fn(async |request| {
            Ok::<_, std::convert::Infallible>(self.route(arrival, request).await)
        });
        match cors.layer(inner).oneshot(request).await {
            Ok(reply) => reply,
            Err(never) => match never {},
        }
    }

    /// Finds the tenant for what goes before the route; none where the route refuses it.
    fn tenant_of(&self, request: &Parts) -> Option<Arc<Tenant>> {
        let plain = PlainPath::parse(request.uri.path()).ok()?;
        visitor::find_tenant(&self.hall, request, plain.tenant).ok()
    }

    /// Finds the route and judges what comes of it.
    async fn route(&self, arrival: &Arrival, request: Request<Incoming>) -> Reply {
        let (parts, body) = request.into_parts();
        let mut trail = Trail::default();
        let languages = parts.headers.get(ACCEPT_LANGUAGE).cloned();
        let result = self.follow(arrival, &mut trail, parts, body).await;
        let mut reply = result.unwrap_or_else(|rejection| {
            note_fault(&rejection, arrival);
            if trail.dialect == Dialect::Page {
                let languages = languages.as_ref();
                return error::render(&self.hall.flows, languages, &rejection, &arrival.shown_id);
            }
            render::rejection(&rejection, trail.dialect, &arrival.shown_id)
        });
        reply.extensions_mut().insert(trail);
        reply
    }

    async fn follow(
        &self,
        arrival: &Arrival,
        trail: &mut Trail,
        parts: Parts,
        body: Incoming,
    ) -> Result<Reply, Rejection> {
        let plain = PlainPath::parse(parts.uri.path()).or_else(|malformed| {
            self.check_rate(LimitedBy::Network, arrival)?;
            Err(malformed)
        })?;
        trail.dialect = dialect_of(plain.rest);
        let found = self.table.find(&parts.method, plain.rest);
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
        let act = visitor::enter(&self.hall, arrival, &parts, plain.tenant)?;
        trail.tenant = Some(act.tenant.slug.clone());
        let call = self.prepare(route, act, parts, body).await?;
        let call = Call {
            parameter,
            client,
            ..call
        };
        let answer = once::answer(route, endpoint, call)?;
        self.run(route, arrival, answer).await
    }

    /// Authenticates the caller and reads the body.
    async fn prepare(
        &self,
        route: &'static Route,
        mut act: crate::flow::Act,
        parts: Parts,
        body: Incoming,
    ) -> Result<Call, Rejection> {
        let flows = &self.hall.flows;
        if route.caller == Caller::Browser {
            forgery::check(&parts).await?;
        }
        let path = PlainPath::parse(parts.uri.path())?.rest.to_owned();
        let visitor = visitor::authenticate(flows, &mut act, route, (&parts, &path)).await?;
        let bound = body::Bound {
            max: route.max_body(flows.settings.requests.max_body),
            room: &self.hall.room,
        };
        let reading = body::read_fields(route.body, &parts.headers, body, bound, route.is_strict());
        let fields = act.deadline.bound(reading).await??;
        Ok(Call {
            hall: Arc::clone(&self.hall),
            act,
            visitor,
            path,
            headers: parts.headers,
            query: parts.uri.query().map(str::to_owned),
            parameter: None,
            client: None,
            fields,
        })
    }

    /// Runs an endpoint to its end or its deadline.
    async fn run(
        &self,
        route: &Route,
        arrival: &Arrival,
        answer: Answer,
    ) -> Result<Reply, Rejection> {
        let answer = AssertUnwindSafe(answer).catch_unwind().in_current_span();
        let outcome = match route.work {
            Work::Attached => arrival.deadline.bound(answer).await?,
            Work::Detached | Work::Once => {
                let whole = self.hall.tasks.finish(answer);
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
    fn finish(&self, arrival: &Arrival, method: &Method, mut reply: Reply) -> Reply {
        let trail = reply.extensions_mut().remove::<Trail>().unwrap_or_default();
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
            tenant = trail.tenant.as_deref(),
            client = %arrival.network.address(),
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
        let span = tracing::info_span!("request", id = &*arrival.shown_id);
        arrival.adopt_trace(&span, request.headers());
        let reply = self.pass(&arrival, request).instrument(span).await;
        self.finish(&arrival, &method, reply)
    }
}

/// Counts down in whichever way the request ends.
struct Counted<'a>(&'a Gauge);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Says whether a path is a hosted page's.
fn is_page(path: &str) -> bool {
    PlainPath::parse(path).is_ok_and(|plain| dialect_of(plain.rest) == Dialect::Page)
}

fn refuse_method(arrival: &Arrival, dialect: Dialect, allow: HeaderValue) -> Reply {
    let refusal = Rejection::from(render::no_such_method());
    let mut reply = render::rejection(&refusal, dialect, &arrival.shown_id);
    reply.headers_mut().insert(ALLOWED, allow);
    reply
}

/// RFC 9110 §9.3.2: the same headers, no content.
fn without_content(reply: Reply) -> Reply {
    let (mut parts, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Content::default())
}

/// Logs a fault, once, here where it ends.
fn note_fault(rejection: &Rejection, arrival: &Arrival) {
    let Rejection::Failed(fault) = rejection else {
        return;
    };
    let request_id = &*arrival.shown_id;
    if matches!(fault, Fault::Broken(_)) {
        tracing::error!(%fault, request_id, "a request broke");
    } else {
        tracing::warn!(%fault, request_id, "a request could not be served");
    }
}

/// Gives a panic's text. Our own code panics nowhere, so it is a library's.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> Cow<'static, str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    let owned = || payload.downcast_ref::<String>().cloned();
    text.map(Cow::Borrowed)
        .or_else(|| owned().map(Cow::Owned))
        .unwrap_or(Cow::Borrowed("without a text"))
}
