//! The app that shows codes (RFC 6238): set up, confirmed by its first code, removed.

use domain::event::EventKind;
use domain::factor::{Factor, Factors, Proved, Totp};
use domain::mail::LetterBody;
use domain::rejection::{Code, Fault, Refusal, Rejection};
use domain::secret::SecretText;
use domain::user::User;
use protocol::assurance::Demand;
use protocol::totp;
use serde_json::json;
use store::port::factors::{BoundFactor, ConfirmTotp, RemoveFactor};

use super::{Binder, actor, check_may_go, load, load_user, notice, reopen};
use crate::flow::account::AccountHolder;
use crate::flow::mfa::codes;
use crate::flow::sign_in::factor::{Shown, open_secret, secret_context, step_of};
use crate::flow::sign_in::verify::go_on;
use crate::flow::sign_in::{Progress, factor::prove};
use crate::flow::{Act, Flows};

/// What an app is set up with. Shown once.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The secret, for people who type it.
    pub secret: SecretText,
    /// The whole, as a link that apps read.
    pub uri: SecretText,
    /// The link as a picture.
    pub qr_svg: String,
}

/// What a confirmed app comes with.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// The account's backup codes. Shown once.
    pub backup_codes: Vec<SecretText>,
    /// How the sign-in goes on that the app was bound for.
    pub progress: Option<Progress>,
}

/// Makes a secret for an app. It counts from its first code on; until then another may be made.
///
/// # Errors
/// 409 when an app is set up already; or a fault.
pub async fn set_up(flows: &Flows, act: &Act, binder: &Binder) -> Result<Setup, Rejection> {
    let settings = &flows.settings.mfa;
    let user = &binder.user;
    let secret = totp::generate(flows.random.as_ref());
    let context = secret_context(user.id);
    let sealed = flows
        .vault
        .seal(act.tenant.id, &context, &secret, act.deadline);
    let app = Totp {
        tenant: act.tenant.id,
        user: user.id,
        sealed_secret: sealed.await?,
        digits: settings.digits,
        period: settings.period_seconds,
        created_at: act.now,
        confirmed_at: None,
        last_step: None,
    };
    let entry = act
        .entry_by(actor(user), EventKind::FactorBegun)
        .about(&user.id)
        .with(json!({ "factor": Factor::Totp.as_str() }));
    let setup = describe(flows, user, (&app, &secret));
    if !act.wait(flows.factors.begin_totp(app, entry)).await? {
        return Err(taken().into());
    }
    Ok(setup)
}

/// Gives again what an app is set up with that has not shown a code yet; nothing if none waits.
///
/// # Errors
/// A fault when the store is away.
pub async fn waiting(flows: &Flows, act: &Act, binder: &Binder) -> Result<Option<Setup>, Fault> {
    let Some(app) = unconfirmed(&binder.bound) else {
        return Ok(None);
    };
    let secret = open_secret(flows, act, app).await?;
    Ok(Some(describe(flows, &binder.user, (app, &secret))))
}

fn unconfirmed(bound: &Factors) -> Option<&Totp> {
    bound.totp.as_ref().filter(|app| app.confirmed_at.is_none())
}

fn describe(flows: &Flows, user: &User, (app, secret): (&Totp, &[u8])) -> Setup {
    let rule = totp::Totp {
        secret,
        digits: app.digits,
        period: app.period,
    };
    let uri = rule.uri(&flows.settings.mfa.issuer, user.email.as_str());
    Setup {
        secret: rule.base32(),
        qr_svg: totp::qr_svg(uri.expose()),
        uri,
    }
}

