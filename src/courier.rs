//! Couriers: how mails leave the house (the outbox is `actors::mail`).
//!
//! [`http`] hands them to a web service, [`smtp`] to a mail server; development prints them. A
//! courier tries once and says whether trying again is of any use; waiting and repeating is the
//! outbox' work. A repeat carries the same `Message-ID`, by which a receiver can tell it.
//!
//! Links are built from the tenant's configured issuer alone, never from anything a request said; name,
//! picture and colour are the tenant's, and the language is the person's ([`render`]). What a courier says of a failure holds no address and no token.

use std::sync::Arc;
use std::time::Duration;

use actors::mail::{Courier, CourierFault};
use domain::id::{MailId, TenantId};
use domain::mail::Letter;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::config::{EmailRoute, Settings};

pub mod http;
pub mod letterhead;
pub mod message;
pub mod print;
pub mod smtp;

pub use letterhead::Letterhead;
pub use message::{Message, render};

use http::HttpCourier;
use print::PrintCourier;
use smtp::SmtpCourier;

/// Tells in whose name a tenant's letters are written; `None` when there is no such tenant any more.
pub type LetterheadOf = Arc<dyn Fn(TenantId) -> Option<Letterhead> + Send + Sync>;

/// How long handing over one mail may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A courier could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum NoCourier {
    /// The HTTP client could not be made.
    #[error("EMAIL_SERVICE_URL: no HTTP client can be made: {0}")]
    Http(#[source] reqwest::Error),
    /// The mail server's URL cannot be used. Its text stays hidden, as it may hold a password.
    #[error("EMAIL_SMTP_URL: expected smtp:// or smtps:// with a host")]
    Smtp,
    /// The sender's address cannot be written into a mail.
    #[error("EMAIL_SENDER_ADDRESS: not an address that mails can come from")]
    Sender,
}

/// Chooses the courier that the settings ask for. Where mails are off, development prints them and
/// production gives them up, so that no token is ever printed there.
///
/// # Errors
/// See [`NoCourier`].
///
/// # Panics
/// Outside a runtime, when mails go by SMTP: connections are kept by a task.
pub fn from_settings(
    settings: &Settings,
    letterhead_of: LetterheadOf,
) -> Result<Arc<dyn Courier>, NoCourier> {
    let Some(email) = &settings.email else {
        return Ok(if settings.environment.is_production_like() {
            Arc::new(NoWay)
        } else {
            Arc::new(PrintCourier::new(letterhead_of))
        });
    };
    Ok(match &email.route {
        EmailRoute::Http { url, api_key } => Arc::new(HttpCourier::new(
            url.clone(),
            api_key.clone(),
            &email.sender,
            letterhead_of,
        )?),
        EmailRoute::Smtp(url) => Arc::new(SmtpCourier::new(url, &email.sender, letterhead_of)?),
    })
}

/// The courier of a service that sends no mails.
struct NoWay;

impl Courier for NoWay {
    fn deliver(
        &self,
        _mail: MailId,
        _tenant: TenantId,
        _letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        async { Err(permanent("mails are switched off (EMAIL_ENABLED)")) }.boxed()
    }
}

/// Gives the tenant's letterhead.
fn find_letterhead(
    letterhead_of: &LetterheadOf,
    tenant: TenantId,
) -> Result<Letterhead, CourierFault> {
    // A tenant that was just made may not be known here yet.
    letterhead_of(tenant).ok_or_else(|| temporary("the tenant is not known"))
}

fn permanent(text: impl Into<String>) -> CourierFault {
    CourierFault {
        permanent: true,
        text: text.into(),
    }
}

fn temporary(text: impl Into<String>) -> CourierFault {
    CourierFault {
        permanent: false,
        text: text.into(),
    }
}
