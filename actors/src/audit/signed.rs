//! What a checkpoint's signatures are over. Pure.
//!
//! They are made with a key derived from `SYSTEM_SECRETS`, which no store has: whoever can write to the database
//! can write an entry and compute its seal, but no checkpoint. See `docs/decisions/0021`.

use domain::id::TenantId;
use domain::time::UnixMillis;
use protocol::system_secrets::{Label, SystemSecrets};
use store::port::audit::ChainHead;
use store::port::checkpoints::Checkpoint;

/// Signs how far a chain has come.
#[must_use]
pub fn sign(
    secrets: &SystemSecrets,
    tenant: TenantId,
    head: ChainHead,
    at: UnixMillis,
) -> Checkpoint {
    let unsigned = Checkpoint {
        tenant,
        head,
        at,
        signature: [0; 32],
        purged: None,
    };
    Checkpoint {
        signature: secrets.sign(Label::Checkpoint, &text(&unsigned)),
        ..unsigned
    }
}

/// Says whether we signed this checkpoint.
#[must_use]
pub fn is_signed(secrets: &SystemSecrets, one: &Checkpoint) -> bool {
    secrets.is_signed(Label::Checkpoint, &text(one), &one.signature)
}

/// Says whether we signed that the entries up to it may be gone.
#[must_use]
pub fn may_be_gone(secrets: &SystemSecrets, one: &Checkpoint) -> bool {
    one.purged
        .is_some_and(|purged| secrets.is_signed(Label::AuditPurge, &text(one), &purged))
}

/// Signs that the entries up to a checkpoint may be gone.
pub(super) fn let_go(secrets: &SystemSecrets, one: &Checkpoint) -> Checkpoint {
    Checkpoint {
        purged: Some(secrets.sign(Label::AuditPurge, &text(one))),
        ..*one
    }
}

/// Signs a checkpoint of ours anew, if that was done under an older secret.
pub(super) fn renew(secrets: &SystemSecrets, one: &Checkpoint) -> Option<Checkpoint> {
    let fresh = sign(secrets, one.tenant, one.head, one.at);
    let fresh = match one.purged {
        Some(_) if may_be_gone(secrets, one) => let_go(secrets, &fresh),
        // What is not ours stays as it is, to be found.
        purged => Checkpoint { purged, ..fresh },
    };
    (fresh != *one && is_signed(secrets, one)).then_some(fresh)
}

/// Each part has one length, so no two checkpoints have one text.
fn text(one: &Checkpoint) -> Vec<u8> {
    let tenant = one.tenant.as_uuid();
    [
        tenant.as_bytes().as_slice(),
        &one.head.chain_no.to_be_bytes(),
        &one.at.as_millis().to_be_bytes(),
        &one.head.seal,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use domain::random::Counting;
    use domain::secret::SecretBytes;

    use super::*;

    fn secrets(seeds: &[u8]) -> SystemSecrets {
        let list = seeds.iter().map(|seed| SecretBytes::new(vec![*seed; 32]));
        SystemSecrets::new(&list.collect::<Vec<_>>()).unwrap()
    }

    fn checkpoint(secrets: &SystemSecrets) -> Checkpoint {
        let at = UnixMillis::from_seconds(1);
        let tenant = TenantId::generate(at, &Counting::default());
        let head = ChainHead {
            chain_no: 7,
            seal: [7; 32],
        };
        sign(secrets, tenant, head, at)
    }

    #[test]
    fn whatever_is_changed_is_not_signed() {
        let secrets = secrets(&[1]);
        let one = checkpoint(&secrets);
        assert!(is_signed(&secrets, &one));
        let mut changed = [one; 5];
        changed[0].tenant = TenantId::generate(UnixMillis::from_seconds(9), &Counting::default());
        changed[1].head.chain_no = 6;
        changed[2].head.seal[31] = 0;
        changed[3].at = UnixMillis::from_seconds(2);
        changed[4].signature[0] ^= 1;
        assert!(changed.iter().all(|one| !is_signed(&secrets, one)));
    }

    #[test]
    fn a_checkpoint_is_no_leave_to_delete() {
        let secrets = secrets(&[1]);
        let one = checkpoint(&secrets);
        let passed_off = Checkpoint {
            purged: Some(one.signature),
            ..one
        };
        assert!(!may_be_gone(&secrets, &one) && !may_be_gone(&secrets, &passed_off));
        assert!(may_be_gone(&secrets, &let_go(&secrets, &one)));
    }

    #[test]
    fn a_new_first_secret_signs_anew_what_is_ours_and_nothing_else() {
        let (old, both, new) = (secrets(&[1]), secrets(&[2, 1]), secrets(&[2]));
        let one = let_go(&old, &checkpoint(&old));
        let renewed = renew(&both, &one).expect("it was the older one's");
        assert!(is_signed(&new, &renewed) && may_be_gone(&new, &renewed));
        assert_eq!(renew(&both, &renewed), None);
        let forged = Checkpoint {
            signature: [0; 32],
            ..one
        };
        assert_eq!(renew(&both, &forged), None);
        let passed_off = Checkpoint {
            purged: Some([0; 32]),
            ..checkpoint(&old)
        };
        let renewed = renew(&both, &passed_off).expect("it was the older one's");
        assert!(is_signed(&new, &renewed) && !may_be_gone(&new, &renewed));
    }
}
