//! What an interface says of a challenge, at the admin door: once, and held to what was asked.

use domain::id::UserId;
use domain::rejection::{Code, Refusal, Rejection};
use domain::user::UserStatus;
use protocol::oauth::authorization::AuthorizationErrorCode;

use super::sealed::{Challenge, Stage, Verdict, Verifier};
use crate::flow::account::Mistakes;
use crate::flow::admin::users::require_in_reach;
use crate::flow::authorize::Asked;
use crate::flow::token::mint::ACR_SINGLE_FACTOR;
use crate::flow::{Act, Flows};

/// Say who the person is.
#[derive(Debug, Clone)]
pub struct AcceptLogin {
    /// Which challenge.
    pub challenge: String,
    /// Their account.
    pub subject: String,
    /// Whether the browser stays signed in for other requests.
    pub remember: bool,
    /// How well they proved it; absent: as well as by a single factor.
    pub acr: Option<String>,
    /// How (RFC 8176).
    pub amr: Vec<String>,
}

/// Say what the person allows.
#[derive(Debug, Clone)]
pub struct AcceptConsent {
    /// Which challenge.
    pub challenge: String,
    /// Which of the scopes that are asked for.
    pub scope: Vec<String>,
    /// Which of the resources; absent: all that are asked for.
    pub resources: Option<Vec<String>>,
    /// Whether they need not be asked for it again.
    pub remember: bool,
}

/// Say that nothing comes of it.
#[derive(Debug, Clone)]
pub struct Reject {
    /// What the interface was asked to do.
    pub stage: Stage,
    /// Which challenge.
    pub challenge: String,
    /// The standard's word for the client; absent: `access_denied`.
    pub error: Option<String>,
    /// A sentence for the client's developer.
    pub description: Option<String>,
}

/// The words that an interface may have told to a client.
const ERRORS: [AuthorizationErrorCode; 9] = [
    AuthorizationErrorCode::AccessDenied,
    AuthorizationErrorCode::LoginRequired,
    AuthorizationErrorCode::ConsentRequired,
    AuthorizationErrorCode::InteractionRequired,
    AuthorizationErrorCode::AccountSelectionRequired,
    AuthorizationErrorCode::UnmetAuthenticationRequirements,
    AuthorizationErrorCode::InvalidScope,
    AuthorizationErrorCode::TemporarilyUnavailable,
    AuthorizationErrorCode::ServerError,
];

const MAX_ACR: usize = 256;
const MAX_AMR: usize = 10;
const MAX_METHOD: usize = 32;
const MAX_DESCRIPTION: usize = 200;

/// Takes who the person is, and gives where the browser is to be sent.
///
/// # Errors
/// 403 for an operator's account and a key that opens one area only; 404 as [`show`](super::show); 409
/// when the challenge was answered before; 422 for an account that may not sign in or that the request is
/// not for; or a fault.
///
/// # Cancel safety
/// The challenge may be spent without an answer; the person begins anew.
pub async fn accept_login(
    flows: &Flows,
    act: &Act,
    message: AcceptLogin,
) -> Result<String, Rejection> {
    let challenge = Challenge::open(flows, act, Stage::Login, &message.challenge)?;
    let asked = challenge.reopen(flows, act).await?;
    let user = check_subject(flows, act, &message.subject).await?;
    // Or a key for this area would make itself a key for all (OWASP ASVS 5.0 §8.2.1).
    require_in_reach(flows, act, user).await?;
    let standing = challenge.standing.map(|standing| standing.user);
    if challenge.skip && standing != Some(user) {
        let hint = "is not who is signed in; this request is answered for them, or rejected";
        return Err(Refusal::field("subject", hint).into());
    }
    if !asked.is_for(user) {
        return Err(Refusal::field("subject", "is not whom the client asks for").into());
    }
    let mut mistakes = Mistakes::default();
    check_methods(&message, &mut mistakes);
    mistakes.into_result()?;
    let verdict = Verdict::SignedIn {
        user,
        acr: message.acr.unwrap_or_else(|| ACR_SINGLE_FACTOR.to_owned()),
        amr: message.amr,
        remember: message.remember,
    };
    decide(flows, act, challenge, verdict).await
}

/// Takes what the person allows, and gives where the browser is to be sent.
///
/// # Errors
/// As [`accept_login`]; 422 for more than was asked for.
///
/// # Cancel safety
/// As [`accept_login`].
pub async fn accept_consent(
    flows: &Flows,
    act: &Act,
    message: AcceptConsent,
) -> Result<String, Rejection> {
    let challenge = Challenge::open(flows, act, Stage::Consent, &message.challenge)?;
    let asked = challenge.reopen(flows, act).await?;
    let verdict = judge_consent(&asked, message)?;
    decide(flows, act, challenge, verdict).await
}

