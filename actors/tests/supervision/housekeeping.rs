//! What an owner does unasked: it starts, ticks and says goodbye.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use actors::deadline::Deadline;
use actors::handle::{Handle, Reply};
use actors::supervision::{ChildSpec, Ended, Owner, Strategy, Tree};
use domain::rejection::Fault;

use crate::counter::{Log, Order, SECOND, ask, counter, find, handle, restarts, spec};

/// Ticks once a second; its third tick breaks it.
struct Janitor(Arc<AtomicU32>);

impl Owner for Janitor {
    type Message = Reply<u32>;

    const TICK: Option<Duration> = Some(SECOND);

    async fn handle(&mut self, reply: Reply<u32>) -> Result<(), Fault> {
        reply.send(self.0.load(Ordering::SeqCst));
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Fault> {
        if self.0.fetch_add(1, Ordering::SeqCst) == 2 {
            return Err(Fault::Broken("tired".into()));
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_ticks_about_as_often_as_it_says_and_a_tick_may_break_it() {
    let (janitor, ticks) = (Handle::new("janitor", 1), Arc::new(AtomicU32::new(0)));
    let child = ChildSpec::owner("janitor", janitor.clone(), move || {
        let ticks = Arc::clone(&ticks);
        async move { Ok(Janitor(ticks)) }.boxed()
    });
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(child)).await;
    let ticks = || janitor.ask(Deadline::after(SECOND), |reply| reply);
    assert_eq!(ticks().await, Ok(0));
    tokio::time::sleep(SECOND * 5 / 2).await;
    assert_eq!(ticks().await, Ok(2));
    tokio::time::sleep(SECOND).await;
    assert_eq!(ticks().await, Ok(3));
    assert_eq!(restarts(&tree.observe(), "janitor"), 1);
    tokio::time::sleep(SECOND).await;
    assert_eq!(ticks().await, Ok(4), "the next incarnation ticks too");
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_hangs_is_given_up() {
    let (log, hanging, two) = (Log::default(), Handle::new("hanging", 1), handle());
    let child = ChildSpec::owner("hanging", hanging, || {
        std::future::pending::<Result<Janitor, Fault>>().boxed()
    });
    let children = [
        child.patient().starting_within(3 * SECOND),
        counter("two", &two, &log),
    ];
    let began = tokio::time::Instant::now();
    let tree = Tree::start(spec(Strategy::OneForOne).with_children(children)).await;
    assert!(
        began.elapsed() < 2 * SECOND,
        "nobody waits for it that long"
    );
    assert_eq!(ask(&two, Order::Add).await, Ok(1));
    tokio::time::sleep(3 * SECOND).await;
    let view = tree.observe();
    assert_eq!(
        find(&view, "hanging").last_failure.as_deref(),
        Some("was not up in time")
    );
    tree.stop(SECOND).await;
    assert_eq!(
        tree.ended().await,
        Ended::Stopped,
        "also while it is tried again"
    );
}

#[tokio::test]
async fn a_factory_that_panics_fails_the_start() {
    let one: Handle<Reply<u32>> = Handle::new("one", 1);
    let child = ChildSpec::owner("one", one, || {
        async { std::panic::panic_any("as asked") }
            .map(|()| Ok(Janitor(Arc::default())))
            .boxed()
    });
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(child)).await;
    assert_eq!(
        tree.ended().await,
        Ended::Failed("gave up on one: panicked: as asked".into())
    );
}
