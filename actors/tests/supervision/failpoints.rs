//! Any owner can be broken from outside, without a word of its own for it.

use actors::failpoint::Action;
use actors::supervision::{Strategy, Tree};
use domain::rejection::Fault;

use crate::counter::{
    Log, Order, add_when_back, ask, counter, find, handle, quick, restarts, spec,
};

#[tokio::test]
async fn an_armed_failpoint_breaks_its_owner_and_no_other() {
    let (log, one, two) = (Log::default(), handle(), handle());
    let children = [counter("one", &one, &log), counter("two", &two, &log)];
    let root = spec(Strategy::OneForOne).with_pulse(quick());
    let tree = Tree::start(root.with_children(children)).await;
    let actions = [
        (Action::Panic, "panicked: a failpoint says so"),
        (Action::Fail, "broken: a failpoint says so"),
        (Action::Hang, "frozen: left 3 pings unanswered"),
    ];
    for (action, failure) in actions {
        one.failpoint().arm(action, 1);
        assert_eq!(
            ask(&one, Order::Add).await,
            Err(Fault::Restarting("counter"))
        );
        assert_eq!(add_when_back(&one).await, 1);
        let view = tree.observe();
        assert_eq!(find(&view, "one").last_failure.as_deref(), Some(failure));
    }
    assert_eq!(restarts(&tree.observe(), "one"), 3);
    assert_eq!(restarts(&tree.observe(), "two"), 0);
}