/// Takes that nothing comes of it, and gives where the browser is to be sent.
///
/// # Errors
/// As [`accept_login`]; 422 for what no client is told.
///
/// # Cancel safety
/// As [`accept_login`].
pub async fn reject(flows: &Flows, act: &Act, message: Reject) -> Result<String, Rejection> {
    let challenge = Challenge::open(flows, act, message.stage, &message.challenge)?;
    challenge.reopen(flows, act).await?;
    let mut mistakes = Mistakes::default();
    let word = AuthorizationErrorCode::AccessDenied.as_str().to_owned();
    let error = message.error.unwrap_or(word);
    if !ERRORS.iter().any(|known| known.as_str() == error) {
        mistakes.add(
            "error",
            "is no word that an interface may have told to a client",
        );
    }
    let description = message.description;
    let description = description.unwrap_or_else(|| "the request was rejected".to_owned());
    if !is_description(&description) {
        mistakes.add(
            "error_description",
            "must be 1 to 200 printable ASCII characters without quotation marks and backslashes",
        );
    }
    mistakes.into_result()?;
    let verdict = Verdict::Rejected { error, description };
    decide(flows, act, challenge, verdict).await
}

/// Finds the word that a verdict names.
pub(super) fn error_of(word: &str) -> AuthorizationErrorCode {
    let known = ERRORS.into_iter().find(|known| known.as_str() == word);
    known.unwrap_or(AuthorizationErrorCode::ServerError)
}

/// Lets one verdict through.
async fn decide(
    flows: &Flows,
    act: &Act,
    challenge: Challenge,
    verdict: Verdict,
) -> Result<String, Rejection> {
    if !challenge.claim(flows, act, "decided").await? {
        let hint = "This request was accepted or rejected already.";
        return Err(Refusal::new(Code::Conflict, hint).into());
    }
    let (kind, id) = act.origin.actor.to_stored();
    let verifier = Verifier {
        challenge,
        verdict,
        by: format!("{kind}/{}", id.unwrap_or_default()),
        decided_at: act.now,
    };
    Ok(verifier.place(flows, act)?)
}

/// Finds an account that may sign in.
async fn check_subject(flows: &Flows, act: &Act, subject: &str) -> Result<UserId, Rejection> {
    let refused = || Refusal::field("subject", "names no account that may sign in");
    let id: UserId = subject.parse().map_err(|_| refused())?;
    let found = act.wait(flows.users.load_user(act.tenant.id, id)).await?;
    let found = found.filter(|user| user.status == UserStatus::Active);
    Ok(found.map(|user| user.id).ok_or_else(refused)?)
}

fn check_methods(message: &AcceptLogin, mistakes: &mut Mistakes) {
    let is_acr = |text: &String| {
        (1..=MAX_ACR).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !message.acr.as_ref().is_none_or(is_acr) {
        mistakes.add("acr", "must be 1 to 256 printable ASCII characters");
    }
    let is_method = |text: &String| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        (1..=MAX_METHOD).contains(&text.len()) && text.bytes().all(fits)
    };
    if message.amr.len() > MAX_AMR || !message.amr.iter().all(is_method) {
        let hint = "must be at most 10 names of methods (RFC 8176), 32 characters each";
        mistakes.add("amr", hint);
    }
}

fn judge_consent(asked: &Asked, message: AcceptConsent) -> Result<Verdict, Refusal> {
    let request = &asked.request;
    let mut mistakes = Mistakes::default();
    let disclosed = asked.disclosed();
    let is_asked = |scope: &String| disclosed.contains(scope);
    if !message.scope.iter().all(is_asked) {
        mistakes.add("grant_scope", "holds a scope that was not asked for");
    }
    let all = &request.resources;
    let resources = message.resources.unwrap_or_else(|| all.clone());
    if !resources.iter().all(|one| all.contains(one)) {
        let hint = "holds a resource that was not asked for";
        mistakes.add("grant_access_token_audience", hint);
    }
    // A token for no resource would be one for us.
    if resources.is_empty() && !all.is_empty() {
        let hint = "must hold one of the resources that were asked for";
        mistakes.add("grant_access_token_audience", hint);
    }
    mistakes.into_result()?;
    Ok(Verdict::Allowed {
        scope: message.scope,
        resources,
        remember: message.remember,
    })
}

fn is_description(text: &str) -> bool {
    // RFC 6749 §4.1.2.1.
    let fits = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
    (1..=MAX_DESCRIPTION).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(acr: Option<&str>, amr: &[&str]) -> Result<(), Refusal> {
        let message = AcceptLogin {
            challenge: String::new(),
            subject: String::new(),
            remember: false,
            acr: acr.map(str::to_owned),
            amr: amr.iter().map(|text| (*text).to_owned()).collect(),
        };
        let mut mistakes = Mistakes::default();
        check_methods(&message, &mut mistakes);
        mistakes.into_result()
    }

    #[test]
    fn methods_are_words_and_few() {
        assert!(login(None, &[]).is_ok());
        assert!(login(Some("urn:nist:sp:800-63b-4:aal2"), &["pwd", "otp"]).is_ok());
        for acr in ["", "a b", "\u{e9}", &"a".repeat(257)] {
            assert!(login(Some(acr), &[]).is_err(), "{acr}");
        }
        for amr in [&["a b"][..], &[""], &["x"; 11]] {
            assert!(login(None, amr).is_err(), "{amr:?}");
        }
    }

    #[test]
    fn rfc_6749_4_1_2_1_a_description_is_plain() {
        assert!(is_description("the account is being reviewed"));
        for text in ["", "a\"b", "a\\b", "a\nb", "\u{fc}ber", &"a".repeat(201)] {
            assert!(!is_description(text), "{text:?}");
        }
    }
}
