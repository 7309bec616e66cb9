//! Looking for the device that a person names (RFC 8628 §3.3).

use std::time::Duration;

use domain::rejection::{Code, Refusal, Rejection};
use protocol::oauth::user_code::UserCode;
use store::port::devices::WaitingDevice;

use super::AskedDevice;
use super::begin::may_wait;
use crate::flow::browser::Browser;
use crate::flow::{Act, Flows};

/// How many codes one network may try, and how many one account (RFC 8628 §5.1).
const TRIES: u64 = 10;
const HOUR: Duration = Duration::from_hours(1);

/// Finds the device whose code a person typed. Every try counts, right or wrong, so that nobody finds out
/// by counting.
///
/// # Errors
/// 422 for a code that names no waiting device; 429 after too many tries; or a fault.
///
/// # Cancel safety
/// The try may be counted.
pub async fn find(
    flows: &Flows,
    act: &Act,
    typed: &str,
    browser: Option<&Browser>,
) -> Result<AskedDevice, Rejection> {
    // What cannot be a code is a slip: it tells nobody anything.
    let code = UserCode::parse(typed).ok_or_else(unknown)?;
    spend_tries(flows, act, browser).await?;
    let device = look_up(flows, act, &code).await?.ok_or_else(unknown)?;
    let tenants = &flows.tenants;
    let client = tenants.client(act.tenant.id, &device.client, act.deadline);
    let client = client
        .await?
        .filter(|client| !client.disabled && may_wait(client))
        .ok_or_else(unknown)?;
    Ok(AskedDevice {
        device,
        user_code: code.shown(),
        client,
    })
}

async fn look_up(
    flows: &Flows,
    act: &Act,
    code: &UserCode,
) -> Result<Option<WaitingDevice>, Rejection> {
    for key in code.keys(&flows.secrets) {
        let found = flows.devices.find_device(act.tenant.id, key, act.now);
        if let Some(device) = act.wait(found).await? {
            return Ok(Some(device));
        }
    }
    Ok(None)
}

async fn spend_tries(flows: &Flows, act: &Act, browser: Option<&Browser>) -> Result<(), Rejection> {
    let network = act.network.map(|network| network.address().to_string());
    let account = browser.map(|browser| browser.user.id.to_string());
    let keys = [
        network.map(|address| format!("device/from/{address}")),
        account.map(|user| format!("device/by/{user}")),
    ];
    for key in keys.into_iter().flatten() {
        let spent = flows.limits.spend(key, TRIES, HOUR, act.deadline).await?;
        let too_many = "too many codes were tried; wait and look at the device again";
        spent.map_err(|rest| Refusal::new(Code::RateLimited, too_many).retry_after(rest))?;
    }
    Ok(())
}

fn unknown() -> Refusal {
    Refusal::field("user_code", "names no device that waits")
}
