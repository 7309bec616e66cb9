//! A form that is sent twice is sent once.
//!
//! Each showing of a form carries a text of its own. Sending that showing again with the same in it (somebody
//! presses the button twice, or has the browser load the answer again) is answered as the first time: nothing
//! is made, closed or opened twice, and a secret that was shown once is not replaced unseen. With something
//! else in it, it is another form. What was answered is kept as an `Idempotency-Key` keeps it, sealed, for a
//! day and for this operator alone; see [`once`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::rejection::{Code, Refusal, Rejection};
use form_urlencoded::Serializer;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::{Deed, Seat, carry_out};
use crate::http::once::{self, Turn};
use crate::http::render::Reply;

/// The name that the text goes by in a form.
const FIELD: &str = "once";
/// How often a second sending looks whether the first was answered.
const LOOK: Duration = Duration::from_millis(50);

/// Draws the text of one showing.
pub(super) fn draw(seat: &Seat) -> String {
    URL_SAFE_NO_PAD.encode(seat.flows().random.array::<16>())
}

/// Takes the text out of what a form brought.
pub(super) fn take(given: &mut Vec<(String, String)>) -> Option<String> {
    let at = given.iter().position(|(name, _)| name == FIELD)?;
    Some(given.remove(at).1).filter(|text| !text.is_empty())
}

/// Does what a form asks for, or answers as the first time. A form without the text is done as it comes.
pub(super) async fn answer(seat: &mut Seat, deed: &Deed) -> Result<Reply, Rejection> {
    let Some(showing) = seat.once.take() else {
        return carry_out(seat, deed).await;
    };
    let asked = asked(seat);
    // Filled in otherwise, it is another form: the key is told apart by what is asked, too.
    let key = Zeroizing::new(format!("{showing}\n{}", *asked));
    let hall = std::sync::Arc::clone(&seat.call.hall);
    let claim = loop {
        match once::begin(&hall, &mut seat.call.act, &key, &asked).await {
            Ok(Turn::Ours(claim)) => break claim,
            Ok(Turn::Over(reply)) => return Ok(reply),
            Err(Rejection::Refused(refusal)) if is_underway(&refusal) => {}
            Err(rejection) => return Err(rejection),
        }
        seat.call.act.deadline.bound(sleep(LOOK)).await?;
    };
    let outcome = carry_out(seat, deed).await;
    once::end(&hall, &seat.call.act, claim, outcome).await
}

/// Writes down what is asked.
fn asked(seat: &Seat) -> Zeroizing<String> {
    let mut fields = Serializer::new(String::new());
    fields.extend_pairs(&seat.given);
    Zeroizing::new(format!("{}\n{}", seat.call.path, fields.finish()))
}

/// Says whether the first sending is not answered yet.
fn is_underway(refusal: &Refusal) -> bool {
    refusal.code == Code::Conflict && refusal.retry_after.is_some()
}
