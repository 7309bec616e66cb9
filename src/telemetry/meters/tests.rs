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
