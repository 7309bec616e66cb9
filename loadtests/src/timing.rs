//! Whether the clock tells who has an account (OWASP ASVS 5.0 §6.3.8).
//!
//! Each endpoint that is asked about an account is asked about some that there are and as many that there
//! are not, in random order and one at a time, each account once. What counts is how well the durations
//! tell the two apart: the area under the curve of Mann and Whitney's test, whichever way round is larger.
//! A half is guessing, one is knowing.
//!
//! Registration is asked of a tenant that does not tell which addresses are taken: the others say so in
//! words.

use std::fmt;
use std::time::{Duration, Instant};

use domain::random::Random;
use http::HeaderValue;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use protocol::entropy::SystemRandom;
use serde_json::{Value, json};

use crate::numbers::median;
use crate::talk::{build, connect, exchange};

/// What is measured, and against what.
pub(crate) struct Timing<'a> {
    /// The public door of the service.
    pub(crate) address: &'a str,
    /// Its admin door.
    pub(crate) admin: &'a str,
    /// A key that opens it.
    pub(crate) key: &'a str,
    /// How many accounts of each kind are asked about.
    pub(crate) samples: usize,
}

/// How well each endpoint keeps it to itself.
pub(crate) struct Outcome(Vec<Line>);

struct Line {
    name: &'static str,
    known: Duration,
    unknown: Duration,
    area: f64,
}

/// What is asked about an account.
#[derive(Debug, Clone, Copy)]
enum Question {
    SignIn,
    Reset,
    PasskeyOptions,
    Register,
}

/// In this order: the last makes accounts of the unknown.
const QUESTIONS: [Question; 4] = [
    Question::SignIn,
    Question::Reset,
    Question::PasskeyOptions,
    Question::Register,
];
const PASSWORD: &str = "a quiet garden in the rain";

// === impl Timing ===

impl Timing<'_> {
    /// Makes the accounts, asks about them, and compares.
    ///
    /// # Errors
    /// A sentence when the service refuses, or answers differently about the two.
    pub(crate) async fn measure(&self) -> Result<Outcome, String> {
        let mut door = connect(self.address).await?;
        for number in 0..self.samples {
            let (status, _) = self
                .ask(&mut door, (Question::Register, true, number))
                .await?;
            if status != 201 {
                return Err(format!("a registration was answered {status}"));
            }
        }
        self.tell_nobody_who_is_there().await?;
        let mut lines = Vec::new();
        for question in QUESTIONS {
            eprintln!("timing: {}", question.name());
            lines.push(self.compare(&mut door, question).await?);
        }
        Ok(Outcome(lines))
    }

    /// Has the tenant answer every registration alike.
    async fn tell_nobody_who_is_there(&self) -> Result<(), String> {
        let body = json!({ "config": { "silent_registration": true } });
        let mut request = build("PATCH", self.admin, "/admin/tenants/default", Some(body));
        let key = HeaderValue::from_str(self.key).map_err(|_| "the key is no header")?;
        request.headers_mut().insert("x-api-key", key);
        let mut door = connect(self.admin).await?;
        let (status, _) = exchange(&mut door, request).await?;
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("the tenant's change was answered {status}"))
        }
    }

    async fn compare(
        &self,
        door: &mut SendRequest<Full<Bytes>>,
        question: Question,
    ) -> Result<Line, String> {
        let both = (0..self.samples).flat_map(|number| [(true, number), (false, number)]);
        let mut order: Vec<(bool, usize)> = both.collect();
        shuffle(&mut order);
        let (mut known, mut unknown, mut status) = (Vec::new(), Vec::new(), None);
        for (is_known, number) in order {
            let begun = Instant::now();
            let answer = self.ask(door, (question, is_known, number)).await?;
            let took = begun.elapsed();
            if *status.get_or_insert(answer.0) != answer.0 {
                let name = question.name();
                return Err(format!("{name} was answered {} and {status:?}", answer.0));
            }
            if is_known {
                known.push(took);
            } else {
                unknown.push(took);
            }
        }
        Ok(Line {
            name: question.name(),
            area: area(&known, &unknown),
            known: middle(&known),
            unknown: middle(&unknown),
        })
    }

    /// Asks about one account, from a network of its own; gives the status.
    async fn ask(
        &self,
        door: &mut SendRequest<Full<Bytes>>,
        (question, is_known, number): (Question, bool, usize),
    ) -> Result<(u16, Bytes), String> {
        let name = if is_known { "known" } else { "nobody" };
        let body = question.body(&format!("{name}{number}@example.org"));
        let mut request = build("POST", self.address, question.path(), Some(body));
        let network = format!(
            "10.{}.{}.{}",
            u8::from(is_known),
            number / 250,
            number % 250
        );
        let network = HeaderValue::from_str(&network).map_err(|_| "an address is no header")?;
        request.headers_mut().insert("x-forwarded-for", network);
        let (status, body) = exchange(door, request).await?;
        Ok((status.as_u16(), body))
    }
}

