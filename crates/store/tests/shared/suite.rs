//! The claims that hold on every backend.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::time::{ManualClock, UnixMillis};
use libtest_mimic::Trial;
use store::memory::Memory;
use store::port::shared::SharedState;
use store::redis::Redis;
use tokio::task::JoinSet;

use crate::server::{Server, options};
use crate::{Verdict, hold, trial};

/// How often something that must come true is looked at before the claim fails.
const LOOKS: u32 = 500;

/// How far time goes between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A window longer than any trial.
const LONG: Duration = Duration::from_mins(10);

/// A window that a trial outlasts.
const SHORT: Duration = Duration::from_millis(300);

/// One backend under judgement, and how its time passes.
pub(crate) struct Backend {
    shared: SharedState,
    clock: Option<Arc<ManualClock>>,
    name: &'static str,
    /// Keeps apart what trials on one server write.
    prefix: String,
}

type Claim = fn(Backend) -> Pin<Box<dyn Future<Output = Verdict> + Send>>;

macro_rules! claims {
    ($($name:ident),* $(,)?) => {
        const CLAIMS: &[(&str, Claim)] = &[$((stringify!($name), |backend| Box::pin($name(backend)))),*];
    };
}

claims![
    each_of_100_concurrent_callers_is_counted_once,
    a_window_ends_and_the_next_count_opens_another,
    counting_again_does_not_lengthen_the_window,
    peeking_does_not_count,
    a_forgotten_count_begins_anew,
    exactly_one_of_50_claims_succeeds,
    an_ended_claim_may_be_made_again,
    a_count_and_a_claim_of_one_name_do_not_touch,
    keys_of_any_text_are_kept_apart,
    the_backend_is_healthy_and_names_itself,
];

