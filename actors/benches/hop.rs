//! What a hop to an owner costs, and what its alternatives cost on the same machine in the same run.
//!
//! `cargo bench -p actors --bench hop` prints one line for each way to reach shared state, with one
//! caller and with 64: ractor's own call, with and without a timeout; our `ask`, with its credit,
//! deadline, late check and sign of life; a snapshot read; and a mutex over 64 shards.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot run should say so and end"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use actors::deadline::Deadline;
use actors::handle::{Handle, Reply, Shards};
use actors::snapshot::publish;
use actors::supervision::{ChildSpec, Intensity, Owner, Strategy, SupervisorSpec, TaskGroup, Tree};
use domain::rejection::Fault;

const CALLERS: [u64; 2] = [1, 64];
const OPERATIONS: u64 = 400_000;
const SHARDS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");
const MINUTE: Duration = Duration::from_mins(1);

/// Counts behind a handle.
struct Counter(u64);

impl Owner for Counter {
    type Message = Reply<u64>;

    async fn handle(&mut self, reply: Reply<u64>) -> Result<(), Fault> {
        self.0 += 1;
        reply.send(self.0);
        Ok(())
    }
}

/// Counts as a bare ractor actor.
struct Bare;

impl Actor for Bare {
    type Msg = RpcReplyPort<u64>;
    type State = u64;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        reply: Self::Msg,
        count: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        *count += 1;
        let _ = reply.send(*count);
        Ok(())
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    println!(
        "{:<28}{:>8}{:>14}{:>14}",
        "way", "callers", "ns each", "per second"
    );
    runtime.block_on(async {
        bare_calls().await;
        asks().await;
        sharded_asks().await;
        snapshot_reads().await;
        mutex_updates().await;
    });
}

async fn bare_calls() {
    let (bare, _) = Actor::spawn(None, Bare, ()).await.expect("it starts");
    for (way, limit) in [
        ("ractor call", None),
        ("ractor call, timeout", Some(MINUTE)),
    ] {
        let bare = bare.clone();
        measure(way, move |_| {
            let bare = bare.clone();
            async move {
                let answer = bare.call(|reply| reply, limit).await;
                black_box(answer.expect("it lives").unwrap());
            }
        })
        .await;
    }
    bare.stop(None);
}

async fn asks() {
    let handle = Handle::new("counter", 1_024);
    let tree = start([child(&handle)]).await;
    measure("ask", move |_| {
        let handle = handle.clone();
        async move {
            let answer = handle.ask(Deadline::after(MINUTE), |reply| reply).await;
            black_box(answer.expect("it lives"));
        }
    })
    .await;
    tree.stop(MINUTE).await;
}

async fn sharded_asks() {
    let shards = Shards::new("counter", SHARDS, 1_024);
    let tree = start(shards.iter().map(child)).await;
    measure("ask, 64 shards", move |key| {
        let handle = shards.of(key).clone();
        async move {
            let answer = handle.ask(Deadline::after(MINUTE), |reply| reply).await;
            black_box(answer.expect("it lives"));
        }
    })
    .await;
    tree.stop(MINUTE).await;
}

async fn snapshot_reads() {
    let (_publisher, snapshot) = publish(HashMap::from([(1_u64, 1_u64)]));
    measure("snapshot read", move |_| {
        black_box(snapshot.load().get(&1).copied());
        std::future::ready(())
    })
    .await;
}

async fn mutex_updates() {
    let shards: Arc<Vec<Mutex<u64>>> =
        Arc::new((0..SHARDS.get()).map(|_| Mutex::default()).collect());
    measure("mutex, 64 shards", move |key| {
        let index = usize::try_from(key).unwrap_or(0) % SHARDS;
        if let Some(shard) = shards.get(index) {
            *shard.lock().expect("nobody panicked") += 1;
        }
        std::future::ready(())
    })
    .await;
}

fn child(handle: &Handle<Reply<u64>>) -> ChildSpec {
    ChildSpec::owner("counter", handle.clone(), || {
        async { Ok(Counter(0)) }.boxed()
    })
}

async fn start(children: impl IntoIterator<Item = ChildSpec>) -> Tree {
    let intensity = Intensity::new(0, MINUTE);
    let root = SupervisorSpec::new("root", Strategy::OneForOne, intensity);
    Tree::start(root.with_children(children)).await
}

/// Runs the operation from one task and from 64, and prints a line for each. The tasks are spread
/// over the keys, and the first tenth of the operations only warms up.
async fn measure<F, O>(way: &'static str, operation: F)
where
    F: Fn(u64) -> O + Clone + Send + Sync + 'static,
    O: Future<Output = ()> + Send,
{
    for callers in CALLERS {
        run(callers, OPERATIONS / 10, &operation).await;
        let span = run(callers, OPERATIONS, &operation).await;
        let nanos = span.as_nanos() / u128::from(OPERATIONS);
        let rate = u128::from(OPERATIONS) * 1_000_000_000 / span.as_nanos().max(1);
        println!("{way:<28}{callers:>8}{nanos:>14}{rate:>14}");
    }
}

async fn run<F, O>(callers: u64, operations: u64, operation: &F) -> Duration
where
    F: Fn(u64) -> O + Clone + Send + Sync + 'static,
    O: Future<Output = ()> + Send,
{
    let group = TaskGroup::new("callers");
    let began = Instant::now();
    for caller in 0..callers {
        let operation = operation.clone();
        group.spawn(async move {
            for turn in 0..operations / callers {
                operation(caller.wrapping_mul(0x9E37_79B9).wrapping_add(turn)).await;
            }
        });
    }
    group.drain(MINUTE).await;
    began.elapsed()
}
