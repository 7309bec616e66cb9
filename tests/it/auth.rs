//! `/auth`: the first-party API.

use crate::case::{Case, Scene};

mod activity;
mod authenticators;
pub mod consents;
mod deletion;
mod export;
mod guesses;
mod letters;
mod login;
mod logout;
mod me;
pub mod mfa;
mod password;
mod plain_passwords;
mod races;
mod refresh;
mod register;
mod revoke;
mod sessions;
mod strangers;
mod verify_email;
pub mod webauthn;

pub fn cases() -> Vec<Case> {
    [
        register::cases(),
        letters::cases(),
        login::cases(),
        refresh::cases(),
        revoke::cases(),
        me::cases(),
        mfa::all(),
        password::cases(),
        plain_passwords::cases(),
        verify_email::cases(),
        logout::cases(),
        sessions::cases(),
        consents::cases(),
        activity::cases(),
        export::cases(),
        deletion::cases(),
        webauthn::cases(),
        authenticators::cases(),
        guesses::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub fn scenes() -> Vec<Scene> {
    [
        races::scenes(),
        strangers::scenes(),
        mfa::scenes(),
        deletion::scenes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
