//! Whether an answer may go where a request wants it (RFC 9700 §2.1, RFC 6749 §3.1.2.3).
//!
//! Nothing is parsed, decoded or normalised: what a client registered and what a request says are
//! compared byte for byte, because two parsers that disagree are how codes are stolen. One thing may
//! vary, the port of a loopback address (RFC 8252 §7.3): an application on a person's own device
//! listens wherever the system lets it. `localhost` is a name, which others may resolve differently,
//! and so gets no such licence (RFC 8252 §8.3).

/// What a loopback redirect URI begins with (RFC 8252 §7.3).
const LOOPBACKS: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Says whether a redirect URI is one of those that a client registered.
#[must_use]
pub fn is_registered(registered: &[String], presented: &str) -> bool {
    registered
        .iter()
        .any(|one| one == presented || differs_in_port_only(one, presented))
}

/// Says whether both are on the same loopback address and differ at most in the port.
fn differs_in_port_only(registered: &str, presented: &str) -> bool {
    LOOPBACKS.iter().any(|loopback| {
        let known = registered.strip_prefix(loopback).and_then(skip_port);
        known.is_some() && known == presented.strip_prefix(loopback).and_then(skip_port)
    })
}

/// Gives what follows the port, if there is one. After it comes a path, a query or nothing: anything
/// else would make a longer host or a user name of what looked like an address.
fn skip_port(after_host: &str) -> Option<&str> {
    let rest = match after_host.strip_prefix(':') {
        Some(text) => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = text.split_at_checked(digits)?;
            is_port(port).then_some(rest)?
        }
        None => after_host,
    };
    let ends_host = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    ends_host.then_some(rest)
}

/// Says whether digits are a port in its one spelling.
fn is_port(digits: &str) -> bool {
    !digits.starts_with('0') && digits.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests;
