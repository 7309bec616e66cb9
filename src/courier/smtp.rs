//! Handing mails to a mail server (RFC 5321, RFC 3207).

use actors::mail::{Courier, CourierFault};
use domain::email::EmailAddress;
use domain::id::{MailId, TenantId};
use domain::mail::Letter;
use domain::secret::SecretText;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::message::{message_id, plain};
use super::{
    Letterhead, LetterheadOf, NoCourier, PATIENCE, find_letterhead, permanent, render, temporary,
};

/// Sends each mail through the server of `EMAIL_SMTP_URL`: `smtps://` for TLS from the first byte,
/// `smtp://…?tls=required` for STARTTLS.
pub struct SmtpCourier {
    server: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    letterhead_of: LetterheadOf,
}

/// As many connections as mails are under way at once.
const CONNECTIONS: u32 = 4;

// === impl SmtpCourier ===

impl SmtpCourier {
    /// Makes a courier to the server at `url`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`NoCourier::Smtp`] or [`NoCourier::Sender`].
    ///
    /// # Panics
    /// Outside a runtime: connections are kept by a task.
    pub fn new(
        url: &SecretText,
        sender: &EmailAddress,
        letterhead_of: LetterheadOf,
    ) -> Result<Self, NoCourier> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| NoCourier::Smtp)?
            .timeout(Some(PATIENCE))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        let sender = parse_address(sender.as_str()).ok_or(NoCourier::Sender)?;
        Ok(Self {
            server,
            sender: Mailbox::new(None, sender),
            letterhead_of,
        })
    }

    async fn send(
        &self,
        mail: MailId,
        tenant: TenantId,
        letter: &Letter,
    ) -> Result<(), CourierFault> {
        let head = find_letterhead(&self.letterhead_of, tenant)?;
        let message = compose(&self.sender, &head, mail, letter)?;
        // Besides the timeout of each command: a server that is slow at every one is given up too.
        match tokio::time::timeout(PATIENCE * 2, self.server.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(temporary("the mail server took too long")),
        }
    }
}

impl Courier for SmtpCourier {
    fn deliver(
        &self,
        mail: MailId,
        tenant: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        async move { self.send(mail, tenant, &letter).await }.boxed()
    }
}

fn compose(
    sender: &Mailbox,
    head: &Letterhead,
    mail: MailId,
    letter: &Letter,
) -> Result<Message, CourierFault> {
    let to = parse_address(&letter.to)
        .ok_or_else(|| permanent("the recipient's address cannot be written into a mail"))?;
    let name = Some(plain(&letter.name)).filter(|name| !name.is_empty());
    let written = render(head, letter);
    Message::builder()
        .from(sender.clone())
        .to(Mailbox::new(name, to))
        .subject(written.subject)
        .message_id(Some(message_id(&head.issuer, mail)))
        .multipart(MultiPart::alternative_plain_html(
            written.text,
            written.html,
        ))
        .map_err(|_| permanent("the mail could not be composed"))
}

fn parse_address(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// Says what failed without the server's own words: they often repeat the recipient's address.
fn judge(error: &smtp::Error) -> CourierFault {
    match error.status() {
        Some(code) if error.is_permanent() => permanent(format!("the mail server answered {code}")),
        Some(code) => temporary(format!("the mail server answered {code}")),
        None if error.is_timeout() => temporary("the mail server took too long"),
        None if error.is_tls() => temporary("no TLS with the mail server"),
        None => temporary("the mail server could not be reached, or answered nonsense"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::mail::LetterBody;
    use domain::random::Counting;
    use domain::time::UnixMillis;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// Speaks just enough SMTP for one mail, answering its recipient with `verdict`.
    async fn serve(listener: TcpListener, verdict: &str) -> String {
        let (stream, _) = listener.accept().await.expect("a caller");
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut seen, mut in_body) = (String::new(), false);
        write.write_all(b"220 test\r\n").await.expect("writes");
        while let Ok(Some(line)) = lines.next_line().await {
            seen.push_str(&line);
            seen.push('\n');
            let answer = match line.as_str() {
                "." => "250 taken",
                _ if in_body => continue,
                "DATA" => "354 go on",
                "QUIT" => break,
                line if line.starts_with("RCPT") => verdict,
                _ => "250 fine",
            };
            in_body = line == "DATA";
            let answer = format!("{answer}\r\n");
            if write.write_all(answer.as_bytes()).await.is_err() || line == "." {
                break;
            }
        }
        seen
    }

    fn letter() -> (MailId, TenantId, Letter) {
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        let letter = Letter {
            to: "ada@example.org".to_owned(),
            name: "Ada \"Countess\" Lovelace\r\nBcc: eve@example.org".to_owned(),
            language: None,
            body: LetterBody::PasswordChanged,
        };
        (
            MailId::generate(now, &random),
            TenantId::generate(now, &random),
            letter,
        )
    }

    async fn deliver(verdict: &str) -> (Result<(), CourierFault>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let url = SecretText::new(format!("smtp://{address}"));
        let sender = EmailAddress::parse("auth@example.org").expect("an address");
        let letterhead_of: LetterheadOf =
            Arc::new(|_| Some(Letterhead::plain("http://localhost:4000")));
        let courier = SmtpCourier::new(&url, &sender, letterhead_of).expect("a courier");
        let (mail, tenant, letter) = letter();
        let delivery = async {
            let delivered = courier.deliver(mail, tenant, letter).await;
            drop(courier);
            delivered
        };
        tokio::join!(delivery, serve(listener, verdict))
    }

    #[tokio::test]
    async fn a_mail_goes_to_its_recipient_alone_whatever_the_name_says() {
        let (sent, seen) = deliver("250 fine").await;
        assert_eq!(sent, Ok(()));
        assert!(seen.contains("RCPT TO:<ada@example.org>"), "{seen}");
        assert!(
            !seen.contains("RCPT TO:<eve@example.org>") && !seen.contains("\nBcc:"),
            "{seen}"
        );
        assert!(
            seen.contains("Message-ID: <") && seen.contains("multipart/alternative"),
            "{seen}"
        );
    }

    #[test]
    fn no_name_stops_a_mail() {
        let sender = Mailbox::new(None, parse_address("auth@example.org").expect("an address"));
        let (mail, _, mut letter) = letter();
        for name in [
            "",
            "a\0b",
            "🦀 ü ß",
            "\"<>,;:@\\",
            &"ü".repeat(200),
            "=?utf-8?q?x?=",
        ] {
            name.clone_into(&mut letter.name);
            assert!(
                compose(
                    &sender,
                    &Letterhead::plain("http://localhost:4000"),
                    mail,
                    &letter
                )
                .is_ok(),
                "{name:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_refused_recipient_is_for_good_and_a_full_mailbox_is_not() {
        let (refused, _) = deliver("550 ada@example.org is unknown here").await;
        let refused = refused.expect_err("refused");
        assert!(
            refused.permanent && !refused.text.contains("ada"),
            "{}",
            refused.text
        );
        let (full, _) = deliver("452 later").await;
        assert!(!full.expect_err("not now").permanent);
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_refused_without_showing_it() {
        let url = SecretText::new("smtp//user:hush@host".to_owned());
        let sender = EmailAddress::parse("auth@example.org").expect("an address");
        let none = SmtpCourier::new(&url, &sender, Arc::new(|_| None)).err();
        let text = none.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            text.contains("EMAIL_SMTP_URL") && !text.contains("hush"),
            "{text}"
        );
    }
}
