//! Passkeys, what a browser was asked of them, and what they answered.

use serde_json::Value;

use super::walker::Walk;
use crate::authenticator::Authenticator;

/// A passkey of somebody's; it answers also when it is bound no more.
pub struct Passkey {
    pub device: Authenticator,
    /// What the service calls it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    pub is_bound: bool,
    /// The step of the walk at which it was bound.
    pub bound_at: usize,
}

/// What a browser, or a program, is asked.
pub struct Ceremony {
    pub tenant: usize,
    /// The browser whose page asks, if it is one.
    pub tab: Option<usize>,
    pub options: Value,
    pub state: String,
    pub is_binding: bool,
    pub user: Option<usize>,
    pub made_at: i64,
    pub step: usize,
    pub is_spent: bool,
    /// Whether it was answered, rightly or not.
    pub is_touched: bool,
}

/// An answer that was taken, which it is never again.
pub struct Answered {
    pub ceremony: usize,
    pub response: Value,
}

/// Where a question belongs to.
#[derive(Clone, Copy)]
pub struct Asked {
    pub tenant: usize,
    pub tab: Option<usize>,
    pub user: Option<usize>,
    pub is_binding: bool,
}

/// Takes note of what is asked.
pub fn begun(walk: &mut Walk<'_>, asked: Asked, (options, state): (Value, String)) {
    let ceremony = Ceremony {
        tenant: asked.tenant,
        tab: asked.tab,
        options,
        state,
        is_binding: asked.is_binding,
        user: asked.user,
        made_at: walk.now(),
        step: walk.step,
        is_spent: false,
        is_touched: false,
    };
    walk.model.ceremonies.push(ceremony);
}

/// Takes note that a ceremony was answered, and of an answer that was taken.
pub fn touched(walk: &mut Walk<'_>, ceremony: usize, (passed, response): (bool, Value)) {
    let of = &mut walk.model.ceremonies[ceremony];
    of.is_touched = true;
    of.is_spent |= passed;
    if passed {
        walk.model.answers.push(Answered { ceremony, response });
    }
}

/// Draws what is answered, of those that are fit, and which state comes with the answer: mostly its own.
pub fn drawn(walk: &mut Walk<'_>, is_fit: impl Fn(&Ceremony) -> bool) -> Option<(usize, usize)> {
    let all = walk.model.ceremonies.iter().enumerate();
    let fit: Vec<usize> = all
        .filter(|(_, one)| is_fit(one))
        .map(|(place, _)| place)
        .collect();
    let asked = fit[walk.dice.late(fit.len())?];
    let state = if walk.dice.percent(90) {
        asked
    } else {
        walk.dice.below(walk.model.ceremonies.len())
    };
    Some((asked, state))
}
