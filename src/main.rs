//! One binary: the service, and what an operator types. The story is in `cli` and `boot`.

use std::process::ExitCode;

/// Faster than the system's allocator under many small, short-lived requests.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    auth_service::cli::run()
}
