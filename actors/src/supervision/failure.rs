//! Why a child is down.

use std::any::Any;
use std::borrow::Cow;

use domain::rejection::Fault;

/// What ended a child that nobody asked to end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It panicked. Only a text that is a literal of the program is repeated: one that was put
    /// together at run time may hold what nobody should read.
    #[error("panicked: {0}")]
    Panicked(Cow<'static, str>),
    /// It said that it is broken, or its factory could not make it.
    #[error(transparent)]
    Broken(#[from] Fault),
    /// It came to its end without being asked to.
    #[error("ended without being asked to")]
    Ended,
    /// It finished nothing while so many pings went by.
    #[error("frozen: left {0} pings unanswered")]
    Frozen(u32),
    /// Its factory took longer than it may.
    #[error("was not up in time")]
    Overdue,
    /// Its children failed more often than its intensity allows; the last of them like this.
    #[error("gave up on {child}: {cause}")]
    GaveUp {
        /// Which child was the last straw.
        child: Cow<'static, str>,
        /// What ended that child, in words.
        cause: String,
    },
}

// === impl Failure ===

impl Failure {
    /// Reads a caught panic.
    pub(super) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked(Cow::Borrowed(
            payload
                .downcast_ref::<&'static str>()
                .copied()
                .unwrap_or("its text is withheld"),
        ))
    }

    /// Reads what ractor says about an actor that failed: our own failure, passed through, or the
    /// text of a panic in code of ours around the owner.
    pub(super) fn from_actor(error: ractor::ActorProcessingErr) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(_) => Self::Panicked(Cow::Borrowed("its text is withheld")),
        }
    }

    /// Says whether the child only could not be made yet, which a patient one is forgiven.
    pub(super) const fn is_outage(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Overdue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_text_put_together_at_run_time_is_withheld() {
        let secret = String::from("token qf_rt_abc");
        let caught = std::panic::catch_unwind(|| std::panic::panic_any(secret)).unwrap_err();
        assert!(!Failure::from_panic(&*caught).to_string().contains("qf_rt"));
        let caught = std::panic::catch_unwind(|| std::panic::panic_any("a literal")).unwrap_err();
        assert_eq!(
            Failure::from_panic(&*caught).to_string(),
            "panicked: a literal"
        );
    }

    #[test]
    fn a_failure_passes_through_ractor_unchanged() {
        let failure = Failure::Broken(Fault::Late);
        assert_eq!(Failure::from_actor(failure.clone().into()), failure);
        assert!(matches!(
            Failure::from_actor("some text".into()),
            Failure::Panicked(_)
        ));
    }
}