/// Binds the app that shows this code, and gives the account backup codes.
///
/// # Errors
/// 422 for a wrong code, 409 when there is nothing to confirm; or a fault.
///
/// # Cancel safety
/// The app may be bound without its backup codes being shown; they can be made anew.
pub async fn confirm(
    flows: &Flows,
    act: &Act,
    mut binder: Binder,
    (code, demand): (&SecretText, Demand),
) -> Result<Confirmed, Rejection> {
    let app = unconfirmed(&binder.bound).ok_or_else(nothing_to_confirm)?;
    let step = step_of(flows, act, app, code).await?;
    let step = step.ok_or_else(|| Refusal::field("code", "is wrong; wait for the next one"))?;
    binder.claim(flows, act).await?;
    let Binder {
        user,
        bound,
        sign_in,
    } = binder;
    let app = unconfirmed(&bound).ok_or_else(nothing_to_confirm)?;
    let made = codes::make(flows, (act.tenant.id, user.id));
    let confirmation = ConfirmTotp {
        tenant: act.tenant.id,
        user: user.id,
        created_at: app.created_at,
        step,
        at: act.now,
        backup_codes: made.signatures,
        notice: notice(
            flows,
            act,
            &user,
            LetterBody::FactorAdded {
                factor: Factor::Totp,
            },
        )?,
        entry: act
            .entry_by(actor(&user), EventKind::FactorAdded)
            .about(&user.id)
            .with(json!({ "factor": Factor::Totp.as_str() })),
    };
    if !act.wait(flows.factors.confirm_totp(confirmation)).await? {
        return Err(nothing_to_confirm().into());
    }
    flows.mail.nudge();
    reopen(flows, act, (user.id, Factor::Totp)).await;
    reopen(flows, act, (user.id, Factor::BackupCode)).await;
    let progress = match sign_in {
        None => None,
        Some(sign_in) => {
            let bound = load(flows, act, user.id).await?;
            let proved = Proved {
                factor: Factor::Totp,
                at: act.now,
            };
            let whose = (sign_in, &user, &bound);
            Some(go_on(flows, act, whose, (proved, demand)).await?)
        }
    };
    Ok(Confirmed {
        backup_codes: made.codes,
        progress,
    })
}

/// Removes the app of whoever shows a factor now.
///
/// # Errors
/// 404 without an app; 409 where a factor is required and this is the last; 401 for a wrong factor; or a
/// fault.
pub async fn remove(
    flows: &Flows,
    act: &Act,
    person: AccountHolder,
    shown: Shown,
) -> Result<(), Rejection> {
    let user = load_user(flows, act, person.user).await?;
    let bound = load(flows, act, user.id).await?;
    if bound.confirmed_totp().is_none() {
        return Err(no_app().into());
    }
    check_may_go(act, &bound)?;
    prove(flows, act, (&user, &bound), shown).await?;
    drop_app(flows, act, &user).await
}

/// Removes the app of somebody who proved who they are a short while ago.
///
/// # Errors
/// 404 without an app; 409 where a factor is required and this is the last; or a fault.
pub async fn remove_of(flows: &Flows, act: &Act, binder: &Binder) -> Result<(), Rejection> {
    if binder.bound.confirmed_totp().is_none() {
        return Err(no_app().into());
    }
    check_may_go(act, &binder.bound)?;
    drop_app(flows, act, &binder.user).await
}

fn no_app() -> Refusal {
    Refusal::new(Code::NotFound, "No app is set up.")
}

/// Removes an app; whether whoever asks may is judged before.
///
/// # Errors
/// A fault when the store is away.
pub(crate) async fn drop_app(flows: &Flows, act: &Act, user: &User) -> Result<(), Rejection> {
    let removal = RemoveFactor {
        tenant: act.tenant.id,
        user: user.id,
        which: BoundFactor::Totp,
        notice: notice(
            flows,
            act,
            user,
            LetterBody::FactorRemoved {
                factor: Factor::Totp,
            },
        )?,
        entry: act
            .entry_by(actor(user), EventKind::FactorRemoved)
            .about(&user.id)
            .with(json!({ "factor": Factor::Totp.as_str() })),
    };
    act.wait(flows.factors.remove_factor(removal)).await?;
    flows.mail.nudge();
    Ok(())
}

fn taken() -> Refusal {
    Refusal::new(
        Code::Conflict,
        "An app is set up already. Remove it before you set up another.",
    )
}

fn nothing_to_confirm() -> Refusal {
    Refusal::new(Code::Conflict, "No app waits for its first code.")
}
