//! Printing mails: the courier of development.

use std::io::{self, Write};

use actors::mail::{Courier, CourierFault};
use domain::id::{MailId, TenantId};
use domain::mail::Letter;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Letterhead, LetterheadOf, find_letterhead, render, temporary};

/// Prints each mail with its link to standard output: not to the log, which holds no token and no
/// address.
pub struct PrintCourier {
    letterhead_of: LetterheadOf,
}

// === impl PrintCourier ===

impl PrintCourier {
    /// Prints mails in the name of these tenants.
    #[must_use]
    pub const fn new(letterhead_of: LetterheadOf) -> Self {
        Self { letterhead_of }
    }

    fn print(&self, tenant: TenantId, letter: &Letter) -> Result<(), CourierFault> {
        let head = find_letterhead(&self.letterhead_of, tenant)?;
        let text = show(&head, letter);
        io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .map_err(|error| temporary(error.to_string()))
    }
}

impl Courier for PrintCourier {
    fn deliver(
        &self,
        _mail: MailId,
        tenant: TenantId,
        letter: Letter,
    ) -> BoxFuture<'_, Result<(), CourierFault>> {
        async move { self.print(tenant, &letter) }.boxed()
    }
}

fn show(head: &Letterhead, letter: &Letter) -> String {
    let message = render(head, letter);
    format!(
        "\n--- mail to {} ---\nSubject: {}\n\n{}\n--- end of mail ---\n",
        letter.to, message.subject, message.text
    )
}

#[cfg(test)]
mod tests {
    use domain::mail::LetterBody;

    use super::*;

    #[test]
    fn a_printed_mail_shows_the_link_to_follow() {
        let token = "qf_ot_abc".to_owned();
        let letter = Letter {
            to: "ada@example.org".to_owned(),
            name: "Ada".to_owned(),
            language: None,
            body: LetterBody::VerifyEmail { token },
        };
        let shown = show(&Letterhead::plain("http://localhost:4000"), &letter);
        assert!(
            shown.contains("http://localhost:4000/verify-email?token=qf_ot_abc"),
            "{shown}"
        );
        assert!(shown.contains("to ada@example.org"));
    }
}
