//! What is generated from `api/auth.proto`: messages, server, client, and what reflection shows.
//!
//! It is committed, so that nobody needs `protoc` or a build script. A test generates it again and
//! compares; `UPDATE_API=1 cargo test --lib grpc::wire` writes it anew.

#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::as_conversions,
    reason = "it is generated"
)]

include!("wire/auth.v1.rs.in");

/// The contract as reflection shows it: a `google.protobuf.FileDescriptorSet`.
pub(super) const DESCRIPTORS: &[u8] = include_bytes!("wire/auth.v1.bin");

#[cfg(test)]
mod tests;
