//! `/auth`: the first-party API.

use crate::case::Case;

mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod register;
mod revoke;
mod sessions;
mod verify_email;

pub fn cases() -> Vec<Case> {
    [
        register::cases(),
        login::cases(),
        refresh::cases(),
        revoke::cases(),
        me::cases(),
        password::cases(),
        verify_email::cases(),
        logout::cases(),
        sessions::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
