//! What callers of a handle see: bounds, deadlines, restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use actors::deadline::Deadline;
use actors::handle::{Handle, Reply};
use actors::supervision::{ChildSpec, Intensity, Owner, Strategy, SupervisorSpec, TaskGroup, Tree};
use domain::rejection::Fault;

use crate::counter::{Log, Order, SECOND, add_when_back, ask, counter, handle, spec};

async fn tree_of(one: &Handle<Order>) -> Tree {
    let log = Log::default();
    Tree::start(spec(Strategy::OneForOne).with_child(counter("one", one, &log))).await
}

/// Posts a message that keeps the owner busy until the sender is used or dropped.
async fn occupy(one: &Handle<Order>) -> (oneshot::Sender<()>, JoinHandle<Result<u32, Fault>>) {
    let (go, gone) = oneshot::channel();
    let one = one.clone();
    let call = TaskGroup::new("callers").spawn(async move {
        one.ask(Deadline::after(60 * SECOND), |reply| {
            Order::Wait(gone, reply)
        })
        .await
    });
    // Lets the call be posted before anything else is.
    tokio::task::yield_now().await;
    (go, call)
}

#[tokio::test]
async fn the_mailbox_is_bounded_by_credits() {
    let one = Handle::new("counter", 2);
    let _tree = tree_of(&one).await;
    let (first, second) = (occupy(&one).await, occupy(&one).await);
    assert_eq!(one.depth(), 2);
    assert_eq!(ask(&one, Order::Add).await, Err(Fault::Busy("counter")));
    assert_eq!(one.tell(Order::Note), Err(Fault::Busy("counter")));
    for (go, call) in [first, second] {
        go.send(()).unwrap();
        assert_eq!(call.await.unwrap(), Ok(0));
    }
    assert_eq!((one.depth(), ask(&one, Order::Add).await), (0, Ok(1)));
}

#[tokio::test]
async fn credits_come_back_after_a_panic() {
    let one = handle();
    let _tree = tree_of(&one).await;
    let (go, call) = occupy(&one).await;
    let calls = futures_util::future::join_all((0..4).map(|_| ask(&one, Order::Add)));
    let (outcomes, panicked, ()) = tokio::join!(calls, ask(&one, Order::Panic), async {
        go.send(()).unwrap();
    });
    assert_eq!(call.await.unwrap(), Ok(0));
    assert_eq!(panicked, Err(Fault::Restarting("counter")));
    assert!(outcomes.iter().all(Result::is_ok), "they came before it");
    add_when_back(&one).await;
    assert_eq!(one.depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_deadline_has_passed_is_dropped_unread() {
    let one = handle();
    let _tree = tree_of(&one).await;
    let (go, call) = occupy(&one).await;
    let late = one.ask(Deadline::after(SECOND), Order::Add).await;
    assert_eq!(late, Err(Fault::Late));
    assert_eq!(one.depth(), 2, "the message lies there still");
    go.send(()).unwrap();
    assert_eq!(call.await.unwrap(), Ok(0));
    assert_eq!(ask(&one, Order::Add).await, Ok(1), "it was never counted");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_an_owner_that_is_not_there() {
    let one: Handle<Order> = handle();
    let began = tokio::time::Instant::now();
    assert_eq!(
        ask(&one, Order::Add).await,
        Err(Fault::Restarting("counter"))
    );
    assert!(began.elapsed() < SECOND / 2);
    let late = one.ask(Deadline::after(SECOND / 10), Order::Add).await;
    assert_eq!(late, Err(Fault::Late));
    assert_eq!(one.tell(Order::Note), Err(Fault::Restarting("counter")));
    assert_eq!(one.depth(), 0);
}

#[tokio::test]
async fn an_ask_that_is_not_posted_yet_waits_for_the_next_incarnation() {
    let one = handle();
    let asked = ask(&one, Order::Add);
    let (answer, _tree) = tokio::join!(asked, tree_of(&one));
    assert_eq!(answer, Ok(1));
}

/// Counts how many of it are alive.
struct Mortal(Arc<AtomicUsize>);

impl Owner for Mortal {
    type Message = Reply<()>;

    async fn handle(&mut self, _reply: Reply<()>) -> Result<(), Fault> {
        Err(Fault::Broken("as ever".into()))
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_thousand_crashes_leak_no_credit_and_no_owner() {
    let (one, alive) = (Handle::new("mortal", 4), Arc::new(AtomicUsize::new(0)));
    let born = Arc::clone(&alive);
    let child = ChildSpec::owner("mortal", one.clone(), move || {
        let alive = Arc::clone(&born);
        alive.fetch_add(1, Ordering::SeqCst);
        async move { Ok(Mortal(alive)) }.boxed()
    });
    let intensity = Intensity::new(u32::MAX, SECOND);
    let root = SupervisorSpec::new("root", Strategy::OneForOne, intensity);
    let tree = Tree::start(root.with_child(child)).await;
    for _ in 0..1_000 {
        let answer: Result<(), _> = one.ask(Deadline::after(10 * SECOND), |reply| reply).await;
        assert_eq!(answer, Err(Fault::Restarting("mortal")));
    }
    let idle = tokio::runtime::Handle::current().metrics();
    tree.stop(10 * SECOND).await;
    assert_eq!(tree.observe().children[0].restarts, 1_000);
    assert_eq!(one.depth(), 0);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    // What has ended is counted until the runtime has come round to it.
    let end = tokio::time::Instant::now() + 10 * SECOND;
    while idle.num_alive_tasks() > 0 {
        assert!(
            tokio::time::Instant::now() < end,
            "a task outlives the tree"
        );
        tokio::task::yield_now().await;
    }
}
