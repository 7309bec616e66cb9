//! The browser's sign-in, as pages see it.

use domain::id::SessionId;
use domain::rejection::Fault;
use domain::session::Session;
use http::HeaderMap;

use super::cookies::{self, Kind};
use crate::flow::browser::{self, Browser, Remembered};
use crate::flow::{Act, Flows};
use crate::http::render::Reply;

/// Gives the name of the sign-in that the browser brings, whether or not it still stands.
pub(super) fn known_id(flows: &Flows, act: &Act, headers: &HeaderMap) -> Option<SessionId> {
    let cookie = cookies::read(headers, &act.tenant, Kind::Session)?;
    browser::read_cookie(flows, act, &cookie).map(|cookie| cookie.session)
}

/// Finds who is signed in in this browser.
///
/// # Errors
/// A fault when the store is away.
pub(in crate::http) async fn resume(
    flows: &Flows,
    act: &Act,
    headers: &HeaderMap,
) -> Result<Option<Browser>, Fault> {
    let cookie = cookies::read(headers, &act.tenant, Kind::Session);
    browser::resume(flows, act, cookie.as_deref()).await
}

/// Finds the sign-in of this browser that nobody was at for too long.
///
/// # Errors
/// As [`resume`].
pub(in crate::http) async fn find_resting(
    flows: &Flows,
    act: &Act,
    headers: &HeaderMap,
) -> Result<Option<Session>, Fault> {
    let cookie = cookies::read(headers, &act.tenant, Kind::Session);
    browser::find_resting(flows, act, cookie.as_deref()).await
}

/// Lets the browser remember that it was here now.
pub(in crate::http) fn keep(flows: &Flows, act: &Act, remembered: Remembered, reply: &mut Reply) {
    let cookie = browser::mint_cookie(flows, act, remembered);
    cookies::set(
        reply,
        &act.tenant,
        Kind::Session,
        cookie.expose().to_owned(),
    );
}

/// Lets the browser forget.
pub(in crate::http) fn forget(act: &Act, reply: &mut Reply) {
    cookies::clear(reply, &act.tenant, Kind::Session);
}
