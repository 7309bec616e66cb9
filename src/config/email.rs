//! Mail: whether it leaves the house, and by which way.

use domain::email::EmailAddress;
use domain::secret::SecretText;
use url::Url;

use crate::config::kind::text::{EMAIL, SECRET};
use crate::config::kind::web::{HTTP_URL, SMTP_URL};
use crate::config::kind::{Choice, FLAG, Parsed};
use crate::config::mistake::Mistake;
use crate::config::values::Values;
use crate::config::variable::{Declared, Required, of, variables};

/// How mails are sent.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// By which way.
    pub route: EmailRoute,
    /// From whom; `EMAIL_SENDER_ADDRESS`.
    pub sender: EmailAddress,
}

/// By which way mails leave.
#[derive(Debug, Clone)]
pub enum EmailRoute {
    /// A web service takes them.
    Http {
        /// Where it takes them; `EMAIL_SERVICE_URL`.
        url: Url,
        /// What it knows us by; `EMAIL_API_KEY`.
        api_key: Option<SecretText>,
    },
    /// A mail server takes them; its URL with user and password, `EMAIL_SMTP_URL`.
    Smtp(SecretText),
}

variables! {
    /// Send mails. Otherwise development and test print them, staging and production give them up.
    EMAIL_ENABLED: Choice<bool> = of(FLAG).or("false");
    /// Web service that takes mails as JSON. Goes before `EMAIL_SMTP_URL` when both are set. One of
    /// the two is required when `EMAIL_ENABLED` is true.
    EMAIL_SERVICE_URL: Parsed<Url> = of(HTTP_URL);
    /// Bearer credential for that service.
    EMAIL_API_KEY: Parsed<SecretText> = of(SECRET).secret();
    /// Address that mails come from.
    EMAIL_SENDER_ADDRESS: Parsed<EmailAddress> =
        of(EMAIL).required(Required::WhenTrue("EMAIL_ENABLED"));
    /// Mail server that takes mails: `smtps://` for TLS from the first byte, `smtp://…?tls=required`
    /// for STARTTLS. This or `EMAIL_SERVICE_URL` is required when `EMAIL_ENABLED` is true.
    EMAIL_SMTP_URL: Parsed<SecretText> = of(SMTP_URL).secret();
}

// === impl EmailSettings ===

impl EmailSettings {
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Mistake> {
        if !values.get(&EMAIL_ENABLED)? {
            return Ok(None);
        }
        Ok(Some(Self {
            route: EmailRoute::read(values)?,
            sender: values.get(&EMAIL_SENDER_ADDRESS)?,
        }))
    }
}

impl EmailRoute {
    fn read(values: &Values) -> Result<Self, Mistake> {
        if let Some(url) = values.find(&EMAIL_SERVICE_URL)? {
            let api_key = values.find(&EMAIL_API_KEY)?;
            return Ok(Self::Http { url, api_key });
        }
        let smtp = values.find(&EMAIL_SMTP_URL)?;
        smtp.map(Self::Smtp).ok_or_else(|| no_route(values))
    }
}

/// Says that mails are to be sent but there is no way for them.
pub(super) fn no_route(values: &Values) -> Mistake {
    let way = EMAIL_SERVICE_URL.expected();
    let expected = format!("{way}, or EMAIL_SMTP_URL, when EMAIL_ENABLED is true");
    values.mistake(&EMAIL_SERVICE_URL, expected)
}
