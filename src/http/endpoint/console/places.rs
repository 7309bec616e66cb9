//! Where one may go in the console, and the area of the admin door that each place belongs to.

use domain::rejection::Rejection;

use crate::flow::admin::tenants;
use crate::flow::allowed::{self, Access};
use crate::flow::console::Seated;
use crate::flow::{Act, Flows};
use crate::http::page::sheet::Place;

/// Where the console begins.
pub(super) const ENTRANCE: &str = "/console";

/// The area of which only the default tenant has a place.
const TENANTS: &str = "tenants";

static PLACES: [Place; 9] = [
    place(ENTRANCE, "Overview", "dashboard"),
    place("/console/users", "Users", "users"),
    place("/console/clients", "Clients", "clients"),
    place("/console/apikeys", "API keys", "apikeys"),
    place("/console/roles", "Roles", "rbac"),
    place("/console/tenants", "Tenants", TENANTS),
    place("/console/audit", "Audit trail", "audit"),
    place("/console/keys", "Keys", "keys"),
    place("/console/tree", "Supervision", "actors"),
];

const fn place(path: &'static str, label: &'static str, area: &'static str) -> Place {
    Place { path, label, area }
}

/// Gives the place of an area.
pub(super) fn place_of(area: &str) -> &'static str {
    let found = PLACES.iter().find(|place| place.area == area);
    found.map_or("", |place| place.path)
}

/// Lists where somebody may go.
///
/// # Errors
/// A fault while that is not known.
pub(super) async fn places_of(
    flows: &Flows,
    act: &Act,
    seated: &Seated,
) -> Result<Vec<&'static Place>, Rejection> {
    let mut open = Vec::new();
    let is_open =
        |place: &&Place| place.area != TENANTS || tenants::require_default(flows, act).is_ok();
    for place in PLACES.iter().filter(is_open) {
        let wanted = (place.area, Access::Read);
        match allowed::require_operator(flows, act, &seated.caller, wanted).await {
            Ok(_) => open.push(place),
            Err(Rejection::Refused(_)) => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(open)
}
