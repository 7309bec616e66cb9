//! What is counted, as it is shown.

use domain::id::TenantId;
use domain::random::Counting;
use domain::time::UnixMillis;
use http::{Method, StatusCode};

use super::*;

fn render(meters: &Meters) -> String {
    let mut text = String::new();
    encode(&mut text, &meters.registry).expect("a string takes everything");
    text
}

#[test]
fn a_request_is_counted_by_its_template() {
    let meters = Meters::new();
    meters.count_request(Answered {
        door: "public",
        method: MethodLabel::from(&Method::POST),
        route: "/auth/login",
        status: StatusCode::OK,
        duration: Duration::from_millis(3),
        at: UnixMillis::default(),
    });
    let text = render(&meters);
    let line =
        r#"http_requests_total{door="public",method="POST",route="/auth/login",status="200"} 1"#;
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("http_request_duration_seconds_bucket"),
        "{text}"
    );
}

#[test]
fn answers_are_told_apart_by_their_words_wherever_those_stand() {
    let meters = Meters::new();
    let count = |route, method: &Method, status| {
        meters.count_request(Answered {
            door: "public",
            method: MethodLabel::from(method),
            route,
            status,
            duration: Duration::from_millis(3),
            at: UnixMillis::default(),
        });
    };
    let elsewhere: &'static str = Box::leak("/auth/login".to_owned().into_boxed_str());
    count("/auth/login", &Method::POST, StatusCode::OK);
    count("/auth/login", &Method::POST, StatusCode::OK);
    count(elsewhere, &Method::POST, StatusCode::OK);
    count(elsewhere, &Method::POST, StatusCode::UNAUTHORIZED);
    count("/auth/login", &Method::GET, StatusCode::OK);
    count("/auth", &Method::POST, StatusCode::OK);
    let text = render(&meters);
    for (method, route, status, times) in [
        ("POST", "/auth/login", 200, 3),
        ("POST", "/auth/login", 401, 1),
        ("GET", "/auth/login", 200, 1),
        ("POST", "/auth", 200, 1),
    ] {
        let labels = format!(
            r#"http_requests_total{{door="public",method="{method}",route="{route}",status="{status}"}} {times}"#
        );
        assert!(text.contains(&labels), "{labels}: {text}");
    }
    let whole = r#"http_request_duration_seconds_count{door="public",route="/auth/login"} 5"#;
    assert!(text.contains(whole), "{text}");
}

#[test]
fn outcomes_are_counted_apart() {
    let meters = Meters::new();
    let spot = Spot {
        tenant: TenantId::generate(UnixMillis::default(), &Counting::default()),
        at: UnixMillis::default(),
    };
    meters.count_login(spot, LoginOutcome::Refused);
    meters.count_login(spot, LoginOutcome::Refused);
    meters.count_refresh(spot, RefreshOutcome::Rotated);
    let text = render(&meters);
    assert!(
        text.contains(r#"logins_total{outcome="Refused"} 2"#),
        "{text}"
    );
    assert!(
        text.contains(r#"refreshes_total{outcome="Rotated"} 1"#),
        "{text}"
    );
}
