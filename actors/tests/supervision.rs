//! The tree under failure: what crashes, freezes, ends or cannot start, and what others see of it.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use actors::deadline::Deadline;
use actors::supervision::{
    Backoff, ChildSpec, Ended, Intensity, State, Strategy, SupervisorSpec, Tree,
};
use domain::rejection::Fault;

#[cfg(test)]
#[path = "supervision/counter.rs"]
mod counter;
#[cfg(all(test, feature = "failpoints"))]
#[path = "supervision/failpoints.rs"]
mod failpoints;
#[cfg(test)]
#[path = "supervision/housekeeping.rs"]
mod housekeeping;
#[cfg(test)]
#[path = "supervision/mailbox.rs"]
mod mailbox;

use counter::{
    Log, Order, SECOND, add_when_back, ask, counter, find, handle, quick, restarts, spec, stubborn,
};

#[tokio::test]
async fn one_for_one_restarts_only_the_failed() {
    let (log, one, two) = (Log::default(), handle(), handle());
    let children = [counter("one", &one, &log), counter("two", &two, &log)];
    let tree = Tree::start(spec(Strategy::OneForOne).with_children(children)).await;
    assert_eq!(log.take(), ["start one", "start two"]);
    ask(&two, Order::Add).await.unwrap();

    assert_eq!(
        ask(&one, Order::Panic).await,
        Err(Fault::Restarting("counter"))
    );
    assert_eq!(
        add_when_back(&one).await,
        1,
        "a new incarnation counts anew"
    );
    assert_eq!(ask(&two, Order::Add).await, Ok(2), "the other lives on");
    assert_eq!(log.take(), ["start one"]);
    assert_eq!(restarts(&tree.observe(), "one"), 1);
    assert_eq!(restarts(&tree.observe(), "two"), 0);
}

#[tokio::test]
async fn rest_for_one_restarts_what_came_after_in_order() {
    let (log, handles) = (Log::default(), [handle(), handle(), handle()]);
    let children = ["one", "two", "three"].iter().zip(&handles);
    let children = children.map(|(name, handle)| counter(name, handle, &log));
    let tree = Tree::start(spec(Strategy::RestForOne).with_children(children)).await;
    log.take();

    assert!(ask(&handles[1], Order::Break).await.is_err());
    assert_eq!(add_when_back(&handles[2]).await, 1);
    assert_eq!(log.take(), ["stop three", "start two", "start three"]);
    assert_eq!(restarts(&tree.observe(), "two"), 1);
    let failure = find(&tree.observe(), "two").last_failure.clone();
    assert_eq!(failure.as_deref(), Some("broken: as asked"));
}

#[tokio::test]
async fn more_crashes_than_the_intensity_end_the_tree_for_good() {
    let (log, inner, other) = (Log::default(), handle(), handle());
    let group = SupervisorSpec::new("group", Strategy::OneForOne, Intensity::new(1, 60 * SECOND))
        .with_child(counter("inner", &inner, &log));
    let root = SupervisorSpec::new("root", Strategy::RestForOne, Intensity::new(1, 60 * SECOND))
        .with_child(counter("first", &other, &log))
        .with_child(ChildSpec::supervisor(group));
    let tree = Tree::start(root).await;
    assert!(tree.is_healthy());

    for _ in 0..4 {
        let _ = ask(&inner, Order::Panic).await;
    }
    let Ended::Failed(cause) = tree.ended().await else {
        panic!("a tree that gave up has not stopped in order");
    };
    assert_eq!(
        cause,
        "gave up on group: gave up on inner: panicked: as asked"
    );
    assert!(!tree.is_healthy());
    assert_eq!(tree.failing()[0], "root");
    assert_eq!(find(&tree.observe(), "root").state, State::Failed);
    assert_eq!(
        ask(&other, Order::Add).await,
        Err(Fault::Restarting("counter")),
        "nothing of it answers any more"
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_between_restarts_grows() {
    let (log, one) = (Log::default(), handle());
    let child = counter("one", &one, &log)
        .with_backoff(Backoff::exponential(SECOND, 60 * SECOND))
        .tolerant();
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(child)).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        assert!(ask(&one, Order::Panic).await.is_err());
        let crashed = tokio::time::Instant::now();
        assert_eq!(find(&tree.observe(), "one").state, State::Degraded);
        add_when_back(&one).await;
        waits.push(crashed.elapsed());
    }
    // Half of each wait is by chance, so the ranges touch but never overlap.
    for (wait, longest) in waits.iter().zip([1, 2, 4, 8]) {
        let longest = longest * SECOND;
        let range = longest / 2..=longest + Duration::from_millis(300);
        assert!(range.contains(wait), "{waits:?}");
    }
    assert!(tree.is_healthy(), "what is tolerated degrades nobody else");
}

