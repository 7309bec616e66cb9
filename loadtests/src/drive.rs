//! A closed loop: each connection asks, waits for the answer, asks again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::scenario::{Asker, Scenario};

/// What one load measured.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Answers each second.
    pub(crate) per_second: f64,
    /// How long the answers took, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Answers that were no success.
    pub(crate) failures: usize,
}

/// Loads `address` for `span`.
///
/// # Errors
/// A sentence when the service cannot be reached.
pub(crate) async fn measure(
    scenario: &Scenario,
    address: &str,
    span: Duration,
) -> Result<Measured, String> {
    let begun = Instant::now();
    let loops = scenario
        .askers()
        .map(|asker| ask_until(asker, address, begun + span));
    let all = try_join_all(loops).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let failures = all.iter().map(|(_, failures)| failures).sum();
    let mut latencies: Vec<Duration> = all.into_iter().flat_map(|(times, _)| times).collect();
    latencies.sort_unstable();
    let count = u32::try_from(latencies.len()).unwrap_or(u32::MAX);
    Ok(Measured {
        per_second: f64::from(count) / seconds,
        latencies,
        failures,
    })
}

async fn ask_until(
    mut asker: Asker,
    address: &str,
    end: Instant,
) -> Result<(Vec<Duration>, usize), String> {
    let mut connection = connect(address).await?;
    let (mut times, mut failures) = (Vec::new(), 0);
    while Instant::now() < end {
        let begun = Instant::now();
        let (status, body) = exchange(&mut connection, asker.request(address)).await?;
        if status.is_success() {
            times.push(begun.elapsed());
            asker.learn(&body);
        } else {
            failures += 1;
        }
    }
    Ok((times, failures))
}

/// Opens one connection.
pub(crate) async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("{address} cannot be reached: {error}"))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("{address} does not speak HTTP: {error}"))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a load generator has no supervision tree"
    )]
    drop(tokio::spawn(connection));
    Ok(sender)
}

/// Sends one request and reads the whole answer.
pub(crate) async fn exchange(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(http::StatusCode, Bytes), String> {
    let broken = |error: hyper::Error| format!("the connection broke: {error}");
    connection.ready().await.map_err(broken)?;
    let answer: Response<Incoming> = connection.send_request(request).await.map_err(broken)?;
    let status = answer.status();
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(broken)?
        .to_bytes();
    Ok((status, body))
}
