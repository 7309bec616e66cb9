//! The rules of OAuth 2.1 and its neighbours, as pure functions.
//!
//! A request comes in as [`parameters`]. [`authorization`] judges those of the authorization endpoint
//! in one ordered table, with [`redirect_uri`], [`pkce`] and [`resource`] beside it; what goes back to
//! the client is an [`answer`]. What people type for a device without a browser is a [`user_code`];
//! who may act for whom is judged by [`exchange`].
//! Whether something was already used, revoked or allowed is asked of a store by the flows above:
//! nothing here remembers.

pub mod answer;
pub mod authorization;
pub mod exchange;
pub mod parameters;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod user_code;
