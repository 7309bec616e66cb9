//! How an answer reaches the client: in the address of a redirect, or in a form that the browser posts
//! there; plain, or as one signed JWT (JARM §2).

use domain::rejection::Fault;
use protocol::oauth::answer::Answer;

use crate::flow::{Act, Flows};

/// An answer on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The browser is sent there.
    Redirect {
        /// Where; the answer is in it.
        location: String,
    },
    /// The browser posts a form there.
    Form {
        /// Where.
        action: String,
        /// What.
        fields: Vec<(String, String)>,
    },
}

// === impl Delivery ===

impl Delivery {
    /// Says where it goes, for the policy of the page that sends it there.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Redirect { location } => location,
            Self::Form { action, .. } => action,
        }
    }
}

/// Makes an answer ready to be sent.
///
/// # Errors
/// [`Fault::Restarting`] while there is no key to sign a JWT with; as [`Flows::ring`].
pub(super) async fn deliver(
    flows: &Flows,
    act: &Act,
    client: &str,
    answer: Answer,
) -> Result<Delivery, Fault> {
    let answer = if answer.mode.is_jwt() {
        let claims = answer.jwt_claims(client, act.now);
        let ring = flows.ring(act).await?;
        let signer = ring.signer().ok_or(Fault::Restarting("keys"))?;
        let jwt = signer
            .sign(None, &claims)
            .map_err(|_| Fault::Broken("an answer could not be signed".to_owned()))?;
        answer.signed(jwt)
    } else {
        answer
    };
    if answer.mode.is_posted() {
        let fields = answer.fields().iter();
        let fields = fields
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        return Ok(Delivery::Form {
            action: answer.redirect_uri,
            fields,
        });
    }
    Ok(Delivery::Redirect {
        location: answer.location(),
    })
}
