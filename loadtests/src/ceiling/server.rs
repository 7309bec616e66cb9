//! A bare hyper server: reads the request, does the work it was told, answers with one body.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use domain::key::Algorithm;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use protocol::jose::key_pair::KeyPair;
use protocol::jose::signer::Signer;
use protocol::jose::verify::{Typ, VerifyingKey, verify};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::Work;
use super::child::say;

/// What every answer is made with.
struct Bare {
    work: Work,
    answer: Bytes,
    signer: Signer,
    key: VerifyingKey,
    token: String,
}

/// Serves until it is killed.
pub(super) async fn serve(work: Work, answer: &str) -> Result<(), String> {
    let bare = Arc::new(Bare::new(work, answer)?);
    let listener = listen().await?;
    loop {
        let stream = accept(&listener).await?;
        let bare = Arc::clone(&bare);
        let service = service_fn(move |request| reply(Arc::clone(&bare), request));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        #[expect(
            clippy::disallowed_methods,
            reason = "a load generator has no supervision tree"
        )]
        drop(tokio::spawn(connection));
    }
}

/// Listens, and says where.
pub(super) async fn listen() -> Result<TcpListener, String> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say(&address.to_string())?;
    Ok(listener)
}

/// Accepts a connection.
pub(super) async fn accept(listener: &TcpListener) -> Result<TcpStream, String> {
    let accepted = listener.accept().await;
    let (stream, _) = accepted.map_err(|error| error.to_string())?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn reply(
    bare: Arc<Bare>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    bare.labour(&body.unwrap_or_default());
    let mut answer = Response::new(Full::new(bare.answer.clone()));
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

// === impl Bare ===

impl Bare {
    fn new(work: Work, answer: &str) -> Result<Self, String> {
        let pair = KeyPair::generate(Algorithm::Es256).map_err(|error| error.to_string())?;
        let key = VerifyingKey::new(Algorithm::Es256, pair.public_jwk())
            .map_err(|error| error.to_string())?;
        let signer = Signer::new(pair);
        let token = signer
            .sign_access("", &claims(0))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            work,
            answer: Bytes::from(answer.to_owned()),
            signer,
            key,
            token,
        })
    }

    fn labour(&self, body: &[u8]) {
        let mut read = body.len();
        if self.work.form {
            read = form_urlencoded::parse(body).fold(0, |sum, (_, value)| sum + value.len());
        }
        for _ in 0..self.work.verifications {
            let judged = verify::<Value>(&self.token, Typ::Exactly("at+jwt"), |_| Some(&self.key));
            drop(std::hint::black_box(judged));
        }
        for _ in 0..self.work.signatures {
            drop(std::hint::black_box(
                self.signer.sign_access("", &claims(read)),
            ));
        }
    }
}

/// The claims that an access token of the service has, in length.
fn claims(read: usize) -> Value {
    json!({
        "iss": "http://localhost:4000", "sub": "0199f0aa-7c1e-7000-8000-000000000000",
        "aud": "http://localhost:4000", "client_id": "client_0123456789abcdef", "exp": 1_900_000_000,
        "iat": 1_900_000_000, "jti": "0123456789abcdefghijkl", "scope": "openid profile email",
        "tid": "0199f0aa-7c1e-7000-8000-000000000000", "sid": "0199f0aa-7c1e-7000-8000-000000000000",
        "client_type": "user", "read": read,
    })
}
