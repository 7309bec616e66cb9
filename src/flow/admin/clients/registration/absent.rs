//! Metadata that the standards know and this service does not act on.
//!
//! Nothing of it is stored: a registration that is kept and has no effect would be a promise that
//! nobody keeps. A value that is what happens anyway is accepted, any other refused in a sentence.

use crate::flow::account::Mistakes;

/// The one kind of subject there is: the same for every client (OpenID Connect Core §8).
const SUBJECT_PUBLIC: &str = "public";

/// What an operator says about what is not offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbsentPatch {
    /// The kind of its subjects: `public` is acceptable.
    pub subject_type: Option<String>,
    /// The host that groups its pairwise subjects.
    pub sector_identifier_uri: Option<String>,
    /// Where logout tokens are posted.
    pub backchannel_logout_uri: Option<String>,
}

// === impl AbsentPatch ===

impl AbsentPatch {
    /// Refuses whatever would have no effect.
    pub(super) fn check(&self, mistakes: &mut Mistakes) {
        self.check_choices(mistakes);
        for (field, said, message) in [
            (
                "sector_identifier_uri",
                &self.sector_identifier_uri,
                "is not supported: every client is told the same subject",
            ),
            (
                "backchannel_logout_uri",
                &self.backchannel_logout_uri,
                "is not supported: no logout tokens are sent",
            ),
        ] {
            if said.is_some() {
                mistakes.add(field, message);
            }
        }
    }

    fn check_choices(&self, mistakes: &mut Mistakes) {
        let subject = self.subject_type.as_deref();
        if subject.is_some_and(|kind| kind != SUBJECT_PUBLIC) {
            let message = "must be public: every client is told the same subject";
            mistakes.add("subject_type", message);
        }
    }
}
