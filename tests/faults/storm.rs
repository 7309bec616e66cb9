//! Owners that crash again and again: a service that cannot go on ends with status 70, and never says
//! meanwhile or afterwards that it is ready again.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::process::{Site, Store, plain, post};
use crate::trial_of;

/// What a storm may take to use up every restart there is, and the process to end.
const STORM: Duration = Duration::from_mins(1);
/// How long anybody waits for an answer: the kernel still accepts for a door that is gone.
const HURRY: Duration = Duration::from_millis(500);
/// What the service writes when it gives up.
const LAST_WORDS: &str = "the service gives up";

/// The trials of this file.
pub fn trials() -> Vec<Trial> {
    vec![trial_of(
        "a_restart_storm_ends_the_process_with_status_70",
        storm_ends_with_70,
    )]
}

async fn storm_ends_with_70() {
    let site = Site::new(Store::Sqlite, &[("TEST_STORM_OF_ATTEMPTS", "yes")]).await;
    let (process, _) = site.start().await;
    let http = plain().timeout(HURRY).build().expect("a client");
    let status = tokio::select! {
        status = process.exit_status(STORM) => status,
        () = sign_in_for_ever(&site, &http) => unreachable!("it never ends"),
        () = watch(&site, &http) => unreachable!("it never ends"),
    };
    assert_eq!(status, Some(70), "{}", site.log());
    assert!(site.log().contains(LAST_WORDS), "{}", site.log());
    for path in ["/ready", "/readiness", "/liveness"] {
        let answer = site.probe(&http, path).await;
        assert!(
            answer.is_none(),
            "{path} of a process that ended: {answer:?}"
        );
    }
}

/// Has the owner crash; whoever asks is told of an outage or gets no answer, and never a yes.
async fn sign_in_for_ever(site: &Site, http: &reqwest::Client) {
    let login = format!("{}/auth/login", site.public);
    for number in 0_u64.. {
        let body = json!({ "email": format!("a{number}@b.example"), "password": "a wrong one" });
        if let Some((status, body)) = post(http, &login, &body).await {
            assert_eq!(status, 503, "{body}");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Sees that nobody is told that all is well once the service has given up.
async fn watch(site: &Site, http: &reqwest::Client) {
    loop {
        let has_given_up = site.log().contains(LAST_WORDS);
        let answer = site.probe(http, "/ready").await;
        let is_ready = answer.is_some_and(|(status, _)| status == 200);
        assert!(
            !(has_given_up && is_ready),
            "a zombie says that it is ready"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