// === impl Question ===

impl Question {
    const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Reset => "reset",
            Self::PasskeyOptions => "passkey options",
            Self::Register => "register",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/auth/login",
            Self::Reset => "/auth/password/reset",
            Self::PasskeyOptions => "/auth/webauthn/login/begin",
            Self::Register => "/auth/register",
        }
    }

    fn body(self, email: &str) -> Value {
        match self {
            Self::SignIn => json!({ "email": email, "password": "no such password here" }),
            Self::Reset | Self::PasskeyOptions => json!({ "email": email }),
            Self::Register => json!({ "email": email, "password": PASSWORD, "name": "Somebody" }),
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// Refuses an outcome in which some endpoint can be told apart better than `most`.
    ///
    /// # Errors
    /// A sentence that says which.
    pub(crate) fn check(&self, most: f64) -> Result<(), String> {
        match self.0.iter().find(|line| line.area > most) {
            None => Ok(()),
            Some(line) => Err(format!(
                "{}: the clock tells who has an account: area {:.3}, at most {most} is allowed",
                line.name, line.area
            )),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        write!(f, "timing             known ms    unknown ms    area")?;
        for line in &self.0 {
            let (known, unknown) = (millis(line.known), millis(line.unknown));
            write!(
                f,
                "\n{:<16}{known:>11.2}{unknown:>14.2}{:>8.3}",
                line.name, line.area
            )?;
        }
        Ok(())
    }
}

/// How often one of the first takes longer than one of the second, or the other way round: whichever is
/// more often. Equal ones count half.
fn area(first: &[Duration], second: &[Duration]) -> f64 {
    let score = |one: &Duration, other: &Duration| match one.cmp(other) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let pairs = first
        .iter()
        .flat_map(|one| second.iter().map(move |other| score(one, other)));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), score| (sum + score, count + 1.0));
    let area: f64 = if count > 0.0 { sum / count } else { 1.0 };
    area.max(1.0 - area)
}

fn middle(spans: &[Duration]) -> Duration {
    Duration::from_secs_f64(median(spans.iter().map(Duration::as_secs_f64)))
}

/// Fisher and Yates'.
fn shuffle<T>(list: &mut [T]) {
    let random: &dyn Random = &SystemRandom;
    for place in (1..list.len()).rev() {
        let drawn = u64::from_le_bytes(random.array());
        let count = u64::try_from(place).unwrap_or(0).saturating_add(1);
        let other = usize::try_from(drawn % count).unwrap_or(0);
        list.swap(place, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(millis: &[u64]) -> Vec<Duration> {
        millis.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn what_cannot_be_told_apart_has_an_area_of_a_half() {
        let (one, other) = (spans(&[1, 4, 5, 8]), spans(&[2, 3, 6, 7]));
        assert!((area(&one, &other) - 0.5).abs() < 1e-9);
        assert!((area(&one, &one) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn what_can_be_told_apart_has_one_of_one_whichever_is_slower() {
        let (fast, slow) = (spans(&[1, 2, 3]), spans(&[4, 5, 6]));
        assert!((area(&fast, &slow) - 1.0).abs() < 1e-9);
        assert!((area(&slow, &fast) - 1.0).abs() < 1e-9);
        assert!((area(&[], &slow) - 1.0).abs() < 1e-9);
    }
}
