//! Asking a service whether a password is known from a breach, without telling it the password.
//!
//! By k-anonymity: the service is told five hexadecimal digits of the password's SHA-1 and answers
//! with every known hash that begins with them, padded so that the answer's length tells nothing
//! either. It fails open: a service that does not answer within a second, or answers nonsense, stops
//! nobody from choosing a password; it is counted and logged. The built-in list is asked in any case.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actors::deadline::Deadline;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use domain::secret::SecretText;
use moka::sync::Cache;
use protocol::password::normalize;
use reqwest::redirect::Policy;
use url::Url;
use zeroize::Zeroizing;

use crate::telemetry::meters::Meters;

/// How long the service may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many answers are remembered, about 35 KB each.
const REMEMBERED: u64 = 64;
/// For how long.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
/// The longest answer that is read; the service's are about 40 KB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How many digits the service is told.
const TOLD_DIGITS: usize = 5;

/// A service that knows breached passwords. Clones share what is remembered.
#[derive(Clone)]
pub struct BreachedPasswords {
    http: reqwest::Client,
    url: Url,
    remembered: Cache<String, Arc<str>>,
    meters: Arc<Meters>,
}

/// Why there is no answer; for the log.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the service could not be asked: {}", .0)]
    Http(#[from] reqwest::Error),
    #[error("the answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("the answer is no text")]
    NoText,
}

// === impl BreachedPasswords ===

impl BreachedPasswords {
    /// Takes the service's base URL (`BREACHED_PASSWORDS_API_URL`).
    ///
    /// # Errors
    /// When the HTTP client cannot be made: no TLS provider is installed.
    pub fn new(url: Url, meters: Arc<Meters>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()?;
        let remembered = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(REMEMBERED_FOR)
            .build();
        Ok(Self {
            http,
            url,
            remembered,
            meters,
        })
    }

    /// Says whether the service knows the password. False when it does not answer.
    ///
    /// # Cancel safety
    /// Changes nothing but what is remembered.
    pub async fn contains(&self, password: &SecretText, deadline: Deadline) -> bool {
        let digits = sha1_digits(password);
        let Some((told, kept)) = digits.split_at_checked(TOLD_DIGITS) else {
            return false;
        };
        if let Some(answer) = self.remembered.get(told) {
            return lists(&answer, kept);
        }
        match deadline.bound(self.ask(told)).await {
            Ok(Ok(answer)) => {
                let listed = lists(&answer, kept);
                self.remembered.insert(told.to_owned(), answer.into());
                listed
            }
            Ok(Err(error)) => {
                self.meters.count_breached_failure();
                tracing::warn!(%error, "a password was not looked up among breached ones");
                false
            }
            Err(_) => false,
        }
    }

    async fn ask(&self, told: &str) -> Result<String, NoAnswer> {
        let base = self.url.as_str().trim_end_matches('/');
        let request = self
            .http
            .get(format!("{base}/range/{told}"))
            .header("Add-Padding", "true");
        // The error's own text may hold the URL and with it the five digits.
        let mut response = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(reqwest::Error::without_url)?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)?
        {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(NoAnswer::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| NoAnswer::NoText)
    }
}

/// Gives the password's SHA-1 in upper-case hexadecimal digits, as the service writes them.
fn sha1_digits(password: &SecretText) -> Zeroizing<String> {
    let password = normalize(password);
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
    let mut digits = Zeroizing::new(String::with_capacity(40));
    for byte in sum.as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02X}");
    }
    digits
}

/// Reads an answer: lines of `SUFFIX:COUNT`; padding lines have a count of 0 and do not count.
fn lists(answer: &str, kept: &str) -> bool {
    answer.lines().any(|line| {
        line.trim_end()
            .split_once(':')
            .is_some_and(|(suffix, count)| suffix.eq_ignore_ascii_case(kept) && count != "0")
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_digits_are_those_of_the_sha_1_of_the_password() {
        let digits = sha1_digits(&SecretText::new("password".to_owned()));
        assert_eq!(digits.as_str(), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    }

    #[test]
    fn a_listed_suffix_is_found_and_padding_is_not() {
        let answer = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\r\n\
                      0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n";
        assert!(lists(answer, "1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
        assert!(!lists(answer, "0018A45C4D1DEF81644B54AB7F969B88D65"));
        assert!(!lists(answer, "00000000000000000000000000000000000"));
    }

    #[test]
    fn nonsense_lists_nothing() {
        for answer in ["", "<html>", ":", "ABC", "\0\0:\0"] {
            assert!(!lists(answer, "1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
        }
    }

    fn asking(url: &str) -> BreachedPasswords {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let url = Url::parse(url).expect("a URL");
        BreachedPasswords::new(url, Arc::new(Meters::new())).expect("a client")
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(5))
    }

    #[tokio::test]
    async fn the_service_is_told_five_digits_once_and_its_answer_is_remembered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let breached = asking(&format!("http://{address}/v3/"));
        let answer = "1E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493\r\n";
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.expect("reads");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).await.expect("writes");
            stream.write_all(answer.as_bytes()).await.expect("writes");
            // Nobody listens any more: whatever is asked from here on is answered from memory.
            drop(listener);
            String::from_utf8_lossy(&request[..read]).into_owned()
        };
        let password = SecretText::new("password".to_owned());
        let (listed, request) = tokio::join!(breached.contains(&password, soon()), serve);
        assert!(listed);
        assert!(
            request.starts_with("GET /v3/range/5BAA6 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request.to_lowercase().contains("add-padding: true"),
            "{request}"
        );
        assert!(!request.contains("1E4C9"), "{request}");
        assert!(breached.contains(&password, soon()).await);
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_stops_nobody() {
        // A port of this machine that nobody listens at.
        let breached = asking("http://127.0.0.1:1/");
        let password = SecretText::new("password".to_owned());
        assert!(!breached.contains(&password, soon()).await);
    }
}
