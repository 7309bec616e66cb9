//! Looking a route up: by path, then by method.

use http::header::ALLOW;
use http::{HeaderValue, Method};
use matchit::{InsertError, Router};

use super::routes::{Behind, ROUTES, Route};

/// The routes of one door.
pub(super) struct Table(Router<Entry>);

/// The routes of one path.
struct Entry {
    template: &'static str,
    routes: Vec<&'static Route>,
    allow: HeaderValue,
}

/// What was found.
pub(super) enum Found<'p> {
    /// A route, and what its path's parameters are.
    Route(&'static Route, Parameters<'p>),
    /// The path, with other methods.
    OtherMethods {
        template: &'static str,
        allow: HeaderValue,
    },
    /// No such path.
    Nothing,
}

/// What stands for the names in braces of a route's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters<'p> {
    /// For `{id}`.
    pub(super) id: Option<&'p str>,
    /// For `{client_id}`, `{session_id}` or `{identity}`.
    pub(super) client: Option<&'p str>,
}

// === impl Table ===

impl Table {
    /// Collects the routes of a door.
    ///
    /// # Errors
    /// If two paths of the table collide; a test builds every door's table.
    pub(super) fn of(door: Behind) -> Result<Self, InsertError> {
        let mut entries: Vec<Entry> = Vec::new();
        let behind = |route: &&Route| route.door == door || route.door == Behind::Both;
        for route in ROUTES.iter().filter(behind) {
            match entries
                .iter_mut()
                .find(|entry| entry.template == route.path)
            {
                Some(entry) => entry.routes.push(route),
                None => entries.push(Entry::new(route)),
            }
        }
        let mut router = Router::new();
        for mut entry in entries {
            entry.allow = entry.allowed();
            router.insert(entry.template, entry)?;
        }
        Ok(Self(router))
    }

    /// Finds a route.
    pub(super) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        let Ok(matched) = self.0.at(path) else {
            return Found::Nothing;
        };
        let entry = matched.value;
        // RFC 9110 §9.3.2: HEAD is GET without the content.
        let wanted = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        match entry.routes.iter().find(|route| route.method == *wanted) {
            Some(route) => {
                let parameters = Parameters {
                    id: matched.params.get("id"),
                    client: matched
                        .params
                        .get("client_id")
                        .or_else(|| matched.params.get("session_id"))
                        .or_else(|| matched.params.get("identity")),
                };
                Found::Route(route, parameters)
            }
            None => Found::OtherMethods {
                template: entry.template,
                allow: entry.allow.clone(),
            },
        }
    }
}

// === impl Entry ===

impl Entry {
    fn new(route: &'static Route) -> Self {
        Self {
            template: route.path,
            routes: vec![route],
            allow: HeaderValue::from_static(""),
        }
    }

    fn allowed(&self) -> HeaderValue {
        let mut words: Vec<&str> = Vec::new();
        for route in &self.routes {
            words.push(route.method.as_str());
            if route.method == Method::GET {
                words.push("HEAD");
            }
        }
        HeaderValue::try_from(words.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The header that a 405 must have (RFC 9110 §15.5.6).
pub(super) const ALLOWED: http::HeaderName = ALLOW;

#[cfg(test)]
mod tests {
    use super::*;

    fn table(door: Behind) -> Table {
        Table::of(door).expect("no two paths collide")
    }

    #[test]
    fn a_route_is_found_by_path_and_method() {
        let table = table(Behind::Public);
        let Found::Route(route, named) = table.find(&Method::DELETE, "/auth/sessions/abc") else {
            panic!("not found");
        };
        assert_eq!((route.path, named.id), ("/auth/sessions/{id}", Some("abc")));
        assert!(matches!(
            table.find(&Method::HEAD, "/health"),
            Found::Route(..)
        ));
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let found = table(Behind::Public);
        let Found::OtherMethods { allow, .. } = found.find(&Method::POST, "/auth/me") else {
            panic!("not 405");
        };
        assert_eq!(allow, "GET, HEAD, PATCH, DELETE");
    }

    #[test]
    fn a_door_knows_its_own_routes_only() {
        let (public, admin) = (table(Behind::Public), table(Behind::Admin));
        for path in [
            "/admin/users",
            "/metrics",
            "/auth/me/",
            "/auth",
            "/AUTH/me",
            "/",
        ] {
            assert!(
                matches!(public.find(&Method::GET, path), Found::Nothing),
                "{path}"
            );
        }
        assert!(matches!(
            admin.find(&Method::POST, "/auth/login"),
            Found::Nothing
        ));
        assert!(matches!(
            admin.find(&Method::GET, "/admin/users"),
            Found::Route(..)
        ));
    }
}
