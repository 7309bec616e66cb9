//! A device begins to wait (RFC 8628 §3.1, §3.2).

use std::time::Duration;

use domain::client::Client;
use domain::rejection::{Code, Fault, OAuthCode, Refusal, Rejection};
use domain::secret::SecretText;
use protocol::oauth::authorization::check_device;
use protocol::oauth::parameters::Parameters;
use protocol::oauth::user_code::UserCode;
use protocol::opaque::RandomToken;
use store::port::devices::NewDevice;

use crate::flow::token::client_auth::{self, KnownClient};
use crate::flow::token::{ClientAuth, device_code};
use crate::flow::{Act, Flows};

/// Let a device wait for a person.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The client that it is.
    pub client: ClientAuth,
    /// What it asks for.
    pub parameters: Parameters,
}

/// What a device is told (RFC 8628 §3.2).
#[derive(Debug, Clone)]
pub struct Begun {
    /// What it asks the token endpoint with.
    pub device_code: SecretText,
    /// What it shows the person.
    pub user_code: String,
    /// Where the person types that.
    pub verification_uri: String,
    /// The same with the code in it, to be shown as a picture (§3.3.1).
    pub verification_uri_complete: String,
    /// For how long it may wait.
    pub expires_in: Duration,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// How long a device may wait.
const LIFETIME: Duration = Duration::from_mins(10);
/// How long it waits between two questions (RFC 8628 §3.2: 5 s unless said otherwise).
const INTERVAL: Duration = Duration::from_secs(5);
/// How many user codes are drawn until one is free; that the first is taken is next to impossible.
const DRAWS: usize = 3;
/// How many devices of clients that do not authenticate may begin from one network.
const PER_NETWORK: u64 = 600;
const HOUR: Duration = Duration::from_hours(1);

/// Lets a device wait.
///
/// # Errors
/// `invalid_client`, `unauthorized_client`, `invalid_scope`, `invalid_target`; 429 for a network that
/// begins too often; or a fault.
///
/// # Cancel safety
/// A device that nobody knows of may be left waiting; it expires.
pub async fn begin(flows: &Flows, act: &Act, message: Begin) -> Result<Begun, Rejection> {
    let known = client_auth::authenticate(flows, act, message.client).await?;
    known.require_grant(device_code::GRANT)?;
    let client = known
        .registration()
        .ok_or_else(|| Refusal::oauth(OAuthCode::InvalidClient, "client_id is missing"))?;
    let (scope, resources) = check_device(&message.parameters, client).map_err(|error| {
        let code = OAuthCode::of_authorization(error.code.as_str());
        Refusal::oauth(code, error.hint)
    })?;
    spend_place(flows, act, &known).await?;
    let minted = RandomToken::DeviceCode.mint(&flows.secrets, flows.random.as_ref());
    let user_code = UserCode::mint(flows.random.as_ref());
    let device = NewDevice {
        tenant: act.tenant.id,
        signature: minted.signature,
        user_code: user_code.key(&flows.secrets),
        client: client.id.clone(),
        scope,
        resources,
        created_at: act.now,
        expires_at: act.now + LIFETIME,
        interval: INTERVAL,
    };
    let user_code = store(flows, act, device, user_code).await?.shown();
    let verification_uri = format!("{}/device", act.issuer);
    Ok(Begun {
        device_code: minted.token,
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        user_code,
        verification_uri,
        expires_in: LIFETIME,
        interval: INTERVAL,
    })
}

/// Stores the device, under another user code if its own is taken; gives the one it has.
async fn store(
    flows: &Flows,
    act: &Act,
    mut device: NewDevice,
    mut user_code: UserCode,
) -> Result<UserCode, Fault> {
    for _ in 0..DRAWS {
        if act.wait(flows.devices.begin_device(device.clone())).await? {
            return Ok(user_code);
        }
        user_code = UserCode::mint(flows.random.as_ref());
        device.user_code = user_code.key(&flows.secrets);
    }
    Err(Fault::Broken("no user code is free".to_owned()))
}

/// Counts a device against its network, if anybody could have begun it: each costs a row.
async fn spend_place(flows: &Flows, act: &Act, known: &KnownClient) -> Result<(), Rejection> {
    let Some(network) = act.network.filter(|_| known.is_public()) else {
        return Ok(());
    };
    let key = format!("device/begin/{}", network.address());
    let spent = flows.limits.spend(key, PER_NETWORK, HOUR, act.deadline);
    let too_many = "Too many devices began to wait from this network. Try again later.";
    spent
        .await?
        .map_err(|rest| Refusal::new(Code::RateLimited, too_many).retry_after(rest))?;
    Ok(())
}

/// Says whether a client is still one that devices may be.
pub(super) fn may_wait(client: &Client) -> bool {
    let mut grants = client.metadata.grant_types.iter();
    grants.any(|grant| grant == device_code::GRANT)
}
