//! One fuzz target for each reader of what strangers write; the target is named as its reader is.

#![no_main]

use auth_service::http::readers::READERS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (name, read) in READERS {
        if name == env!("CARGO_BIN_NAME") {
            read(bytes);
        }
    }
});