/// Makes a trial of each claim on a backend made by `make`.
pub(crate) fn trials<M>(name: &'static str, make: M) -> Vec<Trial>
where
    M: Fn() -> Result<Backend, String> + Clone + Send + 'static,
{
    CLAIMS
        .iter()
        .map(|(claim_name, claim)| {
            let make = make.clone();
            trial(format!("{name}::{claim_name}"), async move || {
                let backend = make()?;
                backend.until_ready().await?;
                claim(backend).await
            })
        })
        .collect()
}

// === impl Backend ===

impl Backend {
    pub(crate) fn memory() -> Self {
        let clock = Arc::new(ManualClock::new(UnixMillis::from_seconds(1_700_000_000)));
        Self {
            shared: Arc::new(Memory::new(Arc::<ManualClock>::clone(&clock))),
            clock: Some(clock),
            name: "memory",
            prefix: String::new(),
        }
    }

    pub(crate) fn redis(address: &str) -> Result<Self, String> {
        let (host, port) = address
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .ok_or("TEST_REDIS must be host:port")?;
        let mut options = options(port);
        host.clone_into(&mut options.host);
        let redis = Redis::connect(&options).map_err(|fault| fault.to_string())?;
        Ok(Self::on(redis))
    }

    /// A cluster of one node, which alone owns every slot; started if it is not running yet.
    pub(crate) fn cluster(server: &OnceLock<Result<Server, String>>) -> Result<Self, String> {
        let server = server.get_or_init(Server::start_cluster).as_ref()?;
        let mut options = options(server.port());
        options.cluster = true;
        let redis = Redis::connect(&options).map_err(|fault| fault.to_string())?;
        Ok(Self::on(redis))
    }

    fn on(redis: Redis) -> Self {
        Self {
            shared: Arc::new(redis),
            clock: None,
            name: "redis",
            prefix: format!("test:{}:", uuid::Uuid::new_v4()),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Lets a little time pass.
    async fn wait(&self) {
        match &self.clock {
            Some(clock) => clock.advance(BETWEEN_LOOKS),
            None => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }

    /// Waits until the backend answers a write: a cluster takes a moment to find itself whole.
    async fn until_ready(&self) -> Verdict {
        for _ in 0..LOOKS {
            if self.shared.forget(self.key("ready")).await.is_ok() {
                return Ok(());
            }
            self.wait().await;
        }
        hold(false, "the backend does not become ready")
    }
}

// === the claims ===

async fn each_of_100_concurrent_callers_is_counted_once(backend: Backend) -> Verdict {
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (shared, key) = (Arc::clone(&backend.shared), backend.key("hundred"));
        callers.spawn(async move { shared.count(key, LONG).await });
    }
    let mut counts = BTreeSet::new();
    for answer in callers.join_all().await {
        let (count, left) = answer?;
        hold(left <= LONG, "more is left than the whole window")?;
        counts.insert(count);
    }
    hold(counts.into_iter().eq(1..=100), "the counts are not 1..=100")
}

async fn a_window_ends_and_the_next_count_opens_another(backend: Backend) -> Verdict {
    let key = backend.key("window");
    backend.shared.count(key.clone(), SHORT).await?;
    for _ in 0..LOOKS {
        if backend.shared.peek(key.clone()).await? == (0, Duration::ZERO) {
            let (count, left) = backend.shared.count(key, LONG).await?;
            return hold(count == 1 && left > SHORT, "no new window was opened");
        }
        backend.wait().await;
    }
    hold(false, "the window does not end")
}

async fn counting_again_does_not_lengthen_the_window(backend: Backend) -> Verdict {
    let key = backend.key("lengthen");
    backend.shared.count(key.clone(), SHORT).await?;
    for _ in 0..LOOKS {
        // Each look is itself a count; a window that each count lengthened would never end.
        if backend.shared.count(key.clone(), SHORT).await?.0 == 1 {
            return Ok(());
        }
        backend.wait().await;
    }
    hold(false, "the window does not end while it is counted in")
}

async fn peeking_does_not_count(backend: Backend) -> Verdict {
    let key = backend.key("peek");
    let nothing = backend.shared.peek(key.clone()).await?;
    hold(nothing == (0, Duration::ZERO), "an unseen key has a count")?;
    backend.shared.count(key.clone(), LONG).await?;
    backend.shared.count(key.clone(), LONG).await?;
    for _ in 0..3 {
        let (count, left) = backend.shared.peek(key.clone()).await?;
        hold(count == 2, "peeking changed the count")?;
        hold(left > SHORT && left <= LONG, "what is left is wrong")?;
    }
    hold(
        backend.shared.count(key, LONG).await?.0 == 3,
        "peeking changed what is counted next",
    )
}

async fn a_forgotten_count_begins_anew(backend: Backend) -> Verdict {
    let (key, other) = (backend.key("forget"), backend.key("keep"));
    for key in [&key, &key, &other] {
        backend.shared.count(key.clone(), LONG).await?;
    }
    backend.shared.forget(key.clone()).await?;
    backend.shared.forget(key.clone()).await?;
    let forgotten = backend.shared.peek(key.clone()).await?;
    hold(forgotten == (0, Duration::ZERO), "the count is still there")?;
    let (count, _) = backend.shared.count(key, LONG).await?;
    hold(count == 1, "the count did not begin anew")?;
    hold(
        backend.shared.peek(other).await?.0 == 1,
        "another key was forgotten too",
    )
}

async fn exactly_one_of_50_claims_succeeds(backend: Backend) -> Verdict {
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (shared, key) = (Arc::clone(&backend.shared), backend.key("claim"));
        callers.spawn(async move { shared.claim(key, LONG).await });
    }
    let mut winners = 0;
    for answer in callers.join_all().await {
        winners += u32::from(answer?);
    }
    hold(winners == 1, format!("{winners} callers hold one claim"))
}

async fn an_ended_claim_may_be_made_again(backend: Backend) -> Verdict {
    let key = backend.key("again");
    let first = backend.shared.claim(key.clone(), SHORT).await?;
    hold(first, "the first claim was refused")?;
    for _ in 0..LOOKS {
        if backend.shared.claim(key.clone(), LONG).await? {
            return hold(
                !backend.shared.claim(key, LONG).await?,
                "the second claim does not hold",
            );
        }
        backend.wait().await;
    }
    hold(false, "the claim does not end")
}

async fn a_count_and_a_claim_of_one_name_do_not_touch(backend: Backend) -> Verdict {
    let key = backend.key("both");
    backend.shared.count(key.clone(), LONG).await?;
    let claimed = backend.shared.claim(key.clone(), LONG).await?;
    hold(claimed, "a count stands in a claim's way")?;
    hold(
        backend.shared.peek(key.clone()).await?.0 == 1,
        "a claim was counted",
    )?;
    backend.shared.forget(key.clone()).await?;
    hold(
        !backend.shared.claim(key, LONG).await?,
        "forgetting a count gave up a claim",
    )
}

async fn keys_of_any_text_are_kept_apart(backend: Backend) -> Verdict {
    let keys = [
        "", " ", "{", "}", "{}", "}{", "a{b}c", "a{b}d", "a\0b", "a\r\nb", "ä", "a*", "A", "a",
    ];
    for key in keys {
        let (count, _) = backend.shared.count(backend.key(key), LONG).await?;
        hold(count == 1, format!("{key:?} is taken for another key"))?;
    }
    let long = backend.key(&"k".repeat(10_000));
    hold(
        backend.shared.count(long, LONG).await?.0 == 1,
        "a long key is not counted",
    )
}

async fn the_backend_is_healthy_and_names_itself(backend: Backend) -> Verdict {
    backend.shared.check().await?;
    hold(backend.shared.name() == backend.name, "it has a wrong name")
}
