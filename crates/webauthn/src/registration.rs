//! The registration ceremony: a passkey is bound (§7.1).

use domain::random::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs_core::proto::{
    AttestationConveyancePreference, COSEAlgorithm, Credential, RegisterPublicKeyCredential,
    RegistrationState, RequestRegistrationExtensions, UserVerificationPolicy,
};

use crate::{
    AllowList, Problem, RelyingParty, from_value, mint_challenge, replace, strict, to_value,
};

/// Whose passkey it is to be (§5.4.3).
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// What authenticators call the account: 64 bytes at most, and nothing that names a person.
    pub handle: &'a [u8],
    /// What its owner calls it: an address.
    pub name: &'a str,
    /// What its owner is called.
    pub display_name: &'a str,
}

/// A registration in progress. Secret, and good for one answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    registration: RegistrationState,
    exclude: Vec<Vec<u8>>,
}

/// A passkey to bind. That nobody else has bound it is the store's to see to (§7.1, step 26).
#[derive(Debug, Clone, PartialEq)]
pub struct NewPasskey {
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// What is kept of it.
    pub credential: Value,
    /// How often it signed, as it says itself; zero if it does not count.
    pub sign_count: u32,
    /// Whether it may be copied to other devices of its owner.
    pub is_backup_eligible: bool,
    /// Whether it is copied now.
    pub is_backed_up: bool,
    /// Whether the authenticator found out who was there.
    pub is_user_verified: bool,
}

/// The longest handle (§5.4.3).
const MAX_HANDLE: usize = 64;

// === impl RelyingParty ===

impl RelyingParty {
    /// Begins to bind a passkey to an account that has bound those of `exclude` already. The options are
    /// what `PublicKeyCredential.parseCreationOptionsFromJSON` takes.
    ///
    /// # Errors
    /// [`Problem::Broken`] for a handle or a name that is empty or too long.
    pub fn begin_registration(
        &self,
        random: &dyn Random,
        account: Account<'_>,
        exclude: &[Vec<u8>],
        allowed: Option<&AllowList>,
    ) -> Result<(Value, Registration), Problem> {
        if account.handle.len() > MAX_HANDLE {
            return Err(Problem::Broken);
        }
        let builder = self
            .core
            .new_challenge_register_builder(account.handle, account.name, account.display_name)
            .map_err(|_| Problem::Broken)?
            .credential_algorithms(COSEAlgorithm::secure_algs())
            .attestation(conveyance(allowed))
            .user_verification_policy(verification(allowed))
            .require_resident_key(true)
            .exclude_credentials(Some(exclude.to_vec()))
            .extensions(Some(extensions()));
        let (options, state) = self
            .core
            .generate_challenge_register(builder)
            .map_err(|_| Problem::Broken)?;
        let (mut options, mut state) = (to_value(&options)?, to_value(&state)?);
        let challenge = mint_challenge(random);
        replace(&mut options, "/publicKey/challenge", json!(challenge))?;
        replace(&mut state, "/challenge", json!(challenge))?;
        // The library does not say why it refuses one of these, so we look ourselves.
        replace(&mut state, "/exclude_credentials", json!([]))?;
        let registration = Registration {
            registration: from_value(state)?,
            exclude: exclude.to_vec(),
        };
        let public_key = options.pointer_mut("/publicKey").map(Value::take);
        Ok((public_key.ok_or(Problem::Broken)?, registration))
    }

    /// Takes what a browser answered, as `PublicKeyCredential.toJSON` writes it, and judges it by the list
    /// that the tenant has now.
    ///
    /// # Errors
    /// Any [`Problem`] but [`Problem::Copied`].
    pub fn finish_registration(
        &self,
        state: &Registration,
        answer: &[u8],
        allowed: Option<&AllowList>,
    ) -> Result<NewPasskey, Problem> {
        let answer: RegisterPublicKeyCredential =
            serde_json::from_slice(answer).map_err(|_| Problem::Malformed)?;
        let response = &answer.response;
        strict::check_envelope(&answer.id, &answer.raw_id, &answer.type_)?;
        strict::check_client_data(&response.client_data_json, "webauthn.create", &self.origins)?;
        if strict::check_attestation_object(&response.attestation_object)? != answer.raw_id {
            return Err(Problem::Malformed);
        }
        if state.exclude.contains(&answer.raw_id) {
            return Err(Problem::AlreadyBound);
        }
        let list = allowed.map(AllowList::as_list);
        let credential = self
            .core
            .register_credential(&answer, &state.registration, list)?;
        NewPasskey::of(&credential)
    }
}

fn conveyance(allowed: Option<&AllowList>) -> AttestationConveyancePreference {
    match allowed {
        Some(_) => AttestationConveyancePreference::Direct,
        None => AttestationConveyancePreference::None,
    }
}

/// Whoever can be verified is; a key without a PIN is still a second factor.
fn verification(allowed: Option<&AllowList>) -> UserVerificationPolicy {
    match allowed {
        Some(_) => UserVerificationPolicy::Required,
        None => UserVerificationPolicy::Preferred,
    }
}

fn extensions() -> RequestRegistrationExtensions {
    RequestRegistrationExtensions {
        cred_protect: None,
        uvm: None,
        cred_props: Some(true),
        min_pin_length: None,
        hmac_create_secret: None,
    }
}

// === impl Registration ===

impl Registration {
    /// Writes the state, to be sealed.
    ///
    /// # Errors
    /// [`Problem::Broken`], which does not happen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Problem> {
        serde_json::to_vec(self).map_err(|_| Problem::Broken)
    }

    /// Reads what [`Registration::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Problem::Broken`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|_| Problem::Broken)
    }
}

// === impl NewPasskey ===

impl NewPasskey {
    fn of(credential: &Credential) -> Result<Self, Problem> {
        Ok(Self {
            credential_id: credential.cred_id.clone(),
            sign_count: credential.counter,
            is_backup_eligible: credential.backup_eligible,
            is_backed_up: credential.backup_state,
            is_user_verified: credential.user_verified,
            credential: to_value(credential)?,
        })
    }
}
