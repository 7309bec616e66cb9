//! The gRPC door: `grpc.health.v1.Health`, asked as any gRPC client asks (CONTRACT §10).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actors::supervision::TaskGroup;
use futures_util::FutureExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::{ServiceExt, service_fn};

use crate::backend::Backend;
use crate::client::plain;
use crate::house::House;
use crate::patience::PATIENCE;
use crate::scenes;

scenes![
    the_house_and_its_service_are_serving,
    an_unknown_service_and_an_unknown_method_are_said_so,
    who_watches_is_told_of_the_end_and_does_not_hold_it_up,
];

const OURS: &str = "auth.v1.AuthService";

/// Something that speaks HTTP/2 to the door.
pub type Line = tower::util::BoxCloneService<
    http::Request<Body>,
    http::Response<hyper::body::Incoming>,
    hyper::Error,
>;

async fn connect(to: SocketAddr, group: &TaskGroup) -> HealthClient<Line> {
    let origin = format!("http://{to}").parse().expect("an origin");
    HealthClient::with_origin(line(to, group).await, origin)
}

/// Connects; the connection lives in the group.
pub async fn line(to: SocketAddr, group: &TaskGroup) -> Line {
    let stream = TcpStream::connect(to).await.expect("a connection");
    line_over(stream, group).await
}

/// Speaks over a connection that is open.
pub async fn line_over<S>(stream: S, group: &TaskGroup) -> Line
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = shaken.await.expect("a handshake");
    drop(group.spawn(connection.map(drop)));
    let line = service_fn(move |request| {
        let mut sender = sender.clone();
        async move { sender.send_request(request).await }
    });
    line.boxed_clone()
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

async fn check(client: &mut HealthClient<Line>, service: &str) -> Result<ServingStatus, Status> {
    let answer = client.check(about(service)).await?;
    Ok(answer.into_inner().status())
}

/// Watches a service, from the first moment at which the door lets anybody watch.
async fn watch(client: &mut HealthClient<Line>, service: &str) -> Streaming<HealthCheckResponse> {
    let begun = Instant::now();
    loop {
        match client.watch(about(service)).await {
            Ok(stream) => return stream.into_inner(),
            Err(status) if status.code() == Code::Unavailable && begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(status) => panic!("a stream: {status}"),
        }
    }
}

async fn next(stream: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    let message = timeout(PATIENCE, stream.message()).await;
    let message = message.expect("in time").ok()?;
    message.map(|message| message.status())
}

async fn the_house_and_its_service_are_serving() {
    let house = House::open(Backend::Sqlite).await;
    let group = TaskGroup::new("clients");
    let mut client = connect(house.grpc_address(), &group).await;
    for service in ["", OURS] {
        let mut stream = watch(&mut client, service).await;
        let mut status = next(&mut stream).await;
        if status == Some(ServingStatus::NotServing) {
            status = next(&mut stream).await;
        }
        assert_eq!(status, Some(ServingStatus::Serving), "{service:?}");
        let now = check(&mut client, service).await.expect("an answer");
        assert_eq!(now, ServingStatus::Serving, "{service:?}");
    }
    drop(client);
    house.stop().await;
}

async fn an_unknown_service_and_an_unknown_method_are_said_so() {
    let house = House::open(Backend::Sqlite).await;
    let group = TaskGroup::new("clients");
    let mut client = connect(house.grpc_address(), &group).await;
    let unknown = check(&mut client, "nobody.Service").await;
    assert_eq!(unknown.expect_err("unknown").code(), Code::NotFound);
    let http = plain().http2_prior_knowledge().build().expect("a client");
    let url = format!("http://{}/{OURS}/NoSuchMethod", house.grpc_address());
    let asked = http.post(url).header("content-type", "application/grpc");
    let answer = asked.body(vec![0; 5]).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["grpc-status"], "12", "UNIMPLEMENTED");
    drop(client);
    house.stop().await;
}

async fn who_watches_is_told_of_the_end_and_does_not_hold_it_up() {
    let house = House::with(Backend::Sqlite, &[("SHUTDOWN_GRACE", "60s")]).await;
    let group = TaskGroup::new("clients");
    let mut client = connect(house.grpc_address(), &group).await;
    let mut stream = watch(&mut client, "").await;
    while next(&mut stream).await != Some(ServingStatus::Serving) {}
    let begun = Instant::now();
    let watching = async {
        let mut last = Some(ServingStatus::Serving);
        while let Some(status) = next(&mut stream).await {
            last = Some(status);
        }
        last
    };
    let (last, ()) = tokio::join!(watching, house.stop());
    assert_eq!(last, Some(ServingStatus::NotServing));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let refused = TcpStream::connect(house.grpc_address()).await;
    assert!(refused.is_err() || check(&mut client, "").await.is_err());
}
