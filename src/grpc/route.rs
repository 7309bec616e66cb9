//! What can be called at the gRPC door.

use http::{HeaderMap, Method, Request, Version};

/// One call that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    /// Its path, for logs and metrics.
    pub(super) path: &'static str,
    /// What answers it.
    pub(super) service: Service,
}

/// What answers calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Our own; it asks who calls.
    Auth,
    /// Health: always answered.
    Health,
    /// Reflection.
    Reflection,
    /// Reflection, as older clients ask.
    OldReflection,
}

const ROUTES: [(&str, Service); 8] = [
    ("/auth.v1.AuthService/ValidateToken", Service::Auth),
    ("/auth.v1.AuthService/IntrospectToken", Service::Auth),
    ("/auth.v1.AuthService/GetUser", Service::Auth),
    ("/auth.v1.AuthService/CheckPermission", Service::Auth),
    ("/grpc.health.v1.Health/Check", Service::Health),
    ("/grpc.health.v1.Health/Watch", Service::Health),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Service::Reflection,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Service::OldReflection,
    ),
];

/// Finds what answers a path.
pub(super) fn find(path: &str) -> Option<Route> {
    let found = ROUTES.into_iter().find(|(known, _)| *known == path);
    found.map(|(path, service)| Route { path, service })
}

/// Says whether a request is a call: HTTP/2, `POST`, and of a media type that begins with
/// `application/grpc`.
pub(super) fn is_call<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && is_grpc(request.headers())
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let media = headers.get(http::header::CONTENT_TYPE);
    let media = media.and_then(|value| value.to_str().ok());
    let rest = media.and_then(|media| media.strip_prefix("application/grpc"));
    rest.is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'+' | b';')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is_written() {
        let found = find("/auth.v1.AuthService/GetUser").map(|route| route.service);
        assert_eq!(found, Some(Service::Auth));
        for path in [
            "/auth.v1.AuthService",
            "/auth.v1.AuthService/getUser",
            "/",
            "",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn a_call_is_a_post_of_grpc_over_http_2() {
        let request = |method: Method, media: &str, version| {
            let request = Request::builder().method(method).version(version);
            let request = request.header("content-type", media);
            request.body(()).expect("a request")
        };
        let two = Version::HTTP_2;
        assert!(is_call(&request(Method::POST, "application/grpc", two)));
        assert!(is_call(&request(
            Method::POST,
            "application/grpc+proto",
            two
        )));
        assert!(!is_call(&request(
            Method::POST,
            "application/grpc-web",
            two
        )));
        assert!(!is_call(&request(Method::POST, "application/json", two)));
        assert!(!is_call(&request(Method::GET, "application/grpc", two)));
        assert!(!is_call(&request(
            Method::POST,
            "application/grpc",
            Version::HTTP_11
        )));
    }
}
