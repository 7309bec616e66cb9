//! A few requests to a running service, through a full HTTP client: for what measures single answers.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

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

/// Makes a request with a JSON body, or with none.
pub(crate) fn build(
    method: &str,
    address: &str,
    path: &str,
    body: Option<Value>,
) -> Request<Full<Bytes>> {
    let bytes = body
        .map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default();
    let mut request = Request::new(Full::new(bytes));
    *request.method_mut() = method.parse().unwrap_or_default();
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    if let Ok(host) = address.parse() {
        headers.insert("host", host);
    }
    request
}
