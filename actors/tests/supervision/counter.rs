//! An owner to break: it counts, and does what it is told.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;

use actors::deadline::Deadline;
use actors::handle::{Handle, Reply};
use actors::supervision::{ChildSpec, Intensity, Owner, Pulse, Strategy, SupervisorSpec, TreeView};
use domain::rejection::Fault;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What the counter understands.
pub(crate) enum Order {
    Add(Reply<u32>),
    Panic(Reply<u32>),
    Break(Reply<u32>),
    Hang(Reply<u32>),
    Block(std::sync::mpsc::Receiver<()>, Reply<u32>),
    Wait(tokio::sync::oneshot::Receiver<()>, Reply<u32>),
    Toil(Duration),
    Note,
}

/// Counts since it was started.
pub(crate) struct Counter {
    count: u32,
    log: Log,
    name: &'static str,
}

impl Owner for Counter {
    type Message = Order;

    async fn handle(&mut self, order: Order) -> Result<(), Fault> {
        match order {
            Order::Add(reply) => {
                self.count += 1;
                reply.send(self.count);
            }
            Order::Panic(_unanswered) => panic!("as asked"),
            Order::Break(_unanswered) => return Err(Fault::Broken("as asked".into())),
            Order::Hang(reply) => {
                std::future::pending::<()>().await;
                drop(reply);
            }
            Order::Block(go, reply) => {
                let _ = go.recv();
                reply.send(0);
            }
            Order::Wait(go, reply) => {
                let _ = go.await;
                reply.send(0);
            }
            Order::Toil(span) => tokio::time::sleep(span).await,
            Order::Note => self.log.note("note", self.name),
        }
        Ok(())
    }

    async fn finish(&mut self) {
        self.log.note("stop", self.name);
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: &str, who: &str) {
        self.0.lock().unwrap().push(format!("{what} {who}"));
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) fn handle() -> Handle<Order> {
    Handle::new("counter", 8)
}

/// A counter that logs its starts and stops.
pub(crate) fn counter(name: &'static str, handle: &Handle<Order>, log: &Log) -> ChildSpec {
    let log = log.clone();
    ChildSpec::owner(name, handle.clone(), move || {
        let log = log.clone();
        async move {
            log.note("start", name);
            Ok(Counter {
                count: 0,
                log,
                name,
            })
        }
        .boxed()
    })
}

/// A counter whose factory fails so many times first.
pub(crate) fn stubborn(handle: &Handle<Order>, failures: u32) -> ChildSpec {
    let left = Arc::new(AtomicU32::new(failures));
    ChildSpec::owner("stubborn", handle.clone(), move || {
        let left = Arc::clone(&left);
        async move {
            let outcome =
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            match outcome {
                Ok(_) => Err(Fault::Store("away".into())),
                Err(_) => Ok(Counter {
                    count: 0,
                    log: Log::default(),
                    name: "stubborn",
                }),
            }
        }
        .boxed()
    })
}

pub(crate) fn spec(strategy: Strategy) -> SupervisorSpec {
    SupervisorSpec::new("root", strategy, Intensity::new(3, 60 * SECOND))
}

/// Pings so often that a test in real time sees a freeze soon.
pub(crate) fn quick() -> Pulse {
    Pulse {
        every: Duration::from_millis(20),
        misses: 3,
    }
}

pub(crate) async fn ask(
    handle: &Handle<Order>,
    make: impl FnOnce(Reply<u32>) -> Order,
) -> Result<u32, Fault> {
    handle.ask(Deadline::after(10 * SECOND), make).await
}

/// Adds until it is answered: how a caller sees a restart. Each try is short, since one that still
/// reaches a frozen owner lies in its mailbox until that owner dies.
pub(crate) async fn add_when_back(handle: &Handle<Order>) -> u32 {
    loop {
        let deadline = Deadline::after(SECOND / 4);
        if let Ok(count) = handle.ask(deadline, Order::Add).await {
            return count;
        }
    }
}

/// Gives how often the child of that name was restarted.
pub(crate) fn restarts(view: &TreeView, name: &str) -> u32 {
    find(view, name).restarts
}

pub(crate) fn find<'a>(view: &'a TreeView, name: &str) -> &'a TreeView {
    fn search<'a>(view: &'a TreeView, name: &str) -> Option<&'a TreeView> {
        let mut below = view.children.iter();
        if view.name == name {
            return Some(view);
        }
        below.find_map(|child| search(child, name))
    }
    search(view, name).expect("the tree has a child of that name")
}
