//! Handing mails to a web service as JSON.

use actors::mail::{Courier, CourierFault};
use domain::email::EmailAddress;
use domain::id::{MailId, TenantId};
use domain::mail::Letter;
use domain::secret::SecretText;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use serde::Serialize;
use url::Url;

use super::message::message_id;
use super::{LetterheadOf, NoCourier, PATIENCE, find_letterhead, permanent, render, temporary};

/// Posts each mail to `EMAIL_SERVICE_URL`, with `EMAIL_API_KEY` as bearer token if there is one. Any
/// 2xx is a delivery; redirects are not followed, because they would carry the key along.
pub struct HttpCourier {
    http: reqwest::Client,
    url: Url,
    api_key: Option<SecretText>,
    sender: String,
    letterhead_of: LetterheadOf,
}

/// A mail as the service takes it.
#[derive(Serialize)]
struct Post<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    message_id: &'a str,
}

// === impl HttpCourier ===

impl HttpCourier {
    /// Makes a courier to the service at `url`.
    ///
    /// # Errors
    /// [`NoCourier::Http`] when no TLS provider is installed.
    pub fn new(
        url: Url,
        api_key: Option<SecretText>,
        sender: &EmailAddress,
        letterhead_of: LetterheadOf,
    ) -> Result<Self, NoCourier> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(NoCourier::Http)?;
        Ok(Self {
            http,
            url,
            api_key,
            sender: sender.as_str().to_owned(),
            letterhead_of,
        })
    }

    async fn post(
        &self,
        mail: MailId,
        tenant: TenantId,
        letter: &Letter,
    ) -> Result<(), CourierFault> {
        let head = find_letterhead(&self.letterhead_of, tenant)?;
        let message = render(&head, letter);
        let post = Post {
            from: &self.sender,
            to: &letter.to,
            subject: &message.subject,
            text: &message.text,
            html: &message.html,
            message_id: &message_id(&head.issuer, mail),
        };
        let mut request = self.http.post(self.url.clone()).json(&post);
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key.expose());
        }
        // The URL may hold a credential of the operator's.
        let sent = request.send().await.map_err(reqwest::Error::without_url);
        let response = sent.map_err(|error| temporary(error.to_string()))?;
        judge(response.status())
    }
}

impl Courier for HttpCourier {
    fn deliver(
        &self,
        mail: MailId,
        tenant: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        async move { self.post(mail, tenant, &letter).await }.boxed()
    }
}

/// A refusal is for good, unless it says that it is about now (RFC 9110 §15.5.9, RFC 6585 §4).
fn judge(status: StatusCode) -> Result<(), CourierFault> {
    let text = || format!("the mail service answered {}", status.as_u16());
    match status {
        ok if ok.is_success() => Ok(()),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(temporary(text())),
        refused if refused.is_client_error() => Err(permanent(text())),
        _ => Err(temporary(text())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::mail::LetterBody;
    use domain::random::Counting;
    use domain::time::UnixMillis;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::Letterhead;
    use super::*;

    #[test]
    fn a_refusal_is_for_good_unless_it_is_about_now() {
        let permanent = |code| {
            judge(StatusCode::from_u16(code).expect("a status"))
                .err()
                .map(|f| f.permanent)
        };
        assert_eq!((permanent(200), permanent(202)), (None, None));
        for code in [400, 401, 403, 404, 422] {
            assert_eq!(permanent(code), Some(true), "{code}");
        }
        for code in [301, 408, 429, 500, 502, 503] {
            assert_eq!(permanent(code), Some(false), "{code}");
        }
    }

    /// Answers one request and gives what it said.
    async fn serve(listener: TcpListener, answer: &str) -> String {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&request).contains("</html>") {
            let read = stream.read(&mut chunk).await.expect("reads");
            request.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(answer.as_bytes()).await.expect("writes");
        String::from_utf8(request).expect("text")
    }

    #[tokio::test]
    async fn a_mail_is_posted_as_json_with_the_key() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let url = Url::parse(&format!("http://{address}/send")).expect("a URL");
        let sender = EmailAddress::parse("auth@example.org").expect("an address");
        let key = Some(SecretText::new("hush".to_owned()));
        let letterhead_of: LetterheadOf =
            Arc::new(|_| Some(Letterhead::plain("http://localhost:4000")));
        let courier = HttpCourier::new(url, key, &sender, letterhead_of).expect("a courier");
        let (now, random) = (UnixMillis::from_millis(1), Counting::default());
        let letter = Letter {
            to: "ada@example.org".to_owned(),
            name: "Ada".to_owned(),
            language: None,
            body: LetterBody::PasswordChanged,
        };
        let mail = MailId::generate(now, &random);
        let tenant = TenantId::generate(now, &random);
        let answer = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        let (sent, seen) = tokio::join!(
            courier.deliver(mail, tenant, letter),
            serve(listener, answer)
        );
        assert_eq!(sent, Ok(()));
        assert!(seen.starts_with("POST /send ") && seen.contains("authorization: Bearer hush"));
        for part in [
            "\"from\":\"auth@example.org\"",
            "\"to\":\"ada@example.org\"",
            "\"subject\":",
            "\"text\":",
            &format!("<{mail}@localhost>"),
        ] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
    }
}
