//! The ceiling: a bare hyper server in this process that does the least that could be done.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::key::Algorithm;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use serde_json::json;
use tokio::net::TcpListener;

use crate::drive::{self, Measured};
use crate::scenario::Scenario;

/// What the bare server answers with.
struct Bare {
    answer: Bytes,
    signer: Option<Signer>,
}

/// Loads the bare server for `span`.
///
/// # Errors
/// A sentence when it cannot listen.
pub(crate) async fn measure(scenario: &Scenario, span: Duration) -> Result<Measured, String> {
    let signer = if scenario.is_signed() {
        Some(signer()?)
    } else {
        None
    };
    let bare = Arc::new(Bare {
        answer: scenario.answer.clone(),
        signer,
    });
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    let address = listener
        .local_addr()
        .map_err(|error| error.to_string())?
        .to_string();
    tokio::select! {
        measured = drive::measure(scenario, &address, span) => measured,
        problem = serve(listener, bare) => Err(problem),
    }
}

fn signer() -> Result<Signer, String> {
    KeyPair::generate(Algorithm::Es256)
        .map(Signer::new)
        .map_err(|error| error.to_string())
}

async fn serve(listener: TcpListener, bare: Arc<Bare>) -> String {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => return format!("the ceiling cannot accept: {error}"),
        };
        let _ = stream.set_nodelay(true);
        let bare = Arc::clone(&bare);
        let service = service_fn(move |request| answer(Arc::clone(&bare), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        #[expect(
            clippy::disallowed_methods,
            reason = "a load generator has no supervision tree"
        )]
        drop(tokio::spawn(connection));
    }
}

async fn answer(
    bare: Arc<Bare>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes().len());
    if let Some(signer) = &bare.signer {
        let claims = json!({ "sub": "load", "length": body.unwrap_or(0), "exp": 1_900_000_000 });
        let _ = signer.sign_access("", &claims);
    }
    Ok(Response::new(Full::new(bare.answer.clone())))
}
