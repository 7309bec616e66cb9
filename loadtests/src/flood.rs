//! A flood of sign-ins, and what everybody else sees of it.
//!
//! Each round asks a few cheap things one after the other while the service is idle, then has a
//! thousand strangers guess a password at the same instant and goes on asking until the last of them
//! is answered. What counts is how the slowest of a hundred answers grew: the median of the rounds.
//!
//! The flood runs on a thread and a runtime of its own, so that what it waits for does not delay the
//! asking. Client, flood and service still share the machine's cores, which makes the ratio worse
//! than it is where clients are elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::flames::Flames;
use crate::numbers::{median, percentile};
use crate::talk::{build, connect, exchange};

mod probe;

use probe::{Kind, Probe};

/// What must go on meanwhile.
const PROBES: [Kind; 4] = [Kind::Health, Kind::Jwks, Kind::Introspect, Kind::Refresh];
/// How often each is asked while nothing else goes on.
const IDLE: usize = 1_000;

/// How long a flood begins: from then on it is hashing, which whoever asks hardly sees.
const FIRST_MOMENT: Duration = Duration::from_millis(200);

/// What a flood is made of.
pub(crate) struct Flood<'a> {
    /// The public door of the service.
    pub(crate) address: &'a str,
    /// Its admin door, where a client is registered that introspects.
    pub(crate) admin: &'a str,
    /// A key that opens it.
    pub(crate) key: &'a str,
    /// How many guess at once.
    pub(crate) strangers: usize,
    /// How often.
    pub(crate) rounds: usize,
    /// Who samples the first moment of each.
    pub(crate) flames: Option<&'a Flames>,
}

/// How everybody else fared, by probe.
pub(crate) struct Outcome(Vec<Line>);

struct Line {
    name: &'static str,
    idle: Duration,
    flooded: Duration,
    /// Of each round.
    ratios: Vec<f64>,
}

/// How long the answers of each probe took, sorted.
type Spans = [Vec<Duration>; PROBES.len()];

/// How many of a flood's answers had which status.
type Counts = BTreeMap<u16, usize>;

// === impl Flood ===

impl Flood<'_> {
    /// Floods the service and watches how everybody else fares.
    ///
    /// # Errors
    /// A sentence when somebody else is refused, when a stranger is answered other than 401, 429 or
    /// 503, or when nobody had to be turned away, so that it was no flood.
    pub(crate) async fn measure(&self) -> Result<Outcome, String> {
        let mut askers = Vec::new();
        for kind in PROBES {
            askers.push(Probe::prepare(kind, self).await?);
        }
        let mut connection = connect(self.address).await?;
        let mut rounds = Vec::new();
        for round in 1..=self.rounds {
            eprintln!("flood: round {round} of {}", self.rounds);
            let mut watch = Watch {
                address: self.address,
                connection: &mut connection,
                askers: &mut askers,
            };
            let idle = watch.ask(|asked| asked < IDLE).await?;
            let flooded = self.flood(round, &mut watch).await?;
            rounds.push((idle, flooded));
        }
        Ok(Outcome::new(&rounds))
    }

    /// Floods the service once, and goes on asking until the last stranger is answered.
    async fn flood(&self, round: usize, watch: &mut Watch<'_>) -> Result<Spans, String> {
        let (sender, mut answered) = oneshot::channel();
        let (address, strangers) = (self.address.to_owned(), self.strangers);
        let mut lit = self.flames.map(Flames::light).transpose()?;
        let begun = Instant::now();
        let flood = thread::Builder::new()
            .name("flood".to_owned())
            .spawn(move || sender.send(block_on_flood(&address, strangers, round)))
            .map_err(|error| format!("no thread for the flood: {error}"))?;
        let mut counts = None;
        let spans = watch.ask(|_| {
            if begun.elapsed() >= FIRST_MOMENT {
                lit = None;
            }
            match answered.try_recv() {
                Err(TryRecvError::Empty) => true,
                Err(TryRecvError::Closed) => false,
                Ok(answers) => {
                    counts = Some(answers);
                    false
                }
            }
        });
        let spans = spans.await?;
        let _ = flood.join();
        let counts = counts.ok_or("the flood broke off")??;
        eprintln!("flood: strangers were answered {counts:?}");
        check(&counts)?;
        Ok(spans)
    }
}

/// Refuses a flood that was none, or that was answered otherwise than promised.
fn check(counts: &Counts) -> Result<(), String> {
    if let Some(odd) = counts
        .keys()
        .find(|status| ![401, 429, 503].contains(*status))
    {
        return Err(format!("a stranger was answered {odd}"));
    }
    if counts.contains_key(&503) {
        Ok(())
    } else {
        Err("nobody was turned away: more strangers, or a shorter HASHING_QUEUE".to_owned())
    }
}

/// Whoever asks meanwhile.
struct Watch<'a> {
    address: &'a str,
    connection: &'a mut SendRequest<Full<Bytes>>,
    askers: &'a mut [Probe],
}

