//! What a start says to the person who made it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use domain::secret::SecretText;

/// Where the doors are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doors {
    /// The public door.
    pub(crate) public: SocketAddr,
    /// The admin door.
    pub(crate) admin: SocketAddr,
    /// The gRPC door.
    pub(crate) grpc: SocketAddr,
    /// Whether they speak TLS.
    pub(crate) is_tls: bool,
}

/// Writes where the doors are, the first key if one was made, and what to try next.
pub(crate) fn render(doors: Doors, first_key: Option<&SecretText>) -> String {
    let scheme = if doors.is_tls { "https" } else { "http" };
    let public = format!("{scheme}://{}", reachable(doors.public));
    let admin = format!("{scheme}://{}", reachable(doors.admin));
    let mut text = format!(
        "\nauth-service is ready\n\n  \
         public   {public}          readable contract at {public}/docs\n  \
         admin    {admin}          readable contract at {admin}/docs, pages at {admin}/console\n  \
         gRPC     {}\n",
        reachable(doors.grpc)
    );
    if let Some(key) = first_key {
        let key = key.expose();
        let _ = write!(
            text,
            "\nAdmin API key, shown this once:\n\n  {key}\n\n  \
             curl -s {admin}/admin/users -H 'x-api-key: {key}'\n"
        );
    }
    let _ = write!(
        text,
        "\nTry next: register, sign in, refresh.\n\n{}",
        lines(&public)
    );
    text
}

/// Three lines that work when pasted one after the other.
fn lines(public: &str) -> String {
    let json = "-H 'content-type: application/json'";
    let person = r#""email":"ada@example.org","password":"a quiet garden in the rain""#;
    format!(
        "  curl -s {public}/auth/register {json} -d '{{{person},\"name\":\"Ada\"}}'\n  \
         REFRESH=$(curl -s {public}/auth/login {json} -d '{{{person}}}' | tee /dev/stderr | sed \
         's/.*\"refresh_token\":\"\\([^\"]*\\)\".*/\\1/')\n  \
         curl -s {public}/auth/token/refresh {json} -d '{{\"refresh_token\":\"'\"$REFRESH\"'\"}}'\n"
    )
}

/// Gives an address that a person on this machine can use.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors() -> Doors {
        let at = |port| SocketAddr::from(([0, 0, 0, 0], port));
        Doors {
            public: at(4000),
            admin: at(4001),
            grpc: at(4002),
            is_tls: false,
        }
    }

    #[test]
    fn the_first_start_shows_the_key_and_three_lines() {
        let key = SecretText::new("qf_ak_example".to_owned());
        let text = render(doors(), Some(&key));
        assert_eq!(text.matches("qf_ak_example").count(), 2);
        assert_eq!(text.matches("http://localhost:4000/auth/").count(), 3);
    }

    #[test]
    fn a_later_start_shows_no_key() {
        assert!(!render(doors(), None).contains("qf_ak_"));
    }
}
