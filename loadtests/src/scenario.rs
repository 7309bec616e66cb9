//! What is asked: each scenario with its ceiling, in one table.

use std::rc::Rc;

use crate::asker::Asker;
use crate::ceiling::{Ceiling, Work};
use crate::estate::Estate;
use crate::line::{Door, Protocol};

mod bearer;
mod code;
mod documents;
mod grpc;
mod people;
mod proved;
mod tokens;

/// One line of the table.
pub(crate) struct Scenario {
    /// Its name on the command line and in the thresholds.
    pub(crate) name: &'static str,
    /// What each connection repeats.
    pub(crate) about: &'static str,
    /// How the service is spoken to.
    pub(crate) protocol: Protocol,
    /// What it is compared with.
    pub(crate) ceiling: Ceiling,
    /// Whether it can be asked at a constant rate: what has to be prepared cannot.
    pub(crate) is_steady: bool,
    make: fn(&Rc<Estate>, Place) -> Box<dyn Asker>,
}

/// Which connection an asker is on, and what it faces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Its number.
    pub(crate) number: u32,
    /// How many there are.
    pub(crate) of: u32,
    /// Whether it faces a ceiling, for which nothing can be prepared.
    pub(crate) is_ceiling: bool,
}

macro_rules! scenarios {
    ($($name:literal $is_steady:ident [$($ceiling:tt)+] $module:ident::$make:ident $about:literal)+) => {
        vec![$(Scenario {
            name: $name,
            about: $about,
            protocol: Protocol::Http,
            ceiling: ceiling!($($ceiling)+),
            is_steady: is_steady!($is_steady),
            make: $module::$make,
        }),+]
    };
}

macro_rules! is_steady {
    (steady) => {
        true
    };
    (stocked) => {
        false
    };
}

macro_rules! ceiling {
    (none) => {
        Ceiling::None
    };
    (hashes) => {
        Ceiling::Hashes
    };
    (echo) => {
        Ceiling::Echo
    };
    (bare) => {
        Ceiling::Server(Work::default())
    };
    (form $form:literal verify $verify:literal sign $sign:literal) => {
        Ceiling::Server(Work {
            form: $form,
            verifications: $verify,
            signatures: $sign,
        })
    };
}

/// Gives the table for a store. `stocked` scenarios ask with what has to be prepared, between the
/// measured parts.
pub(crate) fn table(is_postgres: bool) -> Vec<Scenario> {
    let mut table = scenarios! {
     // name                 asks    ceiling                                          asker                         about
    "jwks"               steady  [bare]                        documents::jwks               "GET /.well-known/jwks.json"
    "discovery"          steady  [bare]                        documents::discovery          "GET /.well-known/openid-configuration"
    "client_credentials" steady  [form true verify 0 sign 1]   tokens::client_credentials    "POST /oauth/token"
    "refresh"            steady  [form true verify 0 sign 1]   tokens::refresh               "POST /auth/token/refresh, many families"
    "redeem"             stocked [form true verify 0 sign 2]   code::redeem                  "POST /oauth/token with a code"
    "code_flow"          steady  [none]                        code::flow                    "POST /oauth/authorize, POST /oauth/token"
    "introspect"         steady  [bare]                        bearer::introspect_seen       "POST /oauth/introspect, a token seen before"
    "userinfo"           steady  [bare]                        bearer::userinfo_seen         "GET /userinfo, a token seen before"
    "me"                 steady  [bare]                        bearer::me_seen               "GET /auth/me, a token seen before"
    "introspect_first"   stocked [form true verify 1 sign 0]   bearer::introspect_first      "POST /oauth/introspect, each token once"
    "userinfo_first"     stocked [form false verify 1 sign 0]  bearer::userinfo_first        "GET /userinfo, each token once"
    "me_first"           stocked [form false verify 1 sign 0]  bearer::me_first              "GET /auth/me, each token once"
    "login"              steady  [hashes]                      people::login                 "POST /auth/login, many people"
    "register"           steady  [hashes]                      people::register              "POST /auth/register"
    "mixed"              steady  [none]                        people::mixed                 "one sign-in, nine refreshes"
    "dpop"               steady  [form true verify 1 sign 1]   proved::client_credentials    "POST /oauth/token with a DPoP proof"
    "tenants_header"     steady  [form true verify 0 sign 1]   tokens::refresh_by_header     "refresh, X-Tenant-ID, many tenants"
    "tenants_path"       steady  [bare]                        documents::jwks_by_path       "GET /t/{slug}/.well-known/jwks.json, many tenants"
    "grpc_validate"      steady  [echo]                        grpc::validate                "auth.v1.AuthService/ValidateToken, a token seen before"
    "grpc_health"        steady  [echo]                        grpc::health                  "grpc.health.v1.Health/Check"
         };
    for scenario in &mut table {
        match scenario.name {
            "grpc_health" => scenario.protocol = Protocol::Grpc("/grpc.health.v1.Health/Check"),
            "grpc_validate" => {
                scenario.protocol = Protocol::Grpc("/auth.v1.AuthService/ValidateToken");
            }
            _ => {}
        }
        if is_postgres && scenario.name == "refresh" {
            scenario.ceiling = Ceiling::Rows;
        }
    }
    table
}

// === impl Scenario ===

impl Scenario {
    /// Makes an asker for each of so many connections.
    pub(crate) fn askers(
        &self,
        estate: &Rc<Estate>,
        connections: u32,
        is_ceiling: bool,
    ) -> Vec<Box<dyn Asker>> {
        let places = (0..connections).map(|number| Place {
            number,
            of: connections,
            is_ceiling,
        });
        places.map(|place| (self.make)(estate, place)).collect()
    }

    /// Gives the door at which the service answers it.
    pub(crate) fn door(&self, estate: &Estate) -> Door {
        let address = match self.protocol {
            Protocol::Http => &estate.house.public,
            Protocol::Grpc(_) => &estate.house.grpc,
        };
        Door {
            protocol: self.protocol,
            address: address.clone(),
            key: estate.house.key.clone(),
        }
    }
}

/// Goes round the people of one connection: each person is one connection's alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circle {
    next: u32,
    step: u32,
    people: u32,
    first: u32,
}

// === impl Circle ===

impl Circle {
    /// The people of the default tenant.
    pub(crate) fn at_home(estate: &Estate, place: Place) -> Self {
        Self::new(estate, place, 0)
    }

    /// The people of all other tenants.
    pub(crate) fn elsewhere(estate: &Estate, place: Place) -> Self {
        Self::new(estate, place, 1)
    }

    fn new(estate: &Estate, place: Place, parity: u32) -> Self {
        let first = (place.number * 2 + parity) % estate.crowd.people.max(1);
        Self {
            next: first,
            step: place.of * 2,
            people: estate.crowd.people,
            first,
        }
    }

    /// Gives the next person.
    pub(crate) fn next(&mut self) -> u32 {
        let person = self.next;
        let next = person.saturating_add(self.step);
        self.next = if next < self.people { next } else { self.first };
        person
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let table = table(false);
        let names: BTreeSet<_> = table.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), table.len());
    }

    #[test]
    fn a_circle_comes_round_to_its_own_people_alone() {
        let mut circle = Circle {
            next: 2,
            step: 4,
            people: 9,
            first: 2,
        };
        let met: Vec<u32> = (0..4).map(|_| circle.next()).collect();
        assert_eq!(met, [2, 6, 2, 6]);
    }
}
