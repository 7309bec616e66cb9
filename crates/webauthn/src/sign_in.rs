//! The authentication ceremony: a passkey is shown (§7.2).
//!
//! As the whole sign-in nobody is known before: the authenticator says whose passkey it is, and it must
//! have found out who was there. As a second factor the account is known, and only its passkeys count.
//! In between, the caller looks the passkey up by [`Answer::credential_id`].

use domain::random::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs_core::proto::{
    AuthenticationState, Credential, PublicKeyCredential, UserVerificationPolicy,
};

use crate::{Problem, RelyingParty, from_value, mint_challenge, replace, strict, to_value};

/// A sign-in in progress. Secret, and good for one answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignIn {
    sign_in: AuthenticationState,
    /// Whose passkeys count, and which; nobody's in particular for a whole sign-in.
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    handle: Vec<u8>,
    passkeys: Vec<Vec<u8>>,
}

/// What a browser answered.
#[derive(Debug)]
pub struct Answer(PublicKeyCredential);

/// A passkey as it is bound.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is kept of it.
    pub credential: &'a Value,
    /// The handle of the account that it is bound to.
    pub handle: &'a [u8],
}

/// That a passkey was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// The handle of the account that it is bound to.
    pub handle: Vec<u8>,
    /// What is to be kept of it now.
    pub credential: Value,
    /// How often it signed. The store takes it only if it is above what it has, or both are zero.
    pub sign_count: u32,
    /// Whether it is copied to other devices now.
    pub is_backed_up: bool,
    /// Whether the authenticator found out who was there.
    pub is_user_verified: bool,
}

// === impl RelyingParty ===

impl RelyingParty {
    /// Begins a whole sign-in, for a button or for the address field (conditional mediation, which the
    /// page asks for). The options are what `PublicKeyCredential.parseRequestOptionsFromJSON` takes.
    ///
    /// # Errors
    /// [`Problem::Broken`], which does not happen.
    pub fn begin_sign_in(&self, random: &dyn Random) -> Result<(Value, SignIn), Problem> {
        self.begin(random, Vec::new(), None)
    }

    /// Begins to ask an account that is known for one of its passkeys.
    ///
    /// # Errors
    /// [`Problem::Broken`] without a passkey, and for one that does not read.
    pub fn begin_second_factor(
        &self,
        random: &dyn Random,
        handle: &[u8],
        passkeys: &[Value],
    ) -> Result<(Value, SignIn), Problem> {
        if passkeys.is_empty() {
            return Err(Problem::Broken);
        }
        let read = passkeys.iter().cloned().map(from_value::<Credential>);
        let passkeys: Vec<Credential> = read.collect::<Result<_, _>>()?;
        let asked = Asked {
            handle: handle.to_vec(),
            passkeys: passkeys.iter().map(|one| one.cred_id.clone()).collect(),
        };
        self.begin(random, passkeys, Some(asked))
    }

    fn begin(
        &self,
        random: &dyn Random,
        passkeys: Vec<Credential>,
        asked: Option<Asked>,
    ) -> Result<(Value, SignIn), Problem> {
        let policy = match asked {
            None => UserVerificationPolicy::Required,
            Some(_) => UserVerificationPolicy::Preferred,
        };
        let (options, mut state) = self
            .core
            .new_challenge_authenticate_builder(passkeys, Some(policy))
            .and_then(|builder| self.core.generate_challenge_authenticate(builder))
            .map_err(|_| Problem::Broken)?;
        // They are looked up again when they are shown: counters move on.
        state.set_allowed_credentials(Vec::new());
        let (mut options, mut state) = (to_value(&options)?, to_value(&state)?);
        let challenge = mint_challenge(random);
        replace(&mut options, "/publicKey/challenge", json!(challenge))?;
        replace(&mut state, "/challenge", json!(challenge))?;
        let sign_in = SignIn {
            sign_in: from_value(state)?,
            asked,
        };
        let public_key = options.pointer_mut("/publicKey").map(Value::take);
        Ok((public_key.ok_or(Problem::Broken)?, sign_in))
    }

    /// Judges what a browser answered by the passkey that it names.
    ///
    /// # Errors
    /// Any [`Problem`] but [`Problem::AlreadyBound`] and [`Problem::NotAllowed`].
    pub fn finish_sign_in(
        &self,
        state: &SignIn,
        answer: &Answer,
        known: Known<'_>,
    ) -> Result<Shown, Problem> {
        let response = &answer.0.response;
        strict::check_client_data(&response.client_data_json, "webauthn.get", &self.origins)?;
        strict::check_assertion_data(&response.authenticator_data)?;
        state.check_owner(answer, known)?;
        let mut credential: Credential = from_value(known.credential.clone())?;
        let result =
            self.core
                .authenticate_single_credential(&answer.0, &state.sign_in, &credential)?;
        credential.counter = result.counter();
        credential.backup_state = result.backup_state();
        Ok(Shown {
            credential_id: credential.cred_id.clone(),
            handle: known.handle.to_vec(),
            sign_count: result.counter(),
            is_backed_up: result.backup_state(),
            is_user_verified: result.user_verified(),
            credential: to_value(&credential)?,
        })
    }
}

// === impl SignIn ===

impl SignIn {
    /// Writes the state, to be sealed.
    ///
    /// # Errors
    /// [`Problem::Broken`], which does not happen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Problem> {
        serde_json::to_vec(self).map_err(|_| Problem::Broken)
    }

    /// Reads what [`SignIn::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Problem::Broken`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|_| Problem::Broken)
    }

    /// Checks that the passkey is one of those that were asked for, and its owner who they are said to be
    /// (§7.2, steps 5 and 6).
    fn check_owner(&self, answer: &Answer, known: Known<'_>) -> Result<(), Problem> {
        let said = answer.0.get_user_unique_id();
        let is_owned = match &self.asked {
            None => said == Some(known.handle),
            Some(asked) => {
                asked.handle == known.handle
                    && said.is_none_or(|said| said == known.handle)
                    && asked.passkeys.iter().any(|id| id == answer.credential_id())
            }
        };
        is_owned.then_some(()).ok_or(Problem::Refused)
    }
}

// === impl Answer ===

impl Answer {
    /// Reads what a browser answered, as `PublicKeyCredential.toJSON` writes it.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub fn parse(json: &[u8]) -> Result<Self, Problem> {
        let answer: PublicKeyCredential =
            serde_json::from_slice(json).map_err(|_| Problem::Malformed)?;
        strict::check_envelope(&answer.id, &answer.raw_id, &answer.type_)?;
        Ok(Self(answer))
    }

    /// Gives what the authenticator calls the passkey that is shown: what to look it up by.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }
}