// === impl Watch ===

impl Watch<'_> {
    /// Asks each probe in turn for as long as told, at least once.
    async fn ask(&mut self, mut goes_on: impl FnMut(usize) -> bool) -> Result<Spans, String> {
        let mut spans: Spans = Default::default();
        let mut asked = 0_usize;
        while goes_on(asked) {
            for (asker, spans) in self.askers.iter_mut().zip(&mut spans) {
                let request = asker.request(self.address);
                let begun = Instant::now();
                let (status, body) = exchange(self.connection, request).await?;
                spans.push(begun.elapsed());
                if !status.is_success() {
                    return Err(format!("{} was answered {status}", asker.name()));
                }
                asker.learn(&body);
            }
            asked = asked.saturating_add(1);
        }
        for spans in &mut spans {
            spans.sort_unstable();
        }
        Ok(spans)
    }
}

fn block_on_flood(address: &str, strangers: usize, round: usize) -> Result<Counts, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime for the flood: {error}"))?
        .block_on(flood(address, strangers, round))
}

/// Guesses once for each stranger, all at the same instant, each over a connection of its own and from
/// a network of its own, and counts the answers by status.
async fn flood(address: &str, strangers: usize, round: usize) -> Result<Counts, String> {
    let guesses = (0..strangers).map(|number| guess(address, number, round));
    let mut counts = Counts::new();
    for status in try_join_all(guesses).await? {
        let count = counts.entry(status).or_insert(0);
        *count = count.saturating_add(1);
    }
    Ok(counts)
}

async fn guess(address: &str, number: usize, round: usize) -> Result<u16, String> {
    let body = json!({
        "email": format!("stranger{round}.{}@example.org", number % 200),
        "password": "no such password here",
    });
    let mut request = build("POST", address, "/auth/login", Some(body));
    let network = format!("10.{}.{}.{}", round % 256, number / 250 % 256, number % 250);
    let network = network.parse().map_err(|_| "an address is no header")?;
    request.headers_mut().insert("x-forwarded-for", network);
    let mut connection = connect(address).await?;
    connection
        .ready()
        .await
        .map_err(|error| error.to_string())?;
    let answer = connection
        .send_request(request)
        .await
        .map_err(|error| format!("a stranger was hung up on: {error}"))?;
    let status = answer.status().as_u16();
    if status != 401 && !answer.headers().contains_key("retry-after") {
        return Err(format!("{status} without Retry-After"));
    }
    Ok(status)
}

// === impl Line ===

impl Line {
    /// What the middle round was.
    fn ratio(&self) -> f64 {
        median(self.ratios.iter().copied())
    }
}

// === impl Outcome ===

impl Outcome {
    fn new(rounds: &[(Spans, Spans)]) -> Self {
        let lines = PROBES.iter().enumerate().map(|(place, kind)| {
            let slowest =
                |spans: &Spans| percentile(spans.get(place).map_or(&[], Vec::as_slice), 99);
            let ratios: Vec<f64> = rounds
                .iter()
                .map(|(idle, flooded)| slowest(flooded).as_secs_f64() / slowest(idle).as_secs_f64())
                .collect();
            let middle = |times: Vec<f64>| Duration::from_secs_f64(median(times.into_iter()));
            let over = |spans: Vec<&Spans>| {
                middle(
                    spans
                        .into_iter()
                        .map(|one| slowest(one).as_secs_f64())
                        .collect(),
                )
            };
            Line {
                name: kind.name(),
                idle: over(rounds.iter().map(|(idle, _)| idle).collect()),
                flooded: over(rounds.iter().map(|(_, flooded)| flooded).collect()),
                ratios,
            }
        });
        Self(lines.collect())
    }

    /// Gives the ratios of each probe, one for each round.
    pub(crate) fn ratios(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        self.0
            .iter()
            .map(|line| (line.name, line.ratios.as_slice()))
    }

    /// Refuses an outcome in which somebody was kept waiting longer than `most` times.
    ///
    /// # Errors
    /// A sentence that says whom.
    pub(crate) fn check(&self, most: f64) -> Result<(), String> {
        match self.0.iter().find(|line| line.ratio() > most) {
            None => Ok(()),
            Some(line) => Err(format!(
                "{}: the slowest of a hundred took {:.1} times an idle service's, at most {most} were allowed",
                line.name,
                line.ratio()
            )),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        write!(
            f,
            "flood       p99 idle ms    p99 flooded ms    ratio    worst round"
        )?;
        for line in &self.0 {
            write!(
                f,
                "\n{:<10}{:>13.2}{:>18.2}{:>9.1}{:>15.1}",
                line.name,
                millis(line.idle),
                millis(line.flooded),
                line.ratio(),
                line.ratios.iter().copied().fold(0.0, f64::max)
            )?;
        }
        Ok(())
    }
}