#[tokio::test]
async fn a_hung_owner_is_killed_and_replaced() {
    let (log, one) = (Log::default(), handle());
    let root = spec(Strategy::OneForOne).with_pulse(quick());
    let tree = Tree::start(root.with_child(counter("one", &one, &log))).await;
    assert_eq!(
        ask(&one, Order::Hang).await,
        Err(Fault::Restarting("counter"))
    );
    assert_eq!(add_when_back(&one).await, 1);
    let failure = find(&tree.observe(), "one").last_failure.clone();
    assert_eq!(failure.as_deref(), Some("frozen: left 3 pings unanswered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_owner_that_blocks_its_thread_is_replaced_all_the_same() {
    let (log, one) = (Log::default(), handle());
    let root = spec(Strategy::OneForOne).with_pulse(quick());
    let tree = Tree::start(root.with_child(counter("one", &one, &log))).await;
    let deadline = Deadline::after(SECOND / 10);
    let (go, gone) = std::sync::mpsc::channel();
    let blocked = one.ask(deadline, |reply| Order::Block(gone, reply)).await;
    assert_eq!(blocked, Err(Fault::Late));
    // The old one blocks until the end: whoever answers did not wait for it.
    assert_eq!(add_when_back(&one).await, 1);
    assert_eq!(restarts(&tree.observe(), "one"), 1);
    drop(go);
}

#[tokio::test(start_paused = true)]
async fn a_busy_owner_is_not_a_frozen_owner() {
    let (log, one) = (Log::default(), handle());
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(counter("one", &one, &log))).await;
    // Each message takes two seconds, so a ping waits sixteen in the mailbox.
    for _ in 0..8 {
        one.tell(Order::Toil(2 * SECOND)).unwrap();
    }
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(one.depth(), 1, "all but the last are done");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(ask(&one, Order::Add).await, Ok(1));
    assert_eq!(restarts(&tree.observe(), "one"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_answer_is_named_before_it_is_replaced() {
    let (log, one) = (Log::default(), handle());
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(counter("one", &one, &log))).await;
    let (_go, gone) = oneshot::channel();
    let asked = one.ask(Deadline::after(60 * SECOND), |reply| {
        Order::Wait(gone, reply)
    });
    let watch = async {
        tokio::time::sleep(SECOND * 7 / 2).await;
        tree.failing()
    };
    let (answer, failing) = tokio::join!(asked, watch);
    assert!(matches!(answer, Err(Fault::Store(_))), "{answer:?}");
    assert_eq!(failing, ["one"]);
}

#[tokio::test]
async fn a_task_that_ends_or_panics_is_restarted() {
    let (runs, mut ran) = tokio::sync::mpsc::unbounded_channel();
    let count = std::sync::atomic::AtomicU32::new(0);
    let task = ChildSpec::task("task", move |token| {
        let run = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let runs = runs.clone();
        async move {
            runs.send(run).unwrap();
            match run {
                0 => {}
                1 => panic!("as asked"),
                _ => token.cancelled().await,
            }
        }
        .boxed()
    });
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(task)).await;
    for run in 0..3 {
        assert_eq!(ran.recv().await, Some(run));
    }
    tree.stop(SECOND).await;
    assert_eq!(restarts(&tree.observe(), "task"), 2);
    assert_eq!(find(&tree.observe(), "task").state, State::Stopped);
    assert_eq!(
        ran.recv().await,
        None,
        "its future and its factory are gone"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_last_first_and_finishes_what_is_in_the_mailboxes() {
    let (log, one, two) = (Log::default(), handle(), handle());
    let children = [counter("one", &one, &log), counter("two", &two, &log)];
    let tree = Tree::start(spec(Strategy::OneForOne).with_children(children)).await;
    log.take();
    two.tell(Order::Note).unwrap();
    tree.stop(SECOND).await;
    assert_eq!(log.take(), ["note two", "stop two", "stop one"]);
    assert_eq!(tree.ended().await, Ended::Stopped);
    assert!(!tree.is_healthy());
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_no_longer_than_its_grace() {
    let (log, one, two) = (Log::default(), handle(), handle());
    let children = [counter("one", &one, &log), counter("two", &two, &log)];
    let tree = Tree::start(spec(Strategy::OneForOne).with_children(children)).await;
    let deaf = |_| std::future::pending::<()>().boxed();
    let stubborn = SupervisorSpec::new("deaf", Strategy::OneForOne, Intensity::new(0, SECOND))
        .with_child(ChildSpec::task("deaf task", deaf));
    let deaf = Tree::start(stubborn).await;

    let hung = one.ask(Deadline::after(60 * SECOND), Order::Hang);
    let began = tokio::time::Instant::now();
    let stop = async {
        tree.stop(SECOND).await;
        deaf.stop(SECOND).await;
        began.elapsed()
    };
    let (answer, took) = tokio::join!(hung, stop);
    assert_eq!(answer, Err(Fault::Restarting("counter")));
    assert!(took < 3 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_patient_child_lets_the_tree_come_up_and_comes_up_itself_later() {
    let (log, late, other) = (Log::default(), handle(), handle());
    let group = SupervisorSpec::new("owners", Strategy::OneForOne, Intensity::new(1, SECOND))
        .with_child(stubborn(&late, 20).patient());
    let root = spec(Strategy::RestForOne)
        .with_child(ChildSpec::supervisor(group))
        .with_child(counter("door", &other, &log));
    let observer = root.observer();
    assert!(!observer.is_healthy(), "not before it has started");
    let tree = Tree::start(root).await;

    assert_eq!(ask(&other, Order::Add).await, Ok(1));
    assert_eq!(tree.failing(), ["stubborn"]);
    assert_eq!(
        find(&tree.observe(), "stubborn").last_failure.as_deref(),
        Some("the store is unavailable: away")
    );
    assert_eq!(add_when_back(&late).await, 1);
    assert!(observer.is_healthy());
    assert_eq!(ask(&other, Order::Add).await, Ok(2), "the door stayed up");
}

#[tokio::test]
async fn a_tree_whose_child_cannot_start_has_ended_when_start_returns() {
    let one = handle();
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(stubborn(&one, 1))).await;
    assert!(matches!(tree.ended().await, Ended::Failed(_)));
    assert!(!tree.is_healthy());
}

#[tokio::test]
async fn the_view_is_json_with_everything_an_operator_asks_for() {
    let (log, one) = (Log::default(), handle());
    let tree = Tree::start(spec(Strategy::OneForOne).with_child(counter("one", &one, &log))).await;
    let _ = ask(&one, Order::Panic).await;
    add_when_back(&one).await;
    let view = serde_json::to_value(tree.observe()).unwrap();
    let child = &view["children"][0];
    assert_eq!(view["kind"], "supervisor");
    assert_eq!(view["state"], "running");
    assert_eq!(child["name"], "one");
    assert_eq!(child["kind"], "owner");
    assert_eq!(child["restarts"], 1);
    assert_eq!(child["last_failure"], "panicked: as asked");
    assert_eq!(child["mailbox_depth"], 0);
    assert!(child["since_ms"].is_u64());
}
