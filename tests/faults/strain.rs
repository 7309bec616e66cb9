//! Strangers who hold connections, send slowly, or begin and break off streams by the thousand: a process
//! with few descriptors goes on serving everybody else, in bounded memory.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::load::Load;
use crate::process::{Process, Site, Store, plain};
use crate::trial_of;

/// The descriptors that the service may have here.
const DESCRIPTORS: u32 = 512;
/// From how many networks the strangers come, and how many connections each wants.
const NETWORKS: u8 = 3;
const EACH: usize = 60;
/// Between two bytes of who is slow.
const DRIP: Duration = Duration::from_millis(300);
/// How much is served meanwhile.
const SERVED: usize = 400;
const SERVED_WITHIN: Duration = Duration::from_mins(1);
/// The most memory that may be held, whatever strangers do.
const MEMORY: u64 = 192 << 20;
/// Who breaks off: so many connections, so many streams at once in each.
const BREAKERS: usize = 4;
const STREAMS: usize = 64;

/// The trials of this file.
pub fn trials() -> Vec<Trial> {
    vec![
        trial_of(
            "strangers_who_send_slowly_leave_everybody_else_served",
            slow_strangers,
        ),
        trial_of(
            "strangers_who_break_off_streams_leave_everybody_else_served",
            broken_streams,
        ),
    ]
}

async fn slow_strangers() {
    let (site, process, load) = loaded().await;
    let (stop, held) = (AtomicBool::new(false), AtomicUsize::new(0));
    let at = address_of(&site);
    let strangers = (0..NETWORKS).flat_map(|network| (0..EACH).map(move |n| (network, n)));
    let strangers = strangers.map(|who| be_slow(at, who, (&stop, &held)));
    let work = async {
        let most = serve(&load, &process).await;
        stop.store(true, Ordering::SeqCst);
        most
    };
    let (_, most) = tokio::join!(join_all(strangers), load.during(work));
    let held = held.load(Ordering::SeqCst);
    println!(
        "{held} slow connections begun, most memory {} MiB",
        most >> 20
    );
    assert!(held > 0 && most < MEMORY);
    load.hold_to_it(&site, "slow strangers").await;
    load.nearly_all_are_served();
}

async fn broken_streams() {
    let (site, process, load) = loaded().await;
    let (stop, broken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let breakers = (0..BREAKERS).map(|_| break_off(&site, (&stop, &broken)));
    let work = async {
        let most = serve(&load, &process).await;
        stop.store(true, Ordering::SeqCst);
        most
    };
    let (_, most) = tokio::join!(join_all(breakers), load.during(work));
    let broken = broken.load(Ordering::SeqCst);
    println!(
        "{broken} streams broken off, most memory {} MiB",
        most >> 20
    );
    assert!(broken > 0 && most < MEMORY);
    load.hold_to_it(&site, "streams broken off").await;
    load.nearly_all_are_served();
}

async fn loaded() -> (Site, Process, Load) {
    let site = Site::new(Store::Sqlite, &[]).await;
    let process = site.launch_with(DESCRIPTORS);
    site.wait_for("/ready", 200, SERVED_WITHIN).await;
    let load = Load::on(&[&site]);
    (site, process, load)
}

/// Has the load served, and gives the most memory that was held meanwhile.
async fn serve(load: &Load, process: &Process) -> u64 {
    let mut most = 0;
    for _ in 0..10 {
        load.serve(SERVED / 10, SERVED_WITHIN).await;
        most = most.max(process.resident_bytes());
    }
    most
}

fn address_of(site: &Site) -> SocketAddr {
    let address = site.public.strip_prefix("http://");
    address
        .and_then(|text| text.parse().ok())
        .expect("an address")
}

/// Connects again and again, and sends half a request a byte at a time.
async fn be_slow(
    at: SocketAddr,
    (network, n): (u8, usize),
    (stop, held): (&AtomicBool, &AtomicUsize),
) {
    let head: &[u8] = if n % 2 == 0 {
        b"GET /health HTTP/1.1\r\nhost: a.example\r\nx-slow: "
    } else {
        b"POST /auth/login HTTP/1.1\r\nhost: a.example\r\ncontent-type: application/json\r\n\
          content-length: 4000\r\n\r\n{"
    };
    let is_over = || stop.load(Ordering::SeqCst);
    while !is_over() {
        let Some(mut stream) = connect(at, network).await else {
            tokio::time::sleep(DRIP).await;
            continue;
        };
        if stream.write_all(head).await.is_err() {
            continue;
        }
        held.fetch_add(1, Ordering::SeqCst);
        let mut answer = [0; 256];
        while !is_over() && stream.write_all(b" ").await.is_ok() {
            // Whoever is hung up on, or answered, begins again.
            let read = tokio::time::timeout(DRIP, stream.read(&mut answer)).await;
            if read.is_ok() {
                break;
            }
        }
    }
}

async fn connect(at: SocketAddr, network: u8) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    let from = SocketAddr::from(([127, 0, 1, 1 + network], 0));
    socket.bind(from).ok()?;
    socket.connect(at).await.ok()
}

/// Opens streams and breaks them off before they are answered (CVE-2023-44487).
async fn break_off(site: &Site, (stop, broken): (&AtomicBool, &AtomicUsize)) {
    let http = plain().http2_prior_knowledge().build().expect("a client");
    let url = format!("{}/.well-known/jwks.json", site.public);
    while !stop.load(Ordering::SeqCst) {
        let streams = (0..STREAMS).map(|_| {
            let request = http.get(&url).send();
            async move { tokio::time::timeout(Duration::from_micros(300), request).await }
        });
        let streams = join_all(streams).await;
        let count = streams.iter().filter(|stream| stream.is_err()).count();
        broken.fetch_add(count, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}
