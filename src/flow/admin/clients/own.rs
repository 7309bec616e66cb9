//! What clients that describe themselves share with those that an operator registers: the rules, and how
//! ids and secrets are made.

use domain::client::{ClientMetadata, ClientType};
use domain::rejection::Refusal;

pub(in crate::flow) use super::registration::{defaults_of, detail, has_secret};
pub(in crate::flow) use super::sector::check as check_sector;
pub(in crate::flow) use super::{mint_id, mint_secret};

use super::registration::MetadataPatch;
use super::terms;
use crate::flow::Flows;
use crate::flow::account::Mistakes;

/// Lays what a client says over `base`, and judges the whole as if an operator had said it.
///
/// # Errors
/// 422 naming every wrong field.
pub(in crate::flow) fn judge(
    flows: &Flows,
    client_type: ClientType,
    base: ClientMetadata,
    said: MetadataPatch,
) -> Result<ClientMetadata, Refusal> {
    let mut mistakes = Mistakes::default();
    let metadata = said.over(base, terms(flows, client_type), &mut mistakes);
    mistakes.into_result()?;
    Ok(metadata)
}
