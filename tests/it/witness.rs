//! Whoever watches every test: each change that a test made, in whichever case, leaves exactly one audit row, and
//! no row holds a secret of that run.
//!
//! Clients tell here what they asked for and were answered; the row is found by the request's id. When a case is
//! over, its changes are judged against the trail of every tenant of its house. When all cases are over, every
//! line of the route table that changes something must have been seen to succeed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::{LazyLock, Mutex};

use reqwest::{Method, Request};
use serde_json::Value;
use store::port::audit::{AuditFilter, AuditRow};

use crate::client::Answer;
use crate::house::House;

mod otherwise;
mod secrets;

use otherwise::{is_sent_away, rows_of};
pub use secrets::Told;

/// A change that was made.
struct Change {
    route: Route,
    request_id: String,
    /// How many rows it leaves, as it was answered.
    rows: RangeInclusive<usize>,
    /// Whether whoever asked was sent to prove who they are, so that nothing was done.
    is_sent_away: bool,
}

/// A line of the route table: its method and its path.
type Route = (&'static str, &'static str);

/// What is known of one door.
#[derive(Default)]
struct Notes {
    changes: Vec<Change>,
    secrets: BTreeSet<String>,
}

static NOTES: LazyLock<Mutex<HashMap<String, Notes>>> = LazyLock::new(Mutex::default);
static SUCCEEDED: Mutex<BTreeSet<Route>> = Mutex::new(BTreeSet::new());

/// Notes what came of a request.
pub fn note(base: &str, told: Told, answer: &Answer) {
    let mut notes = NOTES.lock().expect("notes");
    let notes = notes.entry(base.to_owned()).or_default();
    let is_success = answer.status.is_success() || answer.status.is_redirection();
    notes.secrets.extend(told.secrets);
    notes.secrets.extend(secrets::answered(answer, is_success));
    // What is answered again was done, and judged, before.
    let is_new = answer.header("idempotency-replayed").is_empty();
    let Some(route) = route_of(&told.method, &told.path).filter(|_| is_success && is_new) else {
        return;
    };
    notes.changes.push(Change {
        route,
        request_id: answer.header("x-request-id").to_owned(),
        rows: rows_of(route, answer),
        is_sent_away: is_sent_away(route, answer),
    });
}

/// Forgets what was told of doors that are now a new house's.
pub fn begin(house: &House) {
    take(house);
}

/// Judges everything that was done in a house.
pub async fn judge(house: &House) {
    let notes = take(house);
    let trail = trail(house).await;
    for row in &trail {
        let found = secrets::found(&row.fields, &notes.secrets);
        assert_eq!(found, None, "a secret is in a row: {row:?}");
    }
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for row in &trail {
        let id = row.fields["request_id"].as_str().unwrap_or_default();
        *counted.entry(id.to_owned()).or_default() += 1;
    }
    let erased = trail
        .iter()
        .any(|row| row.fields["event"] == "tenant.erased");
    for change in &notes.changes {
        let count = counted.get(&change.request_id).copied().unwrap_or(0);
        if erased && count == 0 {
            // What was done in a tenant that is erased went with it.
            continue;
        }
        let (wanted, (method, path)) = (&change.rows, change.route);
        assert!(
            wanted.contains(&count),
            "{method} {path} left {count} rows, not {wanted:?}"
        );
        let is_done = count > 0 || *wanted.end() == 0;
        if is_done && !change.is_sent_away {
            SUCCEEDED.lock().expect("routes").insert(change.route);
        }
    }
}

/// Names every route that changes something and was never seen to succeed.
pub fn unseen() -> Vec<String> {
    let seen = SUCCEEDED.lock().expect("routes");
    let routes = auth_service::http::routes::changing();
    let missing = routes.filter(|route| !seen.contains(route));
    missing
        .map(|(method, path)| format!("{method} {path}"))
        .collect()
}

fn take(house: &House) -> Notes {
    let mut all = NOTES.lock().expect("notes");
    let mut taken = Notes::default();
    for door in [house.public_address(), house.admin_address()] {
        let notes = all.remove(&format!("http://{door}")).unwrap_or_default();
        taken.changes.extend(notes.changes);
        taken.secrets.extend(notes.secrets);
    }
    taken
}

async fn trail(house: &House) -> Vec<AuditRow> {
    let flows = house.running().flows();
    let tenants = flows.checkpoints.load_audited_tenants().await;
    let mut trail = Vec::new();
    for tenant in tenants.expect("the tenants") {
        let mut after = None;
        loop {
            let rows = flows
                .audit
                .read_audit(tenant, AuditFilter::default(), after, 1_000);
            let rows = rows.await.expect("the trail");
            after = rows.last().map(AuditRow::cursor);
            trail.extend(rows);
            if after.is_none() {
                break;
            }
        }
    }
    trail
}

/// Finds the line of the table that changes something at this path; a literal segment fits before a named one.
fn route_of(method: &Method, path: &str) -> Option<Route> {
    let fits = auth_service::http::routes::changing()
        .filter(|(known, template)| *known == method.as_str() && is_of(path, template));
    fits.min_by_key(|(_, template)| template.matches('{').count())
}

fn is_of(path: &str, template: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let rest = path
        .strip_prefix("/t/")
        .and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    let (path, template) = (rest.unwrap_or(path).split('/'), template.split('/'));
    path.clone().count() == template.clone().count()
        && path
            .zip(template)
            .all(|(part, known)| known.starts_with('{') || part == known)
}

impl Told {
    /// Reads a request that is about to be sent.
    pub fn of(request: &Request) -> Self {
        let body = request.body().and_then(|body| body.as_bytes());
        let body = String::from_utf8_lossy(body.unwrap_or_default());
        Self {
            method: request.method().clone(),
            path: request.url().path().to_owned(),
            secrets: secrets::asked(&body),
        }
    }
}

/// Gives every text in a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}
